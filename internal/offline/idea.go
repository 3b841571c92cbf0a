package offline

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// brief is all that is known of what somebody wants, before it becomes an app.
type brief struct {
	title string   // of the project
	idea  string   // in the user's words, with the description and answers
	stack string   // what it should be made with
	name  string   // settled by earlier requirements, or ""
	pages []string // names of the pages of an earlier architecture
	hints []string // names of features of earlier requirements
}

// maxRead bounds how much of a text is looked at, in bytes.
const maxRead = 20_000

// design turns a brief into an app. Equal briefs give equal apps.
func design(b brief) *app {
	text := b.idea
	if len(text) > maxRead {
		text = strings.ToValidUTF8(text[:maxRead], "")
	}
	if strings.TrimSpace(text) == "" {
		text = b.title
	}
	spoken := languageOf(text)
	a := &app{Currency: currencyOf(text), Language: "en", Lacks: lacksOf(text)}
	if supported(spoken) {
		a.Language = spoken
	} else {
		a.Lacks = append(a.Lacks, "an interface in "+languageNames[spoken])
	}
	if a.Language == "en" && isLatin(text) && languageNames[spoken] == "" {
		a.readEnglish(text, b)
	} else {
		a.readForeign(text, spoken, b)
	}
	a.Parts = refineParts(a.Parts, text)
	a.Lacks = append(a.Lacks, a.nearestParts(text)...)
	if slices.ContainsFunc(a.Parts, func(p part) bool { return p.Of == "password" }) {
		a.Lacks = slices.DeleteFunc(a.Lacks, func(s string) bool { return s == passwordLimit })
	}
	if b.name != "" {
		a.Name = b.name
	}
	a.addKnown(b)
	a.dropGuesses()
	a.resolveRelations()
	a.Look = lookOf(b.idea, a)
	a.completeRelations()
	if len(a.Kinds) == 1 && len(a.Parts) > 0 && a.Parts[0].Kind == trackerPart { // an overview of one list would say less than the list
		a.Parts[0].Shows = a.Kinds[0].Key
	}
	for i := range a.Kinds {
		a.sortByDay(&a.Kinds[i])
	}
	a.Tagline = taglineOf(a)
	return a
}

// unbuilt are programs that no part is, and that keep nothing.
var unbuilt = wordSet("shortener checker highlighter formatter encoder decoder validator resizer compressor summarizer composer generator picker simulator clock visualizer visualiser solver editor player bot chatbot downloader scraper translator detector trainer test compiler emulator browser")

// nearestParts says of what was asked for which nearest thing the app is instead.
func (a *app) nearestParts(text string) []string {
	var out []string
	for _, p := range a.Parts {
		switch nearest := nearestGame[p.Of]; {
		case p.Kind == gamePart && (nearest != "" || p.Of == "other"):
			out = append(out, fmt.Sprintf("%s: the nearest game that it can build is %s", strings.ToLower(a.Name), strings.ReplaceAll(cmp.Or(nearest, "memory"), "-", " ")))
		case p.leads && p.Of == "arithmetic" && len(slices.DeleteFunc(tokens(a.Name), func(w string) bool { return english().is("adjective", w) })) > 1 && !strings.Contains(strings.ToLower(a.Name), "pocket") && !strings.Contains(strings.ToLower(a.Name), "scientific") && a.Language == "en":
			out = append(out, fmt.Sprintf("a formula for the %s: it calculates what is typed", strings.ToLower(a.Name)))
		case p.leads && p.Of == "units" && a.Language == "en" && !unitWords.MatchString(text):
			out = append(out, fmt.Sprintf("what the %s would convert: it converts lengths, weights and other usual units", strings.ToLower(a.Name)))
		}
	}
	if name := tokens(a.Name); a.Language == "en" && len(name) > 0 && len(a.Parts) > 0 && !a.Parts[0].isTool() && unbuilt[singular(name[len(name)-1])] {
		out = append(out, fmt.Sprintf("the working %s: it keeps %s", strings.ToLower(a.Name), joinAnd(manyOf(a))))
	}
	return out
}

var unitWords = regexp.MustCompile(`(?i)\b(?:units?|metric|imperial|measurements?)\b|^\W*converter\W*$`)

