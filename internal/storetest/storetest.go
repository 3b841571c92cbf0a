// Package storetest is the contract of a store: the rules that every one of them must keep, as tests.
package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"slices"
	"testing"
	"time"

	"codeforge"
	"codeforge/internal/api"
	"codeforge/internal/auth"
	"codeforge/internal/jobs"
	"codeforge/internal/pattern"
	"codeforge/internal/userkeys"
	"codeforge/internal/webhook"
)

// Contract lists what a store owes to the rest of the server; the suite says how.
type Contract interface {
	jobs.Store      // the life of jobs
	api.Store       // what clients read and write
	auth.TokenStore // tokens of our own
	webhook.Store   // what is sent to webhooks
	userkeys.Store  // users' own keys for providers of models
	pattern.Store   // architectures that worked
	// SetQuota bounds what a user may keep, for all servers on the same data.
	SetQuota(context.Context, codeforge.Quota) error
	// CountJobs counts the jobs that have not ended, of all users.
	CountJobs(context.Context) ([]codeforge.JobCount, error)
}

// Open returns an empty store that is closed when the test ends, and a function that moves its clock on. Nothing else
// moves it, or real time does: the suite never waits.
type Open func(t *testing.T) (store Contract, advance func(time.Duration))

// Run runs the suite, each test on a store of its own; of its groups those that are named, or all.
func Run(t *testing.T, open Open, only ...string) { run(t, open, false, only) }

// RunLight is Run for a store that runs the same functions as another which has the whole suite: without what moves tens of megabytes.
func RunLight(t *testing.T, open Open) { run(t, open, true, nil) }

// large moves tens of megabytes.
var large = map[string]bool{"a project has so many bytes and no more": true, "a project with too many bytes shrinks and does not grow": true}

// soak has races run longer.
var soak = os.Getenv("CODEFORGE_SOAK") != ""

func run(t *testing.T, open Open, light bool, only []string) {
	for _, group := range []struct {
		name  string
		tests []test
	}{
		{"Projects", projectTests},
		{"Files", fileTests},
		{"Revisions", revisionTests},
		{"Comparisons", comparisonTests},
		{"Copies", copyTests},
		{"Submit", submitTests},
		{"Counts", countTests},
		{"UserJobs", userJobTests},
		{"Claim", claimTests},
		{"Line", lineTests},
		{"Stages", stageTests},
		{"Proposals", proposalTests},
		{"TakeBack", takeBackTests},
		{"Busy", busyTests},
		{"Verified", verifiedTests},
		{"Blobs", blobTests},
		{"Import", importTests},
		{"Evidence", evidenceTests},
		{"Git", gitTests},
		{"Finish", finishTests},
		{"Fence", fenceTests},
		{"Cancel", cancelTests},
		{"Respond", respondTests},
		{"Events", eventTests},
		{"Working", workingTests},
		{"Changes", changeTests},
		{"PreviewErrors", previewErrorTests},
		{"Delete", deleteTests},
		{"Messages", messageTests},
		{"Webhooks", webhookTests},
		{"Profiles", profileTests},
		{"Students", studentTests},
		{"Paged", pagedTests},
		{"Keys", keyTests},
		{"Patterns", patternTests},
		{"Due", dueTests},
		{"Queue", queueTests},
		{"Sweep", sweepTests},
		{"Read", readTests},
		{"Pages", pageTests},
		{"Quota", quotaTests},
		{"Clock", clockTests},
		{"Strangers", strangerTests},
		{"Races", raceTests},
	} {
		if len(only) > 0 && !slices.Contains(only, group.name) {
			continue
		}
		t.Run(group.name, func(t *testing.T) {
			for _, test := range group.tests {
				if light && large[test.name] {
					continue
				}
				t.Run(test.name, func(t *testing.T) {
					t.Parallel()
					store, advance := open(t)
					test.run(&suite{T: t, Contract: store, advance: advance,
						u: codeforge.User{ID: codeforge.NewID(), Role: "authenticated"}, v: codeforge.User{ID: codeforge.NewID(), Role: "authenticated"}})
				})
			}
		})
	}
}

type test struct {
	name string
	run  func(s *suite)
}

// suite is one test at work: its store, and two users who know nothing of each other.
type suite struct {
	*testing.T
	Contract
	advance func(time.Duration)
	u, v    codeforge.User
}

const lease = 15 * time.Second

func (s *suite) ctx() context.Context { return s.Context() }

