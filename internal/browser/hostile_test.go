package browser

import (
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// noTrace fails when a browser of this process left something behind: a profile, a process, or a dead one that nobody took leave of.
func noTrace(t *testing.T) {
	t.Helper()
	if left, _ := filepath.Glob(filepath.Join(os.TempDir(), profilePrefix+"*")); len(left) > 0 {
		for _, dir := range left {
			if strings.Contains(dir, profilePrefix+itoa(os.Getpid())+"-") {
				t.Errorf("a profile was left: %s", dir)
			}
		}
	}
	if runtime.GOOS != "linux" {
		return
	}
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, d := range dirs {
		line, _ := os.ReadFile(filepath.Join(d, "cmdline"))
		stat, _ := os.ReadFile(filepath.Join(d, "stat"))
		if strings.Contains(string(line), profilePrefix+itoa(os.Getpid())+"-") {
			t.Errorf("a process was left: %.200q", line)
		}
		if f := strings.Fields(string(stat)); len(f) > 3 && f[2] == "Z" && f[3] == itoa(os.Getpid()) {
			t.Errorf("a dead process was left: %.100q", stat)
		}
	}
}

// TestHostilePages: a page may do what it wants: the run ends within its time, says what was wrong in the same words each time, and
// leaves nothing behind.
func TestHostilePages(t *testing.T) {
	o, err := sandboxed()
	if err != nil {
		t.Fatal(err)
	}
	o.Memory, o.patience = 1<<30, 3*time.Second
	for _, c := range []struct {
		name, body string
		want       Kind // of an error, as a rule: time, memory or patience may end the page first; "": none is wanted
		soak       bool // it takes long
	}{
		{"runs for ever when opened", `<p>Hello</p><script>for (;;) {}</script>`, KindHang, true},
		{"runs for ever when used", `<button onclick="for (;;) {}">Go</button>`, KindHang, false},
		{"asks for ever", `<p>Hello</p><script>for (;;) alert(1)</script>`, KindExcess, false},
		{"opens windows", `<button onclick="for (let i = 0; i < 5000; i++) open('/?' + i)">Go</button><button onclick="setInterval(() => open('/'), 0)">More</button>`, "", true},
		{"loads for ever", `<p>Hello</p><script>location.reload()</script>`, KindExcess, false},
		{"goes round", `<p>Hello</p><script>location = "/?" + Math.random()</script>`, KindExcess, true},
		{"eats memory", `<p>Hello</p><script>const a = []; setInterval(() => { for (let i = 0; i < 20; i++) a.push(new Uint8Array(1e7).fill(1)) }, 0)</script>`, KindCrash, true},
		{"eats the heap", `<p>Hello</p><script>const a = []; for (let i = 0; ; i++) a.push({ i, s: "x".repeat(100) + i })</script>`, KindHang, false},
		{"grows", `<div id="r"></div><script>setInterval(() => { for (let i = 0; i < 100; i++) r.append(document.createElement("p"), "x") }, 1)</script>`, "", true},
		{"shouts", `<p>Hello</p><script>setInterval(() => { for (let i = 0; i < 50; i++) console.error("x".repeat(1e6) + i) }, 10)</script>`, "", true},
		{"downloads", `<p>Hello</p><script>for (let i = 0; i < 200; i++) { const a = document.createElement("a"); a.href = "data:application/octet-stream,x"; a.download = "f" + i; a.click() }</script>`, "", true},
		{"fills the screen, prints, asks for rights", `<button onclick="document.documentElement.requestFullscreen(); print(); Notification.requestPermission(); navigator.geolocation.getCurrentPosition(() => 0); navigator.mediaDevices?.getUserMedia({ video: true }).catch(() => 0); document.documentElement.requestPointerLock()">Go</button>`, "", false},
		{"lies about everything", `<p>Hello</p><script>
for (const o of [Object, Array, String, Date, JSON, Promise, Map, Set, Element, Node, Document, MutationObserver, EventTarget]) for (const k of Object.getOwnPropertyNames(o.prototype ?? o)) try { Object.defineProperty(o.prototype ?? o, k, { get() { throw new Error("no") } }) } catch {}
</script>`, "", false},
		{"does not let go", `<p>Hello</p><script>onbeforeunload = (e) => { e.preventDefault(); return "stay" }; history.pushState = null; for (let i = 0; i < 1000; i++) try { History.prototype.pushState.call(history, 0, "", "/?" + i) } catch {}</script>`, "", true},
		{"has workers", `<p>Hello</p><script>const u = URL.createObjectURL(new Blob(["for(;;){}"])); for (let i = 0; i < 50; i++) new Worker(u)</script>`, "", true},
		{"has frames", `<p>Hello</p><script>for (let i = 0; i < 300; i++) { const f = document.createElement("iframe"); f.title = "f"; f.srcdoc = "<script>throw 1<\/script>"; document.body.append(f) }</script>`, "", true},
	} {
		if c.soak && os.Getenv("CODEFORGE_SOAK") != "1" {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			o := o
			switch {
			case c.soak:
			case c.want == KindHang:
				o.patience = time.Second // which the page computes through
			default:
				o.Time = 5 * time.Minute // it ends by itself, on a busy machine later
			}
			began := time.Now()
			r, err := New(o).Run(t.Context(), "ada", Site{Handler: files{"index.html": document(c.body)}})
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%v, %d runs, rest %q", time.Since(began), r.Runs, r.Rest)
			found := c.want == ""
			for _, f := range r.Findings {
				t.Log(line(f))
				found = found || f.Severity == Error && f.Kind.ends() && c.want.ends()
			}
			if !found {
				t.Errorf("no error like %s", c.want)
			}
			noTrace(t)
		})
	}
}

func itoa(n int) string { return strconv.Itoa(n) }
