package github

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	gh "github.com/google/go-github/v89/github"
	"golang.org/x/sync/errgroup"

	"codeforge"
	"codeforge/internal/evidence"
	"codeforge/internal/git"
)

const (
	uploads     = 6         // blobs that are on their way at once
	treeEntries = 500       // in one request
	treeBytes   = 2_000_000 // of texts in one request
	inlineBytes = 200_000   // a longer text is a blob of its own
	mostAsked   = 2_000     // files of which GitHub is asked whether it has them
)

// The trailers of a commit by which an export knows its own.
const (
	projectTrailer  = "CodeForge-Project: "
	revisionTrailer = "CodeForge-Revision: "
)

// export is one on its way.
type export struct {
	calls
	task *codeforge.Task
	in   Input
	gh   *gh.Client

	owner, name string // as GitHub has them
	created     bool
	files       []file
	uploaded    int
}

// report tells whoever watches what is being done.
func (e *export) report(progress float64, doing string) {
	data, _ := json.Marshal(codeforge.StageData{Stage: codeforge.Export, Status: "started", Title: doing}) // texts always marshal
	e.task.Report(progress, codeforge.Event{Type: codeforge.EventStage, Data: data})
}

func (e *export) run(ctx context.Context) (*Result, error) {
	e.waits = func(d time.Duration) {
		e.report(-1, fmt.Sprintf("GitHub asks to wait for %s", d.Round(time.Second)))
	}
	if err := e.prepare(); err != nil {
		return nil, err
	}
	repo, err := e.repository(ctx)
	if err != nil {
		return nil, err
	}
	e.report(20, "Looking at the repository")
	def := cmp.Or(repo.GetDefaultBranch(), "main")
	res := &Result{RepoURL: repo.GetHTMLURL(), RepositoryURL: repo.GetHTMLURL(), CloneURL: repo.GetCloneURL(), Owner: e.owner, RepoName: e.name, Branch: def, DefaultBranch: def,
		FilesExported: len(e.files), Created: e.created, Revision: e.task.Job.Base}
	tip, err := e.tip(ctx, def)
	if err != nil {
		return nil, err
	}
	if tip == nil {
		err = e.first(ctx, res)
	} else {
		err = e.onto(ctx, res, tip)
	}
	if err != nil {
		return nil, err
	}
	res.FilesUploaded = e.uploaded
	res.Summary = fmt.Sprintf("Revision %d is in %s/%s on the branch %s.", res.Revision, e.owner, e.name, res.Branch)
	if res.PullRequestURL != nil {
		res.Summary += " A pull request is open: " + *res.PullRequestURL
	}
	return res, nil
}

// prepare makes of the project's files what git would.
func (e *export) prepare() error {
	add := func(path, text, hash string, size int64) {
		f := file{path: path, text: text, hash: hash, size: size}
		if hash == "" {
			f.sha, f.size = git.BlobID([]byte(text)), int64(len(text))
		}
		e.files = append(e.files, f)
	}
	paths := map[string]bool{}
	for _, f := range e.task.Files {
		paths[f.Path] = true
		add(f.Path, f.Content, f.Hash, f.Size)
	}
	for path, text := range evidence.SplitLock(maps.Keys(paths), e.task.Lock) {
		if !paths[path] {
			add(path, string(text), "", 0)
		}
	}
	if len(e.files) == 0 {
		return codeforge.Conflictf("The project has no files: there is nothing to export")
	}
	slices.SortFunc(e.files, func(a, b file) int { return strings.Compare(a.path, b.path) })
	return nil
}

