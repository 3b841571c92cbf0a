package relevance

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// terms calls yield with the folded words of text: identifiers are split where they change case and at what is no letter
// or digit. joined adds each two neighbouring parts of one identifier as a word of its own ("CopyButton": copy, button,
// copybutton), which is what tells a name from its words scattered over a file.
func terms(text string, joined bool, yield func(string)) {
	before := "" // the part before, in the same identifier
	emit := func(part string) {
		if len(part) > 40 {
			before = ""
			return
		}
		t := fold(part)
		if utf8.RuneCountInString(t) >= 2 && !isNumber(t) {
			yield(t)
			if joined && before != "" {
				yield(before + t)
			}
		}
		if joined {
			before = strings.ToLower(part)
		}
	}
	start := -1
	var last rune
	for i, r := range text {
		letter := unicode.IsLetter(r) || unicode.IsDigit(r)
		if !letter {
			if start >= 0 {
				emit(text[start:i])
				start = -1
			}
			if r != '_' && r != '-' && r != '$' {
				before = ""
			}
			last = r
			continue
		}
		switch {
		case start < 0:
			start = i
		case unicode.IsUpper(r) && !unicode.IsUpper(last), // copyButton
			unicode.IsUpper(last) && unicode.IsUpper(r) && nextIsLower(text[i+utf8.RuneLen(r):]): // HTMLParser
			emit(text[start:i])
			start = i
		}
		last = r
	}
	if start >= 0 {
		emit(text[start:])
	}
}

// words counts the runs of letters and digits in text: an identifier that stands there often is split once.
func words(text string) map[string]int {
	counts := map[string]int{}
	start := -1
	for i := 0; i <= len(text); i++ {
		part := i < len(text) && (text[i] >= 0x80 || text[i]|0x20 >= 'a' && text[i]|0x20 <= 'z' || text[i] >= '0' && text[i] <= '9')
		if part && start < 0 {
			start = i
		} else if !part && start >= 0 {
			counts[text[start:i]]++
			start = -1
		}
	}
	return counts
}

func nextIsLower(rest string) bool {
	r, _ := utf8.DecodeRuneInString(rest)
	return unicode.IsLower(r)
}

func isNumber(s string) bool {
	return strings.Trim(s, "0123456789") == ""
}

// fold makes forms of one English word equal: case, plurals, -ing, -ed, a final e. It need not give a word; words of
// other languages lose at most an ending, on both sides.
func fold(word string) string {
	w := strings.ToLower(word)
	if len(w) <= 3 {
		return w
	}
	switch {
	case strings.HasSuffix(w, "ies") && len(w) > 4:
		w = w[:len(w)-3] + "y"
	case strings.HasSuffix(w, "sses"), strings.HasSuffix(w, "xes"), strings.HasSuffix(w, "ches"), strings.HasSuffix(w, "shes"):
		w = w[:len(w)-2]
	case strings.HasSuffix(w, "s") && !strings.HasSuffix(w, "ss") && !strings.HasSuffix(w, "us") && !strings.HasSuffix(w, "is"):
		w = w[:len(w)-1]
	}
	for _, ending := range []string{"ing", "ed", "er", "or"} {
		if stem, ok := strings.CutSuffix(w, ending); ok && len(stem) >= 3 && strings.ContainsAny(stem, "aeiouy") {
			if n := len(stem); ending != "er" && ending != "or" && stem[n-1] == stem[n-2] && !strings.ContainsRune("lsz", rune(stem[n-1])) {
				stem = stem[:n-1] // stopped
			}
			w = stem
			break
		}
	}
	if len(w) > 3 {
		w = strings.TrimSuffix(w, "e")
	}
	return w
}

// query is a task in terms.
type query struct {
	terms []queryTerm
	kinds map[kind]bool // of files that the task speaks of
}

type queryTerm struct {
	weight float64
	forms  []form // what counts as this term; the best one does
}

type form struct {
	text   string
	weight float64
}

