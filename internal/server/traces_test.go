package server

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// span is one that was exported, with the process that exported it.
type span struct {
	*trace.Span
	from string // service.instance.id
	name string // service.name
}

func (s span) attr(key string) string {
	for _, a := range s.Attributes {
		if a.Key == key {
			if v := a.Value.GetStringValue(); v != "" {
				return v
			}
			return strings.TrimPrefix(a.Value.String(), "int_value:")
		}
	}
	return ""
}

// receiver collects traces as any collector does over HTTP.
type receiver struct {
	url string

	mu    sync.Mutex
	spans []span
	raw   bytes.Buffer
	asked []string // the Authorization header of each export
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		b, err := io.ReadAll(req.Body)
		var in collector.ExportTraceServiceRequest
		if err = errors.Join(err, proto.Unmarshal(b, &in)); err != nil || req.URL.Path != "/v1/traces" || req.Header.Get("Content-Type") != "application/x-protobuf" {
			t.Error(req.Method, req.URL, req.Header, err)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.raw.Write(b)
		r.asked = append(r.asked, req.Header.Get("Authorization"))
		for _, of := range in.ResourceSpans {
			about := map[string]string{}
			for _, a := range of.Resource.Attributes {
				about[a.Key] = a.Value.GetStringValue()
			}
			for _, scope := range of.ScopeSpans {
				for _, s := range scope.Spans {
					r.spans = append(r.spans, span{s, about["service.instance.id"], about["service.name"]})
				}
			}
		}
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	t.Cleanup(s.Close)
	r.url = s.URL
	return r
}

// one is the only span of a name, below another one if that is given.
func (r *receiver) one(t *testing.T, name string, below ...span) span {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	var found []span
	var names []string
	for _, s := range r.spans {
		names = append(names, s.Name)
		if s.Name == name && (len(below) == 0 || bytes.Equal(s.TraceId, below[0].TraceId) && bytes.Equal(s.ParentSpanId, below[0].SpanId)) {
			found = append(found, s)
		}
	}
	if len(found) == 0 {
		t.Fatalf("no span %q below %v; there are %q", name, below, names)
	}
	return found[0]
}

const (
	clientTrace = "0af7651916cd43dd8448eb211c80319c"
	clientSpan  = "b7ad6b7169203331"
)

// tracedJob runs a job at run that was submitted at submit, both of which export to r, and checks the shape of its traces.
func tracedJob(t *testing.T, r *receiver, submit, run *server, c caller, store func(operation string) string) {
	t.Helper()
	const secret = "the-wish-of-a-user"
	input := object{"user_message": secret, "user_idea": secret, "skip_clarification": true}
	parents := make(chan string, 1)
	c.hook(t, 0, func(_ http.ResponseWriter, r *http.Request) { parents <- r.Header.Get("Traceparent") })
	status, text, _ := c.ask(t, "POST", "/v1/run-agent", object{"project_id": c.project(t), "agent_type": "code", "input_context": input}, "traceparent", "00-"+clientTrace+"-"+clientSpan+"-01")
	var j struct {
		Job string `json:"job_id"`
	}
	if err := json.Unmarshal([]byte(text), &j); err != nil || status != 200 {
		t.Fatal(status, text)
	}
	if kinds := c.events(t, j.Job); !slices.Contains(kinds, "complete") {
		t.Fatal(kinds)
	}
	_, text, _ = c.ask(t, "GET", "/v1/jobs/"+strings.Repeat("0", 35), nil)
	var e struct {
		TraceID   string `json:"trace_id"`
		RequestID string `json:"request_id"`
	}
	if err := json.Unmarshal([]byte(text), &e); err != nil || len(e.TraceID) != 32 || e.RequestID == "" {
		t.Error("an error does not name its trace:", text)
	}
	parent := <-parents
	if err := errors.Join(submit.Close(), run.Close()); err != nil {
		t.Fatal(err)
	}

	request := r.one(t, "POST /v1/run-agent")
	if hex.EncodeToString(request.TraceId) != clientTrace || hex.EncodeToString(request.ParentSpanId) != clientSpan || request.Kind != trace.Span_SPAN_KIND_SERVER || request.attr("http.response.status_code") != "200" {
		t.Errorf("request: %v", request)
	}
	submitted := r.one(t, "submit code", request)
	r.one(t, store("submit_job"), submitted)
	ran := r.one(t, "invoke_agent code")
	if len(ran.ParentSpanId) > 0 || bytes.Equal(ran.TraceId, request.TraceId) || ran.Kind != trace.Span_SPAN_KIND_CONSUMER || ran.attr("codeforge.job.id") != j.Job ||
		ran.attr("codeforge.job.end") != "completed" || ran.attr("gen_ai.agent.name") != "code" {
		t.Errorf("run: %v", ran)
	}
	if len(ran.Links) != 1 || !bytes.Equal(ran.Links[0].TraceId, submitted.TraceId) || !bytes.Equal(ran.Links[0].SpanId, submitted.SpanId) {
		t.Errorf("the run does not lead to its submission %x %x: %v", submitted.TraceId, submitted.SpanId, ran.Links)
	}
	if (ran.from != request.from) != (submit != run) || ran.name != "our-forge" {
		t.Errorf("run by %s of %s, request by %s", ran.from, ran.name, request.from)
	}
	delivered := r.one(t, "deliver job.completed")
	if len(delivered.ParentSpanId) > 0 || len(delivered.Links) != 1 || !bytes.Equal(delivered.Links[0].SpanId, submitted.SpanId) || delivered.attr("codeforge.webhook.outcome") != "delivered" ||
		delivered.attr("http.response.status_code") != "200" || parent != "00-"+clientTrace+"-"+hex.EncodeToString(submitted.SpanId)+"-01" {
		t.Errorf("delivery with %q: %v", parent, delivered)
	}
	r.one(t, store("record_webhook"), delivered)
	stage := r.one(t, "stage code", ran)
	call := r.one(t, "chat", stage)
	if call.attr("gen_ai.operation.name") != "chat" || call.attr("gen_ai.response.model") != "scaffold" || call.attr("gen_ai.usage.input_tokens") == "0" || call.Kind != trace.Span_SPAN_KIND_CLIENT {
		t.Errorf("call: %v", call)
	}
	attempt := r.one(t, "attempt scaffold", call)
	if attempt.attr("gen_ai.request.model") != "scaffold" || attempt.EndTimeUnixNano < attempt.StartTimeUnixNano || attempt.StartTimeUnixNano < call.StartTimeUnixNano {
		t.Errorf("attempt: %v", attempt)
	}
	r.one(t, "execute_tool write_file", stage)
	r.one(t, "verify bundle")
	r.one(t, store("finish_job"), ran)
	if strings.Contains(r.raw.String(), secret) {
		t.Error("what a user wrote is in a trace")
	}
	log := submit.log.String() + run.log.String()
	for _, id := range []string{clientTrace, e.TraceID, hex.EncodeToString(ran.TraceId)} {
		if !strings.Contains(log, `"trace_id":"`+id+`"`) {
			t.Errorf("no line of the log names the trace %s", id)
		}
	}
}

// exportTo has servers that are opened from now on export their traces.
func exportTo(t *testing.T, r *receiver) {
	t.Helper()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", r.url)
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "Authorization=Bearer%20collector")
	t.Setenv("OTEL_SERVICE_NAME", "our-forge")
}

