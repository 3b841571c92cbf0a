package storetest

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"codeforge"
)

// proposedStage is a code stage under review.
func proposedStage(round int, base int64, all ...codeforge.FileChange) codeforge.StageResult {
	stage := codeStage(round, base, all...)
	stage.Proposal = true
	return stage
}

// application is a proposal as it was taken over on a revision.
func application(head int64, all ...codeforge.FileChange) codeforge.Application {
	return codeforge.Application{TreeChange: codeforge.TreeChange{Head: head, Changes: all, Message: "Apply it", Verified: new(true)}}
}

// proposal is that of a job, as what it would change by path: old and new text; nil where there is no file.
func (s *suite) proposal(jobID string) map[string][2]any {
	s.Helper()
	p, deltas, err := s.ReadProposal(s.ctx(), s.u, jobID, codeforge.Page{})
	s.ok(err)
	got := map[string][2]any{}
	for _, d := range deltas {
		var sides [2]any
		for i, f := range []*codeforge.File{d.Old, d.New} {
			if f != nil {
				sides[i] = f.Content
				s.same("size of "+f.Path, []any{f.Path, f.Size, f.Language}, []any{d.Path, len(f.Content), codeforge.LanguageOf(f.Path)})
			}
		}
		got[d.Path] = sides
	}
	s.same("files", p.FilesChanged, len(got))
	s.same("of the job", s.get(jobID).Proposal, p)
	return got
}

func (s *suite) noProposal(jobID string) {
	s.Helper()
	_, _, err := s.ReadProposal(s.ctx(), s.u, jobID, codeforge.Page{})
	s.missing(err, "Proposal", jobID)
	s.same("proposal", s.get(jobID).Proposal, nil)
}

// waitingWithProposal is a job that waits for somebody to look at {a.ts: gone, b.ts: "b4", c.ts: "c"} on [suite.history].
func (s *suite) waitingWithProposal() (codeforge.Project, codeforge.Job) {
	s.Helper()
	p := s.history()
	j := s.started(p, codeforge.Code)
	s.keep(j, proposedStage(0, 5, codeforge.FileChange{Path: "a.ts", Delete: true}, codeforge.FileChange{Path: "b.ts", Content: "b4"}, codeforge.FileChange{Path: "c.ts", Content: "c"}))
	return p, s.finish(j, waits).Job
}

