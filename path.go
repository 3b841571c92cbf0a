package codeforge

import (
	"encoding/hex"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// CheckPath holds the rule for one path: any relative path that names a file on every system, that no tool takes for an
// order, and that looks like what it is. Returns an Invalid error for the field "path" that names the broken rule.
// Paths are stored as they came, byte for byte; what they may lie beside is the rule of [CheckBeside].
func CheckPath(p string) error {
	bad := func(reason string, args ...any) error { return InvalidField("path", reason, args...) }
	switch {
	case p == "":
		return bad("must not be empty")
	case !utf8.ValidString(p):
		return bad("must be valid UTF-8")
	case utf8.RuneCountInString(p) > MaxPath:
		return bad("must have at most %d characters", MaxPath)
	case p[0] == '/':
		return bad("must be relative: remove the leading /")
	case strings.ContainsRune(p, '\\'):
		return bad("must use / and hold no backslash")
	case len(p) >= 2 && p[1] == ':' && (p[0]|0x20 >= 'a' && p[0]|0x20 <= 'z'):
		return bad("must not start with a drive letter")
	case strings.ContainsRune(p, ':'): // a stream of a file on Windows
		return bad("must not hold a colon")
	case strings.HasSuffix(p, "/"):
		return bad("must name a file: remove the trailing /")
	}
	for _, r := range p {
		switch {
		case unicode.IsControl(r) || r == '\u2028' || r == '\u2029':
			return bad("must not hold control characters")
		case invisible(r):
			return bad("must not hold invisible characters or such that turn the direction of text (U+%04X)", r)
		}
	}
	for seg := range strings.SplitSeq(p, "/") {
		last, _ := utf8.DecodeLastRuneInString(seg)
		switch {
		case seg == "":
			return bad("must not hold empty segments (//)")
		case seg == "." || seg == "..":
			return bad("must not hold . or .. segments")
		case len(seg) > MaxPathSegment:
			return bad("segments must have at most %d bytes", MaxPathSegment)
		case last == '.' || unicode.IsSpace(last): // Windows drops them
			return bad("segments must not end in a dot or a blank")
		case gitFolder(seg):
			return bad("must not hold a segment .git")
		case device(seg):
			return bad("must not hold %q, the name of a device on Windows", seg)
		}
	}
	// A path passes through addresses, where somebody may decode it once more than it was encoded.
	if d := unescape(p); d != p && CheckPath(d) != nil {
		return bad("must not hold in percent-encoding what it may not hold plainly")
	}
	return nil
}

// invisible reports whether r shows nothing, so that two paths that differ look alike: the default-ignorable characters
// of Unicode, which is how it defines them, and the controls of direction, which are among them.
func invisible(r rune) bool {
	if r < 0x80 {
		return false
	}
	return unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector, unicode.Bidi_Control) ||
		unicode.Is(unicode.Cf, r) && !unicode.Is(unicode.Prepended_Concatenation_Mark, r)
}

// gitFolder tells what some disk takes for .git, from which git runs programs. git~1 is its short name on Windows.
func gitFolder(seg string) bool {
	key := PathKey(seg)
	return key == ".git" || key == "git~1"
}

// device tells the names that Windows keeps for devices, in every folder and whatever ending follows.
func device(seg string) bool {
	name, _, _ := strings.Cut(seg, ".")
	name = strings.ToLower(strings.TrimRight(name, " "))
	switch name {
	case "con", "prn", "aux", "nul", "conin$", "conout$":
		return true
	}
	port, ok := strings.CutPrefix(name, "com")
	if !ok {
		port, ok = strings.CutPrefix(name, "lpt")
	}
	return ok && utf8.RuneCountInString(port) == 1 && strings.Contains("0123456789¹²³", port)
}

// unescape decodes the percent-encoding in s; a % that begins none stays.
func unescape(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if c, err := hex.DecodeString(s[i+1 : i+3]); err == nil {
				b = append(b, c[0])
				i += 2
				continue
			}
		}
		b = append(b, s[i])
	}
	return string(b)
}

// CheckBeside holds the rule for two paths of one tree: a disk that ignores case and Unicode form must be able to hold
// both. Returns an Invalid error for the field "path" that says why p cannot lie beside other. A path may lie beside
// itself.
func CheckBeside(p, other string) error {
	key, there := PathKey(p), PathKey(other)
	switch {
	case p == other:
		return nil
	case key == there:
		return InvalidField("path", `"%s" differs from "%s" only in case or Unicode form, which is one file on many disks: use that name, or another`, p, other)
	case strings.HasPrefix(there, key+"/"):
		return InvalidField("path", `"%s" is a folder, it holds "%s": take another name`, p, other)
	case strings.HasPrefix(key, there+"/"):
		return InvalidField("path", `"%s" is a file, so "%s" cannot lie under it: take another folder`, other, p)
	}
	return nil
}

// PathKey is what a disk that ignores case and Unicode form knows p by: its full case folding (a sharp s is ss, a final
// sigma a sigma) in normal form C, which is Unicode's canonical caseless match. The stores keep it beside their paths or compute it in SQL
// in the same way.
func PathKey(p string) string {
	for i := range len(p) {
		if p[i] >= utf8.RuneSelf {
			return norm.NFC.String(foldWhole.Replace(strings.Map(foldOne, norm.NFD.String(p))))
		}
	}
	return strings.ToLower(p)
}

// foldOne is the case folding of one character by one. The way over upper case finds what has two lower cases; the dotless i, whose
// upper case is that of another letter, stays.
func foldOne(r rune) rune {
	if r == 'ı' {
		return r
	}
	return unicode.ToLower(unicode.ToUpper(r))
}

// foldWhole is the case folding of characters by several, of those that normal form D leaves.
var foldWhole = strings.NewReplacer("ß", "ss", "ŉ", "ʼn", "և", "եւ", "ẚ", "aʾ", "ﬀ", "ff", "ﬁ", "fi", "ﬂ", "fl", "ﬃ", "ffi", "ﬄ", "ffl", "ﬅ", "st", "ﬆ", "st",
	"ﬓ", "մն", "ﬔ", "մե", "ﬕ", "մի", "ﬖ", "վն", "ﬗ", "մխ")
