package browser

import (
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	cdpbrowser "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/cdp/jsonv2"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/cdproto/target"
)

//go:embed axe/axe.min.js
var axeScript string

// The windows of a run.
const (
	Wide   = 1280
	Narrow = 360
)

// Bounds of a run.
const (
	maxPages      = 6
	maxControls   = 60
	maxWindows    = 20      // that pages open
	maxScreenshot = 1 << 20 // bytes
	maxPageName   = 500     // bytes of a page's address
)

// run is one pass over a site in one browser.
type run struct {
	site     site
	client   *client
	browser  session
	half     time.Time      // from when on it ends early if there are errors
	patience time.Duration  // with one step of a page
	spent    func() *effort // by the browser
	clock    float64        // when the pages' time begins, in seconds since 1970
	sources  *sources

	mu      sync.Mutex
	raw     []noted         // what was found, not yet placed in the sources
	reach   map[string]bool // other hosts that pages asked for
	opening bool            // a window, which is ours
	windows int
	working *tab

	pages    []string        // in the order in which they were met
	lost     map[string]bool // pages that are not opened again
	visited  map[string]bool
	seen     map[string]bool    // controls, by their keys
	retried  map[string]bool    // those that had a second chance
	used     int                // controls that were used
	idle     map[string]Finding // by the keys of controls
	shots    []Screenshot
	findings findings
	rest     string // why it did not see all of the site; "": it did
}

func newRun(s site, p *proxy, clock float64, half time.Time, patience time.Duration) *run {
	return &run{site: s, clock: clock, patience: patience, half: half, sources: &sources{proxy: p}, reach: map[string]bool{}, lost: map[string]bool{}, visited: map[string]bool{}, seen: map[string]bool{}, retried: map[string]bool{}, idle: map[string]Finding{}}
}

// noted is a finding with its place in what is served.
type noted struct {
	Finding
	at position
}

func (r *run) origin() string { return r.site.origin.String() }

func (r *run) note(f Finding, at position) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.raw) < 10*maxFindings {
		r.raw = append(r.raw, noted{f, at})
	}
}

func (r *run) noteReach(host string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.reach) < maxHosts {
		r.reach[host] = true
	}
}

// failing reports whether an error was found.
func (r *run) failing() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.ContainsFunc(r.raw, func(n noted) bool { return n.Severity == Error })
}

// reachedOut reports whether the pages asked other hosts for something.
func (r *run) reachedOut() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.reach) > 0
}

// place puts what was found so far into the list, with its place in the sources.
func (r *run) place(ctx context.Context) {
	r.mu.Lock()
	raw := r.raw
	r.raw = nil
	r.mu.Unlock()
	for _, n := range raw {
		if n.at.address != "" {
			n.File, n.Line, n.Column = r.sources.place(ctx, n.at.address, int(n.at.line), int(n.at.column))
		}
		r.findings.add(n.Finding)
	}
}

// handle is told of what happens in the browser beside its pages. Windows that pages open are closed: what is in them is either a page of
// the site, which is opened for itself, or none of it.
func (r *run) handle(method string, params jsonv2.Value) {
	switch method {
	case target.TargetCreated.Method:
		on(params, func(e target.EventTargetCreated) {
			if e.TargetInfo.Type != "page" {
				return
			}
			r.mu.Lock()
			ours := r.opening && e.TargetInfo.OpenerID == ""
			r.opening = r.opening && !ours
			r.mu.Unlock()
			if ours {
				return
			}
			send(r.browser, target.CloseTarget, target.CloseTargetParams{TargetID: e.TargetInfo.TargetID})
			r.mu.Lock()
			r.windows++
			excess, t := r.windows == maxWindows, r.working
			r.mu.Unlock()
			if t == nil {
				return
			}
			t.change(func() { t.effects++ })
			if excess {
				t.end(KindExcess, "The page opens windows without end")
			}
		})
	case cdpbrowser.DownloadWillBegin.Method:
		r.mu.Lock()
		t := r.working
		r.mu.Unlock()
		if t != nil {
			t.change(func() { t.effects++ })
		}
	}
}

