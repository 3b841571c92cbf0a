package codeforge

import (
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

func TestCheckPath(t *testing.T) {
	for _, good := range []string{"a", "package.json", "src/app/[id]/page.tsx", "src/(group)/@modal/page.tsx", "app/[...slug]/page.tsx", ".github/workflows/ci.yml",
		"..a", "a..b/c", "ünï/コード.ts", "a b.txt", "100%.txt", "a%2Fb/%41%zz%e", "%25", strings.Repeat("a", 255), strings.Repeat("a/", 249) + "bc",
		".env", ".gitignore", ".gitattributes", "a.git/b", "git", ".gitx/a", "git~2", "console.js", "com.js", "com10", "lpt/a", "auxiliary", "src/nul1.ts", "con-fig", "🎉.md", " a"} {
		if err := CheckPath(good); err != nil {
			t.Errorf("CheckPath(%q): %v", good, err)
		}
	}
	for _, bad := range []string{"", "/etc/passwd", "../x", "a/../b", "a/..", "./a", "a/./b", "a//b", "a/", "a\\b", "C:/x", "c:x", "a\x00b", "a\nb",
		"a\x7fb", "a\u0085b", "a\xffb", "%2e%2e/a", "a/%2E./b", "%252e%252e%252fa", "..%2fa", "%2fetc/passwd", "a%5cb", "a%00", "%c0%ae%c0%ae/a", "%63:/a", strings.Repeat("a", 256), strings.Repeat("a/", 250) + "b", "a/\u202egnp.exe",
		".git", ".git/config", "a/.GIT/hooks/post-checkout", ".Git", "GIT~1/config", "%2egit/config", ".g\u0069t/x",
		"con", "src/CON/a.js", "aux.js", "Aux.spec.ts", "nul", "a/PRN.txt", "com1", "COM9.log", "lpt0", "com¹.x", "LPT³", "conin$", "CONOUT$.txt", "con .txt", "aux%2ejs",
		"ab:c", "a/b:c", "x::$DATA", "%3a", "a.", "a./b", "...", "a ", "a /b", "a\u00a0", "a\u3000/b", "a%20",
		"a\u200bb", "a\u00adb", "\ufeffa", "a\u2060", "a\ufe0f", "a\U000e0001b", "a\U000e01efb", "a\u034fb", "a\u115fb", "a\u3164b", "a\uffa0b", "a\u180eb", "a\u061cb", "a\u200eb", "a\u2066b", "a\u2069b", "\U0001d173"} {
		if !IsKind(CheckPath(bad), Invalid) {
			t.Errorf("CheckPath(%q) found nothing wrong", bad)
		}
	}
}

func FuzzCheckPath(f *testing.F) {
	for _, s := range []string{"src/a.ts", "../a", "a/../../b", "C:\\x", "%2e%2e/a", "a\x00", "//", "a/./b", "\u202e", ".GIT/x", "aux.js", "a. ", "x:y", "a\u200b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, p string) {
		if CheckPath(p) != nil {
			return
		}
		if !utf8.ValidString(p) || !filepath.IsLocal(p) || filepath.Clean(p) != p || strings.ContainsAny(p, "\\\x00\n:") {
			t.Errorf("%q passed", p)
		}
		for seg := range strings.SplitSeq(p, "/") {
			if strings.EqualFold(seg, ".git") || strings.TrimRight(seg, ". ") != seg {
				t.Errorf("%q passed with the segment %q", p, seg)
			}
		}
	})
}

func TestCheckBeside(t *testing.T) {
	for _, c := range []struct{ p, other, words string }{
		{"src/App.js", "src/app.js", `"src/App.js" differs from "src/app.js" only in case or Unicode form, which is one file on many disks: use that name, or another`},
		{"lib", "lib/a.js", `"lib" is a folder, it holds "lib/a.js": take another name`},
		{"LIB", "lib/deep/a.js", `"LIB" is a folder, it holds "lib/deep/a.js": take another name`},
		{"src/main.js", "src", `"src" is a file, so "src/main.js" cannot lie under it: take another folder`},
		{"cafe\u0301.md", "CAF\u00c9.md", `"cafe` + "\u0301" + `.md" differs from "CAF` + "\u00c9" + `.md" only in case or Unicode form, which is one file on many disks: use that name, or another`},
		{"a", "a", ""}, {"a", "ab", ""}, {"a/b", "a/c", ""}, {"A/b", "a/c", ""}, {"src", "src.js", ""}, {"src", "src-x/a", ""}, {"e", "\u00e9", ""}, {"i", "\u0131", ""},
	} {
		got := ""
		if err := CheckBeside(c.p, c.other); err != nil {
			got, _ = err.(*Error).Details["reason"].(string)
		}
		if got != c.words {
			t.Errorf("%q beside %q:\n got %s\nwant %s", c.p, c.other, got, c.words)
		}
	}
}

// The folding is that of Unicode, as another implementation has it, but for Cherokee, whose two cases that one swaps.
func TestPathKeyFoldsAsUnicodeDoes(t *testing.T) {
	fold := cases.Fold()
	for r := rune(1); r <= utf8.MaxRune; r++ {
		if !utf8.ValidRune(r) || unicode.Is(unicode.Cherokee, r) {
			continue
		}
		s := "a" + string(r)
		if got, want := PathKey(s), norm.NFC.String(fold.String(norm.NFD.String(s))); got != want {
			t.Errorf("PathKey(%+q) = %+q, want %+q", s, got, want)
		}
	}
	if PathKey("Ꭰ") != PathKey("ꭰ") || PathKey("Ꮿ") == PathKey("Ꭰ") {
		t.Error("Cherokee")
	}
}

// FuzzCheckBeside: the rule has no direction, and a path is beside all of its own spellings what it is beside one.
func FuzzCheckBeside(f *testing.F) {
	for _, s := range [][2]string{{"a/b", "A"}, {"cafe\u0301", "CAFÉ"}, {"straße", "STRASSE/x"}, {"\u1e9e", "ss"}, {"\u0345a", "ι"}} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, p, q string) {
		if !utf8.ValidString(p) || !utf8.ValidString(q) || p == q {
			return
		}
		clash := CheckBeside(p, q) != nil
		if clash != (CheckBeside(q, p) != nil) {
			t.Errorf("%q and %q clash in one direction alone", p, q)
		}
		if key := PathKey(p); PathKey(key) != key || PathKey(norm.NFD.String(p)) != key || PathKey(norm.NFC.String(p)) != key {
			t.Errorf("%+q has more than one key", p)
		}
		if CheckBeside(p+"/x", p) == nil || CheckBeside(PathKey(p), p) == nil && PathKey(p) != p {
			t.Errorf("%q", p)
		}
	})
}
