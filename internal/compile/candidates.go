package compile

import (
	"path"
	"slices"
	"strings"
)

// Class candidates: the words of a text that could be classes of Tailwind 4, as its own scanner finds them. It reads line
// by line, without knowing the language: [variant:]...utility, where what stands before and after is what stands around
// classes in templates. A word too many costs nothing unless it is a class by chance; one too few loses a rule. So whatever
// the scanner's own machine takes is taken, wherever it could begin.

// classWords adds the candidates of a text, and the custom properties that it names.
func classWords(p, text string, add func(string)) {
	for line := range strings.SplitSeq(prepare(p, text), "\n") {
		lineWords(line, add)
	}
}

// prepare makes room around classes where a language writes them next to other characters.
func prepare(p, text string) string {
	switch strings.ToLower(path.Ext(p)) {
	case ".svelte":
		return strings.NewReplacer(" class:", " class ", "\tclass:", " class ", "\nclass:", "\n class ").Replace(text)
	case ".json", ".jsonl", ".ndjson":
		return outsideStrings(text)
	case ".md", ".mdx":
		return directives(text)
	case ".pug":
		return strings.NewReplacer(".", " ", "(", " ", ")", " ").Replace(text)
	}
	return text
}

// outsideStrings blanks the brackets of JSON.
func outsideStrings(text string) string {
	b := []byte(text)
	inside := false
	for i := 0; i < len(b); i++ {
		switch {
		case b[i] == '"':
			inside = !inside
		case inside && b[i] == '\\':
			i++
		case !inside && strings.IndexByte("[]{}", b[i]) >= 0:
			b[i] = ' '
		}
	}
	return string(b)
}

// directives opens the braces of Markdown's attributes: {.flex.p-2}.
func directives(text string) string {
	b := []byte(text)
	depth, inside := 0, false
	for i, c := range b {
		switch {
		case !inside && c == '{':
			b[i], inside, depth = ' ', true, 0
		case !inside:
		case strings.IndexByte("([{<", c) >= 0:
			depth++
		case strings.IndexByte(")]}>", c) >= 0 && depth > 0:
			depth--
		case c == '}':
			b[i], inside = ' ', false
		case c == '.' && depth == 0:
			b[i] = ' '
		}
	}
	return string(b)
}

// span is where a word stands: from start to before end.
type span struct{ start, end int }

func lineWords(line string, add func(string)) {
	var spans []span
	for i := 0; i < len(line); i++ {
		c := line[i]
		if c == '-' && i+1 < len(line) && line[i+1] == '-' {
			if end := property(line, i); end > i+2 {
				add(line[i:end])
			}
		}
		if !begins(c) || i > 0 && inName(line[i-1]) {
			continue
		}
		if s, ok := candidate(line, i); ok {
			spans = append(spans, s)
		}
	}
	// What lies within another is no class of its own.
	slices.SortFunc(spans, func(a, b span) int {
		if a.start != b.start {
			return a.start - b.start
		}
		return b.end - a.end
	})
	last := -1
	for _, s := range spans {
		if s.end > last {
			add(line[s.start:s.end])
			last = s.end
		}
	}
}

func isLower(c byte) bool { return 'a' <= c && c <= 'z' }
func isUpper(c byte) bool { return 'A' <= c && c <= 'Z' }
func isDigit(c byte) bool { return '0' <= c && c <= '9' }
func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' }

// begins reports whether a candidate may begin with this.
func begins(c byte) bool { return isLower(c) || isDigit(c) || strings.IndexByte("@-![*", c) >= 0 }

// inName reports whether what follows this cannot be the beginning of a candidate.
func inName(c byte) bool {
	return isLower(c) || isUpper(c) || isDigit(c) || c == '-' || c == '_' || c == '@' || c == '!' || c == '*'
}

// opens and closes report what may stand before and after a candidate; 0 is the edge of the line.
func opens(c byte) bool  { return c == 0 || isSpace(c) || strings.IndexByte("\"'`.}>", c) >= 0 }
func closes(c byte) bool { return c == 0 || isSpace(c) || strings.IndexByte("\"'`]{=\\<", c) >= 0 }

func at(s string, i int) byte {
	if i < 0 || i >= len(s) {
		return 0
	}
	return s[i]
}

