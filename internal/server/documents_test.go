package server

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"codeforge"
	"codeforge/internal/api"
	"codeforge/internal/llm"
	"codeforge/internal/llm/llmtest"
	"codeforge/internal/pgtest"

	esbuild "github.com/evanw/esbuild/pkg/api"
)

const repository = "../.."

// block is a fenced block of a page.
type block struct {
	page  string
	line  int
	lang  string
	attrs map[string]string // what follows the language: with=users, not-run=docker, background
	text  string
	after *block // the block before it on the page
}

func (b *block) String() string { return fmt.Sprintf("%s:%d", b.page, b.line) }

// has reports whether an attribute is there.
func (b *block) has(name string) bool { _, ok := b.attrs[name]; return ok }

// runs reports whether a block is run in the shell of its page.
func (b *block) runs() bool {
	return b != nil && (b.lang == "sh" || b.lang == "http") && !b.has("not-run") && !b.has("background")
}

// blocksOf reads the fenced blocks of a page.
func blocksOf(t *testing.T, page string) (all []*block) {
	text, err := os.ReadFile(filepath.Join(repository, page))
	if err != nil {
		t.Fatal(err)
	}
	var open *block
	for i, line := range strings.Split(string(text), "\n") {
		info, fence := strings.CutPrefix(line, "```")
		switch {
		case fence && open == nil:
			words := strings.Fields(info)
			if len(words) == 0 {
				t.Errorf("%s:%d: a block without a language: say sh, http, json, env, ..., or text", page, i+1)
				words = []string{"text"}
			}
			open = &block{page: page, line: i + 1, lang: words[0], attrs: map[string]string{}}
			for _, word := range words[1:] {
				name, value, _ := strings.Cut(word, "=")
				open.attrs[name] = value
			}
			if len(all) > 0 {
				open.after = all[len(all)-1]
			}
		case fence:
			all, open = append(all, open), nil
		case open != nil:
			open.text += line + "\n"
		}
	}
	if open != nil {
		t.Errorf("%s: the block does not end", open)
	}
	return all
}

// pages are all documents for people, by their path in the repository.
func pages(t *testing.T) (all []string) {
	names, err := filepath.Glob(repository + "/docs/*.md")
	if err != nil || len(names) < 10 {
		t.Fatalf("pages %v: %v", names, err)
	}
	for _, name := range names {
		all = append(all, "docs/"+filepath.Base(name))
	}
	return append(all, "README.md", "SECURITY.md", "CHANGELOG.md")
}

// TestDocuments runs what the documents say: the shell blocks and requests of a page in one shell, as a reader would, against a real
// server with the embedded store and the offline model. What cannot be run there is read by whoever would read it, or says by a name
// why it is not run, which is checked.
func TestDocuments(t *testing.T) {
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	d := &documents{program: path, data: t.TempDir()}
	d.server = start(t, d.data)
	d.users = newProject(t)
	d.signedIn = start(t, t.TempDir(), "SUPABASE_URL="+d.users.url, "HOST=127.0.0.1")
	ran, reasons := 0, map[string]int{}
	t.Run("pages", func(t *testing.T) {
		for _, page := range pages(t) {
			blocks := blocksOf(t, page)
			for _, b := range blocks {
				if b.runs() {
					ran++
				}
				reasons[b.attrs["not-run"]]++
			}
			t.Run(page, func(t *testing.T) {
				t.Parallel()
				d.page(t, blocks)
			})
		}
	})
	if ran < 50 {
		t.Errorf("%d blocks were run: the pages are not read", ran)
	}
	for reason := range notRun {
		if reasons[reason] == 0 {
			t.Errorf("no block is left out as %q any more: take the reason away", reason)
		}
	}
}

// documents is what the blocks of all pages are run with.
type documents struct {
	program, data    string
	server, signedIn *process
	users            *project
}

// page checks the blocks of a page.
func (d *documents) page(t *testing.T, blocks []*block) {
	dir, out := t.TempDir(), t.TempDir()
	for _, b := range blocks {
		d.read(t, b, dir)
	}
	d.run(t, blocks, dir, out)
	for i, b := range blocks {
		if b.lang == "json" && !b.has("file") && b.after.runs() {
			compareShown(t, b, filepath.Join(out, strconv.Itoa(i-1)+".out"))
		}
	}
}

