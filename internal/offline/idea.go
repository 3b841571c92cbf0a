package offline

import (
	"cmp"
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
	a := &app{Name: cmp.Or(b.name, nameOf(b.title, text)), Currency: currencyOf(text), Parts: partsOf(b.title + "\n" + text), Language: "en"}
	for _, s := range findKinds(b.title + "\n" + text) {
		a.add(s)
	}
	for _, p := range b.pages {
		if !slices.Contains(commonPages, strings.ToLower(strings.TrimSpace(p))) && len(a.Kinds) < maxKinds {
			a.addNamed(p)
		}
	}
	for _, h := range b.hints {
		for _, s := range findKinds(h) {
			a.add(s)
		}
	}
	if len(a.Kinds) == 0 {
		for _, n := range nouns(text, 3) {
			a.addNamed(n)
		}
		a.relate()
	} else {
		for _, n := range listedNouns(text) {
			if len(a.Kinds) < 5 {
				a.addNamed(n)
			}
		}
	}
	a.Parts = refineParts(a.Parts, text)
	if slices.ContainsFunc(a.Parts, part.isTool) && !withRecords.MatchString(text) {
		a.Kinds = nil
	}
	if len(a.Kinds) == 1 {
		if s, ok := words().together[singularOf(a.Kinds[0])]; ok {
			a.add(s)
		}
	}
	a.askedFields(text)
	a.Look = lookOf(text, a)
	a.completeRelations()
	a.Tagline = tagline(a)
	return a
}

// add adds the lexicon's kind of this singular, unless it is there or the app is full.
func (a *app) add(singular string) *kind {
	e, ok := words().kinds[singular]
	if !ok {
		return nil
	}
	if k := a.kind(e.Key); k != nil {
		return k
	}
	if len(a.Kinds) >= maxKinds {
		return nil
	}
	k := e.kind
	k.Fields = slices.Clone(e.Fields)
	a.Kinds = append(a.Kinds, k)
	return &a.Kinds[len(a.Kinds)-1]
}

// addNamed adds what a name stands for: kinds of the lexicon, or one of its own with fields that suit anything.
func (a *app) addNamed(name string) *kind {
	name = strings.ToLower(shorten(cleanLine(name), 40))
	if name == "" {
		return nil
	}
	if found := words().lookup(strings.ReplaceAll(name, " ", "-")); len(found) > 0 {
		var k *kind
		for _, s := range found {
			k = a.add(s)
		}
		return k
	}
	words := strings.Fields(name)
	last := len(words) - 1
	words[last] = singular(words[last])
	one := strings.Join(words, " ")
	if isLatin(words[last]) {
		words[last] = plural(words[last])
	}
	many := strings.Join(words, " ")
	key := slug(many, "list")
	if k := a.kind(key); k != nil && k.Many == many {
		return k
	}
	if len(a.Kinds) >= maxKinds {
		return nil
	}
	used := map[string]bool{}
	for _, k := range a.Kinds {
		used[k.Key] = true
	}
	views := []string{"cards", "table", "board"}
	a.Kinds = append(a.Kinds, kind{Key: freeName(key, reservedPages, used), One: one, Many: many, Verb: "Add", View: views[len(many)%3], Fields: []field{
		{Label: "Name", Type: "text", Required: true}, {Label: "Date", Type: "date"},
		{Label: "Status", Type: "choice", Options: []string{"New", "In progress", "Done"}}, {Label: "Notes", Type: "notes"}}})
	return &a.Kinds[len(a.Kinds)-1]
}

// relate lets the kinds that nothing is known of point to the first of them.
func (a *app) relate() {
	if len(a.Kinds) < 2 {
		return
	}
	first := a.Kinds[0]
	for i := range a.Kinds[1:] {
		k := &a.Kinds[i+1]
		if slices.ContainsFunc(k.Fields, func(f field) bool { return f.Type == "relation" }) {
			continue
		}
		k.Fields = slices.Insert(k.Fields, 1, field{Label: capital(first.One), Type: "relation", To: first.Key})
	}
}

