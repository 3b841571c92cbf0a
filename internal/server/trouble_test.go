package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestStandaloneListensToThisMachineAlone(t *testing.T) {
	for host, refused := range map[string]bool{"": false, "127.0.0.1": false, "127.9.9.9": false, "::1": false, "[::1]": false, "localhost": false, "LOCALHOST.": false, "::ffff:127.0.0.1": false,
		"0.0.0.0": true, "::": true, "192.168.1.7": true, "example.com": true, "localhost.example.com": true, "127.0.0.1.example.com": true} {
		for _, insecure := range []bool{false, true} {
			c := configured(t)
			c.Host, c.Insecure = host, insecure
			err := c.ValidateServing()
			if got := err != nil && strings.Contains(err.Error(), "HOST") && strings.Contains(err.Error(), "--insecure"); got != (refused && !insecure) {
				t.Errorf("%q, insecure %v: %v", host, insecure, err)
			}
			c.JWTSecret = strings.Repeat("s", 40)
			if err := c.ValidateServing(); err != nil {
				t.Errorf("%q with users: %v", host, err)
			}
		}
	}
}

// full is a listener of a process that has no more descriptors.
type full struct{ net.Listener }

func (full) Accept() (net.Conn, error) {
	return nil, &net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", syscall.EMFILE)}
}

func TestConnectionsThatCannotBeTakenAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		a := &acceptor{Listener: full{}, log: slog.New(slog.NewJSONHandler(&log, nil))}
		for range 100 {
			if _, err := a.Accept(); !errors.Is(err, syscall.EMFILE) {
				t.Fatal(err)
			}
		}
		if n := strings.Count(log.String(), `"level":"ERROR"`); n != 1 {
			t.Errorf("%d lines:\n%s", n, log.String())
		}
		time.Sleep(logEvery)
		a.Accept()
		if !strings.Contains(log.String(), `"times":100`) {
			t.Error(log.String())
		}
	})
}

// lockedBuffer is a log that is read while it is written.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// A hangup ends no server, and readiness has two names.
func TestHangup(t *testing.T) {
	p := start(t, t.TempDir())
	for range 3 {
		if err := p.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{"/readyz", "/ready", "/readyz/"} {
		res, err := http.Get(p.Base + path)
		if err != nil {
			t.Fatal(err)
		}
		var m map[string]any
		err = json.NewDecoder(res.Body).Decode(&m)
		if res.Body.Close(); err != nil || res.StatusCode != 200 || m["status"] != "ready" {
			t.Errorf("%s: %d %v %v", path, res.StatusCode, m, err)
		}
	}
	select {
	case <-p.dead:
		t.Error("the server ended")
	default:
	}
}

// Readiness tells of a data folder that is gone, with the way back.
func TestReadyTellsOfALostFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	p := start(t, dir)
	if err := os.Rename(dir, dir+".away"); err != nil {
		t.Fatal(err)
	}
	res, err := http.Get(p.Base + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	if res.StatusCode != 503 || res.Header.Get("Retry-After") == "" || !strings.Contains(string(body), "put the folder back") {
		t.Errorf("%d %v %s", res.StatusCode, res.Header, body)
	}
}
