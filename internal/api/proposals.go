package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"codeforge"
	"codeforge/internal/merge"
)

// Answers to the question what of two sides is to stand, besides the text itself.
const (
	answerYours  = "yours"  // what people wrote
	answerJob    = "job"    // what the job wrote
	answerApply  = "apply"  // to a proposal as a whole
	answerReject = "reject" // the same
	answerRest   = "*"      // names all files that nothing else names
)

// maxSaidAnswer is how long an answer may be that stands in the conversation as it is.
const maxSaidAnswer = 200

// maxMoves bounds how often a change is merged anew because the project went on meanwhile.
const maxMoves = 10

// Proposal is what a job would change, as it is sent within a job.
type Proposal struct {
	Base         int64     `json:"base" doc:"The revision of the project that it was made to."`
	Message      string    `json:"message"`
	Verified     bool      `json:"verified" doc:"Whether the files that it leads to passed the job's checks."`
	FilesChanged int       `json:"files_changed"`
	CreatedAt    time.Time `json:"created_at"`
}

func proposalOf(p *codeforge.Proposal) *Proposal {
	if p == nil {
		return nil
	}
	return new(Proposal(*p))
}

// proposalDiff is a proposal with what it would change.
type proposalDiff struct {
	JobID     string `json:"job_id" format:"uuid"`
	ProjectID string `json:"project_id" format:"uuid"`
	Proposal
	Revision int64 `json:"revision" doc:"The newest revision of the project, into which it would be merged."`
	DiffBody
}

type proposalOutput struct{ Body *proposalDiff }

func (s *server) getProposal(ctx context.Context, in *JobPath) (*proposalOutput, error) {
	x, _ := exchangeOf(ctx)
	if err := x.acquireBytes(diffLoad); err != nil {
		return nil, err
	}
	job, err := s.Store.GetJob(ctx, x.user, in.JobID)
	if err != nil {
		return nil, err
	}
	var p codeforge.Proposal
	out := &proposalDiff{JobID: job.ID, ProjectID: job.ProjectID}
	if err := s.diffPages(ctx, &out.DiffBody, func(after string) (deltas []codeforge.FileDelta, err error) {
		p, deltas, err = s.Store.ReadProposal(ctx, x.user, job.ID, codeforge.Page{After: after, Bytes: pageBytes})
		return deltas, err
	}); err != nil {
		return nil, err
	}
	out.Proposal = *proposalOf(&p)
	project, err := s.Store.GetProject(ctx, x.user, job.ProjectID)
	out.Revision = project.Revision
	return &proposalOutput{out}, err
}

// sides are what somebody changed, by path: the contents before and after, with what stands for blobs.
type sides struct{ before, after map[string]string }

func (s *sides) add(deltas []codeforge.FileDelta, wanted func(path string) bool) {
	for _, d := range deltas {
		if !wanted(d.Path) {
			continue
		}
		if d.Old != nil {
			s.before[d.Path] = d.Old.TreeContent()
		}
		if d.New != nil {
			s.after[d.Path] = d.New.TreeContent()
		}
	}
}

// readSides reads all pages of what somebody changed.
func readSides(wanted func(path string) bool, page func(codeforge.Page) ([]codeforge.FileDelta, error)) (sides, error) {
	all := sides{map[string]string{}, map[string]string{}}
	for p := (codeforge.Page{Bytes: pageBytes}); ; {
		deltas, err := page(p)
		if err != nil {
			return all, err
		}
		all.add(deltas, wanted)
		if !fullDeltas(deltas) {
			return all, nil
		}
		p.After = deltas[len(deltas)-1].Path
	}
}

// settle merges a change into the project as it is now. answers say, by path, what stands where both changed; without them
// people win nothing and lose nothing: it is a Conflict that names the paths.
func settle(now map[string]string, change sides, answers map[string]resolution) (map[string]string, error) {
	merged := merge.Trees(change.before, now, change.after)
	var open []merge.Conflict
	conflicts := map[string]*merge.Conflict{}
	for _, c := range merged.Conflicts {
		conflicts[c.Path] = &c
		answer, ok := answers[c.Path]
		if !ok {
			answer, ok = answers[answerRest]
		}
		switch {
		case ok && answer.side == answerYours:
			merged.Resolve(c, c.Ours)
		case ok && answer.side == "":
			merged.Resolve(c, &answer.text)
		case ok, c.TheirsHasOurs():
			merged.Resolve(c, c.Theirs)
		default:
			open = append(open, c)
		}
	}
	for _, path := range slices.Sorted(maps.Keys(answers)) {
		if err := answers[path].fits(path, conflicts[path]); err != nil {
			return nil, err
		}
	}
	if len(open) > 0 {
		paths := make([]string, len(open))
		for i, c := range open {
			paths[i] = c.Path
		}
		e := codeforge.Conflictf("The same places were changed since in %s: say what stands in each file, yours, job, or a text of your own", strings.Join(paths[:min(len(paths), 5)], ", "))
		e.Details = map[string]any{"paths": paths, "conflicts": merge.Places(open)}
		return nil, e
	}
	return merged.Files, merge.CheckPaths(merged.Files)
}

