package preview

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"codeforge/internal/verify"
)

// Handler serves a built site as its preview does, for who is let in already: by the same policy and the same rules, without the script
// that pages have there. blob reads what the project has by hash.
func Handler(site *verify.Site, blob func(ctx context.Context, hash string) ([]byte, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			http.Error(w, "Not possible", http.StatusMethodNotAllowed)
			return
		}
		p := strings.TrimPrefix(r.URL.Path, "/")
		if p == "" && site.Home != "index.html" {
			http.Redirect(w, r, (&url.URL{Path: "/" + site.Home}).EscapedPath(), http.StatusFound)
			return
		}
		if p == "" {
			p = site.Home
		}
		a, ok := site.Find(p)
		if !ok && site.Home != "" && isRoute(r, p) {
			a, ok = site.Find(site.Home)
		}
		if !ok {
			http.Error(w, "Nothing here", http.StatusNotFound)
			return
		}
		if a.Blob.Hash != "" {
			data, err := blob(r.Context(), a.Blob.Hash)
			if err != nil {
				http.Error(w, "It cannot be read", http.StatusServiceUnavailable)
				return
			}
			a.Type, a.Body = typeOf(data, a.Type), string(data)
		}
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Type", a.Type)
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(a.Body))
	})
}
