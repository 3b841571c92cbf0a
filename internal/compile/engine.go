package compile

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/dop251/goja"
	"github.com/dop251/goja/parser"
)

// engine is a JavaScript runtime with one compiler in it. It is started when it has work to do.
type engine struct {
	s       *Session
	program *program
	vm      *goja.Runtime
	host    *goja.Object

	refused error      // the last answer that was none
	asked   []question // by the job at work
	tainted bool       // a script of the project ran in it

	shown bool // whether the compiler can read the types of the project
}

var globals = sync.OnceValue(func() *goja.Program {
	p, err := compileScript("globals", ourText("js/globals.js"))
	if err != nil {
		panic(err)
	}
	return p
})

// compileScript makes a script ready to run. Nothing is read of what it says of a source map.
func compileScript(name, script string) (*goja.Program, error) {
	ast, err := goja.Parse(name, script, parser.WithDisableSourceMaps)
	if err != nil {
		return nil, err
	}
	return goja.CompileAST(ast, false)
}

// maxDepth is how deep calls may nest in the interpreter.
const maxDepth = 5_000

// fresh makes the runtime and loads the compiler, anew when a script of the project ran beside it.
func (e *engine) fresh() error {
	if e.vm != nil && !e.tainted {
		return nil
	}
	e.vm, e.tainted, e.shown = goja.New(), false, false
	e.vm.SetMaxCallStackSize(maxDepth)
	e.vm.SetParserOptions(parser.WithDisableSourceMaps)
	// The same text compiles to the same text.
	e.vm.SetRandSource(func() float64 { return 0.5 })
	e.vm.SetTimeSource(func() time.Time { return time.Unix(1_700_000_000, 0).UTC() })
	err := e.bounded(func() error {
		if _, err := e.vm.RunProgram(globals()); err != nil {
			return err
		}
		e.host = e.vm.Get("host").ToObject(e.vm)
		if e.program.browser {
			_ = e.vm.GlobalObject().Delete("process") // by which programs know Node
			_ = e.vm.Set("location", map[string]string{"href": "file:///"})
		}
		_, err := e.vm.RunProgram(e.program.code)
		return err
	})
	if err != nil {
		e.vm = nil
	}
	return err
}

// errTime is when the session's time is over.
var errTime = errors.New("it takes too long")

// bounded runs something in the interpreter until the session's time is over. A panic of the interpreter is an error.
func (e *engine) bounded(run func() error) (err error) {
	left := time.Until(e.s.deadline)
	if left <= 0 || e.s.ctx.Err() != nil {
		return errTime
	}
	e.vm.ClearInterrupt()
	interrupt := func() { e.vm.Interrupt(errTime) }
	timer := time.AfterFunc(left, interrupt)
	stop := context.AfterFunc(e.s.ctx, interrupt)
	defer func() {
		timer.Stop()
		stop()
		if p := recover(); p != nil {
			err = fmt.Errorf("the interpreter broke down: %v", p)
		}
	}()
	err = run()
	if _, ok := errors.AsType[*goja.InterruptedError](err); ok {
		return errTime
	}
	if _, ok := errors.AsType[*goja.StackOverflowError](err); ok {
		return errors.New("it calls itself without an end")
	}
	return err
}

// failure is what a compiler threw.
type failure struct {
	Name    string `json:"name"`
	Message string `json:"message"`
	Stack   string `json:"stack"`
	Code    string `json:"code"`
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Offset  *int   `json:"offset"`
}

func (f *failure) Error() string { return f.Message }

// answerer answers what a compiler asks for while it works: a value, or an error that it gets.
type answerer func(kind string, args []string) (any, error)

// maxQuestions bounds what one job may ask.
const maxQuestions = 2_000

// job is work for a compiler.
type job struct {
	function string
	input    any             // as JSON
	answer   answerer        // nil: it asks for nothing
	begin    func() error    // what the runtime needs before; nil: nothing
	used     func() []string // files that it looked at besides; nil: none
}

// call does a job, or takes what the same one gave before if all that it asked for is answered in the same way, and decodes
// the result into out.
func (e *engine) call(j job, out any) error {
	b, err := json.Marshal(j.input)
	if err != nil {
		return err
	}
	key := ""
	if e.program.key != "" {
		sum := sha256.Sum256([]byte(e.program.key + "\x00" + j.function + "\x00" + string(b)))
		key = string(sum[:])
		if r, ok := results.get(key); ok && e.holds(r, j.answer) {
			return e.end(r.text, out)
		}
	}
	if err := e.fresh(); err != nil {
		return err
	}
	if j.begin != nil {
		if err := j.begin(); err != nil {
			return err
		}
	}
	text, err := e.run(j.function, string(b), j.answer)
	if err != nil {
		return err
	}
	if err := e.end(text, out); err != nil {
		return err
	}
	if j.used != nil {
		for _, p := range j.used() {
			text, _ := e.s.files.read(p)
			e.asked = append(e.asked, question{fileQuestion, []string{p}, fingerprint(text, nil)})
		}
	}
	results.put(key, result{text, e.asked})
	return nil
}

// holds reports whether everything that a job asked for is answered as it was then.
func (e *engine) holds(r result, answer answerer) bool {
	for _, q := range r.asked {
		if q.kind == fileQuestion {
			if text, _ := e.s.files.read(q.args[0]); fingerprint(text, nil) != q.answer {
				return false
			}
			continue
		}
		if answer == nil || fingerprint(answer(q.kind, q.args)) != q.answer {
			return false
		}
	}
	return true
}

