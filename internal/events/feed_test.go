package events_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"codeforge"
	"codeforge/internal/events"
)

// books is a store of one user's jobs in two projects, and of what changes in them.
type books struct {
	mu      sync.Mutex
	jobs    map[string]*codeforge.Job
	order   []string // of the jobs
	events  map[string][]codeforge.Event
	changes map[string][]codeforge.Change // by project; "": of the user
	pruned  map[string]int64              // changes that are kept no more
	reads   int
}

var (
	reader   = codeforge.User{ID: codeforge.NewID()}
	projects = []string{codeforge.NewID(), codeforge.NewID()}
)

func newBooks() *books {
	return &books{jobs: map[string]*codeforge.Job{}, events: map[string][]codeforge.Event{}, changes: map[string][]codeforge.Change{}, pruned: map[string]int64{}}
}

func (b *books) change(owner string, ch codeforge.Change) {
	ch.Number = int64(len(b.changes[owner]) + 1)
	b.changes[owner] = append(b.changes[owner], ch)
}

func (b *books) list(owner, project string, after int64, limit int) (all codeforge.Changes, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reads++
	list := b.changes[owner]
	all.Last, all.Kept = int64(len(list)), b.pruned[owner]+1
	if after < 0 {
		for _, id := range slices.Backward(b.order) {
			if j := b.jobs[id]; !j.Status.Terminal() && (project == "" || j.ProjectID == project) {
				all.Open = append(all.Open, codeforge.OpenJob{ID: id, Project: j.ProjectID, Status: j.Status, Events: int64(len(b.events[id]))})
			}
		}
		return all, nil
	}
	after = max(after, b.pruned[owner])
	if after < all.Last {
		rest := list[after:]
		all.List = slices.Clone(rest[:min(limit, len(rest))])
	}
	return all, nil
}

func (b *books) ProjectChanges(_ context.Context, _ codeforge.User, id string, after int64, limit int) (codeforge.Changes, error) {
	if !slices.Contains(projects, id) {
		return codeforge.Changes{}, codeforge.NotFound("Project", id)
	}
	return b.list(id, id, after, limit)
}

func (b *books) UserChanges(_ context.Context, _ codeforge.User, after int64, limit int) (codeforge.Changes, error) {
	return b.list("", "", after, limit)
}

func (b *books) Events(_ context.Context, _ codeforge.User, id string, after int64, limit int) ([]codeforge.Event, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.jobs[id] == nil {
		return nil, codeforge.NotFound("Job", id)
	}
	rest := b.events[id][min(after, int64(len(b.events[id]))):]
	return slices.Clone(rest[:min(limit, len(rest))]), nil
}

func (b *books) GetJob(_ context.Context, _ codeforge.User, id string) (codeforge.Job, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.jobs[id] == nil {
		return codeforge.Job{}, codeforge.NotFound("Job", id)
	}
	return *b.jobs[id], nil
}

// begin, add and state are commits, each with the news of it.

func (b *books) begin(project string) (news []codeforge.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	j := &codeforge.Job{ID: codeforge.NewID(), ProjectID: project, UserID: reader.ID, Status: codeforge.Queued}
	b.jobs[j.ID], b.order = j, append(b.order, j.ID)
	ch := codeforge.Change{Kind: codeforge.ChangedJob, Job: codeforge.JobChange{ID: j.ID, Status: j.Status}}
	b.change(project, ch)
	b.change("", ch)
	b.store(j, codeforge.EventProgress)
	return []codeforge.Event{{ProjectID: project, UserID: reader.ID}}
}

func (b *books) store(j *codeforge.Job, t codeforge.EventType) codeforge.Event {
	e := codeforge.Event{JobID: j.ID, ProjectID: j.ProjectID, UserID: j.UserID, Type: t, Seq: int64(len(b.events[j.ID]) + 1)}
	b.events[j.ID] = append(b.events[j.ID], e)
	return e
}

func (b *books) add(id string, types ...codeforge.EventType) (news []codeforge.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, t := range types {
		news = append(news, b.store(b.jobs[id], t))
	}
	return news
}

// state gives a job another state, with the event that says so unless a stranger does it.
func (b *books) state(id string, s codeforge.JobStatus, stranger bool) (news []codeforge.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	j := b.jobs[id]
	j.Status = s
	b.change(j.ProjectID, codeforge.Change{Kind: codeforge.ChangedJob, Job: codeforge.JobChange{ID: id, Status: s}})
	if !stranger {
		news = append(news, b.store(j, map[codeforge.JobStatus]codeforge.EventType{codeforge.Queued: codeforge.EventProgress, codeforge.Waiting: codeforge.EventWaiting,
			codeforge.JobCompleted: codeforge.EventComplete, codeforge.JobFailed: codeforge.EventError, codeforge.JobCancelled: codeforge.EventCancelled}[s]))
	}
	return append(news, codeforge.Event{JobID: id, ProjectID: j.ProjectID, UserID: j.UserID, Seq: events.Nudge})
}

