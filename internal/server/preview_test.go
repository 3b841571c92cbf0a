package server

import (
	"strings"
	"testing"
	"time"

	"codeforge"
	"codeforge/internal/browser/browsertest"

	"github.com/chromedp/chromedp"
)

// A person looks at a project of a running server: what goes wrong in the page is known to the API, a job is shown it, and the page
// follows what is written.
func TestPreviewOfAServer(t *testing.T) {
	p := start(t, t.TempDir())
	var project struct{ ID string }
	p.caller.must(t, "POST", "/v1/projects/", map[string]string{"title": "Dogs"}, &project)
	at := "/v1/projects/" + project.ID
	write := func(path, content string) {
		t.Helper()
		p.caller.must(t, "POST", at+"/files", map[string]string{"path": path, "content": content}, new(struct{}))
	}
	type state struct {
		URL, Status, Reason string
		Revision            int64
		Diagnostics         []struct{ File, Message string }
	}
	look := func() (s state) {
		t.Helper()
		p.must(t, at+"/preview", &s)
		return s
	}
	if s := look(); s.Status != "empty" || s.Reason == "" || s.URL == "" {
		t.Errorf("%+v", s)
	}
	write("src/dogs.ts", "export function dogs(): string[] {\n  throw new Error('no dogs');\n}\n")
	write("src/main.ts", "import { dogs } from './dogs';\ndocument.querySelector('h1')!.textContent = 'first';\ndogs();\n")
	write("index.html", `<!doctype html><title>Dogs</title><h1></h1><script type="module" src="/src/main.ts"></script>`)
	s := look()
	if s.Status != "ready" || s.Revision != 3 {
		t.Fatalf("%+v", s)
	}
	ctx := browsertest.Open(t, 2*time.Minute)
	shows := func(text string) {
		t.Helper()
		for ctx.Err() == nil { // the page is loaded again meanwhile
			got, err := chromedp.Run(ctx, chromedp.Evaluate[string](`new Promise(done => requestAnimationFrame(() => done(document.querySelector("h1")?.textContent ?? "")))`, chromedp.EvalAwaitPromise))
			if err == nil && got == text {
				return
			}
		}
		t.Fatalf("%s never came", text)
	}
	if err := chromedp.Do(ctx, chromedp.Navigate(s.URL), chromedp.WaitReady(css("codeforge-preview"))); err != nil {
		t.Fatal(err)
	}
	var seen struct {
		Revision int64
		Items    []struct {
			Kind, Message, File string
			Line                int
		}
	}
	p.must(t, at+"/preview/errors", &seen)
	if len(seen.Items) != 1 || seen.Revision != 3 || seen.Items[0].Message != "Error: no dogs" || seen.Items[0].File != "src/dogs.ts" || seen.Items[0].Line != 2 {
		t.Errorf("%+v", seen)
	}
	write("src/main.ts", "document.querySelector('h1')!.textContent = 'second';\n")
	shows("second")
	write("src/main.ts", "document.querySelector('h1'!.textContent = 'third';\n")
	if s := look(); s.Status != "broken" || len(s.Diagnostics) == 0 || s.Diagnostics[0].File != "src/main.ts" || !strings.Contains(s.Reason, "in the way") {
		t.Errorf("%+v", s)
	}
	write("src/main.ts", "document.querySelector('h1')!.textContent = 'fourth';\n")
	shows("fourth")
	seen.Items = nil
	if p.must(t, at+"/preview/errors", &seen); len(seen.Items) != 0 {
		t.Errorf("of the newest revision: %+v", seen)
	}
	var job struct {
		ID string `json:"job_id"`
	}
	p.caller.must(t, "POST", "/v1/run-agent", map[string]any{"project_id": project.ID, "agent_type": "code", "input_context": map[string]any{"preview_errors": true}}, &job)
	p.awaitEnd(t, job.ID)
	var j struct{ Status codeforge.JobStatus }
	if p.must(t, "/v1/jobs/"+job.ID, &j); !j.Status.Terminal() {
		t.Errorf("%+v", j)
	}
}
