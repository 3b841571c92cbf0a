// Package github carries projects to repositories on GitHub and back. The token that opens them stays in this process's memory, and
// only for as long as the work takes: it is in no job, no log and no error.
package github

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	gh "github.com/google/go-github/v89/github"

	"codeforge"
)

// Options configure a [Service].
type Options struct {
	// URL is the address of the API; "": GitHub's own.
	URL string
	// Transport carries the requests; nil: the default one.
	Transport http.RoundTripper
}

// Service exports projects and finds archives of repositories. It is safe for concurrent use.
type Service struct {
	o      Options
	places chan struct{} // exports that run

	mu     sync.Mutex
	tokens map[string]string // by job
}

const (
	maxExports = 8                // at once in a process
	heldFor    = time.Minute      // a token, until its job takes it
	requestFor = 60 * time.Second // one request, at most
)

// New returns a service that holds no token.
func New(o Options) *Service {
	return &Service{o: o, places: make(chan struct{}, maxExports), tokens: map[string]string{}}
}

// Hold keeps a token for a job that is about to be submitted, until the job takes it, or a minute.
func (s *Service) Hold(jobID, token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens[jobID] = token
	time.AfterFunc(heldFor, func() { s.take(jobID) })
}

func (s *Service) take(jobID string) (token string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	token, ok = s.tokens[jobID]
	delete(s.tokens, jobID)
	return token, ok
}

// Input is what a job of an export is told: all but the token.
type Input struct {
	RepoName    string `json:"repo_name"`
	Owner       string `json:"owner,omitempty"` // "": whose the token is
	Description string `json:"description,omitempty"`
	Private     bool   `json:"private"` // of a repository that is made
	Existing    string `json:"existing,omitempty"`
	Message     string `json:"commit_message,omitempty"`
}

// What becomes of a repository that has commits which are not this project's.
const (
	Auto        = "auto"         // a fast-forward where the newest commit is an export of the same project, else a pull request
	FastForward = "fast_forward" // of its default branch
	PullRequest = "pull_request" // from a branch that is made
	Refuse      = "refuse"
)

// Result is what an export came to.
type Result struct {
	RepoURL        string  `json:"repo_url"`
	RepositoryURL  string  `json:"repository_url"`
	CloneURL       string  `json:"clone_url"`
	Owner          string  `json:"owner"`
	RepoName       string  `json:"repo_name"`
	Branch         string  `json:"branch"`
	DefaultBranch  string  `json:"default_branch"`
	CommitSHA      string  `json:"commit_sha"`
	PullRequestURL *string `json:"pull_request_url"`
	FilesExported  int     `json:"files_exported"`
	FilesPushed    int     `json:"files_pushed"`
	FilesUploaded  int     `json:"files_uploaded"`
	Created        bool    `json:"created"`
	Revision       int64   `json:"revision"`
	Summary        string  `json:"summary"`
}

// Run does the job of an export. Errors are [codeforge.Error]: Invalid for a token, a name or a repository that will not do, which
// its user can mend, External where GitHub does not work or asks to wait for longer than there is time.
func (s *Service) Run(ctx context.Context, task *codeforge.Task) (codeforge.Outcome, error) {
	token, ok := s.take(task.Job.ID)
	if !ok {
		return codeforge.Outcome{}, &codeforge.Error{Kind: codeforge.External, Details: map[string]any{"service": service},
			Message: "The server that had the token for GitHub stopped in the middle of the export, and nobody else has it: repeat the export, which uploads only what is missing"}
	}
	var in Input
	if err := json.Unmarshal(task.Job.Input, &in); err != nil {
		return codeforge.Outcome{}, err
	}
	select {
	case s.places <- struct{}{}:
		defer func() { <-s.places }()
	case <-ctx.Done():
		return codeforge.Outcome{}, context.Cause(ctx)
	}
	client, err := s.client(token)
	if err != nil {
		return codeforge.Outcome{}, err
	}
	e := &export{calls: calls{kind: kindOf(token), later: "repeat the export, which uploads only what is missing,"}, task: task, in: in, gh: client}
	res, err := e.run(ctx)
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return codeforge.Outcome{}, err
	}
	out, err := json.Marshal(res)
	return codeforge.Outcome{Status: codeforge.JobCompleted, Progress: 100, Result: out}, err
}

// client is one for a token.
func (s *Service) client(token string) (*gh.Client, error) {
	next := s.o.Transport
	if next == nil {
		next = http.DefaultTransport
	}
	opts := []gh.ClientOptionsFunc{gh.WithHTTPClient(&http.Client{Transport: &bearer{token, next}}), gh.WithUserAgent("codeforge"), gh.WithDisableRateLimitCheck()}
	if s.o.URL != "" {
		base := strings.TrimRight(s.o.URL, "/") + "/"
		opts = append(opts, gh.WithURLs(&base, nil))
	}
	return gh.NewClient(opts...)
}

// bearer adds a token to requests that go where the first one of a chain of redirects went, and to no other host.
type bearer struct {
	token string
	next  http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (b *bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	first := r
	for first.Response != nil && first.Response.Request != nil {
		first = first.Response.Request
	}
	ctx, cancel := context.WithTimeout(r.Context(), requestFor)
	r = r.Clone(ctx)
	if b.token != "" && r.URL.Host == first.URL.Host && r.URL.Scheme == first.URL.Scheme {
		r.Header.Set("Authorization", "Bearer "+b.token)
	} else {
		r.Header.Del("Authorization")
	}
	resp, err := b.next.RoundTrip(r)
	if err != nil {
		cancel()
		return nil, err
	}
	resp.Body = &bounded{resp.Body, cancel}
	return resp, nil
}

// bounded is a body whose time ends with it.
type bounded struct {
	io.ReadCloser
	cancel context.CancelFunc
}

// Close implements io.Closer.
func (b *bounded) Close() error {
	defer b.cancel()
	return b.ReadCloser.Close()
}

// archiveWait is how long a request waits for the address of an archive, limits of GitHub included.
const archiveWait = 30 * time.Second

// Archive returns the address of a repository's files as a tar.gz, at a branch, tag or commit ("": the default branch), and the names
// under which GitHub has it. The address is good for a few minutes, without a token.
func (s *Service) Archive(ctx context.Context, token, owner, repo, ref string) (address string, err error) {
	client, err := s.client(token)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, archiveWait)
	defer cancel()
	c := &calls{kind: kindOf(token), later: "repeat the import"}
	return call(ctx, c, "read the repository "+owner+"/"+repo, "contents=read", func() (string, *gh.Response, error) {
		u, resp, err := client.Repositories.GetArchiveLink(ctx, owner, repo, gh.Tarball, &gh.RepositoryContentGetOptions{Ref: ref}, 3)
		if err != nil || u == nil {
			return "", resp, err
		}
		return u.String(), resp, nil
	})
}
