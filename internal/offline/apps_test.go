package offline

import (
	"context"
	_ "embed"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/chromedp/cdproto/emulation"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"codeforge/internal/browser/browsertest"
	"codeforge/internal/evidence"
	"codeforge/internal/npm"
	"codeforge/internal/sandbox"
	"codeforge/internal/types/typestest"
	"codeforge/internal/verify"
)

func TestMain(m *testing.M) {
	verify.RunChild()
	os.Exit(m.Run())
}

//go:embed testdata/person.js
var personScript string

// built serves a tree without packages, bundled.
func built(t testing.TB, tree map[string]string) http.Handler {
	t.Helper()
	var entries []string
	site := fstest.MapFS{}
	for name, text := range tree {
		switch path.Ext(name) {
		case ".html":
			for _, m := range scriptSource.FindAllStringSubmatch(text, -1) {
				entries = append(entries, path.Join(path.Dir(name), m[1]))
			}
			text = scriptSource.ReplaceAllStringFunc(text, func(tag string) string { return strings.Replace(tag, ".ts\"", ".js\"", 1) })
			fallthrough
		case ".css", ".svg":
			site[name] = &fstest.MapFile{Data: []byte(text)}
		}
	}
	result := build(tree, entries)
	if len(result.Errors) > 0 {
		t.Fatal(result.Errors)
	}
	for _, f := range result.OutputFiles {
		site["src/"+path.Base(f.Path)] = &fstest.MapFile{Data: f.Contents}
	}
	return http.FileServerFS(site)
}

// use opens an address in a new tab and does the steps, expressions of testdata/person.js that must become true in turn; "reload" loads the
// page anew. Nothing may be thrown on the way, and in the end all must have room on a phone.
func use(t testing.TB, ctx context.Context, address string, steps ...string) {
	t.Helper()
	tab, leave := chromedp.NewContext(ctx)
	defer leave()
	if _, err := chromedp.Call(tab, cdppage.AddScriptToEvaluateOnNewDocument, cdppage.AddScriptToEvaluateOnNewDocumentParams{Source: personScript}); err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Do(tab, chromedp.Navigate(address)); err != nil {
		t.Fatal(err)
	}
	for _, step := range steps {
		if step == "reload" {
			if err := chromedp.Do(tab, chromedp.Reload()); err != nil {
				t.Fatal(err)
			}
			continue
		}
		said, err := chromedp.Run(tab, chromedp.Evaluate[string](fmt.Sprintf("person.until(() => (%s))", step), chromedp.EvalAwaitPromise))
		if err != nil || said != "" {
			t.Errorf("%s: %s %v", step, said, err)
			return
		}
	}
	if thrown, err := chromedp.Run(tab, chromedp.Evaluate[string](`person.thrown.join("; ")`)); err != nil || thrown != "" {
		t.Errorf("thrown: %s %v", thrown, err)
	}
	// On a phone nothing stands beside the page.
	if _, err := chromedp.Call(tab, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: 360, Height: 800, DeviceScaleFactor: 1}); err != nil {
		t.Fatal(err)
	}
	if wide, err := chromedp.Run(tab, chromedp.Evaluate[string](`person.wide()`)); err != nil || wide != "" {
		t.Errorf("wider than 360 pixels: %s %v", wide, err)
	}
}

// full is a step after which the browser keeps nothing more.
const full = `!!(Storage.prototype.setItem = () => { throw new Error("full"); })`

// usedApp is an app and what people do with it. Pages are named as in an app without packages.
type usedApp struct {
	idea, page string
	changes    []string // what people had changed before
	steps      []string
}

// tracker is changed and used in all ways that lists have.
var tracker = usedApp{"book collection", "", []string{"sort books by author", "add a filter for the author", "export the books as CSV", "use a dark theme"}, []string{
	`isDark()`, `press("Add examples")`, `press("Add book")`, `type("Title", "=Zebra")`, `type("Author", "Aaron Aal")`, `press("Save")`,
	`listed().length === 5 && listed()[0] === "=Zebra"`, // the first by its author
	`type("Sort by", "title")`, `listed().join() === listed().toSorted((a, b) => a.localeCompare(b)).join()`, `type("Sort by", "")`, `listed()[0] === "=Zebra"`,
	`type("Author", "Aaron Aal")`, `listed().join() === "=Zebra"`, `sees("1 of 5")`, `type("Author", "")`, `type("Search", "hobbit")`, `listed().join() === "The Hobbit"`, `type("Search", "")`,
	`press("Save as a table (CSV)")`, `sees("Saved: book-collection-books-")`, `table().length === 6`, `table()[0].startsWith('"Title","Author"')`, `table().some((line) => line.startsWith('"\'=Zebra","Aaron Aal"'))`,
	"reload", `isDark()`, `listed().length === 5`, `type("Author", "Aaron Aal")`, `listed().length === 1`, `press("Delete =Zebra")`, `press("Delete")`, `listed().length === 4`,
}}

