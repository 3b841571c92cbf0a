package browser

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/cdp/jsonv2"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/inspector"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/cdproto/target"
)

//go:embed inspect.js
var inspectScript string

// world is the name of the isolated world that inspect.js lives in.
const world = "codeforge-inspect"

// tab is a page that is open in a window of some width. Its clock is virtual: it stands still but when we let some of it pass, which takes
// as long as the page has work to do and no longer. So a timer of half a second costs nothing, and comes at the same moment each time.
type tab struct {
	session
	run     *run
	target  target.ID
	context cdp.BrowserContextID
	width   int
	life    context.Context // it ends with the page's process
	crash   func()

	mu      sync.Mutex
	changed chan struct{} // closed, and made anew, with every change of what follows
	world   string        // where inspect.js is in the document that is there; "": nowhere
	expired int           // budgets of time that ran out
	leaving bool          // for another document, which was asked for and has not come
	loaded  time.Time     // when the document came
	passed  time.Duration // of its time since
	lag     time.Duration // by which we may have heard of that too late
	loads   int           // documents since it was opened
	dialogs int           // since it was opened
	effects int           // what was done beside the tree: windows, dialogs, downloads, requests
	page    string        // what findings are about
	control string        // what is being used; "": the page is opening
	left    string        // where else it went
	status  int           // of the answer with the page
	asked   map[network.RequestID]asked
}

// asked is a request on its way.
type asked struct {
	address  string
	kind     network.ResourceType
	answered bool
}

const (
	maxAsked   = 2000 // requests that are remembered
	maxLoads   = 20   // of documents, by one opening of a page
	fewLoads   = 4    // that a page may well need
	maxDialogs = 50   // by one opening of a page
)

var (
	errStuck   = errors.New("the page does not answer")
	errCrashed = errors.New("the page's process ended")
)

// newTab opens a window, without a page.
func (r *run) newTab(ctx context.Context, in cdp.BrowserContextID, width int) (*tab, error) {
	r.mu.Lock()
	r.opening = true
	r.mu.Unlock()
	made, err := call(ctx, r.browser, target.CreateTarget, target.CreateTargetParams{URL: "about:blank", BrowserContextID: in, NewWindow: new(true)})
	if err != nil {
		return nil, err
	}
	attached, err := call(ctx, r.browser, target.AttachToTarget, target.AttachToTargetParams{TargetID: made.TargetID, Flatten: new(true)})
	if err != nil {
		return nil, err
	}
	life, crash := context.WithCancelCause(context.WithoutCancel(ctx))
	t := &tab{run: r, life: life, crash: func() { crash(errCrashed) }, target: made.TargetID, context: in, width: width, changed: make(chan struct{}), loaded: time.Now(), asked: map[network.RequestID]asked{}}
	t.session = r.client.on(attached.SessionID, t.handle)
	for _, enable := range []func() error{
		func() error { _, err := call(ctx, t.session, page.Enable, page.EnableParams{}); return err },
		func() error { _, err := call(ctx, t.session, runtime.Enable, cdp.Empty{}); return err },
		func() error { _, err := call(ctx, t.session, cdplog.Enable, cdp.Empty{}); return err },
		func() error {
			_, err := call(ctx, t.session, network.Enable, network.EnableParams{MaxTotalBufferSize: new(int64(1 << 20)), MaxResourceBufferSize: new(int64(1 << 16))})
			return err
		},
		func() error { _, err := call(ctx, t.session, inspector.Enable, cdp.Empty{}); return err },
		func() error { _, err := call(ctx, t.session, audits.Enable, cdp.Empty{}); return err },
		func() error {
			_, err := call(ctx, t.session, storage.TrackIndexedDBForOrigin, storage.TrackIndexedDBForOriginParams{Origin: r.origin()})
			return err
		},
		func() error {
			_, err := call(ctx, t.session, page.SetInterceptFileChooserDialog, page.SetInterceptFileChooserDialogParams{Enabled: true})
			return err
		},
		func() error {
			_, err := call(ctx, t.session, network.SetBypassServiceWorker, network.SetBypassServiceWorkerParams{Bypass: true})
			return err
		},
		func() error {
			_, err := call(ctx, t.session, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
			return err
		},
		func() error { return t.resize(ctx, width) },
		func() error {
			_, err := call(ctx, t.session, target.SetAutoAttach, target.SetAutoAttachParams{AutoAttach: true, WaitForDebuggerOnStart: true, Flatten: new(true)})
			return err
		},
		func() error {
			_, err := call(ctx, t.session, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: inspectScript, WorldName: world})
			return err
		},
		func() error {
			start := cdp.TimeSinceEpoch(r.clock)
			_, err := call(ctx, t.session, emulation.SetVirtualTimePolicy, emulation.SetVirtualTimePolicyParams{Policy: emulation.VirtualTimePolicyPause, InitialVirtualTime: start})
			return err
		},
	} {
		if err := enable(); err != nil {
			return nil, err
		}
	}
	return t, nil
}

