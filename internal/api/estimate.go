package api

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"codeforge"
	"codeforge/internal/llm"
)

const (
	estimateJobs   = 50 // newest jobs that an estimate is made of
	projectJobs    = 5  // of one project: enough to speak for it alone
	estimateFor    = time.Minute
	maxEstimates   = 10_000
	estimateWithin = time.Second // for the store to say what jobs took
)

// estimate is what a job will probably take.
type estimate struct {
	AgentType     string    `json:"agent_type" example:"code"`
	Basis         string    `json:"basis" enum:"history,catalog" doc:"history: what the caller's newest jobs of this agent took, those of the project alone when they are many enough. catalog: a guess from what such jobs usually take and what the model costs."`
	Jobs          int       `json:"jobs" doc:"How many jobs the history has."`
	Model         string    `json:"model" doc:"Who is asked first." example:"openai:gpt-6.1-sol"`
	Cost          costRange `json:"cost_micro_usd" doc:"In millionths of a dollar; null: the price of the models is not known."`
	CostEstimated bool      `json:"cost_estimated" doc:"Prices or usage behind it are not known for sure."`
	Tokens        quantiles `json:"tokens" doc:"Input and output of all calls together."`
	DurationMS    quantiles `json:"duration_ms"`
}

// quantiles: half of all jobs stay below the first, nine of ten below the second.
type quantiles struct {
	P50 int64 `json:"p50"`
	P90 int64 `json:"p90"`
}

// costRange is quantiles of costs, null where nothing is known of them.
type costRange struct {
	P50 *int64 `json:"p50" nullable:"true"`
	P90 *int64 `json:"p90" nullable:"true"`
}

func costOf(q quantiles, estimated bool) costRange {
	return costRange{llm.KnownCost(q.P50, estimated), llm.KnownCost(q.P90, estimated)}
}

// quantilesOf takes a value of each job; an order of them is all that it needs.
func quantilesOf(jobs []codeforge.JobUsage, value func(*codeforge.JobUsage) int64) quantiles {
	all := make([]int64, len(jobs))
	for i := range jobs {
		all[i] = value(&jobs[i])
	}
	slices.Sort(all)
	at := func(q float64) int64 { return all[int(math.Ceil(q*float64(len(all))))-1] }
	return quantiles{at(0.5), at(0.9)}
}

// dear is how much more a job may take than usual, when nobody knows.
const dear = 3

// estimateFromCatalog is an estimate from the catalog alone.
func estimateFromCatalog(router *llm.Router, agent codeforge.AgentType, now time.Time) *estimate {
	e := &estimate{AgentType: string(agent), Basis: "catalog"}
	var cost llm.Cost
	var tokens int64
	var took time.Duration
	var dearest int64 = -1
	for _, stage := range agent.Agent().Stages {
		chain, _ := router.Catalog.Route(string(stage), router.Configured(), now)
		name, t := chain[0].Name(), stage.Agent().Typical
		var u llm.Usage
		u.InputTokens, u.OutputTokens = t.InputTokens, t.OutputTokens
		one := router.Catalog.Cost(name, name, u, now)
		one.MicroUSD *= t.Calls
		if one.MicroUSD > dearest { // of several models the one that the bill is about
			dearest, e.Model = one.MicroUSD, name
		}
		cost, tokens, took = cost.Add(one), tokens+t.Calls*(t.InputTokens+t.OutputTokens), took+t.Took
	}
	e.Cost, e.CostEstimated = costOf(quantiles{cost.MicroUSD, dear * cost.MicroUSD}, cost.Estimated), cost.Estimated
	e.Tokens, e.DurationMS = quantiles{tokens, dear * tokens}, quantiles{took.Milliseconds(), dear * took.Milliseconds()}
	return e
}

// offline reports whether the built-in model answers for an agent: then a job costs nothing, whatever others cost before.
func offline(e *estimate) bool { return strings.HasPrefix(e.Model, llm.Scaffold+":") }

// learned is an estimate from jobs, of which there is at least one.
func learned(from *estimate, jobs []codeforge.JobUsage) *estimate {
	e := &estimate{AgentType: from.AgentType, Basis: "history", Jobs: len(jobs), Model: from.Model}
	e.CostEstimated = slices.ContainsFunc(jobs, func(j codeforge.JobUsage) bool { return j.Estimated })
	priced := slices.DeleteFunc(slices.Clone(jobs), func(j codeforge.JobUsage) bool { return llm.KnownCost(j.Cost, j.Estimated) == nil })
	switch {
	case offline(e):
		e.Cost, e.CostEstimated = costOf(quantiles{}, false), false
	case len(priced) > 0:
		e.Cost = costOf(quantilesOf(priced, func(j *codeforge.JobUsage) int64 { return j.Cost }), e.CostEstimated)
	}
	e.Tokens = quantilesOf(jobs, func(j *codeforge.JobUsage) int64 { return j.InputTokens + j.OutputTokens })
	e.DurationMS = quantilesOf(jobs, func(j *codeforge.JobUsage) int64 { return j.Took.Milliseconds() })
	return e
}

