package api

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"codeforge"
	"codeforge/internal/events"
	"codeforge/internal/stream"
)

const (
	lookAfter      = 15 * time.Second // that a job was looked at, its log is not believed to tell of its end
	tokenAfter     = time.Hour        // that a stream's token outlives its job
	streamPatience = 30 * time.Second // of one who has too many streams
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
	st, err := s.openStream(x)
	if err != nil {
		return nil, err
	}
	source, left, err := s.followJob(ctx, &job, after, st.Wake)
	if err != nil {
		st.Cancel()
		return nil, err
	}
	return &streamOutput{func(huma.Context) {
		if left && x.r.Method != http.MethodHead {
			s.serveStream(x, st, source)
			return
		}
		source.Close()
		st.Cancel()
		if !left {
			x.WriteHeader(http.StatusNoContent)
			return
		}
		stream.SetHeader(x.Header()) // the events are the body
	}}, nil
}

// openStream counts one more stream for who asks, and refuses one too many.
func (s *server) openStream(x *exchange) (*stream.Stream, error) {
	each := s.MaxStreamsUser
	if s.Standalone { // the one user is everybody
		each = s.MaxStreamsAddress
	}
	user := stream.Account{Key: "user:" + x.user.ID, Most: each}
	st, err := s.Streams.Open(user, stream.Account{Key: addressKey(clientAddress(x.r, s.TrustedProxies)), Most: s.MaxStreamsAddress})
	if e, ok := errors.AsType[*stream.TooMany](err); ok {
		whose := "address"
		if e.Key == user.Key {
			whose = "user"
		}
		return nil, &codeforge.Error{Kind: codeforge.RateLimited, RetryAfter: streamPatience,
			Message: fmt.Sprintf("%d event streams are open, as many as one %s may have: close some of them first", e.Most, whose)}
	}
	return st, err
}

// serveStream answers with a stream. Its line in the log comes when it has begun; one more, at the end, only when that tells
// of trouble, or to those who debug.
func (s *server) serveStream(x *exchange, st *stream.Stream, source stream.Source) {
	stream.SetHeader(x.Header())
	id, log, start := x.id, s.Log, x.start // of a stream that may stay for long no more is kept
	taken, sent, err := st.Serve(x, x.r, source, func(bytes int64, err error) {
		level, reason := slog.LevelDebug, "all was told"
		if err != nil {
			reason = err.Error()
		}
		if isTrouble(err) {
			level = slog.LevelError
		}
		if ctx := context.Background(); log.Enabled(ctx, level) {
			log.LogAttrs(ctx, level, "stream ended", slog.String("request_id", id), slog.Float64("ms", float64(time.Since(start).Microseconds())/1000),
				slog.Int64("bytes", bytes), slog.String("reason", reason))
		}
	})
	if taken {
		x.sent, x.status, x.bytes = true, http.StatusOK, sent
		return
	}
	if isTrouble(err) && x.r.Context().Err() == nil {
		if x.err = err; !x.sent {
			x.writeError(err)
		}
	}
}

// isTrouble reports whether a stream ended for a reason that somebody has to look into.
func isTrouble(err error) bool {
	return err != nil && !errors.Is(err, stream.ErrGone) && !errors.Is(err, stream.ErrStuck) && !errors.Is(err, events.ErrSlow) && !errors.Is(err, events.ErrClosed)
}

// jobSource is the log of one job as frames. It always has an end once the job has: one that another program ended, or that
// is from before there were logs, has none stored, so its last event is made from the job's row. It reads as the job's owner,
// whoever was let in, and keeps little: it may wait for hours.
type jobSource struct {
	s        *server
	owner    string
	job      string
	over     *codeforge.Job // as it ended; nil: it had not when it was looked at
	looked   time.Duration  // at the job, since the server began
	follower *events.Follower
	events   []codeforge.Event // that were read and not framed yet
}

