package codeforge

import "strings"

// RungName names a step of the ladder of evidence, which leads from the text of a file to a page that runs.
type RungName string

const (
	RungParse   RungName = "parse"
	RungResolve RungName = "resolve"
	RungTypes   RungName = "types"
	RungBundle  RungName = "bundle"
	RungRun     RungName = "run"
)

// RungStatus is what a step came to.
type RungStatus string

const (
	RungPassed     RungStatus = "passed"
	RungFailed     RungStatus = "failed"
	RungNotChecked RungStatus = "not_checked" // the reason says why
)

// Rung is one step of the ladder and what it came to for a tree of files.
type Rung struct {
	Name       RungName   `json:"name" enum:"parse,resolve,types,bundle,run"`
	Status     RungStatus `json:"status" enum:"passed,failed,not_checked"`
	Reason     string     `json:"reason,omitempty" doc:"Why it was not checked, or not wholly."`
	Tool       string     `json:"tool,omitempty" example:"esbuild"`
	Version    string     `json:"version,omitempty" doc:"Of the tool."`
	DurationMS int64      `json:"duration_ms"`
}

// Diagnostic is one thing that a step of the ladder found.
type Diagnostic struct {
	File     string   `json:"file"`
	Line     int      `json:"line" doc:"From 1; 0: the whole file."`
	Column   int      `json:"column"`
	Severity string   `json:"severity" enum:"error,warning"` // only errors make a tree fail
	Message  string   `json:"message"`
	Rung     RungName `json:"rung,omitempty" enum:"parse,resolve,types,bundle,run" doc:"The step that found it."`
	Page     string   `json:"page,omitempty" doc:"Of a run: the page where it was seen."` // as its address in the site
	Control  string   `json:"control,omitempty" doc:"Of a run: what was used there."`
}

// JobDiagnostic is one that a job was told of.
type JobDiagnostic struct {
	Diagnostic
	Preexisting bool   `json:"preexisting,omitempty" doc:"It was there before the job, which need not mend it."`
	Guard       string `json:"guard,omitempty" doc:"The guard that found it."`
}

// Rank orders diagnostics: what a job must mend comes first, then warnings, then what was there before.
func (d JobDiagnostic) Rank() int {
	switch {
	case d.Preexisting:
		return 2
	case d.Severity == "error":
		return 0
	}
	return 1
}

// Evidence is how far up the ladder a tree got, its steps in order. None: nobody looked.
type Evidence []Rung

// Screenshot is what a page of a revision looked like in a browser window of this width. Its bytes are a blob of the project.
// A revision has one of each page and width.
type Screenshot struct {
	Page  string `json:"page"`
	Width int    `json:"width"`
	Type  string `json:"type"` // media type
	Hash  string `json:"hash"` // SHA-256 in hexadecimal
}

// Bounds on what is kept beside a revision.
const (
	MaxRungs       = 16
	MaxReason      = 2_000
	MaxScreenshots = 32
	MaxWindow      = 10_000    // pixels
	MaxLock        = 8_000_000 // bytes
	// KeptScreenshots is how many revisions of a project keep their screenshots: the newest of those that have some.
	KeptScreenshots = 50
)

// CheckBesideRevision holds the rules for what is kept beside a revision.
func CheckBesideRevision(evidence Evidence, shots []Screenshot, lock []byte) error {
	if len(evidence) > MaxRungs {
		return InvalidField("evidence", "must have at most %d rungs, has %d", MaxRungs, len(evidence))
	}
	for _, r := range evidence {
		for _, text := range []string{string(r.Name), string(r.Status), r.Reason, r.Tool, r.Version} {
			if len(text) > MaxReason || !IsText(text) {
				return InvalidField("evidence", "texts must be valid UTF-8 without NUL characters, of at most %d bytes", MaxReason)
			}
		}
	}
	if len(shots) > MaxScreenshots {
		return InvalidField("screenshots", "must be at most %d, are %d", MaxScreenshots, len(shots))
	}
	type place struct {
		page  string
		width int
	}
	seen := map[place]bool{}
	for _, s := range shots {
		if len(s.Page) > 4*MaxPath || !IsText(s.Page) || len(s.Type) > 100 || !strings.HasPrefix(s.Type, "image/") || !IsText(s.Type) || s.Width < 1 || s.Width > MaxWindow {
			return InvalidField("screenshots", "must have a page, a width and the media type of a picture")
		}
		if err := CheckHash(s.Hash); err != nil {
			return err
		}
		if seen[place{s.Page, s.Width}] {
			return InvalidField("screenshots", "must be one of each page and width")
		}
		seen[place{s.Page, s.Width}] = true
	}
	if len(lock) > MaxLock {
		return InvalidField("lock", "must have at most %d bytes, has %d", MaxLock, len(lock))
	}
	return nil
}

// Proven reports whether the evidence is all that can be had: what every server looks at has passed, and nothing else has failed. Types
// and runs may be not checked where there is no compiler, no browser, or nothing to look at.
func (e Evidence) Proven() bool {
	passed := map[RungName]bool{}
	for _, r := range e {
		if r.Status == RungFailed {
			return false
		}
		passed[r.Name] = r.Status == RungPassed
	}
	return passed[RungParse] && passed[RungResolve] && passed[RungBundle]
}
