package llm_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"codeforge/internal/llm"
)

func TestRepair(t *testing.T) {
	for in, want := range map[string]string{
		`{"a":1}`:                                `{"a":1}`,
		"  {\"a\": [1, 2]}\n":                    `{"a": [1, 2]}`,
		`"just {text}"`:                          `"just {text}"`,
		"null":                                   "null",
		"```json\n{\"a\": 1}\n```":               `{"a": 1}`,
		"Here it is:\n```\n[1,2]\n```\nDone!":    `[1,2]`,
		`Sure! {"a": "b"} I hope {it} helps.`:    `{"a": "b"}`,
		`See [1]. The result: {"a": [1, 2]}`:     `{"a": [1, 2]}`,
		`{"a":1,}`:                               `{"a":1}`,
		`{"a":[1,2,,3,],}`:                       `{"a":[1,2,3]}`,
		`{"a":1 "b":2}`:                          `{"a":1,"b":2}`,
		`{'a': 'it''s', 'b': 'don't'}`:           `{"a":"it''s","b":"don't"}`,
		`{“a”: “b”, ‘c’: ‘d’}`:                   `{"a":"b","c":"d"}`,
		`{“a": "b”}`:                             `{"a":"b”}"}`,
		`{"a": "smart “inner” quotes",}`:         `{"a":"smart “inner” quotes"}`,
		`{a: 1, b_c: True, d: None}`:             `{"a":1,"b_c":true,"d":null}`,
		"{\"a\": \"line\nbreak\ttab\"}":          `{"a":"line\nbreak\ttab"}`,
		`{"a": "He said "hi" to me", "b": 1}`:    `{"a":"He said \"hi\" to me","b":1}`,
		`{"a": "x", // why` + "\n" + ` "b":2}`:   `{"a":"x","b":2}`,
		`{"a": 1 /* one */, "b": 2}`:             `{"a":1,"b":2}`,
		`{"u": "http://x/y#z",}`:                 `{"u":"http://x/y#z"}`,
		`{"a": "\q \' \u00e9 \ud83d\ude00",}`:    `{"a":"\\q ' é 😀"}`,
		`{"files":[{"path":"a"},{"path":"b","te`: `{"files":[{"path":"a"},{"path":"b"}]}`,
		`{"files":[{"path":"a"},{"path":"b`:      `{"files":[{"path":"a"},{"path":"b"}]}`,
		`{"a":1,"b":12`:                          `{"a":1}`,
		`{"a":true,"b":tru`:                      `{"a":true}`,
		`{"a":"x\`:                               `{"a":"x"}`,
		`{"a":"x\u00`:                            `{"a":"x"}`,
		`{"a":"x\ud83d\ude`:                      `{"a":"x"}`,
		`{"a":[1,{"b":`:                          `{"a":[1,{}]}`,
		`{"a":[1,2}`:                             `{"a":[1,2]}`,
		`{"a":.5,"b":+1,"c":1.,}`:                `{"a":0.5,"b":1,"c":1}`,
		`["a", "b", ...]`:                        `["a","b"]`,
		"\ufeff{\"a\":1}":                        `{"a":1}`,
		"```json\n{\"a\": [1, 2":                 `{"a":[1]}`,
		`{`:                                      `{}`,
	} {
		got, ok := llm.Repair([]byte(in))
		if !ok || string(got) != want {
			t.Errorf("%s\n got  %s %v\n want %s", in, got, ok, want)
		}
	}
	for _, in := range []string{"", "no JSON here", "12a", "}", "it's"} {
		if got, ok := llm.Repair([]byte(in)); ok {
			t.Errorf("%q became %s", in, got)
		}
	}
}

func TestRepairTakesNoQuadraticTime(t *testing.T) {
	for _, unit := range []string{`"/*`, `",`, "{", "[", `{"a":`, `'`, `"`, `{"`, `\u`, "/*", " ", `"a" `, "“", `["",`} {
		llm.Repair([]byte("{\"a\":" + strings.Repeat(unit, 100_000/len(unit))))
	}
}

func FuzzRepair(f *testing.F) {
	for _, s := range []string{`{"a":1,}`, "```json\n{\"a\": [1, 2", `{'a': "b`, `{“a”: “b”}`, `[tru`, `{"a":"\ud83d`, `x {"a":1} y`, `{"a":1e5,"b":[{}]}`, "\"\\u2028\""} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		out, ok := llm.Repair(in)
		if json.Valid(in) && (!ok || !bytes.Equal(out, bytes.TrimSpace(in))) {
			t.Fatalf("valid %q became %q", in, out)
		}
		if !ok {
			return
		}
		if !json.Valid(out) {
			t.Fatalf("%q became %q", in, out)
		}
		if again, ok := llm.Repair(out); !ok || !bytes.Equal(out, again) {
			t.Fatalf("%q, then %q", out, again)
		}
		// Every prefix of what is valid becomes valid too, if it begins a value.
		if json.Valid(in) && len(in) > 2 && len(in) < 200 {
			if trimmed := bytes.TrimSpace(in); trimmed[0] == '{' || trimmed[0] == '[' {
				for i := range trimmed {
					if _, ok := llm.Repair(trimmed[:i+1]); !ok {
						t.Fatalf("%q cannot be closed", trimmed[:i+1])
					}
				}
			}
		}
	})
}

