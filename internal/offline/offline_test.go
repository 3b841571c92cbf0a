package offline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/evanw/esbuild/pkg/api"
	"github.com/google/jsonschema-go/jsonschema"

	"codeforge"
	"codeforge/internal/agent/form"
	"codeforge/internal/llm"
)

// ideas are what people, and those who are no friends, may type.
var ideas = []string{
	"A CRM for dog walkers",
	"Build me a recipe collection where I can plan meals for the week",
	"I want an app to track the books I have read and who I lent them to",
	"Inventory management for a small hardware store with suppliers and reorder levels, in React and Django",
	"habit tracker",
	"A wedding planner with guests, tasks and a budget in €",
	"Students, courses and homework for my tutoring business",
	"Beekeeping log: hives, inspections, honey harvests",
	"Property management for landlords, tenants and repairs",
	"I need to keep track of my zorblaxes and quibbles, with price and due date",
	"call it Moonbase: a place for lunar rovers",
	"Eine App zur Verwaltung meiner Kunden und Rechnungen für die Tischlerei Müßig",
	"Una aplicación para mis recetas y clientes",
	"犬の散歩を管理するアプリ",
	"تطبيق لإدارة المواعيد والعملاء",
	"אפליקציה לניהול משימות",
	"приложение для учёта книг",
	"🐶🦴✨",
	"",
	"   \n\t ",
	"!!!???...",
	"12345 67890",
	"</script><script>alert(1)</script>",
	"\"; alert(1); // ' ` ${process.exit()} \\",
	"*/ } body { display: none } /* tasks",
	"{{.Name}} {{template \"x\"}} <%= tasks %>",
	"line one\nline two\r\nline three\u2028four\u2029five",
	"<!-- --> <img src=x onerror=alert(1)> recipes & 'more' \"quotes\"",
	"class delete new import function pages called model index dashboard lib",
	"my password: 'hunter2hunter2hunter2' and key sk-live-abcdefghijklmnopqrstuvwxyz123456 TODO eval( innerHTML = console.log(",
	"\u202eright to left override\u202c and zero\u200bwidth and nul\x00 and bad\xff\xfe",
	strings.Repeat("a very long idea about clients and their many invoices, tasks and dogs. ", 150),
	strings.Repeat("x", 10_000),
	"constructor prototype __proto__ toString hasOwnProperty valueOf",
}

// The schemas that agents ask for, with the limits of the wire.
const (
	text500      = `{"type":"string","maxLength":500}`
	requirementS = `{"type":"object","additionalProperties":false,"required":["app_name","elevator_pitch","target_audience","core_features","recommended_stack","technical_constraints"],"properties":{
		"app_name":{"type":"string","minLength":1,"maxLength":200},"elevator_pitch":{"type":"string","minLength":20,"maxLength":500},
		"target_audience":{"type":"array","minItems":1,"maxItems":5,"items":{"type":"object","additionalProperties":false,"required":["role","goal","pain_point","name"],"properties":{"name":{"type":"string","maxLength":100},"role":{"type":"string","minLength":1,"maxLength":200},"goal":` + text500 + `,"pain_point":` + text500 + `}}},
		"core_features":{"type":"array","minItems":1,"maxItems":20,"items":{"type":"object","additionalProperties":false,"required":["name","description","priority","user_stories"],"properties":{"name":{"type":"string","minLength":1,"maxLength":200},"description":{"type":"string","maxLength":2000},"priority":{"type":"string","enum":["must-have","should-have","nice-to-have"]},"user_stories":{"type":"array","maxItems":10,"items":` + text500 + `}}}},
		"recommended_stack":{"type":"array","minItems":1,"maxItems":10,"items":{"type":"string","maxLength":100}},"technical_constraints":{"type":"array","maxItems":20,"items":` + text500 + `}}}`
	architectureS = `{"type":"object","additionalProperties":false,"required":["site_map","global_state_needs","theme_colors"],"properties":{
		"site_map":{"type":"array","minItems":1,"maxItems":50,"items":{"type":"object","additionalProperties":false,"required":["path","name","description","components"],"properties":{"path":{"type":"string","maxLength":200,"pattern":"^/[a-z0-9-/]*$"},"name":{"type":"string","maxLength":100},"description":{"type":"string","minLength":1,"maxLength":2000},
			"components":{"type":"array","minItems":1,"maxItems":50,"items":{"type":"object","additionalProperties":false,"required":["name","props","children"],"properties":{"name":{"type":"string","minLength":1,"maxLength":100,"pattern":"^[A-Z][A-Za-z0-9]*$"},"props":{"type":"array","maxItems":30,"items":{"type":"string","minLength":1,"maxLength":200}},"children":{"type":"array","maxItems":30,"items":{"type":"string","minLength":1,"maxLength":100}}}}}}}},
		"global_state_needs":{"type":"array","maxItems":20,"items":{"type":"string","minLength":1,"maxLength":1000}},"theme_colors":{"type":"array","minItems":1,"maxItems":10,"items":{"type":"string","pattern":"^#[0-9A-Fa-f]{6}$"}}}}`
	clarificationS = `{"type":"object","additionalProperties":false,"required":["is_complete","questions","message"],"properties":{"is_complete":{"type":"boolean"},"message":{"type":"string","maxLength":1000},
		"questions":{"type":"array","maxItems":5,"items":{"type":"object","additionalProperties":false,"required":["question","why","options"],"properties":{"question":{"type":"string","minLength":1,"maxLength":500},"why":` + text500 + `,"options":{"type":"array","maxItems":6,"items":{"type":"string","minLength":1,"maxLength":200}}}}}}}`
	qaS = `{"type":"object","additionalProperties":false,"required":["passed","issues","summary","score"],"properties":{"passed":{"type":"boolean"},"summary":{"type":"string","minLength":1,"maxLength":2000},"score":{"type":"integer","minimum":0,"maximum":100},
		"issues":{"type":"array","maxItems":100,"items":{"type":"object","additionalProperties":false,"required":["severity","category","file_path","line_hint","description","suggestion"],"properties":{"severity":{"type":"string","enum":["critical","high","medium","low"]},"category":{"type":"string","minLength":1,"maxLength":100},"file_path":` + text500 + `,"line_hint":{"type":"integer","minimum":0},"description":{"type":"string","minLength":1,"maxLength":2000},"suggestion":{"type":"string","maxLength":2000}}}}}}`
	lessonS = `{"type":"object","additionalProperties":false,"required":["encouragement","steps","key_concept","further_exploration"],"properties":{"encouragement":{"type":"string","minLength":1,"maxLength":2000},"key_concept":{"type":"string","minLength":1,"maxLength":1000},"further_exploration":{"type":"array","maxItems":5,"items":` + text500 + `},
		"steps":{"type":"array","minItems":1,"maxItems":10,"items":{"type":"object","additionalProperties":false,"required":["step_number","question","hint","concept"],"properties":{"step_number":{"type":"integer","minimum":1,"maximum":10},"question":{"type":"string","minLength":1,"maxLength":1000},"hint":{"type":"string","minLength":1,"maxLength":1000},"concept":{"type":"string","minLength":1,"maxLength":300}}}}}}`
)

