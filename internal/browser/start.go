package browser

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

	"github.com/chromedp/cdproto"
	cdpbrowser "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
)

// Transport carries the messages of the DevTools protocol.
type Transport interface {
	Read(context.Context, *cdproto.Message) error
	Write(context.Context, *cdproto.Message) error
	io.Closer
}

// Start starts a browser that reaches whatever this process does, for who knows the pages that are to be opened in it. It runs as one of
// a [Runner] does, but without its own sandbox where that cannot work. Stop ends it.
func Start(ctx context.Context, program Program) (t Transport, stop func(), err error) {
	p, err := start(ctx, launch{program: program, temp: os.TempDir(), noSandbox: Probe(ctx, program) != nil, memory: 4 << 30, time: time.Hour})
	if err != nil {
		return nil, nil, err
	}
	return p.pipe, p.stop, nil
}

// Probe reports why a browser cannot be used with its sandbox on this machine; nil: it can.
func Probe(ctx context.Context, program Program) error {
	p, err := start(ctx, launch{program: program, temp: os.TempDir(), memory: 1 << 30, time: time.Minute})
	if err != nil {
		return err
	}
	_, err = call(ctx, newClient(p.pipe).on("", nil), cdpbrowser.GetVersion, cdp.Empty{})
	p.stop()
	if err != nil {
		return errors.New(whyNotStarted(p, err))
	}
	return nil
}
