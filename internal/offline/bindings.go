package offline

import (
	"slices"
	"strings"
	"unicode"
)

// What names of a source mean: where they are declared, how far that reaches, and which of their occurrences are no variables at all.

// binding is a declaration of a name.
type binding struct {
	tok      int // of the name
	how      string
	from, to int  // tokens in which the name means this
	exported bool // under its own name
}

// declaration is a statement of const, let or var.
type declaration struct {
	names     []int
	inits     int  // of its names that have values
	whole     bool // every name has one
	inLoop    bool // it is the head of a for
	iterates  bool // for of, for in
	end       int  // the token behind it
	calls     bool // a value may run code
	firstInit int
}

// nameRole is what a name is at some place.
type nameRole uint8

const (
	roleUnsure    nameRole = iota
	roleVariable           // a variable or type
	roleShorthand          // { name }: a key and a variable
	roleImported           // import { name }: the name elsewhere, and a variable
	roleExported           // export { name }
	roleKey                // a property, or a name elsewhere
)

func (s *source) tok(i int) token {
	if i < 0 || i >= len(s.toks) {
		return token{kind: tokPunct, in: -1, match: -1}
	}
	return s.toks[i]
}

// around is the kind of the bracket in which a token stands.
func (s *source) around(i int) (open token, kind braceKind) {
	in := s.toks[i].in
	if in < 0 {
		return token{}, braceBlock
	}
	return s.toks[in], s.toks[in].brace
}

var (
	memberWords = wordSet("static get set async readonly private public protected declare override abstract accessor")
	paramWords  = wordSet("private public protected readonly override")
)

// roleOf tells what the name at a token is.
func (s *source) roleOf(i int) nameRole {
	t, prev, next := s.toks[i], s.tok(i-1), s.tok(i+1)
	if s.isProperty(i) || strings.HasPrefix(t.text, "#") {
		return roleKey
	}
	open, kind := s.around(i)
	fresh := prev.text == "{" || prev.text == ","
	switch kind {
	case braceObject:
		switch {
		case (fresh || prev.text == ";" || t.line && s.endsExpression(i-1)) && (next.text == ":" || next.text == "(" || next.text == "?" && s.tok(i+2).text == ":"): // the latter of types
			if after := s.tok(s.tok(i+1).match + 1).text; next.text == "(" && after != "{" && after != ":" {
				return roleUnsure // a call: the brace is none of an object
			}
			return roleKey
		case fresh && (next.text == "," || next.text == "}" || next.text == "="):
			return roleShorthand
		case fresh, prev.text == ";", t.line && s.endsExpression(i-1), prev.kind == tokIdent && memberWords[prev.text], prev.text == "*" && (s.tok(i-2).text == "{" || s.tok(i-2).text == ","):
			return roleUnsure
		}
		return roleVariable
	case braceClass:
		switch {
		case prev.text == "{" && s.toks[i].in == i-1, prev.text == ";", prev.text == "}", prev.kind == tokIdent && memberWords[prev.text]:
			if next.kind == tokIdent && !next.line {
				return roleUnsure
			}
			return roleKey
		case prev.text == "*", t.line && s.endsExpression(i-1):
			return roleUnsure
		}
		return roleVariable
	case braceType:
		if fresh || prev.text == ";" {
			return roleKey
		} else if t.line || prev.text == "readonly" {
			return roleUnsure
		}
		return roleVariable
	case braceEnum:
		return roleUnsure
	case braceModule:
		return s.roleInModule(i)
	}
	switch {
	case next.text == ":" && open.text == "[", prev.kind == tokIdent && paramWords[prev.text] && open.text == "(", (prev.text == "break" || prev.text == "continue") && !t.line,
		next.text == ":" && open.text != "(" && (prev.text == "" || prev.text == ";" || prev.text == "{" || prev.text == "}" || prev.text == ")" || t.line):
		return roleUnsure
	}
	return roleVariable
}