func singularOf(k kind) string {
	for s, e := range words().kinds {
		if e.Key == k.Key {
			return s
		}
	}
	return ""
}

// tokens are the words of a text in lower case.
func tokens(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) && r != '-' && r != '\''
	})
}

// findKinds returns the singulars of the kinds that a text speaks of, in the order of their first words.
func findKinds(text string) []string {
	l := words()
	var out, later []string
	add := func(found []string) {
		for i, s := range found {
			if i > 0 {
				later = append(later, s)
			} else if !slices.Contains(out, s) {
				out = append(out, s)
			}
		}
	}
	ts := tokens(text)
	for i := 0; i < len(ts); i++ {
		if i+1 < len(ts) {
			if found := l.lookup(ts[i] + "-" + ts[i+1]); found != nil {
				add(found)
				i++
				continue
			}
		}
		t := strings.TrimSuffix(ts[i], "'s")
		if ignored[t] {
			continue
		}
		add(l.lookup(t))
	}
	if !isLatin(text) {
		lower := strings.ToLower(text)
		at := map[string]int{}
		for part, s := range l.parts {
			if i := strings.Index(lower, part); i >= 0 && (at[s] == 0 || i+1 < at[s]) {
				at[s] = i + 1
			}
		}
		for _, s := range slices.SortedFunc(maps.Keys(at), func(a, b string) int { return cmp.Or(at[a]-at[b], strings.Compare(a, b)) }) {
			add([]string{s})
		}
	}
	// What a word brings along comes after what was named; what suits any app comes last.
	slices.SortStableFunc(later, func(a, b string) int {
		return cmp.Compare(l.kinds[b].palette, "") - cmp.Compare(l.kinds[a].palette, "")
	})
	for _, s := range later {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	// What is only said in passing must not drown what was asked for.
	return out[:min(len(out), 6)]
}

// ignored are words of the lexicon that mostly mean something else in a wish for an app.
var ignored = wordSet(`team score level record store schedule service subject question home show item action run running space school state position lead
	track thought idea wish present set test class run order-by language picture target place shop page value contact collection hours planet series listing
	training study working money fix fee cost hours calendar camera`)

func wordSet(s string) map[string]bool {
	out := map[string]bool{}
	for w := range strings.FieldsSeq(s) {
		out[w] = true
	}
	return out
}

var commonPages = strings.Fields("home dashboard overview index settings login signup register profile about landing search 404 start main account help contact")

// stopWords are never things that an app keeps.
var stopWords = wordSet(`a about above add additional all allow also always an and any app application apps are as at based be beautiful because been before being best
	between both build built but by can clean code could create crud custom daily dark data database day design develop do does each easily easy etc every everything
	fast features few find for from full generate get give good great has have having help helps her here his how i ideal if in including into is it its itself
	just keep keeps kind know let lets light like list lists local log looks lot made make makes manage management manager many me mobile modern more most my need needs
	new nice nothing now of off offline on one online only or other our out over own page pages people personal platform please portal program really record
	records report reports responsive same save say see simple simply site small so software some something stay store such system than thank thanks that the their them
	theme then there these they thing things this those through time to together tool tools track tracker tracking two type ui under up us use used user users
	using very via view want wants was way we web webapp website well were what when where which while who will with within without work works would yes you your
	react reactjs tsx vite vue angular svelte next nextjs typescript javascript python django flask fastapi node sql postgres sqlite tailwind css html bootstrap backend frontend api
	dashboard charts chart search filter filters login color colour colors colours status form forms field fields table tables card cards screen button buttons
	ein eine einen einer eines und der die das den dem des für mit von zu zum zur im in ich wir mein meine unser unsere app anwendung zum verwalten verwaltung bitte möchte brauche
	un una uno el la los las de del para con y por mi mis nuestra aplicación quiero le les des pour avec et je mon ma mes une il di per con che
	first second third last next week weeks month months year years today lorem ipsum hello world`)

// nouns are the likeliest things that a text of unknown words is about: at most n, plurals before others.
func nouns(text string, n int) []string {
	var many, one []string
	for _, t := range tokens(text) {
		t = strings.Trim(strings.TrimSuffix(t, "'s"), "-'")
		size := len([]rune(t))
		if size < 3 && isLatin(t) || size > 30 || size > 8 && !isLatin(t) || stopWords[t] || !strings.ContainsFunc(t, unicode.IsLetter) || isAdverb(t) {
			continue
		}
		if isLatin(t) && singular(t) != t && !slices.Contains(many, t) {
			many = append(many, t)
		} else if !slices.Contains(one, t) {
			one = append(one, t)
		}
	}
	all := append(many, one...)
	if len(many) > 0 {
		all = many
	}
	return all[:min(len(all), n)]
}

func isAdverb(t string) bool {
	return strings.HasSuffix(t, "ly") || strings.HasSuffix(t, "ing") || strings.HasSuffix(t, "able") || strings.HasSuffix(t, "ful")
}

func isLatin(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return unicode.IsLetter(r) && !unicode.Is(unicode.Latin, r) })
}