// readEnglish fills the app with what an English text asks for.
func (a *app) readEnglish(text string, b brief) {
	text, states := splitStates(text)
	r := readIdea(text)
	a.Parts, a.shape = r.partsOf(), r.shape()
	a.keep(r)
	if len(a.Kinds) == 0 && len(a.Parts) == 0 && b.title != "" && b.title != text {
		title := readIdea(b.title)
		a.Parts = title.partsOf()
		a.keep(title)
	}
	a.Name = titleOf(b.title, text, r, a)
	if len(states) > 0 && len(a.Kinds) > 0 {
		a.Kinds[0].setStates(states)
	}
	if a.shape == inventoryShape && len(a.Kinds) > 0 && !slices.ContainsFunc(a.Kinds[0].Fields, func(f field) bool { return f.Type == "number" && counting.MatchString(f.Label) }) {
		a.Kinds[0].addField("Quantity", "number", nil)
	}
	if len(a.Kinds) > 0 && r.program != nil && slices.ContainsFunc(r.program.words, func(w word) bool { return w.low == "progress" }) && a.Kinds[0].ofType("choice") == nil && !a.Kinds[0].has("progress") {
		a.Kinds[0].addField("Progress in %", "number", nil)
	}
	if len(a.Kinds) == 0 && len(a.Parts) == 1 && a.Parts[0].Kind == boardPart { // "something like Trello"
		a.addLike("task", "", "")
	}
	a.orderParts()
}

// counting labels say how many there are.
var counting = regexp.MustCompile(`(?i)\b(?:quantity|number|amount|count|copies|pieces|stock|left|bottles)\b`)

// keep adds the records that a reading speaks of, with their fields and relations.
func (a *app) keep(r *reading) {
	tool := len(a.Parts) > 0 && a.Parts[0].isTool() && a.Parts[0].leads
	if tool && (a.Parts[0].Kind == gamePart || a.Parts[0].Kind == calculatorPart || a.Parts[0].Kind == converterPart) && !r.keeps() {
		return
	}
	named := map[int]int{} // where records were named -> their place among the kinds
	var attributes []thing // calories, of meals that may be named behind them
	add := func(t thing) {
		if k := a.addThing(t); k != nil {
			named[t.at] = slices.IndexFunc(a.Kinds, func(o kind) bool { return o.Key == k.Key })
		}
	}
	if tool && a.Parts[0].Of == "invoice" { // what was billed is kept
		a.addLike("invoice", "", "")
		a.addLike("client", "", "")
	}
	lists := r.partLists()
	if tool {
		for _, l := range lists {
			for _, t := range l.records {
				if r.knownRecord(t) && !(a.Parts[0].Kind == timerPart && t.one() == "session") { // a timer lists its own
					add(t)
				}
			}
		}
		for _, t := range r.records {
			if r.knownRecord(t) && t.at > r.firstPart() && keeping[t.by.low] {
				add(t)
			}
		}
	} else {
		attributes = a.keepRecords(r, lists, add)
	}
	for _, l := range lists {
		if k := a.before(named, l.at); k != nil {
			for _, f := range l.fields {
				k.take(f)
			}
		}
	}
	a.keepSaid(r, named, tool)
	a.relateOwned(r, named)
	if len(a.Kinds) == 1 {
		if s, ok := words().together[a.Kinds[0].like]; ok && !tool {
			a.addLike(s, "", "")
		}
	}
	for _, t := range attributes {
		if k := a.before(named, t.at); k != nil {
			k.take(t.field())
		}
	}
}

