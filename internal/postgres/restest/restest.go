// Package restest is a stand-in for the Data API of a Supabase project: the rules of the gateway for keys, and as much of
// PostgREST as a client may use that keeps to what its handbook says, over a real Postgres, whose roles and policies decide.
//
// It knows tables (select with names and aliases of columns, filters, order, limit, offset, Range, exact counts, insert,
// upsert, update, delete) and functions (named arguments as JSON). It knows no embedding, no logic of filters, no casts, and
// refuses them.
package restest

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Options configure a project.
type Options struct {
	// Database is the URL of a login that may act as anon, authenticated and service_role.
	Database string
	// Version is that of the PostgREST to resemble: 12 or 14; 0: 14.
	Version int
	// MaxRows is how many rows an answer holds at most; 0: 1000.
	MaxRows int
}

// Server is a project at work.
type Server struct {
	URL string
	// Its keys, of both generations.
	Anon, Service, Publishable, Secret string

	o       Options
	pool    *pgxpool.Pool
	jwt     []byte
	cache   atomic.Pointer[schema]
	mu      sync.Mutex
	before  func(http.ResponseWriter, *http.Request) bool
	present []Request
}

// Request is what was asked, by whom.
type Request struct {
	Method, Path, Role, UserAgent string
	Header                        http.Header
}

// Start serves a project until the test ends.
func Start(tb testing.TB, o Options) *Server {
	tb.Helper()
	if o.Version == 0 {
		o.Version = 14
	}
	if o.MaxRows == 0 {
		o.MaxRows = 1000
	}
	config, err := pgxpool.ParseConfig(o.Database)
	if err != nil {
		tb.Fatal(err)
	}
	config.MaxConns = 8
	config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol // values are literals without a type, as in PostgREST's SQL
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		tb.Fatal(err)
	}
	s := &Server{o: o, pool: pool, jwt: []byte("a secret of at least thirty-two characters"), Publishable: "sb_publishable_stand-in", Secret: "sb_secret_stand-in"}
	s.Anon, s.Service = s.legacy("anon"), s.legacy("service_role")
	web := httptest.NewServer(s)
	s.URL = web.URL
	tb.Cleanup(func() {
		web.Close()
		pool.Close()
	})
	s.Reload(tb)
	return s
}

func (s *Server) legacy(role string) string {
	now := time.Now()
	return s.Sign(map[string]any{"iss": "supabase", "ref": "stand-in", "role": role, "iat": now.Unix(), "exp": now.AddDate(10, 0, 0).Unix()})
}

// Sign makes a token with any claims.
func (s *Server) Sign(claims map[string]any) string {
	t, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims(claims)).SignedString(s.jwt)
	if err != nil {
		panic(err)
	}
	return t
}

// Token is the access token of a user, valid for this long.
func (s *Server) Token(user string, valid time.Duration) string {
	now := time.Now()
	return s.Sign(map[string]any{"iss": s.URL + "/auth/v1", "sub": user, "aud": "authenticated", "role": "authenticated", "email": "", "phone": "",
		"app_metadata": map[string]any{"provider": "email"}, "user_metadata": map[string]any{}, "is_anonymous": false,
		"iat": now.Unix(), "exp": now.Add(valid).Unix()})
}

// Before sets what is done first with each request; when it returns true, nothing else is.
func (s *Server) Before(f func(http.ResponseWriter, *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before = f
}

// Requests returns what was asked since the last call, in order of arrival.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.present
	s.present = nil
	return all
}

// problem is an error as PostgREST words it.
type problem struct {
	status  int
	Code    string  `json:"code"`
	Details *string `json:"details"`
	Hint    *string `json:"hint"`
	Message string  `json:"message"`
}

func (p *problem) Error() string { return p.Message }

