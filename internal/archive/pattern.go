package archive

import (
	"bytes"
	"strings"
)

// pattern is a line of a .gitignore file. It compares bytes, as git does.
type pattern struct {
	line     string // as it is written
	negative bool   // takes back what an earlier pattern says
	folders  bool   // means folders alone
	anywhere bool   // means the last name of a path, in whatever folder below
	literal  string // what paths begin with; all of it where rest is nil and suffix is not set
	suffix   bool   // paths end with literal, and that is all
	rest     []element
}

// element is a piece of a pattern that matches one byte, or any number.
type element struct {
	kind elementKind
	b    byte
	set  *[256]bool
}

type elementKind uint8

const (
	oneByte       elementKind = iota
	anyByte                   // ? but no slash
	oneOf                     // [a-z], but no slash
	anyName                   // *: as much as holds no slash
	anyPath                   // **: anything
	anyFolders                // **/: nothing, or what follows
	withinFolders             // ends with a slash
	neverMatches              // what is written wrongly
)

// parsePatterns reads the lines of a .gitignore file.
func parsePatterns(text []byte) []pattern {
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	var out []pattern
	for line := range strings.SplitSeq(string(text), "\n") {
		line = strings.TrimSuffix(line, "\r")
		if line == "" || line[0] == '#' {
			continue
		}
		if p, ok := parsePattern(withoutBlanks(line)); ok {
			out = append(out, p)
		}
	}
	return out
}

// withoutBlanks cuts the blanks at the end of a line that no backslash protects.
func withoutBlanks(line string) string {
	end := 0
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case ' ':
			continue
		case '\\':
			i++
		}
		end = min(i+1, len(line))
	}
	return line[:end]
}

