package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"codeforge"
	"codeforge/internal/llm"
)

// inputContext is the context of an agent, kept as the bytes that came, and what was seen in them.
type inputContext struct {
	given       json.RawMessage
	keys, depth int
	message     string // the text under user_message
}

func (inputContext) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true,
		Description: "What the agent should know: an object of at most 10 keys, 50,000 characters and 5 levels, stored as it comes. " +
			"A text under user_message is also written to the project's conversation. Under images it may name up to 6 PNG, JPEG, GIF or WebP pictures of the project by path: models that see are shown them. With preview_errors: true a code job is shown what went wrong in the preview of the revision that it works on. What is left out the agent takes from the project.",
		Examples: []any{map[string]any{"user_message": "Add a page with all walks of a week"}}}
}

func (c *inputContext) UnmarshalJSON(data []byte) error {
	if data[0] != '{' {
		return nil // the schema says so
	}
	c.given, c.depth = bytes.Clone(data), 1 // the body's buffer is used again when the operation has begun
	members(data, func(key, value []byte) {
		c.keys++
		c.depth = max(c.depth, 1+levels(value))
		if string(key) == "user_message" {
			c.message = textOf(value)
		}
	})
	return nil
}

// document is the context to be stored.
func (c *inputContext) document() json.RawMessage {
	if c.given == nil {
		return json.RawMessage("{}")
	}
	return c.given
}

// check is [codeforge.CheckInput] for a body that scanJSON let through, which leaves only the counts; these are cheap.
func (c *inputContext) check() []error {
	if c.keys <= codeforge.MaxInputKeys && c.depth <= codeforge.MaxInputDepth &&
		(len(c.given) <= codeforge.MaxInput || utf8.RuneCount(c.given) <= codeforge.MaxInput) {
		return nil
	}
	err := codeforge.CheckInput(c.given)
	if e, ok := errors.AsType[*codeforge.Error](err); ok {
		reason, _ := e.Details["reason"].(string)
		return []error{fieldError{"input_context", reason, "value_error"}}
	}
	return nil
}

// userMessage is the text under user_message, "" if there is none to write down.
func (c *inputContext) userMessage() string {
	if strings.TrimSpace(c.message) == "" {
		return ""
	}
	return c.message
}

type agentRequest struct {
	ProjectID string       `json:"project_id" minLength:"36" maxLength:"36" format:"uuid" doc:"Project to work on."`
	AgentType publicAgent  `json:"agent_type"`
	Input     inputContext `json:"input_context,omitzero" exact:"true"`
	JobChoices
}

// JobChoices are what a submission may say besides the work.
type JobChoices struct {
	Apply  string `json:"apply,omitempty" enum:"auto,review" doc:"What becomes of the work: revisions, or a proposal for review. Left out: as the project says."`
	IfBusy string `json:"if_busy,omitempty" enum:"queue,reject,cancel_running" doc:"What happens when a job that changes files is queued or running on the project, and this one does too: it waits (so does what says nothing), it is refused with 409, or the others are cancelled."`
}

// IdempotencyHeader makes a submission safe to repeat.
type IdempotencyHeader struct {
	Key string `header:"Idempotency-Key" maxLength:"255" pattern:"^[\\x20-\\x7e]+$" patternDescription:"1 to 255 printable ASCII characters" doc:"1 to 255 printable characters. A second request with the same key answers what the first one made: its job, or its copy."`
}

type runAgentInput struct {
	IdempotencyHeader
	Body agentRequest
}

func (in *runAgentInput) Resolve(huma.Context) []error { return in.Body.Input.check() }

type pipelineRequest struct {
	ProjectID string       `json:"project_id" minLength:"36" maxLength:"36" format:"uuid" doc:"Project to work on."`
	AgentType string       `json:"agent_type,omitempty" maxLength:"50" doc:"Ignored."`
	Input     inputContext `json:"input_context,omitzero" exact:"true"`
	JobChoices
}

type runPipelineInput struct {
	IdempotencyHeader
	Body pipelineRequest
}

func (in *runPipelineInput) Resolve(huma.Context) []error { return in.Body.Input.check() }

