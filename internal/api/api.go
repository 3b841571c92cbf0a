// Package api is the HTTP edge: it turns requests into calls of the store and the job engine and their answers and
// errors into the wire contract. Routes are in routes.go, one line each; a resource has a file of its name.
//
// A request passes, in this order: request id and log, recovery, the preview's hosts, the host and origin checks, CORS,
// identity and rate limit, the route, the strict reading of its body, the ids in its path, the need of an identity, its
// schema, and then the operation, which checks ownership first and rules after. What fails first answers.
package api

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"codeforge"
	"codeforge/internal/audit"
	"codeforge/internal/auth"
	"codeforge/internal/cache"
	"codeforge/internal/events"
	"codeforge/internal/evidence"
	"codeforge/internal/git"
	"codeforge/internal/llm"
	"codeforge/internal/preview"
	"codeforge/internal/stream"
	"codeforge/internal/verify"
)

// Jobs is what the routes need of the job engine.
type Jobs interface {
	// Submit stores a job and wakes a worker. fresh is false when the idempotency key was used before.
	Submit(ctx context.Context, u codeforge.User, n codeforge.NewJob) (job codeforge.Job, fresh bool, err error)
	// Cancel ends a job and stops the model call that it is in. What it kept stays.
	Cancel(ctx context.Context, u codeforge.User, id string) (codeforge.Job, error)
	// TakeBack ends a job as Cancel does, and takes back by a change what it kept.
	TakeBack(ctx context.Context, u codeforge.User, id string, undo codeforge.TreeChange) (codeforge.Job, error)
	// Apply takes the proposal of a job over, and completes the job if it waits.
	Apply(ctx context.Context, u codeforge.User, id string, a codeforge.Application) (codeforge.Job, error)
	// Reject drops the proposal of a job, and cancels the job if it waits.
	Reject(ctx context.Context, u codeforge.User, id string, chat []codeforge.Message) (codeforge.Job, error)
	// DeleteProject deletes a project of u for good, and ends its jobs.
	DeleteProject(ctx context.Context, u codeforge.User, id string, ifRevision *int64) error
	// Places says of those among jobs that are queued where they stand, as far as it is known.
	Places(ctx context.Context, jobIDs []string) map[string]codeforge.QueuePlace
	// Changed tells those who watch a project of a user, here and elsewhere, of a commit that changed it and was made by no job.
	Changed(userID, projectID string)
	// Respond gives a waiting job its answers and returns the alias under which it goes on.
	Respond(ctx context.Context, u codeforge.User, id string, answers []byte) (alias string, err error)
}

// Preview shows what projects build, on hosts of its own. Nothing of the API is served there, and the API refuses
// requests that come from there.
type Preview interface {
	http.Handler
	// Match reports whether a host (with or without port) is a preview's.
	Match(host string) bool
	// Address is where u, who may see it, opens a project at a revision (0: the newest); scheme and host (with its port) are
	// those by which the client reaches this server. Where users exist it carries a ticket. With fresh what the program
	// stored in the browser is cleared on the way.
	Address(scheme, host string, u codeforge.User, projectID string, revision int64, fresh bool) string
	// State builds a project at a revision (0: the newest), unless that was done, and says what is shown at its address.
	State(ctx context.Context, u codeforge.User, projectID string, revision int64) (preview.State, error)
	// JobState is the same for the working tree of a job.
	JobState(ctx context.Context, u codeforge.User, jobID string) (preview.State, error)
	// JobAddress is Address for the working tree of a job.
	JobAddress(scheme, host string, u codeforge.User, jobID string, fresh bool) string
}

// Site is something beside the API that is served at the same port: below a path, or on a host of its own. Its requests get an
// id, a line in the log and a recovery like all others, and nothing else of the API's: headers such as the content policy,
// identity, and limits are its own.
type Site struct {
	Name    string // its route in the log
	Match   func(*http.Request) bool
	Handler http.Handler
}

// Answer is how a request went.
type Answer struct {
	Route     string // the pattern that took it, the name of a site, or none
	Method    string
	Status    int // 499: the client went away
	Bytes     int64
	Took      time.Duration
	Streamed  bool // the answer lasts as long as its client likes
	RequestID string
	UserID    string
	JobID     string
	Err       error // of ours
}

