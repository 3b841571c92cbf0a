package compatible

import (
	"cmp"
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"codeforge/internal/llm"
	"codeforge/internal/llm/wire"
)

// optional are the parts of a request that some endpoint refuses, by the words of its refusal.
var optional = []wire.Optional{
	{Path: "stream_options", Words: regexp.MustCompile(`stream_?options?|stream options|include_?usage`)},
	{Path: "messages.reasoning_details"},
	{Path: "messages.extra_content"},
	{Path: "messages.tool_calls.extra_content", Words: regexp.MustCompile(`extra_content`)},
	{Path: "temperature"},
	{Path: "tools.function.strict", Words: strictWords},
	{Path: "response_format.json_schema.strict", Words: strictWords},
}

var (
	strictWords  = regexp.MustCompile(`\bstrict\b`)
	effortWords  = regexp.MustCompile(`reasoning[_ .-]?effort|\bthink(ing)?\b|\breasoning\b`)
	limitWords   = regexp.MustCompile(`\bmax_?(completion_?)?tokens\b`)
	formatWords  = regexp.MustCompile(`response_?format|json_?(schema|object|mode)|json (schema|mode|object)|structured[ _]output|guided|grammar`)
	contentWords = regexp.MustCompile(`(?s)['"\x60]content['"\x60]|(missing|required?|null|none|empty|blank|string|must (have|contain|include)|without|property).{0,80}\bcontent\b|\bcontent\b.{0,120}(missing|required?|null|none|empty|blank|string|must|expected|invalid)`)
	bothWords    = regexp.MustCompile(`either content or tool_?calls|both content|content and tool_?calls|not both`)
	thoughtWords = regexp.MustCompile(`reasoning_content`)
	absentWords  = regexp.MustCompile(`missing|required?|must be (passed|provided|included|set)|absent|expected`)
	nameWords    = regexp.MustCompile(`(?s)response\.name|\bname\b.{0,40}(empty|required|missing)|(empty|required|missing).{0,40}\bname\b|invalid argument`)
	contentField = regexp.MustCompile(`\bcontent\b`)
	nameField    = regexp.MustCompile(`\bname\b`)
	idWords      = regexp.MustCompile(`tool_?.?call_?.?ids?\b|tool_calls?.{0,12}\.id\b|'id'.{0,30}too long`)
	systemWords  = regexp.MustCompile(`system (role|message|prompt|instruction)|roles? .{0,40}(system|developer)|['"\x60](system|developer)['"\x60]|developer (role|message|instruction)`)
	orderWords   = regexp.MustCompile(`after (role )?['"\x60]?tool|alternat|unexpected role|last role|role .{0,20}order`)
	streamWords  = regexp.MustCompile(`\bstream(ing|ed)?\b`)
	nothingWords = regexp.MustCompile(`^(\W|\d|_|error|errors|message|msg|code|type|param|status|detail|title|object|null|bad ?request|invalid|request|arguments?|parameters?|payload|body|input|unprocessable|entity|contains|an?|failed|validation|upstream|provider|returned|http|api|call|please|check|see|the|your|is|was|in|of|and|try|again|documentation|docs|syntax|format|malformed|incorrect|wrong|illegal|value|field)*$`)
	schemaWords  = regexp.MustCompile(`schema|parameters|function_declarations|keyword`)
)

// keywords are those of JSON Schema that an endpoint may do without: answers are checked against the whole schema anyway.
var keywords = []string{"additionalProperties", "minLength", "maxLength", "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties", "minimum", "maximum",
	"exclusiveMinimum", "exclusiveMaximum", "multipleOf", "pattern", "format", "default", "examples", "title", "$schema", "$id"}

