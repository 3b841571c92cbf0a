package postgres_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"codeforge"
	"codeforge/internal/auth"
	"codeforge/internal/postgres"
	"codeforge/internal/postgres/restest"
	"codeforge/internal/storetest"
)

// wire is a transport that counts, and loses what it is told to lose.
type wire struct {
	http.RoundTripper
	sent atomic.Int32
	mu   sync.Mutex
	lose map[string]int // answers by end of path
}

func (w *wire) losing(path string, n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lose = map[string]int{path: n}
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	w.sent.Add(1)
	res, err := w.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for path, n := range w.lose {
		if n > 0 && strings.HasSuffix(r.URL.Path, path) {
			w.lose[path]--
			io.Copy(io.Discard, res.Body)
			res.Body.Close()
			return nil, io.ErrUnexpectedEOF
		}
	}
	return res, nil
}

func wired(t *testing.T, o restest.Options) (*project, *wire) {
	w := &wire{RoundTripper: http.DefaultTransport.(*http.Transport).Clone()}
	return start(t, o, func(_ *restest.Server, o *postgres.DataAPIOptions) { o.Transport = w }), w
}

// check ends the test at an error.
func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestDataAPIRoundTrips(t *testing.T) {
	t.Parallel()
	p, w := wired(t, restest.Options{})
	ctx, u, s := t.Context(), p.user(), p.store
	mine, err := s.CreateProject(ctx, u, codeforge.Project{Title: "Mine"})
	check(t, err)
	_, err = s.WriteFile(ctx, u, mine.ID, codeforge.FileWrite{Path: "a.ts", Content: "a"})
	check(t, err)
	j, _, _, err := s.SubmitJob(ctx, u, codeforge.NewJob{ProjectID: mine.ID, Agent: codeforge.Code})
	check(t, err)
	student, err := s.CreateProject(ctx, u, codeforge.Project{Title: "Student", Mode: codeforge.ModeStudent})
	check(t, err)
	p.pg.Exec(t, p.db, "insert into public.learning_roadmaps (project_id, modules) values ('"+student.ID+"', '[{}]')")
	gone, err := s.CreateProject(ctx, u, codeforge.Project{Title: "Gone"})
	check(t, err)
	_, token, err := auth.NewToken(u, "ci", auth.Scopes, 0)
	check(t, err)
	pack, err := s.PutBlob(ctx, u, student.ID, []byte("PACK\x00"))
	check(t, err)
	for name, do := range map[string]func() error{
		"create": func() error { _, err := s.CreateProject(ctx, u, codeforge.Project{Title: "Second"}); return err },
		"copy": func() error {
			_, _, err := s.CopyProject(ctx, u, codeforge.ProjectCopy{From: mine.ID, IdempotencyKey: "k"})
			return err
		},
		"get": func() error { _, err := s.GetProject(ctx, u, mine.ID); return err },
		"list": func() error {
			_, _, err := s.ListProjects(ctx, u, codeforge.ProjectFilter{Page: 1, Size: 20})
			return err
		},
		"update": func() error {
			_, err := s.UpdateProject(ctx, u, mine.ID, codeforge.ProjectPatch{Title: new("New")})
			return err
		},
		"files":     func() error { _, _, err := s.ListFiles(ctx, u, mine.ID, true, -1); return err },
		"unchanged": func() error { _, _, err := s.ListFiles(ctx, u, mine.ID, true, 1); return err },
		"file":      func() error { _, err := s.GetFile(ctx, u, mine.ID, "a.ts"); return err },
		"write": func() error {
			_, err := s.WriteFile(ctx, u, mine.ID, codeforge.FileWrite{Path: "b.ts"})
			return err
		},
		"revisions": func() error { _, _, err := s.ListRevisions(ctx, u, mine.ID, 1, 20); return err },
		"revision":  func() error { _, _, err := s.RevisionFiles(ctx, u, mine.ID, 1, codeforge.Page{}); return err },
		"comparison": func() error {
			_, _, err := s.CompareRevisions(ctx, u, mine.ID, 0, 1, codeforge.Page{})
			return err
		},
		"deltas": func() error { _, _, err := s.RevisionDeltas(ctx, u, mine.ID, 1, codeforge.Page{}); return err },
		"submit": func() error {
			_, _, _, err := s.SubmitJob(ctx, u, codeforge.NewJob{ProjectID: mine.ID, Agent: codeforge.QA, IdempotencyKey: "k", UserMessage: "hi"})
			return err
		},
		"job":       func() error { _, err := s.GetJob(ctx, u, j.ID); return err },
		"jobs":      func() error { _, _, err := s.ListJobs(ctx, u, mine.ID, codeforge.JobFilter{Limit: 20}); return err },
		"events":    func() error { _, err := s.Events(ctx, u, j.ID, 0, 10); return err },
		"no events": func() error { _, err := s.Events(ctx, u, j.ID, 99, 10); return err },
		"messages": func() error {
			_, err := s.ListMessages(ctx, u, mine.ID, codeforge.MessageFilter{Limit: 10})
			return err
		},
		"put blob":  func() error { _, err := s.PutBlob(ctx, u, mine.ID, []byte("\xff")); return err },
		"read lock": func() error { _, err := s.ReadLock(ctx, u, mine.ID, 0); return err },
		"read blob": func() error { _, err := s.ReadBlob(ctx, u, mine.ID, codeforge.BlobHash([]byte("a"))); return err },
		"commits":   func() error { _, _, err := s.GitRevisions(ctx, u, mine.ID, 0, 10); return err },
		"contents": func() error {
			_, err := s.ReadContents(ctx, u, mine.ID, []string{codeforge.BlobHash([]byte("a"))})
			return err
		},
		"write revision": func() error {
			_, err := s.WriteRevision(ctx, u, mine.ID, codeforge.TreeChange{Head: -1, Lock: []byte("\xfe")})
			return err
		},
		"put pattern": func() error {
			return s.PutPattern(ctx, codeforge.Pattern{ProjectID: mine.ID, JobID: j.ID, Model: "test:a", Vector: make([]float32, codeforge.VectorSize), CreatedAt: time.Now()})
		},
		"near patterns": func() error {
			_, err := s.NearPatterns(ctx, codeforge.PatternQuery{UserID: u.ID, Model: "test:a", Vector: make([]float32, codeforge.VectorSize), Limit: 3})
			return err
		},
		"list patterns": func() error { _, err := s.ListPatterns(ctx, u, mine.ID); return err },
		"reviewed": func() error {
			_, err := s.ReviewedArchitectures(ctx, "test:a", time.Now().Add(-time.Hour), "", 10)
			return err
		},
		"mark":        func() error { return s.MarkChecked(ctx, u, mine.ID, 1, true, nil, nil, nil) },
		"screenshots": func() error { _, err := s.ListScreenshots(ctx, u, mine.ID, 1); return err },
		"claim":       func() error { _, err := s.ClaimJobs(ctx, "w", time.Minute, 10, codeforge.ClaimPolicy{}); return err },
		"queued":      func() error { _, err := s.CountQueued(ctx); return err },
		"places":      func() error { _, err := s.QueuePlaces(ctx, []string{j.ID}, codeforge.ClaimPolicy{}); return err },
		"owner":       func() error { _, _, err := s.JobOwner(ctx, j.ID); return err },
		"jobs of a user": func() error {
			_, _, err := s.ListUserJobs(ctx, u, codeforge.UserJobs{Agent: codeforge.QA, ProjectID: mine.ID, Limit: 20})
			return err
		},
		"calls": func() error { _, err := s.Ledger(nil).JobCalls(ctx, u, j.ID, "", 20); return err },
		"answer": func() error {
			_, err := s.Ledger(nil).JobAnswer(ctx, u, j.ID, 1)
			if codeforge.IsKind(err, codeforge.Missing) { // it has none
				return nil
			}
			return err
		},
		"profile":     func() error { _, err := s.GetProfile(ctx, u); return err },
		"put profile": func() error { _, err := s.PutProfile(ctx, u, codeforge.ProfilePatch{FullName: new("Far")}); return err },
		"waitlist":    func() error { return s.JoinWaitlist(ctx, "far@example.com") },
		"roadmap":     func() error { _, err := s.GetRoadmap(ctx, u, student.ID); return err },
		"step":        func() error { _, err := s.SetRoadmapStep(ctx, u, student.ID, 0); return err },
		"choice":      func() error { _, err := s.ChooseOption(ctx, u, student.ID, 0, "a"); return err },
		"progress":    func() error { _, err := s.GetStudentProgress(ctx, u, student.ID); return err },
		"session": func() error {
			_, err := s.AddSession(ctx, u, student.ID, codeforge.DailySession{Transcript: []byte("[]")})
			return err
		},
		"sessions": func() error { _, err := s.ListSessions(ctx, u, student.ID, "", 10); return err },
		"settled messages": func() error {
			_, err := s.ListMessages(ctx, u, mine.ID, codeforge.MessageFilter{Limit: 10, Role: "user", Settled: true})
			return err
		},
		"create token":   func() error { return s.CreateToken(ctx, u, token) },
		"tokens":         func() error { _, err := s.ListTokens(ctx, u); return err },
		"put key":        func() error { _, err := s.PutKey(ctx, u, "openai", "abcd", []byte("sealed")); return err },
		"keys":           func() error { _, err := s.ListKeys(ctx, u); return err },
		"keys of a user": func() error { _, err := s.UserKeys(ctx, u.ID); return err },
		"delete project": func() error { _, err := s.DeleteProject(ctx, u, gone.ID, nil); return err },
		"delete profile": func() error { return s.DeleteProfile(ctx, codeforge.User{ID: codeforge.NewID()}) },
		"push": func() error {
			_, err := s.PushRevisions(ctx, u, student.ID, codeforge.Push{Head: 0, Revisions: []codeforge.PushedRevision{{Commit: strings.Repeat("a", 40), Packs: []string{pack}}}})
			return err
		},
		"ready": func() error { return s.Ping(ctx) },
	} {
		before := w.sent.Load()
		check(t, do())
		if n := w.sent.Load() - before; n != 1 {
			t.Errorf("%s: %d requests", name, n)
		}
	}
}

