package storetest

import (
	"encoding/json"
	"strings"
	"time"

	"codeforge"
)

var submitTests = []test{
	{"a new job is queued, with its first event", func(s *suite) {
		p := s.project()
		input := json.RawMessage("{\"b\": 1,\n \"a\":  \"é\"}")
		j, fresh, _, err := s.SubmitJob(s.ctx(), s.u, codeforge.NewJob{ProjectID: p.ID, Agent: codeforge.Research, Input: input})
		s.ok(err)
		if !fresh || j.Status != codeforge.Queued || j.ProjectID != p.ID || j.UserID != s.u.ID || j.Agent != codeforge.Research || j.Progress != 0 ||
			j.Fence != 0 || j.Result != nil || j.Error != "" || j.StartedAt != nil || j.CompletedAt != nil || j.CreatedAt.IsZero() || string(j.Input) != string(input) {
			s.Fatalf("submitted %+v", j)
		}
		got := s.get(j.ID)
		s.same("read", got, j)
		if string(got.Input) != string(input) {
			s.Fatalf("input %q became %q", input, got.Input)
		}
		events := s.log(j.ID)
		if len(events) != 1 || events[0].Type != codeforge.EventProgress || events[0].At.IsZero() {
			s.Fatalf("events %+v", events)
		}
		s.data(events[0], map[string]any{"job_id": j.ID, "status": "queued", "progress": 0})
	}},
	{"an id may be given", func(s *suite) {
		id := codeforge.NewID()
		j, _, _, err := s.SubmitJob(s.ctx(), s.u, codeforge.NewJob{ID: id, ProjectID: s.project().ID, Agent: codeforge.QA})
		s.ok(err)
		s.same("id", j.ID, id)
		s.same("empty input", string(s.get(id).Input), "{}")
	}},
	{"what the user says is written to the conversation", func(s *suite) {
		p := s.project()
		_, _, _, err := s.SubmitJob(s.ctx(), s.u, codeforge.NewJob{ProjectID: p.ID, Agent: codeforge.Code, UserMessage: "make it blue"})
		s.ok(err)
		s.submit(p, codeforge.Code)
		list, err := s.ListMessages(s.ctx(), s.u, p.ID, codeforge.MessageFilter{Limit: 10})
		s.ok(err)
		if len(list) != 1 || list[0].Role != "user" || list[0].Content != "make it blue" || list[0].ID == "" || list[0].ProjectID != p.ID || list[0].CreatedAt.IsZero() {
			s.Fatalf("messages %+v", list)
		}
	}},
	{"the same key answers the same job", func(s *suite) {
		p := s.project()
		n := codeforge.NewJob{ProjectID: p.ID, Agent: codeforge.Code, Input: json.RawMessage(`{"a":1}`), UserMessage: "hi", IdempotencyKey: "k"}
		first, fresh, _, err := s.SubmitJob(s.ctx(), s.u, n)
		s.ok(err)
		if !fresh {
			s.Fatal("not fresh")
		}
		s.unchanged(p, func() {
			again, fresh, _, err := s.SubmitJob(s.ctx(), s.u, n)
			s.ok(err)
			if fresh || again.ID != first.ID {
				s.Fatalf("fresh %t, job %s, want %s", fresh, again.ID, first.ID)
			}
		})
		s.finish(s.claim(first.ID), completes)
		again, fresh, _, err := s.SubmitJob(s.ctx(), s.u, n)
		s.ok(err)
		if fresh || again.ID != first.ID || again.Status != codeforge.JobCompleted {
			s.Fatalf("fresh %t, job %+v", fresh, again)
		}
	}},
	{"the same key for another request is a conflict", func(s *suite) {
		p, q := s.project(), s.project()
		n := codeforge.NewJob{ProjectID: p.ID, Agent: codeforge.Code, Input: json.RawMessage(`{"a":1}`), IdempotencyKey: "k"}
		_, _, _, err := s.SubmitJob(s.ctx(), s.u, n)
		s.ok(err)
		for _, change := range []func(*codeforge.NewJob){
			func(n *codeforge.NewJob) { n.ProjectID = q.ID },
			func(n *codeforge.NewJob) { n.Agent = codeforge.QA },
			func(n *codeforge.NewJob) { n.Input = json.RawMessage(`{"a":2}`) },
		} {
			other := n
			change(&other)
			s.unchanged(p, func() {
				_, _, _, err := s.SubmitJob(s.ctx(), s.u, other)
				s.refused(err, codeforge.Conflict)
			})
		}
	}},
	{"a key belongs to its user", func(s *suite) {
		n := codeforge.NewJob{ProjectID: s.project().ID, Agent: codeforge.QA, IdempotencyKey: "k"}
		mine, _, _, err := s.SubmitJob(s.ctx(), s.u, n)
		s.ok(err)
		p, err := s.CreateProject(s.ctx(), s.v, codeforge.Project{Title: "Other"})
		s.ok(err)
		n.ProjectID = p.ID
		theirs, fresh, _, err := s.SubmitJob(s.ctx(), s.v, n)
		s.ok(err)
		if !fresh || theirs.ID == mine.ID {
			s.Fatalf("fresh %t", fresh)
		}
	}},
	{"a key that was refused is free", func(s *suite) {
		n := codeforge.NewJob{ProjectID: codeforge.NewID(), Agent: codeforge.QA, IdempotencyKey: "k"}
		_, _, _, err := s.SubmitJob(s.ctx(), s.u, n)
		s.missing(err, "Project", n.ProjectID)
		n.ProjectID = s.project().ID
		_, fresh, _, err := s.SubmitJob(s.ctx(), s.u, n)
		s.ok(err)
		if !fresh {
			s.Fatal("not fresh")
		}
	}},
}

