package compile

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// Component is a single-file component as modules: a script, which imports its styles as style:0, style:1 and so on.
type Component struct {
	Script string
	Lang   string // js, ts, jsx or tsx
	Styles []Style
	From   []string // other files of the tree that went into it
}

// Style is a style sheet of a component. Module: its classes are names that the script imports.
type Style struct {
	CSS    string
	Module bool
}

// told is what a compiler says of a place in a component. Lines count from 1, columns from 0.
type told struct {
	Message string `json:"message"`
	Code    string `json:"code"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Offset  *int   `json:"offset"`
}

func (t told) diagnostic(compiler, file, source, severity string) Diagnostic {
	d := Diagnostic{File: file, Line: t.Line, Severity: severity, Message: compiler + ": " + firstLine(t.Message)}
	if t.Line > 0 {
		d.Column = t.Column + 1
	} else if t.Offset != nil {
		d.Line, d.Column = position(source, *t.Offset)
	}
	return d
}

// importedName finds what a script imports.
var importedName = regexp.MustCompile(`(\bfrom\s*)(["'])([^"'\n]+)(["'])`)

// typeArguments are where a component takes its properties from types, which may stand in other files.
var typeArguments = regexp.MustCompile(`\bdefine(?:Props|Emits|Slots|Model)\s*<`)

// withoutAliases writes the project's own names for paths as paths, within the lines where they stand.
func (f *files) withoutAliases(p, text string) string {
	if f.alias == nil {
		return text
	}
	return importedName.ReplaceAllStringFunc(text, func(s string) string {
		m := importedName.FindStringSubmatch(s)
		if strings.HasPrefix(m[3], ".") || strings.HasPrefix(m[3], "/") {
			return s
		}
		if at, ok := f.alias(p, m[3]); ok {
			return m[1] + m[2] + relative(folder(p), at) + m[4]
		}
		return s
	})
}

// Vue compiles a component of Vue 3.
func (s *Session) Vue(p, source string) (*Component, []Diagnostic, error) {
	e, err := s.engine("vue", p)
	if err != nil {
		return nil, nil, err
	}
	text := source
	typed := typeArguments.MatchString(source)
	if typed {
		text = s.files.withoutAliases(p, source)
	}
	sum := sha256.Sum256([]byte(p + source))
	id := hex.EncodeToString(sum[:])[:8]
	var r struct {
		Errors      []told
		Code, Lang  string
		Deps        []string
		Unsupported []struct {
			What  string
			Line  int
			Error bool
		}
		Styles []struct {
			Text, File, Lang string
			Line             int
			Scoped, Module   bool
		}
	}
	missing := ""
	answer := func(kind string, args []string) (any, error) {
		at, ok := s.files.resolve(args[0], folder(p), rules{})
		text, readable := s.files.read(at)
		if !ok || !readable {
			missing = args[0]
			return nil, &failure{Message: strconv.Quote(args[0]) + " does not exist"}
		}
		b, err := json.Marshal(map[string]string{"path": at, "text": text})
		return string(b), err
	}
	j := job{function: "component", input: map[string]any{"file": "/" + p, "source": text, "id": id}, answer: answer}
	if typed {
		j.begin = func() error { return s.showTypes(e) }
		j.used = func() []string {
			for i, d := range r.Deps {
				r.Deps[i] = strings.TrimPrefix(d, "/")
			}
			return r.Deps
		}
	}
	if err := e.call(j, &r); err != nil {
		d := s.componentProblem("Vue", p, source, err)
		if i := strings.Index(source, missing); missing != "" && i >= 0 {
			d.Line, d.Column = position(source, i)
		}
		return nil, []Diagnostic{d}, nil
	}
	var found []Diagnostic
	for _, u := range r.Unsupported {
		d := Diagnostic{File: p, Line: u.Line, Column: 1, Severity: Warning, Message: "Vue: the block " + u.What + " is not supported and left out"}
		if u.Error {
			d.Severity, d.Message = Error, "Vue: "+u.What+" is not supported: write the template in HTML"
		}
		found = append(found, d)
	}
	for _, t := range r.Errors {
		found = append(found, t.diagnostic("Vue", p, source, Error))
	}
	c := &Component{Script: r.Code, Lang: r.Lang}
	for _, d := range r.Deps {
		c.From = append(c.From, strings.TrimPrefix(d, "/"))
	}
	for _, st := range r.Styles {
		st.File = strings.TrimPrefix(st.File, "/")
		css, d := s.blockStyle(st.File, st.Text, st.Lang)
		if st.File == p {
			for i := range d {
				if d[i].File == p && d[i].Line > 0 {
					d[i].Line += st.Line - 1
				}
			}
		}
		found = append(found, d...)
		var out struct {
			CSS    string
			Errors []told
		}
		if err := e.call(job{function: "style", input: map[string]any{"file": "/" + p, "text": css, "id": id, "scoped": st.Scoped, "line": st.Line}}, &out); err != nil {
			found = append(found, s.componentProblem("Vue", p, source, err))
			continue
		}
		for _, t := range out.Errors {
			found = append(found, t.diagnostic("Vue", st.File, source, Error))
		}
		c.Styles = append(c.Styles, Style{out.CSS, st.Module})
	}
	if hasErrors(found) {
		return nil, found, nil
	}
	return c, found, nil
}

func hasErrors(list []Diagnostic) bool {
	for _, d := range list {
		if d.Severity == Error {
			return true
		}
	}
	return false
}

// showTypes lets the compiler read the project's scripts, from which components take the types of their properties.
func (s *Session) showTypes(e *engine) error {
	if e.shown {
		return nil
	}
	e.shown = true
	seen := map[string]string{}
	for p, text := range s.files.tree {
		switch path.Ext(p) {
		case ".ts", ".tsx", ".mts", ".vue":
			seen["/"+p] = s.files.withoutAliases(p, text)
		}
	}
	return e.host.Set("files", seen)
}

// componentProblem says what became of a component that could not be compiled.
func (s *Session) componentProblem(compiler, p, source string, err error) Diagnostic {
	d := Diagnostic{File: p, Severity: Error, Message: compiler + ": " + firstLine(err.Error())}
	if errors.Is(err, errTime) {
		d.Message = compiler + " takes too long on this component"
	}
	if f, ok := errors.AsType[*failure](err); ok {
		d = told{Message: f.Message, Line: f.Line, Column: f.Column, Offset: f.Offset}.diagnostic(compiler, p, source, Error)
	}
	return d
}

// svelteStyle finds the styles of a Svelte component, and comments, in which none stands.
var svelteStyle = regexp.MustCompile(`(?s)<!--.*?-->|<style((?:` + attributes.String() + `)*)\s*>(.*?)</style\s*>`)

// attributes finds the names and values of attributes, these with their quotes.
var attributes = regexp.MustCompile(`\s+([^\s=>"'/]+)(?:\s*=\s*("[^"]*"|'[^']*'|[^\s"'>]+))?`)

// Svelte compiles a component of Svelte 5, or a module with runes (.svelte.js, .svelte.ts), which is JavaScript by now.
func (s *Session) Svelte(p, source string) (*Component, []Diagnostic, error) {
	e, err := s.engine("svelte", p)
	if err != nil {
		return nil, nil, err
	}
	var found []Diagnostic
	function := "component"
	text := source
	if path.Ext(p) != ".svelte" {
		function = "module"
	} else {
		text, found = s.svelteStyles(p, source)
	}
	var r struct {
		Code, CSS string
		Warnings  []told
	}
	if err := e.call(job{function: function, input: map[string]any{"file": p, "source": text, "options": s.svelteOptions(p)}}, &r); err != nil {
		d := s.componentProblem("Svelte", p, source, err)
		if f, ok := errors.AsType[*failure](err); ok && strings.Contains(f.Code, "typescript_invalid_feature") {
			d.Message += " (enums, decorators and the like belong into a .ts file)"
		}
		return nil, append(found, d), nil
	}
	for _, w := range r.Warnings {
		found = append(found, w.diagnostic("Svelte", p, source, Warning))
	}
	c := &Component{Script: r.Code, Lang: "js"}
	if r.CSS != "" {
		c.Styles = []Style{{CSS: r.CSS}}
		c.Script += "\nimport \"style:0\";\n"
	}
	if hasErrors(found) {
		return nil, found, nil
	}
	return c, found, nil
}

// svelteStyles compiles the styles of a component where they stand. Their attributes stay: the compiler takes any.
func (s *Session) svelteStyles(p, source string) (string, []Diagnostic) {
	var found []Diagnostic
	var out strings.Builder
	done := 0
	for _, m := range svelteStyle.FindAllStringSubmatchIndex(source, -1) {
		if m[2] < 0 {
			continue
		}
		lang := "css"
		for _, a := range attributes.FindAllStringSubmatch(source[m[2]:m[3]], -1) {
			if a[1] == "lang" {
				lang = strings.TrimSpace(strings.Trim(a[2], `"'`))
			}
		}
		begin, end := m[len(m)-2], m[len(m)-1]
		css, d := s.blockStyle(p, source[begin:end], lang)
		line, _ := position(source, begin)
		for i := range d {
			if d[i].File == p && d[i].Line > 0 {
				d[i].Line += line - 1
			}
		}
		found = append(found, d...)
		out.WriteString(source[done:begin] + css)
		done = end
	}
	return out.String() + source[done:], found
}

