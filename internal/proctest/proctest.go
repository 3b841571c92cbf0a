//go:build unix

// Package proctest starts programs of this machine for tests: servers on free ports, which end with the test binary.
package proctest

import (
	"bytes"
	"fmt"
	"net"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// FreePort is a port of this machine that nobody listens on now; it may be taken before it is used.
func FreePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// Process is a program that was started.
type Process struct {
	cmd   *exec.Cmd
	out   bytes.Buffer // complete when ended is closed
	ended chan struct{}
}

// Launch starts a program on a thread that lives as long as it: with its parent thread it would be ended too; see [Attributes].
func Launch(cmd *exec.Cmd) (*Process, error) {
	p := &Process{cmd: cmd, ended: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = &p.out, &p.out
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait()
			close(p.ended)
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	return p, nil
}

// Until asks ready every so often until it succeeds, the program ends, or so much time has passed; then the error is ready's last.
func (p *Process) Until(ready func() error, every, most time.Duration) error {
	deadline := time.Now().Add(most)
	for {
		err := ready()
		if err == nil {
			return nil
		}
		select {
		case <-p.ended:
			return fmt.Errorf("%s ended: %s", p.cmd.Path, strings.TrimSpace(p.out.String()))
		case <-time.After(every):
		}
		if time.Now().After(deadline) {
			return err
		}
	}
}

// PID is the id of the program's process.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Signal sends the program a signal.
func (p *Process) Signal(s syscall.Signal) error { return p.cmd.Process.Signal(s) }

// End stops the program with a signal, and harder when it does not obey within ten seconds.
func (p *Process) End(s syscall.Signal) error {
	_ = p.Signal(s) // it may have ended
	select {
	case <-p.ended:
		return nil
	case <-time.After(10 * time.Second):
		_ = p.Signal(syscall.SIGKILL)
		<-p.ended
		return fmt.Errorf("%s did not stop", p.cmd.Path)
	}
}