func parsePattern(line string) (pattern, bool) {
	p := pattern{line: line}
	s, negative := strings.CutPrefix(line, "!")
	p.negative = negative
	s, p.folders = strings.CutSuffix(s, "/")
	if s == "" {
		return p, false
	}
	p.anywhere = !strings.Contains(s, "/")
	s = strings.TrimPrefix(s, "/")
	if special := strings.IndexAny(s, `*?[\`); special < 0 {
		p.literal = s
	} else if p.anywhere && s[0] == '*' && !strings.ContainsAny(s[1:], `*?[\`) {
		p.literal, p.suffix = s[1:], true
	} else {
		p.literal, p.rest = s[:special], parseElements(s[special:], !p.anywhere)
	}
	return p, true
}

// parseElements reads what begins with the first special character of a pattern. Where paths are not meant, * is ** too.
func parseElements(s string, paths bool) (out []element) {
	for i := 0; i < len(s); {
		switch c := s[i]; c {
		case '?':
			out = append(out, element{kind: anyByte})
			i++
		case '*':
			begin := i
			for i < len(s) && s[i] == '*' {
				i++
			}
			// Two and more mean folders where they stand between slashes alone.
			whole := i-begin > 1 && (begin == 0 || s[begin-1] == '/') && (i == len(s) || s[i] == '/' || strings.HasPrefix(s[i:], `\/`))
			switch {
			case !paths:
				out = append(out, element{kind: anyPath})
			case whole && i < len(s) && s[i] == '/':
				out = append(out, element{kind: anyFolders}, element{kind: withinFolders})
				i++
			case whole:
				out = append(out, element{kind: anyPath})
			default:
				out = append(out, element{kind: anyName})
			}
		case '[':
			set, n := parseSet(s[i:])
			if n == 0 {
				return []element{{kind: neverMatches}}
			}
			if paths {
				set['/'] = false
			}
			out = append(out, element{kind: oneOf, set: set})
			i += n
		case '\\':
			if i++; i == len(s) {
				return []element{{kind: neverMatches}}
			}
			c = s[i]
			fallthrough
		default:
			out = append(out, element{kind: oneByte, b: c})
			i++
		}
	}
	return out
}

// parseSet reads a set of characters in brackets, and how long it is: 0 when it does not end.
func parseSet(s string) (*[256]bool, int) {
	set, i := new([256]bool), 1
	negated := i < len(s) && (s[i] == '!' || s[i] == '^')
	if negated {
		i++
	}
	from := -1 // of a range that may come
	for first := true; ; first = false {
		if i >= len(s) {
			return nil, 0
		}
		c := s[i]
		switch {
		case c == ']' && !first:
			if negated {
				for b := range set {
					set[b] = !set[b]
				}
			}
			return set, i + 1
		case c == '-' && from >= 0 && i+1 < len(s) && s[i+1] != ']':
			if i++; s[i] == '\\' {
				if i++; i == len(s) {
					return nil, 0
				}
			}
			for b := from; b <= int(s[i]); b++ {
				set[b] = true
			}
			from = -1
		case c == '[' && i+1 < len(s) && s[i+1] == ':':
			end := strings.IndexByte(s[i+2:], ']')
			if end < 0 {
				return nil, 0
			}
			name, isClass := strings.CutSuffix(s[i+2:i+2+end], ":")
			if !isClass {
				set['['], from = true, '['
				break
			}
			class := classes[name]
			if class == nil {
				return nil, 0
			}
			for b := range set {
				set[b] = set[b] || class(byte(b))
			}
			i, from = i+2+end, -1
		default:
			if c == '\\' {
				if i++; i == len(s) {
					return nil, 0
				}
				c = s[i]
			}
			set[c], from = true, int(c)
		}
		i++
	}
}

func within(from, to byte) func(byte) bool { return func(c byte) bool { return from <= c && c <= to } }

func either(classes ...func(byte) bool) func(byte) bool {
	return func(c byte) bool {
		for _, is := range classes {
			if is(c) {
				return true
			}
		}
		return false
	}
}

func among(s string) func(byte) bool {
	return func(c byte) bool { return strings.IndexByte(s, c) >= 0 }
}

// classes are the names for sets of characters, of ASCII alone.
var classes = map[string]func(byte) bool{
	"alnum":  either(within('0', '9'), within('A', 'Z'), within('a', 'z')),
	"alpha":  either(within('A', 'Z'), within('a', 'z')),
	"blank":  among(" \t"),
	"cntrl":  either(within(0, 0x1f), within(0x7f, 0x7f)),
	"digit":  within('0', '9'),
	"graph":  within('!', '~'),
	"lower":  within('a', 'z'),
	"print":  within(' ', '~'),
	"punct":  either(within('!', '/'), within(':', '@'), within('[', '`'), within('{', '~')),
	"space":  among(" \t\n\r"),
	"upper":  within('A', 'Z'),
	"xdigit": either(within('0', '9'), within('A', 'F'), within('a', 'f')),
}

// match reports whether the pattern means a path, which is relative to the folder of its file, and how many steps that took.
func (p *pattern) match(path string, folder bool) (matches bool, steps int) {
	if p.folders && !folder {
		return false, 1
	}
	if p.anywhere {
		path = path[strings.LastIndexByte(path, '/')+1:]
	}
	switch {
	case p.suffix:
		return strings.HasSuffix(path, p.literal), 1
	case p.rest == nil:
		return path == p.literal, 1
	case !strings.HasPrefix(path, p.literal):
		return false, 1
	}
	return matchElements(p.rest, path[len(p.literal):])
}

// matchElements goes through the text once, with the set of places in the pattern that it may be at: so it takes no more steps
// than the product of the two lengths, whatever the pattern.
func matchElements(elements []element, text string) (matches bool, steps int) {
	now, next := make([]bool, len(elements)+1), make([]bool, len(elements)+1)
	now[0] = true
	passOver(elements, now)
	for i := range len(text) {
		c, alive := text[i], false
		clear(next)
		for at, e := range elements {
			if !now[at] {
				continue
			}
			switch e.kind {
			case oneByte:
				next[at+1] = next[at+1] || c == e.b
			case anyByte:
				next[at+1] = next[at+1] || c != '/'
			case oneOf:
				next[at+1] = next[at+1] || e.set[c]
			case anyName:
				next[at] = next[at] || c != '/'
			case anyPath:
				next[at] = true
			case withinFolders:
				next[at] = true
				next[at+1] = next[at+1] || c == '/'
			}
			alive = alive || next[at] || next[at+1]
		}
		if steps += len(elements); !alive {
			return false, steps
		}
		passOver(elements, next)
		now, next = next, now
	}
	return now[len(elements)], steps + 1
}

// passOver adds the places that are reached without a byte.
func passOver(elements []element, at []bool) {
	for i, e := range elements {
		if !at[i] {
			continue
		}
		switch e.kind {
		case anyName, anyPath:
			at[i+1] = true
		case anyFolders:
			at[i+1], at[i+2] = true, true
		}
	}
}
