package offline

import (
	"cmp"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// app is a whole app before it is written down.
type app struct {
	Name     string
	Tagline  string
	Currency string // ISO 4217
	Look     look
	React    bool     // shown with React and Tailwind, else without packages
	Parts    []part   // kinds of apps that it is, the main one first
	Kinds    []kind   // what it keeps, at most maxKinds
	Language string   // of the interface: a catalogue's name, "en"
	Lacks    []string // what the idea asked for and no app of this model has, in words for the summary

	shape           shape  // of what the idea names and the lexicon does not have
	id              string // under which entries are stored: it stays when the name changes, "" until it is written
	said            string // the field that the instruction named last
	mayHavePackages bool   // React can be had where it is asked for

	Wishes   []string // of the instruction: what was not understood, for the README
	Reviewed []string // findings that this version answers, for the README
}

type look struct{ Palette, Mode, Layout string }

// kind is one sort of thing that the app keeps. Key is also the name of its page.
type kind struct {
	Key, One, Many, Verb, View, Intro string
	Fields                            []field
	Sort, Filter                      string // keys of the fields by which its list is sorted at first, with "-" downwards, and filtered
	CSV                               bool   // its list can be saved as a table
	loose                             bool   // named after the lexicon's kind, since the idea only spoke of it
	like                              string // the lexicon's kind that it was made from, "" once it is read back
}

type field struct {
	Key, Label, Type string
	Required         bool
	Options          []string          // of a choice
	Renamed          map[string]string // of a choice: what options were called when entries were saved, and are called now
	To               string            // of a relation: the key of another kind
	optional         bool              // of a relation of the lexicon: it is left out where the app does not keep what it points to
	guessed          bool              // of a kind that nothing is known of: it goes where the idea says itself what is kept
}

const (
	maxKinds  = 7
	maxFields = 14
)

var fieldTypes = []string{"text", "notes", "phone", "email", "link", "date", "number", "money", "flag", "choice", "relation"}

func (a *app) kind(key string) *kind {
	i := slices.IndexFunc(a.Kinds, func(k kind) bool { return k.Key == key })
	if i < 0 {
		return nil
	}
	return &a.Kinds[i]
}

// clone copies what a change of the app writes to.
func (a *app) clone() *app {
	b := *a
	b.Kinds = slices.Clone(a.Kinds)
	for i := range b.Kinds {
		b.Kinds[i].Fields = slices.Clone(b.Kinds[i].Fields)
	}
	b.Parts = slices.Clone(a.Parts)
	b.Wishes, b.Reviewed = nil, nil
	return &b
}

// completeRelations makes the parts of an app fit each other: names that are free and legal where they stand, relations that lead
// somewhere, a look that exists. It is idempotent.
func (a *app) completeRelations() {
	a.Name = cmp.Or(shorten(cleanLine(a.Name), 60), "Notebook")
	a.Tagline = cmp.Or(shorten(cleanLine(a.Tagline), 240), a.Name)
	a.Currency = cmp.Or(a.Currency, "USD")
	if !supported(a.Language) {
		a.Language = languages[0]
	}
	if len(a.Kinds) == 0 && !slices.ContainsFunc(a.Parts, func(p part) bool { return p.Kind != trackerPart }) {
		a.addLike("note", "", "")
	}
	a.Kinds = a.Kinds[:min(len(a.Kinds), maxKinds)]
	a.completeParts()
	used := map[string]bool{}
	for i := range a.Kinds {
		k := &a.Kinds[i]
		k.Key = freeName(slug(k.Key, "list"), reservedPages, used)
		k.One, k.Many = cmp.Or(shorten(cleanLine(k.One), 40), "entry"), cmp.Or(shorten(cleanLine(k.Many), 40), "entries")
		k.Verb = cmp.Or(k.Verb, "Add")
	}
	for i := range a.Kinds {
		a.completeFields(&a.Kinds[i])
	}
	if _, ok := palettes[a.Look.Palette]; !ok {
		h := fnv.New32a()
		h.Write([]byte(a.Name))
		names := slices.DeleteFunc(sortedKeys(palettes), func(name string) bool { return name == "slate" }) // which is for those who ask for it
		a.Look.Palette = names[int(h.Sum32())%len(names)]
	}
	if !slices.Contains([]string{"light", "dark", "auto"}, a.Look.Mode) {
		a.Look.Mode = "auto"
	}
	if a.Look.Layout != "side" && a.Look.Layout != "top" {
		a.Look.Layout = "top"
		if len(a.Kinds) > 3 {
			a.Look.Layout = "side"
		}
	}
}

func (a *app) completeFields(k *kind) {
	k.Fields = k.Fields[:min(len(k.Fields), maxFields)]
	if len(k.Fields) == 0 {
		k.Fields = []field{{Label: "Name", Type: "text", Required: true}}
	}
	used := map[string]bool{"id": true, "createdAt": true}
	for i := range k.Fields {
		f := &k.Fields[i]
		f.Label = cmp.Or(shorten(cleanLine(f.Label), 40), "Field")
		if !identifier.MatchString(f.Key) {
			f.Key = camel(f.Label)
		}
		f.Key = freeName(f.Key, nil, used)
		if e, ok := words().kinds[f.To]; ok && f.Type == "relation" && a.kind(f.To) == nil {
			f.To = e.Key
		}
		if f.Type == "relation" && (a.kind(f.To) == nil || f.To == k.Key) {
			f.Type, f.To = "text", ""
		}
		if f.Type == "choice" && len(f.Options) == 0 {
			f.Options = []string{"Open", "Done"}
		}
	}
	if k.View == "board" && k.ofType("choice") == nil || !slices.Contains([]string{"table", "cards", "board"}, k.View) {
		k.View = "cards"
	}
	if k.fieldOf(strings.TrimPrefix(k.Sort, "-")) == nil {
		k.Sort = ""
	}
	if k.fieldOf(k.Filter) == nil {
		k.Filter = ""
	}
	if k.Intro == "" {
		k.Intro = a.T("Everything about your {many} in one place.", "many", k.Many)
	}
}

var identifier = regexp.MustCompile(`^[a-z][A-Za-z0-9]{0,60}$`)

// reservedPages are the names of pages and modules that every app has.
var reservedPages = []string{"index", "dashboard", "model", "lib", "parts", "icon", "styles"}

// freeName returns name, or name with the first number that makes it neither reserved nor used, and marks it as used.
func freeName(name string, reserved []string, used map[string]bool) string {
	out := name
	for n := 2; used[out] || slices.Contains(reserved, out); n++ {
		out = fmt.Sprintf("%s%d", name, n)
	}
	used[out] = true
	return out
}

// What templates ask of an app.

func (a *app) ID() string       { return cmp.Or(a.id, slug(a.Name, "app")) }
func (a *app) Colors() colorSet { return colorSets()[a.Look.Palette] }

var colorSets = sync.OnceValue(func() map[string]colorSet {
	out := map[string]colorSet{}
	for name, p := range palettes {
		out[name] = p.colors()
	}
	return out
})

// Initial is the letter on the app's mark.
func (a *app) Initial() string {
	for _, r := range a.Name {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return string(unicode.ToUpper(r))
		}
	}
	return "A"
}

