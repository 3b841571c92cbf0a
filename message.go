package codeforge

import (
	"encoding/json"
	"time"
)

// Message is one line of the conversation on a project, which web clients read from the store directly.
type Message struct {
	ID        string          `json:"id"`
	ProjectID string          `json:"project_id"`
	Role      string          `json:"role"` // user, assistant or system
	Content   string          `json:"content"`
	Thinking  bool            `json:"is_thinking"`
	Metadata  json.RawMessage `json:"metadata"`
	CreatedAt time.Time       `json:"created_at"`
}