// keepRecords adds what an idea names as kept, and returns attributes of it.
func (a *app) keepRecords(r *reading, lists []partList, add func(thing)) []thing {
	var attributes []thing
	r.keepServed()
	fromParts := slices.ContainsFunc(lists, func(l partList) bool { return len(l.records) > 0 })
	if t, ok := r.programRecord(); ok && r.program.head().low == "checklist" && !r.knownRecord(t) && !lexiconSpeaks(t.head().low) {
		a.addLike("task", "", "")
	} else if ok && !(fromParts && !r.strict(t)) && !(len(t.words) == 1 && t.head().low == "inventory" && slices.ContainsFunc(r.records, func(o thing) bool { return !o.isPersonal() && !r.isPart(o) })) {
		add(t)
	}
	for _, t := range r.records {
		switch {
		case r.isPart(t) && !r.knownRecord(t) && !r.inTool(t) && r.beforePart(t).end > 0:
			add(r.beforePart(t)) // "exercise heat map"
		case r.isPart(t) && !r.knownRecord(t), r.heads(t, lists):
		case r.boardOf(t):
			a.addLike("task", "", "") // "a board for planning my wedding"
		case t.isAttribute() && !(r.words[t.at].low == "my" && words().about[t.head().low] != "") && !(t.listed && english().is("uncountable", t.head().low) && words().about[t.head().low] != "") && !lexiconNames(singular(strings.Join(t.names(), "-"))) && r.keepsBeside(t) && !(len(t.words) > 1 && r.knownRecord(t)):
			attributes = append(attributes, t)
		default:
			add(t)
		}
	}
	for _, l := range lists {
		if a.keepDays(l.records) {
			continue
		}
		for _, t := range l.records {
			if !a.says(t) {
				add(t)
			}
		}
	}
	if len(a.Kinds) == 0 {
		a.keepForAudience(r)
	}
	return attributes
}

// says reports whether the first kind has a field for what a list names: renewals, of subscriptions that renew on a day.
func (a *app) says(t thing) bool {
	one := t.one()
	return len(a.Kinds) == 1 && len(t.words) == 1 && len(one) > 5 && !lexiconSpeaks(one) && slices.ContainsFunc(a.Kinds[0].Fields, func(f field) bool { return strings.HasPrefix(strings.ToLower(f.Label), one[:5]) })
}

// keepServed makes records of those whom the writer serves, where more is kept of them: "for my piano students with lessons".
func (r *reading) keepServed() {
	if len(r.records) > 0 || !slices.ContainsFunc(r.parts, func(t thing) bool { return r.knownRecord(t) && !t.isAttribute() }) {
		return
	}
	for i, t := range r.audience {
		if w := r.words[t.at].low; t.by.low == "for" && (w == "my" || w == "our") && isPlural(t.head().low) && lexiconNames(singular(t.head().low)) && t.at < r.parts[0].at {
			r.audience = slices.Delete(slices.Clone(r.audience), i, i+1)
			r.records = append(r.records, t)
			return
		}
	}
}

// keepSaid adds fields and records for what is said of those that are kept.
func (a *app) keepSaid(r *reading, named map[int]int, tool bool) {
	for _, c := range r.clauses {
		k := a.before(named, c.to)
		if k == nil {
			if lent(c.words) && !tool { // "who I lent money to"
				a.addLike(map[bool]string{true: "debt", false: "loan"}[strings.Contains(strings.ToLower(strings.Join(textsOf(c.words), " ")), "money")], "", "")
			}
			continue
		}
		if lent(c.words) {
			a.addLoans(k.Key)
		} else if f, ok := clauseField(c); ok {
			k.take(f)
		}
	}
	for _, t := range r.others { // "flats by rent and size", "sorted by aisle"
		sorted := t.at > 1 && sorting[r.words[t.at-2].base()]
		grouped := t.at > 0 && !isPlural(t.head().low) && !t.isA("time") && !t.isA("abstract") && r.words[t.at].class == nounWord && !isCapital(t.head().text) && (!t.isPersonal() || t.listed || lexiconNames(t.head().low))
		if k := a.before(named, t.at); k != nil && t.by.low == "by" && (t.isAttribute() || sorted || grouped) && !tool {
			k.take(t.field())
		}
	}
	if i := r.lentAt(); i >= 0 && len(a.Kinds) > 0 && !tool { // "tools I've lent to neighbours"
		a.addLoans(a.before(named, i).Key)
	}
	for _, t := range r.others { // "in which book I found them"
		if k := a.before(named, t.at); k != nil && t.at > 0 && r.words[t.at].low == "which" && len(t.words) == 1 {
			k.take(field{Label: capital(t.one()), Type: "text"})
		}
	}
	if slices.ContainsFunc(r.words, func(w word) bool { return w.class == verbWord && w.base() == "attend" }) && !tool {
		a.addLike("attendance-record", "", "")
	}
}

