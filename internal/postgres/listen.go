package postgres

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"codeforge"
)

// ErrNoListen is what Listen returns behind a pooler in transaction mode, where no connection is one's own for long, and over
// the Data API. Events of other servers are then seen when whoever watches reads again.
var ErrNoListen = errors.New("events of other servers are not announced over the Data API, nor by a pooler in transaction mode")

// idle bounds how long a dead connection goes unnoticed.
const idle = 30 * time.Second

// Listen calls nudge, until ctx ends, with each job to which events were added, by this server or another, and with each project
// (then there is no job) that has new changes, whoever made them. After each connection, the first included, it calls nudge
// with none: what happened before it is not known, and any may have some. It reconnects for as long as it takes. It has a
// connection of its own beside the pool.
func (s *Store) Listen(ctx context.Context, nudge func(news codeforge.Event)) error {
	return s.listen(ctx, "", nudge)
}

// listen is Listen, but for what comes from one origin.
func (s *Store) listen(ctx context.Context, but string, nudge func(news codeforge.Event)) error {
	d, ok := s.direct()
	if !ok || d.shared {
		return ErrNoListen
	}
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, 10*time.Second) {
		began := time.Now()
		d.listen(ctx, but, nudge)
		if time.Since(began) > idle {
			wait = 50 * time.Millisecond
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(wait + rand.N(wait)):
		}
	}
}

// listen serves one connection until it breaks or ctx ends.
func (d *direct) listen(ctx context.Context, but string, nudge func(codeforge.Event)) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer d.onMove(cancel)() // who took over is to be listened to
	conn, err := pgx.ConnectConfig(ctx, d.pool.Config().ConnConfig)
	if err != nil {
		return
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, "listen codeforge_events"); err != nil {
		return
	}
	nudge(codeforge.Event{})
	for {
		quiet, cancel := context.WithTimeout(ctx, idle)
		n, err := conn.WaitForNotification(quiet)
		cancel()
		switch {
		case err == nil:
			if news, origin := parseNews(n.Payload); but == "" || origin != but {
				nudge(news)
			}
		case ctx.Err() != nil:
			return
		default: // nothing for a while, or the connection is dead
			check, cancel := context.WithTimeout(ctx, idle/3)
			err := conn.Ping(check)
			cancel()
			if err != nil {
				return
			}
		}
	}
}

// newsText is what parseNews reads.
func newsText(e *codeforge.Event, origin string) string {
	return strings.Join([]string{e.JobID, e.ProjectID, e.UserID, origin}, "/")
}

// parseNews reads "job/project/user/origin", each of which may be missing.
func parseNews(payload string) (news codeforge.Event, origin string) {
	job, owners, _ := strings.Cut(payload, "/")
	project, rest, _ := strings.Cut(owners, "/")
	user, origin, _ := strings.Cut(rest, "/")
	return codeforge.Event{JobID: job, ProjectID: project, UserID: user}, origin
}
