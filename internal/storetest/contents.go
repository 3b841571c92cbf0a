package storetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"codeforge"
)

// Backdoor leads past a store to the texts that it keeps.
type Backdoor struct {
	Texts  func(project string) []string      // those of a project, each as often as it is there; blobs in hexadecimal
	Forget func(project string, before int64) // what only revisions before that one have
	Remove func(project string)               // for good
	Rows   func(text string) []string         // the tables that hold a text, in whichever column
	Lead   func(project, modules string)      // puts a roadmap beside a project that has none
}

// RunContents runs what holds for the texts of files and of their history.
func RunContents(t *testing.T, open func(*testing.T) (Contract, Backdoor)) {
	for name, test := range contentTests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store, b := open(t)
			test(&suite{T: t, Contract: store, u: codeforge.User{ID: codeforge.NewID(), Role: "authenticated"}, v: codeforge.User{ID: codeforge.NewID(), Role: "authenticated"}}, b)
		})
	}
}

// wantContents wants exactly these texts to be stored for a project.
func (s *suite) wantContents(b Backdoor, p codeforge.Project, want ...string) {
	s.Helper()
	s.same("texts", slices.Sorted(slices.Values(b.Texts(p.ID))), slices.Sorted(slices.Values(want)))
}

// revisionTexts are the texts of the revisions of a project from one on.
func (s *suite) revisionTexts(p codeforge.Project, from int64) (texts []string) {
	s.Helper()
	p, err := s.GetProject(s.ctx(), s.u, p.ID)
	s.ok(err)
	for n := from; n <= p.Revision; n++ {
		for _, text := range s.treeAt(p, n) {
			texts = append(texts, text)
		}
	}
	slices.Sort(texts)
	return slices.Compact(texts)
}

func (s *suite) restore(p codeforge.Project, number int64) {
	s.Helper()
	_, err := s.RestoreRevision(s.ctx(), s.u, p.ID, number, nil)
	s.ok(err)
}

