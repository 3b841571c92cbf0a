package merge_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"codeforge/internal/merge"
)

func TestTexts(t *testing.T) {
	const song = "one\ntwo\nthree\nfour\nfive\n"
	edit := func(pairs ...string) string { return strings.NewReplacer(pairs...).Replace(song) }
	for _, c := range []struct{ name, base, ours, theirs, want string }{
		{"nothing", song, song, song, song},
		{"ours alone", song, edit("two", "2"), song, edit("two", "2")},
		{"theirs alone", song, song, edit("two", "2"), edit("two", "2")},
		{"apart", song, edit("one", "1"), edit("five", "5"), edit("one", "1", "five", "5")},
		{"the same", song, edit("two", "2"), edit("two", "2", "five", "5"), edit("two", "2", "five", "5")},
		{"a deletion and a change elsewhere", song, edit("one\n", ""), edit("four", "4"), edit("one\n", "", "four", "4")},
		{"insertions apart", song, "zero\n" + song, song + "six\n", "zero\n" + song + "six\n"},
		{"from empty, the same", "", "a\nb\n", "a\nb\n", "a\nb\n"},
		{"all deleted by both", song, "", "", ""},
		{"line endings of ours", song, strings.ReplaceAll(song, "\n", "\r\n"), edit("two", "2"), strings.ReplaceAll(edit("two", "2"), "\n", "\r\n")},
		{"line endings of the base", strings.ReplaceAll(song, "\n", "\r\n"), strings.ReplaceAll(edit("one", "1"), "\n", "\r\n"), strings.ReplaceAll(edit("five", "5"), "\n", "\r\n"),
			strings.ReplaceAll(edit("one", "1", "five", "5"), "\n", "\r\n")},
		{"line endings taken away by theirs", strings.ReplaceAll(song, "\n", "\r\n"), strings.ReplaceAll(edit("one", "1"), "\n", "\r\n"), edit("five", "5"), edit("one", "1", "five", "5")},
		{"mixed endings stay where they are", "a\r\nb\nc\nd\r\ne\n", "A\r\nb\nc\nd\r\ne\n", "a\r\nb\nc\nd\r\nE\n", "A\r\nb\nc\nd\r\nE\n"},
		{"byte order mark", "\ufeff" + song, "\ufeff" + edit("one", "1"), "\ufeff" + edit("five", "5"), "\ufeff" + edit("one", "1", "five", "5")},
		{"byte order mark taken away", "\ufeff" + song, edit("one", "1"), "\ufeff" + edit("three", "3"), edit("one", "1", "three", "3")},
		{"no end of the last line", song[:len(song)-1], edit("one", "1")[:len(song)-3], edit("five", "5")[:len(song)-4], "1\ntwo\nthree\nfour\n5"},
		{"the last line ended by one, changed by the other", "a\nb", "a\nb\n", "a\nB", "a\nB\n"},
		{"one line becomes many, in their form", "x", "x\r\ny\r\n", "z\r\nx\r\ny\r\n", "z\r\nx\r\ny\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := merge.Texts(c.base, c.ours, c.theirs)
			if len(got.Conflicts) > 0 || got.Ours != c.want || got.Theirs != c.want {
				t.Errorf("merged to %q with conflicts %+v, want %q", got.Ours, got.Conflicts, c.want)
			}
			if back := merge.Texts(c.base, c.theirs, c.ours); back.Ours != c.want {
				t.Errorf("the other way round it is %q", back.Ours)
			}
		})
	}
}

func TestConflicts(t *testing.T) {
	got := merge.Texts("a\nb\nc\nd\ne\n", "a\nB\nc\nd\nE\n", "A\nb\nc\nx\nd\ne!\n")
	want := []merge.Hunk{
		{Line: 1, Base: "a\nb\n", Ours: "a\nB\n", Theirs: "A\nb\n"}, // side by side, as git has it
		{Line: 6, Base: "e\n", Ours: "E\n", Theirs: "e!\n"},
	}
	if !slices.Equal(got.Conflicts, want) {
		t.Errorf("conflicts %+v", got.Conflicts)
	}
	if got.Ours != "a\nB\nc\nx\nd\nE\n" || got.Theirs != "A\nb\nc\nx\nd\ne!\n" {
		t.Errorf("ours %q, theirs %q", got.Ours, got.Theirs)
	}
	if got := merge.Texts("a\n", "a\nb\n", "a\nc\n"); len(got.Conflicts) != 1 {
		t.Errorf("two insertions at one place: %+v", got)
	}
	if got := merge.Texts("a\nb\n", "", "a\nb\nc\n"); len(got.Conflicts) != 1 || got.Ours != "" || got.Theirs != "a\nb\nc\n" {
		t.Errorf("emptied and added to: %+v", got)
	}
}

