package codeforge

import (
	"fmt"
	"strings"
)

// FindSelection finds where a part of a text begins that somebody selected, in bytes: it must stand there byte for byte. Where it stands
// more than once, startLine, the line of its first character from 1, says which is meant; 0: not said. The errors name a request's fields.
func FindSelection(text, selected string, startLine int) (start int, err error) {
	const shown, enough = 5, 1000
	var lines []int // of those that may be meant, the first few
	found, here, first := 0, 0, -1
	line, counted := 1, 0 // lines up to counted
	for from := 0; selected != "" && from+len(selected) <= len(text); {
		i := strings.Index(text[from:], selected)
		if i < 0 {
			break
		}
		at := from + i
		line += strings.Count(text[counted:at], "\n")
		counted, from = at, at+1
		if found++; first < 0 {
			first = at
		}
		if len(lines) < shown && (len(lines) == 0 || lines[len(lines)-1] != line) {
			lines = append(lines, line)
		}
		if line == startLine {
			if here++; here == 1 {
				start = at
			}
		}
		if here > 1 || startLine > 0 && line > startLine || found == enough {
			break
		}
	}
	switch {
	case found == 0:
		hint := ""
		if same := strings.ReplaceAll(selected, "\r\n", "\n"); strings.Contains(strings.ReplaceAll(text, "\r\n", "\n"), same) {
			hint = ": the line ends differ, the file has " + lineEnds(text) + " and the selection " + lineEnds(selected)
		}
		return 0, InvalidField("selected_code", "does not stand in the file, byte for byte%s", hint)
	case startLine == 0 && found == 1:
		return first, nil
	case startLine == 0 && len(lines) == 1:
		return 0, InvalidField("selected_code", "stands %d times in line %d: select more around the one that is meant", found, lines[0])
	case startLine == 0:
		return 0, InvalidField("start_line", "is needed, since the selected code stands more than once: in lines %s", joinLines(lines, found))
	case here == 0:
		return 0, InvalidField("start_line", "must be the line in which the selected code begins, which is %s", joinLines(lines, found))
	case here > 1:
		return 0, InvalidField("selected_code", "stands %d times in line %d: select more around the one that is meant", here, startLine)
	}
	return start, nil
}

func lineEnds(text string) string {
	if strings.Contains(text, "\r\n") {
		return "CRLF"
	}
	return "LF"
}

// joinLines names lines, of which there are at most found.
func joinLines(lines []int, found int) string {
	var b strings.Builder
	for i, n := range lines {
		switch {
		case i > 0 && i == len(lines)-1 && found <= len(lines):
			b.WriteString(" and ")
		case i > 0:
			b.WriteString(", ")
		}
		fmt.Fprint(&b, n)
	}
	if found > len(lines) {
		fmt.Fprintf(&b, " and %d more", found-len(lines))
	}
	return b.String()
}

// CheckRefactorable returns an error for a file of which no part can be rewritten.
func CheckRefactorable(f *File) error {
	if f.Hash != "" {
		return InvalidField("path", "names a file that is no text of at most %d characters: only such files can be refactored", MaxContent)
	}
	return nil
}