// read checks a block that is not run, or not in the shell of the page.
func (d *documents) read(t *testing.T, b *block, dir string) {
	var err error
	switch {
	case b.has("not-run"):
		check := notRun[b.attrs["not-run"]]
		if check == nil {
			t.Errorf("%s: %q is no reason not to run a block", b, b.attrs["not-run"])
			return
		}
		err = check(d, b)
	case b.has("background"):
		err = d.background(t, b)
	case b.runs():
	case b.lang == "json":
		err = readJSON(b, dir)
	case b.lang == "env":
		err = readSettings(b)
	case b.lang == "text":
		if regexp.MustCompile(`(?m)^\s*(\$ |curl|codeforge|make|git|go) `).MatchString(b.text) {
			err = errors.New("a command in a block of text: make it sh, so that it is run")
		}
	case b.lang == "sql": // in a transaction, since roles are of the whole server
		readSQL(t, b)
	case b.lang == "ts", b.lang == "python": // as one program, by the test of its client
		if b.page != clientGuide {
			err = errors.New("nobody runs it: programs stand in " + clientGuide)
		}
	case b.lang == "go":
		_, err = parser.ParseFile(token.NewFileSet(), "", "package p\nfunc f() {\n"+b.text+"\n}", 0)
	case b.lang == "js":
		if r := esbuild.Transform(b.text, esbuild.TransformOptions{}); len(r.Errors) > 0 {
			err = errors.New(r.Errors[0].Text)
		}
	case b.lang == "mermaid":
		if !strings.HasPrefix(b.text, "flowchart ") || strings.Count(b.text, "[") != strings.Count(b.text, "]") {
			err = errors.New("no flow chart")
		}
	case b.lang == "yaml": // by the module that has a reader of YAML
		var test []byte
		if test, err = os.ReadFile(repository + "/deploy/deploy_test.go"); err == nil && !bytes.Contains(test, []byte("func TestDocumentsAreYAML(")) {
			err = errors.New("nobody reads it")
		}
	default:
		err = fmt.Errorf("nobody reads %s", b.lang)
	}
	if err != nil {
		t.Errorf("%s: %v", b, err)
	}
}

// run runs what runs of a page in one shell, each block's output apart.
func (d *documents) run(t *testing.T, blocks []*block, dir, out string) {
	var script strings.Builder
	script.WriteString("set -e -o pipefail\n")
	for i, b := range blocks {
		if !b.runs() {
			continue
		}
		fmt.Fprintf(&script, "echo %d > $OUT/at\n", i)
		if b.lang == "http" {
			request, err := curlOf(b, i)
			if err != nil {
				t.Errorf("%s: %v", b, err)
				return
			}
			script.WriteString(request)
			continue
		}
		opens, closes := "{", "}"
		if with := b.attrs["with"]; with != "" {
			opens, closes = "("+d.standIn(t, b, with), ")"
		}
		fmt.Fprintf(&script, "%s\n%s\n%s > $OUT/%d.out 2>&1\n", opens, d.commands(b.text), closes, i)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute) // what waits for a state that never comes
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-c", script.String())
	cmd.Dir, cmd.WaitDelay = dir, time.Second
	at, err := url.Parse(d.server.Base)
	if err != nil {
		t.Fatal(err)
	}
	cmd.Env = []string{"PATH=" + filepath.Dir(d.program) + ":" + os.Getenv("PATH"), "HOME=" + dir, "OUT=" + out, "BASE=" + d.server.Base, "USERS=" + d.signedIn.Base,
		"SESSION=" + d.users.token(t, alice), "PORT=" + at.Port(), "CODEFORGE_SERVER=" + d.server.Base, "DATA_DIR=" + d.data, "NPM_REGISTRY=off", "SMOKE=off", "GIT_CONFIG_NOSYSTEM=1"}
	if text, err := cmd.CombinedOutput(); err != nil {
		last, _ := os.ReadFile(filepath.Join(out, "at"))
		i, _ := strconv.Atoi(strings.TrimSpace(string(last)))
		said, _ := os.ReadFile(filepath.Join(out, fmt.Sprint(i, ".out")))
		t.Errorf("%s: %v\n%s\n%.4000s", blocks[i], err, text, said)
	}
}

