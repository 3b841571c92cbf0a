package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"codeforge"
	"codeforge/internal/agent"
	"codeforge/internal/api"
	"codeforge/internal/jobs"
	"codeforge/internal/llm"
	"codeforge/internal/verify"
)

// live is a server whose jobs run, with a model that answers as a test says.
type live struct {
	*kit
	project string
	engine  *jobs.Engine
	mu      sync.Mutex
	turns   []func() llm.Response
	stages  []codeforge.AgentType // that were asked
	silent  chan struct{}         // a call came that has no answer, and waits until its job is stopped
}

func newLive(t *testing.T) *live {
	l := &live{silent: make(chan struct{}, 10)}
	check := func(_ context.Context, _ string, t verify.Tree) (verify.Report, error) {
		r := verify.Report{OK: true, Files: t.Len()}
		for _, p := range slices.Sorted(maps.Keys(t.Files)) {
			if strings.Contains(t.Files[p], "BROKEN") {
				r.OK = false
				r.Diagnostics = append(r.Diagnostics, verify.Diagnostic{File: p, Line: 1, Severity: verify.SeverityError, Message: "is broken"})
			}
		}
		return r, nil
	}
	l.kit = newKit(t, func(o *api.Options) {
		agents := agent.New(agent.Options{Model: l, Check: check})
		l.engine = jobs.New(jobs.Options{Store: o.Store.(jobs.Store), Hub: o.Hub, Run: agents.Run, Log: slog.New(slog.DiscardHandler), Workers: 16})
		o.Jobs, o.Check = l.engine, check
	})
	if err := l.engine.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.engine.Drain(context.Background(), 1e9) })
	l.project = l.kit.project()
	return l
}

func (l *live) Name() string { return "script" }

func (l *live) Generate(ctx context.Context, req *llm.Request, _ func(llm.Delta)) (*llm.Response, error) {
	l.mu.Lock()
	l.stages = append(l.stages, req.Call.Agent)
	if len(l.turns) == 0 {
		l.mu.Unlock()
		l.silent <- struct{}{}
		<-ctx.Done()
		return nil, context.Cause(ctx)
	}
	turn := l.turns[0]
	l.turns = l.turns[1:]
	l.mu.Unlock()
	resp := turn()
	resp.Provider, resp.Model, resp.ServedModel = "script", "m", "m"
	return &resp, nil
}

// model sets the answers to come.
func (l *live) model(turns ...func() llm.Response) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turns = turns
}

// calls is an answer that calls tools: name, arguments, name, arguments...
func calls(pairs ...any) func() llm.Response {
	return func() llm.Response {
		resp := llm.Response{Finish: llm.FinishToolCalls}
		for i := 0; i < len(pairs); i += 2 {
			args, _ := json.Marshal(pairs[i+1])
			resp.Parts = append(resp.Parts, llm.Part{Kind: llm.PartToolCall, Call: &llm.ToolCall{ID: fmt.Sprint("c", i), Name: pairs[i].(string), Arguments: args}})
		}
		return resp
	}
}

type object = map[string]any

func writes(path, content string) func() llm.Response {
	return calls("write_file", object{"path": path, "content": content})
}

func finishes() func() llm.Response {
	return calls("finish", object{"summary": "Did what was asked.", "dependencies": []string{}})
}

// says answers with an object.
func says(v any) func() llm.Response {
	text, _ := json.Marshal(v)
	return func() llm.Response {
		return llm.Response{Parts: []llm.Part{llm.Text(string(text))}, Finish: llm.FinishStop}
	}
}

// after has something happen before an answer.
func after(do func(), turn func() llm.Response) func() llm.Response {
	return func() llm.Response { do(); return turn() }
}

// put, post and remove are what people do to files.
func (l *live) put(path, content string) answer {
	return l.call("PUT", l.fileURL(path), `{"content":`+quote(content)+`}`)
}

