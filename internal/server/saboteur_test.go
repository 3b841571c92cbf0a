package server

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"codeforge"
)

// sabotage is one way in which a model misbehaves, and what must come of it. In every way the job ends and replays to the same bytes, the
// project verifies, its paths are fit for any disk, and whoever could mend the matter is told by name what was wrong.
type sabotage struct {
	name  string
	agent string                             // code, unless it says otherwise
	files map[string]string                  // besides those of the project
	does  func(turn int, q *asked) misanswer // to each call of the coder or of the agent; after its last turn an honest one follows, see [misanswer]
	named string                             // what the model, or else the user, is told matches this
	never string                             // what the model and the user are told never matches this
	ends  string                             // the job's state; "": any end
	may   []string                           // paths that may differ then; no other does
	left  map[string]string                  // files that are there then: of a pipeline, which begins with none
	slow  bool                               // in the soak alone, on a server of its own
	args  []string                           // settings of that server
	rungs bool                               // on the server that has packages, types and a browser
	long  bool                               // in the soak alone

	specified bool // the requirements are there then
}

// misanswer is an answer of the saboteur.
type misanswer struct {
	text   string
	calls  [][2]string
	finish string                    // the reason for its end; "": what fits
	write  func(http.ResponseWriter) // the whole answer, in place of all that
	honest bool                      // it does what was asked: adds about.html
}

// saboteur is an endpoint that misbehaves in all ways: a message of the user names the one.
type saboteur struct {
	mu    sync.Mutex
	rows  map[string]*sabotage
	calls map[string][]*asked
}

var wayNamed = regexp.MustCompile(`Way ([a-z0-9-]+)\.`)