// data wants an event's data to be an object of these values.
func (s *suite) data(e codeforge.Event, want map[string]any) {
	s.Helper()
	var got map[string]any
	s.ok(json.Unmarshal(e.Data, &got))
	s.same("data", got, want)
}

var claimTests = []test{
	{"a claim makes the job the worker's", func(s *suite) {
		p := s.project()
		s.write(p, "a.ts", "x")
		j := s.submit(p, codeforge.Code)
		s.advance(time.Second)
		got := s.claim(j.ID)
		if got.Status != codeforge.Running || got.Fence != 1 || got.StartedAt == nil || got.StartedAt.Before(j.CreatedAt) || got.Base != 1 || got.Crashes != 0 || got.Failures != 0 ||
			string(got.Input) != string(j.Input) {
			s.Fatalf("claimed %+v", got)
		}
		s.same("read", s.get(j.ID), got)
		s.unclaimable(j.ID)
		s.same("events", len(s.log(j.ID)), 1)
	}},
	{"a job of one process is claimed as it is submitted", func(s *suite) {
		p := s.project()
		s.write(p, "a.ts", "x")
		n := codeforge.NewJob{ProjectID: p.ID, Agent: codeforge.Export, Input: []byte("{}"), IdempotencyKey: "once", Worker: "w", Lease: lease}
		j, fresh, _, err := s.SubmitJob(s.ctx(), s.u, n)
		s.ok(err)
		s.same("claimed", []any{fresh, j.Status, j.Fence, j.Base, j.StartedAt != nil, j.Crashes}, []any{true, codeforge.Running, 1, 1, true, 0})
		s.same("read", s.get(j.ID), j)
		said, err := s.ListMessages(s.ctx(), s.u, p.ID, codeforge.MessageFilter{Limit: 10})
		s.ok(err)
		s.same("lines in the conversation", len(said), 0)
		again, fresh, _, err := s.SubmitJob(s.ctx(), s.u, n)
		s.ok(err)
		s.same("once", []any{again.ID, fresh}, []any{j.ID, false})
		s.unclaimable(j.ID)
		_, err = s.RecordEvents(s.ctx(), codeforge.Fence{JobID: j.ID, Number: j.Fence}, 30, []codeforge.Event{{Type: codeforge.EventStage, Data: []byte("{}")}})
		s.ok(err)
		s.advance(lease + time.Second)
		taken := s.claim(j.ID)
		s.same("taken over", []any{taken.Fence, taken.Crashes}, []any{2, 1})
		s.finish(taken, codeforge.Outcome{Status: codeforge.JobFailed})
	}},
	{"only what is due can be claimed", func(s *suite) {
		p := s.project()
		s.unclaimable(codeforge.NewID())
		for _, o := range []codeforge.Outcome{completes, waits, {Status: codeforge.JobFailed}, {Status: codeforge.JobCancelled}} {
			j := s.started(p, codeforge.QA)
			s.finish(j, o)
			s.unclaimable(j.ID)
			s.advance(time.Hour)
			s.unclaimable(j.ID)
		}
	}},
	{"a lapsed lease is taken over and counted", func(s *suite) {
		p := s.project()
		j := s.started(p, codeforge.QA)
		s.advance(lease - time.Second)
		s.unclaimable(j.ID)
		s.advance(time.Second)
		again := s.claim(j.ID)
		if again.Fence != 2 || again.Crashes != 1 || again.Failures != 0 || !again.StartedAt.Equal(*j.StartedAt) {
			s.Fatalf("taken over: %+v", again)
		}
	}},
	{"a renewed lease is not", func(s *suite) {
		j := s.started(s.project(), codeforge.QA)
		for range 3 {
			s.advance(lease - time.Second)
			lost, err := s.RenewLeases(s.ctx(), []codeforge.Fence{fence(j)}, lease)
			s.ok(err)
			s.same("lost", len(lost), 0)
			s.unclaimable(j.ID)
		}
		s.same("claim", s.get(j.ID).Fence, 1)
	}},
	{"base and start are those of the first claim", func(s *suite) {
		p := s.project()
		j := s.started(p, codeforge.Code)
		s.write(p, "a.ts", "x")
		s.finish(j, returns)
		s.advance(time.Minute)
		again := s.claim(j.ID)
		if again.Base != 0 || !again.StartedAt.Equal(*j.StartedAt) || again.Fence != 2 || again.Crashes != 0 {
			s.Fatalf("claimed again: %+v", again)
		}
	}},
	{"a job waits for its time", func(s *suite) {
		j := s.started(s.project(), codeforge.QA)
		at := j.CreatedAt.Add(time.Minute)
		done := s.finish(j, codeforge.Outcome{Status: codeforge.Queued, RunAt: at, Failed: true, Error: "try again"})
		if !done.Job.RunAt.Equal(at) || done.Job.Failures != 1 || done.Job.Error != "try again" {
			s.Fatalf("put back: %+v", done.Job)
		}
		s.same("read", s.get(j.ID), done.Job)
		s.unclaimable(j.ID)
		s.advance(59 * time.Second)
		s.unclaimable(j.ID)
		s.advance(time.Second)
		if again := s.claim(j.ID); again.Fence != 2 || again.Failures != 1 || again.Crashes != 0 {
			s.Fatalf("claimed again: %+v", again)
		}
	}},
	{"release takes back what runs", func(s *suite) {
		p := s.project()
		running, queued, waiting := s.started(p, codeforge.QA), s.submit(p, codeforge.QA), s.waitingJob(p, codeforge.QA)
		n, err := s.ReleaseAll(s.ctx())
		s.ok(err)
		s.same("released", n, 1)
		if j := s.get(running.ID); j.Status != codeforge.Queued || j.Crashes != 1 || j.Failures != 0 {
			s.Fatalf("released: %+v", j)
		}
		if j := s.get(queued.ID); j.Status != codeforge.Queued || j.Crashes != 0 {
			s.Fatalf("queued: %+v", j)
		}
		s.same("waiting", s.get(waiting.ID).Status, codeforge.Waiting)
		if j := s.claim(running.ID); j.Crashes != 1 || j.Fence != 2 {
			s.Fatalf("claimed again: %+v", j)
		}
	}},
	{"jobs whose workers vanished more than once run one at a time, beside the others", func(s *suite) {
		p := s.project()
		a, b := s.submit(p, codeforge.QA), s.submit(p, codeforge.QA)
		for range codeforge.SuspectCrashes {
			s.claim(a.ID)
			s.claim(b.ID)
			s.advance(2 * lease)
			for _, j := range []codeforge.Job{a, b} { // a new worker finds it lapsed, and hands it back
				s.finish(s.claim(j.ID), returns)
			}
		}
		if j := s.get(a.ID); j.Crashes != codeforge.SuspectCrashes {
			s.Fatalf("crashed: %+v", j)
		}
		innocent := s.submit(p, codeforge.QA)
		first := s.claim(a.ID)
		s.unclaimable(b.ID)
		s.same("due", s.dueOf(b, innocent), []string{innocent.ID})
		s.claim(innocent.ID)
		s.finish(first, completes)
		s.claim(b.ID)
	}},
}

