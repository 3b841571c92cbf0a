package postgres_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"codeforge"
	"codeforge/internal/llm"
	"codeforge/internal/pgtest"
	"codeforge/internal/postgres"
	"codeforge/internal/postgres/restest"
	"codeforge/internal/storetest"
)

// authenticator is whom PostgREST logs in as.
const authenticator = "authenticator"

// project is a Supabase project with a store before it.
type project struct {
	*restest.Server
	store *postgres.Store
	pg    *pgtest.Server
	db    string
	admin *admin // of one whose tests follow each other
}

// start makes a project; change, when not nil, changes how the store is opened.
func start(t testing.TB, o restest.Options, change func(*restest.Server, *postgres.DataAPIOptions)) *project {
	t.Helper()
	pg, from := template(t)
	p := &project{pg: pg, db: pg.Database(t, plainOwner, from)}
	o.Database = pg.URL(authenticator, p.db)
	p.Server = restest.Start(t, o)
	p.store = p.open(t, change)
	return p
}

func (p *project) open(t testing.TB, change func(*restest.Server, *postgres.DataAPIOptions)) *postgres.Store {
	t.Helper()
	o := postgres.DataAPIOptions{URL: p.URL, Key: p.Secret}
	if change != nil {
		change(p.Server, &o)
	}
	s, err := postgres.OpenDataAPI(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// user is somebody with a token.
func (p *project) user() codeforge.User {
	id := codeforge.NewID()
	return codeforge.User{ID: id, Role: "authenticated", Token: p.Token(id, time.Hour)}
}

// settings runs tests under each kind of key, with tokens of users and without. take gives a test a project, empty, and
// what moves its clock.
func settings(t *testing.T, run func(t *testing.T, take func(*testing.T) (p *project, advance func(time.Duration)), tokens bool)) {
	for _, c := range []struct {
		name    string
		version int
		legacy  bool
		tokens  bool
	}{
		{"secret key and tokens of users", 14, false, true},
		{"legacy key alone", 12, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			// Tests follow each other on a few projects, which costs less than one for each.
			var mu sync.Mutex
			var free []*project
			run(t, func(inner *testing.T) (*project, func(time.Duration)) {
				mu.Lock()
				defer mu.Unlock()
				var p *project
				if len(free) > 0 {
					p, free = free[0], free[1:]
				} else {
					p = start(t, restest.Options{Version: c.version}, func(s *restest.Server, o *postgres.DataAPIOptions) {
						if c.legacy {
							o.Key = s.Service
						}
					})
					p.admin = newAdmin(t, p.pg, p.db)
				}
				inner.Cleanup(func() {
					p.admin.exec(t, `delete from auth.users; update public.test_clock set ahead = '0'; select public.codeforge_set_quota(0, 0, 0, 0, 0, 0, 0); delete from public.llm_calls; delete from public.llm_journal;
						delete from public.budget_limits; delete from public.budget_periods; delete from public.budget_holds`)
					p.Requests()
					mu.Lock()
					defer mu.Unlock()
					free = append(free, p)
				})
				return p, func(d time.Duration) {
					p.admin.exec(t, fmt.Sprintf("update public.test_clock set ahead = ahead + interval '%d microseconds'", d.Microseconds()))
				}
			}, c.tokens)
		})
	}
}

func TestDataAPIStore(t *testing.T) {
	settings(t, func(t *testing.T, take func(*testing.T) (*project, func(time.Duration)), tokens bool) {
		if !tokens && !soak { // the same rows by fewer rights to tell apart
			return
		}
		suite := storetest.RunLight
		if soak {
			suite = func(t *testing.T, open storetest.Open) { storetest.Run(t, open) }
		}
		suite(t, func(t *testing.T) (storetest.Contract, func(time.Duration)) {
			p, advance := take(t)
			if tokens {
				return signed{p.store, p.Server}, advance
			}
			return p.store, advance
		})
	})
}

func TestDataAPIAdoptedRows(t *testing.T) {
	storetest.RunAdopted(t, !soak, func(t *testing.T) (storetest.Contract, func(codeforge.Project, storetest.Old)) {
		p := start(t, restest.Options{}, nil)
		return p.store, func(project codeforge.Project, o storetest.Old) { p.pg.Exec(t, p.db, storetest.AgeSQL(project, o)) }
	})
}

func TestDataAPIBesideAnother(t *testing.T) {
	storetest.RunBeside(t, func(t *testing.T) (storetest.Contract, func(string), func(time.Duration)) {
		p := start(t, restest.Options{}, nil)
		return p.store, func(sql string) { p.pg.Exec(t, p.db, "begin; set local role service_role; "+sql+"; commit") }, nil
	})
}

func TestDataAPIBooks(t *testing.T) {
	settings(t, func(t *testing.T, take func(*testing.T) (*project, func(time.Duration)), tokens bool) {
		if !tokens && !soak { // as in TestDataAPIStore
			return
		}
		storetest.RunLedger(t, func(t *testing.T) (storetest.LedgerStore, func(time.Duration)) {
			p, advance := take(t)
			return storetest.LedgerStore{Contract: p.store, Journal: p.store, Ledger: func(limits map[llm.BudgetScope]int64) storetest.Ledger {
				if tokens {
					return signedLedger{p.store.Ledger(limits), p.Server}
				}
				return p.store.Ledger(limits)
			}}, advance
		})
	})
}

// signed gives every user a token.
type signed struct {
	*postgres.Store
	project *restest.Server
}

func (s signed) sign(u codeforge.User) codeforge.User {
	u.Token = s.project.Token(u.ID, time.Hour)
	return u
}

func (s signed) CreateProject(ctx context.Context, u codeforge.User, p codeforge.Project) (codeforge.Project, error) {
	return s.Store.CreateProject(ctx, s.sign(u), p)
}

func (s signed) GetProject(ctx context.Context, u codeforge.User, id string) (codeforge.Project, error) {
	return s.Store.GetProject(ctx, s.sign(u), id)
}

func (s signed) ListProjects(ctx context.Context, u codeforge.User, f codeforge.ProjectFilter) ([]codeforge.Project, int, error) {
	return s.Store.ListProjects(ctx, s.sign(u), f)
}

func (s signed) UpdateProject(ctx context.Context, u codeforge.User, id string, p codeforge.ProjectPatch) (codeforge.Project, error) {
	return s.Store.UpdateProject(ctx, s.sign(u), id, p)
}

func (s signed) ListFiles(ctx context.Context, u codeforge.User, id string, contents bool, unless int64) ([]codeforge.File, int64, error) {
	return s.Store.ListFiles(ctx, s.sign(u), id, contents, unless)
}

func (s signed) GetFile(ctx context.Context, u codeforge.User, id, path string) (codeforge.File, error) {
	return s.Store.GetFile(ctx, s.sign(u), id, path)
}

func (s signed) WriteFile(ctx context.Context, u codeforge.User, id string, w codeforge.FileWrite) (codeforge.File, error) {
	return s.Store.WriteFile(ctx, s.sign(u), id, w)
}

func (s signed) DeleteFile(ctx context.Context, u codeforge.User, id, path string, ifVersion *int64) error {
	return s.Store.DeleteFile(ctx, s.sign(u), id, path, ifVersion)
}

func (s signed) ListRevisions(ctx context.Context, u codeforge.User, id string, page, size int) ([]codeforge.Revision, int, error) {
	return s.Store.ListRevisions(ctx, s.sign(u), id, page, size)
}

func (s signed) RevisionFiles(ctx context.Context, u codeforge.User, id string, n int64, p codeforge.Page) (codeforge.Revision, []codeforge.File, error) {
	return s.Store.RevisionFiles(ctx, s.sign(u), id, n, p)
}

func (s signed) RevisionDeltas(ctx context.Context, u codeforge.User, id string, n int64, p codeforge.Page) (codeforge.Revision, []codeforge.FileDelta, error) {
	return s.Store.RevisionDeltas(ctx, s.sign(u), id, n, p)
}

func (s signed) CompareRevisions(ctx context.Context, u codeforge.User, id string, from, to int64, p codeforge.Page) (codeforge.Revision, []codeforge.FileDelta, error) {
	return s.Store.CompareRevisions(ctx, s.sign(u), id, from, to, p)
}

func (s signed) RestoreRevision(ctx context.Context, u codeforge.User, id string, n int64, ifRevision *int64) (codeforge.Revision, error) {
	return s.Store.RestoreRevision(ctx, s.sign(u), id, n, ifRevision)
}

func (s signed) SubmitJob(ctx context.Context, u codeforge.User, n codeforge.NewJob) (codeforge.Job, bool, []codeforge.Finished, error) {
	return s.Store.SubmitJob(ctx, s.sign(u), n)
}

func (s signed) CancelJob(ctx context.Context, u codeforge.User, id string) (codeforge.Finished, error) {
	return s.Store.CancelJob(ctx, s.sign(u), id)
}

func (s signed) RespondJob(ctx context.Context, u codeforge.User, id, alias string, answers []byte) (codeforge.Finished, error) {
	return s.Store.RespondJob(ctx, s.sign(u), id, alias, answers)
}

func (s signed) GetJob(ctx context.Context, u codeforge.User, id string) (codeforge.Job, error) {
	return s.Store.GetJob(ctx, s.sign(u), id)
}

func (s signed) ListJobs(ctx context.Context, u codeforge.User, id string, f codeforge.JobFilter) ([]codeforge.Job, int, error) {
	return s.Store.ListJobs(ctx, s.sign(u), id, f)
}

func (s signed) ListUserJobs(ctx context.Context, u codeforge.User, f codeforge.UserJobs) ([]codeforge.Job, string, error) {
	return s.Store.ListUserJobs(ctx, s.sign(u), f)
}

func (s signed) Events(ctx context.Context, u codeforge.User, id string, after int64, limit int) ([]codeforge.Event, error) {
	return s.Store.Events(ctx, s.sign(u), id, after, limit)
}

func (s signed) ListMessages(ctx context.Context, u codeforge.User, id string, f codeforge.MessageFilter) ([]codeforge.Message, error) {
	return s.Store.ListMessages(ctx, s.sign(u), id, f)
}

func (s signed) ReadProposal(ctx context.Context, u codeforge.User, id string, p codeforge.Page) (codeforge.Proposal, []codeforge.FileDelta, error) {
	return s.Store.ReadProposal(ctx, s.sign(u), id, p)
}

func (s signed) PutBlob(ctx context.Context, u codeforge.User, id string, data []byte) (string, error) {
	return s.Store.PutBlob(ctx, s.sign(u), id, data)
}

func (s signed) ReadBlob(ctx context.Context, u codeforge.User, id, hash string) ([]byte, error) {
	return s.Store.ReadBlob(ctx, s.sign(u), id, hash)
}

func (s signed) WriteRevision(ctx context.Context, u codeforge.User, id string, change codeforge.TreeChange) (codeforge.Revision, error) {
	return s.Store.WriteRevision(ctx, s.sign(u), id, change)
}

func (s signed) MarkChecked(ctx context.Context, u codeforge.User, id string, n int64, verified bool, evidence codeforge.Evidence, shots []codeforge.Screenshot, lock []byte) error {
	return s.Store.MarkChecked(ctx, s.sign(u), id, n, verified, evidence, shots, lock)
}

func (s signed) ReadLock(ctx context.Context, u codeforge.User, id string, n int64) ([]byte, error) {
	return s.Store.ReadLock(ctx, s.sign(u), id, n)
}

func (s signed) ListScreenshots(ctx context.Context, u codeforge.User, id string, n int64) ([]codeforge.Screenshot, error) {
	return s.Store.ListScreenshots(ctx, s.sign(u), id, n)
}

func (s signed) ReadScreenshot(ctx context.Context, u codeforge.User, id string, n int64, page string, width int) (codeforge.Screenshot, []byte, error) {
	return s.Store.ReadScreenshot(ctx, s.sign(u), id, n, page, width)
}

type signedLedger struct {
	*postgres.Ledger
	project *restest.Server
}

func (l signedLedger) SumUsage(ctx context.Context, u codeforge.User, f codeforge.UsageFilter) (codeforge.UsageSum, []codeforge.UsageSum, error) {
	return l.Ledger.SumUsage(ctx, signed{nil, l.project}.sign(u), f)
}

func (l signedLedger) JobCalls(ctx context.Context, u codeforge.User, jobID, cursor string, limit int) (codeforge.JobCalls, error) {
	return l.Ledger.JobCalls(ctx, signed{nil, l.project}.sign(u), jobID, cursor, limit)
}

func (l signedLedger) JobUsage(ctx context.Context, u codeforge.User, agent codeforge.AgentType, limit int) ([]codeforge.JobUsage, error) {
	return l.Ledger.JobUsage(ctx, signed{nil, l.project}.sign(u), agent, limit)
}
