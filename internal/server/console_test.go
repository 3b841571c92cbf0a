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
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// guest is somebody who uses the console in a browser.
type guest struct {
	*testing.T
	ctx  context.Context
	base string
	axe  string

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
	v := &guest{T: t, ctx: browsertest.Open(t, 3*time.Minute), base: base, axe: string(axe), expected: []string{"409"}} // a conflict that was to be
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
	script := `new Promise(done => { const began = Date.now(), look = () => { if (` + condition + `) done("yes"); else if (Date.now() - began > 30000) done("no"); else setTimeout(look, 30); }; look(); })`
	if v.eval(script) != "yes" {
		v.Fatalf("it never came to be that %s; the page says:\n%s", condition, v.eval(`location.hash + "\n" + document.body.innerText.slice(0, 3000)`))
	}
}

func (v *guest) has(selector string) {
	v.Helper()
	v.until(`document.querySelector(` + quoted(selector) + `)`)
}

func (v *guest) press(selector string) {
	v.Helper()
	v.has(selector)
	v.eval(`(document.querySelector(` + quoted(selector) + `).click(), "")`)
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
	v.do("size", chromedp.EmulateViewport(width, 800))
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}}
	if _, err := chromedp.Call(v.ctx, emulation.SetEmulatedMedia, media); err != nil {
		v.Fatal(err)
	}
}

// accessible has axe-core look at the screen, by the rules of WCAG 2.2 AA, and looks whether it is wider than the window.
func (v *guest) accessible(screen string) {
	v.Helper()
	v.eval("if (!window.axe) {" + v.axe + "}\n''")
	found := v.eval(`new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))).then(() => axe.run(document, {iframes: false, runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}))
		.then(r => r.violations.flatMap(x => x.nodes.map(n => x.id + ": " + n.target.join(" ") + ": " + n.failureSummary)).slice(0, 8).join("\n"))`)
	if found != "" {
		v.Errorf("%s: %s", screen, found)
	}
	if wide := v.eval(`document.documentElement.scrollWidth > innerWidth ? document.documentElement.scrollWidth + " > " + innerWidth : ""`); wide != "" {
		v.Errorf("%s is wider than the window: %s", screen, wide)
	}
}

// Somebody has an idea built, watches, edits a file that was changed meanwhile, goes back to an older revision, and sees the result: the
// whole way, at the limit of requests that servers have unless they are told otherwise.
func TestConsole(t *testing.T) {
	p := start(t, t.TempDir(), "RATE_LIMIT_PER_MINUTE=60")
	v := openConsole(t, p.Base)
	v.look(1280, "light")
	v.do("open", chromedp.Navigate(p.Base+"/"))
	v.has("#idea")
	v.until(`document.fonts.check("16px Geist")`)
	v.accessible("start")
	v.eval(`(document.querySelector("#idea").focus(), "")`)
	if _, err := chromedp.Call(v.ctx, input.InsertText, input.InsertTextParams{Text: "A CRM for dog walkers"}); err != nil {
		t.Fatal(err)
	}
	v.press("#build")
	v.has(".run-head .state.good")
	project := strings.Split(v.eval(`location.hash`), "/")[2]
	v.until(`document.querySelectorAll(".rail .done").length >= 4 && document.querySelectorAll(".run-lines .line").length > 10`)
	v.has(".device iframe")
	v.until(`!document.querySelector(".device-waiting")`)
	v.accessible("run")
	files := "/v1/projects/" + project + "/files/"
	v.editBesideSomebody(p, project)

	v.open("#/projects/" + project + "/history/1")
	v.has(".diff-lines .add")
	v.accessible("history")
	v.press("#restore")
	v.press("#restore-yes")
	v.until(`location.hash.endsWith("/history/4")`)
	var row struct{ Content string }
	p.must(t, files+"README.md", &row)
	if strings.Contains(row.Content, "Mine") {
		t.Error("revision 1 was to be restored")
	}
	v.look(360, "dark")
	for _, screen := range []string{"", "?show=chat", "/files/README.md", "/history/1", "/files?show=preview"} {
		v.open("#/projects/" + project + screen)
		v.has(".workspace")
		v.accessible(fmt.Sprintf("project%s on a phone", screen))
	}
	v.open("#/")
	v.has(".card")
	v.accessible("start on a phone")
	v.quiet()
}

// editBesideSomebody edits a file that somebody else writes meanwhile, and keeps both.
func (v *guest) editBesideSomebody(p *process, project string) {
	v.Helper()
	path := "/v1/projects/" + project + "/files/README.md"
	v.open("#/projects/" + project + "/files/README.md")
	v.until(`document.querySelector(".editor")?.shadowRoot?.querySelector(".cm-line")`)
	v.accessible("files")
	v.eval(`(document.querySelector(".editor").shadowRoot.querySelector(".cm-content").focus(), "")`)
	if _, err := chromedp.Call(v.ctx, input.InsertText, input.InsertTextParams{Text: "Mine. "}); err != nil {
		v.Fatal(err)
	}
	v.has("#save:enabled")
	p.caller.must(v.T, "PUT", path, map[string]string{"content": "# Theirs\n"}, new(struct{}))
	v.press("#save:enabled")
	v.has("#save-mine")
	v.until(`document.querySelector(".merge")?.shadowRoot?.querySelectorAll(".cm-editor").length === 2`)
	v.accessible("conflict")
	v.press("#save-mine")
	v.until(`!document.querySelector("dialog") && document.querySelector("#save:disabled")`)
	var row struct {
		Content string
		Version int
	}
	p.must(v.T, path, &row)
	if !strings.Contains(row.Content, "Mine. ") || row.Version != 3 {
		v.Errorf("saved: version %d, %.80q", row.Version, row.Content)
	}
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
