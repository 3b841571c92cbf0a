package server

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"codeforge/internal/llm"
)

// probeModels asks the model of each endpoint in small what jobs ask it: a call of a tool, the way on from its result, an answer
// in a schema. What the endpoint refuses of that it can do without is said in the words of MODELS_FILE, so that no job
// has to find it out.
func probeModels(ctx context.Context, r *llm.Router, names []string) (all []Finding) {
	for _, name := range names {
		learner, ok := r.Providers[name].(llm.Learner)
		model := r.Defaults[name]
		if !ok || model == "" {
			continue
		}
		part := "model " + name + ":" + model
		asked, cancel := context.WithTimeout(ctx, 2*time.Minute)
		wrong := probeModel(asked, r.Providers[name], r.Catalog.Target(name, model))
		cancel()
		f := Finding{part + " calls tools and answers in a schema", FindingOK, strings.Join(wrong, "; ")}
		if len(wrong) > 0 {
			f.Title, f.State = part, FindingWarning
		}
		all = append(all, f)
		for _, id := range slices.Sorted(maps.Keys(learner.Learned())) {
			all = append(all, Finding{part + " has a dialect", FindingOK, "for MODELS_FILE, under models: " + catalogEntry(r.Catalog, name, id, learner.Learned()[id])})
		}
	}
	return all
}

// catalogEntry is a model with its dialect as MODELS_FILE has it.
func catalogEntry(c *llm.Catalog, provider, id string, d llm.Dialect) string {
	m, known := c.Model(provider + ":" + id)
	if !known || strings.HasSuffix(m.Name, ":*") {
		m.Name = provider + ":" + id
	}
	if d.Context > 0 {
		m.Context = d.Context
	}
	if d.MaxOutput > 0 {
		m.MaxOutput = d.MaxOutput
	}
	m.Dialect = &d
	b, _ := json.Marshal(m)
	return string(b)
}

// probeModel returns what does not work.
func probeModel(ctx context.Context, p llm.Provider, t llm.Target) (wrong []string) {
	say := func(what string, err error) {
		if err != nil {
			wrong = append(wrong, what+": "+llm.Explain(err))
		}
	}
	schema := json.RawMessage(`{"type":"object","properties":{"ok":{"type":"boolean"},"words":{"type":"string","maxLength":100}},"required":["ok","words"],"additionalProperties":false}`)
	ask := llm.Request{Model: t.ID, System: "You are a part of a test. Answer in as few words as you can.", MaxOutput: 32_000}
	if t.Model.MaxOutput > 0 {
		ask.MaxOutput = min(ask.MaxOutput, t.Model.MaxOutput)
	}
	req := ask
	req.Tools = []llm.Tool{{Name: "report", Description: "Reports how the test goes.", Parameters: schema},
		{Name: "note", Description: "Keeps a note.", Parameters: json.RawMessage(`{"type":"object","properties":{"text":{"type":"string","minLength":1}}}`)}}
	req.Messages = []llm.Message{llm.UserText("Call the tool report with ok true and the words \"it works\".")}
	resp, err := p.Generate(ctx, &req, func(llm.Delta) {})
	say("tools", err)
	if err != nil {
		return wrong
	}
	calls := resp.ToolCalls()
	if len(calls) == 0 {
		wrong = append(wrong, "it called no tool, which jobs that write code need")
	} else {
		after := llm.Message{Role: llm.RoleUser}
		for _, c := range calls {
			after.Parts = append(after.Parts, llm.Part{Kind: llm.PartToolResult, Result: &llm.ToolResult{ID: c.ID, Name: c.Name, Content: "reported"}})
		}
		after.Parts = append(after.Parts, llm.Text("Now say the word done."))
		req.Messages = append(req.Messages, resp.Message(), after)
		_, err = p.Generate(ctx, &req, func(llm.Delta) {})
		say("the way on from a tool's result", err)
	}
	req = ask
	req.Schema = &llm.Schema{Name: "answer", JSON: schema}
	req.Messages = []llm.Message{llm.UserText("Answer with ok true and the words \"it works\".")}
	_, err = p.Generate(ctx, &req, func(llm.Delta) {})
	say("an answer in a schema", err)
	return wrong
}
