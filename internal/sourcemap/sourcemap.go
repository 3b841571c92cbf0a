// Package sourcemap reads source maps: where a place in a built script comes from. A map is a stranger's, and reading it takes time that
// grows with its size alone.
package sourcemap

import (
	"encoding/json"
	"slices"
	"strings"
)

// Named is the address of the map that a script names in its last line; "" when it names none.
func Named(script string) string {
	const mark = "# sourceMappingURL="
	i := strings.LastIndex(script, mark)
	if i < 0 {
		return ""
	}
	return strings.TrimRight(strings.TrimSpace(script[i+len(mark):]), " */")
}

// Read reads a map; nil when it is none.
func Read(text []byte) *Map {
	m := new(Map)
	if len(text) == 0 || json.Unmarshal(text, m) != nil || m.Version != 3 {
		return nil
	}
	return m
}

// Map is a source map of revision 3.
type Map struct {
	Version  int      `json:"version"`
	Root     string   `json:"sourceRoot"`
	Sources  []string `json:"sources"`
	Mappings string   `json:"mappings"`
}

// Find returns the source, line and column of a place, all from 0.
func (m *Map) Find(line, column int) (source string, l, c int, ok bool) {
	var src, sl, sc int
	best := -1
	for n, text := range slices.Collect(strings.SplitSeq(m.Mappings, ";")) {
		if n > line {
			break
		}
		at := 0
		for segment := range strings.SplitSeq(text, ",") {
			v, valid := vlq(segment)
			if !valid || len(v) == 0 {
				continue
			}
			at += v[0]
			if len(v) < 4 {
				continue
			}
			src, sl, sc = src+v[1], sl+v[2], sc+v[3]
			if n == line && (at <= column || best < 0) && src >= 0 && src < len(m.Sources) {
				source, l, c, best = m.Sources[src], sl, sc, at
			}
		}
	}
	return source, max(l, 0), max(c, 0), best >= 0
}

const base64Digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

// vlq reads the numbers of a segment.
func vlq(s string) (v []int, ok bool) {
	n, shift := 0, 0
	for i := range len(s) {
		d := strings.IndexByte(base64Digits, s[i])
		if d < 0 || shift > 30 {
			return nil, false
		}
		n |= d & 31 << shift
		if shift += 5; d&32 == 0 {
			if n&1 != 0 {
				v = append(v, -(n >> 1))
			} else {
				v = append(v, n>>1)
			}
			n, shift = 0, 0
		}
	}
	return v, shift == 0
}
