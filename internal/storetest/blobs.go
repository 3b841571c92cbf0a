package storetest

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"codeforge"
)

// picture are n bytes that are no text.
func picture(n int) []byte { return bytes.Repeat([]byte{0xff}, n) }

func (s *suite) put(p codeforge.Project, data []byte) codeforge.FileChange {
	s.Helper()
	hash, err := s.PutBlob(s.ctx(), s.u, p.ID, data)
	s.ok(err)
	s.same("hash", hash, codeforge.BlobHash(data))
	return codeforge.FileChange{Hash: hash, Size: int64(len(data))}
}

// at is a blob at a path.
func at(path string, blob codeforge.FileChange) codeforge.FileChange {
	blob.Path = path
	return blob
}

func (s *suite) writeBlob(p codeforge.Project, path string, data []byte) codeforge.File {
	s.Helper()
	blob := s.put(p, data)
	f, err := s.WriteFile(s.ctx(), s.u, p.ID, codeforge.FileWrite{Path: path, Hash: blob.Hash, Size: blob.Size})
	s.ok(err)
	return f
}

// wantBlob wants a file to be a blob, and its bytes to be there.
func (s *suite) wantBlob(p codeforge.Project, f *codeforge.File, data []byte) {
	s.Helper()
	if f == nil {
		s.Fatal("no file")
	}
	s.same("blob", []any{f.Encoding, f.Hash, f.Size, f.Content}, []any{codeforge.EncodingBase64, codeforge.BlobHash(data), len(data), ""})
	got, err := s.ReadBlob(s.ctx(), s.u, p.ID, f.Hash)
	s.ok(err)
	s.same("bytes", got, data)
}

