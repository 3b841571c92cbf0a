package storetest

import (
	"encoding/json"
	"strings"
	"sync/atomic"

	"codeforge"
)

// codeStage is a stage that writes files, made to a revision.
func codeStage(round int, base int64, all ...codeforge.FileChange) codeforge.StageResult {
	return codeforge.StageResult{Stage: codeforge.Code, Round: round, Base: base, Changes: all, Message: "Build it", Progress: 40,
		Events: []codeforge.Event{{Type: codeforge.EventFile, Data: json.RawMessage(`{"path": "a.ts"}`)}, {Type: codeforge.EventStage, Data: json.RawMessage(`{}`)}}}
}

// moved wants the answer for a write that was made for another revision than the newest.
func (s *suite) moved(err error, newest int64) {
	s.Helper()
	s.refused(err, codeforge.Conflict)
	if got, moved := codeforge.MovedTo(err); !moved || got != newest {
		s.Fatalf("moved %v to %d, want %d: %v", moved, got, newest, err)
	}
}

var stageTests = []test{
	{"a stage is kept with its revision, documents and events", func(s *suite) {
		p := s.history()
		j := s.started(p, codeforge.Builder)
		stage := codeStage(0, 5, codeforge.FileChange{Path: "c.ts", Content: "c"}, codeforge.FileChange{Path: "a.ts", Delete: true}, codeforge.FileChange{Path: "b.ts", Content: "b3"})
		stage.Requirements, stage.Architecture, stage.ProjectStatus = json.RawMessage(`{"r":1}`), json.RawMessage(`{"a":2}`), codeforge.InProgress
		s.advance(1)
		kept := s.keep(j, stage)
		s.same("revision", kept.Revision, 6)
		s.same("tree", s.treeAt(p, 6), tree{"b.ts": "b3", "c.ts": "c"})
		rev, deltas, err := s.RevisionDeltas(s.ctx(), s.u, p.ID, 6, codeforge.Page{})
		s.ok(err)
		s.same("its words", []any{rev.JobID, rev.Author, rev.Message, rev.FilesChanged, rev.Verified, len(deltas)}, []any{j.ID, "builder", "Build it", 2, true, 2})
		got, err := s.GetProject(s.ctx(), s.u, p.ID)
		s.ok(err)
		s.same("project", []any{got.Revision, got.Requirements, got.Architecture, got.Status}, []any{6, json.RawMessage(`{"r":1}`), json.RawMessage(`{"a":2}`), codeforge.InProgress})
		events := s.log(j.ID)
		s.same("events", events[1:], kept.Events)
		s.same("types", []any{events[1].Type, events[2].Type, string(events[1].Data)}, []any{codeforge.EventFile, codeforge.EventStage, `{"path": "a.ts"}`})
		now := s.get(j.ID)
		s.same("job", []any{now.Status, now.Revision, now.Progress, now.Base, now.CompletedAt}, []any{codeforge.Running, 6, 40, 5, nil})
	}},
	{"each stage and round is kept once", func(s *suite) {
		p := s.project()
		j := s.started(p, codeforge.Code)
		first := s.keep(j, codeStage(0, 0, codeforge.FileChange{Path: "a.ts", Content: "1"}))
		s.unchanged(p, func() {
			for _, again := range []codeforge.StageResult{codeStage(0, 0, codeforge.FileChange{Path: "a.ts", Content: "1"}),
				codeStage(0, 7, codeforge.FileChange{Path: "b.ts", Content: "other"}), {Stage: codeforge.Code, Requirements: json.RawMessage(`{}`)}} {
				kept := s.keep(j, again)
				s.same("again", []any{kept.Revision, len(kept.Events)}, []any{first.Revision, 0})
			}
		})
		second := s.keep(j, codeStage(1, 1, codeforge.FileChange{Path: "a.ts", Content: "2"}))
		s.same("the next round", []any{second.Revision, s.get(j.ID).Revision}, []any{2, 2})
		other := codeStage(0, 2, codeforge.FileChange{Path: "a.ts", Content: "3"})
		other.Stage = codeforge.QA
		s.same("another stage", s.keep(j, other).Revision, 3)
		next := s.finish(j, completes)
		s.same("revision at the end", next.Job.Revision, 3)
		s.same("another job", s.keep(s.started(p, codeforge.Code), codeStage(0, 3, codeforge.FileChange{Path: "a.ts", Content: "4"})).Revision, 4)
	}},
	{"a job that runs again gets what it kept before", func(s *suite) {
		p := s.project()
		old := s.started(p, codeforge.Code)
		s.same("first", s.keep(old, codeStage(0, 0, codeforge.FileChange{Path: "a.ts", Content: "1"})).Revision, 1)
		s.advance(lease)
		j := s.claim(old.ID)
		s.same("base and revision", []any{j.Base, j.Revision}, []any{0, 1})
		s.unchanged(p, func() {
			s.same("again", s.keep(j, codeStage(0, 0, codeforge.FileChange{Path: "a.ts", Content: "1"})).Revision, 1)
			_, err := s.KeepStage(s.ctx(), fence(old), codeStage(1, 1, codeforge.FileChange{Path: "a.ts", Content: "stale"}))
			s.wantFenced(err)
			_, err = s.KeepStage(s.ctx(), fence(old), codeStage(0, 0))
			s.wantFenced(err)
		})
		s.same("goes on", s.keep(j, codeStage(1, 1, codeforge.FileChange{Path: "a.ts", Content: "2"})).Revision, 2)
	}},
	{"a project that moved on is left alone", func(s *suite) {
		p := s.project()
		j := s.started(p, codeforge.Code)
		s.write(p, "a.ts", "by hand")
		s.unchanged(p, func() {
			stage := codeStage(0, 0, codeforge.FileChange{Path: "b.ts", Content: "by job"})
			stage.Requirements = json.RawMessage(`{}`)
			_, err := s.KeepStage(s.ctx(), fence(j), stage)
			s.moved(err, 1)
			_, err = s.KeepStage(s.ctx(), fence(j), codeStage(0, 2, codeforge.FileChange{Path: "b.ts", Content: "by job"}))
			s.moved(err, 1)
		})
		s.same("made to the newest", s.keep(j, codeStage(0, 1, codeforge.FileChange{Path: "b.ts", Content: "by job"})).Revision, 2)
		s.same("both", s.treeAt(p, 2), tree{"a.ts": "by hand", "b.ts": "by job"})
	}},
	{"without changes the project may have moved on", func(s *suite) {
		p := s.project()
		j := s.started(p, codeforge.Research)
		s.write(p, "a.ts", "by hand")
		kept := s.keep(j, codeforge.StageResult{Stage: codeforge.Research, Requirements: json.RawMessage(`{"r":1}`), ProjectStatus: codeforge.InProgress})
		s.same("revision", kept.Revision, 0)
		got, err := s.GetProject(s.ctx(), s.u, p.ID)
		s.ok(err)
		s.same("project", []any{got.Revision, got.Requirements, got.Architecture, got.Status}, []any{1, json.RawMessage(`{"r":1}`), nil, codeforge.InProgress})
		s.keep(j, codeforge.StageResult{Stage: codeforge.Wireframe, Architecture: json.RawMessage(`{"a":1}`)})
		got, err = s.GetProject(s.ctx(), s.u, p.ID)
		s.ok(err)
		s.same("what is left out stays", []any{got.Requirements, got.Architecture, got.Status}, []any{json.RawMessage(`{"r":1}`), json.RawMessage(`{"a":1}`), codeforge.InProgress})
	}},
	{"changes that change nothing make no revision", func(s *suite) {
		p := s.history()
		j := s.started(p, codeforge.Code)
		for range 2 {
			s.same("revision", s.keep(j, codeStage(0, 5, codeforge.FileChange{Path: "b.ts", Content: "b3"})).Revision, 0)
		}
		s.same("job and project", []any{s.get(j.ID).Revision, len(s.log(j.ID))}, []any{0, 3})
		_, total, err := s.ListRevisions(s.ctx(), s.u, p.ID, 1, 1)
		s.ok(err)
		s.same("revisions", total, 5)
	}},
	{"what was kept stays whatever becomes of the job", func(s *suite) {
		for _, end := range []func(codeforge.Job) codeforge.Job{
			func(j codeforge.Job) codeforge.Job {
				return s.finish(j, codeforge.Outcome{Status: codeforge.JobFailed, Error: "no", Failed: true}).Job
			},
			func(j codeforge.Job) codeforge.Job {
				done, err := s.CancelJob(s.ctx(), s.u, j.ID)
				s.ok(err)
				return done.Job
			},
			func(j codeforge.Job) codeforge.Job { return s.finish(j, waits).Job },
			func(j codeforge.Job) codeforge.Job { return s.finish(j, completes).Job },
		} {
			p := s.project()
			j := s.started(p, codeforge.Builder)
			s.keep(j, codeforge.StageResult{Stage: codeforge.Research, Requirements: json.RawMessage(`{"r":1}`)})
			s.keep(j, codeStage(0, 0, codeforge.FileChange{Path: "a.ts", Content: "1"}))
			ended := end(j)
			s.same(string(ended.Status), []any{ended.Revision, s.treeAt(p, 1)}, []any{1, tree{"a.ts": "1"}})
			got, err := s.GetProject(s.ctx(), s.u, p.ID)
			s.ok(err)
			s.same("requirements", got.Requirements, json.RawMessage(`{"r":1}`))
			_, err = s.KeepStage(s.ctx(), fence(j), codeStage(1, 1, codeforge.FileChange{Path: "a.ts", Content: "late"}))
			s.wantFenced(err)
		}
	}},
	{"it is all or nothing", func(s *suite) {
		p := s.project()
		j := s.started(p, codeforge.Code)
		s.unchanged(p, func() {
			big := codeforge.FileChange{Path: "big.ts", Content: strings.Repeat("x", codeforge.MaxContent+1)}
			_, err := s.KeepStage(s.ctx(), fence(j), codeStage(0, 0, codeforge.FileChange{Path: "a.ts", Content: "x"}, big))
			s.refused(err, codeforge.Invalid)
			for _, other := range []string{"../b", "A.ts", "a.ts/b"} {
				_, err = s.KeepStage(s.ctx(), fence(j), codeStage(0, 0, codeforge.FileChange{Path: "a.ts", Content: "x"}, codeforge.FileChange{Path: other}))
				s.refused(err, codeforge.Invalid)
			}
		})
		s.same("after that", s.keep(j, codeStage(0, 0, codeforge.FileChange{Path: "a.ts", Content: "x"})).Revision, 1)
	}},
	{"many who keep one stage make one revision", func(s *suite) {
		p := s.project()
		j := s.started(p, codeforge.Code)
		var events atomic.Int32
		s.race(func(int) error {
			kept, err := s.KeepStage(s.ctx(), fence(j), codeStage(0, 0, codeforge.FileChange{Path: "a.ts", Content: "1"}))
			events.Add(int32(len(kept.Events)))
			s.same("revision", kept.Revision, 1)
			return err
		})
		s.same("told once", []any{events.Load(), len(s.log(j.ID))}, []any{2, 3})
		_, total, err := s.ListRevisions(s.ctx(), s.u, p.ID, 1, 10)
		s.ok(err)
		s.same("revisions", total, 1)
	}},
	{"those of a swept job go with it", func(s *suite) {
		p := s.project()
		j := s.started(p, codeforge.Code)
		s.keep(j, codeStage(0, 0, codeforge.FileChange{Path: "a.ts", Content: "1"}))
		done := s.finish(j, completes).Job
		n, err := s.SweepJobs(s.ctx(), done.CompletedAt.Add(1e9))
		s.ok(err)
		s.same("swept", n, 1)
		s.same("tree", s.treeAt(p, 1), tree{"a.ts": "1"})
	}},
}
