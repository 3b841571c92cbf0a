package agent

import (
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"codeforge"
)

// stack is what a project is made with, as far as its files, or else the user's words, say so.
type stack struct {
	facts    []string // in words, for prompts
	packages bool     // it is made with npm packages and a build of its own
	script   string   // of package.json, that starts it; "" for none
}

// frameworks are packages that decide how code is written, in the order in which they are named.
var frameworks = []string{"next", "nuxt", "@angular/core", "react", "preact", "vue", "svelte", "solid-js", "lit", "astro", "express", "typescript", "tailwindcss", "sass",
	"styled-components", "@mui/material", "bootstrap", "@reduxjs/toolkit", "redux", "zustand", "mobx", "pinia", "vuex", "@tanstack/react-query", "react-router", "react-router-dom",
	"vue-router", "vite", "webpack", "parcel", "react-scripts", "esbuild", "vitest", "jest", "mocha", "@playwright/test", "cypress", "@testing-library/react", "@testing-library/vue",
	"eslint", "prettier", "@biomejs/biome", "zod", "i18next", "vue-i18n"}

// checkers are those of them that look at code and are no part of what is built.
var checkers = []string{"typescript", "vitest", "jest", "mocha", "@playwright/test", "cypress", "@testing-library/react", "@testing-library/vue", "eslint", "prettier", "@biomejs/biome"}

// Stacks that users name in words and that come as packages.
var packagedStack = regexp.MustCompile(`(?i)\b(?:react|preact|vue|svelte(?:kit)?|next\.?js|nuxt|angular|solid\.?js|astro|tailwind(?:css)?|vite|redux|material ui|mui|npm)\b`)

// stackOf looks at the files of a project; where there are none that say it, at the stack that was asked for and the user's words.
func stackOf(files map[string]string, p codeforge.Project, words string) (s stack) {
	endings, tests := map[string]int{}, []string{}
	for name, text := range files {
		if e := path.Ext(name); e != "" && text != "" {
			endings[e]++
		}
		if testFile.MatchString(name) {
			tests = append(tests, name)
		}
	}
	s.readPackage(files)
	s.readConfig(files)
	for _, e := range []string{".vue", ".svelte", ".astro"} {
		if endings[e] > 0 {
			s.packages = true
			s.facts = append(s.facts, fmt.Sprintf("components are %s files", e))
		}
	}
	if n := endings[".tsx"] + endings[".jsx"]; n > 0 {
		s.packages = true
		s.facts = append(s.facts, fmt.Sprintf("components are written in JSX (%s)", plural(n, "file")))
	}
	for _, language := range []struct {
		name  string
		files int
	}{{"TypeScript", endings[".ts"] + endings[".tsx"]}, {"JavaScript", endings[".js"] + endings[".jsx"] + endings[".mjs"]}} {
		if language.files > 0 {
			s.facts = append(s.facts, plural(language.files, "file")+" of "+language.name)
		}
	}
	for _, e := range []string{".scss", ".sass", ".less", ".styl"} {
		if endings[e] > 0 {
			s.facts = append(s.facts, "styles are "+e+" files")
		}
	}
	if len(tests) > 0 {
		s.facts = append(s.facts, fmt.Sprintf("%s of tests, such as %s", plural(len(tests), "file"), slices.Min(tests)))
	}
	if len(endings) == 0 {
		s.packages = packagedStack.MatchString(strings.Join(p.TechStack, "\n") + "\n" + words)
	}
	return s
}

var testFile = regexp.MustCompile(`(?i)(?:^|/)(?:tests?|__tests__|e2e|cypress)/.*\.[cm]?[jt]sx?$|[._-](?:test|spec)\.[cm]?[jt]sx?$`)

