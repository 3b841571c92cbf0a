package postgres

import (
	"context"

	"codeforge"
)

// errNoBlobs says what this store does not hold yet.
var errNoBlobs = &codeforge.Error{Kind: codeforge.Unavailable, Message: "This store holds no binary files yet"}

func (s *Store) PutBlob(context.Context, codeforge.User, string, []byte) (string, error) {
	return "", errNoBlobs
}

func (s *Store) ReadBlob(context.Context, codeforge.User, string, string) ([]byte, error) {
	return nil, errNoBlobs
}

func (s *Store) WriteRevision(context.Context, codeforge.User, string, codeforge.TreeChange) (codeforge.Revision, error) {
	return codeforge.Revision{}, errNoBlobs
}

func (s *Store) ReadLock(context.Context, codeforge.User, string, int64) ([]byte, error) {
	return nil, nil
}

func (s *Store) ListScreenshots(context.Context, codeforge.User, string, int64) ([]codeforge.Screenshot, error) {
	return nil, nil
}

func (s *Store) ReadScreenshot(context.Context, codeforge.User, string, int64, string, int) (codeforge.Screenshot, []byte, error) {
	return codeforge.Screenshot{}, nil, errNoBlobs
}
