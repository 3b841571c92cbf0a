// Package preview serves the built result of a project on origins of its own: one for the newest revision, one for each
// older revision that somebody looks at, and one for the working tree of each job.
//
// Generated code is a stranger. Its origin, <project id>.<domain>, <project id>-r<revision>.<domain> or <job id>-job.<domain>, serves nothing
// but the project's files, carries no credential that a script could read, and is refused by the API ([Server.Match] tells
// which it is). Where users exist, a signed ticket in a link opens it, within a minute; what the visit goes on with is
// another token, in a cookie that scripts cannot read, for that one host, for an hour. Every request reads the project as
// the visitor, so what is no longer theirs is gone at once.
//
// A preview outlives nothing. Service workers, which would answer in place of later revisions and read the tickets of
// later links, are refused. What the program stored in the browser stays over new revisions, since it may be what a person
// typed, and is cleared when an older revision was restored, when the project was archived, and on request.
//
// What no policy of ours stops: WebRTC, by which a script reaches other machines in today's browsers although
// connect-src is closed; a top-level navigation, by which it takes along what it knows; cookies for the shared domain
// above it, which previews can set for each other and for whatever else is served below that domain (none of ours is
// taken from there); a tab that was open during a restore and goes on writing. So the domain of previews should be one
// that holds nothing else.
package preview

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"codeforge"
	"codeforge/internal/auth"
	"codeforge/internal/verify"
)

// Options is what a Server needs.
type Options struct {
	Domain string // previews are at <project id>.Domain; "": localhost

	// Project returns a project of u, or NotFound for what is not u's.
	Project func(ctx context.Context, u codeforge.User, projectID string) (codeforge.Project, error)
	// Revision returns a revision (0: the newest) of a project of u and its tree.
	Revision func(ctx context.Context, u codeforge.User, projectID string, revision int64) (codeforge.Revision, verify.Tree, error)
	// Restored reports whether any revision after the given one restored an older one.
	Restored func(ctx context.Context, u codeforge.User, projectID string, since int64) (bool, error)

	// WorkingTree returns what a job of u has made of its project's files by now.
	WorkingTree func(ctx context.Context, u codeforge.User, jobID string) (WorkingTree, error)

	// ReadBlob returns the bytes that a project of u has by a hash.
	ReadBlob func(ctx context.Context, u codeforge.User, projectID, hash string) ([]byte, error)

	// AddErrors keeps what pages of a project of u say went wrong in them. nil: nothing is kept.
	AddErrors func(ctx context.Context, u codeforge.User, projectID string, list []codeforge.PreviewError) error

	// Bundle builds a tree of files for a user, once for equal ones at a time. Its error says nothing of the tree.
	Bundle func(ctx context.Context, user string, t verify.Tree) (*verify.Site, verify.Report, error)

	Keys         *auth.Keyring // signs tickets, where they are needed
	TicketNeeded bool          // false: everybody is the local user
	Embedders    []string      // origins whose pages may frame a preview, besides the preview itself
	Beside       bool          // so may pages of this machine at the same port, by its names: a console for its one user

	CacheBytes int // of built sites; 0: 64 MiB. The newest is always kept.
	SiteBytes  int // of one built site; 0: 32 MiB

	Watch time.Duration // between two looks for something newer, while a page is seen; 0: 2 s
	Log   *slog.Logger
	Now   func() time.Time // nil: time.Now
}

// WorkingTree is the working tree of a job.
type WorkingTree struct {
	ProjectID string
	Revision  int64  // that it lies on
	Version   string // of trees with the same one the files are the same
	Tree      func(context.Context) (verify.Tree, error)
}

// Server is the handler of all preview hosts.
type Server struct {
	o         Options
	embedders []string // as browsers write origins
	cache     cache
	builds    builds
	reports   rates
	streams   streams
}

