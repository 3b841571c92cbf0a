package offline

import (
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"codeforge/internal/agent/form"
	"codeforge/internal/llm"
	"codeforge/internal/merge"
)

// toolCall is a tool call to be made.
type toolCall struct {
	name string
	args map[string]any
}

// arguments fits the arguments to what the tool takes.
func (k toolCall) arguments(t *llm.Tool) json.RawMessage {
	return fitDocument(t.Parameters, encode(k.args))
}

// coder decides the next turn of the code agent. It keeps nothing between turns: the conversation tells how far it is.
type coder struct {
	*conversation
	say  map[string]bool
	base string // folder of the app: "" or, beside files of another origin, "app/"

	asked    map[string]bool // files whose reading was asked for
	failed   map[string]int  // writes that were refused, by path
	done     map[string]bool // paths written or deleted in this conversation
	initial  map[string]string
	diags    []form.Diagnostic // of the newest check or finish, errors only
	checked  bool              // a check came back after the last change
	finishes int               // that came back with diagnostics, or were refused
	closed   bool              // a finish was accepted
}

func newCoder(c *conversation, say map[string]bool) *coder {
	k := &coder{conversation: c, say: say, asked: map[string]bool{}, failed: map[string]int{}, done: map[string]bool{}}
	// What was there before this conversation: shown files, and those read before they were written.
	k.initial = maps.Clone(c.files)
	for i, t := range c.turns {
		if i == c.before {
			k.beginRound()
		}
		k.applyPastCall(t)
	}
	if c.before == len(c.turns) {
		k.beginRound()
	}
	return k
}

// beginRound makes what was done so far what was there before.
func (k *coder) beginRound() {
	for path := range k.done {
		delete(k.paths, path)
		if _, there := k.files[path]; there {
			k.paths[path] = true
		}
	}
	k.initial = maps.Clone(k.files)
	k.asked, k.failed, k.done = map[string]bool{}, map[string]int{}, map[string]bool{}
	k.diags, k.checked, k.finishes, k.closed = nil, false, 0, false
}

// applyPastCall takes one past call into account.
func (k *coder) applyPastCall(t turn) {
	var args struct {
		Path    string
		Content string
		Edits   []form.Edit
	}
	json.Unmarshal(t.call.Arguments, &args) // what does not decode was no use of ours
	ok := t.result != nil && !t.result.IsError
	switch t.call.Name {
	case form.ToolReadFile:
		k.asked[args.Path] = true
		if ok && !k.done[args.Path] {
			k.initial[args.Path] = fileText(t.result.Content)
			k.files[args.Path] = k.initial[args.Path]
		}
	case form.ToolWriteFile, form.ToolEditFile, form.ToolDeleteFile:
		if !ok {
			k.failed[args.Path]++
			return
		}
		k.done[args.Path], k.checked = true, false
		switch t.call.Name {
		case form.ToolWriteFile:
			k.files[args.Path] = args.Content
		case form.ToolEditFile:
			for _, e := range args.Edits {
				k.files[args.Path] = strings.Replace(k.files[args.Path], e.Old, e.New, 1)
			}
		default:
			delete(k.files, args.Path)
		}
	case form.ToolCheck, form.ToolFinish:
		k.checked = true
		var clean bool
		clean, k.diags = readVerdict(t.result)
		if t.call.Name == form.ToolFinish {
			k.closed = clean
			if !clean {
				k.finishes++
			}
		}
	}
}

// readVerdict reads the result of a check: whether all is well, and the errors if it names them.
func readVerdict(r *llm.ToolResult) (bool, []form.Diagnostic) {
	if r == nil {
		return false, nil
	}
	var v struct {
		OK          *bool             `json:"ok"`
		Diagnostics []form.Diagnostic `json:"diagnostics"`
	}
	if json.Unmarshal([]byte(r.Content), &v) != nil {
		return !r.IsError, nil
	}
	errs := slices.DeleteFunc(v.Diagnostics, func(d form.Diagnostic) bool { return d.Severity != "" && d.Severity != "error" })
	if v.OK != nil {
		return *v.OK && !r.IsError, errs
	}
	return !r.IsError && len(errs) == 0, errs
}

// fileText takes the text of a file out of what reading it returned: numbered lines, or, from a toolbox of another, the text as it is or
// within JSON.
func fileText(s string) string {
	var v struct{ Content *string }
	if json.Unmarshal([]byte(s), &v) == nil && v.Content != nil {
		return *v.Content
	}
	if text, whole := form.ReadNumbered(s); whole {
		return text
	}
	return s
}

