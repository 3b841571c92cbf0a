// Package jobs runs jobs. The row in the store is the truth: the engine only carries ids to workers, and any id it
// forgets is found again by a sweep. A worker owns a job by a numbered claim with a lease; whatever it writes names that
// number, so one that was taken for dead changes nothing any more.
//
// What may happen twice: the work of an agent (a crash repeats it). What may not: its effects, which are one transaction.
package jobs

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"codeforge"
	"codeforge/internal/events"
)

// Options configure an Engine. Store, Hub, Run and Log are needed; every number has a default.
type Options struct {
	Store Store
	Hub   *events.Hub
	Log   *slog.Logger
	// Courier tells other processes on the same store, and is told by them; nil: there are none.
	Courier Courier
	// Run does the work of one claim. Its context ends with ErrCancelled, ErrTimedOut, ErrShutdown or ErrFenced as cause.
	// An error that is a codeforge.Error with Retryable set is tried again; the outcome beside it gives a failed job's
	// result, its lines of the conversation and its proposal.
	Run          func(context.Context, *codeforge.Task) (codeforge.Outcome, error)
	AgentTimeout time.Duration // bounds one run of an agent, see [codeforge.AgentType.TimeLimit]; 0: five minutes

	Workers     int           // jobs that run here at once; 0: none, jobs are only taken in, cancelled and watched here
	MaxQueued   int           // queued jobs at most; 10,000
	MaxAttempts int           // failed attempts before a job fails; 3
	MaxCrashes  int           // vanished workers before a job fails; 20
	Lease       time.Duration // how long a silent worker keeps a job; 15 s, renewed at a third of it
	Sweep       time.Duration // how often forgotten jobs are looked for at least; 30 s
	Retention   time.Duration // how long ended jobs are kept; 0: for ever
	Exclusive   bool          // no other process can have the store open: running jobs found at start are crashed ones

	// Policy says which jobs are next. It should be the same for all engines of a store.
	Policy codeforge.ClaimPolicy

	Hooks Hooks
}

// Engine takes jobs in, runs them, and stops them. Make one with New.
type Engine struct {
	o      Options
	worker string // names this process in claims
	queued atomic.Int64

	mu       sync.Mutex
	running  map[*run]struct{}
	claiming int                 // claims that are under way
	ended    map[string]struct{} // jobs that were cancelled meanwhile
	due      bool                // jobs may be due that no place was free for
	busy     int                 // places taken: at most Workers
	open     int                 // goroutines of work, those that only store an end included
	stopping bool                // Drain was called
	draining bool                // no job is taken any more
	idle     chan struct{}       // closed when draining and nothing is open
	freed    chan struct{}       // not nil: somebody waits for a free worker, see Free

	told    time.Time      // when others were told that more is due than there are places here; the claimer's own
	swept   time.Time      // when working files were looked for; the sweep's own
	wake    chan struct{}  // asks for a claim now
	sooner  chan time.Time // asks for one by then
	recheck chan struct{}  // asks for a look at the leases
	stop    context.CancelFunc
	loops   sync.WaitGroup
}

// run is one worker's try at a job.
type run struct {
	fence  codeforge.Fence
	cancel context.CancelCauseFunc
}

// New returns an engine that accepts jobs; none runs before Start.
func New(o Options) *Engine {
	o.MaxQueued = cmp.Or(o.MaxQueued, 10_000)
	o.MaxAttempts = cmp.Or(o.MaxAttempts, 3)
	o.MaxCrashes = cmp.Or(o.MaxCrashes, 20)
	o.Lease = cmp.Or(o.Lease, 15*time.Second)
	o.Sweep = cmp.Or(o.Sweep, 30*time.Second)
	o.AgentTimeout = cmp.Or(o.AgentTimeout, 5*time.Minute)
	if o.Courier == nil {
		o.Courier = InProcess{}
	}
	return &Engine{o: o, worker: codeforge.NewID(), running: map[*run]struct{}{}, ended: map[string]struct{}{}, idle: make(chan struct{}),
		wake: make(chan struct{}, 1), sooner: make(chan time.Time, 1), recheck: make(chan struct{}, 1), draining: true}
}

