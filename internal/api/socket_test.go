package api_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"codeforge"
	"codeforge/internal/api"
	"codeforge/internal/stream"
)

// socket is a client's end of a WebSocket.
type socket struct {
	*kit
	c *websocket.Conn
}

// said is what the server says.
type said struct {
	Type    string          `json:"type"`
	ID      string          `json:"id"`
	Event   string          `json:"event"`
	Cursor  string          `json:"cursor"`
	Data    json.RawMessage `json:"data"`
	Status  int             `json:"status"`
	Error   string          `json:"error"`
	Message string          `json:"message"`
	Reason  string          `json:"reason"`
	UserID  string          `json:"user_id"`
	Details map[string]any  `json:"details"`
}

func (k *kit) dial(srv *httptest.Server, protocols []string, headers ...string) (*socket, *http.Response, error) {
	k.Helper()
	h := http.Header{}
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		h.Set(name, value)
	}
	c, resp, err := websocket.Dial(k.Context(), srv.URL+"/v1/ws", &websocket.DialOptions{HTTPHeader: h, Subprotocols: protocols})
	if err != nil {
		return nil, resp, err
	}
	c.SetReadLimit(1 << 22)
	k.Cleanup(func() { _ = c.CloseNow() })
	return &socket{k, c}, resp, nil
}

// open is a connection of alice.
func (k *kit) open(srv *httptest.Server) *socket {
	k.Helper()
	s, _, err := k.dial(srv, nil, "Authorization: Bearer alice")
	if err != nil {
		k.Fatal(err)
	}
	if m := s.read(); m.Type != "ready" || m.UserID != alice {
		k.Fatalf("%+v", m)
	}
	return s
}

func (s *socket) read() (m said) {
	s.Helper()
	_, b, err := s.c.Read(s.Context())
	if err != nil {
		s.Fatal(err)
	}
	if err := json.Unmarshal(b, &m); err != nil {
		s.Fatalf("%v: %s", err, b)
	}
	return m
}

func (s *socket) say(text string) {
	s.Helper()
	if err := s.c.Write(s.Context(), websocket.MessageText, []byte(text)); err != nil {
		s.Fatal(err)
	}
}

// ask says something and returns the answer, which comes first where nothing is subscribed to.
func (s *socket) ask(text string) said {
	s.Helper()
	s.say(text)
	return s.read()
}

// closed is the code with which the server closes.
func (s *socket) closed() (code websocket.StatusCode, reason string) {
	s.Helper()
	for {
		if _, _, err := s.c.Read(s.Context()); err != nil {
			var e websocket.CloseError
			if !asCloseError(err, &e) {
				s.Fatal(err)
			}
			return e.Code, e.Reason
		}
	}
}

func asCloseError(err error, e *websocket.CloseError) bool {
	e.Code = websocket.CloseStatus(err)
	if _, reason, ok := strings.Cut(err.Error(), "reason = "); ok {
		e.Reason = strings.Trim(reason, `"`)
	}
	return e.Code != -1
}

// events are the next of a subscription, as frames.
func (s *socket) events(id string, n int) (list []frame) {
	s.Helper()
	for len(list) < n {
		m := s.read()
		if m.Type != "event" || m.ID != id {
			s.Fatalf("%+v", m)
		}
		list = append(list, frame{m.Cursor, m.Event, string(m.Data)})
	}
	return list
}

