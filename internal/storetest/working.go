package storetest

import (
	"encoding/json"
	"time"

	"codeforge"
)

// fileEvent tells of a file of the working tree.
func fileEvent(path, content string) codeforge.Event {
	return codeforge.Event{Type: codeforge.EventFile, Data: json.RawMessage(`{"path": "` + path + `"}`), File: &codeforge.FileChange{Path: path, Content: content}}
}

func deletedEvent(path string) codeforge.Event {
	return codeforge.Event{Type: codeforge.EventFile, Data: json.RawMessage(`{}`), File: &codeforge.FileChange{Path: path, Delete: true}}
}

func (s *suite) report(j codeforge.Job, events ...codeforge.Event) {
	s.Helper()
	_, err := s.RecordEvents(s.ctx(), fence(j), -1, events)
	s.ok(err)
}

// working are the working files of a job, read in pages; deleted ones are "(deleted)".
func (s *suite) working(id string, page codeforge.Page) (all []codeforge.WorkingFile, pages int) {
	s.Helper()
	for {
		files, err := s.WorkingFiles(s.ctx(), s.u, id, page)
		s.ok(err)
		if len(files) == 0 {
			return all, pages
		}
		all, pages = append(all, files...), pages+1
		page.After = files[len(files)-1].Path
	}
}

func (s *suite) wantWorking(id string, want tree) {
	s.Helper()
	got := tree{}
	files, _ := s.working(id, codeforge.Page{})
	for _, f := range files {
		got[f.Path] = f.Content
		if f.Deleted {
			got[f.Path] = "(deleted)"
		}
		if f.Size != int64(len(f.Content)) || (f.Hash == "") != f.Deleted {
			s.Fatalf("%+v", f)
		}
	}
	s.same("working files", got, want)
}

// workingTests are of what events tell of a job's working tree.
var workingTests = []test{
	{"files are as the last event has them", func(s *suite) {
		p := s.project()
		s.write(p, "old", "old")
		j := s.started(p, codeforge.Code)
		s.wantWorking(j.ID, tree{})
		s.report(j, fileEvent("a", "1"), fileEvent("b", "ä"), fileEvent("a", "2"), deletedEvent("old"))
		s.wantWorking(j.ID, tree{"a": "2", "b": "ä", "old": "(deleted)"})
		s.report(j, fileEvent("b", ""), fileEvent("old", "again"), codeforge.Event{Type: codeforge.EventLog})
		s.report(j, deletedEvent("a"))
		s.wantWorking(j.ID, tree{"a": "(deleted)", "b": "", "old": "again"})
		if f := s.treeAt(p, 1); f["old"] != "old" {
			s.Fatal("the project changed", f)
		}
	}},
	{"pages", func(s *suite) {
		j := s.started(s.project(), codeforge.Code)
		s.report(j, fileEvent("b/c", "333"), fileEvent("a", "22"), fileEvent("b.d", "1"), deletedEvent("gone"), fileEvent("é", "55555"))
		all, pages := s.working(j.ID, codeforge.Page{Bytes: 3})
		whole, one := s.working(j.ID, codeforge.Page{})
		s.same("files", all, whole)
		if pages != 3 || one != 1 || len(all) != 5 || all[0].Path != "a" || all[1].Path != "b.d" || all[4].Path != "é" {
			s.Fatal(pages, one, all)
		}
		bare, _ := s.working(j.ID, codeforge.Page{Bare: true})
		for i := range whole {
			whole[i].Content = ""
		}
		s.same("bare", bare, whole)
	}},
	{"those of an earlier claim are void", func(s *suite) {
		j := s.started(s.project(), codeforge.Code)
		s.report(j, fileEvent("a", "1"), fileEvent("b", "1"))
		s.finish(j, returns)
		s.wantWorking(j.ID, tree{"a": "1", "b": "1"})
		again := s.claim(j.ID)
		s.wantWorking(j.ID, tree{})
		s.report(again, fileEvent("b", "2"))
		s.wantWorking(j.ID, tree{"b": "2"})
		_, err := s.RecordEvents(s.ctx(), fence(j), -1, []codeforge.Event{fileEvent("c", "late")})
		s.wantFenced(err)
		s.wantWorking(j.ID, tree{"b": "2"})
	}},
	{"they go some time after the job", func(s *suite) {
		p, other := s.project(), s.project()
		j, running := s.started(p, codeforge.Code), s.started(other, codeforge.Code)
		s.report(j, fileEvent("a", "1"))
		s.report(running, fileEvent("a", "1"))
		s.finish(j, completes)
		s.ok(s.SweepWorking(s.ctx(), codeforge.Now().Add(-time.Minute)))
		s.wantWorking(j.ID, tree{"a": "1"})
		s.advance(2 * time.Hour)
		s.ok(s.SweepWorking(s.ctx(), s.get(j.ID).CompletedAt.Add(time.Second)))
		s.wantWorking(j.ID, tree{})
		s.wantWorking(running.ID, tree{"a": "1"})
	}},
	{"what a file must not be is not stored", func(s *suite) {
		j := s.started(s.project(), codeforge.Code)
		_, err := s.RecordEvents(s.ctx(), fence(j), -1, []codeforge.Event{fileEvent("../x", "1")})
		s.invalid("path", err)
		s.wantWorking(j.ID, tree{})
	}},
	{"they are found through an alias, and by nobody else", func(s *suite) {
		j := s.waitingJob(s.project(), codeforge.Code)
		alias := codeforge.NewID()
		_, err := s.RespondJob(s.ctx(), s.u, j.ID, alias, []byte(`[]`))
		s.ok(err)
		s.report(s.claim(j.ID), fileEvent("a", "1"))
		s.wantWorking(alias, tree{"a": "1"})
		for _, id := range []string{j.ID, alias, codeforge.NewID(), "no id at all"} {
			_, err := s.WorkingFiles(s.ctx(), s.v, id, codeforge.Page{})
			s.missing(err, "Job", id)
		}
	}},
	{"they count as stored, and are not refused", func(s *suite) {
		s.quota(codeforge.Quota{Bytes: 10})
		p := s.project()
		j := s.started(p, codeforge.Code)
		s.report(j, fileEvent("a", "123456789012345"))
		_, err := s.WriteFile(s.ctx(), s.u, s.project().ID, codeforge.FileWrite{Path: "a", Content: "1"})
		s.wantRefused(err, codeforge.TooLarge, codeforge.QuotaBytes, 10)
		s.report(j, fileEvent("a", "1234"))
		s.write(p, "b", "123456")
	}},
}
