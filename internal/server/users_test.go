package server

import (
	"bytes"
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/golang-jwt/jwt/v5"

	"codeforge"
	"codeforge/internal/api"
	"codeforge/internal/api/apitest"
	"codeforge/internal/client"
	"codeforge/internal/pgtest"
	"codeforge/internal/postgres"
	"codeforge/internal/postgres/restest"
	"codeforge/internal/sqlite/sqlitetest"
)

// Users of the tests: alice has things, bob is a stranger to them, and a visitor has not signed up.
const (
	alice   = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"
	bob     = "6f9619ff-8b86-4d01-b42d-00cf4fc96400"
	visitor = "6f9619ff-8b86-4d01-b42d-00cf4fc96401"

	jwtSecret = "a-secret-of-the-project-with-enough-characters"
)

type object = map[string]any

// project stands in for the Supabase project that issues tokens: it publishes its key, or, where rest is set, it signs with
// a secret and says itself whether a token is good.
type project struct {
	url  string
	key  *ecdsa.PrivateKey
	rest *restest.Server
}

// newDataProject is a project that holds data too, of which only the address and a key are known.
func newDataProject(t *testing.T) *project {
	t.Helper()
	url, _ := freshDatabase(t)
	return newDataProjectOn(t, url)
}

func newDataProjectOn(t *testing.T, url string) *project {
	t.Helper()
	p := &project{rest: restest.Start(t, restest.Options{Database: url})}
	p.url = p.rest.URL
	p.rest.Before(func(w http.ResponseWriter, r *http.Request) bool {
		switch r.URL.Path {
		case "/auth/v1/.well-known/jwks.json":
			_, _ = io.WriteString(w, `{"keys":[]}`)
			return true
		case "/auth/v1/user":
			// It signs no token twice in other words, so what it would sign again is its own.
			for _, user := range []string{alice, bob, visitor} {
				if r.Header.Get("apikey") == p.rest.Secret && r.Header.Get("Authorization") == "Bearer "+p.token(t, user) {
					_, _ = fmt.Fprintf(w, `{"id":%q}`, user)
					return true
				}
			}
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, `{"code":403,"error_code":"bad_jwt"}`)
			return true
		}
		return false
	})
	return p
}

// born is when all tokens are issued.
var born = time.Now().Unix()

func newProject(t *testing.T) *project { return newProjectWith(t, http.NotFoundHandler()) }

// newProjectWith is a project that also answers what more does.
func newProjectWith(t *testing.T, more http.Handler) *project {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := key.PublicKey.Bytes() // 4, x, y
	if err != nil {
		t.Fatal(err)
	}
	part := base64.RawURLEncoding.EncodeToString
	set, err := json.Marshal(object{"keys": []object{{"kty": "EC", "crv": "P-256", "alg": "ES256", "kid": "one", "use": "sig", "key_ops": []string{"verify"},
		"x": part(point[1:33]), "y": part(point[33:])}}})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/auth/v1/.well-known/jwks.json" {
			more.ServeHTTP(w, r)
			return
		}
		_, _ = w.Write(set)
	}))
	t.Cleanup(s.Close)
	return &project{url: s.URL, key: key}
}

func (p *project) claims(user string) jwt.MapClaims {
	now := born
	return jwt.MapClaims{"iss": p.url + "/auth/v1", "sub": user, "aud": "authenticated", "role": "authenticated", "iat": now, "exp": now + 3600,
		"email": "who@example.com", "is_anonymous": user == visitor}
}

