package wire

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
)

// argsState is how far the arguments of a call have come. An object that follows a whole one is another reading of the
// same call: endpoints open a call with {} before the real arguments, or say them again at the end.
type argsState struct {
	depth   int
	quoted  bool
	escaped bool
	whole   bool   // the text is one object that has ended
	earlier []byte // the whole object before this one
	shown   int    // bytes of the text that viewers saw
	mute    bool   // they saw those of the object before
}

// scan goes on to the end of the object, or of the piece, and returns where that is.
func (t *argsState) scan(piece string) int {
	for i := range len(piece) {
		c := piece[i]
		switch {
		case t.escaped:
			t.escaped = false
		case t.quoted && c == '\\':
			t.escaped = true
		case c == '"':
			t.quoted = !t.quoted
		case t.quoted:
		case c == '{' || c == '[':
			t.depth++
		case c == '}' || c == ']':
			if t.depth--; t.depth == 0 {
				t.whole = true
				return i + 1
			}
		}
	}
	return len(piece)
}

// Whole says whether the call's arguments are one object that has ended.
func (s *Slot) Whole() bool { return s.args.whole }

// Differs says whether args are an object of their own, not the call's arguments said again or with more in them.
func (s *Slot) Differs(args string) bool {
	var old, more map[string]any
	if !strings.HasPrefix(args, "{") || json.Unmarshal([]byte(args), &more) != nil || json.Unmarshal(s.text, &old) != nil {
		return false
	}
	for k, v := range old {
		text, isText := v.(string)
		longer, _ := more[k].(string)
		if w, has := more[k]; !has || !reflect.DeepEqual(v, w) && !(isText && strings.HasPrefix(longer, text)) {
			return true
		}
	}
	return false
}

// arguments takes a piece of a call's arguments.
func (s *Slot) arguments(piece string) {
	t := &s.args
	s.a.tokens = true
	if !t.whole && len(s.text) > 1 && len(piece) > len(s.text) && s.text[0] == '{' && strings.HasPrefix(piece, string(s.text)) &&
		strings.IndexByte(":[,{", s.text[len(s.text)-1]) < 0 {
		piece = piece[len(s.text):] // all of it so far, not what is new
	}
	for piece != "" {
		if t.whole {
			rest := strings.TrimLeft(piece, " \t\r\n")
			if rest == "" {
				return
			}
			if rest[0] == '{' {
				piece = rest
				*t = argsState{earlier: s.text, mute: t.mute || t.shown > 0}
				s.text = nil
			}
		}
		n := len(piece)
		if !t.whole {
			n = t.scan(piece)
		}
		s.text = append(s.text, piece[:n]...)
		piece = piece[n:]
	}
	s.showArguments()
}

// showArguments shows what is new, unless it may not be the real ones yet.
func (s *Slot) showArguments() {
	t := &s.args
	if len(s.text) <= 4 && string(bytes.Trim(s.text, "{} ")) == "" || len(s.text) > 0 && s.text[0] == '"' || t.mute {
		return
	}
	if t.shown < len(s.text) {
		s.show(string(s.text[t.shown:]))
		t.shown = len(s.text)
	}
}

// endArguments chooses between several readings, and undoes what was encoded twice.
func (s *Slot) endArguments() {
	t := &s.args
	if t.earlier != nil && (!t.whole || sameJSON(t.earlier, s.text)) {
		s.text = t.earlier
	}
	for range 2 {
		var inner string
		if len(s.text) == 0 || s.text[0] != '"' || json.Unmarshal(s.text, &inner) != nil {
			break
		}
		s.text = []byte(strings.TrimSpace(inner))
	}
}

func sameJSON(a, b []byte) bool {
	if bytes.Equal(a, b) {
		return true
	}
	var v, w any
	return json.Unmarshal(a, &v) == nil && json.Unmarshal(b, &w) == nil && reflect.DeepEqual(v, w)
}
