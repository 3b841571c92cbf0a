package sqlite

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"codeforge"
)

// profile reads the profile of u.
func profile(c *conn, u codeforge.User) (p codeforge.Profile, found bool, err error) {
	var skill *string
	found, err = c.one("SELECT username, full_name, avatar_url, skill_level, created_at, updated_at FROM profiles WHERE user_id = ?", []any{u.ID},
		&p.Username, &p.FullName, &p.AvatarURL, &skill, &p.CreatedAt, &p.UpdatedAt)
	p.ID, p.SkillLevel = u.ID, (*codeforge.SkillLevel)(skill)
	return p, found, err
}

// GetProfile implements api.Store.
func (s *Store) GetProfile(ctx context.Context, u codeforge.User) (p codeforge.Profile, err error) {
	var found bool
	err = s.read(ctx, func(c *conn) (err error) {
		p, found, err = profile(c, u)
		return err
	})
	if err != nil || found {
		return p, err
	}
	return s.PutProfile(ctx, u, codeforge.ProfilePatch{})
}

// PutProfile implements api.Store.
func (s *Store) PutProfile(ctx context.Context, u codeforge.User, patch codeforge.ProfilePatch) (p codeforge.Profile, err error) {
	if err := patch.Check(); err != nil {
		return codeforge.Profile{}, err
	}
	err = s.write(ctx, func(c *conn) (err error) {
		var found bool
		if p, found, err = profile(c, u); err != nil {
			return err
		}
		if !found {
			first := codeforge.FirstProfile(u)
			p = codeforge.Profile{ID: u.ID, Username: first.Username, FullName: first.FullName, AvatarURL: first.AvatarURL, SkillLevel: first.SkillLevel, CreatedAt: c.now, UpdatedAt: c.now}
		} else if patch.Empty() {
			return nil
		}
		if patch.Username != nil {
			taken, err := c.one("SELECT 1 FROM profiles WHERE username = ? AND user_id <> ?", []any{*patch.Username, u.ID}, new(int))
			if err != nil {
				return err
			}
			if taken {
				return codeforge.UsernameTaken()
			}
			p.Username = patch.Username
		}
		if patch.FullName != nil {
			p.FullName = patch.FullName
		}
		if patch.AvatarURL != nil {
			p.AvatarURL = patch.AvatarURL
		}
		if patch.SkillLevel != nil {
			p.SkillLevel = patch.SkillLevel
		}
		p.UpdatedAt = c.now
		_, _, err = c.exec(`INSERT INTO profiles(user_id, username, full_name, avatar_url, skill_level, created_at, updated_at) VALUES(?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT(user_id) DO UPDATE SET username = excluded.username, full_name = excluded.full_name, avatar_url = excluded.avatar_url,
			skill_level = excluded.skill_level, updated_at = excluded.updated_at`,
			u.ID, p.Username, p.FullName, p.AvatarURL, (*string)(p.SkillLevel), p.CreatedAt, p.UpdatedAt)
		return err
	})
	if err != nil {
		return codeforge.Profile{}, err
	}
	return p, nil
}

// DeleteProfile implements api.Store.
func (s *Store) DeleteProfile(ctx context.Context, u codeforge.User) error {
	return s.write(ctx, func(c *conn) error {
		has, err := c.one("SELECT 1 FROM projects WHERE user_id = ? LIMIT 1", []any{u.ID}, new(int))
		if err == nil && has {
			err = codeforge.Conflictf("There are projects still: delete them first")
		}
		if err != nil {
			return err
		}
		for _, table := range []string{"tokens", "provider_keys", "webhooks", "profiles"} {
			if _, _, err := c.exec("DELETE FROM "+table+" WHERE user_id = ?", u.ID); err != nil {
				return err
			}
		}
		_, _, err = c.exec("DELETE FROM waitlist WHERE email = ?", strings.ToLower(u.Email))
		return err
	})
}

// JoinWaitlist implements api.Store.
func (s *Store) JoinWaitlist(ctx context.Context, email string) error {
	return s.write(ctx, func(c *conn) error {
		full, err := atLeast(c, codeforge.MaxWaitlist, "SELECT 1 FROM waitlist WHERE created_at > ?", c.now.Add(-time.Hour))
		if err == nil && full {
			err = codeforge.OverQuota(codeforge.QuotaWaitlist, codeforge.MaxWaitlist, c.now)
		}
		if err != nil {
			return err
		}
		_, _, err = c.exec("INSERT INTO waitlist(email, created_at) VALUES(?, ?) ON CONFLICT DO UPDATE SET created_at = created_at", email, c.now) // as much work for one that is there
		return err
	})
}

// ownStudent finds a student's project of u.
func ownStudent(c *conn, u codeforge.User, id string) (project, error) {
	p, err := ownProject(c, u, id)
	if err == nil && p.Mode != codeforge.ModeStudent {
		err = codeforge.NotStudent()
	}
	return p, err
}

// roadmap reads that of a project.
func roadmap(c *conn, p project) (codeforge.Roadmap, error) {
	r := codeforge.Roadmap{ProjectID: p.ID}
	found, err := c.one("SELECT id, modules, current_step, created_at FROM learning_roadmaps WHERE project = ?", []any{p.seq}, &r.ID, &r.Modules, &r.CurrentStep, &r.CreatedAt)
	if err == nil && !found {
		err = codeforge.NotFound("Roadmap", p.ID)
	}
	return r, err
}

