package api

import (
	"context"
	"encoding/json"
	"reflect"
	"strings"

	"github.com/aymanbagabas/go-udiff"
	"github.com/danielgtaylor/huma/v2"

	"codeforge"
	"codeforge/internal/merge"
)

const (
	// maxFileDiff and maxDiff bound, as JSON, what is shown of one file's change and of all. Beyond them only counts are told.
	maxFileDiff = 1 << 20
	maxDiff     = 8 << 20
	// maxDiffLines bounds the changed lines of a file that are shown: nobody reads more, and laying them out costs most.
	maxDiffLines = 10_000
	// diffLoad is what a diff holds while it is written: a page of both sides, what is shown of it, and the unified whole.
	diffLoad = 12 << 20
)

// revisionDiff is what one revision changed.
type revisionDiff struct {
	ProjectID string `json:"project_id" format:"uuid"`
	Revision  int64  `json:"revision"`
	Base      int64  `json:"base" doc:"The revision before it; 0: none."`
	DiffBody
}

// DiffBody is what a diff shows.
type DiffBody struct {
	Files    diffPages `json:"files" doc:"Sorted by path."`
	Unified  string    `json:"unified" doc:"All changes of texts that are shown as one unified diff, as git apply takes it."`
	TooLarge int       `json:"too_large" doc:"How many files changed too much to be shown."`
}

func (*DiffBody) paged() bool { return true }

// diffPages are the files of a diff: the first page, compared, and how to get the others.
type diffPages struct {
	of    *DiffBody
	first []codeforge.FileDelta
	files []fileDiff // of the first page
	next  func(after string) ([]codeforge.FileDelta, error)
	diff  func([]codeforge.FileDelta) ([]fileDiff, error)
}

func (diffPages) Schema(r huma.Registry) *huma.Schema {
	return r.Schema(reflect.TypeFor[[]fileDiff](), true, "")
}

type fileDiff struct {
	Path       string     `json:"path"`
	Status     string     `json:"status" enum:"added,modified,deleted"`
	OldVersion *int64     `json:"old_version" doc:"null: it did not exist."`
	NewVersion *int64     `json:"new_version" doc:"null: it was deleted."`
	Additions  int        `json:"additions" doc:"Lines."`
	Deletions  int        `json:"deletions" doc:"Lines."`
	Binary     string     `json:"binary,omitempty" example:"binary, 12 kB -> 14 kB" doc:"What became of a file that is no text of at most 100,000 characters, on one side or both; there are no lines then."`
	TooLarge   bool       `json:"too_large" doc:"The change is too large to be shown: the counts are right, hunks and unified empty."`
	Hunks      []diffHunk `json:"hunks"`
	Unified    string     `json:"unified"`
}

type diffHunk struct {
	OldStart int        `json:"old_start" doc:"First line in the old text, from 1."`
	NewStart int        `json:"new_start" doc:"First line in the new text, from 1."`
	Lines    []diffLine `json:"lines"`
}

type diffLine struct {
	Kind string `json:"kind" enum:"context,add,delete"`
	Text string `json:"text" doc:"The line, without its end."`
}

type diffOutput struct{ Body *revisionDiff }

func (s *server) diffRevision(ctx context.Context, in *RevisionPath) (*diffOutput, error) {
	u := caller(ctx)
	x, _ := exchangeOf(ctx)
	if err := x.acquireBytes(diffLoad); err != nil {
		return nil, err
	}
	var r codeforge.Revision
	out := &revisionDiff{ProjectID: in.ProjectID}
	err := s.diffPages(ctx, &out.DiffBody, func(after string) (deltas []codeforge.FileDelta, err error) {
		r, deltas, err = s.Store.RevisionDeltas(ctx, u, in.ProjectID, in.Number, codeforge.Page{After: after, Bytes: pageBytes})
		return deltas, err
	})
	if err != nil {
		return nil, err
	}
	out.Revision, out.Base = r.Number, r.Number-1
	return &diffOutput{out}, nil
}

// diffPages reads and compares the first page of what is to be shown, so that a busy server can still say so, and sets how the
// others come.
func (s *server) diffPages(ctx context.Context, out *DiffBody, page func(after string) ([]codeforge.FileDelta, error)) error {
	first, err := page("")
	if err != nil {
		return err
	}
	out.Files = diffPages{of: out, first: first, next: page,
		// A place is held while a page is compared, not while it is written.
		diff: func(deltas []codeforge.FileDelta) ([]fileDiff, error) {
			done, err := s.busy(ctx)
			if err != nil {
				return nil, err
			}
			defer done()
			out := make([]fileDiff, len(deltas))
			for i, d := range deltas {
				if ctx.Err() != nil {
					return nil, context.Cause(ctx)
				}
				if out[i], err = diffFile(d); err != nil {
					return nil, err
				}
			}
			return out, nil
		}}
	out.Files.files, err = out.Files.diff(first)
	return err
}

