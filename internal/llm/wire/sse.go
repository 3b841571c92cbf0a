package wire

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Event is one message of a stream. Data is valid until the next call of Next.
type Event struct {
	Name string // of a server-sent event, "" if it has none
	Data []byte
}

const mark = "\xef\xbb\xbf" // of the order of bytes, which some put before UTF-8

// looksStreamed says whether a body is a stream of server-sent events.
func looksStreamed(body []byte) bool {
	for _, field := range []string{"data:", "event:", "id:", "retry:", ":"} {
		if bytes.HasPrefix(body, []byte(field)) {
			return true
		}
	}
	return false
}

// empty says whether an event only keeps the connection alive.
func (ev Event) empty() bool {
	switch strings.ToLower(ev.Name) {
	case "ping", "keepalive", "keep-alive", "heartbeat":
		return true
	}
	switch data := bytes.TrimSpace(ev.Data); string(data) {
	case "", "{}", "[]", "null":
		return true
	}
	return false
}

var (
	errNotStream = errors.New("the body is no stream of events")
	errTooLarge  = errors.New("the answer is larger than allowed")
)

// Reader reads the events of a body, however it is cut into pieces. It takes server-sent events with LF, CRLF or CR, a
// byte order mark, comments and several data lines; and, where an event would begin, a bare JSON object or the elements
// of a JSON array, as providers send for errors in the midst of a stream or when asked without alt=sse.
type Reader struct {
	br     *bufio.Reader
	max    int
	line   []byte
	data   []byte
	begun  bool
	events int
	skipLF bool   // the last line ended in CR: a LF that follows belongs to it
	junk   bool   // there was a line that means nothing
	ahead  []byte // the data of the next event, where no empty line stood before it
}

// NewReader reads events of at most max bytes each from r.
func NewReader(r io.Reader, max int) *Reader {
	return &Reader{br: bufio.NewReaderSize(r, 16<<10), max: max}
}

// Next returns the next event. The error is io.EOF at a clean end, io.ErrUnexpectedEOF when the body ends inside an
// event, the body's own error when it broke, or says that the body is too large or no stream at all. An event that is
// complete is returned even if the empty line after it is missing.
func (r *Reader) Next() (Event, error) {
	if !r.begun {
		r.begun = true
		if bom, _ := r.br.Peek(3); string(bom) == mark {
			_, _ = r.br.Discard(3)
		}
	}
	r.data = append(r.data[:0], r.ahead...)
	name, has := "", r.ahead != nil
	r.ahead = nil
	for {
		if !has {
			c, empty, err := r.first()
			if empty {
				name = ""
			}
			switch {
			case err != nil:
				return Event{}, r.end(err)
			case c == '{':
				return r.object(name)
			case c == '<' && r.events == 0:
				return Event{}, errNotStream
			}
		}
		line, err := r.readLine(len(r.data))
		if err == errTooLarge {
			return Event{}, err
		}
		if err == nil && len(line) == 0 {
			if has {
				return r.event(name), nil
			}
			name = ""
			continue
		}
		field, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(field) {
		case "data":
			if has && err == nil && beginsEvent(value) && json.Valid(r.data) {
				r.ahead = bytes.Clone(value)
				return r.event(name), nil
			}
			if has {
				r.data = append(r.data, '\n')
			}
			r.data, has = append(r.data, value...), true
		case "event":
			name = string(value)
		case "", "id", "retry":
		default:
			r.junk = r.junk || err == nil || err == io.EOF
		}
		if err != nil {
			if has && (json.Valid(r.data) || isEndMark(r.data)) {
				return r.event(name), nil
			}
			if has && err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return Event{}, r.end(err)
		}
	}
}

// beginsEvent says whether data may be that of an event of its own.
func beginsEvent(data []byte) bool {
	data = bytes.TrimSpace(data)
	return bytes.HasPrefix(data, []byte("{")) || isEndMark(data)
}

// isEndMark says whether data is the mark at the end of a stream.
func isEndMark(data []byte) bool { return bytes.EqualFold(bytes.TrimSpace(data), []byte("[DONE]")) }

func (r *Reader) event(name string) Event {
	r.events++
	return Event{Name: name, Data: r.data}
}

func (r *Reader) end(err error) error {
	if err == io.EOF && r.events == 0 && r.junk {
		return errNotStream
	}
	return err
}

// first returns the byte that begins the next event or field, without taking it. Blanks, empty lines and the
// punctuation of a JSON array around its elements are passed over; empty says that there were such lines.
func (r *Reader) first() (c byte, empty bool, err error) {
	for {
		b, err := r.br.Peek(1)
		if err != nil {
			return 0, empty, err
		}
		switch c := b[0]; c {
		case '\r', '\n':
			empty = empty || c == '\r' || !r.skipLF
			r.skipLF = c == '\r'
		case ' ', '\t', '[', ',', ']':
			r.skipLF = false
		default:
			return c, empty, nil
		}
		_, _ = r.br.Discard(1)
	}
}

// readLine returns the next line without its end. With an error comes what there was of it.
func (r *Reader) readLine(held int) ([]byte, error) {
	r.line = r.line[:0]
	for {
		if _, err := r.br.Peek(1); err != nil {
			return r.line, err
		}
		b, _ := r.br.Peek(r.br.Buffered())
		if r.skipLF {
			r.skipLF = false
			if b[0] == '\n' {
				_, _ = r.br.Discard(1)
				continue
			}
		}
		i := bytes.IndexByte(b, '\n')
		if j := bytes.IndexByte(b[:max(i, 0)], '\r'); j >= 0 {
			i = j
		} else if i < 0 {
			i = bytes.IndexByte(b, '\r')
		}
		piece := b
		if i >= 0 {
			piece = b[:i]
		}
		if held+len(r.line)+len(piece) > r.max {
			return nil, errTooLarge
		}
		r.line = append(r.line, piece...)
		if i < 0 {
			_, _ = r.br.Discard(len(b))
			continue
		}
		r.skipLF = b[i] == '\r'
		_, _ = r.br.Discard(i + 1)
		return r.line, nil
	}
}

// object returns the JSON object that begins here.
func (r *Reader) object(name string) (Event, error) {
	depth, quoted, escaped := 0, false, false
	for {
		if _, err := r.br.Peek(1); err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return Event{}, err
		}
		b, _ := r.br.Peek(r.br.Buffered())
		n, done := len(b), false
		for i, c := range b {
			switch {
			case escaped:
				escaped = false
			case quoted && c == '\\':
				escaped = true
			case c == '"':
				quoted = !quoted
			case quoted:
			case c == '{' || c == '[':
				depth++
			case c == '}' || c == ']':
				depth--
			}
			if depth == 0 {
				n, done = i+1, true
				break
			}
		}
		if len(r.data)+n > r.max {
			return Event{}, fmt.Errorf("%w: an object of more than %d bytes", errTooLarge, r.max)
		}
		r.data = append(r.data, b[:n]...)
		_, _ = r.br.Discard(n)
		if done {
			return r.event(name), nil
		}
	}
}