// Lists are whole however few rows an answer may hold.
func TestLongLists(t *testing.T) {
	t.Parallel()
	p := start(t, restest.Options{}, nil)
	ctx, u, s := t.Context(), p.user(), p.store
	first, err := s.CreateProject(ctx, u, codeforge.Project{Title: "First"})
	check(t, err)
	p.pg.Exec(t, p.db, fmt.Sprintf(`insert into public.projects (user_id, title, mode, created_at) select '%s', 'Project ' || n, 'builder', now() + n * interval '1 ms' from generate_series(1, 2499) n`, u.ID))
	list, total, err := s.ListProjects(ctx, u, codeforge.ProjectFilter{Page: 1, Size: 2500})
	check(t, err)
	seen := map[string]bool{}
	for i, q := range list {
		if seen[q.ID] = true; i > 0 && q.CreatedAt.After(list[i-1].CreatedAt) {
			t.Fatalf("%d is younger than the one before", i)
		}
	}
	if len(list) != 2500 || total != 2500 || len(seen) != 2500 || list[2499].ID != first.ID {
		t.Fatalf("%d of %d projects, %d of them different", len(list), total, len(seen))
	}
	for page, want := range map[int]int{1: 1200, 2: 1200, 3: 100, 4: 0, 1000: 0} {
		if list, total, err = s.ListProjects(ctx, u, codeforge.ProjectFilter{Page: page, Size: 1200}); err != nil || len(list) != want || total != 2500 {
			t.Errorf("page %d: %d of %d: %v", page, len(list), total, err)
		}
	}

	j, _, _, err := s.SubmitJob(ctx, u, codeforge.NewJob{ProjectID: first.ID, Agent: codeforge.Code})
	check(t, err)
	j, _, err = storetest.Claim(ctx, s, j.ID, "w", time.Minute)
	check(t, err)
	f := codeforge.Fence{JobID: j.ID, Number: j.Fence}
	events := make([]codeforge.Event, 2500)
	for i := range events {
		events[i] = codeforge.Event{Type: codeforge.EventStage, Data: fmt.Appendf(nil, `{"n":%d}`, i)}
	}
	_, err = s.RecordEvents(ctx, f, 10, events)
	check(t, err)
	stored, err := s.Events(ctx, u, j.ID, 0, 5000)
	check(t, err)
	if len(stored) != 2501 || string(stored[2500].Data) != `{"n":2499}` {
		t.Fatalf("%d events", len(stored))
	}
	changes := make([]codeforge.FileChange, codeforge.MaxFiles)
	for i := range changes {
		changes[i] = codeforge.FileChange{Path: fmt.Sprintf("src/%04d.ts", i), Content: "x"}
	}
	_, err = s.KeepStage(ctx, f, codeforge.StageResult{Stage: codeforge.Code, Changes: changes})
	check(t, err)
	files, _, err := s.ListFiles(ctx, u, first.ID, true, -1)
	check(t, err)
	snapshot, err := s.SnapshotFiles(ctx, first.ID, 1)
	check(t, err)
	_, deltas, err := s.RevisionDeltas(ctx, u, first.ID, 1, codeforge.Page{})
	check(t, err)
	if len(files) != codeforge.MaxFiles || len(snapshot) != codeforge.MaxFiles || len(deltas) != codeforge.MaxFiles {
		t.Fatalf("%d files, %d in the snapshot, %d deltas", len(files), len(snapshot), len(deltas))
	}
}

