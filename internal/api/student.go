package api

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"codeforge"
)

// roadmap is a roadmap as it is sent.
type roadmap struct {
	ID          string         `json:"id" format:"uuid"`
	ProjectID   string         `json:"project_id" format:"uuid"`
	Modules     roadmapModules `json:"modules"`
	CurrentStep int            `json:"current_step_index" doc:"The module that comes next, from 0: those before it are done."`
	CreatedAt   time.Time      `json:"created_at"`
}

// roadmapModules are modules as they are stored.
type roadmapModules json.RawMessage

func (m roadmapModules) MarshalJSON() ([]byte, error) { return m, nil }

func (roadmapModules) Schema(huma.Registry) *huma.Schema {
	texts := func() *huma.Schema {
		return &huma.Schema{Type: huma.TypeArray, Items: &huma.Schema{Type: huma.TypeString}}
	}
	text := func(about string) *huma.Schema { return &huma.Schema{Type: huma.TypeString, Description: about} }
	return &huma.Schema{Type: huma.TypeArray, Items: &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true, Properties: map[string]*huma.Schema{
		"title": text(""), "description": text(""), "concepts": texts(), "exercises": texts(),
		"estimated_hours": {Type: huma.TypeNumber}, "chosen_option": text("The id of the option that the student chose; missing: none yet."),
	}}}
}

type roadmapOutput struct{ Body roadmap }

func roadmapOrError(r codeforge.Roadmap, err error) (*roadmapOutput, error) {
	if err != nil {
		return nil, err
	}
	return &roadmapOutput{roadmap{r.ID, r.ProjectID, roadmapModules(r.Modules), r.CurrentStep, r.CreatedAt}}, nil
}

type getRoadmapInput struct {
	ProjectPath
	Optional bool `query:"optional" doc:"true: where none was planned yet the answer is 204 and not 404, which browsers log as an error."`
}

type getRoadmapOutput struct {
	Status int
	Body   *roadmap
}

func (s *server) getRoadmap(ctx context.Context, in *getRoadmapInput) (*getRoadmapOutput, error) {
	r, err := s.Store.GetRoadmap(ctx, caller(ctx), in.ProjectID)
	if e, ok := errors.AsType[*codeforge.Error](err); in.Optional && ok && e.Kind == codeforge.Missing && e.Details["resource"] == "Roadmap" {
		return &getRoadmapOutput{Status: 204}, nil
	}
	out, err := roadmapOrError(r, err)
	if err != nil {
		return nil, err
	}
	return &getRoadmapOutput{200, &out.Body}, nil
}

type roadmapStep struct {
	Step int `json:"step_index" minimum:"0" maximum:"1000000000" doc:"The module that comes next, from 0."`
}

type stepInput struct {
	ProjectPath
	Body roadmapStep
}

func (s *server) setRoadmapStep(ctx context.Context, in *stepInput) (*roadmapOutput, error) {
	return roadmapOrError(s.Store.SetRoadmapStep(ctx, caller(ctx), in.ProjectID, in.Body.Step))
}

// RecordChoice is which option a learner chose, as it comes and is sent. It is exported since the framework reads no other embedded parts.
type RecordChoice struct {
	Module int    `json:"module_index" minimum:"0" maximum:"1000000000" doc:"From 0."`
	Option string `json:"option_id" minLength:"1" maxLength:"50" doc:"The id of an option that was laid out." example:"local-storage"`
}

type recordChoiceInput struct {
	ProjectPath
	Body RecordChoice
}

type choiceRecorded struct {
	Message string `json:"message" example:"Choice recorded"`
	RecordChoice
}

type choiceRecordedOutput struct{ Body choiceRecorded }

func (s *server) recordChoice(ctx context.Context, in *recordChoiceInput) (*choiceRecordedOutput, error) {
	if _, err := s.Store.ChooseOption(ctx, caller(ctx), in.ProjectID, in.Body.Module, in.Body.Option); err != nil {
		return nil, err
	}
	return &choiceRecordedOutput{choiceRecorded{"Choice recorded", in.Body}}, nil
}

