package offline

import (
	"regexp"
	"slices"
	"strings"
)

// titleCase raises the first letters of words that are longer than the small words of English.
func titleCase(s string) string {
	f := strings.Fields(severalWords.Replace(s))
	for i, w := range f {
		switch lower := strings.ToLower(w); {
		case lower == "todo":
			f[i] = "To-do"
		case initials[lower]:
			f[i] = strings.ToUpper(w)
		case i > 0 && smallWords[w]:
		default:
			f[i] = capital(w)
		}
	}
	return strings.Join(f, " ")
}

// taglineOf says what the app is for, in words of our own: the user's may be long, private or in any form.
func taglineOf(a *app) string {
	if first := a.Places()[0]; first.Part != nil {
		return a.partIntro(*first.Part)
	}
	if intro := a.Kinds[0].Intro; intro != a.T("Everything about your {many} in one place.", "many", a.Kinds[0].Many) {
		return intro
	}
	return a.T("{list} in one place: quick to enter, easy to find again, and kept on your own device.", "list", capital(a.and(manyOf(a))))
}

func joinAnd(s []string) string {
	if len(s) < 2 {
		return strings.Join(s, "")
	}
	return strings.Join(s[:len(s)-1], ", ") + " and " + s[len(s)-1]
}

// severalWords undoes what made one word of several for reading.
var severalWords = strings.NewReplacer("lost-and-found", "lost and found", "Lost-and-found", "Lost and found", "real-estate", "real estate", "Real-estate", "Real estate", "year-in-pixels", "year in pixels", "Year-in-pixels", "Year in pixels")

// initials are written in capitals, small words without one.
var (
	initials   = wordSet("rgb hsl qr html css json crm erp faq diy hr pos bmi vat gst tv dvd cd lp gpa hiit rpg mvp kpi ui iva tva mwst imc pc")
	smallWords = wordSet("a an and as at by for from in into of on or the to with und oder der die das des für mit von zu im y o de del la las los el para con por en et ou du le les une un pour avec d'une d'un à i e di da")
)

var called = regexp.MustCompile(`(?i)\b(?:called|named|call it|name it)\s+["“']?([\pL\pN][\pL\pN '&-]{1,40}?)["”']?(?:[.,;:!?\n]|$|\s(?:that|which|for|with|where|to)\b)`)

// titleOf derives an app's name: from what the idea calls it, from the project's title, or from what the idea is about.
func titleOf(project, text string, r *reading, a *app) string {
	if m := called.FindStringSubmatch(text); m != nil {
		return titleCase(m[1])
	}
	if project = cleanLine(project); project != "" && project != strings.TrimSpace(text) {
		own := readIdea(project)
		if len(own.words) <= 5 && !slices.ContainsFunc(own.words, func(w word) bool { return w.class == verbWord || w.class == markWord || w.class == pronounWord }) {
			return titleCase(trimEnd(project))
		}
		r = own
	}
	if len(a.Parts) > 0 && a.Parts[0].isTool() && a.Parts[0].leads {
		return titleCase(shorten(r.partTitle(a.Parts[0]), 48))
	}
	s := r.title(a)
	if placed := r.placedParts(); s == "" && len(placed) > 0 {
		for _, t := range r.records { // "exercise heat map"
			if r.beforePart(t).end > 0 && t.end >= placed[0].end {
				s = r.typed(t)
			}
		}
	}
	if placed := r.placedParts(); s == "" && len(placed) > 0 {
		s = strings.Join(textsOf(r.words[placed[0].at:placed[0].end]), " ")
	}
	if s == "" && len(a.Kinds) > 0 {
		s = a.Kinds[0].Many
	}
	return titleCase(shorten(trimEnd(s), 48))
}

// generic names of programs say nothing in a title.
var generic = wordSet("ui frontend app application apps website site web webapp web-app webpage page software program programme tool system platform thing solution service interface utility mvp prototype demo product project database something helper spreadsheet place things items stuff overview dashboard hub")

