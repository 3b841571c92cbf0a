package llm

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Bounds of Repair.
const (
	maxRepair      = 8 << 20 // bytes
	maxRepairDepth = 200
	maxStarts      = 32 // places where a value may begin that are tried
)

// Repair returns JSON from a model's text: the text as it is when it is valid (but for white space around it), else what
// can be made of it by fixed rules. These undo code fences and prose around the value, comments, trailing and doubled commas, single and
// typographic quotes around strings, bare keys, Python's literals, raw line breaks and unescaped quotes in strings, and a
// tail that is missing: what is open is closed, and a number or word that was cut is left out. ok is false when nothing
// that looks like an object or array is there. What is returned is always valid, and valid JSON is never changed.
func Repair(text []byte) (out []byte, ok bool) {
	out, _, ok = repair(text)
	return out, ok
}

// repair is Repair that also says whether the text ended inside a value, so that something is missing in what it made.
func repair(text []byte) (out []byte, cut, ok bool) {
	text = bytes.TrimSpace(bytes.TrimPrefix(text, []byte("\ufeff")))
	if json.Valid(text) {
		return text, false, true
	}
	if len(text) > maxRepair {
		return nil, false, false
	}
	// Among prose, the largest value that is whole as it stands; it wins unless it is a part of one that can be mended, or
	// comes after a larger one.
	var whole []byte
	wholeAt, starts := 0, 0
	for i := 0; i < len(text) && starts < maxStarts; {
		at := bytes.IndexAny(text[i:], "{[")
		if at < 0 {
			break
		}
		i += at
		starts++
		var raw json.RawMessage
		if json.NewDecoder(bytes.NewReader(text[i:])).Decode(&raw) == nil {
			if len(raw) > len(whole) {
				whole, wholeAt = raw, i
			}
			i += len(raw)
			continue
		}
		i++
	}
	var best []byte
	bestAt, span := 0, 0
	starts = 0
	for i := 0; i < len(text) && starts < maxStarts; {
		at := bytes.IndexAny(text[i:], "{[")
		if at < 0 {
			break
		}
		i += at
		starts++
		m := jsonRepairer{in: text[i:]}
		if m.value(0) && json.Valid(m.out.Bytes()) {
			if m.pos > span {
				best, bestAt, span, cut = bytes.Clone(m.out.Bytes()), i, m.pos, m.cut
			}
			i += max(m.pos, 1)
			continue
		}
		i++
	}
	if whole != nil && (best == nil || wholeAt <= bestAt || len(whole) >= span) {
		return bytes.TrimSpace(whole), false, true
	}
	return best, cut, best != nil
}

// jsonRepairer reads JSON as models write it and writes JSON as it should be.
type jsonRepairer struct {
	in  []byte
	pos int
	out bytes.Buffer
	cut bool // the end came inside a value or a pair
}

func (m *jsonRepairer) end() bool { return m.pos >= len(m.in) }

// peek returns the next byte, 0 at the end.
func (m *jsonRepairer) peek() byte {
	if m.end() {
		return 0
	}
	return m.in[m.pos]
}

func (m *jsonRepairer) has(s string) bool { return bytes.HasPrefix(m.in[m.pos:], []byte(s)) }

// space skips white space and comments.
func (m *jsonRepairer) space() {
	for !m.end() {
		switch c := m.in[m.pos]; {
		case c == ' ' || c == '\n' || c == '\t' || c == '\r':
			m.pos++
		case m.has("\u00a0"):
			m.pos += len("\u00a0")
		case m.has("//") || c == '#':
			if i := bytes.IndexByte(m.in[m.pos:], '\n'); i >= 0 {
				m.pos += i
			} else {
				m.pos = len(m.in)
			}
		case m.has("/*"):
			if i := bytes.Index(m.in[m.pos+2:], []byte("*/")); i >= 0 {
				m.pos += 2 + i + 2
			} else {
				m.pos = len(m.in)
			}
		default:
			return
		}
	}
}

// value writes one value. false: what is here is none, or was cut; nothing that counts was written.
func (m *jsonRepairer) value(depth int) bool {
	m.space()
	switch {
	case depth > maxRepairDepth || m.end():
		return false
	case m.peek() == '{':
		return m.object(depth)
	case m.peek() == '[':
		return m.array(depth)
	}
	if open, _ := m.quote(); open != "" {
		m.string()
		return true
	}
	return m.word()
}

