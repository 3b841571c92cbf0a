package api

import (
	"cmp"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"codeforge"
)

// config is what the framework is told: our formats and, for the specification, what the API is as a whole.
func (s *server) config() huma.Config {
	format := huma.Format{Marshal: marshal} // bodies are read by the operation: operationAPI
	c := huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{
				Title:   "CodeForge",
				Version: codeforge.Version,
				License: &huma.License{Name: "MIT", Identifier: "MIT"},
				Description: "Turns an idea into a project of versioned files that is known to build. Create a project, run an agent or the whole pipeline on it, " +
					"watch the job's events, read the files.\n\nEvery path also exists with a trailing slash or without. Every error has the shape of the schema Error; " +
					"with `Accept: application/problem+json` it comes as RFC 9457. Every answer carries `X-Request-ID`, every limited one `X-RateLimit-Limit`, `X-RateLimit-Remaining` and `X-RateLimit-Reset`." +
					"\n\nWhere the server's database has replicas, the answer to what changed something carries `X-Consistency-Token`. A client that sends the last one it got back in a header of this name " +
					"reads what it wrote, of whichever server it asks; one that does not reads it of the server that it wrote to.",
			},
			Components: &huma.Components{
				Schemas:   huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer),
				Responses: map[string]*huma.Response{},
				SecuritySchemes: map[string]*huma.SecurityScheme{
					"bearer": {Type: "http", Scheme: "bearer", BearerFormat: "JWT", Description: "A token of the identity provider, or one made with POST /v1/tokens. A standalone server needs none."},
					"streamToken": {Type: "apiKey", In: "query", Name: "token",
						Description: "The token in a stream_url: for one job, until an hour after its end."},
				},
			},
			Security: []map[string][]string{{"bearer": {}}},
			Tags: []*huma.Tag{
				{Name: "projects", Description: "Ideas on their way to a program."},
				{Name: "files", Description: "The newest state of a project's files. Every write is a revision."},
				{Name: "revisions", Description: "All states of a project's files: compare and restore."},
				{Name: "git", Description: "What `git clone`, `git fetch` and `git push` of `/v1/projects/{project_id}.git` ask, with a token as password. The branch is main."},
				{Name: "agents", Description: "Start work on a project, and answer what it asks."},
				{Name: "jobs", Description: "Work in progress and done."},
				{Name: "learning", Description: "What learners get beside the code: in projects whose mode is student."},
				{Name: "profiles", Description: "Who the users are."},
				{Name: "webhooks", Description: "Addresses that are told what happens, after the specification Standard Webhooks."},
				{Name: "tokens", Description: "What lets machines act for a user, within scopes."},
				{Name: "models", Description: "Which models answer, what they cost, and what they may cost."},
				{Name: "keys", Description: "A user's own keys for providers of models."},
				{Name: "system", Description: "How the server is."},
			},
		},
		Formats:       map[string]huma.Format{"application/json": format, "json": format},
		DefaultFormat: "application/json",
	}
	c.Servers = []*huma.Server{{URL: cmp.Or(s.PublicURL, "/")}}
	return c
}

// onlyStandard takes out of the document what the framework puts there and no specification knows. The words have done their part:
// messages about patterns were made when the operation was registered.
func onlyStandard(o *huma.OpenAPI) {
	for _, item := range o.Paths {
		for _, op := range []*huma.Operation{item.Get, item.Put, item.Post, item.Delete} {
			if op == nil {
				continue
			}
			for _, p := range op.Parameters {
				p.Schema.PatternDescription = ""
			}
		}
	}
	for _, schema := range o.Components.Schemas.Map() {
		for _, p := range schema.Properties {
			p.PatternDescription = ""
		}
	}
}

// doc is what the specification says of an operation beyond its types.
type doc struct {
	tag, summary, text string
	errors             []int
	public             bool // needs no identity
	status             int  // of success; 0: 200
	security           []map[string][]string
	responses          map[string]*huma.Response
	example            any // of the request
	body               bodyRules
}

const anID = "0198c0de-0000-7000-8000-000000000001"

