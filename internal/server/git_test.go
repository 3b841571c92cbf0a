package server

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"codeforge"
)

// gitClient is the real git, as somebody uses it in a folder of the test.
type gitClient struct {
	t      *testing.T
	folder string
	env    []string
}

func newGitClient(t *testing.T) *gitClient {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Fatal("git judges these tests, and is not installed: ", err)
	}
	folder := t.TempDir()
	return &gitClient{t, folder, []string{"HOME=" + folder, "PATH=" + os.Getenv("PATH"), "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0", "LC_ALL=C",
		"GIT_AUTHOR_NAME=Ann", "GIT_AUTHOR_EMAIL=ann@example.com", "GIT_COMMITTER_NAME=Bea", "GIT_COMMITTER_EMAIL=bea@example.com"}}
}

// try runs git in a folder, "" the outer one, and returns all that it says.
func (g *gitClient) try(folder string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(g.t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "git", append([]string{"-C", filepath.Join(g.folder, folder), "-c", "init.defaultBranch=elsewhere", "-c", "core.autocrlf=false", "-c", "gc.auto=0"}, args...)...)
	cmd.Env = g.env
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// do is try for what must work.
func (g *gitClient) do(folder string, args ...string) string {
	g.t.Helper()
	out, err := g.try(folder, args...)
	if err != nil {
		g.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(out)
}

// fails wants git to refuse, with words that say why.
func (g *gitClient) fails(folder, words string, args ...string) string {
	g.t.Helper()
	out, err := g.try(folder, args...)
	if err == nil || !strings.Contains(out, words) {
		g.t.Fatalf("git %s: %v, want %q:\n%s", strings.Join(args, " "), err, words, out)
	}
	return out
}

// sound has git look at every object of a repository.
func (g *gitClient) sound(folder string) {
	g.t.Helper()
	if out := g.do(folder, "fsck", "--strict", "--full"); out != "" && !strings.HasPrefix(out, "notice: ") {
		g.t.Fatalf("git fsck of %s:\n%s", folder, out)
	}
}

// read is a file of a working tree.
func (g *gitClient) read(folder, path string) string {
	g.t.Helper()
	data, err := os.ReadFile(filepath.Join(g.folder, folder, path))
	if err != nil {
		g.t.Fatal(err)
	}
	return string(data)
}

// write puts a file into a working tree.
func (g *gitClient) write(folder, path, content string) {
	g.t.Helper()
	path = filepath.Join(g.folder, folder, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		g.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		g.t.Fatal(err)
	}
}

// commit commits all of a working tree.
func (g *gitClient) commit(folder, message string) string {
	g.t.Helper()
	g.do(folder, "add", "-A")
	g.do(folder, "commit", "-q", "--allow-empty", "-m", message)
	return g.do(folder, "rev-parse", "HEAD")
}

// repository is where git finds a project, with a token as password if there is one.
func (s *server) repository(project, token string) string {
	u, _ := url.Parse(s.URL())
	if token != "" {
		u.User = url.UserPassword("whoever", token)
	}
	return u.String() + "/v1/projects/" + project + ".git"
}

// put writes a file of a project, whatever bytes it has.
func (c caller) put(t *testing.T, project, path string, content []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, c.Base+"/v1/projects/"+project+"/files/"+path, bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/octet-stream")
	if c.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.Token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("put %s: %s", path, resp.Status)
	}
}

func (c caller) newProject(t *testing.T) string {
	t.Helper()
	var p codeforge.Project
	c.must(t, "POST", "/v1/projects/", object{"title": "Dog walkers"}, &p)
	return p.ID
}

// TestGitFetches has git clone and fetch on every store.
func TestGitFetches(t *testing.T) {
	t.Parallel()
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, args := open(t)
			args = append(args, "--supabase-url", p.url)
			s, g := serve(t, configured(t, args...)), newGitClient(t)
			token := p.token(t, alice)
			c := s.as(token)
			project := c.newProject(t)
			from := s.repository(project, token)

			// Of an empty project the branch is known.
			g.do("", "clone", "-q", from, "empty")
			if branch := g.do("empty", "symbolic-ref", "HEAD"); branch != "refs/heads/main" {
				t.Error("an empty project has the branch", branch)
			}

			picture := make([]byte, 200_000)
			rand.NewChaCha8([32]byte{1}).Read(picture)
			for path, content := range map[string][]byte{"DOGS.md": []byte("# Dogs\n"), "own/lib/a.ts": []byte("export {}\n"), "own/dog.png": picture, "empty.txt": nil} {
				c.put(t, project, path, content)
			}
			var job struct {
				ID string `json:"job_id"`
			}
			c.must(t, "POST", "/v1/run-agent", object{"project_id": project, "agent_type": "code", "input_context": object{"user_message": "a list of dogs"}}, &job)
			last := "0"
			if done, err := c.Stream(t.Context(), c.Base+"/v1/jobs/"+job.ID+"/stream", &last, func(kind string, _ []byte) (bool, error) { return kind == "complete" || kind == "error", nil }); !done {
				t.Fatal(err)
			}
			g.do("", "clone", "-q", from, "one")
			g.sound("one")
			if g.read("one", "own/dog.png") != string(picture) || g.read("one", "DOGS.md") != "# Dogs\n" || g.read("one", "empty.txt") != "" {
				t.Error("files are not as they were written")
			}
			if log := g.do("one", "log", "--format=%an <%ae> %cn %at=%ct|%(trailers:key=CodeForge-Job,valueonly)", "-1"); !strings.HasPrefix(log, "code <code@codeforge.invalid> code ") || !strings.HasSuffix(log, "|"+job.ID) {
				t.Error("the commit of a job is", log)
			}
			var revisions struct{ Total int }
			c.must(t, "GET", "/v1/projects/"+project+"/revisions", nil, &revisions)
			if n := g.do("one", "rev-list", "--count", "HEAD"); n != fmt.Sprint(revisions.Total) {
				t.Errorf("%s commits of %d revisions", n, revisions.Total)
			}

			// What is new is fetched, a file makes room for a folder of its name, and a folder for a file.
			var deleted object
			c.must(t, "DELETE", "/v1/projects/"+project+"/files/empty.txt", nil, &deleted)
			c.put(t, project, "empty.txt/now.ts", []byte("export {}\n"))
			c.must(t, "DELETE", "/v1/projects/"+project+"/files/own/lib/a.ts", nil, &deleted)
			c.put(t, project, "own/lib", []byte("a file\n"))
			g.do("one", "pull", "-q")
			g.sound("one")
			if g.read("one", "empty.txt/now.ts") != "export {}\n" || g.read("one", "own/lib") != "a file\n" {
				t.Error("the pull did not bring what is new")
			}
			tip := g.do("one", "rev-parse", "HEAD")

			// Every server and every version of the protocol has the same commits.
			for _, version := range []string{"0", "1", "2"} {
				g.do("", "-c", "protocol.version="+version, "clone", "-q", from, "v"+version)
				g.sound("v" + version)
				if got := g.do("v"+version, "rev-parse", "HEAD"); got != tip {
					t.Errorf("version %s: %s, want %s", version, got, tip)
				}
				g.do("v"+version, "-c", "protocol.version="+version, "reset", "-q", "--hard", "HEAD~2")
				g.do("v"+version, "-c", "protocol.version="+version, "pull", "-q")
			}
			g.do("", "clone", "-q", "--depth", "2", from, "shallow")
			if n := g.do("shallow", "rev-list", "--count", "HEAD"); n != "2" {
				t.Error("a clone of depth 2 has", n)
			}
			g.do("shallow", "fetch", "-q", "--unshallow")
			g.sound("shallow")
			if s.store.Name == sqliteStore {
				s.Close()
			}
			again := configured(t, args...)
			again.DataDir = s.cfg.DataDir
			if got := g.do("", "ls-remote", serve(t, again).repository(project, token), "refs/heads/main"); !strings.HasPrefix(got, tip) {
				t.Errorf("another server has %s, want %s", got, tip)
			}
		})
	}
}

