package llm

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

// SpokenCall is a call that a model wrote into its text.
type SpokenCall struct {
	Name      string
	Arguments json.RawMessage // an object
}

// Bounds of SpokenCalls.
const (
	maxSpoken    = 1 << 20 // bytes of text
	maxMisspoken = 32      // places where JSON may begin, and does not
	lookBehind   = 200     // bytes before an object in which its tool is named
)

// SpokenCalls finds the calls of tools that a model wrote into its text, in their order, and returns the text without them.
// Models do so where the endpoint's parser or template is not theirs. It knows the forms by what they share, not by model:
//
//   - an object (or a list of some) that names the tool and holds its arguments, in a fence, in tags or bare
//   - the name of the tool, then signs that are no words, then the object of its arguments
//   - a tag that names the tool, with tags that name its arguments inside
//   - a line with the call of a function, its arguments by name
//
// What is found is a guess: whoever runs it checks that the arguments fit.
func SpokenCalls(text string, names []string) (calls []SpokenCall, rest string) {
	if len(text) > maxSpoken || len(names) == 0 {
		return nil, text
	}
	l := newListener(text, names)
	l.tags()
	l.objects()
	l.functions()
	if len(l.found) == 0 {
		return nil, text
	}
	slices.SortStableFunc(l.found, func(a, b spoken) int { return a.from - b.from })
	var b strings.Builder
	at := 0
	for _, s := range l.found {
		b.WriteString(text[at:max(at, s.from)])
		at = max(at, s.to)
		calls = append(calls, s.calls...)
	}
	b.WriteString(text[at:])
	return calls, strings.TrimSpace(remnant.ReplaceAllString(wrapping.ReplaceAllString(b.String(), ""), ""))
}

// listener collects the calls of one text.
type listener struct {
	text  string
	names map[string]bool
	found []spoken

	open, before, function *regexp.Regexp // with the name of a tool in them
}

// spoken is a stretch of the text that calls tools.
type spoken struct {
	from, to int
	calls    []SpokenCall
}

const (
	// mark is what models put around calls that is no word: special tokens, tags, fences and the signs of function calls.
	mark = `\s|<\|[^|<>]{1,60}\|>|<｜[^｜<>]{1,60}｜>|\[(?:ARGS|CALL_ID)\]|<(?:arguments|parameters|args|input)>|</(?:tool_name|tool|name|function|function_name|recipient_name)>|` + "```" + `(?:json)?|json\b|["'>(:=]`
	// tagged begins a tag that may carry a prefix of its dialect.
	tagged = `<(?:[\w-]+:|[|｜]\w+[|｜])?`
	naming = `(?:\s*=\s*|\s+name\s*=\s*)["']?`
)

var (
	// wrapping is what is left around calls that were cut out.
	wrapping = regexp.MustCompile(`</?(?:[\w-]+:|[|｜]\w+[|｜])?(?:tool_calls?|tools?|tool_name|use_mcp_tool|use_tool|tool_use|function_calls?|function_name|function|invoke|tool_code|arguments|parameters)\b[^<>]*>|` +
		`<\|[^|<>]{1,60}\|>|<｜[^｜<>]{1,60}｜>|\[/?(?:TOOL_CALLS?|AVAILABLE_TOOLS|CALL_ID|ARGS)\]|` +
		"```(?:json|tool_code|tool_calls?|xml|python)?[\\s\\[\\],;]*```")
	// remnant is what a text is nothing but when all of it was calls.
	remnant   = regexp.MustCompile(`^(?:[^\w]|(?i:functions?|functools|commentary|assistant|json|python|tool_code|tool_call|action|input|tool|call|print|default_api|to))*$`)
	parameter = regexp.MustCompile(`^\s*` + tagged + `(parameter|param|argument|arg)` + naming + `([\w-]+)["']?[^<>]*>`)
	pair      = regexp.MustCompile(`^\s*<arg_key>\s*([\w-]+)\s*</arg_key>\s*<(arg_value)>`)
	element   = regexp.MustCompile(`^\s*<([A-Za-z_][\w-]*)>`)
	closers   = regexp.MustCompile(`^(?:\s*</[^<>]{1,60}>)+`)
	keyword   = regexp.MustCompile(`^\s*([A-Za-z_]\w*)\s*=\s*`)
)

