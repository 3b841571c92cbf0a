package browser

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	osuser "os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// user is whom a browser runs as.
type user struct {
	name string
	id   uint32 // 0: as this process does
}

// firstUser to lastUser are the ids that systemd hands to services that have no user, as we do here.
const firstUser, lastUser = 61184, 65519

// giveAway gives a profile to a user that owns nothing else, where this process is root: Chromium refuses root, and a page that
// breaks out of it should find nothing.
func giveAway(dir string) (user, error) {
	if os.Geteuid() != 0 {
		return user{name: "the server's user"}, nil
	}
	givingAway.Lock() // of two that are started at once each has its own
	defer givingAway.Unlock()
	used := usersOfProcesses(filepath.Dir(dir))
	start := os.Getpid() % (lastUser - firstUser)
	var failed error
	for i := range lastUser - firstUser {
		id := uint32(firstUser + (start+i)%(lastUser-firstUser))
		if _, err := osuser.LookupId(strconv.Itoa(int(id))); err == nil || used[id] {
			continue
		}
		if failed = chownAll(dir, int(id)); failed == nil {
			return user{fmt.Sprintf("user %d, who has nothing else", id), id}, nil
		}
		break // what the kernel refuses for one it refuses for all
	}
	return user{}, fmt.Errorf("the server is root, whom Chromium refuses, and cannot give the browser to another user: %w", failed)
}

func chownAll(dir string, id int) error {
	return filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		return errors.Join(err, os.Lchown(path, id, id))
	})
}

var givingAway sync.Mutex

// usersOfProcesses are those that run something, or have a profile.
func usersOfProcesses(temp string) map[uint32]bool {
	used := map[uint32]bool{}
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	profiles, _ := filepath.Glob(filepath.Join(temp, profilePrefix+"*"))
	for _, d := range append(dirs, profiles...) {
		var s unix.Stat_t
		if unix.Stat(d, &s) == nil {
			used[s.Uid] = true
		}
	}
	return used
}

// startApart starts a program in a group of its own, with two files as its third and fourth, beside a listener that it
// can reach, if one is wanted. Where
// this process may, both are in a network that has nothing else: what the proxy's flags may have forgotten, the kernel refuses.
func startApart(cmd *exec.Cmd, u user, apart bool, in, out *os.File, listening func(net.Listener)) (alone bool, err error) {
	cmd.ExtraFiles = []*os.File{in, out}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if u.id != 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: u.id, Gid: u.id}
	}
	adopt()
	done := make(chan error, 1)
	go func() {
		// A network belongs to a thread, and to what is started from it. The thread ends with this function.
		runtime.LockOSThread()
		if listening == nil {
			done <- cmd.Start()
			return
		}
		alone = apart && unix.Unshare(unix.CLONE_NEWNET) == nil && raiseLoopback() == nil
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			done <- err
			return
		}
		listening(l)
		if err = cmd.Start(); err != nil {
			l.Close()
		}
		done <- err
	}()
	err = <-done
	return alone, err
}

// raiseLoopback puts the loopback interface of a new network to work.
func raiseLoopback() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	request, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	request.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, request)
}

// niceness of browsers: whatever else the machine does goes first.
const niceness = 5

// limit bounds a process that was just started, and by inheritance what it starts. Memory is bounded for each process by the kernel, so
// that none can take the machine's between two looks at the tree.
func limit(pid int, memory int64) {
	_ = unix.Setpriority(unix.PRIO_PROCESS, pid, niceness)
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/oom_score_adj", pid), []byte("1000"), 0)
	_ = unix.Prlimit(pid, unix.RLIMIT_CORE, &unix.Rlimit{}, nil)
	_ = unix.Prlimit(pid, unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: maxFile, Max: maxFile}, nil)
	_ = unix.Prlimit(pid, unix.RLIMIT_DATA, &unix.Rlimit{Cur: uint64(memory), Max: uint64(memory)}, nil)
}

// maxFile bounds what a page can put on the disk as one file.
const maxFile = 256 << 20

// tree is a process and what descends from it. Who lost its parent is remembered, and known by what it was started with.
type tree struct {
	mark []byte // stands in the command line of all of them: the profile

	mu    sync.Mutex
	known map[int]uint64 // by process id: when it began, since ids come again
}

// stat is what the kernel tells of a process.
type stat struct {
	parent, group int
	began         uint64
	used          time.Duration
	dead          bool
}

