package agent

import (
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

// inFormOf gives content, which takes the place of the whole of old, the form of old: its mark, its line ends if they are all alike and
// content does not bring others than LF, and one at its end.
func inFormOf(old, content string) string {
	text, marked := strings.CutPrefix(old, byteOrderMark)
	content = strings.TrimPrefix(content, byteOrderMark)
	if content != "" && finalLineEnd(content) == "" && finalLineEnd(text) != "" {
		content += "\n"
	}
	if end := evenEnd(text); end != "" && !strings.Contains(content, "\r") {
		content = strings.ReplaceAll(content, "\n", end)
	}
	if marked {
		content = byteOrderMark + content
	}
	return content
}

// evenEnd is the line end of s if all are alike, "" if they are not or there is none.
func evenEnd(s string) string {
	if ends := slices.Compact(lineEnd.FindAllString(s, -1)); len(ends) == 1 {
		return ends[0]
	}
	return ""
}

// finalLineEnd is the line end that s ends in, "" if it ends in none.
func finalLineEnd(s string) string {
	for _, end := range []string{"\r\n", "\n", "\r"} {
		if strings.HasSuffix(s, end) {
			return end
		}
	}
	return ""
}

// place is where a text stands in another, in bytes.
type place struct{ start, end int }

// maxPlaces is how many are looked for where one is wanted.
const maxPlaces = 50

// findPlaces finds at most so many places where old stands in text, the ones that overlap too. Line ends match each other where old is nowhere byte
// for byte, and are never cut in two.
func findPlaces(text, old string, most int) []place {
	found := findUnified(text, old, most)
	if len(found) == 0 && (strings.Contains(text, "\r") || strings.Contains(old, "\r")) {
		found = findUnified(unified(text), unified(old), most)
		offsets := originalOffsets(text)
		for i, p := range found {
			found[i] = place{offsets[p.start], offsets[p.end]}
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

// originalOffsets are where the bytes of the unified text, and its end, stand in text.
func originalOffsets(text string) []int {
	offsets := make([]int, 0, len(text)+1)
	for at := 0; at < len(text); at++ {
		offsets = append(offsets, at)
		if strings.HasPrefix(text[at:], "\r\n") {
			at++
		}
	}
	return append(offsets, len(text))
}

func findUnified(text, old string, most int) (found []place) {
	for at := 0; len(found) < most; {
		i := strings.Index(text[at:], old)
		if i < 0 {
			break
		}
		found = append(found, place{at + i, at + i + len(old)})
		at += i + 1
	}
	return found
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
