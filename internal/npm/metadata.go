package npm

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// packument is what a registry knows of a package: its tags and its versions, the newest first. Of a version only what
// resolution needs is kept, as text until somebody asks.
type packument struct {
	Name     string            `json:"name"`
	ETag     string            `json:"etag,omitempty"`
	Fetched  int64             `json:"fetched"`            // when it was last known to be true, in Unix seconds
	Modified int64             `json:"modified,omitempty"` // when the registry's own last changed
	Timed    bool              `json:"timed,omitempty"`    // whether the registry was asked when versions came out
	Tags     map[string]string `json:"tags"`
	versions []*release
	size     int

	stale bool // the registry is away
}

// release is a version of a package.
type release struct {
	version   string
	published int64 // Unix seconds; 0: not known
	text      []byte
	once      sync.Once
	parsed    *manifest
}

func (r *release) manifest(name string) *manifest {
	r.once.Do(func() {
		m, err := parseManifest(r.text)
		if err != nil {
			m = &manifest{}
		}
		m.Name, m.Version = cmp.Or(m.Name, name), r.version
		r.parsed = m
	})
	return r.parsed
}

// release finds a version.
func (p *packument) release(version string) *release {
	for _, r := range p.versions {
		if r.version == version {
			return r
		}
	}
	return nil
}

// metadata fetches packuments and keeps them: in memory those used lately, in a folder all.
type metadata struct {
	dir      string
	registry *registry
	now      func() time.Time
	flight   singleflight.Group

	mu     sync.Mutex
	known  map[string]*packument
	order  []string // the one used last comes last
	memory int
}

const (
	freshFor      = time.Hour // what is chosen is older than days, so an hour more hides nothing
	againAfter    = time.Minute
	largestAnswer = 128 << 20 // some packages have thousands of versions
	largestKept   = 48 << 20  // of it, once it is cut down to what is needed
	mostMemory    = 128 << 20
	mostVersions  = 50_000
)

// file is where a packument lies. What a token opened is kept apart from what anybody gets.
func (m *metadata) file(name string) string {
	u := m.registry.document(name)
	key := m.registry.of(name).String()
	if a := m.registry.authorization(name, u); a != "" {
		key += "\n" + a
	}
	sum := sha256.Sum256([]byte(key))
	var escaped strings.Builder
	for _, c := range []byte(name) { // some disks know no case
		switch {
		case c >= 'A' && c <= 'Z':
			escaped.WriteByte('!')
			escaped.WriteByte(c - 'A' + 'a')
		case c == '/' || c == '!' || c == '*':
			fmt.Fprintf(&escaped, "%%%02x", c)
		default:
			escaped.WriteByte(c)
		}
	}
	return filepath.Join(m.dir, hex.EncodeToString(sum[:8]), escaped.String())
}

