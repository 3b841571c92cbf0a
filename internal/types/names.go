package types

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"codeforge/internal/verify"
)

// JavaScript has no types that are checked, nor has TypeScript whose packages are not here; and both have names like any other program: one that nothing declares ends it where it
// comes by. So its scripts, those that stand in pages and the handlers of their elements are shown to the compiler too,
// and of what that says only undeclared names count. They lie in a folder of their own, where nothing is resolved: what
// a script imports is declared by the import. Scripts that are no modules share their names, as in a page.

// namesFolder holds what is looked at for names alone.
const namesFolder = ".names"

// scripts are the sources of that folder.
type scripts struct {
	texts  map[string]string // by path in the folder
	places map[string]spot   // where each comes from

	open    bool            // scripts that are not here may declare anything
	foreign map[string]bool // files of which that holds, since such scripts run on their pages
	exports map[string]bool // names that modules of the tree export: a script that uses one did not import it
	asked   map[string]bool // names that scripts ask for with typeof
}

// spot is where a source of the folder stands.
type spot struct {
	file         string
	line, column int  // of its beginning, from 0
	prefix       int  // characters that were put before its first line
	exact        bool // positions within it are positions in the file
	handler      bool
}

const (
	mostHandlers = 1_000
	largestLine  = 5_000 // of a source that people wrote
)

// handlerBegin makes a function of a handler. In it the members of the element, its form and the document are names.
const handlerBegin = "(function (event, value, checked, form, name, id, style, classList, dataset, files, options, selectedIndex, disabled, select, focus, blur, click, remove, submit, reset, close, open, show, showModal, play, pause, load, paused, muted, volume, src, href, text, type, elements, parentElement, parentNode, nextElementSibling, previousElementSibling, firstElementChild, children, innerHTML, textContent, querySelector, querySelectorAll, getElementById, createElement, getAttribute, setAttribute, toggleAttribute, removeAttribute, closest, body, title, write, writeln, requestFullscreen, scrollIntoView) { "

// scriptsOf collects the JavaScript of a tree, without what the compiler checks anyway; nil when there is none.
func (p *plan) scriptsOf() *scripts {
	s := &scripts{texts: map[string]string{}, places: map[string]spot{}, foreign: map[string]bool{}, exports: map[string]bool{}, asked: map[string]bool{}}
	if p.invents() {
		return nil
	}
	checked := map[string]bool{}
	for _, project := range p.projects {
		if check, ok := project.options["checkJs"]; ok && fmt.Sprintf("%s", check) == "true" {
			for _, f := range project.roots {
				checked[f] = true
			}
		}
	}
	output := verify.IsOutput(p.tree)
	pages := verify.Pages(p.tree)
	modules := map[string]bool{}
	handlers := 0
	for _, page := range pages {
		text := p.tree.Files[page.Path]
		for i, script := range page.Scripts {
			if script.File != "" {
				modules[script.File] = modules[script.File] || script.Module
				continue
			}
			if script.Handler {
				if handlers++; handlers > mostHandlers {
					continue
				}
			}
			s.addInline(page.Path, text, i, script)
		}
	}
	for _, file := range p.paths {
		text := p.tree.Files[file]
		if !isJavaScript(file) && !(p.unpacked && isTypeScript(file) && !isDeclaration(file)) || isInstalled(file) || checked[file] {
			continue
		}
		if output(file) || !byHand(file, text) {
			continue
		}
		s.add(file, text, modules[file])
	}
	if len(s.texts) == 0 {
		return nil
	}
	s.declare(p, pages)
	s.findForeign(p, pages)
	return s
}

// htmlImport is how pages once loaded others with their scripts.
var htmlImport = regexp.MustCompile(`(?i)<link[^>]*\brel=["']?import\b`)

// findForeign notes what runs on pages beside scripts that are not looked at: such declare what they want.
func (s *scripts) findForeign(p *plan, pages []verify.Page) {
	refs := verify.NewReferences(p.tree)
	for _, page := range pages {
		foreign := page.Foreign || htmlImport.MatchString(p.tree.Files[page.Path])
		queue := []string{page.Path}
		for _, script := range page.Scripts {
			if script.File == "" {
				continue
			}
			queue = append(queue, script.File)
			if _, here := s.texts[path.Join(namesFolder, script.File)]; !here && !isTypeScript(script.File) {
				foreign = true
			}
		}
		for ; foreign && len(queue) > 0; queue = queue[1:] {
			file := queue[0]
			if s.foreign[file] {
				continue
			}
			s.foreign[file] = true
			for _, r := range refs.Of(file) {
				if isSource(r.Target) || isComponent(r.Target) {
					queue = append(queue, r.Target)
				}
			}
		}
	}
}

