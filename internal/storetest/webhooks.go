package storetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"codeforge"
)

// webhook makes a webhook of u for a project (""; all of them) and some types (none: all).
func (s *suite) webhook(projectID string, events ...codeforge.WebhookType) codeforge.Webhook {
	s.Helper()
	w, err := s.CreateWebhook(s.ctx(), s.u, codeforge.Webhook{ID: codeforge.NewID(), ProjectID: projectID, URL: "https://example.com/hook", Events: events}, []byte("sealed\x00"))
	s.ok(err)
	return w
}

func keyOf(w codeforge.Webhook) codeforge.WebhookKey { return codeforge.WebhookKey{ID: w.ID} }

func (s *suite) reread(w codeforge.Webhook) codeforge.Webhook {
	s.Helper()
	w, err := s.GetWebhook(s.ctx(), s.u, keyOf(w))
	s.ok(err)
	return w
}

func (s *suite) deliveries(w codeforge.Webhook) []codeforge.WebhookDelivery {
	s.Helper()
	list, err := s.ListWebhookDeliveries(s.ctx(), s.u, keyOf(w), codeforge.WebhookFilter{Limit: 100})
	s.ok(err)
	slices.Reverse(list)
	return list
}

// told are the types of what a webhook was told since it had n deliveries.
func (s *suite) told(w codeforge.Webhook, n int) (types []codeforge.WebhookType) {
	s.Helper()
	for _, d := range s.deliveries(w)[n:] {
		types = append(types, d.Type)
	}
	return types
}

// claims takes what is due of the ring, whole.
func (s *suite) claims(want, each int) (list []codeforge.WebhookClaim, wait time.Duration) {
	s.Helper()
	after := ""
	wait = -1
	for {
		c, err := s.ClaimWebhooks(s.ctx(), after, want-len(list), each, 2, lease)
		s.ok(err)
		list = append(list, c.List...)
		if c.Wait >= 0 && (wait < 0 || c.Wait < wait) {
			wait = c.Wait
		}
		if after = c.After; after == "" || len(list) == want {
			return list, wait
		}
	}
}

func (s *suite) record(c codeforge.WebhookClaim, o codeforge.WebhookOutcome) (disabled bool) {
	s.Helper()
	o.Attempt.At = codeforge.Now()
	disabled, err := s.RecordWebhook(s.ctx(), c, o)
	s.ok(err)
	return disabled
}

var (
	taken   = codeforge.WebhookOutcome{Status: codeforge.WebhookDelivered, Attempt: codeforge.WebhookAttempt{Status: 200, DurationMS: 7, Response: "ok"}}
	rejects = codeforge.WebhookOutcome{Status: codeforge.WebhookPending, Wait: 5 * time.Second, Attempt: codeforge.WebhookAttempt{Status: 500, Error: "it answered 500"}}
)

