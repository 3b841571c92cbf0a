package jobs

import (
	"errors"

	"codeforge"
)

// Why a run stopped is the cause of its context.
var (
	ErrFenced    = codeforge.ErrFenced
	ErrCancelled = errors.New("cancelled by the user")
	ErrTimedOut  = errors.New("timed out")
	ErrShutdown  = errors.New("server is shutting down")
)
