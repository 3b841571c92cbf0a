package api_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"codeforge"
	"codeforge/internal/api"
)

var update = flag.Bool("update", false, "rewrite testdata")

func TestSpec(t *testing.T) {
	k := newKit(t)
	got := k.call("GET", "/openapi.json", "", "Authorization:").want(200)
	spec, err := api.Spec(api.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got.Body != string(spec) {
		t.Error("what is served is not what Spec returns")
	}
	const golden = "testdata/openapi.json"
	if *update {
		if err := os.WriteFile(golden, append(spec, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(bytes.TrimSpace(want), spec) {
		t.Error("the specification changed: look at it, then run go test with -update")
	}

	var doc struct {
		OpenAPI string
		Paths   map[string]map[string]struct {
			OperationID, Summary, Description string
			Tags                              []string
			Security                          []map[string][]string
			Parameters                        []struct{ Name, In, Description string }
			RequestBody                       any
			Responses                         map[string]struct {
				Description string
				Ref         string `json:"$ref"`
			}
		}
		Components struct {
			Schemas map[string]struct {
				Properties           map[string]struct{ Enum []string }
				AdditionalProperties any
			}
			SecuritySchemes map[string]any
		}
		Security []map[string][]string
	}
	if err := json.Unmarshal(spec, &doc); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(doc.OpenAPI, "3.1.") || len(doc.Security) == 0 || doc.Components.SecuritySchemes["bearer"] == nil {
		t.Errorf("version %s, security %v", doc.OpenAPI, doc.Security)
	}
	seen := map[string]bool{}
	for path, ops := range doc.Paths {
		for method, op := range ops {
			if seen[op.OperationID] || op.OperationID == "" || op.Summary == "" || op.Description == "" || len(op.Tags) != 1 {
				t.Errorf("%s %s: %+v", method, path, op)
			}
			seen[op.OperationID] = true
			for _, status := range []string{"413", "415"} {
				if _, ok := op.Responses[status]; ok != (op.RequestBody != nil) {
					t.Errorf("%s %s: %s is documented: %v", method, path, status, ok)
				}
			}
			for _, p := range op.Parameters {
				if p.In == "path" && !strings.Contains(path, "{"+p.Name+"}") {
					t.Errorf("%s: parameter %s", path, p.Name)
				}
			}
			for status, r := range op.Responses {
				if r.Description == "" && !strings.HasPrefix(r.Ref, "#/components/responses/") {
					t.Errorf("%s %s %s: no description", method, path, status)
				}
			}
		}
	}
	for _, path := range []string{"/v1/run-agent", "/v1/jobs/{job_id}", "/v1/jobs/{project_id}/list", "/v1/projects/", "/v1/projects/{project_id}", "/v1/projects/{project_id}/files", "/health"} {
		if doc.Paths[path] == nil {
			t.Errorf("no %s", path)
		}
	}
	for _, name := range []string{"AgentRequest", "ProjectCreate", "ProjectUpdate", "FileBody", "FileUpdate"} {
		if s, ok := doc.Components.Schemas[name]; !ok || s.AdditionalProperties != false {
			t.Errorf("%s: %+v", name, s)
		}
	}
	offered := codeforge.AgentTypes(func(a *codeforge.Agent) bool { return a.Public })
	if enum := doc.Components.Schemas["AgentRequest"].Properties["agent_type"].Enum; fmt.Sprint(enum) != fmt.Sprint(offered) || len(enum) < 5 {
		t.Errorf("agent types %v, want %v", enum, offered)
	}
}

// TestEverySchemaResolves: also those that no answer of the tests meets can be read, and what they name is there.
func TestEverySchemaResolves(t *testing.T) {
	if err := shapes().Complete(); err != nil {
		t.Error(err)
	}
}

func TestDocs(t *testing.T) {
	k := newKit(t, func(o *api.Options) { o.Development = true })
	for path, has := range map[string]string{"/docs": "swagger-ui-bundle.js", "/docs/": "swagger-ui-bundle.js", "/docs/swagger-ui-bundle.js": "SwaggerUIBundle", "/docs/swagger-ui.css": ".swagger-ui",
		"/redoc": "redoc.standalone.js", "/redoc/redoc.standalone.js": "Redoc", "/docs/init.js": "/openapi.json", "/redoc/init.js": "/openapi.json", "/docs/LICENSE": "Apache", "/redoc/LICENSE": "MIT"} {
		a := k.call("GET", path, "", "Authorization:").want(200)
		if !strings.Contains(a.Body, has) || !strings.Contains(a.Header.Get("Content-Security-Policy"), "connect-src 'self'") {
			t.Errorf("%s: %v", path, a.Header)
		}
		if strings.HasSuffix(path, "c") && (strings.Contains(a.Body, "http://") || strings.Contains(a.Body, "https://")) {
			t.Errorf("%s loads from elsewhere: %s", path, a.Body)
		}
	}
}

// TestGuideIsServed: the guide is there in production too, loads nothing from elsewhere, and leads to the reference and back.
func TestGuideIsServed(t *testing.T) {
	for _, c := range []struct {
		development bool
		reference   string
	}{{true, `href="/docs"`}, {false, `href="/openapi.json"`}} {
		k := newKit(t, func(o *api.Options) { o.Development = c.development })
		for _, path := range []string{"/docs/guide", "/docs/guide/", "/docs/guide/troubleshooting", "/docs/guide/api/"} {
			a := k.call("GET", path, "", "Authorization:").want(200)
			if a.Header.Get("Content-Type") != "text/html; charset=utf-8" || !strings.Contains(a.Body, c.reference) || !strings.HasPrefix(a.Header.Get("Content-Security-Policy"), "default-src 'none'; style-src 'self'; img-src 'self';") {
				t.Errorf("%s: %v", path, a.Header)
			}
		}
		if css := k.call("GET", "/docs/guide/guide.css", "", "Authorization:").want(200); !strings.HasPrefix(css.Header.Get("Content-Type"), "text/css") {
			t.Error(css.Header)
		}
		k.call("GET", "/docs/guide/nothing", "", "Authorization:").want(404)
		k.call("POST", "/docs/guide", "{}", "Authorization:").want(405)
		if c.development {
			for _, path := range []string{"/docs", "/redoc"} {
				if a := k.call("GET", path, "", "Authorization:").want(200); !strings.Contains(a.Body, `href="/docs/guide"`) {
					t.Errorf("%s does not lead to the guide", path)
				}
			}
		}
	}
}
