// Package browsertest starts browsers for tests.
package browsertest

import (
	"context"
	"testing"
	"time"

	"codeforge/internal/browser/drive"
)

// Open starts a headless Chromium for chromedp that ends with the test, or after so long.
func Open(t testing.TB, most time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), most)
	t.Cleanup(cancel)
	ctx, stop, err := drive.Open(ctx)
	if err != nil {
		t.Fatalf("this test needs Chromium: %v", err)
	}
	t.Cleanup(stop)
	return ctx
}
