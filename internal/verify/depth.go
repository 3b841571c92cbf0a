package verify

// Parsers recurse, and Go ends the whole process when a stack passes its limit of 1 GB: no recover helps. So what could
// nest that deep is refused before it is parsed. Measured, a level takes at most 8 KB of stack.
//
// Known hole: brackets and semicolons are counted in strings and comments too, so a file that closes in comments what it
// opens in code looks flat. At the size that a file may have, that costs about 100 MB of stack and not the process; a
// whole tree of such files, parsed side by side, could exhaust a small machine. Only a process of its own would end that.
const (
	maxNesting = 400
	maxChain   = 8_000 // tokens of what may be one statement or expression
)

// tooDeep reports whether a file may nest deeper than a parser should follow, and where that was noticed.
func tooDeep(s string) (offset int, deep bool) {
	var open []byte
	chain := 0
	inWord := false
	for i := range len(s) {
		c := s[i]
		word := c == '_' || c == '$' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
		if !(word && inWord) && c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			chain++
		}
		inWord = word
		switch c {
		case '(', '[', '{':
			if open = append(open, c); len(open) > maxNesting {
				return i, true
			}
		case ')', ']', '}':
			open = open[:max(0, len(open)-1)]
		}
		switch c {
		case '{', '}':
			chain = 0
		case ',', ';':
			// The semicolons of for (;;) end no statement: loops may follow each other without a bracket.
			if len(open) == 0 || open[len(open)-1] != '(' {
				chain = 0
			}
		}
		if chain > maxChain {
			return i, true
		}
	}
	return 0, false
}