// estimatedTime is what a client shows while it waits: what similar jobs took, half of them and nine of ten, once there were some.
func (e *estimate) estimatedTime(agent codeforge.AgentType) string {
	if e == nil || e.Basis != "history" {
		return agent.EstimatedTime()
	}
	minutes := func(ms int64) int64 { return (ms + 59_999) / 60_000 }
	from, to := minutes(e.DurationMS.P50), minutes(e.DurationMS.P90)
	switch {
	case to <= 1:
		return "less than a minute"
	case from == to:
		return fmt.Sprintf("%d minutes", to)
	}
	return fmt.Sprintf("%d-%d minutes", from, to)
}

// estimates are those of one user and agent, by project; "" is the one for all others.
type estimates map[string]*estimate

func (s *server) makeEstimates(ctx context.Context, u codeforge.User, agent codeforge.AgentType) (estimates, error) {
	general := estimateFromCatalog(s.Models(), agent, time.Now())
	out := estimates{"": general}
	if s.Ledger != nil {
		jobs, err := s.Ledger.JobUsage(ctx, u, agent, estimateJobs)
		if err != nil {
			return nil, err
		}
		// What was free before there was a provider says nothing of what will be paid, nor the other way round.
		jobs = slices.DeleteFunc(jobs, func(j codeforge.JobUsage) bool { return j.Offline != offline(general) })
		if len(jobs) > 0 {
			out[""] = learned(general, jobs)
		}
		byProject := map[string][]codeforge.JobUsage{}
		for _, j := range jobs {
			byProject[j.ProjectID] = append(byProject[j.ProjectID], j)
		}
		for id, own := range byProject {
			if len(own) >= projectJobs {
				out[id] = learned(general, own)
			}
		}
	}
	return out, nil
}

// estimateCache keeps estimates for a minute, so that a submission need not wait for them.
type estimateCache struct {
	mu   sync.Mutex
	kept map[estimateKey]*keptEstimates
}

type estimateKey struct {
	user  string
	agent codeforge.AgentType
}

type keptEstimates struct {
	until time.Time
	load  func() (estimates, error) // once
}

// estimate is for a job of u; projectID may be "".
func (s *server) estimate(ctx context.Context, u codeforge.User, agent codeforge.AgentType, projectID string) (*estimate, error) {
	k, now, c := estimateKey{u.ID, agent}, time.Now(), &s.estimates
	c.mu.Lock()
	kept := c.kept[k]
	if kept == nil || now.After(kept.until) {
		if c.kept == nil || len(c.kept) >= maxEstimates {
			c.kept = map[estimateKey]*keptEstimates{}
		}
		kept = &keptEstimates{now.Add(estimateFor), sync.OnceValues(func() (estimates, error) {
			// Others wait for this one too, so it does not end with its request.
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), estimateWithin)
			defer cancel()
			return s.makeEstimates(ctx, u, agent)
		})}
		c.kept[k] = kept
	}
	c.mu.Unlock()
	all, err := kept.load()
	if err != nil {
		c.mu.Lock()
		if c.kept[k] == kept {
			delete(c.kept, k)
		}
		c.mu.Unlock()
		return nil, err
	}
	return cmp.Or(all[projectID], all[""]), nil
}

// estimateOf is for the answer to a submission, which does not fail for the want of it.
func (s *server) estimateOf(ctx context.Context, u codeforge.User, agent codeforge.AgentType, projectID string) *estimate {
	if s.Models == nil || agent.NoModel() {
		return nil
	}
	e, err := s.estimate(ctx, u, agent, projectID)
	if err != nil {
		return nil
	}
	return e
}

type estimateInput struct {
	AgentType estimatedAgent `query:"agent_type" required:"true" doc:"builder: the whole pipeline."`
	ProjectID string         `query:"project_id" format:"uuid" doc:"Where it would run."`
}

type estimateOutput struct{ Body *estimate }

func (s *server) getEstimate(ctx context.Context, in *estimateInput) (*estimateOutput, error) {
	if s.Models == nil {
		return nil, errNoModels
	}
	u, projectID := caller(ctx), strings.ToLower(in.ProjectID)
	if projectID != "" {
		if _, err := s.Store.GetProject(ctx, u, projectID); err != nil {
			return nil, err
		}
	}
	e, err := s.estimate(ctx, u, codeforge.AgentType(in.AgentType), projectID)
	if err != nil {
		return nil, err
	}
	return &estimateOutput{e}, nil
}
