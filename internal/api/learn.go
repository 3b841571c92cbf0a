package api

import (
	"context"
	"encoding/json"

	"codeforge"
)

// What learners ask agents for: jobs that are waited for.

type choiceRequest struct {
	Decision string `json:"decision_context" minLength:"10" maxLength:"2000" doc:"What is to be decided, in the learner's words."`
	Module   int    `json:"module_index" minimum:"0" maximum:"1000" doc:"The module of the roadmap that it belongs to, from 0."`
}

// choiceFramework is the result of a choice.
type choiceFramework struct {
	Context        string         `json:"context" doc:"What is to be decided, and what it depends on in this project."`
	Options        []choiceOption `json:"options" doc:"2 to 5 ways that really differ."`
	Recommendation string         `json:"recommendation"`
	Usage          map[string]any `json:"usage" doc:"What models took for it."`
}

type choiceOption struct {
	ID            string   `json:"id" example:"local-storage" doc:"What recording the choice names."`
	Title         string   `json:"title"`
	Description   string   `json:"description"`
	Pros          []string `json:"pros"`
	Cons          []string `json:"cons"`
	Difficulty    string   `json:"difficulty" enum:"beginner,intermediate,advanced"`
	EstimatedTime string   `json:"estimated_time" example:"2-3 hours"`
	Educational   string   `json:"educational_value" doc:"What is learned by it that the others do not teach."`
}

type choiceInput struct {
	ProjectPath
	IdempotencyHeader
	Body choiceRequest
}

func (s *server) makeChoice(ctx context.Context, in *choiceInput) (*resultOutput[choiceFramework], error) {
	if _, err := s.learnersProject(ctx, in.ProjectID); err != nil {
		return nil, err
	}
	input, _ := json.Marshal(in.Body) // strings and numbers always marshal
	return answerByJob[choiceFramework](ctx, s, codeforge.NewJob{ProjectID: in.ProjectID, Agent: codeforge.Choice, Input: input, IdempotencyKey: in.Key})
}

// learnersProject is a project of the caller that is one for learning.
func (s *server) learnersProject(ctx context.Context, id string) (codeforge.Project, error) {
	p, err := s.Store.GetProject(ctx, caller(ctx), id)
	if err == nil && p.Mode != codeforge.ModeStudent {
		err = codeforge.InvalidField("mode", "must be %s: this is a project of mode %s", codeforge.ModeStudent, p.Mode)
	}
	return p, err
}
