package npm

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"unicode/utf8"
)

// Bounds on one package. The largest that pages are made of (sets of icons, compilers) stay below half of each.
const (
	mostEntries    = 60_000
	mostCompressed = 128 << 20
	mostUnpacked   = 300 << 20
	longestPath    = 400
	deepestPath    = 32
)

// boundError is a package beyond a bound.
type boundError struct{ text string }

func (e *boundError) Error() string { return e.text }

// contents is what was unpacked.
type contents struct {
	bytes   int64
	files   int
	skipped int // native addons and links, which are left out
}

// unpack writes the files of a tarball into a folder, and nothing else: folders and plain files below it. Links and devices
// are left out, as npm leaves them out; a path that leads elsewhere makes the whole package one to be refused. Native
// addons (*.node) are left out, and files are not executable, unless tool says that the program itself wants it.
func unpack(r io.Reader, dir string, tool bool) (c contents, err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return c, err
	}
	defer root.Close()
	zip, err := gzip.NewReader(r)
	if err != nil {
		return c, fmt.Errorf("it is not compressed as packages are: %w", err)
	}
	bounded := &boundedReader{r: zip, left: mostUnpacked + mostEntries*1024}
	archive := tar.NewReader(bounded)
	made := map[string]bool{}
	for entries := 0; ; entries++ {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return c, err
		}
		if entries >= mostEntries {
			return c, &boundError{fmt.Sprintf("it has more than %d entries", mostEntries)}
		}
		name, err := entryPath(h.Name)
		if err != nil {
			return c, err
		}
		switch {
		case name == "" || h.Typeflag == tar.TypeDir:
			continue
		case h.Typeflag != tar.TypeReg, !tool && strings.HasSuffix(strings.ToLower(name), ".node"):
			c.skipped++
			continue
		}
		if c.bytes += h.Size; h.Size < 0 || c.bytes > mostUnpacked {
			return c, &boundError{fmt.Sprintf("it unpacks to more than %d MB", mostUnpacked>>20)}
		}
		if parent := path.Dir(name); parent != "." && !made[parent] {
			if err := root.MkdirAll(parent, 0o755); err != nil {
				return c, err
			}
			made[parent] = true
		}
		mode := fs.FileMode(0o644)
		if tool && h.Mode&0o100 != 0 {
			mode = 0o755
		}
		if err := writeEntryFile(root, name, archive, mode); err != nil {
			return c, err
		}
		c.files++
	}
	// What follows the archive counts too: a sum is of all bytes.
	_, err = io.Copy(io.Discard, bounded)
	return c, err
}

func writeEntryFile(root *os.Root, name string, r io.Reader, mode fs.FileMode) error {
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}

// entryPath is where an entry goes: its path without the first folder, which packages call as they like.
func entryPath(name string) (string, error) {
	switch {
	case strings.HasPrefix(name, "/"), strings.ContainsAny(name, "\\\x00"), !utf8.ValidString(name), len(name) > 1 && name[1] == ':':
		return "", fmt.Errorf("it holds the path %q", short(name))
	case len(name) > longestPath, strings.Count(name, "/") > deepestPath:
		return "", &boundError{fmt.Sprintf("it holds a path longer than %d characters or %d folders", longestPath, deepestPath)}
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == ".." {
			return "", fmt.Errorf("it holds the path %q, which leads out of it", short(name))
		}
	}
	_, rest, _ := strings.Cut(strings.TrimPrefix(path.Clean(name), "./"), "/")
	return rest, nil
}

// boundedReader ends with an error where more comes than may.
type boundedReader struct {
	r    io.Reader
	left int64
}

func (b *boundedReader) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, &boundError{"it is larger than a package may be"}
	}
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.r.Read(p)
	b.left -= int64(n)
	return n, err
}

// hashed reads a tarball while its sum is taken.
func hashed(r io.Reader, want integrity) (io.Reader, func() error) {
	h := newHash(want.algorithm)
	bounded := &boundedReader{r: r, left: mostCompressed}
	tee := bufio.NewReaderSize(io.TeeReader(bounded, h), 64<<10)
	return tee, func() error {
		if _, err := io.Copy(io.Discard, tee); err != nil {
			return err
		}
		if !want.holds(h.Sum(nil)) {
			return errIntegrity
		}
		return nil
	}
}

var errIntegrity = errors.New("its sum is another than the lock or the registry says")
