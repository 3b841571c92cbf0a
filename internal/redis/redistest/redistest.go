//go:build unix

// Package redistest gives tests a Redis of their own: redis-server of this machine, started on a free port over a temporary folder,
// gone with the test. Nothing of it is kept on a disk.
//
// A missing program is an error that names the package to install, never a skipped test.
package redistest

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"codeforge/internal/proctest"
)

// Server is a redis-server. It can be stopped and started again, on the same port.
type Server struct {
	Port   int
	Dir    string // a folder of its own, with its socket, redis.sock, and where it speaks TLS ca.pem
	secure bool
	args   []string
	proc   *proctest.Process
}

// Start starts a server, with further arguments as in redis.conf: "--maxmemory", "10mb". It is stopped when the test ends.
func Start(tb testing.TB, args ...string) *Server { return start(tb, false, args) }

// StartTLS starts a server that speaks TLS alone, with a certificate for 127.0.0.1 and localhost from the authority in ca.pem.
func StartTLS(tb testing.TB, args ...string) *Server { return start(tb, true, args) }

func start(tb testing.TB, secure bool, args []string) *Server {
	tb.Helper()
	dir, err := os.MkdirTemp("", "redistest") // not TempDir of the test: the path of a socket is short
	if err != nil {
		tb.Fatal(err)
	}
	s := &Server{Dir: dir, secure: secure, args: args}
	tb.Cleanup(func() {
		s.Stop(tb)
		if err := os.RemoveAll(dir); err != nil {
			tb.Error("redistest:", err)
		}
	})
	if secure {
		if err := makeCertificates(dir); err != nil {
			tb.Fatal("redistest: ", err)
		}
	}
	for range 5 { // a free port may be taken before it is used
		if s.Port, err = freePort(); err != nil {
			tb.Fatal("redistest: ", err)
		}
		if err = s.launch(); err == nil {
			return s
		}
	}
	tb.Fatal("redistest: redis-server does not start: ", err)
	return nil
}

// Addr is the server's host and port.
func (s *Server) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Port)) }

// URL is how the default user reaches the server.
func (s *Server) URL() string {
	if s.secure {
		return "rediss://" + s.Addr() + "?tls_ca=" + filepath.Join(s.Dir, "ca.pem")
	}
	return "redis://" + s.Addr()
}

// Stop kills the server, as a power cut would, if it runs.
func (s *Server) Stop(tb testing.TB) {
	if s.proc != nil {
		kill(tb, s.proc)
		s.proc = nil
	}
}

func kill(tb testing.TB, p *proctest.Process) {
	if err := p.End(syscall.SIGKILL); err != nil {
		tb.Error("redistest:", err)
	}
}

// Pause stops the server's process without ending its connections, until Resume.
func (s *Server) Pause(tb testing.TB) { s.signal(tb, syscall.SIGSTOP) }

// Resume lets the server go on.
func (s *Server) Resume(tb testing.TB) { s.signal(tb, syscall.SIGCONT) }

func (s *Server) signal(tb testing.TB, n syscall.Signal) {
	tb.Helper()
	if err := s.proc.Signal(n); err != nil {
		tb.Fatal("redistest: ", err)
	}
}

// Restart starts a server that was stopped, on the same port and empty.
func (s *Server) Restart(tb testing.TB) {
	tb.Helper()
	s.Stop(tb)
	if err := s.launch(); err != nil {
		tb.Fatal("redistest: ", err)
	}
}

// Do asks the server itself one command, as the default user, and returns its answer in the protocol's own form: lines, without
// what counts them.
func (s *Server) Do(tb testing.TB, args ...string) []string {
	tb.Helper()
	lines, err := s.ask(args...)
	if err != nil {
		tb.Fatalf("redistest: %v: %v", args, err)
	}
	return lines
}

