package offline

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// ideaRow is a line of testdata/ideas.txt.
type ideaRow struct{ idea, language, parts, title, records, more string }

func ideaRows(t testing.TB, file string) []ideaRow {
	t.Helper()
	text, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	var out []ideaRow
	for line := range strings.SplitSeq(string(text), "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		c := strings.Split(line, " | ")
		if len(c) != 6 {
			t.Fatalf("%d columns: %q", len(c), line)
		}
		out = append(out, ideaRow{c[0], c[1], c[2], c[3], c[4], c[5]})
	}
	return out
}

// What must become of ideas: the kinds of app, the title, the records with fields, relations, and what is said not to be there.
func TestIdeasAreUnderstood(t *testing.T) {
	rows := ideaRows(t, "ideas.txt")
	if len(rows) < 150 {
		t.Errorf("%d ideas", len(rows))
	}
	for _, row := range rows {
		t.Run(shorten(row.idea, 40), func(t *testing.T) {
			a := design(brief{idea: row.idea})
			for _, problem := range row.problems(a) {
				t.Errorf("%s\n  %s\n  got %s", row.idea, problem, describe(a))
			}
		})
	}
}

func (row ideaRow) problems(a *app) []string {
	var out []string
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	if a.Language != row.language {
		say("language %s, want %s", a.Language, row.language)
	}
	if row.title != "-" && a.Name != row.title {
		say("title %q, want %q", a.Name, row.title)
	}
	got, want := namesOf(a.Parts), strings.Split(row.parts, " + ")
	if len(got) == 0 || got[0] != want[0] || !sameSet(got, want) {
		say("parts %v, want %v", got, want)
	}
	var names []string
	if row.records != "-" {
		for record := range strings.SplitSeq(row.records, "; ") {
			name, fields, _ := strings.Cut(record, " (")
			names = append(names, name)
			k := kindNamed(a, name)
			if k == nil {
				say("no %s", name)
				continue
			}
			for f := range strings.SplitSeq(strings.TrimSuffix(fields, ")"), ", ") {
				if f != "" && !slices.ContainsFunc(k.Fields, func(o field) bool { return strings.HasPrefix(strings.ToLower(o.Label), strings.ToLower(f)) }) {
					say("%s have no %s", name, f)
				}
			}
		}
	}
	if len(names) == 0 && len(a.Parts) > 0 && (a.Parts[0].Kind == quizPart || a.Parts[0].Kind == flashcardsPart) {
		return out // their questions and cards are kept as records
	}
	if len(names) != len(a.Kinds) {
		say("records %v, want %v", manyOf(a), names)
	}
	if row.more != "-" {
		if lack, ok := strings.CutPrefix(row.more, "lacks: "); ok {
			if !strings.Contains(strings.Join(a.Lacks, "; "), lack) {
				say("lacks %v, want %s", a.Lacks, lack)
			}
		} else {
			from, to, _ := strings.Cut(row.more, " > ")
			record, label, _ := strings.Cut(from, ".")
			k, target := kindNamed(a, record), kindNamed(a, to)
			if k == nil || target == nil || !slices.ContainsFunc(k.Fields, func(f field) bool {
				return f.Type == "relation" && f.To == target.Key && strings.EqualFold(f.Label, label)
			}) {
				say("no relation %s", row.more)
			}
		}
	}
	return out
}

func kindNamed(a *app, many string) *kind {
	for i, k := range a.Kinds {
		if strings.EqualFold(k.Many, many) {
			return &a.Kinds[i]
		}
	}
	return nil
}

// namesOf are parts as the table of ideas names them.
func namesOf(parts []part) []string {
	var out []string
	for _, p := range parts {
		out = append(out, strings.TrimSuffix(string(p.Kind)+":"+p.Of, ":"))
	}
	return out
}

func sameSet(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// describe is an app in one line.
func describe(a *app) string {
	var records []string
	for _, k := range a.Kinds {
		var fields []string
		for _, f := range k.Fields {
			s := f.Label
			if f.Type == "relation" {
				s += ">" + f.To
			}
			fields = append(fields, s)
		}
		records = append(records, k.Many+" ("+strings.Join(fields, ", ")+")")
	}
	return fmt.Sprintf("%q %s %v: %s; lacks %v", a.Name, a.Language, namesOf(a.Parts), strings.Join(records, "; "), a.Lacks)
}
