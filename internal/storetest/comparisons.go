package storetest

import (
	"fmt"
	"strconv"
	"strings"

	"codeforge"
)

// compare is what became of files between two revisions: how, and what they hold where that was read.
func (s *suite) compare(p codeforge.Project, from, to int64, page codeforge.Page) (out []string) {
	s.Helper()
	rev, deltas, err := s.CompareRevisions(s.ctx(), s.u, p.ID, from, to, page)
	s.ok(err)
	s.same("revision", rev.Number, to)
	side := func(f *codeforge.File) string {
		if f == nil {
			return "-"
		}
		if f.ID == "" || f.ProjectID != p.ID || f.Version == 0 || f.Language == "" || f.CreatedAt.IsZero() {
			s.Fatalf("file %+v", f)
		}
		return fmt.Sprintf("%s %q%.6s v%d r%d", f.Path, f.Content, f.Hash, f.Version, f.Revision)
	}
	for _, d := range deltas {
		if d.New != nil && d.New.Path != d.Path || d.New == nil && d.Old.Path != d.Path {
			s.Fatalf("delta of %s is of other paths", d.Path)
		}
		out = append(out, side(d.Old)+" > "+side(d.New))
	}
	return out
}

var comparisonTests = []test{
	{"any two revisions are compared, in either direction", func(s *suite) {
		p := s.history() // a, a+b, a2+b, a2, a2+b3
		for _, c := range []struct {
			from, to int64
			want     []string
		}{
			{0, 1, []string{`- > a.ts "a" v1 r1`}},
			{0, 5, []string{`- > a.ts "a2" v2 r3`, `- > b.ts "b3" v3 r5`}},
			{1, 5, []string{`a.ts "a" v1 r1 > a.ts "a2" v2 r3`, `- > b.ts "b3" v3 r5`}},
			{2, 5, []string{`a.ts "a" v1 r1 > a.ts "a2" v2 r3`, `b.ts "b" v1 r2 > b.ts "b3" v3 r5`}},
			{3, 4, []string{`b.ts "b" v1 r2 > -`}},
			{5, 2, []string{`a.ts "a2" v2 r3 > a.ts "a" v1 r1`, `b.ts "b3" v3 r5 > b.ts "b" v1 r2`}},
			{4, 1, []string{`a.ts "a2" v2 r3 > a.ts "a" v1 r1`}},
			{5, 5, nil},
		} {
			s.same(fmt.Sprint(c.from, " to ", c.to), s.compare(p, c.from, c.to, codeforge.Page{}), c.want)
		}
		for _, n := range []int64{-1, 6} {
			_, _, err := s.CompareRevisions(s.ctx(), s.u, p.ID, n, 5, codeforge.Page{})
			s.missing(err, "Revision", strconv.FormatInt(n, 10))
			_, _, err = s.CompareRevisions(s.ctx(), s.u, p.ID, 1, n, codeforge.Page{})
			s.missing(err, "Revision", strconv.FormatInt(n, 10))
		}
		_, _, err := s.CompareRevisions(s.ctx(), s.u, p.ID, 1, 0, codeforge.Page{})
		s.missing(err, "Revision", "0")
	}},
	{"what was changed back, and what was written as it was, does not differ", func(s *suite) {
		p := s.project()
		s.write(p, "a.ts", "a")
		s.write(p, "a.ts", "b")
		s.write(p, "a.ts", "a")
		s.write(p, "c.ts", "c")
		s.ok(s.DeleteFile(s.ctx(), s.u, p.ID, "c.ts", nil))
		s.write(p, "a.ts", "a")
		s.same("differs", s.compare(p, 1, 6, codeforge.Page{}), []string(nil))
		_, err := s.WriteFile(s.ctx(), s.u, p.ID, codeforge.FileWrite{Path: "a.ts", Content: "a", Language: "elvish"})
		s.ok(err)
		s.same("language", s.compare(p, 1, 7, codeforge.Page{}), []string{`a.ts "a" v1 r1 > a.ts "a" v5 r7`})
	}},
	{"a file that went and one that came with its content is one that was renamed", func(s *suite) {
		p := s.project()
		blob, err := s.PutBlob(s.ctx(), s.u, p.ID, picture(1))
		s.ok(err)
		s.build(p, s.started(p, codeforge.Code),
			codeforge.FileChange{Path: "a1", Content: "same"}, codeforge.FileChange{Path: "a2", Content: "same"}, codeforge.FileChange{Path: "a3", Content: "same"},
			codeforge.FileChange{Path: "b", Content: "other"}, codeforge.FileChange{Path: "e", Content: ""}, codeforge.FileChange{Path: "p", Hash: blob}, codeforge.FileChange{Path: "stays", Content: "moved?"})
		s.build(p, s.started(p, codeforge.Code),
			codeforge.FileChange{Path: "a1", Delete: true}, codeforge.FileChange{Path: "a2", Delete: true}, codeforge.FileChange{Path: "a3", Delete: true},
			codeforge.FileChange{Path: "z1", Content: "same"}, codeforge.FileChange{Path: "z2", Content: "same"},
			codeforge.FileChange{Path: "b", Delete: true}, codeforge.FileChange{Path: "b2", Content: "other!"},
			codeforge.FileChange{Path: "p", Delete: true}, codeforge.FileChange{Path: "q", Hash: blob},
			codeforge.FileChange{Path: "copy", Content: "moved?"}) // of a file that stays
		all := []string{`a3 "same" v1 r1 > -`, `b "other" v1 r1 > -`, `- > b2 "other!" v1 r2`, `- > copy "moved?" v1 r2`,
			`p ""` + blob[:6] + ` v1 r1 > q ""` + blob[:6] + ` v1 r2`, `a1 "" v1 r1 > z1 "" v1 r2`, `a2 "" v1 r1 > z2 "" v1 r2`}
		s.same("renamed", s.compare(p, 1, 2, codeforge.Page{}), all)
		s.same("and back", s.compare(p, 2, 1, codeforge.Page{})[0], `z1 "" v1 r2 > a1 "" v1 r1`)
		// They come page by page too: texts count, what was renamed does not.
		for _, bytes := range []int64{1, 6, 1000} {
			var got []string
			for after, pages := "", 0; ; pages++ {
				page := s.compare(p, 1, 2, codeforge.Page{After: after, Bytes: bytes})
				if len(page) == 0 {
					if bytes == 1 && pages < 4 {
						s.Fatalf("%d pages", pages)
					}
					break
				}
				got = append(got, page...)
				last := strings.Fields(page[len(page)-1])
				if after = last[len(last)-4]; last[len(last)-1] == "-" {
					after = last[0]
				}
			}
			s.same("in pages", got, all)
		}
		s.same("bare", s.compare(p, 1, 2, codeforge.Page{Bare: true})[2], `- > b2 "" v1 r2`)
	}},
}
