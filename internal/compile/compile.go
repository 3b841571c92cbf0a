// Package compile runs the compilers that projects bring along as packages: Tailwind's, Vue's, Svelte's, Sass's. They
// are programs of strangers, written for Node, on texts of strangers. So they run in an interpreter within this process
// (goja), which reaches nothing: no disk, no network, no clock, only what a project's texts and packages hold. It is for
// the verifier's children alone, whose bounds hold what an interpreter does not bound: memory, and time within one step.
//
// A [Session] is one request: its runtimes are made for it and thrown away with it, so that nothing of one project is
// seen by another. What is kept between requests are compiled programs, by what went into them.
package compile

import (
	"context"
	"errors"
	"path"
	"strings"
	"time"
)

// Packages reads the packages of a project, by the places where they lie: node_modules/react.
type Packages interface {
	// Find is the place of what Node finds by a package's name from a place ("": the project).
	Find(from, name string) (place string, ok bool)
	// List are the paths of a package's files.
	List(place string) ([]string, error)
	Read(place, name string) ([]byte, error)
	// Version is a package's version; "": it is not known.
	Version(place string) string
}

// Identified is what [Packages] may say besides: what tells a package's bytes from all others, whoever asks. Without it,
// or when it is "", no program made of the package outlives the request.
type Identified interface {
	Identity(place string) string
}

// Project is what compilers see.
type Project struct {
	Files    map[string]string // the texts, by path
	Packages Packages          // nil: there are none

	Alias   func(from, name string) (string, bool) // the file that a project's own name for a path leads to; nil: it has none
	Ignored func(p string) bool                    // whether the project's .gitignore names a file; nil: it names none
}

// Severities of a Diagnostic.
const (
	Error   = "error"
	Warning = "warning"
)

// Diagnostic is what a compiler says. Line and Column count from 1; 0: not known.
type Diagnostic struct {
	File         string
	Line, Column int
	Severity     string
	Message      string
}

// ErrNoCompiler is when the project does not have the package that compiles a file.
var ErrNoCompiler = errors.New("the project has no compiler for this")

// Session compiles the files of one project. It is not safe for concurrent use.
type Session struct {
	ctx      context.Context
	files    *files
	deadline time.Time
	engines  map[string]*engine // by compiler

	tailwind *tailwind
}

// maxTime is how long all compilers of one session may take together. A child has more, and is ended beyond that.
const maxTime = 25 * time.Second

// NewSession begins a request.
func NewSession(ctx context.Context, p Project) *Session {
	deadline := time.Now().Add(maxTime)
	if d, ok := ctx.Deadline(); ok && d.Before(deadline) {
		deadline = d
	}
	return &Session{ctx: ctx, files: newFiles(p), deadline: deadline, engines: map[string]*engine{}}
}

// engine is the runtime in which a compiler is loaded, made when it is first needed. name is the package that it is, looked
// for from a file of the project.
func (s *Session) engine(compiler, from string) (*engine, error) {
	place, ok := s.files.find(from, compilers[compiler].needs)
	if !ok {
		return nil, ErrNoCompiler
	}
	key := compiler + "\x00" + place
	if e := s.engines[key]; e != nil {
		return e, nil
	}
	p, err := s.program(compiler, place)
	if err != nil {
		return nil, err
	}
	e := &engine{s: s, program: p}
	s.engines[key] = e
	return e, nil
}

// compilers are the programs that are made of packages: an entry of ours, and the package beside which it stands.
var compilers = map[string]compiler{
	"tailwind4": {"js/tailwind4.js", "tailwindcss", false},
	"tailwind3": {"js/tailwind3.js", "tailwindcss", false},
	"vue":       {"js/vue.js", "vue", false},
	"svelte":    {"js/svelte.js", "svelte", false},
	"sass":      {"js/sass.js", "sass", true},
	"less":      {"js/less.js", "less", false},
}

type compiler struct {
	entry, needs string
	browser      bool // it is taken as it is for browsers, not for Node
}

// position turns a byte offset into a line and a column, both from 1.
func position(content string, offset int) (line, column int) {
	before := content[:max(0, min(offset, len(content)))]
	return 1 + strings.Count(before, "\n"), len(before) - strings.LastIndexByte(before, '\n')
}

func folder(p string) string {
	if d := path.Dir(p); d != "." && d != "/" {
		return d
	}
	return ""
}
