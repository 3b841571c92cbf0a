package form

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/google/jsonschema-go/jsonschema"

	"codeforge/internal/llm"
)

// Form is what a model's answer, or the arguments of a tool, must look like: a JSON Schema derived from the type T.
//
// The limits stand in T's tags and nowhere else:
//
//	limit:"1..200"   code points of a string, items of a list, or the range of a number
//	each:"1..80"     the same for the items of a list of strings
//	enum:"a,b"       the values of a string
//	pattern:"^/"     the shape of a string
//
// The schema is strict: every property is required unless its tag says omitempty, and there are no others. What comes back is read with one
// leniency, because a round trip for it would be money for nothing: properties that nobody asked for are dropped,
// and one that is absent or null counts as empty where its limit allows that.
type Form[T any] struct {
	Name   string
	JSON   json.RawMessage // the schema
	schema *jsonschema.Schema
}

// Of derives the form of T, which is known when the program is built: it panics where T has no schema.
func Of[T any](name string) *Form[T] {
	s, err := jsonschema.For[T](nil)
	if err != nil {
		panic(err)
	}
	constrain(reflect.TypeFor[T](), s)
	raw, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return &Form[T]{name, raw, s}
}

func (f *Form[T]) Schema() *llm.Schema { return &llm.Schema{Name: f.Name, JSON: f.JSON} }

// Read decodes and checks raw. The problems are all that were found, in words for the model.
func (f *Form[T]) Read(raw []byte) (v T, problems []string) {
	var doc any
	if err := json.Unmarshal(raw, &doc); err != nil {
		return v, []string{"the answer is not valid JSON: " + err.Error()}
	}
	doc = fillEmpty(f.schema, f.unpack(doc))
	if problems = violations(f.schema, doc, ""); len(problems) > 0 {
		return v, problems
	}
	clean, err := json.Marshal(doc)
	if err == nil {
		err = json.Unmarshal(clean, &v)
	}
	if err != nil {
		return v, []string{err.Error()}
	}
	return v, nil
}

// unpack returns the object that was asked for where it came packed: as text, in a list of one, under a name that nobody asked for.
func (f *Form[T]) unpack(doc any) any {
	for range 3 {
		var inner any
		switch v := doc.(type) {
		case string:
			if json.Unmarshal([]byte(v), &inner) != nil {
				return doc
			}
		case []any:
			if len(v) == 1 {
				inner = v[0]
			}
		case map[string]any:
			if len(v) > 2 { // a call has a name beside
				return doc
			}
			for k, e := range v {
				if f.schema.Properties[k] != nil {
					return doc
				}
				if _, isObject := e.(map[string]any); isObject {
					if inner != nil {
						return doc
					}
					inner = e
				}
			}
		}
		if inner == nil {
			return doc
		}
		doc = inner
	}
	return doc
}

// constrain writes the limits in t's tags into its schema s, and takes out the null that inference allows for lists.
func constrain(t reflect.Type, s *jsonschema.Schema) {
	switch t.Kind() {
	case reflect.Slice:
		s.Type, s.Types = "array", nil
		constrain(t.Elem(), s.Items)
	case reflect.Struct:
		for f := range t.Fields() {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			p := s.Properties[name]
			constrain(f.Type, p)
			limit(p, f.Tag.Get("limit"))
			if p.Items != nil {
				limit(p.Items, f.Tag.Get("each"))
			}
			if e := f.Tag.Get("enum"); e != "" {
				for v := range strings.SplitSeq(e, ",") {
					p.Enum = append(p.Enum, v)
				}
			}
			target := p
			if p.Items != nil {
				target = p.Items
			}
			target.Pattern = f.Tag.Get("pattern")
		}
	}
}

func limit(s *jsonschema.Schema, tag string) {
	if tag == "" {
		return
	}
	lo, hi, _ := strings.Cut(tag, "..")
	low, err1 := strconv.Atoi(lo)
	high, err2 := strconv.Atoi(hi)
	if err := cmp.Or(err1, err2); err != nil {
		panic(fmt.Sprintf("limit %q: %v", tag, err))
	}
	switch s.Type {
	case "string":
		s.MinLength, s.MaxLength = &low, &high
	case "array":
		s.MinItems, s.MaxItems = &low, &high
	default:
		s.Minimum, s.Maximum = new(float64(low)), new(float64(high))
	}
}

