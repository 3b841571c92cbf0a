//go:build !linux

package sandbox

import (
	"os"
	"os/exec"
)

func (p Program) run(cmd *exec.Cmd) (*os.ProcessState, error) {
	ownGroup(cmd)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	err := cmd.Wait()
	if cmd.ProcessState == nil {
		return nil, err
	}
	return cmd.ProcessState, nil
}

// Confined reports what programs cannot do on this machine that they should not do: read the disk's other files, use the
// network.
func Confined() (files, network bool) { return false, false }
