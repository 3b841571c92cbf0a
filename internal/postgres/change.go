package postgres

import (
	"context"
	"strconv"
	"strings"
	"time"

	"codeforge"
)

// changeRow is a codeforge.Change as it comes.
type changeRow struct {
	Number    int64                `json:"number"`
	Kind      codeforge.ChangeKind `json:"kind"`
	Ref       string               `json:"ref"`
	State     codeforge.JobStatus  `json:"state"`
	At        time.Time            `json:"at"`
	ProjectID string               `json:"project_id"`
	Agent     codeforge.AgentType  `json:"agent"`
	Revision  *revisionRow         `json:"revision"`
	Message   *messageRow          `json:"message"`
	Truncated bool                 `json:"truncated"`
}

func (r changeRow) change() codeforge.Change {
	ch := codeforge.Change{Number: r.Number, Kind: r.Kind, At: r.At.UTC(), Truncated: r.Truncated}
	switch r.Kind {
	case codeforge.ChangedJob:
		ch.Job = codeforge.JobChange{ID: r.Ref, Project: r.ProjectID, Agent: r.Agent, Status: r.State}
	case codeforge.ChangedRevision:
		ch.Revision.Number, _ = strconv.ParseInt(r.Ref, 10, 64) // the trigger wrote a number
		if r.Revision != nil {
			ch.Revision = r.Revision.revision()
		}
	case codeforge.ChangedMessage:
		ch.Message.ID = r.Ref
		if r.Message != nil {
			ch.Message = r.Message.message()
		}
		ch.Deleted = r.Message == nil
	case codeforge.ChangedProject:
		ch.Fields = strings.Fields(r.Ref)
	case codeforge.ChangedWebhook:
		ch.Webhook = codeforge.WebhookChange{ID: r.Ref, Disabled: codeforge.WebhookFaultCause(r.State)}
	}
	return ch
}

// ProjectChanges implements api.Store. What nobody has read yet gets its numbers here.
func (s *Store) ProjectChanges(ctx context.Context, u codeforge.User, projectID string, after int64, limit int) (codeforge.Changes, error) {
	if err := check(u, "Project", projectID); err != nil {
		return codeforge.Changes{}, err
	}
	return s.changes(ctx, u, &projectID, after, limit)
}

// UserChanges implements api.Store, as ProjectChanges does.
func (s *Store) UserChanges(ctx context.Context, u codeforge.User, after int64, limit int) (codeforge.Changes, error) {
	if err := check(u, "User", u.ID); err != nil {
		return codeforge.Changes{}, err
	}
	return s.changes(ctx, u, nil, after, limit)
}

func (s *Store) changes(ctx context.Context, u codeforge.User, project *string, after int64, limit int) (codeforge.Changes, error) {
	a, found, _, err := system[struct {
		Last int64               `json:"last"`
		Kept int64               `json:"kept"`
		List []changeRow         `json:"list"`
		Open []codeforge.OpenJob `json:"open"`
	}](ctx, s, "changes", arg{"user", u.ID}, arg{"project", project}, arg{"after", after}, arg{"limit", limit},
		arg{"text", codeforge.MaxChangeText}, arg{"open", codeforge.MaxOpenJobs})
	if err == nil && !found {
		err = codeforge.NotFound("Project", *project)
	}
	return codeforge.Changes{List: mapRows(a.List, changeRow.change), Last: a.Last, Kept: a.Kept, Open: a.Open}, err
}