// What comes over a WebSocket is what streams say, of a job, a project and a user, and a connection that is cut at each message
// and comes back loses and doubles nothing.
func TestSocketSaysWhatStreamsSay(t *testing.T) {
	k := newKit(t)
	srv := k.serve()
	project := k.project()
	s := k.open(srv)
	starts := map[string]string{}
	for id, of := range map[string]string{"p": `,"project_id":"` + strings.ToUpper(project) + `"`, "u": ""} {
		if m := s.ask(`{"type":"subscribe","id":"` + id + `"` + of + `}`); m.Type != "subscribed" || m.ID != id {
			t.Fatalf("%+v", m)
		}
		ready := s.events(id, 1)[0]
		if ready.Event != "ready" {
			t.Fatalf("%+v", ready)
		}
		starts[id] = ready.ID
	}
	job, ofProject, ofUser := k.story(project)
	live := map[string][]frame{}
	for range ofProject + ofUser {
		m := s.read()
		live[m.ID] = append(live[m.ID], frame{m.Cursor, m.Event, string(m.Data)})
	}
	for _, c := range []struct {
		id, path, of string
		n            int
	}{{"p", "/v1/projects/" + project + "/events", `,"project_id":"` + project + `"`, ofProject}, {"u", "/v1/events", "", ofUser}} {
		want := ordered(k.watch(srv, c.path, starts[c.id]).take(c.n))
		if got := ordered(live[c.id]); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", c.id, got, want)
		}
		for cut, f := range live[c.id][:c.n-1] {
			again := k.open(srv)
			if m := again.ask(`{"type":"subscribe","id":"x","after":"` + f.ID + `"` + c.of + `}`); m.Type != "subscribed" {
				t.Fatalf("%+v", m)
			}
			if got := ordered(append(slices.Clone(live[c.id][:cut+1]), again.events("x", c.n-cut-1)...)); !slices.Equal(got, want) {
				t.Errorf("%s after %d: %v, want %v", c.id, cut, got, want)
			}
			_ = again.c.CloseNow()
		}
	}
	// A job's own, to its end; each event once.
	if m := s.ask(`{"type":"subscribe","id":"j","job_id":"` + job + `","after":"1"}`); m.Type != "subscribed" {
		t.Fatalf("%+v", m)
	}
	stream := k.call("GET", "/v1/jobs/"+job+"/stream?after=1", "").want(200).Body
	for _, f := range s.events("j", 4) {
		if !strings.Contains(stream, "event: "+f.Event+"\ndata: "+f.Data+"\n") || !strings.Contains(stream, "id: "+f.ID+"\n") {
			t.Errorf("%+v is not in %s", f, stream)
		}
	}
	if m := s.read(); m.Type != "end" || m.ID != "j" {
		t.Errorf("%+v", m)
	}
}

func TestSocketActs(t *testing.T) {
	k := newKit(t)
	srv := k.serve()
	project := k.project()
	s := k.open(srv)
	job := k.job(project, "qa")
	f := k.claim(job)
	k.finish(f, codeforge.Outcome{Status: codeforge.Waiting, Question: json.RawMessage(`[{"question":"who?"}]`), Events: []codeforge.Event{event(codeforge.EventWaiting, `{}`)}})
	if m := s.ask(`{"type":"ping","id":"1"}`); m.Type != "pong" || m.ID != "1" {
		t.Errorf("%+v", m)
	}
	if m := s.ask(`{"type":"respond","id":"2","job_id":"` + job + `","answers":[{"who?":"me"}]}`); m.Type != "answer" || m.Status != 200 || !strings.Contains(string(m.Data), `"job_id"`) {
		t.Errorf("%+v", m)
	}
	if m := s.ask(`{"type":"respond","id":"3","job_id":"` + job + `","answers":[{"who?":"me"}]}`); m.Type != "error" || m.Status != 400 || m.Error != "VALIDATION_ERROR" || m.Details["field"] != "status" {
		t.Errorf("%+v", m)
	}
	if m := s.ask(`{"type":"cancel","id":"4","job_id":"` + job + `"}`); m.Type != "answer" || !strings.Contains(string(m.Data), "cancelled") {
		t.Errorf("%+v", m)
	}
	if k.call("GET", "/v1/jobs/"+job, "").want(200).object()["status"] != "cancelled" {
		t.Error("it is not cancelled")
	}
	if m := s.ask(`{"type":"cancel","id":"5","job_id":"` + job + `","keep":false}`); m.Type != "error" || m.Status != 400 {
		t.Errorf("%+v", m)
	}
}

