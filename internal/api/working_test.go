package api_test

import (
	"encoding/json"
	"strings"
	"testing"

	"codeforge"
	"codeforge/internal/api"
)

// wrote is the event of a file that a job wrote; no content: it deleted it.
func wrote(path string, content ...string) codeforge.Event {
	e := event(codeforge.EventFile, `{"path":"`+path+`"}`)
	e.File = &codeforge.FileChange{Path: path, Content: strings.Join(content, ""), Delete: content == nil}
	return e
}

type workingTree struct {
	Status   string
	Revision int64
	Count    int
	Files    []struct {
		Path, Language, Change string
		Size                   int64
		Content                *string
	}
	Deleted []string
}

// working reads a working tree, as "path change size" and -path.
func (k *kit) working(job string) (t workingTree, lines string) {
	k.Helper()
	a := k.call("GET", "/v1/jobs/"+job+"/files", "").want(200)
	if err := json.Unmarshal([]byte(a.Body), &t); err != nil {
		k.Fatal(err)
	}
	var list []string
	for _, f := range t.Files {
		if f.Content != nil {
			k.Errorf("a list with contents: %s", a.Body)
		}
		list = append(list, f.Path+" "+f.Change)
	}
	for _, path := range t.Deleted {
		list = append(list, "-"+path)
	}
	if t.Count != len(t.Files) {
		k.Errorf("count %d of %s", t.Count, a.Body)
	}
	return t, strings.Join(list, ", ")
}

// one is the content and the change of a file in a working tree.
func (k *kit) one(job, path string) string {
	k.Helper()
	var t workingTree
	a := k.call("GET", "/v1/jobs/"+job+"/files?path="+path, "")
	if a.Status != 200 {
		a.fails(404, "RESOURCE_NOT_FOUND")
		return ""
	}
	if err := json.Unmarshal([]byte(a.Body), &t); err != nil || len(t.Files) != 1 || t.Files[0].Content == nil || int64(len(*t.Files[0].Content)) != t.Files[0].Size {
		k.Fatal(err, a.Body)
	}
	return t.Files[0].Change + " " + *t.Files[0].Content
}

func TestWorkingTree(t *testing.T) {
	k := newKit(t, func(o *api.Options) { o.Preview = preview{} })
	project := k.project()
	k.file(project, "a.ts", "a\n")
	k.file(project, "ab.test.ts", "between")
	k.file(project, "b.ts", "b\n")
	job := k.job(project, "code")
	if tree, lines := k.working(job); lines != "a.ts none, ab.test.ts none, b.ts none" || tree.Status != "queued" {
		t.Errorf("before it begins: %s", lines)
	}
	f := k.claim(job)
	k.record(f, 20, wrote("src/new.ts", "1"), wrote("a.ts", "changed"), wrote("b.ts"))
	k.record(f, 30, wrote("src/new.ts", "12"), wrote("src/gone.ts", "x"), wrote("src/gone.ts"))
	tree, lines := k.working(job)
	if lines != "a.ts updated, ab.test.ts none, src/new.ts created, -b.ts" || tree.Revision != 3 || tree.Status != "running" || tree.Files[2].Language != "typescript" {
		t.Errorf("%s: %+v", lines, tree)
	}
	for path, want := range map[string]string{"a.ts": "updated changed", "ab.test.ts": "none between", "src/new.ts": "created 12", "b.ts": "", "src/gone.ts": "", "src/ne": "", "x": "", "%ff": "", "a.ts%00": ""} {
		if got := k.one(job, path); got != want {
			t.Errorf("%s is %q", path, got)
		}
	}
	if base := k.call("GET", "/v1/jobs/"+job, "").want(200).object()["base_revision"]; base != 3.0 {
		t.Errorf("it works on revision %v", base)
	}
	// Nothing of it is in the project, and what the project gets meanwhile is not in it.
	k.file(project, "later.ts", "x")
	if _, again := k.working(job); again != lines {
		t.Errorf("after a change by hand: %s", again)
	}
	if a := k.call("GET", "/v1/jobs/"+job+"/preview", "").want(200).object(); a["url"] != "http://"+job+"-job.example.com/" || a["revision"] != 3.0 {
		t.Errorf("%v", a)
	}
	k.keep(f, codeforge.FileChange{Path: "a.ts", Content: "merged"})
	k.finish(f, codeforge.Outcome{Status: codeforge.JobCompleted})
	if tree, _ := k.working(job); tree.Revision != 5 || k.one(job, "a.ts") != "none merged" {
		t.Errorf("at the end: %+v", tree)
	}
	failed := k.job(project, "code")
	f = k.claim(failed)
	k.record(f, 20, wrote("a.ts", "half done"))
	k.finish(f, codeforge.Outcome{Status: codeforge.JobFailed, Error: "x"})
	if tree, _ := k.working(failed); tree.Revision != 5 || k.one(failed, "a.ts") != "updated half done" {
		t.Errorf("a job that failed: %+v", tree)
	}
	for _, path := range []string{"/files", "/preview"} {
		k.call("GET", "/v1/jobs/"+job+path, "", "Authorization: Bearer bob").fails(404, "RESOURCE_NOT_FOUND")
		k.call("GET", "/v1/jobs/"+codeforge.NewID()+path, "").fails(404, "RESOURCE_NOT_FOUND")
	}
}