// nearestRoot returns the path of the file of that name that lies nearest to the root, "" if there is none.
func nearestRoot(files map[string]string, match func(base string) bool) (found string) {
	for _, p := range slices.Sorted(maps.Keys(files)) {
		if match(path.Base(p)) && !strings.Contains("/"+p, "/node_modules/") && (found == "" || strings.Count(p, "/") < strings.Count(found, "/")) {
			found = p
		}
	}
	return found
}

// readPackage reads what package.json names.
func (s *stack) readPackage(files map[string]string) {
	at := nearestRoot(files, func(base string) bool { return base == "package.json" })
	var p struct {
		Dependencies    map[string]any    `json:"dependencies"`
		DevDependencies map[string]any    `json:"devDependencies"`
		Scripts         map[string]string `json:"scripts"`
		Type            string            `json:"type"`
	}
	if at == "" || json.Unmarshal([]byte(files[at]), &p) != nil {
		return
	}
	all := maps.Clone(p.DevDependencies)
	if all == nil {
		all = map[string]any{}
	}
	maps.Copy(all, p.Dependencies)
	if len(all) == 0 {
		return
	}
	s.packages = len(p.Dependencies) > 0
	var named []string
	for _, f := range frameworks {
		if version, ok := all[f].(string); ok {
			named = append(named, strings.TrimSpace(f+" "+version))
			s.packages = s.packages || !slices.Contains(checkers, f)
			delete(all, f)
		}
	}
	if len(named) > 0 {
		s.facts = append(s.facts, at+" has "+strings.Join(named, ", "))
	}
	if others := slices.Sorted(maps.Keys(all)); len(others) > 0 {
		s.facts = append(s.facts, fmt.Sprintf("%s of other packages in it: %s", plural(len(others), "name"), strings.Join(others[:min(len(others), 40)], ", ")))
	}
	if names := slices.Sorted(maps.Keys(p.Scripts)); len(names) > 0 {
		s.facts = append(s.facts, "its scripts: "+strings.Join(names[:min(len(names), 12)], ", "))
	}
	for _, name := range []string{"start", "serve", "dev"} {
		if p.Scripts[name] != "" && at == "package.json" {
			s.script = name
		}
	}
}

// readConfig reads what the configurations of tools say of how code is written.
func (s *stack) readConfig(files map[string]string) {
	if at := nearestRoot(files, func(base string) bool { return base == "tsconfig.json" || base == "jsconfig.json" }); at != "" {
		var on []string
		for _, option := range []string{"strict", "noUncheckedIndexedAccess", "noUnusedLocals", "exactOptionalPropertyTypes", "verbatimModuleSyntax"} {
			if regexp.MustCompile(`"` + option + `"\s*:\s*true`).MatchString(files[at]) {
				on = append(on, option)
			}
		}
		if m := jsxOption.FindStringSubmatch(files[at]); m != nil {
			on = append(on, "jsx "+m[1])
		}
		for _, m := range pathAlias.FindAllStringSubmatch(files[at], 5) {
			on = append(on, "the alias "+m[1]+" for "+m[2])
		}
		if len(on) > 0 {
			s.facts = append(s.facts, at+" sets "+strings.Join(on, ", "))
		}
	}
	tailwind := nearestRoot(files, func(base string) bool { return strings.HasPrefix(base, "tailwind.config.") })
	for _, p := range slices.Sorted(maps.Keys(files)) {
		if tailwind == "" && path.Ext(p) == ".css" && tailwindCSS.MatchString(files[p]) {
			tailwind = p
		}
	}
	if tailwind != "" {
		s.packages = true
		s.facts = append(s.facts, "styles are Tailwind's classes, set up in "+tailwind)
	}
	for _, name := range []string{".editorconfig", ".prettierrc", "biome.json", ".eslintrc.json", "eslint.config.js"} {
		if _, ok := files[name]; ok {
			s.facts = append(s.facts, "style of code: "+name)
		}
	}
}