func refuse(status int, code, message string) *problem {
	return &problem{status: status, Code: code, Message: message}
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	before := s.before
	s.mu.Unlock()
	if before != nil && before(w, r) {
		return
	}
	bearer, ok := s.gateway(w, r)
	if !ok {
		return
	}
	status, header, body, err := s.serve(r, bearer)
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	maps.Copy(h, header)
	if err != nil {
		p, ok := errors.AsType[*problem](err)
		if !ok {
			role, _, _ := s.authenticate(bearer)
			p = s.fault(err, role != "anon")
		}
		if p.status == http.StatusUnauthorized {
			h.Set("WWW-Authenticate", "Bearer")
		}
		w.WriteHeader(p.status)
		json.NewEncoder(w).Encode(p)
		return
	}
	switch {
	case status == http.StatusNoContent:
		w.WriteHeader(status)
	case len(body) > 1400 && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip"):
		h.Set("Content-Encoding", "gzip")
		w.WriteHeader(status)
		z := gzip.NewWriter(w)
		defer z.Close()
		io.WriteString(z, body)
	default:
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

// gateway looks at the key and returns the token that PostgREST gets to see; "": none.
func (s *Server) gateway(w http.ResponseWriter, r *http.Request) (bearer string, ok bool) {
	deny := func(message string) (string, bool) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnauthorized)
		json.NewEncoder(w).Encode(map[string]string{"message": message})
		return "", false
	}
	key := r.Header.Get("apikey")
	bearer = strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	switch {
	case !strings.HasPrefix(r.URL.Path, "/rest/v1/"):
		w.WriteHeader(http.StatusNotFound)
		return "", false
	case key == "":
		return deny("No API key found in request")
	case !slices.Contains([]string{s.Anon, s.Service, s.Publishable, s.Secret}, key):
		return deny("Invalid API key")
	case key == s.Secret && strings.Contains(r.UserAgent(), "Mozilla"):
		return deny("Forbidden use of secret API key in browser")
	case key == s.Secret && bearer == "":
		bearer = s.Service
	case key == s.Publishable && bearer == "":
		bearer = s.Anon
	}
	return bearer, true
}

// authenticate verifies a token and returns the role to act as and the claims.
func (s *Server) authenticate(bearer string) (role, claims string, err error) {
	if bearer == "" {
		return "anon", `{"role":"anon"}`, nil
	}
	all := jwt.MapClaims{}
	_, err = jwt.ParseWithClaims(bearer, all, func(*jwt.Token) (any, error) { return s.jwt, nil }, jwt.WithValidMethods([]string{"HS256"}), jwt.WithLeeway(30*time.Second))
	switch {
	case errors.Is(err, jwt.ErrTokenExpired):
		code := "PGRST301"
		if s.o.Version >= 13 {
			code = "PGRST303"
		}
		return "", "", refuse(http.StatusUnauthorized, code, "JWT expired")
	case err != nil:
		return "", "", refuse(http.StatusUnauthorized, "PGRST301", "JWSError JWSInvalidSignature")
	}
	role, _ = all["role"].(string)
	if role == "" {
		role = "anon"
	}
	b, err := json.Marshal(all)
	return role, string(b), err
}

func (s *Server) serve(r *http.Request, bearer string) (status int, header http.Header, body string, err error) {
	role, claims, err := s.authenticate(bearer)
	s.mu.Lock()
	s.present = append(s.present, Request{r.Method, r.URL.Path, role, r.UserAgent(), r.Header.Clone()})
	s.mu.Unlock()
	if err != nil {
		return 0, nil, "", err
	}
	profile := "Content-Profile"
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		profile = "Accept-Profile"
	}
	if p := r.Header.Get(profile); p != "" && p != "public" {
		return 0, nil, "", refuse(http.StatusNotAcceptable, "PGRST106", "The schema must be one of the following: public")
	}
	q := query{cache: s.cache.Load(), r: r, rows: s.o.MaxRows, version: s.o.Version}
	if err := q.plan(); err != nil {
		return 0, nil, "", err
	}
	b := &pgx.Batch{}
	b.Queue("select set_config('search_path', 'public', true), set_config('restest.merged', '', true), set_config('transaction_read_only', $1, true), set_config('role', $2, true), set_config('request.jwt.claims', $3, true), set_config('request.headers', $4, true)",
		map[bool]string{true: "on", false: "off"}[q.reads], role, claims, headers(r.Header))
	q.queue(b)
	// What is sent together is one transaction, unless the answer may still undo it.
	if !q.undoes {
		if err := s.pool.SendBatch(r.Context(), b).Close(); err != nil {
			return 0, nil, "", err
		}
		return q.answer()
	}
	err = pgx.BeginFunc(r.Context(), s.pool, func(tx pgx.Tx) error {
		err := tx.SendBatch(r.Context(), b).Close()
		if err == nil {
			status, header, body, err = q.answer()
		}
		return err
	})
	return status, header, body, err
}

// headers are those of a request as the database sees them: by names in lower case, of each the last one.
func headers(h http.Header) string {
	seen := map[string]string{}
	for name, values := range h {
		if lower := strings.ToLower(name); lower != "authorization" && lower != "apikey" && len(values) > 0 {
			seen[lower] = values[len(values)-1]
		}
	}
	b, _ := json.Marshal(seen) // texts always marshal
	return string(b)
}

