package offline

import (
	"cmp"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"

	"codeforge/internal/agent/form"
)

// theme is a skill, and what it is practised by, where an app does certain things.
type theme struct {
	words     *regexp.Regexp
	concepts  []string
	exercises []string // the first that no earlier module has is taken
}

var themes = []theme{
	{regexp.MustCompile(`(?i)\b(log ?in|sign ?(?:in|up)|accounts?|auth\w*|passwords?|roles?|permissions?)\b`), []string{"authentication and authorisation", "sessions and tokens"}, []string{"Sign out, and try every address of the app by hand: what can a stranger still see?", "Write down who may see, add and change what, and check each row of that table by hand.", "Leave the app signed in on one device, sign out on another: who is signed in where?"}},
	{regexp.MustCompile(`(?i)\b(api|server|backend|rest|endpoints?|fetch|network|requests?|websockets?|realtime|sync\w*)\b`), []string{"HTTP and JSON", "asynchronous code", "loading and failing"}, []string{"Switch the network off while the app works, and make what you then see helpful.", "Have the server answer with an error, and with nothing for ten seconds: does the page tell the two apart?", "Look at one request in the browser's network panel, and explain each header that you set."}},
	{regexp.MustCompile(`(?i)\b(charts?|statistics?|overview|dashboards?|totals?|sums?|counts?|reports?|numbers|analytics)\b`), []string{"deriving values", "map, filter and reduce"}, []string{"Work out each number on paper for three entries first, then have the app agree with you.", "Change one entry, and name beforehand every number that must change with it.", "Show what happens when there is nothing to count, and when there is one thing."}},
	{regexp.MustCompile(`(?i)\b(downloads?|exports?|imports?|uploads?|files?|csv|backup)\b`), []string{"files in the browser", "serialising data"}, []string{"Download the data, change one value in an editor, and read the file back in.", "Read a file in that is no file of yours: the app says so, and keeps its data.", "Export, clear everything, import: is it the same to the last field?"}},
	{regexp.MustCompile(`(?i)\b(search\w*|filter\w*|sort\w*|find)\b`), []string{"arrays and predicates", "keeping the source and the view apart"}, []string{"Search for something that is not there: does the page say so, and how does one get back?", "Type fast: does the list follow, and does it forget what you typed when you leave?", "Sort by a field that some entries leave empty, and decide where those belong."}},
	{regexp.MustCompile(`(?i)\b(dates?|calendars?|schedul\w*|remind\w*|appointments?|deadlines?|bookings?|times?)\b`), []string{"dates and time zones"}, []string{"Enter the last day of a month, and a day in the past: is what you see right?", "Set your computer to another time zone, and look at the same entries.", "Ask for what is due next week, on a Monday and on a Sunday."}},
	{regexp.MustCompile(`(?i)\b(pay\w*|invoices?|prices?|money|budgets?|currency|expenses?|amounts?)\b`), []string{"money as whole numbers", "formatting for people"}, []string{"Add 0.10 and 0.20 in the console, and then have your app show 0.30.", "Enter 1.234,56 and 1,234.56: say what your app takes, and what it tells about the other.", "Sum a hundred amounts, and compare with a spreadsheet to the cent."}},
	{regexp.MustCompile(`(?i)\b(delete\w*|edit\w*|correct\w*|updat\w*|manag\w*)\b`), []string{"create, read, update, delete", "asking before what cannot be undone"}, []string{"Edit an entry, close the dialog without saving, and check that nothing changed.", "Delete something that something else refers to: what does the app say, and is it true afterwards?", "Change the same entry in two windows, and see who wins."}},
	{regexp.MustCompile(`(?i)\b(forms?|add\w*|enter\w*|creat\w*|register\w*|submit\w*|books?|log|record)\b`), []string{"forms and validation", "events"}, []string{"Submit the form empty, and with far too long a text: the page must say what would fix it.", "Fill the form by keyboard alone, and send it with Enter.", "Enter a name of one letter, of 300 letters, and with an apostrophe: each must be kept as it was written."}},
	{regexp.MustCompile(`(?i)\b(storage|stored?|kept|keep|save\w*|database|localstorage|persist\w*|offline)\b`), []string{"persistence", "serialising data"}, []string{"Enter three things, reload the page, and find them all again.", "Add a field to an entry, and open the app with data from before.", "Fill the storage until it refuses, and say to the user what then happened."}},
	{regexp.MustCompile(`(?i)\b(state|stores?|hooks?|context|redux)\b`), []string{"state and what follows from it"}, []string{"Name for each value who may change it; where two may, make it one.", "Draw what changes when one button is pressed, with an arrow for each that depends on it.", "Remove one value that can be worked out from others."}},
	{regexp.MustCompile(`(?i)\b(test\w*|tdd|quality)\b`), []string{"unit tests", "choosing cases at the border"}, []string{"Break a rule of the app on purpose: a test must go red, and say which rule.", "Write the test for a bug that you had before you mend it again.", "Delete the test that you would miss least, and say why."}},
	{regexp.MustCompile(`(?i)\b(accessib\w*|a11y|keyboard|screen ?readers?|contrast)\b`), []string{"semantic HTML", "keyboard and focus"}, []string{"Put the mouse away and do everything once by keyboard alone.", "Have a screen reader read one page to you with closed eyes.", "Set the text to twice its size: everything must still be reachable."}},
	{regexp.MustCompile(`(?i)\b(css|styl\w*|design|layout|responsive|themes?|animations?|tailwind)\b`), []string{"layout with grid and flexbox", "design tokens"}, []string{"Make the window 360 pixels wide: nothing may be cut off.", "Change one colour in one place, and find all the places that followed.", "Hide all colours (grey screen): can one still tell what is chosen?"}},
	{regexp.MustCompile(`(?i)\b(types?|typescript|interfaces?|generics?)\b`), []string{"types as promises", "making wrong states impossible"}, []string{"Write down a value that must never exist, and have the compiler refuse it.", "Give one function a type so narrow that two of its checks become needless.", "Find the one any that is left, or the one cast, and earn it."}},
	{regexp.MustCompile(`(?i)\b(performance|speed|fast|large|pagination)\b`), []string{"measuring before changing"}, []string{"Fill the app with 1,000 entries, measure, change one thing, and measure again.", "Guess beforehand what is slow, write it down, and compare.", "Open the app on the slowest phone that you find."}},
	{regexp.MustCompile(`(?i)\b(routing|routes?|pages?|navigation|links?)\b`), []string{"routes and links"}, []string{"Send somebody the address of a page in the middle of the app: they must see the same.", "Type an address that does not exist: what helps the visitor on?", "Open three pages in three tabs, change something in one, and look at the others."}},
	{regexp.MustCompile(`(?i)\b(deploy\w*|hosting|publish\w*|ci)\b`), []string{"builds and deployment"}, []string{"Open your published app on somebody else's phone.", "Publish a change of one letter, and time how long it takes until you see it.", "Go back to the version of yesterday, and forward again."}},
	{regexp.MustCompile(`(?i)\b(security|secure|privacy|xss)\b`), []string{"trusting no input", "secrets outside of the code"}, []string{"Enter <b>bold</b> as a name everywhere: it must be shown as it was written.", "List every place where a text of a stranger reaches the page.", "Look through the history for a key that was ever written down."}},
}

