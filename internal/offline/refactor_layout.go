package offline

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// indent gives each line of the selection the white space that its brackets ask for. Texts, templates and comments keep theirs.
func (p *selectedPart) indent() (edits []edit, did string, left []string) {
	unit := unitOf(p.whole)
	changed := 0
	for at := p.start; at < p.end; {
		end := p.end
		if n := strings.IndexByte(p.whole[at:p.end], '\n'); n >= 0 {
			end = at + n
		}
		body := strings.TrimRight(p.whole[at:end], "\r")
		code := strings.TrimLeft(body, " \t")
		from := at + len(body) - len(code)
		whole := at == 0 || p.whole[at-1] == '\n'
		if whole && !p.within(at) && code != "" {
			if space := strings.Repeat(unit, p.depth(from)); space != body[:len(body)-len(code)] {
				edits = append(edits, edit{at, from, space})
				changed++
			}
		}
		if trimmed := strings.TrimRight(body, " \t"); len(trimmed) < len(body) && !p.within(at+len(body)) && !p.inText(at+len(body)) {
			if cut := at + len(trimmed); cut >= from {
				edits = append(edits, edit{cut, at + len(body), ""})
			} else if whole && code == "" {
				edits = append(edits, edit{at, at + len(body), ""})
			}
		}
		at = end + 1
	}
	if len(edits) == 0 {
		left = append(left, "The selection is indented by its brackets already.")
	}
	return edits, fmt.Sprintf("Indented %s by their brackets, and took off white space at ends of lines; nothing else was moved.", count(changed, "line")), left
}

// inText reports whether a place is in a text of JSX.
func (p *selectedPart) inText(at int) bool {
	return slices.ContainsFunc(p.src.toks, func(t token) bool { return t.kind == tokText && at > t.at && at <= t.end() })
}

// unitOf is what a file indents by.
func unitOf(text string) string {
	two, four := 0, 0
	for line := range strings.SplitSeq(text, "\n") {
		if strings.HasPrefix(line, "\t") {
			return "\t"
		}
		switch n := len(line) - len(strings.TrimLeft(line, " ")); {
		case n == 2 || n == 6:
			two++
		case n == 4:
			four++
		}
	}
	if four > 0 && two == 0 {
		return "    "
	}
	return "  "
}

// depth is how far what begins at a place is indented.
func (p *selectedPart) depth(at int) int {
	s := p.src
	i, found := slices.BinarySearchFunc(s.toks, at, func(t token, at int) int { return t.at - at })
	if !found && i > 0 && s.toks[i-1].kind == tokText && at < s.toks[i-1].end() {
		i-- // within a text of JSX
	}
	t := s.tok(i)
	comment := !found && t.kind != tokText
	in := t.in
	closing := i < len(s.toks) && t.match >= 0 && t.match < i && t.kind != tokTemplate && !comment
	if comment && t.match >= 0 && t.match < i { // stands before the bracket that closes
		in = t.match
	}
	if s.isClosingTag(i) && !comment {
		in, closing = s.tok(t.in).in, true
	}
	depth, line := 0, -1
	for f := in; f >= 0; f = s.toks[f].in {
		if at := strings.Count(p.whole[:s.toks[f].at], "\n"); at != line {
			depth++
			line = at
		}
	}
	if sw := s.enclosingSwitch(in); sw >= 0 && !(t.kind == tokIdent && (t.text == "case" || t.text == "default") && t.in == sw && !comment) && !(closing && t.match == sw) {
		depth++
	}
	if closing || i >= len(s.toks) || t.in >= 0 && s.toks[t.in].brace == braceInner {
		return depth
	}
	opened := i > 0 && (s.tok(i-1).text == "," || s.tok(i-1).text == "{" || s.tok(i-1).text == "(" || s.tok(i-1).text == "[" || s.tok(i-1).kind == tokTemplate && s.tok(i-1).brace == braceHole || s.tok(i-1).text == ";")
	if i > 0 && !opened && t.in == s.tok(i-1).in && (s.goesOn(i) && t.text != "," || !s.endsExpression(i-1) && s.tok(i-1).text != ":") && (t.in < 0 || s.toks[t.in].brace != braceTag) {
		depth++
	}
	return depth
}

// isClosingTag reports whether a token begins the end of an element.
func (s *source) isClosingTag(i int) bool { return s.tok(i).text == "</" && s.tok(i).in >= 0 }

// enclosingSwitch is the brace of the nearest switch within the same function's statements, -1 if there is none.
func (s *source) enclosingSwitch(in int) int {
	for f := in; f >= 0; f = s.toks[f].in {
		if s.toks[f].brace == braceSwitch && s.toks[f].text == "{" {
			return f
		}
	}
	return -1
}

// CSS.

