// Package apitest judges answers and events of the API by its own document, in tests: what a client was promised is what it gets.
package apitest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"strings"
	"sync"

	"github.com/google/jsonschema-go/jsonschema"
)

// Document is the OpenAPI document, made ready to judge by.
type Document struct {
	mux       *http.ServeMux
	answers   map[string]map[string]*judge // by pattern of the mux, and status
	ids       map[string]string            // of operations, by pattern
	failure   *judge
	events    map[string]map[string][]*judge // by schema of a stream, and name of the event
	schemas   map[string]json.RawMessage
	judges    map[string]*judge // by their schemas
	responses map[string]json.RawMessage
}

// streams are the schemas of events, by the end of a stream's path.
var streams = []struct{ suffix, schema string }{{"/stream", "JobEvent"}, {"/v1/events", "UserEvent"}, {"/events", "ProjectEvent"}}

// operation is what is read of one.
type operation struct {
	OperationID string
	Aliases     []string `json:"x-aliases"`
	Responses   map[string]json.RawMessage
}

// Read reads a document.
func Read(spec []byte) (*Document, error) {
	var doc struct {
		Paths      map[string]map[string]operation
		Components struct{ Schemas, Responses map[string]json.RawMessage }
	}
	text := strings.ReplaceAll(string(spec), "#/components/schemas/", "#/$defs/")
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		return nil, err
	}
	d := &Document{mux: http.NewServeMux(), answers: map[string]map[string]*judge{}, ids: map[string]string{},
		events: map[string]map[string][]*judge{}, judges: map[string]*judge{}, schemas: doc.Components.Schemas, responses: doc.Components.Responses}
	d.failure = d.judge(`{"$ref":"#/$defs/Error"}`)
	for _, s := range streams {
		if err := d.addEvents(s.schema); err != nil {
			return nil, err
		}
	}
	for path, operations := range doc.Paths {
		for method, o := range operations {
			if err := d.add(strings.ToUpper(method), path, o); err != nil {
				return nil, fmt.Errorf("%s: %w", o.OperationID, err)
			}
		}
	}
	return d, nil
}

// judge is a schema that is made ready when it is needed first, with those that it names: most tests need few.
func (d *Document) judge(schema string) *judge {
	if j := d.judges[schema]; j != nil {
		return j
	}
	j := &judge{resolved: sync.OnceValue(func() *jsonschema.Resolved {
		defs := map[string]json.RawMessage{}
		d.named(schema, defs)
		whole, err := json.Marshal(map[string]any{"allOf": []any{json.RawMessage(schema)}, "$defs": defs})
		var s jsonschema.Schema
		if err == nil {
			err = json.Unmarshal(whole, &s)
		}
		r, errResolve := s.Resolve(nil)
		if err = errors.Join(err, errResolve); err != nil {
			panic(fmt.Errorf("%w: %s", err, schema)) // the document is ours
		}
		return r
	})}
	d.judges[schema] = j
	return j
}

// Complete says which schemas name others that are not there, or cannot be read, also those that no answer meets.
func (d *Document) Complete() error {
	for name, schema := range d.schemas {
		for _, m := range reference.FindAllStringSubmatch(string(schema), -1) {
			if d.schemas[m[1]] == nil {
				return fmt.Errorf("%s names %s, which is not there", name, m[1])
			}
		}
	}
	all := maps.Clone(d.schemas)
	for schema := range d.judges {
		all["judge "+schema] = json.RawMessage(schema)
	}
	whole, err := json.Marshal(map[string]any{"$defs": all})
	if err != nil {
		return err
	}
	var s jsonschema.Schema
	if err := json.Unmarshal(whole, &s); err != nil {
		return err
	}
	_, err = s.Resolve(nil)
	return err
}

// named adds the schemas that one names, and what those name.
func (d *Document) named(schema string, defs map[string]json.RawMessage) {
	for _, m := range reference.FindAllStringSubmatch(schema, -1) {
		if _, has := defs[m[1]]; !has {
			defs[m[1]] = d.schemas[m[1]]
			d.named(string(d.schemas[m[1]]), defs)
		}
	}
}

var reference = regexp.MustCompile(`"#/\$defs/([^"]+)"`)

type judge struct {
	resolved func() *jsonschema.Resolved
}

// of says what of a text is not as the schema has it.
func (j *judge) of(text []byte) error {
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		return err
	}
	return j.resolved().Validate(v)
}

// add adds an operation with what it answers.
func (d *Document) add(method, path string, o operation) error {
	known := map[string]*judge{}
	for status, r := range o.Responses {
		var ref struct {
			Ref string `json:"$ref"`
		}
		if json.Unmarshal(r, &ref) == nil && ref.Ref != "" {
			r = d.responses[ref.Ref[strings.LastIndexByte(ref.Ref, '/')+1:]]
		}
		var content struct {
			Content map[string]struct{ Schema json.RawMessage }
		}
		if err := json.Unmarshal(r, &content); err != nil {
			return err
		}
		if schema, ok := content.Content["application/json"]; ok {
			known[status] = d.judge(string(schema.Schema))
		}
	}
	for _, p := range append([]string{path}, o.Aliases...) {
		if strings.Contains(p, ".git/") || strings.Contains(p, "{path}/") {
			continue // no patterns of the mux
		}
		p = method + " " + strings.TrimSuffix(strings.Replace(p, "{path}", "{path...}", 1), "/")
		d.answers[p], d.ids[p] = known, o.OperationID
		d.mux.Handle(p, http.NotFoundHandler())
	}
	return nil
}

