package offline

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// schema is the part of JSON Schema that requests use.
type schema struct {
	Type       any                `json:"type"` // a name or a list of names
	Properties map[string]*schema `json:"properties"`
	Required   []string           `json:"required"`
	Items      *schema            `json:"items"`
	Enum       []any              `json:"enum"`
	Const      any                `json:"const"`
	AnyOf      []*schema          `json:"anyOf"`
	OneOf      []*schema          `json:"oneOf"`
	Ref        string             `json:"$ref"`
	Defs       map[string]*schema `json:"$defs"`
	Others     json.RawMessage    `json:"additionalProperties"`
	MinLength  int                `json:"minLength"`
	MaxLength  *int               `json:"maxLength"`
	MinItems   int                `json:"minItems"`
	MaxItems   *int               `json:"maxItems"`
	Minimum    float64            `json:"minimum"`
}

// fitDocument adapts a document of ours to a schema that may want less or more: it drops what the schema does not know, adds
// the least that is required, and keeps to the limits on lengths. A schema that cannot be read changes nothing.
func fitDocument(raw, document json.RawMessage) json.RawMessage {
	var root schema
	var v any
	if json.Unmarshal(raw, &root) != nil || json.Unmarshal(document, &v) != nil {
		return document
	}
	f := fitter{root: &root}
	return encode(f.fit(&root, v, 0))
}

type fitter struct{ root *schema }

const maxDepth = 20 // of a schema that refers to itself

// plainly follows references and unions to the first form that is not null.
func (f fitter) plainly(s *schema) *schema {
	for range maxDepth {
		switch {
		case s == nil:
			return &schema{}
		case s.Ref != "":
			s = f.root.Defs[s.Ref[strings.LastIndexByte(s.Ref, '/')+1:]]
		case len(s.AnyOf)+len(s.OneOf) > 0:
			all := append(append([]*schema{}, s.AnyOf...), s.OneOf...)
			s = all[0]
			for _, o := range all {
				if o.kind() != "null" {
					s = o
					break
				}
			}
		default:
			return s
		}
	}
	return &schema{}
}

// kind is the schema's type, "" if any will do.
func (s *schema) kind() string {
	switch t := s.Type.(type) {
	case string:
		return t
	case []any:
		for _, n := range t {
			if n != "null" {
				n, _ := n.(string)
				return n
			}
		}
		return "null"
	}
	if s.Properties != nil {
		return "object"
	}
	return ""
}

func (f fitter) fit(s *schema, v any, depth int) any {
	s = f.plainly(s)
	if depth > maxDepth {
		return v
	}
	switch s.kind() {
	case "object":
		m, ok := v.(map[string]any)
		if !ok {
			m = map[string]any{}
			if name, ok := v.(string); ok {
				m["name"] = name
			}
		}
		out := map[string]any{}
		for k, x := range m {
			if p := s.Properties[k]; p != nil {
				out[k] = f.fit(p, x, depth+1)
			} else if o := s.others(); o != nil {
				out[k] = f.fit(o, x, depth+1)
			}
		}
		for _, k := range s.Required {
			if _, there := out[k]; !there {
				out[k] = f.fit(s.Properties[k], nil, depth+1)
			}
		}
		return out
	case "array":
		list, _ := v.([]any)
		out := []any{}
		for _, x := range list {
			out = append(out, f.fit(s.Items, x, depth+1))
		}
		for len(out) < s.MinItems {
			out = append(out, f.fit(s.Items, nil, depth+1))
		}
		if s.MaxItems != nil && len(out) > *s.MaxItems {
			out = out[:*s.MaxItems]
		}
		return out
	case "string":
		return f.text(s, v)
	case "number", "integer":
		if n, ok := v.(float64); ok {
			return n
		}
		return s.Minimum
	case "boolean":
		b, _ := v.(bool)
		return b
	case "null":
		return nil
	}
	return v
}

func (f fitter) text(s *schema, v any) any {
	if s.Const != nil {
		return s.Const
	}
	if slices.Contains(s.Enum, v) {
		return v
	}
	if len(s.Enum) > 0 {
		return s.Enum[0]
	}
	text, ok := v.(string)
	if !ok && v != nil {
		text = fmt.Sprint(v)
	}
	if missing := s.MinLength - utf8.RuneCountInString(text); missing > 0 {
		text = strings.TrimSpace(text + " not said by the offline model")
		text += strings.Repeat(".", max(0, s.MinLength-utf8.RuneCountInString(text)))
	}
	if s.MaxLength != nil {
		text = shorten(text, *s.MaxLength)
	}
	return text
}

// others is the schema of properties that are not named, nil where there may be none or nothing is said of them: an
// answer holds what was asked for.
func (s *schema) others() *schema {
	var o schema
	switch string(s.Others) {
	case "", "false":
		return nil
	case "true":
		return &o
	}
	if json.Unmarshal(s.Others, &o) != nil {
		return nil
	}
	return &o
}