// TestManyChangesInOneFile: many changes on one side do not hide where the other's belongs.
func TestManyChangesInOneFile(t *testing.T) {
	var base, ours, theirs strings.Builder
	for i := range 3_000 {
		line := fmt.Sprintf("  return line(%d)\n", i)
		base.WriteString(line + "}\n")
		switch {
		case i%3 == 0:
			ours.WriteString("changed " + line + "}\n")
		default:
			ours.WriteString(line + "}\n")
		}
		switch {
		case i == 1_000: // not touched by ours
			theirs.WriteString("mine\n}\n")
		default:
			theirs.WriteString(line + "}\n")
		}
	}
	got := merge.Texts(base.String(), ours.String(), theirs.String())
	if len(got.Conflicts) > 0 || !strings.Contains(got.Ours, "mine\n") || strings.Count(got.Ours, "changed") != 1_000 {
		t.Errorf("%d conflicts", len(got.Conflicts))
	}
}

// change makes some changes to lines, each line of it new.
func change(r *rand.Rand, base []string, who string) []string {
	out := slices.Clone(base)
	for i := range 1 + r.IntN(3) {
		at := r.IntN(len(out) + 1)
		to := min(len(out), at+r.IntN(3))
		var lines []string
		for j := range r.IntN(3) {
			lines = append(lines, fmt.Sprintf("%s %d %d", who, i, j))
		}
		out = slices.Replace(out, at, to, lines...)
	}
	return out
}

func text(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return strings.Join(lines, "\n") + "\n"
}

// TestAsGit: on random texts the result is that of git merge-file, conflicts included.
func TestAsGit(t *testing.T) {
	git, err := exec.LookPath("git")
	if err != nil {
		t.Fatal(err)
	}
	rounds := 150
	if os.Getenv("CODEFORGE_SOAK") != "" {
		rounds = 5_000
	}
	dir := t.TempDir()
	run := func(flags ...string) (string, bool) {
		cmd := exec.Command(git, append(append([]string{"merge-file", "-p", "-q"}, flags...), "ours", "base", "theirs")...)
		cmd.Dir = dir
		out, err := cmd.Output()
		return string(out), err == nil
	}
	r := rand.New(rand.NewPCG(7, 9))
	clean := 0
	for range rounds {
		var lines []string
		for i := range r.IntN(14) {
			lines = append(lines, fmt.Sprintf("line %d", i))
		}
		base, ours, theirs := text(lines), text(change(r, lines, "ours")), text(change(r, lines, "theirs"))
		if r.IntN(4) == 0 { // both do some of the same
			both := change(r, lines, "both")
			base, ours, theirs = text(lines), text(change(r, both, "ours")), text(change(r, both, "theirs"))
		}
		for name, content := range map[string]string{"base": base, "ours": ours, "theirs": theirs} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		got := merge.Texts(base, ours, theirs)
		want, ok := run()
		if ok != (len(got.Conflicts) == 0) {
			t.Fatalf("base %q\nours %q\ntheirs %q\nconflicts %+v, git merges it: %v", base, ours, theirs, got.Conflicts, ok)
		}
		if ok {
			clean++
			if got.Ours != want {
				t.Fatalf("base %q\nours %q\ntheirs %q\nmerged to %q, by git to %q", base, ours, theirs, got.Ours, want)
			}
			continue
		}
		withOurs, _ := run("--ours")
		withTheirs, _ := run("--theirs")
		if got.Ours != withOurs || got.Theirs != withTheirs {
			t.Fatalf("base %q\nours %q\ntheirs %q\nwith ours %q, by git %q\nwith theirs %q, by git %q", base, ours, theirs, got.Ours, withOurs, got.Theirs, withTheirs)
		}
	}
	if clean < rounds/10 || clean > rounds*9/10 {
		t.Errorf("%d of %d merged cleanly: the texts try too little", clean, rounds)
	}
}

