package redis

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"codeforge/internal/redis/redistest"
)

// connected opens a client and waits until it is.
func connected(t testing.TB, url, store string) *Client {
	t.Helper()
	c, err := Open(Options{URL: url, Prefix: "test", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	c.Meet(store)
	until(t, c, true)
	return c
}

// until waits until Redis is as wanted.
func until(t testing.TB, c *Client, want bool) {
	t.Helper()
	for {
		up, changed := c.state()
		if up == want {
			return
		}
		select {
		case <-changed:
		case <-t.Context().Done():
			t.Fatal("in vain waited for Redis to change:", c.Check())
		}
	}
}

// Each form of an address leads to the Redis that it names, and all that a server does works there.
func TestAddresses(t *testing.T) {
	t.Parallel()
	plain, secure := redistest.Start(t), redistest.StartTLS(t)
	guarded := redistest.Start(t, "--user", "default", "off", "--user", "app", "on", ">p@ss/w:rd", "~*", "&*", "+@all")
	locked := redistest.Start(t, "--requirepass", "secret")
	sentinel := redistest.Sentinel(t, "main", plain)
	nodes := redistest.Cluster(t)
	for name, url := range map[string]string{
		"plain":               plain.URL(),
		"database":            plain.URL() + "/3",
		"socket":              "unix://" + filepath.Join(plain.Dir, "redis.sock"),
		"socket of Celery":    "redis+socket://" + filepath.Join(plain.Dir, "redis.sock") + "?virtual_host=2",
		"Valkey":              "valkey://" + plain.Addr(),
		"TLS":                 secure.URL(),
		"TLS, nothing proven": "rediss://" + secure.Addr() + "/0?ssl_cert_reqs=CERT_NONE",
		"user":                "redis://app:p%40ss%2Fw:rd@" + guarded.Addr(),
		"password":            "redis://:secret@" + locked.Addr() + "/0",
		"password alone":      "redis://secret@" + locked.Addr(),
		"sentinel":            fmt.Sprintf("redis-sentinel://127.0.0.1:1,127.0.0.1:%d/1?master=main", sentinel),
		"sentinel, by path":   fmt.Sprintf("redis+sentinel://127.0.0.1:%d/main/0", sentinel),
		"sentinel, by plain":  fmt.Sprintf("redis://127.0.0.1:%d?master_set=main", sentinel),
		"sentinel of Java":    fmt.Sprintf("redis-sentinel://127.0.0.1:%d/0#main", sentinel),
		"cluster":             "redis://" + nodes[0].Addr() + "," + nodes[1].Addr(),
		"cluster by one":      "redis://" + nodes[2].Addr() + "?cluster=true",
		"cluster by scheme":   "redis-cluster://" + nodes[2].Addr(),
		"cluster unsaid":      "redis://" + nodes[1].Addr(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := Try(t.Context(), Options{URL: url, Prefix: name}); err != nil {
				t.Error(err)
			}
			c := connected(t, url, name)
			if err := c.Check(); err != nil || !c.Stats().Up {
				t.Error(err)
			}
		})
	}
}

// What is wrong with an address is said without what it holds, with what would be right.
func TestBadAddresses(t *testing.T) {
	for url, says := range map[string]string{
		"":                                "does not begin with redis://",
		"SECRET.example.com:6379":         "does not begin with redis://",
		"http://SECRET":                   "does not begin with redis://",
		" redis://SECRET":                 "blanks or quotes",
		`"redis://SECRET"`:                "blanks or quotes",
		"redis://:SECRET#1@h":             "@ after its hosts",
		"redis://u:SECRET/1@h":            "@ after its hosts",
		"redis://u:SECRET%@h":             "user name or password that cannot be read",
		"redis://u:SECRET@":               "names no host",
		"redis://u:SECRET@h:port":         "port",
		"redis://u:SECRET@h:70000":        "port",
		"redis://u:SECRET@::1":            "host",
		"redis://u:SECRET@h/name":         "no number",
		"redis://u:SECRET@h/0/1":          "no number",
		"redis://u:SECRET@h,i/1":          "cluster, which has one alone",
		"redis://u:SECRET@h?SECRET=1":     "known are master",
		"redis://u:SECRET@h?%zz=1":        "cannot be read",
		"redis://u:SECRET@h#x":            "# after its hosts",
		"redis-sentinel://u:SECRET@h":     "which master",
		"unix://SECRET":                   "no socket",
		"rediss://:SECRET@h?tls_ca=/none": "tls_ca",
		"rediss://h?tls_cert=/SECRET":     "tls_cert and tls_key",
		"rediss://h?tls_verify=SECRET":    "neither true nor false",
	} {
		err := CheckURL(url)
		if err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "redis://user:password@host:6379/0") || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%q: %v", url, err)
		}
	}
	if err := Try(context.Background(), Options{URL: "redis://127.0.0.1:1"}); err == nil {
		t.Error("nobody is there, and it works")
	}
}

// Hosts have the ports of what they are, and IPv6 has its brackets.
func TestHosts(t *testing.T) {
	o, err := parseAddress("redis-sentinel://app:secret@[::1],s2:5000/main/7?sentinel_username=s&sentinel_password=t")
	if err != nil || fmt.Sprint(o.InitAddress) != "[[::1]:26379 s2:5000]" || o.SelectDB != 7 || o.Sentinel.MasterSet != "main" || o.Sentinel.Password != "t" || o.Username != "app" {
		t.Error(o.InitAddress, o.SelectDB, o.Sentinel.MasterSet, err)
	}
	if o, err := parseAddress("redis://"); err != nil || fmt.Sprint(o.InitAddress) != "[localhost:6379]" {
		t.Error(o.InitAddress, err)
	}
}
