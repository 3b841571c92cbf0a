package sdk

import (
	"bytes"
	"encoding/json"
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

// TestVersions: each client says that it is of the version that its document is of, which is the product's.
func TestVersions(t *testing.T) {
	type version struct {
		Version  string
		Info     struct{ Version string }
		Packages map[string]struct{ Version string }
	}
	read := func(file string) (v version) {
		b, err := os.ReadFile(file)
		if err == nil {
			err = json.Unmarshal(b, &v)
		}
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	want := read("../internal/api/testdata/openapi.json").Info.Version
	lock := read("typescript/package-lock.json")
	for what, is := range map[string]string{"package.json": read("typescript/package.json").Version, "package-lock.json": lock.Version, "its package": lock.Packages[""].Version} {
		if is != want || want == "" {
			t.Errorf("%s: version %q, want %q", what, is, want)
		}
	}
	if python, err := os.ReadFile("python/codeforge.py"); err != nil || !bytes.Contains(python, []byte("\n__version__ = \""+want+"\"\n")) {
		t.Errorf("codeforge.py is not of version %s (%v)", want, err)
	}
}
