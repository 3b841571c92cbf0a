package postgres

import (
	"cmp"
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"codeforge"
)

// CreateProject takes two more calls for a user's first project, where nothing made a profile at sign-up.
func (s *Store) CreateProject(ctx context.Context, u codeforge.User, p codeforge.Project) (made codeforge.Project, err error) {
	id := codeforge.NewID()
	if err := check(u, "Project", id); err != nil {
		return made, err
	}
	if err := p.Check(); err != nil {
		return made, err
	}
	p.Mode, p.Apply = cmp.Or(p.Mode, codeforge.ModeBuilder), cmp.Or(p.Apply, codeforge.ApplyAuto)
	doc, err := object(p)
	if err != nil {
		return made, err
	}
	create := functionCall{function: "create_project", as: u, args: []arg{{"user", u.ID}, {"id", id}, {"project", doc}}, again: true}
	row, _, unsure, err := callFunction[projectRow](ctx, s, create)
	if code(err) == "23503" {
		if _, _, _, err = system[any](ctx, s, "ensure_profile", arg{"user", u.ID}); err == nil {
			row, _, unsure, err = callFunction[projectRow](ctx, s, create)
		}
	}
	if unsure && code(err) == "23505" { // by an earlier try
		return s.GetProject(ctx, u, id)
	}
	return row.project(), err
}

// CopyProject implements api.Store.
func (s *Store) CopyProject(ctx context.Context, u codeforge.User, n codeforge.ProjectCopy) (made codeforge.Project, fresh bool, err error) {
	if err := check(u, "Project", n.From); err != nil {
		return made, false, err
	}
	if err := n.Check(); err != nil {
		return made, false, err
	}
	if err := checkText(n.IdempotencyKey); err != nil {
		return made, false, err
	}
	id := codeforge.NewID()
	a, _, unsure, err := system[struct {
		Project projectRow `json:"project"`
		Fresh   bool       `json:"fresh"`
	}](ctx, s, "copy_project", arg{"user", u.ID}, arg{"id", id}, arg{"from", n.From}, arg{"revision", n.Revision}, arg{"title", textOrNull(n.Title)},
		arg{"key", textOrNull(n.IdempotencyKey)}, arg{"request", n.Request()})
	if unsure && code(err) == "23505" { // by an earlier try
		made, err = s.GetProject(ctx, u, id)
		return made, err == nil, err
	}
	return a.Project.project(), a.Fresh || unsure && a.Project.ID == id, err
}

func (s *Store) GetProject(ctx context.Context, u codeforge.User, id string) (p codeforge.Project, err error) {
	if err := check(u, "Project", id); err != nil {
		return p, err
	}
	row, err := read[projectRow](ctx, s, u, "read_project", codeforge.NotFound("Project", id), arg{"project", id})
	return row.project(), err
}

func (s *Store) ListProjects(ctx context.Context, u codeforge.User, f codeforge.ProjectFilter) (list []codeforge.Project, total int, err error) {
	if err := check(u, "User", u.ID); err != nil {
		return nil, 0, err
	}
	if _, ok := s.direct(); ok {
		return s.listProjects(ctx, u, f)
	}
	a, err := read[struct {
		Total    int          `json:"total"`
		Projects []projectRow `json:"projects"`
	}](ctx, s, u, "read_projects", nil, arg{"status", textOrNull(f.Status)}, arg{"mode", textOrNull(f.Mode)}, arg{"limit", f.Size}, arg{"offset", int64(f.Page-1) * int64(f.Size)})
	return mapRows(a.Projects, projectRow.project), a.Total, err
}