// repository finds the repository, or makes it.
func (e *export) repository(ctx context.Context) (*gh.Repository, error) {
	login := e.in.Owner
	if e.kind != app || login == "" {
		user, err := call(ctx, &e.calls, "read whose it is", "metadata=read", func() (*gh.User, *gh.Response, error) {
			u, resp, err := e.gh.Users.Get(ctx, "")
			if err == nil && resp != nil {
				if scopes, ok := resp.Header[http.CanonicalHeaderKey("X-OAuth-Scopes")]; ok && e.kind == classic {
					e.scopes = splitScopes(strings.Join(scopes, ","))
				}
			}
			return u, resp, err
		})
		if e.kind == app && codeforge.IsKind(err, codeforge.Invalid) {
			return nil, codeforge.InvalidField("owner", "must name the account of the repository: the token of a GitHub App belongs to no user")
		}
		if err != nil {
			return nil, err
		}
		login = user.GetLogin()
	}
	if err := e.hasScopes(); err != nil {
		return nil, err
	}
	e.owner, e.name = cmp.Or(e.in.Owner, login), e.in.RepoName
	repo, err := call(ctx, &e.calls, "read the repository "+e.owner+"/"+e.name, "metadata=read", func() (*gh.Repository, *gh.Response, error) {
		r, resp, err := e.gh.Repositories.Get(ctx, e.owner, e.name)
		if status(resp, err) == http.StatusNotFound {
			return nil, resp, nil
		}
		return r, resp, err
	})
	if err != nil {
		return nil, err
	}
	if repo == nil {
		organization := ""
		if !strings.EqualFold(e.owner, login) {
			organization = e.owner
		}
		e.report(10, "Making the repository")
		e.created = true
		repo, err = call(ctx, &e.calls, "make the repository "+e.owner+"/"+e.name, "administration=write", func() (*gh.Repository, *gh.Response, error) {
			return e.gh.Repositories.Create(ctx, organization, &gh.Repository{Name: &e.name, Description: &e.in.Description, Private: &e.in.Private})
		})
		if err != nil {
			return nil, err
		}
	}
	if repo.GetArchived() {
		return nil, codeforge.Conflictf("The repository %s is archived on GitHub: it takes no commits", repo.GetFullName())
	}
	if owner := repo.GetOwner().GetLogin(); owner != "" { // it may have been renamed, or moved
		e.owner = owner
	}
	e.name = cmp.Or(repo.GetName(), e.name)
	return repo, nil
}

func splitScopes(header string) []string {
	scopes := []string{}
	for s := range strings.SplitSeq(header, ",") {
		if s = strings.TrimSpace(s); s != "" {
			scopes = append(scopes, s)
		}
	}
	return scopes
}

// hasScopes holds what a classic token says of itself against what is to be done, before anything is done.
func (e *export) hasScopes() error {
	if e.scopes == nil || slices.Contains(e.scopes, "repo") {
		if e.scopes != nil && !slices.Contains(e.scopes, "workflow") && slices.ContainsFunc(e.files, func(f file) bool { return strings.HasPrefix(f.path, ".github/workflows/") }) {
			return codeforge.InvalidField("github_token", "lacks the scope workflow, without which no files below .github/workflows can be written")
		}
		return nil
	}
	if !e.in.Private && slices.Contains(e.scopes, "public_repo") {
		return nil
	}
	return codeforge.InvalidField("github_token", "lacks the scope %s (it has: %s)", pick(e.in.Private, "repo", "public_repo"), cmp.Or(strings.Join(e.scopes, ", "), "none"))
}

// tip is the newest commit of a branch; nil: the repository is empty, or has not this branch.
func (e *export) tip(ctx context.Context, branch string) (*gh.Commit, error) {
	ref, err := e.ref(ctx, branch)
	if err != nil || ref == "" {
		return nil, err
	}
	return call(ctx, &e.calls, "read commits", "contents=read", func() (*gh.Commit, *gh.Response, error) {
		return e.gh.Git.GetCommit(ctx, e.owner, e.name, ref)
	})
}

// ref is the id of a branch's newest commit; "": there is none.
func (e *export) ref(ctx context.Context, branch string) (string, error) {
	return call(ctx, &e.calls, "read branches", "contents=read", func() (string, *gh.Response, error) {
		r, resp, err := e.gh.Git.GetRef(ctx, e.owner, e.name, "heads/"+branch)
		if code := status(resp, err); code == http.StatusConflict || code == http.StatusNotFound { // it is empty
			return "", resp, nil
		}
		return r.GetObject().GetSHA(), resp, err
	})
}

