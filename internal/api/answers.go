package api

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"codeforge"
)

// answerSet is what answers a job's questions, in one of the forms that clients send:
//
//	{"answers": [{"<question>": "<answer>"}, ...]}
//	{"answers": [{"question": "<question>", "answer": "<answer>"}, ...]}
//	{"responses": [{"question_id": <id or number>, "answer": "<answer>"}, ...]}
type answerSet struct {
	Answers   []answerEntry   `json:"answers,omitempty" exact:"true" minItems:"1" maxItems:"5" doc:"Each {question: answer}, or {\"question\": ..., \"answer\": ...}."`
	Responses []responseEntry `json:"responses,omitempty" exact:"true" minItems:"1" maxItems:"5" doc:"Instead of answers."`
}

type answerEntry struct{ pairs []clarifyAnswer }

// clarifyAnswer is one question, or what names it, with its answer.
type clarifyAnswer struct {
	Question string      `json:"question"`
	Answer   answerValue `json:"answer"`

	number int  // of the question, when only that was given
	byZero bool // numbers count from 0 for sure
	byOne  bool // numbers count from 1 for sure
	named  bool // number stands for the question
}

func (*answerEntry) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, MinProperties: new(1), MaxProperties: new(codeforge.MaxFiles),
		AdditionalProperties: (*answerValue)(nil).Schema(nil),
		Examples:             []any{map[string]any{"Who will use it?": "Dog walkers"}}}
}

func (e *answerEntry) UnmarshalJSON(data []byte) error {
	var question, given *answerValue
	members(data, func(key, value []byte) {
		var v answerValue
		_ = v.UnmarshalJSON(value) // never fails: the schema tells what is wrong
		e.pairs = append(e.pairs, clarifyAnswer{Question: string(key), Answer: v})
		switch string(key) {
		case "question":
			question = &v
		case "answer":
			given = &v
		}
	})
	if len(e.pairs) == 2 && question != nil && given != nil {
		e.pairs = []clarifyAnswer{{Question: question.said, Answer: *given}}
	}
	return nil
}

type responseEntry struct {
	QuestionID questionID  `json:"question_id"`
	Answer     answerValue `json:"answer"`
}

// questionID names a question: by its text, its id, or its number, which counts from 0, or from 1 after a q.
type questionID struct{ clarifyAnswer }

func (*questionID) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Description: "The question's text or id, or its number.", AnyOf: []*huma.Schema{
		{Type: huma.TypeString, MinLength: new(1), MaxLength: new(codeforge.MaxAnswer)}, {Type: huma.TypeInteger, Minimum: new(0.0), Maximum: new(100.0)}}}
}

func (q *questionID) UnmarshalJSON(data []byte) error {
	if q.Question = textOf(data); q.Question == "" {
		q.Question = string(data)
	}
	digits := q.Question
	if len(digits) > 1 && digits[0]|0x20 == 'q' {
		digits, q.byOne = digits[1:], true
	}
	n, err := strconv.Atoi(digits)
	q.number, q.named = n, err == nil && n >= 0
	q.byZero = q.named && n == 0 && !q.byOne
	return nil
}

func (a *answerSet) check() []error {
	var errs []error
	switch {
	case a.Answers == nil && a.Responses == nil:
		return []error{fieldError{"answers", "Field required", "missing"}}
	case a.Answers != nil && a.Responses != nil:
		errs = append(errs, fieldError{"responses", "Send either answers or responses", "value_error"})
	}
	for i, e := range a.Answers {
		for _, p := range e.pairs {
			if n := utf8.RuneCountInString(p.Question); n == 0 || n > codeforge.MaxAnswer {
				errs = append(errs, fieldError{fmt.Sprintf("answers.%d", i), fmt.Sprintf("Questions must have 1 to %d characters", codeforge.MaxAnswer), "value_error"})
				break
			}
		}
	}
	return errs
}

// checkBounds holds the bounds for answers to an agent, which are stored with the job; those to a conflict may name many files
// and hold their texts.
func (a *answerSet) checkBounds() (wrong []fieldError) {
	pairs := a.pairs()
	if len(pairs) > codeforge.MaxAnswers {
		wrong = append(wrong, fieldError{"answers", fmt.Sprintf("Must have at most %d answers", codeforge.MaxAnswers), "too_long"})
	}
	if slices.ContainsFunc(pairs, func(p clarifyAnswer) bool { return utf8.RuneCountInString(p.Answer.said) > codeforge.MaxAnswer }) {
		wrong = append(wrong, fieldError{"answers", fmt.Sprintf("Answers must have at most %d characters", codeforge.MaxAnswer), "string_too_long"})
	}
	return wrong
}

