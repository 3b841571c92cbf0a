package offline

import (
	"cmp"
	"embed"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"

	"codeforge/internal/agent/form"
)

// choiceTexts are the decisions that people who build web apps usually meet. The notation, line by line:
//
//	= id | subject                      a decision
//	words: a; b                         what a question about it says; one of them is enough
//	hints: a; b                         what makes it likelier
//	depends: ...                        what it depends on anywhere
//	- id | title | difficulty | time    one of its options, with
//	names: a; b                         what people call it, or things of its kind
//	(a line)                            what it is
//	+ ...  ! ...  later: ...            what speaks for it, against it, and what it costs later ("None": nothing)
//	right: ...                          when it is right, as it goes on after "if"
//	learn: ...                          what is learned by it
//	> traits -> option: reason          the first whose traits (of traitForms; ! for not) hold is recommended
//	common: a; b                        names that are words of any sentence
//
//go:embed choices
var choiceTexts embed.FS

type decision struct {
	id, subject, depends string
	options              []*choiceOption
	rules                []choiceRule
}

type choiceOption struct {
	of    *decision
	later string
	right string
	form.Option
}

type choiceRule struct {
	traits []string
	option string
	reason string
}

// sign is what a phrase of a question points to.
type sign struct {
	decision *decision
	option   *choiceOption // nil: the decision as a whole
	weight   int
}

const (
	decisive = 4 // points that settle which decision is meant
	hinting  = 1
)

type decisionTable struct {
	all     []*decision
	signs   map[string][]sign // by phrase, see phrase
	common  map[string]bool
	longest int // words of a phrase
}

var decisions = sync.OnceValue(func() *decisionTable {
	t := &decisionTable{signs: map[string][]sign{}, common: map[string]bool{}}
	files, err := choiceTexts.ReadDir("choices")
	for _, f := range files {
		var text []byte
		if text, err = choiceTexts.ReadFile("choices/" + f.Name()); err == nil {
			err = t.parse(string(text))
		}
		if err != nil {
			break
		}
	}
	if err != nil { // the table is our own
		panic(err)
	}
	return t
})

func (t *decisionTable) parse(text string) error {
	var d *decision
	var o *choiceOption
	for n, line := range strings.Split(text, "\n") {
		key, rest, _ := strings.Cut(line, ": ")
		mark, body, _ := strings.Cut(line, " ")
		cols := strings.Split(body, " | ")
		switch {
		case line == "" || mark == "#":
		case key == "common":
			for _, p := range phrases(rest) {
				t.common[p] = true
			}
		case mark == "=" && len(cols) == 2:
			d, o = &decision{id: cols[0], subject: cols[1]}, nil
			t.all = append(t.all, d)
		case d != nil && (key == "words" || key == "hints"):
			weight := map[string]int{"words": decisive, "hints": hinting}[key]
			for _, p := range phrases(rest) {
				t.point(p, sign{d, nil, weight + strings.Count(p, " ")})
			}
		case d != nil && key == "depends":
			d.depends = rest
		case d != nil && mark == "-" && len(cols) == 4:
			o = &choiceOption{of: d, Option: form.Option{ID: cols[0], Title: cols[1], Difficulty: cols[2], EstimatedTime: cols[3]}}
			d.options = append(d.options, o)
		case o != nil && key == "names":
			for _, p := range phrases(rest) {
				t.point(p, sign{d, o, decisive})
			}
		case o != nil && mark == "+":
			o.Pros = append(o.Pros, body)
		case o != nil && mark == "!":
			o.Cons = append(o.Cons, body)
		case o != nil && key == "later":
			o.later = rest
		case o != nil && key == "right":
			o.right = rest
		case o != nil && key == "learn":
			o.Educational = rest
		case d != nil && mark == ">":
			if err := d.rule(body); err != nil {
				return fmt.Errorf("line %d: %w", n+1, err)
			}
		case o != nil && o.Description == "":
			o.Description = line
		default:
			return fmt.Errorf("line %d: %q is no line of a decision", n+1, line)
		}
	}
	return nil
}

