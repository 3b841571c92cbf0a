package agent

import (
	"maps"
	"path"
	"slices"
	"strings"

	"codeforge"
)

// commentStyle is how comments are written in a language.
type commentStyle struct {
	line  []string    // marks that begin one up to the end of the line
	block [][2]string // marks around one
	quote string      // signs around texts, in which no comment begins
}

var (
	slashes  = commentStyle{line: []string{"//"}, block: [][2]string{{"/*", "*/"}}, quote: "\"'`"}
	styles   = commentStyle{line: []string{"//"}, block: [][2]string{{"/*", "*/"}}, quote: "\"'"}
	hashes   = commentStyle{line: []string{"#"}, quote: "\"'"}
	pythons  = commentStyle{line: []string{"#"}, block: [][2]string{{`"""`, `"""`}, {"'''", "'''"}}, quote: "\"'"}
	pages    = commentStyle{line: []string{"//"}, block: [][2]string{{"<!--", "-->"}, {"/*", "*/"}, {"{#", "#}"}, {"{{!--", "--}}"}, {"<%#", "%>"}, {"<%--", "--%>"}}}
	marked   = commentStyle{block: [][2]string{{"<!--", "-->"}, {"{/*", "*/}"}}}
	dashes   = commentStyle{line: []string{"--"}, block: [][2]string{{"/*", "*/"}, {"{-", "-}"}, {"--[[", "]]"}}, quote: "\"'"}
	percents = commentStyle{line: []string{"%"}, quote: "\""}
	lisps    = commentStyle{line: []string{";"}, block: [][2]string{{"#|", "|#"}}, quote: "\""}
	basics   = commentStyle{line: []string{"'", "REM "}, quote: "\""}
	batches  = commentStyle{line: []string{"REM ", "rem ", "::"}}
	both     = commentStyle{line: []string{"//", "#"}, block: [][2]string{{"/*", "*/"}}, quote: "\"'"}
	settings = commentStyle{line: []string{"#", ";"}}
	unknown  = commentStyle{line: []string{"//", "#", "--", ";", "%"}, block: [][2]string{{"/*", "*/"}, {"<!--", "-->"}}}
)

var commentStyles = func() map[string]commentStyle {
	byEnding := map[string]commentStyle{}
	for endings, style := range map[string]commentStyle{
		"ts tsx js jsx mjs cjs mts cts go java kt kts swift rs c h cc cpp hpp cs dart scala groovy gradle proto jsonc json5 sol zig v prisma": slashes,
		"css scss less sass styl pcss": styles, "py pyi": pythons, "rb sh bash zsh fish yaml yml toml pl pm r jl ex exs nim cr mk cmake env conf dockerfile makefile gitignore graphql gql nix": hashes,
		"html htm vue svelte astro xml svg xhtml hbs njk ejs erb twig liquid": pages, "md mdx markdown": marked, "sql lua hs elm adb ads vhd": dashes, "tex erl m pro": percents,
		"lisp cl el clj cljs cljc scm rkt asm s": lisps, "vb bas vbs": basics, "bat cmd": batches, "php tf hcl ps1": both, "ini cfg properties": settings, "txt json csv tsv log lock": {},
	} {
		for ending := range strings.FieldsSeq(endings) {
			byEnding[ending] = style
		}
	}
	return byEnding
}()

func commentStyleOf(p string) commentStyle {
	base := strings.ToLower(path.Base(p))
	ending := strings.TrimPrefix(path.Ext(base), ".")
	if ending == "" || "."+ending == base {
		ending = strings.TrimPrefix(base, ".")
	}
	if style, ok := commentStyles[ending]; ok {
		return style
	}
	return unknown
}

// comment is one comment of a file.
type comment struct {
	line  int // in which it begins, from 1
	text  string
	alone bool // nothing else stands in its lines, or in its braces
}

