package api_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"

	"codeforge/internal/api"
)

// begun is what a Consistency was asked.
type begun struct {
	calls []string
	said  string
}

func (b *begun) Begin(ctx context.Context, user, token string, reads bool) (context.Context, func() string) {
	how := "writes"
	if reads {
		how = "reads"
	}
	b.calls = append(b.calls, how+" after "+token)
	return ctx, func() string { return b.said }
}

// Requests say what their clients know of what they wrote, answers what they may know; what stays open for what comes reads of the
// primary.
func TestConsistency(t *testing.T) {
	b := &begun{}
	k := newKit(t, func(o *api.Options) { o.Consistency = b; o.AllowedOrigins = []string{"https://app.example"} })
	send := func(method, path, body string) http.Header {
		t.Helper()
		return k.call(method, path, body, "X-Consistency-Token: mine", "Origin: https://app.example").Header
	}
	b.said = "token"
	if got := send("POST", "/v1/projects", `{"title": "Notes", "description": "To write things down"}`); got.Get("X-Consistency-Token") != "token" || !strings.Contains(got.Get("Access-Control-Expose-Headers"), "X-Consistency-Token") {
		t.Error(got)
	}
	b.said = ""
	if got := send("GET", "/v1/projects", ""); got["X-Consistency-Token"] != nil {
		t.Error(got)
	}
	send("GET", "/v1/jobs/0198c0de-0000-7000-8000-000000000001?wait=1s", "")
	send("GET", "/v1/jobs/0198c0de-0000-7000-8000-000000000001/stream", "")
	send("GET", "/health", "")
	if want := []string{"writes after mine", "reads after mine", "writes after mine"}; !slices.Equal(b.calls, want) {
		t.Errorf("%q", b.calls)
	}
}