// Start takes back what a crash left running, and works until Drain.
func (e *Engine) Start(ctx context.Context) error {
	if e.o.Exclusive {
		n, err := e.o.Store.ReleaseAll(ctx)
		if err != nil {
			return fmt.Errorf("take back running jobs: %w", err)
		}
		if n > 0 {
			e.o.Log.Warn("jobs taken back after a crash", "next", "look at why the process before ended; these jobs go on from their journal", "jobs", n)
		}
	}
	switch err := e.sweep(ctx); {
	case err != nil && e.o.Exclusive:
		return fmt.Errorf("count queued jobs: %w", err)
	case err != nil: // a store on another machine may answer later
		e.o.Log.Error("sweep failed", "next", "look at the store in /readyz?verbose; it is tried again by itself", "error", err)
	}
	e.mu.Lock()
	e.draining = false
	e.mu.Unlock()
	// The loops outlive ctx: only Drain ends them.
	ctx, e.stop = context.WithCancel(context.WithoutCancel(ctx))
	e.loops.Go(func() { e.sweepLoop(ctx) })
	e.loops.Go(func() { e.placeLoop(ctx) })
	if e.o.Workers > 0 {
		next := e.claim(ctx)
		e.loops.Go(func() { e.claimLoop(ctx, next) })
	}
	e.loops.Go(func() { e.leaseLoop(ctx) })
	return e.o.Courier.Start(ctx, e)
}

// Drain stops starting jobs, lets running ones finish until ctx ends or most of patience is used up, hands the others
// back to the queue (the attempt not counted), and returns when no worker is left or ctx ended.
func (e *Engine) Drain(ctx context.Context, patience time.Duration) (err error) {
	e.mu.Lock()
	already := e.draining || e.stopping
	e.stopping = true
	e.mu.Unlock()
	if already { // never started, or drained before
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	brought := e.o.Courier.Drain(ctx)
	defer func() { err = errors.Join(brought, err) }()
	e.mu.Lock()
	if e.draining = true; e.open == 0 {
		close(e.idle)
	}
	e.mu.Unlock()
	defer e.o.Courier.Stop()
	defer e.loops.Wait()
	defer e.stop()
	select {
	case <-e.idle:
		return nil
	case <-ctx.Done():
	case <-time.After(patience * 3 / 4):
	}
	e.mu.Lock()
	for r := range e.running {
		r.cancel(ErrShutdown)
	}
	e.mu.Unlock()
	select {
	case <-e.idle:
		return nil
	case <-ctx.Done():
		return errors.New("some jobs were still running; their leases will lapse and they will be run again")
	}
}

// Submit stores a job and wakes a worker, or begins it, where it can be done here alone. fresh is false when the idempotency key was used before.
func (e *Engine) Submit(ctx context.Context, u codeforge.User, n codeforge.NewJob) (job codeforge.Job, fresh bool, err error) {
	ctx, span := codeforge.StartSpan(ctx, codeforge.WorkSubmit, string(n.Agent))
	defer func() { span.End(err) }()
	if err := e.takesIn(); err != nil {
		return job, false, err
	}
	n.TraceParent = codeforge.TraceParent(ctx) // runs of the job lead back to here
	if e.queued.Add(1) > int64(e.o.MaxQueued) {
		e.queued.Add(-1)
		return job, false, &codeforge.Error{Kind: codeforge.QueueFull, RetryAfter: 5 * time.Second,
			Message: fmt.Sprintf("The queue is full (%d jobs); try again later", e.o.MaxQueued)}
	}
	if n.Here {
		n.Worker, n.Lease = e.worker, e.o.Lease
		if err := e.enter(); err != nil {
			e.queued.Add(-1)
			return job, false, err
		}
	}
	job, fresh, cancelled, err := e.o.Store.SubmitJob(ctx, u, n)
	if n.Here {
		var mine codeforge.Claimed
		if err == nil && fresh {
			mine.Jobs = []codeforge.Job{job}
		}
		e.begin(mine)
	}
	if err != nil || !fresh {
		e.queued.Add(-1)
		return job, fresh, err
	}
	for _, f := range cancelled {
		e.cancelled(f)
		e.say(ctx, f.Job, "assistant", cancelledWords(f.Job, false))
	}
	e.o.Hooks.submitted(job)
	if !n.Here { // its beginning was told of
		e.publish(job)
		e.announce(job.ID)
	}
	return job, true, nil
}

// takesIn is an error once Drain was called: nobody here would begin with what is new, while another server would at once.
func (e *Engine) takesIn() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.stopping {
		return nil
	}
	return &codeforge.Error{Kind: codeforge.Unavailable, RetryAfter: 5 * time.Second, Message: "This server is stopping and takes no more jobs; try again in a moment"}
}

