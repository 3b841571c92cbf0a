package api

import (
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"codeforge"
)

// What event streams say, for the document: a schema for the events of each of the three, made of the types that the events' data is
// written from.

// readyData is where a feed begins.
type readyData struct {
	ProjectID string              `json:"project_id,omitempty" format:"uuid"`
	Jobs      []codeforge.OpenJob `json:"jobs" doc:"The newest 100 that have not ended."`
	More      bool                `json:"more" doc:"There are others."`
}

type resetData struct {
	Reason string `json:"reason"`
}

type droppedData struct {
	JobID     string `json:"job_id,omitempty" format:"uuid"`
	ProjectID string `json:"project_id,omitempty" format:"uuid"`
	Reason    string `json:"reason" doc:"Why the server ends the stream."`
}

// ProjectChange is what the data of most changes has.
type ProjectChange struct {
	ProjectID string    `json:"project_id" doc:"Empty: the job is gone since."`
	At        time.Time `json:"at"`
}

type revisionData struct {
	ProjectChange
	Revision     int64  `json:"revision"`
	JobID        string `json:"job_id,omitempty" format:"uuid" doc:"The job that made it."`
	Author       string `json:"author" doc:"user, or the agent type that wrote it."`
	Message      string `json:"message"`
	FilesChanged int    `json:"files_changed"`
}

type messageData struct {
	codeforge.Message
	Truncated bool `json:"truncated,omitempty" doc:"The content is longer."`
}

type messageDeletedData struct {
	ProjectChange
	ID string `json:"id" format:"uuid"`
}

type projectData struct {
	ProjectChange
	Fields []string `json:"fields" doc:"That have other values."`
}

type webhookData struct {
	ProjectID *string   `json:"project_id" format:"uuid" doc:"null: of all projects."`
	At        time.Time `json:"at"`
	WebhookID string    `json:"webhook_id" format:"uuid"`
	Disabled  string    `json:"disabled" doc:"Why the server disabled it."`
}

type jobData struct {
	ProjectChange
	JobID  string `json:"job_id" format:"uuid"`
	Agent  string `json:"agent_type" doc:"Empty: the job is gone since."`
	Status string `json:"status" enum:"queued,running,waiting_for_input,completed,failed,cancelled"`
}

// ofJob is what feeds add to the data of a job's event.
type ofJob struct {
	JobID string `json:"job_id" format:"uuid"`
	Seq   int64  `json:"seq,omitempty" doc:"Number of the event in its job; those that are not stored have none."`
}

// eventDoc is an event of a stream, as the document has it.
type eventDoc struct {
	name   string
	says   string
	data   reflect.Type
	stored bool // it has an id, and comes again to who missed it
}

func storedEvent[D any](name codeforge.EventType, says string) eventDoc {
	return eventDoc{string(name), says, reflect.TypeFor[D](), true}
}

func passingEvent[D any](name codeforge.EventType, says string) eventDoc {
	return eventDoc{string(name), says, reflect.TypeFor[D](), false}
}

var jobEvents = []eventDoc{
	storedEvent[codeforge.StateData](codeforge.EventProgress, "The job began, is so far, or went back to the queue."),
	storedEvent[codeforge.CompleteData](codeforge.EventComplete, "The job's end: it did its work."),
	storedEvent[codeforge.JobFailure](codeforge.EventError, "The job's end: it failed."),
	storedEvent[codeforge.StateData](codeforge.EventCancelled, "The job's end: it was cancelled."),
	storedEvent[codeforge.WaitingData](codeforge.EventWaiting, "The job asks, and goes on when it is answered."),
	storedEvent[codeforge.StageData](codeforge.EventStage, "A stage of the work began or ended."),
	storedEvent[codeforge.FileData](codeforge.EventFile, "A file of the working tree was written, edited or deleted."),
	storedEvent[codeforge.ToolData](codeforge.EventTool, "A tool was called, and answered."),
	storedEvent[codeforge.SpecData](codeforge.EventSpec, "A specification was written."),
	storedEvent[codeforge.CheckData](codeforge.EventCheck, "The working tree was verified."),
	storedEvent[codeforge.FindingData](codeforge.EventFinding, "A review found an issue."),
	storedEvent[codeforge.ReviewData](codeforge.EventReview, "A review came to its end."),
	storedEvent[codeforge.GuardData](codeforge.EventGuard, "A guard acted on what a model did."),
	storedEvent[codeforge.UsageData](codeforge.EventUsage, "A model answered; what it took."),
	storedEvent[codeforge.CallRetryData](codeforge.EventRetry, "A call of a model gave no answer, or was not made."),
	storedEvent[codeforge.JobRetryData](codeforge.EventRetry, "The job is tried again."),
	storedEvent[codeforge.RestartData](codeforge.EventRestart, "What was shown of an answer on its way (delta, file_delta) is void."),
	storedEvent[codeforge.KeptData](codeforge.EventKept, "What a stage made is in the project, or proposed to it."),
	storedEvent[codeforge.ConflictData](codeforge.EventConflict, "The job and people changed the same places."),
	passingEvent[codeforge.DeltaData](codeforge.EventDelta, "Words of an answer as they come."),
	passingEvent[codeforge.FileDeltaData](codeforge.EventFileDelta, "Text of a file as it is written."),
	passingEvent[codeforge.LogData](codeforge.EventLog, "A line for whoever watches."),
	passingEvent[codeforge.QueueData](codeforge.EventQueue, "Where a queued job stands, when that changes."),
}

