package storetest

import (
	"encoding/json"
	"fmt"
	"time"

	"codeforge"
)

// thinking are the jobs that the conversation on a project says to be running.
func (s *suite) thinking(p codeforge.Project) (jobs []string) {
	s.Helper()
	list, err := s.ListMessages(s.ctx(), s.u, p.ID, codeforge.MessageFilter{Limit: 100})
	s.ok(err)
	for _, m := range list {
		if !m.Thinking {
			continue
		}
		var of struct {
			Job   string `json:"job_id"`
			Agent string `json:"agent_type"`
		}
		s.ok(json.Unmarshal(m.Metadata, &of))
		if m.Role != "assistant" || m.Content == "" || m.ProjectID != p.ID || of.Agent == "" {
			s.Fatalf("%+v", m)
		}
		jobs = append(jobs, of.Job)
	}
	return jobs
}

var messageTests = []test{
	{"while a job runs the conversation says so, once", func(s *suite) {
		p := s.project()
		answer := completes
		answer.Chat = []codeforge.Message{{Role: "assistant", Content: "Done."}}
		ends := map[string]func(j codeforge.Job){
			"completes":     func(j codeforge.Job) { s.finish(j, answer) },
			"fails":         func(j codeforge.Job) { s.finish(j, codeforge.Outcome{Status: codeforge.JobFailed, Error: "no"}) },
			"waits":         func(j codeforge.Job) { s.finish(j, waits) },
			"is given back": func(j codeforge.Job) { s.finish(j, returns) },
			"is cancelled":  func(j codeforge.Job) { s.ok(err2(s.CancelJob(s.ctx(), s.u, j.ID))) },
			"is taken back": func(j codeforge.Job) { s.ok(err2(s.TakeBackJob(s.ctx(), s.u, j.ID, codeforge.TreeChange{}))) },
			"is released":   func(codeforge.Job) { s.ok(err2(s.ReleaseAll(s.ctx()))) },
		}
		for name, end := range ends {
			s.Log(name)
			j := s.submit(p, codeforge.QA)
			s.same("queued", s.thinking(p), []string(nil))
			j = s.claim(j.ID)
			s.same("running", s.thinking(p), []string{j.ID})
			s.advance(2 * lease)
			taken := s.claim(j.ID) // by another worker
			s.same("taken over", s.thinking(p), []string{j.ID})
			_, err := s.FinishJob(s.ctx(), fence(j), answer)
			s.wantFenced(err)
			s.same("not finished", s.thinking(p), []string{j.ID})
			end(taken)
			s.same("over", s.thinking(p), []string(nil))
			if name == "is given back" || name == "is released" {
				s.ok(err2(s.CancelJob(s.ctx(), s.u, j.ID)))
			}
		}
		s.started(p, codeforge.Noop)
		s.same("of nothing", s.thinking(p), []string(nil))
		one, two := s.started(p, codeforge.QA), s.started(p, codeforge.Code)
		s.same("of two", s.thinking(p), []string{one.ID, two.ID})
		s.same("of another project", s.thinking(s.project()), []string(nil))
	}},
	{"who watches is told of its coming and its going", func(s *suite) {
		p := s.project()
		at := s.readChanges(s.u, p.ID, -1, 10).Last
		j := s.started(p, codeforge.QA)
		list := s.changes(s.u, p.ID, at)
		if n := len(list); n != 2 || list[1].Kind != codeforge.ChangedMessage || !list[1].Message.Thinking || list[1].Deleted {
			s.Fatalf("%+v", list)
		}
		id := list[1].Message.ID
		at = list[1].Number
		s.finish(j, codeforge.Outcome{Status: codeforge.JobCompleted, Progress: 100, Chat: []codeforge.Message{{Role: "assistant", Content: "Done."}}})
		gone, answers := 0, 0
		for _, ch := range s.changes(s.u, p.ID, at) {
			switch {
			case ch.Kind == codeforge.ChangedMessage && ch.Deleted && ch.Message.ID == id:
				gone++
			case ch.Kind == codeforge.ChangedMessage && ch.Message.Content == "Done.":
				answers++
			}
		}
		s.same("gone, answers", []int{gone, answers}, []int{1, 1})
	}},
	{"a conversation is read page by page", func(s *suite) {
		p, other := s.project(), s.project()
		for i := range 7 {
			s.ok(s.AddMessages(s.ctx(), p.ID, []codeforge.Message{{Role: []string{"user", "assistant"}[i%2], Content: fmt.Sprint(i)}}))
			s.advance(time.Second)
		}
		s.started(p, codeforge.QA)
		texts := func(f codeforge.MessageFilter) (texts []string, first string) {
			list, err := s.ListMessages(s.ctx(), s.u, p.ID, f)
			s.ok(err)
			for _, m := range list {
				texts = append(texts, m.Content)
			}
			if len(list) > 0 {
				first = list[0].ID
			}
			return texts, first
		}
		page, first := texts(codeforge.MessageFilter{Limit: 3, Settled: true})
		s.same("newest", page, []string{"4", "5", "6"})
		page, first = texts(codeforge.MessageFilter{Limit: 3, Before: first})
		s.same("before", page, []string{"1", "2", "3"})
		page, _ = texts(codeforge.MessageFilter{Limit: 3, Before: first})
		s.same("the first", page, []string{"0"})
		page, _ = texts(codeforge.MessageFilter{Limit: 2, Role: "user"})
		s.same("of the user", page, []string{"4", "6"})
		page, _ = texts(codeforge.MessageFilter{Limit: 1})
		s.same("with what runs", page, []string{"Thinking"})
		for _, id := range []string{codeforge.NewID(), "no id at all"} {
			_, err := s.ListMessages(s.ctx(), s.u, p.ID, codeforge.MessageFilter{Limit: 1, Before: id})
			s.missing(err, "Message", id)
		}
		_, err := s.ListMessages(s.ctx(), s.u, other.ID, codeforge.MessageFilter{Limit: 1, Before: first})
		s.missing(err, "Message", first)
	}},
}