// Cancel ends a job and stops the model call that it is in. What it kept stays.
func (e *Engine) Cancel(ctx context.Context, u codeforge.User, id string) (codeforge.Job, error) {
	f, err := e.o.Store.CancelJob(ctx, u, id)
	if err != nil {
		return codeforge.Job{}, err
	}
	e.cancelled(f)
	e.say(ctx, f.Job, "assistant", cancelledWords(f.Job, false))
	return f.Job, nil
}

// TakeBack ends a job as Cancel does, and takes back by a change what it kept.
func (e *Engine) TakeBack(ctx context.Context, u codeforge.User, id string, undo codeforge.TreeChange) (codeforge.Job, error) {
	f, err := e.o.Store.TakeBackJob(ctx, u, id, undo)
	if err != nil {
		return codeforge.Job{}, err
	}
	e.cancelled(f)
	e.say(ctx, f.Job, "assistant", cancelledWords(f.Job, true))
	return f.Job, nil
}

// DeleteProject deletes a project for good, and stops the jobs that are at work on it.
func (e *Engine) DeleteProject(ctx context.Context, u codeforge.User, id string, ifRevision *int64) error {
	deleted, err := e.o.Store.DeleteProject(ctx, u, id, ifRevision)
	if err != nil {
		return err
	}
	for _, f := range deleted.Ended {
		e.cancelled(f)
	}
	e.Changed(u.ID, id)
	return nil
}

// cancelled stops the run of a job that was cancelled, and tells of its end.
func (e *Engine) cancelled(f codeforge.Finished) {
	if f.Job.StartedAt == nil {
		e.queued.Add(-1)
	}
	e.mu.Lock()
	if e.claiming > 0 { // perhaps this job, before it was cancelled
		e.ended[f.Job.ID] = struct{}{}
	}
	for r := range e.running {
		if r.fence.JobID == f.Job.ID {
			r.cancel(ErrCancelled)
		}
	}
	e.mu.Unlock()
	e.publishEnd(f)
}

// Apply takes the proposal of a job over, and completes the job if it waits.
func (e *Engine) Apply(ctx context.Context, u codeforge.User, id string, a codeforge.Application) (codeforge.Job, error) {
	f, err := e.o.Store.ApplyProposal(ctx, u, id, a)
	e.publishEnd(f)
	return f.Job, err
}

// Reject drops the proposal of a job, and cancels the job if it waits.
func (e *Engine) Reject(ctx context.Context, u codeforge.User, id string, chat []codeforge.Message) (codeforge.Job, error) {
	f, err := e.o.Store.RejectProposal(ctx, u, id, chat)
	e.publishEnd(f)
	return f.Job, err
}

// Respond gives a waiting job its answers (a JSON array of {"question","answer"}) and returns the alias under which it goes on.
func (e *Engine) Respond(ctx context.Context, u codeforge.User, id string, answers []byte) (alias string, err error) {
	if err := e.takesIn(); err != nil {
		return "", err
	}
	alias = codeforge.NewID()
	f, err := e.o.Store.RespondJob(ctx, u, id, alias, answers)
	if err != nil {
		return "", err
	}
	e.queued.Add(1)
	e.publishEnd(f)
	e.say(ctx, f.Job, "user", answerWords(answers))
	e.announce(f.Job.ID)
	return alias, nil
}

