package preview

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"golang.org/x/time/rate"

	"codeforge"
	"codeforge/internal/sourcemap"
)

// Bounds on what pages report.
const (
	maxReportBytes  = 64 << 10
	maxReported     = 20 // errors in one report
	maxFrames       = 8
	reportsAtOnce   = 10 // of one user's pages
	reportsPerSec   = 0.5
	maxReportLimits = 10_000   // users that are remembered
	maxMapped       = 32 << 20 // bytes of source maps that one report has looked through
)

// report is what a page's script sends.
type report struct {
	Revision int64           `json:"revision"`
	Errors   []reportedError `json:"errors"`
}

type reportedError struct {
	Kind    codeforge.PreviewErrorKind `json:"kind"`
	Message string                     `json:"message"`
	Page    string                     `json:"page"`
	Frames  []frame                    `json:"frames"` // the innermost first
}

// frame is a place in what the page loaded.
type frame struct {
	Path     string `json:"path"` // of an address on the page's origin
	Line     int    `json:"line"`
	Column   int    `json:"column"`
	Function string `json:"function"`
}

// reportAnswer tells where in the project's files the errors of a report were, in their order.
type reportAnswer struct {
	Errors []errorPlace `json:"errors"`
}

type errorPlace struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	Stack  string `json:"stack"`
}

// takeErrors keeps what a page says went wrong in it. It takes nothing from other origins, which have no errors of this
// one to tell: a browser says by itself which page sends.
func (s *Server) takeErrors(w http.ResponseWriter, r *http.Request, u codeforge.User, at site) error {
	if !isSameOrigin(r) {
		return refuse(http.StatusForbidden, "Only the preview's own pages report errors here")
	}
	if !s.reports.allow(u.ID) {
		w.Header().Set("Retry-After", "2")
		return refuse(http.StatusTooManyRequests, "Too many reports")
	}
	var said report
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxReportBytes)).Decode(&said); err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return refuse(http.StatusRequestEntityTooLarge, "The report is too large")
		}
		return refuse(http.StatusBadRequest, "The report is not JSON")
	}
	if len(said.Errors) > maxReported {
		return refuse(http.StatusRequestEntityTooLarge, "The report has too many errors")
	}
	project, tree, err := s.look(r.Context(), u, at)
	if err != nil {
		return err
	}
	revision := said.Revision
	switch {
	case at.job != "":
		revision = tree.Revision
	case at.revision > 0:
		revision = at.revision
	}
	if revision < 0 || revision > project.Revision || revision == 0 && at.job == "" {
		return refuse(http.StatusBadRequest, "The project has no such revision")
	}
	b := s.cache.get(at.label)
	if b != nil && (b.revision != revision && at.job == "" || b.version != tree.Version) {
		b = nil // the page shows another one, of which nothing is known any more
	}
	var list []codeforge.PreviewError
	answer, found := reportAnswer{Errors: []errorPlace{}}, places{b: b, maps: map[string]*sourcemap.Map{}, left: maxMapped}
	for _, e := range said.Errors {
		p := found.of(e.Frames)
		answer.Errors = append(answer.Errors, p)
		kept := codeforge.PreviewError{Revision: revision, JobID: at.job, Kind: e.Kind, Message: e.Message, File: p.File, Line: p.Line, Column: p.Column, Stack: p.Stack, Page: e.Page}
		kept.Clean()
		list = append(list, kept)
	}
	if len(list) > 0 && s.o.AddErrors != nil {
		if err := s.o.AddErrors(r.Context(), u, project.ID, list); err != nil {
			return err
		}
	}
	return writeJSON(w, answer)
}

// places finds where in the project's files something in a build was, for one report.
type places struct {
	b    *build // nil: nothing is known of it any more
	maps map[string]*sourcemap.Map
	left int // bytes of maps that may still be looked through
}

// of is where an error was: the innermost place in the project's own files, else the innermost of all.
func (ps *places) of(frames []frame) (p errorPlace) {
	var stack []string
	own := false
	for i, f := range frames[:min(len(frames), maxFrames)] {
		file, line, column, known := ps.source(f)
		if known = known && !strings.Contains("/"+file, "/node_modules/"); i == 0 || known && !own {
			p.File, p.Line, p.Column = file, line, column
		}
		own = own || known
		stack = append(stack, strings.TrimSpace(fmt.Sprintf("%s %s:%d:%d", f.Function, file, line, column)))
	}
	if len(stack) > 1 {
		p.Stack = strings.Join(stack, "\n")
	}
	return p
}

// source is where something that was served comes from. What is not known stays an address.
func (ps *places) source(f frame) (file string, line, column int, known bool) {
	p := pathOf(f.Path)
	if ps.b == nil || ps.b.site == nil {
		return p, f.Line, f.Column, false
	}
	at := strings.TrimPrefix(p, "/")
	if at == "" {
		at = ps.b.site.Home
	}
	a, ok := ps.b.site.Find(at)
	if !ok {
		return p, f.Line, f.Column, false
	}
	if name := sourcemap.Named(a.Body); name != "" {
		if m := ps.mapAt(name); m != nil && ps.left > 0 {
			ps.left -= len(m.Mappings)
			if source, line, column, ok := m.Find(f.Line-1, f.Column-1); ok {
				return strings.TrimPrefix(pathOf(source), "/"), line + 1, column + 1, true
			}
		}
	}
	if file, line, column, ok := ps.b.site.Position(at, f.Line, f.Column); ok {
		return file, line, column, true
	}
	return p, f.Line, f.Column, false
}

// mapAt is the source map at an address of the build.
func (ps *places) mapAt(address string) *sourcemap.Map {
	m, ok := ps.maps[address]
	if !ok {
		if a, found := ps.b.site.Find(strings.TrimPrefix(pathOf(address), "/")); found {
			m = sourcemap.Read([]byte(a.Body))
		}
		ps.maps[address] = m
	}
	return m
}

// pathOf is the path in an address without a host, as files have it.
func pathOf(address string) string {
	p, _, _ := strings.Cut(address, "?")
	if u, err := url.PathUnescape(p); err == nil {
		return u
	}
	return p
}

// isSameOrigin reports whether a browser sent a request for a page of the very host that it asks.
func isSameOrigin(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" {
		return false
	}
	origin := r.Header.Get("Origin")
	if origin == "" { // browsers send it with all that may change something
		return r.Method == http.MethodGet
	}
	u, err := url.Parse(origin)
	return err == nil && strings.EqualFold(u.Host, r.Host)
}

// rates bounds how often each user's pages may report.
type rates struct {
	mu     sync.Mutex
	byUser map[string]*rate.Limiter
}

func (l *rates) allow(user string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	limit := l.byUser[user]
	if limit == nil {
		if l.byUser == nil || len(l.byUser) >= maxReportLimits { // forgetting them all gives each at most one burst early
			l.byUser = map[string]*rate.Limiter{}
		}
		limit = rate.NewLimiter(reportsPerSec, reportsAtOnce)
		l.byUser[user] = limit
	}
	return limit.Allow()
}

// refusal is an answer for the page's script.
type refusal struct {
	status int
	text   string
}

func (e *refusal) Error() string { return e.text }

func refuse(status int, text string) error { return &refusal{status, text} }

func writeJSON(w http.ResponseWriter, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(body) // a page that left needs no answer
	return nil
}
