package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"strconv"
	"time"

	"codeforge"
)

// clientMessage is what a client says.
type clientMessage struct {
	Type      string          `json:"type"`
	ID        string          `json:"id"`
	Token     string          `json:"token"`
	JobID     string          `json:"job_id"`
	ProjectID string          `json:"project_id"`
	After     string          `json:"after"`
	Keep      *bool           `json:"keep"`
	Answers   json.RawMessage `json:"answers"`
}

const maxMessageID = 64 // characters

// parseMessage reads one message; what cannot be understood is said in words.
func parseMessage(text []byte) (m clientMessage, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil {
		m.ID = "" // it may be half of one
		return m, codeforge.InvalidField("message", "must be a JSON object with type, id and what the type takes: %v", plainJSONError(err))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return m, codeforge.InvalidField("message", "must be one JSON object")
	}
	if len(m.ID) > maxMessageID {
		m.ID = ""
		return m, codeforge.InvalidField("id", "must have at most %d characters", maxMessageID)
	}
	for field, id := range map[string]*string{"job_id": &m.JobID, "project_id": &m.ProjectID} {
		if *id == "" {
			continue
		}
		if *id, err = codeforge.ParseID(*id); err != nil {
			return m, codeforge.InvalidField(field, "Invalid UUID format")
		}
	}
	return m, nil
}

// plainJSONError is what the decoder says, without the names of types of ours.
func plainJSONError(err error) string {
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return codeforge.WrongType(e)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return "it ends too early"
	}
	return err.Error()
}

// take does what a message asks; false: the connection is over.
func (k *socket) take(text []byte) bool {
	m, err := parseMessage(text)
	k.mu.Lock()
	k.heard = time.Now()
	l, known, over := k.login, k.known, k.over
	k.mu.Unlock()
	if over {
		return false
	}
	if !known {
		if err == nil && m.Type != "auth" {
			err = errNoToken
		}
		return k.signIn(m, err)
	}
	if m.Type != "cancel" && m.Type != "respond" { // what becomes a request counts as one there
		if v := k.count(); !v.ok {
			if !k.refuse() {
				return false
			}
			k.fail(m.ID, &codeforge.Error{Kind: codeforge.RateLimited, Message: "Too many requests", RetryAfter: v.retry})
			return true
		}
	}
	k.refused = 0
	if err == nil {
		err = k.obey(&l, m)
	}
	if err != nil {
		k.fail(m.ID, err)
	}
	return true
}

// count counts one message for the limit of the user, or of the address of who has not said yet who it is.
func (k *socket) count() verdict {
	limit := k.s.limit
	if limit == nil {
		return verdict{ok: true}
	}
	k.mu.Lock()
	key := "user:" + k.login.user.ID
	if !k.known {
		key = addressKey(clientAddress(&k.from, k.s.TrustedProxies))
	}
	k.mu.Unlock()
	return limit.take(context.Background(), key, time.Now())
}

// refuse notes a message beyond a limit. Who goes on and on is left: then it is false.
func (k *socket) refuse() bool {
	k.s.Sockets.count(func(c *SocketStats) { c.Refused++ })
	if k.refused++; k.refused >= maxRefused {
		k.close(closeRefused, "too many messages")
		return false
	}
	return true
}

// fail answers a message with an error, as a request would be.
func (k *socket) fail(id string, err error) {
	e := wireError(err)
	message := map[string]any{"type": "error", "id": id, "status": e.status, "error": e.Code, "message": e.Message, "details": e.Details}
	if e.Details == nil {
		message["details"] = map[string]any{}
	}
	k.reply(message)
}

// signIn takes the first message of a connection that came without a token.
func (k *socket) signIn(m clientMessage, err error) bool {
	if v := k.count(); !v.ok {
		k.close(closeRefused, "too many messages")
		return false
	}
	if err == nil {
		err = k.accept(m)
	}
	if err != nil {
		code := closeToken
		if codeforge.IsKind(err, codeforge.RateLimited) {
			code = closeRefused
		}
		k.close(code, reasonOf(err))
		return false
	}
	return true
}

// accept makes the caller of a token the user of the connection.
func (k *socket) accept(m clientMessage) error {
	ctx, cancel := context.WithTimeout(context.Background(), socketPatience)
	defer cancel()
	bearer := "Bearer " + m.Token
	r := k.from
	r.URL = &url.URL{Path: "/v1/ws"}
	u, err := k.s.Auth(bearing(ctx, &r, bearer))
	if err != nil {
		return err
	}
	k.mu.Lock()
	first := !k.known
	if !first && u.ID != k.login.user.ID {
		k.mu.Unlock()
		return codeforge.InvalidField("token", "must be of the same user: open another connection for another one")
	}
	if first {
		if err := k.st.Count(k.s.userStreams(u.ID)); err != nil {
			k.mu.Unlock()
			return tooManyStreams(err)
		}
	}
	k.known = true
	k.login = login{s: k.s, user: codeforge.User{ID: u.ID, Role: "authenticated"}, bearer: bearer, checked: time.Since(k.s.began)}
	k.mu.Unlock()
	if first {
		k.watch.Reset(socketBeat)
	}
	k.reply(map[string]any{"type": "ready", "id": m.ID, "user_id": u.ID})
	return nil
}

