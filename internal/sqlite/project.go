package sqlite

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"

	"codeforge"
)

// project is a row of projects.
type project struct {
	codeforge.Project
	seq          int64
	files, bytes int64 // bytes of texts
	blobs        int64 // bytes of blobs
}

const projectColumns = `seq, id, user_id, title, description, mode, status, requirements, architecture, tech_stack, apply, revision, files, bytes, blob_bytes, created_at, updated_at`

func (p *project) scan(r row) error {
	var tech json.RawMessage
	err := r.scan(&p.seq, &p.ID, &p.UserID, &p.Title, &p.Description, (*string)(&p.Mode), (*string)(&p.Status), &p.Requirements,
		&p.Architecture, &tech, (*string)(&p.Apply), &p.Revision, &p.files, &p.bytes, &p.blobs, &p.CreatedAt, &p.UpdatedAt)
	p.TechStack = nil
	if err == nil && tech != nil {
		err = json.Unmarshal(tech, &p.TechStack)
	}
	return err
}

// techStack is the column of a list; nil is NULL, and an empty list is one.
func techStack(list []string) json.RawMessage {
	if list == nil {
		return nil
	}
	text, _ := json.Marshal(list) // strings always marshal
	return text
}

// readProject scans the only row of a query for projectColumns.
func readProject(c *conn, query string, args ...any) (p project, found bool, err error) {
	err = c.each(query, args, func(r row) error {
		found = true
		return p.scan(r)
	})
	return p, found, err
}

// ownProject finds a project of u, or answers NotFound.
func ownProject(c *conn, u codeforge.User, id string) (project, error) {
	p, found, err := readProject(c, "SELECT "+projectColumns+" FROM projects WHERE id = ? AND user_id = ?", id, u.ID)
	if err == nil && !found {
		err = codeforge.NotFound("Project", id)
	}
	return p, err
}

var errArchived = codeforge.Conflictf("the project is archived: set its status to another one first")

// writable refuses what an archived project does not take, and writes that are based on an older state of the files.
func (p *project) writable(ifRevision *int64) error {
	if p.Status == codeforge.Archived {
		return errArchived
	}
	return p.at(ifRevision)
}

func (p *project) at(ifRevision *int64) error {
	if ifRevision != nil && *ifRevision != p.Revision {
		return codeforge.MovedError(p.Revision, *ifRevision)
	}
	return nil
}

func (s *Store) CreateProject(ctx context.Context, u codeforge.User, p codeforge.Project) (codeforge.Project, error) {
	if err := p.Check(); err != nil {
		return codeforge.Project{}, err
	}
	p.ID, p.UserID, p.Status, p.Revision = codeforge.NewID(), u.ID, codeforge.Planning, 0
	p.Mode, p.Apply = cmp.Or(p.Mode, codeforge.ModeBuilder), cmp.Or(p.Apply, codeforge.ApplyAuto)
	err := s.write(ctx, func(c *conn) error {
		row := project{Project: p}
		err := s.addProject(c, &row)
		p = row.Project
		return err
	})
	if err != nil {
		return codeforge.Project{}, err
	}
	return p, nil
}

// addProject stores a project that has its id, and no files yet.
func (s *Store) addProject(c *conn, p *project) (err error) {
	if err := s.roomForProject(c, p.UserID); err != nil {
		return err
	}
	p.CreatedAt, p.UpdatedAt = c.now, c.now
	_, p.seq, err = c.exec(`INSERT INTO projects(id, user_id, title, description, mode, status, requirements, architecture, tech_stack, apply, created_at, updated_at)
		VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?11, ?11)`,
		p.ID, p.UserID, p.Title, p.Description, string(p.Mode), string(p.Status), p.Requirements, p.Architecture, techStack(p.TechStack), string(p.Apply), c.now)
	return err
}

func (s *Store) GetProject(ctx context.Context, u codeforge.User, id string) (codeforge.Project, error) {
	var p project
	err := s.read(ctx, func(c *conn) (err error) {
		p, err = ownProject(c, u, id)
		return err
	})
	return p.Project, err
}

func (s *Store) ListProjects(ctx context.Context, u codeforge.User, f codeforge.ProjectFilter) (list []codeforge.Project, total int, err error) {
	// The index projects_of_user holds all that is asked here, so counting and skipping read no project.
	where := "user_id = ?"
	args := []any{u.ID}
	if f.Status == "" {
		where += " AND status <> ?"
		args = append(args, string(codeforge.Archived))
	} else {
		where += " AND status = ?"
		args = append(args, string(f.Status))
	}
	if f.Mode != "" {
		where += " AND mode = ?"
		args = append(args, string(f.Mode))
	}
	err = s.view(ctx, func(c *conn) error {
		if _, err := c.one("SELECT count(*) FROM projects WHERE "+where, args, &total); err != nil {
			return err
		}
		page := append(slices.Clone(args), f.Size, (f.Page-1)*f.Size)
		return c.each("SELECT "+projectColumns+" FROM projects WHERE seq IN (SELECT seq FROM projects WHERE "+where+
			" ORDER BY seq DESC LIMIT ? OFFSET ?) ORDER BY seq DESC", page, func(r row) error {
			var p project
			err := p.scan(r)
			list = append(list, p.Project)
			return err
		})
	})
	return list, total, err
}

func (s *Store) UpdateProject(ctx context.Context, u codeforge.User, id string, patch codeforge.ProjectPatch) (codeforge.Project, error) {
	if err := patch.Check(); err != nil {
		return codeforge.Project{}, err
	}
	var p project
	err := s.write(ctx, func(c *conn) (err error) {
		if p, err = ownProject(c, u, id); err != nil {
			return err
		}
		if err := p.at(patch.IfRevision); err != nil {
			return err
		}
		setIfGiven(&p.Title, patch.Title)
		setIfGiven(&p.Description, patch.Description)
		setIfGiven(&p.Status, patch.Status)
		setIfGiven(&p.Requirements, patch.Requirements)
		setIfGiven(&p.Architecture, patch.Architecture)
		setIfGiven(&p.TechStack, patch.TechStack)
		setIfGiven(&p.Apply, patch.Apply)
		p.UpdatedAt = c.now
		_, _, err = c.exec(`UPDATE projects SET title = ?, description = ?, status = ?, requirements = ?, architecture = ?, tech_stack = ?, apply = ?, updated_at = ? WHERE seq = ?`,
			p.Title, p.Description, string(p.Status), p.Requirements, p.Architecture, techStack(p.TechStack), string(p.Apply), p.UpdatedAt, p.seq)
		return err
	})
	if err != nil {
		return codeforge.Project{}, err
	}
	return p.Project, nil
}

func setIfGiven[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}