func height(width int) int64 {
	if width < 600 {
		return 780
	}
	return 800
}

func (t *tab) resize(ctx context.Context, width int) error {
	t.width = width
	_, err := call(ctx, t.session, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: int64(width), Height: height(width), DeviceScaleFactor: 1})
	return err
}

func (t *tab) close(ctx context.Context) {
	_, _ = call(ctx, t.run.browser, target.CloseTarget, target.CloseTargetParams{TargetID: t.target})
}

// change changes what the tab knows and tells whoever waits for it. The lock is held while f runs.
func (t *tab) change(f func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f()
	close(t.changed)
	t.changed = make(chan struct{})
}

// until waits for something to become true.
func (t *tab) until(ctx context.Context, ready func() bool) error {
	for {
		t.mu.Lock()
		ok, changed := ready(), t.changed
		t.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-changed:
		case <-t.life.Done():
			return context.Cause(t.life)
		case <-t.client.gone:
			return errGone
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// patience is how long a page may compute without end before it is given up. Where the machine is busy it is had again, up to so many
// times: a browser that was given little of the processor is slow, and its page does not hang. One that wanted little of it stands still,
// and has it twice: whoever answers it may be slow.
const (
	patience      = 6 * time.Second
	patiences     = 4
	idlePatiences = 2
)

// impatient bounds ctx by our patience with one step of a page.
func (r *run) impatient(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	var began effort
	if s := r.spent(); s != nil {
		began = *s
	}
	go func() {
		for n := range patiences {
			select {
			case <-ctx.Done():
				return
			case <-time.After(r.patience):
			}
			now := r.spent()
			if now == nil {
				break
			}
			if computed, waited, counted := now.since(began); computed > r.patience*3/4 || n+1 == idlePatiences && counted && waited < r.patience/4 {
				break
			}
		}
		cancel(errStuck)
	}()
	return ctx, func() { cancel(nil) }
}

// impatient bounds ctx by our patience with one step of the page, and by the page's life: a process that is gone answers nothing.
func (t *tab) impatient(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, stop := t.run.impatient(ctx)
	ctx, end := context.WithCancelCause(ctx)
	unhook := context.AfterFunc(t.life, func() { end(context.Cause(t.life)) })
	return ctx, func() { unhook(); end(nil); stop() }
}

// pass lets so much of the page's time pass. It stands still while files are being fetched.
func (t *tab) pass(ctx context.Context, d time.Duration) error {
	ctx, cancel := t.impatient(ctx)
	defer cancel()
	for slice := firstSlice; d > 0; slice *= 4 {
		if err := t.fetched(ctx); err != nil {
			return err
		}
		slice = min(slice, d)
		d -= slice
		if err := t.advance(ctx, slice); err != nil {
			return err
		}
	}
	if err := t.fetched(ctx); err != nil {
		return err
	}
	return t.catchUp(ctx)
}

// catchUp keeps the page's time from falling behind that of the machine, as it would while something slow was waited for: pictures
// are asked for by the machine's time, and a page for which that lies in the future draws none.
func (t *tab) catchUp(ctx context.Context) error {
	t.mu.Lock()
	behind := time.Since(t.loaded) + catchUpMargin + t.lag - t.passed
	t.mu.Unlock()
	if behind <= 0 {
		return nil
	}
	return t.advance(ctx, behind.Round(time.Millisecond))
}

// On a busy machine we hear late of a document that came, so that its time is more behind than we know. What we wait for in vain tells.
const (
	catchUpMargin = 200 * time.Millisecond
	mostLag       = 10 * time.Second
)

// keepUp lets the page's time run beside the machine's until stop is called: for what waits for pictures. Time that was let run is waited
// for, also then: its end would be taken for that of the next.
func (t *tab) keepUp(ctx context.Context) (stop func()) {
	going, halt := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(catchUpMargin / 4)
		defer tick.Stop()
		for began := time.Now(); ; {
			some, cancel := t.impatient(context.WithoutCancel(ctx))
			err := t.catchUp(some)
			cancel()
			if err != nil {
				return
			}
			select {
			case <-tick.C:
				if waited := time.Since(began); waited > catchUpMargin { // longer than pictures take
					t.change(func() { t.lag = max(t.lag, min(waited, mostLag)) })
				}
			case <-going.Done():
				return
			}
		}
	}()
	return func() {
		halt()
		<-done
	}
}

// firstSlice of time is short, and each that follows is longer: what a page asks for at once is there before its timers go off.
const firstSlice = 20 * time.Millisecond

// advance lets the page's time run. The browser could stop it for requests, but forgets to go on when a page is left for another.
func (t *tab) advance(ctx context.Context, d time.Duration) error {
	for {
		t.mu.Lock()
		expired, loads := t.expired, t.loads
		t.mu.Unlock()
		if _, err := call(ctx, t.session, emulation.SetVirtualTimePolicy, emulation.SetVirtualTimePolicyParams{Policy: emulation.VirtualTimePolicyAdvance,
			Budget: new(float64(d.Milliseconds())), MaxVirtualTimeTaskStarvationCount: 10000}); err != nil {
			return err
		}
		if err := t.until(ctx, func() bool { return t.expired > expired || t.loads > loads }); err != nil {
			return err
		}
		t.mu.Lock()
		through := t.expired > expired
		if through {
			t.passed += d
		}
		t.mu.Unlock()
		if through {
			return nil
		} // else another document came in between, whose time begins anew
	}
}

// fetched waits until all that the page asked for is there, and lets moments pass meanwhile, without which some answers do not come to
// their end. What takes long is waited for no more: a stream has no end.
func (t *tab) fetched(ctx context.Context) error {
	for moment := range fetchMoments {
		waiting, cancel := context.WithTimeoutCause(ctx, fetchMoment, errStillFetching)
		err := t.until(waiting, func() bool {
			for _, a := range t.asked {
				if !a.answered || moment < readMoments {
					return false
				}
			}
			return !t.leaving
		})
		cancel()
		if !errors.Is(err, errStillFetching) {
			return err
		}
		if err := t.advance(ctx, time.Millisecond); err != nil {
			return err
		}
	}
	t.change(func() { clear(t.asked); t.leaving = false })
	return nil
}

const (
	fetchMoment  = 20 * time.Millisecond
	fetchMoments = 100
	readMoments  = 2 // for what is answered: who does not read an answer to its end never has it
)

var errStillFetching = errors.New("a request has not come to its end")

// settled is how much of its time a page gets after everything that is done to it: for timers, transitions and answers.
const settled = 500 * time.Millisecond

// settle waits until the page has come to rest: nothing loads, timers are through, what changed is drawn.
func (t *tab) settle(ctx context.Context) error {
	if err := t.pass(ctx, settled); err != nil {
		return err
	}
	if err := t.drawn(ctx); err != nil {
		return err
	}
	return t.pass(ctx, settled)
}

// drawn waits until what changed was drawn, as far as it is: a page in trouble may draw nothing.
func (t *tab) drawn(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, drawnWithin, errNotDrawn)
	defer cancel()
	defer t.keepUp(ctx)()
	if _, err := inspectOnce[bool](ctx, t, "frames()"); err != nil && !errors.Is(err, errNoWorld) && !errors.Is(err, errNotDrawn) {
		return err
	}
	return nil
}