var (
	runesOption   = regexp.MustCompile(`\brunes\s*:\s*(true|false)\b`)
	elementOption = regexp.MustCompile(`\bcustomElement\s*:\s*true\b`)
)

// svelteOptions are the plain options of a project's configuration.
//
// Known hole: what a configuration computes.
func (s *Session) svelteOptions(p string) map[string]any {
	out := map[string]any{}
	for _, name := range []string{"svelte.config.js", "svelte.config.mjs", "svelte.config.ts", "vite.config.js", "vite.config.ts", "vite.config.mjs"} {
		text := s.files.tree[path.Join(s.files.rootOf(p), name)]
		if m := runesOption.FindStringSubmatch(text); m != nil {
			out["runes"] = m[1] == "true"
		}
		if elementOption.MatchString(text) {
			out["customElement"] = true
		}
	}
	return out
}

// StyleSheet compiles a style sheet that lies at p and is written in lang: css, scss, sass, less. Where the project has no
// compiler for it, it says [ErrNoCompiler], unless it is one of findings.
func (s *Session) StyleSheet(p, text, lang string) (css string, found []Diagnostic, err error) {
	switch lang {
	case "css", "postcss", "pcss", "":
	case "scss", "sass", "less":
		if text, found, err = s.preprocessed(p, text, lang); err != nil || len(found) > 0 {
			return "", found, err
		}
	default:
		return "", []Diagnostic{{File: p, Line: 1, Column: 1, Severity: Warning, Message: "Styles in " + lang + " are not checked and not shown: write them in CSS"}}, nil
	}
	if !s.UsesTailwind(p, text) {
		return text, nil, nil
	}
	out, found, err := s.Tailwind(p, text)
	switch {
	case errors.Is(err, ErrNoCompiler) && len(found) > 0: // of a version that is not known here
		return text, found, nil
	case errors.Is(err, ErrNoCompiler):
		return text, nil, err
	case err != nil:
		return "", []Diagnostic{{File: p, Severity: Error, Message: "Tailwind: " + firstLine(err.Error())}}, nil
	case out == nil:
		return "", found, nil
	}
	return out.CSS, found, nil
}

// blockStyle compiles a style that stands in a component. What has no compiler is told, and left out.
func (s *Session) blockStyle(p, text, lang string) (string, []Diagnostic) {
	css, found, err := s.StyleSheet(p, text, lang)
	if err == nil {
		return css, found
	}
	name := map[string]string{"scss": "sass", "sass": "sass", "less": "less"}[lang]
	if name == "" {
		name = "tailwindcss"
	}
	return css, append(found, Diagnostic{File: p, Line: 1, Column: 1, Severity: Warning,
		Message: "These styles are not checked and not shown as they are meant: they need the package " + strconv.Quote(name) + ", which the project does not have. Add it to devDependencies in package.json"})
}
