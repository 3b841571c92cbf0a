package api

import (
	"bytes"
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	maxDepth      = 32 // levels of a request body
	maxBodyErrors = 20 // findings listed for one body
)

// wrongNull stands for a null where none may be, and fits no schema: the framework would take null for absence wherever
// a member is optional.
type wrongNull struct{}

// scanJSON reads a request body once, before anything else does. It accepts one JSON value in valid UTF-8, at most
// maxDepth levels deep, without a key twice in one object, without NUL and without half surrogates in texts (stores
// cannot keep either). It returns the body with its texts trimmed where the plan does not say that they are exact, which
// is data itself when there was nothing to trim, or what is wrong with it.
func scanJSON(data []byte, plan *bodyPlan) ([]byte, []fieldError) {
	s := scanners.Get().(*scanner)
	defer s.release()
	s.data, s.pos = data, 0
	s.keys, s.path, s.edits, s.errs = s.keys[:0], s.path[:0], s.edits[:0], nil
	ok := s.value(0, plan)
	if ok {
		if s.space(); s.pos < len(data) {
			s.malformed("data after the end of the value")
		}
	}
	if len(s.errs) > 0 {
		return nil, s.errs
	}
	return trimmed(data, s.edits), nil
}

var scanners = sync.Pool{New: func() any { return new(scanner) }}

// release gives the scanner back without what it holds of the body.
func (s *scanner) release() {
	if cap(s.keys) > 1024 {
		return
	}
	clear(s.keys[:cap(s.keys)])
	clear(s.path[:cap(s.path)])
	s.data, s.edits, s.errs = nil, s.edits[:0], nil
	scanners.Put(s)
}

type scanner struct {
	data  []byte
	pos   int
	keys  [][]byte // of all open objects
	path  [][]byte // to the value at pos; nothing stands for the entry of a list, whose number is in index
	index []int
	edits []edit
	errs  []fieldError
}

// edit puts text, as a JSON string, in the place of data[from:to].
type edit struct {
	from, to int
	text     string
}

func trimmed(data []byte, edits []edit) []byte {
	if len(edits) == 0 {
		return data
	}
	out := make([]byte, 0, len(data))
	at := 0
	for _, e := range edits {
		out = append(out, data[at:e.from]...)
		out = appendString(out, e.text)
		at = e.to
	}
	return append(out, data[at:]...)
}

func (s *scanner) space() {
	for s.pos < len(s.data) {
		switch s.data[s.pos] {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return
		}
	}
}

// malformed ends the scan; false is what the caller returns.
func (s *scanner) malformed(format string, args ...any) bool {
	s.errs = append(s.errs, fieldError{"body", fmt.Sprintf("Invalid JSON at byte %d: ", s.pos) + fmt.Sprintf(format, args...), "json_invalid"})
	return false
}

// problem notes a broken rule at the current path, once; the scan may go on while it returns true.
func (s *scanner) problem(kind, message string) bool {
	if e := (fieldError{s.field(), message, kind}); !slices.Contains(s.errs, e) {
		s.errs = append(s.errs, e)
	}
	return len(s.errs) < maxBodyErrors
}

func (s *scanner) field() string {
	if len(s.path) == 0 {
		return "body"
	}
	var b strings.Builder
	for i, p := range s.path {
		if i > 0 {
			b.WriteByte('.')
		}
		if len(p) == 0 && s.index[i] >= 0 {
			b.WriteString(strconv.Itoa(s.index[i]))
			continue
		}
		if r := []rune(string(p)); len(r) > 60 {
			p = []byte(string(r[:60]) + "...")
		}
		b.Write(p)
	}
	return b.String()
}

func (s *scanner) push(key []byte, index int) {
	s.path = append(s.path, key)
	s.index = append(s.index[:len(s.path)-1], index)
}

func (s *scanner) pop() { s.path = s.path[:len(s.path)-1] }

