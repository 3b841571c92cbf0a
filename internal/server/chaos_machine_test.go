//go:build unix

package server

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// machine is what root can do to a Linux machine below a process: a network namespace for each, whose link is cut and slowed, and
// file systems that are full. Known hole: a test that is killed leaves both behind.
type machine struct {
	net byte // namespaces have the addresses 10.net.n.2, and reach this one as 10.net.n.1
}

// newMachine says why there is none.
func newMachine() (*machine, error) {
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		return nil, errors.New("that takes root on Linux")
	}
	for _, program := range []string{"ip", "tc", "mount"} {
		if _, err := exec.LookPath(program); err != nil {
			return nil, err
		}
	}
	return &machine{net: byte(os.Getpid()%200) + 20}, nil
}

// does runs programs, one a line.
func does(lines ...string) error {
	for _, line := range lines {
		args := strings.Fields(line)
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %s", line, err, out)
		}
	}
	return nil
}

// namespace is a network of a process's own, with one link to this machine.
type namespace struct {
	name, link   string
	here, inside string // addresses of the two ends
}

func (m *machine) namespace(t *testing.T, n int) (*namespace, error) {
	s := &namespace{name: fmt.Sprintf("codeforge-%d-%d", m.net, n), link: fmt.Sprintf("cf%d-%d", m.net, n), here: fmt.Sprintf("10.%d.%d.1", m.net, n), inside: fmt.Sprintf("10.%d.%d.2", m.net, n)}
	if err := does("ip netns add " + s.name); err != nil {
		return nil, err
	}
	t.Cleanup(func() {
		if err := does("ip netns del " + s.name); err != nil {
			t.Error(err)
		}
	})
	return s, does(fmt.Sprintf("ip link add %s type veth peer name eth0 netns %s", s.link, s.name), fmt.Sprintf("ip addr add %s/30 dev %s", s.here, s.link), "ip link set "+s.link+" up",
		fmt.Sprintf("ip -n %s addr add %s/30 dev eth0", s.name, s.inside), fmt.Sprintf("ip -n %s link set eth0 up", s.name), fmt.Sprintf("ip -n %s link set lo up", s.name), fmt.Sprintf("ip -n %s route add default via %s", s.name, s.here))
}

// cut takes the link away: nothing comes through, and nobody is told. mend brings it back.
func (s *namespace) cut() error  { return does("ip link set " + s.link + " down") }
func (s *namespace) mend() error { return does("ip link set " + s.link + " up") }

// slow lets 100 KB a second through, each way.
func (s *namespace) slow() error {
	const shape = "root tbf rate 800kbit burst 16kb latency 400ms"
	return does(fmt.Sprintf("tc -n %s qdisc add dev eth0 %s", s.name, shape), fmt.Sprintf("tc qdisc add dev %s %s", s.link, shape))
}

func (s *namespace) fast() error {
	return does(fmt.Sprintf("tc -n %s qdisc del dev eth0 root", s.name), fmt.Sprintf("tc qdisc del dev %s root", s.link))
}

// disk is a file system of its own.
type disk struct {
	dir string
	mb  int
}

func (m *machine) disk(t *testing.T, mb int) (*disk, error) {
	dir, err := os.MkdirTemp("", "codeforge-disk") // not TempDir of the test, which is root's alone
	if err != nil {
		return nil, err
	}
	d := &disk{dir, mb}
	if err := does(fmt.Sprintf("mount -t tmpfs -o size=%dm,mode=1777 tmpfs %s", mb, d.dir)); err != nil {
		return nil, err
	}
	t.Cleanup(func() {
		if err := errors.Join(does("umount -l "+d.dir), os.Remove(d.dir)); err != nil {
			t.Error(err)
		}
	})
	return d, nil
}

// fill leaves no room: what is there stays, and nothing more is taken.
func (d *disk) fill() (err error) {
	for range 20 { // somebody writes meanwhile
		var s syscall.Statfs_t
		if err = syscall.Statfs(d.dir, &s); err != nil {
			return err
		}
		used := (uint64(s.Blocks) - uint64(s.Bfree)) * uint64(s.Bsize)
		if err = d.size(fmt.Sprint(max(used, 4096))); err == nil {
			return nil
		}
	}
	return err
}

// empty gives the room back.
func (d *disk) empty() error { return d.size(fmt.Sprintf("%dm", d.mb)) }

func (d *disk) size(size string) error { return does("mount -o remount,size=" + size + " " + d.dir) }