const (
	filesPerTurn = 3
	bytesPerTurn = 24_000
	maxReads     = 12 // and deletions, in one turn
)

// nextTurn is the coder's next turn: a sentence, and calls. No calls means that there is nothing left to do.
func (k *coder) nextTurn() (string, []toolCall) {
	if k.closed {
		return "The work is finished.", nil
	}
	p := k.plan()
	if calls := k.filesToRead(p); len(calls) > 0 {
		return "I read what is there before I change it.", calls
	}
	if calls := k.writes(p); len(calls) > 0 {
		return k.leadIn(p, calls), calls
	}
	if k.hasTool(form.ToolCheck) && !k.checked {
		return "Everything is written. I check that it parses and fits together.", []toolCall{{form.ToolCheck, map[string]any{}}}
	}
	if calls := k.repairs(p); len(calls) > 0 {
		return "The check found something. I repair it.", calls
	}
	if !k.hasTool(form.ToolFinish) || k.finishes >= 3 {
		return "I cannot do more here: " + p.summary(k), nil
	}
	text := "The check is clean. I finish."
	if len(k.diags) > 0 {
		text = "I cannot repair what the check found, and say so."
	}
	explanations := map[string]string{}
	for path := range k.done {
		if _, there := k.files[path]; there {
			explanations[path] = p.app.explain(path)
		}
	}
	args := map[string]any{"summary": p.summary(k), "dependencies": p.app.packages(), "explanations": explanations}
	if len(k.findings()) > 0 {
		args["findings"] = k.replies()
	}
	if p.remade {
		args["confirm"] = p.losses()
	}
	return text, []toolCall{{form.ToolFinish, args}}
}

// losses say of each file that another way of making the app takes away or makes short that this is meant.
func (p plan) losses() []form.Confirmation {
	out := []form.Confirmation{}
	for _, name := range slices.Concat(p.remove, order(sortedKeys(p.write))) {
		out = append(out, form.Confirmation{Path: name, Reason: "The app is made anew, with what was asked for; what this file held stands elsewhere or is not needed."})
	}
	return out
}

// replies say of each finding what became of it: what is in a file that was changed counts as mended.
func (k *coder) replies() []form.FindingReply {
	out := []form.FindingReply{}
	for _, f := range k.findings() {
		r := form.FindingReply{ID: f.ID, Status: form.Fixed, Reason: "Mended by rule."}
		if !k.done[f.FilePath] {
			r.Status, r.Reason = form.Declined, "The offline model mends by rules, and none of them fits."
		}
		out = append(out, r)
	}
	return out
}

// filesToRead asks for the files that must be known: the model of an app of ours, those of it that change, since people may have edited
// them, and those with findings.
func (k *coder) filesToRead(p plan) []toolCall {
	var want []string
	for _, name := range []string{modelPath, "app/" + modelPath} {
		if k.paths[name] {
			want = append(want, name)
			break
		}
	}
	if !p.fresh && !p.remade {
		for _, name := range sortedKeys(p.write) {
			if _, known := k.initial[name]; !known && k.paths[name] && len(want) < maxReads {
				want = append(want, name)
			}
		}
	}
	for _, name := range k.faultyFiles() {
		if k.paths[name] && !slices.Contains(want, name) && len(want) < maxReads {
			want = append(want, name)
		}
	}
	var out []toolCall
	for _, name := range want {
		if _, known := k.initial[name]; !known && !k.asked[name] && !k.done[name] && k.hasTool(form.ToolReadFile) {
			out = append(out, toolCall{form.ToolReadFile, map[string]any{"path": name}})
		}
	}
	return out
}

// plan is what the project should become. It depends on what was there before, never on how far the work is.
type plan struct {
	app      *app
	fresh    bool              // there was no app of ours before
	write    map[string]string // by path, with the base
	remove   []string
	repairs  int      // files mended by rule because of findings
	replaced []string // files in which lines of people gave way to a change
	kept     []string // files in which lines of people stay where a change would have written others
	remade   bool     // the same app is now made with something else
}

