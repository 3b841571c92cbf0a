// Package browsertest starts browsers for tests.
package browsertest

import (
	"context"
	"testing"
	"time"

	"codeforge/internal/browser/drive"
)

// busy is how many times as long a machine with other work may take: tests judge what pages do, not when.
const busy = 5

// Open starts a headless Chromium for chromedp that ends with the test, or after so long on a quiet machine.
func Open(t testing.TB, most time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), busy*most)
	t.Cleanup(cancel)
	ctx, stop, err := drive.Open(ctx)
	if err != nil {
		t.Fatalf("this test needs Chromium: %v", err)
	}
	t.Cleanup(stop)
	return ctx
}
