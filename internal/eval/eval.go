package eval

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"sync"
	"time"

	"codeforge"
	"codeforge/internal/client"
	"codeforge/internal/llm"
	"codeforge/internal/server"
)

// Options say what is measured, and with what.
type Options struct {
	Model    string         // provider:model that answers every call, without fallback; "": the routes
	Record   string         // folder that takes the answers, and is asked before the model
	Replay   string         // folder that gives the answers; no model is called
	Answers  string         // folder of written answers, TASK.json, in place of a model's
	Only     *regexp.Regexp // names of tasks; nil: all
	Parallel int            // tasks at once; 0: 4
	Examples int            // apps that become patterns before tasks run with them; 0: a dozen
	Browser  *Browser       // nil: one is started when a task needs it
	Progress io.Writer      // gets a line for each task as it ends; nil: nobody reads
}

// Run runs tasks on a server of its own, whose settings cfg are but for where it listens and keeps its data.
func Run(ctx context.Context, cfg server.Config, tasks []*Task, o Options) (*Report, error) {
	if o.Only != nil {
		tasks = slices.DeleteFunc(slices.Clone(tasks), func(t *Task) bool { return !o.Only.MatchString(t.Name) })
	}
	if o.Progress == nil {
		o.Progress = io.Discard
	}
	if o.Browser == nil {
		var err error
		if o.Browser, err = OpenBrowser(ctx); err != nil {
			return nil, err
		}
		defer o.Browser.Close()
	}
	dir, err := os.MkdirTemp("", "codeforge-eval")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	var models *recorder
	cfg.DataDir, cfg.Port, cfg.LogLevel, cfg.RateLimit, cfg.PreviewLimit = dir, 0, "ERROR", 1<<30, 1<<30
	cfg.Models = func(next llm.Provider) llm.Provider {
		models = newRecorder(&o, next)
		return models
	}
	s, err := server.Open(ctx, &cfg, io.Discard)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	if err := errors.Join(s.Listen(), s.Start(ctx)); err != nil {
		return nil, err
	}
	r := &runner{Client: client.Client{Base: s.URL()}, o: &o, models: models}
	report := &Report{Model: cmp.Or(o.Model, "the routes"), Tasks: make([]Result, len(tasks))}
	if cfg.Patterns == "on" {
		if report.Patterns, err = r.learn(ctx, s); err != nil {
			return nil, err
		}
	}
	began := time.Now()
	r.each(tasks, func(i int, t *Task) {
		report.Tasks[i] = r.task(ctx, t)
		fmt.Fprintln(o.Progress, report.Tasks[i].line())
	})
	report.sum(time.Since(began))
	return report, context.Cause(ctx)
}

type runner struct {
	client.Client
	o      *Options
	models *recorder
}

// each calls do for every task, for as many at once as the options say.
func (r *runner) each(tasks []*Task, do func(i int, t *Task)) {
	places := make(chan struct{}, cmp.Or(r.o.Parallel, 4))
	var all sync.WaitGroup
	for i, t := range tasks {
		places <- struct{}{}
		all.Go(func() {
			defer func() { <-places }()
			do(i, t)
		})
	}
	all.Wait()
}

// task runs one task and judges it.
func (r *runner) task(ctx context.Context, t *Task) Result {
	out := Result{Name: t.Name, Kind: t.Kind, Stack: t.Stack, Size: t.Size}
	began := time.Now()
	run := &taskRun{task: t}
	outcome, err := r.outcome(ctx, run)
	var strayed bool
	out.Used, strayed = r.models.used(run)
	out.Used.Seconds = time.Since(began).Seconds()
	switch {
	case err != nil:
		out.Failed = append(out.Failed, "the task could not be run: "+err.Error())
		return out
	case strayed:
		out.Failed = append(out.Failed, "the recording is of other requests: record anew")
		return out
	}
	for _, c := range t.Checks {
		if err := c.Run(ctx, outcome); err != nil {
			out.Failed = append(out.Failed, c.Name+": "+err.Error())
		}
	}
	out.Passed = len(out.Failed) == 0
	return out
}

// outcome sets a project up, has the steps done, and looks at what is there then.
func (r *runner) outcome(ctx context.Context, run *taskRun) (*Outcome, error) {
	t := run.task
	var project codeforge.Project
	if err := r.Call(ctx, "POST", "/v1/projects", map[string]any{"title": "Office", "description": t.Steps[0].Says[:min(len(t.Steps[0].Says), 200)]}, &project); err != nil {
		return nil, err
	}
	if r.o.Answers != "" {
		var err error
		if run.answers, err = readScript(r.o.Answers, t.Name, r.models.next); err != nil {
			return nil, err
		}
	}
	r.models.begin(project.ID, run)
	o := &Outcome{Before: t.files(), Browser: r.o.Browser}
	path := "/v1/projects/" + project.ID
	if err := r.put(ctx, path, o.Before); err != nil {
		return nil, err
	}
	for _, step := range t.Steps {
		job, err := r.job(ctx, project.ID, step)
		if err != nil {
			return nil, err
		}
		o.Jobs = append(o.Jobs, job)
	}
	return o, r.look(ctx, path, o)
}

