package types

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// roots are the files that a tsconfig includes, sorted, as the compiler finds them: what files and include name, without
// what exclude does, JavaScript where it is allowed, and of several of one name the first of TypeScript's order.
func (c *config) roots(paths []string) []string {
	dir := path.Dir(c.path)
	var out []string
	taken := map[string]bool{}
	add := func(p string) {
		if !taken[p] {
			taken[p] = true
			out = append(out, p)
		}
	}
	if c.files != nil {
		for _, f := range c.files.paths {
			p := path.Join(c.files.dir, ofConfigDir(f, c.files.dir, dir))
			if _, ok := slices.BinarySearch(paths, p); ok && isSource(p) {
				add(p)
			}
		}
	}
	include := c.include
	if include == nil {
		if c.files != nil {
			slices.Sort(out)
			return out
		}
		include = &pathList{dir, []string{"**/*"}}
	}
	in := matcherOf(include, dir, false)
	exclude := c.exclude
	if exclude == nil {
		exclude = &pathList{dir, []string{"node_modules", "bower_components", "jspm_packages"}}
		for _, name := range []string{"outDir", "declarationDir"} {
			if o, ok := c.options[strings.ToLower(name)]; ok && c.text(name) != "" {
				p := path.Join(o.dir, ofConfigDir(unquoted(o.value), o.dir, dir))
				if rel, ok := relative(dir, p); ok && rel != "." {
					exclude.paths = append(exclude.paths, rel)
				}
			}
		}
	}
	ex := matcherOf(exclude, dir, true)
	present := map[string]bool{}
	for _, p := range paths {
		present[p] = true
	}
	for _, p := range paths {
		if !isSource(p) || isJavaScript(p) && !c.allowJS || isInstalled(p) || !in.matches(p) || ex.matches(p) || inHidden(p, include) {
			continue
		}
		if better(p, present) {
			continue
		}
		add(p)
	}
	slices.Sort(out)
	return out
}

func isSource(p string) bool { return isTypeScript(p) || isJavaScript(p) }

// better reports whether a file of the same name has an ending that goes first.
func better(p string, present map[string]bool) bool {
	stem := strings.TrimSuffix(p, path.Ext(p))
	switch path.Ext(p) {
	case ".ts":
		if s, ok := strings.CutSuffix(p, ".d.ts"); ok {
			return present[s+".ts"] || present[s+".tsx"]
		}
	case ".mts":
		if s, ok := strings.CutSuffix(p, ".d.mts"); ok {
			return present[s+".mts"]
		}
	case ".cts":
		if s, ok := strings.CutSuffix(p, ".d.cts"); ok {
			return present[s+".cts"]
		}
	case ".tsx":
		return present[stem+".ts"]
	case ".js":
		return present[stem+".ts"] || present[stem+".tsx"] || present[stem+".d.ts"]
	case ".jsx":
		return present[stem+".ts"] || present[stem+".tsx"] || present[stem+".d.ts"] || present[stem+".js"]
	case ".mjs":
		return present[stem+".mts"] || present[stem+".d.mts"]
	case ".cjs":
		return present[stem+".cts"] || present[stem+".d.cts"]
	}
	return false
}

// inHidden reports whether a part of a path begins with a dot that no pattern names: wildcards skip those.
func inHidden(p string, include *pathList) bool {
	for part := range strings.SplitSeq(p, "/") {
		if strings.HasPrefix(part, ".") && !slices.ContainsFunc(include.paths, func(s string) bool {
			return slices.Contains(strings.Split(s, "/"), part) || strings.Contains(s, ".*")
		}) {
			return true
		}
	}
	return false
}

type matcher []*regexp.Regexp

func (m matcher) matches(p string) bool {
	return slices.ContainsFunc(m, func(r *regexp.Regexp) bool { return r.MatchString(p) })
}

// maxPatterns bounds the patterns of one list.
const maxPatterns = 50

// matcherOf reads the patterns of include or exclude. A pattern that leads out of the project matches nothing.
func matcherOf(list *pathList, leaf string, exclude bool) (m matcher) {
	for _, pattern := range list.paths[:min(len(list.paths), maxPatterns)] {
		pattern = ofConfigDir(strings.ReplaceAll(pattern, "\\", "/"), list.dir, leaf)
		if strings.HasPrefix(pattern, "/") || len(pattern) > 1000 {
			continue
		}
		full := path.Join(list.dir, pattern)
		if full == ".." || strings.HasPrefix(full, "../") {
			continue
		}
		if r, err := regexp.Compile(globExpression(full, exclude)); err == nil {
			m = append(m, r)
		}
	}
	return m
}

// globExpression is a pattern as a regular expression. A pattern whose last part is a plain name is a folder's too.
func globExpression(pattern string, exclude bool) string {
	if pattern == "." {
		return "^"
	}
	var b strings.Builder
	b.WriteString("^")
	parts := strings.Split(pattern, "/")
	last := parts[len(parts)-1]
	for i, part := range parts {
		if part == "**" {
			if i == len(parts)-1 {
				b.WriteString(".*")
			} else {
				b.WriteString("(?:[^/]+/)*?")
			}
			continue
		}
		for _, r := range part {
			switch r {
			case '*':
				b.WriteString("[^/]*")
			case '?':
				b.WriteString("[^/]")
			default:
				b.WriteString(regexp.QuoteMeta(string(r)))
			}
		}
		if i < len(parts)-1 {
			b.WriteString("/")
		}
	}
	if exclude || !strings.ContainsAny(last, "*?") && last != "**" {
		b.WriteString("(?:$|/)")
	} else {
		b.WriteString("$")
	}
	return b.String()
}

// ofConfigDir fills in the folder of the config that is used, as seen from the one that names it.
func ofConfigDir(p, from, leaf string) string {
	rest, ok := strings.CutPrefix(p, "${configDir}")
	if !ok {
		return p
	}
	rel, ok := relative(from, path.Join(leaf, rest))
	if !ok {
		return "."
	}
	return rel
}

// relative is the path from a folder of the tree to another place of it.
func relative(from, to string) (string, bool) {
	from, to = path.Clean(from), path.Clean(to)
	if to == ".." || strings.HasPrefix(to, "../") || strings.HasPrefix(to, "/") {
		return "", false
	}
	if from == "." {
		return to, true
	}
	a, b := strings.Split(from, "/"), strings.Split(to, "/")
	if to == "." {
		b = nil
	}
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	parts := append(slices.Repeat([]string{".."}, len(a)-n), b[n:]...)
	if len(parts) == 0 {
		return ".", true
	}
	return strings.Join(parts, "/"), true
}

func unquoted(raw []byte) string { return strings.Trim(string(raw), `"`) }
