package api

import (
	"context"
	"time"

	"codeforge"
	"codeforge/internal/preview"
	"codeforge/internal/verify"
)

var errNoPreviews = &codeforge.Error{Kind: codeforge.Unsupported, Message: "Previews are not available here"}

// previewState is what a preview shows, and why no more.
type previewState struct {
	URL         string                 `json:"url" format:"uri" doc:"Where a person opens it. It is given whatever the status: what is there opens, and what is not yet appears there."`
	Revision    int64                  `json:"revision" doc:"The state of the files that is shown; of a job, the one that its work lies on."`
	Status      string                 `json:"status" enum:"ready,partial,empty,no_page,needs_server,broken,unknown" doc:"ready: the project is shown. partial: without what the reason names. empty: there are no files. no_page: nothing in it is for a browser. needs_server: it is a program for a server. broken: it does not build. unknown: it could not be built just now."`
	Reason      string                 `json:"reason" doc:"Why it shows no more than it does, in words for people; empty when it shows all."`
	Evidence    codeforge.Evidence     `json:"evidence" doc:"How far what is shown is known to get, step by step."`
	Diagnostics []codeforge.Diagnostic `json:"diagnostics" doc:"The errors, of one that does not build."`
}

type previewOutput struct{ Body previewState }

type previewInput struct {
	ProjectPath
	Revision int64 `query:"revision" minimum:"1" doc:"An older revision, which is shown on an origin of its own. Left out: the newest."`
	Fresh    bool  `query:"fresh" doc:"true: what the program stored in the browser is cleared when the address is opened."`
}

func (s *server) previewProject(ctx context.Context, in *previewInput) (*previewOutput, error) {
	u := caller(ctx)
	p, err := s.Store.GetProject(ctx, u, in.ProjectID)
	if err != nil {
		return nil, err
	}
	if s.Preview == nil {
		return nil, errNoPreviews
	}
	out := previewState{Revision: p.Revision}
	if in.Revision > 0 {
		out.Revision = in.Revision
	}
	rev, err := s.shownRevision(ctx, p, in.Revision)
	if err != nil {
		return nil, err
	}
	x, _ := exchangeOf(ctx)
	scheme, host := s.reached(x.r)
	out.URL = s.Preview.Address(scheme, host, u, p.ID, in.Revision, in.Fresh)
	st, err := s.Preview.State(preview.WithAdmission(ctx, s.admission(false)), u, p.ID, in.Revision)
	return out.with(st, rev.Evidence, err)
}

// shownRevision is what is stored of a revision of a project (0: the newest), nothing of one that has none.
func (s *server) shownRevision(ctx context.Context, p codeforge.Project, number int64) (codeforge.Revision, error) {
	if number == 0 && p.Revision == 0 {
		return codeforge.Revision{}, nil
	}
	rev, _, err := s.Store.RevisionFiles(ctx, caller(ctx), p.ID, number, codeforge.Page{Bare: true, Bytes: 1})
	return rev, err
}

// with adds what a preview says of itself. What was seen of the files before, in a browser too, says more than the build of it.
func (p previewState) with(st preview.State, known codeforge.Evidence, err error) (*previewOutput, error) {
	p.Diagnostics = []codeforge.Diagnostic{}
	switch {
	case codeforge.IsKind(err, codeforge.Unavailable), codeforge.IsKind(err, codeforge.RateLimited):
		p.Status, p.Reason = "unknown", "The preview could not be built at this moment."
	case err != nil:
		return nil, err
	default:
		p.Status, p.Reason = string(st.Status), st.Reason
		if st.Revision > 0 {
			p.Revision = st.Revision
		}
		if st.Status == preview.Broken {
			for _, d := range diagnosticsOf(st.Report) {
				if d.Severity == verify.SeverityError {
					p.Diagnostics = append(p.Diagnostics, d)
				}
			}
		}
		if len(known) == 0 {
			known = st.Report.Evidence
		}
	}
	p.Evidence = append(codeforge.Evidence{}, known...)
	return &previewOutput{p}, nil
}

