package preview

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"codeforge"
	"codeforge/internal/stream"
	"codeforge/internal/verify"
)

// Bounds on connections of pages that wait for something newer. A page that nobody sees has none.
const (
	maxStreams     = 2_000 // in all
	maxStreamsEach = 20    // of one user
	sign           = 30 * time.Second
	frameTimeout   = 10 * time.Second // to send one; a reader that takes longer is left
	afterFault     = 15 * time.Second // until what could not be built is tried again
	maxNews        = 20               // diagnostics
)

// streams are the connections there are.
type streams struct {
	mu     sync.Mutex
	all    int
	byUser map[string]int
	once   sync.Once
	closed chan struct{}
}

// enter counts one more, unless there are as many as may be.
func (g *streams) enter(user string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.all >= maxStreams || g.byUser[user] >= maxStreamsEach {
		return false
	}
	if g.byUser == nil {
		g.byUser = map[string]int{}
	}
	g.all++
	g.byUser[user]++
	return true
}

func (g *streams) leave(user string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.all--
	if g.byUser[user]--; g.byUser[user] == 0 {
		delete(g.byUser, user)
	}
}

// count is how many there are.
func (g *streams) count() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.all
}

func (g *streams) close() { g.once.Do(func() { close(g.closed) }) }

// news is what a page is told of a newer build.
type news struct {
	Version     string              `json:"version"`
	Revision    int64               `json:"revision"`
	Title       string              `json:"title,omitempty"` // of one that shows nothing
	Text        string              `json:"text,omitempty"`
	Diagnostics []verify.Diagnostic `json:"diagnostics,omitempty"`
}

// follow tells a page of each build that is newer than what it shows, until it leaves or its visit is over (until; zero:
// never). Something newer is built here, for the page: what it is told to load again is there when it does.
func (s *Server) follow(w http.ResponseWriter, r *http.Request, u codeforge.User, at site, until time.Time) error {
	if !isSameOrigin(r) {
		return refuse(http.StatusForbidden, "Only the preview's own pages may wait here")
	}
	shown := r.URL.Query().Get("version")
	if at.revision > 0 || len(shown) > 200 {
		w.WriteHeader(http.StatusNoContent) // it never changes; this stops an EventSource
		return nil
	}
	if project, _, err := s.look(r.Context(), u, at); err != nil {
		return err
	} else if project.Status == codeforge.Archived {
		return refuse(http.StatusGone, "The project is archived")
	}
	if !s.streams.enter(u.ID) {
		w.Header().Set("Retry-After", "30")
		return refuse(http.StatusServiceUnavailable, "Too many pages wait for something newer")
	}
	defer s.streams.leave(u.ID)
	ctx := r.Context()
	if !until.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, until.Sub(s.o.Now()))
		defer cancel()
	}
	out := newEventWriter(w)
	if out.write("retry: 5000\n\n") != nil {
		return nil
	}
	looks, signs := time.NewTicker(s.o.Watch), time.NewTicker(sign)
	defer looks.Stop()
	defer signs.Stop()
	f := follower{s: s, u: u, at: at, told: shown}
	for {
		event, left := f.look(ctx)
		if event != "" && out.write(event) != nil || left {
			return nil
		}
		select {
		case <-looks.C:
		case <-signs.C:
			if out.write(":\n\n") != nil {
				return nil
			}
		case <-ctx.Done():
			return nil
		case <-s.streams.closed:
			return nil
		}
	}
}

// follower is what one page has been told.
type follower struct {
	s     *Server
	u     codeforge.User
	at    site
	told  string    // the version that it shows, or heard of
	last  string    // the version at the last look
	pause time.Time // nothing is built before
}

// look is the event that tells of something newer, "" when nothing is. left says that there is nothing to wait for any more.
func (f *follower) look(ctx context.Context) (event string, left bool) {
	project, tree, err := f.s.look(ctx, f.u, f.at)
	if err != nil || project.Status == codeforge.Archived {
		return "", codeforge.IsKind(err, codeforge.Missing) || err == nil
	}
	version := tree.Version
	if f.at.job == "" {
		version = fmt.Sprint(project.Revision)
	}
	settled := f.at.job == "" || version == f.last // a job writes one file after the other
	f.last = version
	if version == f.told || !settled || f.s.o.Now().Before(f.pause) {
		return "", false
	}
	b, err := f.s.built(ctx, f.u, f.at, project.Revision, tree)
	if err != nil {
		f.pause = f.s.o.Now().Add(afterFault)
		return "", false
	}
	f.told = version
	n := news{Version: f.at.versionOf(b), Revision: b.revision}
	kind, st := "built", b.state()
	if st.Status == Broken {
		kind = "broken"
		n.Title, n.Text = fmt.Sprintf("Revision %d does not build", b.revision), "What you see is the one before. "+st.Reason
		if f.at.job != "" {
			n.Title, n.Text = "What the job has made by now does not build", "What you see is from before. "+st.Reason
		}
		n.Diagnostics = errorsFirst(st.Report.Diagnostics)
		n.Diagnostics = n.Diagnostics[:min(len(n.Diagnostics), maxNews)]
	}
	body, err := json.Marshal(n)
	if err != nil {
		return "", true
	}
	return "event: " + kind + "\ndata: " + string(body) + "\n\n", false
}

// eventWriter sends events, each at once and in bounded time.
type eventWriter struct {
	w    http.ResponseWriter
	send *http.ResponseController // of the writer and all that wrap it
	conn *http.ResponseController // of the connection
}

func newEventWriter(w http.ResponseWriter) *eventWriter {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	e := &eventWriter{w, http.NewResponseController(w), stream.Connection(w)}
	// The server's own timeouts are for requests that end. Not every writer has deadlines; one without is a test's.
	_ = e.conn.SetReadDeadline(time.Time{})
	return e
}

func (e *eventWriter) write(text string) error {
	_ = e.conn.SetWriteDeadline(time.Now().Add(frameTimeout))
	if _, err := io.WriteString(e.w, text); err != nil {
		return err
	}
	err := e.send.Flush()
	_ = e.conn.SetWriteDeadline(time.Time{})
	return err
}
