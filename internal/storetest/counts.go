package storetest

import (
	"cmp"
	"slices"
	"time"

	"codeforge"
)

const traceParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

var countTests = []test{
	{"jobs that have not ended are counted by agent and state", func(s *suite) {
		p := s.project()
		s.counts()
		s.submit(p, codeforge.QA)
		s.advance(time.Minute)
		s.submit(p, codeforge.QA)
		s.finish(s.claim(s.submit(p, codeforge.Research).ID), waits)
		s.finish(s.claim(s.submit(p, codeforge.Research).ID), completes)
		s.finish(s.claim(s.submit(p, codeforge.Code).ID), codeforge.Outcome{Status: codeforge.Queued, RunAt: s.get(s.submit(p, codeforge.Pedagogy).ID).CreatedAt.Add(time.Hour)})
		s.claim(s.submit(p, codeforge.Wireframe).ID)
		s.advance(time.Minute)
		s.counts(codeforge.JobCount{Agent: codeforge.Code, Status: codeforge.Queued, Jobs: 1}, // not due
			codeforge.JobCount{Agent: codeforge.Pedagogy, Status: codeforge.Queued, Jobs: 1, Due: time.Minute},
			codeforge.JobCount{Agent: codeforge.QA, Status: codeforge.Queued, Jobs: 2, Due: 2 * time.Minute},
			codeforge.JobCount{Agent: codeforge.Research, Status: codeforge.Waiting, Jobs: 1},
			codeforge.JobCount{Agent: codeforge.Wireframe, Status: codeforge.Running, Jobs: 1})
	}},
	{"a job knows the trace that submitted it", func(s *suite) {
		p := s.project()
		j, _, _, err := s.SubmitJob(s.ctx(), s.u, codeforge.NewJob{ProjectID: p.ID, Agent: codeforge.Research, TraceParent: traceParent})
		s.ok(err)
		s.same("submitted", j.TraceParent, traceParent)
		s.same("claimed", s.claim(j.ID).TraceParent, traceParent)
		s.same("read", s.get(j.ID).TraceParent, traceParent)
		s.same("of another, which nobody traced", s.claim(s.submit(p, codeforge.Research).ID).TraceParent, "")
	}},
}

// counts wants CountJobs to say just this; to the minute, since real time goes on as well.
func (s *suite) counts(want ...codeforge.JobCount) {
	s.Helper()
	got, err := s.CountJobs(s.ctx())
	s.ok(err)
	slices.SortFunc(got, func(a, b codeforge.JobCount) int {
		return cmp.Or(cmp.Compare(a.Agent, b.Agent), cmp.Compare(a.Status, b.Status))
	})
	for i := range got {
		got[i].Due = got[i].Due.Truncate(time.Minute)
	}
	if len(got)+len(want) > 0 {
		s.same("counts", got, want)
	}
}
