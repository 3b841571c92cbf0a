package stream_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"codeforge/internal/events"
	"codeforge/internal/stream"
)

// log is a source that others write to: frames, in order, and an end.
type log struct {
	mu     sync.Mutex
	frames []string
	err    error // after them
	panics bool
	closed int
	wake   func()
}

func (l *log) Next(_ context.Context, b []byte) ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.frames) > 0 && len(b) < stream.Batch {
		b = append(b, l.frames[0]...)
		l.frames = l.frames[1:]
	}
	if len(l.frames) > 0 {
		return b, nil
	}
	if l.panics {
		panic("broken")
	}
	return b, l.err
}

func (l *log) Dropped(b []byte, reason error) []byte {
	return fmt.Appendf(b, "dropped: %v\n\n", reason)
}

func (l *log) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed++
}

func (l *log) add(frames ...string) {
	l.mu.Lock()
	l.frames = append(l.frames, frames...)
	l.mu.Unlock()
	l.wake()
}

func (l *log) end(err error) {
	l.mu.Lock()
	l.err = err
	l.mu.Unlock()
	l.wake()
}

func (l *log) panic() {
	l.mu.Lock()
	l.panics = true
	l.mu.Unlock()
	l.wake()
}

// rig is a server whose every request opens a stream.
type rig struct {
	*testing.T
	stream.Server
	most int // streams of one reader

	opened chan *log
	ends   chan error // of streams that were taken over
	ended  chan error // of the others
}

func newRig(t *testing.T) *rig {
	return &rig{T: t, opened: make(chan *log, 20000), ends: make(chan error, 20000), ended: make(chan error, 100)}
}

func (k *rig) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	st, err := k.Open(stream.Account{Key: r.URL.Path, Most: k.most}, stream.Account{Key: "all"})
	if err != nil {
		http.Error(w, err.Error(), http.StatusTooManyRequests)
		return
	}
	l := &log{wake: st.Wake, frames: []string{"data: hello\n\n"}}
	switch r.URL.Path {
	case "/quiet":
		l.frames = nil
	case "/short":
		l.err = io.EOF
	case "/broken":
		l.frames, l.err = nil, errors.New("no store")
	}
	w.Header().Set("X-Request-Id", "7")
	k.opened <- l
	taken, _, err := st.Serve(w, r, l, func(_ int64, err error) { k.ends <- err })
	if !taken {
		k.ended <- err
	}
}

// reader reads one stream over a connection.
type reader struct {
	t    *testing.T
	conn net.Conn
	resp *http.Response
	body *bufio.Reader
}

// read sends a request and returns when its header came.
func (k *rig) read(c net.Conn, path, proto string) *reader {
	k.Helper()
	fmt.Fprintf(c, "GET %s %s\r\nHost: x\r\n\r\n", path, proto)
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		k.Fatal(err)
	}
	return &reader{k.T, c, resp, bufio.NewReader(resp.Body)}
}

// want reads one frame.
func (r *reader) want(frame string) {
	r.t.Helper()
	b := make([]byte, len(frame))
	if _, err := io.ReadFull(r.body, b); err != nil || string(b) != frame {
		r.t.Fatalf("read %q, %v, want %q", b, err, frame)
	}
}

// rest is what comes until the end of the answer.
func (r *reader) rest() (string, error) {
	b, err := io.ReadAll(r.body)
	return string(b), err
}

// tcp serves over real connections.
func (k *rig) tcp() (dial func() net.Conn) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		k.Fatal(err)
	}
	srv := &http.Server{Handler: k, ReadTimeout: time.Minute, WriteTimeout: time.Minute}
	go func() { _ = srv.Serve(l) }()
	k.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		k.Close(ctx)
		_ = srv.Close()
	})
	return func() net.Conn {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			k.Fatal(err)
		}
		k.Cleanup(func() { _ = c.Close() })
		return c
	}
}