// put stores files, in order: jobs are told of the last revisions, and a replay must be told the same.
func (r *runner) put(ctx context.Context, path string, files map[string]string) error {
	for _, p := range slices.Sorted(maps.Keys(files)) {
		body := map[string]any{"path": p, "content": files[p]}
		if codeforge.CheckContent(files[p]) != nil {
			body["content"], body["encoding"] = base64.StdEncoding.EncodeToString([]byte(files[p])), codeforge.EncodingBase64
		}
		if err := r.Call(ctx, "POST", path+"/files", body, new(codeforge.File)); err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
	}
	return nil
}

// look reads what is there.
func (r *runner) look(ctx context.Context, path string, o *Outcome) error {
	var list struct{ Files []codeforge.File }
	if err := r.Call(ctx, "GET", path+"/files", nil, &list); err != nil {
		return err
	}
	o.After = map[string]string{}
	for _, f := range list.Files {
		o.After[f.Path] = f.TreeContent()
	}
	if err := r.Call(ctx, "GET", path+"/check", nil, &o.Report); err != nil {
		return err
	}
	if len(o.After) == 0 {
		return nil
	}
	var preview struct{ URL string }
	err := r.Call(ctx, "GET", path+"/preview", nil, &preview)
	o.Preview = preview.URL
	return err
}

// maxQuestions bounds how often a job is answered.
const maxQuestions = 3

// job has one step done, and answers what is asked as a user does who leaves the choice to others.
func (r *runner) job(ctx context.Context, projectID string, step Step) (Job, error) {
	var submitted struct {
		ID string `json:"job_id"`
	}
	address, body := "/v1/run-agent", map[string]any{"project_id": projectID, "agent_type": step.Agent, "input_context": map[string]any{"user_message": step.Says}}
	if step.Agent == codeforge.Builder {
		address = "/v1/run-pipeline"
	}
	if err := r.Call(ctx, "POST", address, body, &submitted); err != nil {
		return Job{}, err
	}
	for answered := range maxQuestions {
		job, err := r.await(ctx, submitted.ID, answered)
		if err != nil || job.Status != codeforge.Waiting {
			return r.withWords(ctx, projectID, job, err)
		}
		answers := []map[string]string{}
		var asked struct{ Questions []struct{ Question string } }
		if err := json.Unmarshal(job.Result, &asked); err != nil {
			return Job{}, err
		}
		for _, q := range asked.Questions[:min(len(asked.Questions), codeforge.MaxAnswers)] {
			answers = append(answers, map[string]string{"question": q.Question, "answer": "Whatever you think is best."})
		}
		if err := r.Call(ctx, "POST", "/v1/jobs/"+submitted.ID+"/respond", map[string]any{"answers": answers}, new(json.RawMessage)); err != nil {
			return Job{}, err
		}
	}
	job, err := r.await(ctx, submitted.ID, maxQuestions)
	return r.withWords(ctx, projectID, job, err)
}

// await follows a job until it ends, or asks more often than it was answered.
func (r *runner) await(ctx context.Context, id string, answered int) (job Job, err error) {
	for {
		last, asked := "0", 0
		_, streamed := r.Stream(ctx, r.Base+"/v1/jobs/"+id+"/stream", &last, func(kind string, _ []byte) (bool, error) {
			t := codeforge.EventType(kind)
			if t == codeforge.EventWaiting {
				asked++
			}
			return t.Final() || asked > answered, nil
		})
		if ctx.Err() != nil {
			return Job{}, context.Cause(ctx)
		}
		// A stream that has no more to say ends too: what counts is the job.
		if err := r.Call(ctx, "GET", "/v1/jobs/"+id, nil, &job); err != nil {
			return Job{}, errors.Join(err, streamed)
		}
		if job.Status.Terminal() || job.Status == codeforge.Waiting {
			return job, nil
		}
	}
}

// withWords adds what the user is told of a job.
func (r *runner) withWords(ctx context.Context, projectID string, job Job, err error) (Job, error) {
	if err != nil {
		return job, err
	}
	var list struct{ Items []codeforge.Message }
	if err := r.Call(ctx, "GET", "/v1/projects/"+projectID+"/messages?limit=10", nil, &list); err != nil {
		return job, err
	}
	if n := len(list.Items); n > 0 && list.Items[n-1].Role != "user" {
		job.Says = list.Items[n-1].Content
	}
	return job, nil
}
