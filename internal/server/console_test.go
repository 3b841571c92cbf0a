package server

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"codeforge/internal/browser/browsertest"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	devlog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	devpage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// guest is somebody who uses the console in a browser.
type guest struct {
	*testing.T
	ctx  context.Context
	base string
	axe  string

	width    int64    // of the window
	also     string   // the port of another server that the page may ask
	expected []string // what of the browser's complaints is to be

	mu      sync.Mutex
	trouble []string // what the browser complained of, and requests to others
}

func openConsole(t *testing.T, base string) *guest {
	t.Helper()
	axe, err := os.ReadFile("../browser/axe/axe.min.js")
	if err != nil {
		t.Fatal(err)
	}
	v := &guest{T: t, ctx: browsertest.Open(t, 10*time.Minute), base: base, axe: string(axe), expected: []string{"409", "429"}} // a conflict that was to be, and a wait
	own, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Listen(v.ctx, func(ev any) { v.heard(ev, own.Port()) }); err != nil {
		t.Fatal(err)
	}
	for _, enable := range []func() error{
		func() error { _, err := chromedp.Call(v.ctx, network.Enable, network.EnableParams{}); return err },
		func() error { _, err := chromedp.Call(v.ctx, devlog.Enable, struct{}{}); return err },
		func() error { _, err := chromedp.Call(v.ctx, runtime.Enable, struct{}{}); return err },
		func() error {
			_, err := chromedp.Call(v.ctx, devpage.AddScriptToEvaluateOnNewDocument, devpage.AddScriptToEvaluateOnNewDocumentParams{Source: shifts})
			return err
		},
	} {
		if err := enable(); err != nil {
			t.Fatal(err)
		}
	}
	return v
}

// heard notes what must not happen: exceptions, errors in the console, requests to another host.
func (v *guest) heard(ev any, port string) {
	what := ""
	switch e := ev.(type) {
	case *runtime.EventExceptionThrown:
		what = "exception: " + e.ExceptionDetails.Text
		if x := e.ExceptionDetails.Exception; x != nil {
			what += " " + x.Description
		}
	case *devlog.EventEntryAdded:
		if e.Entry.Level == "error" && !slices.ContainsFunc(v.expected, func(s string) bool { return strings.Contains(e.Entry.Text, s) }) {
			what = "logged: " + e.Entry.Text
		}
	case *network.EventRequestWillBeSent:
		at, err := url.Parse(e.Request.URL)
		if err == nil && at.Host != "" && !(at.Hostname() == "127.0.0.1" || strings.HasSuffix(at.Hostname(), ".localhost")) || err == nil && at.Host != "" && at.Port() != port && at.Port() != v.also {
			what = "request to " + e.Request.URL
		}
	}
	if what != "" {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.trouble = append(v.trouble, what)
	}
}

func (v *guest) quiet() {
	v.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, what := range v.trouble {
		v.Error(what)
	}
}

func (v *guest) do(what string, actions ...chromedp.Action[chromedp.Void]) {
	v.Helper()
	if err := chromedp.Do(v.ctx, actions...); err != nil {
		v.Fatalf("%s: %v", what, err)
	}
}

// eval is what a script comes to, as a text.
func (v *guest) eval(script string) string {
	v.Helper()
	s, err := chromedp.Run(v.ctx, chromedp.Evaluate[string](script, chromedp.EvalAwaitPromise))
	if err != nil {
		v.Fatalf("%.200s: %v", script, err)
	}
	return s
}

// until waits, frame by frame, until an expression is true in the page.
func (v *guest) until(condition string) {
	v.Helper()
	script := `new Promise(done => { const began = Date.now(), look = () => { if (` + condition + `) done("yes"); else if (Date.now() - began > 90000) done("no"); else setTimeout(look, 30); }; look(); })`
	if v.eval(script) != "yes" {
		v.Fatalf("it never came to be that %s; the page says:\n%s", condition, v.eval(`location.hash + "\n" + document.body.innerText.slice(0, 3000)`))
	}
}

