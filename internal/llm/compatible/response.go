package compatible

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"strings"
	"unicode"

	"codeforge/internal/llm"
	"codeforge/internal/llm/wire"
)

// reply is a whole answer or a chunk of one.
type reply struct {
	Type    wire.Text         `json:"type"` // ping
	Object  wire.Text         `json:"object"`
	Model   wire.Text         `json:"model"`
	Choices wire.List[choice] `json:"choices"`
	Usage   *wireUsage        `json:"usage"`
	Error   json.RawMessage   `json:"error"`
	Groq    *struct {
		Usage *wireUsage      `json:"usage"`
		Error json.RawMessage `json:"error"`
	} `json:"x_groq"`
	Result json.RawMessage `json:"result"` // Cloudflare's envelope
}

type choice struct {
	Index   wire.Number     `json:"index"`
	Message *chatMessage    `json:"message"`
	Delta   *chatMessage    `json:"delta"`
	Text    wire.Text       `json:"text"` // as completions had it
	Finish  wire.Text       `json:"finish_reason"`
	Usage   *wireUsage      `json:"usage"` // Moonshot
	Error   json.RawMessage `json:"error"` // OpenRouter
}

type chatMessage struct {
	Content          json.RawMessage      `json:"content"` // a string, null, or parts
	Refusal          wire.Text            `json:"refusal"`
	ReasoningContent wire.Text            `json:"reasoning_content"`
	Reasoning        wire.Text            `json:"reasoning"`
	Details          wire.List[detail]    `json:"reasoning_details"`
	Extra            json.RawMessage      `json:"extra_content"`
	ToolCalls        wire.List[callPiece] `json:"tool_calls"`
	FunctionCall     *namedFunction       `json:"function_call"` // as it was before tools
}

type callPiece struct {
	Index         *wire.Number    `json:"index"`
	ID            wire.Text       `json:"id"`
	Function      namedFunction   `json:"function"`
	Extra         json.RawMessage `json:"extra_content"`
	namedFunction                 // of those who leave the box out
}

// namedFunction is what a call names.
type namedFunction struct {
	Name       wire.Text       `json:"name"`
	Arguments  json.RawMessage `json:"arguments"`  // a string; from some an object
	Parameters json.RawMessage `json:"parameters"` // what some call the arguments
	Input      json.RawMessage `json:"input"`      // likewise
}

// detail is a piece of OpenRouter's reasoning_details, which have to go back in the shape in which they came.
type detail map[string]any

type wireUsage struct {
	Prompt        wire.Number `json:"prompt_tokens"`
	PromptDetails *struct {
		Cached wire.Number `json:"cached_tokens"`
		Write  wire.Number `json:"cache_write_tokens"`
	} `json:"prompt_tokens_details"`
	CacheHit          wire.Number `json:"prompt_cache_hit_tokens"` // DeepSeek
	Cached            wire.Number `json:"cached_tokens"`           // Moonshot
	Completion        wire.Number `json:"completion_tokens"`
	Input             wire.Number `json:"input_tokens"` // the names of other APIs
	Output            wire.Number `json:"output_tokens"`
	CompletionDetails *struct {
		Reasoning wire.Number `json:"reasoning_tokens"`
	} `json:"completion_tokens_details"`
}

// opaqueState is what goes back with the next turn, on the assistant's message.
type opaqueState struct {
	Reasoning string          `json:"reasoning_content,omitempty"`
	Details   json.RawMessage `json:"reasoning_details,omitempty"`
	Extra     json.RawMessage `json:"extra_content,omitempty"`
}

type decoder struct {
	text, thoughts *wire.Slot
	said, thought  cumulativeText
	calls          []*wire.Slot
	byID           map[string]*wire.Slot
	at             map[wire.Number]*wire.Slot // the call that an index means now
	details        []detail
	texts          map[string]*strings.Builder // of the last detail, by key
	extra          json.RawMessage
	content        bool         // the thoughts came as reasoning_content
	index          *wire.Number // of the choice that counts
	deltas         bool         // it is streamed in deltas
	replies        int          // with choices
	completion     bool         // the last of them is an answer as it is outside of streams
}

// cumulativeText is a text that is streamed. Most endpoints send what is new; some send all of it so far each time.
type cumulativeText struct {
	all    strings.Builder
	pieces int
	whole  bool // each piece is all so far
}

// fresh returns what is new in the next piece.
func (g *cumulativeText) fresh(piece string) string {
	if g.pieces == 1 && !g.whole && len(piece) > g.all.Len() && strings.HasPrefix(piece, g.all.String()) {
		g.whole = isDistinctive(g.all.String())
	}
	g.pieces++
	if g.whole {
		return g.rest(piece)
	}
	g.all.WriteString(piece)
	return piece
}