// Names that mean something in an address, a filter or a pattern are names all the same.
func TestReservedCharacters(t *testing.T) {
	t.Parallel()
	p, w := wired(t, restest.Options{})
	ctx, u, s := t.Context(), p.user(), p.store
	odd := `a,b.(c):"d"&e=eq.f%20+*?#{}[]$1'; é`
	mine, err := s.CreateProject(ctx, u, codeforge.Project{Title: odd, Description: odd, TechStack: []string{odd, "NULL", "{}"}})
	check(t, err)
	if got, err := s.GetProject(ctx, u, mine.ID); err != nil || got.Title != odd || got.TechStack[0] != odd || got.TechStack[1] != "NULL" {
		t.Errorf("%+v %v", got, err)
	}
	path := strings.ReplaceAll(odd, ":", ";")
	_, err = s.WriteFile(ctx, u, mine.ID, codeforge.FileWrite{Path: path, Content: odd, Language: odd})
	check(t, err)
	if f, err := s.GetFile(ctx, u, mine.ID, path); err != nil || f.Path != path || f.Content != odd {
		t.Errorf("%+v %v", f, err)
	}
	check(t, s.DeleteFile(ctx, u, mine.ID, path, nil))
	for _, f := range []codeforge.ProjectFilter{{Status: codeforge.ProjectStatus(odd)}, {Mode: codeforge.Mode(odd)}, {Mode: "builder&user_id=neq.x"}} {
		f.Page, f.Size = 1, 10
		if list, total, err := s.ListProjects(ctx, u, f); err != nil || len(list) != 0 || total != 0 {
			t.Errorf("%+v: %d of %d: %v", f, len(list), total, err)
		}
	}
	j, _, _, err := s.SubmitJob(ctx, u, codeforge.NewJob{ProjectID: mine.ID, Agent: codeforge.QA, IdempotencyKey: odd, UserMessage: odd})
	check(t, err)
	w.losing("codeforge_claim_jobs", 1) // so that the worker's name is part of a filter
	if _, ok, err := storetest.Claim(ctx, s, j.ID, odd, time.Minute); err != nil || !ok {
		t.Errorf("claimed %t: %v", ok, err)
	}
}

