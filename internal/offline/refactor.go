package offline

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"codeforge/internal/agent/form"
)

// Refactoring by rules. A rule changes what it can prove to mean the same, by the whole file, and leaves everything else as it is, in
// words; where a rule cannot read the code, nothing is changed at all.

const connectModel = "To have such changes made, give the server a key of a model provider (OPENAI_API_KEY, ANTHROPIC_API_KEY or GOOGLE_API_KEY), or the address of a compatible endpoint."

const canRefactor = "I can rename a variable or function, turn let and var into const, shorten functions into arrow functions, leave a function early in place of an if around all of it, name a text that is repeated, remove console.log, debugger, unused imports and variables, sort the names in imports, indent, write JSDoc comments, and make a custom property of a colour in CSS."

// selectedPart is a part of a file that a rule works on.
type selectedPart struct {
	path       string
	whole      string
	start, end int // of the selection
	src        *source
	names      map[string][]*binding
	at         map[string][]int // of uses
	unsure     map[string]bool
	declared   map[int]bool // tokens
	wish       string
	words      []string // of the wish that a rule took out of it
}

// edit replaces a part of the file.
type edit struct {
	from, to int
	text     string
}

// refactorRule does one kind of change. It returns its edits, what it did in a sentence, and what it left alone and why.
type refactorRule struct {
	asks  *regexp.Regexp
	css   bool
	apply func(p *selectedPart) (edits []edit, did string, left []string)
}

var refactorRules = []refactorRule{
	{regexp.MustCompile(`(?i)\b(?:rename|change the name of|benenne)\s+(?:the\s+|die\s+|den\s+)?(?:local\s+)?(?:variable|function|const|constant|class|parameter|component|import|hook|type|interface|argument|name|variable|funktion)?\s*["'\x60“]?([\p{L}$_][\p{L}\d$_]*)["'\x60”]?(?:\(\))?\s+(?:to|into|as|in|zu)\s+["'\x60“]?([\p{L}$_][\p{L}\d$_]*)["'\x60”]?`), false, (*selectedPart).rename},
	{regexp.MustCompile(`(?i)\b(?:use|convert|change|turn|make|replace|prefer)\s+(?:\S+\s+){0,6}(?:const|let)(?:$|[\s.,]+(?:instead|wherever|where|when|for|rather|if|everywhere|and|or|declarations?|variables?|with|by|to|into)\b)|\b(?:var|let)\s+(?:to|into|with|by)\s+(?:const|let)\b|\bno var\b`), false, (*selectedPart).constants},
	{regexp.MustCompile(`(?i)\b(?:remove|delete|drop|strip|clean up|get rid of)\b.*\b(?:console(?:\.\w+)?|logging|log statements?|logs|debugger|debug)\b`), false, (*selectedPart).silence},
	{regexp.MustCompile(`(?i)\b(?:remove|delete|drop|strip|clean up|get rid of)\b.*\b(?:unused|dead|unneeded|unnecessary)\b`), false, (*selectedPart).unused},
	{regexp.MustCompile(`(?i)\b(?:early returns?|return early|guard clauses?|(?:less|reduce|flatten)\b.*\bnest\w*)\b`), false, (*selectedPart).earlyReturn},
	{regexp.MustCompile(`(?i)\barrow functions?\b|\b(?:concise|implicit)\b.*\b(?:arrow|return|body|bodies)\b`), false, (*selectedPart).arrows},
	{regexp.MustCompile(`(?i)\b(?:extract|introduce|create|make|define|use|name)\b.*\b(?:constants?|magic (?:strings?|numbers?|values?)|repeated (?:strings?|texts?|literals?|values?))\b`), false, (*selectedPart).extract},
	{regexp.MustCompile(`(?i)\b(?:sort|order|organi[sz]e|alphabeti[sz]e)\b.*\bimports?\b`), false, (*selectedPart).sortImports},
	{regexp.MustCompile(`(?i)\b(?:jsdoc|docs?|documentation|doc comments?)\b.*|\b(?:add|write)\b.*\bcomments?\b|\bdocument\b`), false, (*selectedPart).document},
	{regexp.MustCompile(`(?i)\b(?:re-?)?indent\w*\b|^(?:please\s+)?(?:re-?format|format|beautify|tidy)(?:\s+(?:it|this|that|the|code|file|selection|lines?|properly|all|everything|up|nicely))*$|\btrailing white ?space\b`), false, (*selectedPart).indent},
	{regexp.MustCompile(`(?i)\b(?:custom propert(?:y|ies)|css variables?|css custom|variables?|tokens?)\b`), true, (*selectedPart).customProperty},
}

