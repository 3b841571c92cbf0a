package offline

import (
	"cmp"
	"path"
	"regexp"
	"slices"
	"strings"
)

// place is one page of an app, as the navigation names it.
type place struct {
	Key, Title, Icon string
	Start            bool  // the page that opens first
	Kind             *kind // whose entries it shows, or
	Part             *part // what it does; neither: the overview
}

// Href is the page's address in an app without packages, beside its other pages.
func (p place) Href() string {
	if p.Start {
		return "./index.html"
	}
	return "./" + p.Key + ".html"
}

// Places are the pages of the app, the start first: what the idea is about, where that has a page, else the overview.
func (a *app) Places() []place {
	var parts, kinds []place
	for i := range a.Parts {
		if p := &a.Parts[i]; p.paged() {
			parts = append(parts, place{Key: p.Key, Title: p.Title, Icon: p.icon(), Part: p})
		}
	}
	for i := range a.Kinds {
		k := &a.Kinds[i]
		kinds = append(kinds, place{Key: k.Key, Title: k.Heading(), Icon: k.Icon(), Kind: k})
	}
	first := part{Kind: trackerPart}
	if len(a.Parts) > 0 {
		first = a.Parts[0]
	}
	var out []place
	switch shown := slices.IndexFunc(kinds, func(p place) bool { return p.Key == first.Shows }); {
	case first.paged():
		out = append(parts, kinds...)
	case shown >= 0:
		start := kinds[shown]
		out = append(append([]place{start}, slices.Delete(kinds, shown, shown+1)...), parts...)
	case len(kinds) == 0:
		out = parts
	default:
		out = append(append([]place{{Title: a.T("Overview"), Icon: "overview"}}, kinds...), parts...)
	}
	out[0].Start = true
	return out
}

// HasOverview reports whether the app starts with its overview.
func (a *app) HasOverview() bool {
	start := a.Places()[0]
	return start.Kind == nil && start.Part == nil
}

// paged reports whether the part has a page of its own. Records and boards are what pages of kinds are.
func (p part) paged() bool { return p.Kind != trackerPart && p.Kind != boardPart }

// PageName is the component of the part's page in an app with React.
func (p part) PageName() string { return capital(camel(p.Key)) + "PartPage" }

func (p part) icon() string {
	switch p.Kind {
	case calendarPart:
		return "calendar"
	case heatmapPart:
		return "grid"
	case timerPart:
		return "clock"
	case calculatorPart:
		return "calculator"
	case converterPart:
		return "swap"
	case quizPart:
		return "question"
	case flashcardsPart:
		return "cards"
	case toolPart:
		return cmp.Or(toolIcons[p.Of], "tools")
	}
	return "game"
}

var toolIcons = map[string]string{
	"metronome": "music", "chess-clock": "clock", "world-clock": "clock", "wheel": "star", "lots": "gift", "shared-costs": "coin", "invoice": "folder", "scores": "target", "teams": "people",
	"poll": "chart", "text-counter": "note", "numerals": "calculator", "random-number": "question", "morse": "bell",
}

// imported is what a page's script takes of another file.
type imported struct{ Names, From string }

// partPage is what the templates of a part's page are given.
type partPage struct {
	App     *app
	Part    part
	Heading string
	Intro   string
	Imports []imported
	Call    string // makes the part
}

