package storetest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"codeforge"
)

// changes are all entries after a number, read in pages: their numbers must have no gaps.
func (s *suite) changes(u codeforge.User, project string, after int64) (list []codeforge.Change) {
	s.Helper()
	for {
		page := s.readChanges(u, project, after, 7)
		for _, ch := range page.List {
			if after++; ch.Number != after || ch.At.IsZero() || ch.Number > page.Last {
				s.Fatalf("number %d where %d comes next, of %d: %+v", ch.Number, after, page.Last, ch)
			}
		}
		if list = append(list, page.List...); len(page.List) < 7 {
			if after != page.Last {
				s.Fatalf("the last is %d, after %d", page.Last, after)
			}
			return list
		}
	}
}

func (s *suite) readChanges(u codeforge.User, project string, after int64, limit int) codeforge.Changes {
	s.Helper()
	read := s.ProjectChanges
	if project == "" {
		read = func(ctx context.Context, u codeforge.User, _ string, after int64, limit int) (codeforge.Changes, error) {
			return s.UserChanges(ctx, u, after, limit)
		}
	}
	all, err := read(s.ctx(), u, project, after, limit)
	s.ok(err)
	return all
}

// lastChange is where a reader begins.
func (s *suite) lastChange(u codeforge.User, project string) int64 {
	s.Helper()
	return s.readChanges(u, project, -1, 10).Last
}

