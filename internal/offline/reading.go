package offline

import (
	"cmp"
	"slices"
	"strings"
)

// thing is what an idea names with a noun: the noun, the nouns before it, and what leads to it.
type thing struct {
	words   []word // without articles and adjectives; the last is the head
	by      word   // the verb, preposition or mark that leads to it
	subject bool   // a verb follows
	at, end int    // where it stands among the words of the idea
	listed  bool   // it continues a list
	mass    bool   // it has no plural, as the things named beside it tell
	owner   string // whose it is, as it was typed: "kids'"
	theirs  bool   // the owner has an article: "my kids' growth"
}

func (t thing) head() word { return t.words[len(t.words)-1] }

// one and many name the thing in singular and plural.
func (t thing) one() string {
	w := t.names()
	w[len(w)-1] = singular(w[len(w)-1])
	return strings.Join(w, " ")
}

func (t thing) many() string {
	w := t.names()
	if t.mass || isPlural(w[len(w)-1]) {
		return strings.Join(w, " ")
	}
	w[len(w)-1] = plural(singular(w[len(w)-1]))
	return strings.Join(w, " ")
}

func (t thing) names() []string {
	var out []string
	for _, w := range t.words {
		out = append(out, w.low)
	}
	return out
}

// cut is the thing without its last n words; ok is false where nothing would be left.
func (t thing) cut(n int) (thing, bool) {
	if n >= len(t.words) {
		return t, false
	}
	t.words, t.end = t.words[:len(t.words)-n], t.end-n
	return t, true
}

func (t thing) isA(section string) bool { return english().is(section, t.head().low) }

// subordinate are words after which something is said of what was named before.
var subordinate = wordSet("that which who whom whose where when how because while since although though if whether so what why")

// thingsIn finds what a sentence's nouns name, in order.
func thingsIn(words []word) []thing {
	var out []thing
	by, broken := word{class: markWord}, false
	for i := 0; i < len(words); {
		w := words[i]
		switch w.class {
		case markWord:
			if w.text != "," {
				by = w
			}
			i++
		case verbWord:
			by = word{text: w.text, low: w.base(), class: verbWord}
			i++
		case prepositionWord:
			by = w
			i++
		case auxiliaryWord:
			by = w
			i++
		case conjunctionWord:
			switch {
			case subordinate[w.low]:
				by = w
			case w.low == "also" || w.low == "plus":
				by = word{text: "with", low: "with", class: prepositionWord}
				broken = true // what follows is a list of its own
			}
			i++
		case pronounWord, adverbWord:
			i++
		default:
			t, end := thingAt(words, i)
			if len(t.words) > 0 {
				t.by, t.listed, broken = by, len(out) > 0 && !broken && continues(words, out[len(out)-1].end, i), false
				t.subject = end < len(words) && words[end].class == verbWord && !strings.HasSuffix(words[end].low, "ing")
				out = append(out, t)
			}
			i = end
		}
	}
	return out
}

// thingAt reads the thing that begins at i, and where it ends.
func thingAt(words []word, i int) (thing, int) {
	t := thing{at: i}
	end := i
	for ; end < len(words); end++ {
		w := words[end]
		if w.class == determinerWord && len(t.words) > 0 || w.class != nounWord && w.class != determinerWord && w.class != adjectiveWord && w.class != numberWord {
			break
		}
		switch {
		case w.owns && end+1 < len(words) && (words[end+1].class == nounWord || words[end+1].class == adjectiveWord):
			t.theirs = words[i].class == determinerWord
			t.owner = strings.Join(textsOf(slices.DeleteFunc(slices.Clone(words[i:end+1]), func(w word) bool { return w.class == determinerWord })), " ") // "my grandfather's tools" are tools
			t.words, t.at = nil, end+1
		case w.class == nounWord:
			t.words = append(t.words, w)
			t.end = end + 1
		case w.class == numberWord && len(t.words) > 0:
			return t, end
		}
	}
	if len(t.words) > 0 {
		end = t.end // adjectives behind a noun belong to nothing
	}
	return t, end
}

// continues reports whether only commas and words such as "and" stand between two things.
func continues(words []word, from, to int) bool {
	if from >= to {
		return false
	}
	for _, w := range words[from:to] {
		if w.text != "," && !(w.class == conjunctionWord && !subordinate[w.low]) && w.class != adverbWord {
			return false
		}
	}
	return true
}

// reading is what an English idea says.
type reading struct {
	words      []word
	program    *thing  // what is to be made, as it is called: "habit tracker", "app"
	records    []thing // what it is to keep
	parts      []thing // named after "with" or a colon: further records, fields or features
	audience   []thing // for whom or of what it is, what the writer is
	others     []thing // said beside
	container  int     // where a list or a log of something ends
	placed     []placedPart
	partsFound bool
	clauses    []clause
}

