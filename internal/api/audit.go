package api

import (
	"net/http"
	"strconv"

	"codeforge/internal/audit"
)

// audited are the operations of which a record is kept, with what they do in its words. What people change in their own projects
// from day to day, with its history beside it, is not among them.
var audited = map[string]string{
	"update_project":   "project.update", // which may archive it
	"archive_project":  "project.archive",
	"import_project":   "project.import",
	"import_github":    "project.import",
	"export_github":    "project.export",
	"export_zip":       "project.export",
	"export_tar_gz":    "project.export",
	"git_upload_pack":  "project.fetch",
	"git_receive_pack": "project.push",
	"delete_file":      "file.delete",
	"restore_revision": "revision.restore",
	"set_budget":       "budget.set",
	"cancel_job":       "job.take_back", // see auditedHere

	"put_key":    "key.put",
	"delete_key": "key.delete",

	"delete_profile": "profile.delete",
	"export_profile": "profile.export",

	"create_webhook":         "webhook.create",
	"create_project_webhook": "webhook.create",
	"update_webhook":         "webhook.update",
	"rotate_webhook":         "webhook.rotate",
	"delete_webhook":         "webhook.delete",

	"create_token": "token.create",
	"revoke_token": "token.revoke",
}

// auditedAs is what a request does, in the words of the record.
func auditedAs(operation string, r *http.Request) string {
	if operation == "archive_project" {
		if permanent, _ := strconv.ParseBool(r.URL.Query().Get("permanent")); permanent {
			return "project.delete"
		}
	}
	return audited[operation]
}

// auditedHere reports whether this request of an audited operation is worth a record.
func auditedHere(operation string, r *http.Request) bool {
	switch operation {
	case "cancel_job": // without taking back it is everyday work
		return r.URL.Query().Get("keep") == "false"
	case "export_zip", "export_tar_gz", "export_profile":
		return r.Method == http.MethodGet
	}
	return true
}

// pathObjects are the parts of paths that name objects.
var pathObjects = []string{"project_id", "job_id", "n", "path", "webhook_id", "delivery_id", "token_id", "provider"}

// names adds an object to what the record says that a request was about.
func (x *exchange) names(kind, id string) {
	if x.objects == nil {
		x.objects = map[string]string{}
	}
	x.objects[kind] = id
}

// record keeps what a request did, or failed to do.
func (s *server) record(x *exchange) {
	if s.Audit == nil {
		return
	}
	address := func() string { return clientAddress(x.r, s.TrustedProxies).String() }
	if x.status == http.StatusUnauthorized && presented(x.r) {
		s.Audit.SignInFailed(address())
	}
	action := auditedAs(x.operation, x.r)
	if action == "" || x.everyday || !auditedHere(x.operation, x.r) {
		return
	}
	e := audit.Entry{Action: action, User: x.user.ID, Address: address(), Request: x.id, Objects: x.objects, Outcome: audit.Done, Status: x.status}
	switch {
	case x.status >= 500:
		e.Outcome = audit.Failed
	case x.status >= 400, x.turnedDown:
		e.Outcome = audit.Refused
	}
	s.Audit.Record(e)
}

// presented reports whether a request came with something that should open a door.
func presented(r *http.Request) bool {
	if r.Header.Get("Authorization") != "" {
		return true
	}
	q := r.URL.Query()
	return q.Has("token") || q.Has("access_token")
}