var schemas = map[string]string{"clarification": clarificationS, "requirements": requirementS, "architecture": architectureS, "qa_report": qaS, "lesson": lessonS}

var toolNames = []string{"list_files", "read_file", "search", "write_file", "edit_file", "delete_file", "check", "finish"}

func toolbox() []llm.Tool {
	var out []llm.Tool
	for _, n := range toolNames {
		props := map[string]string{"read_file": `"path":{"type":"string"}`, "search": `"pattern":{"type":"string"}`, "delete_file": `"path":{"type":"string"}`,
			"write_file": `"path":{"type":"string"},"content":{"type":"string"}`, "edit_file": `"path":{"type":"string"},"edits":{"type":"array","items":{"type":"object","properties":{"old":{"type":"string"},"new":{"type":"string"}}}}`,
			"finish": `"summary":{"type":"string","minLength":10,"maxLength":2000},"dependencies":{"type":"array","items":{"type":"string"}},"explanations":{"type":"object","additionalProperties":{"type":"string"}}`}[n]
		out = append(out, llm.Tool{Name: n, Description: n, Parameters: json.RawMessage(`{"type":"object","properties":{` + props + `}}`)})
	}
	return out
}

func asJSON(v any) string { return string(encode(v)) }

func wrap(name, body string) string { return "<" + name + ">\n" + body + "\n</" + name + ">\n" }

// prompt makes the user message of a job on an idea.
func prompt(idea string, more ...string) llm.Message {
	return llm.UserText("Here is the work.\n" + wrap("project", asJSON(map[string]any{"title": "", "description": "", "mode": "builder"})) + wrap("idea", idea) + strings.Join(more, ""))
}

func ask(schema string, m llm.Message) *llm.Request {
	return &llm.Request{Model: Name, Messages: []llm.Message{m}, Schema: &llm.Schema{Name: schema, JSON: json.RawMessage(schemas[schema])}}
}

