// Package codeforge says what the system is about: projects of versioned files, the jobs of agents that
// change them, the events that tell of it, and the rules that hold for each whatever stores or serves them.
//
// It imports the standard library alone. Everything else in this module imports it.
package codeforge

import "time"

// Version is what /health and the specification report. It is part of the wire contract.
const Version = "0.1.0"

// Service is the name under which /health answers. It is part of the wire contract.
const Service = "codeforge-backend"

// Limits on what a client may send. All are inclusive; lengths count Unicode code points unless they say bytes.
const (
	MaxPath           = 500
	MaxPathSegment    = 255 // bytes: what file systems take
	MaxContent        = 100_000
	MaxInputKeys      = 10
	MaxInput          = 50_000
	MaxInputDepth     = 5
	MaxTitle          = 200
	MinTitle          = 3
	MaxDescription    = 1000
	MaxTechStack      = 10
	MaxTechStackItem  = 100
	MaxSpec           = 200_000 // bytes of a requirements or architecture document
	MaxAnswers        = 5
	MaxAnswer         = 10_000
	MaxIdempotencyKey = 255
	MaxFiles          = 2_000      // files of one project
	MaxTreeBytes      = 32_000_000 // bytes of all files of one project
)

// Now is the time in UTC, cut to the microsecond: what every store can hold without loss.
func Now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
