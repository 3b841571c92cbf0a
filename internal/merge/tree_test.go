package merge_test

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"codeforge"
	"codeforge/internal/merge"
)

type files = map[string]string

func TestTrees(t *testing.T) {
	base := files{"keep": "k\n", "text": "1\n2\n3\n4\n", "gone": "g\n", "left": "l\n", "both gone": "b\n"}
	ours := files{"keep": "k\n", "text": "one\n2\n3\n4\n", "left": "l\n", "ours": "o\n", "twin": "same\n"}
	theirs := files{"keep": "k\n", "text": "1\n2\n3\nfour\n", "gone": "g\n", "theirs": "t\n", "twin": "same\n"}
	got := merge.Trees(base, ours, theirs)
	want := files{"keep": "k\n", "text": "one\n2\n3\nfour\n", "ours": "o\n", "theirs": "t\n", "twin": "same\n"}
	if !maps.Equal(got.Files, want) || len(got.Conflicts) > 0 {
		t.Errorf("merged to %q with %+v", got.Files, got.Conflicts)
	}
}

func TestConflictingPaths(t *testing.T) {
	base := files{"changed here": "a\n", "deleted here": "a\n", "lines": "1\n2\n3\n"}
	ours := files{"changed here": "ours\n", "lines": "one\n2\n3\n", "new": "ours\n", "src/App.ts": "ours\n", "docs": "ours\n"}
	theirs := files{"deleted here": "theirs\n", "lines": "ONE\n2\nthree\n", "new": "theirs\n", "src/app.ts": "theirs\n", "docs/a": "theirs\n", "docs/b": "theirs\n"}
	got := merge.Trees(base, ours, theirs)
	var paths []string
	for _, c := range got.Conflicts {
		paths = append(paths, c.Path)
	}
	if want := []string{"changed here", "deleted here", "docs/a", "docs/b", "lines", "new", "src/app.ts"}; !slices.Equal(paths, want) {
		t.Fatalf("conflicts at %q", paths)
	}
	wantFiles := maps.Clone(ours)
	wantFiles["lines"] = "one\n2\nthree\n" // what does not conflict is merged
	if !maps.Equal(got.Files, wantFiles) {
		t.Errorf("before it is settled: %q", got.Files)
	}
	settled := func(side func(merge.Conflict) *string) files {
		tree := merge.Tree{Files: maps.Clone(got.Files)}
		for _, c := range got.Conflicts {
			tree.Resolve(c, side(c))
		}
		if err := merge.CheckPaths(tree.Files); err != nil {
			t.Error(err)
		}
		return tree.Files
	}
	if all := settled(func(c merge.Conflict) *string { return c.Ours }); !maps.Equal(all, wantFiles) {
		t.Errorf("all ours: %q", all)
	}
	wantTheirs := maps.Clone(theirs)
	if all := settled(func(c merge.Conflict) *string { return c.Theirs }); !maps.Equal(all, wantTheirs) {
		t.Errorf("all theirs: %q", all)
	}
	if c := got.Conflicts[4]; !reflect.DeepEqual(c.Hunks, []merge.Hunk{{Line: 1, Base: "1\n", Ours: "one\n", Theirs: "ONE\n"}}) {
		t.Errorf("hunks %+v", c.Hunks)
	}
	if c := got.Conflicts[6]; !slices.Equal(c.Beside, []string{"src/App.ts"}) {
		t.Errorf("beside %q", c.Beside)
	}
}

// TestMixedAnswersMayClash: answers that leave two files which cannot lie beside each other are told apart from a tree.
func TestMixedAnswersMayClash(t *testing.T) {
	tree := merge.Trees(files{"App.ts": "a\n"}, files{"App.ts": "ours\n"}, files{"app.ts": "a\n"})
	for _, c := range tree.Conflicts { // ours where theirs has none, and theirs beside it
		tree.Resolve(c, cmpOr(c.Ours, c.Theirs))
	}
	tree.Files["App.ts"] = "ours\n"
	if err := merge.CheckPaths(tree.Files); !codeforge.IsKind(err, codeforge.Invalid) {
		t.Errorf("%q: %v", slices.Collect(maps.Keys(tree.Files)), err)
	}
}