// wantsA takes objects with a number a.
func wantsA(b []byte) error {
	var v struct{ A *int }
	if err := json.Unmarshal(b, &v); err != nil {
		return err
	}
	if v.A == nil {
		return errors.New("/a: is required")
	}
	return nil
}

func TestStructured(t *testing.T) {
	spoils := func(kind llm.ErrorKind, text string) step {
		return func(_ context.Context, req *llm.Request, _ func(llm.Delta)) (*llm.Response, error) {
			return nil, &llm.Error{Kind: kind, Model: req.Model, Status: 200, Retryable: kind == llm.MalformedOutput, Usage: new(usage(1000, 0, 0, 100)), Partial: &llm.Response{Model: req.Model, Parts: []llm.Part{llm.Text(text)}}}
		}
	}
	for _, c := range []struct {
		name  string
		steps []step
		json  string // "" for malformed_output
		calls int
	}{
		{"fits", []step{says(`{"a": 1}`)}, `{"a": 1}`, 1},
		{"is repaired", []step{says("```\n{'a': 1,}\n```")}, `{"a":1}`, 1},
		{"is told", []step{says(`{"b": 1}`), says(`{"a": 2}`)}, `{"a": 2}`, 2},
		{"is told twice", []step{says(`sorry`), says(`{"b": 1}`), says(`{"a": 3}`)}, `{"a": 3}`, 3},
		{"never fits", []step{says(`{"b": 1}`)}, "", 3},
		{"is empty, then fits", []step{says(""), says(`{"a": 1}`)}, `{"a": 1}`, 2},
		{"was cut where it can be closed", []step{spoils(llm.TruncatedOutput, `{"a": 1, "b": ["lo"`)}, `{"a":1,"b":["lo"]}`, 1},
		{"was cut inside a value", []step{spoils(llm.TruncatedOutput, `{"a": 1, "b": "lo`), says(`{"a": 2}`)}, `{"a": 2}`, 2},
		{"lacks its end by its own word", []step{says(`{"a": 1, "b": "lo`)}, `{"a":1,"b":"lo"}`, 1},
		{"was cut before", []step{spoils(llm.TruncatedOutput, `{"b": "lo`), says(`{"a": 1}`)}, `{"a": 1}`, 2},
		{"the adapter saw no JSON", []step{spoils(llm.MalformedOutput, "Here: {a: 1}")}, `{"a":1}`, 1},
		{"the provider takes no schema", []step{fails(refused), says(`{"a": 1}`)}, `{"a": 1}`, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := provider("openai", c.steps...)
			f := router(t, p)
			req := ask("research")
			req.Schema = &llm.Schema{Name: "a", JSON: json.RawMessage(`{"type":"object","required":["a"]}`)}
			restarts := 0
			got, resp, err := llm.Structured(t.Context(), f, req, func(d llm.Delta) {
				if d.Kind == llm.DeltaRestart {
					restarts++
				}
			}, wantsA)
			if p.calls() != c.calls {
				t.Errorf("%d calls, want %d: %s", p.calls(), c.calls, f.history())
			}
			paid := int64(c.calls)
			if strings.Contains(c.name, "no schema") {
				paid--
				if q := p.seen[1]; q.Schema != nil || !strings.Contains(q.System, `"required":["a"]`) {
					t.Errorf("%+v", q)
				}
			}
			if c.json == "" {
				e, _ := errors.AsType[*llm.Error](err)
				if e == nil || e.Kind != llm.MalformedOutput || e.Partial.Text() != `{"b": 1}` || e.Usage.OutputTokens != 100*paid || !strings.Contains(e.Message, "/a: is required") {
					t.Errorf("%+v", err)
				}
				return
			}
			if err != nil || string(got) != c.json || resp.Usage.OutputTokens != 100*paid || resp.Cost.MicroUSD != 3000*paid {
				t.Errorf("%s %v %+v", got, err, resp)
			}
			if len(req.Messages) != 1 || req.Schema == nil {
				t.Error("the caller's request was changed")
			}
			if c.name == "is told" {
				m := p.seen[1].Messages
				if len(m) != 3 || m[1].Role != llm.RoleAssistant || !strings.Contains(m[2].Parts[0].Text, "/a: is required") || restarts != 1 {
					t.Errorf("%+v, %d restarts", m, restarts)
				}
			}
		})
	}
	if _, _, err := llm.Structured(t.Context(), router(t), ask("research"), nil, wantsA); err == nil {
		t.Error("a schema is not required")
	}
}

