package api

import (
	"context"
	"strings"
	"time"

	"github.com/aymanbagabas/go-udiff"

	"codeforge"
)

// Revision is one state of a project's files, as it is sent.
type Revision struct {
	Number       int64     `json:"revision" example:"3"`
	JobID        *string   `json:"job_id" format:"uuid" doc:"The job that made it; null: written by hand."`
	Author       string    `json:"author" doc:"user, or the agent type that wrote it." example:"builder"`
	Message      string    `json:"message"`
	FilesChanged int       `json:"files_changed"`
	CreatedAt    time.Time `json:"created_at"`
}

func revisionOf(r codeforge.Revision) Revision {
	out := Revision{r.Number, nil, r.Author, r.Message, r.FilesChanged, r.CreatedAt}
	if r.JobID != "" {
		out.JobID = &r.JobID
	}
	return out
}

type listRevisionsInput struct {
	ProjectPath
	Page     int `query:"page" minimum:"1" maximum:"1000000" default:"1"`
	PageSize int `query:"page_size" minimum:"1" maximum:"100" default:"20"`
}

type revisionList struct {
	Items []Revision `json:"items" doc:"Newest first."`
	Paging
}

type listRevisionsOutput struct{ Body revisionList }

func (s *server) listRevisions(ctx context.Context, in *listRevisionsInput) (*listRevisionsOutput, error) {
	rows, total, err := s.Store.ListRevisions(ctx, caller(ctx), in.ProjectID, in.Page, in.PageSize)
	if err != nil {
		return nil, err
	}
	items := make([]Revision, 0, len(rows))
	for _, r := range rows {
		items = append(items, revisionOf(r))
	}
	return &listRevisionsOutput{revisionList{items, pageOf(total, in.Page, in.PageSize)}}, nil
}

// RevisionPath is a revision in the path of a request.
type RevisionPath struct {
	ProjectPath
	Number int64 `path:"n" minimum:"1" doc:"Number of the revision, from 1."`
}

type getRevisionInput struct {
	RevisionPath
	Content bool `query:"content" default:"true" doc:"false leaves the contents out."`
}

// revisionState is a revision with all files as they were in it.
type revisionState struct {
	Revision
	ProjectID string `json:"project_id" format:"uuid"`
	Count     int    `json:"count"`
	Files     []file `json:"files" doc:"All files as they were, sorted by path."`

	rows    []codeforge.File
	content bool
}

func (r *revisionState) appendJSON(b []byte) []byte {
	b = append(b, '{')
	b = appendInt(b, "revision", r.Number)
	b = appendKey(b, "job_id")
	if r.JobID == nil {
		b = append(b, "null"...)
	} else {
		b = appendString(b, *r.JobID)
	}
	b = appendText(b, "author", r.Author)
	b = appendText(b, "message", r.Message)
	b = appendInt(b, "files_changed", int64(r.FilesChanged))
	b = appendTime(b, "created_at", r.CreatedAt)
	b = appendText(b, "project_id", r.ProjectID)
	b = appendInt(b, "count", int64(len(r.rows)))
	b = append(appendKey(b, "files"), '[')
	for i := range r.rows {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendFile(b, &r.rows[i], r.content)
	}
	return append(b, ']', '}')
}

type getRevisionOutput struct{ Body *revisionState }

func (s *server) getRevision(ctx context.Context, in *getRevisionInput) (*getRevisionOutput, error) {
	r, rows, err := s.Store.RevisionFiles(ctx, caller(ctx), in.ProjectID, in.Number, codeforge.Page{Bare: !in.Content})
	if err != nil {
		return nil, err
	}
	return &getRevisionOutput{&revisionState{Revision: revisionOf(r), ProjectID: in.ProjectID, rows: rows, content: in.Content}}, nil
}

// revisionDiff is what one revision changed.
type revisionDiff struct {
	ProjectID string     `json:"project_id" format:"uuid"`
	Revision  int64      `json:"revision"`
	Base      int64      `json:"base" doc:"The revision before it; 0: none."`
	Files     []fileDiff `json:"files" doc:"Sorted by path."`
	Unified   string     `json:"unified" doc:"All changes as one unified diff, as git apply takes it."`
}

type fileDiff struct {
	Path       string     `json:"path"`
	Status     string     `json:"status" enum:"added,modified,deleted"`
	OldVersion *int64     `json:"old_version" doc:"null: it did not exist."`
	NewVersion *int64     `json:"new_version" doc:"null: it was deleted."`
	Additions  int        `json:"additions" doc:"Lines."`
	Deletions  int        `json:"deletions" doc:"Lines."`
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

type diffOutput struct{ Body revisionDiff }

func (s *server) diffRevision(ctx context.Context, in *RevisionPath) (*diffOutput, error) {
	r, deltas, err := s.Store.RevisionDeltas(ctx, caller(ctx), in.ProjectID, in.Number, codeforge.Page{})
	if err != nil {
		return nil, err
	}
	done, err := s.busy(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	out := revisionDiff{ProjectID: in.ProjectID, Revision: r.Number, Base: r.Number - 1, Files: make([]fileDiff, 0, len(deltas))}
	var all strings.Builder
	for _, d := range deltas {
		f, err := diffFile(d)
		if err != nil {
			return nil, err
		}
		all.WriteString(f.Unified)
		out.Files = append(out.Files, f)
	}
	out.Unified = all.String()
	return &diffOutput{out}, nil
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
	u, err := udiff.ToUnifiedDiff(from, to, before, udiff.Lines(before, after), 3)
	if err != nil {
		return fileDiff{}, err
	}
	out.Unified = u.String()
	for _, h := range u.Hunks {
		hunk := diffHunk{h.FromLine, h.ToLine, make([]diffLine, 0, len(h.Lines))}
		for _, l := range h.Lines {
			kind := "context"
			switch l.Kind {
			case udiff.Insert:
				kind = "add"
				out.Additions++
			case udiff.Delete:
				kind = "delete"
				out.Deletions++
			}
			hunk.Lines = append(hunk.Lines, diffLine{kind, strings.TrimSuffix(l.Content, "\n")})
		}
		out.Hunks = append(out.Hunks, hunk)
	}
	return out, nil
}

type restoreInput struct {
	RevisionPath
	IfMatchHeader
}

type restoreOutput struct{ Body Revision }

func (s *server) restoreRevision(ctx context.Context, in *restoreInput) (*restoreOutput, error) {
	cond, err := parseIfMatch(in.IfMatch)
	if err != nil {
		return nil, s.ownFirst(ctx, in.ProjectID, err)
	}
	r, err := s.Store.RestoreRevision(ctx, caller(ctx), in.ProjectID, in.Number, cond.number)
	if err != nil {
		return nil, err
	}
	return &restoreOutput{revisionOf(r)}, nil
}
