package server

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"codeforge"
	"codeforge/internal/pgtest"
	"codeforge/internal/verify"
)

// built is where the program lies, if a test asked for it.
var built string

// binary builds the program once for all tests that start it as a process. It is the one that people get: nobody would see what a race
// detector says in a process that is killed, and tests with a server of this process do all of the same under its eyes.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "codeforge-test")
	if err != nil {
		return "", err
	}
	built = dir
	path := filepath.Join(dir, "codeforge")
	return path, build("-o", path)
})

func build(args ...string) error {
	out, err := exec.Command("go", append(append([]string{"build"}, args...), "codeforge/cmd/codeforge")...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}

func TestMain(m *testing.M) {
	verify.RunChild()
	runBareStreams()
	code := pgtest.Main(m)
	if built != "" {
		os.RemoveAll(built)
	}
	os.Exit(code)
}

// process is a server of its own.
type process struct {
	*exec.Cmd
	caller
	dead chan struct{} // closed when it has ended
}

// start runs `codeforge serve` on a data folder and waits until it answers.
func start(t *testing.T, dir string, env ...string) *process {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "serve", "--port", "0", "--data-dir", dir)
	cmd.Dir = t.TempDir() // no .env from here
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "RATE_LIMIT_PER_MINUTE=100000000", "NPM_REGISTRY=off", "SMOKE=off"}, env...)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{Cmd: cmd, dead: make(chan struct{})}
	addr := make(chan string, 1)
	go func() {
		defer close(p.dead)
		lines := bufio.NewScanner(stderr)
		var tail []string
		for lines.Scan() {
			var l struct{ Message, URL string }
			if json.Unmarshal(lines.Bytes(), &l) == nil && l.Message == "listening" {
				addr <- l.URL
			}
			if tail = append(tail, lines.Text()); len(tail) > 20 {
				tail = tail[1:]
			}
		}
		if err := cmd.Wait(); err != nil && !strings.Contains(err.Error(), "killed") {
			t.Logf("server ended: %v\n%s", err, strings.Join(tail, "\n"))
		}
	}()
	select {
	case p.Base = <-addr:
	case <-p.dead:
		t.Fatal("the server did not start")
	}
	t.Cleanup(func() { p.kill() })
	return p
}

// kill ends the process as a power cut would.
func (p *process) kill() {
	p.Process.Kill()
	<-p.dead
}

// accepted is a job whose id an answer carried.
type accepted struct {
	id, project string
	agent       codeforge.AgentType
}

// current is the server of the moment.
type current struct {
	mu sync.Mutex
	up sync.Cond // on mu: p is set
	p  *process
}

func newCurrent() *current {
	c := &current{}
	c.up.L = &c.mu
	return c
}

func (c *current) set(p *process) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.p = p
	c.up.Broadcast()
}

// get waits for a server while none is up.
func (c *current) get() *process {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.p == nil {
		c.up.Wait()
	}
	return c.p
}

