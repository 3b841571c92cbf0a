// Package mcp offers CodeForge to other agents, as tools and resources of the Model Context Protocol. It is a client of the
// HTTP API like any other: what a tool does is a few requests, which say who asks, what is allowed, and what it costs.
package mcp

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"codeforge"
	"codeforge/internal/client"
)

// Bounds of what one answer holds: a model has to read it.
const (
	maxFileText = 50_000 // bytes of a file's text; the rest is had by line
	maxPatch    = 60_000 // bytes of a diff
	maxWait     = 45 * time.Second
	listed      = 50  // projects
	maxTold     = 200 // characters of a project's description in a list
	maxFiles    = 200 // files, or folders of them, in a list
)

const instructions = `CodeForge builds small web apps: a project holds versioned files, and jobs of agents work on it.
Usual course: build starts a job from an idea; wait until it has ended (call it again while it says running or queued); when it says
waiting_for_input, read its questions and answer; preview gives the address of the running app. change has an existing project changed
in words. check says whether everything parses, bundles and runs. Every change is a revision; diff shows what a revision changed.`

// schemas are made once for all requests.
var schemas = mcp.NewSchemaCache()

// New returns a server whose tools call the API as c does.
func New(c client.Client) *mcp.Server {
	s := mcp.NewServer(&mcp.Implementation{Name: codeforge.Service, Title: "CodeForge", Version: codeforge.Version},
		&mcp.ServerOptions{Instructions: instructions, SchemaCache: schemas, Capabilities: &mcp.ServerCapabilities{},
			SetCacheable: func(_ context.Context, _ mcp.Request, c *mcp.Cacheable) { c.CacheScope = "private" }}) // what is read is of whoever asks
	t, takes := tools{requests{c}}, map[string]string{}
	reads, writes := &mcp.ToolAnnotations{ReadOnlyHint: true, OpenWorldHint: new(false)}, &mcp.ToolAnnotations{DestructiveHint: new(false), OpenWorldHint: new(false)}
	offer(s, takes, &mcp.Tool{Name: "list_projects", Annotations: reads, Description: "The newest projects: ids, titles, states. Look here for the project_id of an app that is there."}, t.listProjects)
	offer(s, takes, &mcp.Tool{Name: "create_project", Annotations: writes, Description: "Make an empty project, to put work into later. build makes its own."}, t.createProject)
	offer(s, takes, &mcp.Tool{Name: "build", Annotations: writes, Description: "Build a new app from an idea: research, design, code and review, as one job of minutes. Returns at once with project_id and job_id; wait for the job. To have an existing app changed, use change."}, t.build)
	offer(s, takes, &mcp.Tool{Name: "change", Annotations: writes, Description: "Have the files of an existing project changed, said in words, as one job. Returns at once with job_id; wait for the job, then diff shows what it did."}, t.change)
	offer(s, takes, &mcp.Tool{Name: "wait", Annotations: reads, Description: "Wait until a job has ended or asks something, at most 45 seconds; it tells how far it is meanwhile. Call it again while the job is queued or running."}, t.wait)
	offer(s, takes, &mcp.Tool{Name: "answer", Annotations: writes, Description: "Answer the questions of a job that waits for input. It goes on under the id that is returned."}, t.answer)
	offer(s, takes, &mcp.Tool{Name: "cancel", Annotations: &mcp.ToolAnnotations{IdempotentHint: true, OpenWorldHint: new(false)}, Description: "Stop a job. Revisions that it made stay."}, t.cancel)
	offer(s, takes, &mcp.Tool{Name: "list_files", Annotations: reads, Description: "The files of a project, with sizes and languages. Of a large one folders are counted: name one to see what is in it."}, t.listFiles)
	offer(s, takes, &mcp.Tool{Name: "read_file", Annotations: reads, Description: "The text of one file, or lines of it; at most 50,000 bytes at a time, and rest says how to go on."}, t.readFile)
	offer(s, takes, &mcp.Tool{Name: "diff", Annotations: reads, Description: "What a revision changed, as a unified diff; without a number, the newest one. Name a path to see one file of a large change."}, t.diff)
	offer(s, takes, &mcp.Tool{Name: "check", Annotations: reads, Description: "Check the newest files of a project: parsing, references, types, bundling, and with run a real browser. Says what to mend, by file and line."}, t.check)
	offer(s, takes, &mcp.Tool{Name: "preview", Annotations: reads, Description: "The address at which the running app can be opened."}, t.preview)
	s.AddReceivingMiddleware(tellArguments(takes))
	s.AddResourceTemplate(&mcp.ResourceTemplate{Name: "file", Title: "File of a project", URITemplate: fileURI + "{project_id}/{+path}",
		Description: "One file of a project, as it is now."}, t.readResource)
	return s
}