var lineTests = []test{
	{"jobs that change files run one at a time, in order of submission", func(s *suite) {
		p := s.project()
		a, b, c := s.submit(p, codeforge.Code), s.submit(p, codeforge.Builder), s.submit(p, codeforge.Code)
		s.unclaimable(b.ID)
		s.unclaimable(c.ID)
		ja := s.claim(a.ID)
		s.unclaimable(b.ID)
		s.same("next", s.finish(ja, completes).Next, b.ID)
		s.unclaimable(c.ID)
		jb := s.claim(b.ID)
		s.same("next", s.finish(jb, codeforge.Outcome{Status: codeforge.JobFailed}).Next, c.ID)
		s.same("next", s.finish(s.claim(c.ID), completes).Next, "")
	}},
	{"others run beside them", func(s *suite) {
		p := s.project()
		s.started(p, codeforge.Code)
		for _, agent := range []codeforge.AgentType{codeforge.Research, codeforge.Wireframe, codeforge.QA, codeforge.Pedagogy} {
			j := s.started(p, agent)
			s.same("next", s.finish(j, completes).Next, "")
		}
	}},
	{"projects run side by side", func(s *suite) {
		s.started(s.project(), codeforge.Code)
		s.started(s.project(), codeforge.Code)
	}},
	{"one that is put back keeps its place", func(s *suite) {
		p := s.project()
		a, b := s.started(p, codeforge.Code), s.submit(p, codeforge.Code)
		s.same("next", s.finish(a, codeforge.Outcome{Status: codeforge.Queued, RunAt: a.CreatedAt.Add(time.Hour)}).Next, "")
		s.unclaimable(b.ID)
		s.advance(time.Hour)
		s.unclaimable(b.ID)
		s.claim(a.ID)
	}},
	{"a lapsed one keeps its place", func(s *suite) {
		p := s.project()
		a, b := s.started(p, codeforge.Code), s.submit(p, codeforge.Code)
		s.advance(lease)
		s.unclaimable(b.ID)
		s.claim(a.ID)
		s.unclaimable(b.ID)
	}},
	{"one that waits for input lets others pass, and does not run beside them", func(s *suite) {
		p := s.project()
		a, b, c := s.started(p, codeforge.Code), s.submit(p, codeforge.Code), s.submit(p, codeforge.Code)
		s.same("next", s.finish(a, waits).Next, b.ID)
		jb := s.claim(b.ID)
		_, err := s.RespondJob(s.ctx(), s.u, a.ID, codeforge.NewID(), []byte(`[]`))
		s.ok(err)
		s.unclaimable(a.ID)
		s.same("next", s.finish(jb, completes).Next, a.ID)
		s.unclaimable(c.ID)
		s.same("next", s.finish(s.claim(a.ID), completes).Next, c.ID)
	}},
	{"cancelling lets the next one start", func(s *suite) {
		p := s.project()
		a, b, c, d := s.started(p, codeforge.Code), s.submit(p, codeforge.Code), s.submit(p, codeforge.Code), s.submit(p, codeforge.Code)
		cancel := func(j codeforge.Job, next string) {
			s.Helper()
			done, err := s.CancelJob(s.ctx(), s.u, j.ID)
			s.ok(err)
			s.same("next", done.Next, next)
		}
		cancel(c, "") // a runs
		cancel(a, b.ID)
		cancel(b, d.ID)
		s.claim(d.ID)
	}},
	{"next has to be due itself", func(s *suite) {
		p := s.project()
		a := s.started(p, codeforge.Code)
		b := s.submit(p, codeforge.Code)
		s.finish(a, waits)
		s.finish(s.claim(b.ID), codeforge.Outcome{Status: codeforge.Queued, RunAt: a.CreatedAt.Add(time.Hour)})
		done, err := s.CancelJob(s.ctx(), s.u, a.ID)
		s.ok(err)
		s.same("next", done.Next, "")
	}},
}