// partPage works out how a page makes its part.
func (a *app) partPage(p part) partPage {
	out := partPage{App: a, Part: p, Heading: p.Title, Intro: a.partIntro(p)}
	if start := a.Places()[0]; start.Part != nil && start.Key == p.Key {
		out.Heading = a.Name
	}
	var model []string
	use := func(k *kind) string {
		if !slices.Contains(model, k.Var()) {
			model = append(model, k.Var())
		}
		return k.Var()
	}
	from := "parts/" + string(p.Kind)
	name, key := string(p.Kind), script(p.Key)
	shown := a.kind(p.Shows)
	switch p.Kind {
	case timerPart:
		switch {
		case p.Of == "stopwatch":
			name, from, out.Call = "stopwatch", "parts/stopwatch", "stopwatch("+key+")"
		case p.Of == "countdown" && p.Topic == datesTopic:
			name, from, out.Call = "dates", "parts/dates", "dates("+key+", "+script(a.awaited())+")"
		default:
			out.Call = "timer({ key: " + key + ", mode: " + script(p.Of)
			if shown != nil {
				out.Call += ", tasks: " + use(shown)
			}
			out.Call += " })"
		}
	case calculatorPart:
		if p.Of == "arithmetic" {
			name, from, out.Call = "arithmetic", "parts/arithmetic", "arithmetic("+key+")"
			break
		}
		out.Call = "calculator(" + key + ", " + camel(p.Of) + ")"
		out.Imports = append(out.Imports, imported{camel(p.Of), "parts/formulas/" + p.Of})
	case converterPart:
		if p.Of == "units" {
			out.Call = "converter(" + key + `, "length")`
		} else {
			out.Call = "converter(" + key + ", " + script(p.Of) + ", false"
			if from, to, ok := strings.Cut(p.Topic, " "); ok {
				out.Call += ", " + script(from) + ", " + script(to)
			}
			out.Call += ")"
		}
	case quizPart:
		out.Call = "quiz({ key: " + key + ", questions: " + use(shown) + ", page: " + script(a.hrefOf(shown)) + " })"
	case flashcardsPart:
		out.Call = "flashcards({ key: " + key + ", cards: " + use(shown) + ", page: " + script(a.hrefOf(shown)) + " })"
	case calendarPart:
		var shows []string
		for i := range a.Kinds {
			if k := &a.Kinds[i]; k.hasDate() && (k == shown || !a.isTick(k)) {
				shows = append(shows, "{ kind: "+use(k)+", page: "+script(a.hrefOf(k))+", add: "+script(a.addHref(k, true))+" }")
			}
		}
		out.Call = "calendar({ key: " + key + ", shows: [" + strings.Join(shows, ", ") + "] })"
	case heatmapPart:
		out.Call = "heatmap({ key: " + key + ", shows: " + use(shown) + ", page: " + script(a.hrefOf(shown)) + ", add: " + script(a.addHref(shown, true))
		if f := shown.ofType("relation"); f != nil && a.isTick(shown) {
			to := a.kind(f.To)
			out.Call += ", ticked: { kind: " + use(to) + ", relation: " + script(f.Key) + ", add: " + script(a.addHref(to, false)) + " }"
		}
		out.Call += " })"
	case gamePart:
		name = games[p.Of]
		from, out.Call = "parts/games/"+p.Of, name+"("+key+")"
	case toolPart:
		name = tools[p.Of]
		from, out.Call = "parts/tools/"+p.Of, name+"("+key+")"
	}
	out.Imports = append(out.Imports, imported{name, from})
	if len(model) > 0 {
		out.Imports = append(out.Imports, imported{strings.Join(model, ", "), "model"})
	}
	if !a.React {
		out.Imports = append(out.Imports, imported{"mountPart", "lib/mount"})
	}
	slices.SortFunc(out.Imports, func(a, b imported) int { return strings.Compare(a.From, b.From) })
	return out
}

var countdownWords = regexp.MustCompile(`(?i)\b(?:count ?down|days?|timer|clock|until|till|left|to)\b`)

// awaited is what a countdown's name says that it counts down to, "" for nothing in particular.
func (a *app) awaited() string {
	if a.Language != "en" {
		return ""
	}
	return strings.Join(strings.Fields(countdownWords.ReplaceAllString(a.Name, " ")), " ")
}

// hrefOf is where the page of a kind is.
func (a *app) hrefOf(k *kind) string {
	if a.React {
		return "#/" + k.Key
	}
	i := slices.IndexFunc(a.Places(), func(p place) bool { return p.Key == k.Key })
	return a.Places()[i].Href()
}

// addHref is where an entry of a kind is added; the day may follow.
func (a *app) addHref(k *kind, day bool) string {
	href, end := a.hrefOf(k)+"#new", "="
	if a.React {
		href, end = a.hrefOf(k)+"/new", "/"
	}
	if !day {
		end = ""
	}
	return href + end
}

func (k *kind) hasDate() bool { return k.ofType("date") != nil }

// isTick reports whether an entry of the kind says little more than that something was done on a day.
func (a *app) isTick(k *kind) bool {
	f := k.ofType("relation")
	return f != nil && a.kind(f.To) != nil && k.hasDate() && !slices.ContainsFunc(k.Fields, func(g field) bool {
		return g.Required && g.Type != "date" && g.Type != "relation"
	})
}

// datesTopic is the topic of a countdown that counts days until dates.
const datesTopic = "dates"

