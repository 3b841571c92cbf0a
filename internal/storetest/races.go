package storetest

import (
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"

	"codeforge"
)

const racers = 16

// race runs do from many goroutines at once. Their errors end the test.
func (s *suite) race(do func(i int) error) {
	s.Helper()
	start := make(chan struct{})
	errs := make([]error, racers)
	var g sync.WaitGroup
	for i := range racers {
		g.Go(func() {
			<-start
			errs[i] = do(i)
		})
	}
	close(start)
	g.Wait()
	for _, err := range errs {
		s.ok(err)
	}
}

var raceTests = []test{
	{"of the spellings of one path the first is written", func(s *suite) {
		p := s.project()
		var wrote atomic.Int32
		s.race(func(i int) error {
			path := []byte("readme.md")
			for bit := range 4 {
				if i>>bit&1 == 1 {
					path[bit] -= 'a' - 'A'
				}
			}
			name := string(path)
			if i%5 == 4 {
				name = "Readme.md/" + name
			}
			_, err := s.WriteFile(s.ctx(), s.u, p.ID, codeforge.FileWrite{Path: name, Content: name})
			if codeforge.IsKind(err, codeforge.Invalid) {
				return nil
			}
			wrote.Add(1)
			return err
		})
		files, revision, err := s.ListFiles(s.ctx(), s.u, p.ID, true, -1)
		s.ok(err)
		for _, a := range files {
			for _, b := range files {
				s.ok(codeforge.CheckBeside(a.Path, b.Path))
			}
		}
		if len(files) == 0 || int(wrote.Load()) != len(files) || revision != int64(len(files)) {
			s.Fatalf("%d files of %d writes at revision %d", len(files), wrote.Load(), revision)
		}
	}},
	{"each job is claimed once", func(s *suite) {
		n := 3 * racers
		if soak {
			n = 200
		}
		p := s.project()
		ids := make([]string, n)
		for i := range ids {
			ids[i] = s.submit(p, codeforge.QA).ID
		}
		claims := make([]atomic.Int32, n)
		s.race(func(i int) error {
			for k := range n {
				k = (k + i*n/racers) % n
				_, ok, err := Claim(s.ctx(), s, ids[k], fmt.Sprint(i), lease)
				if err != nil {
					return err
				}
				if ok {
					claims[k].Add(1)
				}
			}
			return nil
		})
		for k := range claims {
			if got := claims[k].Load(); got != 1 {
				s.Fatalf("job %d was claimed %d times", k, got)
			}
		}
	}},
	{"limits hold whoever claims", func(s *suite) { s.limitsHold(60) }},
	{"events of many writers have no gaps", func(s *suite) {
		j := s.started(s.project(), codeforge.QA)
		const each = 10
		var seen sync.Map
		s.race(func(i int) error {
			for k := range each {
				stored, err := s.RecordEvents(s.ctx(), fence(j), float64(k), []codeforge.Event{{Type: codeforge.EventStage, Data: fmt.Appendf(nil, `{"i":%d}`, i)}, {Type: codeforge.EventUsage}})
				if err != nil {
					return err
				}
				if stored[1].Seq != stored[0].Seq+1 {
					return fmt.Errorf("numbers %d and %d of one call", stored[0].Seq, stored[1].Seq)
				}
				for _, e := range stored {
					if _, twice := seen.LoadOrStore(e.Seq, true); twice {
						return fmt.Errorf("number %d twice", e.Seq)
					}
				}
			}
			return nil
		})
		s.same("events", len(s.log(j.ID)), 1+racers*each*2)
	}},
	{"one submission for one key", func(s *suite) {
		p := s.project()
		var fresh atomic.Int32
		ids := make([]string, racers)
		s.race(func(i int) error {
			j, first, _, err := s.SubmitJob(s.ctx(), s.u, codeforge.NewJob{ProjectID: p.ID, Agent: codeforge.QA, Input: json.RawMessage(`{}`), IdempotencyKey: "k"})
			if first {
				fresh.Add(1)
			}
			ids[i] = j.ID
			return err
		})
		s.same("fresh", fresh.Load(), 1)
		for _, id := range ids {
			s.same("id", id, ids[0])
		}
	}},
	{"one job at a time changes files", func(s *suite) {
		p := s.project()
		n := int32(12)
		if soak {
			n = 32
		}
		for range n {
			s.submit(p, codeforge.Code)
		}
		var inside, done atomic.Int32
		s.race(func(i int) error {
			for done.Load() < n {
				got, err := s.ClaimJobs(s.ctx(), fmt.Sprint(i), lease, 4, codeforge.ClaimPolicy{})
				if err != nil {
					return err
				}
				for _, j := range got.Jobs {
					if inside.Add(1) != 1 {
						return fmt.Errorf("two at once")
					}
					inside.Add(-1)
					if _, err := s.tryBuild(p, j, codeforge.FileChange{Path: "count.txt", Content: j.ID}); err != nil {
						return err
					}
					if _, err := s.FinishJob(s.ctx(), fence(j), completes); err != nil {
						return err
					}
					done.Add(1)
				}
			}
			return nil
		})
		list, _, err := s.ListJobs(s.ctx(), s.u, p.ID, codeforge.JobFilter{Limit: 100})
		s.ok(err)
		for i, j := range list {
			s.same("revision in order", j.Revision, int(n)-i)
		}
	}},
	{"one of many finishes, cancels or stale writes wins", func(s *suite) {
		p := s.project()
		j := s.started(p, codeforge.Code)
		var won, wrote atomic.Int32
		s.race(func(i int) error {
			var err error
			if i%2 == 0 {
				_, err = s.FinishJob(s.ctx(), fence(j), completes)
			} else {
				_, err = s.CancelJob(s.ctx(), s.u, j.ID)
			}
			if err == nil {
				won.Add(1)
			}
			if _, err := s.WriteFile(s.ctx(), s.u, p.ID, codeforge.FileWrite{Path: "a.ts", Content: fmt.Sprint(i), IfVersion: new(int64(0))}); err == nil {
				wrote.Add(1)
			} else if !codeforge.IsKind(err, codeforge.Conflict) {
				return err
			}
			return nil
		})
		s.same("ended", won.Load(), 1)
		s.same("written", wrote.Load(), 1)
		s.same("events", len(s.log(j.ID)), 2)
	}},
	{"revisions of many writers have no gaps", func(s *suite) {
		p := s.project()
		s.race(func(i int) error {
			for k := range 5 {
				if _, err := s.WriteFile(s.ctx(), s.u, p.ID, codeforge.FileWrite{Path: fmt.Sprintf("%d.ts", i%4), Content: fmt.Sprint(i, k)}); err != nil {
					return err
				}
			}
			return nil
		})
		list, total, err := s.ListRevisions(s.ctx(), s.u, p.ID, 1, 100)
		s.ok(err)
		s.same("total", total, racers*5)
		for i, r := range list {
			s.same("number", r.Number, total-i)
		}
		files, _, err := s.ListFiles(s.ctx(), s.u, p.ID, false, -1)
		s.ok(err)
		for _, f := range files {
			s.same("version", f.Version, racers*5/4)
		}
	}},
}
