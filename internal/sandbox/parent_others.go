//go:build !linux

package sandbox

import (
	"os"
	"os/exec"
	"syscall"
)

var executable = func() string {
	name, err := os.Executable()
	if err != nil {
		return os.Args[0]
	}
	return name
}()

const maxMark = 0

func prepare(*exec.Cmd) (*os.File, error) { return nil, nil }

func readMark(*os.File) string { return "" }

func widenPipe(*os.File) {}

func allowTime(int, uint64) {}

func machineMemory() int64 { return 0 }

const outOfTimeSignal = syscall.Signal(-1)

func endedBy(*os.ProcessState) syscall.Signal { return 0 }

func mostMemory(*os.ProcessState) int64 { return 0 }
