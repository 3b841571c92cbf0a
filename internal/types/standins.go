package types

import (
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// isComponent reports whether a file is of a language that has a compiler of its own. What such files hold is anything.
func isComponent(p string) bool {
	switch path.Ext(p) {
	case ".vue", ".svelte", ".astro", ".mdx", ".marko":
		return true
	}
	return false
}

var componentModule = regexp.MustCompile(`declare\s+module\s+["']\*\.(?:vue|svelte|astro|mdx|marko)["']\s*(?:;|\{)`)

// blankComponents blanks what a project declares of all its components: each gets a declaration of its own.
func blankComponents(text string) string {
	for from := 0; ; {
		m := componentModule.FindStringIndex(text[from:])
		if m == nil {
			return text
		}
		start, end := from+m[0], from+m[1]
		if text[end-1] == '{' {
			for depth := 1; depth > 0 && end < len(text); end++ {
				switch text[end] {
				case '{':
					depth++
				case '}':
					depth--
				}
			}
		}
		blank := strings.Map(func(r rune) rune {
			if r == '\n' {
				return r
			}
			return ' '
		}, text[start:end])
		text = text[:start] + blank + text[end:]
		from = start + len(blank)
	}
}

// mostNamespaces bounds how many namespaces are followed to the names that are taken from them.
const mostNamespaces = 500

// standIns are declarations for what the compiler cannot read: components, and texts that are too long to be looked at.
// They declare whatever somebody imports from them, as anything.
func (p *plan) standIns() map[string]string {
	wanted := map[string]map[string]bool{} // names by the last part of a module's name
	note := func(base string, list ...string) {
		if wanted[base] == nil {
			wanted[base] = map[string]bool{}
		}
		for _, name := range list {
			wanted[base][name] = true
		}
	}
	out := map[string]string{}
	var unread []string
	for _, file := range p.paths {
		if isComponent(file) && !isInstalled(file) {
			unread = append(unread, file)
		}
	}
	for file := range p.tree.Assets {
		if (isSource(file) || path.Ext(file) == ".json") && !isInstalled(file) {
			unread = append(unread, file)
		}
	}
	if len(unread) == 0 {
		return nil
	}
	namespaces := 0
	for _, file := range p.paths {
		if !isSource(file) && !isComponent(file) || isInstalled(file) {
			continue
		}
		text := p.tree.Files[file]
		for _, m := range clause.FindAllStringSubmatch(text, 2_000) {
			names, namespace := namesIn(m[1])
			base := stem(m[2])
			note(base, names...)
			if namespace != "" && namespaces < mostNamespaces {
				namespaces++
				member := regexp.MustCompile(`\b` + regexp.QuoteMeta(namespace) + `\s*\.\s*([\p{L}_$][\p{L}\p{N}_$]*)`)
				for _, m := range member.FindAllStringSubmatch(text, 2_000) {
					note(base, m[1])
				}
			}
		}
	}
	for _, file := range unread {
		var b strings.Builder
		b.WriteString("declare const anything: any;\nexport default anything;\n")
		for _, name := range slices.Sorted(maps.Keys(wanted[stem(file)])) {
			fmt.Fprintf(&b, "export declare const %s: any;\nexport type %s<A = any, B = any, C = any, D = any> = any;\n", name, name)
		}
		name := file
		switch ext := path.Ext(file); {
		case isDeclaration(file):
		case isSource(file):
			name = strings.TrimSuffix(file, ext) + ".d" + strings.NewReplacer("x", "", "j", "t").Replace(ext)
		default:
			name = strings.TrimSuffix(file, ext) + ".d" + ext + ".ts"
		}
		out[name] = b.String()
	}
	for i := range p.projects {
		p.projects[i].options["allowArbitraryExtensions"] = true
	}
	return out
}

// builtFiles are declarations in the place of what packages of the project name as their built files, which nobody has
// built here: they lead to the sources.
func (p *plan) builtFiles() map[string]string {
	out := map[string]string{}
	for _, file := range p.paths {
		dir := path.Dir(file)
		if path.Base(file) != "package.json" || dir == "." || isInstalled(file) {
			continue
		}
		var m struct {
			Types, Typings, Main, Module string
			Exports                      any
		}
		_ = json.Unmarshal([]byte(p.tree.Files[file]), &m)
		targets := append([]string{m.Types, m.Typings, m.Main, m.Module}, leaves(m.Exports, 0)...)
		for _, target := range targets[:min(len(targets), 200)] {
			if target != "" && filepath.IsLocal(path.Clean(target)) {
				p.builtFile(out, dir, path.Clean(target))
			}
		}
	}
	return out
}

// leaves are the texts in a value of JSON.
func leaves(value any, depth int) (list []string) {
	switch v := value.(type) {
	case string:
		return []string{v}
	case []any:
		for _, e := range v[:min(len(v), 50)] {
			list = append(list, leaves(e, depth+1)...)
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if depth < 8 {
				list = append(list, leaves(v[key], depth+1)...)
			}
		}
	}
	return list
}

var builtEnding = regexp.MustCompile(`(?:\.d)?\.([cm]?)[jt]sx?$`)

// builtFile adds the declarations of one target in the folder of a package, which may have a star.
func (p *plan) builtFile(out map[string]string, dir, target string) {
	m := builtEnding.FindStringSubmatchIndex(target)
	if m == nil {
		return
	}
	stem, kind := target[:m[0]], target[m[2]:m[3]]
	before, after, star := strings.Cut(stem, "*")
	for rest := stem; ; {
		_, shorter, more := strings.Cut(rest, "/")
		for _, base := range []string{path.Join(dir, "src", rest), path.Join(dir, shorter)} {
			if !star {
				if source, ok := p.source(base); ok {
					p.lead(out, path.Join(dir, stem)+".d."+kind+"ts", source)
					return
				}
				continue
			}
			from, _, _ := strings.Cut(base, "*")
			found := false
			for _, source := range p.paths {
				middle, ok := strings.CutPrefix(source, from)
				if !ok || !isTypeScript(source) || isDeclaration(source) || !strings.HasSuffix(strings.TrimSuffix(middle, path.Ext(middle)), after) {
					continue
				}
				found = true
				middle = strings.TrimSuffix(strings.TrimSuffix(middle, path.Ext(middle)), after)
				p.lead(out, dir+"/"+before+middle+after+".d."+kind+"ts", source)
			}
			if found {
				return
			}
		}
		if !more {
			return
		}
		rest = shorter
	}
}

// source is a source of the project by its path without an ending.
func (p *plan) source(base string) (string, bool) {
	for _, ext := range []string{".ts", ".tsx", ".mts", ".cts"} {
		if _, ok := p.tree.Files[base+ext]; ok {
			return base + ext, true
		}
	}
	return "", false
}

// lead makes one declaration that leads to a source, unless there is something already.
func (p *plan) lead(out map[string]string, name, source string) {
	if p.has(name) || len(out) >= 2_000 {
		return
	}
	dir, ok := relative(path.Dir(name), path.Dir(source))
	if !ok {
		return
	}
	spec := path.Join(dir, strings.TrimSuffix(path.Base(source), path.Ext(source))+strings.NewReplacer("x", "", "t", "j").Replace(path.Ext(source)))
	if !strings.HasPrefix(spec, "../") {
		spec = "./" + spec
	}
	text := fmt.Sprintf("export * from %q;\n", spec)
	if strings.Contains(p.tree.Files[source], "export default") || strings.Contains(p.tree.Files[source], "as default") {
		text += fmt.Sprintf("export { default } from %q;\n", spec)
	}
	out[name] = text
}

// stem is the last part of a module's name, without the ending of a script.
func stem(spec string) string {
	base, _, _ := strings.Cut(path.Base(spec), "?")
	if isSource(base) {
		return strings.TrimSuffix(strings.TrimSuffix(base, path.Ext(base)), ".d")
	}
	return base
}
