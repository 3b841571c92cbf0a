package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"codeforge"
	"codeforge/internal/agent/form"
	"codeforge/internal/evidence"
	"codeforge/internal/merge"
)

// maxHeads bounds how often one stage begins anew because the project went on while it was being merged.
const maxHeads = 20

// keeper is what a run knows of its project: where its changes start from, and what of them is stored.
type keeper struct {
	revision int64             // of the project, to which changes are made
	lock     []byte            // beside it
	locks    map[string]string // files that npm would have written: what was there before, by path
	files    map[string]string // as they were in it
	last     int64             // the newest revision that the job made; 0: none
	proposed bool              // under review: the job has a proposal
	heads    map[int]int       // how many newer revisions each round met
	shown    *newerProject     // whose conflicts with the tree the model was shown last; nil: they are settled
	joined   map[string]bool   // what people changed while the job ran, and is in its work
	unseen   map[string]bool   // what people changed, or deleted, since the model saw it

	// What the tree was when it was kept last, and how far that is known to get.
	good, goodBase map[string]string
	evidence       codeforge.Evidence

	requirements, architecture json.RawMessage // as the project has them
}

// newerProject is a project as people made it since.
type newerProject struct {
	revision int64
	files    map[string]string
	first    map[string][]string // what the job had, by path, where they wrote something else: before it saw that
}

func newKeeper(r *run) keeper {
	return keeper{revision: r.task.Job.Base, lock: r.lock, files: r.tree.base, heads: map[int]int{}, unseen: map[string]bool{}, joined: map[string]bool{}, good: r.tree.base, goodBase: r.tree.base,
		requirements: r.project.Requirements, architecture: r.project.Architecture}
}

// coding is the stage in which the job changes files.
func (r *run) coding() codeforge.AgentType {
	if r.task.Job.Agent == codeforge.Refactor {
		return codeforge.Refactor
	}
	return codeforge.Code
}

// keepSpecs stores the specifications that a stage wrote.
func (r *run) keepSpecs(ctx context.Context, stage codeforge.AgentType) error {
	_, err := r.keepStage(ctx, codeforge.StageResult{Stage: stage, Base: r.keep.revision})
	return err
}

// keepStage stores what a stage made, with the specifications that it changed, and tells of it in the same transaction.
func (r *run) keepStage(ctx context.Context, s codeforge.StageResult) (codeforge.Kept, error) {
	k := &r.keep
	if string(r.project.Requirements) != string(k.requirements) {
		s.Requirements = r.project.Requirements
	}
	if string(r.project.Architecture) != string(k.architecture) {
		s.Architecture = r.project.Architecture
	}
	s.Proposal = s.Stage == r.coding() && r.underReview()
	if len(s.Changes) == 0 && s.Requirements == nil && s.Architecture == nil && !(s.Proposal && k.proposed) {
		return codeforge.Kept{}, nil
	}
	told := codeforge.KeptData{Stage: s.Stage, Round: s.Round, Proposal: s.Proposal}
	if len(s.Changes) > 0 {
		if !s.Proposal {
			told.Revision = s.Base + 1 // or nothing is stored
		}
		for _, c := range s.Changes {
			told.Files = append(told.Files, c.Path)
		}
	}
	if s.Requirements != nil || s.Architecture != nil {
		s.ProjectStatus = codeforge.InProgress
	}
	s.Events = []codeforge.Event{event(codeforge.EventKept, told)}
	kept, err := r.task.Keep(ctx, s)
	if err != nil {
		return kept, err
	}
	k.requirements, k.architecture = r.project.Requirements, r.project.Architecture
	if s.Proposal {
		k.proposed = len(s.Changes) > 0
	}
	if kept.Revision > 0 {
		k.last, k.revision, k.files, k.lock = kept.Revision, kept.Revision, maps.Clone(r.tree.files), r.lock
	}
	return kept, nil
}