var finishTests = []test{
	{"completion sets all that it tells", func(s *suite) {
		p := s.project()
		j := s.started(p, codeforge.Research)
		s.advance(time.Second)
		o := completes
		o.Chat = []codeforge.Message{{Role: "assistant", Content: "Do\x00ne.", Metadata: json.RawMessage(`{"agent_type": "research"}`)}, {Role: "system", Content: "note"}}
		done := s.finish(j, o)
		if g := done.Job; g.Status != codeforge.JobCompleted || g.Progress != 100 || text(s.T, g.Result) != `{"done":true}` || g.CompletedAt == nil || !g.CompletedAt.After(*j.StartedAt) || g.Revision != 0 {
			s.Fatalf("finished %+v", g)
		}
		s.same("read", s.get(j.ID), done.Job)
		events := s.log(j.ID)
		s.same("events", events[1:], done.Events)
		if e := events[1]; e.Type != codeforge.EventComplete || string(e.Data) != `{"status": "completed"}` || e.At.IsZero() {
			s.Fatalf("event %+v", e)
		}
		list, err := s.ListMessages(s.ctx(), s.u, p.ID, codeforge.MessageFilter{Limit: 10})
		s.ok(err)
		if len(list) != 2 || list[0].Role != "assistant" || list[0].Content != "Done." || text(s.T, list[0].Metadata) != `{"agent_type":"research"}` || list[1].Content != "note" || list[1].Metadata != nil {
			s.Fatalf("messages %+v", list)
		}
	}},
	{"how it ends decides what is said of it", func(s *suite) {
		p := s.project()
		for _, status := range []codeforge.JobStatus{codeforge.JobFailed, codeforge.JobCancelled, codeforge.Waiting, codeforge.Queued} {
			o := codeforge.Outcome{Status: status, Chat: []codeforge.Message{{Role: "assistant", Content: "x"}}}
			done := s.finish(s.started(p, codeforge.Code), o)
			s.same("status", done.Job.Status, status)
			if status == codeforge.Queued || status == codeforge.Waiting {
				if done.Job.CompletedAt != nil {
					s.Fatalf("%s and completed at %v", status, done.Job.CompletedAt)
				}
			} else if done.Job.CompletedAt == nil {
				s.Fatalf("%s and not completed", status)
			}
			got, err := s.GetProject(s.ctx(), s.u, p.ID)
			s.ok(err)
			s.same("project", got, p)
			list, err := s.ListMessages(s.ctx(), s.u, p.ID, codeforge.MessageFilter{Limit: 10})
			s.ok(err)
			want := 1 // what a failed job says is kept, and what one asks
			if status == codeforge.Waiting || status == codeforge.Queued {
				want = 2
			}
			s.same("messages", len(list), want)
		}
	}},
	{"a failure keeps its error and result", func(s *suite) {
		j := s.started(s.project(), codeforge.QA)
		done := s.finish(j, codeforge.Outcome{Status: codeforge.JobFailed, Progress: 40, Error: "no\x00 luck", Result: json.RawMessage(`{"why":1}`), Failed: true})
		if g := done.Job; g.Error != "no luck" || text(s.T, g.Result) != `{"why":1}` || g.Failures != 1 || g.Progress != 40 {
			s.Fatalf("failed %+v", g)
		}
		s.same("read", s.get(j.ID), done.Job)
	}},
	{"an archived project stays archived", func(s *suite) {
		p := s.project()
		j := s.started(p, codeforge.Code)
		_, err := s.UpdateProject(s.ctx(), s.u, p.ID, codeforge.ProjectPatch{Status: new(codeforge.Archived)})
		s.ok(err)
		stage := codeStage(0, 0, codeforge.FileChange{Path: "a.ts", Content: "x"})
		stage.ProjectStatus = codeforge.InProgress
		s.same("revision", s.keep(j, stage).Revision, 1)
		got, err := s.GetProject(s.ctx(), s.u, p.ID)
		s.ok(err)
		s.same("status", got.Status, codeforge.Archived)
	}},
	{"no outcome leaves a job running", func(s *suite) {
		p := s.project()
		j := s.started(p, codeforge.Code)
		s.unchanged(p, func() {
			if _, err := s.FinishJob(s.ctx(), fence(j), codeforge.Outcome{Status: codeforge.Running}); err == nil {
				s.Fatal("a finished job runs on")
			}
			big := &codeforge.NewProposal{Changes: []codeforge.FileChange{{Path: "big.ts", Content: strings.Repeat("x", codeforge.MaxContent+1)}}}
			_, err := s.FinishJob(s.ctx(), fence(j), codeforge.Outcome{Status: codeforge.JobFailed, Proposal: big})
			s.refused(err, codeforge.Invalid)
		})
		s.finish(j, completes)
	}},
}

