package api

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
	"github.com/danielgtaylor/huma/v2"

	"codeforge"
	"codeforge/internal/events"
	"codeforge/internal/stream"
)

const (
	socketProtocol   = "codeforge.v1"
	socketToken      = "bearer." // before a token among the protocols that a client offers
	maxSubscriptions = 100       // of one connection
	maxMessage       = 128 << 10 // bytes of one that comes in
	maxReplies       = 64        // that wait to be written; until there is room no message is read
	maxRefused       = 100       // messages in a row that were refused
	socketTurn       = 32        // messages of one subscription before others have their turn
	socketBeat       = 30 * time.Second
	socketPatience   = 10 * time.Second // for the first message, an answer to a ping, and to take one that is sent
	socketWhole      = 30 * time.Second // for the rest of a message that began
	socketIdle       = 5 * time.Minute  // without a subscription and a message
	socketRead       = 30 * time.Second // for one look into the store
)

// Why the server closes a connection, beside the protocol's own codes.
const (
	closeIdle      websocket.StatusCode = 4000
	closeToken     websocket.StatusCode = 4001
	closeSlow      websocket.StatusCode = 4008
	closeRefused   websocket.StatusCode = 4029
	closeGoingAway                      = websocket.StatusGoingAway
)

// SocketStats counts since the start, but for Open and Subscriptions.
type SocketStats struct {
	Open          int
	Subscriptions int
	Opened        int64
	Received      int64 // messages
	Sent          int64
	Slow          int64 // connections closed because the client took nothing
	Refused       int64 // messages beyond a limit
}

// Sockets are the WebSockets that are open. The zero value is ready.
type Sockets struct {
	mu    sync.Mutex
	stats SocketStats
}

// Stats returns the counts.
func (c *Sockets) Stats() SocketStats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stats
}

func (c *Sockets) count(add func(*SocketStats)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	add(&c.stats)
}

type socketInput struct {
	Protocols string `header:"Sec-WebSocket-Protocol" doc:"codeforge.v1, and bearer.TOKEN where no header can be set."`
}

// openSocket makes a WebSocket of a request. A page of another origin may open one only if it may write, too.
func (s *server) openSocket(ctx context.Context, in *socketInput) (*streamOutput, error) {
	x, _ := exchangeOf(ctx)
	token, plain := "", false
	for p := range strings.SplitSeq(in.Protocols, ",") {
		p = strings.TrimSpace(p)
		if t, ok := strings.CutPrefix(p, socketToken); ok {
			token = t
		}
		plain = plain || p == socketProtocol
	}
	if token != "" && !plain {
		return nil, codeforge.InvalidField("Sec-WebSocket-Protocol", "must offer %s beside the token, which is not sent back", socketProtocol)
	}
	l, err := s.loginOf(ctx, x, token)
	if refused := s.admitSocket(x.r); refused != nil {
		return nil, cmp.Or(err, refused) // who asks comes first, as everywhere
	}
	if err != nil && (token != "" || x.r.Header.Get("Authorization") != "" || !codeforge.IsKind(err, codeforge.Unauthenticated)) {
		return nil, err
	}
	x.user = l.user
	st, err := s.openStream(x)
	if err != nil {
		return nil, err
	}
	return &streamOutput{func(huma.Context) {
		k := newSocket(s, x.r, l, st)
		conn, err := websocket.Accept(x.ResponseWriter, x.r, &websocket.AcceptOptions{Subprotocols: []string{socketProtocol}, InsecureSkipVerify: true,
			OnPingReceived: k.pinged, OnPongReceived: k.ponged})
		x.sent, x.status = true, http.StatusSwitchingProtocols
		if err != nil {
			x.err, x.status = err, http.StatusInternalServerError
			st.Cancel()
			return
		}
		k.start(conn)
	}}, nil
}

