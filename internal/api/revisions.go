package api

import (
	"context"
	"time"

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

	pages filePages
}

func (r *revisionState) appendJSON(b []byte) []byte {
	b = r.appendHead(b)
	b = appendInt(b, "count", int64(len(r.pages.first)))
	return append(r.pages.appendJSON(appendKey(b, "files")), '}')
}

func (r *revisionState) whole() bool { return r.pages.next == nil }

func (r *revisionState) writePages(w *pageWriter) error {
	w.b = appendKey(r.appendHead(w.b), "files")
	n, err := r.pages.write(w)
	w.b = append(appendInt(w.b, "count", int64(n)), '}')
	return err
}

func (r *revisionState) appendHead(b []byte) []byte {
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
	return appendText(b, "project_id", r.ProjectID)
}

type getRevisionOutput struct{ Body *revisionState }

func (s *server) getRevision(ctx context.Context, in *getRevisionInput) (*getRevisionOutput, error) {
	r, pages, err := s.pages(ctx, in.ProjectID, in.Number, !in.Content)
	if err != nil {
		return nil, err
	}
	return &getRevisionOutput{&revisionState{Revision: revisionOf(r), ProjectID: in.ProjectID, pages: pages}}, nil
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