// publishEnd tells the world what a commit did.
func (e *Engine) publishEnd(f codeforge.Finished) {
	e.publish(f.Job, f.Events...)
	if f.Next != "" {
		e.announce(f.Next)
	}
}

// publish passes on, here and elsewhere, what was added to the events of a job, by a commit that changed its project too.
func (e *Engine) publish(j codeforge.Job, events ...codeforge.Event) {
	if j.ID == "" { // it failed
		return
	}
	e.pass(j, append(slices.Clip(events), codeforge.Event{}))
}

// pass passes on events of a job, here and elsewhere.
func (e *Engine) pass(j codeforge.Job, events []codeforge.Event) {
	for i := range events {
		events[i].ProjectID, events[i].UserID = j.ProjectID, j.UserID
	}
	e.o.Hub.Publish(events...)
	e.o.Courier.Publish(events...)
}

// newsOf names a job, its project and its user.
func newsOf(j codeforge.Job) codeforge.Event {
	return codeforge.Event{JobID: j.ID, ProjectID: j.ProjectID, UserID: j.UserID}
}

// Changed tells those who watch a project of a user, here and elsewhere, that something has changed it which is no job.
func (e *Engine) Changed(userID, projectID string) {
	e.pass(codeforge.Job{ProjectID: projectID, UserID: userID}, []codeforge.Event{{}})
}

// run does the work and says how to leave the job. nil: leave it alone, it is no longer ours.
func (e *Engine) run(ctx context.Context, job codeforge.Job, fence codeforge.Fence) (*codeforge.Outcome, End) {
	log := e.o.Log.With("job_id", job.ID, "project_id", job.ProjectID, "agent", job.Agent, "fence", job.Fence)
	if id := codeforge.TraceID(ctx); id != "" {
		log = log.With("trace_id", id)
	}
	began := time.Now()
	if job.Crashes >= e.o.MaxCrashes {
		fault := agentFault(job, "The job was interrupted %d times and is given up", job.Crashes)
		return failedOutcome(job, "error", fault, job.Progress, codeforge.Outcome{}), EndFailed
	}
	limit := job.Agent.TimeLimit(e.o.AgentTimeout)
	ctx, stop := context.WithTimeoutCause(ctx, limit, ErrTimedOut)
	defer stop()
	rec := e.record(ctx, job, fence)
	o, err := e.runAgent(ctx, job, rec)
	// What was reported comes before what ended it. A claim lost meanwhile shows in the next write.
	progress := rec.close()
	job = rec.job
	took := time.Since(began).Round(time.Millisecond)

	// A finished piece of work counts even if its time ran out in the same moment; a cancelled one does not.
	cause := context.Cause(ctx)
	switch {
	case errors.Is(cause, ErrCancelled), errors.Is(cause, ErrFenced):
		log.Info("job stopped", "cause", cause, "ms", took.Milliseconds())
		if errors.Is(cause, ErrFenced) {
			return nil, EndLost
		}
		return nil, EndCancelled
	case err == nil && o.Status == codeforge.Waiting:
		o.Progress = max(o.Progress, progress)
		log.Info("job waits for input", "ms", took.Milliseconds())
		return &o, EndWaiting
	case err == nil:
		o.Status, o.Progress = codeforge.JobCompleted, 100
		o.Events = append(o.Events, codeforge.Event{Type: codeforge.EventComplete, Data: stateData(job.ID, o.Status, 100)})
		if job.Agent != codeforge.Noop {
			log.Info("job completed", "ms", took.Milliseconds())
		}
		return &o, EndCompleted
	case errors.Is(cause, ErrShutdown):
		log.Info("job handed back", "cause", cause, "ms", took.Milliseconds())
		return &codeforge.Outcome{Status: codeforge.Queued, Progress: progress,
			Events: []codeforge.Event{{Type: codeforge.EventProgress, Data: stateData(job.ID, codeforge.Queued, progress)}}}, EndHandedBack
	case errors.Is(cause, ErrTimedOut):
		log.Warn("job timed out", "next", "raise AGENT_TIMEOUT, or look at how fast the models answer", "ms", took.Milliseconds())
		return failedOutcome(job, "timeout", agentFault(job, "The %s agent did not finish within %s", job.Agent, limit), progress, o), EndTimedOut
	}
	fault, known := errors.AsType[*codeforge.Error](err)
	if !known {
		fault = agentFault(job, "The agent failed unexpectedly")
	}
	failures := job.Failures + 1
	if fault.Waits {
		failures = job.Failures
	}
	if fault.Retryable && failures < e.o.MaxAttempts {
		wait := max(backoff(job.Failures), fault.RetryAfter)
		log.Warn("job will be tried again", "next", "nothing yet; if it fails for good, GET /v1/jobs/{id} says why", "error", err, "failures", failures, "wait_ms", wait.Milliseconds())
		how := EndRetry
		if fault.Waits {
			how = EndPostponed
		}
		return &codeforge.Outcome{Status: codeforge.Queued, Failed: !fault.Waits, Progress: progress, RunAt: codeforge.Now().Add(wait),
			Events: []codeforge.Event{
				{Type: codeforge.EventRetry, Data: marshal(codeforge.JobRetryData{Attempt: failures + 1, Of: e.o.MaxAttempts,
					WaitMS: wait.Milliseconds(), Reason: fault.Message})},
				{Type: codeforge.EventProgress, Data: stateData(job.ID, codeforge.Queued, progress)}}}, how
	}
	log.Error("job failed", "next", "GET /v1/jobs/{id} says why; docs/troubleshooting.md says what to do", "error", err, "ms", took.Milliseconds())
	return failedOutcome(job, "error", fault, progress, o), EndFailed
}

