package offline

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// listRules change what an app keeps and how it shows that. The first whose form fits and that finds what it names applies.
var listRules = []struct {
	form  *regexp.Regexp
	apply func(a *app, said []string) bool
}{
	{regexp.MustCompile(`(?i)\b(?:rename|change|call)\s+(?:the\s+)?(.+?)(?:\s+(?:in|of|on|for|from)\s+(?:the\s+)?([\pL -]+?))?\s+(?:to|into|as)\s+["“'«]?([^"”'»,]{2,40}?)["”'»]?(?:\s+(?:in|of|on|for)\s+(?:the\s+)?([\pL -]+))?$`), (*app).renameNamed},
	{regexp.MustCompile(`(?i)^(?:please\s+)?call\s+(?:the\s+)?([\pL -]+?)\s+["“'«]?([\pL][\pL -]{1,38}?)["”'»]?$`), func(a *app, m []string) bool { return a.renameNamed([]string{m[0], "", m[1], ""}) }},
	{regexp.MustCompile(`(?i)\b(?:make|mark|set)\s+(?:the\s+)?(.+?)(?:\s+(?:in|of|on|for)\s+(?:the\s+)?([\pL -]+?))?\s+(?:as\s+|to\s+be\s+|be\s+)?(?:an?\s+)?(required|mandatory|compulsory|needed|optional|not required)(?:\s+field)?(?:\s+(?:in|of|on|for)\s+(?:the\s+)?([\pL -]+))?$`),
		func(a *app, m []string) bool { return a.require(m[0], m[1]+m[3], m[2]) }},
	{regexp.MustCompile(`(?i)^(?:the\s+)?(.+?)(?:\s+(?:in|of|on|for)\s+(?:the\s+)?([\pL -]+?))?\s+(?:should|must|has to|needs to)\s+be\s+(required|mandatory|filled in|optional)$`),
		func(a *app, m []string) bool { return a.require(m[0], m[1], m[2]) }},
	{regexp.MustCompile(`(?i)\brequire\s+(?:an?\s+|the\s+)?(.+?)(?:\s+(?:in|of|on|for)\s+(?:the\s+|every\s+|each\s+)?([\pL -]+))?$`), func(a *app, m []string) bool { return a.require(m[0], m[1], "required") }},
	{regexp.MustCompile(`(?i)^(?:please\s+|can you\s+|could you\s+)*(?:hide|don'?t show|do not show|stop showing|conceal)\s+(?:me\s+)?(?:the\s+)?([\pL -]+?)(?:\s+(?:in|of|on|from|for)\s+(?:the\s+)?([\pL -]+?))?(?:\s+(?:please|anymore|any more))?$`), (*app).hide},
	{regexp.MustCompile(`(?i)^(?:please\s+|can you\s+|could you\s+)*add\s+an?\s+(checkbox|tick box|toggle|(?:date|number|text|link|money|email|phone)\s+field)(?:\s+(?:called|named|for|labell?ed))?\s+["“'«]?([\pL][\pL -]{1,38}?)["”'»]?(?:\s+(?:to|on|in)\s+(?:the\s+)?([\pL -]+))?$`), (*app).addTyped},
	{regexp.MustCompile(`(?i)\b(?:mark|tick|check|set)\s+(?:off\s+)?(?:the\s+|my\s+|an?\s+|each\s+)?([\pL-]+)(?:\s+(?:off|as)(?:\s+(done|finished|complete|completed|bought|paid|read|packed|returned|seen|watched|sent|favou?rites?))?)?$`), (*app).addFlag},
	{regexp.MustCompile(`(?i)\b(?:sort|order)\s+(?:the\s+|my\s+|all\s+)?(?:(?:list\s+of\s+)?([\pL -]+?)\s+)?(?:list\s+)?by\s+(?:the\s+)?([\pL -]+?)(?:\s*,?\s*\(?((?:newest|latest|highest|largest|biggest|most recent)(?:\s+first)?|descending|desc|downwards|(?:oldest|lowest|cheapest|smallest|earliest|soonest) first|ascending|alphabetically)\)?)?(?:\s+by default)?$`), (*app).sortBy},
	{regexp.MustCompile(`(?i)\bfilter(?:\s+for|ing)?\s+(?:the\s+|my\s+)?(?:([\pL -]+?)\s+)?(?:list\s+)?(?:by|on)\s+(?:the\s+|their\s+)?([\pL -]+)$`), (*app).filterBy},
	{regexp.MustCompile(`(?i)\b(?:add|give|include)\s+(?:me\s+)?(?:an?\s+)?()filter\s+(?:for|by|on)\s+(?:the\s+)?([\pL -]+?)$`), (*app).filterBy},
	{regexp.MustCompile(`(?i)\b(?:export|download|save)\b(?:\s+(?:the\s+|my\s+|all\s+)?([\pL -]+?))?(?:\s+(?:list|entries|data))?\s+(?:as|to|in)\s+(?:an?\s+)?(?:csv|excel|spreadsheets?|tables?)\b`), (*app).exportTables},
	{regexp.MustCompile(`(?i)\b(?:csv|excel|spreadsheet)\s+(?:export|download|button)\b(?:\s+(?:for|of|to)\s+(?:the\s+|my\s+)?([\pL -]+))?`), (*app).exportTables},
	{regexp.MustCompile(`(?i)\b(?:show|display|view|turn|make|change)\s+(?:the\s+|my\s+|all\s+)?([\pL -]+?)\s+(?:as|in|into|to)\s+(?:an?\s+)?(tables?|cards?|boards?|kanban(?:\s+board)?|lists?|columns|grid)(?:\s+view)?$`), (*app).showAs},
	{regexp.MustCompile(`(?i)\b(?:add|include)\s+(?:the\s+|an?\s+)?(?:option|choice|value|status|stage|column|category)?s?\s*["“'«]([^"”'»]{1,40})["”'»]\s+(?:to|as an? option (?:of|for|in)|for|in)\s+(?:the\s+)?([\pL -]+?)(?:\s+(?:of|in|for|on)\s+(?:the\s+)?([\pL -]+))?$`), (*app).addOption},
	{regexp.MustCompile(`(?i)\badd\s+(?:the\s+|an?\s+)?(?:option|choice|value)\s+([\pL][\pL -]{0,38}?)\s+(?:to|for|in)\s+(?:the\s+)?([\pL -]+?)(?:\s+(?:of|in|for|on)\s+(?:the\s+)?([\pL -]+))?$`), (*app).addOption},
	{regexp.MustCompile(`(?i)\b(?:use|show|switch to|change (?:the )?currency to|prices? in|in)\s+(?:the\s+)?(euros?|€|EUR|dollars?|USD|\$|pounds?|GBP|£|yen|JPY|francs?|CHF|rupees?|INR)\b`), (*app).setCurrency},
	{regexp.MustCompile(`(?i)\b(?:link|relate|attach|connect)\s+(?:the\s+|each\s+|my\s+)?([\pL-]+)\s+(?:to|with)\s+(?:the\s+|an?\s+|their\s+|its\s+)?([\pL-]+)$`), (*app).linkKinds},
	{regexp.MustCompile(`(?i)\b(?:put|move|show|list)\s+(?:the\s+)?([\pL -]+?)(?:\s+page)?\s+(?:first|to the (?:top|front|start)|at the (?:top|front|start))$`), (*app).putFirst},
	{regexp.MustCompile(`(?i)\b(?:make|turn|change)\s+(?:the\s+)?([\pL -]+?)(?:\s+(?:of|in|on|for)\s+(?:the\s+)?([\pL -]+?))?\s+(?:into\s+|to\s+|be\s+)?(?:an?\s+)(number|date|text|link|checkbox|yes/no|money|amount|email|phone number|long text|notes)(?:\s+field)?$`), (*app).retype},
}

