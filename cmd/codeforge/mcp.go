package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"time"

	"codeforge"
	"codeforge/internal/client"
	"codeforge/internal/mcp"
	"codeforge/internal/server"
	"codeforge/internal/sqlite"
)

// MCP is the command that another agent starts to use CodeForge as a tool: it speaks the Model Context Protocol over standard
// input and output, for a server that runs, or one of its own that ends with it.
type MCP struct {
	Server string `env:"CODEFORGE_SERVER,CODEFORGE_URL" placeholder:"URL" help:"Address of a server to use. Default: the one at HOST and PORT, else one of our own."`
	Token  string `env:"CODEFORGE_TOKEN" help:"Bearer token, for a server that knows users."`
	server.Config
}

// Run implements the command.
func (m *MCP) Run(ctx context.Context) error {
	c, ours, err := reach(ctx, &m.Config, m.Server, m.Token, startPatience)
	if err != nil {
		return err
	}
	near := &nearest{ctx: ctx, cfg: &m.Config, base: c.Base, ours: ours}
	defer near.close()
	if m.Server == "" {
		c.HTTP = &http.Client{Transport: near}
	}
	return mcp.Run(ctx, c)
}

// nearest carries requests to the server at HOST and PORT. Of several agents the first one's program has started it, and it ends with
// that program: the next request of another then finds, or starts, one in its place, which goes on with the jobs.
type nearest struct {
	ctx  context.Context
	cfg  *server.Config
	mu   sync.Mutex
	base string
	ours *server.Server
}

// RoundTrip implements http.RoundTripper.
func (n *nearest) RoundTrip(r *http.Request) (*http.Response, error) {
	base, err := n.at("")
	if err != nil {
		return nil, err
	}
	resp, err := n.send(r, base)
	gone := errors.Is(err, syscall.ECONNREFUSED) || err != nil && r.Method == http.MethodGet // of what was sent else nobody knows what became of it
	if !gone || r.Context().Err() != nil {
		return resp, err
	}
	if base, err = n.at(base); err != nil {
		return nil, err
	}
	return n.send(r, base)
}

func (n *nearest) send(r *http.Request, base string) (*http.Response, error) {
	to, err := url.Parse(base)
	if err != nil {
		return nil, err
	}
	again := r.Clone(r.Context())
	again.URL.Scheme, again.URL.Host, again.Host = to.Scheme, to.Host, to.Host
	if r.GetBody != nil {
		if again.Body, err = r.GetBody(); err != nil {
			return nil, err
		}
	}
	return http.DefaultTransport.RoundTrip(again)
}

// at is where the server is, which is looked for anew if it is still where it was gone from.
func (n *nearest) at(gone string) (string, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if gone != n.base || n.ours != nil {
		return n.base, nil
	}
	c, ours, err := reach(n.ctx, n.cfg, "", "", startPatience)
	if err != nil {
		return "", err
	}
	n.base, n.ours = c.Base, ours
	return n.base, nil
}

func (n *nearest) close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ours != nil {
		n.ours.Close()
	}
}

// startPatience is how long somebody else who has the data folder may take until it serves, or has ended.
const startPatience = 10 * time.Second

// reach finds the server at an address, or at that of the settings; where none answers there, it starts one of our own, which is
// returned to be closed. Another process that has the data folder may be about to serve, or to end: that is waited for with patience.
func reach(ctx context.Context, cfg *server.Config, address, token string, patience time.Duration) (c client.Client, ours *server.Server, err error) {
	c = client.Client{Base: strings.TrimRight(address, "/"), Token: token}
	if address == "" {
		c.Base = "http://" + net.JoinHostPort(cfg.ListenHost(), fmt.Sprint(cfg.Port))
	}
	var health struct{ Service string }
	answers := func() bool {
		return c.Call(ctx, "GET", "/health", nil, &health) == nil && health.Service == codeforge.Service
	}
	if answers() {
		return c, nil, nil
	}
	if address != "" {
		return c, nil, fmt.Errorf("no CodeForge answers at %s: start it with `codeforge serve`, or leave the address out", address)
	}
	for until := time.Now().Add(patience); ; {
		if ours, err = startQuietly(ctx, cfg); err == nil {
			c.Base = ours.URL()
			return c, ours, nil
		}
		if answers() {
			return c, nil, nil
		}
		if ctx.Err() != nil || time.Now().After(until) || !errors.Is(err, sqlite.ErrInUse) {
			return c, nil, err
		}
		select {
		case <-ctx.Done():
		case <-time.After(200 * time.Millisecond):
		}
	}
}