// themesOf are those that a text speaks of, at most n.
func themesOf(text string, n int) (found []theme) {
	for _, t := range themes {
		if len(found) < n && t.words.MatchString(text) {
			found = append(found, t)
		}
	}
	return found
}

// planner makes a roadmap of requirements.
type planner struct {
	level   string
	factor  float64 // how much longer this learner takes
	group   int     // features in a module, of those that are no must
	app     string
	stack   []string
	learned form.Learned
	out     form.Roadmap
	used    map[string]bool   // exercises that a module has
	first   map[string]string // the first feature of each kind
	again   int               // features whose kind came before
}

// roadmap plans the way to the app of the requirements: its features, most important first, each on what those before it left, and
// between them what an app needs besides.
func (c *conversation) roadmap() form.Roadmap {
	context := section[struct {
		Level string   `json:"skill_level"`
		Focus []string `json:"focus_areas"`
	}](c, form.SectionContext)
	req := section[form.Requirements](c, form.SectionRequirements)
	project := section[form.ProjectSection](c, form.SectionProject)
	p := &planner{level: "beginner", factor: 1.5, group: 1, app: cmp.Or(cleanLine(req.AppName), cleanLine(project.Title), "your app"),
		stack: append(slices.Clone(project.TechStack), req.Stack...), learned: section[form.Learned](c, form.SectionLearned), used: map[string]bool{}, first: map[string]string{}}
	switch context.Level {
	case "intermediate":
		p.level, p.factor, p.group = context.Level, 1, 2
	case "advanced":
		p.level, p.factor, p.group = context.Level, 0.7, 3
	}
	features := slices.Clone(req.Features)
	slices.SortStableFunc(features, func(a, b form.Feature) int { return priority(a) - priority(b) })
	if len(features) == 0 {
		features = []form.Feature{{Name: "The heart of " + p.app, Description: cmp.Or(cleanLine(req.ElevatorPitch), cleanLine(project.Description), "What the app is for."), Priority: "must-have"}}
	}
	p.beginning(features[0])
	p.features(features)
	p.around(c, features)
	p.focus(context.Focus)
	p.end(features)
	p.afterLearned()
	p.out.Prerequisites, p.out.Objectives = p.needs(), p.objectives(features, context.Focus)
	return p.out
}

