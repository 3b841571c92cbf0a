package npm

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"codeforge"
)

// Bounds on what one project gets.
const (
	mostFetched      = 1000
	mostFetchedBytes = 500 << 20
	fetchesAtOnce    = 12
	largestRead      = 32 << 20
)

// Packages are packages that are at hand, by their places.
type Packages struct {
	folders map[string]string
	Bytes   int64 // that all of them take
}

// Folder is where the files of a place lie: to be read, never written to, since all projects share it. It stays at least
// ten minutes after Fetch.
func (p *Packages) Folder(place string) (string, bool) {
	folder, ok := p.folders[place]
	return folder, ok
}

// findBundled finds a package that comes within another one.
func (p *Packages) findBundled(l *Lock, place string) {
	for at := above(place); at != ""; at = above(at) {
		if of := l.packages[at]; of == nil || !of.InBundle {
			if folder, ok := p.folders[at]; ok {
				p.folders[place] = filepath.Join(folder, filepath.FromSlash(strings.TrimPrefix(place, at+"/")))
			}
			return
		}
	}
}

// Places are the places that are at hand, sorted.
func (p *Packages) Places() []string {
	out := make([]string, 0, len(p.folders))
	for place := range p.folders {
		out = append(out, place)
	}
	slices.Sort(out)
	return out
}

// Open opens a file of a package. There are no links in its folder, so a path that is valid stays within.
func (p *Packages) Open(place, name string) (fs.File, error) {
	folder, ok := p.folders[place]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: place, Err: fs.ErrNotExist}
	}
	return os.DirFS(folder).Open(name)
}

// ReadFile reads a file of a package, if it is not larger than 32 MiB.
func (p *Packages) ReadFile(place, name string) ([]byte, error) {
	f, err := p.Open(place, name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, largestRead+1))
	if err == nil && len(b) > largestRead {
		err = &fs.PathError{Op: "read", Path: place + "/" + name, Err: errors.New("it is too large")}
	}
	return b, err
}

// Fetch brings the packages at these places; l.Reach says which a package needs. Those that are made for some kinds of
// machines are never brought. What cannot be brought is a Problem; the error is of all of them.
func (c *Client) Fetch(ctx context.Context, l *Lock, places []string) (*Packages, []Problem, error) {
	places = slices.Compact(slices.Sorted(slices.Values(places)))
	if len(places) > mostFetched {
		return nil, nil, &codeforge.Error{Kind: codeforge.TooLarge, Message: fmt.Sprintf("More than %d packages are needed at once", mostFetched)}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.opts.longestFetch, errSlowFetch)
	defer cancel()
	var (
		wait     sync.WaitGroup
		mu       sync.Mutex
		out      = &Packages{folders: map[string]string{}}
		problems = make([][]Problem, len(places))
		most     = make(chan struct{}, fetchesAtOnce)
		bundled  []string
	)
	for i, place := range places {
		p := l.Package(place)
		switch {
		case p == nil:
			problems[i] = []Problem{{Code: Unknown, Package: nameOf(place), Message: fmt.Sprintf("%s is not in the lock", place)}}
			continue
		case p.Link != "" || !inModules(place):
			continue // the project's own
		case p.InBundle:
			bundled = append(bundled, place)
			continue
		case p.Native():
			problems[i] = []Problem{{Code: Unsupported, Package: p.Name, Message: fmt.Sprintf("%s is made for some kinds of machines (%s) and is not used here", p.Name, machines(p.manifest))}}
			continue
		}
		wait.Go(func() {
			most <- struct{}{}
			defer func() { <-most }()
			folder, meta, found := c.fetch(ctx, p)
			problems[i] = found
			mu.Lock()
			defer mu.Unlock()
			if folder == "" {
				return
			}
			if out.Bytes += meta.Bytes; out.Bytes > mostFetchedBytes {
				cancel()
				return
			}
			out.folders[place] = folder
		})
	}
	wait.Wait()
	switch {
	case out.Bytes > mostFetchedBytes:
		return nil, nil, &codeforge.Error{Kind: codeforge.TooLarge, Message: fmt.Sprintf("The packages take more than %d MB", mostFetchedBytes>>20)}
	case errors.Is(context.Cause(ctx), errSlowFetch):
		return nil, nil, &codeforge.Error{Kind: codeforge.External, Message: fmt.Sprintf("Packages did not come within %s: the registry is slow", c.opts.longestFetch), Retryable: true}
	case ctx.Err() != nil:
		return nil, nil, context.Cause(ctx)
	}
	for _, place := range bundled {
		out.findBundled(l, place)
	}
	return out, slices.Concat(problems...), nil
}

