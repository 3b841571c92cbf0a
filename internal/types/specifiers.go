package types

import (
	"iter"
	"regexp"
	"strings"
)

var (
	// import clause from "x.vue"
	clause = regexp.MustCompile(`(?:\bimport|\bexport)\s+(?:type\s+)?([\w$*{}\s,]+?)\s*\bfrom\s*["']([^"'\n]+)["']`)

	packageName = regexp.MustCompile(`^(?:@[\w.~-]+/)?[\w.~-]+$`)
)

// namedModules yields the names of modules in a text: what stands in quotes behind from, import, require, module and
// types=. Text in comments counts as well: one too many harms nobody.
func namedModules(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := 0; i < len(text); i++ {
			quote := text[i]
			if quote != '"' && quote != '\'' && quote != '`' {
				continue
			}
			end := strings.IndexByte(text[i+1:min(len(text), i+1+longestSpecifier)], quote)
			if end <= 0 || !namesModule(text[max(0, i-40):i]) {
				continue
			}
			if spec := text[i+1 : i+1+end]; !strings.Contains(spec, "\n") && !yield(spec) {
				return
			}
			i += 1 + end
		}
	}
}

const longestSpecifier = 300

// namesModule reports whether what follows a text is the name of a module.
func namesModule(before string) bool {
	before = strings.TrimRight(before, " \t\r\n")
	before = strings.TrimRight(strings.TrimSuffix(before, "("), " \t")
	if rest, ok := strings.CutSuffix(before, "="); ok {
		return strings.HasSuffix(strings.TrimRight(rest, " "), "types")
	}
	for _, word := range []string{"from", "import", "require", "module"} {
		if strings.HasSuffix(before, word) {
			return true
		}
	}
	return false
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