// New panics when tickets are needed and the secret is too short to sign them.
func New(o Options) *Server {
	o.Domain = strings.ToLower(strings.Trim(cmp.Or(o.Domain, "localhost"), "."))
	o.CacheBytes = cmp.Or(o.CacheBytes, 64<<20)
	o.SiteBytes = cmp.Or(o.SiteBytes, 32<<20)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.Watch = cmp.Or(o.Watch, 2*time.Second)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.TicketNeeded && o.Keys == nil {
		panic("preview: a secret is needed to sign tickets")
	}
	s := &Server{o: o, cache: cache{limit: o.CacheBytes}, streams: streams{closed: make(chan struct{})}}
	for _, origin := range o.Embedders {
		// Anything but a plain origin could add a directive of its own.
		if u, err := url.Parse(origin); err == nil && (u.Scheme == "http" || u.Scheme == "https") && !strings.ContainsAny(u.Host, " ;,'\"") && u.Host != "" {
			s.embedders = append(s.embedders, originOf(u))
		}
	}
	return s
}

// embeddersOf are the origins whose pages may frame what a request asks for.
func (s *Server) embeddersOf(r *http.Request) []string {
	if !s.o.Beside {
		return s.embedders
	}
	scheme, port := "http://", ""
	if r.TLS != nil {
		scheme = "https://"
	}
	if _, p, err := net.SplitHostPort(r.Host); err == nil {
		port = ":" + p
	}
	return append(slices.Clone(s.embedders), scheme+"localhost"+port, scheme+"127.0.0.1"+port)
}

// originOf is the origin of an address as browsers write it.
func originOf(u *url.URL) string {
	host, port := strings.ToLower(u.Host), u.Port()
	if u.Scheme == "http" && port == "80" || u.Scheme == "https" && port == "443" {
		host = strings.TrimSuffix(host, ":"+port)
	}
	return u.Scheme + "://" + host
}

// Close ends the connections that wait for something newer. Later ones end at once.
func (s *Server) Close() { s.streams.close() }

// policy lets a program use what it brings and reach nothing else. Storage works: the origin is a real one.
const policy = "default-src 'self' data: blob:; script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; " +
	"connect-src 'self' data: blob:; worker-src 'self' blob:; form-action 'self'; base-uri 'self'; object-src 'none'"

// site is what a host shows: a project, or the working tree of a job.
type site struct {
	label    string // of the host, below the domain
	project  string
	revision int64 // 0: the newest
	job      string

	embedders []string // origins of pages that may frame it
}

const contentPolicy = "Content-Security-Policy"

// versionOf names what a page that shows b shows, as far as it can change; "": it cannot.
func (p site) versionOf(b *build) string {
	switch {
	case p.job != "":
		return b.version
	case p.revision > 0:
		return ""
	}
	return strconv.FormatInt(b.revision, 10)
}

func labelOf(project string, revision int64) string {
	if revision > 0 {
		return project + "-r" + strconv.FormatInt(revision, 10)
	}
	return project
}

const jobLabel = "-job" // follows the job's id

func (s *Server) place(host string) (p site, ok bool) {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if p.label, ok = strings.CutSuffix(host, "."+s.o.Domain); !ok {
		return site{}, false
	}
	if job, ok := strings.CutSuffix(p.label, jobLabel); ok {
		p.job = job
		return p, isUUID(job)
	}
	p.project = p.label
	if i := strings.LastIndex(p.label, "-r"); i >= 0 {
		p.project = p.label[:i]
		n, err := strconv.ParseInt(p.label[i+2:], 10, 64)
		if err != nil || n < 1 || labelOf(p.project, n) != p.label { // each revision has one name
			return site{}, false
		}
		p.revision = n
	}
	return p, isUUID(p.project)
}

// Match reports whether a Host header names a preview.
func (s *Server) Match(host string) bool {
	_, ok := s.place(host)
	return ok
}

