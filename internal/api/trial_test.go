package api_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"codeforge/internal/api"
	"codeforge/internal/llm"
	"codeforge/internal/sqlite"
)

const trialKeys = "model answered served own_key first_token_ms duration_ms cost_micro_usd cost_estimated reason message input_tokens output_tokens cache_write_tokens cached_read_tokens reasoning_tokens"

// A model is tried within budgets and booked; what it fails with is told in words of ours.
func TestModelTrial(t *testing.T) {
	try := func(p paid, more ...paid) (*kit, func(model string) answer) {
		k := newKit(t, func(o *api.Options) {
			books := o.Store.(*sqlite.Store).Ledger(map[llm.BudgetScope]int64{llm.BudgetUserDay: 5_000_000})
			with := router(t, append([]llm.Provider{p}, providers(more)...)...).Options
			with.Ledger = books
			r := llm.NewRouter(with)
			o.Models, o.Ledger, o.Generate = always(r), books, r.Generate
		})
		return k, func(model string) answer {
			return k.call("POST", "/v1/models/test", `{"model":"`+model+`"}`)
		}
	}
	k, ask := try(paid{name: llm.OpenAI})
	good := ask("openai:dear").want(200).keys(trialKeys)
	if good["answered"] != true || good["model"] != "openai:dear" || good["served"] != "dear" || good["reason"] != nil || good["own_key"] != false || good["message"] != "The model answers" {
		t.Errorf("%v", good)
	}
	if alias := ask("gpt-4o").want(200).object(); alias["model"] != "openai:dear" || alias["answered"] != true {
		t.Errorf("%v", alias)
	}
	used := k.call("GET", "/v1/usage?group_by=agent", "").want(200).object()
	if items := used["items"].([]any); len(items) != 1 || items[0].(map[string]any)["key"] != "test" || items[0].(map[string]any)["calls"] != 2.0 {
		t.Errorf("booked: %v", items)
	}
	if far := ask("anthropic:far").want(200).object(); far["answered"] != false || far["reason"] != "auth" || far["message"] != "The model's provider has no key here: its operator can set one, or you keep your own under /v1/keys" {
		t.Errorf("%v", far)
	}
	ask("nowhere").fails(400, "VALIDATION_ERROR")
	ask("scaffold:*").fails(400, "VALIDATION_ERROR")
	k.wantFields(ask(""), "model string_too_short")
	k.call("POST", "/v1/models/test", `{"model":"openai:dear"}`, "Authorization:").fails(401, "AUTHENTICATION_ERROR")

	// A ceiling of nothing allows no call, and none is made.
	k.call("PUT", "/v1/budgets", `{"scope":"user_day","limit_usd":0}`).want(200)
	if over := ask("openai:dear").want(200).object(); over["reason"] != "budget_exceeded" || over["answered"] != false {
		t.Errorf("%v", over)
	}

	_, ask = try(paid{llm.OpenAI, &llm.Error{Kind: llm.ServerError, Status: 500, Message: "internal words", Retryable: true}},
		paid{"anthropic", &llm.Error{Kind: llm.RateLimit, Status: 429, Retryable: true, HasWait: true, RetryAfter: 30 * time.Minute}})
	for n := range 6 {
		want := "The model's provider had an internal error"
		if n == 5 {
			want = "The model failed too often and rests for a while"
		}
		if m := ask("openai:dear").want(200).object(); m["answered"] != false || m["message"] != want {
			t.Errorf("%d: %v", n, m)
		}
	}
	for _, want := range []string{"The model's provider asks to slow down", "The model's provider asked to wait, which still holds"} {
		if m := ask("anthropic:far").want(200).object(); m["reason"] != "rate_limit" || m["message"] != want {
			t.Errorf("%v", m)
		}
	}
}

func providers(list []paid) (all []llm.Provider) {
	for _, p := range list {
		all = append(all, p)
	}
	return all
}

// A server without users tells what its doctor finds; any other tells its operator alone.
func TestDiagnosis(t *testing.T) {
	newKit(t).call("POST", "/v1/doctor", "").fails(501, "NOT_SUPPORTED")
	found, fails := []api.Finding{{Part: "disk", Title: "disk", State: "warning", Message: "little is free"}}, error(nil)
	k := newKit(t, func(o *api.Options) {
		o.Diagnose = func(context.Context) ([]api.Finding, error) { return found, fails }
	})
	body := k.call("POST", "/v1/doctor", "").want(200).object()
	if got := fmt.Sprint(body); got != "map[findings:[map[message:little is free part:disk state:warning title:disk]]]" {
		t.Error(got)
	}
	found, fails = nil, errors.New("secret words")
	k.call("POST", "/v1/doctor", "").fails(500, "INTERNAL_ERROR")
}
