package telemetry

import (
	"context"
	"errors"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"codeforge/internal/llm"
)

// Model has the calls of a model counted and traced.
func (t *Telemetry) Model(next llm.Provider) llm.Provider { return &model{t, next} }

type model struct {
	t    *Telemetry
	next llm.Provider
}

// Name is part of [llm.Provider].
func (m *model) Name() string { return m.next.Name() }

// Generate is part of [llm.Provider].
func (m *model) Generate(ctx context.Context, req *llm.Request, sink func(llm.Delta)) (*llm.Response, error) {
	told := req.Routing.Observe
	m.t.metrics.models.inFlight.Inc()
	defer m.t.metrics.models.inFlight.Dec()
	ctx, span := m.t.traces.startCall(ctx, req)
	watched := *req
	watched.Routing.Observe = func(a llm.Attempt) {
		m.t.attempted(ctx, a)
		m.t.traces.attempted(ctx, a)
		if told != nil {
			told(a)
		}
	}
	resp, err := m.next.Generate(ctx, &watched, sink)
	m.t.traces.endCall(span, resp, err)
	return resp, err
}

// attempted counts a call of a model, one that was not sent too.
func (t *Telemetry) attempted(ctx context.Context, a llm.Attempt) {
	s := t.metrics.models.of(a.Provider, a.Model)
	if a.Err != nil {
		if over, ok := errors.AsType[*llm.BudgetError](a.Err); ok {
			s.m.refused.WithLabelValues(string(over.Scope)).Inc()
		}
	}
	if a.Next != llm.NextDone {
		s.count(s.m.next, string(a.Next), 1)
	}
	if a.Skipped != "" {
		s.count(s.m.skipped, strings.ReplaceAll(a.Skipped, " ", "_"), 1)
		return
	}
	outcome := "ok"
	if a.Err != nil {
		outcome = string(a.Kind)
	}
	s.count(s.m.attempts, outcome, 1)
	observe(ctx, s.m.took.WithLabelValues(s.provider, s.model), a.Latency)
	if a.FirstToken > 0 {
		observe(ctx, s.m.first.WithLabelValues(s.provider, s.model), a.FirstToken)
	}
	s.count(s.m.tokens, "input", float64(a.Usage.InputTokens))
	s.count(s.m.tokens, "cached", float64(a.Usage.CachedReadTokens))
	s.count(s.m.tokens, "cache_write", float64(a.Usage.CacheWriteTokens))
	s.count(s.m.tokens, "output", float64(a.Usage.OutputTokens))
	s.count(s.m.tokens, "reasoning", float64(a.Usage.ReasoningTokens))
	s.m.cost.WithLabelValues(s.provider, s.model).Add(max(float64(a.Cost.MicroUSD), 0) / 1e6)
}

// models are the metrics of calls. Series may name what routes name: what a request asked for beside them is other.
type models struct {
	attempts, skipped, next, tokens, refused, cost *prometheus.CounterVec
	first, took                                    *prometheus.HistogramVec
	inFlight                                       prometheus.Gauge

	router func() *llm.Router // nil: nothing is routed

	mu    sync.Mutex
	asked *llm.Router // whose routes known is of
	known map[string]bool
}

// modelSeries are those of one model.
type modelSeries struct {
	m               *models
	provider, model string
}

func (m *models) of(provider, model string) modelSeries {
	s := modelSeries{m, other, other}
	if m.router == nil {
		return s
	}
	r := m.router()
	m.mu.Lock()
	defer m.mu.Unlock()
	if r != m.asked {
		m.asked, m.known = r, r.Routed()
	}
	if _, ok := r.Configured()[provider]; ok {
		s.provider = provider
		if m.known[provider+":"+model] {
			s.model = model
		}
	}
	return s
}

// count adds to the series of a third label.
func (s modelSeries) count(v *prometheus.CounterVec, third string, n float64) {
	if n > 0 {
		v.WithLabelValues(s.provider, s.model, third).Add(n)
	}
}