// target is the kind that a text names, or, where it names none, the first that has such a field.
func (a *app) target(named, label string) *kind {
	named = strings.TrimSpace(pageWord.ReplaceAllString(named, " "))
	if named != "" {
		return a.findKind(named)
	}
	for i := range a.Kinds {
		if a.Kinds[i].named(label) != nil {
			return &a.Kinds[i]
		}
	}
	return nil
}

// targetField is the field that people call so, of the target, which it returns too; nil where there is none.
func (a *app) targetField(named, label string) (*kind, *field) {
	k := a.target(named, label)
	if k == nil {
		return nil, nil
	}
	return k, k.named(label)
}

// named is the kind's field that people call so.
func (k *kind) named(label string) *field {
	label = strings.ToLower(strings.TrimSpace(quotes.Replace(trimArticle(fieldWord.ReplaceAllString(label, " ")))))
	for _, same := range []func(string) bool{
		func(have string) bool { return have == label || camel(have) == camel(label) },
		func(have string) bool { return singular(have) == singular(label) || synonymous(have, label) },
		func(have string) bool { return label != "" && strings.HasPrefix(have, label+" ") },
		func(have string) bool {
			first, isDate := strings.CutSuffix(label, " date") // "join date"
			return label == have+" number" || label == have+" address" || label == have+" date" || isDate && have == participle(first)+" on"
		},
	} {
		for i := range k.Fields {
			if same(strings.ToLower(k.Fields[i].Label)) {
				return &k.Fields[i]
			}
		}
	}
	return nil
}