func (s *Server) launch() error {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return errors.New("redis-server is not installed: apt-get install redis-server")
	}
	args := []string{"--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", s.Dir, "--unixsocket", filepath.Join(s.Dir, "redis.sock"), "--loglevel", "warning", "--shutdown-timeout", "0"}
	if s.secure {
		args = append(args, "--port", "0", "--tls-port", strconv.Itoa(s.Port), "--tls-cert-file", filepath.Join(s.Dir, "cert.pem"), "--tls-key-file", filepath.Join(s.Dir, "key.pem"),
			"--tls-ca-cert-file", filepath.Join(s.Dir, "ca.pem"), "--tls-auth-clients", "no")
	} else {
		args = append(args, "--port", strconv.Itoa(s.Port))
	}
	args = append(args, s.args...)
	if s.proc, err = launch(path, args...); err != nil {
		return err
	}
	err = s.proc.Until(func() error {
		_, err := s.ask("PING")
		return err
	}, pause, patience)
	if err != nil {
		err = errors.Join(err, s.proc.End(syscall.SIGKILL))
		s.proc = nil
	}
	return err
}

// ask sends one command over a connection of its own. An error in the answer is one, but for those that say who may ask.
func (s *Server) ask(args ...string) ([]string, error) {
	d := &net.Dialer{Timeout: 5 * time.Second}
	network, address := "unix", filepath.Join(s.Dir, "redis.sock")
	conn, err := d.Dial(network, address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	var out bytes.Buffer
	fmt.Fprintf(&out, "*%d\r\n", len(args))
	for _, a := range args {
		fmt.Fprintf(&out, "$%d\r\n%s\r\n", len(a), a)
	}
	if _, err := conn.Write(out.Bytes()); err != nil {
		return nil, err
	}
	return read(bufio.NewReader(conn))
}

// read reads one answer.
func read(r *bufio.Reader) ([]string, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return nil, err
	}
	kind, line := line[0], strings.TrimSpace(line[1:])
	n, _ := strconv.Atoi(line)
	switch kind {
	case '-':
		if strings.HasPrefix(line, "NOAUTH") {
			return nil, nil // it runs, and lets nobody in without a password
		}
		return nil, errors.New(line)
	case '$':
		if n < 0 {
			return nil, nil
		}
		text := make([]byte, n+2)
		if _, err := io.ReadFull(r, text); err != nil {
			return nil, err
		}
		return []string{string(text[:n])}, nil
	case '*':
		var all []string
		for range n {
			part, err := read(r)
			if err != nil {
				return nil, err
			}
			all = append(all, part...)
		}
		return all, nil
	}
	return []string{line}, nil
}

// Sentinel starts a sentinel that watches a server as the master of a name, and returns its port.
func Sentinel(tb testing.TB, name string, master *Server) (port int) {
	tb.Helper()
	dir := tb.TempDir()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		tb.Fatal("redistest: redis-server is not installed: apt-get install redis-server")
	}
	for range 5 {
		if port, err = freePort(); err != nil {
			tb.Fatal("redistest: ", err)
		}
		conf := filepath.Join(dir, "sentinel.conf") // a sentinel writes what it learns into it
		text := fmt.Sprintf("port %d\nbind 127.0.0.1\ndir %s\nsentinel monitor %s 127.0.0.1 %d 1\nsentinel down-after-milliseconds %s 500\nsentinel failover-timeout %s 2000\n", port, dir, name, master.Port, name, name)
		if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
			tb.Fatal(err)
		}
		p, err := launch(path, conf, "--sentinel")
		if err != nil {
			tb.Fatal("redistest: ", err)
		}
		err = p.Until(func() error {
			c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
			if err == nil {
				c.Close()
			}
			return err
		}, pause, patience)
		if err == nil {
			tb.Cleanup(func() { kill(tb, p) })
			return port
		}
		kill(tb, p)
	}
	tb.Fatal("redistest: no sentinel starts: ", err)
	return 0
}

var clusterArgs = []string{"--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--repl-diskless-sync-delay", "0"}

