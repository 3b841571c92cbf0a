package api

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"codeforge"
	"codeforge/internal/git"
)

const (
	gitTimeout     = 30 * time.Minute // for a clone or a push, as long as it moves
	mostGitRequest = 4 << 20          // bytes of what a fetch asks for, unpacked
)

// isGit reports whether a path is for git: it then gets its errors as text, and may come with a token as password.
func isGit(path string) bool {
	rest, ok := strings.CutPrefix(path, "/v1/projects/")
	name, rest, nested := strings.Cut(rest, "/")
	return ok && nested && strings.HasSuffix(name, ".git") && rest != ""
}

// withPassword gives a request of git the token that it brought as password, whatever the name beside it.
func withPassword(r *http.Request) *http.Request {
	name, password, ok := r.BasicAuth()
	if !ok || len(r.Header["Authorization"]) != 1 {
		return r
	}
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+cmp.Or(password, name))
	return r
}

var gitChallenge = []string{`Basic realm="CodeForge", charset="UTF-8"`}

// writeGitError answers with an error in words that git shows.
func (x *exchange) writeGitError(err error) {
	e := wireError(err)
	x.prepare(e)
	h := x.Header()
	if e.status == http.StatusUnauthorized {
		h["Www-Authenticate"] = gitChallenge
	}
	h["Content-Type"] = []string{"text/plain; charset=utf-8"}
	x.status = 0
	x.WriteHeader(e.status)
	_, _ = io.WriteString(x, explained(e.Message, e.Details)+"\n") // nobody is left to tell
}

// explained is a message with what its details say of the rule that was broken.
func explained(message string, details map[string]any) string {
	if reason, _ := details["reason"].(string); reason != "" {
		message += ": " + reason
	}
	return message
}

type gitRefsInput struct {
	ProjectPath
	Service string `query:"service" doc:"git-upload-pack to clone and fetch, git-receive-pack to push."`

	version string
}

// Resolve keeps which protocol git speaks.
func (in *gitRefsInput) Resolve(c huma.Context) []error {
	in.version = c.Header("Git-Protocol")
	return nil
}

// gitOutput stands for an answer that the operation writes itself.
type gitOutput struct{}

func (s *server) gitRefs(ctx context.Context, in *gitRefsInput) (*gitOutput, error) {
	return s.answerGit(ctx, in.ProjectID, in.version, in.Service+"-advertisement", func(x *exchange, q git.Request, w io.Writer) error {
		if in.Service != git.UploadPack && in.Service != git.ReceivePack {
			if _, err := s.Store.GetProject(ctx, x.user, in.ProjectID); err != nil {
				return err
			}
			return codeforge.InvalidField("service", "must be git-upload-pack or git-receive-pack: only the smart protocol is spoken, so a newer git is needed")
		}
		return s.git.Advertise(ctx, q, in.Service, w)
	})
}

type gitServiceInput struct {
	ProjectPath

	version, encoding string
	body              io.Reader
}

// Resolve keeps the body, which is read as it comes.
func (in *gitServiceInput) Resolve(c huma.Context) []error {
	in.version, in.encoding, in.body = c.Header("Git-Protocol"), c.Header("Content-Encoding"), c.BodyReader()
	return nil
}

// reader reads the body, which git compresses where it is long: at most so many bytes of it.
func (in *gitServiceInput) reader(x *exchange, most int64) (io.Reader, error) {
	if in.body == nil {
		in.body = http.NoBody
	}
	var r io.Reader = &patientBody{in.body, x, time.Now().Add(gitTimeout)}
	if in.encoding == "" || strings.EqualFold(in.encoding, "identity") {
		return r, nil
	}
	z, err := gzip.NewReader(bufio.NewReader(r))
	if err != nil {
		return nil, bodyError(err)
	}
	return &boundedReader{z, most, most}, nil
}

// boundedReader fails after so many bytes.
type boundedReader struct {
	io.Reader
	left, most int64
}

func (b *boundedReader) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, tooLarge(b.most)
	}
	n, err := b.Reader.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

func (s *server) gitUploadPack(ctx context.Context, in *gitServiceInput) (*gitOutput, error) {
	return s.answerGit(ctx, in.ProjectID, in.version, git.UploadPack+"-result", func(x *exchange, q git.Request, w io.Writer) error {
		body, err := in.reader(x, mostGitRequest)
		if err != nil {
			return err
		}
		sent, err := s.git.Upload(ctx, q, body, w)
		x.everyday = err == nil && !sent
		return err
	})
}

// answerGit writes what run has to say to git. What goes wrong before that is told by the status.
func (s *server) answerGit(ctx context.Context, projectID, version, media string, run func(*exchange, git.Request, io.Writer) error) (*gitOutput, error) {
	x, _ := exchangeOf(ctx)
	if err := x.acquireBytes(pagedLoad); err != nil {
		x.writeGitError(err)
		return nil, nil
	}
	x.extend(time.Now().Add(gitTimeout))
	w := bufio.NewWriterSize(&gitAnswer{pieces{x, time.Now().Add(gitTimeout)}, "application/x-" + media}, pieceBytes)
	err := run(x, git.Request{User: x.user, ProjectID: projectID, Protocol: version, Hold: x.acquireBytes}, w)
	if err == nil {
		err = w.Flush()
	}
	if err == nil {
		return nil, nil
	}
	if x.sent { // there is no other way to say that it is not whole
		x.err = err
		panic(http.ErrAbortHandler)
	}
	x.writeGitError(err)
	return nil, nil
}

// gitAnswer is an answer of one of git's media types from its first byte on.
type gitAnswer struct {
	pieces
	media string
}

func (a *gitAnswer) Write(b []byte) (int, error) {
	if !a.sent {
		a.Header()["Content-Type"] = []string{a.media}
	}
	return a.pieces.Write(b)
}
