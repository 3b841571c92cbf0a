package browser

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// proxy is all that a browser can reach: it answers for one origin, out of a handler, and refuses every other, so that nothing of
// the network and nothing of this machine is behind it.
type proxy struct {
	origin  *url.URL
	handler http.Handler
	server  *http.Server
	serving sync.WaitGroup

	mu      sync.Mutex
	refused map[string]int // hosts that were asked for in vain, with how often
}

const (
	maxRequestBody = 8 << 20
	maxHosts       = 100 // that are remembered
)

// noServiceWorker is how one is refused: it would answer in place of the site.
const noServiceWorker = 470

func newProxy(origin *url.URL, handler http.Handler) *proxy {
	p := &proxy{origin: origin, handler: handler, refused: map[string]int{}}
	p.server = &http.Server{Handler: p, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: log.New(io.Discard, "", 0)} // what it says of a browser that was ended is of no use
	return p
}

// serve answers what comes to l until Close.
func (p *proxy) serve(l net.Listener) {
	p.serving.Go(func() { _ = p.server.Serve(l) })
}

func (p *proxy) close() {
	_ = p.server.Close()
	p.serving.Wait()
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	host := r.URL.Host
	if r.Method == http.MethodConnect {
		host = r.Host // a tunnel: TLS, or a WebSocket, also to the origin itself, which has none
	}
	switch {
	case r.Method == http.MethodConnect, !strings.EqualFold(host, p.origin.Host), r.URL.Scheme != p.origin.Scheme:
		p.refuse(host)
		http.Error(w, "not here", http.StatusForbidden)
		return
	case r.Header.Get("Service-Worker") == "script":
		http.Error(w, "no service workers", noServiceWorker)
		return
	}
	// As a server sees a request that came straight to it.
	in := r.Clone(r.Context())
	in.Host = p.origin.Host
	in.URL = &url.URL{Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery}
	in.RequestURI = in.URL.RequestURI()
	in.Header.Del("Proxy-Connection")
	in.Body = http.MaxBytesReader(w, r.Body, maxRequestBody)
	p.handler.ServeHTTP(w, in)
}

func (p *proxy) refuse(host string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, known := p.refused[host]; known || len(p.refused) < maxHosts {
		p.refused[host]++
	}
}

// get asks the handler as the browser would, for what is of interest to us: at most so many bytes.
func (p *proxy) get(ctx context.Context, address string, most int) (body []byte, ok bool) {
	defer func() {
		if recover() != nil { // as a server would take it
			body, ok = nil, false
		}
	}()
	u, err := p.origin.Parse(address)
	if err != nil || u.Host != p.origin.Host {
		return nil, false
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, false
	}
	r.RequestURI = u.RequestURI()
	w := &record{header: http.Header{}, status: http.StatusOK, most: most}
	p.handler.ServeHTTP(w, r)
	return w.body, w.status == http.StatusOK && len(w.body) < most
}

// record keeps what a handler answers.
type record struct {
	header http.Header
	status int
	body   []byte
	most   int
}

func (r *record) Header() http.Header    { return r.header }
func (r *record) WriteHeader(status int) { r.status = status }

func (r *record) Write(b []byte) (int, error) {
	r.body = append(r.body, b[:min(len(b), r.most-len(r.body))]...)
	return len(b), nil
}