func (l *live) post(path, content string) answer {
	return l.call("POST", "/v1/projects/"+l.project+"/files", `{"path":`+quote(path)+`,"content":`+quote(content)+`}`)
}

func (l *live) remove(path string) answer { return l.call("DELETE", l.fileURL(path), "") }

func (l *live) fileURL(path string) string {
	return "/v1/projects/" + l.project + "/files/" + url.PathEscape(path)
}

func quote(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

// submit starts a job of an agent and returns its id.
func (l *live) submit(agent, more string) string {
	l.Helper()
	return l.call("POST", "/v1/run-agent", `{"project_id":"`+l.project+`","agent_type":"`+agent+`","input_context":{"skip_clarification":true}`+more+`}`).want(200).object()["job_id"].(string)
}

// ended follows a job until it waits or has ended, and returns it.
func (l *live) ended(id string) object {
	l.Helper()
	read := func(ctx context.Context, after int64, limit int) ([]codeforge.Event, error) {
		return l.store.Events(ctx, codeforge.User{ID: alice, Role: "authenticated"}, id, after, limit)
	}
	for e, err := range l.hub.Follow(l.Context(), id, 0, read) {
		if err != nil {
			l.Fatal(err)
		}
		if e.Type.Final() || e.Type == codeforge.EventWaiting {
			break
		}
	}
	return l.call("GET", "/v1/jobs/"+id, "").want(200).object()
}

func (l *live) run(more string) object {
	l.Helper()
	return l.ended(l.submit("code", more))
}

// files are those of the project.
func (l *live) files() map[string]string {
	l.Helper()
	out := map[string]string{}
	for _, f := range l.call("GET", "/v1/projects/"+l.project+"/files", "").want(200).object()["files"].([]any) {
		out[f.(object)["path"].(string)] = f.(object)["content"].(string)
	}
	return out
}

func (l *live) wantFiles(pairs ...string) {
	l.Helper()
	want := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		want[pairs[i]] = pairs[i+1]
	}
	if got := l.files(); !maps.Equal(got, want) {
		l.Errorf("the project has %q\nwant %q", got, want)
	}
}

// revisions are author and verified of each, newest first.
func (l *live) revisions() (out []string) {
	l.Helper()
	for _, r := range l.call("GET", "/v1/projects/"+l.project+"/revisions", "").want(200).object()["items"].([]any) {
		out = append(out, fmt.Sprint(r.(object)["author"], " ", r.(object)["verified"]))
	}
	return out
}

func (l *live) wantRevisions(want ...string) {
	l.Helper()
	if got := l.revisions(); !slices.Equal(got, want) {
		l.Errorf("revisions %q, want %q", got, want)
	}
}

func (l *live) wantStatus(job object, status string) {
	l.Helper()
	if job["status"] != status {
		l.Fatalf("job is %v (%v), want %s: %v", job["status"], job["error"], status, job["result"])
	}
}

const song = "one\ntwo\nthree\nfour\nfive\n"

func sung(pairs ...string) string { return strings.NewReplacer(pairs...).Replace(song) }

func edits(path, old, new string) func() llm.Response {
	return calls("edit_file", object{"path": path, "edits": []object{{"old": old, "new": new}}})
}

func TestPeopleWriteDuringAJob(t *testing.T) {
	l := newLive(t)
	l.post("song", song)
	l.post("gone", "x\n")
	l.model(edits("song", "one", "1"), after(func() {
		l.put("song", sung("five", "5"))
		l.post("theirs", "made\n")
		l.remove("gone")
	}, finishes()))
	job := l.run("")
	l.wantStatus(job, "completed")
	l.wantFiles("song", sung("one", "1", "five", "5"), "theirs", "made\n")
	l.wantRevisions("code true", "user <nil>", "user <nil>", "user <nil>", "user <nil>", "user <nil>")
	if job["revision"] != 6.0 {
		t.Errorf("%v", job["revision"])
	}
}

