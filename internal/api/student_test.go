package api_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
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
