package evidence

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"codeforge"
	"codeforge/internal/npm"
	"codeforge/internal/verify"
)

// resolver finds which packages trees need, by their manifests and locks. Resolving what a stranger wrote can cost a processor
// for minutes, so each user has one turn at a time.
type resolver struct {
	open  func() (*npm.Client, error)
	turns turns
	known cache[*resolution] // by what was asked, of whoever asked: it depends on nothing else
	now   func() time.Time
}

// resolution is what the manifests of a tree came to.
type resolution struct {
	client *npm.Client
	root   string // the folder of the manifest that is followed
	key    string
	lock   *npm.Lock // nil: packages cannot be had, or there are none
	text   []byte    // the lock as it is kept
	found  []verify.Diagnostic
	lacks  string    // why packages cannot be had
	until  time.Time // when it is looked at again; zero: it holds
}

const (
	mostResolutions = 64 << 20 // bytes of locks that are remembered
	triedAgain      = time.Minute
)

// resolve finds the packages of a tree. An error says nothing of the tree.
func (r *resolver) resolve(ctx context.Context, user string, t verify.Tree) (*resolution, error) {
	root, ok := manifestRoot(t.Files)
	if !ok {
		return &resolution{}, nil
	}
	p := projectOf(root, t)
	if !declares(p.Manifests) {
		return &resolution{}, nil
	}
	client, err := r.open()
	if err != nil {
		return &resolution{root: root, lacks: err.Error()}, nil
	}
	if on, how := client.On(); !on {
		return &resolution{root: root, lacks: how}, nil
	}
	key := keyOf(root, p)
	if known := r.look(key); known != nil {
		return known, nil
	}
	done, err := r.turns.take(ctx, user)
	if err != nil {
		return nil, err
	}
	defer done()
	if known := r.look(key); known != nil {
		return known, nil
	}
	made := &resolution{client: client, root: root, key: key}
	lock, problems, err := client.Resolve(ctx, p)
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case codeforge.IsKind(err, codeforge.Invalid), codeforge.IsKind(err, codeforge.TooLarge):
		made.found = append(made.found, r.refused(root, err))
	case err != nil:
		made.lacks, made.until = publicWords(err), r.now().Add(triedAgain)
	default:
		made.lock, made.text = lock, lock.Bytes()
		made.take(problems, p.Manifests)
		if made.lacks != "" || slices.ContainsFunc(problems, func(p npm.Problem) bool {
			return p.Code != npm.Unsupported && p.Code != npm.Denied && p.Code != npm.PeerConflict
		}) {
			made.until = r.now().Add(triedAgain)
		}
	}
	r.known.put(key, made, len(made.text)*4+1000)
	return made, nil
}

func (r *resolver) look(key string) *resolution {
	known, ok := r.known.get(key)
	if !ok || !known.until.IsZero() && r.now().After(known.until) {
		return nil
	}
	return known
}

// refused is the finding of a project that cannot be resolved as a whole.
func (r *resolver) refused(root string, err error) verify.Diagnostic {
	d := verify.Diagnostic{File: path.Join(root, manifestName), Severity: verify.SeverityError, Message: publicWords(err)}
	if e, ok := errors.AsType[*codeforge.Error](err); ok {
		if field, _ := e.Details["field"].(string); field == lockName {
			d.File = path.Join(root, lockName)
		}
	}
	return d
}

func publicWords(err error) string {
	if e, ok := errors.AsType[*codeforge.Error](err); ok {
		if reason, _ := e.Details["reason"].(string); reason != "" {
			return reason
		}
		return e.Message
	}
	return err.Error()
}

// take makes findings of what is wrong with packages. That the registry cannot be asked is no fault of a project.
func (r *resolution) take(problems []npm.Problem, manifests map[string][]byte) {
	for _, p := range problems {
		if p.Code == npm.Unreachable || p.Code == npm.Off {
			r.lacks = cmp.Or(r.lacks, p.Message)
			continue
		}
		r.found = append(r.found, r.finding(p, manifests))
	}
}

