package main

import (
	"context"
	"fmt"
	"net"
	"strings"

	"codeforge"
	"codeforge/internal/client"
	"codeforge/internal/mcp"
	"codeforge/internal/server"
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
	c, ours, err := reach(ctx, &m.Config, m.Server, m.Token)
	if err != nil {
		return err
	}
	if ours != nil {
		defer ours.Close()
	}
	return mcp.Run(ctx, c)
}

// reach finds the server at an address, or at that of the settings; where none answers there, it starts one of our own, which is
// returned to be closed.
func reach(ctx context.Context, cfg *server.Config, address, token string) (c client.Client, ours *server.Server, err error) {
	c = client.Client{Base: strings.TrimRight(address, "/"), Token: token}
	if address == "" {
		c.Base = "http://" + net.JoinHostPort(cfg.ListenHost(), fmt.Sprint(cfg.Port))
	}
	var health struct{ Service string }
	err = c.Call(ctx, "GET", "/health", nil, &health)
	if err == nil && health.Service == codeforge.Service {
		return c, nil, nil
	}
	if address != "" {
		return c, nil, fmt.Errorf("no CodeForge answers at %s: start it with `codeforge serve`, or leave the address out", address)
	}
	if ours, err = startQuietly(ctx, cfg); err == nil {
		c.Base = ours.URL()
	}
	return c, ours, err
}
