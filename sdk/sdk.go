// Package sdk makes the clients of the API from its OpenAPI document: what differs from language to language is how types and
// methods are written, and a small runtime of each.
package sdk

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// document is what is read of an OpenAPI document.
type document struct {
	Info       struct{ Version string }
	Paths      map[string]map[string]operation
	Components struct{ Schemas map[string]*schema }
}

type operation struct {
	OperationID, Summary string
	Tags                 []string
	Parameters           []parameter
	RequestBody          *struct {
		Required bool
		Content  map[string]struct{ Schema *schema }
	}
	Responses map[string]struct {
		Content map[string]struct{ Schema *schema }
	}
}

type parameter struct {
	Name, In, Description string
	Required              bool
	Schema                *schema
}

// schema is as much of a JSON schema as the document uses.
type schema struct {
	Ref                  string `json:"$ref"`
	Type                 oneOrMore
	Description          string
	Enum                 []any
	Items                *schema
	Properties           map[string]*schema
	Required             []string
	AdditionalProperties additional
	AnyOf, AllOf, OneOf  []*schema
}

// streamedEvent is one event of a stream: its name, the members of its data's type, and whether it has an id.
type streamedEvent struct {
	name, says string
	data       *schema
	stored     bool
}

// events are those of a stream's schema; nil: it is no stream's. What is of the connection alone the runtimes deal with.
func (s *schema) events() (out []streamedEvent) {
	for _, o := range s.OneOf {
		name, data := o.Properties["event"], o.Properties["data"]
		if name == nil || data == nil {
			return nil
		}
		forms := data.AnyOf
		if forms == nil {
			forms = []*schema{data}
		}
		for _, form := range forms {
			if e := (streamedEvent{fmt.Sprint(name.Enum[0]), o.Description, form, o.Properties["id"] != nil}); e.name != "dropped" {
				out = append(out, e)
			}
		}
	}
	return out
}

// oneOrMore is a type, or a list of them.
type oneOrMore []string

func (o *oneOrMore) UnmarshalJSON(b []byte) error {
	if bytes.HasPrefix(b, []byte("[")) {
		return json.Unmarshal(b, (*[]string)(o))
	}
	*o = []string{""}
	return json.Unmarshal(b, &(*o)[0])
}

// additional is what further members of an object are; a nil schema: nothing, or nobody said.
type additional struct{ schema *schema }

func (a *additional) UnmarshalJSON(b []byte) error {
	if bytes.HasPrefix(b, []byte("{")) {
		return json.Unmarshal(b, &a.schema)
	}
	return nil
}

// method is one operation as clients have it.
type method struct {
	operation
	verb, path string
	name       []string // words
	accept     string   // of an answer that is bytes, not JSON
	streamed   bool     // the answer is events
	upload     bool     // the body may be bytes
	keyed      bool     // it takes an Idempotency-Key
	body       *schema  // nil: none, or bytes alone
	hasBody    bool
	answer     *schema // of a stream: of each event
	query      []parameter
	item       *schema // of a list that comes in pages
	optional   bool    // there may be no answer, which is 204
}

// leftOut has no methods: git's own protocol, and the socket, which has one of its own.
func leftOut(o *operation) bool { return o.Tags[0] == "git" || o.OperationID == "open_socket" }

// names are methods that the rule below would name badly.
var names = map[string]string{
	"list_user_jobs": "list", "list_jobs": "list_of_project", "stream_job": "watch", "stream_project": "watch", "stream_user": "watch_all",
	"refactor_file": "refactor", "refactor": "refactor_placed",
}

// nameOf is the operation's id without what the group says already: create_project is create of projects.
func nameOf(group, id string) []string {
	if n, ok := names[id]; ok {
		return strings.Split(n, "_")
	}
	words := strings.Split(id, "_")
	short := slices.DeleteFunc(slices.Clone(words), func(w string) bool { return w == group || w+"s" == group })
	if len(short) == 0 {
		return words
	}
	return short
}

