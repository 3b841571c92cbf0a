package agent

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"codeforge"
	"codeforge/internal/agent/form"
	"codeforge/internal/llm"
)

// runs are what the agents do.
var runs = map[codeforge.AgentType]func(*run, context.Context) (codeforge.Outcome, error){
	codeforge.Research:  (*run).researchJob,
	codeforge.Wireframe: (*run).wireframeJob,
	codeforge.Code:      (*run).codeJob,
	codeforge.QA:        (*run).qaJob,
	codeforge.Pedagogy:  (*run).pedagogyJob,
	codeforge.Builder:   (*run).builderJob,
}

// research

// asks is what a job that waits for the user returns.
type asks struct {
	IsComplete bool            `json:"is_complete"`
	Questions  []form.Question `json:"questions"`
	Message    string          `json:"message"`
}

func (r *run) researchJob(ctx context.Context) (codeforge.Outcome, error) {
	var q *asks
	var doc requirementsDoc
	err := r.stage(codeforge.Research, 0, func() (err error) {
		q, doc, err = r.research(ctx, 30)
		return err
	})
	if err != nil {
		return codeforge.Outcome{}, err
	}
	if q != nil {
		return r.waiting(q, q.Questions, 50), nil
	}
	return r.completed(doc, fmt.Sprintf("I wrote the requirements of %s: %s, %s.\n\n%s", doc.AppName,
		plural(len(doc.Features), "feature"), plural(len(doc.Audience), "persona"), doc.ElevatorPitch)), nil
}

// research returns either what must be asked first, which a job does at most once, or the requirements, which are
// also in the project from then on.
func (r *run) research(ctx context.Context, clarifying float64) (*asks, requirementsDoc, error) {
	p := r.prompt()
	p.json(form.SectionRequirements, r.project.Requirements)
	if !r.asked && len(r.answers) == 0 && !r.in.yes("skip_clarification") {
		r.report(clarifying)
		c, err := ask(ctx, r, codeforge.Research, form.ClarificationForm, p, llm.Request{System: system("clarify"), Effort: "low", MaxOutput: 8_000})
		if err != nil {
			return nil, requirementsDoc{}, err
		}
		if !c.IsComplete && len(c.Questions) > 0 {
			return &asks{false, c.Questions, cmp.Or(c.Message, "A few answers will make the result fit you better.")}, requirementsDoc{}, nil
		}
	}
	if len(r.answers) > 0 {
		p.json(form.SectionAnswers, r.answers)
	}
	p.sentence("Write the requirements.")
	q, err := ask(ctx, r, codeforge.Research, form.RequirementsForm, p, llm.Request{System: system("research")})
	if err != nil {
		return nil, requirementsDoc{}, err
	}
	doc := newRequirementsDoc(q)
	r.project.Requirements = form.Marshal(doc)
	r.made.Requirements = r.project.Requirements
	return nil, doc, r.keepSpecs(ctx, codeforge.Research)
}

// waiting is the outcome of a job that asks. result is an object that holds the questions.
func (r *run) waiting(result any, questions []form.Question, progress float64) codeforge.Outcome {
	doc := r.result(result)
	return codeforge.Outcome{
		Status: codeforge.Waiting, Progress: progress, Result: doc, Question: form.Marshal(questions),
		Events: []codeforge.Event{event(codeforge.EventWaiting, map[string]any{"job_id": r.task.Job.ID,
			"status": codeforge.Waiting, "progress": progress, "result": doc, "questions": questions})},
	}
}

// wireframe

func (r *run) wireframeJob(ctx context.Context) (codeforge.Outcome, error) {
	var doc architectureDoc
	err := r.stage(codeforge.Wireframe, 0, func() (err error) {
		doc, err = r.wireframe(ctx)
		return err
	})
	if err != nil {
		return codeforge.Outcome{}, err
	}
	return r.completed(doc, "I laid out "+doc.Summary+"."), nil
}

func (r *run) wireframe(ctx context.Context) (architectureDoc, error) {
	p := r.prompt()
	p.json(form.SectionRequirements, r.project.Requirements)
	p.json(form.SectionArchitecture, r.project.Architecture)
	p.sentence("Lay out the app.")
	a, err := ask(ctx, r, codeforge.Wireframe, form.ArchitectureForm, p, llm.Request{System: system("wireframe")})
	if err != nil {
		return architectureDoc{}, err
	}
	doc := newArchitectureDoc(a)
	r.project.Architecture = form.Marshal(doc)
	r.made.Architecture = r.project.Architecture
	return doc, r.keepSpecs(ctx, codeforge.Wireframe)
}

// pedagogy

