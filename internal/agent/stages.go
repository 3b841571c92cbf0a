package agent

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
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
	codeforge.Choice:    (*run).choiceJob,

	codeforge.RoadmapAgent: (*run).roadmapJob,
	codeforge.Refactor:     (*run).refactorJob,
	codeforge.Builder:      (*run).builderJob,
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
	err := r.stage(ctx, codeforge.Research, 0, func(ctx context.Context) (err error) {
		q, doc, err = r.research(ctx, 30)
		return err
	})
	if err != nil {
		return codeforge.Outcome{}, err
	}
	if q != nil {
		return r.waiting(q, q.Message, q.Questions, 50), nil
	}
	return r.completed(doc, fmt.Sprintf("I wrote the requirements of %s: %s, %s.\n\n%s", doc.AppName,
		plural(len(doc.Features), "feature"), plural(len(doc.Audience), "persona"), doc.ElevatorPitch)), nil
}

// research returns either what must be asked first, which a job does at most once, or the requirements, which are
// also in the project from then on.
func (r *run) research(ctx context.Context, clarifying float64) (*asks, requirementsDoc, error) {
	if r.mayAsk() {
		r.report(clarifying)
		p := r.planPrompt("Say whether this can be specified, or ask.", false)
		c, err := ask(ctx, r, codeforge.Research, form.ClarificationForm, p, llm.Request{System: clarifySystem, Effort: "low", MaxOutput: 8_000})
		if err != nil {
			return nil, requirementsDoc{}, err
		}
		if !c.IsComplete && len(c.Questions) > 0 {
			return &asks{false, c.Questions, cmp.Or(c.Message, "A few answers will make the result fit you better.")}, requirementsDoc{}, nil
		}
	}
	if r.task.Job.Agent == codeforge.Research {
		r.stageEnd = 95
	}
	q, err := ask(ctx, r, codeforge.Research, form.RequirementsForm, r.planPrompt("Write the requirements.", true), llm.Request{System: r.toldOfPatterns(researchSystem)})
	if err != nil {
		return nil, requirementsDoc{}, err
	}
	doc := newRequirementsDoc(q)
	r.project.Requirements = form.Marshal(doc)
	r.made.Requirements = r.project.Requirements
	r.reportSpec(codeforge.Research, "requirements", r.made.Requirements)
	return nil, doc, r.keepSpecs(ctx, codeforge.Research)
}

// planPrompt is the message of an agent that plans: of a project that exists it must know what is there, not how it is written.
func (r *run) planPrompt(closing string, patterns bool) *prompt {
	return r.prompt(material{tree: r.tree, overview: true, about: r.about(r.in.idea(r.project)), patterns: patterns, closing: closing})
}

// mayAsk reports whether the user may have to be asked first, which is done once.
func (r *run) mayAsk() bool {
	return !r.asked && len(r.answers) == 0 && !r.in.yes("skip_clarification")
}

// waiting is the outcome of a job that asks. result is an object that holds the questions.
func (r *run) waiting(result any, message string, questions []form.Question, progress float64) codeforge.Outcome {
	doc := r.result(result)
	told := make([]codeforge.Question, len(questions))
	for i, q := range questions {
		told[i] = codeforge.Question{Question: q.Question, Why: q.Why, Options: append([]string{}, q.Options...)}
	}
	return codeforge.Outcome{
		Status: codeforge.Waiting, Progress: progress, Result: doc, Question: form.Marshal(questions), Chat: r.chat(saysOfQuestions(message, questions)),
		Events: []codeforge.Event{event(codeforge.EventWaiting, codeforge.WaitingData{
			StateData: codeforge.StateData{JobID: r.task.Job.ID, Status: codeforge.Waiting, Progress: progress}, Result: doc, Questions: told})},
	}
}

// wireframe

func (r *run) wireframeJob(ctx context.Context) (codeforge.Outcome, error) {
	var doc architectureDoc
	err := r.stage(ctx, codeforge.Wireframe, 0, func(ctx context.Context) (err error) {
		doc, err = r.wireframe(ctx)
		return err
	})
	if err != nil {
		return codeforge.Outcome{}, err
	}
	return r.completed(doc, "I laid out "+doc.Summary+"."), nil
}

func (r *run) wireframe(ctx context.Context) (architectureDoc, error) {
	a, err := ask(ctx, r, codeforge.Wireframe, form.ArchitectureForm, r.planPrompt("Lay out the app.", true), llm.Request{System: r.toldOfPatterns(wireframeSystem)})
	if err != nil {
		return architectureDoc{}, err
	}
	doc := newArchitectureDoc(a)
	doc.Decisions = addDecisions(specObject(r.project.Architecture), nil)
	r.project.Architecture = form.Marshal(doc)
	r.made.Architecture = r.project.Architecture
	r.reportSpec(codeforge.Wireframe, "architecture", r.made.Architecture)
	return doc, r.keepSpecs(ctx, codeforge.Wireframe)
}

// pedagogy