// madeWith says what the app is written in.
func (a *app) madeWith() string {
	if a.React {
		return "React, Tailwind CSS and TypeScript, built by Vite"
	}
	return "Plain TypeScript and CSS, no packages"
}

// packages are those that the app's sources import.
func (a *app) packages() []string {
	if a.React {
		return []string{"react", "react-dom", "tailwindcss"}
	}
	return []string{}
}

// overviewPath is the file that fills the start page.
func (a *app) overviewPath() string {
	start := a.Places()[0]
	switch {
	case a.React && start.Part != nil:
		return "src/pages/" + start.Part.PageName() + ".tsx"
	case a.React && start.Kind != nil:
		return "src/pages/" + start.Kind.PageName() + ".tsx"
	case a.React:
		return "src/pages/Overview.tsx"
	case start.Key != "":
		return "src/" + start.Key + ".ts"
	}
	return "src/dashboard.ts"
}

func (k kind) Heading() string { return capital(k.Many) }

// Var is the kind's name in the program. All keys are plural and lower case, so they meet no name of another sort but
// those listed.
func (k kind) Var() string {
	v := camel(k.Key)
	if slices.Contains(takenNames, v) {
		v += "List"
	}
	return v
}

func (k kind) TypeName() string {
	n := capital(camel(slug(k.One, singular(k.Key))))
	if slices.Contains(takenNames, n) || n == capital(k.Var()) {
		n += "Entry"
	}
	return n
}

