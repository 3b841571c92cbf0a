// Package preview serves the built result of a project's current revision on an origin of its own.
//
// Generated code is a stranger. Its origin, <project id>.<domain>, serves nothing but the project's files, carries no
// credential that a script could read, and is refused by the API ([Server.Owns] tells who it is). Where users exist, a
// signed ticket in a link opens it: a cookie that scripts cannot read, for that one host, for an hour. Every request
// reads the project as the ticket's user, so what is no longer theirs is gone at once.
package preview

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"codeforge"
	"codeforge/internal/verify"
)

// Options is what a Server needs.
type Options struct {
	Domain string // previews are at <project id>.Domain; "": localhost

	// Files returns the files of a project and its revision; no files when it is still at revision unless. It answers
	// NotFound for what is not u's.
	Files func(ctx context.Context, u codeforge.User, projectID string, unless int64) (files []codeforge.File, revision int64, err error)

	// Bundle builds a tree of files for a user, once for equal ones at a time. Its error says nothing of the tree.
	Bundle func(ctx context.Context, user string, files map[string]string) (*verify.Site, verify.Report, error)

	Secret       []byte   // signs tickets; at least 16 bytes where they are needed
	TicketNeeded bool     // false: everybody is the local user
	Embedders    []string // origins whose pages may frame a preview, besides the preview itself

	CacheBytes int // of built sites; 0: 64 MiB. The newest is always kept.
	Log        *slog.Logger
	Now        func() time.Time // nil: time.Now
}

// Server is the handler of all preview hosts.
type Server struct {
	o         Options
	ancestors string // who may frame a preview, as a directive
	cache     cache
}

// New panics when tickets are needed and the secret is too short to sign them.
func New(o Options) *Server {
	o.Domain = strings.ToLower(strings.Trim(cmp.Or(o.Domain, "localhost"), "."))
	o.CacheBytes = cmp.Or(o.CacheBytes, 64<<20)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.TicketNeeded && len(o.Secret) < 16 {
		panic("preview: a secret of at least 16 bytes is needed to sign tickets")
	}
	var ancestors strings.Builder
	ancestors.WriteString("'self'")
	for _, origin := range o.Embedders {
		// Anything but a plain origin could add a directive of its own.
		if u, err := url.Parse(origin); err == nil && (u.Scheme == "http" || u.Scheme == "https") && !strings.ContainsAny(u.Host, " ;,'\"") && u.Host != "" {
			ancestors.WriteString(" " + u.Scheme + "://" + u.Host)
		}
	}
	return &Server{o: o, ancestors: "; frame-ancestors " + ancestors.String(), cache: cache{limit: o.CacheBytes}}
}

// policy lets a program use what it brings and reach nothing else. Storage works: the origin is a real one.
const policy = "default-src 'self' data: blob:; script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; " +
	"connect-src 'self' data: blob:; worker-src 'self' blob:; form-action 'self'; base-uri 'self'; object-src 'none'"

// Match returns the project that a Host header names.
func (s *Server) Match(host string) (projectID string, ok bool) {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	label, ok := strings.CutSuffix(host, "."+s.o.Domain)
	if !ok || !isUUID(label) {
		return "", false
	}
	return label, true
}

// Owns reports whether a Host or Origin header names a preview: what the API must refuse.
func (s *Server) Owns(hostOrOrigin string) bool {
	if _, rest, ok := strings.Cut(hostOrOrigin, "://"); ok {
		hostOrOrigin, _, _ = strings.Cut(rest, "/")
	}
	_, ok := s.Match(hostOrOrigin)
	return ok
}

