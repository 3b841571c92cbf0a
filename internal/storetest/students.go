package storetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"codeforge"
	"codeforge/internal/auth"
)

var profileTests = []test{
	{"a profile is made when it is asked for, of what the token says", func(s *suite) {
		s.u.Claims = []byte(`{"sub":"` + s.u.ID + `","role":"authenticated","user_metadata":{"full_name":" Ada Lovelace ","avatar_url":"https://example.com/a.png","skill_level":"advanced"}}`)
		p, err := s.GetProfile(s.ctx(), s.u)
		s.ok(err)
		if p.CreatedAt.IsZero() || !p.UpdatedAt.Equal(p.CreatedAt) {
			s.Fatalf("%+v", p)
		}
		want := codeforge.Profile{ID: s.u.ID, FullName: new("Ada Lovelace"), AvatarURL: new("https://example.com/a.png"), SkillLevel: new(codeforge.Beginner), CreatedAt: p.CreatedAt, UpdatedAt: p.UpdatedAt}
		s.same("first", p, want)
		s.advance(time.Minute)
		again, err := s.GetProfile(s.ctx(), s.u)
		s.ok(err)
		s.same("again", again, want)
		none, err := s.GetProfile(s.ctx(), s.v)
		s.ok(err)
		s.same("of another", none, codeforge.Profile{ID: s.v.ID, SkillLevel: new(codeforge.Beginner), CreatedAt: none.CreatedAt, UpdatedAt: none.UpdatedAt})
	}},
	{"claims that break a rule, or are none, make a profile all the same", func(s *suite) {
		s.u.Claims = fmt.Appendf(nil, `{"sub":"%s","user_metadata":{"full_name":"%s","picture":"x"}}`, s.u.ID, strings.Repeat("x", codeforge.MaxFullName+1))
		p, err := s.GetProfile(s.ctx(), s.u)
		s.ok(err)
		if p.FullName != nil || *p.AvatarURL != "x" {
			s.Fatalf("%+v", p)
		}
	}},
	{"of a profile that is changed is changed what is given", func(s *suite) {
		p, err := s.PutProfile(s.ctx(), s.u, codeforge.ProfilePatch{Username: new("ada"), SkillLevel: new(codeforge.Advanced)})
		s.ok(err)
		if *p.Username != "ada" || p.FullName != nil || *p.SkillLevel != codeforge.Advanced {
			s.Fatalf("%+v", p)
		}
		s.advance(time.Minute)
		q, err := s.PutProfile(s.ctx(), s.u, codeforge.ProfilePatch{FullName: new("Ada"), AvatarURL: new("")})
		s.ok(err)
		want := p
		want.FullName, want.AvatarURL, want.UpdatedAt = new("Ada"), new(""), q.UpdatedAt
		s.same("changed", q, want)
		if !q.UpdatedAt.After(p.UpdatedAt) {
			s.Fatal(q.UpdatedAt)
		}
		read, err := s.GetProfile(s.ctx(), s.u)
		s.ok(err)
		s.same("read", read, q)
		_, err = s.PutProfile(s.ctx(), s.u, codeforge.ProfilePatch{SkillLevel: new(codeforge.SkillLevel("wizard"))})
		s.invalid("skill_level", err)
	}},
	{"a name is one user's", func(s *suite) {
		_, err := s.PutProfile(s.ctx(), s.u, codeforge.ProfilePatch{Username: new("ada")})
		s.ok(err)
		_, err = s.PutProfile(s.ctx(), s.u, codeforge.ProfilePatch{Username: new("ada")})
		s.ok(err)
		for range 2 { // who has no profile yet, then who has one
			_, err = s.PutProfile(s.ctx(), s.v, codeforge.ProfilePatch{Username: new("ada"), FullName: new("Not Ada")})
			s.invalid("username", err)
			p, err := s.GetProfile(s.ctx(), s.v)
			s.ok(err)
			if p.Username != nil || p.FullName != nil {
				s.Fatalf("%+v", p)
			}
		}
	}},
	{"who joins the waitlist again is told the same, until too many join", func(s *suite) {
		s.ok(s.JoinWaitlist(s.ctx(), "a@example.com"))
		s.ok(s.JoinWaitlist(s.ctx(), "a@example.com"))
		var group sync.WaitGroup
		var failed sync.Map
		for n := range 4 {
			group.Go(func() {
				for i := range (codeforge.MaxWaitlist - 1) / 4 {
					if err := s.JoinWaitlist(s.ctx(), fmt.Sprintf("%d-%d@example.com", n, i)); err != nil {
						failed.Store(n, err)
						return
					}
				}
			})
		}
		group.Wait()
		for _, err := range failed.Range {
			s.Fatal(err)
		}
		for i := range (codeforge.MaxWaitlist - 1) % 4 {
			s.ok(s.JoinWaitlist(s.ctx(), fmt.Sprintf("rest-%d@example.com", i)))
		}
		for _, email := range []string{"new@example.com", "a@example.com"} {
			e := s.refused(s.JoinWaitlist(s.ctx(), email), codeforge.RateLimited)
			if e.RetryAfter == 0 || e.Details["quota"] != codeforge.QuotaWaitlist {
				s.Fatalf("%+v", e)
			}
		}
		s.advance(time.Hour + time.Second)
		s.ok(s.JoinWaitlist(s.ctx(), "new@example.com"))
	}},
}