// Address returns the absolute URL that opens a project's preview for u, who must be allowed to see it: of the newest
// revision (0), or of an older one. host is that of the request: its port is kept. With fresh what the program stored in
// the browser is cleared on the way.
func (s *Server) Address(scheme, host string, u codeforge.User, projectID string, revision int64, fresh bool) string {
	return s.address(scheme, host, u, labelOf(strings.ToLower(projectID), revision), fresh)
}

// JobAddress is Address for the working tree of a job.
func (s *Server) JobAddress(scheme, host string, u codeforge.User, jobID string, fresh bool) string {
	return s.address(scheme, host, u, strings.ToLower(jobID)+jobLabel, fresh)
}

func (s *Server) address(scheme, host string, u codeforge.User, label string, fresh bool) string {
	name := label + "." + s.o.Domain
	if _, port, err := net.SplitHostPort(host); err == nil && port != "" {
		name = net.JoinHostPort(name, port)
	}
	address := url.URL{Scheme: scheme, Host: name, Path: "/"}
	switch {
	case s.o.TicketNeeded:
		address.Path = ticketPath
		address.RawQuery = "t=" + s.sign(forTicket, token{Label: label, User: u.ID, Secure: scheme == "https", Fresh: fresh, Expires: s.o.Now().Add(ticketLife)})
	case fresh:
		address.Path = freshPath
	}
	return address.String()
}

// Admission is who must agree to what a request costs. What it returns is called when that is over.
type Admission struct {
	Build func(u codeforge.User) (done func(), err error)              // something is built for u
	Hold  func(u codeforge.User, bytes int64) (done func(), err error) // so much is held until it is sent
}

type admissionKey struct{}

