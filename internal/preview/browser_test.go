package preview

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"codeforge"
	"codeforge/internal/auth"
	"codeforge/internal/browser/browsertest"
	"codeforge/internal/verify"
)

// tab is a page in a real browser, on previews of a server of its own.
type tab struct {
	t    *testing.T
	ctx  context.Context
	s    *Server
	sh   *shelf
	port string

	mu      sync.Mutex
	errors  []codeforge.PreviewError
	changed chan struct{} // gets a word with each report
}

// newTab serves previews of files to a browser that has opened nothing yet.
func newTab(t *testing.T, files map[string]string, change ...func(*Options)) *tab {
	t.Helper()
	b := &tab{t: t, sh: newShelf(), changed: make(chan struct{}, 100)}
	b.sh.put(codeforge.LocalUserID, project, files)
	o := b.sh.options(Options{Watch: 20 * time.Millisecond, AddErrors: func(_ context.Context, _ codeforge.User, _ string, list []codeforge.PreviewError) error {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.errors = append(b.errors, list...)
		b.changed <- struct{}{}
		return nil
	}})
	for _, c := range change {
		c(&o)
	}
	b.s = New(o)
	srv := httptest.NewServer(b.s)
	t.Cleanup(srv.Close)
	t.Cleanup(b.s.Close) // before: it ends what the server would wait for
	u, _ := url.Parse(srv.URL)
	b.port = u.Port()
	b.ctx = browsertest.Open(t, 2*time.Minute)
	return b
}

// home is where the newest revision is shown.
func (b *tab) home() string { return "http://" + project + ".localhost:" + b.port + "/" }

func (b *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, actions...); err != nil {
		b.t.Fatal(err)
	}
}

// eval is what a script in the page comes to, as text.
func (b *tab) eval(script string) string {
	b.t.Helper()
	s, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](script, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%s: %v", script, err)
	}
	return s
}

// reported waits for so many errors.
func (b *tab) reported(n int) []codeforge.PreviewError {
	b.t.Helper()
	for {
		b.mu.Lock()
		list := slices.Clone(b.errors)
		b.mu.Unlock()
		if len(list) >= n {
			return list
		}
		select {
		case <-b.changed:
		case <-b.ctx.Done():
			b.t.Fatalf("%d of %d errors were reported: %+v", len(list), n, list)
		}
	}
}

// until waits for a condition in the page, which may be loaded again meanwhile.
func (b *tab) until(condition string) {
	b.t.Helper()
	for {
		s, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`new Promise(done => requestAnimationFrame(() => done(String(`+condition+`))))`, chromedp.EvalAwaitPromise))
		if err == nil && s == "true" {
			return
		}
		if b.ctx.Err() != nil {
			b.t.Fatalf("never came true: %s: %s, %v", condition, s, err)
		}
	}
}

