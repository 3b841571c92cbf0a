package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"codeforge"
	"codeforge/internal/archive"
	"codeforge/internal/client"
)

// Remote is the server that a command speaks to.
type Remote struct {
	Server string `env:"CODEFORGE_SERVER" default:"http://127.0.0.1:8000" help:"Address of the server."`
	Token  string `env:"CODEFORGE_TOKEN" help:"Bearer token, for a server that knows users."`
}

func (r *Remote) client() client.Client {
	return client.Client{Base: strings.TrimRight(r.Server, "/"), Token: r.Token}
}

// transferLimits bound what is packed here; the server has bounds of its own.
var transferLimits = archive.Limits{Entries: 1_000_000, Unpacked: 4 << 30, Files: codeforge.MaxFiles, Taken: 4 << 30, File: 1 << 30, Text: 1 << 30}

// Import is the command that brings a project in.
type Import struct {
	From    string `arg:"" help:"A folder, a zip, tar or tar.gz, or the public https address of one."`
	Project string `help:"The project to import into; without it a new one is made." placeholder:"ID"`
	Title   string `help:"Title of a new project; without it the name of the folder or file."`
	Mode    string `enum:"merge,replace" default:"merge" help:"What becomes of files of the project that are not imported: with merge they stay, with replace they are deleted."`
	Remote
}

// importReport is what a server says of an import.
type importReport struct {
	Revision                                          int64
	Message                                           string
	Files, Created, Updated, Unchanged, Deleted, Kept int
	Bytes                                             int64
	LeftOut                                           []archive.LeftOut `json:"left_out"`
	MoreLeftOut                                       int               `json:"left_out_more"`
}

// Run implements the command.
func (i *Import) Run(ctx context.Context) error {
	c := i.client()
	send, left, err := i.open(ctx)
	if err != nil {
		return err
	}
	if i.Project == "" {
		var project codeforge.Project
		title := cmp.Or(i.Title, titleOf(i.From))
		if err := c.Call(ctx, "POST", "/v1/projects/", map[string]string{"title": codeforge.FitLength(title, codeforge.MaxTitle)}, &project); err != nil {
			return err
		}
		i.Project = project.ID
	}
	var r importReport
	if err := send(c, "/v1/projects/"+url.PathEscape(i.Project)+"/import?mode="+i.Mode, &r); err != nil {
		return err
	}
	r.LeftOut = append(left, r.LeftOut...)
	r.print(os.Stdout)
	fmt.Printf("Project   %s\nFiles     %s/v1/projects/%s/files\n", i.Project, c.Base, i.Project)
	return nil
}

// open looks at what is imported, and returns how it is sent, and what of it is left out already.
func (i *Import) open(ctx context.Context) (send func(client.Client, string, *importReport) error, left []archive.LeftOut, err error) {
	if strings.HasPrefix(i.From, "https://") {
		return func(c client.Client, path string, r *importReport) error {
			return c.Call(ctx, "POST", path, map[string]string{"url": i.From}, r)
		}, nil, nil
	}
	info, err := os.Stat(i.From)
	if err != nil {
		return nil, nil, err
	}
	if !info.IsDir() {
		return func(c client.Client, path string, r *importReport) error {
			f, err := os.Open(i.From)
			if err != nil {
				return err
			}
			defer f.Close()
			return c.Upload(ctx, "POST", path, "application/octet-stream", f, r)
		}, nil, nil
	}
	folder, err := archive.OpenFolder(ctx, os.DirFS(i.From), transferLimits)
	if err != nil {
		return nil, nil, explained(err)
	}
	if len(folder.Files) == 0 {
		return nil, nil, fmt.Errorf("%s holds no file that a project can have", i.From)
	}
	return func(c client.Client, path string, r *importReport) error {
		from, to := io.Pipe()
		defer from.Close()
		go func() { to.CloseWithError(folder.Write(ctx, archive.NewWriter(archive.TarGz, to))) }()
		return c.Upload(ctx, "POST", path, "application/gzip", from, r)
	}, folder.LeftOut, nil
}

// explained is an error of a rule, with the rule.
func explained(err error) error {
	if e, ok := errors.AsType[*codeforge.Error](err); ok && e.Details["reason"] != nil {
		return fmt.Errorf("the %v %v", e.Details["field"], e.Details["reason"])
	}
	return err
}

// titleOf is a title for what is imported from a place.
func titleOf(from string) string {
	if abs, err := filepath.Abs(from); err == nil && !strings.Contains(from, "://") {
		from = abs
	}
	name := path.Base(filepath.ToSlash(from))
	for _, ending := range []string{".zip", ".tar.gz", ".tgz", ".tar"} {
		name = strings.TrimSuffix(name, ending)
	}
	return name
}