// takenNames are what the modules that name kinds import or declare, and the words that TypeScript keeps for itself.
var takenNames = strings.Fields(`app kinds field defineKind Entry Kind entries money number sum today mountPage break case catch class const
	continue debugger default delete do else enum export extends false finally for function if implements import in instanceof interface let new
	parts calendar heatmap timer stopwatch dates arithmetic calculator converter quiz flashcards snake memory sudoku life blackjack hangman wordle dice reaction minesweeper mountPart
	null package private protected public return static super switch this throw true try typeof var void while with yield await async eval arguments
	any never unknown string boolean object symbol undefined Any Never Object String Number Boolean Symbol`)

// PageName is the component of the kind's page in an app with React. No other component's name ends like that.
func (k kind) PageName() string { return capital(camel(k.Key)) + "Page" }

// EmptyHint says how to begin where nothing is yet.
func (a *app) EmptyHint(k kind) string {
	f := k.ofType("relation")
	if f == nil {
		return a.T("The first one takes less than a minute.")
	}
	label := f.Label
	if a.Language == "en" {
		label = strings.ToLower(label)
	}
	return a.T("Each can point to one of your other entries: {label}.", "label", label)
}

// FilterField is the field that filters the kind's list, nil if there is none.
func (k kind) FilterField() *field {
	if f := k.fieldOf(k.Filter); f != nil {
		return f
	}
	return k.ofType("choice")
}

// SortedDown is the field by which the list is sorted with the highest first, nil if it is not.
func (k kind) SortedDown() *field {
	key, down := strings.CutPrefix(k.Sort, "-")
	if !down {
		return nil
	}
	return k.fieldOf(key)
}

// sortByDay puts first what is due next, or what was last, where the kind says that of its entries and nothing else is said.
func (a *app) sortByDay(k *kind) {
	if k.Sort != "" {
		return
	}
	for _, f := range k.Fields {
		switch label := a.untranslated(f.Label); {
		case f.Type != "date" || samplePast.MatchString(label):
		case sampleAhead.MatchString(label):
			k.Sort = f.Key
			return
		case a.isRecord(*k):
			k.Sort = "-" + f.Key
			return
		}
	}
}

// fieldOf is the field of this key, nil if there is none.
func (k kind) fieldOf(key string) *field {
	i := slices.IndexFunc(k.Fields, func(f field) bool { return f.Key == key })
	if i < 0 || key == "" {
		return nil
	}
	return &k.Fields[i]
}

// ofType is the kind's first field of a type, nil if there is none.
func (k kind) ofType(name string) *field {
	i := slices.IndexFunc(k.Fields, func(f field) bool { return f.Type == name })
	if i < 0 {
		return nil
	}
	return &k.Fields[i]
}

func (k kind) Sortable() []field {
	return slices.DeleteFunc(slices.Clone(k.Fields), func(f field) bool { return f.Type == "notes" || f.Type == "flag" || f.Type == "link" })
}

func (f field) ID() string { return "field-" + f.Key }

func (f field) InputType() string {
	switch f.Type {
	case "phone":
		return "tel"
	case "link":
		return "url"
	case "email", "date":
		return f.Type
	}
	return "text"
}

