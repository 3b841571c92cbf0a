package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"codeforge"
	"codeforge/internal/llm"
	"codeforge/internal/server"

	"github.com/google/jsonschema-go/jsonschema"
)

// exitError makes the program end with a code of its own.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

// exitCode is what the program ends with after err, which is not nil.
func exitCode(err error) int {
	if e, ok := errors.AsType[*exitError](err); ok {
		return e.code
	}
	return 1
}

// exitModel says that everything was in order but the model's answer.
const exitModel = 3

// Ask is the command that makes one model call and shows all that is known of it: to try a key, a route, an endpoint. It
// needs no server and leaves nothing behind.
type Ask struct {
	Prompt []string `arg:"" optional:"" help:"What to ask; standard input is added to it, or is all of it. - waits for standard input however long it takes."`

	Model      string         `placeholder:"PROVIDER:MODEL" help:"Whom to ask first. Default: whom the route names."`
	Agent      string         `placeholder:"TYPE" help:"Take the route of this agent type."`
	System     string         `help:"The system's text."`
	Schema     string         `type:"existingfile" placeholder:"FILE" help:"A JSON Schema that the answer has to fit."`
	Tools      string         `type:"existingfile" placeholder:"FILE" help:"Tools that the model may call: a JSON list of {name, description, parameters}."`
	Effort     string         `enum:",none,minimal,low,medium,high,max" default:"" placeholder:"LEVEL" help:"How hard to think: none, minimal, low, medium, high or max. Default: the model's own."`
	MaxOutput  int            `placeholder:"TOKENS" help:"Longest answer, thinking included."`
	Timeout    server.Seconds `default:"600" help:"Most time for everything, in seconds; 0: no end."`
	Stream     bool           `help:"Have the answer streamed, and show it as it comes."`
	JSON       bool           `name:"json" help:"Print one JSON object with all that is known."`
	NoRetry    bool           `help:"Show the first answer of a model as it is: no second try, no repair of JSON."`
	NoFallback bool           `help:"Ask no other model when the first one fails."`
	server.Config
}

// Run implements the command. It ends with 0 after an answer, with 3 after an error of the model call.
func (a *Ask) Run(ctx context.Context) error { return a.run(ctx, os.Stdin, os.Stdout, os.Stderr) }

func (a *Ask) run(ctx context.Context, stdin io.Reader, stdout, stderr io.Writer) error {
	log := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	ledger := &llm.Memory{Limits: a.BudgetLimits()}
	router, err := server.NewRouter(&a.Config, ledger, log)
	if err != nil {
		return err
	}
	req, err := a.request(router, stdin, stderr)
	if err != nil {
		return err
	}
	var attempts []llm.Attempt
	req.Routing.Observe = func(at llm.Attempt) {
		attempts = append(attempts, at)
		if at.Err != nil && !a.JSON {
			printSafe(stderr, "%s", describe(at))
		}
	}
	if a.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(a.Timeout))
		defer cancel()
	}
	show := &screenText{out: stdout, note: stderr}
	var sink func(llm.Delta)
	switch {
	case a.Stream && (a.JSON || req.Schema != nil): // asked for as a stream, but only the whole is of use
		sink = func(llm.Delta) {}
	case a.Stream:
		sink = show.delta
	}
	parsed, resp, err := a.generate(ctx, router, req, sink)
	e, typed := errors.AsType[*llm.Error](err)
	if err != nil && !typed {
		return err
	}
	if a.JSON {
		w := json.NewEncoder(stdout)
		w.SetEscapeHTML(false)
		if err := w.Encode(report(resp, parsed, e, attempts)); err != nil {
			return err
		}
	} else if err := show.showUnstreamed(resp, parsed); err != nil {
		return err
	} else if resp != nil {
		printSafe(stderr, "%s", summary(resp, ledger.Entries()))
	}
	if e == nil {
		return nil
	}
	if e.Kind == llm.Auth && e.Status == 0 && needs[e.Provider] != "" {
		err = fmt.Errorf("%w: set %s", err, needs[e.Provider])
	}
	return &exitError{exitModel, err}
}