func (k *coder) plan() plan {
	old := k.existing()
	p := plan{fresh: old == nil, write: map[string]string{}}
	switch {
	case old == nil:
		p.app = design(k.brief())
		p.app.React = k.asksForReact() && k.hasPackages()
	case k.wish() == "" || k.wish() == section[form.ProjectSection](k.conversation, form.SectionProject).Description:
		p.app = old.clone()
		p.app.React = old.React || k.asksForReact() && k.hasPackages()
		for _, kind := range design(k.brief()).Kinds {
			if p.app.kind(kind.Key) == nil && len(p.app.Kinds) < maxKinds {
				p.app.Kinds = append(p.app.Kinds, kind)
			}
		}
		p.app.completeRelations()
	default:
		p.app = old.clone()
		p.app.mayHavePackages = k.hasPackages()
		p.app.change(k.wish())
		if len(k.findings()) > 0 {
			// An earlier round of this job did what was said; now only the findings count.
			wishes := p.app.Wishes
			p.app = old.clone()
			p.app.Wishes = wishes
		}
	}
	p.app.Reviewed = reviewed(k.findings())

	was, now := sources{}, p.app.files()
	if old != nil {
		was = old.files()
	} else if k.mustStandAside(now) {
		k.base = "app/"
	}
	for name, text := range now {
		full := k.base + name
		before, known := k.initial[full]
		switch {
		case known && before == text, old != nil && name == "README.md" && !known && !k.paths[full] && was[name] == text: // people need no README
		case !known && !k.paths[full]:
			p.write[full] = text
		case was[name] == text:
		case old != nil && known && was[name] != "" && old.React == p.app.React:
			if merged := p.merged(name, was[name], before, text); merged != before {
				p.write[full] = merged
			}
		default:
			p.write[full] = text
		}
	}
	for name := range was {
		if _, still := now[name]; !still && k.paths[k.base+name] {
			p.remove = append(p.remove, k.base+name)
		}
	}
	slices.Sort(p.remove)
	p.remade = old != nil && old.React != p.app.React
	for _, name := range k.faultyFiles() {
		text, known := k.initial[name]
		if _, planned := p.write[name]; planned || !known {
			continue
		}
		if mended := repairText(name, text); mended != text {
			p.write[name] = mended
			p.repairs++
		} else if ours, ok := now[strings.TrimPrefix(name, k.base)]; ok && ours != text {
			p.write[name] = ours
			p.repairs++
		}
	}
	if k.say["broken"] || k.say["broken_once"] {
		script := p.app.overviewPath()
		name := k.base + script
		if p.write[name] == "" {
			p.write[name] = now[script]
		}
		p.write[name] += flaw
	}
	return p
}

// merged is what a change of ours makes of a file that people may have edited. Lines that they only added stay beside the change.
// Where both changed the same lines, theirs win in pages and styles, and the change in scripts, which must fit each other.
func (p *plan) merged(name, was, theirs, now string) string {
	m := merge.Texts(was, theirs, now)
	lines := strings.SplitAfter(m.Ours, "\n")
	kept, replaced := false, false
	for _, c := range slices.Backward(m.Conflicts) {
		with, added := besideAdded(c)
		switch script := path.Ext(name) == ".ts" || path.Ext(name) == ".tsx"; {
		case added:
		case script:
			with, replaced = c.Theirs, true
		default:
			with, kept = c.Ours, true
		}
		at := c.Line - 1
		lines = slices.Replace(lines, at, at+strings.Count(c.Ours, "\n"), with)
	}
	if kept {
		p.kept = append(p.kept, name)
	}
	if replaced {
		p.replaced = append(p.replaced, name)
	}
	return strings.Join(lines, "")
}

// besideAdded joins the lines that people added to a place with those that a change puts there; ok is false where they did more
// than add.
func besideAdded(c merge.Hunk) (text string, ok bool) {
	base := strings.SplitAfter(c.Base, "\n")
	before, after, met := "", "", 0
	for _, line := range strings.SplitAfter(c.Ours, "\n") {
		switch {
		case met < len(base) && line == base[met]:
			met++
		case met == 0:
			before += line
		default:
			after += line
		}
	}
	return before + c.Theirs + after, met == len(base) && (c.Theirs == "" || strings.HasSuffix(c.Theirs, "\n"))
}