// get is what the registry knows of a package, no older than an hour; or than a minute, where what is known already does
// not serve. timed: with the times at which its versions came out.
func (m *metadata) get(ctx context.Context, name string, unserved, timed bool) (*packument, error) {
	if !m.registry.on() {
		return nil, &Problem{Code: Off, Package: name, Message: fmt.Sprintf("%s cannot be had: %s", name, m.registry.offMessage())}
	}
	limit := freshFor
	if unserved {
		limit = againAfter
	}
	good := func(p *packument) bool {
		return p != nil && (!timed || p.Timed) && (m.now().Sub(time.Unix(p.Fetched, 0)) < limit)
	}
	p := m.remembered(name)
	if good(p) {
		return p, nil
	}
	done := m.flight.DoChan(name+strconv.FormatBool(timed), func() (any, error) {
		// Others wait for it too: it goes on when the one who came first has left.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), m.registry.opts.longestAnswer)
		defer cancel()
		known := m.remembered(name)
		if known == nil {
			known = m.read(name)
		}
		if good(known) {
			m.remember(known)
			return known, nil
		}
		fresh, err := m.fetch(ctx, name, known, timed)
		if err != nil {
			if a, ok := errors.AsType[*answerError](err); known != nil && (!ok || a.status == 0 || a.status >= 500 || a.status == http.StatusTooManyRequests) {
				// It is away: what was known serves, and is not asked for again at once.
				old := known.clone()
				old.stale, old.Fetched = true, m.now().Add(againAfter-freshFor).Unix()
				if timed {
					old.Timed = true
				}
				m.remember(old)
				return old, nil
			}
			return nil, err
		}
		m.remember(fresh)
		_ = m.write(fresh) // a disk that is full keeps nobody from an answer; who fetches is told
		return fresh, nil
	})
	select {
	case r := <-done:
		if r.Err != nil {
			return nil, r.Err
		}
		return r.Val.(*packument), nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (p *packument) clone() *packument {
	return &packument{Name: p.Name, ETag: p.ETag, Fetched: p.Fetched, Modified: p.Modified, Timed: p.Timed, Tags: p.Tags, versions: p.versions, size: p.size}
}

func (m *metadata) remembered(name string) *packument {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.known[name]
	if p != nil {
		if i := slices.Index(m.order, name); i < len(m.order)-64 { // exact order among the latest is not worth its cost
			m.order = append(slices.Delete(m.order, i, i+1), name)
		}
	}
	return p
}

func (m *metadata) remember(p *packument) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.known == nil {
		m.known = map[string]*packument{}
	}
	if old := m.known[p.Name]; old != nil {
		m.memory -= old.size
		m.order = slices.DeleteFunc(m.order, func(n string) bool { return n == p.Name })
	}
	m.known[p.Name], m.order, m.memory = p, append(m.order, p.Name), m.memory+p.size
	for m.memory > mostMemory && len(m.order) > 1 {
		m.memory -= m.known[m.order[0]].size
		delete(m.known, m.order[0])
		m.order = m.order[1:]
	}
}

// fetch asks the registry. The short form of metadata is asked for; it does not say when versions came out, so the long
// one is, where that matters.
func (m *metadata) fetch(ctx context.Context, name string, known *packument, timed bool) (*packument, error) {
	header := http.Header{"Accept": {"application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8"}}
	if timed {
		header.Set("Accept", "application/json")
	} else if known != nil && known.ETag != "" {
		header.Set("If-None-Match", known.ETag)
	}
	res, free, err := m.registry.get(ctx, name, m.registry.document(name), header)
	if err != nil {
		return nil, err
	}
	defer free()
	defer res.Body.Close()
	if res.StatusCode == http.StatusNotModified && known != nil {
		p := known.clone()
		p.Fetched = m.now().Unix()
		return p, nil
	}
	p, err := readPackument(io.LimitReader(res.Body, largestAnswer), name)
	if err != nil {
		return nil, &answerError{0, "the registry's answer cannot be read: " + short(err.Error())}
	}
	p.Fetched = m.now().Unix()
	if timed {
		p.Timed = true
		if known != nil {
			p.ETag = known.ETag // of the short form
		}
	} else {
		p.ETag = res.Header.Get("Etag")
	}
	if known != nil && !p.Timed {
		for _, r := range p.versions {
			if old := known.release(r.version); old != nil && r.published == 0 {
				r.published = old.published
			}
		}
	}
	return p, nil
}

// readPackument reads what a registry says, version by version: some are larger than what is kept of them by far.
func readPackument(r io.Reader, name string) (*packument, error) {
	p := &packument{Name: name, Tags: map[string]string{}}
	times := map[string]string{}
	named := ""
	dec := json.NewDecoder(bufio.NewReaderSize(r, 1<<16))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New("it is no JSON object")
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, err
		}
		switch key {
		case "name":
			err = dec.Decode(&named)
		case "dist-tags":
			err = dec.Decode(&p.Tags)
		case "modified":
			var text string
			err = dec.Decode(&text)
			p.Modified = unixTime(text)
		case "time":
			var raw map[string]any
			if err = dec.Decode(&raw); err == nil {
				for v, at := range raw {
					if text, ok := at.(string); ok {
						times[v] = text
					}
				}
			}
		case "versions":
			err = p.readVersions(dec)
		default:
			var skipped json.RawMessage
			err = dec.Decode(&skipped)
		}
		if err != nil {
			return nil, err
		}
	}
	if _, err := dec.Token(); err != nil {
		return nil, err
	}
	if named != "" && named != name {
		return nil, fmt.Errorf("it speaks of %s, asked for %s", short(named), name)
	}
	for _, r := range p.versions {
		r.published = unixTime(times[r.version])
	}
	p.Timed = len(times) > 0
	slices.SortStableFunc(p.versions, func(a, b *release) int { return compareVersions(b.version, a.version) })
	return p, nil
}