var contentTests = map[string]func(s *suite, b Backdoor){
	"a project that is deleted leaves nothing": leaveNothing,
	"a roadmap keeps what is written at once":  keepRoadmap,
	"a user who is deleted leaves nothing":     leaveNothingOfUser,
	"equal texts of a project are one": func(s *suite, b Backdoor) {
		p := s.project()
		for _, path := range []string{"a", "b", "c", "a"} {
			s.write(p, path, "text")
		}
		s.write(p, "a", "other")
		s.write(p, "a", "text")
		s.ok(s.DeleteFile(s.ctx(), s.u, p.ID, "b", nil))
		s.write(p, "b", "text")
		s.write(p, "empty", "")
		s.write(p, "line", "text\n")
		s.build(p, s.started(p, codeforge.Code), codeforge.FileChange{Path: "d", Content: "text"}, codeforge.FileChange{Path: "e", Content: "new"},
			codeforge.FileChange{Path: "f", Content: "new"}, codeforge.FileChange{Path: "c", Content: "other"})
		s.wantContents(b, p, "", "new", "other", "text", "text\n")
		s.same("tree", s.treeAt(p, 11), tree{"a": "text", "b": "text", "c": "other", "d": "text", "e": "new", "empty": "", "f": "new", "line": "text\n"})
	},
	"equal texts of two projects are two, and one goes without the other": func(s *suite, b Backdoor) {
		mine, same := s.project(), s.project()
		others := s.projectOf(s.v)
		_, err := s.WriteFile(s.ctx(), s.v, others.ID, codeforge.FileWrite{Path: "a", Content: "text"})
		s.ok(err)
		for _, p := range []codeforge.Project{mine, same} {
			s.write(p, "a", "text")
			s.wantContents(b, p, "text")
		}
		b.Remove(mine.ID)
		s.wantContents(b, mine)
		s.wantContents(b, same, "text")
		s.wantContents(b, others, "text")
		s.same("tree", s.treeAt(same, 1), tree{"a": "text"})
		s.write(same, "b", "text")
		s.wantContents(b, same, "text")
	},
	"restoring there and back stores nothing": func(s *suite, b Backdoor) {
		p := s.history()
		before := s.revisionTexts(p, 1)
		for range 5 {
			s.restore(p, 1)
			s.restore(p, 5)
		}
		s.wantContents(b, p, before...)
		s.same("tree", s.treeAt(p, 15), s.treeAt(p, 5))
		s.same("earlier tree", s.treeAt(p, 14), s.treeAt(p, 1))
	},
	"what is forgotten goes, unless something else has it": func(s *suite, b Backdoor) {
		p := s.project()
		s.write(p, "a", "gone")
		s.write(p, "a", "copied")
		s.write(p, "b", "copied")
		s.write(p, "a", "newest")
		s.write(p, "deleted", "deleted later")
		s.ok(s.DeleteFile(s.ctx(), s.u, p.ID, "deleted", nil))
		b.Forget(p.ID, 5)
		s.wantContents(b, p, "copied", "newest", "deleted later")
		s.same("tree", s.treeAt(p, 5), tree{"a": "newest", "b": "copied", "deleted": "deleted later"})
		b.Forget(p.ID, 6)
		s.wantContents(b, p, "copied", "newest")
		s.restore(p, 6)
		s.write(p, "c", "gone") // again
		s.same("tree", s.treeAt(p, 8), tree{"a": "newest", "b": "copied", "c": "gone"})
		s.wantContents(b, p, "copied", "newest", "gone")
	},
	"texts of a working tree are the project's, and go with the last that has them": func(s *suite, b Backdoor) {
		p := s.project()
		s.write(p, "a", "shared")
		j := s.started(p, codeforge.Code)
		s.report(j, fileEvent("b", "shared"), fileEvent("c", "draft"), fileEvent("d", "draft"))
		s.wantContents(b, p, "shared", "draft")
		s.report(j, fileEvent("c", "final"))
		s.wantContents(b, p, "shared", "draft", "final")
		s.report(j, fileEvent("d", "final"), deletedEvent("b"))
		s.wantContents(b, p, "shared", "final")
		s.build(p, j, codeforge.FileChange{Path: "c", Content: "final"})
		failed := s.started(p, codeforge.Code)
		s.report(failed, fileEvent("c", "failed"), fileEvent("a", "shared"))
		s.finish(failed, codeforge.Outcome{Status: codeforge.JobFailed})
		s.wantContents(b, p, "shared", "final", "failed")
		s.ok(s.SweepWorking(s.ctx(), s.get(failed.ID).CompletedAt.Add(time.Second)))
		s.wantContents(b, p, "shared", "final")
		last := s.started(p, codeforge.Code)
		s.report(last, fileEvent("e", "last"))
		s.finish(last, completes)
		_, err := s.SweepJobs(s.ctx(), s.get(last.ID).CompletedAt.Add(time.Second))
		s.ok(err)
		s.wantContents(b, p, "shared", "final")
		s.same("tree", s.treeAt(p, 2), tree{"a": "shared", "c": "final"})
	},
	"texts of a proposal are the project's, and go with the last that has them": func(s *suite, b Backdoor) {
		p := s.project()
		s.write(p, "a", "shared")
		j := s.started(p, codeforge.Code)
		s.report(j, fileEvent("b", "draft"))
		s.keep(j, proposedStage(0, 1, codeforge.FileChange{Path: "b", Content: "draft"}, codeforge.FileChange{Path: "c", Content: "shared"}, codeforge.FileChange{Path: "d", Content: "other"}))
		s.wantContents(b, p, "shared", "draft", "other")
		s.keep(j, proposedStage(1, 1, codeforge.FileChange{Path: "b", Content: "draft"}, codeforge.FileChange{Path: "e", Content: "final"}))
		s.wantContents(b, p, "shared", "draft", "final")
		s.finish(j, waits)
		_, err := s.ApplyProposal(s.ctx(), s.u, j.ID, application(1, codeforge.FileChange{Path: "e", Content: "final"}))
		s.ok(err)
		s.wantContents(b, p, "shared", "draft", "final") // one is in the working files
		s.ok(s.SweepWorking(s.ctx(), s.get(j.ID).CompletedAt.Add(time.Second)))
		s.wantContents(b, p, "shared", "final")
		for _, drop := range []func(codeforge.Job){
			func(j codeforge.Job) { _, err := s.RejectProposal(s.ctx(), s.u, j.ID, nil); s.ok(err) },
			func(j codeforge.Job) {
				_, err := s.SweepJobs(s.ctx(), s.get(j.ID).CompletedAt.Add(time.Second))
				s.ok(err)
			},
		} {
			failed := s.started(p, codeforge.Code)
			s.finish(failed, codeforge.Outcome{Status: codeforge.JobFailed, Proposal: &codeforge.NewProposal{Base: 2, Changes: []codeforge.FileChange{{Path: "b", Content: "failed"}, {Path: "a", Content: "final"}}}})
			s.wantContents(b, p, "shared", "final", "failed")
			drop(failed)
			s.wantContents(b, p, "shared", "final")
		}
		s.same("tree", s.treeAt(p, 2), tree{"a": "shared", "e": "final"})
	},
	"blobs, locks and screenshots lie there once as well, and go with the last that has them": func(s *suite, b Backdoor) {
		p := s.project()
		hex := func(n int) string { return fmt.Sprintf("%x", picture(n)) }
		s.writeBlob(p, "a", picture(1))
		s.writeBlob(p, "b", picture(1))
		s.write(p, "a", "text")
		lock := s.put(p, picture(2)) // as if a file had it too
		rev, err := s.WriteRevision(s.ctx(), s.u, p.ID, codeforge.TreeChange{Head: 3, Changes: []codeforge.FileChange{at("c", lock), {Path: "d", Content: "lock"}}, Lock: picture(2),
			Screenshots: []codeforge.Screenshot{{Page: "a", Width: 1, Type: "image/png", Hash: lock.Hash}, {Page: "a", Width: 2, Type: "image/png", Hash: codeforge.BlobHash(picture(1))}}})
		s.ok(err)
		s.wantContents(b, p, hex(1), hex(2), "text", "lock")
		for range 3 {
			s.restore(p, 1)
			s.restore(p, rev.Number)
		}
		s.wantContents(b, p, hex(1), hex(2), "text", "lock")
		s.ok(s.DeleteFile(s.ctx(), s.u, p.ID, "c", nil))
		s.ok(s.DeleteFile(s.ctx(), s.u, p.ID, "b", nil))
		b.Forget(p.ID, 12)
		s.wantContents(b, p, hex(1), hex(2), "text", "lock") // beside revisions they are still
		for n := int64(1); n <= 12; n++ {
			s.ok(s.MarkChecked(s.ctx(), s.u, p.ID, n, true, nil, nil, []byte("lock")))
		}
		s.wantContents(b, p, "text", "lock")
		b.Remove(p.ID)
		s.wantContents(b, p)
	},
	"room comes back with what is forgotten and removed": func(s *suite, b Backdoor) {
		s.quota(codeforge.Quota{Bytes: 100})
		p, other := s.project(), s.project()
		s.write(p, "a", strings.Repeat("1", 60))
		s.write(p, "a", strings.Repeat("2", 40))
		write := func(p codeforge.Project) error {
			_, err := s.WriteFile(s.ctx(), s.u, p.ID, codeforge.FileWrite{Path: "b", Content: strings.Repeat("3", 60)})
			return err
		}
		s.wantRefused(write(other), codeforge.TooLarge, codeforge.QuotaBytes, 100)
		b.Forget(p.ID, 2)
		s.ok(write(other))
		s.wantRefused(write(p), codeforge.TooLarge, codeforge.QuotaBytes, 100)
		b.Remove(other.ID)
		s.ok(write(p))
	},
	"forgetting beside writes and restores takes nothing that is needed": func(s *suite, b Backdoor) {
		p := s.project()
		for i := range 5 {
			s.write(p, "a", fmt.Sprint(i))
		}
		s.race(func(i int) error {
			switch i % 4 {
			case 0:
				b.Forget(p.ID, 5)
			case 1:
				_, err := s.RestoreRevision(s.ctx(), s.u, p.ID, 5, nil)
				return err
			default:
				// Texts that are forgotten at that moment.
				_, err := s.WriteFile(s.ctx(), s.u, p.ID, codeforge.FileWrite{Path: fmt.Sprint("f", i), Content: fmt.Sprint(i % 5)})
				return err
			}
			return nil
		})
		s.wantContents(b, p, s.revisionTexts(p, 5)...)
	},
}