// student is a project of mode student.
func (s *suite) student() codeforge.Project {
	s.Helper()
	p, err := s.CreateProject(s.ctx(), s.u, codeforge.Project{Title: "Learning", Mode: codeforge.ModeStudent})
	s.ok(err)
	return p
}

var studentTests = []test{
	{"what only students' projects have", func(s *suite) {
		builder, student := s.project(), s.student()
		for name, do := range map[string]func(p codeforge.Project) error{
			"Roadmap":    func(p codeforge.Project) error { _, err := s.GetRoadmap(s.ctx(), s.u, p.ID); return err },
			"Roadmap ":   func(p codeforge.Project) error { _, err := s.SetRoadmapStep(s.ctx(), s.u, p.ID, 0); return err },
			"Roadmap  ":  func(p codeforge.Project) error { _, err := s.ChooseOption(s.ctx(), s.u, p.ID, 0, "a"); return err },
			"Roadmap   ": func(p codeforge.Project) error { _, err := s.GetStudentProgress(s.ctx(), s.u, p.ID); return err },
			"add": func(p codeforge.Project) error {
				_, err := s.AddSession(s.ctx(), s.u, p.ID, codeforge.DailySession{Transcript: json.RawMessage(`[]`)})
				return err
			},
			"list": func(p codeforge.Project) error { _, err := s.ListSessions(s.ctx(), s.u, p.ID, "", 10); return err },
		} {
			s.Log(name)
			s.invalid("mode", do(builder))
			err := do(student)
			if strings.HasPrefix(name, "Roadmap") {
				s.missing(err, "Roadmap", student.ID)
			} else {
				s.ok(err)
			}
		}
	}},
	{"sessions are kept as they came, and told newest first", func(s *suite) {
		p := s.student()
		transcript := json.RawMessage(`[{"role":"mentor","content":"  why? \t\n ","n":1.50},{"content":"\u2028 <b> & 👩‍🚀 \"q\" \\ ","deep":{"a":[null,true,{}]}},{}]`)
		first, err := s.AddSession(s.ctx(), s.u, p.ID, codeforge.DailySession{Transcript: transcript, Concepts: []string{"state", "<props> & \"hooks\", {x}"}, Minutes: 480})
		s.ok(err)
		if first.ID == "" || first.ProjectID != p.ID || first.CreatedAt.IsZero() || first.Minutes != 480 {
			s.Fatalf("%+v", first)
		}
		s.same("concepts", first.Concepts, []string{"state", "<props> & \"hooks\", {x}"})
		var got, want any
		s.ok(json.Unmarshal(first.Transcript, &got))
		s.ok(json.Unmarshal(transcript, &want))
		s.same("transcript", got, want)
		for i := range 3 {
			s.advance(time.Second)
			_, err = s.AddSession(s.ctx(), s.u, p.ID, codeforge.DailySession{Transcript: json.RawMessage(`[]`), Minutes: i})
			s.ok(err)
		}
		list, err := s.ListSessions(s.ctx(), s.u, p.ID, "", 100)
		s.ok(err)
		if len(list) != 4 || list[0].Minutes != 2 || list[1].Minutes != 1 || list[2].Minutes != 0 {
			s.Fatalf("%+v", list)
		}
		if list[0].Concepts == nil || string(list[0].Transcript) != "[]" {
			s.Fatalf("%+v", list[0])
		}
		s.same("the first", list[3], first)
		list, err = s.ListSessions(s.ctx(), s.u, p.ID, "", 2)
		s.ok(err)
		if len(list) != 2 || list[0].Minutes != 2 {
			s.Fatalf("%+v", list)
		}
		none, err := s.ListSessions(s.ctx(), s.u, s.student().ID, "", 100)
		s.ok(err)
		if len(none) != 0 {
			s.Fatalf("%+v", none)
		}
	}},
	{"sessions that break a rule", func(s *suite) {
		p := s.student()
		ok := func() codeforge.DailySession { return codeforge.DailySession{Transcript: json.RawMessage(`[]`)} }
		for field, change := range map[string]func(d *codeforge.DailySession){
			"transcript":   func(d *codeforge.DailySession) { d.Transcript = json.RawMessage(`["x"]`) },
			"transcript ":  func(d *codeforge.DailySession) { d.Transcript = json.RawMessage(`[null]`) },
			"transcript  ": func(d *codeforge.DailySession) { d.Transcript = nil },
			"transcript   ": func(d *codeforge.DailySession) {
				d.Transcript = json.RawMessage("[{}" + strings.Repeat(",{}", 100) + "]")
			},
			"transcript    ": func(d *codeforge.DailySession) {
				d.Transcript = json.RawMessage(`[{"a":"` + strings.Repeat("x", codeforge.MaxTranscriptBytes) + `"}]`)
			},
			"concepts_covered": func(d *codeforge.DailySession) { d.Concepts = make([]string, 21) },
			"duration_minutes": func(d *codeforge.DailySession) { d.Minutes = 481 },
		} {
			d := ok()
			change(&d)
			_, err := s.AddSession(s.ctx(), s.u, p.ID, d)
			s.invalid(strings.TrimSpace(field), err)
		}
		d := ok()
		d.Transcript = json.RawMessage(`[{"a":"` + strings.Repeat("x", codeforge.MaxTranscriptBytes-10) + `"}]`)
		_, err := s.AddSession(s.ctx(), s.u, p.ID, d)
		s.ok(err)
	}},
	{"sessions count in what a user stores", func(s *suite) {
		s.quota(codeforge.Quota{Bytes: 5_000})
		p := s.student()
		d := codeforge.DailySession{Transcript: json.RawMessage(`[{"a":"` + strings.Repeat("x", 1_000) + `"}]`)}
		stored := 0
		for ; stored < 10; stored++ {
			if _, err := s.AddSession(s.ctx(), s.u, p.ID, d); err != nil {
				if e := s.refused(err, codeforge.TooLarge); e.Details["quota"] != codeforge.QuotaBytes {
					s.Fatalf("%+v", e)
				}
				break
			}
		}
		if stored != 3 {
			s.Fatalf("%d were stored", stored)
		}
		list, err := s.ListSessions(s.ctx(), s.u, p.ID, "", 10)
		s.ok(err)
		if len(list) != stored {
			s.Fatalf("%d are there", len(list))
		}
	}},
	{"a roadmap is stored with the end of its job, once, in place of the one before", func(s *suite) {
		p := s.student()
		modules := func(titles ...string) json.RawMessage {
			var list []codeforge.RoadmapModule
			for _, t := range titles {
				list = append(list, codeforge.RoadmapModule{Title: t, Concepts: []string{"<state> & \u2028"}, Exercises: []string{}, EstimatedHours: 1.5})
			}
			raw, err := codeforge.NewModules(list)
			s.ok(err)
			return raw
		}
		done := func(m json.RawMessage) codeforge.Outcome {
			return codeforge.Outcome{Status: codeforge.JobCompleted, Progress: 100, Result: json.RawMessage(`{}`), Roadmap: m, Events: []codeforge.Event{{Type: codeforge.EventComplete, Data: json.RawMessage(`{}`)}}}
		}
		first := s.claim(s.submit(p, codeforge.RoadmapAgent).ID)
		for _, bad := range []string{`[]`, `{}`, `["x"]`, "[{}" + strings.Repeat(",{}", codeforge.MaxModules) + "]", `[{"a":"` + strings.Repeat("x", codeforge.MaxRoadmap) + `"}]`} {
			_, err := s.FinishJob(s.ctx(), fence(first), done(json.RawMessage(bad)))
			s.invalid("modules", err)
		}
		_, err := s.FinishJob(s.ctx(), codeforge.Fence{JobID: first.ID, Number: first.Fence + 1}, done(modules("stolen")))
		if !errors.Is(err, codeforge.ErrFenced) {
			s.Fatal(err)
		}
		_, err = s.GetRoadmap(s.ctx(), s.u, p.ID)
		s.missing(err, "Roadmap", p.ID)
		s.finish(first, done(modules("a", "b", "c")))
		r, err := s.GetRoadmap(s.ctx(), s.u, p.ID)
		s.ok(err)
		if list := r.List(); r.ID != first.ID || r.ProjectID != p.ID || r.CurrentStep != 0 || r.CreatedAt.IsZero() || len(list) != 3 || list[2].Title != "c" || list[0].Concepts[0] != "<state> & \u2028" || list[0].EstimatedHours != 1.5 {
			s.Fatalf("%+v", r)
		}
		if _, err := s.FinishJob(s.ctx(), fence(first), done(modules("again"))); !errors.Is(err, codeforge.ErrFenced) {
			s.Fatal(err)
		}
		_, err = s.SetRoadmapStep(s.ctx(), s.u, p.ID, 2)
		s.ok(err)
		_, err = s.ChooseOption(s.ctx(), s.u, p.ID, 1, "local-storage")
		s.ok(err)

		failed := s.claim(s.submit(p, codeforge.RoadmapAgent).ID)
		s.finish(failed, codeforge.Outcome{Status: codeforge.JobFailed, Error: "no", Failed: true, Roadmap: modules("failed")})
		waits := s.claim(s.submit(p, codeforge.RoadmapAgent).ID)
		s.finish(waits, codeforge.Outcome{Status: codeforge.Waiting, Question: json.RawMessage(`[]`), Roadmap: modules("waits")})
		r, err = s.GetRoadmap(s.ctx(), s.u, p.ID)
		s.ok(err)
		if list := r.List(); r.ID != first.ID || r.CurrentStep != 2 || list[1].ChosenOption != "local-storage" {
			s.Fatalf("%+v", r)
		}

		// Two at once: the later one stays, whole and alone.
		x, y := s.claim(s.submit(p, codeforge.RoadmapAgent).ID), s.claim(s.submit(p, codeforge.RoadmapAgent).ID)
		var group sync.WaitGroup
		for _, f := range []codeforge.Job{x, y} {
			group.Go(func() {
				if _, err := s.FinishJob(s.ctx(), fence(f), done(modules("only"))); err != nil {
					s.Error(err)
				}
			})
		}
		group.Wait()
		r, err = s.GetRoadmap(s.ctx(), s.u, p.ID)
		s.ok(err)
		if r.ID != x.ID && r.ID != y.ID || r.CurrentStep != 0 || len(r.List()) != 1 {
			s.Fatalf("%+v", r)
		}
		progress, err := s.GetStudentProgress(s.ctx(), s.u, p.ID)
		s.ok(err)
		if progress.Modules != 1 || progress.RoadmapID != r.ID || progress.Current != "only" {
			s.Fatalf("%+v", progress)
		}
	}},
}

