package storetest

import (
	"fmt"
	"strings"

	"codeforge"
)

// picture are bytes that are no text.
func picture(n int) []byte { return fmt.Appendf([]byte{0xff, 0xd8, 0}, "%0*d", n, n) }

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
}
