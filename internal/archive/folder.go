package archive

import (
	"context"
	"io/fs"
	"path"
	"strings"

	"codeforge"
)

// Folder is what is taken of a folder of this machine.
type Folder struct {
	Files   []File
	LeftOut []LeftOut

	fsys fs.FS
}

// OpenFolder looks through a folder by the rules that hold for archives. Folders that are left out are not entered.
func OpenFolder(ctx context.Context, fsys fs.FS, l Limits) (*Folder, error) {
	w := &walk{ctx: ctx, fsys: fsys, limits: l, rules: newRules(), choice: newChoice(l)}
	if err := w.folder("", "."); err != nil {
		return nil, err
	}
	files := w.choice.files
	if len(files) > l.Files {
		return nil, refused("holds %d files after all that is left out: a project has at most %d", len(files), l.Files)
	}
	return &Folder{files, w.choice.leftOut(), fsys}, nil
}

// Write packs what is taken.
func (f *Folder) Write(ctx context.Context, w *Writer) error {
	for _, file := range f.Files {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		content, err := fs.ReadFile(f.fsys, file.Path)
		if err == nil {
			err = w.Add(file.Path, content)
		}
		if err != nil {
			return err
		}
	}
	return w.Close()
}

type walk struct {
	ctx    context.Context
	fsys   fs.FS
	limits Limits
	rules  *rules
	choice *choice
	seen   int
}

// folder takes what is to be taken of a folder, in order of its names.
func (w *walk) folder(at, dir string) error {
	if w.ctx.Err() != nil {
		return context.Cause(w.ctx)
	}
	rows, err := fs.ReadDir(w.fsys, dir)
	if err != nil {
		return err
	}
	for _, row := range rows { // what says of the others what is left out comes first
		switch name := row.Name(); {
		case !row.Type().IsRegular():
		case name == ".gitignore":
			text, err := fs.ReadFile(w.fsys, path.Join(dir, name))
			if err != nil {
				return err
			}
			w.rules.ignore[at] = parsePatterns(text)
		case name == "package.json":
			w.rules.packages[at] = true
		}
	}
	for _, row := range rows {
		if err := w.row(strings.TrimPrefix(at+"/"+row.Name(), "/"), row); err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) row(p string, row fs.DirEntry) error {
	if w.seen++; w.seen > w.limits.Entries {
		return refused("has more than %d entries", w.limits.Entries)
	}
	isFolder := row.IsDir()
	_, reason, err := w.rules.leftOut(p, isFolder)
	if err != nil {
		return err
	}
	switch {
	case isFolder && reason == "":
		if strings.Count(p, "/") > codeforge.MaxPath/2 {
			return nil // deeper than any path may be
		}
		return w.folder(p, p)
	case isFolder:
		w.choice.out[p+"/"] = &LeftOut{Path: p + "/", Reason: reason}
		return nil
	}
	it := item{path: p, number: w.seen}
	switch t := row.Type(); {
	case t&fs.ModeSymlink != 0:
		it.kind = link
	case !t.IsRegular():
		it.kind = special
	default:
		info, err := row.Info()
		if err != nil {
			return err
		}
		it.size = info.Size()
	}
	if reason == "" {
		reason = kindReasons[it.kind]
	}
	w.choice.add(it, p, reason)
	return nil
}