// renameNamed gives a field or a kind another name. Keys stay, and so does what was entered.
func (a *app) renameNamed(m []string) bool {
	if typeName.MatchString(strings.TrimSpace(m[2])) {
		return false // it is to be another sort of field
	}
	if a.renameOption(m) {
		return true
	}
	what, in, to := strings.TrimSpace(quotes.Replace(m[0])), m[1]+m[3], cleanLine(m[2])
	bare := strings.TrimSpace(pageWord.ReplaceAllString(what, " "))
	k := a.findKind(bare)
	if in != "" || k == nil || fieldWord.MatchString(what) && !pageWord.MatchString(what) {
		k = a.target(in, what)
		if k == nil {
			return in == "" && a.hasLabel(to)
		}
		if f := k.named(what); f != nil {
			f.Label = capital(to)
			return true
		}
		return k.named(to) != nil
	}
	was := k.One
	if a.Language == "en" {
		t := strings.Fields(strings.ToLower(to))
		last := len(t) - 1
		t[last] = singular(t[last])
		k.One = strings.Join(t, " ")
		t[last] = plural(t[last])
		k.Many = strings.Join(t, " ")
	} else {
		k.One, k.Many = numbers(a.Language, to)
	}
	for i := range a.Kinds { // relations that are called as the kind was
		for j := range a.Kinds[i].Fields {
			if f := &a.Kinds[i].Fields[j]; f.Type == "relation" && f.To == k.Key && (strings.EqualFold(f.Label, bare) || strings.EqualFold(f.Label, was)) {
				f.Label = capital(k.One)
			}
		}
	}
	k.Intro = ""
	return true
}

// renameOption gives an option of a choice another name, also in the entries that have it. A name that a kind or a field has means that.
func (a *app) renameOption(m []string) bool {
	was, in, to := strings.TrimSpace(quotes.Replace(optionWord.ReplaceAllString(m[0], " "))), m[1]+m[3], capital(shorten(cleanLine(quotes.Replace(m[2])), 40))
	if was == "" || to == "" || a.findKind(was) != nil && !optionWord.MatchString(m[0]) || slices.ContainsFunc(a.Kinds, func(k kind) bool { return k.named(was) != nil && !optionWord.MatchString(m[0]) }) {
		return false
	}
	for i := range a.Kinds {
		k := &a.Kinds[i]
		for j := range k.Fields {
			f := &k.Fields[j]
			name := was
			if label := strings.ToLower(f.Label) + " "; f.Type == "choice" && strings.HasPrefix(strings.ToLower(was), label) { // "status Done"
				name = strings.TrimSpace(was[len(label):])
			}
			at := slices.IndexFunc(f.Options, func(o string) bool { return strings.EqualFold(o, name) })
			if in != "" && a.findKind(in) != k && k.named(in) != f && !strings.EqualFold(in, "board") {
				continue
			}
			if at < 0 {
				if f.Renamed[was] == to || f.Renamed[capital(was)] == to {
					return true // is called so already
				}
				continue
			}
			if slices.Contains(f.Options, to) {
				return false // two options would be one
			}
			renamed := maps.Clone(f.Renamed)
			if renamed == nil {
				renamed = map[string]string{}
			}
			for old, now := range renamed {
				if now == f.Options[at] {
					renamed[old] = to
				}
			}
			renamed[f.Options[at]] = to
			delete(renamed, to)
			f.Options, f.Renamed = slices.Clone(f.Options), renamed
			f.Options[at] = to
			return true
		}
	}
	return false
}

