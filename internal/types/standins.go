package types

import (
	"fmt"
	"maps"
	"path"
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
	for _, file := range p.paths {
		if !isSource(file) && !isComponent(file) || isInstalled(file) {
			continue
		}
		text := p.tree.Files[file]
		for _, m := range clause.FindAllStringSubmatch(text, 2_000) {
			names, namespace := namesIn(m[1])
			base := stem(m[2])
			note(base, names...)
			if namespace != "" {
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

// stem is the last part of a module's name, without the ending of a script.
func stem(spec string) string {
	base, _, _ := strings.Cut(path.Base(spec), "?")
	if isSource(base) {
		return strings.TrimSuffix(strings.TrimSuffix(base, path.Ext(base)), ".d")
	}
	return base
}
