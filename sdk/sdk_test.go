package sdk

import (
	"bytes"
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the clients")

// TestGenerated: the clients in this repository are made from the document in it.
func TestGenerated(t *testing.T) {
	spec, err := os.ReadFile("../internal/api/testdata/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	for file, make := range map[string]func([]byte) ([]byte, error){"typescript/src/api.ts": TypeScript, "python/codeforge.py": Python} {
		want, err := make(spec)
		if err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.WriteFile(file, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what the document makes: run make docs (%v)", file, err)
		}
	}
}