// Health is what /health says. Status is healthy or degraded.
type Health struct {
	Status       string            `json:"status" enum:"healthy,degraded" example:"healthy"`
	Service      string            `json:"service" example:"codeforge-backend"`
	Version      string            `json:"version" example:"0.1.0"`
	Dependencies map[string]string `json:"dependencies" doc:"Each part that the server depends on, and how it is."`
	Model        string            `json:"model" doc:"The model that answers where nothing else is configured; scaffold is the built-in offline one." example:"scaffold"`
}

// Options is what the edge is made of. Store, Jobs, Hub and Auth must be given.
type Options struct {
	Store Store
	Jobs  Jobs
	Hub   *events.Hub
	// Streams are the event streams that are open. nil: it has its own, which nobody ends.
	Streams *stream.Server
	// Sockets are the WebSockets that are open, which count as streams and end with them. nil: it has its own.
	Sockets *Sockets
	// Auth says who asks, by the Authorization header alone. Its errors are Unauthenticated, Denied for a token that does not
	// cover the request, or Unavailable when nobody can tell right now.
	Auth func(*http.Request) (codeforge.User, error)
	// Check verifies a tree of files, by path, for a user. nil: the routes answer 501.
	Check func(ctx context.Context, user string, t verify.Tree) (verify.Report, error)
	// Run opens what a tree is built to in a browser and uses it; nil: nothing is run. blob reads what the tree has by hash.
	Run func(ctx context.Context, user string, t verify.Tree, blob func(ctx context.Context, hash string) ([]byte, error)) (evidence.Run, error)
	// Models routes the calls of models. nil: nothing is said of models and estimates.
	Models func() *llm.Router
	// Generate calls a model, within budgets. nil: none is tried.
	Generate func(context.Context, *llm.Request, func(llm.Delta)) (*llm.Response, error)
	// Diagnose tries every configured part of the server. nil: it tells nobody.
	Diagnose func(context.Context) ([]Finding, error)
	// Ledger say what models cost and may cost. nil: the routes for them answer 501.
	Ledger Ledger
	// Tokens keeps tokens of our own. nil: there are none.
	Tokens auth.TokenStore
	// Consistency keeps reads from being older than what their users wrote, where replicas may answer them. nil: there are none.
	Consistency Consistency
	// Webhooks makes their secrets and sends to them. nil: none can be made.
	Webhooks Webhooks
	// GitHub carries projects to repositories and back. nil: nothing goes there.
	GitHub GitHub
	// UserKeys seals users' own keys for providers of models. nil: none can be kept.
	UserKeys UserKeys
	// MCP makes what answers at /mcp of the API, which it calls as whoever asks. nil: nothing does.
	MCP func(api http.Handler) http.Handler
	// Preview is asked for every host. nil: there is none.
	Preview Preview
	// Sites are asked, in order, for every request that is no preview's. What none of them takes is the API's.
	Sites []Site
	// Download begins to fetch what an import names by its address, of at most so many bytes. nil: nothing is fetched.
	Download func(ctx context.Context, address string, most int64) (io.ReadCloser, error)
	TempDir  string // where archives lie while they are read; "": the system's folder
	// Health fills /health; Service and Version are set here. nil: always healthy.
	Health func(ctx context.Context) Health
	// Ready says how each part is without which the server should get no traffic. nil: the store alone is asked.
	Ready func(ctx context.Context) []Check
	// Audit keeps who did what. nil: nothing is kept.
	Audit *audit.Log
	// Log gets one line per request. nil: no log.
	Log *slog.Logger
	// Begin is asked, before anything is done for a request, for the context in which it is served. nil: its own.
	Begin func(*http.Request) context.Context
	// Answered is told, in that context, of each request that was answered. nil: nobody is.
	Answered func(context.Context, Answer)

	// What /ready says is in force.
	StoreName string        // sqlite, postgres, supabase
	Isolation string        // who keeps users apart: single-user, application, row-level-security
	Model     func() string // nil: none is told

	Development bool // serve /docs and /redoc
	Bench       bool // accept the agent type noop
	// Standalone is a server without users: the Host header must be one of ours and unsafe requests must not come from
	// other web pages.
	Standalone bool
	Hosts      []string // further hosts, without port, that a standalone server answers to

	PublicURL      string         // absolute, without trailing slash; "": what the request names
	AllowedOrigins []string       // of web pages that may call; "*": any, without credentials
	TrustedProxies []netip.Prefix // whose X-Forwarded-* count

	Limiter   Limiter // counts the requests of all servers; nil: this one counts alone
	RateLimit int     // requests a minute per user, else per address; 0: no limit
	// AnswerWait is how long a request is held whose answer a job makes; 0: 50 s.
	AnswerWait time.Duration
	// PreviewLimit is how many requests a minute of one address previews answer; 0: no limit. What they build counts as a
	// request of the user.
	PreviewLimit int
	// MaxStreamsUser and MaxStreamsAddress are how many event streams one user and one address may have open; 0: any number.
	MaxStreamsUser    int
	MaxStreamsAddress int

	MaxBody   int64  // bytes; 0: 2 MiB
	MaxFile   int64  // bytes of a file that comes as it is, in base64 or by an import; 0: 10 MB
	MaxText   int64  // bytes of one that is text, of an import; 0: 1 MiB
	MaxImport int64  // bytes of an archive, and of the files that are taken of one; 0: 250 MB
	GitPush   string // PushEach or PushTip; "": PushEach
	GitCache  int64  // bytes that are kept of what git sees of projects; 0: 64 MiB
	MaxLoad   int64  // bytes that requests hold at once, a quarter of them per user where there are users; 0: 256 MiB

	// StreamKeys signs the tokens in stream addresses. nil: addresses carry none.
	StreamKeys *auth.Keyring
	// StreamWithoutToken lets anyone who knows a job's id watch it.
	StreamWithoutToken bool

	probesOnly bool // see [NewProbes]
}