// WithAdmission has a asked for a request.
func WithAdmission(ctx context.Context, a Admission) context.Context {
	return context.WithValue(ctx, admissionKey{}, a)
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
	embedders := s.embeddersOf(r)
	h.Set(contentPolicy, "frame-ancestors "+strings.Join(append([]string{"'self'"}, embedders...), " ")) // whoever answers adds the rest

	at, ok := s.place(r.Host)
	at.embedders = embedders
	if !ok {
		s.showError(w, http.StatusNotFound, "No preview here", "This address belongs to no project.")
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead && !(r.Method == http.MethodPost && r.URL.Path == errorsPath) {
		h.Set("Allow", "GET, HEAD")
		s.showError(w, http.StatusMethodNotAllowed, "Not possible", "A preview has no server behind it: it can only be read.")
		return
	}
	if r.Header.Get("Service-Worker") != "" || r.Header.Get("Sec-Fetch-Dest") == "serviceworker" {
		s.showError(w, http.StatusForbidden, "Not possible", "A preview has no service workers: one would outlive its revision.")
		return
	}
	visit := token{User: codeforge.LocalUserID}
	u := codeforge.LocalUser()
	if s.o.TicketNeeded {
		if r.URL.Path == ticketPath {
			s.admit(w, r, at)
			return
		}
		if u, visit, ok = s.visitor(r, at); !ok {
			s.showError(w, http.StatusForbidden, "This preview needs a fresh link", "Links to a preview hold for a minute, visits for an hour. Open it again from its project.")
			return
		}
	} else if r.URL.Path == freshPath {
		h.Set("Cache-Control", "no-store")
		h.Set(clearSiteData, storage)
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	if p := r.URL.Path; p != "/" && strings.TrimSuffix(p, "/") != path.Clean(p) || strings.ContainsAny(p, "\\\x00") {
		s.showError(w, http.StatusNotFound, "Nothing here", "The project has no such page.")
		return
	}
	if strings.HasPrefix(r.URL.Path, ownPath) {
		s.serveOwn(w, r, u, at, visit.Expires)
		return
	}
	b, err := s.find(w, r, u, at)
	switch {
	case err != nil:
		s.showFault(w, r, at, err)
	case b != nil:
		s.serve(w, r, u, at, b)
	}
}

// serveOwn answers the script in pages.
func (s *Server) serveOwn(w http.ResponseWriter, r *http.Request, u codeforge.User, at site, until time.Time) {
	var err error
	switch {
	case r.URL.Path == clientPath:
		s.serveClient(w, r)
	case r.URL.Path == errorsPath && r.Method == http.MethodPost:
		err = s.takeErrors(w, r, u, at)
	case r.URL.Path == eventsPath && r.Method == http.MethodGet:
		err = s.follow(w, r, u, at, until)
	default:
		err = refuse(http.StatusNotFound, "Nothing here")
	}
	refused, ok := errors.AsType[*refusal](err)
	switch {
	case ok:
		http.Error(w, refused.text, refused.status)
	case err != nil:
		status, _, text := s.explain(w, r, at, err)
		http.Error(w, text, status)
	}
}

// showFault answers with a page that says why there is nothing else.
func (s *Server) showFault(w http.ResponseWriter, r *http.Request, at site, err error) {
	if r.Context().Err() != nil {
		return // nobody is there to read an answer
	}
	status, title, text := s.explain(w, r, at, err)
	s.showError(w, status, title, text)
}

// explain is an error in words for a visitor. What is ours to mend is logged.
func (s *Server) explain(w http.ResponseWriter, r *http.Request, at site, err error) (status int, title, text string) {
	wait := func(d time.Duration) {
		w.Header().Set("Retry-After", strconv.FormatInt(max(1, int64((d+time.Second-1)/time.Second)), 10))
	}
	fault, _ := errors.AsType[*codeforge.Error](err)
	switch {
	case codeforge.IsKind(err, codeforge.Missing):
		return http.StatusNotFound, "No such project", "It does not exist, or is not yours."
	case codeforge.IsKind(err, codeforge.RateLimited):
		wait(fault.RetryAfter)
		return http.StatusTooManyRequests, "Too often", "You have asked for too much in the last minute. Try again shortly."
	case codeforge.IsKind(err, codeforge.Unavailable):
		wait(max(fault.RetryAfter, 2*time.Second))
		return http.StatusServiceUnavailable, "Not just now", "The preview could not be built at this moment. Try again shortly."
	}
	s.o.Log.ErrorContext(r.Context(), "preview", "label", at.label, "error", err)
	return http.StatusInternalServerError, "Something went wrong", "The preview could not be shown."
}

// look reads what a host shows, as its visitor.
func (s *Server) look(ctx context.Context, u codeforge.User, at site) (project codeforge.Project, tree WorkingTree, err error) {
	id := at.project
	if at.job != "" {
		if tree, err = s.o.WorkingTree(ctx, u, at.job); err != nil {
			return project, tree, err
		}
		id = tree.ProjectID
	}
	project, err = s.o.Project(ctx, u, id)
	return project, tree, err
}

// find returns the build of what a host shows; nil without an error when the request was answered.
func (s *Server) find(w http.ResponseWriter, r *http.Request, u codeforge.User, at site) (*build, error) {
	project, tree, err := s.look(r.Context(), u, at)
	if err != nil {
		return nil, err
	}
	if project.Status == codeforge.Archived {
		w.Header().Set(clearSiteData, storage)
		s.showError(w, http.StatusGone, "This project is archived", "Its preview is back as soon as the project is.")
		return nil, nil
	}
	if r.Method == http.MethodHead {
		b := s.known(at, project.Revision, tree)
		if b == nil {
			w.Header().Set("Cache-Control", "no-store") // HEAD of what is not built: nothing is known of it yet
		}
		return b, nil
	}
	return s.built(r.Context(), u, at, project.Revision, tree)
}

const (
	clearSiteData = "Clear-Site-Data"
	storage       = `"storage"` // what scripts can store, service workers included; cookies would be those of all siblings
	seenCookie    = "codeforge_seen"
	seenFramed    = "codeforge_seen_framed"
	seenLife      = 400 * 24 * time.Hour // as long as browsers keep any
)

// renew clears what the program stored in the browser if an older revision was restored since the browser last saw the
// project, and remembers what it sees now. A browser that keeps no cookies is taken to come from before a restore as long
// as that is the newest revision.
func (s *Server) renew(w http.ResponseWriter, r *http.Request, u codeforge.User, at site, b *build) {
	if dest := r.Header.Get("Sec-Fetch-Dest"); at.revision > 0 || at.job != "" || dest != "" && dest != "document" && dest != "iframe" && dest != "frame" {
		return // an older revision never changes, a job works on; a part of a page comes after the page
	}
	// What a page stores in the frame of another site, and this cookie with it, is apart from what it stores elsewhere.
	name, framed := seenCookie, isFramedElsewhere(r) || len(r.CookiesNamed(seenFramed)) > 0
	if framed {
		name = seenFramed
	}
	seen := int64(-1)
	for _, c := range r.CookiesNamed(name) { // another preview may have set one for all
		if n, err := strconv.ParseInt(c.Value, 10, 64); err == nil && n >= 0 && n <= b.revision && (seen < 0 || n < seen) {
			seen = n
		}
	}
	if seen == b.revision {
		return
	}
	clear := b.restored
	if seen >= 0 && !clear && b.revision-seen > 1 {
		var err error
		if clear, err = s.o.Restored(r.Context(), u, at.project, seen); err != nil {
			s.o.Log.WarnContext(r.Context(), "preview", "project_id", at.project, "error", err)
			return // the next page will find out
		}
	}
	if clear {
		w.Header().Set(clearSiteData, storage)
	}
	http.SetCookie(w, hostCookie(name, strconv.FormatInt(b.revision, 10), seenLife, r.TLS != nil, framed))
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request, u codeforge.User, at site, b *build) {
	if state := b.state(); !state.Shows() && (b.site == nil || b.empty || r.URL.Path == "/") {
		s.renew(w, r, u, at, b)
		s.showState(w, at, b, state)
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
		s.showError(w, http.StatusNotFound, "Nothing here", "The project has no such page.")
		return
	}
	s.sendAsset(w, r, u, at, b, a)
}

// sendAsset answers with something that a build has.
func (s *Server) sendAsset(w http.ResponseWriter, r *http.Request, u codeforge.User, at site, b *build, a verify.Asset) {
	h := w.Header()
	h.Set(contentPolicy, policy+"; "+h.Get(contentPolicy))
	etag, tag := b.tag(a), ""
	if strings.HasPrefix(a.Type, "text/html") {
		s.renew(w, r, u, at, b)
		h.Set("Vary", "Sec-Fetch-Dest")
		if isPage(r) {
			tag = s.clientTag(at, b, "")
			etag = strings.TrimSuffix(etag, `"`) + "-" + sumOf(tag) + `"`
		}
	}
	h.Set("ETag", etag)
	if a.Blob.Hash != "" {
		if strings.Contains(r.Header.Get("If-None-Match"), etag) {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		var done func()
		var err error
		if a, done, err = s.readBlob(r.Context(), u, b.project, a); err != nil {
			h.Del("ETag")
			s.showFault(w, r, at, err)
			return
		}
		defer done()
	}
	if tag != "" && strings.HasPrefix(a.Type, "text/html") {
		a.Body = inject(a.Body, tag)
	}
	h.Set("Content-Type", a.Type)
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

// build is what became of one revision, or of one state of a working tree.
type build struct {
	label    string
	project  string
	revision int64  // 0: none yet; of a working tree, the one that it lies on
	version  string // of a working tree, else ""
	restored bool   // it restored an older one
	empty    bool
	site     *verify.Site // nil: it does not build
	report   verify.Report

	tags sync.Map // of verify.Asset to its ETag
}

// tag is the ETag of something in the build, which is hashed once.
func (b *build) tag(a verify.Asset) string {
	if t, ok := b.tags.Load(a); ok {
		return t.(string)
	}
	sum := sha256.New()
	io.WriteString(sum, a.Type+"\x00"+a.Blob.Hash+"\x00")
	io.WriteString(sum, a.Body)
	t := `"` + strconv.FormatInt(b.revision, 10) + "-" + hex.EncodeToString(sum.Sum(nil)[:12]) + `"`
	b.tags.Store(a, t)
	return t
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

// known returns the build of what a host shows, of which newest is the newest revision or tree the working tree, if it is there.
func (s *Server) known(at site, newest int64, tree WorkingTree) *build {
	if b := s.cache.get(at.label); b != nil && b.version == tree.Version && (at.job != "" || b.revision >= cmp.Or(at.revision, newest)) {
		return b
	}
	return nil
}

// built is known, after the build. Each state is read and built once, however many ask for it.
func (s *Server) built(ctx context.Context, u codeforge.User, at site, newest int64, tree WorkingTree) (*build, error) {
	if b := s.known(at, newest, tree); b != nil {
		return b, nil
	}
	return s.builds.share(ctx, at.label+"@"+strconv.FormatInt(cmp.Or(at.revision, newest), 10)+tree.Version, func(ctx context.Context) (*build, error) {
		if b := s.known(at, newest, tree); b != nil {
			return b, nil
		}
		if a, ok := ctx.Value(admissionKey{}).(Admission); ok {
			done, err := a.Build(u)
			if err != nil {
				return nil, err
			}
			defer done()
		}
		b := &build{label: at.label, project: cmp.Or(at.project, tree.ProjectID), revision: tree.Revision, version: tree.Version}
		t, err := s.treeOf(ctx, u, at, tree, b)
		if err != nil {
			return nil, err
		}
		b.empty = t.Len() == 0
		if b.site, b.report, err = s.o.Bundle(ctx, u.ID, t); err != nil {
			return nil, err
		}
		if b.site != nil && b.site.Size > s.o.SiteBytes {
			b.report.Diagnostics = append(b.report.Diagnostics, verify.Diagnostic{Severity: "error",
				Message: fmt.Sprintf("What the project builds has %d bytes; a preview shows at most %d", b.site.Size, s.o.SiteBytes)})
			b.site = nil
		}
		return s.cache.put(b), nil
	})
}

// treeOf reads what a host shows, and notes in b of which revision it is.
func (s *Server) treeOf(ctx context.Context, u codeforge.User, at site, tree WorkingTree, b *build) (verify.Tree, error) {
	if at.job != "" {
		return tree.Tree(ctx)
	}
	rev, t, err := s.o.Revision(ctx, u, at.project, at.revision)
	b.revision, b.restored = rev.Number, rev.Restored()
	return t, err
}

// builds are those under way. One goes on until it is done or the last request that waits for it has left.
type builds struct {
	mu    sync.Mutex
	byKey map[string]*underway
}

type underway struct {
	waiting int // requests; guarded by builds.mu
	cancel  context.CancelFunc
	done    chan struct{} // closed when b and err are set
	b       *build
	err     error
}

func (g *builds) share(ctx context.Context, key string, do func(context.Context) (*build, error)) (*build, error) {
	g.mu.Lock()
	w := g.byKey[key]
	if w == nil {
		shared, cancel := context.WithCancel(context.WithoutCancel(ctx))
		w = &underway{cancel: cancel, done: make(chan struct{})}
		if g.byKey == nil {
			g.byKey = map[string]*underway{}
		}
		g.byKey[key] = w
		go func() {
			w.b, w.err = do(shared)
			g.leave(key, w, 0)
			close(w.done)
			cancel()
		}()
	}
	w.waiting++
	g.mu.Unlock()
	select {
	case <-w.done:
		return w.b, w.err
	case <-ctx.Done():
		g.leave(key, w, 1)
		return nil, context.Cause(ctx)
	}
}

// leave takes n requests from those that wait; where none is left nobody joins any more.
func (g *builds) leave(key string, w *underway, n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if w.waiting -= n; w.waiting > 0 && n > 0 {
		return
	}
	if g.byKey[key] == w {
		delete(g.byKey, key)
	}
	if n > 0 {
		w.cancel()
	}
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