// invents reports whether tools of the project declare names for its scripts.
func (p *plan) invents() bool {
	if slices.ContainsFunc([]string{"nuxt", "unplugin-auto-import", "meteor-node-stubs", "ember-source", "@google/clasp", "sails", "p5"}, p.declares) {
		return true
	}
	return p.has("appsscript.json") || p.has(".meteor/release")
}

var libraryName = regexp.MustCompile(`(?i)(?:^|/)(?:vendors?|third[-_]?party|libs?/external|bower_components|external)/|[.-](?:min|bundle|umd|iife|prod)\.[cm]?js$|(?:^|/)(?:jquery|lodash|underscore|three|phaser|p5|d3|vue|react|bootstrap|chart|moment)[-.\d\w]*\.js$`)

// byHand reports whether people, or models, wrote a source, as opposed to tools.
func byHand(file, text string) bool {
	if libraryName.MatchString(file) {
		return false
	}
	for line := range strings.Lines(text) {
		if len(line) > largestLine {
			return false
		}
	}
	return true
}

var (
	docComment  = regexp.MustCompile(`/\*\*([^/])`)
	moduleWords = regexp.MustCompile(`(?m)^\s*(?:import\b|export\b)`)
)

// prepare makes a source one whose names are all names of the program: those in comments that speak of types are not.
func prepare(text string, module bool) string {
	text = docComment.ReplaceAllString(text, "/* $1")
	if module && !moduleWords.MatchString(text) {
		text += "\nexport {};\n"
	}
	return text
}

func (s *scripts) add(file, text string, module bool) {
	name := path.Join(namesFolder, file)
	s.texts[name] = prepare(text, module)
	s.places[name] = spot{file: file, exact: true}
	s.collect(text, module || moduleWords.MatchString(text))
	s.addMarkup(file, text, 0, len(text))
}

func (s *scripts) addInline(page, text string, i int, script verify.Script) {
	before := text[:min(script.Start, len(text))]
	at := spot{file: page, line: strings.Count(before, "\n"), column: len([]rune(before[strings.LastIndexByte(before, '\n')+1:])), exact: script.Plain, handler: script.Handler}
	name := fmt.Sprintf("%s/%s.%d.js", namesFolder, page, i)
	body := script.Body
	if script.Handler {
		at.prefix = len(handlerBegin)
		body = handlerBegin + strings.TrimPrefix(strings.TrimSpace(body), "javascript:") + "\n});\n"
		at.exact = at.exact && strings.HasPrefix(script.Body, strings.TrimSpace(script.Body)) && !strings.HasPrefix(script.Body, "javascript:")
	} else {
		s.collect(body, script.Module)
		s.addMarkup(page, text, script.Start, script.Start+len(body))
	}
	s.texts[name] = prepare(body, script.Module)
	s.places[name] = at
}

// markupHandler is a call in a handler that a script writes into a page.
var markupHandler = regexp.MustCompile(`<[a-z][\w-]*\s[^<>]*?\bon(?:click|change|input|submit|keyup|keydown|keypress|focus|blur|load|error|dblclick|mouseover|mouseout|mousedown|mouseup|toggle)=\\?["']\s*(?:return\s+)?([A-Za-z_$][\w$]*)\s*\(`)

// addMarkup adds handlers that a script writes into a page: they name what is declared for all scripts.
func (s *scripts) addMarkup(file, text string, from, to int) {
	if strings.HasSuffix(file, ".jsx") {
		return
	}
	for _, m := range markupHandler.FindAllStringSubmatchIndex(text[from:to], 200) {
		before := text[:from+m[2]]
		name := fmt.Sprintf("%s/%s.%d.on.js", namesFolder, file, len(before))
		s.texts[name] = handlerBegin + text[from+m[2]:from+m[3]] + "\n});\n"
		s.places[name] = spot{file: file, line: strings.Count(before, "\n"), column: len([]rune(before[strings.LastIndexByte(before, '\n')+1:])), prefix: len(handlerBegin), exact: true, handler: true}
	}
}