// keepCode stores the tree, which verifies, as a revision. Where people changed the project meanwhile, what they did is merged into the
// tree first. says is what the model must mend in it before it can be stored, in the form of a verdict; "": it is stored.
//
// A job that runs again must do the same: which revisions it met is noted in the journal, and read from there first.
func (r *run) keepCode(ctx context.Context, round int, summary string) (says string, err error) {
	if at := r.keep.shown; at != nil {
		merged, open := r.mergeTree(at.files, at.first)
		if len(open) > 0 {
			return "", &conflictError{open, summary, r.fileDocs(), r.proposal(summary, true)}
		}
		r.takeIn(merged.Files)
		r.keep.revision, r.keep.files, r.keep.shown = at.revision, at.files, nil
	}
	for range maxHeads {
		if err := r.writeLocks(ctx); err != nil {
			return "", err
		}
		changes := differences(r.keep.files, r.tree.files)
		head, err := r.notedHead(ctx, round, 0)
		if head == 0 && err == nil {
			s := codeforge.StageResult{Stage: r.coding(), Round: round, Base: r.keep.revision, Changes: changes, Message: r.revisionMessage(summary), Evidence: r.evidence(), Screenshots: r.screenshots()}
			if !bytes.Equal(r.lock, r.keep.lock) {
				s.Lock = r.lock
			}
			_, err = r.keepStage(ctx, s)
			newest, moved := codeforge.MovedTo(err)
			if err == nil {
				r.keep.good, r.keep.goodBase, r.keep.evidence = maps.Clone(r.tree.files), r.tree.base, s.Evidence
				return "", nil
			}
			if moved {
				head, err = r.notedHead(ctx, round, newest)
			}
		}
		if err != nil {
			return "", err
		}
		r.keep.heads[round]++
		if says, err := r.mergeHead(ctx, head); says != "" || err != nil {
			return says, err
		}
	}
	return "", &codeforge.Error{Kind: codeforge.Unavailable, Message: "The project was changed again and again while the work was merged into it", Retryable: true}
}

// notedHead is the next revision of the project that this round met: the one that the journal has, else newest, which is noted. 0: it
// met none.
func (r *run) notedHead(ctx context.Context, round int, newest int64) (int64, error) {
	if r.journal == nil {
		return newest, nil
	}
	key := runKey(r.task.Job, fmt.Sprint("head ", round, " ", r.keep.heads[round]))
	var entry []byte
	var err error
	if newest == 0 {
		entry, err = r.journal.Get(ctx, key)
	} else {
		entry, err = r.journal.Put(ctx, key, form.Marshal(newest))
	}
	if err == nil && entry != nil {
		err = json.Unmarshal(entry, &newest)
	}
	if err != nil {
		return 0, notKept(err)
	}
	return newest, nil
}

// mergeTree merges files that people made of the project with the tree. open are the conflicts in which the tree would undo what
// they did. first is what the tree had there before the model saw these files, by path; nil: it did not see them yet.
func (r *run) mergeTree(people map[string]string, first map[string][]string) (merged merge.Tree, open []merge.Conflict) {
	merged = merge.Trees(r.keep.files, people, r.tree.files)
	for _, c := range merged.Conflicts {
		if seen, ok := first[c.Path]; c.TheirsHasOurs() || ok && c.TheirsDecides(seen) {
			merged.Resolve(c, c.Theirs)
		} else {
			open = append(open, c)
		}
	}
	return merged, open
}

