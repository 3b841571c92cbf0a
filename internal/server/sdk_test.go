package server

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/evanw/esbuild/pkg/api"

	"codeforge/internal/types/typestest"
)

// cutter passes connections on to a server, and cuts those that carry an event stream after some bytes, each after three times as many as the one before, so that all ends.
func cutter(t *testing.T, to string) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	var mu sync.Mutex
	next := 400
	budget := func() int {
		mu.Lock()
		defer mu.Unlock()
		next *= 3
		return next
	}
	serve := func(c net.Conn) {
		defer c.Close()
		s, err := net.Dial("tcp", strings.TrimPrefix(to, "http://"))
		if err != nil {
			return
		}
		defer s.Close()
		left := make(chan int, 1)
		go func() {
			b := make([]byte, 32<<10)
			for {
				n, err := c.Read(b)
				if bytes.Contains(b[:n], []byte("/stream")) {
					left <- budget()
				}
				if _, errWrite := s.Write(b[:n]); err != nil || errWrite != nil {
					s.Close()
					return
				}
			}
		}()
		b, most := make([]byte, 256), -1
		for {
			n, err := s.Read(b)
			select {
			case most = <-left:
			default:
			}
			if most >= 0 {
				if n = min(n, most); n == 0 {
					return
				}
				most -= n
			}
			if _, errWrite := c.Write(b[:n]); err != nil || errWrite != nil {
				return
			}
		}
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go serve(c)
		}
	}()
	return "http://" + l.Addr().String()
}

// typeScriptClient is the client in one file, for programs of other languages to load.
func typeScriptClient(t *testing.T, minify bool) []byte {
	t.Helper()
	r := api.Build(api.BuildOptions{EntryPoints: []string{"../../sdk/typescript/src/index.ts"}, Bundle: true, Format: api.FormatESModule, Target: api.ES2022,
		MinifyWhitespace: minify, MinifyIdentifiers: minify, MinifySyntax: minify})
	if len(r.Errors) > 0 {
		t.Fatal(r.Errors)
	}
	return r.OutputFiles[0].Contents
}

// TestTypeScriptClientIsSmall: at most 12 KB as it is sent to browsers.
func TestTypeScriptClientIsSmall(t *testing.T) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(typeScriptClient(t, true))
	w.Close()
	if b.Len() > 12<<10 {
		t.Errorf("%d bytes", b.Len())
	}
	t.Logf("%d bytes", b.Len())
}

// clientReport is what a program that uses a client says of it.
type clientReport struct {
	IDs      []string
	Last     string
	Titles   []string
	Code     string
	Status   int
	Named    bool
	Conflict int
	Bytes    string
	Done     string
}

// TestClients: both clients run a job over a connection that breaks again and again and see each event once, read lists of many pages,
// send and read bytes, and tell errors.
func TestClients(t *testing.T) {
	s := serve(t, configured(t))
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("client.mjs", string(typeScriptClient(t, false)))
	const script = "testdata/sdk/"
	python, node := program(t, "python3"), program(t, "node")
	for name, cmd := range map[string]*exec.Cmd{
		"typescript": exec.CommandContext(t.Context(), node, write("try.mjs", read(t, script+"try.mjs"))),
		"python":     exec.CommandContext(t.Context(), python, script+"try.py"),
		"asyncio":    exec.CommandContext(t.Context(), python, script+"try_async.py"),
	} {
		t.Run(name, func(t *testing.T) {
			var r clientReport
			if out := clientRun(t, cmd, cutter(t, s.URL())); json.Unmarshal(out, &r) != nil {
				t.Fatalf("%s", out)
			}
			r.whole(t)
		})
	}
}

// examplesOf are the programs in a document, with the address of a server in place of the one that they name.
func examplesOf(t *testing.T, file, fence, base string) (programs []string) {
	t.Helper()
	for _, m := range regexp.MustCompile("(?s)```"+fence+"\n(.*?)```").FindAllStringSubmatch(read(t, file), -1) {
		programs = append(programs, strings.ReplaceAll(m[1], "http://127.0.0.1:8000", base))
	}
	return programs
}

// clientGuide is the page of the guide whose programs are read from top to bottom.
const clientGuide = "docs/sdk.md"

