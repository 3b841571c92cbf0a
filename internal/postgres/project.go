package postgres

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"codeforge"
)

const projectColumns = `p.id, p.user_id, p.title, coalesce(p.description, ''), p.mode, p.status, p.requirements_spec, p.architecture_spec,
	case when p.tech_stack is not null then array(select t from unnest(p.tech_stack) t where t is not null) end, p.revision, p.created_at, p.updated_at`

func scanProject(r pgx.Row, p *codeforge.Project) error {
	return r.Scan(&p.ID, &p.UserID, &p.Title, &p.Description, (*string)(&p.Mode), (*string)(&p.Status), (*[]byte)(&p.Requirements), (*[]byte)(&p.Architecture),
		&p.TechStack, &p.Revision, &p.CreatedAt, &p.UpdatedAt)
}

// oneProject takes the only row of a queued query, or leaves err as it is.
func oneProject(q *pgx.QueuedQuery, p *codeforge.Project, none error) {
	q.QueryRow(func(r pgx.Row) error {
		*p = codeforge.Project{}
		if err := scanProject(r, p); !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		return none
	})
}

func (s *Store) CreateProject(ctx context.Context, u codeforge.User, p codeforge.Project) (made codeforge.Project, err error) {
	user, err := owner(u)
	if err != nil {
		return made, err
	}
	id := codeforge.NewID()
	create := func() error {
		return s.write(ctx, as(u), func(b *pgx.Batch) {
			oneProject(b.Queue(`insert into public.projects as p (id, user_id, title, description, mode, requirements_spec, architecture_spec, tech_stack)
				values ($1, $2, $3, $4, $5, $6, $7, $8) returning `+projectColumns,
				id, user, p.Title, p.Description, string(cmp.Or(p.Mode, codeforge.ModeBuilder)), document(p.Requirements), document(p.Architecture), p.TechStack), &made, nil)
		})
	}
	err = create()
	if pe, ok := errors.AsType[*pgconn.PgError](err); ok && pe.Code == "23503" {
		// A user without a profile: signed up before there was a trigger for it, or where nobody signs up.
		if err = s.write(ctx, system, func(b *pgx.Batch) { b.Queue("select public.codeforge_ensure_profile($1)", user) }); err == nil {
			err = create()
		}
	}
	if err != nil {
		return codeforge.Project{}, err
	}
	return made, nil
}

func (s *Store) GetProject(ctx context.Context, u codeforge.User, id string) (p codeforge.Project, err error) {
	user, key, err := ids(u, "Project", id)
	if err != nil {
		return p, err
	}
	err = s.read(ctx, as(u), func(b *pgx.Batch) {
		oneProject(b.Queue("select "+projectColumns+" from public.projects p where p.id = $1 and p.user_id = $2", key, user), &p, codeforge.NotFound("Project", id))
	})
	return p, err
}

func (s *Store) ListProjects(ctx context.Context, u codeforge.User, f codeforge.ProjectFilter) (list []codeforge.Project, total int, err error) {
	user, err := owner(u)
	if err != nil {
		return nil, 0, err
	}
	where, args := "p.user_id = $1 and p.status <> $2", []any{user, string(codeforge.Archived)}
	if f.Status != "" {
		where, args[1] = "p.user_id = $1 and p.status = $2", string(f.Status)
	}
	if f.Mode != "" {
		where, args = where+" and p.mode = $3", append(args, string(f.Mode))
	}
	err = s.read(ctx, as(u), func(b *pgx.Batch) {
		b.Queue("select count(*) from public.projects p where "+where, args...).QueryRow(func(r pgx.Row) error { return r.Scan(&total) })
		page := "$3 offset $4"
		if f.Mode != "" {
			page = "$4 offset $5"
		}
		b.Queue("select "+projectColumns+" from public.projects p where "+where+" order by p.created_at desc, p.id desc limit "+page,
			append(args[:len(args):len(args)], f.Size, (f.Page-1)*f.Size)...).Query(func(rows pgx.Rows) (err error) {
			list, err = pgx.CollectRows(rows, func(r pgx.CollectableRow) (p codeforge.Project, err error) {
				err = scanProject(r, &p)
				return p, err
			})
			return err
		})
	})
	return list, total, err
}