// token is what the project signs with its key, and old what it signed with its secret.
func (p *project) token(t *testing.T, user string) string {
	t.Helper()
	if p.rest != nil {
		return p.rest.Sign(p.claims(user))
	}
	k := jwt.NewWithClaims(jwt.SigningMethodES256, p.claims(user))
	k.Header["kid"] = "one"
	s, err := k.SignedString(p.key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (p *project) old(t *testing.T, user string) string {
	t.Helper()
	s, err := jwt.NewWithClaims(jwt.SigningMethodHS256, p.claims(user)).SignedString([]byte(jwtSecret))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var database = struct {
	sync.Once
	name string
}{name: "codeforge_app"}

// freshDatabase is a database with the schema and one role that may use it, and no rows.
func freshDatabase(t *testing.T) (url, admin string) {
	t.Helper()
	s := pgtest.Start(t)
	database.Do(func() {
		s.Exec(t, "postgres", "create role anon nologin; create role authenticated nologin; create role service_role nologin; "+
			"create role cf_app login noinherit; grant anon, authenticated, service_role to cf_app")
		s.Exec(t, "postgres", "create database "+database.name)
		if _, err := postgres.Migrate(t.Context(), s.URL(pgtest.Superuser, database.name), ""); err != nil {
			t.Fatal(err)
		}
	})
	name := s.Database(t, pgtest.Superuser, database.name)
	return s.URL("cf_app", name), s.URL(pgtest.Superuser, name)
}

// emptyDatabase is one where nothing was ever done.
func emptyDatabase(t *testing.T) (url, admin string) {
	t.Helper()
	s := pgtest.Start(t)
	name := s.Database(t, pgtest.Superuser, "")
	return s.URL("cf_app", name), s.URL(pgtest.Superuser, name)
}

// configured reads a configuration as the command line does, with its defaults.
func configured(t *testing.T, args ...string) *Config {
	t.Helper()
	c := Config{WarmVerifiers: -1} // few tests need one
	if err := parse(&c, append([]string{"--data-dir", t.TempDir(), "--port", "0", "--host", "127.0.0.1", "--rate-limit-per-minute", "100000000", "--bench", "--npm-registry", "off", "--smoke", "off"}, args...)); err != nil {
		t.Fatal(err)
	}
	return &c
}

func parse(c *Config, args []string) error {
	parser, err := commandLine(c)
	if err == nil {
		_, err = parser.Parse(args)
	}
	return err
}

func commandLine(c *Config) (*kong.Kong, error) {
	return kong.New(c, kong.Exit(func(int) { panic("the command line ended the program") }))
}

// server is a whole server in this process.
type server struct {
	*Server
	log *bytes.Buffer // to be read after it is closed
}

// serve runs a server until the test ends.
func serve(t *testing.T, cfg *Config) *server {
	t.Helper()
	s := &server{log: &bytes.Buffer{}}
	var err error
	if cfg.store() == sqliteStore {
		sqlitetest.Fill(t, cfg.DataDir)
	}
	if s.Server, err = Open(t.Context(), cfg, s.log); err == nil {
		if err = s.Listen(); err == nil {
			err = s.Start(t.Context())
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("log of %s:\n%.20000s", s.URL(), s.log)
		}
	})
	return s
}

// caller is a client that gives up the test when it gets no answer.
type caller struct{ client.Client }

// promised is the document that answers and events are judged by.
var promised = apitest.Shared(func() ([]byte, error) { return api.Spec(api.Options{}) })

// judged fails what is not as the document has it.
var judged = sync.OnceValue(func() *http.Client { return &http.Client{Transport: promised().Transport(http.DefaultTransport)} })

func (s *server) as(token string) caller {
	return caller{client.Client{Base: s.URL(), Token: token, HTTP: judged()}}
}

// ask sends a request and returns what came back. Its body is JSON, or nothing.
func (c caller) ask(t *testing.T, method, path string, body any, header ...string) (status int, text string, h http.Header) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	resp, err := c.Do(ctx, method, c.Base+path, body, header...)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b), resp.Header
}

// must is ask for what must work; the answer goes into out.
func (c caller) must(t *testing.T, method, path string, body, out any) {
	t.Helper()
	if err := c.Call(t.Context(), method, path, body, out); err != nil {
		t.Fatal(err)
	}
}

// belongings are what alice has.
type belongings struct{ project, job, path, webhook, delivery, token string }

