//go:build unix && !linux

package pgtest

import "syscall"

// attributes. Known hole: here the programs outlive tests that are killed.
func attributes(as *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: as, Setpgid: true}
}