var listCue = regexp.MustCompile(`(?i)\b(?:track(?:ing)?|manag(?:e|es|ing)|stor(?:e|es|ing)|organi[sz](?:e|es|ing)|collect(?:s|ing)?|catalog(?:ue|ues|ing)?|keep(?:s|ing)? (?:track|a list) of|lists? of)\s+((?:my|our|their|the|all|and|[,&]|\pL[\pL-]*|\s)+)`)

// listedNouns are plurals of unknown words that directly follow a word such as "track" or "manage".
func listedNouns(text string) []string {
	var out []string
	for _, m := range listCue.FindAllStringSubmatch(text, 3) {
		for i, t := range tokens(m[1]) {
			switch {
			case i > 7:
			case stopWords[t] || len(t) < 4 || singular(t) == t || isAdverb(t) || words().lookup(t) != nil || ignored[singular(t)]:
			case !slices.Contains(out, t):
				out = append(out, t)
			}
		}
	}
	return out[:min(len(out), 2)]
}

// typeOf guesses a field's type from the words of its name.
func typeOf(label string) (string, []string) {
	l := strings.ToLower(label)
	for _, t := range typeWords {
		if t.form.MatchString(l) {
			return t.name, t.options
		}
	}
	return "text", nil
}

var typeWords = []struct {
	name    string
	form    *regexp.Regexp
	options []string
}{
	{"choice", regexp.MustCompile(`\bpriority\b|\burgency\b`), []string{"Low", "Normal", "High"}},
	{"choice", regexp.MustCompile(`\b(status|stage|state|progress)\b`), []string{"New", "In progress", "Done"}},
	{"choice", regexp.MustCompile(`\b(category|kind|type)\b`), []string{"General", "Important", "Other"}},
	{"choice", regexp.MustCompile(`\bsize\b`), []string{"Small", "Medium", "Large"}},
	{"date", regexp.MustCompile(`\b(date|deadline|due|birthday|anniversary|day|until|expiry|expires)\b`), nil},
	{"money", regexp.MustCompile(`\b(price|prices|cost|costs|amount|budget|fee|salary|rent|total|revenue|rate|value|discount)\b`), nil},
	{"email", regexp.MustCompile(`\be-?mails?\b`), nil},
	{"phone", regexp.MustCompile(`\b(phone|telephone|mobile|cell)\b`), nil},
	{"link", regexp.MustCompile(`\b(url|link|website|homepage)\b`), nil},
	{"number", regexp.MustCompile(`\b(count|quantity|number|weight|height|age|rating|score|distance|duration|minutes|hours|calories|pages|size|servings|year|points|stars)\b`), nil},
	{"flag", regexp.MustCompile(`\b(done|finished|paid|favou?rite|completed|active|archived|checked|read)\b`), nil},
	{"notes", regexp.MustCompile(`\b(notes?|description|comments?|details|remarks?|text|summary|instructions)\b`), nil},
}

