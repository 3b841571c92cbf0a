package pattern

import (
	"context"
	"hash/fnv"
	"iter"
	"maps"
	"slices"
	"strings"
	"unicode"

	"codeforge"
	"codeforge/internal/llm"
)

// Local is an Embedder that calls nobody: it hashes words, pairs of words, and pieces of words into the numbers of a vector. It knows
// nothing of meanings; what is near has words in common, or words that are written alike.
type Local struct{}

// LocalModel is its name, which changes with whatever changes a vector.
const LocalModel = "local:ngrams-1"

// Model implements Embedder.
func (Local) Model() string { return LocalModel }

// The weights of features: how often one occurs counts less and less, as in BM25, and more in a short text than in a long one. What
// BM25 makes of how rare a word is takes a collection; a list of words that say nothing stands for it.
const (
	saturation    = 1.2
	lengthShare   = 0.75
	usualLength   = 120 // words
	pairWeight    = 0.6
	pieceWeight   = 0.25
	pieceLength   = 4
	maxLocalWords = 2_000
)

// Embed implements Embedder.
func (Local) Embed(_ context.Context, _ llm.Call, text string) ([]float32, error) {
	words := wordsOf(text)
	counts := map[string]float64{}
	for i, w := range words {
		counts["w "+w]++
		if i > 0 {
			counts["p "+words[i-1]+" "+w]++
		}
		runes := []rune("^" + w + "$")
		for at := 0; at+pieceLength <= len(runes); at++ {
			counts["c "+string(runes[at:at+pieceLength])]++
		}
	}
	if len(words) == 0 { // all texts without words are alike
		counts["w"] = 1
	}
	weights := map[byte]float64{'w': 1, 'p': pairWeight, 'c': pieceWeight}
	norm := saturation * (1 - lengthShare + lengthShare*float64(len(words))/usualLength)
	sums := make([]float64, codeforge.VectorSize)
	for _, feature := range slices.Sorted(maps.Keys(counts)) { // sums of floats depend on their order
		n := counts[feature]
		h := fnv.New64a()
		h.Write([]byte(feature))
		sum := h.Sum64()
		weight := weights[feature[0]] * n * (saturation + 1) / (n + norm)
		if sum>>63 == 1 {
			weight = -weight
		}
		sums[sum%codeforge.VectorSize] += weight
	}
	v := make([]float32, len(sums))
	for i, x := range sums {
		v[i] = float32(x)
	}
	return fit(v)
}

// wordsOf are the words of a text that say something, in lower case, plurals as one with singulars.
func wordsOf(text string) (words []string) {
	for w := range wordsIn(text) {
		if len([]rune(w)) < 2 || emptyWords[w] {
			continue
		}
		if n := len(w); n > 3 && w[n-1] == 's' && w[n-2] != 's' {
			w = w[:n-1]
		}
		if words = append(words, w); len(words) == maxLocalWords {
			break
		}
	}
	return words
}

// wordsIn are all words of a text, in lower case.
func wordsIn(text string) iter.Seq[string] {
	return strings.FieldsFuncSeq(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

// emptyWords say nothing, in general or of an app.
var emptyWords = setOf(`a about after all also an and any app application apps are as at be been before build but by can could create data do each every for from get
	has have her his how i if in into is it its just keep let like list make many may me more most must my need needs new no not of on one only or other our out over page
	pages people please see should show simple site so some such than that the their them then there these they thing things this to too up us use user users using very
	want was way we web website were what when where which who will with without would you your
	das der die den dem ein eine einen einer für ich mit oder sie und von wie wir zu`)

func setOf(words string) map[string]bool {
	set := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		set[w] = true
	}
	return set
}
