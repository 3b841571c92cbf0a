package api_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"codeforge"
	"codeforge/internal/api"
	"codeforge/internal/webhook"
)

const (
	webhookKeys  = "id project_id url description events enabled disabled_reason disabled_at failures failing_since pending dropped old_secret_until created_at updated_at"
	deliveryKeys = "id webhook_id type status data tries attempts next_attempt_at created_at ended_at"
)

// hooked is a kit with a dispatcher, which reaches this machine if allow says so.
func hooked(t *testing.T, allow ...netip.Prefix) (*kit, *webhook.Dispatcher, chan codeforge.WebhookOutcome) {
	t.Helper()
	var d *webhook.Dispatcher
	recorded := make(chan codeforge.WebhookOutcome, 100)
	k := newKit(t, func(o *api.Options) {
		d = webhook.New(webhook.Options{Store: o.Store.(webhook.Store), Keys: func() [][]byte { return [][]byte{bytes.Repeat([]byte("k"), 32)} }, Allow: allow,
			Log: slog.New(slog.DiscardHandler), Recorded: func(_ codeforge.WebhookClaim, o codeforge.WebhookOutcome) { recorded <- o }})
		o.Webhooks = d
	})
	return k, d, recorded
}

func TestWebhooks(t *testing.T) {
	k, _, _ := hooked(t)
	id := k.project()
	for at, project := range map[string]any{"/v1/webhooks": nil, "/v1/projects/" + id + "/webhooks": id} {
		w := k.call("POST", at, `{"url":"https://example.com/hook","events":["job.failed","job.completed"]}`).want(200).keys(webhookKeys + " secret")
		if s := w["secret"].(string); !strings.HasPrefix(s, "whsec_") || len(s) < 40 || w["project_id"] != project || w["enabled"] != true || fmt.Sprint(w["events"]) != "[job.completed job.failed]" {
			t.Errorf("%v", w)
		}
		one := at + "/" + w["id"].(string)
		list := k.call("GET", at, "").want(200).keys("items")["items"].([]any)
		if len(list) != 1 {
			t.Fatalf("%v", list)
		}
		wantKeys(t, list[0], webhookKeys)
		k.call("GET", one, "").want(200).keys(webhookKeys)
		k.call("GET", "/v1/webhooks/"+w["id"].(string), "").want(200)
		k.call("GET", one, "", "Authorization: Bearer bob").fails(404, "RESOURCE_NOT_FOUND")
		if w := k.call("PUT", one, `{"description":"  Deploys  ","enabled":false,"events":[]}`).want(200).keys(webhookKeys); w["description"] != "Deploys" || w["enabled"] != false || fmt.Sprint(w["events"]) != "[]" {
			t.Errorf("%v", w)
		}
		k.call("POST", one+"/test", "").fails(409, "CONFLICT")
		if d := k.call("PUT", one, `{}`).fails(400, "VALIDATION_ERROR"); d["field"] != "body" {
			t.Error(d)
		}
		k.call("PUT", one, `{"enabled":true}`).want(200)
		second := k.call("POST", one+"/rotate", "").want(200).keys(webhookKeys + " secret")
		if second["secret"] == w["secret"] || second["old_secret_until"] == nil {
			t.Errorf("%v", second)
		}
		if third := k.call("POST", one+"/rotate?grace_seconds=0", "").want(200).object(); third["old_secret_until"] != nil {
			t.Errorf("%v", third)
		}
		d := k.call("POST", one+"/test", "").want(200).keys(deliveryKeys)
		if d["type"] != "webhook.test" || d["status"] != "pending" || d["next_attempt_at"] == nil {
			t.Errorf("%v", d)
		}
		k.call("POST", one+"/test", "").want(200)
		page := k.call("GET", one+"/deliveries?limit=1", "").want(200).keys("items has_more")
		newest := page["items"].([]any)[0].(map[string]any)
		wantKeys(t, newest, deliveryKeys)
		if page["has_more"] != true || newest["id"] == d["id"] {
			t.Errorf("%v", page)
		}
		page = k.call("GET", one+"/deliveries?limit=1&before="+newest["id"].(string), "").want(200).object()
		if page["has_more"] != false || page["items"].([]any)[0].(map[string]any)["id"] != d["id"] {
			t.Errorf("%v", page)
		}
		if n := len(k.call("GET", one+"/deliveries?status=failed", "").want(200).object()["items"].([]any)); n != 0 {
			t.Errorf("%d failed", n)
		}
		again := one + "/deliveries/" + d["id"].(string) + "/redeliver"
		k.call("POST", again, "").want(200).keys(deliveryKeys)
		k.call("POST", again, "", "Authorization: Bearer bob").fails(404, "RESOURCE_NOT_FOUND")
		k.call("POST", one+"/deliveries/"+codeforge.NewID()+"/redeliver", "").fails(404, "RESOURCE_NOT_FOUND")
		if w := k.call("DELETE", one, "").want(200).keys("message webhook_id"); w["message"] != "Webhook deleted" {
			t.Error(w)
		}
		k.call("GET", one, "").fails(404, "RESOURCE_NOT_FOUND")
		k.call("GET", one+"/deliveries", "").fails(404, "RESOURCE_NOT_FOUND")
	}
	if strings.Contains(k.log.String(), "whsec_") {
		t.Error("a secret is in the log")
	}
}

