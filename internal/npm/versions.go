package npm

import (
	"regexp"
	"strings"
	"sync"

	"deps.dev/util/semver"
)

// constraint is a range of versions. Its alternatives are parsed one by one: a prerelease matches where one of them names
// a prerelease of the same numbers, which the union of all no longer tells.
type constraint []*semver.Constraint

// constraints and versions remember what was parsed: trees ask for the same few thousand texts again and again.
var (
	constraints = remembered[constraint]{parse: parseConstraint}
	versions    = remembered[*semver.Version]{parse: func(s string) (*semver.Version, bool) {
		if s = cleanVersion(s); len(s) > longestRange {
			return nil, false
		}
		v, err := semver.NPM.Parse(s)
		return v, err == nil && wholeVersion.MatchString(s)
	}}
)

// remembered is a bounded memory of what texts parse to.
type remembered[T any] struct {
	parse func(string) (T, bool)
	mu    sync.RWMutex
	known map[string]parsed[T]
}

type parsed[T any] struct {
	value T
	ok    bool
}

const mostRemembered = 50_000

func (r *remembered[T]) get(text string) (T, bool) {
	r.mu.RLock()
	p, known := r.known[text]
	r.mu.RUnlock()
	if !known {
		p.value, p.ok = r.parse(text)
		r.mu.Lock()
		if r.known == nil || len(r.known) >= mostRemembered {
			r.known = map[string]parsed[T]{}
		}
		r.known[strings.Clone(text)] = p
		r.mu.Unlock()
	}
	return p.value, p.ok
}

var wholeVersion = regexp.MustCompile(`^\d+\.\d+\.\d+([-+].*)?$`)

// cleanVersion drops what may stand before a version.
func cleanVersion(s string) string { return strings.TrimLeft(strings.TrimSpace(s), "=v ") }

const longestRange = 256 // as of npm's own parser

func parseConstraint(text string) (constraint, bool) {
	if len(text) > longestRange {
		return nil, false
	}
	var out constraint
	for alternative := range strings.SplitSeq(text, "||") {
		alternative = strings.Join(strings.Fields(alternative), " ")
		if alternative == "" {
			alternative = "*"
		}
		c, err := semver.NPM.ParseConstraint(alternative)
		if err != nil {
			rest := withoutNonsense(alternative)
			if c, err = semver.NPM.ParseConstraint(rest); err != nil || rest == "" {
				continue // of several alternatives those that are none are passed over
			}
		}
		out = append(out, c)
	}
	return out, len(out) > 0
}

// withoutNonsense leaves out of an alternative the words that are no comparator, as npm does: ">=1, <2" holds only the second.
func withoutNonsense(alternative string) string {
	var kept []string
	for word := range strings.FieldsSeq(alternative) {
		if _, err := semver.NPM.ParseConstraint(word); err == nil {
			kept = append(kept, word)
		}
	}
	return strings.Join(kept, " ")
}

// matches reports whether a version satisfies a range; neither need be one.
func matches(version, text string) bool {
	v, ok := versions.get(version)
	if !ok {
		return false
	}
	c, ok := constraints.get(text)
	if !ok {
		return false
	}
	for _, alternative := range c {
		if alternative.MatchVersion(v) {
			return true
		}
	}
	return false
}

// intersect reports whether some version may satisfy both ranges.
func intersect(a, b string) bool {
	first, ok := constraints.get(a)
	second, also := constraints.get(b)
	if !ok || !also {
		return false
	}
	for _, one := range first {
		for _, other := range second {
			set, err := semver.NPM.ParseSetConstraint(one.Set().String()) // a copy: Intersect changes what it is called on
			if err != nil {
				continue
			}
			both := set.Set()
			if err := both.Intersect(other.Set()); err == nil && !both.Empty() {
				return true
			}
		}
	}
	return false
}

// compareVersions orders versions; what is none comes before all.
func compareVersions(a, b string) int {
	v, ok := versions.get(a)
	w, also := versions.get(b)
	switch {
	case ok && also:
		return v.Compare(w)
	case ok:
		return 1
	case also:
		return -1
	}
	return strings.Compare(a, b)
}

// specKind is what a dependency asks for.
type specKind int

const (
	rangeSpec   specKind = iota // a range of versions
	versionSpec                 // one version
	tagSpec                     // whatever a tag of the registry names
	folderSpec                  // a folder of the project: a workspace
	otherSpec                   // git, a file, an address: never followed
)

// spec is a dependency as it is written: which package of the registry, and which of its versions.
type spec struct {
	kind specKind
	name string // of the package in the registry
	want string // range, version, tag or folder
}

var addressed = regexp.MustCompile(`(?i)^(git|git\+[a-z]+|github|gitlab|bitbucket|gist|https?|ssh|file|link|portal|patch|workspace|catalog|jsr):|^[^@\s]+@[^\s]+:|^[^@/\s]+/[^@\s]|^[./~\\]`)

// parseSpec reads what package.json says of a dependency by this name.
func parseSpec(name, text string) spec {
	text = strings.TrimSpace(text)
	if rest, ok := strings.CutPrefix(text, "npm:"); ok {
		if at := strings.LastIndexByte(rest, '@'); at > 0 {
			return parseSpec(rest[:at], rest[at+1:])
		}
		return spec{rangeSpec, rest, "*"}
	}
	if text == "" {
		return spec{rangeSpec, name, "*"}
	}
	if rest, ok := strings.CutPrefix(text, "workspace:"); ok {
		return spec{folderSpec, name, rest}
	}
	if rest, ok := strings.CutPrefix(text, "file:"); ok && !strings.HasSuffix(rest, ".tgz") && !strings.HasSuffix(rest, ".tar.gz") {
		return spec{folderSpec, name, rest}
	}
	if _, ok := versions.get(text); ok {
		return spec{versionSpec, name, cleanVersion(text)}
	}
	if _, ok := constraints.get(text); ok {
		return spec{rangeSpec, name, text}
	}
	if addressed.MatchString(text) {
		return spec{otherSpec, name, text}
	}
	return spec{tagSpec, name, text}
}

var (
	packageName = regexp.MustCompile(`^(?:@[a-zA-Z0-9~!*'()_.-][a-zA-Z0-9~!*'()_.-]*/)?[a-zA-Z0-9~!*'()_-][a-zA-Z0-9~!*'()_.-]*$`)
	longestName = 214
)

// validName reports whether a registry may have a package of this name, and a folder in node_modules too.
func validName(name string) bool {
	return len(name) <= longestName && packageName.MatchString(name) && !strings.Contains(name, "..") &&
		!strings.EqualFold(name, "node_modules") && !strings.HasPrefix(name, "@./") && !strings.HasPrefix(name, "@../")
}

// compareNames orders names as npm does: by letters before case, with the marks that names hold before digits.
func compareNames(a, b string) int {
	for i := 0; i < len(a) && i < len(b); i++ {
		if x, y := collationOf(a[i]), collationOf(b[i]); x != y {
			return x - y
		}
	}
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return -strings.Compare(a, b) // small letters first
}

const marksInOrder = "_-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$"

func collationOf(c byte) int {
	switch {
	case c >= 'A' && c <= 'Z':
		return 200 + int(c-'A')
	case c >= 'a' && c <= 'z':
		return 200 + int(c-'a')
	case c >= '0' && c <= '9':
		return 100 + int(c-'0')
	}
	if i := strings.IndexByte(marksInOrder, c); i >= 0 {
		return i
	}
	return 300 + int(c)
}
