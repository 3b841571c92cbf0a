package browser

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/chromedp/cdproto"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/cdp/jsonv2"
	"github.com/chromedp/cdproto/target"
)

// client speaks the DevTools protocol with one browser.
type client struct {
	pipe *pipe
	gone chan struct{} // closed when the browser is

	mu       sync.Mutex
	last     int64
	waiting  map[int64]answerTo
	handlers map[target.SessionID]func(method string, params jsonv2.Value)
}

// answerTo is a call that waits.
type answerTo struct {
	session target.SessionID
	answer  chan *cdproto.Message
}

// session is one thing of a browser that can be talked to: a page, a worker, or the browser itself ("").
type session struct {
	client *client
	id     target.SessionID
}

// errGone: the browser, or the page, is not there any more.
var errGone = errors.New("it is gone")

func newClient(p *pipe) *client {
	c := &client{pipe: p, gone: make(chan struct{}), waiting: map[int64]answerTo{}, handlers: map[target.SessionID]func(string, jsonv2.Value){}}
	go c.read()
	return c
}

// read hands out what the browser says. Handlers are called one at a time, in the order of what happened; they must not call
// the browser themselves.
func (c *client) read() {
	defer close(c.gone)
	for {
		m := new(cdproto.Message)
		if c.pipe.Read(context.Background(), m) != nil {
			return
		}
		if m.ID != 0 {
			c.mu.Lock()
			w := c.waiting[m.ID]
			delete(c.waiting, m.ID)
			c.mu.Unlock()
			if w.answer != nil {
				w.answer <- m
			}
			continue
		}
		c.mu.Lock()
		handle := c.handlers[m.SessionID]
		c.mu.Unlock()
		if handle != nil {
			handle(string(m.Method), m.Params)
		}
		if string(m.Method) == target.DetachedFromTarget.Method {
			if e, err := decode[target.EventDetachedFromTarget](m.Params); err == nil {
				c.forget(e.SessionID)
			}
		}
	}
}

// on sets what is called with each event of a session.
func (c *client) on(id target.SessionID, handle func(method string, params jsonv2.Value)) session {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.handlers[id] = handle
	return session{c, id}
}

// forget ends what waits for a session that is gone.
func (c *client) forget(id target.SessionID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.handlers, id)
	for n, w := range c.waiting {
		if w.session == id {
			close(w.answer)
			delete(c.waiting, n)
		}
	}
}

// send asks for something whose answer nobody waits for.
func send[P, R any](s session, command cdp.Command[P, R], params P) {
	_, _ = s.begin(command.Method, params, nil)
}

func (s session) begin(method string, params any, answer chan *cdproto.Message) (int64, error) {
	b, err := jsonv2.Marshal(params, decoding)
	if err != nil {
		return 0, err
	}
	c := s.client
	c.mu.Lock()
	c.last++
	id := c.last
	if answer != nil {
		c.waiting[id] = answerTo{s.id, answer}
	}
	c.mu.Unlock()
	return id, c.pipe.Write(context.Background(), &cdproto.Message{ID: id, SessionID: s.id, Method: cdproto.MethodType(method), Params: b})
}

// call asks for something and waits for the answer.
func call[P, R any](ctx context.Context, s session, command cdp.Command[P, R], params P) (result R, err error) {
	answer := make(chan *cdproto.Message, 1)
	id, err := s.begin(command.Method, params, answer)
	if err != nil {
		return result, fmt.Errorf("%s: %w", command.Method, errGone)
	}
	select {
	case m := <-answer:
		switch {
		case m == nil:
			return result, fmt.Errorf("%s: %w", command.Method, errGone)
		case m.Error != nil:
			return result, fmt.Errorf("%s: %w", command.Method, m.Error)
		}
		return decode[R](m.Result)
	case <-s.client.gone:
		return result, fmt.Errorf("%s: %w", command.Method, errGone)
	case <-ctx.Done():
	}
	s.client.mu.Lock()
	delete(s.client.waiting, id)
	s.client.mu.Unlock()
	return result, fmt.Errorf("%s: %w", command.Method, context.Cause(ctx))
}

func decode[T any](b jsonv2.Value) (v T, err error) {
	err = jsonv2.Unmarshal(b, &v, decoding)
	return v, err
}