// clashing is a job that insists on a line which people changed too.
func (l *live) clashing() object {
	l.Helper()
	l.post("song", song)
	l.post("other", song)
	l.model(edits("song", "two", "II"), edits("other", "two", "II"), edits("song", "five", "V"), after(func() {
		l.put("song", sung("two", "2", "one", "1"))
		l.put("other", sung("two", "2"))
	}, finishes()), edits("song", "2\n", "II\n"), edits("other", "2\n", "II\n"), finishes())
	job := l.run("")
	l.wantStatus(job, "waiting_for_input")
	return job
}

func TestConflictIsAsked(t *testing.T) {
	const mine, theirs = "one\nII\nthree\nfour\nfive\n", "one\n2\nthree\nfour\nfive\n"
	merged := func(two string) string { return sung("one", "1", "two", two, "five", "V") }
	for _, c := range []struct{ name, body, song, other string }{
		{"yours", `{"answers":[{"song":"yours","other":"yours"}]}`, merged("2"), theirs},
		{"the job's for the rest", `{"answers":[{"song":" Yours "},{"*":"JOB"}]}`, merged("2"), mine},
		{"a text", `{"answers":[{"*":"yours","song":"la la\n"}]}`, "la la\n", theirs},
		{"by number", `{"responses":[{"question_id":0,"answer":"job"},{"question_id":1,"answer":"yours"}]}`, merged("II"), mine},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLive(t)
			job := l.clashing()
			result := job["result"].(object)
			if q := result["questions"].([]any); len(q) != 2 || q[0].(object)["question"] != "other" || result["is_complete"] != false || len(result["conflicts"].([]any)) != 2 {
				t.Errorf("%v", result)
			}
			if c.name == "by number" {
				c.song, c.other = merged("2"), mine
			}
			before := l.files()
			// Nothing is decided by half an answer.
			details := l.call("POST", "/v1/jobs/"+job["job_id"].(string)+"/respond", `{"answers":[{"song":"yours"}]}`).fails(409, "CONFLICT")
			if paths := details["paths"].([]any); len(paths) != 1 || paths[0] != "other" || !maps.Equal(l.files(), before) {
				t.Errorf("%v", details)
			}
			if got := l.call("POST", "/v1/jobs/"+job["job_id"].(string)+"/respond", c.body).want(200).object(); got["status"] != "completed" {
				t.Errorf("%v", got)
			}
			l.wantFiles("song", c.song, "other", c.other)
			done := l.ended(job["job_id"].(string))
			l.wantStatus(done, "completed")
			lines := l.call("GET", "/v1/projects/"+l.project+"/messages", "").object()["items"].([]any)
			if said := lines[len(lines)-2].(object); said["role"] != "user" || said["content"] == "" {
				t.Errorf("%v", lines)
			}
			if r := done["result"].(object); r["questions"] != nil || r["is_complete"] != nil || len(r["files"].([]any)) != 2 || done["proposal"] != nil || done["revision"] != 5.0 {
				t.Errorf("%v", done)
			}
		})
	}
}

// TestWaitingHoldsNobody: a job that waits for an answer lets the next one on its project run.
func TestWaitingHoldsNobody(t *testing.T) {
	l := newLive(t)
	job := l.clashing()
	l.model(writes("next", "n\n"), finishes())
	l.wantStatus(l.run(""), "completed")
	l.call("POST", "/v1/jobs/"+job["job_id"].(string)+"/respond", `{"answers":[{"*":"yours"}]}`).want(200)
	if got := l.files(); got["next"] != "n\n" || got["song"] != sung("one", "1", "two", "2", "five", "V") {
		t.Errorf("%q", got)
	}
}

