package offline

import (
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"codeforge"
	"codeforge/internal/npm"
	"codeforge/internal/npm/registrytest"
	"codeforge/internal/types"
	"codeforge/internal/types/typestest"
	"codeforge/internal/verify"
)

// What people say of an app is done, and nothing else: also where they edited it, and said twice it changes nothing more.
func TestChangesAreMade(t *testing.T) {
	text, err := os.ReadFile("testdata/changes.txt")
	if err != nil {
		t.Fatal(err)
	}
	soak := os.Getenv("CODEFORGE_SOAK") != ""
	checked := typeChecker(t)
	rows := 0
	for line := range strings.SplitSeq(string(text), "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		rows++
		some := func(nth int) bool { return soak || rows%8 == nth } // the rest is for make soak
		twice, byHands, typed := some(0), some(1) || some(5), some(2)
		c := strings.Split(line, " | ")
		t.Run(c[0], func(t *testing.T) {
			t.Parallel()
			base := map[string]string(design(brief{idea: c[1]}).files())
			w := workshop{tree: maps.Clone(base)}
			if err := w.run(t, prompt(c[0], listOf(base)), codeforge.Code); err != nil {
				t.Fatal(err)
			}
			checkApp(t, w.tree)
			w.holds(t, c[2])
			if typed {
				checked(t, w.tree)
			}
			if twice {
				w.sameWhenSaidAgain(t, c[0])
			}
			if byHands {
				w.keepsEdits(t, base, c[0], c[2])
			}
		})
	}
	if rows < 40 {
		t.Errorf("%d changes", rows)
	}
}

// sameWhenSaidAgain says it once more to the changed tree.
func (w *workshop) sameWhenSaidAgain(t *testing.T, instruction string) {
	t.Helper()
	again := workshop{tree: maps.Clone(w.tree)}
	if err := again.run(t, prompt(instruction, listOf(w.tree)), codeforge.Code); err != nil {
		t.Fatal(err)
	}
	if len(again.writes) != 0 {
		t.Errorf("said twice, it changed %v", again.writes)
	}
}

// keepsEdits says it to the same app with an edit in every file: what comes of it is the changed app with those edits.
func (w *workshop) keepsEdits(t *testing.T, base map[string]string, instruction, musts string) {
	t.Helper()
	edited := workshop{tree: maps.Clone(base)}
	for p := range edited.tree {
		edited.tree[p] = byHand(p, edited.tree[p])
	}
	if err := edited.run(t, prompt(instruction, listOf(base)), codeforge.Code); err != nil {
		t.Fatal(err)
	}
	checkApp(t, edited.tree)
	edited.holds(t, musts)
	for p := range w.tree {
		if _, there := base[p]; there && byHand(p, w.tree[p]) != edited.tree[p] {
			t.Errorf("%s of an app that was edited is not the changed one with the edit", p)
		}
	}
}

// typeChecker returns what fails a test where TypeScript finds fault with an app.
func typeChecker(t *testing.T) func(*testing.T, map[string]string) {
	t.Helper()
	client, err := npm.Open(npm.Options{Dir: t.TempDir(), Registry: npm.Registry{URL: registrytest.New(t).URL}})
	if err != nil {
		t.Fatal(err)
	}
	checker, err := types.Open(types.Options{Path: typestest.Compiler(t), Dir: t.TempDir(), NPM: client})
	if err != nil {
		t.Fatal(err)
	}
	return func(t *testing.T, tree map[string]string) {
		t.Helper()
		result, err := checker.Check(t.Context(), "", verify.Tree{Files: tree})
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range result.Diagnostics {
			t.Errorf("%+v", d)
		}
	}
}

// byHand is a file with a line that somebody added, away from what changes.
func byHand(p, text string) string {
	switch path.Ext(p) {
	case ".ts", ".tsx":
		return "// by hand\n" + text
	case ".css":
		return text + "/* by hand */\n"
	case ".html":
		return text + "<!-- by hand -->\n"
	}
	return text
}

// holds checks what a row of the table says of the tree.
func (w *workshop) holds(t *testing.T, musts string) {
	t.Helper()
	for must := range strings.SplitSeq(musts, "; ") {
		file, rest, _ := strings.Cut(must, " ")
		switch {
		case must == "wish":
			if !strings.Contains(w.summary, "OPENAI_API_KEY") || !strings.HasPrefix(w.summary, "Not done") {
				t.Errorf("it is not refused in words: %s", w.summary)
			}
			for _, p := range w.writes {
				if p != "README.md" {
					t.Errorf("%s changed", p)
				}
			}
		case file == "only":
			for _, p := range w.writes {
				if !slices.Contains(strings.Fields(rest), p) {
					t.Errorf("%s changed", p)
				}
			}
		case file == "gone":
			if _, there := w.tree[rest]; there {
				t.Errorf("%s is there", rest)
			}
		case strings.HasPrefix(rest, "!~ "):
			if strings.Contains(w.tree[file], rest[3:]) {
				t.Errorf("%s has %q", file, rest[3:])
			}
		default:
			if !strings.Contains(w.tree[file], strings.TrimPrefix(rest, "~ ")) {
				t.Errorf("%s has no %q:\n%s\n%s", file, strings.TrimPrefix(rest, "~ "), w.tree[file], w.summary)
			}
		}
	}
}

// What is gone already is as asked, also where its name has two words.
func TestRemovedTwice(t *testing.T) {
	a := design(brief{idea: "recipes and shopping items"})
	for range 2 {
		a.change("remove the shopping items page")
		if got := manyOf(a); len(got) != 1 || len(a.Wishes) > 0 {
			t.Errorf("keeps %v, not understood %v", got, a.Wishes)
		}
	}
}
