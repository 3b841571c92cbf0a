package verify

import (
	"context"
	"errors"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/evanw/esbuild/pkg/api"

	"codeforge/internal/compile"
)

// A file in a language of its own becomes, before anything else is done with it, a script or style sheet that stands in
// its place (tree.source), with the styles of a component as files of their own, as inline bodies of a page are. This is
// the one place where that happens. What has no compiler here stays as it is, and is told of where it is imported.

// compileFiles compiles what needs it, by the compilers that the project has as packages.
func (t *tree) compileFiles(ctx context.Context, d *diagnostics) {
	var packages compile.Packages
	if t.modules != nil {
		packages = t.modules.packages
	}
	s := compile.NewSession(ctx, compile.Project{Files: t.files, Packages: packages,
		Alias: func(from, name string) (string, bool) {
			r := t.lookup(from, name)
			return r.target, r.outcome == found
		},
		Ignored: t.ignored,
	})
	texts := map[string]string{} // of styles, added when all is read: the compilers see the files as they are
	tailwind := false
	for _, p := range t.paths {
		if t.isOutput(p) || isSample(p) {
			continue
		}
		c, found, err := t.compileFile(ctx, s, p)
		for _, f := range found {
			d.add(f.File, f.Line, f.Column, f.Severity, "%s", f.Message)
		}
		if errors.Is(err, compile.ErrNoCompiler) {
			// An import of the package that is not there is told of in any case.
			if isStyle(t.loader(p)) && !tailwind && (t.modules != nil || t.off != "") && !tailwindImport.MatchString(t.files[p]) {
				tailwind = true // said once
				d.add(p, 0, 0, SeverityWarning, "This style sheet is written for Tailwind%s: what it makes is not checked and not shown", t.withoutPackage("tailwindcss", "devDependencies"))
			}
			continue
		}
		if c != nil {
			t.take(p, c, texts)
		}
	}
	maps.Copy(t.files, texts)
	t.checkPostCSS(d)
}

var tailwindImport = regexp.MustCompile(`@(?:import|reference)\s+(?:url\()?["']tailwindcss\b`)

// take puts what a file was compiled to in its place.
func (t *tree) take(p string, c *compiledFile, texts map[string]string) {
	t.loaders[p], t.source[p] = c.loader, c.text
	t.compiled[p] = true
	for i, style := range c.styles {
		l := api.LoaderCSS
		if style.Module {
			l = api.LoaderLocalCSS
		}
		q := p + inlineMark + strconv.Itoa(i)
		t.inlines[q] = inlineFile{loader: l}
		t.compiled[q] = true
		texts[q] = style.CSS
	}
}

// compiledFile is what stands in the place of a file.
type compiledFile struct {
	text   string
	loader api.Loader
	styles []compile.Style // style:0 and so on
}

// compileFile compiles a file; nil: it needs none.
func (t *tree) compileFile(ctx context.Context, s *compile.Session, p string) (*compiledFile, []compile.Diagnostic, error) {
	text := t.files[p]
	component := func(run func(p, source string) (*compile.Component, []compile.Diagnostic, error)) (*compiledFile, []compile.Diagnostic, error) {
		noteFile(ctx, p)
		c, found, err := run(p, text)
		if err != nil {
			return nil, found, err
		}
		if c == nil { // so that what was found is all that is said of it
			return &compiledFile{text: "export default {};", loader: api.LoaderJS}, found, nil
		}
		return &compiledFile{text: c.Script, loader: loaders["."+c.Lang], styles: c.Styles}, found, nil
	}
	switch ext := strings.ToLower(path.Ext(p)); {
	case ext == ".vue":
		return component(s.Vue)
	case ext == ".svelte", strings.HasSuffix(p, ".svelte.js"):
		return component(s.Svelte)
	case strings.HasSuffix(p, ".svelte.ts"):
		r := api.Transform(text, api.TransformOptions{Loader: api.LoaderTS, LogLevel: api.LogLevelSilent, TsconfigRaw: `{"compilerOptions":{"verbatimModuleSyntax":true,"target":"esnext"}}`, Charset: api.CharsetUTF8})
		if len(r.Errors) > 0 {
			return nil, nil, nil // the scan says so
		}
		text = string(r.Code)
		return component(s.Svelte)
	case ext == ".scss", ext == ".sass", ext == ".less", ext == ".css" && s.UsesTailwind(p, text):
		if !t.isNamed(p) {
			return nil, nil, nil // a part of others, which alone may not stand
		}
		noteFile(ctx, p)
		css, found, err := s.StyleSheet(p, text, ext[1:])
		if err != nil {
			return nil, found, err
		}
		return &compiledFile{text: css, loader: styleLoader(p)}, found, nil
	}
	return nil, nil, nil
}