var errSlowFetch = errors.New("fetching took too long")

func machines(m *manifest) string {
	return strings.Join(slices.Concat(m.OS, m.CPU, m.Libc), ", ")
}

// fetch brings one package of a lock.
func (c *Client) fetch(ctx context.Context, p *Package) (string, stored, []Problem) {
	fail := func(code, format string, args ...any) (string, stored, []Problem) {
		return "", stored{}, []Problem{{Code: code, Package: p.Name, Want: p.Version, Message: fmt.Sprintf("%s@%s ", p.Name, p.Version) + fmt.Sprintf(format, args...)}}
	}
	if c.isDenied(p.Name, p.Version) {
		return fail(Denied, "is not to be had on this server (NPM_DENY)")
	}
	want, known := parseIntegrity(p.Integrity)
	if known {
		if folder, meta, ok := c.find(want.key(), p); ok {
			if !isThis(meta, p) {
				return fail(Corrupt, "is another package, %s@%s, by its sum in the lock", meta.Name, meta.Version)
			}
			return folder, meta, nil
		}
	}
	if !c.registry.on() {
		return fail(Off, "cannot be had: %s", c.registry.offMessage())
	}
	doc, err := c.metadata.get(ctx, p.Name, false, false)
	if err != nil && !known {
		problem := problemOf(err, spec{versionSpec, p.Name, p.Version})
		return "", stored{}, []Problem{*problem}
	}
	var said *release
	if err == nil {
		said = doc.release(p.Version)
	}
	if !known {
		if said == nil {
			return fail(NoVersion, "is not in the registry, and the lock has no sum of it")
		}
		if want, known = parseIntegrity(integrityOf(said.manifest(p.Name))); !known {
			return fail(Corrupt, "has no sum, neither in the lock nor in the registry")
		}
		if folder, meta, ok := c.find(want.key(), p); ok && isThis(meta, p) {
			return folder, meta, nil
		}
	}
	folder, meta, err := c.download(ctx, p, want, said, false)
	if err != nil {
		return "", stored{}, []Problem{*c.downloadProblem(err, p)}
	}
	var warnings []Problem
	if c.youngerThanMinAge(ctx, doc, said) {
		warnings = append(warnings, Problem{Code: TooNew, Package: p.Name, Want: p.Version, Warning: true,
			Message: fmt.Sprintf("%s@%s is in the lock and came out less than %s ago (NPM_MIN_AGE)", p.Name, p.Version, ageText(c.opts.MinAge))})
	}
	if want.weak() {
		warnings = append(warnings, Problem{Code: Corrupt, Package: p.Name, Want: p.Version, Warning: true,
			Message: fmt.Sprintf("%s@%s could be checked by a sum of SHA-1 only: its registry has none better", p.Name, p.Version)})
	}
	return folder, meta, warnings
}

// find looks in the cache. What came by a token is not there for those whom the token does not serve.
func (c *Client) find(key string, p *Package) (string, stored, bool) {
	folder, meta, ok := c.store.find(key)
	return folder, meta, ok && (!meta.Token || !c.opts.SignedIn || c.registry.allowed(p.Name))
}

func isThis(meta stored, p *Package) bool {
	return meta.Name == p.Name && (meta.Version == p.Version || compareVersions(meta.Version, p.Version) == 0)
}

func (c *Client) youngerThanMinAge(ctx context.Context, doc *packument, r *release) bool {
	if c.opts.MinAge <= 0 || doc == nil || r == nil {
		return false
	}
	cutoff := c.opts.now().Add(-c.opts.MinAge).Unix()
	if r.published == 0 && !doc.Timed && (doc.Modified == 0 || doc.Modified > cutoff) {
		if timed, err := c.metadata.get(ctx, doc.Name, false, true); err == nil {
			if again := timed.release(r.version); again != nil {
				r = again
			}
		}
	}
	return r.published > cutoff
}

func (c *Client) downloadProblem(err error, p *Package) *Problem {
	out := problemOf(err, spec{versionSpec, p.Name, p.Version})
	if a, ok := errors.AsType[*answerError](err); ok && a.status == http.StatusNotFound {
		out.Code, out.Message = NoVersion, fmt.Sprintf("%s@%s is not in the registry", p.Name, p.Version)
		return out
	} else if ok {
		return out
	}
	out.Code = Corrupt
	out.Message = fmt.Sprintf("%s@%s is refused: %s", p.Name, p.Version, short(err.Error()))
	if _, ok := errors.AsType[*boundError](err); ok {
		out.Code = TooLarge
	} else if cause, ok := onThisMachine(err); ok {
		out.Code, out.Message = Unreachable, fmt.Sprintf("%s@%s could not be unpacked: %v", p.Name, p.Version, cause)
	} else if errors.Is(err, errCacheFull) || errors.Is(err, errCut) {
		out.Code = Unreachable
	}
	return out
}

