package types

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"codeforge"
	"codeforge/internal/sandbox"
)

// home is where the private folders of one Checker lie. It is locked as long as its process lives.
type home struct {
	dir  string
	lock *os.File
}

const homePrefix = "run-"

// openHome makes a home, and removes those of processes that are gone.
func openHome(dir string) (*home, error) {
	left, err := filepath.Glob(filepath.Join(dir, homePrefix+"*"))
	if err != nil {
		return nil, err
	}
	for _, old := range left {
		if f, err := os.Open(old); err == nil {
			if lockFolder(f) {
				err = os.RemoveAll(old)
			}
			if err := errors.Join(err, f.Close()); err != nil {
				return nil, err
			}
		}
	}
	h := &home{}
	if h.dir, err = os.MkdirTemp(dir, homePrefix); err != nil {
		return nil, err
	}
	if h.lock, err = os.Open(h.dir); err != nil {
		return nil, err
	}
	lockFolder(h.lock)
	return h, nil
}

// close removes it with all that it holds.
func (h *home) close() error { return errors.Join(os.RemoveAll(h.dir), h.lock.Close()) }

// buildFolder is the one folder that the compiler may write to.
const buildFolder = ".build"

// mostOutput bounds what is read of the compiler.
const mostOutput = 8 << 20

// compile writes a private folder, runs the compiler over it and removes it.
func (c *Checker) compile(ctx context.Context, compiler program, p *plan) ([]finding, error) {
	ctx, cancel := context.WithTimeout(ctx, c.o.Deadline)
	defer cancel()
	root, err := os.MkdirTemp(c.home.dir, "check-")
	if err != nil {
		return nil, onDisk(err)
	}
	defer os.RemoveAll(root)
	if err := p.write(root); err != nil {
		return nil, onDisk(err)
	}
	read := []string{root, compiler.folder}
	for _, folder := range p.packages.folders {
		read = append(read, folder)
	}
	slices.Sort(read)
	confined, _ := sandbox.Confined()
	args := []string{"-b", solution, "--pretty", "false", "--verbose", "--checkers", "2"}
	if !confined {
		args = append(args, "--listFiles")
	}
	out, err := sandbox.Program{Path: compiler.path, Args: args, Dir: root, Read: read, Write: []string{filepath.Join(root, buildFolder)}, Memory: c.o.Memory, MaxOutput: mostOutput,
		Env: []string{"GOMEMLIMIT=" + strconv.FormatInt(c.o.Memory/10*6, 10), "GOMAXPROCS=2", "GOGC=400"}}.Run(ctx)
	if err != nil {
		return nil, err
	}
	if !confined && leadsOut(string(out.Text), root, compiler.folder) {
		return nil, &refusal{"The project's types lead out of the project"}
	}
	return parse(string(out.Text), p, root)
}

// onDisk is an error of this machine, not of a tree.
func onDisk(err error) error {
	return &codeforge.Error{Kind: codeforge.Unavailable, Message: "Types cannot be checked at the moment", Retryable: true, Cause: err}
}

// solution is the path of the settings that name all others.
const solution = ".tsconfig.json"

// write fills a private folder.
func (p *plan) write(root string) error {
	made := map[string]bool{}
	put := func(name, text string) error {
		dir := filepath.Join(root, filepath.FromSlash(path.Dir(name)))
		if !made[dir] {
			if err := os.MkdirAll(dir, 0o700); err != nil {
				return err
			}
			made[dir] = true
		}
		return os.WriteFile(filepath.Join(root, filepath.FromSlash(name)), []byte(text), 0o600)
	}
	for _, file := range p.paths {
		if err := codeforge.CheckPath(file); err != nil || isInstalled(file) || !isSource(file) && path.Ext(file) != ".json" {
			continue
		}
		text := p.tree.Files[file]
		if isDeclaration(file) {
			text = blankComponents(text)
		}
		if err := put(file, text); err != nil {
			return err
		}
	}
	ours := []map[string]string{p.standIns(), p.builtFiles()}
	if p.scripts != nil {
		ours = append(ours, p.scripts.texts)
	}
	for _, files := range ours {
		for file, text := range files {
			if err := put(file, text); err != nil {
				return err
			}
		}
	}
	if err := p.packages.link(root); err != nil {
		return err
	}
	if err := os.Mkdir(filepath.Join(root, buildFolder), 0o700); err != nil {
		return err
	}
	type reference struct {
		Path string `json:"path"`
	}
	all := struct {
		Files      []string    `json:"files"`
		References []reference `json:"references"`
	}{Files: []string{}}
	for i, project := range p.projects {
		text, err := project.settings(i)
		if err != nil {
			return err
		}
		if err := put(project.name(i), text); err != nil {
			return err
		}
		all.References = append(all.References, reference{"./" + project.name(i)})
	}
	b, err := json.Marshal(all)
	if err != nil {
		return err
	}
	return put(solution, string(b))
}

// settings is the tsconfig of a project as the compiler gets it.
func (p project) settings(i int) (string, error) {
	up, _ := relative(p.dir, buildFolder)
	p.options["tsBuildInfoFile"] = fmt.Sprintf("%s/%d.tsbuildinfo", up, i)
	files := make([]string, len(p.roots))
	for i, f := range p.roots {
		rel, _ := relative(p.dir, f)
		files[i] = "./" + rel
	}
	b, err := json.MarshalIndent(map[string]any{"compilerOptions": p.options, "files": files}, "", " ")
	return string(b), err
}

// leadsOut reports whether the compiler read a file that is neither in the private folder nor its own.
func leadsOut(text, root, own string) bool {
	for line := range strings.Lines(text) {
		if name := strings.TrimSpace(line); filepath.IsAbs(name) && !strings.HasPrefix(name, root+string(filepath.Separator)) && !strings.HasPrefix(name, own) {
			return true
		}
	}
	return false
}