func (m *jsonRepairer) object(depth int) bool {
	m.pos++
	m.out.WriteByte('{')
	first := true
	for {
		m.separators()
		if m.end() {
			break
		}
		if m.peek() == '}' {
			m.pos++
			break
		}
		if m.peek() == ']' { // closed by the wrong sign: its own is missing
			break
		}
		mark := m.out.Len()
		if !first {
			m.out.WriteByte(',')
		}
		if !m.key() {
			m.out.Truncate(mark)
			return false
		}
		m.space()
		if m.peek() != ':' {
			m.out.Truncate(mark)
			if m.cut = m.end(); m.cut {
				break
			}
			return false
		}
		m.pos++
		m.out.WriteByte(':')
		if !m.value(depth + 1) {
			m.out.Truncate(mark)
			m.space()
			if m.cut = m.end(); m.cut {
				break
			}
			return false
		}
		first = false
	}
	m.out.WriteByte('}')
	return true
}

func (m *jsonRepairer) array(depth int) bool {
	m.pos++
	m.out.WriteByte('[')
	first := true
	for {
		m.separators()
		if m.end() {
			break
		}
		if m.peek() == ']' {
			m.pos++
			break
		}
		if m.peek() == '}' {
			break
		}
		mark := m.out.Len()
		if !first {
			m.out.WriteByte(',')
		}
		if !m.value(depth + 1) {
			m.out.Truncate(mark)
			m.space()
			if m.cut = m.end(); m.cut {
				break
			}
			return false
		}
		first = false
	}
	m.out.WriteByte(']')
	return true
}

// separators skips commas, however many, and an ellipsis in place of more.
func (m *jsonRepairer) separators() {
	for {
		m.space()
		switch {
		case m.peek() == ',':
			m.pos++
		case m.has("..."):
			m.pos += 3
		case m.has("…"):
			m.pos += len("…")
		default:
			return
		}
	}
}

// key writes a key, quoted or bare.
func (m *jsonRepairer) key() bool {
	if open, _ := m.quote(); open != "" {
		m.string()
		return true
	}
	start := m.pos
	for !m.end() {
		c := m.in[m.pos]
		if c == '_' || c == '-' || c == '$' || c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' || c >= utf8.RuneSelf {
			m.pos++
			continue
		}
		break
	}
	if m.pos == start {
		return false
	}
	m.write(string(m.in[start:m.pos]))
	return true
}

// quote returns the quotation mark that stands here and the one that closes it.
func (m *jsonRepairer) quote() (open, closing string) {
	switch {
	case m.peek() == '"':
		return `"`, `"`
	case m.peek() == '\'':
		return `'`, `'`
	case m.peek() == '`':
		return "`", "`"
	case m.has("“"), m.has("”"):
		return "“", "”"
	case m.has("‘"), m.has("’"):
		return "‘", "’"
	}
	return "", ""
}

// string writes the string that begins here. A closing mark counts only where a string can end: before a comma, colon,
// bracket, comment or the end. Any other one belongs to the text.
func (m *jsonRepairer) string() {
	open, closing := m.quote()
	m.pos += len(open)
	var b strings.Builder
	for !m.end() {
		c := m.in[m.pos]
		switch {
		case m.has(closing) || open == "“" && c == '"':
			n := len(closing)
			if c == '"' {
				n = 1
			}
			if m.ends(n) {
				m.pos += n
				m.write(b.String())
				return
			}
			b.Write(m.in[m.pos : m.pos+n])
			m.pos += n
		case c == '\\':
			m.escape(&b)
		default:
			b.WriteByte(c)
			m.pos++
		}
	}
	m.cut = true
	m.write(b.String())
}