var blobTests = []test{
	{"bytes come back by their hash", func(s *suite) {
		p := s.project()
		for _, data := range [][]byte{picture(1), []byte("a text"), {}, {0}, picture(3_000_000), []byte(strings.Repeat("long ", codeforge.MaxContent/4))} {
			for range 2 {
				blob := s.put(p, data)
				got, err := s.ReadBlob(s.ctx(), s.u, p.ID, blob.Hash)
				s.ok(err)
				if string(got) != string(data) {
					s.Fatalf("%d bytes came back as %d", len(data), len(got))
				}
			}
		}
		for _, hash := range []string{codeforge.BlobHash([]byte("never put")), "", "abc", strings.Repeat("G", 64), strings.ToUpper(codeforge.BlobHash(picture(1)))} {
			_, err := s.ReadBlob(s.ctx(), s.u, p.ID, hash)
			s.refused(err, codeforge.Missing)
		}
		_, err := s.ReadBlob(s.ctx(), s.u, s.project().ID, codeforge.BlobHash(picture(1)))
		s.refused(err, codeforge.Missing)
	}},
	{"a file is a text or a blob", func(s *suite) {
		p := s.project()
		s.write(p, "b.txt", "text")
		f := s.writeBlob(p, "a.png", picture(10))
		s.wantBlob(p, &f, picture(10))
		s.same("first", []any{f.Path, f.Version, f.Revision}, []any{"a.png", 1, 2})
		s.writeBlob(p, "b.txt", picture(20))
		s.write(p, "a.png", "no picture any more")
		s.writeBlob(p, "a.png", picture(30))
		f, err := s.GetFile(s.ctx(), s.u, p.ID, "a.png")
		s.ok(err)
		s.wantBlob(p, &f, picture(30))
		s.same("versions", []any{f.Version, f.Revision}, []any{3, 5})
		for _, contents := range []bool{true, false} {
			files, _, err := s.ListFiles(s.ctx(), s.u, p.ID, contents, -1)
			s.ok(err)
			s.same("files", len(files), 2)
			s.wantBlob(p, &files[0], picture(30))
			s.wantBlob(p, &files[1], picture(20))
		}
		for number, want := range map[int64][]any{1: {"text"}, 2: {picture(10), "text"}, 3: {picture(10), picture(20)}, 4: {"no picture any more", picture(20)}, 5: {picture(30), picture(20)}} {
			rev, files, err := s.RevisionFiles(s.ctx(), s.u, p.ID, number, codeforge.Page{})
			s.ok(err)
			snapshot, err := s.SnapshotFiles(s.ctx(), p.ID, number)
			s.ok(err)
			s.same("files", []any{len(files), len(snapshot), rev.Number}, []any{len(want), len(want), number})
			for i, w := range want {
				for _, f := range []codeforge.File{files[i], snapshot[i]} {
					if data, ok := w.([]byte); ok {
						s.wantBlob(p, &f, data)
					} else {
						s.same("text", []any{f.Content, f.Hash, f.Encoding, f.Size}, []any{w, "", "", len(w.(string))})
					}
				}
			}
		}
		s.ok(s.DeleteFile(s.ctx(), s.u, p.ID, "a.png", nil))
		_, deltas, err := s.RevisionDeltas(s.ctx(), s.u, p.ID, 6, codeforge.Page{})
		s.ok(err)
		s.wantBlob(p, deltas[0].Old, picture(30))
		s.same("deleted", deltas[0].New, nil)
		_, deltas, err = s.RevisionDeltas(s.ctx(), s.u, p.ID, 5, codeforge.Page{Bytes: 1})
		s.ok(err)
		s.same("old", deltas[0].Old.Content, "no picture any more")
		s.wantBlob(p, deltas[0].New, picture(30))
	}},
	{"a write names what was put, or nothing happens", func(s *suite) {
		p, other := s.project(), s.project()
		s.write(p, "a.txt", "text")
		s.put(other, picture(1))
		j := s.started(p, codeforge.Code)
		s.unchanged(p, func() {
			for _, ch := range []codeforge.FileChange{
				{Hash: codeforge.BlobHash(picture(1))}, // another project's
				{Hash: "no hash"},
				{Hash: strings.ToUpper(codeforge.BlobHash([]byte("text")))},
				{Hash: codeforge.BlobHash([]byte("text")), Content: "text"},
			} {
				ch.Path = "b.png"
				_, err := s.WriteFile(s.ctx(), s.u, p.ID, codeforge.FileWrite{Path: ch.Path, Hash: ch.Hash, Content: ch.Content})
				s.invalid("hash", err)
				changes := []codeforge.FileChange{{Path: "c.txt", Content: "beside"}, ch}
				_, err = s.WriteRevision(s.ctx(), s.u, p.ID, codeforge.TreeChange{Head: 1, Changes: changes})
				s.invalid("hash", err)
				_, err = s.tryBuild(p, j, changes...)
				s.invalid("hash", err)
				_, err = s.RecordEvents(s.ctx(), fence(j), -1, []codeforge.Event{{Type: codeforge.EventFile, File: &ch}})
				s.invalid("hash", err)
				_, err = s.FinishJob(s.ctx(), fence(j), codeforge.Outcome{Status: codeforge.JobFailed, Proposal: &codeforge.NewProposal{Base: 1, Changes: changes}})
				s.invalid("hash", err)
			}
		})
	}},
	{"what the rule of texts takes is a text, whatever door it came by", func(s *suite) {
		p := s.project()
		blob := s.put(p, []byte("text"))
		f, err := s.WriteFile(s.ctx(), s.u, p.ID, codeforge.FileWrite{Path: "a.txt", Hash: blob.Hash})
		s.ok(err)
		s.same("written", []any{f.Content, f.Hash, f.Encoding, f.Size}, []any{"text", "", "", 4})
		s.write(p, "b.txt", "beside")
		rev, err := s.WriteRevision(s.ctx(), s.u, p.ID, codeforge.TreeChange{Head: 2, Changes: []codeforge.FileChange{at("c.txt", blob), {Path: "d.txt", Hash: codeforge.BlobHash([]byte("beside"))}}})
		s.ok(err)
		s.same("tree", s.treeAt(p, rev.Number), tree{"a.txt": "text", "b.txt": "beside", "c.txt": "text", "d.txt": "beside"})
	}},
	{"blobs take no room on a page", func(s *suite) {
		p := s.project()
		for i := range 5 {
			s.writeBlob(p, fmt.Sprintf("%d.png", i), picture(1000+i))
		}
		s.write(p, "a.txt", strings.Repeat("x", 100))
		s.write(p, "b.txt", "y")
		all, pages := s.paged(p, 0, codeforge.Page{Bytes: 100})
		s.same("pages", []any{pages, len(all)}, []any{[]int{6, 1}, 7})
		s.paged(p, 6, codeforge.Page{Bytes: 100})
	}},
	{"jobs keep, propose and show blobs", func(s *suite) {
		p := s.project()
		s.writeBlob(p, "a.png", picture(1))
		j := s.started(p, codeforge.Code)
		shown, moved := at("b.png", s.put(p, picture(2))), at("moved.png", codeforge.FileChange{Hash: codeforge.BlobHash(picture(1))})
		s.report(j, codeforge.Event{Type: codeforge.EventFile, File: &shown}, codeforge.Event{Type: codeforge.EventFile, File: &moved}, fileEvent("c", "text"))
		files, pages := s.working(j.ID, codeforge.Page{Bytes: 4})
		s.same("working", []any{len(files), pages}, []any{3, 2})
		for i, data := range [][]byte{picture(2), []byte("text"), picture(1)} {
			f := files[i]
			s.same("working", []any{f.Hash, f.Size, f.Encoding == codeforge.EncodingBase64, f.Content == ""}, []any{codeforge.BlobHash(data), len(data), i != 1, i != 1})
		}
		// A proposal, then the same as a revision.
		changes := []codeforge.FileChange{shown, moved, {Path: "a.png", Delete: true}, {Path: "c", Content: "text"}}
		s.keep(j, proposedStage(0, 1, changes...))
		proposal, deltas, err := s.ReadProposal(s.ctx(), s.u, j.ID, codeforge.Page{Bytes: 4})
		s.ok(err)
		s.same("proposal", []any{proposal.FilesChanged, len(deltas)}, []any{4, 3})
		s.wantBlob(p, deltas[0].Old, picture(1))
		s.wantBlob(p, deltas[1].New, picture(2))
		s.same("text", deltas[2].New.Content, "text")
		s.finish(j, waits)
		done, err := s.ApplyProposal(s.ctx(), s.u, j.ID, application(1, changes...))
		s.ok(err)
		_, files2, err := s.RevisionFiles(s.ctx(), s.u, p.ID, done.Job.Revision, codeforge.Page{})
		s.ok(err)
		s.same("files", len(files2), 3)
		s.wantBlob(p, &files2[0], picture(2))
		s.wantBlob(p, &files2[2], picture(1))
		// Nothing of it changes anything once more.
		kept, err := s.tryBuild(p, s.started(p, codeforge.Code), changes...)
		s.ok(err)
		s.same("nothing new", kept.Revision, 0)
	}},
	{"bytes of blobs are bounded, apart from those of texts", func(s *suite) {
		s.quota(codeforge.Quota{Blob: 1000, Text: 200_000, ProjectBlobs: 2500})
		p := s.project()
		tooLarge := func(err error, limit int) {
			s.Helper()
			e := s.refused(err, codeforge.TooLarge)
			s.same("details", e.Details, map[string]any{"field": "content", "limit": limit})
			if !strings.Contains(e.Message, fmt.Sprint(limit)) {
				s.Fatal(e.Message)
			}
		}
		_, err := s.PutBlob(s.ctx(), s.u, p.ID, picture(1001))
		tooLarge(err, 1000)
		s.writeBlob(p, "a", picture(1000))
		s.writeBlob(p, "b", picture(999))
		s.write(p, "text", strings.Repeat("x", 50_000))
		third := s.put(p, picture(600))
		j := s.started(p, codeforge.Code)
		s.unchanged(p, func() {
			_, err := s.WriteFile(s.ctx(), s.u, p.ID, codeforge.FileWrite{Path: "c", Hash: third.Hash})
			tooLarge(err, 2500)
			_, err = s.WriteRevision(s.ctx(), s.u, p.ID, codeforge.TreeChange{Head: -1, Changes: []codeforge.FileChange{at("c", third)}})
			tooLarge(err, 2500)
			_, err = s.tryBuild(p, j, at("c", third))
			tooLarge(err, 2500)
		})
		// After a deletion there is room; what was deleted cannot come back beside it.
		s.ok(s.DeleteFile(s.ctx(), s.u, p.ID, "a", nil))
		_, err = s.WriteFile(s.ctx(), s.u, p.ID, codeforge.FileWrite{Path: "c", Hash: third.Hash})
		s.ok(err)
		s.writeBlob(p, "a", picture(901))
		s.unchanged(p, func() {
			_, err := s.WriteFile(s.ctx(), s.u, p.ID, codeforge.FileWrite{Path: "a", Hash: codeforge.BlobHash(picture(1000))})
			tooLarge(err, 2500)
		})
		s.restore(p, 3)
		s.restore(p, 6)
		// A text takes its place from the other count.
		s.write(p, "a", "small")
		s.writeBlob(p, "d", picture(900))
		// A project that is over a limit which came later may shrink.
		s.quota(codeforge.Quota{ProjectBlobs: 1000})
		s.writeBlob(p, "d", picture(899))
		_, err = s.WriteFile(s.ctx(), s.u, p.ID, codeforge.FileWrite{Path: "d", Hash: codeforge.BlobHash(picture(900))})
		tooLarge(err, 1000)
	}},
	{"what was put and is in no revision is bounded too", func(s *suite) {
		s.quota(codeforge.Quota{ProjectBlobs: 1000})
		p := s.project()
		first, second := s.put(p, picture(600)), s.put(p, picture(400))
		for range 3 {
			s.put(p, picture(400)) // again
		}
		_, err := s.PutBlob(s.ctx(), s.u, p.ID, picture(1))
		s.refused(err, codeforge.TooLarge)
		s.put(s.project(), picture(600))
		_, err = s.WriteFile(s.ctx(), s.u, p.ID, codeforge.FileWrite{Path: "a", Hash: second.Hash})
		s.ok(err)
		s.put(p, picture(399))
		_, err = s.WriteFile(s.ctx(), s.u, p.ID, codeforge.FileWrite{Path: "b", Hash: first.Hash})
		s.ok(err)
	}},
	{"a long text has a bound of its own", func(s *suite) {
		s.quota(codeforge.Quota{Blob: 1_000_000, Text: 300_000})
		p := s.project()
		long := []byte(strings.Repeat("é", 150_000))
		s.put(p, long)
		_, err := s.PutBlob(s.ctx(), s.u, p.ID, append(long, 'x'))
		s.refused(err, codeforge.TooLarge)
		s.put(p, append(long, 0)) // no text
		f := s.writeBlob(p, "long.txt", long)
		s.wantBlob(p, &f, long)
	}},
	{"blobs count as what a user stores", func(s *suite) {
		s.quota(codeforge.Quota{Bytes: 1000})
		p := s.project()
		s.writeBlob(p, "a", picture(600))
		s.writeBlob(p, "b", picture(600)) // nothing new
		_, err := s.PutBlob(s.ctx(), s.u, p.ID, picture(401))
		s.wantRefused(err, codeforge.TooLarge, codeforge.QuotaBytes, 1000)
		s.writeBlob(p, "a", picture(400))
		for range 3 {
			s.restore(p, 1)
			s.restore(p, 3)
		}
		_, files, err := s.RevisionFiles(s.ctx(), s.u, p.ID, 0, codeforge.Page{})
		s.ok(err)
		s.wantBlob(p, &files[0], picture(400))
		s.wantBlob(p, &files[1], picture(600))
		_, _, _, err = s.SubmitJob(s.ctx(), s.u, codeforge.NewJob{ProjectID: p.ID, Agent: codeforge.Code})
		s.wantRefused(err, codeforge.TooLarge, codeforge.QuotaBytes, 1000)
	}},
	{"what nothing names goes after a day", func(s *suite) {
		p := s.project()
		sweep := func() {
			s.Helper()
			s.ok(s.SweepWorking(s.ctx(), s.write(p, "clock", fmt.Sprint(codeforge.NewID())).UpdatedAt.Add(-codeforge.WorkingKept)))
		}
		has := func(want bool, n int) {
			s.Helper()
			_, err := s.ReadBlob(s.ctx(), s.u, p.ID, codeforge.BlobHash(picture(n)))
			if want {
				s.ok(err)
			} else {
				s.refused(err, codeforge.Missing)
			}
		}
		unused, again, file, working, proposed, shot := s.put(p, picture(1)), s.put(p, picture(2)), s.put(p, picture(3)), s.put(p, picture(4)), s.put(p, picture(5)), s.put(p, picture(6))
		lock := picture(7)
		rev, err := s.WriteRevision(s.ctx(), s.u, p.ID, codeforge.TreeChange{Changes: []codeforge.FileChange{at("a", file)}, Lock: lock,
			Screenshots: []codeforge.Screenshot{{Page: "index.html", Width: 360, Type: "image/png", Hash: shot.Hash}}})
		s.ok(err)
		j := s.started(p, codeforge.Code)
		s.report(j, codeforge.Event{Type: codeforge.EventFile, File: new(at("b", working))})
		s.keep(j, proposedStage(0, rev.Number, at("c", proposed)))
		sweep()
		has(true, 1)
		s.advance(codeforge.WorkingKept + time.Hour)
		s.put(p, picture(2))
		sweep()
		has(false, 1)
		for n := 2; n <= 7; n++ {
			has(true, n)
		}
		_, err = s.WriteFile(s.ctx(), s.u, p.ID, codeforge.FileWrite{Path: "late", Hash: unused.Hash})
		s.invalid("hash", err)
		_, err = s.WriteFile(s.ctx(), s.u, p.ID, codeforge.FileWrite{Path: "in time", Hash: again.Hash})
		s.ok(err)
		// The others go with what named them.
		s.finish(j, completes)
		s.advance(codeforge.WorkingKept + time.Hour)
		sweep()
		has(false, 4)
		has(true, 5)
		_, err = s.RejectProposal(s.ctx(), s.u, j.ID, nil)
		s.ok(err)
		has(false, 5)
		s.ok(s.MarkChecked(s.ctx(), s.u, p.ID, rev.Number, true, nil, nil, []byte("another lock")))
		has(false, 6)
		has(true, 7) // later revisions have it
		has(true, 3)
		has(true, 2)
	}},
	{"what only a job has can be named by its next step", func(s *suite) {
		p := s.project()
		j := s.started(p, codeforge.Code)
		one, two := s.put(p, picture(1)), s.put(p, picture(2))
		file := func(ch codeforge.FileChange) codeforge.Event {
			return codeforge.Event{Type: codeforge.EventFile, File: &ch}
		}
		s.report(j, file(at("a", one)), file(at("b", two)))
		s.keep(j, proposedStage(0, 0, at("c", one), at("d", two)))
		s.ok(s.SweepWorking(s.ctx(), s.write(p, "clock", "").UpdatedAt.Add(time.Hour)))
		_, err := s.PutBlob(s.ctx(), s.u, p.ID, picture(1))
		s.ok(err)
		s.ok(s.SweepWorking(s.ctx(), s.write(p, "clock", "").UpdatedAt.Add(time.Hour)))
		// The two change places, and move.
		s.report(j, file(at("a", two)), file(at("b", one)))
		s.report(j, deletedEvent("b"), file(at("z", one)))
		s.report(j, deletedEvent("z"), deletedEvent("a"))
		s.keep(j, proposedStage(1, 0, at("d", one), at("c", two)))
		s.keep(j, proposedStage(2, 0, at("e", two), at("f", one)))
		_, deltas, err := s.ReadProposal(s.ctx(), s.u, j.ID, codeforge.Page{})
		s.ok(err)
		s.same("files", len(deltas), 2)
		s.wantBlob(p, deltas[0].New, picture(2))
		s.wantBlob(p, deltas[1].New, picture(1))
		s.keep(j, proposedStage(3, 0, at("e", two)))
		_, err = s.ReadBlob(s.ctx(), s.u, p.ID, one.Hash)
		s.refused(err, codeforge.Missing)
	}},
	{"puts and sweeps at once lose nothing that is named", func(s *suite) {
		p := s.project()
		s.race(func(i int) error {
			if i%3 == 0 {
				return s.SweepWorking(s.ctx(), codeforge.Now().Add(time.Hour))
			}
			data := picture(1 + i%4)
			hash, err := s.PutBlob(s.ctx(), s.u, p.ID, data)
			if err != nil {
				return err
			}
			_, err = s.WriteFile(s.ctx(), s.u, p.ID, codeforge.FileWrite{Path: fmt.Sprint(i), Hash: hash})
			if codeforge.IsKind(err, codeforge.Invalid) { // swept in between, which takes a day elsewhere
				return nil
			}
			return err
		})
		_, files, err := s.RevisionFiles(s.ctx(), s.u, p.ID, 0, codeforge.Page{})
		s.ok(err)
		for _, f := range files {
			s.wantBlob(p, &f, picture(int(f.Size)))
		}
	}},
}

