package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"

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
	b := &shapeBook{mux: http.NewServeMux(), byPattern: map[string]map[string]*jsonschema.Resolved{}}
	leads := regexp.MustCompile(`"#/\$defs/(\w+)"`)
	var reached func(schema json.RawMessage, all map[string]json.RawMessage)
	reached = func(schema json.RawMessage, all map[string]json.RawMessage) {
		for _, m := range leads.FindAllSubmatch(schema, -1) {
			if name := string(m[1]); all[name] == nil {
				all[name] = doc.Components.Schemas[name]
				reached(all[name], all)
			}
		}
	}
	resolve := func(schema json.RawMessage) *jsonschema.Resolved {
		needed := map[string]json.RawMessage{} // all that there are would be read anew for each answer
		reached(schema, needed)
		whole, err := json.Marshal(map[string]any{"allOf": []json.RawMessage{schema}, "$defs": needed})
		if err != nil {
			panic(err)
		}
		var s jsonschema.Schema
		if err := json.Unmarshal(whole, &s); err != nil {
			panic(err)
		}
		r, err := s.Resolve(nil)
		if err != nil {
			panic(err)
		}
		return r
	}
	b.failure = resolve(json.RawMessage(`{"$ref":"#/$defs/Error"}`))
	for path, operations := range doc.Paths {
		for method, o := range operations {
			known := map[string]*jsonschema.Resolved{}
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
				known[status] = resolve(schema.Schema)
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

// mostJudged is the longest answer that is judged, in bytes: longer ones have more of the same, and cost seconds.
const mostJudged = 32 << 10

type shapeBook struct {
	mux       *http.ServeMux
	byPattern map[string]map[string]*jsonschema.Resolved
	failure   *jsonschema.Resolved
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
		schema = b.failure
	}
	if schema == nil {
		return fmt.Errorf("%s: the document has no JSON for %d", pattern, status)
	}
	var v any
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		return err
	}
	if err := schema.Validate(v); err != nil {
		return fmt.Errorf("%s: %d is not as the document has it: %w\n%s", pattern, status, err, body)
	}
	return nil
}
