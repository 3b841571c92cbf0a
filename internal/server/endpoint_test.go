package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"

	"codeforge"
	"codeforge/internal/llm"
	"codeforge/internal/offline"
)

// endpoint speaks OpenAI's chat API as local model servers do, with the offline model behind it. It refuses every call
// whose number is a multiple of busy with 429, as a busy server does.
type endpoint struct {
	calls atomic.Int64
	busy  int64
}

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/v1/models" {
		fmt.Fprint(w, `{"object":"list","data":[{"id":"small","object":"model","created":1,"owned_by":"us"}]}`)
		return
	}
	if n := e.calls.Add(1); e.busy > 0 && n%e.busy == 0 {
		w.Header().Set("Retry-After", "0")
		w.WriteHeader(http.StatusTooManyRequests)
		fmt.Fprint(w, `{"error":{"message":"busy","type":"rate_limit_error","code":"rate_limit_exceeded"}}`)
		return
	}
	type call struct {
		Index    int    `json:"index"`
		ID       string `json:"id"`
		Type     string `json:"type"`
		Function struct {
			Name      string `json:"name"`
			Arguments string `json:"arguments"`
		} `json:"function"`
	}
	var in struct {
		Model    string
		Stream   bool
		Messages []struct {
			Role       string
			Content    string
			ToolCalls  []call `json:"tool_calls"`
			ToolCallID string `json:"tool_call_id"`
		}
		Tools []struct {
			Function llm.Tool
		}
		Format *struct {
			Schema llm.Schema `json:"json_schema"`
		} `json:"response_format"`
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	req := &llm.Request{Model: in.Model}
	names := map[string]string{}
	for _, m := range in.Messages {
		var parts []llm.Part
		role := llm.RoleUser
		switch m.Role {
		case "system":
			req.System = m.Content
			continue
		case "tool":
			parts = []llm.Part{{Kind: llm.PartToolResult, Result: &llm.ToolResult{ID: m.ToolCallID, Name: names[m.ToolCallID], Content: m.Content}}}
		case "assistant":
			role = llm.RoleAssistant
			fallthrough
		default:
			if m.Content != "" {
				parts = append(parts, llm.Text(m.Content))
			}
			for _, c := range m.ToolCalls {
				names[c.ID] = c.Function.Name
				parts = append(parts, llm.Part{Kind: llm.PartToolCall, Call: &llm.ToolCall{ID: c.ID, Name: c.Function.Name, Arguments: json.RawMessage(c.Function.Arguments)}})
			}
		}
		if last := len(req.Messages) - 1; last >= 0 && req.Messages[last].Role == role {
			req.Messages[last].Parts = append(req.Messages[last].Parts, parts...)
		} else {
			req.Messages = append(req.Messages, llm.Message{Role: role, Parts: parts})
		}
	}
	for _, t := range in.Tools {
		req.Tools = append(req.Tools, t.Function)
	}
	if in.Format != nil {
		req.Schema = &in.Format.Schema
	}
	resp, err := offline.New().Generate(r.Context(), req, nil)
	if err != nil {
		http.Error(w, `{"error":{"message":"failed","type":"server_error"}}`, http.StatusInternalServerError)
		return
	}
	finish, calls := "stop", []call(nil)
	for i, c := range resp.ToolCalls() {
		out := call{Index: i, ID: c.ID, Type: "function"}
		out.Function.Name, out.Function.Arguments = c.Name, string(c.Arguments)
		calls, finish = append(calls, out), "tool_calls"
	}
	usage := map[string]int64{"prompt_tokens": resp.Usage.InputTokens, "completion_tokens": resp.Usage.OutputTokens, "total_tokens": resp.Usage.InputTokens + resp.Usage.OutputTokens}
	said := map[string]any{"role": "assistant", "content": resp.Text(), "tool_calls": calls}
	if !in.Stream {
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(map[string]any{"id": "1", "object": "chat.completion", "model": "small-2026",
			"choices": []any{map[string]any{"index": 0, "message": said, "finish_reason": finish}}, "usage": usage})
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	send := func(choices []any, usage any) {
		b, _ := json.Marshal(map[string]any{"id": "1", "object": "chat.completion.chunk", "model": "small-2026", "choices": choices, "usage": usage})
		fmt.Fprintf(w, "data: %s\n\n", b)
	}
	send([]any{map[string]any{"index": 0, "delta": said}}, nil)
	send([]any{map[string]any{"index": 0, "delta": map[string]any{}, "finish_reason": finish}}, nil)
	send([]any{}, usage)
	fmt.Fprint(w, "data: [DONE]\n\n")
}

// TestPipelineOverAnEndpoint runs the main job with its models behind a real wire: routed, retried when the endpoint is
// busy, journaled, booked. What it builds verifies, and the job replays to the same bytes without the endpoint.
func TestPipelineOverAnEndpoint(t *testing.T) {
	models := &endpoint{busy: 5}
	srv := httptest.NewServer(models)
	dir := t.TempDir()
	p := start(t, dir, "LLM_COMPATIBLE_URL="+srv.URL+"/v1", "LLM_COMPATIBLE_KEY=sk-secret-key-0123456789", "LLM_COMPATIBLE_MODEL=small")
	var health struct{ Model string }
	p.must(t, "/health", &health)
	if health.Model != "compatible:small" {
		t.Errorf("the model is %q", health.Model)
	}
	files := p.pipeline(t, map[string]any{"user_message": "Track bicycles and their repairs"})[0].files
	if len(files) < 8 {
		t.Errorf("%d files", len(files))
	}
	var projects struct{ Items []codeforge.Project }
	p.must(t, "/v1/projects", &projects)
	project := projects.Items[0].ID
	var check struct{ OK bool }
	p.must(t, "/v1/projects/"+project+"/check", &check)
	if !check.OK {
		t.Error("what was built does not verify")
	}
	var list struct {
		Items []struct {
			ID string `json:"job_id"`
		}
	}
	p.must(t, "/v1/jobs/"+project+"/list", &list)
	job := list.Items[0].ID

	// The timeline holds each attempt, the refused ones too.
	kinds, last := map[string]int{}, "0"
	p.events(t.Context(), job, &last, func(kind string, _ int64) { kinds[kind]++ })
	calls := int(models.calls.Load())
	if kinds["usage"]+kinds["retry"] != calls || kinds["retry"] == 0 {
		t.Errorf("%d calls, and in the timeline %v", calls, kinds)
	}
	// So does the ledger.
	var usage struct {
		Total codeforge.UsageSum
		Items []codeforge.UsageSum
	}
	p.must(t, "/v1/usage?group_by=model&job_id="+job, &usage)
	if int(usage.Total.Calls) != calls || int(usage.Total.Failed) != kinds["retry"] || !usage.Total.Estimated || usage.Total.InputTokens == 0 {
		t.Errorf("%d calls, %d refused, and in the ledger %+v", calls, kinds["retry"], usage.Total)
	}

	srv.Close()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(path, "replay", job, "--data-dir", dir).CombinedOutput(); err != nil || !strings.Contains(string(out), "the same, byte for byte") {
		t.Errorf("replay: %v %s", err, out)
	}
}
