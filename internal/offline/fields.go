package offline

import (
	"regexp"
	"slices"
	"strings"
)

// typeOf guesses a field's type from the words of its name.
func typeOf(label string) (string, []string) {
	l := strings.ToLower(label)
	for _, t := range typeWords {
		if t.form.MatchString(l) {
			return t.name, t.options
		}
	}
	return "text", nil
}

var typeWords = []struct {
	name    string
	form    *regexp.Regexp
	options []string
}{
	{"choice", regexp.MustCompile(`\bpriority\b|\burgency\b`), []string{"Low", "Normal", "High"}},
	{"choice", regexp.MustCompile(`\b(status|stage|state|progress)\b`), []string{"New", "In progress", "Done"}},
	{"choice", regexp.MustCompile(`\b(category|kind|type)\b`), []string{"General", "Important", "Other"}},
	{"choice", regexp.MustCompile(`\bsize\b`), []string{"Small", "Medium", "Large"}},
	{"date", regexp.MustCompile(`\b(date|deadline|due|birthday|anniversary|day|until|expiry|expires)\b`), nil},
	{"money", regexp.MustCompile(`\b(price|prices|cost|costs|amount|budget|fee|salary|rent|total|revenue|rate|value|discount|stake|profit|premium|wage|spent|paid amount)\b`), nil},
	{"email", regexp.MustCompile(`\be-?mails?\b`), nil},
	{"phone", regexp.MustCompile(`\b(phone|telephone|mobile|cell)\b`), nil},
	{"link", regexp.MustCompile(`\b(url|link|website|homepage)\b`), nil},
	{"number", regexp.MustCompile(`\b(count|quantity|number|weight|height|age|mileage|reps|sets|laps?|pieces|elevation|altitude|ascent|depth|hydration|odds|tempo|bpm|abv|pulse|systolic|diastolic|percentage|temperature|humidity|calorie|rating|score|distance|duration|minutes|hours|calories|pages|size|servings|year|points|stars)\b`), nil},
	{"flag", regexp.MustCompile(`\b(done|finished|paid|favou?rite|completed|active|archived|checked|read)\b`), nil},
	{"notes", regexp.MustCompile(`\b(notes?|description|comments?|details|remarks?|text|summary|instructions)\b`), nil},
}

// clauseField is the field that a clause about a record asks for: "when I bought it" is a date, "Bought on".
func clauseField(c clause) (field, bool) {
	verb, adverb := "", ""
	for _, w := range c.words {
		if base := english().verbForm(w.low); base != "" && !english().is("auxiliary", w.low) && (w.class == verbWord || w.class == nounWord) && !wantVerbs[base] {
			verb = participle(base)
			if w.class == verbWord {
				break
			}
		}
		if verb == "" && strings.HasSuffix(w.low, "ed") && len(w.low) > 4 && english().verbForm(w.low) == "" {
			verb = w.low
		}
		if w.low == "last" || w.low == "next" || w.low == "first" {
			adverb = w.low
		}
	}
	has := func(forms ...string) bool {
		return slices.ContainsFunc(c.words, func(w word) bool { return slices.Contains(forms, w.low) })
	}
	f := field{Type: "text"}
	switch c.lead {
	case "when":
		f.Type = "date"
		switch {
		case adverb != "" && verb != "":
			f.Label = capital(adverb) + " " + verb
		case has("expire", "expires", "due"):
			f.Label = "Due"
		case verb != "":
			f.Label = capital(verb) + " on"
		default:
			f.Label = "Date"
		}
	case "where":
		f.Label = "Place"
		if verb != "" {
			f.Label = capital(verb) + " at"
		}
	case "who":
		f.Label = "Who"
		if verb != "" && !has("what", "when") && (verb != "done" || has("it", "them")) {
			f.Label = capital(verb) + " by"
		}
	case "how much", "what":
		switch {
		case has("worth"):
			f.Label, f.Type = "Value", "money"
		case has("cost", "costs", "paid", "pay", "spend", "spent", "charge"):
			f.Label, f.Type = "Cost", "money"
		case has("thought", "think", "learned", "learnt", "liked"):
			f.Label, f.Type = "Thoughts", "notes"
		case c.lead == "what":
			return f, false
		default:
			f.Label, f.Type = "Amount", "number"
		}
	case "how many":
		f.Label, f.Type = "Quantity", "number"
		if len(c.words) > 0 && c.words[0].class == nounWord {
			f.Label = capital(c.words[0].low)
		}
	case "how often":
		f.Label, f.Type, f.Options = "How often", "choice", []string{"Daily", "Weekly", "Monthly", "Rarely"}
	case "how long":
		f.Label, f.Type = "Minutes", "number"
	case "how far":
		f.Label, f.Type = "Distance in km", "number"
	case "how", "how good", "how well":
		if !has("felt", "feel", "liked", "like", "went", "was", "were", "are", "is", "good", "well") && c.lead == "how" {
			return f, false
		}
		f.Label, f.Type, f.Options = "How it was", "choice", []string{"Bad", "Fine", "Good", "Great"}
	case "that":
		n := len(c.words)
		switch {
		case verb == "" || c.words[0].class == pronounWord && n < 3:
			return f, false
		case n > 2 && english().is("preposition", c.words[n-2].low):
			f.Label = capital(verb) + " " + c.words[n-2].low
		default:
			f.Label = capital(verb) + " by"
		}
	case "whether":
		if verb == "" {
			return f, false
		}
		f.Label, f.Type = capital(verb), "flag"
	default:
		return f, false
	}
	return f, true
}