var importTests = []test{
	{"many changes are one revision, of those that change something", func(s *suite) {
		p := s.history()
		picture1 := s.put(p, picture(10))
		rev, err := s.WriteRevision(s.ctx(), s.u, p.ID, codeforge.TreeChange{Head: 5, Message: "Import", Changes: []codeforge.FileChange{
			{Path: "a.ts", Content: "a2"}, {Path: "b.ts", Content: "first"}, {Path: "b.ts", Content: "last"}, at("c.png", picture1), {Path: "never", Delete: true}}})
		s.ok(err)
		s.same("revision", []any{rev.Number, rev.JobID, rev.Author, rev.Message, rev.FilesChanged, rev.Verified, rev.Evidence}, []any{6, "", "user", "Import", 2, nil, nil})
		list, _, err := s.ListRevisions(s.ctx(), s.u, p.ID, 1, 1)
		s.ok(err)
		s.same("listed", list[0], rev)
		s.same("tree", s.treeAt(p, 6), tree{"a.ts": "a2", "b.ts": "last", "c.png": ""})
		// By whatever is the newest, and of nothing.
		rev, err = s.WriteRevision(s.ctx(), s.u, p.ID, codeforge.TreeChange{Head: -1, Message: "Again", Verified: new(false), Changes: []codeforge.FileChange{at("c.png", picture1)}})
		s.ok(err)
		s.same("revision", []any{rev.Number, rev.FilesChanged, *rev.Verified}, []any{7, 0, false})
		s.unchanged(p, func() {
			_, err := s.WriteRevision(s.ctx(), s.u, p.ID, codeforge.TreeChange{Head: 6, Changes: []codeforge.FileChange{{Path: "x", Content: "x"}}})
			s.moved(err, 7)
			_, err = s.WriteRevision(s.ctx(), s.u, p.ID, codeforge.TreeChange{Head: 7, Changes: []codeforge.FileChange{{Path: "x", Content: "x"}, {Path: "../x", Content: "x"}}})
			s.invalid("path", err)
			_, err = s.WriteRevision(s.ctx(), s.u, p.ID, codeforge.TreeChange{Head: 7, Changes: []codeforge.FileChange{{Path: "x", Content: "x"}, {Path: "A.ts", Content: "beside a.ts"}}})
			s.invalid("path", err)
		})
		_, err = s.UpdateProject(s.ctx(), s.u, p.ID, codeforge.ProjectPatch{Status: new(codeforge.Archived)})
		s.ok(err)
		_, err = s.WriteRevision(s.ctx(), s.u, p.ID, codeforge.TreeChange{Head: 7})
		s.refused(err, codeforge.Conflict)
	}},
	{"a whole project at once", func(s *suite) {
		p := s.project()
		changes := make([]codeforge.FileChange, codeforge.MaxFiles)
		for i := range changes {
			changes[i] = codeforge.FileChange{Path: fmt.Sprintf("src/%d/%d.ts", i%40, i), Content: fmt.Sprintf("export const n = %d // %s\n", i, strings.Repeat("x", 2000))}
		}
		began := time.Now()
		rev, err := s.WriteRevision(s.ctx(), s.u, p.ID, codeforge.TreeChange{Message: "Import", Changes: changes})
		s.Logf("%d files in %v", len(changes), time.Since(began).Round(time.Millisecond))
		s.ok(err)
		s.same("revision", []any{rev.Number, rev.FilesChanged}, []any{1, codeforge.MaxFiles})
		files, _, err := s.ListFiles(s.ctx(), s.u, p.ID, true, -1)
		s.ok(err)
		s.same("files", len(files), codeforge.MaxFiles)
		_, err = s.WriteRevision(s.ctx(), s.u, p.ID, codeforge.TreeChange{Head: 1, Changes: []codeforge.FileChange{{Path: "one more", Content: ""}}})
		s.refused(err, codeforge.TooLarge)
	}},
}

