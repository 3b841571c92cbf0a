package sqlite

import (
	"context"
	"slices"
	"strings"

	"codeforge"
)

// addMessage appends a line to the conversation on a project. NUL is dropped, since not every store can hold it.
func addMessage(c *conn, project int64, m codeforge.Message) error {
	_, _, err := c.exec("INSERT INTO chat_messages(id, project, role, thinking, created_at, metadata, content) VALUES(?, ?, ?, ?, ?, ?, ?)",
		codeforge.NewID(), project, m.Role, m.Thinking, c.now, m.Metadata, strings.ReplaceAll(m.Content, "\x00", ""))
	return err
}

func addMessages(c *conn, project int64, all []codeforge.Message) error {
	for _, m := range all {
		if err := addMessage(c, project, m); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) AddMessages(ctx context.Context, projectID string, chat []codeforge.Message) error {
	return s.write(ctx, func(c *conn) error {
		p, found, err := readProject(c, "SELECT "+projectColumns+" FROM projects WHERE id = ?", projectID)
		if err == nil && !found {
			err = codeforge.NotFound("Project", projectID)
		}
		if err != nil {
			return err
		}
		return addMessages(c, p.seq, chat)
	})
}

func (s *Store) ListMessages(ctx context.Context, u codeforge.User, projectID string, f codeforge.MessageFilter) (list []codeforge.Message, err error) {
	err = s.view(ctx, func(c *conn) error {
		p, err := ownProject(c, u, projectID)
		if err != nil {
			return err
		}
		where, args := "project = ?", []any{p.seq}
		if f.Before != "" {
			var before int64
			found, err := c.one("SELECT seq FROM chat_messages WHERE id = ? AND project = ?", []any{f.Before, p.seq}, &before)
			if err == nil && !found {
				err = codeforge.NotFound("Message", f.Before)
			}
			if err != nil {
				return err
			}
			where, args = where+" AND seq < ?", append(args, before)
		}
		if f.Role != "" {
			where, args = where+" AND role = ?", append(args, f.Role)
		}
		if f.Settled {
			where += " AND NOT thinking"
		}
		err = c.each("SELECT id, role, thinking, created_at, metadata, content FROM chat_messages WHERE "+where+" ORDER BY seq DESC LIMIT ?", append(args, f.Limit), func(r row) error {
			list = append(list, codeforge.Message{ProjectID: p.ID})
			m := &list[len(list)-1]
			return r.scan(&m.ID, &m.Role, &m.Thinking, &m.CreatedAt, &m.Metadata, &m.Content)
		})
		slices.Reverse(list)
		return err
	})
	return list, err
}
