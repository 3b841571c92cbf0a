package llm_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"codeforge/internal/llm"
)

var spokenNames = []string{"write_file", "list_files", "search", "finish"}

// The same call as each kind of model writes it where nobody parses it.
func TestSpokenCalls(t *testing.T) {
	const args = `{"path":"a.html","content":"<p class=\"x\">\n</p>\n"}`
	const want = `write_file {"content":"<p class=\"x\">\n</p>\n","path":"a.html"}`
	const trimmed = `write_file {"content":"<p class=\"x\">\n</p>","path":"a.html"}` // where a break stands before the closing tag
	for name, c := range map[string]struct{ text, want string }{
		"an object":              {`{"name":"write_file","arguments":` + args + `}`, want},
		"with parameters":        {`{"name": "write_file", "parameters": ` + args + `}`, want},
		"arguments as text":      {`{"name":"write_file","arguments":` + quoted(args) + `}`, want},
		"OpenAI's":               {`{"id":"1","type":"function","function":{"name":"write_file","arguments":` + quoted(args) + `}}`, want},
		"OpenAI's answer":        {`{"role":"assistant","tool_calls":[{"type":"function","function":{"name":"write_file","arguments":` + quoted(args) + `}}]}`, want},
		"tool uses":              {`{"tool_uses":[{"recipient_name":"functions.write_file","parameters":` + args + `}]}`, want},
		"tool and args":          {`{"tool":"write_file","args":` + args + `}`, want},
		"flat":                   {`{"tool":"write_file",` + args[1:], want},
		"its name as key":        {`{"write_file":` + args + `}`, want},
		"an action":              {`{"action":"write_file","action_input":` + args + `}`, want},
		"Python's object":        {`{'name': 'write_file', 'arguments': {'path': 'a.html', 'content': '<p class="x">\n</p>\n',},}`, want},
		"raw line breaks":        {"{\"name\":\"write_file\",\"arguments\":{\"path\":\"a.html\",\"content\":\"<p class=\\\"x\\\">\n</p>\n\"}}", want},
		"a list":                 {`[{"name":"write_file","arguments":` + args + `},{"name":"list_files","arguments":{}}]`, want + "; list_files {}"},
		"lines":                  {`{"name":"write_file","arguments":` + args + "}\n" + `{"name":"list_files"}`, want + "; list_files {}"},
		"a fence":                {"```json\n{\"name\":\"write_file\",\"arguments\":" + args + "}\n```", want},
		"Hermes and Qwen":        {"<tool_call>\n{\"name\": \"write_file\", \"arguments\": " + args + "}\n</tool_call>\n<tool_call>\n{\"name\":\"list_files\",\"arguments\":{}}\n</tool_call>", want + "; list_files {}"},
		"Llama":                  {`<|python_tag|>{"type": "function", "name": "write_file", "parameters": ` + args + `}<|eom_id|>`, want},
		"Llama in a tag":         {`<function=write_file>` + args + `</function>`, want},
		"a named tag":            {`<function name="write_file">` + args + `</function>`, want},
		"Mistral":                {`[TOOL_CALLS][{"name": "write_file", "arguments": ` + args + `}]`, want},
		"Mistral, newer":         {`[TOOL_CALLS]write_file[ARGS]` + args + `[TOOL_CALLS]list_files[CALL_ID]a1b2c3d4e[ARGS]{}`, want + "; list_files {}"},
		"Mistral, bare":          {`[TOOL_CALLS]write_file` + args, want},
		"DeepSeek":               {"<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>write_file\n```json\n" + args + "\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>", want},
		"DeepSeek 3.1":           {"<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>write_file<｜tool▁sep｜>" + args + "<｜tool▁call▁end｜><｜tool▁calls▁end｜>", want},
		"DeepSeek 3.2":           {"<｜DSML｜function_calls>\n<｜DSML｜invoke name=\"write_file\">\n<｜DSML｜parameter name=\"path\" string=\"true\">a.html</｜DSML｜parameter>\n<｜DSML｜parameter name=\"content\" string=\"true\"><p class=\"x\">\n</p>\n</｜DSML｜parameter>\n</｜DSML｜invoke>\n</｜DSML｜function_calls>", want},
		"Kimi":                   {"<|tool_calls_section_begin|><|tool_call_begin|>functions.write_file:0<|tool_call_argument_begin|>" + args + "<|tool_call_end|><|tool_calls_section_end|>", want},
		"Harmony":                {`<|start|>assistant<|channel|>commentary to=functions.write_file <|constrain|>json<|message|>` + args + `<|call|>`, want},
		"Granite":                {`<|tool_call|>[{"name": "write_file", "arguments": ` + args + `}]`, want},
		"Phi":                    {`functools[{"name": "write_file", "arguments": ` + args + `}]`, want},
		"Command":                {"Action: ```json\n[{\"tool_name\": \"write_file\", \"parameters\": " + args + "}]\n```", want},
		"ReAct":                  {"Action: write_file\nAction Input: " + args, want},
		"ReAct in small letters": {"tool: write_file\narguments: " + args, want},
		"a server's tool":        {"<use_mcp_tool>\n<tool_name>write_file</tool_name>\n<arguments>\n" + args + "\n</arguments>\n</use_mcp_tool>", want},
		"character data":         {"<invoke name=\"write_file\"><parameter name=\"path\">a.html</parameter><parameter name=\"content\"><![CDATA[<p class=\"x\">\n</p>\n]]></parameter></invoke>", want},
		"Qwen Coder":             {"<tool_call>\n<function=write_file>\n<parameter=path>\na.html\n</parameter>\n<parameter=content>\n<p class=\"x\">\n</p>\n</parameter>\n</function>\n</tool_call>", trimmed},
		"Claude's older":         {"<function_calls>\n<invoke name=\"write_file\">\n<parameter name=\"path\">a.html</parameter>\n<parameter name=\"content\"><p class=\"x\">\n</p>\n</parameter>\n</invoke>\n</function_calls>", want},
		"MiniMax":                {"<minimax:tool_call>\n<invoke name=\"write_file\">\n<parameter name=\"path\">a.html</parameter>\n<parameter name=\"content\"><p class=\"x\">\n</p></parameter>\n</invoke>\n</minimax:tool_call>", trimmed},
		"GLM":                    {"<tool_call>write_file\n<arg_key>path</arg_key>\n<arg_value>a.html</arg_value>\n<arg_key>content</arg_key>\n<arg_value><p class=\"x\">\n</p></arg_value>\n</tool_call>", trimmed},
		"tags of its name":       {"<write_file>\n<path>a.html</path>\n<content>\n<p class=\"x\">\n</p>\n</content>\n</write_file>", trimmed},
		"Python":                 {`[write_file(path="a.html", content="<p class=\"x\">\n</p>\n"), list_files()]`, want + "; list_files {}"},
		"Python, three quotes":   {"```tool_code\nwrite_file(path='a.html', content='''<p class=\"x\">\n</p>\n''')\n```", want},
		"Gemma":                  {"```tool_code\nprint(default_api.write_file(path = \"a.html\", content = \"<p class=\\\"x\\\">\\n</p>\\n\"))\n```", want},
		"numbers and lists":      {`finish(summary="It is done.", dependencies=["a"], explanations={'a': 'b'}, n=2, ok=True, x=None)`, `finish {"dependencies":["a"],"explanations":{"a":"b"},"n":2,"ok":true,"summary":"It is done.","x":null}`},
		"nothing to say":         {"<tool_call>list_files</tool_call>", "list_files {}"},
		"an empty tag":           {"<list_files/>", "list_files {}"},
	} {
		calls, rest := llm.SpokenCalls(c.text, spokenNames)
		if got := spokenText(calls); got != c.want {
			t.Errorf("%s: %s\nwant %s", name, got, c.want)
		}
		if rest != "" {
			t.Errorf("%s leaves %q", name, rest)
		}
		prose := "I write the page now.\n\n" + c.text + "\n\nThen I will check it."
		calls, rest = llm.SpokenCalls(prose, spokenNames)
		if got := spokenText(calls); got != c.want || !strings.HasPrefix(rest, "I write the page now.") || !strings.HasSuffix(rest, "Then I will check it.") || strings.Contains(rest, "a.html") {
			t.Errorf("%s in prose: %s, leaves %q", name, got, rest)
		}
	}
	for _, text := range []string{
		"", "The page is there.", "I called write_file and then list_files() to see it.", `{"name":"search","version":"1.0.0","private":true}`, "```json\n{\"name\": \"app\"}\n```",
		`{"name":"remove_all","arguments":{}}`, "if (search(x)) { return y }", "Use <search> for that.", `<tool_call>{"name":"write_file","arguments":{"path":"a","content":"half`,
		"<function=write_file><parameter=path>a</parameter><parameter=content>half", `write_file(path="a", content="half`, "<|tool_calls_section_begin|>",
		"The handler:\n\n    const find = search(query)\n", "[1, 2] and {a: 1}",
	} {
		if calls, rest := llm.SpokenCalls(text, spokenNames); len(calls) > 0 || rest != text {
			t.Errorf("%q: %s, leaves %q", text, spokenText(calls), rest)
		}
	}
}