// trimEnd takes words from the end with which no name ends.
func trimEnd(s string) string {
	f := strings.Fields(s)
	for len(f) > 1 {
		last := strings.ToLower(strings.Trim(f[len(f)-1], ",.:;-"))
		if g := english(); !smallWords[last] && !g.is("conjunction", last) && !g.is("preposition", last) && !g.is("determiner", last) {
			break
		}
		f = f[:len(f)-1]
	}
	return strings.TrimRight(strings.Join(f, " "), ",.:;- ")
}

// title is what the idea is about, in its own words.
func (r *reading) title(a *app) string {
	if r.program != nil {
		if s := r.programTitle(a); s != "" {
			return s
		}
	}
	records := slices.DeleteFunc(slices.Clone(r.records), func(t thing) bool {
		return r.isPart(t) && !r.knownRecord(t) || t.isAttribute() && len(r.records) > 1 && !lexiconNames(singular(strings.Join(t.names(), "-"))) && len(t.words) == 1 || a.findKind(t.many()) == nil && a.findKind(strings.Join(t.names(), " ")) == nil && a.findKind(t.head().low) == nil
	})
	if len(records) == 0 {
		for _, t := range slices.Concat(r.audience, r.records, r.others) {
			if t.end < len(r.words) && r.words[t.end].text == ":" {
				return r.typed(t)
			}
			if !r.isPart(t) && t.by.class != auxiliaryWord && (!english().is("person", t.head().low) || keeping[t.by.low] && len(t.words) > 1) || len(r.composite(t)) > 0 {
				return r.typed(t)
			}
		}
		for _, t := range r.parts {
			if a.findKind(t.many()) != nil || len(a.Kinds) == 1 && a.Kinds[0].One == "day" && measures[singular(t.head().low)] {
				records = append(records, t)
			}
		}
		if len(records) == 0 {
			return ""
		}
	}
	first := r.recordTitle(records[0])
	for _, t := range r.audience {
		if t.by.low == "of" && t.at < records[0].end+4 && t.at >= records[0].end {
			return r.typed(t) + " " + first
		}
	}
	for _, t := range slices.Concat(r.audience, r.others) {
		if t.by.low == "for" && t.at == records[0].end+1 && !t.isPersonal() && len(t.words) > 1 {
			return t.one() + " " + first
		}
	}
	return r.listTitle(first, records[1:])
}

// listTitle joins a name with those of the things that continue its list, as far as they make a title.
func (r *reading) listTitle(first string, others []thing) string {
	names, words := []string{first}, len(strings.Fields(first))
	for _, t := range others {
		if !t.listed {
			break
		}
		names = append(names, r.recordTitle(t))
		words += len(strings.Fields(names[len(names)-1]))
	}
	for len(names) > 1 && (words > 4 || len(names) > 3) {
		words -= len(strings.Fields(names[len(names)-1]))
		names = names[:len(names)-1]
	}
	return joinAnd(names)
}

// recordTitle is a record's name in a title: in the plural where it can have one.
func (r *reading) recordTitle(t thing) string {
	full := strings.Join(t.names(), "-")
	about := words().about[full] != "" || words().about[singular(full)] != ""
	if english().is("uncountable", t.head().low) || isPlural(t.head().low) || t.isA("tool") || about || t.end < len(r.words) && r.words[t.end].text == ":" {
		return r.typed(t)
	}
	return t.many()
}

