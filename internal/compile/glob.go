package compile

import (
	"regexp"
	"strings"
)

// glob is a pattern of paths as fast-glob and its like read them: *, **, ?, [abc], {a,b}, @(a|b).
type glob struct {
	re *regexp.Regexp
}

// maxGlob bounds a pattern's length.
const maxGlob = 1_000

func newGlob(pattern string) (glob, bool) {
	if len(pattern) > maxGlob {
		return glob{}, false
	}
	var b strings.Builder
	var closing []string
	b.WriteString("^")
	for i := 0; i < len(pattern); i++ {
		c := pattern[i]
		next := byte(0)
		if i+1 < len(pattern) {
			next = pattern[i+1]
		}
		switch {
		case c == '*' && next == '*':
			i++
			if i+1 < len(pattern) && pattern[i+1] == '/' {
				i++
				b.WriteString("(?:[^/]+/)*")
			} else {
				b.WriteString(".*")
			}
		case strings.IndexByte("@+?*!", c) >= 0 && next == '(':
			i++
			b.WriteString("(?:")
			closing = append(closing, map[byte]string{'+': ")+", '?': ")?", '*': ")*"}[c])
			if closing[len(closing)-1] == "" {
				closing[len(closing)-1] = ")"
			}
		case c == '*':
			b.WriteString("[^/]*")
		case c == '?':
			b.WriteString("[^/]")
		case c == '{':
			b.WriteString("(?:")
			closing = append(closing, ")")
		case (c == '}' || c == ')') && len(closing) > 0:
			b.WriteString(closing[len(closing)-1])
			closing = closing[:len(closing)-1]
		case (c == ',' || c == '|') && len(closing) > 0:
			b.WriteString("|")
		case c == '[':
			end := strings.IndexByte(pattern[i:], ']')
			if end < 2 {
				b.WriteString(`\[`)
				continue
			}
			set := pattern[i+1 : i+end]
			if set[0] == '!' {
				set = "^" + set[1:]
			}
			b.WriteString("[" + strings.ReplaceAll(set, `\`, `\\`) + "]")
			i += end
		case c == '\\' && next != 0:
			i++
			b.WriteString(regexp.QuoteMeta(string(next)))
		default:
			b.WriteString(regexp.QuoteMeta(string(c)))
		}
	}
	for len(closing) > 0 {
		b.WriteString(closing[len(closing)-1])
		closing = closing[:len(closing)-1]
	}
	re, err := regexp.Compile(b.String() + "$")
	return glob{re}, err == nil
}

func (g glob) matches(p string) bool { return g.re.MatchString(p) }

// isGlob reports whether a path is a pattern.
func isGlob(p string) bool { return strings.ContainsAny(p, "*?{[") || strings.Contains(p, "@(") }

// fixedPart is the folder that a pattern begins with.
func fixedPart(pattern string) string {
	i := strings.IndexAny(pattern, "*?{[!@+(")
	for i >= 0 && (pattern[i] == '@' || pattern[i] == '+' || pattern[i] == '!') && (i+1 >= len(pattern) || pattern[i+1] != '(') {
		n := strings.IndexAny(pattern[i+1:], "*?{[!@+(")
		if n < 0 {
			i = -1
			break
		}
		i += 1 + n
	}
	if i < 0 {
		return pattern
	}
	if j := strings.LastIndexByte(pattern[:i], '/'); j >= 0 {
		return pattern[:j]
	}
	return ""
}
