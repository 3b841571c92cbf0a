package form

import (
	"encoding/json"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"
)

// Our list of violations and the library's validation agree on what is valid, and nothing a model answers stops us.
func FuzzForm(f *testing.F) {
	for _, v := range []any{Requirements{AppName: "Walks", ElevatorPitch: "Keeps all walks of all dogs in one place", Audience: []Persona{{Role: "Walker", Goal: "Walk", PainPoint: "Paper"}},
		Features: []Feature{{Name: "Walks", Description: "A list", Priority: "must-have"}}, Stack: []string{"CSS"}},
		Architecture{Pages: []Page{{Path: "/", Description: "Start", Components: []Component{{Name: "List"}}}}, Colors: []string{"#aabbcc"}},
		Review{Passed: true, Summary: "Good.", Score: 90}, Lesson{Encouragement: "Good.", Steps: []Step{{1, "Why?", "Look", "State"}}, KeyConcept: "State"},
		Clarification{IsComplete: true}} {
		f.Add(string(Marshal(v)))
	}
	f.Add(`{"passed":true,"issues":[],"summary":"x","score":1e300}`)
	f.Add(`{"site_map":[{"components":[[]]}],"issues":{},"steps":[null],"passed":"","core_features":[{"priority":3}]}`)
	f.Add(`[1]`)
	f.Fuzz(func(t *testing.T, raw string) {
		agree(t, RequirementsForm, raw)
		agree(t, ArchitectureForm, raw)
		agree(t, ReviewForm, raw)
		agree(t, LessonForm, raw)
		agree(t, ClarificationForm, raw)
	})
}

func agree[T any](t *testing.T, f *Form[T], raw string) {
	_, found := f.Read([]byte(raw))
	var doc any
	if json.Unmarshal([]byte(raw), &doc) != nil {
		return
	}
	resolved, err := f.schema.Resolve(&jsonschema.ResolveOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := resolved.Validate(fillEmpty(f.schema, f.unpack(doc))); (err == nil) != (len(found) == 0) {
		t.Errorf("%s of %s: the library says %v, we say %v", f.Name, raw, err, found)
	}
}

// What was asked for is found in what models pack it into; what is something else is not.
func TestPacked(t *testing.T) {
	lesson := string(Marshal(Lesson{Encouragement: "Good.", Steps: []Step{{1, "Why?", "Look", "State"}}, KeyConcept: "State"}))
	for _, raw := range []string{lesson, string(Marshal(lesson)), "[" + lesson + "]", `{"lesson":` + lesson + `}`, `{"name":"lesson","arguments":` + lesson + `}`} {
		if v, problems := LessonForm.Read([]byte(raw)); len(problems) > 0 || v.KeyConcept != "State" {
			t.Errorf("%s: %v", raw, problems)
		}
	}
	for _, raw := range []string{`"x"`, `[1,2]`, `{"result":[` + lesson + `]}`, `{"a":` + lesson + `,"b":` + lesson + `}`, `{"key_concept":"State","more":` + lesson + `}`, `[[[[` + lesson + `]]]]`} {
		if _, problems := LessonForm.Read([]byte(raw)); len(problems) == 0 {
			t.Errorf("%s is taken", raw)
		}
	}
}