// rest returns what a text that is all so far has beyond what came.
func (g *cumulativeText) rest(all string) string {
	rest, ok := strings.CutPrefix(all, g.all.String())
	if !ok {
		return ""
	}
	g.all.WriteString(rest)
	return rest
}

// isDistinctive says whether a text is enough of one that a second piece which begins with it is no chance: of signs such as #
// or a blank many stand in a row.
func isDistinctive(s string) bool {
	n := 0
	for _, r := range s {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			n++
		}
	}
	return n > 1 || strings.HasPrefix(strings.TrimSpace(s), "{")
}

// Whole implements wire.Decoder.
func (d *decoder) Whole(body []byte, a *wire.Answer) error {
	var r reply
	if err := wire.Decode(body, &r); err != nil {
		return wire.Malformed(err)
	}
	if r.Choices == nil && len(r.Result) > 0 && r.Result[0] == '{' {
		return d.Whole(r.Result, a)
	}
	if len(r.Choices) == 0 {
		switch {
		case wire.IsFailure(body):
			return wire.Failure(body)
		case r.Choices == nil:
			return wire.Malformed(errors.New("no choices"))
		}
	}
	err := d.take(&r, body, a)
	d.keepSigned()
	return err
}

// Event implements wire.Decoder.
func (d *decoder) Event(ev wire.Event, a *wire.Answer) (bool, error) {
	data := bytes.TrimSpace(ev.Data)
	if bytes.EqualFold(data, []byte("[DONE]")) {
		if !d.ended(a) {
			return false, wire.Interrupted()
		}
		d.keepSigned()
		a.Complete()
		return true, nil
	}
	if data[0] != '{' {
		if ev.Name == "error" {
			return false, wire.Failure(wire.MustJSON(map[string]string{"message": string(data)}))
		}
		a.Strange(errors.New("an event that is no JSON"))
		return false, nil
	}
	var r reply
	if err := wire.Decode(data, &r); err != nil {
		return false, wire.Malformed(err)
	}
	if len(r.Choices) == 0 {
		switch {
		case ev.Name == "error" || wire.IsFailure(data):
			return false, d.failed(data, a)
		case r.Usage == nil && r.Groq == nil && r.Model == "" && r.Type != "ping" && !bytes.Contains(data, []byte(`"choices"`)):
			a.Strange(errors.New("an event of unknown shape"))
			return false, nil
		}
	}
	if err := d.take(&r, data, a); err != nil {
		return false, err
	}
	if len(r.Choices) == 0 {
		return false, nil
	}
	d.replies++
	d.completion = !d.deltas && r.Object == "chat.completion" && r.Choices[0].Message != nil
	if !d.deltas && r.Choices[0].Message != nil && r.Choices[0].Finish != "" { // asked for a stream, given a whole answer
		d.keepSigned()
		a.Complete()
		return true, nil
	}
	return false, nil
}

// ended says whether the end mark of a stream ends an answer: not where servers lost the model behind them and say it
// all the same.
func (d *decoder) ended(a *wire.Answer) bool {
	if a.FinishRaw != "" {
		return true
	}
	for _, c := range d.calls {
		if !c.Whole() {
			return false
		}
	}
	return len(d.calls) > 0 || a.Known() && d.text != nil
}

// End implements wire.Decoder.
func (d *decoder) End(a *wire.Answer) {
	if a.FinishRaw != "" || d.replies == 1 && d.completion {
		d.keepSigned()
		a.Complete()
	}
}

// failed is what an error object in an answer means. After an end by length it only says once more that the limit left
// too little.
func (d *decoder) failed(body []byte, a *wire.Answer) error {
	if a.Finish == llm.FinishLength {
		a.Cut = true
		return nil
	}
	return wire.Failure(body)
}

func (d *decoder) take(r *reply, body []byte, a *wire.Answer) error {
	if r.Model != "" {
		a.Served = string(r.Model)
	}
	d.use(r.Usage, a)
	wrong := r.Error
	if r.Groq != nil {
		d.use(r.Groq.Usage, a)
		if wire.Present(r.Groq.Error) {
			wrong = r.Groq.Error
		}
	}
	for _, c := range r.Choices {
		if d.index == nil {
			d.index = &c.Index
		}
		if c.Index != *d.index {
			continue
		}
		d.use(c.Usage, a)
		if c.Delta == nil && c.Message == nil && c.Text != "" {
			c.Delta = &chatMessage{Content: wire.MustJSON(c.Text)}
		}
		if c.Delta != nil {
			d.deltas = true
			d.addMessage(c.Delta, a)
		}
		if c.Message != nil {
			d.message(c.Message, a)
		}
		d.stop(string(c.Finish), a)
		if wire.Present(c.Error) && !wire.Present(wrong) {
			body, wrong = c.Error, c.Error
		}
		break
	}
	if wire.Present(wrong) {
		return d.failed(body, a)
	}
	return nil
}