func TestWebhooksAreRefused(t *testing.T) {
	k, _, _ := hooked(t)
	id, other := k.project(), k.project()
	for body, status := range map[string]int{`{}`: 422, `{"url":""}`: 422, `{"url":"https://example.com","events":["job.dreamt"]}`: 422, `{"url":"https://example.com","secret":"mine"}`: 422,
		`{"url":"http://example.com"}`: 400, `{"url":"https://127.0.0.1/"}`: 400, `{"url":"https://u:p@example.com/"}`: 400, `{"url":"https://169.254.169.254/latest"}`: 400, `{"url":"nonsense"}`: 400} {
		for _, at := range []string{"/v1/webhooks", "/v1/projects/" + id + "/webhooks"} {
			a := k.call("POST", at, body).want(status)
			if status == 400 && a.fails(400, "VALIDATION_ERROR")["field"] != "url" {
				t.Error(a.Body)
			}
		}
	}
	k.call("POST", "/v1/projects/"+id+"/webhooks", `{"url":"https://127.0.0.1/"}`, "Authorization: Bearer bob").fails(404, "RESOURCE_NOT_FOUND")
	w := k.call("POST", "/v1/projects/"+id+"/webhooks", `{"url":"https://example.com"}`).want(200).object()["id"].(string)
	k.call("PUT", "/v1/webhooks/"+w, `{"url":"https://10.0.0.1/"}`).fails(400, "VALIDATION_ERROR")
	k.call("PUT", "/v1/webhooks/"+w, `{"url":"https://10.0.0.1/"}`, "Authorization: Bearer bob").fails(404, "RESOURCE_NOT_FOUND")
	for _, path := range []string{"/v1/projects/" + other + "/webhooks/" + w, "/v1/webhooks/" + codeforge.NewID()} { // not of this project; of nobody
		k.call("GET", path, "").fails(404, "RESOURCE_NOT_FOUND")
		k.call("DELETE", path, "").fails(404, "RESOURCE_NOT_FOUND")
		k.call("POST", path+"/rotate", "").fails(404, "RESOURCE_NOT_FOUND")
	}
	if d := k.call("GET", "/v1/webhooks/x", "").fails(400, "VALIDATION_ERROR"); d["reason"] != "Invalid UUID format" {
		t.Error(d)
	}
	k.call("POST", "/v1/webhooks/"+w+"/rotate?grace_seconds=99999999", "").want(422)
	for range codeforge.MaxWebhooks - 1 {
		k.call("POST", "/v1/projects/"+id+"/webhooks", `{"url":"https://example.com"}`).want(200)
	}
	if d := k.call("POST", "/v1/projects/"+id+"/webhooks", `{"url":"https://example.com"}`).fails(413, "PAYLOAD_TOO_LARGE"); d["quota"] != "webhooks" {
		t.Error(d)
	}
	without := newKit(t)
	without.call("POST", "/v1/webhooks", `{"url":"https://example.com"}`).fails(501, "NOT_SUPPORTED")
}

// From a request that makes something true to a receiver that verifies what it got, and the log of it.
func TestWebhookIsTold(t *testing.T) {
	k, d, recorded := hooked(t, netip.MustParsePrefix("127.0.0.0/8"))
	got := make(chan *http.Request, 1)
	var body []byte
	r := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ = io.ReadAll(req.Body)
		w.WriteHeader(http.StatusTeapot)
		io.WriteString(w, "<b>not\x00 now</b>")
		got <- req
	}))
	defer r.Close()
	d.Start(t.Context())
	defer d.Close(t.Context())
	w := k.call("POST", "/v1/webhooks", `{"url":"`+r.URL+`","events":["revision.created"]}`).want(200).object()
	id := k.project()
	k.file(id, "a.ts", "secret")
	d.Wake()
	req := <-got
	v, err := standardwebhooks.NewWebhook(w["secret"].(string))
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Verify(body, req.Header); err != nil || strings.Contains(string(body), "secret") {
		t.Errorf("%v: %s", err, body)
	}
	<-recorded
	items := k.call("GET", "/v1/webhooks/"+w["id"].(string)+"/deliveries", "").want(200).object()["items"].([]any)
	row := items[0].(map[string]any)
	attempt := row["attempts"].([]any)[0].(map[string]any)
	wantKeys(t, attempt, "at status duration_ms error response")
	if len(items) != 1 || row["id"] != req.Header.Get("webhook-id") || row["status"] != "pending" || attempt["status"] != 418.0 || attempt["response"] != "<b>not now</b>" || attempt["error"] != "it answered with status 418" {
		t.Errorf("%v", row)
	}
}

// Who watches a project, or all that is theirs, is told that a webhook was disabled.
func TestDisabledWebhookIsSeen(t *testing.T) {
	k, _, _ := hooked(t)
	srv := k.serve()
	id := k.project()
	for at, watch := range map[string]string{"/v1/projects/" + id + "/webhooks": "/v1/projects/" + id + "/events", "/v1/webhooks": "/v1/events"} {
		w := k.call("POST", at, `{"url":"https://example.com"}`).want(200).object()["id"].(string)
		k.call("POST", "/v1/webhooks/"+w+"/test", "").want(200)
		live := k.watch(srv, watch, "")
		live.next() // ready
		claims, err := k.store.ClaimWebhooks(t.Context(), "", 1, 1, 100, time.Minute)
		if err != nil || len(claims.List) != 1 {
			t.Fatal(claims, err)
		}
		if disabled, err := k.store.RecordWebhook(t.Context(), claims.List[0], codeforge.WebhookOutcome{Status: codeforge.WebhookFailed, Disable: codeforge.WebhookGone}); !disabled || err != nil {
			t.Fatal(disabled, err)
		}
		k.hub.NudgeFeeds()
		if f := live.next(); f.Event != "webhook" || !strings.Contains(f.Data, `"webhook_id":"`+w+`","disabled":"gone"`) {
			t.Errorf("%+v", f)
		}
		k.call("DELETE", "/v1/webhooks/"+w, "").want(200)
	}
}