func (r *run) pedagogyJob(ctx context.Context) (codeforge.Outcome, error) {
	var doc lessonDoc
	err := r.stage(ctx, codeforge.Pedagogy, 0, func(ctx context.Context) error {
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
	tree := r.tree
	if code := r.in.code(r.in.text("file_path")); len(code) > 0 {
		tree = treeOf(code)
	}
	p := r.prompt(material{tree: tree, about: r.about(q), numbered: true, question: q, closing: "Guide the learner with a lesson on the question."})
	c := &consultation{r: r, stage: codeforge.Pedagogy, box: r.newToolbox(codeforge.Pedagogy, tree, readingTools)}
	return consult(ctx, c, form.LessonForm, p, llm.Request{System: pedagogySystem})
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

	Evidence codeforge.Evidence `json:"evidence,omitempty"` // how far the files are known to get
	Summary  string             `json:"summary"`
}

// pipelineStage runs a stage of a pipeline, unless it stands before the one that the input's start_at names: what those make the
// project has already.
func (r *run) pipelineStage(ctx context.Context, s codeforge.AgentType, round int, do func(context.Context) error) error {
	stages := r.task.Job.Agent.Agent().Stages
	if slices.Index(stages, s) < slices.Index(stages, codeforge.AgentType(r.in.text(startAt))) {
		return nil
	}
	return r.stage(ctx, s, round, do)
}

// builderJob runs research, wireframe, code and qa. What qa finds goes back to code, for at most reviewRounds reviews; what is
// left then is told in the result and fails nothing, since the code builds.
func (r *run) builderJob(ctx context.Context) (codeforge.Outcome, error) {
	var q *asks
	if err := r.pipelineStage(ctx, codeforge.Research, 0, func(ctx context.Context) (err error) {
		q, _, err = r.research(ctx, 15)
		return err
	}); err != nil {
		return codeforge.Outcome{}, err
	}
	if q != nil {
		return r.waiting(q, q.Message, q.Questions, 15), nil
	}
	r.report(20)
	if err := r.pipelineStage(ctx, codeforge.Wireframe, 0, func(ctx context.Context) error {
		_, err := r.wireframe(ctx)
		return err
	}); err != nil {
		return codeforge.Outcome{}, err
	}
	r.report(40)
	d := pipelineDoc{Code: codeDoc{Summary: "Reviewed the project as it is.", Dependencies: []string{}, Diagnostics: []diagnostic{}}}
	if err := r.pipelineStage(ctx, codeforge.Code, 0, func(ctx context.Context) (err error) {
		d.Code, err = r.code(ctx, 0, nil)
		r.wrote = true
		return err
	}); err != nil {
		if f, ok := errors.AsType[*buildFailure](err); ok {
			err = r.buildFailed(f)
		}
		return codeforge.Outcome{}, err
	}
	r.report(60)
	if err := r.reviewAndRepair(ctx, &d); err != nil {
		return codeforge.Outcome{}, err
	}
	r.report(80)
	d.Requirements, d.Architecture = r.project.Requirements, r.project.Architecture
	d.Code.Files = r.fileDocs()
	d.Evidence = r.keep.evidence
	d.Code.Evidence = nil
	d.Summary = d.Code.Summary
	return r.completed(d, r.saysOfCode(d.Code, &d.QA)), nil
}

// reviewAndRepair has the code reviewed, and what was found answered, until nothing serious is open, the rounds are used up, or a
// round of repair changed nothing: then there is nothing new to judge, and what was declined stays declined. What the work broke
// goes back once more after the last review, so that no round of repair leaves something worse than it was.
func (r *run) reviewAndRepair(ctx context.Context, d *pipelineDoc) error {
	reviewer := r.newReviewer(r.tree)
	var findings []form.Finding
	for round := 0; ; round++ {
		if err := r.stage(ctx, codeforge.QA, round, func(ctx context.Context) (err error) {
			d.QA, err = reviewer.review(ctx, round, findings)
			return err
		}); err != nil {
			return err
		}
		d.Iterations, r.made.QA = round+1, &d.QA
		last := round+1 == r.reviewRounds
		if findings = reviewer.backToCoder(&d.QA, last); len(findings) == 0 {
			return nil
		}
		err := r.stage(ctx, codeforge.Code, round+1, func(ctx context.Context) error {
			doc, err := r.code(ctx, round+1, findings)
			if err == nil && !r.wrote { // what it did is all that this job did
				d.Code, r.wrote = doc, true
				d.Code.Summary = "Reviewed the project again. " + doc.Summary
			}
			return err
		})
		if err != nil { // half a repair is worth less than the code that did build
			r.backToKept()
		}
		if _, ok := errors.AsType[*buildFailure](err); ok {
			r.log("The repairs did not build; keeping the code before them")
			return nil
		}
		if err != nil {
			return err
		}
		if last || maps.Equal(reviewer.seen, r.tree.files) {
			d.QA.answered(findings)
			return nil
		}
	}
}