// runAgent gives the agent its material. A panic in it is a failure of this job alone.
func (e *Engine) runAgent(ctx context.Context, job codeforge.Job, rec *recorder) (o codeforge.Outcome, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	task := &codeforge.Task{Job: job, Report: rec.report, Keep: rec.keep}
	task.Snapshot = func(ctx context.Context, revision int64) ([]codeforge.File, error) {
		if revision == 0 {
			return nil, nil
		}
		files, err := e.o.Store.SnapshotFiles(ctx, job.ProjectID, revision)
		return files, storeFault(err)
	}
	task.Head = func(ctx context.Context) (int64, []codeforge.File, error) {
		p, err := e.o.Store.ProjectForJob(ctx, rec.fence)
		if err != nil {
			return 0, nil, storeFault(err)
		}
		files, err := task.Snapshot(ctx, p.Revision)
		return p.Revision, files, err
	}
	owner := codeforge.User{ID: job.UserID, Role: "authenticated"}
	task.LockAt = func(ctx context.Context, revision int64) ([]byte, error) {
		if revision == 0 {
			return nil, nil
		}
		lock, err := e.o.Store.ReadLock(ctx, owner, job.ProjectID, revision)
		return lock, storeFault(err)
	}
	task.PutBlob = func(ctx context.Context, data []byte) (string, error) {
		return e.o.Store.PutBlob(ctx, owner, job.ProjectID, data)
	}
	task.ReadBlob = func(ctx context.Context, hash string) ([]byte, error) {
		return e.o.Store.ReadBlob(ctx, owner, job.ProjectID, hash)
	}
	if job.Agent != codeforge.Noop {
		if task.Project, err = e.o.Store.ProjectForJob(ctx, rec.fence); err != nil {
			return o, storeFault(err)
		}
		if task.Memory, err = e.memory(ctx, job, task.Project.Mode); err != nil {
			return o, storeFault(err)
		}
		if task.Files, err = task.Snapshot(ctx, job.Base); err != nil {
			return o, err
		}
		if task.Lock, err = task.LockAt(ctx, job.Base); err != nil {
			return o, err
		}
	}
	return e.o.Run(ctx, task)
}