// docs are the operations by id.
var docs = map[string]doc{
	"health": {tag: "system", public: true, summary: "Health", text: "Says how the server and what it depends on are. Always 200; never limited."},
	"live":   {tag: "system", public: true, summary: "Liveness", text: "200 as long as the process answers. Nobody is asked: a server whose store is away is not mended by a restart."},
	"ready": {tag: "system", public: true, errors: []int{503}, summary: "Readiness",
		text: "Says whether the server should get traffic, and which store, isolation and model are in force. A server that is about to stop says no, and goes on answering for a while. Never limited."},

	"diagnose": {tag: "system", errors: []int{409, 501, 503}, summary: "Look at every part",
		text: "Tries each configured part for real, as `codeforge doctor` does, and says what to do about what is broken. It takes up to a minute. Standalone alone: elsewhere its findings are the operator's, who runs `codeforge doctor`."},

	"create_project": {tag: "projects", errors: []int{413, 415}, summary: "Create a project", text: "Stores an idea. Its status is planning.",
		example: map[string]any{"title": "A CRM for dog walkers", "description": "Clients, dogs, walks and invoices in one place.", "mode": "builder"}},
	"list_projects":  {tag: "projects", summary: "List projects", text: "The caller's projects, newest first. Archived ones only when asked for."},
	"get_project":    {tag: "projects", errors: []int{400, 404}, summary: "Read a project", text: "The project's row, with the documents that research and wireframe wrote.", responses: notModified},
	"update_project": {tag: "projects", errors: []int{400, 404, 409, 413, 415}, summary: "Change a project", text: "Changes the fields that are given, at least one.", example: map[string]any{"title": "A CRM for cat sitters"}},
	"archive_project": {tag: "projects", errors: []int{400, 404, 409}, summary: "Archive a project, or delete it",
		text: "Sets the status archived: another status brings the project back. With `permanent=true` it is deleted for good, with its files and all their history, conversation, jobs, previews and webhooks; jobs that had not ended are cancelled. " +
			"What stays are sums and ids: of what its models cost, and who deleted it. Asked again it answers 404."},
	"copy_project": {tag: "projects", errors: []int{400, 404, 409, 413, 415, 503}, summary: "Copy a project",
		text: "Makes a project of the caller with the files of this one, or as they were in a revision, as its first revision, which says where they come from. What is known of them (whether they build, evidence, screenshots, the lock of packages) is known of the copy too, " +
			"and the documents of research and wireframe come along. Conversation, jobs, history, roadmap and webhooks do not. The limits on projects and bytes hold.",
		example: map[string]any{"title": "A CRM for cat sitters", "revision": 3}},
	"list_messages": {tag: "projects", errors: []int{400, 404}, summary: "Read the conversation", text: "The newest messages of the project's conversation, oldest first, and by `before` those of earlier. What is new comes over the project's events."},
	"check_project": {tag: "projects", errors: []int{400, 404, 501, 503}, summary: "Verify the files",
		text: "Parses every file, resolves every reference with the npm packages that the project asks for, checks types, bundles every entry point. Nothing is run. What looks like a secret is a warning. What was found out is noted with the revision."},
	"preview_project": {tag: "projects", errors: []int{400, 404, 501, 503}, summary: "What the preview shows, and where",
		text: "Builds the newest revision, or an older one, unless that was done, and says where it is shown, on an origin of its own, or why it cannot be. Where users exist the address carries a ticket that holds for a minute. " +
			"A page that is open loads itself again when there is a newer revision."},
	"list_preview_errors": {tag: "projects", errors: []int{400, 404}, summary: "What went wrong in the preview",
		text: "Errors that pages of the preview met in people's browsers, each once, at most 100 of a project. To have them mended, submit a code job with `\"preview_errors\": true` in its input_context."},

	"import_project": {tag: "files", errors: []int{400, 404, 409, 413, 415, 501, 503}, summary: "Import an archive",
		text: "Makes one revision of the files in a zip, tar or tar.gz, which is the body, or lies at the public address that a JSON body gives as `url` (https, as git hosts have them). A folder around all of it is taken away. " +
			"Left out, and told of in the answer: what .gitignore files say, packages (node_modules), build output (dist and its like, unless a .gitignore file says that it is none, such as `!dist/`), .git, links, and what no project can have. " +
			"A path that leads elsewhere, a damaged archive, and one that unpacks out of all proportion is refused as a whole. Sent again it changes nothing. If-Match takes the project's revision.",
		example: map[string]any{"url": "https://git.example/dog/walkers/archive/main.zip"},
		body:    bodyRules{json: &huma.Schema{Type: huma.TypeObject, Required: []string{"url"}, Properties: map[string]*huma.Schema{"url": {Type: huma.TypeString, Format: "uri"}}}, media: []string{"application/zip", "application/x-tar", "application/gzip", "*/*"}, streamed: true, most: func(o *Options) int64 { return o.MaxImport }}},
	"import_github": {tag: "files", errors: []int{400, 404, 409, 413, 415, 501, 503}, summary: "Import a repository from GitHub",
		text:    "As an import of the archive of a branch, tag or commit. If-Match takes the project's revision.",
		example: map[string]any{"repository": "dog/walkers", "ref": "main"}},
	"export_github": {tag: "files", errors: []int{400, 404, 409, 413, 415, 500, 501, 503}, summary: "Export to GitHub",
		text: "Puts the newest revision into a repository, which is made where there is none: one commit on its default branch, or, where it has commits that are not exports of this project, on a branch of its own with a pull request. " +
			"Repeated after a failure it sends only what GitHub has not. If the server stops in the middle the job fails, since the token is nowhere else. " + resultText,
		responses: resultLater,
		example:   map[string]any{"repo_name": "dog-walkers", "private": true, "github_token": "ghp_a-token-of-your-own"}},
	"export_zip":    {tag: "files", errors: []int{400, 404, 503}, summary: "Export as zip", text: exportText, responses: archiveAnswer("application/zip")},
	"export_tar_gz": {tag: "files", errors: []int{400, 404, 503}, summary: "Export as tar.gz", text: exportText, responses: archiveAnswer("application/gzip")},

	"git_refs": {tag: "git", errors: []int{400, 404, 503}, summary: "What there is", text: "Protocol versions 0 to 2. Errors are texts.",
		responses: gitAnswers("application/x-git-upload-pack-advertisement", "application/x-git-receive-pack-advertisement")},
	"git_upload_pack": {tag: "git", errors: []int{400, 404, 413, 415, 503}, summary: "Send what is fetched", text: "One commit for each revision. Errors are texts.",
		responses: gitAnswers("application/x-git-upload-pack-result"),
		body:      bodyRules{media: []string{"application/x-git-upload-pack-request"}, streamed: true, gzip: true, most: func(*Options) int64 { return mostGitRequest }}},

	"git_receive_pack": {tag: "git", errors: []int{400, 404, 413, 415, 503}, summary: "Take what is pushed",
		text:      "Commits onto main become revisions, all or none, and are kept as they came. What does not build is taken too, marked as not verified, unless it came with `-o verify=required`. Errors, and refusals, are texts that git shows.",
		responses: gitAnswers("application/x-git-receive-pack-result"),
		body:      bodyRules{media: []string{"application/x-git-receive-pack-request"}, streamed: true, gzip: true, most: mostPush}},

	"list_files": {tag: "files", errors: []int{400, 404}, summary: "List files", responses: notModified,
		text: "All files, sorted by path, with their contents unless `content=false`. The ETag is the revision: a list that did not change costs nothing."},
	"create_file": {tag: "files", errors: []int{400, 404, 409, 413, 415}, summary: "Write a file",
		text:    "Creates the file or replaces its content. Path, content and language come as JSON or in the query. What is no text comes with `encoding` base64, or by PUT as it is.",
		body:    bodyRules{most: maxFileBody},
		example: map[string]any{"path": "src/index.ts", "content": "export const answer = 42\n"}},
	"get_file": {tag: "files", errors: []int{400, 404, 503}, summary: "Read a file", responses: fileBytes,
		text: "The newest state of one file. Its bytes, with a media type by what they hold, come with `raw=true` or where Accept names another type than JSON; they are to be saved, and are no page of this origin."},
	"update_file": {tag: "files", errors: []int{400, 404, 409, 413, 415}, summary: "Replace a file's content", example: map[string]any{"content": "export const answer = 43\n"},
		text: "The file must exist. If-Match takes its version. A body of another media type than JSON is the file itself, whatever it holds, and makes it where it does not exist: binary files, and texts beyond 100,000 characters.",
		body: bodyRules{most: maxFileBody, raw: (*server).putRaw}},
	"delete_file": {tag: "files", errors: []int{400, 404, 409}, summary: "Delete a file", text: "Older revisions keep it."},

	"refactor_file": {tag: "files", errors: []int{400, 404, 409, 413, 415, 500, 503}, summary: "Refactor a part of a file",
		text: "An agent rewrites the selected code as the instruction says. The selection is taken byte for byte and must stand in the file once, or `start_line` says which is meant. Nothing is changed, unless `apply=true`: then the result is verified and made one revision; " +
			"code that does not build, where it did before, is refused. What people change meanwhile is merged; where that clashes the answer is 409 and nothing is changed. If-Match takes the file's version. On a project where other jobs change files it waits for its turn. " + resultText,
		responses: resultLater,
		example:   map[string]any{"selected_code": "var total = 0\n", "instruction": "Use let and const", "start_line": 12}},
	"refactor": {tag: "files", errors: []int{400, 404, 409, 413, 415, 500, 503}, summary: "Refactor a part of a file, with its place in the body",
		text: "The same as refactor_file.", responses: resultLater,
		example: map[string]any{"project_id": anID, "path": "src/main.ts", "selected_code": "var total = 0\n", "instruction": "Use let and const"}},

	"list_revisions":   {tag: "revisions", errors: []int{400, 404}, summary: "List revisions", text: "Newest first."},
	"get_revision":     {tag: "revisions", errors: []int{400, 404}, summary: "Read a revision", text: "All files as they were."},
	"list_screenshots": {tag: "revisions", errors: []int{400, 404}, summary: "List screenshots", text: "Which pages of a revision were seen in a browser, and how wide. The newest revisions that have some keep theirs."},
	"get_screenshot":   {tag: "revisions", errors: []int{400, 404}, summary: "Look at a page", text: "What a page of a revision looked like when it was opened in a browser, as a picture.", responses: pictureAnswer},
	"diff_revision": {tag: "revisions", errors: []int{400, 404, 503}, summary: "Compare a revision", responses: patchAnswer,
		text: "What differs in it from the one before, or from any other one: what became of each file, with hunks and as a patch. A file that went and one that came with the same content is one that was renamed. " +
			"At most 10,000 lines and 1 MB of a file are shown, and 8 MB of all: beyond them there are counts, and `too_large`. With `format=patch`, or where Accept names text/x-diff and not JSON, the answer is the patch itself, " +
			"which git apply takes; what it leaves out, binary files too, is said in lines that begin with #."},
	"restore_revision": {tag: "revisions", errors: []int{400, 404, 409}, summary: "Restore a revision", text: "Makes a new revision whose files equal those of an older one."},

	"run_agent": {tag: "agents", errors: []int{400, 404, 409, 413, 415, 503}, summary: "Run an agent",
		text:    "Queues a job of one agent and answers at once. The job survives a restart of the server; its effects are applied once.",
		example: map[string]any{"project_id": anID, "agent_type": "code", "input_context": map[string]any{"user_message": "Add a page with all walks of a week"}}},
	"run_pipeline": {tag: "agents", errors: []int{400, 404, 409, 413, 415, 503}, summary: "Run the pipeline",
		text:    "Queues research, wireframe, code and qa as one job of agent type builder.",
		example: map[string]any{"project_id": anID, "input_context": map[string]any{"user_idea": "A CRM for dog walkers"}}},
	"respond": {tag: "agents", errors: []int{400, 404, 409, 413, 415, 503}, summary: "Answer a job's questions",
		text: "For a job that is waiting_for_input. The job goes on; the new id in the answer is an alias of it for ever. " +
			"Where it asks what stands in files that people changed too, an answer is `yours`, `job` or the text of the file, and one map may name many paths, `*` the rest; under review it is `apply` or `reject`. Such answers end the job.",
		example: map[string]any{"answers": []any{map[string]any{"Who will use it?": "Dog walkers"}}}},
	"clarify": {tag: "agents", errors: []int{400, 404, 409, 413, 415, 503}, summary: "Answer a job's questions, with its id in the body",
		text:    "The same as respond.",
		example: map[string]any{"job_id": anID, "responses": []any{map[string]any{"question_id": "q1", "answer": "Dog walkers"}}}},

	"make_placed_choice": {tag: "learning", errors: []int{400, 404, 409, 413, 415, 500, 503}, summary: "Lay out a choice, with its project in the body",
		text: "The same as make_choice.", responses: resultLater,
		example: map[string]any{"project_id": anID, "decision_context": "Where should the app keep its data: localStorage or a database?", "module_index": 2}},
	"ask_mentor": {tag: "learning", errors: []int{400, 404, 409, 413, 415, 500, 503}, summary: "Ask the mentor",
		text: "The mentor answers with a lesson: questions that lead to the answer. It is what run_agent does with the type pedagogy, in a project whose mode is student. " + resultText, responses: resultLater,
		example: map[string]any{"project_id": anID, "question": "Why does the list not change when I add an entry?"}},
	"plan_roadmap": {tag: "learning", errors: []int{400, 404, 409, 413, 415, 500, 503}, summary: "Plan a roadmap",
		text:      "An agent plans how a learner builds the project, from its requirements, the level, the focus areas, and what was done so far. It takes the place of the project's roadmap when the job ends. The project's mode must be student, and it must have a requirements_spec. " + resultText,
		responses: resultLater,
		example:   map[string]any{"skill_level": "beginner", "focus_areas": []string{"state", "accessibility"}}},
	"make_choice": {tag: "learning", errors: []int{400, 404, 409, 413, 415, 500, 503}, summary: "Lay out a choice",
		text:      "An agent says which ways there are, what each gives and costs in this project, and what is learned by it. The project's mode must be student. " + resultText,
		responses: resultLater,
		example:   map[string]any{"decision_context": "Where should the app keep its data: localStorage or a database?", "module_index": 2}},

	"put_key": {tag: "keys", errors: []int{400, 413, 415, 501, 503}, summary: "Keep an own key for a provider",
		text: "Jobs of the caller then ask this provider with this key before the server's own ones are used; what it pays for counts against no budget of the server, and usage tells of it apart. " +
			"The key is stored encrypted and never shown again. One that the provider refuses is not taken; it takes the place of an earlier one.",
		example: map[string]any{"provider": "openai", "key": "sk-a-key-of-your-own"}},
	"list_keys": {tag: "keys", summary: "List own keys", text: "For which providers the caller has a key here, and for which one can be kept."},
	"test_key": {tag: "keys", errors: []int{404, 501, 503}, summary: "Try an own key",
		text: "Asks the provider, by its list of models, whether it still accepts the key that is kept. Nothing is paid for."},
	"delete_key": {tag: "keys", errors: []int{404}, summary: "Delete an own key", text: "Calls that are under way end with it."},

	"record_choice": {tag: "learning", errors: []int{400, 404, 409, 413, 415}, summary: "Record a choice",
		text:    "Keeps which option the student chose in a module of the roadmap, as its `chosen_option`. The project's mode must be student.",
		example: map[string]any{"module_index": 0, "option_id": "local-storage"}},
	"get_roadmap": {tag: "learning", errors: []int{400, 404}, summary: "Read the roadmap", text: "The roadmap of a project whose mode is student, with what was chosen.",
		responses: map[string]*huma.Response{"204": {Description: "None was planned yet, and `optional` was asked for."}}},
	"set_roadmap_step": {tag: "learning", errors: []int{400, 404, 409, 413, 415}, summary: "Say which module comes next",
		text:    "The modules before it are done. It may go back. The project's mode must be student.",
		example: map[string]any{"step_index": 0}},
	"get_student_progress": {tag: "learning", errors: []int{400, 404}, summary: "How far the student has come", text: "Out of the roadmap and the sessions of a project whose mode is student."},
	"add_session": {tag: "learning", errors: []int{400, 404, 413, 415}, summary: "Keep a session",
		text:    "Keeps what was said with the mentor, what it was about and how long it took. The project's mode must be student. Sessions count in the bytes that a user stores.",
		example: map[string]any{"transcript": []any{map[string]any{"role": "mentor", "content": "What happens when the page is loaded again?"}}, "concepts_covered": []string{"state"}, "duration_minutes": 25}},
	"list_sessions": {tag: "learning", errors: []int{400, 404, 503}, summary: "List sessions", text: "Those of a project whose mode is student, newest first."},

	"get_profile": {tag: "profiles", summary: "Read the profile", text: "The caller's. Where there is none yet it is made, with the name and picture that the token tells of."},
	"put_profile": {tag: "profiles", errors: []int{400, 413, 415}, summary: "Make or change the profile", text: "The caller's: makes it where there is none yet, and sets the fields that are given.",
		example: map[string]any{"full_name": "Ada Lovelace", "skill_level": "intermediate"}},
	"update_profile": {tag: "profiles", errors: []int{400, 413, 415}, summary: "Change the profile", text: "Changes the fields of the caller's profile that are given, at least one.",
		example: map[string]any{"skill_level": "advanced"}},
	"delete_profile": {tag: "profiles", errors: []int{400, 409, 503}, summary: "Delete all that the caller has",
		text: "Deletes every project with its files, history, conversation and jobs, which are cancelled, then tokens, own keys, webhooks and the profile, for good. What is left are ids and sums: what models cost, what budgets count, the audit log. " +
			"The account at the identity provider stays, so that a later request begins with a fresh profile. Where it breaks off, ask again: it goes on."},
	"export_profile": {tag: "profiles", errors: []int{503}, summary: "Export all that the caller has", responses: archiveAnswer("application/zip"),
		text: "A zip: the profile, tokens by name, keys by provider, webhooks without secrets, use of models by day, and of each project its row, newest files, revisions, jobs, conversation, roadmap and sessions, as JSON. Lists come in pages, newest first."},
	"join_waitlist": {tag: "profiles", public: true, status: http.StatusCreated, errors: []int{413, 415, 503}, summary: "Join the waitlist",
		text:    "Keeps an address. Again, it says the same. An address of the network may join 10 times a minute, and all together 1,000 times an hour.",
		example: map[string]any{"email": "ada@example.com"}},

	"create_webhook": {tag: "webhooks", errors: []int{400, 413, 415, 501, 503}, summary: "Create a webhook for all projects",
		text:    "The address is told of events in all of the caller's projects. " + webhookText,
		example: map[string]any{"url": "https://example.com/hooks/codeforge", "events": []string{"job.completed", "job.failed"}}},
	"list_webhooks": {tag: "webhooks", summary: "List webhooks for all projects", text: "Those of the caller, but for those of single projects."},
	"create_project_webhook": {tag: "webhooks", errors: []int{400, 404, 413, 415, 501, 503}, summary: "Create a webhook for a project",
		text:    "The address is told of events in this project. " + webhookText,
		example: map[string]any{"url": "https://example.com/hooks/codeforge", "description": "Deploys what is new", "events": []string{"revision.created"}}},
	"list_project_webhooks": {tag: "webhooks", errors: []int{400, 404}, summary: "List a project's webhooks", text: "Those that were made for this project."},
	"get_webhook":           {tag: "webhooks", errors: []int{400, 404}, summary: "Read a webhook", text: "How it is set, and how it does. Its secret is not shown."},
	"update_webhook": {tag: "webhooks", errors: []int{400, 404, 413, 415, 501, 503}, summary: "Change a webhook",
		text:    "Changes the fields that are given, at least one. A new address, and `enabled` true, forget the failures from before; what rested while it was disabled is then sent.",
		example: map[string]any{"events": []string{"job.failed"}, "enabled": true}},
	"delete_webhook": {tag: "webhooks", errors: []int{400, 404}, summary: "Delete a webhook", text: "Its deliveries go with it, those that are pending too."},
	"rotate_webhook": {tag: "webhooks", errors: []int{400, 404, 501, 503}, summary: "Give a webhook a new secret",
		text: "Answers with the new secret, once. Until the grace is over deliveries carry a signature by each of the two, so that a receiver may be changed at any time between."},
	"test_webhook": {tag: "webhooks", errors: []int{400, 404, 409}, summary: "Send a test", text: "Sends an event of type `webhook.test`, whatever types the webhook gets."},
	"list_webhook_deliveries": {tag: "webhooks", errors: []int{400, 404, 503}, summary: "List deliveries",
		text: "What was sent, or is to be, with each attempt: when, how long it took, what the receiver answered."},
	"redeliver_webhook": {tag: "webhooks", errors: []int{400, 404, 409}, summary: "Send a delivery again", text: "At once, under its id, whatever became of it before; if that fails it is tried again like a new one."},

	"create_token": {tag: "tokens", errors: []int{400, 403, 413, 415, 501, 503}, summary: "Make a token",
		text: "Makes a token that acts for the caller within its scopes, and shows it, once: only a hash is stored. Which scope an operation needs is said by its `x-token-scope`: `read` for whatever looks, `jobs` for whatever starts a job (refactoring, plans and questions of learners and exports to GitHub too), answers, takes or ends one, and for a call of a model, " +
			"`account` for tokens, keys and the profile, `write` for all else that changes something. None includes another. A token that has the scope `account` makes others with scopes of its own alone, which hold no longer than itself. " +
			"A user has at most 100 that hold.",
		example: map[string]any{"name": "build server", "scopes": []string{"read", "jobs"}, "expires_in_days": 30}},
	"list_tokens":  {tag: "tokens", errors: []int{501, 503}, summary: "List tokens", text: "All of the caller's, without what would let somebody use them."},
	"revoke_token": {tag: "tokens", errors: []int{400, 404, 501, 503}, summary: "Revoke a token", text: "Ends it, for good. Within ten seconds every server refuses it."},

	"list_models": {tag: "models", errors: []int{501, 503}, summary: "List models",
		text: "What is known of models, how those that were called stand, and where the calls of each agent go."},
	"test_model": {tag: "models", errors: []int{400, 413, 415, 501, 503}, summary: "Try a model",
		text: "Asks one model for a word, as jobs would ask it: within the caller's budgets, with an own key of the caller first, booked as a call of no job. No other model stands in. " +
			"Answers 200 whatever came of it: `answered` says whether it did, `reason` and `message` why not.",
		example: map[string]any{"model": "scaffold:templates"}},
	"sum_usage": {tag: "models", errors: []int{400, 404, 501, 503}, summary: "What was used",
		text: "Sums of the caller's model calls, failed ones included: in all, and by day, project, job, model or agent."},
	"get_estimate": {tag: "models", errors: []int{400, 404, 501, 503}, summary: "What a job will probably take",
		text: "Cost, tokens and time, from what the caller's own jobs took, else from the prices of the model. The same comes with the answer to a submission."},
	"list_budgets": {tag: "models", errors: []int{400, 404, 501, 503}, summary: "List budgets",
		text: "The ceilings in force on what models may cost the caller, and where they stand."},
	"set_budget": {tag: "models", errors: []int{400, 404, 413, 415, 501, 503}, summary: "Set a budget",
		text: "Sets the caller's own ceiling on a job, a project or the caller, or lifts it. A ceiling of the server's stays in force: the lower one counts. " +
			"Before each call of a model its worst case is reserved; a job that reaches a ceiling stops and keeps what it has.",
		example: map[string]any{"scope": "project_day", "id": anID, "limit_usd": 2.5}},

	"get_job": {tag: "jobs", responses: notModified, errors: []int{400, 404}, summary: "Read a job", text: "State, progress and result. Watch the stream, or poll it with `wait`: the answer then comes when something changed. A result's `files` carry the contents of at most 50 files and 1 MB together; above that `truncated` is true beside them, and the files' routes have the others."},
	"list_user_jobs": {tag: "jobs", errors: []int{400, 404, 503}, summary: "List the jobs of all projects",
		text: "The caller's, newest first. A page may hold fewer than `limit`, or none, where many jobs are passed over: the list ends where `next_cursor` is null."},
	"list_job_calls": {tag: "jobs", errors: []int{400, 404, 501, 503}, summary: "List what models were asked for a job",
		text: "Each attempt at a call of a model, failed ones too: who was asked, what it took and what it cost. They are known as long as the books are kept, also of a job that is gone."},
	"get_job_call": {tag: "jobs", errors: []int{400, 404, 501, 503}, summary: "Read what a model answered",
		text: "The answer to one call, as the journal keeps it for JOURNAL_RETENTION: what was said, thought (where that is shown) and called. What was asked is not kept. 404 for a call that got no answer, and when it is gone."},
	"list_jobs": {tag: "jobs", errors: []int{400, 404}, summary: "List a project's jobs", text: "Newest first, by limit and offset or by page."},
	"list_job_files": {tag: "jobs", errors: []int{400, 404, 503}, summary: "Read a job's working tree",
		text: "The project's files as the job has them by now, before anything of it is in the project: all without contents, or one by its path with its content. " +
			"Each `file` event of the stream is already in it. Of a job that runs no more it is its proposal, where there is one, or else the revision that it made; of others that have ended it is kept for a day."},
	"preview_job": {tag: "jobs", errors: []int{400, 404, 501, 503}, summary: "What a preview of the working tree shows, and where",
		text: "Builds what the job has made by now and says where it is shown, on an origin of its own, or why it cannot be. A page that is open follows the job. Where users exist the address carries a ticket that holds for a minute."},
	"cancel_job": {tag: "jobs", errors: []int{400, 404, 409, 503}, summary: "Cancel a job",
		text: "Ends a job that has not ended, and stops the model call that it is in. What it made and verified until then stays, unless `keep=false`."},
	"retry_job": {tag: "jobs", errors: []int{400, 404, 409, 413, 415, 503}, summary: "Try a job again",
		text:    "Queues a new job that does the same as one that has ended, of a pipeline from a given stage on. Its `retry_of` names the old one.",
		example: map[string]any{"from": "code"}},
	"get_proposal": {tag: "jobs", errors: []int{400, 404, 503}, summary: "Read a job's proposal",
		text: "What a job would change, against the revision that it worked on: the work of a job under review, one that changed what people changed too, and one whose code did not build."},
	"apply_proposal": {tag: "jobs", errors: []int{400, 404, 409, 413, 415, 501, 503}, summary: "Apply a job's proposal",
		text: "Merges the proposal, or some files of it, into the newest files, verifies the result and makes it a revision, marked with what the check said. Where people changed the same places since it answers 409 with the paths " +
			"and both sides, and changes nothing; `resolve` then says what stands there.",
		example: map[string]any{"paths": []string{"src/main.ts"}, "resolve": map[string]string{"*": "yours"}}},
	"reject_proposal": {tag: "jobs", errors: []int{400, 404, 409}, summary: "Reject a job's proposal", text: "Drops it. A job that waited because of it is cancelled."},
	"stream_job": {tag: "jobs", public: true, errors: []int{400, 401, 404}, summary: "Watch a job",
		security: []map[string][]string{{"bearer": {}}, {"streamToken": {}}},
		text: "Server-sent events. Stored events have numbers as ids; a reader that comes back with the last one it saw misses none. " +
			"`progress`, `complete`, `error`, `cancelled` and `waiting` come twice: named without an id, then unnamed with the id. " +
			"The others come named with their id: `stage` (began or ended), `spec` (a specification, whole), `file` (path, action, size, lines added and removed), " +
			"`tool` (a call, whether it did what it should, and its answer in a line), `check`, `finding` and `review` (what a review found, and came to), `guard` (which guard acted on what a model did, and how: placeholder, shrink, deletion, secret, loop, instructions, bound), `usage`, `retry`, `restart` (what was shown of an answer on its way is void). " +
			"`queue` (while it is queued: place, and waiting_for and reason, when they change), `delta` (words), `file_delta` (text of a file as it is written: `offset` 0 begins a text) and `log` have no id and are not replayed. New names may come: pass over those that you do not know. " +
			"`dropped` says why the server ends a stream that is not at its end. After the job's last event the stream closes; a reader that saw it gets 204.",
		responses: map[string]*huma.Response{
			"200": eventsAnswer("JobEvent", "progress", "2", codeforge.StateData{JobID: anID, Status: codeforge.Running, Progress: 10}),
			"204": {Description: "The job has ended and everything was seen."},
		}},
	"stream_project": {tag: "projects", public: true, errors: []int{400, 401, 404}, summary: "Watch a project",
		security: []map[string][]string{{"bearer": {}}},
		text: "Server-sent events: what changes in the project, whoever does it, and the events of its jobs. `ready` comes first and names the jobs that have not ended; their events follow from the first on. " +
			"Changes are `revision` (of the files), `message` (of the conversation: role, content, is_thinking; `truncated` where there is more of it), `message_deleted` (its id: as a rule one that said that a job runs), `project` (names of fields that have other values), `webhook` (the server disabled one) and `job` (one began, went back to the queue, waits or ended). " +
			"Events of jobs are as in the job's own stream, but each comes once, with `job_id` and its number there, `seq`. " + feedText +
			" A job that began meanwhile comes from its first event on.",
		responses: map[string]*huma.Response{"200": eventsAnswer("ProjectEvent", "ready", "AQ", readyData{ProjectID: anID, Jobs: []codeforge.OpenJob{}})}},
	"stream_user": {tag: "jobs", public: true, errors: []int{400, 401}, summary: "Watch all of one's jobs",
		security: []map[string][]string{{"bearer": {}}},
		text: "Server-sent events: how the caller's jobs are, in all projects. `ready` comes first and names those that have not ended, with state and progress; then comes `job` when one begins, and of its events those that say how it is, with `job_id` and `seq`: " +
			"`progress`, `stage`, `waiting`, `kept`, `conflict`, `retry`, and its end, `complete` (without the result), `error` or `cancelled`. " + feedText,
		responses: map[string]*huma.Response{"200": eventsAnswer("UserEvent", "ready", "AQ", readyData{Jobs: []codeforge.OpenJob{}})}},
	"open_socket": {tag: "jobs", public: true, errors: []int{400, 401, 403}, summary: "Watch and steer over a WebSocket",
		security: []map[string][]string{{"bearer": {}}},
		text: "The events of jobs, projects and one's own jobs over one connection, and cancel and respond. Messages are JSON; docs/websocket.md has all of them. " +
			"The token comes in the header, as a protocol `bearer.TOKEN` beside `codeforge.v1`, or in the first message, `{\"type\":\"auth\",\"token\":TOKEN}`. " +
			"Then: `{\"type\":\"subscribe\",\"id\":ANY,\"job_id\"|\"project_id\":ID,\"after\":CURSOR}`, without either for one's own jobs.",
		responses: map[string]*huma.Response{"101": {Description: "The connection is a WebSocket from here on."}}},
}

