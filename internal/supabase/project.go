package supabase

import (
	"cmp"
	"context"
	"net/http"
	"net/url"

	"codeforge"
)

const projectColumns = "id,user_id,title,description,mode,status,requirements_spec,architecture_spec,tech_stack,revision,created_at,updated_at"

func tidy(p codeforge.Project) codeforge.Project {
	p.Requirements, p.Architecture = present(p.Requirements), present(p.Architecture)
	p.CreatedAt, p.UpdatedAt = p.CreatedAt.UTC(), p.UpdatedAt.UTC()
	return p
}

// CreateProject takes two more requests for a user's first project, where nothing made a profile at sign-up.
func (s *Store) CreateProject(ctx context.Context, u codeforge.User, p codeforge.Project) (made codeforge.Project, err error) {
	id := codeforge.NewID()
	if err := check(u, "Project", id); err != nil {
		return made, err
	}
	if err := valid(append([]string{p.Title, p.Description}, p.TechStack...)...); err != nil {
		return made, err
	}
	row := map[string]any{"id": id, "user_id": u.ID, "title": p.Title, "description": p.Description, "mode": cmp.Or(p.Mode, codeforge.ModeBuilder),
		"requirements_spec": document(p.Requirements), "architecture_spec": document(p.Architecture), "tech_stack": p.TechStack}
	create := func() (unsure bool, err error) {
		var rows []codeforge.Project
		_, unsure, err = s.do(ctx, request{method: http.MethodPost, path: "projects", query: url.Values{"select": {projectColumns}},
			prefer: []string{"return=representation"}, body: row, as: u, again: true}, &rows)
		if err == nil && len(rows) == 1 {
			made = tidy(rows[0])
		}
		return unsure, err
	}
	unsure, err := create()
	if code(err) == "23503" {
		if _, _, _, err = call[any](ctx, s, system, true, "ensure_profile", map[string]any{"p_user": u.ID}); err == nil {
			unsure, err = create()
		}
	}
	if unsure && code(err) == "23505" { // by an earlier try
		return s.GetProject(ctx, u, id)
	}
	return made, err
}

func (s *Store) GetProject(ctx context.Context, u codeforge.User, id string) (p codeforge.Project, err error) {
	if err := check(u, "Project", id); err != nil {
		return p, err
	}
	var rows []codeforge.Project
	_, _, err = s.do(ctx, request{method: http.MethodGet, path: "projects", as: u, again: true,
		query: url.Values{"select": {projectColumns}, "id": {"eq." + id}, "user_id": {"eq." + u.ID}}}, &rows)
	if err != nil {
		return p, err
	}
	if len(rows) == 0 {
		return p, codeforge.NotFound("Project", id)
	}
	return tidy(rows[0]), nil
}

// ListProjects takes a request for each page of the API, should it hold fewer rows than asked for.
func (s *Store) ListProjects(ctx context.Context, u codeforge.User, f codeforge.ProjectFilter) (list []codeforge.Project, total int, err error) {
	if err := check(u, "User", u.ID); err != nil {
		return nil, 0, err
	}
	query := url.Values{"select": {projectColumns}, "user_id": {"eq." + u.ID}, "status": {"neq." + string(codeforge.Archived)}, "order": {"created_at.desc,id.desc"}}
	if f.Status != "" {
		query.Set("status", "eq."+string(f.Status))
	}
	if f.Mode != "" {
		query.Set("mode", "eq."+string(f.Mode))
	}
	list, total, err = pages[codeforge.Project](ctx, s, request{method: http.MethodGet, path: "projects", query: query, as: u}, (f.Page-1)*f.Size, f.Size)
	for i, p := range list {
		list[i] = tidy(p)
	}
	return list, total, err
}

func (s *Store) UpdateProject(ctx context.Context, u codeforge.User, id string, patch codeforge.ProjectPatch) (p codeforge.Project, err error) {
	if err := check(u, "Project", id); err != nil {
		return p, err
	}
	set := map[string]any{}
	var texts []string
	if patch.Title != nil {
		set["title"], texts = *patch.Title, append(texts, *patch.Title)
	}
	if patch.Description != nil {
		set["description"], texts = *patch.Description, append(texts, *patch.Description)
	}
	if patch.Status != nil {
		set["status"] = *patch.Status
	}
	if patch.TechStack != nil {
		set["tech_stack"], texts = *patch.TechStack, append(texts, *patch.TechStack...)
	}
	if patch.Requirements != nil {
		set["requirements_spec"] = document(*patch.Requirements)
	}
	if patch.Architecture != nil {
		set["architecture_spec"] = document(*patch.Architecture)
	}
	if err := valid(texts...); err != nil {
		return p, err
	}
	// A patch sets values and leaves the revision alone: a second time it does what it did.
	p, _, _, err = call[codeforge.Project](ctx, s, system, true, "update_project",
		map[string]any{"p_user": u.ID, "p_project": id, "p_patch": set, "p_if_revision": patch.IfRevision})
	if err != nil {
		return codeforge.Project{}, err
	}
	return tidy(p), nil
}

func (s *Store) ProjectForJob(ctx context.Context, f codeforge.Fence) (p codeforge.Project, err error) {
	if _, err := codeforge.ParseID(f.JobID); err != nil {
		return p, codeforge.ErrFenced
	}
	p, held, _, err := call[codeforge.Project](ctx, s, system, true, "claimed_project", map[string]any{"p_job": f.JobID, "p_fence": f.Number})
	if err == nil && !held {
		err = codeforge.ErrFenced
	}
	return tidy(p), err
}

func (s *Store) ListMessages(ctx context.Context, u codeforge.User, projectID string, limit int) ([]codeforge.Message, error) {
	if err := check(u, "Project", projectID); err != nil {
		return nil, err
	}
	a, err := read[struct {
		Messages []codeforge.Message `json:"messages"`
	}](ctx, s, u, "read_messages", map[string]any{"p_project": projectID, "p_limit": limit}, codeforge.NotFound("Project", projectID))
	for i := range a.Messages {
		m := &a.Messages[i]
		m.Metadata, m.CreatedAt = present(m.Metadata), m.CreatedAt.UTC()
	}
	return a.Messages, err
}