// needs is what has to be set before a provider can be called.
var needs = map[string]string{llm.OpenAI: "OPENAI_API_KEY", llm.Anthropic: "ANTHROPIC_API_KEY", llm.Google: "GOOGLE_API_KEY or GEMINI_API_KEY",
	llm.Compatible: "LLM_COMPATIBLE_URL"}

// request is what the flags ask for.
func (a *Ask) request(r *llm.Router, stdin io.Reader, stderr io.Writer) (*llm.Request, error) {
	if routes := r.Catalog.File().Routes; a.Agent != "" && !slices.ContainsFunc(routes, func(r llm.Route) bool { return r.Agent == a.Agent }) {
		var names []string
		for _, r := range routes {
			names = append(names, r.Agent)
		}
		return nil, fmt.Errorf("--agent %s: no such route; there are %s", a.Agent, strings.Join(names, ", "))
	}
	req := &llm.Request{Model: a.Model, System: a.System, MaxOutput: a.MaxOutput, Effort: a.Effort,
		Call:    llm.Call{JobID: codeforge.NewID(), UserID: codeforge.LocalUser().ID, Agent: codeforge.AgentType(a.Agent), Number: 1},
		Routing: llm.Routing{NoRetry: a.NoRetry, NoFallback: a.NoFallback}}
	if a.Schema != "" {
		req.Schema = &llm.Schema{Name: "answer"}
		if err := readJSON(a.Schema, &req.Schema.JSON); err != nil {
			return nil, fmt.Errorf("--schema %w", err)
		}
		if bytes.IndexByte(req.Schema.JSON, '{') != 0 {
			return nil, fmt.Errorf("--schema %s: a JSON Schema is an object", a.Schema)
		}
	}
	if a.Tools != "" {
		if err := readJSON(a.Tools, &req.Tools); err != nil {
			return nil, fmt.Errorf("--tools %w", err)
		}
		for i, t := range req.Tools {
			if t.Name == "" {
				return nil, fmt.Errorf("--tools %s: number %d has no name", a.Tools, i+1)
			}
			if len(t.Parameters) == 0 || string(t.Parameters) == "null" {
				req.Tools[i].Parameters = json.RawMessage(`{"type":"object","properties":{}}`)
			}
		}
	}
	prompt, err := a.prompt(stdin, stderr)
	if err != nil {
		return nil, err
	}
	req.Messages = []llm.Message{llm.UserText(prompt)}
	return req, nil
}

func readJSON(file string, v any) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if err = json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

// patience is how long a pipe beside a prompt may say nothing: programs often hand on their own, which never ends.
const patience = time.Second

// prompt joins the arguments and standard input.
func (a *Ask) prompt(stdin io.Reader, stderr io.Writer) (string, error) {
	args := slices.DeleteFunc(slices.Clone(a.Prompt), func(s string) bool { return s == "-" })
	said := strings.Join(args, " ")
	wanted := len(args) < len(a.Prompt)
	if f, ok := stdin.(*os.File); ok && !wanted {
		info, err := f.Stat()
		if err != nil || info.Mode()&os.ModeCharDevice != 0 { // closed, /dev/null, or a terminal at which nobody expects to type
			stdin = strings.NewReader("")
		}
	}
	in := bufio.NewReader(stdin)
	if strings.TrimSpace(said) != "" && !wanted {
		begun := make(chan struct{})
		go func() {
			_, _ = in.Peek(1)
			close(begun)
		}()
		select {
		case <-begun:
		case <-time.After(patience):
			fmt.Fprintln(stderr, "nothing comes on standard input, which is left out; add - to the prompt to wait for it")
			return said, nil
		}
	}
	more, err := io.ReadAll(in)
	if err != nil {
		return "", fmt.Errorf("standard input: %w", err)
	}
	parts := slices.DeleteFunc([]string{said, strings.TrimRight(string(more), "\r\n")}, func(s string) bool { return strings.TrimSpace(s) == "" })
	if len(parts) == 0 {
		return "", errors.New("there is no prompt: give it as arguments or on standard input")
	}
	return strings.Join(parts, "\n\n"), nil
}

