package postgres

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"codeforge"
)

// patternRow is a codeforge.Pattern as it comes, with what its own JSON leaves out.
type patternRow struct {
	codeforge.Pattern
	UserID string          `json:"user_id"`
	Legacy json.RawMessage `json:"legacy"`
}

func (r patternRow) pattern() codeforge.Pattern {
	p := r.Pattern
	p.UserID, p.Legacy, p.CreatedAt = r.UserID, present(r.Legacy), p.CreatedAt.UTC()
	return p
}

// vectorText is a vector as Postgres reads an array.
func vectorText(v []float32) string {
	b := append(make([]byte, 0, 12*len(v)), '{')
	for i, x := range v {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendFloat(b, float64(x), 'g', -1, 32)
	}
	return string(append(b, '}'))
}

// ReviewedArchitectures implements pattern.Store.
func (s *Store) ReviewedArchitectures(ctx context.Context, model string, since time.Time, after string, limit int) ([]codeforge.ReviewedArchitecture, error) {
	type reviewedRow struct {
		JobID       string             `json:"job_id"`
		CompletedAt time.Time          `json:"completed_at"`
		Score       float64            `json:"score"`
		Evidence    codeforge.Evidence `json:"evidence"`
		Project     projectRow         `json:"project"`
	}
	if after == "" {
		after = noID
	}
	rows, _, err := query[[]reviewedRow](ctx, s, "reviewed_architectures", arg{"model", model}, arg{"since", since}, arg{"after", after}, arg{"limit", limit})
	return mapRows(rows, func(r reviewedRow) codeforge.ReviewedArchitecture {
		return codeforge.ReviewedArchitecture{JobID: r.JobID, CompletedAt: r.CompletedAt.UTC(), Score: r.Score, Evidence: r.Evidence, Project: r.Project.project()}
	}), err
}

// noID comes before all ids.
const noID = "00000000-0000-0000-0000-000000000000"

// PutPattern implements pattern.Store.
func (s *Store) PutPattern(ctx context.Context, p codeforge.Pattern) error {
	if err := codeforge.CheckPattern(&p); err != nil {
		return err
	}
	doc, err := object(map[string]any{"job_id": p.JobID, "model": p.Model, "kind": p.Shape.Kind, "shape": p.Shape, "outline": p.Outline, "score": p.Score, "created_at": p.CreatedAt})
	if err != nil {
		return err
	}
	_, _, _, err = system[any](ctx, s, "put_pattern", arg{"project", p.ProjectID}, arg{"pattern", doc}, arg{"vector", vectorText(p.Vector)})
	return err
}

// NearPatterns implements pattern.Store. It reads as the system: of what is others' the function gives what anybody may have.
func (s *Store) NearPatterns(ctx context.Context, q codeforge.PatternQuery) ([]codeforge.Pattern, error) {
	project, err := optional("Project", q.ProjectID)
	if err != nil {
		return nil, err
	}
	rows, err := look[[]patternRow](ctx, s, "near_patterns", arg{"user", q.UserID}, arg{"project", project}, arg{"model", q.Model}, arg{"vector", vectorText(q.Vector)}, arg{"limit", q.Limit})
	return mapRows(rows, patternRow.pattern), err
}

// ListPatterns implements api.Store. It reads as the system: users have no right to the rows.
func (s *Store) ListPatterns(ctx context.Context, u codeforge.User, projectID string) ([]codeforge.Pattern, error) {
	if err := check(u, "Project", projectID); err != nil {
		return nil, err
	}
	rows, found, err := query[[]patternRow](ctx, s, "list_patterns", arg{"user", u.ID}, arg{"project", projectID})
	if err == nil && !found {
		err = codeforge.NotFound("Project", projectID)
	}
	return mapRows(rows, patternRow.pattern), err
}