func (s *Store) UpdateProject(ctx context.Context, u codeforge.User, id string, patch codeforge.ProjectPatch) (p codeforge.Project, err error) {
	user, key, err := ids(u, "Project", id)
	if err != nil {
		return p, err
	}
	set := map[string]any{}
	put(set, "title", patch.Title)
	put(set, "description", patch.Description)
	put(set, "status", patch.Status)
	put(set, "tech_stack", patch.TechStack)
	if patch.Requirements != nil {
		set["requirements_spec"] = document(*patch.Requirements)
	}
	if patch.Architecture != nil {
		set["architecture_spec"] = document(*patch.Architecture)
	}
	doc, err := object(set)
	if err != nil {
		return p, err
	}
	err = s.write(ctx, system, func(b *pgx.Batch) {
		oneProject(b.Queue("select "+projectColumns+" from public.codeforge_update_project($1, $2, $3, $4) p", user, key, doc, patch.IfRevision), &p, nil)
	})
	if err != nil {
		return codeforge.Project{}, err
	}
	return p, nil
}

func put[T any](set map[string]any, key string, v *T) {
	if v != nil {
		set[key] = *v
	}
}

func (s *Store) ProjectForJob(ctx context.Context, f codeforge.Fence) (p codeforge.Project, err error) {
	job, err := uuid("Job", f.JobID)
	if err != nil {
		return p, codeforge.ErrFenced
	}
	err = s.read(ctx, system, func(b *pgx.Batch) {
		oneProject(b.Queue("select "+projectColumns+` from public.projects p join public.agent_jobs j on j.project_id = p.id
			where j.id = $1 and j.fence = $2 and j.status = 'running'`, job, f.Number), &p, codeforge.ErrFenced)
	})
	return p, err
}

func (s *Store) ListMessages(ctx context.Context, u codeforge.User, projectID string, limit int) (list []codeforge.Message, err error) {
	user, key, err := ids(u, "Project", projectID)
	if err != nil {
		return nil, err
	}
	err = s.read(ctx, as(u), func(b *pgx.Batch) {
		ownProject(b, user, key, projectID)
		b.Queue(`select * from (
				select m.id, m.project_id, m.role, m.content, coalesce(m.is_thinking, false), m.metadata, m.created_at
				from public.chat_messages m where m.project_id = $1 order by m.created_at desc, m.id desc limit $2
			) newest order by created_at, id`, key, limit).Query(func(rows pgx.Rows) (err error) {
			list, err = pgx.CollectRows(rows, func(r pgx.CollectableRow) (m codeforge.Message, err error) {
				err = r.Scan(&m.ID, &m.ProjectID, &m.Role, &m.Content, &m.Thinking, (*[]byte)(&m.Metadata), &m.CreatedAt)
				return m, err
			})
			return err
		})
	})
	return list, err
}

// ownProject ends a batch with NotFound when the project is not the user's.
func ownProject(b *pgx.Batch, user, key any, id string) {
	b.Queue("select from public.projects where id = $1 and user_id = $2", key, user).Exec(func(t pgconn.CommandTag) error {
		if t.RowsAffected() == 0 {
			return codeforge.NotFound("Project", id)
		}
		return nil
	})
}

// checkFile holds a change to the rules of the domain, whoever made it. A file whose path breaks them, from before, can be
// deleted.
func checkFile(c codeforge.FileChange) error {
	if c.Delete && storable(c.Path) {
		return nil
	}
	if err := codeforge.CheckPath(c.Path); err != nil {
		return err
	}
	return codeforge.CheckContent(c.Content)
}

// storable reports whether a file may have a path, if only one from before: the others cannot even be asked for.
func storable(path string) bool {
	return path != "" && utf8.ValidString(path) && !strings.Contains(path, "\x00")
}

// change is codeforge.FileChange as the functions take it.
type change struct {
	ID       string `json:"id"` // for a path that never was
	Path     string `json:"path"`
	Content  string `json:"content"`
	Language string `json:"language"`
	Fallback string `json:"fallback"` // language when neither the change nor the file has one
	Delete   bool   `json:"delete"`
}

func newChange(c codeforge.FileChange) change {
	return change{codeforge.NewID(), c.Path, c.Content, c.Language, codeforge.LanguageOf(c.Path), c.Delete}
}

// language is what a row holds, or what is derived where a row from before has none.
func language(stored, path string) string {
	if strings.TrimSpace(stored) == "" {
		return codeforge.LanguageOf(path)
	}
	return stored
}
