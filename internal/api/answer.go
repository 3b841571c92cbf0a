package api

import (
	"context"
	"encoding/json"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"codeforge"
)

// answerWait is how long a request is held whose answer a job makes. Web clients give up after a minute.
const answerWait = 50 * time.Second

// resultOutput answers a request whose work is a job: with what the job made, which is a T, or where to go on waiting for it.
type resultOutput[T any] struct {
	Status   int
	Location string `header:"Location" doc:"With 202: where the job is read."`
	Replayed string `header:"Idempotent-Replayed" doc:"true when the Idempotency-Key was used before and this is the job of that time."`
	Body     resultBody[T]
}

// resultBody is the result of a job as the job has it, or an [agentResponse], written before.
type resultBody[T any] struct{ ready []byte }

func (resultBody[T]) Schema(r huma.Registry) *huma.Schema {
	return r.Schema(reflect.TypeFor[T](), true, "")
}

func (b resultBody[T]) encodedJSON() []byte { return b.ready }

// answerByJob submits a job and holds the request until the job has ended, at most [answerWait], or the client leaves. What the
// job made is the answer, whose form is T; one that takes longer, or asks something, answers 202 with where it is read; the error
// of one that failed is the request's. It counts as an event stream, and is counted before there is a job that nobody waits for.
//
// A client that leaves, or a server that stops, leaves the job as it is: it goes on.
func answerByJob[T any](ctx context.Context, s *server, n codeforge.NewJob) (*resultOutput[T], error) {
	x, _ := exchangeOf(ctx)
	st, err := s.openStream(x)
	if err != nil {
		return nil, err
	}
	defer st.Cancel()
	job, fresh, err := s.Jobs.Submit(ctx, x.user, n)
	if err != nil {
		return nil, err
	}
	x.job = job.ID
	out := &resultOutput[T]{Status: 200}
	if !fresh {
		out.Replayed = "true"
	}
	if job, err = s.awaitJob(ctx, x.user, job.ID, job, s.AnswerWait, rests); err != nil {
		return nil, err
	}
	switch job.Status {
	case codeforge.JobCompleted:
		out.Body.ready, err = s.fullResult(ctx, x.user, &job)
		return out, err
	case codeforge.JobFailed:
		return nil, s.failureOf(ctx, x.user, &job)
	case codeforge.JobCancelled:
		e := codeforge.Conflictf("The job that makes this answer was cancelled")
		e.Details = map[string]any{"job_id": job.ID}
		return nil, e
	}
	e := s.estimateOf(ctx, x.user, n.Agent, n.ProjectID)
	out.Status, out.Location = 202, "/v1/jobs/"+job.ID
	var w answerWriter
	err = w.value(&agentResponse{job.ID, string(job.Status), e.estimatedTime(n.Agent), s.streamURL(x, job.ID, job.ID, x.user.ID), e})
	out.Body.ready = w.b
	return out, err
}

// failureOf is the error that a job failed with. It stands in the last entry of the job's log.
func (s *server) failureOf(ctx context.Context, u codeforge.User, job *codeforge.Job) error {
	f := codeforge.JobFailure{Error: job.Error}
	for after := int64(0); ; {
		log, err := s.Store.Events(ctx, u, job.ID, after, failureBatch)
		if err != nil {
			return err
		}
		if len(log) > 0 {
			last := log[len(log)-1]
			if after = last.Seq; last.Type == codeforge.EventError {
				_ = json.Unmarshal(last.Data, &f) // of another program's job the text is enough
			}
		}
		if len(log) < failureBatch {
			break
		}
	}
	e := f.Fault(job.Agent)
	e.Details["job_id"] = job.ID
	return e
}

// failureBatch is how many entries of a log are looked through at once for its end.
const failureBatch = 1000

// resultLater documents the other answer of an operation that answers with a job's result.
var resultLater = map[string]*huma.Response{"202": {Description: "The job takes longer, or asks something: watch it, or read it at Location. Its result is what 200 would have carried.",
	Headers: map[string]*huma.Header{"Location": {Description: "Where the job is read.", Schema: &huma.Schema{Type: huma.TypeString, Format: "uri-reference"}}},
	Content: map[string]*huma.MediaType{"application/json": {Schema: &huma.Schema{Ref: "#/components/schemas/AgentResponse"}}}}}
