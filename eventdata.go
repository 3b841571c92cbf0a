package codeforge

import "encoding/json"

// The data of events is one of the types here, as JSON: whoever tells of something makes one, and the document of the API is made of
// them. A member may be added; one that is there keeps its meaning.

// StateData is how a job is: the data of [EventProgress] and [EventCancelled].
type StateData struct {
	JobID    string    `json:"job_id" format:"uuid"`
	Status   JobStatus `json:"status" enum:"queued,running,waiting_for_input,completed,failed,cancelled"`
	Progress float64   `json:"progress" minimum:"0" maximum:"100"`
}

// State is the data that tells how a job is.
func (j *Job) State() json.RawMessage {
	b, _ := json.Marshal(StateData{j.ID, j.Status, j.Progress}) // a progress that is no number cannot be stored
	return b
}

// CompleteData is the data of [EventComplete]. The result is put in when it is sent.
type CompleteData struct {
	StateData
	Result json.RawMessage `json:"result,omitempty" doc:"As a read of the job has it. The stream of all of one's jobs leaves it out."`
}

// JobFailure is the data of an [EventError]: how a job failed, as its watchers read it, and the error that it was.
type JobFailure struct {
	JobID  string    `json:"job_id" format:"uuid"`
	Status JobStatus `json:"status" enum:"failed"`
	Error  string    `json:"error" doc:"Why, for people."`
	Reason string    `json:"reason,omitempty" enum:"error,timeout"`

	Kind         Kind           `json:"kind,omitempty" doc:"Of what kind the error is, such as external_service or agent_failed."`
	Details      map[string]any `json:"details,omitempty" doc:"What more is known of it."`
	RetryAfterMS int64          `json:"retry_after_ms,omitempty" doc:"After how long another try makes sense."`
}

// WaitingData is the data of [EventWaiting].
type WaitingData struct {
	StateData
	Result    json.RawMessage `json:"result" doc:"What the job has by now, an object with its questions."`
	Questions []Question      `json:"questions"`
}

// Question is one that a job asks.
type Question struct {
	Question string   `json:"question"`
	Why      string   `json:"why" doc:"What the answer decides."`
	Options  []string `json:"options" doc:"Likely answers, the recommended one first."`
}

// StageData is the data of [EventStage].
type StageData struct {
	Stage  AgentType `json:"stage"`
	Status string    `json:"status" enum:"started,completed"`
	Title  string    `json:"title" doc:"What is done, for people."`
	Round  int       `json:"round" doc:"Of code and review, as of what is kept; 0: the first."`
}

// FileData is the data of [EventFile]: a file of the working tree as it is now, and what was done to it.
type FileData struct {
	Path     string `json:"path"`
	Action   string `json:"action" enum:"created,updated,deleted,merged,restored" doc:"merged: people's changes came in; restored: as it was kept last."`
	Language string `json:"language"`
	Bytes    int    `json:"bytes"`
	Lines    int    `json:"lines"`
	Added    int    `json:"added" doc:"Lines, since it was told of before."`
	Removed  int    `json:"removed"`

	MovedFrom string `json:"moved_from,omitempty" doc:"Of one that is created, with most of its text."`
	MovedTo   string `json:"moved_to,omitempty" doc:"Of one that is deleted."`
}

// ToolData is the data of [EventTool].
type ToolData struct {
	Stage    AgentType `json:"stage"`
	Name     string    `json:"name"`
	Argument string    `json:"argument" doc:"The path or what else it is about, shortened."`
	OK       bool      `json:"ok"`
	Answer   string    `json:"answer" doc:"In one line."`
}

// SpecData is the data of [EventSpec].
type SpecData struct {
	Stage    AgentType       `json:"stage"`
	Kind     string          `json:"kind" enum:"requirements,architecture"`
	Document json.RawMessage `json:"document" doc:"The specification, an object."`
}

// FindingData is the data of [EventFinding]: one issue of a review.
type FindingData struct {
	Stage       AgentType `json:"stage"`
	Round       int       `json:"round"`
	ID          string    `json:"id" doc:"By which later rounds name it."`
	Severity    string    `json:"severity" enum:"critical,high,medium,low"`
	Category    string    `json:"category"`
	FilePath    string    `json:"file_path" doc:"Empty: the whole project."`
	LineHint    int       `json:"line_hint" doc:"From 1; 0: no line is meant."`
	Description string    `json:"description"`
	Suggestion  string    `json:"suggestion"`
	Status      string    `json:"status,omitempty" doc:"What the developer says of it: fixed or declined."`
	Reason      string    `json:"reason,omitempty"`
	File        string    `json:"file" doc:"The same as file_path."`
	Line        int       `json:"line" doc:"The same as line_hint."`
	Message     string    `json:"message" doc:"The same as description."`
}

// ReviewData is the data of [EventReview].
type ReviewData struct {
	Stage   AgentType `json:"stage"`
	Round   int       `json:"round" doc:"Of the code that was reviewed."`
	Passed  bool      `json:"passed"`
	Score   int       `json:"score" minimum:"0" maximum:"100"`
	Issues  int       `json:"issues"`
	Summary string    `json:"summary"`
}

// CheckData is the data of [EventCheck].
type CheckData struct {
	Stage       AgentType       `json:"stage"`
	OK          bool            `json:"ok"`
	Count       int             `json:"count" doc:"Of all diagnostics."`
	Diagnostics []JobDiagnostic `json:"diagnostics" doc:"The first few."`
	Evidence    Evidence        `json:"evidence,omitempty"`
}