// storeFault makes an error of the store one that is worth another try.
func storeFault(err error) error {
	if err == nil {
		return nil
	}
	return &codeforge.Error{Kind: codeforge.Unavailable, Message: "The project could not be read", Retryable: true, Cause: err}
}

// finish applies an outcome, again when the store fails: after a few tries the lease will lapse and the job run again.
func (e *Engine) finish(ctx context.Context, job codeforge.Job, fence codeforge.Fence, o *codeforge.Outcome) {
	if o == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), e.o.Lease)
	defer cancel()
	for wait := 10 * time.Millisecond; ; wait *= 4 {
		f, err := e.o.Store.FinishJob(ctx, fence, *o)
		switch {
		case err == nil:
			if o.Status == codeforge.Queued {
				e.queued.Add(1)
				if o.RunAt.IsZero() {
					e.announce(fence.JobID)
				} else {
					e.claimBy(o.RunAt)
				}
			}
			e.publishEnd(f)
			return
		case errors.Is(err, ErrFenced):
			// Cancelled in the last moment, taken over, or applied by a try that reported failure. Whoever watches
			// finds the truth in the store, and so does the sweep.
			e.o.Hub.Nudge(newsOf(job))
			e.LookForDue()
			return
		case o.Status != codeforge.JobFailed && (codeforge.IsKind(err, codeforge.Invalid) || codeforge.IsKind(err, codeforge.TooLarge)):
			// The outcome itself cannot be stored: that is the job's end.
			fault, _ := errors.AsType[*codeforge.Error](err)
			e.o.Log.Error("outcome refused", "next", "GET /v1/jobs/{id} says what of it stands; report it with codeforge support if it comes again", "job_id", fence.JobID, "error", err)
			o = failedOutcome(job, "error", unstorable(fault), o.Progress, codeforge.Outcome{})
			continue
		}
		e.o.Log.Error("outcome not stored", "next", "look at the store in /readyz?verbose; the job is tried again from its journal", "job_id", fence.JobID, "error", err)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			e.claimBy(time.Now().Add(e.o.Lease))
			return
		}
	}
}

// unstorable says, of a refusal of the store, why the work of a job ends it.
func unstorable(refusal *codeforge.Error) *codeforge.Error {
	reason, _ := refusal.Details["reason"].(string)
	return &codeforge.Error{Kind: refusal.Kind, Message: "The result could not be stored: " + cmp.Or(reason, refusal.Message), Cause: refusal}
}

// agentFault is a failure of a job that its agent says nothing of.
func agentFault(job codeforge.Job, format string, args ...any) *codeforge.Error {
	return &codeforge.Error{Kind: codeforge.AgentFailed, Message: fmt.Sprintf(format, args...), Details: map[string]any{"agent": string(job.Agent)}}
}

func failedOutcome(job codeforge.Job, reason string, fault *codeforge.Error, progress float64, left codeforge.Outcome) *codeforge.Outcome {
	public := fault.Message
	data := codeforge.JobFailure{JobID: job.ID, Status: codeforge.JobFailed, Error: public, Reason: reason,
		Kind: fault.Kind, Details: fault.Details, RetryAfterMS: fault.RetryAfter.Milliseconds()}.Marshal()
	return &codeforge.Outcome{Status: codeforge.JobFailed, Progress: progress, Error: public, Result: left.Result, Chat: failedChat(job, public, left.Chat), Proposal: left.Proposal, Failed: true,
		Events: []codeforge.Event{{Type: codeforge.EventError, Data: data}}}
}

// backoff is 1 s, 4 s, 16 s, ... with half of it left to chance.
func backoff(failures int) time.Duration {
	full := time.Second << min(2*failures, 8)
	return full/2 + rand.N(full/2)
}

func stateData(id string, s codeforge.JobStatus, progress float64) json.RawMessage {
	return (&codeforge.Job{ID: id, Status: s, Progress: progress}).State()
}

func marshal(data any) json.RawMessage {
	b, err := json.Marshal(data)
	if err != nil { // only strings and numbers come here
		panic(err)
	}
	return b
}
