package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Decode reads a provider's JSON into v. What is of another type within it is passed over, as if it were not there.
func Decode(data []byte, v any) error {
	err := json.Unmarshal(data, v)
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && e.Field != "" {
		return nil
	}
	return err
}

// Text is a string of a provider's JSON, "" where something else stands. Where a character was cut in two, half of a
// surrogate pair or a part of a UTF-8 sequence is kept as it came, for [Slot.Write] to join it with the other half.
type Text string

// UnmarshalJSON implements json.Unmarshaler.
func (t *Text) UnmarshalJSON(b []byte) error {
	*t = ""
	if len(b) < 2 || b[0] != '"' {
		return nil
	}
	b = b[1 : len(b)-1]
	i := bytes.IndexByte(b, '\\')
	if i < 0 {
		*t = Text(b)
		return nil
	}
	out := make([]byte, 0, len(b))
	for ; i >= 0; i = bytes.IndexByte(b, '\\') {
		out = append(out, b[:i]...)
		c := b[i+1]
		b = b[i+2:]
		switch c {
		case 'n':
			c = '\n'
		case 't':
			c = '\t'
		case 'r':
			c = '\r'
		case 'b':
			c = '\b'
		case 'f':
			c = '\f'
		case 'u':
			r := hex4(b)
			b = b[4:]
			if utf16.IsSurrogate(r) && len(b) >= 6 && b[0] == '\\' && b[1] == 'u' {
				if both := utf16.DecodeRune(r, hex4(b[2:])); both != utf8.RuneError {
					r, b = both, b[6:]
				}
			}
			if utf16.IsSurrogate(r) { // utf8 would not write it
				out = append(out, 0xE0|byte(r>>12), 0x80|byte(r>>6)&0x3F, 0x80|byte(r)&0x3F)
			} else {
				out = utf8.AppendRune(out, r)
			}
			continue
		}
		out = append(out, c)
	}
	*t = Text(append(out, b...))
	return nil
}

func hex4(b []byte) rune {
	n, _ := strconv.ParseUint(string(b[:4]), 16, 16)
	return rune(n)
}

// halfCharacter is how many bytes at the end of s may be the first part of a character.
func halfCharacter(s string) int {
	for n := 1; n <= min(3, len(s)); n++ {
		tail := s[len(s)-n:]
		switch {
		case !utf8.RuneStart(tail[0]):
			continue
		case !utf8.FullRuneInString(tail), n == 3 && tail[0] == 0xED && tail[1]&0xF0 == 0xA0:
			return n
		}
		return 0
	}
	return 0
}

// joinSurrogates makes surrogate pairs that came apart one character, and what is left of half characters the sign for it.
func joinSurrogates(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	var out strings.Builder
	for len(s) > 0 {
		if r, n := utf8.DecodeRuneInString(s); r != utf8.RuneError || n > 1 {
			out.WriteString(s[:n])
			s = s[n:]
			continue
		}
		if len(s) >= 3 && s[0] == 0xED && s[1] >= 0xA0 {
			first := surrogate(s)
			if len(s) >= 6 && s[3] == 0xED && s[4] >= 0xB0 {
				if both := utf16.DecodeRune(first, surrogate(s[3:])); both != utf8.RuneError {
					out.WriteRune(both)
					s = s[6:]
					continue
				}
			}
			s = s[2:]
		}
		out.WriteRune(utf8.RuneError)
		s = s[1:]
	}
	return out.String()
}

func surrogate(s string) rune { return rune(s[0]&0x0F)<<12 | rune(s[1]&0x3F)<<6 | rune(s[2]&0x3F) }

// Number is a whole number of a provider's JSON, however it is written: 11, 11.0, "11". Anything else is 0.
type Number int64

// UnmarshalJSON implements json.Unmarshaler.
func (n *Number) UnmarshalJSON(b []byte) error {
	*n = 0
	f, err := strconv.ParseFloat(strings.TrimSpace(string(bytes.Trim(b, `"`))), 64)
	if err == nil && !math.IsNaN(f) {
		*n = Number(min(max(f, -maxNumber), maxNumber))
	}
	return nil
}

const maxNumber = 1 << 52

// List is an array of a provider's JSON. A single object stands for an array of it; what is no T is left out.
type List[T any] []T

// UnmarshalJSON implements json.Unmarshaler.
func (l *List[T]) UnmarshalJSON(b []byte) error {
	*l = nil
	if b[0] == '{' {
		b = append(append([]byte{'['}, b...), ']')
	}
	if b[0] != '[' {
		return nil
	}
	if json.Unmarshal(b, (*[]T)(l)) == nil {
		return nil
	}
	var raws []json.RawMessage
	if err := json.Unmarshal(b, &raws); err != nil {
		return err
	}
	*l = (*l)[:0]
	for _, raw := range raws {
		var v T
		if Decode(raw, &v) == nil {
			*l = append(*l, v)
		}
	}
	return nil
}