// candidate reads [variant:]...utility at i.
func candidate(s string, i int) (span, bool) {
	start := i
	for {
		if end, ok := utility(s, i); ok {
			if next := at(s, end); next == ':' && i == start {
				// The key of an object: { underline: true }
				if after := at(s, end+1); after == 0 || isSpace(after) {
					return span{start, end}, true
				}
			} else if closes(next) && opens(at(s, start-1)) {
				return span{start, end}, true
			}
		}
		end, ok := variant(s, i)
		if !ok {
			return span{}, false
		}
		i = end
	}
}

// variant reads hover:, data-[open]:, group-hover/name:, [&>p]:, *: and returns where what follows begins.
func variant(s string, i int) (int, bool) {
	c := at(s, i)
	if c == '[' {
		end, ok := bracketed(s, i)
		return end + 1, ok && at(s, end) == ':'
	}
	if !isLower(c) && !isDigit(c) && c != '*' && c != '@' {
		return 0, false
	}
	for i++; i < len(s); i++ {
		switch c := s[i]; {
		case isLower(c), isUpper(c), isDigit(c), c == '*':
		case c == ':':
			return i + 1, true
		case c == '/':
			end, ok := modifier(s, i)
			return end + 1, ok && at(s, end) == ':'
		case c == '[', c == '-' && at(s, i+1) == '[', c == '-' && at(s, i+1) == '(':
			if c == '-' {
				i++
			}
			end, ok := value(s, i)
			if ok && at(s, end) == '/' {
				end, ok = modifier(s, end)
			}
			return end + 1, ok && at(s, end) == ':'
		case c == '-' || c == '_':
			if n := at(s, i+1); !isLower(n) && !isUpper(n) && !isDigit(n) && n != '-' && n != '_' {
				return 0, false
			}
		case c == '.':
			if !isDigit(at(s, i-1)) || !isDigit(at(s, i+1)) {
				return 0, false
			}
		default:
			return 0, false
		}
	}
	return 0, false
}

// utility reads flex, -mt-2.5, bg-red-500/50, w-[1px], fill-(--x), [color:red], with ! before or after, and returns its end.
func utility(s string, i int) (int, bool) {
	important := at(s, i) == '!'
	if important {
		i++
	}
	var end int
	var ok bool
	if at(s, i) == '[' {
		end, ok = arbitraryProperty(s, i)
	} else {
		end, ok = named(s, i)
	}
	if ok && at(s, end) == '/' {
		if end, ok = modifier(s, end); ok && at(s, end) == '/' {
			return 0, false
		}
	}
	if ok && at(s, end) == '!' {
		return end + 1, !important
	}
	return end, ok
}

// named reads the name of a utility, with its value.
func named(s string, i int) (int, bool) {
	ends := func(n byte) bool { return closes(n) || n == ':' || n == '/' || n == '!' }
	alnum := func(n byte) bool { return isLower(n) || isUpper(n) || isDigit(n) }
	c := at(s, i)
	switch {
	case isLower(c):
		if n := at(s, i+1); n == 0 || isSpace(n) || n == '"' || n == '\'' || n == '`' {
			return i + 1, true
		}
	case c == '@':
	case c == '-' && isLower(at(s, i+1)):
	default:
		return 0, false
	}
	for i++; i < len(s); i++ {
		c, n := s[i], at(s, i+1)
		switch {
		case isLower(c), isUpper(c):
			if ends(n) {
				return i + 1, true
			}
		case c == '-' && (n == '[' || n == '('):
			return value(s, i+1)
		case c == '-':
			if !alnum(n) && n != '-' {
				return 0, false
			}
		case c == '_':
			if !alnum(n) && n != '_' {
				return i + 1, ends(n)
			}
		case c == '.':
			if !isDigit(at(s, i-1)) || !isDigit(n) {
				return 0, false
			}
		case isDigit(c):
			if p := at(s, i-1); p != '-' && p != '_' && p != '.' && !alnum(p) {
				return 0, false
			}
			if n != '.' && n != '%' && n != '_' && n != '-' && !alnum(n) {
				return i + 1, true
			}
		case c == '%':
			return i + 1, isDigit(at(s, i-1))
		default:
			return 0, false
		}
	}
	return 0, false
}

// modifier reads /50, /[20%], /(--x) or /name.
func modifier(s string, i int) (int, bool) {
	i++
	c := at(s, i)
	if c == '[' || c == '(' {
		return value(s, i)
	}
	if !isLower(c) && !isUpper(c) && !isDigit(c) {
		return 0, false
	}
	for i < len(s) && (isLower(s[i]) || isUpper(s[i]) || isDigit(s[i]) || s[i] == '-' || s[i] == '_' || s[i] == '.') {
		i++
	}
	return i, true
}