// fillEmpty returns v without properties that s does not know, and with the empty value where one is absent or null.
func fillEmpty(s *jsonschema.Schema, v any) any {
	if v == nil {
		switch {
		case s.Type == "array":
			return []any{}
		case s.Type == "string" && s.MinLength != nil: // which may say that it is too short
			return ""
		}
		return nil
	}
	switch v := v.(type) {
	case []any:
		if s.Items != nil {
			for i := range v {
				v[i] = fillEmpty(s.Items, v[i])
			}
		}
	case map[string]any:
		if s.Properties == nil {
			return v
		}
		for k := range v {
			if s.Properties[k] == nil {
				delete(v, k)
			}
		}
		for k, p := range s.Properties {
			if x, has := v[k]; has || slices.Contains(s.Required, k) && mayBeEmpty(p) {
				v[k] = fillEmpty(p, x)
			}
		}
	}
	return v
}

// mayBeEmpty reports whether leaving a list or a string out says something that the schema allows. A number, or a yes
// or no, that was left out says nothing, and neither does a text without limits: the content of a file, say.
func mayBeEmpty(s *jsonschema.Schema) bool {
	switch s.Type {
	case "array":
		return s.MinItems == nil || *s.MinItems == 0
	case "string":
		return s.MinLength != nil && *s.MinLength == 0 && s.Enum == nil && s.Pattern == ""
	}
	return false
}

// violations lists all that is wrong with v under s, for the keywords that constrain and inference write. The library's
// own validation stops at the first, which would cost the model a round for each.
func violations(s *jsonschema.Schema, v any, at string) []string {
	where := cmp.Or(at, "the answer")
	bad := func(f string, args ...any) []string { return []string{where + " " + fmt.Sprintf(f, args...)} }
	switch v := v.(type) {
	case nil:
		return bad("is missing: it must be %s", article(s.Type))
	case string:
		if s.Type != "string" {
			return bad("must be %s, not text", article(s.Type))
		}
		n := utf8.RuneCountInString(v)
		switch {
		case len(s.Enum) > 0 && !slices.Contains(s.Enum, any(v)):
			return bad("must be one of %v, not %s", s.Enum, Quote(v))
		case s.MinLength != nil && n < *s.MinLength, s.MaxLength != nil && n > *s.MaxLength:
			return bad("must have %d to %d characters, has %d", *s.MinLength, *s.MaxLength, n)
		case s.Pattern != "" && !pattern(s.Pattern).MatchString(v):
			return bad("must match %s, got %s", s.Pattern, Quote(v))
		}
	case bool:
		if s.Type != "boolean" {
			return bad("must be %s, not true or false", article(s.Type))
		}
	case float64:
		switch {
		case s.Type != "number" && s.Type != "integer":
			return bad("must be %s, not a number", article(s.Type))
		case s.Type == "integer" && v != math.Trunc(v):
			return bad("must be a whole number, not %v", v)
		case s.Minimum != nil && v < *s.Minimum, s.Maximum != nil && v > *s.Maximum:
			return bad("must be from %v to %v, not %v", *s.Minimum, *s.Maximum, v)
		}
	case []any:
		if s.Type != "array" {
			return bad("must be %s, not a list", article(s.Type))
		}
		var out []string
		if n := len(v); s.MinItems != nil && (n < *s.MinItems || n > *s.MaxItems) {
			out = bad("must have %d to %d items, has %d", *s.MinItems, *s.MaxItems, n)
		}
		for i, e := range v {
			out = append(out, violations(s.Items, e, fmt.Sprintf("%s[%d]", at, i))...)
		}
		return out
	case map[string]any:
		if s.Type != "object" {
			return bad("must be %s, not an object", article(s.Type))
		}
		var out []string
		if s.Properties == nil { // a map
			for _, k := range slices.Sorted(maps.Keys(v)) {
				out = append(out, violations(s.AdditionalProperties, v[k], join(at, k))...)
			}
			return out
		}
		for _, k := range s.PropertyOrder {
			if e, has := v[k]; has || slices.Contains(s.Required, k) {
				out = append(out, violations(s.Properties[k], e, join(at, k))...)
			}
		}
		return out
	}
	return nil
}

var patterns sync.Map // compiled, by source: those of our own types

func pattern(source string) *regexp.Regexp {
	re, ok := patterns.Load(source)
	if !ok {
		re, _ = patterns.LoadOrStore(source, regexp.MustCompile(source))
	}
	return re.(*regexp.Regexp)
}

func join(at, key string) string {
	if at == "" {
		return key
	}
	return at + "." + key
}

func article(typ string) string {
	switch typ {
	case "string":
		return "text"
	case "array":
		return "a list"
	case "object":
		return "an object"
	case "boolean":
		return "true or false"
	case "integer":
		return "a whole number"
	}
	return "a number"
}

// Quote shows a value that a model sent back to it, shortened.
func Quote(s string) string { return strconv.Quote(Shorten(s, 80)) }

// Shorten cuts s to n code points.
func Shorten(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-3]) + "..."
}
