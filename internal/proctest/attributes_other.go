//go:build unix && !linux

package proctest

import "syscall"

// Attributes make a program run as somebody. Known hole: here programs outlive tests that are killed.
func Attributes(as *syscall.Credential, _ syscall.Signal) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: as, Setpgid: true}
}
