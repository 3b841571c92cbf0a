package codeforge

import (
	"crypto/sha256"
	"encoding/hex"
	"path"
	"strings"
	"time"
	"unicode/utf8"
)

// File is one file of a project in one state. Version counts the changes of this path, deletions included.
//
// What [CheckContent] takes is a text, which stands in Content. Everything else is a blob: its bytes lie in the project by their
// hash, once, and are read by it alone.
type File struct {
	ID        string    `json:"id"`
	ProjectID string    `json:"project_id"`
	Path      string    `json:"path"`
	Content   string    `json:"content"`            // of a text
	Encoding  string    `json:"encoding,omitempty"` // [EncodingBase64] of a blob
	Hash      string    `json:"hash,omitempty"`     // of a blob: SHA-256 in hexadecimal
	Language  string    `json:"language"`
	Version   int64     `json:"version"`
	Size      int64     `json:"size"`     // in bytes
	Revision  int64     `json:"revision"` // the project revision that wrote it
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// EncodingBase64 is what rows of blobs say, as their bytes would have to be written as text.
const EncodingBase64 = "base64"

// SetBlob makes f a blob, or, with "", a text.
func (f *File) SetBlob(hash string) {
	f.Hash, f.Encoding = hash, ""
	if hash != "" {
		f.Encoding = EncodingBase64
	}
}

// Page is a part of a list of files or changes that is sorted by path. The zero Page is all of it.
type Page struct {
	After string // begins with the first path after this one
	Bytes int64  // ends with the file whose text makes it so many bytes, or more; 0: no bound
	Bare  bool   // without contents, and without reading them
}

// FileChange is one file of a revision to be: a text, a blob that the project has (it was put before), or its removal.
type FileChange struct {
	Path     string
	Content  string
	Hash     string // of a blob; then Content is empty
	Size     int64  // of a blob, for who counts; stores know it
	Language string // "": kept, or derived from the path for a new file
	Delete   bool
}

// FileWrite is one file to put.
type FileWrite struct {
	Path      string
	Content   string
	Hash      string // as in FileChange
	Size      int64
	Language  string // "": kept, or derived from the path for a new file
	MustExist bool   // NotFound when it does not, instead of making it
	IfVersion *int64 // stale: Conflict; 0 means that it must not exist
	// IfRevision is the same condition on the whole project.
	IfRevision *int64
}

// Check holds the rules for a change, whoever made it. A file whose path breaks them, from before a rule, can be deleted.
func (c FileChange) Check() error {
	if c.Delete {
		return nil
	}
	if err := CheckPath(c.Path); err != nil {
		return err
	}
	if c.Hash == "" {
		return CheckContent(c.Content)
	}
	if c.Content != "" {
		return InvalidField("hash", "cannot stand beside content")
	}
	return CheckHash(c.Hash)
}

// CheckHash holds the rule for the hash of a blob.
func CheckHash(s string) error {
	if sum, err := hex.DecodeString(s); err != nil || len(sum) != sha256.Size || s != strings.ToLower(s) {
		return InvalidField("hash", "must be a SHA-256 in lower case hexadecimal digits")
	}
	return nil
}

// BlobHash is the hash by which bytes are known.
func BlobHash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// NoBlobError says that a hash names nothing in a project: it was never put, or so long ago that it was swept.
func NoBlobError() *Error {
	return InvalidField("hash", "names no blob of the project: put its bytes first")
}

// IsText reports whether bytes are text of any length.
func IsText[T ~string | ~[]byte](data T) bool {
	s := string(data)
	return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0
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

// binaryEndings are endings of pictures, fonts, sound, film, archives and documents that are no text. SVG is text.
var binaryEndings = func() map[string]bool {
	set := map[string]bool{}
	for ending := range strings.FieldsSeq(`png jpg jpeg gif webp avif bmp ico icns tif tiff heic psd woff woff2 ttf otf eot mp3 wav ogg oga flac m4a aac
		mp4 m4v webm mov avi mkv zip gz tgz bz2 xz 7z rar tar jar pdf wasm exe dll so dylib class docx xlsx pptx sqlite db`) {
		set["."+ending] = true
	}
	return set
}()

// IsBinaryName reports whether a path's ending says that the file is no text.
func IsBinaryName(p string) bool { return binaryEndings[strings.ToLower(path.Ext(p))] }

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
