// Package verify checks a tree of files without running any of it: every file parses, every reference leads somewhere,
// every entry point bundles. The machine's disk is never read.
//
// Each script and style sheet is first built alone, with everything that it names left outside; that gives syntax
// errors, positions and the graph of imports at a cost that grows with the file alone. Then the scripts are linked
// together, what is broken left outside, which finds names that no module exports. [Bundle] builds the same tree once
// more into what a browser can load.
package verify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"codeforge"
)

// Diagnostic is one finding.
type Diagnostic = codeforge.Diagnostic

// Report is what was checked and found. Diagnostics are sorted by file, line, column.
type Report struct {
	OK          bool         `json:"ok"`
	Files       int          `json:"files"`
	Entries     []string     `json:"entries"` // what was bundled
	Diagnostics []Diagnostic `json:"diagnostics"`

	Evidence codeforge.Evidence `json:"evidence,omitempty"` // the rungs of the ladder that somebody looked at
	Lock     []byte             `json:"lock,omitempty"`     // which packages the tree was resolved to, where its own lock says something else
}

// Severities of a Diagnostic.
const (
	SeverityError   = "error"
	SeverityWarning = "warning"
)

// Limits of a Report. Findings beyond MaxDiagnostics are counted in one note at the end; errors are kept before warnings.
const (
	MaxDiagnostics = 200
	MaxMessage     = 500 // bytes
)

// Check verifies a tree in this process, which the tree can end: [Verifier.Check] is for everybody but
// its children and tests.
func Check(ctx context.Context, t Tree) Report {
	_, r, _ := run(ctx, t, false)
	return r
}

// Bundle builds a tree in this process, as [Verifier.Bundle] says.
func Bundle(ctx context.Context, t Tree) (*Site, Report) {
	site, r, _ := run(ctx, t, true)
	return site, r
}

var errStopped = errors.New("stopped")

// run checks a tree. When it wants a vendor that is not there yet it says so, and nothing else.
func run(ctx context.Context, t Tree, bundle bool) (site *Site, report Report, wants []want) {
	failed := func(text string) (*Site, Report, []want) {
		var d diagnostics
		d.add("", 0, 0, SeverityError, "%s", text)
		return nil, d.report(t.Len(), nil), nil
	}
	defer func() {
		if p := recover(); p != nil {
			// The panic's text may hold anything; that there was one is all that a caller can use.
			site, report, wants = failed("The check itself failed on this tree")
		}
	}()
	if r, ok := tooLarge(t); ok {
		return nil, r, nil
	}
	site, report, err := check(ctx, t, bundle)
	if w, ok := errors.AsType[*wantVendor](err); ok {
		return nil, Report{}, w.wants
	}
	if err != nil {
		return failed("The check was stopped before it was through")
	}
	return site, report, nil
}

// tooLarge is the report on a tree with more than a project may have.
func tooLarge(t Tree) (Report, bool) {
	var d diagnostics
	if t.Len() > codeforge.MaxFiles {
		d.add("", 0, 0, SeverityError, "The project has %d files; at most %d are checked", t.Len(), codeforge.MaxFiles)
		return d.report(t.Len(), nil), true
	}
	if total := t.bytes(); total > codeforge.MaxTreeBytes {
		d.add("", 0, 0, SeverityError, "The project has %d bytes; at most %d are checked", total, codeforge.MaxTreeBytes)
		return d.report(t.Len(), nil), true
	}
	return Report{}, false
}

