//go:build unix

package sqlite_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"codeforge"
	"codeforge/internal/sqlite"
	"codeforge/internal/storetest"
)

// Each benchmark also reports the processor time of one operation, which is what a commit shared by many makes cheap.

var (
	user  = codeforge.LocalUser()
	input = json.RawMessage(`{"user_message":"` + strings.Repeat("build a todo app ", 59) + `"}`) // 1 KB
)

const clients = 16 // on each processor's goroutine, for b.RunParallel

func filled(b *testing.B, rows int) (*sqlite.Store, []string, []string) {
	b.Helper()
	s := open(b, b.TempDir(), sqlite.Options{})
	projects, jobs, err := s.Fill(b.Context(), user, rows)
	if err != nil {
		b.Fatal(err)
	}
	return s, projects, jobs
}

// cpu starts to count processor time; the function it returns reports it.
func cpu(b *testing.B) func() {
	used := func() int64 {
		var u syscall.Rusage
		syscall.Getrusage(syscall.RUSAGE_SELF, &u)
		return u.Utime.Nano() + u.Stime.Nano()
	}
	start := used()
	return func() { b.ReportMetric(float64(used()-start)/float64(b.N)/1000, "cpu-us/op") }
}

func BenchmarkSubmit(b *testing.B) {
	for _, rows := range []int{1000, 100_000} {
		b.Run(fmt.Sprint(rows), func(b *testing.B) {
			s, projects, _ := filled(b, rows)
			b.ReportAllocs()
			b.SetParallelism(clients / 2)
			var n atomic.Int64
			b.ResetTimer()
			defer cpu(b)()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					p := projects[int(n.Add(7919))%len(projects)]
					if _, _, _, err := s.SubmitJob(b.Context(), user, codeforge.NewJob{ProjectID: p, Agent: codeforge.Noop, Input: input}); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}

func BenchmarkJobLife(b *testing.B) {
	for _, rows := range []int{1000, 100_000} {
		b.Run(fmt.Sprint(rows), func(b *testing.B) {
			s, projects, _ := filled(b, rows)
			b.ReportAllocs()
			b.SetParallelism(clients / 2)
			var n atomic.Int64
			b.ResetTimer()
			defer cpu(b)()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					p := projects[int(n.Add(7919))%len(projects)]
					j, _, _, err := s.SubmitJob(b.Context(), user, codeforge.NewJob{ProjectID: p, Agent: codeforge.Noop, Input: input})
					if err != nil {
						b.Error(err)
					}
					j, ok, err := storetest.Claim(b.Context(), s, j.ID, "worker", 15*time.Second)
					if err != nil || !ok {
						b.Error(ok, err)
					}
					if _, err := s.FinishJob(b.Context(), codeforge.Fence{JobID: j.ID, Number: j.Fence}, codeforge.Outcome{Status: codeforge.JobCompleted, Progress: 100,
						Result: json.RawMessage(`{"files":0}`), Events: []codeforge.Event{{Type: codeforge.EventComplete, Data: json.RawMessage(`{"status":"completed","progress":100}`)}}}); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}

func BenchmarkGetJob(b *testing.B) {
	for _, rows := range []int{1000, 100_000} {
		b.Run(fmt.Sprint(rows), func(b *testing.B) {
			s, _, jobs := filled(b, rows)
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				n += 7919
				if _, err := s.GetJob(b.Context(), user, jobs[n%len(jobs)]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkGetProject(b *testing.B) {
	for _, rows := range []int{1000, 100_000} {
		b.Run(fmt.Sprint(rows), func(b *testing.B) {
			s, projects, _ := filled(b, rows)
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				n += 7919
				if _, err := s.GetProject(b.Context(), user, projects[n%len(projects)]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// tree is a project of 1,000 files of 10 KB.
func tree(b *testing.B, s *sqlite.Store) (string, string) {
	b.Helper()
	text := strings.Repeat("0123456789", 800)
	p, err := s.CreateProject(b.Context(), user, codeforge.Project{Title: "Large"})
	if err != nil {
		b.Fatal(err)
	}
	j, _, _, err := s.SubmitJob(b.Context(), user, codeforge.NewJob{ProjectID: p.ID, Agent: codeforge.Code})
	if err != nil {
		b.Fatal(err)
	}
	if j, _, err = storetest.Claim(b.Context(), s, j.ID, "w", time.Hour); err != nil {
		b.Fatal(err)
	}
	f, stage := codeforge.Fence{JobID: j.ID, Number: j.Fence}, codeforge.StageResult{Stage: codeforge.Code}
	for i := range 1000 {
		stage.Changes = append(stage.Changes, codeforge.FileChange{Path: fmt.Sprintf("src/components/file%04d.ts", i), Content: text})
	}
	if _, err := s.KeepStage(b.Context(), f, stage); err != nil {
		b.Fatal(err)
	}
	if _, err := s.FinishJob(b.Context(), f, codeforge.Outcome{Status: codeforge.JobCompleted}); err != nil {
		b.Fatal(err)
	}
	return p.ID, text
}

func BenchmarkWriteFile(b *testing.B) {
	s := open(b, b.TempDir(), sqlite.Options{})
	p, text := tree(b, s)
	b.ReportAllocs()
	b.SetParallelism(clients / 2)
	var n atomic.Int64
	b.ResetTimer()
	defer cpu(b)()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := s.WriteFile(b.Context(), user, p, codeforge.FileWrite{Path: fmt.Sprintf("src/components/file%04d.ts", n.Add(7)%1000), Content: text}); err != nil {
				b.Error(err)
			}
		}
	})
}

func BenchmarkListFiles(b *testing.B) {
	s := open(b, b.TempDir(), sqlite.Options{})
	p, _ := tree(b, s)
	for _, contents := range []bool{false, true} {
		b.Run(fmt.Sprintf("contents=%t", contents), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				files, _, err := s.ListFiles(b.Context(), user, p, contents, -1)
				if err != nil || len(files) != 1000 {
					b.Fatal(len(files), err)
				}
			}
		})
	}
}
