package storetest

import (
	"time"

	"codeforge"
)

// contents is the tree as path to text.
func contents(files []codeforge.File) map[string]string {
	m := map[string]string{}
	for _, f := range files {
		m[f.Path] = f.Content
	}
	return m
}

type tree = map[string]string

func (s *suite) treeAt(p codeforge.Project, number int64) tree {
	s.Helper()
	rev, files, err := s.RevisionFiles(s.ctx(), s.u, p.ID, number, codeforge.Page{})
	s.ok(err)
	s.same("number", rev.Number, number)
	snapshot, err := s.SnapshotFiles(s.ctx(), p.ID, number)
	s.ok(err)
	if len(snapshot) != len(files) {
		s.Fatalf("snapshot has %d files, revision %d", len(snapshot), len(files))
	}
	for i, f := range snapshot {
		s.same("snapshot", []any{f.Path, f.Content, f.Language, f.Version}, []any{files[i].Path, files[i].Content, files[i].Language, files[i].Version})
		if i > 0 && files[i-1].Path >= f.Path {
			s.Fatalf("%s before %s", files[i-1].Path, f.Path)
		}
	}
	return contents(files)
}

// history makes a project of five revisions: a, a+b, a2+b, a2, a2+b3.
func (s *suite) history() codeforge.Project {
	s.Helper()
	p := s.project()
	s.write(p, "a.ts", "a")
	s.write(p, "b.ts", "b")
	s.write(p, "a.ts", "a2")
	s.ok(s.DeleteFile(s.ctx(), s.u, p.ID, "b.ts", nil))
	s.write(p, "b.ts", "b3")
	return p
}

