package offline

import (
	"context"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"codeforge"
	"codeforge/internal/browser"
	"codeforge/internal/browser/browsertest"
	"codeforge/internal/evidence"
	"codeforge/internal/npm"
	"codeforge/internal/preview"
	"codeforge/internal/sandbox"
	"codeforge/internal/types"
	"codeforge/internal/types/typestest"
	"codeforge/internal/verify"
)

// fullLadder checks trees on all rungs.
func fullLadder(t testing.TB) *evidence.Ladder {
	t.Helper()
	dir, compiler, client := t.TempDir(), typestest.Compiler(t), typestest.Packages(t)
	l := evidence.New(evidence.Options{Verifier: verify.NewVerifier(sandbox.Options{}), Smoke: evidence.SmokeRequired, HasCompiler: true,
		Packages: func(context.Context) (*npm.Client, error) { return client, nil },
		Types: func(c *npm.Client) (*types.Checker, error) {
			return types.Open(types.Options{Dir: filepath.Join(dir, "types"), NPM: c, Path: compiler})
		},
		Browser: func(ctx context.Context) (browser.Options, error) {
			p, err := browser.Find(ctx, "")
			return browser.Options{Program: p, Time: 2 * time.Minute}, err
		}})
	t.Cleanup(l.Close)
	return l
}

// TestIdeas: what is made of each idea of the table passes all rungs of the checks, every control of it does something, and a person can
// use it: examples are added, found after a reload, and deleted. Without CODEFORGE_SOAK it is two ideas, bundled and used. With
// CODEFORGE_SHEET, a folder, it leaves pictures of all there, as a page.
func TestIdeas(t *testing.T) {
	rows, soak := ideaRows(t, "ideas.txt"), os.Getenv("CODEFORGE_SOAK") != ""
	var l *evidence.Ladder
	if soak {
		l = fullLadder(t)
	} else {
		rows = rows[:2]
	}
	ctx := browsertest.Open(t, 2*time.Hour)
	sheet := newSheet(t, ctx)
	for _, row := range rows {
		t.Run(shorten(row.idea, 40), func(t *testing.T) {
			a := design(brief{idea: row.idea})
			handler := built(t, a.files())
			if soak {
				handler = verified(t, l, verify.Tree{Files: a.files()})
			}
			srv := httptest.NewServer(handler)
			defer srv.Close()
			for _, p := range a.Places() {
				if p.Kind != nil {
					use(t, ctx, srv.URL+"/"+strings.TrimPrefix(p.Href(), "./"), `document.getElementById("sample").click() ?? true`, `document.querySelectorAll("[data-id]").length >= 4`,
						"reload", `document.querySelectorAll("[data-id]").length >= 4`, `pick("[data-action=delete]")`, `pick("#delete")`, `document.querySelectorAll("[data-id]").length >= 3`)
				}
			}
			sheet.add(row.idea, a, srv.URL)
		})
	}
	sheet.write()
}

// verified takes a tree up all rungs, on which nothing may be found, and serves what is built of it.
func verified(t *testing.T, l *evidence.Ladder, tree verify.Tree) http.Handler {
	t.Helper()
	checked(t, l, tree)
	run, err := l.Run(t.Context(), "user", tree, noBlob)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range run.Diagnostics {
		t.Errorf("%s %s: %s (%s:%d)", d.Page, d.Control, d.Message, d.File, d.Line)
	}
	return served(t, l, tree)
}

// checked takes a tree up the rungs below the run.
func checked(t *testing.T, l *evidence.Ladder, tree verify.Tree) {
	t.Helper()
	report, err := l.Check(t.Context(), "user", tree)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range report.Diagnostics {
		t.Errorf("%s:%d %s", d.File, d.Line, d.Message)
	}
	for _, r := range report.Evidence {
		if r.Name != codeforge.RungRun && r.Status != codeforge.RungPassed {
			t.Errorf("%s: %s %s", r.Name, r.Status, r.Reason)
		}
	}
}