// begin takes over a browser that was started.
func (r *run) begin(p *process) {
	r.client, r.spent = p.client, p.spent.Load
	r.browser = r.client.on("", r.handle)
}

// room opens a storage of its own, with a window on it.
func (r *run) room(ctx context.Context, width int) (*tab, error) {
	made, err := call(ctx, r.browser, target.CreateBrowserContext, target.CreateBrowserContextParams{DisposeOnDetach: new(true)})
	if err != nil {
		return nil, err
	}
	if _, err := call(ctx, r.browser, cdpbrowser.SetDownloadBehavior, cdpbrowser.SetDownloadBehaviorParams{Behavior: cdpbrowser.SetDownloadBehaviorBehaviorDeny,
		BrowserContextID: made.BrowserContextID, EventsEnabled: new(true)}); err != nil {
		return nil, err
	}
	return r.newTab(ctx, made.BrowserContextID, width)
}

// leave ends a storage with all its windows.
func (r *run) leave(ctx context.Context, in cdp.BrowserContextID) error {
	r.mu.Lock()
	r.working = nil
	r.mu.Unlock()
	ctx, cancel := r.impatient(ctx)
	defer cancel()
	_, err := call(ctx, r.browser, target.DisposeBrowserContext, target.DisposeBrowserContextParams{BrowserContextID: in})
	return err
}

// window is a tab that is replaced when its page was lost.
type window struct {
	r       *run
	t       *tab
	opening string // the page that was opened last
}

// tab is the window's, in place of one that was lost.
func (w *window) tab(ctx context.Context) (*tab, error) {
	if w.t.life.Err() == nil {
		return w.t, nil
	}
	w.t.close(ctx)
	t, err := w.r.newTab(ctx, w.t.context, w.t.width)
	if err == nil {
		w.t = t
	}
	return t, err
}

// lose gives up a page that went wrong beyond use, and says so: it is not opened again.
func (w *window) lose(ctx context.Context, err error) error {
	t := w.t
	t.mu.Lock()
	p, told, loads := t.page, t.page == "", t.loads
	t.mu.Unlock()
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, errGone), !told && !errors.Is(err, errStuck) && !errors.Is(err, errCrashed) && !errors.Is(err, errNoWorld):
		return err
	case told:
	case errors.Is(err, errStuck) && loads < fewLoads:
		t.end(KindHang, "The page does not answer any more: a script runs without end")
	case errors.Is(err, errNoWorld), errors.Is(err, errStuck):
		t.end(KindExcess, "The page loads without end")
	default:
		t.end(KindCrash, "The page's process ended: it ran out of memory, or crashed")
	}
	w.r.lost[cmp.Or(p, w.opening)] = true
	return nil
}

// visit goes through the site: every page at both widths with empty storage, every control, then every page with what was left.
func (r *run) visit(ctx context.Context) error {
	t, err := r.room(ctx, Wide)
	if err != nil {
		return err
	}
	wide := &window{r: r, t: t}
	r.meet(r.site.Pages...)
	for i := 0; i < len(r.pages); i++ {
		if err := r.first(ctx, wide, r.pages[i]); err != nil {
			return err
		}
	}
	for i := 0; i < len(r.pages); i++ {
		if !r.visited[r.pages[i]] { // a click led there
			if err := r.first(ctx, wide, r.pages[i]); err != nil {
				return err
			}
		}
		if err := r.use(ctx, wide, r.pages[i], r.share(i)); err != nil {
			return err
		}
	}
	for _, p := range r.pages {
		if err := r.again(ctx, wide, p); err != nil {
			return err
		}
	}
	// One window at a time: those behind are not drawn.
	if err := r.leave(ctx, t.context); err != nil {
		return err
	}
	if t, err = r.room(ctx, Narrow); err != nil {
		return err
	}
	narrow := &window{r: r, t: t}
	for _, p := range r.pages {
		if err := r.phone(ctx, narrow, p); err != nil {
			return err
		}
	}
	return r.leave(ctx, t.context)
}

