package offline

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// wordClass is what a word does in a sentence.
type wordClass byte

const (
	nounWord wordClass = iota // also what nothing is known of
	verbWord
	adjectiveWord
	determinerWord
	pronounWord
	prepositionWord
	conjunctionWord
	auxiliaryWord
	adverbWord
	numberWord
	markWord // punctuation
)

// word is a word of an idea.
type word struct {
	text  string // as it was typed
	low   string // in lower case, spelled right, without 's
	class wordClass
	owns  bool // it ended in 's or s'
}

// base is the verb that a word is a form of.
func (w word) base() string { return english().verbForm(w.low) }

// wordsOf cuts a text into words and marks, and finds what each does. Marks are , : . and (.
func wordsOf(text string) []word { return spelledWords(text, english().spelled) }

// spelledWords are the words of a text as spell spells them.
func spelledWords(text string, spell func(string) string) []word {
	var out []word
	for _, piece := range pieces(plainly(text)) {
		w := word{text: piece, low: strings.ToLower(piece)}
		switch {
		case strings.ContainsAny(piece, ",:.("):
			w.class = markWord
		default:
			w.low = strings.ReplaceAll(w.low, "’", "'")
			if cut, ok := strings.CutSuffix(w.low, "'s"); ok && !english().is("auxiliary", w.low) {
				w.low, w.owns = cut, true
			} else if cut, ok := strings.CutSuffix(w.low, "'"); ok {
				w.low, w.owns = cut, true
			}
			if right := spell(w.low); right != w.low {
				w.low, w.text = right, right
				if isCapital(piece) {
					w.text = capital(right)
				}
			}
		}
		out = append(out, w)
	}
	for i := range out {
		if out[i].low == "there" && i+1 < len(out) && startsThing(out[i+1]) && isPlural(out[i+1].low) {
			out[i].low = "their" // as it is often misspelled
		}
		out[i].class = classOf(out, i)
	}
	return out
}