// makeBelongings gives alice a project with a file and an ended job.
func makeBelongings(t *testing.T, c caller) belongings {
	t.Helper()
	var p codeforge.Project
	c.must(t, "POST", "/v1/projects/", object{"title": "Dog walkers", "description": "alice's alone"}, &p)
	c.must(t, "POST", "/v1/projects/"+p.ID+"/files", object{"path": "src/main.ts", "content": "export const secret = 'alice'\n"}, new(object))
	var job struct {
		ID string `json:"job_id"`
	}
	c.must(t, "POST", "/v1/run-agent", object{"project_id": p.ID, "agent_type": "research", "input_context": object{"user_message": "dogs", "skip_clarification": true}}, &job)
	last := "0"
	if done, err := c.Stream(t.Context(), c.Base+"/v1/jobs/"+job.ID+"/stream", &last, func(kind string, data []byte) (bool, error) {
		return kind == "complete", nil
	}); !done {
		t.Fatal("the job did not complete", err)
	}
	var hook, delivery struct{ ID string }
	c.must(t, "POST", "/v1/projects/"+p.ID+"/webhooks", object{"url": "https://hooks.invalid/", "events": []string{"webhook.disabled"}}, &hook)
	c.must(t, "POST", "/v1/webhooks/"+hook.ID+"/test", nil, &delivery)
	c.must(t, "PUT", "/v1/webhooks/"+hook.ID, object{"enabled": false}, new(object))
	var token struct{ ID string }
	if c.Token != "" { // standalone there are none
		c.must(t, "POST", "/v1/tokens", object{"name": "alice's machine", "scopes": []string{"read"}}, &token)
	}
	return belongings{p.ID, job.ID, "src/main.ts", hook.ID, delivery.ID, token.ID}
}

// readAll is everything of alice's, as she sees it.
func (b belongings) readAll(t *testing.T, c caller) string {
	t.Helper()
	var all strings.Builder
	for _, path := range []string{"/v1/projects/", "/v1/projects/" + b.project, "/v1/projects/" + b.project + "/files", "/v1/projects/" + b.project + "/revisions",
		"/v1/projects/" + b.project + "/messages", "/v1/jobs/" + b.project + "/list", "/v1/jobs/" + b.job, "/v1/budgets?project_id=" + b.project + "&job_id=" + b.job, "/v1/keys", "/v1/tokens"} {
		if path == "/v1/tokens" && b.token == "" {
			continue
		}
		status, text, _ := c.ask(t, "GET", path, nil)
		if status != http.StatusOK {
			t.Fatal(path, status, text)
		}
		all.WriteString(path + " " + text + "\n")
	}
	return all.String()
}

// operation is one way into the API, filled in with what is alice's.
type operation struct {
	method, path string
	body         any
	public       bool
	named        bool // it names something of alice's
	done         int  // what it answers when it did what was asked
}