// usedApps are one of each other kind: played or filled in, found again after the page was loaded anew, and emptied.
var usedApps = []usedApp{
	{"Tic tac toe", "", nil, []string{`press("Row 1, column 1: empty")`, `sees("Row 1, column 1: X")`, "reload", `sees("Row 1, column 1: X")`, `press("New game")`, `seesNot("Row 1, column 1: X")`}},
	{"minesweeper", "", nil, []string{`press("Row 4, column 4: closed")`, `sees("mines near")`, "reload", `sees("mines near")`, `press("New game")`, `seesNot("mines near")`}},
	{"tip calculator", "", nil, []string{`type("Bill", "100")`, `sees("$57.50")`, `press("Keep this result")`, "reload", `sees("$57.50")`, `press("Delete Result 1")`, `sees("Keep a result")`}},
	{"unit converter", "", nil, []string{`type("Amount", "10")`, `sees("3.93701")`, `press("Temperature")`, `sees("50")`, "reload", `sees("degrees Fahrenheit")`}},
	{"flashcards for Spanish verbs", "", nil, []string{`press("Add examples")`, `press("Show the answer")`, `press("Good")`, `sees("Today\n1")`, "reload", `sees("Today\n1")`}},
	{"quiz about world capitals", "", nil, []string{`press("Add examples")`, `press("Start the quiz")`, `sees("Question 1 of")`, `pick(".answer")`, `press("Next question")`, "reload", `sees("Question 2 of")`}},
	{"Pomodoro timer with tasks", "", nil, []string{`type("New", "Call Ada")`, `press("Add")`, `sees("Call Ada")`, `press("Start")`, `sees("24:5")`, "reload", `press("Pause")`, `sees("Call Ada")`}},
	{"A kanban board for my team's tasks", "", nil, []string{`press("Add examples")`, `sees("2 days ago")`, `listed()[0] === "Call the printer"`, `key("Move Call the printer", "ArrowRight")`, `column("In progress", "Call the printer")`, "reload", `column("In progress", "Call the printer")`, `press("Delete Call the printer")`, `press("Delete")`, `!column("In progress", "Call the printer")`}},
	{"habit tracker with a heat map", "heatmap.html", nil, []string{`press("Add examples")`, `pressed("Drink water", false)`, `press("Drink water")`, `pressed("Drink water", true)`, "reload", `pressed("Drink water", true)`, `pick(".heat.chosen")`, `kept("day", "")`}}, // tomorrow it is at tomorrow
	{"calculator", "", nil, []string{`press("1")`, `press("divided by")`, `"10000000".split("").every((digit) => press(digit))`, `press("Equals")`, `press("times")`, `press("2")`, `sees("= 2e−7")`}},
	{"stopwatch", "", nil, []string{`press("Start")`, full, `sees("00:01.")`, `seesNot("storage is full")`, `press("Lap")`, `sees("storage is full")`}},
	{"reading list", "", nil, []string{full, `press("Add examples")`, `sees("storage is full")`, `seesNot("Examples were added")`}},
	{"Track my vinyl records and who borrowed them", "", nil, []string{`press("Add examples")`, `sees("tomorrow")`, `sees("2 of 4")`, `seesNot("1,959")`, "reload", `press("Lend loan")`, `person.shown(document.querySelector("dialog"))`}},
	{"event calendar", "", nil, []string{`press("Add examples")`, `sees("Summer party")`, `press("Month after")`, `press("Today")`, "reload", `sees("Book club")`}},
	{"chess clock", "", nil, []string{`press("Player 2")`, `sees("Player 1 thinks.")`, "reload", `sees("Player 1 thinks.")`, `press("Pause")`, `sees("Paused")`}},
	{"bill splitter", "", nil, []string{`type("Name", "Ada, Bob")`, `press("Add")`, `type("Amount", "30")`, `press("Add the cost")`, `sees("Bob pays Ada")`, "reload", `sees("$15.00")`, `press("Delete Costs")`, `sees("Nobody owes anything.")`}},
	{"secret santa", "", nil, []string{`type("Name", "Ada, Bob, Cleo")`, `press("Add")`, `press("Draw lots")`, `press("Open the lot of Ada")`, "reload", `press("Close the lot of Ada")`, `seesNot("Close the lot of Ada")`}},
}

