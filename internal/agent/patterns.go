package agent

import (
	"context"
	"math"

	"codeforge"
)

// asksForPatterns reports whether a job is told of architectures that worked elsewhere: one that plans or writes, and does not only answer.
func asksForPatterns(task *codeforge.Task) bool {
	switch task.Job.Agent {
	case codeforge.Research, codeforge.Wireframe, codeforge.Builder:
		return true
	case codeforge.Code:
		return workAt(newTree(task.Files).files, readInput(task.Job.Input).idea(task.Project)) != workQuestion
	}
	return false
}

// shownPattern is a pattern as a prompt shows it.
type shownPattern struct {
	codeforge.PatternShape
	Similarity float64 `json:"similarity"` // to this app, 0 to 1
	Score      float64 `json:"review_score"`
	Outline    string  `json:"outline,omitempty"`
}

// patternsShown are the patterns of a job as a prompt shows them; nil: none.
func (r *run) patternsShown() any {
	if len(r.patterns) == 0 {
		return nil
	}
	shown := make([]shownPattern, len(r.patterns))
	for i, p := range r.patterns {
		shown[i] = shownPattern{p.Shape, math.Round(p.Similarity*100) / 100, math.Round(p.Score*100) / 100, p.Outline}
	}
	return shown
}

// toldOfPatterns is the system text of an agent that is shown the patterns of its job, if there are any.
func (r *run) toldOfPatterns(system string) string {
	if len(r.patterns) == 0 {
		return system
	}
	return system + readPrompt("patterns")
}

// firstPatterns are the patterns that a job begins with, which it then keeps; none where its journal knows it already.
func (a *Agents) firstPatterns(ctx context.Context, task *codeforge.Task) ([]codeforge.Pattern, error) {
	if a.patterns == nil || !asksForPatterns(task) {
		return nil, nil
	}
	if a.journal != nil {
		entry, err := a.journal.Get(ctx, projectKey(task.Job))
		if err != nil || entry != nil {
			return nil, err
		}
	}
	return a.patterns(ctx, task, readInput(task.Job.Input).wish()), nil
}