// changesOf are what makes one tree of another.
func changesOf(from, to map[string]string) []codeforge.FileChange {
	var out []codeforge.FileChange
	for _, p := range slices.Sorted(maps.Keys(to)) {
		if was, had := from[p]; !had || was != to[p] {
			out = append(out, codeforge.ChangeTo(p, to[p]))
		}
	}
	for _, p := range slices.Sorted(maps.Keys(from)) {
		if _, ok := to[p]; !ok {
			out = append(out, codeforge.FileChange{Path: p, Delete: true})
		}
	}
	return out
}

// filesOf are the files that contents by path make, in order.
func filesOf(contents map[string]string) []codeforge.File {
	files := make([]codeforge.File, 0, len(contents))
	for _, p := range slices.Sorted(maps.Keys(contents)) {
		f := codeforge.File{Path: p, Content: contents[p], Size: int64(len(contents[p]))}
		if b, ok := codeforge.BlobOf(contents[p]); ok {
			f.Content, f.Size = "", b.Size
			f.SetBlob(b.Hash)
		}
		files = append(files, f)
	}
	return files
}

// mergeChange makes a change of the newest revision of a project, verifies what comes of it and stores it, again while the
// project goes on.
func (s *server) mergeChange(ctx context.Context, projectID string, change func(now map[string]string) (map[string]string, error), store func(codeforge.TreeChange, []codeforge.Diagnostic) error) error {
	for range maxMoves {
		revision, now, err := s.newestTree(ctx, projectID)
		if err != nil {
			return err
		}
		files, err := change(now)
		if err != nil {
			return err
		}
		t, err := TreeOf(ctx, s.Store, caller(ctx), projectID, revision, filesOf(files))
		if err != nil {
			return err
		}
		report, err := s.check(ctx, t)
		if err != nil {
			return err
		}
		err = store(codeforge.TreeChange{Head: revision, Changes: changesOf(now, files), Verified: new(report.OK), Evidence: report.Evidence, Lock: report.Lock}, diagnosticsOf(report))
		if _, moved := codeforge.MovedTo(err); !moved {
			return err
		}
	}
	return codeforge.Conflictf("The project changes too fast to be merged with: try again")
}

type applyRequest struct {
	Paths   []string               `json:"paths,omitempty" exact:"true" minItems:"1" maxItems:"2000" doc:"The files to take over; left out: all. The others are dropped."`
	Resolve map[string]answerValue `json:"resolve,omitempty" exact:"true" doc:"What stands where the project was changed in the same places since, by path: yours, job, or {\"text\": ...} with the text of the file. * stands for all others."`
}

type applyInput struct {
	JobPath
	Body *applyRequest
}

// applied says what came of a proposal.
type applied struct {
	JobID       string                 `json:"job_id" format:"uuid"`
	Status      string                 `json:"status" enum:"completed,failed,cancelled" doc:"Of the job: one that waited is completed."`
	Revision    int64                  `json:"revision" doc:"The newest one that is of the job; 0: none, since nothing was left to apply."`
	Verified    bool                   `json:"verified" doc:"Whether its files pass a check."`
	Diagnostics []codeforge.Diagnostic `json:"diagnostics" doc:"What the check found."`
	Message     string                 `json:"message"`
}

type appliedOutput struct{ Body applied }

func (s *server) applyProposal(ctx context.Context, in *applyInput) (*appliedOutput, error) {
	body := in.Body
	if body == nil {
		body = &applyRequest{}
	}
	x, _ := exchangeOf(ctx)
	job, err := s.Store.GetJob(ctx, x.user, in.JobID)
	if err != nil {
		return nil, err
	}
	resolve, err := resolutions("resolve", body.Resolve)
	if err != nil {
		return nil, err
	}
	out, err := s.apply(ctx, job, body.Paths, resolve, nil)
	if err != nil {
		return nil, err
	}
	return &appliedOutput{*out}, nil
}

