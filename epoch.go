package codeforge

import "time"

// CacheEpoch is the word of a store on what its servers keep of it elsewhere, all of them together.
type CacheEpoch struct {
	Number    int64         // what was kept under another number is not used
	Suspended bool          // nothing is used now
	Since     time.Duration // for so long it has been suspended without a break
}