func TestSocketMessagesAreRefused(t *testing.T) {
	k := newKit(t)
	srv := k.serve()
	project := k.project()
	theirs := k.call("POST", "/v1/projects/", `{"title":"Secret"}`, "Authorization: Bearer bob").want(200).object()["id"].(string)
	s := k.open(srv)
	for _, c := range []struct {
		text   string
		status int
		field  string
	}{
		{`x`, 400, "message"}, {``, 400, "message"}, {`[]`, 400, "message"}, {`{"type":"ping"}{}`, 400, "message"}, {`{"type":"ping","x":1}`, 400, "message"},
		{`{"type":7}`, 400, "message"}, {`{"type":"pong"}`, 400, "type"}, {`{}`, 400, "type"}, {`{"type":"ping","id":"` + strings.Repeat("x", 65) + `"}`, 400, "id"},
		{`{"type":"subscribe"}`, 400, "id"}, {`{"type":"subscribe","id":"1","job_id":"x"}`, 400, "job_id"},
		{`{"type":"subscribe","id":"1","job_id":"` + theirs + `","project_id":"` + project + `"}`, 400, "job_id"},
		{`{"type":"subscribe","id":"1","project_id":"` + theirs + `"}`, 404, ""}, {`{"type":"subscribe","id":"1","job_id":"` + theirs + `"}`, 404, ""},
		{`{"type":"subscribe","id":"1","after":"AQ"}`, 400, "after"}, {`{"type":"subscribe","id":"1","job_id":"` + k.job(project, "qa") + `","after":"x"}`, 400, "after"},
		{`{"type":"unsubscribe","id":"1"}`, 404, ""}, {`{"type":"cancel","id":"1"}`, 400, "job_id"}, {`{"type":"cancel","id":"1","job_id":"` + theirs + `"}`, 404, ""},
		{`{"type":"respond","id":"1","job_id":"` + theirs + `"}`, 400, "answers"}, {`{"type":"respond","id":"1","job_id":"` + theirs + `","answers":{}}`, 422, ""},
		{`{"type":"auth","token":"bob"}`, 400, "token"}, {`{"type":"auth","token":"mallory"}`, 401, ""},
	} {
		m := s.ask(c.text)
		field, _ := m.Details["field"].(string)
		if m.Type != "error" || m.Status != c.status || field != c.field || m.Message == "" || strings.Contains(m.Message+fmt.Sprint(m.Details), "clientMessage") {
			t.Errorf("%s: %+v", c.text, m)
		}
	}
	for i := range 100 {
		if m := s.ask(fmt.Sprintf(`{"type":"subscribe","id":"%d","project_id":"%s"}`, i, project)); m.Type != "subscribed" {
			t.Fatalf("%+v", m)
		}
		s.events(fmt.Sprint(i), 1+1) // ready, and the job's first event
	}
	if m := s.ask(`{"type":"subscribe","id":"more"}`); m.Status != 429 {
		t.Errorf("%+v", m)
	}
	if m := s.ask(`{"type":"subscribe","id":"7"}`); m.Status != 409 {
		t.Errorf("%+v", m)
	}
	if m := s.ask(`{"type":"unsubscribe","id":"7"}`); m.Type != "unsubscribed" {
		t.Errorf("%+v", m)
	}
	if m := s.ask(`{"type":"subscribe","id":"7"}`); m.Type != "subscribed" {
		t.Errorf("%+v", m)
	}
	other := k.open(srv)
	if err := other.c.Write(t.Context(), websocket.MessageBinary, []byte("{}")); err != nil {
		t.Fatal(err)
	}
	if code, _ := other.closed(); code != websocket.StatusUnsupportedData {
		t.Error(code)
	}
	// The server leaves before all of it is there, and its word about that may be lost with the rest.
	large := k.open(srv)
	_ = large.c.Write(t.Context(), websocket.MessageText, []byte(`{"type":"`+strings.Repeat("x", 200<<10)+`"}`))
	if _, _, err := large.c.Read(t.Context()); err == nil {
		t.Error("a message beyond the bound was taken")
	} else if code := websocket.CloseStatus(err); code != -1 && code != websocket.StatusMessageTooBig {
		t.Error(code)
	}
}

