package server

import (
	"context"
	"os"

	"codeforge/internal/agent"
)

// Replay runs an ended job again from its journal, and says in what its outcome differs from the one that is stored, and how
// many journaled answers it took. It makes no model call and changes nothing; a server may run meanwhile.
func Replay(ctx context.Context, cfg *Config, jobID string) (differences []string, calls int, err error) {
	store, err := OpenStoreReadOnly(ctx, cfg)
	if err != nil {
		return nil, 0, err
	}
	defer store.Close()
	children := cfg.sandbox()
	children.Warm = -1 // few jobs need one
	dir, err := os.MkdirTemp("", "codeforge-replay-")
	if err != nil {
		return nil, 0, err
	}
	defer os.RemoveAll(dir)
	checks := cfg.ladder(children, dir, nil)
	defer checks.Close()
	return agent.Replay(ctx, store, checks.Check, jobID, cfg.reviews())
}