// mergeHead merges the project as it is at head into the tree. What both changed goes to the model, with both sides, on a
// tree that has the people's; if it then still says something else than they do, they are asked.
func (r *run) mergeHead(ctx context.Context, head int64) (says string, err error) {
	now, err := r.task.Snapshot(ctx, head)
	if err != nil {
		return "", err
	}
	people := newTree(now).base
	r.takeBackLocks()
	merged, open := r.mergeTree(people, nil)
	told := mergedVerdict{Verdict: form.Verdict[diagnostic]{Diagnostics: []diagnostic{}}, Changed: r.takeIn(merged.Files)}
	// The tree's base is the project without what this job did, so that its changes are the job's own.
	r.tree.base = merge.Trees(r.keep.files, people, r.tree.base).Files
	lock := noted(ctx, r, runKey(r.task.Job, fmt.Sprint("lock ", head)), func() ([]byte, error) {
		kept, err := r.task.LockAt(ctx, head)
		if err != nil {
			return nil, err
		}
		return evidence.LockOf(ctx, now, kept, r.task.ReadBlob)
	})
	if string(lock) != string(r.keep.lock) { // they went on to other packages
		r.keep.lock, r.lock = lock, lock
	}
	r.before, r.ranBefore = newBaseline(r.check(ctx, r.treeOf(people, lock))), nil // what people broke is theirs to mend
	if len(open) > 0 {
		r.keep.shown = &newerProject{head, people, map[string][]string{}}
		for _, c := range open {
			for _, h := range c.Hunks {
				r.keep.shown.first[c.Path] = append(r.keep.shown.first[c.Path], h.Theirs)
			}
		}
		told.Conflicts = merge.Places(open)
		told.Note = "Not finished: people changed the project while you worked, and in these places you did too. The files now have their text there, and yours everywhere else. " +
			"Bring what your task still needs into it without undoing what they did, then call finish again. What you leave out is left out."
		r.report(-1, event(codeforge.EventConflict, codeforge.ConflictData{Base: r.keep.revision, Revision: head, Conflicts: told.Conflicts}))
		return string(form.Marshal(told)), nil
	}
	r.keep.revision, r.keep.files = head, people
	ok, found := r.verify(ctx, r.coding())
	if ok {
		ok, found = r.tryOut(ctx, r.coding())
	}
	if ok {
		return "", nil
	}
	told.Diagnostics = found[:min(len(found), maxDiagnostics)]
	told.More = len(found) - len(told.Diagnostics)
	told.Note = "Not finished: people changed the project while you worked. Their changes are merged into yours, and together they do not build. Mend that without undoing what they did, then call finish again."
	return string(form.Marshal(told)), nil
}

// mergedVerdict is what a model is told of a tree into which was merged what people changed meanwhile.
type mergedVerdict struct {
	form.Verdict[diagnostic]
	Note      string        `json:"note"`
	Changed   []string      `json:"changed_by_people"`
	Conflicts []merge.Place `json:"conflicts,omitempty"`
}

// takeIn makes the tree hold what people wrote too, and returns the paths that differ. What the model knew of them is old: it must
// read them before it writes them whole.
func (r *run) takeIn(files map[string]string) []string {
	paths := r.setFiles(files, "merged")
	for _, p := range paths {
		r.keep.unseen[p], r.keep.joined[p] = true, true
	}
	return paths
}

// setFiles makes the tree hold other files, tells viewers, and returns the paths that differ.
func (r *run) setFiles(files map[string]string, action string) []string {
	paths := []string{}
	changes := differences(r.tree.files, files)
	r.tree.restore(files)
	for _, c := range changes {
		paths = append(paths, c.Path)
		did := action
		if c.Delete {
			did = fileDeleted
		}
		r.reportFile(c.Path, did)
	}
	return paths
}

// sawFile notes that the model was shown a file as it is now.
func (r *run) sawFile(path string) { delete(r.keep.unseen, path) }

// mayReplace returns an error when a model would write over, or delete, a file that people changed since it saw it.
func (r *run) mayReplace(path string) error {
	if !r.keep.unseen[path] {
		return nil
	}
	switch content, there := r.tree.files[path]; {
	case codeforge.IsBlob(content): // there is nothing to read
		r.sawFile(path)
		return fmt.Errorf("people changed %s while you worked, which is %s now: leave it so, unless your task needs it", form.Quote(path), describeContent(path, r.tree.files))
	case there:
		return fmt.Errorf("people changed %s while you worked: read_file shows it as it is now. Keep what they did", form.Quote(path))
	}
	r.sawFile(path) // there is nothing to read, and nothing of theirs to lose
	return fmt.Errorf("people deleted %s while you worked: leave it so, unless your task needs it", form.Quote(path))
}

