package compile

import (
	"path"
	"strings"
)

// What is read here of style sheets is where comments, strings, at-rules and addresses stand; Tailwind and the bundler read
// the rest.

// skipCSS returns where a comment or a string that begins at i ends; i: neither does.
func skipCSS(s string, i int) int {
	switch {
	case strings.HasPrefix(s[i:], "/*"):
		if end := strings.Index(s[i+2:], "*/"); end >= 0 {
			return i + 2 + end + 2
		}
		return len(s)
	case s[i] == '"' || s[i] == '\'':
		for j := i + 1; j < len(s); j++ {
			switch s[j] {
			case '\\':
				j++
			case s[i]:
				return j + 1
			case '\n':
				return j
			}
		}
		return len(s)
	}
	return i
}

// atRule is an at-rule without a block: @import "a.css" layer(x);
type atRule struct {
	start, end int // with its semicolon
	name       string
	params     string
}

// statements finds the at-rules of these names that stand outside of blocks.
func statements(s string, names ...string) (out []atRule) {
	depth := 0
	for i := 0; i < len(s); {
		if end := skipCSS(s, i); end > i {
			i = end
			continue
		}
		switch s[i] {
		case '{':
			depth++
		case '}':
			depth--
		case '@':
			if depth > 0 {
				break
			}
			for _, name := range names {
				rest := s[i+1:]
				if len(rest) <= len(name) || !strings.EqualFold(rest[:len(name)], name) || inName(rest[len(name)]) {
					continue
				}
				end := statementEnd(s, i)
				if end < len(s) && s[end] == '{' {
					break
				}
				out = append(out, atRule{i, min(end+1, len(s)), name, strings.TrimSpace(s[i+1+len(name) : end])})
				i = end
				break
			}
		}
		i++
	}
	return out
}

// statementEnd is where the semicolon, or the block, of an at-rule at i stands.
func statementEnd(s string, i int) int {
	parens := 0
	for i < len(s) {
		if end := skipCSS(s, i); end > i {
			i = end
			continue
		}
		switch s[i] {
		case '(':
			parens++
		case ')':
			parens--
		case ';', '{', '}':
			if parens <= 0 {
				return i
			}
		}
		i++
	}
	return i
}

// importOf reads what @import names and what follows it.
func importOf(params string) (name, rest string) {
	p := params
	if strings.HasPrefix(strings.ToLower(p), "url(") {
		end := strings.IndexByte(p, ')')
		if end < 0 {
			return "", ""
		}
		return strings.Trim(strings.TrimSpace(p[4:end]), `"'`), strings.TrimSpace(p[end+1:])
	}
	if p == "" || p[0] != '"' && p[0] != '\'' {
		return "", ""
	}
	end := skipCSS(p, 0)
	if end < 2 {
		return "", ""
	}
	return p[1 : end-1], strings.TrimSpace(p[end:])
}

// isElsewhere reports whether an address leads out of the project.
func isElsewhere(u string) bool {
	return strings.HasPrefix(u, "//") || strings.Contains(u, "://") || strings.HasPrefix(strings.ToLower(u), "data:") || strings.HasPrefix(u, "#") || u == ""
}

// rebase rewrites the relative addresses of a style sheet that is moved from one folder to another.
func rebase(s, from, to string) string {
	if from == to || !strings.Contains(s, "url(") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		if end := skipCSS(s, i); end > i {
			b.WriteString(s[i:end])
			i = end
			continue
		}
		if !strings.HasPrefix(s[i:], "url(") || i > 0 && inName(s[i-1]) {
			b.WriteByte(s[i])
			i++
			continue
		}
		end := strings.IndexByte(s[i:], ')')
		if end < 0 {
			b.WriteString(s[i:])
			break
		}
		inner := strings.TrimSpace(s[i+4 : i+end])
		if inner != "" && (inner[0] == '"' || inner[0] == '\'') {
			if e := skipCSS(s, i+4+strings.IndexByte(s[i+4:], inner[0])); e > i+end {
				end = e - i + max(strings.IndexByte(s[e:], ')'), 0)
				inner = strings.TrimSpace(s[i+4 : i+end])
			}
		}
		u := strings.Trim(inner, `"'`)
		if isElsewhere(u) || strings.HasPrefix(u, "/") || strings.Contains(u, "(") || isBare(u) {
			b.WriteString(s[i : i+end+1])
		} else {
			b.WriteString(`url("` + relative(to, path.Join(from, u)) + `")`)
		}
		i += end + 1
	}
	return b.String()
}

