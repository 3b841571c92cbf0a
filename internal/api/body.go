package api

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// bodyPlan says how values of one type in a request body are read. It is made once for an operation, of the type of its
// body and the schema that the framework made of it. A text is trimmed unless a field around it is tagged exact:"true".
type bodyPlan struct {
	name     string // as a member
	index    []int  // of the field, as a member
	exact    bool   // texts, here and below, stay byte for byte
	nullable bool
	opaque   bool // the schema asks nothing but the kind, so that validation need not build it
	members  map[string]*bodyPlan
	entries  *bodyPlan // of a list
}

var (
	trimmedText = &bodyPlan{}
	exactText   = &bodyPlan{exact: true}
)

// member is the plan for a member of an object; one that the type does not name shares the object's exactness alone.
func (p *bodyPlan) member(key []byte) *bodyPlan {
	if m := p.members[string(key)]; m != nil {
		return m
	}
	return p.unnamed()
}

// elementPlan is the plan for the entries of a list.
func (p *bodyPlan) elementPlan() *bodyPlan {
	if p.entries != nil {
		return p.entries
	}
	return p.unnamed()
}

func (p *bodyPlan) unnamed() *bodyPlan {
	if p.exact {
		return exactText
	}
	return trimmedText
}

// planOf is the plan of the body in an operation's input.
func planOf(r huma.Registry, input reflect.Type) *bodyPlan {
	f, ok := input.FieldByName("Body")
	if !ok {
		return trimmedText
	}
	return newPlan(r, f.Type, r.Schema(f.Type, true, ""), false)
}

func newPlan(r huma.Registry, t reflect.Type, s *huma.Schema, exact bool) *bodyPlan {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	p := &bodyPlan{exact: exact, nullable: s.Nullable}
	for s.Ref != "" {
		s = r.SchemaFromRef(s.Ref)
		p.nullable = p.nullable || s.Nullable
	}
	p.opaque = s.AdditionalProperties == true && len(s.Properties) == 0 && s.MinProperties == nil && s.MaxProperties == nil
	if s.Items != nil && t.Kind() == reflect.Slice {
		p.entries = newPlan(r, t.Elem(), s.Items, exact)
	}
	if len(s.Properties) == 0 {
		return p
	}
	p.members = map[string]*bodyPlan{}
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if property := s.Properties[name]; property != nil {
			m := newPlan(r, f.Type, property, exact || f.Tag.Get("exact") == "true")
			m.name, m.index = name, f.Index
			p.members[name] = m
		}
	}
	return p
}

// operationAPI is the framework's API for one operation: it reads bodies by the operation's plan. The framework asks for a
// body twice: as any, to be validated, and then in its type. Either way it went through [scanJSON].
type operationAPI struct {
	huma.API
	plan *bodyPlan
}

func (o operationAPI) Unmarshal(_ string, data []byte, v any) error {
	if v, ok := v.(*any); ok {
		*v = tree(data, o.plan)
		return nil
	}
	return o.plan.decode(data, reflect.ValueOf(v).Elem())
}

// decode reads valid data into v. What does not fit is left out and told: the schema has told it better.
func (p *bodyPlan) decode(data []byte, v reflect.Value) error {
	if v.Kind() == reflect.Pointer {
		if isNull(data) {
			return nil
		}
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	if u, ok := v.Addr().Interface().(json.Unmarshaler); ok {
		return u.UnmarshalJSON(data)
	}
	switch {
	case v.Kind() == reflect.String && isText(data):
		v.SetString(textOf(data))
		return nil
	case v.Kind() == reflect.Struct && p.members != nil:
		var errs []error
		members(data, func(key, value []byte) {
			if m := p.members[string(key)]; m != nil {
				if err := m.decode(value, v.FieldByIndex(m.index)); err != nil {
					errs = append(errs, err)
				}
			}
		})
		return errors.Join(errs...)
	}
	return json.Unmarshal(data, v.Addr().Interface())
}
