package codeforge

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"strconv"
	"strings"
	"time"
)

// PreviewErrorKind is how something went wrong in a page.
type PreviewErrorKind string

const (
	PreviewException PreviewErrorKind = "error"     // an exception that nothing caught
	PreviewRejection PreviewErrorKind = "rejection" // a promise that was rejected, and nothing handled it
	PreviewLoad      PreviewErrorKind = "load"      // a script, style sheet or picture that did not load
	PreviewBlocked   PreviewErrorKind = "blocked"   // something that the policy of previews does not let through
)

// Bounds of what is kept of errors in previews.
const (
	MaxPreviewErrors       = 100 // different ones of a project, the newest
	MaxPreviewErrorMessage = 1_000
	MaxPreviewErrorStack   = 2_000
	maxPreviewErrorPlace   = 500
)

// PreviewError is what went wrong in a page of a preview, as a script in the page saw it. The page could have written it
// too: its texts are a stranger's. Equal ones are kept once, and counted.
type PreviewError struct {
	Revision int64            `json:"revision"` // that the page showed; of a working tree, the one that it lies on
	JobID    string           `json:"job_id"`   // whose working tree the page showed; "": a revision
	Kind     PreviewErrorKind `json:"kind"`
	Message  string           `json:"message"`
	File     string           `json:"file"` // of the project, else the address of what was built; "": not known
	Line     int              `json:"line"` // from 1; 0: not known
	Column   int              `json:"column"`
	Stack    string           `json:"stack"` // a line for each place, the innermost first
	Page     string           `json:"page"`  // the address that was open, without its origin
	Count    int              `json:"count"`
	FirstAt  time.Time        `json:"first_at"`
	LastAt   time.Time        `json:"last_at"`
}

// Clean makes what a page said fit to be kept and shown.
func (e *PreviewError) Clean() {
	switch e.Kind {
	case PreviewException, PreviewRejection, PreviewLoad, PreviewBlocked:
	default:
		e.Kind = PreviewException
	}
	line := func(s string, limit int) string { return Excerpt(strings.Join(strings.Fields(s), " "), limit) }
	e.Message, e.Stack = Excerpt(e.Message, MaxPreviewErrorMessage), Excerpt(e.Stack, MaxPreviewErrorStack)
	e.File, e.Page = line(e.File, maxPreviewErrorPlace), line(e.Page, maxPreviewErrorPlace)
	if e.Message == "" {
		e.Message = "unknown"
	}
	const most = 10_000_000
	if e.Line < 0 || e.Line > most {
		e.Line = 0
	}
	if e.Column < 0 || e.Column > most || e.Line == 0 {
		e.Column = 0
	}
}

// Key is the same for equal ones: those at the same place that say the same.
func (e *PreviewError) Key() string {
	sum := sha256.New()
	for _, part := range []string{strconv.FormatInt(e.Revision, 10), e.JobID, string(e.Kind), e.Message, e.File, strconv.Itoa(e.Line), strconv.Itoa(e.Column)} {
		io.WriteString(sum, part+"\x00")
	}
	return hex.EncodeToString(sum.Sum(nil))
}
