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

	refused error // the last answer that was none

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

// start makes the runtime and loads the compiler.
func (e *engine) start() error {
	if e.vm != nil {
		return nil
	}
	e.vm = goja.New()
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

// call runs the compiler's exported function on a job, which is told as JSON, and decodes what it returns into out.
func (e *engine) call(function string, job any, out any, answer answerer) error {
	b, err := json.Marshal(job)
	if err != nil {
		return err
	}
	text, err := e.run(function, string(b), answer)
	if err != nil {
		return err
	}
	return e.end(text, out)
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

// pure runs a job whose result depends on nothing else, or takes what it gave before.
func (e *engine) pure(function string, job, out any) error {
	b, err := json.Marshal(job)
	if err != nil {
		return err
	}
	key := ""
	if e.program.key != "" {
		sum := sha256.Sum256([]byte(e.program.key + "\x00" + function + "\x00" + string(b)))
		key = string(sum[:])
	}
	text, ok := results.get(key)
	if !ok {
		if text, err = e.run(function, string(b), nil); err != nil {
			return err
		}
		results.put(key, text)
	}
	return e.end(text, out)
}

// run runs a job and returns how it ended, as JSON.
func (e *engine) run(function, job string, answer answerer) (text string, err error) {
	if err := e.start(); err != nil {
		return "", err
	}
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
	v, err := answer(q.Get("kind").String(), args)
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

// module runs a script that defines a global and returns its value: a configuration, a plugin.
func (e *engine) module(script, global string) (goja.Value, error) {
	if _, err := e.vm.RunString(script); err != nil {
		if _, ok := errors.AsType[*goja.InterruptedError](err); ok {
			return nil, errTime
		}
		if x, ok := errors.AsType[*goja.Exception](err); ok {
			return nil, e.thrown(x)
		}
		return nil, err
	}
	return e.vm.Get(global), nil
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