// visible is what of the page is meant and can be seen.
func visible(selector string) string {
	return `[...document.querySelectorAll(` + quoted(selector) + `)].find(e => e.checkVisibility())`
}

// has waits until something is to be seen.
func (v *guest) has(selector string) {
	v.Helper()
	v.until(visible(selector))
}

func (v *guest) press(selector string) {
	v.Helper()
	v.has(selector)
	v.eval(`(` + visible(selector) + `.click(), "")`)
}

// turn goes to a pane of a project, where there is no room for it beside the others.
func (v *guest) turn(pane string) {
	v.Helper()
	n := map[string]int{"chat": 1, "work": 2, "preview": 3}[pane]
	v.eval(fmt.Sprintf(`(document.querySelectorAll(".workspace > .choice button:nth-child(%d)").forEach(b => b.checkVisibility() && b.click()), "")`, n))
	v.has("." + pane + "-pane")
	v.asked()
}

func (v *guest) open(hash string) {
	v.Helper()
	v.eval(`(location.hash = ` + quoted(hash) + `, "")`)
}

func quoted(s string) string {
	b, _ := json.Marshal(s) // texts always marshal
	return string(b)
}

// look has the page shown in a size and scheme.
func (v *guest) look(width int64, scheme string) {
	v.Helper()
	v.width = width
	v.do("size", chromedp.EmulateViewport(width, 800))
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}}
	if _, err := chromedp.Call(v.ctx, emulation.SetEmulatedMedia, media); err != nil {
		v.Fatal(err)
	}
}

// accessible has axe-core look at the screen, by the rules of WCAG 2.2 AA.
func (v *guest) accessible(screen string) {
	v.Helper()
	v.eval("if (!window.axe) {" + v.axe + "}\n''")
	found := v.eval(`new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))).then(() => axe.run(document, {iframes: false, runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}))
		.then(r => r.violations.flatMap(x => x.nodes.map(n => x.id + ": " + n.target.join(" ") + ": " + n.failureSummary)).slice(0, 8).join("\n"))`)
	if found != "" {
		v.Errorf("%s: %s", screen, found)
	}
	v.fits(screen)
}

// fits looks whether the screen is wider than the window.
func (v *guest) fits(screen string) {
	v.Helper()
	if wide := v.eval(`document.documentElement.scrollWidth > innerWidth ? document.documentElement.scrollWidth + " > " + innerWidth : ""`); wide != "" {
		v.Errorf("%s is wider than the window: %s", screen, wide)
	}
}

// seen looks at a screen where somebody came by: whether it fits and moved by itself, and with axe-core where the long tests run.
func (v *guest) seen(screen string) {
	v.Helper()
	v.steady(screen)
	if os.Getenv("CODEFORGE_SOAK") != "" {
		v.accessible(screen)
	} else {
		v.fits(screen)
	}
}

// shifts has the page sum up how far things moved that nobody moved, and which.
const shifts = `window.shifted = 0; window.movers = []; new PerformanceObserver(list => { for (const e of list.getEntries()) if (!e.hadRecentInput) {
	window.shifted += e.value;
	for (const {node, previousRect: a, currentRect: b} of e.sources) window.movers.push((node?.className || node?.nodeName) + " from " + [a.x, a.y, a.width, a.height] + " to " + [b.x, b.y, b.width, b.height]);
} }).observe({type: "layout-shift", buffered: true});`

// steady looks whether things moved by themselves since it looked last.
func (v *guest) steady(screen string) {
	v.Helper()
	if moved := v.eval(`((s, m) => (window.shifted = 0, window.movers = [], s < 0.1 ? "" : s.toFixed(3) + " of a layout shift: " + m.slice(0, 8).join("; ")))(window.shifted, window.movers)`); moved != "" {
		v.Errorf("%s: things moved by themselves: %s", screen, moved)
	}
}

