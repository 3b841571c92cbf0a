package backup

import (
	"archive/tar"
	"bytes"
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
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"codeforge/internal/sqlite"
)

var errCut = errors.New("the backup ends too early: it was cut, take another one")

// Check reads a backup whole and compares it with what it says of itself. It writes nothing.
func Check(ctx context.Context, name string) (Manifest, error) {
	return walk(ctx, name, func(File, io.Reader) (io.Writer, error) { return io.Discard, nil }, nil)
}

// Restore makes a data folder of a backup: one that is not there, or an empty one. The folder gets nothing before all of the backup
// was read, its database checked, and both compared with what the backup says of itself.
func Restore(ctx context.Context, name, dir string) (m Manifest, err error) {
	parent, fresh := filepath.Dir(filepath.Clean(dir)), false
	switch entries, err := os.ReadDir(dir); {
	case errors.Is(err, fs.ErrNotExist):
		fresh = true
		if err := os.MkdirAll(parent, 0o700); err != nil {
			return m, err
		}
	case err != nil:
		return m, err
	case len(entries) > 0:
		return m, fmt.Errorf("%s holds files (%s): restore into an empty folder, or one that is not there; nothing is overwritten", dir, entries[0].Name())
	default:
		parent = dir // it may be a volume, which nothing can be moved over
	}
	stage, err := os.MkdirTemp(parent, ".codeforge-restore-*")
	if err != nil {
		return m, err
	}
	defer os.RemoveAll(stage)
	if m, err = unpack(ctx, name, stage); err != nil {
		return m, err
	}
	if err := checkDatabase(filepath.Join(stage, sqlite.DatabaseName), m.Database); err != nil {
		return m, err
	}
	if fresh {
		if err := os.Rename(stage, dir); err != nil {
			return m, err
		}
		return m, syncDir(parent)
	}
	// The database last: without it the folder is none yet. A server that began one meanwhile keeps it.
	for _, f := range slices.Backward(m.Files) {
		to := filepath.Join(dir, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			return m, err
		}
		if err := place(filepath.Join(stage, filepath.FromSlash(f.Name)), to); err != nil {
			return m, err
		}
	}
	return m, nil
}

// unpack writes the files of a backup into a folder of its own.
func unpack(ctx context.Context, name, dir string) (Manifest, error) {
	var open *os.File
	closed := func() error {
		if open == nil {
			return nil
		}
		err := errors.Join(open.Sync(), open.Close())
		open = nil
		return err
	}
	m, err := walk(ctx, name, func(f File, _ io.Reader) (io.Writer, error) {
		if err := closed(); err != nil {
			return nil, err
		}
		to := filepath.Join(dir, filepath.FromSlash(f.Name))
		err := os.MkdirAll(filepath.Dir(to), 0o700)
		if err == nil {
			open, err = os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		}
		return open, err
	}, func(m Manifest) error {
		if free, known := sqlite.FreeBytes(dir); known && uint64(m.Bytes()) > free {
			return fmt.Errorf("the backup needs %d MB, and %d are left on the disk of %s", m.Bytes()>>20, free>>20, filepath.Dir(dir))
		}
		return nil
	})
	return m, errors.Join(err, closed(), syncDir(dir))
}

