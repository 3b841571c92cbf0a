// Package telemetry says what a server does to those who operate it: metrics for Prometheus, traces by OpenTelemetry, and the ids
// of traces in log lines. Other packages have hooks and counters and know nothing of it; whoever builds a server brings the two together.
package telemetry

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"codeforge"
)

// Telemetry is what one server says of itself.
type Telemetry struct {
	metrics *metrics
	traces  *tracing // nil: nobody wants them
}

// New begins as OpenTelemetry's variables say. Trouble with exporting goes to log. Close ends it.
func New(ctx context.Context, getenv func(string) string, log *slog.Logger) (*Telemetry, error) {
	traces, err := newTracing(ctx, getenv, log)
	if err != nil {
		return nil, err
	}
	return &Telemetry{newMetrics(), traces}, nil
}

// Close sends what is left, as long as ctx lasts.
func (t *Telemetry) Close(ctx context.Context) error {
	if t.traces == nil {
		return nil
	}
	return t.traces.close(ctx)
}

// Metrics answers with all metrics, as text or in the OpenMetrics format, which has exemplars.
func (t *Telemetry) Metrics() http.Handler {
	return promhttp.HandlerFor(t.metrics.registry, promhttp.HandlerOpts{EnableOpenMetrics: true, MaxRequestsInFlight: 4, Timeout: 10 * time.Second, ErrorHandling: promhttp.ContinueOnError})
}

// metrics are those of one server. What is told by hooks is counted when it happens; what lies in counters and gauges elsewhere is
// read when somebody asks, see [Sources].
type metrics struct {
	registry *prometheus.Registry

	http     endpoints
	inFlight prometheus.Gauge

	submitted, claims, ended, retries, leases *prometheus.CounterVec
	startDelay, run                           *prometheus.HistogramVec

	models models

	rungs   *prometheus.HistogramVec
	commits *prometheus.HistogramVec
	batches prometheus.Histogram
}

func newMetrics() *metrics {
	m := &metrics{registry: prometheus.NewRegistry()}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.gauges(buildInfo).WithLabelValues(codeforge.Version).Set(1)
	m.http = endpoints{counts: m.counters(httpRequests), times: m.histograms(httpSeconds)}
	m.inFlight = m.gauges(httpInFlight).WithLabelValues()
	m.submitted, m.claims, m.ended = m.counters(jobsSubmitted), m.counters(jobClaims), m.counters(jobsEnded)
	m.retries, m.leases = m.counters(jobRetries), m.counters(leases)
	m.startDelay, m.run = m.histograms(jobStartDelay), m.histograms(jobRun)
	m.models = models{inFlight: m.gauges(llmInFlight).WithLabelValues(), attempts: m.counters(llmAttempts), skipped: m.counters(llmSkipped), next: m.counters(llmRetries), tokens: m.counters(llmTokens),
		refused: m.counters(llmRefused), cost: m.counters(llmCost), first: m.histograms(llmFirst), took: m.histograms(llmSeconds)}
	m.rungs, m.commits = m.histograms(rungSeconds), m.histograms(sqliteCommit)
	m.batches = m.histograms(sqliteBatch).WithLabelValues().(prometheus.Histogram)
	return m
}

func (m *metrics) counters(d *Metric) *prometheus.CounterVec {
	v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: d.Name, Help: d.Help}, d.Labels)
	m.registry.MustRegister(v)
	return v
}

func (m *metrics) gauges(d *Metric) *prometheus.GaugeVec {
	v := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: d.Name, Help: d.Help}, d.Labels)
	m.registry.MustRegister(v)
	return v
}

func (m *metrics) histograms(d *Metric) *prometheus.HistogramVec {
	v := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: d.Name, Help: d.Help, Buckets: d.Buckets}, d.Labels)
	m.registry.MustRegister(v)
	return v
}

// endpoints count requests. What belongs to one route, method and class of status is found once: a request costs a look into a
// map that nobody locks.
type endpoints struct {
	counts *prometheus.CounterVec
	times  *prometheus.HistogramVec

	mu    sync.Mutex // of those who add one
	known atomic.Pointer[map[endpoint]*endpointSeries]
}

type endpoint struct {
	route, method string
	class         int // 2: 2xx
}

type endpointSeries struct {
	count prometheus.Counter
	time  prometheus.Observer
}

// methods are those that series may have; any other is a word of a client's.
var methods = map[string]bool{http.MethodGet: true, http.MethodHead: true, http.MethodPost: true, http.MethodPut: true, http.MethodPatch: true,
	http.MethodDelete: true, http.MethodOptions: true}

func methodLabel(method string) string {
	if !methods[method] {
		return other
	}
	return method
}

// classes of a status.
var classes = [...]string{"other", "1xx", "2xx", "3xx", "4xx", "5xx"}

func (e *endpoints) of(k endpoint) *endpointSeries {
	if known := e.known.Load(); known != nil {
		if s := (*known)[k]; s != nil {
			return s
		}
	}
	k.method = methodLabel(k.method)
	if k.class < 1 || k.class >= len(classes) {
		k.class = 0
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	all := map[endpoint]*endpointSeries{}
	if known := e.known.Load(); known != nil {
		if s := (*known)[k]; s != nil {
			return s
		}
		maps.Copy(all, *known)
	}
	s := &endpointSeries{e.counts.WithLabelValues(k.route, k.method, classes[k.class]), e.times.WithLabelValues(k.route, k.method)}
	all[k] = s
	e.known.Store(&all)
	return s
}
