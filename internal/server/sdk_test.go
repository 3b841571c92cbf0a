package server

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/evanw/esbuild/pkg/api"
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
// send and read bytes, and tell errors; and the examples of their documents do what they say.
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
			for i, id := range r.IDs {
				if id != strconv.Itoa(i+1) {
					t.Fatalf("event %d has id %s: %v", i+1, id, r.IDs)
				}
			}
			if len(r.IDs) < 10 || r.Last != "complete" || r.Done != "completed" {
				t.Errorf("%d events, the last is %s, the job %s", len(r.IDs), r.Last, r.Done)
			}
			if len(r.Titles) < 3 || r.Code != "RESOURCE_NOT_FOUND" || r.Status != 404 || !r.Named || r.Conflict != 409 || r.Bytes != "as it is\x00" {
				t.Errorf("%+v", r)
			}
		})
	}
	example := func(file, fence string) string {
		code := regexp.MustCompile("(?s)```" + fence + "\n(.*?)```").FindStringSubmatch(read(t, file))[1]
		return strings.NewReplacer("http://127.0.0.1:8000", s.URL(), "@codeforge/client", "./client.mjs").Replace(code)
	}
	for name, cmd := range map[string]*exec.Cmd{
		"example of typescript": exec.CommandContext(t.Context(), node, write("example.mjs", example("../../sdk/typescript/README.md", "ts"))),
		"example of python":     exec.CommandContext(t.Context(), python, write("example.py", example("../../sdk/python/README.md", "python"))),
	} {
		t.Run(name, func(t *testing.T) {
			if out := clientRun(t, cmd, s.URL()); !strings.Contains(string(out), "completed http://") || !strings.Contains(string(out), "index.html") {
				t.Errorf("%s", out)
			}
		})
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

func clientRun(t *testing.T, cmd *exec.Cmd, url string) []byte {
	t.Helper()
	var errors bytes.Buffer
	cmd.Stderr = &errors
	sdk, err := filepath.Abs("../../sdk/python")
	if err != nil {
		t.Fatal(err)
	}
	cmd.Env = append(os.Environ(), "SERVER="+url, "PYTHONPATH="+sdk, "PYTHONDONTWRITEBYTECODE=1")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, out, errors.Bytes())
	}
	return out
}
