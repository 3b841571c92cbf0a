package api

import (
	"context"
	"encoding/json"
	"regexp"
	"strings"

	"codeforge"
	"codeforge/internal/github"
)

// GitHub is what the routes need of whoever carries projects there and back.
type GitHub interface {
	// Hold keeps a token in this process for a job that is about to be submitted.
	Hold(jobID, token string)
	// Archive returns the address at which a repository's files lie as an archive for a few minutes.
	Archive(ctx context.Context, token, owner, repo, ref string) (address string, err error)
}

var errNoGitHub = &codeforge.Error{Kind: codeforge.Unsupported, Message: "This server does not reach GitHub"}

type gitHubExportRequest struct {
	RepoName    string `json:"repo_name" minLength:"1" maxLength:"100" pattern:"^[a-zA-Z0-9][a-zA-Z0-9._-]*$" patternDescription:"letters, digits, and . _ - within" example:"dog-walkers"`
	Owner       string `json:"owner,omitempty" maxLength:"100" pattern:"^[a-zA-Z0-9-]*$" patternDescription:"letters, digits and -" doc:"The organization or user whose repository it is. Left out: whose the token is."`
	Description string `json:"description,omitempty" maxLength:"350" default:"" doc:"Of a repository that is made."`
	Private     *bool  `json:"private,omitempty" doc:"Of a repository that is made. Left out: true."`
	Token       string `json:"github_token" minLength:"1" maxLength:"500" exact:"true" doc:"Classic (scope repo; public_repo for public ones), fine-grained (contents and pull requests: write; administration: write to make a repository) or of a GitHub App. It is kept in memory while the export runs, and nowhere else."`
	Existing    string `json:"on_existing,omitempty" enum:"auto,fast_forward,pull_request,refuse" default:"auto" doc:"Where the repository has commits. auto: the default branch moves on if its newest commit is an export of this project, else a branch and a pull request are made."`
	Message     string `json:"commit_message,omitempty" maxLength:"2000" doc:"Left out: the project's title and the revision."`
}

type gitHubExportInput struct {
	ProjectPath
	IdempotencyHeader
	Body gitHubExportRequest
}

// gitHubExport is the result of an export.
type gitHubExport struct {
	RepoURL        string  `json:"repo_url" format:"uri"`
	RepositoryURL  string  `json:"repository_url" format:"uri" doc:"The same."`
	CloneURL       string  `json:"clone_url" format:"uri"`
	Owner          string  `json:"owner"`
	RepoName       string  `json:"repo_name"`
	Branch         string  `json:"branch" doc:"Which the commit is on."`
	DefaultBranch  string  `json:"default_branch"`
	CommitSHA      string  `json:"commit_sha"`
	PullRequestURL *string `json:"pull_request_url" nullable:"true"`
	FilesExported  int     `json:"files_exported" doc:"How many files the commit has of the project."`
	FilesPushed    int     `json:"files_pushed" doc:"How many of them the repository did not have like this; 0: it had all, and there is no new commit."`
	FilesUploaded  int     `json:"files_uploaded" doc:"How many were sent: GitHub had the others, of this repository's past or of an export that was cut off."`
	Created        bool    `json:"created" doc:"The repository was made."`
	Revision       int64   `json:"revision" doc:"Of the project."`
	Summary        string  `json:"summary"`
}

func (s *server) exportGitHub(ctx context.Context, in *gitHubExportInput) (*resultOutput[gitHubExport], error) {
	if _, err := s.Store.GetProject(ctx, caller(ctx), in.ProjectID); err != nil {
		return nil, err
	}
	if s.GitHub == nil {
		return nil, errNoGitHub
	}
	b := &in.Body
	if err := checkToken(b.Token); err != nil {
		return nil, err
	}
	input, err := json.Marshal(github.Input{RepoName: b.RepoName, Owner: b.Owner, Description: b.Description, Private: b.Private == nil || *b.Private, Existing: b.Existing, Message: b.Message})
	if err != nil {
		return nil, err
	}
	x, _ := exchangeOf(ctx)
	x.names("repository", strings.TrimPrefix(b.Owner+"/"+b.RepoName, "/"))
	n := codeforge.NewJob{ID: codeforge.NewID(), ProjectID: in.ProjectID, Agent: codeforge.Export, Input: input, IdempotencyKey: in.Key, Here: true}
	s.GitHub.Hold(n.ID, b.Token)
	return answerByJob[gitHubExport](ctx, s, n)
}

// checkToken refuses what no header could carry.
func checkToken(token string) error {
	if unprintable(token) {
		return codeforge.InvalidField("github_token", "must be printable ASCII without blanks, as GitHub gives tokens")
	}
	return nil
}

type gitHubImportRequest struct {
	Repository string `json:"repository" minLength:"3" maxLength:"300" doc:"As owner/name, or its address." example:"dog/walkers"`
	Ref        string `json:"ref,omitempty" maxLength:"250" doc:"A branch, tag or commit. Left out: the default branch."`
	Token      string `json:"github_token,omitempty" maxLength:"500" exact:"true" doc:"For a private repository. It is used for this request, and kept nowhere."`
}

type gitHubImportInput struct {
	ProjectPath
	IfMatchHeader
	Mode string `query:"mode" enum:"merge,replace" default:"merge" doc:"What becomes of files that the repository does not have: with merge they stay, with replace they are deleted."`
	Body gitHubImportRequest
}

var (
	repositoryName = regexp.MustCompile(`^(?:https?://[^/]+/|git@[^:/]+:)?([A-Za-z0-9][A-Za-z0-9-]*)/([A-Za-z0-9._-]+?)(?:\.git)?/?$`)
	refName        = regexp.MustCompile(`^[A-Za-z0-9._/@+-]*$`)
)

func (s *server) importGitHub(ctx context.Context, in *gitHubImportInput) (*importOutput, error) {
	if _, err := s.Store.GetProject(ctx, caller(ctx), in.ProjectID); err != nil {
		return nil, err
	}
	if s.GitHub == nil {
		return nil, errNoGitHub
	}
	m := repositoryName.FindStringSubmatch(in.Body.Repository)
	if m == nil || m[2] == "." || m[2] == ".." {
		return nil, codeforge.InvalidField("repository", "must be owner/name, or the address of a repository on GitHub")
	}
	if !refName.MatchString(in.Body.Ref) || strings.Contains(in.Body.Ref, "..") {
		return nil, codeforge.InvalidField("ref", "must be the name of a branch or tag, or a commit")
	}
	if err := checkToken(in.Body.Token); err != nil {
		return nil, err
	}
	x, _ := exchangeOf(ctx)
	x.names("repository", m[1]+"/"+m[2])
	address, err := s.GitHub.Archive(ctx, in.Body.Token, m[1], m[2], in.Body.Ref)
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(map[string]string{"url": address})
	if err != nil {
		return nil, err
	}
	return s.importProject(ctx, &importInput{ProjectPath: in.ProjectPath, IfMatchHeader: in.IfMatchHeader, Mode: in.Mode, media: "application/json", body: strings.NewReader(string(body))})
}
