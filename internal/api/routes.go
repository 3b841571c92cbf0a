package api

import (
	"context"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"codeforge/internal/auth"
)

// routes is the whole table: method and path, the operation's id, what runs, and further paths of the same. Each path
// exists with and without a trailing slash. What the operations mean to a reader of the specification is in spec.go.
func (s *server) routes() {
	add(s, "GET /health", "health", s.health)
	add(s, "GET /livez", "live", s.live)
	add(s, "GET /readyz", "ready", s.ready, "/ready")
	if s.probesOnly {
		return
	}
	add(s, "POST /v1/doctor", "diagnose", s.diagnose)

	add(s, "POST /v1/projects/", "create_project", s.createProject)
	add(s, "GET /v1/projects/", "list_projects", s.listProjects)
	add(s, "GET /v1/projects/{project_id}", "get_project", s.getProject)
	add(s, "PUT /v1/projects/{project_id}", "update_project", s.updateProject)
	add(s, "DELETE /v1/projects/{project_id}", "archive_project", s.archiveProject)
	add(s, "POST /v1/projects/{project_id}/copy", "copy_project", s.copyProject)
	add(s, "GET /v1/projects/{project_id}/messages", "list_messages", s.listMessages)
	add(s, "GET /v1/projects/{project_id}/check", "check_project", s.checkProject)
	add(s, "POST /v1/projects/{project_id}/import", "import_project", s.importProject)
	add(s, "POST /v1/projects/{project_id}/import/github", "import_github", s.importGitHub)
	add(s, "POST /v1/projects/{project_id}/export/github", "export_github", s.exportGitHub)
	add(s, "GET /v1/projects/{project_id}/archive.zip", "export_zip", s.exportZip)
	add(s, "GET /v1/projects/{project_id}/archive.tar.gz", "export_tar_gz", s.exportTarGz)
	add(s, "GET /v1/projects/{project_id}/preview", "preview_project", s.previewProject)
	add(s, "GET /v1/projects/{project_id}/preview/errors", "list_preview_errors", s.listPreviewErrors)

	add(s, "GET /v1/projects/{project_id}/events", "stream_project", s.streamProject)

	add(s, "GET /v1/projects/{project_id}/files", "list_files", s.listFiles)
	add(s, "POST /v1/projects/{project_id}/files", "create_file", s.createFile)
	add(s, "GET /v1/projects/{project_id}/files/{path}", "get_file", s.getFile)
	add(s, "PUT /v1/projects/{project_id}/files/{path}", "update_file", s.updateFile)
	add(s, "DELETE /v1/projects/{project_id}/files/{path}", "delete_file", s.deleteFile)
	add(s, "POST /v1/projects/{project_id}/files/{path}/refactor", "refactor_file", s.refactorFile)
	add(s, "POST /v1/refactor", "refactor", s.refactor)

	add(s, "GET /v1/projects/{project_id}/revisions", "list_revisions", s.listRevisions)
	add(s, "GET /v1/projects/{project_id}/revisions/{n}", "get_revision", s.getRevision)
	add(s, "GET /v1/projects/{project_id}/revisions/{n}/diff", "diff_revision", s.diffRevision)
	add(s, "GET /v1/projects/{project_id}/revisions/{n}/screenshots", "list_screenshots", s.listScreenshots)
	add(s, "GET /v1/projects/{project_id}/revisions/{n}/screenshot", "get_screenshot", s.getScreenshot)
	add(s, "POST /v1/projects/{project_id}/revisions/{n}/restore", "restore_revision", s.restoreRevision)

	add(s, "GET /v1/projects/{project_id}.git/info/refs", "git_refs", s.gitRefs)
	add(s, "POST /v1/projects/{project_id}.git/git-upload-pack", "git_upload_pack", s.gitUploadPack)
	add(s, "POST /v1/projects/{project_id}.git/git-receive-pack", "git_receive_pack", s.gitReceivePack)

	add(s, "POST /v1/run-agent", "run_agent", s.runAgent, "/v1/agents/run-agent")
	add(s, "POST /v1/run-pipeline", "run_pipeline", s.runPipeline, "/v1/agents/run-pipeline")
	add(s, "GET /v1/jobs", "list_user_jobs", s.listUserJobs, "/v1/agents/jobs")
	add(s, "GET /v1/jobs/{job_id}/calls", "list_job_calls", s.listJobCalls, "/v1/agents/jobs/{job_id}/calls")
	add(s, "GET /v1/jobs/{job_id}/calls/{call}", "get_job_call", s.getJobCall, "/v1/agents/jobs/{job_id}/calls/{call}")
	add(s, "GET /v1/jobs/{job_id}", "get_job", s.getJob, "/v1/agents/jobs/{job_id}")
	add(s, "GET /v1/jobs/{project_id}/list", "list_jobs", s.listJobs, "/v1/agents/jobs/{project_id}/list")
	add(s, "POST /v1/jobs/{job_id}/respond", "respond", s.respond, "/v1/agents/jobs/{job_id}/respond",
		"/v1/clarification/{job_id}/respond", "/v1/agents/clarification/{job_id}/respond")
	add(s, "POST /v1/clarify", "clarify", s.clarify, "/v1/agents/clarify")
	add(s, "POST /v1/jobs/{job_id}/cancel", "cancel_job", s.cancelJob, "/v1/agents/jobs/{job_id}/cancel")
	add(s, "GET /v1/jobs/{job_id}/files", "list_job_files", s.listJobFiles, "/v1/agents/jobs/{job_id}/files")
	add(s, "GET /v1/jobs/{job_id}/preview", "preview_job", s.previewJob, "/v1/agents/jobs/{job_id}/preview")
	add(s, "POST /v1/jobs/{job_id}/retry", "retry_job", s.retryJob, "/v1/agents/jobs/{job_id}/retry")
	add(s, "GET /v1/jobs/{job_id}/proposal", "get_proposal", s.getProposal, "/v1/agents/jobs/{job_id}/proposal")
	add(s, "POST /v1/jobs/{job_id}/apply", "apply_proposal", s.applyProposal, "/v1/agents/jobs/{job_id}/apply")
	add(s, "POST /v1/jobs/{job_id}/reject", "reject_proposal", s.rejectProposal, "/v1/agents/jobs/{job_id}/reject")
	add(s, "GET /v1/jobs/{job_id}/stream", "stream_job", s.streamJob, "/v1/agents/jobs/{job_id}/stream")
	add(s, "GET /v1/events", "stream_user", s.streamUser)
	add(s, "GET /v1/ws", "open_socket", s.openSocket)

	add(s, "POST /v1/student/{project_id}/roadmap", "plan_roadmap", s.planRoadmap)
	add(s, "POST /v1/student/{project_id}/choice", "make_choice", s.makeChoice)
	add(s, "POST /v1/student/choice-framework", "make_placed_choice", s.makePlacedChoice)
	add(s, "POST /v1/student/ask", "ask_mentor", s.askMentor)
	add(s, "PUT /v1/student/{project_id}/choice", "record_choice", s.recordChoice)
	add(s, "GET /v1/student/{project_id}/roadmap", "get_roadmap", s.getRoadmap)
	add(s, "PUT /v1/student/{project_id}/roadmap/progress", "set_roadmap_step", s.setRoadmapStep)
	add(s, "GET /v1/student/{project_id}/progress", "get_student_progress", s.getStudentProgress)
	add(s, "POST /v1/student/{project_id}/sessions", "add_session", s.addSession)
	add(s, "GET /v1/student/{project_id}/sessions", "list_sessions", s.listSessions)

	s.accountRoutes()
	s.eventSchemas()
	s.mcpRoute()

	if s.Bench {
		agents := s.huma.OpenAPI().Components.Schemas.Map()["AgentRequest"].Properties["agent_type"]
		agents.Enum = append(agents.Enum, "noop")
		agents.PrecomputeMessages()
	}
	// The mux would offer these the file route: by redirecting, or with an empty path.
	for _, method := range []string{http.MethodPut, http.MethodDelete} {
		for _, pattern := range patterns("/v1/projects/{project_id}/files") {
			s.mux.HandleFunc(method+" "+pattern, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Allow", "GET, HEAD, POST")
				w.(*exchange).refuse(methodNotAllowed())
			})
		}
	}
}

