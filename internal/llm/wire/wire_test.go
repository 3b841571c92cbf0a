package wire_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"testing"
	"time"

	"codeforge/internal/llm"
	"codeforge/internal/llm/wire"
)

func TestModels(t *testing.T) {
	day := func(s string) time.Time {
		d, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	for name, c := range map[string]struct {
		pages map[string]string // by query
		want  []llm.Listed
	}{
		"openai": {map[string]string{"": `{"object":"list","data":[{"id":"gpt-6-luna","created":1790000000,"shutdown_date":null},{"id":"gpt-4o","created":1715367049,"shutdown_date":"2027-01-14"}]}`},
			[]llm.Listed{{ID: "gpt-6-luna", Created: time.Unix(1790000000, 0).UTC()}, {ID: "gpt-4o", Created: time.Unix(1715367049, 0).UTC(), Ends: day("2027-01-14T00:00:00Z")}}},
		"anthropic, two pages": {map[string]string{
			"":             `{"data":[{"id":"claude-sonnet-5-5","display_name":"x","created_at":"2026-09-01T00:00:00Z","deprecated_at":null,"lifecycle":"active","retires_at":null,"max_input_tokens":1000000,"max_tokens":128000}],"has_more":true,"last_id":"a b"}`,
			"after_id=a+b": `{"data":[{"id":"claude-sonnet-4-5","created_at":"1970-01-01T00:00:00Z","deprecated_at":"2026-08-01T00:00:00Z","lifecycle":"deprecated","retires_at":"2026-11-30T00:00:00Z"},{"id":"claude-2","lifecycle":"retired"}],"has_more":false}`},
			[]llm.Listed{{ID: "claude-sonnet-5-5", Created: day("2026-09-01T00:00:00Z"), Context: 1000000, MaxOutput: 128000},
				{ID: "claude-sonnet-4-5", Deprecated: day("2026-08-01T00:00:00Z"), Ends: day("2026-11-30T00:00:00Z")}, {ID: "claude-2", Gone: true}}},
		"google": {map[string]string{
			"":            `{"models":[{"name":"models/gemini-4-argon","inputTokenLimit":1048576,"outputTokenLimit":65536,"supportedGenerationMethods":["generateContent"]},{"name":"models/embedding","supportedGenerationMethods":["embedContent"]}],"nextPageToken":"n"}`,
			"pageToken=n": `{"models":[]}`},
			[]llm.Listed{{ID: "gemini-4-argon", Context: 1048576, MaxOutput: 65536}}},
		"others": {map[string]string{"": `{"data":[{"id":"a","max_model_len":8192},{"id":"b","name":"B","context_length":32000,"created":0},{"id":"c","context_window":131072,"max_completion_tokens":32768}]}`},
			[]llm.Listed{{ID: "a", Context: 8192}, {ID: "b", Context: 32000}, {ID: "c", Context: 131072, MaxOutput: 32768}}},
	} {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.WriteString(w, c.pages[r.URL.RawQuery])
			}))
			defer srv.Close()
			got, err := wire.NewClient(wire.Options{BaseURL: srv.URL}, wire.Provider{Name: "p", ModelsPath: "/models"}).Models(t.Context())
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("%+v, %v\nwant %+v", got, err, c.want)
			}
		})
	}
	for name, body := range map[string]string{"no list": `{}`, "no JSON": "<html>", "without end": `{"data":[],"has_more":true,"last_id":"x"}`} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, body) }))
		_, err := wire.NewClient(wire.Options{BaseURL: srv.URL}, wire.Provider{Name: "p", ModelsPath: "/models"}).Models(t.Context())
		srv.Close()
		if e, ok := err.(*llm.Error); !ok || e.Kind != llm.MalformedResponse {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestID(t *testing.T) {
	for id, kept := range map[string]bool{"toolu_01": true, "call-X_9": true, "": false, "functions.get:0": false, "äö": false} {
		got := wire.ID(id)
		if (got == id) != kept || got != wire.ID(id) || wire.ID(got) != got {
			t.Errorf("%q becomes %q", id, got)
		}
	}
	if wire.ID("a.b") == wire.ID("a:b") {
		t.Error("two ids become one")
	}
}

func TestStrict(t *testing.T) {
	for schema, want := range map[string]bool{
		`{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false}`:                                                                                   true,
		`{"type":"object","properties":{"a":{"type":"string"}},"required":[],"additionalProperties":false}`:                                                                                      false,
		`{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]}`:                                                                                                                false,
		`{"type":"object","properties":{"a":{"type":"array","items":{"type":"object","properties":{}}}},"required":["a"],"additionalProperties":false}`:                                          false,
		`{"type":"object","properties":{"not":{"type":"string","enum":[{"x":1}]}},"required":["not"],"additionalProperties":false,"$defs":{"d":{"type":"object","additionalProperties":false}}}`: true,
		`{"oneOf":[{"type":"string"}]}`: false,
		`nonsense`:                      false,
	} {
		if got := wire.Strict(json.RawMessage(schema)); got != want {
			t.Errorf("%s: %v", schema, got)
		}
	}
}
