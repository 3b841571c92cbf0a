package preview

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"

	"codeforge/internal/verify"
)

//go:embed page.html
var pageFS embed.FS

var pageTemplate = template.Must(template.ParseFS(pageFS, "page.html"))

type pageData struct {
	Title, Text string
	Diagnostics []verify.Diagnostic
}

// showError shows a page of our own: nothing of the project runs on it.
func (s *Server) showError(w http.ResponseWriter, status int, title, text string) {
	s.page(w, status, pageData{Title: title, Text: text})
}

// showBuildErrors shows why a revision does not build. The status is 422, so that what loads a preview without looking at it (a
// probe, a test, a script tag) is not told that this is the project; browsers show the page all the same.
func (s *Server) showBuildErrors(w http.ResponseWriter, b *build) {
	s.page(w, http.StatusUnprocessableEntity, pageData{Title: "This project does not build yet",
		Text: "These findings stand in the way of a preview.", Diagnostics: b.report.Diagnostics})
}

func (s *Server) page(w http.ResponseWriter, status int, data pageData) {
	var body bytes.Buffer
	if err := pageTemplate.Execute(&body, data); err != nil {
		s.o.Log.Error("preview page", "error", err)
		http.Error(w, "The preview could not be shown.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"+s.ancestors)
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // a visitor that left needs no answer
}
