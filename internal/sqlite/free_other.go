//go:build !linux && !darwin && !freebsd

package sqlite

// FreeBytes is how many bytes can be written to a folder's disk, where that is known.
func FreeBytes(string) (free uint64, known bool) { return 0, false }
