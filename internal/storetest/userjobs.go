package storetest

import (
	"time"

	"codeforge"
)

// jobsOfUser is a page of u's jobs, by their ids.
func (s *suite) jobsOfUser(f codeforge.UserJobs) (ids []string, next string) {
	s.Helper()
	list, next, err := s.ListUserJobs(s.ctx(), s.u, f)
	s.ok(err)
	for _, j := range list {
		s.same("job", j, s.get(j.ID))
		ids = append(ids, j.ID)
	}
	return ids, next
}

// walkJobs reads all pages.
func (s *suite) walkJobs(f codeforge.UserJobs) (ids []string) {
	s.Helper()
	for range 20 {
		page, next := s.jobsOfUser(f)
		if len(page) > f.Limit {
			s.Fatalf("%d jobs on a page of %d", len(page), f.Limit)
		}
		if ids = append(ids, page...); next == "" {
			return ids
		}
		f.Cursor = next
	}
	s.Fatal("the list does not end")
	return nil
}

var userJobTests = []test{
	{"jobs of all projects come newest first, page by page", func(s *suite) {
		p, q := s.project(), s.project()
		s.same("before there are any", s.walkJobs(codeforge.UserJobs{Limit: 2}), []string(nil))
		theirs := s.projectOf(s.v)
		_, _, _, err := s.SubmitJob(s.ctx(), s.v, codeforge.NewJob{ProjectID: theirs.ID, Agent: codeforge.QA})
		s.ok(err)
		done := s.finish(s.started(p, codeforge.QA), completes).Job
		asks := s.waitingJob(q, codeforge.Research)
		runs := s.started(q, codeforge.QA)
		gone, err := s.CancelJob(s.ctx(), s.u, s.submit(p, codeforge.Code).ID)
		s.ok(err)
		broken := s.finish(s.started(p, codeforge.Code), codeforge.Outcome{Status: codeforge.JobFailed, Error: "no"}).Job
		last := s.submit(p, codeforge.Code)
		all := []string{last.ID, broken.ID, gone.Job.ID, runs.ID, asks.ID, done.ID}
		for limit := 1; limit <= 7; limit++ {
			s.same("all", s.walkJobs(codeforge.UserJobs{Limit: limit}), all)
		}
		for _, c := range []struct {
			f    codeforge.UserJobs
			want []string
		}{
			{codeforge.UserJobs{Status: codeforge.Queued}, []string{last.ID}},
			{codeforge.UserJobs{Status: codeforge.Running}, []string{runs.ID}},
			{codeforge.UserJobs{Status: codeforge.Waiting}, []string{asks.ID}},
			{codeforge.UserJobs{Status: codeforge.JobFailed}, []string{broken.ID}},
			{codeforge.UserJobs{Status: codeforge.JobCancelled}, []string{gone.Job.ID}},
			{codeforge.UserJobs{Agent: codeforge.QA}, []string{runs.ID, done.ID}},
			{codeforge.UserJobs{Agent: codeforge.Code}, []string{last.ID, broken.ID, gone.Job.ID}},
			{codeforge.UserJobs{Agent: codeforge.Code, Status: codeforge.JobCompleted}, nil},
			{codeforge.UserJobs{ProjectID: p.ID}, []string{last.ID, broken.ID, gone.Job.ID, done.ID}},
			{codeforge.UserJobs{ProjectID: q.ID, Agent: codeforge.QA}, []string{runs.ID}},
			{codeforge.UserJobs{ProjectID: p.ID, Status: codeforge.JobCompleted}, []string{done.ID}},
			{codeforge.UserJobs{ProjectID: p.ID, Agent: codeforge.Code, Status: codeforge.JobFailed}, []string{broken.ID}},
		} {
			for _, limit := range []int{1, 2, 100} {
				c.f.Limit = limit
				s.same("filtered", s.walkJobs(c.f), c.want)
			}
		}
	}},
	{"pages go on where they ended, whatever comes and goes", func(s *suite) {
		p, q := s.project(), s.project()
		a, b := s.submit(p, codeforge.QA), s.submit(p, codeforge.Code)
		c, d := s.submit(q, codeforge.QA), s.submit(p, codeforge.QA)
		first, next := s.jobsOfUser(codeforge.UserJobs{Limit: 2})
		s.same("first", first, []string{d.ID, c.ID})
		s.submit(p, codeforge.QA)
		_, err := s.DeleteProject(s.ctx(), s.u, q.ID, nil) // with the job at which the page ended
		s.ok(err)
		s.advance(time.Minute)
		second, next := s.jobsOfUser(codeforge.UserJobs{Limit: 2, Cursor: next})
		s.same("second", []any{second, next}, []any{[]string{b.ID, a.ID}, ""})
	}},
	{"what is no cursor, and no project of the user, is said", func(s *suite) {
		s.submit(s.project(), codeforge.QA)
		for _, cursor := range []string{"!", "-1", "0", "1e3.", "zzzzzzzzzzzzzzzz", " 1"} {
			_, _, err := s.ListUserJobs(s.ctx(), s.u, codeforge.UserJobs{Limit: 1, Cursor: cursor})
			s.invalid("cursor", err)
		}
		for _, id := range []string{s.projectOf(s.v).ID, codeforge.NewID(), "no id at all"} {
			_, _, err := s.ListUserJobs(s.ctx(), s.u, codeforge.UserJobs{Limit: 1, ProjectID: id})
			s.missing(err, "Project", id)
		}
	}},
}
