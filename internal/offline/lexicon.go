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
	kinds      map[string]*entry   // by singular
	alike      map[string]string   // a word, or several joined by hyphens, for the same sort of thing -> singular
	about      map[string]string   // a word that speaks of a kind -> singular
	foreign    map[string]string   // a word of another language, in lower case -> singular
	composites map[string][]string // who or what an app may be for -> singulars of kinds
	parts      map[string]string   // part of a word in another script -> singular
	together   map[string]string   // singular -> singular of what goes with it
}

type entry struct {
	kind
	palette string // "": gives an app no colour
}

var words = sync.OnceValue(func() *lexicon {
	l := &lexicon{kinds: map[string]*entry{}, alike: map[string]string{}, about: map[string]string{}, foreign: map[string]string{}, composites: map[string][]string{},
		parts: map[string]string{}, together: map[string]string{}}
	var last *entry
	for line := range strings.SplitSeq(lexiconText, "\n") {
		switch {
		case strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "> "):
			from, to, _ := strings.Cut(line[2:], " = ")
			for w := range strings.FieldsSeq(from) {
				l.composites[w] = strings.Fields(to)
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
			names, rest, _ := strings.Cut(line, "|")
			column, _, _ := strings.Cut(rest, "|")
			one, _, _ := strings.Cut(names, " ")
			l.kinds[one] = last
			for i, group := range strings.SplitN(column, ";", 3) {
				into := []map[string]string{l.alike, l.about, l.foreign}[i]
				for w := range strings.FieldsSeq(group) {
					if _, taken := into[w]; !taken {
						into[w] = one
					}
				}
			}
		}
	}
	for _, one := range sortedKeys(l.kinds) { // a kind's own name is nobody else's
		e := l.kinds[one]
		l.alike[one] = one
		for _, language := range languages[1:] {
			for _, name := range []string{e.One, e.Many} {
				foreign := strings.ToLower(strings.ReplaceAll(wordTranslations().texts[language][name], " ", "-"))
				if _, taken := l.foreign[foreign]; !taken && foreign != "" {
					l.foreign[foreign] = one
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
	if strings.HasPrefix(s, "follow-") || strings.HasPrefix(s, "check-") || strings.HasPrefix(s, "weigh-") {
		return s
	}
	return strings.ReplaceAll(s, "-", " ")
}

var fieldForm = regexp.MustCompile(`([^:,][^:,]*):(->)?([a-z-]+)(?:\(([^)]*)\))?([!?])?`)

// parseFields reads the lexicon's notation of fields. The lexicon is our own, so what does not fit is a mistake in it.
func parseFields(line string) []field {
	var out []field
	for _, m := range fieldForm.FindAllStringSubmatch(line, -1) {
		f := field{Label: strings.TrimSpace(m[1]), Type: m[3], Required: m[5] == "!", optional: m[5] == "?"}
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

// lookup returns the kinds that English words stand for: one whose name they may keep, or that they speak of, or several.
func (l *lexicon) lookup(said string) []string {
	said = strings.ReplaceAll(said, " ", "-")
	for _, w := range []string{said, singular(said)} {
		if one, ok := l.alike[w]; ok {
			return []string{one}
		}
		if several, ok := l.composites[w]; ok {
			return several
		}
		if one, ok := l.about[w]; ok {
			return []string{one}
		}
	}
	return nil
}
