package cache

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"codeforge"
)

// Inner is what a Store asks of the store behind it: all reads that it keeps, and all writes that touch what it keeps.
type Inner interface {
	GetProject(ctx context.Context, u codeforge.User, id string) (codeforge.Project, error)
	ListProjects(ctx context.Context, u codeforge.User, f codeforge.ProjectFilter) ([]codeforge.Project, int, error)
	CreateProject(ctx context.Context, u codeforge.User, p codeforge.Project) (codeforge.Project, error)
	CopyProject(ctx context.Context, u codeforge.User, n codeforge.ProjectCopy) (codeforge.Project, bool, error)
	UpdateProject(ctx context.Context, u codeforge.User, id string, p codeforge.ProjectPatch) (codeforge.Project, error)

	DeleteProject(ctx context.Context, u codeforge.User, id string, ifRevision *int64) (codeforge.DeletedProject, error)

	GetFile(ctx context.Context, u codeforge.User, projectID, path string) (codeforge.File, error)
	ListFiles(ctx context.Context, u codeforge.User, projectID string, contents bool, unless int64) (files []codeforge.File, revision int64, err error)
	WriteFile(ctx context.Context, u codeforge.User, projectID string, w codeforge.FileWrite) (codeforge.File, error)
	DeleteFile(ctx context.Context, u codeforge.User, projectID, path string, ifVersion *int64) error
	RestoreRevision(ctx context.Context, u codeforge.User, projectID string, number int64, ifRevision *int64) (codeforge.Revision, error)
	WriteRevision(ctx context.Context, u codeforge.User, projectID string, change codeforge.TreeChange) (codeforge.Revision, error)
	PushRevisions(ctx context.Context, u codeforge.User, projectID string, push codeforge.Push) ([]codeforge.Revision, error)

	GetJob(ctx context.Context, u codeforge.User, id string) (codeforge.Job, error)
	ProjectForJob(ctx context.Context, f codeforge.Fence) (codeforge.Project, error)
	KeepStage(ctx context.Context, f codeforge.Fence, stage codeforge.StageResult) (codeforge.Kept, error)
	CancelJob(ctx context.Context, u codeforge.User, id string) (codeforge.Finished, error)
	TakeBackJob(ctx context.Context, u codeforge.User, id string, undo codeforge.TreeChange) (codeforge.Finished, error)
	ApplyProposal(ctx context.Context, u codeforge.User, id string, a codeforge.Application) (codeforge.Finished, error)
	RejectProposal(ctx context.Context, u codeforge.User, id string, chat []codeforge.Message) (codeforge.Finished, error)
	RespondJob(ctx context.Context, u codeforge.User, id, alias string, answers []byte) (codeforge.Finished, error)
	SweepJobs(ctx context.Context, before time.Time) (int, error)
}

// Store answers the reads of [Inner] from what it keeps.
//
// Of jobs those alone are kept that nothing but a person moves on: they ended, or wait for an answer. A queued or running one
// changes with every report of its worker, and what it waits for with other jobs, so the engine's writes, of which there are
// many, touch nothing; but for what a stage changes in its project.
type Store struct {
	inner   Inner
	backend Backend
	flights flights
	count   counters
	await   func(ctx context.Context, done <-chan struct{}) // replaced by tests
}

// New returns a cache before a store.
func New(inner Inner, b Backend) *Store { return &Store{inner: inner, backend: b, await: await} }

// projectScope holds a project and its files, listScope the lists of a user's projects, jobScope one job.
func projectScope(user, id string) Scope { return Scope{user, "project:" + id} }
func listScope(user string) Scope        { return Scope{user, "projects"} }
func jobScope(user, id string) Scope     { return Scope{user, "job:" + id} }

// changed are the scopes of whatever changes a project.
func changed(user, projectID string) []Scope {
	return []Scope{projectScope(user, projectID), listScope(user)}
}

// What values take in memory, about.
const (
	projectCost = 500
	jobCost     = 600
	fileCost    = 400
)

func projectSize(p *codeforge.Project) int {
	n := projectCost + len(p.Title) + len(p.Description) + len(p.Requirements) + len(p.Architecture)
	for _, t := range p.TechStack {
		n += len(t) + 16
	}
	return n
}

// GetProject reads through the cache.
func (s *Store) GetProject(ctx context.Context, u codeforge.User, id string) (codeforge.Project, error) {
	return read(ctx, s, Key{projectScope(u.ID, id), "row"}, func(ctx context.Context) (codeforge.Project, error) { return s.inner.GetProject(ctx, u, id) }, projectSize)
}