// What repeats or never ends is read in one pass. The bound is the test's own time limit.
func TestSpokenCallsTakesNoQuadraticTime(t *testing.T) {
	for _, unit := range []string{"<write_file><path>", "<function=write_file><parameter=path>a</parameter>", `{"name":"write_file","arguments":{"path":"a","content":"b"}}`, "{", "[", `{"a":`,
		`write_file(path="a", content="b")` + "\n", "write_file(path=\"\n", "\nwrite_file(path=[", "\nwrite_file(path={'a", "</parameter>x", "<tool_call>list_files</tool_call>", "write_file ", "<｜tool▁sep｜>", "`"} {
		text := strings.Repeat(unit, (64<<10)/len(unit))
		calls, _ := llm.SpokenCalls(text, spokenNames)
		t.Logf("%.30q: %d calls", unit, len(calls))
	}
}

func quoted(s string) string { return fmt.Sprintf("%q", s) }

func spokenText(calls []llm.SpokenCall) string {
	var out []string
	for _, c := range calls {
		var v any
		if json.Unmarshal(c.Arguments, &v) != nil {
			return "no JSON: " + string(c.Arguments)
		}
		var b strings.Builder
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		_ = enc.Encode(v)
		out = append(out, c.Name+" "+strings.TrimSpace(b.String()))
	}
	return strings.Join(out, "; ")
}