// apply takes over the proposal of a job: all of it, or some paths. said is what the user said to it, if in the conversation.
func (s *server) apply(ctx context.Context, job codeforge.Job, paths []string, answers map[string]resolution, said []codeforge.Message) (*applied, error) {
	u := caller(ctx)
	if job.Proposal == nil {
		if job.Status == codeforge.JobCompleted && job.Apply == codeforge.ApplyReview && job.Revision > 0 {
			return nil, codeforge.Conflictf("The proposal was applied already, as revision %d", job.Revision)
		}
		return nil, codeforge.NotFound("Proposal", job.ID)
	}
	seen := map[string]bool{}
	var p codeforge.Proposal
	change := func(now map[string]string) (map[string]string, error) {
		proposed, err := readSides(func(path string) bool {
			seen[path] = true
			return paths == nil || slices.Contains(paths, path)
		}, func(page codeforge.Page) (deltas []codeforge.FileDelta, err error) {
			p, deltas, err = s.Store.ReadProposal(ctx, u, job.ID, page)
			return deltas, err
		})
		for _, path := range paths {
			if err == nil && !seen[path] {
				err = codeforge.InvalidField("paths", "%q is not in the proposal", path)
			}
		}
		if err != nil {
			return nil, err
		}
		return settle(now, proposed, answers)
	}
	out := &applied{JobID: job.ID}
	err := s.mergeChange(ctx, job.ProjectID, change, func(change codeforge.TreeChange, found []codeforge.Diagnostic) error {
		change.Message = p.Message
		says := fmt.Sprintf("%s of the proposal: %s.", map[bool]string{true: "Applied all", false: "Applied a part"}[paths == nil], countFiles(len(change.Changes)))
		if len(change.Changes) == 0 {
			says = "Nothing of the proposal was left to apply: the project stays as it is."
		}
		if !*change.Verified {
			says += " The result does not build, and its revision is marked so."
		}
		done, err := s.Jobs.Apply(ctx, u, job.ID, codeforge.Application{TreeChange: change, Result: withoutQuestions(job.Result), Chat: append(said, jobMessage(&job, "assistant", says))})
		if err == nil {
			*out = applied{done.ID, string(done.Status), done.Revision, *change.Verified, found, says}
		}
		return err
	})
	return out, err
}

func countFiles(n int) string {
	if n == 1 {
		return "1 file changed"
	}
	return fmt.Sprintf("%d files changed", n)
}

// jobMessage is a line of the conversation about a job.
func jobMessage(job *codeforge.Job, role, says string) codeforge.Message {
	meta, _ := json.Marshal(map[string]string{"agent_type": string(job.Agent), "job_id": job.ID}) // strings alone
	return codeforge.Message{Role: role, Content: says, Metadata: meta}
}

