package api_test

import (
	"archive/zip"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"

	"codeforge"
)

const profileKeys = "id username full_name avatar_url skill_level created_at updated_at"

func TestProfiles(t *testing.T) {
	k := newKit(t)
	p := k.call("GET", "/v1/profiles/me", "").want(200).keys(profileKeys)
	if p["id"] != alice || p["username"] != nil || p["skill_level"] != "beginner" {
		t.Errorf("%v", p)
	}
	p = k.call("POST", "/v1/profiles", `{"username":" ada ","full_name":null,"skill_level":"advanced"}`).want(200).keys(profileKeys)
	if p["username"] != "ada" || p["full_name"] != nil || p["skill_level"] != "advanced" {
		t.Errorf("%v", p)
	}
	p = k.call("PUT", "/v1/profiles/me/", `{"full_name":"Ada Lovelace","avatar_url":"https://example.com/a.png"}`).want(200).object()
	if p["username"] != "ada" || p["full_name"] != "Ada Lovelace" || p["avatar_url"] != "https://example.com/a.png" {
		t.Errorf("%v", p)
	}
	if again := k.call("POST", "/v1/profiles/", `{}`).want(200).object(); fmt.Sprint(again) != fmt.Sprint(p) {
		t.Errorf("%v", again)
	}
	for _, body := range []string{`{}`, `{"username":null}`} {
		if d := k.call("PUT", "/v1/profiles/me", body).fails(400, "VALIDATION_ERROR"); d["field"] != "body" {
			t.Errorf("%s: %v", body, d)
		}
	}
	for _, method := range []string{"POST /v1/profiles/", "PUT /v1/profiles/me"} {
		verb, path, _ := strings.Cut(method, " ")
		d := k.call(verb, path, `{"username":"ada"}`, "Authorization: Bearer bob").fails(400, "VALIDATION_ERROR")
		if d["field"] != "username" {
			t.Errorf("%v", d)
		}
	}
	for _, body := range []string{`{"username":"a"}`, `{"username":"` + strings.Repeat("x", 51) + `"}`, `{"full_name":" "}`, `{"avatar_url":"` + strings.Repeat("x", 501) + `"}`,
		`{"skill_level":"wizard"}`, `{"id":"x"}`, `{"username":7}`} {
		k.call("PUT", "/v1/profiles/me", body).fails(422, "VALIDATION_ERROR")
	}
}

// Bounds are told as people write them.
func TestBoundsAreReadable(t *testing.T) {
	k := newKit(t)
	for _, c := range [][3]string{
		{"PUT /v1/student/" + alice + "/roadmap/progress", `{"step_index":1e18}`, "Must be at most 1000000000"},
		{"POST /v1/projects/" + alice + "/files/a.js/refactor", `{"selected_code":"","instruction":"abc"}`, "Must have at least 1 character"},
	} {
		method, path, _ := strings.Cut(c[0], " ")
		a := k.call(method, path, c[1])
		if a.fails(422, "VALIDATION_ERROR"); !strings.Contains(a.Body, `"message":"`+c[2]+`"`) {
			t.Error(a.Body)
		}
	}
}

func TestWaitlist(t *testing.T) {
	k := newKit(t)
	nobody := func(method, path, body string) answer { return k.call(method, path, body, "Authorization:") }
	for range 2 {
		if a := nobody("POST", "/v1/waitlist/", `{"email":" Ada@Example.com "}`).want(201).keys("message"); a["message"] != "Joined waitlist successfully" {
			t.Errorf("%v", a)
		}
	}
	for _, email := range []string{"", "ada", "ada@", "@example.com", "ada@example", "Ada <ada@example.com>", "a b@example.com", "ada@-example.com", "ada@example..com", `\"a b\"@example.com`,
		strings.Repeat("x", 65) + "@example.com", "ada@" + strings.Repeat("x", 64) + ".com", "ada@[127.0.0.1]", "ada@exa_mple.com", "ada@example.com, bob@example.com", "ada@example.com\\u0007"} {
		nobody("POST", "/v1/waitlist", `{"email":"`+email+`"}`).fails(422, "VALIDATION_ERROR")
	}
	for i := range 8 {
		nobody("POST", "/v1/waitlist", fmt.Sprintf(`{"email":"%d@example.com"}`, i)).want(201)
	}
	for _, email := range []string{"new@example.com", "ada@example.com"} { // one answer, whoever is on the list
		if d := nobody("POST", "/v1/waitlist", `{"email":"`+email+`"}`).fails(429, "RATE_LIMIT_EXCEEDED"); d["retry_after"] == nil {
			t.Errorf("%v", d)
		}
	}
}

