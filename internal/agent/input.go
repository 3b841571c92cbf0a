package agent

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"codeforge"
	"codeforge/internal/agent/form"
)

// input is a job's input_context. Every key is optional and may hold another type than one expects, as long as it can
// be used: what is missing comes from the project.
type input map[string]json.RawMessage

func readInput(raw json.RawMessage) input {
	in := input{}
	if json.Unmarshal(raw, &in) != nil || in == nil {
		return input{}
	}
	return in
}

// text returns what stands under key: a string as it is, anything else as JSON, "" for null or nothing.
func (in input) text(key string) string {
	raw := bytes.TrimSpace(in[key])
	if len(raw) == 0 || bytes.Equal(raw, []byte("null")) {
		return ""
	}
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(raw)
}

func (in input) yes(key string) bool {
	switch strings.ToLower(in.text(key)) {
	case "true", "yes", "1", "on":
		return true
	}
	return false
}

// words joins what the user wrote under the keys, each text once; "" when there is nothing.
func (in input) words(keys ...string) string {
	var out []string
	for _, k := range keys {
		if s := in.text(k); strings.TrimSpace(s) != "" && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return strings.Join(out, "\n\n")
}

// wish is what the user wants in this job, in the user's words; "" when the job came without.
func (in input) wish() string {
	wish := in.words("user_idea", "user_message", "message", inputInstruction)
	if wish == "" && in.yes(codeforge.InputPreviewErrors) {
		return "Fix what went wrong in the preview."
	}
	return wish
}

// idea is what the user wants, in the user's words or else in the project's.
func (in input) idea(p codeforge.Project) string {
	return cmp.Or(in.wish(), strings.TrimSpace(p.Description), p.Title)
}

// startAt is the key that names the stage to begin a pipeline with.
const startAt = "start_at"

// rest is what of the input stands nowhere else in a prompt; nil when there is nothing.
func (in input) rest() json.RawMessage {
	rest := maps.Clone(in)
	for _, k := range []string{"user_idea", "user_message", "message", "question", "requirements", "architecture", "code", "_clarifications", "skip_clarification", startAt, inputDecision, inputInstruction, inputSelected, inputVersion, inputApply} {
		delete(rest, k)
	}
	if in.yes(codeforge.InputPreviewErrors) {
		delete(rest, codeforge.InputPreviewErrors)
	}
	if len(rest) == 0 {
		return nil
	}
	return form.Marshal(rest)
}

// document returns a specification as JSON: an object as it is, a text that holds one unwrapped, any other text as a JSON string.
func (in input) document(key string) json.RawMessage {
	s := strings.TrimSpace(in.text(key))
	if s == "" || s == "{}" || s == "[]" {
		return nil
	}
	if json.Valid([]byte(s)) {
		return compact([]byte(s))
	}
	return form.Marshal(s)
}

func compact(raw []byte) json.RawMessage {
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return nil
	}
	return b.Bytes()
}

// code returns the files that stand under the key code: a text (path names it), {path: text}, or {files: ...} with
// either that form or a list of objects with path or file_path, and content. Paths that break the rules are left out.
func (in input) code(path string) map[string]string {
	raw := bytes.TrimSpace(in["code"])
	files := map[string]string{}
	add := func(p, text string) {
		if codeforge.CheckPath(p) == nil && codeforge.CheckContent(text) == nil && len(files) < codeforge.MaxFiles {
			files[p] = text
		}
	}
	var list []struct {
		Path     string `json:"path"`
		FilePath string `json:"file_path"`
		Content  string `json:"content"`
	}
	var object map[string]json.RawMessage
	var s string
	if json.Unmarshal(raw, &s) == nil && strings.TrimSpace(s) != "" {
		add(cmp.Or(cleanPath(path), "code.txt"), s)
		return files
	}
	if json.Unmarshal(raw, &object) == nil && len(object["files"]) > 0 {
		raw, object = object["files"], nil
	}
	if json.Unmarshal(raw, &list) == nil {
		for _, f := range list {
			add(cmp.Or(f.FilePath, f.Path), f.Content)
		}
		return files
	}
	if object == nil {
		json.Unmarshal(raw, &object) // what is no object gives no files
	}
	for _, p := range slices.Sorted(maps.Keys(object)) {
		if json.Unmarshal(object[p], &s) == nil {
			add(p, s)
		}
	}
	return files
}

// answers reads what a job that asked was told, and whether it asked at all. Clients write answers as {question,
// answer}, as {question_id, answer}, or as {the question: the answer}.
func answers(in input, clarification json.RawMessage) (out []form.Reply, asked bool) {
	var told struct {
		Answers []map[string]any `json:"answers"`
	}
	if len(clarification) > 0 && !bytes.Equal(clarification, []byte("null")) {
		json.Unmarshal(clarification, &told)
		asked = true
	}
	if raw := in["_clarifications"]; len(raw) > 0 {
		var more []map[string]any
		json.Unmarshal(raw, &more)
		told.Answers = append(told.Answers, more...)
	}
	word := func(v any) string {
		if s, ok := v.(string); ok {
			return s
		}
		return string(form.Marshal(v))
	}
	for _, a := range told.Answers {
		reply, ok := a["answer"]
		if q := cmp.Or(a["question"], a["question_id"]); ok && q != nil {
			out = append(out, form.Reply{Question: word(q), Answer: word(reply)})
			continue
		}
		for _, k := range slices.Sorted(maps.Keys(a)) {
			out = append(out, form.Reply{Question: k, Answer: word(a[k])})
		}
	}
	return out, asked
}
