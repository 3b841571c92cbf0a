package server

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"codeforge/internal/cache"
	"codeforge/internal/postgres"
	"codeforge/internal/redis/redistest"
)

// What goes past the cache, since it changes nothing that is kept of a store (see cache.Store for what is). A method that is new
// stands in one of these lists, or before the store in the cache.
var (
	readsPastCache = []string{"JobOwner", "Events", "WorkingFiles", "ListJobs", "ListUserJobs", "ListMessages", "ListRevisions", "RevisionFiles", "RevisionDeltas", "CompareRevisions", "ReadBlob", "ReadLock",
		"ListScreenshots", "ReadScreenshot", "ReadProposal", "PreviewErrors", "Ping", "DueJobs", "SnapshotFiles", "ProjectForJob", "Get", "ListTokens", "ProjectChanges", "UserChanges", "QueuePlaces", "CountJobs", "CountQueued", "WatchJob", "SealedSecrets",
		"GetProfile", "GetRoadmap", "GetStudentProgress", "ListSessions", "GitRevisions", "ReadContents", "ListKeys", "UserKeys", "SealedKeys", "ReviewedArchitectures", "NearPatterns", "ListPatterns"}
	writesPastCache = []string{
		"SubmitJob", "ClaimJobs", "RenewLeases", "RecordEvents", "FinishJob", "ReleaseAll", // of jobs that are queued or running, which are not kept
		"PutBlob", "SweepWorking", "AddMessages", "AddPreviewErrors", "SetQuota", "PutProfile", "JoinWaitlist", "SetRoadmapStep", "ChooseOption", "AddSession", "DeleteProfile", "PutKey", "DeleteKey", "ResealKey", "PutPattern", // of what is never kept
		"MarkChecked",         // of a revision, which is not kept
		"Put", "SweepJournal", // of the journal
		"ResealSecrets", "CreateToken", "UseToken", "RevokeToken", // of tokens, which have a cache of their own
	}
)

func TestEveryMethodIsKnownToTheCache(t *testing.T) {
	kept := reflect.TypeFor[cache.Inner]()
	before := reflect.TypeFor[*cache.Store]()
	for m := range reflect.TypeFor[Storage]().Methods() {
		_, cached := kept.MethodByName(m.Name)
		_, shown := before.MethodByName(m.Name)
		if strings.Contains(m.Name, "Webhook") { // none of what they do is kept
			continue
		}
		past := slices.Contains(readsPastCache, m.Name) || slices.Contains(writesPastCache, m.Name)
		if shown == past || shown && !cached {
			t.Errorf("%s: say in internal/cache what it reads or touches, or here that it is nothing that is kept", m.Name)
		}
	}
}

// Who else may write the tables of a database is known before what is read of it is kept for all its servers.
func TestWhoElseWrites(t *testing.T) {
	url, admin := freshDatabase(t)
	s, _, err := postgres.Open(t.Context(), postgres.Options{URL: url, MaxConns: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for i, want := range [][]string{{}, {"cache_writer"}} {
		if names, err := s.CacheWriters(t.Context()); err != nil || !slices.Equal(names, want) {
			t.Errorf("%v, %v; want %v", names, err, want)
		}
		if i == 0 {
			db, err := pgx.Connect(t.Context(), admin)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { // roles are of the whole installation
				_, err := db.Exec(context.Background(), "drop role cache_writer")
				if err = errors.Join(err, db.Close(context.Background())); err != nil {
					t.Error(err)
				}
			})
			if _, err := db.Exec(t.Context(), "create role cache_writer login noinherit in role authenticated"); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestCacheEpochs(t *testing.T) {
	url, _ := freshDatabase(t)
	s, _, err := postgres.Open(t.Context(), postgres.Options{URL: url, MaxConns: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	first, err := s.CacheEpoch(t.Context())
	if err != nil || first.Suspended || first.Since != 0 {
		t.Errorf("at first: %+v, %v", first, err)
	}
	a, errA := s.SuspendCache(t.Context(), time.Hour)
	b, errB := s.SuspendCache(t.Context(), time.Hour)
	now, err := s.CacheEpoch(t.Context())
	if errA != nil || errB != nil || err != nil || !a.Suspended || !b.Suspended || !now.Suspended ||
		a.Number != first.Number+1 || b.Number != a.Number || now.Number != a.Number || b.Since < a.Since || now.Since < b.Since {
		t.Errorf("suspended: %+v, %v; %+v, %v; %+v, %v", a, errA, b, errB, now, err)
	}
}

// What one server read another one finds, and what one wrote another one reads at once, over Redis and after it forgot all.
func TestServersShareReads(t *testing.T) {
	url, _ := freshDatabase(t)
	p, r := newProject(t), redistest.Start(t)
	args := []string{"--supabase-url", p.url, "--database-url", url, "--stream-secret", "the same secret for all servers, please", "--redis-url", r.URL()}
	a, b := serve(t, configured(t, args...)), serve(t, configured(t, args...))
	token := p.token(t, alice)
	first, second := a.as(token), b.as(token)
	var made object
	first.must(t, "POST", "/v1/projects/", object{"title": "Shared"}, &made)
	path := "/v1/projects/" + made["id"].(string)
	for i := range 6 {
		title := fmt.Sprint("Title ", i)
		writer, reader := first, second
		if i%2 == 1 {
			writer, reader = second, first
		}
		writer.must(t, "PUT", path, object{"title": title}, new(object))
		for range 3 {
			var got object
			if reader.must(t, "GET", path, nil, &got); got["title"] != title {
				t.Errorf("%v after %s", got["title"], title)
			}
		}
		if i == 3 {
			r.Do(t, "FLUSHALL")
		}
	}
	if a.store.Cache == nil || b.store.Cache == nil {
		t.Fatal("there is no cache")
	}
	for deadline := time.Now().Add(3 * time.Minute); a.store.Cache.Stats().Hits == 0 || b.store.Cache.Stats().Hits == 0; { // a Redis that takes too long is not waited for
		if time.Now().After(deadline) {
			t.Fatal("nothing was found")
		}
		first.must(t, "GET", path, nil, new(object))
		second.must(t, "GET", path, nil, new(object))
	}
}