// fault words an error of the database.
func (s *Server) fault(err error, authenticated bool) *problem {
	pe, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return refuse(http.StatusServiceUnavailable, "PGRST001", "Database client error. Retrying the connection.")
	}
	p := &problem{status: 400, Code: pe.Code, Message: pe.Message}
	if pe.Detail != "" {
		p.Details = &pe.Detail
	}
	if pe.Hint != "" {
		p.Hint = &pe.Hint
	}
	switch c := pe.Code; {
	case strings.HasPrefix(c, "PT"):
		if p.status, err = strconv.Atoi(c[2:]); err != nil {
			p.status = 500
		}
	case c == "42501" && authenticated:
		p.status = 403
	case c == "42501", c == "22023" && strings.HasPrefix(pe.Message, "role "):
		p.status = 401
	case c == "42883", c == "42P01":
		p.status = 404
	case c == "23503", c == "23505":
		p.status = 409
	case c == "25006":
		p.status = 405
	case c == "P0001":
		p.status = 400
	case strings.HasPrefix(c, "08"), strings.HasPrefix(c, "53") && c != "53400", c == "57P01":
		p.status = 503
	case strings.HasPrefix(c, "54"):
		p.status = 413
	case strings.HasPrefix(c, "28"), strings.HasPrefix(c, "0L"), strings.HasPrefix(c, "0P"):
		p.status = 403
	case c == "42P17", c == "53400", slices.Contains([]string{"09", "25", "2D", "38", "39", "3B", "40", "55", "57", "58", "F0", "HV", "P0", "XX"}, c[:2]):
		p.status = 500
	}
	return p
}

// schema is what the Data API knows of the database since it last looked.
type schema struct {
	tables    map[string]map[string]string // column to type
	functions map[string][]function
}

type function struct {
	name            string
	args            map[string]string // name to type
	required        []string
	set, row, empty bool // returns rows, a row's columns, nothing
	reads           bool // changes nothing
}

// Reload looks at the database again, as notify pgrst, 'reload schema' has PostgREST do.
func (s *Server) Reload(tb testing.TB) {
	tb.Helper()
	c := &schema{tables: map[string]map[string]string{}, functions: map[string][]function{}}
	ctx := context.Background()
	rows, err := s.pool.Query(ctx, `select c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod) from pg_class c join pg_attribute a on a.attrelid = c.oid
		where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'v', 'p') and a.attnum > 0 and not a.attisdropped`)
	if err == nil {
		var table, column, kind string
		_, err = pgx.ForEachRow(rows, []any{&table, &column, &kind}, func() error {
			if c.tables[table] == nil {
				c.tables[table] = map[string]string{}
			}
			c.tables[table][column] = kind
			return nil
		})
	}
	if err != nil {
		tb.Fatal(err)
	}
	rows, err = s.pool.Query(ctx, `select p.proname::text, array_to_json(coalesce(p.proargnames, '{}'))::text,
			(select coalesce(json_agg(format_type(t, null) order by n), '[]') from unnest(p.proargtypes) with ordinality as u (t, n))::text,
			p.pronargs - p.pronargdefaults, p.proretset, t.typtype = 'c' or coalesce(p.proargmodes::text[] && '{t,b,o}', false), t.typname = 'void', p.provolatile <> 'v'
		from pg_proc p join pg_type t on t.oid = p.prorettype where p.pronamespace = 'public'::regnamespace and p.prokind = 'f'`)
	if err == nil {
		var f function
		var name, names, types string
		var required int
		_, err = pgx.ForEachRow(rows, []any{&name, &names, &types, &required, &f.set, &f.row, &f.empty, &f.reads}, func() error {
			var n, t []string
			if err := errors.Join(json.Unmarshal([]byte(names), &n), json.Unmarshal([]byte(types), &t)); err != nil {
				return err
			}
			if len(n) < len(t) {
				return nil // arguments without names
			}
			f.name, f.args = name, map[string]string{}
			for i := range t { // arguments for input come first in ours
				f.args[n[i]] = t[i]
			}
			f.required = n[:required]
			c.functions[name] = append(c.functions[name], f)
			return nil
		})
	}
	if err != nil {
		tb.Fatal(err)
	}
	s.cache.Store(c)
}

// missing is the answer for a name that the schema does not have.
func missing(code, kind, name string) *problem {
	return refuse(http.StatusNotFound, code, fmt.Sprintf("Could not find the %s public.%s in the schema cache", kind, name))
}