func statOf(pid int) (s stat, ok bool) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	i := bytes.LastIndexByte(b, ')')
	if err != nil || i < 0 {
		return s, false
	}
	f := strings.Fields(string(b[i+1:]))
	if len(f) < 20 {
		return s, false
	}
	number := func(i int) int64 { n, _ := strconv.ParseInt(f[i], 10, 64); return n }
	const ticks = 100 // of a second, on every Linux
	return stat{parent: int(number(1)), group: int(number(2)), began: uint64(number(19)), dead: f[0] == "Z" || f[0] == "X",
		used: time.Duration(number(11)+number(12)+number(13)+number(14)) * time.Second / ticks}, true
}

// look finds the tree of root as it is now.
func (t *tree) look(root int) map[int]stat {
	all := map[int]stat{}
	children := map[int][]int{}
	dirs, _ := os.ReadDir("/proc")
	for _, d := range dirs {
		pid, err := strconv.Atoi(d.Name())
		if err != nil {
			continue
		}
		if s, ok := statOf(pid); ok {
			all[pid] = s
			children[s.parent] = append(children[s.parent], pid)
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.known == nil {
		t.known = map[int]uint64{}
	}
	found := map[int]stat{}
	var add func(int)
	add = func(pid int) {
		s, ok := all[pid]
		if _, was := found[pid]; was || !ok {
			return
		}
		found[pid] = s
		t.known[pid] = s.began
		for _, c := range children[pid] {
			add(c)
		}
	}
	add(root)
	for pid, s := range all {
		began, was := t.known[pid]
		if was && began == s.began || s.group == root || !was && (s.parent == 1 || s.parent == os.Getpid()) && t.marked(pid) {
			add(pid)
		}
	}
	return found
}

func (t *tree) marked(pid int) bool {
	line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return bytes.Contains(line, t.mark)
}

// measure returns how much memory the tree holds for itself and what it took of the processors. Files that processes share are not
// counted; shared memory counts once for each.
func (t *tree) measure(root int) (memory int64, spent effort) {
	spent.mains = map[int]mainThread{}
	for pid, s := range t.look(root) {
		spent.used += s.used
		if m, ok := mainOf(pid); ok {
			spent.mains[pid] = m
		}
		b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		for line := range bytes.Lines(b) {
			name, value, _ := strings.Cut(string(line), ":")
			if name == "RssAnon" || name == "RssShmem" {
				kb, _ := strconv.ParseInt(strings.Fields(value)[0], 10, 64)
				memory += kb << 10
			}
		}
	}
	return memory, spent
}

// mainOf is what the kernel counts of a process' main thread.
func mainOf(pid int) (mainThread, bool) {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/schedstat", pid))
	f := strings.Fields(string(b))
	if len(f) < 2 {
		return mainThread{}, false
	}
	ran, _ := strconv.ParseInt(f[0], 10, 64)
	waited, _ := strconv.ParseInt(f[1], 10, 64)
	return mainThread{time.Duration(ran), time.Duration(waited)}, true
}

// kill ends all of it. What is started while we look is found by the next look.
func (t *tree) kill(root int) {
	for range 100 {
		alive := 0
		for pid, s := range t.look(root) {
			if s.dead {
				continue
			}
			alive++
			if pid == root {
				_ = unix.Kill(-root, unix.SIGKILL) // at once, lest some start others meanwhile
			}
			_ = unix.Kill(pid, unix.SIGKILL)
		}
		if alive == 0 {
			return
		}
		runtime.Gosched()
	}
}

// adopt has this process inherit what loses its parent among its descendants, so that it can take leave of it: not every first process of a
// system does.
var adopt = sync.OnceFunc(func() { _ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) })

// reap takes leave of all that was killed, and waits until it is gone.
func (t *tree) reap(root int) {
	t.mu.Lock()
	known := maps.Clone(t.known)
	t.mu.Unlock()
	delete(known, root)
	end := time.Now().Add(reapWithin)
	for time.Now().Before(end) { // those of its group that no look saw: a script that starts a browser has many that live for a moment
		pid, err := unix.Wait4(-root, nil, unix.WNOHANG, nil)
		if err != nil && err != unix.EINTR {
			break
		}
		if pid == 0 {
			runtime.Gosched()
		}
	}
	for len(known) > 0 && time.Now().Before(end) {
		for pid, began := range known {
			s, ok := statOf(pid)
			if ok && s.began == began && s.parent == os.Getpid() {
				_, _ = unix.Wait4(pid, nil, 0, nil)
			}
			if !ok || s.began != began || s.parent == os.Getpid() {
				delete(known, pid)
			}
		}
		runtime.Gosched()
	}
}

// reapWithin bounds the wait for processes that the kernel is still ending.
const reapWithin = time.Second

func isAlive(pid int) bool {
	err := unix.Kill(pid, 0)
	return err == nil || errors.Is(err, unix.EPERM)
}
