package verify

import (
	"encoding/json"
	"errors"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// readDefines finds the names in whose place the configurations of Vite put values, by the folder that each stands in. A
// configuration is a program, which is not run: what is written plainly is understood, the rest is told.
//
// Known hole: what a plugin defines, what stands behind the bounds below, and what is defined elsewhere and spread in.
func (t *tree) readDefines(d *diagnostics) {
	t.defined = map[string]map[string]string{}
	for _, p := range t.paths {
		if !strings.HasPrefix(path.Base(p), "vite.config.") || isInstalled(p) || !isScript(t.loader(p)) || !strings.Contains(t.files[p], "define") || len(t.defined) >= maxConfigs {
			continue
		}
		dir := path.Dir(p)
		if t.defined[dir] != nil {
			continue
		}
		values := map[string]string{}
		t.defined[dir] = values
		list := t.definitions(p)
		for _, e := range list[:min(len(list), maxDefines)] {
			v, ok := definedAs(e.value)
			r := api.Transform("", api.TransformOptions{Define: map[string]string{e.key: v}, LogLevel: api.LogLevelSilent})
			if ok && len(r.Errors) == 0 && definedName.MatchString(e.key) {
				values[e.key] = v
				continue
			}
			line, column := 0, 0
			if i := strings.Index(t.files[p], e.key); i >= 0 {
				line, column = position(t.files[p], i)
			}
			d.add(p, line, column, SeverityWarning, "What Vite defines as %q cannot be read without running this file: the preview lacks it. Write it as a text, a number, true, false or JSON.stringify of one, for a name or names with dots between them", e.key)
		}
	}
}

// Bounds on what is read of one configuration.
const (
	maxConfigBytes = 128 << 10
	maxDefines     = 500
	maxTokens      = 20_000
	maxSteps       = 20_000 // of evaluation
)

// definitions are the entries of what a configuration defines.
func (t *tree) definitions(p string) []property {
	if len(t.files[p]) > maxConfigBytes {
		return nil
	}
	// The printer of scripts leaves out types, and writes what remains in one way.
	r := api.Transform(t.files[p], api.TransformOptions{Loader: t.loader(p), TsconfigRaw: `{"compilerOptions":{"verbatimModuleSyntax":true}}`, LogLevel: api.LogLevelSilent, Charset: api.CharsetUTF8, LegalComments: api.LegalCommentsNone})
	if len(r.Errors) > 0 {
		return nil // told when the file is checked
	}
	e := &evaluator{t: t, dir: path.Dir(p), tokens: scriptTokens(string(r.Code)), names: map[string]binding{}, steps: maxSteps}
	e.readNames()
	var list []property
	for _, at := range e.defines() {
		if o, ok := e.at(at).(object); ok {
			list = append(list, o...)
		} else {
			list = append(list, property{"define", unread{}})
		}
	}
	return list
}

var (
	definedName = regexp.MustCompile(`^[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)*$`)
	defineMark  = map[string]bool{"(": true, "=": true, "return": true, "default": true, ">": true, "?": true}
)

// definedAs writes a value as Vite would put it into a script: a text is an expression, all else is itself.
func definedAs(v any) (string, bool) {
	text, ok := v.(string)
	if !ok {
		return stringify(v)
	}
	if text = strings.TrimSpace(text); len(text) > maxEnvValue {
		return "", false
	}
	if json.Valid([]byte(text)) || definedName.MatchString(text) {
		return text, true
	}
	e := &evaluator{tokens: scriptTokens(text), steps: 1_000}
	if v = e.expression(); e.pos < len(e.tokens) {
		return "", false
	}
	return stringify(v)
}

// Values are string, float64, bool, nil, []any, object, absentValue and unread.
type (
	property struct {
		key   string
		value any
	}
	object      []property
	unread      struct{} // what is not written plainly
	absentValue struct{} // undefined
)

var errUnread = errors.New("this value is not written plainly")

func (o object) MarshalJSON() ([]byte, error) {
	values := map[string]any{}
	for _, p := range o {
		values[p.key] = p.value
	}
	return json.Marshal(values)
}
func (unread) MarshalJSON() ([]byte, error)      { return nil, errUnread }
func (absentValue) MarshalJSON() ([]byte, error) { return nil, errUnread }

func stringify(v any) (string, bool) {
	b, err := json.Marshal(v)
	return string(b), err == nil && len(b) <= maxEnvValue
}

// valueOf is a value of JSON as the evaluator has it.
func valueOf(v any) any {
	switch v := v.(type) {
	case map[string]any:
		o := object{}
		for _, k := range slices.Sorted(maps.Keys(v)) {
			o = append(o, property{k, valueOf(v[k])})
		}
		return o
	case []any:
		for i := range v {
			v[i] = valueOf(v[i])
		}
	}
	return v
}

// token is a word, a text, a template or a sign of a script.
type token struct {
	kind byte   // 'w', 's', 't' or 'p'
	text string // of a text what it means, of a template what stands between its quotes
}

var scriptSpace = regexp.MustCompile(`^(?:\s|//.*|/\*(?s:.*?)\*/)+`)

var scriptToken = regexp.MustCompile(`^(?:[\pL_$][\pL\pN_$]*|(?:\d[\w.]*|\.\d\w*)|"(?:[^"\\]|\\(?s:.))*"|'(?:[^'\\]|\\(?s:.))*'|` + "`(?:[^`\\\\]|\\\\(?s:.))*`" + `|/(?:[^/\\\n\[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/\w*|\?\?|\|\||(?s:.))`)

// scriptTokens splits a script. A regular expression is told from a division by what is before it.
//
// Known hole: a template within a template.
func scriptTokens(s string) (list []token) {
	for len(list) < maxTokens {
		s = s[len(scriptSpace.FindString(s)):]
		if s == "" {
			break
		}
		text := scriptToken.FindString(s)
		if text == "" {
			break
		}
		k := byte('p')
		switch c := text[0]; {
		case len(text) > 1 && (c == '"' || c == '\''):
			k = 's'
		case len(text) > 1 && c == '`':
			k = 't'
		case c == '/' && len(text) > 1:
			if last := len(list) - 1; last >= 0 && (list[last].kind != 'p' || list[last].text == ")" || list[last].text == "]") && list[last].text != "return" {
				text = "/"
			}
		case c == '_' || c == '$' || c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' || c >= 0x80 || c == '.' && len(text) > 1:
			k = 'w'
		}
		s = s[len(text):]
		switch k {
		case 's':
			text = unescapeScript(text[1 : len(text)-1])
		case 't':
			text = text[1 : len(text)-1]
		}
		list = append(list, token{k, text})
	}
	return list
}

var scriptEscape = regexp.MustCompile(`\\(?:u\{([0-9a-fA-F]{1,6})\}|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(?s:(.)))`)

// unescapeScript is what the inside of a text means.
func unescapeScript(s string) string {
	return scriptEscape.ReplaceAllStringFunc(s, func(m string) string {
		g := scriptEscape.FindStringSubmatch(m)
		if hex := g[1] + g[2] + g[3]; hex != "" {
			n, _ := strconv.ParseInt(hex, 16, 32)
			return string(rune(n))
		}
		if to, ok := map[string]string{"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\x00", "\n": ""}[g[4]]; ok {
			return to
		}
		return g[4]
	})
}

// evaluator reads values out of a script that is not run.
type evaluator struct {
	t      *tree
	dir    string
	tokens []token
	pos    int
	names  map[string]binding
	steps  int
	deep   int
}

// binding is what a name of the script stands for.
type binding struct {
	at   int    // where its value is written; 0: in a file
	file string // of JSON
	key  string // in it, or in the value; "": all of it
}

func (e *evaluator) peek(n int) token {
	if i := e.pos + n; i >= 0 && i < len(e.tokens) {
		return e.tokens[i]
	}
	return token{}
}

func (e *evaluator) sign(text string) bool {
	if k := e.peek(0); k.kind == 'p' && k.text == text {
		e.pos++
		return true
	}
	return false
}

// at reads the value that begins at a token.
func (e *evaluator) at(pos int) any {
	back := e.pos
	defer func() { e.pos = back }()
	e.pos = pos
	v := e.expression()
	if k := e.peek(0); k.kind != 0 && (k.kind != 'p' || !strings.Contains(",;})]", k.text)) {
		return unread{}
	}
	return v
}

// readNames finds what the script imports of JSON, and its constants.
func (e *evaluator) readNames() {
	for i := range e.tokens {
		e.pos = i
		if k := e.tokens[i]; k.kind != 'w' || k.text != "import" && k.text != "const" {
			continue
		}
		var names []property // local name, and the key
		e.pos++
		if e.sign("*") {
			e.pos++ // as
		}
		if k := e.peek(0); k.kind == 'w' {
			names = append(names, property{k.text, ""})
			e.pos++
			e.sign(",")
		}
		if e.sign("{") {
			for e.peek(0).kind != 0 && !e.sign("}") {
				local, key := e.peek(0).text, e.peek(0).text
				if next := e.peek(1).text; next == ":" || next == "as" {
					local = e.peek(2).text
					e.pos += 2
				}
				if key == "default" {
					key = ""
				}
				names = append(names, property{local, key})
				e.pos++
				e.sign(",")
			}
		}
		b := binding{at: e.pos + 1}
		if e.tokens[i].text == "import" {
			if e.peek(0).text != "from" || !strings.HasSuffix(e.peek(1).text, ".json") {
				continue
			}
			b = binding{file: e.peek(1).text}
		} else if e.peek(0).text != "=" {
			continue
		}
		for _, n := range names {
			b.key, _ = n.value.(string)
			if _, known := e.names[n.key]; known {
				b = binding{} // of several scopes
			}
			e.names[n.key] = b
		}
	}
	e.pos = 0
}

// defines are where the values stand that configurations, which are no part of another setting, give to "define".
func (e *evaluator) defines() (list []int) {
	var own []bool // of each bracket that is open: whether it is an object that is no property's value
	for i, k := range e.tokens {
		e.pos = i
		if k.kind != 'p' {
			if k.text == "define" && (k.kind == 'w' || k.kind == 's') && len(own) > 0 && own[len(own)-1] && (e.peek(-1).text == "{" || e.peek(-1).text == ",") {
				switch e.peek(1).text {
				case ":":
					list = append(list, i+2)
				case ",", "}":
					list = append(list, i)
				}
			}
			continue
		}
		switch k.text {
		case "{":
			before := e.peek(-1).text
			own = append(own, defineMark[before] || before == ":" && e.peek(-3).text != "{" && e.peek(-3).text != ",")
		case "(", "[":
			own = append(own, false)
		case "}", ")", "]":
			own = own[:max(len(own)-1, 0)]
		}
	}
	return list
}

func (e *evaluator) expression() any {
	e.steps--
	e.deep++
	defer func() { e.deep-- }()
	if e.steps < 0 || e.deep > 60 {
		return unread{}
	}
	v := e.operand()
	for {
		switch {
		case e.sign("+"):
			v = sum(v, e.operand())
		case e.sign("??"):
			if or := e.operand(); v == nil || v == any(absentValue{}) {
				v = or
			}
		case e.sign("||"):
			or := e.operand()
			switch v {
			case nil, absentValue{}, "", false, 0.0:
				v = or
			}
		default:
			return v
		}
	}
}

// sum is what + makes of two values.
func sum(a, b any) any {
	if x, ok := a.(float64); ok {
		if y, ok := b.(float64); ok {
			return x + y
		}
	}
	x, ok := asText(a)
	y, also := asText(b)
	_, one := a.(string)
	_, other := b.(string)
	if !ok || !also || !one && !other || len(x)+len(y) > maxEnvValue {
		return unread{}
	}
	return x + y
}

// asText is a value within a text.
func asText(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case float64, bool:
		return stringify(v)
	}
	return "", false
}