// keepForAudience adds what those keep for whom an app is, or, where nothing else is said, the things that were named beside.
func (a *app) keepForAudience(r *reading) {
	var first, later []string
	things := r.audience
	if r.program != nil {
		things = append([]thing{*r.program}, things...)
	}
	for _, t := range things {
		for i, s := range r.composite(t) {
			if i == 0 {
				first = append(first, s)
			} else {
				later = append(later, s)
			}
		}
	}
	if len(first) == 0 && r.program != nil && slices.ContainsFunc(r.program.words, func(w word) bool { return w.low == "inventory" || w.low == "stock" }) { // "a shop inventory"
		first = []string{"product"}
	}
	slices.SortStableFunc(later, func(a, b string) int { // what suits any app comes last
		return cmp.Compare(words().kinds[b].palette, "") - cmp.Compare(words().kinds[a].palette, "")
	})
	for _, s := range append(first, later...) {
		a.addLike(s, "", "")
	}
	if len(a.Kinds) > 0 || len(a.Parts) > 0 {
		return
	}
	for _, t := range slices.Concat(r.audience, r.others) {
		if !t.isPersonal() && (!t.isA("feature") || len(t.words) > 1 && singular(t.head().low) == "item") && !t.isA("tool") && !t.isA("language") && len(a.Kinds) < 3 {
			a.addThing(t)
		}
	}
	for _, t := range r.audience {
		if len(a.Kinds) == 0 && len(t.words) > 1 && !t.isPersonal() && !t.isA("tool") { // "bowling scores"
			a.addThing(t)
		}
	}
}

// sorting verbs have behind "by" what things are sorted by.
var sorting = wordSet("sort group organise organize order categorise categorize")

// measures are what people write down day by day, as numbers.
var measures = wordSet("water hydration step sleep weight calorie mood energy screen-time screentime caffeine coffee alcohol cigarette pulse stress pain steps")

// keepDays adds days with what is measured on each, where all things of a list are such.
func (a *app) keepDays(list []thing) bool {
	if len(list) < 2 || slices.ContainsFunc(list, func(t thing) bool { return !measures[singular(strings.Join(t.names(), "-"))] }) {
		return false
	}
	k := a.addUnknown("day", "days")
	if k == nil {
		return false
	}
	k.Fields = []field{{Label: "Date", Type: "date", Required: true}}
	for _, t := range list {
		k.Fields = append(k.Fields, field{Label: capital(strings.Join(t.names(), " ")), Type: "number"})
	}
	k.Fields = append(k.Fields, field{Label: "Notes", Type: "notes"})
	k.Verb, k.View = "Log", "table"
	return true
}

// before is the kind of the record that was named last before a place, or the first that was named at all.
func (a *app) before(named map[int]int, at int) *kind {
	best := -1
	for _, place := range slices.Sorted(maps.Keys(named)) {
		if place < at || best < 0 {
			best = place
		}
	}
	if best < 0 {
		if len(a.Kinds) == 0 {
			return nil
		}
		return &a.Kinds[0]
	}
	return &a.Kinds[named[best]]
}

