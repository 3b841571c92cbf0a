package openai_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"codeforge/internal/llm"
	"codeforge/internal/llm/openai"
)

// Vectors come in any form that servers give them, in the order of the texts; what a server does not take is left out from then on.
func TestEmbeddings(t *testing.T) {
	two := [][]float32{{0.5, -0.25}, {1, 2}}
	for name, c := range map[string]struct {
		body    string
		refuses string // a part of a request that is refused
		words   string
		want    [][]float32
		kind    llm.ErrorKind
		input   int64
	}{
		"as documented": {body: `{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.5,-0.25]},{"object":"embedding","index":1,"embedding":[1,2]}],"model":"text-embedding-3-small","usage":{"prompt_tokens":8,"total_tokens":8}}`, want: two, input: 8},
		"out of order":  {body: `{"data":[{"index":1,"embedding":[1,2]},{"index":0,"embedding":[0.5,-0.25]}],"usage":{"total_tokens":3}}`, want: two, input: 3},
		"in base64":     {body: `{"data":[{"embedding":"AAAAPwAAgL4="},{"embedding":"AACAPwAAAEA="}]}`, want: two},
		"no choice of dimensions": {body: `{"data":[{"embedding":[0.5,-0.25]},{"embedding":[1,2]}]}`, want: two,
			refuses: "dimensions", words: `{"error":{"message":"Model does not support matryoshka representation, changing output dimensions will lead to poor results.","type":"BadRequestError","code":400}}`},
		"one index twice":  {body: `{"data":[{"index":0,"embedding":[1]},{"index":0,"embedding":[2]}]}`, kind: llm.MalformedResponse},
		"an index beyond":  {body: `{"data":[{"index":7,"embedding":[1]}]}`, kind: llm.MalformedResponse},
		"no numbers":       {body: `{"data":[{"embedding":[]}]}`, kind: llm.MalformedResponse},
		"texts as numbers": {body: `{"data":[{"embedding":["a"]}]}`, kind: llm.MalformedResponse},
		"nothing":          {body: `{"object":"list","data":[]}`, kind: llm.MalformedResponse},
		"an error":         {body: `{"error":{"message":"The model is overloaded","type":"server_error"}}`, kind: llm.Overloaded},
		"a stream":         {body: "data: {\"data\":[]}\n\n", kind: llm.MalformedResponse},
		"a chat's answer":  {body: `{"choices":[{"message":{"content":"Hi"}}]}`, kind: llm.MalformedResponse},
	} {
		var sent []map[string]any
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			var body map[string]any
			if err := json.Unmarshal(b, &body); err != nil || r.URL.Path != "/v1/embeddings" || r.Header.Get("Authorization") != "Bearer sk-secret-key" {
				t.Errorf("%s: %v %s %v", name, err, r.URL, r.Header)
			}
			sent = append(sent, body)
			if _, has := body[c.refuses]; has {
				w.WriteHeader(http.StatusBadRequest)
				fmt.Fprint(w, c.words)
				return
			}
			fmt.Fprint(w, c.body)
		}))
		e := openai.NewEmbedder(openai.Options{BaseURL: srv.URL + "/v1", Key: "sk-secret-key"}, 1536)
		req := &llm.Request{Model: "text-embedding-3-small", Messages: []llm.Message{llm.UserText("one"), llm.UserText("two")}}
		for range 2 {
			resp, err := e.Generate(t.Context(), req, nil)
			fault, _ := errors.AsType[*llm.Error](err)
			switch {
			case c.kind != "":
				if fault == nil || fault.Kind != c.kind {
					t.Errorf("%s: %v, want %s", name, err, c.kind)
				}
			case err != nil || !reflect.DeepEqual(resp.Vectors, c.want) || resp.Usage.InputTokens != c.input || resp.Usage.Missing != (c.input == 0):
				t.Errorf("%s: %v %+v", name, err, resp)
			}
		}
		want := map[string]any{"model": "text-embedding-3-small", "input": []any{"one", "two"}, "encoding_format": "float", "dimensions": 1536.0}
		if !reflect.DeepEqual(sent[0], want) {
			t.Errorf("%s: sent %v", name, sent[0])
		}
		if c.refuses != "" && (len(sent) != 3 || sent[1][c.refuses] != nil || sent[2][c.refuses] != nil) {
			t.Errorf("%s: sent %v", name, sent)
		}
		srv.Close()
	}
}

// What a provider refuses is told by its kind, without the key.
func TestEmbeddingFaults(t *testing.T) {
	for status, kind := range map[int]llm.ErrorKind{401: llm.Auth, 404: llm.ModelNotFound, 429: llm.RateLimit, 503: llm.Overloaded} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			fmt.Fprint(w, `{"error":{"message":"no, not with sk-secret-key"}}`)
		}))
		_, err := openai.NewEmbedder(openai.Options{BaseURL: srv.URL, Key: "sk-secret-key"}, 1536).Generate(t.Context(), &llm.Request{Model: "m", Messages: []llm.Message{llm.UserText("x")}}, nil)
		fault, _ := errors.AsType[*llm.Error](err)
		if fault == nil || fault.Kind != kind || strings.Contains(fault.Message, "sk-secret") {
			t.Errorf("%d: %v", status, llm.Explain(err))
		}
		srv.Close()
	}
}
