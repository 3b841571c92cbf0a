package sdk

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// TypeScript returns sdk/typescript/src/api.ts: the types, and the methods in classes by group.
func TypeScript(spec []byte) ([]byte, error) {
	groups, types, _, err := read(spec)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	b.WriteString("// Made from the OpenAPI document by `make docs`; changes here are lost.\n\n" +
		"import { type CallOptions, Core, Pages, type PassingEvent, part, type StoredEvent, type Upload, type WatchOptions } from \"./runtime.js\";\n")
	for _, name := range slices.Sorted(maps.Keys(types)) {
		t := types[name]
		b.WriteString("\n")
		if t.Description != "" {
			fmt.Fprintf(&b, "/** %s */\n", line(t.Description))
		}
		if events := t.events(); events != nil {
			fmt.Fprintf(&b, "export type %s =", name)
			for _, e := range events {
				fmt.Fprintf(&b, "\n  /** %s */\n  | %s<%q, %s>", line(e.says), map[bool]string{true: "StoredEvent", false: "PassingEvent"}[e.stored], e.name, tsType(e.data, "  "))
			}
			b.WriteString(";\n")
			continue
		}
		if len(t.Type) == 1 && t.Type[0] == "object" && t.Properties != nil {
			fmt.Fprintf(&b, "export interface %s %s\n", name, tsObject(t, ""))
		} else {
			fmt.Fprintf(&b, "export type %s = %s;\n", name, tsType(t, ""))
		}
	}
	for _, group := range slices.Sorted(maps.Keys(groups)) {
		fmt.Fprintf(&b, "\nexport class %s {\n  constructor(protected readonly core: Core) {}\n", pascal(strings.Split(group, "_")))
		for _, m := range groups[group] {
			m.typeScript(&b)
		}
		b.WriteString("}\n")
	}
	b.WriteString("\n/** All groups of methods. */\nexport class Api {\n")
	for _, group := range slices.Sorted(maps.Keys(groups)) {
		fmt.Fprintf(&b, "  readonly %s: %s;\n", camel(strings.Split(group, "_")), pascal(strings.Split(group, "_")))
	}
	b.WriteString("\n  constructor(core: Core) {\n")
	for _, group := range slices.Sorted(maps.Keys(groups)) {
		fmt.Fprintf(&b, "    this.%s = new %s(core);\n", camel(strings.Split(group, "_")), pascal(strings.Split(group, "_")))
	}
	b.WriteString("  }\n}\n")
	return []byte(b.String()), nil
}

func tsObject(s *schema, indent string) string {
	var b strings.Builder
	b.WriteString("{\n")
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		p := s.Properties[name]
		if p.Description != "" {
			fmt.Fprintf(&b, "%s  /** %s */\n", indent, line(p.Description))
		}
		mark := "?"
		if slices.Contains(s.Required, name) {
			mark = ""
		}
		fmt.Fprintf(&b, "%s  %s%s: %s;\n", indent, name, mark, tsType(p, indent+"  "))
	}
	return b.String() + indent + "}"
}

func tsTypes(of []*schema, joined, indent string) string {
	var out []string
	for _, o := range of {
		out = append(out, tsType(o, indent))
	}
	return strings.Join(out, joined)
}

func tsType(s *schema, indent string) string {
	if s == nil {
		return "unknown"
	}
	switch {
	case s.Ref != "":
		return refName(s.Ref)
	case len(s.AllOf) > 0:
		return tsTypes(s.AllOf, " & ", indent)
	case len(s.AnyOf)+len(s.OneOf) > 0:
		return tsTypes(append(s.AnyOf, s.OneOf...), " | ", indent)
	case len(s.Enum) > 0:
		var out []string
		for _, v := range s.Enum {
			b, _ := json.Marshal(v)
			out = append(out, string(b))
		}
		return strings.Join(out, " | ") + map[bool]string{true: " | null"}[slices.Contains(s.Type, "null") && !slices.Contains(s.Enum, nil)]
	}
	var out []string
	for _, t := range s.Type {
		switch t {
		case "string", "boolean", "null":
			out = append(out, t)
		case "integer", "number":
			out = append(out, "number")
		case "array":
			item := tsType(s.Items, indent)
			if strings.ContainsAny(item, "|& ") {
				item = "(" + item + ")"
			}
			out = append(out, item+"[]")
		case "object":
			if s.Properties != nil {
				out = append(out, tsObject(s, indent))
			} else {
				out = append(out, "Record<string, "+tsType(s.AdditionalProperties.schema, indent)+">")
			}
		}
	}
	if len(out) == 0 {
		return "unknown"
	}
	return strings.Join(out, " | ")
}

func (m *method) typeScript(b *strings.Builder) {
	var in []string
	path := m.path
	for _, p := range m.pathParameters() {
		name, kind := camel(strings.Split(p, "_")), "string"
		if p == "n" {
			name, kind = "revision", "number"
		}
		in = append(in, name+": "+kind)
		path = strings.Replace(path, "{"+p+"}", fmt.Sprintf("${part(%s%s)}", name, map[bool]string{true: ", true"}[p == "path"]), 1)
	}
	path = map[bool]string{true: "`" + path + "`", false: `"` + path + `"`}[strings.Contains(path, "${")]
	fmt.Fprintf(b, "\n  /** %s. */\n", line(m.Summary))
	if m.streamed {
		in = append(in, "options?: WatchOptions")
		fmt.Fprintf(b, "  %s(%s): AsyncGenerator<%s, void, undefined> {\n    return this.core.stream<%[3]s>(%[4]s, %[5]t, options);\n  }\n",
			camel(m.name), strings.Join(in, ", "), tsType(m.answer, ""), path, m.OperationID == "stream_job")
		return
	}
	request := fmt.Sprintf("method: %q, path: %s", m.verb, path)
	if m.hasBody {
		var kinds []string
		if m.body != nil {
			kinds = append(kinds, tsType(m.body, "  "))
		}
		if m.upload {
			kinds = append(kinds, "Upload")
		}
		mark := "?"
		if m.RequestBody.Required {
			mark = ""
		}
		in = append(in, "body"+mark+": "+strings.Join(kinds, " | "))
		request += ", body"
	}
	if len(m.query) > 0 {
		var fields []string
		must := false
		for _, q := range m.query {
			member := q.Name + "?: " + tsType(q.Schema, "") + " | undefined"
			if must = must || q.Required; q.Required {
				member = q.Name + ": " + tsType(q.Schema, "")
			}
			fields = append(fields, member)
		}
		in = append(in, "query: { "+strings.Join(fields, "; ")+" }"+map[bool]string{false: " = {}"}[must])
		request += ", query"
	}
	if m.keyed {
		request += ", keyed: true"
	}
	in = append(in, "options?: CallOptions")
	answer, call := "", ""
	switch {
	case m.accept != "":
		request += fmt.Sprintf(", accept: %q", m.accept)
		answer, call = "Promise<Response>", "send"
	case m.item != nil:
		answer = fmt.Sprintf("Pages<%s, %s>", tsType(m.answer, "  "), tsType(m.item, "  "))
		call = "pages"
	default:
		answer, call = "Promise<"+tsType(m.answer, "  ")+map[bool]string{true: " | undefined"}[m.optional]+">", "call"
	}
	fmt.Fprintf(b, "  %s(%s): %s {\n    return this.core.%s({ %s }, options);\n  }\n", camel(m.name), strings.Join(in, ", "), answer, call, request)
}