// TestTraceOfAJob: on the embedded store.
func TestTraceOfAJob(t *testing.T) {
	r := newReceiver(t)
	exportTo(t, r)
	s := serve(t, configured(t, "--webhook-allow", "127.0.0.1"))
	tracedJob(t, r, s, s, s.as(""), func(operation string) string {
		return map[string]string{"submit_job": "store SubmitJob", "finish_job": "store FinishJob", "record_webhook": "store RecordWebhook"}[operation]
	})
	if len(r.asked) == 0 || r.asked[0] != "Bearer collector" {
		t.Errorf("%q", r.asked)
	}
}

// TestTraceOverTwoServers: a job that was submitted at one server and run by another, on Postgres.
func TestTraceOverTwoServers(t *testing.T) {
	p := newProject(t)
	url, _ := freshDatabase(t)
	args := []string{"--supabase-url", p.url, "--database-url", url, "--stream-secret", "the same secret for all servers, please", "--webhook-allow", "127.0.0.1"}
	r := newReceiver(t)
	exportTo(t, r)
	a, b := serve(t, configured(t, append(slices.Clone(args), "--role", "api")...)), serve(t, configured(t, append(slices.Clone(args), "--role", "worker")...))
	tracedJob(t, r, a, b, a.as(p.token(t, alice)), func(operation string) string {
		if operation == "record_webhook" {
			operation = "record_delivery"
		}
		return "store " + operation
	})
}

// TestTracesAreOff: nothing set, or OTEL_SDK_DISABLED, is no trace, and what cannot be done is said at start.
func TestTracesAreOff(t *testing.T) {
	r := newReceiver(t)
	exportTo(t, r)
	t.Setenv("OTEL_SDK_DISABLED", "true")
	s := serve(t, configured(t))
	s.as("").run(t, "research", "")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if len(r.spans) > 0 || strings.Contains(s.log.String(), "trace_id") {
		t.Error(r.spans)
	}
	t.Setenv("OTEL_SDK_DISABLED", "")
	for name, value := range map[string]string{"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_TRACES_EXPORTER": "zipkin"} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(name, value)
			if _, err := Open(t.Context(), configured(t), io.Discard); err == nil || !strings.Contains(err.Error(), name) {
				t.Error(err)
			}
		})
	}
}

// TestContentsOfCalls: prompts and answers are in traces only where somebody asks for it.
func TestContentsOfCalls(t *testing.T) {
	r := newReceiver(t)
	exportTo(t, r)
	t.Setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "true")
	s := serve(t, configured(t))
	s.as("").run(t, "research", "")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	call := r.one(t, "chat")
	if !strings.Contains(call.attr("gen_ai.input.messages"), "dogs") || !strings.Contains(call.attr("gen_ai.output.messages"), `"role":"assistant"`) || call.attr("gen_ai.system_instructions") == "" {
		t.Errorf("%v", call)
	}
}
