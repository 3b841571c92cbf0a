// Package supabase is the store on a Supabase project of which only the address and the service key are known: everything
// goes through its Data API (PostgREST).
//
// What a user reads or creates is asked for with the user's own token, so that row level security has the last word; the
// query names the owner besides, which decides where there is no token. What users may not do themselves (jobs,
// revisions, events) are the functions of package postgres's migrations, called with the service key; they take the id of
// the verified user and check the owner in the statement that does the work. One request is one transaction there, and
// nothing spans two, so each method is one request, but for those that say otherwise.
//
// An answer can be lost after the work was done. Each method either can be repeated without harm, and is, or finds out
// whether its work was done; WriteFile, DeleteFile and RestoreRevision do neither and report that the store cannot be
// reached. A request that is still on its way when its repetition arrives is the one case that this does not cover: its
// claim lapses, its events are there twice.
package supabase

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"codeforge"
)

// Options configure a store. URL and Key are needed.
type Options struct {
	// URL is the project's address, as https://abcdefghijklmnopqrst.supabase.co.
	URL string
	// Key is the service key of either generation: a JWT of the role service_role, or sb_secret_...
	Key string
	// Timeout bounds each request and its answer; 0: 30 s.
	Timeout time.Duration
	// Transport sends the requests; nil: one of the store's own.
	Transport http.RoundTripper
}

// Store is a client of one project. Its methods may be called from many goroutines.
type Store struct {
	base    *url.URL
	key     string
	bearer  bool // the key is a JWT, and stands in for a user's
	client  *http.Client
	timeout time.Duration
	pause   time.Duration // before the second try; longer before the third

	// unsure are claims whose newest events may have been stored although their answer never came.
	unsure sync.Map // codeforge.Fence -> struct{}
}

