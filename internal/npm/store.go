package npm

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// store is the folder of unpacked packages, each in a folder named by the sum of its tarball: what two projects have is
// there once. A package comes into being by renaming a folder that is whole, and goes by being renamed first, so that
// other processes see all of it or nothing. After a power cut a file may be shorter than it was: the folder can be
// deleted at any time.
type store struct {
	dir   string
	limit int64
	now   func() time.Time

	mu      sync.Mutex
	bytes   int64 // as far as is known
	counted time.Time
}

// stored is what is noted of a package beside its files.
type stored struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Bytes   int64  `json:"bytes"`
	Files   int    `json:"files"`
	Skipped int    `json:"skipped,omitempty"`
	Token   bool   `json:"token,omitempty"` // it came by a token of this machine: who may not use that does not get it
}

const (
	noteFile   = "package.note"
	filesDir   = "files"
	inUse      = 10 * time.Minute // what was used this lately is not evicted: somebody may be reading it
	countAgain = 10 * time.Minute // other processes add to the folder too
	leftover   = time.Hour        // when what a killed process was unpacking is swept
)

var errCacheFull = errors.New("the package cache is full of packages in use; NPM_CACHE_BYTES gives it more room")

func (s *store) folder(key string) string { return filepath.Join(s.dir, "packages", key[:2], key) }

// find is the folder of a package's files, if it is there.
func (s *store) find(key string) (string, stored, bool) {
	folder := s.folder(key)
	note := filepath.Join(folder, noteFile)
	b, err := os.ReadFile(note)
	var meta stored
	if err != nil || json.Unmarshal(b, &meta) != nil {
		return "", meta, false
	}
	if info, err := os.Stat(note); err == nil && s.now().Sub(info.ModTime()) > inUse/4 {
		_ = os.Chtimes(note, s.now(), s.now()) // where it cannot be written, what is there serves all the same
	}
	return filepath.Join(folder, filesDir), meta, true
}

// add unpacks a tarball and puts it there under a key, once it has the sum that it should have.
func (s *store) add(key string, want integrity, tarball io.Reader, tool bool, check func(dir string) (stored, error)) (string, stored, error) {
	var meta stored
	if err := s.makeRoom(0); err != nil {
		return "", meta, err
	}
	temporary := filepath.Join(s.dir, "tmp")
	if err := os.MkdirAll(temporary, 0o755); err != nil {
		return "", meta, err
	}
	work, err := os.MkdirTemp(temporary, "unpack-")
	if err != nil {
		return "", meta, err
	}
	defer os.RemoveAll(work)
	files := filepath.Join(work, filesDir)
	if err := os.Mkdir(files, 0o755); err != nil {
		return "", meta, err
	}
	r, verify := hashed(tarball, want)
	c, err := unpack(r, files, tool)
	if bad, bounded := errors.AsType[*boundError](err); bounded {
		return "", meta, bad
	}
	// The sum comes first: of a tarball that is cut it says more than where the cut is.
	if sum := verify(); sum != nil {
		return "", meta, sum
	}
	if err != nil {
		return "", meta, err
	}
	if meta, err = check(files); err != nil {
		return "", meta, err
	}
	meta.Bytes, meta.Files, meta.Skipped = c.bytes, c.files, c.skipped
	note, err := json.Marshal(meta)
	if err != nil {
		return "", meta, err
	}
	if err := os.WriteFile(filepath.Join(work, noteFile), note, 0o644); err != nil {
		return "", meta, err
	}
	if err := errors.Join(os.Chtimes(filepath.Join(work, noteFile), s.now(), s.now()), os.Chmod(work, 0o755)); err != nil {
		return "", meta, err
	}
	folder := s.folder(key)
	if err := os.MkdirAll(filepath.Dir(folder), 0o755); err != nil {
		return "", meta, err
	}
	if err := os.Rename(work, folder); err != nil {
		if _, known, ok := s.find(key); ok { // somebody else was faster, or had it by a token
			if known.Token && !meta.Token {
				return filepath.Join(folder, filesDir), meta, writeFile(filepath.Join(folder, noteFile), note)
			}
			return filepath.Join(folder, filesDir), known, nil
		}
		return "", meta, err
	}
	return filepath.Join(folder, filesDir), meta, s.makeRoom(onDisk(meta))
}

// onDisk is about what a package takes: files take whole blocks.
func onDisk(m stored) int64 { return m.Bytes + 2048*int64(m.Files) }

// item is what can be evicted.
type item struct {
	path  string
	bytes int64
	used  time.Time
}

// makeRoom notes what was added, and evicts what was not used for longest when there is more than there may be. What is
// used now stays, even where that is more; beyond twice the limit nothing is added.
func (s *store) makeRoom(added int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bytes += added
	if room := s.bytes <= s.limit || added == 0 && s.bytes <= 2*s.limit; room && s.now().Sub(s.counted) < countAgain {
		return nil
	}
	items := s.items()
	s.bytes, s.counted = 0, s.now()
	for _, i := range items {
		s.bytes += i.bytes
	}
	slices.SortFunc(items, func(a, b item) int { return a.used.Compare(b.used) })
	for _, i := range items {
		if s.bytes <= s.limit || s.now().Sub(i.used) < inUse {
			break
		}
		if s.evict(i) {
			s.bytes -= i.bytes
		}
	}
	if s.bytes > 2*s.limit {
		return errCacheFull
	}
	return nil
}

func (s *store) evict(i item) bool {
	trash, err := os.MkdirTemp(filepath.Join(s.dir, "tmp"), "evict-")
	if err != nil {
		return false
	}
	defer os.RemoveAll(trash)
	return os.Rename(i.path, filepath.Join(trash, "x")) == nil
}

// items lists what is there, and sweeps what processes that were killed have left.
func (s *store) items() []item {
	var out []item
	notes, _ := filepath.Glob(filepath.Join(s.dir, "packages", "*", "*", noteFile))
	for _, note := range notes {
		var meta stored
		info, err := os.Stat(note)
		if b, unread := os.ReadFile(note); err == nil && unread == nil && json.Unmarshal(b, &meta) == nil {
			out = append(out, item{filepath.Dir(note), onDisk(meta), info.ModTime()})
		}
	}
	_ = filepath.WalkDir(filepath.Join(s.dir, "metadata"), func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return nil //nolint:nilerr // what cannot be read is not counted
		}
		if info, err := e.Info(); err == nil {
			if strings.HasPrefix(e.Name(), ".new-") {
				if s.now().Sub(info.ModTime()) > leftover {
					os.Remove(name)
				}
			} else {
				out = append(out, item{name, info.Size(), info.ModTime()})
			}
		}
		return nil
	})
	work, _ := os.ReadDir(filepath.Join(s.dir, "tmp"))
	for _, e := range work {
		if info, err := e.Info(); err == nil && s.now().Sub(info.ModTime()) > leftover {
			os.RemoveAll(filepath.Join(s.dir, "tmp", e.Name()))
		}
	}
	return out
}