const (
	defaultMaxBody = 2 << 20
	bodyTimeout    = 30 * time.Second // to read one body,
	slowestBody    = 128 << 10        // and a second for so many bytes of it
	corsMaxAge     = "3600"           // seconds
)

type server struct {
	Options
	sites   []Site
	mux     *http.ServeMux
	huma    huma.API
	limit   *limiter
	shows   *limiter // requests to previews
	joins   *limiter // of the waitlist, by address
	limitBy []string // the limit, as a header
	origins map[string]bool
	cross   *http.CrossOriginProtection // standalone
	hosts   map[string]bool             // standalone
	csrf    *auth.CSRF                  // where users exist
	load    *load
	lists   *cache.LRU[string, keptList] // by project
	git     *git.Repositories
	heavy   chan struct{} // a place for each diff that may be made at once
	imports chan struct{} // and for each import
	secure  bool          // the public address is https

	began time.Time

	healthy   atomic.Pointer[held] // the last answer of /health
	estimates estimateCache
	costs     *cache.LRU[costKey, knownCost]
}

// New returns the handler of the whole API.
func New(o Options) http.Handler {
	s := newServer(o)
	s.sites = append(slices.Clip(s.sites), s.docsSite())
	return s
}

// Spec returns the OpenAPI document that a server with these options serves.
func Spec(o Options) ([]byte, error) { return newServer(o).spec() }