// guideProgram joins the blocks of a language of that page, as its reader would, with a line that is printed after each; said are what
// the page shows of what each says.
func guideProgram(t *testing.T, lang, print, base string) (program string, said []string) {
	t.Helper()
	for _, b := range blocksOf(t, clientGuide) {
		switch {
		case b.lang == lang:
			program += strings.ReplaceAll(b.text, "http://127.0.0.1:8000", base) + print + "\n"
			said = append(said, "")
		case b.lang == "text" && b.after != nil && b.after.lang == lang:
			said[len(said)-1] = b.text
		}
	}
	if len(said) < 7 {
		t.Fatalf("%d blocks of %s: the page is not read", len(said), lang)
	}
	return program, said
}

// guideMark is printed between blocks.
const guideMark = "<next block>"

// compareSaid sees whether each block says what the page shows of it, line by line in order. Dots stand for anything.
func compareSaid(t *testing.T, lang string, out []byte, said []string) {
	t.Helper()
	parts := strings.Split(string(out), guideMark)
	if len(parts) != len(said)+1 {
		t.Fatalf("%d blocks of %s ran, of %d:\n%s", len(parts)-1, lang, len(said), out)
	}
	for i, shown := range said {
		var lines []string
		for line := range strings.Lines(strings.TrimSpace(shown)) {
			lines = append(lines, strings.ReplaceAll(regexp.QuoteMeta(strings.TrimSuffix(line, "\n")), "…", ".*"))
		}
		if want := "(?ms)^" + strings.Join(lines, "$.*^") + "$"; !regexp.MustCompile(want).MatchString(parts[i]) {
			t.Errorf("%s, block %d of %s says\n%s\nand is shown to say\n%s", clientGuide, i+1, lang, parts[i], shown)
		}
	}
}

// typeScriptPackage makes the package of the client in a folder, by the language's own compiler, as npm would pack it.
func typeScriptPackage(t *testing.T, folder string) (compiler string) {
	t.Helper()
	compiler = typestest.Compiler(t)
	if err := os.CopyFS(folder, os.DirFS("../../sdk/typescript")); err != nil {
		t.Fatal(err)
	}
	compile := exec.CommandContext(t.Context(), compiler, "-p", folder)
	if out, err := compile.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return compiler
}

