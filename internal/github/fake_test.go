package github

import (
	"cmp"
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"sort"
	"strings"
	"sync"
	"testing"

	"codeforge/internal/git"
)

// operation is one of GitHub's published description: what may be asked, and how it is answered.
type operation struct {
	Method, Path                       string
	Statuses                           []int
	Properties, Required, Query, Items []string
}

// fake is GitHub's REST API over objects in memory, as far as exports use it. It refuses what the published description does not have, and
// answers as GitHub was seen to: 409 for an empty repository, 404 for what a token may not see, limits by 403 with Retry-After.
type fake struct {
	t   *testing.T
	ops []operation

	mu        sync.Mutex
	scopes    string // of the token; "-": the header is left out
	login     string
	repos     map[string]*repo // by owner/name
	orgs      map[string]bool
	refuse    func(method, path string) (status int, header http.Header, message string) // status 0: it is let through
	asked     map[string]int                                                             // by method and path template
	uploads   int                                                                        // of contents, by any way
	atOnce    int
	most      int
	tokens    map[string]bool
	archives  string // where archives of repositories lie; "": nowhere
	afterEach func()
}

type repo struct {
	owner, name, branch string
	private             bool
	protected           map[string]bool
	objects             map[string]object
	refs                map[string]string
	pulls               []map[string]any
}

// object is a blob, a tree (blobs by path, flat) or a commit.
type object struct {
	kind    string
	data    []byte
	tree    map[string]string
	message string
	parents []string
	root    string // the tree of a commit
}

func newFake(t *testing.T) *fake {
	f := &fake{t: t, login: "alice", scopes: "repo", repos: map[string]*repo{}, orgs: map[string]bool{"walkers": true}, asked: map[string]int{}, tokens: map[string]bool{}}
	text, err := os.ReadFile("testdata/operations.json")
	if err == nil {
		err = json.Unmarshal(text, &f.ops)
	}
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *fake) make(owner, name string) *repo {
	r := &repo{owner: owner, name: name, branch: "main", private: true, protected: map[string]bool{}, objects: map[string]object{}, refs: map[string]string{}}
	f.repos[owner+"/"+name] = r
	return r
}

// operationOf finds what a request asks, by the description.
func (f *fake) operationOf(r *http.Request) (op operation, at map[string]string) {
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	parts := strings.Split(strings.Trim(r.URL.EscapedPath(), "/"), "/")
	if parts[len(parts)-1] == "tarball" { // its words say that without a ref it is the default branch
		parts = append(parts, "")
	}
	for _, op := range f.ops {
		names := strings.Split(strings.Trim(op.Path, "/"), "/")
		at := map[string]string{}
		ok := op.Method == method && (len(names) == len(parts) || len(parts) > len(names) && (strings.HasSuffix(op.Path, "{path}") || strings.HasSuffix(op.Path, "{ref}")))
		for i := 0; ok && i < len(names); i++ {
			value := parts[i]
			if i == len(names)-1 {
				value = strings.Join(parts[i:], "/")
			}
			value, _ = url.PathUnescape(value)
			if name, is := strings.CutPrefix(names[i], "{"); is {
				at[strings.TrimSuffix(name, "}")] = value
			} else {
				ok = names[i] == value
			}
		}
		if ok {
			return op, at
		}
	}
	return op, nil
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	op, at := f.operationOf(r)
	if at == nil {
		f.t.Errorf("GitHub has no %s %s", r.Method, r.URL.Path)
		w.WriteHeader(http.StatusNotFound)
		return
	}
	in := map[string]any{}
	if len(body) > 0 {
		if err := json.Unmarshal(body, &in); err != nil {
			f.t.Errorf("%s %s: %v", r.Method, r.URL.Path, err)
		}
	}
	for name := range in {
		if !slices.Contains(op.Properties, name) {
			f.t.Errorf("%s %s has no property %s", op.Method, op.Path, name)
		}
	}
	for _, name := range op.Required {
		if _, ok := in[name]; !ok {
			f.t.Errorf("%s %s lacks %s", op.Method, op.Path, name)
		}
	}
	for name := range r.URL.Query() {
		if !slices.Contains(op.Query, name) {
			f.t.Errorf("%s %s has no parameter %s", op.Method, op.Path, name)
		}
	}
	f.mu.Lock()
	f.atOnce++
	f.most = max(f.most, f.atOnce)
	f.asked[r.Method+" "+op.Path]++
	f.tokens[r.Header.Get("Authorization")] = true
	refuse := f.refuse
	f.mu.Unlock()
	status, out := 0, any(nil)
	if refuse != nil {
		var header http.Header
		var message string
		if status, header, message = refuse(r.Method, op.Path); status != 0 {
			for name := range header {
				w.Header().Set(name, header.Get(name))
			}
			out = map[string]any{"message": message, "documentation_url": "https://docs.github.com/rest"}
		}
	}
	f.mu.Lock()
	if status == 0 {
		status, out = f.answer(w.Header(), r, op, at, in)
	}
	f.atOnce--
	after := f.afterEach
	f.mu.Unlock()
	if !slices.Contains(op.Statuses, status) && status < 500 && status != 401 && status != 403 && status != 404 && status != 429 {
		f.t.Errorf("%s %s never answers %d", op.Method, op.Path, status)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_ = json.NewEncoder(w).Encode(out)
	}
	if after != nil {
		after()
	}
}