var withFields = regexp.MustCompile(`(?i)\b([\pL-]+)\s+(?:with|having|that have|including)\s+((?:an?\s+|their\s+|its\s+)?[\pL -]{2,40}(?:\s*,\s*(?:and\s+)?[\pL -]{2,40})*(?:\s+and\s+[\pL -]{2,40})?)`)

// askedFields adds fields that the text names: "dogs with a weight and a vet's phone". Only words whose type is known
// count, since anything can follow a "with".
func (a *app) askedFields(text string) {
	for _, m := range withFields.FindAllStringSubmatch(text, 8) {
		k := a.findKind(m[1])
		if k == nil {
			continue
		}
		for part := range strings.SplitSeq(andWord.ReplaceAllString(m[2], ","), ",") {
			label := trimArticle(part)
			if typ, options := typeOf(label); typ != "text" && len(strings.Fields(label)) <= 3 && words().lookup(strings.ToLower(label)) == nil {
				k.addField(label, typ, options)
			}
		}
	}
}

var (
	andWord  = regexp.MustCompile(`(?i)\s+and\s+`)
	articles = regexp.MustCompile(`(?i)^(?:(?:an?|the|their|its|his|her|my|our|another|new|also|some|extra)\s+)+`)
)

func trimArticle(s string) string { return articles.ReplaceAllString(strings.TrimSpace(s), "") }

// findKind finds a kind of the app by a word for it.
func (a *app) findKind(word string) *kind {
	word = strings.ToLower(cleanLine(trimArticle(word)))
	if word == "" {
		return nil
	}
	for i, k := range a.Kinds {
		if word == k.One || word == k.Many || singular(word) == k.One || slug(word, "") == k.Key {
			return &a.Kinds[i]
		}
	}
	for _, s := range words().lookup(strings.ReplaceAll(word, " ", "-")) {
		if k := a.kind(words().kinds[s].Key); k != nil {
			return k
		}
	}
	return nil
}

// addField adds a field before the notes, unless the kind has one of that name.
func (k *kind) addField(label, typ string, options []string) bool {
	label = capital(strings.ToLower(shorten(cleanLine(label), 40)))
	key := camel(label)
	at := len(k.Fields)
	for i, f := range k.Fields {
		if camel(f.Label) == key || f.Key == key {
			return false
		}
		if f.Type == "notes" && i < at {
			at = i
		}
	}
	if len(k.Fields) >= maxFields {
		return false
	}
	k.Fields = slices.Insert(k.Fields, at, field{Label: label, Type: typ, Options: options})
	return true
}

// The name.