// projectPage is one page of a list of projects.
type projectPage struct {
	List  []codeforge.Project
	Total int
}

// ListProjects reads through the cache.
func (s *Store) ListProjects(ctx context.Context, u codeforge.User, f codeforge.ProjectFilter) ([]codeforge.Project, int, error) {
	k := Key{listScope(u.ID), fmt.Sprintf("%s %s %d %d", f.Mode, f.Status, f.Page, f.Size)}
	page, err := read(ctx, s, k, func(ctx context.Context) (p projectPage, err error) {
		p.List, p.Total, err = s.inner.ListProjects(ctx, u, f)
		return p, err
	}, func(p *projectPage) int {
		n := 100
		for i := range p.List {
			n += projectSize(&p.List[i])
		}
		return n
	})
	return slices.Clone(page.List), page.Total, err
}

// GetFile reads through the cache.
func (s *Store) GetFile(ctx context.Context, u codeforge.User, projectID, path string) (codeforge.File, error) {
	return read(ctx, s, Key{projectScope(u.ID, projectID), "file:" + path},
		func(ctx context.Context) (codeforge.File, error) { return s.inner.GetFile(ctx, u, projectID, path) },
		func(f *codeforge.File) int { return fileCost + len(f.Path) + len(f.Content) })
}

// ListFiles answers from the cache whether a list is still the newest one. Lists themselves are kept as they are sent, by their
// revision, where they are written.
func (s *Store) ListFiles(ctx context.Context, u codeforge.User, projectID string, contents bool, unless int64) (files []codeforge.File, revision int64, err error) {
	if unless >= 0 {
		p, err := s.GetProject(ctx, u, projectID)
		if err != nil || p.Revision == unless {
			return nil, p.Revision, err
		}
	}
	return s.inner.ListFiles(ctx, u, projectID, contents, unless)
}

// GetJob reads through the cache.
func (s *Store) GetJob(ctx context.Context, u codeforge.User, id string) (codeforge.Job, error) {
	return read(ctx, s, Key{jobScope(u.ID, id), "row"}, func(ctx context.Context) (codeforge.Job, error) { return s.inner.GetJob(ctx, u, id) }, func(j *codeforge.Job) int {
		if j.ID != id || !j.Status.Terminal() && j.Status != codeforge.Waiting { // under an alias no write would find it
			return 0
		}
		return jobCost + len(j.Input) + len(j.Result) + len(j.Error) + len(j.Clarification)
	})
}

// CreateProject touches the lists of its user.
func (s *Store) CreateProject(ctx context.Context, u codeforge.User, p codeforge.Project) (codeforge.Project, error) {
	return write(ctx, s, []Scope{listScope(u.ID)}, func() (codeforge.Project, error) { return s.inner.CreateProject(ctx, u, p) })
}

// CopyProject touches the lists of its user.
func (s *Store) CopyProject(ctx context.Context, u codeforge.User, n codeforge.ProjectCopy) (made codeforge.Project, fresh bool, err error) {
	made, err = write(ctx, s, []Scope{listScope(u.ID)}, func() (p codeforge.Project, err error) {
		p, fresh, err = s.inner.CopyProject(ctx, u, n)
		return p, err
	})
	return made, fresh, err
}

// UpdateProject touches the project.
func (s *Store) UpdateProject(ctx context.Context, u codeforge.User, id string, p codeforge.ProjectPatch) (codeforge.Project, error) {
	return write(ctx, s, changed(u.ID, id), func() (codeforge.Project, error) { return s.inner.UpdateProject(ctx, u, id, p) })
}

// DeleteProject touches the project, and then the jobs that went with it: which ones these were, only the deletion knows.
func (s *Store) DeleteProject(ctx context.Context, u codeforge.User, id string, ifRevision *int64) (codeforge.DeletedProject, error) {
	deleted, err := write(ctx, s, changed(u.ID, id), func() (codeforge.DeletedProject, error) { return s.inner.DeleteProject(ctx, u, id, ifRevision) })
	if err != nil || len(deleted.Jobs) == 0 {
		return deleted, err
	}
	scopes := make([]Scope, len(deleted.Jobs))
	for i, job := range deleted.Jobs {
		scopes[i] = jobScope(u.ID, job)
	}
	return write(ctx, s, scopes, func() (codeforge.DeletedProject, error) { return deleted, nil })
}

// WriteFile touches the project.
func (s *Store) WriteFile(ctx context.Context, u codeforge.User, projectID string, w codeforge.FileWrite) (codeforge.File, error) {
	return write(ctx, s, changed(u.ID, projectID), func() (codeforge.File, error) { return s.inner.WriteFile(ctx, u, projectID, w) })
}