// TestTypeScriptExamples: what the document of the package and the guide show has types that hold, and does what they say; and the package
// holds what it must and no more.
func TestTypeScriptExamples(t *testing.T) {
	s := serve(t, configured(t))
	dir := t.TempDir()
	folder := filepath.Join(dir, "node_modules", "@codeforge", "client")
	compiler := typeScriptPackage(t, folder)
	pack := exec.CommandContext(t.Context(), program(t, "npm"), "pack", "--dry-run", "--json", "--ignore-scripts")
	pack.Dir = folder
	out, err := pack.Output()
	var packed []struct{ Files []struct{ Path string } }
	if err == nil {
		err = json.Unmarshal(out, &packed)
	}
	if err != nil || len(packed) != 1 {
		t.Fatalf("npm pack: %v %s", err, out)
	}
	var names []string
	for _, f := range packed[0].Files {
		names = append(names, f.Path)
	}
	if want := "LICENSE README.md dist/api.d.ts dist/api.js dist/index.d.ts dist/index.js dist/runtime.d.ts dist/runtime.js package.json"; strings.Join(names, " ") != want {
		t.Errorf("packed are %v", names)
	}
	programs := examplesOf(t, "../../sdk/typescript/README.md", "ts", s.URL())
	for i, text := range programs {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("example%d.mts", i)), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	guide, said := guideProgram(t, "ts", `console.log("`+guideMark+`");`, serve(t, configured(t)).URL())
	for name, text := range map[string]string{"guide.mts": guide, "globals.d.ts": "declare const process: { env: Record<string, string | undefined> };\n",
		"tsconfig.json": `{"compilerOptions":{"strict":true,"exactOptionalPropertyTypes":true,"noUncheckedIndexedAccess":true,"module":"nodenext","target":"es2022","lib":["es2022","dom"],"types":[],"skipLibCheck":false}}`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, flags := range [][]string{{"--module", "esnext", "--moduleResolution", "bundler", "--noEmit"}, nil} {
		if out, err := exec.CommandContext(t.Context(), compiler, append(flags, "-p", dir)...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", flags, err, out)
		}
	}
	says := []string{"completed http://", "done", "imported as revision 1", "One of many", "404 RESOURCE_NOT_FOUND"}
	for i := range programs {
		out := clientRun(t, exec.CommandContext(t.Context(), program(t, "node"), filepath.Join(dir, fmt.Sprintf("example%d.mjs", i))), s.URL())
		if !strings.Contains(string(out), says[i]) {
			t.Errorf("example %d says %s, want %s", i, out, says[i])
		}
	}
	compareSaid(t, "ts", clientRun(t, exec.CommandContext(t.Context(), program(t, "node"), filepath.Join(dir, "guide.mjs")), s.URL()), said)
}

// TestPythonExamples: what the document of the Python client and the guide show does what they say.
func TestPythonExamples(t *testing.T) {
	s := serve(t, configured(t))
	says := []string{"completed http://", "done", "imported as revision 1", "One of many", "404 RESOURCE_NOT_FOUND"}
	for i, text := range examplesOf(t, "../../sdk/python/README.md", "python", s.URL()) {
		out := clientRun(t, exec.CommandContext(t.Context(), program(t, "python3"), "-W", "error", "-c", text), s.URL())
		if !strings.Contains(string(out), says[i]) {
			t.Errorf("example %d says %s, want %s", i, out, says[i])
		}
	}
	guide, said := guideProgram(t, "python", `print("`+guideMark+`")`, serve(t, configured(t)).URL())
	cmd := exec.CommandContext(t.Context(), program(t, "python3"), "-W", "error", "-c", guide)
	cmd.Dir = t.TempDir() // where it keeps an archive
	compareSaid(t, "python", clientRun(t, cmd, s.URL()), said)
}

// judgingProxy passes requests on to a server, fails the test for answers and events that are not as the document has them, and notes
// which operations were asked for.
func judgingProxy(t *testing.T, to string) (base string, asked map[string]bool) {
	t.Helper()
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	asked = map[string]bool{}
	var mu sync.Mutex
	proxy := &httputil.ReverseProxy{FlushInterval: -1, Transport: promised().Transport(http.DefaultTransport), ErrorLog: log.New(proxyFaults{t}, "", 0),
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			mu.Lock()
			defer mu.Unlock()
			asked[promised().Operation(r.In)] = true
		}}
	s := httptest.NewServer(proxy)
	t.Cleanup(s.Close)
	return s.URL, asked
}

// proxyFaults are what a proxy has to say: that a client left is no fault.
type proxyFaults struct{ *testing.T }

func (f proxyFaults) Write(p []byte) (int, error) {
	if text := string(p); !strings.Contains(text, context.Canceled.Error()) {
		f.Error(text)
	}
	return len(p), nil
}