func (b *books) other(project string) (news []codeforge.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.change(project, codeforge.Change{Kind: codeforge.ChangedMessage})
	return []codeforge.Event{{ProjectID: project}}
}

func (b *books) open() (ids []string) {
	for _, id := range b.order {
		if !b.jobs[id].Status.Terminal() {
			ids = append(ids, id)
		}
	}
	return ids
}

// client reads a feed as one who comes and goes.
type client struct {
	t       *testing.T
	hub     *events.Hub
	store   *books
	project string // "": the user's
	cursor  string
	feed    *events.Feed
	changes []int64
	seqs    map[string][]int64
	resets  int
	all     []string
}

func (c *client) connect() {
	c.t.Helper()
	var err error
	if c.project == "" {
		c.feed, err = c.hub.FollowUser(c.store, reader, c.cursor, func() {})
	} else {
		c.feed, err = c.hub.FollowProject(c.store, reader, c.project, c.cursor, func() {})
	}
	if err != nil {
		c.t.Fatal(err)
	}
}

// read reads what is there, at most so many items (-1: all), and then goes if there are more.
func (c *client) read(most int) {
	c.t.Helper()
	if c.feed == nil {
		c.connect()
	}
	for {
		items, err := c.feed.Next(c.t.Context())
		if err != nil {
			c.t.Fatal(err)
		}
		if len(items) == 0 {
			return
		}
		for _, item := range items {
			if most == 0 { // what was read is lost with the connection
				c.leave()
				return
			}
			most--
			c.see(item)
		}
	}
}

func (c *client) leave() {
	if c.feed != nil {
		c.feed.Close()
		c.feed = nil
	}
}

func (c *client) see(item events.Item) {
	c.t.Helper()
	if item.Cursor != "" {
		c.cursor = item.Cursor
	}
	switch item.Kind {
	case events.FeedReset:
		c.resets++
	case events.FeedReady:
		c.changes, c.seqs = nil, map[string][]int64{}
	case events.FeedChange:
		if n := len(c.changes); n > 0 && item.Change.Number != c.changes[n-1]+1 {
			c.t.Fatalf("change %d after %d", item.Change.Number, c.changes[n-1])
		}
		c.changes = append(c.changes, item.Change.Number)
		c.all = append(c.all, fmt.Sprint("change ", item.Change.Number))
	case events.FeedEvent:
		e := item.Event
		if e.Type.Transient() {
			return
		}
		if seqs := c.seqs[e.JobID]; len(seqs) > 0 && e.Seq <= seqs[len(seqs)-1] {
			c.t.Fatalf("event %d of %s after %v", e.Seq, e.JobID, seqs)
		}
		c.seqs[e.JobID] = append(c.seqs[e.JobID], e.Seq)
		c.all = append(c.all, fmt.Sprint(e.JobID, " ", e.Seq, " ", e.Type))
	}
}

// complete demands that everything since the beginning was seen, each once.
func (c *client) complete(began int64) {
	c.t.Helper()
	c.read(-1)
	if last := int64(len(c.store.changes[c.project])); int64(len(c.changes)) != last-began {
		c.t.Fatalf("%d changes after %d of %d: %v", len(c.changes), began, last, c.changes)
	}
	for id, log := range c.store.events {
		if c.project != "" && c.store.jobs[id].ProjectID != c.project {
			if c.seqs[id] != nil {
				c.t.Fatalf("events of another project's job: %v", c.seqs[id])
			}
			continue
		}
		var want []int64
		for _, e := range log {
			if c.project != "" || e.Type != codeforge.EventFile {
				want = append(want, e.Seq)
			}
		}
		if n := int64(len(log)); c.store.jobs[id].Status.Terminal() && !log[n-1].Type.Final() {
			want = append(want, n+1) // made of its row
		}
		if !slices.Equal(c.seqs[id], want) {
			c.t.Fatalf("events of %s (%s): %v, want %v", id, c.store.jobs[id].Status, c.seqs[id], want)
		}
	}
}

