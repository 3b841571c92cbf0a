package sandbox

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"sync/atomic"
	"syscall"
)

// child is a child process as its parent has it.
type child struct {
	cmd    *exec.Cmd
	in     *os.File
	out    *os.File
	memory int64
	mark   *os.File // what it says it is at; nil: it cannot say
	words  head     // the beginning of what it wrote to stderr, which is shown to nobody
	ended  chan struct{}
	why    *Crash // set once it ended

	odd atomic.Bool // it answered what no child should
}

func startChild(program string, memory int64, ended func(*child)) (*child, error) {
	c := &child{memory: memory, words: head{limit: 4096}, ended: make(chan struct{})}
	c.cmd = &exec.Cmd{Path: program, Args: []string{"codeforge", argument, strconv.FormatInt(memory, 10)}, Env: environment, Stderr: &c.words}
	var open []*os.File
	closeAll := func() {
		for _, f := range open {
			f.Close()
		}
	}
	fail := func(err error) (*child, error) {
		closeAll()
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	theirIn, in, err := os.Pipe()
	if err != nil {
		return fail(err)
	}
	open = append(open, theirIn, in)
	out, theirOut, err := os.Pipe()
	if err != nil {
		return fail(err)
	}
	open = append(open, out, theirOut)
	if c.mark, err = prepare(c.cmd); err != nil {
		return fail(err)
	}
	if c.mark != nil {
		open = append(open, c.mark)
	}
	widenPipe(in)
	widenPipe(out)
	c.in, c.out, c.cmd.Stdin, c.cmd.Stdout = in, out, theirIn, theirOut
	if err := c.cmd.Start(); err != nil {
		return fail(err)
	}
	theirIn.Close()
	theirOut.Close()
	go func() {
		_ = c.cmd.Wait()
		c.why = c.crash()
		in.Close()
		if c.mark != nil {
			c.mark.Close()
		}
		close(c.ended)
		ended(c)
	}()
	return c, nil
}

// kill ends the child; whoever reads from it or writes to it gets an error.
func (c *child) kill() { _ = c.cmd.Process.Kill() }

// ready waits until the child is set up.
func (c *child) ready() error {
	kind, size, err := readHeader(c.out)
	if err == nil && (kind != frameReady || size != 0) {
		err = errors.New("it answers in another way than this program")
	}
	if err != nil {
		return fmt.Errorf("%w: before it was ready, %w", ErrUnavailable, c.discard())
	}
	return nil
}

// ask sends a request and reads its answer, answering what the child asks meanwhile. again: the child can take another one.
func (c *child) ask(ctx context.Context, kind byte, r Request) (answer []byte, again bool, err error) {
	if c.mark != nil {
		_ = c.mark.Truncate(0)
	}
	allowTime(c.cmd.Process.Pid, uint64(maxTime.Seconds()))
	out := bufio.NewWriterSize(c.in, 64<<10)
	var h [frameHeader]byte
	putHeader(h[:], kind, r.Size)
	_, _ = out.Write(h[:]) // a bufio.Writer keeps its first error
	if r.Write != nil {
		if err := r.Write(out); err != nil {
			return nil, false, err
		}
	}
	if err := out.Flush(); err != nil {
		return nil, false, err
	}
	most := map[byte]int{frameAnswer: r.MaxAnswer, frameLast: r.MaxAnswer, frameQuestion: maxQuestion}
	if kind != frameWork {
		delete(most, frameQuestion)
	}
	desk := desk{ask: r.Ask}
	for {
		got, body, err := readFrame(c.out, most)
		if err != nil {
			if _, strange := errors.AsType[strangeFrame](err); strange {
				c.odd.Store(true)
			}
			return nil, false, err
		}
		if got != frameQuestion {
			return body, got == frameAnswer, nil
		}
		kind, reply := desk.reply(ctx, body)
		putHeader(h[:], kind, len(reply))
		_, _ = out.Write(h[:])
		_, _ = out.Write(reply)
		if err := out.Flush(); err != nil {
			return nil, false, err
		}
	}
}

// desk answers the questions of one piece of work, as many as may be asked.
type desk struct {
	ask       func(ctx context.Context, question []byte) ([]byte, error)
	questions int
	told      int
}

func (d *desk) reply(ctx context.Context, question []byte) (kind byte, reply []byte) {
	refuse := func(why string) (byte, []byte) { return frameRefusal, []byte(why[:min(len(why), maxRefusal)]) }
	d.questions++
	switch {
	case d.ask == nil:
		return refuse("nothing may be asked in this work")
	case d.questions > maxQuestions:
		return refuse(fmt.Sprintf("more than %d questions were asked", maxQuestions))
	case d.told > maxTold:
		return refuse(fmt.Sprintf("more than %d MB were asked for", maxTold>>20))
	}
	reply, err := d.ask(ctx, question)
	if err != nil {
		return refuse(err.Error())
	}
	if d.told += len(reply); d.told > maxTold {
		return refuse(fmt.Sprintf("more than %d MB were asked for", maxTold>>20))
	}
	return frameReply, reply
}

// maxRefusal bounds why something is not told.
const maxRefusal = 1 << 10

// crash says of a child that ended what it ended of.
func (c *child) crash() *Crash {
	why := &Crash{Reason: Died}
	if c.mark != nil {
		why.At = readMark(c.mark)
	}
	words, _ := c.words.text()
	switch signal := endedBy(c.cmd.ProcessState); {
	case signal == outOfTimeSignal:
		why.Reason = OutOfTime
	case signal == syscall.SIGKILL && !c.odd.Load():
		why.Reason = Killed
	default:
		why.Reason = whyBroken(words, mostMemory(c.cmd.ProcessState) > c.memory/2)
	}
	return why
}

// discard ends the child, if it has not ended, and returns what it ended of.
func (c *child) discard() *Crash {
	c.kill()
	<-c.ended
	c.out.Close()
	return c.why
}