const resultText = "A job does it, which is waited for at most 50 seconds and counts as an event stream meanwhile. If it takes longer, or the client leaves, it goes on: 202 names it, and its result is what 200 would have carried. Its failure is the request's error, with `job_id` in the details."

const feedText = "Each event that is stored has an id, which is opaque: a reader that comes back with the last one it saw gets what follows, each once and of each job in its order. " +
	"`reset` says that this cannot be: what happened since is kept no more (the newest 1,000 changes are), or more than 64 jobs were open. Then read anew what you hold; `ready` follows. " +
	"`dropped` says why the server ends the stream. Pass over names that you do not know."

const webhookText = "Each event is posted as JSON (`type`, `timestamp`, `data` with ids, states, numbers and links, no contents), signed by the headers webhook-id, webhook-timestamp and webhook-signature. " +
	"It is sent at least once, in no promised order, and tried again for about a day until it is answered with a status of 200 to 299 within 15 seconds; 410 disables the webhook, and so do 5 days of failures."

const exportText = "All files of a revision, with the lock of its packages as package-lock.json where it has one and no file of that name. The same revision is the same bytes."

func archiveAnswer(media string) map[string]*huma.Response {
	return map[string]*huma.Response{
		"200": {Description: "The archive.", Content: map[string]*huma.MediaType{media: {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}}},
		"304": {Description: "Nothing changed."},
	}
}

