package agent

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Models write LF, whatever a file has, and never the mark at its start. A file's own form (a byte order mark, CRLF, lone CR,
// or some of each) is matched as if it were theirs and stays as it is.

const byteOrderMark = "\ufeff"

var lineEnd = regexp.MustCompile(`\r\n|\r|\n`)

// unified is s with LF for every line end.
func unified(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
}

// inFormOf gives content, which takes the place of the whole of old, the form of old: its mark, and its line ends if they are all alike and
// content does not bring others than LF.
func inFormOf(old, content string) string {
	text, marked := strings.CutPrefix(old, byteOrderMark)
	content = strings.TrimPrefix(content, byteOrderMark)
	if ends := lineEnd.FindAllString(text, -1); len(ends) > 0 && !strings.Contains(content, "\r") && len(slices.Compact(ends)) == 1 {
		content = strings.ReplaceAll(content, "\n", ends[0])
	}
	if marked {
		content = byteOrderMark + content
	}
	return content
}

// place is where a text stands in another, in bytes.
type place struct{ start, end int }

// maxPlaces is how many are looked for.
const maxPlaces = 50

// findPlaces finds where old stands in text, the ones that overlap too. Line ends match each other where old is nowhere byte
// for byte, and are never cut in two.
func findPlaces(text, old string) []place {
	found := findUnified(text, old)
	if len(found) == 0 && (strings.Contains(text, "\r") || strings.Contains(old, "\r")) {
		found = findUnified(unified(text), unified(old))
		for i, p := range found {
			found[i] = place{originalOffset(text, p.start), originalOffset(text, p.end)}
		}
	}
	for i, p := range found {
		if p.start > 0 && text[p.start-1] == '\r' && text[p.start] == '\n' {
			found[i].start--
		}
		if p.end < len(text) && text[p.end-1] == '\r' && text[p.end] == '\n' {
			found[i].end++
		}
	}
	return found
}

// originalOffset returns where the byte n of the unified text stands in text.
func originalOffset(text string, n int) int {
	at := 0
	for ; n > 0; n-- {
		if strings.HasPrefix(text[at:], "\r\n") {
			at++
		}
		at++
	}
	return at
}

func findUnified(text, old string) (found []place) {
	for at := 0; len(found) < maxPlaces; {
		i := strings.Index(text[at:], old)
		if i < 0 {
			break
		}
		found = append(found, place{at + i, at + i + len(old)})
		at += i + 1
	}
	return found
}

// replaceOnce puts new for old, which must stand in text exactly once. Where it does not, the error says how often,
// and shows what comes nearest or where the places are.
func replaceOnce(text, old, new string) (string, error) {
	body, marked := strings.CutPrefix(text, byteOrderMark)
	old, new = strings.TrimPrefix(old, byteOrderMark), strings.TrimPrefix(new, byteOrderMark)
	switch {
	case old == "":
		return "", fmt.Errorf("old is empty: name the text to replace, or use write_file for the whole file")
	case old == new:
		return "", fmt.Errorf("old and new are the same: nothing would change")
	}
	switch found := findPlaces(body, old); len(found) {
	case 1:
		at := found[0]
		result := body[:at.start] + withEnds(new, lineEnds(body, at)) + body[at.end:]
		if result == body {
			return "", fmt.Errorf("old and new are the same but for line ends, which a file keeps: nothing would change")
		}
		if marked {
			result = byteOrderMark + result
		}
		return result, nil
	case 0:
		return "", fmt.Errorf("old does not occur in the file (0 times). It must match byte for byte, indentation included.%s", nearest(body, old))
	default:
		var lines []string
		for _, p := range found[:min(5, len(found))] {
			lines = append(lines, fmt.Sprint(1+strings.Count(unified(body[:p.start]), "\n")))
		}
		count := fmt.Sprint(len(found))
		if len(found) == maxPlaces {
			count += " or more"
		}
		return "", fmt.Errorf("old occurs %s times, starting at lines %s: add lines around it until it occurs once", count, strings.Join(lines, ", "))
	}
}

// lineEnds are the line ends that stand at a place of text; where there are none, the next one, or the one before it.
func lineEnds(text string, at place) []string {
	if here := lineEnd.FindAllString(text[at.start:at.end], -1); here != nil {
		return here
	}
	if next := lineEnd.FindString(text[at.end:]); next != "" {
		return []string{next}
	}
	if before := lineEnd.FindAllString(text[:at.start], -1); before != nil {
		return before[len(before)-1:]
	}
	return nil
}

// withEnds gives each line end of s the one of ends that has its place, and the last one to those that are more.
func withEnds(s string, ends []string) string {
	if len(ends) == 0 {
		return s
	}
	n := 0
	return lineEnd.ReplaceAllStringFunc(s, func(string) string {
		end := ends[min(n, len(ends)-1)]
		n++
		return end
	})
}
