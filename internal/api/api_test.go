package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"codeforge"
	"codeforge/internal/api"
	show "codeforge/internal/preview"
	"codeforge/internal/verify"
)

const (
	projectKeys = "id user_id title description mode status requirements_spec architecture_spec tech_stack apply revision created_at updated_at"
	fileKeys    = "id project_id path content language version size revision created_at updated_at"
	jobKeys     = "job_id project_id user_id agent_type status progress input_context result error clarification_data revision apply retry_of created_at updated_at started_at completed_at"
	agentKeys   = "job_id status estimated_time stream_url"
)

func TestProjects(t *testing.T) {
	k := newKit(t)
	p := k.call("POST", "/v1/projects/", `{"title":"  Dog walkers ","description":" d ","mode":"student","tech_stack":[" Go ","SQLite"]}`).want(200).keys(projectKeys)
	if p["title"] != "Dog walkers" || p["description"] != "d" || p["mode"] != "student" || p["status"] != "planning" ||
		fmt.Sprint(p["tech_stack"]) != "[Go SQLite]" || p["requirements_spec"] != nil || p["user_id"] != alice {
		t.Errorf("created %v", p)
	}
	id := p["id"].(string)
	url := "/v1/projects/" + id

	got := k.call("GET", url, "").want(200)
	got.keys(projectKeys)
	tag := got.Header.Get("ETag")
	k.call("GET", url, "", "If-None-Match: "+tag).want(304)

	p = k.call("PUT", url, `{"status":"building","requirements_spec":{"app_name":"X","n":[1,{"a":null}]},"tech_stack":null}`).want(200).keys(projectKeys)
	if p["status"] != "building" || p["tech_stack"] != nil || p["requirements_spec"].(map[string]any)["app_name"] != "X" {
		t.Errorf("updated %v", p)
	}
	p = k.call("PUT", url, `{"requirements_spec":null}`).want(200).object()
	if p["requirements_spec"] != nil {
		t.Errorf("not set to null: %v", p)
	}
	k.call("PUT", url, `{}`).fails(400, "VALIDATION_ERROR")
	k.call("PUT", url, `{"title":null}`).fails(422, "VALIDATION_ERROR")

	// The tag from before is stale, the plain revision is not: no file changed.
	k.call("PUT", url, `{"title":"Cat sitters"}`, "If-Match: "+tag).fails(409, "CONFLICT")
	k.call("PUT", url, `{"title":"Cat sitters"}`, "If-Match: 0").want(200)
	k.call("PUT", url, `{"title":"Cat sitters"}`, `If-Match: "0"`).want(200)
	k.call("PUT", url, `{"title":"Cat sitters"}`, "If-Match: *").want(200)
	k.call("PUT", url, `{"title":"Cat sitters"}`, "If-Match: 7").fails(409, "CONFLICT")
	k.call("PUT", url, `{"title":"Cat sitters"}`, "If-Match: seven").fails(400, "VALIDATION_ERROR")
	tag = k.call("GET", url, "").Header.Get("ETag")
	k.call("PUT", url, `{"title":"Cat sitters"}`, "If-Match: "+tag).want(200)

	l := k.call("GET", "/v1/projects?page_size=1", "").want(200).keys("items total page page_size has_more")
	if l["total"] != 1.0 || l["has_more"] != false || len(l["items"].([]any)) != 1 {
		t.Errorf("list %v", l)
	}
	wantKeys(t, l["items"].([]any)[0], projectKeys)

	d := k.call("DELETE", url, "").want(200).keys("message project_id")
	if d["message"] != "Project archived" || d["project_id"] != id {
		t.Errorf("archived %v", d)
	}
	if l = k.call("GET", "/v1/projects/", "").object(); l["total"] != 0.0 || len(l["items"].([]any)) != 0 {
		t.Errorf("archived is listed: %v", l)
	}
	if l = k.call("GET", "/v1/projects/?status=archived&mode=student", "").object(); l["total"] != 1.0 {
		t.Errorf("archived is not found: %v", l)
	}
	k.wantFields(k.call("GET", "/v1/projects/?page=0&page_size=51&mode=x&status=y", ""),
		"page greater_than_equal", "page_size less_than_equal", "mode enum", "status enum")
	k.wantFields(k.call("GET", "/v1/projects/?page=two", ""), "page int_parsing")
}

func TestEverySchemaErrorAtOnce(t *testing.T) {
	k := newKit(t)
	k.wantFields(k.call("POST", "/v1/projects/", `{"title":" x ","description":5,"mode":"other","tech_stack":["a",7,""],"owner":1,"Title":"y"}`),
		"title string_too_short", "description string_type", "mode enum", "tech_stack.1 string_type", "tech_stack.2 string_too_short", "owner extra_forbidden", "Title extra_forbidden")
	k.wantFields(k.call("POST", "/v1/projects/", `{"title":"okay","tech_stack":["a","","`+strings.Repeat("x", 101)+`"]}`), "tech_stack.1 string_too_short", "tech_stack.2 string_too_long")
	k.wantFields(k.call("POST", "/v1/projects/", `{}`), "title missing")
	k.wantFields(k.call("POST", "/v1/projects/", ``), "body missing")
	k.wantFields(k.call("POST", "/v1/projects/", `[]`), "body dict_type")
	k.wantFields(k.call("POST", "/v1/projects/", `null`), "body dict_type")
	k.wantFields(k.call("POST", "/v1/run-agent", `{"project_id":"short","agent_type":"poet","input_context":[],"x":{}}`),
		"project_id string_too_short", "agent_type enum", "input_context dict_type", "x extra_forbidden")
	k.wantFields(k.call("POST", "/v1/run-agent", `{"project_id":"zzzzzzzz-zzzz-zzzz-zzzz-zzzzzzzzzzzz","agent_type":"noop"}`), "project_id uuid_parsing", "agent_type enum")
	k.wantFields(k.call("POST", "/v1/run-agent", `{"input_context":{"a":{"b":{"c":{"d":{"e":{}}}}}}}`),
		"project_id missing", "agent_type missing", "input_context value_error")
	// null is a value of the wrong kind wherever the schema does not name it.
	k.wantFields(k.call("POST", "/v1/projects/", `{"title":null,"description":null,"mode":null,"tech_stack":null}`),
		"title string_type", "description string_type", "mode string_type")
	k.wantFields(k.call("POST", "/v1/run-agent", `{"project_id":null,"agent_type":null,"input_context":null}`),
		"project_id string_type", "agent_type string_type", "input_context dict_type")
	k.wantFields(k.call("PUT", "/v1/projects/"+k.project(), `{"title":null,"status":null,"requirements_spec":null,"tech_stack":null}`), "title string_type", "status string_type")
	var many strings.Builder
	many.WriteString(`{"k0":0`)
	for i := range 10 {
		many.WriteString(fmt.Sprintf(`,"l%d":1`, i))
	}
	id := k.project()
	k.wantFields(k.call("POST", "/v1/run-agent", `{"project_id":"`+id+`","agent_type":"qa","input_context":`+many.String()+`}}`), "input_context value_error")
	k.wantFields(k.call("POST", "/v1/run-agent", `{"project_id":"`+id+`","agent_type":"qa","input_context":{"code":"`+strings.Repeat("é", 50_000)+`"}}`), "input_context value_error")
	k.call("POST", "/v1/run-agent", `{"project_id":"`+id+`","agent_type":"qa","input_context":{"code":"`+strings.Repeat("é", 49_980)+`"}}`).want(200)
	k.wantFields(k.call("POST", "/v1/projects/"+id+"/files?language="+strings.Repeat("l", 51), `{"path":5,"extra":1}`),
		"path string_type", "content missing", "extra extra_forbidden", "language string_too_long")
}