// faultyFiles are the files that a review or the verification before this job found fault with, each once.
func (k *coder) faultyFiles() []string {
	var out []string
	add := func(name string) {
		if name != "" && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	for _, f := range k.findings() {
		add(f.FilePath)
	}
	for _, d := range section[[]form.Diagnostic](k.conversation, form.SectionDiagnostics) {
		if d.Severity != "warning" {
			add(d.File)
		}
	}
	return out
}

// flaw is what the directives "broken" and "broken_once" put at the end of a file.
const flaw = "\nexport const broken = (;\n"

// existing is the app of ours that the project holds, nil if there is none. It sets the base.
func (k *coder) existing() *app {
	for _, base := range []string{"", "app/"} {
		if a := readApp(k.initial[base+modelPath]); a != nil {
			k.base = base
			return a
		}
	}
	return nil
}

// mustStandAside reports whether the project holds files of another origin where the app's would go.
func (k *coder) mustStandAside(files sources) bool {
	for name := range files {
		if name != "README.md" && k.paths[name] && !k.paths[modelPath] {
			return true
		}
	}
	return false
}

// reviewed are lines for the README about what a review found.
func reviewed(list []form.Finding) []string {
	var out []string
	for _, f := range list {
		out = append(out, shorten(cleanLine(strings.TrimPrefix(f.FilePath+": ", ": ")+f.Description), 200))
	}
	return out[:min(len(out), 10)]
}

// writes are the next files of the plan that are not written yet, and then those to delete.
func (k *coder) writes(p plan) []toolCall {
	var out []toolCall
	size := 0
	if k.hasTool(form.ToolWriteFile) {
		for _, name := range order(sortedKeys(p.write)) {
			if k.done[name] || k.failed[name] > 1 {
				continue
			}
			text := p.write[name]
			if len(out) == filesPerTurn || len(out) > 0 && size+len(text) > bytesPerTurn {
				return out
			}
			size += len(text)
			out = append(out, toolCall{form.ToolWriteFile, map[string]any{"path": name, "content": text}})
		}
	}
	if len(out) == 0 && k.hasTool(form.ToolDeleteFile) {
		for _, name := range p.remove {
			if !k.done[name] && k.failed[name] == 0 && len(out) < maxReads {
				out = append(out, toolCall{form.ToolDeleteFile, map[string]any{"path": name}})
			}
		}
	}
	return out
}

// repairs answers the diagnostics of the last check: a file of ours that differs from what was planned is put right, and
// the deliberate flaw of "broken_once" is taken out.
func (k *coder) repairs(p plan) []toolCall {
	var out []toolCall
	for _, d := range k.diags {
		text, planned := p.write[d.File]
		now := k.files[d.File]
		if !planned || slices.ContainsFunc(out, func(c toolCall) bool { return c.args["path"] == d.File }) || k.failed[d.File] > 1 {
			continue
		}
		if k.say["broken_once"] && strings.HasSuffix(now, flaw) {
			text = strings.TrimSuffix(now, flaw)
			if k.hasTool(form.ToolEditFile) {
				out = append(out, toolCall{form.ToolEditFile, map[string]any{"path": d.File, "edits": []form.Edit{{Old: strings.Trim(flaw, "\n"), New: ""}}}})
				continue
			}
		}
		if text != now && !k.say["broken_once"] || strings.HasSuffix(now, flaw) && k.say["broken_once"] {
			out = append(out, toolCall{form.ToolWriteFile, map[string]any{"path": d.File, "content": text}})
		}
	}
	return out
}

// leadIn says what the files of a turn are about.
func (k *coder) leadIn(p plan, calls []toolCall) string {
	first := path.Base(calls[0].args["path"].(string))
	folder := path.Base(path.Dir(calls[0].args["path"].(string)))
	switch {
	case calls[0].name == form.ToolDeleteFile:
		return "I remove what is no longer needed."
	case !p.fresh && len(k.done) == 0:
		return fmt.Sprintf("I change %d files of %q and leave the rest as it is.", len(p.write), p.app.Name)
	case first == "model.ts", first == "package.json":
		return fmt.Sprintf("I start with what %q is about: %s.", p.app.Name, joinAnd(append(p.app.does(), manyOf(p.app)...)))
	case folder == "parts", folder == "games", folder == "formulas", folder == "tools":
		return "Now what the app does."
	case folder == "lib":
		return "Now what every page shares."
	case first == "index.html":
		return "Now the overview and the look."
	case folder == "components":
		return "Now the components that draw any kind of entry."
	case strings.HasSuffix(first, ".html"), folder == "pages":
		return "Now the pages, one for each kind of entry."
	case strings.HasSuffix(first, ".ts"):
		return "Now the scripts that bring the pages to life."
	}
	return "Now what is left."
}

// summary says what was done, and what was not.
func (p plan) summary(k *coder) string {
	many := manyOf(p.app)
	var s string
	switch {
	case p.fresh && len(p.app.does()) > 0:
		s = fmt.Sprintf("%s is %s", p.app.Name, joinAnd(p.app.does()))
		if len(many) > 0 {
			s += fmt.Sprintf(" and keeps %s, each with a page of its own", joinAnd(many))
		}
		s += fmt.Sprintf("; what it remembers stays in the browser. %s.", p.app.madeWith())
	case len(many) == 0 && len(p.write)+len(p.remove) > 0:
		s = fmt.Sprintf("%s is changed. Files written: %d, deleted: %d; the others are as they were.", p.app.Name, len(p.write), len(p.remove))
	case p.fresh:
		s = fmt.Sprintf("%s keeps %s, each with a page of its own: form, search, editing and deletion, stored in the browser. %s.", p.app.Name, joinAnd(many), p.app.madeWith())
	case len(p.write)+len(p.remove) == 0:
		s = fmt.Sprintf("%s already is as asked; no file was changed.", p.app.Name)
	default:
		s = fmt.Sprintf("%s now keeps %s. Files written: %d, deleted: %d; the others are as they were.", p.app.Name, joinAnd(many), len(p.write), len(p.remove))
	}
	if p.fresh && len(p.app.Lacks) > 0 {
		s = "What it does not have: " + strings.Join(p.app.Lacks, "; ") + ". " + s
	}
	if k.lacksReact(p.app) {
		s += " React was asked for: npm packages cannot be had here, so it is made without. NPM_REGISTRY turns them on; then ask for React again."
	}
	if len(p.app.Wishes) > 0 {
		s = "Not done, since the offline model has no rule for it, and noted in the README: " + strings.Join(p.app.Wishes, "; ") + ". " + connectModel + " " + s
	}
	if len(p.replaced) > 0 {
		s += " Where people had changed the same lines of scripts, the change stands instead: " + joinAnd(slices.Sorted(slices.Values(p.replaced))) + "."
	}
	if len(p.kept) > 0 {
		s += " Where people had changed the same lines, theirs stay: " + joinAnd(slices.Sorted(slices.Values(p.kept))) + "."
	}
	if n := len(k.findings()); n > 0 {
		s += fmt.Sprintf(" Of a review with %d findings, %d files were mended by rule; the findings are listed in the README.", n, p.repairs)
	}
	if k.say["broken"] {
		s += " One file was broken on purpose, as the job's context asked."
	} else if len(k.diags) > 0 {
		s += fmt.Sprintf(" The check still reports %d errors that this model cannot repair.", len(k.diags))
	}
	return shorten(s+" Made by the built-in offline model from templates.", 2000)
}

// lacksReact reports whether the wish asked for React in vain.
func (k *coder) lacksReact(a *app) bool {
	asked := asksForReact(k.wish())
	if w := k.wish(); w == "" || w == section[form.ProjectSection](k.conversation, form.SectionProject).Description || k.existing() == nil {
		asked = k.asksForReact()
	}
	return asked && !a.React && !k.hasPackages()
}

// What can be mended by rule in a file that is not ours.

var (
	consoleLine = regexp.MustCompile(`(?m)^[ \t]*console\.(?:log|debug)\([^;\n]*\);?[ \t]*\n`)
	innerAssign = regexp.MustCompile(`\.innerHTML\s*=([^=])`)
	altless     = regexp.MustCompile(`(?i)<img\b([^>]*)>`)
	bareHTML    = regexp.MustCompile(`(?i)<html(\s[^>]*)?>`)
	headTag     = regexp.MustCompile(`(?i)<head>`)
	titleTag    = regexp.MustCompile(`(?i)<title\b`)
	langAttr    = regexp.MustCompile(`(?i)\blang\s*=`)
	altAttr     = regexp.MustCompile(`(?i)\balt\s*=`)
)

func repairText(name, text string) string {
	switch path.Ext(name) {
	case ".ts", ".tsx", ".js", ".jsx", ".mjs":
		text = consoleLine.ReplaceAllString(text, "")
		return innerAssign.ReplaceAllString(text, ".textContent =$1")
	case ".html", ".htm":
		text = altless.ReplaceAllStringFunc(text, func(tag string) string {
			if altAttr.MatchString(tag) {
				return tag
			}
			return tag[:4] + ` alt=""` + tag[4:]
		})
		text = bareHTML.ReplaceAllStringFunc(text, func(tag string) string {
			if langAttr.MatchString(tag) {
				return tag
			}
			return tag[:5] + ` lang="en"` + tag[5:]
		})
		if !titleTag.MatchString(text) {
			text = headTag.ReplaceAllString(text, "<head>\n  <title>"+strings.TrimSuffix(path.Base(name), path.Ext(name))+"</title>")
		}
	}
	return text
}