// value reads one value; depth counts the containers around it.
func (s *scanner) value(depth int, plan *bodyPlan) bool {
	s.space()
	if s.pos == len(s.data) {
		return s.malformed("unexpected end")
	}
	switch c := s.data[s.pos]; c {
	case '{', '[':
		if depth == maxDepth {
			s.problem("too_deep", fmt.Sprintf("Must be nested at most %d levels deep", maxDepth))
			return false
		}
		if c == '{' {
			return s.object(depth, plan)
		}
		return s.array(depth, plan.elementPlan())
	case '"':
		from := s.pos
		escaped, ok := s.text()
		if !ok {
			return false
		}
		if !plan.exact {
			s.trim(from, escaped)
		}
		return true
	case 't':
		return s.literal("true")
	case 'f':
		return s.literal("false")
	case 'n':
		return s.literal("null")
	default:
		if c == '-' || c >= '0' && c <= '9' {
			return s.number()
		}
		return s.malformed("unexpected %q", rune(c))
	}
}

func (s *scanner) object(depth int, plan *bodyPlan) bool {
	s.pos++
	base := len(s.keys)
	defer func() { s.keys = s.keys[:base] }()
	var many map[string]struct{} // instead of comparing each with each
	for first := true; ; first = false {
		s.space()
		if s.pos == len(s.data) {
			return s.malformed("unexpected end")
		}
		if s.data[s.pos] == '}' && first {
			s.pos++
			return true
		}
		if !first {
			switch s.data[s.pos] {
			case '}':
				s.pos++
				return true
			case ',':
				s.pos++
				s.space()
			default:
				return s.malformed("expected , or }")
			}
		}
		if s.pos == len(s.data) || s.data[s.pos] != '"' {
			return s.malformed("expected a key in quotes")
		}
		from := s.pos + 1
		s.push(nil, -1)
		if _, ok := s.text(); !ok {
			return false
		}
		key := keyOf(s.data[from : s.pos-1])
		s.path[len(s.path)-1] = key
		twice := false
		if n := len(s.keys) - base; n < 16 {
			for _, k := range s.keys[base:] {
				twice = twice || bytes.Equal(k, key)
			}
		} else {
			if many == nil {
				many = make(map[string]struct{}, 32)
				for _, k := range s.keys[base:] {
					many[string(k)] = struct{}{}
				}
			}
			_, twice = many[string(key)]
			many[string(key)] = struct{}{}
		}
		if twice && !s.problem("duplicate_key", "Given more than once in the same object") {
			return false
		}
		s.keys = append(s.keys, key)
		if s.space(); s.pos == len(s.data) || s.data[s.pos] != ':' {
			return s.malformed("expected : after a key")
		}
		s.pos++
		if !s.value(depth+1, plan.member(key)) {
			return false
		}
		s.pop()
	}
}

func (s *scanner) array(depth int, entry *bodyPlan) bool {
	s.pos++
	for i := 0; ; i++ {
		s.space()
		if s.pos == len(s.data) {
			return s.malformed("unexpected end")
		}
		if s.data[s.pos] == ']' && i == 0 {
			s.pos++
			return true
		}
		if i > 0 {
			switch s.data[s.pos] {
			case ']':
				s.pos++
				return true
			case ',':
				s.pos++
			default:
				return s.malformed("expected , or ]")
			}
		}
		s.push(nil, i)
		if !s.value(depth+1, entry) {
			return false
		}
		s.pop()
	}
}

// text reads a string from its opening quote and stands behind the closing one.
func (s *scanner) text() (escaped, ok bool) {
	s.pos++
	for {
		s.pos = skipPlain(s.data, s.pos)
		if s.pos == len(s.data) {
			return false, s.malformed("a text without an end")
		}
		switch c := s.data[s.pos]; {
		case c == '"':
			s.pos++
			return escaped, true
		case c == '\\':
			escaped = true
			if !s.escape() {
				return false, false
			}
		case c < ' ':
			return false, s.malformed("control character in a text: write it as \\u%04x", c)
		default:
			r, n := utf8.DecodeRune(s.data[s.pos:])
			if r == utf8.RuneError && n == 1 {
				s.problem("unicode_error", "Must be valid UTF-8")
				return false, false
			}
			s.pos += n
		}
	}
}