// differences are what makes one tree of another, sorted by path.
func differences(from, to map[string]string) []codeforge.FileChange {
	return (&tree{base: from, files: to}).changes()
}

// unkept are the job's changes that are in no revision of it.
func (r *run) unkept() []codeforge.FileChange {
	return slices.DeleteFunc(differences(r.keep.good, r.tree.files), func(c codeforge.FileChange) bool { return !r.tree.touched(c.Path) })
}

// backToKept takes the tree back to how it was kept last: half a repair is worth less than code that builds.
func (r *run) backToKept() {
	r.tree.base = r.keep.goodBase
	r.setFiles(maps.Clone(r.keep.good), "restored")
}

// conflictError ends a run whose work says something else than people do: they are asked.
type conflictError struct {
	open     []merge.Conflict
	summary  string // of the work
	files    []fileDoc
	proposal *codeforge.NewProposal
}

func (e *conflictError) Error() string {
	return plural(len(e.open), "file") + " changed both by the job and by people"
}

// conflictDoc is the result of a job that waits for people to say which side stands: what it asks, beside the result that it will
// have.
type conflictDoc struct {
	asks
	Conflicts    []merge.Place   `json:"conflicts"`
	Summary      string          `json:"summary"`
	Files        []fileDoc       `json:"files,omitempty"`
	Requirements json.RawMessage `json:"requirements_spec,omitempty"`
	Architecture json.RawMessage `json:"architecture_spec,omitempty"`
	Code         *codeDoc        `json:"generated_code,omitempty"`
	QA           *qaDoc          `json:"qa_result,omitempty"` // of the last review, if there was one
}

// askPeople ends the run with the question which side is to stand, file by file. The job's work is kept as a proposal.
func (r *run) askPeople(e *conflictError) codeforge.Outcome {
	doc := conflictDoc{asks: asks{Message: "While I worked you changed the same places as I did, and nothing of yours was overwritten. For each file, say \"yours\" and what you wrote stands, say \"job\" and what the job wrote stands, or send the whole text that the file is to have."},
		Conflicts: merge.Places(e.open), Summary: e.summary, Files: e.files, QA: r.made.QA}
	built := r.saysOfCode(codeDoc{Summary: e.summary, Files: e.files}, doc.QA)
	if r.task.Job.Agent == codeforge.Builder {
		doc.Requirements, doc.Architecture = r.project.Requirements, r.project.Architecture
		doc.Code, doc.Files = &codeDoc{Files: doc.Files, Summary: e.summary, Dependencies: []string{}}, nil
	}
	for _, c := range e.open {
		doc.Questions = append(doc.Questions, form.Question{Question: c.Path, Why: whyConflict(c), Options: []string{"yours", "job"}})
	}
	out := r.waiting(doc, doc.Message, doc.Questions, 90)
	out.Proposal = e.proposal
	says := []string{built, doc.Message}
	for i, q := range doc.Questions {
		says = append(says, fmt.Sprintf("%d. %s (%s)\n%s", i+1, q.Question, strings.Join(q.Options, " / "), q.Why))
	}
	out.Chat = r.chat(joinParagraphs(says...))
	return out
}