func priority(f form.Feature) int {
	return slices.Index([]string{"should-have", "nice-to-have"}, f.Priority) // -1: a must
}

// add adds a module for somebody of some experience. An exercise that an earlier module has is left out, unless nothing would be left.
func (p *planner) add(title, description string, hours float64, concepts, exercises []string) {
	hours = min(40, max(0.5, math.Round(2*hours*p.factor)/2))
	exercises = first(exercises, 12)
	if fresh := slices.DeleteFunc(slices.Clone(exercises), func(e string) bool { return p.used[e] }); len(fresh) > 0 {
		exercises = fresh
	}
	exercises = exercises[:min(len(exercises), 6)]
	for _, e := range exercises {
		p.used[e] = true
	}
	p.out.Modules = append(p.out.Modules, form.Module{Title: shorten(capital(title), 190), Description: shorten(description, 950),
		Concepts: first(concepts, 8), Exercises: exercises, EstimatedHours: hours})
}

// practise is an exercise of a theme that no module has yet, "" when all are taken.
func (p *planner) practise(t theme) string {
	for _, e := range t.exercises {
		if !p.used[e] {
			return e
		}
	}
	return ""
}

// first are the first n of a list, each once and in the length that a module takes.
func first(list []string, n int) (out []string) {
	for _, s := range list {
		if s = shorten(cleanLine(s), 290); s != "" && !slices.Contains(out, s) && len(out) < n {
			out = append(out, s)
		}
	}
	return out
}

// tools says what the app is made with, as far as it matters for the first steps.
func (p *planner) tools() (name string, concepts []string) {
	all := strings.ToLower(strings.Join(p.stack, " "))
	for _, t := range []struct {
		word, name string
		concepts   []string
	}{
		{"next", "Next.js", []string{"pages and layouts", "components and props", "server and client"}}, {"react", "React", []string{"components and props", "state and what follows from it"}},
		{"vue", "Vue", []string{"components and props", "reactive state"}}, {"svelte", "Svelte", []string{"components and props", "reactive state"}},
		{"angular", "Angular", []string{"components and services", "dependency injection"}}, {"django", "Django", []string{"requests and views", "models and migrations"}},
		{"flask", "Flask", []string{"requests and views"}}, {"fastapi", "FastAPI", []string{"requests and responses", "types as promises"}}, {"laravel", "Laravel", []string{"requests and controllers"}},
		{"express", "Express", []string{"requests and handlers"}},
	} {
		if strings.Contains(all, t.word) {
			return t.name, t.concepts
		}
	}
	if strings.Contains(all, "typescript") {
		return "TypeScript", []string{"HTML, CSS and scripts", "types as promises", "modules"}
	}
	return cmp.Or(strings.Join(first(p.stack, 2), " and "), "HTML, CSS and JavaScript"), []string{"HTML, CSS and scripts", "functions and events"}
}

