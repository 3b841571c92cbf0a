package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"codeforge"
	"codeforge/internal/verify"
)

// WorkingTree is what a job has made of its project's files by now: those of a revision, and on them what the job changed.
type WorkingTree struct {
	Job      codeforge.Job
	Revision int64 // that it lies on

	current  bool                    // Revision is the newest one, whichever that is
	proposed bool                    // the changes are the job's proposal
	changed  []codeforge.WorkingFile // by path, without contents
	store    Store
	user     codeforge.User
}

// ReadWorkingTree finds the working tree of a job of u, without contents. That of a job that has not begun is its project; of one
// that runs no more its proposal, where it has one, or else the revision that it made.
func ReadWorkingTree(ctx context.Context, store Store, u codeforge.User, jobID string) (*WorkingTree, error) {
	job, err := store.GetJob(ctx, u, jobID)
	if err != nil {
		return nil, err
	}
	t := &WorkingTree{Job: job, Revision: job.Base, store: store, user: u}
	open := job.Status == codeforge.Queued || job.Status == codeforge.Running
	switch {
	case job.Proposal != nil && !open:
		t.Revision, t.proposed = job.Proposal.Base, true
	case job.Status.Terminal() && job.Revision > 0:
		t.Revision = job.Revision
		return t, nil
	case job.Base == 0 && (job.StartedAt == nil || job.Status == codeforge.Queued): // it is fixed when the job is claimed
		t.current = true
	}
	t.changed, err = t.readChanged(ctx, codeforge.Page{Bare: true})
	return t, err
}

// readChanged reads a page of what the job changed.
func (t *WorkingTree) readChanged(ctx context.Context, p codeforge.Page) ([]codeforge.WorkingFile, error) {
	if !t.proposed {
		return t.store.WorkingFiles(ctx, t.user, t.Job.ID, p)
	}
	_, deltas, err := t.store.ReadProposal(ctx, t.user, t.Job.ID, p)
	files := make([]codeforge.WorkingFile, len(deltas))
	for i, d := range deltas {
		if files[i] = (codeforge.WorkingFile{Path: d.Path, Deleted: d.New == nil}); d.New != nil {
			files[i].Size, files[i].Content, files[i].Encoding, files[i].Hash = d.New.Size, d.New.Content, d.New.Encoding, d.New.Hash
		}
	}
	return files, err
}

// Version names the state of the tree.
func (t *WorkingTree) Version() string {
	sum := sha256.New()
	if t.proposed {
		fmt.Fprint(sum, t.Job.Proposal.CreatedAt.UnixNano())
	}
	for _, f := range t.changed {
		io.WriteString(sum, f.Path+"\x00"+f.Hash+"\x00")
	}
	return fmt.Sprint(t.Revision, "-", t.Job.Fence, "-", hex.EncodeToString(sum.Sum(nil)[:12]))
}

// base reads a page of the revision below.
func (t *WorkingTree) base(ctx context.Context, p codeforge.Page) ([]codeforge.File, error) {
	if t.Revision == 0 && !t.current {
		return nil, nil
	}
	_, files, err := t.store.RevisionFiles(ctx, t.user, t.Job.ProjectID, t.Revision, p)
	return files, err
}

// Tree reads the contents of all files, as they are looked at.
func (t *WorkingTree) Tree(ctx context.Context) (verify.Tree, error) {
	below, err := t.base(ctx, codeforge.Page{})
	if err != nil {
		return verify.Tree{}, err
	}
	files := make(map[string]codeforge.File, len(below)+len(t.changed))
	for _, f := range below {
		files[f.Path] = f
	}
	if len(t.changed) > 0 {
		changed, err := t.readChanged(ctx, codeforge.Page{})
		if err != nil {
			return verify.Tree{}, err
		}
		for _, f := range changed {
			if delete(files, f.Path); !f.Deleted {
				files[f.Path] = fileOfWorking(f)
			}
		}
	}
	rows := make([]codeforge.File, 0, len(files))
	for _, path := range slices.Sorted(maps.Keys(files)) {
		rows = append(rows, files[path])
	}
	return TreeOf(ctx, t.store, t.user, t.Job.ProjectID, t.Revision, rows)
}

// fileOfWorking is a working file as a file of a project.
func fileOfWorking(f codeforge.WorkingFile) codeforge.File {
	out := codeforge.File{Path: f.Path, Content: f.Content, Size: f.Size}
	if f.Encoding != "" {
		out.SetBlob(f.Hash)
	}
	return out
}

// workingFile is a file of a working tree as it is sent.
type workingFile struct {
	Path     string  `json:"path" example:"src/app.ts"`
	Language string  `json:"language" example:"typescript"`
	Size     int64   `json:"size" doc:"Bytes of the content."`
	Change   string  `json:"change" enum:"created,updated,none" doc:"What the job did to it so far."`
	Content  *string `json:"content,omitempty" doc:"Only of one that was asked for by its path, and is a text of at most 100,000 characters."`
	Encoding string  `json:"encoding,omitempty" enum:"base64" doc:"Of what is no such text."`
}