var typeName = regexp.MustCompile(`(?i)^an?\s+(?:number|date|text|link|checkbox|yes/no|money|amount|email|phone number|long text|notes)(?:\s+field)?$`)

// addTyped adds a field of the sort that is named: "a checkbox favourite".
func (a *app) addTyped(m []string) bool {
	types := map[string]string{"checkbox": "flag", "tick box": "flag", "toggle": "flag", "date": "date", "number": "number", "text": "text", "link": "link", "money": "money", "email": "email", "phone": "phone"}
	if len(a.Kinds) == 0 {
		return false
	}
	k := &a.Kinds[0]
	if m[2] != "" {
		if k = a.kindOf(m[2]); k == nil {
			return false
		}
	}
	sort := strings.ToLower(m[0])
	if i := strings.LastIndex(sort, " field"); i > 0 {
		sort = sort[:i]
	}
	k.addField(cleanLine(m[1]), types[sort], nil)
	return true
}

var optionWord = regexp.MustCompile(`(?i)\s*\b(?:options?|choices?|columns?|stages?|states?|values?|lanes?)\b\s*`)

// hide takes a field from forms and lists. What entries hold in it stays, and is there again when the field is.
func (a *app) hide(m []string) bool {
	k, f := a.targetField(m[1], m[0])
	if f == nil || len(k.Fields) < 2 || !strings.EqualFold(f.Label, strings.TrimSpace(quotes.Replace(trimArticle(fieldWord.ReplaceAllString(m[0], " "))))) && !fieldWord.MatchString(m[0]) {
		return false
	}
	key := f.Key
	k.Fields = slices.DeleteFunc(k.Fields, func(f field) bool { return f.Key == key })
	if k.Sort == key || k.Sort == "-"+key {
		k.Sort = ""
	}
	if k.Filter == key {
		k.Filter = ""
	}
	return true
}

// hasLabel reports whether a kind or a field is called so already.
func (a *app) hasLabel(name string) bool {
	return a.findKind(name) != nil || slices.ContainsFunc(a.Kinds, func(k kind) bool { return k.named(name) != nil })
}

func (a *app) require(what, in, how string) bool {
	_, f := a.targetField(in, what)
	if f == nil || f.Type == "flag" {
		return false
	}
	f.Required = how != "optional" && how != "not required"
	return true
}

// addFlag lets entries be marked: as done, where nothing else is said.
func (a *app) addFlag(m []string) bool {
	k := a.findKind(m[0])
	if k == nil && slices.Contains([]string{"entries", "items", "things", "them", "it"}, strings.ToLower(m[0])) {
		k = &a.Kinds[0]
	}
	if k == nil {
		return false
	}
	label := "Done"
	if m[1] != "" {
		label = capital(strings.ToLower(m[1]))
	}
	if strings.HasPrefix(label, "Complete") || label == "Finished" {
		label = "Done"
	}
	if i := slices.IndexFunc(k.Fields, func(f field) bool {
		return f.Type == "choice" && statusLabel.MatchString(a.untranslated(f.Label)) && slices.ContainsFunc(f.Options, func(o string) bool { return strings.EqualFold(o, a.word(label)) })
	}); i >= 0 {
		return true // its status says so already
	}
	k.addField(a.word(label), "flag", nil)
	return true
}

