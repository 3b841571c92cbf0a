package api_test

import (
	"encoding/json"
	"strings"
	"testing"

	"codeforge/internal/api"
	"codeforge/internal/auth"
)

// scopes are what a token must have for whatever is not merely read. An operation that is new stands here.
var scopes = map[auth.Scope]string{
	auth.Jobs: "run_agent run_pipeline respond clarify cancel_job retry_job apply_proposal reject_proposal refactor refactor_file export_github plan_roadmap make_choice make_placed_choice ask_mentor test_model",
	auth.Write: "create_project copy_project update_project archive_project import_project import_github create_file update_file delete_file restore_revision git_receive_pack " +
		"record_choice set_roadmap_step add_session set_budget diagnose " +
		"create_webhook create_project_webhook update_webhook delete_webhook rotate_webhook test_webhook redeliver_webhook",
	auth.Account: "create_token revoke_token put_key delete_key test_key put_profile update_profile delete_profile",
	auth.Read:    "git_upload_pack", // which is posted, and changes nothing
}

// Each operation needs one scope, the same by all of its paths.
func TestScopesOfOperations(t *testing.T) {
	raw, err := api.Spec(api.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Paths map[string]map[string]struct {
			OperationID string
			Scope       auth.Scope `json:"x-token-scope"`
			Aliases     []string   `json:"x-aliases"`
			Security    *[]map[string][]string
		}
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	want := map[string]auth.Scope{}
	for scope, list := range scopes {
		for id := range strings.FieldsSeq(list) {
			want[id] = scope
		}
	}
	for path, operations := range doc.Paths {
		for method, op := range operations {
			if op.Scope == "" { // of whoever watches, by a stream's own token, and of all the world
				if op.Security == nil {
					t.Errorf("%s needs no scope", op.OperationID)
				}
				continue
			}
			need, ok := want[op.OperationID]
			if delete(want, op.OperationID); !ok && method == "get" {
				need, ok = auth.Read, true
			}
			if !ok || op.Scope != need {
				t.Errorf("%s needs the scope %q, not %q", op.OperationID, op.Scope, need)
			}
			for _, at := range append(op.Aliases, path) {
				at = strings.ReplaceAll(at, "{path}", "src/export/github") // what a file is called does not matter
				if got := auth.ScopeOf(strings.ToUpper(method), at); got != op.Scope {
					t.Errorf("%s at %s needs the scope %q", op.OperationID, at, got)
				}
			}
		}
	}
	for id := range want {
		t.Errorf("there is no operation %s", id)
	}
}
