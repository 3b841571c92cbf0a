package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"codeforge"
	"codeforge/internal/agent/form"
	"codeforge/internal/llm"
)

// What learners get beside lessons.

// roadmapDoc is the result of planning a roadmap: as the model made it, and as the project has it from then on.
type roadmapDoc struct {
	form.Roadmap
	Stored roadmapRow `json:"roadmap"`
	Total  int        `json:"total_modules"`
	Hours  float64    `json:"total_estimated_hours"`

	Summary string `json:"summary"`
}

// roadmapRow is a roadmap as it is read later; when it was stored, who reads the job adds.
type roadmapRow struct {
	ID          string          `json:"id"`
	ProjectID   string          `json:"project_id"`
	Modules     json.RawMessage `json:"modules"`
	CurrentStep int             `json:"current_step_index"`

	Prerequisites []string `json:"prerequisites"`
	Objectives    []string `json:"learning_objectives"`
	Hours         float64  `json:"total_estimated_hours"`
}

func (r *run) roadmapJob(ctx context.Context) (codeforge.Outcome, error) {
	if r.project.Mode != codeforge.ModeStudent {
		return codeforge.Outcome{}, codeforge.NotStudent()
	}
	if len(r.project.Requirements) == 0 {
		return codeforge.Outcome{}, codeforge.NoRequirements()
	}
	var plan form.Roadmap
	err := r.stage(ctx, codeforge.RoadmapAgent, 0, func(ctx context.Context) (err error) {
		p := r.prompt(material{tree: r.tree, overview: true, about: r.about(r.in.idea(r.project)), closing: "Plan the roadmap."})
		plan, err = ask(ctx, r, codeforge.RoadmapAgent, form.RoadmapForm, p, llm.Request{System: roadmapSystem})
		return err
	})
	if err != nil {
		return codeforge.Outcome{}, err
	}
	var modules []codeforge.RoadmapModule
	doc := roadmapDoc{Roadmap: plan, Total: len(plan.Modules)}
	for _, m := range plan.Modules {
		modules = append(modules, codeforge.RoadmapModule{Title: m.Title, Description: m.Description, Concepts: m.Concepts, Exercises: m.Exercises, EstimatedHours: m.EstimatedHours})
		doc.Hours += m.EstimatedHours
	}
	stored, err := codeforge.NewModules(modules)
	if err != nil {
		return codeforge.Outcome{}, failure(codeforge.RoadmapAgent, err, "The roadmap is too long to be stored")
	}
	doc.Hours = max(1, math.Round(10*doc.Hours)/10)
	doc.Stored = roadmapRow{ID: r.task.Job.ID, ProjectID: r.task.Job.ProjectID, Modules: stored, Prerequisites: plan.Prerequisites, Objectives: plan.Objectives, Hours: doc.Hours}
	doc.Summary = fmt.Sprintf("%s in about %v hours: from “%s” to “%s”.", plural(doc.Total, "module"), doc.Hours, plan.Modules[0].Title, plan.Modules[doc.Total-1].Title)
	var says strings.Builder
	says.WriteString("I planned your way, " + doc.Summary + "\n")
	for i, m := range plan.Modules {
		fmt.Fprintf(&says, "\n%d. %s (%v h)", i+1, m.Title, m.EstimatedHours)
	}
	out := r.completed(doc, says.String())
	out.Roadmap = stored
	return out, nil
}

// learned is how far a learner has come, as a prompt shows it; nil where there is nothing to say.
func learned(l *codeforge.Learned) any {
	if l == nil {
		return nil
	}
	var out form.Learned
	if l.Roadmap != nil {
		for i, m := range l.Roadmap.List() {
			switch title := form.Shorten(m.Title, 200); {
			case i < l.Roadmap.CurrentStep:
				out.Done = append(out.Done, title)
			case i == l.Roadmap.CurrentStep:
				out.Now = title
			default:
				out.Later = append(out.Later, title)
			}
			if m.ChosenOption != "" {
				out.Choices = append(out.Choices, form.ChosenOption{Module: form.Shorten(m.Title, 200), Option: m.ChosenOption})
			}
		}
	}
	for _, s := range l.Sessions {
		out.Sessions = append(out.Sessions, form.LearnedLately{Concepts: s.Concepts, Minutes: s.Minutes})
	}
	if l.Roadmap == nil && len(out.Sessions) == 0 {
		return nil
	}
	return out
}

func (r *run) choiceJob(ctx context.Context) (codeforge.Outcome, error) {
	var c form.Choice
	err := r.stage(ctx, codeforge.Choice, 0, func(ctx context.Context) (err error) {
		c, err = r.choice(ctx)
		return err
	})
	if err != nil {
		return codeforge.Outcome{}, err
	}
	var says strings.Builder
	says.WriteString(c.Context + "\n")
	for i, o := range c.Options {
		fmt.Fprintf(&says, "\n%d. %s: %s", i+1, o.Title, o.Description)
	}
	fmt.Fprintf(&says, "\n\n%s", c.Recommendation)
	return r.completed(c, says.String()), nil
}

// inputDecision is the key of what a learner has to decide.
const inputDecision = "decision_context"

func (r *run) choice(ctx context.Context) (form.Choice, error) {
	q := r.in.text(inputDecision)
	p := r.prompt(material{tree: r.tree, about: r.about(q), numbered: true, question: q, closing: "Lay out the choice that the learner has."})
	c := &consultation{r: r, stage: codeforge.Choice, box: r.newToolbox(codeforge.Choice, r.tree, readingTools)}
	return consult(ctx, c, form.ChoiceForm, p, llm.Request{System: choiceSystem})
}