type jobPreviewInput struct {
	JobPath
	Fresh bool `query:"fresh" doc:"true: what the program stored in the browser is cleared when the address is opened."`
}

func (s *server) previewJob(ctx context.Context, in *jobPreviewInput) (*previewOutput, error) {
	x, _ := exchangeOf(ctx)
	t, err := ReadWorkingTree(ctx, s.Store, x.user, in.JobID)
	if err != nil {
		return nil, err
	}
	if s.Preview == nil {
		return nil, errNoPreviews
	}
	x.job = t.Job.ID
	scheme, host := s.reached(x.r)
	out := previewState{URL: s.Preview.JobAddress(scheme, host, x.user, t.Job.ID, in.Fresh), Revision: t.Revision}
	st, err := s.Preview.JobState(preview.WithAdmission(ctx, s.admission(false)), x.user, t.Job.ID)
	return out.with(st, nil, err)
}

type previewErrorsInput struct {
	ProjectPath
	Revision int64  `query:"revision" minimum:"1" doc:"Those of an older revision. Left out: of the newest."`
	JobID    string `query:"job_id" format:"uuid" doc:"Those of the working tree of a job instead."`
}

// previewError is what went wrong in a page, as it is sent.
type previewError struct {
	Revision int64     `json:"revision" doc:"That the page showed."`
	JobID    *string   `json:"job_id" format:"uuid" doc:"Whose working tree the page showed, if any."`
	Kind     string    `json:"kind" enum:"error,rejection,load,blocked" doc:"error: an exception that nothing caught. rejection: a promise whose rejection nothing handled. load: a script, style sheet or picture that did not load. blocked: what previews load from nowhere else."`
	Message  string    `json:"message"`
	File     string    `json:"file" doc:"Of the project where that is known, else the address of what was built."`
	Line     int       `json:"line" doc:"From 1; 0: not known."`
	Column   int       `json:"column"`
	Stack    string    `json:"stack" doc:"A line for each place, the innermost first."`
	Page     string    `json:"page" doc:"The address that was open."`
	Count    int       `json:"count" doc:"How often it was seen."`
	FirstAt  time.Time `json:"first_at"`
	LastAt   time.Time `json:"last_at"`
}

type previewErrorList struct {
	Revision int64          `json:"revision" doc:"Whose errors these are."`
	Items    []previewError `json:"items" doc:"The last seen first. What they say was written by the page: show it as text."`
}

type previewErrorsOutput struct{ Body previewErrorList }

func (s *server) listPreviewErrors(ctx context.Context, in *previewErrorsInput) (*previewErrorsOutput, error) {
	u := caller(ctx)
	p, err := s.Store.GetProject(ctx, u, in.ProjectID)
	if err != nil {
		return nil, err
	}
	out := previewErrorList{Revision: p.Revision, Items: []previewError{}}
	if in.Revision > 0 {
		out.Revision = in.Revision
	}
	job := ""
	if in.JobID != "" {
		j, err := s.Store.GetJob(ctx, u, in.JobID)
		if err != nil {
			return nil, err
		}
		if j.ProjectID != p.ID {
			return nil, codeforge.NotFound("Job", in.JobID)
		}
		job, out.Revision = j.ID, j.Base
	}
	list, err := s.Store.PreviewErrors(ctx, u, p.ID, in.Revision, job)
	if err != nil {
		return nil, err
	}
	for _, e := range list {
		item := previewError{e.Revision, nil, string(e.Kind), e.Message, e.File, e.Line, e.Column, e.Stack, e.Page, e.Count, e.FirstAt, e.LastAt}
		if e.JobID != "" {
			item.JobID = &e.JobID
		}
		out.Items = append(out.Items, item)
	}
	return &previewErrorsOutput{out}, nil
}
