package types

import (
	"cmp"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"codeforge"
	"codeforge/internal/verify"
)

// finding is one message of the compiler.
type finding struct {
	file         string // "": of no file
	line, column int
	code         int
	message      string // in one line
	project      int    // in which it was said; -1: in none
}

var (
	messageLine = regexp.MustCompile(`^(?:(.+)\((\d+),(\d+)\): )?error TS(\d+): (.*)$`)
	projectLine = regexp.MustCompile(`^\S.* - Building project '(.*\.tsconfig-(\d+)\.json)'\.\.\.$`)
	projectFile = regexp.MustCompile(`(?:^|/)\.tsconfig-(\d+)\.json$`)
)

// mostFindings bounds how many messages are looked at: each costs a look at its file.
const mostFindings = 2_000

// submatch looks closer at a line only when it holds what all such lines do: a compiler that floods us writes megabytes of others.
func submatch(r *regexp.Regexp, holds, line string) []string {
	if !strings.Contains(line, holds) {
		return nil
	}
	return r.FindStringSubmatch(line)
}

// parse reads what the compiler wrote.
func parse(text string, p *plan, root string) (list []finding, err error) {
	clean := strings.NewReplacer(filepath.ToSlash(root)+"/", "", root+string(filepath.Separator), "", filepath.ToSlash(root), ".")
	project := -1
	var last *finding
	built := 0
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if m := submatch(projectLine, " - Building project '", line); m != nil {
			project, _ = strconv.Atoi(m[2])
			built++
			last = nil
			continue
		}
		if m := submatch(messageLine, "error TS", line); m != nil && len(list) == mostFindings {
			break
		} else if m != nil {
			f := finding{file: clean.Replace(filepath.ToSlash(m[1])), message: clean.Replace(m[5]), project: project}
			f.line, _ = strconv.Atoi(m[2])
			f.column, _ = strconv.Atoi(m[3])
			f.code, _ = strconv.Atoi(m[4])
			list = append(list, f)
			last = &list[len(list)-1]
			continue
		}
		if last != nil && strings.HasPrefix(line, "  ") && len(last.message) < 2*verify.MaxMessage {
			last.message += " " + clean.Replace(strings.TrimSpace(line))
			continue
		}
		last = nil
	}
	if built == 0 {
		return nil, &refusal{"The compiler did not do its work"}
	}
	return list, nil
}

var quotedName = regexp.MustCompile(`'([^']+)'`)

// Codes of messages about modules that were not found.
const (
	noModule       = 2307
	noModuleHint   = 2792
	noSideEffect   = 2882
	noDeclarations = 7016
	noTypesFile    = 2688
	noJSXModule    = 2875
	noJSXTypes     = 7026
	notCallable    = 2349
	// What the compiler at hand is the first to refuse.
	keywordModule   = 1540
	importAssertion = 2880
	notNewable      = 2351
)

// judge makes diagnostics of findings: those of files that the project's own settings would have checked, without those
// that come of packages which are not here. unchecked says what was left out for that.
func (p *plan) judge(found []finding) (list []verify.Diagnostic, unchecked string) {
	missing := map[string]bool{}  // what is not here
	affected := map[string]bool{} // files that need it
	lost := map[int]bool{}        // projects that need it everywhere
	kept := slices.Clone(p.findings)
	var names []finding
	for _, f := range found {
		if f.project >= 0 && p.projects[f.project].names {
			names = append(names, f)
			continue
		}
		f.file = p.own(f.file)
		switch f.code {
		case noModule, noModuleHint, noSideEffect, noDeclarations, noTypesFile, noJSXModule, noJSXTypes:
			name, natural := p.natural(f)
			if natural {
				break
			}
			missing[name] = true
			if f.file == "" || projectFile.MatchString(f.file) {
				lost[f.project] = true
			} else {
				affected[f.file] = true
			}
			continue
		case keywordModule, importAssertion:
			continue
		case notCallable, notNewable:
			if f.project >= 0 && p.projects[f.project].loose && strings.Contains(f.message, "namespace-style import") {
				continue
			}
		}
		kept = append(kept, f)
	}
	for i, project := range p.projects {
		lost[i] = lost[i] || p.unpacked && project.globals
	}
	p.spread(affected)
	checked := 0
	for file, i := range p.owner {
		if lost[i] {
			affected[file] = true
		}
		if !affected[file] && !isDeclaration(file) {
			checked++
		}
	}
	p.allUnchecked = checked == 0
	kept = slices.DeleteFunc(kept, func(f finding) bool {
		owner, ok := p.owner[f.file]
		return ok && f.project >= 0 && owner != f.project || affected[f.file] || f.project >= 0 && lost[f.project]
	})
	if p.scripts != nil {
		for _, f := range p.undeclared(names) {
			if !slices.ContainsFunc(kept, func(k finding) bool { return k.file == f.file && k.line == f.line && k.column == f.column }) {
				kept = append(kept, f)
			}
		}
	}
	for _, f := range kept {
		if f.file == "" || projectFile.MatchString(f.file) { // about settings that we wrote
			if f.project >= 0 && p.projects[f.project].config != "" && f.code == noTypesFile {
				f.file, f.line, f.column = p.projects[f.project].config, 0, 0
			} else {
				p.note("The compiler does not take the settings: TS%d: %s", f.code, f.message)
				continue
			}
		}
		if isInstalled(f.file) {
			continue
		}
		if f.line > 0 {
			f.column = characters(p.tree.Files[f.file], f.line, f.column)
		}
		list = append(list, verify.Diagnostic{File: f.file, Line: f.line, Column: f.column, Severity: verify.SeverityError, Rung: codeforge.RungTypes, Message: cut("TS"+strconv.Itoa(f.code)+": "+f.message, verify.MaxMessage)})
	}
	slices.SortFunc(list, func(a, b verify.Diagnostic) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Message, b.Message))
	})
	list = slices.Compact(list)
	if len(affected) > 0 {
		unchecked = "Not checked: files that need " + cmp.Or(shortList(missing), "the project's packages")
		if len(p.packages.lost) > 0 {
			unchecked += " (" + p.packages.lost[0] + ")"
		}
	}
	return list[:min(len(list), verify.MaxDiagnostics)], unchecked
}