// What was done and not heard of is done once.
func TestLostAnswers(t *testing.T) {
	t.Parallel()
	p, w := wired(t, restest.Options{})
	ctx, u, s := t.Context(), p.user(), p.store
	var mine codeforge.Project
	submit := func(agent codeforge.AgentType) codeforge.Job {
		t.Helper()
		j, fresh, _, err := s.SubmitJob(ctx, u, codeforge.NewJob{ProjectID: mine.ID, Agent: agent})
		check(t, err)
		if !fresh {
			t.Fatal("not fresh")
		}
		return j
	}
	claim := func(j codeforge.Job) codeforge.Fence {
		t.Helper()
		c, ok, err := storetest.Claim(ctx, s, j.ID, "w", time.Minute)
		check(t, err)
		if !ok || c.Fence != 1 || c.Status != codeforge.Running || c.ID != j.ID {
			t.Fatalf("claimed %t: %+v", ok, c)
		}
		return codeforge.Fence{JobID: j.ID, Number: c.Fence}
	}
	log := func(id string) (all []string) {
		t.Helper()
		events, err := s.Events(ctx, u, id, 0, 100)
		check(t, err)
		for _, e := range events {
			all = append(all, string(e.Type))
		}
		return all
	}
	want := func(what string, got, want any) {
		t.Helper()
		if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
			t.Errorf("%s: %s, want %s", what, g, w)
		}
	}

	w.losing("codeforge_create_project", 1)
	mine, err := s.CreateProject(ctx, u, codeforge.Project{Title: "Mine"})
	check(t, err)
	_, total, err := s.ListProjects(ctx, u, codeforge.ProjectFilter{Page: 1, Size: 10})
	check(t, err)
	want("projects", total, 1)

	w.losing("codeforge_update_project", 2)
	changed, err := s.UpdateProject(ctx, u, mine.ID, codeforge.ProjectPatch{Title: new("Renamed"), IfRevision: new(int64(0))})
	check(t, err)
	want("title", changed.Title, "Renamed")

	w.losing("codeforge_submit_job", 1)
	j := submit(codeforge.Code)
	w.losing("codeforge_submit_job", 1)
	keyed, fresh, _, err := s.SubmitJob(ctx, u, codeforge.NewJob{ProjectID: mine.ID, Agent: codeforge.QA, IdempotencyKey: "k"})
	check(t, err)
	want("fresh", fresh, true)
	again, fresh, _, err := s.SubmitJob(ctx, u, codeforge.NewJob{ProjectID: mine.ID, Agent: codeforge.QA, IdempotencyKey: "k"})
	check(t, err)
	want("again", []any{again.ID, fresh}, []any{keyed.ID, false})
	_, total, err = s.ListJobs(ctx, u, mine.ID, codeforge.JobFilter{Limit: 10})
	check(t, err)
	want("jobs", total, 2)

	w.losing("codeforge_claim_jobs", 1)
	f := claim(j)
	w.losing("codeforge_claim_jobs", 1)
	if _, ok, err := storetest.Claim(ctx, s, j.ID, "w", time.Minute); err != nil || ok { // the same worker, another claim
		t.Fatalf("claimed twice: %t %v", ok, err)
	}

	w.losing("codeforge_renew_leases", 1)
	lost, err := s.RenewLeases(ctx, []codeforge.Fence{f}, time.Minute)
	check(t, err)
	want("lost", len(lost), 0)

	batch := []codeforge.Event{{Type: codeforge.EventStage, Data: json.RawMessage(`{"x":  1}`)}, {Type: codeforge.EventFile}}
	w.losing("codeforge_record_events", 1)
	stored, err := s.RecordEvents(ctx, f, 20, batch)
	check(t, err)
	want("numbers", []int64{stored[0].Seq, stored[1].Seq}, []int64{2, 3})
	want("log", log(j.ID), []string{"progress", "stage", "file"})
	// Nothing gets through for longer than the call: the next one for the claim looks first.
	w.losing("codeforge_newest_events", 3)
	w.mu.Lock()
	w.lose["codeforge_record_events"] = 1
	w.mu.Unlock()
	batch = []codeforge.Event{{Type: codeforge.EventCheck}}
	if _, err := s.RecordEvents(ctx, f, 30, batch); kind(err) != codeforge.Unavailable {
		t.Fatal(err)
	}
	stored, err = s.RecordEvents(ctx, f, 30, batch)
	check(t, err)
	want("number", stored[0].Seq, 4)
	_, err = s.RecordEvents(ctx, f, 30, batch) // the same again, and meant
	check(t, err)
	want("log", log(j.ID), []string{"progress", "stage", "file", "check", "check"})

	w.losing("codeforge_keep_stage", 2)
	kept, err := s.KeepStage(ctx, f, codeforge.StageResult{Stage: codeforge.Code, Changes: []codeforge.FileChange{{Path: "a.ts", Content: "x"}}, Events: []codeforge.Event{{Type: codeforge.EventFile}}})
	check(t, err)
	want("kept", []any{kept.Revision, len(kept.Events)}, []any{1, 0})

	w.losing("codeforge_finish_job", 1)
	outcome := codeforge.Outcome{Status: codeforge.JobCompleted, Progress: 100,
		Events: []codeforge.Event{{Type: codeforge.EventComplete}}}
	if _, err := s.FinishJob(ctx, f, outcome); !errors.Is(err, codeforge.ErrFenced) {
		t.Fatal(err)
	}
	ended, err := s.GetJob(ctx, u, j.ID)
	check(t, err)
	want("ended", []any{ended.Status, ended.Revision}, []any{codeforge.JobCompleted, 1})
	want("log", log(j.ID), []string{"progress", "stage", "file", "check", "check", "file", "complete"})

	w.losing("codeforge_cancel_job", 1)
	done, err := s.CancelJob(ctx, u, keyed.ID)
	check(t, err)
	want("cancelled", []any{done.Job.Status, len(done.Events), done.Events[0].Type, done.Events[0].Seq}, []any{codeforge.JobCancelled, 1, codeforge.EventCancelled, 2})
	if _, err := s.CancelJob(ctx, u, keyed.ID); kind(err) != codeforge.Invalid {
		t.Fatal(err)
	}

	asking := submit(codeforge.QA)
	_, err = s.FinishJob(ctx, claim(asking), codeforge.Outcome{Status: codeforge.Waiting, Question: json.RawMessage(`[{"question":"who?"}]`)})
	check(t, err)
	w.losing("codeforge_respond_job", 1)
	alias := codeforge.NewID()
	done, err = s.RespondJob(ctx, u, asking.ID, alias, []byte(`[{"question":"who?","answer":"me"}]`))
	check(t, err)
	want("answered", []any{done.Job.ID, done.Job.Status, string(done.Job.Clarification), len(done.Events)},
		[]any{asking.ID, codeforge.Queued, `{"questions":[{"question":"who?"}],"answers":[{"question":"who?","answer":"me"}]}`, 1})

	// waiting is a job that waits with a proposal.
	waiting := func() codeforge.Job {
		t.Helper()
		j := submit(codeforge.Code)
		done, err := s.FinishJob(ctx, claim(j), codeforge.Outcome{Status: codeforge.Waiting, Proposal: &codeforge.NewProposal{Base: 1, Changes: []codeforge.FileChange{{Path: "b.ts"}}}})
		check(t, err)
		return done.Job
	}
	for i, ending := range []struct {
		function string
		do       func(id string, head int64) (codeforge.Finished, error)
		status   codeforge.JobStatus
		revision int64
	}{
		{"apply_proposal", func(id string, head int64) (codeforge.Finished, error) {
			return s.ApplyProposal(ctx, u, id, codeforge.Application{TreeChange: codeforge.TreeChange{Head: head, Changes: []codeforge.FileChange{{Path: "b.ts", Content: "applied"}}}})
		}, codeforge.JobCompleted, 2},
		{"take_back_job", func(id string, head int64) (codeforge.Finished, error) {
			return s.TakeBackJob(ctx, u, id, codeforge.TreeChange{Head: head, Changes: []codeforge.FileChange{{Path: "b.ts", Content: "as before"}}})
		}, codeforge.JobCancelled, 0},
		{"reject_proposal", func(id string, _ int64) (codeforge.Finished, error) { return s.RejectProposal(ctx, u, id, nil) }, codeforge.JobCancelled, 0},
	} {
		j, before := waiting(), min(i, 1)+1
		w.losing("codeforge_"+ending.function, 2)
		done, err := ending.do(j.ID, int64(before))
		check(t, err)
		want(ending.function, []any{done.Job.ID, done.Job.Status, done.Job.Revision, len(done.Events), done.Events[0].Type.Final(), done.Job.Proposal == nil},
			[]any{j.ID, ending.status, ending.revision, 1, true, true})
		want("log", len(log(j.ID)), 2)
	}
	_, total, err = s.ListRevisions(ctx, u, mine.ID, 1, 10)
	check(t, err)
	want("revisions", total, 3)
	w.losing("codeforge_mark_checked", 2)
	check(t, s.MarkChecked(ctx, u, mine.ID, 2, true, nil, nil, nil))
	w.losing("codeforge_put_blob", 2)
	_, err = s.PutBlob(ctx, u, mine.ID, []byte("\xff"))
	check(t, err)
	w.losing("codeforge_submit_job", 1)
	only, fresh, _, err := s.SubmitJob(ctx, u, codeforge.NewJob{ProjectID: mine.ID, Agent: codeforge.Code, IfBusy: codeforge.BusyReject})
	check(t, err)
	want("fresh", fresh, true)
	w.losing("codeforge_submit_job", 1)
	_, fresh, _, err = s.SubmitJob(ctx, u, codeforge.NewJob{ProjectID: mine.ID, Agent: codeforge.Code, IfBusy: codeforge.BusyCancel})
	check(t, err)
	cancelled, err := s.GetJob(ctx, u, only.ID)
	check(t, err)
	want("in its place", []any{fresh, cancelled.Status, len(log(only.ID))}, []any{true, codeforge.JobCancelled, 2})

	// What cannot be told is told as such, and not done again.
	w.losing("codeforge_write_file", 1)
	if _, err := s.WriteFile(ctx, u, mine.ID, codeforge.FileWrite{Path: "a.ts", Content: "y"}); kind(err) != codeforge.Unavailable {
		t.Fatal(err)
	}
	_, total, err = s.ListRevisions(ctx, u, mine.ID, 1, 10)
	check(t, err)
	want("revisions", total, 4)
}

