package telemetry

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"codeforge"
	"codeforge/internal/api"
	"codeforge/internal/jobs"
	"codeforge/internal/sqlite"
)

// other stands for whatever is not in the set that a label may have.
const other = "other"

// probes are asked all the time, and of interest only to who traces the asker.
var probes = map[string]bool{"/health": true, "/livez": true, "/readyz": true, "/ready": true, "/metrics": true}

// Begin is the context in which a request is served: within its client's trace, if that names one.
func (t *Telemetry) Begin(r *http.Request) context.Context {
	t.metrics.inFlight.Inc()
	ctx := r.Context()
	parent := r.Header.Get("Traceparent")
	if t.traces == nil || parent == "" && probes[r.URL.Path] {
		return ctx
	}
	if parent != "" {
		ctx = remote(ctx, parent, r.Header.Get("Tracestate"))
	}
	method := methodLabel(r.Method)
	ctx, _ = t.traces.tracer.Start(ctx, method, trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(attribute.String(httpMethod, method)))
	return codeforge.WithTracer(ctx, t.traces)
}

// Answered counts a request that is over.
func (t *Telemetry) Answered(ctx context.Context, a api.Answer) {
	t.metrics.inFlight.Dec()
	s := t.metrics.http.of(endpoint{a.Route, a.Method, a.Status / 100})
	s.count.Inc()
	traced := t.traces != nil && codeforge.IsTraced(ctx)
	switch {
	case a.Streamed:
	case traced:
		observe(ctx, s.time, a.Took)
	default:
		s.time.Observe(a.Took.Seconds())
	}
	if !traced {
		return
	}
	span := trace.SpanFromContext(ctx)
	span.SetName(methodLabel(a.Method) + " " + a.Route)
	span.SetAttributes(attribute.String(httpRoute, a.Route), attribute.Int(httpStatus, a.Status), attribute.String(ourRequest, a.RequestID))
	if a.JobID != "" {
		span.SetAttributes(attribute.String(ourJob, a.JobID))
	}
	if a.Status >= 500 && a.Err == nil {
		span.SetStatus(codes.Error, http.StatusText(a.Status))
	}
	if a.Status < 500 { // the client's fault
		a.Err = nil
	}
	endSpan(span, a.Err)
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
	submitted := map[string]prometheus.Counter{other: m.submitted.WithLabelValues(other)} // a trigger should not pay for looking
	for _, a := range codeforge.Agents {
		submitted[string(a.Type)] = m.submitted.WithLabelValues(string(a.Type))
	}
	return jobs.Hooks{
		Submitted: func(j codeforge.Job) { submitted[agentLabel(j.Agent)].Inc() },
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
			return t.runBegan(ctx, j)
		},
		Ended: func(ctx context.Context, j codeforge.Job, how jobs.End, took time.Duration) {
			m.ended.WithLabelValues(agentLabel(j.Agent), string(how)).Inc()
			observe(ctx, m.run.WithLabelValues(agentLabel(j.Agent)), took)
			t.runEnded(ctx, how)
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

// runBegan begins the trace of a run. It is one of its own, since a run may come hours after its request and more than once; a link
// leads to the request.
func (t *Telemetry) runBegan(ctx context.Context, j codeforge.Job) (context.Context, func()) {
	if t.traces == nil {
		return ctx, func() {}
	}
	about := []trace.SpanStartOption{trace.WithNewRoot(), trace.WithSpanKind(trace.SpanKindConsumer), trace.WithAttributes(
		attribute.String(genOperation, operationAgent), attribute.String(genAgent, agentLabel(j.Agent)), attribute.String(genConversation, j.ProjectID),
		attribute.String(ourJob, j.ID), attribute.String(ourProject, j.ProjectID), attribute.Int64(ourFence, j.Fence))}
	about = append(about, linkTo(j.TraceParent)...)
	ctx, span := t.traces.tracer.Start(ctx, operationAgent+" "+agentLabel(j.Agent), about...)
	return codeforge.WithTracer(ctx, t.traces), func() { span.End() }
}

// linkTo leads from a span to what caused it, if that was traced.
func linkTo(parent string) []trace.SpanStartOption {
	from := trace.SpanContextFromContext(remote(context.Background(), parent, ""))
	if !from.IsValid() {
		return nil
	}
	return []trace.SpanStartOption{trace.WithLinks(trace.Link{SpanContext: from})}
}

// DeliveryBegan begins the trace of an attempt to deliver to a webhook, with a link to the request whose job it tells of, and returns
// what ends it. It is one of its own as runs are: it comes later, and more than once.
func (t *Telemetry) DeliveryBegan(ctx context.Context, c codeforge.WebhookClaim) (context.Context, func(codeforge.WebhookOutcome)) {
	if t.traces == nil {
		return ctx, func(codeforge.WebhookOutcome) {}
	}
	about := append(linkTo(c.TraceParent), trace.WithNewRoot(), trace.WithSpanKind(trace.SpanKindProducer), trace.WithAttributes(
		attribute.String(ourWebhook, c.WebhookID), attribute.String(ourDelivery, c.ID), attribute.Int(ourTry, c.Tries)))
	ctx, span := t.traces.tracer.Start(ctx, "deliver "+string(c.Type), about...)
	return codeforge.WithTracer(ctx, t.traces), func(o codeforge.WebhookOutcome) {
		if o.Attempt.Status != 0 {
			span.SetAttributes(attribute.Int(httpStatus, o.Attempt.Status))
		}
		span.SetAttributes(attribute.String(ourOutcome, string(o.Status)))
		if o.Status != codeforge.WebhookDelivered {
			span.SetAttributes(attribute.String(errorType, string(o.Status)))
			span.SetStatus(codes.Error, "nobody took it")
		}
		span.End()
	}
}

// runEnded notes in the trace of a run how it ended.
func (t *Telemetry) runEnded(ctx context.Context, how jobs.End) {
	if t.traces == nil {
		return
	}
	span := trace.SpanFromContext(ctx)
	span.SetAttributes(attribute.String(ourEnd, string(how)))
	if how == jobs.EndFailed || how == jobs.EndTimedOut || how == jobs.EndRetry {
		span.SetAttributes(attribute.String(errorType, string(how)))
		span.SetStatus(codes.Error, "the run ended as "+string(how))
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