var fenceTests = []test{
	{"an old claim writes nothing", func(s *suite) {
		p := s.project()
		old := s.started(p, codeforge.Code)
		s.advance(lease)
		newer := s.claim(old.ID)
		s.fencedOff(p, old)
		s.finish(newer, completes)
		s.fencedOff(p, newer)
	}},
	{"nor does one whose job was cancelled, put back or released", func(s *suite) {
		p := s.project()
		cancelled, back, released := s.started(p, codeforge.QA), s.started(p, codeforge.QA), s.started(p, codeforge.QA)
		_, err := s.CancelJob(s.ctx(), s.u, cancelled.ID)
		s.ok(err)
		s.finish(back, returns)
		_, err = s.ReleaseAll(s.ctx())
		s.ok(err)
		for _, j := range []codeforge.Job{cancelled, back, released} {
			s.fencedOff(p, j)
		}
	}},
	{"nor does one of a job that is not there", func(s *suite) {
		s.fencedOff(s.project(), codeforge.Job{ID: codeforge.NewID(), Fence: 1})
	}},
	{"nor does one that was never made", func(s *suite) {
		p := s.project()
		s.fencedOff(p, s.submit(p, codeforge.QA))
		j := s.started(p, codeforge.QA)
		j.Fence++
		s.fencedOff(p, j)
	}},
	{"a lapsed claim that nobody took over still holds", func(s *suite) {
		p := s.project()
		j := s.started(p, codeforge.QA)
		s.advance(2 * lease)
		lost, err := s.RenewLeases(s.ctx(), []codeforge.Fence{fence(j)}, lease)
		s.ok(err)
		s.same("lost", len(lost), 0)
		s.advance(2 * lease)
		s.finish(j, completes)
	}},
	{"renewal tells which are lost", func(s *suite) {
		p := s.project()
		a, b, c := s.started(p, codeforge.QA), s.started(p, codeforge.QA), s.started(p, codeforge.QA)
		s.finish(b, completes)
		lost, err := s.RenewLeases(s.ctx(), []codeforge.Fence{fence(a), fence(b), fence(c)}, lease)
		s.ok(err)
		s.same("lost", lost, []codeforge.Fence{fence(b)})
		lost, err = s.RenewLeases(s.ctx(), nil, lease)
		s.ok(err)
		s.same("lost", len(lost), 0)
	}},
	{"a claim sees its project", func(s *suite) {
		p := s.project()
		j := s.started(p, codeforge.QA)
		got, err := s.ProjectForJob(s.ctx(), fence(j))
		s.ok(err)
		s.same("project", got, p)
	}},
}

// fencedOff wants every method that names the claim of j to change nothing.
func (s *suite) fencedOff(p codeforge.Project, j codeforge.Job) {
	s.Helper()
	s.unchanged(p, func() {
		s.Helper()
		_, err := s.RecordEvents(s.ctx(), fence(j), 99, []codeforge.Event{{Type: codeforge.EventStage, Data: json.RawMessage(`{}`)}})
		s.wantFenced(err)
		_, err = s.FinishJob(s.ctx(), fence(j), completes)
		s.wantFenced(err)
		_, err = s.KeepStage(s.ctx(), fence(j), codeStage(9, 0, codeforge.FileChange{Path: "late.ts", Content: "late"}))
		s.wantFenced(err)
		_, err = s.ProjectForJob(s.ctx(), fence(j))
		s.wantFenced(err)
		lost, err := s.RenewLeases(s.ctx(), []codeforge.Fence{fence(j)}, time.Hour)
		s.ok(err)
		s.same("lost", lost, []codeforge.Fence{fence(j)})
	})
}

var cancelTests = []test{
	{"queued, running and waiting jobs can be cancelled", func(s *suite) {
		p := s.project()
		for _, j := range []codeforge.Job{s.submit(p, codeforge.QA), s.started(p, codeforge.QA), s.waitingJob(p, codeforge.QA)} {
			before := len(s.log(j.ID))
			done, err := s.CancelJob(s.ctx(), s.u, j.ID)
			s.ok(err)
			if g := done.Job; g.Status != codeforge.JobCancelled || g.CompletedAt == nil || g.Progress != j.Progress {
				s.Fatalf("cancelled %+v", g)
			}
			s.same("read", s.get(j.ID), done.Job)
			events := s.log(j.ID)
			s.same("events", events[before:], done.Events)
			if len(done.Events) != 1 || done.Events[0].Type != codeforge.EventCancelled {
				s.Fatalf("events %+v", done.Events)
			}
			s.data(done.Events[0], map[string]any{"job_id": j.ID, "status": "cancelled", "progress": j.Progress})
			s.unclaimable(j.ID)
		}
	}},
	{"a job that has ended cannot", func(s *suite) {
		p := s.project()
		for _, status := range []codeforge.JobStatus{codeforge.JobCompleted, codeforge.JobFailed, codeforge.JobCancelled} {
			j := s.finish(s.started(p, codeforge.QA), codeforge.Outcome{Status: status}).Job
			s.unchanged(p, func() {
				_, err := s.CancelJob(s.ctx(), s.u, j.ID)
				e := s.refused(err, codeforge.Invalid)
				s.same("details", e.Details, map[string]any{"field": "status", "reason": "job is " + string(status) + " and cannot be cancelled"})
			})
		}
	}},
}

