package server

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"codeforge"
	"codeforge/internal/agent"
	"codeforge/internal/pattern"
)

// embedding answers as an endpoint that has a chat model and an embedding model, and keeps what it was asked.
type embedding struct {
	endpoint
	mu     sync.Mutex
	chats  []string // bodies
	texts  []string // that were embedded
	broken bool
}

func (e *embedding) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	e.mu.Lock()
	defer e.mu.Unlock()
	if r.URL.Path != "/v1/embeddings" {
		e.chats = append(e.chats, string(body))
		e.endpoint.ServeHTTP(w, r)
		return
	}
	if e.broken {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"error":{"message":"the model cannot be loaded","type":"invalid_request_error"}}`)
		return
	}
	var in struct{ Input []string }
	if json.Unmarshal(body, &in) != nil || len(in.Input) != 1 {
		http.Error(w, "no", http.StatusBadRequest)
		return
	}
	e.texts = append(e.texts, in.Input[0])
	numbers := []float64{1, float64(strings.Count(in.Input[0], "a")), 3}
	_ = json.NewEncoder(w).Encode(map[string]any{"data": []any{map[string]any{"index": 0, "embedding": numbers}}, "usage": map[string]any{"prompt_tokens": 1000}})
}

// asked takes what the endpoint was asked since it was last looked at.
func (e *embedding) asked() (chats, texts []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	chats, texts = e.chats, e.texts
	e.chats, e.texts = nil, nil
	return chats, texts
}

// What a user built is told to the models of the next app, over the wire, and booked; the job replays to the same bytes; a provider
// that fails ends no job; and what is deleted for good is told to nobody any more.
func TestPatterns(t *testing.T) {
	emptyEnvironment(t)
	models := &embedding{}
	srv := httptest.NewServer(models)
	defer srv.Close()
	file := writeFile(t, filepath.Join(t.TempDir(), "models.json"), `{"format":1,"models":[{"name":"compatible:embed-small","prices":[{"input":1000000,"output":0}]}]}`)
	cfg := configured(t, "--llm-compatible-url", srv.URL+"/v1", "--llm-compatible-key", "sk-secret-key-0123456789", "--llm-compatible-model", "small", "--models-file", file,
		"--patterns", "on", "--embedding-model", "compatible:embed-small")
	s := serve(t, cfg)
	c := s.as("")
	run := func(path, title, idea string) (projectID, jobID string) {
		t.Helper()
		var p codeforge.Project
		c.must(t, "POST", "/v1/projects/", object{"title": title}, &p)
		var j struct {
			ID string `json:"job_id"`
		}
		c.must(t, "POST", path, object{"project_id": p.ID, "agent_type": "research", "input_context": object{"user_message": idea, "skip_clarification": true}}, &j)
		last := "0"
		if done, err := c.Stream(t.Context(), c.Base+"/v1/jobs/"+j.ID+"/stream", &last, func(kind string, _ []byte) (bool, error) { return kind == "complete", nil }); !done {
			t.Fatal(err)
		}
		return p.ID, j.ID
	}
	first, firstJob := run("/v1/run-pipeline", "Walkies", "A CRM for dog walkers")
	if chats, _ := models.asked(); len(chats) < 4 || slices.ContainsFunc(chats, func(body string) bool { return strings.Contains(body, "patterns") }) {
		t.Errorf("%d requests, of which one speaks of patterns though there are none", len(chats))
	}
	if _, err := s.StorePatterns(t.Context()); err != nil {
		t.Fatal(err)
	}
	kept, err := s.store.ListPatterns(t.Context(), codeforge.LocalUser(), first)
	if err != nil || len(kept) != 1 || kept[0].JobID != firstJob || kept[0].Model != "compatible:embed-small" || kept[0].Outline == "" || kept[0].Score <= 0 || len(kept[0].Shape.Pages) == 0 {
		t.Fatalf("%v %+v", err, kept)
	}

	models.asked()
	second, secondJob := run("/v1/run-pipeline", "Purr", "A CRM for cat sitters")
	chats, texts := models.asked()
	outline, _ := json.Marshal(kept[0].Outline)
	told := 0
	for _, body := range chats {
		var in struct {
			Messages []struct{ Role, Content string }
		}
		if err := json.Unmarshal([]byte(body), &in); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(in.Messages[1].Content, "<patterns>\n[") && strings.Contains(in.Messages[1].Content, string(outline)) && strings.Contains(in.Messages[0].Content, "A section `patterns`") {
			told++
		}
	}
	if told < 3 || told >= len(chats) { // research, wireframe, each turn of code; not qa
		t.Errorf("%d of %d requests tell of the pattern", told, len(chats))
	}
	if len(texts) == 0 || !strings.Contains(texts[0], "A CRM for cat sitters") {
		t.Errorf("embedded %q", texts)
	}
	if _, err := s.StorePatterns(t.Context()); err != nil {
		t.Fatal(err)
	}
	var usage struct{ Items []codeforge.UsageSum }
	c.must(t, "GET", "/v1/usage?group_by=model&job_id="+secondJob, nil, &usage)
	if i := slices.IndexFunc(usage.Items, func(u codeforge.UsageSum) bool { return u.Key == "compatible:embed-small" }); i < 0 || usage.Items[i].Calls != 2 || usage.Items[i].Cost != 2_000 {
		t.Errorf("booked %+v", usage.Items)
	}
	differences, calls, err := agent.Replay(t.Context(), s.store, s.checks.Check, secondJob, cfg.reviews())
	if err != nil || len(differences) > 0 || calls < 4 {
		t.Errorf("replayed with %d calls: %v %v", calls, err, differences)
	}

	// All of it is the user's.
	status, archive, _ := c.ask(t, "GET", "/v1/profiles/me/export", nil)
	z, err := zip.NewReader(strings.NewReader(archive), int64(len(archive)))
	if err != nil {
		t.Fatal(status, err)
	}
	if !slices.ContainsFunc(z.File, func(f *zip.File) bool { return f.Name == "projects/"+first+"/patterns.json" }) {
		t.Error("an export has no patterns")
	}

	for _, id := range []string{first, second} {
		c.must(t, "DELETE", "/v1/projects/"+id+"?permanent=true", nil, &struct{}{})
	}
	run("/v1/run-agent", "Chirp", "A CRM for people who keep birds")
	if chats, _ := models.asked(); slices.ContainsFunc(chats, func(body string) bool { return strings.Contains(body, "<patterns>") }) {
		t.Error("a job is told of what was deleted for good")
	}
	models.mu.Lock()
	models.broken = true
	models.mu.Unlock()
	run("/v1/run-agent", "Hop", "A CRM for people who keep rabbits")
}

// What cannot be is told at the start, with what would mend it.
func TestEmbeddingModels(t *testing.T) {
	emptyEnvironment(t)
	s := serve(t, configured(t, "--patterns", "on", "--openai-api-key", "sk-secret-key-0123456789", "--embedding-model", "openai:text-embedding-3-small"))
	for model, want := range map[string]string{
		"local": "", "text-embedding-3-small": "provider:model", "google:gemini-embedding-001": "the key of google is not set", "anthropic:x": "no provider of embeddings",
		"compatible:x": "LLM_COMPATIBLE_URL", "nobody:x": "no provider of embeddings",
	} {
		e, err := configured(t, "--patterns", "on", "--embedding-model", model).newEmbedder(s.router.Load().Catalog, nil, nil, s.Server.log)
		if want == "" && (err != nil || e.Model() != pattern.LocalModel) || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v", model, err)
		}
	}
	for broken, state := range map[bool]string{false: FindingOK, true: FindingBroken} {
		models := httptest.NewServer(&embedding{broken: broken})
		d := doctor{Config: *configured(t, "--patterns", "on", "--llm-compatible-url", models.URL+"/v1", "--embedding-model", "compatible:embed-small")}
		if found := d.embeddings(t.Context(), s.router.Load().Catalog, s.Server.log); len(found) != 1 || found[0].State != state || broken != strings.Contains(found[0].Message, "cannot be loaded") {
			t.Errorf("%+v", found)
		}
		models.Close()
	}
	next := *s.cfg
	next.GoogleKey, next.EmbeddingModel = "the-secret-key-01234", "google:gemini-embedding-001"
	s.Reload(&next)
	if got := (*s.embedder.Load()).Model(); got != "google:gemini-embedding-001" {
		t.Errorf("after a reload %s", got)
	}
	wrong := next
	wrong.EmbeddingModel = "anthropic:x"
	s.Reload(&wrong)
	if got := (*s.embedder.Load()).Model(); got != "google:gemini-embedding-001" {
		t.Errorf("after a reload that cannot be used %s", got)
	}
}