// addMessage takes what is new in an answer.
func (d *decoder) addMessage(s *chatMessage, a *wire.Answer) {
	text, thought := s.words()
	if s.ReasoningContent != "" {
		d.content = true
	}
	if thought != "" {
		d.think(a).Write(wire.Text(d.thought.fresh(thought)))
	}
	if text != "" {
		d.write(a).Write(wire.Text(d.said.fresh(text)))
	}
	a.Refuse(s.Refusal)
	for _, c := range s.calls() {
		d.addCallPiece(c, a)
	}
	d.keepOpaque(s, a)
}

// message takes a whole message, or as much as there is of it so far. It may come beside deltas, or say again what they
// said; and some endpoints call a delta so.
func (d *decoder) message(s *chatMessage, a *wire.Answer) {
	text, thought := s.words()
	if s.ReasoningContent != "" {
		d.content = true
	}
	again := func(g *cumulativeText, all string) wire.Text {
		if all == "" || d.deltas || strings.HasPrefix(all, g.all.String()) {
			return wire.Text(g.rest(all))
		}
		g.all.WriteString(all)
		return wire.Text(all)
	}
	if more := again(&d.thought, thought); more != "" {
		d.think(a).Write(more)
	}
	if more := again(&d.said, text); more != "" {
		d.write(a).Write(more)
	}
	a.Refusal(s.Refusal)
	before := len(d.calls)
	for i, c := range s.calls() {
		name := string(c.Function.Name)
		switch known := d.byID[string(c.ID)]; {
		case known != nil && c.ID != "" && (name == "" || known.Name == name) && before > 0:
			d.extendCall(known, c, a)
		case i < before && (name == "" || d.calls[i].Name == name || d.calls[i].Name == ""):
			d.extendCall(d.calls[i], c, a)
		default:
			d.openCall(c, a)
		}
	}
	if !d.deltas || len(d.details) == 0 {
		d.keepOpaque(s, a)
	}
}

// keepOpaque notes what has to go back with the next turn.
func (d *decoder) keepOpaque(s *chatMessage, a *wire.Answer) {
	for _, e := range s.Details {
		d.detail(e)
	}
	if wire.Present(s.Extra) {
		d.extra = s.Extra
	}
	if (len(d.details) > 0 || d.extra != nil) && d.thoughts == nil {
		d.think(a)
	}
}

// words are the text and the thoughts of a message.
func (s *chatMessage) words() (text, thought string) {
	text, thought = flatten(s.Content)
	switch {
	case s.ReasoningContent != "":
		thought = string(s.ReasoningContent)
	case s.Reasoning != "":
		thought = string(s.Reasoning)
	}
	return text, thought
}

func (s *chatMessage) calls() []callPiece {
	if s.FunctionCall != nil && len(s.ToolCalls) == 0 {
		return []callPiece{{Index: new(wire.Number), Function: *s.FunctionCall}}
	}
	for i := range s.ToolCalls {
		if c := &s.ToolCalls[i]; c.Function.Name == "" && c.Function.text() == "" {
			c.Function = c.namedFunction
		}
	}
	return s.ToolCalls
}

func (d *decoder) think(a *wire.Answer) *wire.Slot {
	if d.thoughts == nil {
		d.thoughts = a.Open(llm.PartReasoning)
	}
	return d.thoughts
}

func (d *decoder) write(a *wire.Answer) *wire.Slot {
	if d.text == nil {
		d.text = a.Open(llm.PartText)
	}
	return d.text
}

// detail joins what is streamed of one detail.
func (d *decoder) detail(e detail) {
	if n := len(d.details); n == 0 || d.details[n-1]["type"] != e["type"] || d.details[n-1]["index"] != e["index"] || e["index"] == nil {
		d.sealDetail()
		d.details, d.texts = append(d.details, detail{}), map[string]*strings.Builder{}
	}
	last := d.details[len(d.details)-1]
	for k, v := range e {
		add, isText := v.(string)
		switch {
		case isText && (k == "text" || k == "summary" || k == "data" || k == "signature"):
			if d.texts[k] == nil {
				d.texts[k] = new(strings.Builder)
			}
			d.texts[k].WriteString(add)
		case v != nil || last[k] == nil:
			last[k] = v
		}
	}
}