const drawnWithin = 500 * time.Millisecond

var errNotDrawn = errors.New("nothing was drawn")

// errNoWorld: the page that was asked is being left.
var errNoWorld = errors.New("the page is another by now")

// inspect has inspect.js do something and returns what it answers. A page that becomes another meanwhile is asked anew.
func inspect[T any](ctx context.Context, t *tab, expression string) (result T, err error) {
	for range 3 {
		if result, err = inspectOnce[T](ctx, t, expression); !errors.Is(err, errNoWorld) {
			return result, err
		}
		if err := t.pass(ctx, settled); err != nil {
			return result, err
		}
	}
	return result, err
}

func inspectOnce[T any](ctx context.Context, t *tab, expression string) (result T, err error) {
	ctx, cancel := t.impatient(ctx)
	defer cancel()
	if err := t.until(ctx, func() bool { return t.world != "" }); err != nil {
		return result, err
	}
	t.mu.Lock()
	in := t.world
	t.mu.Unlock()
	answer, err := call(ctx, t.session, runtime.Evaluate, runtime.EvaluateParams{Expression: "inspect." + expression, UniqueContextID: in, ReturnByValue: new(true), AwaitPromise: new(true)})
	switch {
	case errors.Is(err, errStuck), errors.Is(err, errGone), ctx.Err() != nil:
		return result, err
	case err != nil:
		return result, fmt.Errorf("%w: %w", errNoWorld, err)
	case answer.ExceptionDetails != nil:
		return result, fmt.Errorf("inspect %.40s: %s", expression, exceptionWords(answer.ExceptionDetails))
	case answer.Result == nil || len(answer.Result.Value) == 0:
		return result, nil
	}
	return result, json.Unmarshal(answer.Result.Value, &result)
}