// asks makes a request from the page, where that waits as long as the limit of requests wants it to.
func (v *guest) asks(method, path string, body, out any) {
	v.Helper()
	sent := "undefined"
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			v.Fatal(err)
		}
		sent = quoted(string(b))
	}
	answer := v.eval(`(async () => { for (;;) {
		const r = await fetch(` + quoted(path) + `, {method: ` + quoted(method) + `, body: ` + sent + `, headers: {"Content-Type": "application/json"}});
		if (r.status === 429) await new Promise(done => setTimeout(done, 1000 * Number(r.headers.get("Retry-After") || 1)));
		else if (!r.ok) throw new Error(r.status + " " + await r.text());
		else return r.text();
	} })()`)
	if err := json.Unmarshal([]byte(answer), out); err != nil {
		v.Fatal(err)
	}
}

// asked says that what moved until now, somebody asked for: what was asked for is on the screen two frames later.
func (v *guest) asked() {
	v.Helper()
	v.eval(`new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done)))).then(() => (window.shifted = 0, window.movers = [], ""))`)
}

// enter writes where the focus is.
func (v *guest) enter(text string) {
	v.Helper()
	if _, err := chromedp.Call(v.ctx, input.InsertText, input.InsertTextParams{Text: text}); err != nil {
		v.Fatal(err)
	}
}

func (v *guest) key(keys string) {
	v.Helper()
	v.do("press "+keys, chromedp.KeyEvent(keys))
}

// Somebody has an idea built, answers what is asked, watches, edits a file that was changed meanwhile, looks at what changed, goes back to
// an older revision, sees an error in the app, has it mended, and what all that took: the whole way, at the limit of requests that servers
// have unless they are told otherwise, with nothing that moves by itself. The soak goes it at each width and in both colour schemes.
func TestConsole(t *testing.T) {
	limit, widths, schemes := 60, []int64{1280}, []string{"light"}
	if os.Getenv("CODEFORGE_SOAK") != "" {
		limit, widths, schemes = 600, []int64{360, 768, 1280}, []string{"light", "dark"} // one that is waited for makes each way longer by half
	}
	p := start(t, t.TempDir(), fmt.Sprint("RATE_LIMIT_PER_MINUTE=", limit))
	for _, width := range widths {
		for _, scheme := range schemes {
			t.Run(fmt.Sprintf("%d_%s", width, scheme), func(t *testing.T) {
				v := openConsole(t, p.Base)
				v.look(width, scheme)
				v.do("open", chromedp.Navigate(p.Base+"/"))
				v.goesTheWholeWay()
				v.quiet()
			})
		}
	}
}

func (v *guest) goesTheWholeWay() {
	v.Helper()
	project := v.buildsAnIdea()
	v.editBesideSomebody(project)
	v.goesBack(project)
	v.mendsAnError(project)
	v.usesKeys(project)

	v.open("#/usage")
	v.until(`/[1-9]/.test(document.querySelector(".totals")?.innerText)`)
	v.seen("usage")
	if loaded := v.eval(`performance.getEntriesByType("resource").map(e => e.name).filter(n => n.endsWith("/signin.js")).join(" ")`); loaded != "" {
		v.Errorf("nobody signs in here, and %s was fetched", loaded)
	}
	v.look(360, "dark")
	v.asked()
	for _, screen := range []string{"?show=chat", "/files/README.md", "/history/1"} {
		v.open("#/projects/" + project + screen)
		v.has(".workspace")
		v.seen(fmt.Sprintf("project%s on a phone", screen))
	}
	v.open("#/")
	v.has(".card")
	v.seen("start on a phone")
}

