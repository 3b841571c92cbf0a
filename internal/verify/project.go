package verify

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"

	"codeforge"
)

// Tree is a project as it is looked at.
type Tree struct {
	Files  map[string]string // texts by path
	Assets map[string]Blob   // what else lies in it, by path: pictures, fonts, texts that are too long to be looked at
	Lock   []byte            // which packages it was last resolved to, as a package-lock.json that lies beside it; nil: not known

	Packages Packages // those of Lock; nil: packages are off
}

// TreeOf is the tree that files of a project make.
func TreeOf(files []codeforge.File, lock []byte) Tree {
	t := Tree{Files: make(map[string]string, len(files)), Assets: map[string]Blob{}, Lock: lock}
	for _, f := range files {
		if f.Hash != "" {
			t.Assets[f.Path] = Blob{Hash: f.Hash, Size: f.Size}
		} else {
			t.Files[f.Path] = f.Content
		}
	}
	return t
}

// TreeOfContents is the tree that contents by path make: texts, and what stands for blobs.
func TreeOfContents(contents map[string]string, lock []byte) Tree {
	t := Tree{Files: make(map[string]string, len(contents)), Assets: map[string]Blob{}, Lock: lock}
	for p, content := range contents {
		if b, ok := codeforge.BlobOf(content); ok {
			t.Assets[p] = b
		} else {
			t.Files[p] = content
		}
	}
	return t
}

// Len is how many files a tree has.
func (t Tree) Len() int { return len(t.Files) + len(t.Assets) }

// bytes is how many its texts have together.
func (t Tree) bytes() int {
	total := 0
	for _, content := range t.Files {
		total += len(content)
	}
	return total
}

func (t Tree) clone() Tree {
	return Tree{maps.Clone(t.Files), maps.Clone(t.Assets), t.Lock, t.Packages}
}

// Blob is a file that is known by its sum and its size, and not looked at.
type Blob = codeforge.Blob

// Hash identifies a tree.
func Hash(t Tree) string {
	h := sha256.New()
	_ = writeRequest(h, string(t.Lock), t) // a hash takes everything
	return hex.EncodeToString(h.Sum(nil))
}
