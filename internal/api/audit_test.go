package api

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"codeforge"
	"codeforge/internal/audit"
)

// everyday are the operations that change something without a record of their own: what they do stands in the history of the
// project, in its jobs, or among the calls of models; and those that only try something.
var everyday = []string{"create_project", "copy_project", "create_file", "update_file", "run_agent", "run_pipeline", "respond", "clarify", "retry_job", "record_choice", "set_roadmap_step", "add_session", "put_profile", "update_profile", "join_waitlist", "apply_proposal", "reject_proposal", "test_webhook", "redeliver_webhook",
	"plan_roadmap", "make_choice", "make_placed_choice", "ask_mentor", "refactor_file", "refactor", "test_model", "test_key", "diagnose"}

// TestAuditedOperations: whoever adds an operation says whether it is recorded. Those that only read are not, but for exports.
func TestAuditedOperations(t *testing.T) {
	s := newServer(Options{})
	seen := map[string]bool{}
	for path, item := range s.huma.OpenAPI().Paths {
		for method, op := range map[string]bool{http.MethodPost: item.Post != nil, http.MethodPut: item.Put != nil, http.MethodDelete: item.Delete != nil, http.MethodPatch: item.Patch != nil, http.MethodGet: item.Get != nil} {
			if !op {
				continue
			}
			id := ""
			switch method {
			case http.MethodPost:
				id = item.Post.OperationID
			case http.MethodPut:
				id = item.Put.OperationID
			case http.MethodDelete:
				id = item.Delete.OperationID
			case http.MethodPatch:
				id = item.Patch.OperationID
			case http.MethodGet:
				id = item.Get.OperationID
			}
			seen[id] = true
			recorded, plain := audited[id] != "", slices.Contains(everyday, id)
			export := strings.HasPrefix(id, "export_")
			switch {
			case recorded && plain:
				t.Errorf("%s is in both lists", id)
			case method == http.MethodGet && recorded != export:
				t.Errorf("%s %s reads: recorded are exports alone", path, id)
			case method != http.MethodGet && !recorded && !plain:
				t.Errorf("%s %s %s changes something: name it in audited or in everyday", method, path, id)
			}
		}
	}
	for _, id := range append(slices.Collect(maps.Keys(audited)), everyday...) {
		if !seen[id] {
			t.Errorf("%s is listed and is no operation", id)
		}
	}
}

// recorded sends requests to a server of alice, and returns what was kept of them.
func recorded(t *testing.T, requests ...*http.Request) []audit.Entry {
	t.Helper()
	name := filepath.Join(t.TempDir(), "audit.log")
	l, err := audit.Open(audit.Options{Path: name})
	if err != nil {
		t.Fatal(err)
	}
	h := New(Options{Audit: l, Auth: func(r *http.Request) (codeforge.User, error) {
		if r.Header.Get("Authorization") == "Bearer alice" {
			return codeforge.User{ID: "alice"}, nil
		}
		return codeforge.User{}, &codeforge.Error{Kind: codeforge.Unauthenticated, Message: "Invalid token"}
	}})
	for _, r := range requests {
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var all []audit.Entry
	for line := range strings.Lines(string(text)) {
		var e audit.Entry
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

// What is recorded says who, from where, what of, and how it ended; and nothing of what was sent.
func TestAudit(t *testing.T) {
	id := codeforge.NewID()
	request := func(method, target, token, body string) *http.Request {
		r := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
		r.RemoteAddr = "192.0.2.7:1234"
		r.Header.Set("X-Request-Id", "the-request")
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		return r
	}
	got := recorded(t,
		request("PUT", "/v1/budgets", "alice", `{"scope":"user_day","usd":"no number","words":"classified"}`), // refused
		request("POST", "/v1/jobs/"+id+"/cancel", "alice", "{"),                                               // everyday, and refused
		request("POST", "/v1/jobs/not-an-id/cancel?keep=false", "alice", ""),
		request("DELETE", "/v1/projects/not-an-id/files/src/a.ts", "alice", ""),
		request("GET", "/v1/projects/"+id, "mallory", ""),
		request("GET", "/v1/projects/"+id, "eve", ""),
		request("GET", "/v1/projects/"+id, "", ""), // no credential is no failure
		request("DELETE", "/v1/projects/"+id, "", ""),
		request("DELETE", "/v1/projects/"+id+"?permanent=1", "", ""))
	want := []audit.Entry{
		{Action: "budget.set", User: "alice", Address: "192.0.2.7", Request: "the-request", Outcome: audit.Refused, Status: 422},
		{Action: "job.take_back", User: "alice", Address: "192.0.2.7", Request: "the-request", Objects: map[string]string{"job_id": "not-an-id"}, Outcome: audit.Refused, Status: 400},
		{Action: "file.delete", User: "alice", Address: "192.0.2.7", Request: "the-request", Objects: map[string]string{"project_id": "not-an-id", "path": "src/a.ts"}, Outcome: audit.Refused, Status: 400},
		{Action: "project.archive", Address: "192.0.2.7", Request: "the-request", Objects: map[string]string{"project_id": id}, Outcome: audit.Refused, Status: 401},
		{Action: "project.delete", Address: "192.0.2.7", Request: "the-request", Objects: map[string]string{"project_id": id}, Outcome: audit.Refused, Status: 401},
		{Action: "signin.fail", Address: "192.0.2.7", Outcome: audit.Refused, Count: 2},
	}
	if len(got) != len(want) {
		t.Fatalf("%+v", got)
	}
	for i, e := range got {
		w := want[i]
		if e.Time.IsZero() || e.Action != w.Action || e.User != w.User || e.Address != w.Address || e.Request != w.Request || e.Outcome != w.Outcome || e.Status != w.Status || e.Count != w.Count || !maps.Equal(e.Objects, w.Objects) {
			t.Errorf("%+v, want %+v", e, w)
		}
	}
}