// handle is told of everything that happens in the tab. It must not wait.
func (t *tab) handle(method string, params jsonv2.Value) {
	switch method {
	case runtime.ExecutionContextCreated.Method:
		on(params, func(e runtime.EventExecutionContextCreated) {
			var aux struct{ FrameID string }
			if e.Context.Name == world && json.Unmarshal(e.Context.AuxData, &aux) == nil && aux.FrameID == string(t.target) {
				t.change(func() { t.world = e.Context.UniqueID })
			}
		})
	case runtime.ExecutionContextDestroyed.Method:
		on(params, func(e runtime.EventExecutionContextDestroyed) {
			t.change(func() {
				if t.world == e.ExecutionContextUniqueID {
					t.world = ""
				}
			})
		})
	case runtime.ExecutionContextsCleared.Method:
		t.change(func() { t.world = "" })
	case emulation.VirtualTimeBudgetExpired.Method:
		t.change(func() { t.expired++ })
	case page.FrameRequestedNavigation.Method:
		on(params, func(e page.EventFrameRequestedNavigation) {
			if string(e.FrameID) == string(t.target) && e.Disposition == page.ClientNavigationDispositionCurrentTab && strings.HasPrefix(e.URL, "http") {
				t.change(func() { t.leaving = true })
			}
		})
	case page.FrameStoppedLoading.Method:
		on(params, func(e page.EventFrameStoppedLoading) {
			if string(e.FrameID) == string(t.target) {
				t.change(func() { t.leaving = false })
			}
		})
	case page.FrameNavigated.Method:
		on(params, t.navigated)
	case inspector.TargetCrashed.Method:
		t.crash()
	case page.JavascriptDialogOpening.Method:
		on(params, t.dialog)
	case page.FileChooserOpened.Method, storage.IndexedDBContentUpdated.Method, page.WindowOpen.Method:
		t.change(func() { t.effects++ })
	case target.AttachedToTarget.Method:
		on(params, t.attached)
	default:
		t.report(method, params)
	}
}

// on calls f with the event that params are.
func on[E any](params jsonv2.Value, f func(E)) {
	if e, err := decode[E](params); err == nil {
		f(e)
	}
}

// attached takes in a worker, or a frame that has a process of its own: what goes wrong there goes wrong on the page.
func (t *tab) attached(e target.EventAttachedToTarget) {
	s := t.client.on(e.SessionID, t.report)
	send(s, runtime.Enable, cdp.Empty{})
	send(s, cdplog.Enable, cdp.Empty{})
	send(s, network.Enable, network.EnableParams{MaxTotalBufferSize: new(int64(1 << 20)), MaxResourceBufferSize: new(int64(1 << 16))})
	send(s, runtime.RunIfWaitingForDebugger, cdp.Empty{})
}

// dialog answers alert, confirm and prompt as somebody who says yes to all.
func (t *tab) dialog(e page.EventJavascriptDialogOpening) {
	text := ""
	if e.Type == page.DialogTypePrompt {
		text = "Some words"
	}
	send(t.session, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{Accept: true, PromptText: text})
	excess := false
	t.change(func() {
		t.effects++
		t.dialogs++
		excess = t.dialogs == maxDialogs
	})
	if excess {
		t.end(KindExcess, "The page opens dialogs without end")
	}
}

// end ends a page for what it does.
func (t *tab) end(kind Kind, why string) {
	t.found(Error, kind, why, nowhere)
	t.change(func() { t.page = "" })
	t.crash()
	send(t.session, page.Crash, cdp.Empty{})
}

// navigated sees the page become another document.
func (t *tab) navigated(e page.EventFrameNavigated) {
	if e.Frame.ParentID != "" {
		return
	}
	excess, away := false, ""
	t.change(func() {
		t.effects++
		t.loads++
		t.loaded, t.passed, t.lag = time.Now(), 0, 0
		t.leaving = false
		clear(t.asked) // of the document that was left
		excess = t.loads == maxLoads
		if e.Frame.URL != "about:blank" && !strings.HasPrefix(e.Frame.URL, t.run.origin()+"/") {
			away = e.Frame.URL
			if e.Frame.UnreachableURL != "" {
				away = e.Frame.UnreachableURL
			}
			t.left = away
		}
	})
	if excess {
		t.end(KindExcess, "The page loads without end")
	}
}
