package server

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"codeforge"
)

// TestConsoleAccount uses what the console has of an account: webhooks, own keys, profile, budgets, trials of models, the doctor, the
// mentor and sessions; then axe-core looks at each of these screens, in both schemes and at three widths.
func TestConsoleAccount(t *testing.T) {
	if os.Getenv("CODEFORGE_SOAK") == "" {
		t.Skip("make soak runs this one")
	}
	models := &endpoint{}
	outside := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.URL.Path, "/hook"):
			_, _ = io.WriteString(w, "taken")
		case r.Header.Get("Authorization") != "Bearer sk-of-the-user-7Qx9" && r.Header.Get("Authorization") != "":
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, `{"error":{"message":"Incorrect API key provided","code":"invalid_api_key"}}`)
		default:
			models.ServeHTTP(w, r)
		}
	}))
	defer outside.Close()
	file := filepath.Join(t.TempDir(), "models.json")
	writeFile(t, file, `{"format":1,"endpoints":[{"name":"ours","url":"`+outside.URL+`/v1","model":"small","key_env":"OUR_ENDPOINT_KEY"},{"name":"home","url":"`+outside.URL+`/v1","model":"small"}],
		"models":[{"name":"home:small","context":131072,"max_output":32768,"ends":"2027-01-10","prices":[{"input":150000,"output":600000}]}]}`)
	s := serve(t, configured(t, "--data-dir", t.TempDir(), "--models-file", file, "--key-encryption-key", strings.Repeat("k", 32), "--webhook-allow", "127.0.0.1", "--npm-registry", "off", "--smoke", "off", "--rate-limit-per-minute", "6000"))
	c := s.as("")
	var plain, student codeforge.Project
	c.must(t, "POST", "/v1/projects/", object{"title": "Dog walkers"}, &plain)
	c.must(t, "POST", "/v1/projects/", object{"title": "To learn", "mode": "student"}, &student)
	c.must(t, "PUT", "/v1/projects/"+student.ID, object{"requirements_spec": object{"app_name": "Walks", "core_features": []object{{"name": "List of walks", "description": "Shows all walks of a week", "priority": "must-have"}}}}, new(object))

	v := openConsole(t, s.URL())
	v.look(1280, "light")
	v.goTo(s.URL() + "/#/settings/profile")
	v.fill("#username", "ada")
	v.press("#save-profile:enabled")
	v.until(`document.querySelector("#save-profile:disabled")`)
	hook := v.keepsWebhooks(c, outside.URL+"/hook")
	v.keepsKeys()
	v.open("#/settings/server")
	v.press("#look")
	v.until(`document.querySelector(".doctor-sum")`)
	v.triesModels()
	v.setsBudgets(c, plain.ID)
	v.learns(c, student.ID)
	for _, width := range []int64{360, 768, 1280} {
		for _, scheme := range []string{"light", "dark"} {
			v.look(width, scheme)
			for _, screen := range []string{"#/settings", "#/settings/profile", "#/settings/keys", "#/settings/webhooks", "#/settings/webhooks/" + hook, "#/settings/server", "#/models", "#/models?show=all", "#/usage",
				"#/usage?by=project", "#/usage?project=" + plain.ID, "#/projects/" + student.ID + "/learn?show=work", "#/projects/" + student.ID + "/learn/mentor?show=work", "#/projects/" + student.ID + "/learn/sessions?show=work"} {
				v.open(screen)
				v.until(`!document.querySelector(".main .waiting") && document.querySelector(".main").innerText`)
				v.accessible(fmt.Sprintf("%s, %d px, %s", screen, width, scheme))
			}
		}
	}
	v.quiet()
}

