package agent

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"codeforge"
	"codeforge/internal/agent/form"
	"codeforge/internal/verify"
)

// Guards stand between what a model does and what a project becomes. Each has a name, under which results of tools, events and diagnostics
// tell of it.
const (
	guardPlaceholder  = "placeholder"  // words stand where code should, or an empty body where one was
	guardShrink       = "shrink"       // a file lost more than half of its lines
	guardDeletion     = "deletion"     // most of a project was deleted
	guardSecret       = "secret"       // a text holds what gives access to something
	guardLoop         = "loop"         // the same is done again and again
	guardInstructions = "instructions" // a file speaks to whoever reads it as a model does
	guardBound        = "bound"        // a job would change more than one may
)

// What a guard did.
const (
	guardRefused  = "refused"  // what was asked for was not done
	guardObjected = "objected" // finish waits for an answer
	guardNoted    = "noted"
	guardEnded    = "ended" // the job
)

// maxGuardEvents bounds the events of one job that tell of guards.
const maxGuardEvents = 200

// guarded tells viewers that a guard acted, of the same thing once.
func (r *run) guarded(e codeforge.GuardData) {
	e.Message = form.Shorten(e.Message, verify.MaxMessage)
	if r.guardEvents == nil {
		r.guardEvents = map[codeforge.GuardData]bool{}
	}
	if !r.guardEvents[e] && len(r.guardEvents) < maxGuardEvents {
		r.guardEvents[e] = true
		r.report(-1, event(codeforge.EventGuard, e))
	}
}

// guardError is why a guard refuses a call.
type guardError struct{ guard, says string }

func (e *guardError) Error() string { return fmt.Sprintf("[guard %s] %s", e.guard, e.says) }

// objection is what a guard has against a file: an error of the tree until it is answered.
func objection(guard, file string, line int, says string) diagnostic {
	return diagnostic{Diagnostic: verify.Diagnostic{File: file, Line: line, Column: min(line, 1), Severity: verify.SeverityError, Message: form.Shorten(says, verify.MaxMessage)}, Guard: guard}
}

// howToConfirm tells a model how it can answer objections.
const howToConfirm = "mend what the guards object to; where the task needs a loss or a placeholder, confirm it in finish, with the file and the reason"

// objections are what guards have against the work when it is to be finished. What finish confirms, with a reason, and what can be meant, is
// noted alone. accepted tells that nothing else is left.
func (r *run) objections(stage codeforge.AgentType, a form.FinishArgs) (found []diagnostic, accepted bool) {
	t := r.tree
	elided, stubbed := findPlaceholders(t)
	found = append(found, elided...)
	for _, d := range append(stubbed, t.shrunk()...) {
		if reason := t.confirmed(a.Confirm, d.File); reason != "" {
			d.Severity, d.Message = verify.SeverityWarning, form.Shorten(d.Message+" (confirmed: "+reason+")", verify.MaxMessage)
		}
		found = append(found, d)
	}
	if d, gone := t.deletion(); d != nil {
		told := r.deletionTold
		r.deletionTold = true
		if t.explained(a, gone, told) {
			d.Severity = verify.SeverityWarning
		}
		found = append(found, *d)
	}
	accepted = true
	for _, d := range found {
		action := guardNoted
		if d.Severity == verify.SeverityError {
			action, accepted = guardObjected, false
		}
		r.guarded(codeforge.GuardData{Stage: stage, Guard: d.Guard, Action: action, Path: d.File, Message: d.Message})
	}
	return append(found, r.instructions(stage, t)...), accepted
}

// confirmed returns the reason that is given for a file, "" if none is.
func (t *tree) confirmed(list []form.Confirmation, file string) string {
	for _, c := range list {
		reason := strings.TrimSpace(codeforge.Plain(c.Reason))
		if matches, err := t.pathFilter(c.Path); err == nil && len(reason) >= minReason && matches(file) {
			return form.Shorten(reason, 200)
		}
	}
	return ""
}

// minReason is the least that can be a reason.
const minReason = 8

// explained reports whether finish says of all files that are gone why: in confirm, or, when it was asked before, in its summary or
// explanations.
func (t *tree) explained(a form.FinishArgs, gone []string, asked bool) bool {
	for _, p := range gone {
		if t.confirmed(a.Confirm, p) != "" {
			continue
		}
		if !asked || len(strings.TrimSpace(a.Explanations[p])) < minReason && !strings.Contains(a.Summary, p) {
			return false
		}
	}
	return true
}

// formWords say how code is given to others or kept, and how a function is written: what changes of a line when it is moved to another file.
var formWords = []string{"export", "default", "async", "function", "const", "let", "var", "public", "private", "protected", "internal", "static", "readonly", "final", "pub", "def", "func", "fn", "self", "this", "cls"}

