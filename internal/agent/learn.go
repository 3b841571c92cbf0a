package agent

import (
	"context"
	"fmt"
	"strings"

	"codeforge"
	"codeforge/internal/agent/form"
	"codeforge/internal/llm"
)

// What learners get beside lessons.

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