// Clients that come and go at any item, with news that is lost, doubled or late, see every change and every event once and in
// order, of jobs that began meanwhile from the first; a feed that looks again at everything changes nothing of that.
func TestFeedsEachOnceInOrder(t *testing.T) {
	for seed := range uint64(300) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 0))
			b, hub := newBooks(), events.NewHub()
			b.other(projects[0])
			clients := []*client{{t: t, hub: hub, store: b, project: projects[0]}, {t: t, hub: hub, store: b}, {t: t, hub: hub, store: b, project: projects[0]}}
			began := map[*client]int64{}
			for _, c := range clients {
				c.read(-1)
				began[c] = int64(len(b.changes[c.project]))
			}
			var late []codeforge.Event
			for range 60 {
				var news []codeforge.Event
				open := b.open()
				switch {
				case len(open) == 0 || len(open) < 5 && r.IntN(5) == 0:
					news = b.begin(projects[r.IntN(2)])
				case r.IntN(6) == 0:
					news = b.other(projects[r.IntN(2)])
				case r.IntN(3) == 0:
					states := []codeforge.JobStatus{codeforge.Queued, codeforge.Waiting, codeforge.JobCompleted, codeforge.JobFailed, codeforge.JobCancelled}
					news = b.state(open[r.IntN(len(open))], states[r.IntN(len(states))], r.IntN(5) == 0)
				default:
					news = b.add(open[r.IntN(len(open))], []codeforge.EventType{codeforge.EventStage, codeforge.EventFile, codeforge.EventKept}[:1+r.IntN(3)]...)
				}
				switch r.IntN(6) {
				case 0: // lost
				case 1:
					late = append(late, news...)
				case 2:
					hub.Publish(append(news, news...)...)
				default:
					hub.Publish(news...)
				}
				if r.IntN(8) == 0 {
					hub.Publish(late...)
					late = nil
				}
				if r.IntN(10) == 0 {
					hub.NudgeFeeds()
				}
				for _, c := range clients[:2] {
					switch r.IntN(4) {
					case 0:
						c.read(r.IntN(4))
					case 1:
						c.read(-1)
					case 2:
						c.leave()
					}
				}
				clients[2].read(-1)
			}
			hub.NudgeFeeds()
			for _, c := range clients {
				c.complete(began[c])
				if c.resets > 0 {
					t.Fatalf("%d resets", c.resets)
				}
				c.leave()
			}
			if hub.Topics() != 0 {
				t.Error("somebody is still in the hub")
			}
		})
	}
}

// A client that goes at each item in turn, and comes back, sees what one sees that stays.
func TestFeedsResumeAtEachItem(t *testing.T) {
	for _, project := range []string{projects[0], ""} {
		run := func(cut int) (seen []string, total int) {
			b, hub := newBooks(), events.NewHub()
			c := &client{t: t, hub: hub, store: b, project: project}
			c.read(-1)
			b.begin(projects[0])
			b.begin(projects[0])
			ids := slices.Clone(b.order)
			b.add(ids[0], codeforge.EventStage, codeforge.EventKept)
			b.state(ids[0], codeforge.Waiting, false)
			b.state(ids[1], codeforge.JobFailed, false)
			b.state(ids[0], codeforge.Queued, false)
			b.begin(projects[0])
			b.state(ids[0], codeforge.JobCompleted, false)
			b.state(b.order[2], codeforge.JobCancelled, true)
			hub.NudgeFeeds()
			c.read(cut)
			c.read(-1)
			c.complete(0)
			for i, line := range c.all {
				for n, id := range b.order {
					line = strings.ReplaceAll(line, id, fmt.Sprint("job", n))
				}
				c.all[i] = line
			}
			slices.Sort(c.all)
			return c.all, len(c.all)
		}
		want, total := run(-1)
		for cut := range total {
			if got, _ := run(cut); !slices.Equal(got, want) {
				t.Errorf("cut after %d: %v, want %v", cut, got, want)
			}
		}
	}
}

// Where a feed cannot go on it says so, and begins anew: after changes that are kept no more, after more jobs than a cursor holds,
// and in another store.
func TestFeedsReset(t *testing.T) {
	for name, spoil := range map[string]func(b *books){
		"pruned":        func(b *books) { b.pruned[projects[0]] = int64(len(b.changes[projects[0]])) },
		"another store": func(b *books) { b.changes[projects[0]] = nil },
		"many jobs":     nil,
	} {
		t.Run(name, func(t *testing.T) {
			b, hub := newBooks(), events.NewHub()
			c := &client{t: t, hub: hub, store: b, project: projects[0]}
			b.begin(projects[0])
			c.read(-1)
			b.other(projects[0])
			c.read(0)
			c.leave()
			if spoil != nil {
				b.other(projects[0])
				b.other(projects[0])
				spoil(b)
			} else {
				for range 80 {
					b.begin(projects[0])
				}
				c.read(-1)
				if len(c.cursor) > 100 {
					t.Errorf("a cursor of %d characters", len(c.cursor))
				}
				c.leave()
			}
			c.read(-1)
			if c.resets != 1 || len(c.seqs[b.order[0]]) != 1 {
				t.Errorf("%d resets, events %v", c.resets, c.seqs)
			}
			c.leave()
			if spoil != nil {
				c.read(-1)
				if c.resets != 1 {
					t.Errorf("%d resets", c.resets)
				}
			}
		})
	}
}