func (r *run) pedagogyJob(ctx context.Context) (codeforge.Outcome, error) {
	var doc lessonDoc
	err := r.stage(codeforge.Pedagogy, 0, func() error {
		l, err := r.pedagogy(ctx)
		doc = newLessonDoc(l)
		return err
	})
	if err != nil {
		return codeforge.Outcome{}, err
	}
	var says strings.Builder
	says.WriteString(doc.Encouragement + "\n")
	for _, s := range doc.Steps {
		fmt.Fprintf(&says, "\n%d. %s", s.Number, s.Question)
	}
	fmt.Fprintf(&says, "\n\n%s", doc.KeyConcept)
	return r.completed(doc, says.String()), nil
}

func (r *run) pedagogy(ctx context.Context) (form.Lesson, error) {
	q := cmp.Or(r.in.words("question", "message", "user_message"), "What should I understand first about how this project works, and why was it built this way?")
	p := r.prompt()
	p.json(form.SectionRequirements, r.project.Requirements)
	p.json(form.SectionArchitecture, r.project.Architecture)
	tree := r.tree
	if code := r.in.code(r.in.text("file_path")); len(code) > 0 {
		tree = treeOf(code)
	}
	p.files(tree, r.about(q), nil)
	p.text(form.SectionQuestion, q)
	p.sentence("Guide the learner with a lesson on the question.")
	return ask(ctx, r, codeforge.Pedagogy, form.LessonForm, p, llm.Request{System: system("pedagogy")})
}

// treeOf is a tree of given files, none of them changed.
func treeOf(files map[string]string) *tree { return &tree{base: files, files: files} }

// pipeline

type pipelineDoc struct {
	Requirements json.RawMessage `json:"requirements_spec"`
	Architecture json.RawMessage `json:"architecture_spec"`
	Code         codeDoc         `json:"generated_code"`
	QA           qaDoc           `json:"qa_result"`
	Iterations   int             `json:"iterations"` // reviews
	Summary      string          `json:"summary"`
}

// builderJob runs research, wireframe, code and qa. What qa finds goes back to code, for at most maxIterations
// reviews; what is left then is told in the result and fails nothing, since the code builds.
func (r *run) builderJob(ctx context.Context) (codeforge.Outcome, error) {
	var q *asks
	if err := r.stage(codeforge.Research, 0, func() (err error) {
		q, _, err = r.research(ctx, 15)
		return err
	}); err != nil {
		return codeforge.Outcome{}, err
	}
	if q != nil {
		return r.waiting(q, q.Questions, 15), nil
	}
	r.report(20)
	if err := r.stage(codeforge.Wireframe, 0, func() error {
		_, err := r.wireframe(ctx)
		return err
	}); err != nil {
		return codeforge.Outcome{}, err
	}
	r.report(40)

	d := pipelineDoc{Requirements: r.project.Requirements, Architecture: r.project.Architecture}
	var explained = map[string]string{}
	var failed *buildFailure
	for round := 1; ; round++ {
		err := r.stage(codeforge.Code, round, func() error {
			c, f, err := r.code(ctx, round, d.QA.Issues, explained)
			if failed = f; err == nil && f == nil {
				if d.Iterations > 0 { // the first summary tells of the app, a later one of repairs
					c.Summary = form.Shorten(d.Code.Summary+" Then: "+c.Summary, maxSummary)
				}
				d.Code = c
			}
			return err
		})
		if err != nil {
			if round > 1 { // half a repair is worth less than the code that did build
				r.backToKept()
			}
			return codeforge.Outcome{}, err
		}
		if failed != nil && round == 1 {
			return codeforge.Outcome{}, r.buildFailed(failed)
		}
		if failed != nil { // repairs that do not build are worth less than the code that did
			r.log("The repairs did not build; keeping the code before them")
			r.backToKept()
			break
		}
		if round == 1 {
			r.report(60)
		}
		if err := r.stage(codeforge.QA, round, func() (err error) {
			d.QA, err = r.qa(ctx, r.tree, round)
			return err
		}); err != nil {
			return codeforge.Outcome{}, err
		}
		d.Iterations, r.made.QA = round, &d.QA
		if d.QA.Passed || round == r.maxIterations {
			break
		}
	}
	r.report(80)
	d.Code.Files = r.fileDocs(explained)
	d.Summary = d.Code.Summary
	says := d.Summary
	if d.QA.Passed {
		says += fmt.Sprintf("\n\nThe review passed with a score of %d.", d.QA.Score)
	} else {
		says += fmt.Sprintf("\n\nThe code builds, but the review left %s: %s", plural(len(d.QA.Issues), "issue"), d.QA.Summary)
	}
	return r.completed(d, says), nil
}
