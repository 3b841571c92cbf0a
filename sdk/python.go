package sdk

import (
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strings"
)

//go:embed python_runtime.py
var pythonRuntime string

//go:embed python_client.py
var pythonClient string

// pythonWords are no names in Python.
var pythonWords = []string{"from", "import", "class", "def", "return", "pass", "None", "global", "lambda", "with", "async", "await"}

// Python returns sdk/python/codeforge.py: the runtime, the types, the methods in classes by group, and the client.
func Python(spec []byte) ([]byte, error) {
	groups, types, version, err := read(spec)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	b.WriteString(strings.Replace(pythonRuntime, "VERSION", version, 1))
	var streams []string
	for _, name := range slices.Sorted(maps.Keys(types)) {
		t := types[name]
		if t.events() != nil {
			streams = append(streams, name) // their classes stand on those of other types
			continue
		}
		if t.Properties == nil {
			fmt.Fprintf(&b, "\n%s = %s\n", name, pyType(t))
			continue
		}
		pyRecord(&b, name, t)
	}
	for _, name := range streams {
		pyEvents(&b, name, types[name].events())
	}
	for _, group := range slices.Sorted(maps.Keys(groups)) {
		fmt.Fprintf(&b, "\n\nclass %s(_Group):\n", pyClass(group))
		var paged []string
		for _, m := range groups[group] {
			if m.item != nil {
				paged = append(paged, fmt.Sprintf("%q", pyName(strings.Join(m.name, "_"))))
			}
		}
		if paged != nil {
			fmt.Fprintf(&b, "    _pages = {%s}\n\n", strings.Join(paged, ", "))
		}
		for i, m := range groups[group] {
			if i > 0 {
				b.WriteString("\n")
			}
			m.python(&b)
		}
	}
	b.WriteString("\n\nclass Api:\n    \"\"\"All groups of methods.\"\"\"\n\n    def __init__(self, core: Core):\n")
	for _, group := range slices.Sorted(maps.Keys(groups)) {
		fmt.Fprintf(&b, "        self.%s = %s(core)\n", group, pyClass(group))
	}
	b.WriteString(pythonClient)
	return []byte(b.String()), nil
}

// pyRecord writes the type of an object. In this form members may be named as they like.
func pyRecord(b *strings.Builder, name string, t *schema) {
	var must, may []string
	for _, p := range slices.Sorted(maps.Keys(t.Properties)) {
		if slices.Contains(t.Required, p) {
			must = append(must, p)
		} else {
			may = append(may, p)
		}
	}
	part := func(name string, members []string, total string) {
		fmt.Fprintf(b, "\n%s = TypedDict(%q, {", name, name)
		for _, p := range members {
			fmt.Fprintf(b, "\n    %q: %q,", p, pyType(t.Properties[p]))
		}
		fmt.Fprintf(b, "\n}%s)\n", total)
	}
	const optional = ", total=False"
	switch {
	case may == nil:
		part(name, must, "")
	case must == nil:
		part(name, may, optional)
	default:
		part("_"+name+"Must", must, "")
		part("_"+name+"May", may, optional)
		fmt.Fprintf(b, "\n\nclass %[1]s(_%[1]sMust, _%[1]sMay):\n    pass\n\n", name)
	}
}

// pyEvents writes the types of a stream's events, and what any of them is.
func pyEvents(b *strings.Builder, stream string, events []streamedEvent) {
	prefix := strings.TrimSuffix(stream, "Event")
	times, made := map[string]int{}, map[string]bool{}
	for _, e := range events {
		times[e.name]++
	}
	var union []string
	for _, e := range events {
		data := refName(e.data.Ref)
		if e.data.AllOf != nil {
			var of []string
			for _, o := range e.data.AllOf {
				of = append(of, refName(o.Ref))
			}
			if data = prefix + of[0]; !made[data] {
				fmt.Fprintf(b, "\n\nclass %s(%s):\n    pass\n", data, strings.Join(of, ", "))
			}
			made[data] = true
		}
		name := prefix + pascal(strings.Split(e.name, "_")) + "Event"
		if times[e.name] > 1 { // told apart by what they tell
			name = prefix + strings.TrimPrefix(strings.TrimSuffix(strings.TrimPrefix(data, prefix), "Data"), prefix) + "Event"
		}
		fmt.Fprintf(b, "\n\nclass %s(%s):\n    \"\"\"%s\"\"\"\n\n    type: Literal[%q]\n    data: %s\n",
			name, map[bool]string{true: "StoredEvent", false: "PassingEvent"}[e.stored], line(e.says), e.name, data)
		union = append(union, name)
	}
	fmt.Fprintf(b, "\n\n%s = Union[\n    %s,\n]\n", stream, strings.Join(union, ",\n    "))
}

