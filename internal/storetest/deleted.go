package storetest

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"codeforge"
)

// full is a project of u that has something of everything, with jobs in every state.
func (s *suite) full() (p codeforge.Project, all []codeforge.Job) {
	s.Helper()
	p = s.history()
	s.writeBlob(p, "logo.png", picture(40))
	s.put(p, picture(50)) // in no revision yet
	_, err := s.PushRevisions(s.ctx(), s.u, p.ID, codeforge.Push{Head: 6, Revisions: []codeforge.PushedRevision{{Changes: []codeforge.FileChange{{Path: "pushed.ts", Content: "pushed"}}, Message: "One", Commit: commitID("a"), Packs: []string{s.pack(p, "one")}}}})
	s.ok(err)
	ended := s.started(p, codeforge.Code)
	s.build(p, ended, codeforge.FileChange{Path: "made.ts", Content: "made"})
	waiting := s.started(p, codeforge.Builder)
	s.finish(waiting, codeforge.Outcome{Status: codeforge.Waiting, Proposal: &codeforge.NewProposal{Changes: []codeforge.FileChange{{Path: "proposed.ts", Content: "proposed"}}}, Question: json.RawMessage(`[]`),
		Chat: []codeforge.Message{{Role: "assistant", Content: "What now?"}}})
	alias := codeforge.NewID()
	asked := s.waitingJob(p, codeforge.QA)
	_, err = s.RespondJob(s.ctx(), s.u, asked.ID, alias, []byte(`[]`))
	s.ok(err)
	running := s.started(p, codeforge.Code)
	_, err = s.RecordEvents(s.ctx(), fence(running), 20, []codeforge.Event{{Type: codeforge.EventFile, Data: json.RawMessage(`{"path":"w.ts","action":"create"}`), File: &codeforge.FileChange{Path: "w.ts", Content: "at work"}}})
	s.ok(err)
	queued, _, _, err := s.SubmitJob(s.ctx(), s.u, codeforge.NewJob{ProjectID: p.ID, Agent: codeforge.Code, UserMessage: "more", IdempotencyKey: "key"})
	s.ok(err)
	s.ok(s.MarkChecked(s.ctx(), s.u, p.ID, 2, true, codeforge.Evidence{{Name: codeforge.RungParse, Status: codeforge.RungPassed}}, nil, []byte("lock")))
	s.ok(s.AddPreviewErrors(s.ctx(), s.u, p.ID, []codeforge.PreviewError{{Revision: 1, Kind: codeforge.PreviewLoad, Message: "broken"}}))
	s.webhook(p.ID)
	_, err = s.ProjectChanges(s.ctx(), s.u, p.ID, -1, 10) // somebody watches
	s.ok(err)
	return p, []codeforge.Job{ended, waiting, asked, running, queued}
}

