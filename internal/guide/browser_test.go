package guide_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"codeforge/internal/browser/browsertest"
	"codeforge/internal/guide"

	"github.com/chromedp/chromedp"
)

// TestGuideInABrowser: no page is wider than the window in which it is read, and nothing of it is stopped by its policy. With
// CODEFORGE_SOAK all pages are looked at.
func TestGuideInABrowser(t *testing.T) {
	all := files(t)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, ok := all[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", f.ContentType)
		w.Header().Set("Content-Security-Policy", guide.Policy)
		_, _ = w.Write(f.Data)
	}))
	defer s.Close()
	pages := []string{guide.Root, guide.Root + "/models", guide.Root + "/settings"}
	if os.Getenv("CODEFORGE_SOAK") != "" {
		pages = nil
		for path, f := range all {
			if strings.HasPrefix(f.ContentType, "text/html") {
				pages = append(pages, path)
			}
		}
	}
	ctx := browsertest.Open(t, 2*time.Minute)
	for _, page := range pages {
		for _, width := range []int64{360, 768, 1280} {
			if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, 800), chromedp.Navigate(s.URL+page)); err != nil {
				t.Fatalf("%s: %v", page, err)
			}
			saw, err := chromedp.Run(ctx, chromedp.Evaluate[struct {
				Wide, Styled bool
				Menu, Side   string
			}](`({
				wide: document.documentElement.scrollWidth > innerWidth,
				styled: document.styleSheets.length == 1 && document.styleSheets[0].cssRules.length > 10,
				menu: getComputedStyle(document.querySelector(".menu")).display,
				side: getComputedStyle(document.querySelector(".side")).display,
			})`))
			if err != nil {
				t.Fatalf("%s: %v", page, err)
			}
			if saw.Wide || !saw.Styled || (saw.Menu == "none") == (saw.Side == "none") {
				t.Errorf("%s at %d: %+v", page, width, saw)
			}
		}
	}
}
