package wire

import (
	"encoding/json"
	"strings"
)

// thinkingTags are the marks between which models think aloud in the midst of their text.
var thinkingTags = []struct{ open, close string }{
	{"<think>", "</think>"}, {"<thinking>", "</thinking>"}, {"<thought>", "</thought>"}, {"<thoughts>", "</thoughts>"},
	{"<reasoning>", "</reasoning>"}, {"<reflection>", "</reflection>"}, {"<scratchpad>", "</scratchpad>"},
	{"<antthinking>", "</antthinking>"}, {"<seed:think>", "</seed:think>"}, {"[think]", "[/think]"}, {"◁think▷", "◁/think▷"},
	{"<|begin_of_thought|>", "<|end_of_thought|>"}, {"<|start_thinking|>", "<|end_thinking|>"},
	{"<|channel|>analysis<|message|>", "<|end|>"}, {"<|channel>thought", "<channel|>"}, {"<unused94>thought", "<unused95>"}, {"<analysis>", "</analysis>"},
}

// answerMarks only say that the answer begins.
var answerMarks = []string{"<|start|>assistant<|channel|>final<|message|>", "<|channel|>final<|message|>", "<|begin_of_solution|>", "<|start_response|>"}

const (
	maxLead   = 64 // bytes of white space that are held back at the start of a line
	maxMargin = 48 // no mark is longer
)

// thoughtSplitter parts a text as it comes into what was thought and what was said. A mark counts where a line begins, so that an
// answer may speak of one.
type thoughtSplitter struct {
	close   string // of the thought that is open, "" outside
	held    string // what may become a mark
	midLine bool
	seen    bool // there was a mark
	ended   bool // and one that closes
	said    bool // and a word outside
}

// take parts the next piece. Each of think and say is called in the order of the text.
func (t *thoughtSplitter) take(piece string, think, say func(string)) {
	p := t.held + piece
	t.held = ""
	var words strings.Builder
	defer func() { say(words.String()) }()
	for p != "" {
		switch {
		case t.close != "":
			i := indexFold(p, t.close)
			if i < 0 {
				keep := min(len(t.close)-1, len(p))
				think(p[:len(p)-keep])
				t.held = p[len(p)-keep:]
				return
			}
			think(p[:i])
			p = p[i+len(t.close):]
			t.close, t.ended, t.midLine = "", true, false
		case t.midLine:
			i := strings.IndexByte(p, '\n')
			if i < 0 {
				i = len(p)
			}
			words.WriteString(p[:i])
			p = p[i:]
			t.said, t.midLine = true, p == ""
		default:
			rest := strings.TrimLeft(p, " \t\r\n")
			lead := p[:len(p)-len(rest)]
			mark, closing, more := matchMark(rest)
			if more && len(lead) <= maxLead {
				t.held = p
				return
			}
			if t.said || mark == 0 && !t.seen { // else it stands around a thought, and belongs to neither
				words.WriteString(lead)
			}
			p = rest[mark:]
			if t.close = closing; closing != "" {
				say(words.String())
				words.Reset()
			}
			t.midLine = mark == 0 && rest != ""
			t.seen = t.seen || mark > 0
		}
	}
}

// end gives what was held back. open is the mark of a thought in the midst of the answer that nothing ended, if it is
// the only one: it was a word.
func (t *thoughtSplitter) end(think, say func(string)) (open string) {
	switch {
	case t.close != "":
		think(t.held)
	case t.said || !t.seen:
		say(t.held)
	}
	t.held = ""
	for _, m := range thinkingTags {
		if m.close == t.close && t.said && !t.ended {
			return m.open
		}
	}
	return ""
}

// matchMark returns the length of the mark that s begins with and what closes it, or whether s may yet become one.
func matchMark(s string) (n int, closing string, more bool) {
	if s == "" {
		return 0, "", true
	}
	if c := s[0]; c != '<' && c != '[' && c != "◁"[0] {
		return 0, "", false
	}
	head := strings.ToLower(s[:min(len(s), maxMargin)])
	for _, t := range thinkingTags {
		if strings.HasPrefix(head, t.open) {
			return len(t.open), t.close, false
		}
		more = more || strings.HasPrefix(t.open, head)
	}
	for _, m := range answerMarks {
		if strings.HasPrefix(head, m) {
			return len(m), "", false
		}
		more = more || strings.HasPrefix(m, head)
	}
	return 0, "", more
}

// indexFold is strings.Index for a needle in lower case.
func indexFold(s, needle string) int {
	for from := 0; ; {
		i := strings.IndexByte(s[from:], needle[0])
		if i < 0 || from+i+len(needle) > len(s) {
			return -1
		}
		from += i
		if strings.EqualFold(s[from:from+len(needle)], needle) {
			return from
		}
		from++
	}
}

// unopened finds a thought that ends but never began: templates put its beginning into the prompt. It returns where the
// mark stands and where the answer begins.
func unopened(text string) (end, answer int, ok bool) {
	if !strings.Contains(text, "/") && !strings.Contains(text, "|") || json.Valid([]byte(text)) {
		return 0, 0, false
	}
	for _, t := range thinkingTags {
		i := strings.LastIndex(text, t.close)
		if i < 0 || t.close == "<|end|>" || strings.Contains(text[:i], t.open) || i > 0 && text[i-1] != '\n' && strings.Count(text[:i], "`")%2 == 1 {
			continue
		}
		after := text[i+len(t.close):]
		if rest := strings.TrimLeft(after, " \t\r\n"); rest != "" && rest[0] != '`' {
			return i, len(text) - len(rest), true
		}
	}
	return 0, 0, false
}
