package codeforge

import (
	"fmt"
	"path"
	"strconv"
	"strings"
)

// Blob is what is known of a blob where its bytes are not.
type Blob struct {
	Hash string // SHA-256 in hexadecimal
	Size int64  // bytes
}

// blobMark begins what stands for a blob where trees are kept as contents by path: no text holds it.
const blobMark = "\x00blob "

// Content stands for the blob among the contents of a tree. Two are equal where the blobs are.
func (b Blob) Content() string { return blobMark + b.Hash + " " + strconv.FormatInt(b.Size, 10) }

// BlobOf tells whether a content of a tree stands for a blob, and for which.
func BlobOf(content string) (b Blob, ok bool) {
	rest, ok := strings.CutPrefix(content, blobMark)
	if !ok {
		return b, false
	}
	hash, size, _ := strings.Cut(rest, " ")
	n, err := strconv.ParseInt(size, 10, 64)
	return Blob{hash, n}, err == nil
}

// IsBlob reports whether a content of a tree stands for a blob.
func IsBlob(content string) bool { return strings.HasPrefix(content, blobMark) }

// TextOf is a content of a tree as far as it is text: that of a blob is empty.
func TextOf(content string) string {
	if IsBlob(content) {
		return ""
	}
	return content
}

// TreeContent is what stands for the file among the contents of a tree.
func (f *File) TreeContent() string {
	if f.Hash != "" {
		return Blob{f.Hash, f.Size}.Content()
	}
	return f.Content
}

// ChangeTo is the change that gives a path a content of a tree.
func ChangeTo(path, content string) FileChange {
	if b, ok := BlobOf(content); ok {
		return FileChange{Path: path, Hash: b.Hash, Size: b.Size}
	}
	return FileChange{Path: path, Content: content}
}

// Kind says in a word what a blob at a path is, as far as its name tells.
func (b Blob) Kind(path string) string {
	if t := MediaTypeOf(path); t == "" && LanguageOf(path) != "plaintext" || isTextType(t) {
		return "long text"
	}
	return "binary"
}

// Describe says in a few words what a blob at a path is: a media type, where one is known, and a size.
func (b Blob) Describe(path string) string {
	kind := b.Kind(path)
	if t := MediaTypeOf(path); t != "" && kind == "binary" {
		kind = t
	}
	return kind + ", " + Bytes(b.Size)
}

// mediaTypes are types by ending, the same on every machine.
var mediaTypes = map[string]string{
	".html": "text/html; charset=utf-8", ".htm": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8",
	".js": "text/javascript; charset=utf-8", ".mjs": "text/javascript; charset=utf-8", ".cjs": "text/javascript; charset=utf-8",
	".json": "application/json", ".map": "application/json", ".webmanifest": "application/manifest+json",
	".svg": "image/svg+xml", ".xml": "text/xml; charset=utf-8", ".csv": "text/csv; charset=utf-8", ".txt": "text/plain; charset=utf-8",
	".md": "text/markdown; charset=utf-8", ".yaml": "text/yaml; charset=utf-8", ".yml": "text/yaml; charset=utf-8",
	".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif", ".webp": "image/webp", ".avif": "image/avif",
	".bmp": "image/bmp", ".tif": "image/tiff", ".tiff": "image/tiff", ".heic": "image/heic",
	".ico": "image/x-icon", ".woff": "font/woff", ".woff2": "font/woff2", ".ttf": "font/ttf", ".otf": "font/otf", ".eot": "application/vnd.ms-fontobject",
	".mp3": "audio/mpeg", ".wav": "audio/wav", ".ogg": "audio/ogg", ".oga": "audio/ogg", ".m4a": "audio/mp4", ".aac": "audio/aac", ".flac": "audio/flac",
	".mp4": "video/mp4", ".m4v": "video/mp4", ".webm": "video/webm", ".mov": "video/quicktime", ".avi": "video/x-msvideo", ".mkv": "video/x-matroska",
	".wasm": "application/wasm", ".pdf": "application/pdf", ".vtt": "text/vtt; charset=utf-8",
	".zip": "application/zip", ".gz": "application/gzip", ".tgz": "application/gzip", ".tar": "application/x-tar", ".glb": "model/gltf-binary", ".gltf": "model/gltf+json",
}

// MediaTypeOf derives a media type from the ending of a path; "" when nothing is known.
func MediaTypeOf(p string) string { return mediaTypes[strings.ToLower(path.Ext(p))] }

// isTextType reports whether files of a media type are texts, which somebody may read. Pictures are none, in whatever form.
func isTextType(t string) bool {
	return strings.HasPrefix(t, "text/") || strings.HasPrefix(t, "application/") && strings.HasSuffix(t, "json")
}

// Bytes is a number of bytes in words for people.
func Bytes(n int64) string {
	switch {
	case n >= 10_000_000:
		return fmt.Sprintf("%d MB", n/1_000_000)
	case n >= 1_000_000:
		return strings.Replace(fmt.Sprintf("%.1f MB", float64(n)/1e6), ".0 ", " ", 1)
	case n >= 1000:
		return fmt.Sprintf("%d kB", n/1000)
	}
	return fmt.Sprintf("%d bytes", n)
}
