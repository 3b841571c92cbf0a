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
	Shows string // key of the records that a board, calendar or heat map shows, "" for the first; of a tracker, those that it starts with, "" for the overview

	Key, Title string // of its page, where it has one

	leads bool // the idea is about it more than about what is kept
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
	toolPart       partKind = "tool" // Of: a tool: a metronome, a chess clock, a wheel
)

//go:embed parts.txt
var partsText string

// partPhrase is a way to ask for a kind of app.
type partPhrase struct {
	words []string // singular
	weak  bool     // it asks for that only beside a word such as "calculator" or "game", or alone
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
			var words []string
			for _, w := range wordsOf(phrase) {
				words = append(words, singular(w.low))
			}
			weak := strings.HasSuffix(phrase, "?")
			if weak {
				words = words[:len(words)-1]
			}
			out[words[0]] = append(out[words[0]], partPhrase{words, weak, p})
		}
	}
	for _, list := range out {
		slices.SortStableFunc(list, func(a, b partPhrase) int { return len(b.words) - len(a.words) })
	}
	return out
})

// cues are words beside which a weak phrase asks for its kind.
var cues = map[partKind]map[string]bool{
	calculatorPart: wordSet("calculator calculate calculation compute much cost interest rechner berechnen calculadora calcular calculatrice calculer calcolatrice calcolatore calcolare"),
	converterPart:  wordSet("converter convert conversion umrechner umrechnen conversor convertir convertisseur"),
	gamePart:       wordSet("game play player spiel juego jugar jeu jouer clone puzzle"),
	timerPart:      wordSet("timer clock exercise"),
	toolPart:       wordSet("tool converter convert generator generate maker picker pick choose decide decider spin draw trainer practice translator translate clock umrechner generador générateur generatore gerador"),
	quizPart:       wordSet("quiz test question"),
	flashcardsPart: wordSet("learn study memorise memorize card"),
	calendarPart:   wordSet("calendar"),
	boardPart:      wordSet("board column stage drag"),
}

// placedPart is a part where the words of an idea ask for it.
type placedPart struct {
	part
	at, end int
	weak    bool
}

// partsOf returns the kinds of apps that a text asks for, in the order of their words, each once; none for a text that
// only speaks of things to keep.
func partsOf(text string) []part {
	var out []part
	for _, p := range partsIn(wordsOf(text)) {
		if !slices.Contains(out, p.part) {
			out = append(out, p.part)
		}
	}
	return out
}

// partsIn finds them among words. The most particular name of a kind wins: "a mortgage calculator" is not arithmetic.
func partsIn(words []word) []placedPart {
	var singulars []string
	content := 0
	for _, w := range words {
		singulars = append(singulars, singular(w.low))
		if w.class == nounWord || w.class == verbWord || w.class == numberWord {
			content++
		}
	}
	var out []placedPart
	for i := 0; i < len(words); {
		n := 1
		if p, taken := unitPair(singulars, i); taken > 0 {
			out = append(out, placedPart{p, i, i + taken, false})
			i += taken
			continue
		}
		for _, p := range partPhrases()[singulars[i]] {
			if len(p.words) > len(words)-i || !slices.Equal(p.words, singulars[i:i+len(p.words)]) {
				continue
			}
			if p.part.Of == "countdown" && i > 0 && slices.Contains([]string{"per", "each", "every", "a"}, singulars[i-1]) && singulars[i] == "day" {
				continue // "cigarettes per day until I quit"
			}
			if p.weak && content > len(p.words)+1 && !slices.ContainsFunc(singulars, func(s string) bool { return cues[p.part.Kind][s] }) {
				continue
			}
			out = append(out, placedPart{p.part, i, i + len(p.words), p.weak})
			n = len(p.words)
			break
		}
		if n == 1 && isBoard(singulars, i) && !slices.ContainsFunc(out, func(p placedPart) bool { return p.Kind == boardPart }) {
			out = append(out, placedPart{part{Kind: boardPart}, i, i + 1, false})
		}
		i += n
	}
	for i := len(out) - 1; i > 0; i-- { // "Simon says memory game" is one
		if p, before := out[i], out[i-1]; p.at == before.end && p.Kind == before.Kind && p.Of != before.Of && (p.Kind == gamePart || p.Kind == toolPart) {
			out = slices.Delete(out, i, i+1)
		}
	}
	if slices.ContainsFunc(out, func(p placedPart) bool { return p.Of == "scores" }) { // the scores of a game that is played elsewhere
		out = slices.DeleteFunc(out, func(p placedPart) bool { return p.Kind == gamePart })
	}
	general := []string{"arithmetic", "units", "countdown"}
	return slices.DeleteFunc(out, func(p placedPart) bool {
		return slices.Contains(general, p.Of) && slices.ContainsFunc(out, func(o placedPart) bool {
			return (o.Kind == p.Kind || o.Kind == toolPart) && !slices.Contains(general, o.Of)
		})
	})
}

// isBoard reports whether the word at i is a board with columns, not one of games or directors.
func isBoard(words []string, i int) bool {
	if words[i] != "board" {
		return false
	}
	near := func(at int, not ...string) bool { return at >= 0 && at < len(words) && slices.Contains(not, words[at]) }
	return !near(i+1, "game", "member", "of", "meeting", "gamer") && !near(i-1, "surf", "skate", "the", "school", "on", "score", "leader", "circuit", "chess", "notice", "snow", "message", "cutting", "cheese")
}