// generate makes the call. With a schema parsed is the answer's value, nil if it has none.
func (a *Ask) generate(ctx context.Context, p llm.Provider, req *llm.Request, sink func(llm.Delta)) (parsed json.RawMessage, resp *llm.Response, err error) {
	// Structured answers are had without tools, and what they do about a bad answer is more than its first form.
	if req.Schema == nil || a.NoRetry || len(req.Tools) > 0 {
		resp, err = p.Generate(ctx, req, sink)
		if err == nil && req.Schema != nil && json.Valid([]byte(resp.Text())) {
			parsed = json.RawMessage(resp.Text())
		}
		return parsed, resp, err
	}
	var schema jsonschema.Schema
	if err := json.Unmarshal(req.Schema.JSON, &schema); err != nil {
		return nil, nil, fmt.Errorf("--schema %s: %w", a.Schema, err)
	}
	rules, err := schema.Resolve(nil)
	if err != nil {
		return nil, nil, fmt.Errorf("--schema %s: %w", a.Schema, err)
	}
	return llm.Structured(ctx, p, req, sink, func(b []byte) error {
		var v any
		if err := json.Unmarshal(b, &v); err != nil {
			return err
		}
		return rules.Validate(v)
	})
}

// askAnswer is what --json prints: every key always, null where something is not known.
type askAnswer struct {
	Provider    *string         `json:"provider"`
	Model       *string         `json:"model"`
	ServedModel *string         `json:"served_model"`
	Text        *string         `json:"text"` // "": an answer without text
	JSON        json.RawMessage `json:"json"` // with a schema
	Refusal     *string         `json:"refusal"`
	Reasoning   *string         `json:"reasoning_text"`
	ToolCalls   []llm.ToolCall  `json:"tool_calls"`
	Finish      *llm.FinishKind `json:"finish_kind"`
	Usage       askUsage        `json:"usage"`
	Attempts    []askAttempt    `json:"attempts"`
	Error       *askError       `json:"error"`
}

// askUsage is of the answer, all its rounds included. A cost that could only be guessed is not known.
type askUsage struct {
	Input      *int64 `json:"input_tokens"`
	CachedRead *int64 `json:"cached_read_tokens"`
	CacheWrite *int64 `json:"cache_write_tokens"`
	Output     *int64 `json:"output_tokens"`
	Reasoning  *int64 `json:"reasoning_tokens"`
	Cost       *int64 `json:"cost_micro_usd"`
	Missing    bool   `json:"missing"`
	Partial    bool   `json:"partial"`
}

// askAttempt is one try, or a model that was passed over without one.
type askAttempt struct {
	Provider string         `json:"provider"`
	Model    string         `json:"model"`
	Status   *int           `json:"status"`
	Kind     *llm.ErrorKind `json:"error_kind"`
	WaitMS   int64          `json:"wait_ms"` // before the next one
}

type askError struct {
	Kind         llm.ErrorKind `json:"kind"`
	Message      string        `json:"message"`
	Status       *int          `json:"status"`
	Retryable    bool          `json:"retryable"`
	RetryAfterMS *int64        `json:"retry_after_ms"` // null: the provider named none
	Where        *string       `json:"where"`
}

// known is nil for the zero value, which stands for what nobody said.
func known[T comparable](v T) *T {
	if v == *new(T) {
		return nil
	}
	return &v
}

// report has what is known of an answer, or of the error e in its place.
func report(resp *llm.Response, parsed json.RawMessage, e *llm.Error, attempts []llm.Attempt) *askAnswer {
	out := &askAnswer{JSON: parsed, Attempts: []askAttempt{}, Usage: askUsage{Missing: true}}
	for _, a := range attempts {
		out.Attempts = append(out.Attempts, askAttempt{a.Provider, a.Model, known(a.Status), known(a.Kind), a.Wait.Milliseconds()})
	}
	var usage *llm.Usage
	if resp != nil {
		out.Provider, out.Model, out.Finish, usage = known(resp.Provider), known(resp.Model), known(resp.Finish), &resp.Usage
	}
	if e != nil {
		out.Provider, out.Model, out.Finish, usage = known(e.Provider), known(e.Model), known(e.Finish), e.Usage
		out.Refusal = known(e.Refusal)
		out.Error = &askError{Kind: e.Kind, Message: e.Message, Status: known(e.Status), Retryable: e.Retryable, Where: known(e.Where)}
		if e.HasWait {
			out.Error.RetryAfterMS = new(e.RetryAfter.Milliseconds())
		}
		resp = e.Partial
	}
	priced := resp != nil
	if resp == nil && e.Status == 0 {
		resp = &llm.Response{} // no status refused it, and nothing came
	}
	if resp != nil {
		out.ServedModel, out.Text, out.Reasoning = known(resp.ServedModel), new(resp.Text()), known(resp.Reasoning())
		out.ToolCalls = append([]llm.ToolCall{}, resp.ToolCalls()...)
	}
	if usage != nil && !usage.Missing {
		out.Usage = askUsage{&usage.InputTokens, &usage.CachedReadTokens, &usage.CacheWriteTokens, &usage.OutputTokens, &usage.ReasoningTokens,
			nil, false, usage.Partial}
		if priced && !resp.Cost.Estimated {
			out.Usage.Cost = &resp.Cost.MicroUSD
		}
	}
	return out
}

