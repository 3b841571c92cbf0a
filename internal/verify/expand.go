package verify

import (
	"encoding/json"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// expansion is a script after what only a bundler understands was written out: import.meta.glob and require.context
// become the modules that they list, and a URL that is made of a file's path becomes that file's address.
type expansion struct {
	source string
	urls   []string // files that are named by their address: workers and assets
}

var (
	globCall    = regexp.MustCompile(`import\.meta\.(?:glob|globEager)\b\s*`)
	contextCall = regexp.MustCompile(`require\.context\s*\(`)
	urlCall     = regexp.MustCompile(`new\s+URL\(\s*(?:/\*[^*]*\*/\s*)?(['"\x60])([^'"\x60\n$]{1,500})['"\x60]\s*,\s*import\.meta\.url\s*,?\s*\)`)
	textArg     = regexp.MustCompile(`^\s*(?:'([^'\n]*)'|"([^"\n]*)"|\x60([^\x60$]*)\x60)\s*`)
	regexArg    = regexp.MustCompile(`^\s*/((?:[^/\\\n\[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+)/([a-z]*)\s*`)
	globOption  = regexp.MustCompile(`['"]?\b(eager|import|query|as|base|exhaustive)['"]?\s*:\s*(?:'([^'\n]*)'|"([^"\n]*)"|(true|false))`)
)

// maxListed bounds the modules that the globs of one file list.
const maxListed = 2_000

// mayExpand is a cheap look whether expand has anything to do.
func mayExpand(content string) bool {
	return strings.Contains(content, "import.meta.") || strings.Contains(content, "require.context")
}

// expand keeps every line where it was. note reports, at an offset, what cannot be written out.
func (t *tree) expand(p, content string, note func(offset int, text string)) expansion {
	x := expansion{source: content}
	if !mayExpand(content) {
		return x
	}
	type edit struct {
		start, end int
		text       string
	}
	var edits []edit
	var imports strings.Builder
	listed := 0
	for _, m := range globCall.FindAllStringIndex(content, 500) {
		if inComment(content, m[0]) {
			continue
		}
		g, end, ok := parseGlob(content, m[1])
		if !ok {
			note(m[0], "This import.meta.glob is not written with plain texts, so a preview lists nothing for it")
			if end > m[0] {
				edits = append(edits, edit{m[0], end, "({})"})
			}
			continue
		}
		if strings.HasPrefix(content[m[0]:], "import.meta.globEager") {
			g.eager = true
		}
		edits = append(edits, edit{m[0], end, t.writeGlob(p, g, &listed, &imports, len(edits))})
	}
	for _, m := range contextCall.FindAllStringIndex(content, 500) {
		if inComment(content, m[0]) {
			continue
		}
		text, end, ok := t.writeContext(p, content, m[1], &listed)
		if !ok {
			note(m[0], "This require.context is not written with plain values, so a preview lists nothing for it")
			continue
		}
		edits = append(edits, edit{m[0], end, text})
	}
	for _, m := range urlCall.FindAllStringSubmatchIndex(content, 500) {
		spec := content[m[4]:m[5]]
		if inComment(content, m[0]) || isExternalURL(spec) {
			continue
		}
		r := t.lookup(p, spec)
		if r.outcome != found && !isRelative(spec) && spec[0] != '/' {
			r = t.lookup(p, "./"+spec)
		}
		if r.outcome != found || !t.has(r.target) {
			if !isBinary(spec) && !strings.HasSuffix(spec, "/") && spec != "." && spec != ".." && isStored(spec) {
				note(m[4], "The project has no file "+strconv.Quote(spec)+" for this URL")
			}
			continue
		}
		x.urls = append(x.urls, r.target)
		text, _ := json.Marshal(address(r.target) + r.suffix)
		edits = append(edits, edit{m[2], m[5] + 1, string(text)})
	}
	if len(edits) == 0 {
		return x
	}
	slices.SortStableFunc(edits, func(a, b edit) int { return a.start - b.start })
	var out strings.Builder
	at := 0
	for _, e := range edits {
		if e.start < at {
			continue
		}
		out.WriteString(content[at:e.start])
		out.WriteString(e.text)
		// What follows keeps its line.
		out.WriteString(strings.Repeat("\n", strings.Count(content[e.start:e.end], "\n")))
		at = e.end
	}
	out.WriteString(content[at:])
	if imports.Len() > 0 {
		out.WriteString("\n" + imports.String())
	}
	x.source = out.String()
	return x
}

// inComment reports whether a line comment, or a line of a block comment as people write them, stands before an offset.
func inComment(content string, at int) bool {
	line := content[strings.LastIndexByte(content[:at], '\n')+1 : at]
	trimmed := strings.TrimSpace(line)
	return strings.HasPrefix(trimmed, "//") || strings.HasPrefix(trimmed, "*") || strings.HasPrefix(trimmed, "/*") && !strings.Contains(trimmed, "*/") || strings.Contains(line, " // ")
}

type globbed struct {
	patterns            []string
	eager               bool
	name, query, folder string
}

// parseGlob reads the arguments of import.meta.glob, type arguments before them included. end is 0 when the call's own
// end is not found.
func parseGlob(content string, at int) (g globbed, end int, ok bool) {
	rest := content[at:]
	if strings.HasPrefix(rest, "<") {
		depth := 0
		i := strings.IndexFunc(rest, func(r rune) bool {
			switch r {
			case '<':
				depth++
			case '>':
				depth--
			}
			return depth == 0
		})
		if i < 0 || i > 2_000 {
			return g, 0, false
		}
		at += i + 1
		at += len(content[at:]) - len(strings.TrimLeft(content[at:], " \t\r\n"))
		rest = content[at:]
	}
	if !strings.HasPrefix(rest, "(") {
		return g, 0, false
	}
	args, ok := bracketed(rest)
	if !ok {
		return g, 0, false
	}
	end = at + len(args)
	inner := args[1 : len(args)-1]
	take := func() bool {
		m := textArg.FindStringSubmatch(inner)
		if m == nil {
			return false
		}
		g.patterns = append(g.patterns, m[1]+m[2]+m[3])
		inner = inner[len(m[0]):]
		return true
	}
	if trimmed := strings.TrimLeft(inner, " \t\r\n"); strings.HasPrefix(trimmed, "[") {
		inner = trimmed[1:]
		for take() {
			inner = strings.TrimPrefix(inner, ",")
		}
		inner = strings.TrimLeft(inner, " \t\r\n")
		if !strings.HasPrefix(inner, "]") {
			return g, end, false
		}
		inner = inner[1:]
	} else if !take() {
		return g, end, false
	}
	if inner = strings.Trim(inner, ", \t\r\n"); inner != "" && inner[0] != '{' {
		return g, end, false
	}
	for _, m := range globOption.FindAllStringSubmatch(inner, 20) {
		value := m[2] + m[3]
		switch m[1] {
		case "eager":
			g.eager = m[4] == "true"
		case "import":
			g.name = value
		case "query":
			g.query = "?" + strings.TrimPrefix(value, "?")
		case "as":
			g.query = "?" + value
			g.name = "default"
		case "base":
			g.folder = value
		}
	}
	return g, end, len(g.patterns) > 0
}

// bracketed returns what is from an opening bracket to the one that closes it.
func bracketed(s string) (string, bool) {
	depth := 0
	for i := 0; i < len(s) && i < 20_000; i++ {
		switch s[i] {
		case '\'', '"', '`':
			end := strings.IndexByte(s[i+1:], s[i])
			if end < 0 {
				return "", false
			}
			i += end + 1
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			if depth--; depth == 0 {
				return s[:i+1], true
			}
		}
	}
	return "", false
}

// writeGlob returns the object that a glob stands for.
func (t *tree) writeGlob(p string, g globbed, listed *int, imports *strings.Builder, call int) string {
	from := path.Dir(fileOf(p))
	if g.folder != "" {
		from = path.Join(from, g.folder)
	}
	root := "."
	for dir := range ancestors(from) {
		if s := t.settings[dir]; s != nil && s.pkg != nil {
			root = dir
			break
		}
	}
	type rule struct {
		match   *regexp.Regexp
		not     bool
		literal string // the folder that all matches lie in
	}
	var rules []rule
	for _, pattern := range g.patterns[:min(len(g.patterns), 20)] {
		pattern, not := strings.CutPrefix(pattern, "!")
		full := ""
		switch {
		case strings.HasPrefix(pattern, "/"):
			full = path.Join(root, pattern)
		case isRelative(pattern), strings.HasPrefix(pattern, "**"):
			full = path.Join(from, pattern)
		default: // an alias: the part before the first wildcard is resolved
			fixed, rest := pattern, ""
			if i := strings.IndexAny(pattern, "*{["); i >= 0 {
				fixed, rest = pattern[:i], pattern[i:]
			}
			fixed = strings.TrimSuffix(fixed, "/")
			for dir := range ancestors(from) {
				s := t.settings[dir]
				if s == nil {
					continue
				}
				lists := []*patterns{&s.aliases}
				for _, c := range s.configs {
					if c.paths != nil {
						lists = append(lists, c.paths)
					}
				}
				for _, l := range lists {
					if m, ok := l.find(fixed); ok && full == "" {
						for _, q := range m.paths() {
							if t.folders[q] {
								full = path.Join(q, rest)
							}
						}
					}
				}
			}
			if full == "" {
				continue
			}
		}
		if re := globRegexp(full); re != nil {
			fixed, _, _ := strings.Cut(full, "*")
			rules = append(rules, rule{re, not, path.Dir(fixed + "x")})
		}
	}
	var out strings.Builder
	out.WriteString("({")
	for _, q := range t.paths {
		hit := false
		for _, r := range rules {
			if within(q, r.literal) && r.match.MatchString(q) {
				hit = !r.not
			}
		}
		if !hit || q == p || *listed >= maxListed {
			continue
		}
		*listed++
		key := relative(from, q)
		if strings.HasPrefix(g.patterns[0], "/") {
			key = "/" + strings.TrimPrefix(strings.TrimPrefix(q, root), "/")
		}
		keyText, _ := json.Marshal(key)
		specText, _ := json.Marshal(relative(path.Dir(fileOf(p)), q) + g.query)
		name, _ := json.Marshal(g.name)
		switch {
		case g.eager:
			id := "glob$" + strconv.Itoa(call) + "$" + strconv.Itoa(*listed)
			imports.WriteString("import * as " + id + " from " + string(specText) + ";")
			out.WriteString(string(keyText) + ": " + id)
			if g.name != "" && g.name != "*" {
				out.WriteString("[" + string(name) + "]")
			}
		case g.name != "" && g.name != "*":
			out.WriteString(string(keyText) + ": () => import(" + string(specText) + ").then((m) => m[" + string(name) + "])")
		default:
			out.WriteString(string(keyText) + ": () => import(" + string(specText) + ")")
		}
		out.WriteString(", ")
	}
	out.WriteString("})")
	return out.String()
}

// writeContext returns the function that a require.context stands for.
func (t *tree) writeContext(p, content string, at int, listed *int) (string, int, bool) {
	args, ok := bracketed(content[at-1:])
	if !ok {
		return "", 0, false
	}
	end := at - 1 + len(args)
	inner := args[1 : len(args)-1]
	m := textArg.FindStringSubmatch(inner)
	if m == nil {
		return "", 0, false
	}
	folder := path.Join(path.Dir(fileOf(p)), m[1]+m[2]+m[3])
	if !isRelative(m[1] + m[2] + m[3]) {
		r := t.lookup(p, m[1]+m[2]+m[3]+"/x")
		folder = path.Dir(r.target)
	}
	inner = strings.TrimLeft(inner[len(m[0]):], ", \t\r\n")
	deep := true
	if strings.HasPrefix(inner, "false") {
		deep = false
	}
	if _, rest, cut := strings.Cut(inner, ","); cut && (strings.HasPrefix(inner, "true") || strings.HasPrefix(inner, "false")) {
		inner = rest
	} else {
		inner = ""
	}
	match := regexp.MustCompile(`^\./.*$`)
	if r := regexArg.FindStringSubmatch(inner); r != nil {
		flags := ""
		if strings.Contains(r[2], "i") {
			flags = "(?i)"
		}
		re, err := regexp.Compile(flags + strings.ReplaceAll(r[1], `\/`, "/"))
		if err != nil {
			return "", 0, false // lookaheads and the like
		}
		match = re
	}
	var out strings.Builder
	out.WriteString("((m) => Object.assign((k) => m[k](), { keys: () => Object.keys(m), resolve: (k) => k, id: \"\" }))({")
	for _, q := range t.paths {
		rest, ok := strings.CutPrefix(q, folder+"/")
		if folder == "." {
			rest, ok = q, true
		}
		key := "./" + rest
		if !ok || q == p || !deep && strings.Contains(rest, "/") || !match.MatchString(key) || t.isOutput(q) || *listed >= maxListed {
			continue
		}
		*listed++
		keyText, _ := json.Marshal(key)
		specText, _ := json.Marshal(relative(path.Dir(fileOf(p)), q))
		out.WriteString(string(keyText) + ": () => require(" + string(specText) + "), ")
	}
	out.WriteString("})")
	return out.String(), end, true
}

// relative returns how a script in dir names a file.
func relative(dir, p string) string {
	if dir == "." {
		return "./" + p
	}
	up := ""
	for !within(p, dir) {
		dir = path.Dir(dir)
		up += "../"
	}
	if dir != "." {
		p = p[len(dir)+1:]
	}
	if up == "" {
		up = "./"
	}
	return up + p
}

// globRegexp compiles a glob: *, **, ?, {a,b} and [a-z]. It is nil when that makes no pattern.
func globRegexp(glob string) *regexp.Regexp {
	if len(glob) > maxSpecifier {
		return nil
	}
	var b strings.Builder
	b.WriteString("^")
	braces := 0
	for i := 0; i < len(glob); i++ {
		switch c := glob[i]; {
		case c == '*' && strings.HasPrefix(glob[i:], "**/"):
			b.WriteString(`(?:[^/]+/)*`)
			i += 2
		case c == '*' && strings.HasPrefix(glob[i:], "**"):
			b.WriteString(`.*`)
			i++
		case c == '*':
			b.WriteString(`[^/]*`)
		case c == '?':
			b.WriteString(`[^/]`)
		case c == '{':
			braces++
			b.WriteString(`(?:`)
		case c == '}' && braces > 0:
			braces--
			b.WriteString(`)`)
		case c == ',' && braces > 0:
			b.WriteString(`|`)
		case c == '[' || c == ']' || c == '(' || c == ')' && !strings.Contains(glob, "@("):
			if c == '[' || c == ']' {
				b.WriteByte(c)
			} else {
				b.WriteString(regexp.QuoteMeta(string(c)))
			}
		default:
			b.WriteString(regexp.QuoteMeta(string(c)))
		}
	}
	b.WriteString("$")
	re, err := regexp.Compile(b.String())
	if err != nil {
		return nil
	}
	return re
}
