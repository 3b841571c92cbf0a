package api

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"time"

	"codeforge"
)

// ProbePaths are the paths by which something watches the server. They are never limited, and may be read without TLS.
var ProbePaths = []string{"/health", "/ready", "/readyz", "/livez"}

// NewProbes returns the handler of a server that answers its watchers and nobody else.
func NewProbes(o Options) http.Handler {
	o.probesOnly = true
	return newServer(o)
}

// alive is what /livez says.
type alive struct {
	Status string `json:"status" enum:"alive" example:"alive"`
}

type aliveOutput struct{ Body alive }

// live asks nobody: a server that waits for its store is not mended by a restart.
func (s *server) live(context.Context, *struct{}) (*aliveOutput, error) {
	return &aliveOutput{alive{"alive"}}, nil
}

type healthOutput struct{ Body Health }

func (s *server) health(ctx context.Context, _ *struct{}) (*healthOutput, error) {
	h := Health{Model: s.Model()}
	if s.Health != nil {
		h = s.Options.Health(ctx)
	}
	h.Status, h.Service, h.Version = cmp.Or(h.Status, "healthy"), codeforge.Service, codeforge.Version
	if h.Dependencies == nil {
		h.Dependencies = map[string]string{}
	}
	return &healthOutput{h}, nil
}

// States of a [Check].
const (
	CheckOK       = "ok"
	CheckDegraded = "degraded" // slower or in danger, and still of use
	CheckFailing  = "failing"  // the server should get no traffic
)

// Check is how one part is that the server depends on.
type Check struct {
	Name    string  `json:"name" example:"store"`
	State   string  `json:"state" enum:"ok,degraded,failing"`
	Millis  float64 `json:"ms" doc:"How long the last look took, in milliseconds. Looks are shared by those who ask within a second."`
	Message string  `json:"message,omitempty" doc:"What is wrong and what would mend it, or what is good to know."`
	Cause   error   `json:"-"` // for the log
}

// readiness is what /ready says while the server may get traffic.
type readiness struct {
	Status    string   `json:"status" enum:"ready" example:"ready"`
	Store     string   `json:"store" doc:"Where data lies." example:"sqlite"`
	Isolation string   `json:"isolation" doc:"What keeps users apart." example:"single-user"`
	Model     string   `json:"model" doc:"The default model." example:"scaffold"`
	Degraded  []string `json:"degraded,omitempty" doc:"Parts that make the server slower, or that are in danger, and do not keep it from answering."`
	Checks    []Check  `json:"checks,omitempty" doc:"With verbose: every part that was looked at."`
}

type readyInput struct {
	Verbose string `query:"verbose" doc:"Given, with any value or none: says of every part how it is."`
}

type readyOutput struct{ Body readiness }

func (s *server) ready(ctx context.Context, _ *readyInput) (*readyOutput, error) {
	x, _ := exchangeOf(ctx)
	verbose := x.r.URL.Query().Has("verbose")
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	checks := s.Options.Ready(ctx)
	out := readiness{Status: "ready", Store: s.StoreName, Isolation: s.Isolation, Model: s.Model()}
	if verbose {
		out.Checks = checks
	}
	var failing []string
	var first Check
	for _, c := range checks {
		switch c.State {
		case CheckDegraded:
			out.Degraded = append(out.Degraded, c.Name)
		case CheckFailing:
			if failing = append(failing, c.Name); len(failing) == 1 {
				first = c
			}
		}
	}
	if len(failing) == 0 {
		return &readyOutput{out}, nil
	}
	err := &codeforge.Error{Kind: codeforge.Unavailable, Message: "Not ready", RetryAfter: time.Second, Details: map[string]any{"failing": failing}, Cause: first.Cause}
	if first.Name == StoreCheck {
		err.Message = "The store does not answer"
	}
	if first.Message != "" {
		err.Details["reason"] = first.Message
	}
	if verbose {
		err.Details["checks"] = checks
	}
	return nil, err
}

// StoreCheck is the name of the check of the store.
const StoreCheck = "store"

// pingOnly is the readiness of a server of which no more is known than its store.
func pingOnly(store Store) func(context.Context) []Check {
	return func(ctx context.Context) []Check {
		began := time.Now()
		return []Check{NewCheck(StoreCheck, store.Ping(ctx), time.Since(began))}
	}
}

// NewCheck is what looking at a part came to: an error fails it, and is told where it was written to be told.
func NewCheck(name string, err error, took time.Duration) Check {
	c := Check{Name: name, State: CheckOK, Millis: float64(took.Microseconds()) / 1000}
	if err != nil {
		c.State, c.Cause = CheckFailing, err
		if e, ok := errors.AsType[*codeforge.Error](err); ok {
			c.Message = e.Message
		}
	}
	return c
}
