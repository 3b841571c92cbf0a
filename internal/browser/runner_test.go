package browser

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// todo is an app that nobody can complain of: it keeps what is typed, and works at every width.
var todo = files{
	"index.html": document(`<nav><a href="/">Tasks</a> <a href="/about.html">About</a></nav>
<form id="form"><label for="name">Task</label> <input id="name" name="name" required> <button>Add</button></form>
<p id="empty">Nothing to do.</p><ul id="list"></ul>
<div role="group" aria-label="Show"><button data-show="all">All</button> <button data-show="open">Open</button></div>
<button id="clear">Delete all</button><dialog id="sure" aria-labelledby="question"><p id="question">Delete all tasks?</p><form method="dialog"><button value="yes">Delete</button> <button value="no">Keep</button></form></dialog>
<script type="module" src="/app.js"></script>`),
	"about.html": document(`<nav><a href="/">Tasks</a></nav><p>Made for tests.</p><details><summary>How it works</summary><p>Your tasks stay in this browser.</p></details>`),
	"app.js": `let tasks = JSON.parse(localStorage.getItem("tasks") ?? "[]"), show = "all";
const $ = (id) => document.getElementById(id);
const draw = () => {
  localStorage.setItem("tasks", JSON.stringify(tasks));
  $("list").replaceChildren(...tasks.filter((t) => show === "all" || !t.done).map((t) => {
    const li = document.createElement("li"), label = document.createElement("label"), box = document.createElement("input"), del = document.createElement("button");
    box.type = "checkbox"; box.checked = t.done; box.onchange = () => { t.done = box.checked; draw(); };
    label.append(box, t.name); del.textContent = "Delete " + t.name; del.onclick = () => { tasks = tasks.filter((x) => x !== t); draw(); };
    li.append(label, del);
    return li;
  }));
  $("empty").hidden = tasks.length > 0;
  for (const b of document.querySelectorAll("[data-show]")) b.setAttribute("aria-pressed", b.dataset.show === show);
};
$("form").onsubmit = (e) => { e.preventDefault(); setTimeout(() => { tasks.push({ name: $("name").value, done: false }); $("form").reset(); draw(); }, 50); };
for (const b of document.querySelectorAll("[data-show]")) b.onclick = () => { show = b.dataset.show; draw(); };
$("clear").onclick = () => $("sure").showModal();
$("sure").onclose = () => { if ($("sure").returnValue === "yes") { tasks = []; draw(); } };
draw();`,
}

// TestGoodApp: of an app that works nothing is told, and all of it was used.
func TestGoodApp(t *testing.T) {
	r := look(t, todo)
	want(t, r)
	if !slices.Equal(r.Pages, []string{"/", "/about.html"}) || r.Controls < 9 || r.Runs != 1 {
		t.Errorf("%v, %d controls in %d runs", r.Pages, r.Controls, r.Runs)
	}
}

// TestPatience: a page that computes is given up soon; one that was given little of a busy machine's processor is waited for, but
// not forever, and one that asks for none not as long.
func TestPatience(t *testing.T) {
	for name, c := range map[string]struct {
		spent func(wall time.Duration) *effort
		most  time.Duration
	}{
		"computes":        {func(wall time.Duration) *effort { return spent(wall, 0, wall) }, patience},
		"held back":       {func(wall time.Duration) *effort { return spent(wall/8, wall/2, wall) }, patiences * patience},
		"half of one":     {func(wall time.Duration) *effort { return spent(wall/2, wall/2, wall) }, 2 * patience},
		"stands still":    {func(wall time.Duration) *effort { return spent(wall/50, wall/50, wall) }, idlePatiences * patience},
		"others compute":  {func(wall time.Duration) *effort { return spent(wall/8, wall/2, 2*wall) }, patiences * patience},
		"none is counted": {func(wall time.Duration) *effort { return &effort{used: time.Second + wall/8} }, patiences * patience},
		"not told":        {func(time.Duration) *effort { return nil }, patience},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				r := &run{patience: patience, spent: func() *effort { return c.spent(time.Since(began)) }}
				ctx, cancel := r.impatient(t.Context())
				defer cancel()
				<-ctx.Done()
				if got := time.Since(began); got != c.most || context.Cause(ctx) != errStuck {
					t.Errorf("given up after %v: %v", got, context.Cause(ctx))
				}
			})
		})
	}
}

// spent is the effort of a browser whose page's process ran and waited so long, and all of it ran so long.
func spent(ran, waited, all time.Duration) *effort {
	return &effort{used: time.Second + all, mains: map[int]mainThread{1: {time.Second, time.Second}, 2: {time.Second + ran, time.Second + waited}}}
}

