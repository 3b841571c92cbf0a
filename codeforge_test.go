package codeforge

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestNewID(t *testing.T) {
	var ids []string
	for range 10_000 {
		ids = append(ids, NewID())
	}
	if !slices.IsSorted(ids) {
		t.Error("ids of one process do not sort in the order in which they were made")
	}
	for _, id := range ids[:100] {
		if got, err := ParseID(id); err != nil || got != id || id[14] != '7' || !strings.ContainsRune("89ab", rune(id[19])) {
			t.Fatalf("%s is no UUID of version 7: %v", id, err)
		}
	}
	var mu sync.Mutex
	seen := map[string]bool{}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 1000 {
				id := NewID()
				mu.Lock()
				if seen[id] {
					t.Errorf("%s was made twice", id)
				}
				seen[id] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
}

func TestParseID(t *testing.T) {
	for _, good := range []string{"6F9619FF-8B86-D011-B42D-00C04FC964FF", "00000000-0000-0000-0000-000000000000"} {
		if got, err := ParseID(good); err != nil || got != strings.ToLower(good) {
			t.Errorf("ParseID(%q) = %q, %v", good, got, err)
		}
	}
	for _, bad := range []string{"", "x", "6f9619ff8b86d011b42d00c04fc964ff", "6f9619ff-8b86-d011-b42d-00c04fc964fg",
		"{6f9619ff-8b86-d011-b42d-00c04fc964f}", "6f9619ff-8b86-d011-b42d-00c04fc964ff ", "6f9619ff-8b86-d011-b42d_00c04fc964ff"} {
		_, err := ParseID(bad)
		var e *Error
		if !errors.As(err, &e) || e.Kind != Invalid || e.Details["reason"] != "Invalid UUID format" {
			t.Errorf("ParseID(%q): %v", bad, err)
		}
	}
}

func deep(n int) string { return strings.Repeat(`{"a":`, n-1) + `{}` + strings.Repeat("}", n-1) }

func TestCheckInput(t *testing.T) {
	keys := func(n int) string {
		var b []string
		for i := range n {
			b = append(b, fmt.Sprintf(`"k%d":%d`, i, i))
		}
		return "{" + strings.Join(b, ",") + "}"
	}
	long := func(n int) string { return `{"a":"` + strings.Repeat("ü", n-8) + `"}` }
	for _, good := range []string{"{}", ` {"a" : [1, "b", null, {"c": true}]} `, keys(10), deep(5), long(MaxInput), `{"a":"\\u0000"}`, `{"a":{"a":1},"b":{"a":2}}`} {
		if err := CheckInput([]byte(good)); err != nil {
			t.Errorf("%.60s: %v", good, err)
		}
	}
	for _, bad := range []string{"", "null", "[]", "1", `"a"`, "{", `{"a":1}{`, `{"a":1} x`, keys(11), deep(6), long(MaxInput + 1), `{"a":1,"a":2}`, `{"x":{"a":1,"\u0061":2}}`,
		`{"a":"\u0000"}`, `{"\u0000":1}`, "{\"a\":\"\xff\"}", `{"a":[[[[[1]]]]]}`} {
		if !IsKind(CheckInput([]byte(bad)), Invalid) {
			t.Errorf("%.60s: found nothing wrong", bad)
		}
	}
}

func FuzzCheckInput(f *testing.F) {
	for _, s := range []string{"{}", `{"a":1}`, `{"a":{"b":[1,2,{"c":"d"}]}}`, `{"a":1,"a":2}`, deep(6), `{"a":"\u0000"}`, `[]`, `{"a":1e999}`, "{\"a\":\"\xed\xa0\x80\"}"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if CheckInput(raw) != nil {
			return
		}
		var m map[string]json.RawMessage
		if err := json.Unmarshal(raw, &m); err != nil || len(m) > MaxInputKeys || len(raw) > 4*MaxInput {
			t.Errorf("%q passed: %v", raw, err)
		}
	})
}

func BenchmarkCheckInput(b *testing.B) {
	raw := []byte(`{"prompt":"` + strings.Repeat("Build a todo app with login. ", 30) + `","stack":["go","sqlite"],"limits":{"files":20,"strict":true}}`)
	for b.Loop() {
		if err := CheckInput(raw); err != nil {
			b.Fatal(err)
		}
	}
}

func TestLanguageOf(t *testing.T) {
	for p, want := range map[string]string{"src/a.ts": "typescript", "a.TSX": "tsx", "index.html": "html", "x": "plaintext", "Dockerfile": "dockerfile", "a/b.md": "markdown"} {
		if got := LanguageOf(p); got != want {
			t.Errorf("LanguageOf(%q) = %q, want %q", p, got, want)
		}
	}
}

func TestIsKind(t *testing.T) {
	wrapped := fmt.Errorf("reading: %w", errors.Join(errors.New("x"), NotFound("Project", "1")))
	if !IsKind(wrapped, Missing) || IsKind(wrapped, Invalid) || IsKind(nil, Missing) {
		t.Error("IsKind does not look through wrapping")
	}
}

func TestEveryAgentHasEveryColumn(t *testing.T) {
	for _, a := range Agents {
		pipeline := len(a.Stages) > 1
		for column, missing := range map[string]bool{
			"Title": a.Title == "", "EstimatedTime": !strings.HasSuffix(a.EstimatedTime, " minutes"),
			"Stages": len(a.Stages) == 0, "TimeLimit": a.TimeLimit == 0 && !pipeline,
			"MaxOutput": a.MaxOutput == 0 && !pipeline && !a.NoModel,
			"Typical":   a.Typical == TypicalUse{} && !pipeline && !a.NoModel,
		} {
			if missing {
				t.Errorf("agent %s has no %s", a.Type, column)
			}
		}
		if a.Type.Agent() == nil || a.Type.Agent().Type != a.Type {
			t.Errorf("agent %s is not found by its type", a.Type)
		}
		for _, stage := range a.Stages {
			if stage.Agent() == nil {
				t.Errorf("agent %s has a stage %s that does not exist", a.Type, stage)
			}
		}
	}
	if AgentType("none").ChangesFiles() || AgentType("none").EstimatedTime() == "" {
		t.Error("a job of an agent that is gone must stay readable")
	}
	if got := Builder.TimeLimit(time.Minute); got != 3*time.Minute {
		t.Errorf("a pipeline may run for %s", got)
	}
	if got := QA.TimeLimit(time.Hour); got != 2*time.Minute {
		t.Errorf("a review may run for %s", got)
	}
}
