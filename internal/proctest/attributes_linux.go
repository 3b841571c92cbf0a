package proctest

import "syscall"

// Attributes make a program run as somebody (nil: who runs the tests), and get a signal when the tests end, however they do.
func Attributes(as *syscall.Credential, death syscall.Signal) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: as, Pdeathsig: death, Setpgid: true}
}