// overlay is what the script shows over the page, where the page itself cannot look, as a screen reader tells it, with the rest of
// the page.
func (b *tab) overlay() string {
	b.t.Helper()
	if got := b.eval(`String(document.querySelector("codeforge-preview")?.shadowRoot)`); got != "null" {
		b.t.Errorf("the page can reach %s", got)
	}
	tree, err := chromedp.Run(b.ctx, func(ctx context.Context, t *chromedp.Target) (accessibility.GetFullAXTreeResult, error) {
		return cdp.Call(ctx, t, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	})
	if err != nil {
		b.t.Fatal(err)
	}
	var text []string
	for _, n := range tree.Nodes {
		if n.Name != nil && len(n.Name.Value) > 2 {
			text = append(text, strings.Trim(string(n.Name.Value), `"`))
		}
	}
	return strings.Join(text, "\n")
}

const shown = `!!document.querySelector("codeforge-preview")`

// What goes wrong in a page is shown over it and reported, with its place; the page itself notices nothing.
func TestErrorsInPages(t *testing.T) {
	b := newTab(t, map[string]string{
		"index.html": `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>T</title><script>window.first = document.scripts.length + document.head.children.length;</script>
<script src="js/app.js" defer></script></head><body><button id="throw">x</button><button id="reject">x</button><button id="handled">x</button><button id="load">x</button></body></html>`,
		"js/app.js": `document.querySelector("#throw").addEventListener("click", () => {
  inner();
});
function inner() { null.missing; }
document.querySelector("#reject").addEventListener("click", () => { Promise.reject(new TypeError("no such thing")); });
document.querySelector("#handled").addEventListener("click", () => { addEventListener("error", (e) => e.preventDefault(), { once: true }); throw new Error("handled"); });
document.querySelector("#load").addEventListener("click", () => { const s = document.createElement("script"); s.type = "module"; s.src = "/gone.js"; document.head.append(s); });
`})
	b.do(chromedp.Navigate(b.home()))
	if got := b.eval(`JSON.stringify([window.first, document.documentElement.outerHTML.includes("__preview"), Object.keys(window).filter(k => /codeforge|preview/i.test(k)), sessionStorage.length])`); got != `[4,false,[],0]` {
		t.Errorf("the page finds %s", got)
	}
	b.do(chromedp.Click(css("#handled")), chromedp.Click(css("#throw")))
	got := b.reported(1)[0]
	if got.Kind != codeforge.PreviewException || !strings.Contains(got.Message, "null") || got.File != "js/app.js" || got.Line != 4 || got.Column < 25 || got.Revision != 1 || got.Page != "/" || !strings.Contains(got.Stack, "inner js/app.js:4:") {
		t.Errorf("%+v", got)
	}
	b.until(shown)
	if text := b.overlay(); !strings.Contains(text, "An error in this page") || !strings.Contains(text, "js/app.js:4:") || strings.Contains(text, "handled") {
		t.Errorf("it shows %s", text)
	}
	b.do(chromedp.Click(css("#throw")), chromedp.Click(css("#reject"))) // the first is known
	if got := b.reported(2)[1]; got.Kind != codeforge.PreviewRejection || got.Message != "TypeError: no such thing" || got.Line != 5 {
		t.Errorf("%+v", got)
	}
	b.do(chromedp.Click(css("#load")))
	if got := b.reported(3)[2]; got.Kind != codeforge.PreviewLoad || !strings.Contains(got.Message, "/gone.js") {
		t.Errorf("%+v", got)
	}
	b.eval(`fetch("https://elsewhere.example/").then(String, () => "refused")`)
	if got := b.reported(4)[3]; got.Kind != codeforge.PreviewBlocked || !strings.Contains(got.Message, "https://elsewhere.example/") || !strings.Contains(got.Message, "connect-src") {
		t.Errorf("%+v", got)
	}
	// By keyboard: it is in the order of tabs, after the page's own, and Escape or its button take it away.
	b.do(chromedp.Focus(css("#load")), chromedp.KeyEvent(kb.Tab))
	if at := b.eval(`document.activeElement.localName`); at != "codeforge-preview" {
		t.Errorf("the tab leads to %s", at)
	}
	b.do(chromedp.KeyEvent(kb.Escape))
	b.until("!" + shown)
	if at := b.eval(`document.activeElement.id`); at != "load" {
		t.Errorf("the focus is at %q", at)
	}
}

// Errors in what was built are told where they were written, in TypeScript, in a component, in a page's own script.
func TestErrorsInBuiltScripts(t *testing.T) {
	b := newTab(t, map[string]string{
		"index.html": "<!doctype html>\n<body>\n<script type=\"module\">\nimport { start } from './src/main';\nstart();\n\n  setTimeout(() => { throw new Error('in the page'); });\n</script>",
		"src/main.ts": `import { open } from "./dialog/open";

interface Options { name: string; size?: number }

export function start(options: Options = { name: "x" }): void {
  setTimeout(() => {
    open(options.name as string);
  });
}
`,
		"src/dialog/open.ts": `type Name = string;

export const open = (name: Name): never => {
  const list: undefined | string[] = undefined;
  return list!.map((s: string) => s + name) as never;
};
`})
	b.do(chromedp.Navigate(b.home()))
	got := b.reported(2)
	slices.SortFunc(got, func(a, b codeforge.PreviewError) int { return strings.Compare(a.File, b.File) })
	if e := got[0]; e.File != "index.html" || e.Line != 7 || e.Message != "Error: in the page" {
		t.Errorf("%+v", e)
	}
	if e := got[1]; e.File != "src/dialog/open.ts" || e.Line != 5 || !strings.Contains(e.Stack, "src/main.ts:7:") {
		t.Errorf("%+v", e)
	}
	b.until(shown)
	if text := b.overlay(); !strings.Contains(text, "src/dialog/open.ts:5:") || strings.Contains(text, "__bundle") {
		t.Errorf("it shows %s", text)
	}
}

// A page whose own policy lets nothing through, and that tells of types, is served as it is; where reports are let through they come.
func TestStrictPages(t *testing.T) {
	b := newTab(t, map[string]string{
		"index.html": `<!doctype html><meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'self'; require-trusted-types-for 'script'; connect-src 'self'"><title>T</title><p>home</p><script src="a.js"></script>`,
		"mute.html":  `<!doctype html><meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'self'"><title>T</title><p>home</p><script src="a.js"></script>`,
		"a.js":       "throw new Error('strict')"})
	b.do(chromedp.Navigate(b.home()))
	if got := b.reported(1)[0]; got.Message != "Error: strict" || got.File != "a.js" {
		t.Errorf("%+v", got)
	}
	b.until(shown)
	b.do(chromedp.Navigate(b.home() + "mute.html"))
	b.until(shown)
	if text := b.overlay(); !strings.Contains(text, "Error: strict") {
		t.Errorf("it shows %s", text)
	}
	if list := b.reported(1); len(list) != 1 {
		t.Errorf("%+v", list)
	}
}

// A page is loaded again, where it was scrolled to, once for each newer build; one that does not build is told over the page
// that is there.
func TestLiveReload(t *testing.T) {
	page := func(text, script string) map[string]string {
		return map[string]string{"index.html": `<!doctype html><title>T</title><h1>` + text + `</h1><main></main><script type="module" src="main.ts"></script>`,
			"main.ts": `const main: HTMLElement = document.querySelector("main")!;
				localStorage.loads = Number(localStorage.loads ?? 0) + 1;
				setTimeout(() => { main.style.height = "5000px"; main.style.display = "block"; }, 20);` + script}
	}
	b := newTab(t, page("first", ""))
	b.do(chromedp.Navigate(b.home()))
	b.until(`document.documentElement.scrollHeight > 5000`)
	b.eval(`(scrollTo(0, 1234), String(sessionStorage.length))`)
	b.sh.put(codeforge.LocalUserID, project, page("second", ""))
	b.until(`document.querySelector("h1").textContent === "second" && scrollY === 1234 && localStorage.loads === "2" && sessionStorage.length === 0`)
	b.sh.put(codeforge.LocalUserID, project, page("third", "foo(;"))
	b.until(shown)
	if text := b.overlay(); !strings.Contains(text, "Revision 3 does not build") || !strings.Contains(text, "main.ts:3:") || !strings.Contains(text, "Unexpected") {
		t.Errorf("it shows %s", text)
	}
	if got := b.eval(`document.querySelector("h1").textContent + scrollY + localStorage.loads`); got != "second12342" {
		t.Errorf("the page is lost: %s", got)
	}
	b.sh.put(codeforge.LocalUserID, project, page("fourth", ""))
	b.until(`document.querySelector("h1").textContent === "fourth" && scrollY === 1234 && localStorage.loads === "3" && !` + shown)
	// From a page of ours too: what does not build is shown as soon as it does.
	b.sh.put(codeforge.LocalUserID, project, page("fifth", "foo(;"))
	b.do(chromedp.Navigate(b.home()))
	b.until(`document.querySelector("h1").textContent === "This project does not build yet"`)
	b.sh.put(codeforge.LocalUserID, project, page("sixth", ""))
	b.until(`document.querySelector("h1").textContent === "sixth"`)
	// An older revision is what it is.
	b.do(chromedp.Navigate(strings.Replace(b.home(), ".localhost", "-r1.localhost", 1)))
	b.until(`document.querySelector("h1").textContent === "first"`)
}

// The page of a job's working tree follows the job.
func TestLiveReloadOfAJob(t *testing.T) {
	const job = "0190a5b2-3333-7000-8000-000000000003"
	var mu sync.Mutex
	tree := WorkingTree{ProjectID: project, Revision: 1}
	set := func(version, text string) {
		mu.Lock()
		defer mu.Unlock()
		tree.Version, tree.Tree = version, func(context.Context) (verify.Tree, error) {
			if text == "" {
				return verify.Tree{}, nil
			}
			return verify.Tree{Files: map[string]string{"index.html": "<h1>" + text + "</h1>"}}, nil
		}
	}
	set("1", "")
	b := newTab(t, app, func(o *Options) {
		o.WorkingTree = func(context.Context, codeforge.User, string) (WorkingTree, error) {
			mu.Lock()
			defer mu.Unlock()
			return tree, nil
		}
	})
	b.do(chromedp.Navigate("http://" + job + "-job.localhost:" + b.port + "/"))
	for _, text := range []string{"one", "two"} {
		set(text, text)
		b.until(`document.querySelector("h1").textContent === "` + text + `"`)
	}
}

// A console is told what happens in the page that it frames; who may not frame it is not.
func TestConsole(t *testing.T) {
	srv := console(t)
	b := newTab(t, map[string]string{"index.html": `<!doctype html><h1>first</h1><script src="a.js"></script><iframe src="/inner.html"></iframe>`, "inner.html": "<p>x", "a.js": "throw new Error('in the frame')"},
		func(o *Options) { o.Embedders = []string{"https://other.example", srv.URL} })
	b.do(chromedp.Navigate(srv.URL + "/#" + b.home()))
	b.until(`heard.some(m => m.type === "error")`)
	b.sh.put(codeforge.LocalUserID, project, map[string]string{"index.html": `<h1>second</h1>`})
	b.until(`heard.some(m => m.type === "loaded" && m.revision === 2)`)
	got := b.eval(`JSON.stringify(heard.filter(m => m.page !== "/inner.html" && m.origin === new URL(location.hash.slice(1)).origin).map(({ origin, ...m }) => m))`)
	want := `[{"source":"codeforge-preview","version":1,"type":"loaded","revision":1,"job":null,"page":"/"},` +
		`{"source":"codeforge-preview","version":1,"type":"error","revision":1,"job":null,"page":"/","error":{"kind":"error","message":"Error: in the frame","file":"a.js","line":1,"column":7,"stack":""}},` +
		`{"source":"codeforge-preview","version":1,"type":"updated","revision":1,"job":null,"page":"/","to":2},` +
		`{"source":"codeforge-preview","version":1,"type":"loaded","revision":2,"job":null,"page":"/"}]`
	if got != want {
		t.Errorf("it heard %s", got)
	}
	stranger := strings.Replace(srv.URL, "127.0.0.1", "localhost", 1)
	b.do(chromedp.Navigate(stranger + "/#" + b.home()))
	b.until(`window.loaded`)
	if got := b.eval(`JSON.stringify(heard)`); got != "[]" {
		t.Errorf("a stranger heard %s", got)
	}
}

// A console of another site frames the preview of somebody who has signed in there: its ticket opens it, its reports come, it follows
// new revisions; without a ticket nothing opens, whatever site frames it.
func TestConsoleOfAnotherSite(t *testing.T) {
	srv := console(t)
	b := newTab(t, map[string]string{"index.html": `<!doctype html><h1>first</h1><script src="a.js"></script>`, "a.js": "throw new Error('in the frame')"}, func(o *Options) {
		o.TicketNeeded, o.Keys, o.Embedders = true, auth.NewKeyring([]byte("0123456789abcdef")), []string{srv.URL, strings.Replace(srv.URL, "127.0.0.1", "localhost", 1)}
	})
	b.sh.put(userID, project, map[string]string{"index.html": `<!doctype html><h1>first</h1><script src="a.js"></script>`, "a.js": "throw new Error('in the frame')"})
	b.do(chromedp.Navigate(srv.URL + "/#" + b.s.Address("http", "x:"+b.port, codeforge.User{ID: userID}, project, 0, false)))
	b.until(`heard.some(m => m.type === "error")`)
	if got := b.reported(1)[0]; got.Message != "Error: in the frame" || got.Revision != 2 {
		t.Errorf("%+v", got)
	}
	b.sh.put(userID, project, map[string]string{"index.html": "<h1>second</h1>"})
	b.until(`heard.some(m => m.type === "loaded" && m.revision === 3)`)
	// What was let in by a ticket in a frame of one site is so in frames of that site alone.
	for _, at := range []string{b.home(), strings.Replace(srv.URL, "127.0.0.1", "localhost", 1) + "/#" + b.home()} {
		b.do(chromedp.Navigate("about:blank"), chromedp.Navigate(at))
		b.until(`document.title !== "" && (window.loaded ?? true)`)
		if got := b.eval(`document.body.innerText + JSON.stringify(window.heard ?? [])`); !strings.Contains(got, "needs a fresh link") && got != "[]" {
			t.Errorf("%s shows %s", at, got)
		}
	}
}

// console serves a page that frames what its address names, and keeps what it is told.
func console(t *testing.T) *httptest.Server {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(`<!doctype html><title>console</title><script>
			const heard = [];
			window.heard = heard;
			window.loaded = false;
			addEventListener("message", (e) => heard.push({ origin: e.origin, ...e.data }));
			addEventListener("load", () => { const f = document.createElement("iframe"); f.onload = () => { window.loaded = true; }; f.src = location.hash.slice(1); document.body.append(f); });
		</script><body>`))
	}))
	t.Cleanup(srv.Close)
	return srv
}

type css = chromedp.CSS