var respondTests = []test{
	{"answers send a waiting job on", func(s *suite) {
		p := s.project()
		j := s.waitingJob(p, codeforge.Code)
		s.same("asks", string(j.Clarification), `{"questions":[{"question":"who?"}],"answers":[]}`)
		s.write(p, "a.ts", "x")
		before := len(s.log(j.ID))
		alias := codeforge.NewID()
		done, err := s.RespondJob(s.ctx(), s.u, j.ID, alias, []byte(`[{"question":"who?","answer":"me"}]`))
		s.ok(err)
		if g := done.Job; g.ID != j.ID || g.Status != codeforge.Queued || g.Base != 0 || g.CompletedAt != nil || g.Progress != 50 {
			s.Fatalf("answered %+v", g)
		}
		s.same("clarification", done.Job.Clarification, json.RawMessage(`{"questions":[{"question":"who?"}],"answers":[{"question":"who?","answer":"me"}]}`))
		s.same("read", s.get(j.ID), done.Job)
		events := s.log(j.ID)
		s.same("events", events[before:], done.Events)
		if len(done.Events) != 1 || done.Events[0].Type != codeforge.EventProgress {
			s.Fatalf("events %+v", done.Events)
		}
		s.data(done.Events[0], map[string]any{"job_id": j.ID, "status": "queued", "progress": 50})
		again := s.claim(j.ID)
		s.same("base", again.Base, 1)
		s.same("claim", again.Fence, 2)
	}},
	{"an alias is another id of the job", func(s *suite) {
		p := s.project()
		j := s.waitingJob(p, codeforge.QA)
		first, second := codeforge.NewID(), codeforge.NewID()
		_, err := s.RespondJob(s.ctx(), s.u, j.ID, first, []byte(`[]`))
		s.ok(err)
		s.finish(s.claim(j.ID), waits)
		_, err = s.RespondJob(s.ctx(), s.u, first, second, []byte(`[]`))
		s.ok(err)
		for _, id := range []string{j.ID, first, second} {
			s.same("job", s.get(id).ID, j.ID)
			for _, after := range []int64{0, 1, 3, 99} {
				state, events, err := s.WatchJob(s.ctx(), s.u, id, after, 2)
				s.ok(err)
				s.same("state", []any{state.ID, state.UserID, state.Status, state.Progress, state.Error, state.UpdatedAt, state.CompletedAt},
					[]any{j.ID, s.u.ID, s.get(id).Status, s.get(id).Progress, s.get(id).Error, s.get(id).UpdatedAt, s.get(id).CompletedAt})
				want, err := s.Contract.Events(s.ctx(), s.u, id, after, 2)
				s.ok(err)
				s.same("watched", events, want)
			}
			canonical, owner, err := s.JobOwner(s.ctx(), id)
			s.ok(err)
			s.same("owner", []string{canonical, owner}, []string{j.ID, s.u.ID})
			s.same("events", s.log(id), s.log(j.ID))
		}
		_, total, err := s.ListJobs(s.ctx(), s.u, p.ID, codeforge.JobFilter{Limit: 10})
		s.ok(err)
		s.same("jobs", total, 1)
		_, err = s.CancelJob(s.ctx(), s.u, second)
		s.ok(err)
		s.same("status", s.get(first).Status, codeforge.JobCancelled)
	}},
	{"answers of several rounds are kept", func(s *suite) {
		j := s.waitingJob(s.project(), codeforge.QA)
		_, err := s.RespondJob(s.ctx(), s.u, j.ID, codeforge.NewID(), []byte(`[{"question":"who?","answer":"me"}]`))
		s.ok(err)
		o := waits
		o.Question = json.RawMessage(`[{"question":"why?"}]`)
		asked := s.finish(s.claim(j.ID), o).Job
		s.same("asks", string(asked.Clarification), `{"questions":[{"question":"why?"}],"answers":[{"question":"who?","answer":"me"}]}`)
		done, err := s.RespondJob(s.ctx(), s.u, j.ID, codeforge.NewID(), []byte(`[{"question":"why?","answer":"so"}]`))
		s.ok(err)
		s.same("answered", string(done.Job.Clarification), `{"questions":[{"question":"why?"}],"answers":[{"question":"who?","answer":"me"},{"question":"why?","answer":"so"}]}`)
	}},
	{"only a waiting job takes answers", func(s *suite) {
		p := s.project()
		for _, j := range []codeforge.Job{s.submit(p, codeforge.QA), s.started(p, codeforge.QA), s.finish(s.started(p, codeforge.QA), completes).Job} {
			alias := codeforge.NewID()
			s.unchanged(p, func() {
				_, err := s.RespondJob(s.ctx(), s.u, j.ID, alias, []byte(`[]`))
				e := s.refused(err, codeforge.Invalid)
				s.same("field", e.Details["field"], "status")
				_, err = s.GetJob(s.ctx(), s.u, alias)
				s.missing(err, "Job", alias)
			})
		}
	}},
	{"answers must be a list", func(s *suite) {
		p := s.project()
		j := s.waitingJob(p, codeforge.QA)
		s.unchanged(p, func() {
			for _, bad := range []string{`{}`, ``, `[`, `"x"`} {
				_, err := s.RespondJob(s.ctx(), s.u, j.ID, codeforge.NewID(), []byte(bad))
				s.refused(err, codeforge.Invalid)
			}
		})
	}},
}

