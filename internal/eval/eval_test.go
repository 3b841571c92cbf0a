package eval

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"codeforge"
	"codeforge/internal/server"
	"codeforge/internal/verify"

	"github.com/alecthomas/kong"
)

func TestMain(m *testing.M) {
	verify.RunChild()
	os.Exit(m.Run())
}

// config is a server with the offline model alone, whatever the environment says.
func config(t *testing.T) server.Config {
	t.Helper()
	for _, name := range []string{"OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GOOGLE_API_KEY", "GEMINI_API_KEY", "LLM_COMPATIBLE_URL", "MODELS_FILE", "SUPABASE_URL", "SUPABASE_JWT_SECRET", "DATABASE_URL"} {
		t.Setenv(name, "")
	}
	server.UnsetEmpty()
	t.Setenv("NPM_REGISTRY", "off")
	t.Setenv("SMOKE", "off")
	var cfg server.Config
	parser, err := kong.New(&cfg)
	if err == nil {
		_, err = parser.Parse(nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// Fixtures have the size that they say, are the same every time, and verify.
func TestFixtures(t *testing.T) {
	for _, stack := range []Stack{Plain, React, Vue, Tailwind} {
		for _, size := range []int{20, 60, 300} {
			files := fixture(stack, size, 7)
			if len(files) != size || !maps.Equal(files, fixture(stack, size, 7)) || maps.Equal(files, fixture(stack, size, 8)) {
				t.Errorf("%s of %d has %d files, or is not its seed's", stack, size, len(files))
			}
			if size > 20 && stack != Plain { // more of the same
				continue
			}
			for _, d := range verify.Check(t.Context(), verify.Tree{Files: files}).Diagnostics {
				if d.Severity == verify.SeverityError {
					t.Errorf("%s of %d: %s:%d: %s", stack, size, d.File, d.Line, d.Message)
				}
			}
		}
	}
}

// There are enough tasks of each kind, and each can be told from the others.
func TestTasks(t *testing.T) {
	names := map[string]bool{}
	sizes, stacks, kinds := map[int]int{}, map[Stack]int{}, map[Kind]int{}
	for _, task := range Tasks() {
		if names[task.Name] || len(task.Checks) < 2 {
			t.Errorf("%s: its name is not its own, or it is not checked", task.Name)
		}
		names[task.Name] = true
		sizes[task.Size]++
		stacks[task.Stack]++
		kinds[task.Kind]++
		if n := len(task.files()); task.Size > 0 && n < task.Size {
			t.Errorf("%s begins with %d files", task.Name, n)
		}
	}
	if len(names) < 40 || len(sizes) != 4 || len(stacks) != 4 || len(kinds) != 10 {
		t.Errorf("%d tasks; by size %v, by stack %v, by kind %v", len(names), sizes, stacks, kinds)
	}
}

// chosen is every fourteenth task, all of them where time does not matter.
func chosen() (tasks []*Task) {
	for i, t := range Tasks() {
		if os.Getenv("CODEFORGE_SOAK") != "" || i%14 == 1 {
			tasks = append(tasks, t)
		}
	}
	return tasks
}

// Every task passes when it is done well, and fails when somebody only says so.
func TestChecksTellGoodFromBad(t *testing.T) {
	browser, err := OpenBrowser(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer browser.Close()
	tasks := chosen()
	for _, good := range []bool{true, false} {
		if !good { // what must be refused is not done by an agent that claims to do it: see TestRefusals
			tasks = slices.DeleteFunc(tasks, func(t *Task) bool { return t.Kind == Refuse })
		}
		report, err := Run(t.Context(), config(t), tasks, Options{Answers: writeScripts(t, tasks, good), Browser: browser})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range report.Tasks {
			if r.Passed != good {
				t.Errorf("%s, done well: %t; failed %q", r.Name, good, r.Failed)
			}
		}
	}
}

// Had somebody done what must be refused, it would be seen.
func TestRefusals(t *testing.T) {
	for _, task := range refusals() {
		o := &Outcome{Before: task.files(), After: task.files(), Report: verify.Report{OK: true}, Jobs: []Job{{Status: codeforge.JobCompleted, Says: "npm test"}}}
		for _, changed := range []bool{false, true} {
			if changed {
				o.After["README.md"] += secretKey
			}
			failed := slices.ContainsFunc(task.Checks, func(c Check) bool { return c.Run(t.Context(), o) != nil })
			if failed != changed {
				t.Errorf("%s, with a change: %t, fails: %t", task.Name, changed, failed)
			}
		}
	}
}

// What the offline model does is recorded, and replayed without it to the same end.
func TestRecordAndReplay(t *testing.T) {
	browser, err := OpenBrowser(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer browser.Close()
	o := Options{Model: "scaffold:scaffold", Record: t.TempDir(), Browser: browser, Only: regexp.MustCompile(`^(new-crm|change-button)$`)}
	first, err := Run(t.Context(), config(t), Tasks(), o)
	if err != nil {
		t.Fatal(err)
	}
	if first.Passed != 1 || len(first.Tasks) != 2 || !first.Tasks[0].Passed || first.Total.Calls < 5 || first.Total.InputTokens == 0 || first.Total.OutputTokens == 0 || first.Total.Replayed != 0 {
		t.Errorf("%+v", first)
	}
	o.Replay, o.Record = o.Record, ""
	again, err := Run(t.Context(), config(t), Tasks(), o)
	if err != nil {
		t.Fatal(err)
	}
	if again.Total.Calls != first.Total.Calls || again.Total.Replayed != first.Total.Calls || again.Total.InputTokens != first.Total.InputTokens {
		t.Errorf("replayed %+v, was %+v", again.Total, first.Total)
	}
	for i, r := range again.Tasks {
		if r.Passed != first.Tasks[i].Passed || !slices.Equal(r.Failed, first.Tasks[i].Failed) {
			t.Errorf("%s: %q, was %q", r.Name, r.Failed, first.Tasks[i].Failed)
		}
	}
	// A recording of something else says so.
	o.Replay = t.TempDir()
	if none, err := Run(t.Context(), config(t), Tasks(), o); err != nil || none.Passed != 0 || !strings.Contains(none.Tasks[0].Failed[0], "recording") {
		t.Errorf("%v, %+v", err, none)
	}

	// With patterns models are told more, here to no other end.
	o = Options{Model: "scaffold:scaffold", Browser: browser, Only: regexp.MustCompile(`^change-button$`), Examples: 1}
	both, err := ComparePatterns(t.Context(), config(t), Tasks(), o)
	if err != nil {
		t.Fatal(err)
	}
	if without, with := both.Without, both.With; without.Patterns != 0 || with.Patterns != 1 || without.Passed != with.Passed || without.Total.Calls != with.Total.Calls || without.Total.InputTokens >= with.Total.InputTokens {
		t.Errorf("without %+v, with %+v", without, with)
	}
	var compared strings.Builder
	if err := both.Table(&compared); err != nil || !strings.Contains(compared.String(), "with 1 patterns:") || !strings.Contains(compared.String(), "+0 tasks passed (0 without, 0 with), +0 calls, +") {
		t.Errorf("%v\n%s", err, compared.String())
	}

	var table strings.Builder
	if err := first.Table(&table); err != nil || !strings.Contains(table.String(), "1 of 2 tasks passed (50 %) with scaffold:scaffold") || !strings.Contains(table.String(), "change-button: ") {
		t.Errorf("%v\n%s", err, table.String())
	}
}
