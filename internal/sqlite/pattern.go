package sqlite

import (
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"math"
	"slices"
	"time"

	"codeforge"
)

// nearMost is how many patterns are compared with a vector: the newest.
const nearMost = 5_000

// ReviewedArchitectures implements pattern.Store.
func (s *Store) ReviewedArchitectures(ctx context.Context, model string, since time.Time, after string, limit int) (list []codeforge.ReviewedArchitecture, err error) {
	err = s.read(ctx, func(c *conn) error {
		return c.each(`SELECT j.id, j.completed_at, CAST(coalesce(json_extract(j.result, '$.score'), json_extract(j.result, '$.qa_result.score'), 0) AS REAL), coalesce(json_extract(j.result, '$.evidence'), r.evidence),
				p.id, p.user_id, p.title, p.description, p.tech_stack, coalesce(json_extract(j.result, '$.requirements_spec'), p.requirements), coalesce(json_extract(j.result, '$.architecture_spec'), p.architecture)
			FROM jobs j JOIN projects p ON p.seq = j.project
			LEFT JOIN project_revisions r ON r.project = j.project AND r.number = coalesce(nullif(j.revision, 0), j.base)
			WHERE j.status = 'completed' AND j.agent IN ('builder', 'qa') AND (j.completed_at, j.id) > (?2, ?3)
				AND coalesce(json_extract(j.result, '$.passed'), json_extract(j.result, '$.qa_result.passed')) = 1 AND json_extract(j.input, '$.code') IS NULL
				AND NOT EXISTS (SELECT 1 FROM patterns x WHERE x.project = j.project AND x.model = ?1 AND x.created_at >= j.completed_at)
			ORDER BY j.completed_at, j.id LIMIT ?4`, []any{model, since, after, limit}, func(r row) error {
			var a codeforge.ReviewedArchitecture
			var evidence, stack json.RawMessage
			if err := r.scan(&a.JobID, &a.CompletedAt, &a.Score, &evidence, &a.Project.ID, &a.Project.UserID, &a.Project.Title, &a.Project.Description, &stack,
				&a.Project.Requirements, &a.Project.Architecture); err != nil {
				return err
			}
			if len(evidence) > 0 {
				if err := json.Unmarshal(evidence, &a.Evidence); err != nil {
					return err
				}
			}
			if len(stack) > 0 {
				if err := json.Unmarshal(stack, &a.Project.TechStack); err != nil {
					return err
				}
			}
			list = append(list, a)
			return nil
		})
	})
	return list, err
}

// PutPattern implements pattern.Store.
func (s *Store) PutPattern(ctx context.Context, p codeforge.Pattern) error {
	if err := codeforge.CheckPattern(&p); err != nil {
		return err
	}
	shape, err := json.Marshal(p.Shape)
	if err != nil {
		return err
	}
	vector := make([]byte, 0, 4*len(p.Vector))
	for _, x := range p.Vector {
		vector = binary.LittleEndian.AppendUint32(vector, math.Float32bits(x))
	}
	return s.write(ctx, func(c *conn) error {
		_, _, err := c.exec(`INSERT INTO patterns(project, user_id, job_id, model, shape, outline, score, created_at, vector)
			SELECT seq, user_id, ?2, ?3, ?4, ?5, ?6, ?7, ?8 FROM projects WHERE id = ?1
			ON CONFLICT(project, model) DO UPDATE SET job_id = excluded.job_id, shape = excluded.shape, outline = excluded.outline, score = excluded.score,
				created_at = excluded.created_at, vector = excluded.vector WHERE excluded.created_at >= created_at`,
			p.ProjectID, p.JobID, p.Model, json.RawMessage(shape), p.Outline, p.Score, p.CreatedAt, vector)
		return err
	})
}

const patternColumns = "p.id, x.job_id, x.user_id, x.model, x.shape, x.outline, x.score, x.created_at"

func scanPattern(r row, p *codeforge.Pattern) error {
	var shape json.RawMessage
	if err := r.scan(&p.ProjectID, &p.JobID, &p.UserID, &p.Model, &shape, &p.Outline, &p.Score, &p.CreatedAt); err != nil {
		return err
	}
	return json.Unmarshal(shape, &p.Shape)
}

// NearPatterns implements pattern.Store: it compares the vector with each of the newest.
func (s *Store) NearPatterns(ctx context.Context, q codeforge.PatternQuery) (list []codeforge.Pattern, err error) {
	type candidate struct {
		seq        int64
		similarity float64
	}
	err = s.view(ctx, func(c *conn) error {
		var near []candidate // in order, of the newest first where they are equal
		if err := c.each(`SELECT x.seq, x.vector FROM patterns x WHERE x.model = ?1 AND x.project IS NOT (SELECT seq FROM projects WHERE id = ?2)
			ORDER BY x.created_at DESC LIMIT ?3`, []any{q.Model, q.ProjectID, nearMost}, func(r row) error {
			vector, _ := r[1].([]byte)
			seq, _ := r[0].(int64)
			one := candidate{seq, dot(q.Vector, vector)}
			at, _ := slices.BinarySearchFunc(near, one, func(a, b candidate) int {
				return cmp.Or(cmp.Compare(b.similarity, a.similarity), -1) // equal ones stay before it
			})
			if at < q.Limit {
				near = slices.Insert(near, at, one)
				near = near[:min(len(near), q.Limit)]
			}
			return nil
		}); err != nil {
			return err
		}
		for _, n := range near {
			p := codeforge.Pattern{Similarity: n.similarity}
			if err := c.each("SELECT "+patternColumns+" FROM patterns x JOIN projects p ON p.seq = x.project WHERE x.seq = ?", []any{n.seq}, func(r row) error { return scanPattern(r, &p) }); err != nil {
				return err
			}
			if p.UserID != q.UserID {
				p.Outline, p.ProjectID, p.JobID = "", "", ""
			}
			list = append(list, p)
		}
		return nil
	})
	return list, err
}

// dot is the product of a vector with one as it is stored; 0 where they are not of one size.
func dot(v []float32, stored []byte) (sum float64) {
	if len(stored) != 4*len(v) {
		return 0
	}
	for i, x := range v {
		sum += float64(x) * float64(math.Float32frombits(binary.LittleEndian.Uint32(stored[4*i:])))
	}
	return sum
}

// ListPatterns implements api.Store.
func (s *Store) ListPatterns(ctx context.Context, u codeforge.User, projectID string) (list []codeforge.Pattern, err error) {
	err = s.view(ctx, func(c *conn) error {
		p, err := ownProject(c, u, projectID)
		if err != nil {
			return err
		}
		return c.each("SELECT "+patternColumns+" FROM patterns x JOIN projects p ON p.seq = x.project WHERE x.project = ? ORDER BY x.model", []any{p.seq}, func(r row) error {
			list = append(list, codeforge.Pattern{})
			return scanPattern(r, &list[len(list)-1])
		})
	})
	return list, err
}