// offer adds a tool, and to takes which arguments it has.
func offer[In, Out any](s *mcp.Server, takes map[string]string, t *mcp.Tool, h mcp.ToolHandlerFor[In, Out]) {
	mcp.AddTool(s, t, h)
	var names []string
	for f := range reflect.TypeFor[In]().Fields() {
		name, rest, _ := strings.Cut(f.Tag.Get("json"), ",")
		if rest == "" {
			name += " (required)"
		}
		names = append(names, name)
	}
	takes[t.Name] = cmp.Or(strings.Join(names, ", "), "none")
}

// tellArguments has a refusal of arguments say which ones the tool takes, so that the next call is right.
func tellArguments(takes map[string]string) mcp.Middleware {
	return func(next mcp.MethodHandler) mcp.MethodHandler {
		return func(ctx context.Context, method string, req mcp.Request) (mcp.Result, error) {
			out, err := next(ctx, method, req)
			if r, ok := out.(*mcp.CallToolResult); ok && err == nil && r.IsError && len(r.Content) == 1 {
				text, _ := r.Content[0].(*mcp.TextContent)
				params, _ := req.GetParams().(*mcp.CallToolParamsRaw)
				if text != nil && params != nil {
					if why, ok := strings.CutPrefix(text.Text, `validating "arguments": `); ok {
						text.Text = fmt.Sprintf("The arguments are not those of %s: %s. It takes: %s", params.Name, strings.TrimPrefix(why, "validating root: "), takes[params.Name])
					}
				}
			}
			return out, err
		}
	}
}

// Handler answers requests of the protocol's HTTP transport, without sessions: any server of an installation can answer any
// request. api is the API, which is called in this process for whoever asks; it has said before who that is.
func Handler(api http.Handler) http.Handler {
	return mcp.NewStreamableHTTPHandler(func(r *http.Request) *mcp.Server {
		return New(client.Client{Base: "http://" + r.Host, HTTP: &http.Client{Transport: inProcess{api, r}}})
	}, &mcp.StreamableHTTPOptions{Stateless: true, PropagateRequestCancellation: true,
		DisableLocalhostProtection: true, // the API's own rule of names was asked before, and knows of proxies
		MaxRequestBodyBytes:        maxBody})
}

// maxBody bounds a request, in bytes: an idea or an instruction has at most 50,000 characters.
const maxBody = 1 << 20

// Run serves one client over standard input and output until it goes, or ctx ends.
func Run(ctx context.Context, c client.Client) error {
	err := New(c).Run(ctx, &mcp.StdioTransport{})
	if errors.Is(err, io.EOF) || errors.Is(err, mcp.ErrConnectionClosed) || ctx.Err() != nil {
		return nil
	}
	return err
}

type tools struct{ api requests }

// requests are those to the API. What fails is told as the API says it, without the request: whoever reads that made none.
type requests struct{ client.Client }

func (r requests) Call(ctx context.Context, method, path string, body, out any) error {
	return told(r.Client.Call(ctx, method, path, body, out))
}

func (r requests) Get(ctx context.Context, path string, out any, header ...string) (tag string, err error) {
	tag, err = r.Client.Get(ctx, path, out, header...)
	return tag, told(err)
}

func told(err error) error {
	if refused, ok := errors.AsType[*client.Error](err); ok {
		return errors.New(refused.Answer())
	}
	if failed, ok := errors.AsType[*url.Error](err); ok {
		return failed.Err
	}
	return err
}

// segment is an id in a path. Without one the path would be another, so none is an id that nothing has.
func segment(id string) string { return cmp.Or(url.PathEscape(id), "-") }