// TestClientsHaveEveryOperation: each operation of the document is called by each client, by the method that it has for it, and is
// answered as the document says.
func TestClientsHaveEveryOperation(t *testing.T) {
	hub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"message":"Bad credentials"}`)
	}))
	t.Cleanup(hub.Close)
	dir := t.TempDir()
	for name, text := range map[string][]byte{"client.mjs": typeScriptClient(t, false), "calls.mjs": []byte(read(t, "testdata/sdk/calls.mjs"))} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p := newProject(t)
	s := serve(t, configured(t, "--supabase-jwt-secret", jwtSecret, "--supabase-url", p.url, "--github-api-url", hub.URL, "--key-encryption-key", "what the keys of users are sealed with, long enough"))
	for name, c := range map[string]struct{ program, script, user string }{
		"typescript": {"node", filepath.Join(dir, "calls.mjs"), alice},
		"python":     {"python3", "testdata/sdk/calls.py", bob},
	} {
		t.Run(name, func(t *testing.T) {
			base, asked := judgingProxy(t, s.URL())
			cmd := exec.CommandContext(t.Context(), program(t, c.program), c.script)
			cmd.Env = append(os.Environ(), "CALLS="+read(t, "testdata/sdk/calls.json"), "TOKEN="+p.token(t, c.user))
			var wrong []string
			if out := clientRun(t, cmd, base); json.Unmarshal(out, &wrong) != nil || len(wrong) > 0 {
				t.Errorf("%s", strings.Join(wrong, "\n"))
			}
			for id := range promised().Operations() {
				// What git asks is git's to ask, and the socket has a protocol of its own.
				if !asked[id] && !strings.HasPrefix(id, "git_") && id != "open_socket" {
					t.Errorf("%s was not called", id)
				}
			}
		})
	}
}

// TestClientsTryAgain: what is safe is sent again, and nothing else: reads and submissions with a key when the server, or the way to it,
// breaks, all that was one too many, and no other write.
func TestClientsTryAgain(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string][]byte{"client.mjs": typeScriptClient(t, false), "tries.mjs": []byte(read(t, "testdata/sdk/tries.mjs"))} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, cmd := range map[string]*exec.Cmd{
		"typescript": exec.CommandContext(t.Context(), program(t, "node"), filepath.Join(dir, "tries.mjs")),
		"python":     exec.CommandContext(t.Context(), program(t, "python3"), "testdata/sdk/tries.py"),
	} {
		t.Run(name, func(t *testing.T) {
			tries, keys := map[string]int{}, map[string]bool{}
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				what := r.Method + " " + r.URL.Path
				if tries[what]++; strings.HasSuffix(what, "run-agent") {
					keys[r.Header.Get("Idempotency-Key")] = true
				}
				answerTry(w, what, tries[what])
			}))
			defer s.Close()
			var got map[string]any
			if out := clientRun(t, cmd, s.URL); json.Unmarshal(out, &got) != nil {
				t.Fatalf("%s", out)
			}
			want := map[string]any{"limited": "ok", "cut": "ok", "keyed": "ok", "write": "503 SERVICE_UNAVAILABLE later r-1 0 map[why:test]", "lost": "0 NETWORK_ERROR", "long": "429 RATE_LIMIT_EXCEEDED 3600", "same": "304 NOT_MODIFIED",
				"html": "502 UNKNOWN", "null": "500 UNKNOWN", "list": "500 UNKNOWN", "text": "400 ODD", "empty": "0 NETWORK_ERROR", "page": "0 NETWORK_ERROR", "dated": "ok",
				"rule": "Validation error in path: must be short", "rules": "Request validation failed: a: wrong; b: missing"}
			for what, is := range want {
				if fmt.Sprint(got[what]) != is {
					t.Errorf("%s: %v, want %v", what, got[what], is)
				}
			}
			for what, n := range map[string]int{"DELETE /v1/projects/limited": 2, "GET /v1/projects/cut": 2, "POST /v1/run-agent": 3, "PUT /v1/projects/write": 1, "PUT /v1/projects/lost": 1, "GET /v1/projects/long": 1} {
				if tries[what] != n {
					t.Errorf("%s was sent %d times, want %d", what, tries[what], n)
				}
			}
			if len(keys) != 1 || keys[""] {
				t.Errorf("one submission has the keys %v", keys)
			}
		})
	}
}

// TestClientsReadWhateverIsCut: a stream that is cut after any byte is read as if it were whole; and what waits ends when it is left.
func TestClientsReadWhateverIsCut(t *testing.T) {
	const log = "retry: 1000\n\n: a comment\n\nevent: stage\nid: 1\ndata: {\"title\":\"é\"}\n\nevent: delta\ndata: {\"text\":\"words\"}\n\nevent: progress\ndata: {\"progress\":10}\n\nid: 2\ndata: {\"progress\":10}\n\n" +
		"event: file\nid: 3\ndata: {\ndata: }\n\nevent: complete\ndata: {}\n\nid: 4\ndata: {}\n\n"
	silent := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "event: ready\ndata: {}\n\n")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}))
	defer silent.Close()
	dir := t.TempDir()
	for name, text := range map[string][]byte{"client.mjs": typeScriptClient(t, false), "cuts.mjs": []byte(read(t, "testdata/sdk/cuts.mjs"))} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, cmd := range map[string]*exec.Cmd{
		"typescript": exec.CommandContext(t.Context(), program(t, "node"), filepath.Join(dir, "cuts.mjs")),
		"python":     exec.CommandContext(t.Context(), program(t, "python3"), "testdata/sdk/cuts.py"),
	} {
		t.Run(name, func(t *testing.T) {
			cmd.Env = append(os.Environ(), "LOG="+log, "SEEN=1 stage,2 progress,3 file,4 complete")
			var wrong []string
			if out := clientRun(t, cmd, silent.URL); json.Unmarshal(out, &wrong) != nil || len(wrong) > 0 {
				t.Errorf("%s", strings.Join(wrong, "\n"))
			}
		})
	}
}

// odd are answers of errors that are not as the API's, by what is asked for, and of rules that a request breaks.
var odd = map[string]string{"null": "null", "list": "[1, 2]", "text": `{"error": "ODD", "message": {}, "details": "a text"}`,
	"rule":  `{"error": "VALIDATION_ERROR", "message": "Validation error in path", "details": {"field": "path", "reason": "must be short"}}`,
	"rules": `{"error": "VALIDATION_ERROR", "message": "Request validation failed", "details": {"errors": [{"field": "a", "message": "wrong"}, {"field": "b", "message": "missing"}]}}`}

// answerTry answers the nth request for something in a way that a client has to deal with.
func answerTry(w http.ResponseWriter, what string, n int) {
	refuse := func(status int, code, after string) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Retry-After", after)
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"error":%q,"message":"later","details":{"why":"test"},"request_id":"r-1"}`, code)
	}
	cut := func() {
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, `{"half":`)
		panic(http.ErrAbortHandler)
	}
	switch {
	case strings.HasSuffix(what, "limited") && n == 1:
		refuse(429, "RATE_LIMIT_EXCEEDED", "0")
	case strings.HasSuffix(what, "long"):
		refuse(429, "RATE_LIMIT_EXCEEDED", "3600")
	case strings.HasSuffix(what, "write"):
		refuse(503, "SERVICE_UNAVAILABLE", "0")
	case strings.HasSuffix(what, "cut") && n == 1, strings.HasSuffix(what, "lost"), strings.HasSuffix(what, "run-agent") && n == 1:
		cut()
	case strings.HasSuffix(what, "run-agent") && n == 2:
		refuse(503, "SERVICE_UNAVAILABLE", "0")
	case strings.HasSuffix(what, "html"), strings.HasSuffix(what, "page"):
		w.Header().Set("Content-Type", "text/html")
		if strings.HasSuffix(what, "html") {
			w.WriteHeader(http.StatusBadGateway)
		}
		_, _ = io.WriteString(w, "<!doctype html><title>Bad gateway</title>")
	case odd[what[strings.LastIndexByte(what, '/')+1:]] != "":
		body := odd[what[strings.LastIndexByte(what, '/')+1:]]
		w.WriteHeader(map[bool]int{true: http.StatusInternalServerError, false: http.StatusBadRequest}[len(body) < 10])
		_, _ = io.WriteString(w, body)
	case strings.HasSuffix(what, "empty"):
	case strings.HasSuffix(what, "dated") && n == 1:
		w.Header().Set("Retry-After", "Fri, 31 Dec 1999 23:59:59 GMT")
		w.WriteHeader(http.StatusServiceUnavailable)
	case strings.HasSuffix(what, "same"):
		w.WriteHeader(http.StatusNotModified)
	default:
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"title":"ok","status":"ok"}`)
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("the tests need %s: install it, or have scripts/need do so", name)
	}
	return path
}

func clientRun(t *testing.T, cmd *exec.Cmd, base string) []byte {
	t.Helper()
	var errors bytes.Buffer
	cmd.Stderr = &errors
	sdk, err := filepath.Abs("../../sdk/python")
	if err != nil {
		t.Fatal(err)
	}
	if cmd.Env == nil {
		cmd.Env = os.Environ()
	}
	cmd.Env = append(cmd.Env, "SERVER="+base, "PYTHONPATH="+sdk, "PYTHONDONTWRITEBYTECODE=1")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, out, errors.Bytes())
	}
	return out
}