// Nobody is told of what is another's, though the ids are the same; transient events reach those who watch the project at that
// moment; jobs that are gone are followed no more.
func TestFeedsOfOwners(t *testing.T) {
	b, hub := newBooks(), events.NewHub()
	c := &client{t: t, hub: hub, store: b, project: projects[0]}
	c.read(-1)
	b.begin(projects[0])
	id := b.order[0]
	hub.NudgeFeeds()
	c.read(-1)
	hub.Publish(codeforge.Event{JobID: "x", ProjectID: "y", UserID: projects[0], Seq: 1}, codeforge.Event{JobID: projects[0], Seq: 1})
	before := b.reads
	if items, err := c.feed.Next(t.Context()); len(items) > 0 || err != nil || b.reads != before {
		t.Errorf("%v %v, %d reads", items, err, b.reads-before)
	}
	hub.Publish(codeforge.Event{JobID: id, ProjectID: projects[0], UserID: reader.ID, Type: codeforge.EventDelta})
	if items, err := c.feed.Next(t.Context()); len(items) != 1 || items[0].Cursor != "" || err != nil {
		t.Errorf("%v %v", items, err)
	}
	if _, err := hub.FollowProject(b, reader, projects[1], c.cursor, func() {}); !errors.Is(err, events.ErrCursor) {
		t.Errorf("a cursor of another project: %v", err)
	}
	delete(b.jobs, id)
	b.order = nil
	hub.NudgeFeeds()
	c.read(-1)
	if _, err := hub.FollowUser(b, reader, c.cursor, func() {}); !errors.Is(err, events.ErrCursor) {
		t.Errorf("a cursor of a project for the user: %v", err)
	}
	stranger, err := hub.FollowProject(b, reader, "none", "", func() {})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stranger.Next(t.Context()); !codeforge.IsKind(err, codeforge.Missing) {
		t.Error(err)
	}
	hub.Close()
	if _, err := c.feed.Next(t.Context()); !errors.Is(err, events.ErrClosed) {
		t.Error(err)
	}
}

// One who reads nothing for long holds little, and misses nothing but what is transient.
func TestFeedsOfSlowReaders(t *testing.T) {
	b, hub := newBooks(), events.NewHub()
	c := &client{t: t, hub: hub, store: b, project: projects[0]}
	c.read(-1)
	b.begin(projects[0])
	for range 2000 {
		hub.Publish(b.add(b.order[0], codeforge.EventStage)...)
		hub.Publish(codeforge.Event{JobID: b.order[0], ProjectID: projects[0], Type: codeforge.EventDelta})
	}
	c.complete(0)
}

func FuzzCursor(f *testing.F) {
	b, hub := newBooks(), events.NewHub()
	for range 3 {
		b.begin(projects[0])
	}
	feed, err := hub.FollowProject(b, reader, projects[0], "", func() {})
	if err != nil {
		f.Fatal(err)
	}
	for range 5 {
		items, err := feed.Next(f.Context())
		if err != nil {
			f.Fatal(err)
		}
		for _, item := range items {
			f.Add(item.Cursor)
		}
	}
	for _, text := range []string{"", "AQ", "AAAA", strings.Repeat("A", 5000), "=", "AQAAAAAA"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if text == "" {
			return
		}
		feed, err := hub.FollowProject(b, reader, projects[0], text, func() {})
		if err != nil {
			if !errors.Is(err, events.ErrCursor) {
				t.Error(err)
			}
			return
		}
		defer feed.Close()
		seen := map[string]int64{}
		for range 100 {
			items, err := feed.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, item := range items {
				if item.Kind == events.FeedEvent && item.Event.Seq <= seen[item.Event.JobID] {
					t.Fatalf("%d after %v", item.Event.Seq, maps.Clone(seen))
				}
				if item.Kind == events.FeedEvent {
					seen[item.Event.JobID] = item.Event.Seq
				}
				if len(item.Cursor) > events.MaxCursor {
					t.Fatalf("a cursor of %d characters", len(item.Cursor))
				}
			}
			if len(items) == 0 {
				return
			}
		}
		t.Error("it does not end")
	})
}