func cmpOr(a, b *string) *string {
	if a != nil {
		return a
	}
	return b
}

// TestTooLongForOneFile: two sides that each have room, and have none together.
func TestTooLongForOneFile(t *testing.T) {
	middle := strings.Repeat("m\n", 10)
	add := strings.Repeat("x\n", codeforge.MaxContent/3)
	tree := merge.Trees(files{"a": middle}, files{"a": add + middle}, files{"a": middle + add})
	if len(tree.Conflicts) != 1 || *tree.Conflicts[0].Ours != add+middle || *tree.Conflicts[0].Theirs != middle+add {
		t.Errorf("%d conflicts", len(tree.Conflicts))
	}
}

// TestClashesThatWereThere: what a project of before holds is nobody's conflict now.
func TestClashesThatWereThere(t *testing.T) {
	old := files{"A": "1\n", "a": "2\n"}
	ours, theirs := maps.Clone(old), maps.Clone(old)
	ours["o"], theirs["t"] = "o\n", "t\n"
	if tree := merge.Trees(old, ours, theirs); len(tree.Conflicts) > 0 || len(tree.Files) != 4 {
		t.Errorf("%+v", tree)
	}
}

// TestTheirsHasOurs: a side that took in what the other wrote needs nobody's answer.
func TestTheirsHasOurs(t *testing.T) {
	const base = "head\nold\ntail\n"
	for _, c := range []struct {
		name, ours, theirs string
		want               bool
	}{
		{"taken in", "head\nours\ntail\n", "head\nours\nand theirs\ntail\n", true},
		{"taken in, in its place", "head\nours 1\nours 2\ntail\n", "head\nours 1\ntheirs\nours 2\ntail\n", true},
		{"written over", "head\nours\ntail\n", "head\ntheirs\ntail\n", false},
		{"half of it", "head\nours 1\nours 2\ntail\n", "head\nours 1\ntheirs\ntail\n", false},
		{"what ours took away came back", "head\nours\ntail\n", "head\nours\nold\nmore\ntail\n", false},
		{"a deletion cannot be seen", "head\ntail\n", "head\ntheirs\ntail\n", false},
		{"what ours left is not its own", "ours\nold\ntail\n", "ours\ntheirs\ntail\n", true},
	} {
		tree := merge.Trees(files{"f": base}, files{"f": c.ours}, files{"f": c.theirs})
		if len(tree.Conflicts) != 1 || tree.Conflicts[0].TheirsHasOurs() != c.want {
			t.Errorf("%s: %+v", c.name, tree.Conflicts)
		}
	}
	for name, tree := range map[string]merge.Tree{
		"both made it": merge.Trees(nil, files{"f": "ours\n"}, files{"f": "ours\ntheirs\n"}),
	} {
		if len(tree.Conflicts) != 1 || !tree.Conflicts[0].TheirsHasOurs() {
			t.Errorf("%s: %+v", name, tree.Conflicts)
		}
	}
	for name, tree := range map[string]merge.Tree{
		"deleted by ours":   merge.Trees(files{"f": "a\n"}, files{}, files{"f": "b\n"}),
		"deleted by theirs": merge.Trees(files{"f": "a\n"}, files{"f": "b\n"}, files{}),
		"beside":            merge.Trees(nil, files{"F": "a\n"}, files{"f": "a\n"}),
	} {
		if len(tree.Conflicts) != 1 || tree.Conflicts[0].TheirsHasOurs() {
			t.Errorf("%s: %+v", name, tree.Conflicts)
		}
	}
}