// idioms mean one thing with several words.
var idioms = []struct {
	form  *regexp.Regexp
	means string
}{
	{regexp.MustCompile(`(?i)\b(?:how much|what)(?: money)? (?:i|we|my \w+|our \w+) (?:spend|spent|pay|paid|am spending|are spending)(?: (?:each|per|every|a) \w+)? (?:on|for) (?:(?:my|our|the) )?([\pL-]+)`), "$1 expenses"},
	{regexp.MustCompile(`(?i)\bhow much(?: money)? (?:i|we)(?:['’]m| am|['’]re| are|['’]ve| have)? (?:spend|spending|spent)\b`), "expenses"},
	{regexp.MustCompile(`(?i)\(?\b(?:yes/no|y/n|yes or no)\b\)?`), ""},
	{regexp.MustCompile(`(?i)\b(?:google|apple) (keep|notes)\b`), "google-keep"},
	{regexp.MustCompile(`(?i)\bhours (?:i |we |that i )?work(?:ed)?\b`), "work hours"},
	{regexp.MustCompile(`(?i)\b(?:money|cash) (?:i|we) (?:spend|spent) on (?:(?:my|our|the) )?([\pL-]+)`), "$1 expenses"},
	{regexp.MustCompile(`(?i)\bwh?ich (?:of (?:my|our|the) )?[\pL-]+ owes? (?:me|us)(?: (?:some )?(?:money|cash|what|how much))*\b`), "debts"},
	{regexp.MustCompile(`(?i)\bwh?ich of (my|our|the) ([\pL-]+)(?: have| has| already)* `), "$1 $2 and whether they "},
	{regexp.MustCompile(`(?i)^\W*wh?ich ([\pL-]+) (?:did|have|has|do) (?:i|we) (?:last |already )?([\pL]+)`), "$1 and when I last $2"},
	{regexp.MustCompile(`(?i)\b(?:(?:log|track|record|note|count) )?(?:each|every|any) time (?:i|we|he|she|they|(?:my|our|the) [\pL-]+) (?:has|have|had|gets?|got) (?:an? )?`), "log the "},
	{regexp.MustCompile(`(?i)\b(?:funny|cute|silly|clever|sweet) things\b`), "sayings"},
	{regexp.MustCompile(`(?i)\b(keep|kept|make)(?:s|ing)?\s+(?:a\s+|an\s+)?(?:simple\s+|running\s+)?(?:track|tabs|records?|score|log|list|overview|notes?|diary|journal|eye|history|inventory|catalogue|catalog|register)\s+(?:of|on|about)\b`), "manage"},
	{regexp.MustCompile(`(?i)\bwhat(?:['’]?s| is| we have| i have) in (?:my|our|the) (fridge|freezer|pantry|refrigerator|kitchen)\b`), "$1 inventory"},
	{regexp.MustCompile(`(?i)\bsign(?:s|ing)? up for\b`), "manage"},
	{regexp.MustCompile(`(?i)\b(all|some|most|lots|plenty|many|both|each|a lot|a bunch|a couple|a number) of\b`), "all"},
	{regexp.MustCompile(`(?i)\b(work|figure|find)(s|ed|ing)? out\b`), "calculate$2"},
	{regexp.MustCompile(`(?i)\b(?:write|jot|note|put|type) down\b`), "record"},
	{regexp.MustCompile(`(?i)\b(?:cups?|glass(?:es)?|bottles?|mugs?|pints?|slices?|pairs?|pieces?) of\b`), ""},
	{regexp.MustCompile(`(?i)\b(?:uber|airbnb|tinder|amazon|ebay) for\b`), "an app for"},
	{regexp.MustCompile(`(?i)\bkey results?\b`), "key-results"},
	{regexp.MustCompile(`(?i)\bw/o\b`), "without"},
	{regexp.MustCompile(`(?i)\bw/\s*`), "with "},
	{regexp.MustCompile(`(?i)^\W*where (?:did |do |have )?(?:i|we)(?:'ve)? park(?:ed)?(?: (?:my|the|our) \w+)?\W*$`), "parking spots"},
	{regexp.MustCompile(`(?i)\b(?:the )?(?:people|friends|who) (?:who |that )?owes? (?:me|us)(?: (?:some )?(?:money|cash|what|how much))*\b`), "debts"},
	{regexp.MustCompile(`(?i)\b(?:money|what) (?:that )?(?:i|we|people|friends|others) owe(?: (?:me|us|to \w+|people|others))?\b`), "debts"},
	{regexp.MustCompile(`(?i)\bwer schuldet (?:mir|uns)(?: (?:noch )?(?:geld|was|etwas|wie ?viel))*\b`), "Schulden"},
	{regexp.MustCompile(`(?i)\bqui[eé]n(?:es)? (?:me|nos) debe(?:n)?(?: dinero)?\b`), "deudas"},
	{regexp.MustCompile(`(?i)\bqui (?:me|nous) doit(?: de l['’]argent)?\b`), "dettes"},
	{regexp.MustCompile(`(?i)\blost and found\b`), "lost-and-found"},
	{regexp.MustCompile(`(?i)\blost items?\b`), "lost-items"},
	{regexp.MustCompile(`(?i)\bdungeons (?:and|&) dragons\b`), "D&D"},
	{regexp.MustCompile(`(?i)\byear in pixels\b`), "year-in-pixels"},
	{regexp.MustCompile(`(?i)\b(to[- ]?do)s?([- ]?)(list|app|tracker|manager)`), "todo $3"},
	{regexp.MustCompile(`(?i)\bas well as\b|\balong with\b|\btogether with\b`), "and"},
	{regexp.MustCompile(`(?i)\bcheck[ -]?in(s?)\b`), "check-in$1"},
	{regexp.MustCompile(`(?i)\breal estate\b`), "real-estate"},
	{regexp.MustCompile(`(?i)\bfollow[ -]?up(s?)\b`), "follow-up$1"},
	{regexp.MustCompile(`(?i)\bweigh[ -]?in(s?)\b`), "weigh-in$1"},
}

// plainly is a text without idioms.
func plainly(text string) string {
	for _, i := range idioms {
		text = i.form.ReplaceAllString(text, i.means)
	}
	return text
}

