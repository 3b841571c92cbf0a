package archive

import (
	"path"
	"strings"

	"codeforge"
)

const (
	mostIgnoreBytes = 1 << 20     // of one .gitignore file
	mostSteps       = 300_000_000 // of comparing paths with patterns: about a second
)

// usual are patterns for what tools make of a project's own sources, or leave beside them. They hold at the top and beside each
// package.json, for what no .gitignore file speaks of; so one that says !build/ keeps a folder of that name.
var usual = []struct {
	reason   string
	patterns []pattern
}{
	{"build output: it is made again from the sources", parsePatterns([]byte(strings.Join(strings.Fields(`/dist/ /dist-ssr/ /build/ /out/ /.next/ /.nuxt/ /.output/
		/.svelte-kit/ /.astro/ /.angular/ /.vercel/ /.netlify/ /storybook-static/ /coverage/ /.nyc_output/`), "\n")))},
	{"packages: they are installed from package.json", parsePatterns([]byte("bower_components/\njspm_packages/\n.pnpm-store/\n/.yarn/cache/\n.venv/"))},
	{"kept by a tool for itself", parsePatterns([]byte(strings.Join(strings.Fields(`.vite/ .turbo/ .cache/ .parcel-cache/ .sass-cache/ __pycache__/ *.pyc *.tsbuildinfo
		.eslintcache .stylelintcache npm-debug.log* yarn-debug.log* yarn-error.log*`), "\n")))},
	{"kept by a system or a version control for itself", parsePatterns([]byte(".DS_Store\n._*\n__MACOSX/\nThumbs.db\ndesktop.ini\n.svn/\n.hg/"))},
}

// rules say what of a tree is left out.
type rules struct {
	ignore   map[string][]pattern // of the .gitignore files, by folder; "": the top
	packages map[string]bool      // folders with a package.json
	folders  map[string]string    // reasons why folders are left out; "": they are not
	steps    int
}

func newRules() *rules {
	return &rules{ignore: map[string][]pattern{}, packages: map[string]bool{"": true}, folders: map[string]string{}}
}

// leftOut says why a path is left out, and of which folder that is true, or of the path itself; reason "": it is not. What lies
// in a folder that is left out is not asked for, as in git.
func (r *rules) leftOut(p string, folder bool) (at, reason string, err error) {
	for i := 0; i < len(p); i++ {
		if p[i] != '/' {
			continue
		}
		reason, known := r.folders[p[:i]]
		if !known {
			if reason, err = r.reason(p[:i], true); err != nil {
				return "", "", err
			}
			r.folders[p[:i]] = reason
		}
		if reason != "" {
			return p[:i] + "/", reason, nil
		}
	}
	reason, err = r.reason(p, folder)
	return p, reason, err
}

// reason is why a path is left out whose folders are not.
func (r *rules) reason(p string, folder bool) (string, error) {
	switch base := path.Base(p); {
	case codeforge.PathKey(base) == ".git":
		return "the history is git's", nil
	case folder && base == "node_modules":
		return "packages: they are installed from package.json", nil
	}
	for at := parent(p); ; at = parent(at) {
		if last, err := r.lastMatch(r.ignore[at], at, p, folder); err != nil {
			return "", err
		} else if last != nil {
			if last.negative {
				return "", nil
			}
			return "ignored by " + path.Join(at, ".gitignore") + ": " + codeforge.Plain(last.line), nil
		}
		if at == "" {
			break
		}
	}
	for at := parent(p); ; at = parent(at) {
		if r.packages[at] {
			for _, u := range usual {
				if last, err := r.lastMatch(u.patterns, at, p, folder); err != nil || last != nil {
					return u.reason, err
				}
			}
		}
		if at == "" {
			return "", nil
		}
	}
}

// lastMatch is the last pattern, of those of a folder, that means a path below it; nil: none does.
func (r *rules) lastMatch(patterns []pattern, at, p string, folder bool) (*pattern, error) {
	r.steps += 10 // for the way here
	if at != "" {
		p = p[len(at)+1:]
	}
	for i := len(patterns) - 1; i >= 0; i-- {
		matches, steps := patterns[i].match(p, folder)
		if r.steps += steps; r.steps > mostSteps {
			return nil, refused("its .gitignore files hold patterns that take too long to compare with its paths")
		}
		if matches {
			return &patterns[i], nil
		}
	}
	return nil, nil
}

// parent is the folder of a path; "": the top.
func parent(p string) string { return p[:max(0, strings.LastIndexByte(p, '/'))] }
