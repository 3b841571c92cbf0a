package storetest

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"codeforge"
)

func (s *suite) copy(n codeforge.ProjectCopy) codeforge.Project {
	s.Helper()
	p, fresh, err := s.CopyProject(s.ctx(), s.u, n)
	s.ok(err)
	if !fresh {
		s.Fatal("not fresh")
	}
	got, err := s.GetProject(s.ctx(), s.u, p.ID)
	s.ok(err)
	s.same("as it is read", p, got)
	return p
}

// projects are how many u has.
func (s *suite) projects() int {
	s.Helper()
	_, total, err := s.ListProjects(s.ctx(), s.u, codeforge.ProjectFilter{Page: 1, Size: 1})
	s.ok(err)
	return total
}

var copyTests = []test{
	{"a copy has the files and what is known of them, and nothing else", func(s *suite) {
		p := s.project()
		_, err := s.UpdateProject(s.ctx(), s.u, p.ID, codeforge.ProjectPatch{Description: new("Walks"), Requirements: new(json.RawMessage(`{"a":1}`)), TechStack: new([]string{"Go"}),
			Apply: new(codeforge.ApplyReview), Status: new(codeforge.Building)})
		s.ok(err)
		lock := []byte("lock\xff")
		s.write(p, "a.ts", "a")
		s.write(p, "b.ts", "")
		shot := s.put(p, picture(7)).Hash
		shots := []codeforge.Screenshot{{Page: "index.html", Width: 360, Type: "image/png", Hash: shot}}
		climbed := codeforge.Evidence{{Name: codeforge.RungParse, Status: codeforge.RungPassed, Tool: "esbuild"}}
		blob := s.put(p, picture(3))
		blob.Path = "pic.png"
		_, err = s.WriteRevision(s.ctx(), s.u, p.ID, codeforge.TreeChange{Head: 2, Changes: []codeforge.FileChange{blob, {Path: "c.ts", Content: "a", Language: "elvish"}}, Lock: lock, Screenshots: shots, Evidence: climbed, Verified: new(true)})
		s.ok(err)
		s.ok(s.DeleteFile(s.ctx(), s.u, p.ID, "a.ts", nil))
		_, err = s.RestoreRevision(s.ctx(), s.u, p.ID, 3, nil)
		s.ok(err)
		s.ok(s.AddMessages(s.ctx(), p.ID, []codeforge.Message{{Role: "user", Content: "hi"}}))
		s.submit(p, codeforge.QA)
		before := s.all(p)
		s.advance(time.Minute)
		q := s.copy(codeforge.ProjectCopy{From: p.ID})
		s.same("row", []any{q.UserID, q.Title, q.Description, q.Mode, q.Status, q.Requirements, q.Architecture, q.TechStack, q.Apply, q.Revision},
			[]any{s.u.ID, "Copy of Dog walkers", "Walks", codeforge.ModeBuilder, codeforge.Building, json.RawMessage(`{"a":1}`), nil, []string{"Go"}, codeforge.ApplyReview, 1})
		if !q.CreatedAt.After(p.CreatedAt) || q.ID == p.ID {
			s.Fatalf("%+v", q)
		}
		rev, files, err := s.RevisionFiles(s.ctx(), s.u, q.ID, 1, codeforge.Page{})
		s.ok(err)
		s.same("revision", []any{rev.JobID, rev.Author, rev.Message, rev.FilesChanged, rev.Verified, rev.Evidence}, []any{"", "user", fmt.Sprint("Copy of revision 5 of project ", p.ID), 4, true, climbed})
		_, of, err := s.RevisionFiles(s.ctx(), s.u, p.ID, 5, codeforge.Page{})
		s.ok(err)
		for i, f := range files {
			s.same("file", []any{f.Path, f.Content, f.Language, f.Hash, f.Size, f.Version, f.Revision}, []any{of[i].Path, of[i].Content, of[i].Language, of[i].Hash, of[i].Size, 1, 1})
			if f.ID == of[i].ID || f.ProjectID != q.ID {
				s.Fatalf("%+v", f)
			}
		}
		s.same("files", len(files), 4)
		now, _, err := s.ListFiles(s.ctx(), s.u, q.ID, true, -1)
		s.ok(err)
		s.same("newest", now, files)
		s.same("tree", s.treeAt(q, 1), s.treeAt(p, 5))
		got, err := s.ListScreenshots(s.ctx(), s.u, q.ID, 1)
		s.ok(err)
		s.same("screenshots", got, shots)
		list, jobs, err := s.ListJobs(s.ctx(), s.u, q.ID, codeforge.JobFilter{Limit: 10})
		s.ok(err)
		chat, err := s.ListMessages(s.ctx(), s.u, q.ID, codeforge.MessageFilter{Limit: 10})
		s.ok(err)
		s.same("work and words", []any{len(list), jobs, len(chat)}, []any{0, 0, 0})
		// Neither has anything of the other.
		s.write(q, "a.ts", "mine")
		s.same("the other", s.all(p), before)
		_, err = s.DeleteProject(s.ctx(), s.u, p.ID, nil)
		s.ok(err)
		s.same("tree of the copy", s.treeAt(q, 1), tree{"a.ts": "a", "b.ts": "", "c.ts": "a", "pic.png": ""})
		for hash, want := range map[string][]byte{blob.Hash: picture(3), shot: picture(7)} {
			data, err := s.ReadBlob(s.ctx(), s.u, q.ID, hash)
			s.ok(err)
			s.same("bytes", data, want)
		}
		kept, err := s.ReadLock(s.ctx(), s.u, q.ID, 0)
		s.ok(err)
		s.same("lock", kept, lock)
		s.ok(s.SweepWorking(s.ctx(), time.Now().Add(48*time.Hour)))
		s.same("swept", s.treeAt(q, 1), tree{"a.ts": "a", "b.ts": "", "c.ts": "a", "pic.png": ""})
	}},
	{"an older revision is copied as it was, and what has none has none", func(s *suite) {
		p := s.history()
		q := s.copy(codeforge.ProjectCopy{From: p.ID, Revision: 2, Title: "As it was"})
		s.same("tree", s.treeAt(q, 1), tree{"a.ts": "a", "b.ts": "b"})
		s.same("title", []any{q.Title, q.Revision}, []any{"As it was", 1})
		s.same("of a copy", s.treeAt(s.copy(codeforge.ProjectCopy{From: q.ID}), 1), tree{"a.ts": "a", "b.ts": "b"})
		for _, n := range []int64{6, -1} {
			_, _, err := s.CopyProject(s.ctx(), s.u, codeforge.ProjectCopy{From: p.ID, Revision: n})
			s.missing(err, "Revision", fmt.Sprint(n))
		}
		_, _, err := s.CopyProject(s.ctx(), s.u, codeforge.ProjectCopy{From: p.ID, Title: "no"})
		s.invalid("title", err)
		bare := s.project()
		_, err = s.UpdateProject(s.ctx(), s.u, bare.ID, codeforge.ProjectPatch{Title: new(strings.Repeat("ü", 200)), Status: new(codeforge.Archived)})
		s.ok(err)
		c := s.copy(codeforge.ProjectCopy{From: bare.ID})
		s.same("of an archived one without files", []any{c.Title, c.Status, c.Revision}, []any{"Copy of " + strings.Repeat("ü", 192), codeforge.InProgress, 0})
		s.write(c, "a.ts", "a")
	}},
	{"quotas hold, and what is refused leaves nothing", func(s *suite) {
		p := s.history()
		refused := func(q codeforge.Quota, kind codeforge.Kind, name string, limit int) {
			s.Helper()
			s.quota(q)
			have := s.projects()
			_, _, err := s.CopyProject(s.ctx(), s.u, codeforge.ProjectCopy{From: p.ID, IdempotencyKey: name})
			s.wantRefused(err, kind, name, limit)
			s.same("projects", s.projects(), have)
		}
		refused(codeforge.Quota{Projects: 1}, codeforge.TooLarge, codeforge.QuotaProjects, 1)
		refused(codeforge.Quota{Bytes: 8}, codeforge.TooLarge, codeforge.QuotaBytes, 8) // a, b, a2 and b3 are 6
		s.quota(codeforge.Quota{Bytes: 10})
		s.copy(codeforge.ProjectCopy{From: p.ID, IdempotencyKey: codeforge.QuotaBytes}) // its key is free
		s.quota(codeforge.Quota{RevisionsDay: 1})
		s.write(s.project(), "a", "a")
		refused(codeforge.Quota{RevisionsDay: 1}, codeforge.RateLimited, codeforge.QuotaRevisions, 1)
		s.quota(codeforge.Quota{})
		blob := s.put(p, picture(40))
		blob.Path = "pic"
		_, err := s.WriteRevision(s.ctx(), s.u, p.ID, codeforge.TreeChange{Head: -1, Changes: []codeforge.FileChange{blob}})
		s.ok(err)
		s.quota(codeforge.Quota{ProjectBlobs: 39})
		_, _, err = s.CopyProject(s.ctx(), s.u, codeforge.ProjectCopy{From: p.ID})
		s.refused(err, codeforge.TooLarge)
	}},
	{"a key makes one copy, whoever is first", func(s *suite) {
		p := s.history()
		n := codeforge.ProjectCopy{From: p.ID, Title: "Once", IdempotencyKey: "one"}
		var ids [racers]string
		var fresh [racers]bool
		s.race(func(i int) (err error) {
			var q codeforge.Project
			q, fresh[i], err = s.CopyProject(s.ctx(), s.u, n)
			ids[i] = q.ID
			return err
		})
		made := 0
		for i := range ids {
			s.same("id", ids[i], ids[0])
			if fresh[i] {
				made++
			}
		}
		s.same("made", []int{made, s.projects()}, []int{1, 2})
		s.write(codeforge.Project{ID: ids[0]}, "a.ts", "newer")
		again, isFresh, err := s.CopyProject(s.ctx(), s.u, n)
		s.ok(err)
		s.same("again", []any{again.ID, again.Revision, isFresh}, []any{ids[0], 2, false})
		for _, other := range []codeforge.ProjectCopy{{From: p.ID, IdempotencyKey: "one"}, {From: p.ID, Title: "Once", Revision: 1, IdempotencyKey: "one"}, {From: ids[0], Title: "Once", IdempotencyKey: "one"}} {
			_, _, err := s.CopyProject(s.ctx(), s.u, other)
			s.refused(err, codeforge.Conflict)
		}
		theirs := s.projectOf(s.v)
		_, isFresh, err = s.CopyProject(s.ctx(), s.v, codeforge.ProjectCopy{From: theirs.ID, IdempotencyKey: "one"})
		s.ok(err)
		s.same("of another user", isFresh, true)
		_, err = s.DeleteProject(s.ctx(), s.u, ids[0], nil)
		s.ok(err)
		if q := s.copy(n); q.ID == ids[0] {
			s.Fatal("a copy that is gone")
		}
	}},
}