// clause says something of what was named before it: "who borrowed them", "when I bought it".
type clause struct {
	lead     string // who, when, where, how much, ...
	words    []word // behind it
	from, to int
}

// readIdea reads an English text.
func readIdea(text string) *reading {
	r := &reading{words: spelledWords(text, func(w string) string { return meant(english().spelled(w)) })}
	r.readClauses()
	list := word{}
	for _, t := range splitRecords(thingsIn(r.words)) {
		switch {
		case t.listed && slices.Contains([]string{"their", "its"}, r.words[t.at].low) && len(r.records) > 0:
			t.by = r.records[len(r.records)-1].by
		case t.listed:
			t.by = list
		default:
			list = t.by
		}
		if !slices.ContainsFunc(r.clauses, func(c clause) bool { return t.at >= c.from && t.at < c.to }) {
			r.place(t)
		}
	}
	return r
}

// splitRecords parts things that stand beside each other without commas: "orders stock and customers".
func splitRecords(list []thing) []thing {
	var out []thing
	for _, t := range list {
		alike := func(w string) bool {
			return lexiconNames(singular(w)) || english().is("uncountable", w) && words().about[w] != ""
		}
		if len(t.words) != 2 || english().is("person", t.words[0].low) || !isPlural(t.words[0].low) || !alike(t.words[0].low) || !alike(t.words[1].low) || t.isA("tool") && !english().is("uncountable", t.head().low) ||
			lexiconNames(singular(strings.Join(t.names(), "-"))) {
			out = append(out, t)
			continue
		}
		first, second := t, t
		first.words, second.words = t.words[:1], t.words[1:]
		first.end, second.at, second.listed = t.end-1, t.end-1, true
		out = append(out, first, second)
	}
	return out
}

