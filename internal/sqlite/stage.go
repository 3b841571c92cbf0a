package sqlite

import (
	"context"
	"slices"

	"codeforge"
)

func (s *Store) KeepStage(ctx context.Context, f codeforge.Fence, stage codeforge.StageResult) (kept codeforge.Kept, err error) {
	if err := checkAll(stage.Changes); err != nil {
		return kept, err
	}
	err = s.write(ctx, func(c *conn) error {
		kept = codeforge.Kept{}
		j, err := claimed(c, f)
		if err != nil {
			return err
		}
		key := []any{j.seq, string(stage.Stage), stage.Round}
		found, err := c.one("SELECT revision FROM job_stages WHERE job = ? AND stage = ? AND round = ?", key, &kept.Revision)
		if err != nil || found {
			return err
		}
		if kept.Revision, err = s.keepChanges(c, &j, &stage); err != nil {
			return err
		}
		if _, _, err := c.exec("INSERT INTO job_stages(job, stage, round, revision) VALUES(?, ?, ?, ?)", append(key, kept.Revision)...); err != nil {
			return err
		}
		if err := specify(c, j.project, stage.Requirements, stage.Architecture, stage.ProjectStatus); err != nil {
			return err
		}
		kept.Events = slices.Clone(stage.Events)
		j.events += int64(len(kept.Events))
		if err := addEvents(c, j.seq, j.ID, j.events, kept.Events); err != nil {
			return err
		}
		j.Progress, j.UpdatedAt = max(j.Progress, stage.Progress), c.now
		wroteJob(c, j)
		_, _, err = c.exec("UPDATE jobs SET events = ?, progress = ?, updated_at = ?, revision = ? WHERE seq = ?", j.events, j.Progress, j.UpdatedAt, j.Revision, j.seq)
		return err
	})
	if err != nil {
		return codeforge.Kept{}, err
	}
	return kept, nil
}

// keepChanges makes of the changes of a stage a proposal, or a revision, whose number it returns.
func (s *Store) keepChanges(c *conn, j *jobRow, stage *codeforge.StageResult) (revision int64, err error) {
	if stage.Proposal {
		return 0, s.propose(c, j, &codeforge.NewProposal{Base: stage.Base, Changes: stage.Changes, Message: stage.Message, Verified: true})
	}
	if len(stage.Changes) == 0 {
		return 0, nil
	}
	p, _, err := readProject(c, "SELECT "+projectColumns+" FROM projects WHERE seq = ?", j.project)
	if err != nil {
		return 0, err
	}
	if err := p.at(&stage.Base); err != nil {
		return 0, err
	}
	return s.addRevision(c, j, &p, string(j.Agent), codeforge.TreeChange{Changes: stage.Changes, Message: stage.Message, Verified: true})
}
