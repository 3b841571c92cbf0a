package offline

import (
	"encoding/json"
	"slices"
	"strings"

	"codeforge/internal/agent/form"
	"codeforge/internal/llm"
)

// conversation is what a request says, read once. Its sections are the work of strangers and may hold anything.
type conversation struct {
	req      *llm.Request
	sections map[string]string // by name, the last of that name
	files    map[string]string // contents that the request shows
	paths    map[string]bool   // of all files that it names
	text     string            // of all user messages, whole
	selected string            // what is to be refactored
	turns    []turn
	before   int // turns before the newest round of repair or review began
}

// turn is one tool call of the conversation, with its result if it came.
type turn struct {
	call   llm.ToolCall
	result *llm.ToolResult
}

func read(req *llm.Request) *conversation {
	c := &conversation{req: req, sections: map[string]string{}, files: map[string]string{}, paths: map[string]bool{}}
	results := map[string]*llm.ToolResult{}
	for _, m := range req.Messages {
		for _, p := range m.Parts {
			switch {
			case p.Kind == llm.PartText && m.Role == llm.RoleUser:
				c.text += p.Text + "\n"
				if c.readSections(p.Text) {
					c.before = len(c.turns)
				}
			case p.Kind == llm.PartToolCall && p.Call != nil:
				c.turns = append(c.turns, turn{call: *p.Call})
			case p.Kind == llm.PartToolResult && p.Result != nil:
				results[p.Result.ID] = p.Result
			}
		}
	}
	for i := range c.turns {
		c.turns[i].result = results[c.turns[i].call.ID]
	}
	return c
}

// readSections takes in what a message holds, and reports whether it begins a further round.
func (c *conversation) readSections(text string) (round bool) {
	form.ReadSections(text, func(name, path, body string) {
		switch name {
		case form.SectionFile:
			c.files[path], c.paths[path] = body, true
		case form.SectionOutline:
			c.paths[path] = true
		case form.SectionSelection:
			c.selected = body
		case form.SectionFiles:
			for line := range strings.SplitSeq(body, "\n") {
				if p := form.ListedPath(line); p != "" {
					c.paths[p] = true
				}
			}
		default:
			round = round || name == form.SectionFindings
			c.sections[name] = strings.TrimSpace(body)
		}
	})
	return round
}

// section decodes a section of JSON; what does not decode counts as absent.
func section[T any](c *conversation, name string) T {
	var v T
	if json.Unmarshal([]byte(c.sections[name]), &v) != nil {
		var none T
		return none
	}
	return v
}

// wish is what the user asked for in this job: the idea, else what the job's input holds.
func (c *conversation) wish() string {
	if s := c.sections[form.SectionIdea]; s != "" {
		return s
	}
	input := section[map[string]any](c, form.SectionContext)
	for _, k := range []string{"user_idea", "user_message", "message", "instruction", "idea"} {
		if s, ok := input[k].(string); ok && strings.TrimSpace(s) != "" {
			return s
		}
	}
	return ""
}

// brief gathers what the sections say of the app.
func (c *conversation) brief() brief {
	p := section[form.ProjectSection](c, form.SectionProject)
	b := brief{title: p.Title, idea: p.Description}
	if said := c.wish(); said != "" && said != p.Description {
		b.idea = strings.TrimSpace(b.idea + "\n" + said)
	}
	for _, a := range section[[]form.Reply](c, form.SectionAnswers) {
		b.idea += "\n" + a.Answer
	}
	if b.idea == "" && b.title == "" && len(c.sections) == 0 {
		b.idea = c.text
	}
	b.stack = strings.Join(p.TechStack, " ")
	req := section[form.Requirements](c, form.SectionRequirements)
	b.name = req.AppName
	for _, f := range req.Features {
		b.hints = append(b.hints, f.Name)
	}
	for _, p := range section[form.Architecture](c, form.SectionArchitecture).Pages {
		b.pages = append(b.pages, p.Name)
	}
	return b
}

// asksForReact reports whether the project's stack, its description or the wish names React.
func (c *conversation) asksForReact() bool {
	p := section[form.ProjectSection](c, form.SectionProject)
	return slices.ContainsFunc(p.TechStack, func(s string) bool { return reactItem.MatchString(notReact.ReplaceAllString(s, "")) }) ||
		asksForReact(p.Description) || asksForReact(c.wish())
}

// hasPackages reports whether npm packages can be had.
func (c *conversation) hasPackages() bool {
	return slices.Contains(strings.Split(c.sections[form.SectionStack], "\n"), form.PackagesOn)
}

// directives are the words of the context's key "scaffold" that concern the agent that asks.
func (c *conversation) directives() map[string]bool {
	words, _ := section[map[string]any](c, form.SectionContext)["scaffold"].(string)
	out := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		name, agent, _ := strings.Cut(w, ":")
		if agent == "" || agent == string(c.req.Call.Agent) {
			out[name] = true
		}
	}
	return out
}

// findings are what a review found, in the newest round.
func (c *conversation) findings() []form.Finding {
	return section[[]form.Finding](c, form.SectionFindings)
}

// hasTool reports whether the model may call the tool.
func (c *conversation) hasTool(name string) bool { return c.tool(name) != nil }

func (c *conversation) tool(name string) *llm.Tool {
	for i := range c.req.Tools {
		if c.req.Tools[i].Name == name {
			return &c.req.Tools[i]
		}
	}
	return nil
}