// place finds what a thing is to the idea.
func (r *reading) place(t thing) {
	full := strings.Join(t.names(), "-")
	known := lexiconSpeaks(full)
	alike := lexiconNames(full) || lexiconNames(singular(full))
	program := t.isA("tool") && !(alike && (len(t.words) > 1 || keeping[t.by.low] && isPlural(full))) ||
		full == "place" && t.end < len(r.words) && slices.Contains([]string{"to", "for", "where"}, r.words[t.end].low)
	previous := r.last()
	if t.isA("time") && lexiconNames(singular(strings.Join(t.names()[max(0, len(t.words)-2):], "-"))) { // "family game nights"
		known = true
	} else if cut, ok := t.cut(1); ok && t.isA("time") && !known && (!t.isAttribute() || r.knownRecord(cut) && lexiconSpeaks(cut.head().low)) {
		t = cut
	}
	switch by := t.by.low; {
	case by == "to" && t.head().low == "converter" && r.program == nil && previous != nil && previous.end == t.at-1 && !slices.ContainsFunc(r.placedParts(), func(p placedPart) bool { return p.Of != "units" }): // "Markdown to HTML converter"
		t.words, t.at, r.records, r.program = append(slices.Clone(r.words[previous.at:t.at]), t.words...), previous.at, nil, &t
	case by == "like":
	case by == "i'm" || by == "am" || by == "we're" || by == "are" && r.within(t, 3, "we"):
		r.audience = append(r.audience, t)
	case by == "of" && len(r.parts) > 0 && previous == &r.parts[len(r.parts)-1] && (previous.isA("tool") || previous.isA("feature")) && len(previous.words) == 1:
		r.parts = append(r.parts, t) // "with a log of sessions"
	case by == "with" || by == "including" || t.by.text == ":" || t.by.text == "(":
		if t.by.text == ":" && previous == nil && program {
			r.program = &t
			return
		}
		if cut, ok := t.cut(1); ok && withWhat[t.head().low] && r.knownRecord(cut) { // "with task tracking"
			cut.words = slices.Clone(cut.words)
			last := &cut.words[len(cut.words)-1]
			last.low = plural(singular(last.low))
			t = cut
		}
		r.parts = append(r.parts, t)
	case (t.isA("time") || t.isA("abstract")) && !known:
	case showing[by] && !known && previous != nil && r.keepsAny(): // "and see my spending patterns"
		r.others = append(r.others, t)
	case by == "of" && previous != nil && previous.isA("feature") && !known && r.keepsAny() && len(r.parts) == 0: // "charts of my strength"
		r.others = append(r.others, t)
	case t.listed && by == "for" && previous != nil && len(r.records) > 0 && previous.at == r.records[len(r.records)-1].at && !t.isPersonal():
		r.records = append(r.records, t) // "for vet visits and vaccinations"
	case by == "to" && t.end > t.at && isCapital(t.head().text) && !known && !isPlural(t.head().low):
		r.others = append(r.others, t) // "a trip to Norway"
	case by == "of" && previous != nil && english().is("person", t.head().low) && !lexiconSpeaks(singular(t.head().low)) && len(t.words) == 1:
		r.audience = append(r.audience, t) // "the calendar of the team"
	case program && r.program == nil && t.listed && len(r.records) > 0:
		if cut, ok := t.cut(1); ok {
			r.records = append(r.records, cut)
		}
	case t.isA("feature") && keeping[by] && !known && r.knownWithout(t):
		cut, _ := t.cut(1)
		r.records = append(r.records, cut) // "plan my garden layout"
	case program && r.program == nil && by == "to" && (previous == nil || previous.isA("language")) && t.at < 4:
		r.program = &t // "Spanish to English vocabulary quiz"
	case t.isA("language") && len(t.words) == 1:
		r.audience = append(r.audience, t)
	case program && r.program == nil && (t.by.class != prepositionWord || by == "like" || by == "as"):
		r.program = &t
	case program && r.program != nil && !alike:
		r.container = t.end
		if cut, ok := t.cut(1); ok && by != "for" && !cut.isA("tool") {
			r.records = append(r.records, cut)
		}
	case by == "of" && r.container > 0 && r.words[r.container].low == "of":
		r.container = 0
		r.records = append(r.records, t)
	case selfVerbs[by] && slices.ContainsFunc(r.words[max(0, t.at-4):t.at], func(w word) bool { return w.class == nounWord && english().is("person", w.low) && !isPlural(w.low) }):
		r.audience = append(r.audience, t) // "my daughter sells soap"
	case selfVerbs[by] && r.within(t, 4, "i") || selfVerbs[by] && r.within(t, 4, "we"):
		r.audience = append(r.audience, t)
	case by == "for" && len(r.records) == 1 && previous == &r.records[0] && r.isPart(*previous) && isPlural(t.head().low) && !t.isPersonal():
		r.records = append(r.records, t) // "kanban for my thesis chapters"
	case by == "for" && alike && isPlural(t.head().low) && !t.isPersonal() && previous == r.program && previous != nil && (r.words[t.at].class == numberWord || r.words[t.at].low == "my" || r.words[t.at].low == "our"):
		r.records = append(r.records, t) // "a landlord app for 3 flats"
	case by == "for" && previous != nil && previous != r.program, by == "for" && r.program != nil && len(r.program.words) > 1 && !r.program.isGeneric() && !r.covered(*r.program):
		r.audience = append(r.audience, t)
	case by == "for" && t.isPersonal():
		r.audience = append(r.audience, t)
	case by == "for" || by == "of" && previous == r.program && previous != nil:
		r.records = append(r.records, t)
	case t.listed && by == "of" && len(r.records) > 0 && previous == &r.records[len(r.records)-1]:
		r.records = append(r.records, t) // "a list of wines, beers and whiskies"
	case by == "of" && previous != nil && t.isPersonal() || by == "about":
		r.audience = append(r.audience, t)
	case t.by.class == prepositionWord && by != "to" && !(by == "like" && previous == nil):
		r.others = append(r.others, t)
	case alike && !t.subject && isPlural(t.head().low) && t.by.class == verbWord && t.isPersonal() && !giving[by] && !selfVerbs[by]:
		r.records = append(r.records, t) // "see my students and whether they paid"
	case alike && t.by.class == verbWord && r.words[t.at].low == "which":
		r.records = append(r.records, t) // "which student attended which class"
	case isPlural(t.head().low) && !english().is("person", t.head().low) && !t.isA("feature") && (alike && t.by.class == verbWord || t.listed && len(r.records) > 0 && previous == &r.records[len(r.records)-1]):
		r.records = append(r.records, t) // "compare flats", "places and hotels"
	case t.isA("feature") && !known && r.beforePart(t).end > 0:
		r.records = append(r.records, t) // "exercise heat map"
	case keeping[by] && t.isPersonal() && !isPlural(t.head().low) && !known && len(t.words) > 1 && !doing[t.head().low]:
		r.audience = append(r.audience, t) // "manage a hair salon"
	case t.isA("feature") && !known || t.isPersonal() && !keeping[by] && (t.by.class != markWord || t.subject):
		r.audience = append(r.audience, t)
	default:
		r.records = append(r.records, t)
	}
}

// isGeneric reports whether a program's name says only that it is one.
func (t thing) isGeneric() bool {
	return !slices.ContainsFunc(t.words, func(w word) bool { return !english().is("tool", w.low) && !english().is("feature", w.low) })
}

// isPersonal reports whether it is people or a place of theirs.
func (t thing) isPersonal() bool {
	h := singular(t.head().low)
	if t.isA("tool") {
		return false
	}
	if len(h) > 6 && (strings.HasSuffix(h, "store") || strings.HasSuffix(h, "shop")) { // "bookstore"
		return true
	}
	return english().is("person", h) || english().is("person", t.head().low) || len(words().composites[h]) > 0 || agentive(h)
}

