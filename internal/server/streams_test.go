package server

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// usage is what a process has taken by now; nothing where there is no /proc.
func usage(pid int) (cpu time.Duration, rss int64) {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	for _, name := range threads {
		if b, err := os.ReadFile(name); err == nil {
			ns, _, _ := strings.Cut(string(b), " ")
			n, _ := strconv.ParseInt(ns, 10, 64)
			cpu += time.Duration(n)
		}
	}
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "VmRSS:" {
			rss, _ = strconv.ParseInt(f[1], 10, 64)
		}
	}
	return cpu, rss << 10
}

// bareEnv has this program, as a child, be the least server of streams that Go allows: what a stream of ours costs is told
// beside what it costs there, in the same run on the same machine.
const bareEnv = "CODEFORGE_TEST_BARE_STREAMS"

func runBareStreams() {
	if os.Getenv(bareEnv) == "" {
		return
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		os.Exit(1)
	}
	fmt.Println("http://" + l.Addr().String())
	var mu sync.Mutex
	held := map[net.Conn]struct{}{}
	_ = http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\ndata: {\"job_id\":%q,\"status\":\"running\",\"progress\":10}\n\n", r.URL.Path)
		mu.Lock()
		held[c] = struct{}{}
		mu.Unlock()
	}))
	os.Exit(0)
}

// openStreams opens n streams, as many at a time as there are writers here, and returns when each had its first event.
func openStreams(t *testing.T, base string, n int, path func(i int) string) []*bufio.Reader {
	t.Helper()
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	all := make([]*bufio.Reader, n)
	var openers sync.WaitGroup
	for first := range 16 {
		openers.Go(func() {
			for i := first; i < n; i += 16 {
				c, err := net.Dial("tcp", u.Host)
				if err != nil {
					t.Error(err)
					return
				}
				t.Cleanup(func() { _ = c.Close() })
				fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: %s\r\nAccept: text/event-stream\r\n\r\n", path(i), u.Host)
				all[i] = bufio.NewReaderSize(c, 512)
				for line := ""; !strings.HasPrefix(line, "data:"); {
					if line, err = all[i].ReadString('\n'); err != nil {
						t.Errorf("stream %d: %q %v", i, line, err)
						return
					}
				}
			}
		})
	}
	if openers.Wait(); t.Failed() {
		t.FailNow()
	}
	return all
}

// TestManyStreams holds many streams of one server open: each hears of its job, and that the server stops. It tells what one
// costs, beside bare Go. With CODEFORGE_SOAK it is 10,000, which also wait for their heartbeat, else 300.
func TestManyStreams(t *testing.T) {
	n, soak := 300, os.Getenv("CODEFORGE_SOAK") != ""
	if soak {
		n = 10_000
	}
	var files syscall.Rlimit // Go has raised it to what it may be
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err == nil && files.Max < uint64(n)+500 {
		t.Fatalf("this needs %d open files, and %d are allowed: ulimit -Hn", n+500, files.Max)
	}
	silent, err := net.Listen("tcp", "127.0.0.1:0") // a model that never answers
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	p := start(t, t.TempDir(), "LLM_COMPATIBLE_URL=http://"+silent.Addr().String()+"/v1", "LLM_COMPATIBLE_MODEL=m", "WORKERS=1", "AGENT_TIMEOUT=3600", "SHUTDOWN_TIMEOUT=1")
	project := p.project(t)
	jobs := make([]string, 50)
	for i := range jobs {
		jobs[i] = p.submitTo(t, project)
	}
	path := func(i int) string { return "/v1/jobs/" + jobs[i%len(jobs)] + "/stream" }
	cpu, rss := usage(p.Process.Pid)
	readers := openStreams(t, p.Base, n, path)
	cpuAfter, rssAfter := usage(p.Process.Pid)
	bareCPU, bareRSS := bareStreams(t, n)
	each, eachRSS := (cpuAfter-cpu)/time.Duration(n), (rssAfter-rss)/int64(n)
	t.Logf("%d streams: %v of CPU to open and %d bytes each; bare Go %v and %d", n, each, eachRSS, bareCPU, bareRSS)
	if soak && eachRSS > 5<<10 {
		t.Errorf("a stream takes %d bytes", eachRSS)
	}
	await := func(i int, want string) {
		t.Helper()
		for line := ""; line != want; {
			if line, err = readers[i].ReadString('\n'); err != nil {
				t.Fatalf("stream %d waits for %q: %q %v", i, want, line, err)
			}
		}
	}
	if soak {
		for i := range readers {
			await(i, ": heartbeat\n")
		}
	}
	p.caller.must(t, "POST", "/v1/jobs/"+jobs[1]+"/cancel", nil, new(any))
	for i := 1; i < n; i += len(jobs) {
		await(i, "event: cancelled\n")
	}
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for i := range readers {
		if i%len(jobs) != 1 {
			await(i, "event: dropped\n")
		}
		if rest, err := io.ReadAll(readers[i]); err != nil || !strings.HasSuffix(string(rest), "\r\n0\r\n\r\n") {
			t.Fatalf("stream %d ends with %q, %v", i, rest, err)
		}
	}
}

// submitTo begins a job of a project.
func (c caller) submitTo(t *testing.T, project string) string {
	t.Helper()
	var job struct {
		ID string `json:"job_id"`
	}
	c.must(t, "POST", "/v1/run-agent", map[string]any{"project_id": project, "agent_type": "code", "input_context": map[string]any{}}, &job)
	return job.ID
}

// bareStreams is what n streams cost in bare Go, each.
func bareStreams(t *testing.T, n int) (cpu time.Duration, rss int64) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), bareEnv+"=1")
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	before, rssBefore := usage(cmd.Process.Pid)
	openStreams(t, strings.TrimSpace(address), min(n, 2000), func(int) string { return "/" })
	after, rssAfter := usage(cmd.Process.Pid)
	return (after - before) / time.Duration(min(n, 2000)), (rssAfter - rssBefore) / int64(min(n, 2000))
}
