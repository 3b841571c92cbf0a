package verify

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"codeforge/internal/sandbox"
	"codeforge/internal/verify/hostile"
)

// soak is whether the long ones are wanted whole.
var soak = os.Getenv("CODEFORGE_SOAK") != ""

// TestHostileTrees has eight attackers at once bundle the corpus, and trees that chance made of it. Each gets a report;
// meanwhile another user's trees are checked, each as if nothing were, and this process stays small. Without CODEFORGE_SOAK
// it takes a few that end soon.
func TestHostileTrees(t *testing.T) {
	trees := hostile.Trees()
	if len(trees) < 60 {
		t.Fatalf("%d trees", len(trees))
	}
	o, chance := sandbox.Options{}, 100
	if !soak {
		few := map[string]hostile.Tree{}
		for _, name := range []string{"fold enum", "inline constants", "deep lists", "deep rules", "entities", "missing exports"} {
			few[name] = trees[name]
		}
		trees, o.Memory, chance = few, 256<<20, 3
	}
	seed := uint64(1) // the same trees each time; another seed looks for new ones
	if s := os.Getenv("CODEFORGE_SEED"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		seed = n
	}
	r := rand.New(rand.NewPCG(seed, 0))
	names := slices.Sorted(maps.Keys(trees))
	for i := range chance {
		name := names[r.IntN(len(names))]
		tree := hostile.Mutate(r, trees[name])
		for range r.IntN(4) {
			tree = hostile.Mutate(r, tree)
		}
		trees[fmt.Sprintf("%s, changed %d", name, i)] = tree
	}
	names = slices.Sorted(maps.Keys(trees))
	r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })

	v := newVerifier(t, o)
	calm := app(20)
	if r, err := v.Check(t.Context(), "calm", Tree{Files: calm}); err != nil || !r.OK {
		t.Fatal(err, lines(r))
	}
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)

	next := make(chan string)
	var attackers sync.WaitGroup
	var failed atomic.Int64
	var mu sync.Mutex
	most := before.HeapInuse
	for i := range 8 {
		attackers.Go(func() {
			for name := range next {
				began := time.Now()
				site, report, err := v.Bundle(t.Context(), fmt.Sprint("attacker ", i), Tree{Files: trees[name]})
				mu.Lock()
				var now runtime.MemStats
				runtime.ReadMemStats(&now)
				most = max(most, now.HeapInuse)
				mu.Unlock()
				switch {
				case err != nil:
					t.Errorf("%s: %v", name, err)
				case site == nil && len(report.Diagnostics) == 0:
					t.Errorf("%s: neither a site nor a reason", name)
				case !report.OK:
					failed.Add(1)
				}
				for _, d := range report.Diagnostics {
					if strings.Contains(d.Message, "broke down") || strings.Contains(d.Message, "failed on this tree") {
						t.Logf("%s: %+v", name, d)
					}
				}
				if took := time.Since(began); took > 20*time.Second {
					t.Logf("%s: %v, %v", name, took.Round(time.Millisecond), lines(report)[:min(1, len(report.Diagnostics))])
				}
			}
		})
	}
	var slowest time.Duration
	for i, name := range names {
		next <- name
		calm["style.css"] = fmt.Sprintf("p { width: %dpx }", i)
		began := time.Now()
		if r, err := v.Check(t.Context(), "calm", Tree{Files: calm}); err != nil || !r.OK {
			t.Errorf("the other user's check: %v %v", err, lines(r))
		}
		slowest = max(slowest, time.Since(began))
	}
	close(next)
	attackers.Wait()
	t.Logf("%d trees, %d refused; the slowest of another user's checks beside them took %v; this process grew by %d MB",
		len(names), failed.Load(), slowest.Round(time.Millisecond), (most-before.HeapInuse)>>20)
	if failed.Load() == 0 {
		t.Error("there was no attack")
	}
	if most-before.HeapInuse > 100<<20 {
		t.Errorf("this process grew by %d MB", (most-before.HeapInuse)>>20)
	}
}
