package agent

import (
	"fmt"
	"strings"
	"testing"

	"codeforge"
	"codeforge/internal/agent/form"
)

// What a model meant is done, however it wrote it.
func TestArguments(t *testing.T) {
	const path, text = "src/a.txt", "one\n\"two\"\n"
	for name, call := range map[string]string{
		"as it should be":       `{"path":"src/a.txt","content":"one\n\"two\"\n"}`,
		"in a string":           `"{\"path\":\"src/a.txt\",\"content\":\"one\\n\\\"two\\\"\\n\"}"`,
		"in a string of one":    string(form.Marshal(string(form.Marshal(`{"path":"src/a.txt","content":"one\n\"two\"\n"}`)))),
		"after nothing":         `{}{"path":"src/a.txt","content":"one\n\"two\"\n"}`,
		"before nothing":        `{"path":"src/a.txt","content":"one\n\"two\"\n"} {}`,
		"twice":                 `{"path":"src/a.txt","content":"a draft"}{"path":"src/a.txt","content":"one\n\"two\"\n"}`,
		"in a list":             `[{"path":"src/a.txt","content":"one\n\"two\"\n"}]`,
		"in a fence":            "```json\n{\"path\":\"src/a.txt\",\"content\":\"one\\n\\\"two\\\"\\n\"}\n```",
		"raw line breaks":       "{\"path\":\"src/a.txt\",\"content\":\"one\n\\\"two\\\"\n\"}",
		"Python":                `{'path': 'src/a.txt', 'content': 'one\n"two"\n',}`,
		"without its end":       `{"path":"src/a.txt","content":"one\n\"two\"\n"`,
		"a call in the call":    `{"name":"write_file","arguments":{"path":"src/a.txt","content":"one\n\"two\"\n"}}`,
		"text of a call inside": `{"parameters":"{\"path\":\"src/a.txt\",\"content\":\"one\\n\\\"two\\\"\\n\"}"}`,
		"with what is unknown":  `{"path":"src/a.txt","content":"one\n\"two\"\n","overwrite":true}`,
	} {
		b := job(codeforge.Code, `{}`, use("write_file", call), finish())
		out := b.must(t)
		if len(out.Changes) != 1 || out.Changes[0].Path != path || out.Changes[0].Content != text {
			t.Errorf("%s: %+v, told %s", name, out.Changes, b.prompt(1))
		}
		if told := strings.Contains(b.prompt(1), `there is no argument "overwrite": write_file takes path, content`); told != (name == "with what is unknown") {
			t.Errorf("%s: told %s", name, b.prompt(1))
		}
	}
	for name, c := range map[string]struct{ content, want string }{
		"a number": {`5`, "5"}, "a truth value": {`true`, "true"}, "JSON": {`{"b":1,"a":[2]}`, "{\n  \"b\": 1,\n  \"a\": [\n    2\n  ]\n}\n"},
		"rows": {`[{"id":1}]`, "[\n  {\n    \"id\": 1\n  }\n]\n"}, "nothing": {`""`, ""},
	} {
		b := job(codeforge.Code, `{}`, use("write_file", `{"path":"a","content":`+c.content+`}`), finish())
		if out := b.must(t); len(out.Changes) != 1 || out.Changes[0].Content != c.want {
			t.Errorf("%s: %+v, told %s", name, out.Changes, b.prompt(1))
		}
	}
	// Finished work is not lost for the form of what is said of it.
	for name, c := range map[string]struct{ finish, summary, deps, explained string }{
		"texts of JSON":  {`{"summary":"It greets you now.","dependencies":"[\"react\"]","explanations":"{\"a\":\"greets\"}"}`, "It greets you now.", "[react]", "greets"},
		"plain text":     {`{"summary":"It greets you now.","dependencies":"react, zod"}`, "It greets you now.", "[react zod]", ""},
		"empty texts":    {`{"summary":"It greets you now.","dependencies":"","explanations":""}`, "It greets you now.", "[]", ""},
		"nulls":          {`{"summary":"It greets you now.","dependencies":null,"explanations":null}`, "It greets you now.", "[]", ""},
		"with versions":  {`{"summary":"It greets you now.","dependencies":{"zod":"^4","react":"19"}}`, "It greets you now.", "[react zod]", ""},
		"odd values":     {`{"summary":"It greets you now.","dependencies":[1],"explanations":{"a":["greets"],"b":2}}`, "It greets you now.", "[1]", ""},
		"not even so":    {`{"summary":"It greets you now.","explanations":["a","greets"]}`, "It greets you now.", "[]", ""},
		"short":          {`{"summary":"ok"}`, "ok Changed 1 file: a.", "[]", ""},
		"empty":          {`{"summary":""}`, "Changed 1 file: a.", "[]", ""},
		"long":           {`{"summary":"` + strings.Repeat("x", 3_000) + `"}`, strings.Repeat("x", maxSummary-3) + "...", "[]", ""},
		"a number, even": {`{"summary":12345678901}`, "12345678901", "[]", ""},
	} {
		b := job(codeforge.Code, `{}`, write("a", "hi"), use("finish", c.finish))
		r := decode(t, b.must(t).Result)
		if len(b.script.requests) != 2 || r["summary"] != c.summary || at(r, "files", 0, "explanation") != c.explained || fmt.Sprint(r["dependencies"]) != c.deps {
			t.Errorf("%s: %d calls, %v", name, len(b.script.requests), r)
		}
	}
}

// A tool is found by the name that a model gave it in another style, and the conversation goes on with the tool's own.
func TestToolNames(t *testing.T) {
	for _, name := range []string{"functions.write_file", "functions.write_file:0", "default_api:write_file", " write_file\n", "WriteFile", "writeFile", "write-file",
		"write_file<|channel|>commentary", "<|tool|>write_file", `"write_file"`, "tools/write_file"} {
		b := job(codeforge.Code, `{}`, use(name, args{"path": "a.txt", "content": "one\n"}), finish())
		if out := b.must(t); len(out.Changes) != 1 || out.Changes[0].Content != "one\n" {
			t.Errorf("%q: %+v, told %s", name, out.Changes, b.prompt(1))
		}
	}
	for name, want := range map[string]string{"": "unnamed", "test it all!": "test_it_all_", "writes_file": "writes_file", strings.Repeat("é", 100): strings.Repeat("_", 64)} {
		if got := (&toolbox{tools: codingTools}).toolNamed(name); got != want {
			t.Errorf("%q is %q", name, got)
		}
	}
}
