package llm_test

import (
	"strings"
	"testing"

	"codeforge/internal/llm"
)

func TestEstimate(t *testing.T) {
	for _, c := range []struct {
		text     string
		min, max int // min is what tokenizers count for it
	}{
		{"", 0, 0},
		{"The quick brown fox jumps over the lazy dog.", 10, 18},
		{"人工智能正在改变世界", 6, 12},
		{"func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {", 17, 40},
		{strings.Repeat(" ", 160), 2, 12},
		{"1234567890", 4, 10},
		{"👩‍🚀🚀", 5, 16},
	} {
		if n := llm.EstimateText(c.text, "openai:gpt-6.1-sol"); n < c.min || n > c.max {
			t.Errorf("%q: %d, want %d to %d", c.text, n, c.min, c.max)
		}
	}
	req := ask("code")
	gpt, claude := llm.Estimate(req, "openai:gpt-6.1-sol"), llm.Estimate(req, "anthropic:claude-sonnet-5-5")
	if gpt <= 0 || claude < gpt*13/10 {
		t.Error(gpt, claude)
	}
	m, _ := catalog(t).Model("openai:gpt-6-astra")
	if m.Window(0) != 922_000 || m.Window(1000) != 922_000 {
		t.Error(m.Window(0))
	}
	if m, _ := catalog(t).Model("anthropic:claude-sonnet-5-5"); m.Window(0) != 872_000 || m.Window(32_768) != 1_000_000-32_768 {
		t.Error(m.Window(0), m.Window(32_768))
	}
}