var (
	droppedEvent  = passingEvent[droppedData]("dropped", "The server ends the stream, which is not at its end: come back with the last id.")
	readyEvent    = storedEvent[readyData]("ready", "The stream begins here.")
	resetEvent    = storedEvent[resetData]("reset", "What happened since the id that was given is not kept: read anew what you hold. ready follows.")
	jobEvent      = storedEvent[jobData](codeforge.EventType(codeforge.ChangedJob), "A job began, went back to the queue, waits, or ended.")
	projectEvents = []eventDoc{readyEvent, resetEvent, droppedEvent, jobEvent,
		storedEvent[revisionData](codeforge.EventType(codeforge.ChangedRevision), "The files have a new revision."),
		storedEvent[messageData](codeforge.EventType(codeforge.ChangedMessage), "A line was added to the conversation."),
		storedEvent[messageDeletedData]("message_deleted", "A line of the conversation is gone."),
		storedEvent[projectData](codeforge.EventType(codeforge.ChangedProject), "Fields of the project have other values."),
		storedEvent[webhookData](codeforge.EventType(codeforge.ChangedWebhook), "The server disabled a webhook."),
	}
	userEvents = []eventDoc{readyEvent, resetEvent, droppedEvent, jobEvent}
)

// inUserFeed are the events of a job that tell how it is: see the package events, whose feed of a user has no others.
var inUserFeed = map[codeforge.EventType]bool{codeforge.EventProgress: true, codeforge.EventComplete: true, codeforge.EventError: true, codeforge.EventCancelled: true,
	codeforge.EventWaiting: true, codeforge.EventStage: true, codeforge.EventRetry: true, codeforge.EventKept: true, codeforge.EventConflict: true}

// eventSchemas adds the events of the streams to the document.
func (s *server) eventSchemas() {
	r := s.huma.OpenAPI().Components.Schemas
	r.RegisterTypeAlias(reflect.TypeFor[codeforge.AgentType](), reflect.TypeFor[jobAgent]())
	job, project, user := newEventUnion(r, "An event of a job."), newEventUnion(r, "An event of a project, or of one of its jobs."), newEventUnion(r, "How one of the caller's jobs is.")
	for _, e := range jobEvents {
		job.add(e, false)
		if e.name != string(codeforge.EventQueue) { // of a single job
			project.add(e, true)
		}
		if inUserFeed[codeforge.EventType(e.name)] {
			user.add(e, true)
		}
	}
	job.add(droppedEvent, false)
	for _, e := range projectEvents {
		project.add(e, false)
	}
	for _, e := range userEvents {
		user.add(e, false)
	}
	schemas := r.Map()
	schemas["JobEvent"], schemas["ProjectEvent"], schemas["UserEvent"] = job.Schema, project.Schema, user.Schema
}

// eventUnion is the schema of the events of a stream: of each the fields of its frame, data as what its text holds.
type eventUnion struct {
	*huma.Schema
	registry huma.Registry
}

func newEventUnion(r huma.Registry, says string) eventUnion {
	return eventUnion{&huma.Schema{Description: says + " Names that are not here may come: pass over them."}, r}
}

// add adds an event, or another form of the data of the one before, which has its name. In feeds, the data of a job's event says which
// job it is of.
func (u eventUnion) add(e eventDoc, inFeed bool) {
	data := u.open(e.data)
	if inFeed {
		data = &huma.Schema{AllOf: []*huma.Schema{data, u.open(reflect.TypeFor[ofJob]())}}
	}
	if n := len(u.OneOf) - 1; n >= 0 && u.OneOf[n].Properties["event"].Enum[0] == e.name {
		before := u.OneOf[n]
		before.Description += " Or: " + e.says
		before.Properties["data"] = &huma.Schema{AnyOf: []*huma.Schema{before.Properties["data"], data}}
		return
	}
	frame := &huma.Schema{Type: huma.TypeObject, Description: e.says, Required: []string{"event", "data"}, AdditionalProperties: false,
		Properties: map[string]*huma.Schema{"event": {Type: huma.TypeString, Enum: []any{e.name}}, "data": data}}
	if e.stored {
		frame.Properties["id"] = &huma.Schema{Type: huma.TypeString}
		frame.Required = append(frame.Required, "id")
	}
	u.OneOf = append(u.OneOf, frame)
}

// open is the schema of an event's data, to which members may be added.
func (u eventUnion) open(data reflect.Type) *huma.Schema {
	ref := u.registry.Schema(data, true, "")
	u.registry.SchemaFromRef(ref.Ref).AdditionalProperties = nil
	return ref
}

// eventsAnswer is an answer that is a stream of events. The media type's schema is that of each of them.
func eventsAnswer(schema, name, id string, data any) *huma.Response {
	return &huma.Response{Description: "The events, each a frame with the fields event, id and data; data is JSON. The schema is that of one of them.",
		Content: map[string]*huma.MediaType{"text/event-stream": {Schema: &huma.Schema{Ref: "#/components/schemas/" + schema},
			Example: map[string]any{"event": name, "id": id, "data": data}}}}
}