func (s *suite) ok(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// refused wants an error of a kind, and returns it.
func (s *suite) refused(err error, k codeforge.Kind) *codeforge.Error {
	s.Helper()
	e, ok := errors.AsType[*codeforge.Error](err)
	if !ok || e.Kind != k {
		s.Fatalf("error %v, want one of kind %s", err, k)
	}
	return e
}

// missing wants the answer for something that does not exist.
// invalid demands that a rule of a field was broken.
func (s *suite) invalid(field string, err error) {
	s.Helper()
	if e := s.refused(err, codeforge.Invalid); e != nil && e.Details["field"] != field {
		s.Fatalf("field %v, want %s: %v", e.Details["field"], field, err)
	}
}

func (s *suite) missing(err error, resource, id string) {
	s.Helper()
	e := s.refused(err, codeforge.Missing)
	if want := codeforge.NotFound(resource, id); e.Message != want.Message || !reflect.DeepEqual(e.Details, want.Details) {
		s.Fatalf("error %v %v, want %v %v", e.Message, e.Details, want.Message, want.Details)
	}
}

func (s *suite) wantFenced(err error) {
	s.Helper()
	if !errors.Is(err, codeforge.ErrFenced) {
		s.Fatalf("error %v, want ErrFenced", err)
	}
}

// same compares by value; times count as equal when they are the same moment.
func (s *suite) same(what string, got, want any) {
	s.Helper()
	if g, w := text(s.T, got), text(s.T, want); g != w {
		s.Fatalf("%s:\n got %s\nwant %s", what, g, w)
	}
}

func text(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func (s *suite) project() codeforge.Project {
	s.Helper()
	return s.projectOf(s.u)
}

func (s *suite) projectOf(u codeforge.User) codeforge.Project {
	s.Helper()
	p, err := s.CreateProject(s.ctx(), u, codeforge.Project{Title: "Dog walkers", Mode: codeforge.ModeBuilder})
	s.ok(err)
	return p
}

func (s *suite) write(p codeforge.Project, path, content string) codeforge.File {
	s.Helper()
	f, err := s.WriteFile(s.ctx(), s.u, p.ID, codeforge.FileWrite{Path: path, Content: content})
	s.ok(err)
	return f
}

func (s *suite) submit(p codeforge.Project, agent codeforge.AgentType) codeforge.Job {
	s.Helper()
	j, fresh, _, err := s.SubmitJob(s.ctx(), s.u, codeforge.NewJob{ProjectID: p.ID, Agent: agent, Input: json.RawMessage(`{"n": 1}`)})
	s.ok(err)
	if !fresh {
		s.Fatal("not fresh")
	}
	return j
}

func (s *suite) claim(id string) codeforge.Job {
	s.Helper()
	j, ok, err := Claim(s.ctx(), s, id, "w", lease)
	s.ok(err)
	if !ok {
		s.Fatalf("job %s cannot be claimed", id)
	}
	return j
}

func (s *suite) unclaimable(id string) {
	s.Helper()
	_, ok, err := Claim(s.ctx(), s, id, "w", lease)
	s.ok(err)
	if ok {
		s.Fatalf("job %s was claimed", id)
	}
}

func (s *suite) keep(j codeforge.Job, stage codeforge.StageResult) codeforge.Kept {
	s.Helper()
	kept, err := s.KeepStage(s.ctx(), fence(j), stage)
	s.ok(err)
	return kept
}

func (s *suite) finish(j codeforge.Job, o codeforge.Outcome) codeforge.Finished {
	s.Helper()
	done, err := s.FinishJob(s.ctx(), fence(j), o)
	s.ok(err)
	return done
}

// started is a job that was submitted and claimed.
func (s *suite) started(p codeforge.Project, agent codeforge.AgentType) codeforge.Job {
	s.Helper()
	return s.claim(s.submit(p, agent).ID)
}

// waitingJob is a job that waits for input.
func (s *suite) waitingJob(p codeforge.Project, agent codeforge.AgentType) codeforge.Job {
	s.Helper()
	return s.finish(s.started(p, agent), waits).Job
}

func (s *suite) get(id string) codeforge.Job {
	s.Helper()
	j, err := s.GetJob(s.ctx(), s.u, id)
	s.ok(err)
	return j
}

func (s *suite) log(id string) []codeforge.Event {
	s.Helper()
	events, err := s.Contract.Events(s.ctx(), s.u, id, 0, 1000)
	s.ok(err)
	for i, e := range events {
		if e.Seq != int64(i+1) || e.JobID != s.get(id).ID {
			s.Fatalf("event %d of %s has number %d of job %s", i+1, id, e.Seq, e.JobID)
		}
	}
	return events
}

func fence(j codeforge.Job) codeforge.Fence { return codeforge.Fence{JobID: j.ID, Number: j.Fence} }

var (
	completes = codeforge.Outcome{Status: codeforge.JobCompleted, Progress: 100, Result: json.RawMessage(`{"done": true}`),
		Events: []codeforge.Event{{Type: codeforge.EventComplete, Data: json.RawMessage(`{"status": "completed"}`)}}}
	waits = codeforge.Outcome{Status: codeforge.Waiting, Progress: 50, Question: json.RawMessage(`[{"question":"who?"}]`),
		Events: []codeforge.Event{{Type: codeforge.EventWaiting, Data: json.RawMessage(`{}`)}}}
	returns = codeforge.Outcome{Status: codeforge.Queued}
)

// tryBuild has a job keep changes of the project as it is now.
func (s *suite) tryBuild(p codeforge.Project, j codeforge.Job, all ...codeforge.FileChange) (codeforge.Kept, error) {
	s.Helper()
	now, err := s.GetProject(s.ctx(), s.u, p.ID)
	s.ok(err)
	return s.KeepStage(s.ctx(), fence(j), codeforge.StageResult{Stage: codeforge.Code, Base: now.Revision, Changes: all, Message: "Build it"})
}

// build has a job keep changes of the project as it is now, and complete.
func (s *suite) build(p codeforge.Project, j codeforge.Job, all ...codeforge.FileChange) codeforge.Finished {
	s.Helper()
	_, err := s.tryBuild(p, j, all...)
	s.ok(err)
	return s.finish(j, completes)
}

// all is everything that a user can see of a project, as one text: to tell whether anything changed.
func (s *suite) all(p codeforge.Project) string {
	s.Helper()
	var out []any
	add := func(v any, err error) {
		s.Helper()
		s.ok(err)
		out = append(out, v)
	}
	p, err := s.GetProject(s.ctx(), s.u, p.ID)
	add(p, err)
	files, _, err := s.ListFiles(s.ctx(), s.u, p.ID, true, -1)
	add(files, err)
	revisions, total, err := s.ListRevisions(s.ctx(), s.u, p.ID, 1, 100)
	add(revisions, err)
	add(total, nil)
	list, total, err := s.ListJobs(s.ctx(), s.u, p.ID, codeforge.JobFilter{Limit: 100})
	add(list, err)
	add(total, nil)
	for _, j := range list {
		add(s.log(j.ID), nil)
	}
	messages, err := s.ListMessages(s.ctx(), s.u, p.ID, codeforge.MessageFilter{Limit: 100})
	add(messages, err)
	return text(s.T, out)
}

// unchanged wants do to leave everything as it is.
func (s *suite) unchanged(p codeforge.Project, do func()) {
	s.Helper()
	before := s.all(p)
	do()
	if after := s.all(p); after != before {
		s.Fatalf("changed:\n from %s\n to   %s", before, after)
	}
}

// Claim claims one job, by its id or an alias, if it is due.
func Claim(ctx context.Context, store jobs.Store, id, worker string, lease time.Duration) (codeforge.Job, bool, error) {
	got, err := store.ClaimJobs(ctx, worker, lease, 1, codeforge.ClaimPolicy{Only: []string{id}})
	if err != nil || len(got.Jobs) == 0 {
		return codeforge.Job{}, false, err
	}
	return got.Jobs[0], true, nil
}

// dueOf are those among jobs that could be claimed now: they wait for nothing but a worker.
func (s *suite) dueOf(all ...codeforge.Job) (due []string) {
	s.Helper()
	var ids []string
	for _, j := range all {
		ids = append(ids, j.ID)
	}
	places, err := s.QueuePlaces(s.ctx(), ids, codeforge.ClaimPolicy{})
	s.ok(err)
	for _, id := range ids {
		if at, ok := places[id]; ok && (at.WaitingFor == codeforge.WaitsForWorker || at.WaitingFor == codeforge.WaitsForAnyone) {
			due = append(due, id)
		}
	}
	return due
}

// queued is how many jobs are queued.
func (s *suite) queued() int {
	s.Helper()
	n, err := s.CountQueued(s.ctx())
	s.ok(err)
	return n
}

// claimAll claims as many jobs as are due, up to want, and returns their ids.
func (s *suite) claimAll(want int, p codeforge.ClaimPolicy) (ids []string) {
	s.Helper()
	got, err := s.ClaimJobs(s.ctx(), "w", lease, want, p)
	s.ok(err)
	for _, j := range got.Jobs {
		ids = append(ids, j.ID)
	}
	return ids
}