// addThing adds the kind that a thing is: of the lexicon, under the name that it has in the idea, or one of its own.
func (a *app) addThing(t thing) *kind {
	l, names := words(), t.names()
	if english().is("person", names[0]) && !rooms[names[0]] && len(names) > 1 && !lexiconNames(singular(strings.Join(names, "-"))) && l.alike[singular(strings.Join(names[1:], "-"))] != "" { // "family appointments"
		t.words = t.words[1:]
		return a.addThing(t)
	}
	if n := len(names) - 1; n > 0 && doing[singular(names[n])] && l.alike[singular(strings.Join(names, "-"))] == "" { // "my weight loss journey"
		if one, ok := l.about[strings.Join(names[:n], "-")]; ok {
			return a.addLike(one, "", "")
		}
	}
	for i := range names {
		rest := strings.Join(names[i:], "-")
		for _, w := range []string{rest, singular(rest)} {
			if one, ok := l.alike[w]; ok && (i == 0 || !vague[one] && !vague[w]) {
				if i == 0 && (one == w || l.kinds[one].Many == strings.Join(names, " ")) {
					if slices.ContainsFunc(a.Kinds, func(o kind) bool { return o.like == one && o.Many != l.kinds[one].Many && !o.loose }) { // "props and costumes"
						return a.addLike(one, t.one(), t.many())
					}
					return a.addLike(one, "", "")
				}
				return a.addLike(one, t.one(), t.many())
			}
			if one, ok := l.about[w]; ok && i > 0 && (english().is("uncountable", w) || w == "budget") { // "warehouse stock"
				if w == "budget" { // "grocery budget"
					of := strings.Join(names[:i], " ")
					return a.addLike(one, of+" "+one, of+" "+l.kinds[one].Many)
				}
				return a.addLike(one, t.one(), t.many())
			} else if ok && i > 0 && len(names)-i == 1 && l.alike[w] == "" && !english().is("tool", w) { // "event RSVP"
				if before, ok := l.about[strings.Join(names[:i], "-")]; ok { // "cryptocurrency portfolio"
					one = before
				}
				return a.addLike(one, "", "")
			}
			if i > 0 {
				continue
			}
			if several, ok := l.composites[w]; ok && (english().is("tool", w) || !t.isPersonal()) {
				var k *kind
				for _, one := range several {
					k = a.addLike(one, "", "")
				}
				return k
			}
			if one, ok := l.about[w]; ok {
				k := a.addLike(one, "", "")
				if k != nil && l.alike[w] == "" {
					k.loose = true
				}
				return k
			}
		}
	}
	if len(names) > 3 {
		t.words = t.words[len(t.words)-3:]
	}
	if measures[singular(t.words[0].low)] && english().is("uncountable", t.head().low) { // "water intake"
		k := a.addUnknown(t.one(), t.many())
		if k != nil {
			k.Fields = []field{{Label: "Date", Type: "date", Required: true}, {Label: "Amount", Type: "number"}, {Label: "Notes", Type: "notes"}}
			k.Verb, k.View = "Log", "table"
		}
		return k
	}
	last := t.head().low
	if strings.HasSuffix(last, "ing") && english().verbForm(last) != "" && !nounLike(last) { // "whittling" is done in sessions
		return a.addLike("session", strings.Join(t.names(), " ")+" session", strings.Join(t.names(), " ")+" sessions")
	}
	return a.addUnknown(t.one(), t.many())
}

// doing are words for having to do with something that say no more of it.
var doing = wordSet("journey practice hour activity history routine progress level data record session diary")

// rooms are places whose things are not those of the people there: library books, kitchen tools.
var rooms = wordSet("library garden kitchen house home office garage workshop")

// vague words of the lexicon mean nothing of the kind where another noun stands before them.
var vague = wordSet("tip test initiative good part place spot action lead session visit slot track answer response drive question story duty film feeling present line service product order activity supply class table score reading bill article issue")

// addLike adds the lexicon's kind of this singular, under another name where one is given, unless it is there or the app is
// full.
func (a *app) addLike(singular, one, many string) *kind {
	e, ok := words().kinds[singular]
	if !ok {
		return nil
	}
	k := e.kind
	k.like, k.Fields = singular, slices.Clone(e.Fields)
	if a.Language != "en" {
		a.translate(&k)
	}
	if many != "" {
		k.One, k.Many, k.Key, k.Intro = one, many, slug(many, "list"), ""
	}
	for i := range a.Kinds {
		o := &a.Kinds[i]
		if o.like == singular && o.loose && many != "" {
			o.One, o.Many, o.Key, o.Intro, o.loose = k.One, k.Many, k.Key, "", false
		}
		if o.Key == k.Key || many == "" && o.like == singular {
			return o
		}
	}
	if len(a.Kinds) >= maxKinds {
		return nil
	}
	a.Kinds = append(a.Kinds, k)
	return &a.Kinds[len(a.Kinds)-1]
}

