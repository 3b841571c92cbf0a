package verify

import (
	"encoding/json"
	"path"
	"regexp"
	"strings"
)

// sourceMap is a source map of a built script.
type sourceMap struct {
	Version  int      `json:"version"`
	Sources  []string `json:"sources"`
	Names    []string `json:"names"`
	Mappings string   `json:"mappings"`
}

// addMaps has built scripts lead to the files that they were made of, by maps beside them. What stands in the place of another
// file, such as a compiled component, leads to that file, at a line of its own.
//
// before says how many lines each script got in front. Maps that would take more than everything else are left out.
func addMaps(outputs, maps map[string]string, before map[string]int, limit int) {
	total := 0
	for name, text := range maps {
		script := strings.TrimSuffix(name, ".map")
		var m sourceMap
		if json.Unmarshal([]byte(text), &m) != nil || path.Ext(script) != ".js" || outputs[script] == "" {
			continue
		}
		for i, source := range m.Sources {
			m.Sources[i] = address(sourceFile(source))
		}
		m.Mappings = strings.Repeat(";", before[script]) + m.Mappings
		b, err := json.Marshal(m)
		if total += len(b); err != nil || total > limit {
			continue
		}
		outputs[name] = string(b)
		outputs[script] += "//# sourceMappingURL=" + address(path.Join(bundleDir, name)) + "\n"
	}
}

// mapOf is the map of a built script.
func (s *Site) mapOf(name string) (m sourceMap, ok bool) {
	_, at, ok := strings.Cut(s.assets[name].Body, "\n//# sourceMappingURL=/")
	if !ok || path.Ext(s.assets[name].Type) != "" && !strings.HasPrefix(s.assets[name].Type, "text/javascript") {
		return m, false
	}
	return m, json.Unmarshal([]byte(s.assets[unescape(strings.TrimSpace(at))].Body), &m) == nil
}

// find is where a place in a script comes from, all from 1: what began last before it in its line.
func (m sourceMap) find(line, column int) (file string, l, c int, ok bool) {
	source, sourceLine, sourceColumn := 0, 0, 0
	for n, text := range strings.Split(m.Mappings, ";") {
		if n >= line {
			break
		}
		at := 0
		for segment := range strings.SplitSeq(text, ",") {
			v := readVLQ(segment)
			if len(v) > 0 {
				at += v[0]
			}
			if len(v) < 4 {
				continue
			}
			source, sourceLine, sourceColumn = source+v[1], sourceLine+v[2], sourceColumn+v[3]
			if n == line-1 && (!ok || at < column) && source >= 0 && source < len(m.Sources) {
				file, l, c, ok = unescape(strings.TrimPrefix(m.Sources[source], "/")), sourceLine+1, sourceColumn+1, true
			}
		}
	}
	return file, l, c, ok
}

// readVLQ reads the numbers of a segment of a map; a segment of one that leads nowhere counts as none.
func readVLQ(segment string) (v []int) {
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	value, shift := 0, 0
	for i := range len(segment) {
		d := strings.IndexByte(digits, segment[i])
		if d < 0 || shift > 30 {
			return nil
		}
		if value |= d & 31 << shift; d&32 != 0 {
			shift += 5
			continue
		}
		if value&1 != 0 {
			value = -value
		}
		v = append(v, value/2)
		value, shift = 0, 0
	}
	return v
}

var mapNamed = regexp.MustCompile(`([#@]\s*)sourceMappingURL=`)

// withoutMap keeps the bundler from the map that a text names: it would look for it on the disk.
func withoutMap(text string) string {
	if !strings.Contains(text, "sourceMappingURL=") {
		return text
	}
	return mapNamed.ReplaceAllString(text, "${1}sourceMappingURL ")
}

// mapBytes is how many bytes of a site are source maps.
func (s *Site) mapBytes() (n int) {
	for p, a := range s.assets {
		if path.Ext(p) == ".map" && strings.HasPrefix(p, bundleDir+"/") {
			n += len(a.Body)
		}
	}
	return n
}

// sourceFile is the file that the bundler's name of a source means.
func sourceFile(source string) string {
	for _, ns := range []string{nsTree, nsMade, nsPackage, nsShim} {
		if _, rest, ok := strings.Cut(source, ns+":"); ok {
			source = rest
		}
	}
	return strings.TrimPrefix(path.Clean("/"+fileOf(source)), "/")
}
