package agent

import (
	"fmt"
	"regexp"
	"strings"

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
	parts := []string{plainWords(d.Summary)}
	if d.Answer != "" {
		parts = []string{d.Answer}
		if len(d.Files) > 0 {
			parts = append(parts, plainWords(d.Summary))
		}
	}
	if len(d.Files) > 0 {
		parts = append(parts, r.howToStart())
	}
	if review != nil {
		if review.Passed {
			parts = append(parts, fmt.Sprintf("It was reviewed and passed, with a score of %d of 100.", review.Score))
		}
		parts = append(parts, openPoints(review.Issues))
	}
	if len(d.Files) > 0 {
		var b strings.Builder
		b.WriteString("Changed " + plural(len(d.Files), "file") + ":")
		for _, f := range d.Files[:min(len(d.Files), maxListed)] {
			b.WriteString("\n- " + f.Path + " (" + f.Action + ")")
		}
		if more := len(d.Files) - maxListed; more > 0 {
			fmt.Fprintf(&b, "\n- and %d more", more)
		}
		parts = append(parts, b.String())
	} else if review == nil && d.Answer == "" && !strings.Contains(d.Summary, noChange) { // it may claim more than was done
		parts = append(parts, noChange)
	}
	return joinParagraphs(parts...)
}

// howToStart says how one sees what was made.
func (r *run) howToStart() string {
	s := stackOf(r.tree.files, r.project, "")
	if s.script != "" {
		return "To start it: npm install, then npm run " + s.script + "."
	}
	if _, ok := r.tree.files["index.html"]; ok && !s.packages {
		return "To start, open the preview: it begins with index.html."
	}
	return ""
}

// openPoints tells what a review left, in plain words.
func openPoints(issues []issueDoc) string {
	var b strings.Builder
	n := 0
	for _, i := range issues {
		if i.Status == form.Fixed {
			continue
		}
		if n++; n > maxListed {
			continue
		}
		line := form.Shorten(strings.Join(strings.Fields(plainWords(i.Description)), " "), maxPoint)
		if i.FilePath != "" {
			line = i.FilePath + ": " + line
		}
		if i.Status == form.Declined && i.Reason != "" {
			line += " (left as it is: " + strings.TrimRight(plainWords(i.Reason), ". ") + ")"
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

var (
	inBrackets = regexp.MustCompile(`\s*[(\[]\s*(?:findings?\s*|issues?\s*)?#?F\d+(?:(?:\s*[,&/]\s*|\s+and\s+)#?F\d+)*\s*[)\]]`)
	byNumber   = regexp.MustCompile(`(?i)\b(?:the\s+)?(?:findings?\s+(?:no\.?\s*|number\s*)?#?F?\d+|issues?\s+#?F\d+)(?:(?:\s*[,&/]\s*|\s*(?:,\s*)?and\s+|\s+to\s+|-)#?F?\d+)*\b`)
)

// plainWords takes the names that reviewer and developer have for findings out of words for people, who never saw them.
func plainWords(s string) string {
	s = inBrackets.ReplaceAllString(s, "")
	return byNumber.ReplaceAllString(s, "what the review found")
}

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