func (a *answerSet) pairs() []clarifyAnswer {
	var out []clarifyAnswer
	for _, e := range a.Answers {
		out = append(out, e.pairs...)
	}
	for _, r := range a.Responses {
		r.QuestionID.Answer = r.Answer
		out = append(out, r.QuestionID.clarifyAnswer)
	}
	return out
}

// normalise returns the answers, with what only names a question replaced by its text where the job asked such a one.
func (a *answerSet) normalise(clarification []byte) []clarifyAnswer {
	texts, ids := questionsOf(clarification)
	pairs := a.pairs()
	// A plain number may count from 0 or from 1. A 0 among them tells, else one that only fits when counting from 1.
	fromOne := true
	for _, p := range pairs {
		fromOne = fromOne && !p.byZero
	}
	last := 0
	for _, p := range pairs {
		if p.named && !p.byOne {
			last = max(last, p.number)
		}
	}
	fromOne = fromOne && last == len(texts)
	for i := range pairs {
		p := &pairs[i]
		if text, ok := ids[p.Question]; ok {
			p.Question = text
			continue
		}
		n := p.number
		if p.byOne || fromOne {
			n--
		}
		if p.named && n >= 0 && n < len(texts) {
			p.Question = texts[n]
		}
	}
	return pairs
}

// questionsOf reads the questions of a job that asked: their texts in order, and the texts by the ids they may have.
func questionsOf(clarification []byte) (texts []string, ids map[string]string) {
	var c struct {
		Questions []json.RawMessage `json:"questions"`
	}
	if len(clarification) == 0 || json.Unmarshal(clarification, &c) != nil {
		return nil, nil
	}
	ids = map[string]string{}
	for _, raw := range c.Questions {
		text := textOf(raw)
		members(raw, func(key, value []byte) {
			if name := string(key); name == "question" || name == "text" && text == "" {
				text = textOf(value)
			}
		})
		texts = append(texts, text)
		members(raw, func(key, value []byte) {
			if name := string(key); name == "id" || name == "question_id" {
				if id := textOf(value); id != "" {
					ids[id] = text
				} else {
					ids[string(value)] = text
				}
			}
		})
	}
	for _, t := range texts {
		ids[t] = t
	}
	return texts, ids
}

type respondInput struct {
	JobPath
	Body answerSet
}

func (in *respondInput) Resolve(huma.Context) []error { return in.Body.check() }

func (s *server) respond(ctx context.Context, in *respondInput) (*agentOutput, error) {
	return s.answerQuestions(ctx, in.JobID, &in.Body)
}

type clarifyRequest struct {
	JobID     string          `json:"job_id" minLength:"36" maxLength:"36" format:"uuid" doc:"Job that asked."`
	Answers   []answerEntry   `json:"answers,omitempty" exact:"true" minItems:"1" maxItems:"5" doc:"Each {question: answer}, or {\"question\": ..., \"answer\": ...}."`
	Responses []responseEntry `json:"responses,omitempty" exact:"true" minItems:"1" maxItems:"5" doc:"Instead of answers."`
}

type clarifyInput struct{ Body clarifyRequest }

func (in *clarifyInput) answers() *answerSet { return &answerSet{in.Body.Answers, in.Body.Responses} }

func (in *clarifyInput) Resolve(huma.Context) []error { return in.answers().check() }

func (s *server) clarify(ctx context.Context, in *clarifyInput) (*agentOutput, error) {
	id, err := codeforge.ParseID(in.Body.JobID)
	if err != nil {
		return nil, err
	}
	return s.answerQuestions(ctx, id, in.answers())
}

func (s *server) answerQuestions(ctx context.Context, id string, set *answerSet) (*agentOutput, error) {
	x, _ := exchangeOf(ctx)
	job, err := s.Store.GetJob(ctx, x.user, id)
	if err != nil {
		return nil, err
	}
	x.job = job.ID
	if job.Status == codeforge.Waiting && job.Proposal != nil {
		status, err := s.answerProposal(ctx, job, set)
		if err != nil {
			return nil, err
		}
		return &agentOutput{Body: &agentResponse{job.ID, status, "0 minutes", s.streamURL(x, job.ID, job.ID, x.user.ID), nil}}, nil
	}
	if wrong := set.checkBounds(); wrong != nil {
		return nil, x.prepare(invalidBody(wrong...))
	}
	answers, err := json.Marshal(set.normalise(job.Clarification))
	if err != nil {
		return nil, err
	}
	alias, err := s.Jobs.Respond(ctx, x.user, job.ID, answers)
	if err != nil {
		return nil, err
	}
	return &agentOutput{Body: &agentResponse{alias, string(codeforge.Queued), "2-3 minutes", s.streamURL(x, alias, job.ID, x.user.ID), nil}}, nil
}