// meaningOf is a line without what moving it to another file changes of it: the words of it, but for those of its form, or, where it has
// none, all of it.
func meaningOf(line string) string {
	var b strings.Builder
	for word := range strings.FieldsFuncSeq(line, notWord) {
		if !slices.Contains(formWords, word) {
			b.WriteString(word)
			b.WriteByte(' ')
		}
	}
	if b.Len() == 0 {
		return line
	}
	return b.String()
}

// lineCounts counts the lines of a text that say something, by their meaning.
func lineCounts(text string) (counts map[string]int, total int) {
	counts = map[string]int{}
	for line := range strings.Lines(unified(text)) {
		if line = strings.TrimSpace(line); len(line) >= minTelling {
			counts[meaningOf(line)]++
			total++
		}
	}
	return counts, total
}

const (
	minTelling = 4  // bytes of a line that is told from others
	minShrunk  = 20 // lines of a file that is looked at
	minGone    = 10 // lines of a project
)

// addedLines counts the lines of what the job changed that were not in the same file before.
func (t *tree) addedLines() map[string]int {
	added := map[string]int{}
	for _, c := range t.changes() {
		was, _ := lineCounts(codeforge.TextOf(t.base[c.Path]))
		is, _ := lineCounts(c.Content)
		for line, n := range is {
			if n > was[line] {
				added[line] += n - was[line]
			}
		}
	}
	return added
}

// lostLines counts the lines of a text that stand neither in another nor among added ones.
func lostLines(was, is string, added map[string]int) (lost, removed int) {
	before, _ := lineCounts(was)
	after, _ := lineCounts(is)
	for line, n := range before {
		if gone := n - after[line]; gone > 0 {
			removed += gone
			lost += max(0, gone-added[line])
		}
	}
	return lost, removed
}

// shrunk finds files that lost more than half of their lines, most of which stand nowhere else now.
func (t *tree) shrunk() (found []diagnostic) {
	added := sync.OnceValue(t.addedLines)
	for _, c := range t.changes() {
		if d := t.shrunkFile(c.Path, c.Content, added); d != nil && !c.Delete {
			found = append(found, *d)
		}
	}
	return found
}

// shrunkFile looks at one file; added is asked for when it matters.
func (t *tree) shrunkFile(path, text string, added func() map[string]int) *diagnostic {
	was, had := t.base[path]
	if !had || codeforge.IsBlob(was) {
		return nil
	}
	_, before := lineCounts(was)
	_, after := lineCounts(text)
	emptied := strings.TrimSpace(text) == "" // which a short file shows as well
	if short := emptied || before >= minShrunk && 2*after < before || before < minShrunk && len(was) >= 100*minShrunk && 2*len(text) < len(was); !short {
		return nil
	}
	if lost, removed := lostLines(was, text, added()); 2*lost <= removed {
		return nil
	}
	d := objection(guardShrink, path, 0, fmt.Sprintf("the file had %s and has %d: what is missing stands nowhere else", plural(before, "line"), after))
	return &d
}

// deletion objects to the loss of most of a project: more than half of its lines with the files that were deleted, or all of them. gone are
// the files whose lines stand nowhere else now.
func (t *tree) deletion() (_ *diagnostic, gone []string) {
	added := t.addedLines()
	total, lost, files := 0, 0, 0
	for p, content := range t.base {
		text := codeforge.TextOf(content)
		_, n := lineCounts(text)
		total += n
		if _, there := t.files[p]; there {
			continue
		}
		files++
		if l, removed := lostLines(text, "", added); 2*l > removed || removed == 0 && len(t.files) == 0 {
			lost += l
			gone = append(gone, p)
		}
	}
	slices.Sort(gone)
	if everything := len(t.files) == 0 && len(gone) > 0; !everything && (lost < minGone || 2*lost <= total) {
		return nil, nil
	}
	d := objection(guardDeletion, "", 0, fmt.Sprintf("most of the project was deleted, %d of %s: %s",
		files, plural(len(t.base), "file"), form.Shorten(strings.Join(gone, ", "), 300)))
	return &d, gone
}

// refuseSecrets refuses a text that holds a secret which was nowhere in the project.
func (t *tree) refuseSecrets(path, content string) error {
	found := verify.Secrets(path, content)
	if len(found) == 0 {
		return nil
	}
	known := map[string]bool{}
	for p, text := range t.base {
		for _, s := range verify.Secrets(p, text) {
			known[s.Value] = true
		}
	}
	for _, s := range found {
		if !known[s.Value] {
			return &guardError{guardSecret, fmt.Sprintf("line %d of %s holds what looks like %s, so it was not written: whoever opens the app could read it. Leave it out, and tell the user where it belongs", s.Line, form.Quote(path), s.Kind)}
		}
	}
	return nil
}

