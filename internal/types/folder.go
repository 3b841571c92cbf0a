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
	"time"

	"codeforge"
	"codeforge/internal/sandbox"
)

// Private folders are locked by the process that uses them. One that is being made has another name until it is.
const (
	folderPrefix = "check-"
	newPrefix    = "new-"
	leftover     = time.Hour // when one that was never made whole is swept
)

// sweep removes private folders of processes that are gone.
func sweep(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := filepath.Join(dir, e.Name())
		f, err := os.Open(name)
		if err != nil {
			continue // somebody else was faster
		}
		info, err := f.Stat()
		old := strings.HasPrefix(e.Name(), newPrefix) && err == nil && time.Since(info.ModTime()) > leftover
		if old || strings.HasPrefix(e.Name(), folderPrefix) && lockFolder(f) {
			err = errors.Join(err, os.RemoveAll(name))
		}
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	return nil
}

// privateFolder makes a folder that is this process's until done.
func privateFolder(dir string) (folder string, done func(), err error) {
	made, err := os.MkdirTemp(dir, newPrefix)
	if err != nil {
		return "", nil, err
	}
	f, err := os.Open(made)
	if err != nil {
		return "", nil, errors.Join(err, os.Remove(made))
	}
	lockFolder(f)
	folder = filepath.Join(dir, folderPrefix+strings.TrimPrefix(filepath.Base(made), newPrefix))
	if err := os.Rename(made, folder); err != nil {
		return "", nil, errors.Join(err, f.Close(), os.Remove(made))
	}
	return folder, func() {
		os.RemoveAll(folder) // what cannot be removed is swept later
		f.Close()
	}, nil
}

// buildFolder is the one folder that the compiler may write to.
const buildFolder = ".build"

// mostOutput bounds what is read of the compiler.
const mostOutput = 8 << 20

// compile writes a private folder, runs the compiler over it and removes it.
func (c *Checker) compile(ctx context.Context, compiler program, p *plan) ([]finding, error) {
	ctx, cancel := context.WithTimeout(ctx, c.o.Deadline)
	defer cancel()
	root, done, err := privateFolder(c.o.Dir)
	if err != nil {
		return nil, onDisk(err)
	}
	defer done()
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