func says(message string) map[string]any { return map[string]any{"message": message} }

func (f *fake) answer(h http.Header, r *http.Request, op operation, at map[string]string, in map[string]any) (int, any) {
	text := func(name string) string { s, _ := in[name].(string); return s }
	switch op.Path {
	case "/user":
		if f.scopes != "-" {
			h.Set("X-OAuth-Scopes", f.scopes)
		}
		return 200, map[string]any{"login": f.login}
	case "/user/repos", "/orgs/{org}/repos":
		owner := f.login
		if at["org"] != "" {
			owner = at["org"]
			if !f.orgs[owner] {
				return 404, says("Not Found")
			}
		}
		if f.repos[owner+"/"+text("name")] != nil {
			return 422, map[string]any{"message": "Repository creation failed.", "errors": []any{map[string]any{"message": "name already exists on this account"}}}
		}
		made := f.make(owner, text("name"))
		made.private, _ = in["private"].(bool)
		return 201, made.json()
	}
	p := f.repos[at["owner"]+"/"+at["repo"]]
	if p == nil {
		return 404, says("Not Found")
	}
	if op.Path == "/repos/{owner}/{repo}" {
		return 200, p.json()
	}
	if op.Path == "/repos/{owner}/{repo}/tarball/{ref}" {
		if p.private && r.Header.Get("Authorization") == "" || p.refs[cmp.Or(at["ref"], p.branch)] == "" {
			return 404, says("Not Found")
		}
		h.Set("Location", f.archives+"/"+p.owner+"/"+p.name+"/legacy.tar.gz/refs/heads/"+cmp.Or(at["ref"], p.branch))
		return 302, says("")
	}
	empty := len(p.refs) == 0
	if empty && strings.Contains(op.Path, "/git/") {
		return 409, says("Git Repository is empty.")
	}
	return f.git(p, r, op, at, in)
}

func (f *fake) git(p *repo, r *http.Request, op operation, at map[string]string, in map[string]any) (int, any) {
	text := func(name string) string { s, _ := in[name].(string); return s }
	ref := strings.TrimPrefix(at["ref"], "heads/")
	switch op.Path {
	case "/repos/{owner}/{repo}/contents/{path}":
		data, err := base64.StdEncoding.DecodeString(text("content"))
		if err != nil {
			return 422, says("content is not valid Base64")
		}
		blob := p.put(object{kind: "blob", data: data})
		f.uploads++
		tree := p.put(object{kind: "tree", tree: map[string]string{at["path"]: blob}})
		commit := p.put(object{kind: "commit", root: tree, message: text("message")})
		p.refs[p.branch] = commit
		return 201, map[string]any{"content": map[string]any{"sha": blob}, "commit": map[string]any{"sha": commit}}
	case "/repos/{owner}/{repo}/git/ref/{ref}":
		if p.refs[ref] == "" {
			return 404, says("Not Found")
		}
		return 200, p.ref(ref)
	case "/repos/{owner}/{repo}/git/refs":
		name := strings.TrimPrefix(text("ref"), "refs/heads/")
		if p.objects[text("sha")].kind != "commit" {
			return 422, says("Object does not exist")
		}
		if p.refs[name] != "" {
			return 422, says("Reference already exists")
		}
		p.refs[name] = text("sha")
		return 201, p.ref(name)
	case "/repos/{owner}/{repo}/git/refs/{ref}":
		force, _ := in["force"].(bool)
		switch {
		case p.objects[text("sha")].kind != "commit":
			return 422, says("Object does not exist")
		case p.protected[ref]:
			return 422, says("Changes must be made through a pull request.")
		case !force && !slices.Contains(p.objects[text("sha")].parents, p.refs[ref]):
			return 422, says("Update is not a fast forward")
		}
		p.refs[ref] = text("sha")
		return 200, p.ref(ref)
	case "/repos/{owner}/{repo}/git/blobs":
		data := []byte(text("content"))
		if text("encoding") == "base64" {
			data, _ = base64.StdEncoding.DecodeString(text("content"))
		}
		f.uploads++
		return 201, map[string]any{"sha": p.put(object{kind: "blob", data: data})}
	case "/repos/{owner}/{repo}/git/blobs/{file_sha}":
		if p.objects[at["file_sha"]].kind != "blob" {
			return 404, says("Not Found")
		}
		return 200, map[string]any{"sha": at["file_sha"]}
	case "/repos/{owner}/{repo}/git/trees":
		return f.makeTree(p, op, in)
	case "/repos/{owner}/{repo}/git/trees/{tree_sha}":
		entries := []any{}
		for path, sha := range p.objects[at["tree_sha"]].tree {
			entries = append(entries, map[string]any{"path": path, "mode": "100644", "type": "blob", "sha": sha})
		}
		return 200, map[string]any{"sha": at["tree_sha"], "tree": entries, "truncated": false}
	case "/repos/{owner}/{repo}/git/commits":
		c := object{kind: "commit", root: text("tree"), message: text("message")}
		list, _ := in["parents"].([]any)
		for _, parent := range list {
			c.parents = append(c.parents, parent.(string))
		}
		if p.objects[c.root].kind != "tree" {
			return 422, says("Tree SHA does not exist")
		}
		return 201, map[string]any{"sha": p.put(c)}
	case "/repos/{owner}/{repo}/git/commits/{commit_sha}":
		c := p.objects[at["commit_sha"]]
		parents := []any{}
		for _, sha := range c.parents {
			parents = append(parents, map[string]any{"sha": sha})
		}
		return 200, map[string]any{"sha": at["commit_sha"], "message": c.message, "tree": map[string]any{"sha": c.root}, "parents": parents}
	case "/repos/{owner}/{repo}/pulls":
		if r.Method == http.MethodPost {
			n := len(p.pulls) + 1
			p.pulls = append(p.pulls, map[string]any{"number": n, "html_url": fmt.Sprintf("https://github.test/%s/%s/pull/%d", p.owner, p.name, n), "ref": text("head")})
			return 201, map[string]any{"number": n, "html_url": p.pulls[n-1]["html_url"]}
		}
		open := []any{}
		for _, pull := range p.pulls {
			if r.URL.Query().Get("head") == p.owner+":"+pull["ref"].(string) {
				open = append(open, map[string]any{"number": pull["number"], "html_url": pull["html_url"]})
			}
		}
		return 200, open
	}
	f.t.Errorf("%s %s is not stood in for", op.Method, op.Path)
	return 500, says("")
}

