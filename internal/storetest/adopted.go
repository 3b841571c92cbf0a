package storetest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"codeforge"
)

// Old is how rows look that were stored before today's rules, and break them.
type Old struct {
	Title, Description string            // "": as it is
	Paths              map[string]string // what files are called instead
	Contents           map[string]string // by path, the one that they have now
	Files              int               // so many more files, called old/1.ts and so on
}

// RunAdopted runs what holds for a store with such rows. age makes them of those of a project. light: see RunLight.
func RunAdopted(t *testing.T, light bool, open func(*testing.T) (Contract, func(p codeforge.Project, o Old))) {
	for name, test := range adoptedTests {
		if light && large[name] {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store, age := open(t)
			test(&suite{T: t, Contract: store, u: codeforge.User{ID: codeforge.NewID(), Role: "authenticated"}}, age)
		})
	}
}

var adoptedTests = map[string]func(s *suite, age func(codeforge.Project, Old)){
	"a project that breaks a rule is mended field by field": func(s *suite, age func(codeforge.Project, Old)) {
		long, words := strings.Repeat("t", codeforge.MaxTitle+1), strings.Repeat("d", codeforge.MaxDescription+1)
		p := s.project()
		age(p, Old{Title: long, Description: words})
		list, _, err := s.ListProjects(s.ctx(), s.u, codeforge.ProjectFilter{Page: 1, Size: 10})
		s.ok(err)
		s.same("listed", []string{list[0].Title, list[0].Description}, []string{long, words})
		for _, patch := range []codeforge.ProjectPatch{{Status: new(codeforge.Building)}, {Requirements: new(json.RawMessage(`{}`))}, {TechStack: new([]string{"go"})},
			{Title: new("Short")}, {Description: new("Few words")}, {Status: new(codeforge.Archived)}} {
			_, err := s.UpdateProject(s.ctx(), s.u, p.ID, patch)
			s.ok(err)
		}
		got, err := s.GetProject(s.ctx(), s.u, p.ID)
		s.ok(err)
		s.same("mended", []any{got.Title, got.Description, got.Status, got.TechStack}, []any{"Short", "Few words", codeforge.Archived, []string{"go"}})
	},
	"a project that breaks a rule takes files and jobs": func(s *suite, age func(codeforge.Project, Old)) {
		p := s.project()
		s.write(p, "big.ts", "x")
		age(p, Old{Title: strings.Repeat("t", 500), Description: strings.Repeat("d", 5000), Contents: map[string]string{"big.ts": strings.Repeat("x", codeforge.MaxContent+1)}})
		s.write(p, "a.ts", "one")
		j := s.started(p, codeforge.Builder)
		stage := codeStage(0, 2, codeforge.FileChange{Path: "b.ts", Content: "two"})
		stage.Requirements, stage.ProjectStatus = json.RawMessage(`{"a":1}`), codeforge.Completed
		s.keep(j, stage)
		o := completes
		o.Chat = []codeforge.Message{{Role: "assistant", Content: "done"}}
		if done := s.finish(j, o); done.Job.Status != codeforge.JobCompleted || done.Job.Revision != 3 {
			s.Fatalf("finished %+v", done.Job)
		}
		s.ok(s.DeleteFile(s.ctx(), s.u, p.ID, "big.ts", nil))
		_, err := s.RestoreRevision(s.ctx(), s.u, p.ID, 3, nil)
		s.ok(err)
	},
	"a file whose path breaks a rule is read, deleted and restored": func(s *suite, age func(codeforge.Project, Old)) {
		for _, path := range []string{"../../etc/passwd", "/abs.ts", `a\b.ts`, "C:x", "dir/", "a//b", ".", "a\nb", strings.Repeat("p/", 300) + "x", "\u202egnp.exe"} {
			p := s.project()
			f := s.write(p, "a.ts", "old")
			age(p, Old{Paths: map[string]string{"a.ts": path}})
			s.write(p, "b.ts", "new")
			files, _, err := s.ListFiles(s.ctx(), s.u, p.ID, true, -1)
			s.ok(err)
			s.same("files", len(files), 2)
			got, err := s.GetFile(s.ctx(), s.u, p.ID, path)
			s.ok(err)
			s.same(path, []any{got.ID, got.Path, got.Content}, []any{f.ID, path, "old"})
			s.unchanged(p, func() {
				_, err := s.WriteFile(s.ctx(), s.u, p.ID, codeforge.FileWrite{Path: path, Content: "more"})
				s.refused(err, codeforge.Invalid)
				s.refused(s.DeleteFile(s.ctx(), s.u, p.ID, path, new(int64(7))), codeforge.Conflict)
			})
			s.ok(s.DeleteFile(s.ctx(), s.u, p.ID, path, &got.Version))
			s.missing(s.DeleteFile(s.ctx(), s.u, p.ID, path, nil), "File", path)
			_, err = s.RestoreRevision(s.ctx(), s.u, p.ID, 2, nil)
			s.ok(err)
			s.build(p, s.started(p, codeforge.Code), codeforge.FileChange{Path: path, Delete: true}, codeforge.FileChange{Path: "c.ts"})
			_, err = s.GetFile(s.ctx(), s.u, p.ID, path)
			s.missing(err, "File", path)
		}
	},
	"a project with too many files shrinks and does not grow": func(s *suite, age func(codeforge.Project, Old)) {
		p := s.project()
		s.write(p, "a.ts", "one")
		age(p, Old{Files: codeforge.MaxFiles + 5})
		s.write(p, "a.ts", "two")
		s.ok(s.DeleteFile(s.ctx(), s.u, p.ID, "old/1.ts", nil))
		s.build(p, s.started(p, codeforge.Code), codeforge.FileChange{Path: "old/2.ts", Delete: true}, codeforge.FileChange{Path: "new.ts"}, codeforge.FileChange{Path: "old/3.ts", Content: "changed"})
		s.unchanged(p, func() {
			_, err := s.WriteFile(s.ctx(), s.u, p.ID, codeforge.FileWrite{Path: "more.ts"})
			s.refused(err, codeforge.TooLarge)
		})
	},
	"a project with too many bytes shrinks and does not grow": func(s *suite, age func(codeforge.Project, Old)) {
		p := s.project()
		s.write(p, "a.ts", "one")
		age(p, Old{Contents: map[string]string{"a.ts": strings.Repeat("x", codeforge.MaxTreeBytes+10)}})
		s.unchanged(p, func() {
			_, err := s.WriteFile(s.ctx(), s.u, p.ID, codeforge.FileWrite{Path: "b.ts", Content: "more"})
			s.refused(err, codeforge.TooLarge)
		})
		s.write(p, "empty.ts", "")
		s.write(p, "a.ts", "small")
		s.write(p, "b.ts", "more")
	},
}