// followJob reads what a job's log holds after a number, and follows it. left is false when nothing is there and nothing will
// come.
func (s *server) followJob(ctx context.Context, job *codeforge.Job, after int64, wake func()) (src *jobSource, left bool, err error) {
	src = &jobSource{s: s, owner: job.UserID, job: job.ID, looked: time.Since(s.began)}
	src.saw(job)
	// The event before is read as well: a number that the job never gave counts as none.
	src.follower = s.Hub.NewFollower(job.ID, max(after-1, 0), src.read, wake)
	src.events, err = src.follower.Next(ctx)
	if err == nil && after > 0 {
		if known := len(src.events) > 0 && src.events[0].Seq == after; known {
			src.events = src.events[1:]
		} else if src.over == nil {
			src.follower.Close()
			src.follower = s.Hub.NewFollower(job.ID, 0, src.read, wake)
			src.events, err = src.follower.Next(ctx)
		}
	}
	switch {
	case errors.Is(err, events.ErrClosed): // of what is left nothing was read: the reader is to come back
		return src, true, nil
	case err != nil:
		src.Close()
		return nil, false, err
	}
	return src, len(src.events) > 0 || src.over == nil, nil
}

// Next implements [stream.Source].
func (j *jobSource) Next(ctx context.Context, b []byte) ([]byte, error) {
	if len(j.events) == 0 {
		var err error
		if j.events, err = j.follower.Next(ctx); err != nil {
			if errors.Is(err, events.ErrSlow) || errors.Is(err, events.ErrClosed) {
				b = j.Dropped(b, err)
			}
			return b, err
		}
	}
	for len(j.events) > 0 && len(b) < stream.Batch {
		e := j.events[0]
		if e.Type == codeforge.EventComplete {
			var err error
			if e.Data, err = j.completed(ctx, e.Data); err != nil {
				return b, err
			}
		}
		b = eventFrames(b, e)
		j.events = j.events[1:]
	}
	if len(j.events) == 0 {
		j.events = nil
	}
	return b, nil
}

// Dropped implements [stream.Source].
func (j *jobSource) Dropped(b []byte, reason error) []byte {
	data, _ := json.Marshal(map[string]string{"job_id": j.job, "reason": reason.Error()}) // strings always marshal
	return appendFrame(b, "dropped", 0, data)
}

// Close implements [stream.Source].
func (j *jobSource) Close() { j.follower.Close() }

// user is as whom the job is read.
func (j *jobSource) user() codeforge.User { return codeforge.User{ID: j.owner, Role: "authenticated"} }

// saw keeps of a job how it ended.
func (j *jobSource) saw(job *codeforge.Job) {
	if job.Status.Terminal() {
		j.over = &codeforge.Job{ID: job.ID, Status: job.Status, Progress: job.Progress, Error: job.Error, UpdatedAt: job.UpdatedAt}
	}
}

func (j *jobSource) read(ctx context.Context, after int64, limit int) ([]codeforge.Event, error) {
	log, err := j.s.Store.Events(ctx, j.user(), j.job, after, limit)
	if now := time.Since(j.s.began); err == nil && j.over == nil && !isComplete(log) && now-j.looked >= lookAfter {
		j.looked = now
		var job codeforge.Job
		if job, err = j.s.Store.GetJob(ctx, j.user(), j.job); err == nil {
			if j.saw(&job); j.over != nil {
				log, err = j.s.Store.Events(ctx, j.user(), j.job, after, limit) // its end may have been stored since
			}
		}
	}
	if err != nil || j.over == nil || isComplete(log) || len(log) == limit {
		return log, err
	}
	if len(log) > 0 {
		after = log[len(log)-1].Seq
	}
	return append(log, events.LastEvent(j.over, after+1)), nil
}

// isComplete reports whether a log is read to its end.
func isComplete(log []codeforge.Event) bool { return len(log) > 0 && log[len(log)-1].Type.Final() }

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

// completed is the data of a complete event with the job's result in it, as a read of the job gives it.
func (j *jobSource) completed(ctx context.Context, data json.RawMessage) (json.RawMessage, error) {
	job, err := j.s.Store.GetJob(ctx, j.user(), j.job)
	if err != nil {
		return nil, err
	}
	result, err := j.s.fullResult(ctx, j.user(), &job)
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
