// Package git serves the history of projects to git: a commit for each revision, and revisions for the commits that are pushed.
//
// There is no repository on any disk. The commit of a revision is a function of what the store keeps of it and of the one before, so
// that every server makes the same of it at any time; commits that were pushed are kept as they came.
package git

import (
	"context"

	"codeforge"
)

// Store is what is needed of a store.
type Store interface {
	// GitRevisions returns the number of the newest revision, and those after a number, in order, with what each changed: as many as
	// make so many rows of files, or more by the last. It answers NotFound for what is another user's, as all methods do.
	GitRevisions(ctx context.Context, u codeforge.User, projectID string, after int64, rows int) (newest int64, list []codeforge.GitRevision, err error)
	// ReadContents returns bytes that a project has, by their hashes; of what it does not have, nothing.
	ReadContents(ctx context.Context, u codeforge.User, projectID string, hashes []string) (map[string][]byte, error)
	// PutBlob takes bytes that a push is about to name, see api.Store.
	PutBlob(ctx context.Context, u codeforge.User, projectID string, data []byte) (hash string, err error)
	// PushRevisions makes a revision of each commit, of all or of none. Where the project has moved on from Head it returns
	// [codeforge.MovedError].
	PushRevisions(ctx context.Context, u codeforge.User, projectID string, push codeforge.Push) ([]codeforge.Revision, error)
}
