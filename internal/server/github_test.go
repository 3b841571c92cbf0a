package server

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"codeforge"
)

// An export that its process does not outlive ends as failed, in words, and the token is nowhere.
func TestExportToGitHub(t *testing.T) {
	const good, wrong = "ghp_a_token_that_hangs_0123456789", "ghp_a_wrong_token_0123456789"
	asked := make(chan struct{}, 10)
	hub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+good {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, `{"message":"Bad credentials"}`)
			return
		}
		asked <- struct{}{}
		<-r.Context().Done()
	}))
	defer hub.Close()
	dir := t.TempDir()
	p := start(t, dir, "GITHUB_API_URL="+hub.URL)
	c := caller{p.Client}
	var project codeforge.Project
	c.must(t, "POST", "/v1/projects/", object{"title": "Dog walkers"}, &project)
	c.must(t, "POST", "/v1/projects/"+project.ID+"/files", object{"path": "README.md", "content": "# Walkers\n"}, new(object))
	at := "/v1/projects/" + project.ID + "/export/github"
	status, text, _ := c.ask(t, "POST", at, object{"repo_name": "walkers", "github_token": wrong})
	if status != http.StatusBadRequest || !strings.Contains(text, `"field":"github_token"`) || !strings.Contains(text, "wrong, has expired or was revoked") {
		t.Errorf("%d %s", status, text)
	}

	gone := make(chan struct{})
	go func() {
		defer close(gone)
		_ = c.Call(t.Context(), "POST", at, object{"repo_name": "walkers", "github_token": good}, new(object))
	}()
	<-asked
	p.kill()
	<-gone
	p = start(t, dir, "GITHUB_API_URL="+hub.URL)
	var list struct {
		Items []struct {
			ID    string `json:"job_id"`
			Agent string `json:"agent_type"`
		}
	}
	p.must(t, "/v1/jobs/"+project.ID+"/list", &list)
	if len(list.Items) != 2 || list.Items[0].Agent != "github_export" {
		t.Fatalf("%+v", list)
	}
	p.awaitEnd(t, list.Items[0].ID)
	var job struct{ Status, Error string }
	p.must(t, "/v1/jobs/"+list.Items[0].ID, &job)
	if job.Status != "failed" || !strings.Contains(job.Error, "repeat the export") {
		t.Errorf("%+v", job)
	}
	_ = filepath.WalkDir(dir, func(path string, _ os.DirEntry, _ error) error {
		if b, err := os.ReadFile(path); err == nil && (bytes.Contains(b, []byte(good)) || bytes.Contains(b, []byte(wrong))) {
			t.Errorf("the token is in %s", path)
		}
		return nil
	})
}
