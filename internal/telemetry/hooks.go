package telemetry

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"codeforge"
	"codeforge/internal/api"
	"codeforge/internal/jobs"
	"codeforge/internal/sqlite"
)

// other stands for whatever is not in the set that a label may have.
const other = "other"

// Begin is the context in which a request is served.
func (t *Telemetry) Begin(r *http.Request) context.Context {
	t.metrics.inFlight.Inc()
	return r.Context()
}

// Answered counts a request that is over.
func (t *Telemetry) Answered(ctx context.Context, a api.Answer) {
	t.metrics.inFlight.Dec()
	s := t.metrics.http.of(endpoint{a.Route, a.Method, a.Status / 100})
	s.count.Inc()
	if !a.Streamed {
		observe(ctx, s.time, a.Took)
	}
}

// observe notes a time, and beside it the trace in which it was taken.
func observe(ctx context.Context, o prometheus.Observer, d time.Duration) {
	if id := codeforge.TraceID(ctx); id != "" {
		if e, ok := o.(prometheus.ExemplarObserver); ok {
			e.ObserveWithExemplar(d.Seconds(), prometheus.Labels{"trace_id": id})
			return
		}
	}
	o.Observe(d.Seconds())
}

// agentLabel is the name of an agent; a job of an older database may name one that is none.
func agentLabel(t codeforge.AgentType) string {
	if t.Agent() == nil {
		return other
	}
	return string(t)
}

// JobHooks count what an engine does.
func (t *Telemetry) JobHooks() jobs.Hooks {
	m := t.metrics
	renewed, lost := m.leases.WithLabelValues("renewed"), m.leases.WithLabelValues("lost")
	return jobs.Hooks{
		Submitted: func(j codeforge.Job) { m.submitted.WithLabelValues(agentLabel(j.Agent)).Inc() },
		Claimed: func(ctx context.Context, j codeforge.Job) (context.Context, func()) {
			kind := "again"
			switch {
			case j.Crashes > 0:
				kind = "after_crash"
			case j.Fence == 1:
				kind = "first"
				if j.StartedAt != nil {
					m.startDelay.WithLabelValues(agentLabel(j.Agent)).Observe(max(j.StartedAt.Sub(j.CreatedAt), 0).Seconds())
				}
			}
			m.claims.WithLabelValues(agentLabel(j.Agent), kind).Inc()
			return ctx, func() {}
		},
		Ended: func(ctx context.Context, j codeforge.Job, how jobs.End, took time.Duration) {
			m.ended.WithLabelValues(agentLabel(j.Agent), string(how)).Inc()
			observe(ctx, m.run.WithLabelValues(agentLabel(j.Agent)), took)
			if how == jobs.EndRetry {
				m.retries.WithLabelValues(agentLabel(j.Agent)).Inc()
			}
		},
		Renewed: func(held, gone int) {
			renewed.Add(float64(held))
			lost.Add(float64(gone))
		},
	}
}

// RungTaken notes how long a step of evidence took.
func (t *Telemetry) RungTaken(ctx context.Context, r codeforge.Rung) {
	observe(ctx, t.metrics.rungs.WithLabelValues(string(r.Name), string(r.Status)), time.Duration(r.DurationMS)*time.Millisecond)
}

// Committed notes a transaction of the embedded store.
func (t *Telemetry) Committed() func(sqlite.Commit) {
	m := t.metrics
	fine, failed := m.commits.WithLabelValues("ok"), m.commits.WithLabelValues("failed")
	return func(c sqlite.Commit) {
		o := fine
		if c.Failed {
			o = failed
		}
		o.Observe(c.Took.Seconds())
		m.batches.Observe(float64(c.Writes))
	}
}
