package storetest

import (
	"fmt"
	"strings"
	"time"

	"codeforge"
)

// pack is bytes that stand for objects of git: no store looks into them.
func (s *suite) pack(p codeforge.Project, name string) string {
	s.Helper()
	hash, err := s.PutBlob(s.ctx(), s.u, p.ID, []byte("PACK\x00"+name))
	s.ok(err)
	return hash
}

func commitID(digit string) string { return strings.Repeat(digit, 40) }

// gitLog is what revisions after a number are to git, in words.
func (s *suite) gitLog(p codeforge.Project, after int64, rows int) (newest int64, log []string) {
	s.Helper()
	newest, list, err := s.GitRevisions(s.ctx(), s.u, p.ID, after, rows)
	s.ok(err)
	for _, r := range list {
		var line strings.Builder
		line.WriteString(fmt.Sprintf("%d %s %q", r.Number, r.Author, r.Message))
		for _, f := range r.Files {
			line.WriteString(fmt.Sprintf(" %s=%.4s/%d", f.Path, f.Hash, f.Size))
		}
		if r.Commit != "" {
			line.WriteString(fmt.Sprintf(" %.4s of %d packs", r.Commit, len(r.Packs)))
		}
		if r.CreatedAt.IsZero() || r.CreatedAt.Location().String() != "UTC" {
			s.Fatalf("revision %d was made at %v", r.Number, r.CreatedAt)
		}
		log = append(log, line.String())
	}
	return newest, log
}

func short(content string) string { return codeforge.BlobHash([]byte(content))[:4] }

