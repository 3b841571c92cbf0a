//go:build unix && !linux

package sandbox

import (
	"os/exec"
	"syscall"
)

// ownGroup makes a program the head of a group that ends with it.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
