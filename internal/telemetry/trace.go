package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"codeforge"
)

// tracing is where spans go. It is a [codeforge.Tracer].
type tracing struct {
	tracer   trace.Tracer
	close    func(context.Context) error
	contents bool // of prompts and answers are told
}

// wantsTraces reads OpenTelemetry's variables as far as they say whether and how traces are exported; the rest is read by its SDK.
// Nothing set is off.
func wantsTraces(getenv func(string) string) (bool, error) {
	endpoint := getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != ""
	exporter := strings.ToLower(strings.TrimSpace(getenv("OTEL_TRACES_EXPORTER")))
	switch {
	case strings.EqualFold(getenv("OTEL_SDK_DISABLED"), "true"), exporter == "none", exporter == "" && !endpoint:
		return false, nil
	case exporter != "" && exporter != "otlp":
		return false, fmt.Errorf("OTEL_TRACES_EXPORTER: %q is not known here: use otlp, which every collector takes, or none", exporter)
	}
	for _, name := range []string{"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"} {
		if p := getenv(name); p != "" && p != "http/protobuf" {
			return false, fmt.Errorf("%s: traces go out as http/protobuf alone, not %q: leave it out, and name the collector's port for HTTP (4318)", name, p)
		}
	}
	return true, nil
}

// newTracing begins to export as the variables say. nil: nobody wants to know.
func newTracing(ctx context.Context, getenv func(string) string, log *slog.Logger) (*tracing, error) {
	if on, err := wantsTraces(getenv); !on {
		return nil, err
	}
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("export of traces: %w", err)
	}
	about, err := resource.New(ctx, resource.WithAttributes(attribute.String("service.name", codeforge.Service), attribute.String("service.version", codeforge.Version),
		attribute.String("service.instance.id", codeforge.NewID())), resource.WithTelemetrySDK(), resource.WithHost(), resource.WithFromEnv())
	if err != nil {
		log.Warn("part of OTEL_RESOURCE_ATTRIBUTES is not understood", "next", "write it as name=value with commas between", "error", err)
	}
	provider := sdk.NewTracerProvider(sdk.WithBatcher(&toldExporter{SpanExporter: exporter, log: log}), sdk.WithResource(about))
	t := &tracing{tracer: provider.Tracer("codeforge", trace.WithInstrumentationVersion(codeforge.Version)), close: provider.Shutdown}
	switch strings.ToLower(getenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT")) {
	case "true", "span_only", "span_and_event":
		t.contents = true
		log.Warn("prompts and answers are in traces (OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT)", "next", "leave that variable out where traces should hold no contents")
	}
	return t, nil
}

// toldExporter tells the log of spans that could not be sent, and not each time: whoever collects may be away for long.
type toldExporter struct {
	sdk.SpanExporter
	log *slog.Logger

	mu     sync.Mutex
	told   time.Time
	failed int // spans, since then
}

const tellExportEvery = time.Minute

func (e *toldExporter) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	err := e.SpanExporter.ExportSpans(ctx, spans)
	if err == nil {
		return nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.failed += len(spans)
	if now := time.Now(); now.Sub(e.told) >= tellExportEvery {
		e.log.Warn("traces could not be exported", "next", "look at OTEL_EXPORTER_OTLP_ENDPOINT and the collector", "spans", e.failed, "error", err)
		e.told, e.failed = now, 0
	}
	return nil
}

// kinds of spans that are no inner work.
var kinds = map[codeforge.Work]trace.SpanKind{codeforge.WorkSubmit: trace.SpanKindProducer, codeforge.WorkStore: trace.SpanKindClient}

// Start is part of [codeforge.Tracer].
func (t *tracing) Start(ctx context.Context, work codeforge.Work, of string) (context.Context, codeforge.SpanRecorder) {
	var about []attribute.KeyValue
	name := string(work) + " " + of
	switch work {
	case codeforge.WorkStore:
		about = append(about, attribute.String(dbOperation, of))
	case codeforge.WorkTool:
		name = operationTool + " " + of
		about = append(about, attribute.String(genOperation, operationTool), attribute.String(genTool, of))
	}
	ctx, span := t.tracer.Start(ctx, name, trace.WithSpanKind(kinds[work]), trace.WithAttributes(about...))
	return ctx, recorder{span}
}

// Parent is part of [codeforge.Tracer].
func (t *tracing) Parent(ctx context.Context) string {
	s := trace.SpanContextFromContext(ctx)
	if !s.IsValid() {
		return ""
	}
	return "00-" + s.TraceID().String() + "-" + s.SpanID().String() + "-" + (s.TraceFlags() & trace.FlagsSampled).String()
}

// remote is the context of a traceparent header that came from elsewhere.
func remote(ctx context.Context, parent, state string) context.Context {
	return propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{"traceparent": parent, "tracestate": state})
}

// recorder is a span of OpenTelemetry's as our packages use one.
type recorder struct{ span trace.Span }

// Set is part of [codeforge.SpanRecorder].
func (r recorder) Set(key string, value any) {
	switch v := value.(type) {
	case string:
		r.span.SetAttributes(attribute.String(key, v))
	case int64:
		r.span.SetAttributes(attribute.Int64(key, v))
	}
}

// End is part of [codeforge.SpanRecorder].
func (r recorder) End(err error) { endSpan(r.span, err) }

// endSpan ends a span. Errors of ours are fit for a log, and so for a trace: they hold no contents.
func endSpan(s trace.Span, err error, more ...trace.SpanEndOption) {
	if err != nil && s.IsRecording() {
		kind := "internal"
		if e, ok := errors.AsType[*codeforge.Error](err); ok {
			kind = string(e.Kind)
		}
		s.SetAttributes(attribute.String(errorType, kind))
		s.SetStatus(codes.Error, cut(err.Error(), 300))
	}
	s.End(more...)
}

func cut(s string, most int) string {
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "..."
	}
	return s
}

// LogHandler adds to lines that are written in a context whose trace they belong to.
func (t *Telemetry) LogHandler(next slog.Handler) slog.Handler {
	if t.traces == nil {
		return next
	}
	return logHandler{next}
}

type logHandler struct{ slog.Handler }

func (h logHandler) Handle(ctx context.Context, r slog.Record) error {
	if id := codeforge.TraceID(ctx); id != "" {
		r = r.Clone()
		r.AddAttrs(slog.String("trace_id", id))
	}
	return h.Handler.Handle(ctx, r)
}

func (h logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return logHandler{h.Handler.WithAttrs(attrs)}
}
func (h logHandler) WithGroup(name string) slog.Handler { return logHandler{h.Handler.WithGroup(name)} }
