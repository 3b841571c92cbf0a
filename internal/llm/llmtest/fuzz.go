package llmtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"codeforge/internal/llm"
	"codeforge/internal/llm/wire"
)

// inMemory is a provider whose every answer is status and body.
func inMemory(status int, body func() io.Reader) *http.Client {
	return &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.Body != nil {
			_, _ = io.Copy(io.Discard, r.Body)
			_ = r.Body.Close()
		}
		return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(body())}, nil
	})}
}

// Fuzz feeds an adapter with whatever a provider, or something that poses as one, may send. It must come to an answer
// that can be kept and sent back, or to a typed error; and to the same however the bytes are cut.
func Fuzz(f *testing.F, adapter Adapter) {
	for _, x := range Load(f, "testdata") {
		f.Add(x.Response.Status, x.Expect.Stream, x.Response.Body)
	}
	f.Fuzz(func(t *testing.T, status int, streamed bool, body string) {
		if status < 100 || status > 999 {
			status = 200
		}
		var first string
		for i, r := range []func(io.Reader) io.Reader{func(r io.Reader) io.Reader { return r }, iotest.OneByteReader} {
			p := adapter(wire.Options{BaseURL: "http://provider.test", Key: key, Client: inMemory(status, func() io.Reader { return r(strings.NewReader(body)) })})
			req := &llm.Request{Model: "m", Messages: []llm.Message{llm.UserText("hi")}}
			var sink func(llm.Delta)
			if streamed {
				sink = func(llm.Delta) {}
			}
			resp, err := p.Generate(t.Context(), req, sink)
			e, typed := errors.AsType[*llm.Error](err)
			switch {
			case err != nil && (!typed || e.Kind == "" || resp != nil):
				t.Fatalf("%v, %#v", resp, err)
			case err == nil && resp == nil:
				t.Fatal("neither answer nor error")
			case typed && e.Partial != nil:
				resp = e.Partial
			}
			kept := ""
			if resp != nil {
				b, err := json.Marshal(resp)
				if err != nil {
					t.Fatalf("cannot be kept: %v", err)
				}
				kept = string(b)
				req.Messages = append(req.Messages, resp.Message())
				if _, err := p.Generate(t.Context(), req, nil); err != nil {
					if e, ok := errors.AsType[*llm.Error](err); !ok || e.Message == "the request cannot be written as JSON" {
						t.Fatalf("cannot be sent back: %v", err)
					}
				}
			}
			outcome := fmt.Sprint(err) + kept
			if i == 0 {
				first = outcome
			} else if outcome != first {
				t.Fatalf("whole:\n%s\nin pieces:\n%s", first, outcome)
			}
		}
	})
}

// Bench measures what an adapter costs for each event of a stream, HTTP left out.
func Bench(b *testing.B, api string, adapter Adapter) {
	const chunks = 1000
	piece := map[string]string{
		"openai-chat":        `data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1795000000,"model":"m","choices":[{"index":0,"delta":{"content":" word"},"logprobs":null,"finish_reason":null}],"usage":null}`,
		"openai-responses":   "event: response.output_text.delta\n" + `data: {"type":"response.output_text.delta","content_index":0,"delta":" word","item_id":"msg_1","logprobs":[],"output_index":0,"sequence_number":5}`,
		"anthropic-messages": "event: content_block_delta\n" + `data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" word"}}`,
		"gemini-generate":    `data: {"candidates": [{"content": {"parts": [{"text": " word"}],"role": "model"},"index": 0}],"usageMetadata": {"promptTokenCount": 11,"candidatesTokenCount": 2,"totalTokenCount": 34},"modelVersion": "m","responseId": "r"}`,
	}[api]
	events := samples[api].stream
	n := 1 // where text can go: after the first event, for Anthropic after the second
	if api == "anthropic-messages" {
		n = 2
	}
	body := strings.Join(events[:n], "\n\n") + "\n\n" + strings.Repeat(piece+"\n\n", chunks) + strings.Join(events[n:], "\n\n") + "\n\n"
	p := adapter(wire.Options{BaseURL: "http://provider.test", Client: inMemory(200, func() io.Reader { return strings.NewReader(body) })})
	req := &llm.Request{Model: "m", Messages: []llm.Message{llm.UserText("hi")}}
	b.ReportAllocs()
	for b.Loop() {
		seen := 0
		if _, err := p.Generate(b.Context(), req, func(llm.Delta) { seen++ }); err != nil || seen < chunks {
			b.Fatal(seen, err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/chunks, "ns/chunk")
}