// withoutQuestions is the result of a job that waited, as that of one that does not any more.
func withoutQuestions(result json.RawMessage) json.RawMessage {
	if len(result) == 0 {
		return nil
	}
	out := []byte{'{'}
	members(result, func(key, value []byte) {
		switch string(key) {
		case "is_complete", "questions", "message", "conflicts":
			return
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(appendString(out, string(key)), ':')
		out = append(out, value...)
	})
	return append(out, '}')
}

type rejectedOutput struct{ Body rejected }

type rejected struct {
	JobID   string `json:"job_id" format:"uuid"`
	Status  string `json:"status" enum:"completed,failed,cancelled" doc:"Of the job: one that waited is cancelled."`
	Message string `json:"message" example:"Proposal rejected"`
}

func (s *server) rejectProposal(ctx context.Context, in *JobPath) (*rejectedOutput, error) {
	u := caller(ctx)
	job, err := s.Store.GetJob(ctx, u, in.JobID)
	if err != nil {
		return nil, err
	}
	done, err := s.reject(ctx, job)
	if err != nil {
		return nil, err
	}
	return &rejectedOutput{rejected{done.ID, string(done.Status), "Proposal rejected"}}, nil
}

func (s *server) reject(ctx context.Context, job codeforge.Job) (codeforge.Job, error) {
	return s.Jobs.Reject(ctx, caller(ctx), job.ID, []codeforge.Message{jobMessage(&job, "assistant", "The proposal was rejected. Nothing of it is in the project.")})
}

// answerProposal takes the answers to a job that waits because of its proposal: what becomes of it as a whole, and what stands
// at paths that people changed too.
func (s *server) answerProposal(ctx context.Context, job codeforge.Job, set *answerSet) (status string, err error) {
	d, err := decide(job.Clarification, set.normalise(job.Clarification))
	if err != nil {
		return "", err
	}
	if d.reject {
		done, err := s.reject(ctx, job)
		return string(done.Status), err
	}
	out, err := s.apply(ctx, job, nil, d.resolve, []codeforge.Message{jobMessage(&job, "user", strings.Join(d.said, "\n"))})
	if err != nil {
		return "", err
	}
	return out.Status, nil
}

// takeBack ends a job and takes back what it changed in the project, leaving what people changed: of each of its revisions, the
// newest first.
func (s *server) takeBack(ctx context.Context, job codeforge.Job) (done codeforge.Job, err error) {
	u := caller(ctx)
	undo := func(now map[string]string) (map[string]string, error) {
		numbers, err := s.revisionsOf(ctx, u, job)
		for _, n := range numbers {
			if err != nil {
				return nil, err
			}
			var made sides
			made, err = readSides(func(string) bool { return true }, func(p codeforge.Page) ([]codeforge.FileDelta, error) {
				_, deltas, err := s.Store.RevisionDeltas(ctx, u, job.ProjectID, n, p)
				return deltas, err
			})
			if err == nil {
				now, err = settle(now, sides{made.after, made.before}, nil)
			}
		}
		return now, err
	}
	err = s.mergeChange(ctx, job.ProjectID, undo, func(change codeforge.TreeChange, _ []codeforge.Diagnostic) (err error) {
		change.Message = "Take back the changes of a cancelled job"
		if what := summaryOf(job); what != "" {
			change.Message = "Take back: " + what
		}
		done, err = s.Jobs.TakeBack(ctx, u, job.ID, change)
		return err
	})
	if e, ok := errors.AsType[*codeforge.Error](err); ok && e.Details["conflicts"] != nil { // there is nobody to answer
		err = &codeforge.Error{Kind: codeforge.Conflict, Details: e.Details,
			Message: "What the job wrote was changed since, so it cannot be taken back, and nothing was done: cancel without keep=false, and change these files by hand or restore a revision"}
	}
	return done, err
}

// summaryOf is what a job was to do, in its user's words, as far as they fit into a line; "": it does not say.
func summaryOf(job codeforge.Job) string {
	var in struct {
		Message string `json:"user_message"`
	}
	if json.Unmarshal(job.Input, &in) != nil {
		return ""
	}
	return shortened(strings.Join(strings.Fields(in.Message), " "))
}

// revisionsOf are the numbers of the revisions that a job made, newest first.
func (s *server) revisionsOf(ctx context.Context, u codeforge.User, job codeforge.Job) (numbers []int64, err error) {
	const size = 100
	for page := 1; ; page++ {
		rows, _, err := s.Store.ListRevisions(ctx, u, job.ProjectID, page, size)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			if r.Number <= job.Base {
				return numbers, nil
			}
			if r.JobID == job.ID && !slices.Contains(numbers, r.Number) { // pages shift while revisions are made
				numbers = append(numbers, r.Number)
			}
		}
		if len(rows) < size {
			return numbers, nil
		}
	}
}

// withNewestConflicts is the result of a job with its conflicts as they are now: people may have gone on while it waits.
func (s *server) withNewestConflicts(ctx context.Context, u codeforge.User, job *codeforge.Job) (json.RawMessage, error) {
	if job.Status != codeforge.Waiting || job.Proposal == nil || !offers(job.Clarification, answerJob) {
		return job.Result, nil
	}
	proposed, err := readSides(func(string) bool { return true }, func(p codeforge.Page) ([]codeforge.FileDelta, error) {
		_, deltas, err := s.Store.ReadProposal(ctx, u, job.ID, p)
		return deltas, err
	})
	if codeforge.IsKind(err, codeforge.Missing) { // it was answered in this moment
		return job.Result, nil
	}
	if err != nil {
		return nil, err
	}
	_, now, err := s.newestTree(ctx, job.ProjectID)
	if err != nil {
		return nil, err
	}
	places, err := json.Marshal(merge.Places(merge.Trees(proposed.before, now, proposed.after).Conflicts))
	return setMember(job.Result, "conflicts", places), err
}