func TestReview(t *testing.T) {
	l := newLive(t)
	l.call("PUT", "/v1/projects/"+l.project, `{"apply":"review"}`).want(200)
	l.post("song", song)
	work := func() object {
		l.Helper()
		l.model(edits("song", "one", "1"), writes("new", "n\n"), finishes())
		job := l.run("")
		l.wantStatus(job, "waiting_for_input")
		return job
	}
	job := work()
	id := job["job_id"].(string)
	if p := job["proposal"].(object); p["base"] != 1.0 || p["files_changed"] != 2.0 || p["verified"] != true || job["apply"] != "review" || job["revision"] != nil {
		t.Errorf("%v", job)
	}
	if q := job["result"].(object)["questions"].([]any); len(q) != 1 || !slices.Equal(q[0].(object)["options"].([]any), []any{"apply", "reject"}) {
		t.Errorf("%v", q)
	}
	if f := job["result"].(object)["files"].([]any); len(f) != 2 || f[0].(object)["content"] != "n\n" {
		t.Errorf("%v", f)
	}
	l.wantFiles("song", song)
	diff := l.call("GET", "/v1/jobs/"+id+"/proposal", "").want(200).keys("job_id project_id base message verified files_changed created_at revision files counts unified too_large")
	if !strings.Contains(diff["unified"].(string), "-one\n+1\n") || len(diff["files"].([]any)) != 2 {
		t.Errorf("%v", diff)
	}
	// What people change meanwhile is merged.
	l.put("song", sung("five", "5"))
	got := l.call("POST", "/v1/jobs/"+id+"/apply", "").want(200).keys("job_id status revision verified diagnostics message")
	if got["status"] != "completed" || got["revision"] != 3.0 || got["verified"] != true {
		t.Errorf("%v", got)
	}
	l.wantFiles("song", sung("one", "1", "five", "5"), "new", "n\n")
	if again := l.call("POST", "/v1/jobs/"+id+"/apply", ""); again.fails(409, "CONFLICT") == nil || !strings.Contains(again.Body, "applied already, as revision 3") {
		t.Errorf("%s", again.Body)
	}
	l.call("GET", "/v1/jobs/"+id+"/proposal", "").fails(404, "RESOURCE_NOT_FOUND")

	// Some files of it.
	l.put("song", song)
	l.remove("new")
	id = work()["job_id"].(string)
	l.call("POST", "/v1/jobs/"+id+"/apply", `{"paths":["nowhere"]}`).fails(400, "VALIDATION_ERROR")
	l.call("POST", "/v1/jobs/"+id+"/apply", `{"paths":["new"]}`).want(200)
	l.wantFiles("song", song, "new", "n\n")

	// A clash is told, and settled on the spot.
	l.remove("new")
	id = work()["job_id"].(string)
	l.put("song", sung("one", "uno"))
	if d := l.call("POST", "/v1/jobs/"+id+"/apply", "").fails(409, "CONFLICT"); !slices.Equal(d["paths"].([]any), []any{"song"}) || d["conflicts"].([]any)[0].(object)["people"] != "uno\n" {
		t.Errorf("%v", d)
	}
	l.call("POST", "/v1/jobs/"+id+"/apply", `{"resolve":{"song":"yours"}}`).want(200)
	l.wantFiles("song", sung("one", "uno"), "new", "n\n")

	// Answers that an existing client can send.
	l.put("song", song)
	l.remove("new")
	id = work()["job_id"].(string)
	if got := l.call("POST", "/v1/jobs/"+id+"/respond", `{"answers":[{"Apply the changes to your project?":"reject"}]}`).want(200).object(); got["status"] != "cancelled" {
		t.Errorf("%v", got)
	}
	l.wantStatus(l.ended(id), "cancelled")
	l.wantFiles("song", song)
	id = work()["job_id"].(string)
	l.call("POST", "/v1/jobs/"+id+"/respond", `{"responses":[{"question_id":"q1","answer":"apply"}]}`).want(200)
	l.wantFiles("song", sung("one", "1"), "new", "n\n")
	l.remove("new")
	l.put("song", song)
	id = work()["job_id"].(string)
	l.call("POST", "/v1/jobs/"+id+"/reject", "").want(200).keys("job_id status message")
	l.wantFiles("song", song)

	// The job's own word counts more than the project's, and work that changes nothing waits for nobody.
	l.model(writes("auto", "a\n"), finishes())
	l.wantStatus(l.run(`,"apply":"auto"`), "completed")
	l.model(finishes())
	l.wantStatus(l.run(""), "completed")
}

