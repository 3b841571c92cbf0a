package codeforge

import "errors"

// ErrFenced is what a store answers to a write that names a claim which is no longer the newest, or whose job no longer runs.
var ErrFenced = errors.New("another claim of this job was made, or it has ended")
