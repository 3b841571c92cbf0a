package api

import (
	"github.com/danielgtaylor/huma/v2"

	"codeforge"
)

// Agent types as the wire names them; which those are is told by the table of agents.
type (
	publicAgent    string // run-agent takes it
	estimatedAgent string // it asks models
	jobAgent       string // a job may have it
)

func (publicAgent) Schema(huma.Registry) *huma.Schema {
	return agentSchema(func(a *codeforge.Agent) bool { return a.Public })
}

func (estimatedAgent) Schema(huma.Registry) *huma.Schema {
	return agentSchema(func(a *codeforge.Agent) bool { return !a.NoModel })
}

func (jobAgent) Schema(huma.Registry) *huma.Schema {
	return agentSchema(func(*codeforge.Agent) bool { return true })
}

func agentSchema(want func(*codeforge.Agent) bool) *huma.Schema {
	s := &huma.Schema{Type: huma.TypeString}
	for _, t := range codeforge.AgentTypes(want) {
		s.Enum = append(s.Enum, string(t))
	}
	s.PrecomputeMessages()
	return s
}