func TestFailedBuildIsTakenOver(t *testing.T) {
	l := newLive(t)
	l.model(writes("a", "BROKEN\n"), finishes(), finishes(), finishes(), finishes())
	job := l.run("")
	l.wantStatus(job, "failed")
	if p := job["proposal"].(object); p["verified"] != false || p["files_changed"] != 1.0 {
		t.Errorf("%v", p)
	}
	l.wantFiles()
	lines := l.call("GET", "/v1/projects/"+l.project+"/messages", "").object()["items"].([]any)
	if said := lines[len(lines)-1].(object)["content"].(string); job["result"].(object)["proposed"] != true || !strings.Contains(said, "apply it although it does not build") {
		t.Errorf("%v, said %q", job["result"], said)
	}
	got := l.call("POST", "/v1/jobs/"+job["job_id"].(string)+"/apply", "").want(200).object()
	if got["verified"] != false || got["status"] != "failed" || len(got["diagnostics"].([]any)) != 1 {
		t.Errorf("%v", got)
	}
	l.wantFiles("a", "BROKEN\n")
	l.wantRevisions("code false")
}

// TestRevisionsAreMarked: what verifies is known of revisions of jobs, and of others once somebody looked.
func TestRevisionsAreMarked(t *testing.T) {
	l := newLive(t)
	l.post("a", "BROKEN\n")
	l.wantRevisions("user <nil>")
	l.call("GET", "/v1/projects/"+l.project+"/check", "").want(200)
	l.wantRevisions("user false")
	l.put("a", "fine\n")
	l.call("GET", "/v1/projects/"+l.project+"/check", "").want(200)
	l.wantRevisions("user true", "user false")
	l.call("POST", "/v1/projects/"+l.project+"/revisions/1/restore", "").want(200)
	l.wantRevisions("user false", "user true", "user false")
}

func TestCancelTakesBack(t *testing.T) {
	review := says(object{"passed": false, "score": 50, "summary": "One flaw.", "issues": []object{{"severity": "high", "category": "correctness", "file_path": "new", "line_hint": 1, "description": "Wrong", "suggestion": "Mend"}}})
	// begun is a pipeline that kept two revisions, with people between, and is at work on a third.
	begun := func(t *testing.T) (*live, string) {
		l := newLive(t)
		l.post("song", song)
		l.model(says(goodRequirements), says(goodArchitecture), edits("song", "one", "1"), writes("new", "n\n"), finishes(),
			after(func() { l.put("song", sung("one", "1", "five", "5")) }, review), edits("new", "n", "m"), finishes())
		id := l.call("POST", "/v1/run-pipeline", `{"project_id":"`+l.project+`","input_context":{"skip_clarification":true}}`).want(200).object()["job_id"].(string)
		<-l.silent
		return l, id
	}
	l, id := begun(t)
	l.wantFiles("song", sung("one", "1", "five", "5"), "new", "m\n")
	l.call("POST", "/v1/jobs/"+id+"/cancel?keep=false", "").want(200).keys("job_id status message")
	l.wantFiles("song", sung("five", "5"))
	l.wantStatus(l.ended(id), "cancelled")
	l.call("POST", "/v1/jobs/"+id+"/cancel?keep=false", "").fails(400, "VALIDATION_ERROR")

	// Where people went on from what the job wrote, nothing happens, not even the cancel.
	l, id = begun(t)
	l.put("new", "m, and more\n")
	clash := l.call("POST", "/v1/jobs/"+id+"/cancel?keep=false", "")
	if d := clash.fails(409, "CONFLICT"); !slices.Equal(d["paths"].([]any), []any{"new"}) || !strings.Contains(clash.Body, "cannot be taken back, and nothing was done") {
		t.Errorf("%v", clash.Body)
	}
	if got := l.call("GET", "/v1/jobs/"+id, "").object(); got["status"] != "running" {
		t.Errorf("%v", got["status"])
	}
	l.wantFiles("song", sung("one", "1", "five", "5"), "new", "m, and more\n")
	job := l.call("POST", "/v1/jobs/"+id+"/cancel", "").want(200)
	l.wantFiles("song", sung("one", "1", "five", "5"), "new", "m, and more\n")
	if got := l.ended(id); got["revision"] != 4.0 || got["result"].(object)["kept_revision"] != 4.0 || !strings.Contains(job.Body, "as revision 4") {
		t.Errorf("%v: %v", job.Body, got)
	}
}

