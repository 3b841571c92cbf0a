package verify

import (
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A preview loads nothing from other origins: its content policy blocks it, and so the program fails there in ways that its files do
// not show. So every literal address that is loaded is told, with what to do instead.

// loads is what is loaded from an address.
type loads int

const (
	loadsSomething loads = iota
	loadsScript
	loadsStyle
	loadsFont
	loadsMedia
	loadsData
	loadsFrame
	sendsForm
)

// instead is what to do where a preview cannot load something from elsewhere.
var instead = map[loads]string{
	loadsSomething: "put what is needed into the project",
	loadsScript:    "ask for it in package.json and import it, or put the file into the project",
	loadsStyle:     "put the style sheet into the project, and fonts that it names with it",
	loadsFont:      "put the font file into the project, or name fonts that systems have",
	loadsMedia:     "put the file into the project, or draw it with SVG or CSS",
	loadsData:      "work with data of the project itself, or show what is missing without it",
	loadsFrame:     "link to it instead of framing it",
	sendsForm:      "handle the form in a script",
}

// blockedLoad is what is told of something that is loaded from elsewhere.
func blockedLoad(spec string, what loads) string {
	return strconv.Quote(spec) + " is on another origin, which a preview does not load: " + instead[what]
}

// scriptHosts serve scripts by names of packages.
var scriptHosts = []string{"esm.sh", "esm.run", "unpkg.com", "cdn.jsdelivr.net", "cdn.tailwindcss.com", "cdnjs.cloudflare.com", "cdn.skypack.dev", "ga.jspm.io", "code.jquery.com"}

// loadedAs tells from an address what it is for, where it can be told.
func loadedAs(address string) loads {
	rest, _, _ := strings.Cut(strings.ToLower(address), "?")
	_, rest, _ = strings.Cut(rest, "//")
	host, p, _ := strings.Cut(rest, "/")
	switch ext := path.Ext(p); {
	case strings.Contains(host, "font"), ext == ".woff", ext == ".woff2", ext == ".ttf", ext == ".otf":
		return loadsFont
	case ext == ".css":
		return loadsStyle
	case ext == ".js", ext == ".mjs", slices.Contains(scriptHosts, host):
		return loadsScript
	case isBinary(p), ext == ".svg":
		return loadsMedia
	}
	return loadsSomething
}

const (
	// anAddress is one on another origin at the beginning of a text. One whose host is filled in may be the page's own.
	anAddress = `["'\x60]((?:https?|wss?):(?:\\?/){2}[^"'\x60\s$\\<>{}]+)`
	// aName is one that may stand for such an address, at the beginning of what is loaded.
	aName = `(?:\x60\$\{\s*)?([A-Za-z_$][\w$]*)\s*(?:[,)}+\x60]|\}\x60)`
)

// literalLoads find what scripts and markup load from literal addresses. The first group is the address.
var literalLoads = []struct {
	what    loads
	pattern *regexp.Regexp
}{
	{loadsData, regexp.MustCompile(`(?:\b(?:fetch|EventSource|WebSocket|sendBeacon|axios|ky|useSWR|useFetch)|(?:\b(?:axios|ky|http|api|client|jQuery)|\$)\.(?:get|post|put|patch|delete|head|request|getJSON|ajax|load))\s*(?:<[^<>()]*>)?\(\s*(?:\{\s*url\s*:\s*)?(?:new\s+(?:URL|Request)\(\s*)?` + anAddress)},
	{loadsData, regexp.MustCompile(`\.open\(\s*["'\x60][A-Za-z]+["'\x60]\s*,\s*` + anAddress)},
	{loadsData, regexp.MustCompile(`\bbase_?(?:URL|Url|url)["']?\s*[:=]\s*` + anAddress)},
	{loadsScript, regexp.MustCompile(`\b(?:importScripts|Worker|SharedWorker)\s*\(\s*(?:new\s+URL\(\s*)?` + anAddress)},
	{loadsScript, regexp.MustCompile(`<script\b[^<>]*?\bsrc\s*=\s*\{?\s*\\?` + anAddress)},
	{loadsFrame, regexp.MustCompile(`<iframe\b[^<>]*?\bsrc\s*=\s*\{?\s*\\?` + anAddress)},
	{loadsStyle, regexp.MustCompile(`<link\b[^<>]*?\bhref\s*=\s*\{?\s*\\?` + anAddress)},
	{sendsForm, regexp.MustCompile(`<form\b[^<>]*?\baction\s*=\s*\{?\s*\\?` + anAddress)},
	{loadsMedia, regexp.MustCompile(`\b(?:[a-zA-Z]*(?:[sS]rc|srcSet|[iI]mage|[iI]mg|[pP]hoto|[aA]vatar|[pP]icture|[tT]humb|[tT]humbnail|[pP]oster|[cC]over|[lL]ogo|[bB]anner|[bB]ackground)(?:_?(?:[uU]rl|URL|[sS]rc|Image))?)["']?\s*[:=]\s*\{?\s*\\?` + anAddress)},
	{loadsMedia, regexp.MustCompile(`\b(?:Image|Audio)\s*\(\s*` + anAddress)},
	{loadsMedia, regexp.MustCompile(`setAttribute\(\s*["'\x60](?:src|srcset|poster|data|xlink:href)["'\x60]\s*,\s*` + anAddress)},
	{loadsMedia, regexp.MustCompile(`["'\x60](https?:(?:\\?/){2}[^"'\x60\s$\\<>{}]+\.(?:png|jpe?g|gif|webp|avif|svg|ico|mp4|webm|mov|mp3|wav|ogg|m4a|woff2?|ttf|otf|glb|gltf|wasm)(?:\?[^"'\x60\s$\\<>{}]*)?)["'\x60]`)},
	{loadsMedia, regexp.MustCompile(`\burl\(\s*\\?["']?(https?:(?:\\?/){2}[^"'\x60\s$\\<>{}()]+)`)},
	{loadsMedia, regexp.MustCompile(`\bimage-set\(\s*\\?["'](https?://[^"'\s]+)`)},
	{loadsStyle, regexp.MustCompile(`@import\s+(?:url\(\s*)?\\?["']?(https?://[^"'\s)]+)`)},
}

var (
	// namedLoads finds what scripts load from an address that has a name: the first group is the name.
	namedLoads = regexp.MustCompile(`(?:\b(?:fetch|EventSource|WebSocket|sendBeacon|axios|ky|useSWR|Request)|(?:\b(?:axios|ky|http)|\$)\.(?:get|post|put|patch|delete|request|getJSON))\s*(?:<[^<>()]*>)?\(\s*` + aName)
	// namedAddress finds the names.
	namedAddress = regexp.MustCompile(`\b(?:const|let|var)\s+([A-Za-z_$][\w$]*)\s*(?::\s*string\s*)?=\s*(?:[\w.]*\benv\.\w+\s*(?:\?\?|\|\|)\s*)?` + anAddress)
)

// maxBlocked bounds the findings of one kind in one file.
const maxBlocked = 50

// blockedIn calls found with each address on another origin that a script or style loads, by where it stands.
func blockedIn(content string, found func(offset int, address string, what loads)) {
	if !strings.Contains(content, "://") && !strings.Contains(content, `:\/\/`) {
		return
	}
	seen := map[string]bool{}
	add := func(at, end int, what loads) {
		address := strings.ReplaceAll(content[at:end], `\/`, "/")
		if seen[address] || inComment(content, at) || strings.Contains(address, "://www.w3.org/") {
			return
		}
		seen[address] = true
		if what == loadsMedia || what == loadsStyle {
			if as := loadedAs(address); as != loadsSomething {
				what = as
			}
		}
		found(at, address, what)
	}
	for _, l := range literalLoads {
		for _, m := range l.pattern.FindAllStringSubmatchIndex(content, maxBlocked) {
			add(m[2], m[3], l.what)
		}
	}
	addresses := map[string][2]int{}
	for _, m := range namedAddress.FindAllStringSubmatchIndex(content, maxBlocked) {
		addresses[content[m[2]:m[3]]] = [2]int{m[4], m[5]}
	}
	if len(addresses) == 0 {
		return
	}
	for _, m := range namedLoads.FindAllStringSubmatchIndex(content, 10*maxBlocked) {
		if at, ok := addresses[content[m[2]:m[3]]]; ok {
			add(at[0], at[1], loadsData)
		}
	}
}

// checkBlocked reports what scripts that pages reach load from elsewhere. What style sheets and pages name is told where it is resolved.
func (t *tree) checkBlocked(reached []string, d *diagnostics) {
	for _, p := range reached {
		if isDeclaration(p) || isSample(p) || !isScript(t.loader(p)) && !compiled(p) {
			continue
		}
		content := t.files[p]
		blockedIn(content, func(offset int, address string, what loads) {
			line, column := t.positionIn(p, content, offset)
			d.add(fileOf(p), line, column, SeverityWarning, "%s", blockedLoad(address, what))
		})
	}
}

// checkBlockedInPage reports what attributes with code and import maps of a page load from elsewhere.
func (t *tree) checkBlockedInPage(pg *page, d *diagnostics) {
	content := t.files[pg.path]
	at := cursor{text: content}
	report := func(offset int, address string, what loads) {
		line, column := at.position(offset)
		d.add(pg.path, line, column, SeverityWarning, "%s", blockedLoad(address, what))
	}
	for _, a := range pg.code {
		blockedIn(a.value, func(_ int, address string, what loads) { report(a.start, address, what) })
	}
	for _, in := range pg.inlines {
		if in.kind == inlineImportMap {
			for _, m := range importMapped.FindAllStringSubmatchIndex(content[in.start:in.end], maxBlocked) {
				report(in.start+m[2], content[in.start+m[2]:in.start+m[3]], loadsScript)
			}
		}
	}
}

// importMapped finds the addresses that an import map leads to.
var importMapped = regexp.MustCompile(`:\s*"((?:https?:)?//[^"\s]+)"`)
