package events

import (
	"context"

	"codeforge"
)

// FeedStore is what feeds read, each for its user alone.
type FeedStore interface {
	ProjectChanges(ctx context.Context, u codeforge.User, projectID string, after int64, limit int) (codeforge.Changes, error)
	UserChanges(ctx context.Context, u codeforge.User, after int64, limit int) (codeforge.Changes, error)
	Events(ctx context.Context, u codeforge.User, jobID string, after int64, limit int) ([]codeforge.Event, error)
	GetJob(ctx context.Context, u codeforge.User, id string) (codeforge.Job, error)
}

// ItemKind is what an [Item] of a feed is.
type ItemKind int

const (
	FeedReady  ItemKind = iota // the feed begins here: Open are the jobs that have not ended
	FeedReset                  // it cannot be told what happened since the cursor: read anew what you hold. FeedReady follows
	FeedChange                 // of the project, or a job that the user began
	FeedEvent                  // of a job
)

// Item is one entry of a feed.
type Item struct {
	Kind   ItemKind
	Open   []codeforge.OpenJob
	Change codeforge.Change
	Event  codeforge.Event
	Cursor string // from where a reader goes on who has seen it; "": it is transient
}

// Feed is what happens in a project or in the jobs of a user: changes in their order, and the events of each job in theirs.
// It reads as a [Follower] does: some at a time, by one goroutine at a time, and needs none while it waits. Nothing that the hub
// loses is missing, since all but transient events are read from the store when there is a gap.
//
// A project's feed has all events of its jobs, a user's those that say how a job is. It follows at most
// [codeforge.MaxOpenJobs] jobs at once; of others it tells that they begin and end.
type Feed struct {
	subscription
	store FeedStore
	user  codeforge.User
	from  *cursor // where to begin; nil: now

	begun   bool
	changes int64             // number of the last change that was given
	more    bool              // the store may have more changes
	lost    bool              // the store may have more of anything
	jobs    []feedJob         // that are followed, in the order in which they began
	taken   []codeforge.Event // of live, not looked at yet
}

// feedJob is a job that a feed follows, until its final event was given and, in a project, the change that tells of its end:
// until then earlier changes of it may come, which must not be taken for its beginning.
type feedJob struct {
	id     string
	last   int64 // number of the last event that was given
	behind bool  // the store may have more
	over   bool  // it may have ended without saying so in its log: its row tells
	done   bool  // the final event was given
	told   bool  // the change was given that tells of its end
}

// FollowProject is the feed of a project of a user, after a cursor ("": from now on, and its open jobs from their beginning).
// It does not look whether the project is theirs: the store will. Where wake and Close are concerned see [Hub.NewFollower].
func (h *Hub) FollowProject(store FeedStore, u codeforge.User, projectID, after string, wake func()) (*Feed, error) {
	return h.feed(topic{ofProject, projectID}, store, u, after, wake)
}

// FollowUser is the feed of the jobs of a user, after a cursor ("": from now on).
func (h *Hub) FollowUser(store FeedStore, u codeforge.User, after string, wake func()) (*Feed, error) {
	return h.feed(topic{ofUser, u.ID}, store, u, after, wake)
}

func (h *Hub) feed(of topic, store FeedStore, u codeforge.User, after string, wake func()) (*Feed, error) {
	f := &Feed{store: store, user: u}
	if after != "" {
		c, err := parseCursor(after, of)
		if err != nil {
			return nil, err
		}
		f.from = &c
	}
	h.subscribe(&f.subscription, of, wake)
	return f, nil
}

// Next gives what comes next, in order; nothing when it must be waited for. ErrClosed ends it, and an error of the store.
func (f *Feed) Next(ctx context.Context) ([]Item, error) {
	for {
		if err := f.closed(); err != nil {
			return nil, err
		}
		items, err := f.fromStore(ctx)
		if len(items) > 0 || err != nil {
			return items, err
		}
		if len(f.taken) == 0 {
			var missed bool
			switch f.taken, missed, err = f.take(); {
			case missed:
				f.lost = true
				continue
			case len(f.taken) == 0:
				return nil, err
			}
		}
		if items := f.inOrder(); len(items) > 0 {
			return items, nil
		}
	}
}

// fromStore reads what the store has more of, a page of one thing at a time; nothing when that is all.
func (f *Feed) fromStore(ctx context.Context) (items []Item, err error) {
	for len(items) == 0 && err == nil {
		switch behind := f.behind(); {
		case !f.begun:
			items, err = f.begin(ctx)
		case f.lost:
			items, err = f.look(ctx)
		case f.more:
			items, err = f.readChanges(ctx)
		case behind != nil:
			items, err = f.readEvents(ctx, behind)
		default:
			return nil, nil
		}
	}
	return items, err
}

