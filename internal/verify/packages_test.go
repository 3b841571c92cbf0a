package verify

import (
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"

	"codeforge/internal/sandbox"
)

// folder is a node_modules: files by their paths.
type folder map[string]string

func (f folder) Find(from, name string) (string, bool) {
	for at := from; ; {
		place := strings.TrimPrefix(at+"/node_modules/"+name, "/")
		for p := range f {
			if strings.HasPrefix(p, place+"/") {
				return place, true
			}
		}
		if at == "" {
			return "", false
		}
		if above, _, ok := cutLast(at, "/node_modules/"); ok {
			at = above
		} else {
			at = ""
		}
	}
}

func cutLast(s, sep string) (before, after string, ok bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return "", s, false
}

func (f folder) Why(_, name string) string { return "nobody published " + name }

func (f folder) Version(place string) string { return "1.0.0" }

func (f folder) List(place string) (list []string, err error) {
	for p := range f {
		if name, ok := strings.CutPrefix(p, place+"/"); ok && !strings.HasPrefix(name, "node_modules/") {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list, nil
}

func (f folder) Read(place, name string) ([]byte, error) {
	if text, ok := f[place+"/"+name]; ok {
		return []byte(text), nil
	}
	return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrNotExist}
}

// What a child asks of packages it is told as the provider says it, and nonsense is refused.
func TestAskedPackages(t *testing.T) {
	f := folder{"node_modules/a/package.json": "{}", "node_modules/a/node_modules/b/x.js": "b", "node_modules/b/index.js": "old"}
	p := askedPackages{sandbox.Work{Ask: func(q []byte) ([]byte, error) { return answerQuestion(f, q) }}}
	if place, ok := p.Find("node_modules/a", "b"); !ok || place != "node_modules/a/node_modules/b" {
		t.Error(place, ok)
	}
	if place, ok := p.Find("", "b"); !ok || place != "node_modules/b" {
		t.Error(place, ok)
	}
	if place, ok := p.Find("", "c"); ok {
		t.Error(place)
	}
	if why := p.Why("", "c"); why != "nobody published c" {
		t.Error(why)
	}
	if v := p.Version("node_modules/a"); v != "1.0.0" {
		t.Error(v)
	}
	if list, err := p.List("node_modules/a"); err != nil || !slices.Equal(list, []string{"package.json"}) {
		t.Error(list, err)
	}
	if b, err := p.Read("node_modules/a/node_modules/b", "x.js"); err != nil || string(b) != "b" {
		t.Errorf("%s %v", b, err)
	}
	for _, name := range []string{"../../etc/passwd", "/etc/passwd", "y.js", "a/../x.js", ""} {
		if b, err := p.Read("node_modules/a", name); err == nil {
			t.Errorf("%s: %s", name, b)
		}
	}
	for _, q := range []string{"", "read", "\xff\xff\xff\xff", "\x03\x00\x00\x00abc\x00\x00\x00\x00\x00\x00\x00\x00", "\x04\x00\x00\x00find\x00\x00\x00\x00\x00\x00\x00\x00more"} {
		if b, err := answerQuestion(f, []byte(q)); err == nil {
			t.Errorf("%q: %q", q, b)
		}
	}
	if b, err := answerQuestion(nil, slices.Concat([]byte("\x04\x00\x00\x00find"), make([]byte, 8))); err == nil {
		t.Errorf("without packages: %q", b)
	}
}

func FuzzQuestions(f *testing.F) {
	f.Add([]byte("\x04\x00\x00\x00find\x00\x00\x00\x00\x01\x00\x00\x00a"))
	f.Add([]byte("\x04\x00\x00\x00read\x01\x00\x00\x00a\x02\x00\x00\x00.."))
	tree := folder{"node_modules/a/package.json": "{}"}
	known := slices.Collect(maps.Keys(tree))
	f.Fuzz(func(t *testing.T, q []byte) {
		b, err := answerQuestion(tree, q)
		if err == nil && len(b) > 0 && !slices.Contains(known, "node_modules/a/"+string(b)) && string(b) != "{}" && string(b) != "1.0.0" &&
			!strings.HasPrefix(string(b), "\x01node_modules/") && !strings.HasPrefix(string(b), "nobody published") {
			t.Fatalf("%q: %q", q, b)
		}
	})
}
