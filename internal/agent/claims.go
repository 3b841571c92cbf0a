package agent

import (
	"fmt"
	"regexp"
	"strings"
)

// A reviewer's claims about the text of a file can be checked by looking. What a claim says to be there must be there; what it says
// to be missing must be missing somewhere. Only claims that are told apart safely are checked: others stand.

// contradiction says how the text of a file contradicts what is claimed of it; "" when it does not, or nobody can tell.
func contradiction(claim, text string) string {
	for clause := range strings.SplitSeq(clauseEnd.ReplaceAllString(claim, "\x00"), "\x00") {
		for _, a := range absences {
			if a.claimed.MatchString(clause) {
				if why := a.contradicted(text); why != "" {
					return why
				}
			}
		}
	}
	return inventedCode(claim, text)
}

var clauseEnd = regexp.MustCompile(`[.;](?:\s+|$)|\n`)

// absence is a claim that something lacks something: it needs a subject without it.
type absence struct {
	claimed *regexp.Regexp
	subject *regexp.Regexp // each of them is looked at
	has     *regexp.Regexp // what a subject is said to lack
	what    string
}

const lacking = `(?:missing|lacks?|lacking|without|has no|have no|no|not? have|needs? an?|absent|omits?|forgets?)`

func lacks(what, subject, has string) absence {
	return absence{regexp.MustCompile(`(?i)\b` + lacking + `\b[^.]{0,30}\b` + what + `\b|\b` + what + `\b[^.]{0,25}\b(?:is |are )?(?:missing|absent|not (?:set|given|there|present))\b`),
		regexp.MustCompile(subject), regexp.MustCompile(has), what}
}

// page is a text that is a whole page.
const page = `(?is)\A.*(?:<html|<!doctype|<head|<body).*\z`

var absences = []absence{
	lacks(`alt`, `(?is)<(?:img|Image|area)\b.*?>|createElement\(\s*["']img["']\s*\)|new Image\(`, `(?i)\balt\s*=|\{\.\.\.`),
	lacks(`lang`, page, `(?is)<html\b[^>]*\blang\s*=`),
	lacks(`viewport`, page, `(?i)name\s*=\s*["']?viewport`),
	lacks(`charset`, page, `(?i)charset\s*=`),
	lacks(`doctype`, page, `(?i)<!doctype`),
	lacks(`(?:title element|<title>|page title)`, page, `(?is)<title[^>]*>\s*[^\s<]`),
}

func (a absence) contradicted(text string) string {
	subjects := a.subject.FindAllString(text, -1)
	if len(subjects) == 0 {
		return "nothing in the file could lack " + a.what
	}
	for _, s := range subjects {
		if !a.has.MatchString(s) {
			return ""
		}
	}
	return "nothing in the file lacks " + a.what
}

var (
	// Code that a claim says to be used: in a clause that speaks of using, and names it.
	usesCode = regexp.MustCompile("(?i)\\b(?:uses?|using|calls?|calling|contains?|containing|assigns?|assigned to|sets?|setting|imports?|loads?)\\s(?:[^.;`]{0,40}\\s)?`([A-Za-z_$][\\w$.-]*(?:\\([^`\n]{0,60}\\))?)`" +
		"|\\b(?:uses?|using|calls?|assigns?|assigned|sets?|setting|writes?|written|inserts?|inserted|renders?|rendered|passes|passed|through|via|into|with)\\b[^.;]{0,60}?\\b(innerHTML|outerHTML|insertAdjacentHTML|document\\.write|dangerouslySetInnerHTML|v-html|eval|new Function|execCommand|XMLHttpRequest|setInterval|sessionStorage|localStorage|console\\.log)\\b")
	// Clauses that speak of what should be, or is not, there.
	negated  = regexp.MustCompile(`(?i)\b(?:not|no|never|without|missing|lacks?|lacking|absent|instead|should|could|must|rather|replace|nowhere|undefined|neither|nor|forgets?|omits?|unless|isn't|aren't|doesn't|don't|cannot|can't|need(?:s|ed)?|expected?|would|if)\b`)
	codeName = regexp.MustCompile(`^[A-Za-z_$][\w$-]*(?:\.[A-Za-z_$][\w$-]*)*`)
)

// inventedCode says that a claim is about code that stands nowhere in a file: all that its clauses name as used must be absent.
func inventedCode(claim, text string) string {
	var named []string
	for clause := range strings.SplitSeq(clauseEnd.ReplaceAllString(claim, "\x00"), "\x00") {
		if negated.MatchString(clause) {
			continue
		}
		for _, m := range usesCode.FindAllStringSubmatch(clause, -1) {
			// A call may be written with other arguments: its name counts.
			name := codeName.FindString(m[1] + m[2])
			if last := name[strings.LastIndexByte(name, '.')+1:]; strings.Contains(strings.ToLower(text), strings.ToLower(last)) {
				return ""
			}
			named = append(named, name)
		}
	}
	if len(named) == 0 {
		return ""
	}
	return fmt.Sprintf("%s stands nowhere in the file", strings.Join(named, ", "))
}