func TestSocketTokens(t *testing.T) {
	k := newKit(t)
	srv := k.serve()
	s, _, err := k.dial(srv, []string{"codeforge.v1", "bearer.alice"})
	if err != nil {
		t.Fatal(err)
	}
	if s.c.Subprotocol() != "codeforge.v1" || s.read().UserID != alice {
		t.Error(s.c.Subprotocol())
	}
	s, _, err = k.dial(srv, nil)
	if err != nil {
		t.Fatal(err)
	}
	if m := s.ask(`{"type":"auth","id":"a","token":"bob"}`); m.Type != "ready" || m.UserID != bob || m.ID != "a" {
		t.Errorf("%+v", m)
	}
	for name, first := range map[string]string{"a bad token": `{"type":"auth","token":"mallory"}`, "no token": `{"type":"subscribe","id":"1"}`, "nonsense": `x`} {
		s, _, err = k.dial(srv, nil)
		if err != nil {
			t.Fatal(err)
		}
		s.say(first)
		if code, reason := s.closed(); code != 4001 || reason == "" {
			t.Errorf("%s: %d %q", name, code, reason)
		}
	}
	for _, c := range []struct {
		protocols []string
		headers   []string
		status    int
	}{
		{nil, []string{"Authorization: Bearer mallory"}, 401}, {[]string{"codeforge.v1", "bearer.mallory"}, nil, 401}, {[]string{"bearer.alice"}, nil, 400},
		{nil, []string{"Authorization: Bearer alice", "Origin: https://evil.example"}, 403},
	} {
		if _, resp, err := k.dial(srv, c.protocols, c.headers...); err == nil || resp.StatusCode != c.status {
			t.Errorf("%+v: %v %v", c, resp, err)
		}
	}
	k.call("GET", "/v1/ws", "").fails(400, "VALIDATION_ERROR")
	known := newKit(t, func(o *api.Options) { o.AllowedOrigins = []string{"https://app.example"} })
	if _, _, err := known.dial(known.serve(), nil, "Authorization: Bearer alice", "Origin: https://app.example"); err != nil {
		t.Error(err)
	}
}

// Standalone nobody signs in, so pages of other origins must not get in by any way that browsers have.
func TestSocketStandalone(t *testing.T) {
	k := newKit(t, func(o *api.Options) {
		o.Standalone, o.Auth = true, func(*http.Request) (codeforge.User, error) { return codeforge.LocalUser(), nil }
	})
	srv := k.serve()
	host := strings.TrimPrefix(srv.URL, "http://")
	for _, headers := range [][]string{{}, {"Origin: http://" + host}, {"Origin: http://" + host, "Sec-Fetch-Site: same-origin"}} {
		s, _, err := k.dial(srv, nil, headers...)
		if err != nil {
			t.Fatal(err)
		}
		if s.read().UserID != codeforge.LocalUserID {
			t.Error(headers)
		}
	}
	for _, headers := range [][]string{{"Origin: https://evil.example"}, {"Origin: null"}, {"Origin: http://127.0.0.1:1"}, {"Origin: http://" + host, "Sec-Fetch-Site: cross-site"}} {
		if _, resp, err := k.dial(srv, nil, headers...); err == nil || resp.StatusCode != 403 {
			t.Errorf("%v: %v %v", headers, resp, err)
		}
	}
}