// behind is the first job of which the store may have more.
func (f *Feed) behind() *feedJob {
	for i := range f.jobs {
		if f.jobs[i].behind {
			return &f.jobs[i]
		}
	}
	return nil
}

func (f *Feed) read(ctx context.Context, after int64) (codeforge.Changes, error) {
	if f.topic.kind == ofProject {
		return f.store.ProjectChanges(ctx, f.user, f.topic.id, after, changesPage)
	}
	return f.store.UserChanges(ctx, f.user, after, changesPage)
}

const changesPage = 50

// begin finds where the feed goes on.
func (f *Feed) begin(ctx context.Context) ([]Item, error) {
	now, err := f.read(ctx, -1)
	if err != nil {
		return nil, err
	}
	f.begun = true
	if f.from == nil {
		return []Item{f.beginAt(now)}, nil
	}
	from := f.from
	f.from = nil
	if f.changes = from.changes; from.partial || f.changes > now.Last || f.changes < now.Kept-1 {
		return f.reset(now), nil
	}
	for _, j := range from.jobs {
		f.jobs = append(f.jobs, feedJob{id: j.id, last: j.last, done: j.done})
	}
	f.compare(now)
	return nil, nil
}

// beginAt has the feed go on from now, and says so.
func (f *Feed) beginAt(now codeforge.Changes) Item {
	f.changes, f.more, f.jobs = now.Last, false, nil
	for i := len(now.Open) - 1; i >= 0; i-- { // the newest come first
		j := feedJob{id: now.Open[i].ID}
		if f.topic.kind == ofUser {
			j.last = now.Open[i].Events // how it is, is said here
		} else {
			j.behind = now.Open[i].Events > 0
		}
		f.jobs = append(f.jobs, j)
	}
	return Item{Kind: FeedReady, Open: now.Open, Cursor: f.cursor()}
}

func (f *Feed) reset(now codeforge.Changes) []Item {
	ready := f.beginAt(now)
	return []Item{{Kind: FeedReset, Cursor: ready.Cursor}, ready}
}

// look finds out what there is more of.
func (f *Feed) look(ctx context.Context) ([]Item, error) {
	now, err := f.read(ctx, -1)
	if err != nil {
		return nil, err
	}
	f.lost = false
	if f.changes > now.Last || f.changes < now.Kept-1 {
		return f.reset(now), nil
	}
	f.compare(now)
	return nil, nil
}

// compare marks what there is more of now.
func (f *Feed) compare(now codeforge.Changes) {
	f.more = f.more || f.changes < now.Last
	open := make(map[string]int64, len(now.Open))
	for _, j := range now.Open {
		open[j.ID] = j.Events
	}
	for i := range f.jobs {
		j := &f.jobs[i]
		events, isOpen := open[j.id]
		if !j.done && (!isOpen || events != j.last) {
			j.behind, j.over = true, !isOpen
		}
	}
}

// readChanges reads a page of changes. A job that began is followed from its first event on.
func (f *Feed) readChanges(ctx context.Context) (items []Item, err error) {
	page, err := f.read(ctx, f.changes)
	if err != nil {
		return nil, err
	}
	if f.changes > page.Last || f.changes < page.Kept-1 {
		f.more = false
		now, err := f.read(ctx, -1)
		if err != nil {
			return nil, err
		}
		return f.reset(now), nil
	}
	f.more = len(page.List) == changesPage
	for _, ch := range page.List {
		f.changes = ch.Number
		if ch.Kind == codeforge.ChangedJob {
			known := f.job(ch.Job.ID)
			switch {
			case known == nil && !ch.Job.Status.Terminal() && len(f.jobs) < codeforge.MaxOpenJobs:
				f.jobs = append(f.jobs, feedJob{id: ch.Job.ID, behind: true, over: f.topic.kind == ofUser})
			case known != nil && ch.Job.Status.Terminal() && known.done:
				f.drop(known)
			case known != nil && ch.Job.Status.Terminal():
				known.behind, known.over, known.told = true, true, true
			}
		}
		items = append(items, Item{Kind: FeedChange, Change: ch, Cursor: f.cursor()})
	}
	return items, nil
}

func (f *Feed) job(id string) *feedJob {
	for i := range f.jobs {
		if f.jobs[i].id == id {
			return &f.jobs[i]
		}
	}
	return nil
}

// drop ends the following of a job.
func (f *Feed) drop(j *feedJob) {
	for i := range f.jobs {
		if &f.jobs[i] == j {
			f.jobs = append(f.jobs[:i], f.jobs[i+1:]...)
			return
		}
	}
}