// TestTheirsDecides: who saw both sides may write something new in the place, but neither what was there before nor what they
// insisted on.
func TestTheirsDecides(t *testing.T) {
	for _, c := range []struct {
		name, base, ours, first, theirs string
		want                            bool
	}{
		{"a number over both", "VERSION = 3\n", "VERSION = 4\n", "VERSION = 4 // mine\n", "VERSION = 5\n", true},
		{"a sentence with one more", "A.\n", "A. B.\n", "A. C.\n", "A. B. C.\n", true},
		{"a neighbour", "import a\nrun(1)\n", "import a, b\nrun(1)\n", "import a\nrun(2)\n", "import a, b\nrun(2)\n", true},
		{"several in one", "x\n", "one {\ntwo\n}\n", "y\n", "one { two } y\n", true},
		{"in another order", "x\n", "one\ntwo\n", "y\n", "two\ny\none\n", true},
		{"new where ours took away", "x\ny\n", "x\n", "x\nY\n", "x\nanother\n", true},
		{"insisted", "x\n", "ours\n", "theirs\n", "theirs\n", false},
		{"insisted in part", "x\ny\n", "ours\nY\n", "theirs\ny\n", "theirs\nY\n", false},
		{"insisted where ours took away", "x\ny\n", "x\n", "x\nY\n", "x\nY\n", false},
		{"base again", "x = 1\n", "x = 2\n", "x = 3\n", "x = 1\n", false},
		{"base again beside it", "x\ny\n", "X\n", "x\nz\n", "X\ny\nz\n", false},
		{"dropped", "x\ny\n", "x\nours\n", "x\ntheirs\n", "x\n", false},
		{"most of it dropped", "x\n", "one\ntwo\nthree\n", "y\n", "other\n", false},
	} {
		tree := merge.Trees(files{"f": c.base}, files{"f": c.ours}, files{"f": c.theirs})
		if len(tree.Conflicts) == 0 && c.theirs != c.base { // it merges by itself: nothing was lost
			if !c.want {
				t.Errorf("%s: no conflict", c.name)
			}
			continue
		}
		if len(tree.Conflicts) == 1 && tree.Conflicts[0].TheirsDecides([]string{c.first}) != c.want {
			t.Errorf("%s: %+v", c.name, tree.Conflicts)
		}
	}
}

func TestBlobsAreMergedWhole(t *testing.T) {
	blob := func(hash string, size int64) string { return codeforge.Blob{Hash: hash, Size: size}.Content() }
	base := map[string]string{"same.png": blob("a1", 1), "ours.png": blob("a2", 2), "theirs.png": blob("a3", 3), "both.png": blob("a4", 4), "equal.png": blob("a5", 5), "gone.png": blob("a6", 6), "text.png": "was text\n"}
	ours := maps.Clone(base)
	ours["ours.png"], ours["both.png"], ours["equal.png"], ours["text.png"] = blob("b2", 20), blob("b4", 40), blob("b5", 50), blob("b7", 70)
	theirs := maps.Clone(base)
	theirs["theirs.png"], theirs["both.png"], theirs["equal.png"], theirs["text.png"] = blob("c3", 30), blob("c4", 4_000), blob("b5", 50), "is text\n"
	delete(theirs, "gone.png")
	got := merge.Trees(base, ours, theirs)
	want := map[string]string{"same.png": blob("a1", 1), "ours.png": blob("b2", 20), "theirs.png": blob("c3", 30), "both.png": blob("b4", 40), "equal.png": blob("b5", 50), "text.png": blob("b7", 70)}
	for _, c := range got.Conflicts {
		got.Resolve(c, c.Ours)
	}
	if !maps.Equal(got.Files, want) {
		t.Errorf("%q", got.Files)
	}
	places := merge.Places(got.Conflicts)
	if len(places) != 2 || *places[0].People != "(image/png, 40 bytes)" || *places[0].Job != "(image/png, 4 kB)" || *places[1].People != "(image/png, 70 bytes)" || *places[1].Job != "is text\n" {
		t.Errorf("%+v", places)
	}
}
