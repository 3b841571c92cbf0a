package telemetry

import (
	"context"
	"encoding/json"
	"errors"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"codeforge"
	"codeforge/internal/llm"
)

// The trace of a call of a model: a span for what was asked, and one within it for each attempt, with the model that made it.
// Providers are not told of it: a traceparent header would tell strangers which of their requests belong together.

// startCall begins the span of a call; nil: nobody traces.
func (t *tracing) startCall(ctx context.Context, req *llm.Request) (context.Context, trace.Span) {
	if t == nil || !codeforge.IsTraced(ctx) {
		return ctx, nil
	}
	name := operationChat
	about := []attribute.KeyValue{attribute.String(genOperation, operationChat), attribute.String(genAgent, string(req.Call.Agent)), attribute.Int(ourCall, req.Call.Number)}
	if req.Model != "" {
		name += " " + req.Model
		about = append(about, attribute.String(genRequestModel, req.Model))
	}
	if req.MaxOutput > 0 {
		about = append(about, attribute.Int(genMaxTokens, req.MaxOutput))
	}
	if req.Temperature != nil {
		about = append(about, attribute.Float64(genTemperature, *req.Temperature))
	}
	if req.Schema != nil {
		about = append(about, attribute.String(genOutputType, "json"))
	}
	if t.contents {
		about = append(about, attribute.String(genSystem, contents([]genPart{{Type: "text", Content: req.System}})), attribute.String(genInputMessages, contents(genMessages(req.Messages))))
	}
	return t.tracer.Start(ctx, name, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(about...))
}

// attempted notes one attempt, which is over.
func (t *tracing) attempted(ctx context.Context, a llm.Attempt) {
	if t == nil || !codeforge.IsTraced(ctx) {
		return
	}
	name := "attempt " + a.Model
	about := []attribute.KeyValue{attribute.String(genOperation, operationChat), attribute.String(genProvider, a.Provider), attribute.String(genRequestModel, a.Model)}
	if a.Skipped != "" {
		about = append(about, attribute.String(ourSkipped, a.Skipped))
	}
	if a.Next != llm.NextDone {
		about = append(about, attribute.String(ourNext, string(a.Next)))
	}
	if a.Served != "" {
		about = append(about, attribute.String(genResponseModel, a.Served))
	}
	if a.Status > 0 {
		about = append(about, attribute.Int(httpStatus, a.Status))
	}
	if a.FirstToken > 0 {
		about = append(about, attribute.Int64(ourFirstToken, a.FirstToken.Milliseconds()))
	}
	about = append(about, attribute.Int64(genInputTokens, a.Usage.InputTokens), attribute.Int64(genCachedTokens, a.Usage.CachedReadTokens),
		attribute.Int64(genOutputTokens, a.Usage.OutputTokens), attribute.Int64(ourCost, a.Cost.MicroUSD))
	_, span := t.tracer.Start(ctx, name, trace.WithSpanKind(trace.SpanKindClient), trace.WithTimestamp(a.At), trace.WithAttributes(about...))
	var err error
	if a.Err != nil {
		err = a.Err
	}
	endModelSpan(span, err, trace.WithTimestamp(a.At.Add(a.Latency)))
}

// endCall ends the span of a call.
func (t *tracing) endCall(span trace.Span, resp *llm.Response, err error) {
	if span == nil {
		return
	}
	if resp != nil && span.IsRecording() {
		finish := string(resp.Finish)
		if word := genFinishes[finish]; word != "" {
			finish = word
		}
		span.SetAttributes(attribute.String(genProvider, resp.Provider), attribute.String(genResponseModel, resp.ServedModel), attribute.StringSlice(genFinish, []string{finish}),
			attribute.Int64(genInputTokens, resp.Usage.InputTokens), attribute.Int64(genCachedTokens, resp.Usage.CachedReadTokens),
			attribute.Int64(genOutputTokens, resp.Usage.OutputTokens), attribute.Int64(ourCost, resp.Cost.MicroUSD))
		if t.contents {
			span.SetAttributes(attribute.String(genOutputMessages, contents(genMessages([]llm.Message{resp.Message()}))))
		}
	}
	endModelSpan(span, err)
}

// endModelSpan ends a span with the kind of a model's error.
func endModelSpan(span trace.Span, err error, more ...trace.SpanEndOption) {
	if e, ok := errors.AsType[*llm.Error](err); ok {
		defer span.End(more...)
		span.SetAttributes(attribute.String(errorType, string(e.Kind)))
		span.SetStatus(codes.Error, e.Error())
		return
	}
	endSpan(span, err, more...)
}

// genMessage is a message as the conventions write it.
type genMessage struct {
	Role  string    `json:"role"`
	Parts []genPart `json:"parts"`
}

type genPart struct {
	Type      string          `json:"type"` // text, reasoning, tool_call, tool_call_response
	Content   string          `json:"content,omitempty"`
	ID        string          `json:"id,omitempty"`
	Name      string          `json:"name,omitempty"`
	Arguments json.RawMessage `json:"arguments,omitempty"`
	Response  string          `json:"response,omitempty"`
}

func genMessages(all []llm.Message) []genMessage {
	out := make([]genMessage, 0, len(all))
	for _, m := range all {
		message := genMessage{Role: string(m.Role)}
		for _, p := range m.Parts {
			switch {
			case p.Call != nil:
				message.Parts = append(message.Parts, genPart{Type: "tool_call", ID: p.Call.ID, Name: p.Call.Name, Arguments: p.Call.Arguments})
			case p.Result != nil:
				message.Parts = append(message.Parts, genPart{Type: "tool_call_response", ID: p.Result.ID, Name: p.Result.Name, Response: p.Result.Content})
			case p.Kind == llm.PartReasoning:
				message.Parts = append(message.Parts, genPart{Type: "reasoning", Content: p.Text})
			case p.Image != nil: // its bytes are nothing for a trace
				message.Parts = append(message.Parts, genPart{Type: "blob", Content: p.Image.Type})
			default:
				message.Parts = append(message.Parts, genPart{Type: "text", Content: p.Text})
			}
		}
		out = append(out, message)
	}
	return out
}

// contents are messages in one attribute.
func contents(v any) string {
	b, err := json.Marshal(v)
	if err != nil { // arguments that are no JSON
		return ""
	}
	return string(b)
}