var proposalTests = []test{
	{"a stage under review leaves a proposal and no revision", func(s *suite) {
		p := s.history()
		j := s.started(p, codeforge.Code)
		s.write(p, "b.ts", "by hand") // which its base does not have
		kept := s.keep(j, proposedStage(0, 5, codeforge.FileChange{Path: "b.ts", Content: "first"}, codeforge.FileChange{Path: "a.ts", Delete: true},
			codeforge.FileChange{Path: "b.ts", Content: "b4"}, codeforge.FileChange{Path: "c.ts", Content: "c"}))
		s.same("kept", []any{kept.Revision, len(kept.Events), s.get(j.ID).Revision}, []any{0, 2, 0})
		s.same("proposal", s.proposal(j.ID), map[string][2]any{"a.ts": {"a2", nil}, "b.ts": {"b3", "b4"}, "c.ts": {nil, "c"}})
		got := *s.get(j.ID).Proposal
		s.same("its words", []any{got.Base, got.Message, got.Verified, got.FilesChanged, got.CreatedAt.IsZero()}, []any{5, "Build it", true, 3, false})
		_, total, err := s.ListRevisions(s.ctx(), s.u, p.ID, 1, 1)
		s.ok(err)
		s.same("revisions", total, 6)
	}},
	{"the newest replaces the one before, and one without changes takes it away", func(s *suite) {
		p := s.project()
		j := s.started(p, codeforge.Code)
		s.keep(j, proposedStage(0, 0, codeforge.FileChange{Path: "a.ts", Content: "1"}, codeforge.FileChange{Path: "b.ts", Content: "1"}))
		s.keep(j, proposedStage(0, 0, codeforge.FileChange{Path: "z.ts", Content: "kept before"}))
		s.keep(j, proposedStage(1, 0, codeforge.FileChange{Path: "a.ts", Content: "2"}))
		s.same("newest", s.proposal(j.ID), map[string][2]any{"a.ts": {nil, "2"}})
		s.keep(j, proposedStage(2, 0))
		s.noProposal(j.ID)
	}},
	{"it is read in pages", func(s *suite) {
		j := s.started(s.project(), codeforge.Code)
		var all []codeforge.FileChange
		for i := range 5 {
			all = append(all, codeforge.FileChange{Path: fmt.Sprintf("%d.ts", i), Content: strings.Repeat("x", 100)})
		}
		s.keep(j, proposedStage(0, 0, all...))
		_, deltas, err := s.ReadProposal(s.ctx(), s.u, j.ID, codeforge.Page{After: "0.ts", Bytes: 150})
		s.ok(err)
		s.same("page", []any{len(deltas), deltas[0].Path, len(deltas[1].New.Content)}, []any{2, "1.ts", 100})
		_, deltas, err = s.ReadProposal(s.ctx(), s.u, j.ID, codeforge.Page{Bare: true})
		s.ok(err)
		s.same("bare", []any{len(deltas), deltas[4].New.Content, deltas[4].New.Size}, []any{5, "", 100})
		_, deltas, err = s.ReadProposal(s.ctx(), s.u, j.ID, codeforge.Page{After: "4.ts"})
		s.ok(err)
		s.same("last", len(deltas), 0)
	}},
	{"it outlives failure, cancel and waiting, and a failed build leaves one", func(s *suite) {
		for name, end := range map[string]func(codeforge.Job){
			"failed":    func(j codeforge.Job) { s.finish(j, codeforge.Outcome{Status: codeforge.JobFailed, Failed: true}) },
			"cancelled": func(j codeforge.Job) { _, err := s.CancelJob(s.ctx(), s.u, j.ID); s.ok(err) },
			"waiting":   func(j codeforge.Job) { s.finish(j, waits) },
		} {
			j := s.started(s.project(), codeforge.Code)
			s.keep(j, proposedStage(0, 0, codeforge.FileChange{Path: "a.ts", Content: "1"}))
			end(j)
			s.same(name, s.proposal(j.ID), map[string][2]any{"a.ts": {nil, "1"}})
		}
		for _, status := range []codeforge.JobStatus{codeforge.JobFailed, codeforge.Waiting} {
			j := s.started(s.project(), codeforge.Code)
			o := codeforge.Outcome{Status: status, Failed: true, Proposal: &codeforge.NewProposal{Message: "As \x00far as it came", Changes: []codeforge.FileChange{{Path: "a.ts", Content: "broken"}}}}
			done := s.finish(j, o)
			s.same("left", s.proposal(j.ID), map[string][2]any{"a.ts": {nil, "broken"}})
			s.same("its words", []any{done.Job.Proposal.Message, done.Job.Proposal.Verified}, []any{"As far as it came", false})
		}
		j := s.started(s.project(), codeforge.Code)
		s.finish(j, codeforge.Outcome{Status: codeforge.Queued, Proposal: &codeforge.NewProposal{Changes: []codeforge.FileChange{{Path: "a.ts"}}}})
		s.noProposal(j.ID)
	}},
	{"applying makes a revision and completes what waits", func(s *suite) {
		p, j := s.waitingWithProposal()
		s.advance(time.Second)
		a := application(5, codeforge.FileChange{Path: "b.ts", Content: "b4"}, codeforge.FileChange{Path: "a.ts", Delete: true})
		a.Result, a.Chat = json.RawMessage(`{"applied":true}`), []codeforge.Message{{Role: "assistant", Content: "Applied."}}
		done, err := s.ApplyProposal(s.ctx(), s.u, j.ID, a)
		s.ok(err)
		s.same("job", []any{done.Job.Status, done.Job.Progress, done.Job.Revision, string(done.Job.Result) != "", done.Job.CompletedAt != nil, done.Job.Proposal},
			[]any{codeforge.JobCompleted, 100, 6, true, true, nil})
		s.same("read", s.get(j.ID), done.Job)
		s.same("result", text(s.T, done.Job.Result), `{"applied":true}`)
		s.same("tree", s.treeAt(p, 6), tree{"b.ts": "b4"})
		rev, _, err := s.RevisionDeltas(s.ctx(), s.u, p.ID, 6, codeforge.Page{})
		s.ok(err)
		s.same("revision", []any{rev.JobID, rev.Author, rev.Message, rev.Verified, rev.FilesChanged}, []any{j.ID, "code", "Apply it", true, 2})
		events := s.log(j.ID)
		s.same("event", events[len(events)-1:], done.Events)
		s.same("its type", done.Events[0].Type, codeforge.EventComplete)
		s.data(done.Events[0], map[string]any{"job_id": j.ID, "status": "completed", "progress": 100})
		said, err := s.ListMessages(s.ctx(), s.u, p.ID, codeforge.MessageFilter{Limit: 10})
		s.ok(err)
		s.same("said", said[len(said)-1].Content, "Applied.")
		s.noProposal(j.ID)
		_, err = s.ApplyProposal(s.ctx(), s.u, j.ID, application(6))
		s.missing(err, "Proposal", j.ID)
		_, err = s.RejectProposal(s.ctx(), s.u, j.ID, nil)
		s.missing(err, "Proposal", j.ID)
	}},
	{"what failed or was cancelled can be taken over, and stays what it is", func(s *suite) {
		p := s.project()
		j := s.started(p, codeforge.Code)
		s.finish(j, codeforge.Outcome{Status: codeforge.JobFailed, Error: "It does not build", Result: json.RawMessage(`{"d":1}`), Failed: true,
			Proposal: &codeforge.NewProposal{Changes: []codeforge.FileChange{{Path: "a.ts", Content: "broken"}}}})
		a := application(0, codeforge.FileChange{Path: "a.ts", Content: "broken"})
		a.Verified, a.Result = new(false), json.RawMessage(`{"not":"taken"}`)
		done, err := s.ApplyProposal(s.ctx(), s.u, j.ID, a)
		s.ok(err)
		s.same("job", []any{done.Job.Status, done.Job.Error, done.Job.Revision, text(s.T, done.Job.Result), len(done.Events)},
			[]any{codeforge.JobFailed, "It does not build", 1, `{"d":1}`, 0})
		s.same("read", s.get(j.ID), done.Job)
		list, _, err := s.ListRevisions(s.ctx(), s.u, p.ID, 1, 10)
		s.ok(err)
		s.same("verified", list[0].Verified, false)
		s.noProposal(j.ID)
	}},
	{"applying what the project has already makes no revision", func(s *suite) {
		p, j := s.waitingWithProposal()
		done, err := s.ApplyProposal(s.ctx(), s.u, j.ID, application(5, codeforge.FileChange{Path: "b.ts", Content: "b3"}))
		s.ok(err)
		s.same("job", []any{done.Job.Status, done.Job.Revision}, []any{codeforge.JobCompleted, 0})
		_, total, err := s.ListRevisions(s.ctx(), s.u, p.ID, 1, 1)
		s.ok(err)
		s.same("revisions", total, 5)
	}},
	{"nothing is applied to a project that moved on or is archived, nor while the job may go on", func(s *suite) {
		p, j := s.waitingWithProposal()
		s.write(p, "mine.ts", "by hand")
		s.unchanged(p, func() {
			_, err := s.ApplyProposal(s.ctx(), s.u, j.ID, application(5, codeforge.FileChange{Path: "b.ts", Content: "b4"}))
			s.moved(err, 6)
			_, err = s.ApplyProposal(s.ctx(), s.u, j.ID, application(6, codeforge.FileChange{Path: "mine.ts/b.ts", Content: "b4"}))
			s.refused(err, codeforge.Invalid)
			_, err = s.ApplyProposal(s.ctx(), s.u, j.ID, application(6, codeforge.FileChange{Path: "../b.ts", Content: "b4"}))
			s.refused(err, codeforge.Invalid)
		})
		s.proposal(j.ID)
		running := s.started(p, codeforge.Code)
		s.keep(running, proposedStage(0, 6, codeforge.FileChange{Path: "n.ts"}))
		s.unchanged(p, func() {
			_, err := s.ApplyProposal(s.ctx(), s.u, running.ID, application(6, codeforge.FileChange{Path: "n.ts"}))
			s.refused(err, codeforge.Conflict)
			_, err = s.RejectProposal(s.ctx(), s.u, running.ID, nil)
			s.refused(err, codeforge.Conflict)
		})
		_, err := s.UpdateProject(s.ctx(), s.u, p.ID, codeforge.ProjectPatch{Status: new(codeforge.Archived)})
		s.ok(err)
		s.unchanged(p, func() {
			_, err := s.ApplyProposal(s.ctx(), s.u, j.ID, application(6, codeforge.FileChange{Path: "b.ts", Content: "b4"}))
			s.refused(err, codeforge.Conflict)
		})
	}},
	{"rejecting drops it and cancels what waits", func(s *suite) {
		p, j := s.waitingWithProposal()
		s.advance(time.Second)
		done, err := s.RejectProposal(s.ctx(), s.u, j.ID, []codeforge.Message{{Role: "assistant", Content: "Dropped."}})
		s.ok(err)
		s.same("job", []any{done.Job.Status, done.Job.Revision, done.Job.CompletedAt != nil, done.Job.Proposal}, []any{codeforge.JobCancelled, 0, true, nil})
		s.same("read", s.get(j.ID), done.Job)
		events := s.log(j.ID)
		s.same("event", []any{events[len(events)-1], len(done.Events), done.Events[0].Type}, []any{done.Events[0], 1, codeforge.EventCancelled})
		said, err := s.ListMessages(s.ctx(), s.u, p.ID, codeforge.MessageFilter{Limit: 10})
		s.ok(err)
		s.same("said", said[len(said)-1].Content, "Dropped.")
		s.noProposal(j.ID)
		failed := s.started(p, codeforge.Code)
		s.keep(failed, proposedStage(0, 5, codeforge.FileChange{Path: "n.ts"}))
		s.finish(failed, codeforge.Outcome{Status: codeforge.JobFailed})
		done, err = s.RejectProposal(s.ctx(), s.u, failed.ID, nil)
		s.ok(err)
		s.same("failed", []any{done.Job.Status, len(done.Events), done.Job.Proposal}, []any{codeforge.JobFailed, 0, nil})
	}},
	{"of many who decide one wins", func(s *suite) {
		p, j := s.waitingWithProposal()
		var won atomic.Int32
		s.race(func(i int) error {
			var err error
			if i%2 == 0 {
				_, err = s.ApplyProposal(s.ctx(), s.u, j.ID, application(5, codeforge.FileChange{Path: "b.ts", Content: "b4"}))
			} else {
				_, err = s.RejectProposal(s.ctx(), s.u, j.ID, nil)
			}
			if err == nil {
				won.Add(1)
			} else if !codeforge.IsKind(err, codeforge.Missing) {
				return err
			}
			return nil
		})
		s.same("won", won.Load(), 1)
		_, total, err := s.ListRevisions(s.ctx(), s.u, p.ID, 1, 1)
		s.ok(err)
		s.same("revisions", int64(total), 5+s.get(j.ID).Revision/6)
	}},
	{"a job that waits with one holds no other", func(s *suite) {
		p, j := s.waitingWithProposal()
		s.same("next", s.finish(s.started(p, codeforge.Code), completes).Job.Status, codeforge.JobCompleted)
		second := s.submit(p, codeforge.Builder)
		s.same("due", s.dueOf(second, j), []string{second.ID})
		s.same("waits on", s.get(j.ID).Status, codeforge.Waiting)
	}},
}