// TestCrash kills a server at random moments under load, again and again on one data folder. Then: no accepted job is
// lost, none ends twice, no revision is partial, each stage and round made the one revision that it makes undisturbed, and streams
// that were cut go on without gap or repetition.
// CODEFORGE_CRASH_ROUNDS sets how many times.
func TestCrash(t *testing.T) {
	rounds := 8
	if s := os.Getenv("CODEFORGE_CRASH_ROUNDS"); s != "" {
		var err error
		if rounds, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	const idea = "Track books and the friends who borrow them"
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	dir := t.TempDir()
	env := []string{"CODEFORGE_BENCH=1"}

	// What an undisturbed run of the idea leaves: every revision of a pipeline must be just that.
	build := map[string]any{"user_message": idea, "scaffold": "qa_fail_once"} // so that there is a repair
	calm := start(t, t.TempDir(), env...)
	want := calm.pipeline(t, build)
	if len(want) != 2 {
		t.Fatalf("an undisturbed run leaves %v", want)
	}
	calm.kill()

	var mu sync.Mutex
	var jobs []accepted
	var watchers sync.WaitGroup
	watched := map[string][]int64{} // numbers of events seen, by job
	live := newCurrent()

	// watch follows one job through all crashes.
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	watch := func(job string) {
		last := "0"
		for p := live.get(); ctx.Err() == nil; p = live.get() {
			done := p.numbers(ctx, job, &last, func(n int64) {
				mu.Lock()
				watched[job] = append(watched[job], n)
				mu.Unlock()
			})
			if done {
				return
			}
		}
	}

	for round := range rounds {
		p := start(t, dir, env...)
		live.set(p)
		if round%15 == 14 { // a job is given up after 20 crashes, and each of these may take all that it came to since the last
			for _, j := range jobs {
				p.awaitEnd(t, j.id)
			}
		}
		var load sync.WaitGroup
		loaded := make(chan struct{})
		var once sync.Once
		for worker := range 4 {
			load.Go(func() {
				for n := 0; ; n++ {
					select {
					case <-p.dead:
						return
					default:
					}
					var project codeforge.Project
					if p.Call(ctx, "POST", "/v1/projects", map[string]any{"title": "Crash", "description": idea}, &project) != nil {
						continue
					}
					agent, path := codeforge.Noop, "/v1/run-agent"
					if worker == 0 && n%2 == 0 {
						agent, path = codeforge.Builder, "/v1/run-pipeline"
					}
					var answer struct {
						ID string `json:"job_id"`
					}
					body := map[string]any{"project_id": project.ID, "input_context": build}
					if agent == codeforge.Noop {
						body["agent_type"] = agent
					}
					if p.Call(ctx, "POST", path, body, &answer) != nil {
						continue
					}
					once.Do(func() { close(loaded) })
					mu.Lock()
					jobs = append(jobs, accepted{answer.ID, project.ID, agent})
					first := len(jobs)%5 == 1
					mu.Unlock()
					switch {
					case agent == codeforge.Builder:
						// A pipeline is work for the processor: one at a time, or no kill would find one near its end.
						ended := make(chan struct{})
						watchers.Go(func() { defer close(ended); watch(answer.ID) })
						select {
						case <-ended:
						case <-p.dead:
						}
					case first:
						watchers.Go(func() { watch(answer.ID) })
					}
				}
			})
		}
		<-loaded
		<-time.After(time.Duration(rng.IntN(200)) * time.Millisecond) // the random moment
		live.set(nil)
		p.kill()
		load.Wait()
	}

	p := start(t, dir, env...)
	live.set(p)
	if len(jobs) < rounds {
		t.Fatalf("only %d jobs were accepted in %d rounds: no load", len(jobs), rounds)
	}
	for _, j := range jobs {
		p.awaitEnd(t, j.id)
	}
	watchers.Wait()

	pipelines := 0
	for _, j := range jobs {
		var job struct {
			Status, Error string
			Revision      int64
		}
		p.must(t, "/v1/jobs/"+j.id, &job)
		if job.Status != string(codeforge.JobCompleted) {
			t.Errorf("job %s (%s) is %s: %s", j.id, j.agent, job.Status, job.Error)
			continue
		}
		last, seen, ends, kept := "0", int64(0), 0, 0
		p.events(ctx, j.id, &last, func(kind string, n int64) {
			if n != seen+1 {
				t.Errorf("job %s: event %d after %d", j.id, n, seen)
			}
			seen = n
			if codeforge.EventType(kind).Final() {
				ends++
			}
			if kind == string(codeforge.EventKept) {
				kept++
			}
		})
		if ends != 1 {
			t.Errorf("job %s ended %d times", j.id, ends)
		}
		var revisions struct{ Items []codeforge.Revision }
		p.must(t, "/v1/projects/"+j.project+"/revisions", &revisions)
		if j.agent == codeforge.Noop {
			if len(revisions.Items) != 0 {
				t.Errorf("noop job %s left %d revisions", j.id, len(revisions.Items))
			}
			continue
		}
		pipelines++
		if kept != len(want)+2 { // research and wireframe keep specifications
			t.Errorf("job %s kept %d stages", j.id, kept)
		}
		if got := p.history(t, j.project); !slices.EqualFunc(got, want, state.equal) {
			t.Errorf("job %s left %v, want %v", j.id, got, want)
		}
		for _, r := range revisions.Items {
			if r.JobID != j.id {
				t.Errorf("job %s: revision %+v", j.id, r)
			}
		}
	}
	mu.Lock()
	defer mu.Unlock()
	for job, numbers := range watched {
		for i, n := range numbers {
			if n != int64(i+1) {
				t.Errorf("the stream of %s, cut and resumed, gave %v", job, numbers)
				break
			}
		}
	}
	t.Logf("%d crashes, %d jobs accepted, %d of them pipelines, %d streams", rounds, len(jobs), pipelines, len(watched))
}

// pipeline runs an idea undisturbed and returns what it leaves.
func (p *process) pipeline(t *testing.T, input map[string]any) []state {
	t.Helper()
	var project codeforge.Project
	if err := p.Call(t.Context(), "POST", "/v1/projects", map[string]any{"title": "Crash", "description": input["user_message"]}, &project); err != nil {
		t.Fatal(err)
	}
	var answer struct {
		ID string `json:"job_id"`
	}
	if err := p.Call(t.Context(), "POST", "/v1/run-pipeline", map[string]any{"project_id": project.ID, "input_context": input}, &answer); err != nil {
		t.Fatal(err)
	}
	p.awaitEnd(t, answer.ID)
	all := p.history(t, project.ID)
	if len(all) == 0 || len(all[0].files) < 3 {
		t.Fatalf("the pipeline left %v", all)
	}
	return all
}

// state is one revision: what it says, and the files of the project in it.
type state struct {
	message string
	files   map[string]string
}

func (s state) String() string { return fmt.Sprint(s.message, " ", slices.Sorted(maps.Keys(s.files))) }

func (s state) equal(o state) bool { return s.message == o.message && maps.Equal(s.files, o.files) }

// history is all revisions of a project, newest first.
func (p *process) history(t *testing.T, project string) (all []state) {
	t.Helper()
	var list struct{ Items []codeforge.Revision }
	p.must(t, "/v1/projects/"+project+"/revisions", &list)
	for _, r := range list.Items {
		var rev struct{ Files []codeforge.File }
		p.must(t, fmt.Sprintf("/v1/projects/%s/revisions/%d?content=true", project, r.Number), &rev)
		s := state{r.Message, map[string]string{}}
		for _, f := range rev.Files {
			s.files[f.Path] = f.Content
		}
		all = append(all, s)
	}
	return all
}

func (p *process) must(t *testing.T, path string, out any) {
	t.Helper()
	if err := p.Call(t.Context(), "GET", path, nil, out); err != nil {
		t.Fatal(err)
	}
}

// awaitEnd waits, on its stream, until a job has ended.
func (p *process) awaitEnd(t *testing.T, job string) {
	t.Helper()
	last := "0"
	for range 100 {
		if p.numbers(t.Context(), job, &last, func(int64) {}) {
			return
		}
	}
	t.Fatalf("job %s does not end", job)
}

// numbers reads a job's stream after *last and reports whether the job's end was seen.
func (p *process) numbers(ctx context.Context, job string, last *string, seen func(int64)) (ended bool) {
	return p.events(ctx, job, last, func(_ string, n int64) { seen(n) })
}

// events calls seen for each numbered frame, with the kind of the named frame before it or of its own.
func (p *process) events(ctx context.Context, job string, last *string, seen func(kind string, n int64)) (ended bool) {
	resp, err := p.Do(ctx, "GET", p.Base+"/v1/jobs/"+job+"/stream", nil, "Last-Event-ID", *last)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusNoContent {
		return true
	}
	if resp.StatusCode != http.StatusOK {
		return false
	}
	r := bufio.NewReader(resp.Body)
	kind, id := "", ""
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return errors.Is(err, io.EOF) && codeforge.EventType(kind).Final() && id == ""
		}
		field, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		switch field {
		case "event":
			kind = strings.TrimSpace(value)
		case "id":
			id = strings.TrimSpace(value)
		case "":
			if id == "" {
				continue
			}
			n, err := strconv.ParseInt(id, 10, 64)
			if err != nil {
				return false
			}
			*last, id = strconv.FormatInt(n, 10), ""
			seen(kind, n)
		}
	}
}