var (
	scriptPath = regexp.MustCompile(`(?i)\.(?:[cm]?[jt]s|[jt]sx)$`)
	typedPath  = regexp.MustCompile(`(?i)\.(?:[cm]?ts|tsx)$`)
	plainTyped = regexp.MustCompile(`(?i)\.[cm]?ts$`)
	wishParts  = regexp.MustCompile(`(?i)[.;\n]+(?:\s+|$)|(?:,?\s+(?:and|then|und)|,)\s+(?:and\s+|then\s+|also\s+)*(?:(rename|use|convert|change|turn|make|replace|remove|delete|drop|extract|introduce|sort|order|add|write|format|indent|reindent|document|strip|return|flatten)\b)`)
)

// refactoring changes a selection as far as rules can, and says what they cannot.
func (c *conversation) refactoring() form.Refactoring {
	code := c.selected
	var did, left, unknown []string
	for _, wish := range wishesOf(c.wish()) {
		p, why := c.part(code)
		if p == nil {
			return form.Refactoring{Code: c.selected, Explanation: fmt.Sprintf("Nothing was changed. I am the offline model, and %s. %s", why, connectModel)}
		}
		i := slices.IndexFunc(refactorRules, func(r refactorRule) bool { return r.css == (p.src == nil) && r.asks.MatchString(wish) })
		if i < 0 {
			unknown = append(unknown, shorten(wish, 120))
			continue
		}
		p.wish, p.words = wish, refactorRules[i].asks.FindStringSubmatch(wish)
		edits, done, not := refactorRules[i].apply(p)
		left = append(left, not...)
		if len(edits) > 0 {
			code = p.edited(edits)
			did = append(did, done)
		}
	}
	var says []string
	switch {
	case len(unknown) > 0 && len(did) == 0:
		says = append(says, fmt.Sprintf("Nothing was changed. I am the offline model, and I have no rule for “%s”.", strings.Join(unknown, "”, “")), connectModel, canRefactor)
	case len(unknown) > 0:
		says = append(says, fmt.Sprintf("I could do only a part: I am the offline model, and I have no rule for “%s”.", strings.Join(unknown, "”, “")), connectModel)
	case len(did) == 0:
		says = append(says, "Nothing was changed. I am the offline model, and change only what is sure to do the same afterwards.")
	}
	if code == c.selected && len(did) > 0 {
		says = append([]string{"Nothing was changed: it is so already."}, says...)
	}
	says = append(append(says, did...), left[:min(len(left), 8)]...)
	if more := len(left) - 8; more > 0 {
		says = append(says, fmt.Sprintf("%d more places were left as they are.", more))
	}
	return form.Refactoring{Code: code, Explanation: strings.Join(says, " ")}
}

// wishesOf are the orders of a wish.
func wishesOf(wish string) (out []string) {
	wish = wishParts.ReplaceAllString(cleanLine(wish), "\n$1")
	for w := range strings.SplitSeq(wish, "\n") {
		if w = strings.TrimSpace(w); w != "" && len(out) < 6 {
			out = append(out, w)
		}
	}
	if len(out) == 0 {
		out = []string{"nothing in particular"}
	}
	return out
}