// fingerprint tells an answer from others.
func fingerprint(v any, err error) string {
	b, _ := json.Marshal(v) // what cannot be told is no answer
	if m, ok := v.(*brought); ok {
		b = append(b, m.script...)
	}
	if err != nil {
		b = append(b, "\x00"+err.Error()...)
	}
	sum := sha256.Sum256(b)
	return string(sum[:])
}

// end reads how a job ended.
func (e *engine) end(text string, out any) error {
	var end struct {
		Value json.RawMessage `json:"value"`
		Error *failure        `json:"error"`
	}
	if err := json.Unmarshal([]byte(text), &end); err != nil {
		return err
	}
	if end.Error != nil {
		if e.refused != nil && e.refused.Error() == end.Error.Message {
			return e.refused
		}
		return end.Error
	}
	return json.Unmarshal(end.Value, out)
}

// run runs a job and returns how it ended, as JSON.
func (e *engine) run(function, job string, answer answerer) (text string, err error) {
	e.asked = nil
	err = e.bounded(func() error {
		parse, _ := goja.AssertFunction(e.vm.Get("JSON").ToObject(e.vm).Get("parse"))
		value, err := parse(goja.Undefined(), e.vm.ToValue(job))
		if err != nil {
			return err
		}
		compiler := e.vm.Get("compiler")
		if compiler == nil || goja.IsUndefined(compiler) {
			return errors.New("the compiler did not load")
		}
		run := compiler.ToObject(e.vm).Get(function)
		start, _ := goja.AssertFunction(e.host.Get("start"))
		if _, err := start(e.host, run, value); err != nil {
			return err
		}
		text, err = e.serve(answer)
		return err
	})
	return text, err
}

// serve answers what is asked, and runs what waits for a timer, until the job ended.
func (e *engine) serve(answer answerer) (string, error) {
	for range maxQuestions {
		if v := e.host.Get("ended"); v != nil && !goja.IsUndefined(v) {
			return v.String(), nil
		}
		if q := e.take("asked"); q != nil {
			if err := e.answer(q, answer); err != nil {
				return "", err
			}
			continue
		}
		t := e.take("timers")
		if t == nil {
			return "", errors.New("it waits for what never comes")
		}
		run, _ := goja.AssertFunction(t.Get("run"))
		if _, err := run(goja.Undefined()); err != nil {
			if _, ok := errors.AsType[*goja.InterruptedError](err); ok {
				return "", err
			}
		}
	}
	return "", errors.New("it asks for too much")
}

// take takes the first of a list of the host; nil: there is none.
func (e *engine) take(list string) *goja.Object {
	l := e.host.Get(list).ToObject(e.vm)
	shift, _ := goja.AssertFunction(l.Get("shift"))
	v, err := shift(l)
	if err != nil || goja.IsUndefined(v) {
		return nil
	}
	return v.ToObject(e.vm)
}

func (e *engine) answer(q *goja.Object, answer answerer) error {
	var args []string
	if list, ok := q.Get("args").Export().([]any); ok {
		for _, a := range list {
			args = append(args, fmt.Sprint(a))
		}
	}
	kind := q.Get("kind").String()
	v, err := answer(kind, args)
	e.asked = append(e.asked, question{kind, args, fingerprint(v, err)})
	if m, ok := v.(*brought); ok && err == nil {
		v, err = e.bring(m)
	}
	reply := "resolve"
	value := e.vm.ToValue(v)
	if err != nil {
		if errors.Is(err, errTime) {
			return err
		}
		e.refused = err
		reply, value = "reject", e.vm.NewGoError(err)
		_ = value.ToObject(e.vm).Set("message", err.Error())
	}
	f, _ := goja.AssertFunction(q.Get(reply))
	_, err = f(goja.Undefined(), value)
	return err
}

// brought is a script of the project, or of a package for it, that a compiler asked for: a configuration, a plugin.
type brought struct {
	Path, Base string
	script     string // defines the global name loaded
}

// bring runs it and returns what it exports, with where it lies.
func (e *engine) bring(m *brought) (any, error) {
	e.tainted = true
	if _, err := e.vm.RunString(m.script); err != nil {
		if _, ok := errors.AsType[*goja.InterruptedError](err); ok {
			return nil, errTime
		}
		if x, ok := errors.AsType[*goja.Exception](err); ok {
			err = e.thrown(x)
		}
		return nil, &loadError{strings.TrimPrefix(m.Path, "/"), err}
	}
	return map[string]any{"path": m.Path, "base": m.Base, "module": e.vm.Get("loaded").ToObject(e.vm).Get("value")}, nil
}

// thrown is what a script threw, as a failure.
func (e *engine) thrown(x *goja.Exception) error {
	f := &failure{Message: x.Value().String()}
	describe, _ := goja.AssertFunction(e.host.Get("describe"))
	if v, err := describe(goja.Undefined(), x.Value()); err == nil {
		if b, err := json.Marshal(v.Export()); err == nil {
			_ = json.Unmarshal(b, f)
		}
	}
	return f
}

// firstLine is an error's text without the code that it shows beside.
func firstLine(s string) string {
	s, _, _ = strings.Cut(strings.TrimSpace(s), "\n")
	return strings.TrimSpace(s)
}
