package stream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	"codeforge/internal/events"
)

// Why streams end that are not at their end, besides those of events.
var (
	ErrGone  = errors.New("the reader is gone")
	ErrStuck = errors.New("the reader takes nothing")
)

// header is what the answer of a stream says of itself. Nobody changes it in place.
var header = http.Header{"Content-Type": {"text/event-stream"}, "Cache-Control": {"no-cache"}, "Connection": {"keep-alive"}, "X-Accel-Buffering": {"no"}}

// SetHeader sets it.
func SetHeader(h http.Header) { maps.Copy(h, header) }

// isEnding reports whether err is one of the ordinary ends, of which the reader was told.
func isEnding(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, events.ErrSlow) || errors.Is(err, events.ErrClosed)
}

// Serve answers a request with what the source tells, until the source ends or either side goes away. The header is w's own,
// with that of a stream. When the connection was taken over, neither w nor r may be used any more, sent is what was written by
// now, and ended is called at the end, from another goroutine, with the reason, nil when all was told. Else the stream is over,
// ended is not called, and err is the reason; the answer is the caller's as long as nothing was written.
func (st *Stream) Serve(w http.ResponseWriter, r *http.Request, source Source, ended func(bytes int64, err error)) (taken bool, sent int64, err error) {
	st.source = source
	p := st.fill(r.Context())
	if p.err != nil || !st.takeOver(w, r) {
		err = st.handle(w, r, p)
		return false, st.bytes, err
	}
	st.ended = ended
	head := newParcel()
	head.writeHead(w.Header(), st.chunked, st.keep)
	head.b = append(head.b, p.seal(st.chunked)...)
	p.free()
	n, err := writeNow(st.conn, head.b)
	head.left, head.more = head.b[n:], p.more
	if st.bytes = int64(n); err != nil {
		head.err = ErrGone
	}
	sent = int64(len(head.b))
	if st.complete(head, true) {
		st.run(true)
	}
	return true, sent, nil
}

// takeOver takes the connection of a request where that can be had.
func (st *Stream) takeOver(w http.ResponseWriter, r *http.Request) bool {
	if r.ProtoMajor != 1 || r.TLS != nil {
		return false
	}
	// Deadlines are lifted.
	c, read, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return false
	}
	st.conn, st.chunked = c, r.ProtoAtLeast(1, 1)
	// Who sends more before the answer ends loses it, and the connection with it.
	st.keep = st.server.Reuse != nil && st.chunked && !r.Close && read.Reader.Buffered() == 0
	st.server.mu.Lock()
	defer st.server.mu.Unlock()
	st.server.wait(st)
	return true
}

const heartbeatFrame = ": heartbeat\n\n"

// headroom is what the size of a chunk may take.
const headroom = 10

// parcel is what is written to a stream at once.
type parcel struct {
	b    []byte // frames after headroom
	pool *[]byte
	left []byte // of b, to be written
	more bool   // the source may have more
	err  error  // why the stream ends then
}

var buffers = sync.Pool{New: func() any { return new(make([]byte, 0, 4<<10)) }}

func newParcel() parcel {
	pool := buffers.Get().(*[]byte)
	return parcel{pool: pool, b: (*pool)[:0]}
}

// free gives the buffer back, unless it has become large.
func (p *parcel) free() {
	if cap(p.b) <= 2*Batch {
		*p.pool = p.b[:0]
		buffers.Put(p.pool)
	}
	p.b, p.left, p.pool = nil, nil, nil
}

// seal frames what is in the parcel for the wire, if anything is; after what ends a stream comes the end of the answer.
func (p *parcel) seal(chunks bool) []byte {
	frames := len(p.b) - headroom
	if !chunks {
		return p.b[headroom:]
	}
	from := headroom
	if frames > 0 {
		var size [headroom]byte
		hex := append(strconv.AppendUint(size[:0], uint64(frames), 16), '\r', '\n')
		from -= len(hex)
		copy(p.b[from:], hex)
		p.b = append(p.b, '\r', '\n')
	}
	if isEnding(p.err) {
		p.b = append(p.b, "0\r\n\r\n"...)
	}
	return p.b[from:]
}

// writeHead writes the header of an answer by hand, as net/http would: h, with that of a stream.
func (p *parcel) writeHead(h http.Header, chunks, keep bool) {
	first := "HTTP/1.0 200 OK\r\nConnection: close\r\n"
	switch {
	case keep:
		first = "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n"
	case chunks:
		first = "HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n"
	}
	p.b = append(p.b, first...)
	p.b = append(p.b, "Content-Type: text/event-stream\r\nCache-Control: no-cache\r\nX-Accel-Buffering: no\r\nDate: "...)
	p.b = append(time.Now().UTC().AppendFormat(p.b, http.TimeFormat), "\r\n"...)
	for name, values := range h {
		if header[name] != nil {
			continue
		}
		for _, v := range values {
			p.b = append(append(append(append(p.b, name...), ": "...), v...), "\r\n"...)
		}
	}
	p.b = append(p.b, "\r\n"...)
}

