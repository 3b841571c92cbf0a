package compile

import (
	"encoding/json"
	"errors"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
)

// tailwind is what a session knows of Tailwind's sources: which words stand in which file.
type tailwind struct {
	words map[string][]string // candidates by file and, after a NUL, by version
}

// Styles is a style sheet as browsers take it.
type Styles struct {
	CSS  string
	From []string // the style sheets of the tree that went into it, beside the one itself
}

var (
	tailwindMark = regexp.MustCompile(`@(tailwind|apply|theme|utility|variant|custom-variant|plugin|config|source|reference|screen|responsive|variants)\b|\btheme\(|--(alpha|spacing)\(`)
	tailwindName = regexp.MustCompile(`@(?:import|reference)\s+(?:url\()?["']tailwindcss(?:/[\w./-]*)?["']`)
)

// UsesTailwind reports whether a style sheet, or one that it imports, is written for Tailwind.
func (s *Session) UsesTailwind(p, css string) bool {
	uses := false
	s.files.sheets(p, css, func(_, text string) {
		uses = uses || tailwindMark.MatchString(text) || tailwindName.MatchString(text)
	})
	return uses
}

// Tailwind compiles the text of a style sheet that lies at p, with Tailwind's package. What it imports of the project and
// of packages is in the result; addresses in it are relative to p.
func (s *Session) Tailwind(p, css string) (*Styles, []Diagnostic, error) {
	place, ok := s.files.find(p, "tailwindcss")
	if !ok {
		return nil, nil, ErrNoCompiler
	}
	if s.tailwind == nil {
		s.tailwind = &tailwind{words: map[string][]string{}}
	}
	major := "0"
	if m := s.files.manifest(place); m != nil {
		major, _, _ = strings.Cut(m.Version, ".")
	}
	run := s.tailwind4
	switch major {
	case "3":
		run = s.tailwind3
	case "4":
	default:
		return nil, []Diagnostic{{File: p, Severity: Warning, Message: "Tailwind " + major + " is not supported: this style sheet is shown without what it makes"}}, ErrNoCompiler
	}
	out := &Styles{}
	s.files.sheets(p, css, func(q, _ string) {
		if place, _ := split(q); place == "" && q != p {
			out.From = append(out.From, q)
		}
	})
	var found []Diagnostic
	for range maxRounds {
		var err error
		out.CSS, err = run(p, css)
		if err == nil {
			break
		}
		d, rest := s.tailwindProblem(p, css, err)
		if len(found) > 0 && strings.Contains(d.Message, "``") {
			break // an @apply has nothing left
		}
		found = append(found, d)
		if rest == "" {
			break
		}
		css = rest
	}
	if len(found) > 0 {
		return nil, found, nil
	}
	return out, nil, nil
}

// maxRounds is how many unknown classes of one style sheet are told at most: Tailwind stops at the first.
const maxRounds = 5

// tailwind4 runs Tailwind 4.
func (s *Session) tailwind4(p, css string) (string, error) {
	e, err := s.engine("tailwind4", p)
	if err != nil {
		return "", err
	}
	answer := func(kind string, args []string) (any, error) {
		switch kind {
		case "stylesheet":
			at, ok := s.files.sheet(args[0], strings.Trim(args[1], "/"))
			if !ok {
				return nil, &failure{Message: "Could not resolve `" + args[0] + "`"}
			}
			text, ok := s.files.read(at)
			if !ok {
				return nil, &failure{Message: "Could not read `" + at + "`"}
			}
			if !isOwnSheet(at) {
				text = rebase(text, folder(at), folder(p))
			}
			b, err := json.Marshal(map[string]string{"path": "/" + at, "base": "/" + folder(at), "content": text})
			return string(b), err
		case "module":
			at, ok := s.module(args[0], strings.Trim(args[1], "/"))
			if !ok {
				return nil, &failure{Message: "Could not resolve `" + args[0] + "`"}
			}
			return s.script(at)
		case "candidates":
			return s.tailwind4Words(p, args[0])
		}
		return nil, errors.New("unknown question " + kind)
	}
	var out string
	err = e.call(job{function: "build", input: map[string]any{"css": css, "file": "/" + p, "base": "/" + folder(p)}, answer: answer}, &out)
	return out, err
}

// isOwnSheet reports whether a style sheet is one of Tailwind's, which name no files.
func isOwnSheet(p string) bool {
	place, _ := split(p)
	return strings.HasSuffix(place, "node_modules/tailwindcss")
}

// module finds a script that a style sheet names: a plugin, a configuration.
func (s *Session) module(name, dir string) (string, bool) {
	if p, ok := s.files.resolve(name, dir, importRules); ok {
		return p, true
	}
	return s.files.resolve(name, dir, requireRules)
}