// games are the functions that make games, by the names that ideas have for them.
var games = map[string]string{
	"tic-tac-toe": "ticTacToe", "connect-four": "connectFour", "snake": "snake", "2048": "tiles2048", "minesweeper": "minesweeper", "memory": "memory",
	"sliding-puzzle": "slidingPuzzle", "sudoku": "sudoku", "lights-out": "lightsOut", "life": "life", "higher-lower": "higherLower", "blackjack": "blackjack",
	"hangman": "hangman", "wordle": "wordle", "number-guess": "numberGuess", "rock-paper": "rockPaper", "dice": "dice", "reaction": "reaction",
	"coin": "coin", "simon": "simon", "typing": "typing",
}

// tools are the functions that make tools, by the names that ideas have for them.
var tools = map[string]string{
	"metronome": "metronome", "chess-clock": "chessClock", "wheel": "wheel", "lots": "lots", "morse": "morse", "shared-costs": "sharedCosts", "invoice": "invoice",
	"scores": "scores", "poll": "poll", "password": "password", "text-counter": "textCounter", "numerals": "numerals", "colours": "colours",
	"world-clock": "worldClock", "teams": "teams", "random-number": "randomNumber",
}

// nearestGame is what is built for games that this model cannot build.
var nearestGame = map[string]string{"breakout": "snake", "pong": "snake", "tetris": "2048", "chess": "connect-four", "checkers": "connect-four", "solitaire": "higher-lower",
	"word-search": "hangman", "battleship": "minesweeper", "arcade": "snake", "match-three": "2048", "mastermind": "number-guess", "jigsaw": "sliding-puzzle", "poker": "blackjack", "bingo": "dice", "mahjong": "memory", "board-game": "memory"}

// completeParts makes parts fit each other and the kinds: names that are free, records that are there.
func (a *app) completeParts() {
	used := map[string]bool{}
	for i := range a.Parts {
		p := &a.Parts[i]
		a.completePart(p)
		if p.paged() {
			p.Title = cmp.Or(shorten(cleanLine(p.Title), 40), a.partTitle(*p))
		}
	}
	for _, k := range a.Kinds {
		used[k.Key] = true
	}
	for i := range a.Parts {
		if p := &a.Parts[i]; p.paged() {
			p.Key = freeName(cmp.Or(p.Key, slug(cmp.Or(p.Of, string(p.Kind)), "part")), reservedPages, used)
		}
	}
}

func (a *app) completePart(p *part) {
	if _, ok := games[p.Of]; p.Kind == gamePart && !ok {
		p.Of = cmp.Or(nearestGame[p.Of], "memory")
	}
	switch p.Kind {
	case quizPart:
		p.Shows = a.needKind(p.Shows, "question", func(k *kind) bool { return k.has("question") && k.has("answer") })
	case flashcardsPart:
		p.Shows = a.needKind(p.Shows, "flashcard", func(k *kind) bool { return k.has("front") && k.has("back") })
	case calendarPart:
		p.Shows = a.needKind(p.Shows, "event", (*kind).hasDate)
	case heatmapPart:
		if i := slices.IndexFunc(a.Kinds, func(k kind) bool { return a.isTick(&k) }); i >= 0 && a.kind(p.Shows) == nil {
			p.Shows = a.Kinds[i].Key
		}
		p.Shows = a.needKind(p.Shows, "check-in", (*kind).hasDate)
	case boardPart:
		if i := slices.IndexFunc(a.Kinds, func(k kind) bool { return k.View == "board" }); i >= 0 && a.kind(p.Shows) == nil {
			p.Shows = a.Kinds[i].Key
		}
		p.Shows = a.needKind(p.Shows, "task", func(k *kind) bool { return k.ofType("choice") != nil })
		a.kind(p.Shows).View = "board"
	case timerPart:
		if p.Of != "pomodoro" {
			break
		}
		if k := a.kind(p.Shows); k == nil && len(a.Kinds) > 0 {
			p.Shows = a.Kinds[0].Key
		}
	}
}

// has reports whether the kind has a field of this key.
func (k *kind) has(key string) bool {
	return slices.ContainsFunc(k.Fields, func(f field) bool { return f.Key == key || f.Key == "" && camel(f.Label) == key })
}

// needKind returns the key of the kind that is shown: the named one, else the first that suits, else one of the lexicon, which is added.
func (a *app) needKind(key, singular string, suits func(*kind) bool) string {
	if k := a.kind(key); k != nil && suits(k) {
		return key
	}
	for i := range a.Kinds {
		if suits(&a.Kinds[i]) {
			return a.Kinds[i].Key
		}
	}
	if len(a.Kinds) == maxKinds {
		a.Kinds = a.Kinds[:maxKinds-1]
	}
	return a.addLike(singular, "", "").Key
}