func TestOrderOfChecks(t *testing.T) {
	k := newKit(t)
	id := k.project()
	nobody := "Authorization:"
	k.wantFields(k.call("PUT", "/v1/projects/nope", `{"title":`, nobody), "body json_invalid")
	if d := k.call("PUT", "/v1/projects/nope", `{"bad":1}`, nobody).fails(400, "VALIDATION_ERROR"); d["field"] != "id" || d["reason"] != "Invalid UUID format" {
		t.Errorf("details %v", d)
	}
	a := k.call("PUT", "/v1/projects/"+id, `{"bad":1}`, nobody)
	a.fails(401, "AUTHENTICATION_ERROR")
	if a.object()["message"] != "Authorization header required" || a.Header.Get("WWW-Authenticate") != "Bearer" {
		t.Errorf("%s %v", a.Body, a.Header)
	}
	k.call("GET", "/v1/projects/"+id, "", "Authorization: Bearer mallory").fails(401, "AUTHENTICATION_ERROR")
	k.wantFields(k.call("PUT", "/v1/projects/"+id, `{"bad":1}`, "Authorization: Bearer bob"), "bad extra_forbidden")
	if d := k.call("PUT", "/v1/projects/"+id, `{}`, "Authorization: Bearer bob").fails(404, "RESOURCE_NOT_FOUND"); d["resource"] != "Project" || d["id"] != id {
		t.Errorf("details %v", d)
	}
	k.call("PUT", "/v1/projects/"+id+"/files/..%2fx", `{"content":""}`, "Authorization: Bearer bob").fails(404, "RESOURCE_NOT_FOUND")
	k.call("PUT", "/v1/projects/"+id, `{}`).fails(400, "VALIDATION_ERROR")
}

func TestNothingOfOthers(t *testing.T) {
	k := newKit(t)
	id := k.project()
	k.file(id, "a.ts", "1")
	job := k.job(id, "code")
	for _, c := range [][3]string{
		{"GET", "/v1/projects/{p}", ""}, {"PUT", "/v1/projects/{p}", `{"title":"mine now"}`}, {"DELETE", "/v1/projects/{p}", ""},
		{"GET", "/v1/projects/{p}/files", ""}, {"GET", "/v1/projects/{p}/files?content=false", ""}, {"POST", "/v1/projects/{p}/files", `{"path":"b","content":""}`},
		{"GET", "/v1/projects/{p}/files/a.ts", ""}, {"PUT", "/v1/projects/{p}/files/a.ts", `{"content":""}`}, {"DELETE", "/v1/projects/{p}/files/a.ts", ""},
		{"GET", "/v1/projects/{p}/revisions", ""}, {"GET", "/v1/projects/{p}/revisions/1", ""}, {"GET", "/v1/projects/{p}/revisions/1/diff", ""},
		{"POST", "/v1/projects/{p}/revisions/1/restore", ""}, {"GET", "/v1/projects/{p}/check", ""}, {"GET", "/v1/projects/{p}/preview", ""},
		{"GET", "/v1/projects/{p}/messages", ""}, {"POST", "/v1/run-agent", `{"project_id":"{p}","agent_type":"qa"}`}, {"POST", "/v1/run-pipeline", `{"project_id":"{p}"}`},
		{"GET", "/v1/jobs/{j}", ""}, {"GET", "/v1/jobs/{p}/list", ""}, {"POST", "/v1/jobs/{j}/cancel", ""}, {"POST", "/v1/jobs/{j}/respond", `{"answers":[{"a":"b"}]}`},
		{"POST", "/v1/clarify", `{"job_id":"{j}","answers":[{"a":"b"}]}`}, {"GET", "/v1/jobs/{j}/stream", ""},
	} {
		fill := strings.NewReplacer("{p}", id, "{j}", job)
		a := k.call(c[0], fill.Replace(c[1]), fill.Replace(c[2]), "Authorization: Bearer bob")
		if a.Status != 404 {
			t.Errorf("%s %s: %d %s", c[0], c[1], a.Status, a.Body)
			continue
		}
		// The same words as for what does not exist at all.
		other := strings.NewReplacer("{p}", codeforge.NewID(), "{j}", codeforge.NewID())
		b := k.call(c[0], other.Replace(c[1]), other.Replace(c[2]), "Authorization: Bearer bob")
		if x, y := a.object(), b.object(); x["error"] != y["error"] || x["message"] != y["message"] {
			t.Errorf("%s %s: %q for what exists, %q for what does not", c[0], c[1], x["message"], y["message"])
		}
	}
}

func TestPathsAliasesAndSlashes(t *testing.T) {
	k := newKit(t)
	id := k.project()
	job := k.job(id, "qa")
	for _, path := range []string{"/v1/projects", "/v1/projects/", "/v1/projects/" + id, "/v1/projects/" + id + "/", "/v1/projects/" + strings.ToUpper(id),
		"/v1/projects/" + id + "/files", "/v1/projects/" + id + "/files/", "/v1/jobs/" + id + "/list", "/v1/agents/jobs/" + id + "/list/",
		"/v1/jobs/" + job, "/v1/agents/jobs/" + job, "/v1/projects/" + id + "/revisions/", "/v1/projects/" + id + "/messages", "/health", "/health/", "/ready", "/openapi.json"} {
		if a := k.call("GET", path, ""); a.Status != 200 {
			t.Errorf("%s: %d %s", path, a.Status, a.Body)
		}
	}
	for _, path := range []string{"/v1/run-agent", "/v1/run-agent/", "/v1/agents/run-agent", "/v1/run-pipeline", "/v1/agents/run-pipeline/"} {
		k.call("POST", path, `{"project_id":"`+id+`","agent_type":"qa"}`).want(200).keys(agentKeys)
	}
	for _, path := range []string{"/", "/v1", "/v2/projects", "/v1/nothing", "/v1//projects", "/v1/./projects", "/v1/../v1/projects", "//v1/projects/", "/docs", "/redoc", "/V1/projects"} {
		req := httptest.NewRequest("GET", "http://example.com/", nil)
		req.URL.Path = path
		req.RequestURI = path
		req.Header.Set("Authorization", "Bearer alice")
		a := k.do(req)
		if a.fails(404, "RESOURCE_NOT_FOUND"); a.object()["detail"] != "Not Found" || a.Header.Get("Location") != "" {
			t.Errorf("%s: %s %v", path, a.Body, a.Header)
		}
	}
	for path, allow := range map[string]string{"/v1/run-agent": "POST", "/v1/projects/": "GET, HEAD, POST", "/v1/projects/" + id + "/files": "GET, HEAD, POST", "/v1/projects/" + id + "/files/": "GET, HEAD, POST", "/health": "GET, HEAD"} {
		a := k.call("DELETE", path, "")
		if a.fails(405, "METHOD_NOT_ALLOWED"); a.object()["detail"] != "Method Not Allowed" || a.Header.Get("Allow") != allow {
			t.Errorf("%s: Allow %q, want %q: %s", path, a.Header.Get("Allow"), allow, a.Body)
		}
	}
}