// leaveNothingOfUser: of a user who is deleted no row is left, whichever tables there are, but for the books and what was told.
func leaveNothingOfUser(s *suite, b Backdoor) {
	s.u.Email = "Ada@example.com"
	p, _ := s.full()
	student := s.student()
	_, err := s.AddSession(s.ctx(), s.u, student.ID, codeforge.DailySession{Transcript: json.RawMessage(`[{}]`)})
	s.ok(err)
	s.webhook("")
	s.ok(err2(s.PutProfile(s.ctx(), s.u, codeforge.ProfilePatch{Username: new("ada")})))
	s.ok(err2(s.PutKey(s.ctx(), s.u, "openai", "…abcd", []byte("sealed"))))
	_, token, err := auth.NewToken(s.u, "machine", []auth.Scope{auth.Read}, 0)
	s.ok(err)
	s.ok(s.CreateToken(s.ctx(), s.u, token))
	s.ok(s.JoinWaitlist(s.ctx(), "ada@example.com"))
	s.ok(s.JoinWaitlist(s.ctx(), "bob@example.com"))
	s.ok(err2(s.PutProfile(s.ctx(), s.v, codeforge.ProfilePatch{Username: new("bob")})))
	s.refused(s.DeleteProfile(s.ctx(), s.u), codeforge.Conflict)
	s.ok(s.DeleteProfile(s.ctx(), codeforge.User{ID: codeforge.NewID(), Email: "nobody@example.com"}))
	for _, p := range []codeforge.Project{p, student} {
		s.ok(err2(s.DeleteProject(s.ctx(), s.u, p.ID, nil)))
	}
	for range 2 {
		s.ok(s.DeleteProfile(s.ctx(), s.u))
	}
	for _, table := range slices.Compact(slices.Sorted(slices.Values(b.Rows(s.u.ID)))) {
		if !slices.Contains([]string{"changes", "change_log", "change_readers", "llm_calls", "budget_limits", "budget_periods", "budget_holds", "revision_days", "stored_bytes", "users"}, table) {
			s.Errorf("the user is left in %s", table)
		}
	}
	if left := b.Rows("ada@example.com"); len(left) > 0 {
		s.Errorf("the address is left in %v", left)
	}
	again, err := s.GetProfile(s.ctx(), s.u)
	s.ok(err)
	if again.Username != nil {
		s.Errorf("%+v", again)
	}
	other, err := s.GetProfile(s.ctx(), s.v)
	s.ok(err)
	if *other.Username != "bob" {
		s.Errorf("%+v", other)
	}
}

