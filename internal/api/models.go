package api

import (
	"context"
	"slices"
	"strings"
	"time"

	"codeforge"
	"codeforge/internal/llm"
)

var errNoModels = &codeforge.Error{Kind: codeforge.Unsupported, Message: "This server does not account for models"}

// modelList is all that is known of models, and how they stand.
type modelList struct {
	CheckedOn string         `json:"checked_on" doc:"When the catalog was last held against what providers say; empty: not known." example:"2026-11-22"`
	Models    []modelState   `json:"models"`
	Aliases   []modelAlias   `json:"aliases" doc:"Old names that are taken, with a warning, and where they lead."`
	Routes    []modelRoute   `json:"routes"`
	Warnings  []modelWarning `json:"warnings" doc:"What is wrong with the routes as they are configured."`
}

// modelState is one model as the catalog knows it and as calls found it.
type modelState struct {
	Name       string       `json:"name" doc:"provider:model; * stands for all of a provider that are not named." example:"anthropic:claude-sonnet-5-5"`
	Provider   string       `json:"provider"`
	Configured bool         `json:"configured" doc:"Its provider can be called."`
	Known      bool         `json:"known" doc:"The catalog has it. What is not known is called as named; its price is not known."`
	Context    *int         `json:"context" doc:"Tokens of input and output together."`
	MaxOutput  *int         `json:"max_output" doc:"Tokens, thinking included."`
	Efforts    []string     `json:"efforts" doc:"Of reasoning, that it takes."`
	Prices     []modelPrice `json:"prices" doc:"In force now, by length of the prompt. Empty: not known."`
	Ends       *string      `json:"ends" doc:"From this day on it does not answer." example:"2027-01-14"`
	ServedBy   *string      `json:"served_by" doc:"Who answers in its place, and at its own price, from then on."`
	Successor  *string      `json:"successor" doc:"Where its users should go."`
	Notes      string       `json:"notes"`

	Breaker  string `json:"breaker" enum:"closed,half-open,open" doc:"open: it failed too often and is left alone for a while."`
	PausedMS int64  `json:"paused_ms" doc:"How much longer it is left alone because it said so; 0: it is not."`
	Gone     bool   `json:"gone" doc:"Its provider does not know it."`
}

// modelPrice is in micro-dollars per million tokens.
type modelPrice struct {
	AbovePrompt int64   `json:"above_prompt" doc:"For prompts of more tokens than this."`
	Input       *int64  `json:"input_micro_usd" doc:"A million tokens neither read from nor written to a cache." example:"2000000"`
	CachedRead  *int64  `json:"cached_read_micro_usd"`
	CacheWrite  *int64  `json:"cache_write_micro_usd"`
	Output      *int64  `json:"output_micro_usd" example:"10000000"`
	ValidFrom   *string `json:"valid_from" doc:"null: it always was so." example:"2026-12-01"`
}

type modelAlias struct {
	Name  string `json:"name" example:"gpt-4o"`
	Model string `json:"model"`
}

// modelRoute is where the calls of an agent go.
type modelRoute struct {
	Agent  string   `json:"agent" doc:"default: of agents that have no route of their own." example:"code"`
	Chain  []string `json:"chain" doc:"In force now: tried in this order."`
	Wanted []string `json:"wanted" doc:"As the models file has it, whether configured or not."`
	Effort string   `json:"effort" doc:"Of reasoning, where a call asks for none; may be empty."`
}

type modelWarning struct {
	Kind      string  `json:"kind" enum:"alias,ended,ending,gone,unlisted,unrouted,scaffold"`
	Route     *string `json:"route" doc:"null: all."`
	Model     string  `json:"model"`
	Successor *string `json:"successor"`
	Message   string  `json:"message"`
}

type modelsOutput struct{ Body *modelList }

func (s *server) listModels(context.Context, *struct{}) (*modelsOutput, error) {
	if s.Models == nil {
		return nil, errNoModels
	}
	router := s.Models()
	catalog, have, now := router.Catalog, router.Configured(), time.Now()
	file := catalog.File()
	out := &modelList{CheckedOn: day(file.CheckedOn), Models: []modelState{}, Aliases: []modelAlias{}, Routes: []modelRoute{}, Warnings: []modelWarning{}}
	states := router.States()
	add := func(name string, m llm.Model, known bool) {
		provider, _, _ := strings.Cut(name, ":")
		_, configured := have[provider]
		state := modelState{Name: name, Provider: provider, Configured: configured, Known: known, Context: nonZero(m.Context), MaxOutput: nonZero(m.MaxOutput),
			Efforts: append([]string{}, m.Efforts...), Prices: pricesOf(catalog, m, now), Ends: nonZero(day(m.Ends)), ServedBy: nonZero(m.ServedBy),
			Successor: nonZero(m.Successor), Notes: m.Notes, Breaker: "closed", Gone: catalog.Gone(name, now)}
		if i := slices.IndexFunc(states, func(x llm.ModelState) bool { return x.Name == name }); i >= 0 {
			state.Breaker, state.PausedMS = states[i].Breaker, states[i].Paused.Milliseconds()
			states = slices.Delete(states, i, i+1)
		}
		out.Models = append(out.Models, state)
	}
	for _, m := range file.Models {
		add(m.Name, m, true)
	}
	for _, called := range slices.Clone(states) { // snapshots, and what was called as named
		m, known := catalog.Model(called.Name)
		add(called.Name, m, known)
	}
	for _, a := range file.Aliases {
		out.Aliases = append(out.Aliases, modelAlias(a))
	}
	for _, r := range file.Routes {
		route := modelRoute{Agent: r.Agent, Wanted: r.Chain, Effort: r.Effort}
		chain, _ := catalog.Route(r.Agent, have, now)
		for _, t := range chain {
			route.Chain = append(route.Chain, t.Name())
		}
		out.Routes = append(out.Routes, route)
	}
	for _, w := range catalog.Warnings(have, now) {
		out.Warnings = append(out.Warnings, modelWarning{string(w.Kind), nonZero(w.Route), w.Model, nonZero(w.Successor), w.Message})
	}
	return &modelsOutput{out}, nil
}

// pricesOf returns the rates of a model that are in force, those of short prompts first.
func pricesOf(catalog *llm.Catalog, m llm.Model, now time.Time) []modelPrice {
	if m.ServedBy != "" && !m.Ends.IsZero() && !now.Before(m.Ends.Time) {
		m, _ = catalog.Model(m.ServedBy)
	}
	out := []modelPrice{}
	for _, p := range m.Prices {
		if now.Before(p.ValidFrom.Time) {
			break
		}
		from := nonZero(day(p.ValidFrom))
		add := func(above int64, r llm.Rates) {
			out = append(out, modelPrice{above, r.Input, r.CachedRead, r.CacheWrite, r.Output, from})
		}
		out = out[:0]
		add(0, p.Rates)
		for _, t := range p.Tiers {
			add(t.AbovePrompt, t.Rates)
		}
	}
	return out
}

// day is a date, "" for none.
func day(d llm.Date) string {
	if d.IsZero() {
		return ""
	}
	return d.String()
}

// nonZero is nil for a zero value, which says that nothing is known.
func nonZero[T comparable](v T) *T {
	if v == *new(T) {
		return nil
	}
	return &v
}
