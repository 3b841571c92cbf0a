package offline

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// lines widens a range of text to whole lines, where nothing else stands in them.
func (p *selectedPart) lines(from, to int) (int, int) {
	a, b := from, to
	for a > 0 && (p.whole[a-1] == ' ' || p.whole[a-1] == '\t') {
		a--
	}
	for b < len(p.whole) && strings.IndexByte(" \t\r", p.whole[b]) >= 0 {
		b++
	}
	if (a == 0 || p.whole[a-1] == '\n') && a >= p.start && (b == len(p.whole) || p.whole[b] == '\n') {
		if b < len(p.whole) && b+1 <= p.end {
			b++
		}
		if b <= p.end {
			return a, b
		}
	}
	return from, to
}

// indentation is the white space before what stands first in the line of a place; whole is false where something stands before the place.
func (p *selectedPart) indentation(at int) (space string, whole bool) {
	from := 1 + strings.LastIndexByte(p.whole[:at], '\n')
	space = p.whole[from:at]
	trimmed := strings.TrimLeft(space, " \t")
	return space[:len(space)-len(trimmed)], trimmed == ""
}

// statementEnd is the last token of a statement that may end with a token: with its ; if it has one.
func (s *source) statementEnd(last int) (end int, ok bool) {
	if next := s.tok(last + 1); next.text == ";" && next.in == s.tok(last).in {
		return last + 1, true
	}
	return last, s.statementEnds(last + 1)
}

// removal is the edit that takes out a statement; false where what stands around it would then be read otherwise.
func (p *selectedPart) removal(first, last int) (edit, bool) {
	s := p.src
	prev, next := s.tok(first-1), s.tok(last+1)
	closed := first == 0 || prev.text == ";" || prev.text == "{" || prev.text == "}" && prev.brace == braceBlock && !s.isValueBody(first-1)
	if next.kind == tokString || !closed && s.goesOn(last+1) || !p.selects(first, last) {
		return edit{}, false
	}
	from, to := s.toks[first].at, s.toks[last].end()
	for _, c := range slices.Backward(s.comments) { // its own comment
		if c[1] <= from && strings.HasPrefix(p.whole[c[0]:], "/**") && strings.TrimSpace(p.whole[c[1]:from]) == "" && strings.Count(p.whole[c[1]:from], "\n") == 1 && c[0] >= p.start {
			if _, whole := p.indentation(c[0]); whole {
				from = c[0]
			}
		}
	}
	from, to = p.lines(from, to)
	return edit{from, to, ""}, true
}

var consoleMethod = regexp.MustCompile(`(?i)console\.(\w+)`)