var (
	jsxOption   = regexp.MustCompile(`"jsx"\s*:\s*"([\w-]+)"`)
	pathAlias   = regexp.MustCompile(`"([@~#][\w@~#-]*/\*)"\s*:\s*\[\s*"([^"\n]{1,80})"`)
	tailwindCSS = regexp.MustCompile(`@tailwind\s+(?:base|utilities)|@import\s+["']tailwindcss`)
)

// work is what a coder has to do, by which its system text is chosen.
type work string

const (
	workNew      work = "new"
	workExisting work = "existing"
	workQuestion work = "question"
)

// workAt says what a wish asks for in a project with such files.
func workAt(files map[string]string, wish string) work {
	switch {
	case len(files) == 0 || len(files) == 1 && nearestRoot(files, func(base string) bool { return strings.EqualFold(base, "readme.md") }) != "":
		return workNew
	case onlyAsks(wish):
		return workQuestion
	}
	return workExisting
}

var (
	// A question that asks for work, in the languages in which people ask it most: "can you add", "why not make it".
	politeOrder = regexp.MustCompile(`(?i)\b(?:can|could|would|will|may) (?:you|we|i|it|there)\b|\b(?:please|bitte|por favor|per favore)\b|\bs'?il (?:vous|te) pla[iî]t\b|\b(?:kannst|könntest|können|könnten|würdest) (?:du|sie|wir)\b|\b(?:peux-tu|pouvez-vous|pourrais-tu|pourriez-vous|puedes|podrías|puede)\b|\bhow about\b|\bwhy (?:not|don't)\b|\bi (?:want|need|would like|wish)\b|\b(?:should|must|needs? to|has to|have to) (?:be|have|show|get|become)\b|请|請|ください`)
	order       = regexp.MustCompile(`(?i)^(?:(?:and|also|then|now|so|ok|okay|hi|hello)[,\s]+)*(?:add|remove|delete|drop|make|change|use|show|hide|rename|let|allow|enable|disable|support|put|move|sort|fix|mend|repair|correct|replace|turn|set|give|include|connect|send|export|import|translate|build|create|write|implement|update|refactor|split|merge|convert|migrate|clean|improve|do|undo|revert|restore|style|test|document|extract|simplify|increase|reduce|limit|validate|format|bump|upgrade|install|füge|mach|ändere|lösche|entferne|ersetze|zeige|baue|schreibe|benenne|ajoute|supprime|change|remplace|añade|agrega|elimina|cambia|haz)\b`)
	asking      = regexp.MustCompile(`(?i)^(?:(?:and|but|so|ok|okay|hi|hello|hey)[,\s]+)*(?:what|why|how|where|which|who|whose|when|is|are|was|were|does|do|did|has|have|explain|describe|tell me|show me (?:how|where|why|what|which)|summari[sz]e|list (?:all |the )?(?:places|files|routes|uses)|walk me through|was|warum|wieso|weshalb|wie|wo|welche[rsn]?|wer|wann|ist|sind|gibt es|erkläre?|beschreibe?|qu'est|pourquoi|comment|où|quel(?:le)?s?|qui|quand|est-ce|explique|qué|por qué|cómo|dónde|cuál(?:es)?|quién|cuándo|explica)\b`)
	sentenceEnd = regexp.MustCompile(`[.!?？。]+(?:\s+|$)|\n+`)
)

// onlyAsks reports whether a wish is nothing but questions about what there is. In doubt it is not: the text for work answers
// questions too.
func onlyAsks(wish string) bool {
	asked := false
	for s := range strings.SplitSeq(sentenceEnd.ReplaceAllString(wish, "$0\x00"), "\x00") {
		s = strings.TrimSpace(s)
		if s == "" {
			continue
		}
		if politeOrder.MatchString(s) || order.MatchString(s) {
			return false
		}
		asked = asked || asking.MatchString(s) || strings.HasSuffix(s, "?") || strings.HasSuffix(s, "？")
	}
	return asked
}
