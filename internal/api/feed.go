package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"codeforge"
	"codeforge/internal/events"
	"codeforge/internal/stream"
)

// readyJobs bounds the open jobs that a feed names where it begins.
const readyJobs = 100

// FeedPosition is where a reader of a feed goes on.
type FeedPosition struct {
	LastEventID string `header:"Last-Event-ID" doc:"Id of the last event that was seen: what follows it is sent. Without it, what happens from now on."`
	After       string `query:"after" doc:"The same, for clients that cannot set headers. The header wins."`
	AccessToken string `query:"access_token" doc:"The caller's bearer token, for clients that cannot set headers."`
}

func (p *FeedPosition) cursor() (field, text string) {
	if p.LastEventID != "" {
		return "Last-Event-ID", p.LastEventID
	}
	return "after", p.After
}

type projectEventsInput struct {
	ProjectPath
	FeedPosition
}

func (s *server) streamProject(ctx context.Context, in *projectEventsInput) (*streamOutput, error) {
	return s.streamFeed(ctx, in.ProjectID, &in.FeedPosition)
}

func (s *server) streamUser(ctx context.Context, in *FeedPosition) (*streamOutput, error) {
	return s.streamFeed(ctx, "", in)
}

// streamFeed answers with the feed of a project or (without one) of the caller's jobs.
func (s *server) streamFeed(ctx context.Context, projectID string, at *FeedPosition) (*streamOutput, error) {
	x, _ := exchangeOf(ctx)
	l, err := s.loginOf(ctx, x, at.AccessToken)
	if err != nil {
		return nil, err
	}
	x.user = l.user
	if projectID != "" {
		if _, err := s.Store.GetProject(ctx, l.user, projectID); err != nil {
			return nil, err
		}
	}
	st, err := s.openStream(x)
	if err != nil {
		return nil, err
	}
	field, cursor := at.cursor()
	feed, err := s.feed(l, projectID, cursor, st.Wake)
	if err != nil {
		st.Cancel()
		return nil, cursorError(field, err)
	}
	return &streamOutput{func(huma.Context) {
		if x.r.Method == http.MethodHead {
			feed.Close()
			st.Cancel()
			stream.SetHeader(x.Header()) // the events are the body
			return
		}
		s.serveStream(x, st, feed)
	}}, nil
}

// cursorError says what to do about what is no cursor.
func cursorError(field string, err error) error {
	if errors.Is(err, events.ErrCursor) {
		return codeforge.InvalidField(field, "must be the id of an event of this stream; leave it out to begin anew")
	}
	return err
}

// login is as whom something is read that lasts, for as long as its token holds.
type login struct {
	s       *server
	user    codeforge.User // without its token: what is read, is read by its id
	bearer  string         // "": there is none, and none is needed
	checked time.Duration  // since the server began
}

// recheck is how often a login is looked at.
const recheck = 30 * time.Second

// loginOf is the login of a request, by its header or the token given.
func (s *server) loginOf(ctx context.Context, x *exchange, token string) (login, error) {
	u, deny := x.user, x.deny
	header := x.r.Header.Get("Authorization")
	if header == "" && token != "" && !s.Standalone {
		header = "Bearer " + token
		u, deny = s.Auth(bearing(ctx, x.r, header))
	}
	if deny != nil {
		return login{}, deny
	}
	if s.Standalone {
		header = ""
	}
	return login{s: s, user: codeforge.User{ID: u.ID, Role: "authenticated"}, bearer: header, checked: time.Since(s.began)}, nil
}

// bearing is a request to read as it would come with a token.
func bearing(ctx context.Context, r *http.Request, authorization string) *http.Request {
	as := (&http.Request{Method: http.MethodGet, URL: &url.URL{Path: r.URL.Path}, Host: r.Host, RemoteAddr: r.RemoteAddr, Header: http.Header{"Authorization": {authorization}}}).WithContext(ctx)
	return as
}

// check says why a login holds no more, looking now and then.
func (l *login) check(ctx context.Context) error {
	now := time.Since(l.s.began)
	if l.bearer == "" || now-l.checked < recheck {
		return nil
	}
	u, err := l.s.Auth(bearing(ctx, &http.Request{URL: &url.URL{Path: "/v1/events"}}, l.bearer))
	switch {
	case codeforge.IsKind(err, codeforge.Unavailable): // nobody can tell right now
		return nil
	case err == nil && u.ID != l.user.ID:
		err = errBadToken
	case err == nil:
		l.checked = now
	}
	return err
}

// feedSource is the feed of a project, or of a user's jobs, as frames.
type feedSource struct {
	*events.Feed
	login     login
	projectID string // "": the user's jobs
	items     []events.Item
}