// agentResponse says under which id a job runs, and where to watch it.
type agentResponse struct {
	JobID         string `json:"job_id" format:"uuid"`
	Status        string `json:"status" enum:"queued,running,waiting_for_input,completed,cancelled" example:"queued" doc:"queued, but for answers that end the job, and jobs that were waited for."`
	EstimatedTime string `json:"estimated_time" example:"5-10 minutes" doc:"In words: what similar jobs took, once there were some."`
	StreamURL     string `json:"stream_url" format:"uri" doc:"Event stream of the job. It needs no other credential, and holds until an hour after the job's end."`

	Estimate *estimate `json:"estimate,omitempty" doc:"What the job will probably take; for a new job, as far as models are known."`
}

type agentOutput struct {
	Replayed string `header:"Idempotent-Replayed" doc:"true when the Idempotency-Key was used before and this is the job of that time."`
	Body     *agentResponse
}

func (s *server) runAgent(ctx context.Context, in *runAgentInput) (*agentOutput, error) {
	b := &in.Body
	return s.submitRequest(ctx, codeforge.AgentType(b.AgentType), b.ProjectID, &b.Input, &b.JobChoices, in.Key)
}

func (s *server) runPipeline(ctx context.Context, in *runPipelineInput) (*agentOutput, error) {
	b := &in.Body
	return s.submitRequest(ctx, codeforge.Builder, b.ProjectID, &b.Input, &b.JobChoices, in.Key)
}

func (s *server) submitRequest(ctx context.Context, agent codeforge.AgentType, projectID string, input *inputContext, choices *JobChoices, key string) (*agentOutput, error) {
	projectID, err := codeforge.ParseID(projectID)
	if err != nil {
		return nil, err
	}
	return s.submit(ctx, codeforge.NewJob{ProjectID: projectID, Agent: agent, Input: input.document(), UserMessage: input.userMessage(), IdempotencyKey: key,
		Apply: codeforge.ApplyMode(choices.Apply), IfBusy: codeforge.BusyMode(choices.IfBusy)})
}

func (s *server) submit(ctx context.Context, n codeforge.NewJob) (*agentOutput, error) {
	x, _ := exchangeOf(ctx)
	job, fresh, err := s.Jobs.Submit(ctx, x.user, n)
	if err != nil {
		return nil, err
	}
	x.job = job.ID
	e := s.estimateOf(ctx, x.user, n.Agent, n.ProjectID)
	out := &agentOutput{Body: &agentResponse{job.ID, string(codeforge.Queued), e.estimatedTime(n.Agent), s.streamURL(x, job.ID, job.ID, x.user.ID), e}}
	if !fresh {
		out.Replayed = "true"
	}
	return out, nil
}

type retryRequest struct {
	From   string `json:"from,omitempty" enum:"research,wireframe,code,qa" doc:"The stage of a pipeline to begin with, on the project's own specifications; left out: the one that the job itself began with."`
	IfBusy string `json:"if_busy,omitempty" enum:"queue,reject,cancel_running" doc:"As in run-agent."`
}

type retryInput struct {
	JobPath
	IdempotencyHeader
	Body *retryRequest
}

// inputStartAt is the key of a pipeline's input that names the stage to begin with.
const inputStartAt = "start_at"

func (s *server) retryJob(ctx context.Context, in *retryInput) (*agentOutput, error) {
	body := in.Body
	if body == nil {
		body = &retryRequest{}
	}
	job, err := s.Store.GetJob(ctx, caller(ctx), in.JobID)
	if err != nil {
		return nil, err
	}
	n := codeforge.NewJob{ProjectID: job.ProjectID, Agent: job.Agent, Input: job.Input, RetryOf: job.ID, IdempotencyKey: in.Key,
		Apply: job.Apply, IfBusy: codeforge.BusyMode(body.IfBusy)}
	switch from := codeforge.AgentType(body.From); {
	case !job.Status.Terminal():
		return nil, codeforge.Conflictf("Job is %s: only one that has ended can be tried again", job.Status)
	case body.From == "" || from == job.Agent:
	case job.Agent != codeforge.Builder:
		return nil, codeforge.InvalidField("from", "a job of agent %s has no stage %s", job.Agent, from)
	default:
		quoted, _ := json.Marshal(from) // a word
		n.Input = setMember(job.Input, inputStartAt, quoted)
	}
	return s.submit(ctx, n)
}

