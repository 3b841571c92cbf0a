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
	"strings"
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
	u, byToken, err := s.watcher(ctx, x, in)
	if err != nil {
		return nil, err
	}
	x.user = u
	st, err := s.openStream(x)
	if err != nil {
		return nil, err
	}
	source, left, err := s.followJob(ctx, u, in.JobID, after, st.Wake)
	if err == nil && byToken && source.outlived() {
		source.Close()
		err = &codeforge.Error{Kind: codeforge.Unauthenticated, Message: "Token has expired"}
	}
	if err != nil {
		st.Cancel()
		return nil, err
	}
	x.job = source.job
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

// openStream counts one more stream for who asks, and refuses one too many. Of one who has not said yet who it is, the address alone
// counts: what all such had together, anybody could use up.
func (s *server) openStream(x *exchange) (*stream.Stream, error) {
	accounts := []stream.Account{{Key: addressKey(clientAddress(x.r, s.TrustedProxies)), Most: s.MaxStreamsAddress}}
	if x.user.ID != "" {
		accounts = append(accounts, s.userStreams(x.user.ID))
	}
	st, err := s.Streams.Open(accounts...)
	return st, tooManyStreams(err)
}

// userStreams is for what the streams of a user count.
func (s *server) userStreams(userID string) stream.Account {
	each := s.MaxStreamsUser
	if s.Standalone { // the one user is everybody
		each = s.MaxStreamsAddress
	}
	return stream.Account{Key: "user:" + userID, Most: each}
}

// tooManyStreams says to whom a stream was refused what to do about it.
func tooManyStreams(err error) error {
	e, ok := errors.AsType[*stream.TooMany](err)
	if !ok {
		return err
	}
	whose := "address"
	if strings.HasPrefix(e.Key, "user:") {
		whose = "user"
	}
	return &codeforge.Error{Kind: codeforge.RateLimited, RetryAfter: streamPatience,
		Message: fmt.Sprintf("%d event streams are open, as many as one %s may have: close some of them first", e.Most, whose)}
}