func (e *evaluator) operand() any {
	k := e.peek(0)
	e.pos++
	switch {
	case k.kind == 's':
		return k.text
	case k.kind == 't':
		return e.template(k.text)
	case k.kind == 'w':
		return e.word(k.text)
	case k.text == "(":
		v := e.expression()
		if !e.sign(")") {
			return unread{}
		}
		return v
	case k.text == "-":
		if n, ok := e.operand().(float64); ok {
			return -n
		}
	case k.text == "!":
		switch v := e.operand().(type) {
		case bool:
			return !v
		case float64:
			return v == 0
		}
	case k.text == "[":
		list := []any{}
		for !e.sign("]") {
			begin := e.pos
			list = append(list, e.item())
			if e.pos == begin { // the end, or a bracket that closes another
				return unread{}
			}
		}
		return list
	case k.text == "{":
		return e.object()
	}
	return unread{}
}

// item reads one value of a list or an object, and the comma behind it. What is not plain is passed over.
func (e *evaluator) item() any {
	begin := e.pos
	v := e.expression()
	k := e.peek(0)
	if _, lost := v.(unread); !lost && k.kind == 'p' && strings.Contains(",]}", k.text) {
		e.sign(",")
		return v
	}
	e.pos = begin
	for deep := 0; e.pos < len(e.tokens); e.pos++ {
		k := e.peek(0)
		if k.kind == 'p' && deep == 0 && strings.Contains(",]}", k.text) {
			break
		}
		if k.kind == 'p' && strings.Contains("([{", k.text) {
			deep++
		} else if k.kind == 'p' && strings.Contains(")]}", k.text) {
			deep--
		}
	}
	e.sign(",")
	return unread{}
}