// partTitle is what a part's page is called.
func (a *app) partTitle(p part) string {
	return a.T(partTitles[cmp.Or(p.Of, string(p.Kind))])
}

var partTitles = map[string]string{
	"calendar": "Calendar", "heatmap": "Heat map", "quiz": "Quiz", "flashcards": "Practise",
	"pomodoro": "Pomodoro timer", "countdown": "Countdown", "stopwatch": "Stopwatch", "interval": "Interval timer", "tea": "Tea timer",
	"mortgage": "Mortgage calculator", "loan": "Loan calculator", "tip": "Tip calculator", "bmi": "Body mass index", "compound-interest": "Compound interest",
	"percentage": "Percentages", "discount": "Discounts", "vat": "Sales tax", "age": "Age", "fuel": "Fuel costs", "salary": "Salary", "calories": "Calories", "pace": "Pace",
	"grade": "Grades", "margin": "Margins", "paint": "Paint and tiles", "recipe-scale": "Recipe scaler", "arithmetic": "Calculator",
	"units": "Unit converter", "temperature": "Temperature", "length": "Length", "mass": "Weight", "volume": "Volume", "speed": "Speed", "area": "Area", "data": "Data",
	"time": "Time", "pressure": "Pressure", "energy": "Energy", "cooking": "Cooking measures", "currency": "Currencies",
	"tic-tac-toe": "Tic tac toe", "connect-four": "Connect four", "snake": "Snake", "2048": "2048", "minesweeper": "Minesweeper", "memory": "Memory",
	"sliding-puzzle": "Sliding puzzle", "sudoku": "Sudoku", "lights-out": "Lights out", "life": "Game of life", "higher-lower": "Higher or lower", "blackjack": "Blackjack",
	"hangman": "Hangman", "wordle": "Word guess", "number-guess": "Guess the number", "rock-paper": "Rock, paper, scissors", "dice": "Dice", "reaction": "Reaction time",
	"coin": "Coin", "simon": "Repeat the colours", "typing": "Typing speed", "breathing": "Breathing", "payoff": "Paid off when?", "savings-goal": "Savings goal", "days": "Days between dates",
	"metronome": "Metronome", "chess-clock": "Chess clock", "wheel": "Wheel", "lots": "Lots", "morse": "Morse code", "shared-costs": "Shared costs", "invoice": "Invoice",
	"scores": "Scores", "poll": "Vote", "password": "Password", "text-counter": "Word counter", "numerals": "Numerals", "colours": "Colours", "world-clock": "World clock", "random-number": "Random numbers", "teams": "Teams",
}

// partIntro says under a part's title what it is for.
func (a *app) partIntro(p part) string {
	return a.T(cmp.Or(toolIntros[p.Of], toolIntros[p.Topic], partIntros[p.Kind]))
}

// toolIntros are those of tools, which have little in common.
var toolIntros = map[string]string{
	datesTopic: "How many days are left.", "metronome": "A steady beat, as fast as you like.", "chess-clock": "Two clocks, of which one runs.", "wheel": "Let chance choose among what you add.",
	"lots": "Who gives to whom: everybody draws somebody else.", "morse": "Text to Morse code and back, and letters to practise.", "shared-costs": "Who paid what, and who owes whom.",
	"invoice": "Lines, tax and total, ready to print.", "scores": "Count points, or anything else.", "poll": "Options, votes and who is in front, on this device.",
	"password": "Made by chance on this device, and kept nowhere.", "text-counter": "What you type is counted at once.", "numerals": "One number in every way of writing it.",
	"colours": "One colour in every way of writing it.", "world-clock": "What time it is elsewhere.", "random-number": "Drawn by chance, within your bounds.", "teams": "Names into teams, by chance.",
	"breathing": "Breathe with the ring.",
}

var partIntros = map[partKind]string{
	calendarPart:   "Your days at a glance. Press a day to see it, or to add something to it.",
	heatmapPart:    "The darker a day, the more was done.",
	timerPart:      "It goes on counting when you leave this page.",
	calculatorPart: "Change a number, and the result follows at once.",
	converterPart:  "Type an amount, and see it in every other unit.",
	quizPart:       "Your own questions, in a new order each time.",
	flashcardsPart: "What you know well is asked less often.",
	gamePart:       "Your score stays in this browser.",
	toolPart:       "What you type stays in this browser.",
}