// part finds the selection, as far as it was changed until now, in its file. why says what hinders.
func (c *conversation) part(code string) (p *selectedPart, why string) {
	context := section[struct {
		Path string `json:"file_path"`
		Line int    `json:"start_line"`
	}](c, form.SectionContext)
	p = &selectedPart{path: context.Path}
	before, there := c.files[p.path]
	if !there {
		return nil, "the file is too large for me to be shown whole"
	}
	script := scriptPath.MatchString(p.path)
	if !script && !strings.HasSuffix(p.path, ".css") {
		return nil, "I have no rule for files of this kind: I know JavaScript, TypeScript and CSS"
	}
	at := strings.Index(before, c.selected)
	if at < 0 || c.selected == "" {
		return nil, "what is selected is not in the file as it was shown to me"
	}
	for context.Line > 0 && 1+strings.Count(before[:at], "\n") < context.Line {
		next := strings.Index(before[at+1:], c.selected)
		if next < 0 {
			return nil, "what is selected is not in the line that was named"
		}
		at += 1 + next
	}
	if context.Line == 0 && strings.Contains(before[at+1:], c.selected) {
		return nil, "the same code stands in the file more than once"
	}
	p.whole = before[:at] + code + before[at+len(c.selected):]
	p.start, p.end = at, at+len(code)
	if !script {
		return p, ""
	}
	var err error
	if p.src, err = readSource(p.whole, !plainTyped.MatchString(p.path)); err != nil {
		return nil, "I cannot read this file without doubt: something in it can mean two things, or does not parse"
	}
	for i, t := range p.src.toks {
		if t.kind == tokIdent && (t.text == "eval" || t.text == "with" && p.src.tok(i+1).text == "(") && !p.src.isProperty(i) {
			return nil, fmt.Sprintf("line %d uses %s, by which any name may mean something else", p.src.lineOf(i), t.text)
		}
	}
	return p, ""
}

// edited is the selection with edits made.
func (p *selectedPart) edited(edits []edit) string {
	slices.SortFunc(edits, func(a, b edit) int { return cmp.Or(a.from-b.from, a.to-b.to) })
	var b strings.Builder
	at := p.start
	for _, e := range edits {
		if e.from < at || e.to > p.end {
			continue // rules keep to the selection
		}
		b.WriteString(p.whole[at:e.from])
		b.WriteString(e.text)
		at = e.to
	}
	b.WriteString(p.whole[at:p.end])
	return b.String()
}

// selects reports whether tokens lie in the selection, whole.
func (p *selectedPart) selects(from, to int) bool {
	return p.src.toks[from].at >= p.start && p.src.toks[to].end() <= p.end
}

// bindings are the declarations of the file, nil where they are not sure.
func (p *selectedPart) bindings() map[string][]*binding {
	if p.names == nil {
		if names, sure := p.src.bindings(); sure {
			p.names = names
		} else {
			p.names = map[string][]*binding{}
		}
		p.declared = map[int]bool{}
		for _, all := range p.names {
			for _, b := range all {
				p.declared[b.tok] = true
			}
		}
	}
	return p.names
}

// uses are the tokens at which a name is a variable; sure is false where it may be something else at one of them.
func (p *selectedPart) uses(name string) (at []int, sure bool) {
	if p.at == nil {
		p.at, p.unsure = map[string][]int{}, map[string]bool{}
		for i, t := range p.src.toks {
			if t.kind == tokIdent {
				role := p.src.roleOf(i)
				if role != roleKey {
					p.at[t.text] = append(p.at[t.text], i)
				}
				p.unsure[t.text] = p.unsure[t.text] || role == roleUnsure
			}
		}
	}
	return p.at[name], !p.unsure[name]
}

