package offline

import (
	"cmp"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/dop251/goja"
	"github.com/evanw/esbuild/pkg/api"

	"codeforge"
	"codeforge/internal/agent/form"
)

const withPackages = "<stack>\n" + form.PackagesOn + "\n</stack>\n"

var reactIdeas = []string{
	"A CRM for dog walkers, in React",
	"Inventory management for a small hardware store with suppliers and reorder levels, in React and Django",
	"Bitte eine App zur Verwaltung meiner Kunden und Rechnungen mit React",
	"React app: zorblaxes and quibbles, with price and due date",
	"</script><script>alert(1)</script> using React {{.Name}} ` ${1} \" ' */ <!-- tasks",
	"class delete new import function pages called model index overview app shell React",
	"犬の散歩を管理するアプリ (React)",
	"React",
}

// builtWithReact is what the coder makes of an idea where packages can be had.
func builtWithReact(t testing.TB, idea string) *workshop {
	t.Helper()
	w := &workshop{tree: map[string]string{}}
	if err := w.run(t, prompt(idea, withPackages), codeforge.Code); err != nil {
		t.Fatal(err, w.summary)
	}
	if w.tree["src/App.tsx"] == "" {
		t.Fatalf("%q is no React app: %v", idea, sortedKeys(w.tree))
	}
	return w
}

func TestReactAppsBundleAndPass(t *testing.T) {
	for i, idea := range reactIdeas {
		t.Run(name(i, idea), func(t *testing.T) {
			t.Parallel()
			w := builtWithReact(t, idea)
			checkApp(t, w.tree)
			checkClasses(t, w.tree)
			for _, must := range []string{"package.json", "vite.config.ts", "tsconfig.json", "index.html", "public/icon.svg", "src/main.tsx", "src/index.css", modelPath} {
				if w.tree[must] == "" {
					t.Errorf("no %s", must)
				}
			}
			if !strings.Contains(w.summary, "React, Tailwind CSS and TypeScript") {
				t.Errorf("the summary: %q", w.summary)
			}
			if r := answer[form.Review](t, ask("qa_report", prompt(idea, shown(w.tree)))); !r.Passed || len(r.Issues) != 0 {
				t.Errorf("its own review: %+v", r)
			}
		})
	}
}

var (
	className  = regexp.MustCompile("className=(?:\"([^\"]*)\"|{`([^`]*)`})")
	ourUtility = regexp.MustCompile(`(?:^|:)(?:bg|text|border(?:-[lrtb])?|from|to|accent|backdrop:bg)-(page|surface|ink|muted|line|edge|accent|on-accent|soft|on-soft|pop|danger|on-danger)$`)
)

// checkClasses: colours that classes name are in the theme.
func checkClasses(t *testing.T, tree map[string]string) {
	t.Helper()
	used := 0
	for _, text := range tree {
		for _, m := range className.FindAllStringSubmatch(text, -1) {
			for c := range strings.FieldsSeq(m[1] + m[2]) {
				if m := ourUtility.FindStringSubmatch(c); m != nil {
					used++
					if !strings.Contains(tree["src/index.css"], "--color-"+m[1]+": var(--"+m[1]+");") {
						t.Errorf("the theme has no colour for %s", c)
					}
				}
			}
		}
	}
	if used < 20 {
		t.Errorf("%d classes of the theme", used)
	}
}

// Both writers take what the app is from one description: the same model, the same library, the same words.
func TestBothWritersShowTheSameApp(t *testing.T) {
	for i, idea := range ideas {
		a := design(brief{idea: idea})
		plain := a.files()
		a.React = true
		react := a.files()
		look := func(s string) string { return s[strings.Index(s, "export const app"):] }
		if look(plain[modelPath]) != look(react[modelPath]) {
			t.Errorf("%s: the models differ", name(i, idea))
		}
		for p, text := range react {
			if strings.HasPrefix(p, "src/lib/") && p != "src/lib/text.ts" && plain[p] != "" && plain[p] != text {
				t.Errorf("%s differs from that of the plain app", p)
			}
		}
		pages := 0
		for _, k := range a.Kinds {
			page := react["src/pages/"+k.PageName()+".tsx"]
			for _, must := range []string{script(k.Intro), script(a.EmptyHint(k)), k.Var()} {
				if !strings.Contains(page, must) {
					t.Errorf("%s: the page of %s has no %s", name(i, idea), k.Many, must)
				}
			}
			for _, s := range a.stats(k) {
				if line := "{ label: " + script(s.Label) + ", value: " + s.Value + " },"; !strings.Contains(page, line) || !strings.Contains(plain["src/"+k.Key+".ts"], line) {
					t.Errorf("%s: a page of %s has no %s", name(i, idea), k.Many, line)
				}
			}
			pages++
		}
		if got := len(slices.DeleteFunc(sortedKeys(react), func(p string) bool { return !strings.HasSuffix(p, "Page.tsx") })); got != pages {
			t.Errorf("%s: %d pages for %d kinds", name(i, idea), got, pages)
		}
		b := readApp(react[modelPath])
		if b == nil || !maps.Equal(b.files(), react) {
			t.Errorf("%s: it is not read back", name(i, idea))
		}
	}
}

