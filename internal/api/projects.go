package api

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"codeforge"
)

// project is a project as it is sent.
type project struct {
	ID           string                  `json:"id" format:"uuid"`
	UserID       string                  `json:"user_id" format:"uuid"`
	Title        string                  `json:"title" example:"A CRM for dog walkers"`
	Description  string                  `json:"description"`
	Mode         codeforge.Mode          `json:"mode" enum:"builder,student"`
	Status       codeforge.ProjectStatus `json:"status" enum:"planning,in-progress,building,completed,archived"`
	Requirements json.RawMessage         `json:"requirements_spec" doc:"What research found, an object, or null."`
	Architecture json.RawMessage         `json:"architecture_spec" doc:"What wireframe laid out, an object, or null."`
	TechStack    []string                `json:"tech_stack" nullable:"true"`
	Apply        codeforge.ApplyMode     `json:"apply" enum:"auto,review" doc:"What becomes of the work of jobs: a revision, or a proposal for review."`
	Revision     int64                   `json:"revision" doc:"Number of the newest state of the files; 0 before the first."`
	CreatedAt    time.Time               `json:"created_at"`
	UpdatedAt    time.Time               `json:"updated_at"`
}

type projectOutput struct {
	ETag string `header:"ETag" doc:"Names this state; may come back in If-Match."`
	Body *project
}

func projectAnswer(p *codeforge.Project) *projectOutput {
	return &projectOutput{projectTag(p), (*project)(p)}
}

type projectCreate struct {
	Title       string   `json:"title" minLength:"3" maxLength:"200" example:"A CRM for dog walkers"`
	Description string   `json:"description,omitempty" maxLength:"1000" default:"" example:"Clients, dogs, walks and invoices in one place."`
	Mode        string   `json:"mode,omitempty" enum:"builder,student" default:"builder"`
	TechStack   []string `json:"tech_stack,omitempty" maxItems:"10" nullable:"true" doc:"Each at most 100 characters." example:"[\"TypeScript\"]"`
	Apply       string   `json:"apply,omitempty" enum:"auto,review" default:"auto" doc:"What becomes of the work of jobs: revisions, or a proposal for review."`
}

type createProjectInput struct{ Body projectCreate }

func (in *createProjectInput) Resolve(huma.Context) []error { return checkTechStack(in.Body.TechStack) }

func checkTechStack(list []string) []error {
	var errs []error
	for i, t := range list {
		kind := ""
		switch n := utf8.RuneCountInString(t); {
		case n == 0:
			kind = "string_too_short"
		case n > codeforge.MaxTechStackItem:
			kind = "string_too_long"
		default:
			continue
		}
		errs = append(errs, fieldError{fmt.Sprintf("tech_stack.%d", i), fmt.Sprintf("Must have 1 to %d characters", codeforge.MaxTechStackItem), kind})
	}
	return errs
}

func (s *server) createProject(ctx context.Context, in *createProjectInput) (*projectOutput, error) {
	b := &in.Body
	p, err := s.Store.CreateProject(ctx, caller(ctx), codeforge.Project{Title: b.Title, Description: b.Description,
		Mode: codeforge.Mode(b.Mode), TechStack: b.TechStack, Apply: codeforge.ApplyMode(b.Apply)})
	if err != nil {
		return nil, err
	}
	return projectAnswer(&p), nil
}

type projectCopy struct {
	Title    string `json:"title,omitempty" minLength:"3" maxLength:"200" doc:"Left out: the title of the project, with words that say that it is a copy."`
	Revision int64  `json:"revision,omitempty" minimum:"1" doc:"Which revision is copied. Left out: the newest."`
}

type copyProjectInput struct {
	ProjectPath
	IdempotencyHeader
	Body *projectCopy
}

type copyProjectOutput struct {
	ETag     string `header:"ETag" doc:"Names this state; may come back in If-Match."`
	Replayed string `header:"Idempotent-Replayed" doc:"true when the Idempotency-Key was used before and this is the copy of that time."`
	Body     *project
}