var webhookTests = []test{
	{"what happens is told to those who want it, in its transaction", func(s *suite) {
		all := s.webhook("")
		p := s.project()
		some := s.webhook(p.ID, codeforge.WebhookJobFailed, codeforge.WebhookJobCompleted, codeforge.WebhookJobCompleted)
		s.same("events in order, each once", some.Events, []codeforge.WebhookType{codeforge.WebhookJobCompleted, codeforge.WebhookJobFailed})
		off := s.webhook("")
		_, err := s.UpdateWebhook(s.ctx(), s.u, keyOf(off), codeforge.WebhookPatch{Enabled: new(false)})
		s.ok(err)
		s.projectOf(s.v)
		n := 0
		step := func(what string, want []codeforge.WebhookType, do func()) {
			s.Helper()
			do()
			got := s.told(all, n)
			s.same(what, got, want)
			n += len(got)
		}
		step("a project", []codeforge.WebhookType{codeforge.WebhookProjectCreated}, func() {})
		update := func(patch codeforge.ProjectPatch) func() {
			return func() {
				_, err := s.UpdateProject(s.ctx(), s.u, p.ID, patch)
				s.ok(err)
			}
		}
		step("its title", []codeforge.WebhookType{codeforge.WebhookProjectUpdated}, update(codeforge.ProjectPatch{Title: new("Cat sitters")}))
		step("the same title", nil, update(codeforge.ProjectPatch{Title: new("Cat sitters")}))
		step("its requirements", []codeforge.WebhookType{codeforge.WebhookProjectUpdated}, update(codeforge.ProjectPatch{Requirements: new(json.RawMessage(`{"a":1}`))}))
		step("archived", []codeforge.WebhookType{codeforge.WebhookProjectArchived}, update(codeforge.ProjectPatch{Status: new(codeforge.Archived)}))
		step("back again", []codeforge.WebhookType{codeforge.WebhookProjectUpdated}, update(codeforge.ProjectPatch{Status: new(codeforge.Building)}))
		step("a file", []codeforge.WebhookType{codeforge.WebhookRevisionCreated}, func() { s.write(p, "a", "a") })
		var j codeforge.Job
		step("a job", []codeforge.WebhookType{codeforge.WebhookJobQueued}, func() { j = s.submit(p, codeforge.Code) })
		step("handed back", nil, func() { s.finish(s.claim(j.ID), returns) })
		step("its work", []codeforge.WebhookType{codeforge.WebhookRevisionCreated, codeforge.WebhookJobKept, codeforge.WebhookJobCompleted}, func() {
			s.build(p, s.claim(j.ID), codeforge.FileChange{Path: "b", Content: "b"})
		})
		step("questions and an answer", []codeforge.WebhookType{codeforge.WebhookJobQueued, codeforge.WebhookJobWaiting, codeforge.WebhookJobQueued, codeforge.WebhookJobCancelled}, func() {
			w := s.waitingJob(p, codeforge.QA)
			_, err := s.RespondJob(s.ctx(), s.u, w.ID, codeforge.NewID(), []byte(`[]`))
			s.ok(err)
			_, err = s.CancelJob(s.ctx(), s.u, w.ID)
			s.ok(err)
		})
		step("a failure", []codeforge.WebhookType{codeforge.WebhookJobQueued, codeforge.WebhookJobFailed}, func() {
			s.finish(s.started(p, codeforge.QA), codeforge.Outcome{Status: codeforge.JobFailed, Error: "x"})
		})
		step("what is refused", nil, func() {
			_, err := s.WriteFile(s.ctx(), s.u, p.ID, codeforge.FileWrite{Path: "a", Content: "c", IfVersion: new(int64(9))})
			s.refused(err, codeforge.Conflict)
		})
		s.same("the project's", s.told(some, 0), []codeforge.WebhookType{codeforge.WebhookJobCompleted, codeforge.WebhookJobFailed})
		s.same("the disabled one's", s.told(off, 0), []codeforge.WebhookType(nil))
		q := s.project()
		step("another project", []codeforge.WebhookType{codeforge.WebhookProjectCreated}, func() {})
		s.finish(s.started(q, codeforge.QA), completes)
		s.same("the project's still", len(s.deliveries(some)), 2)
		kept := s.deliveries(all)[8]
		s.same("data of a kept job", kept.Data, json.RawMessage(fmt.Sprintf(`{"project_id":%q,"revision":2,"author":"code","job_id":%q}`, p.ID, j.ID)))
		if kept.Status != codeforge.WebhookPending || kept.DueAt == nil || kept.CreatedAt.IsZero() || kept.Type != codeforge.WebhookJobKept {
			s.Fatalf("%+v", kept)
		}
		done := s.deliveries(some)[0]
		s.same("data of a completed job", done.Data, json.RawMessage(fmt.Sprintf(`{"job_id":%q,"project_id":%q,"agent_type":"code","status":"completed","revision":2}`, j.ID, p.ID)))
	}},
	{"they are changed, listed and deleted by their owner", func(s *suite) {
		p := s.project()
		mine, its := s.webhook(""), s.webhook(p.ID)
		list, err := s.ListWebhooks(s.ctx(), s.u, "")
		s.ok(err)
		s.same("the user's", list, []codeforge.Webhook{mine})
		list, err = s.ListWebhooks(s.ctx(), s.u, p.ID)
		s.ok(err)
		s.same("the project's", list, []codeforge.Webhook{its})
		_, err = s.GetWebhook(s.ctx(), s.u, codeforge.WebhookKey{ID: mine.ID, ProjectID: p.ID})
		s.missing(err, "Webhook", mine.ID)
		got, err := s.GetWebhook(s.ctx(), s.u, codeforge.WebhookKey{ID: its.ID, ProjectID: p.ID})
		s.ok(err)
		s.same("by both ids", got, its)
		s.advance(time.Second)
		got, err = s.UpdateWebhook(s.ctx(), s.u, keyOf(mine), codeforge.WebhookPatch{URL: new("https://example.com/b"), Description: new("it's ⚠"), Events: new([]codeforge.WebhookType{codeforge.WebhookJobFailed}), Enabled: new(false)})
		s.ok(err)
		if !got.UpdatedAt.After(mine.UpdatedAt) || got.DisabledAt == nil || got.DisabledReason != "" {
			s.Fatalf("%+v", got)
		}
		want := mine
		want.URL, want.Description, want.Events, want.Enabled, want.DisabledAt, want.UpdatedAt = "https://example.com/b", "it's ⚠", []codeforge.WebhookType{codeforge.WebhookJobFailed}, false, got.DisabledAt, got.UpdatedAt
		s.same("changed", got, want)
		got, err = s.UpdateWebhook(s.ctx(), s.u, keyOf(mine), codeforge.WebhookPatch{Events: new([]codeforge.WebhookType{}), Enabled: new(true)})
		s.ok(err)
		if !got.Enabled || got.DisabledAt != nil || len(got.Events) != 0 {
			s.Fatalf("%+v", got)
		}
		for field, patch := range map[string]codeforge.WebhookPatch{"url": {URL: new("")}, "description": {Description: new("a\x00b")}, "events": {Events: new([]codeforge.WebhookType{"job.dreamt"})}} {
			_, err := s.UpdateWebhook(s.ctx(), s.u, keyOf(mine), patch)
			s.invalid(field, err)
		}
		s.ok(s.DeleteWebhook(s.ctx(), s.u, keyOf(mine)))
		_, err = s.GetWebhook(s.ctx(), s.u, keyOf(mine))
		s.missing(err, "Webhook", mine.ID)
		for range codeforge.MaxWebhooks - 1 {
			s.webhook(p.ID)
		}
		_, err = s.CreateWebhook(s.ctx(), s.u, codeforge.Webhook{ID: codeforge.NewID(), ProjectID: p.ID, URL: "https://example.com"}, []byte("x"))
		s.refused(err, codeforge.TooLarge)
		s.webhook("")
	}},
	{"a delivery is one process's until its lease ends, and then another's", func(s *suite) {
		w := s.webhook("")
		for range 3 {
			s.project()
		}
		first, wait := s.claims(10, 2)
		if len(first) != 2 || wait >= 0 || first[0].Tries != 1 || !bytes.Equal(first[0].Secret, []byte("sealed\x00")) || first[0].OldSecret != nil || first[0].URL != w.URL || first[0].UserID != s.u.ID || first[0].WebhookID != w.ID {
			s.Fatalf("%+v %v", first, wait)
		}
		more, _ := s.claims(10, 2)
		s.same("more than at once", len(more), 0)
		third, _ := s.claims(10, 3)
		if len(third) != 1 || third[0].ID == first[0].ID || third[0].ID == first[1].ID {
			s.Fatalf("%+v", third)
		}
		s.record(third[0], taken)
		if _, wait = s.claims(10, 9); wait <= 0 || wait > lease {
			s.Fatalf("the leases end in %v", wait)
		}
		s.advance(lease + time.Second)
		again, _ := s.claims(10, 9)
		if len(again) != 2 || again[0].Tries != 2 || again[0].Fence == first[0].Fence {
			s.Fatalf("%+v", again)
		}
		_, err := s.RecordWebhook(s.ctx(), first[0], taken)
		s.wantFenced(err)
		for _, c := range again {
			s.record(c, taken)
		}
		_, err = s.RecordWebhook(s.ctx(), again[0], taken)
		s.wantFenced(err)
		for _, d := range s.deliveries(w) {
			if d.Status != codeforge.WebhookDelivered || d.DueAt != nil || d.EndedAt == nil || len(d.Attempts) != 1 || d.Attempts[0].Status != 200 || d.Attempts[0].Response != "ok" || d.Attempts[0].DurationMS != 7 {
				s.Fatalf("%+v", d)
			}
		}
		if list, wait := s.claims(10, 9); len(list) > 0 || wait >= 0 {
			s.Fatal(list, wait)
		}
		b, err := s.WebhookBacklog(s.ctx())
		s.ok(err)
		s.same("backlog", b, codeforge.WebhookBacklog{})
	}},
	{"webhooks are looked at in a ring", func(s *suite) {
		for range 5 {
			s.webhook("")
		}
		s.project()
		s.project()
		seen := map[string]int{}
		after := ""
		for range 3 {
			c, err := s.ClaimWebhooks(s.ctx(), after, 10, 1, 2, lease)
			s.ok(err)
			for _, d := range c.List {
				seen[d.WebhookID]++
			}
			after = c.After
		}
		if len(seen) != 5 || after != "" {
			s.Fatal(seen, after)
		}
		b, err := s.WebhookBacklog(s.ctx())
		s.ok(err)
		s.same("backlog", b.Pending, 10)
		const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
		s.advance(time.Minute)
		traced, _, _, err := s.SubmitJob(s.ctx(), s.u, codeforge.NewJob{ProjectID: s.project().ID, Agent: codeforge.QA, TraceParent: trace})
		s.ok(err)
		list, _ := s.claims(100, 100)
		for _, c := range list {
			if ofJob := strings.Contains(string(c.Data), traced.ID); ofJob != (c.TraceParent == trace) {
				s.Fatalf("%+v", c)
			}
		}
		if b, err = s.WebhookBacklog(s.ctx()); err != nil || b.Oldest < time.Minute || b.Oldest > time.Hour {
			s.Fatal(b, err)
		}
	}},
	{"what fails waits, and the webhook rests with it", func(s *suite) {
		w := s.webhook("")
		for range 3 {
			s.project()
		}
		list, _ := s.claims(1, 5)
		fails := rejects
		s.record(list[0], fails)
		list, _ = s.claims(1, 5)
		fails.Pause = time.Minute
		s.record(list[0], fails)
		s.advance(10 * time.Second)
		if list, wait := s.claims(9, 5); len(list) > 0 || wait <= 0 || wait > time.Minute {
			s.Fatalf("within the pause: %+v %v", list, wait)
		}
		s.advance(time.Minute)
		if list, _ = s.claims(9, 5); len(list) != 1 || list[0].Failures != 2 { // one at a time
			s.Fatalf("%+v", list)
		}
		if got := s.reread(w); got.Failures != 2 || got.FailingSince == nil || got.Pending != 3 || !got.Enabled {
			s.Fatalf("%+v", got)
		}
		s.record(list[0], taken)
		if list, _ = s.claims(9, 5); len(list) != 2 {
			s.Fatalf("%+v", list)
		}
		if got := s.reread(w); got.Failures != 0 || got.FailingSince != nil || got.Pending != 2 {
			s.Fatalf("%+v", got)
		}
		for range codeforge.MaxWebhookAttempts + 2 {
			fails = rejects
			s.record(list[0], fails)
			s.record(list[1], taken)
			s.advance(time.Hour)
			d, err := s.RedeliverWebhook(s.ctx(), s.u, keyOf(w), list[1].ID)
			s.ok(err)
			if d.Status != codeforge.WebhookPending || d.EndedAt != nil || d.Tries != 0 {
				s.Fatalf("%+v", d)
			}
			ids := []string{list[0].ID, list[1].ID}
			list, _ = s.claims(9, 5)
			slices.SortFunc(list, func(a, b codeforge.WebhookClaim) int { return slices.Index(ids, a.ID) - slices.Index(ids, b.ID) })
		}
		for _, d := range s.deliveries(w) {
			if d.ID == list[0].ID && (len(d.Attempts) != codeforge.MaxWebhookAttempts || d.Attempts[0].Error != "it answered 500") {
				s.Fatalf("%+v", d)
			}
		}
		given := rejects
		given.Status = codeforge.WebhookFailed
		s.record(list[0], given)
		got, err := s.ListWebhookDeliveries(s.ctx(), s.u, keyOf(w), codeforge.WebhookFilter{Status: codeforge.WebhookFailed, Limit: 9})
		s.ok(err)
		if len(got) != 1 || got[0].ID != list[0].ID {
			s.Fatalf("%+v", got)
		}
	}},
	{"one that fails for days is disabled, and the others are told", func(s *suite) {
		p := s.project()
		seen, err := s.ProjectChanges(s.ctx(), s.u, p.ID, -1, 1)
		s.ok(err)
		w, other, theirs := s.webhook(p.ID), s.webhook("", codeforge.WebhookDisabled), s.webhook(s.project().ID)
		s.write(p, "a", "a")
		s.write(p, "a", "b")
		list, _ := s.claims(1, 5)
		s.record(list[0], rejects)
		s.advance(codeforge.WebhookDisableAfter + time.Minute)
		list, _ = s.claims(1, 5)
		if disabled := s.record(list[0], rejects); !disabled {
			s.Fatal("it is not disabled")
		}
		got := s.reread(w)
		if got.Enabled || got.DisabledReason != codeforge.WebhookFailing || got.DisabledAt == nil || !got.UpdatedAt.Equal(*got.DisabledAt) || got.Pending != 2 {
			s.Fatalf("%+v", got)
		}
		s.same("the others", s.told(other, 0), []codeforge.WebhookType{codeforge.WebhookDisabled})
		s.same("data", s.deliveries(other)[0].Data, json.RawMessage(fmt.Sprintf(`{"webhook_id":%q,"project_id":%q,"reason":"failing"}`, w.ID, p.ID)))
		s.same("of another project", len(s.deliveries(theirs)), 0)
		changes, err := s.ProjectChanges(s.ctx(), s.u, p.ID, seen.Last, 100)
		s.ok(err)
		last := changes.List[len(changes.List)-1]
		s.same("the project's changes", []any{last.Kind, last.Webhook}, []any{codeforge.ChangedWebhook, codeforge.WebhookChange{ID: w.ID, Disabled: codeforge.WebhookFailing}})
		if list, wait := s.claims(9, 5); len(list) != 1 || wait >= 0 { // the news
			s.Fatal(list, wait)
		}
		_, err = s.TestWebhook(s.ctx(), s.u, keyOf(w))
		s.refused(err, codeforge.Conflict)
		_, err = s.RedeliverWebhook(s.ctx(), s.u, keyOf(w), s.deliveries(w)[0].ID)
		s.refused(err, codeforge.Conflict)
		got, err = s.UpdateWebhook(s.ctx(), s.u, keyOf(w), codeforge.WebhookPatch{Enabled: new(true)})
		s.ok(err)
		if !got.Enabled || got.DisabledReason != "" || got.DisabledAt != nil || got.Failures != 0 || got.FailingSince != nil {
			s.Fatalf("%+v", got)
		}
		if list, _ = s.claims(9, 5); len(list) != 2 {
			s.Fatalf("enabled again: %+v", list)
		}
		gone := rejects
		gone.Disable, gone.Status = codeforge.WebhookGone, codeforge.WebhookFailed
		if !s.record(list[0], gone) || s.record(list[1], gone) {
			s.Fatal("410 disables once")
		}
		s.same("gone", s.reread(w).DisabledReason, codeforge.WebhookGone)
	}},
	{"the secret before signs until its grace is over, and a test is sent at once", func(s *suite) {
		w := s.webhook("")
		got, err := s.RotateWebhook(s.ctx(), s.u, keyOf(w), []byte("new"), time.Hour)
		s.ok(err)
		if got.OldSecretUntil == nil {
			s.Fatalf("%+v", got)
		}
		d, err := s.TestWebhook(s.ctx(), s.u, keyOf(w))
		s.ok(err)
		if d.Type != codeforge.WebhookTest || d.Status != codeforge.WebhookPending {
			s.Fatalf("%+v", d)
		}
		list, _ := s.claims(9, 5)
		if len(list) != 1 || list[0].ID != d.ID || string(list[0].Secret) != "new" || string(list[0].OldSecret) != "sealed\x00" {
			s.Fatalf("%+v", list)
		}
		same, err := s.RedeliverWebhook(s.ctx(), s.u, keyOf(w), d.ID) // it is on its way
		s.ok(err)
		s.same("tries", same.Tries, 1)
		s.advance(time.Hour)
		list, _ = s.claims(9, 5)
		if len(list) != 1 || string(list[0].Secret) != "new" || list[0].OldSecret != nil || s.reread(w).OldSecretUntil != nil {
			s.Fatalf("%+v", list)
		}
		_, err = s.RotateWebhook(s.ctx(), s.u, keyOf(w), []byte("newer"), 0)
		s.ok(err)
		s.advance(lease)
		if list, _ = s.claims(9, 5); len(list) != 1 || string(list[0].Secret) != "newer" || list[0].OldSecret != nil {
			s.Fatalf("%+v", list)
		}
	}},
	{"secrets are sealed anew unless they were rotated meanwhile", func(s *suite) {
		for range 3 {
			s.webhook("")
		}
		_, err := s.RotateWebhook(s.ctx(), s.u, keyOf(s.webhook("")), []byte("new"), time.Hour)
		s.ok(err)
		var all []codeforge.SealedSecrets
		for after := ""; ; after = all[len(all)-1].WebhookID {
			list, err := s.SealedSecrets(s.ctx(), after, 3)
			s.ok(err)
			if len(list) == 0 {
				break
			}
			all = append(all, list...)
		}
		if len(all) != 4 || string(all[0].Secret) != "sealed\x00" || all[0].OldSecret != nil || string(all[3].Secret) != "new" || string(all[3].OldSecret) != "sealed\x00" {
			s.Fatalf("%+v", all)
		}
		for _, from := range all {
			to := codeforge.SealedSecrets{WebhookID: from.WebhookID, Secret: append([]byte("a"), from.Secret...), OldSecret: from.OldSecret}
			s.ok(s.ResealSecrets(s.ctx(), from, to))
			s.ok(s.ResealSecrets(s.ctx(), from, from)) // too late
		}
		list, err := s.SealedSecrets(s.ctx(), "", 9)
		s.ok(err)
		if len(list) != 4 || string(list[0].Secret) != "asealed\x00" || string(list[3].Secret) != "anew" || string(list[3].OldSecret) != "sealed\x00" {
			s.Fatalf("%+v", list)
		}
	}},
	{"the log is read by pages, and ends", func(s *suite) {
		w := s.webhook("")
		for range 4 {
			s.project()
		}
		all := s.deliveries(w)
		page, err := s.ListWebhookDeliveries(s.ctx(), s.u, keyOf(w), codeforge.WebhookFilter{Before: all[2].ID, Limit: 1})
		s.ok(err)
		s.same("a page", page, []codeforge.WebhookDelivery{all[1]})
		list, _ := s.claims(1, 1)
		s.record(list[0], taken)
		s.advance(codeforge.WebhookPendingKept + time.Minute)
		n, err := s.SweepWebhooks(s.ctx())
		s.ok(err)
		s.same("given up", n, 3)
		if b, err := s.WebhookBacklog(s.ctx()); err != nil || b.Pending != 0 {
			s.Fatal(b, err)
		}
		s.same("kept", len(s.deliveries(w)), 4)
		s.advance(codeforge.WebhookLogKept - codeforge.WebhookPendingKept)
		_, err = s.SweepWebhooks(s.ctx())
		s.ok(err)
		s.same("what ended at first is gone", len(s.deliveries(w)), 3)
	}},
	{"several processes never have the same delivery at once", func(s *suite) {
		for range 3 {
			s.webhook("")
		}
		for range 6 {
			s.project()
		}
		var mu sync.Mutex
		var g sync.WaitGroup
		seen := map[string]int{}
		for range 6 {
			g.Go(func() {
				for range 12 {
					c, err := s.ClaimWebhooks(s.ctx(), "", 3, 100, 100, lease)
					if err != nil {
						s.Error(err)
						return
					}
					mu.Lock()
					for _, d := range c.List {
						seen[d.ID]++
					}
					mu.Unlock()
				}
			})
		}
		g.Wait()
		rest, _ := s.claims(100, 100)
		for _, d := range rest {
			seen[d.ID]++
		}
		if len(seen) != 18 {
			s.Fatalf("%d of 18 were claimed", len(seen))
		}
		for id, n := range seen {
			if n != 1 {
				s.Fatalf("%s was claimed %d times", id, n)
			}
		}
	}},
	{"they are those of their owner", func(s *suite) {
		p := s.project()
		w := s.webhook(p.ID)
		s.write(p, "a", "a")
		d := s.deliveries(w)[0]
		for _, id := range []string{w.ID, codeforge.NewID(), "no id at all", ""} {
			k := codeforge.WebhookKey{ID: id, ProjectID: p.ID}
			for name, do := range map[string]func() error{
				"get": func() error { _, err := s.GetWebhook(s.ctx(), s.v, k); return err },
				"update": func() error {
					_, err := s.UpdateWebhook(s.ctx(), s.v, k, codeforge.WebhookPatch{Enabled: new(false)})
					return err
				},
				"delete": func() error { return s.DeleteWebhook(s.ctx(), s.v, k) },
				"rotate": func() error { _, err := s.RotateWebhook(s.ctx(), s.v, k, []byte("x"), 0); return err },
				"log": func() error {
					_, err := s.ListWebhookDeliveries(s.ctx(), s.v, k, codeforge.WebhookFilter{Limit: 9})
					return err
				},
				"redeliver":          func() error { _, err := s.RedeliverWebhook(s.ctx(), s.v, k, d.ID); return err },
				"redeliver anything": func() error { _, err := s.RedeliverWebhook(s.ctx(), s.v, k, "x"); return err },
				"test":               func() error { _, err := s.TestWebhook(s.ctx(), s.v, k); return err },
			} {
				s.Log(name)
				s.missing(do(), "Webhook", id)
			}
		}
		_, err := s.RedeliverWebhook(s.ctx(), s.u, keyOf(s.webhook("")), d.ID)
		s.missing(err, "Delivery", d.ID)
		for _, id := range []string{p.ID, codeforge.NewID(), "x"} {
			_, err := s.ListWebhooks(s.ctx(), s.v, id)
			s.missing(err, "Project", id)
			_, err = s.CreateWebhook(s.ctx(), s.v, codeforge.Webhook{ID: codeforge.NewID(), ProjectID: id, URL: "https://example.com"}, []byte("x"))
			s.missing(err, "Project", id)
		}
		list, err := s.ListWebhooks(s.ctx(), s.v, "")
		s.ok(err)
		if len(list) != 0 {
			s.Fatalf("a stranger lists %+v", list)
		}
		got := s.reread(w)
		got.Pending = w.Pending
		s.same("unchanged", got, w)
		s.same("log", len(s.deliveries(w)), 1)
	}},
}