func TestFiles(t *testing.T) {
	k := newKit(t)
	id := k.project()
	url := "/v1/projects/" + id + "/files"
	f := k.call("POST", url, `{"path":" src/app/[id]/(group)/@x/page.tsx ","content":"  export {}\n "}`).want(200).keys(fileKeys)
	if f["content"] != "  export {}\n " || f["language"] != "tsx" || f["version"] != 1.0 || f["path"] != "src/app/[id]/(group)/@x/page.tsx" || f["size"] != 13.0 {
		t.Errorf("created %v", f)
	}
	f = k.call("POST", url+"?path=package.json&content=%7B%7D&language=json5", "").want(200).keys(fileKeys)
	if f["path"] != "package.json" || f["content"] != "{}" || f["language"] != "json5" {
		t.Errorf("by query %v", f)
	}
	k.call("POST", url+"?path=package.json&content=", "").want(200)
	f = k.call("POST", url+"?path=%20package.json%20&content=%20x%20&language=+json+", "").want(200).object()
	if f["path"] != "package.json" || f["content"] != " x " || f["language"] != "json" {
		t.Errorf("by query with white space %v", f)
	}
	k.call("POST", url+"?path=package.json", `{"path":"package.json","content":"{ }"}`).want(200)
	k.wantFields(k.call("POST", url+"?path=a&content=x", `{"path":"b","content":"x"}`), "path value_error")
	k.call("POST", url+"?path=package.json&content=", " null ").want(200)
	k.wantFields(k.call("POST", url, "null"), "path missing", "content missing")
	k.wantFields(k.call("POST", url, ""), "path missing", "content missing")
	k.wantFields(k.call("POST", url+"?path=a%00&content=%ff", ""), "path nul_character", "content unicode_error")
	k.wantFields(k.call("POST", url, `{"path":"a","content":"`+strings.Repeat("é", 100_001)+`"}`), "content string_too_long")
	k.call("POST", url, `{"path":"big.txt","content":"`+strings.Repeat("é", 100_000)+`"}`).want(200)

	page := url + "/src/app/%5Bid%5D/(group)/@x/page.tsx"
	got := k.call("GET", page, "").want(200)
	got.keys(fileKeys)
	if got.Header.Get("ETag") != `"1"` {
		t.Errorf("ETag %q", got.Header.Get("ETag"))
	}
	k.call("GET", page, "", `If-None-Match: "1"`).want(304)
	k.call("GET", strings.ReplaceAll(page, "/page", "%2Fpage"), "").want(200)
	f = k.call("PUT", page, `{"content":"x"}`, "If-Match: 1").want(200).keys(fileKeys)
	if f["version"] != 2.0 || f["language"] != "tsx" {
		t.Errorf("updated %v", f)
	}
	k.call("PUT", page, `{"content":"y"}`, `If-Match: "1"`).fails(409, "CONFLICT")
	k.call("PUT", page, `{"content":"y"}`, `If-Match: "1-0123456789"`).fails(400, "VALIDATION_ERROR")
	k.call("POST", url, `{"path":"big.txt","content":""}`, "If-None-Match: *").fails(409, "CONFLICT")
	k.call("POST", url, `{"path":"new.txt","content":""}`, "If-Match: *").fails(404, "RESOURCE_NOT_FOUND")
	k.call("PUT", url+"/absent.ts", `{"content":"y"}`).fails(404, "RESOURCE_NOT_FOUND")
	k.wantFields(k.call("PUT", page, `{"language":"ts"}`), "content missing")

	l := k.call("GET", url, "").want(200)
	m := l.keys("project_id count revision files")
	if m["count"] != 3.0 || l.Header.Get("ETag") != fmt.Sprintf(`"%v"`, m["revision"]) {
		t.Errorf("list %v %v", m["count"], l.Header)
	}
	wantKeys(t, m["files"].([]any)[0], fileKeys)
	for range 2 { // the second comes from the cache
		short := k.call("GET", url+"?content=false", "").want(200)
		m = short.keys("project_id count revision files")
		wantKeys(t, m["files"].([]any)[0], strings.Replace(fileKeys, "content ", "", 1))
		if short.Header.Get("Content-Length") != fmt.Sprint(len(short.Body)) {
			t.Errorf("Content-Length %q of %d", short.Header.Get("Content-Length"), len(short.Body))
		}
	}
	k.call("GET", url+"?content=false", "", "If-None-Match: "+l.Header.Get("ETag")).want(304)
	d := k.call("DELETE", url+"/big.txt", "").want(200).keys("message path")
	if d["message"] != "File deleted" || d["path"] != "big.txt" {
		t.Errorf("deleted %v", d)
	}
	k.call("DELETE", url+"/big.txt", "").fails(404, "RESOURCE_NOT_FOUND")
	if m = k.call("GET", url+"?content=false", "").object(); m["count"] != 2.0 {
		t.Errorf("the cache is stale: %v", m)
	}
}

func TestTraversalIsRefused(t *testing.T) {
	k := newKit(t)
	id := k.project()
	base := "/v1/projects/" + id + "/files/"
	for _, p := range []string{"../x", "..%2fx", "%2e%2e/x", "%2e%2e%2fx", "a/../../x", "a/%2e%2e/x", "./x", "a/./x", "a//x", "%2fetc/passwd", "/etc/passwd",
		"a%5cx", "..%5cx", "%252e%252e/x", "..%252fx", "%c0%ae%c0%ae/x", "c:x", "C%3a/x", "a%00b", "a%0ab", "%ff%fe", "a/", "%2e", "..", "a%2f", strings.Repeat("a", 256), strings.Repeat("a/", 250) + "ab"} {
		for _, method := range []string{"GET", "PUT", "DELETE"} {
			body := ""
			if method == "PUT" {
				body = `{"content":"x"}`
			}
			a := k.call(method, base+p, body)
			if d := a.fails(400, "VALIDATION_ERROR"); d["field"] != "path" {
				t.Errorf("%s %q: %v", method, p, d)
			}
		}
	}
	for _, p := range []string{"../x", "%2e%2e/x", "..%2fx", "/x", `a\\b`, "a//b", "c:/x", "a/../b", ".", "a/", "\u0085a/b", "a\u202eb"} {
		a := k.call("POST", base[:len(base)-1], `{"path":"`+p+`","content":""}`)
		if p == "\u0085a/b" {
			a.want(200) // white space around a path is trimmed, this kind too
			continue
		}
		if d := a.fails(400, "VALIDATION_ERROR"); d["field"] != "path" {
			t.Errorf("%q: %v", p, d)
		}
	}
	if rev := k.call("GET", "/v1/projects/"+id, "").object()["revision"]; rev != 1.0 {
		t.Errorf("something was written: revision %v", rev)
	}
}

func TestStrictBodies(t *testing.T) {
	k := newKit(t)
	id := k.project()
	deep := strings.Repeat(`{"a":`, 40) + "1" + strings.Repeat("}", 40)
	for body, want := range map[string]string{
		`{"title":"okay"`:                             "body json_invalid",
		`{"title":"okay"}}`:                           "body json_invalid",
		`{"title":"okay"} {}`:                         "body json_invalid",
		`{"title":"okay",}`:                           "body json_invalid",
		`{'title':'okay'}`:                            "body json_invalid",
		`{"title":01}`:                                "body json_invalid",
		"{\"title\":\"o\tkay\"}":                      "body json_invalid",
		"\ufeff{}":                                    "body json_invalid",
		`{"title":"okay","title":"other"}`:            "title duplicate_key",
		`{"title":"okay","titl\u0065":"other"}`:       "title duplicate_key",
		`{"requirements_spec":{"a":[{"b":1,"b":2}]}}`: "requirements_spec.a.0.b duplicate_key",
		`{"title":"o\u0000kay"}`:                      "title nul_character",
		`{"title":"o\ud800kay"}`:                      "title unicode_error",
		"{\"title\":\"o\xffkay\"}":                    "title unicode_error",
		`{"requirements_spec":` + deep + `}`:          "requirements_spec" + strings.Repeat(".a", 31) + " too_deep",
	} {
		k.wantFields(k.call("PUT", "/v1/projects/"+id, body), want)
	}
	k.wantFields(k.call("POST", "/v1/projects/", `{"title":"\u0000","description":"\u0000","a":1,"a":2}`),
		"title nul_character", "description nul_character", "a duplicate_key")

	big := `{"title":"` + strings.Repeat("x", 3<<20) + `"}`
	k.call("POST", "/v1/projects/", big).fails(413, "PAYLOAD_TOO_LARGE")
	req := httptest.NewRequest("POST", "/v1/projects/", struct{ *strings.Reader }{strings.NewReader(big)})
	req.ContentLength = -1
	k.do(req).fails(413, "PAYLOAD_TOO_LARGE")

	k.call("POST", "/v1/projects/", `{"title":"okay"}`, "Content-Type:").want(200)
	k.call("POST", "/v1/projects/", `{"title":"okay"}`, "Content-Type: application/json; charset=UTF-8").want(200)
	k.call("POST", "/v1/projects/", `{"title":"okay"}`, "Content-Type: application/vnd.x+json").want(200)
	k.call("POST", "/v1/projects/", `title=okay`, "Content-Type: application/x-www-form-urlencoded").fails(415, "UNSUPPORTED_MEDIA_TYPE")
	k.call("POST", "/v1/projects/", `{"title":"okay"}`, "Content-Encoding: gzip").fails(415, "UNSUPPORTED_MEDIA_TYPE")
	if n := k.call("GET", "/v1/projects/", "").object()["total"]; n != 4.0 {
		t.Errorf("%v projects, want 4: something was written that was refused", n)
	}
}

func TestProblemJSON(t *testing.T) {
	k := newKit(t)
	for _, target := range []string{"/v1/projects/" + codeforge.NewID(), "/nowhere", "/v1/projects/nope", "/v1/projects/?page=0"} {
		a := k.call("GET", target, "", "Accept: application/problem+json")
		if ct := a.Header.Get("Content-Type"); ct != "application/problem+json" {
			t.Errorf("%s: %s", target, ct)
		}
		m := a.keys("type title status detail instance error message details request_id")
		if m["status"] != float64(a.Status) || m["title"] != http.StatusText(a.Status) || m["detail"] != m["message"] {
			t.Errorf("%s: %v", target, m)
		}
	}
}

