package storetest

import (
	"fmt"
	"time"

	"codeforge"
)

// seen are the errors of a revision of a project, or of a job, as lines: message, how often.
func (s *suite) seen(p codeforge.Project, revision int64, job string) (lines []string) {
	s.Helper()
	list, err := s.PreviewErrors(s.ctx(), s.u, p.ID, revision, job)
	s.ok(err)
	for _, e := range list {
		lines = append(lines, fmt.Sprintf("%s ×%d", e.Message, e.Count))
	}
	return lines
}

var previewErrorTests = []test{
	{"what goes wrong in previews is kept once, counted, the newest first", func(s *suite) {
		p := s.project()
		s.write(p, "a", "a")
		s.write(p, "a", "b")
		e := codeforge.PreviewError{Revision: 2, Kind: codeforge.PreviewException, Message: "it's ⚠ \\ \"broken\"", File: "src/a.ts", Line: 3, Column: 7, Stack: "f src/a.ts:3:7\ng src/b.ts:1:1", Page: "/#x"}
		other, older, ofJob := e, e, e
		other.Line = 4
		older.Revision, older.Message = 1, "older"
		ofJob.JobID, ofJob.Message = codeforge.NewID(), "of a job"
		s.ok(s.AddPreviewErrors(s.ctx(), s.u, p.ID, []codeforge.PreviewError{e, other, older, ofJob}))
		first, err := s.PreviewErrors(s.ctx(), s.u, p.ID, 2, "")
		s.ok(err)
		if len(first) != 2 {
			s.Fatalf("%+v", first)
		}
		got := first[1]
		if got.FirstAt.IsZero() || !got.FirstAt.Equal(got.LastAt) {
			s.Fatalf("%+v", got)
		}
		want := e
		want.Count, want.FirstAt, want.LastAt = 1, got.FirstAt, got.LastAt
		s.same("kept", got, want)
		s.advance(time.Minute)
		e.Stack, e.Page = "", "/elsewhere"
		s.ok(s.AddPreviewErrors(s.ctx(), s.u, p.ID, []codeforge.PreviewError{e, e}))
		again, err := s.PreviewErrors(s.ctx(), s.u, p.ID, 0, "")
		s.ok(err)
		if len(again) != 2 || again[0].Count != 3 || again[0].Page != "/elsewhere" || !again[0].FirstAt.Equal(got.FirstAt) || !again[0].LastAt.After(got.LastAt) {
			s.Fatalf("%+v", again)
		}
		s.same("of the older revision", s.seen(p, 1, ""), []string{"older ×1"})
		s.same("of the job", s.seen(p, 0, ofJob.JobID), []string{"of a job ×1"})
		s.same("of another job", s.seen(p, 0, codeforge.NewID()), []string(nil))
	}},
	{"a project keeps the newest of them", func(s *suite) {
		p, q := s.project(), s.project()
		s.write(p, "a", "a")
		s.write(q, "a", "a")
		s.ok(s.AddPreviewErrors(s.ctx(), s.u, q.ID, []codeforge.PreviewError{{Revision: 1, Kind: codeforge.PreviewLoad, Message: "of another project"}}))
		for i := range 2 {
			var list []codeforge.PreviewError
			for n := range codeforge.MaxPreviewErrors {
				list = append(list, codeforge.PreviewError{Revision: 1, Kind: codeforge.PreviewBlocked, Message: fmt.Sprintf("%d of %d", n, i)})
			}
			s.ok(s.AddPreviewErrors(s.ctx(), s.u, p.ID, list[:codeforge.MaxPreviewErrors-i*10]))
			s.advance(time.Second)
		}
		if got := s.seen(p, 0, ""); len(got) != codeforge.MaxPreviewErrors || got[0] != fmt.Sprintf("%d of 1 ×1", codeforge.MaxPreviewErrors-11) || got[len(got)-1] != "90 of 0 ×1" {
			s.Fatalf("%q", got)
		}
		s.same("of another project", s.seen(q, 0, ""), []string{"of another project ×1"})
	}},
	{"they are those of their owner", func(s *suite) {
		p := s.project()
		s.write(p, "a", "a")
		list := []codeforge.PreviewError{{Revision: 1, Kind: codeforge.PreviewException, Message: "x"}}
		s.missing(s.AddPreviewErrors(s.ctx(), s.v, p.ID, list), "Project", p.ID)
		s.ok(s.AddPreviewErrors(s.ctx(), s.u, p.ID, list))
		_, err := s.PreviewErrors(s.ctx(), s.v, p.ID, 0, "")
		s.missing(err, "Project", p.ID)
		none := codeforge.NewID()
		s.missing(s.AddPreviewErrors(s.ctx(), s.u, none, list), "Project", none)
	}},
}