// listProjects reads a page natively: as JSON it takes more than twice as long.
func (s *Store) listProjects(ctx context.Context, u codeforge.User, f codeforge.ProjectFilter) (list []codeforge.Project, total int, err error) {
	where, values := "user_id = $1 and status <> 'archived'", []any{u.ID, f.Size, int64(f.Page-1) * int64(f.Size)}
	if f.Status != "" {
		where, values = "user_id = $1 and status = $4", append(values, string(f.Status))
	}
	if f.Mode != "" {
		values = append(values, string(f.Mode))
		where += fmt.Sprintf(" and mode = $%d", len(values))
	}
	// One statement, so that list and total are of one moment; an empty page is one row without an id.
	query := `select (select count(*) from public.projects where ` + where + `), p.id, coalesce(p.title, ''), coalesce(p.description, ''), coalesce(p.mode, ''), coalesce(p.status, ''),
		p.requirements_spec, p.architecture_spec, array_remove(p.tech_stack, null), coalesce(p.apply, 'auto'), coalesce(p.revision, 0), coalesce(p.created_at, 'epoch'), coalesce(p.updated_at, 'epoch')
		from (select) one left join lateral (select * from public.projects where ` + where + ` order by created_at desc, id desc limit $2 offset $3) p on true order by p.created_at desc, p.id desc`
	err = s.readNatively(ctx, "list_projects", u, query, values, func(rows pgx.Rows) error {
		list = nil
		for rows.Next() {
			p := projectRow{UserID: u.ID}
			var id *string
			if err := rows.Scan(&total, &id, &p.Title, &p.Description, (*string)(&p.Mode), (*string)(&p.Status), (*[]byte)(&p.Requirements), (*[]byte)(&p.Architecture),
				&p.TechStack, (*string)(&p.Apply), &p.Revision, &p.CreatedAt, &p.UpdatedAt); err != nil {
				return err
			}
			if id != nil {
				p.ID = *id
				list = append(list, p.project())
			}
		}
		return rows.Err()
	})
	return list, total, err
}

func (s *Store) UpdateProject(ctx context.Context, u codeforge.User, id string, patch codeforge.ProjectPatch) (p codeforge.Project, err error) {
	if err := check(u, "Project", id); err != nil {
		return p, err
	}
	if err := patch.Check(); err != nil {
		return p, err
	}
	doc, err := object(patch)
	if err != nil {
		return p, err
	}
	// A patch sets values and leaves the revision alone: a second time it does what it did.
	row, _, _, err := system[projectRow](ctx, s, "update_project", arg{"user", u.ID}, arg{"project", id}, arg{"patch", doc}, arg{"if_revision", patch.IfRevision})
	return row.project(), err
}

// DeleteProject, when its answer is lost, says that the store cannot be reached: asked again, the project is not there.
func (s *Store) DeleteProject(ctx context.Context, u codeforge.User, id string, ifRevision *int64) (deleted codeforge.DeletedProject, err error) {
	if err := check(u, "Project", id); err != nil {
		return deleted, err
	}
	a, _, _, err := callFunction[struct {
		Ended []jobDoc `json:"ended"`
		Jobs  []string `json:"jobs"`
	}](ctx, s, functionCall{function: "delete_project", args: []arg{{"user", u.ID}, {"project", id}, {"if_revision", ifRevision}}})
	for _, j := range a.Ended {
		j.Next = "" // which ended as well
		deleted.Ended = append(deleted.Ended, j.finished(codeforge.EventCancelled))
	}
	deleted.Jobs = a.Jobs
	return deleted, err
}

func (s *Store) ProjectForJob(ctx context.Context, f codeforge.Fence) (p codeforge.Project, err error) {
	if _, err := codeforge.ParseID(f.JobID); err != nil {
		return p, codeforge.ErrFenced
	}
	row, held, err := query[projectRow](ctx, s, "claimed_project", arg{"job", f.JobID}, arg{"fence", f.Number})
	if err == nil && !held {
		err = codeforge.ErrFenced
	}
	return row.project(), err
}

func (s *Store) AddMessages(ctx context.Context, projectID string, chat []codeforge.Message) error {
	if _, err := codeforge.ParseID(projectID); err != nil {
		return codeforge.NotFound("Project", projectID)
	}
	lines, err := object(messageArgs(chat))
	if err != nil {
		return err
	}
	_, _, unsure, err := system[any](ctx, s, "add_messages", arg{"project", projectID}, arg{"chat", lines})
	if unsure && codeforge.IsKind(err, codeforge.Conflict) { // they have their ids: an earlier try wrote them
		return nil
	}
	return err
}

func (s *Store) ListMessages(ctx context.Context, u codeforge.User, projectID string, f codeforge.MessageFilter) ([]codeforge.Message, error) {
	if err := check(u, "Project", projectID); err != nil {
		return nil, err
	}
	before, err := optional("Message", f.Before)
	if err != nil {
		return nil, err
	}
	a, err := read[struct {
		Messages []messageRow `json:"messages"`
		Cursor   bool         `json:"cursor"`
	}](ctx, s, u, "read_messages", codeforge.NotFound("Project", projectID), arg{"project", projectID}, arg{"limit", f.Limit}, arg{"before", before}, arg{"role", textOrNull(f.Role)}, arg{"settled", f.Settled})
	if err == nil && !a.Cursor {
		err = codeforge.NotFound("Message", f.Before)
	}
	return mapRows(a.Messages, messageRow.message), err
}