func TestDataAPIOutage(t *testing.T) {
	t.Parallel()
	p, w := wired(t, restest.Options{})
	ctx, u, s := t.Context(), p.user(), p.store
	mine, err := s.CreateProject(ctx, u, codeforge.Project{Title: "Mine"})
	check(t, err)
	var left atomic.Int32
	say := func(status int, body string, times int) {
		left.Store(int32(times))
		p.Before(func(rw http.ResponseWriter, _ *http.Request) bool {
			if left.Add(-1) < 0 {
				return false
			}
			rw.Header().Set("Retry-After", "7")
			rw.WriteHeader(status)
			io.WriteString(rw, body)
			return true
		})
	}
	get := func() error { _, err := s.GetProject(ctx, u, mine.ID); return err }
	write := func() error {
		_, err := s.WriteFile(ctx, u, mine.ID, codeforge.FileWrite{Path: "a.ts", Content: "x"})
		return err
	}
	for _, c := range []struct {
		name   string
		status int
		body   string
		times  int
		do     func() error
		want   codeforge.Kind
		sent   int32
	}{
		{"gateway is down for a moment", 503, "upstream connect error, secret text", 1, get, "", 2},
		{"gateway is down", 503, "upstream connect error, secret text", 99, get, codeforge.Unavailable, 3},
		{"a write may have been done", 502, "<html>secret text</html>", 99, write, codeforge.Unavailable, 1},
		{"a write broke off", 503, `{"code":"PGRST001","message":"secret text"}`, 99, write, codeforge.Unavailable, 1},
		{"a write was not done", 504, `{"code":"PGRST003","message":"secret text"}`, 2, write, "", 3},
		{"database is away", 503, `{"code":"PGRST000","message":"secret text"}`, 99, get, codeforge.Unavailable, 3},
		{"rolled back for another", 500, `{"code":"40001","message":"secret text"}`, 1, write, "", 2},
		{"a text was swept beside it", 409, `{"code":"23503","message":"violates foreign key constraint","details":"Key (project_id, hash)=(secret text) is not present in table \"file_contents\"."}`, 1, write, "", 2},
		{"texts are swept beside it", 409, `{"code":"23503","message":"update or delete on table \"file_contents\" violates foreign key constraint"}`, 99, write, codeforge.Unavailable, 3},
		{"too slow", 500, `{"code":"57014","message":"secret text"}`, 99, get, codeforge.Unavailable, 1},
		{"too many", 429, "secret text", 99, get, codeforge.Unavailable, 1},
		{"defect", 500, `{"code":"XX000","message":"secret text"}`, 99, get, codeforge.Unavailable, 1},
		{"odd", 418, "secret text", 99, get, codeforge.Internal, 1},
		{"too large for the gateway", 413, "secret text", 99, write, codeforge.TooLarge, 1},
		{"no JSON", 200, "<html>secret text</html>", 99, get, codeforge.Unavailable, 3},
		{"half of it", 200, `[{"id":"`, 1, get, "", 2},
		{"over", 200, "", 0, write, "", 1},
	} {
		say(c.status, c.body, c.times)
		before := w.sent.Load()
		err := c.do()
		if kind(err) != c.want || strings.Contains(public(err), "secret text") {
			t.Errorf("%s: %v", c.name, err)
		}
		if e, ok := errors.AsType[*codeforge.Error](err); ok && c.status == 429 && e.RetryAfter != 7*time.Second {
			t.Errorf("%s: again after %v", c.name, e.RetryAfter)
		}
		if n := w.sent.Load() - before; n != c.sent {
			t.Errorf("%s: %d requests, want %d", c.name, n, c.sent)
		}
	}
	// Nobody listens: not even a write was sent, so it is tried again.
	gone := p.open(t, func(_ *restest.Server, o *postgres.DataAPIOptions) { o.URL = "http://127.0.0.1:1" })
	for _, err := range []error{gone.Ping(ctx), gone.DeleteFile(ctx, u, mine.ID, "a.ts", nil)} {
		if kind(err) != codeforge.Unavailable || !err.(*codeforge.Error).Retryable || strings.Contains(public(err), "127.0.0.1") {
			t.Error(err)
		}
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestDataAPITimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sent int
		s, err := postgres.OpenDataAPI(postgres.DataAPIOptions{URL: "https://x.example", Key: "sb_secret_x", Timeout: 5 * time.Second, Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			sent++
			<-r.Context().Done()
			return nil, r.Context().Err()
		})})
		check(t, err)
		began := time.Now()
		_, err = s.GetProject(t.Context(), codeforge.LocalUser(), codeforge.NewID())
		if took := time.Since(began); kind(err) != codeforge.Unavailable || sent != 3 || took < 15*time.Second || took > 16*time.Second {
			t.Errorf("%v after %v and %d tries", err, took, sent)
		}
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, errors.New("out of patience"))
		defer cancel()
		if _, err = s.GetProject(ctx, codeforge.LocalUser(), codeforge.NewID()); err == nil || err.Error() != "out of patience" || sent != 4 {
			t.Errorf("%v after %d tries", err, sent)
		}
	})
}