// operations are all there are, from the specification: one that is new is among them.
func operations(t *testing.T, b belongings) (all []operation) {
	t.Helper()
	raw, err := api.Spec(api.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Paths map[string]map[string]struct {
			Security   *[]map[string][]string
			Aliases    []string `json:"x-aliases"`
			Parameters []struct {
				Name, In string
				Required bool
				Schema   struct{ Enum []string }
			}
			RequestBody struct {
				Content map[string]struct{ Example any }
			}
			Responses map[string]any
		}
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	known := map[string]string{"project_id": b.project, "job_id": b.job, "path": b.path, "n": "1", "call": "1", "webhook_id": b.webhook, "delivery_id": b.delivery, "token_id": b.token, "permanent": "true", "project": b.project, "provider": "anthropic"}
	for _, path := range slices.Sorted(maps.Keys(doc.Paths)) {
		for method, op := range doc.Paths[path] {
			o := operation{method: strings.ToUpper(method), public: op.Security != nil && len(*op.Security) == 0, done: http.StatusOK}
			if op.Responses["201"] != nil {
				o.done = http.StatusCreated
			}
			if path == "/v1/doctor" { // its findings are the operator's, where there are users
				o.done = http.StatusNotImplemented
			}
			if content, ok := op.RequestBody.Content["application/json"]; ok {
				o.body = content.Example
				if o.body == nil {
					t.Errorf("%s %s: a body without an example cannot be tried", method, path)
				}
				fields, _ := o.body.(object)
				for name, value := range map[string]string{"project_id": b.project, "job_id": b.job, "id": b.project} {
					if _, ok := fields[name]; ok {
						fields[name], o.named = value, true
					}
				}
			}
			var query, further []string
			for _, p := range op.Parameters {
				switch value := known[p.Name]; {
				case p.In == "path" && value == "":
					t.Errorf("%s %s: what is %s?", method, path, p.Name)
				case p.In == "path":
					o.named = true
				case p.In == "query" && p.Required:
					query = append(query, p.Name+"="+cmp.Or(value, "code"))
				case p.In == "query" && (strings.HasSuffix(p.Name, "_id") || p.Name == "project"):
					further = append(further, p.Name+"="+value)
				}
			}
			for _, at := range append([]string{path}, op.Aliases...) {
				for name, value := range known {
					at = strings.ReplaceAll(at, "{"+name+"}", value)
				}
				o := o
				o.path = at + "?" + strings.Join(query, "&")
				if at == "/v1/events" { // which never ends
					o.method = http.MethodHead
				}
				all = append(all, o)
				for _, f := range further {
					o.path, o.named = at+"?"+strings.Join(append(query, f), "&"), true
					all = append(all, o)
				}
			}
		}
	}
	return all
}

// stores are the ways to store projects: each opens a Supabase project, and says what a server is told to store with it.
var stores = map[string]func(t *testing.T) (*project, []string){
	sqliteStore: func(t *testing.T) (*project, []string) {
		return newProject(t), []string{"--supabase-jwt-secret", jwtSecret}
	},
	postgresStore: func(t *testing.T) (*project, []string) {
		url, _ := freshDatabase(t)
		return newProject(t), []string{"--supabase-jwt-secret", jwtSecret, "--database-url", url}
	},
	supabaseStore: func(t *testing.T) (*project, []string) {
		p := newDataProject(t)
		return p, []string{"--supabase-service-key", p.rest.Secret}
	},
}

// TestIsolation calls every endpoint with what is alice's: as a stranger, as somebody who has not signed up, without a
// token, and with tokens that are none.
func TestIsolation(t *testing.T) {
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			p, args := open(t)
			nowhere := "http://127.0.0.1:1"
			s := serve(t, configured(t, append(args, "--supabase-url", p.url, "--key-encryption-key", strings.Repeat("k", 32), "--openai-base-url", nowhere, "--anthropic-base-url", nowhere)...))
			if s.store.Name != name {
				t.Fatal(s.store.Name)
			}
			owner := s.as(p.token(t, alice))
			b := makeBelongings(t, owner)
			owner.must(t, "POST", "/v1/keys", object{"provider": "anthropic", "key": "sk-ant-a-key-of-alice"}, new(object))
			before := b.readAll(t, owner)
			if p.rest == nil {
				if again := b.readAll(t, s.as(p.old(t, alice))); again != before {
					t.Errorf("the project's secret makes another user of alice:\n%s\n%s", before, again)
				}
			}
			service := jwt.MapClaims{"iss": "supabase", "role": "service_role", "iat": born, "exp": born + 3600}
			key, err := jwt.NewWithClaims(jwt.SigningMethodHS256, service).SignedString([]byte(jwtSecret))
			if err != nil {
				t.Fatal(err)
			}
			if p.rest != nil {
				key = p.rest.Service
			}
			unsigned, err := jwt.NewWithClaims(jwt.SigningMethodNone, p.claims(alice)).SignedString(jwt.UnsafeAllowNoneSignatureType)
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range operations(t, b) {
				for who, token := range map[string]string{"nobody": "", "a visitor": p.token(t, visitor), "the service key": key, "an unsigned token": unsigned, "a forger": newProjectAt(t, p).token(t, alice)} {
					status, text, _ := s.as(token).ask(t, o.method, o.path, o.body, "X-User-ID", alice)
					if want := map[bool]int{true: o.done, false: 401}[o.public]; status != want {
						t.Errorf("%s %s by %s: %d %s", o.method, o.path, who, status, text)
					}
				}
				status, text, _ := s.as(p.token(t, bob)).ask(t, o.method, o.path, o.body, "X-User-ID", alice)
				want := map[bool]int{true: 404, false: o.done}[o.named]
				if strings.HasPrefix(o.path, "/v1/ws?") { // it is no WebSocket
					want = 400
				}
				if status != want {
					t.Errorf("%s %s by a stranger: %d %s", o.method, o.path, status, text)
				}
				if status < 300 && strings.Contains(text, b.project) || strings.Contains(text, b.job) && !strings.Contains(o.path, b.job) && o.named == false || strings.Contains(text, "secret = ") {
					t.Errorf("%s %s shows a stranger %s", o.method, o.path, text)
				}
			}
			// What a project builds is shown to whoever has a ticket from somebody who may see the project.
			preview := ticketFor(t, owner, b.project)
			for _, c := range []struct {
				path string
				want int
			}{{preview.Path, http.StatusSeeOther}, {"/", http.StatusForbidden}, {"/src/main.ts", http.StatusForbidden}} {
				if status, text := visit(t, s.URL(), preview.Host, c.path); status != c.want || strings.Contains(text, "secret = ") {
					t.Errorf("preview %s: %d %s", c.path, status, text)
				}
			}
			var hook struct{ Enabled bool }
			if owner.must(t, "GET", "/v1/webhooks/"+b.webhook, nil, &hook); hook.Enabled {
				t.Error("a stranger changed a webhook")
			}
			if after := b.readAll(t, owner); after != before {
				t.Errorf("a stranger changed something:\n%s\n%s", before, after)
			}
		})
	}
}