// first fills an empty repository. GitHub takes no blobs, trees or commits there until it has a commit: one with a single file is made by
// the API for contents, and the branch is then moved to the commit of the project, which has no parent.
func (e *export) first(ctx context.Context, res *Result) error {
	small := e.files[0]
	for _, f := range e.files {
		if f.hash == "" && f.size < small.size || small.hash != "" {
			small = f
		}
	}
	data, err := e.bytes(ctx, &small)
	if err != nil {
		return err
	}
	begun, err := call(ctx, &e.calls, "write to the repository", "contents=write", func() (string, *gh.Response, error) {
		r, resp, err := e.gh.Repositories.CreateFile(ctx, e.owner, e.name, escapePath(small.path), &gh.RepositoryContentFileOptions{Message: new("Begin"), Content: data})
		if err != nil {
			return "", resp, err
		}
		return r.Commit.GetSHA(), resp, nil
	})
	if err != nil {
		return err
	}
	branch, err := e.ref(ctx, res.Branch)
	if err != nil {
		return err
	}
	known := map[string]bool{small.sha: true}
	tree, err := e.tree(ctx, "", known)
	if err != nil {
		return err
	}
	sha, err := e.commit(ctx, tree, "")
	if err != nil {
		return err
	}
	if branch == "" { // the account calls its first branch otherwise
		err = e.create(ctx, res.Branch, sha)
	} else if err = e.update(ctx, res.Branch, sha, true); err != nil {
		// Where branches must not be forced, the project is the second commit.
		if sha, err = e.commit(ctx, tree, begun); err == nil {
			err = e.update(ctx, res.Branch, sha, false)
		}
	}
	res.CommitSHA, res.FilesPushed = sha, len(e.files)
	return err
}

// onto adds the project to a repository that has commits.
func (e *export) onto(ctx context.Context, res *Result, tip *gh.Commit) error {
	ours := strings.Contains(tip.GetMessage(), projectTrailer+e.task.Project.ID)
	if !ours && e.in.Existing == Refuse {
		return codeforge.Conflictf("The repository %s/%s has commits already: choose another name, or another value of on_existing", e.owner, e.name)
	}
	has, whole, err := e.treeOf(ctx, tip.GetTree().GetSHA())
	if err != nil {
		return err
	}
	// What others put there stays, unless all of it was an export of this project: then what is gone in the project is gone there.
	base := tip.GetTree().GetSHA()
	if ours {
		base = ""
	}
	known := map[string]bool{}
	changed := 0
	for _, sha := range has {
		known[sha] = true
	}
	for i := range e.files {
		if e.files[i].sha == "" { // a blob, whose name among git's is not known before its bytes are read
			if _, err := e.nameBlob(ctx, &e.files[i]); err != nil {
				return err
			}
		}
		if has[e.files[i].path] != e.files[i].sha {
			changed++
		}
	}
	if whole && changed == 0 && (!ours || len(has) == len(e.files)) {
		res.CommitSHA = tip.GetSHA()
		return nil
	}
	if !e.created {
		if err := e.findKnown(ctx, known); err != nil {
			return err
		}
	}
	tree, err := e.tree(ctx, base, known)
	if err != nil {
		return err
	}
	res.FilesPushed = changed
	if ours && e.in.Existing != PullRequest || e.in.Existing == FastForward {
		sha, err := e.commit(ctx, tree, tip.GetSHA())
		if err != nil {
			return err
		}
		if err = e.update(ctx, res.DefaultBranch, sha, false); err == nil {
			res.CommitSHA = sha
			return nil
		}
		if e.in.Existing == FastForward || !codeforge.IsKind(err, codeforge.Conflict) && !codeforge.IsKind(err, codeforge.Invalid) {
			return err
		}
		e.report(-1, "The branch is protected, or has moved on: a pull request instead")
	}
	return e.pullRequest(ctx, res, tree, tip.GetSHA())
}