// commands are those of a block, as they are run here: against the test's server, with the program that is built already. Targets of
// make are looked for, since they would run the tests within a test; a demo ends.
func (d *documents) commands(text string) string {
	for _, name := range []string{"localhost:8000", "127.0.0.1:8000"} {
		text = strings.ReplaceAll(text, name, strings.TrimPrefix(d.server.Base, "http://"))
	}
	root, err := filepath.Abs(repository)
	if err != nil {
		panic(err)
	}
	text = strings.ReplaceAll(text, "go run ./cmd/codeforge", "codeforge")
	text = regexp.MustCompile(`(?m)^go build -o \S+ (\./cmd/codeforge)$`).ReplaceAllString(text, "test -d "+root+"/$1")
	text = regexp.MustCompile(`(?m)^make ([a-z]+).*$`).ReplaceAllString(text, "grep -q '^$1:.* ## ' "+root+"/Makefile")
	demo := regexp.MustCompile(`(?m)^codeforge demo .*$`)
	return demo.ReplaceAllStringFunc(text, func(line string) string { return strings.TrimSuffix(line, " --exit") + " --exit" })
}

// standIn is what a block gets in place of a service.
func (d *documents) standIn(t *testing.T, b *block, name string) string {
	recorded := func(folder, exchange string) string {
		for _, x := range llmtest.Load(t, "../llm/"+folder+"/testdata") {
			if x.Name == exchange {
				return llmtest.Serve(t, x, llmtest.Delivery{}).URL
			}
		}
		t.Fatalf("no recorded exchange %s of %s", exchange, folder)
		return ""
	}
	switch name {
	case "openai":
		return "export OPENAI_API_KEY=sk-0 OPENAI_BASE_URL=" + recorded("openai", "turn2") + "/v1"
	case "anthropic":
		return "export ANTHROPIC_API_KEY=sk-0 ANTHROPIC_BASE_URL=" + recorded("anthropic", "text")
	case "google":
		return "export GOOGLE_API_KEY=0 GOOGLE_GEMINI_BASE_URL=" + recorded("google", "turn2")
	case "endpoint": // the offline model behind OpenAI's chat API
		s := httptest.NewServer(&endpoint{})
		t.Cleanup(s.Close)
		return "export LLM_COMPATIBLE_URL=" + s.URL + "/v1 LLM_COMPATIBLE_MODEL=small"
	case "tokens": // a folder that no server has open
		return "export SUPABASE_URL=" + d.users.url + " DATA_DIR=" + t.TempDir()
	}
	t.Fatalf("%s: nothing stands in for %q", b, name)
	return ""
}

// curlOf is a request as a command. Variables of the shell stand in its path and body.
func curlOf(b *block, number int) (string, error) {
	head, body, _ := strings.Cut(b.text, "\n\n")
	lines := strings.Split(strings.TrimRight(head, "\n"), "\n")
	method, path, ok := strings.Cut(lines[0], " ")
	if !ok || !strings.HasPrefix(path, "/") {
		return "", fmt.Errorf("%q is no request: write it like GET /v1/projects/", lines[0])
	}
	base := "$BASE"
	var args strings.Builder
	if b.attrs["with"] == "users" {
		base = "$USERS"
		args.WriteString(` -H "Authorization: Bearer $SESSION"`)
	}
	for _, header := range lines[1:] {
		fmt.Fprintf(&args, " -H %q", header)
	}
	if body != "" {
		args.WriteString(" --data-binary @-")
	}
	want := cmp.Or(b.attrs["status"], "2..")
	return fmt.Sprintf("curl -sS -o $OUT/%[1]d.out -w '%%{http_code}' -X %[2]s \"%[3]s%[4]s\"%[5]s > $OUT/%[1]d.status <<EOF\n%[6]s\nEOF\n"+
		"grep -qx '%[7]s' $OUT/%[1]d.status || { cat $OUT/%[1]d.status; exit 1; }\n", number, method, base, path, args.String(), strings.TrimRight(body, "\n"), want), nil
}