// agentive reports whether a noun names people by what they do.
func agentive(one string) bool {
	if lexiconSpeaks(one) { // "setlists"
		return false
	}
	for _, ending := range []string{"er", "or"} {
		if stem, ok := strings.CutSuffix(one, ending); ok && len(stem) > 2 && english().verbForm(stem+"ing") != "" {
			return true
		}
	}
	return strings.HasSuffix(one, "ists") || strings.HasSuffix(one, "ist") && one != "list" && len(one) > 5 || strings.HasSuffix(one, "ician")
}

// selfVerbs say what the writer does, before it is said what is wanted.
var selfVerbs = wordSet("brew play learn run own study teach work live love do make sell have bake cook grow breed coach train ride drive")

// keeping verbs have what is kept as their object.
var keeping = wordSet("track manage log record organise organize list store collect save remember plan catalog catalogue note keep add register schedule monitor administer handle file")

// withWhat are heads of what a program has beside, which keep what stands before them: "with task tracking", "with an exercise database".
var withWhat = wordSet("tracking management database log logs logging")

// showing verbs have as objects what is seen of what is kept.
var showing = wordSet("show see view visualize visualise display analyse analyze chart graph summarise summarize highlight compute calculate")

// giving verbs have those as objects for whom something is done.
var giving = wordSet("help let show give send tell allow enable remind teach ask email notify serve invite message text bring offer attract")

// within reports whether one of the n words before a thing is w.
func (r *reading) within(t thing, n int, w string) bool {
	return slices.ContainsFunc(r.words[max(0, t.at-n):t.at], func(o word) bool { return o.low == w })
}

// last is the thing that was named last.
func (r *reading) last() *thing {
	out := r.program
	for _, list := range []*[]thing{&r.records, &r.parts, &r.audience, &r.others} {
		if n := len(*list); n > 0 && (out == nil || (*list)[n-1].at > out.at) {
			out = &(*list)[n-1]
		}
	}
	return out
}

// beforePart is what stands before the name of a part in a thing, without words where nothing does.
func (r *reading) beforePart(t thing) thing {
	n := 0
	for n < len(t.words) && !r.placedAt(t, n) {
		n++
	}
	if n == 0 || n == len(t.words) {
		return thing{}
	}
	t.end -= len(t.words) - n
	t.words = t.words[:n]
	return t
}

// inTool reports whether a thing names a part that needs no records.
func (r *reading) inTool(t thing) bool {
	return slices.ContainsFunc(r.placedParts(), func(p placedPart) bool { return p.at < t.end && t.at < p.end && p.isTool() })
}

// keepsBeside reports whether anything else than the thing is to be kept.
func (r *reading) keepsBeside(t thing) bool {
	return slices.ContainsFunc(r.records, func(o thing) bool { return o.at != t.at && !r.isPart(o) })
}

// boardOf reports whether a thing is the one matter of which a board shows the tasks.
func (r *reading) boardOf(t thing) bool {
	if isPlural(t.head().low) || !slices.ContainsFunc(r.placedParts(), func(p placedPart) bool { return p.Kind == boardPart }) || r.isPart(t) {
		return false
	}
	return slices.ContainsFunc(words().lookup(strings.Join(t.names(), "-")), func(one string) bool { return slices.Contains([]string{"event", "trip", "renovation"}, one) })
}

// lentAt is where something of the writer's is said to be lent or borrowed, -1 where nothing is.
func (r *reading) lentAt() int {
	return slices.IndexFunc(r.words, func(w word) bool { return w.class == verbWord && lendingVerbs[w.base()] })
}

// readClauses finds what is said of things in clauses of their own, which end with the sentence or with the next clause.
func (r *reading) readClauses() {
	named := false
	for i := 0; i < len(r.words); i++ {
		w := r.words[i]
		named = named || w.class == nounWord && !english().is("tool", w.low)
		lead, n := r.leadAt(i)
		if end := r.bareClause(i); lead == "" && named && end > 0 { // "movies my friends recommended"
			r.clauses = append(r.clauses, clause{"that", r.words[i:end], i, end})
			i = end - 1
			continue
		}
		if lead == "" || !named && lead != "who" {
			continue
		}
		if lead == "where" && r.wishes(i+n) {
			continue // "something simple where I can write down"
		}
		if i > 0 && r.words[i-1].class == nounWord && (english().is("tool", r.words[i-1].low) || lead == "where" || lead == "who" && !r.lends(i)) {
			continue // "a website where", "people who": what follows says what is wanted
		}
		end := i + n
		for end < len(r.words) && !(r.words[end].class == markWord && (r.words[end].text == "." || r.words[end].text == ":")) {
			if next, _ := r.leadAt(end); next != "" && end > i+n {
				break
			}
			if r.words[end].text == "," && end > i+n || end+2 < len(r.words) && r.words[end].low == "and" && r.words[end+1].class == prepositionWord && r.words[end+2].low == "which" {
				break
			}
			end++
		}
		for end > i+n && (r.words[end-1].class == conjunctionWord || r.words[end-1].class == prepositionWord && r.words[end-1].low == "by") && !subordinate[r.words[end-1].low] {
			end--
		}
		for j := i + n + 1; lead == "who" && j < end-1; j++ { // "who brings which dish"
			if r.words[j-1].class == verbWord && (r.words[j].low == "which" || r.words[j].low == "what") && r.words[j+1].class == nounWord {
				if t, _ := thingAt(r.words, j+1); len(t.words) > 0 {
					t.by = word{low: "track", class: verbWord}
					r.records = append(r.records, t)
				}
			}
		}
		r.clauses = append(r.clauses, clause{lead, r.words[i+n : end], i, end})
		i = end - 1
	}
}

