package agent

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"codeforge"
	"codeforge/internal/agent/form"
)

// What the conversation says is for people who see the app, not the code's findings: what it does, how to begin, what is open.

const (
	maxListed = 30 // files and points that a message names
	maxPoint  = 400
	noChange  = "No file was changed."
)

// saysOfCode tells of code that was written, and of its review if there was one.
func (r *run) saysOfCode(d codeDoc, review *qaDoc) string {
	if len(d.Files) > 0 && r.coder != nil { // which are listed below
		d.Summary = strings.TrimSuffix(d.Summary, r.coder.defaultSummary())
	}
	parts := []string{plainWords(d.Summary, r.findings)}
	if d.Answer != "" {
		parts = []string{d.Answer}
		if len(d.Files) > 0 {
			parts = append(parts, plainWords(d.Summary, r.findings))
		}
	}
	if len(d.Files) > 0 {
		parts = append(parts, r.howToStart())
	}
	if review != nil {
		switch {
		case review.Passed && len(review.Dropped) > 0: // the score is of what was found and does not hold, too
			parts = append(parts, "It was reviewed and passed.")
		case review.Passed:
			parts = append(parts, fmt.Sprintf("It was reviewed and passed, with a score of %d of 100.", review.Score))
		}
		parts = append(parts, openPoints(review.Issues, r.findings))
	}
	if len(d.Files) > 0 {
		parts = append(parts, saysOfEvidence(r.keep.evidence), r.saysOfPeople(), changedPoints(d.Files))
	} else if review == nil && d.Answer == "" && !strings.Contains(strings.ToLower(d.Summary), strings.ToLower(strings.TrimSuffix(noChange, "."))) { // it may claim more than was done
		parts = append(parts, noChange)
	}
	return joinParagraphs(parts...)
}

// rungWords say for people what a rung that is passed means.
var rungWords = map[codeforge.RungName]string{
	codeforge.RungParse: "every file parses", codeforge.RungResolve: "all that it names is there", codeforge.RungTypes: "its types fit",
	codeforge.RungBundle: "it is built", codeforge.RungRun: "it ran in a browser without an error",
}

// saysOfEvidence tells what was checked, and what was not and why.
func saysOfEvidence(e codeforge.Evidence) string {
	var passed, rest []string
	for _, rung := range e {
		switch rung.Status {
		case codeforge.RungPassed:
			passed = append(passed, rungWords[rung.Name])
			if rung.Name == codeforge.RungBundle && rung.Reason != "" { // what of it does not run here
				rest = append(rest, strings.TrimRight(form.Shorten(rung.Reason, 300), ".")+".")
			}
		case codeforge.RungFailed:
			rest = append(rest, fmt.Sprintf("What was wrong before is still there (%s).", rung.Name))
		case codeforge.RungNotChecked:
			rest = append(rest, fmt.Sprintf("Not checked (%s): %s.", rung.Name, strings.TrimRight(form.Shorten(rung.Reason, 300), ".")))
		}
	}
	if len(passed) > 0 {
		rest = slices.Insert(rest, 0, "Checked: "+strings.Join(passed, ", ")+".")
	}
	return strings.Join(rest, " ")
}

// saysOfPeople names what people changed meanwhile, which is part of the work now.
func (r *run) saysOfPeople() string {
	paths := slices.Sorted(maps.Keys(r.keep.joined))
	if len(paths) == 0 {
		return ""
	}
	more := ""
	if n := len(paths) - maxListed; n > 0 {
		paths, more = paths[:maxListed], fmt.Sprintf(" and %d more", n)
	}
	return "What you changed meanwhile was kept and joined with this: " + strings.Join(paths, ", ") + more + "."
}

// changedPoints lists what became of files. Files that moved together are one point.
func changedPoints(files []fileDoc) string {
	gone := map[string]bool{} // to other paths
	moved := map[[2]string]int{}
	for _, f := range files {
		if f.MovedFrom != "" {
			gone[f.MovedFrom] = true
			moved[movedFolders(f)]++
		}
	}
	var points []string
	changed := 0
	for _, f := range files {
		if f.Action == "deleted" && gone[f.Path] {
			continue
		}
		changed++
		folders := movedFolders(f)
		switch n := moved[folders]; {
		case f.MovedFrom == "":
			points = append(points, f.Path+" ("+f.Action+")")
		case n == 1:
			points = append(points, "moved "+f.MovedFrom+" to "+f.Path)
		case n > 1:
			points = append(points, fmt.Sprintf("moved %s to %s (%s)", folders[0], folders[1], plural(n, "file")))
			moved[folders] = 0
		}
	}
	if more := len(points) - maxListed; more > 0 {
		points = append(points[:maxListed], fmt.Sprintf("and %d more", more))
	}
	return "Changed " + plural(changed, "file") + ":\n- " + strings.Join(points, "\n- ")
}

// movedFolders are the folders, old and new, below which a file's path stayed the same; the paths themselves for one that has a new name.
func movedFolders(f fileDoc) [2]string {
	from, to := f.MovedFrom, f.Path
	for path.Base(from) == path.Base(to) && path.Dir(from) != "." && path.Dir(to) != "." {
		from, to = path.Dir(from), path.Dir(to)
	}
	return [2]string{from, to}
}