// accountRoutes are those of what users have beside projects, and of what they are told of.
func (s *server) accountRoutes() {
	add(s, "GET /v1/profiles/me", "get_profile", s.getProfile)
	add(s, "POST /v1/profiles/", "put_profile", s.putProfile)
	add(s, "PUT /v1/profiles/me", "update_profile", s.updateProfile)
	add(s, "DELETE /v1/profiles/me", "delete_profile", s.deleteProfile)
	add(s, "GET /v1/profiles/me/export", "export_profile", s.exportProfile)
	add(s, "POST /v1/waitlist/", "join_waitlist", s.joinWaitlist)

	add(s, "POST /v1/webhooks", "create_webhook", s.createWebhook)
	add(s, "GET /v1/webhooks", "list_webhooks", s.listWebhooks)
	add(s, "POST /v1/projects/{project_id}/webhooks", "create_project_webhook", s.createProjectWebhook)
	add(s, "GET /v1/projects/{project_id}/webhooks", "list_project_webhooks", s.listProjectWebhooks)
	const hook, ofProject = "/v1/webhooks/{webhook_id}", "/v1/projects/{project_id}/webhooks/{webhook_id}"
	add(s, "GET "+hook, "get_webhook", s.getWebhook, ofProject)
	add(s, "PUT "+hook, "update_webhook", s.updateWebhook, ofProject)
	add(s, "DELETE "+hook, "delete_webhook", s.deleteWebhook, ofProject)
	add(s, "POST "+hook+"/rotate", "rotate_webhook", s.rotateWebhook, ofProject+"/rotate")
	add(s, "POST "+hook+"/test", "test_webhook", s.testWebhook, ofProject+"/test")
	add(s, "GET "+hook+"/deliveries", "list_webhook_deliveries", s.listWebhookDeliveries, ofProject+"/deliveries")
	add(s, "POST "+hook+"/deliveries/{delivery_id}/redeliver", "redeliver_webhook", s.redeliverWebhook, ofProject+"/deliveries/{delivery_id}/redeliver")

	add(s, "POST /v1/tokens", "create_token", s.createToken)
	add(s, "GET /v1/tokens", "list_tokens", s.listTokens)
	add(s, "DELETE /v1/tokens/{token_id}", "revoke_token", s.revokeToken)
	add(s, "POST /v1/keys", "put_key", s.putKey)
	add(s, "GET /v1/keys", "list_keys", s.listKeys)
	add(s, "DELETE /v1/keys/{provider}", "delete_key", s.deleteKey)
	add(s, "POST /v1/keys/{provider}/test", "test_key", s.testKey)

	add(s, "GET /v1/models", "list_models", s.listModels)
	add(s, "POST /v1/models/test", "test_model", s.testModel)
	add(s, "GET /v1/usage", "sum_usage", s.sumUsage)
	add(s, "GET /v1/estimate", "get_estimate", s.getEstimate)
	add(s, "GET /v1/budgets", "list_budgets", s.listBudgets)
	add(s, "PUT /v1/budgets", "set_budget", s.setBudget)
}