// serveStream answers with a stream. Its line in the log comes when it has begun; one more, at the end, only when that tells
// of trouble, or to those who debug.
func (s *server) serveStream(x *exchange, st *stream.Stream, source stream.Source) {
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
		x.taken, x.sent, x.status, x.bytes = true, true, http.StatusOK, sent
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
// is from before there were logs, has none stored, so its last event is made from the job's row. Once the job was read as who
// was let in, it is read as its owner, and little is kept: this may wait for hours.
type jobSource struct {
	s        *server
	job      string // its id, once it was read
	owner    string
	opener   *codeforge.User // reads first
	over     *codeforge.Job  // as it ended; nil: it had not when it was looked at
	looked   time.Duration   // at the job, since the server began
	follower *events.Follower
	events   []codeforge.Event // that were read and not framed yet
}

// followJob reads what the log of a job of u holds after a number, and follows it. left is false when nothing is there and
// nothing will come.
func (s *server) followJob(ctx context.Context, u codeforge.User, id string, after int64, wake func()) (j *jobSource, left bool, err error) {
	j = &jobSource{s: s, job: id, opener: &u}
	// The event before is read as well: a number that the job never gave counts as none.
	err = j.follow(ctx, max(after-1, 0), wake)
	if err == nil && j.job != id { // an alias, of which nobody tells
		j.follower.Close()
		err = j.follow(ctx, max(after-1, 0), wake)
	}
	if err == nil && after > 0 {
		if known := len(j.events) > 0 && j.events[0].Seq == after; known {
			j.events = j.events[1:]
		} else if j.over == nil {
			j.follower.Close()
			err = j.follow(ctx, 0, wake)
		}
	}
	switch {
	case errors.Is(err, events.ErrClosed): // of what is left nothing was read: the reader is to come back
		return j, true, nil
	case err != nil:
		j.Close()
		return nil, false, err
	}
	return j, len(j.events) > 0 || j.over == nil, nil
}

// follow begins to follow the job, and reads first.
func (j *jobSource) follow(ctx context.Context, after int64, wake func()) (err error) {
	j.follower = j.s.Hub.NewFollower(j.job, after, j.read, wake)
	j.events, err = j.follower.Next(ctx)
	return err
}

// outlived reports whether the job ended so long ago that its token is of no use any more.
func (j *jobSource) outlived() bool {
	return j.over != nil && j.over.CompletedAt != nil && time.Since(*j.over.CompletedAt) > tokenAfter
}

// nextEvent is what comes next in the log; false: nothing now.
func (j *jobSource) nextEvent(ctx context.Context) (e codeforge.Event, ok bool, err error) {
	if len(j.events) == 0 {
		j.events = nil
		if j.events, err = j.follower.Next(ctx); len(j.events) == 0 {
			return e, false, err
		}
	}
	if e = j.events[0]; e.Type == codeforge.EventComplete {
		if e.Data, err = j.s.completed(ctx, j.user(), j.job, e.Data); err != nil {
			return e, false, err
		}
	}
	j.events = j.events[1:]
	return e, true, nil
}

// Next implements [stream.Source].
func (j *jobSource) Next(ctx context.Context, b []byte) ([]byte, error) {
	for len(b) < stream.Batch {
		e, ok, err := j.nextEvent(ctx)
		if errors.Is(err, events.ErrSlow) || errors.Is(err, events.ErrClosed) {
			b = j.Dropped(b, err)
		}
		if err != nil || !ok {
			return b, err
		}
		if b = eventFrames(b, e); len(j.events) == 0 {
			j.events = nil
			break // what else there is, is asked for next
		}
	}
	return b, nil
}

// next implements [itemSource]: each event once.
func (j *jobSource) next(ctx context.Context) (name string, data json.RawMessage, cursor string, err error) {
	e, ok, err := j.nextEvent(ctx)
	if err != nil || !ok {
		return "", nil, "", err
	}
	if len(e.Data) == 0 {
		e.Data = json.RawMessage("{}")
	}
	return string(e.Type), e.Data, eventID(e.Seq), nil
}

// Dropped implements [stream.Source].
func (j *jobSource) Dropped(b []byte, reason error) []byte {
	data, _ := json.Marshal(droppedData{JobID: j.job, Reason: reason.Error()}) // strings always marshal
	return appendFrame(b, "dropped", "", data)
}

// Close implements [stream.Source].
func (j *jobSource) Close() { j.follower.Close() }

// user is as whom the job is read.
func (j *jobSource) user() codeforge.User {
	if j.opener != nil {
		return *j.opener
	}
	return codeforge.User{ID: j.owner, Role: "authenticated"}
}

// saw keeps of a job whose it is and how it ended.
func (j *jobSource) saw(job *codeforge.Job) {
	j.job, j.owner, j.opener, j.looked = job.ID, job.UserID, nil, time.Since(j.s.began)
	if job.Status.Terminal() {
		j.over = &codeforge.Job{ID: job.ID, Status: job.Status, Progress: job.Progress, Error: job.Error, UpdatedAt: job.UpdatedAt, CompletedAt: job.CompletedAt}
	}
}

func (j *jobSource) read(ctx context.Context, after int64, limit int) (log []codeforge.Event, err error) {
	if j.opener != nil || j.over == nil && time.Since(j.s.began)-j.looked >= lookAfter {
		var job codeforge.Job
		if job, log, err = j.s.Store.WatchJob(ctx, j.user(), j.job, after, limit); err == nil {
			j.saw(&job)
		}
	} else {
		log, err = j.s.Store.Events(ctx, j.user(), j.job, after, limit)
	}
	if err != nil || j.over == nil {
		return log, err
	}
	return events.WithEnd(j.over, log, after, limit), nil
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

// watcher finds as whom a stream is read: the caller, or the job's owner, by the token that opens it. Whether the caller may
// read the job, its store says.
func (s *server) watcher(ctx context.Context, x *exchange, in *streamInput) (u codeforge.User, byToken bool, err error) {
	token := in.Token
	if token == "" {
		token = in.AccessToken
	}
	switch {
	case x.r.Header.Get("Authorization") != "", token == "" && x.deny == nil, token == "" && !s.StreamWithoutToken:
		return x.user, false, x.deny
	}
	jobID, owner, err := s.Store.JobOwner(ctx, in.JobID)
	if err != nil && (token == "" || !codeforge.IsKind(err, codeforge.Missing)) {
		return u, false, err
	}
	if token == "" || err == nil && s.opensStream(token, jobID, owner) {
		return codeforge.User{ID: owner, Role: "authenticated"}, token != "", nil
	}
	// Not a token of this job, or no such job: only the caller's own bearer token is left, and which it was is not told.
	if in.AccessToken == "" || s.Standalone {
		return u, false, errBadToken
	}
	r := x.r.Clone(ctx)
	r.Header.Set("Authorization", "Bearer "+token)
	u, err = s.Auth(r)
	return u, false, err
}

// completed is the data of a complete event with the job's result in it, as a read of the job gives it.
func (s *server) completed(ctx context.Context, u codeforge.User, jobID string, data json.RawMessage) (json.RawMessage, error) {
	job, err := s.Store.GetJob(ctx, u, jobID)
	if err != nil {
		return data, err
	}
	result, err := s.fullResult(ctx, u, &job)
	if err != nil {
		return data, err
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
		b = appendFrame(b, string(e.Type), "", e.Data)
		return appendFrame(b, "", eventID(e.Seq), e.Data)
	}
	return appendFrame(b, string(e.Type), eventID(e.Seq), e.Data)
}

// eventID is the number of an event as the id of its frame; transient ones have none.
func eventID(seq int64) string {
	if seq == 0 {
		return ""
	}
	return strconv.FormatInt(seq, 10)
}

// appendFrame appends one frame; an empty name and id are left out.
func appendFrame(b []byte, name, id string, data []byte) []byte {
	if id != "" {
		b = append(b, "id: "...)
		b = append(b, id...)
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
