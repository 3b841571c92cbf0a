package server

import (
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"testing"
)

// A connection that carried a stream to its end carries the next request, which may be one that cannot be sent twice.
func TestConnectionsOutliveStreams(t *testing.T) {
	s := serve(t, configured(t))
	var p struct{ ID string }
	s.as("").must(t, "POST", "/v1/projects", object{"title": "Dog walkers"}, &p)
	client := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 1}}
	defer client.CloseIdleConnections()
	opened, reused := 0, 0
	send := func(method, path, body string) string {
		t.Helper()
		trace := &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) {
			if i.Reused {
				reused++
			} else {
				opened++
			}
		}}
		r, err := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), trace), method, s.URL()+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%s %s: %d %s %v", method, path, resp.StatusCode, b, err)
		}
		return string(b)
	}
	const rounds = 30
	for range rounds {
		answer := send("POST", "/v1/run-agent", `{"project_id":"`+p.ID+`","agent_type":"noop"}`)
		_, job, _ := strings.Cut(answer, `"job_id":"`)
		if events := send("GET", "/v1/jobs/"+job[:36]+"/stream", ""); !strings.Contains(events, "event: complete") {
			t.Fatal(events)
		}
	}
	if opened != 1 || reused != 2*rounds-1 {
		t.Errorf("%d connections, used again %d times", opened, reused)
	}
}
