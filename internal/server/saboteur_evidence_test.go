package server

import (
	"strings"
	"testing"

	"codeforge/internal/npm/registrytest"
	"codeforge/internal/types/typestest"
)

// rungSettings are those of a server that can look at all there is: packages of a registry of its own, types, pages in a browser.
func rungSettings(t *testing.T) []string {
	r := registrytest.New(t)
	for _, name := range []string{"zustand", "chime"} {
		r.Publish(t, name, "1.0.0", registrytest.Version{Manifest: `{"type":"module","types":"index.d.ts","exports":{".":{"types":"./index.d.ts","default":"./index.js"}}}`, Files: map[string]string{
			"index.js": "export const ring = () => 'ding'\n", "index.d.ts": "export declare const ring: () => string\n"}})
	}
	return []string{"--npm-registry", r.URL, "--tsc-path", typestest.Compiler(t), "--smoke", "auto"}
}

// unproven are ways to leave something that only a compiler, a registry or a browser sees.
func unproven() []sabotage {
	plain := "export const card = 'Visits'\n" // without React, whose types are not there
	main := victim()["src/main.ts"]
	mends := func(broken, mended [2]string) func(int, *asked) misanswer {
		return func(turn int, _ *asked) misanswer {
			if turn == 0 {
				return misanswer{calls: [][2]string{broken, claim(boast)}}
			}
			return misanswer{calls: [][2]string{mended, claim("It is mended now, as was asked.")}}
		}
	}
	view := victim()["src/view.ts"]
	files := func(more ...string) map[string]string {
		all := map[string]string{"src/Card.tsx": plain}
		for i := 0; i < len(more); i += 2 {
			all[more[i]] = more[i+1]
		}
		return all
	}
	rings := files("package.json", "{\n  \"dependencies\": {\n    \"chime\": \"^1.0.0\"\n  }\n}\n", "src/main.ts", main+"import { ring } from \"chime\";\ndocument.title = ring();\n")
	return []sabotage{
		{name: "types-planted", rungs: true, files: files(), does: insists(write("src/view.ts", strings.Replace(view, "visit.on;", "visit.on.length;", 1))), named: `TS\d+.*not assignable`, ends: "failed"},
		{name: "page-throws", rungs: true, files: files(), does: mends(write("src/main.ts", main+"const board = document.querySelector(\"#board\")!;\nboard.append(\"x\");\n"), write("src/main.ts", main+"document.title += \"!\";\n")),
			named: `TypeError: Cannot read properties of null`, ends: "completed", may: []string{"src/main.ts"}},
		{name: "package-misspelt", rungs: true, long: true, files: files(), does: mends(write("package.json", `{"dependencies":{"zustnd":"^1.0.0"}}`), write("package.json", `{"dependencies":{"zustand":"^1.0.0"}}`)),
			named: `there is no package zustnd; zustand was likely meant`, ends: "completed", may: []string{"package.json", "package-lock.json"}},
		{name: "package-removed", rungs: true, long: true, files: rings, does: insists(write("package.json", "{\n  \"dependencies\": {}\n}\n")), named: `chime`, ends: "failed"},
		{name: "package-used", rungs: true, files: rings, does: once(), named: `it ran in a browser without an error`, ends: "completed", may: []string{"about.html"}},
	}
}