func check(ctx context.Context, project Tree, bundle bool) (*Site, Report, error) {
	var d diagnostics
	t := newTree(project, &d)
	t.maxMaps = maxSite(project) / 4
	t.checkSecrets(&d)
	t.readDefines(&d)
	t.compileFiles(ctx, &d)
	var pages []*page
	for _, p := range t.paths {
		if !isHTML(p) || t.isOutput(p) {
			continue
		}
		noteFile(ctx, p)
		pg := readPage(p, t.files[p], &d)
		t.addInlines(pg)
		t.resolvePage(pg)
		t.inject(pg)
		pages = append(pages, pg)
	}
	g, err := t.scan(ctx, usageOf(pages), &d)
	if err != nil {
		return nil, Report{}, err
	}
	d.at(codeforge.RungResolve)
	for _, pg := range pages {
		t.checkPage(pg, g, &d)
	}
	t.checkRuntime(g, pages, &d)
	entries := g.entries(t, pages)
	t.tellElsewhere(t.runsElsewhere(pages), &d)
	prog := t.programs(g, pages, entries)
	if err := t.bring(ctx, g, prog, entries, &d); err != nil {
		return nil, Report{}, err
	}
	d.at(codeforge.RungBundle)
	if err := t.link(ctx, g, &d); err != nil {
		return nil, Report{}, err
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		names = append(names, fileOf(e))
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if !bundle {
		return nil, d.report(project.Len(), names), nil
	}
	site, err := t.bundle(ctx, g, pages, prog, &d)
	if err != nil {
		return nil, Report{}, err
	}
	if limit := maxSite(project); site != nil && site.Size-site.mapBytes() > limit {
		d.add("", 0, 0, SeverityError, "The project is built to %d bytes; at most %d are shown", site.Size-site.mapBytes(), limit)
		site = nil
	}
	if _, inChild := project.Packages.(vendorKeeper); site != nil && !inChild {
		site.addPackages(project.Packages, t.vendor)
	}
	return site, d.report(project.Len(), names), nil
}

// diagnostics collects findings from several goroutines.
type diagnostics struct {
	mu   sync.Mutex
	rung codeforge.RungName // that is being looked at; "": the first
	list map[Diagnostic]codeforge.RungName
	lost int
}

// at says which rung what follows stands on.
func (d *diagnostics) at(rung codeforge.RungName) *diagnostics {
	d.rung = rung
	return d
}

// maxHeld bounds what is kept before sorting: a hostile tree can give a finding for every few bytes.
const maxHeld = 50 * MaxDiagnostics

func (d *diagnostics) add(file string, line, column int, severity, format string, args ...any) {
	d.addOn(d.rung, file, line, column, severity, format, args...)
}

// addOn adds a finding of a rung. What was found on another one is not found again.
func (d *diagnostics) addOn(rung codeforge.RungName, file string, line, column int, severity, format string, args ...any) {
	msg := format
	if len(args) > 0 {
		msg = fmt.Sprintf(format, args...)
	}
	g := Diagnostic{File: tidy(file, codeforge.MaxPath), Line: line, Column: column, Severity: severity, Message: tidy(msg, MaxMessage)}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.list == nil {
		d.list = map[Diagnostic]codeforge.RungName{}
	}
	if len(d.list) >= maxHeld && severity != SeverityError || len(d.list) >= 2*maxHeld {
		d.lost++
		return
	}
	if _, known := d.list[g]; !known {
		d.list[g] = rung
	}
}

// countDropped counts findings that are not made.
func (d *diagnostics) countDropped(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lost += n
}

func (d *diagnostics) report(files int, entries []string) Report {
	d.mu.Lock()
	defer d.mu.Unlock()
	list := slices.Collect(maps.Keys(d.list))
	byPlace := func(a, b Diagnostic) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.Severity, b.Severity), cmp.Compare(a.Message, b.Message))
	}
	slices.SortFunc(list, func(a, b Diagnostic) int { return cmp.Or(cmp.Compare(a.Severity, b.Severity), byPlace(a, b)) })
	r := Report{OK: true, Files: files, Entries: entries}
	if len(list) > 0 && list[0].Severity == SeverityError {
		r.OK = false
	}
	more := d.lost
	if len(list) > MaxDiagnostics {
		more += len(list) - MaxDiagnostics
		list = list[:MaxDiagnostics]
	}
	slices.SortFunc(list, byPlace)
	for i := range list {
		list[i].Rung = d.list[list[i]]
	}
	if more > 0 {
		list = append(list, Diagnostic{Severity: SeverityWarning, Message: fmt.Sprintf("%d more findings are not shown", more)})
	}
	if r.Entries == nil {
		r.Entries = []string{}
	}
	if list == nil {
		list = []Diagnostic{}
	}
	r.Diagnostics = list
	return r
}

// tidy makes text fit for one line of at most limit bytes.
func tidy(s string, limit int) string {
	if len(s) > 4*limit {
		s = s[:4*limit]
	}
	s = strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return ' '
		}
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	if len(s) <= limit {
		return s
	}
	cut := limit - len("…")
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}

// position turns a byte offset into a line and a column in characters, both from 1.
func position(content string, offset int) (line, column int) {
	before := content[:min(offset, len(content))]
	line = 1 + strings.Count(before, "\n")
	return line, 1 + utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:])
}