// keepsWebhooks adds one, has it tested, gives it a new secret, and adds another, which it deletes. Secrets are shown once.
func (v *guest) keepsWebhooks(c caller, receiver string) (id string) {
	v.Helper()
	add := func(address string) (secret string) {
		v.open("#/settings/webhooks")
		v.press("#add-webhook")
		v.fill("#webhook-url", address)
		v.accessible("a new webhook")
		v.press("#make-webhook:enabled")
		v.has(".secret code")
		secret = v.eval(`document.querySelector(".secret code").innerText`)
		v.press("dialog .dialog-foot .primary")
		v.until(`!document.querySelector("dialog") && document.querySelector("#test-webhook")`)
		return secret
	}
	first := add(receiver)
	id = v.eval(`location.hash.split("/").pop()`)
	v.press("#test-webhook")
	v.until(`document.querySelector(".deliveries .state.good")`)
	v.press(".delivery-head")
	v.until(`document.querySelector(".response")?.innerText === "taken"`)
	v.press("#rotate-webhook")
	v.press("#rotate")
	v.has(".secret code")
	second := v.eval(`document.querySelector(".secret code").innerText`)
	v.press("dialog .dialog-foot .primary")
	if !strings.HasPrefix(first, "whsec_") || !strings.HasPrefix(second, "whsec_") || first == second || strings.Contains(v.eval(`document.documentElement.outerHTML`), second) {
		v.Errorf("secrets %.12s and %.12s", first, second)
	}
	add(receiver + "/other")
	v.press("#delete-webhook")
	v.press("#confirm")
	v.until(`location.hash === "#/settings/webhooks"`)
	var list struct{ Items []codeforge.Webhook }
	if c.must(v.T, "GET", "/v1/webhooks", nil, &list); len(list.Items) != 1 || list.Items[0].ID != id {
		v.Errorf("%+v", list.Items)
	}
	return id
}

// keepsKeys gives a key that is refused, then one that is taken, which it tries, and deletes it.
func (v *guest) keepsKeys() {
	v.Helper()
	const row = `[data-provider="ours"] `
	v.open("#/settings/keys")
	v.press(row + ".button")
	v.fill("#provider-key", "sk-that-is-wrong")
	v.expected = append(v.expected, "status of 400")
	v.press("#save-key:enabled")
	v.until(`document.querySelector("dialog .field-error")`)
	v.fill("#provider-key", "sk-of-the-user-7Qx9")
	v.press("#save-key:enabled")
	v.until(`!document.querySelector("dialog") && document.querySelector('` + row + `code')?.innerText === "…7Qx9"`)
	v.press(row + ".button")
	v.until(`document.querySelector('` + row + `.list-note .good')`)
	if strings.Contains(v.eval(`document.documentElement.outerHTML`), "sk-of-the-user") {
		v.Error("the key is in the page")
	}
	v.press(row + ".button.only-icon")
	v.press("#confirm")
	v.until(`!document.querySelector("dialog") && !document.querySelector('` + row + `code')`)
}

func (v *guest) triesModels() {
	v.Helper()
	v.open("#/models")
	v.press(`[data-model="home:small"] .button`)
	v.until(`document.querySelector(".tried .good")`)
}

// setsBudgets bounds a project, which its page shows.
func (v *guest) setsBudgets(c caller, project string) {
	v.Helper()
	v.open("#/usage?project=" + project)
	v.press("#set-budget")
	v.fill("#budget-limit", "2,50")
	v.accessible("a new budget")
	v.press("#save-budget:enabled")
	v.until(`!document.querySelector("dialog") && document.querySelector(".budgets")?.innerText.includes("$2.50")`)
	var list struct{ Items []codeforge.Budget }
	if c.must(v.T, "GET", "/v1/budgets?project_id="+project, nil, &list); len(list.Items) != 1 || list.Items[0].Limit != 2_500_000 || list.Items[0].Scope != "project_month" {
		v.Errorf("%+v", list.Items)
	}
}

// learns has a way planned, asks the mentor, and keeps that as a session.
func (v *guest) learns(c caller, project string) {
	v.Helper()
	at := "#/projects/" + project + "/learn"
	v.expected = append(v.expected, "status of 404") // no way is planned yet
	v.open(at)
	v.press("#plan-way")
	v.has(".modules .current")
	v.press(".exercises .button")
	v.until(`document.querySelector("#mentor-question")?.value.length > 5`)
	v.press("#ask-mentor:enabled")
	v.has(".lesson .steps")
	v.press("#keep-session")
	v.until(`!document.querySelector("#keep-session")`)
	v.open(at + "/sessions")
	v.has(".sessions .state")
	var list struct {
		Sessions []struct {
			Transcript []object
			Concepts   []string `json:"concepts_covered"`
		}
	}
	if c.must(v.T, "GET", "/v1/student/"+project+"/sessions", nil, &list); len(list.Sessions) != 1 || len(list.Sessions[0].Transcript) != 2 || len(list.Sessions[0].Concepts) == 0 {
		v.Errorf("%+v", list.Sessions)
	}
}