// end puts together what was seen, also by a run that broke off.
func (r *run) end(ctx context.Context, err, ended error) {
	seen := fmt.Sprintf("%d of %d pages were opened and %d controls used", len(r.visited), len(r.pages), r.used)
	switch {
	case err == nil:
	case errors.Is(err, errTime), errors.Is(ended, errTime):
		r.rest = "the time of a run was over when " + seen
	case errors.Is(ended, errMemory), errors.Is(ended, errProcessor):
		r.rest = "the browser was ended when " + seen
		r.mu.Lock()
		t := r.working
		r.mu.Unlock()
		if t != nil {
			t.found(Error, KindCrash, strings.ToUpper(ended.Error()[:1])+ended.Error()[1:], nowhere)
		}
	default:
		r.rest = "the browser failed when " + seen + ": " + tidy(err.Error())
	}
	for _, key := range slices.Sorted(maps.Keys(r.idle)) {
		r.note(r.idle[key], nowhere)
	}
	r.place(ctx)
}

// share is how many controls a page may have of those that are left, fairly with the pages that come after it.
func (r *run) share(i int) int {
	after := max(len(r.pages)-i, 1)
	return max((maxControls-r.used+after-1)/after, 0)
}

// meet takes in addresses of pages.
func (r *run) meet(pages ...string) {
	for _, p := range pages {
		p = normal(p)
		if p != "" && len(p) <= maxPageName && len(r.pages) < maxPages && !slices.Contains(r.pages, p) {
			r.pages = append(r.pages, p)
		}
	}
}

// normal is one address for a page that has several: index.html is its folder.
func normal(p string) string {
	u, err := url.Parse(p)
	if err != nil || u.Host != "" || u.Scheme != "" {
		return ""
	}
	u.Path = "/" + strings.TrimPrefix(strings.TrimSuffix(u.Path, "index.html"), "/")
	if !strings.HasPrefix(u.Fragment, "/") && !strings.HasPrefix(u.Fragment, "!/") {
		u.Fragment = ""
	}
	return u.String()
}

// open opens a page anew in a window. ok is false when it did not open, which was told.
func (r *run) open(ctx context.Context, w *window, p string) (t *tab, ok bool, err error) {
	if r.lost[p] {
		return nil, false, nil
	}
	if time.Now().After(r.half) && r.failing() {
		return nil, false, errTime // the rest is for a second look at what was found
	}
	if t, err = w.tab(ctx); err != nil {
		return nil, false, err
	}
	w.opening = p
	r.mu.Lock()
	r.working, r.windows = t, 0
	r.mu.Unlock()
	t.change(func() {
		t.page, t.control, t.left = p, "", ""
		t.loads, t.dialogs, t.status, t.world, t.leaving = 0, 0, 0, "", false
		clear(t.asked)
	})
	settle := func() error {
		waiting, cancel := t.impatient(ctx)
		defer cancel()
		if _, err := call(waiting, t.session, page.BringToFront, cdp.Empty{}); err != nil {
			return err
		}
		if strings.Contains(p, "#") { // what differs only behind it would not be loaded anew
			if _, err := call(waiting, t.session, page.Navigate, page.NavigateParams{URL: "about:blank"}); err != nil {
				return err
			}
		}
		went, err := call(waiting, t.session, page.Navigate, page.NavigateParams{URL: r.origin() + p})
		if err != nil {
			return err
		}
		if went.ErrorText != "" {
			return fmt.Errorf("%w: %s", errNotOpened, went.ErrorText)
		}
		return t.settle(ctx)
	}
	if err = settle(); err == nil {
		t.mu.Lock()
		status := t.status
		t.mu.Unlock()
		if status >= 400 {
			t.found(Error, KindOpen, fmt.Sprintf("The page is not there (%d)", status), nowhere)
		}
		return t, status < 400, nil
	}
	if errors.Is(err, errNotOpened) {
		t.found(Error, KindOpen, "The page does not open: "+strings.TrimPrefix(err.Error(), errNotOpened.Error()+": "), nowhere)
		return t, false, nil
	}
	return t, false, w.lose(ctx, err)
}

var errNotOpened = errors.New("not opened")

