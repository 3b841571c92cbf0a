package preview

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"codeforge"
)

// The script runs before all of a page, adds no line, and leaves the page in the mode that it asks for.
func TestScriptComesFirst(t *testing.T) {
	const tag = "<script src=x></script>"
	for page, want := range map[string]string{
		"":                                  tag,
		"<p>a":                              tag + "<p>a",
		"plain":                             tag + "plain",
		"  \n <p>":                          tag + "  \n <p>",
		"<!doctype html>\n<title>a</title>": "<!doctype html>" + tag + "\n<title>a</title>",
		"<!-- a --><!DOCTYPE html>\n<HTML lang=en>\n<Head class=x>\n<script>": "<!-- a --><!DOCTYPE html>\n<HTML lang=en>\n<Head class=x>" + tag + "\n<script>",
		"<!doctype html><html><!-- b --><body>":                               "<!doctype html><html>" + tag + "<!-- b --><body>",
		"\ufeff<!doctype html><head><p>":                                      "\ufeff<!doctype html><head>" + tag + "<p>",
		"\ufeff<p>":                                                           "\ufeff" + tag + "<p>",
		"<header><head>":                                                      tag + "<header><head>",
		"<!doctype html><script><head></script>":                              "<!doctype html>" + tag + "<script><head></script>",
		"<!doctype html><html":                                                "<!doctype html>" + tag + "<html",
		"<html a='<head>'><head data-x='>'>":                                  "<html a='<head>'><head data-x='>'>" + tag,
	} {
		if got := inject(page, tag); got != want {
			t.Errorf("%q becomes %q, want %q", page, got, want)
		}
	}
}

// Pages carry the script; what a script of theirs reads, and all else, is as it was written.
func TestWhoGetsTheScript(t *testing.T) {
	s, _ := local(t, app)
	to := func(dest string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("Sec-Fetch-Dest", dest) }
	}
	tags := map[string]bool{}
	for dest, want := range map[string]bool{"": true, "document": true, "iframe": true, "frame": true, "empty": false, "object": false, "script": false} {
		w := get(t, s, "/about", to(dest))
		if got := strings.Contains(w.Body.String(), clientPath); got != want || w.Header().Get("Vary") != "Sec-Fetch-Dest" {
			t.Errorf("for %q: %v, %v\n%s", dest, got, w.Header(), w.Body)
		}
		tags[w.Header().Get("ETag")] = true
	}
	if len(tags) != 2 {
		t.Errorf("%v for a page with and without it", tags)
	}
	for _, target := range []string{"/main.ts", "/logo.svg", "/data.json"} {
		if w := get(t, s, target); strings.Contains(w.Body.String(), ownPath) {
			t.Errorf("%s: %s", target, w.Body)
		}
	}
	page := get(t, s, "/").Body.String()
	if !strings.Contains(page, `data-revision="1" data-version="1" data-embedders="https://dash.example"></script>`) {
		t.Error(page)
	}
	older := s.Address("http", "localhost:8000", codeforge.LocalUser(), project, 1, false)
	if page := get(t, s, older).Body.String(); strings.Contains(page, "data-version") || !strings.Contains(page, `data-revision="1"`) {
		t.Error(page)
	}
	w := get(t, s, clientPath+"?"+clientVersion)
	if w.Code != 200 || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") || w.Body.String() != clientScript || w.Header().Get("Content-Type") != "text/javascript; charset=utf-8" {
		t.Error(w.Code, w.Header())
	}
	if w := get(t, s, clientPath); strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
		t.Error(w.Header())
	}
	if w := get(t, s, ownPath+"other"); w.Code != 404 {
		t.Error(w.Code)
	}
}