// ends reports whether a string can end here, before a mark of n bytes.
func (m *jsonRepairer) ends(n int) bool {
	const ahead = 4 << 10 // so that a text of marks and spaces takes no quadratic time
	rest := jsonRepairer{in: m.in[:min(len(m.in), m.pos+n+ahead)], pos: m.pos + n}
	rest.space()
	switch rest.peek() {
	case 0, '}', ']', ':':
		return true
	case ',':
		// A comma in the text, or the one after the string? After the string comes a value, a key or an end.
		rest.separators()
		if rest.end() {
			return true
		}
		if o, _ := rest.quote(); o != "" {
			return true
		}
		c := rest.peek()
		return strings.IndexByte("{[}]-0123456789", c) >= 0 || rest.literal() || rest.bareKey()
	}
	return false
}

func (m *jsonRepairer) literal() bool {
	return slices.ContainsFunc([]string{"true", "false", "null", "True", "False", "None", "undefined", "NaN"}, m.has)
}

func (m *jsonRepairer) bareKey() bool {
	look := jsonRepairer{in: m.in, pos: m.pos}
	if !look.key() {
		return false
	}
	look.space()
	return look.peek() == ':'
}

// escape reads one escape; one that is unknown stands for itself, one that was cut for nothing.
func (m *jsonRepairer) escape(b *strings.Builder) {
	if m.pos+1 >= len(m.in) {
		m.pos = len(m.in)
		return
	}
	c := m.in[m.pos+1]
	m.pos += 2
	switch c {
	case 'n':
		b.WriteByte('\n')
	case 't':
		b.WriteByte('\t')
	case 'r':
		b.WriteByte('\r')
	case 'b':
		b.WriteByte('\b')
	case 'f':
		b.WriteByte('\f')
	case '"', '\\', '/', '\'', '`', '\n':
		b.WriteByte(c)
	case 'u':
		r, ok := m.hex()
		if !ok {
			if m.end() {
				return
			}
			b.WriteString(`\u`)
			return
		}
		if r >= 0xd800 && r < 0xdc00 { // half of a pair
			if m.has(`\u`) {
				back := m.pos
				m.pos += 2
				if low, ok := m.hex(); ok && low >= 0xdc00 && low < 0xe000 {
					b.WriteRune((r-0xd800)<<10 + (low - 0xdc00) + 0x10000)
					return
				}
				m.pos = back
			}
			if m.pos+6 > len(m.in) && bytes.IndexByte(m.in[m.pos:], '"') < 0 { // the other half was cut
				m.pos = len(m.in)
				return
			}
		}
		b.WriteRune(r)
	default:
		b.WriteByte('\\')
		b.WriteByte(c)
	}
}

// hex reads four hexadecimal digits. When the text ends among them it goes to the end.
func (m *jsonRepairer) hex() (rune, bool) {
	if m.pos+4 > len(m.in) {
		if bytes.IndexByte(m.in[m.pos:], '"') < 0 {
			m.pos = len(m.in)
		}
		return 0, false
	}
	n, err := strconv.ParseUint(string(m.in[m.pos:m.pos+4]), 16, 32)
	if err != nil {
		return 0, false
	}
	m.pos += 4
	return rune(n), true
}

// word writes a number or a literal. One that reaches the end of the text was perhaps cut, and is left out.
func (m *jsonRepairer) word() bool {
	start := m.pos
	for !m.end() && strings.IndexByte(" \t\r\n,]}:/#", m.in[m.pos]) < 0 {
		m.pos++
	}
	if m.end() {
		return false
	}
	w := string(m.in[start:m.pos])
	switch w {
	case "true", "false", "null":
	case "True":
		w = "true"
	case "False":
		w = "false"
	case "None", "undefined", "NaN":
		w = "null"
	default:
		w = strings.TrimPrefix(w, "+")
		if strings.HasPrefix(w, ".") {
			w = "0" + w
		}
		w = strings.TrimSuffix(w, ".")
		if w == "" || w[0] != '-' && (w[0] < '0' || w[0] > '9') || !json.Valid([]byte(w)) {
			m.pos = start
			return false
		}
	}
	m.out.WriteString(w)
	return true
}

// write writes a string as JSON. What is no UTF-8 becomes the replacement character.
func (m *jsonRepairer) write(s string) {
	enc := json.NewEncoder(&m.out)
	enc.SetEscapeHTML(false)
	enc.Encode(s) // a string always encodes
	m.out.Truncate(m.out.Len() - 1)
}