func (p *planner) beginning(f form.Feature) {
	name, concepts := p.tools()
	switch p.level {
	case "beginner":
		p.add("A first page of "+p.app+" that you made yourself", fmt.Sprintf("You set up %s, open a page of your own and change it until you trust that what you write is what you see. Nothing of the app works yet, and that is fine.", name), 2,
			append(concepts[:1:1], "editor, browser and console"), []string{"Write the name of the app and one sentence about it on the page, and see both in the browser.", "Break the page on purpose, read the message, and mend it.", "Explain to somebody which file the browser reads first."})
		p.add("What "+p.app+" keeps in mind", fmt.Sprintf("Before there are buttons, say what the app knows. “%s” needs entries with fields: you write three of them down by hand and show them on the page.", cleanLine(f.Name)), 2,
			append(concepts[1:], "modelling data", "arrays and objects", "showing a list"), []string{"List the fields of one entry, each with an example and what it must never be.", "Show three entries that stand in the code.", "Show a sentence in their place when the list is empty."})
	case "advanced":
		p.add("The skeleton of "+p.app+", end to end", fmt.Sprintf("One thin path through everything: a page in %s, one entry that is entered, kept and shown, a test that proves it, and a build that you can publish. It fixes the decisions that are dear to change.", name), 4,
			append(concepts, "walking skeleton", "boundaries between modules"), []string{"Write down the three decisions that would be dearest to change, each with the reason.", "Have one test go through all layers.", "Publish it, although it does next to nothing."})
	default:
		p.add("A page of "+p.app+" that shows real data", fmt.Sprintf("You set up %s, decide what an entry of “%s” is, and show a list of them from one place that all other code asks.", name, cleanLine(f.Name)), 3,
			append(concepts, "modelling data"), []string{"Write the type of an entry, and make one wrong value impossible.", "Show ten entries, none, and one with very long texts.", "Keep the data in one module that nothing goes around."})
	}
}

// Sentences that each module says once, in turn.
var (
	doneWhen = []string{"Write down how you will see that “%s” is done, then build until it is so.", "Show “%s” working with one real entry before you make it complete.",
		"Draw “%s” on paper, with what is there when it is empty, and build what you drew.", "Say in one sentence what “%s” must never do, and try to make it do that.",
		"Cut “%s” into three steps that each leave the app working, and take them one by one.", "Build “%s” for the case you meet most, then for the one you fear most."}
	whyNow   = []string{"The app is not worth opening without it.", "It stands on what is there already.", "With it the app does another of the things that it is for."}
	whyLater = []string{"The app works already; this makes it better.", "Nobody misses it on the first day, and most on the tenth.", "Leave it out if time is short: nothing else waits for it."}
	// A feature of a kind that came before is where one learns what the two share.
	alike = []struct{ concept, exercise string }{
		{"repeating a pattern on purpose", "Build it without looking at “%s”, then compare the two and keep the better of each part."},
		{"finding what two things share", "List what it has in common with “%s”, and what only seems to be alike."},
		{"one place for what is shared", "Move what it shares with “%s” into one function or component, without changing what either does."},
		{"data in place of code", "Describe what parts it from “%s” as data, so that one more of its kind would be a few lines."},
		{"knowing when not to share", "Name one thing that you leave written twice here and in “%s”, and why that is right."},
		{"estimating", "Guess beforehand how much faster than “%s” it goes, and find out where the rest of the time went."},
	}
)

// features adds a module for each must, and for groups of the others.
func (p *planner) features(all []form.Feature) {
	for i, module := 0, 0; i < len(all) && len(p.out.Modules) < 13; module++ {
		n := 1
		for ; n < p.group && i+n < len(all) && priority(all[i]) >= 0 == (priority(all[i+n]) >= 0) && (priority(all[i]) >= 0 || p.level == "advanced" && n < 2); n++ {
		}
		group := all[i : i+n]
		i += n
		var titles, about, exercises, concepts []string
		hours := 0.0
		for _, f := range group {
			name := cleanLine(f.Name)
			titles, about = append(titles, name), append(about, strings.TrimRight(shorten(cleanLine(f.Description), 400), ". ")+".")
			c, e := p.skills(name, f)
			concepts, exercises = append(concepts, c...), append(exercises, e...)
			hours += 2.5 + 0.5*float64(min(len(f.UserStories), 4))
		}
		exercises = append([]string{fmt.Sprintf(doneWhen[module%len(doneWhen)], titles[0])}, exercises...)
		if p.level == "advanced" {
			exercises = append(exercises, fmt.Sprintf("Name two ways to build “%s”, and why you took yours.", titles[0]))
		}
		why := whyNow
		if priority(group[0]) >= 0 {
			why = whyLater
		}
		p.add(joinAnd(titles), strings.Join(about, " ")+" "+why[min(module, len(why)-1)], hours, concepts, exercises)
	}
}