func (p *selectedPart) rename() ([]edit, string, []string) {
	from, to := p.words[1], p.words[2]
	refuse := func(why string, args ...any) ([]edit, string, []string) {
		return nil, "", []string{fmt.Sprintf("`%s` was not renamed: ", from) + fmt.Sprintf(why, args...) + "."}
	}
	uses, sure := p.uses(from)
	taken, _ := p.uses(to)
	declared := p.bindings()[from]
	switch {
	case from == to:
		return refuse("that is its name")
	case !isName(to) || strings.HasPrefix(to, "#"):
		return refuse("`%s` cannot be the name of a variable", to)
	case !isName(from) || len(uses) == 0:
		return refuse("the file has no variable or function of this name")
	case len(taken) > 0:
		return refuse("`%s` is used in line %d already", to, p.src.lineOf(taken[0]))
	case len(declared) == 0:
		return refuse("I do not find where the file declares it, so it may be somebody else's")
	case !sure:
		return refuse("in line %d the name may mean something else", p.src.lineOf(uses[slices.IndexFunc(uses, func(i int) bool { return p.src.roleOf(i) == roleUnsure })]))
	case from == "React" && p.src.jsx:
		return refuse("elements of JSX may need it by this name")
	}
	for _, d := range declared {
		if d.exported {
			return refuse("it is exported, and other files may use it by its name")
		}
		if p.src.toks[d.tok].in < 0 && d.how != "import" && d.how != "parameter" && !strings.HasSuffix(d.how, "value") && !p.src.isModule() {
			return refuse("the file is no module, so that other scripts of the page may use it")
		}
	}
	var edits []edit
	for _, i := range uses {
		t := p.src.toks[i]
		role := p.src.roleOf(i)
		bound := slices.ContainsFunc(declared, func(d *binding) bool { return i >= d.from && i <= d.to })
		prev := p.src.tok(i - 1).text
		switch {
		case role == roleExported:
			return refuse("line %d exports it, and other files may use it by its name", p.src.lineOf(i))
		case !bound:
			return refuse("in line %d it may be another one", p.src.lineOf(i))
		case t.at < p.start || t.end() > p.end:
			return refuse("line %d, outside of the selection, uses it too; select all of the file, or as much as it is used in", p.src.lineOf(i))
		case (prev == "<" || prev == "</") && p.src.jsx && isComponent(from) != isComponent(to):
			return refuse("an element of JSX is a component only while its name begins with a capital letter")
		}
		text := to
		switch role {
		case roleShorthand:
			text = from + ": " + to
		case roleImported:
			text = from + " as " + to
		}
		edits = append(edits, edit{t.at, t.end(), text})
	}
	did := fmt.Sprintf("`%s` is now `%s`, in all %d places in which the file means it; keys of objects and texts keep the name.", from, to, len(edits))
	if len(edits) == 1 {
		did = fmt.Sprintf("`%s` is now `%s`; nothing else in the file uses it.", from, to)
	}
	return edits, did, p.mentions(from)
}

func isComponent(name string) bool { return name != "" && (name[0] < 'a' || name[0] > 'z') }

// mentions are the comments and texts that a name stands in.
func (p *selectedPart) mentions(name string) (left []string) {
	word := regexp.MustCompile(`(?:^|[^\pL\d$_])` + regexp.QuoteMeta(name) + `(?:[^\pL\d$_]|$)`)
	told := map[int]bool{}
	tell := func(at int, what string) {
		line := 1 + strings.Count(p.whole[:at], "\n")
		if !told[line] && len(told) < 3 {
			told[line] = true
			left = append(left, fmt.Sprintf("Line %d speaks of `%s` in %s, which was left.", line, name, what))
		}
	}
	for _, c := range p.src.comments {
		if word.MatchString(p.whole[c[0]:c[1]]) {
			tell(c[0], "a comment")
		}
	}
	for _, t := range p.src.toks {
		if (t.kind == tokString || t.kind == tokTemplate) && word.MatchString(t.text) {
			tell(t.at, "a text")
		}
	}
	return left
}

// assigned reports whether a variable may get another value than its first.
func (p *selectedPart) assigned(name string) bool {
	uses, _ := p.uses(name)
	for _, i := range uses {
		if p.isDeclared(i) {
			continue
		}
		next, prev := p.src.tok(i+1), p.src.tok(i-1)
		if isAssignment(next.text) || next.text == "++" || next.text == "--" || prev.text == "++" || prev.text == "--" {
			return true
		}
		if next.kind == tokIdent && (next.text == "of" || next.text == "in") && prev.text == "(" {
			return true
		}
		for in := p.src.toks[i].in; in >= 0; in = p.src.toks[in].in { // [name] = ..., ({ name } = ...), (name) = ...
			after := p.src.tok(p.src.toks[in].match + 1)
			if p.src.toks[in].kind == tokPunct && (isAssignment(after.text) || after.kind == tokIdent && (after.text == "of" || after.text == "in")) {
				return true
			}
		}
	}
	return false
}