// pyClass is the class of a group's methods. Jobs have more than their group, in a class of its own.
func pyClass(group string) string {
	if group == "jobs" {
		return "JobCalls"
	}
	return pascal(strings.Split(group, "_"))
}

func pyName(s string) string {
	if slices.Contains(pythonWords, s) {
		return s + "_"
	}
	return s
}

func pyType(s *schema) string {
	if s == nil {
		return "Any"
	}
	union := func(of []string) string {
		of = slices.Compact(of)
		if len(of) == 1 {
			return of[0]
		}
		return "Union[" + strings.Join(of, ", ") + "]"
	}
	switch {
	case s.Ref != "":
		return refName(s.Ref)
	case len(s.AnyOf) > 0:
		var of []string
		for _, o := range s.AnyOf {
			of = append(of, pyType(o))
		}
		return union(of)
	case len(s.Enum) > 0:
		var of []string
		for _, v := range s.Enum {
			if v == nil {
				of = append(of, "None")
			} else {
				of = append(of, fmt.Sprintf("'%v'", v))
			}
		}
		return "Literal[" + strings.Join(of, ", ") + "]"
	}
	var of []string
	for _, t := range s.Type {
		switch t {
		case "string":
			of = append(of, "str")
		case "boolean":
			of = append(of, "bool")
		case "integer":
			of = append(of, "int")
		case "number":
			of = append(of, "float")
		case "null":
			of = append(of, "None")
		case "array":
			of = append(of, "List["+pyType(s.Items)+"]")
		case "object":
			of = append(of, "Dict[str, Any]")
		}
	}
	if len(of) == 0 {
		return "Any"
	}
	return union(of)
}

func (m *method) python(b *strings.Builder) {
	in := []string{"self"}
	path := m.path
	for _, p := range m.pathParameters() {
		name, kind := p, "str"
		if p == "n" {
			name, kind = "revision", "int"
		}
		in = append(in, name+": "+kind)
		path = strings.Replace(path, "{"+p+"}", fmt.Sprintf("{_part(%s%s)}", name, map[bool]string{true: ", True"}[p == "path"]), 1)
	}
	literal := fmt.Sprintf("%q", path)
	if strings.Contains(path, "{") {
		literal = "f" + literal
	}
	name := pyName(strings.Join(m.name, "_"))
	if m.streamed {
		in = append(in, `after: str = "", patience: float = 600.0`)
		fmt.Fprintf(b, "    def %s(%s) -> \"Stream[%s]\":\n        \"\"\"%s.\"\"\"\n        return self._core.stream(%s, %s, after, patience)\n",
			name, strings.Join(in, ", "), pyType(m.answer), line(m.Summary), literal, map[bool]string{true: "True", false: "False"}[m.OperationID == "stream_job"])
		return
	}
	call := ""
	if m.hasBody {
		kind := "Upload"
		if m.body != nil {
			kind = pyType(m.body)
			if m.upload {
				kind = "Union[" + kind + ", Upload]"
			}
		}
		if m.RequestBody.Required {
			in = append(in, "body: "+quoted(kind))
		} else {
			in = append(in, "body: "+quoted("Optional["+kind+"]")+" = None")
		}
		call += ", body=body"
	}
	var query []string
	if len(m.query) > 0 {
		in = append(in, "*")
		for _, q := range m.query {
			named := pyName(q.Name)
			if q.Required {
				in = append(in, named+": "+quoted(pyType(q.Schema)))
			} else {
				in = append(in, named+": "+quoted("Optional["+pyType(q.Schema)+"]")+" = None")
			}
			query = append(query, fmt.Sprintf("%q: %s", q.Name, named))
		}
	}
	in = append(in, "**options: Any")
	given := "{" + strings.Join(query, ", ") + "}"
	if query != nil && m.item == nil {
		call += ", query=" + given
	}
	if m.keyed {
		call += ", keyed=True"
	}
	answer, how := quoted(pyType(m.answer)), "call"
	switch {
	case m.optional:
		answer = quoted("Optional[" + pyType(m.answer) + "]")
	case m.accept != "":
		answer, how = "bytes", "read"
		call += fmt.Sprintf(", accept=%q", m.accept)
	case m.item != nil:
		fmt.Fprintf(b, "    def %s(%s) -> %s:\n        \"\"\"%s.\"\"\"\n        return Pages(self._core, %s, %s, options)\n",
			name, strings.Join(in, ", "), quoted("Pages["+pyType(m.item)+"]"), line(m.Summary), literal, given)
		return
	}
	fmt.Fprintf(b, "    def %s(%s) -> %s:\n        \"\"\"%s.\"\"\"\n        return self._core.%s(%q, %s%s, **options)\n",
		name, strings.Join(in, ", "), answer, line(m.Summary), how, m.verb, literal, call)
}

// quoted is a type that is named before it stands.
func quoted(t string) string { return fmt.Sprintf("%q", t) }
