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
	whole cache[*packageTree]
	now   func() time.Time
}

// packageTree is which packages a tree is resolved to.
type packageTree struct {
	client *npm.Client
	lock   *npm.Lock
	text   []byte // as it is kept
}

// resolution is what one manifest came to, with those of its workspaces.
type resolution struct {
	client    *npm.Client
	key       string
	root      string            // the folder of the manifest
	manifests map[string][]byte // by their paths below root
	lock      *npm.Lock         // nil: there is none, see found and lacks
	found     []verify.Diagnostic
	lacks     string    // why packages cannot be had, where the project is not to blame
	until     time.Time // when it is looked at again; zero: it holds
}

const (
	mostResolutions = 256 << 20 // about the bytes of resolutions that are remembered
	triedAgain      = time.Minute
	mostRoots       = 8 // manifests of one tree that are resolved, each with its workspaces
)

// resolve finds the packages of a tree: a resolution for each manifest that asks for some and is no workspace of another. An error says
// nothing of the tree.
func (r *resolver) resolve(ctx context.Context, user string, t verify.Tree) (all []*resolution, err error) {
	var lock *npm.Lock
	for _, root := range roots(t.Files) {
		if len(all) == mostRoots || slices.ContainsFunc(all, func(a *resolution) bool { return a.holds(root) }) {
			continue
		}
		p := projectOf(root, t.Files)
		if !declares(p.Manifests) {
			continue
		}
		if p.Lock == nil && len(t.Lock) > 0 {
			if lock == nil {
				if lock, err = npm.ParseLock(t.Lock); lock == nil || err != nil {
					lock, t.Lock = nil, nil // it is of no use any more
				}
			}
			if root == "." {
				p.Lock = t.Lock
			} else if of := lock.Within(root); of != nil {
				p.Lock = of.Bytes()
			}
		}
		one, err := r.resolveOne(ctx, user, root, p)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

func (r *resolver) resolveOne(ctx context.Context, user, root string, p npm.Project) (*resolution, error) {
	client, err := r.open()
	if err != nil {
		return &resolution{root: root, lacks: publicWords(err)}, nil
	}
	if on, how := client.On(); !on {
		return &resolution{root: root, lacks: how}, nil
	}
	key := keyOf(root, p)
	look := func() *resolution {
		known, ok := r.known.get(key)
		if !ok || !known.until.IsZero() && r.now().After(known.until) {
			return nil
		}
		return known
	}
	if known := look(); known != nil {
		return known, nil
	}
	done, err := r.turns.take(ctx, user)
	if err != nil {
		return nil, err
	}
	defer done()
	if known := look(); known != nil {
		return known, nil
	}
	made := &resolution{client: client, key: key, root: root, manifests: p.Manifests}
	lock, problems, err := client.Resolve(ctx, p)
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case codeforge.IsKind(err, codeforge.Invalid), codeforge.IsKind(err, codeforge.TooLarge):
		made.found = append(made.found, made.refused(err))
	case err != nil:
		made.lacks, made.until = publicWords(err), r.now().Add(triedAgain)
	default:
		made.lock = lock
		made.found, made.lacks = made.findings(problems)
		if !slices.ContainsFunc(problems, func(p npm.Problem) bool { return !holds(p.Code) }) {
			break
		}
		made.until = r.now().Add(triedAgain)
	}
	size := 1000
	if made.lock != nil {
		size += 2000 * len(made.lock.Places())
	}
	r.known.put(key, made, size)
	return made, nil
}

// join is what resolutions came to together; nil: to nothing.
func (r *resolver) join(all []*resolution) *packageTree {
	locks := map[string]*npm.Lock{}
	key := ""
	var client *npm.Client
	for _, one := range all {
		if one.lock != nil {
			locks[one.root] = one.lock
			client, key = one.client, key+one.key
		}
	}
	if len(locks) == 0 {
		return nil
	}
	if known, ok := r.whole.get(key); ok {
		return known
	}
	made := &packageTree{client: client, lock: npm.JoinLocks(locks)}
	made.text = made.lock.Bytes()
	r.whole.put(key, made, len(made.text)*4)
	return made
}

// holds reports whether a problem stays one until the manifest changes.
func holds(code string) bool {
	return code == npm.Unsupported || code == npm.Denied || code == npm.PeerConflict || code == npm.OverrideConflict
}

// holds reports whether a folder is a workspace.
func (r *resolution) holds(folder string) bool {
	if r.lock == nil {
		return false
	}
	at := below(r.root, folder)
	return at != "" && r.lock.Package(at) != nil
}

// refused is the finding of a project that cannot be resolved as a whole.
func (r *resolution) refused(err error) verify.Diagnostic {
	d := verify.Diagnostic{File: path.Join(r.root, manifestName), Severity: verify.SeverityError, Message: publicWords(err), Rung: codeforge.RungResolve}
	if e, ok := errors.AsType[*codeforge.Error](err); ok {
		if field, _ := e.Details["field"].(string); field == lockName {
			d.File = path.Join(r.root, lockName)
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

// findings are what is wrong with packages. That the registry cannot be asked is no fault of a project, which lacks them then.
func (r *resolution) findings(problems []npm.Problem) (found []verify.Diagnostic, lacks string) {
	for _, p := range problems {
		if p.Code == npm.Unreachable || p.Code == npm.Off {
			lacks = cmp.Or(lacks, p.Message)
			continue
		}
		found = append(found, r.finding(p))
	}
	return found, lacks
}

// finding is a problem as a finding in the manifest that asks for the package.
func (r *resolution) finding(p npm.Problem) verify.Diagnostic {
	d := verify.Diagnostic{File: path.Join(r.root, manifestName), Severity: verify.SeverityError, Message: p.Message, Rung: codeforge.RungResolve}
	if p.Warning || p.Code == npm.Unsupported { // the project's own tools may take it
		d.Severity = verify.SeverityWarning
	}
	name := cmp.Or(p.Alias, p.Package)
	if at := path.Join(p.From, manifestName); p.From != "" && r.manifests[at] != nil {
		d.File = path.Join(r.root, at)
		d.Line, d.Column = lineOf(r.manifests[at], name)
		return d
	}
	if d.Line, d.Column = lineOf(r.manifests[manifestName], name); d.Line == 0 && p.From != "" { // what asks for it may stand there
		if at := strings.LastIndexByte(p.From, '@'); at > 0 {
			d.Line, d.Column = lineOf(r.manifests[manifestName], p.From[:at])
		}
	}
	return d
}

const (
	manifestName = "package.json"
	lockName     = "package-lock.json"
)

// roots are the folders that have a manifest, the nearest to the root of the tree first.
func roots(files map[string]string) (folders []string) {
	for p := range files {
		if path.Base(p) == manifestName && !inModules(p) {
			folders = append(folders, path.Dir(p))
		}
	}
	slices.SortFunc(folders, func(a, b string) int { return cmp.Or(depth(a)-depth(b), strings.Compare(a, b)) })
	return folders
}

func inModules(p string) bool { return strings.Contains("/"+p+"/", "/node_modules/") }

func depth(dir string) int {
	if dir == "." {
		return 0
	}
	return 1 + strings.Count(dir, "/")
}

// below is a path of the tree as seen from a folder of it; "": it is that folder, or not in it.
func below(root, p string) string {
	if root == "." {
		return strings.TrimPrefix(p, ".")
	}
	rest, ok := strings.CutPrefix(p, root+"/")
	if !ok {
		return ""
	}
	return rest
}

// projectOf is what resolving reads of a tree: its manifests, and the lock beside the first.
func projectOf(root string, files map[string]string) npm.Project {
	p := npm.Project{Manifests: map[string][]byte{}}
	for name, text := range files {
		at := below(root, name)
		switch {
		case at == "" || inModules(at):
		case at == lockName:
			p.Lock = []byte(text)
		case path.Base(at) == manifestName:
			p.Manifests[at] = []byte(text)
		}
	}
	return p
}

// declares reports whether manifests ask for any package. A first one that cannot be read is left to those who parse.
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
		if name != manifestName && any {
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
	add := func(s string) { fmt.Fprintf(h, "%d:", len(s)); io.WriteString(h, s) }
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
	at := regexp.MustCompile(regexp.QuoteMeta(`"`+name+`"`) + `\s*:`).FindStringIndex(text[from:])
	if at == nil {
		return 0, 0
	}
	before := text[:from+at[0]]
	return 1 + strings.Count(before, "\n"), 1 + utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:])
}
