package compile

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// The interpreter's regular expressions know no properties of characters: \p{Lu} matches nothing there. So those of scripts
// are written out as ranges.

// characterProperty is \p{...} in a regular expression, or in a string that becomes one, where the backslash is doubled.
var characterProperty = regexp.MustCompile(`(\\\\?)([pP])\{(?:(?:Script|sc|Script_Extensions|scx|General_Category|gc)=)?([A-Za-z_]+)\}`)

// writeProperties writes the properties of characters in a script as ranges. One that is not known stays.
func writeProperties(script string) string {
	if !strings.Contains(script, `\p{`) && !strings.Contains(script, `\P{`) {
		return script
	}
	var b strings.Builder
	last := 0
	for _, m := range characterProperty.FindAllStringSubmatchIndex(script, -1) {
		table := propertyTable(script[m[6]:m[7]])
		if table == nil {
			continue
		}
		escape := script[m[2]:m[3]]
		negated := script[m[4]:m[5]] == "P"
		b.WriteString(script[last:m[0]])
		last = m[1]
		before := script[max(0, m[0]-500):m[0]]
		before = before[strings.LastIndexByte(before, '\n')+1:]
		if inSet(before) {
			b.WriteString(ranges(table, negated, escape))
			continue
		}
		open := "["
		if negated {
			open = "[^"
		}
		b.WriteString(open + ranges(table, false, escape) + "]")
	}
	return b.String() + script[last:]
}

// inSet reports whether a regular expression of which this is the beginning is in a set.
func inSet(s string) bool {
	for i := len(s) - 1; i >= 0; i-- {
		if (s[i] == '[' || s[i] == ']') && (i == 0 || s[i-1] != '\\') {
			return s[i] == '['
		}
	}
	return false
}

var longNames = map[string]string{
	"Letter": "L", "Uppercase_Letter": "Lu", "Lowercase_Letter": "Ll", "Titlecase_Letter": "Lt", "Modifier_Letter": "Lm", "Other_Letter": "Lo", "Mark": "M", "Nonspacing_Mark": "Mn", "Spacing_Mark": "Mc", "Enclosing_Mark": "Me",
	"Number": "N", "Decimal_Number": "Nd", "Letter_Number": "Nl", "Other_Number": "No", "Punctuation": "P", "punct": "P", "Connector_Punctuation": "Pc", "Dash_Punctuation": "Pd", "Open_Punctuation": "Ps", "Close_Punctuation": "Pe",
	"Initial_Punctuation": "Pi", "Final_Punctuation": "Pf", "Other_Punctuation": "Po", "Symbol": "S", "Math_Symbol": "Sm", "Currency_Symbol": "Sc", "Modifier_Symbol": "Sk", "Other_Symbol": "So", "Separator": "Z", "Space_Separator": "Zs",
	"Control": "Cc", "Format": "Cf", "Surrogate": "Cs", "Private_Use": "Co", "space": "White_Space",
}

// composed are properties that are made of others.
var composed = map[string][]string{
	"ID_Start": {"L", "Nl", "Other_ID_Start"}, "XID_Start": {"L", "Nl", "Other_ID_Start"},
	"ID_Continue": {"L", "Nl", "Other_ID_Start", "Mn", "Mc", "Nd", "Pc", "Other_ID_Continue"}, "XID_Continue": {"L", "Nl", "Other_ID_Start", "Mn", "Mc", "Nd", "Pc", "Other_ID_Continue"},
	"Alphabetic": {"L", "Nl", "Other_Alphabetic"}, "Alpha": {"L", "Nl", "Other_Alphabetic"}, "Uppercase": {"Lu", "Other_Uppercase"}, "Lowercase": {"Ll", "Other_Lowercase"},
}

func propertyTable(name string) []*unicode.RangeTable {
	if long, ok := longNames[name]; ok {
		name = long
	}
	if parts, ok := composed[name]; ok {
		var all []*unicode.RangeTable
		for _, p := range parts {
			all = append(all, propertyTable(p)...)
		}
		return all
	}
	for _, tables := range []map[string]*unicode.RangeTable{unicode.Categories, unicode.Properties, unicode.Scripts} {
		if t := tables[name]; t != nil {
			return []*unicode.RangeTable{t}
		}
	}
	return nil
}

// ranges writes what is in these tables, or what is not, as a set without its brackets.
func ranges(tables []*unicode.RangeTable, negated bool, escape string) string {
	var list []runeRange
	for _, t := range tables {
		for _, r := range t.R16 {
			list = appendRange(list, rune(r.Lo), rune(r.Hi), rune(r.Stride))
		}
		for _, r := range t.R32 {
			list = appendRange(list, rune(r.Lo), rune(r.Hi), rune(r.Stride))
		}
	}
	slices.SortFunc(list, func(a, b runeRange) int { return int(a.from - b.from) })
	var joined []runeRange
	for _, s := range list {
		if n := len(joined); n > 0 && s.from <= joined[n-1].to+1 {
			joined[n-1].to = max(joined[n-1].to, s.to)
		} else {
			joined = append(joined, s)
		}
	}
	if negated {
		var others []runeRange
		next := rune(0)
		for _, s := range joined {
			if s.from > next {
				others = append(others, runeRange{next, s.from - 1})
			}
			next = s.to + 1
		}
		joined = append(others, runeRange{next, unicode.MaxRune})
	}
	var b strings.Builder
	for _, s := range joined {
		fmt.Fprintf(&b, `%su{%x}`, escape, s.from)
		if s.to > s.from {
			fmt.Fprintf(&b, `-%su{%x}`, escape, s.to)
		}
	}
	return b.String()
}

type runeRange struct{ from, to rune }

func appendRange(list []runeRange, from, to, stride rune) []runeRange {
	if stride == 1 {
		return append(list, runeRange{from, to})
	}
	for r := from; r <= to; r += stride {
		list = append(list, runeRange{r, r})
	}
	return list
}
