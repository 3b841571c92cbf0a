// Package backup keeps the data folder of an embedded store as one file, and makes a folder of such a file again. What is kept is
// what cannot be had again: the database, with all that projects hold, and the secrets and certificates that were made in the folder.
// Caches are left out.
//
// A backup is a tar archive, compressed by gzip. Its first entry says what the others are, with their sizes and sums; so one that was
// cut, changed or made up is refused before anything is put in its place.
package backup

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"time"

	"codeforge"
	"codeforge/internal/sqlite"
)

const (
	format       = 1
	manifestName = "manifest.json"
	maxManifest  = 1 << 20 // bytes
	maxSmall     = 1 << 20 // bytes of a secret or a certificate
	maxFiles     = 10_000
)

// Manifest is the first entry of a backup.
type Manifest struct {
	Format   int               `json:"format"`
	Version  string            `json:"version"` // of the program that made it
	Made     time.Time         `json:"made"`
	Database sqlite.Inspection `json:"database"`
	Files    []File            `json:"files"` // in their order
}

// File is one file of a data folder.
type File struct {
	Name  string `json:"name"` // with slashes
	Bytes int64  `json:"bytes"`
	Hash  string `json:"sha256"`
}

// Bytes is how many bytes all files have.
func (m Manifest) Bytes() (n int64) {
	for _, f := range m.Files {
		n += f.Bytes
	}
	return n
}

// kept are the files besides the database that are kept: secrets, and what an ACME authority gave.
var kept = regexp.MustCompile(`^([a-z][a-z0-9-]{0,62}\.secret|certificates/[A-Za-z0-9][A-Za-z0-9._+-]{0,200})$`)

// Create writes a backup of a data folder, which a server may have open, to a file, or into a folder under a name of its own. A file
// that is there is not overwritten. It returns the file's name.
func Create(ctx context.Context, dir, to string) (name string, m Manifest, err error) {
	m = Manifest{Format: format, Version: codeforge.Version, Made: time.Now().UTC().Truncate(time.Second)}
	if info, err := os.Stat(to); err == nil && info.IsDir() {
		to = filepath.Join(to, "codeforge-"+m.Made.Format("20060102T150405Z")+".tar.gz")
	}
	if _, err := os.Lstat(to); !errors.Is(err, fs.ErrNotExist) {
		if err == nil {
			err = fmt.Errorf("%s is there already: name another file", to)
		}
		return "", m, err
	}
	// Beside the result, so that it fits there and is moved, not copied.
	work, err := os.MkdirTemp(filepath.Dir(to), ".codeforge-backup-*")
	if err != nil {
		return "", m, err
	}
	defer os.RemoveAll(work)
	snapshot := filepath.Join(work, sqlite.DatabaseName)
	if err := sqlite.Snapshot(ctx, dir, snapshot); err != nil {
		return "", m, err
	}
	if m.Database, err = sqlite.Inspect(snapshot); err != nil {
		return "", m, err
	}
	small, err := readSmall(dir)
	if err != nil {
		return "", m, err
	}
	database, err := describe(snapshot)
	if err != nil {
		return "", m, err
	}
	m.Files = append(m.Files, database)
	for _, f := range small {
		m.Files = append(m.Files, f.File)
	}
	archive := filepath.Join(work, "archive")
	if err := write(ctx, archive, m, snapshot, small); err != nil {
		return "", m, err
	}
	if _, err := Check(ctx, archive); err != nil {
		return "", m, fmt.Errorf("what was written cannot be read again: %w", err)
	}
	return to, m, place(archive, to)
}

// place gives a finished file its name, unless something has it.
func place(file, name string) error {
	err := os.Link(file, name)
	if err != nil && !errors.Is(err, fs.ErrExist) { // a file system without links
		if _, there := os.Lstat(name); errors.Is(there, fs.ErrNotExist) {
			err = os.Rename(file, name)
		}
	}
	if err != nil {
		return err
	}
	return syncDir(filepath.Dir(name))
}

// small is a file that is held whole.
type small struct {
	File
	data []byte
}

// readSmall reads the files besides the database.
func readSmall(dir string) (all []small, err error) {
	for _, sub := range []string{".", "certificates"} {
		entries, err := os.ReadDir(filepath.Join(dir, sub))
		if err != nil && !(sub != "." && errors.Is(err, fs.ErrNotExist)) {
			return nil, err
		}
		for _, e := range entries {
			name := path.Join(sub, e.Name())
			if !e.Type().IsRegular() || !kept.MatchString(name) {
				continue
			}
			data, err := os.ReadFile(filepath.Join(dir, name))
			switch {
			case errors.Is(err, fs.ErrNotExist): // replaced meanwhile, as certificates are
				continue
			case err != nil:
				return nil, err
			case len(data) > maxSmall:
				return nil, fmt.Errorf("%s has %d bytes, so it is no secret: move it away", name, len(data))
			}
			sum := sha256.Sum256(data)
			all = append(all, small{File{name, int64(len(data)), hex.EncodeToString(sum[:])}, data})
		}
	}
	return all, nil
}

// describe reads the database that is kept.
func describe(name string) (File, error) {
	f, err := os.Open(name)
	if err != nil {
		return File{}, err
	}
	defer f.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, f)
	return File{filepath.Base(name), n, hex.EncodeToString(sum.Sum(nil))}, err
}

// write makes the archive.
func write(ctx context.Context, name string, m Manifest, database string, others []small) (err error) {
	out, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	packed, err := gzip.NewWriterLevel(out, gzip.BestSpeed)
	if err != nil {
		return err
	}
	archive := tar.NewWriter(packed)
	entry := func(name string, bytes int64) error {
		return archive.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: bytes, Mode: 0o600, ModTime: m.Made, Format: tar.FormatPAX})
	}
	head, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	if err := entry(manifestName, int64(len(head))); err != nil {
		return err
	}
	if _, err := archive.Write(head); err != nil {
		return err
	}
	in, err := os.Open(database)
	if err != nil {
		return err
	}
	defer in.Close()
	if err := entry(m.Files[0].Name, m.Files[0].Bytes); err != nil {
		return err
	}
	if _, err := io.Copy(archive, reader{ctx, in}); err != nil {
		return err
	}
	for _, f := range others {
		if err := entry(f.Name, f.Bytes); err != nil {
			return err
		}
		if _, err := archive.Write(f.data); err != nil {
			return err
		}
	}
	return errors.Join(archive.Close(), packed.Close(), out.Sync())
}

// reader reads until somebody gives up.
type reader struct {
	ctx context.Context
	in  io.Reader
}

func (r reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.in.Read(p)
}

func syncDir(name string) error {
	d, err := os.Open(name)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, fs.ErrInvalid) && !errors.Is(err, fs.ErrPermission) {
		return err
	}
	return nil
}
