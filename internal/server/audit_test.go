package server

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"codeforge/internal/audit"
)

// A server and the commands beside it keep one record of what was done, whatever came of it.
func TestAuditLog(t *testing.T) {
	name := filepath.Join(t.TempDir(), "audit.log")
	cfg := configured(t, "--audit-log", name, "--audit-sync", "0")
	s := serve(t, cfg)
	c := s.as("")
	var p struct{ ID string }
	c.must(t, "POST", "/v1/projects/", object{"title": "A secret plan"}, &p)
	for _, r := range [][2]string{{"POST", "/files"}, {"POST", "/revisions/1/restore"}, {"GET", "/archive.zip"}, {"DELETE", ""}} {
		body := object(nil)
		if r[1] == "/files" {
			body = object{"path": "a.txt", "content": "what is in it"}
		}
		if status, text, _ := c.ask(t, r[0], "/v1/projects/"+p.ID+r[1], body); status >= 300 {
			t.Errorf("%v: %d %s", r, status, text)
		}
	}
	s.Reload(cfg)
	if err := Audited(cfg, "token.create", map[string]string{"token_id": "t"}, func() error { return nil }); err != nil {
		t.Fatal(err)
	}
	if err := Audited(cfg, "token.revoke", nil, func() error { return errors.New("no") }); err == nil {
		t.Error("what failed is told")
	}
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(string(text)) {
		var e audit.Entry
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		got = append(got, e.Action+" "+string(e.Outcome))
		if e.Objects["project_id"] != "" && (e.Objects["project_id"] != p.ID || e.User == "" || e.Address != "127.0.0.1" || e.Request == "") {
			t.Errorf("%+v", e)
		}
	}
	want := []string{"revision.restore done", "project.export done", "project.archive done", "config.reload done", "token.create done", "token.revoke failed"}
	if !slices.Equal(got, want) || contains(string(text), "secret plan") || contains(string(text), "what is in it") {
		t.Errorf("%s", text)
	}
	bad := configured(t, "--audit-log", filepath.Join(t.TempDir(), "none", "a"))
	if _, err := Open(t.Context(), bad, os.Stderr); err == nil || !contains(err.Error(), "AUDIT_LOG") {
		t.Error(err)
	}
	done := false
	if err := Audited(bad, "token.create", nil, func() error { done = true; return nil }); err == nil || done {
		t.Error("what cannot be recorded was done")
	}
}