func TestErrorsAreBounded(t *testing.T) {
	k := newKit(t)
	var body strings.Builder
	body.WriteString(`{"title":"okay"`)
	for i := range 50_000 {
		fmt.Fprintf(&body, `,"k%d":0`, i)
	}
	if n := len(k.call("POST", "/v1/projects/", body.String()+"}").fields()); n != 100 {
		t.Errorf("%d findings", n)
	}
	a := k.call("GET", "/v1/projects/", "", "Accept: application/problem+json, text/html").want(200)
	if ct := a.Header.Get("Content-Type"); ct != "application/json" {
		t.Errorf("a list is sent as %s", ct)
	}
}

func TestAgents(t *testing.T) {
	k := newKit(t, func(o *api.Options) { o.PublicURL = "https://api.example.com" })
	id := k.project()
	body := `{"project_id":"` + strings.ToUpper(id) + `","agent_type":"code","input_context": {"user_message" : " hi\n", "n":[1, 2.50]} }`
	a := k.call("POST", "/v1/run-agent", body, "Idempotency-Key: one two").want(200)
	m := a.keys(agentKeys)
	if m["status"] != "queued" || m["estimated_time"] != "5-10 minutes" || a.Header.Get("Idempotent-Replayed") != "" ||
		!strings.HasPrefix(m["stream_url"].(string), "https://api.example.com/v1/jobs/"+m["job_id"].(string)+"/stream?token=") {
		t.Errorf("%v %v", m, a.Header)
	}
	again := k.call("POST", "/v1/agents/run-agent", body, "Idempotency-Key: one two").want(200)
	if again.Body != a.Body || again.Header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("replayed %s, first %s", again.Body, a.Body)
	}
	k.call("POST", "/v1/run-agent", strings.Replace(body, "code", "qa", 1), "Idempotency-Key: one two").fails(409, "CONFLICT")
	k.wantFields(k.call("POST", "/v1/run-agent", body, "Idempotency-Key: "+strings.Repeat("k", 256)), "Idempotency-Key string_too_long")
	k.wantFields(k.call("POST", "/v1/run-agent", body, "Idempotency-Key: é"), "Idempotency-Key string_format")

	job := k.call("GET", "/v1/jobs/"+m["job_id"].(string), "").want(200)
	job.keys(jobKeys + " queue base_revision cost_micro_usd cost_estimated")
	if !strings.Contains(job.Body, `"input_context":{"user_message" : " hi\n", "n":[1, 2.50]}`) {
		t.Errorf("the context is not as it was sent: %s", job.Body)
	}
	msgs := k.call("GET", "/v1/projects/"+id+"/messages", "").want(200).keys("items has_more next_before")["items"].([]any)
	if len(msgs) != 1 || msgs[0].(map[string]any)["content"] != " hi\n" || msgs[0].(map[string]any)["role"] != "user" {
		t.Errorf("messages %v", msgs)
	}
	wantKeys(t, msgs[0], "id project_id role content is_thinking metadata created_at")

	m = k.call("POST", "/v1/run-pipeline", `{"project_id":"`+id+`"}`).want(200).keys(agentKeys)
	if m["estimated_time"] != "10-15 minutes" {
		t.Error(m)
	}
	job = k.call("GET", "/v1/jobs/"+m["job_id"].(string), "")
	if j := job.object(); j["agent_type"] != "builder" || fmt.Sprint(j["input_context"]) != "map[]" {
		t.Error(job.Body)
	}
	k.call("POST", "/v1/run-pipeline", `{"project_id":"`+id+`","agent_type":"whatever","input_context":{}}`).want(200)

	c := k.call("POST", "/v1/agents/jobs/"+m["job_id"].(string)+"/cancel", "").want(200).keys("job_id status message")
	if c["status"] != "cancelled" || c["message"] != "Job cancelled" || c["job_id"] != m["job_id"] {
		t.Error(c)
	}
	if d := k.call("POST", "/v1/jobs/"+m["job_id"].(string)+"/cancel", `{}`).fails(400, "VALIDATION_ERROR"); d["field"] != "status" {
		t.Error(d)
	}
	k.jobs.full = true
	full := k.call("POST", "/v1/run-agent", body)
	if d := full.fails(429, "QUEUE_FULL"); d["retry_after"] != 7.0 || full.Header.Get("Retry-After") != "7" {
		t.Errorf("%v %v", d, full.Header)
	}
	bench := newKit(t, func(o *api.Options) { o.Bench = true })
	bench.job(bench.project(), "noop")
}

func TestListJobs(t *testing.T) {
	k := newKit(t)
	id := k.project()
	var ids []string
	for range 5 {
		ids = append(ids, k.job(id, "qa"))
	}
	slices.Reverse(ids)
	for query, want := range map[string]struct {
		from, count, page, size int
		more                    bool
	}{
		"":                    {0, 5, 1, 50, false},
		"?limit=2":            {0, 2, 1, 2, true},
		"?limit=2&offset=4":   {4, 1, 3, 2, false},
		"?offset=3":           {3, 2, 1, 50, false},
		"?page=2&page_size=2": {2, 2, 2, 2, true},
		"?page=2":             {0, 0, 2, 20, false},
		"?page_size=100":      {0, 5, 1, 100, false},
	} {
		m := k.call("GET", "/v1/jobs/"+id+"/list"+query, "").want(200).keys("project_id count page page_size total has_more jobs items")
		var got []string
		for _, j := range m["jobs"].([]any) {
			wantKeys(t, j, jobKeys+" queue")
			got = append(got, j.(map[string]any)["job_id"].(string))
		}
		if m["count"] != float64(want.count) || m["page"] != float64(want.page) || m["page_size"] != float64(want.size) || m["total"] != 5.0 ||
			m["has_more"] != want.more || !slices.Equal(got, ids[min(want.from, 5):min(want.from, 5)+want.count]) || fmt.Sprint(m["jobs"]) != fmt.Sprint(m["items"]) {
			t.Errorf("%s: %v, jobs %v", query, m, got)
		}
	}
	k.wantFields(k.call("GET", "/v1/jobs/"+id+"/list?limit=101&offset=-1&page_size=101", ""), "limit less_than_equal", "offset greater_than_equal", "page_size less_than_equal")
}

func TestResultHasContents(t *testing.T) {
	k := newKit(t)
	id := k.project()
	job := k.job(id, "code")
	f := k.claim(job)
	k.keep(f, codeforge.FileChange{Path: "a.ts", Content: "let \"a\"\n"}, codeforge.FileChange{Path: "b.ts", Content: "b"})
	k.finish(f, codeforge.Outcome{Status: codeforge.JobCompleted, Progress: 100,
		Result: json.RawMessage(`{"summary":"two", "files":[{"file_path":"a.ts","version":1},{"path":"b.ts","content":null,"x":1},{"path":"c.ts"},{"path":"a.ts","content":"own"}],"generated_code":{"files":[{"path":"b.ts"}]}}`),
		Events: []codeforge.Event{event(codeforge.EventComplete, `{"job_id":"`+job+`","status":"completed","progress":100}`)}})
	want := `{"summary":"two","files":[{"file_path":"a.ts","version":1,"content":"let \"a\"\n"},{"path":"b.ts","content":"b","x":1},{"path":"c.ts"},{"path":"a.ts","content":"own"}],"generated_code":{"files":[{"path":"b.ts","content":"b"}]}}`
	if a := k.call("GET", "/v1/jobs/"+job, ""); !strings.Contains(a.Body, `"result":`+want) {
		t.Errorf("job %s", a.Body)
	}
	if a := k.call("GET", "/v1/jobs/"+job+"/stream", ""); strings.Count(a.Body, `"progress":100,"result":`+want+"}\n") != 2 {
		t.Errorf("stream %s", a.Body)
	}
	if a := k.call("GET", "/v1/jobs/"+id+"/list", ""); strings.Contains(a.Body, "let ") {
		t.Errorf("list has contents: %s", a.Body)
	}
	r := k.call("GET", "/v1/projects/"+id+"/revisions", "").want(200).keys("items total page page_size has_more")
	first := r["items"].([]any)[0]
	wantKeys(t, first, "revision job_id author message files_changed verified evidence created_at")
	if m := first.(map[string]any); m["job_id"] != job || m["files_changed"] != 2.0 {
		t.Error(m)
	}
}