func (d *diffPages) stream(w *answerWriter) error {
	w.b = append(w.b, '[')
	var unified strings.Builder
	shown, n, files := 0, 0, d.files
	for deltas := d.first; len(deltas) > 0; {
		for i := range files {
			f := &files[i]
			text, err := json.Marshal(f)
			if err != nil {
				return err
			}
			if len(text) > maxFileDiff || shown+len(text) > maxDiff {
				f.TooLarge, f.Hunks, f.Unified = true, []diffHunk{}, ""
				if text, err = json.Marshal(f); err != nil {
					return err
				}
			} else {
				shown += len(text)
			}
			if f.TooLarge {
				d.of.TooLarge++
			}
			unified.WriteString(f.Unified)
			if n++; n > 1 {
				w.b = append(w.b, ',')
			}
			w.b = append(w.b, text...)
			if err := w.writePiece(); err != nil {
				return err
			}
		}
		if !fullDeltas(deltas) {
			break
		}
		var err error
		if deltas, err = d.next(deltas[len(deltas)-1].Path); err != nil {
			return err
		}
		if files, err = d.diff(deltas); err != nil {
			return err
		}
	}
	w.b = append(w.b, ']')
	d.of.Unified = unified.String()
	return nil
}

// fullDeltas reports whether a page was cut at its bound, so that there may be another.
func fullDeltas(deltas []codeforge.FileDelta) bool {
	var n int64
	for _, d := range deltas {
		for _, f := range []*codeforge.File{d.Old, d.New} {
			if f != nil {
				n += textBytes(f)
			}
		}
	}
	return n >= pageBytes
}

func diffFile(d codeforge.FileDelta) (fileDiff, error) {
	out := fileDiff{Path: d.Path, Status: "modified", Hunks: []diffHunk{}}
	from, to := "a/"+d.Path, "b/"+d.Path
	var before, after string
	if d.Old != nil {
		before, out.OldVersion = d.Old.Content, &d.Old.Version
	} else {
		from, out.Status = "/dev/null", "added"
	}
	if d.New != nil {
		after, out.NewVersion = d.New.Content, &d.New.Version
	} else {
		to, out.Status = "/dev/null", "deleted"
	}
	if d.Old != nil && d.Old.Hash != "" || d.New != nil && d.New.Hash != "" {
		out.Binary = changeOfBlob(d)
		return out, nil
	}
	edits := udiff.Lines(before, after)
	for _, e := range edits {
		out.Deletions += lines(before[e.Start:e.End])
		out.Additions += lines(e.New)
	}
	if out.Additions+out.Deletions > maxDiffLines {
		out.TooLarge = true
		return out, nil
	}
	u, err := merge.Unified(from, to, before, edits)
	if err != nil {
		return fileDiff{}, err
	}
	for _, h := range u.Hunks {
		hunk := diffHunk{h.FromLine, h.ToLine, make([]diffLine, 0, len(h.Lines))}
		for _, l := range h.Lines {
			kind := "context"
			switch l.Kind {
			case udiff.Insert:
				kind = "add"
			case udiff.Delete:
				kind = "delete"
			}
			hunk.Lines = append(hunk.Lines, diffLine{kind, strings.TrimSuffix(l.Content, "\n")})
		}
		out.Hunks = append(out.Hunks, hunk)
	}
	out.Unified = u.String()
	return out, nil
}

// changeOfBlob says what became of a file that is a blob on one side, or on both.
func changeOfBlob(d codeforge.FileDelta) string {
	describe := func(f *codeforge.File) (kind, size string) {
		switch {
		case f == nil:
			return "", ""
		case f.Hash == "":
			kind = "text"
		default:
			kind = codeforge.Blob{Hash: f.Hash, Size: f.Size}.Kind(d.Path)
		}
		return kind, codeforge.Bytes(f.Size)
	}
	was, before := describe(d.Old)
	is, after := describe(d.New)
	switch {
	case d.Old == nil:
		return is + ", " + after
	case d.New == nil:
		return was + ", " + before
	case was != is:
		return was + ", " + before + " -> " + is + ", " + after
	}
	return is + ", " + before + " -> " + after
}

// lines counts the lines of a text; the last one may lack its end.
func lines(s string) int {
	n := strings.Count(s, "\n")
	if s != "" && s[len(s)-1] != '\n' {
		n++
	}
	return n
}
