package agent

import (
	"strings"
	"testing"

	"codeforge"
	"codeforge/internal/agent/form"
)

// What stands in the file in another form than a model remembers is found where it stands once; the file keeps its form, and the model is told.
func TestEditsBridgeSmallDifferences(t *testing.T) {
	const nested = "export function save(x) {\n\tif (x) {\n\t\tstore.put(x);\n\t\tnotify();\n\t}\n}\n"
	for _, c := range []struct{ name, text, old, new, want, says string }{
		{"byte for byte", "one\ntwo\n", "two", "2", "one\n2\n", ""},
		{"blanks at the end of a line", "a  \nb\n", "a\nb", "a\nc", "a  \nc\n", "blanks at the ends of lines at lines 1 to 2"},
		{"blanks that the model adds", "a\nb\n", "a \nb ", "c", "c\n", "blanks at the ends"},
		{"spaces for tabs", nested, "    store.put(x);\n    notify();", "    await store.put(x);\n    if (y) {\n        notify();\n    }",
			"export function save(x) {\n\tif (x) {\n\t\tawait store.put(x);\n\t\tif (y) {\n\t\t\tnotify();\n\t\t}\n\t}\n}\n", "indentation at lines 3 to 4"},
		{"a block without its indentation", nested, "if (x) {\n  store.put(x);\n  notify();\n}", "if (x) {\n  store.put(x);\n  notify();\n  log();\n}",
			"export function save(x) {\n\tif (x) {\n\t\tstore.put(x);\n\t\tnotify();\n\t\tlog();\n\t}\n}\n", "indentation"},
		{"tabs for spaces", "def f():\n    a = 1\n    return a\n", "\ta = 1\n\treturn a", "\ta = 1\n\tif a:\n\t\ta = 2\n\treturn a", "def f():\n    a = 1\n    if a:\n        a = 2\n    return a\n", "indentation"},
		{"blanks between words", "let  a =  1;\nlet b = 2;\n", "let a = 1;\nlet b = 2;", "let a = 1;\nlet b = 3;", "let  a =  1;\nlet b = 3;\n", "white space"},
		{"curly quotes", "<p>“Don’t” — she said…</p>\n<p>x</p>\n", "<p>\"Don't\" - she said...</p>\n<p>x</p>", "<p>\"Don't\" - she said...</p>\n<p>y</p>", "<p>“Don’t” — she said…</p>\n<p>y</p>\n", "quotes, dashes or Unicode forms"},
		{"a letter in two pieces", "cafe\u0301 = 1\n", "caf\u00e9 = 1", "caf\u00e9 = 2", "caf\u00e9 = 2\n", "Unicode forms"},
		{"a hard blank", "10\u00a0km\n", "10 km", "12 km", "12 km\n", "quotes, dashes"},
		{"CRLF and another indentation", "if (a) {\r\n\tb();\r\n}\r\n", "if (a) {\n  b();\n}", "if (a) {\n  b();\n  c();\n}", "if (a) {\r\n\tb();\r\n\tc();\r\n}\r\n", "indentation"},
		{"numbers of lines", "one\ntwo\nthree\n", "2: two\n3: three", "2: 2\n3: three", "one\n2\nthree\n", "line numbers"},
		{"a file without a final line end", "a\nb", "a\nb\n", "a\nc\n", "a\nc", "line ends at the end of the file"},
		{"deeper than remembered", "a:\n  b:\n      c: 1\nd:\n  c: 1\n", "b:\n  c: 1", "b:\n  c: 2", "a:\n  b:\n      c: 2\nd:\n  c: 1\n", "indentation"},
		{"escaped twice", "say(\"a\");\nsay(\"b\");\n", `say(\"a\");\nsay(\"b\");`, `say(\"c\");`, "say(\"c\");\n", "escapes"},
	} {
		got, says, err := applyEdit(c.text, form.Edit{Old: c.old, New: c.new}, false)
		if err != nil || got != c.want || !strings.Contains(says, c.says) || (says == "") != (c.says == "") {
			t.Errorf("%s: %q (%s), %v, want %q (%s)", c.name, got, says, err, c.want, c.says)
		}
	}
	for _, c := range []struct{ name, text, old, words string }{
		{"two places with tolerance", "\tf(a)\n\t\tf(a)\nx\n", "f( a )\nx", "(0 times)"},
		{"twice with another indentation", "\tf(a);\n\tg();\n\n\tf(a);\n\tg();\n", "  f(a);\n  g();", "2 times with other indentation, starting at lines 1, 4"},
		{"the middle of a line is no indentation", "bar foo()\n", "  bar  foo( )", "(0 times)"},
		{"what belongs to something else", "if a:\n    b()\n    c()\n", "if a:\n    b()\nc()", "(0 times)"},
		{"the middle of a file without a final line end", "a\nb", "a\n\nb\n", "(0 times)"},
		{"line ends alone", "a", "\n", "(0 times)"},
		{"blanks alone", "a\n\n\nb\n", "   ", "(0 times)"},
		{"made already", "const total = sum(items)\n", "const total = 0", "new stands at line 1 already"},
	} {
		if _, _, err := applyEdit(c.text, form.Edit{Old: c.old, New: "const total = sum(items)"}, false); err == nil || !strings.Contains(err.Error(), c.words) {
			t.Errorf("%s: %v, want %q", c.name, err, c.words)
		}
	}
}

