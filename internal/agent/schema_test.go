package agent

import (
	"codeforge/internal/agent/form"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// The limits of the wire, from the outside: what is at the limit passes, what is one beyond does not.
func TestLimits(t *testing.T) {
	list := func(n int, v any) (out []any) {
		for range n {
			out = append(out, v)
		}
		return out
	}
	text := func(n int) string { return strings.Repeat("é", n) }
	feature := goodRequirements["core_features"].([]any)[0].(args)
	persona := goodRequirements["target_audience"].([]any)[0]
	page := goodArchitecture["site_map"].([]any)[0].(args)
	component := page["components"].([]any)[0].(args)
	step := goodLesson["steps"].([]any)[0]
	pages := func(n int) (out []any) {
		for i := range n {
			out = append(out, with(page, "path", fmt.Sprintf("/p%d", i)))
		}
		return out
	}
	for _, c := range []struct {
		base     args
		read     func(args) []string
		key      string
		good, no []any
	}{
		{goodRequirements, problems(form.RequirementsForm), "app_name", []any{"A", text(200)}, []any{"", text(201), 5}},
		{goodRequirements, problems(form.RequirementsForm), "elevator_pitch", []any{text(20), text(500)}, []any{text(19), text(501)}},
		{goodRequirements, problems(form.RequirementsForm), "target_audience", []any{list(1, persona), list(5, persona)}, []any{list(0, 0), list(6, persona), nil}},
		{goodRequirements, problems(form.RequirementsForm), "core_features", []any{list(20, feature)}, []any{list(0, 0), list(21, feature), []any{with(feature, "priority", "low")}, []any{with(feature, "priority", "nice-to-have")}}},
		{goodRequirements, problems(form.RequirementsForm), "recommended_stack", []any{list(10, "a")}, []any{[]any{}, list(11, "a"), "Go", []any{1}}},
		{goodRequirements, problems(form.RequirementsForm), "technical_constraints", []any{[]any{}, nil}, []any{"x"}},
		{goodArchitecture, problems(form.ArchitectureForm), "site_map", []any{pages(1), pages(50)}, []any{pages(0), pages(51), []any{page, page},
			[]any{with(page, "path", "home")}, []any{with(page, "path", "/A")}, []any{with(page, "components", []any{})}, []any{with(page, "components", list(51, component))},
			[]any{with(page, "components", []any{with(component, "name", "dogList")})}}},
		{goodArchitecture, problems(form.ArchitectureForm), "global_state_needs", []any{list(20, "s"), []any{}}, []any{list(21, "s")}},
		{goodArchitecture, problems(form.ArchitectureForm), "theme_colors", []any{list(10, "#abcDEF")}, []any{[]any{}, list(11, "#ABCDEF"), []any{"#FFF"}, []any{"red"}, []any{"#GGGGGG"}}},
		{goodReport, problems(form.ReviewForm), "score", []any{0, 100}, []any{-1, 101, 50.5, "90", nil}},
		{goodReport, problems(form.ReviewForm), "passed", []any{true}, []any{"yes", nil, false}},
		{goodReport, problems(form.ReviewForm), "issues", []any{list(100, finding)}, []any{list(101, finding), []any{with(finding, "severity", "bad")}, []any{with(finding, "line_hint", "two")}}},
		{goodLesson, problems(form.LessonForm), "steps", []any{list(1, step), list(10, step)}, []any{[]any{}, list(11, step)}},
		{goodLesson, problems(form.LessonForm), "further_exploration", []any{list(5, "x"), nil}, []any{list(6, "x")}},
		{goodClarification, problems(form.ClarificationForm), "questions", []any{list(5, args{"question": "q"})}, []any{list(6, args{"question": "q"}), []any{args{"question": ""}}}},
	} {
		for _, v := range c.good {
			if p := c.read(with(c.base, c.key, v)); len(p) > 0 {
				t.Errorf("%s = %.80v: %v", c.key, v, p)
			}
		}
		for _, v := range c.no {
			if p := c.read(with(c.base, c.key, v)); len(p) == 0 {
				t.Errorf("%s = %.80v passed", c.key, v)
			}
		}
	}
}

func problems[T interface{ Problems() []string }](f *form.Form[T]) func(args) []string {
	return func(a args) []string {
		v, p := f.Read(form.Marshal(a))
		if len(p) == 0 {
			p = v.Problems()
		}
		return p
	}
}

// Every object of every schema is closed and requires all that it names, which is what strict modes of providers ask for.
func TestSchemasAreStrict(t *testing.T) {
	for name, raw := range map[string]json.RawMessage{"clarification": form.ClarificationForm.JSON, "requirements": form.RequirementsForm.JSON,
		"architecture": form.ArchitectureForm.JSON, "qa_report": form.ReviewForm.JSON, "lesson": form.LessonForm.JSON} {
		var doc any
		if err := json.Unmarshal(raw, &doc); err != nil {
			t.Fatal(err)
		}
		var walk func(at string, v any)
		walk = func(at string, v any) {
			switch v := v.(type) {
			case map[string]any:
				if _, ok := v["type"].(string); !ok && at != "" {
					t.Errorf("%s%s has type %v", name, at, v["type"])
				}
				if p, ok := v["properties"].(map[string]any); ok {
					if v["additionalProperties"] != false || len(v["required"].([]any)) != len(p) {
						t.Errorf("%s%s is not strict", name, at)
					}
					for k, e := range p {
						walk(at+"."+k, e)
					}
				}
				if items, ok := v["items"]; ok {
					walk(at+"[]", items)
				}
			}
		}
		walk("", doc)
	}
	if form.ClarificationForm.Name != "clarification" || form.RequirementsForm.Name != "requirements" || form.ArchitectureForm.Name != "architecture" || form.ReviewForm.Name != "qa_report" || form.LessonForm.Name != "lesson" {
		t.Error("a schema has another name")
	}
}

func TestDocsHoldBothSetsOfKeys(t *testing.T) {
	for _, c := range []struct {
		doc  any
		keys []string
	}{
		{newRequirementsDoc(form.Requirements{}), []string{"app_name", "elevator_pitch", "target_audience", "core_features", "recommended_stack", "technical_constraints", "summary"}},
		{personaDoc{}, []string{"role", "goal", "pain_point", "name", "description", "pain_points"}},
		{form.Feature{}, []string{"name", "description", "priority", "user_stories"}},
		{newArchitectureDoc(form.Architecture{}), []string{"site_map", "global_state_needs", "theme_colors", "design", "summary"}},
		{pageDoc{}, []string{"path", "name", "description", "components"}},
		{componentDoc{}, []string{"name", "type", "props", "children"}},
		{issueDoc{}, []string{"id", "severity", "category", "file_path", "file", "line_hint", "line", "description", "message", "suggestion"}},
		{fileDoc{}, []string{"file_path", "path", "language", "explanation", "action"}},
		{newLessonDoc(form.Lesson{}), []string{"encouragement", "steps", "key_concept", "further_exploration", "message", "summary"}},
	} {
		var got map[string]any
		json.Unmarshal(form.Marshal(c.doc), &got)
		if len(got) != len(c.keys) {
			t.Errorf("%s has the keys %v", reflect.TypeOf(c.doc), got)
		}
		for _, k := range c.keys {
			if _, ok := got[k]; !ok {
				t.Errorf("%s has no key %s", reflect.TypeOf(c.doc), k)
			}
		}
	}
}

func TestPageNames(t *testing.T) {
	for path, want := range map[string]string{"/": "Home", "/walks": "Walks", "/walks/new-walk": "New walk", "/a/": "A", "//": "Home", "/-": "Home"} {
		if got := pageName(path); got != want {
			t.Errorf("%s is called %q, want %q", path, got, want)
		}
	}
}

// Tools are sent with every request: what they say of themselves is kept short.
func TestToolsAreShort(t *testing.T) {
	size := 0
	for _, x := range codingTools {
		size += len(form.Marshal(x.def))
	}
	if size > 5_000 {
		t.Errorf("the tools take %d bytes", size)
	}
}