func (s *saboteur) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	q := &asked{raw: string(body)}
	if err != nil || json.Unmarshal(body, &q.body) != nil {
		http.Error(w, "no request", http.StatusBadRequest)
		return
	}
	m := wayNamed.FindStringSubmatch(q.raw)
	if m == nil {
		http.Error(w, "no way is named", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	row := s.rows[m[1]]
	turn := len(s.calls[row.name])
	s.calls[row.name] = append(s.calls[row.name], q)
	s.mu.Unlock()
	a := row.does(turn, q)
	if a.honest {
		a = misanswer{calls: [][2]string{{"write_file", quote(object{"path": "about.html", "content": page})}, {"finish", quote(object{"summary": "There is a page about it now.", "dependencies": []string{}})}}}
	}
	if a.write != nil {
		a.write(w)
		return
	}
	said := object{"role": "assistant", "content": a.text}
	finish := "stop"
	var calls []any
	for i, c := range a.calls {
		finish = "tool_calls"
		calls = append(calls, object{"index": i, "id": fmt.Sprintf("call_%d_%d", turn, i), "type": "function", "function": object{"name": c[0], "arguments": c[1]}})
	}
	if calls != nil {
		said["tool_calls"] = calls
	}
	if a.finish != "" {
		finish = a.finish
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprint(w, quote(object{"id": "1", "object": "chat.completion", "model": "m", "usage": object{"prompt_tokens": 100, "completion_tokens": 50},
		"choices": []any{object{"index": 0, "message": said, "finish_reason": finish}}}))
}

// told is all that a job's model was told in answer to it.
func (s *saboteur) told(way string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	for _, q := range s.calls[way] {
		messages, _ := q.body["messages"].([]any)
		begun := false
		for _, m := range messages {
			m := m.(map[string]any)
			if begun = begun || m["role"] == "assistant"; begun && m["role"] != "assistant" {
				fmt.Fprintln(&b, m["content"])
			}
		}
	}
	return b.String()
}

// victim is the project that the saboteur is set on: small, whole, and with something of each kind that it could harm.
func victim() map[string]string {
	var store strings.Builder
	store.WriteString("export interface Visit {\n  id: string;\n  on: string;\n}\n\nconst key = \"visits.v1\";\n\n")
	store.WriteString("/** All visits, the newest first. */\nexport function allVisits(): Visit[] {\n  const text = localStorage.getItem(key);\n  if (text === null) {\n    return [];\n  }\n  try {\n    const visits = JSON.parse(text) as Visit[];\n" +
		"    return visits.toSorted((a, b) => b.on.localeCompare(a.on));\n  } catch {\n    return [];\n  }\n}\n\n")
	store.WriteString("/** Keeps one more visit. */\nexport function addVisit(on: string): Visit {\n  const visit = { id: crypto.randomUUID(), on };\n  localStorage.setItem(key, JSON.stringify([...allVisits(), visit]));\n  return visit;\n}\n\n")
	for _, unit := range []string{"Day", "Week", "Month", "Year"} {
		fmt.Fprintf(&store, "/** How many visits a %s there were. */\nexport function visitsPer%s(days: number): number {\n  const visits = allVisits().length;\n  if (days === 0) {\n    return 0;\n  }\n  return visits / days;\n}\n\n", strings.ToLower(unit), unit)
	}
	return map[string]string{
		"index.html":        "<!doctype html>\n<html lang=\"en\">\n  <head>\n    <title>Visits</title>\n    <link rel=\"stylesheet\" href=\"./styles/main.css\">\n  </head>\n  <body>\n    <h1>Visits</h1>\n    <ul id=\"list\"></ul>\n    <script type=\"module\" src=\"./src/main.ts\"></script>\n  </body>\n</html>\n",
		"styles/main.css":   "body { margin: 0; }\nh1 { color: #225588; }\nul { padding: 0; }\nli { list-style: none; }\n.done { opacity: 0.5; }\n.wide { width: 100%; }\n",
		"src/main.ts":       "import { addVisit, allVisits } from \"./store\";\nimport { rowOf } from \"./view\";\n\naddVisit(new Date().toISOString());\ndocument.getElementById(\"list\")?.replaceChildren(...allVisits().map(rowOf));\n",
		"src/store.ts":      store.String(),
		"src/view.ts":       "import type { Visit } from \"./store\";\n\n/** Shows a visit as a row of the list. */\nexport function rowOf(visit: Visit): HTMLElement {\n  const row = document.createElement(\"li\");\n  row.textContent = visit.on;\n  return row;\n}\n",
		"src/Card.tsx":      "export function Card({ title }: { title: string }) {\n  const label = title.trim();\n  return (\n    <section>\n      <h2>{label}</h2>\n      <p>{label.length} characters</p>\n    </section>\n  );\n}\n",
		"scripts/report.py": "def report(visits):\n    lines = []\n    for visit in visits:\n        lines.append(visit[\"on\"])\n    lines.sort()\n    return \"\\n\".join(lines)\n",
		"README.md":         "# Visits\n\nCounts who came by.\n",
	}
}

// TestSaboteur runs whole jobs with a model that misbehaves in every way of the table.
func TestSaboteur(t *testing.T) {
	s := &saboteur{rows: map[string]*sabotage{}, calls: map[string][]*asked{}}
	var chosen []*sabotage
	for i, row := range sabotages() {
		if s.rows[row.name] != nil {
			t.Fatalf("two ways are called %s", row.name)
		}
		s.rows[row.name] = &row
		if os.Getenv("CODEFORGE_SOAK") != "" || !row.long && (i%5 == 0 && !row.slow || row.rungs) {
			chosen = append(chosen, &row)
		}
	}
	if len(s.rows) < 60 {
		t.Errorf("there are %d ways", len(s.rows))
	}
	models := httptest.NewServer(s)
	t.Cleanup(models.Close)
	args := []string{"--llm-compatible-url", models.URL + "/v1", "--llm-compatible-model", "m"}
	shared := configured(t, args...)
	common := serve(t, shared).as("")
	proving := configured(t, append(args, rungSettings(t)...)...)
	proven := serve(t, proving).as("")
	for _, row := range chosen {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			c, cfg := common, shared
			if row.rungs {
				c, cfg = proven, proving
			}
			if row.slow { // what it does to a provider's breaker is not for the others
				c = serve(t, configured(t, append(args, row.args...)...)).as("")
			}
			job := s.run(t, c, row)
			if row.slow { // a provider that is away gives no answer that could be kept
				return
			}
			if differences, _, err := Replay(t.Context(), cfg, job); err != nil || len(differences) > 0 {
				t.Errorf("a replay of the job: %v, differs in %q", err, differences)
			}
		})
	}
}