var takeBackTests = []test{
	{"cancelling can take back what the job kept", func(s *suite) {
		p := s.history()
		j := s.started(p, codeforge.Code)
		next := s.submit(p, codeforge.Code)
		s.keep(j, codeStage(0, 5, codeforge.FileChange{Path: "b.ts", Content: "by job"}))
		s.write(p, "mine.ts", "by hand")
		s.unchanged(p, func() {
			_, err := s.TakeBackJob(s.ctx(), s.u, j.ID, codeforge.TreeChange{Head: 6, Changes: []codeforge.FileChange{{Path: "b.ts", Content: "b3"}}})
			s.moved(err, 7)
		})
		done, err := s.TakeBackJob(s.ctx(), s.u, j.ID, codeforge.TreeChange{Head: 7, Changes: []codeforge.FileChange{{Path: "b.ts", Content: "b3"}}, Message: "Take it back", Verified: new(true)})
		s.ok(err)
		s.same("job", []any{done.Job.Status, done.Job.Revision, done.Next, done.Events[0].Type}, []any{codeforge.JobCancelled, 0, next.ID, codeforge.EventCancelled})
		s.same("read", s.get(j.ID), done.Job)
		s.same("tree", s.treeAt(p, 8), tree{"a.ts": "a2", "b.ts": "b3", "mine.ts": "by hand"})
		rev, _, err := s.RevisionDeltas(s.ctx(), s.u, p.ID, 8, codeforge.Page{})
		s.ok(err)
		s.same("revision", []any{rev.JobID, rev.Author, rev.Message, rev.Verified}, []any{j.ID, "user", "Take it back", true})
		_, err = s.TakeBackJob(s.ctx(), s.u, j.ID, codeforge.TreeChange{Head: 8})
		s.invalid("status", err)
		s.wantFenced(func() error { _, err := s.KeepStage(s.ctx(), fence(j), codeStage(1, 8)); return err }())
	}},
	{"so can that of one that kept nothing, or proposes something", func(s *suite) {
		p, j := s.waitingWithProposal()
		done, err := s.TakeBackJob(s.ctx(), s.u, j.ID, codeforge.TreeChange{Head: 5})
		s.ok(err)
		s.same("job", []any{done.Job.Status, done.Job.Revision}, []any{codeforge.JobCancelled, 0})
		s.noProposal(j.ID)
		_, total, err := s.ListRevisions(s.ctx(), s.u, p.ID, 1, 1)
		s.ok(err)
		s.same("revisions", total, 5)
	}},
}