func TestSocketLimits(t *testing.T) {
	k := newKit(t, func(o *api.Options) { o.RateLimit, o.MaxStreamsUser = 5, 2 })
	srv := k.serve()
	s := k.open(srv) // one token
	for range 4 {
		if m := s.ask(`{"type":"ping"}`); m.Type != "pong" {
			t.Fatalf("%+v", m)
		}
	}
	if m := s.ask(`{"type":"ping","id":"x"}`); m.Type != "error" || m.Status != 429 || m.ID != "x" || m.Details["retry_after"] == nil {
		t.Fatalf("%+v", m)
	}
	// Requests that come over it count as requests.
	if m := s.ask(`{"type":"cancel","job_id":"` + codeforge.NewID() + `"}`); m.Status != 429 {
		t.Fatalf("%+v", m)
	}
	go func() {
		for range 200 {
			if s.c.Write(context.Background(), websocket.MessageText, []byte(`{"type":"ping"}`)) != nil {
				return
			}
		}
	}()
	if code, _ := s.closed(); code != 4029 {
		t.Error(code)
	}
	many := newKit(t, func(o *api.Options) { o.MaxStreamsUser = 2 })
	srv = many.serve()
	many.open(srv)
	many.open(srv)
	if _, resp, err := many.dial(srv, nil, "Authorization: Bearer alice"); err == nil || resp.StatusCode != 429 {
		t.Errorf("%v %v", resp, err)
	}
}

// bubble is one of WebSockets, whose clock passes while everybody waits. The server is made outside of it.
type bubble struct {
	*testing.T
	k     *kit
	conns chan net.Conn
	open  []net.Conn
}

func inBubble(k *kit, t *testing.T, what func(b *bubble)) {
	synctest.Test(t, func(t *testing.T) {
		b := &bubble{T: t, k: k, conns: make(chan net.Conn)}
		srv := &http.Server{Handler: k.h}
		done := make(chan struct{})
		go func() {
			_ = srv.Serve(b)
			close(done)
		}()
		what(b)
		for _, c := range b.open {
			_ = c.Close()
		}
		_ = srv.Close()
		<-done
	})
}

// Accept, Close and Addr make it a listener of pipes, which hold nothing: what nobody takes is not sent.
func (b *bubble) Accept() (net.Conn, error) {
	c, ok := <-b.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}
func (b *bubble) Close() error {
	close(b.conns)
	return nil
}
func (b *bubble) Addr() net.Addr { return &net.TCPAddr{} }

// dial opens a WebSocket as somebody, "": nobody yet.
func (b *bubble) dial(token string) net.Conn {
	b.Helper()
	ours, theirs := net.Pipe()
	b.conns <- theirs
	b.open = append(b.open, ours)
	request := "GET /v1/ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	if token != "" {
		request += "Authorization: Bearer " + token + "\r\n"
	}
	if _, err := io.WriteString(ours, request+"\r\n"); err != nil {
		b.Fatal(err)
	}
	for got := []byte{}; !bytes.HasSuffix(got, []byte("\r\n\r\n")); {
		var one [1]byte
		if _, err := ours.Read(one[:]); err != nil {
			b.Fatalf("%v: %s", err, got)
		}
		got = append(got, one[0])
	}
	return ours
}

// frame reads one frame of the server.
func (b *bubble) frame(c net.Conn) (op byte, payload []byte, err error) {
	var head [4]byte
	if _, err := io.ReadFull(c, head[:2]); err != nil {
		return 0, nil, err
	}
	n := int(head[1])
	if n == 126 {
		if _, err := io.ReadFull(c, head[2:4]); err != nil {
			return 0, nil, err
		}
		n = int(binary.BigEndian.Uint16(head[2:]))
	}
	payload = make([]byte, n)
	_, err = io.ReadFull(c, payload)
	return head[0] & 15, payload, err
}

// say sends one short frame.
func (b *bubble) say(c net.Conn, op byte, payload string) {
	b.Helper()
	if _, err := c.Write(append([]byte{0x80 | op, 0x80 | byte(len(payload)), 0, 0, 0, 0}, payload...)); err != nil {
		b.Fatal(err)
	}
}