var (
	preamble = regexp.MustCompile(`(?i)^\W*(?:(?:please|hi|hello|hey|ok|can you|could you|i|we|you|want|need|would|like|'d|to|have|build|make|create|develop|design|write|generate|give|me|us|bitte|ich|möchte|brauche|erstelle|quiero|je veux)\b[\s,!.]*)*(?:(?:an?|the|some|my|our|one|eine?n?|una?|une?)\s+)?`)
	toolWord = regexp.MustCompile(`(?i)^(?:(?:simple|small|little|nice|modern|beautiful|personal|web|mobile|online|easy|new|tiny|full|clean|basic|offline)\s+)*(?:web\s?)?(?:app|application|tool|website|site|program|system|software|platform)\b\s*(?:(?:that|which|to|for|where|with|of|called|named)\b\s*)?(?:(?:lets?|helps?|allows?)\s+(?:me|us|you|people|users)\s+(?:to\s+)?)?(?:(?:track|manage|keep track of|organi[sz]e|plan|log|record|store|collect|list|handle|keep)\b\s*)?(?:(?:an?|the|my|our|their|all)\s+)?`)
	leadVerb = regexp.MustCompile(`(?i)^(?:keep track of|track|manage|organi[sz]e|log|store|collect|zur verwaltung|zum verwalten|verwalten|para gestionar|pour gérer)\s+(?:(?:von|my|our|the|all|your|meiner?|unserer?|der|mis|mes)\s+)*`)
	anyTool  = regexp.MustCompile(`(?i)\b(?:app|application|tool|website|site|program|software|platform)\b`)
	nameEnd  = regexp.MustCompile(`(?i)[.!?;:\n\r(,]|\s[-–—]\s|\b(?:that|which|where|who|so that|using|built with|written in|with|to|including|because|and then|in react|in vue)\b`)
	called   = regexp.MustCompile(`(?i)\b(?:called|named)\s+["“']?([\pL\pN][\pL\pN '&-]{1,40}?)["”']?(?:[.,;!?\n]|$|\s(?:that|which|for|with|where|to)\b)`)
	forWhom  = regexp.MustCompile(`(?i)^([\pL\pN-]+(?:\s[\pL\pN-]+)?)\s+for\s+(?:(?:an?|the|my|our|your)\s+)?([\pL\pN&' -]+)$`)
)

// nameOf derives an app's name from the project's title or, when that is a sentence too, from its first clause.
func nameOf(title, text string) string {
	if m := called.FindStringSubmatch(text); m != nil {
		return titleCase(m[1])
	}
	source := cleanLine(title)
	if source == "" {
		source, _, _ = strings.Cut(strings.TrimSpace(text), "\n")
		source = cleanLine(shorten(source, 300))
	}
	s := preamble.ReplaceAllString(source, "")
	for _, lead := range []*regexp.Regexp{toolWord, leadVerb} {
		if cut := lead.ReplaceAllString(s, ""); strings.TrimSpace(cut) != "" {
			s = cut
		}
	}
	if at := nameEnd.FindStringIndex(s); at != nil && strings.TrimSpace(s[:at[0]]) != "" {
		s = s[:at[0]]
	}
	s = strings.TrimSpace(s)
	if m := forWhom.FindStringSubmatch(s); m != nil && len(strings.Fields(m[2])) <= 3 {
		s = m[2] + " " + cmp.Or(strings.TrimSpace(anyTool.ReplaceAllString(m[1], "")), m[1])
	}
	s = cmp.Or(s, source)
	if f := strings.Fields(s); len(f) > 4 {
		f = f[:min(len(f), 5)]
		for i, w := range f[2:] {
			if w == "and" || w == "und" || w == "&" || w == "y" || w == "et" || w == "for" || w == "in" {
				f = f[:i+2]
				break
			}
		}
		s = strings.Join(f, " ")
	}
	return titleCase(shorten(s, 48))
}

// titleCase raises the first letters of words that are longer than the small words of English.
func titleCase(s string) string {
	f := strings.Fields(s)
	small := []string{"a", "an", "and", "at", "by", "for", "in", "of", "on", "or", "the", "to", "with"}
	for i, w := range f {
		switch lower := strings.ToLower(w); {
		case slices.Contains([]string{"crm", "erp", "faq", "diy", "hr", "pos", "todo"}, lower):
			f[i] = strings.ToUpper(w)
			if lower == "todo" {
				f[i] = "To-do"
			}
		case i > 0 && slices.Contains(small, w):
		default:
			f[i] = capital(w)
		}
	}
	return strings.Join(f, " ")
}

