package api

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"codeforge"
	"codeforge/internal/events"
)

const (
	heartbeat    = 15 * time.Second // between two signs of life
	writeTimeout = 10 * time.Second // for one frame; who takes longer is dropped
	tokenAfter   = time.Hour        // that a stream's token outlives its job
)

// streamToken is the capability to watch one job, for whoever holds it. What it is worth depends on the job alone, so
// nothing need be in it: it is a MAC over the job and its owner.
func (s *server) streamToken(jobID, userID string) string {
	var buf [32]byte
	return base64.RawURLEncoding.EncodeToString(s.StreamKeys.Sum(buf[:0], streamClaim(jobID, userID)))
}

// opensStream reports whether a token is that of a job.
func (s *server) opensStream(token, jobID, userID string) bool {
	mac, err := base64.RawURLEncoding.Strict().DecodeString(token)
	return err == nil && s.StreamKeys != nil && s.StreamKeys.Verify(streamClaim(jobID, userID), mac)
}

// streamClaim is what the token of a stream signs.
func streamClaim(jobID, userID string) []byte {
	return append(append(append(append(make([]byte, 0, 128), "codeforge/stream/1\x00"...), jobID...), 0), userID...)
}

// streamURL is where a job is watched. It names the job as shown, which may be an alias; the token is for the job itself.
func (s *server) streamURL(x *exchange, shown, jobID, userID string) string {
	scheme, host := s.reached(x.r)
	u := scheme + "://" + host + "/v1/jobs/" + shown + "/stream"
	if s.StreamKeys != nil {
		u += "?token=" + s.streamToken(jobID, userID)
	}
	return u
}

type streamInput struct {
	JobPath
	LastEventID string `header:"Last-Event-ID" doc:"Number of the last event that was seen: what follows it is sent. Without it, everything."`
	After       string `query:"after" doc:"The same, for clients that cannot set headers. The header wins."`
	Token       string `query:"token" doc:"The token of a stream_url."`
	AccessToken string `query:"access_token" doc:"The same, or the caller's own bearer token."`
}

type streamOutput struct {
	Body func(huma.Context)
}

func (s *server) streamJob(ctx context.Context, in *streamInput) (*streamOutput, error) {
	x, _ := exchangeOf(ctx)
	after, err := parseEventID(in.LastEventID, in.After)
	if err != nil {
		return nil, err
	}
	u, job, err := s.watcher(ctx, x, in)
	if err != nil {
		return nil, err
	}
	x.user, x.job = u, job.ID
	log := &jobLog{store: s.Store, user: u, job: job, looked: time.Now()}
	left := true
	if after > 0 {
		// The event before is read as well: a number that the job never gave counts as none.
		next, err := log.read(ctx, after-1, 2)
		if err != nil {
			return nil, err
		}
		known := len(next) > 0 && next[0].Seq == after
		left = len(next) > 1
		if !known && !log.job.Status.Terminal() {
			after = 0
		}
	}
	if !left && log.job.Status.Terminal() {
		return &streamOutput{func(huma.Context) { x.WriteHeader(http.StatusNoContent) }}, nil
	}
	return &streamOutput{func(huma.Context) { s.stream(ctx, x, log, after) }}, nil
}

// jobLog reads the log of one job, which always has an end once the job has: one that another program ended, or that is from
// before there were logs, has none stored, so its last event is made from its row.
type jobLog struct {
	store  Store
	user   codeforge.User
	job    codeforge.Job
	looked time.Time // at the job
}

func (l *jobLog) read(ctx context.Context, after int64, limit int) ([]codeforge.Event, error) {
	log, err := l.store.Events(ctx, l.user, l.job.ID, after, limit)
	if err == nil && !l.job.Status.Terminal() && !isComplete(log) && time.Since(l.looked) >= heartbeat {
		l.looked = time.Now()
		if l.job, err = l.store.GetJob(ctx, l.user, l.job.ID); err == nil && l.job.Status.Terminal() {
			log, err = l.store.Events(ctx, l.user, l.job.ID, after, limit) // its end may have been stored since
		}
	}
	if err != nil || !l.job.Status.Terminal() || isComplete(log) || len(log) == limit {
		return log, err
	}
	if len(log) > 0 {
		after = log[len(log)-1].Seq
	}
	return append(log, lastEvent(&l.job, after+1)), nil
}

