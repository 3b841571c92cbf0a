package codeforge

import (
	"encoding/hex"
	"path"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// File is one file of a project in one state. Version counts the changes of this path, deletions included.
type File struct {
	ID        string    `json:"id"`
	ProjectID string    `json:"project_id"`
	Path      string    `json:"path"`
	Content   string    `json:"content"`
	Language  string    `json:"language"`
	Version   int64     `json:"version"`
	Size      int64     `json:"size"`     // bytes of Content
	Revision  int64     `json:"revision"` // the project revision that wrote it
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// Page is a part of a list of files or changes that is sorted by path. The zero Page is all of it.
type Page struct {
	After string // begins with the first path after this one
	Bytes int64  // ends with the file whose content makes it so many bytes, or more; 0: no bound
	Bare  bool   // without contents, and without reading them
}

// FileChange is one file of a revision to be: new content, or its removal.
type FileChange struct {
	Path     string
	Content  string
	Language string // "": kept, or derived from the path for a new file
	Delete   bool
}

// FileWrite is one file to put.
type FileWrite struct {
	Path      string
	Content   string
	Language  string // "": kept, or derived from the path for a new file
	MustExist bool   // NotFound when it does not, instead of making it
	IfVersion *int64 // stale: Conflict; 0 means that it must not exist
	// IfRevision is the same condition on the whole project.
	IfRevision *int64
}

// CheckPath holds the rule for file paths: any relative path that is safe on every system. Returns an Invalid error
// for the field "path" that names the broken rule. Paths are compared byte for byte; they are not normalised.
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
	case strings.HasSuffix(p, "/"):
		return bad("must name a file: remove the trailing /")
	}
	for _, r := range p {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || unicode.Is(unicode.Bidi_Control, r) {
			return bad("must not hold control characters")
		}
	}
	for seg := range strings.SplitSeq(p, "/") {
		switch {
		case seg == "":
			return bad("must not hold empty segments (//)")
		case seg == "." || seg == "..":
			return bad("must not hold . or .. segments")
		case len(seg) > MaxPathSegment:
			return bad("segments must have at most %d bytes", MaxPathSegment)
		}
	}
	// A path passes through addresses, where somebody may decode it once more than it was encoded.
	if d := unescape(p); d != p && CheckPath(d) != nil {
		return bad("must not hold in percent-encoding what it may not hold plainly")
	}
	return nil
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

// CheckContent holds the rule for the text of a file, which may be empty.
func CheckContent(s string) error {
	if !utf8.ValidString(s) {
		return InvalidField("content", "must be valid UTF-8")
	}
	if strings.IndexByte(s, 0) >= 0 { // Postgres cannot store it, and no source text holds it
		return InvalidField("content", "must not hold NUL characters")
	}
	if n := utf8.RuneCountInString(s); n > MaxContent {
		return InvalidField("content", "must have at most %d characters, has %d", MaxContent, n)
	}
	return nil
}

var languages = map[string]string{
	".ts": "typescript", ".mts": "typescript", ".cts": "typescript", ".tsx": "tsx", ".js": "javascript", ".mjs": "javascript",
	".cjs": "javascript", ".jsx": "jsx", ".css": "css", ".scss": "scss", ".html": "html", ".htm": "html", ".json": "json",
	".md": "markdown", ".mdx": "markdown", ".svg": "svg", ".xml": "xml", ".yaml": "yaml", ".yml": "yaml", ".toml": "toml",
	".go": "go", ".py": "python", ".rs": "rust", ".rb": "ruby", ".php": "php", ".java": "java", ".kt": "kotlin", ".swift": "swift",
	".c": "c", ".h": "c", ".cpp": "cpp", ".cs": "csharp", ".sh": "shell", ".sql": "sql", ".vue": "vue", ".svelte": "svelte",
	".txt": "plaintext",
}

// LanguageOf derives a language name from the ending of a path; "plaintext" when nothing is known.
func LanguageOf(p string) string {
	if l, ok := languages[strings.ToLower(path.Ext(p))]; ok {
		return l
	}
	if strings.HasPrefix(path.Base(p), "Dockerfile") {
		return "dockerfile"
	}
	return "plaintext"
}
