//go:build unix

package redistest

import (
	"fmt"
	"net"
	"slices"
	"testing"
)

func TestServer(t *testing.T) {
	s := Start(t)
	s.Do(t, "SET", "a", "1")
	if got := s.Do(t, "MGET", "a", "b"); !slices.Equal(got, []string{"1"}) {
		t.Error(got)
	}
	s.Stop(t)
	if _, err := net.Dial("tcp", s.Addr()); err == nil {
		t.Error("stopped, and it listens")
	}
	s.Restart(t)
	if got := s.Do(t, "GET", "a"); got != nil {
		t.Error("not empty after a restart:", got)
	}
	port := Sentinel(t, "m", s)
	c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}

func TestMissing(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if err := (&Server{Dir: t.TempDir()}).launch(); err == nil || err.Error() != "redis-server is not installed: apt-get install redis-server" {
		t.Error(err)
	}
}
