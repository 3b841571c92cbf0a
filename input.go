package codeforge

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"unicode/utf8"
)

// CheckInput holds the rules for input_context, which is stored as it came: an object of at most [MaxInputKeys] keys,
// [MaxInput] characters and [MaxInputDepth] levels (the object itself is the first), in valid UTF-8, without a key twice
// in one object and without NUL (which Postgres cannot store). It allocates nothing on good input of common shape.
func CheckInput(raw []byte) error {
	bad := func(format string, args ...any) error { return InvalidField("input_context", format, args...) }
	if !utf8.Valid(raw) {
		return bad("must be valid UTF-8")
	}
	if n := utf8.RuneCount(raw); n > MaxInput {
		return bad("must have at most %d characters, has %d", MaxInput, n)
	}
	if bytes.Contains(raw, []byte(`\u0000`)) {
		// An escaped backslash before u0000 is text about NUL, not NUL; the decoder below would not tell us.
		var v any
		if json.Unmarshal(raw, &v) == nil && holdsNUL(v) {
			return bad("must not hold NUL characters")
		}
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	type level struct {
		object bool
		key    bool // the next string is a key
		keys   []string
	}
	var stack []level
	for {
		tok, err := dec.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			return bad("must be valid JSON")
		}
		if d, ok := tok.(json.Delim); ok && (d == '{' || d == '[') {
			if len(stack) == 0 && d != '{' {
				return bad("must be an object")
			}
			if len(stack) > 0 {
				stack[len(stack)-1].key = true
			}
			stack = append(stack, level{object: d == '{', key: true})
			if len(stack) > MaxInputDepth {
				return bad("must be nested at most %d levels deep", MaxInputDepth)
			}
			continue
		} else if ok {
			stack = stack[:len(stack)-1]
			continue
		}
		if len(stack) == 0 {
			return bad("must be an object")
		}
		top := &stack[len(stack)-1]
		if top.object && top.key {
			k := tok.(string)
			for _, seen := range top.keys {
				if seen == k {
					return bad("holds the key %q twice", clip(k))
				}
			}
			top.keys = append(top.keys, k)
			if len(stack) == 1 && len(top.keys) > MaxInputKeys {
				return bad("must have at most %d keys", MaxInputKeys)
			}
			top.key = false
			continue
		}
		top.key = true
	}
	return nil
}

func holdsNUL(v any) bool {
	switch v := v.(type) {
	case string:
		return bytes.IndexByte([]byte(v), 0) >= 0
	case []any:
		for _, e := range v {
			if holdsNUL(e) {
				return true
			}
		}
	case map[string]any:
		for k, e := range v {
			if holdsNUL(k) || holdsNUL(e) {
				return true
			}
		}
	}
	return false
}

func clip(s string) string {
	if r := []rune(s); len(r) > 60 {
		return fmt.Sprintf("%s...", string(r[:60]))
	}
	return s
}