// add registers one operation under its path and further ones, with what docs says of it.
func add[I, O any](s *server, pattern, id string, run func(context.Context, *I) (*O, error), aliases ...string) {
	method, path, _ := strings.Cut(pattern, " ")
	d, ok := docs[id]
	if !ok {
		panic("operation " + id + " has no documentation")
	}
	d.body.plan = planOf(s.huma.OpenAPI().Components.Schemas, reflect.TypeFor[I]())
	op := huma.Operation{
		OperationID: id, Method: method, Path: path, Tags: []string{d.tag}, Summary: d.summary, Description: d.text,
		Metadata:      map[string]any{"aliases": aliases, "public": d.public, "body_rules": d.body},
		MaxBodyBytes:  -1, // bounded before
		DefaultStatus: d.status,
	}
	op.Extensions = map[string]any{}
	if !d.public {
		op.Extensions["x-token-scope"] = auth.ScopeOf(method, path)
	}
	if len(aliases) > 0 {
		op.Description += "\n\nAlso at `" + strings.Join(aliases, "`, `") + "`."
		op.Extensions["x-aliases"] = aliases
	}
	if d.public {
		op.Security = []map[string][]string{}
	}
	if d.security != nil {
		op.Security = d.security
	}
	op.Errors = slices.Concat(d.errors)
	if !d.public {
		op.Errors = append(op.Errors, http.StatusUnauthorized)
	}
	if d.tag != "system" {
		op.Errors = append(op.Errors, http.StatusTooManyRequests)
	}
	op.Responses = map[string]*huma.Response{}
	for status, r := range d.responses {
		op.Responses[status] = new(*r) // the framework completes it
	}
	if d.example != nil {
		op.RequestBody = &huma.RequestBody{Content: map[string]*huma.MediaType{"application/json": {Example: d.example}}}
	}
	if d.body.streamed { // no field of the input stands for it
		op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{}}
		for _, media := range d.body.media {
			op.RequestBody.Content[media] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}
		}
	}
	if d.body.raw != nil {
		if op.RequestBody == nil {
			op.RequestBody = &huma.RequestBody{Content: map[string]*huma.MediaType{}}
		}
		op.RequestBody.Content["*/*"] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}
	}
	s.addAnswer(op.Responses["200"], reflect.TypeFor[O]())
	huma.Register(operationAPI{s.huma, d.body.plan}, op, run)
	if d.body.json != nil { // the framework would read a body that it knows a schema of
		op.RequestBody.Content["application/json"] = &huma.MediaType{Schema: d.body.json, Example: d.example}
	}
	s.shareErrors(op.Responses) // the map is the one in the document
}

// addAnswer says of an answer that may come in other forms what it is as JSON: the framework does so only where no form is named.
func (s *server) addAnswer(r *huma.Response, output reflect.Type) {
	body, ok := output.FieldByName("Body")
	if !ok {
		return
	}
	answer := body.Type
	for answer.Kind() == reflect.Pointer {
		answer = answer.Elem()
	}
	if answer.Kind() != reflect.Struct {
		return
	}
	for f := range answer.Fields() {
		if f.Anonymous && !f.IsExported() {
			panic(answer.String() + " embeds " + f.Name + ", whose fields the document would not have")
		}
	}
	if r != nil && len(r.Content) > 0 && r.Content["application/json"] == nil {
		r.Content = maps.Clone(r.Content)
		r.Content["application/json"] = &huma.MediaType{Schema: s.huma.OpenAPI().Components.Schemas.Schema(answer, true, "")}
	}
}