func (s *server) copyProject(ctx context.Context, in *copyProjectInput) (*copyProjectOutput, error) {
	n := codeforge.ProjectCopy{From: in.ProjectID, IdempotencyKey: in.Key}
	if in.Body != nil {
		n.Title, n.Revision = in.Body.Title, in.Body.Revision
	}
	p, fresh, err := s.Store.CopyProject(ctx, caller(ctx), n)
	if err != nil {
		return nil, err
	}
	out := &copyProjectOutput{ETag: projectTag(&p), Body: (*project)(&p)}
	if !fresh {
		out.Replayed = "true"
	}
	return out, nil
}

// ProjectPath is the id in the path of all that belongs to a project. Like the other embedded parts of inputs it is exported
// because the framework reads no others.
type ProjectPath struct {
	ProjectID string `path:"project_id" format:"uuid" doc:"Id of the project."`
}

type getProjectInput struct {
	ProjectPath
	IfNoneMatch string `header:"If-None-Match" doc:"An ETag: 304 if nothing changed."`
}

type getProjectOutput struct {
	Status int
	ETag   string `header:"ETag" doc:"Names this state; may come back in If-Match."`
	Body   *project
}

func (s *server) getProject(ctx context.Context, in *getProjectInput) (*getProjectOutput, error) {
	p, err := s.Store.GetProject(ctx, caller(ctx), in.ProjectID)
	if err != nil {
		return nil, err
	}
	out := &getProjectOutput{200, projectTag(&p), (*project)(&p)}
	if in.IfNoneMatch != "" && noneMatch(in.IfNoneMatch, out.ETag) {
		out.Status = 304
	}
	return out, nil
}

// Paging says where a list was cut.
type Paging struct {
	Total    int  `json:"total" doc:"How many there are in all."`
	Page     int  `json:"page"`
	PageSize int  `json:"page_size"`
	HasMore  bool `json:"has_more"`
}

func pageOf(total, number, size int) Paging {
	return Paging{total, number, size, number*size < total}
}

type projectList struct {
	Items []project `json:"items" doc:"Newest first."`
	Paging
}

type listProjectsInput struct {
	Page     int    `query:"page" minimum:"1" maximum:"1000000" default:"1"`
	PageSize int    `query:"page_size" minimum:"1" maximum:"50" default:"20"`
	Mode     string `query:"mode" enum:"builder,student"`
	Status   string `query:"status" enum:"planning,in-progress,building,completed,archived" doc:"Archived projects are hidden unless asked for."`
}

type listProjectsOutput struct{ Body *projectList }

func (s *server) listProjects(ctx context.Context, in *listProjectsInput) (*listProjectsOutput, error) {
	x, _ := exchangeOf(ctx)
	if err := x.acquireBytes(int64(in.PageSize) * rowLoad); err != nil {
		return nil, err
	}
	rows, total, err := s.Store.ListProjects(ctx, x.user, codeforge.ProjectFilter{Mode: codeforge.Mode(in.Mode),
		Status: codeforge.ProjectStatus(in.Status), Page: in.Page, Size: in.PageSize})
	if err != nil {
		return nil, err
	}
	var size int64
	for i := range rows {
		size += int64(len(rows[i].Requirements) + len(rows[i].Architecture))
	}
	x.releaseAbove(size)
	out := &projectList{make([]project, len(rows)), pageOf(total, in.Page, in.PageSize)}
	for i := range rows {
		out.Items[i] = project(rows[i])
	}
	return &listProjectsOutput{out}, nil
}

// nullable is a member of a body that may be null, which differs from not being there.
type nullable[T any] struct {
	set   bool
	value T
}

func (g *nullable[T]) UnmarshalJSON(data []byte) error {
	g.set = true
	return json.Unmarshal(data, &g.value)
}

func (g nullable[T]) pointer() *T {
	if !g.set {
		return nil
	}
	return &g.value
}

// specDocument is a requirements or architecture document: an object, or null.
type specDocument struct{ nullable[json.RawMessage] }

func (*specDocument) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, Nullable: true, AdditionalProperties: true,
		Description: "An object of at most 200,000 bytes, or null."}
}

