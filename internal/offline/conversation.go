package offline

import (
	"encoding/json"
	"regexp"
	"strings"

	"codeforge/internal/llm"
)

// conversation is what a request says, read once. Its sections are the work of strangers and may hold anything.
type conversation struct {
	req      *llm.Request
	sections map[string]string // by name, the last of that name
	files    map[string]string // contents that the request shows
	paths    map[string]bool   // of all files that it names
	text     string            // of all user messages, whole
	turns    []turn
}

// turn is one tool call of the conversation, with its result if it came.
type turn struct {
	call   llm.ToolCall
	result *llm.ToolResult
}

var (
	sectionStart = regexp.MustCompile(`^<([a-z_]{1,40})(?: path=("(?:[^"\\]|\\.)*"))?>\s*$`)
	// A line that looks like a section's edge but is not has one backslash more than in the text it stands for.
	markedEdge = regexp.MustCompile(`(?m)^(\s*<)\\(\\*/?[a-z_]{1,40}(?:\s[^>\n]*)?>\s*)$`)
	listedFile = regexp.MustCompile(`^\s*(?:- )?(.+?)(?: \([\d,]+ bytes\).*)?\s*$`)
)

func read(req *llm.Request) *conversation {
	c := &conversation{req: req, sections: map[string]string{}, files: map[string]string{}, paths: map[string]bool{}}
	results := map[string]*llm.ToolResult{}
	for _, m := range req.Messages {
		for _, p := range m.Parts {
			switch {
			case p.Kind == llm.PartText && m.Role == llm.RoleUser:
				c.text += p.Text + "\n"
				c.readSections(p.Text)
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

func (c *conversation) readSections(text string) {
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
			continue // never closed: a line of somebody's text
		}
		body := markedEdge.ReplaceAllString(strings.Join(lines[i+1:end], "\n"), "$1$2")
		switch {
		case m[1] == "file":
			name := unscript(m[2])
			c.files[name], c.paths[name] = body, true
		case m[1] == "files":
			for _, l := range lines[i+1 : end] {
				if p := listedFile.FindStringSubmatch(l); p != nil {
					c.paths[p[1]] = true
				}
			}
		default:
			c.sections[m[1]] = strings.TrimSpace(body)
		}
		i = end
	}
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

type project struct {
	Title       string   `json:"title"`
	Description string   `json:"description"`
	TechStack   []string `json:"tech_stack"`
}

type answer struct {
	Question string `json:"question"`
	Answer   string `json:"answer"`
}

type finding struct {
	Severity    string `json:"severity"`
	FilePath    string `json:"file_path"`
	File        string `json:"file"`
	Description string `json:"description"`
	Message     string `json:"message"`
	Suggestion  string `json:"suggestion"`
}

type diagnostic struct {
	File     string `json:"file"`
	Line     int    `json:"line"`
	Severity string `json:"severity"`
	Message  string `json:"message"`
}

// said is what the user asked for in this job: the idea, else what the job's input holds.
func (c *conversation) said() string {
	if s := c.sections["idea"]; s != "" {
		return s
	}
	input := section[map[string]any](c, "context")
	for _, k := range []string{"user_idea", "user_message", "message", "instruction", "idea"} {
		if s, ok := input[k].(string); ok && strings.TrimSpace(s) != "" {
			return s
		}
	}
	return ""
}

// brief gathers what the sections say of the app.
func (c *conversation) brief() brief {
	p := section[project](c, "project")
	b := brief{title: p.Title, idea: p.Description}
	if said := c.said(); said != "" && said != p.Description {
		b.idea = strings.TrimSpace(b.idea + "\n" + said)
	}
	for _, a := range section[[]answer](c, "answers") {
		b.idea += "\n" + a.Answer
	}
	if b.idea == "" && b.title == "" && len(c.sections) == 0 {
		b.idea = c.text
	}
	b.idea += "\n" + strings.Join(p.TechStack, " ")
	req := section[struct {
		AppName  string `json:"app_name"`
		Features []struct {
			Name string `json:"name"`
		} `json:"core_features"`
	}](c, "requirements")
	b.name = req.AppName
	for _, f := range req.Features {
		b.hints = append(b.hints, f.Name)
	}
	arch := section[struct {
		Pages []struct {
			Name string `json:"name"`
		} `json:"site_map"`
	}](c, "architecture")
	for _, p := range arch.Pages {
		b.pages = append(b.pages, p.Name)
	}
	return b
}

// directives are the words of the context's key "scaffold" that concern the agent that asks.
func (c *conversation) directives() map[string]bool {
	words, _ := section[map[string]any](c, "context")["scaffold"].(string)
	out := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		name, agent, _ := strings.Cut(w, ":")
		if agent == "" || agent == string(c.req.Call.Agent) {
			out[name] = true
		}
	}
	return out
}

// findings are what a review found.
func (c *conversation) findings() []finding {
	list := section[[]finding](c, "findings")
	for i := range list {
		f := &list[i]
		if f.FilePath == "" {
			f.FilePath = f.File
		}
		if f.Description == "" {
			f.Description = f.Message
		}
	}
	return list
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