// isComplete reports whether a log is read to its end.
func isComplete(log []codeforge.Event) bool { return len(log) > 0 && log[len(log)-1].Type.Final() }

// lastEvent is how a job that has ended would have said so.
func lastEvent(j *codeforge.Job, seq int64) codeforge.Event {
	e := codeforge.Event{JobID: j.ID, Seq: seq, Type: codeforge.EventCancelled, At: j.UpdatedAt}
	data := map[string]any{"job_id": j.ID, "status": j.Status, "progress": j.Progress}
	switch j.Status {
	case codeforge.JobCompleted:
		e.Type = codeforge.EventComplete
	case codeforge.JobFailed:
		e.Type = codeforge.EventError
		data = map[string]any{"job_id": j.ID, "status": j.Status, "error": j.Error}
	}
	e.Data, _ = json.Marshal(data) // strings and numbers always marshal
	return e
}

// parseEventID reads where to go on; 0: from the start.
func parseEventID(header, query string) (int64, error) {
	field, text := "Last-Event-ID", header
	if text == "" {
		field, text = "after", query
	}
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil || text[0] == '+' {
		return 0, codeforge.InvalidField(field, "must be the number of an event")
	}
	return int64(n), nil
}

var errBadToken = &codeforge.Error{Kind: codeforge.Unauthenticated, Message: "Invalid token"}

// watcher finds as whom a stream is read: the caller, or the job's owner, whose token opened it.
func (s *server) watcher(ctx context.Context, x *exchange, in *streamInput) (codeforge.User, codeforge.Job, error) {
	fail := func(err error) (codeforge.User, codeforge.Job, error) { return codeforge.User{}, codeforge.Job{}, err }
	own := func(u codeforge.User) (codeforge.User, codeforge.Job, error) {
		job, err := s.Store.GetJob(ctx, u, in.JobID)
		return u, job, err
	}
	token := in.Token
	if token == "" {
		token = in.AccessToken
	}
	switch {
	case x.r.Header.Get("Authorization") != "":
		if x.deny != nil {
			return fail(x.deny)
		}
		return own(x.user)
	case token == "" && x.deny == nil:
		return own(x.user)
	case token == "" && !s.StreamWithoutToken:
		return fail(x.deny)
	}
	jobID, owner, err := s.Store.JobOwner(ctx, in.JobID)
	if err != nil && (token == "" || !codeforge.IsKind(err, codeforge.Missing)) {
		return fail(err)
	}
	open := token == ""
	if err == nil && !open {
		open = s.opensStream(token, jobID, owner)
	}
	if !open {
		// Not a token of this job, or no such job: only the caller's own bearer token is left, and which it was is not told.
		r := x.r.Clone(ctx)
		r.Header.Set("Authorization", "Bearer "+token)
		if in.AccessToken == "" || s.Standalone {
			return fail(errBadToken)
		}
		u, err := s.Auth(r)
		if err != nil {
			return fail(err)
		}
		return own(u)
	}
	u := codeforge.User{ID: owner, Role: "authenticated"}
	_, job, err := own(u)
	if err != nil {
		return fail(err)
	}
	if token != "" && job.CompletedAt != nil && time.Since(*job.CompletedAt) > tokenAfter {
		return fail(&codeforge.Error{Kind: codeforge.Unauthenticated, Message: "Token has expired"})
	}
	return u, job, nil
}