// Address returns the absolute URL that opens a project's preview for u, who must be allowed to see it. host is that of
// the request: its port is kept.
func (s *Server) Address(scheme, host string, u codeforge.User, projectID string) string {
	name := strings.ToLower(projectID) + "." + s.o.Domain
	if _, port, err := net.SplitHostPort(host); err == nil && port != "" {
		name = net.JoinHostPort(name, port)
	}
	address := url.URL{Scheme: scheme, Host: name, Path: "/"}
	if s.o.TicketNeeded {
		address.Path = ticketPath
		address.RawQuery = "t=" + s.sign(ticket{Project: strings.ToLower(projectID), User: u.ID, Secure: scheme == "https", Expires: s.o.Now().Add(ticketLife)})
	}
	return address.String()
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Origin-Agent-Cluster", "?1")
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()")
	h.Set("X-Robots-Tag", "noindex")
	h.Set("Cache-Control", "no-cache")

	project, ok := s.Match(r.Host)
	if !ok {
		s.fail(w, http.StatusNotFound, "No preview here", "This address belongs to no project.")
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		s.fail(w, http.StatusMethodNotAllowed, "Not possible", "A preview has no server behind it: it can only be read.")
		return
	}
	u := codeforge.LocalUser()
	if s.o.TicketNeeded {
		if r.URL.Path == ticketPath {
			s.admit(w, r, project)
			return
		}
		if u, ok = s.visitor(r, project); !ok {
			s.fail(w, http.StatusForbidden, "This preview needs a fresh link", "Links to a preview hold for an hour. Open it again from its project.")
			return
		}
	}
	if p := r.URL.Path; p != "/" && strings.TrimSuffix(p, "/") != path.Clean(p) || strings.ContainsAny(p, "\\\x00") {
		s.fail(w, http.StatusNotFound, "Nothing here", "The project has no such page.")
		return
	}
	b, err := s.built(r.Context(), u, project)
	switch {
	case err != nil && r.Context().Err() != nil:
		return // nobody is there to read an answer
	case codeforge.IsKind(err, codeforge.Missing):
		s.fail(w, http.StatusNotFound, "No such project", "It does not exist, or is not yours.")
		return
	case codeforge.IsKind(err, codeforge.Unavailable):
		h.Set("Retry-After", "2")
		s.fail(w, http.StatusServiceUnavailable, "Not just now", "The preview could not be built at this moment. Try again shortly.")
		return
	case err != nil:
		s.o.Log.ErrorContext(r.Context(), "preview", "project_id", project, "error", err)
		s.fail(w, http.StatusInternalServerError, "Something went wrong", "The preview could not be shown.")
		return
	}
	s.serve(w, r, b)
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request, b *build) {
	switch {
	case b.revision == 0 || b.empty:
		s.fail(w, http.StatusOK, "Nothing to see yet", "This project has no files so far. Its preview appears here as soon as it has.")
		return
	case b.site == nil:
		s.broken(w, b)
		return
	case b.site.Home == "" && r.URL.Path == "/":
		s.fail(w, http.StatusOK, "Nothing to show", "This project has files, but none that a browser can show as a page.")
		return
	}
	p := strings.TrimPrefix(r.URL.Path, "/")
	if p == "" {
		p = b.site.Home
		if p != "index.html" {
			// What that page names relative to itself must lead where it does in the project.
			http.Redirect(w, r, (&url.URL{Path: "/" + p}).EscapedPath(), http.StatusFound)
			return
		}
	}
	a, ok := b.site.Find(p)
	if !ok && b.site.Home != "" && isRoute(r, p) {
		a, ok = b.site.Find(b.site.Home)
	}
	if !ok {
		s.fail(w, http.StatusNotFound, "Nothing here", "The project has no such page.")
		return
	}
	sum := sha256.Sum256([]byte(a.Type + "\x00" + a.Body))
	h := w.Header()
	h.Set("Content-Type", a.Type)
	h.Set("Content-Security-Policy", policy+s.ancestors)
	h.Set("ETag", `"`+strconv.FormatInt(b.revision, 10)+"-"+hex.EncodeToString(sum[:12])+`"`)
	http.ServeContent(w, r, "", time.Time{}, strings.NewReader(a.Body))
}

// isRoute reports whether a path without a file may be an address of a program's own, which its start page then shows:
// it names no file ending. One that no kind of file has, as in /@jo.doe or /releases/v1.2, is a name when a person goes
// there; a script that asks for a file is told that there is none.
func isRoute(r *http.Request, p string) bool {
	if strings.HasPrefix(p, "__") {
		return false // built files, tickets
	}
	ext := path.Ext(strings.TrimSuffix(p, "/"))
	return ext == "" || !verify.IsFileType(ext) && strings.Contains(r.Header.Get("Accept"), "text/html")
}

// build is what became of one revision.
type build struct {
	project  string
	revision int64
	empty    bool
	site     *verify.Site // nil: it does not build
	report   verify.Report
}

func (b *build) size() int {
	n := 1 << 10
	if b.site != nil {
		n += b.site.Size + 200*b.site.Len()
	}
	for _, d := range b.report.Diagnostics {
		n += len(d.File) + len(d.Message) + 100
	}
	return n
}

// built returns the build of the project's current revision. Requests for one that is being built share the work, see
// [verify.Verifier.Bundle].
func (s *Server) built(ctx context.Context, u codeforge.User, project string) (*build, error) {
	known := s.cache.get(project)
	unless := int64(-1)
	if known != nil {
		unless = known.revision
	}
	files, revision, err := s.o.Files(ctx, u, project, unless)
	if err != nil {
		return nil, err
	}
	if known != nil && revision == known.revision {
		return known, nil
	}
	if known = s.cache.get(project); known != nil && revision == known.revision {
		return known, nil // somebody else's request was first
	}
	tree := make(map[string]string, len(files))
	for _, f := range files {
		tree[f.Path] = f.Content
	}
	b := &build{project: project, revision: revision, empty: len(files) == 0}
	if b.site, b.report, err = s.o.Bundle(ctx, u.ID, tree); err != nil {
		return nil, err
	}
	return s.cache.put(b), nil
}

func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i, c := range []byte(s) {
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if c != '-' {
				return false
			}
		} else if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
