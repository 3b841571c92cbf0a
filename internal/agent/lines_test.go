package agent

import (
	"strings"
	"testing"

	"codeforge"
	"codeforge/internal/agent/form"
)

func TestEditKeepsTheFormOfAFile(t *testing.T) {
	const bom = "\ufeff"
	for _, c := range []struct{ name, text, old, new, want string }{
		{"LF", "one\ntwo\n", "one\ntwo", "one\n2", "one\n2\n"},
		{"CRLF, asked with LF", "one\r\ntwo\r\nthree\r\n", "one\ntwo", "one\n2\nb", "one\r\n2\r\nb\r\nthree\r\n"},
		{"CRLF, asked with CRLF", "one\r\ntwo\r\n", "one\r\ntwo", "one\r\n2", "one\r\n2\r\n"},
		{"CRLF, one line becomes two", "one\r\ntwo\r\n", "two", "2\nb", "one\r\n2\r\nb\r\n"},
		{"CRLF, last line without an end", "one\r\ntwo", "two", "2\nb", "one\r\n2\r\nb"},
		{"CRLF, old begins with a line end", "one\r\ntwo\r\n", "\ntwo", "\n2", "one\r\n2\r\n"},
		{"CRLF, old ends in a line end", "one\r\ntwo\r\n", "one\n", "1\n", "1\r\ntwo\r\n"},
		{"CRLF, old ends in half a line end", "one\r\ntwo\r\n", "one\r", "1\r", "1\r\ntwo\r\n"},
		{"CRLF, a line goes", "one\r\ntwo\r\nthree", "two\n", "", "one\r\nthree"},
		{"LF, asked with CRLF", "one\ntwo\n", "one\r\ntwo", "1\r\n2", "1\n2\n"},
		{"lone CR", "one\rtwo\r", "one\ntwo", "1\n2\n3", "1\r2\r3\r"},
		{"mixed", "a\r\nb\nc\rd", "a\nb\nc\nd", "A\nB\nC\nD\nE", "A\r\nB\nC\rD\rE"},
		{"mixed, where only one place is it byte for byte", "a\r\nb\r\na\nb\n", "a\nb\n", "x\n", "a\r\nb\r\nx\n"},
		{"no line end", "one", "one", "1\n2", "1\n2"},
		{"mark", bom + "one\r\ntwo", "one\n", "1\n", bom + "1\r\ntwo"},
		{"mark, asked with it", bom + "one", bom + "one", bom + "1", bom + "1"},
		{"mark, asked with it in vain", "one", bom + "one", bom + "1", "1"},
		{"tabs", "\tif a {\n\t\tb()\n\t}\n", "\t\tb()", "\t\tc()\n\t\td()", "\tif a {\n\t\tc()\n\t\td()\n\t}\n"},
	} {
		if got, _, err := applyEdit(c.text, form.Edit{Old: c.old, New: c.new}, false); err != nil || got != c.want {
			t.Errorf("%s: %q, %v, want %q", c.name, got, err, c.want)
		}
	}
	for _, c := range []struct{ name, text, old, new, words string }{
		{"places that overlap", "row\nrow\nrow\n", "row\nrow\n", "new\n", "occurs 2 times, starting at lines 1, 2"},
		{"letters that overlap", "aaa", "aa", "b", "occurs 2 times"},
		{"two places in CRLF", "a\r\nb\r\na\r\nb\r\n", "a\nb", "x", "occurs 2 times, starting at lines 1, 3"},
		{"very many", strings.Repeat("a", 100_000), "a", "b", "occurs 50 or more times"},
		{"very many and long", strings.Repeat("a", 100_000), strings.Repeat("a", 50_000), "b", "occurs 50 or more times"},
		{"only the line ends differ", "a\r\nb", "a\r\nb", "a\nb", "nothing would change"},
		{"other letters", "a\nb", "a\nB", "x", "does not occur"},
		{"a mark is no text", "\ufeffa", "\ufeff", "x", "old is empty"},
	} {
		if got, _, err := applyEdit(c.text, form.Edit{Old: c.old, New: c.new}, false); err == nil || !strings.Contains(err.Error(), c.words) {
			t.Errorf("%s: %q, %v, want %q", c.name, got, err, c.words)
		}
	}
}