func (d *decision) rule(line string) error {
	traits, then, ok := strings.Cut(line, "-> ")
	option, reason, ok2 := strings.Cut(then, ": ")
	if !ok || !ok2 || d.option(option) == nil {
		return fmt.Errorf("%q is no rule: traits -> option: reason", line)
	}
	d.rules = append(d.rules, choiceRule{strings.Fields(traits), option, reason})
	return nil
}

func (d *decision) option(id string) *choiceOption {
	if i := slices.IndexFunc(d.options, func(o *choiceOption) bool { return o.ID == id }); i >= 0 {
		return d.options[i]
	}
	return nil
}

func (t *decisionTable) point(p string, s sign) {
	t.longest = max(t.longest, 1+strings.Count(p, " "))
	for _, form := range []string{p, p + "s"} {
		if form == p || !strings.HasSuffix(p, "s") {
			t.signs[form] = append(t.signs[form], s)
		}
	}
}

// phrase is a text as it is compared: words in lower case, with a blank between them and no other signs.
func phrase(text string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) }), " ")
}

func phrases(list string) (out []string) {
	for p := range strings.SplitSeq(list, ";") {
		if p = phrase(p); p != "" && !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out
}

// read calls yield with each phrase of the table that a text holds, the longest where they overlap.
func (t *decisionTable) read(text string, yield func(phrase string, signs []sign)) {
	words := strings.Fields(phrase(text))
	for i := 0; i < len(words); {
		step := 1
		for n := min(t.longest, len(words)-i); n > 0; n-- {
			p := strings.Join(words[i:i+n], " ")
			if found := t.signs[p]; found != nil {
				yield(p, found)
				step = n
				break
			}
		}
		i += step
	}
}

// asking is what a question was found to be about.
type asking struct {
	decision *decision       // nil: none of the table
	options  []*choiceOption // of any decision, that it names
	ways     []string        // that it sets against each other, in its own words
	known    [][]*choiceOption
}

// ask finds out which decision a question is about.
func (t *decisionTable) ask(question string) asking {
	var a asking
	points := map[*decision]int{}
	seen := map[any]bool{}
	count := func(key any, d *decision, weight int) {
		if !seen[key] {
			seen[key] = true
			points[d] += weight
		}
	}
	t.read(question, func(p string, signs []sign) {
		for _, s := range signs {
			switch {
			case s.option == nil:
				count(p+" "+s.decision.id, s.decision, s.weight)
			case t.common[p]:
				count(p+" "+s.decision.id, s.decision, hinting)
			default:
				a.name(s.option)
				count(s.option, s.decision, s.weight)
			}
		}
	})
	if one, other := named(question); one != "" {
		for _, way := range []string{one, other} {
			known := t.meant(way)
			if len(known) == 0 && (len(strings.Fields(way)) > 4 || isFiller(way)) {
				continue
			}
			a.ways, a.known = append(a.ways, way), append(a.known, known)
			for _, o := range known {
				a.name(o)
				count(o, o.of, decisive)
			}
		}
	}
	best := 0
	for _, d := range t.all {
		if points[d] > best {
			a.decision, best = d, points[d]
		}
	}
	if best < decisive {
		a.decision = nil
	}
	return a
}

func (a *asking) name(o *choiceOption) {
	if !slices.Contains(a.options, o) {
		a.options = append(a.options, o)
	}
}

// meant are the options that a way by itself stands for.
func (t *decisionTable) meant(way string) (out []*choiceOption) {
	whole := phrase(trimArticle(way))
	t.read(whole, func(p string, signs []sign) {
		for _, s := range signs {
			if s.option != nil && (!t.common[p] || strings.Count(whole, " ") < 2+strings.Count(p, " ")) && !slices.Contains(out, s.option) {
				out = append(out, s.option)
			}
		}
	})
	return out
}

// isFiller reports whether a way only says that there may be others.
func isFiller(way string) bool {
	return fillers.MatchString(way)
}

var fillers = regexp.MustCompile(`(?i)\b(?:something|anything|else|other|others|another|not|nothing|etwas|anderes|nicht)\b`)

// alternatives finds the ways that a decision names itself: "X or Y", "X vs. Y", "between X and Y".
var alternatives = []*regexp.Regexp{
	regexp.MustCompile(`(?i)\b(?:between|zwischen)\s+(.{2,60}?)\s+(?:and|und)\s+(.{2,60}?)(?:[?.!,;:]|\s+(?:for|to|in|für|zu)\b|$)`),
	regexp.MustCompile(`(?i)(?:^|[?.!,;:]\s*|\b(?:use|take|choose|pick|do|prefer|with|should\s+\w+|whether\s+to)\s+)([^?!,;:]{2,80}?)\s+(?:or|vs\.?|versus|oder)\s+(.{2,60}?)(?:\.?$|[?!,;:]|\.\s|\s+(?:for|to|in|when|because|if|für|zu|wenn)\b)`),
}

// leadIn is what stands before the first of two ways, and is none of it; leadOut what stands after the second in German.
var (
	leadIn = regexp.MustCompile(`(?i)^.*\b(?:should|shall|can|could|do|must)\s+(?:i|we|one|it|the app)\s+(?:\w+\s+){0,3}?(?:in|with|use|take|by|as|on|to|go with|choose|pick)\s+|` +
		`^.*\bwhether\s+to\s+(?:use\s+)?|^.*\b(?:soll|sollen|sollte|sollten|kann|nehme|nehmen)\s+(?:ich|wir|man)\s+|^.*\b(?:better|best|besser)\s*:?\s+`)
	leadOut = regexp.MustCompile(`(?i)\s+(?:nehmen|verwenden|benutzen|nutzen|einsetzen|wählen|speichern|bauen)$`)
)

// named are the two ways that a decision names, "" where it names none.
func named(asked string) (one, other string) {
	for _, re := range alternatives {
		if m := re.FindStringSubmatch(asked); m != nil {
			return strings.TrimSpace(leadIn.ReplaceAllString(m[1], "")), strings.TrimSpace(leadOut.ReplaceAllString(m[2], ""))
		}
	}
	return "", ""
}

// choice lays out what a learner has to decide: by the table of usual decisions, else by what holds for any.
func (c *conversation) choice() form.Choice {
	asked := cleanLine(c.sections[form.SectionQuestion])
	about := c.traits()
	a := decisions().ask(asked)
	if across := a.across(); across != nil {
		return about.combine(asked, across)
	}
	if a.decision == nil {
		return about.general(asked, a.ways)
	}
	return about.weigh(asked, a)
}

// across are the two options that a question sets against each other though they belong to different decisions; nil otherwise.
func (a *asking) across() []*choiceOption {
	if len(a.known) != 2 || len(a.known[0]) == 0 || len(a.known[1]) == 0 {
		return nil
	}
	for _, one := range a.known[0] {
		if slices.ContainsFunc(a.known[1], func(o *choiceOption) bool { return o.of == one.of }) {
			return nil
		}
	}
	return []*choiceOption{a.known[0][0], a.known[1][0]}
}

// recommend chooses among options of a decision, of which all are in question if there are none.
func (b traits) recommend(d *decision, among []*choiceOption) (*choiceOption, string) {
	for _, r := range d.rules {
		o := d.option(r.option)
		holds := !slices.ContainsFunc(r.traits, func(t string) bool { return b.has[strings.TrimPrefix(t, "!")] == strings.HasPrefix(t, "!") })
		if holds && (len(among) == 0 || slices.Contains(among, o)) {
			return o, strings.ReplaceAll(r.reason, "{app}", b.app)
		}
	}
	if len(among) == 1 {
		return among[0], "both ways that you named are of this kind."
	}
	return among[0], fmt.Sprintf("nothing that is known of %s decides between them, and it is the one to take if %s.", b.app, among[0].right)
}

// shown is an option as the learner sees it.
func (o *choiceOption) shown() form.Option {
	out := o.Option
	out.Pros, out.Cons = slices.Clone(o.Pros), slices.Clone(o.Cons)
	if o.later != "" && !strings.HasPrefix(o.later, "None") {
		out.Cons = append(out.Cons, "Later: "+o.later)
	}
	return out
}

const fromTable = "I am the offline model: I answer from a table of usual decisions and have not read your code."

// weigh lays out a decision of the table.
func (b traits) weigh(asked string, a asking) form.Choice {
	d := a.decision
	var among []*choiceOption
	for _, o := range d.options {
		if slices.Contains(a.options, o) {
			among = append(among, o)
		}
	}
	same := a.ofOneKind()
	switch {
	case same != nil:
		among = []*choiceOption{same}
	case len(among) < 2:
		among = nil
	}
	best, reason := b.recommend(d, among)
	order := append(append([]*choiceOption{best}, among...), d.options...)
	out := form.Choice{Context: fmt.Sprintf("You have to decide: “%s” The question is: %s. It depends on %s. %s", shorten(asked, 300), lowerFirst(d.subject), d.depends, b.facts())}
	var instead []string
	for i, o := range order {
		if slices.Contains(order[:i], o) {
			continue
		}
		out.Options = append(out.Options, o.shown())
		if o != best {
			instead = append(instead, fmt.Sprintf("“%s” would be better if %s", o.Title, o.right))
		}
	}
	out.Recommendation = fmt.Sprintf("Take “%s”: %s %s.", best.Title, reason, strings.Join(instead, "; "))
	for i, way := range a.ways {
		if len(a.known[i]) == 0 && len(out.Options) < 5 {
			out.Options = append(out.Options, unknownOption(way))
			out.Context += fmt.Sprintf(" Of “%s” my table says nothing.", way)
		}
	}
	if same != nil {
		out.Context += fmt.Sprintf(" “%s” and “%s” are of one kind here, “%s”: between them the table does not choose, and a first example in each takes an hour.", a.ways[0], a.ways[1], same.Title)
	}
	out.Context += " " + fromTable
	return out
}

// ofOneKind is the option of the decision that both ways of a question stand for; nil where they differ.
func (a *asking) ofOneKind() *choiceOption {
	if len(a.known) == 2 {
		for _, o := range a.known[0] {
			if o.of == a.decision && slices.Contains(a.known[1], o) {
				return o
			}
		}
	}
	return nil
}

// combine answers for two ways that do not exclude each other.
func (b traits) combine(asked string, two []*choiceOption) form.Choice {
	out := form.Choice{Context: fmt.Sprintf("You have to decide: “%s” These answer two different questions. “%s” is about this: %s. It depends on %s. “%s” is about this: %s. It depends on %s. %s %s", shorten(asked, 300),
		two[0].Title, lowerFirst(two[0].of.subject), two[0].of.depends, two[1].Title, lowerFirst(two[1].of.subject), two[1].of.depends, b.facts(), fromTable)}
	says := []string{"Decide them one after the other, since taking one does not rule out the other."}
	var order []*choiceOption
	for _, o := range two {
		best, reason := b.recommend(o.of, nil)
		says = append(says, fmt.Sprintf("As to %s: take “%s”, since %s", lowerFirst(o.of.subject), best.Title, reason))
		order = append(order, best)
	}
	for i, o := range append(order, two...) {
		if !slices.Contains(append(order, two...)[:i], o) {
			out.Options = append(out.Options, o.shown())
		}
	}
	for _, o := range two {
		if !slices.Contains(order, o) {
			says = append(says, fmt.Sprintf("“%s” would be better if %s.", o.Title, o.right))
		}
	}
	out.Recommendation = strings.Join(says, " ")
	return out
}

func unknownOption(way string) form.Option {
	return form.Option{ID: slug(way, "option"), Title: capital(way), Description: fmt.Sprintf("You named %s yourself, and I know nothing of it in particular. Ask of it what the other options answer: who keeps it up, what it costs later, and how you would leave it.", way),
		Pros: []string{"Something made you think of it: write down what."}, Cons: []string{"What you do not know about it yet shows only in use."},
		Difficulty: "intermediate", EstimatedTime: "2-4 hours", Educational: fmt.Sprintf("What %s does for you, and what it asks of you.", way)}
}

// general is for decisions that the table does not have.
func (b traits) general(asked string, ways []string) form.Choice {
	out := form.Choice{Context: fmt.Sprintf("You have to decide: “%s” I am the offline model and know nothing of this subject in particular, so what follows is how such decisions are made well, for %s.", shorten(asked, 300), b.app)}
	if len(ways) == 2 && slug(ways[0], "") != slug(ways[1], "") {
		for _, way := range ways {
			out.Options = append(out.Options, form.Option{ID: slug(way, "option"), Title: capital(way),
				Description: fmt.Sprintf("Take %s, and write down in one sentence what made the difference.", way),
				Pros:        []string{"It was named first by yourself, so you already know something about it.", "A decision that is made lets you go on."},
				Cons:        []string{"What you do not know about it yet shows only in use.", "Changing it later costs as much as depends on it by then."},
				Difficulty:  "intermediate", EstimatedTime: "2-4 hours", Educational: fmt.Sprintf("What %s does for you, and what it asks of you.", way)})
		}
		out.Options[1].Pros[0] = "It stands for what the other one does not give you: name that, and you know its value."
	} else {
		out.Options = []form.Option{
			{ID: "smallest-thing", Title: "The smallest thing that works", Description: "Write the least that solves today's case, by hand, in one file.",
				Pros: []string{"You understand every line of it.", "It is done today, and shows what is really needed."}, Cons: []string{"What comes tomorrow may not fit.", "Cases that others met long ago you meet yourself."},
				Difficulty: "beginner", EstimatedTime: "1-2 hours", Educational: "Which part of the problem is hard: you meet it without anything in between."},
			{ID: "established-way", Title: "What most others take", Description: "Look for the solution that is used most for this, and follow its own guide for the first example.",
				Pros: []string{"Its faults are known, and answered somewhere.", "What you learn is of use in other projects."}, Cons: []string{"It brings more than you need, which has to be understood too.", "It changes when its makers want, not when you do."},
				Difficulty: "intermediate", EstimatedTime: "2-4 hours", Educational: "Reading documentation, and telling what a tool does from what you do."},
		}
	}
	out.Options = append(out.Options, form.Option{ID: "try-both-small", Title: "Try it small first", Description: "Take an hour for each of the ways, with one real example of this project, and throw the losers away.",
		Pros: []string{"You decide by what you saw, not by what you read.", "Cheap: an hour now against days later."}, Cons: []string{"Nothing of it may be kept.", "A small example hides what only size shows."},
		Difficulty: "intermediate", EstimatedTime: "2-3 hours", Educational: "How to ask a question of code, and to know beforehand which answer would change your mind."})
	out.Recommendation = fmt.Sprintf("If both ways would be easy to leave again, take “%s” and go on. If leaving would be dear, take “%s” first: what is hard to undo deserves an hour of doubt.",
		out.Options[0].Title, out.Options[len(out.Options)-1].Title)
	return out
}

// lowerFirst lets a title go on in a sentence.
func lowerFirst(s string) string {
	word, _, _ := strings.Cut(s, " ")
	if strings.ToUpper(word) == word && len(word) > 1 || strings.HasPrefix(s, "TypeScript") {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}

// traits are what is known of an app that decisions depend on.
type traits struct {
	app      string
	features int
	has      map[string]bool
}

// traitForm tells a trait by words, in the stack of an app or in what is said of what it does.
type traitForm struct {
	name  string
	stack *regexp.Regexp
	said  *regexp.Regexp
	fact  string // as it goes on after "the app"; "": is not told
}

var traitForms = []traitForm{
	{"react", regexp.MustCompile(`(?i)\breact(?:\.?js)?\b|\bnext\.?js\b`), nil, "is made with React"},
	{"next", regexp.MustCompile(`(?i)\bnext\.?js\b`), nil, ""},
	{"vue", regexp.MustCompile(`(?i)\b(?:vue(?:\.?js)?|nuxt)\b`), nil, "is made with Vue"},
	{"svelte", regexp.MustCompile(`(?i)\bsvelte(?:kit)?\b`), nil, "is made with Svelte"},
	{"angular", regexp.MustCompile(`(?i)\bangular\b`), nil, "is made with Angular"},
	{"typescript", regexp.MustCompile(`(?i)\btypescript\b`), nil, "is written in TypeScript"},
	{"tailwind", regexp.MustCompile(`(?i)\btailwind\b`), nil, "uses Tailwind"},
	{"python", regexp.MustCompile(`(?i)\b(?:python|django|flask|fastapi)\b`), nil, "has a server in Python"},
	{"node", regexp.MustCompile(`(?i)\b(?:node(?:\.?js)?|express|fastify|nestjs|hono)\b`), nil, "has a server in Node"},
	{"postgres", regexp.MustCompile(`(?i)\bpostgres\w*\b`), nil, "keeps its data in PostgreSQL"},
	{"sqlite", regexp.MustCompile(`(?i)\bsqlite\b`), nil, "keeps its data in SQLite"},
	{"mongodb", regexp.MustCompile(`(?i)\bmongo\w*\b`), nil, "keeps its data in MongoDB"},
	{"supabase", regexp.MustCompile(`(?i)\bsupabase\b`), nil, "uses Supabase"},
	{"firebase", regexp.MustCompile(`(?i)\bfirebase\b`), nil, "uses Firebase"},
	{"server", regexp.MustCompile(`(?i)\b(?:mysql|mariadb|rails|laravel|php|golang|graphql|backend|redis)\b`), regexp.MustCompile(`(?i)\b(?:own server|backend|rest api|web service)\b`), ""},
	{"accounts", nil, regexp.MustCompile(`(?i)\b(?:log ?in|log in|sign ?(?:in|up)|accounts?|user registration|authenticat\w+|passwords?|anmeld\w+|benutzerkont\w+)\b`), "has accounts"},
	{"shared", nil, regexp.MustCompile(`(?i)\b(?:shared? (?:with|between|among|by)|collaborat\w+|multi-?user|several (?:people|users)|invit(?:e|es|ing) (?:others|friends|people|colleagues|members)|each other|with (?:friends|colleagues|my team|others)|team members can|marketplace|social network|community|gemeinsam)\b`), "is used by several people together"},
	{"realtime", nil, regexp.MustCompile(`(?i)\b(?:chat|real-?time|live (?:updates?|scores?|chat|view)|multiplayer|instant messag\w+|whiteboard|echtzeit)\b`), "has news while a page is open"},
	{"public", nil, regexp.MustCompile(`(?i)\b(?:blog|landing page|seo|search engines?|portfolio|marketing site|online shop|web ?shop|e-?commerce|marketplace|news site|public (?:site|website|pages?))\b`), "is read by strangers"},
	{"payments", nil, regexp.MustCompile(`(?i)\b(?:checkout|stripe|paypal|pay online|online payments?|accepts? payments?|credit cards?|online shop|web ?shop|e-?commerce)\b`), "takes money"},
	{"money", nil, regexp.MustCompile(`(?i)\b(?:invoices?|expenses?|budgets?|prices?|amounts?|revenue|salar(?:y|ies)|bookkeeping|accounting|rechnung\w*|ausgaben)\b`), "is about amounts of money"},
	{"files", nil, regexp.MustCompile(`(?i)\b(?:upload\w*|photos?|pictures?|images?|attachments?|documents?|videos?|fotos?|bilder)\b`), "keeps pictures or files"},
	{"mobile", nil, regexp.MustCompile(`(?i)\b(?:on (?:the|my|their) phones?|smartphones?|mobile app|on the go|gps|handy)\b`), "is used on phones"},
	{"offline", nil, regexp.MustCompile(`(?i)\b(?:works? offline|offline use|without (?:a |an )?(?:network|internet|connection)|ohne internet)\b`), "must work without a network"},
	{"charts", nil, regexp.MustCompile(`(?i)\b(?:charts?|statistics|graphs?|analytics|trends?|progress over time|diagramm\w*|statistik\w*)\b`), "shows numbers over time"},
	{"board", nil, regexp.MustCompile(`(?i)\b(?:kanban|board|columns|pipeline|stages?)\b`), "moves entries through states"},
	{"sensitive", nil, regexp.MustCompile(`(?i)\b(?:patients?|medical|health|therap\w+|clinic|diagnos\w+|medications?|salar(?:y|ies)|legal cases?|patienten)\b`), "holds data that is nobody else's business"},
}

var (
	onlyBrowser = regexp.MustCompile(`(?i)\b(?:localstorage|local storage|indexeddb|browser alone|(?:kept|stays|stored|only) in the browser|browser only)\b`)
	negated     = regexp.MustCompile(`(?i)\b(?:no|not|without|never|nor|kein\w*|ohne|nicht)\b[^.;:!?]{0,24}$`)
)

// says reports whether a text says what a form finds, without a "no" before it.
func says(form *regexp.Regexp, text string) bool {
	if form == nil {
		return false
	}
	for _, at := range form.FindAllStringIndex(text, 50) {
		if !negated.MatchString(text[max(0, at[0]-40):at[0]]) {
			return true
		}
	}
	return false
}

// traits reads out of the project and its specifications what decisions depend on.
func (c *conversation) traits() traits {
	project, req := section[form.ProjectSection](c, form.SectionProject), section[form.Requirements](c, form.SectionRequirements)
	b := traits{app: cmp.Or(cleanLine(req.AppName), cleanLine(project.Title), "this project"), features: len(req.Features), has: map[string]bool{}}
	stack := strings.Join(append(slices.Clone(project.TechStack), req.Stack...), ", ")
	said := []string{project.Title, project.Description, c.wish(), req.ElevatorPitch}
	for _, f := range req.Features {
		said = append(said, f.Name+" "+f.Description)
		said = append(said, f.UserStories...)
	}
	does := strings.Join(said, ".\n")
	for _, t := range traitForms {
		b.has[t.name] = says(t.stack, stack) || says(t.stack, project.Description) || says(t.said, does)
	}
	apart := b.has["accounts"] || b.has["shared"] || b.has["realtime"]
	for _, t := range []string{"python", "node", "postgres", "sqlite", "mongodb", "supabase", "firebase"} {
		b.has["server"] = b.has["server"] || b.has[t]
	}
	b.has["local"] = !b.has["server"] && !apart && says(onlyBrowser, stack+".\n"+does+".\n"+strings.Join(req.Constraints, ".\n"))
	b.has["server"] = b.has["server"] || apart
	b.has["plain"] = stack != "" && !b.has["react"] && !b.has["vue"] && !b.has["svelte"] && !b.has["angular"]
	b.has["small"] = b.features > 0 && b.features <= 4
	b.has["large"] = b.features >= 8
	return b
}

// facts says what is known of the app.
func (b traits) facts() string {
	var known []string
	for _, t := range traitForms {
		if t.fact != "" && b.has[t.name] {
			known = append(known, t.fact)
		}
	}
	if b.has["local"] {
		known = append(known, "keeps its data in the browser")
	}
	switch b.features {
	case 0:
	case 1:
		known = append(known, "has one feature")
	default:
		known = append(known, fmt.Sprintf("has %d features", b.features))
	}
	if len(known) == 0 {
		return fmt.Sprintf("Of %s nothing is written down yet that decides it, so the recommendation is what suits most small apps.", b.app)
	}
	return fmt.Sprintf("What is known of %s: it %s.", b.app, joinAnd(known))
}
