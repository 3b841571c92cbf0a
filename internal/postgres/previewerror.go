package postgres

import (
	"cmp"
	"context"

	"codeforge"
)

// previewErrorRow is a codeforge.PreviewError as it comes and goes.
type previewErrorRow struct {
	Key string `json:"key,omitempty"`
	codeforge.PreviewError
	JobID *string `json:"job_id"`
}

func (r previewErrorRow) previewError() codeforge.PreviewError {
	e := r.PreviewError
	e.JobID = *cmp.Or(r.JobID, new(""))
	e.FirstAt, e.LastAt = e.FirstAt.UTC(), e.LastAt.UTC()
	return e
}

// AddPreviewErrors implements api.Store. One whose answer was lost may be counted twice.
func (s *Store) AddPreviewErrors(ctx context.Context, u codeforge.User, projectID string, list []codeforge.PreviewError) error {
	if err := check(u, "Project", projectID); err != nil {
		return err
	}
	rows := make([]previewErrorRow, len(list))
	for i, e := range list {
		job, err := optional("Job", e.JobID)
		if err != nil {
			return err
		}
		rows[i] = previewErrorRow{e.Key(), e, job}
	}
	doc, err := object(rows)
	if err != nil {
		return err
	}
	_, _, _, err = system[any](ctx, s, "add_preview_errors", arg{"user", u.ID}, arg{"project", projectID}, arg{"errors", doc}, arg{"most", codeforge.MaxPreviewErrors})
	return err
}

// PreviewErrors implements api.Store.
func (s *Store) PreviewErrors(ctx context.Context, u codeforge.User, projectID string, revision int64, jobID string) ([]codeforge.PreviewError, error) {
	if err := check(u, "Project", projectID); err != nil {
		return nil, err
	}
	job, err := optional("Job", jobID)
	if err != nil {
		return nil, err
	}
	rows, err := read[[]previewErrorRow](ctx, s, u, "read_preview_errors", codeforge.NotFound("Project", projectID), arg{"project", projectID}, arg{"revision", revision}, arg{"job", job})
	return mapRows(rows, previewErrorRow.previewError), err
}
