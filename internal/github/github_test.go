package github

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"codeforge"
	"codeforge/internal/git"
)

const token = "ghp_0123456789abcdefghijklmnopqrstuvwxyz"

// project is what is exported: contents by path; those that begin with a NUL are blobs.
type project map[string]string

func (p project) task(revision int64, in Input) *codeforge.Task {
	input, _ := json.Marshal(in)
	t := &codeforge.Task{Job: codeforge.Job{ID: codeforge.NewID(), Base: revision, Input: input, Agent: codeforge.Export},
		Project: codeforge.Project{ID: "0198c0de-0000-7000-8000-000000000001", Title: "Dog walkers", Description: "For walkers"},
		Report:  func(float64, ...codeforge.Event) {}}
	for _, path := range slices.Sorted(maps.Keys(p)) {
		f := codeforge.File{Path: path, Content: p[path]}
		if strings.HasPrefix(p[path], "\x00") {
			f = codeforge.File{Path: path, Size: int64(len(p[path]))}
			f.SetBlob(path) // whatever it is
		}
		t.Files = append(t.Files, f)
	}
	t.ReadBlob = func(_ context.Context, hash string) ([]byte, error) { return []byte(p[hash]), nil }
	return t
}

func (f *fake) export(p project, revision int64, in Input) (Result, error) {
	f.t.Helper()
	return f.exportWith(f.t.Context(), token, p, revision, in)
}

func (f *fake) exportWith(ctx context.Context, token string, p project, revision int64, in Input) (res Result, err error) {
	s := New(Options{URL: "http://github.test", Transport: transport{f}})
	task := p.task(revision, in)
	s.Hold(task.Job.ID, token)
	o, err := s.Run(ctx, task)
	if err == nil {
		err = json.Unmarshal(o.Result, &res)
	}
	if strings.Contains(fmt.Sprintf("%+v %s", err, o.Result), token) {
		f.t.Error("the token is told")
	}
	return res, err
}

func reason(err error) string {
	e, _ := err.(*codeforge.Error)
	if e == nil {
		return fmt.Sprint(err)
	}
	return fmt.Sprint(e.Details["field"], " ", e.Details["reason"], " ", e.Message)
}

var walkers = project{"README.md": "# Walkers\n", "src/app.ts": "export const a = 1\n", "src/app/[id]/page.tsx": "ü\r\n", "logo.png": "\x00png", "docs/same.md": "# Walkers\n"}

func TestNewRepository(t *testing.T) {
	f := newFake(t)
	res, err := f.export(walkers, 3, Input{RepoName: "walkers", Private: true})
	if err != nil {
		t.Fatal(err)
	}
	r := f.repos["alice/walkers"]
	if got := r.files("main"); !maps.Equal(got, walkers) || r.history("main") != 1 {
		t.Errorf("%d commits, %s", r.history("main"), paths(got))
	}
	if want := (Result{RepoURL: "https://github.test/alice/walkers", RepositoryURL: "https://github.test/alice/walkers", CloneURL: "https://github.test/alice/walkers.git", Owner: "alice", RepoName: "walkers",
		Branch: "main", DefaultBranch: "main", CommitSHA: r.refs["main"], FilesExported: 5, FilesPushed: 5, FilesUploaded: res.FilesUploaded, Created: true, Revision: 3, Summary: res.Summary}); res != want {
		t.Errorf("%+v", res)
	}
	if !f.tokens["Bearer "+token] || len(f.tokens) != 1 {
		t.Errorf("asked with %v", f.tokens)
	}

	// Again: there is nothing to do. Changed: the branch moves on, and what is gone is gone.
	uploads := f.uploads
	if res, err = f.export(walkers, 3, Input{RepoName: "walkers", Private: true}); err != nil || res.FilesPushed != 0 || res.CommitSHA != r.refs["main"] || f.uploads != uploads {
		t.Errorf("%+v %v, %d uploads", res, err, f.uploads-uploads)
	}
	next := maps.Clone(walkers)
	next["src/app.ts"] = "export const a = 2\n"
	delete(next, "docs/same.md")
	if res, err = f.export(next, 4, Input{RepoName: "walkers"}); err != nil || res.FilesPushed != 1 || f.uploads != uploads+1 || r.history("main") != 2 || !maps.Equal(r.files("main"), next) {
		t.Errorf("%+v %v, %d uploads, %d commits: %s", res, err, f.uploads-uploads, r.history("main"), paths(r.files("main")))
	}
}

