package types

import (
	"fmt"
	"slices"
	"testing"

	"codeforge/internal/npm"
	"codeforge/internal/npm/registrytest"
)

// Of more packages than the bound only those beyond it do not come.
func TestPackagesBeyondTheBound(t *testing.T) {
	r := registrytest.New(t)
	client, err := npm.Open(npm.Options{Dir: t.TempDir(), Registry: npm.Registry{URL: r.URL}})
	if err != nil {
		t.Fatal(err)
	}
	needs := ""
	for i, name := range []string{"d", "c", "b", "a"} { // each names the next
		r.Publish(t, name, "1.0.0", registrytest.Version{Manifest: fmt.Sprintf(`{"dependencies":{%s}}`, needs), Files: map[string]string{"index.d.ts": []string{"export {}", "import 'd'", "import 'c'", "import 'b'"}[i]}})
		needs = fmt.Sprintf("%q:%q", name, "1")
	}
	lock, problems, err := client.Resolve(t.Context(), npm.Project{Manifests: map[string][]byte{"package.json": []byte(`{"dependencies":{"a":"1"}}`)}})
	if err != nil || len(problems) > 0 {
		t.Fatal(err, problems)
	}
	p := newPackages(client, lock.Bytes())
	p.most = 3
	if err := p.reach(t.Context(), &useCache{}, []string{"node_modules/a"}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "b", "c", "d"} {
		if _, had := p.read("node_modules/" + name + "/package.json"); had != (name != "d") {
			t.Errorf("%s is at hand: %v", name, had)
		}
	}
	if !slices.Equal(p.lost, []string{"more than 3 packages are needed"}) {
		t.Errorf("%q", p.lost)
	}
}
