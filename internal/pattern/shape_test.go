package pattern

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"codeforge"
)

func project(title, requirements, architecture string, stack ...string) *codeforge.Project {
	return &codeforge.Project{ID: codeforge.NewID(), Title: title, Requirements: json.RawMessage(requirements), Architecture: json.RawMessage(architecture), TechStack: stack}
}

const (
	walkers = `{"app_name":"Walkies by Ann","elevator_pitch":"Keeps customers of Ann's dog walking.","core_features":[{"name":"Customers","description":"Ann's list"},{"name":"Invoices","description":"monthly"}],"recommended_stack":["React with TypeScript","localStorage"]}`
	layout  = `{"site_map":[{"path":"/","name":"Ann's start","components":[{"name":"AnnHero"},{"name":"Nav"}]},{"path":"/customers","name":"Customers of Ann","components":[{"name":"CustomerList"}]},
		{"path":"/customers/new","name":"New","components":[{"name":"CustomerForm"}]},{"path":"/ann-zone","name":"Zone","components":[]}],"global_state_needs":["Customer {name: string}"],"design":["calm"]}`
)

func TestShapeAndOutline(t *testing.T) {
	s := read(project("Ann's CRM", walkers, layout, "Vue", "AnnScript"))
	got, _ := json.Marshal(s.shape())
	if want := `{"kind":"crm","stack":["react","vue","typescript","localstorage"],"pages":["home","list","form","page"],"components":4,"features":2,"records":1}`; string(got) != want {
		t.Errorf("shape\n%s\n%s", got, want)
	}
	if want := "Walkies by Ann: Keeps customers of Ann's dog walking.\nPage / Ann's start: AnnHero, Nav\nPage /customers Customers of Ann: CustomerList\nPage /customers/new New: CustomerForm\nPage /ann-zone Zone\nState: Customer {name: string}\nDesign: calm"; s.outline() != want {
		t.Errorf("outline\n%s", s.outline())
	}
	if text := s.text("and make it blue"); !strings.Contains(text, "Ann's CRM\nand make it blue\nWalkies by Ann") || !strings.Contains(text, "Customers: Ann's list") {
		t.Errorf("text\n%s", text)
	}
}

// closed are all words that a shape may hold.
func closed() (words []string) {
	words = []string{"app", "home", "page"}
	for _, v := range []vocabulary{appKinds, pageKinds, technologies} {
		for _, m := range v {
			words = append(words, m.meaning)
		}
	}
	return words
}

// Whatever people and models wrote into a specification, a shape holds words of the vocabularies alone, and the rest within its bounds.
func FuzzShape(f *testing.F) {
	f.Add("Ann's CRM", walkers, layout, "React")
	f.Add("", `[]`, `{"site_map":[{"path":7,"components":"x"},"y"],"global_state_needs":{}}`, "")
	f.Add("\xff\x00", `{"core_features":[{"name":["a"]}],"app_name":"\u0000"}`, `{"site_map":"x"}`, "next nuxt astro")
	words := closed()
	f.Fuzz(func(t *testing.T, title, requirements, architecture, stack string) {
		p := project(title, requirements, architecture, stack)
		s := read(p)
		shape := s.shape()
		for _, w := range append(append([]string{shape.Kind}, shape.Stack...), shape.Pages...) {
			if !slices.Contains(words, w) {
				t.Errorf("the word %q", w)
			}
		}
		legacy, _ := json.Marshal(map[string]any{"type": title, "metadata": json.RawMessage(nil)})
		if doc := json.RawMessage(architecture); json.Valid(doc) {
			legacy, _ = json.Marshal(map[string]any{"type": title, "metadata": doc})
		}
		old := legacyShape(legacy)
		for _, w := range append(append([]string{old.Kind}, old.Stack...), old.Pages...) {
			if !slices.Contains(words, w) {
				t.Errorf("the word %q of an earlier backend", w)
			}
		}
		pattern := codeforge.Pattern{Outline: s.outline(), Vector: make([]float32, codeforge.VectorSize)}
		if err := codeforge.CheckPattern(&pattern); err != nil {
			t.Error(err)
		}
		if len(s.text("")) > maxText {
			t.Error("a long text")
		}
	})
}

func TestLegacyShape(t *testing.T) {
	got := legacyShape(json.RawMessage(`{"type":"shop","metadata":{"architecture_spec":{"site_map":[{"path":"/"},{"path":"/cart","name":"Bob's cart"}]},"stack":["Next.js","Bob"]}}`))
	if got.Kind != "shop" || !slices.Equal(got.Pages, []string{"home", "cart"}) || !slices.Equal(got.Stack, []string{"next"}) {
		t.Errorf("%+v", got)
	}
}