// bareClause is the end of a clause without a word that leads it, where one begins at i: somebody, and what they do with the thing
// before. 0 where none does.
func (r *reading) bareClause(i int) int {
	if i == 0 || r.words[i-1].class != nounWord || english().is("tool", r.words[i-1].low) {
		return 0
	}
	end := i
	switch w := r.words[i]; {
	case w.class == determinerWord && i+2 < len(r.words) && r.words[i+1].class == nounWord && r.words[i+2].class == verbWord && slices.Contains([]string{"my", "our", "his", "her", "their"}, w.low):
		end = i + 2
	case w.class == pronounWord && slices.Contains([]string{"i", "we", "he", "she", "they"}, w.low):
		end = i + 1
	default:
		return 0
	}
	if end >= len(r.words) || english().verbForm(r.words[end].low) == "" || english().is("auxiliary", r.words[end].low) || r.words[end].class != verbWord && !english().is("noun_or_verb", r.words[end].base()) {
		return 0
	}
	end++
	if end+1 < len(r.words) && slices.Contains([]string{"with", "from", "to"}, r.words[end].low) && english().is("person", r.words[end+1].low) && !having[r.words[end-1].base()] {
		end += 2 // "I traded with neighbours"
	}
	return end
}

// having verbs say nothing of a thing but whose it is.
var having = wordSet("own have keep want need like love collect see use make do")

// wishes reports whether somebody can or wants to do something from the word at i on.
func (r *reading) wishes(i int) bool {
	return i+1 < len(r.words) && r.words[i].class == pronounWord && slices.Contains([]string{"can", "could", "want", "need", "would", "will"}, r.words[i+1].low)
}

// leadAt is what begins a clause at i, and how many words that takes.
func (r *reading) leadAt(i int) (string, int) {
	w := r.words[i]
	next := word{class: markWord}
	if i+1 < len(r.words) {
		next = r.words[i+1]
	}
	switch w.low {
	case "who", "whom":
		return "who", 1
	case "when", "where", "whether":
		return w.low, 1
	case "what", "which":
		if w.class == conjunctionWord {
			return w.low, 1
		}
	case "how":
		switch next.low {
		case "much", "many", "often", "long", "far", "good", "well":
			return "how " + next.low, 2
		}
		if next.class == pronounWord || next.class == determinerWord {
			return "how", 1
		}
	}
	return "", 0
}

// lends reports whether the words from i on speak of lending or borrowing.
func (r *reading) lends(i int) bool {
	for _, w := range r.words[i:min(len(r.words), i+7)] {
		if w.text == "." {
			break
		}
		if lendingVerbs[english().verbForm(w.low)] {
			return true
		}
	}
	return false
}

var lendingVerbs = wordSet("borrow lend loan lent")

// partsOf are the kinds of apps that the idea asks for.
func (r *reading) partsOf() []part {
	var out []part
	for _, p := range r.placedParts() {
		if !slices.ContainsFunc(out, func(o part) bool { return o.Kind == p.Kind && o.Of == p.Of }) {
			p.Topic = cmp.Or(r.topic(p), p.Topic)
			p.leads = p.at <= r.firstRecord() || r.program != nil && p.at >= r.program.at && p.end <= r.program.end
			out = append(out, p.part)
		}
	}
	if n := len(out) - 1; n > 0 && r.program != nil && out[n].isTool() && out[0].isTool() { // "trivia night scoreboard"
		placed := r.placedParts()
		if last := placed[len(placed)-1]; last.end == r.program.end && placed[0].at >= r.program.at && last.Kind == out[n].Kind {
			out = append([]part{out[n]}, out[:n]...)
		}
	}
	if r.otherGame() {
		out = append(out, part{Kind: gamePart, Of: "other", leads: true})
	}
	return out
}

