package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// client is where the client of the API in TypeScript lies, which is in the bundles too.
const client = "sdk/typescript/src/"

// sumFile is the file in dist that says of which sources it was made.
const sumFile = "dist/sources.sum"

// sumOfSources names all that dist is made of: the sources, the packages by their lock, what builds, and of the client of the API what is
// code. Its types and comments change with every word of the document, and nothing of them is in what is made.
func sumOfSources(module fs.FS) (string, error) {
	all := sha256.New()
	add := func(name string) error {
		data, err := fs.ReadFile(module, name)
		if err != nil {
			return err
		}
		if strings.HasPrefix(name, client) {
			code := api.Transform(string(data), api.TransformOptions{Loader: api.LoaderTS, MinifyWhitespace: true})
			if len(code.Errors) > 0 {
				return fmt.Errorf("%s: %s", name, code.Errors[0].Text)
			}
			data = code.Code
		}
		// Some systems check texts out with other ends of lines.
		fmt.Fprintf(all, "%s %x\n", name, sha256.Sum256(bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))))
		return nil
	}
	for _, root := range []string{"console/src", "console/package.json", "console/package-lock.json", "console/build/main.go", client + "api.ts", client + "runtime.ts"} {
		err := fs.WalkDir(module, root, func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			return add(name)
		})
		if err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(all.Sum(nil)), nil
}
