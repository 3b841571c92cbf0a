package llm_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"codeforge"
	"codeforge/internal/llm"
)

func catalog(t testing.TB) *llm.Catalog {
	t.Helper()
	c, err := llm.Load("")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func day(s string) time.Time {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return t
}

// today is the day on which the built-in table was checked.
var today = day("2026-11-22")

var all = llm.Configured{"openai": "", "google": "", "anthropic": "", "scaffold": ""}

func usage(in, read, write, out int64) llm.Usage {
	return llm.Usage{Usage: codeforge.Usage{InputTokens: in, CachedReadTokens: read, CacheWriteTokens: write, OutputTokens: out}}
}

func TestCost(t *testing.T) {
	const M = 1_000_000
	for _, c := range []struct {
		served, asked, at string
		u                 llm.Usage
		micro             int64
		guess             bool
	}{
		// The list prices, a million tokens of each: input, cached read where it is known, output.
		{"openai:gpt-6-astra", "", "2026-11-22", usage(2*M, M, 0, M), 10*M + 1*M + 50*M, false},
		{"openai:gpt-6.1-sol", "", "2026-11-22", usage(3*M, M, M, M), 2*M + 100_000 + 2_500_000 + 10*M, false},
		{"openai:gpt-6.1-terra", "", "2026-11-22", usage(100_000, 50_000, 10_000, 1_000), 40_000 + 2_500 + 12_500 + 5_000, false},
		{"openai:gpt-6.1-terra", "", "2026-11-22", usage(272_000, 0, 0, 1_000), 272_000 + 5_000, false},
		{"openai:gpt-6.1-terra", "", "2026-11-22", usage(272_001, 1, 0, 1_000), 544_000 + 7_500 + 1, false},
		{"openai:gpt-6-luna", "", "2026-11-22", usage(2*M, M, 0, M), 100_000 + 10_000 + 500_000, false},
		{"anthropic:claude-fable-5-1", "", "2026-11-22", usage(2*M, M, 0, M), 10*M + 250_000 + 50*M, false},
		{"anthropic:claude-opus-5-5", "", "2026-11-22", usage(3*M, M, M, M), 4*M + 200_000 + 5*M + 20*M, false},
		{"anthropic:claude-sonnet-5-5", "", "2026-11-22", usage(3*M, M, M, M), 2*M + 100_000 + 2_500_000 + 10*M, false},
		{"anthropic:claude-haiku-5-5", "", "2026-11-22", usage(100_000, 0, 0, 1_000), 10_000 + 500, false},
		{"anthropic:claude-haiku-5-5", "", "2026-11-22", usage(100_001, 0, 0, 1_000), 50_001 + 2_500, false},
		{"anthropic:claude-haiku-5-5", "", "2026-11-22", usage(100_000, 50_000, 0, 0), 10_000, true}, // cached read not known
		{"google:gemini-4-argon", "", "2026-11-30", usage(2*M, M, 0, M), 2*M + 100_000 + 10*M, false},
		{"google:gemini-4-argon", "", "2026-12-01", usage(2*M, M, 0, M), 4*M + 200_000 + 20*M, false},
		{"google:gemini-3.8-flash", "", "2026-12-31", usage(2*M, M, 0, M), 750_000 + 75_000 + 3_750_000, false},
		{"google:gemini-3.8-flash", "", "2027-01-01", usage(M, 0, 0, M), 1_500_000 + 7_500_000, false},
		{"google:gemini-3.5-flash-lite", "", "2026-11-22", usage(2*M, M, 0, M), 300_000 + 30_000 + 2_500_000, false},
		{"scaffold:scaffold", "", "2026-11-22", usage(M, 0, 0, M), 0, false},
		// The model that answered counts, under its dated name or Google's long one.
		{"openai:gpt-6-luna-2026-09-29", "openai:gpt-6.1-sol", "2026-11-22", usage(M, 0, 0, 0), 100_000, false},
		{"google:models/gemini-3.8-flash", "google:gemini-2.5-pro", "2026-12-02", usage(M, 0, 0, 0), 750_000, false},
		{"google:gemini-2.5-flash", "google:gemini-2.5-flash", "2026-12-02", usage(M, 0, 0, 0), 300_000, false},
		// What is not known is a guess by the model that was asked for, else nothing, and said to be unknown.
		{"google:gemini-2.5-pro", "google:gemini-2.5-pro", "2026-11-22", usage(M, 0, 0, 0), 0, true},
		{"openai:gpt-7", "openai:gpt-6-luna", "2026-11-22", usage(M, 0, 0, 0), 100_000, true},
		{"compatible:llama3:8b", "compatible:llama3:8b", "2026-11-22", usage(M, 0, 0, M), 0, true},
		{"openai:gpt-6-luna", "", "2026-11-22", llm.Usage{Usage: codeforge.Usage{InputTokens: M}, Partial: true}, 100_000, true},
		// Parts of a micro-dollar are rounded up; nonsense of a provider stays within bounds.
		{"openai:gpt-6-luna", "", "2026-11-22", usage(1, 0, 0, 0), 1, false},
		{"openai:gpt-6-luna", "", "2026-11-22", usage(-5, -7, -1, -2), 0, false},
		{"openai:gpt-6-luna", "", "2026-11-22", usage(1<<62, 0, 0, 1<<62), 600_000_000, false},
	} {
		asked := c.asked
		if asked == "" {
			asked = c.served
		}
		got := catalog(t).Cost(c.served, asked, c.u, day(c.at))
		if got.MicroUSD != c.micro || got.Estimated != c.guess {
			t.Errorf("%s at %s %+v: cost %+v, want %d, estimated %v", c.served, c.at, c.u.Usage, got, c.micro, c.guess)
		}
	}
}

func TestTable(t *testing.T) {
	c := catalog(t)
	for name, want := range map[string][2]int{
		"openai:gpt-6-astra": {1_050_000, 128_000}, "openai:gpt-6.1-sol": {1_050_000, 128_000}, "openai:gpt-6.1-terra": {1_050_000, 128_000},
		"openai:gpt-6-luna": {1_050_000, 128_000}, "anthropic:claude-fable-5-1": {1_000_000, 128_000}, "anthropic:claude-opus-5-5": {1_000_000, 128_000},
		"anthropic:claude-sonnet-5-5": {1_000_000, 128_000}, "anthropic:claude-haiku-5-5": {1_000_000, 128_000}, "google:gemini-4-argon": {1_050_000, 65_000},
		"google:gemini-3.8-flash": {1_050_000, 65_000}, "google:gemini-3.5-flash-lite": {1_050_000, 65_000},
	} {
		m, ok := c.Model(name)
		if !ok || m.Context != want[0] || m.MaxOutput != want[1] || m.CheckedOn.String() != "2026-11-22" {
			t.Errorf("%s: %+v", name, m)
		}
	}
	for name, want := range map[string]string{
		"openai:chatgpt-4o-latest": "2026-02-17", "anthropic:claude-3-7-sonnet-20250219": "2026-02-19", "anthropic:claude-sonnet-4-20250514": "2026-06-15",
		"anthropic:claude-opus-4-20250514": "2026-06-15", "anthropic:claude-opus-4-1": "2026-08-05", "openai:o4-mini": "2026-10-23", "openai:gpt-4o-2024-05-13": "2026-10-23",
		"anthropic:claude-sonnet-4-5-20250929": "2026-11-30", "google:gemini-2.5-pro": "2026-12-01", "openai:gpt-5-mini": "2026-12-11",
		"openai:gpt-4o-mini": "2027-01-14", "openai:gpt-5.3-codex": "2027-04-01", "anthropic:claude-3-5-sonnet-20240620": "2025-10-28", "google:gemini-1.5-pro": "2025-09-24",
	} {
		if m, ok := c.Model(name); !ok || m.Ends.String() != want {
			t.Errorf("%s ends %v, want %s", name, m.Ends, want)
		}
	}
	if m, _ := c.Model("anthropic:claude-opus-5"); !m.Ends.IsZero() || m.EndsNotBefore.String() != "2027-07-24" {
		t.Errorf("claude-opus-5: %+v", m)
	}
}

func TestResolve(t *testing.T) {
	for name, want := range map[string]string{
		"gpt-4o":                               "openai:gpt-6-luna !",
		"openai:gpt-4o":                        "openai:gpt-6-luna !",
		"openai:gpt-4o-2024-08-06":             "openai:gpt-4o-2024-08-06",
		"gemini-1.5-pro":                       "google:gemini-3.8-flash !",
		"google:gemini-1.5-pro-latest":         "google:gemini-3.8-flash !",
		"claude-3-5-sonnet":                    "anthropic:claude-sonnet-5-5 !",
		"claude-3-5-sonnet-20241022":           "anthropic:claude-sonnet-5-5 !",
		"anthropic:claude-3-5-sonnet-20240620": "anthropic:claude-sonnet-5-5 !",
		"anthropic:claude-3-5-sonnet-latest":   "anthropic:claude-sonnet-5-5 !",
		"compatible:gpt-4o":                    "compatible:gpt-4o",
		"router:gpt-4o":                        "router:gpt-4o",
		"google:gpt-4o":                        "google:gpt-4o",
		"compatible:llama3:8b":                 "compatible:llama3:8b",
		"compatible:meta/llama-3:free":         "compatible:meta/llama-3:free",
		"openai:gpt-9":                         "openai:gpt-9",
		"gpt-6.1-sol":                          "openai:gpt-6.1-sol",
		"gpt-6.1-sol-2026-09-29":               "openai:gpt-6.1-sol-2026-09-29",
	} {
		p, id, w, err := catalog(t).Resolve(name)
		got := p + ":" + id
		if w.Kind != "" {
			got += " !"
		}
		if err != nil || got != want {
			t.Errorf("%s: %s %v, want %s", name, got, err, want)
		}
	}
	for _, name := range []string{"", "gpt-9", ":x", "openai:", ":"} {
		if _, _, _, err := catalog(t).Resolve(name); err == nil {
			t.Errorf("%q resolves", name)
		}
	}
}

func names(chain []llm.Target) string {
	var s []string
	for _, t := range chain {
		s = append(s, t.Name())
	}
	return strings.Join(s, " ")
}

func TestRoutes(t *testing.T) {
	const (
		sol, terra, luna    = "openai:gpt-6.1-sol", "openai:gpt-6.1-terra", "openai:gpt-6-luna"
		sonnet, opus, haiku = "anthropic:claude-sonnet-5-5", "anthropic:claude-opus-5-5", "anthropic:claude-haiku-5-5"
		argon, flash, lite  = "google:gemini-4-argon", "google:gemini-3.8-flash", "google:gemini-3.5-flash-lite"
	)
	for _, c := range []struct {
		agent  string
		have   llm.Configured
		want   string
		effort string
		warn   llm.WarningKind
	}{
		{"research", all, sol + " " + sonnet + " " + flash, "medium", ""},
		{"wireframe", all, terra + " " + sonnet + " " + flash, "medium", ""},
		{"code", all, argon + " " + flash + " " + sol, "high", ""},
		{"qa", all, sol + " " + opus + " " + flash, "high", ""},
		{"pedagogy", all, sonnet + " " + terra + " " + flash, "low", ""},
		{"roadmap", all, sonnet + " " + sol + " " + flash, "medium", ""},
		{"nobody", all, terra + " " + sonnet + " " + flash, "low", ""},
		{"", all, terra + " " + sonnet + " " + flash, "low", ""},
		{"chores", all, luna + " " + haiku + " " + lite, "none", ""},
		{"code", llm.Configured{"openai": ""}, sol, "high", ""},
		{"code", llm.Configured{"google": "", "scaffold": ""}, argon + " " + flash, "high", ""},
		{"code", llm.Configured{"anthropic": ""}, sonnet, "high", ""},
		{"research", llm.Configured{"compatible": "qwen3:32b", "scaffold": ""}, "compatible:qwen3:32b", "medium", ""},
		{"research", llm.Configured{"scaffold": ""}, "scaffold:scaffold", "", llm.WarnScaffold},
		{"research", nil, "scaffold:scaffold", "", llm.WarnScaffold},
	} {
		chain, warns := catalog(t).Route(c.agent, c.have, today)
		if names(chain) != c.want || chain[0].Effort != c.effort {
			t.Errorf("%s with %v: %s %s, want %s %s", c.agent, c.have, names(chain), chain[0].Effort, c.want, c.effort)
		}
		if c.warn == "" && len(warns) > 0 || c.warn != "" && (len(warns) != 1 || warns[0].Kind != c.warn) {
			t.Errorf("%s with %v: warnings %v, want %q", c.agent, c.have, warns, c.warn)
		}
	}
}

func TestGoneModelIsLeftOutForADay(t *testing.T) {
	c := catalog(t)
	c.MarkGone("google:gemini-4-argon", today)
	chain, _ := c.Route("code", all, today.Add(time.Hour))
	if names(chain) != "google:gemini-3.8-flash openai:gpt-6.1-sol" {
		t.Error(names(chain))
	}
	if w := c.Warnings(all, today); len(w) != 1 || w[0].Kind != llm.WarnGone || w[0].Route != "code" {
		t.Error(w)
	}
	chain, _ = c.Route("code", all, today.Add(25*time.Hour))
	if len(chain) != 3 {
		t.Error(names(chain))
	}
	// So is one that has ended, unless another answers in its place.
	old := load(t, `{"format": 1, "routes": [{"agent": "qa", "chain": ["openai:o4-mini", "google:gemini-2.5-pro", "gpt-4o", "openai:gpt-6-luna"]}]}`)
	if chain, _ := old.Route("qa", all, day("2026-12-24")); names(chain) != "google:gemini-2.5-pro openai:gpt-6-luna" {
		t.Error(names(chain))
	}
	// Gone or not, a route is never empty.
	c.MarkGone("google:gemini-3.8-flash", today)
	if chain, _ := c.Route("code", llm.Configured{"google": ""}, today); names(chain) != "google:gemini-4-argon google:gemini-3.8-flash" {
		t.Error(names(chain))
	}
}

func TestWarnings(t *testing.T) {
	c := load(t, `{"format": 1, "routes": [
		{"agent": "qa", "chain": ["anthropic:claude-sonnet-4-5", "google:gemini-2.5-pro"]},
		{"agent": "code", "chain": ["openai:o4-mini", "gpt-4o", "openai:gpt-6-luna-x"]}]}`)
	kinds := func(warns []llm.Warning) string {
		var s []string
		for _, w := range warns {
			s = append(s, string(w.Kind)+" "+w.Route+" "+w.Model)
			if w.Message == "" {
				t.Errorf("%+v says nothing", w)
			}
		}
		slices.Sort(s)
		return strings.Join(s, ", ")
	}
	if got, want := kinds(c.Warnings(all, today)), "alias code gpt-4o, ended code openai:o4-mini, ending qa anthropic:claude-sonnet-4-5, ending qa google:gemini-2.5-pro"; got != want {
		t.Errorf("now:  %s\nwant: %s", got, want)
	}
	if got := c.Warnings(all, day("2026-12-05")); !slices.ContainsFunc(got, func(w llm.Warning) bool {
		return w.Kind == llm.WarnEnded && strings.Contains(w.Message, "answered by google:gemini-3.8-flash")
	}) {
		t.Error(got)
	}
	// What the providers list.
	lists := map[string][]llm.Listed{
		"openai":    {{ID: "gpt-6-luna"}, {ID: "gpt-6.1-sol"}, {ID: "gpt-6.1-terra", Ends: day("2026-12-20")}},
		"google":    {{ID: "models/gemini-3.8-flash"}, {ID: "models/gemini-2.5-pro"}, {ID: "models/gemini-3.5-flash-lite"}},
		"anthropic": {{ID: "claude-haiku-5-5", Gone: true}},
	}
	got := kinds(c.Check(lists, all, today))
	for _, want := range []string{"unlisted code openai:gpt-6-luna-x", "ending wireframe openai:gpt-6.1-terra", "gone chores anthropic:claude-haiku-5-5", "unlisted research anthropic:claude-sonnet-5-5"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in %s", want, got)
		}
	}
	if strings.Contains(got, "unlisted research google") {
		t.Error(got)
	}
	if w := c.Warnings(llm.Configured{"scaffold": ""}, today); len(w) != 1 || w[0].Kind != llm.WarnScaffold {
		t.Error(w)
	}
	if w := catalog(t).Warnings(all, today); len(w) != 0 {
		t.Errorf("the built-in table warns on the day it was checked: %v", w)
	}
}

