package postgres_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"codeforge"
	"codeforge/internal/pgtest"
	"codeforge/internal/postgres"
	"codeforge/internal/postgres/restest"
)

// kind is that of an error, "" for none.
func kind(err error) codeforge.Kind {
	if e, ok := errors.AsType[*codeforge.Error](err); ok {
		return e.Kind
	}
	if err != nil {
		return codeforge.Kind(err.Error())
	}
	return ""
}

func public(err error) string {
	if e, ok := errors.AsType[*codeforge.Error](err); ok {
		return e.Message
	}
	return fmt.Sprint(err)
}

func TestDataAPIKeys(t *testing.T) {
	t.Parallel()
	p := start(t, restest.Options{}, nil)
	now := time.Now()
	for name, c := range map[string]struct{ url, key, want string }{
		"publishable":     {p.URL, p.Publishable, "publishable (anon) key"},
		"anon":            {p.URL, p.Anon, "holds the anon key"},
		"a user's":        {p.URL, p.Token(codeforge.NewID(), time.Hour), `role "authenticated"`},
		"empty":           {p.URL, " ", "SUPABASE_SERVICE_KEY is empty"},
		"a password":      {p.URL, "hunter2", "no key of Supabase"},
		"two parts":       {p.URL, "a.b", "no key of Supabase"},
		"three parts":     {p.URL, "a.b.c", "no key of Supabase"},
		"expired":         {p.URL, p.Sign(map[string]any{"role": "service_role", "exp": now.Add(-time.Hour).Unix()}), "has expired"},
		"another project": {"https://abcdefghijklmnopqrst.supabase.co", p.Service, "is the key of project stand-in"},
		"no address":      {"", p.Secret, "SUPABASE_URL"},
		"half an address": {"abcdefghijklmnopqrst.supabase.co", p.Secret, "SUPABASE_URL"},
		"another scheme":  {"postgres://db.abcdefghijklmnopqrst.supabase.co", p.Secret, "SUPABASE_URL"},
	} {
		if _, err := postgres.OpenDataAPI(postgres.DataAPIOptions{URL: c.url, Key: c.key}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, key := range []string{p.Secret, p.Service, " " + p.Secret + "\n"} {
		for _, url := range []string{p.URL, p.URL + "/", p.URL + "/rest/v1/"} {
			s, err := postgres.OpenDataAPI(postgres.DataAPIOptions{URL: url, Key: key})
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Ping(t.Context()); err != nil {
				t.Errorf("%s: %v", url, err)
			}
			s.Close()
		}
	}
	// What only the server can tell.
	s := p.open(t, func(_ *restest.Server, o *postgres.DataAPIOptions) { o.Key = "sb_secret_of_nobody" })
	if err := s.Ping(t.Context()); kind(err) != codeforge.Unavailable || !strings.Contains(public(err), "refuses SUPABASE_SERVICE_KEY") {
		t.Error(err)
	}
	if _, err := s.GetProject(t.Context(), p.user(), codeforge.NewID()); kind(err) != codeforge.Unavailable {
		t.Error("a wrong key of ours is the user's fault:", err)
	}
	s = p.open(t, func(_ *restest.Server, o *postgres.DataAPIOptions) { o.URL += "/elsewhere" })
	if err := s.Ping(t.Context()); !strings.Contains(public(err), "no Data API at SUPABASE_URL") {
		t.Error(err)
	}
}

// Each generation of keys goes where it belongs, and nothing of a browser goes along.
func TestDataAPIHeaders(t *testing.T) {
	t.Parallel()
	p := start(t, restest.Options{}, nil)
	legacy := p.open(t, func(s *restest.Server, o *postgres.DataAPIOptions) { o.Key = s.Service })
	u := p.user()
	nobody := codeforge.User{ID: u.ID}
	p.Requests()
	for _, c := range []struct {
		store                      *postgres.Store
		u                          codeforge.User
		apikey, authorization, who string
	}{
		{p.store, u, p.Secret, "Bearer " + u.Token, "authenticated"},
		{p.store, nobody, p.Secret, "", "service_role"},
		{legacy, u, p.Service, "Bearer " + u.Token, "authenticated"},
		{legacy, nobody, p.Service, "Bearer " + p.Service, "service_role"},
	} {
		c.store.GetProject(t.Context(), c.u, codeforge.NewID())
		asked := p.Requests()
		if len(asked) != 1 || asked[0].Header.Get("apikey") != c.apikey || asked[0].Header.Get("Authorization") != c.authorization || asked[0].Role != c.who ||
			asked[0].UserAgent != "codeforge/"+codeforge.Version {
			t.Errorf("asked %+v", asked)
		}
	}
}

// A redirect is not followed: the key would go along.
func TestDataAPIRedirect(t *testing.T) {
	t.Parallel()
	p, other := start(t, restest.Options{}, nil), start(t, restest.Options{}, nil)
	p.Before(func(w http.ResponseWriter, r *http.Request) bool {
		http.Redirect(w, r, other.URL+r.URL.Path, http.StatusTemporaryRedirect)
		return true
	})
	if _, err := p.store.GetProject(t.Context(), p.user(), codeforge.NewID()); kind(err) != codeforge.Internal {
		t.Error(err)
	}
	if asked := other.Requests(); len(asked) != 0 {
		t.Errorf("followed: %+v", asked)
	}
}

func TestDataAPIMissingSchema(t *testing.T) {
	t.Parallel()
	for _, version := range []int{12, 14} {
		pg, from := template(t)
		empty := pg.Database(t, pgtest.Superuser, "")
		server := restest.Start(t, restest.Options{Database: pg.URL(authenticator, empty), Version: version})
		s, err := postgres.OpenDataAPI(postgres.DataAPIOptions{URL: server.URL, Key: server.Secret})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		u := codeforge.User{ID: codeforge.NewID(), Token: server.Token(codeforge.NewID(), time.Hour)}
		for _, err := range []error{s.Ping(t.Context()), s.Ping(t.Context())} {
			for _, part := range []string{"schema is missing", "codeforge migrate --print", "supabase db push", "reload schema"} {
				if kind(err) != codeforge.Unavailable || !strings.Contains(public(err), part) {
					t.Errorf("%d: %v", version, err)
				}
			}
		}
		for _, do := range []func() error{
			func() error { _, err := s.GetProject(t.Context(), u, codeforge.NewID()); return err },
			func() error { _, err := s.GetJob(t.Context(), u, codeforge.NewID()); return err },
			func() error {
				_, err := s.ClaimJobs(t.Context(), "w", time.Minute, 1, codeforge.ClaimPolicy{})
				return err
			},
		} {
			if err := do(); kind(err) != codeforge.Unavailable || !strings.Contains(public(err), "not set up") {
				t.Errorf("%d: %v", version, err)
			}
		}
		// An older schema.
		older := pg.Database(t, pgtest.Superuser, from)
		pg.Exec(t, older, "create or replace function public.codeforge_schema() returns int language sql immutable as 'select 3'")
		server = restest.Start(t, restest.Options{Database: pg.URL(authenticator, older), Version: version})
		if s, err = postgres.OpenDataAPI(postgres.DataAPIOptions{URL: server.URL, Key: server.Secret}); err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if err := s.Ping(t.Context()); !strings.Contains(public(err), fmt.Sprintf("at migration 3 of %d: paste what", len(migrations(t)))) {
			t.Error(err)
		}
	}
}

// A token speaks for its user and nobody else, whatever the caller says; without one the query names the owner.
func TestDataAPITokens(t *testing.T) {
	t.Parallel()
	for _, version := range []int{12, 14} {
		p := start(t, restest.Options{Version: version}, nil)
		ctx := t.Context()
		u, v := p.user(), p.user()
		mine, err := p.store.CreateProject(ctx, u, codeforge.Project{Title: "Mine"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.store.WriteFile(ctx, u, mine.ID, codeforge.FileWrite{Path: "a.ts", Content: "a"}); err != nil {
			t.Fatal(err)
		}
		j, _, _, err := p.store.SubmitJob(ctx, u, codeforge.NewJob{ProjectID: mine.ID, Agent: codeforge.QA, UserMessage: "hi"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.store.CreateProject(ctx, v, codeforge.Project{Title: "Theirs"}); err != nil {
			t.Fatal(err)
		}
		reads := func(u codeforge.User) map[string]error {
			s := p.store
			all := map[string]error{}
			_, all["project"] = s.GetProject(ctx, u, mine.ID)
			_, _, all["files"] = s.ListFiles(ctx, u, mine.ID, true, -1)
			_, all["file"] = s.GetFile(ctx, u, mine.ID, "a.ts")
			_, _, all["revisions"] = s.ListRevisions(ctx, u, mine.ID, 1, 10)
			_, _, all["revision"] = s.RevisionFiles(ctx, u, mine.ID, 1, codeforge.Page{})
			_, _, all["deltas"] = s.RevisionDeltas(ctx, u, mine.ID, 1, codeforge.Page{})
			_, all["job"] = s.GetJob(ctx, u, j.ID)
			_, _, all["jobs"] = s.ListJobs(ctx, u, mine.ID, codeforge.JobFilter{Limit: 10})
			_, all["events"] = s.Events(ctx, u, j.ID, 0, 10)
			_, all["messages"] = s.ListMessages(ctx, u, mine.ID, codeforge.MessageFilter{Limit: 10})
			var list []codeforge.Project
			if list, _, all["projects"] = s.ListProjects(ctx, u, codeforge.ProjectFilter{Page: 1, Size: 10}); all["projects"] == nil && len(list) == 0 {
				all["projects"] = codeforge.NotFound("Project", "")
			}
			return all
		}
		p.Requests()
		for name, c := range map[string]struct {
			u    codeforge.User
			want codeforge.Kind
			who  string
		}{
			"own token":           {u, "", "authenticated"},
			"no token":            {codeforge.User{ID: u.ID}, "", "service_role"},
			"another's token":     {codeforge.User{ID: u.ID, Token: v.Token}, codeforge.Missing, "authenticated"},
			"another's id":        {codeforge.User{ID: v.ID, Token: u.Token}, codeforge.Missing, "authenticated"},
			"expired":             {codeforge.User{ID: u.ID, Token: p.Token(u.ID, -time.Hour)}, codeforge.Unauthenticated, ""},
			"signed by nobody":    {codeforge.User{ID: u.ID, Token: u.Token[:len(u.Token)-4] + "AAAA"}, codeforge.Unauthenticated, ""},
			"no token at all":     {codeforge.User{ID: u.ID, Token: "sb_secret_stand-in"}, codeforge.Unauthenticated, ""},
			"the anonymous key's": {codeforge.User{ID: u.ID, Token: p.Anon}, "", "anon"},
		} {
			for read, err := range reads(c.u) {
				got := kind(err)
				if name == "the anonymous key's" { // may read nothing, one way or the other
					if got == "" {
						t.Errorf("%d: %s: %s was read", version, name, read)
					}
					continue
				}
				if name == "another's id" && read == "projects" && got == codeforge.Missing {
					continue
				}
				if got != c.want {
					t.Errorf("%d: %s: %s: %v", version, name, read, err)
				}
			}
			for _, r := range p.Requests() {
				if r.Role != c.who {
					t.Errorf("%d: %s: %s %s as %q", version, name, r.Method, r.Path, r.Role)
				}
			}
		}
		for name, w := range map[string]codeforge.User{"another's token": {ID: u.ID, Token: v.Token}, "another's id": {ID: v.ID, Token: u.Token}} {
			if _, err := p.store.CreateProject(ctx, w, codeforge.Project{Title: "Fine"}); kind(err) != codeforge.Denied {
				t.Errorf("%d: create with %s: %v", version, name, err)
			}
		}
		for _, id := range []string{"", "x", "00000000-0000-4000-8000-00000000000g", u.ID + "&user_id=neq." + v.ID} {
			if err := reads(codeforge.User{ID: id, Token: u.Token})["project"]; kind(err) != codeforge.Unauthenticated {
				t.Errorf("id %q: %v", id, err)
			}
		}
	}
}

// A user's token calls no function that takes the word of its caller.
func TestUserTokensCallNoSystemFunctions(t *testing.T) {
	t.Parallel()
	p := start(t, restest.Options{}, nil)
	u := p.user()
	mine, err := p.store.CreateProject(t.Context(), u, codeforge.Project{Title: "Mine"})
	if err != nil {
		t.Fatal(err)
	}
	ask := func(key, token, method, path, body string) (int, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, p.URL+"/rest/v1/"+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("apikey", key)
		if token != "" {
			req.Header.Set("Authorization", "Bearer "+token)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var answer json.RawMessage
		json.NewDecoder(res.Body).Decode(&answer)
		return res.StatusCode, string(answer)
	}
	calls := map[string]string{
		"codeforge_snapshot":        `{"p_project":"` + mine.ID + `","p_number":0}`,
		"codeforge_claimed_project": `{"p_job":"` + mine.ID + `","p_fence":1}`,
		"codeforge_count_queued":    `{}`,
		"codeforge_schema":          `{}`,
		"codeforge_release_jobs":    `{}`,
		"codeforge_write_file":      `{"p_user":"` + u.ID + `","p_project":"` + mine.ID + `","p_change":{"path":"a"}}`,
	}
	for _, token := range []string{u.Token, ""} {
		for _, name := range slices.Sorted(maps.Keys(calls)) {
			if status, answer := ask(p.Publishable, token, http.MethodPost, "rpc/"+name, calls[name]); status != http.StatusForbidden && token != "" || status != http.StatusUnauthorized && token == "" || !strings.Contains(answer, `"42501"`) {
				t.Errorf("%s: %d %s", name, status, answer)
			}
		}
	}
	// What reads may be called by users, and by nobody who is none.
	read := `{"p_user":"` + u.ID + `","p_project":"` + mine.ID + `","p_contents":false,"p_unless":-1}`
	if status, answer := ask(p.Publishable, u.Token, http.MethodPost, "rpc/codeforge_read_files", read); status != 200 || answer == "[]" {
		t.Errorf("own: %d %s", status, answer)
	}
	if status, answer := ask(p.Publishable, p.user().Token, http.MethodPost, "rpc/codeforge_read_files", read); status != 200 || answer != "[]" {
		t.Errorf("a stranger's: %d %s", status, answer)
	}
	if status, answer := ask(p.Publishable, "", http.MethodPost, "rpc/codeforge_read_files", read); status != http.StatusUnauthorized {
		t.Errorf("nobody's: %d %s", status, answer)
	}
}