// TestDeletedProject: nothing that was shown of a project, kept in a cache or on a preview's host is shown once it is deleted.
func TestDeletedProject(t *testing.T) {
	p := newProject(t)
	s := serve(t, configured(t, "--supabase-jwt-secret", jwtSecret, "--supabase-url", p.url))
	owner := s.as(p.token(t, alice))
	b, other := makeBelongings(t, owner), makeBelongings(t, owner)
	owner.must(t, "POST", "/v1/projects/"+b.project+"/files", object{"path": "index.html", "content": "<h1>alices page</h1>"}, new(object))
	preview := ticketFor(t, owner, b.project)
	b.readAll(t, owner)
	kept := other.readAll(t, owner)
	usage := func() (text string) {
		_, text, _ = owner.ask(t, "GET", "/v1/usage?group_by=agent", nil)
		return text
	}
	spent := usage()
	owner.must(t, "DELETE", "/v1/projects/"+b.project+"?permanent=true", nil, new(object))
	for _, path := range []string{"/v1/projects/" + b.project, "/v1/projects/" + b.project + "/files", "/v1/projects/" + b.project + "/messages", "/v1/jobs/" + b.job, "/v1/webhooks/" + b.webhook,
		"/v1/projects/" + b.project + "/preview"} {
		if status, text, _ := owner.ask(t, "GET", path, nil); status != 404 {
			t.Error(path, status, text)
		}
	}
	for _, path := range []string{preview.Path, "/"} {
		if status, text := visit(t, s.URL(), preview.Host, path); status == 200 || strings.Contains(text, "alices page") {
			t.Errorf("preview %s: %d %s", path, status, text)
		}
	}
	if after := other.readAll(t, owner); !strings.Contains(kept, other.project) || strings.Contains(after, b.project) {
		t.Errorf("the other project:\n%s\n%s", kept, after)
	}
	if after := usage(); after != spent {
		t.Errorf("the books say\n%s, and said\n%s", after, spent)
	}
}

