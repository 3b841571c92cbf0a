package browser

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// listenUDP counts what comes to a port.
func listenUDP(t *testing.T, count *atomic.Int64) string {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	go func() {
		b := make([]byte, 1500)
		for {
			if _, _, err := c.ReadFrom(b); err != nil {
				return
			}
			count.Add(1)
		}
	}()
	return c.LocalAddr().String()
}

// TestReachesNothing: whatever a page tries, nothing but its own site hears of it: no server of this machine, no address of the
// network, no name server, no STUN server, no file. The page is not held back by a policy, and says itself what it got.
func TestReachesNothing(t *testing.T) {
	var heard, stun, told, tried atomic.Int64
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		heard.Add(1)
		w.Header().Set("Access-Control-Allow-Origin", "*")
		fmt.Fprint(w, "secret")
	}))
	defer api.Close()
	port := strings.TrimPrefix(api.URL, "http://127.0.0.1:")
	udp := listenUDP(t, &stun)
	page := document(`<p id="p">Hello</p><img alt="a" src="http://localhost:` + port + `/i"><link rel="dns-prefetch" href="//prefetch.example.com"><link rel="preconnect" href="http://127.0.0.1:` + port + `">
<link rel="prefetch" href="http://127.0.0.1:` + port + `/prefetch"><iframe title="f" src="file:///etc/passwd"></iframe><iframe title="c" src="chrome://version"></iframe><script>
const got = [];
const tell = (what) => fetch("/told?" + encodeURIComponent(what));
for (const u of ["` + api.URL + `/v1/projects", "http://localhost:` + port + `/", "http://[::1]:` + port + `/", "http://app.localhost:` + port + `/", "http://169.254.169.254/latest/meta-data/", "https://127.0.0.1:` + port + `/", "file:///etc/passwd", "chrome://version"]) {
  fetch(u, { mode: "no-cors" }).then((r) => r.type === "opaque" && !u.startsWith("http:") ? tell(u) : 0, () => 0);
  fetch(u).then((r) => r.text()).then((b) => b.includes("secret") ? tell(u) : 0, () => 0);
  try { navigator.sendBeacon(u, "x"); } catch {}
}
for (const h of ["127.0.0.1", "localhost", "app.localhost"]) new WebSocket("ws://" + h + ":` + port + `/").onopen = () => tell("ws");
try { new EventSource("` + api.URL + `/e").onopen = () => tell("events"); } catch {}
try { new WebTransport("https://127.0.0.1:` + port + `/").ready.then(() => tell("webtransport"), () => 0); } catch {}
try {
  const c = new RTCPeerConnection({ iceServers: [{ urls: "stun:` + udp + `" }, { urls: "turn:` + udp + `", username: "a", credential: "b" }, { urls: "turn:127.0.0.1:` + port + `?transport=tcp", username: "a", credential: "b" }] });
  c.createDataChannel("x");
  c.onicecandidate = (e) => e.candidate && /typ (srflx|relay)/.test(e.candidate.candidate) ? tell(e.candidate.candidate) : 0;
  c.createOffer().then((o) => c.setLocalDescription(o));
} catch {}
navigator.serviceWorker?.register("/sw.js").then(() => tell("service worker"), () => 0);
open("http://127.0.0.1:` + port + `/window");
fetch("/tried");
</script><button onclick="open('http://127.0.0.1:` + port + `/popup')">Open</button><form action="http://127.0.0.1:` + port + `/form"><button>Send</button></form>`)
	site := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/tried":
			tried.Add(1)
		case "/told":
			told.Add(1)
			t.Errorf("the page reached %s", r.URL.RawQuery)
		case "/sw.js":
			t.Error("a service worker was fetched")
		}
		w.Header().Set("Content-Type", "text/html")
		if tried.Load() >= 4 { // opened, used, opened again and reloaded: the rest of the run would try the same
			fmt.Fprint(w, document(`<p>Hello</p>`))
			return
		}
		fmt.Fprint(w, page)
	})
	o, err := sandboxed()
	if err != nil {
		t.Fatal(err)
	}
	for _, shared := range []bool{false, true} {
		o.sharedNetwork = shared // the proxy and the flags alone, as where this process has no right to make networks
		r, err := New(o).Run(t.Context(), "ada", Site{Handler: site})
		if err != nil {
			t.Fatal(err)
		}
		t.Log(r.Sandbox, r.Duration, r.Rest, lines(r))
		if tried.Swap(0) == 0 {
			t.Error("the page did not come to its end")
		}
		if heard.Load() != 0 || stun.Load() != 0 || told.Load() != 0 {
			t.Errorf("%v: a server heard %d requests, a STUN server %d packets", r.Sandbox, heard.Load(), stun.Load())
		}
	}
}
