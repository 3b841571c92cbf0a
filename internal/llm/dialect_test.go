package llm_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"codeforge/internal/llm"
)

// TestNothingIsAskedOfTheUnknown: the wishes of a route go to models that are known to take them; a request's own go as asked.
func TestNothingIsAskedOfTheUnknown(t *testing.T) {
	c := load(t, `{"format": 1, "endpoints": [{"name": "local", "url": "http://127.0.0.1:1/v1", "model": "m"}],
		"models": [{"name": "local:half", "efforts": null}, {"name": "local:known", "efforts": ["low", "high"]}],
		"routes": [{"agent": "code", "chain": ["local:m"], "effort": "high", "temperature": 0.2}]}`)
	for model, want := range map[string]struct {
		effort, asked string
		warm          bool
	}{"local:m": {"", "max", false}, "local:half": {"", "max", true}, "local:known": {"high", "high", true}} {
		for _, asked := range []string{"", "max"} {
			s := provider("local", says("fine"))
			req := ask("code")
			req.Model, req.Effort = model, asked
			req.Routing.NoFallback = true
			if _, err := llm.NewRouter(llm.Options{Catalog: c, Providers: map[string]llm.Provider{"local": s}}).Generate(t.Context(), req, nil); err != nil {
				t.Fatal(err)
			}
			effort := want.effort
			if asked != "" {
				effort = want.asked
			}
			if got := s.seen[0]; got.Effort != effort || (got.Temperature != nil) != want.warm {
				t.Errorf("%s asked %q: effort %q, temperature %v", model, asked, got.Effort, got.Temperature)
			}
		}
	}
}

// TestSizesOfLists: an endpoint's own list of models says how much may be asked for.
func TestSizesOfLists(t *testing.T) {
	c := load(t, `{"format": 1, "endpoints": [{"name": "local", "url": "http://127.0.0.1:1/v1", "model": "m"}]}`)
	s := provider("local", says("fine"))
	r := llm.NewRouter(llm.Options{Catalog: c, Providers: map[string]llm.Provider{"local": s}, Defaults: map[string]string{"local": "m"}})
	c.Check(map[string][]llm.Listed{"local": {{ID: "m", Context: 8192}}}, r.Configured(), time.Now())
	req := ask("")
	req.MaxOutput = 32_000
	req.Model = "local:m"
	if _, err := r.Generate(t.Context(), req, nil); err != nil || s.seen[0].MaxOutput > 8192 || s.seen[0].MaxOutput < 7000 {
		t.Errorf("%v, asked for %d tokens", err, s.seen[0].MaxOutput)
	}
}

func TestDialectOfAFile(t *testing.T) {
	c := load(t, `{"format": 1, "endpoints": [{"name": "local", "url": "http://127.0.0.1:1/v1", "dialect": {"omit": ["stream_options"], "add": {"parallel_tool_calls": false}}}],
		"models": [{"name": "local:*", "dialect": {"system": "user"}}, {"name": "local:m", "dialect": {"omit": ["temperature"], "add": {"parallel_tool_calls": null}, "limit": "max_completion_tokens"}}, {"name": "compatible:*", "dialect": {"schema": "words"}}]}`)
	for name, want := range map[string]llm.Dialect{
		"local:other": {Omit: []string{"stream_options"}, Add: map[string]json.RawMessage{"parallel_tool_calls": json.RawMessage("false")}, System: "user"},
		"local:m": {Omit: []string{"stream_options", "temperature"}, Add: map[string]json.RawMessage{"parallel_tool_calls": json.RawMessage("null")}, System: "user",
			Limit: "max_completion_tokens"},
		"compatible:x": {Schema: "words"},
		"openai:x":     {},
	} {
		p, id, _ := llm.SplitName(name)
		if got := c.Dialect(p, id); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
	for file, problem := range map[string]string{
		`{"format": 1, "models": [{"name": "compatible:m", "dialect": {"schema": "xml"}}]}`:                                            `schema "xml" is not one of`,
		`{"format": 1, "models": [{"name": "compatible:m", "dialect": {"omit": ["messages"]}}]}`:                                       "no request does without it",
		`{"format": 1, "endpoints": [{"name": "local", "url": "http://127.0.0.1:1/v1", "dialect": {"limit": "many", "other": true}}]}`: "unknown field",
	} {
		if _, err := llm.Parse("f", []byte(file)); err == nil || !strings.Contains(err.Error(), problem) {
			t.Errorf("%s: %v", file, err)
		}
	}
}