// usedTools are the tools that usedApps leave: what they share with those is used in every run.
var usedTools = []usedApp{
	{"metronome", "", nil, []string{`type("Tempo", "140")`, `sees("Allegro")`, `press("Start")`, `sees("Running")`, "reload", `sees("Stopped")`, `sees("Allegro")`}},
	{"spin the wheel", "", nil, []string{`type("Name", "Ada, Bob")`, `press("Add")`, `press("Spin")`, `sees("Picked so far")`, "reload", `press("Clear")`, `seesNot("Picked so far")`}},
	{"morse code trainer", "", nil, []string{`type("Text or Morse code", "ET")`, `sees("· −")`, `pick(".answer")`, `sees("of 1 are right")`, "reload", `sees("of 1 are right")`, `press("Next question")`, `sees("Which one is it?")`}},
	{"invoice maker", "", nil, []string{`type("Quantity", "3")`, `type("Price of one", "20")`, `type("Tax", "10")`, `sees("$66.00")`, "reload", `sees("$66.00")`, `press("Start over")`, `sees("$0.00")`}},
	{"scoreboard", "", nil, []string{`type("Name", "Ada, Bob")`, `press("Add")`, `press("Ada: 1 more")`, `sees("in front")`, "reload", `sees("Ada: 1")`, `press("All back to 0")`, `seesNot("in front")`}},
	{"poll", "", nil, []string{`type("Option", "Pizza, Sushi")`, `press("Add")`, `press("Vote for Pizza")`, `sees("In front: Pizza.")`, "reload", `sees("In front: Pizza.")`, `press("Clear the votes")`, `seesNot("In front")`}},
	{"password generator", "", nil, []string{`type("Length", "12")`, `document.querySelector(".code").textContent.length === 12`, "reload", `document.querySelector(".code").textContent.length === 12`, `press("Another one")`}},
	{"word counter", "", nil, []string{`type("Your text", "One two. Three!")`, `sees("3\nWords") || sees("Words\n3")`, "reload", `sees("3\nWords") || sees("Words\n3")`, `press("Clear")`, `seesNot("3\nWords") && seesNot("Words\n3")`}},
	{"binary to decimal converter", "", nil, []string{`type("Binary", "1010")`, `shows("Decimal", "10")`, "reload", `shows("Roman numeral", "X")`}},
	{"color picker", "", nil, []string{`type("RGB", "255, 0, 0")`, `shows("HEX", "#ff0000")`, `press("Keep this colour")`, "reload", `press("Delete #ff0000")`, `sees("Keep colours to see them")`}},
	{"world clock", "", nil, []string{`type("City or zone", "Africa/Nairobi")`, `press("Add")`, `sees("Delete Nairobi")`, "reload", `press("Delete Nairobi")`, `seesNot("Delete Nairobi")`}},
	{"random team generator", "", nil, []string{`type("Name", "Ada, Bob, Cleo")`, `press("Add")`, `press("Make teams")`, `sees("Team 2")`, "reload", `sees("Team 2")`, `press("Delete Cleo")`, `seesNot("Delete Cleo")`}},
	{"random number generator", "", nil, []string{`type("From", "7")`, `type("To", "7")`, `press("Draw")`, `document.querySelector(".figure").textContent === "7"`, "reload", `press("Clear")`, `seesNot("Clear")`}},
}

// everyPart are the kinds of apps that ideas can ask for and get, by kind.
func everyPart() map[partKind][]part {
	out := map[partKind][]part{}
	for _, phrases := range partPhrases() {
		for _, p := range phrases {
			if nearestGame[p.part.Of] == "" && p.part.Of != "other" && !slices.Contains(out[p.part.Kind], p.part) {
				out[p.part.Kind] = append(out[p.part.Kind], p.part)
			}
		}
	}
	for _, list := range out {
		slices.SortFunc(list, func(a, b part) int { return strings.Compare(a.Of, b.Of) })
	}
	return out
}