// JobState is a job as it is sent. It is exported since the framework reads no other embedded parts.
type JobState struct {
	JobID         string          `json:"job_id" format:"uuid" doc:"The job's own id, also when it was read through an alias."`
	ProjectID     string          `json:"project_id" format:"uuid"`
	UserID        string          `json:"user_id" format:"uuid"`
	AgentType     jobAgent        `json:"agent_type"`
	Status        string          `json:"status" enum:"queued,running,waiting_for_input,completed,failed,cancelled"`
	Progress      float64         `json:"progress" minimum:"0" maximum:"100"`
	Queue         *queueState     `json:"queue,omitempty" doc:"Of a queued job: where it stands now."`
	Input         json.RawMessage `json:"input_context" doc:"As it was sent."`
	Result        json.RawMessage `json:"result" doc:"The agent's output, an object; null while there is none. Contents of files are left out in lists."`
	Error         *string         `json:"error" doc:"Why it failed."`
	Clarification json.RawMessage `json:"clarification_data" doc:"Questions and answers of a job that asked, else null."`
	Revision      *int64          `json:"revision" doc:"The newest revision of the project that it made, if any. It stays whatever becomes of the job."`
	Apply         string          `json:"apply" enum:"auto,review" doc:"What becomes of its work."`
	Proposal      *Proposal       `json:"proposal,omitempty" doc:"What it would change, until it is applied or rejected."`
	RetryOf       *string         `json:"retry_of" format:"uuid" doc:"The job that this one does again."`
	CreatedAt     time.Time       `json:"created_at"`
	UpdatedAt     time.Time       `json:"updated_at"`
	StartedAt     *time.Time      `json:"started_at" nullable:"true"`
	CompletedAt   *time.Time      `json:"completed_at" nullable:"true"`
}

// queueState is where a queued job stands.
type queueState struct {
	Place      int    `json:"place" minimum:"1" doc:"1: the next, if all that stand before it stay as they are."`
	WaitingFor string `json:"waiting_for" enum:"free_worker,project,agent_limit,user_limit,retry,recovery,no_worker_running" doc:"What it waits for: a free worker, an older job on this project, the limit of its agent type, your own running jobs, its time to be tried again, another job whose workers vanished, or any worker, since none is running."`
}

// addPlaces says of queued jobs where they stand.
func (s *server) addPlaces(ctx context.Context, jobs []JobState) {
	var ids []string
	for i := range jobs {
		if jobs[i].Status == string(codeforge.Queued) {
			ids = append(ids, jobs[i].JobID)
		}
	}
	if len(ids) == 0 {
		return
	}
	places := s.Jobs.Places(ctx, ids)
	for i := range jobs {
		if at, ok := places[jobs[i].JobID]; ok {
			jobs[i].Queue = &queueState{at.Place, string(at.WaitingFor)}
		}
	}
}

func jobOf(j *codeforge.Job) JobState {
	out := JobState{j.ID, j.ProjectID, j.UserID, jobAgent(j.Agent), string(j.Status), j.Progress, nil, j.Input, j.Result, nil, j.Clarification, nil,
		string(j.Apply), proposalOf(j.Proposal), nil, j.CreatedAt, j.UpdatedAt, j.StartedAt, j.CompletedAt}
	if j.Error != "" {
		out.Error = &j.Error
	}
	if j.Revision != 0 {
		out.Revision = &j.Revision
	}
	if j.RetryOf != "" {
		out.RetryOf = &j.RetryOf
	}
	if j.Status == codeforge.JobCancelled && len(j.Clarification) > 0 { // it asks nothing any more
		if out.Result = withoutQuestions(j.Result); string(out.Result) == "{}" {
			out.Result = nil
		}
	}
	if j.Status.Terminal() && j.Status != codeforge.JobCompleted && len(out.Result) == 0 { // its worker was stopped before it could say so
		switch {
		case j.Revision != 0:
			out.Result = fmt.Appendf(nil, `{"partial":true,"kept_revision":%d}`, j.Revision)
		case j.Proposal != nil:
			out.Result = json.RawMessage(`{"partial":true,"proposed":true}`)
		}
	}
	return out
}

// JobPath is the id of a job, or an alias of it, in the path of a request.
type JobPath struct {
	JobID string `path:"job_id" format:"uuid" doc:"Id of the job, or an alias that respond gave."`
}

