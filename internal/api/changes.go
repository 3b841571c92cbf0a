package api

import (
	"context"

	"codeforge"
)

// toldStore tells those who watch a project of what requests change in it, after the commit. What jobs change the engine tells.
type toldStore struct {
	Store
	changed func(userID, projectID string)
}

func (s toldStore) tell(u codeforge.User, projectID string, err error) {
	if err == nil {
		s.changed(u.ID, projectID)
	}
}

func (s toldStore) UpdateProject(ctx context.Context, u codeforge.User, id string, p codeforge.ProjectPatch) (codeforge.Project, error) {
	project, err := s.Store.UpdateProject(ctx, u, id, p)
	s.tell(u, project.ID, err)
	return project, err
}

func (s toldStore) WriteFile(ctx context.Context, u codeforge.User, projectID string, w codeforge.FileWrite) (codeforge.File, error) {
	file, err := s.Store.WriteFile(ctx, u, projectID, w)
	s.tell(u, projectID, err)
	return file, err
}

func (s toldStore) DeleteFile(ctx context.Context, u codeforge.User, projectID, path string, ifVersion *int64) error {
	err := s.Store.DeleteFile(ctx, u, projectID, path, ifVersion)
	s.tell(u, projectID, err)
	return err
}

func (s toldStore) RestoreRevision(ctx context.Context, u codeforge.User, projectID string, number int64, ifRevision *int64) (codeforge.Revision, error) {
	rev, err := s.Store.RestoreRevision(ctx, u, projectID, number, ifRevision)
	s.tell(u, projectID, err)
	return rev, err
}

func (s toldStore) WriteRevision(ctx context.Context, u codeforge.User, projectID string, change codeforge.TreeChange) (codeforge.Revision, error) {
	rev, err := s.Store.WriteRevision(ctx, u, projectID, change)
	s.tell(u, projectID, err)
	return rev, err
}

func (s toldStore) PushRevisions(ctx context.Context, u codeforge.User, projectID string, push codeforge.Push) ([]codeforge.Revision, error) {
	made, err := s.Store.PushRevisions(ctx, u, projectID, push)
	s.tell(u, projectID, err)
	return made, err
}