// TestDrain stops a busy server politely: it hands back what it cannot finish, without counting an attempt, and the next
// start goes on.
func TestDrain(t *testing.T) {
	dir := t.TempDir()
	p := start(t, dir, "SHUTDOWN_TIMEOUT=2")
	job := p.stalled(t)
	last := "0"
	ctx, cancel := context.WithCancel(t.Context())
	p.events(ctx, job, &last, func(kind string, n int64) {
		if kind == "stage" || n > 1 { // it runs
			cancel()
		}
	})
	cancel()
	if err := p.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	<-p.dead
	if code := p.ProcessState.ExitCode(); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	p = start(t, dir)
	var status struct{ Status string }
	p.must(t, "/v1/jobs/"+job, &status)
	if status.Status != "queued" && status.Status != "running" {
		t.Fatalf("after the restart the job is %s", status.Status)
	}
	if err := p.Call(t.Context(), "POST", "/v1/jobs/"+job+"/cancel", nil, &status); err != nil || status.Status != "cancelled" {
		t.Fatalf("cancel: %v, %s", err, status.Status)
	}
}

// TestOneProcessPerFolder: a second server on the same data is refused in words that help.
func TestOneProcessPerFolder(t *testing.T) {
	dir := t.TempDir()
	start(t, dir)
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(path, "serve", "--port", "0", "--data-dir", dir).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "in use") {
		t.Errorf("second server: %v\n%s", err, out)
	}
}

// TestPortInUse: so is a port that somebody else has.
func TestPortInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	out, err := exec.Command(path, "serve", "--port", port, "--data-dir", t.TempDir()).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "in use") {
		t.Errorf("%v\n%s", err, out)
	}
}
