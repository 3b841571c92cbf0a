package archive

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// gitIgnores asks git itself which paths of a tree are ignored. Files are by path, with what stands in them.
func gitIgnores(t *testing.T, files map[string]string, ask []string) map[string]bool {
	t.Helper()
	dir := t.TempDir()
	run := func(stdin string, args ...string) string {
		cmd := exec.CommandContext(t.Context(), "git", args...)
		cmd.Dir, cmd.Stdin = dir, strings.NewReader(stdin)
		cmd.Env = []string{"HOME=" + dir, "PATH=" + os.Getenv("PATH"), "GIT_CONFIG_NOSYSTEM=1"}
		var out, errs bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errs
		if err := cmd.Run(); err != nil && cmd.ProcessState.ExitCode() != 1 { // 1: none is ignored
			t.Fatal(args, err, errs.String())
		}
		return out.String()
	}
	run("", "init", "-q", ".")
	for p, text := range files {
		full := filepath.Join(dir, filepath.FromSlash(p))
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if filepath.Base(p) != ".gitignore" { // git asks what is a folder, no more
			continue
		}
		if err := os.WriteFile(full, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	ignored := map[string]bool{}
	for p := range strings.SplitSeq(run(strings.Join(ask, "\x00")+"\x00", "check-ignore", "--no-index", "-z", "--stdin"), "\x00") {
		ignored[p] = true
	}
	return ignored
}

func needGit(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Fatal("git is the judge here, and is not installed")
	}
}

// ours says the same by our rules, without what is usual.
func ourIgnores(t *testing.T, files map[string]string, ask []string) map[string]bool {
	t.Helper()
	r := newRules()
	r.packages = nil
	for p, text := range files {
		if filepath.Base(p) == ".gitignore" {
			r.ignore[parent(p)] = parsePatterns([]byte(text))
		}
	}
	ignored := map[string]bool{}
	for _, p := range ask {
		_, reason, err := r.leftOut(p, false)
		if err != nil {
			t.Fatal(err)
		}
		ignored[p] = reason != ""
	}
	return ignored
}

// compareWithGit lays trees beside each other in one, and asks both.
func compareWithGit(t *testing.T, trees ...map[string]string) {
	t.Helper()
	files := map[string]string{}
	for i, tree := range trees {
		for p, text := range withoutClashes(tree) {
			files[fmt.Sprintf("tree%d/%s", i, p)] = text
		}
	}
	var ask []string
	for p := range files {
		ask = append(ask, p)
	}
	slices.Sort(ask)
	want, got := gitIgnores(t, files, ask), ourIgnores(t, files, ask)
	for _, p := range ask {
		if want[p] != got[p] {
			var rules strings.Builder
			tree, _, _ := strings.Cut(p, "/")
			for q, text := range files {
				if strings.HasPrefix(q, tree+"/") && filepath.Base(q) == ".gitignore" {
					fmt.Fprintf(&rules, "%s: %q\n", q, text)
				}
			}
			t.Errorf("%q: git says %v, we say %v, by\n%s", p, want[p], got[p], rules.String())
		}
	}
}

// withoutClashes is a tree without the files that are folders of others.
func withoutClashes(tree map[string]string) map[string]string {
	for p := range tree {
		for q := parent(p); q != ""; q = parent(q) {
			delete(tree, q)
		}
	}
	return tree
}

func TestIgnoresAsGit(t *testing.T) {
	needGit(t)
	paths := strings.Fields(`a.log b/a.log b/c/a.log keep.log b/keep.log doc/x.txt doc/frotz/a.txt a/doc/frotz/a.txt frotz a/frotz foo/bar foo/x/bar a/foo/bar
		abc/x abc/x/y abc/x/y/z #hash !bang a\b trail x1 x2 x[1] xa xb x- x] b/.env .env .env.local src/build/x.ts build/x.ts src/a.tsbuildinfo
		Ünïcode/ä.txt ä.txt a/b/c/d/e/f.ts logs/debug.log logs/monday/foo.bar build/logs/debug.log hello.c hello/world.c a..b axb ax/b ax/y/b foo/deep/down/bar.js`)
	paths = append(paths, "trail ", "with blank/x y.txt", "tab\t")
	var trees []map[string]string
	for _, rules := range []string{
		"*.log\n!keep.log", "*.log\n!b/keep.log\n", "doc/frotz/", "/doc/frotz", "frotz/", "frotz", "foo/*", "foo/**\n!foo/x", "**/foo/bar", "**/frotz", "abc/**", "abc/**/z", "a/**/f.ts", "a/**/**/f.ts",
		`\#hash`, "#hash", `\!bang`, "!bang", `a\\b`, "trail", "trail ", "trail\\ ", "x[12]", "x[!12]", "x[^a-b]", "x[]]", "x[]-]", "x[a", "x[[:digit:]]", "x[[:nope:]]", "x[[:alpha:]1]", `x\[1\]`, "x?", "?", "?*",
		".env*\n!.env", "/build/", "build/", "*.tsbuildinfo", "Ünïcode/", "ä.*", "?.txt", "??.txt", "**", "/*\n!/foo\n/foo/*\n!/foo/bar", "logs/**/debug.log", "logs/*/debug.log", "**/logs", "**/logs/debug.log",
		"a**b", "a**/b", "foo/**/*.js", "*/foo", "/**/b", "/", "//", "!", "*", "*\n!*/\n!*.ts", "*/", "**/", `foo\`, "with blank/", "with\\ blank/*", "tab\t", "\xef\xbb\xbf*.log", "*.log\r\n!keep.log\r\n", "[", "x[b-a]", "x[a-]", "x[--1]",
		"hello.*\n!/hello/", "   ", "\t", "a..b", "*.c\n!hello/*.c", "x[[]1]", "x[[:]1]", `x[\]]`, `x[\1-\3]`, "foo/bar/", "./foo", "foo//bar", "../x", `**\/bar`, "foo/***/bar", "***/bar", "a*/**/b", "**/**[[:alpha:]]", "**/*.??",
	} {
		files := map[string]string{".gitignore": rules}
		for _, p := range paths {
			files[p] = ""
		}
		trees = append(trees, files)
	}
	compareWithGit(t, trees...)
}

func TestNestedIgnoresAsGit(t *testing.T) {
	needGit(t)
	var trees []map[string]string
	for _, rules := range []map[string]string{
		{".gitignore": "*.log", "a/.gitignore": "!*.log"},
		{".gitignore": "a/", "a/.gitignore": "!*"},
		{".gitignore": "/b.txt", "a/.gitignore": "/b.txt\n!c.txt", "a/b/.gitignore": "c.txt"},
		{"a/.gitignore": "*", "a/b/.gitignore": "!c.txt"},
		{"a/.gitignore": "*\n!.gitignore\n!b/", "a/b/.gitignore": "!c.txt"},
		{".gitignore": "!a/b.txt", "a/.gitignore": "b.txt"},
		{"a/.gitignore": "a/b.txt\nb/**/x"},
	} {
		for p := range strings.FieldsSeq("b.txt c.txt x.log a/b.txt a/c.txt a/x.log a/b/c.txt a/b/x.log a/b/q/x a/a/b.txt") {
			rules[p] = ""
		}
		trees = append(trees, rules)
	}
	compareWithGit(t, trees...)
}

// TestRandomIgnoresAsGit lays patterns of random pieces beside git's answers.
func TestRandomIgnoresAsGit(t *testing.T) {
	needGit(t)
	rounds := 30
	if os.Getenv("CODEFORGE_SOAK") != "" {
		rounds = 3000
	}
	pieces := []string{"a", "b", "ab", "c", ".", "*", "**", "?", "/", "/", "[ab]", "[!a]", "[a-c]", `\a`, `\*`, "!", " ", "[", "]", "-", `\`, "***", "é", "#", "[[:alpha:]]", "[^b]"}
	var trees []map[string]string
	for round := range rounds {
		rnd := rand.New(rand.NewPCG(7, uint64(round)))
		line := func() string {
			var b strings.Builder
			for range 1 + rnd.IntN(6) {
				b.WriteString(pieces[rnd.IntN(len(pieces))])
			}
			return b.String()
		}
		files := map[string]string{}
		for range 40 {
			names := make([]string, 1+rnd.IntN(4))
			for i := range names {
				names[i] = []string{"a", "b", "ab", "abc", "c", "é", "a.b", "-", "aab", "bca"}[rnd.IntN(10)]
			}
			files[strings.Join(names, "/")] = ""
		}
		withoutClashes(files)
		for _, at := range []string{"", "a/", "ab/"} {
			if _, file := files[strings.TrimSuffix(at, "/")]; file || at != "" && rnd.IntN(2) == 0 {
				continue
			}
			lines := make([]string, 1+rnd.IntN(4))
			for i := range lines {
				lines[i] = line()
			}
			files[at+".gitignore"] = strings.Join(lines, "\n")
		}
		trees = append(trees, files)
	}
	compareWithGit(t, trees...)
}

func TestPatternsTakeNoLongerThanTheyAreLong(t *testing.T) {
	p, _ := parsePattern(strings.Repeat("*a", 200) + "/" + strings.Repeat("**/a", 50))
	if matches, steps := p.match(strings.Repeat("a/", 250)+"b", false); matches || steps > 1000*1000 {
		t.Errorf("%v after %d steps", matches, steps)
	}
	r := newRules()
	r.ignore[""] = parsePatterns([]byte(strings.Repeat("*a*b*c*d*e*f*g*h*i*j\n", 2_000)))
	r.steps = mostSteps / 100 * 99 // nearly all of them were taken before
	var err error
	for i := 0; i < 10_000 && err == nil; i++ {
		_, _, err = r.leftOut(fmt.Sprintf("%s%d", strings.Repeat("abcdefghi", 20), i), false)
	}
	if err == nil {
		t.Error("hostile patterns are compared without an end")
	}
}
