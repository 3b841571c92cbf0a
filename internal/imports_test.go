package internal

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// rooms says what each package of this module may import of this module, tests aside, and why that is worth a rule: a
// room that knows little can be read, tested and replaced alone.
var rooms = map[string]string{
	"codeforge":                           "",
	"codeforge/cmd/codeforge":             "*",
	"codeforge/internal/agent":            "codeforge codeforge/internal/agent/form codeforge/internal/llm codeforge/internal/relevance codeforge/internal/verify",
	"codeforge/internal/agent/form":       "codeforge codeforge/internal/llm",
	"codeforge/internal/api":              "codeforge codeforge/internal/auth codeforge/internal/events codeforge/internal/jobs codeforge/internal/llm codeforge/internal/preview codeforge/internal/verify",
	"codeforge/internal/auth":             "codeforge",
	"codeforge/internal/https":            "codeforge",
	"codeforge/internal/pgtest":           "",
	"codeforge/internal/postgres":         "codeforge codeforge/internal/auth codeforge/internal/llm codeforge/supabase",
	"codeforge/internal/postgres/restest": "codeforge codeforge/internal/pgtest codeforge/internal/postgres",
	"codeforge/internal/events":           "codeforge",
	"codeforge/internal/jobs":             "codeforge codeforge/internal/events",
	"codeforge/internal/llm":              "codeforge",
	"codeforge/internal/llm/anthropic":    "codeforge codeforge/internal/llm codeforge/internal/llm/wire",
	"codeforge/internal/llm/compatible":   "codeforge codeforge/internal/llm codeforge/internal/llm/wire",
	"codeforge/internal/llm/google":       "codeforge codeforge/internal/llm codeforge/internal/llm/wire",
	"codeforge/internal/llm/llmtest":      "codeforge codeforge/internal/llm codeforge/internal/llm/wire",
	"codeforge/internal/llm/openai":       "codeforge codeforge/internal/llm codeforge/internal/llm/wire",
	"codeforge/internal/offline":          "codeforge codeforge/internal/agent/form codeforge/internal/llm",
	"codeforge/internal/llm/wire":         "codeforge codeforge/internal/llm",
	"codeforge/internal/preview":          "codeforge codeforge/internal/verify",
	"codeforge/internal/relevance":        "",
	"codeforge/internal/sqlite":           "codeforge codeforge/internal/auth codeforge/internal/llm",
	"codeforge/internal/storetest":        "codeforge codeforge/internal/api codeforge/internal/auth codeforge/internal/jobs codeforge/internal/llm",
	"codeforge/internal/sandbox":          "",
	"codeforge/internal/verify":           "codeforge codeforge/internal/sandbox",
	"codeforge/supabase":                  "",
}

func TestImportRules(t *testing.T) {
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports,GoFiles", "codeforge/...")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	seen := 0
	for dec := json.NewDecoder(out); ; {
		var p struct {
			ImportPath       string
			Imports, GoFiles []string
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if len(p.GoFiles) == 0 {
			continue
		}
		seen++
		allowed, ok := rooms[p.ImportPath]
		if !ok {
			t.Errorf("%s: not in the table of rooms: say what it may import", p.ImportPath)
		}
		for _, i := range p.Imports {
			first, _, _ := strings.Cut(i, "/")
			ours := first == "codeforge"
			if p.ImportPath == "codeforge" && (ours || strings.Contains(first, ".")) && i != "golang.org/x/text/unicode/norm" { // paths have twins in other normal forms
				t.Errorf("the root package may import the standard library alone, imports %s", i)
			}
			if ours && allowed != "*" && !strings.Contains(" "+allowed+" ", " "+i+" ") {
				t.Errorf("%s may not import %s", p.ImportPath, i)
			}
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if seen < 5 {
		t.Errorf("saw %d packages: go list did not list the module", seen)
	}
}

// Trees of users are checked in children: the functions that do it in this process are for those children and for tests.
func TestChecksAreMadeInChildren(t *testing.T) {
	calls := regexp.MustCompile(`\bverify\.(Check|Bundle)\b`)
	for _, dir := range []string{".", "../cmd"} {
		err := filepath.WalkDir(dir, func(name string, _ fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
				return err
			}
			text, err := os.ReadFile(name)
			if call := calls.Find(text); call != nil {
				t.Errorf("%s uses %s in the server's process: give it to a verify.Verifier", name, call)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
