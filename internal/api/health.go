package api

import (
	"cmp"
	"context"
	"errors"
	"time"

	"codeforge"
)

type healthOutput struct{ Body Health }

func (s *server) health(ctx context.Context, _ *struct{}) (*healthOutput, error) {
	h := Health{Model: s.Model}
	if s.Health != nil {
		h = s.Options.Health(ctx)
	}
	h.Status, h.Service, h.Version = cmp.Or(h.Status, "healthy"), codeforge.Service, codeforge.Version
	if h.Dependencies == nil {
		h.Dependencies = map[string]string{}
	}
	return &healthOutput{h}, nil
}

// readiness is what /ready says while the server may get traffic.
type readiness struct {
	Status    string `json:"status" enum:"ready" example:"ready"`
	Store     string `json:"store" doc:"Where data lies." example:"sqlite"`
	Isolation string `json:"isolation" doc:"What keeps users apart." example:"single-user"`
	Model     string `json:"model" doc:"The default model." example:"scaffold"`
}

type readyOutput struct{ Body readiness }

func (s *server) ready(ctx context.Context, _ *struct{}) (*readyOutput, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if s.Ready != nil {
		if err := s.Options.Ready(ctx); err != nil {
			return nil, notReady("Not ready", err)
		}
	}
	if err := s.Store.Ping(ctx); err != nil {
		return nil, notReady("The store does not answer", err)
	}
	return &readyOutput{readiness{"ready", s.StoreName, s.Isolation, s.Model}}, nil
}

// notReady says why, where the reason was written to be told.
func notReady(message string, err error) error {
	out := &codeforge.Error{Kind: codeforge.Unavailable, Message: message, RetryAfter: time.Second, Cause: err}
	if e, ok := errors.AsType[*codeforge.Error](err); ok {
		out.Details = map[string]any{"reason": e.Message}
	}
	return out
}