// newProjectAt is somebody who signs in the name of a project, with a key of their own.
func newProjectAt(t *testing.T, p *project) *project {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &project{url: p.url, key: key}
}

// ticketFor is where the owner of a project opens its preview.
func ticketFor(t *testing.T, c caller, project string) (at struct{ Host, Path string }) {
	t.Helper()
	var preview struct{ URL string }
	c.must(t, "GET", "/v1/projects/"+project+"/preview", nil, &preview)
	u, err := url.Parse(preview.URL)
	if err != nil {
		t.Fatal(err)
	}
	at.Host, at.Path = u.Host, u.RequestURI()
	return at
}

// visit opens a page as a browser without cookies does; names below localhost lead to s.
func visit(t *testing.T, base, host, path string) (status int, text string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", base+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = host
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// TestOwnTokens: what a machine may do with a token of ours, that it makes none with more rights than its own, and that revoking
// ends it.
func TestOwnTokens(t *testing.T) {
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			p, args := open(t)
			s := serve(t, configured(t, append(args, "--supabase-url", p.url)...))
			owner := s.as(p.token(t, alice))
			b := makeBelongings(t, owner)
			type made struct {
				ID, Token, Hint string
				Expires         *time.Time `json:"expires_at"`
			}
			make := func(c caller, days int, scopes ...string) (m made) {
				t.Helper()
				c.must(t, "POST", "/v1/tokens", object{"name": "a machine", "scopes": scopes, "expires_in_days": days}, &m)
				return m
			}
			refused := func(c caller, method, path string, body any, want int, word string) {
				t.Helper()
				if status, text, _ := c.ask(t, method, path, body); status != want || !strings.Contains(text, word) {
					t.Errorf("%s %s: %d %s, want %d with %s", method, path, status, text, want, word)
				}
			}
			reader, worker := make(owner, 90, "read"), make(owner, 0, "jobs")
			if reader.Expires == nil || worker.Expires != nil || !strings.HasPrefix(reader.Token, reader.Hint) {
				t.Errorf("%+v %+v", reader, worker)
			}
			var project struct{ Title string }
			if s.as(reader.Token).must(t, "GET", "/v1/projects/"+b.project, nil, &project); project.Title == "" {
				t.Error("it reads nothing")
			}
			refused(s.as(reader.Token), "PUT", "/v1/projects/"+b.project, object{"title": "Changed"}, 403, `"write"`)
			s.as(worker.Token).must(t, "POST", "/v1/run-agent", object{"project_id": b.project, "agent_type": "noop"}, new(object))

			writer, keeper := make(owner, 90, "write", "read"), make(owner, 30, "read", "account")
			refused(s.as(writer.Token), "POST", "/v1/tokens", object{"name": "x", "scopes": []string{"read"}}, 403, `"account"`)
			refused(s.as(writer.Token), "DELETE", "/v1/tokens/"+keeper.ID, nil, 403, `"account"`)
			refused(s.as(keeper.Token), "POST", "/v1/tokens", object{"name": "x", "scopes": []string{"read", "write"}, "expires_in_days": 1}, 403, "scopes of its own")
			refused(s.as(keeper.Token), "POST", "/v1/tokens", object{"name": "x", "scopes": []string{"read"}, "expires_in_days": 31}, 403, "longer than itself")
			refused(s.as(keeper.Token), "POST", "/v1/tokens", object{"name": "x", "scopes": []string{"read"}, "expires_in_days": 0}, 403, "longer than itself")
			refused(owner, "POST", "/v1/tokens", object{"name": "x", "scopes": []string{"everything"}}, 422, "scopes.0")
			child := make(s.as(keeper.Token), 29, "read")

			var list struct {
				Items []struct {
					ID      string
					Token   *string
					Used    *time.Time `json:"last_used_at"`
					Revoked *time.Time `json:"revoked_at"`
				}
			}
			text := ""
			if _, text, _ = owner.ask(t, "GET", "/v1/tokens", nil); strings.Contains(text, reader.Token) {
				t.Error("a token is shown again")
			}
			s.as(keeper.Token).must(t, "DELETE", "/v1/tokens/"+child.ID, nil, new(object))
			owner.must(t, "GET", "/v1/tokens", nil, &list)
			if n := len(list.Items); n != 6 || list.Items[0].ID != child.ID || list.Items[0].Revoked == nil || list.Items[4].ID != reader.ID || list.Items[4].Used == nil || list.Items[4].Revoked != nil {
				t.Errorf("%+v", list)
			}
			refused(s.as(child.Token), "GET", "/v1/projects/", nil, 401, "Invalid token") // it was never used before, so no server believes it
			refused(s.as(p.token(t, bob)), "DELETE", "/v1/tokens/"+reader.ID, nil, 404, "Token not found")
			s.as(reader.Token).must(t, "GET", "/v1/projects/", nil, new(object))
		})
	}
	if status, text, _ := serve(t, configured(t)).as("").ask(t, "POST", "/v1/tokens", object{"name": "x", "scopes": []string{"read"}}); status != 501 || !strings.Contains(text, "one user") {
		t.Error("standalone:", status, text)
	}
}

