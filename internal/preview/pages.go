package preview

import (
	"bytes"
	"crypto/rand"
	"embed"
	"html/template"
	"net/http"
	"slices"
	"strings"

	"codeforge/internal/verify"
)

//go:embed page.html
var pageFS embed.FS

var pageTemplate = template.Must(template.ParseFS(pageFS, "page.html"))

type pageData struct {
	Title, Text string
	Diagnostics []verify.Diagnostic // errors first
	Client      template.HTML       // our script: the page is shown again when there is something newer
}

// showError shows a page of our own: nothing of the project runs on it.
func (s *Server) showError(w http.ResponseWriter, status int, title, text string) {
	s.page(w, status, pageData{Title: title, Text: text}, "")
}

// showState shows why there is nothing of the project to be seen, until there is. What does not build has the status 422, so that
// what loads a preview without looking at it (a probe, a test, a script tag) is not told that this is the project; browsers show
// the page all the same.
func (s *Server) showState(w http.ResponseWriter, at site, b *build, st State) {
	status, data := http.StatusOK, pageData{Title: st.Title, Text: st.Reason}
	if st.Status == Broken {
		status = http.StatusUnprocessableEntity
		data.Diagnostics = errorsFirst(st.Report.Diagnostics)
	}
	nonce := rand.Text()
	data.Client = template.HTML(s.clientTag(at, b, nonce))
	s.page(w, status, data, nonce)
}

// errorsFirst are findings in the order of what they mean.
func errorsFirst(list []verify.Diagnostic) []verify.Diagnostic {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b verify.Diagnostic) int { return strings.Compare(a.Severity, b.Severity) })
	return list
}

// page writes a page of ours. Of scripts it runs the one with the nonce, if it names one.
func (s *Server) page(w http.ResponseWriter, status int, data pageData, nonce string) {
	var body bytes.Buffer
	if err := pageTemplate.Execute(&body, data); err != nil {
		s.o.Log.Error("preview page", "next", "look at the store in /readyz?verbose; the page says so, and can be loaded again", "error", err)
		http.Error(w, "The preview could not be shown.", http.StatusInternalServerError)
		return
	}
	scripts := ""
	if nonce != "" {
		scripts = "; script-src 'nonce-" + nonce + "'; connect-src 'self'"
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	h := w.Header()
	h.Set(contentPolicy, "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"+scripts+"; "+h.Get(contentPolicy))
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // a visitor that left needs no answer
}