func (s *source) roleInModule(i int) nameRole {
	open := s.toks[i].in
	prev, next := s.tok(i-1), s.tok(i+1)
	imports := false
	for k := open - 1; k >= 0 && k >= open-4; k-- {
		if s.toks[k].text == "import" || s.toks[k].text == "export" {
			imports = s.toks[k].text == "import"
			break
		}
	}
	switch end := s.toks[open].match; {
	case !imports && s.tok(end+1).text == "from":
		return roleKey
	case imports && next.text == "as", !imports && prev.text == "as":
		return roleKey
	case prev.text == "as" || next.text == "as":
		return roleVariable
	case imports:
		return roleImported
	}
	return roleExported
}

// endsExpression reports whether an expression may end with a token.
func (s *source) endsExpression(i int) bool {
	t := s.tok(i)
	switch t.kind {
	case tokIdent:
		return !operatorWords[t.text] || s.isProperty(i)
	case tokPunct:
		return t.text == ")" || t.text == "]" || t.text == "}" || t.text == "++" || t.text == "--" || t.text == "/>" || t.text == ">" && t.match >= 0 || t.postfix
	case tokTemplate:
		return t.brace != braceHole
	}
	return true
}

// goesOn reports whether a token at the beginning of a line goes on with what stands before it.
func (s *source) goesOn(i int) bool {
	t := s.tok(i)
	switch t.kind {
	case tokTemplate:
		return true
	case tokIdent:
		return t.text == "instanceof" || t.text == "in" || t.text == "as" || t.text == "satisfies" || t.text == "of"
	case tokPunct:
		return !slices.Contains([]string{"++", "--", "!", "~", "{", "}", ";", "@", ""}, t.text) && !(t.text == "<" && t.match >= 0)
	}
	return false
}

// statementEnds reports whether a statement that is not ended by a ; ends before a token.
func (s *source) statementEnds(i int) bool {
	return i >= len(s.toks) || s.toks[i].text == "}" || s.toks[i].text == ";" || s.toks[i].line && s.endsExpression(i-1) && !s.goesOn(i)
}

// beginsStatement reports whether a statement begins with a token, for sure.
func (s *source) beginsStatement(i int) bool {
	if _, kind := s.around(i); kind != braceBlock && kind != braceSwitch || s.toks[i].in >= 0 && s.toks[s.toks[i].in].text != "{" {
		return false
	}
	prev := s.tok(i - 1)
	switch {
	case i == 0 || prev.text == ";" || prev.text == "{" && s.toks[i].in == i-1:
		return prev.in < 0 || s.tok(prev.in).text != "("
	case prev.text == "}" && (prev.brace == braceBlock || prev.brace == braceSwitch || prev.brace == braceClass || prev.brace == braceType || prev.brace == braceEnum):
		// The body of a function that is a value ends no statement by itself.
		return s.toks[i].line || !s.isValueBody(i-1)
	}
	return s.toks[i].line && s.endsExpression(i-1) && !s.goesOn(i) && !(prev.text == ")" && s.isHead(prev.match))
}

// isValueBody reports whether a } may end a function or class that is a value.
func (s *source) isValueBody(end int) bool {
	open := s.toks[end].match
	for k := open - 1; k >= 0 && k > open-12; k-- {
		if s.toks[k].text == "=>" || s.toks[k].text == "=" || s.toks[k].text == "class" || s.toks[k].text == "function" {
			return !s.beginsDeclaration(k)
		}
		if m := s.toks[k].match; m >= 0 && m < k {
			k = m
		}
	}
	return false
}

// beginsDeclaration reports whether the word function or class begins a statement.
func (s *source) beginsDeclaration(i int) bool {
	if s.tok(i-1).text == "async" {
		i--
	}
	if s.tok(i-1).text == "default" {
		i--
	}
	if s.tok(i-1).text == "export" {
		i--
	}
	return s.beginsStatement(i)
}

// skip is the token behind the bracket, or element, that begins with one.
func (s *source) skip(i int) int {
	t := s.toks[i]
	if t.match <= i {
		return i + 1
	}
	if t.kind == tokTemplate && t.brace == braceHole {
		for s.toks[i].brace == braceHole && s.toks[i].kind == tokTemplate && s.toks[i].match > i {
			i = s.toks[i].match
		}
		return i + 1
	}
	if t.text == "<" && s.toks[t.match].text == ">" {
		return s.toks[t.match].match + 1
	}
	return t.match + 1
}

