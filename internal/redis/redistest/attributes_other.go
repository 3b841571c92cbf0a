//go:build unix && !linux

package redistest

import "syscall"

// attributes. Known hole: here the programs outlive tests that are killed.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