func TestStudentMode(t *testing.T) {
	k := newKit(t)
	project := k.call("POST", "/v1/projects/", `{"title":"Learning","mode":"student"}`).want(200).object()["id"].(string)
	builder := k.call("POST", "/v1/projects/", `{"title":"Building"}`).want(200).object()["id"].(string)
	at, session := "/v1/student/"+project, `{"transcript":[{"role":"mentor","content":"  why?\n "}],"concepts_covered":[" state "],"duration_minutes":25}`
	for _, c := range []struct{ method, path, body string }{
		{"GET", "/roadmap", ""}, {"PUT", "/roadmap/progress", `{"step_index":0}`}, {"PUT", "/choice", `{"module_index":0,"option_id":"a"}`}, {"GET", "/progress", ""},
		{"POST", "/sessions", session}, {"GET", "/sessions", ""},
	} {
		if d := k.call(c.method, "/v1/student/"+builder+c.path, c.body).fails(400, "VALIDATION_ERROR"); d["field"] != "mode" {
			t.Errorf("%s: %v", c.path, d)
		}
		if d := k.call(c.method, at+c.path, c.body, "Authorization: Bearer bob").fails(404, "RESOURCE_NOT_FOUND"); d["resource"] != "Project" || d["id"] != project {
			t.Errorf("%s: %v", c.path, d)
		}
		if c.method == "GET" && c.path == "/roadmap" {
			if a := k.call("GET", at+"/roadmap?optional=true", "").want(204); a.Body != "" {
				t.Errorf("%q", a.Body)
			}
			k.call("GET", at+"/roadmap?optional=true", "", "Authorization: Bearer bob").fails(404, "RESOURCE_NOT_FOUND")
			k.call("GET", "/v1/student/"+builder+"/roadmap?optional=true", "").fails(400, "VALIDATION_ERROR")
		}
		if strings.Contains(c.path, "sessions") {
			continue
		}
		if d := k.call(c.method, at+c.path, c.body).fails(404, "RESOURCE_NOT_FOUND"); d["resource"] != "Roadmap" {
			t.Errorf("%s: %v", c.path, d)
		}
	}
	s := k.call("POST", at+"/sessions", session).want(200).keys("id project_id transcript concepts_covered duration_minutes created_at")
	text, _ := json.Marshal(s["transcript"])
	if string(text) != `[{"content":"  why?\n ","role":"mentor"}]` || fmt.Sprint(s["concepts_covered"]) != "[state]" || s["duration_minutes"] != 25.0 || s["project_id"] != project {
		t.Errorf("%v", s)
	}
	if s = k.call("POST", at+"/sessions/", `{"transcript":[],"concepts_covered":[]}`).want(200).object(); s["duration_minutes"] != 0.0 {
		t.Errorf("%v", s)
	}
	list := k.call("GET", at+"/sessions?limit=100", "").want(200).keys("project_id count sessions")
	if list["count"] != 2.0 {
		t.Errorf("%v", list)
	}
	for _, limit := range []string{"0", "101", "-1"} {
		if d := k.call("GET", at+"/sessions?limit="+limit, "").fails(400, "VALIDATION_ERROR"); d["field"] != "limit" {
			t.Errorf("%s: %v", limit, d)
		}
	}
	big := `{"transcript":[{"content":"` + strings.Repeat("x", 200_000) + `"}],"concepts_covered":[]}`
	if d := k.call("POST", at+"/sessions", big).fails(400, "VALIDATION_ERROR"); d["field"] != "transcript" {
		t.Errorf("%v", d)
	}
	for _, body := range []string{`{}`, `{"transcript":{},"concepts_covered":[]}`, `{"transcript":["x"],"concepts_covered":[]}`, `{"transcript":[null],"concepts_covered":[]}`,
		`{"transcript":[` + strings.Repeat("{},", 100) + `{}],"concepts_covered":[]}`, `{"transcript":[],"concepts_covered":[` + strings.Repeat(`"x",`, 20) + `"x"]}`,
		`{"transcript":[],"concepts_covered":[],"duration_minutes":481}`, `{"transcript":[],"concepts_covered":[],"mood":"good"}`} {
		k.call("POST", at+"/sessions", body).fails(422, "VALIDATION_ERROR")
	}
	for _, c := range []struct{ path, body string }{{"/roadmap/progress", `{"step_index":-1}`}, {"/roadmap/progress", `{}`}, {"/choice", `{"module_index":0,"option_id":""}`},
		{"/choice", `{"module_index":0,"option_id":"` + strings.Repeat("x", 51) + `"}`}} {
		k.call("PUT", at+c.path, c.body).fails(422, "VALIDATION_ERROR")
	}
}

