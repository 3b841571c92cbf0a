package sandbox

import (
	"debug/elf"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// run starts the program from a thread that is confined first and ends with it: what a thread may not do its children may
// not either, and the kernel ends the program with the thread that started it, so also with this process.
func (p Program) run(cmd *exec.Cmd) (*os.ProcessState, error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	started, ended := make(chan error, 1), make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread is of no use to others
		_ = unix.Setpriority(unix.PRIO_PROCESS, 0, niceness)
		confine(p.Path, p.Read, p.Write)
		err := cmd.Start()
		started <- err
		if err == nil {
			ended <- cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	pid := cmd.Process.Pid
	limits := map[int]uint64{unix.RLIMIT_CPU: uint64(maxProgramTime / time.Second), unix.RLIMIT_CORE: 0}
	if boundsData { // tests start themselves
		limits[unix.RLIMIT_DATA] = uint64(p.Memory)
	}
	for what, limit := range limits {
		_ = unix.Prlimit(pid, what, &unix.Rlimit{Cur: limit, Max: limit}, nil)
	}
	_ = os.WriteFile("/proc/"+strconv.Itoa(pid)+"/oom_score_adj", []byte("1000"), 0)
	err := <-ended
	_ = syscall.Kill(-pid, syscall.SIGKILL) // whoever of its group is left
	if cmd.ProcessState == nil {
		return nil, err
	}
	return cmd.ProcessState, nil
}

const (
	mayRead  = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR
	mayWrite = unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_MAKE_REG | unix.LANDLOCK_ACCESS_FS_MAKE_DIR | unix.LANDLOCK_ACCESS_FS_REMOVE_FILE | unix.LANDLOCK_ACCESS_FS_REMOVE_DIR
	// what Linux 5.13 can refuse; what came later is asked for by version
	allAccess = unix.LANDLOCK_ACCESS_FS_EXECUTE | mayRead | mayWrite | unix.LANDLOCK_ACCESS_FS_MAKE_CHAR | unix.LANDLOCK_ACCESS_FS_MAKE_SOCK |
		unix.LANDLOCK_ACCESS_FS_MAKE_FIFO | unix.LANDLOCK_ACCESS_FS_MAKE_BLOCK | unix.LANDLOCK_ACCESS_FS_MAKE_SYM
	ofFiles = unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_TRUNCATE
)

// confine has the kernel refuse this thread, and what it starts, every file but those, and the network. It needs no
// privilege. It reports what held.
func confine(program string, read, write []string) (files, network bool) {
	if unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != nil {
		return false, false
	}
	files = restrictFiles(program, read, write) == nil
	var prog unix.SockFprog
	if filter := noSockets(); filter != nil {
		prog = unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
		_, _, e := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, uintptr(unsafe.Pointer(&prog)))
		network = e == 0
	}
	return files, network
}

var errNoLandlock = errors.New("the kernel cannot refuse files")

func restrictFiles(program string, read, write []string) error {
	version, _, e := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if e != 0 || version < 1 {
		return errNoLandlock
	}
	attr := unix.LandlockRulesetAttr{Handled_access_fs: allAccess}
	writes := uint64(mayWrite)
	if version >= 2 {
		attr.Handled_access_fs |= unix.LANDLOCK_ACCESS_FS_REFER
	}
	if version >= 3 {
		attr.Handled_access_fs |= unix.LANDLOCK_ACCESS_FS_TRUNCATE
		writes |= unix.LANDLOCK_ACCESS_FS_TRUNCATE
	}
	rules, _, e := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr.Handled_access_fs), 0)
	if e != 0 {
		return e
	}
	defer unix.Close(int(rules))
	allow := func(name string, access uint64) {
		fd, err := unix.Open(name, unix.O_PATH|unix.O_CLOEXEC, 0)
		if err != nil {
			return // what is not there cannot be used
		}
		defer unix.Close(fd)
		var st unix.Stat_t
		if unix.Fstat(fd, &st) != nil {
			return
		}
		if st.Mode&unix.S_IFMT != unix.S_IFDIR {
			access &= ofFiles
		}
		rule := unix.LandlockPathBeneathAttr{Allowed_access: access, Parent_fd: int32(fd)}
		_, _, _ = unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, rules, unix.LANDLOCK_RULE_PATH_BENEATH, uintptr(unsafe.Pointer(&rule)), 0, 0, 0)
	}
	if program != "" {
		allow(program, unix.LANDLOCK_ACCESS_FS_EXECUTE|unix.LANDLOCK_ACCESS_FS_READ_FILE)
		if loader := loaderOf(program); loader != "" {
			allow(loader, unix.LANDLOCK_ACCESS_FS_EXECUTE|unix.LANDLOCK_ACCESS_FS_READ_FILE)
			for _, name := range libraries {
				allow(name, mayRead)
			}
		}
	}
	for _, name := range read {
		allow(name, mayRead)
	}
	for _, name := range write {
		allow(name, mayRead|writes)
	}
	if _, _, e := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, rules, 0, 0); e != 0 {
		return e
	}
	return nil
}

// libraries are what programs that are not linked whole load.
var libraries = []string{"/etc/ld.so.cache", "/lib", "/lib64", "/usr/lib", "/usr/lib64"}

// loaderOf is what loads the libraries of a program; "": it needs none.
func loaderOf(program string) string {
	f, err := elf.Open(program)
	if err != nil {
		return ""
	}
	defer f.Close()
	for _, part := range f.Progs {
		if part.Type == elf.PT_INTERP && part.Filesz < 4096 {
			b, err := io.ReadAll(part.Open())
			if err == nil {
				return strings.TrimRight(string(b), "\x00")
			}
		}
	}
	return ""
}

// noSockets is a filter that refuses connections of any kind.
func noSockets() []unix.SockFilter {
	if auditArch == 0 {
		return nil
	}
	jump := func(test uint16, k uint32, yes, no uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | test | unix.BPF_K, K: k, Jt: yes, Jf: no}
	}
	load := func(at uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: at}
	}
	allow := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW}
	refuse := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)}
	return []unix.SockFilter{
		load(atArch),
		jump(unix.BPF_JEQ, auditArch, 0, 4),
		load(atNumber),
		jump(unix.BPF_JEQ, unix.SYS_SOCKET, 2, 0),
		jump(unix.BPF_JEQ, unix.SYS_IO_URING_SETUP, 1, 0),
		allow,
		refuse,
	}
}

// Confined reports what programs cannot do on this machine that they should not do: read the disk's other files, use the
// network.
var Confined = sync.OnceValues(func() (files, network bool) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		held, filtered := confine("", []string{filepath.Join("/proc", "self")}, nil)
		_, err := os.ReadDir("/")
		files = held && errors.Is(err, os.ErrPermission)
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
		if err == nil {
			unix.Close(fd)
		}
		network = filtered && errors.Is(err, unix.EPERM)
	}()
	<-done
	return files, network
})