func (f *fake) makeTree(p *repo, op operation, in map[string]any) (int, any) {
	tree := map[string]string{}
	if base, _ := in["base_tree"].(string); base != "" {
		if p.objects[base].kind != "tree" {
			return 422, says("base_tree does not exist")
		}
		maps.Copy(tree, p.objects[base].tree)
	}
	for _, e := range in["tree"].([]any) {
		entry := e.(map[string]any)
		for name := range entry {
			if !slices.Contains(op.Items, name) {
				f.t.Errorf("entries of trees have no %s", name)
			}
		}
		sha, _ := entry["sha"].(string)
		if content, ok := entry["content"].(string); ok {
			f.uploads++
			defer p.put(object{kind: "blob", data: []byte(content)}) // those of the same request are not there yet
			sha = git.BlobID([]byte(content))
		} else if p.objects[sha].kind != "blob" {
			return 422, says("tree.sha " + sha + " is not a valid blob")
		}
		tree[entry["path"].(string)] = sha
	}
	return 201, map[string]any{"sha": p.put(object{kind: "tree", tree: tree})}
}

// put stores an object under the id that git gives it; that of a commit is any.
func (p *repo) put(o object) string {
	id := ""
	switch o.kind {
	case "blob":
		id = git.BlobID(o.data)
	case "tree":
		var files []file
		for path, sha := range o.tree {
			files = append(files, file{path: path, sha: sha})
		}
		id, _ = treeID(files)
	default:
		id = fmt.Sprintf("%x", sha1.Sum(fmt.Appendf(nil, "%v %d", o, len(p.objects))))
	}
	p.objects[id] = o
	return id
}

func (p *repo) ref(name string) map[string]any {
	return map[string]any{"ref": "refs/heads/" + name, "object": map[string]any{"sha": p.refs[name], "type": "commit"}}
}

func (p *repo) json() map[string]any {
	return map[string]any{"name": p.name, "full_name": p.owner + "/" + p.name, "owner": map[string]any{"login": p.owner}, "default_branch": p.branch, "private": p.private,
		"html_url": "https://github.test/" + p.owner + "/" + p.name, "clone_url": "https://github.test/" + p.owner + "/" + p.name + ".git"}
}

// files are those of a branch, by path.
func (p *repo) files(branch string) map[string]string {
	out := map[string]string{}
	for path, sha := range p.objects[p.objects[p.refs[branch]].root].tree {
		out[path] = string(p.objects[sha].data)
	}
	return out
}

func (p *repo) history(branch string) (n int) {
	for sha := p.refs[branch]; sha != ""; n++ {
		c := p.objects[sha]
		sha = ""
		if len(c.parents) > 0 {
			sha = c.parents[0]
		}
	}
	return n
}

func paths(m map[string]string) string {
	var all []string
	for p := range m {
		all = append(all, p)
	}
	sort.Strings(all)
	return strings.Join(all, " ")
}

// recorded is an answer in memory.
type recorded struct {
	header http.Header
	status int
	data   strings.Builder
}

func (r *recorded) Header() http.Header         { return r.header }
func (r *recorded) WriteHeader(status int)      { r.status = status }
func (r *recorded) Write(b []byte) (int, error) { return r.data.Write(b) }
func (r *recorded) body() io.ReadCloser         { return io.NopCloser(strings.NewReader(r.data.String())) }