// TestCommandsOnPostgres: the commands that look after a server with users, as processes beside it.
func TestCommandsOnPostgres(t *testing.T) {
	p := newProject(t)
	url, _ := freshDatabase(t)
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	run := func(args ...string) string {
		t.Helper()
		cmd := exec.Command(path, args...)
		cmd.Dir = dir
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "DATABASE_URL=" + url, "SUPABASE_URL=" + p.url, "CELERY_BROKER_URL=amqp://x", "PORT=0"}
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	if out := run("migrate", "--check"); !contains(out, "up to date") {
		t.Error(out)
	}
	if out := run("migrate", "--print"); !contains(out, "begin;", "create table", "commit;") {
		t.Error(out)
	}
	if out := run("doctor"); !contains(out, "ok       settings", "CELERY_BROKER_URL", "isolation row-level-security", "ok       identity by "+p.url) || contains(out, "broken") {
		t.Error(out)
	}
	token := strings.TrimSpace(run("token", "create", "--user", alice, "--name", "a machine", "--scope", "read"))
	s := serve(t, configured(t, "--supabase-url", p.url, "--database-url", url))
	if status, text, _ := s.as(token).ask(t, "GET", "/v1/projects/", nil); status != 200 {
		t.Error(status, text)
	}
	list := run("token", "list", "--user", alice)
	if !contains(list, "a machine", "valid", token[:7]+"...") || contains(list, token) {
		t.Error(list)
	}
	id, _, _ := strings.Cut(strings.Split(list, "\n")[1], " ")
	run("token", "revoke", id, "--user", alice)
	if list = run("token", "list", "--user", alice); !contains(list, "revoked") {
		t.Error(list)
	}
}

// TestWhoIsAUser: visitors come in where they may, and tokens of another issuer where it is named.
func TestWhoIsAUser(t *testing.T) {
	p := newProject(t)
	for _, c := range []struct {
		args []string
		user string
		want int
	}{
		{nil, alice, 200},
		{nil, visitor, 401},
		{[]string{"--allow-anonymous"}, visitor, 200},
		{[]string{"--supabase-jwt-issuer", "https://auth.example.com"}, alice, 401},
		{[]string{"--supabase-jwt-issuer", "https://auth.example.com," + p.url + "/auth/v1"}, alice, 200},
	} {
		s := serve(t, configured(t, append(c.args, "--supabase-url", p.url)...))
		if status, text, _ := s.as(p.token(t, c.user)).ask(t, "GET", "/v1/projects/", nil); status != c.want {
			t.Errorf("%v, %s: %d %s", c.args, c.user, status, text)
		}
	}
}
