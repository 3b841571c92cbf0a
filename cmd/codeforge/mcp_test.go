package main

import (
	"os"
	"os/exec"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// TestMCPOverStandardInput: an agent that starts the program gets a server of its own, which keeps what is made where it is told to.
func TestMCPOverStandardInput(t *testing.T) {
	dir := t.TempDir()
	begin := func() *mcp.ClientSession {
		cmd := exec.Command(os.Args[0], "mcp", "--data-dir", dir, "--port", "0", "--npm-registry", "off", "--smoke", "off")
		cmd.Env, cmd.Stderr = []string{asProgram + "=1"}, os.Stderr
		s, err := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil).Connect(t.Context(), &mcp.CommandTransport{Command: cmd}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	call := func(s *mcp.ClientSession, tool string, in map[string]any) map[string]any {
		r, err := s.CallTool(t.Context(), &mcp.CallToolParams{Name: tool, Arguments: in})
		if err != nil || r.IsError {
			t.Fatalf("%s: %v %+v", tool, err, r)
		}
		return r.StructuredContent.(map[string]any)
	}
	s := begin()
	made := call(s, "create_project", map[string]any{"title": "Kept by the program"})
	if err := s.Close(); err != nil {
		t.Errorf("the program ended badly: %v", err)
	}
	s = begin()
	if p := call(s, "list_projects", nil)["projects"].([]any); len(p) != 1 || p[0].(map[string]any)["id"] != made["id"] {
		t.Errorf("after a restart: %v", p)
	}
	if err := s.Close(); err != nil {
		t.Errorf("the program ended badly: %v", err)
	}
}