// comments finds the comments of a file by its language's marks. It knows texts, so far as they end in their line, but no grammar. Comments
// that fill lines one below the other are one.
func comments(p, text string) (list []comment) {
	style := commentStyleOf(p)
	line, lineStart := 1, 0
	for i := 0; i < len(text); {
		c := text[i]
		if c == '\n' {
			line, lineStart = line+1, i+1
			i++
			continue
		}
		if b, mark := style.blockAt(text[i:]); mark != "" {
			end := strings.Index(text[i+len(b[0]):], b[1])
			stop := len(text)
			body := text[i+len(b[0]):]
			if end >= 0 {
				body = body[:end]
				stop = i + len(b[0]) + end + len(b[1])
			}
			list = append(list, comment{line, body, blankBetween(text, lineStart, i) && restIsBlank(text[stop:]) || isBody(text, i, stop)})
			if n := strings.Count(text[i:stop], "\n"); n > 0 {
				line += n
				lineStart = i + strings.LastIndexByte(text[i:stop], '\n') + 1
			}
			i = stop
			continue
		}
		if mark := style.lineAt(text, i, lineStart); mark != "" {
			stop := len(text)
			if end := strings.IndexByte(text[i:], '\n'); end >= 0 {
				stop = i + end
			}
			list = append(list, comment{line, text[i+len(mark) : stop], blankBetween(text, lineStart, i) || isBody(text, i, stop)})
			i = stop
			continue
		}
		if strings.IndexByte(style.quote, c) >= 0 {
			i = endOfText(text, i)
			continue
		}
		i++
	}
	return list
}

func (s commentStyle) blockAt(text string) ([2]string, string) {
	for _, b := range s.block {
		if strings.HasPrefix(text, b[0]) {
			return b, b[0]
		}
	}
	return [2]string{}, ""
}

// lineAt returns the mark of a comment that begins at i. Other than // after code, a mark has a blank or nothing before it; // is no part of
// an address.
func (s commentStyle) lineAt(text string, i, lineStart int) string {
	for _, mark := range s.line {
		if !strings.HasPrefix(text[i:], mark) {
			continue
		}
		before := byte(' ')
		if i > lineStart {
			before = text[i-1]
		}
		if mark == "//" && before != ':' && before != '/' || before == ' ' || before == '\t' {
			if (mark == "%" || mark == ";" || mark == "'") && i > lineStart && !blankBetween(text, lineStart, i) && mark != ";" {
				continue
			}
			return mark
		}
	}
	return ""
}

// isBody reports whether nothing else stands between the braces around a part of a text.
func isBody(text string, start, end int) bool {
	return strings.HasSuffix(strings.TrimRight(text[:start], " \t"), "{") && strings.HasPrefix(strings.TrimLeft(text[end:], " \t\r\n"), "}")
}

func blankBetween(text string, from, to int) bool {
	return strings.Trim(text[from:to], " \t{(;,") == ""
}

func restIsBlank(text string) bool {
	rest, _, _ := strings.Cut(text, "\n")
	return strings.Trim(rest, " \t\r});,") == ""
}

// endOfText returns where a text that begins at i ends: behind its quote, or, where that does not come, with the line. One in backticks
// may have many lines: what stands in it is passed over a line at a time, so that an odd backtick hides no more than its line.
func endOfText(text string, i int) int {
	quote := text[i]
	for j := i + 1; j < len(text); j++ {
		switch text[j] {
		case '\\':
			j++
		case '\n':
			return j
		case quote:
			return j + 1
		}
	}
	return len(text)
}

// touchedLines are the lines, without blanks around them, of all files that a job changed or deleted, as they were.
func (t *tree) touchedLines() map[string]bool {
	lines := map[string]bool{}
	for _, c := range t.changes() {
		maps.Copy(lines, linesOf(codeforge.TextOf(t.base[c.Path])))
	}
	return lines
}

// linesOf are the lines of a text without blanks around them.
func linesOf(text string) map[string]bool {
	lines := map[string]bool{}
	for line := range strings.SplitSeq(unified(text), "\n") {
		lines[strings.TrimSpace(line)] = true
	}
	return lines
}

// lineOf returns a line of a text, from 1, without blanks around it.
func lineOf(lines []string, n int) string {
	if n < 1 || n > len(lines) {
		return ""
	}
	return strings.TrimSpace(lines[n-1])
}

// proseEndings are of files that are read, not run.
var proseEndings = []string{".md", ".mdx", ".markdown", ".txt", ".rst", ".adoc"}

func isProse(p string) bool { return slices.Contains(proseEndings, strings.ToLower(path.Ext(p))) }