// isBare reports whether an address names a package as bundlers take it: ~pkg/a.png
func isBare(u string) bool { return strings.HasPrefix(u, "~") || strings.HasPrefix(u, "@/") }

// relative is the way from a folder to a file.
func relative(dir, file string) string {
	a, b := strings.Split(dir, "/"), strings.Split(file, "/")
	if dir == "" {
		a = nil
	}
	for len(a) > 0 && len(b) > 1 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	up := strings.Repeat("../", len(a))
	if up == "" {
		up = "./"
	}
	return up + strings.Join(b, "/")
}

// sheets follows imports from a style sheet that lies at p, and calls visit with each sheet that is there.
func (f *files) sheets(p, css string, visit func(p, css string)) {
	seen := map[string]bool{p: true}
	var follow func(p, css string)
	follow = func(p, css string) {
		visit(p, css)
		for _, r := range statements(css, "import", "reference") {
			name, _ := importOf(r.params)
			if name == "" || isElsewhere(name) {
				continue
			}
			if at, ok := f.sheet(name, folder(p)); ok && !seen[at] && len(seen) < maxSheets {
				seen[at] = true
				if text, ok := f.read(at); ok {
					follow(at, text)
				}
			}
		}
	}
	follow(p, css)
}

// maxSheets bounds how many style sheets one imports.
const maxSheets = 500

// sheet finds a style sheet by what an import says.
func (f *files) sheet(name, dir string) (string, bool) {
	name, _, _ = strings.Cut(name, "?")
	name = strings.TrimPrefix(name, "~")
	if !strings.HasPrefix(name, ".") && !strings.HasPrefix(name, "/") {
		if p, ok := f.resolve("./"+name, dir, rules{endings: styleRules.endings}); ok {
			return p, true
		}
		if f.alias != nil {
			if p, ok := f.alias(path.Join(dir, "x.css"), name); ok {
				return p, true
			}
		}
	}
	return f.resolve(name, dir, styleRules)
}

// inline puts what a style sheet imports in the place of the import, as tools do before they look for Tailwind's at-rules.
func (f *files) inline(p, css string) string {
	budget := maxInlined
	var expand func(p, css, to string, above []string) string
	expand = func(p, css, to string, above []string) string {
		var b strings.Builder
		last := 0
		for _, r := range statements(css, "import") {
			name, rest := importOf(r.params)
			if name == "" || isElsewhere(name) {
				continue
			}
			at, ok := f.sheet(name, folder(p))
			if !ok {
				continue // the bundler says so
			}
			text := ""
			for _, a := range above {
				ok = ok && a != at
			}
			if ok && len(above) < 50 && budget > 0 {
				text, _ = f.read(at)
				budget -= len(text)
				text = expand(at, text, to, append(above[:len(above):len(above)], at))
			}
			b.WriteString(rebase(css[last:r.start], folder(p), to))
			b.WriteString(conditioned(text, rest))
			last = r.end
		}
		b.WriteString(rebase(css[last:], folder(p), to))
		return b.String()
	}
	return expand(p, css, folder(p), []string{p})
}

// maxInlined bounds the text that imports of one style sheet bring.
const maxInlined = 4_000_000

// conditioned wraps a style sheet in what its import says: a layer, supports, media.
func conditioned(css, rest string) string {
	lower := strings.ToLower(rest)
	switch {
	case rest == "":
		return css
	case lower == "layer":
		return "@layer {\n" + css + "\n}\n"
	case strings.HasPrefix(lower, "layer("), strings.HasPrefix(lower, "supports("):
		end := closingParen(rest, strings.IndexByte(rest, '('))
		if end < 0 {
			return css
		}
		inner := rest[strings.IndexByte(rest, '(')+1 : end]
		css = conditioned(css, strings.TrimSpace(rest[end+1:]))
		if lower[0] == 'l' {
			return "@layer " + inner + " {\n" + css + "\n}\n"
		}
		return "@supports (" + inner + ") {\n" + css + "\n}\n"
	}
	return "@media " + rest + " {\n" + css + "\n}\n"
}

func closingParen(s string, i int) int {
	depth := 0
	for ; i >= 0 && i < len(s); i++ {
		switch s[i] {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}