var (
	exported    = regexp.MustCompile(`\bexport\s+(?:default\s+)?(?:async\s+)?(?:function\s*\*?|class|const|let|var)\s+([A-Za-z_$][\w$]*)`)
	typeofName  = regexp.MustCompile(`\btypeof\s*\(?\s*([A-Za-z_$][\w$]*)`)
	windowName  = regexp.MustCompile(`\b(?:window|globalThis|self|global|root|top|parent|exports)\s*(?:\.\s*([A-Za-z_$][\w$]*)|\[\s*["']([A-Za-z_$][\w$]*)["']\s*\])`)
	windowOther = regexp.MustCompile(`\b(?:window|globalThis|self)\s*\[[^"'\]]+\]\s*=[^=]|Object\.assign\(\s*(?:window|globalThis|self)\b|\b(?:importScripts|\$\.getScript)\s*\(|createElement\(\s*["']script["']|\bgoog\.provide\(|defineProperty\(\s*(?:window|globalThis|self)\s*,\s*[^"'\s]`)
	defined     = regexp.MustCompile(`defineProperty\(\s*(?:window|globalThis|self)\s*,\s*["']([A-Za-z_$][\w$]*)["']|(?:exposeInMainWorld|attachInternals)\(\s*["']([A-Za-z_$][\w$]*)["']`)
	globalWords = regexp.MustCompile(`/[*/]\s*(?:globals?|exported)\s+([^*\n]*)`)
	assigned    = regexp.MustCompile(`(?m)(?:^|[;{}(,\s])([A-Za-z_$][\w$]*)\s*=[^=>]`)
	notAssigned = regexp.MustCompile(`\b(?:const|let|var)\s+$`)
	word        = regexp.MustCompile(`[A-Za-z_$][\w$]*`)
)

// collect notes what a script does to the names of others.
func (s *scripts) collect(text string, module bool) {
	for _, m := range exported.FindAllStringSubmatch(text, 5_000) {
		s.exports[m[1]] = true
	}
	for _, m := range typeofName.FindAllStringSubmatch(text, 5_000) {
		s.asked[m[1]] = true
	}
	s.open = s.open || windowOther.MatchString(text)
	if module {
		return
	}
	for _, m := range assigned.FindAllStringSubmatchIndex(text, 20_000) { // without a declaration it makes a name for all
		if !notAssigned.MatchString(text[max(0, m[2]-20):m[2]]) {
			s.asked[text[m[2]:m[3]]] = true
		}
	}
}

// environment are names that something outside the tree declares: Node, test runners, workers, browsers' extensions, tools.
const environment = `require module exports __dirname __filename global process Buffer setImmediate clearImmediate describe it test expect before after beforeEach afterEach beforeAll afterAll suite setup teardown xit xdescribe xtest fit fdescribe
jest vi vitest jasmine spyOn cy Cypress sinon assert chai should QUnit page browser context element by protractor bench $ jQuery define requirejs importScripts clients skipWaiting registration ServiceWorkerGlobalScope DedicatedWorkerGlobalScope SharedWorkerGlobalScope
WorkerGlobalScope FileReaderSync sampleRate currentTime currentFrame registerProcessor AudioWorkletProcessor AudioWorkletGlobalScope registerPaint chrome Deno Bun gtag dataLayer ga fbq google gapi grecaptcha unsafeWindow Android webkit
HermesInternal ErrorUtils NaN Infinity undefined globalThis artifacts contract web3 ethereum k6 __ENV __VU $$ $x copy inspect angular Handlebars Ember Meteor Template Mongo App Page Component Behavior getApp getCurrentPages wx uni my tt swan print load
WScript opera netscape java Packages phantom casper trackEvent MutationEvent ApplicationCache tinymce CKEDITOR MathJax hljs Prism workbox self Alpine htmx`

var reserved = regexp.MustCompile(`^(?:break|case|catch|class|const|continue|debugger|default|delete|do|else|enum|export|extends|false|finally|for|function|if|import|in|instanceof|new|null|return|super|switch|this|throw|true|try|typeof|var|void|while|with|yield|let|static|await|async|of|implements|interface|package|private|protected|public|undefined|globalThis|arguments|eval|NaN|Infinity|window|document)$`)

// declare declares what scripts may use that none of them declares as a name.
func (s *scripts) declare(p *plan, pages []verify.Page) {
	all := map[string]bool{}
	for name := range strings.FieldsSeq(environment) {
		all[name] = true
	}
	for name := range s.asked {
		all[name] = true
	}
	for _, page := range pages {
		for _, id := range page.IDs {
			all[id] = true
		}
	}
	for file, text := range p.tree.Files {
		base := path.Base(file)
		switch {
		case isInstalled(file):
		case strings.Contains(base, ".config.") || strings.HasPrefix(base, ".eslintrc") || strings.HasPrefix(base, "webpack") || base == ".jshintrc" || base == "package.json" && strings.Contains(text, `"globals"`):
			for _, name := range word.FindAllString(text, 20_000) {
				all[name] = true
			}
		case isDeclaration(file):
			s.texts[path.Join(namesFolder, file)] = text
		}
		if isSource(file) || isComponent(file) || path.Ext(file) == ".html" || path.Ext(file) == ".htm" {
			for _, expression := range []*regexp.Regexp{windowName, defined} {
				for _, m := range expression.FindAllStringSubmatch(text, 5_000) {
					all[m[1]+m[2]] = true
				}
			}
			for _, m := range globalWords.FindAllStringSubmatch(text, 500) {
				for _, name := range word.FindAllString(m[1], 500) {
					all[name] = true
				}
			}
		}
	}
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if word.FindString(name) == name && name != "" && !reserved.MatchString(name) && len(name) < 200 {
			fmt.Fprintf(&b, "declare var %s: any;\n", name)
		}
	}
	s.texts[path.Join(namesFolder, ".declared.d.ts")] = b.String()
}