// placedParts leaves out games that are only written about: "a log of my blackjack winnings".
func (r *reading) placedParts() []placedPart {
	if !r.partsFound {
		keeps := r.keeps()
		r.partsFound, r.placed = true, slices.DeleteFunc(partsIn(r.words), func(p placedPart) bool { return (p.Kind == gamePart || p.weak) && keeps })
	}
	return r.placed
}

// keeps reports whether the idea says that things are to be kept.
func (r *reading) keeps() bool {
	return slices.ContainsFunc(r.words, func(w word) bool {
		return w.class == verbWord && keeping[w.base()] && w.base() != "keep" && w.base() != "add" || slices.Contains([]string{"tracker", "log", "collection", "organizer"}, w.low)
	})
}

// firstPart is where the first part that needs no records is asked for, or behind the end.
func (r *reading) firstPart() int {
	for _, p := range r.placedParts() {
		if p.isTool() {
			return p.at
		}
	}
	return len(r.words)
}

// otherGame is a game that no part is of: what is to be made is called a game.
func (r *reading) otherGame() bool {
	return r.program != nil && r.program.head().low == "game" && !r.keeps() && len(r.placedParts()) == 0
}

// isPart reports whether a thing names a kind of app.
func (r *reading) isPart(t thing) bool {
	return slices.ContainsFunc(r.placedParts(), func(p placedPart) bool { return p.at < t.end && t.at < p.end })
}

// topic is what a quiz, cards, a timer or a countdown are about.
func (r *reading) topic(p placedPart) string {
	if !slices.Contains([]partKind{quizPart, flashcardsPart, timerPart}, p.Kind) {
		return ""
	}
	for _, t := range slices.Concat(r.audience, r.records, r.others) {
		if len(t.words) > 1 && learning[english().verbForm(t.words[0].low)] { // "for learning bird calls"
			t.words, t.at = t.words[1:], t.at+1
		}
		if t.at >= p.end && !t.isPersonal() && (slices.Contains([]string{"for", "about", "on", "to", "of"}, t.by.low) || learning[t.by.low] && p.Kind != timerPart) && !r.isPart(t) {
			return r.typed(t)
		}
	}
	if r.program != nil && r.isPart(*r.program) && p.at > r.program.at {
		if t, ok := r.program.cut(r.program.end - p.at); ok && p.Kind != timerPart && !t.isA("adjective") {
			return r.typed(t)
		}
	}
	return ""
}

// typed is a thing as it was typed, with its adjectives and without articles.
func (r *reading) typed(t thing) string {
	var out []string
	if t.owner != "" && (!t.theirs || english().is("uncountable", t.head().low) && !lexiconNames(t.head().low)) {
		out = append(out, t.owner) // "New Year's Eve", "my kids' growth"
	}
	first := t.words[0].text
	for i := t.at; i < t.end && i < len(r.words); i++ {
		w := r.words[i]
		if w.class != determinerWord && w.class != numberWord && (w.class != adjectiveWord || len(out) > 0 || w.text != first && isCapital(w.text) && !strings.Contains(w.text, "-")) || w.text == first {
			out = append(out, w.text)
		}
	}
	return strings.Join(out, " ")
}

// firstRecord is where the idea first names what is kept, or behind the end.
func (r *reading) firstRecord() int {
	at := len(r.words)
	if t, ok := r.programRecord(); ok {
		at = t.at
	}
	for _, list := range [][]thing{r.records, r.parts} {
		for _, t := range list {
			if !r.isPart(t) {
				at = min(at, t.at)
			}
		}
	}
	return at
}

// orderParts puts the records among the parts: first, unless the idea begins with another part or what is made is called
// one.
func (a *app) orderParts() {
	if len(a.Parts) > 0 && a.Parts[0].Kind == calendarPart {
		for i := range a.Kinds { // what stands in a calendar has a day
			if k := &a.Kinds[i]; !k.hasDate() && len(k.Fields) > 0 && len(a.Kinds) < 4 {
				k.Fields = slices.Insert(k.Fields, 1, field{Label: a.word("Date"), Type: "date"})
			}
		}
	}
	if len(a.Kinds) == 0 {
		return
	}
	if asks := map[partKind]string{flashcardsPart: "flashcard", quizPart: "question"}; len(a.Parts) > 0 && len(a.Kinds) == 1 && a.Kinds[0].like != "" && asks[a.Parts[0].Kind] == a.Kinds[0].like {
		return // its cards are the records
	}
	tracker := part{Kind: trackerPart}
	switch {
	case len(a.Parts) == 0:
		a.Parts = []part{tracker}
	case a.Parts[0].leads:
		a.Parts = append(a.Parts, tracker)
	default:
		a.Parts = append([]part{tracker}, a.Parts...)
	}
}

