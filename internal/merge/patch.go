package merge

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/aymanbagabas/go-udiff"
)

// FilePatch is what became of a text as a part of a patch, as git writes it and git apply takes it, and its hunks. from and to are the
// paths of the file before and after, "" where it does not exist.
func FilePatch(from, to, before string, edits []udiff.Edit) (string, []*udiff.Hunk, error) {
	u, err := Unified(nameOf("a/", from), nameOf("b/", to), before, edits)
	if err != nil || from == to && len(u.Hunks) == 0 {
		return "", nil, err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "diff --git %s %s\n", quoted("a/"+cmp.Or(from, to)), quoted("b/"+cmp.Or(to, from)))
	switch {
	case from == "":
		b.WriteString("new file mode 100644\n")
	case to == "":
		b.WriteString("deleted file mode 100644\n")
	case from != to && len(edits) == 0:
		fmt.Fprintf(&b, "similarity index 100%%\nrename from %s\nrename to %s\n", quoted(from), quoted(to))
	}
	b.WriteString(u.String())
	return b.String(), u.Hunks, nil
}

// nameOf is the name of a side in the lines above the hunks. A tab ends one with blanks in it, which else would end at the first.
func nameOf(prefix, path string) string {
	switch {
	case path == "":
		return "/dev/null"
	case strings.Contains(path, " "):
		return quoted(prefix+path) + "\t"
	}
	return quoted(prefix + path)
}

// quoted is a path as git writes it: as it is, or between quotes where it could be read in another way.
func quoted(path string) string {
	var b strings.Builder
	for i := range len(path) {
		switch c := path[i]; {
		case c == '"' || c == '\\':
			b.WriteString(`\` + string(c))
		case c < ' ' || c == 0x7f:
			fmt.Fprintf(&b, `\%03o`, c)
		default:
			b.WriteByte(c)
		}
	}
	if b.Len() == len(path) {
		return path
	}
	return `"` + b.String() + `"`
}