// tagline says what the app is for, in words of our own: the user's may be long, private or in any form.
func tagline(a *app) string {
	if tools := a.Tools(); len(tools) > 0 {
		return a.partIntro(tools[0])
	}
	var many []string
	for _, k := range a.Kinds {
		many = append(many, k.Many)
	}
	return a.T("{list} in one place: quick to enter, easy to find again, and kept on your own device.", "list", capital(a.and(many)))
}

func joinAnd(s []string) string {
	if len(s) < 2 {
		return strings.Join(s, "")
	}
	return strings.Join(s[:len(s)-1], ", ") + " and " + s[len(s)-1]
}

// The look.

var (
	darkCue   = regexp.MustCompile(`(?i)\b(?:dark|night|black)[\s-]+(?:theme|mode|colou?rs?|look|design|style|background|ui|version)\b|\b(?:make|turn|look|be|is)\s+(?:it\s+|everything\s+)?(?:all\s+)?dark\b|\bdunkle\w*\b`)
	lightCue  = regexp.MustCompile(`(?i)\b(?:light|bright|white)[\s-]+(?:theme|mode|colou?rs?|look|design|style|background|ui|version)\b`)
	sideCue   = regexp.MustCompile(`(?i)\b(?:side\s?bar|side (?:navigation|menu))\b`)
	topCue    = regexp.MustCompile(`(?i)\btop (?:navigation|menu|bar)\b`)
	colorCue  = regexp.MustCompile(`(?i)\b(blue|green|purple|violet|lilac|pink|red|orange|yellow|brown|teal|turquoise|cyan|gr[ae]y|olive|indigo|magenta|rose|navy|lime)\b(?:[\s-]+(?:\pL+\s+)?(?:theme|colou?rs?|look|design|style|accents?|palette|buttons?|scheme))`)
	colorsFor = map[string]string{"blue": "ocean", "navy": "ocean", "green": "moss", "lime": "olive", "purple": "plum", "violet": "plum", "lilac": "plum", "pink": "rose",
		"rose": "rose", "red": "brick", "orange": "amber", "yellow": "amber", "brown": "amber", "teal": "teal", "turquoise": "teal", "cyan": "teal",
		"gray": "slate", "grey": "slate", "olive": "olive", "indigo": "indigo", "magenta": "berry"}
)

// lookOf takes the colour from what the text asks for, else from the first kind that has one, else from the name.
func lookOf(text string, a *app) look {
	var l look
	for _, k := range a.Kinds {
		if e, ok := words().kinds[singularOf(k)]; ok && e.palette != "" {
			l.Palette = e.palette
			break
		}
	}
	l.restyle(text)
	return l
}

// restyle changes what a text asks to change of a look, and reports whether it asked for anything.
func (l *look) restyle(text string) bool {
	said := true
	switch {
	case darkCue.MatchString(text):
		l.Mode = "dark"
	case lightCue.MatchString(text):
		l.Mode = "light"
	default:
		said = false
	}
	if m := colorCue.FindStringSubmatch(text); m != nil {
		l.Palette, said = colorsFor[strings.ToLower(m[1])], true
	}
	if sideCue.MatchString(text) {
		l.Layout, said = "side", true
	} else if topCue.MatchString(text) {
		l.Layout, said = "top", true
	}
	return said
}

func currencyOf(text string) string {
	for _, c := range []struct {
		form *regexp.Regexp
		code string
	}{
		{regexp.MustCompile(`(?i)€|\beuros?\b|\bEUR\b`), "EUR"}, {regexp.MustCompile(`(?i)£|\bpounds? sterling\b|\bGBP\b`), "GBP"},
		{regexp.MustCompile(`(?i)¥|\byen\b|\bJPY\b`), "JPY"}, {regexp.MustCompile(`(?i)\b(?:swiss )?francs?\b|\bCHF\b`), "CHF"}, {regexp.MustCompile(`(?i)₹|\brupees?\b|\bINR\b`), "INR"},
	} {
		if c.form.MatchString(text) {
			return c.code
		}
	}
	return "USD"
}
