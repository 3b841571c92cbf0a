package postgres_test

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"codeforge"
	"codeforge/internal/postgres"
	"codeforge/internal/postgres/restest"
)

// Over the Data API a user who wrote reads of the primary until a look after it has said how far a replica must be; one that does not
// answer, or is none, is never an error.
func TestReadAddress(t *testing.T) {
	t.Parallel()
	s, from := template(t)
	db := s.Database(t, plainOwner, from)
	primary := restest.Start(t, restest.Options{Database: s.URL("authenticator", db)})
	var asked, follows atomic.Int64
	follows.Store(1)
	read := restest.Start(t, restest.Options{Database: s.URL("authenticator", db)})
	read.Before(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/rest/v1/rpc/codeforge_replayed" && follows.Load() == 1 {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(`{"standby": true, "timeline": 1, "lsn": 9000000000000000}`))
			return true
		}
		if r.URL.Path == "/rest/v1/rpc/codeforge_read_project" {
			asked.Add(1)
		}
		return false
	})
	store, err := postgres.OpenDataAPI(postgres.DataAPIOptions{URL: primary.URL, Key: primary.Secret, Reads: []string{read.URL}, Replica: postgres.ReplicaOptions{Every: 20 * time.Millisecond}})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	store.Replicas().Remember(nil, nil)
	r, u := region{t, store}, codeforge.LocalUser()
	made, err := store.CreateProject(r.request(u, "", false), u, codeforge.Project{Title: "state 0"})
	if err != nil {
		t.Fatal(err)
	}
	if token := r.write(u, made.ID, "state 1"); token != "" {
		t.Error("a token of a place that nobody knows:", token)
	}
	look := func() string {
		p, err := store.GetProject(r.request(u, "", true), u, made.ID)
		if err != nil {
			t.Fatal(err)
		}
		return p.Title
	}
	r.await("the replica answers", func(postgres.ReplicaStats) bool { return look() == "state 1" && asked.Load() > 0 })
	follows.Store(0) // it says of itself that it is no standby
	r.await("it is not used", func(s postgres.ReplicaStats) bool { return s.Replicas[0].Err != nil })
	before := asked.Load()
	if look() != "state 1" || asked.Load() != before {
		t.Error("a server that is no replica was asked")
	}
	for _, bad := range []string{"postgres://x", "example.com", ""} {
		if _, err := postgres.OpenDataAPI(postgres.DataAPIOptions{URL: primary.URL, Key: primary.Secret, Reads: []string{bad}}); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}
