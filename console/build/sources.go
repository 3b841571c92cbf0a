package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
)

// sumFile is the file in dist that says of which sources it was made.
const sumFile = "dist/sources.sum"

// sumOfSources names all that dist is made of, in the folder of the console: the sources, the packages by their lock, and what builds.
func sumOfSources(folder fs.FS) (string, error) {
	all := sha256.New()
	add := func(name string) error {
		data, err := fs.ReadFile(folder, name)
		// Some systems check texts out with other ends of lines.
		fmt.Fprintf(all, "%s %x\n", name, sha256.Sum256(bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))))
		return err
	}
	err := fs.WalkDir(folder, "src", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		return add(name)
	})
	if err != nil {
		return "", err
	}
	for _, name := range []string{"package.json", "package-lock.json", "build/main.go"} {
		if err := add(name); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(all.Sum(nil)), nil
}
