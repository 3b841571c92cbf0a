//go:build linux || darwin || freebsd

package sqlite

import "syscall"

// freeBytes is how many bytes can be written to a folder's disk; 0: not known.
func freeBytes(dir string) uint64 {
	var s syscall.Statfs_t
	if syscall.Statfs(dir, &s) != nil || int64(s.Bavail) < 0 { // signed on some systems
		return 0
	}
	return uint64(s.Bavail) * uint64(s.Bsize)
}
