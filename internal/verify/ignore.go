package verify

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// generated are names of folders and files that build tools write: a project is complete without them.
var generated = regexp.MustCompile(`(?i)(?:^|/)(?:\.next|\.nuxt|\.svelte-kit|\.astro|\.output|\.expo|\.docusaurus|\.react-router|\.contentlayer|\.velite|\.wxt|\.solid|\.vinxi|\.tanstack|\.vercel|\.wrangler|\.source|\.prisma|\.cache|\.turbo|\.angular|` +
	`\+types|\$types|\$houdini|_?_?_generated_?_?_?|generated|\.generated|node_modules|dist|build|out|coverage|styled-system|paraglide)(?:[/.]|$)|` +
	`[._-](?:generated|gen)(?:\.\w+)*$|_(?:pb|connect|grpc_pb)(?:\.\w+)*$|(?:^|/)__generated__(?:/|$)|(?:^|/)worker-configuration(?:\.d)?(?:\.ts)?$`)

// installed and built folders hold nothing that a person wrote.
var installed = map[string]bool{"node_modules": true, ".next": true, ".nuxt": true, ".svelte-kit": true, ".output": true, ".astro": true, "coverage": true, ".cache": true,
	".parcel-cache": true, ".turbo": true, ".vercel": true, ".netlify": true, "storybook-static": true, "bower_components": true, ".expo": true, ".docusaurus": true, ".yarn": true}

func isInstalled(p string) bool {
	for seg := range strings.SplitSeq(path.Dir(p), "/") {
		if installed[seg] {
			return true
		}
	}
	return false
}

// outputs are folders beside a package.json that its tools build into.
var outputs = []string{"dist", "build", "out", "_site", "public/build", "static/dist", "public/dist"}

// isOutput reports whether a file is the result of a build: what it names was there when it was built, or will be.
func (t *tree) isOutput(p string) bool {
	if isInstalled(p) {
		return true
	}
	for dir := range ancestors(path.Dir(p)) {
		s := t.settings[dir]
		if s == nil || s.pkg == nil {
			continue
		}
		rest := p
		if dir != "." {
			rest = p[len(dir)+1:]
		}
		if slices.ContainsFunc(outputs, func(o string) bool { return strings.HasPrefix(rest, o+"/") }) {
			return true
		}
	}
	return t.ignored(p)
}

// samples are folders whose files are material of something else: skeletons that a generator completes, and what tests
// feed to the code that they test. Nobody builds them where they lie.
var samples = map[string]bool{"fixtures": true, "__fixtures__": true, "fixture": true, "testdata": true, "test-data": true, "__testfixtures__": true, "template": true, "templates": true,
	"_templates": true, "skeleton": true, "skeletons": true, "boilerplates": true, "schematics": true, "snippets": true, "__snapshots__": true}

func isSample(p string) bool {
	for seg := range strings.SplitSeq(path.Dir(fileOf(p)), "/") {
		if samples[seg] || strings.Contains(seg, "{{") {
			return true
		}
	}
	return false
}

// ignoreFile is a .gitignore.
type ignoreFile struct {
	dir      string
	names    map[string]bool // of files and folders at any depth
	rooted   map[string]bool // paths from dir
	patterns []ignorePattern // everything with a wildcard, in order
	except   map[string]bool // rooted paths and names that are not ignored after all
}

type ignorePattern struct {
	text   string
	rooted bool
	not    bool
}

// maxIgnorePatterns bounds the wildcards of one .gitignore.
const maxIgnorePatterns = 200

func readIgnore(dir, text string) *ignoreFile {
	f := &ignoreFile{dir: dir, names: map[string]bool{}, rooted: map[string]bool{}, except: map[string]bool{}}
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimRight(line, " \t\r")
		if line == "" || line[0] == '#' {
			continue
		}
		line, not := strings.CutPrefix(line, "!")
		line = strings.TrimSuffix(line, "/")
		line = strings.TrimSuffix(line, "/**")
		line = strings.TrimPrefix(line, "**/")
		rooted := strings.Contains(line, "/")
		line = strings.TrimPrefix(line, "/")
		switch {
		case line == "":
		case strings.ContainsAny(line, "*?[\\"):
			if len(f.patterns) < maxIgnorePatterns {
				f.patterns = append(f.patterns, ignorePattern{strings.ReplaceAll(line, "**", "*"), rooted, not})
			}
		case not:
			f.except[line] = true
		case rooted:
			f.rooted[line] = true
		default:
			f.names[line] = true
		}
	}
	return f
}

// matches reports whether the path, or a folder that it lies in, is named; p is relative to the file's folder.
func (f *ignoreFile) matches(p string) bool {
	segments := strings.Split(p, "/")
	for i, seg := range segments {
		whole := strings.Join(segments[:i+1], "/")
		hit := f.names[seg] || f.rooted[whole]
		for _, pat := range f.patterns {
			name := seg
			if pat.rooted {
				name = whole
			}
			if ok, _ := path.Match(pat.text, name); ok {
				hit = !pat.not
			}
		}
		if hit && !f.except[whole] && !f.except[seg] {
			return true
		}
	}
	return false
}

// ignored reports whether a .gitignore of the project names a path.
func (t *tree) ignored(p string) bool {
	for dir := range ancestors(path.Dir(p)) {
		f := t.ignores[dir]
		if f == nil || t.ignoreWork.Load() <= 0 {
			continue
		}
		rest := p
		if dir != "." {
			rest = p[len(dir)+1:]
		}
		t.ignoreWork.Add(-int64((1 + len(f.patterns)) * (1 + strings.Count(rest, "/"))))
		if f.matches(rest) {
			return true
		}
	}
	return false
}

// maxIgnoreWork bounds the comparisons with wildcards of .gitignore in one check; beyond it nothing is ignored.
const maxIgnoreWork = 2_000_000

// isGenerated reports whether a path that no file has is one that a tool writes, so that its absence proves nothing.
// name is how it was named: a neighbour is not generated because both lie in a folder called build.
func (t *tree) isGenerated(name, p string) bool {
	if generated.MatchString(name) || t.ignored(p) {
		return true
	}
	if path.Ext(p) == "" || len(path.Ext(p)) > 5 {
		for _, e := range []string{".ts", ".js", ".json", ".tsx", ".d.ts", ".jsx", ".mjs"} {
			if t.ignored(p + e) {
				return true
			}
		}
	} else if stem, ok := strings.CutSuffix(p, ".js"); ok {
		return t.ignored(stem + ".ts")
	}
	return false
}
