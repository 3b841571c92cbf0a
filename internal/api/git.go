package api

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"context"
	"fmt"
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
	_, _ = io.WriteString(x, git.Words(&codeforge.Error{Message: e.Message, Details: e.Details})+"\n") // nobody is left to tell
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
	return s.answerGit(ctx, in.ProjectID, in.version, in.Service+"-advertisement", func(x *exchange, q git.Request, w *bufio.Writer) error {
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
	return s.answerGit(ctx, in.ProjectID, in.version, git.UploadPack+"-result", func(x *exchange, q git.Request, w *bufio.Writer) error {
		body, err := in.reader(x, mostGitRequest)
		if err != nil {
			return err
		}
		sent, err := s.git.Upload(ctx, q, body, w)
		x.everyday = err == nil && !sent
		return err
	})
}

func (s *server) gitReceivePack(ctx context.Context, in *gitServiceInput) (*gitOutput, error) {
	return s.answerGit(ctx, in.ProjectID, in.version, git.ReceivePack+"-result", func(x *exchange, q git.Request, w *bufio.Writer) error {
		if _, err := s.Store.GetProject(ctx, x.user, in.ProjectID); err != nil {
			return err
		}
		done, err := place(ctx, s.imports)
		if err != nil {
			return err
		}
		defer done()
		body, err := in.reader(x, mostPush(&s.Options))
		if err != nil {
			return err
		}
		got, err := s.git.Receive(ctx, git.Push{Request: q, Limits: git.Limits{Pack: s.MaxImport, File: s.MaxFile}, Each: s.GitPush != PushTip, TempDir: s.TempDir,
			Check: func(ctx context.Context, head int64, changes []codeforge.FileChange) (git.Checked, error) {
				return s.checkPush(ctx, in.ProjectID, head, changes)
			}}, body, flushed{w, x}) // it tells of what goes on
		x.turnedDown, x.err = err == nil && got.Revisions == 0, got.Cause
		return err
	})
}

// What a push of several commits becomes.
const (
	PushEach = "each" // a revision for each
	PushTip  = "tip"  // one for the last
)

// mostPush is how much of a push is read: twice as much as is taken, so that git still reads why it is not.
func mostPush(o *Options) int64 { return 2 * o.MaxImport }

const pushFindings = 20 // that git shows

// checkPush looks at what changes make of the files of a revision, which must be the newest.
func (s *server) checkPush(ctx context.Context, projectID string, head int64, changes []codeforge.FileChange) (c git.Checked, err error) {
	revision, files, err := s.newestTree(ctx, projectID)
	if err != nil {
		return c, err
	}
	if revision != head {
		return c, codeforge.MovedError(revision, head)
	}
	for _, change := range changes {
		switch {
		case change.Delete:
			delete(files, change.Path)
		case change.Hash != "":
			files[change.Path] = codeforge.Blob{Hash: change.Hash, Size: change.Size}.Content()
		default:
			files[change.Path] = change.Content
		}
	}
	t, err := TreeOf(ctx, s.Store, caller(ctx), projectID, revision, filesOf(files))
	if err != nil {
		return c, err
	}
	r, err := s.check(ctx, t)
	if err != nil {
		return c, err
	}
	for _, d := range r.Diagnostics {
		if len(c.Findings) == pushFindings {
			c.Findings = append(c.Findings, fmt.Sprintf("... and %d more", len(r.Diagnostics)-pushFindings))
			break
		}
		c.Findings = append(c.Findings, strings.Join(strings.Fields(fmt.Sprintf("%s:%d:%d: %s: %s", d.File, d.Line, d.Column, d.Severity, d.Message)), " "))
	}
	c.Verified, c.Evidence, c.Lock = r.OK, r.Evidence, r.Lock
	return c, nil
}

// answerGit writes what run has to say to git, as it says it. What goes wrong before that is told by the status.
func (s *server) answerGit(ctx context.Context, projectID, version, media string, run func(*exchange, git.Request, *bufio.Writer) error) (*gitOutput, error) {
	x, _ := exchangeOf(ctx)
	if err := x.acquireBytes(pagedLoad); err != nil {
		x.writeGitError(err)
		return nil, nil
	}
	x.extend(time.Now().Add(gitTimeout))
	answer := &gitAnswer{pieces{x, time.Now().Add(gitTimeout)}, "application/x-" + media}
	w := bufio.NewWriterSize(answer, pieceBytes)
	q := git.Request{User: x.user, ProjectID: projectID, Protocol: version, Hold: x.acquireBytes}
	err := run(x, q, w)
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

// flushed sends what is written at once.
type flushed struct {
	*bufio.Writer
	x *exchange
}

func (f flushed) Write(b []byte) (int, error) {
	n, err := f.Writer.Write(b)
	if err == nil {
		err = f.Flush()
	}
	if err == nil {
		err = f.x.FlushError()
	}
	return n, err
}