// adaptDialect reads a refusal that is about more than one field.
func adaptDialect(r *wire.Refusal, d *llm.Dialect) bool {
	sent := inspectRequest(r.Sent)
	leave := func(paths ...string) bool {
		before := len(d.Omit)
		for _, p := range paths {
			if !slices.Contains(d.Omit, p) {
				d.Omit = append(slices.Clip(d.Omit), p)
			}
		}
		return len(d.Omit) > before
	}
	set := func(to *string, ladder ...string) bool {
		i := slices.Index(ladder, *to) + 1
		if i == len(ladder) {
			return false
		}
		*to = ladder[i]
		return true
	}
	switch text := r.Text; {
	case limitWords.MatchString(text) && sent.limit != "" && (r.Unknown() || strings.Contains(text, "max_completion_tokens") && sent.limit == "max_tokens"):
		other := "max_completion_tokens"
		if sent.limit == other {
			other = "max_tokens"
		}
		if d.Limit == sent.limit { // the other one was refused before
			other = "none"
		}
		d.Limit = other
		return true
	case thoughtWords.MatchString(text) && absentWords.MatchString(text) && !d.Thoughts && sent.calls:
		d.Thoughts = true
		return true
	case thoughtWords.MatchString(text) && sent.thoughts && !d.Thoughts:
		return leave("messages.reasoning_content")
	case effortWords.MatchString(text) && sent.effort:
		return leave("reasoning_effort")
	case strings.Contains(text, "reasoning_effort") && strings.Contains(text, "none") && d.Add["reasoning_effort"] == nil: // it has one of its own, which does not go with tools
		*d = d.With(llm.Dialect{Add: map[string]json.RawMessage{"reasoning_effort": json.RawMessage(`"none"`)}})
		return true
	case (schemaWords.MatchString(text) || r.Unknown()) && leave(namedKeywords(r, sent.schemas)...):
		return true
	case formatWords.MatchString(text) && sent.format != "":
		d.Schema = cmp.Or(d.Schema, "json_schema")
		return set(&d.Schema, "json_schema", "json_object", "words")
	case orderWords.MatchString(text) && d.AfterTool == "" && sent.afterTool:
		d.AfterTool = "joined"
		return true
	case systemWords.MatchString(text) && sent.system != "" && (r.Unknown() || orderWords.MatchString(text) || strings.Contains(text, "must be one of") || strings.Contains(text, "input should be") || strings.Contains(text, "invalid")):
		if sent.system == "developer" {
			d.System = "system"
		} else {
			d.System = "user"
		}
		return true
	case orderWords.MatchString(text) && sent.system != "":
		d.System = "user"
		return true
	case bothWords.MatchString(text) && sent.spokenCalls:
		d.Content = "drop"
		return true
	case idWords.MatchString(text) && sent.calls && d.ToolIDs == "":
		d.ToolIDs = "short"
		return true
	case nameWords.MatchString(text) && sent.results && !d.ToolNames:
		d.ToolNames = true
		return true
	case contentWords.MatchString(text) && sent.silentCalls:
		return set(&d.Content, "", "null", "empty", "words")
	case streamWords.MatchString(text) && d.Stream == nil:
		d.Stream = new(!sent.stream)
		return true
	case schemaWords.MatchString(text) && sent.tools:
		var all []string
		for _, k := range sent.schemas {
			all = append(all, "schema."+k)
		}
		return leave(all...)
	case r.Status < 500 && contentField.MatchString(text) && sent.silentCalls: // in words that we do not know
		return set(&d.Content, "", "null", "empty", "words")
	case r.Status < 500 && nameField.MatchString(text) && sent.results && !d.ToolNames: // likewise
		d.ToolNames = true
		return true
	case nothingWords.MatchString(text): // it says nothing: as plain as can be
		return leave("stream_options", "temperature", "reasoning_effort", "tools.function.strict", "response_format.json_schema.strict",
			"messages.reasoning_content", "messages.reasoning_details", "messages.extra_content")
	}
	return false
}

// namedKeywords returns the keywords that a refusal names, of those that were sent, as paths.
func namedKeywords(r *wire.Refusal, sent []string) (paths []string) {
	for _, k := range sent {
		if regexp.MustCompile(`(^|[^\w$])` + regexp.QuoteMeta(strings.ToLower(k)) + `\b`).MatchString(r.Text) {
			paths = append(paths, "schema."+k)
		}
	}
	return paths
}

// requestFeatures is what a request holds that may have been refused.
type requestFeatures struct {
	limit, format, system                                                                string
	effort, stream, tools, calls, silentCalls, spokenCalls, thoughts, results, afterTool bool
	schemas                                                                              []string // keywords
}

func inspectRequest(body []byte) (s requestFeatures) {
	var r struct {
		Tools    json.RawMessage
		Format   struct{ Type string } `json:"response_format"`
		Stream   bool
		Messages []struct {
			Role      string
			Content   json.RawMessage
			ToolCalls json.RawMessage `json:"tool_calls"`
			Reasoning json.RawMessage `json:"reasoning_content"`
		}
	}
	var top map[string]json.RawMessage
	if json.Unmarshal(body, &r) != nil || json.Unmarshal(body, &top) != nil {
		return s
	}
	for _, name := range []string{"max_tokens", "max_completion_tokens"} {
		if top[name] != nil {
			s.limit = name
		}
	}
	s.format, s.stream, s.effort, s.tools = r.Format.Type, r.Stream, top["reasoning_effort"] != nil, r.Tools != nil
	last := ""
	for _, m := range r.Messages {
		if m.Role == "system" || m.Role == "developer" {
			s.system = m.Role
		}
		if m.ToolCalls != nil {
			s.calls = true
			s.thoughts = s.thoughts || m.Reasoning != nil
			text := string(m.Content)
			s.silentCalls = s.silentCalls || text == "" || text == "null" || len(text) < 3 || text == asWords
			s.spokenCalls = s.spokenCalls || len(text) > 2 && text != "null"
		}
		s.results = s.results || m.Role == "tool"
		s.afterTool = s.afterTool || m.Role == "user" && last == "tool"
		last = m.Role
	}
	for _, k := range keywords {
		if strings.Contains(string(body), `"`+k+`":`) {
			s.schemas = append(s.schemas, k)
		}
	}
	return s
}