// finding is a problem as a finding in the manifest that asks for the package.
func (r *resolution) finding(p npm.Problem, manifests map[string][]byte) verify.Diagnostic {
	d := verify.Diagnostic{File: path.Join(r.root, manifestName), Severity: verify.SeverityError, Message: p.Message}
	if p.Warning || p.Code == npm.Unsupported {
		d.Severity = verify.SeverityWarning
	}
	name := cmp.Or(p.Alias, p.Package)
	if at := path.Join(p.From, manifestName); p.From != "" && manifests[at] != nil {
		d.File = path.Join(r.root, at)
		d.Line, d.Column = lineOf(manifests[at], name)
		return d
	}
	if d.Line, d.Column = lineOf(manifests[manifestName], name); d.Line == 0 && p.From != "" { // it is needed by one that stands there
		asks, _, _ := strings.Cut(strings.TrimPrefix(p.From, "@"), "@")
		if strings.HasPrefix(p.From, "@") {
			asks = "@" + asks
		}
		d.Line, d.Column = lineOf(manifests[manifestName], asks)
	}
	return d
}

const (
	manifestName = "package.json"
	lockName     = "package-lock.json"
)

// manifestRoot is the folder of the manifest that says which packages a tree needs: the one nearest to its root, of several that with
// a page beside it.
func manifestRoot(files map[string]string) (string, bool) {
	best, found := "", false
	better := func(a, b string) bool {
		if d := cmp.Compare(depth(a), depth(b)); d != 0 {
			return d < 0
		}
		_, pageA := files[path.Join(a, "index.html")]
		_, pageB := files[path.Join(b, "index.html")]
		if pageA != pageB {
			return pageA
		}
		return a < b
	}
	for p := range files {
		if path.Base(p) != manifestName || strings.Contains("/"+p, "/node_modules/") {
			continue
		}
		if dir := path.Dir(p); !found || better(dir, best) {
			best, found = dir, true
		}
	}
	return best, found
}

func depth(dir string) int {
	if dir == "." {
		return 0
	}
	return 1 + strings.Count(dir, "/")
}

// LockPath is where the lock of a tree belongs when it is written into it; "": the tree has no manifest.
func LockPath(files map[string]string) string {
	root, ok := manifestRoot(files)
	if !ok {
		return ""
	}
	return path.Join(root, lockName)
}

// projectOf is what resolving reads of a tree: its manifests, and the lock in the tree or else the one beside it.
func projectOf(root string, t verify.Tree) npm.Project {
	p := npm.Project{Manifests: map[string][]byte{}, Lock: t.Lock}
	prefix := root + "/"
	if root == "." {
		prefix = ""
	}
	for name, text := range t.Files {
		below, ok := strings.CutPrefix(name, prefix)
		switch {
		case !ok || strings.Contains("/"+below, "/node_modules/"):
		case below == lockName:
			p.Lock = []byte(text)
		case path.Base(below) == manifestName:
			p.Manifests[below] = []byte(text)
		}
	}
	return p
}

// declares reports whether manifests ask for any package. One that cannot be read is left to those who parse.
func declares(manifests map[string][]byte) bool {
	any := false
	for name, text := range manifests {
		var m map[string]json.RawMessage
		if json.Unmarshal(text, &m) != nil {
			if name == manifestName {
				return false
			}
			continue
		}
		for _, list := range []string{"dependencies", "devDependencies", "optionalDependencies", "peerDependencies"} {
			var names map[string]json.RawMessage
			any = any || json.Unmarshal(m[list], &names) == nil && len(names) > 0
		}
	}
	return any
}

func keyOf(root string, p npm.Project) string {
	h := sha256.New()
	add := func(b string) { fmt.Fprintf(h, "%d:", len(b)); io.WriteString(h, b) }
	add(root)
	for _, name := range slices.Sorted(maps.Keys(p.Manifests)) {
		add(name)
		add(string(p.Manifests[name]))
	}
	add(string(p.Lock))
	return hex.EncodeToString(h.Sum(nil))
}

// lineOf is where a manifest names a package.
func lineOf(manifest []byte, name string) (line, column int) {
	if name == "" {
		return 0, 0
	}
	text := string(manifest)
	from := max(strings.Index(text, `ependencies"`), 0)
	key := regexp.MustCompile(regexp.QuoteMeta(`"`+name+`"`) + `\s*:`)
	at := key.FindStringIndex(text[from:])
	if at == nil {
		return 0, 0
	}
	before := text[:from+at[0]]
	return 1 + strings.Count(before, "\n"), 1 + utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:])
}
