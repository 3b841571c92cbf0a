//go:build linux && !amd64 && !arm64

package sandbox

// No filter was written for this architecture.
const auditArch = 0

var computingArch []int
