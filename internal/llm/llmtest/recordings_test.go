package llmtest_test

import (
	"os"
	"path/filepath"
	"testing"

	"codeforge/internal/llm"
	"codeforge/internal/llm/anthropic"
	"codeforge/internal/llm/compatible"
	"codeforge/internal/llm/google"
	"codeforge/internal/llm/llmtest"
	"codeforge/internal/llm/openai"
	"codeforge/internal/llm/wire"
)

var adapters = map[string]llmtest.Adapter{
	"anthropic-messages": func(o wire.Options) llm.Provider { return anthropic.New(o) },
	"gemini-generate":    func(o wire.Options) llm.Provider { return google.New(o) },
	"openai-chat":        func(o wire.Options) llm.Provider { return compatible.New(o) },
	"openai-responses":   func(o wire.Options) llm.Provider { return openai.New(o) },
}

// TestRecordings runs real exchanges, which are not part of this repository: those in the folders of CODEFORGE_RECORDINGS, or beside
// the checkout, of which CODEFORGE_SOAK takes all. Where there are none, the fixtures of the adapters stand for them.
func TestRecordings(t *testing.T) {
	dirs := []string{"../../../../shared/recordings", "../../../../shared/trials/exchanges"}
	if dir := os.Getenv("CODEFORGE_RECORDINGS"); dir != "" {
		dirs = filepath.SplitList(dir)
	}
	for _, dir := range dirs {
		all := llmtest.Load(t, dir)
		if len(all) == 0 {
			t.Logf("no recordings in %s", dir)
		}
		for i, x := range all {
			if os.Getenv("CODEFORGE_SOAK")+os.Getenv("CODEFORGE_RECORDINGS") == "" && i%5 != 0 { // the adapters' own are delivered whole by their tests
				continue
			}
			llmtest.Deliver(t, x, adapters[x.Expect.API])
		}
	}
}