// pipes serves over connections in memory, which virtual time can wait for.
func (k *rig) pipes() (dial func() net.Conn) {
	l := &pipes{make(chan net.Conn), make(chan struct{})}
	srv := &http.Server{Handler: k}
	go func() { _ = srv.Serve(l) }()
	k.Cleanup(func() { close(l.done); _ = srv.Close() })
	return func() net.Conn {
		client, server := net.Pipe()
		l.conns <- server
		return client
	}
}

type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}
func (p *pipes) Close() error   { return nil }
func (p *pipes) Addr() net.Addr { return &net.IPAddr{} }

// await spins until something is true, which it is in a moment.
func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(3 * time.Minute); !is(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatal("never: " + what)
		}
	}
}

// The header and the framing are those that net/http would have made, by the protocol of the request.
func TestOnTheWire(t *testing.T) {
	k := newRig(t)
	dial := k.tcp()
	for proto, want := range map[string]struct{ head, frame, end string }{
		"HTTP/1.1": {"HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n", "d\r\ndata: hello\n\n\r\n", "9\r\ndata: 1\n\n\r\n0\r\n\r\n"},
		"HTTP/1.0": {"HTTP/1.0 200 OK\r\nConnection: close\r\n", "data: hello\n\n", "data: 1\n\n"},
	} {
		c := dial()
		// What follows the request is nobody's: it must not come back, nor cut the answer short, and the connection ends.
		fmt.Fprintf(c, "GET /a %s\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n", proto)
		l := <-k.opened
		var got strings.Builder
		for b := make([]byte, 512); !strings.Contains(got.String(), "hello"); { // one that ends at once is not taken over
			n, err := c.Read(b)
			if err != nil {
				t.Fatal(err)
			}
			got.Write(b[:n])
		}
		l.add("data: 1\n\n")
		l.end(io.EOF)
		if _, err := io.Copy(&got, c); err != nil {
			t.Fatal(err)
		}
		head, body, _ := strings.Cut(got.String(), "\r\n\r\n")
		date := time.Now().UTC().Format("Date: Mon, 02 Jan 2006")
		if !strings.HasPrefix(head+"\r\n", want.head) || strings.Count(head, "\r\nX-Request-Id: 7") != 1 || !strings.Contains(head, "\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\nX-Accel-Buffering: no\r\n"+date) {
			t.Errorf("%s: header %q", proto, head)
		}
		both := want.frame + want.end
		if body != both && body != strings.Replace(both, "d\r\ndata: hello\n\n\r\n9\r\n", "16\r\ndata: hello\n\n", 1) { // they may come at once
			t.Errorf("%s: body %q", proto, body)
		}
		if err := <-k.ends; err != nil {
			t.Error(err)
		}
	}
	if s := k.Stats(); s.Open != 0 || s.Opened != 2 || s.Handled != 0 || s.Bytes == 0 {
		t.Errorf("%+v", s)
	}
}

// Streams that wait hold no goroutine, and each is written to.
func TestIdleStreamsHoldNoGoroutine(t *testing.T) {
	const n = 500
	k := newRig(t)
	dial := k.tcp()
	before := runtime.NumGoroutine()
	var readers []*reader
	var logs []*log
	for range n {
		readers = append(readers, k.read(dial(), "/a", "HTTP/1.1"))
		readers[len(readers)-1].want("data: hello\n\n")
		logs = append(logs, <-k.opened)
	}
	await(t, "few goroutines", func() bool { return runtime.NumGoroutine() < before+50 })
	for i, l := range logs {
		l.add(fmt.Sprintf("data: %d\n\n", i))
	}
	for i, r := range readers {
		r.want(fmt.Sprintf("data: %d\n\n", i))
	}
	await(t, "all at rest", k.Resting) // to one that is being written to no heartbeat is due
	k.Beat()
	for _, r := range readers {
		r.want(": heartbeat\n\n")
	}
	await(t, "few goroutines", func() bool { return runtime.NumGoroutine() < before+50 })
	if s := k.Stats(); s.Open != n || s.Handled != 0 {
		t.Errorf("%+v", s)
	}
	k.Close(t.Context())
	for _, r := range readers {
		if rest, err := r.rest(); err != nil || rest != "dropped: "+events.ErrClosed.Error()+"\n\n" {
			t.Fatalf("%q %v", rest, err)
		}
	}
	if s := k.Stats(); s.Open != 0 || k.Accounts() != 0 {
		t.Errorf("%+v", s)
	}
}