// The edits of a call are made all or not at all, on a file that keeps its form.
func TestEditsAreAllOrNone(t *testing.T) {
	const text = "\ufeffa\r\nb\r\na\r\n"
	for _, c := range []struct {
		name        string
		args        args
		want, words string
	}{
		{"several", args{"edits": []any{args{"old": "b", "new": "c"}, args{"old": "c\na", "new": "d"}}}, "\ufeffa\r\nd\r\n", "updated f (2 lines"},
		{"one of them fails", args{"edits": []any{args{"old": "b", "new": "c"}, args{"old": "x", "new": "y"}}}, text, "edits[1]: old does not occur"},
		{"everywhere", args{"edits": []any{args{"old": "a", "new": "aa"}}, "replace_all": true}, "\ufeffaa\r\nb\r\naa\r\n", "2 places were replaced"},
		{"everywhere, in words too", args{"edits": []any{args{"old": "a", "new": "ab"}, args{"old": "b", "new": "x"}}, "replace_all": true}, "\ufeffax\r\nx\r\nax\r\n", "3 places were replaced; 2 of them within a longer word"},
		{"everywhere, also where it stands once", args{"edits": []any{args{"old": "b", "new": "bb"}}, "replace_all": "true"}, "\ufeffa\r\nbb\r\na\r\n", "updated"},
		{"the last line end stays", args{"edits": []any{args{"old": "b\na\n", "new": "c"}}}, "\ufeffa\r\nc\r\n", "updated"},
		{"texts beside the path", args{"old": "b", "new": "c"}, "\ufeffa\r\nc\r\na\r\n", "updated"},
		{"names of other tools", args{"file_path": "f", "path": nil, "old_string": "b", "newString": "c"}, "\ufeffa\r\nc\r\na\r\n", "updated"},
		{"a list as text", args{"edits": `[{"old":"b","new":"c"}]`}, "\ufeffa\r\nc\r\na\r\n", "updated"},
		{"items as text", args{"edits": []any{`{"old":"b","new":"c"}`}}, "\ufeffa\r\nc\r\na\r\n", "updated"},
		{"one edit without a list", args{"edits": args{"old": "b", "new_str": "c"}}, "\ufeffa\r\nc\r\na\r\n", "updated"},
		{"none", args{"edits": []any{}}, text, "edits must have 1 to 100 items"},
		{"what stands there is missing", args{"edits": []any{args{"new": "c"}}}, text, "edits[0].old is missing"},
	} {
		if _, ok := c.args["path"]; !ok {
			c.args["path"] = "f"
		} else {
			delete(c.args, "path")
		}
		b := job(codeforge.Code, `{}`, use("edit_file", c.args), finish()).files("f", text)
		out := b.must(t)
		got := text
		if len(out.Changes) == 1 {
			got = out.Changes[0].Content
		}
		if got != c.want || !strings.Contains(b.prompt(1), c.words) {
			t.Errorf("%s: %q, told %s", c.name, got, b.prompt(1))
		}
	}
}

// A tolerant edit changes one place, never what stands before or after it, whatever the texts are.
func FuzzTolerantEdit(f *testing.F) {
	f.Add("\tif a {\n\t\tb()\n\t}\n", "if a {\n  b()\n}", "if a {\n  c()\n}")
	f.Add("“a” b\u00a0c", "\"a\" b c", "d")
	f.Add("a  \r\nb\r", "a\nb", "c\n\n")
	f.Add("e\u0301e\u0301", "é", "x")
	f.Add("1: a", "1: a\n2: b", "")
	f.Fuzz(func(t *testing.T, text, old, new string) {
		for _, tol := range tolerances {
			folded := tol.fold(text)
			if n := folded.text.Len(); n != len(folded.starts) || n != len(folded.ends) {
				t.Fatalf("%d bytes from %d and to %d places", n, len(folded.starts), len(folded.ends))
			}
			for _, at := range tol.find(text, old) {
				if at.start < 0 || at.end > len(text) || at.start >= at.end {
					t.Fatalf("%v of %d bytes", at, len(text))
				}
				if want, got := tol.fold(old).text.String(), tol.fold(text[at.start:at.end]).text.String(); strings.TrimSpace(got) != strings.TrimSpace(want) {
					t.Errorf("%q was taken for %q (%s)", text[at.start:at.end], old, tol.name)
				}
			}
		}
		if got, _, err := applyEdit(text, form.Edit{Old: old, New: new}, false); err == nil && got == text {
			t.Errorf("%q: nothing changed", text)
		}
		if _, _, err := applyEdit(text, form.Edit{Old: old, New: new}, true); err != nil && len(err.Error()) > 6_000 {
			t.Errorf("an error of %d bytes", len(err.Error()))
		}
	})
}
