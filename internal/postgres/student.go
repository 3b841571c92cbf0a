package postgres

import (
	"context"
	"encoding/json"
	"strings"

	"codeforge"
)

type profileRow codeforge.Profile

func (r profileRow) profile() codeforge.Profile {
	r.CreatedAt, r.UpdatedAt = r.CreatedAt.UTC(), r.UpdatedAt.UTC()
	return codeforge.Profile(r)
}

type roadmapRow codeforge.Roadmap

func (r roadmapRow) roadmap() codeforge.Roadmap {
	r.CreatedAt = r.CreatedAt.UTC()
	return codeforge.Roadmap(r)
}

type sessionRow codeforge.DailySession

func (r sessionRow) session() codeforge.DailySession {
	if r.Transcript = present(r.Transcript); r.Transcript == nil { // in a row from before
		r.Transcript = json.RawMessage("[]")
	}
	if r.Concepts == nil {
		r.Concepts = []string{}
	}
	r.CreatedAt = r.CreatedAt.UTC()
	return codeforge.DailySession(r)
}

// GetProfile writes once: where there is no profile yet.
func (s *Store) GetProfile(ctx context.Context, u codeforge.User) (codeforge.Profile, error) {
	if err := check(u, "User", u.ID); err != nil {
		return codeforge.Profile{}, err
	}
	row, found, err := query[profileRow](ctx, s, "read_profile", arg{"user", u.ID})
	if err == nil && !found {
		return s.PutProfile(ctx, u, codeforge.ProfilePatch{})
	}
	return row.profile(), err
}

// PutProfile implements api.Store.
func (s *Store) PutProfile(ctx context.Context, u codeforge.User, patch codeforge.ProfilePatch) (p codeforge.Profile, err error) {
	if err := check(u, "User", u.ID); err != nil {
		return p, err
	}
	if err := patch.Check(); err != nil {
		return p, err
	}
	doc, err := object(patch)
	if err != nil {
		return p, err
	}
	first, err := object(codeforge.FirstProfile(u))
	if err != nil {
		return p, err
	}
	row, _, _, err := system[profileRow](ctx, s, "put_profile", arg{"user", u.ID}, arg{"patch", doc}, arg{"first", first})
	return row.profile(), err
}

// DeleteProfile implements api.Store.
func (s *Store) DeleteProfile(ctx context.Context, u codeforge.User) error {
	if err := check(u, "User", u.ID); err != nil {
		return err
	}
	_, _, _, err := system[any](ctx, s, "delete_profile", arg{"user", u.ID}, arg{"email", strings.ToLower(u.Email)})
	return err
}

// JoinWaitlist implements api.Store.
func (s *Store) JoinWaitlist(ctx context.Context, email string) error {
	_, _, _, err := system[any](ctx, s, "join_waitlist", arg{"email", email})
	return err
}

// student reads what belongs to a student's project of u.
func student[T any](ctx context.Context, s *Store, u codeforge.User, projectID, query string, mode func(*T) codeforge.Mode, more ...arg) (out T, err error) {
	if err := check(u, "Project", projectID); err != nil {
		return out, err
	}
	out, err = read[T](ctx, s, u, query, codeforge.NotFound("Project", projectID), append(more, arg{"project", projectID})...)
	if err == nil && mode(&out) != codeforge.ModeStudent {
		err = codeforge.NotStudent()
	}
	return out, err
}

type studentRow struct {
	Mode     codeforge.Mode `json:"mode"`
	Roadmap  *roadmapRow    `json:"roadmap"`
	Sessions int            `json:"sessions"`
	Minutes  int            `json:"minutes"`
}

func (s *Store) readStudent(ctx context.Context, u codeforge.User, projectID string) (studentRow, error) {
	row, err := student(ctx, s, u, projectID, "read_student", func(r *studentRow) codeforge.Mode { return r.Mode })
	if err == nil && row.Roadmap == nil {
		err = codeforge.NotFound("Roadmap", projectID)
	}
	return row, err
}

// GetRoadmap implements api.Store.
func (s *Store) GetRoadmap(ctx context.Context, u codeforge.User, projectID string) (codeforge.Roadmap, error) {
	row, err := s.readStudent(ctx, u, projectID)
	if err != nil {
		return codeforge.Roadmap{}, err
	}
	return row.Roadmap.roadmap(), nil
}

// GetStudentProgress implements api.Store.
func (s *Store) GetStudentProgress(ctx context.Context, u codeforge.User, projectID string) (codeforge.StudentProgress, error) {
	row, err := s.readStudent(ctx, u, projectID)
	if err != nil {
		return codeforge.StudentProgress{}, err
	}
	r := row.Roadmap.roadmap()
	return r.Progress(row.Sessions, row.Minutes), nil
}

// changeRoadmap sets something that can be set again.
func (s *Store) changeRoadmap(ctx context.Context, u codeforge.User, projectID string, what ...arg) (codeforge.Roadmap, error) {
	if err := check(u, "Project", projectID); err != nil {
		return codeforge.Roadmap{}, err
	}
	row, _, _, err := system[roadmapRow](ctx, s, "change_roadmap", append(what, arg{"user", u.ID}, arg{"project", projectID})...)
	return row.roadmap(), err
}

// SetRoadmapStep implements api.Store.
func (s *Store) SetRoadmapStep(ctx context.Context, u codeforge.User, projectID string, step int) (codeforge.Roadmap, error) {
	return s.changeRoadmap(ctx, u, projectID, arg{"field", "step_index"}, arg{"module", step})
}

// ChooseOption implements api.Store.
func (s *Store) ChooseOption(ctx context.Context, u codeforge.User, projectID string, module int, option string) (codeforge.Roadmap, error) {
	if err := codeforge.CheckOption(option); err != nil {
		return codeforge.Roadmap{}, err
	}
	return s.changeRoadmap(ctx, u, projectID, arg{"field", "module_index"}, arg{"module", module}, arg{"option", option})
}

// AddSession implements api.Store.
func (s *Store) AddSession(ctx context.Context, u codeforge.User, projectID string, d codeforge.DailySession) (codeforge.DailySession, error) {
	if err := check(u, "Project", projectID); err != nil {
		return codeforge.DailySession{}, err
	}
	if err := d.Check(); err != nil {
		return codeforge.DailySession{}, err
	}
	doc, err := object(map[string]any{"id": codeforge.NewID(), "transcript": d.Transcript, "concepts_covered": append([]string{}, d.Concepts...), "duration_minutes": d.Minutes})
	if err != nil {
		return codeforge.DailySession{}, err
	}
	row, _, _, err := system[sessionRow](ctx, s, "add_session", arg{"user", u.ID}, arg{"project", projectID}, arg{"session", doc})
	return row.session(), err
}

// ListSessions implements api.Store.
func (s *Store) ListSessions(ctx context.Context, u codeforge.User, projectID, before string, limit int) ([]codeforge.DailySession, error) {
	than, err := optional("Session", before)
	if err != nil {
		return nil, err
	}
	type sessionsRow struct {
		Mode     codeforge.Mode `json:"mode"`
		Sessions []sessionRow   `json:"sessions"`
	}
	row, err := student(ctx, s, u, projectID, "read_sessions", func(r *sessionsRow) codeforge.Mode { return r.Mode }, arg{"limit", limit}, arg{"before", than})
	if err != nil {
		return nil, err
	}
	return mapRows(row.Sessions, sessionRow.session), nil
}