// said are changes as lines.
func said(list []codeforge.Change) string {
	var lines []string
	for _, ch := range list {
		line := string(ch.Kind)
		switch ch.Kind {
		case codeforge.ChangedJob:
			line += fmt.Sprintf(" %s %s", ch.Job.Agent, ch.Job.Status)
		case codeforge.ChangedRevision:
			line += fmt.Sprintf(" %d %s %s", ch.Revision.Number, ch.Revision.Author, ch.Revision.Message)
		case codeforge.ChangedMessage:
			line += fmt.Sprintf(" %s %s", ch.Message.Role, ch.Message.Content)
		case codeforge.ChangedProject:
			line += " " + strings.Join(ch.Fields, ",")
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// lasting are changes without those that said that jobs ran.
func lasting(list []codeforge.Change) []codeforge.Change {
	return slices.DeleteFunc(list, func(ch codeforge.Change) bool { return ch.Deleted })
}

var changeTests = []test{
	{"what happens to a project is numbered in its order, and says what it was", func(s *suite) {
		p, other := s.project(), s.project()
		s.write(p, "before", "x")
		at := s.lastChange(s.u, p.ID)
		mine := s.lastChange(s.u, "")
		s.write(p, "a", "a")
		s.write(other, "a", "a")
		_, err := s.UpdateProject(s.ctx(), s.u, p.ID, codeforge.ProjectPatch{Title: new("Cat walkers"), TechStack: new([]string{"Go"})})
		s.ok(err)
		_, err = s.UpdateProject(s.ctx(), s.u, p.ID, codeforge.ProjectPatch{Title: new("Cat walkers")}) // as it was
		s.ok(err)
		j := s.started(p, codeforge.Code)
		s.ok(s.AddMessages(s.ctx(), p.ID, []codeforge.Message{{Role: "assistant", Content: "it's \"here\" ⚠", Metadata: json.RawMessage(`{"job_id": "x"}`)}}))
		s.build(p, j, codeforge.FileChange{Path: "b", Content: "b"})
		waiting := s.waitingJob(p, codeforge.QA)
		list := lasting(s.changes(s.u, p.ID, at))
		s.same("changes", said(list), strings.Join([]string{"revision 2 user " + list[0].Revision.Message, "project title,tech_stack", "job code queued", "message assistant it's \"here\" ⚠",
			"revision 3 code Build it", "job code completed", "job qa queued", "job qa waiting_for_input"}, "\n"))
		if list[2].Job.ID != j.ID || list[2].Job.Project != p.ID || list[4].Revision.JobID != j.ID || list[4].Revision.FilesChanged != 1 {
			s.Fatalf("%+v", list)
		}
		messages, err := s.ListMessages(s.ctx(), s.u, p.ID, codeforge.MessageFilter{Limit: 10})
		s.ok(err)
		s.same("the message", list[3].Message, messages[0])
		began := s.changes(s.u, "", mine)
		s.same("of the user", said(began), "job code queued\njob qa queued")
		all := s.readChanges(s.u, p.ID, -1, 10)
		s.same("open", all.Open, []codeforge.OpenJob{{ID: waiting.ID, Project: p.ID, Agent: codeforge.QA, Status: codeforge.Waiting, Progress: 50, Events: 2}})
		s.same("the same from the middle", said(lasting(s.changes(s.u, p.ID, list[4].Number))), said(list[5:]))
	}},
	{"open jobs are those of the project, or all of the user", func(s *suite) {
		p, q := s.project(), s.project()
		first, second := s.submit(p, codeforge.QA), s.submit(q, codeforge.Research)
		ended := s.submit(p, codeforge.QA)
		_, err := s.CancelJob(s.ctx(), s.u, ended.ID)
		s.ok(err)
		of := func(u codeforge.User, project string) (ids []string) {
			all := s.readChanges(u, project, -1, 10)
			for _, j := range all.Open {
				ids = append(ids, j.ID)
			}
			return ids
		}
		s.same("of the project", of(s.u, p.ID), []string{first.ID})
		s.same("of the user", of(s.u, ""), []string{second.ID, first.ID})
		s.same("of somebody else", of(s.v, ""), []string(nil))
	}},
	{"a long message is cut, and says so", func(s *suite) {
		p := s.project()
		at := s.lastChange(s.u, p.ID)
		long := strings.Repeat("é", codeforge.MaxChangeText)
		s.ok(s.AddMessages(s.ctx(), p.ID, []codeforge.Message{{Role: "user", Content: long}, {Role: "user", Content: long + "x", Thinking: true}}))
		list := s.changes(s.u, p.ID, at)
		if len(list) != 2 || list[0].Message.Content != long || list[0].Truncated || list[1].Message.Content != long || !list[1].Truncated || !list[1].Message.Thinking {
			s.Fatalf("%d", len(list))
		}
	}},
	{"the newest are kept, and the oldest of them is known", func(s *suite) {
		p := s.project()
		at := s.lastChange(s.u, p.ID)
		lines := make([]codeforge.Message, codeforge.KeptChanges/2-23)
		for i := range lines {
			lines[i] = codeforge.Message{Role: "user", Content: fmt.Sprint(i)}
		}
		for range 3 {
			s.ok(s.AddMessages(s.ctx(), p.ID, lines))
		}
		all := s.readChanges(s.u, p.ID, 0, 10)
		if n := int64(3 * len(lines)); all.Last != at+n || all.Kept != at+n-codeforge.KeptChanges+1 || all.List[0].Number != all.Kept {
			s.Fatalf("last %d, kept from %d, after %d", all.Last, all.Kept, at)
		}
		if n := len(s.changes(s.u, p.ID, all.Kept-1)); n != codeforge.KeptChanges {
			s.Fatalf("%d are kept", n)
		}
	}},
	{"a log begins when it is read first", func(s *suite) {
		p := s.project()
		s.write(p, "a", "a")
		s.submit(p, codeforge.QA)
		for _, owner := range []string{p.ID, ""} {
			if all := s.readChanges(s.u, owner, 0, 10); all.Last != 0 || all.Kept != 1 || len(all.List) != 0 {
				s.Fatalf("%+v", all)
			}
		}
		s.submit(p, codeforge.Research)
		for _, owner := range []string{p.ID, ""} {
			s.same("from then on", said(s.changes(s.u, owner, 0)), "job research queued")
		}
	}},
	{"a sweep never lets a reader miss a change unseen", func(s *suite) {
		p, unread := s.project(), s.project()
		s.write(unread, "a", "a")
		at := s.lastChange(s.u, p.ID)
		s.write(p, "a", "a")
		s.advance(time.Hour)
		s.ok(s.SweepWorking(s.ctx(), codeforge.Now().Add(-codeforge.WorkingKept)))
		s.same("young", len(s.changes(s.u, p.ID, at)), 1)
		s.write(p, "a", "b")
		s.advance(48 * time.Hour)
		s.ok(s.SweepWorking(s.ctx(), codeforge.Now().Add(47*time.Hour)))
		s.write(p, "a", "c")
		all := s.readChanges(s.u, p.ID, at, 10)
		if all.Last != at+3 || all.Kept != at+1 && all.Kept != at+3 {
			s.Fatalf("last %d, kept from %d, after %d", all.Last, all.Kept, at)
		}
		s.same("the newest", len(s.changes(s.u, p.ID, at+2)), 1)
	}},
	{"readers and writers at once: each change once, in one order", func(s *suite) {
		p := s.project()
		at := s.lastChange(s.u, p.ID)
		const writers, each = 4, 10
		var all sync.WaitGroup
		for w := range writers {
			all.Go(func() {
				for i := range each {
					if err := s.AddMessages(s.ctx(), p.ID, []codeforge.Message{{Role: "user", Content: fmt.Sprint(w, " ", i)}}); err != nil {
						s.Error(err)
					}
				}
			})
		}
		seen := make([]string, 2)
		for r := range seen {
			all.Go(func() {
				var list []codeforge.Change
				for after := at; len(list) < writers*each; {
					page, err := s.ProjectChanges(s.ctx(), s.u, p.ID, after, 100)
					if err != nil {
						s.Error(err)
						return
					}
					for _, ch := range page.List {
						if after++; ch.Number != after {
							s.Errorf("%d after %d", ch.Number, after-1)
							return
						}
					}
					list = append(list, page.List...)
				}
				seen[r] = said(list)
			})
		}
		all.Wait()
		s.same("both", seen[0], seen[1])
		next := make([]int, writers)
		for line := range strings.SplitSeq(seen[0], "\n") {
			var w, i int
			if _, err := fmt.Sscanf(line, "message user %d %d", &w, &i); err != nil || i != next[w] {
				s.Fatalf("%q, after %d of that writer", line, next[w])
			}
			next[w]++
		}
	}},
}