// programTitle is the name of what is to be made, as far as it says more than that.
func (r *reading) programTitle(a *app) string {
	t := *r.program
	for generic[t.head().low] {
		var ok bool
		if t, ok = t.cut(1); !ok {
			return ""
		}
	}
	if full := *r.program; len(t.words) == 1 && len(full.words) == 2 && full.head().low == "system" && lexiconNames(t.head().low) { // "ticket system"
		return r.typed(full)
	}
	name := r.typed(t)
	if t.end != t.at && len(t.words) < len(r.program.words) {
		name = strings.Join(textsOf(t.words), " ")
	}
	if len(t.words) > 1 && !t.isGeneric() {
		return name
	}
	for _, other := range slices.Concat(r.audience, r.records) {
		if other.at < r.program.end || other.at > r.program.end+3 || other.isA("feature") {
			continue
		}
		topic := r.typed(other)
		switch {
		case len(strings.Fields(topic)) > 3:
		case slices.Contains([]string{"list", "lists", "collection", "overview", "register", "registry", "directory", "index", "catalog", "catalogue", "checklist"}, t.head().low) && (other.by.low == "of" || !other.isPersonal()):
			if i := slices.IndexFunc(r.records, func(t thing) bool { return t.at == other.at }); i >= 0 {
				return r.listTitle(r.recordTitle(other), r.records[i+1:])
			}
			return r.recordTitle(other)
		default:
			return topic + " " + name
		}
	}
	if len(r.records) > 0 {
		return ""
	}
	return name
}

// isLength reports whether a thing begins with a unit of time.
func (t thing) isLength() bool {
	return slices.Contains([]string{"minute", "minutes", "min", "second", "seconds", "hour"}, t.words[0].low)
}

func textsOf(words []word) []string {
	var out []string
	for _, w := range words {
		out = append(out, w.text)
	}
	return out
}