func (p *packument) readVersions(dec *json.Decoder) error {
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return errors.New("its versions are no object")
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return err
		}
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return err
		}
		version := key.(string)
		if _, ok := versions.get(version); !ok || strings.ContainsAny(version, "\t\n") {
			continue
		}
		if len(p.versions) >= mostVersions {
			return fmt.Errorf("it has more than %d versions", mostVersions)
		}
		full, err := parseManifest(raw)
		if err != nil || full.Name != "" && full.Name != p.Name {
			continue // it claims another's name
		}
		full.HasScript, full.Scripts, full.Name, full.Version = full.runsAtInstall(), nil, "", ""
		full.Dev, full.OverrideTree, full.Workspaces = nil, nil, nil
		text, err := json.Marshal(full)
		if err != nil {
			return err
		}
		p.versions = append(p.versions, &release{version: version, text: text})
		if p.size += len(text) + 160; p.size > largestKept {
			return errors.New("it is larger than what is known of a package may be")
		}
	}
	_, err := dec.Token()
	return err
}

func unixTime(text string) int64 {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return 0
	}
	return t.Unix()
}

// write keeps a packument: a line of what is said of all, then a line a version.
func (m *metadata) write(p *packument) error {
	head, err := json.Marshal(p)
	if err != nil {
		return err
	}
	b := bytes.NewBuffer(append(head, '\n'))
	for _, r := range p.versions {
		b.WriteString(r.version + "\t" + strconv.FormatInt(r.published, 10) + "\t")
		b.Write(r.text)
		b.WriteByte('\n')
	}
	return writeFile(m.file(p.Name), b.Bytes())
}

// read reads what is kept; nil: nothing, or nothing that can be read.
func (m *metadata) read(name string) *packument {
	b, err := os.ReadFile(m.file(name))
	if err != nil {
		return nil
	}
	head, rest, ok := bytes.Cut(b, []byte("\n"))
	p := &packument{}
	if !ok || json.Unmarshal(head, p) != nil || p.Name != name {
		return nil
	}
	p.versions = make([]*release, 0, bytes.Count(rest, []byte("\n")))
	for len(rest) > 0 {
		var line []byte
		line, rest, _ = bytes.Cut(rest, []byte("\n"))
		version, more, _ := bytes.Cut(line, []byte("\t"))
		at, text, ok := bytes.Cut(more, []byte("\t"))
		published, err := strconv.ParseInt(string(at), 10, 64)
		if !ok || err != nil {
			return nil
		}
		p.versions = append(p.versions, &release{version: string(version), published: published, text: text})
	}
	p.size = len(b) + 160*len(p.versions)
	return p
}

// writeFile writes a file whole or not at all, whoever else writes it.
func writeFile(name string, b []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".new-*")
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err = cmp.Or(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}

// names are the packages that are known of.
func (m *metadata) names() []string {
	var out []string
	folders, _ := os.ReadDir(m.dir)
	for _, folder := range folders {
		files, _ := os.ReadDir(filepath.Join(m.dir, folder.Name()))
		for _, f := range files {
			if name := strings.ReplaceAll(f.Name(), "%2f", "/"); !strings.HasPrefix(name, ".") && !strings.ContainsAny(name, "!%") {
				out = append(out, name)
			}
		}
	}
	return out
}