func TestRespond(t *testing.T) {
	k := newKit(t)
	id := k.project()
	questions := `[{"question":"Who?","why":"w","options":[]},{"id":"when","question":"When?"},"Where?"]`
	for _, c := range []struct{ body, want string }{
		{`{"answers":[{"Who?":" me "},{"question":"When?","answer":"now"}]}`, `[{"question":"Who?","answer":" me "},{"question":"When?","answer":"now"}]`},
		{`{"answers":[{"Who?":"me","When?":"now"}]}`, `[{"question":"Who?","answer":"me"},{"question":"When?","answer":"now"}]`},
		{`{"responses":[{"question_id":"Who?","answer":"me"},{"question_id":"when","answer":"now"}]}`, `[{"question":"Who?","answer":"me"},{"question":"When?","answer":"now"}]`},
		{`{"responses":[{"question_id":0,"answer":"a"},{"question_id":"2","answer":"b"}]}`, `[{"question":"Who?","answer":"a"},{"question":"Where?","answer":"b"}]`},
		{`{"responses":[{"question_id":1,"answer":"a"},{"question_id":3,"answer":"b"}]}`, `[{"question":"Who?","answer":"a"},{"question":"Where?","answer":"b"}]`},
		{`{"responses":[{"question_id":"q1","answer":"a"},{"question_id":"q9","answer":"b"}]}`, `[{"question":"Who?","answer":"a"},{"question":"q9","answer":"b"}]`},
	} {
		job := k.job(id, "research")
		url := "/v1/agents/jobs/" + job + "/respond"
		if d := k.call("POST", url, c.body).fails(400, "VALIDATION_ERROR"); d["field"] != "status" {
			t.Errorf("respond to a queued job: %v", d)
		}
		k.finish(k.claim(job), codeforge.Outcome{Status: codeforge.Waiting, Progress: 50, Question: json.RawMessage(questions),
			Events: []codeforge.Event{event(codeforge.EventWaiting, `{}`)}})
		m := k.call("POST", url, c.body).want(200).keys(agentKeys)
		if m["estimated_time"] != "2-3 minutes" || m["job_id"] == job {
			t.Error(m)
		}
		j := k.call("GET", "/v1/jobs/"+m["job_id"].(string), "").want(200)
		if j.object()["job_id"] != job {
			t.Errorf("the alias leads to %s", j.Body)
		}
		var data struct {
			Clarification struct{ Answers json.RawMessage } `json:"clarification_data"`
		}
		if err := json.Unmarshal([]byte(j.Body), &data); err != nil || string(data.Clarification.Answers) != c.want {
			t.Errorf("%s: stored %s, want %s", c.body, data.Clarification.Answers, c.want)
		}
		k.call("GET", strings.TrimPrefix(m["stream_url"].(string), "http://example.com")+"&after=0", "", "Authorization: Bearer bob")
		k.call("POST", "/v1/jobs/"+job+"/cancel", "").want(200)
	}
	job := k.job(id, "research")
	k.finish(k.claim(job), codeforge.Outcome{Status: codeforge.Waiting, Question: json.RawMessage(questions)})
	for body, want := range map[string]string{
		`{}`:                             "answers missing",
		`{"answers":[]}`:                 "answers too_short",
		`{"answers":[{}]}`:               "answers.0 too_short",
		`{"answers":[{"q":1}]}`:          "answers.0.q value_error",
		`{"answers":["x"]}`:              "answers.0 dict_type",
		`{"responses":[{"answer":"x"}]}`: "responses.0.question_id missing",
		`{"responses":[{"question_id":[],"answer":"x"}]}`:                           "responses.0.question_id value_error",
		`{"answers":[{"a":"1"},{"b":"1"},{"c":"1"},{"d":"1"},{"e":"1"},{"f":"1"}]}`: "answers too_long",
		`{"answers":[{"a":"1","b":"1","c":"1"},{"d":"1","e":"1","f":"1"}]}`:         "answers too_long",
		`{"answers":[{"a":"1"}],"responses":[{"question_id":1,"answer":"x"}]}`:      "responses value_error",
	} {
		k.wantFields(k.call("POST", "/v1/jobs/"+job+"/respond", body), want)
	}
	k.wantFields(k.call("POST", "/v1/clarify", `{"job_id":"x"}`), "job_id string_too_short", "answers missing")
	k.call("POST", "/v1/clarify", `{"job_id":"`+job+`","answers":[{"Who?":"me"}]}`).want(200).keys(agentKeys)
}

func TestRevisions(t *testing.T) {
	k := newKit(t)
	id := k.project()
	url := "/v1/projects/" + id + "/revisions"
	k.file(id, "a.ts", "one\ntwo\n")
	k.file(id, "a.ts", "one\n2\n")
	k.file(id, "b.ts", "b")
	k.call("DELETE", "/v1/projects/"+id+"/files/b.ts", "").want(200)
	l := k.call("GET", url+"?page=2&page_size=3", "").want(200).keys("items total page page_size has_more")
	if l["total"] != 4.0 || l["has_more"] != false || l["items"].([]any)[0].(map[string]any)["revision"] != 1.0 || l["items"].([]any)[0].(map[string]any)["job_id"] != nil {
		t.Error(l)
	}
	r := k.call("GET", url+"/3", "").want(200).keys("revision job_id author message files_changed verified evidence created_at project_id count files")
	if r["count"] != 2.0 {
		t.Error(r)
	}
	wantKeys(t, r["files"].([]any)[0], fileKeys)
	for query, want := range map[string]string{"path=a.ts": "1 a.ts one\n2\n", "path=a.ts&content=false": "1 a.ts <nil>", "path=a": "0", "path=b.ts": "1 b.ts b", "path=c.ts": "0", "path=%00": "0"} {
		one := k.call("GET", url+"/3?"+query, "").want(200).object()
		words := []string{fmt.Sprint(one["count"])}
		for _, f := range one["files"].([]any) {
			words = append(words, fmt.Sprint(f.(map[string]any)["path"]), fmt.Sprint(f.(map[string]any)["content"]))
		}
		if got := strings.Join(words, " "); got != want {
			t.Errorf("?%s: %q, want %q", query, got, want)
		}
	}
	k.call("GET", url+"/9?path=a.ts", "").fails(404, "RESOURCE_NOT_FOUND")
	d := k.call("GET", url+"/2/diff", "").want(200).keys("project_id revision base files counts unified too_large")
	wantKeys(t, d["files"].([]any)[0], "path old_path status old_version new_version additions deletions too_large hunks unified")
	if want := "diff --git a/a.ts b/a.ts\n--- a/a.ts\n+++ b/a.ts\n@@ -1,2 +1,2 @@\n one\n-two\n+2\n"; d["unified"] != want {
		t.Errorf("unified %q, want %q", d["unified"], want)
	}
	if s := fmt.Sprint(d["files"]); !strings.Contains(s, "kind:add text:2") || !strings.Contains(s, "kind:delete text:two") || !strings.Contains(s, "status:modified") {
		t.Error(s)
	}
	if d = k.call("GET", url+"/1/diff", "").object(); d["base"] != 0.0 || !strings.HasPrefix(d["unified"].(string), "diff --git a/a.ts b/a.ts\nnew file mode 100644\n--- /dev/null\n+++ b/a.ts\n") {
		t.Error(d)
	}
	if d = k.call("GET", url+"/4/diff", "").object(); !strings.HasPrefix(d["unified"].(string), "diff --git a/b.ts b/b.ts\ndeleted file mode 100644\n--- a/b.ts\n+++ /dev/null\n") {
		t.Error(d)
	}
	k.call("POST", url+"/1/restore", "", "If-Match: 3").fails(409, "CONFLICT")
	if r = k.call("POST", url+"/1/restore", "", "If-Match: 4").want(200).keys("revision job_id author message files_changed verified evidence created_at"); r["revision"] != 5.0 {
		t.Error(r)
	}
	if f := k.call("GET", "/v1/projects/"+id+"/files/a.ts", "").object(); f["content"] != "one\ntwo\n" {
		t.Error(f)
	}
	k.call("GET", url+"/9", "").fails(404, "RESOURCE_NOT_FOUND")
	k.wantFields(k.call("GET", url+"/0", ""), "n greater_than_equal")
	k.wantFields(k.call("GET", url+"/x/diff", ""), "n int_parsing")
}

