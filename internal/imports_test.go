package internal

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// roomsOf reads the table of rooms in docs/architecture.md: for each package of this module what it may import of this
// module, tests aside. A room that knows little can be read, tested and replaced alone. "all" allows everything; a room
// that is for tests says so before what it imports.
func roomsOf(t *testing.T) map[string]string {
	page, err := os.ReadFile("../docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	name := func(short string) string {
		switch short = strings.TrimSpace(short); {
		case short == "root" || short == ".":
			return "codeforge"
		case strings.HasPrefix(short, "cmd/"), strings.HasPrefix(short, "internal/"), short == "supabase", short == "docs", short == "console", short == "sdk", strings.HasPrefix(short, "console/"):
			return "codeforge/" + short
		}
		return "codeforge/internal/" + short
	}
	rooms := map[string]string{}
	row := regexp.MustCompile("^\\| `([^`]+)`[^|]*\\|[^|]*\\| ([^|]+) \\|$")
	for line := range strings.Lines(string(page)) {
		m := row.FindStringSubmatch(strings.TrimSpace(line))
		if m == nil {
			continue
		}
		var imports []string
		switch words := strings.TrimPrefix(strings.TrimPrefix(m[2], "tests only: "), "tests only"); words {
		case "", "nothing of ours":
		case "all":
			imports = []string{"*"}
		default:
			for word := range strings.SplitSeq(words, ",") {
				imports = append(imports, name(word))
			}
		}
		slices.Sort(imports)
		// One row may stand for several rooms: internal/llm/{openai,google}.
		front, list, several := strings.Cut(m[1], "{")
		if !several {
			rooms[name(m[1])] = strings.Join(imports, " ")
			continue
		}
		for each := range strings.SplitSeq(strings.TrimSuffix(list, "}"), ",") {
			rooms[name(front+each)] = strings.Join(imports, " ")
		}
	}
	return rooms
}

// TestImportRules: the table says exactly what is true. A room that it does not name fails, and so does an import that it
// does not allow, one that it allows and that is not made, and a room that is gone.
func TestImportRules(t *testing.T) {
	rooms := roomsOf(t)
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports,GoFiles", "codeforge/...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
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
			t.Errorf("%s is not in the table of rooms: say what it holds and may import", p.ImportPath)
			continue
		}
		delete(rooms, p.ImportPath)
		var imports []string
		for _, i := range p.Imports {
			if i == "codeforge" || strings.HasPrefix(i, "codeforge/") {
				imports = append(imports, i)
			} else if p.ImportPath == "codeforge" && strings.Contains(strings.SplitN(i, "/", 2)[0], ".") && i != "golang.org/x/text/unicode/norm" && i != "golang.org/x/text/cases" {
				t.Errorf("the root package may import the standard library and Unicode's forms alone, imports %s", i)
			}
		}
		slices.Sort(imports)
		if is := strings.Join(imports, " "); allowed != "*" && is != allowed {
			t.Errorf("%s imports %s; the table of rooms says %s", p.ImportPath, cmp.Or(is, "nothing"), cmp.Or(allowed, "nothing"))
		}
	}
	for name := range rooms {
		t.Errorf("the table of rooms names %s, which is not there", name)
	}
	if seen < 5 {
		t.Errorf("saw %d packages: go list did not list the module", seen)
	}
}

// Trees of users are checked in children: the functions that do it in this process are for those children and for tests.
func TestChecksAreMadeInChildren(t *testing.T) {
	calls := regexp.MustCompile(`\bverify\.(Check|Bundle)\b`)
	for name, source := range sources(t, ".", "../cmd") {
		if call := calls.FindString(source); call != "" {
			t.Errorf("%s uses %s in the server's process: give it to a verify.Verifier", name, call)
		}
	}
}

// sources are the files of Go below some folders, tests aside, by their paths.
func sources(t *testing.T, dirs ...string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() || filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
				return err
			}
			text, err := os.ReadFile(name)
			all[name] = string(text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// A function that is longer cannot be read on one screen: it does several things.
const longestFunction = 100 // lines

func TestFunctionsFitOnAScreen(t *testing.T) {
	err := filepath.WalkDir("..", func(name string, e fs.DirEntry, err error) error {
		if err == nil && e.IsDir() && strings.HasPrefix(e.Name(), ".") && len(e.Name()) > 2 {
			return filepath.SkipDir
		}
		if err != nil || filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
			return err
		}
		files := token.NewFileSet()
		parsed, err := parser.ParseFile(files, name, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, d := range parsed.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if n := files.Position(f.End()).Line - files.Position(f.Pos()).Line + 1; n > longestFunction {
				t.Errorf("%s: %s has %d lines", name, f.Name.Name, n)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