// silence removes output for debugging, and stops of the debugger.
func (p *selectedPart) silence() (edits []edit, did string, left []string) {
	s := p.src
	methods := []string{"log", "debug", "info", "trace", "dir", "table"}
	if m := consoleMethod.FindStringSubmatch(p.wish); m != nil {
		methods = []string{strings.ToLower(m[1])}
	}
	for i, t := range s.toks {
		if t.kind != tokIdent || s.isProperty(i) || !p.selects(i, i) {
			continue
		}
		last := i
		switch {
		case t.text == "debugger":
		case t.text == "console" && s.tok(i+1).text == "." && slices.Contains(methods, s.tok(i+2).text) && s.tok(i+3).text == "(" && len(p.bindings()["console"]) == 0:
			last = s.toks[i+3].match
		default:
			continue
		}
		end, ends := s.statementEnd(last)
		why := ""
		switch {
		case !s.beginsStatement(i) || !ends:
			why = "it is no statement of its own"
		case last > i && !p.idle(i+4, last):
			why = "what it prints may do something"
		default:
			if e, ok := p.removal(i, end); ok {
				edits = append(edits, e)
				continue
			}
			why = "the lines around it would be read otherwise"
		}
		left = append(left, fmt.Sprintf("Line %d was left, since %s.", s.lineOf(i), why))
	}
	if len(edits)+len(left) == 0 {
		left = append(left, "The selection has no such statement.")
	}
	return edits, fmt.Sprintf("Removed: %s for debugging.", count(len(edits), "statement")), left
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// idle reports whether working out what some tokens say does nothing: names, values, and what is made of them.
func (p *selectedPart) idle(from, to int) bool {
	for i := from; i < to; i++ {
		switch t := p.src.toks[i]; t.kind {
		case tokText, tokAttr:
			return false
		case tokIdent:
			if slices.Contains([]string{"new", "await", "yield", "delete", "function", "class", "import"}, t.text) {
				return false
			}
		case tokPunct:
			if t.text == "(" || t.text == "++" || t.text == "--" || t.text == "=>" || t.text == "..." || t.text == "<" || isAssignment(t.text) {
				return false
			}
		case tokTemplate: // of a tag it is a call
			if p.src.endsExpression(i-1) && !strings.HasPrefix(t.text, "}") {
				return false
			}
		}
	}
	return true
}

// unused removes what nothing uses: imports, variables with plain values, functions.
func (p *selectedPart) unused() (edits []edit, did string, left []string) {
	s := p.src
	var gone []string
	for i, t := range s.toks {
		if t.kind != tokIdent || !p.selects(i, i) || s.isProperty(i) {
			continue
		}
		switch t.text {
		case "import":
			if s.beginsStatement(i) && s.tok(i+1).text != "(" && s.tok(i+1).text != "." {
				e, names, why := p.unusedImport(i)
				edits, gone, left = append(edits, e...), append(gone, names...), append(left, why...)
			}
		case "const", "let", "var", "function":
			e, name, why := p.unusedDeclaration(i)
			if why != "" {
				left = append(left, why)
			}
			if name != "" {
				edits, gone = append(edits, e), append(gone, name)
			}
		}
	}
	if len(edits)+len(left) == 0 {
		left = append(left, "Everything that the selection declares is used, or may be.")
	}
	return edits, "Removed, since nothing in the file uses it: `" + strings.Join(gone, "`, `") + "`.", left
}

// needed reports whether a name that is declared once may be needed.
func (p *selectedPart) needed(name string) bool {
	if uses, _ := p.uses(name); len(uses) != 1 || p.src.jsx && slices.Contains([]string{"React", "h", "Fragment", "jsx"}, name) {
		return true
	}
	return slices.ContainsFunc(p.src.comments, func(c [2]int) bool {
		text := p.whole[c[0]:c[1]]
		return strings.Contains(text, "@") && strings.Contains(text, name)
	})
}

// unusedImport takes names out of an import. What is imported is still run.
func (p *selectedPart) unusedImport(i int) (edits []edit, gone, left []string) {
	s := p.src
	end := i
	for end < len(s.toks) && s.toks[end].kind != tokString {
		end++
	}
	last, ends := s.statementEnd(end)
	if end == i+1 || end == len(s.toks) || !ends || !p.selects(i, last) || slices.ContainsFunc(s.comments, func(c [2]int) bool { return c[0] > s.toks[i].at && c[1] < s.toks[end].end() }) {
		return nil, nil, nil
	}
	types := s.tok(i+1).text == "type" && s.tok(i+2).text != "from" && s.tok(i+2).text != ","
	var head, named []string // what stays
	drop := func(n int) bool {
		if p.needed(s.toks[n].text) {
			return false
		}
		gone = append(gone, s.toks[n].text)
		return true
	}
	k := i + 1
	if types {
		k++
	}
	for k < end {
		switch t := s.toks[k]; {
		case t.text == "*":
			if !drop(k + 2) {
				head = append(head, p.whole[t.at:s.toks[k+2].end()])
			}
			k += 3
		case t.text == "{":
			for from := k + 1; from < t.match; {
				to := from
				for to < t.match && s.toks[to].text != "," {
					to++
				}
				if to > from && !drop(to-1) {
					named = append(named, p.whole[s.toks[from].at:s.toks[to-1].end()])
				}
				from = to + 1
			}
			k = t.match + 1
		case t.kind == tokIdent && t.text != "from":
			if !drop(k) {
				head = append(head, t.text)
			}
			k++
		default:
			k++
		}
	}
	if len(gone) == 0 {
		return nil, nil, nil
	}
	word := "import "
	if types {
		word = "import type "
	}
	clause := strings.Join(head, ", ")
	if len(named) > 0 {
		clause = strings.Join(append(head, "{ "+strings.Join(named, ", ")+" }"), ", ")
	}
	from := s.toks[end]
	switch {
	case clause != "":
		return []edit{{s.toks[i].at, from.at, word + clause + " from "}}, gone, nil
	case types:
		if e, ok := p.removal(i, last); ok {
			return []edit{e}, gone, nil
		}
		return nil, nil, nil
	case typedPath.MatchString(p.path):
		return nil, nil, []string{fmt.Sprintf("Line %d imports nothing that is used, but whether %s is wanted for what it does is not in this file.", s.lineOf(i), from.text)}
	}
	return []edit{{s.toks[i].at, from.at, "import "}}, gone, []string{fmt.Sprintf("%s is still run: take its line out too if it does nothing that is wanted.", from.text)}
}

// unusedDeclaration takes out a variable or function.
func (p *selectedPart) unusedDeclaration(i int) (e edit, name, why string) {
	s := p.src
	first, last, n := i, i, i+1
	pure := true
	if s.toks[i].text == "function" {
		if s.tok(n).text == "*" {
			n++
		}
		if s.tok(n).kind != tokIdent || !s.beginsDeclaration(i) {
			return
		}
		if s.tok(i-1).text == "async" {
			first--
		}
		for last = n; last < len(s.toks) && s.toks[last].text != "{"; last = s.skip(last) {
			if s.toks[last].text == ";" {
				return // a signature
			}
		}
		if last == len(s.toks) || s.toks[last].brace != braceBlock {
			return
		}
		last = s.toks[last].match
	} else {
		d, ok := s.declaration(i)
		if !ok || d == nil || d.inLoop || len(d.names) != 1 || d.names[0] != i+1 || !s.beginsStatement(i) {
			return
		}
		last = d.end
		if s.tok(last).text != ";" {
			last--
		}
		pure = d.inits == 0 || p.harmless(d.firstInit, last)
	}
	name = s.toks[n].text
	if s.tok(first-1).text == "export" || s.tok(first-1).text == "default" || len(p.bindings()[name]) != 1 || p.needed(name) || s.toks[i].in < 0 && !s.isModule() {
		return e, "", ""
	}
	if !pure {
		return e, "", fmt.Sprintf("`%s` in line %d is not used, but working out its value may do something.", name, s.lineOf(i))
	}
	e, ok := p.removal(first, last)
	if !ok {
		return e, "", fmt.Sprintf("`%s` in line %d is not used, but the lines around it would be read otherwise without it.", name, s.lineOf(i))
	}
	return e, name, ""
}

// harmless reports whether making a value does nothing: plain values, and functions.
func (p *selectedPart) harmless(from, last int) bool {
	s := p.src
	if s.tok(last).text == ";" {
		last--
	}
	k := from
	if s.tok(k).text == "async" {
		k++
	}
	switch t := s.tok(k); {
	case t.text == "function":
		open := k
		for open <= last && s.toks[open].text != "{" {
			open = s.skip(open)
		}
		return open <= last && s.toks[open].match == last
	case t.text == "(" && s.tok(t.match+1).text == "=>":
		return s.bodyEnd(t.match+1) >= last
	case t.kind == tokIdent && s.tok(k+1).text == "=>":
		return s.bodyEnd(k+1) >= last
	}
	for i := from; i <= last; i++ {
		t := s.toks[i]
		plain := t.kind == tokNumber || t.kind == tokString || t.kind == tokRegex || t.kind == tokTemplate && t.brace != braceHole && strings.HasPrefix(t.text, "`") && !(i > from && s.endsExpression(i-1)) ||
			t.kind == tokIdent && (slices.Contains([]string{"true", "false", "null", "undefined"}, t.text) || s.tok(i+1).text == ":") ||
			t.kind == tokPunct && slices.Contains([]string{"[", "]", "{", "}", ",", ":"}, t.text)
		if !plain || (t.text == "[" && i > from && s.endsExpression(i-1)) {
			return false
		}
	}
	return true
}

// earlyReturn leaves a function early where an if is all that is left of it.
func (p *selectedPart) earlyReturn() (edits []edit, did string, left []string) {
	s := p.src
	n := 0
	for i, t := range s.toks {
		if t.kind != tokIdent || t.text != "if" || s.isProperty(i) || !s.beginsStatement(i) || t.in < 0 || !s.isFunctionBody(t.in) || s.tok(i+1).text != "(" {
			continue
		}
		open := s.toks[i+1].match + 1
		if s.tok(open).text != "{" || s.toks[t.in].match != s.toks[open].match+1 || !p.selects(i, s.toks[open].match) {
			continue
		}
		if why := p.scoped(t.in, open); why != "" {
			left = append(left, fmt.Sprintf("The if in line %d stays, since %s.", s.lineOf(i), why))
			continue
		}
		made, ok := p.unwrapped(i, open)
		if !ok || slices.ContainsFunc(edits, func(e edit) bool { return e.to > made[0].from }) {
			left = append(left, fmt.Sprintf("The if in line %d stays: it does not stand in lines of its own.", s.lineOf(i)))
			continue
		}
		edits = append(edits, made...)
		n++
	}
	if len(edits)+len(left) == 0 {
		left = append(left, "No function of the selection ends with an if around all that is left of it.")
	}
	return edits, fmt.Sprintf("%s now left early, when its condition does not hold; then nothing else was done before either.", map[bool]string{true: "A function is", false: fmt.Sprintf("%d functions are", n)}[n == 1]), left
}

// scoped says what of a block cannot stand in the function around it.
func (p *selectedPart) scoped(function, open int) string {
	s := p.src
	from := function - 1
	if s.toks[from].text == "=>" {
		from--
	}
	if m := s.toks[from].match; m >= 0 && m < from {
		from = m
	}
	end := s.toks[open].match
	if end == open+1 {
		return "its block is empty"
	}
	for k := open + 1; k < end; k++ {
		t := s.toks[k]
		if t.in != open || t.kind != tokIdent || s.isProperty(k) {
			continue
		}
		switch t.text {
		case "function", "class", "enum", "type", "interface", "using":
			if s.beginsDeclaration(k) {
				return "its block declares a function or class"
			}
		case "const", "let":
			d, ok := s.declaration(k)
			if !ok {
				return "I cannot tell what its block declares"
			}
			if d == nil {
				continue
			}
			for _, n := range d.names {
				uses, _ := p.uses(s.toks[n].text)
				for _, u := range uses {
					if u >= from && u <= s.toks[function].match && (u < open || u > end) {
						return fmt.Sprintf("its block has a `%s` of its own", s.toks[n].text)
					}
				}
			}
		}
	}
	return ""
}

// unwrapped are the edits that turn if (a) { b } into if (!a) return; b.
func (p *selectedPart) unwrapped(i, open int) ([]edit, bool) {
	s := p.src
	end := s.toks[open].match
	outer, whole := p.indentation(s.toks[i].at)
	inner, first := p.indentation(s.toks[open+1].at)
	_, last := p.indentation(s.toks[end].at)
	if !whole || !first || !last || !strings.HasPrefix(inner, outer) || len(inner) == len(outer) || strings.Contains(p.whole[s.toks[i].at:s.toks[open].at], "\n") {
		return nil, false
	}
	lineEnd := strings.IndexByte(p.whole[s.toks[open].end():], '\n')
	if lineEnd < 0 || strings.TrimSpace(p.whole[s.toks[open].end():s.toks[open].end()+lineEnd]) != "" {
		return nil, false
	}
	edits := []edit{{s.toks[i].at, s.toks[open].end(), "if (" + p.negated(i+2, s.toks[i+1].match) + ") return;"}}
	unit := inner[len(outer):]
	for at := s.toks[open].end() + lineEnd + 1; at < s.toks[end].at; {
		next := strings.IndexByte(p.whole[at:], '\n') + at + 1
		if strings.HasPrefix(p.whole[at:], outer+unit) && !p.within(at) {
			edits = append(edits, edit{at, at + len(outer+unit), outer})
		}
		at = next
	}
	from, to := p.lines(s.toks[end].at, s.toks[end].end())
	if e := &edits[len(edits)-1]; e.to > from {
		return nil, false
	}
	return append(edits, edit{from, to, ""}), true
}

// within reports whether a place is in the middle of a text or comment.
func (p *selectedPart) within(at int) bool {
	for _, c := range p.src.comments {
		if at > c[0] && at < c[1] {
			return true
		}
	}
	i, _ := slices.BinarySearchFunc(p.src.toks, at, func(t token, at int) int { return cmp.Compare(t.at, at) })
	return i > 0 && at < p.src.toks[i-1].end() && p.src.toks[i-1].kind != tokText
}

var opposites = map[string]string{"===": "!==", "!==": "===", "==": "!=", "!=": "=="}

// negated is the opposite of a condition.
func (p *selectedPart) negated(from, to int) string {
	s := p.src
	text := func(a, b int) string { return p.whole[s.toks[a].at:s.toks[b-1].end()] }
	var operators []int
	for k := from; k < to; k = s.skip(k) {
		t := s.toks[k]
		if t.kind == tokPunct && !t.postfix && t.text != "." && t.text != "?." && t.text != "(" && t.text != "[" || t.kind == tokIdent && (operatorWords[t.text] && !s.isProperty(k)) {
			operators = append(operators, k)
		}
	}
	switch {
	case len(operators) == 0:
		return "!" + text(from, to)
	case len(operators) == 1 && operators[0] == from && s.toks[from].text == "!":
		return text(from+1, to)
	case len(operators) == 1 && opposites[s.toks[operators[0]].text] != "":
		o := s.toks[operators[0]]
		return p.whole[s.toks[from].at:o.at] + opposites[o.text] + p.whole[o.end():s.toks[to-1].end()]
	}
	return "!(" + text(from, to) + ")"
}

var callers = wordSet("map filter forEach reduce reduceRight some every find findIndex findLast findLastIndex flatMap sort toSorted then catch finally addEventListener setTimeout setInterval requestAnimationFrame queueMicrotask")

// arrows shortens functions that are handed on, and bodies that only return.
func (p *selectedPart) arrows() (edits []edit, did string, left []string) {
	s := p.src
	n := 0
	for i, t := range s.toks {
		switch {
		case t.kind == tokIdent && t.text == "function" && s.tok(i+1).text == "(" && p.selects(i, i):
			made, why := p.arrow(i)
			if why != "" {
				left = append(left, fmt.Sprintf("The function in line %d stays, since %s.", s.lineOf(i), why))
			}
			if edits = append(edits, made...); len(made) > 0 {
				n++
			}
		case t.text == "=>" && s.tok(i+1).text == "{" && s.tok(i+2).text == "return" && s.tok(i+2).kind == tokIdent && !s.isProperty(i+2):
			if made := p.returned(i); len(made) > 0 && p.selects(i, s.toks[i+1].match) && !slices.ContainsFunc(edits, func(e edit) bool { return e.from < made[1].to && e.to > made[0].from }) {
				edits = append(edits, made...)
				n++
			}
		}
	}
	if len(edits)+len(left) == 0 {
		left = append(left, "The selection has no function that is handed to a call, and none that only returns a value.")
	}
	return edits, fmt.Sprintf("%s shorter: none of them uses a this or arguments of its own.", map[bool]string{true: "One function is", false: fmt.Sprintf("%d functions are", n)}[n == 1]), left
}

// arrow are the edits that make an arrow function; why says what forbids it.
func (p *selectedPart) arrow(i int) (edits []edit, why string) {
	s := p.src
	prev := i - 1
	if s.tok(prev).text == "async" {
		prev--
	}
	open, _ := s.around(i)
	call := s.toks[i].in
	if open.text != "(" || s.tok(prev).text != "(" && s.tok(prev).text != "," || call < 1 || !callers[s.toks[call-1].text] {
		return nil, "it is not handed to a call of which I know that it does not care"
	}
	body := s.toks[i+1].match + 1
	if s.tok(body).text == ":" {
		body = s.afterReturnType(body + 1)
	}
	if body < 0 || s.tok(body).text != "{" || !p.selects(i, s.toks[body].match) {
		return nil, "I do not see where it ends in the selection"
	}
	names, sure := s.parameters(i + 1)
	seen := map[string]bool{}
	for _, n := range names {
		if seen[s.toks[n].text] {
			return nil, "two of its parameters have one name"
		}
		seen[s.toks[n].text] = true
	}
	for k := i + 1; k < s.toks[body].match; k++ {
		if t := s.toks[k]; t.kind == tokIdent && !s.isProperty(k) && (t.text == "this" || t.text == "arguments" || t.text == "super" || t.text == "new" && s.tok(k+1).text == ".") {
			return nil, "it uses " + t.text
		}
	}
	if next := s.tok(s.toks[body].match + 1); !sure || next.text != "," && next.text != ")" || s.tok(body+1).kind == tokString {
		return nil, "I am not sure of its form"
	}
	return []edit{{s.toks[i].at, s.toks[i+1].at, ""}, {s.toks[body].at, s.toks[body].at, "=> "}}, ""
}

// returned are the edits that take the braces and the return from a body.
func (p *selectedPart) returned(arrow int) []edit {
	s := p.src
	open := arrow + 1
	end := s.toks[open].match
	first, last := open+2, end-1
	if s.toks[last].text == ";" {
		last--
	}
	next := s.tok(end + 1)
	commented := slices.ContainsFunc(s.comments, func(c [2]int) bool { return c[0] > s.toks[open].at && c[1] < s.toks[end].end() })
	ended := end+1 == len(s.toks) || slices.Contains([]string{";", ",", ")", "]", "}"}, next.text) || next.kind == tokTemplate && strings.HasPrefix(next.text, "}") || next.line && !s.goesOn(end+1)
	if last < first || s.toks[first].line || commented || !ended || strings.Contains(p.whole[s.toks[first].at:s.toks[last].end()], "\n") {
		return nil
	}
	wrap := s.toks[first].text == "{"
	for k := first; k <= last; k = s.skip(k) {
		switch {
		case s.toks[k].text == ";" || s.toks[k].kind == tokIdent && s.toks[k].text == "in":
			return nil
		case s.toks[k].text == ",":
			wrap = true
		}
	}
	before, after := "", ""
	if wrap {
		before, after = "(", ")"
	}
	return []edit{{s.toks[open].at, s.toks[first].at, before}, {s.toks[last].end(), s.toks[end].end(), after}}
}

var (
	quotedLiteral = regexp.MustCompile("[\"'`“]([^\"'`”]{1,200})[\"'`”]")
	asName        = regexp.MustCompile("(?:\\bas|\\bcalled|\\bnamed|\\bconstant|\\bconst)(?:\\s+(?:an?\\s+)?(?:constant|const|named|called))*\\s+[`\"']?([A-Za-z_$][\\w$]*)")
	beforeValue   = wordSet("( , [ = === !== == != + return ? && || ?? case")
)

// extract gives a name to a text or number that is repeated.
func (p *selectedPart) extract() (edits []edit, did string, left []string) {
	s := p.src
	places := map[string][]int{}
	for i, t := range s.toks {
		if (t.kind == tokString && len(t.text) > 3 || t.kind == tokNumber && len(t.text) > 1) && p.selects(i, i) && p.isValue(i) {
			places[t.text] = append(places[t.text], i)
		}
	}
	best := ""
	for _, text := range sortedKeys(places) {
		asked := false
		for _, m := range quotedLiteral.FindAllStringSubmatch(p.wish, 5) {
			asked = asked || m[1] == text || len(text) > 2 && m[1] == text[1:len(text)-1]
		}
		if len(places[text]) > 1 && (asked || best == "" || len(places[text]) > len(places[best])) {
			if best = text; asked {
				break
			}
		}
	}
	if best == "" {
		return nil, "", []string{"No text or number stands more than once in the selection where a constant could take its place."}
	}
	at, why := p.placeBefore(places[best])
	if why != "" {
		return nil, "", []string{fmt.Sprintf("%s was left: %s.", best, why)}
	}
	name := constantName(strings.Trim(best, `"'`))
	if m := asName.FindStringSubmatch(p.wish); m != nil && isName(m[1]) {
		name = m[1]
	}
	if uses, _ := p.uses(name); len(uses) > 0 || !isName(name) {
		return nil, "", []string{fmt.Sprintf("%s was left: say a name for it that the file does not have, as in “extract it as NAME”.", best)}
	}
	space, _ := p.indentation(at)
	end := ";"
	if !strings.Contains(p.whole, ";") {
		end = ""
	}
	edits = []edit{{at, at, fmt.Sprintf("const %s = %s%s\n%s", name, best, end, space)}}
	for _, i := range places[best] {
		edits = append(edits, edit{s.toks[i].at, s.toks[i].end(), name})
	}
	return edits, fmt.Sprintf("%s, which stood there %d times, is now the constant `%s`.", best, len(places[best]), name), nil
}

// isValue reports whether a literal stands for a value, and for nothing else: no key, type, directive or path.
func (p *selectedPart) isValue(i int) bool {
	s := p.src
	prev, next := s.tok(i-1), s.tok(i+1)
	open, kind := s.around(i)
	if !beforeValue[prev.text] && kind != braceHole || prev.kind == tokAttr || prev.kind == tokIdent && !operatorWords[prev.text] || next.text == ":" && open.text != "(" && prev.text != "?" && prev.text != "case" || kind == braceModule || kind == braceEnum || kind == braceType || kind == braceTag {
		return false
	}
	if prev.text == "(" && (s.tok(i-2).text == "import" || s.tok(i-2).text == "require") || prev.text == "," && kind == braceObject {
		return false
	}
	if typedPath.MatchString(p.path) { // types may hold literals, and look much like values
		if next.text == "|" || next.text == "&" || next.text == ">" || (prev.text == "[" || prev.text == ",") && open.text == "[" {
			return false
		}
		for k := i - 1; k >= 0 && k > i-60; k-- {
			if t := s.toks[k]; t.kind == tokIdent && (t.text == "type" || t.text == "interface" || t.text == "enum" || t.text == "declare") || t.text == "<" && t.match < 0 {
				return false
			} else if t.text == ";" || s.beginsStatement(k) {
				break
			}
		}
	}
	return true
}

// placeBefore is where a constant can be declared that all places use.
func (p *selectedPart) placeBefore(places []int) (at int, why string) {
	s := p.src
	first := slices.IndexFunc(s.toks, func(t token) bool { return t.at >= p.start })
	for first >= 0 && first < len(s.toks) && s.toks[first].text == "import" && s.beginsStatement(first) {
		in := s.toks[first].in
		for first++; first < len(s.toks) && !(s.toks[first].in == in && s.beginsStatement(first)); first++ {
		}
	}
	if first < 0 || first >= len(s.toks) || !s.beginsStatement(first) || first > places[0] || s.toks[first].kind == tokString {
		return 0, "the selection does not begin with a statement before which a constant could stand"
	}
	from, to := s.frameOf(first)
	if _, kind := s.around(first); kind != braceBlock {
		return 0, "the selection begins where it is not always reached"
	}
	for _, i := range places {
		if i > to {
			return 0, "the selection goes on beyond the block in which it begins"
		}
		if s.function(i) != s.function(first) && (s.toks[first].in < 0 && p.importsFiles() || p.runsBefore(from, first)) {
			return 0, "a function uses it that may run before the constant is there"
		}
	}
	if s.toks[first].in < 0 && !s.isModule() {
		return 0, "the file is no module, so that other scripts of the page would see the constant"
	}
	at = s.toks[first].at
	for _, c := range slices.Backward(s.comments) {
		if c[1] <= at && c[0] >= p.start && strings.TrimSpace(p.whole[c[1]:at]) == "" {
			if _, whole := p.indentation(c[0]); whole {
				at = c[0]
			}
		}
	}
	if _, whole := p.indentation(at); !whole {
		return 0, "the selection does not begin with a line"
	}
	return at, ""
}

// constantName makes a name of a value.
func constantName(value string) string {
	var b strings.Builder
	for _, w := range strings.FieldsFunc(fold(value), func(r rune) bool { return r >= 0x80 || !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		if b.Len() > 0 && b.Len() < 30 {
			b.WriteByte('_')
		}
		if b.Len() < 30 {
			b.WriteString(strings.ToUpper(w))
		}
	}
	name := b.String()
	if name == "" || name[0] >= '0' && name[0] <= '9' {
		name = "VALUE_" + name
	}
	return strings.TrimSuffix(name, "_")
}

// sortImports sorts the names within each import; the order of imports is the order in which files run, and stays.
func (p *selectedPart) sortImports() (edits []edit, did string, left []string) {
	s := p.src
	n := 0
	for i, t := range s.toks {
		if t.text != "{" || t.brace != braceModule || t.match < 0 || !p.selects(i, t.match) || !slices.ContainsFunc(s.toks[max(0, i-4):i], func(t token) bool { return t.text == "import" }) {
			continue
		}
		var at [][2]int
		for k := i + 1; k < t.match; k++ {
			from := k
			for k < t.match && s.toks[k].text != "," {
				k++
			}
			if k > from {
				at = append(at, [2]int{s.toks[from].at, s.toks[k-1].end()})
			}
		}
		if len(at) < 2 || slices.ContainsFunc(s.comments, func(c [2]int) bool { return c[0] > t.at && c[1] < s.toks[t.match].end() }) {
			continue
		}
		var names []string
		for _, a := range at {
			names = append(names, p.whole[a[0]:a[1]])
		}
		sorted := slices.SortedStableFunc(slices.Values(names), func(a, b string) int {
			a, b = strings.TrimPrefix(a, "type "), strings.TrimPrefix(b, "type ")
			return cmp.Or(strings.Compare(strings.ToLower(a), strings.ToLower(b)), strings.Compare(a, b))
		})
		if slices.Equal(names, sorted) {
			continue
		}
		n++
		for k, a := range at {
			edits = append(edits, edit{a[0], a[1], sorted[k]})
		}
	}
	if n == 0 {
		left = append(left, "The names in each import of the selection are sorted already.")
	}
	return edits, fmt.Sprintf("Sorted the names in %s. The order of the imports themselves is the order in which those files run, and stays.", count(n, "import")), left
}

// document writes comments over functions, from their names.
func (p *selectedPart) document() (edits []edit, did string, left []string) {
	s := p.src
	n := 0
	for i, t := range s.toks {
		if t.kind != tokIdent || s.isProperty(i) {
			continue
		}
		name, open, first := "", -1, i
		switch {
		case t.text == "function" && s.tok(i+1).kind == tokIdent && s.tok(i+2).text == "(" && s.beginsDeclaration(i):
			name, open = s.toks[i+1].text, i+2
		case t.text == "const" && s.tok(i+2).text == "=" && (s.tok(i+3).text == "(" || s.tok(i+3).text == "async" && s.tok(i+4).text == "("):
			name, open = s.tok(i+1).text, i+3
			if s.tok(i+3).text == "async" {
				open++
			}
			if s.tok(s.toks[open].match+1).text != "=>" && !s.mayBeArrow(open) {
				continue
			}
		default:
			continue
		}
		for s.tok(first-1).kind == tokIdent && slices.Contains([]string{"export", "default", "async"}, s.tok(first-1).text) {
			first--
		}
		end, isBody := s.parameterBody(open)
		space, whole := p.indentation(s.toks[first].at)
		if !isBody || !s.beginsStatement(first) || !whole || !p.selects(first, min(end, len(s.toks)-1)) || p.commented(s.toks[first].at) {
			continue
		}
		names, sure := s.parameters(open)
		var b strings.Builder
		fmt.Fprintf(&b, "/**\n%s * %s.\n", space, capital(strings.Join(wordsInName(name), " ")))
		for k, at := range names {
			if !sure || s.toks[at].in != open {
				break
			}
			if k == 0 {
				fmt.Fprintf(&b, "%s *\n", space)
			}
			fmt.Fprintf(&b, "%s * @param %s %s\n", space, s.toks[at].text, capital(strings.Join(wordsInName(s.toks[at].text), " ")))
		}
		fmt.Fprintf(&b, "%s */\n%s", space, space)
		edits = append(edits, edit{s.toks[first].at, s.toks[first].at, b.String()})
		n++
	}
	if n == 0 {
		left = append(left, "The selection has no function without a comment.")
	}
	return edits, fmt.Sprintf("Wrote a comment over %s, from its name and parameters alone: say there what the name does not.", count(n, "function")), left
}

// commented reports whether a comment ends right before a place.
func (p *selectedPart) commented(at int) bool {
	return slices.ContainsFunc(p.src.comments, func(c [2]int) bool {
		return c[1] <= at && strings.TrimSpace(p.whole[c[1]:at]) == "" && strings.Count(p.whole[c[1]:at], "\n") < 2
	})
}

// wordsInName are the words of a name.
func wordsInName(name string) (out []string) {
	start := 0
	r := []rune(name)
	for i := 1; i <= len(r); i++ {
		if i == len(r) || r[i] == '_' || r[i] == '$' || unicode.IsUpper(r[i]) && (!unicode.IsUpper(r[i-1]) || i+1 < len(r) && unicode.IsLower(r[i+1])) {
			if w := strings.Trim(string(r[start:i]), "_$"); w != "" {
				out = append(out, strings.ToLower(w))
			}
			start = i
		}
	}
	return out
}