// addEvents adds those of a stream. Data may get members that a client does not know; a test has to know all.
func (d *Document) addEvents(schema string) error {
	var union struct {
		OneOf []struct {
			Properties struct {
				Event struct{ Enum []string }
				Data  json.RawMessage
			}
		}
	}
	if err := json.Unmarshal(d.schemas[schema], &union); err != nil {
		return err
	}
	d.events[schema] = map[string][]*judge{}
	for _, e := range union.OneOf {
		data := d.judge(fmt.Sprintf(`{"allOf":[%s],"unevaluatedProperties":false}`, e.Properties.Data))
		for _, name := range e.Properties.Event.Enum {
			d.events[schema][name] = append(d.events[schema][name], data)
		}
	}
	return nil
}

// mostJudged is the longest answer that is judged, in bytes: longer ones have more of the same, and cost seconds.
const mostJudged = 32 << 10

func (d *Document) pattern(req *http.Request) string {
	r := req.Clone(req.Context())
	r.URL.Path = strings.TrimSuffix(r.URL.Path, "/")
	_, pattern := d.mux.Handler(r)
	return pattern
}

// Operation is the id of the operation that a request is of, "" if none is known.
func (d *Document) Operation(req *http.Request) string { return d.ids[d.pattern(req)] }

// Operations are the ids of all that Operation knows.
func (d *Document) Operations() map[string]bool {
	all := map[string]bool{}
	for _, id := range d.ids {
		all[id] = true
	}
	return all
}

// Answer says what of an answer is not as the document has it.
func (d *Document) Answer(req *http.Request, status int, header http.Header, body []byte) error {
	if !strings.HasPrefix(header.Get("Content-Type"), "application/json") || req.Method == http.MethodHead || len(body) > mostJudged {
		return nil
	}
	pattern := d.pattern(req)
	known, ok := d.answers[pattern]
	if !ok || status == http.StatusNotModified || status == http.StatusNoContent {
		return nil
	}
	if strings.HasSuffix(pattern, "{path...}") && (req.URL.Query().Has("raw") || req.Header.Get("Accept") != "") {
		return nil // a file as it is, which may be JSON too
	}
	schema := known[fmt.Sprint(status)]
	if status >= 400 { // any may come, in one shape
		schema = d.failure
	}
	if schema == nil {
		return fmt.Errorf("%s: the document has no JSON for %d", pattern, status)
	}
	if err := schema.of(body); err != nil {
		return fmt.Errorf("%s: %d is not as the document has it: %w\n%s", pattern, status, err, body)
	}
	return nil
}

// Event says what of an event of a job, a project or a user (JobEvent, ProjectEvent, UserEvent) is not as the document has it.
func (d *Document) Event(stream, name string, data []byte) error {
	if bytes.HasPrefix(data, []byte(`{"n":`)) && bytes.Contains(data, []byte(`"sent":`)) {
		return nil // of the agent of measurements, which no document offers
	}
	err := fmt.Errorf("%s has none of this name", stream)
	for _, schema := range d.events[stream][name] {
		if err = schema.of(data); err == nil {
			return nil
		}
	}
	return fmt.Errorf("event %s is not as the document has it: %w\n%.2000s", name, err, data)
}

// Transport carries requests, and fails those whose answer, and streams one of whose events, is not as the document has it.
func (d *Document) Transport(by http.RoundTripper) http.RoundTripper { return judging{d, by} }

type judging struct {
	*Document
	by http.RoundTripper
}

func (j judging) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := j.by.RoundTrip(req)
	if err != nil || !strings.HasPrefix(req.URL.Path, "/v1/") {
		return resp, err
	}
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") {
		for _, s := range streams {
			if strings.HasSuffix(strings.TrimSuffix(req.URL.Path, "/"), s.suffix) {
				resp.Body = &judgedStream{ReadCloser: resp.Body, of: j.Document, schema: s.schema}
				break
			}
		}
		return resp, nil
	}
	if !strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") {
		return resp, nil
	}
	resp.Body = &judgedAnswer{ReadCloser: resp.Body, verdict: func(body []byte) error { return j.Answer(req, resp.StatusCode, resp.Header, body) }}
	return resp, nil
}

// judgedAnswer is a body that fails at its end when it is not as it should be.
type judgedAnswer struct {
	io.ReadCloser
	read    bytes.Buffer
	verdict func([]byte) error
}

func (a *judgedAnswer) Read(p []byte) (int, error) {
	n, err := a.ReadCloser.Read(p)
	if a.read.Len() <= mostJudged {
		a.read.Write(p[:n])
	}
	if err == io.EOF {
		if bad := a.verdict(a.read.Bytes()); bad != nil {
			return n, bad
		}
	}
	return n, err
}

// judgedStream is a stream that fails at the first frame that is not as it should be. A frame without a name repeats the one before.
type judgedStream struct {
	io.ReadCloser
	of     *Document
	schema string
	rest   []byte
}

func (s *judgedStream) Read(p []byte) (int, error) {
	n, err := s.ReadCloser.Read(p)
	s.rest = append(s.rest, p[:n]...)
	for {
		frame, rest, whole := bytes.Cut(s.rest, []byte("\n\n"))
		if !whole {
			return n, err
		}
		s.rest = rest
		var name string
		var data []byte
		for line := range bytes.Lines(frame) {
			field, value, _ := bytes.Cut(bytes.TrimSuffix(line, []byte("\n")), []byte(": "))
			switch string(field) {
			case "event":
				name = string(value)
			case "data":
				data = value
			}
		}
		if name == "" {
			continue
		}
		if bad := s.of.Event(s.schema, name, data); bad != nil {
			return n, bad
		}
	}
}

// Shared returns a function that reads a document once.
func Shared(spec func() ([]byte, error)) func() *Document {
	return sync.OnceValue(func() *Document {
		b, err := spec()
		if err == nil {
			var d *Document
			if d, err = Read(b); err == nil {
				return d
			}
		}
		panic(err) // the document is not what we write
	})
}
