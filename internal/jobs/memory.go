package jobs

import (
	"context"
	"encoding/json"

	"codeforge"
)

// memory is what went on in a job's project before it.
func (e *Engine) memory(ctx context.Context, job codeforge.Job, mode codeforge.Mode) (m codeforge.Memory, err error) {
	u := codeforge.User{ID: job.UserID, Role: "authenticated"}
	if mode == codeforge.ModeStudent && job.Agent.Teaches() {
		if m.Learned, err = e.learned(ctx, u, job.ProjectID); err != nil {
			return m, err
		}
	}
	if m.Messages, err = e.o.Store.ListMessages(ctx, u, job.ProjectID, codeforge.MessageFilter{Limit: codeforge.RememberedMessages, Settled: true}); err != nil || job.Base == 0 {
		return m, err
	}
	if asksForErrors(job.Input) {
		if m.Errors, err = e.o.Store.PreviewErrors(ctx, u, job.ProjectID, job.Base, ""); err != nil {
			return m, err
		}
		m.Errors = m.Errors[:min(len(m.Errors), codeforge.RememberedErrors)]
	}
	revisions, _, err := e.o.Store.ListRevisions(ctx, u, job.ProjectID, 1, codeforge.RememberedRevisions)
	if err != nil {
		return m, err
	}
	for _, r := range revisions {
		if r.Number > job.Base {
			continue
		}
		_, deltas, err := e.o.Store.RevisionDeltas(ctx, u, job.ProjectID, r.Number, codeforge.Page{Bytes: codeforge.RememberedBytes})
		if err != nil {
			return m, err
		}
		s := codeforge.RevisionSummary{Revision: r, Files: []codeforge.FileStat{}}
		for _, d := range deltas[:min(len(deltas), codeforge.RememberedFiles)] {
			s.Files = append(s.Files, d.Stat())
		}
		m.Revisions = append(m.Revisions, s)
	}
	return m, nil
}

// asksForErrors reports whether the input of a job asks for what went wrong in previews.
func asksForErrors(input json.RawMessage) bool {
	var in map[string]json.RawMessage
	return json.Unmarshal(input, &in) == nil && string(in[codeforge.InputPreviewErrors]) == "true"
}

// learned is what the student of a project has done.
func (e *Engine) learned(ctx context.Context, u codeforge.User, projectID string) (*codeforge.Learned, error) {
	var l codeforge.Learned
	switch r, err := e.o.Store.GetRoadmap(ctx, u, projectID); {
	case err == nil:
		l.Roadmap = &r
	case !codeforge.IsKind(err, codeforge.Missing):
		return nil, err
	}
	sessions, err := e.o.Store.ListSessions(ctx, u, projectID, "", codeforge.RememberedSessions)
	for _, s := range sessions {
		l.Sessions = append(l.Sessions, codeforge.SessionSummary{Concepts: s.Concepts, Minutes: s.Minutes})
	}
	return &l, err
}