// translate puts what the lexicon says of a kind into the app's language.
func (a *app) translate(k *kind) {
	k.One, k.Many, k.Verb, k.Intro = a.word(k.One), a.word(k.Many), a.word("Add"), ""
	k.Key = slug(k.Many, "list")
	for i := range k.Fields {
		f := &k.Fields[i]
		f.Label, f.Options = a.word(f.Label), slices.Clone(f.Options)
		for j := range f.Options {
			f.Options[j] = a.word(f.Options[j])
		}
	}
}

// addUnknown adds a kind that the lexicon does not have, with fields that suit anything.
func (a *app) addUnknown(one, many string) *kind {
	one, many = shorten(cleanLine(one), 40), shorten(cleanLine(many), 40)
	if many == "" {
		return nil
	}
	key := slug(many, "list")
	for i, k := range a.Kinds {
		if k.Key == key && k.Many == many || k.One == one {
			return &a.Kinds[i]
		}
	}
	if len(a.Kinds) >= maxKinds {
		return nil
	}
	used := map[string]bool{}
	for _, k := range a.Kinds {
		used[k.Key] = true
	}
	fields, view := unknownFields(a.shape, one)
	k := kind{Key: freeName(key, reservedPages, used), One: one, Many: many, Verb: "Add", View: cmp.Or(view, []string{"cards", "table", "board"}[len(many)%3]), Fields: fields}
	if a.Language != "en" {
		k.Key, key = "", k.Key
		a.translate(&k)
		k.One, k.Many, k.Key = one, many, key
	}
	a.Kinds = append(a.Kinds, k)
	return &a.Kinds[len(a.Kinds)-1]
}

// dropGuesses takes from kinds that nothing is known of what was only supposed of them, where the idea says itself what is kept:
// the status where it names a field, the date where it names several. Boards, calendars and heat maps live of both.
func (a *app) dropGuesses() {
	if slices.ContainsFunc(a.Parts, func(p part) bool { return p.Kind == boardPart || p.Kind == calendarPart || p.Kind == heatmapPart }) {
		return
	}
	for i := range a.Kinds {
		k := &a.Kinds[i]
		told := 0
		for _, f := range k.Fields {
			if !f.guessed {
				told++
			}
		}
		told -= 2 // the name and the notes
		k.Fields = slices.DeleteFunc(k.Fields, func(f field) bool {
			return f.guessed && (told > 1 || told == 1 && f.Type == "choice")
		})
	}
}

// addNamed adds what a name stands for, such as that of a page.
func (a *app) addNamed(name string) *kind {
	name = cleanLine(name)
	if k := a.findKind(name); k != nil {
		return k
	}
	if a.Language != "en" || !isLatin(name) {
		if one, ok := words().foreign[strings.ToLower(strings.ReplaceAll(name, " ", "-"))]; ok {
			return a.addLike(one, "", "")
		}
		if isLatin(name) {
			one, many := numbers(a.Language, name)
			return a.addUnknown(one, many)
		}
		return a.addUnknown(strings.ToLower(name), strings.ToLower(name))
	}
	t := thing{}
	for _, w := range wordsOf(strings.ToLower(name)) {
		if w.class != markWord {
			w.class = nounWord
			t.words = append(t.words, w)
		}
	}
	if len(t.words) == 0 {
		return nil
	}
	return a.addThing(t)
}

// addKnown adds what earlier requirements and an earlier architecture name beside what the idea does.
func (a *app) addKnown(b brief) {
	if len(a.Kinds) == 0 && len(a.Parts) > 0 {
		return // pages of a game are none of records
	}
	for _, p := range b.pages {
		p = strings.TrimSpace(p)
		if !slices.Contains(commonPages, strings.ToLower(p)) && p != a.T("Overview") && len(a.Kinds) < maxKinds && len(partsOf(p)) == 0 {
			a.addNamed(p)
		}
	}
	for _, h := range b.hints {
		if one, ok := words().alike[strings.ToLower(singular(strings.ReplaceAll(h, " ", "-")))]; ok && a.findKind(h) == nil && a.Language == "en" {
			a.addLike(one, "", "")
		}
	}
}

var commonPages = strings.Fields("home dashboard overview index settings login signup register profile about landing search 404 start main account help contact")

