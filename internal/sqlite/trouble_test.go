package sqlite_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"codeforge"
	"codeforge/internal/sqlite"
	"codeforge/internal/storetest"
)

// told wants an error in plain words, with the way back.
func told(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one about %q", words)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%q does not say %q", err, w)
		}
	}
}

// used is a data folder that holds a project.
func used(t *testing.T) (dir string, id string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "data")
	s, err := sqlite.Open(t.Context(), dir, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.CreateProject(t.Context(), codeforge.LocalUser(), codeforge.Project{Title: "Kept"})
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	return dir, p.ID
}

// A database that was lost is not begun anew in silence.
func TestLostDatabaseIsTold(t *testing.T) {
	for name, c := range map[string]struct {
		lose  func(db string) error
		words []string
	}{
		"emptied":         {func(db string) error { return os.Truncate(db, 0) }, []string{"was emptied", "restore the folder from a backup", "begin anew"}},
		"removed":         {os.Remove, []string{"is missing", "restore the folder from a backup", "begin anew"}},
		"without a table": {func(db string) error { os.Remove(db); s, err := os.Create(db); s.Close(); return err }, []string{"was emptied", "restore"}},
		"damaged":         {func(db string) error { return os.WriteFile(db, []byte(strings.Repeat("x", 9000)), 0o600) }, []string{"damaged", "restore the folder from a backup", ".recover"}},
		"torn": {func(db string) error {
			f, err := os.OpenFile(db, os.O_RDWR, 0)
			if err == nil {
				_, err = f.WriteAt([]byte(strings.Repeat("\xff", 4000)), 50)
				f.Close()
			}
			return err
		}, []string{"damaged", "restore the folder from a backup"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir, _ := used(t)
			if err := c.lose(filepath.Join(dir, "codeforge.db")); err != nil {
				t.Fatal(err)
			}
			before, _ := os.ReadFile(filepath.Join(dir, "codeforge.db"))
			for range 2 { // and not the second time either
				_, err := sqlite.Open(t.Context(), dir, sqlite.Options{})
				told(t, err, append(c.words, dir)...)
			}
			if after, _ := os.ReadFile(filepath.Join(dir, "codeforge.db")); string(after) != string(before) {
				t.Error("what was left of it was changed")
			}
		})
	}
}

// A process that died at its first start left nothing that could be lost, and a folder from before knows nothing of loss.
func TestFirstStartsAreNoLoss(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "codeforge.db"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	open(t, dir, sqlite.Options{})

	dir, id := used(t)
	if err := os.WriteFile(filepath.Join(dir, "lock"), []byte("4711\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir, sqlite.Options{})
	if _, err := s.GetProject(t.Context(), codeforge.LocalUser(), id); err != nil {
		t.Error(err)
	}
}

// What befalls the folder while the server runs shows when it is asked how it is.
func TestTroubleWhileOpen(t *testing.T) {
	for name, c := range map[string]struct {
		do    func(dir string) error
		words string
	}{
		"removed": {os.RemoveAll, "moved, removed or replaced"},
		"moved":   {func(dir string) error { return os.Rename(dir, dir+".old") }, "moved, removed or replaced"},
		"replaced": {func(dir string) error {
			db := filepath.Join(dir, "codeforge.db")
			return errors.Join(os.Remove(db), os.WriteFile(db, []byte("x"), 0o600))
		}, "moved, removed or replaced"},
		"emptied": {func(dir string) error { return os.Truncate(filepath.Join(dir, "codeforge.db"), 0) }, "emptied"},
	} {
		t.Run(name, func(t *testing.T) {
			dir, _ := used(t)
			s, err := sqlite.Open(t.Context(), dir, sqlite.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close() // which may fail
			if err := s.Ping(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := c.do(dir); err != nil {
				t.Fatal(err)
			}
			err = s.Ping(t.Context())
			if told(t, err, c.words); !codeforge.IsKind(err, codeforge.Unavailable) {
				t.Error(err)
			}
		})
	}
}

func TestFullDiskIsTold(t *testing.T) {
	full := false
	s := open(t, t.TempDir(), sqlite.Options{Fault: func() (bool, error) {
		if full {
			return false, fmt.Errorf("commit: %w", syscall.ENOSPC)
		}
		return true, nil
	}})
	full = true
	_, err := s.CreateProject(t.Context(), codeforge.LocalUser(), codeforge.Project{Title: "No room"})
	if told(t, err, "disk of the data folder is full"); !codeforge.IsKind(err, codeforge.Unavailable) {
		t.Error(err)
	}
	full = false
	if _, err := s.CreateProject(t.Context(), codeforge.LocalUser(), codeforge.Project{Title: "Room again"}); err != nil {
		t.Error(err)
	}
}

// A clock that was set back while nothing ran holds up nothing that was queued before.
func TestClockSetBackBetweenStarts(t *testing.T) {
	dir := t.TempDir()
	ahead := 48 * time.Hour
	o := sqlite.Options{Now: func() time.Time { return codeforge.Now().Add(ahead) }}
	s, err := sqlite.Open(t.Context(), dir, o)
	if err != nil {
		t.Fatal(err)
	}
	u := codeforge.LocalUser()
	p, err := s.CreateProject(t.Context(), u, codeforge.Project{Title: "Queued"})
	if err != nil {
		t.Fatal(err)
	}
	j, _, _, err := s.SubmitJob(t.Context(), u, codeforge.NewJob{ProjectID: p.ID, Agent: codeforge.QA})
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	ahead = 0
	s = open(t, dir, o)
	if _, err := s.ReleaseAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	if queued, err := s.CountQueued(t.Context()); err != nil || queued != 1 {
		t.Fatal(queued, err)
	}
	if _, ok, err := storetest.Claim(t.Context(), s, j.ID, "w", time.Minute); !ok || err != nil {
		t.Error(ok, err)
	}
}