func newListener(text string, names []string) *listener {
	l := &listener{text: text, names: map[string]bool{}}
	quoted := make([]string, len(names))
	for i, n := range names {
		l.names[n], quoted[i] = true, regexp.QuoteMeta(n)
	}
	anyName := "(" + strings.Join(quoted, "|") + ")"
	l.open = regexp.MustCompile(tagged + `(?:function|invoke|tool|tool_call|function_call)` + naming + anyName + `["']?\s*/?>|<` + anyName + `\s*/?>|<tool_call>\s*` + anyName + `\s*(?:<arg_key>|</tool_call>)`)
	l.before = regexp.MustCompile(`(?:^|[^\w.-])((?:to=)?(?:functions?[.:])?)` + anyName + `(?::\d+)?(?:` + mark + `|\[CALL_ID\][\w-]+|<\|tool_call_id\|>[\w-]+|(?i:(?:action[ _])?(?:input|arguments|parameters|args|params)) ?[:=])*$`)
	l.function = regexp.MustCompile(`(?m)(?:^|[\[,;>]|<\|python_tag\|>)[ \t]*(?:print\()?(?:default_api\.|functions\.)?` + anyName + `\(`)
	return l
}

// taken returns the end of the stretch that covers a place, or 0.
func (l *listener) taken(at int) int {
	i, _ := slices.BinarySearchFunc(l.found, at, func(s spoken, at int) int { return s.to - at - 1 })
	if i < len(l.found) && l.found[i].from <= at {
		return l.found[i].to
	}
	return 0
}

// tags finds calls in tags that name the tool, with their arguments in tags.
func (l *listener) tags() {
	unclosed := map[string]bool{} // so that a text of open tags takes no quadratic time
	end := 0
	for _, m := range l.open.FindAllStringSubmatchIndex(l.text, -1) {
		if m[0] < end {
			continue
		}
		name, at, args, cut := l.group(m), m[1], map[string]string{}, false
		if m[6] >= 0 { // its pairs are not part of the opening
			at = m[7]
		}
		for {
			key, closing := "", ""
			rest := l.text[at:]
			var p []int
			if p = parameter.FindStringSubmatchIndex(rest); p != nil {
				key, closing = rest[p[4]:p[5]], rest[p[2]:p[3]]+">"
			} else if p = pair.FindStringSubmatchIndex(rest); p != nil {
				key, closing = rest[p[2]:p[3]], rest[p[4]:p[5]]+">"
			} else if p = element.FindStringSubmatchIndex(rest); p != nil && !l.names[rest[p[2]:p[3]]] {
				key, closing = rest[p[2]:p[3]], rest[p[2]:p[3]]+">"
			}
			if key == "" {
				break
			}
			value, n := "", -1
			if !unclosed[closing] {
				value, n = enclosed(rest[p[1]:], closing)
			}
			if cut = n < 0; cut {
				unclosed[closing] = true
				break
			}
			args[key] = value
			at += p[1] + n
		}
		c := closers.FindStringIndex(l.text[at:])
		if c != nil {
			at += c[1]
		}
		if cut || len(args) == 0 && c == nil && l.text[m[1]-2] != '/' { // JSON may follow, or prose
			continue
		}
		end = at
		raw, err := json.Marshal(args)
		if err == nil {
			l.found = append(l.found, spoken{m[0], at, []SpokenCall{{name, raw}}})
		}
	}
}