// RunBeside runs what holds for a store on a Postgres whose tables another program writes too, past the store. exec runs
// statements as one transaction of such a program.
func RunBeside(t *testing.T, open func(*testing.T) (store Contract, exec func(sql string), advance func(time.Duration))) {
	for name, test := range besideTests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store, exec, advance := open(t)
			s := &suite{T: t, Contract: store, advance: advance, u: codeforge.User{ID: codeforge.NewID(), Role: "authenticated"}}
			p := s.project()
			s.write(p, "a.ts", "one")
			s.write(p, "b.ts", "b")
			test(s, p, exec)
		})
	}
}

// revised wants a project to be at a revision with these files, path and content, both in its newest state and in the
// revision, and the revision to have changed so many of them.
func (s *suite) revised(p codeforge.Project, number int64, changed int, want ...string) []codeforge.File {
	s.Helper()
	files, revision, err := s.ListFiles(s.ctx(), s.u, p.ID, true, number-1)
	s.ok(err)
	rev, then, err := s.RevisionFiles(s.ctx(), s.u, p.ID, number, codeforge.Page{})
	s.ok(err)
	snapshot, err := s.SnapshotFiles(s.ctx(), p.ID, number)
	s.ok(err)
	_, deltas, err := s.RevisionDeltas(s.ctx(), s.u, p.ID, number, codeforge.Page{})
	s.ok(err)
	got := []string{}
	for i, f := range files {
		got = append(got, f.Path+" "+f.Content)
		files[i].UpdatedAt = then[min(i, len(then)-1)].UpdatedAt
	}
	s.same("files", got, append([]string{}, want...))
	s.same("their revision", then, files)
	s.same("the snapshot", snapshot, then)
	s.same("revision and changes", []any{revision, rev.Number, rev.FilesChanged, len(deltas)}, []any{number, number, changed, changed})
	return files
}

