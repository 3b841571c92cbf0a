package llm_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"codeforge"
	"codeforge/internal/llm"
)

// Providers repeat prompts in their errors. What is logged, however it is wrapped, says the kind and their code alone; who
// made the call can have the words.
func TestErrorsAreFitToBeLogged(t *testing.T) {
	const prompt = "the diary of my patient"
	for _, e := range []*llm.Error{
		{Provider: "p", Model: "m", Kind: llm.InvalidRequest, Status: 400, Code: "invalid_value", Message: "cannot read " + prompt},
		{Provider: "p", Model: "m", Kind: llm.ServerError, Code: "cannot read: " + prompt, Message: prompt},
		{Provider: "p", Model: "m", Kind: llm.ContentFilter, Message: prompt, Cause: errors.New(prompt), Refusal: prompt},
	} {
		wrapped := &codeforge.Error{Kind: codeforge.AgentFailed, Message: "The model refused", Cause: fmt.Errorf("code: %w", e)}
		for _, logged := range []string{e.Error(), wrapped.Error()} {
			if strings.Contains(logged, prompt) || !strings.Contains(logged, "p:m: "+string(e.Kind)) {
				t.Errorf("logged as %q", logged)
			}
		}
		for _, err := range []error{e, wrapped} {
			if got := llm.Explain(err); !strings.Contains(got, prompt) {
				t.Errorf("explained as %q", got)
			}
		}
	}
	e := llm.Error{Provider: "p", Model: "m", Kind: llm.RateLimit, Status: 429, Code: "insufficient_quota"}
	if got := e.Error(); got != "p:m: rate_limit (429 insufficient_quota)" || llm.Explain(&e) != got {
		t.Error(got)
	}
}
