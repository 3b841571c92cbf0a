package offline

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"
	"unicode"
)

//go:embed grammar.txt
var grammarText string

// grammar is what is known of English words.
type grammar struct {
	sets         map[string]map[string]bool // by section
	plurals      map[string]string          // irregular, by singular
	singulars    map[string]string          // and back
	participles  map[string]string
	bases        map[string]string // of verbs, by participle
	misspellings map[string]string
}

var english = sync.OnceValue(func() *grammar {
	g := &grammar{sets: map[string]map[string]bool{}, plurals: map[string]string{}, singulars: map[string]string{}, participles: map[string]string{}, bases: map[string]string{}, misspellings: map[string]string{}}
	pairs := map[string]map[string]string{"irregular": g.plurals, "participle": g.participles, "misspelling": g.misspellings}
	section := ""
	for line := range strings.SplitSeq(grammarText, "\n") {
		switch {
		case strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "["):
			section = strings.Trim(line, "[]")
			g.sets[section] = map[string]bool{}
		default:
			for w := range strings.FieldsSeq(line) {
				if from, to, paired := strings.Cut(w, ":"); paired {
					pairs[section][from] = to
				} else {
					g.sets[section][w] = true
				}
			}
		}
	}
	for one, many := range g.plurals {
		if other := g.singulars[many]; other != "" {
			panic(fmt.Sprintf("grammar: %q is the plural of %q and %q", many, other, one)) // the file is our own
		}
		g.singulars[many] = one
	}
	for base, form := range g.participles {
		if g.is("verb", base) {
			g.bases[form] = base
		}
	}
	return g
})

// is reports whether a word stands in a section.
func (g *grammar) is(section, word string) bool { return g.sets[section][word] }

// verbForm is the base of a word that is a form of a known verb, "" otherwise.
func (g *grammar) verbForm(w string) string {
	known := func(base string) bool { return g.sets["verb"][base] || g.sets["noun_or_verb"][base] }
	if known(w) {
		return w
	}
	if base, ok := g.bases[w]; ok {
		return base
	}
	if _, ok := g.participles[w]; ok {
		return w
	}
	for _, ending := range []string{"ing", "ed", "es", "s", "d"} {
		stem, ok := strings.CutSuffix(w, ending)
		if !ok || len(stem) < 2 || ending == "s" && strings.HasSuffix(stem, "s") {
			continue
		}
		candidates := []string{stem, stem + "e"}
		if n := len(stem); n > 2 && stem[n-1] == stem[n-2] {
			candidates = append(candidates, stem[:n-1])
		}
		if cut, ok := strings.CutSuffix(stem, "i"); ok {
			candidates = append(candidates, cut+"y")
		}
		for _, c := range candidates {
			if known(c) {
				return c
			}
		}
	}
	return ""
}

// spelled undoes usual misspellings, of the word or of what it is the plural of.
func (g *grammar) spelled(w string) string {
	if right, ok := g.misspellings[w]; ok {
		return right
	}
	if one, ok := strings.CutSuffix(w, "s"); ok && !strings.HasSuffix(one, "s") {
		if right, ok := g.misspellings[one]; ok {
			return plural(right)
		}
	}
	return w
}

// singular undoes English plurals.
func singular(w string) string {
	g := english()
	if one, ok := g.singulars[w]; ok {
		return one
	}
	if head, last := beforeLast(w, "-"); head != "" {
		return head + singular(last)
	}
	switch {
	case w == "ins" || w == "ups": // of check-ins and follow-ups
		return w[:2]
	case len(w) < 4 || g.is("uncountable", w) || strings.HasSuffix(w, "ss") || strings.HasSuffix(w, "us") || strings.HasSuffix(w, "is"):
		return w
	case strings.HasSuffix(w, "ies") && len(w) > 4:
		return w[:len(w)-3] + "y"
	case strings.HasSuffix(w, "zzes"), strings.HasSuffix(w, "ches"), strings.HasSuffix(w, "shes"), strings.HasSuffix(w, "sses"), strings.HasSuffix(w, "xes"):
		return w[:len(w)-2]
	case strings.HasSuffix(w, "s"):
		return w[:len(w)-1]
	}
	return w
}

// plural makes English plurals.
func plural(w string) string {
	g := english()
	if many, ok := g.plurals[w]; ok {
		return many
	}
	if head, last := beforeLast(w, "-"); head != "" {
		return head + plural(last)
	}
	switch {
	case w == "" || g.is("uncountable", w):
		return w
	case strings.HasSuffix(w, "y") && len(w) > 1 && !strings.ContainsRune("aeiou", rune(w[len(w)-2])):
		return w[:len(w)-1] + "ies"
	case strings.HasSuffix(w, "man") && len(w) > 5 && w != "human" && w != "talisman" && w != "german" && w != "roman":
		return w[:len(w)-2] + "en"
	case strings.HasSuffix(w, "s"), strings.HasSuffix(w, "x"), strings.HasSuffix(w, "ch"), strings.HasSuffix(w, "sh"), strings.HasSuffix(w, "zz"):
		return w + "es"
	}
	return w + "s"
}

// beforeLast cuts w behind its last separator.
func beforeLast(w, separator string) (head, last string) {
	i := strings.LastIndex(w, separator)
	if i < 0 || i == len(w)-1 {
		return "", w
	}
	return w[:i+1], w[i+1:]
}

// isPlural reports whether an English noun is written in the plural.
func isPlural(w string) bool {
	one := singular(w)
	return one != w && (plural(one) == w || english().singulars[w] != "" || english().is("uncountable", one))
}

func isCapital(w string) bool {
	return w != "" && unicode.IsUpper([]rune(w)[0])
}
