package llm

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// maxWrapped is how often arguments may be JSON inside a JSON string.
const maxWrapped = 2

// ReadArguments returns the object that a model wrote as the arguments of a call, or an error in words for the model. Models and the
// endpoints before them write it as JSON, as JSON inside a string, after an empty object or a first draft, and in all the ways that
// [Repair] mends. Nothing at all is an object without members. What ends inside a value is refused: closed, it would run with half of
// what was meant.
func ReadArguments(text []byte) (json.RawMessage, error) {
	text = bytes.TrimSpace(text)
	for range maxWrapped {
		var inner string
		if len(text) == 0 || text[0] != '"' || json.Unmarshal(text, &inner) != nil {
			break
		}
		text = bytes.TrimSpace([]byte(inner))
	}
	switch {
	case len(text) == 0 || string(text) == "null" || string(text) == "[]": // PHP's empty object
		return json.RawMessage("{}"), nil
	case text[0] == '{' && json.Valid(text):
		return text, nil
	}
	if o := lastObject(text); o != nil {
		return o, nil
	}
	fixed, cut, ok := repair(text)
	switch {
	case !ok:
		return nil, errors.New("the arguments are not valid JSON: send one JSON object")
	case cut:
		return nil, errors.New("the arguments are not valid JSON, they end in the middle: nothing was done. If they were cut off, write less in one call")
	}
	if o := lastObject(fixed); o != nil {
		return o, nil
	}
	return nil, errors.New("the arguments must be one JSON object")
}

// lastObject returns the last object with members of a row of whole objects, the last object if none has any, or nil when
// text is anything else. A list of one object is that object.
func lastObject(text []byte) (last json.RawMessage) {
	for d := json.NewDecoder(bytes.NewReader(text)); ; {
		var v json.RawMessage
		switch err := d.Decode(&v); {
		case err == io.EOF:
			return last
		case err != nil:
			return nil
		}
		if v[0] == '[' {
			var list []json.RawMessage
			if json.Unmarshal(v, &list) != nil || len(list) != 1 {
				return nil
			}
			v = list[0]
		}
		if v[0] != '{' {
			return nil
		}
		if last == nil || !empty(v) {
			last = v
		}
	}
}

// empty reports whether an object has no members.
func empty(object json.RawMessage) bool { return len(bytes.TrimSpace(object[1:len(object)-1])) == 0 }
