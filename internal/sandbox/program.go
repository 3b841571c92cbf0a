package sandbox

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"time"
)

// Program is another program that works on untrusted input. It is started for one piece of work, with bounds as children
// have them, and its whole group ends with the context or with this process.
//
// On Linux it reads and writes what Read and Write name and nothing else of the disk, starts no other program and has no
// network, where the kernel can refuse that (Landlock, Linux 5.13): [Program.Confined] tells. Elsewhere it has an
// environment and bounds on time of its own, and no more.
type Program struct {
	Path      string
	Args      []string
	Env       []string // all that it gets
	Dir       string   // where it works
	Read      []string // files and folders
	Write     []string // folders; they may be read too
	Memory    int64    // bytes of data
	MaxOutput int      // bytes that are kept of what it writes
}

// Output is what a program wrote and how it ended by itself.
type Output struct {
	Text []byte
	Code int
	Cut  bool // Text is not all of it
}

// Run starts the program and waits for its end. A program that did not end by itself is a [*Crash]: also when it is out of
// time because a deadline of ctx has passed. Any other end of ctx is returned as its cause.
func (p Program) Run(ctx context.Context) (Output, error) {
	out := &head{limit: p.MaxOutput}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return Output{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	defer null.Close()
	cmd := exec.CommandContext(ctx, p.Path, p.Args...)
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = p.Dir, null, out, out
	cmd.Env = append([]string{}, p.Env...) // nil would be all of ours
	cmd.WaitDelay = time.Second            // when somebody else holds its pipe
	state, err := p.run(cmd)
	if state == nil {
		if ctx.Err() != nil {
			return Output{}, context.Cause(ctx)
		}
		return Output{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	text, cut := out.text()
	switch {
	case ctx.Err() == context.DeadlineExceeded:
		return Output{}, &Crash{Reason: OutOfTime}
	case ctx.Err() != nil:
		return Output{}, context.Cause(ctx)
	case state.UserTime()+state.SystemTime() >= maxProgramTime:
		return Output{}, &Crash{Reason: OutOfTime}
	case !state.Success() && brokeDown(text):
		return Output{}, &Crash{Reason: whyBroken(text, mostMemory(state) > p.Memory/2)}
	case endedBy(state) != 0:
		return Output{}, &Crash{Reason: Killed}
	}
	return Output{Text: text, Code: state.ExitCode(), Cut: cut}, nil
}

// brokeDown reports whether a program wrote as Go's runtime does when it gives up.
func brokeDown(text []byte) bool {
	for _, word := range []string{"fatal error: ", "panic: ", "runtime: ", "SIG"} {
		if bytes.HasPrefix(text, []byte(word)) || bytes.Contains(text, []byte("\n"+word)) {
			return true
		}
	}
	return false
}

func whyBroken(text []byte, muchMemory bool) Reason {
	switch {
	case bytes.Contains(text, []byte("stack overflow")):
		return OutOfStack
	case muchMemory, bytes.Contains(text, []byte(outOfMemory)), bytes.Contains(text, []byte("cannot allocate memory")):
		return OutOfMemory // a runtime that is refused memory within its own work ends in other words too
	}
	return Died
}

// maxProgramTime is how much processor time a program may take. It is for one that nobody can kill.
const maxProgramTime = 4 * time.Minute

// head keeps the beginning of what is written to it.
type head struct {
	limit int

	mu   sync.Mutex
	kept []byte
	cut  bool
}

func (h *head) Write(b []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := min(len(b), h.limit-len(h.kept))
	h.kept = append(h.kept, b[:n]...)
	h.cut = h.cut || n < len(b)
	return len(b), nil
}

func (h *head) text() ([]byte, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.kept, h.cut
}