func (e *evaluator) object() any {
	o := object{}
	for !e.sign("}") {
		k, next := e.peek(0), e.peek(1)
		switch {
		case k.kind == 0:
			return unread{}
		case k.kind != 'p' && next.text == ":":
			e.pos += 2
			o = append(o, property{k.text, e.item()})
		case k.kind == 'w' && (next.text == "," || next.text == "}"):
			o = append(o, property{k.text, e.item()})
		case k.text == "." && e.peek(2).text == ".":
			e.pos += 3
			if more, ok := e.item().(object); ok {
				o = append(o, more...)
			} else {
				o = append(o, property{"...", unread{}})
			}
		default:
			if k.text == "[" {
				k = next
			}
			e.pos++
			e.item()
			o = append(o, property{k.text, unread{}})
		}
	}
	return o
}

// template is a text with values in it.
func (e *evaluator) template(s string) any {
	out := ""
	for {
		before, rest, more := strings.Cut(s, "${")
		out += unescapeScript(before)
		if !more {
			return out
		}
		inside, after, closed := strings.Cut(rest, "}")
		inner := *e
		inner.tokens, inner.pos = scriptTokens(inside), 0
		if len(e.names) > 0 { // whose values stand in the tokens of the script
			inner.tokens = append(slices.Clone(e.tokens), inner.tokens...)
			inner.pos = len(e.tokens)
		}
		v, ok := asText(inner.expression())
		e.steps = inner.steps - 100
		if !closed || !ok || inner.pos < len(inner.tokens) || len(out)+len(v) > maxEnvValue {
			return unread{}
		}
		out, s = out+v, after
	}
}

