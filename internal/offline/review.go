package offline

import (
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/net/html"

	"codeforge/internal/agent/form"
)

const maxIssues = 100

// review reports what verification found and what simple rules see in the files that the request shows.
func (c *conversation) review(failOnce bool) form.Review {
	issues := []form.Issue{}
	for _, d := range section[[]form.Diagnostic](c, form.SectionDiagnostics) {
		i := form.Issue{Severity: "critical", Category: "build", FilePath: d.File, Line: d.Line, Description: shorten(cleanLine(d.Message), 500), Suggestion: "Correct this line so that the file parses and its references lead somewhere."}
		if d.Severity == "warning" {
			i.Severity, i.Suggestion = "low", "See whether the warning is meant."
		}
		issues = append(issues, i)
	}
	for _, name := range sortedKeys(c.files) {
		issues = append(issues, inspect(name, c.files[name])...)
	}
	if len(c.files) == 0 {
		if code, ok := section[map[string]any](c, form.SectionContext)["code"].(string); ok {
			name, _ := section[map[string]any](c, form.SectionContext)["file_path"].(string)
			issues = append(issues, inspect(name, code)...)
		}
	}
	if c.laterRound() {
		c.keepIDs(issues)
	}
	if failOnce && !c.laterRound() {
		issues = append(issues, form.Issue{Severity: "high", Category: "requirements", FilePath: "README.md", Line: 0, Description: "This finding was asked for by the job's context, to show a second round.", Suggestion: "Answer it in the README."})
	}
	slices.SortStableFunc(issues, worstFirst)
	issues = issues[:min(len(issues), maxIssues)]
	r := form.Review{Passed: true, Issues: issues, Score: 100}
	count := map[string]int{}
	for _, i := range issues {
		count[i.Severity]++
		r.Score -= map[string]int{"critical": 30, "high": 15, "medium": 5, "low": 1}[i.Severity]
	}
	r.Score = max(0, r.Score)
	r.Passed = count["critical"]+count["high"] == 0
	var parts []string
	for _, s := range severityOrder {
		if count[s] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", count[s], s))
		}
	}
	r.Summary = fmt.Sprintf("%d files looked at with simple rules; no finding.", len(c.files))
	if len(parts) > 0 {
		r.Summary = fmt.Sprintf("%d files looked at with simple rules; findings: %s.", len(c.files), strings.Join(parts, ", "))
	}
	r.Summary += " A rule cannot see whether the app does what was meant."
	return r
}

// unread are the calls that read what changed since the last review, which a later one judges by.
func (c *conversation) unread() (calls []toolCall) {
	if !c.laterRound() || !c.hasTool(form.ToolReadFile) {
		return nil
	}
	read := map[string]bool{}
	for _, t := range c.turns[c.before:] {
		var args form.ReadArgs
		if json.Unmarshal(t.call.Arguments, &args) != nil || t.result == nil {
			continue
		}
		read[args.Path] = true
		if delete(c.files, args.Path); !t.result.IsError {
			c.files[args.Path] = fileText(t.result.Content)
		}
	}
	for _, m := range diffedFile.FindAllStringSubmatch(c.sections[form.SectionDiff], -1) {
		if !read[m[1]] && len(calls) < maxReads {
			calls = append(calls, toolCall{form.ToolReadFile, map[string]any{"path": m[1]}})
		}
	}
	return calls
}

var diffedFile = regexp.MustCompile(`(?m)^\+\+\+ b/(.+)$`)

// keepIDs gives issues that were found before the ids that they had.
func (c *conversation) keepIDs(issues []form.Issue) {
	for i := range issues {
		for _, f := range c.findings() {
			if issues[i].ID == "" && issues[i].FilePath == f.FilePath && issues[i].Description == f.Description && !slices.ContainsFunc(issues, func(o form.Issue) bool { return o.ID == f.ID }) {
				issues[i].ID = f.ID
			}
		}
	}
}

// laterRound reports whether the conversation speaks of an earlier review.
func (c *conversation) laterRound() bool {
	if section[int](c, form.SectionRound) > 1 {
		return true
	}
	if _, has := c.sections[form.SectionFindings]; has {
		return true
	}
	n, _ := section[map[string]any](c, form.SectionContext)["round"].(float64)
	return n > 1
}

var (
	literals    = regexp.MustCompile("\"(?:[^\"\\\\\n]|\\\\.)*\"|'(?:[^'\\\\\n]|\\\\.)*'|`(?:[^`\\\\]|\\\\.)*`")
	regexes     = regexp.MustCompile(`/(?:[^/\\\n*]|\\.)(?:[^/\\\n]|\\.)*/[a-z]*\.(?:test|exec)\b`)
	unfinished  = regexp.MustCompile(`(?://|/\*|\*|<!--).*\b(TODO|FIXME|XXX)\b`)
	consoleCall = regexp.MustCompile(`\bconsole\.(?:log|debug)\s*\(`)
	evalCall    = regexp.MustCompile(`(?:^|[^\w.$])eval\s*\(|\bnew\s+Function\s*\(`)
	innerHTML   = regexp.MustCompile(`\.(?:inner|outer)HTML\s*\+?=|\.insertAdjacentHTML\s*\(|\bdocument\.write\s*\(|dangerouslySetInnerHTML`)
	secretLike  = regexp.MustCompile(`\b(?:sk|pk|rk)[-_](?:live|test|proj|ant)?[-_]?[A-Za-z0-9_-]{16,}|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{30,}|\bAIza[0-9A-Za-z_-]{30,}|\beyJ[\w-]{15,}\.eyJ[\w-]{10,}|-----BEGIN [A-Z ]*PRIVATE KEY`)
	secretName  = regexp.MustCompile(`(?i)(?:api[_-]?key|secret|passw(?:or)?d|token)["']?\s*[:=]\s*["'][^"'\s]{12,}["']`)
	anyType     = regexp.MustCompile(`[:<]\s*any\b`)
)