// served is what is built of a tree, as a preview shows it.
func served(t *testing.T, l *evidence.Ladder, tree verify.Tree) http.Handler {
	t.Helper()
	site, report, err := l.Build(t.Context(), "user", tree)
	if err != nil || !report.OK {
		t.Fatal(err, report.Diagnostics)
	}
	return preview.Handler(site, noBlob)
}

// noBlob: apps have no files but those that are written.
func noBlob(context.Context, string) ([]byte, error) { return nil, os.ErrNotExist }

// sheet is a page of pictures of apps.
type sheet struct {
	t   testing.TB
	ctx context.Context
	dir string
	out strings.Builder
	n   int
}

// shot is a width and a scheme in which apps are looked at.
type shot struct {
	width  int64
	scheme string
}

var shots = []shot{{1280, "light"}, {768, "dark"}, {360, "light"}, {1280, "dark"}, {768, "light"}, {360, "dark"}}

func newSheet(t testing.TB, ctx context.Context) *sheet {
	return &sheet{t: t, ctx: ctx, dir: os.Getenv("CODEFORGE_SHEET")}
}

// add takes the pictures of an app's start page, with examples in it.
func (s *sheet) add(idea string, a *app, address string) {
	if s.dir == "" {
		return
	}
	s.n++
	tab, leave := chromedp.NewContext(s.ctx)
	defer leave()
	fmt.Fprintf(&s.out, "<h2>%d. %s</h2><p>%s: %s</p><div>\n", s.n, html.EscapeString(idea), html.EscapeString(a.Name), html.EscapeString(joinAnd(a.about())))
	for _, shot := range shots {
		picture, err := shot.take(tab, address)
		if err != nil {
			s.t.Error(idea, err)
			return
		}
		name := fmt.Sprintf("%03d-%d-%s.png", s.n, shot.width, shot.scheme)
		if err := os.WriteFile(filepath.Join(s.dir, name), picture, 0o644); err != nil {
			s.t.Error(err)
			return
		}
		fmt.Fprintf(&s.out, "<img loading=lazy height=300 src=%q>\n", name)
	}
	s.out.WriteString("</div>\n")
}

// take is the picture of what stands at an address, with examples in it.
func (s shot) take(tab context.Context, address string) ([]byte, error) {
	if _, err := chromedp.Call(tab, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: s.width, Height: 800, DeviceScaleFactor: 1}); err != nil {
		return nil, err
	}
	if _, err := chromedp.Call(tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: s.scheme}}}); err != nil {
		return nil, err
	}
	if err := chromedp.Do(tab, chromedp.Navigate(address)); err != nil {
		return nil, err
	}
	// The button is there, and shown, while there is nothing yet.
	if _, err := chromedp.Run(tab, chromedp.Evaluate[any](`[...document.querySelectorAll("button")].find((b) => b.checkVisibility() && /example|Beispiel|ejemplo|exemple/i.test(b.textContent))?.click()`)); err != nil {
		return nil, err
	}
	if err := chromedp.Do(tab, chromedp.Reload()); err != nil {
		return nil, err
	}
	picture, err := chromedp.Call(tab, cdppage.CaptureScreenshot, cdppage.CaptureScreenshotParams{Format: cdppage.CaptureScreenshotFormatPng})
	if err != nil {
		return nil, err
	}
	return picture.Data, nil
}

func (s *sheet) write() {
	if s.dir == "" {
		return
	}
	text := "<!doctype html><meta charset=utf-8><title>Apps</title><style>body{font:14px sans-serif;background:#ddd}div{display:flex;flex-wrap:wrap;gap:8px}</style>\n" + s.out.String()
	if err := os.WriteFile(filepath.Join(s.dir, "index.html"), []byte(text), 0o644); err != nil {
		s.t.Error(err)
	}
}
