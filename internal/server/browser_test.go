package server

import (
	"strings"
	"testing"
	"time"

	"codeforge"
	"codeforge/internal/browser/browsertest"

	"github.com/chromedp/chromedp"
)

// TestDemoInBrowser builds an app as the demo does and uses it as a person would, in a real browser: an entry is added,
// edited, survives a reload, and is deleted.
func TestDemoInBrowser(t *testing.T) {
	p := start(t, t.TempDir())
	var project codeforge.Project
	if err := p.Call(t.Context(), "POST", "/v1/projects", map[string]any{"title": "Dog walkers", "description": "A CRM for dog walkers"}, &project); err != nil {
		t.Fatal(err)
	}
	var job struct {
		ID string `json:"job_id"`
	}
	if err := p.Call(t.Context(), "POST", "/v1/run-pipeline", map[string]any{"project_id": project.ID, "input_context": map[string]any{"user_message": "A CRM for dog walkers"}}, &job); err != nil {
		t.Fatal(err)
	}
	p.awaitEnd(t, job.ID)
	var preview struct{ URL string }
	p.must(t, "/v1/projects/"+project.ID+"/preview", &preview)

	ctx := browsertest.Open(t, 2*time.Minute)
	do := func(what string, actions ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		if err := chromedp.Do(ctx, actions...); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	text := func(selector css) string {
		t.Helper()
		s, err := chromedp.Run(ctx, chromedp.Text(selector))
		if err != nil {
			t.Fatalf("read %s: %v", selector, err)
		}
		return s
	}
	eval := func(script string) string {
		t.Helper()
		s, err := chromedp.Run(ctx, chromedp.Evaluate[string](script, chromedp.EvalAwaitPromise))
		if err != nil {
			t.Fatalf("%s: %v", script, err)
		}
		return s
	}
	const entry, name, save css = `[data-id]`, `#field-name`, `#save`

	do("open", chromedp.Navigate(preview.URL))
	if text("h1") == "" {
		t.Error("the start page has no heading")
	}
	do("go to the clients", chromedp.Click(css(`nav a[href*="clients"]`)), chromedp.WaitVisible(css(`#empty`)))
	do("add", chromedp.Click(css(`[data-action="add"]`)), chromedp.WaitVisible(name), chromedp.SendKeys(name, `Ada <b>"Lovelace"</b>`),
		chromedp.Click(save), chromedp.WaitVisible(entry))
	if got := text(entry); !strings.Contains(got, `Ada <b>"Lovelace"</b>`) {
		t.Errorf("the new entry reads %q", got)
	}
	do("edit", chromedp.Click(entry+` button[data-action="edit"]`), chromedp.WaitVisible(name), chromedp.SetValue(name, "Grace Hopper"),
		chromedp.Click(save), chromedp.WaitNotVisible(css(`#editor`)))
	edited := text(entry)
	do("reload", chromedp.Reload(), chromedp.WaitVisible(entry))
	if after := text(entry); !strings.Contains(edited, "Grace Hopper") || after != edited {
		t.Errorf("edited to %q, after a reload %q", edited, after)
	}
	if stored := eval(`JSON.stringify(localStorage)`); !strings.Contains(stored, "Grace Hopper") {
		t.Errorf("localStorage holds %s", stored)
	}
	do("delete", chromedp.Click(entry+` button[data-action="delete"]`), chromedp.WaitVisible(css(`#delete`)), chromedp.Click(css(`#delete`)),
		chromedp.WaitVisible(css(`#empty`)))
	if left := eval(`String(document.querySelectorAll("[data-id]").length) + JSON.stringify(localStorage)`); left[0] != '0' || strings.Contains(left, "Grace") {
		t.Errorf("after the deletion: %s", left)
	}

	// The app is a stranger to the API: it can neither read nor write there.
	for _, script := range []string{`fetch("` + p.Base + `/v1/projects/")`, `fetch("/v1/projects/").then(r => r.headers.get("Content-Type").startsWith("text/html") ? Promise.reject("the app's own start page") : r)`,
		`fetch("` + p.Base + `/v1/projects/", {method: "POST", body: "{}"})`} {
		if got := eval(script + `.then(r => "answered " + r.status, e => "refused")`); got != "refused" {
			t.Errorf("%s: %s", script, got)
		}
	}
}

// css is a selector.
type css = chromedp.CSS
