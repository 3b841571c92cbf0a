package codeforge

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// CheckInput holds the rules for input_context, which is stored as it came: an object of at most [MaxInputKeys] keys,
// [MaxInput] characters and [MaxInputDepth] levels (the object itself is the first), in valid UTF-8, without a key twice
// in one object and without NUL, which Postgres cannot store.
func CheckInput(raw []byte) error { return checkInput(raw, MaxInput) }

func checkInput(raw []byte, most int) error {
	bad := func(format string, args ...any) error { return InvalidField("input_context", format, args...) }
	if !utf8.Valid(raw) {
		return bad("must be valid UTF-8")
	}
	if len(raw) > most {
		if n := utf8.RuneCount(raw); n > most {
			return bad("must have at most %d characters, has %d", most, n)
		}
	}
	if !json.Valid(raw) {
		return bad("must be valid JSON")
	}
	// From here on the text is known to be valid, so a brace outside a string is structure and a quote starts a string.
	type level struct {
		object bool
		isKey  bool // the next string is a key
		keys   map[string]bool
	}
	var stack []level
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; c {
		case '{', '[':
			if len(stack) == 0 && c == '[' {
				return bad("must be an object")
			}
			if len(stack) == MaxInputDepth {
				return bad("must be nested at most %d levels deep", MaxInputDepth)
			}
			stack = append(stack, level{object: c == '{', isKey: c == '{'})
		case '}', ']':
			stack = stack[:len(stack)-1]
		case ',':
			top := &stack[len(stack)-1]
			top.isKey = top.object
		case '"':
			end := i + 1
			escaped := false
			for ; raw[end] != '"'; end++ {
				if raw[end] == '\\' {
					escaped = true
					end++
				}
			}
			text := raw[i+1 : end]
			if escaped {
				var s string
				if err := json.Unmarshal(raw[i:end+1], &s); err != nil {
					return bad("must be valid JSON")
				}
				if text = []byte(s); bytes.IndexByte(text, 0) >= 0 {
					return bad("must not hold NUL characters")
				}
			}
			i = end
			if len(stack) == 0 {
				return bad("must be an object")
			}
			if top := &stack[len(stack)-1]; top.isKey {
				if top.keys[string(text)] {
					return bad("holds the key %q twice", shortenKey(string(text)))
				}
				if top.keys == nil {
					top.keys = map[string]bool{}
				}
				if top.keys[string(text)] = true; len(stack) == 1 && len(top.keys) > MaxInputKeys {
					return bad("must have at most %d keys", MaxInputKeys)
				}
				top.isKey = false
			}
		default:
			if len(stack) == 0 && c != ' ' && c != '\t' && c != '\n' && c != '\r' {
				return bad("must be an object")
			}
		}
	}
	return nil
}

func shortenKey(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "..."
	}
	return s
}
