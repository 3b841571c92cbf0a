package postgres

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"codeforge"
	"codeforge/internal/auth"
)

// Rows come as JSON: times in the database's zone, and null where there is nothing.

// mapRows is a list of rows as what they stand for.
func mapRows[R, T any](rows []R, as func(R) T) []T {
	if rows == nil {
		return nil
	}
	list := make([]T, len(rows))
	for i, r := range rows {
		list[i] = as(r)
	}
	return list
}

// present is a document; null is nothing.
func present(raw json.RawMessage) json.RawMessage {
	if string(raw) == "null" {
		return nil
	}
	return raw
}

func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	return new(t.UTC())
}

type projectRow codeforge.Project

func (r projectRow) project() codeforge.Project {
	r.Requirements, r.Architecture = present(r.Requirements), present(r.Architecture)
	r.TechStack = slices.DeleteFunc(r.TechStack, func(s string) bool { return s == "" }) // null, in a row from before
	r.CreatedAt, r.UpdatedAt = r.CreatedAt.UTC(), r.UpdatedAt.UTC()
	return codeforge.Project(r)
}

type messageRow codeforge.Message

func (r messageRow) message() codeforge.Message {
	r.Metadata, r.CreatedAt = present(r.Metadata), r.CreatedAt.UTC()
	return codeforge.Message(r)
}

type fileRow codeforge.File

func (r fileRow) file() codeforge.File {
	if strings.TrimSpace(r.Language) == "" { // a row from before
		r.Language = codeforge.LanguageOf(r.Path)
	}
	r.CreatedAt, r.UpdatedAt = r.CreatedAt.UTC(), r.UpdatedAt.UTC()
	f := codeforge.File(r)
	f.SetBlob(f.Hash)
	return f
}

type revisionRow codeforge.Revision

func (r revisionRow) revision() codeforge.Revision {
	r.CreatedAt = r.CreatedAt.UTC()
	return codeforge.Revision(r)
}

// revisionDoc is what the functions say of one revision; nothing of one that does not exist.
type revisionDoc struct {
	Revision *revisionRow `json:"revision"`
	None     bool         `json:"none"` // the newest is asked for, and there is none
	Files    []fileRow    `json:"files"`
	Deltas   []deltaRow   `json:"deltas"`
}

type deltaRow struct {
	Path string   `json:"path"`
	Old  *fileRow `json:"old"`
	New  *fileRow `json:"new"`
}

func (r deltaRow) delta() codeforge.FileDelta {
	d := codeforge.FileDelta{Path: r.Path}
	if r.Old != nil {
		d.Old = new(r.Old.file())
	}
	if r.New != nil {
		d.New = new(r.New.file())
	}
	return d
}

type jobRow struct {
	ID            string              `json:"id"`
	ProjectID     string              `json:"project_id"`
	UserID        string              `json:"user_id"`
	Agent         codeforge.AgentType `json:"agent_type"`
	Status        codeforge.JobStatus `json:"status"`
	Progress      float64             `json:"progress"`
	Input         json.RawMessage     `json:"input_context"`
	Result        json.RawMessage     `json:"result"`
	Error         string              `json:"error"`
	Clarification json.RawMessage     `json:"clarification_data"`
	Revision      int64               `json:"revision"`
	Base          int64               `json:"base"`
	Apply         codeforge.ApplyMode `json:"apply"`
	RetryOf       string              `json:"retry_of"`
	TraceParent   string              `json:"traceparent"`
	Proposal      *proposalRow        `json:"proposal"`
	Fence         int64               `json:"fence"`
	Failures      int                 `json:"failures"`
	Crashes       int                 `json:"crashes"`
	DueAt         *time.Time          `json:"due_at"`
	CreatedAt     time.Time           `json:"created_at"`
	UpdatedAt     time.Time           `json:"updated_at"`
	StartedAt     *time.Time          `json:"started_at"`
	CompletedAt   *time.Time          `json:"completed_at"`
}

func (r jobRow) job() codeforge.Job {
	j := codeforge.Job{ID: r.ID, ProjectID: r.ProjectID, UserID: r.UserID, Agent: r.Agent, Status: r.Status, Progress: r.Progress, Input: present(r.Input),
		Result: present(r.Result), Error: r.Error, Clarification: present(r.Clarification), Revision: r.Revision, Base: r.Base, Fence: r.Fence,
		Failures: r.Failures, Crashes: r.Crashes, CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(), StartedAt: utc(r.StartedAt), CompletedAt: utc(r.CompletedAt)}
	j.Apply, j.RetryOf, j.TraceParent = r.Apply, r.RetryOf, r.TraceParent
	if r.Proposal != nil {
		j.Proposal = new(r.Proposal.proposal())
	}
	if r.Status == codeforge.Queued && r.DueAt != nil {
		j.RunAt = r.DueAt.UTC()
	}
	return j
}

type proposalRow codeforge.Proposal

func (r proposalRow) proposal() codeforge.Proposal {
	r.CreatedAt = r.CreatedAt.UTC()
	return codeforge.Proposal(r)
}

type eventRow struct {
	Seq  int64               `json:"seq"`
	Type codeforge.EventType `json:"type"`
	Data json.RawMessage     `json:"data"`
	At   time.Time           `json:"at"`
}

// logged are rows of the log of a job.
func logged(jobID string, rows []eventRow) []codeforge.Event {
	return mapRows(rows, func(r eventRow) codeforge.Event {
		return codeforge.Event{JobID: jobID, Seq: r.Seq, Type: r.Type, Data: r.Data, At: r.At.UTC()}
	})
}

type tokenRow struct {
	ID        string       `json:"id"`
	UserID    string       `json:"user_id"`
	Name      string       `json:"name"`
	Hint      string       `json:"hint"`
	Hash      hexBytes     `json:"hash"`
	Scopes    []auth.Scope `json:"scopes"`
	CreatedAt time.Time    `json:"created_at"`
	ExpiresAt *time.Time   `json:"expires_at"`
	RevokedAt *time.Time   `json:"revoked_at"`
	UsedAt    *time.Time   `json:"used_at"`
}

func (r tokenRow) token() auth.Token {
	return auth.Token{ID: r.ID, UserID: r.UserID, Name: r.Name, Hint: r.Hint, Hash: r.Hash, Scopes: r.Scopes,
		CreatedAt: r.CreatedAt.UTC(), ExpiresAt: utc(r.ExpiresAt), RevokedAt: utc(r.RevokedAt), UsedAt: utc(r.UsedAt)}
}

// hexBytes are bytes as Postgres writes them: \x and hexadecimal digits.
type hexBytes []byte

func (h hexBytes) MarshalText() ([]byte, error) { return fmt.Appendf(nil, `\x%x`, []byte(h)), nil }

func (h *hexBytes) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(strings.TrimPrefix(string(text), `\x`))
	return err
}