// sealDetail puts the texts of the last detail into it.
func (d *decoder) sealDetail() {
	for k, text := range d.texts {
		d.details[len(d.details)-1][k] = text.String()
	}
	d.texts = nil
}

// addCallPiece takes a piece of a tool call. Endpoints leave the index out, give every call the same one or every piece another,
// send no id, the same id for all calls or another with each piece: a call begins where a name or an id comes after
// arguments that are whole.
func (d *decoder) addCallPiece(c callPiece, a *wire.Answer) {
	s := d.findCall(&c)
	if s != nil && !beginsNewCall(s, &c, c.Index != nil && d.at[*c.Index] == nil, a) {
		d.extendCall(s, c, a)
		return
	}
	s = d.openCall(c, a)
	if c.Index != nil {
		if d.at == nil {
			d.at = map[wire.Number]*wire.Slot{}
		}
		d.at[*c.Index] = s
	}
}

// findCall returns the call that a piece is of by its index and id, nil if there is none.
func (d *decoder) findCall(c *callPiece) *wire.Slot {
	byID := d.byID[string(c.ID)]
	if c.Index != nil {
		if s := d.at[*c.Index]; s != nil && (byID == nil || s.ID == string(c.ID)) {
			return s
		}
	}
	if byID != nil || c.Function.Name != "" || len(d.calls) == 0 {
		return byID
	}
	last := d.calls[len(d.calls)-1]
	switch open := !last.Whole() && len(last.Bytes()) > 0; {
	case c.ID == "" && (c.Index == nil || open), c.Index == nil && open:
		return last
	}
	return nil
}

// beginsNewCall says whether a piece that could be of call s begins another. A new index speaks for that.
func beginsNewCall(s *wire.Slot, c *callPiece, newIndex bool, a *wire.Answer) bool {
	id, name, args := string(c.ID), string(c.Function.Name), c.Function.text()
	again := args == string(s.Bytes()) && name == s.Name // the same call once more
	switch {
	case id != "" && s.ID != "" && id != s.ID:
		goesOn := len(s.Bytes()) > 0 && args != "" && args[0] != '{' || name == ""
		return s.Whole() || !goesOn
	case name == "" || s.Name == "" || again:
		return false
	case !s.Whole():
		return len(s.Bytes()) == 0 && name != s.Name && !a.Offers(s.Name+name) && !strings.HasPrefix(name, s.Name)
	case id == "":
		return true
	}
	return name != s.Name || newIndex || s.Differs(args)
}

// openCall begins a call.
func (d *decoder) openCall(c callPiece, a *wire.Answer) *wire.Slot {
	s := a.Call("", string(c.Function.Name))
	d.calls = append(d.calls, s)
	d.extendCall(s, c, a)
	return s
}

// extendCall adds to a call.
func (d *decoder) extendCall(s *wire.Slot, c callPiece, a *wire.Answer) {
	if id := string(c.ID); s.ID == "" && id != "" {
		s.ID = id
		if d.byID == nil {
			d.byID = map[string]*wire.Slot{}
		}
		d.byID[id] = s
	}
	switch name := string(c.Function.Name); {
	case s.Name == "" || len(s.Bytes()) == 0 && strings.HasPrefix(name, s.Name): // all of it so far
		s.Rename(name)
	case name != "" && len(s.Bytes()) == 0 && a.Offers(s.Name+name):
		s.Rename(s.Name + name)
	}
	if wire.Present(c.Extra) {
		s.Opaque = c.Extra
	}
	s.Write(wire.Text(c.Function.text()))
}

// text is the arguments, which are JSON in a string, or as they are.
func (f *namedFunction) text() string {
	raw := f.Arguments
	for _, other := range []json.RawMessage{f.Parameters, f.Input} {
		if len(raw) == 0 || string(raw) == "null" {
			raw = other
		}
	}
	switch {
	case len(raw) == 0 || string(raw) == "null":
		return ""
	case raw[0] == '"':
		var t wire.Text
		_ = json.Unmarshal(raw, &t)
		return string(t)
	default:
		return string(raw)
	}
}

// keepSigned keeps what has to go back unchanged with the next turn.
func (d *decoder) keepSigned() {
	if d.thoughts == nil {
		return
	}
	k := opaqueState{Extra: d.extra}
	if d.content {
		k.Reasoning = string(d.thoughts.Bytes())
	}
	if len(d.details) > 0 {
		d.sealDetail()
		k.Details = wire.MustJSON(d.details)
	}
	if k.Reasoning != "" || k.Details != nil || k.Extra != nil {
		d.thoughts.Opaque = wire.MustJSON(k)
	}
}