// TestHostileTexts: texts made to be hard to compare cost no more than long ones.
func TestHostileTexts(t *testing.T) {
	const n = 50_000 // lines: as many as a file may hold
	r := rand.New(rand.NewPCG(1, 2))
	few := func(kinds int) string {
		var b strings.Builder
		for range n {
			b.WriteByte(byte('a' + r.IntN(kinds)))
			b.WriteByte('\n')
		}
		return b.String()
	}
	reversed := func(s string) string {
		lines := strings.Split(strings.TrimSuffix(s, "\n"), "\n")
		slices.Reverse(lines)
		return text(lines)
	}
	var nested strings.Builder // lines that are unique only within ever smaller parts
	for i := range n {
		fmt.Fprintf(&nested, "%x\n", i&-i)
	}
	for _, base := range []string{few(1), few(2), few(20), nested.String()} {
		ours, theirs := few(2), reversed(base)
		got := merge.Texts(base, ours, theirs)
		if got.Ours == "" {
			t.Error("nothing came of it")
		}
	}
}

func FuzzTexts(f *testing.F) {
	f.Add("a\nb\nc\n", "a\nB\nc\n", "a\nb\nC\n")
	f.Add("a\r\nb\r\n", "a\nb\n", "\ufeffa\r\nb")
	f.Add("", "x", "y\n")
	f.Add("a\nb\na\nb\n", "b\na\nb\n", "a\nb\nb\n")
	f.Fuzz(func(t *testing.T, base, ours, theirs string) {
		got, back := merge.Texts(base, ours, theirs), merge.Texts(base, theirs, ours)
		if len(got.Conflicts) != len(back.Conflicts) {
			t.Errorf("%q %q %q: %d conflicts, the other way round %d", base, ours, theirs, len(got.Conflicts), len(back.Conflicts))
		}
		if len(got.Conflicts) == 0 && got.Ours != got.Theirs {
			t.Errorf("%q %q %q: no conflict, and two results", base, ours, theirs)
		}
		for _, unchanged := range []merge.Text{merge.Texts(base, ours, base), merge.Texts(base, base, ours), merge.Texts(base, ours, ours)} {
			if unchanged.Ours != ours || len(unchanged.Conflicts) > 0 {
				t.Errorf("%q %q: one side alone became %q", base, ours, unchanged.Ours)
			}
		}
		// No line comes from nowhere, and what both sides kept of the base's lines stays.
		known := map[string]int{}
		for _, s := range []string{base, ours, theirs} {
			for _, l := range words(s) {
				known[l]++
			}
		}
		for _, l := range append(words(got.Ours), words(got.Theirs)...) {
			if known[l] == 0 {
				t.Errorf("%q %q %q: %q came from nowhere", base, ours, theirs, l)
			}
		}
		for _, l := range words(base) {
			if l != "" && count(base, l) == 1 && count(ours, l) == 1 && count(theirs, l) == 1 &&
				sameOrder(base, ours, theirs) && count(got.Ours, l) == 0 {
				t.Errorf("%q %q %q: %q was lost", base, ours, theirs, l)
			}
		}
	})
}

// words are the lines of a text without what its form adds.
func words(s string) []string {
	return strings.Split(strings.ReplaceAll(strings.TrimPrefix(s, "\ufeff"), "\r", ""), "\n")
}

func count(s, line string) int {
	n := 0
	for _, l := range words(s) {
		if l == line {
			n++
		}
	}
	return n
}

// sameOrder reports whether the sides only took lines away or added some, so that what all have must stay.
func sameOrder(base, ours, theirs string) bool {
	in := func(side string) bool {
		rest := words(side)
		for _, l := range words(base) {
			if at := slices.Index(rest, l); at >= 0 {
				rest = rest[at+1:]
			} else if slices.Contains(words(side), l) {
				return false
			}
		}
		return true
	}
	return in(ours) && in(theirs)
}