// TestSameFindings: what differs from run to run is not in the words, and what is not seen twice is a warning.
func TestSameFindings(t *testing.T) {
	site := files{"index.html": document(`<p>Hello</p><script>throw new Error("no entry " + crypto.randomUUID() + " since " + Date.now() + " of " + Math.random())</script>`)}
	first, second := lines(look(t, site)), lines(look(t, site))
	if len(first) != 1 || !slices.Equal(first, second) || !strings.Contains(first[0], "no entry … since … of 0.") {
		t.Errorf("first %q, then %q", first, second)
	}
	var opened atomic.Int64
	once := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		if opened.Add(1) == 1 {
			fmt.Fprint(w, document(`<p>Hello</p><script>throw new Error("bad luck")</script>`))
			return
		}
		fmt.Fprint(w, document(`<p>Hello</p>`))
	})
	want(t, look(t, once), "warning exception / 1280: Error: bad luck (in one of two runs) (index.html:1:209)")
}

// fakeBrowser is a program that is none.
func fakeBrowser(t *testing.T, script string) Program {
	t.Helper()
	dir, err := os.MkdirTemp("", "codeforge-fake-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	path := filepath.Join(dir, "chromium")
	if err := errors.Join(os.Chmod(dir, 0o755), os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o755)); err != nil {
		t.Fatal(err)
	}
	return Program{Path: path, Version: "1.2.3.4"}
}

// TestUnavailable: a browser that cannot be used is no word about the site, and the reason says what would help.
func TestUnavailable(t *testing.T) {
	for _, c := range []struct{ script, want string }{
		{`echo "FATAL: No usable sandbox! Update your kernel" >&2; exit 1`, "BROWSER_SANDBOX"},
		{`echo "error while loading shared libraries: libnss3.so" >&2; exit 127`, "libnss3.so"},
		{`kill -9 $$`, "ended when it was started"},
		{`sleep 60 & sleep 60`, "did not start in time"},
	} {
		_, err := New(Options{Program: fakeBrowser(t, c.script), Time: 2 * time.Second}).Run(t.Context(), "ada", Site{Handler: todo})
		why, ok := errors.AsType[*Unavailable](err)
		if !ok || !strings.Contains(why.Reason, c.want) {
			t.Errorf("%s: %v, want %q", c.script, err, c.want)
		}
		noTrace(t)
	}
	if _, err := New(Options{Program: Program{Path: "/nonexistent/chromium"}}).Run(t.Context(), "ada", Site{Handler: todo}); err == nil {
		t.Error("a program that is not there was run")
	}
}

// TestCancelled: when nobody waits any more the browser ends with all it started, at once.
func TestCancelled(t *testing.T) {
	o, err := sandboxed()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("nobody waits")
	site := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cancel(gone) // the browser is at work
		todo.ServeHTTP(w, r)
	})
	if _, err := New(o).Run(ctx, "ada", Site{Handler: site}); !errors.Is(err, gone) {
		t.Errorf("ended with %v", err)
	}
	noTrace(t)
}

// TestLeftProfiles: what a server that died left is removed by the next, what a living one has is not.
func TestLeftProfiles(t *testing.T) {
	temp := t.TempDir()
	dead, alive := filepath.Join(temp, profilePrefix+"999999999-1"), filepath.Join(temp, profilePrefix+itoa(os.Getpid())+"-1")
	if err := errors.Join(os.MkdirAll(filepath.Join(dead, "Default"), 0o700), os.Mkdir(alive, 0o700)); err != nil {
		t.Fatal(err)
	}
	New(Options{Temp: temp})
	if _, err := os.Stat(dead); err == nil {
		t.Error("a profile without an owner stayed")
	}
	if _, err := os.Stat(alive); err != nil {
		t.Error("a profile in use was removed")
	}
}

// A page that runs to no end in both runs is at fault, whatever gave out first in each.
func TestEndsInOtherWordsAreOneFault(t *testing.T) {
	end := func(k Kind, page string) *findings {
		var l findings
		l.add(Finding{Severity: Error, Kind: k, Page: page, Message: "The page has no end"})
		return &l
	}
	for _, c := range []struct {
		first, second *findings
		want          []string
	}{
		{end(KindHang, "/"), end(KindExcess, "/"), []string{Error}},
		{end(KindCrash, "/"), end(KindHang, "/"), []string{Error}},
		{end(KindHang, "/"), end(KindHang, "/other"), []string{Warning, Warning}},
		{end(KindHang, "/"), end(KindException, "/"), []string{Warning, Warning}},
		{end(KindExcess, "/"), &findings{}, []string{Warning}},
	} {
		c.first.seenOnce(c.second)
		var got []string
		for _, f := range c.first.list {
			got = append(got, f.Severity)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%v: severities %v, want %v", c.first.list, got, c.want)
		}
	}
}
