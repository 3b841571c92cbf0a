package api

import (
	"embed"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
)

//go:embed docs/swagger docs/redoc
var docsFiles embed.FS

// docsPolicy lets the viewers run, and fetch from here alone.
const docsPolicy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
	"font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// docs serves the specification and, in development, its two viewers, whose files are embedded.
func (s *server) docs() {
	spec, err := s.spec()
	if err != nil {
		panic(err) // the routes make no document: a mistake in them
	}
	s.static("/openapi.json", "application/json", spec, false)
	if !s.Development {
		return
	}
	for _, viewer := range []struct{ at, dir string }{{"/docs", "docs/swagger"}, {"/redoc", "docs/redoc"}} {
		files, err := fs.ReadDir(docsFiles, viewer.dir)
		if err != nil {
			panic(err)
		}
		for _, f := range files {
			data, err := docsFiles.ReadFile(viewer.dir + "/" + f.Name())
			if err != nil {
				panic(err)
			}
			ct := mime.TypeByExtension(path.Ext(f.Name()))
			if ct == "" {
				ct = "text/plain; charset=utf-8"
			}
			if f.Name() == "index.html" {
				s.static(viewer.at, ct, data, true)
				s.static(viewer.at+"/{$}", ct, data, true)
				continue
			}
			s.static(viewer.at+"/"+f.Name(), ct, data, true)
		}
	}
}

func (s *server) static(pattern, contentType string, data []byte, page bool) {
	s.mux.HandleFunc("GET "+pattern, func(w http.ResponseWriter, _ *http.Request) {
		w.(*exchange).route = strings.TrimSuffix(pattern, "/{$}")
		h := w.Header()
		h.Set("Content-Type", contentType)
		h.Set("Content-Length", strconv.Itoa(len(data)))
		if page {
			h.Set("Content-Security-Policy", docsPolicy)
		}
		_, _ = w.Write(data) // nobody is left to tell
	})
}
