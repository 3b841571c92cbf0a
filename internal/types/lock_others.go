//go:build !unix

package types

import (
	"os"
	"time"
)

// lockFolder reports whether no process has a folder. Here that cannot be seen: one that is old is nobody's.
func lockFolder(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && time.Since(info.ModTime()) > 24*time.Hour
}
