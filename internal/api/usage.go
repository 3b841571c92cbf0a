package api

import (
	"context"
	"strings"
	"time"

	"codeforge"
	"codeforge/internal/llm"
)

type usageInput struct {
	GroupBy   string `query:"group_by" enum:"day,project,job,model,agent" default:"day"`
	ProjectID string `query:"project_id" format:"uuid" doc:"Only calls for this project."`
	JobID     string `query:"job_id" format:"uuid" doc:"Only calls of this job."`
	AgentType string `query:"agent_type" maxLength:"50" doc:"Only calls of this agent. Those of a pipeline count for the agents in it."`
	From      string `query:"from" maxLength:"40" doc:"Calls that began at this moment or later: RFC 3339, or a day (UTC)." example:"2026-11-01"`
	To        string `query:"to" maxLength:"40" doc:"Calls that began before this moment: RFC 3339, or a day (UTC), which counts whole." example:"2026-11-30"`
	Limit     int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"Groups at most. The total holds the others too."`
}

// usageSum is a [codeforge.UsageSum] with words for the specification.
type usageSum struct {
	Key       string `json:"key" doc:"What the group is of: a day (UTC), an id, provider:model, an agent. Empty: calls of no project or job. Of the total: total."`
	Calls     int64  `json:"calls" doc:"Attempts at calls of models."`
	Failed    int64  `json:"failed" doc:"Attempts that gave no answer."`
	Unknown   int64  `json:"usage_unknown" doc:"Attempts of which the provider did not say what they used. Their cost is a guess, their tokens are not in the sums."`
	Cost      *int64 `json:"cost_micro_usd" nullable:"true" doc:"In millionths of a dollar; null: nothing is known of it, since the models file has no price."`
	Estimated bool   `json:"cost_estimated" doc:"Some of the cost is a guess, or not in it: of calls whose usage or price is not known."`
	LatencyMS int64  `json:"latency_ms" doc:"All attempts together."`
	OwnCalls  int64  `json:"own_calls" doc:"Attempts with own keys of the user. They are in all other numbers but the cost, which is what the server paid."`
	OwnCost   *int64 `json:"own_cost_micro_usd" nullable:"true" doc:"What those cost, in millionths of a dollar; null: nothing is known of it."`
	codeforge.Usage
}

func usageOf(u *codeforge.UsageSum) usageSum {
	return usageSum{u.Key, u.Calls, u.Failed, u.Unknown, llm.KnownCost(u.Cost, u.Estimated), u.Estimated, u.LatencyMS, u.OwnCalls, llm.KnownCost(u.OwnCost, u.Estimated && u.OwnCalls > 0), u.Usage}
}

type usageReport struct {
	From    *time.Time `json:"from" nullable:"true" doc:"null: since the beginning."`
	To      *time.Time `json:"to" nullable:"true" doc:"Exclusive; null: until now."`
	GroupBy string     `json:"group_by" enum:"day,project,job,model,agent"`
	Total   usageSum   `json:"total"`
	Items   []usageSum `json:"items" doc:"Days and jobs newest first, all others dearest first."`
}

type usageOutput struct{ Body *usageReport }

func (s *server) sumUsage(ctx context.Context, in *usageInput) (*usageOutput, error) {
	if s.Ledger == nil {
		return nil, errNoModels
	}
	f := codeforge.UsageFilter{ProjectID: strings.ToLower(in.ProjectID), JobID: strings.ToLower(in.JobID), Agent: codeforge.AgentType(in.AgentType),
		Group: codeforge.UsageGroup(in.GroupBy), Limit: in.Limit}
	var err error
	if f.From, err = parseMoment("from", in.From, 0); err != nil {
		return nil, err
	}
	if f.To, err = parseMoment("to", in.To, 24*time.Hour); err != nil {
		return nil, err
	}
	if !f.To.IsZero() && !f.From.Before(f.To) {
		return nil, codeforge.InvalidField("to", "must be later than from")
	}
	total, groups, err := s.Ledger.SumUsage(ctx, caller(ctx), f)
	if err != nil {
		return nil, err
	}
	out := &usageReport{From: nonZero(f.From), To: nonZero(f.To), GroupBy: in.GroupBy, Total: usageOf(&total), Items: make([]usageSum, len(groups))}
	out.Total.Key = "total"
	for i := range groups {
		out.Items[i] = usageOf(&groups[i])
	}
	return &usageOutput{out}, nil
}

// parseMoment reads a moment, or a day in UTC, to which it adds whole. "" is the zero time.
func parseMoment(field, text string, whole time.Duration) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.DateOnly, text)
	if err == nil {
		t = t.Add(whole)
	} else {
		t, err = time.Parse(time.RFC3339, text)
	}
	// Years beyond are a slip, and would not fit into what stores count time by.
	if t = t.UTC(); err != nil || t.Year() < 1970 || t.Year() > 9999 {
		return time.Time{}, codeforge.InvalidField(field, "must be a moment like 2026-01-31T12:00:00Z or a day like 2026-01-31")
	}
	return t, nil
}
