package offline

import (
	"regexp"
	"slices"
	"strings"
)

// change applies an instruction to an app: kinds and fields added and removed, another name, another look. An
// instruction that describes an app instead adds what it speaks of. Applying it again changes nothing more. Orders that
// no rule understands become wishes.
func (a *app) change(instruction string) {
	var others []string
	understood := false
	for _, sentence := range sentences(instruction) {
		switch wish := shorten(cleanLine(sentence), 200); {
		case a.applySentence(sentence):
			understood = true
		case imperative.MatchString(sentence):
			a.Wishes = append(a.Wishes, wish)
		case !polite.MatchString(sentence):
			others = append(others, wish)
		}
	}
	if !understood && len(a.Wishes) == 0 { // what says nothing that is understood is no order that was followed
		a.Wishes = others
	}
	a.Wishes = a.Wishes[:min(len(a.Wishes), 10)]
	a.completeRelations()
}

// polite sentences ask for nothing.
var polite = regexp.MustCompile(`(?i)^(?:thanks?|thank you|great|nice|good|perfect|ok(?:ay)?|cool|hello|hi|hey|please|danke|gracias|merci)\b[^,]{0,40}$`)

// imperative tells an order from a description.
var imperative = regexp.MustCompile(`(?i)^(?:please\s+|now\s+|also\s+|can you\s+|could you\s+)*(?:add|remove|delete|drop|make|change|use|show|hide|rename|let|allow|enable|support|put|move|sort|fix|replace|turn|set|give|include|connect|send|export|import|translate|convert|migrate|port|rewrite|switch|group|highlight|mark|link|calculate|count|display|print|share|merge|split|copy|remind|limit|resize|enlarge|animate)\b`)

var (
	sentenceEnd = regexp.MustCompile(`[.!?;]+(?:\s+|$)|\n+`)
	joined      = regexp.MustCompile(`(?i)\s*(?:,|,?\s+(?:and|then))\s+(?:also\s+|then\s+)?(add|remove|delete|drop|rename|call|use|make|switch|change|sort|link)\b`)
)

func sentences(text string) []string {
	if len(text) > maxRead {
		text = strings.ToValidUTF8(text[:maxRead], "")
	}
	text = joined.ReplaceAllString(text, ". $1")
	text = bothNeeded.ReplaceAllString(text, "$1 $2. $3 should be $4")
	var out []string
	for _, s := range sentenceEnd.Split(text, -1) {
		if s = cleanLine(s); s != "" {
			out = append(out, s)
		}
	}
	return out[:min(len(out), 40)]
}