// An empty repository that is there, with a branch of another name, is filled as well.
func TestEmptyRepository(t *testing.T) {
	f := newFake(t)
	f.make("alice", "walkers").branch = "trunk"
	res, err := f.export(walkers, 1, Input{RepoName: "walkers"})
	if r := f.repos["alice/walkers"]; err != nil || res.Created || res.Branch != "trunk" || !maps.Equal(r.files("trunk"), walkers) || r.history("trunk") != 1 {
		t.Errorf("%+v %v", res, err)
	}
}

// What others put into a repository stays, and the project comes as a pull request; once, however often it is exported.
func TestRepositoryOfOthers(t *testing.T) {
	f := newFake(t)
	r := f.make("walkers", "app")
	f.git(r, nil, operation{Path: "/repos/{owner}/{repo}/contents/{path}"}, map[string]string{"path": "LICENSE"}, map[string]any{"content": "TUlUCg==", "message": "Begin"})
	tip := r.refs["main"]
	var first Result
	for i := range 2 {
		res, err := f.export(walkers, 7, Input{Owner: "walkers", RepoName: "app"})
		if err != nil || res.Branch != "codeforge/revision-7" || res.PullRequestURL == nil || r.refs["main"] != tip || len(r.pulls) != 1 {
			t.Fatalf("%+v %v, %d pull requests", res, err, len(r.pulls))
		}
		if first = res; i == 1 && (first.CommitSHA != res.CommitSHA || r.history("codeforge/revision-7") != 2) {
			t.Errorf("%+v, then %+v", first, res)
		}
	}
	if got := r.files("codeforge/revision-7"); got["LICENSE"] != "MIT\n" || len(got) != len(walkers)+1 {
		t.Error(paths(got))
	}
	if _, err := f.export(walkers, 7, Input{Owner: "walkers", RepoName: "app", Existing: Refuse}); !codeforge.IsKind(err, codeforge.Conflict) {
		t.Error(err)
	}
	if res, err := f.export(walkers, 8, Input{Owner: "walkers", RepoName: "app", Existing: FastForward}); err != nil || res.Branch != "main" || r.history("main") != 2 || r.files("main")["LICENSE"] == "" {
		t.Errorf("%+v %v", res, err)
	}
	// By now the newest commit is ours, but the branch is protected.
	r.protected["main"] = true
	if res, err := f.export(project{"a": "b"}, 9, Input{Owner: "walkers", RepoName: "app"}); err != nil || res.PullRequestURL == nil || res.Branch != "codeforge/revision-9" {
		t.Errorf("%+v %v", res, err)
	}
}

// An export that is cut off anywhere is repeated, and then sends what is missing alone.
func TestCutOff(t *testing.T) {
	big := project{}
	for i := range 30 {
		big[fmt.Sprintf("files/%02d.bin", i)] = fmt.Sprintf("\x00%d", i)
		big[fmt.Sprintf("texts/%02d.txt", i)] = fmt.Sprintf("text %d", i)
	}
	for after := 1; ; after += 9 {
		f := newFake(t)
		ctx, cancel := context.WithCancel(t.Context())
		n := 0
		f.afterEach = func() {
			f.mu.Lock()
			defer f.mu.Unlock()
			if n++; n == after {
				cancel()
			}
		}
		_, err := f.exportWith(ctx, token, big, 1, Input{RepoName: "big"})
		done := err == nil
		if !done && ctx.Err() == nil {
			t.Fatal(err)
		}
		cancel()
		f.mu.Lock()
		f.afterEach = nil
		there, had := map[string]bool{}, 0
		if r := f.repos["alice/big"]; r != nil {
			for id, o := range r.objects {
				there[id] = o.kind == "blob"
			}
		}
		for _, text := range big {
			if there[git.BlobID([]byte(text))] {
				had++
			}
		}
		before := f.uploads
		f.mu.Unlock()
		if _, err := f.export(big, 1, Input{RepoName: "big"}); err != nil {
			t.Fatalf("after %d requests: %v", after, err)
		}
		r := f.repos["alice/big"]
		if !maps.Equal(r.files(r.branch), big) && len(r.pulls) == 0 {
			t.Errorf("after %d requests: %s", after, paths(r.files(r.branch)))
		}
		if sent := f.uploads - before; had > 1 && sent > len(big)-had {
			t.Errorf("after %d requests GitHub had %d of %d files, and %d were sent", after, had, len(big), sent)
		}
		if done {
			return
		}
	}
}