// run runs the job of one row and judges what came of it.
func (s *saboteur) run(t *testing.T, c caller, row *sabotage) (id string) {
	t.Helper()
	files := victim()
	maps.Copy(files, row.files)
	if row.agent == "builder" {
		files = map[string]string{}
	}
	var project, submitted struct {
		ID  string
		Job string `json:"job_id"`
	}
	c.must(t, "POST", "/v1/projects/", object{"title": "Visits"}, &project)
	home := "/v1/projects/" + project.ID
	for _, p := range slices.Sorted(maps.Keys(files)) {
		c.must(t, "POST", home+"/files", object{"path": p, "content": files[p]}, new(object))
	}
	says := "Add a page about it, about.html. Way " + row.name + "."
	body, path := object{"project_id": project.ID, "agent_type": row.agent, "input_context": object{"user_message": says, "message": says}}, "/v1/run-agent"
	switch row.agent {
	case "":
		body["agent_type"] = "code"
	case "builder":
		path = "/v1/run-pipeline"
	}
	c.must(t, "POST", path, body, &submitted)
	var job struct {
		Status, Error string
		Result        json.RawMessage
	}
	for answered := range 3 { // what is asked is answered
		last, asked := "0", 0
		for try := range 10 { // a reader that is too slow for a flood of events comes back
			done, err := c.Stream(t.Context(), c.Base+"/v1/jobs/"+submitted.Job+"/stream", &last, func(kind string, _ []byte) (bool, error) {
				if kind == string(codeforge.EventWaiting) {
					asked++
				}
				return codeforge.EventType(kind).Final() || asked > answered, nil
			})
			if done {
				break
			}
			if try == 9 {
				t.Fatal(err)
			}
		}
		if c.must(t, "GET", "/v1/jobs/"+submitted.Job, nil, &job); job.Status != string(codeforge.Waiting) {
			break
		}
		c.must(t, "POST", "/v1/jobs/"+submitted.Job+"/respond", object{"answers": []object{{"question": "Which?", "answer": "Any."}}}, new(object))
	}

	if job.Status != "completed" && job.Status != "failed" || row.ends != "" && job.Status != row.ends {
		t.Errorf("the job is %s (%s), should be %s", job.Status, job.Error, row.ends)
	}
	var messages struct{ Items []codeforge.Message }
	c.must(t, "GET", home+"/messages", nil, &messages)
	var told strings.Builder
	told.WriteString(s.told(row.name) + job.Error + "\n" + string(job.Result) + "\n")
	for _, m := range messages.Items {
		if m.Role != "user" {
			told.WriteString(m.Content + "\n")
		}
	}
	if row.named != "" && !regexp.MustCompile(row.named).MatchString(told.String()) {
		t.Errorf("nobody is told %s; told was\n%.6000s", row.named, told.String())
	}
	if row.never != "" && regexp.MustCompile(row.never).MatchString(told.String()) {
		t.Errorf("somebody is told %s", row.never)
	}
	s.inspect(t, c, row, home, files)
	return submitted.Job
}

// inspect looks at what is left of the project.
func (s *saboteur) inspect(t *testing.T, c caller, row *sabotage, home string, files map[string]string) {
	t.Helper()
	var list struct{ Files []codeforge.File }
	c.must(t, "GET", home+"/files", nil, &list)
	left, keys := map[string]string{}, map[string]string{}
	for _, f := range list.Files {
		left[f.Path] = f.Content
		if err := codeforge.CheckPath(f.Path); err != nil || !utf8.ValidString(f.Content) {
			t.Errorf("there is %q: %v", f.Path, err)
		}
		if other := keys[codeforge.PathKey(f.Path)]; other != "" {
			t.Errorf("%s and %s are one file on many disks", f.Path, other)
		}
		keys[codeforge.PathKey(f.Path)] = f.Path
	}
	for p, text := range left {
		if was, had := files[p]; (!had || was != text) && !slices.Contains(row.may, p) && row.agent != "builder" {
			t.Errorf("%s differs: %.300q", p, text)
		}
	}
	for p, text := range row.left {
		if left[p] != text {
			t.Errorf("%s is %.300q", p, left[p])
		}
	}
	var project struct {
		Requirements json.RawMessage `json:"requirements_spec"`
	}
	if c.must(t, "GET", home, nil, &project); row.specified && len(project.Requirements) < 10 {
		t.Errorf("the requirements are %s", project.Requirements)
	}
	if _, has := left["about.html"]; !has && row.ends == "completed" && slices.Contains(row.may, "about.html") {
		t.Error("there is no about.html, which honest work would have left")
	}
	for p := range files {
		if _, has := left[p]; !has && !slices.Contains(row.may, p) {
			t.Errorf("%s is gone", p)
		}
	}
	var check struct {
		OK          bool
		Diagnostics []any
	}
	c.must(t, "GET", home+"/check", nil, &check)
	if !check.OK {
		t.Errorf("what is left does not verify: %v", check.Diagnostics)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.calls[row.name]); n > 200 || n == 0 {
		t.Errorf("the model was asked %d times", n)
	}
}