// word reads what begins with a word: a number, a constant, a name with what is taken of it, or a call that is known.
func (e *evaluator) word(w string) any {
	switch w {
	case "true", "false":
		return w == "true"
	case "null":
		return nil
	case "undefined":
		return absentValue{}
	}
	if c := w[0]; c >= '0' && c <= '9' || c == '.' {
		n, err := strconv.ParseFloat(w, 64)
		if err != nil {
			return unread{}
		}
		return n
	}
	var v any = unread{}
	switch {
	case w == "JSON" && e.peek(1).text == "stringify", w == "String":
		if w == "JSON" {
			e.pos += 2
		}
		arg, ok := e.argument()
		if !ok {
			return unread{}
		}
		text, ok := stringify(arg)
		if w == "String" {
			text, ok = asText(arg)
		}
		if e.steps -= len(text) / 64; !ok {
			return unread{}
		}
		v = text
	case w == "JSON" && e.peek(1).text == "parse", w == "require":
		if w == "JSON" {
			e.pos += 2
		}
		v = e.json(e.callText())
	case w == "loadEnv":
		e.callText()
		v = e.environment()
	case w == "process" && e.peek(1).text == "env":
		e.pos += 2
		v = e.environment()
	default:
		b, ok := e.names[w]
		switch {
		case ok && b.file != "":
			v = e.json(b.file)
		case ok && b.at > 0:
			v = e.at(b.at)
		}
		if ok && b.key != "" {
			v = member(v, b.key)
		}
	}
	for {
		switch {
		case e.peek(0).text == "." && e.peek(1).kind == 'w':
			v = member(v, e.peek(1).text)
			e.pos += 2
		case e.peek(0).text == "[" && e.peek(1).kind == 's' && e.peek(2).text == "]":
			v = member(v, e.peek(1).text)
			e.pos += 3
		default:
			return v
		}
	}
}

func member(v any, key string) any {
	o, ok := v.(object)
	if !ok {
		return unread{}
	}
	for _, p := range slices.Backward(o) {
		if p.key == key {
			return p.value
		}
	}
	return absentValue{}
}

// argument reads a call with one argument.
func (e *evaluator) argument() (any, bool) {
	if !e.sign("(") {
		return nil, false
	}
	v := e.expression()
	return v, e.sign(")")
}

// callText passes over the arguments of a call and returns the last text in it that names a file of JSON.
func (e *evaluator) callText() (name string) {
	deep := 0
	for ; e.pos < len(e.tokens); e.pos++ {
		switch k := e.peek(0); {
		case k.kind == 's' && strings.HasSuffix(k.text, ".json"):
			name = k.text
		case k.kind == 'p' && k.text == "(":
			deep++
		case k.kind == 'p' && k.text == ")":
			if deep--; deep == 0 {
				e.pos++
				return name
			}
		}
		if deep == 0 {
			break
		}
	}
	return name
}

// json is what a file of JSON beside the configuration holds.
func (e *evaluator) json(name string) any {
	if e.t == nil || name == "" || strings.HasPrefix(name, "/") {
		return unread{}
	}
	text, ok := e.t.files[path.Join(e.dir, name)]
	e.steps -= len(text) / 64
	var v any
	if !ok || e.steps < 0 || json.Unmarshal([]byte(text), &v) != nil {
		return unread{}
	}
	return valueOf(v)
}

// environment are the variables that a program of the project sees: those of .env files that are public, and what npm says
// of the package.
func (e *evaluator) environment() any {
	if e.t == nil {
		return unread{}
	}
	o := object{}
	env := e.t.environment()
	for _, k := range slices.Sorted(maps.Keys(env)) {
		o = append(o, property{k, env[k]})
	}
	for _, key := range []string{"name", "version"} {
		if v, ok := member(e.json("package.json"), key).(string); ok {
			o = append(o, property{"npm_package_" + key, v})
		}
	}
	return o
}