var (
	goodRequirements = object{"app_name": "Song", "elevator_pitch": "Counts from one to five, for whoever counts.",
		"target_audience":   []object{{"name": "Mia", "role": "Singer", "goal": "Count", "pain_point": "Forgets"}},
		"core_features":     []object{{"name": "Count", "description": "Count", "priority": "must-have", "user_stories": []string{"As a singer, I want to count"}}},
		"recommended_stack": []string{"TypeScript"}, "technical_constraints": []string{"none"}}
	goodArchitecture = object{"site_map": []object{{"path": "/", "description": "All", "components": []object{{"name": "Song", "props": []string{}, "children": []string{}}}}},
		"global_state_needs": []string{}, "theme_colors": []string{"#112233"}}
	goodReview = object{"passed": true, "issues": []object{}, "summary": "It works.", "score": 95}
)

func TestRetry(t *testing.T) {
	l := newLive(t)
	l.model(says(goodRequirements), says(goodArchitecture), writes("a", "BROKEN\n"), finishes(), finishes(), finishes(), finishes())
	id := l.call("POST", "/v1/run-pipeline", `{"project_id":"`+l.project+`","input_context":{"skip_clarification":true}}`).want(200).object()["job_id"].(string)
	l.wantStatus(l.ended(id), "failed")
	l.stages = nil
	l.model(writes("a", "fine\n"), finishes(), says(goodReview))
	again := l.call("POST", "/v1/jobs/"+id+"/retry", `{"from":"code"}`).want(200).keys("job_id status estimated_time stream_url")["job_id"].(string)
	job := l.ended(again)
	l.wantStatus(job, "completed")
	if job["retry_of"] != id || job["agent_type"] != "builder" || again == id || !slices.Equal(l.stages, []codeforge.AgentType{"code", "code", "qa"}) {
		t.Errorf("%v, asked %v", job, l.stages)
	}
	if r := job["result"].(object); r["requirements_spec"].(object)["app_name"] != "Song" {
		t.Errorf("%v", r)
	}
	l.wantFiles("a", "fine\n")

	// A retry begins where it is told to, though its job's input has as many keys as an input may have; the next one where it did.
	var input []string
	for i := range codeforge.MaxInputKeys - 1 {
		input = append(input, fmt.Sprintf(`"k%d":%d`, i, i))
	}
	l.model(says(goodRequirements), says(goodArchitecture), writes("a", "BROKEN\n"), finishes(), finishes(), finishes(), finishes())
	id = l.call("POST", "/v1/run-pipeline", `{"project_id":"`+l.project+`","input_context":{"skip_clarification":true,`+strings.Join(input, ",")+`}}`).want(200).object()["job_id"].(string)
	l.wantStatus(l.ended(id), "failed")
	for _, body := range []string{`{"from":"qa"}`, ``} {
		l.stages = nil
		l.model(says(goodReview))
		id = l.call("POST", "/v1/jobs/"+id+"/retry", body).want(200).object()["job_id"].(string)
		l.wantStatus(l.ended(id), "completed")
		if !slices.Equal(l.stages, []codeforge.AgentType{"qa"}) {
			t.Errorf("asked %v", l.stages)
		}
	}

	// A job of one agent is done again; it has no other stages, and one that runs is not tried again.
	l.model(writes("b", "b\n"), finishes())
	one := l.run("")["job_id"].(string)
	l.call("POST", "/v1/jobs/"+one+"/retry", `{"from":"qa"}`).fails(400, "VALIDATION_ERROR")
	l.model(writes("c", "c\n"), finishes())
	l.wantStatus(l.ended(l.call("POST", "/v1/jobs/"+one+"/retry", "").want(200).object()["job_id"].(string)), "completed")
	l.model()
	running := l.submit("code", "")
	l.call("POST", "/v1/jobs/"+running+"/retry", "").fails(409, "CONFLICT")
	l.call("POST", "/v1/jobs/"+running+"/cancel", "").want(200)
}

