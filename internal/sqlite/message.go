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

func (s *Store) ListMessages(ctx context.Context, u codeforge.User, projectID string, limit int) (list []codeforge.Message, err error) {
	err = s.view(ctx, func(c *conn) error {
		p, err := ownProject(c, u, projectID)
		if err != nil {
			return err
		}
		err = c.each("SELECT id, role, thinking, created_at, metadata, content FROM chat_messages WHERE project = ? ORDER BY seq DESC LIMIT ?",
			[]any{p.seq, limit}, func(r row) error {
				list = append(list, codeforge.Message{ProjectID: p.ID})
				m := &list[len(list)-1]
				return r.scan(&m.ID, &m.Role, &m.Thinking, &m.CreatedAt, &m.Metadata, &m.Content)
			})
		slices.Reverse(list)
		return err
	})
	return list, err
}