// pieces are the words of a text and its marks, each mark as one of those that are told apart.
func pieces(text string) []string {
	var out []string
	var b strings.Builder
	flush := func() {
		if s := strings.Trim(b.String(), "-'’"); s != "" {
			if strings.HasSuffix(b.String(), "s'") || strings.HasSuffix(b.String(), "s’") {
				s += "'"
			}
			out = append(out, s)
		}
		b.Reset()
	}
	runes := []rune(text)
	for i, r := range runes {
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r), unicode.IsMark(r), r == '\'', r == '’', r == '-', r == '&' && b.Len() > 0 && i+1 < len(runes) && unicode.IsLetter(runes[i+1]):
			b.WriteRune(r)
		case r == '.' && i > 0 && i+1 < len(runes) && unicode.IsDigit(runes[i-1]) && unicode.IsDigit(runes[i+1]):
			b.WriteRune(r)
		default:
			flush()
			switch r {
			case ',', '/', '+', '|', '•', '*':
				out = append(out, ",")
			case '&':
				out = append(out, "&")
			case ':', '–', '—':
				out = append(out, ":")
			case '.', ';', '!', '?', '\n', '\u2028', '\u2029', ')':
				out = append(out, ".")
			case '(':
				out = append(out, "(")
			}
			if unicode.IsSpace(r) && i+2 < len(runes) && (runes[i+1] == '-' || runes[i+1] == '–') && unicode.IsSpace(runes[i+2]) {
				out = append(out, ":")
			}
		}
	}
	flush()
	return out
}

// classOf finds what the word at i does, by what is known of it and of the words before it, whose classes are found.
func classOf(words []word, i int) wordClass {
	g, w := english(), words[i]
	if w.class == markWord {
		return markWord
	}
	before, after := word{class: markWord}, word{class: markWord}
	if i > 0 {
		before = words[i-1]
	}
	if i+1 < len(words) {
		after = words[i+1]
	}
	switch {
	case w.owns:
		return nounWord
	case strings.IndexFunc(w.low, unicode.IsLetter) < 0:
		return numberWord
	case (w.low == "which" || w.low == "what") && startsThing(after) && !g.is("pronoun", after.low) && !g.is("determiner", after.low) && !onlyVerb(g.verbForm(after.low)):
		return determinerWord
	case g.is("conjunction", w.low):
		return conjunctionWord
	case g.is("determiner", w.low):
		return determinerWord
	case g.is("pronoun", w.low):
		return pronounWord
	case w.low == "like" && (before.class == pronounWord || before.class == auxiliaryWord || before.class == adverbWord):
		return verbWord
	case g.is("preposition", w.low):
		return prepositionWord
	case g.is("auxiliary", w.low) && !((w.low == "need" || w.low == "wish" || w.low == "can") && isNominal(before)):
		return auxiliaryWord
	}
	base := g.verbForm(w.low)
	both := base != "" && g.is("noun_or_verb", base)
	switch {
	case base == "" || g.is("verb", base) && !both && nounLike(w.low):
		// "paintings", "sightings", and words that no verb is known for
	case verbHere(words, i, base, both, before, after):
		return verbWord
	}
	if g.is("adverb", w.low) || strings.HasSuffix(w.low, "ly") && len(w.low) > 4 && base == "" && !g.is("time", w.low) && !slices.Contains([]string{"family", "fly", "reply", "supply", "assembly", "butterfly", "butterflies", "dragonfly", "lily", "belly", "jelly", "rally", "bully", "ally", "trolley", "italy", "anomaly", "monopoly"}, w.low) {
		return adverbWord
	}
	if g.is("adjective", w.low) && !(both && after.class == markWord && !strings.HasSuffix(w.low, "ing")) {
		return adjectiveWord
	}
	return nounWord
}

// nounLike tells plurals of gerunds from forms of verbs.
func nounLike(w string) bool {
	return strings.HasSuffix(w, "ings") && !english().is("verb", strings.TrimSuffix(w, "s"))
}

// isNominal reports whether what follows such a word is a thing.
func isNominal(w word) bool {
	return w.class == determinerWord || w.class == adjectiveWord || w.class == prepositionWord && w.low != "to" || w.owns || w.class == numberWord
}