// readEvents reads a page of the events of a job. One that is gone is followed no more.
func (f *Feed) readEvents(ctx context.Context, j *feedJob) (items []Item, err error) {
	list, err := f.store.Events(ctx, f.user, j.id, j.last, page)
	if err == nil && len(list) < page && !isComplete(list) && (j.over || len(list) == 0) {
		list, err = f.withEnd(ctx, j, list)
	}
	if codeforge.IsKind(err, codeforge.Missing) {
		if f.topic.kind == ofUser && !j.done { // it went with its project, which cancelled it
			items = append(items, Item{Kind: FeedEvent, Event: lastEvent(&codeforge.Job{ID: j.id, Status: codeforge.JobCancelled, UpdatedAt: codeforge.Now()}, j.last+1)})
		}
		f.drop(j)
		if len(items) > 0 {
			items[0].Cursor = f.cursor()
		}
		return items, nil
	}
	if err != nil {
		return nil, err
	}
	j.behind, j.over = len(list) == page, false
	for _, e := range list {
		// The job may be dropped with its last event.
		if item, ok := f.give(j, e); ok {
			items = append(items, item)
		}
	}
	return items, nil
}

// withEnd is what is left of the log of a job with its end, if it has ended and its log does not say so.
func (f *Feed) withEnd(ctx context.Context, j *feedJob, list []codeforge.Event) ([]codeforge.Event, error) {
	job, err := f.store.GetJob(ctx, f.user, j.id)
	if err != nil || !job.Status.Terminal() {
		return list, err
	}
	if list, err = f.store.Events(ctx, f.user, j.id, j.last, page); err != nil { // it may have been stored since
		return list, err
	}
	return WithEnd(&job, list, j.last, page), nil
}

// WithEnd is what was read of the log of a job that has ended, at most limit events after a number, with the job's end where it is
// all there is and does not say so.
func WithEnd(j *codeforge.Job, log []codeforge.Event, after int64, limit int) []codeforge.Event {
	if len(log) == limit || isComplete(log) {
		return log
	}
	if len(log) > 0 {
		after = log[len(log)-1].Seq
	}
	return append(log, lastEvent(j, after+1))
}

// isComplete reports whether a log is read to its end.
func isComplete(log []codeforge.Event) bool { return len(log) > 0 && log[len(log)-1].Type.Final() }

// lastEvent is how a job that has ended would have said so.
func lastEvent(j *codeforge.Job, seq int64) codeforge.Event {
	e := codeforge.Event{JobID: j.ID, Seq: seq, Type: codeforge.EventCancelled, At: j.UpdatedAt}
	e.Data = j.State()
	switch j.Status {
	case codeforge.JobCompleted:
		e.Type = codeforge.EventComplete
	case codeforge.JobFailed:
		e.Type = codeforge.EventError
		e.Data = codeforge.JobFailure{JobID: j.ID, Status: j.Status, Error: j.Error}.Marshal()
	}
	return e
}

// give is the next stored event of a job as an item; false: it is not of this feed.
func (f *Feed) give(j *feedJob, e codeforge.Event) (Item, bool) {
	j.last = e.Seq
	if e.Type.Final() {
		if j.done, j.behind = true, false; j.told || f.topic.kind == ofUser {
			f.drop(j)
		}
	}
	if f.topic.kind == ofUser && !tellsState(e.Type) {
		return Item{}, false
	}
	return Item{Kind: FeedEvent, Event: e, Cursor: f.cursor()}, true
}

// tellsState reports whether an event says how a job is, rather than what it does.
func tellsState(t codeforge.EventType) bool {
	switch t {
	case codeforge.EventStage, codeforge.EventRetry, codeforge.EventKept, codeforge.EventConflict:
		return true
	}
	return t.Contract()
}

// inOrder gives what was taken, up to the first gap.
func (f *Feed) inOrder() (items []Item) {
	for i, e := range f.taken {
		var j *feedJob
		if e.JobID != "" {
			j = f.job(e.JobID)
		}
		switch {
		case e.JobID == "" && e.Seq == nudge:
			f.lost = true
		case e.JobID == "":
			f.more = true
		case e.Type.Transient():
			if j != nil && !j.done {
				items = append(items, Item{Kind: FeedEvent, Event: e})
			}
		case j == nil: // it has just begun, or ended
			f.more = true
		case j.done:
		case e.Seq == j.last+1:
			if item, ok := f.give(j, e); ok {
				items = append(items, item)
			}
		case e.Seq == nudge: // something of it may have changed that is no event, too
			j.behind, f.more = true, true
		case e.Seq > j.last:
			j.behind = true
		}
		if f.lost || f.more || f.behind() != nil {
			f.taken = f.taken[i+1:]
			return items
		}
	}
	f.taken = nil
	return items
}

// cursor is where the feed is.
func (f *Feed) cursor() string {
	c := cursor{changes: f.changes, partial: len(f.jobs) > maxCursorJobs}
	if !c.partial {
		c.jobs = make([]jobCursor, len(f.jobs))
		for i, j := range f.jobs {
			c.jobs[i] = jobCursor{j.id, j.last, j.done}
		}
	}
	return c.encode(f.topic)
}