func TestIfBusy(t *testing.T) {
	l := newLive(t)
	l.model()
	first := l.submit("code", "")
	body := func(how string) string {
		return `{"project_id":"` + l.project + `","agent_type":"code","if_busy":"` + how + `"}`
	}
	if d := l.call("POST", "/v1/run-agent", body("reject")).fails(409, "CONFLICT"); d["job_id"] != first {
		t.Errorf("%v", d)
	}
	second := l.call("POST", "/v1/run-agent", body("queue")).want(200).object()["job_id"].(string)
	l.wantStatus(l.call("GET", "/v1/jobs/"+second, "").object(), "queued")
	third := l.call("POST", "/v1/run-agent", body("cancel_running")).want(200).object()["job_id"].(string)
	l.wantStatus(l.ended(first), "cancelled")
	l.wantStatus(l.ended(second), "cancelled")
	l.call("POST", "/v1/jobs/"+third+"/cancel", "").want(200)
	l.wantFields(l.call("POST", "/v1/run-agent", body("hope")), "if_busy enum")
}

// TestPeopleAndJobsRace has two people write lines of their own into the same files while jobs do so too: none of a line is lost,
// and every revision of a job holds what people had written by then.
func TestPeopleAndJobsRace(t *testing.T) {
	rounds := 12
	if os.Getenv("CODEFORGE_SOAK") != "" {
		rounds = 1_000
	}
	l := newLive(t)
	var lines []string
	for i := range 60 {
		lines = append(lines, fmt.Sprintf("line %d", i))
	}
	for _, f := range []string{"a", "b"} {
		l.post(f, strings.Join(lines, "\n")+"\n")
	}
	r := rand.New(rand.NewPCG(3, 4))
	// write has somebody change a line of a file on the version that they saw, as an editor does.
	var writing sync.Mutex
	written := map[string]string{} // what people wrote last, by place
	write := func(who string, round, part int) {
		file := []string{"a", "b"}[(round+part)%2]
		place := fmt.Sprintf("line %d", part*20+round%20)
		for {
			got := l.call("GET", l.fileURL(file), "").object()
			content := strings.Split(got["content"].(string), "\n")
			text := fmt.Sprintf("%s by %s in %d", place, who, round)
			for i, line := range content {
				if line == place || strings.HasPrefix(line, place+" ") {
					content[i] = text
				}
			}
			if l.call("PUT", l.fileURL(file), `{"content":`+quote(strings.Join(content, "\n"))+`}`, "If-Match: "+fmt.Sprint(got["version"])).Status == 200 {
				writing.Lock()
				defer writing.Unlock()
				written[file+" "+place] = text
				return
			}
		}
	}
	for round := range rounds {
		var people sync.WaitGroup
		place := fmt.Sprintf("line %d", 40+round%20)
		file := []string{"a", "b"}[r.IntN(2)]
		l.model(func() llm.Response {
			people.Go(func() { write("ann", round, 0) })
			people.Go(func() { write("bea", round, 1) })
			old := place
			for line := range strings.Lines(l.call("GET", l.fileURL(file), "").object()["content"].(string)) {
				if strings.HasPrefix(line, place+" ") {
					old = strings.TrimSuffix(line, "\n")
				}
			}
			return edits(file, old+"\n", fmt.Sprintf("%s by the job in %d\n", place, round))()
		}, finishes(), finishes())
		job := l.run("")
		people.Wait()
		l.wantStatus(job, "completed")
		got := l.files()
		for at, text := range written {
			if name, _, _ := strings.Cut(at, " "); !slices.Contains(strings.Split(got[name], "\n"), text) {
				t.Fatalf("round %d: %q is lost: %q", round, text, got[name])
			}
		}
		if !strings.Contains(got[file], fmt.Sprintf("%s by the job in %d\n", place, round)) {
			t.Fatalf("round %d: the job's line is lost: %q", round, got[file])
		}
	}
	for _, rev := range l.revisions() {
		if strings.HasPrefix(rev, "code") && rev != "code true" {
			t.Errorf("revision %s", rev)
		}
	}
}

