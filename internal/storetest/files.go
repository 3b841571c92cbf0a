package storetest

import (
	"fmt"
	"strings"
	"time"

	"codeforge"
)

var fileTests = []test{
	{"write, read, update", func(s *suite) {
		p := s.project()
		f := s.write(p, "src/a.ts", "one")
		if f.Version != 1 || f.Revision != 1 || f.Size != 3 || f.Language != "typescript" || f.ProjectID != p.ID || f.ID == "" {
			s.Fatalf("wrote %+v", f)
		}
		got, err := s.GetFile(s.ctx(), s.u, p.ID, "src/a.ts")
		s.ok(err)
		s.same("read", got, f)
		s.advance(time.Second)
		g := s.write(p, "src/a.ts", "two\x01é")
		if g.ID != f.ID || g.Version != 2 || g.Revision != 2 || g.Size != 6 || !g.CreatedAt.Equal(f.CreatedAt) || !g.UpdatedAt.After(f.UpdatedAt) {
			s.Fatalf("updated %+v from %+v", g, f)
		}
		got, err = s.GetFile(s.ctx(), s.u, p.ID, "src/a.ts")
		s.ok(err)
		s.same("read", got, g)
		after, err := s.GetProject(s.ctx(), s.u, p.ID)
		s.ok(err)
		s.same("revision", after.Revision, 2)
	}},
	{"writing the same text by hand is a change too", func(s *suite) {
		p := s.project()
		s.write(p, "a.ts", "one")
		if f := s.write(p, "a.ts", "one"); f.Version != 2 || f.Revision != 2 {
			s.Fatalf("wrote %+v", f)
		}
	}},
	{"an empty file is a file", func(s *suite) {
		p := s.project()
		s.write(p, "empty.css", "")
		f, err := s.GetFile(s.ctx(), s.u, p.ID, "empty.css")
		s.ok(err)
		if f.Content != "" || f.Size != 0 || f.Version != 1 {
			s.Fatalf("read %+v", f)
		}
		files, _, err := s.ListFiles(s.ctx(), s.u, p.ID, true, -1)
		s.ok(err)
		s.same("count", len(files), 1)
	}},
	{"language is given, kept or derived", func(s *suite) {
		p := s.project()
		put := func(path, language, want string) {
			s.Helper()
			f, err := s.WriteFile(s.ctx(), s.u, p.ID, codeforge.FileWrite{Path: path, Content: "x", Language: language})
			s.ok(err)
			s.same(path, f.Language, want)
		}
		put("a.ts", "", "typescript")
		put("a.ts", "flow", "flow")
		put("a.ts", "", "flow")
		put("b.zzz", "", "plaintext")
	}},
	{"list is sorted by byte, with contents only when asked", func(s *suite) {
		p := s.project()
		paths := []string{"B.ts", "a.ts", "a/b.ts", "a/é.ts", "a0.ts", "ab.ts"}
		for i := range paths {
			path := paths[len(paths)-1-i]
			s.write(p, path, "// "+path)
		}
		for _, contents := range []bool{true, false} {
			files, revision, err := s.ListFiles(s.ctx(), s.u, p.ID, contents, -1)
			s.ok(err)
			s.same("revision", revision, 6)
			var got []string
			for _, f := range files {
				got = append(got, f.Path)
				one, err := s.GetFile(s.ctx(), s.u, p.ID, f.Path)
				s.ok(err)
				if !contents {
					one.Content = ""
				}
				s.same(f.Path, f, one)
			}
			s.same("paths", got, paths)
		}
	}},
	{"every list is of the newest state", func(s *suite) {
		p := s.project()
		list := func(want ...string) {
			s.Helper()
			for range 3 {
				files, _, err := s.ListFiles(s.ctx(), s.u, p.ID, false, -1)
				s.ok(err)
				got := []string{}
				for i, f := range files {
					got = append(got, fmt.Sprint(f.Path, " ", f.Version))
					files[i].Path = "what a caller does to a list stays with it"
				}
				s.same("files", got, append([]string{}, want...))
			}
		}
		list()
		s.write(p, "a.ts", "1")
		list("a.ts 1")
		s.write(p, "a.ts", "2")
		s.write(p, "b.ts", "1")
		list("a.ts 2", "b.ts 1")
		s.ok(s.DeleteFile(s.ctx(), s.u, p.ID, "a.ts", nil))
		list("b.ts 1")
		_, err := s.RestoreRevision(s.ctx(), s.u, p.ID, 1, nil)
		s.ok(err)
		list("a.ts 4")
	}},
	{"list of an unchanged project is not read", func(s *suite) {
		p := s.project()
		s.write(p, "a.ts", "x")
		files, revision, err := s.ListFiles(s.ctx(), s.u, p.ID, true, 1)
		s.ok(err)
		if len(files) != 0 || revision != 1 {
			s.Fatalf("%d files at %d", len(files), revision)
		}
		files, _, err = s.ListFiles(s.ctx(), s.u, p.ID, true, 0)
		s.ok(err)
		s.same("files", len(files), 1)
	}},
	{"must exist", func(s *suite) {
		p := s.project()
		s.unchanged(p, func() {
			_, err := s.WriteFile(s.ctx(), s.u, p.ID, codeforge.FileWrite{Path: "a.ts", Content: "x", MustExist: true})
			s.missing(err, "File", "a.ts")
		})
		s.write(p, "a.ts", "x")
		_, err := s.WriteFile(s.ctx(), s.u, p.ID, codeforge.FileWrite{Path: "a.ts", Content: "y", MustExist: true})
		s.ok(err)
		s.ok(s.DeleteFile(s.ctx(), s.u, p.ID, "a.ts", nil))
		_, err = s.WriteFile(s.ctx(), s.u, p.ID, codeforge.FileWrite{Path: "a.ts", Content: "z", MustExist: true})
		s.missing(err, "File", "a.ts")
	}},
	{"stale writes are conflicts", func(s *suite) {
		p := s.project()
		put := func(w codeforge.FileWrite) error {
			w.Path, w.Content = "a.ts", "x"
			_, err := s.WriteFile(s.ctx(), s.u, p.ID, w)
			return err
		}
		at := func(n int64) *int64 { return &n }
		s.refused(put(codeforge.FileWrite{IfVersion: at(1)}), codeforge.Conflict)
		s.ok(put(codeforge.FileWrite{IfVersion: at(0), IfRevision: at(0)}))
		s.unchanged(p, func() {
			s.refused(put(codeforge.FileWrite{IfVersion: at(0)}), codeforge.Conflict)
			s.refused(put(codeforge.FileWrite{IfVersion: at(2)}), codeforge.Conflict)
			s.refused(put(codeforge.FileWrite{IfRevision: at(0)}), codeforge.Conflict)
			s.refused(s.DeleteFile(s.ctx(), s.u, p.ID, "a.ts", at(2)), codeforge.Conflict)
		})
		s.ok(put(codeforge.FileWrite{IfVersion: at(1), IfRevision: at(1)}))
		s.ok(s.DeleteFile(s.ctx(), s.u, p.ID, "a.ts", at(2)))
		s.refused(put(codeforge.FileWrite{IfVersion: at(3)}), codeforge.Conflict)
		s.ok(put(codeforge.FileWrite{IfVersion: at(0)}))
	}},
	{"version goes on after deletion", func(s *suite) {
		p := s.project()
		first := s.write(p, "a.ts", "1")
		s.write(p, "a.ts", "2")
		s.ok(s.DeleteFile(s.ctx(), s.u, p.ID, "a.ts", nil))
		_, err := s.GetFile(s.ctx(), s.u, p.ID, "a.ts")
		s.missing(err, "File", "a.ts")
		s.unchanged(p, func() { s.missing(s.DeleteFile(s.ctx(), s.u, p.ID, "a.ts", nil), "File", "a.ts") })
		files, revision, err := s.ListFiles(s.ctx(), s.u, p.ID, true, -1)
		s.ok(err)
		if len(files) != 0 || revision != 3 {
			s.Fatalf("%d files at revision %d", len(files), revision)
		}
		f := s.write(p, "a.ts", "4")
		if f.Version != 4 || f.Revision != 4 || f.ID != first.ID {
			s.Fatalf("made again as %+v", f)
		}
	}},
	{"bad paths and contents are refused", func(s *suite) {
		p := s.project()
		s.unchanged(p, func() {
			for _, w := range []codeforge.FileWrite{{Path: "../a"}, {Path: "/a"}, {Path: ""}, {Path: "a\x00b"}, {Path: "a/.Git/config"}, {Path: "aux.js"},
				{Path: "a", Content: strings.Repeat("x", codeforge.MaxContent+1)}, {Path: "a", Content: "\xff"}} {
				_, err := s.WriteFile(s.ctx(), s.u, p.ID, w)
				s.refused(err, codeforge.Invalid)
			}
		})
	}},
	{"two paths that one disk could not hold are refused, and each alone is not", func(s *suite) {
		for _, pair := range [][2]string{
			{"src/App.js", "src/app.js"}, {"src", "src/main.js"}, {"lib/deep/a.js", "lib"}, {"Lib/a.js", "lib"}, {"LIB", "lib/a.js"},
			{"caf\u00e9.md", "cafe\u0301.md"}, {"CAF\u00c9/a", "cafe\u0301"}, {"stra\u00dfe.md", "STRASSE.md"}, {"\u03a3\u03a3", "\u03c3\u03c2"},
			{"\u212a.txt", "k.txt"}, {"o\ufb03ce.css", "OFFICE.css"}, {"\u01c4", "\u01c6"}, {"\u13a0", "\uab70"}, {"\U00010400", "\U00010428"},
			{"\u1fb3", "\u0391\u0399"}, {"\u1e69", "S\u0307\u0323"}, {"a'\"%s.md", "A'\"%s.md"},
		} {
			for range 2 {
				first, second := pair[0], pair[1]
				want := s.refused(codeforge.CheckBeside(second, first), codeforge.Invalid)
				p := s.project()
				s.write(p, first, "first")
				s.unchanged(p, func() {
					_, err := s.WriteFile(s.ctx(), s.u, p.ID, codeforge.FileWrite{Path: second, Content: "second"})
					s.same(first+" and "+second, s.refused(err, codeforge.Invalid).Details, want.Details)
				})
				s.write(p, first, "again")
				s.ok(s.DeleteFile(s.ctx(), s.u, p.ID, first, nil))
				s.write(p, second, "second")
				pair[0], pair[1] = second, first
			}
		}
	}},
	{"paths that differ in more than case lie beside each other", func(s *suite) {
		p := s.project()
		for _, path := range []string{"src/app.js", "src/app.jsx", "src/app", "Src/b.js", "src-1", "src.md", "src0/a", "srd", "\u0131.md", "i.md", "e\u0301", "e", "\u00e8", "\u03c3", "s"} {
			s.write(p, path, path)
		}
		s.write(p, "src/app.js", "again")
	}},
	{"a job's paths are looked at as it leaves them", func(s *suite) {
		p := s.project()
		s.write(p, "App.js", "x")
		s.write(p, "lib", "x")
		j := s.started(p, codeforge.Code)
		s.unchanged(p, func() {
			for _, twin := range []string{"app.js", "lib/a.js", "APP.JS/x"} {
				_, err := s.tryBuild(p, j, codeforge.FileChange{Path: "b.js", Content: "b"}, codeforge.FileChange{Path: twin, Content: "x"})
				s.refused(err, codeforge.Invalid)
			}
			_, err := s.tryBuild(p, j, codeforge.FileChange{Path: "new/a.js"}, codeforge.FileChange{Path: "NEW"})
			s.refused(err, codeforge.Invalid)
		})
		// A file that is renamed to its twin, and one that becomes a folder.
		s.build(p, j, codeforge.FileChange{Path: "app.js", Content: "x"}, codeforge.FileChange{Path: "App.js", Delete: true},
			codeforge.FileChange{Path: "lib", Delete: true}, codeforge.FileChange{Path: "lib/a.js", Content: "x"})
		s.same("tree", s.treeAt(p, 3), tree{"app.js": "x", "lib/a.js": "x"})
		_, err := s.RestoreRevision(s.ctx(), s.u, p.ID, 2, nil)
		s.ok(err)
		s.same("tree", s.treeAt(p, 4), tree{"App.js": "x", "lib": "x"})
	}},
	{"paths of two projects have nothing to do with each other", func(s *suite) {
		p, q := s.project(), s.project()
		s.write(p, "a.ts", "p")
		s.write(p, "a.ts", "pp")
		if f := s.write(q, "a.ts", "q"); f.Version != 1 || f.Revision != 1 {
			s.Fatalf("wrote %+v", f)
		}
		s.ok(s.DeleteFile(s.ctx(), s.u, p.ID, "a.ts", nil))
		f, err := s.GetFile(s.ctx(), s.u, q.ID, "a.ts")
		s.ok(err)
		s.same("content", f.Content, "q")
	}},
	{"a project has so many files and no more", func(s *suite) {
		p := s.project()
		all := make([]codeforge.FileChange, codeforge.MaxFiles)
		for i := range all {
			all[i] = codeforge.FileChange{Path: fmt.Sprintf("src/%04d.ts", i), Content: "x"}
		}
		j := s.started(p, codeforge.Code)
		s.unchanged(p, func() {
			_, err := s.tryBuild(p, j, append(all, codeforge.FileChange{Path: "more.ts"})...)
			e := s.refused(err, codeforge.TooLarge)
			if !strings.Contains(e.Message, fmt.Sprint(codeforge.MaxFiles)) {
				s.Fatalf("%q does not name the limit", e.Message)
			}
		})
		s.build(p, j, all...)
		_, err := s.WriteFile(s.ctx(), s.u, p.ID, codeforge.FileWrite{Path: "more.ts", Content: "x"})
		s.refused(err, codeforge.TooLarge)
		s.write(p, "src/0000.ts", "y")
		s.ok(s.DeleteFile(s.ctx(), s.u, p.ID, "src/0001.ts", nil))
		s.write(p, "more.ts", "x")
	}},
	{"a project has so many bytes and no more", func(s *suite) {
		p := s.project()
		big := strings.Repeat("x", codeforge.MaxContent)
		n := codeforge.MaxTreeBytes / codeforge.MaxContent
		all := make([]codeforge.FileChange, n)
		for i := range all {
			all[i] = codeforge.FileChange{Path: fmt.Sprintf("%d.txt", i), Content: big}
		}
		s.build(p, s.started(p, codeforge.Code), all...)
		_, err := s.WriteFile(s.ctx(), s.u, p.ID, codeforge.FileWrite{Path: "more.txt", Content: strings.Repeat("y", codeforge.MaxTreeBytes-n*codeforge.MaxContent+1)})
		e := s.refused(err, codeforge.TooLarge)
		if !strings.Contains(e.Message, fmt.Sprint(codeforge.MaxTreeBytes)) {
			s.Fatalf("%q does not name the limit", e.Message)
		}
		s.write(p, "0.txt", "small")
		s.write(p, "more.txt", "fits now")
	}},
}
