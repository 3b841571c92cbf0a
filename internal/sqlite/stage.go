package sqlite

import (
	"context"
	"encoding/json"
	"slices"

	"codeforge"
)

func (s *Store) KeepStage(ctx context.Context, f codeforge.Fence, stage codeforge.StageResult) (kept codeforge.Kept, err error) {
	if err := checkAll(stage.Changes); err != nil {
		return kept, err
	}
	if err := codeforge.CheckBesideRevision(stage.Evidence, stage.Screenshots, stage.Lock); err != nil {
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
	return s.addRevision(c, j, &p, string(j.Agent), codeforge.TreeChange{Changes: stage.Changes, Message: stage.Message, Verified: new(true),
		Evidence: stage.Evidence, Screenshots: stage.Screenshots, Lock: stage.Lock})
}

// addRevision makes a revision of a job of what its change really changes, if anything, and returns its number.
func (s *Store) addRevision(c *conn, j *jobRow, p *project, author string, change codeforge.TreeChange) (number int64, err error) {
	rev := s.newRevision(c, p, j.ID, author, change.Message)
	rev.beside = besideChange(change)
	if err := rev.putReal(change.Changes); err != nil || rev.changes == 0 {
		return 0, err
	}
	if _, err := rev.finish(); err != nil {
		return 0, err
	}
	j.Revision = rev.number
	return rev.number, nil
}

// specify sets what is not empty. A project that was archived while the job ran stays so.
func specify(c *conn, project int64, requirements, architecture json.RawMessage, status codeforge.ProjectStatus) error {
	if len(requirements) == 0 && len(architecture) == 0 && status == "" {
		return nil
	}
	_, _, err := c.exec(`UPDATE projects SET requirements = coalesce(?, requirements), architecture = coalesce(?, architecture),
		status = iif(?3 = '' OR status = 'archived', status, ?3), updated_at = ? WHERE seq = ?`,
		requirements, architecture, string(status), c.now, project)
	return err
}