var besideTests = map[string]func(s *suite, p codeforge.Project, exec func(string)){
	"a changed file is a revision": func(s *suite, p codeforge.Project, exec func(string)) {
		exec(fmt.Sprintf("update public.project_files set content = 'two' where project_id = '%s' and path = 'a.ts'", p.ID))
		files := s.revised(p, 3, 1, "a.ts two", "b.ts b")
		s.same("version", files[0].Version, 2)
		list, total, err := s.ListRevisions(s.ctx(), s.u, p.ID, 1, 1)
		s.ok(err)
		if total != 3 || list[0].Author != "user" || list[0].Message == "" {
			s.Fatalf("revisions %+v", list)
		}
		if f := s.write(p, "a.ts", "three"); f.Version != 3 || f.Revision != 4 || f.ID != files[0].ID {
			s.Fatalf("wrote %+v", f)
		}
		_, err = s.RestoreRevision(s.ctx(), s.u, p.ID, 3, nil)
		s.ok(err)
		s.revised(p, 5, 1, "a.ts two", "b.ts b")
	},
	"a text in place of a blob is a text, and what stays a blob is one": func(s *suite, p codeforge.Project, exec func(string)) {
		in := fmt.Sprintf("project_id = '%s' and path =", p.ID)
		s.writeBlob(p, "a.ts", picture(1))
		s.writeBlob(p, "b.ts", picture(2))
		s.ok(s.MarkChecked(s.ctx(), s.u, p.ID, 4, true, nil, nil, []byte("lock")))
		exec("update public.project_files set content = 'two' where " + in + " 'a.ts'; update public.project_files set language = 'picture' where " + in + " 'b.ts'")
		files := s.revised(p, 5, 2, "a.ts two", "b.ts ")
		s.same("text", []any{files[0].Encoding, files[0].Hash, files[0].Size}, []any{"", "", 3})
		s.wantBlob(p, &files[1], picture(2))
		s.same("language", files[1].Language, "picture")
		lock, err := s.ReadLock(s.ctx(), s.u, p.ID, 5)
		s.ok(err)
		s.same("lock", string(lock), "lock")
		exec("update public.project_files set path = 'c.ts' where " + in + " 'b.ts'")
		files = s.revised(p, 6, 2, "a.ts two", "c.ts ")
		s.wantBlob(p, &files[1], picture(2))
		// What it claims to be is what it is.
		exec("update public.project_files set content = null, hash = repeat('0', 64), encoding = 'base64', size = 7 where " + in + " 'a.ts'")
		files = s.revised(p, 7, 1, "a.ts ", "c.ts ")
		s.same("no blob", []any{files[0].Encoding, files[0].Hash, files[0].Size}, []any{"", "", 0})
		exec("delete from public.project_files where " + in + " 'c.ts'")
		s.revised(p, 8, 1, "a.ts ")
		s.restore(p, 4)
		files = s.revised(p, 9, 2, "a.ts ", "b.ts ")
		s.wantBlob(p, &files[0], picture(1))
		s.wantBlob(p, &files[1], picture(2))
	},
	"a program that counts versions itself is not counted twice": func(s *suite, p codeforge.Project, exec func(string)) {
		exec(fmt.Sprintf("update public.project_files set content = 'two', version = version + 1 where project_id = '%s' and path = 'a.ts'", p.ID))
		s.same("version", s.revised(p, 3, 1, "a.ts two", "b.ts b")[0].Version, 2)
	},
	"new, put, renamed and deleted files are": func(s *suite, p codeforge.Project, exec func(string)) {
		in := fmt.Sprintf("project_id = '%s' and path =", p.ID)
		put := fmt.Sprintf("insert into public.project_files (project_id, path, content) values ('%[1]s', 'c.ts', 'c'), ('%[1]s', 'a.ts', 'over') on conflict (project_id, path) do update set content = excluded.content", p.ID)
		exec(put)
		s.revised(p, 3, 2, "a.ts over", "b.ts b", "c.ts c")
		exec("update public.project_files set path = 'd.ts' where " + in + "'c.ts'")
		s.revised(p, 4, 2, "a.ts over", "b.ts b", "d.ts c")
		exec("delete from public.project_files where " + in + "'a.ts'")
		s.revised(p, 5, 1, "b.ts b", "d.ts c")
		exec("insert into public.project_files (project_id, path, content) values ('" + p.ID + "', 'a.ts', 'again')")
		s.same("version goes on", s.revised(p, 6, 1, "a.ts again", "b.ts b", "d.ts c")[0].Version, 4)
		s.ok(s.DeleteFile(s.ctx(), s.u, p.ID, "a.ts", nil))
		exec("delete from public.project_files where project_id = '" + p.ID + "'")
		_, files, err := s.RevisionFiles(s.ctx(), s.u, p.ID, 8, codeforge.Page{})
		s.ok(err)
		s.same("nothing is left", len(files), 0)
		_, err = s.RestoreRevision(s.ctx(), s.u, p.ID, 6, nil)
		s.ok(err)
		s.revised(p, 9, 3, "a.ts again", "b.ts b", "d.ts c")
	},
	"what one transaction writes is one": func(s *suite, p codeforge.Project, exec func(string)) {
		exec(fmt.Sprintf(`update public.project_files set content = 'two' where project_id = '%[1]s' and path = 'a.ts';
			update public.project_files set content = 'three' where project_id = '%[1]s';
			delete from public.project_files where project_id = '%[1]s' and path = 'b.ts';
			insert into public.project_files (project_id, path, content) values ('%[1]s', 'c.ts', 'c')`, p.ID))
		s.revised(p, 3, 3, "a.ts three", "c.ts c")
		exec(fmt.Sprintf("update public.project_files set content = 'four' where project_id = '%s'", p.ID))
		s.revised(p, 4, 2, "a.ts four", "c.ts four")
	},
	"what changes no file is none": func(s *suite, p codeforge.Project, exec func(string)) {
		exec(fmt.Sprintf("update public.project_files set updated_at = now(), content = content where project_id = '%s'", p.ID))
		files, revision, err := s.ListFiles(s.ctx(), s.u, p.ID, true, 2)
		s.ok(err)
		s.same("at the same revision", []any{len(files), revision}, []any{0, 2})
	},
	"a job at work ends in a revision after it": func(s *suite, p codeforge.Project, exec func(string)) {
		j := s.started(p, codeforge.Code)
		s.same("base", j.Base, 2)
		exec(fmt.Sprintf("update public.project_files set content = 'theirs' where project_id = '%s'", p.ID))
		s.build(p, j, codeforge.FileChange{Path: "a.ts", Content: "the job's"})
		s.revised(p, 4, 1, "a.ts the job's", "b.ts theirs")
	},
	"a job that it ends is run no more": func(s *suite, p codeforge.Project, exec func(string)) {
		queued, running := s.submit(p, codeforge.QA), s.started(p, codeforge.QA)
		for _, j := range []codeforge.Job{queued, running} {
			exec(fmt.Sprintf("update public.agent_jobs set status = 'cancelled' where id = '%s'", j.ID))
			s.unclaimable(j.ID)
			if got := s.get(j.ID); got.Status != codeforge.JobCancelled || got.CompletedAt == nil {
				s.Fatalf("ended %+v", got)
			}
		}
		_, err := s.FinishJob(s.ctx(), fence(running), completes)
		s.wantFenced(err)
		s.same("due", []any{s.queued(), len(s.claimAll(10, codeforge.ClaimPolicy{}))}, []any{0, 0})
	},
	"a project can be deleted": func(s *suite, p codeforge.Project, exec func(string)) {
		exec(fmt.Sprintf("delete from public.projects where id = '%s'", p.ID))
		_, err := s.GetProject(s.ctx(), s.u, p.ID)
		s.missing(err, "Project", p.ID)
	},
}

