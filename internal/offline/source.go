package offline

import (
	"errors"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Reading JavaScript, TypeScript and JSX: tokens, what brackets enclose, and what braces are. It is no parser, and knows where it would
// have to be one: what can be read in two ways is refused, so that no rule changes what it does not understand. It uses no recursion,
// since what it reads is the work of strangers.

// source is a text as tokens.
type source struct {
	text     string
	jsx      bool
	toks     []token
	comments [][2]int // from, to
	frames   []int    // open brackets, as indices of tokens

	classAhead, typeAhead, enumAhead bool // the next brace at this depth is a body
	aheadAt                          int  // depth at which
	tooDeep                          bool
}

type tokenKind uint8

const (
	tokIdent    tokenKind = iota // keywords too
	tokNumber                    //
	tokString                    //
	tokTemplate                  // a part of one, with its quotes
	tokRegex                     //
	tokPunct                     //
	tokText                      // of JSX
	tokAttr                      // of JSX: names of attributes, and of elements that are no components
)

type token struct {
	kind    tokenKind
	text    string
	at      int  // bytes before it
	line    bool // a line ends before it
	in      int  // the bracket around it, -1 if none
	match   int  // of a bracket: the other one
	brace   braceKind
	postfix bool // a ! that asserts
}

func (t token) end() int { return t.at + len(t.text) }

type braceKind uint8

const (
	noBrace     braceKind = iota
	braceBlock            // statements
	braceObject           // an object, a pattern or a type
	braceClass            //
	braceType             // the body of an interface
	braceEnum             //
	braceSwitch           //
	braceModule           // names that are imported or exported
	braceHole             // an expression in a template or in JSX
	braceTag              // < of an element, up to its >
	braceInner            // > of an element, up to its closing tag
)

var errUnsure = errors.New("the code can be read in more than one way")

// What is read is bounded, in bytes and in brackets within each other.
const (
	maxSource  = 200_000
	maxNesting = 200
)

// readSource reads a text.
func readSource(text string, jsx bool) (*source, error) {
	s := &source{text: text, jsx: jsx}
	if len(text) > maxSource || !utf8.ValidString(text) {
		return nil, errUnsure
	}
	at := 0
	if strings.HasPrefix(text, "#!") {
		at = max(0, strings.IndexByte(text, '\n'))
	}
	line := true
	for at < len(text) && !s.tooDeep {
		if s.top() == braceInner {
			n, err := s.readInner(at)
			if err != nil {
				return nil, err
			}
			at, line = n, false
			continue
		}
		c := text[at]
		switch {
		case c == '\n' || strings.HasPrefix(text[at:], "\u2028") || strings.HasPrefix(text[at:], "\u2029"):
			line = true
			at++
			if c != '\n' {
				at += 2
			}
			continue
		case c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f' || c >= utf8.RuneSelf && unicode.IsSpace(runeAt(text, at)) || strings.HasPrefix(text[at:], "\ufeff"):
			at += utf8.RuneLen(runeAt(text, at))
			continue
		case strings.HasPrefix(text[at:], "//"), strings.HasPrefix(text[at:], "/*"):
			end, err := s.readComment(at)
			if err != nil {
				return nil, err
			}
			line = line || strings.Contains(text[at:end], "\n")
			at = end
			continue
		}
		n, err := s.readToken(at, line)
		if err != nil {
			return nil, err
		}
		at, line = n, false
	}
	if len(s.frames) > 0 || s.tooDeep {
		return nil, errUnsure
	}
	return s, nil
}

func runeAt(text string, at int) rune {
	r, _ := utf8.DecodeRuneInString(text[at:])
	return r
}

func (s *source) readComment(at int) (int, error) {
	end := strings.IndexByte(s.text[at:], '\n')
	if s.text[at+1] == '*' {
		if end = strings.Index(s.text[at+2:], "*/"); end < 0 {
			return 0, errUnsure
		}
		end += 4
	} else if end < 0 {
		end = len(s.text) - at
	}
	s.comments = append(s.comments, [2]int{at, at + end})
	return at + end, nil
}

// top is what the text stands in, if that is of JSX.
func (s *source) top() braceKind {
	if n := len(s.frames); n > 0 {
		return s.toks[s.frames[n-1]].brace
	}
	return noBrace
}

func (s *source) add(kind tokenKind, at, end int, line bool) *token {
	in := -1
	if n := len(s.frames); n > 0 {
		in = s.frames[n-1]
	}
	s.toks = append(s.toks, token{kind: kind, text: s.text[at:end], at: at, line: line, in: in, match: -1})
	return &s.toks[len(s.toks)-1]
}

func (s *source) open(kind tokenKind, at, end int, line bool, brace braceKind) {
	s.add(kind, at, end, line).brace = brace
	s.frames = append(s.frames, len(s.toks)-1)
	s.tooDeep = s.tooDeep || len(s.frames) > maxNesting
}

// close ends the innermost bracket with the last token.
func (s *source) close() {
	n := len(s.frames) - 1
	from, to := s.frames[n], len(s.toks)-1
	s.frames = s.frames[:n]
	s.toks[from].match, s.toks[to].match = to, from
	s.toks[to].in = s.toks[from].in
}

func isIdentStart(r rune) bool { return r == '$' || r == '_' || r == '#' || unicode.IsLetter(r) }
func isIdentPart(r rune) bool {
	return r == '$' || r == '_' || r == '\u200c' || r == '\u200d' || unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Mc, r) || unicode.Is(unicode.Pc, r)
}