var eventTests = []test{
	{"events are numbered without gaps, whoever makes them", func(s *suite) {
		j := s.started(s.project(), codeforge.QA)
		at := j.CreatedAt.Add(-time.Hour)
		stored, err := s.RecordEvents(s.ctx(), fence(j), 30, []codeforge.Event{{Type: codeforge.EventStage, Data: json.RawMessage(`{"x":  1}`)}, {Type: codeforge.EventFile, Data: json.RawMessage(`{}`), At: at}})
		s.ok(err)
		if len(stored) != 2 || stored[0].Seq != 2 || stored[1].Seq != 3 || stored[0].JobID != j.ID || stored[0].At.IsZero() || !stored[1].At.Equal(at) {
			s.Fatalf("stored %+v", stored)
		}
		s.finish(j, completes)
		events := s.log(j.ID)
		s.same("events", len(events), 4)
		s.same("stored", events[1:3], stored)
		s.same("data", string(events[1].Data), `{"x":  1}`)
	}},
	{"progress is set when it is not negative", func(s *suite) {
		j := s.started(s.project(), codeforge.QA)
		for _, c := range []struct{ give, want float64 }{{12.5, 12.5}, {-1, 12.5}, {0, 0}} {
			_, err := s.RecordEvents(s.ctx(), fence(j), c.give, nil)
			s.ok(err)
			s.same("progress", s.get(j.ID).Progress, c.want)
		}
		s.same("events", len(s.log(j.ID)), 1)
	}},
	{"the given events are not changed", func(s *suite) {
		j := s.started(s.project(), codeforge.QA)
		given := []codeforge.Event{{Type: codeforge.EventStage, Data: json.RawMessage(`{}`)}}
		_, err := s.RecordEvents(s.ctx(), fence(j), -1, given)
		s.ok(err)
		s.same("number", given[0].Seq, 0)
	}},
	{"replay starts after a number and ends at a limit", func(s *suite) {
		j := s.started(s.project(), codeforge.QA)
		_, err := s.RecordEvents(s.ctx(), fence(j), -1, fiveEvents())
		s.ok(err)
		for _, c := range []struct {
			after int64
			limit int
			want  []int64
		}{{0, 2, []int64{1, 2}}, {2, 3, []int64{3, 4, 5}}, {4, 100, []int64{5, 6}}, {6, 100, nil}, {99, 1, nil}} {
			events, err := s.Contract.Events(s.ctx(), s.u, j.ID, c.after, c.limit)
			s.ok(err)
			var got []int64
			for _, e := range events {
				got = append(got, e.Seq)
			}
			s.same("numbers", got, c.want)
		}
	}},
}

func fiveEvents() []codeforge.Event {
	events := make([]codeforge.Event, 5)
	for i := range events {
		events[i] = codeforge.Event{Type: codeforge.EventStage, Data: json.RawMessage(`{}`)}
	}
	return events
}

var dueTests = []test{
	{"oldest first, at most so many", func(s *suite) {
		p := s.project()
		a, b, c := s.submit(p, codeforge.QA), s.submit(p, codeforge.QA), s.submit(p, codeforge.QA)
		s.same("queued", s.queued(), 3)
		got, err := s.ClaimJobs(s.ctx(), "w", lease, 2, codeforge.ClaimPolicy{})
		s.ok(err)
		if len(got.Jobs) != 2 || got.Jobs[0].ID != a.ID || got.Jobs[1].ID != b.ID || !got.More || got.Next > lease || got.Next <= 0 {
			s.Fatalf("claimed %+v", got)
		}
		s.same("read", s.get(b.ID), got.Jobs[1])
		got, err = s.ClaimJobs(s.ctx(), "w", lease, 2, codeforge.ClaimPolicy{})
		s.ok(err)
		if len(got.Jobs) != 1 || got.Jobs[0].ID != c.ID || got.More {
			s.Fatalf("claimed %+v", got)
		}
		s.same("queued", s.queued(), 0)
	}},
	{"nothing", func(s *suite) {
		got, err := s.ClaimJobs(s.ctx(), "w", lease, 10, codeforge.ClaimPolicy{})
		s.ok(err)
		if len(got.Jobs) != 0 || got.More || got.Next != 0 || s.queued() != 0 {
			s.Fatalf("%+v", got)
		}
		s.submit(s.project(), codeforge.QA)
		got, err = s.ClaimJobs(s.ctx(), "w", lease, 0, codeforge.ClaimPolicy{})
		s.ok(err)
		if len(got.Jobs) != 0 || !got.More {
			s.Fatalf("no place is free: %+v", got)
		}
	}},
	{"only the first in line", func(s *suite) {
		p, q := s.project(), s.project()
		a, second := s.submit(p, codeforge.Code), s.submit(p, codeforge.Code)
		other, beside := s.submit(q, codeforge.Code), s.submit(p, codeforge.QA)
		s.same("queued", s.queued(), 4)
		s.same("due", s.dueOf(a, second, other, beside), []string{a.ID, other.ID, beside.ID})
		s.same("claimed", s.claimAll(10, codeforge.ClaimPolicy{}), []string{a.ID, other.ID, beside.ID})
		s.same("claimed", s.claimAll(10, codeforge.ClaimPolicy{}), nil)
	}},
	{"times to come", func(s *suite) {
		p := s.project()
		running, later, late := s.started(p, codeforge.QA), s.started(p, codeforge.QA), s.started(p, codeforge.QA)
		start := running.CreatedAt
		s.finish(later, codeforge.Outcome{Status: codeforge.Queued, RunAt: start.Add(time.Hour)})
		s.finish(late, codeforge.Outcome{Status: codeforge.Queued, RunAt: start.Add(2 * time.Hour)})
		next := func(want time.Duration, ids ...string) {
			s.Helper()
			got, err := s.ClaimJobs(s.ctx(), "w", 10*time.Hour, 10, codeforge.ClaimPolicy{Held: []string{running.ID}})
			s.ok(err)
			var claimed []string
			for _, j := range got.Jobs {
				claimed = append(claimed, j.ID)
			}
			s.same("claimed", claimed, ids)
			if off := want - got.Next; off < 0 || off > time.Minute {
				s.Fatalf("next in %v, want %v", got.Next, want)
			}
		}
		next(lease)
		s.same("queued", s.queued(), 2)
		s.advance(2 * lease)
		next(time.Hour - 2*lease) // what is held is not taken over
		s.advance(time.Hour)
		next(time.Hour, later.ID)
	}},
	{"a lapsed one comes before the queued, but for those held", func(s *suite) {
		p := s.project()
		a, b := s.started(p, codeforge.QA), s.started(p, codeforge.QA)
		c := s.submit(p, codeforge.QA)
		s.advance(lease)
		s.same("claimed", s.claimAll(10, codeforge.ClaimPolicy{Held: []string{a.ID}}), []string{b.ID, c.ID})
		s.same("crashes", []int{s.get(a.ID).Crashes, s.get(b.ID).Crashes, s.get(c.ID).Crashes}, []int{0, 1, 0})
	}},
}