// An answer without end is not read to its end.
func TestEndlessAnswer(t *testing.T) {
	t.Parallel()
	var read atomic.Int64
	s, err := postgres.OpenDataAPI(postgres.DataAPIOptions{URL: "https://x.example", Key: "sb_secret_x", Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(reader(func(b []byte) (int, error) {
			read.Add(int64(len(b)))
			return len(b), nil
		}))}, nil
	})})
	check(t, err)
	if _, err := s.GetProject(t.Context(), codeforge.LocalUser(), codeforge.NewID()); kind(err) != codeforge.Internal || read.Load() > 200e6 {
		t.Errorf("%v after %d bytes", err, read.Load())
	}
}

type reader func([]byte) (int, error)

func (r reader) Read(b []byte) (int, error) { return r(b) }

// Whatever is answered, nothing of it but what our own functions say to users reaches them.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []struct {
		status int
		body   string
	}{{200, "[]"}, {200, "null"}, {200, `[{"id":"x","tech_stack":{}}]`}, {200, `{"revision":1,"files":[null]}`}, {206, "[{}]"}, {204, ""}, {404, `{"code":"PGRST202"}`}, {400, `{"code":"PT400","hint":"x"}`},
		{404, `{"code":"PT404","details":"x"}`}, {412, `{"code":"PT412"}`}, {500, `{"code":5}`}, {416, `{"code":"PGRST103"}`}, {302, ""}} {
		f.Add(seed.status, []byte(seed.body))
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		synctest.Test(t, func(t *testing.T) {
			s, err := postgres.OpenDataAPI(postgres.DataAPIOptions{URL: "https://x.example", Key: "sb_secret_x", Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: 100 + status&0x1ff, Header: http.Header{"Content-Range": {"0-0/3"}}, Body: io.NopCloser(bytes.NewReader(body))}, nil
			})})
			check(t, err)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			u, id := codeforge.LocalUser(), codeforge.NewID()
			fence := codeforge.Fence{JobID: id, Number: 1}
			s.Ping(ctx)
			s.GetProject(ctx, u, id)
			s.CreateProject(ctx, u, codeforge.Project{Title: "Fine"})
			s.ListProjects(ctx, u, codeforge.ProjectFilter{Page: 1, Size: 3})
			s.ListFiles(ctx, u, id, true, -1)
			s.GetFile(ctx, u, id, "a")
			s.WriteFile(ctx, u, id, codeforge.FileWrite{Path: "a"})
			s.RestoreRevision(ctx, u, id, 1, nil)
			s.RevisionFiles(ctx, u, id, 1, codeforge.Page{})
			s.RevisionDeltas(ctx, u, id, 1, codeforge.Page{})
			s.SnapshotFiles(ctx, id, 1)
			s.ProjectForJob(ctx, fence)
			s.SubmitJob(ctx, u, codeforge.NewJob{ProjectID: id, Agent: codeforge.QA})
			storetest.Claim(ctx, s, id, "w", time.Second)
			s.RenewLeases(ctx, []codeforge.Fence{fence}, time.Second)
			s.RecordEvents(ctx, fence, 1, []codeforge.Event{{Type: "x"}})
			s.FinishJob(ctx, fence, codeforge.Outcome{Status: codeforge.JobFailed})
			s.CancelJob(ctx, u, id)
			s.RespondJob(ctx, u, id, id, []byte("[]"))
			s.ClaimJobs(ctx, id, time.Minute, 1, codeforge.ClaimPolicy{Only: []string{id}, Held: []string{id}})
			s.QueuePlaces(ctx, []string{id}, codeforge.ClaimPolicy{})
			s.CountQueued(ctx)
			s.JobOwner(ctx, id)
			s.Events(ctx, u, id, 0, 1)
			s.ListMessages(ctx, u, id, codeforge.MessageFilter{Limit: 1})
		})
	})
}