// stream sends the events of a job after a number until its end, or until either side goes away.
func (s *server) stream(ctx context.Context, x *exchange, log *jobLog, after int64) {
	u, jobID := log.user, log.job.ID
	h := x.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-cache")
	h.Set("Connection", "keep-alive")
	h.Set("X-Accel-Buffering", "no")
	if x.r.Method == http.MethodHead {
		return // the events are the body
	}
	w := newFrameWriter(x)
	defer w.close()
	if w.write(nil) != nil {
		return
	}
	var buf []byte
	for e, err := range s.Hub.Follow(ctx, jobID, after, log.read) {
		if err == nil && e.Type == codeforge.EventComplete {
			e.Data, err = s.completed(ctx, u, jobID, e.Data)
		}
		switch {
		case errors.Is(err, events.ErrSlow), errors.Is(err, events.ErrClosed):
			reason, _ := json.Marshal(map[string]string{"job_id": jobID, "reason": err.Error()})
			_ = w.write(appendFrame(nil, "dropped", 0, reason)) // the reader goes either way
			return
		case err != nil:
			if ctx.Err() == nil {
				x.err = err
			}
			return
		}
		if buf = eventFrames(buf[:0], e); w.write(buf) != nil {
			return
		}
		if cap(buf) > 4096 {
			buf = nil // one large event is no reason to hold much for hours
		}
	}
}

// completed is the data of a complete event with the job's result in it, as a read of the job gives it.
func (s *server) completed(ctx context.Context, u codeforge.User, jobID string, data json.RawMessage) (json.RawMessage, error) {
	job, err := s.Store.GetJob(ctx, u, jobID)
	if err != nil {
		return nil, err
	}
	result, err := s.fullResult(ctx, u, &job)
	if err != nil {
		return nil, err
	}
	if len(result) == 0 {
		result = json.RawMessage("null")
	}
	return setMember(data, "result", result), nil
}

// eventFrames appends what one event is on the wire. The five events of the contract come twice: named, for those who
// listen by name, and unnamed, for those who do not. The number is in the second, so that a cut between loses neither.
func eventFrames(b []byte, e codeforge.Event) []byte {
	if e.Type.Contract() {
		b = appendFrame(b, string(e.Type), 0, e.Data)
		return appendFrame(b, "", e.Seq, e.Data)
	}
	return appendFrame(b, string(e.Type), e.Seq, e.Data)
}

// appendFrame appends one frame; an empty name and the number 0 are left out.
func appendFrame(b []byte, name string, id int64, data []byte) []byte {
	if id > 0 {
		b = append(b, "id: "...)
		b = strconv.AppendInt(b, id, 10)
		b = append(b, '\n')
	}
	if name != "" {
		b = append(b, "event: "...)
		b = append(b, name...)
		b = append(b, '\n')
	}
	b = append(b, "data: "...)
	for _, c := range data {
		if c == '\n' || c == '\r' {
			c = ' ' // between the tokens of JSON; inside of them it is escaped
		}
		b = append(b, c)
	}
	return append(b, '\n', '\n')
}

// frameWriter writes to one reader of a stream, each frame at once and within writeTimeout. While nothing else is
// written it sends a comment every heartbeat, by a timer, so that a stream costs no second goroutine.
type frameWriter struct {
	x  *exchange
	rc *http.ResponseController

	mu     sync.Mutex
	err    error // the first; nothing is written after it
	closed bool
	beat   *time.Timer
}

func newFrameWriter(x *exchange) *frameWriter {
	w := &frameWriter{x: x, rc: http.NewResponseController(x.ResponseWriter)}
	// The server's own timeouts are for requests that end. Not every writer has deadlines; one without is a test's.
	_ = w.rc.SetReadDeadline(time.Time{})
	_ = w.rc.SetWriteDeadline(time.Time{})
	w.mu.Lock()
	defer w.mu.Unlock()
	w.beat = time.AfterFunc(heartbeat, func() { _ = w.write([]byte(": heartbeat\n\n")) })
	return w
}

func (w *frameWriter) write(frame []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed || w.err != nil {
		return errors.Join(w.err, http.ErrHandlerTimeout)
	}
	_ = w.rc.SetWriteDeadline(time.Now().Add(writeTimeout))
	if len(frame) > 0 {
		_, w.err = w.x.Write(frame)
	}
	if w.err == nil {
		w.x.sendHeader()
		w.err = w.rc.Flush()
	}
	_ = w.rc.SetWriteDeadline(time.Time{})
	w.beat.Reset(heartbeat)
	return w.err
}

func (w *frameWriter) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	w.beat.Stop()
}