// importsOf are the relative modules that a script imports: its imports stand before everything else.
func importsOf(text string) []string {
	var out []string
	for rest, found := text, true; found; {
		var line string
		if line, rest, found = strings.Cut(rest, ";\n"); !strings.HasPrefix(strings.TrimLeft(line, "\n"), "import ") {
			break
		}
		if _, from, _ := strings.Cut(line, `"`); strings.HasPrefix(from, ".") {
			out = append(out, strings.TrimSuffix(from, `"`))
		}
	}
	return out
}

// addImported adds what the scripts that are there import of the templates, and what that imports.
func (out sources) addImported() {
	left := sortedKeys(out)
	for len(left) > 0 {
		name := left[0]
		left = left[1:]
		for _, from := range importsOf(out[name]) {
			if added := out.addModule(path.Join(path.Dir(name), from)); added != "" {
				left = append(left, added)
			}
		}
	}
}

// addModule adds a module by its path without ending, and returns its whole path; "" where it is there or is written later.
func (out sources) addModule(wanted string) string {
	for _, end := range []string{"", ".ts", ".tsx"} {
		name := wanted + end
		if _, there := out[name]; there || name == "src/lib/text.ts" {
			return ""
		}
		if name == "src/lib/icons.ts" {
			out.text(name, "icons.ts.tmpl", icons())
			return name
		}
		for _, source := range []string{strings.TrimPrefix(name, "src/"), "react/" + name} {
			if text, err := templates.ReadFile("templates/" + source); err == nil {
				out[name] = string(text)
				return name
			}
		}
	}
	panic("there is no module " + wanted) // the templates are our own
}

// isTool reports whether the part needs no records.
func (p part) isTool() bool {
	return slices.Contains([]partKind{timerPart, calculatorPart, converterPart, quizPart, flashcardsPart, gamePart, toolPart}, p.Kind)
}

var untilDate = regexp.MustCompile(`(?i)\b(?:count ?down|count|days?|time|days left|how (?:long|many days))\s+(?:down\s+)?(?:to|until|till|left)\b`)

// refineParts tells the countdown to a date from that of minutes.
func refineParts(parts []part, text string) []part {
	out := slices.Clone(parts)
	for i := range out {
		if out[i].Of == "countdown" && untilDate.MatchString(text) {
			out[i].Topic = datesTopic
		}
	}
	return out
}

// What templates ask of a part and a place.

func (p part) Paged() bool  { return p.paged() }
func (p part) Does() string { return string(p.Kind) }

// Component is the name of the page's component in an app with React.
func (p place) Component() string {
	switch {
	case p.Part != nil:
		return p.Part.PageName()
	case p.Kind != nil:
		return p.Kind.PageName()
	}
	return "Overview"
}

// HasTools reports whether the style sheet needs what tools and the games that look like them have.
func (a *app) HasTools() bool {
	return slices.ContainsFunc(a.Parts, func(p part) bool {
		return p.Kind == toolPart || slices.Contains([]string{"coin", "simon", "typing"}, p.Of)
	})
}

// Tools are the parts that have pages.
func (a *app) Tools() []part {
	return slices.DeleteFunc(slices.Clone(a.Parts), func(p part) bool { return !p.paged() })
}

// does names what the app does besides keeping entries.
func (a *app) does() []string {
	var out []string
	for _, p := range a.Tools() {
		out = append(out, partDescriptions[p.Kind][0])
	}
	return slices.Compact(out)
}

// about names what the app is about: what it keeps, else what it does.
func (a *app) about() []string {
	if len(a.Kinds) > 0 {
		return manyOf(a)
	}
	return a.does()
}

// Describe says in the README what the part does.
func (p part) Describe() string { return partDescriptions[p.Kind][1] }

// partDescriptions are, for each kind of part, what it is and what it does.
var partDescriptions = map[partKind][2]string{
	calendarPart:   {"a calendar", "the days of a month with what is on them; a day is pressed to see it or to add to it."},
	heatmapPart:    {"a heat map of days", "half a year of days, the darker the more was done."},
	timerPart:      {"a timer", "goes on counting while the page is closed, and lists what was finished."},
	calculatorPart: {"a calculator", "results follow what is typed, and can be kept to compare them."},
	converterPart:  {"a converter", "an amount in every other unit."},
	quizPart:       {"a quiz", "asks the questions of their page in a new order each time, with the best score."},
	flashcardsPart: {"flash cards", "asks cards again after days that grow while they are known."},
	gamePart:       {"a game", "played by keyboard, mouse and touch; the score stays in the browser."},
	toolPart:       {"a tool", "does one thing, and keeps in the browser what was typed."},
}