// compareShown sees whether an answer has what a page shows of it: each key, with a value of its kind. What programs go by is the same.
func compareShown(t *testing.T, b *block, file string) {
	text, err := os.ReadFile(file)
	if err != nil {
		return // the block before it failed, and was told
	}
	var shown, answered any
	if err := json.Unmarshal([]byte(b.text), &shown); err != nil {
		t.Errorf("%s: %v", b, err)
		return
	}
	if err := json.Unmarshal(text, &answered); err != nil {
		t.Errorf("%s: the answer is no JSON: %.300s", b, text)
		return
	}
	exact := []string{"error"}
	if b.after.lang == "http" {
		exact = append(exact, "status", "agent_type")
	}
	var compare func(at string, shown, answered any)
	compare = func(at string, shown, answered any) {
		switch shown := shown.(type) {
		case map[string]any:
			object, ok := answered.(map[string]any)
			if !ok {
				t.Errorf("%s: %s is no object: %v", b, at, answered)
				return
			}
			for key, value := range shown {
				if _, there := object[key]; !there {
					t.Errorf("%s: the answer has no %s.%s: %.500s", b, at, key, text)
					continue
				}
				compare(at+"."+key, value, object[key])
				if slices.Contains(exact, key) && !reflect.DeepEqual(value, object[key]) && value != "…" {
					t.Errorf("%s: %s.%s is %v, shown is %v", b, at, key, object[key], value)
				}
			}
		case []any:
			list, ok := answered.([]any)
			if !ok || len(shown) > 0 && len(list) == 0 {
				t.Errorf("%s: %s is no list with something in it: %v", b, at, answered)
				return
			}
			if len(shown) > 0 {
				compare(at+"[0]", shown[0], list[0])
			}
		default:
			if shown != nil && reflect.TypeOf(shown) != reflect.TypeOf(answered) {
				t.Errorf("%s: %s is %v, shown is %v", b, at, answered, shown)
			}
		}
	}
	compare("", shown, answered)
}

// readJSON reads a block that is no answer: a file, which the page's commands find.
func readJSON(b *block, dir string) error {
	if !json.Valid([]byte(b.text)) {
		return errors.New("is not valid JSON")
	}
	if name := b.attrs["file"]; name != "" {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(file, []byte(b.text), 0o600); err != nil {
			return err
		}
		if name == "models.json" {
			_, err := llm.Load(file)
			return err
		}
		return nil
	}
	if !b.after.runs() && !b.after.has("not-run") {
		return errors.New("is neither a file (file=NAME) nor what the block before it answers")
	}
	return nil
}

// foreignSettings are variables that libraries read, and keys that models.json of a page names.
var foreignSettings = regexp.MustCompile(`^(OTEL_[A-Z_]+|GROQ_API_KEY)$`)

// readSettings reads settings as the program does. Dots stand for what everybody has their own of.
func readSettings(b *block) error {
	var c Config
	args := []string{"--data-dir", os.TempDir()}
	flags := map[string]string{}
	for f := range reflect.TypeFor[Config]().Fields() {
		for _, name := range variables(f) {
			flags[name] = f.Tag.Get("name")
		}
	}
	for line := range strings.Lines(b.text) {
		line, _, _ = strings.Cut(strings.TrimSpace(line), " #")
		name, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		switch {
		case line == "":
		case !ok:
			return fmt.Errorf("%q is no setting: write NAME=value", line)
		case foreignSettings.MatchString(name):
		case flags[name] == "":
			return fmt.Errorf("%s is no setting", name)
		default:
			if value == "..." {
				value = strings.Repeat("x", 32)
			}
			args = append(args, "--"+flags[name]+"="+value)
		}
	}
	return parse(&c, args)
}

// readSQL has PostgreSQL run a block, and takes it back.
func readSQL(t *testing.T, b *block) {
	freshDatabase(t) // it made the roles
	pgtest.Start(t).Exec(t, "postgres", "begin; "+b.text+"; rollback")
}

// background starts a server as a block says, but on a port and folder of its own, sees that it serves, and stops it.
func (d *documents) background(t *testing.T, b *block) error {
	command := strings.TrimSpace(b.text)
	if !strings.HasPrefix(command, "codeforge serve") || strings.Contains(command, "\n") {
		return errors.New("only a server runs in the background")
	}
	flags := strings.Fields(regexp.MustCompile(`--port \d+`).ReplaceAllString(strings.TrimPrefix(command, "codeforge serve"), ""))
	if len(flags) > 0 {
		return fmt.Errorf("flags %v are not tried here", flags)
	}
	p := start(t, t.TempDir())
	var health struct{ Status string }
	p.must(t, "/health", &health)
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	<-p.dead
	if code := p.ProcessState.ExitCode(); code != 0 || health.Status != "healthy" {
		return fmt.Errorf("%s, and ended with %d", health.Status, code)
	}
	return nil
}