// seenPage is what people see of a page.
type seenPage struct {
	Empty, HTML bool
	Wide        string
	Width       int
}

// first opens a page as somebody who never was there.
func (r *run) first(ctx context.Context, w *window, p string) error {
	r.visited[p] = true
	if _, err := call(ctx, w.t.session, storage.ClearDataForOrigin, storage.ClearDataForOriginParams{Origin: r.origin(), StorageTypes: "all"}); err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	t, ok, err := r.open(ctx, w, p)
	if err != nil || !ok {
		return err
	}
	if err := r.look(ctx, t, true); err != nil {
		return w.lose(ctx, err)
	}
	found, err := inspect[[]string](ctx, t, "links()")
	if err != nil {
		return w.lose(ctx, err)
	}
	r.meet(found...)
	return nil
}

// look judges a page as it is: whether there is anything to see, whether it is too wide, whether everybody can use it.
func (r *run) look(ctx context.Context, t *tab, picture bool) error {
	t.mu.Lock()
	left := t.left
	t.mu.Unlock()
	if left != "" {
		if u, err := url.Parse(left); err == nil {
			left = u.Scheme + "://" + u.Host
		}
		t.found(Error, KindLeft, "The page leaves for "+left+" of its own accord", nowhere)
		return nil
	}
	seen, err := inspect[seenPage](ctx, t, "look()")
	if err == nil && seen.Empty && seen.HTML { // it may be slow
		if err = t.pass(ctx, 5*time.Second); err == nil {
			seen, err = inspect[seenPage](ctx, t, "look()")
		}
	}
	if err != nil {
		return err
	}
	if seen.Empty && seen.HTML {
		t.found(Error, KindEmpty, "The page stays empty: there is nothing to see on it", nowhere)
	}
	if t.width == Narrow && seen.Wide != "" {
		t.found(Warning, KindOverflow, fmt.Sprintf("The page is wider than a phone's %d pixels: %s reaches beyond the edge", Narrow, seen.Wide), nowhere)
	}
	if picture {
		if err := r.shoot(ctx, t); err != nil {
			return err
		}
	}
	if t.width == Wide && seen.HTML {
		return r.accessible(ctx, t)
	}
	return nil
}

// shoot takes a picture of the page. One that cannot be had is no fault of the page's.
func (r *run) shoot(ctx context.Context, t *tab) error {
	ctx, cancel := t.impatient(ctx)
	defer cancel()
	defer t.keepUp(ctx)()
	for _, quality := range []int64{80, 30} {
		s, err := call(ctx, t.session, page.CaptureScreenshot, page.CaptureScreenshotParams{Format: page.CaptureScreenshotFormatWebp, Quality: new(quality)})
		if errors.Is(err, errStuck) {
			return nil
		}
		if err != nil {
			return err
		}
		if len(s.Data) <= maxScreenshot {
			r.shots = append(r.shots, Screenshot{Page: t.page, Width: t.width, Type: "image/webp", Body: s.Data})
			return nil
		}
	}
	return nil
}

// violation is what axe-core finds.
type violation struct {
	ID, Impact, Help string
	Nodes            []string
}

// accessible has axe-core look at the page. What it calls serious or critical is a warning: it is for people to judge, and no reason to
// refuse a program that works.
func (r *run) accessible(ctx context.Context, t *tab) error {
	loaded, err := inspect[bool](ctx, t, "hasAxe()")
	if err != nil {
		return err
	}
	if !loaded {
		t.mu.Lock()
		in := t.world
		t.mu.Unlock()
		loading, cancel := t.impatient(ctx)
		_, err := call(loading, t.session, runtime.Evaluate, runtime.EvaluateParams{Expression: axeScript + "\n;0", UniqueContextID: in, ReturnByValue: new(true)})
		cancel()
		if err != nil {
			return err
		}
	}
	if _, err := inspect[bool](ctx, t, "startAxe()"); err != nil {
		return err
	}
	for range 20 { // it waits for moments of the page's time
		if err := t.pass(ctx, 100*time.Millisecond); err != nil {
			return err
		}
		result, err := inspect[*[]violation](ctx, t, "axeResult()")
		if err != nil {
			return err
		}
		if result == nil {
			continue
		}
		for _, v := range *result {
			more := ""
			if n := len(v.Nodes); n > 3 {
				more, v.Nodes = ", and more", v.Nodes[:3]
			}
			t.found(Warning, KindAccessibility, fmt.Sprintf("%s (%s, %s): %s%s", v.Help, v.ID, v.Impact, strings.Join(v.Nodes, ", "), more), nowhere)
		}
		return nil
	}
	return nil
}