// walk reads a backup: its manifest, which fits may refuse, then each file, into what open gives.
func walk(ctx context.Context, name string, open func(File, io.Reader) (io.Writer, error), fits func(Manifest) error) (m Manifest, err error) {
	in, err := os.Open(name)
	if err != nil {
		return m, err
	}
	defer in.Close()
	unpacked, err := gzip.NewReader(reader{ctx, in})
	if err != nil {
		return m, notBackup(ctx, err)
	}
	archive := tar.NewReader(unpacked)
	if m, err = readManifest(ctx, archive); err != nil {
		return m, err
	}
	if fits != nil {
		if err := fits(m); err != nil {
			return m, err
		}
	}
	for _, f := range m.Files {
		head, err := archive.Next()
		switch {
		case err != nil:
			return m, notBackup(ctx, err)
		case head.Typeflag != tar.TypeReg || head.Name != f.Name || head.Size != f.Bytes:
			return m, fmt.Errorf("the backup holds %q where it says %s of %d bytes: it was changed", head.Name, f.Name, f.Bytes)
		}
		to, err := open(f, archive)
		if err != nil {
			return m, err
		}
		sum := sha256.New()
		if _, err := io.Copy(io.MultiWriter(to, sum), archive); err != nil {
			return m, notBackup(ctx, err)
		}
		if hex.EncodeToString(sum.Sum(nil)) != f.Hash {
			return m, fmt.Errorf("%s is not what the backup says that it is: the backup was changed, or its disk is damaged", f.Name)
		}
	}
	switch head, err := archive.Next(); {
	case err == nil:
		return m, fmt.Errorf("the backup holds %q, which it does not speak of: it was changed", head.Name)
	case !errors.Is(err, io.EOF):
		return m, notBackup(ctx, err)
	}
	// The sum of the archive itself stands at its end.
	if n, err := io.Copy(io.Discard, io.LimitReader(unpacked, maxManifest)); err != nil {
		return m, notBackup(ctx, err)
	} else if n == maxManifest {
		return m, errors.New("the backup does not end where its files do: it was changed")
	}
	return m, nil
}

// notBackup says what an archive that cannot be read is.
func notBackup(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return errCut
	case errors.Is(err, gzip.ErrHeader) || errors.Is(err, tar.ErrHeader):
		return errors.New("that is no backup of CodeForge")
	case errors.Is(err, gzip.ErrChecksum):
		return errors.New("the backup was changed, or its disk is damaged: its sum is another one")
	}
	return fmt.Errorf("the backup cannot be read: %w", err)
}

// readManifest reads what a backup says of itself, and refuses what no program of ours would say.
func readManifest(ctx context.Context, archive *tar.Reader) (m Manifest, err error) {
	head, err := archive.Next()
	if err != nil {
		return m, notBackup(ctx, err)
	}
	if head.Name != manifestName || head.Typeflag != tar.TypeReg || head.Size > maxManifest {
		return m, errors.New("that is no backup of CodeForge")
	}
	text, err := io.ReadAll(archive)
	if err != nil {
		return m, notBackup(ctx, err)
	}
	var version struct{ Format int }
	if err := json.Unmarshal(text, &version); err != nil {
		return m, errors.New("that is no backup of CodeForge")
	}
	if version.Format != format {
		return m, fmt.Errorf("the backup is of format %d, this program knows %d: use the version that made it, or a later one", version.Format, format)
	}
	strict := json.NewDecoder(bytes.NewReader(text))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&m); err != nil {
		return m, errors.New("the backup does not say what it holds: it was changed")
	}
	if len(m.Files) == 0 || len(m.Files) > maxFiles || m.Files[0].Name != sqlite.DatabaseName {
		return m, errors.New("the backup holds no database")
	}
	seen := map[string]bool{}
	for i, f := range m.Files {
		name := strings.ToLower(f.Name) // the disk may not tell them apart
		switch {
		case i > 0 && !kept.MatchString(f.Name) || seen[name]:
			return m, fmt.Errorf("the backup holds %q, which is no file of a data folder: it was made up", f.Name)
		case f.Bytes < 0 || i > 0 && f.Bytes > maxSmall:
			return m, fmt.Errorf("%s cannot have %d bytes: the backup was made up", f.Name, f.Bytes)
		}
		seen[name] = true
	}
	return m, nil
}

// checkDatabase compares a database with what its backup says of it.
func checkDatabase(name string, want sqlite.Inspection) error {
	got, err := sqlite.Inspect(name)
	if err != nil {
		return err
	}
	if !slices.Equal(got.Migrations, want.Migrations) || !reflect.DeepEqual(got.Rows, want.Rows) {
		return errors.New("the database does not hold what the backup says: it was changed")
	}
	return nil
}