type project struct {
	ID          string `json:"id"`
	Title       string `json:"title"`
	Description string `json:"description,omitempty"`
	Status      string `json:"status"`
	Revision    int64  `json:"revision"`
	UpdatedAt   string `json:"updated_at"`
}

type projectList struct {
	Projects []project `json:"projects"`
	Total    int       `json:"total" jsonschema:"how many there are in all"`
}

func (t tools) listProjects(ctx context.Context, _ *mcp.CallToolRequest, _ struct{}) (*mcp.CallToolResult, projectList, error) {
	var page struct {
		Items []project `json:"items"`
		Total int       `json:"total"`
	}
	err := t.api.Call(ctx, "GET", fmt.Sprintf("/v1/projects/?page_size=%d", listed), nil, &page)
	for i := range page.Items {
		if r := []rune(page.Items[i].Description); len(r) > maxTold {
			page.Items[i].Description = string(r[:maxTold-1]) + "…"
		}
	}
	return nil, projectList{append([]project{}, page.Items...), page.Total}, err
}

type newProject struct {
	Title       string   `json:"title" jsonschema:"3 to 200 characters"`
	Description string   `json:"description,omitempty" jsonschema:"what it is about, at most 1000 characters"`
	TechStack   []string `json:"tech_stack,omitempty" jsonschema:"what to build it with, such as React and Tailwind CSS; left out: plain TypeScript, HTML and CSS"`
}

func (t tools) createProject(ctx context.Context, _ *mcp.CallToolRequest, in newProject) (*mcp.CallToolResult, project, error) {
	var p project
	err := t.api.Call(ctx, "POST", "/v1/projects/", in, &p)
	return nil, p, err
}

type idea struct {
	Idea      string   `json:"idea" jsonschema:"what to build, in words"`
	ProjectID string   `json:"project_id,omitempty" jsonschema:"an existing project to build into; left out: a new one"`
	TechStack []string `json:"tech_stack,omitempty" jsonschema:"of a new project: what to build it with, such as React and Tailwind CSS"`
}

type started struct {
	ProjectID string `json:"project_id"`
	JobID     string `json:"job_id"`
	Status    string `json:"status"`
}

func (t tools) build(ctx context.Context, _ *mcp.CallToolRequest, in idea) (*mcp.CallToolResult, started, error) {
	if strings.TrimSpace(in.Idea) == "" {
		return nil, started{}, errors.New("idea is empty: say what to build")
	}
	id := in.ProjectID
	if id == "" {
		var p project
		body := newProject{codeforge.FitLength(in.Idea, codeforge.MaxTitle), codeforge.FitLength(in.Idea, codeforge.MaxDescription), in.TechStack}
		if err := t.api.Call(ctx, "POST", "/v1/projects/", body, &p); err != nil {
			return nil, started{}, err
		}
		id = p.ID
	}
	return t.start(ctx, "/v1/run-pipeline", map[string]any{}, id, in.Idea)
}

type wish struct {
	ProjectID   string `json:"project_id"`
	Instruction string `json:"instruction" jsonschema:"what to change, in words"`
}

func (t tools) change(ctx context.Context, _ *mcp.CallToolRequest, in wish) (*mcp.CallToolResult, started, error) {
	if strings.TrimSpace(in.Instruction) == "" {
		return nil, started{}, errors.New("instruction is empty: say what to change")
	}
	return t.start(ctx, "/v1/run-agent", map[string]any{"agent_type": codeforge.Code}, in.ProjectID, in.Instruction)
}

// start begins a job on a project, which is told what somebody said.
func (t tools) start(ctx context.Context, path string, body map[string]any, project, said string) (*mcp.CallToolResult, started, error) {
	body["project_id"], body["input_context"] = project, map[string]any{"user_message": said}
	out := started{ProjectID: project}
	err := t.api.Call(ctx, "POST", path, body, &out)
	return nil, out, err
}

type waiting struct {
	JobID   string `json:"job_id"`
	Seconds int    `json:"seconds,omitempty" jsonschema:"how long to wait at most: 1 to 45, left out: 45"`
}