// Arguments are those of the function that makes the field in src/model.ts: JSON values with commas between.
func (f field) Arguments() string {
	args := []string{script(f.Label)}
	switch f.Type {
	case "choice":
		var o []string
		for _, s := range f.Options {
			o = append(o, script(s))
		}
		args = append(args, "["+strings.Join(o, ", ")+"]")
	case "relation":
		args = append(args, script(f.To))
	}
	if f.Required && f.Type != "flag" {
		args = append(args, `"required"`)
	}
	if len(f.Renamed) > 0 {
		if !f.Required {
			args = append(args, `"optional"`)
		}
		var names []string
		for _, was := range sortedKeys(f.Renamed) {
			names = append(names, script(was)+": "+script(f.Renamed[was]))
		}
		args = append(args, "{ "+strings.Join(names, ", ")+" }")
	}
	return strings.Join(args, ", ")
}

// Describe says in the README what the field holds.
func (f field) Describe() string {
	switch f.Type {
	case "choice":
		return "one of " + strings.Join(f.Options, ", ")
	case "relation":
		return "one of the " + f.To
	case "flag":
		return "yes or no"
	case "notes":
		return "longer text"
	}
	return f.Type
}

// stat is one number above a list: a label, and the TypeScript expression of its text.
type stat struct{ Label, Value string }

// stats are the numbers worth seeing of the kind, at most four. Labels of other languages count as their English.
func (a *app) stats(k kind) []stat {
	out := []stat{{capital(k.Many), "number(entries.length)"}}
	add := func(label, format string, args ...any) {
		if len(out) < 4 {
			out = append(out, stat{label, fmt.Sprintf(format, args...)})
		}
	}
	dated, overTime := false, k.hasDate()
	for _, f := range k.Fields {
		on, label := "entry."+f.Key, a.untranslated(f.Label)
		switch f.Type {
		case "date":
			if dated || unlikelyAhead.MatchString(label) {
				continue
			}
			dated = true
			month := on + ".startsWith(today().slice(0, 7))"
			switch f := k.ofType("money"); {
			case sampleAhead.MatchString(label) || slices.Contains(planVerbs, a.untranslated(k.Verb)):
				add(a.T("Coming up"), "number(entries.filter((entry) => %s >= today()).length)", on)
			case f != nil && a.isRecord(k):
				add(a.T("This month"), "money(sum(entries.filter((entry) => %s).map((entry) => entry.%s)))", month, f.Key)
			case a.isRecord(k) || plainDay.MatchString(label):
				add(a.T("This month"), "number(entries.filter((entry) => %s).length)", month)
			default:
				dated = false
			}
		case "money":
			add(a.T("{label} in total", "label", f.Label), "money(sum(entries.map((entry) => %s)))", on)
		case "number":
			if summable.MatchString(label) || overTime && spent.MatchString(label) {
				add(a.T("{label} in total", "label", f.Label), "number(sum(entries.map((entry) => %s)))", on)
			}
		case "flag":
			of := a.T("{shown} of {total}", "shown", "${number(entries.filter((entry) => %s).length)}", "total", "${number(entries.length)}")
			add(f.Label, "`"+of+"`", on)
		case "choice":
			if statusLabel.MatchString(label) && len(out) < 3 {
				o := f.Options[min(1, len(f.Options)-1)]
				if k.View == "board" {
					o = f.Options[len(f.Options)-1]
				}
				add(o, "number(entries.filter((entry) => %s === %s).length)", on, script(o))
			}
		}
	}
	if len(out) == 1 {
		return nil // the list says how many there are
	}
	return out
}

var (
	unlikelyAhead = regexp.MustCompile(`(?i)birthday|since|planted`)
	plainDay      = regexp.MustCompile(`(?i)^(?:date|day|when|on)$`)
	statusLabel   = regexp.MustCompile(`(?i)status|stage|state|answer`)
	summable      = regexp.MustCompile(`(?i)quantity|amount|litres|points|people|places|seats|number of`)
	spent         = regexp.MustCompile(`(?i)minutes|hours|distance`)
)

// Texts.