// jobDetail is a job with what it cost, whatever became of it.
type jobDetail struct {
	JobState
	Base          *int64 `json:"base_revision" nullable:"true" doc:"The revision of the project that it works on; null: it has not begun, or there was none."`
	Cost          *int64 `json:"cost_micro_usd" nullable:"true" doc:"What models cost so far, in millionths of a dollar; null: nothing is known of it."`
	CostEstimated bool   `json:"cost_estimated" doc:"Some of the cost is a guess, or not in it: of calls whose usage or price is not known."`
}

type getJobInput struct {
	JobPath
	Wait        string `query:"wait" doc:"How long to wait for a change of the job, 1s to 60s, like 30s: the answer comes when its state has changed, at once if it has ended or waits for input. With If-None-Match it comes when anything differs from that."`
	IfNoneMatch string `header:"If-None-Match" doc:"An ETag: 304 if nothing changed."`
}

type jobOutput struct {
	Status int
	ETag   string `header:"ETag" doc:"Names what can be seen of the job, but for its cost and its place in the queue."`
	Body   *jobDetail
}

func (s *server) getJob(ctx context.Context, in *getJobInput) (*jobOutput, error) {
	wait, err := parseWait(in.Wait)
	if err != nil {
		return nil, err
	}
	u := caller(ctx)
	job, err := s.changedJob(ctx, u, in.JobID, in.IfNoneMatch, wait)
	if err != nil {
		return nil, err
	}
	tag := jobTag(&job)
	if in.IfNoneMatch != "" && noneMatch(in.IfNoneMatch, tag) {
		return &jobOutput{Status: 304, ETag: "W/" + tag}, nil
	}
	if job.Result, err = s.fullResult(ctx, u, &job); err != nil {
		return nil, err
	}
	if job.Result, err = s.withNewestConflicts(ctx, u, &job); err != nil {
		return nil, err
	}
	state := []JobState{jobOf(&job)}
	s.addPlaces(ctx, state)
	out := &jobDetail{JobState: state[0]}
	if job.Base != 0 {
		out.Base = &job.Base
	}
	if s.Ledger != nil {
		total, err := s.jobCost(ctx, u, &job)
		if err != nil {
			return nil, err
		}
		out.Cost, out.CostEstimated = llm.KnownCost(total.Cost, total.Estimated), total.Estimated
	}
	return &jobOutput{200, "W/" + tag, out}, nil
}

// fullResult is the result of a job with the contents of its files, which are stored once: in the revision it made, or in its
// proposal.
func (s *server) fullResult(ctx context.Context, u codeforge.User, job *codeforge.Job) (json.RawMessage, error) {
	if job.Agent == codeforge.Refactor && len(job.Result) > 0 {
		return s.withWholeFile(ctx, u, job)
	}
	if job.Agent == codeforge.RoadmapAgent && len(job.Result) > 0 {
		return withTime(job), nil
	}
	if job.Revision == 0 && job.Proposal == nil || !bytes.Contains(job.Result, []byte(`"files"`)) {
		return job.Result, nil
	}
	wanted := resultPaths(job.Result)
	contents := make(map[string]string, len(wanted))
	var size int64
	for page := (codeforge.Page{Bytes: pageBytes}); len(wanted) > 0; {
		files, after, err := s.workOf(ctx, u, job, page)
		if err != nil {
			return nil, err
		}
		for i := range files {
			if !wanted[files[i].Path] {
				continue
			}
			delete(wanted, files[i].Path)
			if size += files[i].Size; size > maxResultContents || len(contents) == maxResultFiles {
				return fillContents(job.Result, contents, true), nil
			}
			contents[files[i].Path] = files[i].Content
		}
		if page.After = after; after == "" {
			break
		}
	}
	return fillContents(job.Result, contents, false), nil
}

// workOf is a page of the files of the revision that a job made, or that it proposes, and after which path there may be another; "":
// there is none.
func (s *server) workOf(ctx context.Context, u codeforge.User, job *codeforge.Job, page codeforge.Page) (files []codeforge.File, after string, err error) {
	if job.Revision > 0 {
		if _, files, err = s.Store.RevisionFiles(ctx, u, job.ProjectID, job.Revision, page); isFullPage(files) {
			after = files[len(files)-1].Path
		}
		return files, after, err
	}
	_, deltas, err := s.Store.ReadProposal(ctx, u, job.ID, page)
	if codeforge.IsKind(err, codeforge.Missing) { // it was applied or rejected in this moment
		return nil, "", nil
	}
	for _, d := range deltas {
		if d.New != nil {
			files = append(files, *d.New)
		}
	}
	if fullDeltas(deltas) {
		after = deltas[len(deltas)-1].Path
	}
	return files, after, err
}

