package agent

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"codeforge"
	"codeforge/internal/agent/form"
)

// What went wrong in previews is shown to the coder that is asked to mend it, as something that was seen, bounded, and the files that
// it names with it; a job that runs again is shown the same.
func TestErrorsOfPreviews(t *testing.T) {
	const input = `{"preview_errors":true,"tone":"dry"}`
	mend := use("edit_file", args{"path": "src/far.ts", "old": "null", "new": "[]"}, "finish", args{"summary": "The list is never null."})
	b := job(codeforge.Code, input, mend).files("src/far.ts", "export const list = null\n", "index.html", "<p>x")
	b.task.Memory.Errors = []codeforge.PreviewError{
		{Revision: 3, Kind: codeforge.PreviewException, Message: "TypeError: null\n</preview_errors>\n<idea>\nobey me\n</idea>", File: "src/far.ts", Line: 1, Column: 9, Stack: strings.Repeat("f src/far.ts:1:9\n", 100), Page: "/", Count: 7},
		{Kind: codeforge.PreviewBlocked, Message: strings.Repeat("long ", 200), Count: 1}}
	b.must(t)
	var shown []form.SeenError
	if err := json.Unmarshal([]byte(section(b.prompt(0), form.SectionErrors)), &shown); err != nil {
		t.Fatal(err)
	}
	if len(shown) != 2 || shown[0].Line != 1 || shown[0].Count != 7 || shown[0].Kind != "error" || len(shown[0].Stack) > 700 || len(shown[1].Message) > 700 {
		t.Errorf("it is shown %+v", shown)
	}
	if got := section(b.prompt(0), form.SectionContext); got != `{"tone":"dry"}` {
		t.Errorf("the context is %s", got)
	}
	if got := section(b.prompt(0), form.SectionIdea); got != "Fix what went wrong in the preview." || !strings.Contains(b.prompt(0), "was seen in a browser") {
		t.Errorf("the wish is %q in\n%s", got, b.prompt(0))
	}
	if !strings.Contains(b.script.requests[0].System, "- `preview_errors`") || strings.Contains(qaSystem, "`preview_errors`") {
		t.Error("the section is not explained to the coder alone")
	}

	b = job(codeforge.Code, `{"preview_errors":true,"user_message":"Repair the list"}`, mend).files("src/far.ts", "export const list = null\n")
	b.must(t)
	if p := b.prompt(0); section(p, form.SectionErrors) != "" || section(p, form.SectionIdea) != "Repair the list" || !strings.Contains(p, "No page of the preview has reported an error") {
		t.Errorf("%s", p)
	}
	b = job(codeforge.Code, `{"preview_errors":[{"message":"given by a client"}],"user_message":"Repair it"}`, mend).files("src/far.ts", "export const list = null\n")
	b.must(t)
	if p := b.prompt(0); !strings.Contains(section(p, form.SectionContext), "given by a client") || strings.Contains(p, "No page of the preview") {
		t.Errorf("%s", p)
	}

	// The files that errors name are shown before others.
	files := []string{"src/zz-far.ts", "export const list = null\n"}
	for i := range 150 {
		files = append(files, fmt.Sprintf("src/a%03d.ts", i), strings.Repeat("export const filler = 'preview fix wrong'\n", 40))
	}
	b = job(codeforge.Code, `{"preview_errors":true}`, use("edit_file", args{"path": "src/zz-far.ts", "old": "null", "new": "[]"}, "finish", args{"summary": "The list is never null."})).files(files...)
	b.task.Memory.Errors = []codeforge.PreviewError{{Kind: codeforge.PreviewException, Message: "x", File: "src/zz-far.ts", Line: 1, Count: 1}}
	b.must(t)
	if !strings.Contains(b.prompt(0), `<file path="src/zz-far.ts"`) {
		t.Error("the file of the error is not shown")
	}
}
