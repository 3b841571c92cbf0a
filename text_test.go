package codeforge

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestPlain(t *testing.T) {
	for in, want := range map[string]string{
		"": "",
		"Zeile 1\n\tZeile 2 – ünï 🎉 👩‍💻": "Zeile 1\n\tZeile 2 – ünï 🎉 👩‍💻",
		"a\r\nb\rc":                                   "a\nbc",
		"\x1b[31mred\x1b[0m":                          "red",
		"\x1b[2J\x1b[Hgone":                           "gone",
		"\x1b[?1049h\x1b[38;2;1;2;3mx":                "x",
		"\u009b31mred":                                "red",
		"\x1b]0;title\x07x\x1b]52;c;aGk=\x1b\\":       "x",
		"\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\": "link",
		"\u009d0;title\u009cx":                        "x",
		"\x1bP1;2q#0\x1b\\x\x1b_apc\x1b\\y":           "xy",
		"\x1b]0;never ends\nkept":                     "0;never ends\nkept",
		"\x1bcreset \x1b(0x \x1b7y\x1b=z":             "reset x yz",
		"bell\a back\b del\x7f nul\x00":               "bell back del nul",
		"safe\u202egnp.exe\u2066\u2069\u200f":         "safegnp.exe",
		"line\u2028sep\u2029":                         "linesep",
		"bad\xff":                                     "bad\ufffd",
		"\x1b":                                        "",
		"\x1b[":                                       "",
		"[31m is text":                                "[31m is text",
	} {
		if got := Plain(in); got != want {
			t.Errorf("Plain(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzPlain(f *testing.F) {
	f.Add("\x1b]0;x\x1b[31m\x07\u009b")
	f.Fuzz(func(t *testing.T, s string) {
		got := Plain(s)
		if !utf8.ValidString(got) || strings.IndexFunc(got, disobeyed) >= 0 || Plain(got) != got || len(got) > 3*len(s) {
			t.Errorf("Plain(%q) = %q", s, got)
		}
	})
}

func TestWrongType(t *testing.T) {
	type inner struct {
		N int `json:"n"`
	}
	type outer struct {
		Text  string         `json:"text"`
		Yes   *bool          `json:"yes"`
		List  []inner        `json:"list"`
		Map   map[string]int `json:"map"`
		Share float64        `json:"share"`
		In    inner          `json:"in"`
	}
	for text, want := range map[string]string{
		`[]`: "it must be an object, not a list", `7`: "it must be an object, not a number", `{"text":7}`: "text must be a string, not a number",
		`{"text":[]}`: "text must be a string, not a list", `{"text":{}}`: "text must be a string, not an object", `{"text":true}`: "text must be a string, not true or false",
		`{"yes":"x"}`: "yes must be true or false, not a string", `{"list":{}}`: "list must be a list, not an object", `{"in":[]}`: "in must be an object, not a list",
		`{"in":{"n":1.5}}`: "in.n must be a whole number, not 1.5", `{"map":7}`: "map must be an object, not a number", `{"share":"x"}`: "share must be a number, not a string",
	} {
		err := json.Unmarshal([]byte(text), new(outer))
		if e, ok := errors.AsType[*json.UnmarshalTypeError](err); !ok || WrongType(e) != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}
