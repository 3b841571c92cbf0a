package offline

import (
	"regexp"
	"strings"
	"testing"
)

// Examples are what such things are: what was spent lies behind, what is due ahead, and each has a name.
func TestSamplesFitWhatTheyAreExamplesOf(t *testing.T) {
	for _, c := range []struct{ idea, sort, must, never string }{
		{"expense tracker", "-date", `amount: 48\.2, date: 0, `, `date: [1-9]`},
		{"reading list", "", `title: "The Left Hand of Darkness"`, `"Book 1"`},
		{"subscription manager", "renewsOn", `renewsOn: [1-9]`, `renewsOn: -`},
		{"loans of tools", "dueBack", `borrower: "Ada"`, `"(?:Loan|Tool) 1"`},
		{"my favourite quotes and who said them", "", `quote: "Measure twice, cut once\."`, `quote: ""`},
		{"recipe box", "", `ingredients: "Red lentils`, `Change it or delete it`},
		{"bucket list", "by", `status: "Reached"`, ``},
	} {
		a := design(brief{idea: c.idea})
		k := a.Kinds[0]
		text := strings.Join(a.Samples()[0].Entries, "\n")
		if k.Sort != c.sort {
			t.Errorf("%s: sorted by %q, want %q", c.idea, k.Sort, c.sort)
		}
		if !regexp.MustCompile(c.must).MatchString(text) || c.never != "" && regexp.MustCompile(c.never).MatchString(text) {
			t.Errorf("%s: no %s, or %s, in\n%s", c.idea, c.must, c.never, text)
		}
	}
}
