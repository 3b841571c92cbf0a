package types

import (
	"regexp"
	"strings"
)

var (
	// what a module is named after: from "x", import "x", import("x"), require("x"), declare module "x", types="x"
	specifier = regexp.MustCompile("(?:\\bfrom|\\bimport|\\brequire|\\bmodule|\\btypes\\s*=|\\bpath\\s*=)\\s*(?:\\(\\s*)?(?:/\\*[^*]*\\*/\\s*)?[\"'`]([^\"'`\\n]{1,300})[\"'`]")
	// import clause from "x.vue"
	clause = regexp.MustCompile(`(?:\bimport|\bexport)\s+(?:type\s+)?([\w$*{}\s,]+?)\s*\bfrom\s*["']([^"'\n]+)["']`)

	packageName = regexp.MustCompile(`^(?:@[\w.~-]+/)?[\w.~-]+$`)
)

// specifiersOf are the names of modules in a text. Text in comments counts as well: one too many harms nobody.
func specifiersOf(text string) (list []string) {
	for _, m := range specifier.FindAllStringSubmatch(text, 5_000) {
		list = append(list, m[1])
	}
	return list
}

// packageOf is the package that a specifier names; "": it can be none's.
func packageOf(spec string) string {
	if spec == "" || strings.HasPrefix(spec, ".") || strings.HasPrefix(spec, "/") || strings.Contains(spec, ":") && !strings.HasPrefix(spec, "node:") {
		return ""
	}
	parts := strings.SplitN(spec, "/", 3)
	name := parts[0]
	if strings.HasPrefix(name, "@") && len(parts) > 1 {
		name += "/" + parts[1]
	}
	if !packageName.MatchString(name) || name == "@" || len(name) > 214 {
		return ""
	}
	return name
}

// typesPackage is the package that holds the types of another.
func typesPackage(name string) string {
	if rest, ok := strings.CutPrefix(name, "@"); ok {
		return "@types/" + strings.Replace(rest, "/", "__", 1)
	}
	return "@types/" + name
}

// namesIn are the names that an import clause takes, with the name of a namespace after a star.
func namesIn(clause string) (names []string, namespace string) {
	if _, after, ok := strings.Cut(clause, "*"); ok {
		if f := strings.Fields(after); len(f) > 1 && f[0] == "as" {
			namespace = strings.Trim(f[1], ",")
		}
	}
	_, list, ok := strings.Cut(clause, "{")
	if !ok {
		return nil, namespace
	}
	list, _, _ = strings.Cut(list, "}")
	for part := range strings.SplitSeq(list, ",") {
		f := strings.Fields(part)
		if len(f) > 1 && f[0] == "type" && f[1] != "as" {
			f = f[1:]
		}
		if len(f) > 0 && f[0] != "default" && identifier.MatchString(f[0]) {
			names = append(names, f[0])
		}
	}
	return names, namespace
}

var identifier = regexp.MustCompile(`^[\p{L}_$][\p{L}\p{N}_$]*$`)