// putRoadmap makes modules the roadmap of a project, in place of the one that it had.
func putRoadmap(c *conn, project int64, id string, modules json.RawMessage) error {
	_, _, err := c.exec(`INSERT INTO learning_roadmaps(project, id, modules, created_at) VALUES(?, ?, ?, ?)
		ON CONFLICT(project) DO UPDATE SET id = excluded.id, modules = excluded.modules, current_step = 0, created_at = excluded.created_at`, project, id, modules, c.now)
	return err
}

// GetRoadmap implements api.Store.
func (s *Store) GetRoadmap(ctx context.Context, u codeforge.User, projectID string) (r codeforge.Roadmap, err error) {
	err = s.view(ctx, func(c *conn) error {
		p, err := ownStudent(c, u, projectID)
		if err == nil {
			r, err = roadmap(c, p)
		}
		return err
	})
	return r, err
}

// GetStudentProgress implements api.Store.
func (s *Store) GetStudentProgress(ctx context.Context, u codeforge.User, projectID string) (out codeforge.StudentProgress, err error) {
	err = s.view(ctx, func(c *conn) error {
		p, err := ownStudent(c, u, projectID)
		if err != nil {
			return err
		}
		r, err := roadmap(c, p)
		if err != nil {
			return err
		}
		var sessions, minutes int
		_, err = c.one("SELECT count(*), sum(minutes) FROM daily_sessions WHERE project = ?", []any{p.seq}, &sessions, &minutes)
		out = r.Progress(sessions, minutes)
		return err
	})
	return out, err
}

// changeRoadmap changes the roadmap of a project, if it has a module of this number, which the field of a request named.
func (s *Store) changeRoadmap(ctx context.Context, u codeforge.User, projectID, field string, module int, change string, args ...any) (r codeforge.Roadmap, err error) {
	err = s.write(ctx, func(c *conn) error {
		p, err := ownStudent(c, u, projectID)
		if err != nil {
			return err
		}
		if r, err = roadmap(c, p); err != nil {
			return err
		}
		if n := len(r.List()); module < 0 || module >= n {
			return codeforge.BeyondModules(field, n)
		}
		if _, _, err := c.exec("UPDATE learning_roadmaps SET "+change+" WHERE project = ?2", append([]any{module, p.seq}, args...)...); err != nil {
			return err
		}
		r, err = roadmap(c, p)
		return err
	})
	if err != nil {
		return codeforge.Roadmap{}, err
	}
	return r, nil
}

// SetRoadmapStep implements api.Store.
func (s *Store) SetRoadmapStep(ctx context.Context, u codeforge.User, projectID string, step int) (codeforge.Roadmap, error) {
	return s.changeRoadmap(ctx, u, projectID, "step_index", step, "current_step = ?1")
}

// ChooseOption implements api.Store.
func (s *Store) ChooseOption(ctx context.Context, u codeforge.User, projectID string, module int, option string) (codeforge.Roadmap, error) {
	if err := codeforge.CheckOption(option); err != nil {
		return codeforge.Roadmap{}, err
	}
	return s.changeRoadmap(ctx, u, projectID, "module_index", module, "modules = json_set(modules, '$[' || ?1 || '].chosen_option', ?3)", option)
}

// AddSession implements api.Store.
func (s *Store) AddSession(ctx context.Context, u codeforge.User, projectID string, d codeforge.DailySession) (codeforge.DailySession, error) {
	if err := d.Check(); err != nil {
		return codeforge.DailySession{}, err
	}
	d.Concepts = append([]string{}, d.Concepts...)
	concepts, err := json.Marshal(d.Concepts)
	if err != nil {
		return codeforge.DailySession{}, err
	}
	size := codeforge.SessionOverheadBytes + len(d.Transcript) + len(strings.Join(d.Concepts, ""))
	err = s.write(ctx, func(c *conn) error {
		p, err := ownStudent(c, u, projectID)
		if err != nil {
			return err
		}
		if err := countBytes(c, u.ID, int64(size), s.Quota(), true); err != nil {
			return err
		}
		d.ID, d.ProjectID, d.CreatedAt = codeforge.NewID(), p.ID, c.now
		_, _, err = c.exec("INSERT INTO daily_sessions(id, project, user_id, size, minutes, created_at, concepts, transcript) VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
			d.ID, p.seq, u.ID, size, d.Minutes, d.CreatedAt, json.RawMessage(concepts), d.Transcript)
		return err
	})
	if err != nil {
		return codeforge.DailySession{}, err
	}
	return d, nil
}

// ListSessions implements api.Store.
func (s *Store) ListSessions(ctx context.Context, u codeforge.User, projectID, before string, limit int) (list []codeforge.DailySession, err error) {
	err = s.view(ctx, func(c *conn) error {
		p, err := ownStudent(c, u, projectID)
		if err != nil {
			return err
		}
		return c.each("SELECT id, minutes, created_at, concepts, transcript FROM daily_sessions WHERE project = ?1 AND (?2 = '' OR seq < (SELECT seq FROM daily_sessions WHERE id = ?2 AND project = ?1)) ORDER BY seq DESC LIMIT ?3", []any{p.seq, before, limit}, func(r row) error {
			d := codeforge.DailySession{ProjectID: p.ID}
			var concepts json.RawMessage
			if err := r.scan(&d.ID, &d.Minutes, &d.CreatedAt, &concepts, &d.Transcript); err != nil {
				return err
			}
			list = append(list, d)
			return json.Unmarshal(concepts, &list[len(list)-1].Concepts)
		})
	})
	return list, err
}
