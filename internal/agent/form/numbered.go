package form

import (
	"strconv"
	"strings"
)

// Text of files is shown with the number of each line before it, as "12: text". What is said about the text stands in lines of its own
// after it.

const noLineEnd = "(the last line has no line end)"

// NumberLines shows the lines from first to last, from 1, of a text with LF as its line ends.
func NumberLines(text string, first, last int) string {
	var b strings.Builder
	n := 0
	for line := range strings.Lines(text) {
		if n++; n < first {
			continue
		}
		if n > last {
			return b.String()
		}
		b.WriteString(strconv.Itoa(n))
		b.WriteString(": ")
		b.WriteString(line)
	}
	if text != "" && !strings.HasSuffix(text, "\n") {
		b.WriteString("\n" + noLineEnd + "\n")
	}
	return b.String()
}

// ReadNumbered is the text that [NumberLines] showed; whole tells whether it is all of it, from the first line, and nothing else was said.
func ReadNumbered(shown string) (text string, whole bool) {
	var b strings.Builder
	n := 0
	for line := range strings.Lines(shown) {
		n++
		rest, ok := strings.CutPrefix(line, strconv.Itoa(n)+": ")
		if !ok {
			text = b.String()
			if strings.TrimSuffix(line, "\n") == noLineEnd && strings.HasSuffix(shown, line) {
				return strings.TrimSuffix(text, "\n"), true
			}
			return text, false
		}
		b.WriteString(rest)
	}
	return b.String(), n > 0
}