func identEnd(text string, at int, more string) int {
	for at < len(text) {
		r, n := utf8.DecodeRuneInString(text[at:])
		if !isIdentPart(r) && !strings.ContainsRune(more, r) {
			break
		}
		at += n
	}
	return at
}

var puncts = []string{">>>=", "...", "===", "!==", "**=", "<<=", ">>=", "&&=", "||=", "??=", "=>", "==", "!=", "<=", ">=", "&&", "||", "??", "?.", "++", "--", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<", "**"}

func (s *source) readToken(at int, line bool) (int, error) {
	c, r := s.text[at], runeAt(s.text, at)
	inTag := s.top() == braceTag
	switch {
	case c == '\\' || strings.HasPrefix(s.text[at:], "<!--"):
		return 0, errUnsure
	case isIdentStart(r):
		more := ""
		if inTag {
			more = "-:"
		}
		end := identEnd(s.text, at+utf8.RuneLen(r), more)
		if inTag {
			s.add(tokAttr, at, end, line)
			return end, nil
		}
		t := s.add(tokIdent, at, end, line)
		s.lookAhead(t)
		return end, nil
	case c >= '0' && c <= '9' || c == '.' && at+1 < len(s.text) && s.text[at+1] >= '0' && s.text[at+1] <= '9':
		end := at + 1
		for end < len(s.text) && (isIdentPart(rune(s.text[end])) || s.text[end] == '.' || (s.text[end] == '+' || s.text[end] == '-') && strings.ContainsRune("eE", rune(s.text[end-1])) && !strings.HasPrefix(s.text[at:], "0x")) {
			end++
		}
		s.add(tokNumber, at, end, line)
		return end, nil
	case c == '"' || c == '\'':
		return s.readString(at, line, inTag)
	case c == '`':
		return s.readTemplate(at, at+1, line)
	case c == '/' && !inTag:
		regex, err := s.startsExpression('/')
		if err != nil || regex {
			return s.readRegex(at, line, err)
		}
	case c == '<':
		return s.readAngle(at, line, inTag)
	case inTag && c == '>', inTag && strings.HasPrefix(s.text[at:], "/>"):
		end := at + 1
		if c == '/' {
			end++
		}
		s.add(tokPunct, at, end, line)
		s.close()
		if c == '>' {
			last := len(s.toks) - 1
			s.toks[last].brace = braceInner
			s.frames = append(s.frames, last)
		}
		return end, nil
	case strings.IndexByte("([{", c) >= 0:
		kind := noBrace
		if c == '{' {
			var err error
			if kind, err = s.braceKind(); err != nil {
				return 0, err
			}
		}
		s.open(tokPunct, at, at+1, line, kind)
		return at + 1, nil
	case strings.IndexByte(")]}", c) >= 0:
		return s.closeBracket(at, line)
	}
	return s.readPunct(at, line)
}

func (s *source) readPunct(at int, line bool) (int, error) {
	end := at + 1
	for _, p := range puncts {
		if strings.HasPrefix(s.text[at:], p) && !(p == "?." && at+2 < len(s.text) && s.text[at+2] >= '0' && s.text[at+2] <= '9') {
			end = at + len(p)
			break
		}
	}
	if !strings.ContainsAny(s.text[at:at+1], "!%&*+,-./:;<=>?@^|~") {
		return 0, errUnsure
	}
	after, _ := s.startsExpression('!')
	s.add(tokPunct, at, end, line).postfix = s.text[at:end] == "!" && !after && !line
	return end, nil
}

func (s *source) readString(at int, line, inTag bool) (int, error) {
	for end := at + 1; end < len(s.text); end++ {
		switch c := s.text[end]; {
		case c == s.text[at]:
			s.add(tokString, at, end+1, line)
			return end + 1, nil
		case c == '\\' && !inTag:
			if end++; end < len(s.text) && s.text[end] == '\r' {
				return 0, errUnsure
			}
		case c == '\n' && !inTag:
			return 0, errUnsure
		}
	}
	return 0, errUnsure
}

// readTemplate reads a part of a template, from at, whose text begins at from.
func (s *source) readTemplate(at, from int, line bool) (int, error) {
	for end := from; end < len(s.text); end++ {
		switch {
		case s.text[end] == '\\':
			end++
		case s.text[end] == '`':
			s.add(tokTemplate, at, end+1, line)
			return end + 1, nil
		case strings.HasPrefix(s.text[end:], "${"):
			s.open(tokTemplate, at, end+2, line, braceHole)
			return end + 2, nil
		}
	}
	return 0, errUnsure
}

func (s *source) readRegex(at int, line bool, err error) (int, error) {
	if err != nil {
		return 0, err
	}
	set := false
	for end := at + 1; end < len(s.text) && s.text[end] != '\n'; end++ {
		switch c := s.text[end]; {
		case c == '\\':
			end++
		case c == '[':
			set = true
		case c == ']':
			set = false
		case c == '/' && !set:
			end = identEnd(s.text, end+1, "")
			s.add(tokRegex, at, end, line)
			return end, nil
		}
	}
	return 0, errUnsure
}

func (s *source) closeBracket(at int, line bool) (int, error) {
	n := len(s.frames)
	if n == 0 {
		return 0, errUnsure
	}
	open := &s.toks[s.frames[n-1]]
	want := map[string]byte{"(": ')', "[": ']', "{": '}'}[open.text]
	if open.kind == tokTemplate {
		want = '}'
	}
	if want != s.text[at] {
		return 0, errUnsure
	}
	if s.aheadAt >= n {
		s.classAhead, s.typeAhead, s.enumAhead = false, false, false
	}
	if open.kind != tokTemplate {
		s.add(tokPunct, at, at+1, line)
		s.toks[len(s.toks)-1].brace = open.brace
		s.close()
		return at + 1, nil
	}
	// The template goes on: its next part closes this hole, and may open another.
	from := s.frames[n-1]
	s.frames = s.frames[:n-1]
	end, err := s.readTemplate(at, at+1, line)
	s.toks[from].match = len(s.toks) - 1
	return end, err
}

// readAngle reads a <: an element's beginning, or an operator.
func (s *source) readAngle(at int, line, inTag bool) (int, error) {
	next := rune(0)
	if at+1 < len(s.text) {
		next = runeAt(s.text, at+1)
	}
	element := inTag
	if !inTag && s.jsx && (isIdentStart(next) || next == '>') {
		var err error
		if element, err = s.startsExpression('<'); err != nil {
			return 0, err
		}
	}
	if !element {
		return s.readPunct(at, line)
	}
	return s.readElement(at, line)
}

// readElement reads < and the name behind it.
func (s *source) readElement(at int, line bool) (int, error) {
	s.open(tokPunct, at, at+1, line, braceTag)
	end := identEnd(s.text, at+1, "-:.")
	name := s.text[at+1 : end]
	if rest := strings.TrimLeft(s.text[end:], " \t\r\n"); strings.HasPrefix(rest, ",") || strings.HasPrefix(rest, "extends ") || strings.HasPrefix(rest, "<") || strings.Contains(s.text[end:min(end+1, len(s.text))], "<") {
		return 0, errUnsure // parameters of a type
	}
	s.addName(at+1, name)
	return end, nil
}

// addName adds the name of an element: what begins it is a variable where it is no element of HTML.
func (s *source) addName(at int, name string) {
	if name == "" {
		return
	}
	head, _, dotted := strings.Cut(name, ".")
	if dotted || unicode.IsUpper(runeAt(head, 0)) || head[0] == '$' || head[0] == '_' {
		s.add(tokIdent, at, at+len(head), false)
		if dotted {
			s.add(tokAttr, at+len(head), at+len(name), false)
		}
		return
	}
	s.add(tokAttr, at, at+len(name), false)
}

// readInner reads what stands between the tags of an element.
func (s *source) readInner(at int) (int, error) {
	n := strings.IndexAny(s.text[at:], "<{>}")
	switch {
	case n < 0 || s.text[at+n] == '>' || s.text[at+n] == '}':
		return 0, errUnsure
	case n > 0:
		s.add(tokText, at, at+n, false)
		return at + n, nil
	case s.text[at] == '{':
		s.open(tokPunct, at, at+1, false, braceHole)
		return at + 1, nil
	}
	rest := strings.TrimLeft(s.text[at+1:], " \t\r\n")
	if !strings.HasPrefix(rest, "/") {
		if strings.HasPrefix(rest, ">") || rest != "" && isIdentStart(runeAt(rest, 0)) {
			return s.readElement(at, false)
		}
		return 0, errUnsure
	}
	if s.text[at+1] != '/' {
		return 0, errUnsure
	}
	end := identEnd(s.text, at+2, "-:.")
	s.add(tokPunct, at, at+2, false)
	s.addName(at+2, s.text[at+2:end])
	for end < len(s.text) && strings.IndexByte(" \t\r\n", s.text[end]) >= 0 {
		end++
	}
	if end >= len(s.text) || s.text[end] != '>' {
		return 0, errUnsure
	}
	s.add(tokPunct, end, end+1, false)
	s.close()
	return end + 1, nil
}

var (
	// operatorWords are followed by an expression.
	operatorWords = wordSet("return typeof instanceof in of new delete void throw case do else yield await default extends as satisfies keyof is")
	headWords     = wordSet("if while for with")
)

// startsExpression reports whether an expression can begin here, so that a /, a < or a ! is no operator between two.
func (s *source) startsExpression(what byte) (bool, error) {
	if len(s.toks) == 0 {
		return true, nil
	}
	t := &s.toks[len(s.toks)-1]
	switch t.kind {
	case tokNumber, tokString, tokRegex, tokAttr, tokText:
		return false, nil
	case tokTemplate:
		return t.brace == braceHole, nil
	case tokIdent:
		return operatorWords[t.text] && !s.isProperty(len(s.toks)-1), nil
	}
	switch t.text {
	case ")":
		return s.isHead(t.match), nil
	case "]":
		return false, nil
	case "}":
		if t.brace == braceBlock || t.brace == braceClass || t.brace == braceSwitch {
			if what == '!' {
				return true, nil
			}
			return false, errUnsure
		}
		return false, nil
	case "++", "--":
		if what != '!' {
			return false, errUnsure
		}
		return true, nil
	case "/>":
		return false, nil
	case ">":
		return t.match < 0, nil // no end of an element
	}
	return !t.postfix, nil
}

// isHead reports whether a ( begins the head of a statement.
func (s *source) isHead(open int) bool {
	return open > 0 && s.toks[open-1].kind == tokIdent && (headWords[s.toks[open-1].text] && !s.isProperty(open-1) || s.toks[open-1].text == "await" && open > 1 && s.toks[open-2].text == "for")
}

// isProperty reports whether a name stands behind a dot.
func (s *source) isProperty(i int) bool {
	return i > 0 && (s.toks[i-1].text == "." || s.toks[i-1].text == "?.")
}

// lookAhead notes that a body follows.
func (s *source) lookAhead(t *token) {
	i := len(s.toks) - 1
	rest := strings.TrimLeft(s.text[t.end():], " \t\r\n")
	if s.isProperty(i) || rest == "" || strings.IndexByte(":=,;?)!", rest[0]) >= 0 || rest[0] == '(' {
		return
	}
	switch t.text {
	case "class":
		s.classAhead = true
	case "interface":
		s.typeAhead = isIdentStart(runeAt(rest, 0))
	case "enum":
		s.enumAhead = isIdentStart(runeAt(rest, 0))
	default:
		return
	}
	s.aheadAt = len(s.frames)
}

// braceKind tells what a { begins that is about to be added.
func (s *source) braceKind() (braceKind, error) {
	top := s.top()
	if top == braceTag {
		return braceHole, nil
	}
	if (s.classAhead || s.typeAhead || s.enumAhead) && s.aheadAt == len(s.frames) {
		kind := braceClass
		if s.typeAhead {
			kind = braceType
		} else if s.enumAhead {
			kind = braceEnum
		}
		s.classAhead, s.typeAhead, s.enumAhead = false, false, false
		return kind, nil
	}
	if len(s.toks) == 0 {
		return braceBlock, nil
	}
	i := len(s.toks) - 1
	t := &s.toks[i]
	switch t.kind {
	case tokIdent:
		switch {
		case s.isProperty(i):
			return braceBlock, nil
		case t.text == "import" || t.text == "export" || t.text == "type" && i > 0 && (s.toks[i-1].text == "import" || s.toks[i-1].text == "export"):
			return braceModule, nil
		case t.text == "else" || t.text == "do":
			return braceBlock, nil
		case t.text == "void" && i > 0 && (s.toks[i-1].text == ":" || s.toks[i-1].text == "|"): // what a function returns
			return braceBlock, nil
		case operatorWords[t.text] || slices.Contains([]string{"const", "let", "var", "using", "with"}, t.text):
			return braceObject, nil
		}
		return braceBlock, nil
	case tokString, tokNumber, tokTemplate, tokRegex, tokAttr, tokText:
		if t.brace == braceHole {
			return braceObject, nil
		}
		return braceBlock, nil
	}
	switch t.text {
	case ")":
		if t.match > 0 && s.toks[t.match-1].text == "switch" && !s.isProperty(t.match-1) {
			return braceSwitch, nil
		}
		return braceBlock, nil
	case ";", "}", "=>", "]", ">":
		return braceBlock, nil
	case "{":
		if t.brace == braceBlock || t.brace == braceSwitch || t.brace == braceClass {
			return braceBlock, nil
		}
		return braceObject, nil
	case ",":
		if t.in >= 0 && s.toks[t.in].brace == braceBlock && i > 0 {
			return braceObject, nil
		}
		if top == braceModule || s.isImportComma(i) {
			return braceModule, nil
		}
		return braceObject, nil
	case ":":
		if top == braceSwitch {
			return braceBlock, nil
		}
		return braceObject, nil
	}
	return braceObject, nil
}

// isImportComma tells the comma of import a, { b }.
func (s *source) isImportComma(i int) bool {
	return i >= 2 && s.toks[i-1].kind == tokIdent && (s.toks[i-2].text == "import" || i >= 3 && s.toks[i-2].text == "type" && s.toks[i-3].text == "import")
}