// answer is the document that a request gets.
func answer[T any](t testing.TB, req *llm.Request) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(generate(t, req).Text()), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func generate(t testing.TB, req *llm.Request) *llm.Response {
	t.Helper()
	resp, err := New().Generate(context.Background(), req, nil)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

// workshop runs the code agent's loop on a tree, as the agent does, with esbuild as its check.
type workshop struct {
	tree    map[string]string
	writes  []string // paths in the order in which they were written, edited or deleted
	summary string
	turns   int
}

func (w *workshop) run(t testing.TB, m llm.Message, agent codeforge.AgentType) error {
	t.Helper()
	req := &llm.Request{Model: Name, Messages: []llm.Message{m}, Tools: toolbox(), Call: llm.Call{Agent: agent}}
	for range 60 {
		w.turns++
		resp, err := New().Generate(context.Background(), req, nil)
		if err != nil {
			return err
		}
		calls := resp.ToolCalls()
		if len(calls) == 0 {
			if resp.Finish != llm.FinishStop {
				t.Fatalf("finish %q without calls", resp.Finish)
			}
			return errors.New("stopped without finishing: " + resp.Text())
		}
		if len(calls) > maxReads+1 || resp.Finish != llm.FinishToolCalls {
			t.Fatalf("%d calls, finish %q", len(calls), resp.Finish)
		}
		answer := llm.Message{Role: llm.RoleUser}
		done := false
		for _, c := range calls {
			content, ok := w.do(t, c)
			done = done || ok && c.Name == "finish"
			answer.Parts = append(answer.Parts, llm.Part{Kind: llm.PartToolResult, Result: &llm.ToolResult{ID: c.ID, Name: c.Name, Content: content, IsError: !ok && c.Name != "check" && c.Name != "finish"}})
		}
		if done {
			return nil
		}
		req.Messages = append(req.Messages, resp.Message(), answer)
	}
	return errors.New("never finished")
}

func (w *workshop) do(t testing.TB, c llm.ToolCall) (string, bool) {
	t.Helper()
	var args struct {
		Path, Content, Summary string
		Edits                  []form.Edit
		Explanations           map[string]string
	}
	if err := json.Unmarshal(c.Arguments, &args); err != nil {
		t.Fatalf("%s: %v", c.Name, err)
	}
	switch c.Name {
	case "read_file":
		text, ok := w.tree[args.Path]
		return form.NumberLines(text, 1, strings.Count(text, "\n")+1), ok
	case "write_file":
		if err := codeforge.CheckPath(args.Path); err != nil {
			t.Fatal(err)
		}
		if err := codeforge.CheckContent(args.Content); err != nil {
			t.Fatal(args.Path, err)
		}
		w.tree[args.Path] = args.Content
		w.writes = append(w.writes, args.Path)
		return "written", true
	case "edit_file":
		for _, e := range args.Edits {
			if strings.Count(w.tree[args.Path], e.Old) != 1 {
				return "old must occur once", false
			}
			w.tree[args.Path] = strings.Replace(w.tree[args.Path], e.Old, e.New, 1)
		}
		w.writes = append(w.writes, args.Path)
		return "edited", true
	case "delete_file":
		delete(w.tree, args.Path)
		w.writes = append(w.writes, args.Path)
		return "deleted", true
	case "check", "finish":
		w.summary = args.Summary
		for p, s := range args.Explanations {
			if _, there := w.tree[p]; !there || s == "" {
				t.Errorf("explanation of %q: %q", p, s)
			}
		}
		found := bundle(w.tree)
		return asJSON(map[string]any{"ok": len(found) == 0, "diagnostics": found}), len(found) == 0
	}
	t.Fatalf("unexpected tool %s", c.Name)
	return "", false
}

var (
	scriptSource = regexp.MustCompile(`<script type="module" src="\.?/([^"]+)"></script>`)
	reference    = regexp.MustCompile(`(?:href|src)="\.?/([^"#]*)`)
)

var bundled sync.Map // tree as JSON -> []diagnostic: the same tree is asked about several times

// bundle bundles what the pages of a tree name, without any disk, and follows every reference between files.
func bundle(tree map[string]string) []form.Diagnostic {
	key := asJSON(tree)
	if known, ok := bundled.Load(key); ok {
		return known.([]form.Diagnostic)
	}
	found := bundleAnew(tree)
	bundled.Store(key, found)
	return found
}

func bundleAnew(tree map[string]string) []form.Diagnostic {
	var out []form.Diagnostic
	var entries []string
	for name, text := range tree {
		dir := path.Dir(name)
		switch path.Ext(name) {
		case ".html":
			for _, m := range scriptSource.FindAllStringSubmatch(text, -1) {
				entries = append(entries, path.Join(dir, m[1]))
			}
			for _, m := range reference.FindAllStringSubmatch(text, -1) {
				if tree[path.Join(dir, m[1])] == "" && tree[path.Join(dir, "public", m[1])] == "" {
					out = append(out, form.Diagnostic{File: name, Line: 1, Severity: "error", Message: "nothing at " + m[1]})
				}
			}
		case ".css":
			entries = append(entries, name)
		case ".json":
			if !json.Valid([]byte(text)) {
				out = append(out, form.Diagnostic{File: name, Line: 1, Severity: "error", Message: "no JSON"})
			}
		}
	}
	result := build(tree, entries)
	for _, m := range slices.Concat(result.Errors, result.Warnings) {
		d := form.Diagnostic{Severity: "error", Message: m.Text}
		if m.Location != nil {
			d.File, d.Line = strings.TrimPrefix(m.Location.File, "tree:"), m.Location.Line
		}
		out = append(out, d)
	}
	return out
}

// build bundles what is in a tree, without any disk.
func build(tree map[string]string, entries []string) api.BuildResult {
	slices.Sort(entries)
	return api.Build(api.BuildOptions{EntryPoints: slices.Compact(entries), Bundle: true, Format: api.FormatESModule, Outdir: "/out", Write: false, JSX: api.JSXAutomatic, LogLevel: api.LogLevelSilent,
		Plugins: []api.Plugin{{Name: "tree", Setup: func(b api.PluginBuild) {
			b.OnResolve(api.OnResolveOptions{Filter: ".*"}, func(a api.OnResolveArgs) (api.OnResolveResult, error) {
				if packaged(tree, a.Path) && a.Kind != api.ResolveEntryPoint {
					return api.OnResolveResult{Path: a.Path, External: true}, nil
				}
				p := path.Clean(a.Path)
				if a.Kind != api.ResolveEntryPoint {
					p = path.Join(path.Dir(a.Importer), a.Path)
				}
				for _, ext := range []string{"", ".ts", ".tsx"} {
					if _, ok := tree[p+ext]; ok {
						return api.OnResolveResult{Path: p + ext, Namespace: "tree"}, nil
					}
				}
				return api.OnResolveResult{}, fmt.Errorf("no file %q", p)
			})
			b.OnLoad(api.OnLoadOptions{Filter: ".*", Namespace: "tree"}, func(a api.OnLoadArgs) (api.OnLoadResult, error) {
				loader := map[string]api.Loader{".css": api.LoaderCSS, ".tsx": api.LoaderTSX}[path.Ext(a.Path)]
				if loader == api.LoaderNone {
					loader = api.LoaderTS
				}
				text := tree[a.Path]
				return api.OnLoadResult{Contents: &text, Loader: loader}, nil
			})
		}}}})
}

// packaged reports whether an import names a package that the tree declares.
func packaged(tree map[string]string, name string) bool {
	var manifest struct{ Dependencies, DevDependencies map[string]string }
	json.Unmarshal([]byte(tree["package.json"]), &manifest)
	first, rest, _ := strings.Cut(name, "/")
	if strings.HasPrefix(name, "@") {
		second, _, _ := strings.Cut(rest, "/")
		first += "/" + second
	}
	return manifest.Dependencies[first] != "" || manifest.DevDependencies[first] != ""
}

func shown(tree map[string]string) string {
	var b strings.Builder
	for _, p := range sortedKeys(tree) {
		fmt.Fprintf(&b, "<file path=%q>\n%s\n</file>\n", p, tree[p])
	}
	return b.String()
}

func listOf(tree map[string]string) string {
	var b strings.Builder
	for _, p := range sortedKeys(tree) {
		fmt.Fprintf(&b, "%s (%d bytes)\n", p, len(tree[p]))
	}
	return wrap("files", strings.TrimSuffix(b.String(), "\n"))
}

func name(i int, idea string) string { return fmt.Sprintf("%02d %s", i, shorten(cleanLine(idea), 24)) }

func TestDocumentsFitTheirSchemas(t *testing.T) {
	for schemaName, raw := range schemas {
		var s jsonschema.Schema
		if err := json.Unmarshal([]byte(raw), &s); err != nil {
			t.Fatal(schemaName, err)
		}
		resolved, err := s.Resolve(nil)
		if err != nil {
			t.Fatal(err)
		}
		for i, idea := range ideas {
			for _, more := range []string{"", wrap("context", `{"scaffold":"ask qa_fail_once","question":"why does my loop never end?","code":"function twice(n) {}"}`)} {
				resp := generate(t, ask(schemaName, prompt(idea, more)))
				var v any
				if err := json.Unmarshal([]byte(resp.Text()), &v); err != nil {
					t.Fatalf("%s of %s: %v", schemaName, name(i, idea), err)
				}
				if err := resolved.Validate(v); err != nil {
					t.Errorf("%s of %s: %v\n%s", schemaName, name(i, idea), err, resp.Text())
				}
			}
		}
	}
}

func TestFitFollowsAnySchema(t *testing.T) {
	raw := json.RawMessage(`{"type":"object","required":["app_name","rank","extra","nested"],"additionalProperties":false,"properties":{"app_name":{"type":["null","string"],"maxLength":5},
		"rank":{"type":"integer","minimum":1},"extra":{"anyOf":[{"type":"null"},{"type":"string","enum":["a","b"]}]},"nested":{"$ref":"#/$defs/n"}},"$defs":{"n":{"type":"object","required":["list"],"properties":{"list":{"type":"array","minItems":2,"items":{"type":"string","minLength":4}}}}}}`)
	req := ask("requirements", prompt("A CRM for dog walkers"))
	req.Schema.JSON = raw
	var s jsonschema.Schema
	if err := json.Unmarshal(raw, &s); err != nil {
		t.Fatal(err)
	}
	resolved, err := s.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []string{"requirements", "something_else"} {
		req.Schema.Name = n
		var v any
		if err := json.Unmarshal([]byte(generate(t, req).Text()), &v); err != nil {
			t.Fatal(err)
		}
		if err := resolved.Validate(v); err != nil {
			t.Errorf("%s: %v in %v", n, err, v)
		}
	}
}

// Every idea becomes an app that bundles; every third, and with CODEFORGE_SOAK all, in turns with the coder, and past the reviewer.
func TestEveryIdeaBecomesAnAppThatBundlesAndPasses(t *testing.T) {
	for i, idea := range ideas {
		t.Run(name(i, idea), func(t *testing.T) {
			t.Parallel()
			if os.Getenv("CODEFORGE_SOAK") == "" && i%3 != 0 {
				checkApp(t, design(brief{idea: idea}).files())
				return
			}
			w := workshop{tree: map[string]string{}}
			if err := w.run(t, prompt(idea), codeforge.Code); err != nil {
				t.Fatal(err, w.summary)
			}
			checkApp(t, w.tree)
			if len(w.tree) < 14 || w.turns < 5 {
				t.Errorf("%d files in %d turns", len(w.tree), w.turns)
			}
			if !strings.Contains(w.summary, "offline model") {
				t.Errorf("the summary does not say who wrote it: %q", w.summary)
			}
			var r form.Review
			if err := json.Unmarshal([]byte(generate(t, ask("qa_report", prompt(idea, shown(w.tree)))).Text()), &r); err != nil {
				t.Fatal(err)
			}
			if !r.Passed || len(r.Issues) != 0 {
				t.Errorf("its own review: %+v", r)
			}
		})
	}
}

var htmlLang = regexp.MustCompile(`<html lang="(?:en|de|es|fr)"`)

var pageIDs = regexp.MustCompile(`\bid="([^"]*)"`)

// checkApp holds what must be true of every app, whatever the idea.
func checkApp(t testing.TB, tree map[string]string) {
	t.Helper()
	for _, d := range bundle(tree) {
		t.Errorf("%+v", d)
	}
	checkTexts(t, tree)
}

func checkTexts(t testing.TB, tree map[string]string) {
	t.Helper()
	pages := 0
	for p := range tree {
		if path.Ext(p) == ".html" {
			pages++
		}
	}
	for p, text := range tree {
		if p != path.Clean(p) || slug(strings.Split(path.Base(p), ".")[0], "x") == "" {
			t.Errorf("path %q", p)
		}
		if strings.ContainsAny(text, "\x00\u2028\u2029\u202e\r") || !strings.HasSuffix(text, "\n") {
			t.Errorf("%s holds characters that it should not, or does not end its last line", p)
		}
		switch path.Ext(p) {
		case ".html":
			if strings.Count(strings.ToLower(text), "<script") != 1 || strings.Count(strings.ToLower(text), "</script") != 1 || strings.Contains(text, "<img") {
				t.Errorf("%s holds markup that came from the idea", p)
			}
			seen := map[string]bool{}
			for _, m := range pageIDs.FindAllStringSubmatch(text, -1) {
				if seen[m[1]] {
					t.Errorf("%s holds the id %q twice", p, m[1])
				}
				seen[m[1]] = true
			}
			if !htmlLang.MatchString(text) {
				t.Errorf("%s does not say its language", p)
			}
			must := []string{"<!doctype html>", "<title>", "<main", `class="skip"`, `aria-live="polite"`, "<h1>"}
			if strings.Contains(text, `id="root"`) {
				must = must[:2]
			} else if pages > 1 {
				must = append(must, "<nav")
			}
			for _, must := range must {
				if !strings.Contains(text, must) {
					t.Errorf("%s has no %s", p, must)
				}
			}
		case ".ts", ".tsx":
			if strings.Contains(text, "</script") || strings.Contains(text, "innerHTML") || strings.Contains(text, "<no value>") {
				t.Errorf("%s: %s", p, text)
			}
		}
	}
}

func TestAnAppIsReadBackFromItsModel(t *testing.T) {
	for i, idea := range ideas {
		a := design(brief{idea: idea})
		b := readApp(a.files()[modelPath])
		if b == nil {
			t.Fatalf("%s: not understood", name(i, idea))
		}
		again := b.files()
		for p, text := range a.files() {
			if again[p] != text {
				t.Errorf("%s: %s differs after reading it back", name(i, idea), p)
			}
		}
	}
}

func TestIdeasGiveDifferentApps(t *testing.T) {
	a, b := design(brief{idea: "A CRM for dog walkers"}), design(brief{idea: "My family's recipe collection"})
	if a.Name != "Dog Walkers CRM" || !slices.Equal(manyOf(a), []string{"clients", "dogs", "walks", "follow-ups"}) {
		t.Errorf("got %q with %v", a.Name, manyOf(a))
	}
	if a.Look.Palette == b.Look.Palette || a.Name == b.Name || a.Kinds[0].Verb == b.Kinds[0].Verb {
		t.Errorf("%+v and %+v look alike", a.Look, b.Look)
	}
	for _, k := range a.Kinds {
		if b.kind(k.Key) != nil {
			t.Errorf("both keep %s", k.Many)
		}
	}
}

func TestUnknownThingsBecomeKinds(t *testing.T) {
	a := design(brief{idea: "I need to keep track of my zorblaxes and their quibbles, with price and due date"})
	if got := manyOf(a); !slices.Equal(got, []string{"zorblaxes", "quibbles"}) {
		t.Errorf("kinds %v", got)
	}
	i := slices.IndexFunc(a.Kinds[1].Fields, func(f field) bool { return f.Type == "relation" && f.To == "zorblaxes" })
	if i < 0 {
		t.Errorf("the second does not point to the first: %+v", a.Kinds[1].Fields)
	}
}

func TestTheSameRequestGetsTheSameAnswer(t *testing.T) {
	requests := []*llm.Request{{Messages: []llm.Message{prompt(ideas[0])}, Tools: toolbox()}}
	for s := range schemas {
		requests = append(requests, ask(s, prompt(ideas[3])))
	}
	for _, req := range requests {
		want := asJSON(generate(t, req))
		for range 3 {
			if got := asJSON(generate(t, req)); got != want {
				t.Fatalf("%s\ndiffers from\n%s", got, want)
			}
		}
	}
}

func TestDeltasMakeUpTheAnswer(t *testing.T) {
	req := &llm.Request{Messages: []llm.Message{prompt("犬の散歩 recipes 🐶")}, Tools: toolbox()}
	var text string
	var args []string
	var names []string
	resp, err := New().Generate(t.Context(), req, func(d llm.Delta) {
		switch d.Kind {
		case llm.DeltaText:
			text += d.Text
		case llm.DeltaToolCall:
			if d.Index == len(args) {
				args, names = append(args, ""), append(names, d.Name)
			} else if d.Name != "" {
				t.Errorf("the name came again")
			}
			args[d.Index] += d.Text
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if text != resp.Text() || len(args) != len(resp.ToolCalls()) || len(args) == 0 {
		t.Fatalf("text %q, %d calls", text, len(args))
	}
	for i, c := range resp.ToolCalls() {
		if args[i] != string(c.Arguments) || names[i] != c.Name || c.ID != fmt.Sprintf("call_%d", i+1) {
			t.Errorf("call %d: %s %s", i, names[i], c.ID)
		}
	}
	u := resp.Usage
	if u.InputTokens < 100 || u.OutputTokens < 500 || resp.ServedModel != "scaffold" || resp.Provider != "scaffold" {
		t.Errorf("%+v", u)
	}
}

func TestOutputKeepsToTheLimit(t *testing.T) {
	req := ask("requirements", prompt(ideas[0]))
	req.MaxOutput = 10
	resp := generate(t, req)
	if resp.Finish != llm.FinishLength || len(resp.Text()) != 40 || resp.Usage.OutputTokens != 10 {
		t.Errorf("%q %q %d", resp.Finish, resp.Text(), resp.Usage.OutputTokens)
	}
	req = &llm.Request{Messages: []llm.Message{prompt(ideas[0])}, Tools: toolbox(), MaxOutput: 1200}
	resp = generate(t, req)
	if n := len(resp.ToolCalls()); resp.Finish != llm.FinishToolCalls || n == 0 || n > 2 {
		t.Errorf("%q with %d calls", resp.Finish, n)
	}
	req.MaxOutput = 20
	if resp = generate(t, req); resp.Finish != llm.FinishLength || len(resp.ToolCalls()) != 0 {
		t.Errorf("%q with %d calls", resp.Finish, len(resp.ToolCalls()))
	}
}

func TestPlainRequestsGetAnHonestAnswer(t *testing.T) {
	resp := generate(t, &llm.Request{Messages: []llm.Message{llm.UserText("hello, who are you?")}})
	if resp.Finish != llm.FinishStop || !strings.Contains(resp.Text(), "offline model") {
		t.Errorf("%q", resp.Text())
	}
}

func TestClarification(t *testing.T) {
	for _, c := range []struct {
		more string
		done bool
	}{{"", true}, {wrap("context", `{"scaffold":"ask"}`), false}, {wrap("context", `{"scaffold":"ask:code"}`), true},
		{wrap("context", `{"scaffold":"ask:research"}`) + wrap("answers", `[{"question":"q","answer":"a"}]`), true}} {
		req := ask("clarification", prompt(ideas[0], c.more))
		req.Call.Agent = codeforge.Research
		var v form.Clarification
		if err := json.Unmarshal([]byte(generate(t, req).Text()), &v); err != nil {
			t.Fatal(err)
		}
		if v.IsComplete != c.done || (len(v.Questions) == 0) != c.done {
			t.Errorf("%s: %+v", c.more, v)
		}
	}
}

func TestFailingOnDemand(t *testing.T) {
	for word, want := range map[string]llm.Error{
		"fail":      {Kind: llm.ServerError, Status: 500, Retryable: true},
		"fail_auth": {Kind: llm.Auth, Status: 401},
		"refuse":    {Kind: llm.Refusal, Finish: llm.FinishRefusal},
	} {
		req := ask("requirements", prompt(ideas[0], wrap("context", `{"scaffold":"slow:qa `+word+`:research"}`)))
		req.Call.Agent = codeforge.Research
		_, err := New().Generate(t.Context(), req, nil)
		e, ok := errors.AsType[*llm.Error](err)
		if !ok || e.Kind != want.Kind || e.Status != want.Status || e.Retryable != want.Retryable || e.Finish != want.Finish || e.Provider != Name {
			t.Errorf("%s: %+v", word, err)
		}
		if e.Retryable && (!e.HasWait || e.RetryAfter != 0) {
			t.Errorf("%s: nothing is won by waiting for a model in this process: %+v", word, e)
		}
		if want.Kind == llm.Refusal && (e.Refusal == "" || e.Partial == nil || e.Usage == nil) {
			t.Errorf("refusal without its text: %+v", e)
		}
		req.Call.Agent = codeforge.Wireframe
		generate(t, req)
	}
}

func TestStallEndsWithTheContext(t *testing.T) {
	reason := errors.New("the user changed their mind")
	synctest.Test(t, func(t *testing.T) {
		req := ask("requirements", prompt(ideas[0], wrap("context", `{"scaffold":"stall"}`)))
		ctx, cancel := context.WithCancelCause(t.Context())
		deltas := 0
		go func() { time.Sleep(time.Hour); cancel(reason) }()
		_, err := New().Generate(ctx, req, func(llm.Delta) { deltas++ })
		e, _ := errors.AsType[*llm.Error](err)
		if e == nil || e.Kind != llm.Cancelled || !errors.Is(err, reason) || deltas != 1 || e.Partial == nil || !e.Usage.Partial {
			t.Errorf("%d deltas, %+v", deltas, e)
		}
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		_, err = New().Generate(ctx, req, nil)
		if e, _ := errors.AsType[*llm.Error](err); e == nil || e.Kind != llm.Timeout {
			t.Errorf("%+v", err)
		}
		_, err = New().Generate(ctx, ask("lesson", prompt("")), nil)
		if e, _ := errors.AsType[*llm.Error](err); e == nil || e.Where != llm.BeforeFirstToken || e.Usage != nil {
			t.Errorf("a context that ended before: %+v", err)
		}
	})
}

func TestSlowTakesTimeAndCanBeCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		req := ask("requirements", prompt(ideas[0], wrap("context", `{"scaffold":"slow"}`)))
		start, deltas := time.Now(), 0
		if _, err := New().Generate(t.Context(), req, func(llm.Delta) { deltas++ }); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took != time.Duration(deltas)*slowPause || deltas < 10 {
			t.Errorf("%v for %d deltas", took, deltas)
		}
		ctx, cancel := context.WithCancel(t.Context())
		_, err := New().Generate(ctx, req, func(llm.Delta) { cancel() })
		if e, _ := errors.AsType[*llm.Error](err); e == nil || e.Kind != llm.Cancelled || e.Where != llm.MidStream {
			t.Errorf("%+v", err)
		}
	})
}

func TestBrokenIsNeverRepairedAndBrokenOnceIs(t *testing.T) {
	w := workshop{tree: map[string]string{}}
	err := w.run(t, prompt(ideas[0], wrap("context", `{"scaffold":"broken:code"}`)), codeforge.Code)
	if err == nil || len(bundle(w.tree)) == 0 {
		t.Errorf("broken: %v", err)
	}
	w = workshop{tree: map[string]string{}}
	if err := w.run(t, prompt(ideas[0], wrap("context", `{"scaffold":"broken_once"}`)), codeforge.Code); err != nil {
		t.Fatal(err)
	}
	if len(bundle(w.tree)) != 0 || w.writes[len(w.writes)-1] != "src/dashboard.ts" {
		t.Errorf("broken_once: last written %v", w.writes)
	}
}

func TestInstructionsChangeOnlyWhatTheyMust(t *testing.T) {
	base := workshop{tree: map[string]string{}}
	if err := base.run(t, prompt("Tasks and projects for my team"), codeforge.Code); err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		say      string
		changed  []string // files that must change
		kept     []string // and those that must not
		contains map[string]string
	}{
		{"add a notes page", []string{"notes.html", "src/notes.ts", modelPath, "index.html"}, []string{"src/lib/store.ts", "src/dashboard.ts", "styles.css"}, map[string]string{modelPath: `field.notes("Text")`}},
		{"Please use a dark theme", []string{"styles.css", modelPath}, []string{"index.html", "tasks.html", "src/lib/form.ts"}, map[string]string{"styles.css": "color-scheme: dark"}},
		{"make it purple colours and add estimates with a phone", []string{modelPath}, nil, map[string]string{modelPath: "palette plum"}},
		{"add a start date and an effort in hours to tasks", []string{"tasks.html", modelPath}, []string{"styles.css", "index.html", "projects.html"}, map[string]string{modelPath: `startDate: field.date("Start date")`, "tasks.html": `name="effortInHours"`}},
		{"Add a colour (red, green, blue) to projects.", []string{"projects.html"}, []string{"tasks.html"}, map[string]string{modelPath: `field.choice("Colour", ["Red", "Green", "Blue"])`}},
		{"rename the app to Night Shift", []string{"index.html", "tasks.html", modelPath}, []string{"src/tasks.ts"}, map[string]string{"index.html": "Night Shift"}},
		{"remove the priority from tasks", []string{"tasks.html"}, []string{"styles.css", "index.html"}, nil},
		{"remove the projects page", []string{"projects.html", "src/projects.ts"}, []string{"styles.css"}, nil},
		{"add clients and invoices pages. Connect it to Salesforce by carrier pigeon!", []string{"clients.html", "invoices.html"}, nil, nil},
		{"connect it to my toaster", nil, []string{modelPath, "index.html"}, map[string]string{"README.md": "toaster"}},
	}
	for i, c := range cases {
		t.Run(c.say, func(t *testing.T) {
			t.Parallel()
			ways := []string{listOf(base.tree), listOf(base.tree) + shown(base.tree)} // the coder reads the files, or was shown them
			if os.Getenv("CODEFORGE_SOAK") == "" {
				ways = ways[i%2:][:1]
			}
			for _, files := range ways {
				w := workshop{tree: maps.Clone(base.tree)}
				if err := w.run(t, prompt(c.say, files), codeforge.Code); err != nil {
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
				if err := again.run(t, prompt(c.say, listOf(w.tree)+shown(w.tree)), codeforge.Code); err != nil {
					t.Fatal(err)
				}
				if len(again.writes) != 0 {
					t.Errorf("saying it twice changed %v", again.writes)
				}
			}
		})
	}
}

func TestEditsByHandSurvive(t *testing.T) {
	w := workshop{tree: map[string]string{}}
	if err := w.run(t, prompt("recipes"), codeforge.Code); err != nil {
		t.Fatal(err)
	}
	w.tree["src/lib/format.ts"] += "// by hand\n"
	w.tree["about.html"] = "<!doctype html><html lang=\"en\"><title>About</title><p>By hand.\n"
	w.writes = nil
	if err := w.run(t, prompt("add wines", listOf(w.tree)+shown(w.tree)), codeforge.Code); err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(w.tree["src/lib/format.ts"], "by hand\n") || w.tree["about.html"] == "" || w.tree["wines.html"] == "" {
		t.Errorf("written: %v", w.writes)
	}
}

func TestWhatWasBrokenByHandIsPutRight(t *testing.T) {
	w := workshop{tree: map[string]string{}}
	if err := w.run(t, prompt("recipes"), codeforge.Code); err != nil {
		t.Fatal(err)
	}
	want := w.tree["src/recipes.ts"]
	w.tree["src/recipes.ts"] += "}}"
	w.writes = nil
	if err := w.run(t, prompt("fix it", listOf(w.tree), wrap("diagnostics", asJSON(bundle(w.tree)))), codeforge.Code); err != nil {
		t.Fatal(err)
	}
	if w.tree["src/recipes.ts"] != want || len(w.writes) != 1 {
		t.Errorf("written: %v", w.writes)
	}
}

func TestLinesThatLookLikeSectionsStayInTheirFile(t *testing.T) {
	c := read(&llm.Request{Messages: []llm.Message{llm.UserText("<idea>\n<\\/idea>\n  <\\\\context>\n</idea>\n<file path=\"a\\\"b.html\">\n<\\file path=\"x\">\n<p>\n</file>\n<idea>never closed")}})
	if got, want := c.sections["idea"], "</idea>\n  <\\context>"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got, want := c.files["a\"b.html"], "<file path=\"x\">\n<p>"; got != want || len(c.files) != 1 {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestFilesOfOthersAreLeftAlone(t *testing.T) {
	mine := "<!doctype html><html lang=\"en\"><title>Mine</title><p>Mine.\n"
	w := workshop{tree: map[string]string{"index.html": mine}}
	if err := w.run(t, prompt("recipes", listOf(w.tree)), codeforge.Code); err != nil {
		t.Fatal(err)
	}
	if w.tree["index.html"] != mine || w.tree["app/index.html"] == "" {
		t.Errorf("written: %v", w.writes)
	}
	w.writes = nil
	if err := w.run(t, prompt("use a dark theme", listOf(w.tree)), codeforge.Code); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(w.writes, []string{"app/src/model.ts", "app/styles.css"}) {
		t.Errorf("written: %v", w.writes)
	}
}

func TestFindingsAreAnswered(t *testing.T) {
	w := workshop{tree: map[string]string{}}
	if err := w.run(t, prompt("recipes"), codeforge.Code); err != nil {
		t.Fatal(err)
	}
	w.tree["src/extra.ts"] = "const box = document.body;\nconsole.log(box);\nbox.innerHTML = location.hash;\nexport {};\n"
	w.tree["extra.html"] = "<html><head></head><body><img src=\"./icon.svg\"></body></html>\n"
	m := prompt("recipes", listOf(w.tree)+shown(w.tree), wrap("context", `{"scaffold":"qa_fail_once"}`))
	var r form.Review
	if err := json.Unmarshal([]byte(generate(t, ask("qa_report", m)).Text()), &r); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, i := range r.Issues {
		got = append(got, fmt.Sprintf("%s %s:%d", i.Severity, i.FilePath, i.Line))
	}
	want := []string{"high README.md:0", "high src/extra.ts:3", "medium extra.html:1", "medium extra.html:1", "medium extra.html:1", "low src/extra.ts:2"}
	if !slices.Equal(got, want) || r.Passed || r.Score != 100-15-15-5-5-5-1 {
		t.Errorf("%v, score %d", got, r.Score)
	}
	w.writes = nil
	if err := w.run(t, prompt("recipes", listOf(w.tree), wrap("findings", asJSON(r.Issues))), codeforge.Code); err != nil {
		t.Fatal(err)
	}
	if len(w.writes) != 3 || !strings.Contains(w.tree["README.md"], "Answered in review") {
		t.Errorf("written: %v", w.writes)
	}
	m = prompt("recipes", shown(w.tree), wrap("context", `{"scaffold":"qa_fail_once"}`), wrap("round", "2"))
	if err := json.Unmarshal([]byte(generate(t, ask("qa_report", m)).Text()), &r); err != nil {
		t.Fatal(err)
	}
	if !r.Passed || len(r.Issues) != 0 {
		t.Errorf("second round: %+v", r.Issues)
	}
}

func TestReviewReportsDiagnosticsAndSecrets(t *testing.T) {
	m := prompt("x", wrap("diagnostics", `[{"file":"a.ts","line":3,"column":1,"severity":"error","message":"Expected )"},{"file":"b.ts","severity":"warning","message":"odd"}]`),
		shown(map[string]string{"c.ts": "const key = 'AKIAABCDEFGHIJKLMNOP';\neval(key); // TODO later\n", "d.css": "  \n", "e.html": "<form><input id=a><label for=b>B</label><input id=b></form>"}))
	var r form.Review
	if err := json.Unmarshal([]byte(generate(t, ask("qa_report", m)).Text()), &r); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, i := range r.Issues {
		got = append(got, fmt.Sprintf("%s %s %s:%d", i.Severity, i.Category, i.FilePath, i.Line))
	}
	want := []string{"critical build a.ts:3", "high security c.ts:1", "high security c.ts:2", "medium maintainability d.css:0", "medium accessibility e.html:1", "low build b.ts:0", "low maintainability c.ts:2"}
	if !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
}

func TestLessonsFitTheQuestion(t *testing.T) {
	lessonOf := func(question, code string) form.Lesson {
		m := llm.UserText(wrap("question", question) + wrap("context", asJSON(map[string]any{"code": code})))
		var l form.Lesson
		if err := json.Unmarshal([]byte(generate(t, ask("lesson", m)).Text()), &l); err != nil {
			t.Fatal(err)
		}
		return l
	}
	a := lessonOf("Why does my loop never end?", "let i = 0;\nfunction countUp() {\n}\n")
	b := lessonOf("How do I centre a box with CSS?", "")
	if a.KeyConcept == b.KeyConcept || a.Steps[1].Question == b.Steps[1].Question {
		t.Error("both lessons are the same")
	}
	if !strings.Contains(lessonOf("what is countUp for?", "let index = 0;\nfunction countUp() {\n}\n").Steps[1].Question, "countUp (line 2)") {
		t.Error("the lesson does not speak of the code")
	}
	for _, s := range a.Steps {
		if !strings.Contains(s.Question, "?") || s.Hint == "" {
			t.Errorf("%+v", s)
		}
	}
}

func TestTextIsReadableOnEveryPalette(t *testing.T) {
	for name, p := range palettes {
		set := p.colors()
		for mode, c := range map[string]colors{"light": set.Light, "dark": set.Dark} {
			for _, pair := range [][2]string{{c.Ink, c.Page}, {c.Ink, c.Surface}, {c.Ink, c.Soft}, {c.Muted, c.Page}, {c.Muted, c.Surface}, {c.Accent, c.Page}, {c.Accent, c.Surface}, {c.Accent, c.Soft},
				{c.OnAccent, c.Accent}, {c.OnSoft, c.Soft}, {c.Danger, c.Surface}, {c.OnDanger, c.Danger}, {c.Page, c.Ink}} {
				if r := contrast(pair[0], pair[1]); r < 4.5 {
					t.Errorf("%s %s: %s on %s has %.2f", name, mode, pair[0], pair[1], r)
				}
			}
			for _, edge := range []string{c.Edge, c.Pop} {
				if r := contrast(edge, c.Surface); r < 3 {
					t.Errorf("%s %s: edge %s has %.2f", name, mode, edge, r)
				}
			}
		}
	}
}

func TestLexiconIsConsistent(t *testing.T) {
	l := words()
	if len(l.kinds) < 60 {
		t.Errorf("%d kinds", len(l.kinds))
	}
	for w, targets := range l.composites {
		for _, s := range targets {
			if l.kinds[s] == nil {
				t.Errorf("%q stands for %q, which does not exist", w, s)
			}
		}
	}
	for _, known := range []map[string]string{l.alike, l.about, l.foreign} {
		for w, s := range known {
			if l.kinds[s] == nil {
				t.Errorf("%q stands for %q, which does not exist", w, s)
			}
		}
	}
	for part, s := range l.parts {
		if l.kinds[s] == nil || !slices.Contains(manyOf(design(brief{idea: "… " + part})), l.kinds[s].Many) {
			t.Errorf("%q stands for %q", part, s)
		}
	}
	for from, to := range l.together {
		if l.kinds[from] == nil || l.kinds[to] == nil {
			t.Errorf("%q goes with %q", from, to)
		}
	}
	owner := map[string]string{}
	for line := range strings.SplitSeq(lexiconText, "\n") {
		names, rest, ok := strings.Cut(line, " | ")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		one, _, _ := strings.Cut(names, " ")
		column, _, _ := strings.Cut(rest, "|")
		for i, group := range strings.SplitN(column, ";", 3) {
			for w := range strings.FieldsSeq(group) {
				key := fmt.Sprint(i, w)
				if other := owner[key]; other != "" && other != one || i == 0 && w != one && l.kinds[w] != nil {
					t.Errorf("%q stands for %q and for another kind", w, one)
				}
				owner[key] = one
			}
		}
	}
	for s, e := range l.kinds {
		a := design(brief{idea: plural(strings.ReplaceAll(s, "-", " "))})
		if _, ok := palettes[e.palette]; !ok && e.palette != "" || e.Intro == "" || len(e.Fields) < 3 && s != "note" || !slices.Contains([]string{"table", "cards", "board"}, e.View) {
			t.Errorf("%q: %+v", s, e)
		}
		if a.kind(e.Key) == nil && s != "flashcard" {
			t.Errorf("%q is not found by its own name", s)
		}
		said := []string{e.One, e.Many}
		for _, f := range e.Fields {
			if f.Type == "relation" && l.kinds[f.To] == nil {
				t.Errorf("%q points to %q", s, f.To)
			}
			said = append(append(said, f.Label), f.Options...)
		}
		_, last := beforeLast(e.Key, "-")
		if kindIcons()[e.Key] == "" && kindIcons()[last] == "" {
			t.Errorf("%q has no icon", s)
		}
		titles := sampleTitles()[e.Key]
		if titles == nil {
			titles = sampleTitles()[last]
		}
		if e.Fields[0].Type == "text" && titles == nil && sampleTexts(e.kind, e.Fields[0].Label) == nil && s != "flashcard" && s != "question" {
			t.Errorf("nothing is known that examples of %q may be called", s)
		}
		for _, language := range languages[1:] {
			for _, text := range said {
				if wordTranslations().texts[language][text] == "" {
					t.Errorf("the catalogue of the lexicon has no %q in %s, which %q says", text, language, s)
				}
			}
		}
	}
}

func TestNames(t *testing.T) {
	for idea, want := range map[string]string{
		"A CRM for dog walkers": "Dog Walkers CRM",
		"Please build me a simple web app to track my houseplants, with reminders": "Houseplants",
		"I want an app called Sprout that helps me garden":                         "Sprout",
		"My family's recipe collection and meal plan":                              "Recipe Collection",
		"Track my zorblaxes and quibbles":                                          "Zorblaxes and Quibbles",
		"Eine App zur Verwaltung meiner Kunden":                                    "Kunden",
		"habit tracker":                                                            "Habit Tracker",
		"An inventory tool for a bike shop":                                        "Bike Shop Inventory",
		"":                                                                         "Notebook",
	} {
		if got := design(brief{idea: idea}).Name; got != want {
			t.Errorf("%q: %q, want %q", idea, got, want)
		}
	}
}

func FuzzIdea(f *testing.F) {
	for _, idea := range ideas {
		f.Add(idea, "add a notes page and a due date to tasks")
	}
	f.Add("tasks", "remove the tasks page\nrename the app to </script>")
	f.Fuzz(func(t *testing.T, idea, instruction string) {
		a := design(brief{idea: idea})
		a.change(instruction)
		react := a.clone()
		react.React = true
		tree := a.files()
		checkTexts(t, react.files())
		checkTexts(t, tree)
		maps.Copy(tree, react.files())
		for p, text := range tree {
			// What is the same in every app is left to the tests, so that more ideas are tried.
			if path.Ext(p) == ".ts" && path.Dir(p) == "src" || p == "src/App.tsx" || path.Dir(p) == "src/pages" {
				if r := api.Transform(text, api.TransformOptions{Loader: api.LoaderTSX}); len(r.Errors)+len(r.Warnings) > 0 {
					t.Errorf("%s: %+v", p, r)
				}
			}
		}
		if readApp(tree[modelPath]) == nil {
			t.Error("the model is not understood")
		}
		for p, text := range tree {
			if found := inspect(p, text); len(found) > 0 {
				t.Errorf("its own review: %+v", found)
			}
		}
	})
}

func FuzzConversation(f *testing.F) {
	f.Add("<idea>\nx\n</idea>\n<file path=\"a\">\n</file>", "{}")
	f.Add(wrap("findings", `[{"file_path":"src/model.ts"}]`)+wrap("files", "src/model.ts (3 bytes)"), `{"ok":false,"diagnostics":[{"file":"x"}]}`)
	f.Fuzz(func(t *testing.T, text, result string) {
		req := &llm.Request{Messages: []llm.Message{llm.UserText(text)}, Tools: toolbox()}
		for range 6 {
			ctx, cancel := context.WithCancel(t.Context())
			resp, err := New().Generate(ctx, req, func(llm.Delta) { cancel() }) // ends a stall, and any other answer, after its first delta
			cancel()
			if err != nil {
				resp, err = New().Generate(t.Context(), &llm.Request{Messages: req.Messages[1:], Tools: req.Tools}, nil)
			}
			if err != nil || len(resp.ToolCalls()) == 0 {
				return
			}
			m := llm.Message{Role: llm.RoleUser}
			for _, c := range resp.ToolCalls() {
				m.Parts = append(m.Parts, llm.Part{Kind: llm.PartToolResult, Result: &llm.ToolResult{ID: c.ID, Name: c.Name, Content: result}})
			}
			req.Messages = append(req.Messages, resp.Message(), m)
		}
	})
}

func BenchmarkFirstTurn(b *testing.B) {
	req := &llm.Request{Messages: []llm.Message{prompt(ideas[0])}, Tools: toolbox()}
	for b.Loop() {
		generate(b, req)
	}
}