// addLoans adds who has what of a kind.
func (a *app) addLoans(of string) {
	k := a.addLike("loan", "", "")
	main := a.kind(of)
	if k == nil || main == nil || k.Key == of {
		return
	}
	i := slices.IndexFunc(k.Fields, func(f field) bool { return f.Type == "relation" || f.Label == a.word("Item") })
	if i >= 0 {
		k.Fields[i] = field{Label: capital(main.One), Type: "relation", To: main.Key}
	}
}

// resolveRelations lets relations of the lexicon lead to the kinds that the app has, and leaves out those that it can do
// without.
func (a *app) resolveRelations() {
	for i := range a.Kinds {
		k := &a.Kinds[i]
		k.Fields = slices.DeleteFunc(k.Fields, func(f field) bool {
			return f.optional && !slices.ContainsFunc(a.Kinds, func(o kind) bool { return o.like == f.To && o.Key != k.Key })
		})
		for j := range k.Fields {
			f := &k.Fields[j]
			if f.Type != "relation" || a.kind(f.To) != nil {
				continue
			}
			to := slices.IndexFunc(a.Kinds, func(o kind) bool { return o.like == f.To && o.Key != k.Key })
			if to < 0 && (f.To == "client" || f.To == "employee") && !people[k.like] {
				to = slices.IndexFunc(a.Kinds, func(o kind) bool { return people[o.like] && o.Key != k.Key })
			}
			if to < 0 {
				continue
			}
			if e := words().kinds[f.To]; f.Label == a.word(capital(e.One)) || f.Label == capital(a.word(e.One)) {
				f.Label = capital(a.Kinds[to].One)
			}
			f.To = a.Kinds[to].Key
		}
	}
}

// people are kinds that appointments, invoices, shifts and the like may be for where there are no clients or employees.
var people = wordSet("contact patient guest student member tenant volunteer player child employee")

// relateOwned lets records point to those whose they are: "classes and their teachers", "repairs for each bike".
func (a *app) relateOwned(r *reading, named map[int]int) {
	places := slices.Sorted(maps.Keys(named))
	for n, at := range places {
		if n == 0 {
			continue
		}
		owner, owned := &a.Kinds[named[places[n-1]]], &a.Kinds[named[at]]
		if owner.Key != owned.Key && slices.Contains([]string{"their", "its"}, r.words[at].low) {
			owned.pointTo(owner)
		}
	}
	for _, t := range slices.Concat(r.audience, r.others) {
		if (t.by.low == "for" || t.by.low == "per") && t.at > 0 && (t.by.low == "per" || slices.Contains([]string{"each", "every"}, r.words[t.at].low)) {
			if k := a.before(named, t.at); k != nil {
				if owner := a.findKind(t.many()); owner != nil && owner.Key != k.Key {
					k.pointTo(owner)
				} else if owner == nil && !t.isA("time") && r.knownRecord(t) {
					key := k.Key
					if owner := a.addThing(t); owner != nil && owner.Key != key {
						a.kind(key).pointTo(owner)
					}
				}
			}
		}
	}
}

// pointTo gives a kind a relation to another, unless it has one.
func (k *kind) pointTo(to *kind) {
	if slices.ContainsFunc(k.Fields, func(f field) bool { return f.Type == "relation" && (f.To == to.Key || f.To == to.like) }) {
		return
	}
	at := min(1, len(k.Fields))
	for i, f := range k.Fields {
		if f.Type == "text" && strings.EqualFold(f.Label, to.One) && f.Key != "" {
			k.Fields[i].Label += " name" // what was typed so far stays, under its key
			at = i + 1
		}
	}
	k.Fields = slices.Insert(k.Fields, at, field{Label: capital(to.One), Type: "relation", To: to.Key})
}

// take adds a field that the idea names, unless the kind has one for that.
func (k *kind) take(f field) {
	label := strings.ToLower(f.Label)
	for i, o := range k.Fields {
		have := strings.ToLower(o.Label)
		if one := singular(label); one != label && synonymous(have, one) { // "with expiry dates"
			label, f.Label = one, capital(one)
		}
		if synonymous(have, label) { // the idea's word for it
			k.Fields[i].Label = f.Label
		}
		if have == label || singular(have) == singular(label) || strings.HasPrefix(have, singular(label)+" ") && len(label) > 3 || strings.HasPrefix(have, label+" in ") || synonymous(have, label) {
			k.Fields[i].guessed = false
			return
		}
	}
	k.addField(f.Label, f.Type, f.Options)
}

