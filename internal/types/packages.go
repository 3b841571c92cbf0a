package types

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"codeforge"
	"codeforge/internal/npm"
)

// packages are those that a tree's types need: found by its lock and fetched as they turn out to be needed.
type packages struct {
	npm     *npm.Client
	lock    *npm.Lock         // nil: there is none
	folders map[string]string // where the files of a place lie
	asked   map[string]bool   // places
	most    int               // that are brought
	lost    []string          // what is wrong with those that did not come
}

func newPackages(client *npm.Client, lock []byte) *packages {
	p := &packages{npm: client, folders: map[string]string{}, asked: map[string]bool{}, most: mostPackages}
	if len(lock) > 0 {
		if l, err := npm.ParseLock(lock); err == nil {
			p.lock = l
		}
	}
	return p
}

// find is the place of what a package's name means in a folder of the tree or of a package.
func (p *packages) find(dir, name string) (string, bool) {
	if p.lock == nil || name == "" {
		return "", false
	}
	for at := dir; ; at = path.Dir(at) {
		if path.Base(at) != "node_modules" {
			if pkg := p.lock.Package(path.Join(at, "node_modules", name)); pkg != nil {
				if pkg.Link != "" {
					return pkg.Link, true
				}
				return pkg.Place, true
			}
		}
		if at == "." || at == "" || at == "/" {
			return "", false
		}
	}
}

// bring fetches places that are not at hand yet.
func (p *packages) bring(ctx context.Context, places []string) error {
	places = slices.DeleteFunc(slices.Clone(places), func(place string) bool {
		pkg := p.lock.Package(place)
		return p.asked[place] || pkg == nil || pkg.Native() || !isInstalled(place)
	})
	if room := p.most - len(p.asked); len(places) > room {
		p.lost = append(p.lost, fmt.Sprintf("more than %d packages are needed", p.most))
		places = places[:room]
	}
	if len(places) == 0 {
		return nil
	}
	for _, place := range places {
		p.asked[place] = true
	}
	got, problems, err := p.npm.Fetch(ctx, p.lock, places)
	if e, ok := errors.AsType[*codeforge.Error](err); ok {
		p.lost = append(p.lost, e.Message)
		return nil
	}
	if err != nil {
		return err
	}
	for _, place := range got.Places() {
		p.folders[place], _ = got.Folder(place)
	}
	for _, problem := range problems {
		if !problem.Warning {
			p.lost = append(p.lost, problem.Message)
		}
	}
	return nil
}

// with are the places of a package's name in a folder: its own and that of its types.
func (p *packages) with(dir, name string) (places []string) {
	for _, n := range []string{name, typesPackage(name)} {
		if place, ok := p.find(dir, n); ok {
			places = append(places, place)
		}
	}
	return places
}

// reach brings places and all that their types name, and so on.
func (p *packages) reach(ctx context.Context, cache *useCache, places []string) error {
	seen := map[string]bool{}
	for queue := places; len(queue) > 0; {
		queue = slices.DeleteFunc(unique(queue), func(place string) bool { return seen[place] })
		for _, place := range queue {
			seen[place] = true
		}
		if err := p.bring(ctx, queue); err != nil {
			return err
		}
		var next []string
		for _, place := range queue {
			folder, ok := p.folders[place]
			if !ok {
				continue
			}
			for _, name := range cache.of(folder) {
				for _, q := range p.with(place, name) {
					if !seen[q] {
						next = append(next, q)
					}
				}
			}
		}
		queue = next
	}
	return nil
}

// placeOf takes a path apart: the place of the package that it lies in, and its name there.
func placeOf(p string) (place, name string) {
	i := strings.LastIndex("/"+p, "/node_modules/")
	if i < 0 {
		return "", p
	}
	rest := p[i+len("node_modules/"):]
	n := strings.IndexByte(rest, '/')
	if n >= 0 && strings.HasPrefix(rest, "@") {
		if m := strings.IndexByte(rest[n+1:], '/'); m >= 0 {
			n += 1 + m
		} else {
			n = -1
		}
	}
	if n < 0 {
		return p, ""
	}
	return p[:i+len("node_modules/")+n], rest[n+1:]
}

