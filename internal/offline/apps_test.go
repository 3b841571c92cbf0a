package offline

import (
	"context"
	_ "embed"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"strings"
	"testing"
	"testing/fstest"
	"time"

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
// page anew. Nothing may be thrown on the way.
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
	{"A kanban board for my team's tasks", "", nil, []string{`press("Add examples")`, `key("Move Call the printer", "ArrowRight")`, `column("In progress", "Call the printer")`, "reload", `column("In progress", "Call the printer")`, `press("Delete Call the printer")`, `press("Delete")`, `!column("In progress", "Call the printer")`}},
	{"habit tracker with a heat map", "heatmap.html", nil, []string{`press("Add examples")`, `pressed("Drink water", false)`, `press("Drink water")`, `pressed("Drink water", true)`, "reload", `pressed("Drink water", true)`, `pick(".heat.chosen")`, `kept("day", "")`}}, // tomorrow it is at tomorrow
	{"calculator", "", nil, []string{`press("1")`, `press("divided by")`, `"10000000".split("").every((digit) => press(digit))`, `press("Equals")`, `press("times")`, `press("2")`, `sees("= 2e−7")`}},
	{"stopwatch", "", nil, []string{`press("Start")`, full, `sees("00:01.")`, `seesNot("storage is full")`, `press("Lap")`, `sees("storage is full")`}},
	{"reading list", "", nil, []string{full, `press("Add examples")`, `sees("storage is full")`, `seesNot("Examples were added")`}},
	{"event calendar", "", nil, []string{`press("Add examples")`, `sees("Summer party")`, `press("Month after")`, `press("Today")`, "reload", `sees("Book club")`}},
	{"chess clock", "", nil, []string{`press("Player 2")`, `sees("Player 1 thinks.")`, "reload", `sees("Player 1 thinks.")`, `press("Pause")`, `sees("Paused")`}},
	{"bill splitter", "", nil, []string{`type("Name", "Ada, Bob")`, `press("Add")`, `type("Amount", "30")`, `press("Add the cost")`, `sees("Bob pays Ada")`, "reload", `sees("$15.00")`, `press("Delete Costs")`, `sees("Nobody owes anything.")`}},
	{"secret santa", "", nil, []string{`type("Name", "Ada, Bob, Cleo")`, `press("Add")`, `press("Draw lots")`, `press("Open the lot of Ada")`, "reload", `press("Close the lot of Ada")`, `seesNot("Close the lot of Ada")`}},
}

func TestAppsAreUsed(t *testing.T) {
	ctx := browsertest.Open(t, 10*time.Minute)
	for _, c := range append(usedApps, tracker) {
		t.Run(c.idea, func(t *testing.T) { c.use(t, ctx, built(t, c.app(t).files()), "/"+c.page) })
	}
}

// TestReactAppsAreUsed: with React an app does the same. Without CODEFORGE_SOAK that is the tracker alone.
func TestReactAppsAreUsed(t *testing.T) {
	list := []usedApp{tracker}
	if os.Getenv("CODEFORGE_SOAK") != "" {
		list = append(list, usedApps...)
	}
	client := typestest.Packages(t)
	l := evidence.New(evidence.Options{Verifier: verify.NewVerifier(sandbox.Options{}), Packages: func(context.Context) (*npm.Client, error) { return client, nil }})
	t.Cleanup(l.Close)
	ctx := browsertest.Open(t, 10*time.Minute)
	for _, c := range list {
		t.Run(c.idea, func(t *testing.T) {
			a := c.app(t)
			a.React = true
			c.use(t, ctx, served(t, l, verify.Tree{Files: a.files()}), "/#/"+strings.TrimSuffix(c.page, ".html"))
		})
	}
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
