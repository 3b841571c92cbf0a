package storetest

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"codeforge"
)

var projectTests = []test{
	{"create gives id, state and times", func(s *suite) {
		in := codeforge.Project{ID: "ignored", UserID: s.v.ID, Title: "A title", Description: "Words", Mode: codeforge.ModeStudent, Status: codeforge.Completed,
			Requirements: json.RawMessage(`{"a":  1}`), TechStack: []string{"go", "sql"}, Revision: 9}
		p, err := s.CreateProject(s.ctx(), s.u, in)
		s.ok(err)
		if _, err := codeforge.ParseID(p.ID); err != nil || p.UserID != s.u.ID || p.Status != codeforge.Planning || p.Revision != 0 || p.CreatedAt.IsZero() || p.UpdatedAt.IsZero() {
			s.Fatalf("created %+v", p)
		}
		got, err := s.GetProject(s.ctx(), s.u, p.ID)
		s.ok(err)
		s.same("read", got, p)
		s.same("words", []any{got.Title, got.Description, got.Mode, got.TechStack}, []any{in.Title, in.Description, in.Mode, in.TechStack})
		if got.Architecture != nil || got.CreatedAt.Location() != time.UTC {
			s.Fatalf("read %+v", got)
		}
	}},
	{"the rules of a project hold, whoever calls", func(s *suite) {
		p := s.project()
		long := func(n int) string { return strings.Repeat("é", n) }
		for field, c := range map[string]struct {
			project codeforge.Project
			patch   codeforge.ProjectPatch
		}{
			"title":             {codeforge.Project{Title: "ab"}, codeforge.ProjectPatch{Title: new(long(codeforge.MaxTitle + 1))}},
			"description":       {codeforge.Project{Title: "Fine", Description: long(codeforge.MaxDescription + 1)}, codeforge.ProjectPatch{Description: new("a\x00b")}},
			"tech_stack":        {codeforge.Project{Title: "Fine", TechStack: make([]string, 11)}, codeforge.ProjectPatch{TechStack: &[]string{""}}},
			"requirements_spec": {codeforge.Project{Title: "Fine", Requirements: json.RawMessage(`{"a":`)}, codeforge.ProjectPatch{Requirements: new(json.RawMessage("\"" + long(codeforge.MaxSpec/2) + "\""))}},
			"architecture_spec": {codeforge.Project{Title: "Fine", Architecture: json.RawMessage("\"\xff\"")}, codeforge.ProjectPatch{Architecture: new(json.RawMessage("x"))}},
		} {
			_, err := s.CreateProject(s.ctx(), s.u, c.project)
			s.invalid(field, err)
			_, err = s.UpdateProject(s.ctx(), s.u, p.ID, c.patch)
			s.invalid(field, err)
		}
		_, err := s.CreateProject(s.ctx(), s.u, codeforge.Project{Title: "Fine", Mode: "chess"})
		s.invalid("mode", err)
		_, err = s.UpdateProject(s.ctx(), s.u, p.ID, codeforge.ProjectPatch{Status: new(codeforge.ProjectStatus("gone"))})
		s.invalid("status", err)
		_, _, _, err = s.SubmitJob(s.ctx(), s.u, codeforge.NewJob{ProjectID: p.ID, Agent: codeforge.Code, Input: json.RawMessage(`{"a":{"b":{"c":{"d":{"e":{}}}}}}`)})
		s.invalid("input_context", err)
		got, err := s.GetProject(s.ctx(), s.u, p.ID)
		s.ok(err)
		s.same("the project", got, p)
	}},
	{"no list of tools differs from an empty one", func(s *suite) {
		none := s.project()
		empty, err := s.CreateProject(s.ctx(), s.u, codeforge.Project{Title: "Empty", TechStack: []string{}})
		s.ok(err)
		got, err := s.GetProject(s.ctx(), s.u, none.ID)
		s.ok(err)
		if got.TechStack != nil {
			s.Fatalf("none became %v", got.TechStack)
		}
		got, err = s.GetProject(s.ctx(), s.u, empty.ID)
		s.ok(err)
		if got.TechStack == nil || len(got.TechStack) != 0 {
			s.Fatalf("empty became %v", got.TechStack)
		}
	}},
	{"list is newest first, in pages, of one user", func(s *suite) {
		var want []string
		for range 5 {
			want = append([]string{s.project().ID}, want...)
		}
		if _, err := s.CreateProject(s.ctx(), s.v, codeforge.Project{Title: "Not yours"}); err != nil {
			s.Fatal(err)
		}
		for page, ids := range map[int][]string{1: want[:2], 2: want[2:4], 3: want[4:], 4: nil} {
			list, total, err := s.ListProjects(s.ctx(), s.u, codeforge.ProjectFilter{Page: page, Size: 2})
			s.ok(err)
			var got []string
			for _, p := range list {
				got = append(got, p.ID)
				alone, err := s.GetProject(s.ctx(), s.u, p.ID)
				s.ok(err)
				s.same("read alone", alone, p)
			}
			s.same(fmt.Sprintf("page %d", page), got, ids)
			s.same("total", total, 5)
		}
	}},
	{"list filters by mode and status and hides archived", func(s *suite) {
		student, err := s.CreateProject(s.ctx(), s.u, codeforge.Project{Title: "Student", Mode: codeforge.ModeStudent})
		s.ok(err)
		builder := s.project()
		archived := s.project()
		_, err = s.UpdateProject(s.ctx(), s.u, archived.ID, codeforge.ProjectPatch{Status: new(codeforge.Archived)})
		s.ok(err)
		for _, c := range []struct {
			f    codeforge.ProjectFilter
			want []string
		}{
			{codeforge.ProjectFilter{}, []string{builder.ID, student.ID}},
			{codeforge.ProjectFilter{Mode: codeforge.ModeStudent}, []string{student.ID}},
			{codeforge.ProjectFilter{Status: codeforge.Archived}, []string{archived.ID}},
			{codeforge.ProjectFilter{Status: codeforge.Archived, Mode: codeforge.ModeStudent}, nil},
			{codeforge.ProjectFilter{Status: codeforge.Planning, Mode: codeforge.ModeBuilder}, []string{builder.ID}},
		} {
			c.f.Page, c.f.Size = 1, 50
			list, total, err := s.ListProjects(s.ctx(), s.u, c.f)
			s.ok(err)
			var got []string
			for _, p := range list {
				got = append(got, p.ID)
			}
			s.same(fmt.Sprintf("%+v", c.f), got, c.want)
			s.same("total", total, len(c.want))
		}
	}},
	{"update changes what is named", func(s *suite) {
		p := s.project()
		s.advance(time.Second)
		spec := json.RawMessage(`{"spec":  [1, 2]}`)
		got, err := s.UpdateProject(s.ctx(), s.u, p.ID, codeforge.ProjectPatch{Title: new("New"), Requirements: &spec})
		s.ok(err)
		if !got.UpdatedAt.After(p.UpdatedAt) {
			s.Fatalf("updated at %v after %v", got.UpdatedAt, p.UpdatedAt)
		}
		want := p
		want.Title, want.Requirements, want.UpdatedAt = "New", spec, got.UpdatedAt
		s.same("updated", got, want)
		got, err = s.GetProject(s.ctx(), s.u, p.ID)
		s.ok(err)
		s.same("read", got, want)

		got, err = s.UpdateProject(s.ctx(), s.u, p.ID, codeforge.ProjectPatch{Requirements: new(json.RawMessage(nil)), Architecture: new(json.RawMessage(`[]`)),
			TechStack: new([]string{"x"}), Description: new("d"), Status: new(codeforge.Building)})
		s.ok(err)
		want.Requirements, want.Architecture, want.TechStack, want.Description, want.Status, want.UpdatedAt = nil, json.RawMessage(`[]`), []string{"x"}, "d", codeforge.Building, got.UpdatedAt
		s.same("updated", got, want)
	}},
	{"update with a stale revision is a conflict", func(s *suite) {
		p := s.project()
		s.write(p, "a.ts", "a")
		s.unchanged(p, func() {
			_, err := s.UpdateProject(s.ctx(), s.u, p.ID, codeforge.ProjectPatch{Title: new("New"), IfRevision: new(int64(0))})
			s.refused(err, codeforge.Conflict)
		})
		_, err := s.UpdateProject(s.ctx(), s.u, p.ID, codeforge.ProjectPatch{Title: new("New"), IfRevision: new(int64(1))})
		s.ok(err)
	}},
	{"an archived project can be read and brought back, and takes no work", func(s *suite) {
		p := s.project()
		s.write(p, "a.ts", "a")
		_, err := s.UpdateProject(s.ctx(), s.u, p.ID, codeforge.ProjectPatch{Status: new(codeforge.Archived)})
		s.ok(err)
		s.unchanged(p, func() {
			_, _, _, err := s.SubmitJob(s.ctx(), s.u, codeforge.NewJob{ProjectID: p.ID, Agent: codeforge.QA})
			s.refused(err, codeforge.Conflict)
			_, err = s.WriteFile(s.ctx(), s.u, p.ID, codeforge.FileWrite{Path: "b.ts"})
			s.refused(err, codeforge.Conflict)
			s.refused(s.DeleteFile(s.ctx(), s.u, p.ID, "a.ts", nil), codeforge.Conflict)
			_, err = s.RestoreRevision(s.ctx(), s.u, p.ID, 1, nil)
			s.refused(err, codeforge.Conflict)
		})
		_, err = s.GetFile(s.ctx(), s.u, p.ID, "a.ts")
		s.ok(err)
		_, err = s.UpdateProject(s.ctx(), s.u, p.ID, codeforge.ProjectPatch{Status: new(codeforge.Planning)})
		s.ok(err)
		s.submit(p, codeforge.QA)
	}},
	{"ping", func(s *suite) { s.ok(s.Ping(s.ctx())) }},
}