// howToStart says how one sees an app that was made; who has it already knows.
func (r *run) howToStart() string {
	if now := r.start(r.tree.files); now != r.start(r.tree.base) {
		return now
	}
	return ""
}

func (r *run) start(files map[string]string) string {
	s := stackOf(files, r.project, "")
	if s.script != "" {
		return "To start it: npm install, then npm run " + s.script + "."
	}
	if _, ok := files["index.html"]; ok && !s.packages {
		return "To start, open the preview: it begins with index.html."
	}
	return ""
}

// openPoints tells what a review left, in plain words.
func openPoints(issues []issueDoc, ids int) string {
	var b strings.Builder
	n := 0
	for _, i := range issues {
		if i.Status == form.Fixed {
			continue
		}
		if n++; n > maxListed {
			continue
		}
		line := form.Shorten(firstSentence(strings.Join(strings.Fields(plainWords(i.Description, ids)), " ")), maxPoint)
		if i.FilePath != "" {
			line = i.FilePath + ": " + line
		}
		if i.Status == form.Declined && i.Reason != "" {
			line += " (left as it is: " + strings.TrimRight(plainWords(i.Reason, ids), ". ") + ")"
		}
		b.WriteString("\n- " + line)
	}
	if n == 0 {
		return ""
	}
	if n > maxListed {
		fmt.Fprintf(&b, "\n- and %d more", n-maxListed)
	}
	return "Still open:" + b.String()
}

// sentenceBreak is where a sentence of some words ends and another begins: abbreviations end in fewer letters.
var sentenceBreak = regexp.MustCompile(`[\pL\pN)"'` + "`" + `]{3}([.!?]) \P{Ll}`)

// firstSentence is what a finding begins with, which says what people notice; what follows is for who mends it.
func firstSentence(s string) string {
	if end := sentenceBreak.FindStringSubmatchIndex(s); end != nil {
		return s[:end[3]]
	}
	return s
}

// saysOfQuestions asks in the conversation what a job waits for.
func saysOfQuestions(message string, questions []form.Question) string {
	var b strings.Builder
	b.WriteString(message)
	for i, one := range questions {
		fmt.Fprintf(&b, "\n\n%d. %s", i+1, one.Question)
		if len(one.Options) > 0 {
			b.WriteString("\n   " + strings.Join(one.Options, " / "))
		}
	}
	return b.String()
}

const (
	findingID   = `#?F\d{1,3}`
	findingNoun = `(?:(?:review|qa)\s+)?(?:findings?|befunde?|hallazgos?|achados?|constats?)`
	andMore     = `(?:\s*[,&/]\s*|\s*(?:,\s*)?(?:and|und|et|y|e)\s+|\s+(?:to|bis)\s+|\s*[-–]\s*)`
)

var (
	inBrackets = regexp.MustCompile(`(?i)\s*[(\[]\s*(?:` + findingNoun + `\s*|issues?\s*)?` + findingID + `(?:` + andMore + findingID + `)*\s*[)\]]`)
	byNumber   = regexp.MustCompile(`(?i)\b(?:the\s+)?(?:` + findingNoun + `\s+(?:no\.?\s*|nr\.?\s*|number\s*)?#?F?\d+|issues?\s+#?F\d+)(?:` + andMore + `#?F?\d+)*\b`)
	byID       = regexp.MustCompile(`(?:` + keyWord + `\s+)?(?:#|\b)F\d{1,3}(?:` + andMore + findingID + `)*\b(?:\s+` + keyWord + `)?`)
	heads      = regexp.MustCompile(`(?m)(^|[.;:!]\s+|^[-*]\s+)` + findingID + `(?:` + andMore + findingID + `)*\s*[:–-]\s+`)
)

// keyWord stands beside the name of a key, such as F1.
const keyWord = `(?i:(?:press(?:es|ed|ing)?|keys?|hit|hitting|taste|drück\w*|touche|tecla|shortcut|with|und|mit)\b)`

// plainWords takes the names that reviewer and developer have for findings out of words for people, who never saw them. ids is how many have
// been given: what is called as one of those and is no key is one.
func plainWords(s string, ids int) string {
	s = inBrackets.ReplaceAllString(s, "")
	if ids > 0 {
		s = heads.ReplaceAllString(s, "$1")
		s = byID.ReplaceAllStringFunc(s, func(m string) string {
			n, _ := strconv.Atoi(idNumber.FindString(m))
			if m[0] != '#' && m[0] != 'F' || !endsInDigit(m) || n > ids {
				return m
			}
			return "what the review found"
		})
	}
	s = byNumber.ReplaceAllString(s, "what the review found")
	if strings.HasPrefix(s, "what the review found") {
		s = "W" + s[1:]
	}
	return s
}

var idNumber = regexp.MustCompile(`\d+`)

func endsInDigit(s string) bool { return s[len(s)-1] >= '0' && s[len(s)-1] <= '9' }

// joinParagraphs joins what is not empty.
func joinParagraphs(parts ...string) string {
	var out []string
	for _, p := range parts {
		if p = strings.TrimSpace(p); p != "" {
			out = append(out, p)
		}
	}
	return strings.Join(out, "\n\n")
}