func TestStructuredIsJournaledRoundByRound(t *testing.T) {
	p, j := provider("openai", says(`{"b": 1}`), says(`nothing`), says(`{"c": 1}`)), &memJournal{}
	req := ask("research")
	req.Schema = &llm.Schema{Name: "a", JSON: json.RawMessage(`{}`)}
	_, _, err := llm.Structured(t.Context(), llm.Journaled(router(t, p), j), req, nil, wantsA)
	if err == nil || len(j.entries) != 3 {
		t.Fatal(err, len(j.entries))
	}
	_, _, again := llm.Structured(t.Context(), llm.Journaled(nil, j), req, nil, wantsA)
	if fmt.Sprint(again) != fmt.Sprint(err) {
		t.Errorf("%v\n%v", again, err)
	}
}

func TestStructuredReplaysAfterARefusedOrEmptyRequest(t *testing.T) {
	for _, steps := range [][]step{{fails(refused), says(`{"a": 7}`)}, {says(""), says(`{"a": 7}`)}} {
		j := &memJournal{}
		req := ask("research")
		req.Schema = &llm.Schema{Name: "a", JSON: json.RawMessage(`{}`)}
		for _, p := range []llm.Provider{llm.Journaled(router(t, provider("openai", steps...)), j), llm.Journaled(nil, j)} {
			if got, _, err := llm.Structured(t.Context(), p, req, nil, wantsA); err != nil || string(got) != `{"a": 7}` {
				t.Errorf("%s %v", got, err)
			}
		}
	}
}

func TestReadArguments(t *testing.T) {
	for text, want := range map[string]string{
		``: `{}`, `null`: `{}`, ` {} `: `{}`, `""`: `{}`, `{"a": 1}`: `{"a": 1}`, `"{\"a\":1}"`: `{"a":1}`, `{}{"a":1}`: `{"a":1}`, `{"a":1}{}`: `{"a":1}`,
		`{"a":1}{"a":2}`: `{"a":2}`, `[{"a":1}]`: `{"a":1}`, `{"a":"x`: "", `{"a":`: "", `5`: "", `"words"`: "", `[1,2]`: "", `[{"a":1},{"a":2}]`: "",
		`{"a":"{}`: "", `{"a":1`: "", `{"a":[1,2]`: `{"a":[1,2]}`, "{\"a\":\"x\ny\"}": `{"a":"x\ny"}`, `call it with {"a":1}`: `{"a":1}`,
	} {
		got, err := llm.ReadArguments([]byte(text))
		if string(got) != want || (err == nil) != (want != "") || err != nil && !strings.Contains(err.Error(), "JSON") {
			t.Errorf("%s: %s %v, want %s", text, got, err, want)
		}
	}
}

func TestStructuredSendsNoStrayCallBack(t *testing.T) {
	calling := func(_ context.Context, req *llm.Request, _ func(llm.Delta)) (*llm.Response, error) {
		return &llm.Response{Model: req.Model, Finish: llm.FinishToolCalls, Parts: []llm.Part{llm.Text("I look."), {Kind: llm.PartToolCall, Call: &llm.ToolCall{ID: "c", Name: "look", Arguments: json.RawMessage(`{}`)}}}}, nil
	}
	p := provider("openai", calling, says(`{"a": 1}`))
	req := ask("research")
	req.Schema = &llm.Schema{Name: "a", JSON: json.RawMessage(`{"type":"object"}`)}
	if _, _, err := llm.Structured(t.Context(), p, req, nil, func([]byte) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if sent := p.seen[1].Messages[1].Parts; len(sent) != 1 || sent[0].Kind != llm.PartText {
		t.Errorf("sent back %+v", sent)
	}
}