func (a *app) sortBy(m []string) bool {
	if slices.Contains([]string{"it", "this", "that", "them"}, strings.ToLower(strings.TrimSpace(m[1]))) && a.said != "" {
		m = []string{m[0], a.said, m[2]} // what was spoken of last
	}
	k, f := a.targetField(m[0], m[1])
	if f == nil || f.Type == "notes" || f.Type == "flag" || f.Type == "link" {
		return false
	}
	key := cmp.Or(f.Key, camel(f.Label)) // a new field gets that key
	k.Sort = key
	if down := strings.ToLower(m[2]); down != "" && !slices.Contains([]string{"oldest first", "lowest first", "cheapest first", "smallest first", "earliest first", "soonest first", "ascending", "alphabetically"}, down) {
		k.Sort = "-" + key
	}
	return true
}

func (a *app) filterBy(m []string) bool {
	k, f := a.targetField(m[0], m[1])
	if name, of, ok := strings.Cut(m[1], " of "); k == nil && m[0] == "" && ok {
		if k = a.findKind(of); k != nil {
			f = k.named(name)
		}
	}
	if f == nil || f.Type == "notes" {
		return false
	}
	k.Filter = f.Key
	if choice := k.ofType("choice"); choice != nil && choice.Key == f.Key {
		k.Filter = "" // it is what the list is filtered by anyway
	}
	return true
}

func (a *app) exportTables(m []string) bool {
	k := a.findKind(m[0])
	if len(a.Kinds) == 0 || k == nil && m[0] != "" && !slices.Contains([]string{"data", "everything", "all", "it", "them", "entries", "lists", "list", "all lists", "all data"}, strings.ToLower(strings.TrimSpace(m[0]))) {
		return false
	}
	for i := range a.Kinds {
		if k == nil || a.Kinds[i].Key == k.Key {
			a.Kinds[i].CSV = true
		}
	}
	return true
}

func (a *app) showAs(m []string) bool {
	k := a.findKind(strings.TrimSpace(pageWord.ReplaceAllString(m[0], " ")))
	if k == nil {
		return false
	}
	switch view := singular(strings.ToLower(m[1])); {
	case view == "table" || view == "list":
		k.View = "table"
	case view == "card" || view == "grid":
		k.View = "cards"
	case k.ofType("choice") == nil:
		k.addField(a.word("Status"), "choice", []string{a.word("To do"), a.word("In progress"), a.word("Done")})
		k.View = "board"
	default:
		k.View = "board"
	}
	return true
}

func (a *app) addOption(m []string) bool {
	_, f := a.targetField(m[2], m[1])
	if i := slices.IndexFunc(a.Kinds, func(k kind) bool { return k.View == "board" }); f == nil && i >= 0 && strings.EqualFold(m[1], "board") {
		f = a.Kinds[i].ofType("choice") // its columns
	}
	option := capital(shorten(cleanLine(m[0]), 40))
	if f == nil || f.Type != "choice" || option == "" {
		return false
	}
	if !slices.ContainsFunc(f.Options, func(o string) bool { return strings.EqualFold(o, option) }) && len(f.Options) < 12 {
		f.Options = append(slices.Clone(f.Options), option)
	}
	return true
}

func (a *app) setCurrency(m []string) bool {
	word := strings.ToLower(m[0])
	for _, c := range []struct{ form, code string }{{"eur", "EUR"}, {"€", "EUR"}, {"dollar", "USD"}, {"usd", "USD"}, {"$", "USD"}, {"pound", "GBP"}, {"gbp", "GBP"}, {"£", "GBP"}, {"yen", "JPY"}, {"jpy", "JPY"}, {"franc", "CHF"}, {"chf", "CHF"}, {"rupee", "INR"}, {"inr", "INR"}} {
		if strings.HasPrefix(word, c.form) {
			a.Currency = c.code
			return true
		}
	}
	return false
}

// linkKinds lets one kind point to another; "them" are those that were added last.
func (a *app) linkKinds(m []string) bool {
	k, to := a.findKind(m[0]), a.findKind(m[1])
	if to == nil && strings.EqualFold(m[1], "them") && len(a.Kinds) > 0 {
		to = &a.Kinds[len(a.Kinds)-1]
	}
	if k == nil || to == nil || k.Key == to.Key {
		return false
	}
	k.pointTo(to)
	return true
}

