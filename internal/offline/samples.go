package offline

import (
	_ "embed"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

//go:embed samples.txt
var samplesText string

// sampleSize is how many examples a kind has.
const sampleSize = 4

// sampleTitles are what examples are called: by the keys of kinds, and by labels of fields after an @, with the key of a kind and a dot
// before them where they hold only of that kind.
var sampleTitles = sync.OnceValue(func() map[string][]string {
	out := map[string][]string{}
	for line := range strings.SplitSeq(samplesText, "\n") {
		names, titles, ok := strings.Cut(line, " | ")
		if !ok || line[0] == '#' {
			continue
		}
		mark := ""
		if rest, labels := strings.CutPrefix(names, "@"); labels {
			names, mark = rest, "@"
		}
		for name := range strings.FieldsSeq(names) {
			out[mark+name] = strings.Split(titles, "; ")
		}
	}
	return out
})

// sampleKind is a kind with its examples, for src/samples.ts: objects of TypeScript.
type sampleKind struct {
	Key     string
	Entries []string
}

// Samples are examples of what the app keeps, with which it can be tried.
func (a *app) Samples() []sampleKind {
	var out []sampleKind
	for _, k := range a.Kinds {
		s := sampleKind{Key: k.Key}
		sets := a.questionSet(k)
		for i := range max(sampleSize, len(sets)) {
			var values []string
			for j, f := range k.Fields {
				value := a.sampleValue(k, f, j == 0, i)
				if sets != nil {
					value = ""
					if j < len(sets[i]) {
						value = script(sets[i][j])
					}
				}
				if value != "" {
					values = append(values, f.Key+": "+value)
				}
			}
			s.Entries = append(s.Entries, "{ "+strings.Join(values, ", ")+" }")
		}
		out = append(out, s)
	}
	return out
}

var (
	sampleRating = regexp.MustCompile(`(?i)rating|stars|score|points`)
	sampleYear   = regexp.MustCompile(`(?i)year`)
	sampleTime   = regexp.MustCompile(`(?i)minutes|duration`)
	samplePast   = regexp.MustCompile(`(?i)birth|since|joined|planted|bought|finished|read|last|moved in|lent`)
	sampleAhead  = regexp.MustCompile(`(?i)\b(?:due|deadline|next|expir\w*|until|renew\w*|return|by)\b`)
	sampleEnd    = regexp.MustCompile(`(?i)^(?:to|until|ends?(?: on)?|check-?out|departure|return)$`)
	sampleShare  = regexp.MustCompile(`(?i)%|percent|progress`)
)

// sampleValue is what the example of this number has in a field, as TypeScript; "" for nothing. A date is a number of days from today, a
// relation the number of an example of the other kind.
func (a *app) sampleValue(k kind, f field, title bool, i int) string {
	label := a.untranslated(f.Label)
	pick := func(values ...string) string { return values[i%len(values)] }
	if texts := textsOfKind(k, label); texts != nil && a.Language == "en" {
		if text := pick(texts...); f.Type == "text" || f.Type == "notes" || f.Type == "choice" && slices.Contains(f.Options, text) {
			return script(text)
		}
	}
	if title && (f.Type == "text" || f.Type == "notes") {
		return script(a.sampleTitle(k, f, i))
	}
	if known, ok := sampleNumber(k, label, i); ok && slices.Contains([]string{"date", "money", "number"}, f.Type) {
		return known
	}
	switch f.Type {
	case "choice":
		return script(f.Options[i%len(f.Options)])
	case "relation":
		return fmt.Sprint(i)
	case "flag":
		return pick("true", "false")
	case "date":
		if samplePast.MatchString(label) {
			return pick("-400", "-35", "-210", "-90")
		}
		if sampleEnd.MatchString(label) {
			return pick("1", "5", "9", "16")
		}
		if a.isRecord(k) && !sampleAhead.MatchString(label) {
			return pick("0", "-1", "-3", "-8")
		}
		return pick("-2", "1", "4", "9")
	case "money":
		return pick("48", "12.5", "129", "9.9")
	case "number":
		switch {
		case sampleRating.MatchString(label):
			return pick("4", "5", "3", "4")
		case sampleYear.MatchString(label):
			return pick("2016", "1999", "2021", "2008")
		case sampleTime.MatchString(label):
			return pick("30", "45", "20", "60")
		case sampleShare.MatchString(label):
			return pick("80", "35", "10", "100")
		}
		return pick("3", "12", "5", "8")
	case "phone":
		return script(pick("+1 555 0101", "+1 555 0102", "+1 555 0103", "+1 555 0104"))
	case "email":
		return script(pick("ada", "ben", "chloe", "daniel") + "@example.com")
	case "link":
		if i == 0 || f.Required {
			return script("https://example.com/")
		}
		return ""
	case "notes":
		return ""
	}
	if texts := sampleTitles()["@"+slug(label, "x")]; texts != nil && a.Language == "en" {
		return script(pick(texts...))
	}
	if f.Required {
		return script(a.T("Example {number}", "number", fmt.Sprint(i+1)))
	}
	return ""
}

// sampleTexts are what a field of this label holds in examples of the kind, or of any.
func sampleTexts(k kind, label string) []string {
	if texts := textsOfKind(k, label); texts != nil {
		return texts
	}
	return sampleTitles()["@"+slug(label, "x")]
}

func textsOfKind(k kind, label string) []string {
	_, last := beforeLast(k.Key, "-")
	for _, key := range []string{k.Key, last, k.lexiconKey()} {
		if texts := sampleTitles()["@"+key+"."+slug(label, "x")]; texts != nil {
			return texts
		}
	}
	return nil
}

// sampleNumber is the number that the example of this number has in a field, where such numbers are known.
func sampleNumber(k kind, label string, i int) (string, bool) {
	texts := sampleTexts(k, label)
	if texts == nil {
		return "", false
	}
	text := texts[i%len(texts)]
	_, err := strconv.ParseFloat(text, 64)
	return text, err == nil
}

var (
	recordVerbs = []string{"Log", "Record", "Write", "Note", "Take", "Save", "Collect", "Report", "Lend", "Register", "Issue"}
	planVerbs   = []string{"Book", "Plan", "Schedule", "Arrange", "Set", "Open", "Start"}
)

// isRecord reports whether an entry of the kind says what has been, and not what is to come.
func (a *app) isRecord(k kind) bool {
	verb := a.untranslated(k.Verb)
	return slices.Contains(recordVerbs, verb) || k.ofType("money") != nil && !slices.Contains(planVerbs, verb)
}

// sampleTitle is what an example is called: as such things are, where that is known, else as what the field is, else by its number.
func (a *app) sampleTitle(k kind, f field, i int) string {
	titles := sampleTitles()[k.Key]
	if titles == nil {
		_, last := beforeLast(k.Key, "-")
		titles = sampleTitles()[last]
	}
	if titles == nil {
		titles = sampleTitles()[k.lexiconKey()]
	}
	if titles == nil {
		titles = sampleTitles()["@"+slug(a.untranslated(f.Label), "x")]
	}
	if titles == nil || a.Language != "en" && !personal(titles) {
		return fmt.Sprintf("%s %d", capital(k.One), i+1)
	}
	return titles[i%len(titles)]
}

// personal reports whether titles are names of people, which need no translation.
func personal(titles []string) bool { return titles[0] == "Ada Moreno" || titles[0] == "Luna" }

// questionSet is what the fields of each example of questions and cards hold, by what the app is about; nil for other kinds.
func (a *app) questionSet(k kind) [][]string {
	asks := slices.ContainsFunc(a.Parts, func(p part) bool { return p.Shows == k.Key && p.Kind == quizPart })
	learns := slices.ContainsFunc(a.Parts, func(p part) bool { return p.Shows == k.Key && p.Kind == flashcardsPart })
	if !asks && !learns {
		return nil
	}
	asked := questionSets[len(questionSets)-1].asked
	for _, set := range questionSets {
		if set.about.MatchString(a.Name) {
			asked = set.asked
			break
		}
	}
	if !learns || len(asked[0]) == 3 {
		return asked
	}
	var cards [][]string // without wrong answers
	for _, one := range asked {
		cards = append(cards, one[:2])
	}
	return cards
}

// questionSets are examples for quizzes and cards: question, answer, and for quizzes wrong answers, for cards a deck.
var questionSets = []struct {
	about *regexp.Regexp
	asked [][]string
}{
	{regexp.MustCompile(`(?i)spanish|español|spanisch|vocab|language|verbs|vokabel`), [][]string{{"hablar", "to speak", "Spanish"}, {"comer", "to eat", "Spanish"}, {"vivir", "to live", "Spanish"}, {"querer", "to want", "Spanish"}, {"poder", "to be able to", "Spanish"}, {"venir", "to come", "Spanish"}}},
	{regexp.MustCompile(`(?i)capital|geograph|world|countr|flag|hauptst|géograph`), [][]string{{"What is the capital of Kenya?", "Nairobi", "Mombasa", "Kampala", "Addis Ababa"}, {"What is the capital of Canada?", "Ottawa", "Toronto", "Montreal", "Vancouver"}, {"What is the capital of Australia?", "Canberra", "Sydney", "Melbourne", "Perth"},
		{"What is the capital of Brazil?", "Brasília", "Rio de Janeiro", "São Paulo", "Salvador"}, {"What is the capital of Norway?", "Oslo", "Bergen", "Stockholm", "Helsinki"}, {"What is the capital of Japan?", "Tokyo", "Kyoto", "Osaka", "Seoul"}}},
	{regexp.MustCompile(`(?i)french|français|französ`), [][]string{{"parler", "to speak", "French"}, {"manger", "to eat", "French"}, {"la maison", "the house", "French"}, {"aujourd’hui", "today", "French"}, {"vouloir", "to want", "French"}}},
	{regexp.MustCompile(`(?i)german|deutsch`), [][]string{{"sprechen", "to speak", "German"}, {"essen", "to eat", "German"}, {"das Haus", "the house", "German"}, {"heute", "today", "German"}, {"der Schmetterling", "the butterfly", "German"}}},
	{regexp.MustCompile(`(?i)math|times table|multipl|arithmetic|algebra`), [][]string{{"What is 7 times 8?", "56", "54", "63", "48"}, {"What is 12 times 12?", "144", "124", "132", "148"}, {"What is 15 % of 200?", "30", "15", "20", "35"}, {"What is the square root of 81?", "9", "8", "7", "18"}, {"What is 9 times 6?", "54", "56", "45", "63"}}},
	{regexp.MustCompile(`(?i)medic|anatom|nurs|bio|science|chem|physic`), [][]string{{"Tachycardia", "A fast heartbeat", "Bradycardia", "Arrhythmia", "Hypertension"}, {"Hepatic", "Of the liver", "Of the kidney", "Of the heart", "Of the lung"}, {"Renal", "Of the kidney", "Of the liver", "Of the bone", "Of the skin"}, {"Dermis", "A layer of the skin", "A bone of the hand", "A muscle", "A nerve"}, {"Edema", "A swelling with fluid", "A fracture", "A fever", "A rash"}}},
	{regexp.MustCompile(`(?i)movie|film|music|pop|trivia|general|fun`), [][]string{{"How many strings has a violin?", "Four", "Five", "Six", "Three"}, {"Which planet is nearest to the sun?", "Mercury", "Venus", "Mars", "Earth"}, {"How many sides has a hexagon?", "Six", "Five", "Seven", "Eight"}, {"Which animal is the largest?", "The blue whale", "The elephant", "The giraffe", "The whale shark"}, {"In which year did people first walk on the moon?", "1969", "1959", "1972", "1965"}}},
}
