package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"codeforge/internal/browser/drive"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// visitor is somebody who uses the console in a browser.
type visitor struct {
	l   *lab
	ctx context.Context
}

// usable has each page note when its first screen can be used: when there is somewhere to write an idea, and it was painted.
const usable = `new MutationObserver((_, seen) => { if (document.querySelector("#idea")) { seen.disconnect(); requestAnimationFrame(() => requestAnimationFrame(() => window.usable = performance.now())); } }).observe(document, {childList: true, subtree: true});`

// painted has the page note how long it takes from each key to the paint after it.
const painted = `window.paints = []; addEventListener("keydown", e => requestAnimationFrame(() => { const c = new MessageChannel(); c.port1.onmessage = () => paints.push(performance.now() - e.timeStamp); c.port2.postMessage(0); }), true); ""`

// scrolled goes through a long list, a screen a frame, and comes to how long the frames took.
const scrolled = `new Promise(done => { const e = document.querySelector(".run-lines"), took = []; let at = performance.now();
	const frame = now => { took.push(now - at); at = now; e.scrollTop = (e.scrollTop + e.clientHeight) % (e.scrollHeight - e.clientHeight); took.length < 120 ? requestAnimationFrame(frame) : done(JSON.stringify(took.slice(2))); };
	requestAnimationFrame(frame); })`

// console is how soon the console's first screen can be used, how soon a key shows while a run streams, and how long frames of a long run
// take, in a browser that runs already.
func (l *lab) console(r *report) {
	events := 100_000
	if l.span < time.Second {
		events = 5_000
	}
	s := l.serve(l.ours, "")
	ctx, leave, err := drive.Open(l.Context())
	if err != nil {
		l.Fatalf("this part needs Chromium: %v", err)
	}
	v := &visitor{l, ctx}
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(1280, 800)); err != nil {
		l.Fatal(err)
	}
	if _, err := chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: usable}); err != nil {
		l.Fatal(err)
	}
	project := l.projects(s, 12)[0]
	t := newTable("The console, in a browser that runs: ms", "p50", "p95")
	show := func(name string, all []float64) { t.add(name, median(all), quantile(all, 0.95)) }
	var fresh, again []float64
	for range max(l.rounds, 2) {
		fresh = append(fresh, v.opens(s.url, true))
		again = append(again, v.opens(s.url, false))
	}
	show("first screen to use, nothing kept", fresh)
	show("first screen to use, again", again)
	show("a key to its paint, while a run tells 200 events a second", v.types(s, project))
	opened, frames := v.scrolls(s, project, events)
	show(fmt.Sprintf("%v events shown", number(events)), opened)
	show(fmt.Sprintf("a frame, scrolling through %v events", number(events)), frames)
	r.show(t)
	leave()
	s.stop()
}

// opens opens the first screen, and returns after how long it could be used.
func (v *visitor) opens(url string, forget bool) float64 {
	if forget {
		if _, err := chromedp.Call(v.ctx, network.ClearBrowserCache, struct{}{}); err != nil {
			v.l.Fatal(err)
		}
	}
	v.do(chromedp.Navigate("about:blank"), chromedp.Navigate(url+"/"))
	return eval[float64](v, until(`window.usable`)+`.then(() => window.usable)`)
}

// types writes a message while a run streams.
func (v *visitor) types(s *server, project string) []float64 {
	c := pool(v.l, 1, s)[0]
	defer c.close()
	job, err := c.submit(submission(project, map[string]any{"events": int(200 * (v.l.span + 3*time.Second).Seconds()), "every_ms": 5}))
	if err != nil {
		v.l.Fatal(err)
	}
	v.open("#/projects/"+project+"/run/"+job, `document.querySelectorAll(".run-lines .line").length > 10`)
	eval[string](v, painted)
	eval[string](v, `(document.querySelector(".composer textarea").focus(), "")`)
	for end := time.Now().Add(v.l.span); time.Now().Before(end); {
		v.do(chromedp.KeyEvent("a"))
	}
	return eval[[]float64](v, `new Promise(done => setTimeout(() => done(window.paints), 200))`)
}

// scrolls opens a run of very many events, and goes through it.
func (v *visitor) scrolls(s *server, project string, events int) (opened, frames []float64) {
	c := pool(v.l, 1, s)[0]
	defer c.close()
	job, err := c.submit(submission(project, map[string]any{"events": events, "every_ms": 0}))
	if err != nil {
		v.l.Fatal(err)
	}
	for j := (struct{ Status string }{}); j.Status != "completed"; {
		if err := c.get("GET", "/v1/jobs/"+job+"?wait=30s", nil, &j); err != nil || j.Status == "failed" {
			v.l.Fatal("job of very many events: ", j.Status, err)
		}
	}
	v.do(chromedp.Navigate(s.url + "/"))
	eval[float64](v, until(`window.usable`)+`.then(() => window.usable)`)
	began := time.Now()
	v.open("#/projects/"+project+"/run/"+job, fmt.Sprintf(`document.querySelector(".run-lines .rows-all")?.clientHeight >= %d * 28`, min(events, 15_000)))
	opened = []float64{float64(time.Since(began).Milliseconds())}
	if err := json.Unmarshal([]byte(eval[string](v, scrolled)), &frames); err != nil {
		v.l.Fatal(err)
	}
	return opened, frames
}

func (v *visitor) do(actions ...chromedp.Action[chromedp.Void]) {
	if err := chromedp.Do(v.ctx, actions...); err != nil {
		v.l.Fatal(err)
	}
}

// open goes to a screen, and waits until a condition is true there.
func (v *visitor) open(hash, condition string) {
	eval[string](v, fmt.Sprintf("(location.hash = %q, '')", hash))
	eval[string](v, until(condition)+`.then(() => "")`)
}

// until is a promise that a condition is true, which is looked at frame by frame.
func until(condition string) string {
	return `new Promise((done, fail) => { const began = performance.now(), look = () => (` + condition + `) ? done() : performance.now() - began > 120000 ? fail(new Error("it never came to be")) : setTimeout(look, 5); look(); })`
}

func eval[T any](v *visitor, script string) T {
	value, err := chromedp.Run(v.ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	if err != nil {
		v.l.Fatalf("%.120s: %v", script, err)
	}
	return value
}
