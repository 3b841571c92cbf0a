package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// conn is a connection to a server that carries one request at a time, at little cost for the one who asks.
type conn struct {
	host string
	net  net.Conn
	in   *bufio.Reader
	out  bytes.Buffer
}

func dial(base string) (*conn, error) {
	host := strings.TrimPrefix(base, "http://")
	c, err := net.Dial("tcp", host)
	if err != nil {
		return nil, err
	}
	return &conn{host: host, net: c, in: bufio.NewReader(c)}, nil
}

func (c *conn) close() { c.net.Close() }

// send asks and returns the answer with its body unread.
func (c *conn) send(method, path string, body []byte) (*http.Response, error) {
	c.out.Reset()
	fmt.Fprintf(&c.out, "%s %s HTTP/1.1\r\nHost: %s\r\n", method, path, c.host)
	if body != nil {
		fmt.Fprintf(&c.out, "Content-Type: application/json\r\nContent-Length: %d\r\n", len(body))
	}
	c.out.WriteString("\r\n")
	c.out.Write(body)
	if _, err := c.net.Write(c.out.Bytes()); err != nil {
		return nil, err
	}
	return http.ReadResponse(c.in, nil)
}

// do asks and returns the body of an answer, which must be a good one.
func (c *conn) do(method, path string, body []byte) ([]byte, error) {
	r, err := c.send(method, path, body)
	if err != nil {
		return nil, err
	}
	answer, err := io.ReadAll(r.Body)
	if err == nil && r.StatusCode >= 300 {
		err = fmt.Errorf("%s %s: %s: %.300s", method, path, r.Status, answer)
	}
	return answer, err
}

// get asks and decodes the answer.
func (c *conn) get(method, path string, body, out any) error {
	var b []byte
	if body != nil {
		b, _ = json.Marshal(body) // maps of strings and numbers
	}
	answer, err := c.do(method, path, b)
	if err != nil {
		return err
	}
	return json.Unmarshal(answer, out)
}

// submit sends a job and returns its id.
func (c *conn) submit(body []byte) (id string, err error) {
	var job struct {
		ID string `json:"job_id"`
	}
	err = c.get("POST", "/v1/run-agent", json.RawMessage(body), &job)
	return job.ID, err
}

// pool opens n connections, to all servers in turn.
func pool(tb testing.TB, n int, servers ...*server) []*conn {
	tb.Helper()
	var all []*conn
	for i := range n {
		c, err := dial(servers[i%len(servers)].url)
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, c)
	}
	return all
}

// closedLoop has each connection do one thing after the other for a time, or until most are done, and returns how many there were.
func closedLoop(tb testing.TB, conns []*conn, d time.Duration, most int, do func(c *conn, who, n int) error) int {
	tb.Helper()
	var wait sync.WaitGroup
	var count atomic.Int64
	var first atomic.Pointer[error]
	until := time.Now().Add(d)
	for who, c := range conns {
		wait.Go(func() {
			for n := 0; time.Now().Before(until) && first.Load() == nil; n++ {
				if most > 0 && count.Add(1) > int64(most) {
					count.Add(-1)
					return
				}
				if err := do(c, who, n); err != nil {
					first.CompareAndSwap(nil, &err)
					return
				}
				if most <= 0 {
					count.Add(1)
				}
			}
		})
	}
	wait.Wait()
	if err := first.Load(); err != nil {
		tb.Fatal(*err)
	}
	return int(count.Load())
}