// GuardData is the data of [EventGuard].
type GuardData struct {
	Stage   AgentType `json:"stage"`
	Guard   string    `json:"guard" enum:"placeholder,shrink,deletion,secret,loop,instructions,bound"`
	Action  string    `json:"action" enum:"refused,objected,noted,ended"`
	Path    string    `json:"path,omitempty"`
	Message string    `json:"message"`
}

// UsageData is the data of [EventUsage]: what one answer took. Costs are of this time: an answer that is replayed cost nothing.
type UsageData struct {
	Stage    AgentType `json:"stage"`
	Provider string    `json:"provider"`
	Model    string    `json:"model" doc:"As served."`
	Usage
	Missing      bool   `json:"missing,omitempty" doc:"The provider told of no tokens."`
	Partial      bool   `json:"partial,omitempty" doc:"The provider told of some of the tokens."`
	CostMicroUSD *int64 `json:"cost_micro_usd" doc:"In millionths of a dollar; null: not known."`
	Estimated    bool   `json:"estimated" doc:"The cost is a guess."`
	LatencyMS    int64  `json:"latency_ms"`
	FirstTokenMS int64  `json:"first_token_ms" doc:"0: not known."`
	Replayed     bool   `json:"replayed" doc:"It came from the job's journal."`
	OwnKey       bool   `json:"own_key,omitempty" doc:"The user's own key paid."`
}

// CallRetryData is the data of an [EventRetry] of a model call: an attempt that gave no answer, or that was not made.
type CallRetryData struct {
	Stage        AgentType `json:"stage"`
	Provider     string    `json:"provider"`
	Model        string    `json:"model"`
	Kind         string    `json:"kind" doc:"What went wrong, such as rate_limit, timeout or server_error."`
	Status       int       `json:"status" doc:"Of the provider's answer; 0: there was none."`
	WaitMS       int64     `json:"wait_ms"`
	Next         string    `json:"next" enum:"retry,fallback," doc:"The same model again, or the next one of the chain; empty: this was the last."`
	Attempt      int       `json:"attempt" doc:"Of the call, from 1; 0: it was not made."`
	Skipped      string    `json:"skipped,omitempty" doc:"Why it was not made."`
	Reason       string    `json:"reason"`
	CostMicroUSD int64     `json:"cost_micro_usd,omitempty"`
	OwnKey       bool      `json:"own_key,omitempty" doc:"The user's own key was used."`
}

// JobRetryData is the data of an [EventRetry] of the job: it goes back to the queue, to be tried again.
type JobRetryData struct {
	Attempt int    `json:"attempt" doc:"The one that comes, from 2."`
	Of      int    `json:"of" doc:"How many it has at most."`
	WaitMS  int64  `json:"wait_ms"`
	Reason  string `json:"reason"`
}

// RestartData is the data of [EventRestart].
type RestartData struct {
	Stage  AgentType `json:"stage"`
	Model  string    `json:"model" doc:"That answers from here on, as far as it is known."`
	Reason string    `json:"reason"`
}

// KeptData is the data of [EventKept]: what a stage left in the project.
type KeptData struct {
	Stage    AgentType `json:"stage"`
	Round    int       `json:"round" doc:"0: the first."`
	Revision int64     `json:"revision,omitempty" doc:"Left out: specifications alone, or a proposal."`
	Proposal bool      `json:"proposal,omitempty" doc:"The files wait for somebody to apply them."`
	Files    []string  `json:"files,omitempty" doc:"That changed."`
}

// ConflictData is the data of [EventConflict]: what a job and people both changed.
type ConflictData struct {
	Base      int64           `json:"base" doc:"The revision that both started from."`
	Revision  int64           `json:"revision" doc:"What people made of it."`
	Conflicts []ConflictPlace `json:"conflicts"`
}

// ConflictPlace is a place that a job and people both changed, as it is shown to those who settle it. A side that is null has no such
// file.
type ConflictPlace struct {
	Path   string  `json:"path"`
	Line   int     `json:"line,omitempty" doc:"Where it stands in the people's text; left out: it is the whole file."`
	Before *string `json:"before,omitempty" doc:"What stood there before."`
	People *string `json:"people" doc:"null: they have no such file."`
	Job    *string `json:"job" doc:"null: it has no such file."`
	Beside string  `json:"beside,omitempty" doc:"Files of the people that path cannot lie beside."`
}

// DeltaData is the data of [EventDelta].
type DeltaData struct {
	Stage AgentType `json:"stage"`
	Text  string    `json:"text"`
}

// FileDeltaData is the data of [EventFileDelta]: a piece of the text that a call writes into a file.
type FileDeltaData struct {
	Stage  AgentType `json:"stage"`
	Path   string    `json:"path"`
	Tool   string    `json:"tool" enum:"write_file,edit_file" doc:"write_file: of the whole file; edit_file: of what takes a place in it."`
	Offset int       `json:"offset" doc:"Bytes before it; 0: another text begins."`
	Text   string    `json:"text"`
}

// QueueData is the data of [EventQueue].
type QueueData struct {
	JobID      string     `json:"job_id" format:"uuid"`
	Place      int        `json:"place" doc:"1: the next."`
	WaitingFor WaitReason `json:"waiting_for" enum:"free_worker,project,agent_limit,user_limit,retry,recovery,no_worker_running"`
	Reason     string     `json:"reason" doc:"The same in words."`
}

// LogData is the data of [EventLog].
type LogData struct {
	Message string `json:"message"`
}