// closed reads to the end, answering pings, and says after how long that came and with which code; 0: without one.
func (b *bubble) closed(c net.Conn) (after time.Duration, code websocket.StatusCode) {
	began := time.Now()
	for {
		op, payload, err := b.frame(c)
		switch {
		case err != nil:
			return time.Since(began), code
		case op == opPing:
			b.say(c, opPong, string(payload))
		case op == opClose:
			code = websocket.StatusCode(binary.BigEndian.Uint16(payload))
			b.say(c, opClose, string(payload[:2]))
			return time.Since(began), code
		}
	}
}

const (
	opText  = 1
	opClose = 8
	opPing  = 9
	opPong  = 10
)

// Whoever takes nothing, sends half a message, wants nothing, or may not ask any more is left in time, and told why.
func TestSlowSockets(t *testing.T) {
	sockets := new(api.Sockets)
	var over atomic.Bool
	k := newKit(t, func(o *api.Options) {
		o.Sockets = sockets
		o.Auth = func(r *http.Request) (codeforge.User, error) {
			if over.Load() {
				return codeforge.User{}, &codeforge.Error{Kind: codeforge.Unauthenticated, Message: "Token has expired"}
			}
			return authByName(r)
		}
	})
	project := k.project()
	// The store writes outside of bubbles: that this log is read first.
	if _, err := k.store.ProjectChanges(t.Context(), codeforge.User{ID: alice}, project, -1, 1); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		do    func(b *bubble) (time.Duration, websocket.StatusCode)
		after time.Duration
		code  websocket.StatusCode
		slow  int64
	}{
		{"no token comes", func(b *bubble) (time.Duration, websocket.StatusCode) { return b.closed(b.dial("")) }, 10 * time.Second, 4001, 0},
		{"nothing is wanted", func(b *bubble) (time.Duration, websocket.StatusCode) { return b.closed(b.dial("alice")) }, 5 * time.Minute, 4000, 0},
		{"pings are no wish", func(b *bubble) (time.Duration, websocket.StatusCode) {
			conn := b.dial("alice")
			go func() {
				time.Sleep(4*time.Minute + time.Second)
				b.say(conn, opPing, "")
			}()
			return b.closed(conn)
		}, 5 * time.Minute, 4000, 0},
		{"something is watched, and the token expires", func(b *bubble) (time.Duration, websocket.StatusCode) {
			conn := b.dial("alice")
			go func() {
				b.say(conn, opText, `{"type":"subscribe","id":"1","project_id":"`+project+`"}`)
				time.Sleep(time.Hour - time.Second)
				over.Store(true)
			}()
			return b.closed(conn)
		}, time.Hour, 4001, 0},
		{"half a message", func(b *bubble) (time.Duration, websocket.StatusCode) {
			conn := b.dial("alice")
			go conn.Write([]byte{opText, 0x80 | 20, 0, 0, 0, 0, '{'})
			return b.closed(conn)
		}, 30 * time.Second, 4008, 0},
		{"nothing is taken for a while", func(b *bubble) (time.Duration, websocket.StatusCode) {
			conn := b.dial("alice")
			began := time.Now()
			time.Sleep(12 * time.Second)
			_, code := b.closed(conn)
			return time.Since(began), code
		}, 12 * time.Second, 4008, 1},
		{"nothing is taken any more", func(b *bubble) (time.Duration, websocket.StatusCode) {
			conn := b.dial("alice")
			began := time.Now()
			time.Sleep(20 * time.Second)
			_, code := b.closed(conn)
			return time.Since(began), code
		}, 20 * time.Second, 0, 1},
		{"pings are not answered", func(b *bubble) (time.Duration, websocket.StatusCode) {
			conn := b.dial("alice")
			began := time.Now()
			for {
				if _, _, err := b.frame(conn); err != nil {
					return time.Since(began), 0
				}
			}
		}, 40 * time.Second, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			over.Store(false)
			before := sockets.Stats()
			inBubble(k, t, func(b *bubble) {
				if after, code := c.do(b); after != c.after || code != c.code {
					t.Errorf("left after %v with %d, want %v and %d", after, code, c.after, c.code)
				}
				synctest.Wait()
			})
			if now := sockets.Stats(); now.Slow-before.Slow != c.slow || now.Open != 0 || now.Subscriptions != 0 {
				t.Errorf("%+v", now)
			}
		})
	}
}