// Bounds of the contents that are filled into a result; the files after it are read by the files' routes.
const (
	maxResultFiles    = 50
	maxResultContents = 1 << 20
)

// resultPaths are the files that a result names.
func resultPaths(result json.RawMessage) map[string]bool {
	paths := map[string]bool{}
	list := func(value []byte) {
		if len(value) == 0 || value[0] != '[' {
			return
		}
		for i := skipBlank(value, 1); value[i] != ']'; i = skipBlank(value, i) {
			end := skip(value, i)
			if value[i] == '{' {
				members(value[i:end], func(key, value []byte) {
					if name := string(key); name == "path" || name == "file_path" {
						paths[textOf(value)] = true
					}
				})
			}
			if i = end; value[i] == ',' {
				i++
			}
		}
	}
	members(result, func(key, value []byte) {
		switch {
		case string(key) == "files":
			list(value)
		case string(key) == "generated_code" && value[0] == '{':
			members(value, func(key, value []byte) {
				if string(key) == "files" {
					list(value)
				}
			})
		}
	})
	return paths
}

// fillContents gives the entries of files[] and generated_code.files[] in a result their content where they have none.
// All else keeps its order and its bytes. truncated is said beside files when there are more than have their content.
func fillContents(result json.RawMessage, contents map[string]string, truncated bool) json.RawMessage {
	fill := func(object []byte, inner func(key, value []byte) []byte) []byte {
		has := false
		out := mapMembers(object, func(key, value []byte) []byte {
			if string(key) == "files" {
				has = true
				return fillFiles(value, contents)
			}
			return inner(key, value)
		})
		if has && truncated {
			out = setMember(out, "truncated", []byte("true"))
		}
		return out
	}
	same := func(_, value []byte) []byte { return value }
	return fill(result, func(key, value []byte) []byte {
		if string(key) == "generated_code" && value[0] == '{' {
			return fill(value, same)
		}
		return value
	})
}

func fillFiles(list []byte, contents map[string]string) []byte {
	if list[0] != '[' {
		return list
	}
	out := []byte{'['}
	for i := skipBlank(list, 1); list[i] != ']'; i = skipBlank(list, i) {
		end := skip(list, i)
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(out, fillFile(list[i:end], contents)...)
		i = end
	}
	return append(out, ']')
}

func fillFile(entry []byte, contents map[string]string) []byte {
	if entry[0] != '{' {
		return entry
	}
	var path string
	has := false
	members(entry, func(key, value []byte) {
		switch string(key) {
		case "path", "file_path":
			path = textOf(value)
		case "content":
			has = has || !isNull(value)
		}
	})
	content, known := contents[path]
	if has || !known {
		return entry
	}
	quoted := appendString(make([]byte, 0, len(content)+len(content)/8+16), content)
	return setMember(entry, "content", quoted)
}

// mapMembers returns valid data, an object, with each value replaced by what f makes of it.
func mapMembers(data []byte, f func(key, value []byte) []byte) []byte {
	if i := skipBlank(data, 0); i == len(data) || data[i] != '{' {
		return data
	}
	out := []byte{'{'}
	members(data, func(key, value []byte) {
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(appendString(out, string(key)), ':')
		out = append(out, f(key, value)...)
	})
	return append(out, '}')
}

// setMember returns valid data, an object, with one member set: in its place, or else as the last.
func setMember(data []byte, name string, to []byte) []byte {
	found := false
	out := mapMembers(data, func(key, value []byte) []byte {
		if string(key) == name {
			found = true
			return to
		}
		return value
	})
	if found || len(out) == 0 || out[len(out)-1] != '}' {
		return out
	}
	out = appendKey(out[:len(out)-1:len(out)-1], name)
	return append(append(out, to...), '}')
}

type listJobsInput struct {
	ProjectPath
	Limit    int `query:"limit" minimum:"1" maximum:"100" doc:"How many, 50 when nothing is said. With it, or offset, page is not looked at."`
	Offset   int `query:"offset" minimum:"0" maximum:"1000000000"`
	Page     int `query:"page" minimum:"1" maximum:"1000000"`
	PageSize int `query:"page_size" minimum:"1" maximum:"100"`
}