// cleanLine makes one line of s: no control characters, no marks that change the direction of what follows, single spaces.
// What looks like a key or a token is left out, since the text will be shown.
func cleanLine(s string) string {
	s = strings.ToValidUTF8(s, "")
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), r == '\u2028', r == '\u2029':
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r), r == utf8.RuneError, r == '\ufeff':
			return -1
		}
		return r
	}, s)
	fields := strings.Fields(s)
	fields = slices.DeleteFunc(fields, secretLike.MatchString)
	return strings.Join(fields, " ")
}

// shorten cuts s to at most n code points, at a word's end where there is one.
func shorten(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	cut := string(r[:n-1])
	if i := strings.LastIndexByte(cut, ' '); i > len(cut)/2 {
		cut = cut[:i]
	}
	return strings.TrimRight(cut, " ,;:-") + "…"
}

func capital(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	if n == 0 {
		return s
	}
	return string(unicode.ToUpper(r)) + s[n:]
}

// slug keeps the lower-case ASCII letters and digits of s, with hyphens between words; what keeps nothing becomes otherwise.
func slug(s, otherwise string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(fold(s)) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
		if b.Len() >= 40 {
			break
		}
	}
	out := strings.Trim(b.String(), "-")
	if out == "" || out[0] >= '0' && out[0] <= '9' {
		out = strings.TrimRight(otherwise+"-"+out, "-")
	}
	return out
}

// camel makes an identifier of a label or slug.
func camel(s string) string {
	parts := strings.Split(slug(s, "field"), "-")
	for i := range parts[1:] {
		parts[i+1] = capital(parts[i+1])
	}
	return strings.Join(parts, "")
}

// fold writes the commonest letters with marks without them.
func fold(s string) string { return folds.Replace(s) }

var folds = strings.NewReplacer("ä", "ae", "ö", "oe", "ü", "ue", "Ä", "Ae", "Ö", "Oe", "Ü", "Ue", "ß", "ss", "é", "e", "è", "e", "ê", "e", "á", "a", "à", "a",
	"â", "a", "ã", "a", "å", "a", "í", "i", "ì", "i", "ñ", "n", "ó", "o", "ò", "o", "ô", "o", "ø", "o", "ú", "u", "ù", "u", "ç", "c", "č", "c", "š", "s", "ž", "z", "ł", "l", "'", "", "’", "")

// script writes s as a string of TypeScript and JSON that stays one even within a page's script element.
func script(s string) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.Encode(s) // a string never fails
	return strings.ReplaceAll(strings.TrimSuffix(b.String(), "\n"), "<", `\u003c`)
}

// Colours.

// palette is a hue with what goes with it; the colours follow from it.
type palette struct {
	hue, chroma float64 // degrees; saturation of the accent, 0 to 1
	pop         float64 // hue of the second accent
	radius      string
	display     string // font family of headings
	frame       string // how the bar with the navigation stands out: plain, or solid in the accent's colour
}

const (
	serif   = `"Iowan Old Style", "Palatino Linotype", Palatino, "Liberation Serif", Georgia, serif`
	rounded = `ui-rounded, "SF Pro Rounded", "Nunito", "Segoe UI", system-ui, sans-serif`
	plain   = `var(--text)`
)

var palettes = map[string]palette{
	"ocean":    {208, .78, 28, "10px", plain, "solid"},
	"moss":     {138, .45, 38, "16px", rounded, "plain"},
	"amber":    {30, .80, 350, "14px", serif, "plain"},
	"berry":    {336, .62, 262, "8px", serif, "solid"},
	"plum":     {276, .42, 18, "6px", serif, "plain"},
	"teal":     {180, .65, 300, "14px", rounded, "plain"},
	"brick":    {10, .62, 205, "4px", plain, "solid"},
	"indigo":   {236, .58, 165, "10px", plain, "plain"},
	"slate":    {218, .24, 35, "6px", plain, "plain"},
	"olive":    {72, .48, 15, "8px", plain, "plain"},
	"rose":     {352, .68, 190, "20px", rounded, "plain"},
	"calm":     {196, .55, 150, "18px", rounded, "plain"},
	"felt":     {156, .55, 42, "8px", plain, "solid"},
	"lavender": {256, .40, 330, "22px", rounded, "plain"},
	"rust":     {20, .70, 210, "6px", plain, "solid"},
}

