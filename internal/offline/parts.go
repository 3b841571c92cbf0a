package offline

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// part is one thing that an app is for its user. An app has at least one; the first is what the idea is about.
type part struct {
	Kind  partKind
	Of    string // which timer, formula, sort of units or game: a name of parts.txt, "" for kinds that have none
	Topic string // what a quiz, cards or a timer are about, in the user's words, or ""
	Shows string // key of the records that a board, calendar or heat map shows, "" for the first

	Key, Title string // of its page, where it has one
}

// partKind is a kind of app.
type partKind string

const (
	trackerPart    partKind = "tracker"    // records: lists with search, forms and deletion
	boardPart      partKind = "board"      // records in columns, moved by hand
	calendarPart   partKind = "calendar"   // records by the days of a month
	heatmapPart    partKind = "heatmap"    // the days of a year, by how much was done
	timerPart      partKind = "timer"      // Of: pomodoro, countdown, stopwatch, interval, tea
	calculatorPart partKind = "calculator" // Of: a formula
	converterPart  partKind = "converter"  // Of: a sort of units, or units for all
	quizPart       partKind = "quiz"
	flashcardsPart partKind = "flashcards"
	gamePart       partKind = "game" // Of: a game
)

//go:embed parts.txt
var partsText string

// partPhrase is a way to ask for a kind of app.
type partPhrase struct {
	words []string // singular
	part  part
}

// partPhrases are those of parts.txt by their first word, the longest first.
var partPhrases = sync.OnceValue(func() map[string][]partPhrase {
	out := map[string][]partPhrase{}
	for line := range strings.SplitSeq(partsText, "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		head, phrases, _ := strings.Cut(line, "|")
		names := strings.Fields(head)
		if len(names) != 2 {
			panic(fmt.Sprintf("parts: %q has no kind and name", line)) // the file is our own
		}
		p := part{Kind: partKind(names[0]), Of: strings.TrimPrefix(names[1], "-")}
		for phrase := range strings.SplitSeq(phrases, ",") {
			words := phraseWords(phrase)
			out[words[0]] = append(out[words[0]], partPhrase{words, p})
		}
	}
	for _, list := range out {
		slices.SortStableFunc(list, func(a, b partPhrase) int { return len(b.words) - len(a.words) })
	}
	return out
})

// phraseWords are the words of a text, each without its plural.
func phraseWords(text string) []string {
	out := tokens(text)
	for i, w := range out {
		out[i] = singular(strings.TrimSuffix(w, "'s"))
	}
	return out
}

// partsOf returns the kinds of apps that a text asks for, in the order of their words, each once; none for a text that
// only speaks of things to keep. The most particular name of a kind wins: "a mortgage calculator" is not arithmetic.
func partsOf(text string) []part {
	words := phraseWords(text)
	var out []part
	for i := 0; i < len(words); {
		n := 1
		for _, p := range partPhrases()[words[i]] {
			if len(p.words) <= len(words)-i && slices.Equal(p.words, words[i:i+len(p.words)]) {
				if !slices.Contains(out, p.part) {
					out = append(out, p.part)
				}
				n = len(p.words)
				break
			}
		}
		i += n
	}
	return slices.DeleteFunc(out, func(p part) bool {
		return slices.Contains([]string{"arithmetic", "units", "countdown"}, p.Of) &&
			slices.ContainsFunc(out, func(o part) bool { return o.Kind == p.Kind && o.Of != p.Of })
	})
}