// partTitle names an app that is a timer, a calculator, a quiz or a game.
func (r *reading) partTitle(main part) string {
	placed := r.placedParts()
	cue := func(s string) bool {
		return slices.ContainsFunc(tokens(s), func(w string) bool { return partCue[main.Kind][singular(w)] })
	}
	best := -1
	for i, p := range placed { // of several names, one that says the kind, else the longest
		if p.Kind != main.Kind || p.Of != main.Of {
			continue
		}
		says := cue(strings.Join(textsOf(r.words[p.at:p.end]), " "))
		if best < 0 || says && !cue(strings.Join(textsOf(r.words[placed[best].at:placed[best].end]), " ")) || (main.Kind == gamePart || main.Kind == toolPart) && p.end-p.at > placed[best].end-placed[best].at {
			best = i
		}
	}
	if best < 0 {
		if r.program != nil {
			return strings.Join(textsOf(r.program.words), " ")
		}
		return partNames[main.Kind]
	}
	p := placed[best]
	if p.at > 0 && r.words[p.at-1].owns {
		p.at--
	}
	phrase := strings.Join(textsOf(r.words[p.at:p.end]), " ")
	if main.Kind == toolPart && inquiring[r.words[p.at].low] { // "what time is it", "pick a random"
		return partTitles[main.Of]
	}
	canonical := strings.TrimSpace(strings.ReplaceAll(main.Of, "-", " ") + " " + partNames[main.Kind])
	if t := r.program; t != nil && len(t.words) > 2 && t.isLength() { // "25 minute work timer"
		r.program.words = t.words[1:]
	}
	if t := r.program; t != nil && t.at <= p.at && t.end >= p.end && len(t.words) > 1 && p.end-p.at <= len(t.words) && (cue(strings.Join(textsOf(t.words), " ")) || main.Kind == gamePart || main.Kind == toolPart) {
		name := strings.Join(textsOf(t.words), " ")
		if main.Kind == toolPart && p.at <= t.at { // "secret santa name picker"
			name = strings.Join(textsOf(r.words[p.at:t.end]), " ")
		}
		if cut, ok := t.cut(1); ok && generic[t.head().low] && slices.Contains([]partKind{toolPart, quizPart, flashcardsPart}, main.Kind) {
			name = strings.Join(textsOf(cut.words), " ")
		}
		if main.Topic != "" && len(strings.Fields(main.Topic)) < 4 && (main.Kind == quizPart || main.Kind == flashcardsPart) && !strings.Contains(name, main.Topic) {
			return main.Topic + " " + name
		}
		return name
	}
	var topic string
	for _, t := range slices.Concat(r.audience, r.records, r.others) {
		if t.at >= p.end && t.at <= p.end+4 && !english().is("person", t.head().low) && !t.isPersonal() && (slices.Contains([]string{"for", "about", "of", "on", "to", "till", "until"}, t.by.low) || learning[t.by.low]) && len(t.words) < 4 {
			topic = r.typed(t)
			if main.Kind != quizPart && main.Of != "countdown" {
				f := strings.Fields(topic)
				f[len(f)-1] = singular(f[len(f)-1])
				topic = strings.Join(f, " ")
			}
			break
		}
	}
	if main.Kind == flashcardsPart {
		for _, t := range slices.Concat(r.records, r.audience, r.others) { // "study French vocabulary with cards"
			if t.at < p.at && t.end > p.at {
				return r.typed(t) + " " + canonical
			}
		}
	}
	switch {
	case main.Of == "countdown" && topic != "" && !cue(phrase): // "days until my birthday"
		return topic + " Countdown"
	case main.Kind == gamePart, main.Kind == toolPart:
		return phrase
	case r.program != nil && p.end == r.program.at && cue(r.program.head().low) && !cue(phrase): // "break even calculator"
		return phrase + " " + strings.Join(textsOf(r.program.words), " ")
	case cue(phrase) && topic != "" && main.Kind != converterPart:
		return topic + " " + phrase
	case cue(phrase) && r.naming(p) != "": // "marathon countdown"
		return r.naming(p)
	case cue(phrase), strings.Contains(phrase, " to "), strings.Contains(phrase, " into "), strings.Contains(phrase, " between "):
		return phrase
	case r.program != nil && cue(r.program.head().low) && len(r.program.words) == 1 && p.at > r.program.at: // "a calculator for mortgage payments"
		for _, t := range slices.Concat(r.audience, r.records, r.others) {
			if t.at <= p.at && t.end >= p.end {
				return strings.Join(append(textsOf(t.words[:len(t.words)-1]), singular(t.head().low)), " ") + " " + r.program.head().text
			}
		}
	}
	if main.Kind == flashcardsPart || slices.ContainsFunc(r.words[p.at:p.end], func(w word) bool {
		return w.class == determinerWord || w.class == conjunctionWord || w.class == verbWord
	}) {
		return canonical
	}
	return phrase + " " + partNames[main.Kind]
}

// naming is the thing that ends in the name of a part and says more before it, "" where none does.
func (r *reading) naming(p placedPart) string {
	for _, t := range slices.Concat(r.records, r.audience) {
		if t.at < p.at && t.end == p.end && t.by.class == markWord {
			return r.typed(t)
		}
	}
	return ""
}

// inquiring are words that begin phrases that ask for a tool and do not name it.
var inquiring = wordSet("what how pick choose draw who")

// partNames say what a part is in a title, partCue which words say it already.
var (
	partNames = map[partKind]string{timerPart: "Timer", calculatorPart: "Calculator", converterPart: "Converter", quizPart: "Quiz", flashcardsPart: "Flash Cards", boardPart: "Board", calendarPart: "Calendar", heatmapPart: "Heat Map"}
	partCue   = map[partKind]map[string]bool{
		timerPart:      wordSet("timer countdown stopwatch clock breathing exercise breathwork"),
		calculatorPart: wordSet("calculator splitter calculation scaler"),
		converterPart:  wordSet("converter conversion"),
		quizPart:       wordSet("quiz trivia test exam practice"),
		flashcardsPart: wordSet("flashcard card flash-card trainer flash"),
	}
)

// learning verbs lead to what quizzes and cards are about.
var learning = wordSet("learn study memorise memorize practise practice revise remember")