func gitAnswers(media ...string) map[string]*huma.Response {
	content := map[string]*huma.MediaType{}
	for _, m := range media {
		content[m] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}
	}
	return map[string]*huma.Response{"200": {Description: "Packets of git.", Content: content}}
}

// maxFileBody is the most that a body takes whose content is a file, in whatever form.
func maxFileBody(o *Options) int64 { return max(o.MaxBody, encodedFile(o.MaxFile)) }

// fileBytes are the answers of a file that are not its row.
var fileBytes = map[string]*huma.Response{
	"200": {Description: "The row, or the bytes.", Content: map[string]*huma.MediaType{"*/*": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}}},
	"304": {Description: "Nothing changed."},
}

// patchAnswer is a diff that is not JSON.
var patchAnswer = map[string]*huma.Response{
	"200": {Description: "The comparison, or the patch.", Content: map[string]*huma.MediaType{"text/x-diff": {Schema: &huma.Schema{Type: huma.TypeString}}}},
}

// pictureAnswer is a picture in one of the forms that browsers make.
var pictureAnswer = map[string]*huma.Response{
	"200": {Description: "The picture.", Content: map[string]*huma.MediaType{"image/png": {}, "image/webp": {}, "image/jpeg": {}}},
	"304": {Description: "Nothing changed."},
}