var deleteTests = []test{
	{"a project that is deleted is not there any more, and others are", func(s *suite) {
		other := s.history()
		otherJob := s.submit(other, codeforge.Code)
		before := s.all(other)
		p, all := s.full()
		deleted, err := s.DeleteProject(s.ctx(), s.u, p.ID, nil)
		s.ok(err)
		var ids, ended []string
		for _, j := range all {
			ids = append(ids, j.ID)
		}
		for i, f := range deleted.Ended {
			ended = append(ended, f.Job.ID)
			if n := len(f.Events); f.Job.Status != codeforge.JobCancelled || f.Job.CompletedAt == nil || f.Job.ProjectID != p.ID || f.Job.UserID != s.u.ID || n != 1 || f.Events[0].Type != codeforge.EventCancelled || f.Events[0].Seq < 2 || f.Next != "" {
				s.Fatalf("ended %d: %+v", i, f)
			}
		}
		s.same("jobs", slices.Sorted(slices.Values(deleted.Jobs)), slices.Sorted(slices.Values(ids)))
		s.same("ended", slices.Sorted(slices.Values(ended)), slices.Sorted(slices.Values(ids[1:])))
		for range 2 {
			_, err = s.DeleteProject(s.ctx(), s.u, p.ID, nil)
			s.missing(err, "Project", p.ID)
		}
		_, err = s.GetProject(s.ctx(), s.u, p.ID)
		s.missing(err, "Project", p.ID)
		_, err = s.ReadBlob(s.ctx(), s.u, p.ID, codeforge.BlobHash(picture(40)))
		s.missing(err, "Project", p.ID)
		_, err = s.ProjectChanges(s.ctx(), s.u, p.ID, 0, 10)
		s.missing(err, "Project", p.ID)
		for _, id := range ids {
			_, err = s.GetJob(s.ctx(), s.u, id)
			s.missing(err, "Job", id)
		}
		open, err := s.UserChanges(s.ctx(), s.u, -1, 10)
		s.ok(err)
		if len(open.Open) != 1 || open.Open[0].ID != otherJob.ID || s.queued() != 1 {
			s.Fatalf("open %+v, queued %d", open, s.queued())
		}
		_, err = s.UserChanges(s.ctx(), s.u, 0, 100) // which tells of jobs that are gone
		s.ok(err)
		list, total, err := s.ListProjects(s.ctx(), s.u, codeforge.ProjectFilter{Page: 1, Size: 10})
		s.ok(err)
		if len(list) != 1 || total != 1 || s.all(other) != before {
			s.Fatalf("%d of %d projects left, the other one is\n%s\nnot\n%s", len(list), total, s.all(other), before)
		}
		s.claim(otherJob.ID)
		again, fresh, _, err := s.SubmitJob(s.ctx(), s.u, codeforge.NewJob{ProjectID: other.ID, Agent: codeforge.QA, IdempotencyKey: "key"})
		s.ok(err)
		if !fresh || slices.Contains(ids, again.ID) {
			s.Fatal("a key is kept of a job that is gone")
		}
	}},
	{"what works on a project that is deleted changes nothing any more", func(s *suite) {
		p := s.project()
		j := s.started(p, codeforge.Code)
		_, err := s.DeleteProject(s.ctx(), s.u, p.ID, nil)
		s.ok(err)
		lost, err := s.RenewLeases(s.ctx(), []codeforge.Fence{fence(j)}, lease)
		s.ok(err)
		s.same("lost", lost, []codeforge.Fence{fence(j)})
		_, err = s.RecordEvents(s.ctx(), fence(j), 20, []codeforge.Event{{Type: codeforge.EventStage}})
		s.wantFenced(err)
		_, err = s.KeepStage(s.ctx(), fence(j), codeforge.StageResult{Stage: codeforge.Code, Changes: []codeforge.FileChange{{Path: "a", Content: "a"}}})
		s.wantFenced(err)
		_, err = s.FinishJob(s.ctx(), fence(j), completes)
		s.wantFenced(err)
		_, err = s.PutBlob(s.ctx(), s.u, p.ID, picture(9))
		s.missing(err, "Project", p.ID)
		s.advance(time.Hour)
		s.same("claimed", s.claimAll(9, codeforge.ClaimPolicy{}), []string(nil))
		s.ok(s.SweepWorking(s.ctx(), codeforge.Now().Add(time.Hour)))
	}},
	{"what a project took is free again, and another revision than the one expected keeps it", func(s *suite) {
		s.ok(s.SetQuota(s.ctx(), codeforge.Quota{Projects: 2, Bytes: 2000, ProjectBlobs: 1000}))
		p, other := s.project(), s.project()
		s.write(p, "a", strings.Repeat("x", 900))
		s.writeBlob(p, "b", picture(900))
		_, err := s.WriteFile(s.ctx(), s.u, other.ID, codeforge.FileWrite{Path: "a", Content: strings.Repeat("y", 300)})
		s.refused(err, codeforge.TooLarge)
		_, err = s.DeleteProject(s.ctx(), s.u, p.ID, new(int64(1)))
		s.refused(err, codeforge.Conflict)
		s.ok(err2(s.GetProject(s.ctx(), s.u, p.ID)))
		_, err = s.DeleteProject(s.ctx(), s.u, p.ID, new(int64(2)))
		s.ok(err)
		s.write(other, "a", strings.Repeat("x", 900))
		s.project()
	}},
	{"a stranger deletes nothing", func(s *suite) {
		p, _ := s.full()
		s.unchanged(p, func() {
			for _, id := range []string{p.ID, codeforge.NewID(), "no id at all", ""} {
				_, err := s.DeleteProject(s.ctx(), s.v, id, nil)
				s.missing(err, "Project", id)
			}
		})
	}},
}

// err2 is the error of two results.
func err2[T any](_ T, err error) error { return err }

// leaveNothing: of a project that is deleted no row is left that names it or its jobs, whichever tables there are, but for the books and
// what its user was told.
func leaveNothing(s *suite, b Backdoor) {
	p, all := s.full()
	other := s.history()
	left := func(id string) []string { return slices.Compact(slices.Sorted(slices.Values(b.Rows(id)))) }
	for id, want := range map[string]int{p.ID: 4, all[0].ID: 2, all[3].ID: 2} {
		if got := left(id); len(got) < want {
			s.Fatalf("before: %s is in %v", id, got)
		}
	}
	_, err := s.DeleteProject(s.ctx(), s.u, p.ID, nil)
	s.ok(err)
	for _, id := range append([]string{p.ID}, ids(all)...) {
		for _, table := range left(id) {
			if table != "changes" && table != "change_log" { // of the user: which jobs began
				s.Errorf("%s is left in %s", id, table)
			}
		}
	}
	s.wantContents(b, p)
	s.treeAt(other, 1)
}

func ids(all []codeforge.Job) (ids []string) {
	for _, j := range all {
		ids = append(ids, j.ID)
	}
	return ids
}