// Pings and pongs of the protocol count as messages do, but for the pong that the server asked for.
func TestSocketPingsAreCounted(t *testing.T) {
	for _, op := range []byte{opPing, opPong} {
		sockets := new(api.Sockets)
		k := newKit(t, func(o *api.Options) { o.Sockets, o.RateLimit = sockets, 60 })
		inBubble(k, t, func(b *bubble) {
			conn := b.dial("bob") // whose bucket was not there yet
			go func() {
				time.Sleep(35 * time.Second) // the server asks once, the tokens are there again
				for range 60 + 99 {
					b.say(conn, op, "x")
				}
				time.Sleep(time.Second) // one more
				b.say(conn, op, "x")
				b.say(conn, op, "x")
			}()
			pongs := 0
			for {
				kind, payload, err := b.frame(conn)
				switch {
				case err != nil:
					b.Fatal(err)
				case kind == opPing:
					b.say(conn, opPong, string(payload))
				case kind == opPong:
					pongs++
				case kind == opClose:
					if code := binary.BigEndian.Uint16(payload); code != 4029 || op == opPing && pongs != 61 || op == opPong && pongs != 0 {
						t.Errorf("left with %d after %d pongs", code, pongs)
					}
					b.say(conn, opClose, string(payload[:2]))
					return
				}
			}
		})
		if st := sockets.Stats(); st.Refused != 100 || st.Received != 60+99+2 {
			t.Errorf("%+v", st)
		}
	}
}