// post sends a report as the page's script does.
func post(t *testing.T, s *Server, host, body string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "http://"+host+errorsPath, strings.NewReader(body))
	r.Header.Set("Origin", "http://"+host)
	r.Header.Set("Content-Type", "application/json")
	for _, c := range change {
		c(r)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// Only the preview's own pages report, a little at a time, of revisions that there are; what is kept is clean.
func TestReports(t *testing.T) {
	var kept []codeforge.PreviewError
	s, sh := local(t, app)
	s.o.AddErrors = func(_ context.Context, u codeforge.User, id string, list []codeforge.PreviewError) error {
		if u.ID != codeforge.LocalUserID || id != project {
			t.Errorf("for %s of %s", id, u.ID)
		}
		kept = append(kept, list...)
		return nil
	}
	sh.put(codeforge.LocalUserID, project, app)
	host := project + ".localhost:8000"
	get(t, s, "/")
	one := func(revision, message string) string {
		return `{"revision":` + revision + `,"errors":[{"kind":"error","message":` + message + `,"page":"/","frames":[{"path":"/style.css?x","line":3,"column":4,"function":"f"},{"path":"/elsewhere.js","line":1,"column":2}]}]}`
	}
	w := post(t, s, host, one("2", `"a\u0000\u001b[31mb\u202e"`))
	var answer reportAnswer
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != 200 || len(answer.Errors) != 1 {
		t.Fatal(w.Code, w.Body, err)
	}
	want := errorPlace{File: "style.css", Line: 3, Column: 4, Stack: "f style.css:3:4\n/elsewhere.js:1:2"}
	if answer.Errors[0] != want || kept[0].File != want.File || kept[0].Message != "ab" || kept[0].Revision != 2 {
		t.Errorf("%+v, kept %+v", answer, kept)
	}
	origin := func(v string) func(*http.Request) { return func(r *http.Request) { r.Header.Set("Origin", v) } }
	site := func(v string) func(*http.Request) { return func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", v) } }
	for name, c := range map[string]struct {
		body   string
		change func(*http.Request)
		want   int
	}{
		"another page":           {one("2", `"x"`), origin("http://evil.example"), 403},
		"a sibling":              {one("2", `"x"`), origin("http://" + other + ".localhost:8000"), 403},
		"another port":           {one("2", `"x"`), origin("http://" + project + ".localhost:9000"), 403},
		"no page":                {one("2", `"x"`), func(r *http.Request) { r.Header.Del("Origin") }, 403},
		"an opaque one":          {one("2", `"x"`), origin("null"), 403},
		"a site's other":         {one("2", `"x"`), site("same-site"), 403},
		"no revision":            {one("0", `"x"`), site("same-origin"), 400},
		"a later revision":       {one("3", `"x"`), site("same-origin"), 400},
		"junk":                   {"{", site("same-origin"), 400},
		"much":                   {one("2", `"`+strings.Repeat("x", maxReportBytes)+`"`), site("same-origin"), 413},
		"many":                   {`{"revision":2,"errors":[` + strings.Repeat("{},", maxReported) + `{}]}`, site("same-origin"), 413},
		"another method":         {one("2", `"x"`), func(r *http.Request) { r.Method = http.MethodPut }, 405},
		"another path":           {one("2", `"x"`), func(r *http.Request) { r.URL.Path = "/__preview/other" }, 405},
		"with a service worker ": {one("2", `"x"`), func(r *http.Request) { r.Header.Set("Service-Worker", "script") }, 403},
	} {
		s.reports = rates{}
		before := len(kept)
		if w := post(t, s, host, c.body, c.change); w.Code != c.want || len(kept) != before {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	s.reports = rates{}
	codes := map[int]int{}
	for range reportsAtOnce + 5 {
		codes[post(t, s, host, one("1", `"x"`)).Code]++
	}
	if codes[200] != reportsAtOnce || codes[429] != 5 {
		t.Errorf("%v", codes)
	}
	if last := kept[len(kept)-1]; last.Revision != 1 || last.File != "/style.css" {
		t.Errorf("of a revision that is not built any more: %+v", last)
	}

	users, _, _ := ticketed(t)
	host = project + ".p.example"
	secure := func(r *http.Request) { r.Header.Set("Origin", "https://"+host) }
	if w := post(t, users, host, one("1", `"x"`), secure); w.Code != 403 {
		t.Error(w.Code)
	}
	c := get(t, users, users.Address("https", "x", codeforge.User{ID: userID}, project, 0, false)).Result().Cookies()[0]
	if w := post(t, users, host, one("1", `"x"`), secure, with(c)); w.Code != 200 {
		t.Error(w.Code, w.Body)
	}
	if w := post(t, users, other+".p.example", one("1", `"x"`), func(r *http.Request) { r.Header.Set("Origin", "https://"+other+".p.example") }, with(c)); w.Code != 403 {
		t.Error(w.Code)
	}
}