func TestCheckAndHealth(t *testing.T) {
	k := newKit(t, func(o *api.Options) {
		o.Check = func(_ context.Context, _ string, t verify.Tree) (verify.Report, error) {
			return verify.Report{Files: t.Len(), Diagnostics: []verify.Diagnostic{{File: "a.ts", Line: 1, Column: 2, Severity: "error", Message: t.Files["a.ts"]}},
				Evidence: codeforge.Evidence{{Name: codeforge.RungParse, Status: codeforge.RungFailed, Tool: "esbuild"}, {Name: codeforge.RungTypes, Status: codeforge.RungNotChecked, Reason: "no compiler"}}}, nil
		}
	})
	id := k.project()
	k.file(id, "a.ts", "oops")
	c := k.call("GET", "/v1/projects/"+id+"/check", "").want(200).keys("project_id revision ok files entries diagnostics evidence")
	if c["ok"] != false || c["revision"] != 1.0 || c["files"] != 1.0 || fmt.Sprint(c["diagnostics"]) != "[map[column:2 file:a.ts line:1 message:oops severity:error]]" || fmt.Sprint(c["entries"]) != "[]" {
		t.Error(c)
	}
	k.file(id, "a.ts", "newer")
	if c := k.call("GET", "/v1/projects/"+id+"/check?revision=1", "").want(200).object(); c["revision"] != 1.0 || !strings.Contains(fmt.Sprint(c["diagnostics"]), "oops") {
		t.Error(c)
	}
	known := k.call("GET", "/v1/projects/"+id+"/revisions", "").want(200).object()["items"].([]any)
	if fmt.Sprint(known[0].(map[string]any)["evidence"]) != "[]" || fmt.Sprint(known[1].(map[string]any)["evidence"]) != fmt.Sprint(c["evidence"]) || !strings.Contains(fmt.Sprint(c["evidence"]), "reason:no compiler") {
		t.Error(known, c["evidence"])
	}
	h := k.call("GET", "/health", "", "Authorization:").want(200).keys("status service version dependencies model")
	if h["status"] != "healthy" || h["service"] != "codeforge-backend" || h["version"] != "0.1.0" || h["model"] != "scaffold" {
		t.Error(h)
	}
	r := k.call("GET", "/ready", "", "Authorization:").want(200).keys("status store isolation model")
	if r["store"] != "sqlite" || r["isolation"] != "application" {
		t.Error(r)
	}
	k.call("GET", "/v1/projects/"+id+"/preview", "").fails(501, "NOT_SUPPORTED")
	k.jobs.fail = errors.New("disk on fire")
	a := k.call("POST", "/v1/run-agent", `{"project_id":"`+id+`","agent_type":"qa"}`)
	a.want(500)
	if m := a.object(); m["message"] != "An internal error occurred" || fmt.Sprint(m["details"]) != "map[]" {
		t.Errorf("internal text: %s", a.Body)
	}
	if !strings.Contains(k.log.String(), `"exception":"disk on fire"`) {
		t.Error("the cause is not in the log")
	}
	_ = k.store.Close()
	k.call("GET", "/ready", "").fails(503, "SERVICE_UNAVAILABLE")
}

// preview is one host that shows one project.
type preview struct{}

func (preview) Match(host string) bool {
	name, _, _ := strings.Cut(host, ":")
	return strings.HasSuffix(name, ".localhost")
}
func (preview) ServeHTTP(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "<h1>app</h1>") }
func (preview) Address(scheme, host string, u codeforge.User, projectID string, revision int64, fresh bool) string {
	return scheme + "://" + projectID + "." + host + "/"
}
func (preview) JobAddress(scheme, host string, u codeforge.User, jobID string, fresh bool) string {
	return scheme + "://" + jobID + "-job." + host + "/"
}

// shownAt is what previews show of a revision.
var shownAt = map[int64]show.State{
	0: {Status: show.Ready, Revision: 2, Report: verify.Report{Evidence: codeforge.Evidence{{Name: codeforge.RungParse, Status: codeforge.RungPassed}}}},
	1: {Status: show.Broken, Title: "It does not build", Reason: "1 finding stands in the way.", Revision: 1, Report: verify.Report{Diagnostics: []verify.Diagnostic{
		{File: "a.ts", Line: 1, Column: 2, Severity: verify.SeverityError, Message: "no"}, {File: "a.ts", Severity: verify.SeverityWarning, Message: "well"}}}},
}

func (preview) State(_ context.Context, _ codeforge.User, _ string, revision int64) (show.State, error) {
	if st, ok := shownAt[revision]; ok {
		return st, nil
	}
	return show.State{}, &codeforge.Error{Kind: codeforge.Unavailable}
}

func (preview) JobState(context.Context, codeforge.User, string) (show.State, error) {
	return show.State{Status: show.Empty, Reason: "This project has no files so far."}, nil
}

// Where a preview is says what it shows too, and why no more; what was seen of a revision before says more than its build.
func TestPreviewSaysWhatItShows(t *testing.T) {
	k := newKit(t, func(o *api.Options) { o.Preview = preview{} })
	id := k.project()
	url := "/v1/projects/" + id + "/preview"
	for range 3 {
		k.file(id, "a.ts", codeforge.NewID())
	}
	const keys = "url revision status reason evidence diagnostics"
	p := k.call("GET", url, "").want(200).keys(keys)
	if p["status"] != "ready" || p["reason"] != "" || fmt.Sprint(p["evidence"]) != "[map[duration_ms:0 name:parse status:passed]]" || fmt.Sprint(p["diagnostics"]) != "[]" {
		t.Error(p)
	}
	if err := k.store.MarkChecked(t.Context(), codeforge.User{ID: alice}, id, 3, false, codeforge.Evidence{{Name: codeforge.RungRun, Status: codeforge.RungFailed}}, nil, nil); err != nil {
		t.Fatal(err)
	}
	if p := k.call("GET", url, "").object(); fmt.Sprint(p["evidence"]) != "[map[duration_ms:0 name:run status:failed]]" {
		t.Error(p)
	}
	p = k.call("GET", url+"?revision=1", "").want(200).keys(keys)
	if p["status"] != "broken" || p["reason"] != "1 finding stands in the way." || p["revision"] != 1.0 || len(p["diagnostics"].([]any)) != 1 || p["url"] == "" {
		t.Error(p)
	}
	if p := k.call("GET", url+"?revision=2", "").want(200).keys(keys); p["status"] != "unknown" || p["reason"] == "" || p["revision"] != 2.0 {
		t.Error(p)
	}
	k.call("GET", url+"?revision=4", "").fails(404, "RESOURCE_NOT_FOUND")
}

// What went wrong in previews is read by revision and by job, by whoever owns the project.
func TestPreviewErrors(t *testing.T) {
	k := newKit(t)
	id := k.project()
	k.file(id, "a.ts", "a")
	k.file(id, "a.ts", "b")
	job := k.job(id, "qa")
	seen := func(e codeforge.PreviewError) {
		t.Helper()
		e.Kind = codeforge.PreviewException
		if err := k.store.AddPreviewErrors(t.Context(), codeforge.User{ID: alice}, id, []codeforge.PreviewError{e}); err != nil {
			t.Fatal(err)
		}
	}
	seen(codeforge.PreviewError{Revision: 1, Message: "of the first"})
	seen(codeforge.PreviewError{Revision: 2, Message: "of the second", File: "a.ts", Line: 1, Column: 2, Stack: "f a.ts:1:2", Page: "/"})
	seen(codeforge.PreviewError{Revision: 2, JobID: job, Message: "of the job"})
	url := "/v1/projects/" + id + "/preview/errors"
	for query, want := range map[string]string{"": "of the second", "?revision=1": "of the first", "?revision=2": "of the second", "?job_id=" + job: "of the job"} {
		list := k.call("GET", url+query, "").want(200).keys("revision items")["items"].([]any)
		if len(list) != 1 || list[0].(map[string]any)["message"] != want {
			t.Errorf("%q: %v", query, list)
			continue
		}
		wantKeys(t, list[0].(map[string]any), "revision job_id kind message file line column stack page count first_at last_at")
	}
	other := k.project()
	k.call("GET", "/v1/projects/"+other+"/preview/errors?job_id="+job, "").fails(404, "RESOURCE_NOT_FOUND")
	if r := k.call("GET", "/v1/projects/"+other+"/preview/errors", "").want(200).object(); fmt.Sprint(r["items"]) != "[]" || r["revision"] != 0.0 {
		t.Error(r)
	}
	k.call("GET", url+"?revision=0", "").want(422)
	k.call("GET", "/v1/projects/"+codeforge.NewID()+"/preview/errors", "").fails(404, "RESOURCE_NOT_FOUND")
}

