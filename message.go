package codeforge

import (
	"encoding/json"
	"time"
)

// Message is one line of the conversation on a project, which web clients read from the store directly.
type Message struct {
	ID        string          `json:"id" format:"uuid"`
	ProjectID string          `json:"project_id" format:"uuid"`
	Role      string          `json:"role" enum:"user,assistant,system"`
	Content   string          `json:"content"`
	Thinking  bool            `json:"is_thinking"`
	Metadata  json.RawMessage `json:"metadata" doc:"An object, or null."`
	CreatedAt time.Time       `json:"created_at"`
}

// MessageFilter says which lines of a conversation are meant.
type MessageFilter struct {
	Limit   int    // the newest, at most so many
	Before  string // those that are older than this message; "": all
	Role    string // "": all
	Settled bool   // without those that say that a job runs
}

// ThinkingMessage is the line that says that a job runs.
func ThinkingMessage(j *Job) Message {
	metadata, _ := json.Marshal(map[string]any{"agent_type": j.Agent, "job_id": j.ID}) // two words
	return Message{Role: "assistant", Content: "Thinking", Thinking: true, Metadata: metadata}
}