// pullRequest puts the tree on a branch of its own, and asks for it to be merged. What an earlier export that was cut off left of it is used.
func (e *export) pullRequest(ctx context.Context, res *Result, tree, parent string) error {
	branch := fmt.Sprintf("codeforge/revision-%d", res.Revision)
	there, err := e.tip(ctx, branch)
	if err != nil {
		return err
	}
	if there != nil && there.GetTree().GetSHA() == tree && len(there.Parents) == 1 && there.Parents[0].GetSHA() == parent {
		res.CommitSHA = there.GetSHA()
	} else {
		if res.CommitSHA, err = e.commit(ctx, tree, parent); err != nil {
			return err
		}
		if there == nil {
			err = e.create(ctx, branch, res.CommitSHA)
		} else {
			err = e.update(ctx, branch, res.CommitSHA, true)
		}
		if err != nil {
			return err
		}
	}
	res.Branch = branch
	e.report(90, "Opening the pull request")
	title := fmt.Sprintf("%s: revision %d", e.task.Project.Title, res.Revision)
	address, err := call(ctx, &e.calls, "open a pull request", "pull_requests=write", func() (string, *gh.Response, error) {
		open, resp, err := e.gh.PullRequests.List(ctx, e.owner, e.name, &gh.PullRequestListOptions{State: "open", Head: e.owner + ":" + branch, Base: res.DefaultBranch})
		if err != nil || len(open) > 0 {
			if len(open) > 0 {
				return open[0].GetHTMLURL(), resp, nil
			}
			return "", resp, err
		}
		pr, resp, err := e.gh.PullRequests.Create(ctx, e.owner, e.name, &gh.NewPullRequest{Title: &title, Head: &branch, Base: &res.DefaultBranch, Body: new(e.task.Project.Description)})
		return pr.GetHTMLURL(), resp, err
	})
	if err == nil {
		res.PullRequestURL = &address
	}
	return err
}

// treeOf are the blobs of a tree by path; whole is false where GitHub does not list all of them.
func (e *export) treeOf(ctx context.Context, sha string) (has map[string]string, whole bool, err error) {
	t, err := call(ctx, &e.calls, "read files", "contents=read", func() (*gh.Tree, *gh.Response, error) {
		return e.gh.Git.GetTree(ctx, e.owner, e.name, sha, true)
	})
	if err != nil {
		return nil, false, err
	}
	has = map[string]string{}
	for _, entry := range t.Entries {
		if entry.GetType() == "blob" {
			has[entry.GetPath()] = entry.GetSHA()
		}
	}
	return has, !t.GetTruncated(), nil
}