// script is a script of the project, or of a package, with all that it imports.
func (s *Session) script(p string) (any, error) {
	b := &bundler{files: s.files}
	name, _ := json.Marshal("/" + p) // a string has no way to fail
	text, err := b.bundle("import * as m from "+string(name)+"; export const value = m;", folder(p), "loaded")
	if err != nil {
		return nil, &loadError{p, err}
	}
	return &brought{"/" + p, "/" + folder(p), text}, nil
}

// loadError is when a script of a project, or of a package for it, cannot be evaluated.
type loadError struct {
	file string
	err  error
}

func (e *loadError) Error() string { return e.err.Error() }
func (e *loadError) Unwrap() error { return e.err }

// tailwind4Words answers which classes the sources name. question tells which sources, as the compiler has them.
func (s *Session) tailwind4Words(p, question string) (string, error) {
	var q struct {
		Root    json.RawMessage
		Sources []sourceGlob
	}
	if err := json.Unmarshal([]byte(question), &q); err != nil {
		return "", err
	}
	var root sourceGlob
	switch {
	case string(q.Root) == `"none"`:
	case json.Unmarshal(q.Root, &root) == nil && root.Pattern != "":
		q.Sources = append([]sourceGlob{root}, q.Sources...)
	default:
		q.Sources = append([]sourceGlob{{Base: "/" + s.files.rootOf(p), Pattern: "**/*"}}, q.Sources...)
	}
	words := map[string]bool{}
	for _, f := range s.files.sources(q.Sources) {
		for _, w := range s.wordsOf(f, 4) {
			words[w] = true
		}
	}
	return asJSON(words)
}

// asJSON tells names as JSON, sorted.
func asJSON(names map[string]bool) (string, error) {
	b, err := json.Marshal(append([]string{}, slices.Sorted(maps.Keys(names))...))
	return string(b), err
}

// wordsOf are the words of a file that may be classes.
func (s *Session) wordsOf(p string, version byte) []string {
	key := p + "\x00" + string(version)
	if w, ok := s.tailwind.words[key]; ok {
		return w
	}
	text, _ := s.files.read(p)
	found := map[string]bool{}
	add := func(w string) { found[w] = true }
	if strings.EqualFold(path.Ext(p), ".css") {
		usedProperties(text, add)
	} else {
		classWords(p, text, add)
		if version == 3 {
			looseWords(text, add)
		}
	}
	w := slices.Collect(maps.Keys(found))
	s.tailwind.words[key] = w
	return w
}

// looseWords adds what the scanner of Tailwind 3 takes besides: what stands between quotes, brackets and white space.
func looseWords(text string, add func(string)) {
	for word := range strings.FieldsFuncSeq(text, func(r rune) bool { return isSpace(byte(min(r, 0x7f))) || strings.ContainsRune("<>\"'`(){}[]#=%$", r) }) {
		word = strings.Trim(strings.TrimRight(word, ".:"), ".")
		if len(word) < 2 || len(word) > 500 {
			continue
		}
		add(word)
		parts := strings.Split(word, ".")
		for i := 0; i < len(parts) && len(parts) > 1; i++ {
			if i+1 < len(parts) && isNumber(parts[i+1]) {
				i++ // px-1.5 is one word
			} else if parts[i] != "" {
				add(parts[i])
			}
		}
	}
}

func isNumber(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' }) < 0
}

// tailwind3 runs Tailwind 3 on a style sheet into which its imports were put.
func (s *Session) tailwind3(p, css string) (string, error) {
	e, err := s.engine("tailwind3", p)
	if err != nil {
		return "", err
	}
	css = s.files.inline(p, css)
	config := s.tailwindConfig(p, css)
	answer := func(kind string, args []string) (any, error) {
		switch kind {
		case "module":
			return s.script(args[0])
		case "content":
			return s.tailwind3Content(config, p, args[0])
		}
		return nil, errors.New("unknown question " + kind)
	}
	var out string
	err = e.call(job{function: "build", input: map[string]any{"css": withoutConfig(css), "file": "/" + p, "config": config}, answer: answer}, &out)
	return out, err
}

// tailwindConfig is the configuration for a style sheet: the one that it names, or the nearest.
func (s *Session) tailwindConfig(p, css string) string {
	for _, r := range statements(css, "config") {
		name, _ := importOf(r.params)
		if at, ok := s.files.resolve(name, folder(p), importRules); ok {
			return at
		}
	}
	for d := folder(p); ; d = folder(d) {
		for _, ext := range []string{".js", ".cjs", ".mjs", ".ts", ".cts", ".mts"} {
			if at := path.Join(d, "tailwind.config"+ext); s.files.has(at) {
				return at
			}
		}
		if d == "" {
			return ""
		}
	}
}

