package google_test

import (
	"testing"

	"codeforge/internal/llm"
	"codeforge/internal/llm/google"
	"codeforge/internal/llm/llmtest"
	"codeforge/internal/llm/wire"
)

func adapter(o wire.Options) llm.Provider { return google.New(o) }

func TestFixtures(t *testing.T) {
	all := llmtest.Load(t, "testdata")
	if len(all) == 0 {
		t.Fatal("no fixtures")
	}
	for _, x := range all {
		llmtest.Deliver(t, x, adapter)
	}
}

func TestFaults(t *testing.T) { llmtest.Faults(t, "gemini-generate", adapter) }

func FuzzAnswer(f *testing.F) { llmtest.Fuzz(f, adapter) }

func BenchmarkStream(b *testing.B) { llmtest.Bench(b, "gemini-generate", adapter) }
