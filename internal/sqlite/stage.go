package sqlite

import (
	"context"
	"slices"

	"codeforge"
)

func (s *Store) KeepStage(ctx context.Context, f codeforge.Fence, stage codeforge.StageResult) (kept codeforge.Kept, err error) {
	for _, ch := range stage.Changes {
		if err := check(ch); err != nil {
			return kept, err
		}
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
		before := j.Revision
		if len(stage.Changes) > 0 {
			p, _, err := readProject(c, "SELECT "+projectColumns+" FROM projects WHERE seq = ?", j.project)
			if err != nil {
				return err
			}
			if p.Revision != stage.Base {
				return codeforge.MovedError(p.Revision, stage.Base)
			}
			if err := s.addRevision(c, &j, &p, stage.Changes, stage.Message); err != nil {
				return err
			}
		}
		if j.Revision != before {
			kept.Revision = j.Revision
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
