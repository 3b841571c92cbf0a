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
const sectionNames = "project|idea|context|requirements|architecture|files|file|answers|findings|round|diagnostics|question"

var edge = regexp.MustCompile(`^\s*<(\\*/?(?:` + sectionNames + `)(?:\s[^>]*)?>\s*)$`)

// neutral returns text with every line that looks like a section's edge marked.
func neutral(text string) string {
	var b strings.Builder
	for line := range strings.SplitAfterSeq(text, "\n") {
		// A lone carriage return is no line's end here, but may look like one to a model.
		for part := range strings.SplitAfterSeq(line, "\r") {
			if edge.MatchString(part) {
				part = strings.Replace(part, "<", `<\`, 1)
			}
			b.WriteString(part)
		}
	}
	return b.String()
}

// prompt is a user's message in the making.
type prompt struct{ b strings.Builder }

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

// file adds one file with its text.
func (p *prompt) file(path, text string) {
	p.section("file", fmt.Sprintf(" path=%s", marshal(path)), neutral(text))
}

// say adds a sentence of our own, outside of any section.
func (p *prompt) say(format string, args ...any) { fmt.Fprintf(&p.b, format+"\n", args...) }

func (p *prompt) section(name, attributes, body string) {
	fmt.Fprintf(&p.b, "<%s%s>\n%s\n</%s>\n", name, attributes, body, name)
}

func (p *prompt) String() string { return p.b.String() }

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

// packedFiles are at most packBytes of text; more are only listed. A finer choice than "what is named first" has no
// use until models read less than this at once.
const (
	packBytes = 200_000
	packList  = 60_000 // bytes of the list of files
)

// files adds the list of all files and the text of those that fit, the first ones first; the list stays sorted by path.
func (p *prompt) files(t *tree, first []string) {
	paths := t.paths()
	if len(paths) == 0 {
		return
	}
	var list strings.Builder
	for i, path := range paths {
		line := fmt.Sprintf("%s (%d bytes)\n", path, len(t.files[path]))
		if list.Len()+len(line) > packList {
			fmt.Fprintf(&list, "... and %d more: list_files shows all\n", len(paths)-i)
			break
		}
		list.WriteString(line)
	}
	p.text("files", strings.TrimSuffix(list.String(), "\n"))

	room, left := packBytes, 0
	shown := map[string]bool{}
	for _, group := range [][]string{first, paths} {
		for _, path := range group {
			text, ok := t.files[path]
			if !ok || shown[path] {
				continue
			}
			shown[path] = true
			if len(text) > room {
				left++
				continue
			}
			room -= len(text)
			p.file(path, text)
		}
	}
	if left > 0 {
		p.say("The text of %s is not shown here, for its size; the list above has all.", plural(left, "file"))
	}
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
