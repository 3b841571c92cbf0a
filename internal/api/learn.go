package api

import (
	"context"
	"encoding/json"
	"time"

	"codeforge"
)

// What learners ask agents for: jobs that are waited for.

type roadmapRequest struct {
	SkillLevel string   `json:"skill_level" enum:"beginner,intermediate,advanced"`
	FocusAreas []string `json:"focus_areas,omitempty" maxItems:"5" minLength:"1" maxLength:"200" doc:"What is to be learned above all."`
}

type roadmapInput struct {
	ProjectPath
	IdempotencyHeader
	Body roadmapRequest
}

// roadmapResult is what planning a roadmap came to.
type roadmapResult struct {
	Roadmap       plannedRoadmap  `json:"roadmap" doc:"As reading the roadmap answers, and what belongs to it."`
	Total         int             `json:"total_modules"`
	Hours         float64         `json:"total_estimated_hours"`
	Modules       []plannedModule `json:"modules" doc:"The same as in roadmap."`
	Prerequisites []string        `json:"prerequisites"`
	Objectives    []string        `json:"learning_objectives"`
	Summary       string          `json:"summary"`
	Usage         map[string]any  `json:"usage" doc:"What models took for it."`
}

type plannedRoadmap struct {
	ID            string          `json:"id" format:"uuid"`
	ProjectID     string          `json:"project_id" format:"uuid"`
	Modules       []plannedModule `json:"modules"`
	CurrentStep   int             `json:"current_step_index"`
	CreatedAt     time.Time       `json:"created_at"`
	Prerequisites []string        `json:"prerequisites"`
	Objectives    []string        `json:"learning_objectives"`
	Hours         float64         `json:"total_estimated_hours"`
}

type plannedModule struct {
	Title          string   `json:"title"`
	Description    string   `json:"description"`
	Concepts       []string `json:"concepts"`
	Exercises      []string `json:"exercises"`
	EstimatedHours float64  `json:"estimated_hours" minimum:"0.5" maximum:"40"`
}

func (s *server) planRoadmap(ctx context.Context, in *roadmapInput) (*resultOutput[roadmapResult], error) {
	p, err := s.learnersProject(ctx, in.ProjectID)
	if err != nil {
		return nil, err
	}
	if len(p.Requirements) == 0 {
		return nil, codeforge.NoRequirements()
	}
	return answerByJob[roadmapResult](ctx, s, codeforge.NewJob{ProjectID: in.ProjectID, Agent: codeforge.RoadmapAgent, Input: plainJSON(in.Body), IdempotencyKey: in.Key})
}

// withTime adds to the result of a job that planned a roadmap when that was stored, which is when the job ended.
func withTime(job *codeforge.Job) json.RawMessage {
	if job.CompletedAt == nil {
		return job.Result
	}
	return mapMembers(job.Result, func(key, value []byte) []byte {
		if string(key) != "roadmap" || value[0] != '{' {
			return value
		}
		return setMember(value, "created_at", job.CompletedAt.AppendFormat(nil, `"`+time.RFC3339Nano+`"`))
	})
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
	Body ChoiceRequest
}

func (s *server) makeChoice(ctx context.Context, in *choiceInput) (*resultOutput[choiceFramework], error) {
	if _, err := s.learnersProject(ctx, in.ProjectID); err != nil {
		return nil, err
	}
	return s.layOutChoice(ctx, in.ProjectID, &in.Body, in.Key)
}

// ChoiceRequest is a choice to lay out.
type ChoiceRequest struct {
	Decision string `json:"decision_context" minLength:"10" maxLength:"2000" doc:"What is to be decided, in the learner's words."`
	Module   int    `json:"module_index" minimum:"0" maximum:"1000" doc:"The module of the roadmap that it belongs to, from 0."`
}

type placedChoiceInput struct {
	IdempotencyHeader
	Body placedChoiceRequest
}

// placedChoiceRequest is one that says in which project.
type placedChoiceRequest struct {
	ProjectID string `json:"project_id" minLength:"36" maxLength:"36" format:"uuid"`
	ChoiceRequest
}

func (s *server) makePlacedChoice(ctx context.Context, in *placedChoiceInput) (*resultOutput[choiceFramework], error) {
	p, err := s.learnersProject(ctx, in.Body.ProjectID)
	if err != nil {
		return nil, err
	}
	return s.layOutChoice(ctx, p.ID, &in.Body.ChoiceRequest, in.Key)
}

type questionInput struct {
	IdempotencyHeader
	Body questionRequest
}

type questionRequest struct {
	ProjectID string `json:"project_id" minLength:"36" maxLength:"36" format:"uuid"`
	Question  string `json:"question" minLength:"1" maxLength:"5000" doc:"To the mentor, in the learner's words."`
	Code      string `json:"code,omitempty" exact:"true" maxLength:"30000" doc:"What it is about; left out: the project's files."`
	FilePath  string `json:"file_path,omitempty" maxLength:"500" doc:"The file that the code is of, or the question about."`
}

// lesson is the result of a question to the mentor.
type lesson struct {
	Encouragement string         `json:"encouragement"`
	Steps         []lessonStep   `json:"steps"`
	KeyConcept    string         `json:"key_concept"`
	Further       []string       `json:"further_exploration"`
	Message       string         `json:"message" doc:"The same as encouragement."`
	Summary       string         `json:"summary" doc:"The same as key_concept."`
	Usage         map[string]any `json:"usage" doc:"What models took for it."`
}

type lessonStep struct {
	Number   int    `json:"step_number"`
	Question string `json:"question"`
	Hint     string `json:"hint"`
	Concept  string `json:"concept"`
}

func (s *server) askMentor(ctx context.Context, in *questionInput) (*resultOutput[lesson], error) {
	p, err := s.learnersProject(ctx, in.Body.ProjectID)
	if err != nil {
		return nil, err
	}
	input := map[string]string{"question": in.Body.Question}
	if in.Body.Code != "" {
		input["code"] = in.Body.Code
	}
	if in.Body.FilePath != "" {
		input["file_path"] = in.Body.FilePath
	}
	return answerByJob[lesson](ctx, s, codeforge.NewJob{ProjectID: p.ID, Agent: codeforge.Pedagogy, Input: plainJSON(input), UserMessage: in.Body.Question, IdempotencyKey: in.Key})
}

// layOutChoice has a choice laid out in a student's project.
func (s *server) layOutChoice(ctx context.Context, projectID string, body *ChoiceRequest, key string) (*resultOutput[choiceFramework], error) {
	return answerByJob[choiceFramework](ctx, s, codeforge.NewJob{ProjectID: projectID, Agent: codeforge.Choice, Input: plainJSON(body), IdempotencyKey: key})
}

// learnersProject is a project of the caller that is one for learning.
func (s *server) learnersProject(ctx context.Context, id string) (codeforge.Project, error) {
	id, err := codeforge.ParseID(id)
	if err != nil {
		return codeforge.Project{}, err
	}
	p, err := s.Store.GetProject(ctx, caller(ctx), id)
	if err == nil && p.Mode != codeforge.ModeStudent {
		err = codeforge.NotStudent()
	}
	return p, err
}
