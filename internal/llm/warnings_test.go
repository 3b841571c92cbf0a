package llm_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"codeforge/internal/llm"
)

// What the settings name is meant: a provider alone, or an endpoint with its model, is nothing to be warned of.
func TestSettingsWarnOfNothing(t *testing.T) {
	for _, have := range []llm.Configured{{"openai": ""}, {"google": ""}, {"anthropic": ""}, {"compatible": "qwen3:32b"}, {"openai": "", "google": "", "anthropic": "", "compatible": ""}} {
		for _, w := range catalog(t).Warnings(have, today) {
			if w.Kind == llm.WarnUnrouted {
				t.Errorf("%v: %s", have, w)
			}
		}
		if got := catalog(t).Unpriced(have, today); (len(got) > 0) != (have["compatible"] != "") {
			t.Errorf("%v: no price of %v", have, got)
		}
	}
}

func TestOwnRoutesWarn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "models.json")
	if err := os.WriteFile(path, []byte(`{"format":1,"routes":[{"agent":"code","chain":["anthropic:claude-sonnet-5-5"]}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := llm.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	var routes []string
	for _, w := range c.Warnings(llm.Configured{"openai": ""}, today) {
		if w.Kind == llm.WarnUnrouted {
			routes = append(routes, w.Route)
		}
	}
	if len(routes) != 1 || routes[0] != "code" {
		t.Errorf("warned of %v", routes)
	}
}

// unlisted is a provider whose endpoint has no list of models.
type unlisted struct{ *llm.Error }

func (unlisted) Name() string { return "compatible" }
func (unlisted) Generate(context.Context, *llm.Request, func(llm.Delta)) (*llm.Response, error) {
	return nil, nil
}
func (u unlisted) Models(context.Context) ([]llm.Listed, error) { return nil, u.Error }

func TestEndpointsWithoutAList(t *testing.T) {
	for status, named := range map[int][2]bool{404: {false, true}, 405: {false, true}, 501: {false, true}, 500: {true, true}, 401: {true, true}} {
		for i, model := range []string{"m", ""} {
			r := llm.NewRouter(llm.Options{Catalog: catalog(t), Providers: map[string]llm.Provider{"compatible": unlisted{&llm.Error{Provider: "compatible", Status: status}}},
				Defaults: map[string]string{"compatible": model}})
			if _, err := r.Check(t.Context()); (err != nil) != named[i] {
				t.Errorf("status %d, model %q: %v", status, model, err)
			}
		}
	}
}