// colors are by purpose, as #rrggbb.
type colors struct {
	Page, Surface, Ink, Muted, Line, Edge, Accent, OnAccent, Soft, OnSoft, Pop, Danger, OnDanger, Bar, OnBar string
}

type colorSet struct {
	Light, Dark            colors
	Radius, Display, Frame string
}

func (p palette) colors() colorSet {
	tint := min(p.chroma, .5)
	light := colors{
		Page: hsl(p.hue, tint*.9, .968), Surface: "#ffffff", Ink: hsl(p.hue, tint*.5, .13), Muted: hsl(p.hue, tint*.22, .36),
		Line: hsl(p.hue, tint*.4, .895), Edge: hsl(p.hue, tint*.2, .55), OnAccent: "#ffffff",
		Soft: hsl(p.hue, tint*1.1, .925), Danger: "#b3261e", OnDanger: "#ffffff",
	}
	light.Accent = contrastWith(p.hue, p.chroma, .50, -.01, 4.9, light.Soft)
	light.OnSoft = contrastWith(p.hue, p.chroma, .34, -.01, 6, light.Soft)
	light.Pop = contrastWith(p.pop, .7, .6, -.01, 3.2, light.Surface)
	dark := colors{
		Page: hsl(p.hue, tint*.35, .075), Surface: hsl(p.hue, tint*.32, .115), Ink: hsl(p.hue, tint*.25, .94), Muted: hsl(p.hue, tint*.2, .70),
		Line: hsl(p.hue, tint*.28, .21), Edge: hsl(p.hue, tint*.2, .48), OnAccent: hsl(p.hue, tint*.6, .07),
		Soft: hsl(p.hue, tint*.7, .19), Danger: "#ff9d94", OnDanger: "#3b0603",
	}
	dark.Accent = contrastWith(p.hue, p.chroma, .58, .01, 5.4, dark.Soft)
	dark.OnSoft = contrastWith(p.hue, p.chroma, .75, .01, 7, dark.Soft)
	dark.Pop = contrastWith(p.pop, .6, .5, .01, 4, dark.Surface)
	// By night a bar in the accent's colour would shine.
	light.Bar, light.OnBar = light.Accent, light.OnAccent
	dark.Bar, dark.OnBar = dark.Soft, dark.OnSoft
	return colorSet{light, dark, p.radius, p.display, p.frame}
}

// contrastWith changes a colour's lightness until it stands out from the background by the ratio.
func contrastWith(hue, chroma, light, step, ratio float64, background string) string {
	c := hsl(hue, chroma, light)
	for light > 0 && light < 1 && contrast(c, background) < ratio {
		light += step
		c = hsl(hue, chroma, light)
	}
	return c
}

// hsl writes a colour of hue in degrees, saturation and lightness from 0 to 1 as #rrggbb.
func hsl(h, s, l float64) string {
	channel := func(n float64) int {
		k := math.Mod(n+h/30, 12)
		return int(math.Round(255 * (l - s*min(l, 1-l)*max(-1, min(k-3, 9-k, 1)))))
	}
	return fmt.Sprintf("#%02x%02x%02x", channel(0), channel(8), channel(4))
}

// contrast is the ratio of WCAG between two colours, 1 to 21.
func contrast(a, b string) float64 {
	x, y := luminance(a), luminance(b)
	return (max(x, y) + .05) / (min(x, y) + .05)
}

func luminance(c string) float64 {
	var rgb [3]int
	fmt.Sscanf(c, "#%02x%02x%02x", &rgb[0], &rgb[1], &rgb[2])
	sum := 0.0
	for i, weight := range []float64{.2126, .7152, .0722} {
		v := float64(rgb[i]) / 255
		if v <= .04045 {
			v /= 12.92
		} else {
			v = math.Pow((v+.055)/1.055, 2.4)
		}
		sum += weight * v
	}
	return sum
}
