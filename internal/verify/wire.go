package verify

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"

	"codeforge"
)

// What goes between a Verifier and its children: strings with their lengths before them.

// What a child is asked.
const (
	opCheck  = "check"
	opBundle = "bundle"
)

// Bounds on answers, which come from a process that a stranger's code may have taken over.
const (
	maxReport = 2*MaxDiagnostics*(MaxMessage+4*codeforge.MaxPath+100) + 4*codeforge.MaxFiles*codeforge.MaxPath
	maxAssets = 4 * codeforge.MaxFiles
)

// maxSite is how large what a tree is built to may be: the tree itself is part of it.
func maxSite(files map[string]string) int {
	total := 0
	for _, content := range files {
		total += len(content)
	}
	return max(8_000_000, 2*total)
}

func stringSize(s string) int { return 4 + len(s) }

func requestSize(op string, files map[string]string) int {
	n := stringSize(op)
	for p, content := range files {
		n += stringSize(p) + stringSize(content)
	}
	return n
}

func writeRequest(w io.Writer, op string, files map[string]string) error {
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
	for _, p := range slices.Sorted(maps.Keys(files)) {
		if write(p); failed != nil {
			return failed
		}
		write(files[p])
	}
	return failed
}

func readRequest(request []byte) (op string, files map[string]string) {
	r := reader{rest: string(request)}
	op, files = r.string(), map[string]string{}
	for r.rest != "" {
		p := r.string()
		files[p] = r.string()
	}
	return op, files
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

// appendAnswer writes a report and, unless it is nil, a site: its home, its roots, an empty string, its assets.
func appendAnswer(site *Site, report Report) []byte {
	b, _ := json.Marshal(report) // it holds nothing that could fail
	size := stringSize("") + len(b)
	if site != nil {
		size += site.Size + site.Len()*(3*4+codeforge.MaxPath) + 1000
	}
	out := make([]byte, 0, size)
	add := func(s string) {
		out = binary.LittleEndian.AppendUint32(out, uint32(len(s)))
		out = append(out, s...)
	}
	add(string(b))
	if site == nil {
		return out
	}
	add(site.Home)
	for _, root := range site.roots {
		add("/" + root)
	}
	add("")
	for p, a := range site.assets {
		add(p)
		add(a.Type)
		add(a.Body)
	}
	return out
}

func readAnswer(answer []byte) (*Site, Report, error) {
	r := reader{rest: string(answer)}
	var report Report
	if err := json.Unmarshal([]byte(r.string()), &report); err != nil {
		return nil, Report{}, err
	}
	if r.rest == "" {
		return nil, report, nil
	}
	site := &Site{Home: r.string(), assets: map[string]Asset{}}
	for root := r.string(); root != ""; root = r.string() {
		site.roots = append(site.roots, root[1:])
	}
	for r.rest != "" {
		p := r.string()
		a := Asset{r.string(), r.string()}
		site.assets[p] = a
		site.Size += len(a.Body)
	}
	if r.failed {
		return nil, Report{}, errors.New("the answer is cut")
	}
	return site, report, nil
}
