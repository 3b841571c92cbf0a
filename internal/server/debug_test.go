package server

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// Profiles are where the operator reads metrics, behind a switch and a token, and nowhere else.
func TestDebugEndpoints(t *testing.T) {
	for args, want := range map[string]string{"--debug-endpoints on": "METRICS_ADDR", "--debug-endpoints on --metrics-addr :9090": "METRICS_TOKEN"} {
		var c Config
		if err := parse(&c, strings.Fields(args)); err == nil || !contains(err.Error(), "DEBUG_ENDPOINTS", want) {
			t.Errorf("%s: %v", args, err)
		}
	}
	token := "a token of operators"
	get := func(address, token string) (int, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), "GET", address, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(b)
	}
	s := serve(t, configured(t, "--debug-endpoints", "on", "--metrics-addr", "127.0.0.1:0", "--metrics-token", token))
	for path, want := range map[string]string{"/debug/pprof/": "goroutine", "/debug/pprof/goroutine?debug=2": "goroutine ", "/debug/flight": "go 1.", "/metrics": "go_goroutines"} {
		if status, text := get(s.OperatorsURL()+path, token); status != 200 || !contains(text, want) {
			t.Errorf("%s: %d %.200s", path, status, text)
		}
		if status, _ := get(s.OperatorsURL()+path, "a guess"); status != 401 {
			t.Errorf("%s without the token: %d", path, status)
		}
		if path != "/metrics" {
			if status, _ := get(s.URL()+path, token); status != 404 {
				t.Errorf("%s at the port of users: %d", path, status)
			}
		}
	}
	if status, _ := get(s.OperatorsURL()+"/debug/pprof/cmdline", token); status != 404 {
		t.Errorf("the command line is shown: %d", status)
	}
	open := serve(t, configured(t, "--debug-endpoints", "on", "--metrics-addr", "127.0.0.1:0"))
	if status, _ := get(open.OperatorsURL()+"/debug/pprof/", ""); status != 200 {
		t.Errorf("this machine gets %d", status)
	}
	r, err := http.NewRequestWithContext(t.Context(), "GET", open.OperatorsURL()+"/debug/pprof/", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "page.example"
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if res.Body.Close(); res.StatusCode != 403 {
		t.Errorf("a page whose name leads here gets %d", res.StatusCode)
	}
	off := serve(t, configured(t, "--metrics-addr", "127.0.0.1:0"))
	if status, _ := get(off.OperatorsURL()+"/debug/pprof/", ""); status != 404 {
		t.Errorf("off, and it answers %d", status)
	}
}