func (s *scanner) escape() bool {
	rest := s.data[s.pos+1:]
	if len(rest) == 0 {
		return s.malformed("a text without an end")
	}
	switch rest[0] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.pos += 2
		return true
	case 'u':
		r, ok := hex4(rest[1:])
		if !ok {
			return s.malformed("\\u needs four hexadecimal digits")
		}
		s.pos += 6
		switch {
		case r == 0:
			return s.problem("nul_character", "Must not hold NUL characters")
		case utf16.IsSurrogate(r):
			rest = rest[5:]
			if len(rest) >= 6 && rest[0] == '\\' && rest[1] == 'u' {
				if low, ok := hex4(rest[2:]); ok && utf16.DecodeRune(r, low) != utf8.RuneError {
					s.pos += 6
					return true
				}
			}
			return s.problem("unicode_error", "Must not hold half of a surrogate pair")
		}
		return true
	}
	return s.malformed("unknown escape \\%c", rest[0])
}

func hex4(b []byte) (rune, bool) {
	if len(b) < 4 {
		return 0, false
	}
	var r rune
	for _, c := range b[:4] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

func (s *scanner) literal(word string) bool {
	if !bytes.HasPrefix(s.data[s.pos:], []byte(word)) {
		return s.malformed("unexpected %q", rune(s.data[s.pos]))
	}
	s.pos += len(word)
	return true
}

func (s *scanner) number() bool {
	digits := func() bool {
		from := s.pos
		for s.pos < len(s.data) && s.data[s.pos] >= '0' && s.data[s.pos] <= '9' {
			s.pos++
		}
		return s.pos > from || s.malformed("a number misses its digits")
	}
	if s.data[s.pos] == '-' {
		s.pos++
	}
	if s.pos < len(s.data) && s.data[s.pos] == '0' {
		s.pos++
	} else if !digits() {
		return false
	}
	if s.pos < len(s.data) && s.data[s.pos] == '.' {
		if s.pos++; !digits() {
			return false
		}
	}
	if s.pos < len(s.data) && s.data[s.pos]|0x20 == 'e' {
		s.pos++
		if s.pos < len(s.data) && (s.data[s.pos] == '+' || s.data[s.pos] == '-') {
			s.pos++
		}
		return digits()
	}
	return true
}

// trim notes an edit if the text that starts at from and ends at pos has white space at either end.
func (s *scanner) trim(from int, escaped bool) {
	raw := s.data[from+1 : s.pos-1]
	if len(raw) == 0 {
		return
	}
	edge := func(c byte) bool { return c == ' ' || c >= utf8.RuneSelf }
	if !escaped && !edge(raw[0]) && !edge(raw[len(raw)-1]) {
		return
	}
	text := unquote(raw)
	if t := strings.TrimSpace(text); len(t) != len(text) {
		s.edits = append(s.edits, edit{from, s.pos, t})
	}
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// skipPlain returns the position from i of the first byte that a JSON text cannot hold as it is, or that is not ASCII.
// Eight bytes are looked at together: the lowest flag set is always a true one.
func skipPlain[T string | []byte](data T, i int) int {
	for ; i+8 <= len(data); i += 8 {
		x := uint64(data[i]) | uint64(data[i+1])<<8 | uint64(data[i+2])<<16 | uint64(data[i+3])<<24 |
			uint64(data[i+4])<<32 | uint64(data[i+5])<<40 | uint64(data[i+6])<<48 | uint64(data[i+7])<<56 // one load
		quote, slash := x^('"'*ones), x^('\\'*ones)
		if m := (x | (x-' '*ones)&^x | (quote-ones)&^quote | (slash-ones)&^slash) & highs; m != 0 {
			return i + bits.TrailingZeros64(m)/8
		}
	}
	for ; i < len(data); i++ {
		if c := data[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			return i
		}
	}
	return i
}

// textEnd returns the position behind the closing quote of the text that opens at i, in data known to be valid.
func textEnd(data []byte, i int) int {
	for i++; ; i++ {
		switch i = skipPlain(data, i); data[i] {
		case '"':
			return i + 1
		case '\\':
			i++
		}
	}
}

// unquote decodes the inside of a JSON text that is known to be valid.
func unquote(raw []byte) string {
	i := bytes.IndexByte(raw, '\\')
	if i < 0 {
		return string(raw)
	}
	out := make([]byte, 0, len(raw))
	for {
		out = append(out, raw[:i]...)
		raw = raw[i:]
		if len(raw) == 0 {
			return string(out)
		}
		switch c := raw[1]; c {
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			r, _ := hex4(raw[2:])
			if raw = raw[4:]; utf16.IsSurrogate(r) && len(raw) >= 8 {
				low, _ := hex4(raw[4:])
				r = utf16.DecodeRune(r, low)
				raw = raw[6:]
			}
			out = utf8.AppendRune(out, r)
		default:
			out = append(out, c)
		}
		raw = raw[2:]
		if i = bytes.IndexByte(raw, '\\'); i < 0 {
			i = len(raw)
		}
	}
}

// keyOf decodes a key, which is a part of data unless it is spelt with escapes.
func keyOf(raw []byte) []byte {
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw
	}
	return []byte(unquote(raw))
}

// skip returns the position behind the value that starts at i, in data known to be valid.
func skip(data []byte, i int) int {
	depth := 0
	for ; ; i++ {
		switch data[i] {
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		case '"':
			if i = textEnd(data, i) - 1; depth == 0 {
				return i + 1
			}
		case ' ', '\t', '\n', '\r', ',', ':':
		default:
			if depth == 0 {
				for i < len(data) && !bytes.ContainsRune([]byte(" \t\n\r,:]}"), rune(data[i])) {
					i++
				}
				return i
			}
		}
	}
}

// skipBlank returns the position of the first byte from i that is neither white space nor a comma or colon.
func skipBlank(data []byte, i int) int {
	for i < len(data) {
		switch data[i] {
		case ' ', '\t', '\n', '\r', ',', ':':
			i++
		default:
			return i
		}
	}
	return i
}

// members calls f with each member of the object that valid data holds, in order; nothing if it is no object.
func members(data []byte, f func(key, value []byte)) {
	i := skipBlank(data, 0)
	if i == len(data) || data[i] != '{' {
		return
	}
	for i = skipBlank(data, i+1); data[i] != '}'; i = skipBlank(data, i) {
		end := textEnd(data, i)
		key := keyOf(data[i+1 : end-1])
		i = skipBlank(data, end)
		end = skip(data, i)
		f(key, data[i:end])
		i = end
	}
}

// isText reports whether a value is a text, and isNull whether it is null.
func isText(value []byte) bool { return len(value) > 0 && value[0] == '"' }
func isNull(value []byte) bool { return len(value) == 0 || value[0] == 'n' }

// textOf decodes a value that is a text; "" if it is none.
func textOf(value []byte) string {
	if !isText(value) {
		return ""
	}
	return unquote(value[1 : len(value)-1])
}

var emptyObject = map[string]any{}

// tree builds from valid data what the schema validates. What the plan calls opaque is left empty.
func tree(data []byte, plan *bodyPlan) any {
	v, _ := node(data, skipBlank(data, 0), plan)
	return v
}

func node(data []byte, i int, plan *bodyPlan) (any, int) {
	switch data[i] {
	case '{':
		if plan.opaque {
			return emptyObject, skip(data, i)
		}
		m := map[string]any{}
		for i = skipBlank(data, i+1); data[i] != '}'; i = skipBlank(data, i) {
			end := textEnd(data, i)
			key := keyOf(data[i+1 : end-1])
			member := plan.member(key)
			var v any
			if v, i = node(data, skipBlank(data, end), member); v == nil && !member.nullable {
				v = wrongNull{}
			}
			if member.name != "" {
				m[member.name] = v // without a copy of it
			} else {
				m[string(key)] = v
			}
		}
		return m, i + 1
	case '[':
		if plan.opaque {
			return []any(nil), skip(data, i)
		}
		list := []any{}
		for i = skipBlank(data, i+1); data[i] != ']'; i = skipBlank(data, i) {
			var v any
			v, i = node(data, i, plan.elementPlan())
			list = append(list, v)
		}
		return list, i + 1
	case '"':
		end := textEnd(data, i)
		return unquote(data[i+1 : end-1]), end
	case 't':
		return true, i + 4
	case 'f':
		return false, i + 5
	case 'n':
		return nil, i + 4
	}
	end := skip(data, i)
	f, _ := strconv.ParseFloat(string(data[i:end]), 64)
	return f, end
}

// levels returns how deep valid data is nested: 0 if it is neither an object nor a list.
func levels(data []byte) (deepest int) {
	level := 0
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '{', '[':
			level++
			deepest = max(deepest, level)
		case '}', ']':
			level--
		case '"':
			i = textEnd(data, i) - 1
		}
	}
	return deepest
}