func TestWriteKeepsTheFormOfAFile(t *testing.T) {
	for _, c := range []struct{ name, old, content, want string }{
		{"CRLF", "a\r\nb\r\n", "x\ny\nz\n", "x\r\ny\r\nz\r\n"},
		{"lone CR", "a\rb", "x\ny", "x\ry"},
		{"mixed", "a\r\nb\n", "x\ny\n", "x\ny\n"},
		{"LF stays, and CRLF that is meant", "a\nb\n", "x\r\ny\n", "x\r\ny\n"},
		{"mark", "\ufeffa\n", "b\n", "\ufeffb\n"},
		{"one line", "a", "x\ny", "x\ny"},
	} {
		tr := newTree([]codeforge.File{{Path: "f", Content: c.old}})
		if _, err := tr.write("f", c.content); err != nil || tr.files["f"] != c.want {
			t.Errorf("%s: %q, %v, want %q", c.name, tr.files["f"], err, c.want)
		}
	}
}

// An edit changes exactly the one place or says why not, and leaves line ends alike that were.
func FuzzEdit(f *testing.F) {
	f.Add("one\ntwo\nthree\n", "two", "2")
	f.Add("aaa", "aa", "b")
	f.Add("", "", "")
	f.Add("a\r\nb", "a\nb", "c\nd")
	f.Add("a\r\nb\r\n", "\nb", "\n")
	f.Add("x\xffy", "\xff", "é")
	f.Add("\ufeffa\r", "a", "\ufeffb")
	f.Fuzz(func(t *testing.T, text, old, new string) {
		got, says, err := applyEdit(text, form.Edit{Old: old, New: new}, false)
		if err != nil {
			if got != "" {
				t.Errorf("applyEdit(%q, %q, %q) = %q, %v", text, old, new, got, err)
			}
			if len(err.Error()) > 6_000 {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
			return
		}
		if strings.HasPrefix(text, byteOrderMark) != strings.HasPrefix(got, byteOrderMark) {
			t.Errorf("applyEdit(%q, %q, %q) = %q: the mark", text, old, new, got)
		}
		text, got = strings.TrimPrefix(text, byteOrderMark), strings.TrimPrefix(got, byteOrderMark)
		old, new = strings.TrimPrefix(old, byteOrderMark), strings.TrimPrefix(new, byteOrderMark)
		kinds := func(s string) (crlf, cr, lf bool) {
			lone := strings.ReplaceAll(s, "\r\n", "")
			return strings.Contains(s, "\r\n"), strings.Contains(lone, "\r"), strings.Contains(lone, "\n")
		}
		crlf, cr, lf := kinds(text)
		if crlf && (cr || lf) || cr && lf {
			return // of a mixture only the cases above say what is right
		}
		if crlf || cr || lf {
			if a, b, c := kinds(got); a && !crlf || b && !cr || c && !lf {
				t.Errorf("applyEdit(%q, %q, %q) = %q: other line ends", text, old, new, got)
			}
		}
		before, after, ok := strings.Cut(unified(text), unified(old))
		if says != "" { // found with tolerance: what stands outside of the place is as it was
			return
		}
		if !ok || len(findUnified(unified(text), unified(old), maxPlaces)) != 1 || unified(got) != before+unified(new)+after {
			t.Errorf("applyEdit(%q, %q, %q) = %q", text, old, new, got)
		}
	})
}

func TestPathsAsModelsWriteThem(t *testing.T) {
	tr := newTree([]codeforge.File{{Path: "src/app.js"}, {Path: "lib/util/date.ts"}, {Path: "lib"}, {Path: "it's"}})
	for p, want := range map[string]string{"src/app.js": "src/app.js", "./src/app.js": "src/app.js", "/src/app.js": "src/app.js", " src/app.js\n": "src/app.js", "`src/app.js`": "src/app.js",
		`"src/app.js"`: "src/app.js", `src\app.js`: "src/app.js", "src//app.js": "src/app.js", "src/./app.js": "src/app.js", ".//src/new.js": "src/new.js", "it's": "it's",
		"/etc/passwd": "/etc/passwd", "../x": "../x", "src/../x": "src/../x", "src/": "src/", "": "", ".": "", "/": "/"} {
		if got := tr.resolvePath(p); got != want {
			t.Errorf("named(%q) = %q, want %q", p, got, want)
		}
	}
	for p, want := range map[string]string{"src/App.js": "did you mean src/app.js", "date.ts": "did you mean lib/util/date.ts", "utils/Date.ts": "did you mean lib/util/date.ts", "no.ts": "list_files shows what there is"} {
		if _, err := tr.read(p); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("read %q: %v", p, err)
		}
	}
	for p, want := range map[string]string{"src/App.js": `differs from "src/app.js" only in case`, "src": `"src" is a folder`, "src/app.js/x": `"src/app.js" is a file`, "x/.git/config": "segment .git", "aux.ts": "device"} {
		if _, err := tr.write(p, ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("write %q: %v", p, err)
		}
	}
}