func (a *app) putFirst(m []string) bool {
	k := a.findKind(strings.TrimSpace(pageWord.ReplaceAllString(m[0], " ")))
	if k == nil {
		return false
	}
	i := slices.IndexFunc(a.Kinds, func(o kind) bool { return o.Key == k.Key })
	first := a.Kinds[i]
	a.Kinds = slices.Insert(slices.Delete(a.Kinds, i, i+1), 0, first)
	return true
}

// retype makes a field another sort of field. What was entered and does not fit is shown as empty.
func (a *app) retype(m []string) bool {
	_, f := a.targetField(m[1], m[0])
	types := map[string]string{"number": "number", "date": "date", "text": "text", "link": "link", "checkbox": "flag", "yes/no": "flag", "money": "money", "amount": "money", "email": "email", "phone number": "phone", "long text": "notes", "notes": "notes"}
	typ := types[strings.ToLower(m[2])]
	if f == nil || typ == "" {
		return false
	}
	f.Type, f.Options, f.To = typ, nil, ""
	return true
}

// addParts adds what a sentence asks the app to do besides: a calendar, a timer, a heat map.
func (a *app) addParts(s string) bool {
	if !addIt.MatchString(s) && !strings.Contains(strings.ToLower(s), "with a") {
		return false
	}
	understood := false
	for _, p := range partsOf(s) {
		understood = true
		if p.Kind == boardPart && len(a.Kinds) > 0 {
			a.showAs([]string{a.Kinds[0].Many, "board"})
		}
		if !slices.ContainsFunc(a.Parts, func(o part) bool { return o.Kind == p.Kind && o.Of == p.Of }) {
			p.Topic, p.leads = "", false
			a.Parts = append(a.Parts, p)
		}
	}
	return understood
}

var (
	languageCue = regexp.MustCompile(`(?i)\b(?:translate|make|switch|change|convert|set|show|use|put|put it|it|app|interface|language|sprache|everything)\b[^.]*?\b(?:in|into|to|auf|en)?\s*(german|deutsch|spanish|español|espanol|castellano|french|français|francais|english|englisch|italian|portuguese|dutch|polish|turkish|swedish|russian|chinese|japanese|korean|arabic|hebrew|hindi|greek|ukrainian|danish|norwegian|finnish|czech)\b(?:[^\pL]|$)`)
	languageOrd = map[string]string{"german": "de", "deutsch": "de", "spanish": "es", "español": "es", "espanol": "es", "castellano": "es", "french": "fr", "français": "fr", "francais": "fr", "english": "en", "englisch": "en"}
	contentCue  = regexp.MustCompile(`(?i)\b(?:add|page|field|verbs?|words?|vocabulary|cards?|recipes?|lessons?|courses?)\b`)
)

// speak puts the interface into the language that a sentence asks for. said is false where it asks for none, understood where
// there is no catalogue of it.
func (a *app) speak(s string) (understood, said bool) {
	m := languageCue.FindStringSubmatch(s)
	if m == nil || contentCue.MatchString(s) {
		return false, false
	}
	to, ok := languageOrd[strings.ToLower(m[1])]
	if !ok {
		return false, true
	}
	from := *a
	a.Language = to
	say := func(text string) string { return a.word(from.untranslated(text)) }
	tagline := from.Tagline
	if tagline == taglineOf(&from) {
		tagline = ""
	}
	for i := range a.Kinds {
		k := &a.Kinds[i]
		k.One, k.Many, k.Intro = say(k.One), say(k.Many), ""
		if from.Language == "en" {
			k.Verb = a.word("Add")
		} else {
			k.Verb = say(k.Verb)
		}
		for j := range k.Fields {
			k.Fields[j].Label = say(k.Fields[j].Label) // options stay: entries hold them
		}
	}
	for i := range a.Parts {
		if p := &a.Parts[i]; p.Title == from.partTitle(*p) {
			p.Title = "" // the page is called anew
		}
	}
	if a.Tagline = tagline; tagline == "" {
		a.Tagline = taglineOf(a)
	}
	return true, true
}
