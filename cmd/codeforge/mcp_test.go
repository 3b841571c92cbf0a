package main

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"sync"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// beginMCP starts the program as an agent does, with a data folder and a port.
func beginMCP(t *testing.T, dir, port string) *mcp.ClientSession {
	t.Helper()
	s, err := startMCP(t, dir, port)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func startMCP(t *testing.T, dir, port string) (*mcp.ClientSession, error) {
	cmd := exec.Command(os.Args[0], "mcp", "--data-dir", dir, "--port", port, "--npm-registry", "off", "--smoke", "off")
	cmd.Env, cmd.Stderr = []string{asProgram + "=1"}, os.Stderr
	return mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil).Connect(t.Context(), &mcp.CommandTransport{Command: cmd}, nil)
}

func callMCP(t *testing.T, s *mcp.ClientSession, tool string, in map[string]any) map[string]any {
	t.Helper()
	r, err := s.CallTool(t.Context(), &mcp.CallToolParams{Name: tool, Arguments: in})
	if err != nil || r.IsError {
		t.Fatalf("%s: %v %+v", tool, err, r)
	}
	return r.StructuredContent.(map[string]any)
}

// TestMCPOverStandardInput: an agent that starts the program gets a server of its own, which keeps what is made where it is told to.
func TestMCPOverStandardInput(t *testing.T) {
	dir := t.TempDir()
	s := beginMCP(t, dir, "0")
	made := callMCP(t, s, "create_project", map[string]any{"title": "Kept by the program"})
	if err := s.Close(); err != nil {
		t.Errorf("the program ended badly: %v", err)
	}
	s = beginMCP(t, dir, "0")
	if p := callMCP(t, s, "list_projects", nil)["projects"].([]any); len(p) != 1 || p[0].(map[string]any)["id"] != made["id"] {
		t.Errorf("after a restart: %v", p)
	}
	if err := s.Close(); err != nil {
		t.Errorf("the program ended badly: %v", err)
	}
}

// TestMCPOfTwoAgents: two agents that start the program at one moment share one server, and the one that stays goes on when the one whose
// program had started it leaves, with the job that was under way.
func TestMCPOfTwoAgents(t *testing.T) {
	dir := t.TempDir()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	l.Close()
	var sessions [2]*mcp.ClientSession
	var errs [2]error
	var both sync.WaitGroup
	for i := range sessions {
		both.Go(func() { sessions[i], errs[i] = startMCP(t, dir, port) })
	}
	both.Wait()
	if err := errors.Join(errs[:]...); err != nil {
		t.Fatal(err)
	}
	one, two := sessions[0], sessions[1]
	begun := callMCP(t, two, "build", map[string]any{"idea": "A shared shopping list"})
	if p := callMCP(t, one, "list_projects", nil)["projects"].([]any); len(p) != 1 {
		t.Errorf("the other sees %v", p)
	}
	for _, leaves := range []*mcp.ClientSession{one, two} { // whichever has the server
		if err := leaves.Close(); err != nil {
			t.Errorf("the program ended badly: %v", err)
		}
		stays := two
		if leaves == two {
			stays = beginMCP(t, dir, port)
		}
		for {
			j := callMCP(t, stays, "wait", map[string]any{"job_id": begun["job_id"]})
			if j["status"] == "completed" {
				break
			}
			if j["status"] != "queued" && j["status"] != "running" {
				t.Fatalf("%v", j)
			}
		}
	}
}
