package preview

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"html"
	"net/http"
	"strings"
	"time"

	tokens "golang.org/x/net/html"
)

// clientScript is ours in each page of a preview, which is a stranger's: see there for what it does.
//
//go:embed client.js
var clientScript string

// ownPath is what of a preview's origin is the server's own.
const ownPath = "/__preview/"

const (
	clientPath = ownPath + "client.js" // the script
	errorsPath = ownPath + "errors"    // where it reports what went wrong
	eventsPath = ownPath + "events"    // where it hears of newer builds
)

// sumOf tells texts apart.
func sumOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:6])
}

var clientVersion = sumOf(clientScript)

// clientTag is the element that brings the script into a page that shows b. nonce is for a page with a policy that asks for one.
func (s *Server) clientTag(at site, b *build, nonce string) string {
	tag := fmt.Sprintf(`<script src="%s?%s" data-revision="%d"`, clientPath, clientVersion, b.revision)
	add := func(name, value string) {
		if value != "" {
			tag += ` ` + name + `="` + html.EscapeString(value) + `"`
		}
	}
	add("nonce", nonce)
	add("data-job", at.job)
	add("data-version", at.versionOf(b))
	add("data-embedders", strings.Join(at.embedders, " "))
	return tag + "></script>"
}

// isPage reports whether an answer is shown as a page, and not read by a script of one.
func isPage(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Dest") {
	case "", "document", "iframe", "frame":
		return true
	}
	return false
}

// inject puts a tag into a page where it runs before everything else of it. It adds no line: the places of errors stay.
func inject(page, tag string) string {
	z := tokens.NewTokenizer(strings.NewReader(page))
	at, offset := 0, 0
	if strings.HasPrefix(page, "\ufeff") {
		at, offset = len("\ufeff"), 0
	}
	for {
		kind := z.Next()
		offset += len(z.Raw())
		switch kind {
		case tokens.DoctypeToken:
			at = offset
			continue
		case tokens.CommentToken:
			continue
		case tokens.TextToken:
			if strings.Trim(string(z.Raw()), " \t\r\n\f\ufeff") == "" {
				continue
			}
		case tokens.StartTagToken:
			switch name, _ := z.TagName(); string(name) {
			case "html":
				at = offset
				continue
			case "head":
				at = offset
			}
		}
		at = min(at, len(page))
		return page[:at] + tag + page[at:]
	}
}

// serveClient sends the script. A page names it with its version, so a browser may keep it.
func (s *Server) serveClient(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/javascript; charset=utf-8")
	h.Set("ETag", `"`+clientVersion+`"`)
	if r.URL.RawQuery == clientVersion {
		h.Set("Cache-Control", "private, max-age=31536000, immutable")
	}
	http.ServeContent(w, r, "", time.Time{}, strings.NewReader(clientScript))
}
