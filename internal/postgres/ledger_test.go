package postgres_test

import (
	"testing"
	"time"

	"codeforge"
	"codeforge/internal/llm"
)

// What Postgres cannot hold of a journal's entry is replaced in what all go by.
func TestJournalText(t *testing.T) {
	t.Parallel()
	store, _, _ := fresh(t, recommended)
	k := llm.JournalKey{JobID: codeforge.NewID(), Number: 1, Hash: "h"}
	for range 2 {
		kept, err := store.Put(t.Context(), k, []byte("{\"a\":\"b\xff\x00\"}"))
		if err != nil || string(kept) != "{\"a\":\"b\uFFFD\"}" {
			t.Fatalf("%q %v", kept, err)
		}
	}
}

// The answers of a job that may still need them stay.
func TestSweepJournal(t *testing.T) {
	t.Parallel()
	store, s, db := fresh(t, recommended)
	ctx, u := t.Context(), codeforge.LocalUser()
	p, err := store.CreateProject(ctx, u, codeforge.Project{Title: "Mine"})
	if err != nil {
		t.Fatal(err)
	}
	key := func(job string) llm.JournalKey { return llm.JournalKey{JobID: job, Hash: "h"} }
	put := func(job string) {
		t.Helper()
		if _, err := store.Put(ctx, key(job), []byte("{}")); err != nil {
			t.Fatal(err)
		}
	}
	var jobs []string
	for range 2 {
		j, _, _, err := store.SubmitJob(ctx, u, codeforge.NewJob{ProjectID: p.ID, Agent: codeforge.QA})
		if err != nil {
			t.Fatal(err)
		}
		put(j.ID)
		jobs = append(jobs, j.ID)
	}
	if _, err := store.CancelJob(ctx, u, jobs[1]); err != nil {
		t.Fatal(err)
	}
	gone := codeforge.NewID() // of a job that is gone nothing is kept
	put(gone)
	s.Exec(t, db, "update public.test_clock set ahead = '1 hour'")
	j, _, _, err := store.SubmitJob(ctx, u, codeforge.NewJob{ProjectID: p.ID, Agent: codeforge.QA})
	if err != nil {
		t.Fatal(err)
	}
	late := j.ID
	put(late)
	if _, err := store.CancelJob(ctx, u, late); err != nil {
		t.Fatal(err)
	}
	if n, err := store.SweepJournal(ctx, time.Now().Add(30*time.Minute)); err != nil || n != 1 {
		t.Fatal(n, err)
	}
	for job, want := range map[string]bool{jobs[0]: true, jobs[1]: false, gone: false, late: true} {
		if got, err := store.Get(ctx, key(job)); err != nil || (got != nil) != want {
			t.Fatal(job, string(got), err)
		}
	}
}
