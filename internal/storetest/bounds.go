package storetest

import (
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"codeforge"
)

// paged reads all files of a revision in pages.
func (s *suite) paged(p codeforge.Project, number int64, page codeforge.Page) (all []codeforge.File, pages []int) {
	s.Helper()
	for {
		_, files, err := s.RevisionFiles(s.ctx(), s.u, p.ID, number, page)
		s.ok(err)
		if len(files) == 0 {
			return all, pages
		}
		all, pages = append(all, files...), append(pages, len(files))
		page.After = files[len(files)-1].Path
	}
}

var pageTests = []test{
	{"pages of a revision are the revision", func(s *suite) {
		p := s.project()
		for i, size := range []int{10, 1000, 10, 0, 999, 1, 10} {
			s.write(p, fmt.Sprintf("d/%d.txt", i), strings.Repeat("x", size))
		}
		s.write(p, "Z", "upper case comes first")
		s.write(p, "é", "é")
		s.ok(s.DeleteFile(s.ctx(), s.u, p.ID, "d/2.txt", nil))
		const then = 10
		s.write(p, "later", "later")
		s.write(p, "d/0.txt", "changed later")
		for _, number := range []int64{then, 0} {
			_, whole, err := s.RevisionFiles(s.ctx(), s.u, p.ID, number, codeforge.Page{})
			s.ok(err)
			for _, bytes := range []int64{1, 100, 1000, 1 << 40} {
				all, _ := s.paged(p, number, codeforge.Page{Bytes: bytes})
				s.same("files", all, whole)
			}
			bare, pages := s.paged(p, number, codeforge.Page{Bare: true})
			for i := range whole {
				whole[i].Content = ""
			}
			s.same("bare files", bare, whole)
			s.same("pages", pages, []int{len(whole)})
		}
		_, pages := s.paged(p, then, codeforge.Page{Bytes: 1000})
		s.same("pages", pages, []int{3, 3, 2}) // Z, 10 and 1000 bytes; 0, 999 and 1; the rest
	}},
	{"the newest is the newest", func(s *suite) {
		p := s.project()
		rev, files, err := s.RevisionFiles(s.ctx(), s.u, p.ID, 0, codeforge.Page{})
		s.ok(err)
		s.same("before the first", []any{rev.Number, len(files)}, []any{0, 0})
		s.write(p, "a", "1")
		s.write(p, "a", "2")
		rev, files, err = s.RevisionFiles(s.ctx(), s.u, p.ID, 0, codeforge.Page{})
		s.ok(err)
		s.same("after the second", []any{rev.Number, rev.Message, files[0].Content, files[0].Version}, []any{2, "Update a", "2", 2})
		_, _, err = s.RevisionFiles(s.ctx(), s.u, p.ID, 3, codeforge.Page{})
		s.missing(err, "Revision", "3")
		_, _, err = s.RevisionFiles(s.ctx(), s.v, p.ID, 0, codeforge.Page{})
		s.missing(err, "Project", p.ID)
	}},
	{"pages of a diff are the diff", func(s *suite) {
		p := s.project()
		s.write(p, "a", strings.Repeat("a", 600))
		s.write(p, "gone", strings.Repeat("g", 600))
		s.build(p, s.started(p, codeforge.Code),
			codeforge.FileChange{Path: "a", Content: "b"}, codeforge.FileChange{Path: "gone", Delete: true},
			codeforge.FileChange{Path: "m", Content: strings.Repeat("m", 600)}, codeforge.FileChange{Path: "n", Content: "n"})
		_, whole, err := s.RevisionDeltas(s.ctx(), s.u, p.ID, 3, codeforge.Page{})
		s.ok(err)
		for bytes, want := range map[int64][]int{1: {1, 1, 1, 1}, 602: {2, 2}, 1 << 30: {4}} {
			var all []codeforge.FileDelta
			var pages []int
			for page := (codeforge.Page{Bytes: bytes}); ; page.After = all[len(all)-1].Path {
				_, deltas, err := s.RevisionDeltas(s.ctx(), s.u, p.ID, 3, page)
				s.ok(err)
				if len(deltas) == 0 {
					break
				}
				all, pages = append(all, deltas...), append(pages, len(deltas))
			}
			s.same("deltas", all, whole)
			s.same(fmt.Sprint("pages of ", bytes), pages, want)
		}
	}},
}

