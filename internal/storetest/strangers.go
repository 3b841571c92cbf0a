package storetest

import (
	"context"

	"codeforge"
)

func cancelled(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	return ctx, cancel
}

// strangerTests try every method that takes a user on what is another's, and on what does not exist: the answers must be
// the same but for the id, and nothing may change.
var strangerTests = []test{
	{"projects", func(s *suite) {
		p := s.project()
		s.write(p, "a.ts", "x")
		s.submit(p, codeforge.QA)
		s.unchanged(p, func() {
			for _, id := range []string{p.ID, codeforge.NewID(), "no id at all", ""} {
				for name, do := range map[string]func() error{
					"get": func() error { _, err := s.GetProject(s.ctx(), s.v, id); return err },
					"update": func() error {
						_, err := s.UpdateProject(s.ctx(), s.v, id, codeforge.ProjectPatch{Title: new("Mine")})
						return err
					},
					"archive": func() error {
						_, err := s.UpdateProject(s.ctx(), s.v, id, codeforge.ProjectPatch{Status: new(codeforge.Archived), IfRevision: new(int64(7))})
						return err
					},
					"files":   func() error { _, _, err := s.ListFiles(s.ctx(), s.v, id, true, -1); return err },
					"same":    func() error { _, _, err := s.ListFiles(s.ctx(), s.v, id, true, 1); return err },
					"file":    func() error { _, err := s.GetFile(s.ctx(), s.v, id, "a.ts"); return err },
					"no file": func() error { _, err := s.GetFile(s.ctx(), s.v, id, "b.ts"); return err },
					"write": func() error {
						_, err := s.WriteFile(s.ctx(), s.v, id, codeforge.FileWrite{Path: "a.ts", Content: "y"})
						return err
					},
					"stale": func() error {
						_, err := s.WriteFile(s.ctx(), s.v, id, codeforge.FileWrite{Path: "a.ts", IfVersion: new(int64(9)), MustExist: true})
						return err
					},
					"delete":  func() error { return s.DeleteFile(s.ctx(), s.v, id, "a.ts", nil) },
					"history": func() error { _, _, err := s.ListRevisions(s.ctx(), s.v, id, 1, 10); return err },
					"then":    func() error { _, _, err := s.RevisionFiles(s.ctx(), s.v, id, 1, codeforge.Page{}); return err },
					"never":   func() error { _, _, err := s.RevisionFiles(s.ctx(), s.v, id, 99, codeforge.Page{}); return err },
					"diff":    func() error { _, _, err := s.RevisionDeltas(s.ctx(), s.v, id, 1, codeforge.Page{}); return err },
					"copy": func() error {
						_, _, err := s.CopyProject(s.ctx(), s.v, codeforge.ProjectCopy{From: id, IdempotencyKey: "k"})
						return err
					},
					"compare": func() error {
						_, _, err := s.CompareRevisions(s.ctx(), s.v, id, 0, 1, codeforge.Page{})
						return err
					},
					"mark":  func() error { return s.MarkChecked(s.ctx(), s.v, id, 1, true, nil, nil, nil) },
					"put":   func() error { _, err := s.PutBlob(s.ctx(), s.v, id, picture(1)); return err },
					"blob":  func() error { _, err := s.ReadBlob(s.ctx(), s.v, id, codeforge.BlobHash([]byte("x"))); return err },
					"lock":  func() error { _, err := s.ReadLock(s.ctx(), s.v, id, 1); return err },
					"shots": func() error { _, err := s.ListScreenshots(s.ctx(), s.v, id, 1); return err },
					"shot":  func() error { _, _, err := s.ReadScreenshot(s.ctx(), s.v, id, 1, "index.html", 360); return err },
					"import": func() error {
						_, err := s.WriteRevision(s.ctx(), s.v, id, codeforge.TreeChange{Head: -1, Changes: []codeforge.FileChange{{Path: "b.ts", Content: "y"}}})
						return err
					},
					"commits": func() error { _, _, err := s.GitRevisions(s.ctx(), s.v, id, 0, 10); return err },
					"contents": func() error {
						_, err := s.ReadContents(s.ctx(), s.v, id, []string{codeforge.BlobHash([]byte("x"))})
						return err
					},
					"push":    func() error { _, err := s.PushRevisions(s.ctx(), s.v, id, codeforge.Push{Head: 1}); return err },
					"restore": func() error { _, err := s.RestoreRevision(s.ctx(), s.v, id, 1, nil); return err },
					"jobs":    func() error { _, _, err := s.ListJobs(s.ctx(), s.v, id, codeforge.JobFilter{Limit: 10}); return err },
					"changes": func() error { _, err := s.ProjectChanges(s.ctx(), s.v, id, 0, 10); return err },
					"talk": func() error {
						_, err := s.ListMessages(s.ctx(), s.v, id, codeforge.MessageFilter{Limit: 10})
						return err
					},
					"submit": func() error {
						_, _, _, err := s.SubmitJob(s.ctx(), s.v, codeforge.NewJob{ProjectID: id, Agent: codeforge.Code, UserMessage: "hello", IdempotencyKey: "k"})
						return err
					},
				} {
					s.Log(name)
					s.missing(do(), "Project", id)
				}
			}
		})
		list, total, err := s.ListProjects(s.ctx(), s.v, codeforge.ProjectFilter{Page: 1, Size: 50})
		s.ok(err)
		if len(list) != 0 || total != 0 {
			s.Fatalf("a stranger lists %d of %d", len(list), total)
		}
	}},
	{"jobs", func(s *suite) {
		p := s.project()
		waiting := s.waitingJob(p, codeforge.QA)
		again := s.waitingJob(p, codeforge.QA)
		_, withProposal := s.waitingWithProposal()
		alias := codeforge.NewID()
		_, err := s.RespondJob(s.ctx(), s.u, again.ID, alias, []byte(`[]`))
		s.ok(err)
		s.unchanged(p, func() {
			for _, id := range []string{waiting.ID, again.ID, withProposal.ID, alias, codeforge.NewID(), "no id at all", ""} {
				for name, do := range map[string]func() error{
					"get":     func() error { _, err := s.GetJob(s.ctx(), s.v, id); return err },
					"watch":   func() error { _, _, err := s.WatchJob(s.ctx(), s.v, id, 0, 10); return err },
					"cancel":  func() error { _, err := s.CancelJob(s.ctx(), s.v, id); return err },
					"respond": func() error { _, err := s.RespondJob(s.ctx(), s.v, id, codeforge.NewID(), []byte(`[]`)); return err },
					"take back": func() error {
						_, err := s.TakeBackJob(s.ctx(), s.v, id, codeforge.TreeChange{})
						return err
					},
					"proposal": func() error { _, _, err := s.ReadProposal(s.ctx(), s.v, id, codeforge.Page{}); return err },
					"apply":    func() error { _, err := s.ApplyProposal(s.ctx(), s.v, id, codeforge.Application{}); return err },
					"reject":   func() error { _, err := s.RejectProposal(s.ctx(), s.v, id, nil); return err },
					"events":   func() error { _, err := s.Contract.Events(s.ctx(), s.v, id, 0, 10); return err },
					"working":  func() error { _, err := s.WorkingFiles(s.ctx(), s.v, id, codeforge.Page{}); return err },
				} {
					s.Log(name)
					s.missing(do(), "Job", id)
				}
			}
		})
	}},
	{"unknown to the system too", func(s *suite) {
		id := codeforge.NewID()
		_, _, err := s.JobOwner(s.ctx(), id)
		s.missing(err, "Job", id)
		_, err = s.SnapshotFiles(s.ctx(), id, 0)
		s.missing(err, "Project", id)
	}},
}
