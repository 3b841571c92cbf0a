// Package sandbox runs work on untrusted input in child processes of this program. A parser or a bundler can be made to
// take any amount of memory, stack and time; within a process nothing stops it and its death is everybody's. A child has
// bounds, no environment, no files, no network and no programs as far as the kernel can refuse them, and is killed when
// its time is over or nobody waits any more.
//
// The parent's side is [Pool]; the child's is [Serve], which a program calls before anything else when [IsChild] says
// that it was started as one.
package sandbox

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
)

// argument makes this program a child: codeforge verifier MEMORY.
const argument = "verifier"

// IsChild reports whether this process was started as a child.
func IsChild() bool { return len(os.Args) == 3 && os.Args[1] == argument }

// Request is work for a child. The child's handler gets what Write writes, which must be Size bytes; Write may be called
// more than once.
type Request struct {
	Size      int
	Write     func(io.Writer) error
	MaxAnswer int // bytes that the answer may have

	// Ask answers what the child asks while it is at work; nil: it may ask nothing. A question comes from a process that a
	// stranger's code may have taken over. The context ends with the work, whose deadline goes on meanwhile.
	Ask func(ctx context.Context, question []byte) ([]byte, error)
}

// Bounds on what a child may ask in one piece of work. What is beyond the first ends the child, what is beyond the others
// is refused.
const (
	maxQuestion  = 64 << 10  // bytes of one
	maxQuestions = 100_000   // of them
	maxTold      = 512 << 20 // bytes of all replies
)

// Crash is what became of work that no child survived: two died of it, ten were killed by others, or its time ran out.
type Crash struct {
	Reason Reason
	At     string // what the child said it was at, see [Handler]; "" when it did not say
}

func (c *Crash) Error() string { return fmt.Sprintf("the child ended: %s", c.Reason) }

// Reason is why a child ended.
type Reason string

// Reasons of a Crash.
const (
	OutOfTime   Reason = "out of time"
	OutOfMemory Reason = "out of memory"
	OutOfStack  Reason = "out of stack"
	Killed      Reason = "killed" // by somebody else's signal, such as the kernel's when the machine is out of memory
	Died        Reason = "died"
)

// Reasons are all of them.
var Reasons = []Reason{OutOfTime, OutOfMemory, OutOfStack, Killed, Died}

// ErrUnavailable is when no child can be had: the fault is this machine's, not the work's.
var ErrUnavailable = errors.New("no child process can be started")

// Right is something that a child should not be able to do. Held: it tried and was refused.
type Right struct {
	Name string
	Held bool
}

// Isolation is what children were refused when they tried.
type Isolation []Right

// Open names the rights that children still have.
func (i Isolation) Open() (names []string) {
	for _, r := range i {
		if !r.Held {
			names = append(names, r.Name)
		}
	}
	return names
}

func (i Isolation) String() string {
	var held []string
	for _, r := range i {
		if r.Held {
			held = append(held, r.Name)
		}
	}
	s := "refused: " + strings.Join(held, ", ")
	if len(held) == 0 {
		s = "nothing refused"
	}
	if open := i.Open(); len(open) > 0 {
		s += "; open: " + strings.Join(open, ", ")
	}
	return s
}

// What goes over the pipes: a kind, a length, that many bytes.
const (
	frameReady  = 'r' // from a child: it is set up
	frameWork   = 'w'
	frameProbe  = 'p' // to a child: try what should be refused; answered with one byte for each of rights
	frameAnswer = 'a'
	frameLast   = 'l' // an answer after which the child wants to be replaced

	frameQuestion = 'q' // from a child at work
	frameReply    = 'y' // to it
	frameRefusal  = 'n' // to it: why there is no reply
)

const frameHeader = 5

func putHeader(b []byte, kind byte, size int) {
	b[0] = kind
	binary.LittleEndian.PutUint32(b[1:], uint32(size))
}

func readHeader(r io.Reader) (kind byte, size int, err error) {
	var h [frameHeader]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return 0, 0, err
	}
	return h[0], int(binary.LittleEndian.Uint32(h[1:])), nil
}

// readFrame reads a frame of a kind that most has, and no longer than that; other frames are a [strangeFrame].
func readFrame(r io.Reader, most map[byte]int) (kind byte, body []byte, err error) {
	kind, size, err := readHeader(r)
	if err != nil {
		return 0, nil, err
	}
	if limit, ok := most[kind]; !ok || size > limit {
		return 0, nil, strangeFrame{kind, size}
	}
	body = make([]byte, size)
	_, err = io.ReadFull(r, body)
	return kind, body, err
}

// strangeFrame is what nobody who follows the rules sends.
type strangeFrame struct {
	kind byte
	size int
}

func (f strangeFrame) Error() string {
	return fmt.Sprintf("a frame of kind %q with %d bytes", f.kind, f.size)
}

// boundsData is whether children have a bound on their data. The race detector maps terabytes at its start.
const boundsData = runtime.GOOS == "linux" && !raceEnabled
