//go:build linux || darwin || freebsd

package sqlite

import "syscall"

// FreeBytes is how many bytes can be written to a folder's disk, where that is known.
func FreeBytes(dir string) (free uint64, known bool) {
	var s syscall.Statfs_t
	if syscall.Statfs(dir, &s) != nil || int64(s.Bavail) < 0 { // signed on some systems
		return 0, false
	}
	return uint64(s.Bavail) * uint64(s.Bsize), true
}
