package llmtest

import (
	"strings"
	"testing"

	"codeforge/internal/llm"
	"codeforge/internal/llm/wire"
)

// Deliver runs an exchange in every way in which a network may deliver it.
func Deliver(t *testing.T, x *Exchange, adapter Adapter) {
	t.Helper()
	if adapter == nil {
		t.Fatalf("%s: no adapter for %q", x.Name, x.Expect.API)
	}
	t.Run(x.Name+"/whole", func(t *testing.T) { Run(t, x, adapter, Delivery{}) })
	t.Run(x.Name+"/pieces of 1", func(t *testing.T) { Run(t, x, adapter, Delivery{Piece: 1}) })
	t.Run(x.Name+"/pieces of 7", func(t *testing.T) { Run(t, x, adapter, Delivery{Piece: 7}) })
	if x.Response.Status == 200 && !strings.HasPrefix(x.Response.Headers["content-type"], "text/html") {
		t.Run(x.Name+"/cut", func(t *testing.T) { cut(t, x, adapter) })
	}
}

// cut drops the connection after every event, or inside a whole answer. Nothing but the provider's own end, or its own
// error, may end in anything but an interruption.
func cut(t *testing.T, x *Exchange, adapter Adapter) {
	events := Events(x.Response.Body)
	if !x.Expect.Stream {
		n := len(x.Response.Body) / 2
		events = []string{x.Response.Body[:n]}
	}
	s := Serve(t, x, Delivery{})
	at, over, reasoned := 0, false, false
	for i := -1; i < len(events); i++ {
		if i >= 0 {
			at += len(events[i])
			over = over || isEndEvent(x, events[i], i == 0)
			reasoned = reasoned || x.Expect.Stream && reasons(x, events[i])
		}
		for _, clean := range []bool{false, true} {
			ended := over || clean && reasoned
			if clean && !x.Expect.Stream && i >= 0 {
				continue // a Content-Length would be missing: half an answer that claims to be one
			}
			s.Deliver(Delivery{Drop: true, Cut: at, Clean: clean})
			p := adapter(wire.Options{BaseURL: s.URL + paths[x.Expect.API].base, Key: key})
			o := runExchange(t, p, Neutral(x.Expect.API, p.Name(), x.Request.Path, x.Request.Body), x.Expect.Stream)
			switch {
			case ended && o.err == nil:
				if x.Expect.ErrorKind != "" {
					t.Errorf("event %d: an answer, want %s", i, x.Expect.ErrorKind)
				}
			case o.err != nil && string(o.err.Kind) == x.Expect.ErrorKind:
			case o.err == nil:
				t.Errorf("cut after event %d (clean %v): an answer", i, clean)
			case ended:
				t.Errorf("cut after event %d (clean %v), after the end: %v", i, clean, o.err)
			case o.err.Kind == llm.StreamInterrupted:
				if !o.err.Retryable || (o.err.Where == llm.MidStream) != (len(o.deltas) > 0) {
					t.Errorf("cut after event %d: retryable %v, %s after %d deltas", i, o.err.Retryable, o.err.Where, len(o.deltas))
				}
				if o.err.Usage != nil && !o.err.Usage.Partial {
					t.Errorf("cut after event %d: usage %+v is not marked as partial", i, o.err.Usage)
				}
			case !x.Expect.Stream && clean && o.err.Kind == llm.MalformedResponse: // an empty body
			default:
				t.Errorf("cut after event %d (clean %v): %v", i, clean, o.err)
			}
		}
	}
}

// reasons says whether an event tells why the answer ended: with a clean end of the body after it the answer is whole.
func reasons(x *Exchange, event string) bool {
	v := decodeBody(event)
	switch x.Expect.API {
	case "openai-chat":
		c := list(get(v, "choices"))
		return len(c) > 0 && str(get(c[0], "finish_reason")) != ""
	case "anthropic-messages":
		return str(get(v, "delta", "stop_reason")) != ""
	}
	return false
}

// isEndEvent says whether an event is the provider's own end, or an error that is one.
func isEndEvent(x *Exchange, event string, first bool) bool {
	switch x.Expect.API {
	case "openai-chat":
		v := decodeBody(event)
		c := list(get(v, "choices"))
		return strings.Contains(event, "[DONE]") || get(v, "error") != nil && len(c) == 0 || len(c) > 0 && (first && get(c[0], "message") != nil && str(get(c[0], "finish_reason")) != "" || str(get(c[0], "finish_reason")) == "error")
	case "openai-responses":
		for _, s := range []string{`"type":"response.completed"`, `"type":"response.incomplete"`, `"type":"response.failed"`, `"type":"error"`} {
			if strings.Contains(event, s) {
				return true
			}
		}
	case "anthropic-messages":
		return strings.Contains(event, "event: message_stop") || strings.Contains(event, "event: error")
	case "gemini-generate":
		v := decodeBody(event)
		c := list(get(v, "candidates"))
		return get(v, "error") != nil || get(v, "promptFeedback", "blockReason") != nil || len(c) > 0 && get(c[0], "finishReason") != nil
	}
	return false
}