// admitSocket refuses what is no request for a WebSocket, and pages that may not write.
func (s *server) admitSocket(r *http.Request) error {
	h := r.Header
	if r.ProtoMajor != 1 || !hasToken(h, "Connection", "upgrade") || !hasToken(h, "Upgrade", "websocket") || h.Get("Sec-Websocket-Version") != "13" || h.Get("Sec-Websocket-Key") == "" {
		return codeforge.InvalidField("Upgrade", "must be websocket: this address is for WebSockets of version 13 over HTTP/1.1")
	}
	origin := h.Get("Origin")
	if origin == "" {
		return nil
	}
	if s.cross != nil {
		as := &http.Request{Method: http.MethodPost, URL: r.URL, Host: r.Host, Header: h}
		if s.cross.Check(as) == nil {
			return nil
		}
	} else if u, err := url.Parse(origin); err == nil && strings.EqualFold(u.Host, r.Host) || s.origins["*"] || s.origins[origin] || s.origins[canonicalOrigin(origin)] {
		return nil
	}
	return &codeforge.Error{Kind: codeforge.Denied, Message: "Pages of this origin may not open a WebSocket: name it in ALLOWED_ORIGINS"}
}

func hasToken(h http.Header, name, token string) bool {
	for _, value := range h.Values(name) {
		for part := range strings.SplitSeq(value, ",") {
			if strings.EqualFold(strings.TrimSpace(part), token) {
				return true
			}
		}
	}
	return false
}

// socket is one connection. One goroutine reads it; another one writes while there is something to write. So a subscription
// costs no goroutine, and nothing of it waits for the client but what its feed holds by itself.
type socket struct {
	s     *server
	conn  *websocket.Conn
	st    *stream.Stream
	from  http.Request // what requests that come over it are made of
	watch *time.Timer

	mu      sync.Mutex
	room    sync.Cond // on mu: a reply was written, or all is over
	login   login
	known   bool // who it is
	subs    map[string]*subscription
	ready   []*subscription // that have something to tell, or to be closed
	replies [][]byte
	writing bool
	over    bool
	freed   bool
	heard   time.Time // the last message

	refused int         // messages in a row; of whoever reads
	pinging atomic.Bool // a pong is awaited
}

// subscription is one thing that a client watches. Its source belongs to the goroutine that writes, once it is live.
type subscription struct {
	id     string
	source itemSource
	// Guarded by socket.mu.
	live   bool // the client was told that it begins
	queued bool // in socket.ready
	woken  bool
	gone   bool
}

// itemSource is what can be subscribed to.
type itemSource interface {
	// next is the next event, its data, and from where to go on; name "": there is none now. io.EOF: none will come.
	next(ctx context.Context) (name string, data json.RawMessage, cursor string, err error)
	Close()
}

func newSocket(s *server, r *http.Request, l login, st *stream.Stream) *socket {
	k := &socket{s: s, st: st, login: l, known: l.user.ID != "", subs: map[string]*subscription{}, heard: time.Now()}
	k.room.L = &k.mu
	k.from = http.Request{Host: r.Host, RemoteAddr: r.RemoteAddr, TLS: r.TLS, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}}
	for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host"} {
		if v := r.Header[name]; len(v) > 0 {
			k.from.Header[name] = v
		}
	}
	return k
}

// start begins to read and to tell.
func (k *socket) start(conn *websocket.Conn) {
	k.conn = conn
	conn.SetReadLimit(maxMessage)
	k.s.Sockets.count(func(c *SocketStats) { c.Opened++; c.Open++ })
	wait := socketBeat
	if !k.known {
		wait = socketPatience
	}
	k.watch = time.AfterFunc(wait, k.beat)
	k.st.Hold(func() { k.close(closeGoingAway, events.ErrClosed.Error()) })
	if k.known {
		k.reply(map[string]any{"type": "ready", "user_id": k.login.user.ID})
	}
	go k.read()
}

// read takes messages until the connection ends.
func (k *socket) read() {
	defer k.end()
	for {
		kind, message, err := k.message()
		switch {
		case err != nil:
			return
		case kind != websocket.MessageText:
			k.close(websocket.StatusUnsupportedData, "messages are JSON texts")
			return
		}
		k.s.Sockets.count(func(c *SocketStats) { c.Received++ })
		if !k.take(message) {
			return
		}
	}
}

// message reads one. It may take as long as it likes to come, and then not long to be whole.
func (k *socket) message() (websocket.MessageType, []byte, error) {
	kind, r, err := k.conn.Reader(context.Background())
	if err != nil {
		return kind, nil, err
	}
	late := time.AfterFunc(socketWhole, func() { k.close(closeSlow, "the message took too long") })
	defer late.Stop()
	message, err := io.ReadAll(r)
	return kind, message, err
}