var notModified = map[string]*huma.Response{"304": {Description: "Nothing changed."}}

// shareErrors moves the error answers of an operation to the part of the document that all share, with an example each.
func (s *server) shareErrors(responses map[string]*huma.Response) {
	shared := s.huma.OpenAPI().Components.Responses
	for status, r := range responses {
		code, _ := strconv.Atoi(status)
		if code < 400 {
			continue
		}
		name := strings.ReplaceAll(http.StatusText(code), " ", "")
		if shared[name] == nil {
			media := r.Content["application/json"]
			media.Example = errorExample(code)
			r.Content["application/problem+json"] = &huma.MediaType{Schema: media.Schema}
			if code == http.StatusTooManyRequests || code == http.StatusServiceUnavailable {
				r.Headers = map[string]*huma.Header{"Retry-After": {Description: "Seconds until another try makes sense.", Schema: &huma.Schema{Type: huma.TypeInteger}}}
			}
			shared[name] = r
		}
		responses[status] = &huma.Response{Ref: "#/components/responses/" + name}
	}
}

func errorExample(status int) any {
	e := func(code, message string, details map[string]any) any {
		return map[string]any{"error": code, "message": message, "details": details, "request_id": "0198c0de-0000-7000-8000-00000000cafe"}
	}
	examples := map[int]any{
		400: e("VALIDATION_ERROR", "Validation error in id", map[string]any{"field": "id", "reason": "Invalid UUID format"}),
		401: e("AUTHENTICATION_ERROR", "Authorization header required", map[string]any{}),
		404: e("RESOURCE_NOT_FOUND", "Project not found", map[string]any{"resource": "Project", "id": anID}),
		409: e("CONFLICT", "The file has changed since", map[string]any{}),
		413: e("PAYLOAD_TOO_LARGE", "Request body too large", map[string]any{"limit_bytes": defaultMaxBody}),
		415: e("UNSUPPORTED_MEDIA_TYPE", "Send application/json", map[string]any{}),
		422: e("VALIDATION_ERROR", "Request validation failed", map[string]any{"errors": []any{
			map[string]any{"field": "title", "message": "Field required", "type": "missing"}}}),
		429: e("RATE_LIMIT_EXCEEDED", "Too many requests", map[string]any{"retry_after": 1}),
		500: e("INTERNAL_ERROR", "An internal error occurred", map[string]any{}),
		501: e("NOT_SUPPORTED", "This server keeps no keys of users; its operator can set KEY_ENCRYPTION_KEY", map[string]any{}),
		503: e("SERVICE_UNAVAILABLE", "Not ready", map[string]any{}),
	}
	return examples[status]
}