// DeleteFile touches the project.
func (s *Store) DeleteFile(ctx context.Context, u codeforge.User, projectID, path string, ifVersion *int64) error {
	_, err := write(ctx, s, changed(u.ID, projectID), func() (struct{}, error) {
		return struct{}{}, s.inner.DeleteFile(ctx, u, projectID, path, ifVersion)
	})
	return err
}

// RestoreRevision touches the project.
func (s *Store) RestoreRevision(ctx context.Context, u codeforge.User, projectID string, number int64, ifRevision *int64) (codeforge.Revision, error) {
	return write(ctx, s, changed(u.ID, projectID), func() (codeforge.Revision, error) {
		return s.inner.RestoreRevision(ctx, u, projectID, number, ifRevision)
	})
}

// WriteRevision touches the project.
func (s *Store) WriteRevision(ctx context.Context, u codeforge.User, projectID string, change codeforge.TreeChange) (codeforge.Revision, error) {
	return write(ctx, s, changed(u.ID, projectID), func() (codeforge.Revision, error) {
		return s.inner.WriteRevision(ctx, u, projectID, change)
	})
}

// PushRevisions touches the project.
func (s *Store) PushRevisions(ctx context.Context, u codeforge.User, projectID string, push codeforge.Push) ([]codeforge.Revision, error) {
	return write(ctx, s, changed(u.ID, projectID), func() ([]codeforge.Revision, error) {
		return s.inner.PushRevisions(ctx, u, projectID, push)
	})
}

// KeepStage touches the project of the job.
func (s *Store) KeepStage(ctx context.Context, f codeforge.Fence, stage codeforge.StageResult) (codeforge.Kept, error) {
	p, err := s.inner.ProjectForJob(ctx, f)
	if err != nil {
		return codeforge.Kept{}, err
	}
	return write(ctx, s, changed(p.UserID, p.ID), func() (codeforge.Kept, error) { return s.inner.KeepStage(ctx, f, stage) })
}

// end does what a person does to a job, which touches the job, and where it changes files its project. The job may be named by an
// alias.
func (s *Store) end(ctx context.Context, u codeforge.User, id string, files bool, do func() (codeforge.Finished, error)) (codeforge.Finished, error) {
	j, err := s.GetJob(ctx, u, id)
	if err != nil {
		return codeforge.Finished{}, err
	}
	scopes := []Scope{jobScope(u.ID, j.ID)}
	if files {
		scopes = append(scopes, changed(u.ID, j.ProjectID)...)
	}
	return write(ctx, s, scopes, do)
}

// CancelJob touches the job.
func (s *Store) CancelJob(ctx context.Context, u codeforge.User, id string) (codeforge.Finished, error) {
	return s.end(ctx, u, id, false, func() (codeforge.Finished, error) { return s.inner.CancelJob(ctx, u, id) })
}

// TakeBackJob touches the job and its project.
func (s *Store) TakeBackJob(ctx context.Context, u codeforge.User, id string, undo codeforge.TreeChange) (codeforge.Finished, error) {
	return s.end(ctx, u, id, true, func() (codeforge.Finished, error) { return s.inner.TakeBackJob(ctx, u, id, undo) })
}

// ApplyProposal touches the job and its project.
func (s *Store) ApplyProposal(ctx context.Context, u codeforge.User, id string, a codeforge.Application) (codeforge.Finished, error) {
	return s.end(ctx, u, id, true, func() (codeforge.Finished, error) { return s.inner.ApplyProposal(ctx, u, id, a) })
}

// RejectProposal touches the job.
func (s *Store) RejectProposal(ctx context.Context, u codeforge.User, id string, chat []codeforge.Message) (codeforge.Finished, error) {
	return s.end(ctx, u, id, false, func() (codeforge.Finished, error) { return s.inner.RejectProposal(ctx, u, id, chat) })
}

// RespondJob touches the job.
func (s *Store) RespondJob(ctx context.Context, u codeforge.User, id, alias string, answers []byte) (codeforge.Finished, error) {
	return s.end(ctx, u, id, false, func() (codeforge.Finished, error) { return s.inner.RespondJob(ctx, u, id, alias, answers) })
}

// SweepJobs touches jobs of anybody.
func (s *Store) SweepJobs(ctx context.Context, before time.Time) (int, error) {
	swept, err := s.inner.SweepJobs(ctx, before)
	if swept > 0 || err != nil {
		err = errors.Join(err, s.backend.Clear(ctx))
	}
	return swept, err
}
