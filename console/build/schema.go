package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// schema is as much of a JSON schema as our document uses.
type schema struct {
	Ref        string             `json:"$ref"`
	Type       json.RawMessage    `json:"type"` // a name, or some
	Enum       []json.RawMessage  `json:"enum"`
	Items      *schema            `json:"items"`
	Properties map[string]*schema `json:"properties"`
	Required   []string           `json:"required"`
	AllOf      []*schema          `json:"allOf"`
	OneOf      []*schema          `json:"oneOf"`
	AnyOf      []*schema          `json:"anyOf"`
	Additional json.RawMessage    `json:"additionalProperties"`
}

// schemaTypes writes the types of the schemas in an OpenAPI document, for TypeScript.
func schemaTypes(document []byte) ([]byte, error) {
	var d struct {
		Components struct {
			Schemas map[string]*schema `json:"schemas"`
		} `json:"components"`
	}
	if err := json.Unmarshal(document, &d); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.WriteString("// Made of the OpenAPI document by go run ./console/build -schema. Change nothing here.\n")
	for _, name := range slices.Sorted(maps.Keys(d.Components.Schemas)) {
		if name == "" { // of a type that the document gives none
			continue
		}
		fmt.Fprintf(&b, "\nexport type %s = %s;\n", name, d.Components.Schemas[name].typeOf(""))
	}
	return b.Bytes(), nil
}

func (s *schema) typeOf(indent string) string {
	all := func(of []*schema, with string) string {
		var parts []string
		for _, o := range of {
			parts = append(parts, o.typeOf(indent))
		}
		return strings.Join(parts, with)
	}
	switch {
	case s == nil:
		return "unknown"
	case s.Ref != "":
		return s.Ref[strings.LastIndexByte(s.Ref, '/')+1:]
	case len(s.AllOf) > 0:
		return all(s.AllOf, " & ") + s.own(indent)
	case len(s.OneOf)+len(s.AnyOf) > 0:
		return "(" + all(append(s.OneOf, s.AnyOf...), " | ") + ")"
	case len(s.Enum) > 0:
		var values []string
		for _, v := range s.Enum {
			values = append(values, string(v))
		}
		return strings.Join(values, " | ")
	}
	var names []string
	if json.Unmarshal(s.Type, &names) != nil {
		names = make([]string, 1)
		_ = json.Unmarshal(s.Type, &names[0]) // none: of any type
	}
	var parts []string
	for _, name := range names {
		parts = append(parts, s.named(name, indent))
	}
	return strings.Join(parts, " | ")
}

// own are the properties beside what a schema is made of.
func (s *schema) own(indent string) string {
	if len(s.Properties) == 0 {
		return ""
	}
	return " & " + s.object(indent)
}

func (s *schema) named(name, indent string) string {
	switch name {
	case "string", "boolean", "null":
		return name
	case "integer", "number":
		return "number"
	case "array":
		items := s.Items.typeOf(indent)
		if strings.Contains(items, " | ") {
			items = "(" + items + ")"
		}
		return items + "[]"
	case "object":
		return s.object(indent)
	}
	return "unknown"
}

func (s *schema) object(indent string) string {
	if len(s.Properties) == 0 {
		var values schema
		if json.Unmarshal(s.Additional, &values) == nil {
			return "Record<string, " + values.typeOf(indent) + ">"
		}
		return "Record<string, unknown>"
	}
	var b strings.Builder
	b.WriteString("{\n")
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		if strings.HasPrefix(name, "$") {
			continue
		}
		optional := "?"
		if slices.Contains(s.Required, name) {
			optional = ""
		}
		fmt.Fprintf(&b, "%s  %s%s: %s;\n", indent, name, optional, s.Properties[name].typeOf(indent+"  "))
	}
	b.WriteString(indent + "}")
	return b.String()
}
