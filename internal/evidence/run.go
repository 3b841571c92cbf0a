package evidence

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"codeforge"
	"codeforge/internal/browser"
	"codeforge/internal/preview"
	"codeforge/internal/verify"
)

// Smoke says when what is built is run in a browser.
type Smoke string

// The choices.
const (
	SmokeOff      Smoke = "off"
	SmokeAuto     Smoke = "auto"     // where a browser is there; what it cannot do is not checked
	SmokeRequired Smoke = "required" // what cannot be run is an error
)

// smoke is the rung that runs what is built.
type smoke struct {
	mode  Smoke
	start func() (*browser.Runner, browser.Program, error) // once
}

func newSmoke(mode Smoke, find func(context.Context) (browser.Options, error)) smoke {
	type started struct {
		runner  *browser.Runner
		program browser.Program
	}
	start := sync.OnceValues(func() (started, error) {
		if find == nil {
			return started{}, browser.ErrNotFound
		}
		o, err := find(context.Background())
		if err != nil {
			return started{}, err
		}
		return started{browser.New(o), o.Program}, nil
	})
	return smoke{cmp.Or(mode, SmokeOff), func() (*browser.Runner, browser.Program, error) {
		s, err := start()
		return s.runner, s.program, err
	}}
}

// why is the reason for which nothing can be run here; "": it can.
func (s *smoke) why() string {
	if s.mode == SmokeOff {
		return "runs in a browser are off (SMOKE)"
	}
	if _, _, err := s.start(); err != nil {
		return err.Error()
	}
	return ""
}

// Run is what came of opening a built tree in a browser and using it.
type Run struct {
	Rung        codeforge.Rung
	Diagnostics []verify.Diagnostic
	Screenshots []Screenshot
}

// Screenshot is what a page looked like.
type Screenshot struct {
	Page  string
	Width int
	Type  string // media type
	Bytes []byte
}

// Run builds a tree of a user, opens it in a browser and uses it. blob reads what the tree has by hash. What stands in the way of a run
// is its rung's reason; an error is that ctx ended, that nobody could look, or that a run which is required could not be made.
func (l *Ladder) Run(ctx context.Context, user string, t verify.Tree, blob func(ctx context.Context, hash string) ([]byte, error)) (Run, error) {
	began := l.now()
	result := func(status codeforge.RungStatus, reason string) Run {
		return Run{Rung: codeforge.Rung{Name: codeforge.RungRun, Status: status, Reason: reason, DurationMS: l.now().Sub(began).Milliseconds()}}
	}
	if why := l.smoke.why(); why != "" {
		return l.notRun(result(codeforge.RungNotChecked, why), l.smoke.mode == SmokeRequired)
	}
	site, report, err := l.Build(ctx, user, t)
	if err != nil {
		return Run{}, err
	}
	if bundle := rungOf(report.Evidence, codeforge.RungBundle); bundle.Status == codeforge.RungNotChecked {
		return l.notRun(result(codeforge.RungNotChecked, bundle.Reason), false)
	}
	if site == nil || site.Home == "" {
		return l.notRun(result(codeforge.RungNotChecked, "there is no page that could be opened"), false)
	}
	runner, program, _ := l.smoke.start()
	within, span := codeforge.StartSpan(ctx, codeforge.WorkVerify, string(codeforge.RungRun))
	seen, err := runner.Run(within, user, browser.Site{Handler: preview.Handler(site, blob), Pages: pagesOf(site, t)})
	span.End(err)
	if ctx.Err() != nil {
		return Run{}, context.Cause(ctx)
	}
	if why, ok := errors.AsType[*browser.Unavailable](err); ok {
		l.observe(ctx, result(codeforge.RungNotChecked, why.Error()).Rung)
		return l.notRun(result(codeforge.RungNotChecked, why.Error()), l.smoke.mode == SmokeRequired)
	}
	if err != nil {
		return Run{}, err
	}
	run := result(codeforge.RungPassed, seen.Rest)
	run.Rung.Tool, run.Rung.Version = "chromium", program.Version
	for _, f := range seen.Findings {
		run.Diagnostics = append(run.Diagnostics, seenAs(site, f))
	}
	if seen.Failed() {
		run.Rung.Status = codeforge.RungFailed
	}
	l.observe(ctx, run.Rung)
	for _, shot := range seen.Screenshots {
		run.Screenshots = append(run.Screenshots, Screenshot{shot.Page, shot.Width, shot.Type, shot.Body})
	}
	return run, nil
}

// notRun is a run that was not made: an error where one is required.
func (l *Ladder) notRun(r Run, required bool) (Run, error) {
	if required {
		return Run{}, &codeforge.Error{Kind: codeforge.Unavailable, Retryable: true, Message: "The app could not be run in a browser, which is required here (SMOKE): " + r.Rung.Reason}
	}
	return r, nil
}

// seenAs is something that was seen in a browser as a finding, with its place in the project's files.
func seenAs(site *verify.Site, f browser.Finding) verify.Diagnostic {
	d := verify.Diagnostic{File: f.File, Line: f.Line, Column: f.Column, Severity: verify.SeverityWarning, Message: f.Message, Rung: codeforge.RungRun, Page: f.Page, Control: f.Control}
	if f.Severity == browser.Error {
		d.Severity = verify.SeverityError
	}
	if f.File == "" {
		return d
	}
	if file, line, column, ok := site.Position(f.File, f.Line, f.Column); ok {
		d.File, d.Line, d.Column = file, line, column
	} else if _, served := site.Find(f.File); served && strings.HasPrefix(f.File, "__") { // a built file says nothing to people
		d.File, d.Line, d.Column = "", 0, 0
	}
	return d
}

// pagesOf are the addresses to begin with: the start page, then the others, the nearest to the root first.
func pagesOf(site *verify.Site, t verify.Tree) []string {
	var others []string
	for _, p := range slices.Sorted(maps.Keys(t.Files)) {
		ending := path.Ext(p)
		if _, served := site.Find(p); served && (ending == ".html" || ending == ".htm") && p != site.Home && path.Base(p) != "404.html" {
			others = append(others, "/"+p)
		}
	}
	slices.SortStableFunc(others, func(a, b string) int { return strings.Count(a, "/") - strings.Count(b, "/") })
	return append([]string{"/"}, others...)
}

func rungOf(e codeforge.Evidence, name codeforge.RungName) codeforge.Rung {
	for _, rung := range e {
		if rung.Name == name {
			return rung
		}
	}
	return codeforge.Rung{}
}
