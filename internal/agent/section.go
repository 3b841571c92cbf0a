package agent

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"codeforge"
)

// A prompt is made of sections: a line <name>, the material, a line </name>. What stands in them comes from users,
// from files and from other answers, so a text must not be able to end its section or to open another: each of its
// lines that looks like a section's edge gets a backslash after the <. The rule is one to one (a line that has
// backslashes there already gets one more), so nothing is lost, and the system prompts explain it.
//
// The names are known to the offline model, which reads prompts by them.
const sectionNames = "project|idea|context|requirements|architecture|files|file|outline|answers|findings|round|diagnostics|question"

var edge = regexp.MustCompile(`^\s*<(\\*/?(?:` + sectionNames + `)(?:\s[^>]*)?>\s*)$`)

// neutral returns text with every line that looks like a section's edge marked.
func neutral(text string) string {
	if !strings.Contains(text, "<") {
		return text
	}
	var b strings.Builder
	b.Grow(len(text) + 16)
	for line := range strings.SplitAfterSeq(text, "\n") {
		// A lone carriage return is no line's end here, but may look like one to a model.
		for part := range strings.SplitAfterSeq(line, "\r") {
			if strings.Contains(part, "<") && strings.Contains(part, ">") && edge.MatchString(part) {
				part = strings.Replace(part, "<", `<\`, 1)
			}
			b.WriteString(part)
		}
	}
	return b.String()
}

// prompt is a user's message in the making. What it shows of files is chosen when it is written out, by the room there is.
type prompt struct {
	b    strings.Builder
	pack *pack
	at   int // where pack stands in b
}

// text adds a section of free text. Nothing is added for an empty one.
func (p *prompt) text(name, text string) {
	if text != "" {
		p.section(name, "", neutral(text))
	}
}

// json adds a section that holds v as JSON, in which a line that ends a section cannot stand: strings hold no raw
// line breaks.
func (p *prompt) json(name string, v any) {
	raw, ok := v.(json.RawMessage)
	if !ok {
		raw = marshal(v)
	}
	if len(raw) > 0 && !bytes.Equal(raw, []byte("null")) {
		p.section(name, "", string(raw))
	}
}

// say adds a sentence of our own, outside of any section.
func (p *prompt) say(format string, args ...any) { fmt.Fprintf(&p.b, format+"\n", args...) }

func (p *prompt) section(name, attributes, body string) { writeSection(&p.b, name, attributes, body) }

func writeSection(b *strings.Builder, name, attributes, body string) {
	fmt.Fprintf(b, "<%s%s>\n%s\n</%s>\n", name, attributes, body, name)
}

// files puts what a prompt shows of the files of a tree, as they are now, here. What the task names comes first, then
// what want weighs, by path.
func (p *prompt) files(t *tree, task string, want map[string]int) {
	if len(t.files) > 0 {
		p.pack, p.at = newPack(t, task, want), p.b.Len()
	}
}

func (p *prompt) String() string { return p.fit(packTokens) }

// fit writes the prompt out with about so many tokens for files.
func (p *prompt) fit(tokens int) string {
	s := p.b.String()
	if p.pack == nil {
		return s
	}
	return s[:p.at] + p.pack.fit(tokens) + s[p.at:]
}

// marshal is JSON that keeps <, > and & readable. It is for values of our own types, which always have a JSON form.
func marshal(v any) json.RawMessage {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// projectSection is what a prompt says of a project.
type projectSection struct {
	Title       string         `json:"title"`
	Description string         `json:"description"`
	Mode        codeforge.Mode `json:"mode"`
	TechStack   []string       `json:"tech_stack"`
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