// Connections whose user is not known yet take no places of anybody's, and count for the user who then signs in.
func TestSocketsWithoutUser(t *testing.T) {
	streams := new(stream.Server)
	k := newKit(t, func(o *api.Options) { o.Streams, o.MaxStreamsUser, o.MaxStreamsAddress = streams, 2, 6 })
	srv := k.serve()
	dial := func() *socket {
		t.Helper()
		s, _, err := k.dial(srv, nil)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	silent := []*socket{dial(), dial(), dial()}
	s := dial()
	if m := s.ask(`{"type":"auth","token":"alice"}`); m.UserID != alice {
		t.Fatalf("%+v", m)
	}
	if m := s.ask(`{"type":"auth","token":"alice"}`); m.Type != "ready" { // which is no other one
		t.Fatalf("%+v", m)
	}
	k.open(srv)
	if _, resp, err := k.dial(srv, nil, "Authorization: Bearer alice"); err == nil || resp.StatusCode != 429 {
		t.Errorf("%v %v", resp, err)
	}
	silent[0].say(`{"type":"auth","token":"alice"}`)
	if code, reason := silent[0].closed(); code != 4029 || !strings.Contains(reason, "2 event streams are open, as many as one user may have") {
		t.Errorf("%d %q", code, reason)
	}
	await(t, "given back", func() bool { return streams.Stats().Open == 4 })
	if m := silent[1].ask(`{"type":"auth","token":"bob"}`); m.UserID != bob {
		t.Errorf("%+v", m)
	}
	dial()
	dial()
	if _, resp, err := k.dial(srv, nil); err == nil || resp.StatusCode != 429 { // the address has its own bound
		t.Errorf("%v %v", resp, err)
	}
	s.c.CloseNow()
	await(t, "given back", func() bool { return streams.Stats().Open == 5 })
	if m := silent[2].ask(`{"type":"auth","token":"alice"}`); m.UserID != alice {
		t.Errorf("%+v", m)
	}
}

// A server that stops says so, and what was open is given back.
func TestSocketEnds(t *testing.T) {
	streams, sockets := new(stream.Server), new(api.Sockets)
	k := newKit(t, func(o *api.Options) { o.Streams, o.Sockets = streams, sockets })
	srv := k.serve()
	project := k.project()
	var all []*socket
	for i := range 3 {
		s := k.open(srv)
		if i > 0 {
			s.ask(`{"type":"subscribe","id":"1","project_id":"` + project + `"}`)
			s.events("1", 1)
		}
		all = append(all, s)
	}
	if st := sockets.Stats(); st.Open != 3 || st.Subscriptions != 2 || streams.Stats().Open != 3 {
		t.Errorf("%+v", st)
	}
	_ = all[2].c.Close(websocket.StatusNormalClosure, "")
	go func() {
		k.hub.Close()
		streams.Close(context.Background()) // which waits for them
	}()
	for _, s := range all[:2] {
		if code, reason := s.closed(); code != websocket.StatusGoingAway || reason == "" {
			t.Errorf("%d %q", code, reason)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	streams.Close(ctx)
	if st := sockets.Stats(); ctx.Err() != nil || st.Open != 0 || st.Subscriptions != 0 {
		t.Errorf("%+v", st)
	}
}

func FuzzSocketMessage(f *testing.F) {
	for _, text := range []string{`{"type":"ping","id":"1"}`, `{"type":"subscribe","id":"1","job_id":"0198c0de-0000-7000-8000-00000000a11c","after":"7"}`, `{"type":"respond","answers":[{}]}`, `{`, `[]`, `{"id":7}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		id, err := api.ParseMessage(text)
		if err == nil && !json.Valid(text) || len(id) > 64 {
			t.Errorf("%q: %q", text, id)
		}
		if err != nil && !codeforge.IsKind(err, codeforge.Invalid) {
			t.Error(err)
		}
	})
}

// A WebSocket that has nothing to tell holds one goroutine and little memory, whatever it watches. The clients here are bare
// connections, which hold next to nothing.
func TestIdleSockets(t *testing.T) {
	const n = 400
	most := 26 << 10
	if raceDetector { // whose own memory counts
		most = 40 << 10
	}
	sockets := new(api.Sockets)
	k := newKit(t, func(o *api.Options) { o.Sockets = sockets })
	srv := k.serve()
	project := k.project()
	_ = k.open(srv).c.CloseNow() // what is made once
	before, running := memory(), runtime.NumGoroutine()
	var message [512]byte
	subscribe := append([]byte{0x81, 0x80 | 0x7e, 0, 0, 0, 0, 0, 0}, `{"type":"subscribe","id":"1","project_id":"`+project+`"}`...)
	binary.BigEndian.PutUint16(subscribe[2:], uint16(len(subscribe)-8))
	for range n {
		c, err := net.Dial("tcp", strings.TrimPrefix(srv.URL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		request := "GET /v1/ws HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer alice\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
		if _, err := c.Write(append([]byte(request), subscribe...)); err != nil {
			t.Fatal(err)
		}
		var got []byte
		for !bytes.Contains(got, []byte(`"event":"ready"`)) || !bytes.HasSuffix(got, []byte("}}")) {
			m, err := c.Read(message[:])
			if got = append(got, message[:m]...); err != nil {
				t.Fatalf("%v %s", err, got)
			}
		}
	}
	each, goroutines := (memory()-before)/n, runtime.NumGoroutine()-running
	t.Logf("%d bytes and %.2f goroutines each", each, float64(goroutines)/n)
	if st := sockets.Stats(); st.Subscriptions != n || each > most || goroutines > n+20 {
		t.Errorf("%d bytes each, %d goroutines for %d connections: %+v", each, goroutines, n, st)
	}
}

func memory() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapInuse + m.StackInuse)
}