var (
	bothNeeded = regexp.MustCompile(`(?i)(.+\bshould be)\s+(required|mandatory|optional)\s+and\s+(.+?)(?:\s+should be)?\s+(required|mandatory|optional)$`)
	pageWith   = regexp.MustCompile(`(?i)\b(?:add|create|make)\s+(?:me\s+)?(?:an?\s+)?(?:new\s+)?(?:(?:page|list|section|tab|screen)\s+(?:for|of)\s+(?:the\s+|my\s+)?([\pL -]+?)|([\pL -]+?)\s+(?:page|list|section|tab|screen))\s+with\s+(?:fields?\s+(?:for\s+)?|columns?\s+(?:for\s+)?)?([^.]*)$`)
	kindWith   = regexp.MustCompile(`(?i)^(?:please\s+|can you\s+|could you\s+)*(?:add|create|include)\s+(?:the\s+|my\s+|some\s+)?((?:[\pL-]+\s){0,2})([\pL-]+)\s+with\s+(?:their\s+|an?\s+)?([^.]*)$`)
	makeColour = regexp.MustCompile(`(?i)\b(?:make|turn|paint)\s+(?:it|the app|everything|this)\s+(?:a\s+)?(blue|green|red|purple|pink|orange|brown|teal|grey|gray|yellow)\b`)
	bareField  = regexp.MustCompile(`(?i)^(?:please\s+|now\s+|also\s+|can you\s+|could you\s+)*(?:add|include)\s+(?:an?|the)\s+(?:(?:field|column)\s+(?:for|called|named)\s+(?:the\s+)?)?([\pL "“”'-]+?)(?:\s+(?:field|column))?(?:\s+(?:so|because|from|between)\s.*)?$`)
	withList   = regexp.MustCompile(`(?i)\s+with\s+((?:[^,]+,\s*)+[^,]+)$`)
	mendAll    = regexp.MustCompile(`(?i)^(?:please\s+)?(?:fix|repair|mend|correct)\s+(?:it|this|that|all|everything|the\s+(?:app|project|build|code|errors?|issues?|findings))(?:\s+(?:again|please|now))?$`)
	renameApp  = regexp.MustCompile(`(?i)\b(?:(?:re)?name|call)\s+(?:(?:the\s+)?(?:app|project|it|this)\s+)(?:to\s+|as\s+)?["“'«]?([^"”'»]{2,60}?)["”'»]?$|\b(?:change|set|make)\s+(?:the\s+)?(?:app'?s?\s+)?(?:title|name|heading)(?:\s+of\s+(?:the\s+)?(?:app|it))?\s+(?:to|be|into)\s+["“'«]?([^"”'»]{2,60}?)["”'»]?$`)
	removeIt   = regexp.MustCompile(`(?i)\b(?:remove|delete|drop|get rid of|take out)\s+(?:the\s+|all\s+)?(.+?)(?:\s+(?:from|of|in|on)\s+(?:the\s+|all\s+|every\s+|each\s+)?(.+?))?$`)
	addTo      = regexp.MustCompile(`(?i)\b(?:add|include|put|give|store|track|record|show|note|log|enter|save)\s+(.+?)\s+(?:to|for|on|in|of)\s+(?:the\s+|all\s+|every\s+|each\s+|my\s+|our\s+)?([\pL-]+(?:\s[\pL-]+)?)(?:\s+(?:page|form|list|screen|entry|entries))?$`)
	giveIt     = regexp.MustCompile(`(?i)^(?:give|let)\s+(?:the\s+|all\s+|every\s+|each\s+|my\s+|our\s+)?([\pL-]+)\s+(?:have\s+)?(.+)$`)
	shouldBe   = regexp.MustCompile(`(?i)^(?:the\s+|all\s+|every\s+|each\s+|my\s+|our\s+|an?\s+)?([\pL-]+)\s+(?:should|need|needs|must|have to|has to|could)\s+(?:also\s+)?(?:have|get|show|hold)?\s*(.+)$`)
	addIt      = regexp.MustCompile(`(?i)\b(?:add|create|build|include|make|i need|we need|i want|also track|track|manage|also)\s+(.+)$`)
	pageWord   = regexp.MustCompile(`(?i)\s*\b(?:pages?|sections?|screens?|lists?|tabs?|areas?|modules?|entit(?:y|ies)|features?|too|as well|instead|please)\b\s*`)
	fieldWord  = regexp.MustCompile(`(?i)\s*\b(?:fields?|columns?|inputs?|propert(?:y|ies)|attributes?|too|as well|please)\b\s*`)
	pagesFor   = regexp.MustCompile(`(?i)^(?:an?\s+|new\s+|some\s+)?(?:pages?|lists?|sections?|tabs?)\s+(?:for|of|about|with)\s+(?:the\s+|my\s+|our\s+)?`)
	fieldFor   = regexp.MustCompile(`(?i)^\s*(?:for|named|called|of)\s+(?:an?\s+|the\s+|their\s+)?`)
	bracketed  = regexp.MustCompile(`\(([^()]*)\)|:\s*([^:]+,[^:]+)$`)
	quotes     = strings.NewReplacer(`"`, "", "“", "", "”", "", "'", "", "`", "")
)

// applySentence does what one sentence says, and reports whether it understood any of it.
func (a *app) applySentence(s string) bool {
	s = strings.TrimSpace(s)
	if mendAll.MatchString(s) {
		return true // what diagnostics and findings name is mended without being asked
	}
	if asked, said := restacks(s); said {
		if asked && !a.React && !a.mayHavePackages {
			return false
		}
		a.React = asked
		return true
	}
	if understood, said := a.speak(s); said {
		return understood
	}
	if m := renameApp.FindStringSubmatch(s); m != nil {
		a.id = a.ID() // what was entered stays where it is
		a.Name = titleCase(cleanLine(m[1] + m[2]))
		return true
	}
	for _, rule := range listRules {
		if m := rule.form.FindStringSubmatch(s); m != nil && rule.apply(a, m[1:]) {
			return true
		}
	}
	if forbidding.MatchString(s) {
		return false
	}
	restyled := a.Look.restyle(makeColour.ReplaceAllString(s, "use a $1 theme"))
	if m := removeIt.FindStringSubmatch(s); m != nil {
		return a.removeNamed(m[1], m[2]) || restyled
	}
	var options []string
	bare := s
	if m := bracketed.FindStringSubmatch(s); m != nil {
		bare = strings.TrimSpace(strings.Replace(s, m[0], " ", 1))
		for o := range strings.SplitSeq(m[1]+m[2], ",") {
			if o = capital(shorten(cleanLine(quotes.Replace(o)), 40)); o != "" && len(options) < 8 {
				options = append(options, o)
			}
		}
	}
	if m := addTo.FindStringSubmatch(bare); m != nil {
		if k := a.kindOf(m[2]); k != nil {
			return a.addFieldsTo(k, m[1], options) || restyled
		}
	}
	for _, form := range []*regexp.Regexp{giveIt, shouldBe} {
		if m := form.FindStringSubmatch(bare); m != nil {
			if k := a.kindOf(m[1]); k != nil {
				return a.addFieldsTo(k, m[2], options) || restyled
			}
		}
	}
	if m := pageWith.FindStringSubmatch(bare); m != nil && len(partsOf(s)) == 0 {
		return a.addKindWith(m[1]+m[2], m[3])
	}
	if m := kindWith.FindStringSubmatch(bare); m != nil && len(partsOf(s)) == 0 && isPlural(m[2]) && !english().is("feature", m[2]) {
		return a.addKindWith(m[1]+m[2], m[3])
	}
	if restyled || a.addParts(s) || a.addBareField(bare, options) {
		return true
	}
	if len(lacksOf(s)) > 0 || imperative.MatchString(s) && !addIt.MatchString(s) {
		return false
	}
	if m := addIt.FindStringSubmatch(bare); m != nil && a.addKinds(m[1]) {
		return true
	}
	found := false
	r := readIdea(s)
	for _, t := range slices.Concat(r.records, r.parts) {
		if r.knownRecord(t) {
			found = a.addThing(t) != nil || found
		}
	}
	return found
}