// isDeclared reports whether a token is where its name is declared.
func (p *selectedPart) isDeclared(i int) bool {
	p.bindings()
	return p.declared[i]
}

func isAssignment(op string) bool {
	return op == "=" || strings.HasSuffix(op, "=") && !slices.Contains([]string{"==", "===", "!=", "!==", "<=", ">=", "=>"}, op)
}

// maxDeclarations bounds how many declarations of a selection are looked at.
const maxDeclarations = 300

func (p *selectedPart) constants() ([]edit, string, []string) {
	var edits []edit
	var left []string
	looked, made := 0, map[string]int{}
	p.bindings()
	for i, t := range p.src.toks {
		if t.kind != tokIdent || t.text != "let" && t.text != "var" || !p.selects(i, i) || p.src.isProperty(i) {
			continue
		}
		d, ok := p.src.declaration(i)
		if !ok || d == nil || len(d.names) == 0 {
			continue
		}
		if looked++; looked > maxDeclarations {
			left = append(left, fmt.Sprintf("I looked at %d declarations; select less for the rest.", maxDeclarations))
			break
		}
		to, why := p.constant(i, d)
		name := p.src.toks[d.names[0]].text
		switch {
		case why != "":
			left = append(left, fmt.Sprintf("Line %d: `%s %s` stays, since %s.", p.src.lineOf(i), t.text, name, why))
		case to != t.text:
			edits = append(edits, edit{t.at, t.end(), to})
			made[to]++
		}
	}
	if len(edits)+len(left) == 0 && (looked == 0 || len(p.names) == 0) {
		left = append(left, "The selection has no let or var that I can be sure of.")
	}
	var parts []string
	for _, to := range []string{"const", "let"} {
		if made[to] > 0 {
			parts = append(parts, fmt.Sprintf("%d became %s", made[to], to))
		}
	}
	return edits, "Of the declarations " + joinAnd(parts) + ": nothing is assigned to a const later, and each let is used only after its line and within its block.", left
}

// constant tells what a declaration of let or var can be; why says what forbids to change it.
func (p *selectedPart) constant(i int, d *declaration) (to, why string) {
	s := p.src
	to = "const"
	if !d.whole && !d.iterates {
		to = "let"
	}
	for _, n := range d.names {
		if name := s.toks[n].text; to == "const" && p.assigned(name) {
			to = "let"
		}
	}
	if s.toks[i].text == "let" {
		if to == "let" {
			return to, ""
		}
		if s.isExported(i) && d.inits == 0 {
			return "let", ""
		}
		return to, ""
	}
	if s.toks[i].in < 0 && !s.isModule() {
		return "", "the file is no module, and other scripts may use it as a property of window"
	}
	from, end := s.frameOf(i)
	if d.inLoop {
		body := s.toks[s.toks[i].in].match + 1
		if s.tok(body).text != "{" {
			return "", "the body of its loop has no braces"
		}
		from, end = s.toks[i].in, s.toks[body].match
	} else if _, kind := s.around(i); kind != braceBlock || !s.beginsStatement(i) && s.tok(i-1).text != "export" {
		return "", "it stands where it is not always reached"
	}
	for _, n := range d.names {
		if why := p.hoisted(s.toks[n].text, i, from, end, d); why != "" {
			return "", why
		}
	}
	return to, ""
}

// hoisted says what of the uses of a var depends on its being one.
func (p *selectedPart) hoisted(name string, i, from, end int, d *declaration) string {
	s := p.src
	uses, sure := p.uses(name)
	if !sure {
		return fmt.Sprintf("`%s` may mean something else somewhere", name)
	}
	if own := slices.DeleteFunc(slices.Clone(p.names[name]), func(b *binding) bool { return b.how == "parameter" && b.from > i }); len(own) != 1 {
		return fmt.Sprintf("`%s` is declared more than once", name)
	}
	loops := p.inLoop(i)
	for _, u := range uses {
		nested := s.function(u) != s.function(i)
		switch {
		case u < i || u > end || u < from:
			return fmt.Sprintf("`%s` is used in line %d, before it or outside of its block", name, s.lineOf(u))
		case (loops || d.inLoop) && (nested || !d.whole && !d.iterates):
			return fmt.Sprintf("`%s` is shared by all rounds of a loop", name)
		case nested && from == 0 && s.toks[i].in < 0 && p.importsFiles():
			return fmt.Sprintf("a function uses `%s`, and a file that is imported may call it before this line", name)
		case nested && (d.calls || p.runsBefore(from, i)):
			return fmt.Sprintf("a function uses `%s` that may run before this line", name)
		}
	}
	return ""
}

