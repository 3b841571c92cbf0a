package api

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
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

// revisionDiff is what differs between two revisions.
type revisionDiff struct {
	ProjectID string `json:"project_id" format:"uuid"`
	Revision  int64  `json:"revision"`
	Base      int64  `json:"base" doc:"What it is compared with: the revision that from named, or the one before; 0: no files at all."`
	DiffBody
}

// DiffBody is what a diff shows.
type DiffBody struct {
	Files    diffPages  `json:"files" doc:"Sorted by path."`
	Counts   DiffCounts `json:"counts"`
	Unified  string     `json:"unified" doc:"All changes of texts that are shown as one patch, as git apply takes it."`
	TooLarge int        `json:"too_large" doc:"How many files changed too much to be shown, alone or with those before them."`
}

// DiffCounts are how many files and lines changed, shown or not.
type DiffCounts struct {
	Added     int `json:"added" doc:"Files."`
	Modified  int `json:"modified" doc:"Files."`
	Deleted   int `json:"deleted" doc:"Files."`
	Renamed   int `json:"renamed" doc:"Files."`
	Binary    int `json:"binary" doc:"Of all these files, those of which no lines can be shown."`
	Additions int `json:"additions" doc:"Lines."`
	Deletions int `json:"deletions" doc:"Lines."`
}

func (c *DiffCounts) add(f *fileDiff) {
	switch f.Status {
	case statusAdded:
		c.Added++
	case statusModified:
		c.Modified++
	case statusDeleted:
		c.Deleted++
	case statusRenamed:
		c.Renamed++
	}
	if f.Binary != "" {
		c.Binary++
	}
	c.Additions += f.Additions
	c.Deletions += f.Deletions
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

// What became of a file.
const (
	statusAdded    = "added"
	statusModified = "modified"
	statusDeleted  = "deleted"
	statusRenamed  = "renamed"
)

type fileDiff struct {
	Path       string     `json:"path"`
	OldPath    *string    `json:"old_path" doc:"Of a renamed file: the path that it had. Else null."`
	Status     string     `json:"status" enum:"added,modified,deleted,renamed" doc:"renamed: a file went, and one came whose content is the same."`
	OldVersion *int64     `json:"old_version" doc:"null: it did not exist."`
	NewVersion *int64     `json:"new_version" doc:"null: it was deleted."`
	Additions  int        `json:"additions" doc:"Lines."`
	Deletions  int        `json:"deletions" doc:"Lines."`
	Binary     string     `json:"binary,omitempty" example:"binary, 12 kB -> 14 kB" doc:"What became of a file that is no text of at most 100,000 characters, on one side or both; there are no lines then."`
	TooLarge   bool       `json:"too_large" doc:"The change is too large to be shown: the counts are right, hunks and unified empty."`
	Hunks      []diffHunk `json:"hunks"`
	Unified    string     `json:"unified" doc:"As a patch."`
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

type diffInput struct {
	RevisionPath
	From   OptionalParam[int64] `query:"from" minimum:"0" doc:"The revision to compare it with, older or newer; 0: no files at all. Left out: the one before."`
	Format string               `query:"format" enum:"json,patch" doc:"patch: what git apply takes, as an Accept header that names text/x-diff has it."`
}

func (s *server) diffRevision(ctx context.Context, in *diffInput) (*diffOutput, error) {
	u := caller(ctx)
	x, _ := exchangeOf(ctx)
	if err := x.acquireBytes(diffLoad); err != nil {
		return nil, err
	}
	base := in.Number - 1
	if in.From.given {
		base = in.From.Value
	}
	out := &revisionDiff{ProjectID: in.ProjectID, Revision: in.Number, Base: base}
	err := s.diffPages(ctx, &out.DiffBody, func(after string) ([]codeforge.FileDelta, error) {
		_, deltas, err := s.Store.CompareRevisions(ctx, u, in.ProjectID, base, in.Number, codeforge.Page{After: after, Bytes: pageBytes})
		return deltas, err
	})
	if err != nil {
		return nil, err
	}
	x.Header().Add("Vary", "Accept")
	if in.Format == "patch" || in.Format == "" && wantsPatch(x.r) {
		x.sendPatch(&out.Files, fmt.Sprintf("r%d-r%d.patch", base, in.Number))
		return nil, nil
	}
	return &diffOutput{out}, nil
}

// wantsPatch reports whether a patch is asked for, and no JSON.
func wantsPatch(r *http.Request) (wanted bool) {
	for media := range accepted(r) {
		switch media {
		case "application/json":
			return false
		case "text/x-diff", "text/x-patch":
			wanted = true
		}
	}
	return wanted
}

// sendPatch answers with the files of a diff as a patch. What is not in it is said in lines that git apply passes over.
func (x *exchange) sendPatch(d *diffPages, name string) {
	x.sendPieces("text/x-diff; charset=utf-8", name, func(out *bufio.Writer) error {
		shown := 0
		return d.each(func(f *fileDiff) error {
			part := f.Unified
			switch {
			case f.Binary != "":
				part = "# " + f.Path + ": " + f.Binary + ": " + f.Status + ", which is not in this patch\n"
			case f.TooLarge || len(part) > maxFileDiff || shown+len(part) > maxDiff:
				part = fmt.Sprintf("# %s: %s, %d lines more and %d less: too large for this patch\n", f.Path, f.Status, f.Additions, f.Deletions)
			}
			shown += len(part)
			_, err := out.WriteString(part)
			return err
		})
	})
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

// each shows the files of all pages, in order.
func (d *diffPages) each(show func(*fileDiff) error) error {
	files := d.files
	for deltas := d.first; len(deltas) > 0; {
		for i := range files {
			if err := show(&files[i]); err != nil {
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
	return nil
}

func (d *diffPages) stream(w *answerWriter) error {
	w.b = append(w.b, '[')
	var unified strings.Builder
	shown, n := 0, 0
	err := d.each(func(f *fileDiff) error {
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
		d.of.Counts.add(f)
		unified.WriteString(f.Unified)
		if n++; n > 1 {
			w.b = append(w.b, ',')
		}
		w.b = append(w.b, text...)
		return w.writePiece()
	})
	if err != nil {
		return err
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
	out := fileDiff{Path: d.Path, Hunks: []diffHunk{}}
	var from, to, before, after string
	if d.Old != nil {
		from, before, out.OldVersion = d.Old.Path, d.Old.Content, &d.Old.Version
	}
	if d.New != nil {
		to, after, out.NewVersion = d.New.Path, d.New.Content, &d.New.Version
	}
	switch {
	case d.Old == nil:
		out.Status = statusAdded
	case d.New == nil:
		out.Status = statusDeleted
	case from != to:
		out.Status, out.OldPath = statusRenamed, &from
	default:
		out.Status = statusModified
	}
	if out.Status != statusRenamed && (d.Old != nil && d.Old.Hash != "" || d.New != nil && d.New.Hash != "") {
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
	text, hunks, err := merge.FilePatch(from, to, before, edits)
	if err != nil {
		return fileDiff{}, err
	}
	out.Unified = text
	for _, h := range hunks {
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
