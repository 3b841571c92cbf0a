package sandbox

import (
	"encoding/binary"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// executable is this very program, also when its file was replaced meanwhile.
const executable = "/proc/self/exe"

// maxMark bounds the word that a child leaves about what it is at.
const maxMark = 4000

// prepare makes the file that holds that word, hands it to the child, and keeps signals for this process's group, such
// as Ctrl-C, from it: work goes on until the parent ends it.
func prepare(cmd *exec.Cmd) (mark *os.File, err error) {
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	fd, err := unix.MemfdCreate("mark", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	mark = os.NewFile(uintptr(fd), "mark")
	cmd.ExtraFiles = []*os.File{mark}
	return mark, nil
}

func readMark(mark *os.File) string {
	var b [2 + maxMark]byte
	n, err := mark.ReadAt(b[:], 0)
	if err != nil && err != io.EOF || n < 2 {
		return ""
	}
	return string(b[2:min(n, 2+int(binary.LittleEndian.Uint16(b[:])))])
}

// widenPipe lets a tree through a pipe with fewer turns of the two processes.
func widenPipe(pipe *os.File) {
	if c, err := pipe.SyscallConn(); err == nil {
		_ = c.Control(func(fd uintptr) { _, _ = unix.FcntlInt(fd, unix.F_SETPIPE_SZ, 1<<20) })
	}
}

// allowTime gives a child so many seconds of processor time more. It is for a child whose parent cannot kill it.
func allowTime(pid int, seconds uint64) {
	var used unix.Timespec
	if unix.ClockGettime(int32(^pid<<3|2), &used) != nil { // the clock of another process's time
		return
	}
	_ = unix.Prlimit(pid, unix.RLIMIT_CPU, &unix.Rlimit{Cur: uint64(used.Sec) + seconds, Max: unix.RLIM_INFINITY}, nil)
}

// machineMemory returns how much memory this machine, or the container, has; 0: not known.
func machineMemory() int64 {
	total := int64(0)
	if b, err := os.ReadFile("/proc/meminfo"); err == nil {
		if f := strings.Fields(string(b)); len(f) > 1 && f[0] == "MemTotal:" {
			kb, _ := strconv.ParseInt(f[1], 10, 64)
			total = kb << 10
		}
	}
	for _, name := range []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		if b, err := os.ReadFile(name); err == nil {
			if n, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64); err == nil && n > 0 && (total == 0 || n < total) {
				total = n
			}
		}
	}
	return total
}

// outOfTimeSignal is what the kernel sends when processor time is over.
const outOfTimeSignal = syscall.SIGXCPU

// endedBy is the signal that ended a child; 0: none did.
func endedBy(s *os.ProcessState) syscall.Signal {
	if w, ok := s.Sys().(syscall.WaitStatus); ok && w.Signaled() {
		return w.Signal()
	}
	return 0
}

// mostMemory is how much a child that ended had at its height.
func mostMemory(s *os.ProcessState) int64 {
	if u, ok := s.SysUsage().(*syscall.Rusage); ok {
		return u.Maxrss << 10
	}
	return 0
}