// screenText shows an answer to somebody.
type screenText struct {
	out, note io.Writer
	shown     bool
	last      string // piece
	err       error
}

// delta shows a piece as it comes.
func (s *screenText) delta(d llm.Delta) {
	switch d.Kind {
	case llm.DeltaText:
		if d.Text != "" && s.err == nil {
			_, s.err = io.WriteString(s.out, codeforge.Plain(d.Text)) // a sequence in two pieces loses its first character, which makes the rest text
			s.shown, s.last = true, d.Text
		}
	case llm.DeltaRestart:
		s.end()
		s.shown = false
		printSafe(s.note, "what came so far is void: %s answers anew", d.Text)
	}
}

// end ends the line that was begun.
func (s *screenText) end() {
	if s.shown && !strings.HasSuffix(s.last, "\n") && s.err == nil {
		_, s.err = fmt.Fprintln(s.out)
	}
}

// showUnstreamed shows what was not streamed. resp is nil when there is no answer.
func (s *screenText) showUnstreamed(resp *llm.Response, parsed json.RawMessage) error {
	if resp != nil && !s.shown {
		s.delta(llm.Delta{Kind: llm.DeltaText, Text: cmp.Or(string(parsed), resp.Text())})
	}
	s.end()
	if resp != nil {
		for _, c := range resp.ToolCalls() {
			if s.err == nil {
				_, s.err = fmt.Fprintln(s.out, codeforge.Plain(fmt.Sprintf("%s %s", c.Name, c.Arguments)))
			}
		}
	}
	return s.err
}

// describe says what became of an attempt that gave no answer.
func describe(a llm.Attempt) string {
	s := fmt.Sprintf("%s:%s: %s", a.Provider, a.Model, a.Kind)
	if a.Skipped != "" {
		s += ", not tried: " + a.Skipped
	}
	if a.Status != 0 {
		s += fmt.Sprintf(" (%d)", a.Status)
	}
	switch a.Next {
	case llm.NextRetry:
		s += fmt.Sprintf(", again in %v", a.Wait.Round(time.Millisecond))
	case llm.NextFallback:
		s += ", on to the next model"
	}
	return s
}

// summary says who answered, and what all attempts took.
func summary(resp *llm.Response, entries []llm.Entry) string {
	s := resp.Provider + ":" + resp.Model
	if resp.ServedModel != "" && resp.ServedModel != resp.Model {
		s += " (" + resp.ServedModel + ")"
	}
	s += fmt.Sprintf(", finish %s, ", resp.Finish)
	if u := resp.Usage; u.Missing {
		s += "tokens unknown"
	} else {
		s += fmt.Sprintf("%d tokens in (%d cached), %d out (%d reasoning)", u.InputTokens, u.CachedReadTokens, u.OutputTokens, u.ReasoningTokens)
	}
	var cost llm.Cost
	var took time.Duration
	for _, e := range entries {
		cost = cost.Add(e.Cost)
		took += e.Latency
	}
	price := fmt.Sprintf("$%.6f", float64(cost.MicroUSD)/1e6)
	switch {
	case cost.Known() == nil:
		price = "cost not known"
	case cost.Estimated:
		price = "cost not known, about " + price
	}
	attempts := "1 attempt"
	if len(entries) != 1 {
		attempts = fmt.Sprintf("%d attempts", len(entries))
	}
	return s + fmt.Sprintf(", %s, %s, %v", price, attempts, took.Round(time.Millisecond))
}
