package api

import (
	"cmp"
	"embed"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"sync"

	"codeforge/internal/guide"
)

//go:embed docs/swagger docs/redoc
var docsFiles embed.FS

// docsPolicy lets the viewers run, and fetch from here alone.
var docsPolicy = []string{"default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
	"font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"}

// docsFile is one answer of the documents' site.
type docsFile struct {
	contentType string
	policy      []string
	data        []byte
}

// guidePolicy is what pages of the guide may load.
var guidePolicy = []string{guide.Policy}

// docsSite serves the guide, the specification and, in development, its two viewers. All of it is embedded.
func (s *server) docsSite() Site {
	const document = "/openapi.json"
	reference := document
	files := map[string]docsFile{document: {"application/json", apiPolicy, nil}}
	if s.Development {
		addViewer(files, "/docs", "docs/swagger")
		addViewer(files, "/redoc", "docs/redoc")
		reference = "/docs"
	}
	// Few servers are asked for them, so the document and the pages of the guide are made when one is.
	spec := sync.OnceValues(s.spec)
	pages := sync.OnceValues(func() (map[string]guide.File, error) { return guide.Files(reference) })
	inGuide := func(r *http.Request) bool {
		return r.URL.Path == guide.Root || strings.HasPrefix(r.URL.Path, guide.Root+"/")
	}
	match := func(r *http.Request) bool { _, ok := files[r.URL.Path]; return ok || inGuide(r) }
	return Site{"docs", match, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x, f := w.(*exchange), files[r.URL.Path]
		var broken error
		switch {
		case r.URL.Path == document:
			f.data, broken = spec()
		case inGuide(r):
			var all map[string]guide.File
			all, broken = pages()
			page := all[strings.TrimSuffix(r.URL.Path, "/")]
			f = docsFile{page.ContentType, guidePolicy, page.Data}
		}
		x.deny = errNoToken // documents are everybody's: an address has the limit
		if !s.admitOrigin(x, r, f.policy) || !s.withinLimit(x, r) {
			return
		}
		switch {
		case broken != nil:
			x.refuse(broken)
			return
		case f.data == nil:
			x.refuse(notFoundRoute())
			return
		}
		h := x.Header()
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			h.Set("Allow", "GET, HEAD")
			x.refuse(methodNotAllowed())
			return
		}
		h.Set("Content-Type", f.contentType)
		x.announce(len(f.data))
		_, _ = x.Write(f.data) // nobody is left to tell
	})}
}

// addViewer puts the files of an embedded folder below a path, its index.html at the path itself.
func addViewer(files map[string]docsFile, at, dir string) {
	entries, err := fs.ReadDir(docsFiles, dir)
	if err != nil {
		panic(err)
	}
	for _, e := range entries {
		data, err := docsFiles.ReadFile(dir + "/" + e.Name())
		if err != nil {
			panic(err)
		}
		f := docsFile{cmp.Or(mime.TypeByExtension(path.Ext(e.Name())), "text/plain; charset=utf-8"), docsPolicy, data}
		if e.Name() == "index.html" {
			files[at], files[at+"/"] = f, f
		} else {
			files[at+"/"+e.Name()] = f
		}
	}
}
