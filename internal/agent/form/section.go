package form

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"strings"
)

// A prompt is made of sections: a line <name>, the material, a line </name>. What stands in them comes from users,
// from files and from other answers, so a text must not be able to end its section or to open another: each of its
// lines that looks like a section's edge gets a backslash after the <. The rule is one to one (a line that has
// backslashes there already gets one more), so nothing is lost, and the system prompts explain it.

// Names of sections, in the order in which a message has them: what stays the same from call to call and from job to job
// comes first, so that providers find it in their caches.
const (
	SectionProject      = "project"        // [ProjectSection]
	SectionStack        = "stack"          // what the files say of what they are made with; [PackagesOn] or [PackagesOff]
	SectionRequirements = "requirements"   // [Requirements]
	SectionArchitecture = "architecture"   // [Architecture]
	SectionFile         = "file"           // the text of a file; has a path
	SectionOutline      = "outline"        // what one declares; has a path
	SectionFiles        = "files"          // a line for each file of the project: path (n bytes)
	SectionLearned      = "learned"        // [Learned]
	SectionConversation = "conversation"   // [Conversation]
	SectionPatterns     = "patterns"       // architectures that worked elsewhere
	SectionAnswers      = "answers"        // a list of [Reply]
	SectionContext      = "context"        // what of the job's input stands nowhere else
	SectionDiagnostics  = "diagnostics"    // a list of what verification found
	SectionErrors       = "preview_errors" // a list of [SeenError]
	SectionDiff         = "diff"           // what changed, as a unified diff
	SectionFindings     = "findings"       // a list of [Finding]
	SectionRound        = "round"          // of review and repair, from 1
	SectionIdea         = "idea"           // what the user wants, in words
	SectionQuestion     = "question"       // a learner's, in words
	SectionSelection    = "selection"      // the part of a file that is to be refactored; has a path
)

var sections = strings.Join([]string{SectionProject, SectionStack, SectionRequirements, SectionArchitecture, SectionFiles, SectionFile, SectionOutline,
	SectionLearned, SectionConversation, SectionPatterns, SectionAnswers, SectionContext, SectionDiagnostics, SectionErrors, SectionDiff, SectionFindings, SectionRound, SectionIdea, SectionQuestion, SectionSelection}, "|")

// Numbered stands after the path of a file or outline whose lines have their numbers before them.
const Numbered = "numbered"

// What [SectionStack] says of npm packages where a project, or a wish, asks for what comes as one.
const (
	PackagesOn  = "npm packages can be had here"
	PackagesOff = "npm packages cannot be had here"
)

// SeenError is what went wrong in a page of the app, in somebody's browser.
type SeenError struct {
	Kind    string `json:"kind"` // error, rejection, load or blocked
	Message string `json:"message"`
	File    string `json:"file,omitempty"`
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
	Stack   string `json:"stack,omitempty"`
	Page    string `json:"page,omitempty"`
	Count   int    `json:"count"`
}

// ProjectSection is what a prompt says of a project.
type ProjectSection struct {
	Title       string   `json:"title"`
	Description string   `json:"description"`
	Mode        string   `json:"mode"`
	TechStack   []string `json:"tech_stack"`
}

// Conversation is what went on in a project before a job.
type Conversation struct {
	Earlier   []string         `json:"earlier,omitempty"` // older messages, each in short
	Messages  []Said           `json:"messages,omitempty"`
	Revisions []RevisionChange `json:"last_revisions,omitempty"` // newest first
}

// Learned is how far a student has come in a project.
type Learned struct {
	Done     []string        `json:"modules_done,omitempty"` // titles of the roadmap that there is
	Now      string          `json:"module_now,omitempty"`
	Later    []string        `json:"modules_later,omitempty"`
	Choices  []ChosenOption  `json:"choices,omitempty"`
	Sessions []LearnedLately `json:"last_sessions,omitempty"` // newest first
}

// ChosenOption is what a student took in a module, by its id.
type ChosenOption struct {
	Module string `json:"module"`
	Option string `json:"option"`
}

// LearnedLately is what a session with the mentor was about.
type LearnedLately struct {
	Concepts []string `json:"concepts"`
	Minutes  int      `json:"minutes"`
}

// Said is a message of a [Conversation].
type Said struct {
	Role string `json:"role"`
	Text string `json:"text"`
}