func load(t *testing.T, file string) *llm.Catalog {
	t.Helper()
	p := filepath.Join(t.TempDir(), "models.json")
	if err := os.WriteFile(p, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := llm.Load(p)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestOverride(t *testing.T) {
	c := load(t, `{"format": 1,
		"models": [{"name": "openai:gpt-6-luna", "prices": [{"input": 1, "output": 2}]}, {"name": "groq:*", "prices": [{"input": 0, "output": 0}]}],
		"aliases": [{"name": "house", "model": "groq:llama:70b"}],
		"endpoints": [{"name": "groq", "url": "https://groq.example/openai/v1", "key_env": "GROQ_API_KEY", "model": "llama:70b"}],
		"routes": [{"agent": "code", "chain": ["groq:llama:70b", "openai:gpt-6-luna"], "effort": "low", "temperature": 0.1}]}`)
	chain, warns := c.Route("code", llm.Configured{"openai": "", "groq": ""}, today)
	if names(chain) != "groq:llama:70b openai:gpt-6-luna" || len(warns) != 0 || *chain[0].Temperature != 0.1 {
		t.Error(names(chain), warns)
	}
	if m, _ := c.Model("openai:gpt-6-luna"); m.Context != 0 || *m.Prices[0].Input != 1 {
		t.Errorf("the entry was not replaced whole: %+v", m)
	}
	if r, ok := c.Price("groq:anything", today, 0); !ok || *r.Input != 0 {
		t.Error("the provider's own price is not used")
	}
	if p, id, _, err := c.Resolve("house"); p != "groq" || id != "llama:70b" || err != nil {
		t.Error(p, id, err)
	}
	if chain, _ := c.Route("qa", all, today); chain[0].Name() != "openai:gpt-6.1-sol" {
		t.Error("a route that the file does not name is lost")
	}
	if len(c.Endpoints()) != 1 {
		t.Error(c.Endpoints())
	}
}

func TestOverrideErrorsAreAllNamed(t *testing.T) {
	_, err := llm.Parse("models.json", []byte(`{"format": 2,
		"models": [
			{"name": "gpt", "context": -1},
			{"name": "mars:rover"},
			{"name": "openai:x", "contxt": 5},
			{"name": "openai:y", "context": "big"},
			{"name": "openai:z", "temperature": "hot", "efforts": ["huge"], "default_effort": "low", "prices": [
				{"input": -1, "output": 5}, {"valid_from": "2026-01-01", "output": 1},
				{"valid_from": "2025-01-01", "input": 1, "output": 1, "tiers": [{"above_prompt": 0, "input": 1, "output": 1}]}]},
			{"name": "openai:z", "served_by": "openai:y"},
			{"name": "openai:w", "ends": "tomorrow"}],
		"aliases": [{"name": "a:b", "model": "openai:z"}, {"name": "c", "model": "nowhere"}],
		"endpoints": [{"name": "openai", "url": "ftp://x"}, {"name": "Groq", "url": "https://u:p@x/v1"}, {"name": "ok", "url": "https://x/v1?key=1", "key_env": "A B"}],
		"routes": [{"agent": "code", "chain": []}, {"agent": "qa", "chain": ["sol", "openai:z", "openai:z"], "effort": "x", "temperature": 3}, {"agent": "qa", "chain": ["openai:z"]}]}`))
	e, ok := errors.AsType[*llm.FileError](err)
	if !ok {
		t.Fatalf("%v", err)
	}
	for _, want := range []string{
		"format: must be 1", `"gpt" is not provider:model`, "must not be negative", `provider "mars" is not one of`, `unknown field "contxt"`,
		"models[3]: context must be a whole number, not a string", `temperature "hot"`, `effort "huge"`, `default_effort "low"`, "rates must be between 0",
		"input and output are required", "valid_from must be later", "above_prompt must be positive", "openai:z is there twice", "served_by needs ends",
		`"tomorrow" is no date`, "name must not be empty or hold a colon", `"nowhere" is not provider:model`, "is that of a built-in provider",
		"must be an absolute http or https address", "name must be lower case", "no user or password", "no query or fragment", "key_env must be",
		"chain must name 1 to 8", `"sol" is not provider:model`, "openai:z is there twice", `effort "x"`, "temperature must be between 0 and 2", `routes "qa": is there twice`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in:\n%s", want, strings.Join(e.Problems, "\n"))
		}
	}
	for _, bad := range []string{"", "[]", "{", `{"format":1} x`, `{"format":1,"surprise":1}`} {
		if _, err := llm.Parse("models.json", []byte(bad)); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func FuzzModelsFile(f *testing.F) {
	f.Add([]byte(`{"format":1,"models":[{"name":"openai:x","prices":[{"input":1,"output":2}]}]}`))
	f.Add([]byte(`{"format":1,"routes":[{"agent":"a","chain":["openai:x"]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := llm.Parse("f", data)
		if err != nil {
			return
		}
		for _, r := range c.File().Routes {
			if chain, _ := c.Route(r.Agent, all, today); len(chain) == 0 {
				t.Fatal("an empty chain")
			}
		}
		c.Warnings(all, today)
	})
}

func TestEveryAgentHasARoute(t *testing.T) {
	c := catalog(t)
	for _, a := range codeforge.Agents {
		for _, stage := range a.Stages {
			chain, warns := c.Route(string(stage), all, today)
			fallback, _ := c.Route("an agent without a route", all, today)
			if !stage.NoModel() && (len(warns) > 0 || chain[0].Effort == fallback[0].Effort && chain[0].Name() == fallback[0].Name()) {
				t.Errorf("agent %s has no route of its own: %v", stage, warns)
			}
		}
	}
}