var sweepTests = []test{
	{"old jobs go with their events, the rest stays", func(s *suite) {
		p := s.project()
		old := s.waitingJob(p, codeforge.QA)
		alias := codeforge.NewID()
		_, err := s.RespondJob(s.ctx(), s.u, old.ID, alias, []byte(`[]`))
		s.ok(err)
		s.finish(s.claim(old.ID), completes)
		coded := s.build(p, s.started(p, codeforge.Code), codeforge.FileChange{Path: "a.ts", Content: "x"}).Job
		open := []codeforge.Job{s.submit(p, codeforge.QA), s.started(p, codeforge.QA), s.waitingJob(p, codeforge.QA)}
		s.advance(time.Hour)
		young := s.finish(s.started(p, codeforge.QA), completes).Job
		before := young.CompletedAt.Add(-time.Minute)
		n, err := s.SweepJobs(s.ctx(), before)
		s.ok(err)
		s.same("swept", n, 2)
		for _, id := range []string{old.ID, alias, coded.ID} {
			_, err := s.GetJob(s.ctx(), s.u, id)
			s.missing(err, "Job", id)
			_, err = s.Contract.Events(s.ctx(), s.u, id, 0, 10)
			s.missing(err, "Job", id)
			_, _, err = s.JobOwner(s.ctx(), id)
			s.missing(err, "Job", id)
		}
		for _, j := range append(open, young) {
			s.get(j.ID)
		}
		s.same("tree", s.treeAt(p, 1), tree{"a.ts": "x"})
		rev, _, err := s.RevisionFiles(s.ctx(), s.u, p.ID, 1, codeforge.Page{})
		s.ok(err)
		s.same("made by", rev.JobID, coded.ID)
		n, err = s.SweepJobs(s.ctx(), before)
		s.ok(err)
		s.same("swept again", n, 0)
	}},
}

var readTests = []test{
	{"jobs of a project, newest first, in pages", func(s *suite) {
		p := s.project()
		var want []string
		for range 5 {
			want = append([]string{s.submit(p, codeforge.QA).ID}, want...)
		}
		s.submit(s.project(), codeforge.QA)
		for offset, ids := range map[int][]string{0: want[:2], 2: want[2:4], 4: want[4:], 5: nil} {
			list, total, err := s.ListJobs(s.ctx(), s.u, p.ID, codeforge.JobFilter{Limit: 2, Offset: offset})
			s.ok(err)
			s.same("total", total, 5)
			var got []string
			for _, j := range list {
				got = append(got, j.ID)
				s.same("job", j, s.get(j.ID))
			}
			s.same("ids", got, ids)
		}
	}},
	{"the newest messages, oldest first", func(s *suite) {
		p := s.project()
		for _, text := range []string{"1", "2", "3"} {
			_, _, _, err := s.SubmitJob(s.ctx(), s.u, codeforge.NewJob{ProjectID: p.ID, Agent: codeforge.QA, UserMessage: text})
			s.ok(err)
		}
		list, err := s.ListMessages(s.ctx(), s.u, p.ID, codeforge.MessageFilter{Limit: 2})
		s.ok(err)
		if len(list) != 2 || list[0].Content != "2" || list[1].Content != "3" {
			s.Fatalf("messages %+v", list)
		}
	}},
	{"lines are added to a conversation by the system", func(s *suite) {
		p, other := s.project(), s.project()
		s.ok(s.AddMessages(s.ctx(), p.ID, []codeforge.Message{{Role: "user", Content: "me"}, {Role: "assistant", Content: "good\x00", Metadata: []byte(`{"job_id": "j"}`)}}))
		list, err := s.ListMessages(s.ctx(), s.u, p.ID, codeforge.MessageFilter{Limit: 5})
		s.ok(err)
		if len(list) != 2 || list[0].Role+list[1].Role != "userassistant" && list[0].Role+list[1].Role != "assistantuser" {
			s.Fatalf("messages %+v", list)
		}
		if list, err = s.ListMessages(s.ctx(), s.u, other.ID, codeforge.MessageFilter{Limit: 5}); err != nil || len(list) != 0 {
			s.Fatalf("of another project: %+v, %v", list, err)
		}
		if err := s.AddMessages(s.ctx(), codeforge.NewID(), []codeforge.Message{{Role: "user", Content: "nobody"}}); err == nil {
			s.Fatal("there is no such project")
		}
	}},
	{"an ended context is told", func(s *suite) {
		p := s.project()
		ctx, cancel := cancelled(s.ctx())
		defer cancel()
		s.unchanged(p, func() {
			if _, err := s.GetProject(ctx, s.u, p.ID); err == nil {
				s.Fatal("read")
			}
			if _, err := s.WriteFile(ctx, s.u, p.ID, codeforge.FileWrite{Path: "a.ts"}); err == nil {
				s.Fatal("wrote")
			}
		})
	}},
}