// job is what a model needs to know of one.
type job struct {
	JobID     string  `json:"job_id"`
	ProjectID string  `json:"project_id"`
	Agent     string  `json:"agent_type"`
	Status    string  `json:"status" jsonschema:"queued, running, waiting_for_input, completed, failed or cancelled"`
	Progress  float64 `json:"progress" jsonschema:"0 to 100"`
	Error     string  `json:"error,omitempty" jsonschema:"why it failed"`
	Questions []any   `json:"questions,omitempty" jsonschema:"of a job that waits for input: give each an answer"`
	Revision  *int64  `json:"revision,omitempty" jsonschema:"the newest revision that it made"`
	Summary   string  `json:"summary,omitempty"`
	Next      string  `json:"next" jsonschema:"what to do now"`
}

func (t tools) wait(ctx context.Context, req *mcp.CallToolRequest, in waiting) (*mcp.CallToolResult, job, error) {
	most := maxWait
	if in.Seconds != 0 {
		most = time.Duration(in.Seconds) * time.Second
	}
	if most < time.Second || most > maxWait {
		return nil, job{}, errors.New("seconds must be 1 to 45; call wait again to wait longer")
	}
	until := time.Now().Add(most)
	j, tag, err := t.job(ctx, in.JobID, "", 0)
	for err == nil && (j.Status == string(codeforge.Queued) || j.Status == string(codeforge.Running)) {
		left := time.Until(until)
		if left < time.Second {
			break
		}
		if token := req.Params.GetProgressToken(); token != nil {
			// Whether the client still listens shows when the answer is sent.
			_ = req.Session.NotifyProgress(ctx, &mcp.ProgressNotificationParams{ProgressToken: token, Progress: j.Progress, Total: 100, Message: j.Agent + " is " + j.Status})
		}
		next, nextTag, errWait := t.job(ctx, in.JobID, tag, left)
		if !errors.Is(errWait, client.ErrNotModified) {
			j, tag, err = next, nextTag, errWait
		}
	}
	return nil, j, err
}

// job reads a job, and returns the tag that it is then known by. With a tag, it is read when it is no more as that says; if it still
// is after wait, the error is [client.ErrNotModified].
func (t tools) job(ctx context.Context, id, tag string, wait time.Duration) (job, string, error) {
	var d struct {
		JobID         string          `json:"job_id"`
		ProjectID     string          `json:"project_id"`
		Agent         string          `json:"agent_type"`
		Status        string          `json:"status"`
		Progress      float64         `json:"progress"`
		Error         string          `json:"error"`
		Revision      *int64          `json:"revision"`
		Result        json.RawMessage `json:"result"`
		Clarification struct {
			Questions []any `json:"questions"`
		} `json:"clarification_data"`
	}
	path, header := "/v1/jobs/"+segment(id), []string{}
	if tag != "" {
		path, header = path+fmt.Sprintf("?wait=%ds", int(wait.Seconds())), []string{"If-None-Match", tag}
	}
	now, err := t.api.Get(ctx, path, &d, header...)
	if err != nil {
		return job{}, "", err
	}
	j := job{JobID: d.JobID, ProjectID: d.ProjectID, Agent: d.Agent, Status: d.Status, Progress: d.Progress, Error: d.Error, Revision: d.Revision, Summary: summaryOf(d.Result)}
	switch codeforge.JobStatus(d.Status) {
	case codeforge.Waiting:
		j.Questions, j.Next = d.Clarification.Questions, "answer with one answer for each question, then wait for the job id that it returns"
	case codeforge.JobCompleted:
		j.Next = "preview shows the app, diff what changed, change asks for more"
	case codeforge.JobFailed:
		j.Next = "read error; change with other words, or build again; revisions that were made stay"
	case codeforge.JobCancelled:
		j.Next = "nothing: it was stopped"
	default:
		j.Next = "wait again"
	}
	return j, now, nil
}

// summaryOf is what a result says of itself in words, wherever it says it.
func summaryOf(result json.RawMessage) string {
	var r struct {
		Summary string `json:"summary"`
		Message string `json:"message"`
		Code    struct {
			Summary string `json:"summary"`
		} `json:"generated_code"`
	}
	if json.Unmarshal(result, &r) != nil {
		return ""
	}
	for _, s := range []string{r.Summary, r.Code.Summary, r.Message} {
		if s != "" {
			return s
		}
	}
	return ""
}