// AgeSQL makes the rows of a project on Postgres old, past rules and triggers; for the database's superuser.
func AgeSQL(p codeforge.Project, o Old) string {
	var b, states strings.Builder
	quote := func(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
	say := func(format string, args ...any) { fmt.Fprintf(&b, format+";\n", args...) }
	say("begin")
	say("set local session_replication_role = replica")
	say("set local standard_conforming_strings = on")
	if o.Title != "" {
		say("update public.projects set title = %s where id = '%s'", quote(o.Title), p.ID)
	}
	if o.Description != "" {
		say("update public.projects set description = %s, tech_stack = '{NULL,x}' where id = '%s'", quote(o.Description), p.ID)
	}
	// Contents of states are put where they belong by a trigger.
	state := func(format string, args ...any) { fmt.Fprintf(&states, format+";\n", args...) }
	for path, text := range o.Contents {
		say("update public.project_files set content = %s where project_id = '%s' and path = %s", quote(text), p.ID, quote(path))
		state("update public.file_revisions set content = %s where project_id = '%s' and path = %s", quote(text), p.ID, quote(path))
	}
	for from, to := range o.Paths {
		say("update public.project_files set path = %s where project_id = '%s' and path = %s", quote(to), p.ID, quote(from))
		state("update public.file_revisions set path = %s where project_id = '%s' and path = %s", quote(to), p.ID, quote(from))
	}
	if o.Files > 0 {
		say("insert into public.project_files (project_id, path, content, revision) select '%s', 'old/' || n || '.ts', 'x', 1 from generate_series(1, %d) n", p.ID, o.Files)
		state(`insert into public.file_revisions (project_id, path, revision, file_id, deleted, language, version, content, file_created_at, created_at)
			select project_id, path, 1, id, false, 'typescript', 1, content, created_at, updated_at from public.project_files where project_id = '%s' and path like 'old/%%'`, p.ID)
	}
	return b.String() + "set local session_replication_role = origin;\n" + states.String() + "commit;\n"
}