var busyTests = []test{
	{"a job can be refused where another is at work", func(s *suite) {
		p := s.project()
		n := codeforge.NewJob{ProjectID: p.ID, Agent: codeforge.Code, IfBusy: codeforge.BusyReject, IdempotencyKey: "k", UserMessage: "hello"}
		queued := s.submit(p, codeforge.Builder)
		for _, busy := range []func() string{func() string { return queued.ID }, func() string { return s.claim(queued.ID).ID }} {
			id := busy()
			s.unchanged(p, func() {
				_, _, _, err := s.SubmitJob(s.ctx(), s.u, n)
				s.same("details", s.refused(err, codeforge.Conflict).Details, map[string]any{"job_id": id})
			})
		}
		beside := n
		beside.Agent, beside.IdempotencyKey = codeforge.QA, ""
		_, fresh, _, err := s.SubmitJob(s.ctx(), s.u, beside)
		s.ok(err)
		s.same("one that changes no files", fresh, true)
		j, err := s.GetJob(s.ctx(), s.u, queued.ID)
		s.ok(err)
		s.finish(j, waits)
		first, fresh, _, err := s.SubmitJob(s.ctx(), s.u, n)
		s.ok(err)
		s.same("one that waits is none", fresh, true)
		again, fresh, _, err := s.SubmitJob(s.ctx(), s.u, n)
		s.ok(err)
		s.same("again", []any{again.ID, fresh}, []any{first.ID, false})
	}},
	{"a job can end those at work", func(s *suite) {
		p, other := s.project(), s.project()
		running := s.started(p, codeforge.Code)
		s.keep(running, codeStage(0, 0, codeforge.FileChange{Path: "a.ts", Content: "kept"}))
		queued, beside, waiting, elsewhere := s.submit(p, codeforge.Builder), s.started(p, codeforge.QA), s.waitingJob(p, codeforge.Research), s.started(other, codeforge.Code)
		s.advance(time.Second)
		n := codeforge.NewJob{ProjectID: p.ID, Agent: codeforge.Code, IfBusy: codeforge.BusyCancel, IdempotencyKey: "k"}
		j, fresh, cancelled, err := s.SubmitJob(s.ctx(), s.u, n)
		s.ok(err)
		s.same("fresh", []any{fresh, len(cancelled)}, []any{true, 2})
		for i, want := range []codeforge.Job{running, queued} {
			got := cancelled[i]
			s.same("cancelled", []any{got.Job.ID, got.Job.Status, got.Next, len(got.Events), got.Events[0].Type}, []any{want.ID, codeforge.JobCancelled, "", 1, codeforge.EventCancelled})
			s.same("read", s.get(want.ID), got.Job)
			events := s.log(want.ID)
			s.same("event", events[len(events)-1], got.Events[0])
		}
		s.same("others", []any{s.get(beside.ID).Status, s.get(waiting.ID).Status, s.get(elsewhere.ID).Status}, []any{codeforge.Running, codeforge.Waiting, codeforge.Running})
		_, err = s.KeepStage(s.ctx(), fence(running), codeStage(1, 1))
		s.wantFenced(err)
		again, fresh, cancelled, err := s.SubmitJob(s.ctx(), s.u, n)
		s.ok(err)
		s.same("again", []any{again.ID, fresh, len(cancelled)}, []any{j.ID, false, 0})
		s.same("base", s.claim(j.ID).Base, 1)
	}},
	{"of many that end the others one is left", func(s *suite) {
		p := s.project()
		s.started(p, codeforge.Code)
		var cancelled atomic.Int32
		s.race(func(int) error {
			_, _, ended, err := s.SubmitJob(s.ctx(), s.u, codeforge.NewJob{ProjectID: p.ID, Agent: codeforge.Code, IfBusy: codeforge.BusyCancel})
			cancelled.Add(int32(len(ended)))
			return err
		})
		s.same("cancelled", cancelled.Load(), racers)
		s.same("left", []any{s.queued(), len(s.claimAll(10, codeforge.ClaimPolicy{}))}, []any{1, 1})
	}},
	{"a job says what becomes of its work, or its project does", func(s *suite) {
		p := s.project()
		s.same("project", p.Apply, codeforge.ApplyAuto)
		s.same("job", []any{s.submit(p, codeforge.Code).Apply, s.submit(p, codeforge.QA).RetryOf}, []any{codeforge.ApplyAuto, ""})
		changed, err := s.UpdateProject(s.ctx(), s.u, p.ID, codeforge.ProjectPatch{Apply: new(codeforge.ApplyReview)})
		s.ok(err)
		s.same("changed", changed.Apply, codeforge.ApplyReview)
		first := s.submit(p, codeforge.Code)
		s.same("by project", []any{first.Apply, s.get(first.ID).Apply}, []any{codeforge.ApplyReview, codeforge.ApplyReview})
		j, _, _, err := s.SubmitJob(s.ctx(), s.u, codeforge.NewJob{ProjectID: p.ID, Agent: codeforge.Research, Apply: codeforge.ApplyAuto})
		s.ok(err)
		s.same("by job", []any{s.get(j.ID).Apply, s.claim(j.ID).Apply}, []any{codeforge.ApplyAuto, codeforge.ApplyAuto})
		other, err := s.CreateProject(s.ctx(), s.u, codeforge.Project{Title: "Careful", Apply: codeforge.ApplyReview})
		s.ok(err)
		got, err := s.GetProject(s.ctx(), s.u, other.ID)
		s.ok(err)
		s.same("made", []any{other.Apply, got.Apply}, []any{codeforge.ApplyReview, codeforge.ApplyReview})
		for _, bad := range []func() error{
			func() error {
				_, err := s.CreateProject(s.ctx(), s.u, codeforge.Project{Title: "Bad", Apply: "x"})
				return err
			},
			func() error {
				_, err := s.UpdateProject(s.ctx(), s.u, p.ID, codeforge.ProjectPatch{Apply: new(codeforge.ApplyMode(""))})
				return err
			},
			func() error {
				_, _, _, err := s.SubmitJob(s.ctx(), s.u, codeforge.NewJob{ProjectID: p.ID, Agent: codeforge.QA, Apply: "x"})
				return err
			},
		} {
			s.invalid("apply", bad())
		}
		_, _, _, err = s.SubmitJob(s.ctx(), s.u, codeforge.NewJob{ProjectID: p.ID, Agent: codeforge.QA, IfBusy: "x"})
		s.invalid("if_busy", err)
	}},
	{"a job says which one it does again", func(s *suite) {
		p := s.project()
		first := s.submit(p, codeforge.Code)
		_, err := s.CancelJob(s.ctx(), s.u, first.ID)
		s.ok(err)
		j, _, _, err := s.SubmitJob(s.ctx(), s.u, codeforge.NewJob{ProjectID: p.ID, Agent: codeforge.Code, RetryOf: first.ID})
		s.ok(err)
		s.same("retry", []any{j.RetryOf, s.get(j.ID).RetryOf, s.claim(j.ID).RetryOf}, []any{first.ID, first.ID, first.ID})
		other := s.submit(s.projectOf(s.u), codeforge.QA)
		theirs, _, _, err := s.SubmitJob(s.ctx(), s.v, codeforge.NewJob{ProjectID: s.projectOf(s.v).ID, Agent: codeforge.QA})
		s.ok(err)
		for _, id := range []string{other.ID, theirs.ID, codeforge.NewID(), "none"} {
			_, _, _, err := s.SubmitJob(s.ctx(), s.u, codeforge.NewJob{ProjectID: p.ID, Agent: codeforge.Code, RetryOf: id})
			s.missing(err, "Job", id)
		}
	}},
}