// TestGitAsks has git come without a token, with a wrong one, with one of somebody else, and of little scope.
func TestGitAsks(t *testing.T) {
	t.Parallel()
	p, args := stores[sqliteStore](t)
	s, g := serve(t, configured(t, append(args, "--supabase-url", p.url)...)), newGitClient(t)
	c := s.as(p.token(t, alice))
	project := c.newProject(t)
	c.put(t, project, "a.ts", []byte("export {}\n"))
	g.fails("", "could not read Username", "clone", s.repository(project, ""), "none") // git would ask for one
	g.fails("", "Authentication failed", "clone", s.repository(project, "cf_wrong"), "wrong")
	g.fails("", "Project not found", "clone", s.repository(project, p.token(t, bob)), "bob")
	g.fails("", "Project not found", "clone", s.repository(codeforge.NewID(), c.Token), "nothing")
	g.fails("", "Invalid UUID format", "clone", s.repository("dogs", c.Token), "no-id")
	var token struct{ Token string }
	c.must(t, "POST", "/v1/tokens", object{"name": "reads", "scopes": []string{"read"}}, &token)
	g.do("", "clone", "-q", s.repository(project, token.Token), "read")
	status, text, h := s.as("").ask(t, "GET", "/v1/projects/"+project+".git/info/refs?service=git-upload-pack", nil)
	if status != http.StatusUnauthorized || h.Get("WWW-Authenticate") != `Basic realm="CodeForge", charset="UTF-8"` || !strings.HasPrefix(h.Get("Content-Type"), "text/plain") {
		t.Errorf("without a token: %d %s %v", status, text, h)
	}
	for path, want := range map[string]int{".git/info/refs": 400, ".git/info/refs?service=git-archive": 400, ".git/HEAD": 404, "/info/refs": 404, ".git/objects/info/packs": 404} {
		if status, text, _ := c.ask(t, "GET", "/v1/projects/"+project+path, nil); status != want {
			t.Errorf("%s: %d %s", path, status, text)
		}
	}
}