var (
	reactItem = regexp.MustCompile(`(?i)\breact(?:\.?js)?\b`)
	reactCue  = regexp.MustCompile(`\bReact\b|\bREACT\b|(?i)\breact\.?js\b|\b(?:in|with|using|use|uses|be|mit|en|avec|con)\s+react\b|\breact\s+(?:app|project|components?|and|\+|with)\b|\btsx\b`)
	notReact  = regexp.MustCompile(`(?i)\breact(?:s|ing)?\s+(?:to|when|if|quickly|fast|native)\b|\b(?:without|no|not|instead of|drop|remove|rather than)\s+(?:any\s+|use\s+|using\s+)?react\b`)
	restackIt = regexp.MustCompile(`(?i)\b(?:convert|migrate|port|rewrite|rebuild|switch|turn|move|change|make|use|build|write|do|redo|want|should be|as)\b`)
	plainCue  = regexp.MustCompile(`(?i)\b(?:without|no|drop|remove|get rid of)\s+(?:any\s+|the\s+|npm\s+)?(?:react|packages|npm)\b|\b(?:plain|vanilla)\s+(?:html|css|typescript|javascript|js|ts)\b`)
)

// asksForReact reports whether a text asks for React, and not for something that reacts.
func asksForReact(text string) bool { return reactCue.MatchString(notReact.ReplaceAllString(text, "")) }

// restacks reports whether a sentence says what the app should be made with, and whether that is React.
func restacks(s string) (react, said bool) {
	if plainCue.MatchString(s) {
		return false, true
	}
	react = asksForReact(s) && restackIt.MatchString(s)
	return react, react
}

// addKindWith adds a kind with the fields that are named.
func (a *app) addKindWith(name, fields string) bool {
	k := a.addNamed(strings.ToLower(strings.TrimSpace(name)))
	if k == nil {
		return false
	}
	understood := k.addFields(fields, nil)
	a.dropGuesses()
	return understood
}

// forbidding sentences order that something be not: what no rule took away is not added.
var forbidding = regexp.MustCompile(`(?i)^(?:please\s+)?(?:don'?t|do not|never|stop|hide|conceal)\b`)

// kindOf is the kind that people call so; cards and entries are those of the first.
func (a *app) kindOf(name string) *kind {
	if k := a.findKind(name); k != nil || len(a.Kinds) == 0 {
		return k
	}
	if slices.Contains([]string{"card", "cards", "entry", "entries", "item", "items", "row", "rows"}, strings.ToLower(name)) {
		return &a.Kinds[0]
	}
	return nil
}

// addBareField adds a field that is named without saying of what: one of the first kind.
func (a *app) addBareField(s string, options []string) bool {
	if m := withList.FindStringSubmatch(s); m != nil && len(options) == 0 {
		s = strings.TrimSuffix(s, m[0])
		for o := range strings.SplitSeq(andWord.ReplaceAllString(m[1], ","), ",") {
			if o = capital(shorten(cleanLine(quotes.Replace(o)), 40)); o != "" && len(options) < 8 {
				options = append(options, o)
			}
		}
	}
	m := bareField.FindStringSubmatch(s)
	if m == nil || len(a.Kinds) == 0 || len(strings.Fields(m[1])) > 3 {
		return false
	}
	named := thing{words: wordsOf(strings.ToLower(quotes.Replace(m[1])))}
	if len(named.words) == 0 || !fieldWord.MatchString(s) && len(options) < 2 && !named.isAttribute() {
		return false
	}
	return a.addFieldsTo(&a.Kinds[0], m[1], options)
}