// pinged counts a ping of the protocol as a message, and says whether it is answered.
func (k *socket) pinged(context.Context, []byte) bool {
	k.s.Sockets.count(func(c *SocketStats) { c.Received++ })
	if v := k.count(); v.ok {
		return true
	}
	k.refuse()
	return false
}

// ponged counts a pong that nobody asked for as a message.
func (k *socket) ponged(ctx context.Context, payload []byte) {
	if !k.pinging.Swap(false) {
		k.pinged(ctx, payload)
	}
}

// end gives everything back, once the connection is over.
func (k *socket) end() {
	k.mu.Lock()
	if !k.over { // else it is being closed with a word
		_ = k.conn.CloseNow()
	}
	k.over = true
	k.room.Broadcast()
	writing := k.writing
	k.mu.Unlock()
	k.watch.Stop()
	if !writing {
		k.release()
	}
}

// release closes all subscriptions; nobody reads or writes any more.
func (k *socket) release() {
	k.mu.Lock()
	if k.freed {
		k.mu.Unlock()
		return
	}
	k.freed = true
	all, ready := k.subs, k.ready
	k.subs, k.ready, k.replies = nil, nil, nil
	k.mu.Unlock()
	n := len(all)
	for _, sub := range ready {
		if all[sub.id] != sub {
			sub.source.Close()
		}
	}
	for _, sub := range all {
		sub.source.Close()
	}
	k.s.Sockets.count(func(c *SocketStats) { c.Open--; c.Subscriptions -= n })
	k.st.Cancel()
}

// close ends the connection with a word to the client. It does not wait for it.
func (k *socket) close(code websocket.StatusCode, reason string) {
	k.mu.Lock()
	was := k.over
	k.over = true
	k.room.Broadcast()
	k.mu.Unlock()
	if !was {
		go k.conn.Close(code, reason[:min(len(reason), 120)]) // whoever reads or writes sees its end
	}
}

// beat looks after the connection now and then: whether the other side is there, may still ask, and wants anything.
func (k *socket) beat() {
	k.mu.Lock()
	over, known, idle := k.over, k.known, len(k.subs) == 0 && time.Since(k.heard) >= socketIdle
	l := k.login
	k.mu.Unlock()
	switch {
	case over:
		return
	case !known:
		k.close(closeToken, "no token came")
		return
	case idle:
		k.close(closeIdle, "nothing was subscribed to")
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), socketPatience)
	defer cancel()
	if err := l.check(ctx); err != nil {
		k.close(closeToken, reasonOf(err))
		return
	}
	k.mu.Lock()
	if k.login.bearer == l.bearer {
		k.login = l
	}
	k.mu.Unlock()
	k.pinging.Store(true)
	if err := k.conn.Ping(ctx); err != nil {
		_ = k.conn.CloseNow()
		return
	}
	k.watch.Reset(socketBeat)
}

