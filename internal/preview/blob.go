package preview

import (
	"context"
	"net/http"
	"strings"

	"codeforge"
	"codeforge/internal/verify"
)

// readBlob is an asset with the bytes of its blob, of the type that they have. They are held until done, for this one answer: what
// a project has of them may be more than the memory of a server, and a browser keeps what it got by its ETag.
func (s *Server) readBlob(ctx context.Context, u codeforge.User, projectID string, a verify.Asset) (_ verify.Asset, done func(), err error) {
	done = func() {}
	if s.o.ReadBlob == nil {
		return a, done, &codeforge.Error{Kind: codeforge.Unsupported, Message: "Blobs are not available here"}
	}
	if admission, ok := ctx.Value(admissionKey{}).(Admission); ok {
		if done, err = admission.Hold(u, 2*a.Blob.Size); err != nil { // as they come, and as they go
			return a, nil, err
		}
	}
	data, err := s.o.ReadBlob(ctx, u, projectID, a.Blob.Hash)
	if err != nil {
		done()
		return a, nil, err
	}
	a.Type, a.Body = typeOf(data, a.Type), string(data)
	return a, done, nil
}

// typeOf is the type of bytes whose name says that they are of another one. What can be told by their first bytes is told by those;
// no name makes a text of what is none, nor anything else of a text.
func typeOf(data []byte, named string) string {
	major, _, _ := strings.Cut(named, "/")
	if codeforge.IsText(data) {
		switch major {
		case "image", "audio", "video", "font":
			if !strings.HasPrefix(named, "image/svg") {
				return "text/plain; charset=utf-8"
			}
		}
		return named
	}
	seen := http.DetectContentType(data)
	seenMajor, _, _ := strings.Cut(seen, "/")
	isText := major == "text" || strings.HasPrefix(named, "image/svg") || strings.HasSuffix(named, "json")
	switch {
	case seenMajor == "text":
		return "application/octet-stream"
	case seenMajor == "image" || seenMajor == "font" || isText:
		return seen
	}
	return named
}