type answers struct {
	JobID   string            `json:"job_id"`
	Answers map[string]string `json:"answers" jsonschema:"an answer for each question, by the question's own words"`
}

func (t tools) answer(ctx context.Context, _ *mcp.CallToolRequest, in answers) (*mcp.CallToolResult, started, error) {
	var out started
	err := t.api.Call(ctx, "POST", "/v1/jobs/"+segment(in.JobID)+"/respond", map[string]any{"answers": []any{in.Answers}}, &out)
	if err != nil {
		return nil, started{}, err
	}
	j, _, err := t.job(ctx, out.JobID, "", 0)
	out.ProjectID = j.ProjectID
	return nil, out, err
}

type jobID struct {
	JobID string `json:"job_id"`
}

func (t tools) cancel(ctx context.Context, _ *mcp.CallToolRequest, in jobID) (*mcp.CallToolResult, started, error) {
	if err := t.api.Call(ctx, "POST", "/v1/jobs/"+segment(in.JobID)+"/cancel", map[string]any{}, new(json.RawMessage)); err != nil {
		return nil, started{}, err
	}
	j, _, err := t.job(ctx, in.JobID, "", 0)
	return nil, started{j.ProjectID, j.JobID, j.Status}, err
}

type projectID struct {
	ProjectID string `json:"project_id"`
}

type file struct {
	Path     string `json:"path"`
	Language string `json:"language"`
	Size     int64  `json:"size" jsonschema:"bytes"`
}

type fileList struct {
	ProjectID string   `json:"project_id"`
	Revision  int64    `json:"revision"`
	Files     []file   `json:"files"`
	Folders   []folder `json:"folders,omitempty" jsonschema:"in place of the files in them, where these are too many to be listed"`
	Rest      string   `json:"rest,omitempty" jsonschema:"how to see what is not listed"`
}

type folder struct {
	Path  string `json:"path"`
	Files int    `json:"files" jsonschema:"how many lie in it, at whatever depth"`
}

type listing struct {
	ProjectID string `json:"project_id"`
	Folder    string `json:"folder,omitempty" jsonschema:"only what lies in this folder; left out: all"`
}

func (t tools) listFiles(ctx context.Context, _ *mcp.CallToolRequest, in listing) (*mcp.CallToolResult, fileList, error) {
	out := fileList{Files: []file{}}
	if err := t.api.Call(ctx, "GET", at(in.ProjectID, "/files?content=false"), nil, &out); err != nil {
		return nil, fileList{}, err
	}
	prefix := strings.Trim(in.Folder, "/")
	if prefix != "" {
		prefix += "/"
		if out.Files = slices.DeleteFunc(out.Files, func(f file) bool { return !strings.HasPrefix(f.Path, prefix) }); len(out.Files) == 0 {
			return nil, fileList{}, fmt.Errorf("no file lies in %s: list_files without folder shows what there is", in.Folder)
		}
	}
	out.fit(prefix)
	return nil, out, nil
}

// fit counts folders where there are too many files to list, and cuts what is too much then. Files are in the order of their paths.
func (l *fileList) fit(prefix string) {
	if len(l.Files) <= maxFiles {
		return
	}
	all := l.Files
	l.Files = []file{}
	for _, f := range all {
		name, _, inside := strings.Cut(strings.TrimPrefix(f.Path, prefix), "/")
		n := len(l.Folders)
		switch {
		case !inside:
			l.Files = append(l.Files, f)
		case n > 0 && l.Folders[n-1].Path == prefix+name:
			l.Folders[n-1].Files++
		default:
			l.Folders = append(l.Folders, folder{prefix + name, 1})
		}
	}
	l.Rest = "name a folder to see the files in it"
	if n := len(l.Folders) - maxFiles; n > 0 {
		l.Folders, l.Rest = l.Folders[:maxFiles], fmt.Sprintf("%s; %d folders more", l.Rest, n)
	}
	if n := len(l.Files) - maxFiles; n > 0 {
		l.Files, l.Rest = l.Files[:maxFiles], fmt.Sprintf("%s; %d files more", l.Rest, n)
	}
}