// obey does what a message of a known user asks.
func (k *socket) obey(l *login, m clientMessage) error {
	switch m.Type {
	case "ping":
		k.reply(map[string]any{"type": "pong", "id": m.ID})
	case "auth":
		if k.s.Standalone {
			k.reply(map[string]any{"type": "ready", "id": m.ID, "user_id": l.user.ID})
			return nil
		}
		return k.accept(m)
	case "subscribe":
		return k.subscribe(l, m)
	case "unsubscribe":
		return k.unsubscribe(m.ID)
	case "cancel", "respond":
		return k.act(l, m)
	default:
		return codeforge.InvalidField("type", "must be auth, subscribe, unsubscribe, cancel, respond or ping")
	}
	return nil
}

// act cancels a job, or answers what it asks, as the request for it would.
func (k *socket) act(l *login, m clientMessage) error {
	if m.JobID == "" {
		return codeforge.InvalidField("job_id", "is required")
	}
	var answer *heldAnswer
	path := "/v1/jobs/" + m.JobID + "/" + m.Type
	if m.Type == "cancel" {
		answer = k.request(l, path, url.Values{"keep": {strconv.FormatBool(m.Keep == nil || *m.Keep)}}, nil)
	} else {
		body, err := json.Marshal(map[string]json.RawMessage{"answers": append(json.RawMessage{}, m.Answers...)})
		if len(m.Answers) == 0 || err != nil {
			return codeforge.InvalidField("answers", "is required: a list of answers")
		}
		answer = k.request(l, path, nil, body)
	}
	if answer.status == 429 {
		k.s.Sockets.count(func(c *SocketStats) { c.Refused++ })
	}
	body := json.RawMessage(answer.body.Bytes())
	if answer.status < 300 {
		k.reply(map[string]any{"type": "answer", "id": m.ID, "status": answer.status, "data": body})
		return nil
	}
	said := map[string]any{}
	if err := json.Unmarshal(body, &said); err != nil {
		return err
	}
	said["type"], said["id"], said["status"] = "error", m.ID, answer.status
	k.reply(said)
	return nil
}

// subscribe begins to tell of a job, a project, or the jobs of the user.
func (k *socket) subscribe(l *login, m clientMessage) error {
	switch {
	case m.ID == "":
		return codeforge.InvalidField("id", "is required: events are told under it")
	case m.JobID != "" && m.ProjectID != "":
		return codeforge.InvalidField("job_id", "must stand alone: subscribe to the project under another id")
	}
	k.mu.Lock()
	n, taken := len(k.subs), k.subs[m.ID] != nil
	k.mu.Unlock()
	if taken {
		return codeforge.Conflictf("this id is in use: unsubscribe it first, or take another one")
	}
	if n >= maxSubscriptions {
		return &codeforge.Error{Kind: codeforge.RateLimited, Message: "A connection has at most " + strconv.Itoa(maxSubscriptions) + " subscriptions: end some first", RetryAfter: time.Second}
	}
	ctx, cancel := context.WithTimeout(context.Background(), socketRead)
	defer cancel()
	sub := &subscription{id: m.ID}
	wake := func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.queue(sub)
	}
	if err := k.open(ctx, l, m, sub, wake); err != nil {
		return err
	}
	k.reply(map[string]any{"type": "subscribed", "id": m.ID})
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.over { // nobody else knows of it
		go sub.source.Close()
		return nil
	}
	k.subs[m.ID], sub.live = sub, true
	k.s.Sockets.count(func(c *SocketStats) { c.Subscriptions++ })
	k.queue(sub)
	return nil
}

// open finds what a message subscribes to, for whom it is there.
func (k *socket) open(ctx context.Context, l *login, m clientMessage, sub *subscription, wake func()) error {
	s := k.s
	if m.JobID != "" {
		after, err := parseEventID("", m.After)
		if err != nil {
			return err
		}
		src, _, err := s.followJob(ctx, l.user, m.JobID, after, wake)
		if err == nil {
			sub.source = src
		}
		return err
	}
	if m.ProjectID != "" {
		if _, err := s.Store.GetProject(ctx, l.user, m.ProjectID); err != nil {
			return err
		}
	}
	// The connection itself looks after the token.
	src, err := s.feed(login{s: s, user: l.user}, m.ProjectID, m.After, wake)
	if err != nil {
		return cursorError("after", err)
	}
	sub.source = src
	return nil
}

// unsubscribe ends a subscription. What was written before still comes.
func (k *socket) unsubscribe(id string) error {
	k.mu.Lock()
	sub := k.subs[id]
	if sub != nil {
		delete(k.subs, id)
		k.s.Sockets.count(func(c *SocketStats) { c.Subscriptions-- })
		sub.gone = true
		k.queue(sub) // whoever writes closes it
	}
	k.mu.Unlock()
	if sub == nil {
		return codeforge.NotFound("Subscription", id)
	}
	k.reply(map[string]any{"type": "unsubscribed", "id": id})
	return nil
}