// addFieldsTo adds fields to a kind, and remembers the last of them.
func (a *app) addFieldsTo(k *kind, text string, options []string) bool {
	if !k.addFields(text, options) {
		return false
	}
	parts := andWord.Split(text, -1)
	a.said = fieldFor.ReplaceAllString(trimArticle(fieldWord.ReplaceAllString(parts[len(parts)-1], " ")), "")
	return true
}

// removePart takes away what an app does besides, unless it does nothing else.
func (a *app) removePart(what string) bool {
	for _, p := range partsOf(what) {
		i := slices.IndexFunc(a.Parts, func(o part) bool { return o.Kind == p.Kind && o.Of == p.Of && o.paged() })
		if i >= 0 && (len(a.Kinds) > 0 || len(a.Parts) > 1) {
			a.Parts = slices.Delete(a.Parts, i, i+1)
			return true
		}
	}
	return false
}

func (a *app) removeNamed(what, from string) bool {
	what = strings.TrimSpace(quotes.Replace(what))
	if a.removePart(what) {
		return true
	}
	if k := a.findKind(fieldWord.ReplaceAllString(from, " ")); k != nil {
		key := camel(strings.TrimSpace(fieldWord.ReplaceAllString(what, " ")))
		n := len(k.Fields)
		if n > 1 {
			k.Fields = slices.DeleteFunc(k.Fields, func(f field) bool { return f.Key == key || camel(f.Label) == key })
		}
		return true
	}
	k := a.findKind(strings.TrimSpace(pageWord.ReplaceAllString(what, " ")))
	if from == "" && (k == nil || fieldWord.MatchString(what) && !pageWord.MatchString(what)) {
		if k := a.target("", what); k != nil && len(k.Fields) > 1 {
			key := k.named(what).Key
			k.Fields = slices.DeleteFunc(k.Fields, func(f field) bool { return f.Key == key })
			return true
		}
		if fieldWord.MatchString(what) {
			return true // gone already
		}
	}
	if k == nil || len(a.Kinds) == 1 {
		// Gone already, or the last: either way nothing is left to do, but a name that means nothing is not understood.
		return k == nil && words().lookup(strings.TrimSpace(strings.ToLower(pageWord.ReplaceAllString(what, " ")))) != nil
	}
	key := k.Key
	a.Kinds = slices.DeleteFunc(a.Kinds, func(k kind) bool { return k.Key == key })
	return true
}

// addFields adds the fields that a text such as "a due date and a priority" names; options are those of a choice among them.
func (k *kind) addFields(text string, options []string) bool {
	understood := false
	for part := range strings.SplitSeq(andWord.ReplaceAllString(text, ","), ",") {
		label := strings.TrimSpace(quotes.Replace(trimArticle(fieldFor.ReplaceAllString(trimArticle(fieldWord.ReplaceAllString(part, " ")), ""))))
		if label == "" || len(strings.Fields(label)) > 4 {
			continue
		}
		if k.holds(label) && len(options) == 0 {
			understood = true
			continue // under another name
		}
		typ, likely := typeOf(label)
		if len(options) > 1 && (typ == "choice" || typ == "text") {
			typ, likely = "choice", options
		}
		k.addField(label, typ, likely)
		understood = true
	}
	return understood
}

// holds reports whether a field says the same under a name that means the same: "due", of which a "due date" is asked.
func (k *kind) holds(label string) bool {
	label = strings.ToLower(label)
	return slices.ContainsFunc(k.Fields, func(f field) bool {
		have := strings.ToLower(f.Label)
		return label == have+" date" && f.Type == "date" || label == have+" number" && (f.Type == "phone" || f.Type == "number") || label == have+" address" && f.Type == "email"
	})
}

// addKinds adds the kinds that a text such as "a notes page and invoices" names.
func (a *app) addKinds(text string) bool {
	understood := false
	pages := pagesFor.FindString(text)
	for part := range strings.SplitSeq(andWord.ReplaceAllString(strings.TrimPrefix(text, pages), ","), ",") {
		paged := pages != "" || pageWord.MatchString(part)
		name := strings.TrimSpace(quotes.Replace(trimArticle(strings.TrimSpace(pageWord.ReplaceAllString(part, " ")))))
		name, _, _ = strings.Cut(name, " for ")
		name, _, _ = strings.Cut(name, " with ")
		name, _, _ = strings.Cut(name, " of ")
		name = strings.ToLower(strings.TrimSpace(name))
		if name == "" || len(strings.Fields(name)) > 3 || english().is("feature", name) {
			continue
		}
		known := words().lookup(name) != nil
		if known || paged || isLatin(name) && singular(name) != name {
			understood = a.addNamed(name) != nil || understood
		}
	}
	return understood
}