// A reader who takes nothing is left after ten seconds, and holds up nobody meanwhile.
func TestStuckReadersHoldUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newRig(t)
		dial := k.pipes()
		var stuck []*log
		for range 100 {
			c := dial()
			r := k.read(c, "/stuck", "HTTP/1.1")
			r.want("data: hello\n\n")
			stuck = append(stuck, <-k.opened)
		}
		good := k.read(dial(), "/good", "HTTP/1.1")
		good.want("data: hello\n\n")
		l := <-k.opened
		synctest.Wait()
		for _, s := range stuck {
			s.add("data: x\n\n")
		}
		start := time.Now()
		for i := range 10 {
			l.add(fmt.Sprintf("data: %d\n\n", i))
			good.want(fmt.Sprintf("data: %d\n\n", i))
		}
		if d := time.Since(start); d != 0 {
			t.Errorf("it took %v", d)
		}
		for range stuck {
			if err := <-k.ends; !errors.Is(err, stream.ErrStuck) {
				t.Error(err)
			}
		}
		if d := time.Since(start); d != 10*time.Second {
			t.Errorf("left after %v", d)
		}
		synctest.Wait()
		if s := k.Stats(); s.Open != 1 || s.Slow != 100 {
			t.Errorf("%+v", s)
		}
	})
}

// The same of readers whose connection is full in the kernel: what did not fit follows whole when they read on.
func TestSlowReadersGetAll(t *testing.T) {
	k := newRig(t)
	dial := k.tcp()
	slow := k.read(dial(), "/slow", "HTTP/1.1")
	slow.want("data: hello\n\n")
	l := <-k.opened
	good := k.read(dial(), "/good", "HTTP/1.1")
	good.want("data: hello\n\n")
	g := <-k.opened
	big := "data: " + strings.Repeat("x", 64<<10) + "\n\n"
	for range 200 { // more than loopback holds
		l.add(big)
	}
	for range 100 {
		g.add("data: y\n\n")
		good.want("data: y\n\n")
	}
	l.end(io.EOF)
	rest, err := slow.rest()
	if err != nil || rest != strings.Repeat(big, 200) {
		t.Errorf("%d bytes, %v", len(rest), err)
	}
}

// Heartbeats come 15 seconds after the last frame, and find who is gone.
func TestHeartbeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newRig(t)
		dial := k.pipes()
		r := k.read(dial(), "/a", "HTTP/1.1")
		r.want("data: hello\n\n")
		l := <-k.opened
		start := time.Now()
		at := func(want time.Duration, frame string) {
			t.Helper()
			if r.want(frame); time.Since(start) != want {
				t.Errorf("%q after %v, want %v", frame, time.Since(start), want)
			}
		}
		at(15*time.Second, ": heartbeat\n\n")
		time.Sleep(10 * time.Second)
		l.add("data: 1\n\n")
		at(25*time.Second, "data: 1\n\n")
		at(40*time.Second, ": heartbeat\n\n")
		_ = r.conn.Close()
		if err := <-k.ends; !errors.Is(err, stream.ErrGone) {
			t.Error(err)
		}
		if d := time.Since(start); d != 55*time.Second {
			t.Errorf("found after %v", d)
		}
	})
}

