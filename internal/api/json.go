package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
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

// exactKeys are the members whose texts stay byte for byte, with all below them. Every other text is trimmed.
var exactKeys = map[string]bool{
	"content": true, "selected_code": true, "input_context": true, "answers": true, "responses": true,
	"transcript": true, "transcripts": true,
}

// opaqueKeys are members of a body that the schemas ask nothing of but their kind, so that validation need not build them.
var opaqueKeys = map[string]bool{"input_context": true, "requirements_spec": true, "architecture_spec": true}

// nullKeys are the members of bodies that may be null; a test holds them against the schemas. The framework would take
// null for absence wherever a member is optional: any other null is handed to it as [wrongNull], which fits no schema.
var nullKeys = map[string]bool{
	"tech_stack": true, "requirements_spec": true, "architecture_spec": true, "limit_usd": true, "limit_micro_usd": true,
}

type wrongNull struct{}

// scanJSON reads a request body once, before anything else does. It accepts one JSON value in valid UTF-8, at most
// maxDepth levels deep, without a key twice in one object, without NUL and without half surrogates in texts (stores
// cannot keep either). It returns the body with its texts trimmed, which is data itself when there was nothing to trim,
// or what is wrong with it.
func scanJSON(data []byte) ([]byte, []fieldError) {
	s := scanners.Get().(*scanner)
	defer scanners.Put(s)
	s.data, s.pos, s.exact = data, 0, 0
	s.keys, s.path, s.edits, s.errs = s.keys[:0], s.path[:0], s.edits[:0], nil
	ok := s.value(0)
	if ok {
		if s.space(); s.pos < len(data) {
			s.malformed("data after the end of the value")
		}
	}
	s.data = nil
	if len(s.errs) > 0 {
		return nil, s.errs
	}
	return trimmed(data, s.edits), nil
}

var scanners = sync.Pool{New: func() any { return new(scanner) }}

type scanner struct {
	data  []byte
	pos   int
	keys  []string // of all open objects
	path  []string // to the value at pos; "" stands for the entry of a list, whose number is in index
	index []int
	exact int // how many open values must stay byte for byte
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

// wrong notes a broken rule at the current path, once; the scan may go on while it returns true.
func (s *scanner) wrong(kind, message string) bool {
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
		if p == "" && s.index[i] >= 0 {
			b.WriteString(strconv.Itoa(s.index[i]))
			continue
		}
		if r := []rune(p); len(r) > 60 {
			p = string(r[:60]) + "..."
		}
		b.WriteString(p)
	}
	return b.String()
}

func (s *scanner) push(key string, index int) {
	s.path = append(s.path, key)
	s.index = append(s.index[:len(s.path)-1], index)
}

func (s *scanner) pop() { s.path = s.path[:len(s.path)-1] }