// verbHere decides whether a form of a verb is one where it stands.
func verbHere(words []word, i int, base string, both bool, before, after word) bool {
	w := words[i].low
	object := startsThing(after)
	known := func(sections ...string) bool {
		return slices.ContainsFunc(sections, func(section string) bool { return english().is(section, after.low) })
	}
	two := word{class: markWord} // before the word before
	if i > 1 {
		two = words[i-2]
	}
	many := object && (isPlural(after.low) || english().is("uncountable", after.low) && before.class == markWord && base == w) && !known("tool", "feature", "time") && (ordering[base] || keeping[base] || handling[base] && w != base || before.class == conjunctionWord && two.class == verbWord)
	clear := many || object && (known("determiner", "pronoun") || after.owns || strings.IndexFunc(after.low, unicode.IsLetter) < 0) || slices.Contains([]string{"which", "what", "how", "who", "my", "our"}, after.low)
	if after.low != "" && lexiconNames(w+"-"+singular(after.low)) {
		return false // "tasting notes", "gift ideas"
	}
	if logging[w] && before.class == markWord && i+2 < len(words) && lexiconSpeaks(words[i+1].low+"-"+words[i+2].low) {
		return true // "track blood pressure"
	}
	switch {
	case english().is("attribute", w) && slices.Contains([]string{"i", "we", "he", "she", "they"}, after.low) && (before.text == "," || before.low == "and" || before.low == "with"):
		return false // "with brand and price I paid"
	case i == 0 && w == "track" && after.class != markWord && startsThing(after) && !known("tool"):
		return true
	case before.text == "," && base == w && english().is("attribute", singular(after.low)) && !keeping[base] && two.class != verbWord:
		return false // "with titles, genres, read dates"
	case slices.Contains([]string{"that", "which", "who"}, before.low) && before.class == conjunctionWord && two.class == nounWord && !isPlural(two.low) && w == plural(base):
		return true // "an app that tracks how much"
	case strings.HasSuffix(w, "ing") && w != base: // "tracking books" and "for managing members", but "my reading list"
		return clear && (!isNominal(before) || before.class == prepositionWord)
	case isNominal(before) && !(before.class == determinerWord && slices.Contains([]string{"this", "that", "all", "others", "both"}, before.low)):
		return false
	case before.class == auxiliaryWord && both && w != base && w == plural(base):
		return false // "we need places to see"
	case before.low == "to", before.class == auxiliaryWord, before.class == pronounWord:
		// "a link to books" is no verb, "to book appointments" is
		return before.low != "to" || !isPlural(w) || onlyVerb(base)
	case before.class == conjunctionWord && slices.Contains([]string{"how", "when", "where", "why", "while", "because", "if", "whether", "so"}, before.low):
		return base == w
	case w != base && w == plural(base) && both: // "plans": a thing, unless somebody plans
		return object && (before.class == determinerWord || english().is("person", before.low) && !isPlural(before.low) && !english().is("tool", before.low))
	case w != base && !both: // "stored", "bakes"
		return true
	case w != base && (strings.HasSuffix(w, "ed") || english().participles[base] == w):
		return true
	case before.class == markWord, before.class == conjunctionWord, before.class == adverbWord, before.class == verbWord:
		if !both {
			return true
		}
		if before.class == conjunctionWord && i > 1 && words[i-2].class == verbWord && object { // "track and rate movies"
			return true
		}
		return clear || ordering[base] && after.low == "and" && i+2 < len(words) && english().verbForm(words[i+2].low) == words[i+2].low && before.class == markWord
	}
	return !both
}

// logging verbs are nouns too, but none before the name of a thing at the beginning of an idea.
var logging = wordSet("track log record monitor")

// lexiconSpeaks reports whether the lexicon has a thing of this name, or one that the words speak of.
func lexiconSpeaks(name string) bool { return len(words().lookup(name)) > 0 }

// lexiconNames reports whether the lexicon has a thing of this name.
func lexiconNames(name string) bool { return words().alike[name] != "" }

// ordering verbs begin orders, though they are nouns too.
var ordering = wordSet("plan track log record rate review order book list schedule note rank sort share show view search export import print update manage organise organize catalogue catalog collect store save")

// handling verbs are verbs as gerunds before a plural: "buying shoes", but not "knitting projects".
var handling = wordSet("buy sell find make create compare choose get have see view build write watch visit")

// onlyVerb reports whether a verb is nothing else.
func onlyVerb(base string) bool {
	return english().is("verb", base) && !english().is("noun_or_verb", base)
}

// startsThing reports whether a thing can begin with the word.
func startsThing(w word) bool {
	g := english()
	if w.class == markWord || w.low == "" {
		return false
	}
	for _, s := range []string{"preposition", "conjunction", "auxiliary", "adverb"} {
		if g.is(s, w.low) {
			return false
		}
	}
	return true
}
