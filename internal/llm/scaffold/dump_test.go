package scaffold

import (
	"os"
	"path/filepath"
	"testing"
)

func TestDump(t *testing.T) {
	dir := os.Getenv("DUMP")
	if dir == "" {
		return
	}
	a := design(brief{idea: os.Getenv("IDEA")})
	for p, s := range a.files() {
		f := filepath.Join(dir, p)
		os.MkdirAll(filepath.Dir(f), 0o755)
		os.WriteFile(f, []byte(s), 0o644)
	}
	for _, k := range a.Kinds {
		t.Log(k.Key, k.View, labels(k))
	}
	t.Log(a.Name, a.Look, a.Tagline)
}
