package offline

import (
	"regexp"
	"strings"
)

// The look.

var (
	darkCue   = regexp.MustCompile(`(?i)\b(?:dark|night|black)[\s-]+(?:theme|mode|colou?rs?|look|design|style|background|ui|version)\b|\b(?:make|turn|look|be|is)\s+(?:it\s+|everything\s+)?(?:all\s+)?dark\b|\bdunkle\w*\b`)
	lightCue  = regexp.MustCompile(`(?i)\b(?:light|bright|white)[\s-]+(?:theme|mode|colou?rs?|look|design|style|background|ui|version)\b`)
	sideCue   = regexp.MustCompile(`(?i)\b(?:side\s?bar|side (?:navigation|menu)|(?:navigation|menu|nav) (?:on|to|at) (?:the )?(?:left|side))\b`)
	topCue    = regexp.MustCompile(`(?i)\btop (?:navigation|menu|bar)\b`)
	colorCue  = regexp.MustCompile(`(?i)\b(blue|green|purple|violet|lilac|pink|red|orange|yellow|brown|teal|turquoise|cyan|gr[ae]y|olive|indigo|magenta|rose|navy|lime)\b(?:[\s-]+(?:\pL+\s+)?(?:theme|colou?rs?|look|design|style|accents?|palette|buttons?|scheme))`)
	colorsFor = map[string]string{"blue": "ocean", "navy": "ocean", "green": "moss", "lime": "olive", "purple": "plum", "violet": "plum", "lilac": "plum", "pink": "rose",
		"rose": "rose", "red": "brick", "orange": "amber", "yellow": "amber", "brown": "amber", "teal": "teal", "turquoise": "teal", "cyan": "teal",
		"gray": "slate", "grey": "slate", "olive": "olive", "indigo": "indigo", "magenta": "berry"}
)

// lookOf takes the colour from what the text asks for, else from what it is about, else from the first kind that has one, else from the name.
func lookOf(text string, a *app) look {
	l := look{Palette: domainPalette(text)}
	for _, k := range a.Kinds {
		if l.Palette != "" {
			break
		}
		if e, ok := words().kinds[k.like]; ok && e.palette != "" {
			l.Palette = e.palette
		}
	}
	l.restyle(text)
	return l
}

// restyle changes what a text asks to change of a look, and reports whether it asked for anything.
func (l *look) restyle(text string) bool {
	said := true
	switch {
	case darkCue.MatchString(text):
		l.Mode = "dark"
	case lightCue.MatchString(text):
		l.Mode = "light"
	default:
		said = false
	}
	if m := colorCue.FindStringSubmatch(text); m != nil {
		l.Palette, said = colorsFor[strings.ToLower(m[1])], true
	}
	if sideCue.MatchString(text) {
		l.Layout, said = "side", true
	} else if topCue.MatchString(text) {
		l.Layout, said = "top", true
	}
	return said
}

var currencyCues = []struct {
	form *regexp.Regexp
	code string
}{
	{regexp.MustCompile(`(?i)€|\beuros?\b|\bEUR\b`), "EUR"}, {regexp.MustCompile(`(?i)£|\bpounds? sterling\b|\bGBP\b`), "GBP"},
	{regexp.MustCompile(`(?i)¥|\byen\b|\bJPY\b`), "JPY"}, {regexp.MustCompile(`(?i)\b(?:swiss )?francs?\b|\bCHF\b`), "CHF"}, {regexp.MustCompile(`(?i)₹|\brupees?\b|\bINR\b`), "INR"},
}

func currencyOf(text string) string {
	for _, c := range currencyCues {
		if c.form.MatchString(text) {
			return c.code
		}
	}
	return "USD"
}
