// Package drive has chromedp use a browser of internal/browser, step by step: for tests that use pages as people use them.
package drive

import (
	"context"
	"fmt"

	"codeforge/internal/browser"

	"github.com/chromedp/chromedp"
)

// Open starts the Chromium that is there and returns a context for chromedp. Close ends it.
func Open(ctx context.Context) (_ context.Context, closeBrowser func(), err error) {
	program, err := browser.Find(ctx, "")
	if err != nil {
		return nil, nil, err
	}
	transport, stop, err := browser.Start(ctx, program)
	if err != nil {
		return nil, nil, err
	}
	ctx, leaveAll := chromedp.NewAllocatorContext(ctx, started{transport})
	ctx, leave := chromedp.NewContext(ctx)
	closeBrowser = func() {
		leave()
		leaveAll()
		stop()
	}
	if err := chromedp.Do(ctx); err != nil { // it starts with the first actions
		closeBrowser()
		return nil, nil, fmt.Errorf("start the browser: %w", err)
	}
	return ctx, closeBrowser, nil
}

// started is a browser that runs already.
type started struct{ transport browser.Transport }

func (s started) Allocate(ctx context.Context, o ...chromedp.BrowserOption) (*chromedp.Browser, error) {
	return chromedp.NewBrowserTransport(ctx, s.transport, o...)
}

func (started) Wait() {}

// Attaches tells chromedp that it starts nothing.
func (started) Attaches() bool { return true }
