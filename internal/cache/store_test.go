package cache_test

import (
	"context"
	"os"
	"reflect"
	"sync/atomic"
	"testing"
	"time"

	"codeforge"
	"codeforge/internal/cache"
	"codeforge/internal/sqlite"
	"codeforge/internal/sqlite/sqlitetest"
	"codeforge/internal/storetest"
)

// compared is a store behind a cache, each of whose cached reads is made again, to be found, and compared with the store's own
// word: for tests in which nobody else writes meanwhile.
type compared struct {
	*cache.Store
	behind
	t *testing.T
}

type behind struct{ storetest.Contract }

// compare reads through the cache twice, and past it.
func compare[T any](c compared, cached, direct func() (T, error)) (T, error) {
	c.t.Helper()
	first, err := cached()
	again, errAgain := cached()
	want, wantErr := direct()
	if !reflect.DeepEqual(first, again) || !reflect.DeepEqual(again, want) || (err == nil) != (wantErr == nil) || (errAgain == nil) != (wantErr == nil) {
		c.t.Errorf("the cache says %+v, %v, then %+v, %v; the store %+v, %v", first, err, again, errAgain, want, wantErr)
	}
	return first, err
}

func (c compared) GetProject(ctx context.Context, u codeforge.User, id string) (codeforge.Project, error) {
	return compare(c, func() (codeforge.Project, error) { return c.Store.GetProject(ctx, u, id) },
		func() (codeforge.Project, error) { return c.Contract.GetProject(ctx, u, id) })
}

func (c compared) ListProjects(ctx context.Context, u codeforge.User, f codeforge.ProjectFilter) ([]codeforge.Project, int, error) {
	type page struct {
		list  []codeforge.Project
		total int
	}
	p, err := compare(c, func() (p page, err error) {
		p.list, p.total, err = c.Store.ListProjects(ctx, u, f)
		return p, err
	}, func() (p page, err error) {
		p.list, p.total, err = c.Contract.ListProjects(ctx, u, f)
		return p, err
	})
	return p.list, p.total, err
}

func (c compared) GetFile(ctx context.Context, u codeforge.User, projectID, path string) (codeforge.File, error) {
	return compare(c, func() (codeforge.File, error) { return c.Store.GetFile(ctx, u, projectID, path) },
		func() (codeforge.File, error) { return c.Contract.GetFile(ctx, u, projectID, path) })
}

func (c compared) ListFiles(ctx context.Context, u codeforge.User, projectID string, contents bool, unless int64) ([]codeforge.File, int64, error) {
	type list struct {
		files    []codeforge.File
		revision int64
	}
	l, err := compare(c, func() (l list, err error) {
		l.files, l.revision, err = c.Store.ListFiles(ctx, u, projectID, contents, unless)
		return l, err
	}, func() (l list, err error) {
		l.files, l.revision, err = c.Contract.ListFiles(ctx, u, projectID, contents, unless)
		return l, err
	})
	return l.files, l.revision, err
}

func (c compared) GetJob(ctx context.Context, u codeforge.User, id string) (codeforge.Job, error) {
	return compare(c, func() (codeforge.Job, error) { return c.Store.GetJob(ctx, u, id) },
		func() (codeforge.Job, error) { return c.Contract.GetJob(ctx, u, id) })
}

// The suite of the stores, through a cache: whatever a test does, what the cache says is what the store says. Left out are groups in which
// reads and writes race, and what is said of contexts that ended: what is kept is told to them too.
func TestStoreBehindCache(t *testing.T) {
	only := []string{"Projects", "TakeBack", "Respond", "Sweep"}
	if os.Getenv("CODEFORGE_SOAK") != "" {
		only = append(only, "Cancel", "Revisions", "Stages", "Busy", "Finish", "Files", "Submit", "Claim", "Line", "Proposals", "Verified", "Blobs", "Import", "Evidence", "Fence", "Events", "Working", "Due", "Pages", "Quota", "Strangers")
	}
	storetest.Run(t, func(t *testing.T) (storetest.Contract, func(time.Duration)) {
		var ahead atomic.Int64
		start := codeforge.Now()
		s, err := sqlite.Open(t.Context(), sqlitetest.Dir(t), sqlite.Options{Now: func() time.Time { return start.Add(time.Duration(ahead.Load())) }})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return compared{cache.New(s, cache.NewMemory(1<<20)), behind{s}, t}, func(d time.Duration) { ahead.Add(int64(d)) }
	}, only...)
}

// placed notes where it is read.
type placed struct {
	storetest.Contract
	primary []bool
}

func (p *placed) GetProject(ctx context.Context, u codeforge.User, id string) (codeforge.Project, error) {
	p.primary = append(p.primary, codeforge.IsFromPrimary(ctx))
	return codeforge.Project{ID: id}, nil
}

func (p *placed) GetJob(ctx context.Context, u codeforge.User, id string) (codeforge.Job, error) {
	p.primary = append(p.primary, codeforge.IsFromPrimary(ctx))
	return codeforge.Job{ID: id, Status: codeforge.JobCompleted}, nil
}

func (p *placed) GetFile(ctx context.Context, u codeforge.User, projectID, path string) (codeforge.File, error) {
	p.primary = append(p.primary, codeforge.IsFromPrimary(ctx))
	return codeforge.File{}, nil
}

func (p *placed) ListProjects(ctx context.Context, u codeforge.User, f codeforge.ProjectFilter) ([]codeforge.Project, int, error) {
	p.primary = append(p.primary, codeforge.IsFromPrimary(ctx))
	return nil, 0, nil
}

// What is read to be kept is read of the primary.
func TestKeptIsReadOfThePrimary(t *testing.T) {
	inner := &placed{}
	s := cache.New(inner, cache.NewMemory(1<<20))
	ctx, u := t.Context(), codeforge.LocalUser()
	for range 2 {
		_, _ = s.GetProject(ctx, u, "p")
		_, _ = s.GetJob(ctx, u, "j")
		_, _ = s.GetFile(ctx, u, "p", "a")
		_, _, _ = s.ListProjects(ctx, u, codeforge.ProjectFilter{})
	}
	if !reflect.DeepEqual(inner.primary, []bool{true, true, true, true}) {
		t.Error(inner.primary)
	}
}