// quota sets what bounds every user for the rest of the test.
func (s *suite) quota(q codeforge.Quota) {
	s.Helper()
	s.ok(s.SetQuota(s.ctx(), q))
}

func (s *suite) wantRefused(err error, kind codeforge.Kind, what string, limit int) {
	s.Helper()
	e := s.refused(err, kind)
	s.same("details", e.Details, map[string]any{"quota": what, "limit": limit})
	if (e.RetryAfter > 0) != (kind != codeforge.TooLarge) || e.RetryAfter > 24*time.Hour {
		s.Fatalf("%s after %v", kind, e.RetryAfter)
	}
}

var quotaTests = []test{
	{"projects", func(s *suite) {
		s.quota(codeforge.Quota{Projects: 2})
		p := s.project()
		s.project()
		create := func(u codeforge.User) error {
			_, err := s.CreateProject(s.ctx(), u, codeforge.Project{Title: "One more"})
			return err
		}
		s.wantRefused(create(s.u), codeforge.TooLarge, codeforge.QuotaProjects, 2)
		_, err := s.UpdateProject(s.ctx(), s.u, p.ID, codeforge.ProjectPatch{Status: new(codeforge.Archived)})
		s.ok(err)
		s.wantRefused(create(s.u), codeforge.TooLarge, codeforge.QuotaProjects, 2)
		s.ok(create(s.v))
		s.quota(codeforge.Quota{})
		s.ok(create(s.u))
	}},
	{"projects at once", func(s *suite) {
		s.project() // the first one of a user may need more than one step
		s.quota(codeforge.Quota{Projects: 5})
		var made atomic.Int32
		s.race(func(int) error {
			_, err := s.CreateProject(s.ctx(), s.u, codeforge.Project{Title: "At once"})
			if err == nil {
				made.Add(1)
			} else if codeforge.IsKind(err, codeforge.TooLarge) {
				err = nil
			}
			return err
		})
		s.same("made", made.Load(), 4)
	}},
	{"revisions of a day", func(s *suite) {
		s.quota(codeforge.Quota{RevisionsDay: 3})
		p := s.project()
		late := s.started(p, codeforge.Code)
		s.write(p, "a", "1")
		s.write(p, "a", "2")
		s.ok(s.DeleteFile(s.ctx(), s.u, p.ID, "a", nil))
		s.unchanged(p, func() {
			_, err := s.WriteFile(s.ctx(), s.u, p.ID, codeforge.FileWrite{Path: "a", Content: "3"})
			s.wantRefused(err, codeforge.RateLimited, codeforge.QuotaRevisions, 3)
			_, err = s.RestoreRevision(s.ctx(), s.u, p.ID, 1, nil)
			s.wantRefused(err, codeforge.RateLimited, codeforge.QuotaRevisions, 3)
			_, _, _, err = s.SubmitJob(s.ctx(), s.u, codeforge.NewJob{ProjectID: p.ID, Agent: codeforge.Code})
			s.wantRefused(err, codeforge.RateLimited, codeforge.QuotaRevisions, 3)
		})
		s.submit(p, codeforge.QA) // changes no files
		// What was paid for is kept.
		s.same("revision", s.build(p, late, codeforge.FileChange{Path: "b", Content: "b"}).Job.Revision, 4)
		s.advance(24 * time.Hour)
		s.write(p, "a", "tomorrow")
	}},
	{"bytes", func(s *suite) {
		s.quota(codeforge.Quota{Bytes: 100})
		p, other := s.project(), s.project()
		late := s.started(p, codeforge.Code)
		text := strings.Repeat("é", 30) // bytes, not characters
		s.write(p, "a", text)
		s.write(p, "b", text) // nothing new
		write := func(p codeforge.Project, path, content string) error {
			_, err := s.WriteFile(s.ctx(), s.u, p.ID, codeforge.FileWrite{Path: path, Content: content})
			return err
		}
		s.unchanged(p, func() {
			s.wantRefused(write(p, "a", strings.Repeat("x", 41)), codeforge.TooLarge, codeforge.QuotaBytes, 100)
		})
		s.unchanged(other, func() { s.wantRefused(write(other, "a", text), codeforge.TooLarge, codeforge.QuotaBytes, 100) })
		s.write(p, "a", strings.Repeat("x", 40))
		s.unchanged(p, func() {
			s.wantRefused(write(other, "a", "y"), codeforge.TooLarge, codeforge.QuotaBytes, 100)
			_, _, _, err := s.SubmitJob(s.ctx(), s.u, codeforge.NewJob{ProjectID: p.ID, Agent: codeforge.Code})
			s.wantRefused(err, codeforge.TooLarge, codeforge.QuotaBytes, 100)
		})
		s.submit(p, codeforge.QA) // changes no files
		// Who is full may still do what stores nothing.
		s.restore(p, 1)
		s.ok(s.DeleteFile(s.ctx(), s.u, p.ID, "a", nil))
		s.write(p, "c", text)
		s.write(p, "empty", "")
		_, err := s.WriteFile(s.ctx(), s.v, s.projectOf(s.v).ID, codeforge.FileWrite{Path: "a", Content: text})
		s.ok(err)
		// What was paid for is kept.
		if done := s.build(p, late, codeforge.FileChange{Path: "d", Content: "paid for"}); done.Job.Revision == 0 {
			s.Fatal("nothing was stored")
		}
		s.quota(codeforge.Quota{})
		s.write(p, "a", "y")
	}},
	{"bytes at once", func(s *suite) {
		s.quota(codeforge.Quota{Bytes: 50})
		projects := []codeforge.Project{s.project(), s.project()}
		var wrote atomic.Int32
		s.race(func(i int) error {
			_, err := s.WriteFile(s.ctx(), s.u, projects[i%2].ID, codeforge.FileWrite{Path: fmt.Sprint("f", i), Content: fmt.Sprintf("%010d", i)})
			if err == nil {
				wrote.Add(1)
			} else if codeforge.IsKind(err, codeforge.TooLarge) {
				err = nil
			}
			return err
		})
		s.same("wrote", wrote.Load(), 5)
	}},
	{"open jobs", func(s *suite) {
		s.quota(codeforge.Quota{OpenJobs: 2})
		p := s.project()
		asking := s.waitingJob(p, codeforge.QA)
		running := s.started(p, codeforge.QA)
		queued := s.submit(p, codeforge.QA)
		submit := func() error {
			_, _, _, err := s.SubmitJob(s.ctx(), s.u, codeforge.NewJob{ProjectID: p.ID, Agent: codeforge.QA, IdempotencyKey: "k"})
			return err
		}
		s.unchanged(p, func() {
			s.wantRefused(submit(), codeforge.QueueFull, codeforge.QuotaOpenJobs, 2)
			_, err := s.RespondJob(s.ctx(), s.u, asking.ID, codeforge.NewID(), []byte(`[]`))
			s.wantRefused(err, codeforge.QueueFull, codeforge.QuotaOpenJobs, 2)
		})
		s.finish(running, completes)
		s.ok(submit())
		s.ok(submit()) // the same again
		_, err := s.CancelJob(s.ctx(), s.u, queued.ID)
		s.ok(err)
		_, err = s.RespondJob(s.ctx(), s.u, asking.ID, codeforge.NewID(), []byte(`[]`))
		s.ok(err)
		// A job that goes back to the queue was open all the time.
		s.finish(s.claim(asking.ID), returns)
	}},
	{"open jobs at once", func(s *suite) {
		s.quota(codeforge.Quota{OpenJobs: 5})
		p := s.project()
		var made atomic.Int32
		s.race(func(i int) error {
			_, _, _, err := s.SubmitJob(s.ctx(), s.u, codeforge.NewJob{ProjectID: p.ID, Agent: []codeforge.AgentType{codeforge.QA, codeforge.Code}[i%2]})
			if err == nil {
				made.Add(1)
			} else if codeforge.IsKind(err, codeforge.QueueFull) {
				err = nil
			}
			return err
		})
		s.same("made", made.Load(), 5)
	}},
}

var clockTests = []test{
	{"a clock that is set back holds up no job", func(s *suite) {
		p := s.project()
		queued := s.submit(p, codeforge.QA)
		running := s.started(p, codeforge.Wireframe)
		s.advance(-48 * time.Hour)
		s.same("queued", s.queued(), 1)
		s.same("due", s.dueOf(queued, running), []string{queued.ID})
		s.finish(s.claim(queued.ID), completes)
		s.unclaimable(running.ID) // its worker is at it
		lost, err := s.RenewLeases(s.ctx(), []codeforge.Fence{fence(running)}, lease)
		s.ok(err)
		s.same("lost", len(lost), 0)
		s.finish(running, completes)
		s.build(p, s.started(p, codeforge.Code), codeforge.FileChange{Path: "a", Content: "a"})
	}},
}
