package offline

import (
	"embed"
	"encoding/json"
	"html/template"
	"maps"
	"regexp"
	"slices"
	"strings"
	texttemplate "text/template"
)

//go:embed templates
var templates embed.FS

var (
	pages = template.Must(template.New("").Funcs(template.FuncMap{"icon": iconMarkup}).ParseFS(templates, "templates/*.html.tmpl", "templates/*.svg.tmpl", "templates/react/*.html.tmpl"))
	texts = texttemplate.Must(texttemplate.New("").Funcs(texttemplate.FuncMap{"ts": script, "md": markdown}).
		ParseFS(templates, "templates/*.ts.tmpl", "templates/*.css.tmpl", "templates/*.md.tmpl", "templates/react/*.tsx.tmpl", "templates/react/*.css.tmpl"))
)

// page is what a template of a page is given.
type page struct {
	App     *app
	Title   string
	Script  string
	Kind    *kind // whose entries it shows
	Part    *part // what it does
	Heading string
	Intro   string
	Current string // its key, "" for the overview
	Start   bool   // the page that opens first
}

type module struct {
	App     *app
	Kind    kind
	Stats   []stat
	Imports string
	Start   bool // the app opens with it
}

// modelPath is the file from which a later job reads the app again.
const modelPath = "src/model.ts"

// sources are the files of an app: paths to contents.
type sources map[string]string

// files writes the app down. The same app always gives the same bytes.
func (a *app) files() sources {
	out := sources{}
	out.text(modelPath, "model.ts.tmpl", a)
	out.text("README.md", "README.md.tmpl", a)
	if len(a.Kinds) > 0 {
		out.text("src/samples.ts", "samples.ts.tmpl", a)
	}
	if a.React {
		out.addReact(a)
	} else {
		out.addPlain(a)
	}
	out.addImported()
	out.text("src/lib/text.ts", "text.ts.tmpl", struct {
		*app
		Texts []translation
	}{a, a.translationsIn(out)})
	return out
}

// addPlain adds what shows the app without packages: a page for each kind.
func (out sources) addPlain(a *app) {
	out.text("styles.css", "styles.css.tmpl", a)
	out.markup("icon.svg", "icon.svg.tmpl", a)
	for _, p := range a.Places() {
		file, name := strings.TrimPrefix(p.Href(), "./"), "./src/"+p.Key+".ts"
		title := p.Title + " · " + a.Name
		if p.Start {
			title = a.Name
		}
		switch {
		case p.Part != nil:
			made := a.partPage(*p.Part)
			out.markup(file, "part.html.tmpl", page{App: a, Title: title, Script: name, Part: p.Part, Heading: made.Heading, Intro: made.Intro, Current: p.Key})
			out.text("src/"+p.Key+".ts", "part.ts.tmpl", made)
		case p.Kind != nil:
			out.markup(file, "page.html.tmpl", page{App: a, Title: title, Script: name, Kind: p.Kind, Current: p.Key, Start: p.Start})
			out.text("src/"+p.Key+".ts", "page.ts.tmpl", a.module(*p.Kind))
		default:
			out.asItIs("src/dashboard.ts", "dashboard.ts")
			out.markup(file, "index.html.tmpl", page{App: a, Title: title, Script: "./src/dashboard.ts"})
		}
	}
}

// addReact adds what shows the app with React and Tailwind: components for any kind, a short page for each.
func (out sources) addReact(a *app) {
	for _, name := range []string{"package.json", "tsconfig.json", "vite.config.ts", "src/main.tsx"} {
		out.asItIs(name, "react/"+name)
	}
	out.markup("index.html", "root.html.tmpl", a)
	out.markup("public/icon.svg", "icon.svg.tmpl", a)
	out.text("src/index.css", "index.css.tmpl", a)
	out.text("src/App.tsx", "App.tsx.tmpl", a)
	for _, k := range a.Kinds {
		out.text("src/pages/"+k.PageName()+".tsx", "page.tsx.tmpl", a.module(k))
	}
	for _, p := range a.Tools() {
		out.text("src/pages/"+p.PageName()+".tsx", "part.tsx.tmpl", a.partPage(p))
	}
}