// shownLeftOut is how many lines about what was left out somebody reads.
const shownLeftOut = 40

func (r *importReport) print(w io.Writer) {
	printSafe(w, "%s: %d files, %s, as revision %d (%d new, %d changed, %d as they were, %d deleted, %d others kept)", r.Message, r.Files, codeforge.Bytes(r.Bytes), r.Revision,
		r.Created, r.Updated, r.Unchanged, r.Deleted, r.Kept)
	slices.SortStableFunc(r.LeftOut, func(x, y archive.LeftOut) int { return strings.Compare(x.Path, y.Path) })
	shown := r.LeftOut[:min(len(r.LeftOut), shownLeftOut)]
	for _, l := range shown {
		printSafe(w, "Left out  %s: %s", l.Path, l.Reason)
	}
	if more := len(r.LeftOut) - len(shown) + r.MoreLeftOut; more > 0 {
		fmt.Fprintf(w, "Left out  %d more\n", more)
	}
}

// Export is the command that takes a project out.
type Export struct {
	Project  string `arg:"" help:"The project's id."`
	To       string `arg:"" optional:"" help:"A folder, which must be empty or not exist, or a file that ends in .zip, .tar.gz or .tgz. Left out: a zip here, called after the project."`
	Revision int64  `help:"An older revision." placeholder:"N"`
	Remote
}

// Run implements the command.
func (e *Export) Run(ctx context.Context) error {
	at := "/v1/projects/" + url.PathEscape(e.Project) + "/archive"
	query := ""
	if e.Revision > 0 {
		query = fmt.Sprintf("?revision=%d", e.Revision)
	}
	switch {
	case e.To == "" || strings.HasSuffix(e.To, ".zip"):
		return e.save(ctx, at+".zip"+query)
	case strings.HasSuffix(e.To, ".tar.gz"), strings.HasSuffix(e.To, ".tgz"):
		return e.save(ctx, at+".tar.gz"+query)
	}
	left, err := exportInto(ctx, e.client(), at+".tar.gz"+query, e.To, func(string) bool { return false })
	if err != nil {
		return err
	}
	printSafe(os.Stdout, "Written   %s", e.To)
	if len(left) > 0 {
		printSafe(os.Stdout, "Left out  %s", strings.Join(left, ", "))
	}
	return nil
}

// save writes an archive as it is: whole, or not at all.
func (e *Export) save(ctx context.Context, at string) error {
	f, err := os.CreateTemp(filepath.Dir(e.To), ".export-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // if it is still there
	name, err := e.client().Download(ctx, at, f)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	to := cmp.Or(e.To, path.Base(filepath.ToSlash(name)))
	if err := os.Rename(f.Name(), to); err != nil {
		return err
	}
	printSafe(os.Stdout, "Written   %s", to)
	return nil
}

// exportInto writes the files of an archive of the server's below a folder, which is empty or does not exist; nothing outside of it can
// be touched. It returns the paths that are left out.
func exportInto(ctx context.Context, c client.Client, at, dir string, leave func(path string) bool) (left []string, err error) {
	if err := checkEmpty(dir); err != nil {
		return nil, err
	}
	f, err := os.CreateTemp("", "export-")
	if err != nil {
		return nil, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	if _, err := c.Download(ctx, at, f); err != nil {
		return nil, err
	}
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, err
	}
	l := transferLimits
	l.Everything = true
	a, err := archive.Open(ctx, f, size, l)
	if err != nil {
		return nil, explained(err)
	}
	for _, out := range a.LeftOut {
		left = append(left, out.Path)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	err = a.Read(ctx, func(p string, content []byte) error {
		if leave(p) {
			left = append(left, p)
			return nil
		}
		if err := root.MkdirAll(path.Dir(p), 0o755); err != nil {
			return err
		}
		return root.WriteFile(p, content, 0o644)
	})
	return left, err
}

// isHidden tells what shells, editors, git and package managers run or obey when somebody merely enters the folder.
func isHidden(p string) bool { return strings.HasPrefix(p, ".") || strings.Contains(p, "/.") }

// checkEmpty refuses a folder that holds something: a stranger's files beside one's own could be obeyed by its tools.
func checkEmpty(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case len(entries) > 0:
		return fmt.Errorf("the folder %s is not empty; name an empty one, or one that does not exist", dir)
	}
	return nil
}
