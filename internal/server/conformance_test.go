package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"codeforge"
)

// exchange is one row of the contract: what is asked, and what must come. Paths and bodies name what was made before in braces.
type exchange struct {
	ask    string // method and path
	body   string // "": none
	status int
	keys   string // that the answer has at least; of an error of 400: the field that it names
	is     string // what members of the answer are, as name=value
	nobody bool   // asked without a token
}

const (
	projectHas  = "id user_id title description mode status requirements_spec architecture_spec tech_stack created_at updated_at"
	fileHas     = "id project_id path content language version created_at updated_at"
	profileHas  = "id username full_name avatar_url skill_level created_at updated_at"
	sessionHas  = "id project_id transcript concepts_covered duration_minutes created_at"
	jobHas      = "job_id status agent_type project_id result error progress created_at completed_at"
	roadmapHas  = "id project_id modules current_step_index created_at"
	choiceHas   = "context options recommendation"
	refactorHas = "original_code refactored_code explanation full_file_content"
	absent      = "0198c0de-0000-7000-8000-0000000000ff"
	fullSession = `{"transcript":[{"role":"mentor","content":"  why?\n "}],"concepts_covered":["state"],"duration_minutes":480}`
)

// conformance is the contract, endpoint by endpoint, shape by shape, error by error. Rows are asked in order.
var conformance = []exchange{
	{ask: "GET /health", status: 200, keys: "status service version", is: "service=codeforge-backend version=0.1.0", nobody: true},
	{ask: "GET /v1/nowhere", status: 404, keys: "detail error message"},
	{ask: "PATCH /v1/projects/", status: 405, keys: "detail error message"},

	// 8 to 12: projects.
	{ask: "POST /v1/projects/", body: `{"title":"  Dogs  ","description":" d ","tech_stack":["Go"]}`, status: 200, keys: projectHas, is: "title=Dogs description=d mode=builder status=planning requirements_spec=<nil>"},
	{ask: "POST /v1/projects", body: `{"title":"Learning","mode":"student"}`, status: 200, keys: projectHas, is: "mode=student tech_stack=<nil>"},
	{ask: "POST /v1/projects/", body: `{"title":"Do"}`, status: 422},
	{ask: "POST /v1/projects/", body: `{"title":"Dogs","owner":"me"}`, status: 422},
	{ask: "POST /v1/projects/", body: `{"title":"Dogs","mode":"expert"}`, status: 422},
	{ask: "POST /v1/projects/", body: `{"title":"Dogs"}`, status: 401, nobody: true},
	{ask: "GET /v1/projects/", status: 200, keys: "items total page page_size has_more", is: "total=2 page=1 page_size=20 has_more=false"},
	{ask: "GET /v1/projects?mode=student", status: 200, is: "total=1"},
	{ask: "GET /v1/projects/?status=wrong", status: 422},
	{ask: "GET /v1/projects/{project}", status: 200, keys: projectHas, is: "id={project}"},
	{ask: "GET /v1/projects/nonsense", status: 400, keys: "id"},
	{ask: "GET /v1/projects/" + absent, status: 404, is: "resource=Project id=" + absent},
	{ask: "PUT /v1/projects/{project}", body: `{"status":"building","requirements_spec":{"a":1}}`, status: 200, keys: projectHas, is: "status=building requirements_spec=map[a:1]"},
	{ask: "PUT /v1/projects/{project}", body: `{}`, status: 400, keys: "body"},
	{ask: "PUT /v1/projects/{project}", body: `{"user_id":"x"}`, status: 422},

	// 13 to 17: files.
	{ask: "POST /v1/projects/{project}/files", body: `{"path":"src/main.ts","content":"export {}\n"}`, status: 200, keys: fileHas, is: "path=src/main.ts version=1 language=typescript"},
	{ask: "POST /v1/projects/{project}/files", body: `{"path":"src/main.ts","content":"export {} \n"}`, status: 200, keys: fileHas, is: "version=2"},
	{ask: "POST /v1/projects/{project}/files", body: `{"path":"../x.ts","content":""}`, status: 400, keys: "path"},
	{ask: "GET /v1/projects/{project}/files", status: 200, keys: "project_id count files", is: "count=1"},
	{ask: "GET /v1/projects/{project}/files/src/main.ts", status: 200, keys: fileHas, is: "version=2"},
	{ask: "GET /v1/projects/{project}/files/src/no.ts", status: 404, is: "resource=File"},
	{ask: "PUT /v1/projects/{project}/files/src/main.ts", body: `{"content":"let a = 1\n"}`, status: 200, keys: fileHas, is: "version=3"},
	{ask: "PUT /v1/projects/{project}/files/src/no.ts", body: `{"content":""}`, status: 404, is: "resource=File"},
	{ask: "DELETE /v1/projects/{project}/files/src/main.ts", status: 200, keys: "message path", is: "path=src/main.ts"},
	{ask: "DELETE /v1/projects/{project}/files/src/main.ts", status: 404, is: "resource=File"},

	// 1 to 6: jobs.
	{ask: "POST /v1/run-agent", body: `{"project_id":"{project}","agent_type":"research","input_context":{"user_message":"dogs","skip_clarification":true}}`, status: 200, keys: "job_id status estimated_time", is: "status=queued"},
	{ask: "POST /v1/agents/run-agent", body: `{"project_id":"{project}","agent_type":"wizard"}`, status: 422},
	{ask: "POST /v1/run-agent", body: `{"project_id":"` + absent + `","agent_type":"qa"}`, status: 404, is: "resource=Project"},
	{ask: "GET /v1/jobs/{job}", status: 200, keys: jobHas, is: "agent_type=research project_id={project}"},
	{ask: "GET /v1/agents/jobs/" + absent, status: 404, is: "resource=Job"},
	{ask: "GET /v1/jobs/{project}/list", status: 200, keys: "project_id count jobs items page page_size total has_more", is: "total=1"},
	{ask: "GET /v1/agents/jobs/{project}/list?limit=101", status: 422},

	// 20 to 22: profiles.
	{ask: "GET /v1/profiles/me", status: 200, keys: profileHas, is: "username=<nil> skill_level=beginner"},
	{ask: "GET /v1/profiles/me/", status: 401, nobody: true},
	{ask: "POST /v1/profiles/", body: `{"username":" ada ","full_name":"Ada","skill_level":"advanced"}`, status: 200, keys: profileHas, is: "username=ada full_name=Ada skill_level=advanced"},
	{ask: "POST /v1/profiles", body: `{"full_name":null}`, status: 200, is: "username=ada full_name=Ada"},
	{ask: "POST /v1/profiles/", body: `{"username":"taken"}`, status: 400, keys: "username"},
	{ask: "PUT /v1/profiles/me", body: `{"username":"taken"}`, status: 400, keys: "username"},
	{ask: "PUT /v1/profiles/me", body: `{"avatar_url":"https://example.com/a.png"}`, status: 200, keys: profileHas, is: "username=ada avatar_url=https://example.com/a.png"},
	{ask: "PUT /v1/profiles/me", body: `{}`, status: 400, keys: "body"},
	{ask: "PUT /v1/profiles/me", body: `{"skill_level":"wizard"}`, status: 422},
	{ask: "PUT /v1/profiles/me", body: `{"username":"a"}`, status: 422},

	// 24 to 30: what students have.
	{ask: "GET /v1/student/{student}/roadmap", status: 404, is: "resource=Roadmap"},
	{ask: "GET /v1/student/{project}/roadmap", status: 400, keys: "mode"},
	{ask: "GET /v1/student/" + absent + "/roadmap", status: 404, is: "resource=Project id=" + absent},
	{ask: "GET /v1/student/nonsense/roadmap", status: 400, keys: "id"},
	{ask: "PUT /v1/student/{student}/roadmap/progress", body: `{"step_index":0}`, status: 404, is: "resource=Roadmap"},
	{ask: "PUT /v1/student/{student}/roadmap/progress", body: `{"step_index":-1}`, status: 422},
	{ask: "PUT /v1/student/{project}/roadmap/progress", body: `{"step_index":0}`, status: 400, keys: "mode"},
	{ask: "PUT /v1/student/{student}/choice", body: `{"module_index":0,"option_id":"a"}`, status: 404, is: "resource=Roadmap"},
	{ask: "PUT /v1/student/{student}/choice", body: `{"module_index":0}`, status: 422},
	{ask: "PUT /v1/student/{project}/choice", body: `{"module_index":0,"option_id":"a"}`, status: 400, keys: "mode"},
	{ask: "GET /v1/student/{student}/progress", status: 404, is: "resource=Roadmap"},
	{ask: "GET /v1/student/{project}/progress", status: 400, keys: "mode"},
	{ask: "POST /v1/student/{student}/sessions", body: fullSession, status: 200, keys: sessionHas, is: "project_id={student} duration_minutes=480 concepts_covered=[state]"},
	{ask: "POST /v1/student/{student}/sessions/", body: `{"transcript":[],"concepts_covered":[]}`, status: 200, keys: sessionHas, is: "duration_minutes=0 transcript=[]"},
	{ask: "POST /v1/student/{student}/sessions", body: `{"transcript":[],"concepts_covered":[],"duration_minutes":481}`, status: 422},
	{ask: "POST /v1/student/{project}/sessions", body: fullSession, status: 400, keys: "mode"},
	{ask: "GET /v1/student/{student}/sessions", status: 200, keys: "project_id count sessions", is: "count=2"},
	{ask: "GET /v1/student/{student}/sessions?limit=1", status: 200, is: "count=1"},
	{ask: "GET /v1/student/{student}/sessions?limit=101", status: 400, keys: "limit"},
	{ask: "GET /v1/student/{project}/sessions", status: 400, keys: "mode"},
	{ask: "POST /v1/student/{project}/choice", body: `{"decision_context":"Where should data be kept?","module_index":0}`, status: 400, keys: "mode"},

	// 23 to 30, with a roadmap.
	{ask: "POST /v1/student/{student}/roadmap", body: `{"skill_level":"beginner"}`, status: 400, keys: "requirements_spec"},
	{ask: "POST /v1/student/{project}/roadmap", body: `{"skill_level":"beginner"}`, status: 400, keys: "mode"},
	{ask: "POST /v1/student/{student}/roadmap", body: `{"skill_level":"wizard"}`, status: 422},
	{ask: "PUT /v1/projects/{student}", body: `{"requirements_spec":{"app_name":"Walks","core_features":[{"name":"List of walks","description":"Shows all walks of a week","priority":"must-have"}]}}`, status: 200, keys: projectHas},
	{ask: "POST /v1/student/{student}/roadmap", body: `{"skill_level":"beginner","focus_areas":["state"]}`, status: 200, keys: "roadmap total_modules total_estimated_hours"},
	{ask: "GET /v1/student/{student}/roadmap", status: 200, keys: roadmapHas, is: "project_id={student} current_step_index=0"},
	{ask: "PUT /v1/student/{student}/roadmap/progress", body: `{"step_index":1}`, status: 200, keys: roadmapHas, is: "project_id={student} current_step_index=1"},
	{ask: "PUT /v1/student/{student}/roadmap/progress", body: `{"step_index":1000}`, status: 400, keys: "step_index"},
	{ask: "POST /v1/student/{student}/choice", body: `{"decision_context":"Where should the data of walks be kept?","module_index":0}`, status: 200, keys: choiceHas},
	{ask: "POST /v1/student/{student}/choice", body: `{"decision_context":"Where?","module_index":0}`, status: 422},
	{ask: "POST /v1/student/choice-framework", body: `{"project_id":"{student}","decision_context":"Where should the data of walks be kept?","module_index":0}`, status: 200, keys: choiceHas},
	{ask: "POST /v1/student/choice-framework", body: `{"project_id":"` + absent + `","decision_context":"Where should data be kept?","module_index":0}`, status: 404, is: "resource=Project"},
	{ask: "PUT /v1/student/{student}/choice", body: `{"module_index":0,"option_id":"local-storage"}`, status: 200, keys: "message module_index option_id", is: "message=Choice_recorded module_index=0 option_id=local-storage"},
	{ask: "PUT /v1/student/{student}/choice", body: `{"module_index":1000,"option_id":"a"}`, status: 400, keys: "module_index"},
	{ask: "GET /v1/student/{student}/progress", status: 200, keys: "roadmap_id project_id completed_modules total_modules current_module percent_complete total_sessions total_time_minutes",
		is: "project_id={student} completed_modules=1 total_sessions=2 total_time_minutes=480"},
	{ask: "POST /v1/student/ask", body: `{"project_id":"{student}","question":"What is state?"}`, status: 200, keys: "encouragement steps key_concept further_exploration"},
	{ask: "POST /v1/student/ask", body: `{"project_id":"{project}","question":"What is state?"}`, status: 400, keys: "mode"},
	{ask: "POST /v1/student/ask", body: `{"project_id":"{student}","question":""}`, status: 422},

	// 18: refactoring.
	{ask: "POST /v1/projects/{project}/files", body: `{"path":"src/sum.ts","content":"var total = 0\nexport { total }\n"}`, status: 200, keys: fileHas},
	{ask: "POST /v1/projects/{project}/files/src/sum.ts/refactor", body: `{"selected_code":"var total = 0","instruction":"Use let and const"}`, status: 200, keys: refactorHas, is: "original_code=var_total_=_0"},
	{ask: "GET /v1/projects/{project}/files/src/sum.ts", status: 200, is: "version=1"},
	{ask: "POST /v1/refactor", body: `{"project_id":"{project}","path":"src/sum.ts","selected_code":"var total = 0\n","instruction":"Use let and const"}`, status: 200, keys: refactorHas},
	{ask: "POST /v1/projects/{project}/files/src/sum.ts/refactor", body: `{"selected_code":"let nowhere = 1","instruction":"Use let and const"}`, status: 400, keys: "selected_code"},
	{ask: "POST /v1/projects/{project}/files/src/no.ts/refactor", body: `{"selected_code":"a","instruction":"Use let"}`, status: 404, is: "resource=File"},
	{ask: "POST /v1/projects/{project}/files/src/sum.ts/refactor", body: `{"selected_code":"","instruction":"Use let"}`, status: 422},

	// 19: GitHub, which knows nobody here.
	{ask: "POST /v1/projects/{project}/export/github", body: `{"repo_name":"walkers","github_token":"ghp_unknown"}`, status: 400, keys: "github_token"},
	{ask: "POST /v1/projects/{project}/export/github", body: `{"repo_name":"-walkers","github_token":"ghp_unknown"}`, status: 422},
	{ask: "POST /v1/projects/" + absent + "/export/github", body: `{"repo_name":"walkers","github_token":"ghp_unknown"}`, status: 404, is: "resource=Project"},

	// What this API has beside the contract.
	{ask: "GET /v1/jobs?limit=1", status: 200, keys: "count jobs items has_more next_cursor", is: "count=1 has_more=true"},
	{ask: "GET /v1/jobs?state=completed&agent=refactor&project={project}", status: 200, is: "count=2 has_more=false next_cursor=<nil>"},
	{ask: "GET /v1/jobs?agent=choice", status: 200, is: "count=2"},
	{ask: "GET /v1/jobs?state=done", status: 422},
	{ask: "GET /v1/jobs?cursor=%3F", status: 400, keys: "cursor"},
	{ask: "GET /v1/jobs?project=" + absent, status: 404, is: "resource=Project"},
	{ask: "GET /v1/jobs/{job}/calls", status: 200, keys: "job_id count items has_more next_cursor", is: "job_id={job} has_more=false"},
	{ask: "GET /v1/jobs/{job}/calls?limit=0", status: 422},
	{ask: "GET /v1/jobs/" + absent + "/calls", status: 404, is: "resource=Job"},
	{ask: "GET /v1/jobs/{job}/calls/1", status: 200, keys: "job_id call model finish_reason error_code parts", is: "job_id={job} call=1 error_code=<nil>"},
	{ask: "GET /v1/jobs/{job}/calls/999", status: 404, is: "resource=Call"},
	{ask: "GET /v1/jobs/{job}/calls/0", status: 422},
	{ask: "GET /v1/jobs/" + absent + "/calls/1", status: 404, is: "resource=Job"},
	{ask: "GET /v1/jobs/nonsense/calls/1", status: 400, keys: "id"},
	{ask: "POST /v1/models/test", body: `{"model":"scaffold:templates"}`, status: 200, keys: "model answered served own_key first_token_ms duration_ms cost_micro_usd reason message input_tokens output_tokens", is: "model=scaffold:templates answered=true reason=<nil> own_key=false"},
	{ask: "POST /v1/models/test", body: `{"model":"nobody"}`, status: 400, keys: "model"},
	{ask: "POST /v1/models/test", body: `{"model":"openai:*"}`, status: 400, keys: "model"},
	{ask: "POST /v1/models/test", body: `{"model":""}`, status: 422},
	{ask: "POST /v1/models/test", body: `{"model":"scaffold:templates"}`, status: 401, nobody: true},
	{ask: "POST /v1/keys/openai/test", status: 404, is: "resource=Key"},
	{ask: "POST /v1/keys/nobody/test", status: 404, is: "resource=Key"},
	{ask: "POST /v1/keys/openai/test", status: 401, nobody: true},
	{ask: "GET /v1/projects/{project}/revisions/5/diff?from=1", status: 200, keys: "project_id revision base files counts unified too_large", is: "revision=5 base=1"},
	{ask: "GET /v1/projects/{project}/revisions/5/diff?from=9", status: 404, is: "resource=Revision id=9"},
	{ask: "POST /v1/projects/{project}/copy", body: `{"revision":9}`, status: 404, is: "resource=Revision id=9"},
	{ask: "POST /v1/projects/{student}/copy", status: 200, keys: projectHas, is: "title=Copy_of_Learning mode=student revision=0"},

	// 31: the waitlist.
	{ask: "POST /v1/waitlist/", body: `{"email":"ada@example.com"}`, status: 201, keys: "message", is: "message=Joined_waitlist_successfully", nobody: true},
	{ask: "POST /v1/waitlist", body: `{"email":"ADA@example.com"}`, status: 201, is: "message=Joined_waitlist_successfully", nobody: true},
	{ask: "POST /v1/waitlist/", body: `{"email":"ada"}`, status: 422, nobody: true},

	{ask: "DELETE /v1/projects/{project}", status: 200, keys: "message project_id", is: "project_id={project}"},
	{ask: "GET /v1/projects/", status: 200, is: "total=2"},
	{ask: "GET /v1/profiles/me/export", status: 200},
	{ask: "DELETE /v1/profiles/me?permanent=false", status: 400, keys: "permanent"},
	{ask: "DELETE /v1/profiles/me?permanent=true", status: 200, keys: "message id"},
	{ask: "GET /v1/projects/?status=archived", status: 200, is: "total=0"},
	{ask: "GET /v1/profiles/me", status: 200, keys: profileHas, is: "username=<nil>"},
}