func newServer(o Options) *server {
	if o.MaxBody <= 0 {
		o.MaxBody = defaultMaxBody
	}
	if o.Model == nil {
		o.Model = func() string { return "" }
	}
	if o.Ready == nil {
		o.Ready = pingOnly(o.Store)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.MaxFile, o.MaxText, o.MaxImport = cmp.Or(o.MaxFile, defaultMaxFile), cmp.Or(o.MaxText, 1<<20), cmp.Or(o.MaxImport, defaultMaxImport)
	o.MaxLoad, o.AnswerWait = cmp.Or(o.MaxLoad, defaultLoad), cmp.Or(o.AnswerWait, answerWait)
	each := o.MaxLoad / 4
	if o.Standalone { // the one user is everybody
		each = o.MaxLoad
	}
	o.Streams, o.Sockets = cmp.Or(o.Streams, new(stream.Server)), cmp.Or(o.Sockets, new(Sockets))
	if o.Jobs != nil {
		o.Store = toldStore{o.Store, o.Jobs.Changed}
	}
	s := &server{began: time.Now(), Options: o, load: newLoad(o.MaxLoad, each), mux: http.NewServeMux(), limit: newLimiter(o.RateLimit, o.Limiter, ""), shows: newLimiter(o.PreviewLimit, o.Limiter, "preview:"), joins: newLimiter(waitlistLimit, o.Limiter, "waitlist:"), limitBy: []string{strconv.Itoa(o.RateLimit)},
		origins: map[string]bool{}, lists: cache.NewLRU[string, keptList](keptLists), costs: cache.NewLRU[costKey, knownCost](keptCosts), heavy: make(chan struct{}, 2), imports: make(chan struct{}, importPlaces),
		secure: strings.HasPrefix(o.PublicURL, "https://"), git: git.New(o.Store, o.GitCache)}
	for _, origin := range o.AllowedOrigins {
		s.origins[canonicalOrigin(origin)] = true
	}
	if o.Standalone && !o.probesOnly { // probes come by any name
		s.cross = http.NewCrossOriginProtection()
		for _, origin := range o.AllowedOrigins {
			// An origin that does not parse can match none.
			_ = s.cross.AddTrustedOrigin(canonicalOrigin(origin))
		}
		s.hosts = map[string]bool{"localhost": true, "ip6-localhost": true}
		for _, h := range append(slices.Clone(o.Hosts), hostOf(o.PublicURL)) {
			if h != "" {
				s.hosts[strings.ToLower(h)] = true
			}
		}
	}
	if !o.Standalone {
		s.csrf = &auth.CSRF{Exempt: []string{"/v1/waitlist"}}
	}
	s.sites = s.Sites
	if s.Preview != nil {
		atPreview := func(r *http.Request) bool { return s.Preview.Match(r.Host) }
		s.sites = append([]Site{{"preview", atPreview, http.HandlerFunc(s.preview)}}, s.Sites...)
	}
	s.huma = huma.NewAPI(s.config(), adapter{s})
	s.routes()
	onlyStandard(s.huma.OpenAPI())
	return s
}

// caller is who asks; operations that need nobody must not call it.
func caller(ctx context.Context) codeforge.User {
	x, _ := exchangeOf(ctx)
	return x.user
}

// reached says by which scheme and host clients reach this server: those of the public address, else the request's own.
func (s *server) reached(r *http.Request) (scheme, host string) {
	if before, after, ok := strings.Cut(s.PublicURL, "://"); ok {
		return before, after
	}
	scheme, host = "http", r.Host
	if r.TLS != nil {
		scheme = "https"
	}
	if contains(s.TrustedProxies, peerAddress(r)) {
		if p := r.Header.Get("X-Forwarded-Proto"); p == "http" || p == "https" {
			scheme = p
		}
		if h := r.Header.Get("X-Forwarded-Host"); h != "" && !strings.ContainsAny(h, "/\\@ \"<>,") {
			host = h
		}
	}
	return scheme, host
}

// busy takes a place for heavy work.
func (s *server) busy(ctx context.Context) (done func(), err error) { return place(ctx, s.heavy) }

// place takes one of some places; the caller gives it back with the function. Others wait a little, then are told.
func place(ctx context.Context, places chan struct{}) (done func(), err error) {
	select {
	case places <- struct{}{}:
		return func() { <-places }, nil
	default:
	}
	t := time.NewTimer(5 * time.Second)
	defer t.Stop()
	select {
	case places <- struct{}{}:
		return func() { <-places }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-t.C:
		return nil, &codeforge.Error{Kind: codeforge.Unavailable, Message: "The server is busy with other projects", RetryAfter: 5 * time.Second}
	}
}

func (s *server) spec() ([]byte, error) {
	return json.MarshalIndent(s.huma.OpenAPI(), "", "  ")
}