type lines struct {
	ProjectID string `json:"project_id"`
	Path      string `json:"path"`
	From      int    `json:"from,omitempty" jsonschema:"number of the first line; left out: 1"`
	To        int    `json:"to,omitempty" jsonschema:"number of the last line; left out: as many as fit"`
}

type text struct {
	Path  string `json:"path"`
	From  int    `json:"from"`
	To    int    `json:"to"`
	Lines int    `json:"lines" jsonschema:"how many the file has"`
	Text  string `json:"text"`
	Rest  string `json:"rest,omitempty" jsonschema:"how to read what did not fit"`
}

func (t tools) readFile(ctx context.Context, _ *mcp.CallToolRequest, in lines) (*mcp.CallToolResult, text, error) {
	f, err := t.file(ctx, in.ProjectID, in.Path)
	if err != nil {
		return nil, text{}, err
	}
	if f.Binary != nil {
		return nil, text{}, fmt.Errorf("%s is no text (%d bytes): it can be had as a resource, at %s", f.Path, f.Size, uriOf(in.ProjectID, f.Path))
	}
	all := strings.SplitAfter(f.Content, "\n")
	if all[len(all)-1] == "" {
		all = all[:len(all)-1]
	}
	out := text{Path: f.Path, From: max(in.From, 1), Lines: len(all)}
	if out.From > max(len(all), 1) || in.To != 0 && in.To < out.From {
		return nil, text{}, fmt.Errorf("%s has %d lines: there are none from %d to %d", f.Path, len(all), out.From, in.To)
	}
	last := len(all)
	if in.To != 0 {
		last = min(last, in.To)
	}
	var b strings.Builder
	out.To = out.From - 1
	for _, line := range all[min(out.From-1, len(all)):last] {
		if b.Len()+len(line) > maxFileText {
			if b.Len() == 0 { // a line that fits nowhere is shown as far as it goes
				b.WriteString(strings.ToValidUTF8(line[:maxFileText], ""))
				out.To++
			}
			out.Rest = fmt.Sprintf("the next line is %d", out.To+1)
			break
		}
		b.WriteString(line)
		out.To++
	}
	out.Text = b.String()
	return nil, out, nil
}

// content is a file as the API has it, and the bytes of one that is no text.
type content struct {
	Path, Content, Encoding string
	Size                    int64
	Binary                  []byte `json:"-"`
}

func (t tools) file(ctx context.Context, project, path string) (f content, err error) {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	if err = t.api.Call(ctx, "GET", at(project, "/files/"+strings.Join(parts, "/")), nil, &f); err != nil || f.Encoding == "" {
		return f, err
	}
	b, err := base64.StdEncoding.DecodeString(f.Content)
	if f.Binary = b; err == nil && utf8.Valid(b) && bytes.IndexByte(b, 0) < 0 { // a text that is longer than those that come as such
		f.Content, f.Binary = string(b), nil
	}
	return f, err
}

type revision struct {
	ProjectID string `json:"project_id"`
	Revision  int64  `json:"revision,omitempty" jsonschema:"number of the revision; left out: the newest"`
	Path      string `json:"path,omitempty" jsonschema:"only what was changed in this file; left out: in all"`
}

type patch struct {
	ProjectID string        `json:"project_id"`
	Revision  int64         `json:"revision"`
	Files     []changedFile `json:"files"`
	Unified   string        `json:"unified" jsonschema:"the changes as a unified diff"`
	Rest      string        `json:"rest,omitempty" jsonschema:"what is not shown"`
}

type changedFile struct {
	Path      string `json:"path"`
	Status    string `json:"status"`
	Additions int    `json:"additions"`
	Deletions int    `json:"deletions"`
}

