package llm

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Dialect is what an endpoint makes of those parts of a request that it can do without: what is configured of it, and
// what its refusals taught. The zero value is a request as the API documents it. Omit, Add and Images hold for every API; the
// others are OpenAI's chat API's.
type Dialect struct {
	// Omit are parts to leave out, by their path, such as stream_options, temperature, messages.reasoning_content,
	// tools.function.strict. schema.maxLength is that keyword in every schema.
	Omit []string `json:"omit,omitempty"`
	// Add are fields to add at the top, such as "parallel_tool_calls": false; null: not to.
	Add map[string]json.RawMessage `json:"add,omitempty"`

	Images string `json:"images,omitempty"` // pictures: shown (default), none: said in words to be there

	Stream    *bool  `json:"stream,omitempty"`     // ask for a stream always or never
	Limit     string `json:"limit,omitempty"`      // the output limit's name: max_tokens (default), max_completion_tokens, none
	System    string `json:"system,omitempty"`     // who says the system's text: system (default), developer, user
	Schema    string `json:"schema,omitempty"`     // how JSON is asked for: json_schema (default), json_object, words
	Content   string `json:"content,omitempty"`    // of a message that only calls tools: left out (default), null, empty, words; drop: never beside calls
	ToolIDs   string `json:"tool_ids,omitempty"`   // as given (default); short: nine letters and digits
	ToolNames bool   `json:"tool_names,omitempty"` // a tool's result names the tool
	AfterTool string `json:"after_tool,omitempty"` // words after a tool's result: in a message of their own (default), joined
	Thoughts  bool   `json:"thoughts,omitempty"`   // a message with calls has reasoning_content, whatever was thought

	MaxOutput int     `json:"-"` // tokens that it may be asked for; 0: not known. In a file it is the model's max_output
	Context   int     `json:"-"` // tokens of input and output together; 0: not known. In a file it is the model's context
	Scale     float64 `json:"-"` // of our estimates of a prompt's tokens against its own count; 0: not known
}

// With returns d overlaid by what o says.
func (d Dialect) With(o Dialect) Dialect {
	d.Omit = slices.Clip(d.Omit)
	for _, p := range o.Omit {
		if !slices.Contains(d.Omit, p) {
			d.Omit = append(d.Omit, p)
		}
	}
	if len(o.Add) > 0 {
		add := maps.Clone(d.Add)
		if add == nil {
			add = map[string]json.RawMessage{}
		}
		maps.Copy(add, o.Add)
		d.Add = add
	}
	override(&d.Stream, o.Stream)
	for _, f := range []struct{ to, from *string }{{&d.Limit, &o.Limit}, {&d.System, &o.System}, {&d.Schema, &o.Schema}, {&d.Content, &o.Content},
		{&d.Images, &o.Images}, {&d.ToolIDs, &o.ToolIDs}, {&d.AfterTool, &o.AfterTool}} {
		override(f.to, *f.from)
	}
	d.ToolNames, d.Thoughts = d.ToolNames || o.ToolNames, d.Thoughts || o.Thoughts
	override(&d.MaxOutput, o.MaxOutput)
	override(&d.Context, o.Context)
	override(&d.Scale, o.Scale)
	return d
}

func override[T comparable](to *T, from T) {
	if from != *new(T) {
		*to = from
	}
}

// check returns what is wrong with a dialect of a file.
func (d Dialect) check() (problems []string) {
	for _, f := range []struct {
		name, value string
		allowed     []string
	}{
		{"limit", d.Limit, []string{"max_tokens", "max_completion_tokens", "none"}}, {"system", d.System, []string{"system", "developer", "user"}},
		{"schema", d.Schema, []string{"json_schema", "json_object", "words"}}, {"content", d.Content, []string{"null", "empty", "words", "drop"}},
		{"images", d.Images, []string{"shown", "none"}}, {"tool_ids", d.ToolIDs, []string{"short"}}, {"after_tool", d.AfterTool, []string{"joined"}},
	} {
		if f.value != "" && !slices.Contains(f.allowed, f.value) {
			problems = append(problems, fmt.Sprintf("dialect %s %q is not one of %v", f.name, f.value, f.allowed))
		}
	}
	for _, p := range d.Omit {
		if slices.Contains([]string{"", "model", "messages", "input", "contents", "tools"}, p) {
			problems = append(problems, fmt.Sprintf("dialect omit %q: no request does without it", p))
		}
	}
	return problems
}

// Learner is a Provider that learns dialects from refusals.
type Learner interface {
	// Learned returns what was learned, by the provider's own names of its models.
	Learned() map[string]Dialect
}

// Dialect returns what is configured of an endpoint's dialect for one of its models.
func (c *Catalog) Dialect(provider, id string) (d Dialect) {
	for _, e := range c.file.Endpoints {
		if e.Name == provider && e.Dialect != nil {
			d = d.With(*e.Dialect)
		}
	}
	for _, name := range []string{provider + ":*", provider + ":" + id} {
		m := c.models[name]
		if name != provider+":*" {
			m = c.model(name)
		}
		if m != nil && m.Dialect != nil {
			d = d.With(*m.Dialect)
		}
	}
	return d
}