// enclosed returns the text before the closing tag, [bare], and the length of both, or -1. A value
// may hold such a tag itself: the one that counts has another tag or the end behind it.
func enclosed(text, closing string) (value string, n int) {
	for at := 0; ; {
		i := strings.Index(text[at:], closing)
		if i < 0 {
			return "", -1
		}
		end := at + i + len(closing)
		tag := max(0, at+i-lookBehind)
		tag += strings.LastIndex(text[tag:at+i], "</")
		if tag >= 0 && strings.HasPrefix(text[tag:], "</") && !strings.ContainsAny(text[tag+2:at+i], "<> \n") {
			if next := strings.TrimLeft(text[end:min(len(text), end+lookBehind)], " \t\r\n"); next == "" || next[0] == '<' {
				return bare(text[:tag]), end
			}
		}
		at = end
	}
}

// bare is a value without what belongs to its tags: the line breaks that set it off, or a section of character data.
func bare(value string) string {
	if inner, ok := strings.CutPrefix(strings.TrimSpace(value), "<![CDATA["); ok {
		return strings.TrimSuffix(inner, "]]>")
	}
	inner, ok := strings.CutPrefix(strings.TrimPrefix(value, "\r"), "\n")
	if !ok {
		return value // it stands in the line of its tag: what ends it is its own
	}
	return strings.TrimSuffix(strings.TrimSuffix(inner, "\n"), "\r")
}

// objects finds calls that are JSON.
func (l *listener) objects() {
	sorted := func() {
		slices.SortFunc(l.found, func(a, b spoken) int { return a.from - b.from })
	}
	sorted()
	var calls []spoken
	failed := 0
	for i := 0; i < len(l.text) && failed < maxMisspoken; {
		at := strings.IndexAny(l.text[i:], "{[")
		if at < 0 {
			break
		}
		i += at
		if end := l.taken(i); end > 0 {
			i = end
			continue
		}
		value, n := l.value(i)
		if n == 0 {
			failed++
			i++
			continue
		}
		from := i
		found, ok := l.read(value, 0)
		if !ok && value[0] == '{' {
			start := max(0, i-lookBehind)
			if m := l.before.FindStringSubmatchIndex(l.text[start:i]); m != nil {
				from, found, ok = start+m[2], []SpokenCall{{l.text[start+m[4] : start+m[5]], value}}, true
				if tag := strings.LastIndexAny(l.text[start:from], "<>\n"); tag >= 0 && l.text[start+tag] == '<' { // it stands in a tag
					from = start + tag
				}
			}
		}
		if ok {
			calls = append(calls, spoken{from, i + n, found})
		}
		i += n
	}
	l.found = append(l.found, calls...)
	sorted()
}

// value reads the object or list that begins at a place, mended if it must be, and its length, 0 if it is none.
func (l *listener) value(at int) (json.RawMessage, int) {
	var raw json.RawMessage
	d := json.NewDecoder(strings.NewReader(l.text[at:]))
	if d.Decode(&raw) == nil {
		return raw, int(d.InputOffset())
	}
	m := jsonRepairer{in: []byte(l.text[at:])}
	if m.value(0) && !m.cut && json.Valid(m.out.Bytes()) {
		return m.out.Bytes(), m.pos
	}
	return nil, 0
}