// TestGitManyClones has four clones go on at once while files are written: each is whole, at a state that there was.
func TestGitManyClones(t *testing.T) {
	t.Parallel()
	s, g := serve(t, configured(t)), newGitClient(t)
	c := s.as("")
	project := c.newProject(t)
	from := s.repository(project, "")
	g.do("", "init", "-q", "-b", "main", "w")
	noise := rand.NewChaCha8([32]byte{4})
	files, large := 200, 2
	if os.Getenv("CODEFORGE_SOAK") != "" {
		files, large = 1900, 8
	}
	for i := range files {
		g.write("w", fmt.Sprintf("src/%d/%d.txt", i%17, i), strings.Repeat(fmt.Sprintln("line of", i), 100))
	}
	for i := range large {
		data := make([]byte, 700_000)
		noise.Read(data)
		g.write("w", fmt.Sprintf("%d.bin", i), string(data))
	}
	first := g.commit("w", "Many files")
	g.do("w", "push", "-q", from, "main")
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			if out, err := g.try("", "clone", "-q", from, fmt.Sprint("clone", i)); err != nil {
				t.Error(out)
			}
		})
	}
	for i := range 5 {
		c.put(t, project, fmt.Sprintf("new%d.txt", i), []byte("new\n"))
	}
	all.Wait()
	for i := range 4 {
		clone := fmt.Sprint("clone", i)
		g.sound(clone)
		g.do(clone, "diff", "--quiet", first, "HEAD", "--", "src")
		g.do(clone, "pull", "-q")
		if g.read(clone, "new4.txt") != "new\n" || g.do(clone, "status", "--porcelain") != "" {
			t.Error("a clone is not whole")
		}
	}
}
