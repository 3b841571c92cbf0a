package server

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"codeforge/internal/client"
)

// bearer sends a bearer token with every request.
type bearer string

func (t bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	if t != "" {
		r.Header.Set("Authorization", "Bearer "+string(t))
	}
	return http.DefaultTransport.RoundTrip(r)
}

// otherAgent is another agent that uses a server by the protocol's own client.
type otherAgent struct {
	*mcp.ClientSession
	told atomic.Int64 // how often it was told of progress
}

func (s *server) agent(t *testing.T, token string) *otherAgent {
	t.Helper()
	a := &otherAgent{}
	c := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, &mcp.ClientOptions{
		ProgressNotificationHandler: func(context.Context, *mcp.ProgressNotificationClientRequest) { a.told.Add(1) }})
	var err error
	a.ClientSession, err = c.Connect(t.Context(), &mcp.StreamableClientTransport{Endpoint: s.URL() + "/mcp", HTTPClient: &http.Client{Transport: bearer(token)},
		MaxRetries: -1, DisableStandaloneSSE: true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	return a
}

// call calls a tool that must work, and reads what it gives into out.
func (a *otherAgent) call(t *testing.T, tool string, in, out any) {
	t.Helper()
	r := a.try(t, tool, in)
	if r.IsError {
		t.Fatalf("%s: %s", tool, r.Content[0].(*mcp.TextContent).Text)
	}
	b, err := json.Marshal(r.StructuredContent)
	if err == nil {
		err = json.Unmarshal(b, out)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (a *otherAgent) try(t *testing.T, tool string, in any) *mcp.CallToolResult {
	t.Helper()
	params := &mcp.CallToolParams{Name: tool, Arguments: in}
	params.SetProgressToken("progress")
	r, err := a.CallTool(t.Context(), params)
	if err != nil {
		t.Fatalf("%s: %v", tool, err)
	}
	return r
}

// refused calls a tool that must refuse in these words.
func (a *otherAgent) refused(t *testing.T, tool string, in any, words string) {
	t.Helper()
	r := a.try(t, tool, in)
	if text := r.Content[0].(*mcp.TextContent).Text; !r.IsError || !strings.Contains(text, words) || strings.Contains(text, "/v1/") {
		t.Errorf("%s %v: %t %s, want %q, and no request of ours", tool, in, r.IsError, text, words)
	}
}

type mcpJob struct {
	JobID     string `json:"job_id"`
	ProjectID string `json:"project_id"`
	Status    string
	Error     string
	Next      string
	Questions []struct{ Question string }
}

// TestMCP: another agent builds, waits, reads, changes, compares, checks and shows, as tools.
func TestMCP(t *testing.T) {
	s := serve(t, configured(t))
	a := s.agent(t, "")
	list, err := a.ListTools(t.Context(), nil)
	if err != nil || len(list.Tools) != 12 {
		t.Fatalf("%d tools, %v", len(list.Tools), err)
	}
	for _, tool := range list.Tools {
		if tool.Description == "" || tool.Annotations == nil || tool.OutputSchema == nil {
			t.Errorf("%s has no description, annotations or schema of what it gives", tool.Name)
		}
	}
	finish := func(id string) mcpJob {
		for {
			var j mcpJob
			a.call(t, "wait", object{"job_id": id}, &j)
			if j.Status != "queued" && j.Status != "running" {
				return j
			}
		}
	}
	var begun, j mcpJob
	a.call(t, "build", object{"idea": "A shared shopping list for two flatmates"}, &begun)
	if j = finish(begun.JobID); j.Status != "completed" || j.Next == "" {
		t.Fatalf("%+v", j)
	}
	if a.told.Load() == 0 {
		t.Error("nobody told how far it is")
	}
	var files struct {
		Revision int64
		Files    []struct{ Path string }
	}
	a.call(t, "list_files", object{"project_id": begun.ProjectID}, &files)
	var text struct {
		Text  string
		Lines int
		To    int
	}
	a.call(t, "read_file", object{"project_id": begun.ProjectID, "path": "index.html", "from": 1, "to": 2}, &text)
	if !strings.HasPrefix(text.Text, "<!") || strings.Count(text.Text, "\n") != 2 || text.To != 2 || text.Lines < 5 {
		t.Errorf("%+v", text)
	}
	r, err := a.ReadResource(t.Context(), &mcp.ReadResourceParams{URI: fmt.Sprintf("codeforge://projects/%s/index.html", begun.ProjectID)})
	if err != nil || !strings.HasPrefix(r.Contents[0].Text, text.Text) || !strings.HasPrefix(r.Contents[0].MIMEType, "text/html") {
		t.Errorf("%+v %v", r, err)
	}
	if r.GetCacheScope() != "private" {
		t.Error("what one user reads may be kept for all")
	}
	var check struct{ OK bool }
	a.call(t, "check", object{"project_id": begun.ProjectID}, &check)
	if !check.OK {
		t.Error("what was built does not pass its checks")
	}
	var shown struct{ URL, Status string }
	a.call(t, "preview", object{"project_id": begun.ProjectID}, &shown)
	if shown.Status != "ready" || shown.URL == "" {
		t.Errorf("%+v", shown)
	}
	a.call(t, "change", object{"project_id": begun.ProjectID, "instruction": "Use dark mode"}, &begun)
	if j = finish(begun.JobID); j.Status != "completed" {
		t.Fatalf("%+v", j)
	}
	var d struct {
		Revision int64
		Files    []struct{ Path string }
		Unified  string
	}
	a.call(t, "diff", object{"project_id": begun.ProjectID}, &d)
	if d.Revision <= files.Revision || len(d.Files) == 0 || !strings.Contains(d.Unified, "@@") {
		t.Errorf("%+v", d)
	}
	var projects struct{ Total int }
	a.call(t, "list_projects", nil, &projects)
	if projects.Total != 1 {
		t.Error(projects)
	}
	const nobody = "00000000-0000-4000-8000-000000000000"
	a.refused(t, "wait", object{"job_id": nobody}, "not found")
	a.refused(t, "wait", object{"job_id": begun.JobID, "seconds": 46}, "1 to 45")
	a.refused(t, "wait", object{"job_id": ""}, "Invalid UUID")
	a.refused(t, "cancel", object{"job_id": ""}, "Invalid UUID")
	a.refused(t, "list_files", object{"project_id": ""}, "Invalid UUID")
	a.refused(t, "cancel", object{"job_id": begun.JobID}, "completed")
	a.refused(t, "build", object{"idea": " "}, "say what to build")
	a.refused(t, "read_file", object{"project_id": begun.ProjectID, "path": "index.html", "from": 9999}, "lines")
	a.refused(t, "read_file", object{"project_id": begun.ProjectID, "path": "../../etc/passwd"}, "path")
	if _, err := a.ReadResource(t.Context(), &mcp.ReadResourceParams{URI: "codeforge://projects/" + nobody + "/a.txt"}); err == nil {
		t.Error("a file of nobody's was read")
	}
}

// TestMCPAnswersFitIntoAContext: however large a project is, an answer is one that a model can read, and says how to see the rest; and who
// asks with other arguments than there are is told which ones there are.
func TestMCPAnswersFitIntoAContext(t *testing.T) {
	s := serve(t, configured(t))
	a := s.agent(t, "")
	const files, most = 1_500, 100_000 // bytes
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := range files {
		w, err := z.Create(fmt.Sprintf("src/part%d/file%04d.ts", i%3, i))
		if err == nil {
			_, err = fmt.Fprintf(w, "export const n%d = %q;\n", i, strings.Repeat("x", 100))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	var p struct{ ID string }
	a.call(t, "create_project", object{"title": "Large", "description": strings.Repeat("many words ", 90)}, &p)
	c := client.Client{Base: s.URL()}
	if err := c.Upload(t.Context(), "POST", "/v1/projects/"+p.ID+"/import", "application/zip", &b, new(object)); err != nil {
		t.Fatal(err)
	}
	lines, line, binary := strings.Repeat("a line of a large file\n", 40_000), strings.Repeat("x", 1<<20), bytes.Repeat([]byte{0, 255}, 5<<19)
	for name, content := range map[string][]byte{"lines.txt": []byte(lines), "line.txt": []byte(line), "large.bin": binary} {
		s.as("").put(t, p.ID, name, content)
	}
	read := func(tool string, in object) (out struct {
		Files   []struct{ Path string }
		Folders []struct {
			Path  string
			Files int
		}
		Unified, Text, Rest string
		Lines               int
		Projects            []struct{ Description string }
	}) {
		t.Helper()
		r := a.try(t, tool, in)
		text := r.Content[0].(*mcp.TextContent).Text
		if r.IsError || len(text) > most || json.Unmarshal([]byte(text), &out) != nil {
			t.Errorf("%s %v: %d bytes, %.300s", tool, in, len(text), text)
		}
		return out
	}
	if l := read("list_files", object{"project_id": p.ID}); len(l.Files) != 3 || len(l.Folders) != 1 || l.Folders[0].Files != files || l.Rest == "" {
		t.Errorf("%+v", l)
	}
	if l := read("list_files", object{"project_id": p.ID, "folder": "src"}); len(l.Files) != 0 || len(l.Folders) != 3 || l.Folders[2].Path != "src/part2" || l.Folders[2].Files != files/3 {
		t.Errorf("%+v", l)
	}
	if l := read("list_files", object{"project_id": p.ID, "folder": "/src/part1/"}); len(l.Files) != 200 || l.Rest == "" || l.Files[0].Path != "src/part1/file0001.ts" {
		t.Errorf("%d files, %s", len(l.Files), l.Rest)
	}
	if d := read("diff", object{"project_id": p.ID, "revision": 1}); len(d.Files) != 200 || !strings.Contains(d.Rest, "1300 files more") || !strings.Contains(d.Rest, "bytes more") {
		t.Errorf("%d files, %s", len(d.Files), d.Rest)
	}
	if d := read("diff", object{"project_id": p.ID, "revision": 1, "path": "src/part0/file0003.ts"}); len(d.Files) != 1 || strings.Count(d.Unified, "diff --git") != 1 || !strings.Contains(d.Unified, "+export const n3 =") || d.Rest != "" {
		t.Errorf("%+v", d)
	}
	if f := read("read_file", object{"project_id": p.ID, "path": "lines.txt", "from": 39_000}); !strings.HasPrefix(lines, f.Text) || strings.Count(f.Text, "\n") != 1_001 || f.Lines != 40_000 || f.Rest != "" {
		t.Errorf("%d bytes, %d lines, %s", len(f.Text), f.Lines, f.Rest)
	}
	for path, whole := range map[string]string{"lines.txt": lines, "line.txt": line} {
		if f := read("read_file", object{"project_id": p.ID, "path": path}); len(f.Text) < 40_000 || !strings.HasPrefix(whole, f.Text) || f.Rest == "" {
			t.Errorf("%s: %d bytes, %s", path, len(f.Text), f.Rest)
		}
	}
	a.refused(t, "read_file", object{"project_id": p.ID, "path": "large.bin"}, "as a resource")
	r, err := a.ReadResource(t.Context(), &mcp.ReadResourceParams{URI: fmt.Sprintf("codeforge://projects/%s/large.bin", p.ID)})
	if err != nil || !bytes.Equal(r.Contents[0].Blob, binary) {
		t.Errorf("a binary file as a resource: %v", err)
	}
	if l := read("list_projects", nil); len([]rune(l.Projects[0].Description)) != 200 {
		t.Errorf("%+v", l)
	}
	a.refused(t, "list_files", object{"project_id": p.ID, "folder": "nowhere"}, "no file lies in nowhere")
	a.refused(t, "diff", object{"project_id": p.ID, "path": "nowhere.ts"}, "did not change nowhere.ts")
	a.refused(t, "build", object{"idea": "A list", "colour": "red"}, `["colour"]. It takes: idea (required), project_id, tech_stack`)
	a.refused(t, "wait", object{"seconds": 1}, `["job_id"]. It takes: job_id (required), seconds`)
	a.refused(t, "read_file", object{"project_id": p.ID, "path": "lines.txt", "from": "two"}, `It takes: project_id (required), path (required), from, to`)
}

// TestMCPAsksAndIsAnswered: the questions of a job are answered by a tool, and the job goes on.
func TestMCPAsksAndIsAnswered(t *testing.T) {
	s := serve(t, configured(t))
	a := s.agent(t, "")
	var p struct{ ID string }
	a.call(t, "create_project", object{"title": "Something"}, &p)
	var j mcpJob
	s.as("").must(t, "POST", "/v1/run-agent", object{"project_id": p.ID, "agent_type": "research", "input_context": object{"user_idea": "A list to share", "scaffold": "ask"}}, &j)
	for j.Status != "waiting_for_input" {
		if a.call(t, "wait", object{"job_id": j.JobID}, &j); j.Status == "completed" || j.Status == "failed" {
			t.Fatalf("%+v", j)
		}
	}
	answers := map[string]string{}
	for _, q := range j.Questions {
		answers[q.Question] = "Flatmates who share a shopping list"
	}
	a.call(t, "answer", object{"job_id": j.JobID, "answers": answers}, &j)
	for j.Status != "completed" {
		if a.call(t, "wait", object{"job_id": j.JobID}, &j); j.Status == "failed" || j.Status == "waiting_for_input" {
			t.Fatalf("%+v", j)
		}
	}
}

// TestMCPIdentity: tools reach what the token of whoever asks reaches, and nothing answers by another name.
func TestMCPIdentity(t *testing.T) {
	p := newProject(t)
	s := serve(t, configured(t, "--supabase-jwt-secret", jwtSecret, "--supabase-url", p.url))
	post := func(s *server, header ...string) (int, http.Header) {
		status, _, h := s.as("").ask(t, "POST", "/mcp", object{"jsonrpc": "2.0", "id": 1, "method": "tools/list"}, append([]string{"Accept", "application/json, text/event-stream"}, header...)...)
		return status, h
	}
	if status, h := post(s); status != 401 || h.Get("WWW-Authenticate") == "" {
		t.Errorf("without a token: %d %v", status, h)
	}
	mine := s.agent(t, p.token(t, alice))
	var made struct{ ID string }
	mine.call(t, "create_project", object{"title": "Of alice"}, &made)
	his := s.agent(t, p.token(t, bob))
	his.refused(t, "list_files", object{"project_id": made.ID}, "not found")
	his.refused(t, "build", object{"idea": "A list", "project_id": made.ID}, "not found")
	var token struct{ Token string }
	s.as(p.token(t, alice)).must(t, "POST", "/v1/tokens", object{"name": "reader", "scopes": []string{"read"}}, &token)
	reader := s.agent(t, token.Token)
	reader.call(t, "list_files", object{"project_id": made.ID}, new(object))
	reader.refused(t, "build", object{"idea": "A list", "project_id": made.ID}, "scope")

	alone := serve(t, configured(t))
	if status, _ := post(alone, "Origin", "https://evil.example"); status != 403 {
		t.Errorf("another page: %d", status)
	}
	req, err := http.NewRequestWithContext(t.Context(), "POST", alone.URL()+"/mcp", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "evil.example"
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 421 {
		t.Errorf("by another name: %d", resp.StatusCode)
	}
}

// mcpEntry is how a program is told of a server: the members that the programs of docs/mcp.md share, by the names that each has for them.
type mcpEntry struct {
	Command              any
	Args                 []string
	Env, Environment     map[string]string
	URL                  string
	Headers              map[string]string
	commandLine, setting []string
}

// entriesOf are the servers in a configuration, at whatever depth.
func entriesOf(t *testing.T, v any) (all []mcpEntry) {
	m, ok := v.(map[string]any)
	if !ok {
		return nil
	}
	if m["command"] == nil && m["url"] == nil {
		for _, inner := range m {
			all = append(all, entriesOf(t, inner)...)
		}
		return all
	}
	var e mcpEntry
	b, err := json.Marshal(m)
	if err == nil {
		err = json.Unmarshal(b, &e)
	}
	if err != nil {
		t.Fatal(err)
	}
	switch command := e.Command.(type) {
	case string:
		e.commandLine = append([]string{command}, e.Args...)
	case []any:
		for _, word := range command {
			e.commandLine = append(e.commandLine, fmt.Sprint(word))
		}
	}
	for _, env := range []map[string]string{e.Env, e.Environment} {
		e.setting = slices.AppendSeq(e.setting, maps.Keys(env))
	}
	return []mcpEntry{e}
}

// TestMCPConfigurations: what the guide has people write into editors and agents are a command and an address that answer with all tools.
func TestMCPConfigurations(t *testing.T) {
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, configured(t))
	known := map[string]bool{}
	for f := range reflect.TypeFor[Config]().Fields() {
		for _, name := range variables(f) {
			known[name] = true
		}
	}
	commands, addresses := 0, 0
	tried := map[string]bool{} // what answers once answers to all
	for _, b := range blocksOf(t, "docs/mcp.md") {
		if b.lang != "json" {
			continue
		}
		var whole any
		if err := json.Unmarshal([]byte(b.text), &whole); err != nil {
			t.Fatalf("%s: %v", b, err)
		}
		entries := entriesOf(t, whole)
		if len(entries) == 0 {
			t.Errorf("%s names no server", b)
		}
		for _, e := range entries {
			var by mcp.Transport
			if e.URL != "" {
				addresses++
				by = &mcp.StreamableClientTransport{Endpoint: strings.Replace(e.URL, "http://127.0.0.1:8000", s.URL(), 1), MaxRetries: -1, DisableStandaloneSSE: true}
				if len(e.Headers) != 1 || !strings.HasPrefix(e.Headers["Authorization"], "Bearer ") || !strings.HasPrefix(e.URL, "http://127.0.0.1:8000/") {
					t.Errorf("%s: %+v", b, e)
				}
			} else {
				commands++
				if e.commandLine[0] != "codeforge" || slices.ContainsFunc(e.setting, func(name string) bool { return !known[name] }) {
					t.Errorf("%s: %+v", b, e)
				}
				cmd := exec.Command(path, e.commandLine[1:]...)
				cmd.Env, cmd.Dir = []string{"CODEFORGE_SERVER=" + s.URL(), "DATA_DIR=" + t.TempDir()}, t.TempDir()
				by = &mcp.CommandTransport{Command: cmd}
			}
			what := e.URL + strings.Join(e.commandLine, " ")
			if tried[what] {
				continue
			}
			tried[what] = true
			c, err := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil).Connect(t.Context(), by, nil)
			if err != nil {
				t.Fatalf("%s: %+v: %v", b, e, err)
			}
			if tools, err := c.ListTools(t.Context(), nil); err != nil || len(tools.Tools) != 12 {
				t.Errorf("%s: %+v: %v", b, e, err)
			}
			c.Close()
		}
	}
	if commands < 5 || addresses < 5 {
		t.Errorf("%d commands and %d addresses: the page is not read", commands, addresses)
	}
}