// patch is what the document changes; null is stored as nil.
func (d specDocument) patch() *json.RawMessage {
	if !d.set {
		return nil
	}
	if isNull(d.value) {
		return new(json.RawMessage)
	}
	return &d.value
}

// techStack is a list of technologies, or null.
type techStack struct{ nullable[[]string] }

func (*techStack) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeArray, Nullable: true, MaxItems: new(codeforge.MaxTechStack),
		Items: &huma.Schema{Type: huma.TypeString}, Description: "Each at most 100 characters."}
}

type projectUpdate struct {
	Title        *string      `json:"title,omitempty" minLength:"3" maxLength:"200"`
	Description  *string      `json:"description,omitempty" maxLength:"1000"`
	Status       *string      `json:"status,omitempty" enum:"planning,in-progress,building,completed,archived"`
	Requirements specDocument `json:"requirements_spec,omitzero"`
	Architecture specDocument `json:"architecture_spec,omitzero"`
	TechStack    techStack    `json:"tech_stack,omitzero"`
	Apply        *string      `json:"apply,omitempty" enum:"auto,review"`
}

// IfMatchHeader makes a write conditional.
type IfMatchHeader struct {
	IfMatch string `header:"If-Match" doc:"The number that must still be the newest (or its ETag, or *), else 409."`
}

type updateProjectInput struct {
	ProjectPath
	IfMatchHeader
	Body projectUpdate
}

func (in *updateProjectInput) Resolve(huma.Context) []error {
	errs := checkTechStack(in.Body.TechStack.value)
	for _, d := range []struct {
		name string
		spec specDocument
	}{{"requirements_spec", in.Body.Requirements}, {"architecture_spec", in.Body.Architecture}} {
		if len(d.spec.value) > codeforge.MaxSpec {
			errs = append(errs, fieldError{d.name, fmt.Sprintf("Must have at most %d bytes", codeforge.MaxSpec), "too_long"})
		}
	}
	return errs
}

func (s *server) updateProject(ctx context.Context, in *updateProjectInput) (*projectOutput, error) {
	b := &in.Body
	patch := codeforge.ProjectPatch{Title: b.Title, Description: b.Description, Requirements: b.Requirements.patch(),
		Architecture: b.Architecture.patch(), TechStack: b.TechStack.pointer()}
	if b.Status != nil {
		patch.Status = new(codeforge.ProjectStatus(*b.Status))
	}
	if b.Apply != nil {
		patch.Apply = new(codeforge.ApplyMode(*b.Apply))
	}
	return s.patchProject(ctx, in.ProjectID, in.IfMatch, patch)
}

func (s *server) patchProject(ctx context.Context, id, ifMatch string, patch codeforge.ProjectPatch) (*projectOutput, error) {
	u := caller(ctx)
	cond, err := parseIfMatch(ifMatch)
	if err != nil {
		return nil, err
	}
	if patch.Empty() {
		if _, err := s.Store.GetProject(ctx, u, id); err != nil {
			return nil, err
		}
		return nil, codeforge.InvalidField("body", "must hold at least one field to change")
	}
	patch.IfRevision = cond.number
	if err := s.checkTag(ctx, u, id, cond); err != nil {
		return nil, err
	}
	p, err := s.Store.UpdateProject(ctx, u, id, patch)
	if err != nil {
		return nil, err
	}
	return projectAnswer(&p), nil
}

// checkTag compares the moment in a tag here, since the store compares the revision alone: of two writers that hold the same tag and
// change no file, the one that comes within this gap still wins over the other.
func (s *server) checkTag(ctx context.Context, u codeforge.User, id string, cond condition) error {
	if cond.tag == "" {
		return nil
	}
	p, err := s.Store.GetProject(ctx, u, id)
	if err == nil && projectTag(&p) != cond.tag {
		err = codeforge.Conflictf("The project has changed since: read it again")
	}
	return err
}

type archiveInput struct {
	ProjectPath
	IfMatchHeader
	Permanent bool `query:"permanent" default:"false" doc:"true deletes the project for good: there is no way back."`
}