// bindings finds all declarations. It reports false where it cannot tell which there are.
func (s *source) bindings() (map[string][]*binding, bool) {
	out := map[string][]*binding{}
	add := func(b binding) {
		name := s.toks[b.tok].text
		out[name] = append(out[name], &b)
	}
	for i := range s.toks {
		t := s.toks[i]
		if t.kind == tokIdent && !s.isProperty(i) && s.tok(i+1).text != ":" {
			switch t.text {
			case "const", "let", "var", "using":
				if !s.declares(i, add) {
					return nil, false
				}
			case "function", "class":
				s.declaresNamed(i, add)
			case "type", "interface", "enum", "namespace", "module":
				if next := s.tok(i + 1); next.kind == tokIdent && !next.line && (s.beginsStatement(i) || s.tok(i-1).text == "export" || s.tok(i-1).text == "const") {
					from, to := s.frameOf(i)
					add(binding{tok: i + 1, how: t.text, from: from, to: to, exported: s.isExported(i)})
				}
			case "import":
				s.declaresImports(i, add)
			}
			if s.tok(i+1).text == "=>" && !operatorWords[t.text] {
				add(binding{tok: i, how: "parameter", from: i, to: s.bodyEnd(i + 1)})
			}
		}
		if t.text == "(" && t.kind == tokPunct {
			if end, ok := s.parameterBody(i); ok {
				names, sure := s.parameters(i)
				if !sure {
					return nil, false
				}
				for _, n := range names {
					add(binding{tok: n, how: "parameter", from: i, to: end})
				}
			}
		}
	}
	return out, true
}

// frameOf are the first and the last token of what a token stands in.
func (s *source) frameOf(i int) (from, to int) {
	if in := s.toks[i].in; in >= 0 {
		return in, s.toks[in].match
	}
	return 0, len(s.toks) - 1
}

func (s *source) isExported(i int) bool {
	if s.tok(i-1).text == "async" || s.tok(i-1).text == "abstract" || s.tok(i-1).text == "const" || s.tok(i-1).text == "declare" {
		i--
	}
	return s.tok(i-1).text == "export"
}

// declares adds what a statement of const, let or var declares.
func (s *source) declares(i int, add func(binding)) bool {
	d, ok := s.declaration(i)
	if !ok || d == nil {
		return ok
	}
	from, to := s.frameOf(i)
	if d.inLoop {
		head := s.toks[i].in
		body := s.toks[head].match + 1
		from, to = head, s.toks[head].match
		if s.tok(body).text == "{" {
			to = s.toks[body].match
		}
	}
	for _, n := range d.names {
		add(binding{tok: n, how: s.toks[i].text, from: from, to: to, exported: s.isExported(i)})
	}
	return true
}

// declaration reads a statement of const, let or var; nil where the word is none.
func (s *source) declaration(i int) (*declaration, bool) {
	next := s.tok(i + 1)
	if next.kind != tokIdent && next.text != "{" && next.text != "[" || next.text == "enum" || next.kind == tokIdent && (next.text == "in" || next.text == "of" || next.text == "instanceof") {
		return nil, true
	}
	open, _ := s.around(i)
	d := &declaration{whole: true}
	d.inLoop = open.text == "(" && s.isHead(s.toks[i].in)
	if open.text == "(" && !d.inLoop {
		return nil, false
	}
	for j := i + 1; ; {
		t := s.tok(j)
		switch {
		case t.kind == tokIdent:
			d.names = append(d.names, j)
			j++
		case t.text == "{" || t.text == "[":
			names, ok := s.pattern(j)
			if !ok {
				return nil, false
			}
			d.names = append(d.names, names...)
			j = t.match + 1
		default:
			return nil, false
		}
		if s.tok(j).text == "!" {
			j++
		}
		if s.tok(j).text == ":" {
			if j = s.afterType(j + 1); j < 0 {
				return nil, false
			}
		}
		word := s.tok(j)
		switch {
		case d.inLoop && word.kind == tokIdent && (word.text == "of" || word.text == "in"):
			d.iterates, d.end = true, s.toks[s.toks[i].in].match
			return d, true
		case word.text == "=":
			d.inits++
			if d.firstInit == 0 {
				d.firstInit = j + 1
			}
			var ok bool
			if j, ok = s.afterValue(j+1, d); !ok {
				return nil, false
			}
		default:
			d.whole = false
		}
		if s.tok(j).text != "," {
			d.end = j
			return d, true
		}
		j++
	}
}

