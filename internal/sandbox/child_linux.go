package sandbox

import (
	"encoding/binary"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// niceness of children: whatever else the machine does goes first.
const niceness = 5

// limitResources sets what this process may take. The parent raises the bound on processor time with each request. It reports
// whether the kernel bounds memory.
func limitResources(memory int64) bool {
	// On Linux a nice value is a thread's. New threads take it from the one that makes them.
	if tasks, err := os.ReadDir("/proc/self/task"); err == nil {
		for _, t := range tasks {
			if tid, err := strconv.Atoi(t.Name()); err == nil {
				_ = unix.Setpriority(unix.PRIO_PROCESS, tid, niceness)
			}
		}
	}
	// When the machine is out of memory, this is what it should end.
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0)
	_ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{})
	// The Go runtime takes SIGXCPU and does nothing; the default ends the process.
	var byDefault [4]uint64
	_, _, _ = syscall.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(unix.SIGXCPU), uintptr(unsafe.Pointer(&byDefault)), 0, 8, 0, 0)
	// Not RLIMIT_AS: a Go process reserves more address space at its start than it may use here.
	return boundsData && unix.Setrlimit(unix.RLIMIT_DATA, &unix.Rlimit{Cur: uint64(memory), Max: uint64(memory)}) == nil
}

// isolate has the kernel refuse every system call, on all threads, but those that computing and the two pipes need:
// nothing can be opened, connected, started or signalled any more. It needs no privilege and cannot be undone. Where it
// does not work the child goes on without: [Pool.Isolation] tells.
func isolate() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	filter := systemCalls(os.Getpid())
	if filter == nil || unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != nil {
		return
	}
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	_, _, _ = unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&prog)))
}

// Where a filter finds what it looks at.
const (
	atNumber = 0
	atArch   = 4
	atArg0   = 16 // its lower half: both architectures are little-endian
)

// systemCalls is the filter. What is not allowed fails with EPERM, so that whoever tries goes on and can say so.
func systemCalls(pid int) (f []unix.SockFilter) {
	if auditArch == 0 {
		return nil
	}
	load := func(at uint32) { f = append(f, unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: at}) }
	skipUnless := func(test uint16, k uint32, n uint8) {
		f = append(f, unix.SockFilter{Code: unix.BPF_JMP | test | unix.BPF_K, K: k, Jf: n})
	}
	answer := func(k uint32) { f = append(f, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: k}) }
	refuse := unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)

	load(atArch)
	skipUnless(unix.BPF_JEQ, auditArch, 1)
	f = append(f, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JA, K: 1})
	answer(refuse)
	load(atNumber)
	for _, n := range append(computing, computingArch...) {
		skipUnless(unix.BPF_JEQ, uint32(n), 1)
		answer(unix.SECCOMP_RET_ALLOW)
	}
	// Threads, not processes.
	skipUnless(unix.BPF_JEQ, unix.SYS_CLONE, 4)
	load(atArg0)
	skipUnless(unix.BPF_JSET, unix.CLONE_THREAD, 1)
	answer(unix.SECCOMP_RET_ALLOW)
	answer(refuse)
	// Its flags lie in memory, where a filter cannot look; callers go back to clone.
	skipUnless(unix.BPF_JEQ, unix.SYS_CLONE3, 1)
	answer(unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS))
	// The runtime interrupts its own threads.
	skipUnless(unix.BPF_JEQ, unix.SYS_TGKILL, 3)
	load(atArg0)
	skipUnless(unix.BPF_JEQ, uint32(pid), 1)
	answer(unix.SECCOMP_RET_ALLOW)
	answer(refuse)
	return f
}

// computing are the system calls of the Go runtime, the C library and the race detector once they are up, on files that
// are open already.
var computing = []int{
	unix.SYS_READ, unix.SYS_WRITE, unix.SYS_READV, unix.SYS_WRITEV, unix.SYS_PREAD64, unix.SYS_PWRITE64, unix.SYS_CLOSE, unix.SYS_FSTAT, unix.SYS_FCNTL,
	unix.SYS_MMAP, unix.SYS_MPROTECT, unix.SYS_MUNMAP, unix.SYS_MREMAP, unix.SYS_MADVISE, unix.SYS_MINCORE, unix.SYS_BRK, unix.SYS_MEMBARRIER,
	unix.SYS_RT_SIGACTION, unix.SYS_RT_SIGPROCMASK, unix.SYS_RT_SIGRETURN, unix.SYS_SIGALTSTACK, unix.SYS_RESTART_SYSCALL,
	unix.SYS_FUTEX, unix.SYS_SCHED_YIELD, unix.SYS_SCHED_GETAFFINITY, unix.SYS_SET_ROBUST_LIST, unix.SYS_RSEQ, unix.SYS_EXIT, unix.SYS_EXIT_GROUP,
	unix.SYS_NANOSLEEP, unix.SYS_CLOCK_NANOSLEEP, unix.SYS_CLOCK_GETTIME, unix.SYS_CLOCK_GETRES, unix.SYS_GETTIMEOFDAY,
	unix.SYS_TIMER_CREATE, unix.SYS_TIMER_SETTIME, unix.SYS_TIMER_DELETE, unix.SYS_SETITIMER,
	unix.SYS_GETPID, unix.SYS_GETTID, unix.SYS_GETRANDOM, unix.SYS_UNAME,
	unix.SYS_EPOLL_CREATE1, unix.SYS_EPOLL_CTL, unix.SYS_EPOLL_PWAIT, unix.SYS_EVENTFD2, unix.SYS_PIPE2, unix.SYS_PPOLL,
}

// openMark returns what keeps a word where the parent finds it: in a file that has no name.
func openMark() func(string) {
	mark := os.NewFile(3, "mark")
	return func(what string) {
		b := binary.LittleEndian.AppendUint16(make([]byte, 0, 2+len(what)), uint16(min(len(what), maxMark)))
		_, _ = mark.WriteAt(append(b, what[:min(len(what), maxMark)]...), 0)
	}
}

// replaceProcess tries to run another program in the place of this one, which must not exist.
func replaceProcess(error) error { return unix.Exec("/nonexistent", []string{"x"}, nil) }
