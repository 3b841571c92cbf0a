package api

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"iter"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"
	"unicode/utf8"

	"codeforge"
)

// defaultMaxFile is how many bytes a file may have that comes as it is, or in base64.
const defaultMaxFile = 10_000_000

// encodedFile is how many bytes a JSON body may have whose content is a file of n bytes in base64.
func encodedFile(n int64) int64 { return n/3*4 + 64<<10 }

// readContent is the content of a body, as bytes: as it stands there, or out of base64.
func readContent(content string, encoding *string) ([]byte, *fieldError) {
	if encoding == nil {
		if n := utf8.RuneCountInString(content); n > codeforge.MaxContent {
			return nil, &fieldError{"content", "Must have at most 100000 characters; send longer texts as the body itself, or with encoding base64", "string_too_long"}
		}
		return []byte(content), nil
	}
	data, err := base64.StdEncoding.DecodeString(content)
	if err != nil {
		return nil, &fieldError{"content", "Must be base64, with the padding of RFC 4648", "value_error"}
	}
	return data, nil
}

// setContent gives a write the content: a text as such, anything else as a blob, whose bytes are stored first.
func (s *server) setContent(ctx context.Context, projectID string, w *codeforge.FileWrite, data []byte) error {
	if codeforge.CheckContent(string(data)) == nil {
		w.Content = string(data)
		return nil
	}
	hash, err := s.Store.PutBlob(ctx, caller(ctx), projectID, data)
	w.Hash, w.Size = hash, int64(len(data))
	return err
}

// isJSONMedia reports whether a media type, as a header has it, is JSON.
func isJSONMedia(header string) bool {
	media, _, _ := strings.Cut(header, ";")
	media = strings.ToLower(strings.TrimSpace(media))
	return media == "application/json" || strings.HasPrefix(media, "application/") && strings.HasSuffix(media, "+json")
}

// putRaw writes a file whose content is the body as it came. Unlike a JSON body it may make a new file.
func (s *server) putRaw(x *exchange, r *http.Request) error {
	ctx := r.Context()
	data, _ := r.Body.(*bodyReader)
	w := codeforge.FileWrite{Path: r.PathValue("path")}
	if r.Header.Get("If-None-Match") == "*" {
		w.IfVersion = new(int64)
	}
	var content []byte
	if data != nil {
		content = data.data
	}
	out, err := s.writeFile(ctx, r.PathValue("project_id"), r.Header.Get("If-Match"), w, content)
	if err != nil {
		return err
	}
	h := x.Header()
	h["Content-Type"], h["Etag"] = jsonType, []string{out.ETag}
	return marshal(x, out.Body)
}

// wantsBytes reports whether the bytes of a file are asked for, and not its row.
func wantsBytes(r *http.Request, raw bool) bool {
	if raw {
		return true
	}
	other := false
	for media := range accepted(r) {
		switch {
		case isJSONMedia(media):
			return false
		case media != "" && media != "*/*" && media != "application/*":
			other = true
		}
	}
	return other
}

// accepted are the media types that a request says that it takes, in order and in lower case.
func accepted(r *http.Request) iter.Seq[string] {
	return func(yield func(string) bool) {
		for part := range strings.SplitSeq(strings.Join(r.Header.Values("Accept"), ","), ",") {
			media, _, _ := strings.Cut(part, ";")
			if !yield(strings.ToLower(strings.TrimSpace(media))) {
				return
			}
		}
	}
}

// Files of users are never a page or a program of the API's own origin, whatever they say they are.
var filePolicy = []string{"default-src 'none'; sandbox; frame-ancestors 'none'"}

// sendFile answers with the bytes of a file.
func (s *server) sendFile(ctx context.Context, f *codeforge.File) error {
	x, _ := exchangeOf(ctx)
	data := []byte(f.Content)
	if f.Hash != "" {
		if err := x.acquireBytes(f.Size); err != nil {
			return err
		}
		var err error
		if data, err = s.Store.ReadBlob(ctx, x.user, f.ProjectID, f.Hash); err != nil {
			return err
		}
	}
	h := x.Header()
	h["Content-Type"] = []string{contentTypeOf(f.Path, data)}
	h["Content-Security-Policy"] = filePolicy
	h["Content-Disposition"] = []string{attachment(path.Base(f.Path))}
	h["Etag"] = []string{bytesTag(f.Version)}
	http.ServeContent(pieces{x, time.Now().Add(answerTimeout)}, x.r, "", time.Time{}, bytes.NewReader(data))
	return nil
}

// bytesTag names the bytes of a file's version, where numberTag names its row.
func bytesTag(version int64) string { return strings.TrimSuffix(numberTag(version), `"`) + `-bytes"` }

// attachment has browsers save what they are sent under a name.
func attachment(name string) string {
	return cmp.Or(mime.FormatMediaType("attachment", map[string]string{"filename": name}), "attachment")
}

// contentTypeOf is the media type of a file by what it holds; its name only says which kind of text it is, or which of the kinds that
// bytes do not tell.
func contentTypeOf(p string, data []byte) string {
	named := codeforge.MediaTypeOf(p)
	base, _, _ := strings.Cut(named, ";")
	if codeforge.IsText(data) {
		if strings.HasPrefix(base, "text/") || strings.HasSuffix(base, "json") || strings.HasSuffix(base, "xml") {
			return named
		}
		return "text/plain; charset=utf-8"
	}
	found := http.DetectContentType(data)
	if kind, _, _ := strings.Cut(found, ";"); kind != "application/octet-stream" && kind != "text/html" && kind != "text/xml" {
		return found
	}
	if kind, _, _ := strings.Cut(base, "/"); kind == "image" && !strings.HasSuffix(base, "xml") || kind == "audio" || kind == "video" || kind == "font" || kind == "model" || base == "application/wasm" {
		return named
	}
	return "application/octet-stream"
}

// pieces writes an answer that may be long in pieces, each of which the client must take in time.
type pieces struct {
	*exchange
	end time.Time
}

func (p pieces) Write(b []byte) (n int, err error) {
	for len(b) > 0 && err == nil {
		piece := b[:min(len(b), pieceBytes)]
		p.extend(p.end)
		var k int
		k, err = p.exchange.Write(piece)
		n, b = n+k, b[k:]
	}
	if err != nil && p.err == nil {
		p.err = err
	}
	return n, err
}

// extend gives the client time to take the next piece, but not beyond the end.
func (x *exchange) extend(end time.Time) {
	deadline := time.Now().Add(pieceTimeout)
	if deadline.After(end) {
		deadline = end
	}
	// A writer without deadlines is a test's. For the next request the server sets its own again.
	_ = http.NewResponseController(x.ResponseWriter).SetWriteDeadline(deadline)
}
