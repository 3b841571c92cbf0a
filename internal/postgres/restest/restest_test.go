package restest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"codeforge/internal/pgtest"
	"codeforge/internal/postgres/restest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

const (
	ann = "a0000000-0000-4000-8000-000000000001"
	bob = "b0000000-0000-4000-8000-000000000002"
)

// The stand-in against the handbook: what is asked, and what PostgREST would say.
func TestProtocol(t *testing.T) {
	pg := pgtest.Start(t)
	pg.Exec(t, "postgres", `create role anon nologin; create role authenticated nologin; create role service_role nologin bypassrls;
		create role authenticator login noinherit; grant anon, authenticated, service_role to authenticator`)
	db := pg.Database(t, pgtest.Superuser, "")
	pg.Exec(t, db, `
		create table public.notes (id int primary key, owner uuid not null, text text, tags text[], doc json, raw jsonb, done boolean default false, unique (owner, text));
		alter table public.notes enable row level security;
		grant select, insert, update, delete on public.notes to authenticated;
		grant all on public.notes to service_role;
		grant usage on schema public to anon, authenticated, service_role;
		create policy own on public.notes to authenticated using (owner = (current_setting('request.jwt.claims')::json ->> 'sub')::uuid);
		insert into public.notes (id, owner, text, doc) select n, case when n % 2 = 0 then '`+ann+`' else '`+bob+`' end::uuid, 'note ' || n, '{"n":  1}' from generate_series(1, 12) n;
		insert into public.notes (id, owner, text, done) values (20, '`+ann+`', 'a,b."c"(d)', true), (22, '`+ann+`', null, null);
		create function public.whoami() returns json language sql stable as $$ select json_build_object('role', current_user, 'sub', current_setting('request.jwt.claims')::json ->> 'sub') $$;
		create function public.add(a int, b int default 10) returns int language sql immutable as 'select a + b';
		create function public.nothing() returns void language sql as '';
		create function public.none() returns json language sql as 'select null::json';
		create function public.pair(out x int, out y text) language sql as $$ select 1, 'one' $$;
		create function public.one() returns public.notes language sql stable as 'select * from public.notes where id = 2';
		create function public.some(ids int[]) returns table (id int) language sql stable as 'select unnest(ids)';
		create function public.verbatim(doc json, list text[], at timestamptz[]) returns json language sql as $$ select json_build_object('doc', doc, 'list', list, 'none', at[1] is null) $$;
		create function public.refuse() returns int language plpgsql as $$ begin raise exception using errcode = 'PT409', message = 'too late', detail = 'd', hint = 'h'; end $$;
		create function public.touch() returns int language sql as 'update public.notes set text = text; select 1';
		create function public.write_while_reading() returns int language sql stable as 'select public.touch()'`)
	servers := map[int]*restest.Server{}
	for _, v := range []int{12, 14} {
		servers[v] = restest.Start(t, restest.Options{Database: pg.URL("authenticator", db), Version: v, MaxRows: 5})
	}
	s := servers[14]
	token := s.Token(ann, time.Hour)
	q := func(kv ...string) string {
		v := url.Values{}
		for i := 0; i < len(kv); i += 2 {
			v.Add(kv[i], kv[i+1])
		}
		return "?" + v.Encode()
	}
	many := strings.TrimSuffix(strings.Repeat("1,", 9), ",")
	for _, c := range []struct {
		ask    string // method and path
		body   string
		header string // name: value; ...
		status int
		answer string // start of it; an error's is its code
		span   string // Content-Range
	}{
		{"GET notes" + q("select", "id", "order", "id"), "", "", 200, `[{"id":2},`, "0-4/*"},
		{"GET notes" + q("select", "id", "order", "id.desc", "limit", "2"), "", "", 200, `[{"id":22},`, "0-1/*"},
		{"GET notes" + q("select", "n:id,doc", "id", "eq.4"), "", "Prefer: count=exact", 200, `[{"n":4,"doc":{"n":  1}}]`, "0-0/1"},
		{"GET notes" + q("select", "id", "order", "id", "offset", "5"), "", "Prefer: count=exact", 206, `[{"id":12},`, "5-7/8"},
		{"GET notes" + q("select", "id", "order", "id"), "", "Prefer: count=exact; Range: 2-3", 206, `[{"id":6},`, "2-3/8"},
		{"GET notes" + q("offset", "8"), "", "Prefer: count=exact", 206, `[]`, "*/8"},
		{"GET notes" + q("offset", "9"), "", "Prefer: count=exact", 416, `PGRST103`, "*/8"},
		{"GET notes" + q("offset", "9"), "", "", 200, `[]`, "*/*"},
		{"GET notes" + q("select", "id", "text", "eq.a,b.\"c\"(d)"), "", "", 200, `[{"id":20}]`, "0-0/*"},
		{"GET notes" + q("select", "id", "text", `in.("a,b.\"c\"(d)",note 4)`, "order", "id"), "", "", 200, `[{"id":4},`, "0-1/*"},
		{"GET notes" + q("select", "id", "text", "in.()"), "", "", 200, `[]`, "*/*"},
		{"GET notes" + q("select", "id", "text", "like.*b.*"), "", "", 200, `[{"id":20}]`, "0-0/*"},
		{"GET notes" + q("select", "id", "done", "is.true"), "", "", 200, `[{"id":20}]`, "0-0/*"},
		{"GET notes" + q("select", "id", "text", "is.null"), "", "", 200, `[{"id":22}]`, "0-0/*"},
		{"GET notes" + q("select", "id", "text", "not.is.null", "id", "gte.12"), "", "", 200, `[{"id":12},`, "0-1/*"},
		{"GET notes" + q("select", "id", "id", "gt.2", "id", "lt.6"), "", "", 200, `[{"id":4}]`, "0-0/*"},
		{"GET notes" + q("id", "eq.2"), "", "Accept: application/vnd.pgrst.object+json", 200, `{"id":2,`, "0-0/*"},
		{"GET notes" + q("id", "eq.1"), "", "Accept: application/vnd.pgrst.object+json", 406, `PGRST116`, "*/*"},
		{"GET notes" + q("id", "eq.x"), "", "", 400, `22P02`, ""},
		{"GET notes" + q("nothing", "eq.1"), "", "", 400, `42703`, ""},
		{"GET notes" + q("select", "nothing"), "", "", 400, `42703`, ""},
		{"GET notes" + q("id", "is.5"), "", "", 400, `PGRST100`, ""},
		{"GET nowhere", "", "", 404, `PGRST205`, ""},
		{"GET notes", "", "Accept-Profile: auth", 406, `PGRST106`, ""},

		{"POST notes", `{"id":30,"owner":"` + ann + `","text":"new","tags":["a","b"],"raw":null}`, "Prefer: return=representation", 201, `[{"id":30,`, "*/*"},
		{"POST notes" + q("select", "id"), `{"id":30,"owner":"` + ann + `"}`, "Prefer: return=representation", 409, `23505`, ""},
		{"POST notes", `{"id":31,"owner":"` + bob + `"}`, "", 403, `42501`, ""},
		{"POST notes", `{"id":31,"nothing":1}`, "", 400, `PGRST204`, ""},
		{"POST notes", `[{"id":32,"owner":"` + ann + `"},{"id":33}]`, "", 400, `PGRST102`, ""},
		{"POST notes", `[{"id":32,"owner":"` + ann + `"},{"id":2,"owner":"` + ann + `"}]`, "", 409, `23505`, ""}, // and 32 is not there
		{"GET notes" + q("id", "eq.32"), "", "", 200, `[]`, "*/*"},
		{"POST notes", `{"id":32,"owner":"` + ann + `"}`, "", 201, ``, "*/*"},
		{"POST notes" + q("on_conflict", "id", "select", "id,text"), `[{"id":32,"owner":"` + ann + `","text":"over"}]`, "Prefer: resolution=merge-duplicates,return=representation", 200, `[{"id":32,"text":"over"}]`, "*/*"},
		{"POST notes" + q("on_conflict", "id"), `[{"id":32,"owner":"` + ann + `","text":"no"}]`, "Prefer: resolution=ignore-duplicates, return=representation", 201, `[]`, "*/*"},
		{"POST notes" + q("on_conflict", "id", "select", "id"), `[{"id":32,"owner":"` + ann + `","text":"over"},{"id":34,"owner":"` + ann + `","text":"another"}]`, "Prefer: resolution=merge-duplicates,return=representation", 201, `[{"id":32}`, "*/*"},
		{"DELETE notes" + q("id", "eq.34"), "", "Prefer: count=exact", 204, ``, "*/1"},
		{"PATCH notes" + q("id", "eq.32", "text", "eq.over", "select", "text,tags"), `{"text":"changed","tags":["x"]}`, "Prefer: return=representation", 200, `[{"text":"changed","tags":["x"]}]`, "0-0/*"},
		{"PATCH notes" + q("id", "eq.32", "text", "eq.over"), `{"text":"again"}`, "Prefer: return=representation", 200, `[]`, "*/*"},
		{"PATCH notes" + q("id", "eq.1"), `{"text":"theirs"}`, "Prefer: count=exact", 204, ``, "*/0"},
		{"DELETE notes" + q("id", "eq.32", "select", "id"), "", "Prefer: return=representation", 200, `[{"id":32}]`, "*/*"},
		{"DELETE notes" + q("id", "eq.1"), "", "", 204, ``, "*/*"},

		{"POST rpc/whoami", `{}`, "", 200, `{"role" : "authenticated", "sub" : "` + ann + `"}`, "0-0/*"},
		{"POST rpc/add", `{"a":1}`, "", 200, `11`, "0-0/*"},
		{"POST rpc/add", `{"b":2,"a":1}`, "", 200, `3`, "0-0/*"},
		{"POST rpc/add", `{"b":2}`, "", 404, `PGRST202`, ""},
		{"POST rpc/add", `{"a":1,"c":2}`, "", 404, `PGRST202`, ""},
		{"POST rpc/add", `{"a":"x"}`, "", 400, `22P02`, ""},
		{"POST rpc/add", `[`, "", 400, `PGRST102`, ""},
		{"POST rpc/nowhere", `{}`, "", 404, `PGRST202`, ""},
		{"POST rpc/nothing", `{}`, "", 204, ``, "0-0/*"},
		{"POST rpc/none", `{}`, "", 200, `null`, "0-0/*"},
		{"POST rpc/pair", ``, "", 200, `{"x":1,"y":"one"}`, "0-0/*"},
		{"POST rpc/one", `{}`, "", 200, `{"id":2,`, "0-0/*"},
		{"POST rpc/some", `{"ids":[1,2]}`, "", 200, `[{"id":1},`, "0-1/*"},
		{"POST rpc/some", `{"ids":[` + many + `]}`, "", 200, `[{"id":1},`, "0-4/*"},
		{"POST rpc/verbatim", `{"doc":{"a":  1},"list":["x\ny",null],"at":[null]}`, "", 200, `{"doc" : {"a":  1}, "list" : ["x\ny",null], "none" : true}`, "0-0/*"},
		{"POST rpc/refuse", `{}`, "", 409, `PT409`, ""},
		{"POST rpc/write_while_reading", `{}`, "", 405, `25006`, ""},
	} {
		method, path, _ := strings.Cut(c.ask, " ")
		status, header, body := ask(t, s, s.Publishable, token, method, path, c.body, c.header)
		if status >= 400 {
			var e struct{ Code string }
			if err := json.Unmarshal([]byte(body), &e); err != nil {
				t.Errorf("%s: %s", c.ask, body)
			}
			body = e.Code
		}
		if status != c.status || header.Get("Content-Range") != c.span || c.answer == "" && body != "" || !strings.HasPrefix(body, c.answer) {
			t.Errorf("%s %s: %d %s %s, want %d %s %s", c.ask, c.body, status, header.Get("Content-Range"), body, c.status, c.span, c.answer)
		}
	}
	if _, _, body := ask(t, s, s.Secret, "", "POST", "rpc/some", `{"ids":[1,2,3,4,5,6,7]}`, ""); strings.Count(body, "id") != 5 {
		t.Errorf("more rows than may be: %s", body)
	}
	if _, _, body := ask(t, servers[12], s.Publishable, token, "GET", "nowhere", "", ""); !strings.Contains(body, "42P01") {
		t.Error(body)
	}
	// Who is who.
	for _, c := range []struct {
		version     int
		key, bearer string
		agent       string
		status      int
		answer      string
	}{
		{14, s.Secret, "", "", 200, "service_role"},
		{14, s.Publishable, "", "", 200, "anon"},
		{14, s.Secret, token, "", 200, "authenticated"},
		{14, s.Service, "", "", 200, "anon"},
		{14, s.Service, s.Service, "", 200, "service_role"},
		{14, s.Service, token, "", 200, "authenticated"},
		{14, s.Secret, s.Secret, "", 401, "PGRST301"},
		{12, s.Secret, s.Token(ann, -time.Hour), "", 401, "PGRST301"},
		{14, s.Secret, s.Token(ann, -time.Hour), "", 401, "PGRST303"},
		{14, s.Secret, token[:len(token)-3] + "xyz", "", 401, "PGRST301"},
		{14, s.Secret, s.Sign(map[string]any{"role": "postgres"}), "", 403, "42501"},
		{14, s.Secret, s.Sign(map[string]any{"role": "nobody"}), "", 401, "22023"},
		{14, "", token, "", 401, "No API key"},
		{14, "sb_secret_x", token, "", 401, "Invalid API key"},
		{14, s.Secret, "", "Mozilla/5.0", 401, "browser"},
	} {
		status, _, body := ask(t, servers[c.version], c.key, c.bearer, "POST", "rpc/whoami", "{}", "User-Agent: "+c.agent)
		if status != c.status || !strings.Contains(body, c.answer) {
			t.Errorf("%+v: %d %s", c, status, body)
		}
	}
	// Whoever is nobody in particular is told to say who it is, also with a key that says so.
	for _, bearer := range []string{"", s.Anon} {
		if status, _, body := ask(t, s, s.Publishable, bearer, "POST", "notes", `{"id":40,"owner":"`+ann+`"}`, ""); status != 401 || !strings.Contains(body, "42501") {
			t.Error(status, body)
		}
	}
	// What the database has become is not seen before the cache is made anew.
	pg.Exec(t, db, "create table public.later (id int); grant select on public.later to authenticated; insert into public.later values (1)")
	if status, _, _ := ask(t, s, s.Secret, token, "GET", "later", "", ""); status != 404 {
		t.Error(status)
	}
	s.Reload(t)
	if status, _, body := ask(t, s, s.Secret, token, "GET", "later", "", ""); status != 200 || body != `[{"id":1}]` {
		t.Error(status, body)
	}
}

func ask(t *testing.T, s *restest.Server, key, bearer, method, path, body, header string) (int, http.Header, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, fmt.Sprintf("%s/rest/v1/%s", s.URL, path), strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("apikey", key)
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	for h := range strings.SplitSeq(header, "; ") {
		if name, value, ok := strings.Cut(h, ": "); ok {
			req.Header.Set(name, value)
		}
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header, strings.TrimSpace(string(text))
}