// project is the run of the compiler over them.
func (s *scripts) project() project {
	return project{dir: namesFolder, names: true, roots: slices.Sorted(maps.Keys(s.texts)), options: map[string]any{"allowJs": true, "checkJs": true, "noResolve": true, "strict": false, "target": "esnext", "module": "preserve",
		"moduleResolution": "bundler", "moduleDetection": "auto", "jsx": "preserve", "lib": []string{"esnext", "dom", "dom.iterable", "dom.asynciterable", "scripthost"}, "types": []string{}, "noEmit": true, "skipLibCheck": true,
		"allowUnreachableCode": true, "allowUnusedLabels": true}}
}

// Codes of messages about names.
const (
	noName          = 2304
	noNameNear      = 2552
	noNameMember    = 2663
	noNameStatic    = 2662
	noNameShorthand = 18004
	firstSyntax     = 1000
	lastSyntax      = 2000
	firstOfTypes    = 8000 // what only TypeScript has
	lastOfTypes     = 9000
)

// undeclared makes findings in the tree of what was said of names.
func (p *plan) undeclared(found []finding) (list []finding) {
	s := p.scripts
	broken := map[string]bool{} // files that others complain of, or that are in another language
	for _, f := range found {
		if f.code >= firstSyntax && f.code < lastSyntax || f.code >= firstOfTypes && f.code < lastOfTypes {
			broken[f.file] = true
		}
	}
	for _, f := range found {
		if len(list) == verify.MaxDiagnostics {
			break
		}
		at, ok := s.places[f.file]
		m := quotedName.FindStringSubmatch(f.message)
		if !ok || broken[f.file] || m == nil {
			continue
		}
		name := m[1]
		switch f.code {
		case noName, noNameNear, noNameMember, noNameStatic, noNameShorthand:
		default:
			continue
		}
		if s.asked[name] || strings.HasPrefix(name, "__") || strings.HasPrefix(name, "GM_") || hoisted(s.texts[f.file], name) {
			continue
		}
		if (s.open || s.foreign[at.file] || testFile.MatchString(at.file)) && !s.exports[name] && !(f.code == noNameNear && len(quotedName.FindAllString(f.message, 3)) > 1 && s.declares(quotedName.FindAllStringSubmatch(f.message, 3)[1][1])) {
			continue
		}
		f.message = fmt.Sprintf("Cannot find name '%s': nothing declares it", name)
		if at.handler {
			f.message = fmt.Sprintf("Cannot find name '%s': no script of the pages declares it for handlers (what a module declares is not seen there)", name)
		}
		f.file = at.file
		f.line, f.column = at.in(f.line, f.column)
		list = append(list, f)
	}
	return list
}

// testFile is a file that a test runner runs, whose settings may declare names for it.
var testFile = regexp.MustCompile(`(?i)(?:^|/)(?:tests?|specs?|__tests__|e2e|cypress|features)/|[._-](?:test|spec|cy|e2e)\.|(?:Test|Spec)\.[cm]?jsx?$`)

// declares reports whether a source declares a name.
func (s *scripts) declares(name string) bool {
	declaration := regexp.MustCompile(`\b(?:function|class|const|let|var|import)\b[^;=(]*\b` + regexp.QuoteMeta(name) + `\b`)
	for file, text := range s.texts {
		if !isDeclaration(file) && declaration.MatchString(text) {
			return true
		}
	}
	return false
}

// hoisted reports whether a function of that name is declared somewhere in a source: one in a block is a name outside too.
func hoisted(text, name string) bool {
	return regexp.MustCompile(`\bfunction\s*\*?\s+` + regexp.QuoteMeta(name) + `\b`).MatchString(text)
}

// in is the place in the file of a position in the source.
func (at spot) in(line, column int) (int, int) {
	switch {
	case !at.exact:
		return at.line + 1, at.column + 1
	case line == 1:
		return at.line + 1, at.column + column - at.prefix
	}
	return at.line + line, column
}