// afterType is the token behind a type, -1 if that is not clear.
func (s *source) afterType(j int) int {
	angles := 0
	for start := j; j < len(s.toks); {
		switch t := s.toks[j]; {
		case t.text == "<":
			angles++
		case t.text == ">":
			angles--
		case angles == 0 && (t.text == "=" || t.text == "," || t.text == ";" || t.text == ")" || t.text == "}" || t.text == "]"),
			angles == 0 && j > start && s.statementEnds(j) && t.text != "|" && t.text != "&",
			angles == 0 && t.kind == tokIdent && (t.text == "of"):
			return j
		}
		if j = s.skip(j); angles < 0 {
			return -1
		}
	}
	if angles != 0 {
		return -1
	}
	return j
}

// afterValue is the token behind a value in a list.
func (s *source) afterValue(j int, d *declaration) (int, bool) {
	angle := false
	for start := j; j < len(s.toks); {
		t := s.toks[j]
		switch {
		case t.text == ",":
			return j, !angle
		case t.text == ";" || t.text == ")" && t.match < j || t.text == "}" && t.match < j || t.text == "]" && t.match < j, j > start && s.statementEnds(j):
			return j, true
		case t.text == "<" && t.match < 0:
			if after := s.afterTypeArguments(j); after > 0 {
				j = after
				continue
			}
			angle = true
		case d != nil && (t.text == "(" || t.kind == tokTemplate || t.text == "new" || t.text == "await" || t.text == "yield" || t.text == "<"):
			d.calls = true
		}
		j = s.skip(j)
	}
	return j, true
}

// afterTypeArguments is the token behind the arguments of a type that are given to a call; 0 where a < begins none.
func (s *source) afterTypeArguments(j int) int {
	if s.tok(j-1).kind != tokIdent || s.tok(j-1).end() != s.toks[j].at {
		return 0
	}
	depth := 0
	for n := 0; j < len(s.toks) && n < 60; n++ {
		t := s.toks[j]
		switch {
		case t.text == "<":
			depth++
		case t.text == ">":
			if depth--; depth == 0 {
				if s.tok(j+1).text == "(" {
					return j + 1
				}
				return 0
			}
		case t.kind == tokIdent, t.kind == tokString, slices.Contains([]string{",", "|", "&", ".", "[", "{", "(", "=>"}, t.text):
		default:
			return 0
		}
		j = s.skip(j)
	}
	return 0
}

// pattern are the names that a pattern binds.
func (s *source) pattern(open int) (names []int, ok bool) {
	work := []int{open}
	for len(work) > 0 {
		o := work[len(work)-1]
		work = work[:len(work)-1]
		end := s.toks[o].match
		for k := o + 1; k < end; {
			if s.toks[k].text == "," {
				k++
				continue
			}
			if s.toks[k].text == "..." {
				k++
			}
			if s.toks[o].text == "{" {
				if after := s.skip(k); s.tok(after).text == ":" {
					k = after + 1
				}
			}
			switch t := s.tok(k); {
			case t.kind == tokIdent:
				names = append(names, k)
				k++
			case t.text == "{" || t.text == "[":
				work = append(work, k)
				k = t.match + 1
			default:
				return nil, false
			}
			var sure bool
			if k, sure = s.afterDefault(k, end); !sure {
				return nil, false
			}
		}
	}
	return names, true
}

