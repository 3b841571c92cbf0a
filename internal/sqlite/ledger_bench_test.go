//go:build unix

package sqlite_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"codeforge"
	"codeforge/internal/llm"
	"codeforge/internal/sqlite"
)

func spend(i int, job, project string) llm.Entry {
	return llm.Entry{ID: codeforge.NewID(), Call: llm.Call{JobID: job, ProjectID: project, UserID: user.ID, Agent: codeforge.Code, Number: i}, Attempt: 1,
		Provider: "openai", Model: "gpt", Served: "gpt-2026", Usage: llm.Usage{Usage: codeforge.Usage{InputTokens: 1000, OutputTokens: 100}},
		Cost: llm.Cost{MicroUSD: 250}, Status: 200, Finish: llm.FinishStop, Latency: time.Second, At: time.Now()}
}

// BenchmarkCall is what the books add to a model call: a reservation and a record, each at its end answered.
func BenchmarkCall(b *testing.B) {
	all := map[llm.BudgetScope]int64{}
	for _, s := range []llm.BudgetScope{llm.BudgetJob, llm.BudgetProjectDay, llm.BudgetProjectMonth, llm.BudgetUserDay, llm.BudgetUserMonth} {
		all[s] = 1 << 50
	}
	for _, ceilings := range []map[llm.BudgetScope]int64{nil, {llm.BudgetUserMonth: 1 << 50}, all} {
		for _, parallel := range []int{0, clients / 2} {
			b.Run(fmt.Sprintf("ceilings=%d/callers=%d", len(ceilings), max(1, 2*parallel)), func(b *testing.B) {
				s := open(b, b.TempDir(), sqlite.Options{})
				l := s.Ledger(ceilings)
				var jobs, projects [64]string
				for i := range jobs {
					jobs[i], projects[i] = codeforge.NewID(), codeforge.NewID()
				}
				var n atomic.Int64
				one := func() {
					i := int(n.Add(1))
					e := spend(i, jobs[i%64], projects[i%64])
					id, err := l.Reserve(b.Context(), llm.Reservation{Call: e.Call, Provider: e.Provider, Model: e.Model, Worst: 1000, Prompt: 500, Lapses: e.At.Add(time.Hour)})
					if err != nil {
						b.Error(err)
					}
					e.Reservation = id
					if err := l.Record(b.Context(), e); err != nil {
						b.Error(err)
					}
				}
				b.ReportAllocs()
				defer cpu(b)()
				if parallel == 0 {
					for b.Loop() {
						one()
					}
					return
				}
				b.SetParallelism(parallel)
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						one()
					}
				})
			})
		}
	}
}

// BenchmarkBooks reads the books of 100,000 calls.
func BenchmarkBooks(b *testing.B) {
	s, projects, jobs := filled(b, 1000)
	l := s.Ledger(nil)
	const calls = 100_000
	var n atomic.Int64
	b.SetParallelism(128)
	done := make(chan error, 256)
	for range cap(done) {
		go func() {
			for {
				i := int(n.Add(1))
				if i > calls {
					done <- nil
					return
				}
				e := spend(i, jobs[i%len(jobs)], projects[i%len(projects)])
				e.At = e.At.Add(-time.Duration(calls-i) * time.Minute)
				if err := l.Record(b.Context(), e); err != nil {
					done <- err
					return
				}
			}
		}()
	}
	for range cap(done) {
		if err := <-done; err != nil {
			b.Fatal(err)
		}
	}
	for _, f := range []codeforge.UsageFilter{{Group: codeforge.ByDay}, {Group: codeforge.ByJob}, {Group: codeforge.ByModel, From: time.Now().AddDate(0, 0, -7)},
		{Group: codeforge.ByDay, ProjectID: projects[0]}, {Group: codeforge.ByModel, JobID: jobs[0]}} {
		b.Run(fmt.Sprintf("usage/%s/from=%t/project=%t/job=%t", f.Group, !f.From.IsZero(), f.ProjectID != "", f.JobID != ""), func(b *testing.B) {
			for b.Loop() {
				if _, _, err := l.SumUsage(b.Context(), user, f); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("jobs", func(b *testing.B) {
		for b.Loop() {
			if _, err := l.JobUsage(b.Context(), user, codeforge.Noop, 50); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("budgets", func(b *testing.B) {
		l := s.Ledger(map[llm.BudgetScope]int64{llm.BudgetUserDay: 1})
		for b.Loop() {
			if _, err := l.Budgets(b.Context(), user, "", ""); err != nil {
				b.Fatal(err)
			}
		}
	})
}
