package archive

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"codeforge"
)

var testLimits = Limits{Entries: 5000, Unpacked: 200 << 20, Files: 2000, Taken: 100 << 20, File: 1 << 20, Text: 200_000}

// member is an entry of an archive that a test writes.
type member struct {
	name, text string
	mode       fs.FileMode
}

func zipOf(t testing.TB, members ...member) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, m := range members {
		h := &zip.FileHeader{Name: m.name, Method: zip.Deflate}
		h.SetMode(m.mode | 0o644)
		f, err := w.CreateHeader(h)
		if err == nil && !strings.HasSuffix(m.name, "/") {
			_, err = io.WriteString(f, m.text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func tarOf(t testing.TB, members ...member) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, m := range members {
		h := &tar.Header{Name: m.name, Size: int64(len(m.text)), Mode: 0o644, Typeflag: tar.TypeReg}
		switch {
		case m.mode&fs.ModeSymlink != 0:
			h.Typeflag, h.Linkname, h.Size = tar.TypeSymlink, m.text, 0
		case m.mode&fs.ModeIrregular != 0:
			h.Typeflag, h.Linkname, h.Size = tar.TypeLink, m.text, 0
		case m.mode&fs.ModeDevice != 0:
			h.Typeflag, h.Size = tar.TypeChar, 0
		case strings.HasSuffix(m.name, "/"):
			h.Typeflag, h.Size = tar.TypeDir, 0
		}
		err := w.WriteHeader(h)
		if err == nil && h.Size > 0 {
			_, err = io.WriteString(w, m.text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func packed(t testing.TB, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// read takes what can be taken of an archive.
func read(ctx context.Context, data []byte, l Limits) (*Archive, map[string]string, error) {
	a, err := Open(ctx, bytes.NewReader(data), int64(len(data)), l)
	if err != nil {
		return nil, nil, err
	}
	files := map[string]string{}
	err = a.Read(ctx, func(p string, content []byte) error {
		files[p] = string(content)
		return nil
	})
	return a, files, err
}

// forms are the same members in each kind of archive.
func forms(t testing.TB, members ...member) map[Format][]byte {
	plain := tarOf(t, members...)
	return map[Format][]byte{Zip: zipOf(t, members...), Tar: plain, TarGz: packed(t, plain)}
}

func lines(l []LeftOut) string {
	var b strings.Builder
	for _, o := range l {
		fmt.Fprintf(&b, "%s: %s (%d)\n", o.Path, o.Reason, o.Files)
	}
	return b.String()
}

func TestTakesWhatAProjectIsMadeOf(t *testing.T) {
	members := []member{
		{name: "app-1a2b3c/"},
		{name: "app-1a2b3c/src/main.ts", text: "export {}\n"},
		{name: "app-1a2b3c/src/build/keep.ts", text: "export {}\n"},
		{name: "app-1a2b3c/index.html", text: "<h1>"},
		{name: "app-1a2b3c/public/logo.png", text: "\x89PNG\x00"},
		{name: "app-1a2b3c/package.json", text: "{}"},
		{name: "app-1a2b3c/node_modules/react/index.js", text: "x"},
		{name: "app-1a2b3c/node_modules/react/.gitignore", text: "!*"},
		{name: "app-1a2b3c/dist/index.js", text: "x"},
		{name: "app-1a2b3c/packages/ui/package.json", text: "{}"},
		{name: "app-1a2b3c/packages/ui/dist/ui.js", text: "x"},
		{name: "app-1a2b3c/packages/ui/build/made.js", text: "x"},
		{name: "app-1a2b3c/packages/ui/.gitignore", text: "!build/\n"},
		{name: "app-1a2b3c/.git/config", text: "x"},
		{name: "app-1a2b3c/.env.local", text: "SECRET=1"},
		{name: "app-1a2b3c/debug.log", text: "x"},
		{name: "app-1a2b3c/big.bin", text: strings.Repeat("\x00", 2<<20)},
		{name: "app-1a2b3c/long.txt", text: strings.Repeat("long ", 60_000)},
		{name: "app-1a2b3c/link.ts", text: "src/main.ts", mode: fs.ModeSymlink},
		{name: "app-1a2b3c/con.ts", text: "x"},
		{name: "app-1a2b3c/Index.html", text: "x"},
		{name: "app-1a2b3c/.gitignore", text: "*.log\n.env.local\n"}, // last, and counts all the same
		{name: "__MACOSX/app-1a2b3c/._index.html", text: "x"},
	}
	want := `.env.local: ignored by .gitignore: .env.local (1)
.git/: the history is git's (1)
Index.html: "Index.html" differs from "index.html" only in case or Unicode form, which is one file on many disks: use that name, or another (1)
big.bin: 2.1 MB: a file may have 1 MB (1)
con.ts: the path must not hold "con.ts", the name of a device on Windows (1)
debug.log: ignored by .gitignore: *.log (1)
dist/: build output: it is made again from the sources (1)
link.ts: a link: what it leads to is not followed (1)
long.txt: a text of 300 kB: one may have 200 kB (1)
node_modules/: packages: they are installed from package.json (2)
packages/ui/dist/: build output: it is made again from the sources (1)
`
	taken := strings.Fields(".gitignore index.html package.json packages/ui/.gitignore packages/ui/build/made.js packages/ui/package.json public/logo.png src/build/keep.ts src/main.ts")
	for format, data := range forms(t, members...) {
		a, files, err := read(t.Context(), data, testLimits)
		if err != nil {
			t.Fatal(format, err)
		}
		if got := slices.Sorted(maps.Keys(files)); !slices.Equal(got, taken) {
			t.Errorf("%s: taken %q", format, got)
		}
		for _, m := range members {
			if text, ok := files[strings.TrimPrefix(m.name, "app-1a2b3c/")]; ok && text != m.text {
				t.Errorf("%s: %s is %q", format, m.name, text)
			}
		}
		if a.Format != format || a.Top != "app-1a2b3c" || lines(a.LeftOut) != want {
			t.Errorf("%s, top %q, left out:\n%s", a.Format, a.Top, lines(a.LeftOut))
		}
	}
}

func TestTopFolder(t *testing.T) {
	for _, c := range []struct{ names, top string }{
		{"repo-main/ repo-main/a.ts", "repo-main"},
		{"repo-main/a.ts repo-main/src/b.ts", "repo-main"},
		{"./repo/a.ts ./repo/b.ts", "repo"},
		{"./a.ts ./src/b.ts", ""},
		{"src/a.ts src/b.ts", ""}, // no wrapping, but where a project's sources lie
		{"app/src/b.ts app/package.json", "app"},
		{"a.ts", ""},
		{"one/a.ts two/b.ts", ""},
		{"repo/a.ts README.md", ""},
		{"repo/a.ts __MACOSX/repo/._a.ts .DS_Store", "repo"},
		{"repo/repo/a.ts", "repo"}, // one level alone
	} {
		var members []member
		for name := range strings.FieldsSeq(c.names) {
			members = append(members, member{name: name, text: "x"})
		}
		for format, data := range forms(t, members...) {
			if a, _, err := read(t.Context(), data, testLimits); err != nil {
				t.Errorf("%s %s: %v", format, c.names, errors.Unwrap(err))
			} else if a.Top != c.top {
				t.Errorf("%s %s: top %q", format, c.names, a.Top)
			}
		}
	}
}

// refusal is why nothing of an archive is taken; "": it is not refused.
func refusal(t *testing.T, data []byte, l Limits) string {
	t.Helper()
	_, _, err := read(t.Context(), data, l)
	if err == nil {
		return ""
	}
	if !codeforge.IsKind(err, codeforge.Invalid) {
		t.Errorf("refused with %v", err)
	}
	return reasonOf(err)
}

func TestRefusesAsAWhole(t *testing.T) {
	good := member{name: "a.ts", text: "x"}
	for name, want := range map[string]string{
		"/etc/passwd": "absolute", `\etc\passwd`: "absolute", "C:/x": "absolute", `c:\x`: "absolute", "c:x": "absolute",
		"../x": "leads out", "a/../../x": "leads out", "a/..": "leads out", `a\..\..\x`: "leads out", "./../x": "leads out",
		strings.Repeat("d/", 3000) + "x": "more than 4096 bytes",
	} {
		for format, data := range forms(t, good, member{name: name, text: "x"}) {
			if got := refusal(t, data, testLimits); !strings.Contains(got, want) {
				t.Errorf("%s with %.40q: %q", format, name, got)
			}
		}
	}
	// The path of what would be left out anyway counts too.
	for format, data := range forms(t, good, member{name: "node_modules/../../x", text: "x"}, member{name: "l/../..", text: "x", mode: fs.ModeSymlink}) {
		if got := refusal(t, data, testLimits); !strings.Contains(got, "leads out") {
			t.Errorf("%s: %q", format, got)
		}
	}
	many := make([]member, 60)
	for i := range many {
		many[i] = member{name: fmt.Sprint("f", i), text: strings.Repeat("x", 1000)}
	}
	for format, data := range forms(t, many...) {
		for want, l := range map[string]Limits{
			"more than 50 entries":      {Entries: 50, Unpacked: 1 << 20, Files: 100, Taken: 1 << 20, File: 1 << 20, Text: 1 << 20},
			"has at most 50":            {Entries: 100, Unpacked: 1 << 20, Files: 50, Taken: 1 << 20, File: 1 << 20, Text: 1 << 20},
			"unpacks to more than 50":   {Entries: 100, Unpacked: 50_000, Files: 100, Taken: 1 << 20, File: 1 << 20, Text: 1 << 20},
			"holds more than 50 kB aft": {Entries: 100, Unpacked: 1 << 20, Files: 100, Taken: 50_000, File: 1 << 20, Text: 1 << 20},
		} {
			if got := refusal(t, data, l); !strings.Contains(got, want) {
				t.Errorf("%s, %s: %q", format, want, got)
			}
		}
		for _, cut := range []int{3, len(data) / 2, len(data) - 1100} {
			cut = max(1, min(cut, len(data)-20))
			if got := refusal(t, data[:cut], testLimits); got == "" {
				t.Errorf("%s is taken without its end, at %d of %d", format, cut, len(data))
			}
		}
	}
	for _, text := range []string{"", "PK", "hello", strings.Repeat("\x00", 2000), "{}"} {
		if got := refusal(t, []byte(text), testLimits); !strings.Contains(got, "is no zip, tar or tar.gz") {
			t.Errorf("%.10q: %q", text, got)
		}
	}
	if got := refusal(t, packed(t, packed(t, tarOf(t, good))), testLimits); !strings.Contains(got, "damaged") {
		t.Errorf("a gzip in a gzip: %q", got)
	}
}

func TestBombsAreRefused(t *testing.T) {
	zeros := strings.Repeat("\x00", freeUnpacked+1<<20)
	for format, data := range forms(t, member{name: "node_modules/zeros", text: zeros}, member{name: "a.ts", text: "x"}) {
		got := refusal(t, data, testLimits)
		if format == Tar && got != "" || format != Tar && !strings.Contains(got, "times its size") {
			t.Errorf("%s of %d bytes: %q", format, len(data), got)
		}
	}
	// Entries that share their packed bytes: each is small, together they are not.
	one := zipOf(t, member{name: "a", text: strings.Repeat("\x00", 900_000)})
	at := bytes.LastIndex(one, []byte("PK\x01\x02"))
	end := bytes.LastIndex(one, []byte("PK\x05\x06"))
	directory := bytes.Repeat(one[at:end], 200)
	shared := append(slices.Clone(one[:at]), directory...)
	tail := slices.Clone(one[end:])
	binary.LittleEndian.PutUint16(tail[8:], 200)
	binary.LittleEndian.PutUint16(tail[10:], 200)
	binary.LittleEndian.PutUint32(tail[12:], uint32(len(directory)))
	if got := refusal(t, append(shared, tail...), testLimits); !strings.Contains(got, "times its size") {
		t.Errorf("entries that share their bytes: %q", got)
	}
	// An entry that says it is small, and is not.
	lies := zipOf(t, member{name: "a", text: strings.Repeat("\x00", 50_000)})
	at = bytes.LastIndex(lies, []byte("PK\x01\x02"))
	binary.LittleEndian.PutUint32(lies[at+24:], 10)
	if got := refusal(t, lies, testLimits); !strings.Contains(got, "damaged") {
		t.Errorf("an entry that is longer than it says: %q", got)
	}
	// A file with holes says in a few bytes that it is as long as a disk.
	sparse := tarOf(t, member{name: "a.ts", text: "x"}, member{name: "holes", text: ""})
	head := sparse[1024:1536]
	copy(head[257:], "ustar  \x00") // as GNU writes it
	head[156] = 'S'
	for i := range head[345:500] {
		head[345+i] = 0
	}
	copy(head[386:], "77777777777\x00") // one hole that ends there
	copy(head[398:], "00000000000\x00") //
	copy(head[483:], "77777777777\x00") // the size that it is to have
	copy(head[148:156], "        ")
	sum := 0
	for _, c := range head {
		sum += int(c)
	}
	copy(head[148:], fmt.Sprintf("%06o\x00 ", sum))
	a, files, err := read(t.Context(), sparse, testLimits)
	if err != nil || len(files) != 1 || !strings.Contains(lines(a.LeftOut), "holes: a device or another special file") {
		t.Errorf("a file with holes: %q, %v", files, err)
	}
}

func TestOddEntries(t *testing.T) {
	plain := tarOf(t, member{name: "a.ts", text: "first"}, member{name: "hard", text: "a.ts", mode: fs.ModeIrregular}, member{name: "tty", mode: fs.ModeDevice},
		member{name: "a.ts", text: "second"}, member{name: "b", text: "x"}, member{name: "b/c.ts", text: "x"}, member{name: "bad\xff.ts", text: "x"}, member{name: "x//y/./z.ts", text: "x"})
	a, files, err := read(t.Context(), plain, testLimits)
	want := `a.ts: there is another of this path: the last one is taken (1)
b/c.ts: "b" is a file, so "b/c.ts" cannot lie under it: take another folder (1)
bad` + "\ufffd" + `.ts: the path must be valid UTF-8 (1)
hard: a link: what it leads to is not followed (1)
tty: a device or another special file (1)
`
	if err != nil || files["a.ts"] != "second" || files["x/y/z.ts"] != "x" || len(files) != 3 || lines(a.LeftOut) != want {
		t.Errorf("%q, %v, left out:\n%s", files, err, lines(a.LeftOut))
	}
	// What Windows' packers wrote with its own slash.
	if _, files, err := read(t.Context(), zipOf(t, member{name: `src\app\a.ts`, text: "x"}, member{name: "index.html"}), testLimits); err != nil || files["src/app/a.ts"] != "x" {
		t.Errorf("%q, %v", files, err)
	}
	// A zip that says that an entry is encrypted.
	locked := zipOf(t, member{name: "a.ts", text: "x"}, member{name: "b.ts", text: "x"})
	at := bytes.LastIndex(locked, []byte("PK\x01\x02"))
	locked[at+8] |= 1
	if a, files, err := read(t.Context(), locked, testLimits); err != nil || len(files) != 1 || !strings.Contains(lines(a.LeftOut), "b.ts: encrypted") {
		t.Errorf("%q, %v", files, err)
	}
}

func TestWrittenArchives(t *testing.T) {
	files := map[string]string{"src/a.ts": "export {}", "src/b/ä.ts": strings.Repeat("x", 300_000), "src/logo.png": "\x89PNG\x00", "src/" + strings.Repeat("long/", 60) + "c.ts": ""}
	limits := testLimits
	limits.Text = 1 << 20
	for _, format := range []Format{Zip, TarGz} {
		var first []byte
		for range 2 {
			var out bytes.Buffer
			w := NewWriter(format, &out)
			for _, p := range slices.Sorted(maps.Keys(files)) {
				if err := errors.Join(w.Add(p, []byte(files[p])), w.Flush()); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			if first != nil && !bytes.Equal(first, out.Bytes()) {
				t.Errorf("%s has other bytes the second time", format)
			}
			first = out.Bytes()
		}
		// What we wrote has no folder around it, also where all lies in one.
		for _, all := range []map[string]string{files, {"mine/a.ts": "x"}} {
			var out bytes.Buffer
			w := NewWriter(format, &out)
			for _, p := range slices.Sorted(maps.Keys(all)) {
				if err := w.Add(p, []byte(all[p])); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			a, got, err := read(t.Context(), out.Bytes(), limits)
			if err != nil {
				t.Fatal(format, err)
			}
			if a.Format != format || !maps.Equal(got, all) || len(a.LeftOut) > 0 {
				t.Errorf("%s: %d files came back, %v, left out:\n%s", format, len(got), err, lines(a.LeftOut))
			}
		}
	}
}

func TestFolder(t *testing.T) {
	tree := fstest.MapFS{
		"index.html": {Data: []byte("<h1>")}, "src/a.ts": {Data: []byte("a")}, "src/.gitignore": {Data: []byte("made.ts")}, "src/made.ts": {Data: []byte("x")},
		"package.json": {Data: []byte("{}")}, "node_modules/a/b.js": {Data: []byte("x")}, "dist/a.js": {Data: []byte("x")}, ".git/HEAD": {Data: []byte("x")},
		"link": {Mode: fs.ModeSymlink, Data: []byte("src/a.ts")}, "deep/build/a.ts": {Data: []byte("x")},
	}
	f, err := OpenFolder(t.Context(), tree, testLimits)
	if err != nil {
		t.Fatal(err)
	}
	want := ".git/: the history is git's (0)\ndist/: build output: it is made again from the sources (0)\nlink: a link: what it leads to is not followed (1)\n" +
		"node_modules/: packages: they are installed from package.json (0)\nsrc/made.ts: ignored by src/.gitignore: made.ts (1)\n"
	if lines(f.LeftOut) != want {
		t.Errorf("left out:\n%s", lines(f.LeftOut))
	}
	var out bytes.Buffer
	if err := f.Write(t.Context(), NewWriter(TarGz, &out)); err != nil {
		t.Fatal(err)
	}
	_, files, err := read(t.Context(), out.Bytes(), testLimits)
	if got := slices.Sorted(maps.Keys(files)); err != nil || strings.Join(got, " ") != "deep/build/a.ts index.html package.json src/.gitignore src/a.ts" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestStopsWhenNobodyWaits(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for format, data := range forms(t, member{name: "a", text: "x"}) {
		if _, _, err := read(ctx, data, testLimits); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", format, err)
		}
	}
}

// FuzzRead has any bytes read: what is taken obeys the rules, or all is refused in words.
func FuzzRead(f *testing.F) {
	for _, data := range forms(f, member{name: "top/a.ts", text: "x"}, member{name: "top/.gitignore", text: "*.log\n[a-"}, member{name: "top/b.log", text: "x"}) {
		f.Add(data)
	}
	l := Limits{Entries: 100, Unpacked: 1 << 20, Files: 50, Taken: 1 << 20, File: 100_000, Text: 50_000}
	f.Fuzz(func(t *testing.T, data []byte) {
		a, files, err := read(t.Context(), data, l)
		if err != nil {
			if !codeforge.IsKind(err, codeforge.Invalid) {
				t.Fatalf("refused with %v", err)
			}
			return
		}
		if len(files) != len(a.Files) {
			t.Fatalf("%d files taken, %d told", len(files), len(a.Files))
		}
		var all codeforge.PathSet
		for p, text := range files {
			if err := errors.Join(codeforge.CheckPath(p), all.Add(p)); err != nil || int64(len(text)) > l.File {
				t.Fatal(p, len(text), err)
			}
		}
	})
}