func TestRefusals(t *testing.T) {
	deny := func(method, path string, status int, header map[string]string, message string) func(string, string) (int, http.Header, string) {
		h := http.Header{}
		for name, value := range header {
			h.Set(name, value)
		}
		return func(m, p string) (int, http.Header, string) {
			if m == method && p == path {
				return status, h, message
			}
			return 0, nil, ""
		}
	}
	const blobs, trees = "/repos/{owner}/{repo}/git/blobs", "/repos/{owner}/{repo}/git/trees"
	for _, c := range []struct {
		name, token, scopes string
		in                  Input
		files               project
		refuse              func(string, string) (int, http.Header, string)
		kind                codeforge.Kind
		words               string
	}{
		{name: "wrong token", refuse: deny("GET", "/user", 401, nil, "Bad credentials"), kind: codeforge.Invalid, words: "github_token is not accepted"},
		{name: "no scope", scopes: "gist, read:user", in: Input{Private: true}, kind: codeforge.Invalid, words: "lacks the scope repo (it has: gist, read:user)"},
		{name: "public only", scopes: "public_repo", in: Input{Private: true}, kind: codeforge.Invalid, words: "lacks the scope repo"},
		{name: "workflows", files: project{".github/workflows/ci.yml": "on: push"}, kind: codeforge.Invalid, words: "scope workflow"},
		{name: "fine-grained", token: "github_pat_11ABC", scopes: "-", refuse: deny("POST", "/user/repos", 403, map[string]string{"X-Accepted-GitHub-Permissions": "administration=write"}, "Resource not accessible by personal access token"),
			kind: codeforge.Invalid, words: "the fine-grained token lacks the permission administration=write"},
		{name: "fine-grained contents", token: "github_pat_11ABC", scopes: "-", refuse: deny("POST", trees, 403, nil, "Resource not accessible by personal access token"), kind: codeforge.Invalid, words: "contents=write"},
		{name: "app without owner", token: "ghs_abc", scopes: "-", refuse: deny("GET", "/user", 403, nil, "Resource not accessible by integration"), kind: codeforge.Invalid, words: "owner must name"},
		{name: "single sign-on", in: Input{Owner: "walkers"}, refuse: deny("POST", "/orgs/{org}/repos", 403, map[string]string{"X-GitHub-SSO": "required; url=https://github.test/sso"}, "Resource protected by organization SAML enforcement."),
			kind: codeforge.Invalid, words: "single sign-on"},
		{name: "no such organization", in: Input{Owner: "nobody"}, kind: codeforge.Invalid, words: "there is no such thing, or the classic token lacks the scope repo"},
		{name: "no files", files: project{}, kind: codeforge.Conflict, words: "no files"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFake(t)
			if c.scopes != "" {
				f.scopes = c.scopes
			}
			f.refuse = c.refuse
			if c.token == "" {
				c.token = token
			}
			if c.files == nil {
				c.files = walkers
			}
			c.in.RepoName = "walkers"
			_, err := f.exportWith(t.Context(), c.token, c.files, 1, c.in)
			if !codeforge.IsKind(err, c.kind) || !strings.Contains(reason(err), c.words) {
				t.Errorf("%s", reason(err))
			}
		})
	}
	_, err := New(Options{}).Run(t.Context(), walkers.task(1, Input{}))
	if !codeforge.IsKind(err, codeforge.External) || !strings.Contains(err.Error(), "repeat the export") {
		t.Errorf("without the token: %v", err)
	}
}

// transport answers without a network, so that waits pass in no time.
type transport struct{ http.Handler }

func (h transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		r.Body = http.NoBody
	}
	w := &recorded{header: http.Header{}, status: 200}
	h.ServeHTTP(w, r)
	return &http.Response{StatusCode: w.status, Status: http.StatusText(w.status), Header: w.header, Body: w.body(), Request: r, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}, nil
}

// TestArchiveInTrouble: an import that does not reach GitHub says so in words of an import, within the time that a request has.
func TestArchiveInTrouble(t *testing.T) {
	for words, refuse := range map[string]func(string, string) (int, http.Header, string){
		"does not work at the moment (502): repeat the import later": func(string, string) (int, http.Header, string) { return 502, nil, "" },
		"asks to wait for 1h0m0s, which is longer than there is time: repeat the import then": func(string, string) (int, http.Header, string) {
			return 429, http.Header{"Retry-After": {"3600"}}, "slow down"
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake(t)
			f.refuse = refuse
			began := time.Now()
			_, err := New(Options{URL: "http://github.test", Transport: transport{f}}).Archive(t.Context(), "", "dog", "walkers", "")
			if !codeforge.IsKind(err, codeforge.External) || !strings.Contains(err.Error(), words) || time.Since(began) > archiveWait {
				t.Errorf("%v after %v, want %q", err, time.Since(began), words)
			}
		})
	}
}

