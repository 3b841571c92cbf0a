package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"codeforge"
)

// A user's own key is tried, kept sealed, used before the server's, booked apart, and sealed anew when the secret that seals changes.
func TestUserKeys(t *testing.T) {
	emptyEnvironment(t)
	const own, later = "sk-of-the-user-7Qx9", "sk-of-the-user-later-81ab"
	var mu sync.Mutex
	var asked []string // with which keys
	models := &endpoint{}
	var accepted atomic.Bool
	accepted.Store(true)
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		mu.Lock()
		if r.URL.Path != "/v1/models" {
			asked = append(asked, key)
		}
		mu.Unlock()
		if key != own && key != later || !accepted.Load() {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = w.Write([]byte(`{"error":{"message":"Incorrect API key provided","code":"invalid_api_key"}}`))
			return
		}
		models.ServeHTTP(w, r)
	}))
	defer provider.Close()
	file := filepath.Join(t.TempDir(), "models.json")
	writeFile(t, file, `{"format":1,"endpoints":[{"name":"ours","url":"`+provider.URL+`/v1","model":"small","key_env":"OUR_ENDPOINT_KEY"}]}`)
	dir := t.TempDir()
	first, second := strings.Repeat("1", 32), strings.Repeat("2", 32)
	args := func(more ...string) []string {
		return append([]string{"--data-dir", dir, "--models-file", file}, more...)
	}
	cfg := configured(t, args("--key-encryption-key", first)...)
	s := serve(t, cfg)
	c := s.as("")

	type keys struct {
		Items     []codeforge.ProviderKey
		Providers []string
	}
	var list keys
	c.must(t, "GET", "/v1/keys", nil, &list)
	if want := []string{"openai", "anthropic", "google", "ours"}; !slices.Equal(list.Providers, want) || len(list.Items) != 0 {
		t.Errorf("%+v", list)
	}
	for _, bad := range []struct {
		body  object
		field string
	}{
		{object{"provider": "nobody", "key": own}, "provider"}, {object{"provider": "compatible", "key": own}, "provider"},
		{object{"provider": "ours", "key": "sk with blanks"}, "key"}, {object{"provider": "ours", "key": "sk-that-is-wrong"}, "key"},
	} {
		status, text, _ := c.ask(t, "POST", "/v1/keys", bad.body)
		if status != http.StatusBadRequest || !strings.Contains(text, `"field":"`+bad.field+`"`) || strings.Contains(text, "sk-that") {
			t.Errorf("%v: %d %s", bad.body, status, text)
		}
	}
	status, text, _ := c.ask(t, "POST", "/v1/keys/", object{"provider": "ours", "key": own})
	if status != http.StatusOK || !strings.Contains(text, "…7Qx9") || strings.Contains(text, own) {
		t.Errorf("%d %s", status, text)
	}

	tried := func(c caller, provider string) string {
		t.Helper()
		status, text, _ := c.ask(t, "POST", "/v1/keys/"+provider+"/test", nil)
		var said struct{ State, Message string }
		_ = json.Unmarshal([]byte(text), &said)
		if status != http.StatusOK || said.Message == "" || strings.Contains(text, own) {
			return fmt.Sprint(status)
		}
		return said.State
	}
	if got := tried(c, "ours") + " " + tried(c, "openai"); got != "accepted 404" {
		t.Errorf("tried: %s", got)
	}
	accepted.Store(false)
	if got := tried(c, "ours"); got != "refused" {
		t.Errorf("tried after the provider forgot it: %s", got)
	}
	accepted.Store(true)

	job := func(c caller) string {
		t.Helper()
		var p codeforge.Project
		c.must(t, "POST", "/v1/projects/", object{"title": "Dog walkers"}, &p)
		var j struct {
			ID string `json:"job_id"`
		}
		c.must(t, "POST", "/v1/run-agent", object{"project_id": p.ID, "agent_type": "pedagogy", "input_context": object{"user_message": "What is a loop?"}}, &j)
		last := "0"
		if done, err := c.Stream(t.Context(), c.Base+"/v1/jobs/"+j.ID+"/stream", &last, func(kind string, data []byte) (bool, error) {
			return kind == "complete" || kind == "error", nil
		}); !done {
			t.Fatal(err)
		}
		return j.ID
	}
	calls := func() []string {
		mu.Lock()
		defer mu.Unlock()
		out := asked
		asked = nil
		return out
	}
	id := job(c)
	if got := calls(); len(got) == 0 || slices.ContainsFunc(got, func(k string) bool { return k != own }) {
		t.Errorf("the provider was asked with %v", got)
	}
	var usage struct{ Total codeforge.UsageSum }
	c.must(t, "GET", "/v1/usage?job_id="+id, nil, &usage)
	if usage.Total.OwnCalls == 0 || usage.Total.OwnCalls != usage.Total.Calls || usage.Total.Cost != 0 {
		t.Errorf("%+v", usage.Total)
	}
	_, kept, _ := c.ask(t, "GET", "/v1/keys", nil)

	// The secret changes while the server runs, then again for a new process: what is stored opens by the newest alone.
	reload := *cfg
	reload.KeySecret, reload.OldKeySecrets = second, nil
	s.Reload(&reload)
	job(c)
	if got := calls(); len(got) == 0 || got[0] != own {
		t.Errorf("after the secret changed the provider was asked with %v", got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(s.log.String()+kept, own) {
		t.Error("the key is readable")
	}
	_ = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if b, err := os.ReadFile(path); err == nil && bytes.Contains(b, []byte(own)) {
			t.Errorf("the key is in %s", path)
		}
		return nil
	})

	s = serve(t, configured(t, args("--key-encryption-key", second)...))
	c = s.as("")
	job(c)
	if got := calls(); len(got) == 0 || got[0] != own {
		t.Errorf("a new process asked the provider with %v", got)
	}
	c.must(t, "POST", "/v1/keys", object{"provider": "ours", "key": later}, new(object))
	job(c)
	if got := calls(); len(got) == 0 || got[0] != later {
		t.Errorf("after the key was replaced the provider was asked with %v", got)
	}
	// A secret that nobody has any more.
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = serve(t, configured(t, args("--key-encryption-key", strings.Repeat("3", 32))...))
	c = s.as("")
	if got := tried(c, "ours"); got != "lost" {
		t.Errorf("tried without the secret that sealed it: %s", got)
	}
	c.must(t, "DELETE", "/v1/keys/ours", nil, new(object))
	if status, _, _ := c.ask(t, "DELETE", "/v1/keys/ours", nil); status != http.StatusNotFound {
		t.Errorf("deleted twice: %d", status)
	}
	job(c)
	if got := calls(); len(got) != 0 {
		t.Errorf("after the key was deleted the provider was asked with %v", got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	s = serve(t, configured(t, args()...))
	if got := tried(s.as(""), "ours"); got != "501" {
		t.Errorf("tried without a secret: %s", got)
	}
	if status, text, _ := s.as("").ask(t, "POST", "/v1/keys", object{"provider": "openai", "key": own}); status != http.StatusNotImplemented || !strings.Contains(text, "KEY_ENCRYPTION_KEY") {
		t.Errorf("without a secret: %d %s", status, text)
	}
}