func withoutConfig(css string) string {
	list := statements(css, "config")
	for i := len(list) - 1; i >= 0; i-- {
		css = css[:list[i].start] + css[list[i].end:]
	}
	return css
}

// tailwind3Content answers what the content of a configuration names: words, or whole texts for an extractor of its own.
func (s *Session) tailwind3Content(config, p, question string) (string, error) {
	var q struct {
		Globs    []string
		Relative bool
		Texts    bool
	}
	if err := json.Unmarshal([]byte(question), &q); err != nil {
		return "", err
	}
	base := s.files.rootOf(p)
	if config != "" && (q.Relative || base == "") {
		base = folder(config)
	}
	var list []sourceGlob
	for _, g := range q.Globs {
		negated := strings.HasPrefix(g, "!")
		list = append(list, sourceGlob{Base: "/" + base, Pattern: strings.TrimPrefix(g, "!"), Negated: negated, explicit: true})
	}
	found := s.files.sources(list)
	if q.Texts {
		type text struct {
			Text      string `json:"text"`
			Extension string `json:"extension"`
		}
		out := []text{}
		for _, f := range found {
			t, _ := s.files.read(f)
			out = append(out, text{t, strings.TrimPrefix(path.Ext(f), ".")})
		}
		b, err := json.Marshal(out)
		return string(b), err
	}
	words := map[string]bool{}
	for _, f := range found {
		for _, w := range s.wordsOf(f, 3) {
			words[w] = true
		}
	}
	return asJSON(words)
}

// backquoted are the words that a message of Tailwind's quotes.
var backquoted = regexp.MustCompile("`([^`]+)`")

// tailwindProblem says where what went wrong stands. rest is the style sheet without it, when more can be found then.
func (s *Session) tailwindProblem(p, css string, err error) (d Diagnostic, rest string) {
	d = Diagnostic{File: p, Severity: Error, Message: "Tailwind: " + firstLine(err.Error())}
	if errors.Is(err, errTime) {
		d.Message = "Tailwind takes too long on this style sheet, its configuration or a plugin"
		return d, ""
	}
	if l, ok := errors.AsType[*loadError](err); ok {
		return s.loadProblem(p, l), ""
	}
	f, ok := errors.AsType[*failure](err)
	if !ok {
		return d, ""
	}
	if at := strings.TrimPrefix(f.File, "/"); f.Line > 0 && at == p && s.files.inline(p, css) == css {
		d.Line, d.Column = f.Line, max(f.Column, 1)
	}
	if m := backquoted.FindStringSubmatch(f.Message); m != nil {
		s.files.sheets(p, css, func(q, text string) {
			place, _ := split(q)
			i := wordIn(text, m[1])
			if place != "" || i < 0 || d.File != p || d.Line > 0 && q != p {
				return
			}
			if d.Line == 0 || q != p {
				d.File = q
				d.Line, d.Column = position(text, i)
			}
			if strings.Contains(f.Message, "class") && q == p { // once more without it
				rest = text[:i] + strings.Repeat(" ", len(m[1])) + text[i+len(m[1]):]
			}
		})
	}
	return d, rest
}

// loadProblem says what is wrong with a script that a style sheet, or a configuration, brings.
func (s *Session) loadProblem(from string, l *loadError) Diagnostic {
	if b, ok := errors.AsType[*buildError](l.err); ok {
		d := b.diagnostic(l.file)
		d.Message = "Tailwind's configuration: " + d.Message
		return d
	}
	d := Diagnostic{File: l.file, Severity: Error, Message: "Tailwind: " + firstLine(l.err.Error())}
	if place, _ := split(l.file); place != "" {
		d.File, d.Message = from, "Tailwind: the plugin "+path.Base(place)+" cannot be loaded: "+firstLine(l.err.Error())
	} else if m := quotedName.FindStringSubmatch(l.err.Error()); m != nil {
		if text, ok := s.files.read(l.file); ok {
			if i := strings.Index(text, m[1]); i >= 0 {
				d.Line, d.Column = position(text, i)
			}
		}
	}
	return d
}

var quotedName = regexp.MustCompile(`["'\x60]([^"'\x60]+)["'\x60]`)

// wordIn is where a word, or a call, stands in a style sheet by itself; -1: nowhere.
func wordIn(css, word string) int {
	for from := 0; ; {
		i := strings.Index(css[from:], word)
		if i < 0 {
			return -1
		}
		i += from
		if !inName(at(css, i-1)) && !inName(at(css, i+len(word))) {
			return i
		}
		from = i + len(word)
	}
}