// whyConflict says what the two sides of a conflict are, with the first place where they differ.
func whyConflict(c merge.Conflict) string {
	switch {
	case len(c.Beside) > 0:
		return form.Shorten("You made "+strings.Join(c.Beside, ", ")+", and both cannot be there.", 500)
	case c.Ours == nil:
		return "You deleted it, and the job changed it."
	case c.Theirs == nil:
		return "You changed it, and the job deleted it."
	case codeforge.IsBlob(*c.Ours) || codeforge.IsBlob(*c.Theirs):
		return "Both changed it, and it is no text, so that one of the two stands there or the other."
	case len(c.Hunks) == 0:
		return "Both changed it, and together it is too long for one file."
	}
	h := c.Hunks[0]
	why := fmt.Sprintf("In line %d you have %s, and the job has %s.", h.Line, sideInWords(h.Ours), sideInWords(h.Theirs))
	if more := len(c.Hunks) - 1; more > 0 {
		why += fmt.Sprintf(" They differ in %s more.", plural(more, "place"))
	}
	return why + " What does not clash is kept of both."
}

// sideInWords is a text as it is shown within a sentence.
func sideInWords(text string) string {
	if text = strings.TrimSpace(text); text == "" {
		return "nothing"
	}
	return form.Quote(form.Shorten(strings.Join(strings.Fields(text), " "), 150))
}

// proposal is the job's work as it is now.
func (r *run) proposal(summary string, verified bool) *codeforge.NewProposal {
	return &codeforge.NewProposal{Base: r.keep.revision, Changes: differences(r.keep.files, r.tree.files), Message: r.revisionMessage(summary), Verified: verified}
}

// underReview reports whether people look at the job's work before it is in the project.
func (r *run) underReview() bool { return r.task.Job.Apply == codeforge.ApplyReview }

// reviewQuestion is what a job under review ends with.
var reviewQuestion = []form.Question{{Question: "Apply the changes to your project?", Why: "None of the changed files is in it yet. You can look at the diff and the preview first.", Options: []string{"apply", "reject"}}}

// awaitReview is the outcome of a job whose work is done and waits to be looked at: its result, with the question.
func (r *run) awaitReview(result json.RawMessage, says string) codeforge.Outcome {
	message := "The work is done. None of its files is in your project before you apply it."
	if string(r.keep.requirements) != string(r.task.Project.Requirements) || string(r.keep.architecture) != string(r.task.Project.Architecture) {
		message += " The requirements and the layout that it wrote are stored already."
	}
	doc := fmt.Sprintf(`%s,"is_complete":false,"questions":%s,"message":%q}`, result[:len(result)-1], form.Marshal(reviewQuestion), message)
	return r.waiting(json.RawMessage(doc), says+"\n\n"+message, reviewQuestion, 95)
}

// withoutQuestion is the result of a job that waited as that of one whose question was answered.
func withoutQuestion(result json.RawMessage) json.RawMessage {
	var doc map[string]json.RawMessage
	if json.Unmarshal(result, &doc) != nil {
		return result
	}
	for _, key := range []string{"is_complete", "questions", "message", "conflicts"} {
		delete(doc, key)
	}
	return form.Marshal(doc)
}

// endedBadly adds to what a run leaves, which did not come to its end, what of its work the project has.
func (r *run) endedBadly(left *codeforge.Outcome) {
	if r.made.Diagnostics != nil { // it does not build, and may be worth having all the same
		left.Proposal = r.proposal(r.made.Summary, false)
	}
	more, says := "", ""
	switch {
	case r.keep.last > 0:
		more = fmt.Sprintf(`,"kept_revision":%d`, r.keep.last)
		says = fmt.Sprintf("What was built until then is in your project, as revision %d.", r.keep.last)
	case r.keep.proposed:
		more, says = `,"proposed":true`, "What was built until then waits for you as a proposal: look at it, then apply or reject it."
	case left.Proposal != nil && len(left.Proposal.Changes) > 0:
		more, says = `,"proposed":true`, "What was written waits for you as a proposal: look at it, then apply it although it does not build, or reject it."
	default:
		return
	}
	if left.Result == nil {
		left.Result = json.RawMessage(`{"partial":true}`)
	}
	left.Result = json.RawMessage(string(left.Result[:len(left.Result)-1]) + more + "}")
	if left.Chat == nil {
		left.Chat = r.chat(says)
	} else {
		left.Chat[0].Content += "\n\n" + says
	}
}
