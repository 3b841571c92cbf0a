package agent

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"codeforge/internal/agent/form"
)

// prompt is a user's message in the making. What it shows of files is chosen when it is written out, by the room there is.
type prompt struct {
	b    strings.Builder
	pack *pack
	at   int // where pack stands in b
}

// text adds a section of free text. Nothing is added for an empty one.
func (p *prompt) text(name, text string) {
	if text != "" {
		p.section(name, form.Neutral(text))
	}
}

// json adds a section that holds v as JSON, in which a line that ends a section cannot stand: strings hold no raw
// line breaks.
func (p *prompt) json(name string, v any) {
	raw, ok := v.(json.RawMessage)
	if !ok {
		raw = form.Marshal(v)
	}
	if len(raw) > 0 && !bytes.Equal(raw, []byte("null")) {
		p.section(name, string(raw))
	}
}

// sentence adds a sentence of our own, outside of any section.
func (p *prompt) sentence(format string, args ...any) { fmt.Fprintf(&p.b, format+"\n", args...) }

func (p *prompt) section(name, body string) { form.WriteSection(&p.b, name, "", body) }

// files puts what a prompt shows of the files of a tree, as they are now, here: see [newPack].
func (p *prompt) files(t *tree, task string, want map[string]int) {
	if len(t.files) > 0 {
		p.pack, p.at = newPack(t, task, want), p.b.Len()
	}
}

func (p *prompt) String() string { return p.fit(wholeTokens + listTokens) }

// fit writes the prompt out with about so many tokens for files.
func (p *prompt) fit(tokens int) string {
	s := p.b.String()
	if p.pack == nil {
		return s
	}
	return s[:p.at] + p.pack.fit(tokens) + s[p.at:]
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
