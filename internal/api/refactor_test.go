package api_test

import (
	"encoding/json"
	"strings"
	"testing"

	"codeforge"
)

// What is wrong with a request to refactor is said before there is a job.
func TestRefactorRequests(t *testing.T) {
	k := newKit(t)
	id := k.project()
	k.file(id, "src/a b/ä.ts", "let a = 1\nlet b = 1\nlet a = 1\n")
	k.file(id, "src/crlf.ts", "let a = 1\r\nlet b = 1\r\n")
	k.call("PUT", "/v1/projects/"+id+"/files/logo.png", "\x89PNG\x00", "Content-Type: image/png").want(200)
	const path = "src/a%20b/%C3%A4.ts"
	post := func(path, query string, body map[string]any, headers ...string) answer {
		b, _ := json.Marshal(body)
		return k.call("POST", "/v1/projects/"+id+"/files/"+path+"/refactor"+query, string(b), headers...)
	}
	ask := func(selected string, line int) map[string]any {
		b := map[string]any{"selected_code": selected, "instruction": "Rename it"}
		if line != 0 {
			b["start_line"] = line
		}
		return b
	}
	for _, c := range []struct {
		path string
		body map[string]any
		want string // field: reason
	}{
		{path, ask("let c", 0), "selected_code: does not stand in the file, byte for byte"},
		{path, ask("let a = 1\n", 0), "start_line: is needed, since the selected code stands more than once: in lines 1 and 3"},
		{path, ask("let a = 1\n", 2), "start_line: must be the line in which the selected code begins, which is 1 and 3"},
		{path, ask("let b", 1), "start_line: must be the line in which the selected code begins, which is 2"},
		{path, ask("e", 0), "start_line: is needed, since the selected code stands more than once: in lines 1, 2 and 3"},
		{"src/crlf.ts", ask("let a = 1\nlet b = 1\n", 0), "selected_code: does not stand in the file, byte for byte: the line ends differ, the file has CRLF and the selection LF"},
		{"logo.png", ask("PNG", 0), "path: names a file that is no text of at most 100000 characters: only such files can be refactored"},
	} {
		if d := post(c.path, "", c.body).fails(400, "VALIDATION_ERROR"); d["field"].(string)+": "+d["reason"].(string) != c.want {
			t.Errorf("%v", d)
		}
	}
	post("src/none.ts", "", ask("let", 0)).fails(404, "RESOURCE_NOT_FOUND")
	post(path, "", ask("let b", 0), "Authorization: Bearer bob").fails(404, "RESOURCE_NOT_FOUND")
	post(path, "", ask("let b", 0), "If-Match: 7").fails(409, "CONFLICT")
	k.wantFields(post(path, "", map[string]any{"selected_code": "", "instruction": " x ", "start_line": 0, "y": 1}),
		"selected_code string_too_short", "instruction string_too_short", "start_line greater_than_equal", "y extra_forbidden")
	a := k.call("POST", "/v1/projects/"+id+"/files/src/none.ts", `{}`)
	if a.want(405); a.Header.Get("Allow") != "GET, HEAD, PUT, DELETE" {
		t.Error(a.Header)
	}
	if n := k.call("GET", "/v1/jobs/"+id+"/list", "").want(200).object()["total"]; n != 0.0 {
		t.Error(n, "jobs")
	}
}

// The whole file is filled into what a job has of it: from its revision, or from the one that it worked on.
func TestRefactoredFile(t *testing.T) {
	k := newKit(t)
	id := k.project()
	k.file(id, "src/a.ts", "let a = 1\nlet b = \"é\"\n")
	result := `{"file_path":"src/a.ts","original_code":"b = \"é\"","refactored_code":"c = 2","offset":14,"explanation":"Renamed.","start_line":2,"end_line":2,"base_revision":1,"changed":true,"applied":false,"revision":null,"version":1,"diff":"","verified":true,"diagnostics":[],"summary":"","usage":{}}`
	apply := false
	k.jobs.work = func(j codeforge.Job) {
		var in map[string]any
		if json.Unmarshal(j.Input, &in) != nil || in["apply"] != apply || in["selected_code"] != ` b = "é"`+"\n" || in["start_line"] != nil || in["file_path"] != "src/a.ts" {
			t.Errorf("%s", j.Input)
		}
		f := k.claim(j.ID)
		if apply {
			k.keep(f, codeforge.FileChange{Path: "src/a.ts", Content: "merged\n"})
		}
		k.finish(f, codeforge.Outcome{Status: codeforge.JobCompleted, Result: []byte(result), Events: []codeforge.Event{event(codeforge.EventComplete, `{}`)}})
	}
	body := `{"selected_code":" b = \"é\"\n","instruction":"Rename it"}`
	a := k.call("POST", "/v1/projects/"+id+"/files/src/a.ts/refactor", body).want(200).object()
	if a["full_file_content"] != "let a = 1\nlet c = 2\n" {
		t.Errorf("%q", a["full_file_content"])
	}
	apply = true
	body = `{"project_id":"` + id + `","path":"src/a.ts",` + body[1:]
	if a = k.call("POST", "/v1/refactor?apply=true", body, "If-Match: 1").want(200).object(); a["full_file_content"] != "merged\n" {
		t.Errorf("%q", a["full_file_content"])
	}
	jobs := k.call("GET", "/v1/jobs/"+id+"/list", "").want(200).Body
	if strings.Contains(jobs, "full_file_content") {
		t.Error("the list has contents of files")
	}
}
