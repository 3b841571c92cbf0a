package browser

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"sync"

	"github.com/chromedp/cdproto"
	"github.com/chromedp/cdproto/cdp/jsonv2"
)

// maxMessage bounds one message of the browser. A page decides how long many of them are (what it logs, how it calls itself);
// longer ones are read over. The longest that we ask for are screenshots.
const maxMessage = 8 << 20

// pipe carries the messages of the DevTools protocol, each ended by a zero byte, over the two pipes of a browser. Nothing
// listens on a port, which a page could reach.
type pipe struct {
	in   *os.File
	out  *os.File
	read *bufio.Reader

	mu     sync.Mutex // of writes
	closed sync.Once
}

func newPipe(in, out *os.File) *pipe {
	return &pipe{in: in, out: out, read: bufio.NewReaderSize(in, 256<<10)}
}

var decoding = jsonv2.JoinOptions(jsonv2.DefaultOptionsV2(), jsonv2.AllowInvalidUTF8(true))

// Read reads the next message that is not too long.
func (p *pipe) Read(_ context.Context, m *cdproto.Message) error {
	for {
		var b []byte
		long := false
		for {
			part, err := p.read.ReadSlice(0)
			long = long || len(b)+len(part) > maxMessage
			if !long {
				b = append(b, part...)
			}
			if err == nil {
				break
			}
			if !errors.Is(err, bufio.ErrBufferFull) {
				return err
			}
		}
		if long || len(b) < 2 {
			continue
		}
		*m = cdproto.Message{}
		if jsonv2.Unmarshal(b[:len(b)-1], m, decoding) == nil {
			return nil
		}
	}
}

func (p *pipe) Write(_ context.Context, m *cdproto.Message) error {
	b, err := jsonv2.Marshal(m, decoding)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	_, err = p.out.Write(append(b, 0))
	return err
}

// Close closes both ends. The browser ends when it notices.
func (p *pipe) Close() (err error) {
	p.closed.Do(func() { err = errors.Join(p.in.Close(), p.out.Close()) })
	return err
}

// tail keeps the end of what a browser prints, for the words of an error.
type tail struct {
	mu   sync.Mutex
	kept []byte
}

const maxTail = 8 << 10

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, b...)
	if extra := len(t.kept) - maxTail; extra > 0 {
		t.kept = append(t.kept[:0], t.kept[extra:]...)
	}
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.kept)
}

var _ io.Writer = (*tail)(nil)