var evidenceTests = []test{
	{"evidence is kept beside a revision", func(s *suite) {
		p := s.history()
		climbed := codeforge.Evidence{{Name: codeforge.RungParse, Status: codeforge.RungPassed, Tool: "esbuild", Version: "0.25", DurationMS: 12},
			{Name: codeforge.RungRun, Status: codeforge.RungNotChecked, Reason: "no browser was found: <set> BROWSER_PATH & \"try\" again"}}
		evidence := func(number int64) []any {
			rev, _, err := s.RevisionFiles(s.ctx(), s.u, p.ID, number, codeforge.Page{Bare: true})
			s.ok(err)
			return []any{rev.Verified, rev.Evidence}
		}
		s.same("by hand", evidence(2), []any{nil, nil})
		s.ok(s.MarkChecked(s.ctx(), s.u, p.ID, 2, true, climbed, nil, nil))
		s.same("checked", evidence(2), []any{true, climbed})
		rev, err := s.RestoreRevision(s.ctx(), s.u, p.ID, 2, nil)
		s.ok(err)
		s.same("restored", []any{rev.Verified, rev.Evidence}, []any{true, climbed})
		s.same("read", evidence(6), []any{true, climbed})
		s.ok(s.MarkChecked(s.ctx(), s.u, p.ID, 2, false, climbed[:1], nil, nil))
		s.same("again", [][]any{evidence(2), evidence(6)}, [][]any{{false, climbed[:1]}, {true, climbed}})
		s.ok(s.MarkChecked(s.ctx(), s.u, p.ID, 2, true, nil, nil, nil))
		s.same("without", evidence(2), []any{true, nil})
		// Of jobs, and of what is applied.
		j := s.started(p, codeforge.Code)
		kept := s.keep(j, codeforge.StageResult{Stage: codeforge.Code, Base: 6, Changes: []codeforge.FileChange{{Path: "c", Content: "c"}}, Evidence: climbed})
		s.same("kept", evidence(kept.Revision), []any{true, climbed})
		s.keep(j, proposedStage(1, kept.Revision, codeforge.FileChange{Path: "d", Content: "d"}))
		s.finish(j, waits)
		a := application(kept.Revision, codeforge.FileChange{Path: "d", Content: "d"})
		a.Evidence = climbed[1:]
		done, err := s.ApplyProposal(s.ctx(), s.u, j.ID, a)
		s.ok(err)
		s.same("applied", evidence(done.Job.Revision), []any{true, climbed[1:]})
		list, _, err := s.ListRevisions(s.ctx(), s.u, p.ID, 1, 1)
		s.ok(err)
		s.same("listed", list[0].Evidence, climbed[1:])
		s.unchanged(p, func() {
			s.invalid("evidence", s.MarkChecked(s.ctx(), s.u, p.ID, 2, true, make(codeforge.Evidence, codeforge.MaxRungs+1), nil, nil))
			s.invalid("evidence", s.MarkChecked(s.ctx(), s.u, p.ID, 2, true, codeforge.Evidence{{Reason: "\x00"}}, nil, nil))
			s.missing(s.MarkChecked(s.ctx(), s.u, p.ID, 99, true, climbed, nil, nil), "Revision", "99")
		})
	}},
	{"a lock holds until there is another", func(s *suite) {
		p := s.project()
		lock := func(number int64) string {
			lock, err := s.ReadLock(s.ctx(), s.u, p.ID, number)
			s.ok(err)
			if lock == nil {
				return "none"
			}
			return string(lock)
		}
		s.same("none yet", []string{lock(0), lock(1)}, []string{"none", "none"})
		s.write(p, "a", "1")
		s.same("none", []string{lock(0), lock(1)}, []string{"none", "none"})
		long := strings.Repeat("long ", codeforge.MaxContent)
		_, err := s.WriteRevision(s.ctx(), s.u, p.ID, codeforge.TreeChange{Head: 1, Lock: []byte(long), Changes: []codeforge.FileChange{{Path: "package.json", Content: "{}"}}})
		s.ok(err)
		s.write(p, "a", "3")
		j := s.started(p, codeforge.Code)
		s.keep(j, codeforge.StageResult{Stage: codeforge.Code, Base: 3, Lock: []byte("job's"), Changes: []codeforge.FileChange{{Path: "package.json", Content: "{ }"}}})
		s.finish(j, completes)
		s.ok(s.DeleteFile(s.ctx(), s.u, p.ID, "a", nil))
		for number, want := range map[int64]string{0: "job's", 1: "none", 2: long, 3: long, 4: "job's", 5: "job's", 6: "none"} {
			s.same(fmt.Sprint("lock of ", number), lock(number), want)
		}
		s.restore(p, 3)
		s.restore(p, 4)
		s.same("restored", []string{lock(6), lock(7)}, []string{long, "job's"})
		s.ok(s.MarkChecked(s.ctx(), s.u, p.ID, 1, true, nil, nil, []byte("found later")))
		s.ok(s.MarkChecked(s.ctx(), s.u, p.ID, 7, true, nil, nil, nil))
		s.same("checked", []string{lock(1), lock(2), lock(7)}, []string{"found later", long, "job's"})
		s.same("no file", s.treeAt(p, 7), tree{"a": "3", "package.json": "{ }"})
		s.unchanged(p, func() {
			s.invalid("lock", s.MarkChecked(s.ctx(), s.u, p.ID, 1, true, nil, nil, make([]byte, codeforge.MaxLock+1)))
		})
	}},
	{"a revision has one screenshot of each page and width", func(s *suite) {
		p := s.project()
		s.write(p, "index.html", "1")
		shot := func(page string, width, n int) codeforge.Screenshot {
			return codeforge.Screenshot{Page: page, Width: width, Type: "image/webp", Hash: s.put(p, picture(n)).Hash}
		}
		list := func(number int64) []codeforge.Screenshot {
			list, err := s.ListScreenshots(s.ctx(), s.u, p.ID, number)
			s.ok(err)
			return append([]codeforge.Screenshot{}, list...)
		}
		s.same("none", len(list(1)), 0)
		first := []codeforge.Screenshot{shot("about.html", 360, 1), shot("about.html", 1280, 2), shot("index.html", 1280, 3)}
		s.ok(s.MarkChecked(s.ctx(), s.u, p.ID, 1, true, nil, []codeforge.Screenshot{first[2], first[1], first[0]}, nil))
		s.same("shots", list(1), first)
		got, data, err := s.ReadScreenshot(s.ctx(), s.u, p.ID, 1, "about.html", 1280)
		s.ok(err)
		s.same("shot", []any{got, data}, []any{first[1], picture(2)})
		// A later check has others; those that stay the same stay.
		second := []codeforge.Screenshot{{Page: "about.html", Width: 360, Type: "image/png", Hash: first[1].Hash}, shot("index.html", 360, 4)}
		s.ok(s.MarkChecked(s.ctx(), s.u, p.ID, 1, true, nil, second, nil))
		s.same("shots", list(1), second)
		for _, place := range []codeforge.Screenshot{first[1], {Page: "never.html", Width: 360}} {
			_, _, err = s.ReadScreenshot(s.ctx(), s.u, p.ID, 1, place.Page, place.Width)
			s.refused(err, codeforge.Missing)
		}
		_, err = s.ReadBlob(s.ctx(), s.u, p.ID, first[2].Hash)
		s.refused(err, codeforge.Missing)
		// A restore has those of what it restores, a write by hand none, a job its own.
		s.write(p, "index.html", "2")
		s.restore(p, 1)
		j := s.started(p, codeforge.Code)
		third := []codeforge.Screenshot{shot("index.html", 360, 5)}
		s.keep(j, codeforge.StageResult{Stage: codeforge.Code, Base: 3, Changes: []codeforge.FileChange{{Path: "index.html", Content: "3"}}, Screenshots: third})
		s.same("shots", [][]codeforge.Screenshot{list(2), list(3), list(4)}, [][]codeforge.Screenshot{{}, second, third})
		_, err = s.ListScreenshots(s.ctx(), s.u, p.ID, 9)
		s.missing(err, "Revision", "9")
		s.unchanged(p, func() {
			mark := func(shots ...codeforge.Screenshot) error {
				return s.MarkChecked(s.ctx(), s.u, p.ID, 1, true, nil, shots, nil)
			}
			s.invalid("screenshots", mark(second[0], second[0]))
			s.invalid("screenshots", mark(codeforge.Screenshot{Page: "a", Width: 0, Type: "image/png", Hash: second[0].Hash}))
			s.invalid("screenshots", mark(codeforge.Screenshot{Page: "a", Width: 1, Type: "text/html", Hash: second[0].Hash}))
			s.invalid("hash", mark(codeforge.Screenshot{Page: "a", Width: 1, Type: "image/png", Hash: codeforge.BlobHash([]byte("never"))}))
			s.same("shots", list(1), second)
		})
	}},
	{"screenshots of old revisions go", func(s *suite) {
		p := s.project()
		for i := range codeforge.KeptScreenshots + 3 {
			blob := s.put(p, picture(i+1))
			_, err := s.WriteRevision(s.ctx(), s.u, p.ID, codeforge.TreeChange{Head: -1, Screenshots: []codeforge.Screenshot{{Page: "index.html", Width: 360, Type: "image/png", Hash: blob.Hash}}})
			s.ok(err)
		}
		for number, want := range map[int64]int{1: 0, 3: 0, 4: 1, codeforge.KeptScreenshots + 3: 1} {
			shots, err := s.ListScreenshots(s.ctx(), s.u, p.ID, number)
			s.ok(err)
			s.same(fmt.Sprint("of ", number), len(shots), want)
			_, err = s.ReadBlob(s.ctx(), s.u, p.ID, codeforge.BlobHash(picture(int(number))))
			s.same("bytes", err == nil, want == 1)
		}
	}},
}