// synonymous reports whether two labels mean the same.
func synonymous(a, b string) bool {
	for _, group := range [][]string{{"title", "name"}, {"expires on", "expiry", "expiry date", "expiration date", "valid until", "use by"}, {"place", "location", "venue"}, {"due", "deadline", "due date"}, {"notes", "comment", "comments", "description", "remarks", "text"}, {"link", "url", "website"},
		{"minutes", "duration"}, {"climb in m", "elevation", "elevation gain", "ascent"}, {"rarity", "rareness"}, {"alcohol in %", "abv", "strength"}, {"price", "cost"}, {"status", "stage", "state"}, {"position", "job title"}, {"method", "instructions", "steps"}, {"quantity", "amount", "count"}, {"reorder at", "reorder level", "reorder levels"}} {
		if slices.Contains(group, a) && slices.Contains(group, b) {
			return true
		}
	}
	return false
}

// setStates makes the options of a kind's first choice those that the idea lists.
func (k *kind) setStates(states []string) {
	i := slices.IndexFunc(k.Fields, func(f field) bool { return f.Type == "choice" && statusLabel.MatchString(f.Label) })
	if i < 0 {
		k.addField("Status", "choice", states)
	} else {
		k.Fields[i].Options = states
	}
	k.View = "board"
}

var stateList = regexp.MustCompile(`(?i)(?:\bboard\s+with\s+|\s+(?:with|between)\s+(?:the\s+)?(?:columns|stages|lanes|states|statuses)\s*:?|:|\()\s*((?:[\pL][\pL -]{1,18}\s*(?:,\s*(?:and\s+)?|->|→|/|\s+and\s+)\s*){2,7}[\pL][\pL -]{1,18}?)\s*\)?\s*(?:[.!;\n]|$|\s(?:for|of|to)\s)`)

var betweenStates = regexp.MustCompile(`\s*(?:,\s*(?:and\s+)?|->|→|/|\s+and\s+)\s*`)

var stateWords = wordSet("todo to-do open closed done doing backlog review testing progress in-progress blocked waiting published draft drafts new won lost finished started planned active ready shipped delivered approved rejected pending completed archived next later someday icebox resolved reading read unread hired applied idea ideas booked bought wishlist watching watched playing played")

// splitStates takes a list of states out of a text: "open, in progress, done".
func splitStates(text string) (string, []string) {
	m := stateList.FindStringSubmatchIndex(text)
	if m == nil {
		return text, nil
	}
	var states []string
	known := 0
	for _, s := range betweenStates.Split(text[m[2]:m[3]], -1) {
		s = strings.TrimSpace(s)
		words := tokens(s)
		if len(words) > 0 && (stateWords[words[len(words)-1]] || stateWords[strings.Join(words, "-")]) {
			known++
		}
		if s != "" {
			states = append(states, capital(strings.ToLower(s)))
		}
	}
	if known < 2 || known*2 < len(states) {
		return text, nil
	}
	head := ""
	if strings.EqualFold(text[m[0]:min(m[0]+5, len(text))], "board") {
		head = "board"
	}
	return text[:m[0]] + head + " " + strings.TrimLeft(text[m[3]:], ") "), states
}

// tokens are the words of a text in lower case.
func tokens(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) && r != '-' && r != '\''
	})
}

func wordSet(s string) map[string]bool {
	out := map[string]bool{}
	for w := range strings.FieldsSeq(s) {
		out[w] = true
	}
	return out
}

func isLatin(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return unicode.IsLetter(r) && !unicode.Is(unicode.Latin, r) })
}

// lent reports whether words speak of lending or borrowing.
func lent(words []word) bool {
	return slices.ContainsFunc(words, func(w word) bool {
		base := english().verbForm(w.low)
		return lendingVerbs[base] || slices.Contains([]string{"lent", "lend", "loaned"}, w.low)
	})
}