// finishes has the words for why an answer ended, in small letters with _ for other signs.
var finishes = map[string]llm.FinishKind{
	"stop": llm.FinishStop, "stopped": llm.FinishStop, "eos": llm.FinishStop, "eos_token": llm.FinishStop, "end": llm.FinishStop, "end_turn": llm.FinishStop,
	"end_of_turn": llm.FinishStop, "stop_sequence": llm.FinishStop, "stop_token": llm.FinishStop, "complete": llm.FinishStop, "completed": llm.FinishStop,
	"finished": llm.FinishStop, "done": llm.FinishStop, "normal": llm.FinishStop, "success": llm.FinishStop,

	"length": llm.FinishLength, "max_tokens": llm.FinishLength, "max_length": llm.FinishLength, "model_length": llm.FinishLength, "max_output_tokens": llm.FinishLength,
	"max_new_tokens": llm.FinishLength, "max_completion_tokens": llm.FinishLength, "token_limit": llm.FinishLength, "limit": llm.FinishLength,
	"context_length": llm.FinishLength, "model_context_window_exceeded": llm.FinishLength, "context_window_exceeded": llm.FinishLength,

	"tool_calls": llm.FinishToolCalls, "tool_call": llm.FinishToolCalls, "toolcalls": llm.FinishToolCalls, "tool_use": llm.FinishToolCalls, "tooluse": llm.FinishToolCalls,
	"function_call": llm.FinishToolCalls, "function_calls": llm.FinishToolCalls,

	"content_filter": llm.FinishContentFilter, "content_filtered": llm.FinishContentFilter, "contentfilter": llm.FinishContentFilter, "safety": llm.FinishContentFilter,
	"sensitive": llm.FinishContentFilter, "guardrail_intervened": llm.FinishContentFilter, "guardrail": llm.FinishContentFilter, "blocked": llm.FinishContentFilter,
	"blocklist": llm.FinishContentFilter, "prohibited_content": llm.FinishContentFilter, "recitation": llm.FinishContentFilter, "moderation": llm.FinishContentFilter,
	"model_armor": llm.FinishContentFilter, "spii": llm.FinishContentFilter, "content_policy_violation": llm.FinishContentFilter,

	"refusal": llm.FinishRefusal, "pause_turn": llm.FinishPause,

	"insufficient_system_resource": llm.FinishError, "error": llm.FinishError, "failed": llm.FinishError, "abort": llm.FinishError, "aborted": llm.FinishError,
	"cancelled": llm.FinishError, "canceled": llm.FinishError, "network_error": llm.FinishError, "timeout": llm.FinishError, "server_error": llm.FinishError,
}

var plainWord = strings.NewReplacer("-", "_", " ", "_", ".", "_")

func (d *decoder) stop(reason string, a *wire.Answer) {
	if reason == "" || reason == "null" {
		return
	}
	a.FinishRaw, a.Finish = reason, llm.FinishOther
	word := plainWord.Replace(strings.ToLower(reason))
	if kind, ok := finishes[word]; ok {
		a.Finish = kind
	}
	switch word {
	case "insufficient_system_resource":
		a.Failure = llm.Overloaded
	case "timeout":
		a.Failure = llm.Timeout
	}
}

func (d *decoder) use(u *wireUsage, a *wire.Answer) {
	if u == nil {
		return
	}
	cached, write, thought := max(u.CacheHit, u.Cached), wire.Number(0), wire.Number(0)
	if u.PromptDetails != nil {
		cached, write = max(cached, u.PromptDetails.Cached), u.PromptDetails.Write
	}
	if u.CompletionDetails != nil {
		thought = u.CompletionDetails.Reasoning
	}
	a.Use(cmp.Or(u.Prompt, u.Input), cached, write, cmp.Or(u.Completion, u.Output), thought)
}

// flatten is the text and the thoughts of a content, which may come in parts.
func flatten(raw json.RawMessage) (text, thought string) {
	if len(raw) == 0 {
		return "", ""
	}
	if raw[0] == '"' {
		var t wire.Text
		_ = json.Unmarshal(raw, &t)
		return string(t), ""
	}
	var parts wire.List[struct {
		Type     string          `json:"type"`
		Text     wire.Text       `json:"text"`
		Thinking json.RawMessage `json:"thinking"` // a string, or parts
	}]
	_ = json.Unmarshal(raw, &parts)
	for _, p := range parts {
		switch p.Type {
		case "thinking", "reasoning":
			inner, _ := flatten(p.Thinking)
			thought += inner + string(p.Text)
		case "", "text", "output_text":
			text += string(p.Text)
		}
	}
	return text, thought
}