func TestPreviewKeepsApart(t *testing.T) {
	k := newKit(t, func(o *api.Options) { o.Preview = preview{}; o.AllowedOrigins = []string{"*"} })
	id := k.project()
	p := k.call("GET", "http://localhost:8000/v1/projects/"+id+"/preview", "").want(200).keys("url revision status reason evidence diagnostics")
	if p["url"] != "http://"+id+".localhost:8000/" || p["revision"] != 2.0 {
		t.Error(p)
	}
	if a := k.call("GET", "http://"+id+".localhost:8000/v1/projects/", ""); a.Body != "<h1>app</h1>" {
		t.Errorf("the API answers on a preview's host: %s", a.Body)
	}
	for _, method := range []string{"GET", "POST", "OPTIONS"} {
		a := k.call(method, "/v1/projects/", "", "Origin: http://"+id+".localhost:8000", "Access-Control-Request-Method: POST")
		if a.fails(403, "PERMISSION_DENIED"); a.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: %v", method, a.Header)
		}
	}
}

func TestCORS(t *testing.T) {
	k := newKit(t, func(o *api.Options) { o.AllowedOrigins = []string{"https://codeforge.ai"}; o.RateLimit = 2 })
	pre := k.call("OPTIONS", "/v1/projects/", "", "Authorization:", "Origin: https://codeforge.ai", "Access-Control-Request-Method: PUT", "Access-Control-Request-Headers: x-user-id, authorization").want(204)
	for name, want := range map[string]string{"Access-Control-Allow-Origin": "https://codeforge.ai", "Access-Control-Allow-Credentials": "true",
		"Access-Control-Max-Age": "3600", "Access-Control-Allow-Headers": "x-user-id, authorization", "X-RateLimit-Limit": ""} {
		if got := pre.Header.Get(name); got != want {
			t.Errorf("%s %q, want %q", name, got, want)
		}
	}
	if !strings.Contains(pre.Header.Get("Access-Control-Allow-Methods"), "DELETE") {
		t.Error(pre.Header)
	}
	for _, want := range []int{401, 401, 429} { // errors carry the headers too
		a := k.call("GET", "/v1/projects/", "", "Authorization:", "Origin: https://codeforge.ai").want(want)
		if a.Header.Get("Access-Control-Allow-Origin") != "https://codeforge.ai" || !strings.Contains(a.Header.Get("Access-Control-Expose-Headers"), "X-Request-ID") || a.Header.Get("Vary") != "Origin" {
			t.Errorf("%d: %v", want, a.Header)
		}
	}
	a := k.call("GET", "/health", "", "Origin: https://evil.example").want(200)
	if a.Header.Get("Access-Control-Allow-Origin") != "" || a.Header.Get("Vary") != "Origin" {
		t.Error(a.Header)
	}
	k.call("OPTIONS", "/v1/projects/", "", "Origin: https://evil.example", "Access-Control-Request-Method: PUT").fails(403, "PERMISSION_DENIED")
}

func TestStandaloneKeepsWebPagesOut(t *testing.T) {
	k := newKit(t, func(o *api.Options) {
		o.Standalone, o.Hosts, o.AllowedOrigins = true, []string{"forge.lan"}, []string{"http://localhost:3000"}
	})
	for host, want := range map[string]int{"localhost:8000": 200, "127.0.0.1:8000": 200, "[::1]:8000": 200, "forge.lan": 200, "evil.example": 421, "localhost.evil.example:8000": 421, "10.0.0.1": 421} {
		req := httptest.NewRequest("GET", "/health", nil)
		req.Host = host
		if a := k.do(req); a.Status != want {
			t.Errorf("%s: %d, want %d: %s", host, a.Status, want, a.Body)
		}
	}
	at := "http://localhost:8000/v1/projects/"
	body := `{"title":"okay"}`
	k.call("POST", at, body).want(200)
	k.call("POST", at, body, "Origin: http://localhost:3000", "Sec-Fetch-Site: same-site").want(200)
	k.call("POST", at, body, "Origin: https://evil.example", "Sec-Fetch-Site: cross-site").fails(403, "CSRF_VALIDATION_FAILED")
	k.call("POST", at, body, "Origin: null").fails(403, "CSRF_VALIDATION_FAILED")
}

func TestRateLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKit(t, func(o *api.Options) {
			o.RateLimit = 60
			o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")} // httptest's clients
		})
		take := func(want int, headers ...string) answer {
			t.Helper()
			return k.call("GET", "/v1/projects/", "", headers...).want(want)
		}
		for i := range 60 {
			a := take(200)
			if got := a.Header.Get("X-RateLimit-Remaining"); got != fmt.Sprint(59-i) || a.Header.Get("X-RateLimit-Limit") != "60" || a.Header.Get("X-RateLimit-Reset") != fmt.Sprint(i+1) {
				t.Fatalf("request %d: %v", i, a.Header)
			}
		}
		a := take(429)
		if d := a.fails(429, "RATE_LIMIT_EXCEEDED"); d["retry_after"] != 1.0 || a.Header.Get("Retry-After") != "1" || a.Header.Get("X-RateLimit-Reset") != "60" {
			t.Errorf("%v %v", d, a.Header)
		}
		take(200, "Authorization: Bearer bob") // somebody else's bucket
		k.call("GET", "/health", "").want(200)
		k.call("GET", "/ready", "").want(200)
		time.Sleep(2500 * time.Millisecond)
		take(200)
		take(200)
		take(429)
		time.Sleep(500 * time.Millisecond)
		take(200)
		take(429)
		time.Sleep(time.Hour)
		if a := take(200); a.Header.Get("X-RateLimit-Remaining") != "59" {
			t.Errorf("the bucket overflowed: %v", a.Header)
		}

		// Without a token the address counts, as the last trusted proxy reported it; IPv6 by its /64.
		remaining := func(forwarded string) string {
			t.Helper()
			return take(401, "Authorization:", "X-Forwarded-For: "+forwarded).Header.Get("X-RateLimit-Remaining")
		}
		for _, c := range [][2]string{{"203.0.113.1", "59"}, {"203.0.113.1", "58"}, {"6.6.6.6, 203.0.113.1", "57"}, {"203.0.113.1, 192.0.2.9", "56"}, {"203.0.113.2", "59"},
			{"2001:db8::1", "59"}, {"[2001:db8::2]:443", "58"}, {"2001:db8:0:1::1", "59"}, {"garbage", "59"}, {"", "58"}, {"::ffff:203.0.113.2", "58"}} {
			if got := remaining(c[0]); got != c[1] {
				t.Errorf("%q: %s left, want %s", c[0], got, c[1])
			}
		}
	})
}

func TestRequestIDAndLog(t *testing.T) {
	k := newKit(t)
	for sent, kept := range map[string]bool{"abc-1.2_3": true, strings.Repeat("x", 128): true, strings.Repeat("x", 129): false, "a b": false, "a\"b": false, "": false} {
		got := k.call("GET", "/health", "", "X-Request-ID: "+sent).Header.Get("X-Request-Id")
		if kept != (got == sent) || got == "" {
			t.Errorf("%q: %q", sent, got)
		}
	}
	k.log.Reset()
	id := k.project()
	k.log.Reset()
	k.call("POST", "/v1/projects/"+id+"/files?path=secret.txt&content=hunter2&token=hunter3", "", "X-Request-ID: r1").want(200)
	var line map[string]any
	if err := json.Unmarshal(k.log.Bytes(), &line); err != nil {
		t.Fatalf("not one line: %s", k.log)
	}
	wantKeys(t, line, "time level msg request_id method route status ms bytes user_id")
	if line["request_id"] != "r1" || line["route"] != "/v1/projects/{project_id}/files" || line["status"] != 200.0 || line["user_id"] != alice || strings.Contains(k.log.String(), "hunter") {
		t.Error(k.log)
	}
	a := k.call("GET", "/v1/projects/", "")
	for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "X-Frame-Options": "DENY"} {
		if a.Header.Get(name) != want {
			t.Errorf("%s: %q", name, a.Header.Get(name))
		}
	}
}