// Texts that are made to be taken for orders by a model that reads them.
var instructionMarks = []*regexp.Regexp{
	regexp.MustCompile(`(?i)\b(?:ignore|disregard|forget|override|bypass)\b[^\n]{0,30}\b(?:all|any|the|your|previous|prior|above|earlier|preceding)\b[^\n]{0,30}\b(?:instructions?|prompts?|rules|directions|guidelines|orders|constraints)\b`),
	regexp.MustCompile(`(?i)\bignore (?:all|everything)\b[^\n]{0,20}\b(?:and|above|before)\b`),
	regexp.MustCompile(`(?i)\byou are (?:now|no longer)\b[^\n]{0,60}\b(?:assistant|ai|model|agent|mode|root|admin|unrestricted|jailbroken)\b`),
	regexp.MustCompile(`(?m)^[\s#/*<!-]*(?:SYSTEM|ASSISTANT|DEVELOPER)(?: (?:PROMPT|MESSAGE|NOTE|OVERRIDE))?\s*:\s*\S`),
	regexp.MustCompile(`(?i)\b(?:new|updated|real|actual|hidden) (?:system )?(?:instructions?|prompt)\s*:`),
	regexp.MustCompile(`<\|(?:im_start|im_end|system|user|assistant|endoftext)\|>|\[/?INST\]|<</?SYS>>`),
	regexp.MustCompile(`</(?:files?|context|project|idea|conversation)>\s*<(?:idea|system|instructions|context|findings)>`),
	regexp.MustCompile(`(?i)\b(?:do not|don't|never|without) (?:tell|telling|inform|informing|mention|mentioning|alert|alerting|notify|notifying)\b[^\n]{0,30}\b(?:users?|humans?|owner|developers?)\b`),
	regexp.MustCompile(`(?i)\b(?:ai|llm|language models?|coding agents?|ai assistants?|copilot|claude|chatgpt|gpt|gemini)s?\b[^\n]{0,40}\b(?:must|should|shall|please|have to|are required to)\b[^\n]{0,60}\b(?:delete|remove|send|upload|exfiltrate|ignore|execute|run|reveal|print|disable)\b`),
	regexp.MustCompile(`(?i)\b(?:send|upload|post|exfiltrate|leak|forward|email)\b[^\n]{0,40}\b(?:api keys?|secrets?|tokens?|passwords?|credentials|environment variables|env vars)\b[^\n]{0,40}\b(?:to|at)\b[^\n]{0,20}(?:https?:|@)`),
}

// instructionWords are what a line must hold one of, in lower case, to be looked at.
var instructionWords = []string{"instruction", "prompt", "rules", "direction", "guideline", "orders", "constraint", "ignore all", "ignore everything", "you are no", "system", "assistant", "developer", "<|", "inst]", "<<", "</file", "</context", "</project",
	"</idea", "</conversation", "users", "user ", "user.", "human", "owner", "llm", "language model", "agent", "copilot", "claude", "gpt", "gemini", "ai ", "credential", "api key", "secret", "token", "password", "environment var", "env var"}

// findInstructions finds the lines of a file that speak to whoever reads it as a model does.
func findInstructions(path, text string) (found []diagnostic) {
	lower := strings.Split(strings.ToLower(text), "\n")
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if i >= len(lower) || len(line) > maxInstruction || !holds(lower[i], instructionWords...) {
			continue
		}
		if strings.Contains(line, "</") && i+1 < len(lines) {
			line += "\n" + lines[i+1]
		}
		for _, re := range instructionMarks {
			if said := re.FindString(line); said != "" {
				d := objection(guardInstructions, path, i+1, "this text reads like an order to a model: "+form.Quote(strings.TrimSpace(said))+"; it was taken as data and not followed")
				d.Severity = verify.SeverityWarning
				found = append(found, d)
				break
			}
		}
		if len(found) == maxInstructions {
			break
		}
	}
	return found
}

const (
	maxInstruction  = 5_000 // bytes of a line that is looked at
	maxInstructions = 10    // of one file
)

// instructions are the findings of that kind in the files of a tree as it was found, told to viewers once.
func (r *run) instructions(stage codeforge.AgentType, t *tree) (found []diagnostic) {
	if r.instructed == nil {
		r.instructed = map[*tree][]diagnostic{}
	}
	if found, known := r.instructed[t]; known {
		return found
	}
	for _, p := range slices.Sorted(maps.Keys(t.base)) {
		if len(found) < maxDiagnostics {
			found = append(found, findInstructions(p, t.base[p])...)
		}
	}
	for _, d := range found {
		r.guarded(codeforge.GuardData{Stage: stage, Guard: d.Guard, Action: guardNoted, Path: d.File, Message: d.Message})
	}
	r.instructed[t] = found
	return found
}

// asGuard returns what a guard said, if the error is of one.
func asGuard(err error) (guard string, ok bool) {
	if e, ok := errors.AsType[*guardError](err); ok {
		return e.guard, true
	}
	if _, ok := errors.AsType[*boundError](err); ok {
		return guardBound, true
	}
	return "", false
}