// own is the project's own path of a file that was reached by a package's name.
func (p *plan) own(file string) string {
	if !isInstalled(file) || p.packages.lock == nil {
		return file
	}
	place, name := placeOf(file)
	if pkg := p.packages.lock.Package(place); pkg != nil && pkg.Link != "" {
		return path.Join(pkg.Link, name)
	}
	return file
}

// natural reports whether a module that was not found is the project's own fault, that nobody else tells of.
func (p *plan) natural(f finding) (name string, natural bool) {
	m := quotedName.FindStringSubmatch(f.message)
	spec := ""
	if m != nil {
		spec = m[1]
	}
	if f.code == noJSXTypes {
		spec = p.jsxSource(p.projects[max(f.project, 0)].options)
	}
	dir := path.Dir(f.file)
	if f.file == "" || projectFile.MatchString(f.file) {
		dir = p.projects[max(f.project, 0)].dir
	}
	clean, _, _ := strings.Cut(spec, "?")
	switch {
	case strings.HasPrefix(clean, "./") || strings.HasPrefix(clean, "../") || clean == "." || clean == "..":
		return spec, p.has(path.Join(dir, clean))
	case strings.HasPrefix(clean, "/"):
		return spec, p.has(strings.TrimPrefix(path.Clean(clean), "/")) || p.has("public"+path.Clean(clean))
	}
	pkg := packageOf(clean)
	if builtin(clean) {
		return "@types/node", p.packages.lock != nil
	}
	if pkg == "" {
		return spec, p.resolves(f.file, spec)
	}
	for _, place := range p.packages.with(dir, pkg) {
		if _, here := p.packages.folders[place]; here || !isInstalled(place) {
			return pkg, !generated.MatchString(clean)
		}
	}
	return pkg, false
}

func (p *plan) has(file string) bool {
	_, text := p.tree.Files[file]
	_, asset := p.tree.Assets[file]
	return text || asset
}

// resolves reports whether a name that is no package's leads to a file of the tree, as other tools read the settings.
func (p *plan) resolves(file, spec string) bool {
	text := p.tree.Files[file]
	for _, r := range verify.NewReferences(p.tree).Of(file) {
		if r.Start >= 0 && r.End <= len(text) && text[r.Start:r.End] == spec {
			return true
		}
	}
	return false
}

var builtins = regexp.MustCompile(`^(?:node:.+|(?:assert|async_hooks|buffer|child_process|cluster|crypto|dgram|dns|events|fs|http|http2|https|module|net|os|path|perf_hooks|process|querystring|readline|stream|string_decoder|` +
	`timers|tls|tty|url|util|v8|vm|worker_threads|zlib)(?:/\w+)?)$`)

func builtin(spec string) bool { return builtins.MatchString(spec) }

// spread adds all files that import one of those, directly or by others: what they get from there is anything.
func (p *plan) spread(affected map[string]bool) {
	if len(affected) == 0 {
		return
	}
	refs := verify.NewReferences(p.tree)
	importers := map[string][]string{}
	for _, file := range p.paths {
		if isSource(file) && !isInstalled(file) {
			for _, r := range refs.Of(file) {
				importers[r.Target] = append(importers[r.Target], file)
			}
		}
	}
	var queue []string
	for file := range affected {
		queue = append(queue, file)
	}
	for ; len(queue) > 0; queue = queue[1:] {
		for _, file := range importers[queue[0]] {
			if !affected[file] {
				affected[file] = true
				queue = append(queue, file)
			}
		}
	}
}

// characters turns a column in units of UTF-16 into one in characters.
func characters(text string, line, column int) int {
	for ; line > 1; line-- {
		_, rest, ok := strings.Cut(text, "\n")
		if !ok {
			return column
		}
		text = rest
	}
	units, runes := 1, 1
	for _, r := range strings.TrimPrefix(text, "\ufeff") {
		if units >= column || r == '\n' {
			break
		}
		units++
		if r >= 0x10000 {
			units++
		}
		runes++
	}
	return runes + max(column-units, 0)
}

func shortList(set map[string]bool) string {
	var list []string
	for name := range set {
		if name != "" {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	if len(list) > 8 {
		list = append(list[:8], "and others")
	}
	return strings.Join(list, ", ")
}

// cut makes text fit into one line of so many bytes.
func cut(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case r < ' ' || r == 0x7f:
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	if len(s) <= limit {
		return s
	}
	n := limit - len("…")
	for !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}