// skills are what is learned by a feature, and by what. A kind of feature that came before teaches what the two share.
func (p *planner) skills(name string, f form.Feature) (concepts, exercises []string) {
	found := themesOf(name+" "+f.Description+" "+strings.Join(f.UserStories, " "), 3)
	var kind strings.Builder
	for _, t := range found {
		kind.WriteString(t.concepts[0] + "|")
	}
	if before := p.first[kind.String()]; before != "" && kind.String() != "" {
		a := alike[p.again%len(alike)]
		p.again++
		concepts, exercises = append(concepts, a.concept), append(exercises, fmt.Sprintf(a.exercise, shorten(before, 80)))
	} else {
		p.first[kind.String()] = name
	}
	for _, t := range found {
		for _, c := range t.concepts {
			if !p.used["concept "+c] {
				p.used["concept "+c] = true
				concepts = append(concepts, c)
			}
		}
		if e := p.practise(t); e != "" {
			exercises = append(exercises, e)
		}
	}
	if len(concepts) == 0 {
		concepts = []string{"cutting a task into steps", "using what is there already"}
	}
	for _, story := range f.UserStories {
		// Stories that differ in a name alone are told once.
		if shape := strings.Join(nameless(story, name), " "); !p.used[shape] {
			p.used[shape] = true
			return concepts, append(exercises, "Make this true, and show it to somebody: “"+shorten(cleanLine(story), 200)+"”")
		}
	}
	return concepts, exercises
}

// nameless are the words of a story without those that its feature's name has.
func nameless(story, name string) []string {
	own := map[string]bool{}
	for w := range strings.FieldsSeq(phrase(name)) {
		own[singular(w)] = true
	}
	return slices.DeleteFunc(strings.Fields(phrase(story)), func(w string) bool { return own[singular(w)] })
}

// around adds what an app needs besides its features.
func (p *planner) around(c *conversation, features []form.Feature) {
	all := strings.ToLower(strings.Join(p.stack, " "))
	place, concepts := "the browser's storage", []string{"persistence", "serialising data", "reading what an older version wrote"}
	for _, db := range []string{"Supabase", "PostgreSQL", "Postgres", "MongoDB", "Firebase", "SQLite", "MySQL"} {
		if strings.Contains(all, strings.ToLower(db)) {
			place, concepts = db, []string{"persistence", "tables and keys", "asynchronous code"}
			break
		}
	}
	at := min(len(p.out.Modules), 3)
	p.add("Nothing is lost: "+p.app+" keeps its data", fmt.Sprintf("What was entered goes to %s and comes back from there. All other code goes on asking the one place that knows the data, so little of it changes.", place), 2.5, concepts,
		[]string{"Enter three things, reload the page, and find them all again.", "Put a broken value where the data is kept: the app must start all the same, and say what happened.", "Say what happens when two windows of the app are open."})
	p.moveLast(at)
	if pages := section[form.Architecture](c, form.SectionArchitecture).Pages; len(pages) > 1 {
		var names []string
		for _, page := range pages[:min(len(pages), 5)] {
			names = append(names, cmp.Or(cleanLine(page.Name), page.Path))
		}
		p.add("Finding one's way: "+joinAnd(names), "Each page has an address of its own, says where one is, and leads on. Back and forward work as people expect.", 2, []string{"routes and links", "components and props", "semantic HTML"},
			[]string{"Send somebody the address of a page in the middle of the app: they must see the same.", "Go back and forward through all pages: nothing that was entered may be lost."})
		p.moveLast(min(len(p.out.Modules)-1, 5))
	}
	p.add("Pleasant for everybody", "The app is used on phones, by keyboard, by people who see little. You give it one look that is written down once, and mend what stands in somebody's way.", 2.5,
		[]string{"layout with grid and flexbox", "semantic HTML", "keyboard and focus"}, []string{"Make the window 360 pixels wide: nothing may be cut off.", "Put the mouse away and do everything once by keyboard alone.", "Give each state its words: empty, loading, failed."})
}

// moveLast moves the last module to a place.
func (p *planner) moveLast(at int) {
	m := p.out.Modules[len(p.out.Modules)-1]
	p.out.Modules = slices.Insert(p.out.Modules[:len(p.out.Modules)-1], at, m)
}

