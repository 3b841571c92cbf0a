package codeforge

import "context"

// Tracer makes spans of what a program does. It travels in contexts, see [WithTracer]: packages tell by [StartSpan] what they
// are at, and know nothing of who listens. Where no context has one, telling costs a look and nothing else.
type Tracer interface {
	// Start begins a span within the one of ctx, if there is one.
	Start(ctx context.Context, work Work, of string) (context.Context, SpanRecorder)
	// Parent is the span of ctx in the form of W3C's traceparent header; "": there is none.
	Parent(ctx context.Context) string
}

// Work is a kind of work that has spans.
type Work string

// All of them.
const (
	WorkSubmit Work = "submit" // of an agent's job
	WorkStage  Work = "stage"  // of an agent
	WorkTool   Work = "tool"   // by its name
	WorkVerify Work = "verify" // a step of evidence
	WorkStore  Work = "store"  // an operation
)

// SpanRecorder is one span of a [Tracer]. One goroutine at a time uses it.
type SpanRecorder interface {
	// Set notes an attribute: a string or an int64.
	Set(key string, value any)
	// End ends the span. With an error it failed.
	End(err error)
}

// Span is a piece of work under way. The nil Span is one that nobody traces, and takes everything.
type Span struct{ recorder SpanRecorder }

// Set notes what the work is about: names, never contents.
func (s *Span) Set(key, value string) {
	if s != nil {
		s.recorder.Set(key, value)
	}
}

// SetInt notes a number.
func (s *Span) SetInt(key string, value int64) {
	if s != nil {
		s.recorder.Set(key, value)
	}
}

// End says that the work is done, or what it failed of.
func (s *Span) End(err error) {
	if s != nil {
		s.recorder.End(err)
	}
}

type tracerKey struct{}

// WithTracer has the work that is done in a context traced.
func WithTracer(ctx context.Context, t Tracer) context.Context {
	return context.WithValue(ctx, tracerKey{}, t)
}

func tracerOf(ctx context.Context) Tracer {
	t, _ := ctx.Value(tracerKey{}).(Tracer)
	return t
}

// IsTraced reports whether somebody traces the work of a context, where more than a constant is to be told of it.
func IsTraced(ctx context.Context) bool { return tracerOf(ctx) != nil }

// StartSpan begins a piece of work, which its caller ends. of is a name of the program's own.
func StartSpan(ctx context.Context, work Work, of string) (context.Context, *Span) {
	t := tracerOf(ctx)
	if t == nil {
		return ctx, nil
	}
	ctx, recorder := t.Start(ctx, work, of)
	return ctx, &Span{recorder}
}

// TraceParent is the span of a context as W3C's traceparent header says it, to be stored or sent along; "": nobody traces.
func TraceParent(ctx context.Context) string {
	if t := tracerOf(ctx); t != nil {
		return t.Parent(ctx)
	}
	return ""
}

// TraceID names the trace of a context, for people; "": nobody traces.
func TraceID(ctx context.Context) string {
	const start, end = len("00-"), len("00-") + 32
	if p := TraceParent(ctx); len(p) > end {
		return p[start:end]
	}
	return ""
}
