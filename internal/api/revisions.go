package api

import (
	"context"
	"time"

	"codeforge"
)

// Revision is one state of a project's files, as it is sent.
type Revision struct {
	Number       int64              `json:"revision" example:"3"`
	JobID        *string            `json:"job_id" format:"uuid" doc:"The job that made it; null: written by hand."`
	Author       string             `json:"author" doc:"user, or the agent type that wrote it." example:"builder"`
	Message      string             `json:"message"`
	FilesChanged int                `json:"files_changed"`
	Verified     *bool              `json:"verified" doc:"Whether its files build. null: nobody checked them yet, as after a write by hand; GET /check does. Of a job: it found no error that was not there before."`
	Evidence     codeforge.Evidence `json:"evidence" doc:"How far its files are known to get, step by step. Empty: nobody looked yet."`
	CreatedAt    time.Time          `json:"created_at"`
}

func revisionOf(r codeforge.Revision) Revision {
	out := Revision{r.Number, nil, r.Author, r.Message, r.FilesChanged, r.Verified, append(codeforge.Evidence{}, r.Evidence...), r.CreatedAt}
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
	Content bool   `query:"content" default:"true" doc:"false leaves the contents out."`
	Path    string `query:"path" maxLength:"1000" doc:"Only this file; none, where it was not there."`
}

// revisionState is a revision with all files as they were in it.
type revisionState struct {
	Revision
	ProjectID string    `json:"project_id" format:"uuid"`
	Count     int       `json:"count" written:"last"`
	Files     filePages `json:"files" doc:"All files as they were, sorted by path."`
}

func (r *revisionState) paged() bool { return r.Files.next != nil }

type getRevisionOutput struct{ Body *revisionState }

func (s *server) getRevision(ctx context.Context, in *getRevisionInput) (*getRevisionOutput, error) {
	r, pages, err := s.revisionPages(ctx, in)
	if err != nil {
		return nil, err
	}
	out := &revisionState{Revision: revisionOf(r), ProjectID: in.ProjectID, Files: pages}
	out.Files.count = &out.Count
	return &getRevisionOutput{out}, nil
}

// revisionPages reads what was asked for of the files of a revision.
func (s *server) revisionPages(ctx context.Context, in *getRevisionInput) (codeforge.Revision, filePages, error) {
	if in.Path == "" {
		return s.pages(ctx, in.ProjectID, in.Number, !in.Content)
	}
	only := codeforge.Page{Bare: true}
	if canBeStored(in.Path) {
		only = onlyAt(in.Path)
	}
	r, files, err := s.Store.RevisionFiles(ctx, caller(ctx), in.ProjectID, in.Number, only)
	p := filePages{bare: !in.Content}
	if len(files) > 0 && files[0].Path == in.Path {
		p.first = files[:1]
	}
	return r, p, err
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
