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
	AnyOf                []*schema
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
	raw        bool     // the answer is bytes, not JSON
	streamed   bool     // the answer is events
	upload     bool     // the body may be bytes
	keyed      bool     // it takes an Idempotency-Key
	body       *schema  // nil: none, or bytes alone
	hasBody    bool
	answer     *schema
	query      []parameter
	item       *schema // of a list that comes in pages
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

// read returns the groups of methods and the types of a document.
func read(spec []byte) (groups map[string][]*method, types map[string]*schema, err error) {
	var d document
	if err := json.Unmarshal(spec, &d); err != nil {
		return nil, nil, err
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
		seen := map[string]*method{}
		for _, m := range methods {
			name := strings.Join(m.name, "_")
			if seen[name] != nil { // two would have one name: this one keeps its own
				m.name = strings.Split(m.OperationID, "_")
				name = m.OperationID
			}
			if seen[name] != nil {
				return nil, nil, fmt.Errorf("%s: two methods are named %s", group, name)
			}
			seen[name] = m
		}
	}
	return groups, d.Components.Schemas, nil
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
	if _, m.streamed = ok.Content["text/event-stream"]; m.streamed {
		return
	}
	if m.answer = ok.Content["application/json"].Schema; m.answer == nil {
		m.raw, m.answer = true, nil
		return
	}
	if page := resolve(m.answer, types); page.Properties["items"] != nil && page.Properties["has_more"] != nil &&
		(page.Properties["page"] != nil || page.Properties["next_cursor"] != nil) {
		m.item = page.Properties["items"].Items
	}
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