// RevisionChange is what a revision changed.
type RevisionChange struct {
	Revision int64    `json:"revision"`
	By       string   `json:"by"`                // user, or an agent
	Message  string   `json:"message,omitempty"` // "": a message of the conversation says it
	Files    []string `json:"files"`             // path +lines -lines
	More     int      `json:"more_files,omitempty"`
}

// Reply is what the user answered to a [Question].
type Reply struct {
	Question string `json:"question"`
	Answer   string `json:"answer"`
}

var (
	edge = regexp.MustCompile(`^\s*<(\\*/?(?:` + sections + `)(?:\s[^>]*)?>\s*)$`)
	// A line that looks like a section's edge but is not has one backslash more than in the text it stands for.
	markedEdge   = regexp.MustCompile(`^(\s*<)\\(\\*/?(?:` + sections + `)(?:\s[^>]*)?>\s*)$`)
	sectionStart = regexp.MustCompile(`^<(` + sections + `)(?: path=("(?:[^"\\]|\\.)*")( ` + Numbered + `)?)?>\s*$`)
)

// Neutral returns text with every line that looks like a section's edge marked.
func Neutral(text string) string {
	return eachLine(text, func(line string) string {
		if edge.MatchString(line) {
			return strings.Replace(line, "<", `<\`, 1)
		}
		return line
	})
}

// unmarked undoes [Neutral].
func unmarked(text string) string {
	return eachLine(text, func(line string) string { return markedEdge.ReplaceAllString(line, "$1$2") })
}

// eachLine rewrites the lines that hold < and >. A lone carriage return is no line's end in a prompt, but may look like
// one to a model.
func eachLine(text string, rewrite func(string) string) string {
	if !strings.Contains(text, "<") {
		return text
	}
	var b strings.Builder
	b.Grow(len(text) + 16)
	for line := range strings.SplitAfterSeq(text, "\n") {
		for part := range strings.SplitAfterSeq(line, "\r") {
			if strings.Contains(part, "<") && strings.Contains(part, ">") {
				part = rewrite(part)
			}
			b.WriteString(part)
		}
	}
	return b.String()
}

// WriteSection adds a section. path is that of a file or outline, else "". body must be [Neutral], or JSON, in which a
// line that ends a section cannot stand: strings hold no raw line breaks.
func WriteSection(b *strings.Builder, name, path, body string) {
	if path != "" {
		fmt.Fprintf(b, "<%s path=%s>\n%s\n</%s>\n", name, Marshal(path), body, name)
		return
	}
	fmt.Fprintf(b, "<%s>\n%s\n</%s>\n", name, body, name)
}

// WriteNumbered adds a file with the number of each line before it. Whether its last line has an end is not told.
func WriteNumbered(b *strings.Builder, path, body string) {
	fmt.Fprintf(b, "<%s path=%s %s>\n", SectionFile, Marshal(path), Numbered)
	b.WriteString(NumberLines(strings.TrimSuffix(body, "\n")+"\n", 1, math.MaxInt))
	fmt.Fprintf(b, "</%s>\n", SectionFile)
}

// ReadSections calls yield with each section of a prompt, in order, its text as it was before [Neutral]. What was never
// closed is a line of somebody's text.
func ReadSections(text string, yield func(name, path, body string)) {
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		m := sectionStart.FindStringSubmatch(strings.TrimRight(lines[i], "\r"))
		if m == nil {
			continue
		}
		end := i + 1
		for end < len(lines) && strings.TrimRight(lines[end], "\r ") != "</"+m[1]+">" {
			end++
		}
		if end == len(lines) {
			continue
		}
		var path string
		if m[2] != "" && json.Unmarshal([]byte(m[2]), &path) != nil {
			continue
		}
		body := strings.Join(lines[i+1:end], "\n")
		if m[3] != "" {
			body, _ = ReadNumbered(body + "\n")
		}
		yield(m[1], path, unmarked(body))
		i = end
	}
}

var listedFile = regexp.MustCompile(`^\s*(?:- )?(.+?)(?: \([\d,]+ bytes\).*)?\s*$`)

// ListedPath returns the path in a line of the section files, "" if there is none.
func ListedPath(line string) string {
	if m := listedFile.FindStringSubmatch(line); m != nil {
		return m[1]
	}
	return ""
}

// Marshal is JSON that keeps <, > and & readable. It is for values of our own types, which always have a JSON form.
func Marshal(v any) json.RawMessage {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
