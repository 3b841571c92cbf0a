package types

import (
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// settings are what the compiler at hand is told in place of a project's own settings.
type settings struct {
	options map[string]any
	notes   []string // options that it does not know, as they were understood
	types   []string // packages that are part of every file
	loose   bool     // namespaces may be called: esModuleInterop is off, which the compiler no longer knows
}

// passed are options that are passed on as they are. What is not listed here is of no matter for types, leads out of the
// private folder, or is set by translate.
var passed = names("allowArbitraryExtensions", "allowImportingTsExtensions", "allowJs", "allowUmdGlobalAccess", "allowUnreachableCode", "allowUnusedLabels", "checkJs", "customConditions",
	"emitDecoratorMetadata", "erasableSyntaxOnly", "exactOptionalPropertyTypes", "experimentalDecorators", "forceConsistentCasingInFileNames", "isolatedDeclarations", "isolatedModules",
	"jsx", "jsxFactory", "jsxFragmentFactory", "jsxImportSource", "maxNodeModuleJsDepth", "moduleDetection", "moduleSuffixes", "noFallthroughCasesInSwitch", "noImplicitAny",
	"noImplicitOverride", "noImplicitReturns", "noImplicitThis", "noLib", "noPropertyAccessFromIndexSignature", "noUncheckedIndexedAccess", "noUncheckedSideEffectImports", "noUnusedLocals",
	"noUnusedParameters", "reactNamespace", "resolveJsonModule", "resolvePackageJsonExports", "resolvePackageJsonImports", "rewriteRelativeImportExtensions", "strict", "strictBindCallApply",
	"strictBuiltinIteratorReturn", "strictFunctionTypes", "strictNullChecks", "strictPropertyInitialization", "useDefineForClassFields", "useUnknownInCatchVariables", "verbatimModuleSyntax")

// names are names of options by what they are in lower case, as tsconfigs may write them.
func names(list ...string) map[string]string {
	m := map[string]string{}
	for _, name := range list {
		m[strings.ToLower(name)] = name
	}
	return m
}

// gone are options that older compilers know and that mean nothing for types any more.
var gone = names("importsNotUsedAsValues", "preserveValueImports", "keyofStringsOnly", "noImplicitUseStrict", "noStrictGenericChecks", "charset", "out", "outFile", "suppressExcessPropertyErrors",
	"suppressImplicitAnyIndexErrors", "downlevelIteration", "esModuleInterop", "allowSyntheticDefaultImports", "alwaysStrict", "prepend")

// meant are values of those that the compiler at hand behaves like anyway.
var meant = map[string]string{"esModuleInterop": "true", "allowSyntheticDefaultImports": "true", "alwaysStrict": "true", "downlevelIteration": "true"}

// libraries are what lib may name.
var libraries = func() map[string]bool {
	m := map[string]bool{}
	for part := range strings.SplitSeq("es5 es6 es2015 es7 es2016 es2017 es2018 es2019 es2020 es2021 es2022 es2023 es2024 es2025 esnext dom dom.iterable dom.asynciterable webworker webworker.importscripts webworker.iterable "+
		"webworker.asynciterable scripthost es2015.core es2015.collection es2015.generator es2015.iterable es2015.promise es2015.proxy es2015.reflect es2015.symbol es2015.symbol.wellknown es2016.array.include es2016.intl "+
		"es2017.arraybuffer es2017.date es2017.object es2017.sharedmemory es2017.string es2017.intl es2017.typedarrays es2018.asyncgenerator es2018.asynciterable es2018.intl es2018.promise es2018.regexp es2019.array "+
		"es2019.object es2019.string es2019.symbol es2019.intl es2020.bigint es2020.date es2020.promise es2020.sharedmemory es2020.string es2020.symbol.wellknown es2020.intl es2020.number es2021.promise es2021.string "+
		"es2021.weakref es2021.intl es2022.array es2022.error es2022.intl es2022.object es2022.string es2022.regexp es2023.array es2023.collection es2023.intl es2024.arraybuffer es2024.collection es2024.object es2024.promise "+
		"es2024.regexp es2024.sharedmemory es2024.string es2025.collection es2025.float16 es2025.intl es2025.iterator es2025.promise es2025.regexp esnext.asynciterable esnext.symbol esnext.bigint esnext.weakref esnext.object "+
		"esnext.regexp esnext.string esnext.float16 esnext.iterator esnext.promise esnext.array esnext.collection esnext.date esnext.decorators esnext.disposable esnext.error esnext.intl esnext.sharedmemory esnext.temporal "+
		"esnext.typedarrays decorators decorators.legacy", " ") {
		m[part] = true
	}
	return m
}()

// translate writes the options of a project for the compiler at hand. major is the version of TypeScript that the project
// is written for, whose defaults hold; atTypes are the packages of @types that such a version would find by itself.
func translate(c *config, major int, atTypes []string) settings {
	s := settings{options: map[string]any{}}
	o := s.options
	dir := path.Dir(c.path)
	for name, value := range c.options {
		if full, ok := passed[name]; ok {
			o[full] = value.value
		} else if full, ok := gone[name]; ok && string(value.value) != meant[full] {
			s.note(full)
		}
	}
	if major < 6 {
		for _, name := range []string{"strict", "noUncheckedSideEffectImports"} {
			if _, ok := o[name]; !ok {
				o[name] = false
			}
		}
	}
	interop, set := c.flag("esModuleInterop")
	s.loose = set && !interop || !set && major < 6
	s.translateTarget(c, major)
	s.translateModules(c, major)
	s.translatePaths(c, dir)
	list, ok := c.texts("types")
	switch {
	case ok && slices.Contains(list, "*"), !ok && major < 6:
		s.types = unique(append(atTypes, slices.DeleteFunc(list, func(t string) bool { return t == "*" })...))
	case ok:
		s.types = unique(list)
	}
	// A path here would lead the compiler out of its folder.
	s.types = slices.DeleteFunc(s.types, func(t string) bool { return packageOf(t) == "" && !leadsWithin(dir, t) })
	o["types"] = append([]string{}, s.types...)
	o["skipLibCheck"], o["noEmit"] = true, true
	o["preserveSymlinks"] = true                            // packages are links into the cache, where nothing lies beside them
	for _, name := range []string{"isolatedDeclarations"} { // they need declarations to be written
		if _, ok := o[name]; ok {
			o["declaration"] = true
		}
	}
	if _, ok := o["rewriteRelativeImportExtensions"]; ok {
		delete(o, "rewriteRelativeImportExtensions")
		o["allowImportingTsExtensions"] = true
	}
	slices.Sort(s.notes)
	s.notes = slices.Compact(s.notes)
	return s
}

func (s *settings) note(what string) { s.notes = append(s.notes, what) }

func (s *settings) translateTarget(c *config, major int) {
	target := c.text("target")
	libs, hasLibs := c.texts("lib")
	for i := range libs {
		libs[i] = strings.ToLower(libs[i])
	}
	switch {
	case target == "es3" || target == "es5" || target == "" && major < 6:
		if target != "" {
			s.note("target " + target)
		}
		s.options["target"] = "es2015"
		if !hasLibs {
			libs, hasLibs = []string{"es5", "dom", "scripthost"}, true
		}
	case target != "":
		s.options["target"] = target
	}
	if hasLibs {
		kept := slices.DeleteFunc(libs, func(l string) bool { return !libraries[l] })
		s.options["lib"] = append([]string{}, kept...)
	}
	if !libraries[target] && target != "" && target != "es3" {
		delete(s.options, "target")
	}
}

// translateModules says how modules are found in words that the compiler knows.
func (s *settings) translateModules(c *config, major int) {
	o := s.options
	module, resolution := c.text("module"), c.text("moduleResolution")
	target := c.text("target")
	if module == "" && major < 6 {
		module = "commonjs"
		if target != "" && target != "es3" && target != "es5" {
			module = "es2015"
		}
	}
	switch module {
	case "none", "amd", "umd", "system":
		s.note("module " + module)
		module = "commonjs"
	case "es6":
		module = "es2015"
	}
	known := []string{"commonjs", "es2015", "es2020", "es2022", "esnext", "node16", "node18", "node20", "nodenext", "preserve"}
	if module != "" && slices.Contains(known, module) {
		o["module"] = module
	}
	byNode := strings.HasPrefix(module, "node")
	old := resolution == "node" || resolution == "node10" || resolution == "classic"
	if resolution == "" && major < 6 && !byNode && module != "preserve" {
		old = true
	}
	switch {
	case old && byNode:
		o["module"] = "esnext"
		fallthrough
	case old:
		if resolution != "" {
			s.note("moduleResolution " + resolution)
		}
		o["moduleResolution"] = "bundler"
		for _, name := range []string{"resolvePackageJsonExports", "resolvePackageJsonImports"} { // as it was before there were any
			o[name] = false
		}
		if _, ok := o["resolveJsonModule"]; !ok {
			o["resolveJsonModule"] = false
		}
		delete(o, "customConditions")
	case resolution == "bundler" || resolution == "node16" || resolution == "nodenext":
		o["moduleResolution"] = resolution
	}
	if resolution == "bundler" && byNode {
		o["module"] = "esnext"
	}
}

// translatePaths rewrites what leads to files, so that it starts from the folder of the config and stays in the project.
func (s *settings) translatePaths(c *config, dir string) {
	within := func(from, to string) (string, bool) {
		to = strings.ReplaceAll(to, "\\", "/")
		if strings.HasPrefix(to, "/") || len(to) > 1000 {
			return "", false
		}
		rel, ok := relative(dir, path.Join(from, ofConfigDir(to, from, dir)))
		return "./" + rel, ok
	}
	base, hasBase := "", false
	if b, ok := c.options["baseurl"]; ok {
		var text string
		if json.Unmarshal(b.value, &text) == nil && text != "" {
			base, hasBase = path.Join(b.dir, ofConfigDir(text, b.dir, dir)), true
			s.note("baseUrl")
		}
	}
	mapped := map[string][]string{}
	if p, ok := c.options["paths"]; ok {
		var paths map[string][]string
		_ = json.Unmarshal(p.value, &paths)
		from := p.dir
		if hasBase {
			from = base
		}
		for key, targets := range paths {
			var list []string
			for _, to := range targets[:min(len(targets), 50)] {
				if rel, ok := within(from, to); ok && strings.Count(to, "*") <= 1 {
					list = append(list, rel)
				}
			}
			if len(list) > 0 && strings.Count(key, "*") <= 1 && len(mapped) < 2000 {
				mapped[key] = list
			}
		}
	}
	if rel, ok := within(".", base); hasBase && ok {
		if all, taken := mapped["*"]; !taken {
			mapped["*"] = []string{strings.TrimSuffix(rel, "/.") + "/*"}
		} else {
			mapped["*"] = append(all, strings.TrimSuffix(rel, "/.")+"/*")
		}
	}
	if len(mapped) > 0 {
		s.options["paths"] = mapped
	}
	for _, name := range []string{"rootDirs", "typeRoots"} {
		list, ok := c.texts(name)
		if !ok {
			continue
		}
		from := c.options[strings.ToLower(name)].dir
		kept := []string{}
		for _, to := range list[:min(len(list), 50)] {
			if rel, ok := within(from, to); ok {
				kept = append(kept, rel)
			}
		}
		if len(kept) > 0 {
			s.options[name] = kept
		}
	}
}

// leadsWithin reports whether a name in types is a path that stays in the project.
func leadsWithin(dir, name string) bool {
	if !strings.HasPrefix(name, "./") && !strings.HasPrefix(name, "../") {
		return false
	}
	_, ok := relative(dir, path.Join(dir, name))
	return ok
}

// defaults are the settings of a project that has none: those of a new one.
func defaults(jsx string) map[string]any {
	o := map[string]any{"target": "es2023", "module": "esnext", "moduleResolution": "bundler", "lib": []string{"es2023", "dom", "dom.iterable", "dom.asynciterable"}, "strict": true,
		"allowImportingTsExtensions": true, "moduleDetection": "auto", "noUncheckedSideEffectImports": false, "resolveJsonModule": true,
		"skipLibCheck": true, "noEmit": true, "preserveSymlinks": true, "types": []string{}}
	if jsx == "" {
		o["jsx"] = "preserve"
		return o
	}
	o["jsx"], o["jsxImportSource"] = "react-jsx", jsx
	return o
}

// noted is what the notes of several settings come to, in words.
func noted(all []settings) string {
	said := map[string]bool{}
	for _, s := range all {
		for _, n := range s.notes {
			said[n] = true
		}
	}
	if len(said) == 0 {
		return ""
	}
	return fmt.Sprintf("TypeScript 7 no longer knows settings of the project; they were translated: %s", strings.Join(slices.Sorted(maps.Keys(said)), ", "))
}

func unique(list []string) (out []string) {
	for _, s := range list {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}
