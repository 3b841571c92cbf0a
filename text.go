package codeforge

import (
	"cmp"
	"encoding/json"
	"reflect"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// escapes are the orders of a terminal, in 7 and 8 bits: those with parameters (CSI), those with a text up to its end (OSC,
// DCS and their like; one that does not end in its line takes nothing with it), and the short ones.
var escapes = regexp.MustCompile("(?:\x1b\\[|\u009b)[0-?]*[ -/]*[@-~]" +
	"|(?:\x1b[\\]PX^_]|[\u0090\u0098\u009d-\u009f])[^\x07\x1b\u009c\r\n]*(?:\x07|\x1b\\\\|\u009c)" +
	"|\x1b[ -/]*[0-~]")

// Plain is s as text alone, to be shown to a person: without what a terminal would obey, control characters other than
// line ends and tabs, and what turns the direction of text.
func Plain(s string) string {
	s = strings.ToValidUTF8(s, "\ufffd")
	if strings.IndexFunc(s, disobeyed) < 0 {
		return s
	}
	s = strings.ReplaceAll(s, "\r\n", "\n")
	return strings.Map(func(r rune) rune {
		if disobeyed(r) {
			return -1
		}
		return r
	}, escapes.ReplaceAllString(s, ""))
}

func disobeyed(r rune) bool {
	return unicode.IsControl(r) && r != '\n' && r != '\t' || r == '\u2028' || r == '\u2029' || unicode.Is(unicode.Bidi_Control, r)
}

// Excerpt is the beginning of a stranger's text: plain, without blanks around it, of at most so many bytes.
func Excerpt(s string, most int) string {
	s = strings.TrimSpace(Plain(s))
	if len(s) <= most {
		return s
	}
	cut := most - len("…")
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}

// WrongType says of JSON that holds a value of another type than is wanted where that is and what is, in the words of JSON.
func WrongType(e *json.UnmarshalTypeError) string {
	return cmp.Or(e.Field, "it") + " must be " + wantedType(e.Type) + ", not " + foundType(e.Value)
}

func wantedType(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Pointer:
		return wantedType(t.Elem())
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Map, reflect.Struct:
		return "an object"
	case reflect.Float32, reflect.Float64:
		return "a number"
	default:
		return "a whole number"
	}
}

func foundType(value string) string {
	switch what, number, _ := strings.Cut(value, " "); {
	case number != "":
		return number
	case what == "array":
		return "a list"
	case what == "object":
		return "an object"
	case what == "bool":
		return "true or false"
	default:
		return "a " + what
	}
}