var (
	cssColour   = regexp.MustCompile(`#[0-9A-Fa-f]{3,8}\b`)
	cssName     = regexp.MustCompile(`--[A-Za-z][\w-]*`)
	cssFirst    = regexp.MustCompile(`(?i)@(?:import|charset|namespace)\b`)
	cssElse     = regexp.MustCompile(`(?i):host\b|::slotted|::backdrop|::part\b|progid:`)
	cssUnstyled = regexp.MustCompile(`(?i)^@(?:font-face|property|counter-style|font-palette-values|color-profile|page)\b`)
)

// customProperty gives a name to a colour of a style sheet.
func (p *selectedPart) customProperty() (edits []edit, did string, left []string) {
	refuse := func(why string) ([]edit, string, []string) {
		return nil, "", []string{"No custom property was made: " + why + "."}
	}
	colours, depth, ok := p.colours()
	switch {
	case !ok:
		return refuse("I cannot read this style sheet without doubt")
	case strings.HasSuffix(p.path, ".module.css"):
		return refuse("a CSS module has no :root of its own")
	case cssElse.MatchString(p.whole):
		return refuse("the sheet styles parts that may not inherit from :root")
	case depth != 0:
		return refuse("select from the beginning of a rule on: the property is declared before it")
	case cssFirst.MatchString(p.whole[p.start:]):
		return refuse("an @import must stand before all rules, and one follows")
	}
	best := ""
	for _, hex := range sortedKeys(colours) {
		asked := strings.Contains(strings.ToLower(p.wish), hex)
		if best == "" || asked || len(colours[hex]) > len(colours[best]) {
			if best = hex; asked {
				break
			}
		}
	}
	if best == "" {
		return refuse("the selection has no colour like #3366ff in a value")
	}
	name := "--color-" + best[1:]
	if m := cssName.FindString(p.wish); m != "" {
		name = m
	}
	if strings.Contains(p.whole, name) {
		return refuse(fmt.Sprintf("%s stands in the file already; say another name, as in “as --brand”", name))
	}
	edits = append(edits, edit{p.start, p.start, fmt.Sprintf(":root {\n%s%s: %s;\n}\n\n", unitOf(p.whole), name, best)})
	for _, at := range colours[best] {
		edits = append(edits, edit{at, at + len(best), "var(" + name + ")"})
	}
	return edits, fmt.Sprintf("%s is now the custom property %s, which %s of the selection use.", best, name, count(len(colours[best]), "value")), nil
}

// colours are the places of colours in values of the selection, by their text in lower case; depth is how many blocks the selection begins in.
func (p *selectedPart) colours() (found map[string][]int, depth int, ok bool) {
	found = map[string][]int{}
	var stack []bool // whether a block is for styles
	type place struct {
		at  int
		hex string
	}
	var maybe []place
	accept := func() {
		if len(stack) > 0 && stack[len(stack)-1] {
			for _, c := range maybe {
				found[c.hex] = append(found[c.hex], c.at)
			}
		}
		maybe = nil
	}
	value, prelude, depth := false, 0, -1
	for i := 0; i < len(p.whole); i++ {
		if i >= p.start && depth < 0 {
			if depth = len(stack); strings.TrimSpace(p.whole[prelude:i]) != "" {
				depth = -2
			}
		}
		switch c := p.whole[i]; {
		case strings.HasPrefix(p.whole[i:], "/*"):
			n := strings.Index(p.whole[i+2:], "*/")
			if n < 0 {
				return nil, 0, false
			}
			if strings.TrimSpace(p.whole[prelude:i]) == "" {
				prelude = i + n + 4
			}
			i += n + 3
		case c == '"' || c == '\'':
			n := endOfCSSString(p.whole[i:])
			if n < 0 {
				return nil, 0, false
			}
			i += n
		case c == '\\':
			i++
		case c == '(' && strings.EqualFold(p.whole[max(0, i-len("url")):i], "url"):
			n := strings.IndexByte(p.whole[i:], ')')
			if n < 0 {
				return nil, 0, false
			}
			i += n
		case c == ':':
			value = true
		case c == ';':
			accept()
			value, prelude = false, i+1
		case c == '{':
			head := strings.TrimSpace(p.whole[prelude:i])
			stack = append(stack, !cssUnstyled.MatchString(head))
			maybe, value, prelude = nil, false, i+1
		case c == '}':
			accept()
			if len(stack) == 0 {
				return nil, 0, false
			}
			stack = stack[:len(stack)-1]
			value, prelude = false, i+1
		case c == '#' && value && i >= p.start && i < p.end:
			if m := cssColour.FindString(p.whole[i:]); (len(m) == 4 || len(m) == 5 || len(m) == 7 || len(m) == 9) && i+len(m) <= p.end && !strings.HasPrefix(p.whole[i+len(m):], "-") && !strings.HasPrefix(strings.TrimSpace(p.whole[prelude:i]), "@") {
				maybe = append(maybe, place{i, strings.ToLower(m)})
				i += len(m) - 1
			}
		}
	}
	return found, depth, len(stack) == 0
}

func endOfCSSString(text string) int {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '\n':
			return -1
		case text[0]:
			return i
		}
	}
	return -1
}