// programRecord is what the name of the program says that it keeps: habits, of a habit tracker.
func (r *reading) programRecord() (thing, bool) {
	if r.program == nil {
		return thing{}, false
	}
	t := *r.program
	if len(t.words) == 1 && t.head().low == "place" {
		return t, false
	}
	for len(t.words) > 1 && t.words[0].low != t.head().low && r.placedAt(t, 0) {
		t.words = t.words[1:]
	}
	for {
		if len(t.words) > 1 || !english().is("tool", t.head().low) || len(r.program.words) > 1 && lexiconNames(t.head().low) {
			if r.knownRecord(t) { // "restaurants log", but not "restaurant app"
				return t, !t.isPersonal() || isPlural(t.head().low) && len(t.words) < len(r.program.words) && lexiconNames(singular(t.head().low))
			}
		} else if len(t.words) == 1 && len(words().about[t.head().low]) > 0 || len(words().composites[t.head().low]) > 0 {
			return t, t.head().low == "inventory" && !(len(r.records) > 0 && r.records[0].by.low == "of") || len(r.records) == 0 && len(words().about[t.head().low]) > 0
		}
		if base := t.head().base(); len(t.words) > 1 && strings.HasSuffix(t.head().low, "ing") && (keeping[base] || base == "take" || base == "write" || base == "make") { // "note taking"
			t, _ = t.cut(1)
			continue
		}
		if !t.isA("tool") && !t.isA("feature") && !r.inPart(t) || len(t.words) < len(r.program.words) && touchable[t.head().low] {
			break
		}
		var ok bool
		if t, ok = t.cut(1); !ok {
			return t, false
		}
	}
	if cut, ok := t.cut(1); ok && t.isA("abstract") {
		t = cut
	}
	return t, !t.isPersonal() && !t.isA("abstract") && !t.isA("time") && t.head().class == nounWord
}

// touchable are words for features of programs that are things too, before the name of a program: a "Christmas card list".
var touchable = wordSet("card cards field fields table tables picture pictures photo photos image images phone phones button buttons tablet tablets device devices laptop laptops record records report reports point points")

// inPart reports whether the head of a thing belongs to the name of a part.
func (r *reading) inPart(t thing) bool { return r.placedAt(t, len(t.words)-1) }

// covered reports whether all words of a thing belong to the names of parts.
func (r *reading) covered(t thing) bool {
	for n := range t.words {
		if !r.placedAt(t, n) {
			return false
		}
	}
	return true
}

// placedAt reports whether the thing's nth word belongs to the name of a part.
func (r *reading) placedAt(t thing, n int) bool {
	for i := t.at; i < t.end; i++ {
		if r.words[i].text == t.words[n].text {
			return slices.ContainsFunc(r.placedParts(), func(p placedPart) bool { return i >= p.at && i < p.end })
		}
	}
	return false
}

// knownRecord reports whether the lexicon has the thing as it is called.
func (r *reading) knownRecord(t thing) bool {
	w := strings.Join(t.names(), "-")
	l := words()
	return l.alike[w] != "" || l.alike[singular(w)] != "" || l.about[w] != "" || l.about[singular(w)] != ""
}

// keepsAny reports whether it was said already what is kept.
func (r *reading) keepsAny() bool {
	return len(r.records) > 0 || r.program != nil && !r.program.isGeneric()
}

// knownWithout reports whether the lexicon has the thing without its head.
func (r *reading) knownWithout(t thing) bool {
	cut, ok := t.cut(1)
	return ok && r.knownRecord(cut) && cut.head().base() == ""
}

// strict reports whether the thing is a record by its own name: not only something that speaks of one.
func (r *reading) strict(t thing) bool {
	w := strings.Join(t.names(), "-")
	if t.isA("tool") && len(t.words) == 1 {
		return true
	}
	return lexiconNames(w) || lexiconNames(singular(w)) || isPlural(t.head().low) || words().about[w] == "task" // "a to-do app with projects"
}

// composite are the kinds of those for whom an app is, by the longest name that the lexicon has.
func (r *reading) composite(t thing) []string {
	names := t.names()
	for i := range names {
		for j := len(names); j > i; j-- {
			w := strings.Join(names[i:j], "-")
			for _, name := range []string{w, singular(w)} {
				if several := words().composites[name]; several != nil {
					return several
				}
			}
		}
	}
	return nil
}

// partList is a list after "with" or a colon: records, or fields of the record before.
type partList struct {
	at      int
	records []thing
	fields  []field
}

// partLists tells the lists of further records from those of fields: each by what most of it is.
func (r *reading) partLists() []partList {
	var out []partList
	for i := 0; i < len(r.parts); {
		j := i + 1
		for j < len(r.parts) && r.parts[j].listed {
			j++
		}
		out = append(out, r.partList(r.parts[i:j]))
		i = j
	}
	return out
}