// conversation reads all messages of a project by pages, newest first.
func (s *suite) conversation(p codeforge.Project, page int) (lines []string) {
	s.Helper()
	before := ""
	for {
		list, err := s.ListMessages(s.ctx(), s.u, p.ID, codeforge.MessageFilter{Limit: page, Before: before})
		s.ok(err)
		slices.Reverse(list)
		if len(list) == 0 {
			return lines
		}
		for _, m := range list {
			lines = append(lines, m.Content)
			before = m.ID
		}
	}
}

var pagedTests = []test{
	{"messages and sessions are read by pages, each once", func(s *suite) {
		p := s.student()
		var want, sessions []string
		for i := range 7 {
			if i%2 == 0 {
				s.advance(time.Second)
			}
			s.ok(s.AddMessages(s.ctx(), p.ID, []codeforge.Message{{Role: "user", Content: fmt.Sprint(i)}}))
			_, err := s.AddSession(s.ctx(), s.u, p.ID, codeforge.DailySession{Transcript: json.RawMessage(`[]`), Minutes: i})
			s.ok(err)
			want = append([]string{fmt.Sprint(i)}, want...)
		}
		for _, page := range []int{1, 3, 7, 100} {
			s.same("conversation", s.conversation(p, page), want)
			before := ""
			for sessions = nil; ; {
				list, err := s.ListSessions(s.ctx(), s.u, p.ID, before, page)
				s.ok(err)
				if len(list) == 0 {
					break
				}
				for _, d := range list {
					sessions, before = append(sessions, fmt.Sprint(d.Minutes)), d.ID
				}
			}
			s.same("sessions", sessions, want)
		}
		elsewhere, err := s.AddSession(s.ctx(), s.u, s.student().ID, codeforge.DailySession{Transcript: json.RawMessage(`[]`)})
		s.ok(err)
		foreign, err := s.ListSessions(s.ctx(), s.u, p.ID, elsewhere.ID, 10)
		s.ok(err)
		s.same("before another project's", len(foreign), 0)
		_, err = s.ListMessages(s.ctx(), s.v, p.ID, codeforge.MessageFilter{Limit: 10})
		s.missing(err, "Project", p.ID)
		other := codeforge.NewID()
		_, err = s.ListMessages(s.ctx(), s.u, p.ID, codeforge.MessageFilter{Limit: 10, Before: other})
		s.missing(err, "Message", other)
	}},
}