// reply has a message written, before what subscriptions have to tell. It waits while too many wait.
func (k *socket) reply(message map[string]any) {
	b, err := json.Marshal(message)
	if err != nil { // values that marshal come here
		panic(err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for len(k.replies) >= maxReplies && !k.over {
		k.room.Wait()
	}
	k.replies = append(k.replies, b)
	k.startWriting()
}

// startWriting has what is there written; mu is held.
func (k *socket) startWriting() {
	if !k.writing && !k.over {
		k.writing = true
		go k.write()
	}
}

// queue has a subscription asked what it has to tell; mu is held.
func (k *socket) queue(sub *subscription) {
	sub.woken = true
	if sub.live && !sub.queued {
		sub.queued = true
		k.ready = append(k.ready, sub)
		k.startWriting()
	}
}

// write writes until there is nothing to write.
func (k *socket) write() {
	for {
		k.mu.Lock()
		switch {
		case k.over, len(k.replies) == 0 && len(k.ready) == 0:
			over := k.over
			k.writing = false
			k.mu.Unlock()
			if over {
				k.release()
			}
			return
		case len(k.replies) > 0:
			message := k.replies[0]
			if k.replies = k.replies[1:]; len(k.replies) == 0 {
				k.replies = nil
			}
			k.room.Signal()
			k.mu.Unlock()
			k.send(message)
			continue
		}
		sub := k.ready[0]
		if k.ready = k.ready[1:]; len(k.ready) == 0 {
			k.ready = nil
		}
		sub.queued, sub.woken = false, false
		gone := sub.gone
		k.mu.Unlock()
		if gone {
			sub.source.Close()
			continue
		}
		k.tell(sub)
	}
}

// send writes one message. A client that does not take it is told so and left: if it goes on to take nothing, without a word.
func (k *socket) send(message []byte) bool {
	late := time.AfterFunc(socketPatience, func() {
		k.s.Sockets.count(func(c *SocketStats) { c.Slow++ })
		k.close(closeSlow, events.ErrSlow.Error())
	})
	defer late.Stop()
	if err := k.conn.Write(context.Background(), websocket.MessageText, message); err != nil {
		return false
	}
	k.s.Sockets.count(func(c *SocketStats) { c.Sent++ })
	return true
}

// tell writes what a subscription has to tell, up to its turn's end.
func (k *socket) tell(sub *subscription) {
	ctx, cancel := context.WithTimeout(context.Background(), socketRead)
	defer cancel()
	for range socketTurn {
		name, data, cursor, err := sub.source.next(ctx)
		if err != nil {
			k.drop(sub, err)
			return
		}
		if name == "" {
			k.mu.Lock()
			if sub.woken || sub.gone {
				k.queue(sub)
			}
			k.mu.Unlock()
			return
		}
		b := append(appendString(append(make([]byte, 0, 128+len(data)), `{"type":"event","id":`...), sub.id), `,"event":`...)
		b = appendString(b, name)
		if cursor != "" {
			b = appendString(append(b, `,"cursor":`...), cursor)
		}
		b = append(append(append(b, `,"data":`...), data...), '}')
		if !k.send(b) {
			return
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.queue(sub)
}

// drop ends a subscription that has nothing more to tell.
func (k *socket) drop(sub *subscription, err error) {
	if errors.Is(err, events.ErrClosed) {
		k.close(closeGoingAway, err.Error())
		return
	}
	if codeforge.IsKind(err, codeforge.Unauthenticated) || codeforge.IsKind(err, codeforge.Denied) {
		k.close(closeToken, reasonOf(err))
		return
	}
	k.mu.Lock()
	if k.subs[sub.id] == sub {
		delete(k.subs, sub.id)
		k.s.Sockets.count(func(c *SocketStats) { c.Subscriptions-- })
	}
	k.mu.Unlock()
	sub.source.Close()
	message := map[string]any{"type": "end", "id": sub.id}
	switch {
	case errors.Is(err, io.EOF):
	case errors.Is(err, events.ErrSlow), isOver(err):
		message = map[string]any{"type": "dropped", "id": sub.id, "reason": reasonOf(err)}
	default:
		message = map[string]any{"type": "dropped", "id": sub.id, "reason": wireError(err).Message + ": subscribe again to go on"}
	}
	b, _ := json.Marshal(message) // texts always marshal
	k.send(b)
}

// heldAnswer is the answer to a request that came over a socket.
type heldAnswer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *heldAnswer) Header() http.Header { return r.header }
func (r *heldAnswer) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
}
func (r *heldAnswer) Write(b []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	return r.body.Write(b)
}

// request carries out a request of the API for the client, with everything that holds for one: limits, scopes, the log.
func (k *socket) request(l *login, path string, query url.Values, body []byte) *heldAnswer {
	r := k.from
	r.Method, r.URL, r.Body, r.ContentLength = http.MethodPost, &url.URL{Path: path, RawQuery: query.Encode()}, io.NopCloser(bytes.NewReader(body)), int64(len(body))
	r.RequestURI = r.URL.RequestURI()
	r.Header = k.from.Header.Clone()
	if l.bearer != "" {
		r.Header["Authorization"] = []string{l.bearer}
	}
	if len(body) > 0 {
		r.Header["Content-Type"] = jsonType
	}
	w := &heldAnswer{header: http.Header{}}
	k.s.ServeHTTP(w, r.WithContext(context.Background()))
	return w
}