// read returns the groups of methods and the types of a document, and its version.
func read(spec []byte) (groups map[string][]*method, types map[string]*schema, version string, err error) {
	var d document
	if err := json.Unmarshal(spec, &d); err != nil {
		return nil, nil, "", err
	}
	groups = map[string][]*method{}
	for _, path := range slices.Sorted(maps.Keys(d.Paths)) {
		for _, verb := range slices.Sorted(maps.Keys(d.Paths[path])) {
			o := d.Paths[path][verb]
			if leftOut(&o) {
				continue
			}
			m := &method{operation: o, verb: strings.ToUpper(verb), path: path, name: nameOf(o.Tags[0], o.OperationID)}
			m.describe(d.Components.Schemas)
			groups[o.Tags[0]] = append(groups[o.Tags[0]], m)
		}
	}
	for group, methods := range groups {
		for _, m := range methods {
			if r := m.asItIs(); r != nil {
				methods = append(methods, r)
			}
		}
		groups[group] = methods
		seen := map[string]*method{}
		for _, m := range methods {
			name := strings.Join(m.name, "_")
			if seen[name] != nil { // two would have one name: this one keeps its own
				m.name = strings.Split(m.OperationID, "_")
				name = m.OperationID
			}
			if seen[name] != nil {
				return nil, nil, "", fmt.Errorf("%s: two methods are named %s", group, name)
			}
			seen[name] = m
		}
	}
	return groups, d.Components.Schemas, d.Info.Version, nil
}

func (m *method) describe(types map[string]*schema) {
	for _, p := range m.Parameters {
		switch {
		case p.In == "query" && p.Name != "access_token" && p.Name != "token":
			m.query = append(m.query, p)
		case p.In == "header" && p.Name == "Idempotency-Key":
			m.keyed = true
		}
	}
	if m.RequestBody != nil {
		m.hasBody = true
		for media, c := range m.RequestBody.Content {
			if media == "application/json" {
				m.body = c.Schema
			} else {
				m.upload = true
			}
		}
	}
	ok := m.Responses["200"]
	if m.Responses["201"].Content != nil {
		ok = m.Responses["201"]
	}
	if events, streamed := ok.Content["text/event-stream"]; streamed {
		m.streamed, m.answer = true, events.Schema
		return
	}
	if m.answer = ok.Content["application/json"].Schema; m.answer == nil {
		m.accept = "*/*"
		return
	}
	_, m.optional = m.Responses["204"]
	next := slices.ContainsFunc(m.query, func(q parameter) bool { return q.Name == "page" || q.Name == "cursor" || q.Name == "before" })
	if page := resolve(m.answer, types); next && page.Properties["items"] != nil && page.Properties["has_more"] != nil {
		m.item = page.Properties["items"].Items
	}
}

// forms are parameters that ask for an answer in another form than JSON.
func isForm(p parameter) bool { return p.Name == "raw" || p.Name == "format" }

// asItIs is the method for an answer that comes as JSON or as bytes, for the bytes; nil: there is but one form. Each has one type then,
// so neither takes what chooses between them.
func (m *method) asItIs() *method {
	for media := range m.Responses["200"].Content {
		if m.answer == nil || media == "application/json" || m.streamed {
			continue
		}
		bytes := *m
		if bytes.accept = media; media == "*/*" {
			bytes.accept = "application/octet-stream"
		}
		m.query = slices.DeleteFunc(slices.Clone(m.query), isForm)
		bytes.name, bytes.query, bytes.answer = append(slices.Clone(m.name), "raw"), m.query, nil
		bytes.Summary += ", as it is"
		return &bytes
	}
	return nil
}

func resolve(s *schema, types map[string]*schema) *schema {
	if s.Ref != "" {
		return types[refName(s.Ref)]
	}
	return s
}

func refName(ref string) string { return ref[strings.LastIndexByte(ref, '/')+1:] }

// pathParameters are the names in a path, in order.
func (m *method) pathParameters() (names []string) {
	for _, p := range strings.Split(m.path, "{")[1:] {
		name, _, _ := strings.Cut(p, "}")
		names = append(names, name)
	}
	return names
}

// camel joins words as TypeScript does.
func camel(words []string) string {
	var out strings.Builder
	out.WriteString(words[0])
	for _, w := range words[1:] {
		if w != "" {
			out.WriteString(strings.ToUpper(w[:1]) + w[1:])
		}
	}
	return out.String()
}

// pascal is camel for the names of types.
func pascal(words []string) string {
	s := camel(words)
	return strings.ToUpper(s[:1]) + s[1:]
}

// line is a description on one line.
func line(s string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(s), " "), "*/", "* /")
}
