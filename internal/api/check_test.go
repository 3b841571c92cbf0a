package api_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"codeforge"
	"codeforge/internal/api"
	"codeforge/internal/evidence"
	"codeforge/internal/verify"
)

// A check that runs what is built keeps what was seen with the revision: findings, evidence and pictures, which only its owner gets.
func TestCheckThatRuns(t *testing.T) {
	png := []byte("\x89PNG\r\n\x1a\n" + strings.Repeat("picture", 100))
	k := newKit(t, func(o *api.Options) {
		o.Check = func(context.Context, string, verify.Tree) (verify.Report, error) {
			return verify.Report{OK: true, Evidence: codeforge.Evidence{{Name: codeforge.RungParse, Status: codeforge.RungPassed}, {Name: codeforge.RungRun, Status: codeforge.RungNotChecked}}, Lock: []byte(`{"lock":1}`)}, nil
		}
		o.Run = func(_ context.Context, _ string, tr verify.Tree, _ func(context.Context, string) ([]byte, error)) (evidence.Run, error) {
			if tr.Files["a.ts"] == "" {
				t.Errorf("run on %v", tr)
			}
			return evidence.Run{Rung: codeforge.Rung{Name: codeforge.RungRun, Status: codeforge.RungFailed, Tool: "chromium"},
				Diagnostics: []verify.Diagnostic{{File: "a.ts", Line: 3, Severity: verify.SeverityError, Message: "TypeError", Rung: codeforge.RungRun, Page: "/", Control: "button Add"}},
				Screenshots: []evidence.Screenshot{{Page: "/", Width: 360, Type: "image/png", Bytes: png}}}, nil
		}
	})
	id := k.project()
	k.file(id, "a.ts", "text")
	k.file(id, "package.json", "{}")
	url := "/v1/projects/" + id
	c := k.call("GET", url+"/check?run=true", "").want(200).object()
	if c["ok"] != false || !strings.Contains(fmt.Sprint(c["diagnostics"]), "control:button Add") || fmt.Sprint(c["evidence"].([]any)[1]) != "map[duration_ms:0 name:run status:failed tool:chromium]" {
		t.Error(c)
	}
	// Without a run what the last one saw stands.
	if again := k.call("GET", url+"/check", "").want(200).object(); again["ok"] != true || fmt.Sprint(again["evidence"]) != fmt.Sprint(c["evidence"]) {
		t.Error(again)
	}
	if rev := k.call("GET", url+"/revisions/2", "").want(200).object(); rev["verified"] != false {
		t.Error(rev)
	}
	if list := k.call("GET", url+"/revisions/2/screenshots", "").want(200).object(); fmt.Sprint(list["items"]) != "[map[page:/ type:image/png width:360]]" {
		t.Error(list)
	}
	a := k.call("GET", url+"/revisions/2/screenshot?width=360", "").want(200)
	tag := a.Header.Get("ETag")
	if string(a.Body) != string(png) || a.Header.Get("Content-Type") != "image/png" || !strings.HasPrefix(a.Header.Get("Cache-Control"), "private") || len(tag) < 10 {
		t.Errorf("%v %q", a.Header, a.Body)
	}
	k.call("GET", url+"/revisions/2/screenshot?width=360", "", "If-None-Match: "+tag).want(304)
	k.call("GET", url+"/revisions/2/screenshot", "").fails(404, "RESOURCE_NOT_FOUND")
	k.call("GET", url+"/revisions/1/screenshot?width=360", "").fails(404, "RESOURCE_NOT_FOUND")
	if lock, err := k.store.ReadLock(t.Context(), codeforge.User{ID: alice, Role: "authenticated"}, id, 2); err != nil || string(lock) != `{"lock":1}` {
		t.Errorf("%s %v", lock, err)
	}
}