// onThisMachine is what went wrong with a file of ours, without its path.
func onThisMachine(err error) (error, bool) {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err, true
	}
	if e, ok := errors.AsType[*os.LinkError](err); ok {
		return e.Err, true
	}
	return err, false
}

var errCut = errors.New("the registry's answer broke off")

// download brings a tarball and unpacks it.
func (c *Client) download(ctx context.Context, p *Package, want integrity, said *release, tool bool) (string, stored, error) {
	key := want.key()
	if tool {
		key += "-tool"
	}
	type got struct {
		folder string
		meta   stored
	}
	done := c.metadata.flight.DoChan("tarball "+key, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.opts.longestAnswer)
		defer cancel()
		address := ""
		if said != nil {
			address = said.manifest(p.Name).Dist.Tarball
		}
		u := c.registry.tarball(p.Name, p.Version, address)
		res, free, err := c.registry.get(ctx, p.Name, u, http.Header{"Accept": {"*/*"}})
		if err != nil {
			return got{}, err
		}
		defer free()
		defer res.Body.Close()
		body := &watched{r: res.Body}
		token := c.registry.authorization(p.Name, u) != ""
		folder, meta, err := c.store.add(key, want, body, tool, func(dir string) (stored, error) { return identify(dir, p, token) })
		if err != nil && body.err != nil {
			err = fmt.Errorf("%w: %s", errCut, cause(body.err))
		}
		return got{folder, meta}, err
	})
	select {
	case r := <-done:
		g, _ := r.Val.(got)
		return g.folder, g.meta, r.Err
	case <-ctx.Done():
		return "", stored{}, context.Cause(ctx)
	}
}

// watched remembers what reading ended with.
type watched struct {
	r   io.Reader
	err error
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		w.err = err
	}
	return n, err
}

// identify checks that what was unpacked is what it was asked for as.
func identify(dir string, p *Package, token bool) (stored, error) {
	f, err := os.Open(filepath.Join(dir, "package.json"))
	if err != nil {
		return stored{}, errors.New("it has no package.json")
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(bufio.NewReader(f), 4<<20))
	if err != nil {
		return stored{}, err
	}
	m, err := parseManifest(b)
	if err != nil {
		return stored{}, fmt.Errorf("its package.json cannot be read: %w", err)
	}
	meta := stored{Name: m.Name, Version: m.Version, Token: token}
	if !isThis(meta, p) {
		return meta, fmt.Errorf("it calls itself %s@%s", short(m.Name), short(m.Version))
	}
	return meta, nil
}

// Warm brings all that a project could need, and says how many packages are at hand then.
func (c *Client) Warm(ctx context.Context, p Project) (int, []Problem, error) {
	lock, problems, err := c.Resolve(ctx, p)
	if err != nil {
		return 0, problems, err
	}
	places := slices.DeleteFunc(lock.Places(), func(place string) bool {
		p := lock.Package(place)
		return p.Native() || p.Link != "" || !inModules(place)
	})
	n := 0
	for batch := range slices.Chunk(places, 100) {
		got, failed, err := c.Fetch(ctx, lock, batch)
		if err != nil {
			return n, problems, err
		}
		n += len(got.folders)
		problems = append(problems, failed...)
	}
	return n, problems, nil
}

// Tool brings a package that the program itself needs, pinned by its sum: as it is, with what is executable or native in
// it. It runs nothing. What a project asks for never comes this way.
func (c *Client) Tool(ctx context.Context, name, version, sum string) (string, error) {
	want, ok := parseIntegrity(sum)
	if !ok || want.weak() {
		return "", errors.New("npm: a tool needs a sum of SHA-256 or better")
	}
	p := &Package{Name: name, Version: version, Integrity: sum, manifest: &manifest{}}
	if folder, meta, ok := c.store.find(want.key() + "-tool"); ok && isThis(meta, p) {
		return folder, nil
	}
	if !c.registry.on() {
		return "", &Problem{Code: Off, Package: name, Message: fmt.Sprintf("%s cannot be had: %s", name, c.registry.offMessage())}
	}
	var said *release
	if doc, err := c.metadata.get(ctx, name, false, false); err == nil {
		said = doc.release(version)
	}
	folder, _, err := c.download(ctx, p, want, said, true)
	if err != nil {
		return "", c.downloadProblem(err, p)
	}
	return folder, nil
}
