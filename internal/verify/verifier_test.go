package verify

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"

	"codeforge/internal/sandbox"
)

func TestMain(m *testing.M) {
	RunChild()
	os.Exit(m.Run())
}

func newVerifier(t testing.TB, o sandbox.Options) *Verifier {
	t.Helper()
	v := NewVerifier(o)
	t.Cleanup(v.Close)
	return v
}

// What a child says is what this process would have said, for trees of every kind.
func TestChildrenSayTheSame(t *testing.T) {
	v := newVerifier(t, sandbox.Options{})
	broken := whole()
	broken["x.ts"] = "import './y'; let"
	for name, tree := range map[string]files{"whole": whole(), "broken": broken, "app": app(300), "empty": {}, "odd": {"": "", "\xff": "\x00\xff", "a.css": "p{"}} {
		want := Check(t.Context(), Tree{Files: tree})
		got, err := v.Check(t.Context(), "u", Tree{Files: tree})
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v\n%v\n%v", name, err, got, want)
		}
		wantSite, want := Bundle(t.Context(), Tree{Files: tree})
		site, got, err := v.Bundle(t.Context(), "u", Tree{Files: tree})
		if err != nil || !reflect.DeepEqual(got, want) || !reflect.DeepEqual(site, wantSite) {
			t.Errorf("%s bundled: %v\n%v\n%v", name, err, got, want)
		}
	}
}

// What nests deep, or is long, and is valid, passes.
func TestDeepValidTreesPass(t *testing.T) {
	v := newVerifier(t, sandbox.Options{})
	for name, tree := range map[string]files{
		"comments":     {"a.ts": strings.Repeat("// a line of comment, (as they are) [in] code {that explains}\n", 620) + "export {}"},
		"prose":        {"a.ts": "export const text = `" + strings.Repeat("It was the best of times (it was the worst of times), it was the age; ", 600) + "`"},
		"prose, plain": {"a.ts": "export const text = \"" + strings.Repeat("word after word ", 2_600) + "\""},
		"nested":       {"a.ts": "export default " + strings.Repeat("[", 1_000) + strings.Repeat("]", 1_000)},
		"no brackets":  {"a.ts": "export default " + strings.Repeat("!", 9_000) + "1"},
		"loops":        {"a.ts": strings.Repeat("for(;;)", 1_500) + ";"},
		"one list":     {"a.ts": "export default [" + strings.Repeat("'x' + 'y',", 9_000) + "]"},
		"stars":        {"a.ts": "export * from './b'; export * from './c'", "b.ts": "export * from './d'", "c.ts": "export * from './d'", "d.ts": "export const d = 1"},
	} {
		if r, err := v.Check(t.Context(), "u", Tree{Files: tree}); err != nil || !r.OK || len(r.Diagnostics) > 0 {
			t.Errorf("%s: %v %v", name, err, lines(r))
		}
	}
}

// bomb grows to size bytes when constants are folded.
func bomb(doublings int) string {
	var s strings.Builder
	s.WriteString("enum E { A0 = 'aaaaaaaaaaaaaaaa'")
	for i := range doublings {
		fmt.Fprintf(&s, ", A%d = A%d + A%d", i+1, i, i)
	}
	return s.String() + " }"
}

// A tree that no parser survives is a finding on the file that did it, and the next tree is checked as ever.
func TestBombsAreFindings(t *testing.T) {
	v := newVerifier(t, sandbox.Options{Memory: 256 << 20})
	for name, c := range map[string]struct {
		tree files
		file string
		says string
	}{
		"folding":   {files{"ok.ts": "", "sub/bomb.ts": bomb(30), "z.ts": ""}, "sub/bomb.ts", "memory"},
		"in a page": {files{"a.html": "<script type=module>" + strings.ReplaceAll(bomb(30), "enum E", "var x") + "</script>"}, "a.html", ""},
		"nesting":   {files{"deep.ts": strings.Repeat("[", 99_000)}, "deep.ts", ""},
	} {
		r, err := v.Check(t.Context(), "u", Tree{Files: c.tree})
		if err != nil || r.OK || len(r.Diagnostics) != 1 || r.Diagnostics[0].File != c.file || !strings.Contains(r.Diagnostics[0].Message, c.says) {
			t.Errorf("%s: %v %v", name, err, lines(r))
		}
		if r, err := v.Check(t.Context(), "u", Tree{Files: whole()}); err != nil || !r.OK {
			t.Errorf("after %s: %v %v", name, err, lines(r))
		}
	}
}

// A caller that leaves does not take the answer from another one who asked the same; the last one takes the work with it.
func TestEqualRequestsShare(t *testing.T) {
	v := newVerifier(t, sandbox.Options{Children: 2})
	ctx, leave := context.WithCancelCause(t.Context())
	gone := errors.New("gone")
	var wg sync.WaitGroup
	tree := app(200)
	for range 20 {
		wg.Go(func() {
			if r, err := v.Check(t.Context(), "u", Tree{Files: tree}); err != nil || !r.OK {
				t.Errorf("%v %v", err, lines(r))
			}
		})
		wg.Go(func() {
			if _, err := v.Check(ctx, "u", Tree{Files: tree}); err != nil && err != gone {
				t.Error(err)
			}
		})
		runtime.Gosched()
	}
	leave(gone)
	wg.Wait()
	if len(v.flights) > 0 {
		t.Errorf("%d requests are still at work", len(v.flights))
	}
}