// TestAccountExport reads all that a user has out of one archive, and nothing of others.
func TestAccountExport(t *testing.T) {
	k := newKit(t)
	project := k.call("POST", "/v1/projects/", `{"title":"Learning","mode":"student"}`).want(200).object()["id"].(string)
	k.file(project, "src/main.ts", "export const mine = 1\n")
	archived := k.project()
	k.call("DELETE", "/v1/projects/"+archived, "").want(200)
	k.job(project, "qa")
	for i := range 45 {
		k.call("POST", "/v1/student/"+project+"/sessions", fmt.Sprintf(`{"transcript":[{"n":%d}],"concepts_covered":[]}`, i)).want(200)
		if err := k.store.AddMessages(k.Context(), project, []codeforge.Message{{Role: "user", Content: fmt.Sprint("line ", i)}}); err != nil {
			t.Fatal(err)
		}
	}
	k.call("POST", "/v1/projects/", `{"title":"Of somebody else"}`, "Authorization: Bearer bob").want(200)
	a := k.call("GET", "/v1/profiles/me/export", "").want(200)
	if got := a.Header.Get("Content-Type"); got != "application/zip" {
		t.Error(got)
	}
	z, err := zip.NewReader(strings.NewReader(a.Body), int64(len(a.Body)))
	if err != nil {
		t.Fatal(err)
	}
	held := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		held[f.Name] = string(text)
	}
	at := "projects/" + project + "/"
	for name, want := range map[string]string{"profile.json": alice, "webhooks.json": "[]", "keys.json": "[]", at + "project.json": "Learning", at + "files/src/main.ts": "mine = 1", at + "revisions-1.json": `"author"`,
		at + "jobs-1.json": `"qa"`, at + "messages-1.json": "line 44", at + "messages-3.json": "line 0", at + "sessions-1.json": `"n": 44`, at + "sessions-3.json": `"n": 0`,
		"projects/" + archived + "/project.json": "archived"} {
		if !strings.Contains(held[name], want) {
			t.Errorf("%s has no %q: %s", name, want, held[name])
		}
	}
	if all := fmt.Sprint(held); strings.Contains(all, "somebody else") || strings.Contains(all, bob) {
		t.Error("the export holds what is another's")
	}
	lines := regexp.MustCompile(`line \d+"`).FindAllString(fmt.Sprint(held), -1)
	if slices.Sort(lines); len(slices.Compact(lines)) != 45 {
		t.Errorf("%d lines of the conversation", len(lines))
	}
	k.call("HEAD", "/v1/profiles/me/export", "").want(200)
	k.call("GET", "/v1/profiles/me/export", "", "Authorization:").fails(401, "AUTHENTICATION_ERROR")
}

// TestAccountIsDeleted leaves nothing of a user, and all of others; the user may come again.
func TestAccountIsDeleted(t *testing.T) {
	k := newKit(t)
	k.call("PUT", "/v1/profiles/me", `{"username":"ada"}`).want(200)
	for i := range 45 {
		id := k.call("POST", "/v1/projects/", fmt.Sprintf(`{"title":"Project %d"}`, i)).want(200).object()["id"].(string)
		if i%3 == 0 {
			k.call("DELETE", "/v1/projects/"+id, "").want(200)
		} else if i%3 == 1 {
			k.job(id, "qa")
		}
	}
	of := k.call("POST", "/v1/projects/", `{"title":"Of somebody else"}`, "Authorization: Bearer bob").want(200).object()["id"].(string)
	k.call("DELETE", "/v1/profiles/me", "").fails(422, "VALIDATION_ERROR")
	if d := k.call("DELETE", "/v1/profiles/me?permanent=false", "").fails(400, "VALIDATION_ERROR"); d["field"] != "permanent" {
		t.Errorf("%v", d)
	}
	if n := k.call("GET", "/v1/projects/", "").object()["total"]; n != 30.0 {
		t.Fatal(n)
	}
	for range 2 {
		if a := k.call("DELETE", "/v1/profiles/me/?permanent=true", "").want(200).keys("message id"); a["id"] != alice {
			t.Errorf("%v", a)
		}
	}
	for _, query := range []string{"", "?status=archived"} {
		if n := k.call("GET", "/v1/projects/"+query, "").object()["total"]; n != 0.0 {
			t.Errorf("%v projects are left", n)
		}
	}
	if p := k.call("GET", "/v1/profiles/me", "").want(200).object(); p["username"] != nil {
		t.Errorf("%v", p)
	}
	k.call("PUT", "/v1/profiles/me", `{"username":"ada"}`, "Authorization: Bearer bob").want(200)
	k.call("GET", "/v1/projects/"+of, "", "Authorization: Bearer bob").want(200)
}