// buildsAnIdea writes an idea, has it built by a model that asks first, and watches.
func (v *guest) buildsAnIdea() (project string) {
	v.Helper()
	v.has("#idea")
	v.until(`document.fonts.check("16px Geist")`)
	v.steady("start")
	v.accessible("start")
	v.eval(`(window.plainFetch = fetch, window.fetch = (to, init) => plainFetch(to, String(to).endsWith("/run-pipeline") ? {...init, body: init.body.replace('"input_context":{', '"input_context":{"scaffold":"ask",')} : init), "")`)
	v.eval(`(document.querySelector("#idea").focus(), "")`)
	v.enter("A CRM for dog walkers")
	v.press("#build")
	v.has(".run-head .state.warn")
	if v.width < 760 {
		v.press(".to-chat") // there is no room for the questions beside it
		v.asked()
	}
	v.answers()
	v.turn("work")
	v.has(".run-head .state.good")
	v.until(`document.querySelectorAll(".rail .done").length >= 4 && document.querySelectorAll(".run-lines .line").length > 10`)
	v.steady("run")
	v.accessible("run")
	v.turn("preview")
	v.has(".device iframe")
	v.until(`!document.querySelector(".device-waiting")`)
	v.seen("preview")
	v.turn("work")
	v.press(".run-tabs .choice button:nth-child(2)")
	v.has(".run-file .diff-lines .add")
	v.seen("files of a run")
	return strings.Split(v.eval(`location.hash`), "/")[2]
}

// answers the questions of a job, each by a key.
func (v *guest) answers() {
	v.Helper()
	v.has(".questions fieldset.open")
	v.seen("questions")
	v.eval(`(document.activeElement.blur(), "")`)
	const asked = `String([...document.querySelectorAll(".questions fieldset")].findIndex(f => f.matches(".open")))`
	for at := v.eval(asked); at != "-1"; at = v.eval(asked) {
		v.key("1")
		v.until(asked + " !== " + quoted(at))
	}
	v.press(".questions .primary:enabled")
}

// editBesideSomebody edits a file that somebody else writes meanwhile: what both did is kept, and where both did something to one place it
// is asked what stands.
func (v *guest) editBesideSomebody(project string) {
	v.Helper()
	path := "/v1/projects/" + project + "/files/README.md"
	var row struct {
		Content string
		Version int
	}
	v.asks("GET", path, nil, &row)
	v.open("#/projects/" + project + "/files/README.md")
	v.until(`document.querySelector(".editor")?.shadowRoot?.querySelector(".cm-line")`)
	v.seen("files")
	write := func(mine, theirs string) {
		v.eval(`(document.querySelector(".editor").shadowRoot.querySelector(".cm-content").focus(), "")`)
		v.enter(mine)
		v.has("#save:enabled")
		v.asks("PUT", path, map[string]string{"content": theirs}, new(struct{}))
		v.press("#save:enabled")
	}
	write("Mine. ", row.Content+"\nTheirs, below.\n")
	v.has("#save:disabled")
	v.until(`[...document.querySelectorAll(".toast")].some(x => x.innerText.includes("meanwhile"))`)
	v.asks("GET", path, nil, &row)
	if !strings.HasPrefix(row.Content, "Mine. ") || !strings.HasSuffix(row.Content, "Theirs, below.\n") || row.Version != 3 {
		v.Errorf("joined: version %d, %.80q", row.Version, row.Content)
	}

	write("Again. ", "# Theirs\n")
	v.until(`document.querySelector(".merge")?.shadowRoot?.querySelector(".conflict")`)
	v.has("#save-merged:disabled")
	v.accessible("conflict")
	v.eval(`(document.querySelector(".merge").shadowRoot.querySelector(".conflict .both").click(), "")`)
	v.press("#save-merged:enabled")
	v.until(`!document.querySelector("dialog") && document.querySelector("#save:disabled")`)
	v.asks("GET", path, nil, &row)
	if !strings.Contains(row.Content, "Again. Mine. ") || !strings.Contains(row.Content, "# Theirs\n") || row.Version != 5 {
		v.Errorf("settled: version %d, %.80q", row.Version, row.Content)
	}
}