func (out sources) markup(path, name string, data any) {
	var b strings.Builder
	if err := pages.ExecuteTemplate(&b, name, data); err != nil {
		panic(err) // the templates are our own, and a Builder takes all
	}
	out[path] = b.String()
}

func (out sources) text(path, name string, data any) {
	var b strings.Builder
	if err := texts.ExecuteTemplate(&b, name, data); err != nil {
		panic(err)
	}
	out[path] = b.String()
}

func (out sources) asItIs(path, name string) {
	b, err := templates.ReadFile("templates/" + name)
	if err != nil {
		panic(err)
	}
	out[path] = string(b)
}

func (a *app) module(k kind) module {
	start := a.Places()[0].Kind
	m := module{App: a, Kind: k, Stats: a.stats(k), Start: start != nil && start.Key == k.Key}
	var all strings.Builder
	for _, s := range m.Stats {
		all.WriteString(s.Value)
	}
	used := slices.DeleteFunc([]string{"money", "number", "sum", "today"}, func(f string) bool { return !strings.Contains(all.String(), f+"(") })
	m.Imports = strings.Join(used, ", ")
	return m
}

// order sorts paths as somebody would write them: what the app is about, how it works, its pages, its look.
func order(paths []string) []string {
	rank := func(p string) int {
		switch {
		case strings.HasSuffix(p, "package.json"):
			return 0
		case strings.HasSuffix(p, modelPath):
			return 1
		case strings.Contains(p, "src/lib/kinds"):
			return 2
		case strings.Contains(p, "src/lib/"):
			return 3
		case strings.HasSuffix(p, "index.html"):
			return 4
		case strings.HasSuffix(p, ".css"):
			return 5
		case strings.HasSuffix(p, "dashboard.ts"), strings.HasSuffix(p, "hooks.ts"), strings.HasSuffix(p, "App.tsx"), strings.HasSuffix(p, "main.tsx"):
			return 6
		case strings.HasSuffix(p, ".html"), strings.Contains(p, "src/components/"):
			return 7
		case strings.Contains(p, "src/"):
			return 8
		}
		return 9
	}
	return slices.SortedFunc(slices.Values(paths), func(a, b string) int {
		if d := rank(a) - rank(b); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// explain says in one line what a file of an app is for.
func (a *app) explain(path string) string {
	switch {
	case strings.HasSuffix(path, modelPath):
		return "What the app keeps: every kind with its fields. Types of entries follow from it."
	case strings.HasSuffix(path, "src/samples.ts"):
		return "Examples with which the app can be tried."
	case strings.HasSuffix(path, ".css"):
		return "The look: colours by purpose, layout for wide and narrow screens."
	case strings.HasSuffix(path, "README.md"):
		return "What the app does, how it is built and how to change it."
	case a.React && reactParts[path[strings.LastIndexByte(path, '/')+1:]] != "":
		return reactParts[path[strings.LastIndexByte(path, '/')+1:]]
	case strings.HasSuffix(path, "index.html"):
		return "The overview: counts, what comes next, what was added lately."
	case strings.HasSuffix(path, "dashboard.ts"):
		return "Fills the overview from the store."
	case strings.HasSuffix(path, "icon.svg"):
		return "The app's mark in the browser's tab."
	case strings.Contains(path, "src/lib/"):
		return "Works for any kind: " + libs[path[strings.LastIndexByte(path, '/')+1:]] + "."
	case strings.Contains(path, "src/parts/"):
		return "What the app does: its state, what can happen to that, and what is seen of it."
	}
	for _, p := range a.Parts {
		switch {
		case !p.paged():
		case strings.HasSuffix(path, p.PageName()+".tsx"), strings.HasSuffix(path, "src/"+p.Key+".ts"), strings.HasSuffix(path, p.Key+".html"):
			return "The page of " + markdown(p.Title) + "."
		}
	}
	for _, k := range a.Kinds {
		switch {
		case strings.HasSuffix(path, k.PageName()+".tsx"):
			return "The page of " + k.Many + ": what it says, and its numbers."
		case strings.HasSuffix(path, "src/"+k.Key+".ts"):
			return "Brings the page of " + k.Many + " to life and works out its numbers."
		case strings.HasSuffix(path, k.Key+".html"):
			return "The page of " + k.Many + ": list, search and form."
		}
	}
	return "Changed as asked."
}

var libs = map[string]string{
	"check.ts": "reads what was typed and says what needs attention", "dom.ts": "makes elements without reading data as markup", "form.ts": "fills, reads and checks the form",
	"format.ts": "shows dates, money and relations", "grid.ts": "spreads boxes over rows that are all filled", "kinds.ts": "the types of fields and entries",
	"list.ts": "shows entries as cards, a table or a board", "message.ts": "says what happened", "overview.ts": "what comes next, what was added lately, a copy of all",
	"page.ts": "ties list, form and deletion together", "query.ts": "searches, sorts and counts entries", "store.ts": "keeps entries in the browser",
	"csv.ts": "saves a list as a table", "file.ts": "hands a text to people as a file", "text.ts": "the interface's texts in the app's language", "view.ts": "what is shown, as data", "part.ts": "keeps what a part of the app remembers, and lets time pass for it",
	"draw.ts": "makes elements of what is shown", "mount.ts": "brings a part to life", "icons.ts": "draws icons", "sound.ts": "sounds a tone", "sample.ts": "makes entries to try the app with",
}

// reactParts are what files of an app with React are for, by their names.
var reactParts = map[string]string{
	"package.json": "The packages that the app is made with, and how to build it.", "vite.config.ts": "How Vite builds it: with React and Tailwind.", "tsconfig.json": "How its types are checked: strictly.",
	"index.html": "The page that the app is drawn into.", "main.tsx": "Starts the app.", "App.tsx": "Which address shows which page.", "hooks.ts": "Ties store, messages and address to React.",
	"Shell.tsx": "What is around every page: name, navigation, messages.", "Overview.tsx": "The overview: counts, what comes next, what was added lately.",
	"Footer.tsx": "Where entries are kept, and a copy of all.", "Collection.tsx": "The page of any kind: numbers, search, list, form and deletion.", "EntryList.tsx": "Shows entries as cards, a table or a board.", "EntryForm.tsx": "The form of an entry, checked before it is saved.",
	"PartPage.tsx": "The page of something that the app does.", "FieldInput.tsx": "A field of a form with its label.", "Toolbar.tsx": "Search, filter and order of a list.", "Dialog.tsx": "A dialog that keeps the focus.", "Button.tsx": "Buttons.", "Badge.tsx": "An option of a choice.", "elements.ts": "Makes React's elements of what the app's parts show.",
}

// markdown escapes s for a line of Markdown.
func markdown(s string) string { return markdownMarks.Replace(cleanLine(s)) }

var markdownMarks = strings.NewReplacer(`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "|", `\|`, "#", `\#`, "<", "&lt;", ">", "&gt;", "&", "&amp;", "~", `\~`)

// What follows reads an app back from the model that files wrote.

var (
	lookLine  = regexp.MustCompile(`palette (\w+), mode (\w+), layout (\w+)(, with React)?`)
	appLine   = regexp.MustCompile(`(?m)^  (id|name|tagline|currency|language): ("(?:[^"\\]|\\.)*"),$`)
	kindStart = regexp.MustCompile(`(?m)^export const \w+ = defineKind\(\{$`)
	kindLine  = regexp.MustCompile(`(?m)^  (key|one|many|verb|view): ("(?:[^"\\]|\\.)*"),$`)
	partLine  = regexp.MustCompile(`(?m)^  \{ key: ("(?:[^"\\]|\\.)*"), title: ("(?:[^"\\]|\\.)*"), does: "(\w+)", of: "([\w-]*)", topic: ("(?:[^"\\]|\\.)*"), shows: ("(?:[^"\\]|\\.)*") \},$`)
	listLine  = regexp.MustCompile(`(?m)^  (sort|filter|csv): ("(?:[^"\\]|\\.)*"|true),$`)
	fieldLine = regexp.MustCompile(`(?m)^    (\w+): field\.(\w+)\((.*)\),$`)
)

// readApp understands a src/model.ts of ours, also one that was edited by hand as long as the form is kept. It returns
// nil when there is no app in it.
func readApp(text string) *app {
	starts := kindStart.FindAllStringIndex(text, -1)
	a := &app{}
	for _, m := range partLine.FindAllStringSubmatch(text, -1) {
		a.Parts = append(a.Parts, part{Key: unscript(m[1]), Title: unscript(m[2]), Kind: partKind(m[3]), Of: m[4], Topic: unscript(m[5]), Shows: unscript(m[6])})
	}
	if len(starts)+len(a.Parts) == 0 {
		return nil
	}
	head := text
	if len(starts) > 0 {
		head = text[:starts[0][0]]
	}
	if m := lookLine.FindStringSubmatch(text); m != nil {
		a.Look, a.React = look{m[1], m[2], m[3]}, m[4] != ""
	}
	for _, m := range appLine.FindAllStringSubmatch(head, -1) {
		v := unscript(m[2])
		switch m[1] {
		case "name":
			a.Name = v
		case "tagline":
			a.Tagline = v
		case "id":
			if slug(v, "app") == v { // what stands in a page's storage is no text of strangers
				a.id = v
			}
		case "currency":
			a.Currency = v
		case "language":
			a.Language = v
		}
	}
	for i, s := range starts {
		end := len(text)
		if i+1 < len(starts) {
			end = starts[i+1][0]
		}
		if k := readKind(text[s[0]:end]); k.Key != "" {
			a.Kinds = append(a.Kinds, k)
		}
	}
	if len(a.Kinds)+len(a.Parts) == 0 {
		return nil
	}
	if a.Language != "" && a.Language != "en" {
		for i := range a.Kinds {
			a.Kinds[i].Intro = "" // the lexicon's are English
		}
	}
	a.completeRelations()
	return a
}

func readKind(text string) kind {
	var k kind
	for _, m := range kindLine.FindAllStringSubmatch(text, -1) {
		v := unscript(m[2])
		switch m[1] {
		case "key":
			k.Key = v
		case "one":
			k.One = v
		case "many":
			k.Many = v
		case "verb":
			k.Verb = v
		case "view":
			k.View = v
		}
	}
	for _, e := range words().kinds {
		if e.Key == k.Key {
			k.Intro = e.Intro
		}
	}
	for _, m := range listLine.FindAllStringSubmatch(text, -1) {
		switch m[1] {
		case "sort":
			k.Sort = unscript(m[2])
		case "filter":
			k.Filter = unscript(m[2])
		case "csv":
			k.CSV = m[2] == "true"
		}
	}
	for _, m := range fieldLine.FindAllStringSubmatch(text, -1) {
		if f, ok := readField(m[1], m[2], m[3]); ok {
			k.Fields = append(k.Fields, f)
		}
	}
	return k
}

func readField(key, typ, args string) (field, bool) {
	var parts []any
	if json.Unmarshal([]byte("["+args+"]"), &parts) != nil || len(parts) == 0 || !slices.Contains(fieldTypes, typ) {
		return field{}, false
	}
	f := field{Key: key, Type: typ}
	f.Label, _ = parts[0].(string)
	for _, p := range parts[1:] {
		switch p := p.(type) {
		case []any:
			for _, o := range p {
				if s, ok := o.(string); ok {
					f.Options = append(f.Options, s)
				}
			}
		case map[string]any:
			f.Renamed = map[string]string{}
			for was, now := range p {
				if s, ok := now.(string); ok {
					f.Renamed[was] = s
				}
			}
		case string:
			switch {
			case p == "required":
				f.Required = true
			case typ == "relation":
				f.To = p
			}
		}
	}
	return f, true
}

func unscript(s string) string {
	var v string
	json.Unmarshal([]byte(s), &v) // what is no string counts as empty
	return v
}
