package server

import (
	"context"

	"codeforge"
	"codeforge/internal/api"
)

// restoredSince looks for a restore among the revisions after a given one, newest first. Whoever saw nothing for a
// thousand revisions is taken to have missed one.
func restoredSince(s api.Store) func(ctx context.Context, u codeforge.User, projectID string, since int64) (bool, error) {
	const size, pages = 100, 10
	return func(ctx context.Context, u codeforge.User, projectID string, since int64) (bool, error) {
		for page := 1; page <= pages; page++ {
			list, _, err := s.ListRevisions(ctx, u, projectID, page, size)
			if err != nil {
				return false, err
			}
			for _, r := range list {
				switch {
				case r.Number <= since:
					return false, nil
				case r.Restored():
					return true, nil
				}
			}
			if len(list) < size {
				return false, nil
			}
		}
		return true, nil
	}
}