// keepRoadmap: steps and choices that are written at once lose nothing of each other, and stay within the modules.
func keepRoadmap(s *suite, b Backdoor) {
	p := s.student()
	list := []codeforge.RoadmapModule{}
	for i := range 8 {
		list = append(list, codeforge.RoadmapModule{Title: fmt.Sprint("Module ", i), Concepts: []string{"<b> & 'quotes'"}, EstimatedHours: 1.5})
	}
	modules, err := codeforge.NewModules(list)
	s.ok(err)
	b.Lead(p.ID, string(modules))
	first, err := s.GetRoadmap(s.ctx(), s.u, p.ID)
	s.ok(err)
	if first.ProjectID != p.ID || first.CurrentStep != 0 || first.CreatedAt.IsZero() {
		s.Fatalf("%+v", first)
	}
	s.same("modules", first.List(), list)
	var group sync.WaitGroup
	for i := range list {
		list[i].ChosenOption = fmt.Sprint("option \"", i)
		group.Go(func() {
			if _, err := s.ChooseOption(s.ctx(), s.u, p.ID, i, list[i].ChosenOption); err != nil {
				s.Error(err)
			}
		})
		group.Go(func() {
			if _, err := s.SetRoadmapStep(s.ctx(), s.u, p.ID, 3); err != nil {
				s.Error(err)
			}
		})
	}
	group.Wait()
	r, err := s.GetRoadmap(s.ctx(), s.u, p.ID)
	s.ok(err)
	s.same("modules", r.List(), list)
	if r.ID != first.ID || r.CurrentStep != 3 {
		s.Fatalf("%+v", r)
	}
	_, err = s.AddSession(s.ctx(), s.u, p.ID, codeforge.DailySession{Transcript: json.RawMessage(`[]`), Minutes: 25})
	s.ok(err)
	done, err := s.GetStudentProgress(s.ctx(), s.u, p.ID)
	s.ok(err)
	s.same("progress", done, codeforge.StudentProgress{RoadmapID: r.ID, ProjectID: p.ID, Completed: 3, Modules: 8, Current: "Module 3", Sessions: 1, Minutes: 25})
	if got := done.Percent(); got != 37.5 {
		s.Fatal(got)
	}
	for _, beyond := range []int{-1, 8, 1000} {
		_, err = s.SetRoadmapStep(s.ctx(), s.u, p.ID, beyond)
		s.invalid("step_index", err)
		_, err = s.ChooseOption(s.ctx(), s.u, p.ID, beyond, "a")
		s.invalid("module_index", err)
	}
	_, err = s.ChooseOption(s.ctx(), s.u, p.ID, 0, "")
	s.invalid("option_id", err)
	for _, change := range []func() error{
		func() error { return err2(s.SetRoadmapStep(s.ctx(), s.v, p.ID, 1)) },
		func() error { return err2(s.ChooseOption(s.ctx(), s.v, p.ID, 1, "a")) },
		func() error { return err2(s.GetRoadmap(s.ctx(), s.v, p.ID)) },
		func() error { return err2(s.GetStudentProgress(s.ctx(), s.v, p.ID)) },
	} {
		s.missing(change(), "Project", p.ID)
	}
	after, err := s.GetRoadmap(s.ctx(), s.u, p.ID)
	s.ok(err)
	s.same("nothing changed", after, r)
}
