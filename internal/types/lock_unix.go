//go:build unix

package types

import (
	"os"
	"syscall"
)

// lockFolder takes a folder for this process, and reports whether no other one has it.
func lockFolder(f *os.File) bool {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil
}
