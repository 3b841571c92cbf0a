package jobs

import "errors"

// Why a run stopped is the cause of its context.
var (
	ErrFenced    = errors.New("another claim of this job was made, or it has ended")
	ErrCancelled = errors.New("cancelled by the user")
	ErrTimedOut  = errors.New("timed out")
	ErrShutdown  = errors.New("server is shutting down")
)
