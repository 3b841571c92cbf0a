package verify

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"codeforge"
	"codeforge/internal/sandbox"
)

// What goes between a Verifier and its children: strings with their lengths before them.

// What a child is asked.
const (
	opCheck  = "check"
	opBundle = "bundle"
	opVendor = "vendor" // of what the one file of the tree says
)

// Bounds on answers, which come from a process that a stranger's code may have taken over.
const (
	maxReport = 2*MaxDiagnostics*(MaxMessage+4*codeforge.MaxPath+100) + 4*codeforge.MaxFiles*codeforge.MaxPath
	maxAssets = 4 * codeforge.MaxFiles
)

// maxSite is how large what a tree is built to may be: the tree itself is part of it.
func maxSite(t Tree) int { return max(8_000_000, 2*t.bytes()) }

func stringSize(s string) int { return 4 + len(s) }

func requestSize(op string, t Tree) int {
	n := stringSize(op) + stringSize(said(t.Packages)) + stringSize("")
	for p, blob := range t.Assets {
		n += stringSize(p) + stringSize(blob.Hash) + stringSize(strconv.FormatInt(blob.Size, 10))
	}
	for p, content := range t.Files {
		n += stringSize(p) + stringSize(content)
	}
	return n
}

// askable says that packages may be asked for.
const askable = "packages"

// said is what a child is told of packages: that it may ask for them, or why not.
func said(p Packages) string {
	switch p := p.(type) {
	case nil:
		return ""
	case Off:
		return "off " + string(p)
	}
	return askable
}

// unsaid is what a child makes of it.
func unsaid(s string, w sandbox.Work) Packages {
	if s == askable {
		return askedPackages{w}
	}
	if why, ok := strings.CutPrefix(s, "off "); ok {
		return Off(why)
	}
	return nil
}

// writeRequest writes what is wanted, what there is of packages, the assets up to an empty string, the texts.
func writeRequest(w io.Writer, op string, t Tree) error {
	var failed error
	write := func(s string) {
		var n [4]byte
		binary.LittleEndian.PutUint32(n[:], uint32(len(s)))
		if _, err := w.Write(n[:]); err != nil {
			failed = err
		}
		if _, err := io.WriteString(w, s); err != nil {
			failed = err
		}
	}
	write(op)
	write(said(t.Packages))
	for _, p := range slices.Sorted(maps.Keys(t.Assets)) {
		write(p)
		write(t.Assets[p].Hash)
		write(strconv.FormatInt(t.Assets[p].Size, 10))
	}
	write("")
	for _, p := range slices.Sorted(maps.Keys(t.Files)) {
		if write(p); failed != nil {
			return failed
		}
		write(t.Files[p])
	}
	return failed
}

func readRequest(w sandbox.Work) (op string, t Tree) {
	r := reader{rest: string(w.Request)}
	op, t = r.string(), Tree{Files: map[string]string{}, Assets: map[string]Blob{}}
	t.Packages = unsaid(r.string(), w)
	for p := r.string(); p != ""; p = r.string() {
		blob := Blob{Hash: r.string()}
		blob.Size, _ = strconv.ParseInt(r.string(), 10, 64)
		t.Assets[p] = blob
	}
	for r.rest != "" {
		p := r.string()
		t.Files[p] = r.string()
	}
	return op, t
}

// reader takes strings from the front of rest, which they go on to share.
type reader struct {
	rest   string
	failed bool
}

func (r *reader) string() string {
	if len(r.rest) < 4 {
		r.rest, r.failed = "", true
		return ""
	}
	n := uint64(r.rest[0]) | uint64(r.rest[1])<<8 | uint64(r.rest[2])<<16 | uint64(r.rest[3])<<24
	if uint64(len(r.rest)-4) < n {
		r.rest, r.failed = "", true
		return ""
	}
	s := r.rest[4 : 4+n]
	r.rest = r.rest[4+n:]
	return s
}

func appendStrings(out []byte, list ...string) []byte {
	for _, s := range list {
		out = binary.LittleEndian.AppendUint32(out, uint32(len(s)))
		out = append(out, s...)
	}
	return out
}

// appendAnswer writes what is wanted first, or nothing and a report and, unless it is nil, a site: its home, its roots, an
// empty string, the files of packages that belong to it, an empty string, its assets.
func appendAnswer(site *Site, report Report, wants []want) []byte {
	if wants != nil {
		b, _ := json.Marshal(wants)
		return appendStrings(nil, string(b))
	}
	b, _ := json.Marshal(report) // it holds nothing that could fail
	size := 2*stringSize("") + len(b)
	if site != nil {
		size += site.Size + site.Len()*(5*4+codeforge.MaxPath+100) + 1000
	}
	out := appendStrings(make([]byte, 0, size), "", string(b))
	add := func(s string) { out = appendStrings(out, s) }
	if site == nil {
		return out
	}
	add(site.Home)
	for _, root := range site.roots {
		add("/" + root)
	}
	for _, base := range site.bases {
		add("=" + base)
	}
	add("")
	for _, p := range site.packaged {
		add(p)
	}
	add("")
	for p, a := range site.assets {
		add(p)
		add(a.Type)
		add(a.Body)
		add(a.Blob.Hash)
		add(strconv.FormatInt(a.Blob.Size, 10))
	}
	return out
}

func readAnswer(answer []byte) (*Site, Report, []want, error) {
	r := reader{rest: string(answer)}
	var report Report
	if wanted := r.string(); wanted != "" {
		var wants []want
		err := json.Unmarshal([]byte(wanted), &wants)
		return nil, Report{}, wants, err
	}
	if err := json.Unmarshal([]byte(r.string()), &report); err != nil {
		return nil, Report{}, nil, err
	}
	if r.rest == "" {
		return nil, report, nil, nil
	}
	site := &Site{Home: r.string(), assets: map[string]Asset{}}
	for root := r.string(); root != ""; root = r.string() {
		if root[0] == '=' {
			site.bases = append(site.bases, root[1:])
		} else {
			site.roots = append(site.roots, root[1:])
		}
	}
	for p := r.string(); p != ""; p = r.string() {
		site.packaged = append(site.packaged, p)
	}
	for r.rest != "" {
		p := r.string()
		a := Asset{Type: r.string(), Body: r.string(), Blob: Blob{Hash: r.string()}}
		a.Blob.Size, _ = strconv.ParseInt(r.string(), 10, 64)
		site.assets[p] = a
		site.Size += len(a.Body)
	}
	if r.failed {
		return nil, Report{}, nil, errors.New("the answer is cut")
	}
	return site, report, nil, nil
}

// appendVendor writes a vendor: what is to be known of it, its files.
func appendVendor(v *vendor) []byte {
	b, _ := json.Marshal(v.vendorInfo) // it holds nothing that could fail
	out := appendStrings(nil, string(b))
	for name, text := range v.files {
		out = appendStrings(out, name, text)
	}
	return out
}

func readVendor(answer []byte) (*vendor, error) {
	r := reader{rest: string(answer)}
	v := &vendor{files: map[string]string{}}
	if err := json.Unmarshal([]byte(r.string()), &v.vendorInfo); err != nil {
		return nil, err
	}
	for r.rest != "" {
		name := r.string()
		v.files[name] = r.string()
	}
	if r.failed {
		return nil, errors.New("the answer is cut")
	}
	return v, nil
}