// wantVerbs say nothing of what is done.
var wantVerbs = wordSet("want need like have do try get let help wish hope plan")

// participle is the past participle of a verb.
func participle(base string) string {
	if p, ok := english().participles[base]; ok {
		return p
	}
	n := len(base)
	switch {
	case strings.HasSuffix(base, "e"):
		return base + "d"
	case strings.HasSuffix(base, "y") && n > 2 && !strings.ContainsRune("aeiou", rune(base[n-2])):
		return base[:n-1] + "ied"
	case n > 2 && n < 5 && strings.ContainsRune("bdgmnpt", rune(base[n-1])) && strings.ContainsRune("aeiou", rune(base[n-2])) && !strings.ContainsRune("aeiou", rune(base[n-3])):
		return base + base[n-1:] + "ed"
	}
	return base + "ed"
}

var (
	andWord  = regexp.MustCompile(`(?i)\s+and\s+`)
	articles = regexp.MustCompile(`(?i)^(?:(?:an?|the|their|its|his|her|my|our|another|new|also|some|extra)\s+)+`)
)

func trimArticle(s string) string { return articles.ReplaceAllString(strings.TrimSpace(s), "") }

// findKind finds a kind of the app by a word for it.
func (a *app) findKind(word string) *kind {
	word = strings.ToLower(cleanLine(trimArticle(word)))
	if word == "" {
		return nil
	}
	for i, k := range a.Kinds {
		if word == k.One || word == k.Many || singular(word) == k.One || slug(word, "") == k.Key {
			return &a.Kinds[i]
		}
	}
	for _, s := range words().lookup(word) {
		for i, k := range a.Kinds {
			if k.like == s || k.Key == words().kinds[s].Key {
				return &a.Kinds[i]
			}
		}
	}
	for i, k := range a.Kinds { // "projects", where they are called freelance projects
		if _, last := beforeLast(k.Many, " "); last != k.Many && (last == word || last == plural(singular(word))) {
			return &a.Kinds[i]
		}
	}
	for i, k := range a.Kinds { // "plants", where they are called houseplants
		if one := words().alike[strings.ReplaceAll(k.One, " ", "-")]; one != "" && slices.Contains(words().lookup(word), one) {
			return &a.Kinds[i]
		}
	}
	return nil
}

// addField adds a field before the notes, unless the kind has one of that name.
func (k *kind) addField(label, typ string, options []string) bool {
	label = capital(strings.ToLower(shorten(cleanLine(label), 40)))
	key := camel(label)
	at := len(k.Fields)
	for i, f := range k.Fields {
		if camel(f.Label) == key || f.Key == key {
			return false
		}
		if f.Type == "notes" && i < at {
			at = i
		}
	}
	if len(k.Fields) >= maxFields {
		return false
	}
	k.Fields = slices.Insert(k.Fields, at, field{Label: label, Type: typ, Options: options})
	return true
}