// afterDefault is the token behind the value that a name of a list, which ends at end, has where it is given none; ok is false where the
// list does not go on there.
func (s *source) afterDefault(k, end int) (after int, ok bool) {
	if k < end && s.toks[k].text == "=" {
		if k, ok = s.afterValue(k+1, nil); !ok {
			return k, false
		}
	}
	return k, k >= end || s.toks[k].text == ","
}

// parameters are the names that a list of parameters binds.
func (s *source) parameters(open int) (names []int, ok bool) {
	end := s.toks[open].match
	for k := open + 1; k < end; {
		if s.toks[k].text == "," {
			k++
			continue
		}
		for s.toks[k].kind == tokIdent && paramWords[s.toks[k].text] && s.tok(k+1).kind == tokIdent {
			k++
		}
		if s.toks[k].text == "..." {
			k++
		}
		switch t := s.tok(k); {
		case t.kind == tokIdent:
			names = append(names, k)
			k++
		case t.text == "{" || t.text == "[":
			inner, sure := s.pattern(k)
			if !sure {
				return nil, false
			}
			names = append(names, inner...)
			k = t.match + 1
		default:
			return nil, false
		}
		if k < end && s.toks[k].text == "?" {
			k++
		}
		if k < end && s.toks[k].text == ":" {
			if k = s.afterType(k + 1); k < 0 {
				return nil, false
			}
		}
		var sure bool
		if k, sure = s.afterDefault(k, end); !sure {
			return nil, false
		}
	}
	return names, true
}

// parameterBody reports whether a ( begins parameters, and the last token of the body that they reach over.
func (s *source) parameterBody(open int) (end int, ok bool) {
	after := s.toks[open].match + 1
	prev := s.tok(open - 1)
	arrow := s.tok(after).text == "=>"
	function := s.isFunctionHead(open)
	if s.tok(after).text == ":" && !arrow && (function || s.mayBeArrow(open)) {
		if after = s.afterReturnType(after + 1); after < 0 {
			return 0, false
		}
		arrow = s.tok(after).text == "=>" && !function
	}
	switch {
	case arrow:
		return s.bodyEnd(after), true
	case s.tok(after).text != "{" || s.tok(after).brace != braceBlock:
		return 0, false
	case function, prev.text == "catch" && !s.isProperty(open-1):
		return s.toks[after].match, true
	}
	return 0, false
}

// afterReturnType is the { or => behind the type that a function returns; -1 if that is not clear.
func (s *source) afterReturnType(j int) int {
	for n := 0; j < len(s.toks) && n < 40; n++ {
		t := s.toks[j]
		switch {
		case t.text == "=>", t.text == "{" && t.brace == braceBlock:
			return j
		case t.kind == tokIdent, t.kind == tokString, strings.Contains(" < > [ ] . | & ", " "+t.text+" "), t.text == "{", t.text == "[", t.text == ",":
			j = s.skip(j)
		default:
			return -1
		}
	}
	return -1
}

// mayBeArrow reports whether a ( that a : follows can only begin parameters.
func (s *source) mayBeArrow(open int) bool {
	at := open - 1
	if s.tok(at).text == "async" {
		at--
	}
	if !slices.Contains([]string{"=", "(", ",", "=>", "return"}, s.tok(at).text) {
		return false
	}
	for k, n := open-1, 0; k >= 0 && n < 80; k, n = k-1, n+1 {
		if t := s.toks[k]; t.in != s.toks[open].in {
			continue
		} else if t.text == ";" {
			return true
		} else if t.text == "?" {
			return false
		}
	}
	return true
}

// isFunctionHead reports whether a ( begins the parameters of a function or method.
func (s *source) isFunctionHead(open int) bool {
	name := open - 1
	t := s.tok(name)
	if t.text == "function" && !s.isProperty(name) || t.text == "*" && s.tok(name-1).text == "function" {
		return true
	}
	if t.kind != tokIdent && t.kind != tokString && t.kind != tokNumber || t.kind == tokIdent && (headWords[t.text] || t.text == "switch" || t.text == "catch") {
		return false
	}
	before := s.tok(name - 1)
	if before.text == "function" || before.text == "*" && s.tok(name-2).text == "function" {
		return true
	}
	_, kind := s.around(open)
	if kind == braceClass || kind == braceObject {
		return before.text == "{" || before.text == "," || before.text == ";" || before.text == "}" || before.text == "*" || memberWords[before.text] || kind == braceClass && t.line
	}
	return false
}

