package evidence

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"codeforge"
	"codeforge/internal/npm"
	"codeforge/internal/npm/registrytest"
	"codeforge/internal/sandbox"
	"codeforge/internal/verify"
)

func TestMain(m *testing.M) {
	verify.RunChild()
	os.Exit(m.Run())
}

// bench is a ladder over a registry of its own.
type bench struct {
	*Ladder
	registry *registrytest.Registry
}

func newBench(t *testing.T) *bench {
	r := registrytest.New(t)
	opts := npm.Options{Dir: filepath.Join(t.TempDir(), "npm"), Registry: npm.Registry{URL: r.URL}}
	l := New(Options{Verifier: verify.NewVerifier(sandbox.Options{}), Packages: func(context.Context) (*npm.Client, error) { return npm.Open(opts) }})
	t.Cleanup(l.Close)
	return &bench{l, r}
}

func (b *bench) check(t *testing.T, files map[string]string) verify.Report {
	t.Helper()
	r, err := b.Check(t.Context(), "user", verify.Tree{Files: files})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// lines are the findings of a report, a line each.
func lines(r verify.Report) (out []string) {
	for _, d := range r.Diagnostics {
		out = append(out, fmt.Sprintf("%s:%d:%d %s: %s", d.File, d.Line, d.Column, d.Severity, d.Message))
	}
	return out
}

// What is wrong with packages stands in the manifest, at the line that asks for them.
func TestPackagesThatCannotBeHad(t *testing.T) {
	b := newBench(t)
	for _, name := range []string{"react", "zustand"} {
		b.registry.Publish(t, name, "1.2.0", registrytest.Version{Files: map[string]string{"index.js": "export {}"}})
	}
	b.registry.Publish(t, "needs-more", "1.0.0", registrytest.Version{Manifest: `{"dependencies":{"not-there":"1"}}`})
	manifest := func(deps string) map[string]string {
		return map[string]string{"package.json": "{\n  \"name\": \"x\",\n  \"dependencies\": {\n" + deps + "\n  }\n}\n", "src/a.ts": "export const a = 1"}
	}
	for name, c := range map[string]struct {
		files map[string]string
		want  []string
	}{
		"fine":         {manifest(`    "react": "^1.0.0"`), nil},
		"misspelt":     {manifest("    \"react\": \"^1.0.0\",\n    \"zustnd\": \"^1.0.0\""), []string{`package.json:5:5 error: there is no package zustnd; zustand was likely meant`}},
		"no version":   {manifest(`    "react": "^7.0.0"`), []string{`package.json:4:5 error: react has no version for ^7.0.0; its latest is 1.2.0`}},
		"of another":   {manifest(`    "needs-more": "^1.0.0"`), []string{`package.json:4:5 error: there is no package not-there`}},
		"git":          {manifest(`    "mine": "github:me/mine"`), []string{`package.json:4:5 warning: mine is asked for as`}},
		"of workspace": {map[string]string{"package.json": `{"workspaces":["parts/*"]}`, "parts/ui/package.json": "{\"name\":\"ui\",\"dependencies\":{\n\"reactt\": \"1\"}}"}, []string{`parts/ui/package.json:2:1 error: there is no package reactt; react was likely meant`}},
		"below":        {map[string]string{"web/package.json": `{"dependencies":{"reactt":"1"}}`, "web/a.ts": ""}, []string{`web/package.json:1:18 error: there is no package reactt; react was likely meant`}},
		"a bad lock":   {map[string]string{"package.json": `{"dependencies":{"react":"1"}}`, "package-lock.json": "{}x"}, []string{`package-lock.json:0:0 error: is no lock`}},
	} {
		t.Run(name, func(t *testing.T) {
			r := b.check(t, c.files)
			got := slices.DeleteFunc(lines(r), func(l string) bool { return !strings.Contains(l, "package") })
			if len(got) < len(c.want) || len(c.want) == 0 && len(got) > 0 {
				t.Fatalf("%q", got)
			}
			for _, want := range c.want {
				if !slices.ContainsFunc(got, func(l string) bool { return strings.HasPrefix(l, want) }) {
					t.Errorf("%q lacks %s", got, want)
				}
			}
			if failed := slices.ContainsFunc(c.want, func(l string) bool { return strings.Contains(l, " error: ") }); r.OK == failed {
				t.Errorf("ok %v", r.OK)
			}
		})
	}
}

// A registry that does not answer is no fault of the project, and is asked again later.
func TestRegistryAway(t *testing.T) {
	b := newBench(t)
	b.registry.Handle("react", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusBadRequest) })
	files := map[string]string{"package.json": `{"dependencies":{"react":"^1.0.0"}}`, "a.ts": "import 'react'"}
	if r := b.check(t, files); !r.OK {
		t.Errorf("%q", lines(r))
	}
}

// One user's resolving keeps no other one from theirs; of one user it is done one after the other, and not without end.
func TestResolvingTakesTurns(t *testing.T) {
	b := newBench(t)
	b.registry.Publish(t, "fast", "1.0.0", registrytest.Version{})
	asked, release := make(chan struct{}, 100), make(chan struct{})
	b.registry.Handle("slow", func(w http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		<-release
		http.Error(w, "no", http.StatusNotFound)
	})
	tree := func(deps string) verify.Tree {
		return verify.Tree{Files: map[string]string{"package.json": `{"dependencies":{` + deps + `}}`}}
	}
	ended := make(chan error, 100)
	check := func(ctx context.Context, user string, i int) {
		_, err := b.Check(ctx, user, tree(fmt.Sprintf(`"slow":"%d"`, i)))
		ended <- err
	}
	waiting, leave := context.WithCancel(t.Context())
	for i := range mostWaiting + 2 {
		go check(waiting, "one", i)
	}
	if err := <-ended; !codeforge.IsKind(err, codeforge.Unavailable) { // the one too many
		t.Errorf("%v", err)
	}
	<-asked
	if r, err := b.Check(t.Context(), "other", tree(`"fast":"1"`)); err != nil || !r.OK {
		t.Errorf("%v %q", err, lines(r))
	}
	leave()
	for range mostWaiting + 1 {
		<-ended
	}
	if len(asked) > 0 {
		t.Errorf("%d more asked at once", len(asked))
	}
	close(release)
	if r, err := b.Check(t.Context(), "one", tree(`"fast":"1"`)); err != nil || !r.OK {
		t.Errorf("%v %q", err, lines(r))
	}
}