var revisionTests = []test{
	{"list is newest first, in pages", func(s *suite) {
		p := s.history()
		list, total, err := s.ListRevisions(s.ctx(), s.u, p.ID, 1, 3)
		s.ok(err)
		s.same("total", total, 5)
		var got []string
		for i, r := range list {
			s.same("number", r.Number, 5-i)
			got = append(got, r.Author+": "+r.Message)
			if r.FilesChanged != 1 || r.JobID != "" || r.CreatedAt.IsZero() {
				s.Fatalf("revision %+v", r)
			}
		}
		s.same("messages", got, []string{"user: Create b.ts", "user: Delete b.ts", "user: Update a.ts"})
		list, _, err = s.ListRevisions(s.ctx(), s.u, p.ID, 2, 3)
		s.ok(err)
		if len(list) != 2 || list[0].Number != 2 || list[1].Number != 1 {
			s.Fatalf("page 2: %+v", list)
		}
		list, total, err = s.ListRevisions(s.ctx(), s.u, p.ID, 3, 3)
		s.ok(err)
		if len(list) != 0 || total != 5 {
			s.Fatalf("page 3: %d of %d", len(list), total)
		}
	}},
	{"every state can be read", func(s *suite) {
		p := s.history()
		for n, want := range map[int64]tree{1: {"a.ts": "a"}, 2: {"a.ts": "a", "b.ts": "b"}, 3: {"a.ts": "a2", "b.ts": "b"}, 4: {"a.ts": "a2"}, 5: {"a.ts": "a2", "b.ts": "b3"}} {
			s.same("tree", s.treeAt(p, n), want)
		}
		_, files, err := s.RevisionFiles(s.ctx(), s.u, p.ID, 3, codeforge.Page{})
		s.ok(err)
		a, b := files[0], files[1]
		if a.Version != 2 || a.Revision != 3 || a.Size != 2 || b.Version != 1 || b.Revision != 2 {
			s.Fatalf("files %+v", files)
		}
		now, _, err := s.ListFiles(s.ctx(), s.u, p.ID, true, -1)
		s.ok(err)
		_, files, err = s.RevisionFiles(s.ctx(), s.u, p.ID, 5, codeforge.Page{})
		s.ok(err)
		s.same("newest", files, now)
	}},
	{"no revision has no files", func(s *suite) {
		p := s.history()
		files, err := s.SnapshotFiles(s.ctx(), p.ID, 0)
		s.ok(err)
		s.same("files", len(files), 0)
		for _, n := range []int64{0, 6, -1} {
			_, _, err := s.RevisionFiles(s.ctx(), s.u, p.ID, n, codeforge.Page{})
			if n == 0 { // the newest, and there is none
				s.ok(err)
				err = codeforge.NotFound("Revision", "0")
			}
			s.refused(err, codeforge.Missing)
			_, _, err = s.RevisionDeltas(s.ctx(), s.u, p.ID, n, codeforge.Page{})
			s.refused(err, codeforge.Missing)
			_, err = s.RestoreRevision(s.ctx(), s.u, p.ID, n, nil)
			s.refused(err, codeforge.Missing)
		}
	}},
	{"deltas have both sides", func(s *suite) {
		p := s.history()
		side := func(f *codeforge.File) any {
			if f == nil {
				return nil
			}
			return []any{f.Path, f.Content, f.Version, f.Revision}
		}
		for n, want := range map[int64][]any{
			1: {nil, []any{"a.ts", "a", 1, 1}},
			3: {[]any{"a.ts", "a", 1, 1}, []any{"a.ts", "a2", 2, 3}},
			4: {[]any{"b.ts", "b", 1, 2}, nil},
			5: {nil, []any{"b.ts", "b3", 3, 5}},
		} {
			rev, deltas, err := s.RevisionDeltas(s.ctx(), s.u, p.ID, n, codeforge.Page{})
			s.ok(err)
			if rev.Number != n || len(deltas) != 1 {
				s.Fatalf("revision %d: %d deltas", rev.Number, len(deltas))
			}
			s.same("delta", []any{side(deltas[0].Old), side(deltas[0].New)}, want)
		}
	}},
	{"a job's changes are one revision", func(s *suite) {
		p := s.history()
		j := s.started(p, codeforge.Code)
		s.same("base", j.Base, 5)
		done := s.build(p, j,
			codeforge.FileChange{Path: "z.ts", Content: "z"},
			codeforge.FileChange{Path: "a.ts", Delete: true},
			codeforge.FileChange{Path: "b.ts", Content: "b3"},        // as it is
			codeforge.FileChange{Path: "never.ts", Delete: true},     // not there
			codeforge.FileChange{Path: "m.ts", Content: "first"},     // overwritten below
			codeforge.FileChange{Path: "m.ts", Content: "the other"}, // counts
		)
		s.same("job's revision", done.Job.Revision, 6)
		s.same("tree", s.treeAt(p, 6), tree{"b.ts": "b3", "m.ts": "the other", "z.ts": "z"})
		rev, deltas, err := s.RevisionDeltas(s.ctx(), s.u, p.ID, 6, codeforge.Page{})
		s.ok(err)
		s.same("revision", []any{rev.JobID, rev.Author, rev.Message, rev.FilesChanged}, []any{j.ID, "code", "Build it", 3})
		var paths []string
		for _, d := range deltas {
			paths = append(paths, d.Path)
		}
		s.same("paths", paths, []string{"a.ts", "m.ts", "z.ts"})
	}},
	{"changes that change nothing make no revision", func(s *suite) {
		p := s.history()
		done := s.build(p, s.started(p, codeforge.Code), codeforge.FileChange{Path: "b.ts", Content: "b3"})
		s.same("job's revision", done.Job.Revision, 0)
		_, total, err := s.ListRevisions(s.ctx(), s.u, p.ID, 1, 1)
		s.ok(err)
		s.same("revisions", total, 5)
	}},
	{"restore brings a state back as a new one", func(s *suite) {
		p := s.history()
		rev, err := s.RestoreRevision(s.ctx(), s.u, p.ID, 2, nil)
		s.ok(err)
		s.same("revision", []any{rev.Number, rev.Author, rev.Message, rev.FilesChanged}, []any{6, "user", "Restore revision 2", 2})
		s.same("tree", s.treeAt(p, 6), tree{"a.ts": "a", "b.ts": "b"})
		s.same("old tree", s.treeAt(p, 5), tree{"a.ts": "a2", "b.ts": "b3"})
		f, err := s.GetFile(s.ctx(), s.u, p.ID, "a.ts")
		s.ok(err)
		s.same("version", f.Version, 3)
		rev, err = s.RestoreRevision(s.ctx(), s.u, p.ID, 1, new(int64(6)))
		s.ok(err)
		s.same("tree", s.treeAt(p, rev.Number), tree{"a.ts": "a"})
		rev, err = s.RestoreRevision(s.ctx(), s.u, p.ID, 5, nil)
		s.ok(err)
		s.same("tree", s.treeAt(p, rev.Number), tree{"a.ts": "a2", "b.ts": "b3"})
	}},
	{"restoring the newest changes nothing but the number", func(s *suite) {
		p := s.history()
		rev, err := s.RestoreRevision(s.ctx(), s.u, p.ID, 5, nil)
		s.ok(err)
		s.same("revision", []any{rev.Number, rev.FilesChanged}, []any{6, 0})
		s.same("tree", s.treeAt(p, 6), s.treeAt(p, 5))
		_, deltas, err := s.RevisionDeltas(s.ctx(), s.u, p.ID, 6, codeforge.Page{})
		s.ok(err)
		s.same("deltas", len(deltas), 0)
	}},
	{"restore on a stale revision is a conflict", func(s *suite) {
		p := s.history()
		s.unchanged(p, func() {
			_, err := s.RestoreRevision(s.ctx(), s.u, p.ID, 1, new(int64(4)))
			s.refused(err, codeforge.Conflict)
		})
	}},
	{"a write by hand raises the project's time", func(s *suite) {
		p := s.project()
		s.advance(time.Minute)
		s.write(p, "a.ts", "x")
		got, err := s.GetProject(s.ctx(), s.u, p.ID)
		s.ok(err)
		if !got.UpdatedAt.After(p.UpdatedAt) {
			s.Fatal("same time")
		}
	}},
}