// Open checks what can be told of address and key without asking; Ready asks.
func Open(o Options) (*Store, error) {
	base, err := url.Parse(strings.TrimRight(strings.TrimSpace(o.URL), "/"))
	if err != nil || base.Host == "" || base.Scheme != "https" && base.Scheme != "http" || base.RawQuery != "" || base.User != nil {
		return nil, errors.New("SUPABASE_URL must be the address of the project, as https://abcdefghijklmnopqrst.supabase.co")
	}
	base.Path = strings.TrimSuffix(base.Path, "/rest/v1")
	key := strings.TrimSpace(o.Key)
	if err := checkKey(key, base.Hostname(), time.Now()); err != nil {
		return nil, err
	}
	if o.Timeout == 0 {
		o.Timeout = 30 * time.Second
	}
	if o.Transport == nil {
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.MaxIdleConns, t.MaxIdleConnsPerHost = 64, 64
		t.IdleConnTimeout = 20 * time.Second // below that of any gateway: a write on a connection it just closed is lost
		t.DialContext = (&net.Dialer{Timeout: 10 * time.Second}).DialContext
		o.Transport = t
	}
	return &Store{base: base, key: key, bearer: !strings.HasPrefix(key, "sb_"), timeout: o.Timeout, pause: 40 * time.Millisecond,
		// A redirect would carry the key to wherever it points.
		client: &http.Client{Transport: o.Transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}, nil
}

// SetQuota bounds what each user may have from now on, on all servers of the project.
func (s *Store) SetQuota(ctx context.Context, q codeforge.Quota) error {
	_, _, _, err := call[any](ctx, s, system, true, "set_quota", map[string]any{"p_projects": q.Projects, "p_revisions_a_day": q.RevisionsDay, "p_open_jobs": q.OpenJobs})
	return err
}

// Close lets go of idle connections.
func (s *Store) Close() { s.client.CloseIdleConnections() }

const where = " (in the dashboard: Project Settings, API Keys)"

// checkKey refuses what is no service key of the project, as far as that shows. Whether it is genuine only the server knows.
func checkKey(key, host string, now time.Time) error {
	switch {
	case key == "":
		return errors.New("SUPABASE_SERVICE_KEY is empty: set it to the secret key, sb_secret_..., or the legacy service_role key" + where)
	case strings.HasPrefix(key, "sb_secret_"):
		return nil
	case strings.HasPrefix(key, "sb_publishable_"):
		return errors.New("SUPABASE_SERVICE_KEY holds the publishable (anon) key, which browsers use: set it to the secret key, sb_secret_..." + where)
	}
	parts := strings.Split(key, ".")
	var claims struct {
		Role string `json:"role"`
		Ref  string `json:"ref"`
		Exp  int64  `json:"exp"`
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.Join(parts[min(1, len(parts)-1):min(2, len(parts))], ""))
	if len(parts) != 3 || err != nil || json.Unmarshal(payload, &claims) != nil {
		return errors.New("SUPABASE_SERVICE_KEY is no key of Supabase: it must be the secret key, sb_secret_..., or the legacy service_role key" + where)
	}
	switch ref, hosted := strings.CutSuffix(host, ".supabase.co"); {
	case claims.Role == "anon":
		return errors.New("SUPABASE_SERVICE_KEY holds the anon key: set it to the service_role key, or the secret key sb_secret_..." + where)
	case claims.Role != "service_role":
		return fmt.Errorf("SUPABASE_SERVICE_KEY holds a token of the role %q: set it to the service_role key, or the secret key sb_secret_..."+where, claims.Role)
	case hosted && claims.Ref != "" && claims.Ref != ref:
		return fmt.Errorf("SUPABASE_SERVICE_KEY is the key of project %s, SUPABASE_URL the address of %s", claims.Ref, ref)
	case claims.Exp > 0 && claims.Exp <= now.Unix():
		return errors.New("SUPABASE_SERVICE_KEY has expired: set it to the secret key, sb_secret_..." + where)
	}
	return nil
}

// schema is the number of the oldest migration that has all that is asked for here.
const schema = 13

const remedy = `paste what "codeforge migrate --print" prints into the SQL editor, or run "supabase db push" in the repository`

// Ready checks that the Data API answers, takes the key, and has the schema. Its error says what to do.
func (s *Store) Ready(ctx context.Context) error {
	var number int
	_, _, err := s.do(ctx, request{method: http.MethodPost, path: "rpc/codeforge_schema", body: struct{}{}, again: true}, &number)
	if err == nil && number >= schema {
		return nil
	}
	f, _ := errors.AsType[*failure](err)
	switch {
	case err == nil:
		return &codeforge.Error{Kind: codeforge.Unavailable, Message: fmt.Sprintf("The database schema is at migration %d of %d: %s", number, schema, remedy)}
	case f == nil:
		return err
	case f.Code == "PGRST202" || f.Code == "42883" || f.Code == "42P01" || f.Code == "PGRST205":
		return &codeforge.Error{Kind: codeforge.Unavailable, Cause: err,
			Message: "The database schema is missing: " + remedy + `; if that was done, the Data API has not noticed: run "notify pgrst, 'reload schema'" there`}
	case f.status == http.StatusUnauthorized || f.status == http.StatusForbidden:
		return &codeforge.Error{Kind: codeforge.Unavailable, Cause: err,
			Message: "Supabase refuses SUPABASE_SERVICE_KEY: it must be the secret key, sb_secret_..., or the service_role key of this project" + where}
	case f.status == http.StatusNotFound:
		return &codeforge.Error{Kind: codeforge.Unavailable, Cause: err, Message: "There is no Data API at SUPABASE_URL: check the address, and that the Data API is enabled"}
	}
	return err
}

// Ping checks what Ready checks.
func (s *Store) Ping(ctx context.Context) error { return s.Ready(ctx) }

// system is who acts when no user does: the service key.
var system codeforge.User

// call calls a function of the schema. found is whether it returned something.
func call[T any](ctx context.Context, s *Store, as codeforge.User, again bool, function string, args map[string]any) (out T, found, unsure bool, err error) {
	var p *T
	_, unsure, err = s.do(ctx, request{method: http.MethodPost, path: "rpc/codeforge_" + function, body: args, as: as, again: again}, &p)
	if err != nil || p == nil {
		return out, false, unsure, err
	}
	return *p, true, unsure, nil
}

// read calls a function that changes nothing, as a user; none is the error when it returns nothing.
func read[T any](ctx context.Context, s *Store, u codeforge.User, function string, args map[string]any, none error) (T, error) {
	args["p_user"] = u.ID
	out, found, _, err := call[T](ctx, s, u, true, function, args)
	if err == nil && !found {
		err = none
	}
	return out, err
}

// pages reads rows of a table from first on, size of them (negative: all), and how many there are in all, in as many requests
// as the API's cap on rows makes it take.
func pages[T any](ctx context.Context, s *Store, r request, first, size int) (all []T, total int, err error) {
	r.again, r.prefer = true, []string{"count=exact"}
	for {
		if size >= 0 {
			r.query.Set("limit", strconv.Itoa(size-len(all)))
		}
		r.query.Set("offset", strconv.Itoa(first+len(all)))
		var rows []T
		total, _, err = s.do(ctx, r, &rows)
		if err != nil {
			return nil, 0, err
		}
		all, total = append(all, rows...), max(total, 0)
		if len(rows) == 0 || len(all) >= total-first || size >= 0 && len(all) >= size {
			return all, total, nil
		}
	}
}

// check reads the ids of a user and of a resource. One of the wrong form names nothing.
func check(u codeforge.User, resource, id string) error {
	if _, err := codeforge.ParseID(u.ID); err != nil {
		return &codeforge.Error{Kind: codeforge.Unauthenticated, Message: "The user does not exist"}
	}
	if _, err := codeforge.ParseID(id); err != nil {
		return codeforge.NotFound(resource, id)
	}
	return nil
}

// valid refuses text that would not be stored as it is: JSON holds no broken UTF-8 and replaces it.
func valid(texts ...string) error {
	for _, t := range texts {
		if !utf8.ValidString(t) {
			return codeforge.InvalidField("text", "must be valid UTF-8 without NUL characters")
		}
	}
	return nil
}

// document is the argument for a parameter or column of JSON; nothing is null.
func document(raw json.RawMessage) any {
	if len(raw) == 0 {
		return nil
	}
	return raw
}

// present is a document of a row; null is nothing.
func present(raw json.RawMessage) json.RawMessage {
	if string(raw) == "null" {
		return nil
	}
	return raw
}

// clean drops NUL, which Postgres cannot hold, from text for people.
func clean(s string) string { return strings.ReplaceAll(s, "\x00", "") }

func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	return new(t.UTC())
}