func TestReactIsWrittenWhereItIsAskedForAndCanBeHad(t *testing.T) {
	for _, c := range []struct {
		idea, stack, packages string
		react, said           bool
	}{
		{"A CRM for dog walkers in React", "", form.PackagesOn, true, false},
		{"A CRM for dog walkers", `["React","Tailwind CSS"]`, form.PackagesOn, true, false},
		{"A CRM for dog walkers", `["react.js"]`, form.PackagesOn, true, false},
		{"A CRM for dog walkers, using reactjs", "", form.PackagesOn, true, false},
		{"A CRM for dog walkers", `["React Native"]`, form.PackagesOn, false, false},
		{"A CRM for dog walkers", `["Vue"]`, form.PackagesOn, false, false},
		{"Tasks that let me react to alarms", "", form.PackagesOn, false, false},
		{"A task list without React", "", form.PackagesOn, false, false},
		{"A CRM for dog walkers in React", "", form.PackagesOff, false, true},
		{"A CRM for dog walkers", `["React"]`, "", false, true},
		{"A CRM for dog walkers", "", form.PackagesOff, false, false},
	} {
		m := prompt(c.idea, wrap("project", `{"title":"","description":"","tech_stack":`+cmp.Or(c.stack, "[]")+`}`), wrap("stack", c.packages))
		w := workshop{tree: map[string]string{}}
		if err := w.run(t, m, codeforge.Code); err != nil {
			t.Fatal(err)
		}
		if got := w.tree["src/App.tsx"] != ""; got != c.react {
			t.Errorf("%q with %s, %s: React %v", c.idea, c.stack, c.packages, got)
		}
		if got := strings.Contains(w.summary, "NPM_REGISTRY"); got != c.said {
			t.Errorf("%q with %s, %s: %s", c.idea, c.stack, c.packages, w.summary)
		}
		stack := answer[form.Requirements](t, ask("requirements", m)).Stack
		if slices.Contains(stack, "React") != c.react {
			t.Errorf("%q: the stack is %v", c.idea, stack)
		}
	}
}

func TestInstructionsChangeAReactApp(t *testing.T) {
	base := builtWithReact(t, "Tasks and projects for my team in React")
	cases := []struct {
		say      string
		changed  []string
		kept     []string
		contains map[string]string
	}{
		{"add a notes page", []string{"src/pages/NotesPage.tsx", "src/App.tsx", modelPath}, []string{"src/lib/store.ts", "src/index.css", "package.json"}, map[string]string{"src/App.tsx": `["notes", NotesPage]`}},
		{"Please use a dark theme", []string{"src/index.css", modelPath}, []string{"src/App.tsx"}, map[string]string{"src/index.css": "color-scheme: dark"}},
		{"add a start date and an effort in hours to tasks", []string{modelPath}, []string{"src/index.css", "src/App.tsx"}, map[string]string{modelPath: `startDate: field.date("Start date")`}},
		{"rename the app to Night Shift", []string{"index.html", modelPath}, []string{"package.json", "src/App.tsx"}, map[string]string{"index.html": "Night Shift"}},
		{"remove the projects page", []string{"src/pages/ProjectsPage.tsx", "src/App.tsx"}, []string{"src/index.css"}, nil},
		{"connect it to my toaster", []string{"README.md"}, []string{modelPath, "index.html", "src/App.tsx"}, map[string]string{"README.md": "toaster"}},
		{"Use plain TypeScript without packages", []string{"package.json", "src/App.tsx", "tasks.html", "styles.css"}, []string{"src/lib/store.ts"}, map[string]string{"tasks.html": "<main"}},
	}
	for _, c := range cases {
		t.Run(c.say, func(t *testing.T) {
			w := workshop{tree: maps.Clone(base.tree)}
			if err := w.run(t, prompt(c.say, listOf(base.tree)), codeforge.Code); err != nil {
				t.Fatal(err)
			}
			checkApp(t, w.tree)
			for _, p := range c.changed {
				if !slices.Contains(w.writes, p) {
					t.Errorf("%s did not change: %v", p, w.writes)
				}
			}
			for _, p := range c.kept {
				if slices.Contains(w.writes, p) {
					t.Errorf("%s changed", p)
				}
			}
			for p, s := range c.contains {
				if !strings.Contains(w.tree[p], s) {
					t.Errorf("%s has no %q:\n%s", p, s, w.tree[p])
				}
			}
			again := workshop{tree: maps.Clone(w.tree)}
			if err := again.run(t, prompt(c.say, listOf(w.tree)+shown(w.tree)), codeforge.Code); err != nil || len(again.writes) != 0 {
				t.Errorf("saying it twice changed %v, %v", again.writes, err)
			}
		})
	}
}

