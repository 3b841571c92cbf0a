// Command build makes what the console serves of its sources: the bundles in dist, and the list of licences. It needs the packages of
// package.json, which npm fetches: npm ci --ignore-scripts.
//
//	go run ./console/build          # writes them
//	go run ./console/build -check   # compares, and says what is stale
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

func main() {
	check := flag.Bool("check", false, "compare with what is there, and write nothing")
	flag.Parse()
	if err := run(*check); err != nil {
		fmt.Fprintln(os.Stderr, "console:", err)
		os.Exit(1)
	}
}

func run(check bool) error {
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	folder := filepath.Join(root, "console")
	files := map[string][]byte{}
	if err := bundle(folder, files); err != nil {
		return err
	}
	if check {
		return compare(folder, files)
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(folder, filepath.FromSlash(name)), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// moduleRoot is the folder of go.mod, above where this runs.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	for err == nil {
		if _, missing := os.Stat(filepath.Join(dir, "go.mod")); missing == nil {
			return dir, nil
		}
		if filepath.Dir(dir) == dir {
			return "", errors.New("this is run inside of the repository")
		}
		dir = filepath.Dir(dir)
	}
	return "", err
}

// bundle adds to files what dist holds, by path in folder.
func bundle(folder string, files map[string][]byte) error {
	if _, err := os.Stat(filepath.Join(folder, "node_modules", "preact")); err != nil {
		return errors.New("the packages are missing: run npm ci --ignore-scripts in console")
	}
	common := api.BuildOptions{Bundle: true, Format: api.FormatESModule, Target: api.ES2022, JSX: api.JSXAutomatic, JSXImportSource: "preact", AbsWorkingDir: folder,
		MinifyWhitespace: true, MinifySyntax: true, MinifyIdentifiers: true, Charset: api.CharsetUTF8, LegalComments: api.LegalCommentsNone, LogLevel: api.LogLevelWarning,
		Outdir: filepath.Join(folder, "dist"), AssetNames: "[name]", ChunkNames: "[name]", Loader: map[string]api.Loader{".woff2": api.LoaderFile}, Metafile: true}
	// What comes later shares what the first screen is made of, as one chunk; the editor shares nothing, and is made apart.
	screens, editor := common, common
	screens.EntryPointsAdvanced = []api.EntryPoint{{InputPath: "src/main.ts", OutputPath: "app"}, {InputPath: "src/later.tsx", OutputPath: "later"}, {InputPath: "src/signing.tsx", OutputPath: "signin"}, {InputPath: "src/style/index.css", OutputPath: "app"}}
	screens.Splitting = true
	editor.EntryPointsAdvanced = []api.EntryPoint{{InputPath: "src/editor.ts", OutputPath: "editor"}}
	for _, o := range []api.BuildOptions{screens, editor} {
		built := api.Build(o)
		if len(built.Errors) > 0 {
			return errors.New("the sources do not build")
		}
		for _, f := range built.OutputFiles {
			name, err := filepath.Rel(folder, f.Path)
			if err != nil {
				return err
			}
			if _, twice := files[filepath.ToSlash(name)]; twice {
				return fmt.Errorf("two bundles are named %s: what two of those that come later share belongs to the first screen", name)
			}
			files[filepath.ToSlash(name)] = f.Contents
		}
	}
	for _, name := range []string{"index.html", "icon.svg"} {
		data, err := os.ReadFile(filepath.Join(folder, "src", name))
		if err != nil {
			return err
		}
		files["dist/"+name] = data
	}
	licences, err := licencesOf(folder)
	if err != nil {
		return err
	}
	files["dist/licences.txt"] = licences
	sum, err := sumOfSources(os.DirFS(filepath.Dir(folder)))
	files[sumFile] = []byte(sum + "\n")
	return err
}

// compare says what is not as it would be written.
func compare(folder string, files map[string][]byte) error {
	var stale []string
	for name, data := range files {
		if was, err := os.ReadFile(filepath.Join(folder, filepath.FromSlash(name))); err != nil || !bytes.Equal(was, data) {
			stale = append(stale, name)
		}
	}
	entries, err := os.ReadDir(filepath.Join(folder, "dist"))
	if err != nil {
		return err
	}
	for _, e := range entries {
		if _, made := files["dist/"+e.Name()]; !made {
			stale = append(stale, "dist/"+e.Name())
		}
	}
	if len(stale) == 0 {
		return nil
	}
	slices.Sort(stale)
	return fmt.Errorf("stale: %s; run go run ./console/build", strings.Join(stale, ", "))
}

// licencesOf are the licences of the packages that are bundled, as they come with them.
func licencesOf(folder string) ([]byte, error) {
	cmd := exec.Command("npm", "ls", "--omit=dev", "--all", "--parseable")
	cmd.Dir = folder
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("npm ls: %w", err)
	}
	packages := strings.Fields(string(out))
	slices.Sort(packages)
	var b bytes.Buffer
	b.WriteString("What the console is built with, and under which terms.\n")
	for _, dir := range slices.Compact(packages) {
		name, below := strings.CutPrefix(filepath.ToSlash(dir), filepath.ToSlash(filepath.Join(folder, "node_modules"))+"/")
		if !below { // the console itself
			continue
		}
		text, err := licenceIn(dir)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "\n%s\n%s\n\n%s\n", name, strings.Repeat("-", len(name)), strings.TrimSpace(text))
	}
	return b.Bytes(), nil
}

func licenceIn(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	for _, e := range entries {
		if upper := strings.ToUpper(e.Name()); strings.HasPrefix(upper, "LICENSE") || strings.HasPrefix(upper, "LICENCE") {
			text, err := os.ReadFile(filepath.Join(dir, e.Name()))
			return strings.ReplaceAll(string(text), "\r\n", "\n"), err
		}
	}
	return "", fmt.Errorf("%s brings no licence", dir)
}
