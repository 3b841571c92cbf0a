package verify

import (
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
)

// commonJSExports is what a CommonJS file exports, as far as its text says.
type commonJSExports struct {
	found    map[string]bool
	complete bool // nothing else can be exported
}

func (e *commonJSExports) names() []string { return slices.Sorted(maps.Keys(e.found)) }

var (
	exportSet     = regexp.MustCompile(`\bexports\.([A-Za-z_$][\w$]*)\s*=[^=]`)
	exportDefined = regexp.MustCompile(`\bdefineProperty\(\s*(?:module\.)?exports\s*,\s*["']([A-Za-z_$][\w$]*)["']`)
	exportObject  = regexp.MustCompile(`\bmodule\.exports\s*=\s*\{([^{}()]*)\}`)
	exportKey     = regexp.MustCompile(`(?:^|,)\s*(?:([A-Za-z_$][\w$]*)|["']([A-Za-z_$][\w$]*)["'])\s*(?:[,:]|$)`)
	exportAgain   = regexp.MustCompile(`(?:\bmodule\.exports\s*=\s*|\b_*export(?:Star|_star)?\(\s*)require\(\s*["']([^"'\n]+)["']\s*\)`)
	exportUnclear = regexp.MustCompile(`\bmodule\.exports\b|\bexports\s*[\[,)=]|\bmodule\s*[\[,)]|\bthis\b|\bdefine\b`)
	lineComment   = regexp.MustCompile(`(?m)^\s*(?://|\*|/\*).*$`)
)

// maxReexports bounds how far exports are followed from file to file.
const maxReexports = 40

// commonJSExports reads what a file exports; nil: it is written with import and export.
func (m *modules) commonJSExports(place, name string) *commonJSExports {
	e := &commonJSExports{found: map[string]bool{}, complete: true}
	if !m.readExports(place, name, e, map[string]bool{}) {
		return nil
	}
	return e
}

func (m *modules) readExports(place, name string, e *commonJSExports, seen map[string]bool) bool {
	key := place + "/" + name
	if seen[key] {
		return true
	}
	seen[key] = true
	text, err := m.read(place, name)
	if err != nil || len(seen) > maxReexports {
		e.complete = false
		return true
	}
	if path.Ext(name) == ".json" {
		e.complete = false
		return true
	}
	if m.isESM(place, name) || exportsSomething.MatchString(text) && !strings.Contains(text, "exports.") {
		if len(seen) == 1 {
			return false
		}
		e.complete = false
		return true
	}
	text = lineComment.ReplaceAllString(text, "")
	take := func(re *regexp.Regexp) {
		for _, found := range re.FindAllStringSubmatch(text, 20_000) {
			e.found[found[1]] = true
		}
		text = re.ReplaceAllString(text, "")
	}
	for _, found := range exportAgain.FindAllStringSubmatch(text, maxReexports) {
		next := m.fromPackage(place, name, found[1], byRequire)
		if next.problem != "" || next.name == "" {
			e.complete = false
			continue
		}
		m.readExports(next.place, next.name, e, seen)
	}
	text = exportAgain.ReplaceAllString(text, "")
	for _, found := range exportObject.FindAllStringSubmatch(text, 100) {
		for _, k := range exportKey.FindAllStringSubmatch(strings.ReplaceAll(found[1], ",", ",,"), 20_000) {
			e.found[k[1]+k[2]] = true
		}
		e.complete = e.complete && !strings.Contains(found[1], "...") && !strings.Contains(found[1], "[")
	}
	text = exportObject.ReplaceAllString(text, "")
	take(exportSet)
	take(exportDefined)
	delete(e.found, "__esModule")
	e.complete = e.complete && !exportUnclear.MatchString(text)
	delete(e.found, "default") // there always is one
	return true
}

// missingOfCommonJS are the wanted names that a CommonJS module surely does not export.
func (t *tree) missingOfCommonJS(w want) (missing []string) {
	place, name := splitModulePath(w.Module)
	if len(w.Names) == 0 || !isScript(packageLoader(name)) {
		return nil
	}
	e := t.modules.commonJSExports(place, name)
	if e == nil || !e.complete || len(e.found) == 0 {
		return nil
	}
	for _, n := range w.Names {
		if n != "default" && !e.found[n] {
			missing = append(missing, n)
		}
	}
	return missing
}
