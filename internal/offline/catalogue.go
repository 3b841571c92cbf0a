package offline

import (
	_ "embed"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
)

//go:embed catalogue.txt
var catalogueText string

//go:embed lexicon-catalogue.txt
var lexiconCatalogueText string

//go:embed parts-catalogue.txt
var partsCatalogueText string

// languages are those that an app's interface can have: English, and the columns of catalogue.txt.
var languages = []string{"en", "de", "es", "fr"}

// catalogue holds the texts of apps in other languages than English.
type catalogue struct {
	order   []string                     // the English texts, as they stand in the file
	texts   map[string]map[string]string // language -> English -> text
	english map[string]map[string]string // language -> text -> English, the first that is so translated
}

// translations are of what the interface says, wordTranslations of what the lexicon does: "open" is an order there, a state here.
var (
	translations     = sync.OnceValue(func() *catalogue { return readCatalogue(catalogueText + partsCatalogueText) })
	wordTranslations = sync.OnceValue(func() *catalogue { return readCatalogue(lexiconCatalogueText) })
)

func readCatalogue(text string) *catalogue {
	c := &catalogue{texts: map[string]map[string]string{}, english: map[string]map[string]string{}}
	for _, l := range languages[1:] {
		c.texts[l], c.english[l] = map[string]string{}, map[string]string{}
	}
	for line := range strings.SplitSeq(text, "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		columns := strings.Split(line, " | ")
		if len(columns) != len(languages) || c.texts["de"][columns[0]] != "" {
			panic(fmt.Sprintf("catalogue: %q has a column too few or many, or stands there twice", line)) // the file is our own
		}
		c.order = append(c.order, columns[0])
		for i, l := range languages[1:] {
			c.texts[l][columns[0]] = columns[i+1]
			if _, taken := c.english[l][columns[i+1]]; !taken {
				c.english[l][columns[i+1]] = columns[0]
			}
		}
	}
	return c
}

// T is a text of the interface in the app's language, with values for its places: names and values in turn. A text that
// the catalogue does not have stays English.
func (a *app) T(text string, values ...string) string {
	if translated, ok := translations().texts[a.Language][text]; ok {
		text = translated
	}
	for i := 0; i+1 < len(values); i += 2 {
		text = strings.ReplaceAll(text, "{"+values[i]+"}", values[i+1])
	}
	return text
}

// word is a word of the lexicon in the app's language, or as it is.
func (a *app) word(text string) string {
	if translated, ok := wordTranslations().texts[a.Language][text]; ok {
		return translated
	}
	return text
}

// untranslated is the English of a word in the app's language, or the word itself.
func (a *app) untranslated(text string) string {
	if english, ok := wordTranslations().english[a.Language][text]; ok {
		return english
	}
	return text
}

// and joins texts as the app's language does.
func (a *app) and(texts []string) string {
	if len(texts) < 2 {
		return strings.Join(texts, "")
	}
	and, last := a.T("and"), texts[len(texts)-1]
	if low := strings.ToLower(last); a.Language == "es" && strings.HasPrefix(strings.TrimPrefix(low, "h"), "i") {
		and = "e"
	}
	return strings.Join(texts[:len(texts)-1], ", ") + " " + and + " " + last
}

// AddLabel says what adding a thing of the kind is called.
func (a *app) AddLabel(k kind) string { return a.T("{verb} {one}", "verb", k.Verb, "one", k.One) }

// translation is a text that the app's scripts say, in the app's language.
type translation struct{ Key, Text string }

var saidText = regexp.MustCompile(`\bt\(("(?:[^"\\]|\\.)*")`)

// translationsIn are those of the texts that scripts say with the function t, in the order of the catalogue.
func (a *app) translationsIn(files sources) []translation {
	if a.Language == languages[0] {
		return nil
	}
	said := map[string]bool{}
	for _, text := range files {
		for _, m := range saidText.FindAllStringSubmatch(text, -1) {
			said[unscript(m[1])] = true
		}
	}
	var out []translation
	for _, key := range translations().order {
		if text, ok := translations().texts[a.Language][key]; ok && said[key] {
			out = append(out, translation{key, text})
		}
	}
	return out
}

// supported reports whether an interface can be in the language.
func supported(language string) bool { return slices.Contains(languages, language) }