// Replica starts a node that takes the place of one of a cluster when that is gone.
func Replica(tb testing.TB, nodes []*Server, of *Server) *Server {
	tb.Helper()
	r := Start(tb, clusterArgs...)
	id := of.Do(tb, "CLUSTER", "MYID")[0]
	for _, n := range nodes {
		r.Do(tb, "CLUSTER", "MEET", "127.0.0.1", strconv.Itoa(n.Port))
	}
	err := r.proc.Until(func() error {
		for _, n := range slices.Concat(nodes, []*Server{r}) {
			if !strings.Contains(strings.Join(n.Do(tb, "CLUSTER", "INFO"), "\n"), fmt.Sprintf("cluster_known_nodes:%d", len(nodes)+1)) {
				return errors.New("the cluster does not get to know its replica")
			}
		}
		_, err := r.ask("CLUSTER", "REPLICATE", id)
		return err
	}, pause, patience)
	if err == nil {
		err = r.proc.Until(func() error {
			if !strings.Contains(strings.Join(r.Do(tb, "INFO", "replication"), "\n"), "master_link_status:up") || r.known(tb, id) != of.known(tb, id) {
				return errors.New("the replica does not get what the other has")
			}
			return nil
		}, pause, patience)
	}
	if err != nil {
		tb.Fatal("redistest: ", err)
	}
	return r
}

// known is what a node knows of another: its epoch and its slots. A replica that knows an older epoch is not elected.
func (s *Server) known(tb testing.TB, id string) string {
	for line := range strings.SplitSeq(strings.Join(s.Do(tb, "CLUSTER", "NODES"), "\n"), "\n") {
		if f := strings.Fields(line); len(f) > 8 && f[0] == id {
			return f[6] + " " + strings.Join(f[8:], " ")
		}
	}
	return ""
}

// Cluster starts three nodes that share the keys.
func Cluster(tb testing.TB) (nodes []*Server) {
	tb.Helper()
	for range 3 {
		nodes = append(nodes, Start(tb, clusterArgs...))
	}
	for i, n := range nodes {
		n.Do(tb, "CLUSTER", "ADDSLOTSRANGE", strconv.Itoa(i*16384/3), strconv.Itoa((i+1)*16384/3-1))
		n.Do(tb, "CLUSTER", "SET-CONFIG-EPOCH", strconv.Itoa(i+1))
	}
	for _, n := range nodes[1:] {
		nodes[0].Do(tb, "CLUSTER", "MEET", "127.0.0.1", strconv.Itoa(n.Port))
	}
	for _, n := range nodes {
		err := n.proc.Until(func() error {
			info := strings.Join(n.Do(tb, "CLUSTER", "INFO"), "\n")
			if strings.Contains(info, "cluster_state:ok") && strings.Contains(info, "cluster_known_nodes:3") && strings.Contains(info, "cluster_slots_ok:16384") {
				return nil
			}
			return errors.New("the cluster does not come together")
		}, pause, patience)
		if err != nil {
			tb.Fatal("redistest: ", err)
		}
	}
	return nodes
}

func freePort() (int, error) {
	for {
		port, err := proctest.FreePort()
		if err != nil || port <= 55535 { // a node of a cluster speaks to the others at 10,000 above it
			return port, err
		}
	}
}

// launch starts a program that ends with the tests.
func launch(path string, args ...string) (*proctest.Process, error) {
	cmd := exec.Command(path, args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C.UTF-8", "TZ=UTC"}
	cmd.SysProcAttr = proctest.Attributes(nil, syscall.SIGKILL)
	return proctest.Launch(cmd)
}

// How often a program is asked whether it is ready, and for how long.
const (
	pause    = 5 * time.Millisecond
	patience = 30 * time.Second
)

// makeCertificates writes an authority, and a certificate from it for this machine, into a folder.
func makeCertificates(dir string) error {
	authority := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "redistest"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour)}
	server := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, NotBefore: authority.NotBefore, NotAfter: authority.NotAfter}
	signer, err1 := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	key, err2 := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	root, err1 := x509.CreateCertificate(rand.Reader, authority, authority, signer.Public(), signer)
	leaf, err2 := x509.CreateCertificate(rand.Reader, server, authority, key.Public(), signer)
	secret, err3 := x509.MarshalPKCS8PrivateKey(key)
	if err := errors.Join(err1, err2, err3); err != nil {
		return err
	}
	write := func(name, kind string, der []byte) error {
		return os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
	}
	if err := errors.Join(write("ca.pem", "CERTIFICATE", root), write("cert.pem", "CERTIFICATE", leaf), write("key.pem", "PRIVATE KEY", secret)); err != nil {
		return err
	}
	_, err := tls.LoadX509KeyPair(filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"))
	return err
}
