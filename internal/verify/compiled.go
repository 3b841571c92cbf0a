package verify

import (
	"context"
	"errors"
	"path"
	"strconv"
	"strings"

	"github.com/evanw/esbuild/pkg/api"

	"codeforge/internal/compile"
)

// A file in a language of its own becomes, before anything else is done with it, a script or style sheet that stands in
// its place (tree.source), with the styles of a component as files of their own, as inline bodies of a page are. This is
// the one place where that happens. What has no compiler here stays as it is, and is told of where it is imported.

// compileFiles compiles what needs it, by the compilers that the project has as packages.
func (t *tree) compileFiles(ctx context.Context, d *diagnostics) {
	if t.modules == nil {
		return
	}
	s := compile.NewSession(ctx, compile.Project{Files: t.files, Packages: t.modules.packages,
		Alias: func(from, name string) (string, bool) {
			r := t.lookup(from, name)
			return r.target, r.outcome == found
		},
		Ignored: t.ignored,
	})
	texts := map[string]string{} // of styles, added when all is read: the compilers see the files as they are
	for _, p := range t.paths {
		if t.isOutput(p) || isSample(p) {
			continue
		}
		c, found, err := t.compileFile(ctx, s, p)
		for _, f := range found {
			d.add(f.File, f.Line, f.Column, f.Severity, "%s", f.Message)
		}
		switch {
		case errors.Is(err, compile.ErrNoCompiler):
			continue
		case err != nil:
			d.add(p, 0, 0, SeverityError, "It cannot be compiled: %s", err.Error())
			t.loaders[p], t.source[p] = api.LoaderJS, "export default {};" // so that this is all that is said of it
			continue
		case c == nil:
			continue
		}
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
	for q, text := range texts {
		t.files[q] = text
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
	ext := strings.ToLower(path.Ext(p))
	component := func(run func(p, source string) (*compile.Component, []compile.Diagnostic, error)) (*compiledFile, []compile.Diagnostic, error) {
		noteFile(ctx, p)
		c, found, err := run(p, text)
		if err != nil || c == nil {
			return nil, found, err
		}
		return &compiledFile{text: c.Script, loader: loaders["."+c.Lang], styles: c.Styles}, found, nil
	}
	switch {
	case ext == ".vue":
		return component(s.Vue)
	case ext == ".svelte", strings.HasSuffix(p, ".svelte.js"), strings.HasSuffix(p, ".svelte.ts"):
		return component(s.Svelte)
	case ext == ".scss", ext == ".sass", ext == ".less":
		if strings.HasPrefix(path.Base(p), "_") {
			return nil, nil, nil // a part of others
		}
		noteFile(ctx, p)
		css, found := s.StyleSheet(p, text, ext[1:])
		if css == "" && strings.TrimSpace(text) != "" {
			return nil, nil, compile.ErrNoCompiler
		}
		return &compiledFile{text: css, loader: styleLoader(p)}, found, nil
	case ext == ".css" && s.UsesTailwind(p, text):
		noteFile(ctx, p)
		styles, found, err := s.Tailwind(p, text)
		if err != nil || styles == nil {
			return nil, found, err
		}
		return &compiledFile{text: styles.CSS, loader: styleLoader(p)}, found, nil
	}
	return nil, nil, nil
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