// telling is one of the words that a line must hold for a rule to match it; most lines hold none.
var telling = strings.Fields(`sk- sk_ pk- pk_ rk- rk_ AKIA ghp_ gho_ ghu_ ghs_ ghr_ AIza eyJ PRIVATE ecret assw oken _KEY _key -key -KEY apikey apiKey ApiKey APIKEY ECRET ASSW OKEN
	TODO FIXME XXX console eval Function HTML document any`)

// inspect applies the rules to one file.
func inspect(name, text string) []form.Issue {
	if strings.TrimSpace(text) == "" {
		return []form.Issue{{Severity: "medium", Category: "maintainability", FilePath: name, Line: 0, Description: "The file is empty.", Suggestion: "Fill it or delete it."}}
	}
	var out []form.Issue
	add := func(severity, category string, line int, description, suggestion string) {
		out = append(out, form.Issue{Severity: severity, Category: category, FilePath: name, Line: line, Description: description, Suggestion: suggestion})
	}
	ext := path.Ext(name)
	if ext == ".md" || ext == ".txt" {
		return nil
	}
	program := slices.Contains([]string{".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs", ""}, ext)
	for i, line := range strings.Split(text, "\n") {
		if !slices.ContainsFunc(telling, func(s string) bool { return strings.Contains(line, s) }) {
			continue
		}
		n := i + 1
		if secretLike.MatchString(line) || program && secretName.MatchString(line) {
			add("high", "security", n, "This looks like a secret in the source, where every visitor can read it.", "Take it out, and replace it where it is in use.")
		}
		bare := literals.ReplaceAllString(line, `""`)
		if unfinished.MatchString(bare) {
			add("low", "maintainability", n, "A note says that something is unfinished.", "Finish it, or describe it where work is planned.")
		}
		if !program {
			continue
		}
		bare = regexes.ReplaceAllString(bare, "")
		if at := strings.Index(bare, "//"); at >= 0 {
			bare = bare[:at]
		}
		if consoleCall.MatchString(bare) {
			add("low", "maintainability", n, "Output for debugging was left in.", "Remove it, or show the user what matters.")
		}
		if evalCall.MatchString(bare) {
			add("high", "security", n, "Text is run as a program.", "Say what is meant in code, or parse the text with JSON.parse.")
		}
		if innerHTML.MatchString(bare) {
			add("high", "security", n, "Data is written as markup, so that what a user typed can run as a script.", "Use textContent, or make elements and append them.")
		}
		if strings.HasPrefix(ext, ".ts") && anyType.MatchString(bare) {
			add("low", "maintainability", n, "The type any switches checking off.", "Name the type, or use unknown and check it.")
		}
	}
	if ext == ".html" || ext == ".htm" {
		out = append(out, inspectPage(name, text)...)
	}
	return out
}

// inspectPage looks at a page as somebody does who cannot see it.
func inspectPage(name, text string) []form.Issue {
	var out []form.Issue
	add := func(severity string, line int, description, suggestion string) {
		out = append(out, form.Issue{Severity: severity, Category: "accessibility", FilePath: name, Line: line, Description: description, Suggestion: suggestion})
	}
	type control struct {
		line int
		id   string
	}
	var controls []control
	labels := map[string]bool{}
	var lang, title, whole, inLabel, inTitle bool
	z := html.NewTokenizer(strings.NewReader(text))
	line := 1
	for {
		kind := z.Next()
		if kind == html.ErrorToken {
			break
		}
		at := line
		line += strings.Count(string(z.Raw()), "\n")
		t := z.Token()
		attr := func(key string) (string, bool) {
			for _, a := range t.Attr {
				if a.Key == key {
					return strings.TrimSpace(a.Val), true
				}
			}
			return "", false
		}
		switch {
		case kind == html.TextToken && inTitle:
			title = title || strings.TrimSpace(t.Data) != ""
		case kind == html.EndTagToken:
			inLabel = inLabel && t.Data != "label"
			inTitle = inTitle && t.Data != "title"
		case kind != html.StartTagToken && kind != html.SelfClosingTagToken:
		case t.Data == "html":
			whole = true
			l, _ := attr("lang")
			lang = l != ""
		case t.Data == "title":
			inTitle = true
		case t.Data == "label":
			inLabel = true
			id, _ := attr("for")
			labels[id] = true
		case t.Data == "img":
			if _, has := attr("alt"); !has {
				add("medium", at, "An image has no text for those who cannot see it.", `Add an alt attribute; alt="" when the image only decorates.`)
			}
		case t.Data == "input" || t.Data == "select" || t.Data == "textarea":
			typ, _ := attr("type")
			_, named := attr("aria-label")
			_, pointed := attr("aria-labelledby")
			if inLabel || named || pointed || slices.Contains([]string{"hidden", "submit", "button", "reset", "image"}, typ) {
				continue
			}
			id, _ := attr("id")
			controls = append(controls, control{at, id})
		}
	}
	for _, c := range controls {
		if c.id == "" || !labels[c.id] {
			add("medium", c.line, "A field has no label, so that a screen reader cannot say what to type.", "Add a label whose for attribute names the field's id.")
		}
	}
	if whole && !lang {
		add("medium", 1, "The page does not say its language.", `Add lang to the html element, for example lang="en".`)
	}
	if whole && !title {
		add("medium", 1, "The page has no title.", "Add a title element that says what the page is.")
	}
	return out
}