// Limits are waited for as long as GitHub says, and as long as there is time.
func TestLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		refused := map[string]int{}
		f.refuse = func(m, p string) (int, http.Header, string) {
			f.mu.Lock()
			defer f.mu.Unlock()
			refused[m+p]++
			switch n := refused[m+p]; {
			case strings.HasSuffix(p, "/git/blobs") && m == "POST" && n == 1:
				return 403, http.Header{"Retry-After": {"30"}}, "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
			case strings.HasSuffix(p, "/git/trees") && n == 1:
				return 429, http.Header{"Retry-After": {"7"}}, "slow down"
			case strings.HasSuffix(p, "/git/commits") && n <= 2:
				return 502, nil, "Server Error"
			}
			return 0, nil, ""
		}
		run := func(ctx context.Context) error {
			s := New(Options{URL: "http://github.test", Transport: transport{f}})
			task := walkers.task(1, Input{RepoName: "walkers"})
			s.Hold(task.Job.ID, token)
			_, err := s.Run(ctx, task)
			return err
		}
		began := time.Now()
		if err := run(t.Context()); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took < 37*time.Second || took > 45*time.Second {
			t.Errorf("it took %v", took)
		}
		clear(refused)
		clear(f.repos)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		began = time.Now()
		err := run(ctx)
		if e, _ := err.(*codeforge.Error); e == nil || e.Kind != codeforge.External || e.RetryAfter != 30*time.Second || time.Since(began) > time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		// That GitHub is down is not the fault of a token, of a GitHub App either.
		f.refuse = func(_, p string) (int, http.Header, string) {
			if p == "/user" {
				return 503, nil, "Unavailable"
			}
			return 0, nil, ""
		}
		s := New(Options{URL: "http://github.test", Transport: transport{f}})
		task := walkers.task(1, Input{RepoName: "walkers"})
		s.Hold(task.Job.ID, "ghs_of_an_app")
		if _, err := s.Run(t.Context(), task); !codeforge.IsKind(err, codeforge.External) {
			t.Error(err)
		}
		synctest.Wait()
	})
}

// Many files go in few requests, several at a time.
func TestManyFiles(t *testing.T) {
	f := newFake(t)
	many := project{}
	for i := range 2_000 {
		many[fmt.Sprintf("src/%d/file%d.ts", i%37, i)] = fmt.Sprintf("export const n = %d\n", i)
	}
	for i := range 40 {
		many[fmt.Sprintf("img/%d.png", i)] = fmt.Sprintf("\x00%d", i)
	}
	second := make(chan struct{})
	var blobs atomic.Int64
	f.refuse = func(method, path string) (int, http.Header, string) {
		if method == http.MethodPost && strings.HasSuffix(path, "/git/blobs") {
			switch blobs.Add(1) {
			case 1:
				<-second // it is answered when another one is on its way
			case 2:
				close(second)
			}
		}
		return 0, nil, ""
	}
	if _, err := f.export(many, 1, Input{RepoName: "many"}); err != nil || !maps.Equal(f.repos["alice/many"].files("main"), many) {
		t.Error(err)
	}
	total := 0
	for _, n := range f.asked {
		total += n
	}
	if total > 60 || f.most > uploads {
		t.Errorf("%d requests, %d at once: %v", total, f.most, f.asked)
	}
}

// Names of objects are git's.
func TestAsGit(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("there is no git")
	}
	dir := t.TempDir()
	run := func(args ...string) string {
		c := exec.Command("git", args...)
		c.Dir = dir
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %v %s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	run("init", "-q")
	var files []file
	for _, path := range []string{"a.txt", "a/b.txt", "a-b", "a.b/c", "ab", "z/y/x", "z/y.txt", "ä/ö"} {
		text := "text of " + path
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(path)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, path), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		files = append(files, file{path: path, sha: git.BlobID([]byte(text))})
	}
	run("add", ".")
	if got, err := treeID(files); err != nil || got != run("write-tree") {
		t.Errorf("%s %v, git says otherwise", got, err)
	}
}