var gitTests = []test{
	{"history is read in pages of rows", func(s *suite) {
		p := s.history()
		want := []string{
			`1 user "Create a.ts" a.ts=` + short("a") + "/1", `2 user "Create b.ts" b.ts=` + short("b") + "/1", `3 user "Update a.ts" a.ts=` + short("a2") + "/2",
			`4 user "Delete b.ts" b.ts=/0`, `5 user "Create b.ts" b.ts=` + short("b3") + "/2"}
		newest, log := s.gitLog(p, 0, 1000)
		s.same("newest", newest, 5)
		s.same("log", log, want)
		_, log = s.gitLog(p, 3, 1000)
		s.same("the rest", log, want[3:])
		_, log = s.gitLog(p, 0, 3) // a revision counts, and each of its files
		s.same("a page", log, want[:2])
		newest, log = s.gitLog(p, 5, 10)
		s.same("nothing new", []any{newest, len(log)}, []any{5, 0})
		newest, log = s.gitLog(s.project(), 0, 10)
		s.same("an empty project", []any{newest, len(log)}, []any{0, 0})
	}},
	{"a job's revision names its job", func(s *suite) {
		p := s.project()
		j := s.started(p, codeforge.Code)
		s.build(p, j, codeforge.FileChange{Path: "a.ts", Content: "a"}, codeforge.FileChange{Path: "b.png", Hash: s.put(p, picture(3)).Hash})
		_, list, err := s.GitRevisions(s.ctx(), s.u, p.ID, 0, 10)
		s.ok(err)
		s.same("job and author", []any{list[0].JobID, list[0].Author}, []any{j.ID, "code"})
		s.same("files", list[0].Files, []codeforge.GitFile{{Path: "a.ts", Hash: codeforge.BlobHash([]byte("a")), Size: 1}, {Path: "b.png", Hash: codeforge.BlobHash(picture(3)), Size: 3}})
	}},
	{"contents are read many at a time", func(s *suite) {
		p, other := s.history(), s.projectOf(s.u)
		s.write(p, "empty.ts", "")
		blob := s.put(p, picture(9))
		hashes := []string{codeforge.BlobHash([]byte("a")), codeforge.BlobHash([]byte("b3")), blob.Hash, codeforge.BlobHash(nil), codeforge.BlobHash([]byte("nothing")), "no hash"}
		got, err := s.ReadContents(s.ctx(), s.u, p.ID, hashes)
		s.ok(err)
		s.same("contents", got, map[string][]byte{hashes[0]: []byte("a"), hashes[1]: []byte("b3"), hashes[2]: picture(9), hashes[3]: {}})
		got, err = s.ReadContents(s.ctx(), s.u, other.ID, hashes)
		s.ok(err)
		s.same("of another project", len(got), 0)
	}},
	{"a push makes a revision of each commit", func(s *suite) {
		p := s.history()
		made, err := s.PushRevisions(s.ctx(), s.u, p.ID, codeforge.Push{Head: 5, Revisions: []codeforge.PushedRevision{
			{Changes: []codeforge.FileChange{{Path: "a.ts", Content: "a4"}, {Path: "c.png", Hash: s.put(p, picture(2)).Hash}}, Message: "One", Commit: commitID("a"), Packs: []string{s.pack(p, "one"), s.pack(p, "two")}},
			{Message: "Nothing changes", Commit: commitID("b"), Packs: []string{s.pack(p, "three")}},
			{Changes: []codeforge.FileChange{{Path: "b.ts", Delete: true}}, Message: "Three", Commit: commitID("c"), Packs: []string{s.pack(p, "four")}, Verified: new(false),
				Evidence: codeforge.Evidence{{Name: codeforge.RungParse, Status: codeforge.RungFailed, Reason: "why not"}}},
		}})
		s.ok(err)
		s.same("made", []any{len(made), made[0].Number, made[1].FilesChanged, made[2].Number, made[2].Verified}, []any{3, 6, 0, 8, false})
		s.same("tree", s.treeAt(p, 8), tree{"a.ts": "a4", "c.png": ""})
		newest, log := s.gitLog(p, 5, 1000)
		s.same("newest", newest, 8)
		s.same("log", log, []string{`6 user "One" a.ts=` + short("a4") + "/2 c.png=" + short(string(picture(2))) + "/2 aaaa of 2 packs", `7 user "Nothing changes" bbbb of 1 packs`, `8 user "Three" b.ts=/0 cccc of 1 packs`})
		// What is in use is swept no more.
		s.advance(2 * codeforge.WorkingKept)
		for range 3 {
			err := s.SweepWorking(s.ctx(), time.Now().Add(4*codeforge.WorkingKept))
			s.ok(err)
		}
		_, list, err := s.GitRevisions(s.ctx(), s.u, p.ID, 5, 1000)
		s.ok(err)
		got, err := s.ReadContents(s.ctx(), s.u, p.ID, append(list[0].Packs, list[2].Packs...))
		s.ok(err)
		s.same("packs", got[list[0].Packs[1]], []byte("PACK\x00two"))
		s.same("packs that are left", len(got), 3)
	}},
	{"a push is all or nothing", func(s *suite) {
		p := s.history()
		good := codeforge.PushedRevision{Changes: []codeforge.FileChange{{Path: "c.ts", Content: "c"}}, Commit: commitID("a"), Packs: []string{s.pack(p, "one")}}
		push := func(head int64, more ...codeforge.PushedRevision) error {
			_, err := s.PushRevisions(s.ctx(), s.u, p.ID, codeforge.Push{Head: head, Revisions: append([]codeforge.PushedRevision{good}, more...)})
			return err
		}
		with := func(change func(*codeforge.PushedRevision)) codeforge.PushedRevision {
			bad := good
			change(&bad)
			return bad
		}
		s.unchanged(p, func() {
			newest, moved := codeforge.MovedTo(push(4))
			s.same("moved to", []any{newest, moved}, []any{5, true})
			s.invalid("commit", push(5, with(func(r *codeforge.PushedRevision) { r.Commit = "main" })))
			s.invalid("packs", push(5, with(func(r *codeforge.PushedRevision) { r.Packs = nil })))
			s.invalid("hash", push(5, with(func(r *codeforge.PushedRevision) { r.Packs = []string{codeforge.BlobHash([]byte("never put"))} })))
			s.invalid("hash", push(5, with(func(r *codeforge.PushedRevision) { r.Packs = []string{"zz"} })))
			s.invalid("path", push(5, with(func(r *codeforge.PushedRevision) { r.Changes = []codeforge.FileChange{{Path: "../up.ts"}} })))
			s.invalid("path", push(5, with(func(r *codeforge.PushedRevision) { r.Changes = []codeforge.FileChange{{Path: "A.ts"}} })))
		})
		_, err := s.UpdateProject(s.ctx(), s.u, p.ID, codeforge.ProjectPatch{Status: new(codeforge.Archived)})
		s.ok(err)
		s.refused(push(5), codeforge.Conflict)
	}},
}