var verifiedTests = []test{
	{"whether a revision verifies is known when somebody looked", func(s *suite) {
		p := s.history()
		marks := func() (all []any) {
			list, _, err := s.ListRevisions(s.ctx(), s.u, p.ID, 1, 100)
			s.ok(err)
			for _, r := range list {
				all = append(all, r.Verified)
			}
			return all
		}
		s.same("by hand", marks(), []any{nil, nil, nil, nil, nil})
		s.ok(s.MarkChecked(s.ctx(), s.u, p.ID, 2, true, nil, nil, nil))
		s.ok(s.MarkChecked(s.ctx(), s.u, p.ID, 3, true, nil, nil, nil))
		s.ok(s.MarkChecked(s.ctx(), s.u, p.ID, 3, false, nil, nil, nil))
		s.ok(s.MarkChecked(s.ctx(), s.u, p.ID, 3, false, nil, nil, nil))
		s.same("marked", marks(), []any{nil, nil, false, true, nil})
		for _, n := range []int64{2, 3, 1} {
			rev, err := s.RestoreRevision(s.ctx(), s.u, p.ID, n, nil)
			s.ok(err)
			now, _, err := s.RevisionFiles(s.ctx(), s.u, p.ID, 0, codeforge.Page{Bare: true})
			s.ok(err)
			s.same("restored", rev, now)
		}
		s.same("with their marks", marks(), []any{nil, false, true, nil, nil, false, true, nil})
		for _, n := range []int64{0, 9, -1} {
			s.refused(s.MarkChecked(s.ctx(), s.u, p.ID, n, true, nil, nil, nil), codeforge.Missing)
		}
	}},
}