// notRun are the reasons not to run a block, each with what is seen to instead.
var notRun = map[string]func(*documents, *block) error{
	// A container engine is not there. The image itself is checked by deploy.
	"docker": func(_ *documents, b *block) error {
		if _, err := os.Stat(repository + "/Dockerfile"); err != nil {
			return err
		}
		return allLines(b, "docker build ", "docker run ")
	},
	// npm packages come over the network.
	"packages": func(d *documents, b *block) error {
		if !strings.Contains(b.text, "--stack react") && !strings.Contains(b.text, "npm warm") {
			return errors.New("needs no packages: run it")
		}
		return errors.Join(allLines(b, "codeforge ", "cd "), d.flagsExist(b))
	},
	// Programs that people have beside ours.
	"tool": func(_ *documents, b *block) error {
		return allLines(b, "jq ", "go tool ", "curl -s ", "claude mcp add ", "npx @modelcontextprotocol/inspector ")
	},
	// The clients are made with npm, whose package TestTypeScriptExamples makes by the same compiler and looks into.
	"client": func(_ *documents, b *block) error {
		if !strings.Contains(b.text, "codeforge-client-"+codeforge.Version+".tgz") {
			return errors.New("the package has the version " + codeforge.Version)
		}
		return allLines(b, "(cd sdk/", "npm install ./sdk/", "cp sdk/")
	},
	// A real model, with somebody's key.
	"eval": func(_ *documents, b *block) error {
		source, err := os.ReadFile(repository + "/cmd/eval/main.go")
		if err != nil {
			return err
		}
		for _, flag := range flagsOf(b.text) {
			if !strings.Contains(strings.ToLower(string(source)), flag) && flag != "help" {
				return fmt.Errorf("cmd/eval has no --%s", flag)
			}
		}
		return allLines(b, "OPENAI_API_KEY=... go run ./cmd/eval ", "go run ./cmd/eval ")
	},
	// A service of the public network: the request is compared with the API's document.
	"network": func(_ *documents, b *block) error { return isDocumented(b) },
}

// allLines sees that a block is valid shell, and of such commands alone.
func allLines(b *block, prefixes ...string) error {
	for line := range strings.Lines(b.text) {
		if !slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(line, p) }) {
			return fmt.Errorf("%q is not what the reason says", strings.TrimSpace(line))
		}
	}
	if out, err := exec.Command("bash", "-n", "-c", b.text).CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

func flagsOf(text string) (all []string) {
	for _, m := range regexp.MustCompile(` --([a-z-]+)`).FindAllStringSubmatch(text, -1) {
		all = append(all, m[1])
	}
	return all
}

// flagsExist sees that commands of ours that are not run are at least taken.
func (d *documents) flagsExist(b *block) error {
	for line := range strings.Lines(b.text) {
		line, _, _ = strings.Cut(line, " && ")
		words := strings.Fields(line)
		if words[0] != "codeforge" {
			continue
		}
		command := []string{words[1]}
		if words[1] == "npm" {
			command = words[1:3]
		}
		help, err := exec.Command(d.program, append(command, "--help")...).CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w: %s", err, help)
		}
		for _, flag := range flagsOf(line) {
			if !strings.Contains(string(help), "--"+flag) {
				return fmt.Errorf("codeforge %s has no --%s", words[1], flag)
			}
		}
	}
	return nil
}

// isDocumented sees that the API's document has a request, and each member of its body.
func isDocumented(b *block) error {
	spec, err := api.Spec(api.Options{})
	if err != nil {
		return err
	}
	var doc struct {
		Paths map[string]map[string]struct {
			RequestBody struct {
				Content map[string]struct {
					Schema struct {
						Ref        string `json:"$ref"`
						Properties map[string]any
					}
				}
			}
		}
		Components struct {
			Schemas map[string]struct{ Properties map[string]any }
		}
	}
	if err := json.Unmarshal(spec, &doc); err != nil {
		return err
	}
	line, _, _ := strings.Cut(b.text, "\n")
	method, path, _ := strings.Cut(line, " ")
	template := regexp.MustCompile(`\$[A-Z]+`).ReplaceAllString(path, "{project_id}")
	op, ok := doc.Paths[template][strings.ToLower(method)]
	if !ok {
		return fmt.Errorf("the API has no %s %s", method, template)
	}
	_, text, _ := strings.Cut(b.text, "\n\n")
	var body map[string]any
	if err := json.Unmarshal([]byte(text), &body); err != nil {
		return err
	}
	schema := op.RequestBody.Content["application/json"].Schema
	known := schema.Properties
	if known == nil {
		known = doc.Components.Schemas[schema.Ref[strings.LastIndex(schema.Ref, "/")+1:]].Properties
	}
	for key := range body {
		if known[key] == nil {
			return fmt.Errorf("%s takes no %s", template, key)
		}
	}
	return nil
}