// One app of each kind is used, and each tool: tools have little in common.
func TestEveryKindOfAppIsUsed(t *testing.T) {
	used := map[string]bool{}
	for _, c := range slices.Concat(usedApps, usedTools) {
		for _, p := range c.app(t).Parts {
			used[string(p.Kind)], used[string(p.Kind)+" "+p.Of] = true, true
		}
	}
	for kind, parts := range everyPart() {
		if !used[string(kind)] {
			t.Errorf("no %s is used", kind)
		}
		for _, p := range parts {
			if kind == toolPart && !used[string(kind)+" "+p.Of] {
				t.Errorf("the %s is not used", p.Of)
			}
		}
	}
}

func TestAppsAreUsed(t *testing.T) {
	list := append(slices.Clone(usedApps), tracker)
	if os.Getenv("CODEFORGE_SOAK") != "" {
		list = append(list, usedTools...)
	}
	ctx := browsertest.Open(t, 10*time.Minute)
	for _, c := range list {
		t.Run(c.idea, func(t *testing.T) { c.use(t, ctx, built(t, c.app(t).files()), "/"+c.page) })
	}
}

// TestReactAppsAreUsed: with React an app passes all rungs of the checks and does the same. Without CODEFORGE_SOAK that is the tracker
// alone, built and used.
func TestReactAppsAreUsed(t *testing.T) {
	soak := os.Getenv("CODEFORGE_SOAK") != ""
	list, l := []usedApp{tracker}, (*evidence.Ladder)(nil)
	if soak {
		list, l = slices.Concat(list, usedApps, usedTools), fullLadder(t)
	} else {
		client := typestest.Packages(t)
		l = evidence.New(evidence.Options{Verifier: verify.NewVerifier(sandbox.Options{}), Packages: func(context.Context) (*npm.Client, error) { return client, nil }})
		t.Cleanup(l.Close)
	}
	ctx := browsertest.Open(t, 30*time.Minute)
	for _, c := range list {
		t.Run(c.idea, func(t *testing.T) {
			a, serve := c.app(t), served
			if a.React = true; soak {
				serve = verified
			}
			c.use(t, ctx, serve(t, l, verify.Tree{Files: a.files()}), "/#/"+strings.TrimSuffix(c.page, ".html"))
		})
	}
	if !soak {
		return
	}
	// What kinds have many of is checked and opened as pages of one app, so that none is forgotten.
	for _, kind := range []partKind{gamePart, calculatorPart, converterPart, timerPart} {
		for parts := range slices.Chunk(everyPart()[kind], 8) {
			t.Run(fmt.Sprintf("%s %s to %s", kind, parts[0].Of, parts[len(parts)-1].Of), func(t *testing.T) {
				a := design(brief{idea: parts[0].Of + " " + string(kind)})
				a.Parts, a.Kinds = slices.Clone(parts), nil
				a.React = true
				a.completeRelations()
				tree := verify.Tree{Files: a.files()}
				checked(t, l, tree)
				usedApp{steps: pagesOpened(a)}.use(t, ctx, served(t, l, tree), "/")
			})
		}
	}
}

// pagesOpened are steps that open each page of an app with React by its name.
func pagesOpened(a *app) []string {
	var steps []string
	for i, p := range a.Places() {
		steps = append(steps, "press("+script(p.Title)+")")
		if i > 0 {
			steps = append(steps, "document.querySelector('h1').textContent === "+script(p.Title))
		}
	}
	return steps
}

// app is the app of the idea after the changes.
func (c usedApp) app(t *testing.T) *app {
	t.Helper()
	a := design(brief{idea: c.idea})
	for _, change := range c.changes {
		a.change(change)
	}
	if len(a.Wishes) > 0 {
		t.Errorf("not understood: %v", a.Wishes)
	}
	return a
}

func (c usedApp) use(t *testing.T, ctx context.Context, site http.Handler, page string) {
	srv := httptest.NewServer(site)
	defer srv.Close()
	use(t, ctx, srv.URL+page, c.steps...)
}
