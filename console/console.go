// Package console is the console at /: a web page that uses the API as any client does. Its sources are in src, what is served is
// made of them by `go run ./console/build` and lies in dist, in this program.
package console

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"html"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
)

//go:embed dist
var dist embed.FS

// Options is what the page is told of the server, and what it may reach.
type Options struct {
	Version       string
	Users         bool   // somebody has to sign in
	SupabaseURL   string // where they do; "": they paste a token
	SupabaseKey   string // its publishable key
	PreviewDomain string // previews are framed from below it; "": localhost
}

// settings is Options as the page reads it.
type settings struct {
	Version     string `json:"version"`
	Users       bool   `json:"users"`
	SupabaseURL string `json:"supabaseURL"`
	SupabaseKey string `json:"supabaseKey"`
}

// Console serves the page at / and its parts below /console/, under a name that changes with them, so that browsers keep them for good.
// The page names them relative to itself: it works below any path that a proxy strips.
type Console struct {
	page   part
	parts  map[string]part // by path
	policy string
}

// part is one answer.
type part struct {
	mediaType string
	data      []byte
	gzip      func() []byte // data compressed, which is done once somebody asks for it; nil: it does not get smaller
	tag       string
}

const (
	below    = "/console/"
	pageName = "index.html"
	sumName  = "sources.sum" // of which sources it was made: nothing of the page
)

// shared is what all consoles have in common.
var shared = sync.OnceValue(func() (p struct {
	at    string // where the parts lie below
	page  string // around its settings
	parts map[string]part
}) {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // it is in this program
	}
	all := sha256.New()
	contents := map[string][]byte{}
	err = fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(files, name)
		contents[name] = data
		all.Write([]byte(name))
		all.Write(data)
		return err
	})
	if err != nil {
		panic(err)
	}
	p.at, p.page, p.parts = strings.TrimPrefix(below, "/")+hex.EncodeToString(all.Sum(nil))[:16], string(contents[pageName]), map[string]part{}
	for name, data := range contents {
		if name != pageName && name != sumName {
			p.parts["/"+p.at+"/"+name] = partOf(name, data)
		}
	}
	return p
})

// New makes a console.
func New(o Options) *Console {
	p := shared()
	c := &Console{parts: p.parts, policy: policyOf(o)}
	told, err := json.Marshal(settings{o.Version, o.Users, o.SupabaseURL, o.SupabaseKey})
	if err != nil {
		panic(err) // texts always marshal
	}
	page := strings.NewReplacer("{{at}}", p.at, "{{settings}}", html.EscapeString(string(told))).Replace(p.page)
	c.page = partOf(pageName, []byte(page))
	return c
}

func partOf(name string, data []byte) part {
	sum := sha256.Sum256(data)
	return part{mediaType: cmp.Or(mediaTypes[path.Ext(name)], mime.TypeByExtension(path.Ext(name)), "application/octet-stream"), data: data,
		gzip: sync.OnceValue(func() []byte { return smaller(name, data) }), tag: `"` + hex.EncodeToString(sum[:8]) + `"`}
}

// smaller is data compressed; nil: it does not get smaller.
func smaller(name string, data []byte) []byte {
	if path.Ext(name) == ".woff2" { // compressed as it is
		return nil
	}
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level exists
	_, _ = w.Write(data)                                  // a buffer takes all
	_ = w.Close()
	if b.Len() >= len(data) {
		return nil
	}
	return b.Bytes()
}

// mediaTypes are those that not every system knows alike.
var mediaTypes = map[string]string{".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".html": "text/html; charset=utf-8",
	".svg": "image/svg+xml", ".woff2": "font/woff2", ".txt": "text/plain; charset=utf-8"}

// policyOf lets the page use its own parts, call this server and, where people sign in there, their Supabase project, and frame previews.
func policyOf(o Options) string {
	connect := "'self'"
	if o.SupabaseURL != "" && o.SupabaseKey != "" {
		connect += " " + strings.TrimRight(o.SupabaseURL, "/") + "/auth/v1/"
	}
	domain := cmp.Or(strings.ToLower(strings.Trim(o.PreviewDomain, ".")), "localhost")
	return "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' blob: data:; connect-src " + connect +
		"; frame-src http://*." + domain + ":* https://*." + domain + ":*; base-uri 'none'; form-action 'none'; frame-ancestors 'none'" +
		"; require-trusted-types-for 'script'; trusted-types 'none'"
}

// Match reports whether a request is for the console: for / that of a browser alone, since it is no address of the API.
func (c *Console) Match(r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	if r.URL.Path == "/" {
		return strings.Contains(r.Header.Get("Accept"), "text/html")
	}
	_, ok := c.parts[r.URL.Path]
	return ok
}

func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", c.policy)
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	p, ok := c.parts[r.URL.Path]
	if ok {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
		h.Set("Vary", "Accept-Encoding")
	} else {
		p = c.page
		h.Set("Cache-Control", "no-cache")
		h.Set("Vary", "Accept, Accept-Encoding")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()")
	}
	h.Set("Content-Type", p.mediaType)
	h.Set("ETag", p.tag)
	if strings.Contains(r.Header.Get("If-None-Match"), p.tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	data := p.data
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		if packed := p.gzip(); packed != nil {
			data = packed
			h.Set("Content-Encoding", "gzip")
		}
	}
	h.Set("Content-Length", strconv.Itoa(len(data)))
	if r.Method == http.MethodGet {
		_, _ = w.Write(data) // nobody is left to tell
	}
}
