package sqlite

import (
	"strings"
	"testing"
)

// A page of a user's jobs reads as many of them as are on it, however many there are: it comes out of an index, in its order.
func TestJobsAreWalkedByIndex(t *testing.T) {
	s := openHere(t, Options{})
	for query, want := range map[string]string{
		jobsOfState:   "SEARCH jobs USING COVERING INDEX jobs_of_user (user_id=? AND status=? AND seq<?)",
		jobsOfProject: "SEARCH jobs USING INDEX jobs_of_project (project=? AND rowid<?)",
	} {
		var plan []string
		args := []any{"u", "completed", int64(9), 1}[4-strings.Count(query, "?"):]
		err := s.view(t.Context(), func(c *conn) error {
			return c.each("EXPLAIN QUERY PLAN "+query, args, func(r row) error {
				var step string
				err := r[3:].scan(&step)
				plan = append(plan, step)
				return err
			})
		})
		if err != nil || strings.Join(plan, "; ") != want {
			t.Errorf("%s: %q, %v", query, plan, err)
		}
	}
}