// One heartbeat finds a reader that went away, and one that will send nothing more.
func TestTheDeadAreFound(t *testing.T) {
	k := newRig(t)
	dial := k.tcp()
	for name, leave := range map[string]func(c *net.TCPConn) error{
		"closes":          (*net.TCPConn).Close,
		"closes its side": (*net.TCPConn).CloseWrite,
		"resets":          func(c *net.TCPConn) error { return errors.Join(c.SetLinger(0), c.Close()) },
		"sends and closes": func(c *net.TCPConn) error {
			_, err := c.Write(bytes.Repeat([]byte("x"), 2000))
			return errors.Join(err, c.CloseWrite())
		},
	} {
		r := k.read(dial(), "/a", "HTTP/1.1")
		r.want("data: hello\n\n")
		if err := leave(r.conn.(*net.TCPConn)); err != nil {
			t.Fatal(err)
		}
		await(t, name, func() bool {
			k.Beat()
			select {
			case err := <-k.ends:
				if !errors.Is(err, stream.ErrGone) {
					t.Error(name, err)
				}
				return true
			default:
				return false
			}
		})
	}
	await(t, "counted", func() bool { s := k.Stats(); return s.Open == 0 && s.Dead == 4 })
}

// However a stream ends, it is counted no more, and its source is closed once.
func TestEveryEndIsCounted(t *testing.T) {
	k := newRig(t)
	k.most = 2
	dial := k.tcp()
	first := k.read(dial(), "/a", "HTTP/1.1")
	<-k.opened
	for name, end := range map[string]func(r *reader, l *log){
		"told all":     func(_ *reader, l *log) { l.end(io.EOF) },
		"too slow":     func(_ *reader, l *log) { l.end(events.ErrSlow) },
		"store broken": func(_ *reader, l *log) { l.end(errors.New("no store")) },
		"panic":        func(_ *reader, l *log) { l.panic() },
		"reader left": func(r *reader, l *log) {
			_ = r.conn.(*net.TCPConn).SetLinger(0)
			_ = r.conn.Close()
			await(t, "gone", func() bool { l.add("data: 1\n\n"); return k.Stats().Open == 1 })
		},
	} {
		r := k.read(dial(), "/a", "HTTP/1.1")
		r.want("data: hello\n\n")
		l := <-k.opened
		if refused := k.read(dial(), "/a", "HTTP/1.1"); refused.resp.StatusCode != http.StatusTooManyRequests {
			t.Error("a third was let in")
		}
		end(r, l)
		err := <-k.ends
		switch rest, cut := r.rest(); {
		case name == "told all" && (err != nil || cut != nil), name == "too slow" && (!errors.Is(err, events.ErrSlow) || cut != nil),
			name == "panic" && (err == nil || !strings.Contains(err.Error(), "broken") || cut == nil), name == "store broken" && (err == nil || cut == nil):
			t.Errorf("%s: %v, %q %v", name, err, rest, cut)
		}
		await(t, name, func() bool { return k.Stats().Open == 1 })
		if l.mu.Lock(); l.closed != 1 {
			t.Errorf("%s: closed %d times", name, l.closed)
		}
		l.mu.Unlock()
	}
	// Those that nobody took over.
	for path, want := range map[string]error{"/short": nil, "/broken": errors.New("no store")} {
		w := httptest.NewRecorder()
		k.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		if err := <-k.ended; fmt.Sprint(err) != fmt.Sprint(want) || (want == nil) != (w.Body.String() == "data: hello\n\n") || want != nil && w.Body.Len() > 0 {
			t.Errorf("%s: %v %q", path, err, w.Body)
		}
	}
	st, err := k.Open(stream.Account{Key: "/c", Most: 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Open(stream.Account{Key: "/c", Most: 1}); err == nil {
		t.Error("a second was let in")
	}
	st.Cancel()
	st.Cancel()
	s := k.Stats()
	if s.Open != 1 || s.Refused != 6 || s.Slow != 1 || k.Accounts() != 2 {
		t.Errorf("%+v %d", s, k.Accounts())
	}
	k.Close(t.Context())
	if _, err := first.rest(); err != nil || k.Accounts() != 0 {
		t.Error(err, k.Accounts())
	}
}

// Over TLS and HTTP/2 the handler's goroutine serves, with the same frames.
func TestHandled(t *testing.T) {
	k := newRig(t)
	srv := httptest.NewUnstartedServer(k)
	srv.EnableHTTP2 = true
	srv.StartTLS()
	defer srv.Close()
	for _, h2 := range []bool{true, false} {
		client := srv.Client()
		transport := client.Transport.(*http.Transport).Clone()
		transport.ForceAttemptHTTP2 = h2
		if !h2 {
			transport.TLSClientConfig.NextProtos = []string{"http/1.1"}
		}
		client = &http.Client{Transport: transport}
		resp, err := client.Get(srv.URL + "/quiet")
		if err != nil {
			t.Fatal(err)
		}
		if (resp.ProtoMajor == 2) != h2 || resp.Header.Get("Content-Type") != "text/event-stream" {
			t.Error(resp.Proto, resp.Header)
		}
		l := <-k.opened
		r := &reader{t, nil, resp, bufio.NewReader(resp.Body)}
		l.add("data: 1\n\n")
		r.want("data: 1\n\n")
		if s := k.Stats(); s.Handled != 1 || s.Open != 1 {
			t.Errorf("%+v", s)
		}
		l.add("data: 2\n\n")
		l.end(io.EOF)
		if rest, err := r.rest(); err != nil || rest != "data: 2\n\n" {
			t.Errorf("%q %v", rest, err)
		}
		if err := <-k.ended; err != nil {
			t.Error(err)
		}
		transport.CloseIdleConnections()
	}
	resp, err := srv.Client().Get(srv.URL + "/a")
	if err != nil {
		t.Fatal(err)
	}
	k.Close(t.Context())
	if rest, _ := io.ReadAll(resp.Body); string(rest) != "data: hello\n\ndropped: "+events.ErrClosed.Error()+"\n\n" {
		t.Errorf("%q", rest)
	}
	if err := <-k.ended; !errors.Is(err, events.ErrClosed) {
		t.Error(err)
	}
}

// A server that stops does not wait for readers that take nothing, and tells those who come late.
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newRig(t)
		dial := k.pipes()
		told := k.read(dial(), "/a", "HTTP/1.1")
		told.want("data: hello\n\n")
		<-k.opened
		stuck := k.read(dial(), "/a", "HTTP/1.1")
		stuck.want("data: hello\n\n")
		<-k.opened
		synctest.Wait()
		go func() {
			if rest, err := told.rest(); err != nil || !strings.HasPrefix(rest, "dropped") {
				t.Errorf("%q %v", rest, err)
			}
		}()
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		start := time.Now()
		if k.Close(ctx); time.Since(start) != 3*time.Second {
			t.Errorf("it took %v", time.Since(start))
		}
		synctest.Wait()
		if s := k.Stats(); s.Open != 0 {
			t.Errorf("%+v", s)
		}
		late := k.read(dial(), "/quiet", "HTTP/1.1")
		if rest, err := late.rest(); err != nil || rest != "dropped: "+events.ErrClosed.Error()+"\n\n" {
			t.Errorf("%q %v", rest, err)
		}
		k.Close(t.Context())
	})
}

// Whoever wakes, and however often, each frame comes once and in order.
func TestWakes(t *testing.T) {
	k := newRig(t)
	dial := k.tcp()
	const readers, frames = 20, 300
	var all sync.WaitGroup
	for range readers {
		r := k.read(dial(), "/a", "HTTP/1.1")
		r.want("data: hello\n\n")
		l := <-k.opened
		all.Go(func() {
			for i := range frames {
				l.add(fmt.Sprintf("data: %d\n\n", i))
				if i%7 == 0 {
					k.Beat()
				}
				l.wake()
			}
			l.end(io.EOF)
		})
		all.Go(func() {
			rest, err := r.rest()
			got := strings.Split(strings.ReplaceAll(rest, ": heartbeat\n\n", ""), "\n\n")
			want := make([]string, frames+1)
			for i := range frames {
				want[i] = fmt.Sprintf("data: %d", i)
			}
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("%v: %q", err, got)
			}
		})
	}
	all.Wait()
}
