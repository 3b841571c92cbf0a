// Package types checks the types of a project with TypeScript's native compiler, which is fetched like a package and run as
// a child process: over a private folder that holds the project's texts and leads to the packages that its types need,
// and to nothing else of the disk.
//
// The compiler is of one version, and projects are written for many. So a project's settings are not shown to it: they
// are read, with what they extend, and written anew for the compiler at hand (see translate).
package types

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"codeforge"
	"codeforge/internal/npm"
	"codeforge/internal/sandbox"
	"codeforge/internal/verify"
)

// Options are what a Checker is told. Dir and NPM are needed.
type Options struct {
	Dir      string        // of its private folders; several processes may share it
	NPM      *npm.Client   // where the compiler and the packages come from
	Path     string        // of a compiler to use in place of the one that is fetched
	Setting  string        // how to say what names that path; "": TSC_PATH
	AtOnce   int           // compilers at work at once, at least 3; 0: by processors
	Memory   int64         // bytes that each may take; 0: 2 GiB. Never more than a quarter of the machine's.
	Deadline time.Duration // of one check, on the wall's clock; 0: 60 s
}

// Checker checks the types of trees. It may be used by several goroutines.
type Checker struct {
	o        Options
	turns    *sandbox.Turns
	compiler compiler
	uses     useCache
}

// quantum is how long a check may take while others wait.
const quantum = 5 * time.Second

// Open makes a Checker and removes what others that were killed have left in its folder.
func Open(o Options) (*Checker, error) {
	if o.Dir == "" || o.NPM == nil {
		return nil, errors.New("types: a folder and a client for packages are needed")
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, err
	}
	o.Dir = dir
	o.Setting = cmp.Or(o.Setting, "TSC_PATH")
	o.AtOnce = max(cmp.Or(o.AtOnce, runtime.NumCPU()), 3) // two users at once, and one for what takes its time
	o.Memory = sandbox.FairMemory(o.Memory)
	o.Deadline = cmp.Or(o.Deadline, time.Minute)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if err := sweep(dir); err != nil {
		return nil, err
	}
	return &Checker{o: o, turns: sandbox.NewTurns(o.AtOnce, quantum), compiler: compiler{npm: o.NPM, path: o.Path, setting: o.Setting}}, nil
}

// Result is what a check came to.
type Result struct {
	Rung        codeforge.Rung
	Diagnostics []verify.Diagnostic // sorted by file, line and column
	Lasts       bool                // nothing but the tree decided it, so that it is the same the next time
}

// Tool is the name of the compiler.
const Tool = "tsc"

// Check checks the types of a tree for a user. The same tree with the same packages always gives the same diagnostics.
// The error is of ctx, or of this machine; what a tree did to the compiler is a Result.
func (c *Checker) Check(ctx context.Context, user string, tree verify.Tree) (Result, error) {
	begun := time.Now()
	result := func(status codeforge.RungStatus, reason string, list []verify.Diagnostic) Result {
		return Result{codeforge.Rung{Name: codeforge.RungTypes, Status: status, Reason: cut(reason, codeforge.MaxReason), Tool: Tool, Version: c.compiler.known(), DurationMS: time.Since(begun).Milliseconds()}, list, false}
	}
	if !hasPrograms(tree.Files) {
		return result(codeforge.RungNotChecked, "The project has no programs", nil), nil
	}
	program, reason, err := c.compiler.find(ctx)
	if err != nil {
		return Result{}, err
	}
	if reason != "" {
		return result(codeforge.RungNotChecked, reason, nil), nil
	}
	p, err := c.plan(ctx, tree)
	if err != nil {
		return Result{}, err
	}
	if len(p.projects) == 0 && len(p.findings) == 0 {
		p.note("%s", p.untyped())
		return result(codeforge.RungNotChecked, p.reason(), nil), nil
	}
	var found []finding
	if len(p.projects) > 0 {
		err = c.turns.Do(ctx, user, func(ctx context.Context) (err error) {
			found, err = c.compile(ctx, program, p)
			return err
		})
	}
	if crash, ok := errors.AsType[*sandbox.Crash](err); ok {
		return result(codeforge.RungNotChecked, c.crashed(crash), nil), nil
	}
	if refused, ok := errors.AsType[*refusal](err); ok {
		return result(codeforge.RungNotChecked, refused.reason, nil), nil
	}
	if err != nil {
		return Result{}, err
	}
	if !p.typed {
		p.note("%s", p.untyped())
	}
	list, unchecked := p.judge(found)
	if unchecked != "" {
		p.notes = append(p.notes, unchecked)
	}
	r := result(codeforge.RungPassed, p.reason(), list)
	switch {
	case len(list) > 0:
		r.Rung.Status = codeforge.RungFailed
	case p.allUnchecked || !p.typed:
		r.Rung.Status = codeforge.RungNotChecked
	}
	r.Lasts = !p.unpacked && len(p.packages.lost) == 0
	return r, nil
}

// untyped is why a project has no types that are checked.
func (p *plan) untyped() string {
	if slices.ContainsFunc(p.paths, func(f string) bool { return isTypeScript(f) && !isDeclaration(f) && !isInstalled(f) }) {
		return "No settings of the project that can be used include its TypeScript"
	}
	return "The project has no TypeScript: only names that nothing declares were looked for"
}

// refusal is why the compiler could not be used on a tree.
type refusal struct{ reason string }

func (r *refusal) Error() string { return r.reason }

func (c *Checker) crashed(crash *sandbox.Crash) string {
	switch crash.Reason {
	case sandbox.OutOfTime:
		return fmt.Sprintf("The compiler took more than %s", c.o.Deadline)
	case sandbox.OutOfMemory:
		return fmt.Sprintf("The compiler took more than %d MB of memory", c.o.Memory>>20)
	case sandbox.OutOfStack:
		return "The project's types nest too deep for the compiler"
	case sandbox.Killed:
		return "The compiler was ended from outside"
	}
	return "The compiler broke down on this project"
}

// hasPrograms reports whether there is anything to check.
func hasPrograms(files map[string]string) bool {
	for p := range files {
		if isSource(p) && !isDeclaration(p) && !isInstalled(p) || strings.HasSuffix(p, ".html") || strings.HasSuffix(p, ".htm") {
			return true
		}
	}
	return false
}

func isTypeScript(p string) bool {
	switch filepath.Ext(p) {
	case ".ts", ".tsx", ".mts", ".cts":
		return true
	}
	return false
}

func isJavaScript(p string) bool {
	switch filepath.Ext(p) {
	case ".js", ".jsx", ".mjs", ".cjs":
		return true
	}
	return false
}

func isDeclaration(p string) bool {
	return strings.HasSuffix(p, ".d.ts") || strings.HasSuffix(p, ".d.mts") || strings.HasSuffix(p, ".d.cts")
}

// isInstalled reports whether a path lies where packages are put.
func isInstalled(p string) bool { return strings.Contains("/"+p, "/node_modules/") }
