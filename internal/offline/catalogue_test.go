package offline

import (
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var places = regexp.MustCompile(`\{\w+\}`)

// Every text that templates say is in the catalogue, in each language, and fills no place that the code does not.
func TestCatalogueHasWhatAppsSay(t *testing.T) {
	printed := regexp.MustCompile(`\.T "([^"]+)"`)
	err := fs.WalkDir(templates, "templates", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := templates.ReadFile(name)
		if err != nil {
			return err
		}
		var said []string
		for _, m := range saidText.FindAllStringSubmatch(string(text), -1) {
			said = append(said, unscript(m[1]))
		}
		for _, m := range printed.FindAllStringSubmatch(string(text), -1) {
			said = append(said, m[1])
		}
		for _, s := range said {
			for _, l := range languages[1:] {
				if translations().texts[l][s] == "" {
					t.Errorf("%s says %q, which the catalogue does not have in %s", name, s, l)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range slices.Concat(slices.Collect(maps.Values(partTitles)), slices.Collect(maps.Values(partIntros))) {
		for _, l := range languages[1:] {
			if translations().texts[l][s] == "" {
				t.Errorf("the catalogue has no %q in %s", s, l)
			}
		}
	}
	for l, texts := range translations().texts {
		for english, text := range texts {
			for _, place := range places.FindAllString(text, -1) {
				if !strings.Contains(english, place) {
					t.Errorf("%s: %q fills %s, which %q has not", l, text, place, english)
				}
			}
		}
	}
}

// An app in another language says nothing in English, and is read back in its language.
func TestAppsSpeakTheirLanguage(t *testing.T) {
	for _, l := range languages[1:] {
		for _, react := range []bool{false, true} {
			a := design(brief{idea: "recipes"})
			a.Language, a.React = l, react
			a.completeRelations()
			files := a.files()
			if got := readApp(files[modelPath]); got.Language != l || !slices.Equal(manyOf(got), manyOf(a)) {
				t.Errorf("%s: read back as %q with %v", l, got.Language, manyOf(got))
			}
			page := files["index.html"]
			if !strings.Contains(page, `<html lang="`+l+`"`) || strings.Contains(page, ">Search<") || strings.Contains(page, ">Cancel<") {
				t.Errorf("%s: %s", l, page)
			}
			for _, english := range []string{"{label} is needed.", "Yes", "Saved: {list}."} {
				if !strings.Contains(files["src/lib/text.ts"], script(english)+": "+script(translations().texts[l][english])) {
					t.Errorf("%s does not translate %q", l, english)
				}
			}
		}
	}
}

// What only some apps say is in their language too: what those keep that keep nothing else, and how many entries are marked.
func TestLanguageOfWhatIsRare(t *testing.T) {
	for _, l := range languages[1:] {
		a := &app{Language: l, Kinds: []kind{{Key: "parcels", Fields: []field{{Label: "Name", Type: "text"}, {Label: "Sent", Type: "flag"}}}}}
		a.completeRelations()
		if page := a.files()["src/parcels.ts"]; !strings.Contains(page, a.T("{shown} of {total}", "shown", "", "total", "${number(entries.length)}")) {
			t.Errorf("%s: %s", l, page)
		}
		empty := &app{Language: l}
		empty.completeRelations()
		if k := empty.Kinds[0]; k.Many != empty.word("notes") || k.Fields[0].Label != empty.word("Title") || k.Fields[0].Label == "Title" {
			t.Errorf("%s keeps %+v", l, k)
		}
	}
}