func (r *reading) partList(list []thing) partList {
	out := partList{at: list[0].at}
	list = splitAttributes(list)
	things, fields, records := 0, 0, 0
	for _, t := range list {
		if lexiconNames(singular(strings.Join(t.names(), "-"))) {
			records++
		}
		switch attribute := t.isAttribute() && !placesAndPeople[t.head().low]; {
		case r.isFeature(t), r.isPart(t):
		case attribute, !isPlural(t.head().low) && !english().is("uncountable", t.head().low):
			fields++
		default:
			things++
		}
	}
	for _, t := range list {
		t.mass = things > 1 && !isPlural(t.head().low)
		switch {
		case t.head().low == "menu" && r.serves():
			out.records = append(out.records, t)
		case len(t.words) > 1 && r.knownRecord(t) && !r.isPart(t):
			out.records = append(out.records, t)
		case r.isPart(t), r.isFeature(t) && !(records > 2 && lexiconNames(singular(t.head().low)) && len(t.words) == 1 && t.isA("feature")):
		case things > fields || things > 0 && !t.isAttribute() && isPlural(t.head().low) && fields < 3 && lexiconNames(singular(t.head().low)):
			if !t.isAttribute() || placesAndPeople[t.head().low] || r.knownRecord(t) && !lexiconNames(singular(t.head().low)) || isPlural(t.head().low) && lexiconNames(strings.Join(t.names(), "-")) || isPlural(t.head().low) && lexiconNames(singular(t.head().low)) {
				out.records = append(out.records, t)
			} else {
				out.fields = append(out.fields, t.field())
			}
		default:
			out.fields = append(out.fields, t.field())
		}
	}
	return out
}

// placesAndPeople are attributes in the plural that a list has as records of their own.
var placesAndPeople = wordSet("rooms shops stores teachers owners")

// splitAttributes parts attributes that stand beside each other without commas: "sets reps and weight".
func splitAttributes(list []thing) []thing {
	var out []thing
	for _, t := range list {
		full := strings.Join(t.names(), "-")
		whole := len(t.words) == 1 || english().is("attribute", full) || english().is("attribute", singular(full)) || lexiconNames(singular(full))
		if whole || slices.ContainsFunc(t.words, func(w word) bool { return !english().is("attribute", w.low) }) || !isPlural(t.words[0].low) && !standsAlone[t.words[0].low] {
			out = append(out, t)
			continue
		}
		for _, w := range t.words {
			one := t
			one.words = []word{w}
			out = append(out, one)
		}
	}
	return out
}

// standsAlone are attributes that make no name of one with the attribute behind them: "date duration and trigger".
var standsAlone = wordSet("date weight height colour color brand name duration author artist rating location place price cost quantity")

// serves reports whether the idea is about a place that has a menu.
func (r *reading) serves() bool {
	return slices.ContainsFunc(r.words, func(w word) bool {
		return slices.Contains([]string{"restaurant", "cafe", "café", "bar", "pub", "bistro", "pizzeria", "bakery", "catering", "canteen", "diner"}, w.low)
	})
}

// isAttribute reports whether a thing is one of another: a price, a due date.
func (t thing) isAttribute() bool {
	full := strings.Join(t.names(), "-")
	return english().is("attribute", full) || english().is("attribute", singular(full)) || english().is("attribute", t.head().low) || english().is("attribute", singular(t.head().low))
}

// isFeature reports whether a thing is what programs have, and no record has.
func (r *reading) isFeature(t thing) bool {
	return t.isA("feature") && !t.isAttribute() || t.isA("abstract") || english().is("person", t.head().low) && !t.isAttribute() && len(t.words) == 1 && t.by.text != ":" || t.isA("tool") && len(t.words) == 1 && !lexiconNames(singular(t.head().low))
}

// field is the field that the thing would be.
func (t thing) field() field {
	name := strings.Join(t.names(), " ")
	typ, options := typeOf(name)
	if typ == "text" {
		typ, options = typeOf(singular(name))
	}
	if slices.Contains([]string{"date", "money", "email", "phone", "link"}, typ) {
		name = singular(name) // an entry has one of them
	}
	return field{Label: capital(name), Type: typ, Options: options}
}

// heads reports whether a thing is only what a list of records is about: "campaign: characters, quests".
func (r *reading) heads(t thing, lists []partList) bool {
	colon := t.end < len(r.words) && r.words[t.end].text == ":" && !isPlural(t.head().low)
	if colon && t.end < 5 && !r.knownRecord(t) && slices.ContainsFunc(r.records, func(o thing) bool { return o.at > t.end && o.by.class == verbWord }) {
		return true // "apartment hunting: compare flats"
	}
	if colon && slices.ContainsFunc(r.records, func(o thing) bool {
		return o.at > t.end && slices.ContainsFunc(r.clauses, func(c clause) bool { return o.at >= c.from && o.at < c.to })
	}) {
		return true
	}
	return colon && slices.ContainsFunc(lists, func(l partList) bool { return l.at > t.end && l.at < t.end+4 && len(l.records) > 0 })
}