// function is the brace or arrow of the function, or class, in which a token stands, -1 for the file.
func (s *source) function(i int) int {
	for at := i; ; {
		for k := at - 1; k >= 0 && k > s.toks[at].in; k-- {
			if m := s.toks[k].match; m >= 0 && m < k && s.toks[k].in == s.toks[at].in {
				k = m
			} else if s.toks[k].in == s.toks[at].in && s.toks[k].text == "=>" && s.tok(k+1).text != "{" && s.bodyEnd(k) >= at {
				return k
			}
		}
		in := s.toks[at].in
		if in < 0 {
			return -1
		}
		if t := s.toks[in]; t.text == "{" && (t.brace == braceClass || t.brace == braceBlock && s.isFunctionBody(in)) {
			return in
		}
		at = in
	}
}

// isFunctionBody reports whether a brace of statements begins the body of a function.
func (s *source) isFunctionBody(open int) bool {
	prev := s.tok(open - 1)
	if prev.text == "=>" {
		return true
	}
	if prev.text != ")" {
		// A statement's block follows else, do, try, finally, ; or a brace; anything else is the type that a function returns.
		return open > 0 && !slices.Contains([]string{"else", "do", "try", "finally", "catch", ";", "{", "}", ":"}, prev.text)
	}
	return !s.isHead(prev.match) && s.tok(prev.match-1).text != "catch"
}

// inLoop reports whether a token is in the body of a loop of its function.
func (p *selectedPart) inLoop(i int) bool {
	s := p.src
	for in := s.toks[i].in; in >= 0; in = s.toks[in].in {
		t := s.toks[in]
		if t.text != "{" || t.brace != braceBlock {
			continue
		}
		if s.isFunctionBody(in) {
			return false
		}
		prev := s.tok(in - 1)
		if prev.text == "do" || prev.text == ")" && prev.match > 0 && (s.toks[prev.match-1].text == "for" || s.toks[prev.match-1].text == "while" || s.toks[prev.match-1].text == "await") || prev.text == ":" {
			return true
		}
	}
	return false
}

// runsBefore reports whether code of the same block that stands before a token may call something.
func (p *selectedPart) runsBefore(from, i int) bool {
	s := p.src
	k := from
	if k > 0 || s.toks[k].text == "{" {
		k++
	}
	for k < i {
		t := s.toks[k]
		if t.kind == tokIdent && t.text == "function" && s.beginsDeclaration(k) { // only declares
			for k < i && s.toks[k].text != "{" {
				k = s.skip(k)
			}
			k = s.skip(k)
			continue
		}
		if t.kind == tokIdent && t.text == "import" && s.beginsStatement(k) {
			for k < i && s.toks[k].kind != tokString {
				k++
			}
			k++
			continue
		}
		if t.text == "(" || t.kind == tokTemplate || t.text == "new" || t.text == "<" && t.match >= 0 || t.text == "await" || t.text == "@" || t.text == "." || t.text == "?." || t.text == "[" || t.text == "..." {
			return true
		}
		k++
	}
	return false
}

// importsFiles reports whether the file imports others of the project, which may import it in turn.
func (p *selectedPart) importsFiles() bool {
	for i, t := range p.src.toks {
		if t.kind == tokString && p.src.tok(i-1).kind == tokIdent && (p.src.tok(i-1).text == "from" || p.src.tok(i-1).text == "import") && !packageName.MatchString(t.text) {
			return true
		}
	}
	return false
}

// packageName tells the names of npm packages from paths and aliases.
var packageName = regexp.MustCompile("^[\"'](?:react|react-dom|vue|svelte|node:\\w+)(?:/[\\w-]+)?[\"']$")