func (s *server) feed(l login, projectID, cursor string, wake func()) (src *feedSource, err error) {
	src = &feedSource{login: l, projectID: projectID}
	if projectID == "" {
		src.Feed, err = s.Hub.FollowUser(s.Store, l.user, cursor, wake)
	} else {
		src.Feed, err = s.Hub.FollowProject(s.Store, l.user, projectID, cursor, wake)
	}
	return src, err
}

// next is the next item, with its name and data; name "" when there is none now. An error that ends what lasts for good, as
// that of a token that holds no more, is a [codeforge.Error].
func (f *feedSource) next(ctx context.Context) (name string, data json.RawMessage, cursor string, err error) {
	if len(f.items) == 0 {
		f.items = nil
		if err := f.login.check(ctx); err != nil {
			return "", nil, "", err
		}
		if f.items, err = f.Feed.Next(ctx); len(f.items) == 0 {
			return "", nil, "", err
		}
	}
	item := f.items[0]
	if name, data, err = f.login.s.feedItem(ctx, f.login.user, f.projectID, &item); err != nil {
		return "", nil, "", err
	}
	f.items = f.items[1:]
	return name, data, item.Cursor, nil
}

// Next implements [stream.Source].
func (f *feedSource) Next(ctx context.Context, b []byte) ([]byte, error) {
	for len(b) < stream.Batch {
		name, data, cursor, err := f.next(ctx)
		switch {
		case isOver(err):
			return f.Dropped(b, err), io.EOF
		case errors.Is(err, events.ErrClosed):
			return f.Dropped(b, err), err
		case err != nil || name == "":
			return b, err
		}
		b = appendFrame(b, name, cursor, data)
		if len(f.items) == 0 {
			break // what else there is, is asked for next
		}
	}
	return b, nil
}

// isOver reports whether an error is the end of what lasts: nobody may read it any more.
func isOver(err error) bool {
	return codeforge.IsKind(err, codeforge.Missing) || codeforge.IsKind(err, codeforge.Unauthenticated) || codeforge.IsKind(err, codeforge.Denied)
}

// Dropped implements [stream.Source].
func (f *feedSource) Dropped(b []byte, reason error) []byte {
	data, _ := json.Marshal(droppedData{ProjectID: f.projectID, Reason: reasonOf(reason)}) // strings always marshal
	return appendFrame(b, "dropped", "", data)
}

// reasonOf is an error in words for whoever is told of it.
func reasonOf(err error) string {
	if e, ok := errors.AsType[*codeforge.Error](err); ok {
		return e.Message
	}
	return err.Error()
}

// feedItem is the name and the data of an item of a feed. Those of jobs are what the job's own stream says, with the job's id and
// the number of the event.
func (s *server) feedItem(ctx context.Context, u codeforge.User, projectID string, item *events.Item) (name string, data json.RawMessage, err error) {
	switch item.Kind {
	case events.FeedReady:
		ready := readyData{projectID, append([]codeforge.OpenJob{}, item.Open[:min(len(item.Open), readyJobs)]...), len(item.Open) > readyJobs}
		data, err = json.Marshal(ready)
		return "ready", data, err
	case events.FeedReset:
		data, err = json.Marshal(resetData{"What happened since then is not kept: read anew what you hold"})
		return "reset", data, err
	case events.FeedChange:
		data, err = json.Marshal(changeData(projectID, &item.Change))
		name = string(item.Change.Kind)
		if item.Change.Deleted {
			name = "message_deleted"
		}
		return name, data, err
	}
	e := &item.Event
	data = e.Data
	if e.Type == codeforge.EventComplete && projectID != "" {
		if data, err = s.completed(ctx, u, e.JobID, data); err != nil && !codeforge.IsKind(err, codeforge.Missing) {
			return "", nil, err
		}
	}
	if len(data) == 0 {
		data = json.RawMessage("{}")
	}
	if e.Seq > 0 {
		data = setMember(data, "seq", strconv.AppendInt(nil, e.Seq, 10))
	}
	return string(e.Type), setMember(data, "job_id", appendString(nil, e.JobID)), nil
}

// changeData is what is told of a change.
func changeData(projectID string, ch *codeforge.Change) any {
	in := ProjectChange{projectID, ch.At}
	switch ch.Kind {
	case codeforge.ChangedRevision:
		r := &ch.Revision
		return revisionData{in, r.Number, r.JobID, r.Author, r.Message, r.FilesChanged}
	case codeforge.ChangedMessage:
		if ch.Deleted {
			return messageDeletedData{in, ch.Message.ID}
		}
		m := ch.Message
		m.ProjectID = projectID
		return messageData{m, ch.Truncated}
	case codeforge.ChangedProject:
		return projectData{in, ch.Fields}
	case codeforge.ChangedWebhook:
		return webhookData{nonEmpty(projectID), ch.At, ch.Webhook.ID, string(ch.Webhook.Disabled)}
	}
	if projectID == "" {
		in.ProjectID = ch.Job.Project
	}
	return jobData{in, ch.Job.ID, string(ch.Job.Agent), string(ch.Job.Status)}
}
