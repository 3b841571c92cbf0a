package server

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// TestWebhooksOfServers: what happens on a server that only answers users is sent by one that runs jobs, signed with the secret that
// the first one made; and so is what the other does.
func TestWebhooksOfServers(t *testing.T) {
	p := newProject(t)
	url, _ := freshDatabase(t)
	type hit struct {
		header http.Header
		body   []byte
	}
	hits := make(chan hit, 100)
	r := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		hits <- hit{req.Header.Clone(), body}
	}))
	defer r.Close()
	args := []string{"--supabase-url", p.url, "--database-url", url, "--stream-secret", "the same secret for all servers, please", "--webhook-allow", "127.0.0.0/8", "--public-url", "https://forge.example"}
	front := serve(t, configured(t, append(slices.Clone(args), "--role", "api")...))
	c := front.as(p.token(t, alice))
	var hook struct{ ID, Secret string }
	c.must(t, "POST", "/v1/webhooks", object{"url": r.URL, "events": []string{"project.created", "job.queued", "job.completed"}}, &hook)
	c.submit(t, "research")
	var log struct {
		Items []struct {
			Status   string
			Attempts []any
		}
	}
	if c.must(t, "GET", "/v1/webhooks/"+hook.ID+"/deliveries", nil, &log); len(log.Items) != 2 || log.Items[0].Status != "pending" || len(log.Items[0].Attempts) != 0 {
		t.Errorf("a server that runs no jobs sends: %+v", log)
	}
	serve(t, configured(t, append(slices.Clone(args), "--role", "worker")...))
	verifier, err := standardwebhooks.NewWebhook(hook.Secret)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for len(kinds) < 3 {
		select {
		case h := <-hits:
			if err := verifier.Verify(h.body, h.header); err != nil {
				t.Error(err)
			}
			var event struct {
				Type string
				Data struct{ Links struct{ Project string } }
			}
			if err := json.Unmarshal(h.body, &event); err != nil || len(event.Data.Links.Project) < len("https://forge.example/v1/projects/") {
				t.Errorf("%s %v", h.body, err)
			}
			kinds = append(kinds, event.Type)
		case <-time.After(time.Minute):
			t.Fatalf("of the events only %v were told", kinds)
		}
	}
	if slices.Sort(kinds); !slices.Equal(kinds, []string{"job.completed", "job.queued", "project.created"}) {
		t.Errorf("told: %v", kinds)
	}
}