// read is a file of a package that is at hand.
func (p *packages) read(file string) (string, bool) {
	place, name := placeOf(file)
	folder, ok := p.folders[place]
	if !ok || name == "" || !fs.ValidPath(name) {
		return "", false
	}
	return readSome(os.DirFS(folder), name, 1<<20)
}

func readSome(dir fs.FS, name string, most int64) (string, bool) {
	f, err := dir.Open(name)
	if err != nil {
		return "", false
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, most))
	return string(b), err == nil
}

// useCache remembers which packages the types of a package name. What lies in a folder of the cache never changes.
type useCache struct {
	mu   sync.Mutex
	uses map[string][]string // by folder
}

const (
	mostPackages  = 1000 // that the types of one tree may need
	mostUses      = 5_000
	mostTypeBytes = 64 << 20
	mostTypeFiles = 20_000
)

// of are the packages that the types in a folder name.
func (c *useCache) of(folder string) []string {
	c.mu.Lock()
	list, ok := c.uses[folder]
	c.mu.Unlock()
	if ok {
		return list
	}
	found := map[string]bool{}
	files, bytes := 0, 0
	dir := os.DirFS(folder)
	_ = fs.WalkDir(dir, ".", func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return nil //nolint:nilerr // what cannot be read names nothing
		case e.IsDir() && e.Name() == "node_modules":
			return fs.SkipDir
		case e.IsDir() || !isTypeScript(name):
			return nil
		}
		if files++; files > mostTypeFiles || bytes > mostTypeBytes {
			return fs.SkipAll
		}
		text, _ := readSome(dir, name, 4<<20)
		bytes += len(text)
		for spec := range namedModules(text) {
			if pkg := packageOf(spec); pkg != "" {
				found[pkg] = true
			}
		}
		return nil
	})
	list = slices.Sorted(maps.Keys(found))
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.uses == nil || len(c.uses) >= mostUses {
		c.uses = map[string][]string{}
	}
	c.uses[folder] = list
	return list
}

// link lays a tree's packages out in a folder as npm would, by links into the cache.
func (p *packages) link(root string) error {
	places := slices.Sorted(maps.Keys(p.folders))
	for _, place := range places {
		at := filepath.Join(root, filepath.FromSlash(place))
		if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
			return err
		}
		holds := slices.ContainsFunc(places, func(other string) bool { return strings.HasPrefix(other, place+"/node_modules/") })
		if !holds {
			if err := linkFolder(p.folders[place], at); err != nil {
				return err
			}
			continue
		}
		if err := os.MkdirAll(at, 0o700); err != nil {
			return err
		}
		entries, err := os.ReadDir(p.folders[place])
		if err != nil {
			return err
		}
		for _, e := range entries {
			if e.Name() == "node_modules" {
				continue
			}
			if err := linkFolder(filepath.Join(p.folders[place], e.Name()), filepath.Join(at, e.Name())); err != nil {
				return err
			}
		}
	}
	return p.linkWorkspaces(root)
}

// linkWorkspaces lays out the packages of the project itself.
func (p *packages) linkWorkspaces(root string) error {
	if p.lock == nil {
		return nil
	}
	for _, place := range p.lock.Places() {
		pkg := p.lock.Package(place)
		to := filepath.Join(root, filepath.FromSlash(pkg.Link))
		if pkg.Link == "" || !filepath.IsLocal(filepath.FromSlash(pkg.Link)) || !filepath.IsLocal(filepath.FromSlash(place)) {
			continue
		}
		if info, err := os.Stat(to); err != nil || !info.IsDir() {
			continue
		}
		at := filepath.Join(root, filepath.FromSlash(place))
		if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
			return err
		}
		if err := linkFolder(to, at); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return nil
}

// linkFolder makes a link, or a copy where there are none.
func linkFolder(from, to string) error {
	err := os.Symlink(from, to)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	if info, stat := os.Stat(from); stat == nil && !info.IsDir() {
		b, err := os.ReadFile(from)
		if err != nil {
			return err
		}
		return os.WriteFile(to, b, 0o600)
	}
	return os.CopyFS(to, os.DirFS(from))
}