// focus gives each focus area its place: in the module that is about it, or in one of its own.
func (p *planner) focus(areas []string) {
	for _, area := range areas {
		name := shorten(cleanLine(area), 80)
		if name == "" {
			continue
		}
		about := themesOf(name, 1)
		best := -1
		for i, m := range p.out.Modules {
			text := strings.ToLower(m.Title + " " + strings.Join(m.Concepts, " "))
			if i > 0 && best < 0 && (strings.Contains(text, strings.ToLower(name)) || len(about) > 0 && slices.Contains(m.Concepts, about[0].concepts[0])) {
				best = i
			}
		}
		exercise := fmt.Sprintf("Look for a place in %s where %s could be done better, say how you know, and do it.", p.app, name)
		if len(about) > 0 {
			exercise = cmp.Or(p.practise(about[0]), exercise)
		}
		if best < 0 {
			concepts := []string{name}
			if len(about) > 0 {
				concepts = append(concepts, about[0].concepts...)
			}
			p.add(name+", in "+p.app, fmt.Sprintf("You asked for %s. What the app does by now is the material: you look at it with this question alone, change one thing at a time, and compare.", name), 3, concepts,
				[]string{exercise, fmt.Sprintf("Explain in five sentences what you would tell yourself of last month about %s.", name)})
			p.moveLast(min(len(p.out.Modules)-1, max(3, len(p.out.Modules)-2)))
			continue
		}
		m := &p.out.Modules[best]
		m.Concepts = first(append([]string{name}, m.Concepts...), 8)
		m.Exercises = first(append([]string{"Focus on " + name + ": " + exercise}, m.Exercises...), 6)
		m.EstimatedHours = min(40, m.EstimatedHours+0.5)
	}
}

func (p *planner) end(features []form.Feature) {
	if p.level != "beginner" {
		p.add("Rules that stay true", "Tests hold what must not break while you change the rest: the rules of the data first, then one way through the whole app.", 3, []string{"unit tests", "choosing cases at the border", "refactoring under tests"},
			[]string{"Write down the rules of an entry, and a test for each.", "Break a rule of the app on purpose: a test must go red, and say which rule.", "Refactor the file you like least, without changing a test."})
	}
	p.add("Shown to somebody: "+p.app+" goes out", fmt.Sprintf("You build and publish the app, watch somebody use “%s” without helping them, and mend the first thing that stopped them.", cleanLine(features[0].Name)), 2,
		[]string{"builds and deployment", "watching people use it", "reading your own code"}, []string{"Open your published app on somebody else's phone.", "Watch somebody use it in silence, and write down where they hesitate.", "Write the README that you would have liked to read at the beginning."})
	if len(p.out.Modules) > 20 {
		p.out.Modules = append(p.out.Modules[:19], p.out.Modules[len(p.out.Modules)-1])
	}
}

// afterLearned leaves out what was done, and builds on what was chosen and talked about.
func (p *planner) afterLearned() {
	left := slices.DeleteFunc(slices.Clone(p.out.Modules), func(m form.Module) bool { return slices.Contains(p.learned.Done, m.Title) })
	if len(left) > 0 {
		p.out.Modules = left
	}
	m := &p.out.Modules[0]
	for _, choice := range p.learned.Choices {
		m.Exercises = first(append(m.Exercises, fmt.Sprintf("You chose “%s” in “%s”: say what became easier by it, and what harder.", choice.Option, shorten(choice.Module, 100))), 6)
	}
	if len(p.learned.Sessions) > 0 {
		if concepts := first(p.learned.Sessions[0].Concepts, 3); len(concepts) > 0 {
			m.Exercises = first(append([]string{"Before you begin: explain " + joinAnd(concepts) + " from your last session in your own words, with an example from this project."}, m.Exercises...), 6)
		}
	}
}

func (p *planner) needs() []string {
	name, _ := p.tools()
	switch p.level {
	case "beginner":
		return []string{"A computer with a browser and an editor", "No programming yet: the first modules begin at the beginning"}
	case "advanced":
		return []string{"You have built and published programs of your own", "You know " + name + ", or its documentation does not frighten you", "You write tests without being asked to"}
	}
	return []string{"Variables, functions, lists and objects in some language", "You have changed a page in a browser before; " + name + " may be new to you"}
}

func (p *planner) objectives(features []form.Feature, focus []string) []string {
	var names []string
	for _, f := range features[:min(len(features), 3)] {
		names = append(names, cleanLine(f.Name))
	}
	out := []string{fmt.Sprintf("Build %s yourself: %s.", p.app, joinAnd(names)), "Say for each fact of your app where it is kept, and who may change it."}
	for _, area := range focus {
		if area = cleanLine(area); area != "" {
			out = append(out, "Explain "+shorten(area, 80)+" by a place in your own code.")
		}
	}
	if p.level != "beginner" {
		out = append(out, "Change the app without fear, since tests tell what broke.")
	}
	return first(append(out, "Find out by yourself why something does not work."), 10)
}