// phone opens a page on a phone, as somebody who never was there, and uses what only a phone shows.
func (r *run) phone(ctx context.Context, w *window, p string) error {
	t, ok, err := r.open(ctx, w, p)
	if err != nil || !ok {
		return err
	}
	if err := r.look(ctx, t, true); err != nil {
		return w.lose(ctx, err)
	}
	return r.use(ctx, w, p, maxControls-r.used)
}

// again opens a page with what was left in storage, reloads it, and looks at it on a phone.
func (r *run) again(ctx context.Context, w *window, p string) error {
	t, ok, err := r.open(ctx, w, p)
	if err != nil || !ok {
		return err
	}
	again := func() error {
		if err := r.look(ctx, t, false); err != nil {
			return err
		}
		t.change(func() { t.world = "" })
		if _, err := call(ctx, t.session, page.Reload, page.ReloadParams{}); err != nil {
			return err
		}
		if err := t.settle(ctx); err != nil {
			return err
		}
		if err := r.look(ctx, t, false); err != nil {
			return err
		}
		if err := t.resize(ctx, Narrow); err != nil {
			return err
		}
		if err := t.settle(ctx); err != nil {
			return err
		}
		if err := r.look(ctx, t, false); err != nil {
			return err
		}
		return t.resize(ctx, Wide)
	}
	if err := again(); err != nil {
		w.t.width = Wide
		return w.lose(ctx, err)
	}
	return nil
}

// control is a thing on a page that can be used, as inspect.js tells of it.
type control struct {
	Key, Control, Place, Kind string
	X, Y                      float64
	Idle, Destructive         bool
}

// use uses up to so many controls of a page that were not used yet.
func (r *run) use(ctx context.Context, w *window, p string, most int) error {
	t, here := w.t, ""
	opened := false
	var again []string
	for range most {
		if !opened {
			var ok bool
			var err error
			if t, ok, err = r.open(ctx, w, p); err != nil || !ok {
				return err
			}
			opened = true
			if here, err = inspect[string](ctx, t, "here()"); err != nil {
				return w.lose(ctx, err)
			}
		}
		c, err := r.next(ctx, t, again)
		if err == nil && c.Key == "" && again == nil {
			// What did nothing may do something now that all else was used.
			if again = r.forget(p); len(again) > 0 {
				continue
			}
		}
		if err == nil && c.Key != "" {
			r.seen[c.Key] = true
			r.used++
			err = r.useOne(ctx, t, c)
		}
		if err != nil {
			if err := w.lose(ctx, err); err != nil {
				return err
			}
			opened = false
			continue
		}
		if c.Key == "" {
			return nil
		}
		now, err := inspect[string](ctx, t, "here()")
		if err != nil && !errors.Is(err, errNoWorld) {
			return w.lose(ctx, err)
		}
		if err != nil || now != here {
			r.meet(now)
			opened = false
		}
	}
	return nil
}

// forget returns the controls of a page that did nothing, which count as unused from now on, once.
func (r *run) forget(p string) (keys []string) {
	for _, key := range slices.Sorted(maps.Keys(r.idle)) {
		if r.idle[key].Page == p && !r.retried[key] {
			r.retried[key] = true
			keys = append(keys, key)
			delete(r.seen, key)
		}
	}
	return keys
}

