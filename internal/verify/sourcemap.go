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
