package verify

import (
	"path"
	"regexp"
	"strings"
)

// commented matches the names of JSON files that their tools read with comments and trailing commas.
var commented = regexp.MustCompile(`(?i)^(?:[jt]sconfig.*\.json|.*\.jsonc|.*\.code-workspace|.*\.code-snippets|\.[\w-]+rc(?:\.json)?|babel\.config\.json|devcontainer\.json|` +
	`api-extractor.*\.json|tsdoc(?:-metadata)?\.json|typedoc\.json|tslint\.json|nx\.json|project\.json|angular\.json|workspace\.json|turbo\.json|biome\.json|deno\.json|dprint\.json|` +
	`\.markdownlint.*\.json|rush\.json|jest\.config\.json|renovate\.json|nest-cli\.json|language-configuration\.json|.*-color-theme\.json|tasks\.json|launch\.json|` +
	`wrangler\.json|firebase\.json|oxlintrc\.json|knip\.json|cspell\.json|tsup\.config\.json|rollup.*\.json|lage\.json|bunfig\.json)$`)

// toolFolders hold settings that editors and the like read with comments.
var toolFolders = map[string]bool{".vscode": true, ".devcontainer": true, ".zed": true, ".codesandbox": true, ".cursor": true, ".idx": true, ".fleet": true, ".storybook": true}

// allowsComments says which JSON files tools read with comments and trailing commas.
func allowsComments(p string) bool {
	if commented.MatchString(path.Base(p)) {
		return true
	}
	if path.Ext(p) != ".json" {
		return false
	}
	for seg := range strings.SplitSeq(path.Dir(p), "/") {
		if toolFolders[seg] {
			return true
		}
	}
	return strings.HasPrefix(p, "common/config/rush/")
}

// isJSON says which files are parsed as JSON; what is read by a YAML reader too (.prettierrc) is not.
func isJSON(p string) bool {
	switch base := path.Base(p); path.Ext(base) {
	case ".json", ".jsonc", ".webmanifest", ".code-workspace", ".code-snippets":
		return true
	default:
		return base == ".babelrc" || base == ".swcrc"
	}
}

// StripJSONComments blanks comments and trailing commas, so that every position stays where it was.
func StripJSONComments(s string) string {
	b := []byte(s)
	blank := func(from, to int) {
		for i := from; i < to; i++ {
			if b[i] != '\n' {
				b[i] = ' '
			}
		}
	}
	comma := -1
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			comma = -1
			for i++; i < len(b) && b[i] != '"' && b[i] != '\n'; i++ {
				if b[i] == '\\' {
					i++
				}
			}
		case c == '/' && i+1 < len(b) && b[i+1] == '/':
			from := i
			for i < len(b) && b[i] != '\n' {
				i++
			}
			blank(from, i)
		case c == '/' && i+1 < len(b) && b[i+1] == '*':
			to := len(b)
			if end := strings.Index(s[i+2:], "*/"); end >= 0 {
				to = i + 2 + end + 2
			}
			blank(i, to)
			i = to - 1
		case c == ',':
			comma = i
		case c == '}' || c == ']':
			if comma >= 0 {
				b[comma] = ' '
			}
			comma = -1
		case c != ' ' && c != '\t' && c != '\n' && c != '\r':
			comma = -1
		}
	}
	return string(b)
}
