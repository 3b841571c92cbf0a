package agent

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// argumentStream reads texts out of the arguments of a call while they come, in pieces that end anywhere: the members of objects at
// any depth, in any order. What is no object (arguments that were encoded twice) has none.
type argumentStream struct {
	begin func(key string)               // a text begins
	add   func(key string, piece []byte) // more of it: whole characters
	end   func(key string, whole []byte) // it ended; whole is its beginning
	stack []byte                         // open { and [
	keys  []string                       // of the values in them
	dead  bool                           // this is no object, or was one
	text  struct{ open, isKey bool }     // a string is being read
	due   bool                           // the next string is a key
	esc   []byte                         // an escape that is not whole, from its backslash on
	high  rune                           // the first half of a character that was escaped as two
	out   []byte                         // read and not given out
	whole []byte                         // the beginning of the string
}

const (
	maxWhole = 1_000 // bytes of a text that is given out whole, or a part of it
	maxDepth = 20    // of arguments that are read
)

func (a *argumentStream) write(piece string) {
	for i := 0; i < len(piece) && !a.dead; i++ {
		if a.text.open {
			a.inText(piece[i])
		} else {
			a.between(piece[i])
		}
	}
	a.give(false)
}

func (a *argumentStream) key() string {
	if len(a.keys) == 0 {
		return ""
	}
	return a.keys[len(a.keys)-1]
}

// between reads what is outside of texts.
func (a *argumentStream) between(c byte) {
	top := byte(0)
	if n := len(a.stack); n > 0 {
		top = a.stack[n-1]
	}
	switch {
	case c == ' ' || c == '\t' || c == '\r' || c == '\n':
	case top == 0 && c != '{':
		a.dead = true
	case len(a.stack) == maxDepth:
		a.dead = true
	case c == '{' || c == '[':
		a.stack, a.keys, a.due = append(a.stack, c), append(a.keys, a.key()), c == '{'
	case c == '}' || c == ']':
		a.stack, a.keys, a.due = a.stack[:len(a.stack)-1], a.keys[:len(a.keys)-1], false
		a.dead = len(a.stack) == 0
	case c == ',':
		a.due = top == '{'
	case c == '"':
		a.text.open, a.text.isKey = true, top == '{' && a.due
		a.whole = a.whole[:0]
		if !a.text.isKey {
			a.begin(a.key())
		}
	}
}

// inText reads a character of a text.
func (a *argumentStream) inText(c byte) {
	switch {
	case len(a.esc) > 0:
		a.esc = append(a.esc, c)
		a.unescape()
	case c == '\\':
		a.esc = append(a.esc, c)
	case c == '"':
		a.put("")
		a.give(true)
		a.text.open = false
		if a.text.isKey {
			a.keys[len(a.keys)-1], a.due = string(a.whole), false
		} else {
			a.end(a.key(), a.whole)
		}
	default:
		a.put(string([]byte{c}))
	}
}

var escapes = map[byte]string{'n': "\n", 't': "\t", 'r': "\r", 'b': "\b", 'f': "\f"}

// unescape reads an escape when it is whole.
func (a *argumentStream) unescape() {
	c := a.esc[1]
	switch {
	case c == 'u' && len(a.esc) < 6:
		return
	case c == 'u':
		n, err := strconv.ParseUint(string(a.esc[2:6]), 16, 32)
		r := rune(n)
		switch {
		case err != nil:
			a.put(string(utf8.RuneError))
		case a.high != 0 && utf16.IsSurrogate(r) && utf16.DecodeRune(a.high, r) != utf8.RuneError:
			high := a.high
			a.high = 0
			a.put(string(utf16.DecodeRune(high, r)))
		case utf16.IsSurrogate(r):
			a.put("")
			a.high = r
		default:
			a.put(string(r))
		}
	case escapes[c] != "":
		a.put(escapes[c])
	default:
		a.put(string([]byte{c}))
	}
	a.esc = a.esc[:0]
}

// put adds to the text, after the half of a character that found no other.
func (a *argumentStream) put(s string) {
	if a.high != 0 {
		a.high = 0
		s = string(utf8.RuneError) + s
	}
	if len(a.whole) < maxWhole {
		a.whole = append(a.whole, s...)
	}
	if !a.text.isKey {
		a.out = append(a.out, s...)
	}
}

// give passes on what was read, but for the beginning of a character whose rest has not come.
func (a *argumentStream) give(last bool) {
	n := len(a.out)
	if !last {
		for back := 1; back <= min(utf8.UTFMax-1, n); back++ {
			if c := a.out[n-back]; utf8.RuneStart(c) {
				if !utf8.FullRune(a.out[n-back:]) {
					n -= back
				}
				break
			}
		}
	}
	if n == 0 {
		return
	}
	a.add(a.key(), []byte(strings.ToValidUTF8(string(a.out[:n]), string(utf8.RuneError))))
	a.out = append(a.out[:0], a.out[n:]...)
}
