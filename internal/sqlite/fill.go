package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"codeforge"
)

// fillBatch is how many rows of each kind one transaction of Fill makes.
const fillBatch = 2000

// Fill adds, for measurements, this many projects of u, each with one file and one completed job with its two events. It
// returns the ids of both, oldest first.
func (s *Store) Fill(ctx context.Context, u codeforge.User, rows int) (projects, jobs []string, err error) {
	if rows < 0 {
		return nil, nil, errors.New("cannot make fewer than no rows")
	}
	const content = "export const answer = 42\n"
	input := json.RawMessage(`{"user_message":"` + strings.Repeat("build a todo app ", 12) + `"}`)
	projects, jobs = make([]string, rows), make([]string, rows)
	for i := range rows {
		projects[i], jobs[i] = codeforge.NewID(), codeforge.NewID()
	}
	for from := 0; from < rows; from += fillBatch {
		err := s.write(ctx, func(c *conn) error {
			for i := from; i < min(rows, from+fillBatch); i++ {
				p := project{Project: codeforge.Project{ID: projects[i]}}
				_, seq, err := c.exec(`INSERT INTO projects(id, user_id, title, description, mode, status, tech_stack, created_at, updated_at)
					VALUES(?, ?, ?, 'Made for measurements', 'builder', 'planning', '["go"]', ?4, ?4)`, p.ID, u.ID, fmt.Sprintf("Project %d", i), c.now)
				if err != nil {
					return err
				}
				p.seq = seq
				rev := s.newRevision(c, &p, "", "user", "Create src/main.ts")
				kept, err := rev.storeContent(content)
				if err != nil {
					return err
				}
				if _, err := rev.put(fileRow{File: codeforge.File{Path: "src/main.ts"}}, kept, ""); err != nil {
					return err
				}
				if _, err := rev.finish(); err != nil {
					return err
				}
				job := codeforge.Job{ID: jobs[i], Status: codeforge.Queued}
				_, row, err := c.exec(`INSERT INTO jobs(project, id, project_id, user_id, agent, changes_files, status, fence, events, progress, base,
						created_at, updated_at, started_at, completed_at, input, result)
					VALUES(?, ?, ?, ?, 'code', 1, 'completed', 1, 2, 100, 0, ?5, ?5, ?5, ?5, ?6, '{"files":1}')`, seq, job.ID, p.ID, u.ID, c.now, input)
				if err != nil {
					return err
				}
				first := codeforge.Event{Type: codeforge.EventProgress, Data: job.State()}
				job.Status, job.Progress = codeforge.JobCompleted, 100
				events := []codeforge.Event{first, {Type: codeforge.EventComplete, Data: job.State()}}
				if err := addEvents(c, row, job.ID, 2, events); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return nil, nil, err
		}
	}
	return projects, jobs, nil
}
