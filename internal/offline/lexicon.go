package offline

import (
	_ "embed"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
)

//go:embed lexicon.txt
var lexiconText string

// lexicon is what the model knows of the world: kinds of things by the words for them.
type lexicon struct {
	kinds    map[string]*entry   // by singular
	words    map[string][]string // a word or a hyphenated pair -> singulars of kinds
	parts    map[string]string   // part of a word in another script -> singular
	together map[string]string   // singular -> singular of what goes with it
}

type entry struct {
	kind
	palette string // "": gives an app no colour
}

var words = sync.OnceValue(func() *lexicon {
	l := &lexicon{kinds: map[string]*entry{}, words: map[string][]string{}, parts: map[string]string{}, together: map[string]string{}}
	var last *entry
	for line := range strings.SplitSeq(lexiconText, "\n") {
		switch {
		case strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "> "):
			// Words for several kinds win over those for one.
			from, to, _ := strings.Cut(line[2:], " = ")
			for w := range strings.FieldsSeq(from) {
				l.words[w] = strings.Fields(to)
			}
		case strings.HasPrefix(line, "~ "):
			to, parts, _ := strings.Cut(line[2:], " = ")
			for w := range strings.FieldsSeq(parts) {
				l.parts[w] = to
			}
		case strings.HasPrefix(line, "+ "):
			from, to, _ := strings.Cut(line[2:], " = ")
			l.together[from] = to
		case strings.HasPrefix(line, "  "):
			last.Fields = parseFields(line)
		default:
			last = parseKind(line)
			name, rest, _ := strings.Cut(line, "|")
			alike, _, _ := strings.Cut(rest, "|")
			singular := strings.Fields(name)[0]
			l.kinds[singular] = last
			for w := range strings.FieldsSeq(name + " " + alike) {
				if _, taken := l.words[w]; !taken {
					l.words[w] = []string{singular}
				}
			}
		}
	}
	return l
})

func parseKind(line string) *entry {
	cols := strings.Split(line, "|")
	for i := range cols {
		cols[i] = strings.TrimSpace(cols[i])
	}
	one, many, _ := strings.Cut(cols[0], " ")
	e := &entry{kind: kind{Key: many, One: spaced(one), Many: spaced(many), Verb: cols[2], View: cols[3], Intro: cols[5]}}
	if cols[4] != "-" {
		e.palette = cols[4]
	}
	return e
}

// spaced turns the hyphen that makes two words one in the lexicon into a space where people would write one.
func spaced(s string) string {
	if strings.HasPrefix(s, "follow-") || strings.HasPrefix(s, "check-") {
		return s
	}
	return strings.ReplaceAll(s, "-", " ")
}

var fieldForm = regexp.MustCompile(`([^:,][^:,]*):(->)?([a-z-]+)(?:\(([^)]*)\))?(!)?`)

// parseFields reads the lexicon's notation of fields. The lexicon is our own, so what does not fit is a mistake in it.
func parseFields(line string) []field {
	var out []field
	for _, m := range fieldForm.FindAllStringSubmatch(line, -1) {
		f := field{Label: strings.TrimSpace(m[1]), Type: m[3], Required: m[5] != ""}
		switch {
		case m[2] != "":
			f.Type, f.To = "relation", m[3] // a singular; resolve turns it into a key
		case m[4] != "":
			for o := range strings.SplitSeq(m[4], ",") {
				f.Options = append(f.Options, strings.TrimSpace(o))
			}
		}
		if !slices.Contains(fieldTypes, f.Type) {
			panic(fmt.Sprintf("lexicon: %q has no known type", m[0]))
		}
		out = append(out, f)
	}
	return out
}

// lookup returns the kinds that a word, or a pair of words joined by a hyphen, stands for.
func (l *lexicon) lookup(word string) []string {
	if k, ok := l.words[word]; ok {
		return k
	}
	return l.words[singular(word)]
}

// singular undoes the usual English plurals.
func singular(w string) string {
	switch {
	case len(w) < 4 || strings.HasSuffix(w, "ss") || strings.HasSuffix(w, "us") || strings.HasSuffix(w, "is"):
		return w
	case strings.HasSuffix(w, "ies") && len(w) > 4:
		return w[:len(w)-3] + "y"
	case strings.HasSuffix(w, "ches"), strings.HasSuffix(w, "shes"), strings.HasSuffix(w, "sses"), strings.HasSuffix(w, "xes"), strings.HasSuffix(w, "zzes"):
		return w[:len(w)-2]
	case strings.HasSuffix(w, "s"):
		return w[:len(w)-1]
	}
	return w
}

// plural makes the usual English plural.
func plural(w string) string {
	switch {
	case w == "":
		return w
	case strings.HasSuffix(w, "y") && len(w) > 1 && !strings.ContainsRune("aeiou", rune(w[len(w)-2])):
		return w[:len(w)-1] + "ies"
	case strings.HasSuffix(w, "s"), strings.HasSuffix(w, "x"), strings.HasSuffix(w, "ch"), strings.HasSuffix(w, "sh"):
		return w + "es"
	}
	return w + "s"
}