// value reads [...] or (--x).
func value(s string, i int) (int, bool) {
	if at(s, i) == '(' {
		return variable(s, i)
	}
	return bracketed(s, i)
}

// Bounds on one value, which keep a line of brackets from being read again and again.
const (
	maxValue    = 10_000
	maxBrackets = 32
)

// balanced reads up to the closing character that fits what i opened, without white space. stop may end it as no value.
func balanced(s string, i int, closing byte, stop func(i, depth int) bool) (int, bool) {
	var stack []byte
	for limit := min(len(s), i+maxValue); i < limit; i++ {
		c := s[i]
		if stop != nil && stop(i, len(stack)) {
			return 0, false
		}
		switch {
		case isSpace(c), c == '$' && at(s, i+1) == '{':
			return 0, false
		case c == '\\':
			if isSpace(at(s, i+1)) {
				return 0, false
			}
			i++
		case c == '(', c == '[', c == '{':
			if len(stack) == maxBrackets {
				return 0, false
			}
			stack = append(stack, map[byte]byte{'(': ')', '[': ']', '{': '}'}[c])
		case len(stack) > 0 && (c == ')' || c == ']' || c == '}'):
			if stack[len(stack)-1] != c {
				return 0, false
			}
			stack = stack[:len(stack)-1]
		case c == closing:
			return i + 1, true
		case c == '"', c == '\'', c == '`':
			end, ok := quoted(s, i)
			if !ok {
				return 0, false
			}
			i = end - 1
		}
	}
	return 0, false
}

// bracketed reads [...].
func bracketed(s string, i int) (int, bool) {
	if at(s, i+1) == ']' {
		return 0, false
	}
	return balanced(s, i+1, ']', nil)
}

// quoted reads a string without white space and returns where it ends.
func quoted(s string, i int) (int, bool) {
	quote := s[i]
	for i++; i < len(s); i++ {
		switch c := s[i]; {
		case isSpace(c):
			return 0, false
		case c == '\\':
			if isSpace(at(s, i+1)) {
				return 0, false
			}
			i++
		case c == quote:
			return i + 1, true
		}
	}
	return 0, false
}

// variable reads (--x), (color:--x) and (--x,fallback).
func variable(s string, i int) (int, bool) {
	i++
	if isLower(at(s, i)) {
		for isLower(at(s, i)) || at(s, i) == '-' {
			i++
		}
		if at(s, i) != ':' {
			return 0, false
		}
		i++
	}
	end := property(s, i)
	if end <= i+2 {
		return 0, false
	}
	switch at(s, end) {
	case ')':
		return end + 1, true
	case ',':
		return balanced(s, end+1, ')', func(i, depth int) bool { return s[i] == ':' && depth == 0 })
	}
	return 0, false
}

// property reads --name and returns its end; i: there is none.
func property(s string, i int) int {
	if at(s, i) != '-' || at(s, i+1) != '-' {
		return i
	}
	end := i + 2
	for end < len(s) {
		switch c := s[end]; {
		case isLower(c), isUpper(c), isDigit(c), c == '-', c == '_', c >= 0x80:
			end++
		case c == '\\' && end+1 < len(s) && !isSpace(s[end+1]):
			end += 2
		default:
			return end
		}
	}
	return end
}

// arbitraryProperty reads [color:red].
func arbitraryProperty(s string, i int) (int, bool) {
	i++
	start := i
	if at(s, i) == '-' && at(s, i+1) == '-' {
		i = property(s, i)
	} else {
		for isLower(at(s, i)) || at(s, i) == '-' {
			i++
		}
	}
	if i == start || at(s, i) != ':' || at(s, i+1) == '/' {
		return 0, false
	}
	return balanced(s, i+1, ']', func(i, depth int) bool { return depth == 0 && s[i] == ':' })
}

// usedProperties adds the custom properties that a style sheet reads.
func usedProperties(css string, add func(string)) {
	for rest := css; ; {
		_, after, ok := strings.Cut(rest, "var(--")
		if !ok {
			return
		}
		rest = after
		if end := property("--"+after, 0); end > 2 {
			add("--" + after[:end-2])
		}
	}
}