// read returns the calls that a value is: each of a list, or one. ok is false when it is anything else.
func (l *listener) read(value json.RawMessage, depth int) (calls []SpokenCall, ok bool) {
	value = bytes.TrimSpace(value)
	if len(value) == 0 || depth > 3 {
		return nil, false
	}
	if value[0] == '[' {
		var list []json.RawMessage
		_ = json.Unmarshal(value, &list)
		for _, v := range list {
			more, ok := l.read(v, depth+1)
			if !ok {
				return nil, false
			}
			calls = append(calls, more...)
		}
		return calls, len(calls) > 0
	}
	var o map[string]json.RawMessage
	if json.Unmarshal(value, &o) != nil {
		return nil, false
	}
	for _, k := range []string{"tool_calls", "tool_uses", "function_calls", "calls", "function_call", "tool_call", "function"} {
		if v := bytes.TrimSpace(o[k]); len(v) > 0 && (v[0] == '[' || v[0] == '{') {
			return l.read(v, depth+1)
		}
	}
	if len(o) == 1 { // {"write_file": {...}}
		for k, v := range o {
			if args, err := ReadArguments(v); err == nil && l.names[k] {
				return []SpokenCall{{k, args}}, true
			}
		}
	}
	for _, k := range []string{"name", "tool", "tool_name", "function", "function_name", "recipient_name", "action"} {
		var name string
		if json.Unmarshal(o[k], &name) != nil {
			continue
		}
		if name = strings.TrimPrefix(name, "functions."); !l.names[name] {
			continue
		}
		for _, a := range []string{"arguments", "parameters", "args", "params", "input", "tool_input", "action_input", "tool_arguments", "kwargs"} {
			if args, err := ReadArguments(o[a]); err == nil && o[a] != nil {
				return []SpokenCall{{name, args}}, true
			}
		}
		if k == "name" && len(o) > 1 { // many things have a name
			return nil, false
		}
		delete(o, k)
		args, err := json.Marshal(o)
		return []SpokenCall{{name, args}}, err == nil
	}
	return nil, false
}

// functions finds lines that call a tool as a function.
func (l *listener) functions() {
	var calls []spoken
	end, failed := 0, 0
	raw := []byte(l.text)
	for _, m := range l.function.FindAllStringSubmatchIndex(l.text, -1) {
		if m[2] < end || l.taken(m[2]) > 0 || failed == maxMisspoken {
			continue
		}
		args, n, ok := keywords(raw[m[1]:])
		if !ok {
			failed++
			continue
		}
		end = m[1] + n
		if line, _, _ := strings.Cut(l.text[end:], "\n"); len(args) == 0 && strings.Trim(line, " \t\r)],;`") != "" { // a sentence about it
			continue
		}
		if object, err := json.Marshal(args); err == nil {
			calls = append(calls, spoken{m[2], end, []SpokenCall{{l.text[m[2]:m[3]], object}}})
		}
	}
	l.found = append(l.found, calls...)
}

// keywords reads arguments by name, up to the bracket that closes them.
func keywords(text []byte) (args map[string]json.RawMessage, n int, ok bool) {
	args = map[string]json.RawMessage{}
	for {
		rest := bytes.TrimLeft(text[n:], " \t\r\n,")
		n = len(text) - len(rest)
		if bytes.HasPrefix(rest, []byte(")")) {
			return args, n + 1, true
		}
		k := keyword.FindSubmatchIndex(rest)
		if k == nil {
			return nil, 0, false
		}
		value, length := literal(rest[k[1]:])
		if length == 0 {
			return nil, 0, false
		}
		args[string(rest[k[2]:k[3]])] = value
		n += k[1] + length
	}
}

// literal reads a value as Python writes it, and its length, 0 if it is none.
func literal(text []byte) (json.RawMessage, int) {
	m := jsonRepairer{in: text}
	for _, q := range []string{`"""`, `'''`, `"`, `'`} {
		if !m.has(q) {
			continue
		}
		var b strings.Builder
		for m.pos = len(q); !m.end(); {
			switch {
			case m.has(q):
				m.write(b.String())
				return m.out.Bytes(), m.pos + len(q)
			case m.peek() == '\\':
				m.escape(&b)
			default:
				b.WriteByte(m.peek())
				m.pos++
			}
		}
		return nil, 0
	}
	if n := bytes.IndexAny(text[:min(len(text), lookBehind)], ",)\n"); n > 0 && text[0] != '[' && text[0] != '{' {
		m.in = append(text[:n:n], ' ') // a word at the very end counts as cut
		if m.word() {
			return m.out.Bytes(), n
		}
		return nil, 0
	}
	if m.value(0) && !m.cut && json.Valid(m.out.Bytes()) {
		return m.out.Bytes(), m.pos
	}
	return nil, 0
}

func (l *listener) group(m []int) string {
	for i := 2; i < len(m); i += 2 {
		if m[i] >= 0 {
			return l.text[m[i]:m[i+1]]
		}
	}
	return ""
}