type workingList struct {
	JobID     string        `json:"job_id" format:"uuid"`
	ProjectID string        `json:"project_id" format:"uuid"`
	Status    string        `json:"status" enum:"queued,running,waiting_for_input,completed,failed,cancelled"`
	Revision  int64         `json:"revision" doc:"The state of the project that the job works on; of one that has ended with a revision, that revision."`
	Count     int           `json:"count"`
	Files     []workingFile `json:"files" doc:"Sorted by path."`
	Deleted   []string      `json:"deleted" doc:"Paths that the job deleted."`
}

type jobFilesInput struct {
	JobPath
	Path string `query:"path" maxLength:"1000" doc:"Only this file, with its content."`
}

type jobFilesOutput struct{ Body *workingList }

func (s *server) listJobFiles(ctx context.Context, in *jobFilesInput) (*jobFilesOutput, error) {
	x, _ := exchangeOf(ctx)
	t, err := ReadWorkingTree(ctx, s.Store, x.user, in.JobID)
	if err != nil {
		return nil, err
	}
	x.job = t.Job.ID
	if err := x.acquireBytes(pagedLoad); err != nil {
		return nil, err
	}
	out := &workingList{t.Job.ID, t.Job.ProjectID, string(t.Job.Status), t.Revision, 0, []workingFile{}, []string{}}
	if in.Path != "" {
		f, err := t.file(ctx, in.Path)
		if err != nil {
			return nil, err
		}
		out.Files = append(out.Files, f)
	} else if out.Files, out.Deleted, err = t.list(ctx); err != nil {
		return nil, err
	}
	out.Count = len(out.Files)
	return &jobFilesOutput{out}, nil
}

// list is the files of the tree without contents, and those that are gone.
func (t *WorkingTree) list(ctx context.Context) (files []workingFile, deleted []string, err error) {
	below, err := t.base(ctx, codeforge.Page{Bare: true})
	if err != nil {
		return nil, nil, err
	}
	all := make(map[string]workingFile, len(below)+len(t.changed))
	for _, f := range below {
		all[f.Path] = workingFile{f.Path, f.Language, f.Size, "none", nil, f.Encoding}
	}
	deleted = []string{}
	for _, f := range t.changed {
		was, had := all[f.Path]
		switch {
		case f.Deleted && had:
			delete(all, f.Path)
			deleted = append(deleted, f.Path)
		case f.Deleted: // it made it itself
		case had:
			all[f.Path] = workingFile{f.Path, was.Language, f.Size, "updated", nil, f.Encoding}
		default:
			all[f.Path] = workingFile{f.Path, codeforge.LanguageOf(f.Path), f.Size, "created", nil, f.Encoding}
		}
	}
	files = make([]workingFile, 0, len(all))
	for _, path := range slices.Sorted(maps.Keys(all)) {
		files = append(files, all[path])
	}
	return files, deleted, nil
}

// file is one file with its content.
func (t *WorkingTree) file(ctx context.Context, path string) (workingFile, error) {
	if !canBeStored(path) {
		return workingFile{}, codeforge.NotFound("File", strings.ToValidUTF8(path, "\ufffd"))
	}
	only := onlyAt(path)
	below, err := t.base(ctx, only)
	if err != nil {
		return workingFile{}, err
	}
	had := len(below) > 0 && below[0].Path == path
	if i, found := slices.BinarySearchFunc(t.changed, path, func(f codeforge.WorkingFile, path string) int { return strings.Compare(f.Path, path) }); found {
		changed, err := t.readChanged(ctx, only)
		if err != nil {
			return workingFile{}, err
		}
		if !t.changed[i].Deleted && len(changed) > 0 && changed[0].Path == path && !changed[0].Deleted {
			f := workingFile{path, codeforge.LanguageOf(path), changed[0].Size, "created", textContent(changed[0].Encoding, changed[0].Content), changed[0].Encoding}
			if had {
				f.Language, f.Change = below[0].Language, "updated"
			}
			return f, nil
		}
		had = false
	}
	if !had {
		return workingFile{}, codeforge.NotFound("File", path)
	}
	return workingFile{path, below[0].Language, below[0].Size, "none", textContent(below[0].Encoding, below[0].Content), below[0].Encoding}, nil
}

// textContent is the content of a file, if it is a text.
func textContent(encoding, content string) *string {
	if encoding != "" {
		return nil
	}
	return &content
}

// canBeStored reports whether a store can be asked for a path.
func canBeStored(path string) bool { return utf8.ValidString(path) && !strings.Contains(path, "\x00") }

// onlyAt is a page whose first file is the one at path, if there is one.
func onlyAt(path string) codeforge.Page { return codeforge.Page{After: justBefore(path), Bytes: 1} }

// justBefore is a text that sorts before path and after every other path before it, so that a page that begins after it begins with path.
func justBefore(path string) string {
	r, size := utf8.DecodeLastRuneInString(path)
	if r--; r == 0xDFFF {
		r = 0xD7FF // between them lie no characters
	}
	return path[:len(path)-size] + string(max(r, 1)) + "\U0010FFFF"
}