// Weights beside a word of the task itself.
const (
	alike  = 0.5 // a word of the same meaning
	joined = 0.8 // two words of the task that stand joined in a name
	begins = 0.6 // a longer text's later words say less than its first
)

func newQuery(task string) query {
	q := query{kinds: map[kind]bool{}}
	seen := map[string]bool{}
	var words []string // as they stand, for pairs
	for w := range strings.FieldsFuncSeq(task, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' && r != '-' }) {
		words = append(words, w)
	}
	for i, w := range words {
		if k, ok := kindWords[fold(w)]; ok {
			q.kinds[k] = true
		}
		if i > 0 && !stop[strings.ToLower(w)] && !stop[strings.ToLower(words[i-1])] {
			pair := strings.ToLower(words[i-1]) + fold(w)
			if !seen[pair] {
				seen[pair] = true
				q.terms = append(q.terms, queryTerm{joined, []form{{pair, 1}}})
			}
		}
		if stop[strings.ToLower(w)] {
			continue
		}
		terms(w, true, func(t string) {
			if seen[t] {
				return
			}
			seen[t] = true
			term := queryTerm{1, []form{{t, 1}}}
			for _, other := range meanings[t] {
				term.forms = append(term.forms, form{other, alike})
			}
			if len(q.terms) > 40 {
				term.weight = begins
			}
			q.terms = append(q.terms, term)
		})
	}
	return q
}

// stop holds words that say nothing about where to look.
var stop = wordSet(`a an the this that these those it its is are was were be been being am do does did done have has had having will would
	shall should can could may might must need needs want wants wanted let lets make makes made please i me my we us our you your he she they them their
	his her who whom whose which what when where why how if then else than so as at by for from in into of off on onto to too with without within about above
	after again against all also although always and any anybody anyone anything are around because before below between both but down during each either
	every everybody everything few get gets give gives given go goes here instead just keep keeps kept like more most much never no nor not nothing now
	only or other others out over own people same say says said set sets some somebody someone something still such sure take takes there through try twice
	under until up upon use uses used user users using very via way well while yet add adds added change changes changed fix fixes fixed bug broken work works
	working new old app application code file files page pages show shows shown see one two three five ten first second next last ago already put puts
	needs wrong right better good bad too less many lot fails fail failed ignores ignore look looks offer offers exist exists existing happen happens`)

func wordSet(list string) map[string]bool {
	set := map[string]bool{}
	for w := range strings.FieldsSeq(list) {
		set[w] = true
	}
	return set
}

// meanings are words that people and programs use for the same thing, by folded word.
var meanings = func() map[string][]string {
	out := map[string][]string{}
	for line := range strings.Lines(`login signin auth session
		logout signout auth
		register signup
		delete remove destroy trash
		question confirm dialog
		picture image photo thumbnail avatar
		thumbnail preview
		mail email
		phone mobile
		language locale i18n translation
		money amount price currency
		color colour theme style css
		red color style css
		green color style css
		blue color style css
		bright color style css
		font style css
		bigger size style css
		smaller size style css
		background style css theme
		dark theme mode
		light theme mode
		letter mail
		address url link href
		dropdown select menu
		checkbox boolean input
		button action
		save store storage persist
		remember storage persist
		store storage
		error exception catch
		message notification toast alert
		warning alert
		search query filter
		sort order
		test spec
		picture upload
		limit rate throttle
		attempt rate brute
		overview dashboard home
		start home
		article post doc
		comment reply
		invitation invite
		member subscriber customer
		tweet twitter
		setting config option
		shortcut key keyboard
		popup modal dialog
		window modal dialog
		typed input change
		column table grid
		row table grid
		date time format
		download export
		csv export import
		permission role access
		payment stripe checkout
		percent amount discount
		icon svg logo`) {
		words := strings.Fields(line)
		for _, w := range words[1:] {
			out[fold(words[0])] = append(out[fold(words[0])], fold(w))
		}
	}
	return out
}()