func TestPanic(t *testing.T) {
	k := newKit(t, func(o *api.Options) {
		o.Check = func(context.Context, string, verify.Tree) (verify.Report, error) { panic("secret detail") }
	})
	a := k.call("GET", "/v1/projects/"+k.project()+"/check", "")
	if a.fails(500, "INTERNAL_ERROR"); strings.Contains(a.Body, "secret") {
		t.Error(a.Body)
	}
	if log := k.log.String(); !strings.Contains(log, "secret detail") || !strings.Contains(log, "api_test.go") || !strings.Contains(log, a.Header.Get("X-Request-Id")) {
		t.Errorf("the log lacks the panic or its stack: %s", log)
	}
}

// oldPath is a store with one file whose path breaks the rules, from before there were any.
type oldPath struct {
	api.Store
	path string
}

func (s oldPath) GetFile(ctx context.Context, u codeforge.User, projectID, path string) (codeforge.File, error) {
	if path == s.path {
		return codeforge.File{ProjectID: projectID, Path: path, Version: 1}, nil
	}
	return s.Store.GetFile(ctx, u, projectID, path)
}

func (s oldPath) DeleteFile(ctx context.Context, u codeforge.User, projectID, path string, ifVersion *int64) error {
	if path == s.path {
		return nil
	}
	return s.Store.DeleteFile(ctx, u, projectID, path, ifVersion)
}

func TestOldPathsAreReachable(t *testing.T) {
	for _, path := range []string{"../../etc/passwd", "/a", "a//b", "a/", ".", `a\b`, "a\nb", "C:/x", "a/../b"} {
		k := newKit(t, func(o *api.Options) { o.Store = oldPath{o.Store, path} })
		at := "/v1/projects/" + k.project() + "/files/" + url.PathEscape(path)
		if a := k.call("GET", at, "").want(200).object(); a["path"] != path {
			t.Errorf("%q: %v", path, a)
		}
		if a := k.call("DELETE", at, "").want(200).object(); a["path"] != path {
			t.Errorf("%q: %v", path, a)
		}
		k.call("PUT", at, `{"content":"x"}`).fails(400, "VALIDATION_ERROR")
		k.call("DELETE", at+"%00", "").fails(400, "VALIDATION_ERROR")
	}
}

// Whoever is told to come again is told when, whatever the reason; who asks for a part that this server does not have is not told to.
func TestUnavailableSaysWhen(t *testing.T) {
	k := newKit(t, func(o *api.Options) {
		o.Ready = func(context.Context) []api.Check { return []api.Check{{Name: "verifier", State: api.CheckFailing}} }
		o.Preview, o.Check = nil, nil
	})
	id := k.project()
	body := `{"project_id":"` + id + `","agent_type":"qa"}`
	for _, err := range []error{&codeforge.Error{Kind: codeforge.Unavailable}, &codeforge.Error{Kind: codeforge.External}, context.DeadlineExceeded,
		fmt.Errorf("wrapped: %w", &codeforge.Error{Kind: codeforge.Unavailable, RetryAfter: 1}), &codeforge.Error{Kind: codeforge.QueueFull}} {
		k.jobs.fail = err
		if a := k.call("POST", "/v1/run-agent", body); a.Status < 429 || a.Header.Get("Retry-After") != "1" {
			t.Errorf("%v: %d %v", err, a.Status, a.Header)
		}
	}
	k.jobs.fail = &codeforge.Error{Kind: codeforge.Unavailable, RetryAfter: 7 * time.Second}
	if a := k.call("POST", "/v1/run-agent", body).want(503); a.Header.Get("Retry-After") != "7" {
		t.Error(a.Header)
	}
	if a := k.call("GET", "/ready", "").want(503); a.Header.Get("Retry-After") == "" {
		t.Error(a.Header)
	}
	for _, path := range []string{"/v1/projects/" + id + "/check", "/v1/projects/" + id + "/preview", "/v1/models", "/v1/tokens"} {
		a := k.call("GET", path, "")
		if a.fails(501, "NOT_SUPPORTED"); a.Header.Get("Retry-After") != "" {
			t.Errorf("%s: %v", path, a.Header)
		}
	}
}

// TestQueuePlaces: a queued job says where it stands and what it waits for, alone and in lists; others say nothing of it.
func TestQueuePlaces(t *testing.T) {
	k := newKit(t)
	p, q := k.project(), k.project()
	first, second, beside := k.job(p, "code"), k.job(p, "code"), k.job(q, "qa")
	want := func(id string, place int, reason string) {
		t.Helper()
		got := k.call("GET", "/v1/jobs/"+id, "").want(200).object()["queue"]
		if fmt.Sprint(got) != fmt.Sprint(map[string]any{"place": place, "waiting_for": reason}) {
			t.Errorf("%s stands at %v, want %d for %s", id, got, place, reason)
		}
	}
	want(first, 1, "free_worker")
	want(second, 2, "project")
	want(beside, 2, "free_worker")
	k.claim(first)
	if got, there := k.call("GET", "/v1/jobs/"+first, "").want(200).object()["queue"]; there {
		t.Errorf("a running job stands at %v", got)
	}
	want(second, 1, "project") // the other one is younger
	list := k.call("GET", "/v1/jobs/"+p+"/list", "").want(200).object()
	for _, name := range []string{"jobs", "items"} {
		rows := list[name].([]any)
		if a, b := rows[0].(map[string]any)["queue"], rows[1].(map[string]any)["queue"]; len(rows) != 2 || b != nil || fmt.Sprint(a) != "map[place:1 waiting_for:project]" {
			t.Errorf("%s: %v, %v", name, a, b)
		}
	}
}

func TestProjectCopy(t *testing.T) {
	k := newKit(t)
	id := k.project()
	url := "/v1/projects/" + id + "/copy"
	k.file(id, "a.ts", "one\n")
	k.file(id, "a.ts", "two\n")
	a := k.call("POST", url, "").want(200)
	m := a.object()
	wantKeys(t, m, projectKeys)
	if m["id"] == id || m["title"] != "Copy of Dog walkers" || m["revision"] != 1.0 || a.Header.Get("ETag") == "" || a.Header.Get("Idempotent-Replayed") != "" {
		t.Errorf("%v %v", a.Header, m)
	}
	if f := k.call("GET", "/v1/projects/"+m["id"].(string)+"/files/a.ts", "").object(); f["content"] != "two\n" || f["version"] != 1.0 {
		t.Error(f)
	}
	body := `{"title":"  As it was ","revision":1}`
	first := k.call("POST", url+"/", body, "Idempotency-Key: one").want(200)
	if m = first.object(); m["title"] != "As it was" {
		t.Error(m)
	}
	if f := k.call("GET", "/v1/projects/"+m["id"].(string)+"/revisions/1", "").object(); f["message"] != "Copy of revision 1 of project "+id || !strings.Contains(fmt.Sprint(f["files"]), "content:one") {
		t.Error(f)
	}
	if again := k.call("POST", url, body, "Idempotency-Key: one").want(200); again.Body != first.Body || again.Header.Get("Idempotent-Replayed") != "true" {
		t.Error(again)
	}
	k.call("POST", url, `{}`, "Idempotency-Key: one").fails(409, "CONFLICT")
	k.call("POST", url, `{"revision":3}`).fails(404, "RESOURCE_NOT_FOUND")
	k.wantFields(k.call("POST", url, `{"title":"no","revision":0,"to":"x"}`), "revision greater_than_equal", "title string_too_short", "to extra_forbidden")
	k.call("POST", url, "", "Authorization: Bearer bob").fails(404, "RESOURCE_NOT_FOUND")
}