type archived struct {
	Message   string `json:"message" example:"Project archived" doc:"Project archived, or Project deleted."`
	ProjectID string `json:"project_id" format:"uuid"`
}

type archivedOutput struct{ Body archived }

func (s *server) archiveProject(ctx context.Context, in *archiveInput) (*archivedOutput, error) {
	if in.Permanent {
		return s.deleteProject(ctx, in)
	}
	p, err := s.patchProject(ctx, in.ProjectID, in.IfMatch, codeforge.ProjectPatch{Status: new(codeforge.Archived)})
	if err != nil {
		return nil, err
	}
	return &archivedOutput{archived{"Project archived", p.Body.ID}}, nil
}

// deleteProject deletes a project for good.
func (s *server) deleteProject(ctx context.Context, in *archiveInput) (*archivedOutput, error) {
	u := caller(ctx)
	cond, err := parseIfMatch(in.IfMatch)
	if err != nil {
		return nil, s.ownFirst(ctx, in.ProjectID, err)
	}
	if err := s.checkTag(ctx, u, in.ProjectID, cond); err != nil {
		return nil, err
	}
	if err := s.Jobs.DeleteProject(ctx, u, in.ProjectID, cond.number); err != nil {
		return nil, err
	}
	return &archivedOutput{archived{"Project deleted", in.ProjectID}}, nil
}

type messagesInput struct {
	ProjectPath
	Limit    int    `query:"limit" minimum:"1" maximum:"200" default:"100" doc:"How many of the newest."`
	Before   string `query:"before" format:"uuid" doc:"Those that are older than this message: the page before, by the answer's next_before."`
	Role     string `query:"role" enum:"user,assistant,system"`
	Thinking bool   `query:"thinking" default:"true" doc:"false leaves out the lines that say that a job runs."`
}

type messageList struct {
	Items      []codeforge.Message `json:"items" doc:"Oldest first. One with is_thinking says that a job runs; it goes when there is an answer, or none comes."`
	HasMore    bool                `json:"has_more" doc:"There are older ones."`
	NextBefore *string             `json:"next_before" format:"uuid" doc:"What before takes for them; null: there are none."`
}

type messagesOutput struct{ Body messageList }

func (s *server) listMessages(ctx context.Context, in *messagesInput) (*messagesOutput, error) {
	x, _ := exchangeOf(ctx)
	if err := x.acquireBytes(int64(in.Limit+1) * rowLoad); err != nil {
		return nil, err
	}
	rows, err := s.Store.ListMessages(ctx, x.user, in.ProjectID, codeforge.MessageFilter{Limit: in.Limit + 1, Before: in.Before, Role: in.Role, Settled: !in.Thinking})
	if err != nil {
		return nil, err
	}
	var out messageList
	if len(rows) > in.Limit {
		rows, out.HasMore = rows[1:], true
		// One that says that a job runs may be gone when it is asked by.
		oldest := max(slices.IndexFunc(rows, func(m codeforge.Message) bool { return !m.Thinking }), 0)
		out.NextBefore = &rows[oldest].ID
	}
	var size int64
	for i := range rows {
		size += int64(len(rows[i].Content) + len(rows[i].Metadata))
	}
	x.releaseAbove(size)
	out.Items = append([]codeforge.Message{}, rows...)
	return &messagesOutput{out}, nil
}

// newestTree is a project's newest revision with the contents of all its files, and what stands for blobs.
func (s *server) newestTree(ctx context.Context, projectID string) (revision int64, files map[string]string, err error) {
	x, _ := exchangeOf(ctx)
	if x.held < codeforge.MaxTreeBytes {
		if err := x.acquireBytes(codeforge.MaxTreeBytes - x.held); err != nil {
			return 0, nil, err
		}
	}
	rows, revision, err := s.Store.ListFiles(ctx, x.user, projectID, true, -1)
	if err != nil {
		return 0, nil, err
	}
	var size int64
	files = make(map[string]string, len(rows))
	for i := range rows {
		size += textBytes(&rows[i])
		files[rows[i].Path] = rows[i].TreeContent()
	}
	x.releaseAbove(size)
	return revision, files, nil
}
