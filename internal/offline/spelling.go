package offline

import (
	"strings"
	"sync"
)

// spellings are the words that are known, and so may be meant by one that is not.
var spellings = sync.OnceValue(func() map[string]bool {
	g, l, out := english(), words(), map[string]bool{}
	add := func(w string) {
		for part := range strings.SplitSeq(w, "-") {
			if len(part) > 4 {
				out[part], out[plural(part)] = true, true
			}
		}
	}
	for _, set := range g.sets {
		for w := range set {
			add(w)
		}
	}
	for one := range g.plurals {
		add(one)
	}
	for _, known := range []map[string]string{l.alike, l.about} {
		for w := range known {
			add(w)
		}
	}
	for w := range l.composites {
		add(w)
	}
	for _, list := range partPhrases() {
		for _, p := range list {
			for _, w := range p.words {
				add(w)
			}
		}
	}
	return out
})

// meant is the known word of which an English one is a slip of the hand: two letters that changed places, one that is missing, one
// that is there twice, or, in a long word, one that is another. A word that is known, or near to none, stays.
func meant(w string) string {
	known := spellings()
	if len(w) < 5 || known[w] || known[singular(w)] || english().verbForm(w) != "" || strings.ContainsAny(w, "'-.0123456789") {
		return w
	}
	for i := 1; i+1 < len(w); i++ { // "studnets"
		if near := w[:i] + w[i+1:i+2] + w[i:i+1] + w[i+2:]; known[near] {
			return near
		}
	}
	if len(w) < 7 {
		return w
	}
	for i := 1; i < len(w); i++ { // "grocerry"
		if near := w[:i] + w[i+1:]; w[i] == w[i-1] && known[near] {
			return near
		}
	}
	for i := 1; i < len(w); i++ { // "paymets", "camaras"
		for c := 'a'; c <= 'z'; c++ {
			if near := w[:i] + string(c) + w[i:]; known[near] {
				return near
			}
			vowels := !strings.HasSuffix(w, "ing") && strings.ContainsRune("aeiou", c) && strings.ContainsRune("aeiou", rune(w[i]))
			if near := w[:i] + string(c) + w[i+1:]; vowels && known[near] {
				return near
			}
		}
	}
	return w
}