// bodyEnd is the last token of the body behind =>. Where it may end earlier than it seems, it is taken to.
func (s *source) bodyEnd(arrow int) int {
	j := arrow + 1
	if s.tok(j).text == "{" {
		return s.toks[j].match
	}
	for start := j; j < len(s.toks); {
		t := s.toks[j]
		if t.text == "," || t.text == ";" || (t.text == ")" || t.text == "]" || t.text == "}" || t.kind == tokTemplate) && t.in == s.tok(s.toks[arrow].in).in && t.match < j && t.match >= 0 && t.match == s.toks[arrow].in || j > start && s.statementEnds(j) {
			break
		}
		if in := s.toks[arrow].in; in >= 0 && j >= s.toks[in].match {
			break
		}
		j = s.skip(j)
	}
	return j - 1
}

// declaresNamed adds the name of a function or class.
func (s *source) declaresNamed(i int, add func(binding)) {
	n := i + 1
	if s.tok(n).text == "*" {
		n++
	}
	if s.tok(n).kind != tokIdent || s.tok(n).text == "extends" {
		return
	}
	b := binding{tok: n, how: s.toks[i].text}
	if s.beginsDeclaration(i) {
		b.from, b.to = s.frameOf(i)
		b.exported = s.isExported(i)
	} else {
		b.how += " value"
		b.from, b.to = n, n
		for k := n; k < len(s.toks); k = s.skip(k) {
			if s.toks[k].text == "{" && (s.toks[k].brace == braceBlock || s.toks[k].brace == braceClass) {
				b.to = s.toks[k].match
				break
			}
		}
	}
	add(b)
}

// declaresImports adds what an import brings.
func (s *source) declaresImports(i int, add func(binding)) {
	if !s.beginsStatement(i) || s.tok(i+1).text == "(" || s.tok(i+1).text == "." {
		return
	}
	for k := i + 1; k < len(s.toks) && s.toks[k].kind != tokString && k < i+400; k++ {
		t := s.toks[k]
		if t.kind != tokIdent || t.text == "from" || t.text == "type" && s.tok(k+1).text != "from" && s.tok(k+1).text != "," && s.tok(k+1).text != "}" || t.text == "as" || s.tok(k+1).text == "as" {
			continue
		}
		add(binding{tok: k, how: "import", from: 0, to: len(s.toks) - 1})
	}
}

// isModule reports whether the text is a module: what it declares is then seen by nobody else.
func (s *source) isModule() bool {
	for i, t := range s.toks {
		if t.kind == tokIdent && t.in < 0 && (t.text == "import" || t.text == "export") && s.beginsStatement(i) && s.tok(i+1).text != "(" && s.tok(i+1).text != "." {
			return true
		}
	}
	return false
}

// lineOf is the line of a token, from 1.
func (s *source) lineOf(i int) int { return 1 + strings.Count(s.text[:s.toks[i].at], "\n") }

// reserved are names that nothing can have, or that mean something by themselves.
var reserved = wordSet(`break case catch class const continue debugger default delete do else enum export extends false finally for function if import in instanceof new null return super switch
	this throw true try typeof var void while with yield let static implements interface package private protected public await async of get set eval arguments undefined NaN Infinity
	as any unknown never number string boolean object symbol bigint type namespace module declare abstract readonly is keyof infer satisfies asserts require exports`)

func isName(name string) bool {
	for i, r := range name {
		if i == 0 && (!isIdentStart(r) || r == '#') || !isIdentPart(r) && !isIdentStart(r) || unicode.IsSpace(r) {
			return false
		}
	}
	return name != "" && !reserved[name]
}