func (t tools) diff(ctx context.Context, _ *mcp.CallToolRequest, in revision) (*mcp.CallToolResult, patch, error) {
	if in.Revision == 0 {
		var p project
		if err := t.api.Call(ctx, "GET", at(in.ProjectID, ""), nil, &p); err != nil {
			return nil, patch{}, err
		}
		if in.Revision = p.Revision; in.Revision == 0 {
			return nil, patch{}, errors.New("the project has no revision yet: nothing was changed")
		}
	}
	var d struct {
		ProjectID string `json:"project_id"`
		Revision  int64  `json:"revision"`
		Files     []struct {
			changedFile
			Unified string
		}
		Unified  string
		TooLarge int `json:"too_large"`
	}
	if err := t.api.Call(ctx, "GET", at(in.ProjectID, "/revisions/"+strconv.FormatInt(in.Revision, 10)+"/diff"), nil, &d); err != nil {
		return nil, patch{}, err
	}
	out := patch{ProjectID: d.ProjectID, Revision: d.Revision, Files: []changedFile{}, Unified: d.Unified}
	for _, f := range d.Files {
		if in.Path == "" || f.Path == in.Path {
			out.Files = append(out.Files, f.changedFile)
		}
		if f.Path == in.Path {
			out.Unified = f.Unified
		}
	}
	if in.Path != "" && len(out.Files) == 0 {
		return nil, patch{}, fmt.Errorf("revision %d did not change %s", d.Revision, in.Path)
	}
	var left []string
	if n := len(out.Files) - maxFiles; n > 0 {
		out.Files, left = out.Files[:maxFiles], append(left, fmt.Sprintf("%d files more were changed", n))
	}
	if d.TooLarge > 0 {
		left = append(left, fmt.Sprintf("%d files are too large to be compared", d.TooLarge))
	}
	if len(out.Unified) > maxPatch {
		cut := strings.LastIndexByte(out.Unified[:maxPatch], '\n') + 1
		left = append(left, fmt.Sprintf("%d bytes more: name a path to see what was changed in one file", len(out.Unified)-cut))
		out.Unified = out.Unified[:cut]
	}
	out.Rest = strings.Join(left, "; ")
	return nil, out, nil
}

type checking struct {
	ProjectID string `json:"project_id"`
	Run       bool   `json:"run,omitempty" jsonschema:"also use the built pages in a real browser, which takes longer"`
}

type report struct {
	OK          bool         `json:"ok"`
	Revision    int64        `json:"revision"`
	Evidence    []rung       `json:"evidence" jsonschema:"each check, in order: passed, failed or not_checked with the reason"`
	Diagnostics []diagnostic `json:"diagnostics" jsonschema:"what to mend, the worst first"`
	Rest        string       `json:"rest,omitempty"`
}

type rung struct {
	Name   string `json:"name"`
	Status string `json:"status"`
	Reason string `json:"reason,omitempty"`
}

type diagnostic struct {
	Severity string `json:"severity"`
	File     string `json:"file,omitempty"`
	Line     int    `json:"line,omitempty"`
	Page     string `json:"page,omitempty"`
	Message  string `json:"message"`
}

// maxDiagnostics is how many are shown; who mends those sees the others then.
const maxDiagnostics = 50

func (t tools) check(ctx context.Context, _ *mcp.CallToolRequest, in checking) (*mcp.CallToolResult, report, error) {
	out := report{Evidence: []rung{}, Diagnostics: []diagnostic{}}
	if err := t.api.Call(ctx, "GET", at(in.ProjectID, "/check?run="+strconv.FormatBool(in.Run)), nil, &out); err != nil {
		return nil, report{}, err
	}
	slices.SortStableFunc(out.Diagnostics, func(a, b diagnostic) int { return strings.Compare(a.Severity, b.Severity) }) // error, warning
	if n := len(out.Diagnostics); n > maxDiagnostics {
		out.Diagnostics, out.Rest = out.Diagnostics[:maxDiagnostics], fmt.Sprintf("%d more diagnostics", n-maxDiagnostics)
	}
	return nil, out, nil
}

type shown struct {
	URL      string `json:"url,omitempty"`
	Status   string `json:"status" jsonschema:"ready, partial, empty, no_page, needs_server, broken or unknown"`
	Reason   string `json:"reason,omitempty"`
	Revision int64  `json:"revision"`
}

func (t tools) preview(ctx context.Context, _ *mcp.CallToolRequest, in projectID) (*mcp.CallToolResult, shown, error) {
	var out shown
	err := t.api.Call(ctx, "GET", at(in.ProjectID, "/preview"), nil, &out)
	return nil, out, err
}

// at is the path of something in a project.
func at(project, path string) string { return "/v1/projects/" + segment(project) + path }
