package form

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"

	"codeforge/internal/llm"
)

// Arguments reads the arguments of a tool. It is strict about what is missing, since guessing it would destroy work (an absent
// text is never the empty one), and lenient about the shape of what is there, since a refusal would cost a round trip for
// nothing: see [bend]. An argument that may be left out and fits in no way is left out. note names what was not used, for the
// result of the call.
func (f *Form[T]) Arguments(raw json.RawMessage) (v T, note string, err error) {
	object, err := llm.ReadArguments(raw)
	if err != nil {
		return v, "", err
	}
	given := f.unwrap(object)
	if r, ok := any(v).(reshaper); ok {
		r.Reshape(given)
	}
	renameAliases(f.schema, given)
	var unknown, unfit []string
	for name, value := range given {
		p := f.schema.Properties[name]
		if p == nil {
			unknown = append(unknown, Quote(name))
			delete(given, name)
			continue
		}
		given[name] = coerce(p, value)
		if !slices.Contains(f.schema.Required, name) && len(misfits(p, given[name], name)) > 0 {
			delete(given, name)
			if string(value) != "null" && string(value) != `""` {
				unfit = append(unfit, Quote(name))
			}
		}
	}
	if len(unknown) > 0 {
		slices.Sort(unknown)
		note = fmt.Sprintf("there is no argument %s: %s takes %s", strings.Join(unknown[:min(len(unknown), 5)], ", "), f.Name, strings.Join(f.schema.PropertyOrder, ", "))
		if len(f.schema.PropertyOrder) == 0 {
			note = f.Name + " takes no arguments"
		}
	}
	if len(unfit) > 0 {
		slices.Sort(unfit)
		note = strings.TrimPrefix(note+"; not used, since it does not fit: "+strings.Join(unfit, ", "), "; ")
	}
	v, problems := f.Read(Marshal(given))
	if len(problems) == 0 {
		return v, note, nil
	}
	problems = problems[:min(len(problems), 20)]
	if note != "" {
		problems = append(problems, note)
	}
	return v, "", errors.New("the arguments do not fit: " + strings.Join(problems, "; "))
}

// reshaper reads older or other forms of a tool's arguments.
type reshaper interface {
	Reshape(given map[string]json.RawMessage)
}

// aliases are other names that models, which know many tools, give to arguments of ours. What may be the text of a file under a name that
// says something else (code, replacement) is not guessed at: a wrong guess would destroy work.
var aliases = map[string][]string{
	"path":    {"file", "filepath", "filename", "targetfile", "relativepath"},
	"content": {"contents", "filecontent"},
	"old":     {"oldstring", "oldstr", "oldtext"},
	"new":     {"newstring", "newstr", "newtext"},
	"pattern": {"query", "search"},
	"from":    {"source", "src", "oldpath", "startline", "start"},
	"to":      {"destination", "dest", "newpath", "endline", "end"},
}

// aliased returns the one key of given that means name: itself, the same in another style, or an alias. "" when there is none, or more
// than one.
func aliased(given map[string]json.RawMessage, name string) (key string) {
	if _, ok := given[name]; ok {
		return name
	}
	style := strings.NewReplacer("_", "", "-", "")
	for k := range given {
		if plain := strings.ToLower(style.Replace(k)); plain == style.Replace(name) || slices.Contains(aliases[name], plain) {
			if key != "" {
				return ""
			}
			key = k
		}
	}
	return key
}

// renameAliases gives arguments that came under another name the one of s.
func renameAliases(s *jsonschema.Schema, given map[string]json.RawMessage) {
	for _, name := range s.PropertyOrder {
		if key := aliased(given, name); key != "" && key != name && s.Properties[key] == nil {
			given[name] = given[key]
			delete(given, key)
		}
	}
}

// unwrap returns the members of the arguments, also where they came as a call inside of the call.
func (f *Form[T]) unwrap(object json.RawMessage) (given map[string]json.RawMessage) {
	_ = json.Unmarshal(object, &given) // it is an object
	for name := range given {
		if f.schema.Properties[name] != nil {
			return given
		}
	}
	for _, name := range []string{"arguments", "parameters", "args", "params", "input"} {
		if inner, err := llm.ReadArguments(given[name]); err == nil && given[name] != nil {
			given = nil
			_ = json.Unmarshal(inner, &given)
			return given
		}
	}
	return given
}

// coerce returns what a model meant by a value where s wants another shape: lists and objects written as text or text where
// they belong, an object where a file's text is JSON, numbers and truth values quoted or bare.
func coerce(s *jsonschema.Schema, value json.RawMessage) json.RawMessage {
	value = bytes.TrimSpace(value)
	if string(value) == "null" {
		return value
	}
	var text string
	isText := json.Unmarshal(value, &text) == nil
	switch s.Type {
	case "string":
		switch c := value[0]; {
		case isText:
		case c == '{' || c == '[' && json.Unmarshal(value, new([]string)) != nil: // a list of texts may be lines as well
			var b bytes.Buffer
			_ = json.Indent(&b, value, "", "  ") // it is valid
			return Marshal(b.String() + "\n")
		case c != '[':
			return Marshal(string(value))
		}
	case "array":
		var members map[string]json.RawMessage
		switch {
		case isText:
			if list, ok := llm.Repair([]byte(text)); ok && list[0] == '[' {
				value = list
				break
			}
			list := []string{}
			for item := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || r == '\n' }) {
				if item = strings.TrimSpace(item); item != "" {
					list = append(list, item)
				}
			}
			value = Marshal(list)
		case json.Unmarshal(value, &members) == nil && s.Items != nil && s.Items.Type == "object":
			value = Marshal([]json.RawMessage{value})
		case json.Unmarshal(value, &members) == nil: // names and versions, say
			value = Marshal(slices.Sorted(maps.Keys(members)))
		}
		var items []json.RawMessage
		if json.Unmarshal(value, &items) == nil && s.Items != nil {
			for i := range items {
				items[i] = coerce(s.Items, items[i])
			}
			value = Marshal(items)
		}
	case "object":
		if isText {
			object, err := llm.ReadArguments([]byte(text))
			if err != nil {
				break
			}
			value = object
		}
		var members map[string]json.RawMessage
		if s.Properties != nil && json.Unmarshal(value, &members) == nil {
			renameAliases(s, members)
			for name, member := range members {
				if p := s.Properties[name]; p != nil {
					members[name] = coerce(p, member)
				}
			}
			value = Marshal(members)
		} else if s.AdditionalProperties != nil && json.Unmarshal(value, &members) == nil {
			for name, member := range members {
				members[name] = coerce(s.AdditionalProperties, member)
			}
			value = Marshal(members)
		}
	case "boolean", "integer", "number":
		if word := strings.ToLower(strings.TrimSpace(text)); isText && json.Valid([]byte(word)) {
			return json.RawMessage(word)
		}
	}
	return value
}

// misfits says what is wrong with one value.
func misfits(s *jsonschema.Schema, value json.RawMessage, at string) []string {
	var v any
	_ = json.Unmarshal(value, &v) // it is valid
	return violations(s, fillEmpty(s, v), at)
}