// fill asks the source what comes next, until there is much or nothing more.
func (st *Stream) fill(ctx context.Context) (p parcel) {
	p = newParcel()
	p.b = append(p.b, make([]byte, headroom)...)
	defer func() {
		if r := recover(); r != nil {
			p.err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	for len(p.b) < Batch {
		if st.server.isClosing() {
			p.b, p.err = st.source.Dropped(p.b, events.ErrClosed), events.ErrClosed
			return p
		}
		before := len(p.b)
		if p.b, p.err = st.source.Next(ctx, p.b); p.err != nil || len(p.b) == before {
			return p
		}
	}
	p.more = true
	return p
}

// run writes what the source has, until it has nothing. own says that the goroutine is for this stream alone: then it may
// wait for the reader.
func (st *Stream) run(own bool) {
	for {
		ctx, cancel := context.WithTimeout(context.Background(), readTimeout)
		p := st.fill(ctx)
		cancel()
		if len(p.b) == headroom && p.err == nil && st.takeBeat() {
			gone, sent := isGone(st.conn)
			if p.b = append(p.b, heartbeatFrame...); gone {
				p.err = ErrGone
			}
			st.keep = st.keep && !sent
		}
		p.left = p.seal(st.chunked)
		if p.err == nil || isEnding(p.err) {
			if n, err := writeNow(st.conn, p.left); err != nil {
				p.err = ErrGone
			} else {
				st.bytes += int64(n)
				p.left = p.left[n:]
			}
		}
		if len(p.left) > 0 && !own {
			go st.runOn(p) // the reader is slow, which is nothing to others
			return
		}
		if !st.complete(p, own) {
			return
		}
	}
}

// runOn goes on with a parcel that was not taken at once.
func (st *Stream) runOn(p parcel) {
	if st.complete(p, true) {
		st.run(true)
	}
}

// complete writes what is left of a parcel. again says that the source has to be asked once more, by the caller.
func (st *Stream) complete(p parcel, own bool) (again bool) {
	defer p.free()
	wrote := len(p.b) > headroom
	if p.err == nil || isEnding(p.err) {
		for len(p.left) > 0 {
			n, err := writeSlowly(st.conn, p.left[:min(piece, len(p.left))])
			st.bytes += int64(n)
			if p.left = p.left[n:]; err != nil {
				p.err = err
				break
			}
		}
	}
	if p.err != nil {
		st.finish(p.err)
		return false
	}
	return st.settle(wrote, p.more, own)
}

// writeSlowly writes a piece to a reader who has writeTimeout for it.
func writeSlowly(c net.Conn, b []byte) (int, error) {
	_ = c.SetWriteDeadline(time.Now().Add(writeTimeout)) // what cannot be set can be closed
	n, err := c.Write(b)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return n, ErrStuck
	case err != nil:
		return n, ErrGone
	}
	_ = c.SetWriteDeadline(time.Time{})
	return n, nil
}

// finish ends a stream that was taken over.
func (st *Stream) finish(err error) {
	st.source.Close()
	st.ended(st.bytes, reason(err))
	st.leave(err)
	switch {
	case st.keep && isEnding(err) && !errors.Is(err, events.ErrClosed):
		st.server.Reuse(st.conn)
		return
	case isEnding(err):
		isGone(st.conn) // what was sent and is not read would have the end of the answer thrown away
	}
	st.conn.Close()
}

// reason is what is told of an end.
func reason(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// Connection controls the connection of an answer itself, below all that wraps its writer.
func Connection(w http.ResponseWriter) *http.ResponseController {
	for {
		wraps, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return http.NewResponseController(w)
		}
		w = wraps.Unwrap()
	}
}

// handle serves a stream on the caller's goroutine.
func (st *Stream) handle(w http.ResponseWriter, r *http.Request, p parcel) (err error) {
	defer func() {
		st.source.Close()
		st.leave(err)
		err = reason(err)
	}()
	if p.err != nil && !isEnding(p.err) {
		return p.err
	}
	SetHeader(w.Header())
	st.attend()
	conn, send := Connection(w), http.NewResponseController(w)
	_ = conn.SetReadDeadline(time.Time{}) // not every writer has deadlines
	beat := time.NewTimer(heartbeat)
	defer beat.Stop()
	for first := true; ; first = false {
		if frames := p.b[headroom:]; len(frames) > 0 || first {
			_ = conn.SetWriteDeadline(time.Now().Add(writeTimeout))
			n, err := w.Write(frames)
			if st.bytes += int64(n); err == nil {
				err = send.Flush()
			}
			if err != nil && !errors.Is(err, http.ErrNotSupported) {
				if errors.Is(err, os.ErrDeadlineExceeded) {
					return ErrStuck
				}
				return ErrGone
			}
			_ = conn.SetWriteDeadline(time.Time{})
			beat.Reset(heartbeat)
		}
		more, err := p.more, p.err
		p.free()
		if err != nil {
			return err
		}
		beaten := false
		if !more {
			select {
			case <-st.signal:
			case <-beat.C:
				beaten = true
			case <-r.Context().Done():
				return ErrGone
			}
		}
		if p = st.fill(r.Context()); beaten && p.err == nil && len(p.b) == headroom {
			p.b = append(p.b, heartbeatFrame...)
		}
	}
}

// attend makes the caller's goroutine the one that is woken.
func (st *Stream) attend() {
	s := st.server
	s.mu.Lock()
	defer s.mu.Unlock()
	st.signal = make(chan struct{}, 1)
	st.signal <- struct{}{} // what came before
	s.handlers[st] = struct{}{}
	s.stats.Handled++
}