// findKnown asks which of the files GitHub has, though no commit has them: those of an export that was cut off.
func (e *export) findKnown(ctx context.Context, known map[string]bool) error {
	var ask []string
	for _, f := range e.files {
		if !known[f.sha] {
			ask = append(ask, f.sha)
		}
	}
	if len(ask) > mostAsked { // then asking costs more than sending
		return nil
	}
	found := make([]bool, len(ask))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(uploads)
	for i, sha := range ask {
		g.Go(func() (err error) {
			found[i], err = call(ctx, &e.calls, "read files", "contents=read", func() (bool, *gh.Response, error) {
				req, err := e.gh.NewRequest(ctx, http.MethodHead, fmt.Sprintf("repos/%s/%s/git/blobs/%s", e.owner, e.name, sha), nil)
				if err != nil {
					return false, nil, err
				}
				resp, err := e.gh.Do(req, nil)
				if status(resp, err) == http.StatusNotFound {
					return false, resp, nil
				}
				return err == nil, resp, err
			})
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for i, sha := range ask {
		known[sha] = known[sha] || found[i]
	}
	return nil
}

// tree makes the tree of the project's files over another one ("": none). What is known is named; texts come with the request, all else
// before it.
func (e *export) tree(ctx context.Context, base string, known map[string]bool) (string, error) {
	if err := e.upload(ctx, known); err != nil {
		return "", err
	}
	e.report(70, "Making the commit")
	made := base
	for rest := e.files; len(rest) > 0; {
		var entries []*gh.TreeEntry
		var inline []string
		size := 0
		for len(rest) > 0 && len(entries) < treeEntries && size < treeBytes {
			f := rest[0]
			rest = rest[1:]
			entry := &gh.TreeEntry{Path: &f.path, Mode: new("100644"), Type: new("blob")}
			if known[f.sha] {
				entry.SHA = &f.sha
			} else {
				entry.Content = &f.text
				size += len(f.text)
				inline = append(inline, f.sha)
			}
			entries = append(entries, entry)
		}
		var err error
		if made, err = call(ctx, &e.calls, "write files", "contents=write", func() (string, *gh.Response, error) {
			t, resp, err := e.gh.Git.CreateTree(ctx, e.owner, e.name, made, entries)
			return t.GetSHA(), resp, err
		}); err != nil {
			return "", err
		}
		e.uploaded += len(inline)
		for _, sha := range inline {
			known[sha] = true
		}
	}
	if base != "" {
		return made, nil
	}
	switch want, err := treeID(e.files); {
	case err != nil:
		return "", err
	case made != want:
		return "", &codeforge.Error{Kind: codeforge.External, Message: "GitHub stored other files than it was given: repeat the export", Details: map[string]any{"service": service},
			Cause: fmt.Errorf("tree %s, want %s", made, want)}
	}
	return made, nil
}

// upload sends what cannot come with a tree, several at a time.
func (e *export) upload(ctx context.Context, known map[string]bool) error {
	g, within := errgroup.WithContext(ctx)
	g.SetLimit(uploads)
	for i := range e.files {
		f := &e.files[i]
		var data []byte // of a blob that was read to name it
		if f.sha == "" {
			var err error
			if data, err = e.nameBlob(ctx, f); err != nil {
				return errors.Join(err, g.Wait())
			}
		}
		if known[f.sha] || f.hash == "" && f.size <= inlineBytes {
			continue
		}
		known[f.sha] = true
		e.uploaded++
		g.Go(func() (err error) {
			if data == nil {
				if data, err = e.bytes(within, f); err != nil {
					return err
				}
			}
			_, err = call(within, &e.calls, "write files", "contents=write", func() (*gh.Blob, *gh.Response, error) {
				return e.gh.Git.CreateBlob(within, e.owner, e.name, gh.Blob{Content: new(base64.StdEncoding.EncodeToString(data)), Encoding: new("base64")})
			})
			return err
		})
	}
	return g.Wait()
}

// nameBlob finds git's name of what the project has by another hash, and returns the bytes.
func (e *export) nameBlob(ctx context.Context, f *file) ([]byte, error) {
	data, err := e.bytes(ctx, f)
	if err == nil {
		f.sha = git.BlobID(data)
	}
	return data, err
}

func (e *export) bytes(ctx context.Context, f *file) ([]byte, error) {
	if f.hash == "" {
		return []byte(f.text), nil
	}
	return e.task.ReadBlob(ctx, f.hash)
}

func (e *export) commit(ctx context.Context, tree, parent string) (string, error) {
	subject := cmp.Or(strings.TrimSpace(e.in.Message), fmt.Sprintf("%s: revision %d", e.task.Project.Title, e.task.Job.Base))
	c := gh.Commit{Message: new(fmt.Sprintf("%s\n\n%s%s\n%s%d", subject, projectTrailer, e.task.Project.ID, revisionTrailer, e.task.Job.Base)), Tree: &gh.Tree{SHA: &tree}}
	if parent != "" {
		c.Parents = []*gh.Commit{{SHA: &parent}}
	}
	return call(ctx, &e.calls, "make a commit", "contents=write", func() (string, *gh.Response, error) {
		made, resp, err := e.gh.Git.CreateCommit(ctx, e.owner, e.name, c, nil)
		return made.GetSHA(), resp, err
	})
}

func (e *export) create(ctx context.Context, branch, sha string) error {
	_, err := call(ctx, &e.calls, "make the branch "+branch, "contents=write", func() (*gh.Reference, *gh.Response, error) {
		return e.gh.Git.CreateRef(ctx, e.owner, e.name, gh.CreateRef{Ref: "refs/heads/" + branch, SHA: sha})
	})
	return err
}

func (e *export) update(ctx context.Context, branch, sha string, force bool) error {
	_, err := call(ctx, &e.calls, "move the branch "+branch, "contents=write", func() (*gh.Reference, *gh.Response, error) {
		return e.gh.Git.UpdateRef(ctx, e.owner, e.name, "heads/"+branch, gh.UpdateRef{SHA: sha, Force: &force})
	})
	return err
}