type studentProgress struct {
	RoadmapID string  `json:"roadmap_id" format:"uuid"`
	ProjectID string  `json:"project_id" format:"uuid"`
	Completed int     `json:"completed_modules"`
	Modules   int     `json:"total_modules"`
	Current   string  `json:"current_module" doc:"The title of the module that comes next; empty when all are done."`
	Percent   float64 `json:"percent_complete" doc:"Of the modules, with one decimal."`
	Sessions  int     `json:"total_sessions"`
	Minutes   int     `json:"total_time_minutes" doc:"Of all sessions."`
}

type studentProgressOutput struct{ Body studentProgress }

func (s *server) getStudentProgress(ctx context.Context, in *struct{ ProjectPath }) (*studentProgressOutput, error) {
	p, err := s.Store.GetStudentProgress(ctx, caller(ctx), in.ProjectID)
	if err != nil {
		return nil, err
	}
	return &studentProgressOutput{studentProgress{p.RoadmapID, p.ProjectID, p.Completed, p.Modules, p.Current, p.Percent(), p.Sessions, p.Minutes}}, nil
}

// session is a session as it is sent.
type session struct {
	ID         string     `json:"id" format:"uuid"`
	ProjectID  string     `json:"project_id" format:"uuid"`
	Transcript transcript `json:"transcript"`
	Concepts   []string   `json:"concepts_covered"`
	Minutes    int        `json:"duration_minutes"`
	CreatedAt  time.Time  `json:"created_at"`
}

func sessionAnswer(d codeforge.DailySession) session {
	return session{d.ID, d.ProjectID, transcript(d.Transcript), d.Concepts, d.Minutes, d.CreatedAt}
}

// transcript is a list of objects, whatever is in them, as it came.
type transcript json.RawMessage

func (t transcript) MarshalJSON() ([]byte, error) { return t, nil }

func (t *transcript) UnmarshalJSON(data []byte) error {
	*t = transcript(data)
	return nil
}

func (transcript) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeArray, MaxItems: new(codeforge.MaxTranscript), Items: &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true},
		Description: "Objects, 200,000 bytes of all. Their texts stay as they are."}
}

type sessionCreate struct {
	Transcript transcript `json:"transcript" exact:"true"`
	Concepts   []string   `json:"concepts_covered" maxItems:"20" doc:"Each at most 200 characters."`
	Minutes    int        `json:"duration_minutes,omitempty" minimum:"0" maximum:"480" default:"0"`
}

type addSessionInput struct {
	ProjectPath
	Body sessionCreate
}

type sessionOutput struct{ Body session }

func (s *server) addSession(ctx context.Context, in *addSessionInput) (*sessionOutput, error) {
	d := codeforge.DailySession{Transcript: json.RawMessage(in.Body.Transcript), Concepts: in.Body.Concepts, Minutes: in.Body.Minutes}
	if err := d.Check(); err != nil {
		return nil, s.ownFirst(ctx, in.ProjectID, err)
	}
	d, err := s.Store.AddSession(ctx, caller(ctx), in.ProjectID, d)
	if err != nil {
		return nil, err
	}
	return &sessionOutput{sessionAnswer(d)}, nil
}

// maxSessions is the most that one list shows.
const maxSessions = 100

type listSessionsInput struct {
	ProjectPath
	Limit int `query:"limit" default:"50" doc:"How many of the newest, 1 to 100."`
}

type sessionList struct {
	ProjectID string    `json:"project_id" format:"uuid"`
	Count     int       `json:"count" doc:"How many are here."`
	Sessions  []session `json:"sessions" doc:"Newest first."`
}

type sessionsOutput struct{ Body *sessionList }

func (s *server) listSessions(ctx context.Context, in *listSessionsInput) (*sessionsOutput, error) {
	if in.Limit < 1 || in.Limit > maxSessions {
		return nil, s.ownFirst(ctx, in.ProjectID, codeforge.InvalidField("limit", "must be 1 to %d", maxSessions))
	}
	x, _ := exchangeOf(ctx)
	if err := x.acquireBytes(int64(in.Limit) * rowLoad); err != nil {
		return nil, err
	}
	rows, err := s.Store.ListSessions(ctx, x.user, in.ProjectID, "", in.Limit)
	if err != nil {
		return nil, err
	}
	var size int64
	out := &sessionList{in.ProjectID, len(rows), make([]session, len(rows))}
	for i, d := range rows {
		size += int64(len(d.Transcript))
		out.Sessions[i] = sessionAnswer(d)
	}
	x.releaseAbove(size)
	return &sessionsOutput{out}, nil
}
