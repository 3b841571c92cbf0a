package eval

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"time"

	"codeforge/internal/browser/drive"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// Browser is a real browser without a window, in which pages are used as people use them.
type Browser struct {
	ctx  context.Context
	stop func()
}

//go:embed page.js
var pageScript string

const (
	stepTakes = 5 * time.Second // until a step must have worked
	stepEvery = 100 * time.Millisecond
	pageTakes = 90 * time.Second // for all steps of one check
)

// OpenBrowser starts a Chromium. Close ends it.
func OpenBrowser(ctx context.Context) (*Browser, error) {
	ctx, stop, err := drive.Open(ctx)
	if err != nil {
		return nil, fmt.Errorf("behaviour is checked in Chromium: %w", err)
	}
	return &Browser{ctx, stop}, nil
}

// Close ends the browser.
func (b *Browser) Close() { b.stop() }

// behaves: on a page of the preview every step, an expression of page.js, becomes true, in turn; "reload" loads the page anew.
// Nothing may have been thrown on the way.
func behaves(address string, steps ...string) Check {
	return Check{"in the browser", func(ctx context.Context, o *Outcome) error {
		if o.Preview == "" {
			return errors.New("there is nothing to show")
		}
		return o.Browser.use(ctx, o.Preview+address, steps)
	}}
}

func (b *Browser) use(ctx context.Context, address string, steps []string) error {
	tab, leave := chromedp.NewContext(b.ctx)
	defer leave()
	tab, cancel := context.WithTimeout(tab, pageTakes)
	defer cancel()
	defer context.AfterFunc(ctx, cancel)()
	if _, err := chromedp.Call(tab, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: pageScript}); err != nil {
		return err
	}
	if err := chromedp.Do(tab, chromedp.Navigate(address)); err != nil {
		return fmt.Errorf("open %s: %w", address, err)
	}
	for _, step := range steps {
		if step == "reload" {
			if err := chromedp.Do(tab, chromedp.Reload()); err != nil {
				return fmt.Errorf("reload: %w", err)
			}
			continue
		}
		if err := until(tab, step); err != nil {
			return fmt.Errorf("%s: %w", step, err)
		}
	}
	thrown, err := chromedp.Run(tab, chromedp.Evaluate[[]string]("window.personErrors"))
	if err == nil && len(thrown) > 0 {
		return fmt.Errorf("the page threw %s", strings.Join(thrown, "; "))
	}
	return err
}

// until tries an expression until it is true. A page that is just being left answers with an error, which counts as no.
func until(tab context.Context, step string) error {
	end := time.Now().Add(stepTakes)
	for {
		ok, err := chromedp.Run(tab, chromedp.Evaluate[bool](step))
		if ok && err == nil {
			return nil
		}
		if time.Now().After(end) || tab.Err() != nil {
			if err != nil {
				return err
			}
			seen, _ := chromedp.Run(tab, chromedp.Evaluate[string]("document.body.innerText.slice(0, 300)"))
			return fmt.Errorf("it never became true; the page shows %q", seen)
		}
		select {
		case <-tab.Done():
		case <-time.After(stepEvery):
		}
	}
}
