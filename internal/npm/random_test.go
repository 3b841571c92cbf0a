package npm

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"codeforge/internal/npm/registrytest"
)

// TestAtRandomAsNPM compares trees of packages that need each other at random, peers and conflicts among them: npm and we
// ask one registry of ours. Where npm refuses, a conflict must be told.
func TestAtRandomAsNPM(t *testing.T) {
	rounds := 0
	if os.Getenv("CODEFORGE_NPM") != "" {
		rounds = 60
	}
	rounds, _ = strconv.Atoi(cmp.Or(os.Getenv("CODEFORGE_NPM_ROUNDS"), strconv.Itoa(rounds)))
	if _, err := exec.LookPath("npm"); err != nil && rounds > 0 {
		t.Skip("npm is not on this machine")
	}
	first, _ := strconv.ParseUint(cmp.Or(os.Getenv("CODEFORGE_NPM_SEED"), "1"), 10, 64)
	for seed := first; seed < first+uint64(max(rounds, 3)); seed++ {
		random := rand.New(rand.NewPCG(seed, 7))
		r := registrytest.New(t)
		names := publishAtRandom(t, r, random)
		p := project(manifestAtRandom(random, names, 4, true))
		lock, problems, err := open(t, Options{Registry: Registry{URL: r.URL}}).Resolve(t.Context(), p)
		if err != nil { // some nest without an end, in npm too
			if !strings.Contains(err.Error(), "nest") && !strings.Contains(err.Error(), "3000") {
				t.Errorf("seed %d: %v", seed, err)
			}
			continue
		}
		if rounds == 0 {
			continue // without npm: it ends, in a tree
		}
		dir := t.TempDir()
		write(t, filepath.Join(dir, "package.json"), string(p.Manifests["package.json"]))
		cmd := exec.CommandContext(t.Context(), "npm", "install", "--package-lock-only", "--ignore-scripts", "--no-audit", "--no-fund", "--registry", r.URL, "--cache", filepath.Join(dir, "cache"))
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		conflicts := strings.Contains(codes(problems), PeerConflict)
		switch refused := strings.Contains(string(out), "ERESOLVE"); {
		case err != nil && !refused:
			t.Errorf("seed %d: npm: %.1000s", seed, out)
		case (err != nil) != conflicts:
			t.Errorf("seed %d: npm refuses: %v, we: %v\n%s\n%.1500s", seed, err != nil, problems, p.Manifests["package.json"], out)
		case err == nil:
			text, err := os.ReadFile(filepath.Join(dir, "package-lock.json"))
			if err != nil {
				t.Fatal(err)
			}
			before := t.Failed()
			if compareLocks(t, lock, text); t.Failed() && !before {
				t.Logf("first at seed %d: %s", seed, p.Manifests["package.json"])
			}
		}
	}
}

func publishAtRandom(t *testing.T, r *registrytest.Registry, random *rand.Rand) []string {
	var names []string
	for i := range 10 {
		names = append(names, string(rune('a'+i)))
	}
	for _, name := range names {
		for _, v := range []string{"1.0.0", "1.1.0", "2.0.0", "3.0.0"} {
			manifest := "{}"
			if random.IntN(3) > 0 {
				manifest = manifestAtRandom(random, names, 3, false)
			}
			r.Publish(t, name, v, registrytest.Version{Manifest: manifest, Tarball: []byte("x" + name + v)})
		}
	}
	return names
}

func manifestAtRandom(random *rand.Rand, names []string, most int, root bool) string {
	ranges := []string{"^1.0.0", "^1.1.0", "^2.0.0", "^3.0.0", "1 || 2", ">=1", ">=2", "*", "1.0.0", "2 || 3"}
	lists := map[string]map[string]string{}
	meta := map[string]map[string]bool{}
	for range 1 + random.IntN(most) {
		kinds := []string{"dependencies", "dependencies", "dependencies", "peerDependencies", "optionalDependencies", "peerDependencies"}
		if root {
			kinds = []string{"dependencies", "dependencies", "devDependencies"}
		}
		kind, name := kinds[random.IntN(len(kinds))], names[random.IntN(len(names))]
		if lists[kind] == nil {
			lists[kind] = map[string]string{}
		}
		lists[kind][name] = ranges[random.IntN(len(ranges))]
		if kind == "peerDependencies" && random.IntN(3) == 0 {
			meta[name] = map[string]bool{"optional": true}
		}
	}
	out := map[string]any{}
	for kind, list := range lists {
		out[kind] = list
	}
	if len(meta) > 0 {
		out["peerDependenciesMeta"] = meta
	}
	b, err := json.Marshal(out)
	if err != nil {
		panic(fmt.Sprint(err))
	}
	return string(b)
}
