package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"codeforge/internal/agent/form"
)

// slowEndpoint speaks OpenAI's chat API. It streams the answers that it is told, 500 bytes at a time: the first one not before begin
// is closed, and its last piece not before shown is; those after it not before looked is. An answer is the calls of one turn: name, arguments, name, arguments...
type slowEndpoint struct {
	answers              [][]string
	begin, shown, looked chan struct{}
	began                bool
}

func (e *slowEndpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/v1/chat/completions" {
		fmt.Fprint(w, `{"object":"list","data":[{"id":"slow","object":"model"}]}`)
		return
	}
	answer := e.answers[0]
	e.answers = e.answers[1:]
	w.Header().Set("Content-Type", "text/event-stream")
	send := func(delta any, finish any) {
		fmt.Fprintf(w, "data: %s\n\n", form.Marshal(map[string]any{"id": "1", "object": "chat.completion.chunk", "model": "slow", "usage": map[string]int{"prompt_tokens": 1000, "completion_tokens": 100},
			"choices": []any{map[string]any{"index": 0, "delta": delta, "finish_reason": finish}}}))
		http.NewResponseController(w).Flush()
	}
	if <-e.begin; e.began {
		<-e.looked
	}
	e.began = true
	for i := 0; i < len(answer); i += 2 {
		function, id := map[string]any{"name": answer[i], "arguments": ""}, any(fmt.Sprint("call_", i))
		for args := answer[i+1]; ; {
			send(map[string]any{"tool_calls": []any{map[string]any{"index": i / 2, "id": id, "type": "function", "function": function}}}, nil)
			if args == "" {
				break
			}
			n := min(500, len(args))
			if n == len(args) {
				<-e.shown
			}
			function, id, args = map[string]any{"arguments": args[:n]}, nil, args[n:]
		}
	}
	send(map[string]any{}, "tool_calls")
	fmt.Fprint(w, "data: [DONE]\n\n")
}

// Whoever watches a job sees a file while it is written, and as soon as it is, its text in the working tree and in a preview of it;
// and what did not work.
func TestWatching(t *testing.T) {
	page := "<!doctype html>\n<title>Dogs</title>\n<p>Ä dog 🐕</p>\n" + strings.Repeat("<p>A line of the page</p>\n", 60)
	e := &slowEndpoint{begin: make(chan struct{}), shown: make(chan struct{}), looked: make(chan struct{}), answers: [][]string{
		{"write_file", `{"path":"index.html","content":` + string(form.Marshal(page)) + "}"},
		{"read_file", `{"path":"none.ts"}`},
		{"finish", `{"summary":"A page about dogs, open it.","dependencies":[]}`}}}
	srv := httptest.NewServer(e)
	defer srv.Close()
	begin, see, look := sync.OnceFunc(func() { close(e.begin) }), sync.OnceFunc(func() { close(e.shown) }), sync.OnceFunc(func() { close(e.looked) })
	defer begin()
	defer see()
	defer look()
	p := start(t, t.TempDir(), "LLM_COMPATIBLE_URL="+srv.URL+"/v1", "LLM_COMPATIBLE_MODEL=slow")
	var project struct{ ID string }
	p.caller.must(t, "POST", "/v1/projects/", map[string]string{"title": "Dogs"}, &project)
	var job struct {
		ID string `json:"job_id"`
	}
	p.caller.must(t, "POST", "/v1/run-agent", map[string]any{"project_id": project.ID, "agent_type": "code", "input_context": map[string]string{"user_message": "A page about dogs"}}, &job)

	w := watched{p: p, project: project.ID, job: job.ID, page: page}
	last := "0"
	if _, err := p.Stream(t.Context(), p.Base+"/v1/jobs/"+job.ID+"/stream", &last, func(kind string, data []byte) (bool, error) {
		if kind == "stage" { // from here on nothing is missed
			begin()
		}
		if kind == "file_delta" {
			see()
		}
		over := w.event(t, kind, data)
		if kind == "file" { // the working tree was looked at, and the job may go on and end
			look()
		}
		return over, nil
	}); err != nil {
		t.Fatal(err)
	}
	if w.shown != page || w.file.Action != "created" || w.file.Added != 63 || w.file.Removed != 0 {
		t.Errorf("shown were %d of %d bytes, then %+v", len(w.shown), len(page), w.file)
	}
	if w.failed.Name != "read_file" || w.failed.Argument != "none.ts" || !strings.Contains(w.failed.Answer, "no file") {
		t.Errorf("what failed is %+v", w.failed)
	}
	if len(w.progress) < 4 || !slices.IsSorted(w.progress) || w.end != "complete" {
		t.Errorf("%s after %v", w.end, w.progress)
	}
}

// watched is what a stream told of a job.
type watched struct {
	p                  *process
	project, job, page string

	shown, end   string
	file, failed told
	progress     []float64
}

type told struct {
	Path, Text, Action, Name, Argument, Answer string
	Offset, Added, Removed                     int
	OK                                         bool
	Progress                                   float64
}

func (w *watched) event(t *testing.T, kind string, data []byte) (done bool) {
	var d told
	if err := json.Unmarshal(data, &d); err != nil {
		t.Fatal(err)
	}
	switch kind {
	case "file_delta":
		if d.Path != "index.html" || d.Offset != len(w.shown) {
			t.Errorf("%s after %d bytes", data, len(w.shown))
		}
		w.shown += d.Text
	case "file":
		w.file = d
		w.look(t)
	case "tool":
		if !d.OK {
			w.failed = d
		}
	case "progress":
		w.progress = append(w.progress, d.Progress)
	case "complete", "error", "cancelled":
		w.end = kind
		return true
	}
	return false
}

// look reads the working tree.
func (w *watched) look(t *testing.T) {
	var list struct {
		Files []struct{ Path, Change, Content string }
	}
	w.p.must(t, "/v1/jobs/"+w.job+"/files", &list)
	if len(list.Files) != 1 || list.Files[0].Path != "index.html" || list.Files[0].Change != "created" {
		t.Errorf("the working tree is %+v", list)
	}
	w.p.must(t, "/v1/jobs/"+w.job+"/files?path=index.html", &list)
	if list.Files[0].Content != w.page {
		t.Errorf("the file is %q", list.Files[0].Content)
	}
	var address struct{ URL string }
	w.p.must(t, "/v1/jobs/"+w.job+"/preview", &address)
	u, err := url.Parse(address.URL)
	if err != nil {
		t.Fatal(err)
	}
	if status, text := visit(t, w.p.Base, u.Host, "/"); status != http.StatusOK || !strings.Contains(text, "Ä dog 🐕") {
		t.Errorf("the preview at %s shows %d %.300s", u.Host, status, text)
	}
	var project struct{ Count int }
	if w.p.must(t, "/v1/projects/"+w.project+"/files?content=false", &project); project.Count > 0 {
		t.Errorf("the project has %d files", project.Count)
	}
}