// codes are the errors of the contract by status.
var codes = map[int]string{400: "VALIDATION_ERROR", 401: "AUTHENTICATION_ERROR", 404: "RESOURCE_NOT_FOUND", 422: "VALIDATION_ERROR"}

// TestConformance asks every row of the contract over HTTP, on every store.
func TestConformance(t *testing.T) {
	hub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"message":"Bad credentials"}`)
	}))
	defer hub.Close()
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			p, args := open(t)
			s := serve(t, configured(t, append(args, "--supabase-url", p.url, "--github-api-url", hub.URL, "--key-encryption-key", "what the keys of users are sealed with, long enough")...))
			c, nobody := s.as(p.token(t, alice)), s.as("")
			s.as(p.token(t, bob)).must(t, "PUT", "/v1/profiles/me", object{"username": "taken"}, new(object))
			made := map[string]string{}
			for _, row := range conformance {
				who := c
				if row.nobody {
					who = nobody
				}
				row.check(t, who, made)
			}
		})
	}
}

// check asks a row, and remembers what it made.
func (row exchange) check(t *testing.T, c caller, made map[string]string) {
	t.Helper()
	fill := func(s string) string {
		for name, id := range made {
			s = strings.ReplaceAll(s, "{"+name+"}", id)
		}
		return s
	}
	method, path, _ := strings.Cut(fill(row.ask), " ")
	var body any
	if row.body != "" {
		body = json.RawMessage(fill(row.body))
	}
	status, text, h := c.ask(t, method, path, body)
	if status != row.status {
		t.Errorf("%s %s: %d, want %d: %s", row.ask, row.body, status, row.status, text)
		return
	}
	if h.Get("X-Request-Id") == "" {
		t.Errorf("%s: no request id", row.ask)
	}
	if !strings.HasPrefix(h.Get("Content-Type"), "application/json") {
		return
	}
	var answer object
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		t.Errorf("%s: %v: %s", row.ask, err, text)
		return
	}
	row.remember(answer, made)
	members := answer
	if status >= 400 {
		details, _ := answer["details"].(object)
		if answer["error"] != codes[status] && codes[status] != "" && answer["detail"] == nil || answer["message"] == "" || answer["request_id"] != h.Get("X-Request-Id") {
			t.Errorf("%s: %s", row.ask, text)
		}
		switch {
		case status == http.StatusBadRequest && (details["field"] != row.keys || details["reason"] == nil):
			t.Errorf("%s: field %v, want %s", row.ask, details["field"], row.keys)
		case status == http.StatusUnprocessableEntity && details["errors"] == nil:
			t.Errorf("%s: %s", row.ask, text)
		}
		members = details
	}
	if status != http.StatusBadRequest {
		for key := range strings.FieldsSeq(row.keys) {
			if _, ok := answer[key]; !ok {
				t.Errorf("%s: no %s in %s", row.ask, key, text)
			}
		}
	}
	for pair := range strings.FieldsSeq(fill(row.is)) {
		name, want, _ := strings.Cut(pair, "=")
		if got := strings.ReplaceAll(fmt.Sprint(members[name]), " ", "_"); got != want {
			t.Errorf("%s: %s is %s, want %s", row.ask, name, got, want)
		}
	}
}

// remember keeps the ids of the projects and of the job that were made.
func (row exchange) remember(answer object, made map[string]string) {
	id, _ := answer["id"].(string)
	job, _ := answer["job_id"].(string)
	switch {
	case strings.HasPrefix(row.ask, "POST /v1/projects") && !strings.HasSuffix(row.ask, "/copy") && id != "" && answer["title"] != nil:
		name := "project"
		if answer["mode"] == string(codeforge.ModeStudent) {
			name = "student"
		}
		made[name] = id
	case row.status == http.StatusOK && strings.HasPrefix(row.ask, "POST /v1/run-agent") && job != "":
		made["job"] = job
	}
}
