package agent

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"strings"

	"codeforge"
	"codeforge/internal/agent/form"
	"codeforge/internal/llm"
)

// prompt is a user's message in the making. What it shows of files is chosen when it is written out, by the room there is.
type prompt struct {
	b    strings.Builder
	pack *pack
	at   int // where pack stands in b

	pictures []llm.Part // after the text
}

// material is what an agent's first message holds beside the project, what was said, and the wish.
type material struct {
	tree        *tree          // nil: no files are shown
	overview    bool           // of the files only what there is
	about       string         // what files are chosen by
	want        map[string]int // how much more some of them matter, see [newPack]
	numbered    bool           // lines are shown with their numbers
	room        int            // tokens of files that are shown whole; 0: the usual
	diagnostics any            // nil: none are shown
	errors      []form.SeenError
	diff        string
	question    string // a learner's
	patterns    bool   // those of the job are shown
	selection   *selection
	closing     string // the last sentence
}

// prompt is an agent's first message. What stays the same from call to call and from job to job comes first, so that
// providers find it in their caches; what this job is about comes last, where models heed it most.
func (r *run) prompt(m material) *prompt {
	p := &prompt{pictures: r.pictures}
	p.json(form.SectionProject, r.projectSection())
	p.text(form.SectionStack, strings.Join(r.stackFacts(), "\n"))
	p.json(form.SectionRequirements, specShown(r.project.Requirements))
	p.json(form.SectionArchitecture, specShown(r.project.Architecture))
	if m.tree != nil {
		p.files(m.tree, m.about, m.want, m.numbered)
	}
	if p.pack != nil {
		p.pack.room, p.pack.overview = m.room, m.overview
	}
	p.json(form.SectionLearned, learned(r.task.Memory.Learned))
	p.json(form.SectionConversation, conversation(r.task))
	if m.patterns {
		p.json(form.SectionPatterns, r.patternsShown())
	}
	if len(r.answers) > 0 {
		p.json(form.SectionAnswers, r.answers)
	}
	p.json(form.SectionContext, r.in.rest())
	p.json(form.SectionDiagnostics, m.diagnostics)
	if len(m.errors) > 0 {
		p.json(form.SectionErrors, m.errors)
	}
	p.text(form.SectionDiff, m.diff)
	if wish := r.in.wish(); wish != r.project.Description && wish != m.question {
		p.text(form.SectionIdea, wish)
	}
	p.text(form.SectionQuestion, m.question)
	if m.selection != nil {
		form.WriteSection(&p.b, form.SectionSelection, m.selection.path, form.Neutral(m.selection.text))
	}
	if m.closing != "" {
		p.sentence("%s", m.closing)
	}
	return p
}

func (r *run) projectSection() form.ProjectSection {
	stack := r.project.TechStack
	if stack == nil {
		stack = []string{}
	}
	return form.ProjectSection{Title: r.project.Title, Description: r.project.Description, Mode: string(cmp.Or(r.project.Mode, codeforge.ModeBuilder)), TechStack: stack}
}

// stack is what the project was made with when the job began.
func (r *run) stack() stack { return stackOf(r.tree.base, r.project, r.in.wish()) }

// stackFacts is the stack in words, with whether there are packages where they matter.
func (r *run) stackFacts() []string {
	s := r.stack()
	switch {
	case !s.packages && !packagedStack.MatchString(r.in.wish()):
		return s.facts
	case r.rungs.Packages:
		return append(s.facts, form.PackagesOn)
	}
	return append(s.facts, form.PackagesOff)
}

// files puts what a prompt shows of the files of a tree, as they are now, here: see [newPack].
func (p *prompt) files(t *tree, task string, want map[string]int, numbered bool) {
	if len(t.files) > 0 {
		p.pack, p.at = newPack(t, task, want, numbered), p.b.Len()
	}
}

// text adds a section of free text. Nothing is added for an empty one.
func (p *prompt) text(name, text string) {
	if text != "" {
		p.section(name, form.Neutral(text))
	}
}

// json adds a section that holds v as JSON, in which a line that ends a section cannot stand: strings hold no raw
// line breaks. Nothing is added for nil.
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

func (p *prompt) String() string {
	room := wholeTokens
	if p.pack != nil && p.pack.room > 0 {
		room = p.pack.room + outlineTokens
	}
	return p.fit(room + listTokens)
}

// message is the prompt as a turn, with so much of the files as a text shows.
func (p *prompt) message(text string) llm.Message {
	return llm.Message{Role: llm.RoleUser, Parts: append([]llm.Part{llm.Text(text)}, p.pictures...)}
}

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