func TestWorkingTreeOfAnEmptyProject(t *testing.T) {
	k := newKit(t)
	project := k.project()
	job := k.job(project, "code")
	f := k.claim(job)
	k.file(project, "by-hand.ts", "x") // after the claim
	k.record(f, 20, wrote("a.ts", "1"))
	if _, lines := k.working(job); lines != "a.ts created" {
		t.Error(lines)
	}
	k.call("GET", "/v1/jobs/"+job+"/preview", "").fails(501, "NOT_SUPPORTED")
}

// What a job proposes is shown as its working tree, for as long as it is there.
func TestWorkingTreeOfAProposal(t *testing.T) {
	k := newKit(t)
	project := k.project()
	k.file(project, "a.ts", "a")
	k.file(project, "b.ts", "b")
	job := k.job(project, "code")
	f := k.claim(job)
	k.record(f, 20, wrote("a.ts", "draft"))
	k.finish(f, codeforge.Outcome{Status: codeforge.JobFailed, Error: "x", Proposal: &codeforge.NewProposal{Base: 2, Message: "m",
		Changes: []codeforge.FileChange{{Path: "a.ts", Content: "proposed"}, {Path: "b.ts", Delete: true}, {Path: "c.ts", Content: "new"}}}})
	k.file(project, "later.ts", "x")
	tree, lines := k.working(job)
	if lines != "a.ts updated, c.ts created, -b.ts" || tree.Revision != 2 || k.one(job, "a.ts") != "updated proposed" || k.one(job, "b.ts") != "" || k.one(job, "c.ts") != "created new" {
		t.Errorf("%s: %+v", lines, tree)
	}
	before, err := api.ReadWorkingTree(t.Context(), k.store, codeforge.User{ID: alice}, job)
	if err != nil {
		t.Fatal(err)
	}
	seen, err := before.Tree(t.Context())
	if files := seen.Files; err != nil || len(files) != 2 || files["a.ts"] != "proposed" || files["c.ts"] != "new" {
		t.Errorf("%v, %v", seen.Files, err)
	}
	if _, err := k.store.RejectProposal(t.Context(), codeforge.User{ID: alice}, job, nil); err != nil {
		t.Fatal(err)
	}
	after, err := api.ReadWorkingTree(t.Context(), k.store, codeforge.User{ID: alice}, job)
	if err != nil || after.Version() == before.Version() || k.one(job, "a.ts") != "updated draft" {
		t.Errorf("%v, versions %s and %s", err, before.Version(), after.Version())
	}
}
