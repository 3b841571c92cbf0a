package compile

import (
	"path"
	"slices"
	"strings"
)

// sourceGlob is where Tailwind looks for classes.
type sourceGlob struct {
	Base     string `json:"base"`
	Pattern  string `json:"pattern"`
	Negated  bool   `json:"negated"`
	explicit bool   // what it names is read whatever else is said of it
}

// rootOf is the folder of the part of the project that a file belongs to.
func (f *files) rootOf(p string) string {
	for d := folder(p); d != ""; d = folder(d) {
		if _, ok := f.tree[d+"/package.json"]; ok {
			return d
		}
	}
	return ""
}

// Bounds on what is read of packages for classes.
const (
	maxPackageSources = 5_000
	maxPackageBytes   = 20_000_000
)

// sources are the files that these name, sorted. A later one that is negated takes away what earlier ones gave.
func (f *files) sources(list []sourceGlob) []string {
	found := map[string]bool{}
	for _, g := range list {
		full := strings.TrimPrefix(path.Join("/", g.Base, g.Pattern), "/")
		if strings.HasPrefix(g.Pattern, "/") && !strings.HasPrefix(g.Pattern, g.Base) {
			full = strings.TrimPrefix(path.Join("/", g.Base, g.Pattern), "/")
		}
		auto := !g.explicit && (strings.HasSuffix(g.Pattern, "**/*") || g.Pattern == "**")
		full = strings.TrimSuffix(full, "/")
		if !isGlob(full) {
			if f.has(full) {
				f.mark(found, full, g.Negated)
				continue
			}
			full, auto = path.Join(full, "**/*"), true
		}
		matcher, ok := newGlob(full)
		if !ok {
			continue
		}
		if place, rest, ok := f.placeOf(fixedPart(full), full); ok {
			inner, ok := newGlob(rest)
			if !ok {
				continue
			}
			n := 0
			for _, name := range slices.Sorted(slicesOf(f.list(place))) {
				if n < maxPackageSources && inner.matches(name) && (!auto || !isSkipped(name)) && !isBinaryName(name) {
					n++
					f.mark(found, place+"/"+name, g.Negated)
				}
			}
			continue
		}
		for p := range f.tree {
			if !matcher.matches(p) || isBinaryName(p) {
				continue
			}
			if auto && (isSkipped(p) || f.ignored != nil && f.ignored(p)) && !g.Negated {
				continue
			}
			f.mark(found, p, g.Negated)
		}
	}
	out := make([]string, 0, len(found))
	for p := range found {
		out = append(out, p)
	}
	slices.Sort(out)
	return out
}

func (f *files) mark(found map[string]bool, p string, negated bool) {
	if negated {
		delete(found, p)
	} else {
		found[p] = true
	}
}

func slicesOf(m map[string]bool) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// placeOf finds the package that a path into node_modules means, and the pattern within it.
func (f *files) placeOf(fixed, full string) (place, rest string, ok bool) {
	place, _ = split(fixed)
	if place == "" {
		return "", "", false
	}
	i := strings.LastIndex(place, "node_modules/")
	if p, found := f.find(place[:i]+"x", place[i+len("node_modules/"):]); found {
		return p, strings.TrimPrefix(strings.TrimPrefix(full, place), "/"), true
	}
	return place, "", true
}

// Folders, files and endings in which Tailwind 4 looks for no classes unless it is told to.
var (
	skippedFolders = []string{"node_modules", ".git", ".hg", ".svn", ".jj", ".next", ".parcel-cache", ".pnpm-store", ".svelte-kit", ".turbo", ".venv", ".vercel", ".yarn", "__pycache__", "venv"}
	skippedNames   = []string{"package-lock.json", "pnpm-lock.yaml", "bun.lockb", ".gitignore", ".env"}
	skippedEndings = []string{".less", ".lock", ".sass", ".scss", ".styl", ".log"}
	binaryEndings  = []string{".png", ".jpg", ".jpeg", ".gif", ".webp", ".avif", ".ico", ".bmp", ".tif", ".tiff", ".mp3", ".mp4", ".webm", ".ogg", ".wav", ".mov", ".woff", ".woff2", ".ttf", ".otf", ".eot", ".pdf", ".zip", ".gz", ".tar", ".wasm",
		".exe", ".dll", ".so", ".node", ".class", ".jar", ".psd", ".ai", ".db", ".sqlite", ".doc", ".docx", ".xls", ".xlsx", ".ppt", ".pptx", ".plist", ".geojson", ".bin", ".dat", ".glb"}
)

func isSkipped(p string) bool {
	base := path.Base(p)
	for part := range strings.SplitSeq(folder(p), "/") {
		if slices.Contains(skippedFolders, part) {
			return true
		}
	}
	return slices.Contains(skippedNames, base) || strings.HasPrefix(base, ".env.") || slices.Contains(skippedEndings, strings.ToLower(path.Ext(base)))
}

func isBinaryName(p string) bool { return slices.Contains(binaryEndings, strings.ToLower(path.Ext(p))) }
