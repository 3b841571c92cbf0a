//go:build unix

package stream

import (
	"io"
	"net"
	"syscall"
)

// writeNow writes what the kernel takes at once, and never waits.
func writeNow(c net.Conn, b []byte) (n int, err error) {
	raw := rawOf(c)
	if raw == nil || len(b) == 0 {
		return 0, nil
	}
	waits := raw.Write(func(fd uintptr) bool {
		for n < len(b) && err == nil {
			var m int
			if m, err = syscall.Write(int(fd), b[n:]); m > 0 {
				n += m
			}
			if err == syscall.EINTR {
				err = nil
			}
		}
		return true
	})
	if err == syscall.EAGAIN {
		err = nil
	}
	if err == nil {
		err = waits
	}
	return n, err
}

// isGone reports whether the other side has closed its end, and throws away what it sent, if it did: at most so much at a time.
func isGone(c net.Conn) (gone, sent bool) {
	raw := rawOf(c)
	if raw == nil {
		return false, false
	}
	var b [512]byte
	err := raw.Read(func(fd uintptr) bool {
		for range 64 {
			n, err := syscall.Read(int(fd), b[:])
			switch {
			case n == 0 && err == nil:
				gone = true
				return true
			case err == syscall.EAGAIN:
				return true
			case err != nil && err != syscall.EINTR:
				gone = true
				return true
			}
			sent = sent || n > 0
		}
		return true
	})
	return gone || err != nil && err != io.EOF, sent
}

// rawOf is the connection as the kernel has it; nil: it is none of the kernel's, or there is something in between.
func rawOf(c net.Conn) syscall.RawConn {
	tcp, ok := c.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}
