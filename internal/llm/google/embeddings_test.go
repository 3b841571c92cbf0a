package google_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"testing"

	"codeforge/internal/llm"
	"codeforge/internal/llm/google"
)

// Each text is a request of a batch; what the model does not take of it is left out from then on.
func TestEmbeddings(t *testing.T) {
	for name, c := range map[string]struct {
		body    string
		refuses string
		words   string
		want    [][]float32
		kind    llm.ErrorKind
	}{
		"as documented": {body: `{"embeddings":[{"values":[0.5,-0.25]},{"values":[1,2]}]}`, want: [][]float32{{0.5, -0.25}, {1, 2}}},
		"no types of tasks": {body: `{"embeddings":[{"values":[0.5,-0.25]},{"values":[1,2]}]}`, want: [][]float32{{0.5, -0.25}, {1, 2}}, refuses: "taskType",
			words: `{"error":{"code":400,"message":"Invalid JSON payload received. Unknown name \"taskType\" at 'requests[0]': Cannot find field.","status":"INVALID_ARGUMENT"}}`},
		"no numbers":       {body: `{"embeddings":[{"values":[]},{"values":[1]}]}`, kind: llm.MalformedResponse},
		"texts as numbers": {body: `{"embeddings":[{"values":[1,"NaN"]},{"values":[1,2]}]}`, kind: llm.MalformedResponse},
		"nothing":          {body: `{}`, kind: llm.MalformedResponse},
		"an error":         {body: `{"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}`, kind: llm.Overloaded},
	} {
		type one struct {
			Model   string `json:"model"`
			Content struct {
				Parts []map[string]string `json:"parts"`
			} `json:"content"`
			Task string `json:"taskType"`
			Size int    `json:"outputDimensionality"`
		}
		var sent [][]one
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			var body struct{ Requests []one }
			if err := json.Unmarshal(b, &body); err != nil || r.URL.Path != "/v1beta/models/gemini-embedding-001:batchEmbedContents" || r.Header.Get("X-Goog-Api-Key") != "the-secret-key" {
				t.Errorf("%s: %v %s %v", name, err, r.URL, r.Header)
			}
			sent = append(sent, body.Requests)
			if c.refuses == "taskType" && body.Requests[0].Task != "" {
				w.WriteHeader(http.StatusBadRequest)
				fmt.Fprint(w, c.words)
				return
			}
			fmt.Fprint(w, c.body)
		}))
		e := google.NewEmbedder(google.Options{BaseURL: srv.URL, Key: "the-secret-key"}, 1536)
		resp, err := e.Generate(t.Context(), &llm.Request{Model: "gemini-embedding-001", Messages: []llm.Message{llm.UserText("one"), llm.UserText("two")}}, nil)
		fault, _ := errors.AsType[*llm.Error](err)
		switch {
		case c.kind != "":
			if fault == nil || fault.Kind != c.kind {
				t.Errorf("%s: %v, want %s", name, err, c.kind)
			}
		case err != nil || !reflect.DeepEqual(resp.Vectors, c.want) || !resp.Usage.Missing:
			t.Errorf("%s: %v %+v", name, err, resp)
		}
		first := sent[0]
		if len(first) != 2 || first[1].Model != "models/gemini-embedding-001" || first[1].Content.Parts[0]["text"] != "two" || first[0].Task != "SEMANTIC_SIMILARITY" || first[0].Size != 1536 {
			t.Errorf("%s: sent %+v", name, first)
		}
		if last := sent[len(sent)-1]; c.refuses != "" && (len(sent) != 2 || last[0].Task != "" || last[0].Size != 1536) {
			t.Errorf("%s: sent %+v", name, sent)
		}
		srv.Close()
	}
}
