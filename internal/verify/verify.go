// Package verify checks a tree of files without running any of it: every file parses, every reference leads somewhere,
// every entry point bundles. The machine's disk is never read.
package verify

// Diagnostic is one finding. Line and Column count from 1; 0: the whole file.
type Diagnostic struct {
	File     string `json:"file"`
	Line     int    `json:"line"`
	Column   int    `json:"column"`
	Severity string `json:"severity"` // error or warning; only errors make a tree fail
	Message  string `json:"message"`
}

// Report is what was checked and found. Diagnostics are sorted by file, line, column.
type Report struct {
	OK          bool         `json:"ok"`
	Files       int          `json:"files"`
	Entries     []string     `json:"entries"` // what was bundled
	Diagnostics []Diagnostic `json:"diagnostics"`
}