// TestEndedJobsAskNothing: a job that waited and was ended has its result without the questions, and whoever ends it is told what is
// left.
func TestEndedJobsAskNothing(t *testing.T) {
	l := newLive(t)
	work := func() string {
		l.model(writes("a", fmt.Sprint(len(l.revisions()))), finishes())
		return l.run(`,"apply":"review"`)["job_id"].(string)
	}
	quiet := func(id string) {
		t.Helper()
		r := l.call("GET", "/v1/jobs/"+id, "").object()["result"].(object)
		if len(r["files"].([]any)) != 1 || r["questions"] != nil || r["is_complete"] != nil || r["message"] != nil {
			t.Errorf("%v", r)
		}
	}
	rejected, cancelled := work(), work()
	l.call("POST", "/v1/jobs/"+rejected+"/reject", "").want(200)
	quiet(rejected)
	if got := l.call("POST", "/v1/jobs/"+cancelled+"/cancel", "").want(200); !strings.Contains(got.Body, "waits as a proposal") {
		t.Errorf("%v", got.Body)
	}
	quiet(cancelled)
	l.call("POST", "/v1/jobs/"+cancelled+"/apply", "").want(200)
	quiet(cancelled)

	// One that is stopped in its review tells of the proposal that it leaves.
	l.model(says(goodRequirements), says(goodArchitecture), writes("b", "b\n"), finishes())
	id := l.call("POST", "/v1/run-pipeline", `{"project_id":"`+l.project+`","apply":"review","input_context":{"skip_clarification":true}}`).want(200).object()["job_id"].(string)
	<-l.silent
	l.call("POST", "/v1/jobs/"+id+"/cancel", "").want(200)
	if got := l.call("GET", "/v1/jobs/"+id, "").object(); got["result"].(object)["proposed"] != true || got["proposal"] == nil {
		t.Errorf("%v", got)
	}

	// So does one whose agent could say nothing, of what it leaves.
	for apply, key := range map[string]string{"review": "proposed", "auto": "kept_revision"} {
		l.model(says(goodRequirements), says(goodArchitecture), writes("b", apply), finishes(), func() llm.Response { panic("a fault in the house") })
		id := l.call("POST", "/v1/run-pipeline", `{"project_id":"`+l.project+`","apply":"`+apply+`","input_context":{"skip_clarification":true}}`).want(200).object()["job_id"].(string)
		job := l.ended(id)
		l.wantStatus(job, "failed")
		lines := l.call("GET", "/v1/projects/"+l.project+"/messages", "").object()["items"].([]any)
		if said := lines[len(lines)-1].(object)["content"].(string); job["result"].(object)[key] == nil || !strings.Contains(said, "What was built until then") {
			t.Errorf("%v, said %q", job, said)
		}
	}

	// What is in the project already is not said to be applied.
	content := fmt.Sprint(len(l.revisions()))
	id = work()
	l.put("a", content)
	if got := l.call("POST", "/v1/jobs/"+id+"/apply", "").want(200).object(); got["status"] != "completed" || !strings.HasPrefix(got["message"].(string), "Nothing of the proposal was left") {
		t.Errorf("%v", got)
	}
}
