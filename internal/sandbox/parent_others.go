//go:build !linux

package sandbox

import (
	"os"
	"os/exec"
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

func widen(*os.File) {}

func allowTime(int, uint64) {}

func machineMemory() int64 { return 0 }

func overTime(*os.ProcessState) bool { return false }

func mostMemory(*os.ProcessState) int64 { return 0 }