// jobList carries its jobs under both names that clients know.
type jobList struct {
	ProjectID string `json:"project_id" format:"uuid"`
	Count     int    `json:"count" doc:"How many are here."`
	Paging
	Jobs  []JobState `json:"jobs" doc:"Newest first."`
	Items []JobState `json:"items" doc:"The same as jobs."`
}

// paged: the rows were counted before, and what is written of them is not in memory twice.
func (l *jobList) paged() bool { return isLong(l.Jobs) }

// isLong reports whether a list of jobs is written page by page.
func isLong(jobs []JobState) bool {
	n := 0
	for i := range jobs {
		n += len(jobs[i].Input) + len(jobs[i].Result)
	}
	return n >= pageBytes
}

type listJobsOutput struct{ Body *jobList }

func (s *server) listJobs(ctx context.Context, in *listJobsInput) (*listJobsOutput, error) {
	f := codeforge.JobFilter{Limit: 50, Offset: in.Offset}
	number := 1
	switch {
	case in.Limit > 0 || in.Offset > 0:
		if in.Limit > 0 {
			f.Limit = in.Limit
		}
		number = f.Offset/f.Limit + 1
	case in.Page > 0 || in.PageSize > 0:
		f.Limit, number = 20, max(in.Page, 1)
		if in.PageSize > 0 {
			f.Limit = in.PageSize
		}
		f.Offset = (number - 1) * f.Limit
	}
	x, _ := exchangeOf(ctx)
	if err := x.acquireBytes(int64(f.Limit) * rowLoad); err != nil {
		return nil, err
	}
	rows, total, err := s.Store.ListJobs(ctx, x.user, in.ProjectID, f)
	if err != nil {
		return nil, err
	}
	jobs := s.jobStates(ctx, x, rows)
	paging := Paging{total, number, f.Limit, f.Offset+len(rows) < total}
	return &listJobsOutput{&jobList{in.ProjectID, len(jobs), paging, jobs, jobs}}, nil
}

// jobStates are the rows of a list as they are sent, of which the load is known now.
func (s *server) jobStates(ctx context.Context, x *exchange, rows []codeforge.Job) []JobState {
	var size int64
	jobs := make([]JobState, len(rows))
	for i := range rows {
		size += int64(len(rows[i].Input) + len(rows[i].Result) + len(rows[i].Clarification))
		jobs[i] = jobOf(&rows[i])
	}
	x.releaseAbove(size)
	s.addPlaces(ctx, jobs)
	return jobs
}

type cancelled struct {
	JobID   string `json:"job_id" format:"uuid"`
	Status  string `json:"status" enum:"cancelled" example:"cancelled"`
	Message string `json:"message" example:"Job cancelled"`
}

type cancelledOutput struct{ Body cancelled }

type cancelInput struct {
	JobPath
	Keep bool `query:"keep" default:"true" doc:"false: what the job changed in the project is taken back, merged with what people changed since; 409 with the paths where that clashes, and then nothing happens."`
}

func (s *server) cancelJob(ctx context.Context, in *cancelInput) (*cancelledOutput, error) {
	u := caller(ctx)
	if in.Keep {
		job, err := s.Jobs.Cancel(ctx, u, in.JobID)
		if err != nil {
			return nil, err
		}
		out := cancelled{job.ID, string(codeforge.JobCancelled), "Job cancelled"}
		if job.Revision != 0 {
			out.Message += fmt.Sprintf(": what it made until then is kept as revision %d", job.Revision)
		} else if job.Proposal != nil {
			out.Message += ": what it made until then waits as a proposal, to be applied or rejected"
		}
		return &cancelledOutput{out}, nil
	}
	job, err := s.Store.GetJob(ctx, u, in.JobID)
	if err == nil && job.Status.Terminal() {
		err = codeforge.InvalidField("status", "job is %s and cannot be cancelled", job.Status)
	}
	if err == nil {
		job, err = s.takeBack(ctx, job)
	}
	if err != nil {
		return nil, err
	}
	return &cancelledOutput{cancelled{job.ID, string(codeforge.JobCancelled), "Job cancelled, and its changes of files taken back; requirements, architecture and status of the project stay as they are"}}, nil
}
