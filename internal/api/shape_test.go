package api_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"

	"codeforge/internal/api"
)

// shapes judges answers by the API's own document: what a client was promised is what it gets.
var shapes = sync.OnceValue(func() *shapeBook {
	spec, err := api.Spec(api.Options{})
	if err != nil {
		panic(err)
	}
	var doc struct {
		Paths map[string]map[string]struct {
			Aliases   []string `json:"x-aliases"`
			Responses map[string]json.RawMessage
		}
		Components struct{ Schemas, Responses map[string]json.RawMessage }
	}
	text := strings.ReplaceAll(string(spec), "#/components/schemas/", "#/$defs/")
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		panic(err)
	}
	b := &shapeBook{mux: http.NewServeMux(), byPattern: map[string]map[string]json.RawMessage{}, named: doc.Components.Schemas, resolved: map[string]*jsonschema.Resolved{}}
	for path, operations := range doc.Paths {
		for method, o := range operations {
			known := map[string]json.RawMessage{}
			for status, r := range o.Responses {
				var ref struct {
					Ref string `json:"$ref"`
				}
				if _ = json.Unmarshal(r, &ref); ref.Ref != "" {
					r = doc.Components.Responses[ref.Ref[strings.LastIndexByte(ref.Ref, '/')+1:]]
				}
				var content struct {
					Content map[string]struct{ Schema json.RawMessage }
				}
				if err := json.Unmarshal(r, &content); err != nil {
					panic(err)
				}
				schema, ok := content.Content["application/json"]
				if !ok {
					continue
				}
				known[status] = schema.Schema
			}
			for _, p := range append([]string{path}, o.Aliases...) {
				if strings.Contains(p, ".git/") || strings.Contains(p, "{path}/") {
					continue // no patterns of the mux
				}
				p = strings.ToUpper(method) + " " + strings.TrimSuffix(strings.Replace(p, "{path}", "{path...}", 1), "/")
				b.byPattern[p] = known
				b.mux.Handle(p, http.NotFoundHandler())
			}
		}
	}
	return b
})

// TestEverySchemaResolves: also those that no answer of the tests meets can be read, and what they name is there.
func TestEverySchemaResolves(t *testing.T) {
	b := shapes()
	all := map[string]json.RawMessage{}
	maps.Copy(all, b.named)
	for pattern, known := range b.byPattern {
		for status, schema := range known {
			all[pattern+" "+status] = schema
		}
	}
	for name, schema := range all {
		for _, m := range toNamed.FindAllSubmatch(schema, -1) {
			if b.named[string(m[1])] == nil {
				t.Errorf("%s names %s, which is not there", name, m[1])
			}
		}
	}
	whole, err := json.Marshal(map[string]any{"$defs": all})
	if err != nil {
		t.Fatal(err)
	}
	var s jsonschema.Schema
	if err := json.Unmarshal(whole, &s); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Resolve(nil); err != nil {
		t.Error(err)
	}
}

// mostJudged is the longest answer that is judged, in bytes: longer ones have more of the same, and cost seconds.
const mostJudged = 32 << 10

type shapeBook struct {
	mux       *http.ServeMux
	byPattern map[string]map[string]json.RawMessage
	named     map[string]json.RawMessage // schemas

	mu       sync.Mutex
	resolved map[string]*jsonschema.Resolved // by their text
}

// failure is the one shape of all errors.
var failure = json.RawMessage(`{"$ref":"#/$defs/Error"}`)

var toNamed = regexp.MustCompile(`"#/\$defs/([^"]+)"`)

// resolve makes a schema ready, with those that it leads to: all of them for each of hundreds took a minute and gigabytes.
func (b *shapeBook) resolve(schema json.RawMessage) (*jsonschema.Resolved, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if r := b.resolved[string(schema)]; r != nil {
		return r, nil
	}
	needed := map[string]json.RawMessage{}
	var need func(json.RawMessage)
	need = func(text json.RawMessage) {
		for _, m := range toNamed.FindAllSubmatch(text, -1) {
			if name := string(m[1]); needed[name] == nil && b.named[name] != nil {
				needed[name] = b.named[name]
				need(needed[name])
			}
		}
	}
	need(schema)
	whole, err := json.Marshal(map[string]any{"allOf": []json.RawMessage{schema}, "$defs": needed})
	if err != nil {
		return nil, err
	}
	var s jsonschema.Schema
	if err := json.Unmarshal(whole, &s); err != nil {
		return nil, err
	}
	r, err := s.Resolve(nil)
	b.resolved[string(schema)] = r
	return r, err
}

// check says what of an answer is not as the document has it.
func (b *shapeBook) check(req *http.Request, status int, header http.Header, body string) error {
	if !strings.HasPrefix(header.Get("Content-Type"), "application/json") || req.Method == http.MethodHead || len(body) > mostJudged {
		return nil
	}
	r := req.Clone(req.Context())
	r.URL.Path = strings.TrimSuffix(r.URL.Path, "/")
	_, pattern := b.mux.Handler(r)
	known, ok := b.byPattern[pattern]
	if !ok || status == http.StatusNotModified {
		return nil
	}
	if strings.HasSuffix(pattern, "{path...}") && (r.URL.Query().Has("raw") || r.Header.Get("Accept") != "") {
		return nil // a file as it is, which may be JSON too
	}
	schema := known[fmt.Sprint(status)]
	if status >= 400 { // any may come, in one shape
		schema = failure
	}
	if schema == nil {
		return fmt.Errorf("%s: the document has no JSON for %d", pattern, status)
	}
	resolved, err := b.resolve(schema)
	if err != nil {
		return fmt.Errorf("%s: the schema of %d: %w", pattern, status, err)
	}
	var v any
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		return err
	}
	if err := resolved.Validate(v); err != nil {
		return fmt.Errorf("%s: %d is not as the document has it: %w\n%s", pattern, status, err, body)
	}
	return nil
}