// An app without packages becomes one with React when that is asked for, and keeps what it holds; where there are no packages, it stays and
// says why.
func TestAPlainAppBecomesReact(t *testing.T) {
	base := workshop{tree: map[string]string{}}
	if err := base.run(t, prompt("recipes"), codeforge.Code); err != nil {
		t.Fatal(err)
	}
	for _, say := range []string{"Convert it to React", "rewrite this with React and Tailwind", "please use React"} {
		w := workshop{tree: maps.Clone(base.tree)}
		if err := w.run(t, prompt(say, listOf(base.tree), withPackages), codeforge.Code); err != nil {
			t.Fatal(err)
		}
		checkApp(t, w.tree)
		if w.tree["src/pages/RecipesPage.tsx"] == "" || w.tree["recipes.html"] != "" || w.tree["src/lib/store.ts"] != base.tree["src/lib/store.ts"] {
			t.Errorf("%s: %v", say, sortedKeys(w.tree))
		}
		w = workshop{tree: maps.Clone(base.tree)}
		if err := w.run(t, prompt(say, listOf(base.tree), wrap("stack", form.PackagesOff)), codeforge.Code); err != nil {
			t.Fatal(err)
		}
		if w.tree["src/App.tsx"] != "" || !strings.Contains(w.summary, "NPM_REGISTRY") {
			t.Errorf("%s without packages: %s", say, w.summary)
		}
	}
}

func TestAReactAppThatWasBrokenIsPutRight(t *testing.T) {
	w := builtWithReact(t, "recipes in React")
	want := w.tree["src/components/Badge.tsx"]
	w.tree["src/components/Badge.tsx"] += "}}"
	w.writes = nil
	if err := w.run(t, prompt("fix it", listOf(w.tree), wrap("diagnostics", asJSON(bundle(w.tree)))), codeforge.Code); err != nil {
		t.Fatal(err)
	}
	if w.tree["src/components/Badge.tsx"] != want || len(w.writes) != 1 {
		t.Errorf("written: %v", w.writes)
	}
}

// Boxes stand in rows that are all full, or the last lacks one: five are three and two, never four and one.
func TestRowsAreFilled(t *testing.T) {
	source := api.Transform(design(brief{}).files()["src/lib/grid.ts"], api.TransformOptions{Loader: api.LoaderTS, Format: api.FormatIIFE, GlobalName: "grid"})
	vm := goja.New()
	if _, err := vm.RunString(string(source.Code)); err != nil {
		t.Fatal(err)
	}
	columns := func(count, most int) int {
		v, err := vm.RunString("grid.columns")
		if err != nil {
			t.Fatal(err)
		}
		call, _ := goja.AssertFunction(v)
		n, err := call(nil, vm.ToValue(count), vm.ToValue(most))
		if err != nil {
			t.Fatal(err)
		}
		return int(n.ToInteger())
	}
	for count := 1; count <= 2*maxKinds; count++ {
		for most := 1; most <= 4; most++ {
			n := columns(count, most)
			if rest := count % n; n < 1 || n > min(count, most) || rest != 0 && rest != n-1 {
				t.Errorf("%d boxes, at most %d: %d in a row", count, most, n)
			}
		}
	}
	for count, want := range map[int]int{1: 1, 2: 2, 3: 3, 4: 4, 5: 3, 6: 3, 7: 4} {
		if got := columns(count, 4); got != want {
			t.Errorf("%d boxes: %d in a row, want %d", count, got, want)
		}
	}
}

func TestFilesOfReactAppsAreExplained(t *testing.T) {
	a := design(brief{idea: "A CRM for dog walkers"})
	a.React = true
	for p := range a.files() {
		if s := a.explain(p); s == "Changed as asked." || strings.HasSuffix(s, ": .") {
			t.Errorf("%s: %s", p, s)
		}
	}
	for _, p := range a.files() {
		if strings.Contains(p, "<no value>") {
			t.Error(p)
		}
	}
	if got := order(sortedKeys(a.files())); got[0] != "package.json" || path.Base(got[1]) != "model.ts" {
		t.Errorf("written in the order %v", got)
	}
}