// isNamed reports whether something else than a style sheet may name a style sheet.
func (t *tree) isNamed(p string) bool {
	base := path.Base(p)
	for _, q := range t.paths {
		switch path.Ext(q) {
		case ".js", ".jsx", ".ts", ".tsx", ".mjs", ".mts", ".cjs", ".cts", ".html", ".htm", ".vue", ".svelte", ".astro", ".mdx":
			if strings.Contains(t.files[q], base) && !t.isOutput(q) {
				return true
			}
		}
	}
	return false
}

func styleLoader(p string) api.Loader {
	if strings.Contains(path.Base(p), ".module.") {
		return api.LoaderLocalCSS
	}
	return api.LoaderCSS
}

// styleOf is the style sheet of a component that its script imports as style:0.
func (t *tree) styleOf(importer, spec string) (string, bool) {
	number, ok := strings.CutPrefix(spec, "style:")
	if !ok || !t.compiled[importer] {
		return "", false
	}
	p := fileOf(importer) + inlineMark + number
	_, ok = t.inlines[p]
	return p, ok
}

// compilerOf are the packages that compile what has such an ending, and where a project asks for them.
var compilerOf = map[string][2]string{
	".vue": {"vue", "dependencies"}, ".svelte": {"svelte", "devDependencies"}, ".scss": {"sass", "devDependencies"}, ".sass": {"sass", "devDependencies"}, ".less": {"less", "devDependencies"},
}

// whyUncompiled is what stands behind "needs a compiler of its own".
func (t *tree) whyUncompiled(p string) string {
	c, ok := compilerOf[strings.ToLower(path.Ext(p))]
	if !ok {
		return ""
	}
	return t.withoutPackage(c[0], c[1])
}

// withoutPackage says why a package is not there, and what would bring it.
func (t *tree) withoutPackage(name, where string) string {
	switch {
	case t.off != "":
		return ", whose compiler is the package " + strconv.Quote(name) + ", and " + string(t.off)
	case t.modules == nil:
		return ""
	}
	return ": it is the package " + strconv.Quote(name) + ", which the project does not have; add it to " + where + " in package.json"
}

// postCSSNames are the plugins that a configuration of PostCSS names, more or less.
var postCSSNames = regexp.MustCompile(`(?:require\(|from\s*)?["']([@\w./-]+)["']|(?m)^\s*['"]?([a-z@][\w@/-]*)['"]?\s*:\s*[{\[ftn]`)

// postCSSDone are what a configuration may name and is done here all the same, or is no plugin.
var postCSSDone = []string{"tailwindcss", "@tailwindcss/postcss", "autoprefixer", "tailwindcss/nesting", "postcss-import", "postcss", "plugins", "module", "path", "config", "parser", "map", "use strict", "postcss-load-config", "type", "import"}

// checkPostCSS says of a configuration of PostCSS that it is not run, where it names more than what is done here.
func (t *tree) checkPostCSS(d *diagnostics) {
	for _, p := range t.paths {
		if base := path.Base(p); !strings.HasPrefix(base, "postcss.config.") && !strings.HasPrefix(base, ".postcssrc") || t.isOutput(p) {
			continue
		}
		var others []string
		for _, m := range postCSSNames.FindAllStringSubmatch(t.files[p], 20) {
			name := m[1] + m[2]
			if !slices.Contains(postCSSDone, name) && !slices.Contains(others, name) && (strings.Contains(name, "postcss") || strings.Contains(name, "css") || m[2] != "" && strings.Contains(name, "-")) {
				others = append(others, name)
			}
		}
		if len(others) > 0 {
			d.add(p, 0, 0, SeverityWarning, "PostCSS is not run here: styles are checked and shown without %s", strings.Join(others[:min(len(others), 5)], ", "))
		}
	}
}

// originalPlace is where in a file, that a compiler made a script of, that stands which a finding in the script is about:
// compilers keep what people wrote, and move it. 0: nowhere.
func (t *tree) originalPlace(p string, l *api.Location) (line, col int) {
	text, ok := t.files[p]
	if !ok || l == nil || l.Column > len(l.LineText) {
		return 0, 0
	}
	token := strings.Trim(l.LineText[l.Column:min(len(l.LineText), l.Column+l.Length)], `"'`+"` ")
	for _, s := range []string{strings.TrimSuffix(strings.TrimSpace(l.LineText), ";"), token} {
		if len(s) < 3 {
			continue
		}
		i := strings.Index(text, s)
		if i < 0 {
			continue
		}
		if j := strings.Index(s, token); j > 0 && token != "" {
			i += j
		}
		before := text[:i]
		return 1 + strings.Count(before, "\n"), 1 + utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:])
	}
	return 0, 0
}