// next is the control that comes next, of those that are wanted again or of all. What lies over all that is left is closed first.
func (r *run) next(ctx context.Context, t *tab, again []string) (control, error) {
	list, err := json.Marshal([]any{slices.Sorted(maps.Keys(r.seen)), again})
	if err != nil {
		return control{}, err
	}
	for range 2 {
		c, err := inspect[control](ctx, t, "next(..."+string(list)+")")
		if err != nil || c.Key != "" {
			return c, err
		}
		if err := t.press(ctx, "Escape", 27, ""); err != nil {
			return control{}, err
		}
		if err := t.pass(ctx, settled); err != nil {
			return control{}, err
		}
	}
	return control{}, nil
}

// useOne uses a control, waits until the page has come to rest, and notes when nothing came of it.
func (r *run) useOne(ctx context.Context, t *tab, c control) error {
	t.change(func() { t.control = c.Control })
	defer t.change(func() { t.control = "" })
	// What the page does on its own in the time that a control gets.
	if _, err := inspect[int](ctx, t, "count()"); err != nil {
		return err
	}
	if err := t.pass(ctx, settled); err != nil {
		return err
	}
	restless, err := inspect[int](ctx, t, "count()")
	if err != nil {
		return err
	}
	before, err := inspect[string](ctx, t, "state(true)")
	if err != nil {
		return err
	}
	t.mu.Lock()
	effects, loads := t.effects, t.loads
	t.mu.Unlock()
	if err := t.act(ctx, c); err != nil {
		return err
	}
	if err := t.settle(ctx); err != nil {
		return err
	}
	t.mu.Lock()
	effects, loads = t.effects-effects, t.loads-loads
	t.mu.Unlock()
	if c.Kind != "click" || effects > 0 || loads > 0 || restless > 0 {
		delete(r.idle, c.Key)
		return nil
	}
	changes, err := inspect[int](ctx, t, "count()")
	if err != nil {
		return err
	}
	after, err := inspect[string](ctx, t, "state(false)")
	if err != nil {
		return err
	}
	if changes == 0 && after == before && !c.Idle {
		r.idle[c.Key] = Finding{Severity: Warning, Kind: KindIdle, Message: "Nothing happens when it is used", Page: t.page, Width: t.width, Control: c.Control}
	}
	return nil
}

// act does what a person does with a control.
func (t *tab) act(ctx context.Context, c control) error {
	ctx, cancel := t.impatient(ctx)
	defer cancel()
	if c.Kind != "set" {
		stop := t.keepUp(ctx)
		defer stop()
		for _, e := range []input.DispatchMouseEventParams{
			{Type: input.DispatchMouseEventTypeMouseMoved},
			{Type: input.DispatchMouseEventTypeMousePressed, Button: input.MouseButtonLeft, Buttons: 1, ClickCount: 1},
			{Type: input.DispatchMouseEventTypeMouseReleased, Button: input.MouseButtonLeft, ClickCount: 1},
		} {
			e.X, e.Y = c.X, c.Y
			if _, err := call(ctx, t.session, input.DispatchMouseEvent, e); err != nil {
				return err
			}
		}
		if c.Kind == "click" {
			return nil
		}
		stop()
	}
	typed, err := inspect[struct {
		Text  string
		Enter bool
	}](ctx, t, fmt.Sprintf("fill(%q)", c.Kind))
	if err != nil || typed.Text == "" {
		return err
	}
	if _, err := call(ctx, t.session, input.InsertText, input.InsertTextParams{Text: typed.Text}); err != nil {
		return err
	}
	if typed.Enter {
		return t.press(ctx, "Enter", 13, "\r")
	}
	return nil
}

// press presses a key.
func (t *tab) press(ctx context.Context, key string, code int64, text string) error {
	for _, kind := range []input.DispatchKeyEventType{input.DispatchKeyEventTypeKeyDown, input.DispatchKeyEventTypeKeyUp} {
		e := input.DispatchKeyEventParams{Type: kind, Key: key, Code: key, WindowsVirtualKeyCode: code, NativeVirtualKeyCode: code}
		if kind == input.DispatchKeyEventTypeKeyDown {
			e.Text = text
		}
		if _, err := call(ctx, t.session, input.DispatchKeyEvent, e); err != nil {
			return err
		}
	}
	return nil
}