// value reads one value; depth counts the containers around it.
func (s *scanner) value(depth int) bool {
	s.space()
	if s.pos == len(s.data) {
		return s.malformed("unexpected end")
	}
	switch c := s.data[s.pos]; c {
	case '{', '[':
		if depth == maxDepth {
			s.wrong("too_deep", fmt.Sprintf("Must be nested at most %d levels deep", maxDepth))
			return false
		}
		if c == '{' {
			return s.object(depth)
		}
		return s.array(depth)
	case '"':
		from := s.pos
		escaped, ok := s.text()
		if !ok {
			return false
		}
		if s.exact == 0 {
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

func (s *scanner) object(depth int) bool {
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
		s.push("", -1)
		if _, ok := s.text(); !ok {
			return false
		}
		key := keyText(s.data[from : s.pos-1])
		s.path[len(s.path)-1] = key
		twice := false
		if n := len(s.keys) - base; n < 16 {
			for _, k := range s.keys[base:] {
				twice = twice || k == key
			}
		} else {
			if many == nil {
				many = make(map[string]struct{}, 32)
				for _, k := range s.keys[base:] {
					many[k] = struct{}{}
				}
			}
			_, twice = many[key]
			many[key] = struct{}{}
		}
		if twice && !s.wrong("duplicate_key", "Given more than once in the same object") {
			return false
		}
		s.keys = append(s.keys, key)
		if s.space(); s.pos == len(s.data) || s.data[s.pos] != ':' {
			return s.malformed("expected : after a key")
		}
		s.pos++
		exact := exactKeys[key]
		if exact {
			s.exact++
		}
		if !s.value(depth + 1) {
			return false
		}
		if exact {
			s.exact--
		}
		s.pop()
	}
}

func (s *scanner) array(depth int) bool {
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
		s.push("", i)
		if !s.value(depth + 1) {
			return false
		}
		s.pop()
	}
}

// text reads a string from its opening quote and stands behind the closing one.
func (s *scanner) text() (escaped, ok bool) {
	s.pos++
	for {
		s.pos = plain(s.data, s.pos)
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
				s.wrong("unicode_error", "Must be valid UTF-8")
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
			return s.wrong("nul_character", "Must not hold NUL characters")
		case utf16.IsSurrogate(r):
			rest = rest[5:]
			if len(rest) >= 6 && rest[0] == '\\' && rest[1] == 'u' {
				if low, ok := hex4(rest[2:]); ok && utf16.DecodeRune(r, low) != utf8.RuneError {
					s.pos += 6
					return true
				}
			}
			return s.wrong("unicode_error", "Must not hold half of a surrogate pair")
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

// plain returns the position from i of the first byte that a JSON text cannot hold as it is, or that is not ASCII.
// Eight bytes are looked at together: the lowest flag set is always a true one.
func plain[T string | []byte](data T, i int) int {
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
		switch i = plain(data, i); data[i] {
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

// names are the keys that bodies and results are full of, so that reading one need not make a text of it each time.
var names = func() map[string]string {
	m := map[string]string{}
	for name := range strings.FieldsSeq(`agent_type answer answers architecture_spec content description file_path files generated_code
		input_context job_id language message mode path project_id question question_id requirements_spec responses result status summary
		tech_stack title user_idea user_message version`) {
		m[name] = name
	}
	return m
}()

// keyText is unquote for a key.
func keyText(raw []byte) string {
	if name, ok := names[string(raw)]; ok { // without a copy
		return name
	}
	return unquote(raw)
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

// blank returns the position of the first byte from i that is neither white space nor a comma or colon.
func blank(data []byte, i int) int {
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
func members(data []byte, f func(key string, value []byte)) {
	i := blank(data, 0)
	if i == len(data) || data[i] != '{' {
		return
	}
	for i = blank(data, i+1); data[i] != '}'; i = blank(data, i) {
		end := textEnd(data, i)
		key := keyText(data[i+1 : end-1])
		i = blank(data, end)
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

// tree builds what the schemas validate. Members under opaqueKeys are left empty.
func tree(data []byte) any {
	v, _ := node(data, blank(data, 0), false)
	return v
}

func node(data []byte, i int, opaque bool) (any, int) {
	switch data[i] {
	case '{':
		if opaque {
			return emptyObject, skip(data, i)
		}
		m := map[string]any{}
		for i = blank(data, i+1); data[i] != '}'; i = blank(data, i) {
			end := textEnd(data, i)
			key := keyText(data[i+1 : end-1])
			var v any
			if v, i = node(data, blank(data, end), opaqueKeys[key]); v == nil && !nullKeys[key] {
				v = wrongNull{}
			}
			m[key] = v
		}
		return m, i + 1
	case '[':
		if opaque {
			return []any(nil), skip(data, i)
		}
		list := []any{}
		for i = blank(data, i+1); data[i] != ']'; i = blank(data, i) {
			var v any
			v, i = node(data, i, false)
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

// shape returns how many members the object in valid data has and how many levels deep it is, itself the first.
func shape(data []byte) (keys, depth int) {
	level := 0
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '{', '[':
			level++
			depth = max(depth, level)
		case '}', ']':
			level--
		case ':':
			if level == 1 {
				keys++
			}
		case '"':
			i = textEnd(data, i) - 1
		}
	}
	return keys, depth
}

// decoder is a body that decodes itself from valid data that fits its schema: the few that are read all the time.
type decoder interface{ decodeJSON(data []byte) }

// unmarshal reads a body that scanJSON let through: once for validation, as any, then into its type.
func unmarshal(data []byte, v any) error {
	switch v := v.(type) {
	case *any:
		*v = tree(data)
		return nil
	case decoder:
		v.decodeJSON(data)
		return nil
	case **fileBody: // a body that may be left out
		*v = new(fileBody)
		(*v).decodeJSON(data)
		return nil
	}
	return json.Unmarshal(data, v)
}

// encoder is an answer that writes itself: the few that are sent all the time, or that are long.
type encoder interface{ appendJSON(b []byte) []byte }

// encoded is an answer that is ready.
type encoded interface{ encodedJSON() []byte }

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// marshal writes an answer with one call.
func marshal(w io.Writer, v any) error {
	if p, ok := v.(paged); ok && !p.whole() {
		writePaged(w.(*exchange), p)
		return nil
	}
	if e, ok := v.(encoded); ok {
		if b := e.encodedJSON(); b != nil {
			return writeAll(w, b)
		}
	}
	buf := buffers.Get().(*bytes.Buffer)
	defer func() {
		if buf.Cap() <= 1<<20 {
			buf.Reset()
			buffers.Put(buf)
		}
	}()
	if e, ok := v.(encoder); ok {
		b := e.appendJSON(buf.AvailableBuffer())
		if cap(b) > buf.Cap() {
			buf = bytes.NewBuffer(b) // keeps what grew
		}
		return writeAll(w, b)
	}
	if p, ok := v.(problemError); ok {
		v = p.problem()
	}
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	return writeAll(w, bytes.TrimSuffix(buf.Bytes(), []byte("\n")))
}

func writeAll(w io.Writer, b []byte) error {
	x, ok := w.(*exchange)
	if !ok {
		_, err := w.Write(b)
		return err
	}
	if !x.sent {
		if err := x.hold(int64(len(b))); err != nil {
			x.failInstead(err)
			return nil
		}
	}
	x.announce(len(b))
	// The client is gone if this fails: the framework would panic over an error that there is nobody to tell.
	if _, err := x.Write(b); err != nil && x.err == nil {
		x.err = err
	}
	return nil
}