// goesBack looks at what a revision changed, both ways, and restores it.
func (v *guest) goesBack(project string) {
	v.Helper()
	v.open("#/projects/" + project + "/history/3")
	v.has(".diff-lines .add mark")
	v.seen("history")
	if v.width >= 1100 { // there is room for both sides
		v.press(".diff-look button:last-child")
		v.has(".workspace[data-preview=closed] .diff-lines.split")
		v.asked()
		v.seen("history, side by side")
		v.press(".pane-head > .wide-only:last-child")
		v.has(".workspace[data-preview=open]")
		v.asked()
	}
	v.open("#/projects/" + project + "/history/1")
	v.press("#restore")
	v.press("#restore-yes")
	v.until(`location.hash.split("?")[0].endsWith("/history/6")`)
	var row struct{ Content string }
	v.asks("GET", "/v1/projects/"+project+"/files/README.md", nil, &row)
	if strings.Contains(row.Content, "Mine") {
		v.Error("revision 1 was to be restored")
	}
	v.steady("restored")
}

// mendsAnError sees an error of the app in its preview, and has it mended.
func (v *guest) mendsAnError(project string) {
	v.Helper()
	path := "/v1/projects/" + project + "/files/index.html"
	var row struct{ Content string }
	v.asks("GET", path, nil, &row)
	v.asks("PUT", path, map[string]string{"content": strings.Replace(row.Content, "</head>", "<script>throw new Error('Broken on purpose')</script></head>", 1)}, new(struct{}))
	v.turn("preview")
	v.until(`document.querySelector(".page-errors")?.innerText.includes("Broken on purpose")`)
	v.seen("an error of the app")
	v.press("#fix")
	v.until(`location.hash.includes("/run/")`)
	v.turn("work")
	v.has(".run-head .state:is(.good, .bad)")
	v.steady("the run that mends")
	var jobs struct {
		Jobs []struct {
			InputContext struct {
				PreviewErrors bool   `json:"preview_errors"`
				UserMessage   string `json:"user_message"`
			} `json:"input_context"`
		}
	}
	v.asks("GET", "/v1/jobs/"+project+"/list", nil, &jobs)
	if c := jobs.Jobs[0].InputContext; !c.PreviewErrors || !strings.Contains(c.UserMessage, "Broken on purpose") {
		v.Errorf("was told: %+v", c)
	}
}

// usesKeys goes about by keys, until they are turned off.
func (v *guest) usesKeys(project string) {
	v.Helper()
	v.eval(`(document.activeElement.blur(), "")`)
	at := "#/projects/" + project
	closed, opened := `document.querySelector(".workspace[data-preview=closed]")`, `document.querySelector(".workspace[data-preview=open]")`
	if v.width < 1100 {
		closed, opened = visible(".preview-pane"), "!"+visible(".preview-pane")
	}
	for _, step := range []struct{ key, then string }{
		{"d", `location.hash.includes("/history") && document.querySelector(".revisions")`},
		{"[", `/history\/\d+/.test(location.hash)`},
		{"e", `location.hash.includes("/files") && document.querySelector(".tree")`},
		{"]", `/files\/./.test(location.hash)`},
		{"v", closed},
		{"v", opened},
		{"gs", `location.hash.startsWith("#/settings") && document.querySelector(".switch")`},
	} {
		v.key(step.key)
		v.until(step.then)
	}
	v.press(".switch")
	v.key("gj")
	v.key("?")
	if got := v.eval(`location.hash + (document.querySelector("dialog") ? " help" : "")`); !strings.HasPrefix(got, "#/settings") || strings.HasSuffix(got, "help") {
		v.Errorf("keys that are turned off went to %s", got)
	}
	v.press(".switch")
	v.open(at)
}

// Without a console the address of it is what it is to the API.
func TestConsoleOff(t *testing.T) {
	p := start(t, t.TempDir(), "CONSOLE=off")
	resp, err := p.Do(t.Context(), "GET", p.Base+"/", nil, "Accept", "text/html")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); resp.StatusCode != 404 || !strings.Contains(string(body), `"RESOURCE_NOT_FOUND"`) {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
}
