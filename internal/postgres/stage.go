package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"codeforge"
)

// stageArg is codeforge.StageResult as the functions take it, events aside.
type stageArg struct {
	Stage         codeforge.AgentType     `json:"stage"`
	Round         int                     `json:"round"`
	Base          int64                   `json:"base"`
	Changes       []change                `json:"changes"`
	Message       string                  `json:"message"`
	Proposal      bool                    `json:"proposal"`
	Requirements  json.RawMessage         `json:"requirements,omitempty"`
	Architecture  json.RawMessage         `json:"architecture,omitempty"`
	ProjectStatus codeforge.ProjectStatus `json:"project_status"`
	Progress      float64                 `json:"progress"`
	besideArg
}

// KeepStage, when an earlier try of its own did it and the answer was lost, returns no events.
func (s *Store) KeepStage(ctx context.Context, f codeforge.Fence, stage codeforge.StageResult) (kept codeforge.Kept, err error) {
	if _, err := codeforge.ParseID(f.JobID); err != nil {
		return kept, codeforge.ErrFenced
	}
	out := stageArg{Stage: stage.Stage, Round: stage.Round, Base: stage.Base, Message: withoutNUL(stage.Message), Proposal: stage.Proposal, Requirements: stage.Requirements,
		Architecture: stage.Architecture, ProjectStatus: stage.ProjectStatus, Progress: stage.Progress}
	if out.Changes, err = newChanges(stage.Changes); err != nil {
		return kept, err
	}
	if out.besideArg, err = newBesideArg(stage.Evidence, stage.Screenshots, stage.Lock); err != nil {
		return kept, err
	}
	doc, err := object(out)
	if err != nil {
		return kept, err
	}
	args, err := eventArgs(stage.Events, arg{"job", f.JobID}, arg{"fence", f.Number}, arg{"stage", doc})
	if err != nil {
		return kept, err
	}
	a, _, _, err := system[struct {
		Revision int64     `json:"revision"`
		Kept     bool      `json:"kept"`
		Seq      int64     `json:"seq"`
		At       time.Time `json:"at"`
	}](ctx, s, "keep_stage", args...)
	if err == nil || errors.Is(err, codeforge.ErrFenced) {
		s.unsure.Delete(f)
	}
	if err != nil {
		return kept, err
	}
	kept.Revision = a.Revision
	if a.Kept {
		kept.Events = numbered(stage.Events, f.JobID, a.Seq, a.At)
	}
	return kept, nil
}
