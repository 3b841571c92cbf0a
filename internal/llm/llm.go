// Package llm is the neutral language of model calls: one request, one response, one kind of error, whatever provider
// answers. A Provider speaks one provider's wire format; routing, retry, budgets and the journal are decorators of it.
package llm

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"codeforge"
)

// Provider answers one model call.
//
// Generate calls sink, if it is not nil, from its own goroutine with each piece as it arrives, then returns the whole
// answer: the response is complete whether or not anybody watched. An error is always an *Error, except that a context
// that ended gives the context's cause wrapped in an *Error of kind Timeout or Cancelled; partial usage is in the Error.
type Provider interface {
	Name() string // openai, google, anthropic, compatible, scaffold
	Generate(ctx context.Context, req *Request, sink func(Delta)) (*Response, error)
}

// Lister is a Provider that can say which models it has.
type Lister interface {
	Models(ctx context.Context) ([]Listed, error)
}

// Listed is one model of a provider's list.
type Listed struct {
	ID   string    // the provider's own name for it
	Ends time.Time // when the provider says it stops answering; zero: not said
	Gone bool      // it is listed as a record of what was, and no longer answers

	Created    time.Time // as far as told
	Deprecated time.Time // closed to newcomers since; zero: not said
	Context    int       // tokens that it reads; 0: not said
	MaxOutput  int       // tokens; 0: not said
}

// Request is one call. A zero field is left to the provider's default.
//
// A single provider takes Model as its own name for the model. A [Router] takes "" (the route of Call.Agent), or
// "provider:model", split at the first colon, or a name that its catalog knows.
type Request struct {
	Model       string
	System      string
	Messages    []Message
	Tools       []Tool
	Schema      *Schema  // the answer's text must be JSON that fits
	MaxOutput   int      // tokens
	Temperature *float64 // left out where the model refuses it; a route's goes before it
	Effort      string   // none, minimal, low, medium, high, max; "" is the model's own
	Call        Call     // whom it is for; never sent
	Routing     Routing  // how a Router treats it; never sent
}

// Routing is what a caller asks of a [Router] for one request. The zero value is what a job wants.
type Routing struct {
	NoRetry    bool // the first answer of each model counts
	NoFallback bool // the first model's answer counts
	// Observe, if not nil, hears of each attempt, from Generate's goroutine, when it has ended and before any wait.
	Observe func(Attempt)
	// Shrink, if not nil, returns a smaller form of the request that should fit limit tokens as [Estimate] counts them, or
	// nil when there is none. It is called at most once a call: when the request looks or proves too long for a model.
	Shrink func(limit int) *Request
}

// Call says on whose behalf a request is made: what routes, budgets, the ledger and the journal go by.
type Call struct {
	JobID, ProjectID, UserID string
	Agent                    codeforge.AgentType
	Number                   int // of the call in its job, from 1; the same in every run of the job
}

// Role says who speaks. The system's text is in Request.System; a tool's results come from the user's side.
type Role string

const (
	RoleUser      Role = "user"
	RoleAssistant Role = "assistant"
)

// Message is one turn.
type Message struct {
	Role  Role   `json:"role"`
	Parts []Part `json:"parts"`
}

// PartKind says which field of a Part counts.
type PartKind string

const (
	PartText       PartKind = "text"        // Text
	PartImage      PartKind = "image"       // Image, from the user's side
	PartReasoning  PartKind = "reasoning"   // Text, if the provider shows any
	PartRefusal    PartKind = "refusal"     // Text
	PartToolCall   PartKind = "tool_call"   // Call
	PartToolResult PartKind = "tool_result" // Result

	// PartOpenCall is a call whose arguments broke off: Call has its id and name, Text what came of the arguments. It is
	// kept because it was paid for; it must not be run and is never sent back.
	PartOpenCall PartKind = "open_call"
)

// Part is a piece of a message. Opaque is what the provider wants back unchanged in the next turn (a signature, an
// encrypted thought): it is bound to Provider and Model and dropped when another one continues the conversation.
type Part struct {
	Kind     PartKind        `json:"kind"`
	Text     string          `json:"text,omitempty"`
	Image    *Image          `json:"image,omitempty"`
	Call     *ToolCall       `json:"call,omitempty"`
	Result   *ToolResult     `json:"result,omitempty"`
	Opaque   json.RawMessage `json:"opaque,omitempty"`
	Provider string          `json:"provider,omitempty"`
	Model    string          `json:"model,omitempty"`
}

// Text makes a part of plain text.
func Text(s string) Part { return Part{Kind: PartText, Text: s} }

// UserText makes a user's turn of plain text.
func UserText(s string) Message { return Message{Role: RoleUser, Parts: []Part{Text(s)}} }

// ToolCall is the model asking for a tool. Arguments is a JSON object, or a JSON string of what the model wrote in its place
// and [ReadArguments] cannot read: such a call is answered with that error, like any other that failed.
type ToolCall struct {
	ID        string          `json:"id"`
	Name      string          `json:"name"`
	Arguments json.RawMessage `json:"arguments"`
}

// ToolResult answers the call with the same id.
type ToolResult struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Content string `json:"content"`
	IsError bool   `json:"is_error,omitempty"`
}

// Tool is what the model may call. Parameters is a JSON Schema of type object.
type Tool struct {
	Name        string          `json:"name"`
	Description string          `json:"description"`
	Parameters  json.RawMessage `json:"parameters"`
}

// Schema asks for structured output. Name is 1 to 64 of [a-zA-Z0-9_-].
type Schema struct {
	Name string          `json:"name"`
	JSON json.RawMessage `json:"schema"`
}

// DeltaKind says what a Delta carries.
type DeltaKind string

const (
	DeltaText      DeltaKind = "text"
	DeltaReasoning DeltaKind = "reasoning"
	DeltaToolCall  DeltaKind = "tool_call" // Text holds a piece of the arguments; Name is set on the first, and again where it grew
	DeltaRestart   DeltaKind = "restart"   // all pieces so far are void; Text is the provider:model that answers anew
)

// Delta is a piece of an answer on its way.
type Delta struct {
	Kind  DeltaKind
	Text  string
	Index int    // of the tool call, from 0
	Name  string // of the tool
}

// FinishKind says why an answer ended.
type FinishKind string

const (
	FinishStop          FinishKind = "stop"
	FinishLength        FinishKind = "length"
	FinishToolCalls     FinishKind = "tool_calls"
	FinishContentFilter FinishKind = "content_filter"
	FinishRefusal       FinishKind = "refusal"
	FinishPause         FinishKind = "pause" // the provider wants the turn sent back to go on
	FinishError         FinishKind = "error"
	FinishOther         FinishKind = "other"
)

// Usage is what a call consumed. Missing: the provider did not say; it is unknown, not zero. Partial: the answer broke
// off, so the numbers are a lower bound.
type Usage struct {
	codeforge.Usage
	Missing bool `json:"missing,omitempty"`
	Partial bool `json:"partial,omitempty"`
}

// Response is a whole answer.
type Response struct {
	Provider    string      `json:"provider"`
	Model       string      `json:"model"`        // asked for
	ServedModel string      `json:"served_model"` // answered
	Parts       []Part      `json:"parts"`
	Vectors     [][]float32 `json:"vectors,omitempty"` // of a model that embeds: one for each message
	Finish      FinishKind  `json:"finish_kind"`
	FinishRaw   string      `json:"finish_reason"` // the provider's word
	Usage       Usage       `json:"usage"`
	Cost        Cost        `json:"cost,omitzero"`     // set by a Router
	Lost        Lost        `json:"lost,omitzero"`     // set by a Router
	Replayed    bool        `json:"replayed,omitzero"` // it came from the journal and cost nothing this time
}

// Lost is what attempts took that were paid for and gave no answer, so that the call was tried again.
type Lost struct {
	Usage
	Calls int `json:"calls,omitempty"` // whose usage is known
}

// Text joins the text parts.
func (r *Response) Text() string { return r.join(PartText) }

// Reasoning joins what the model showed of its thinking.
func (r *Response) Reasoning() string { return r.join(PartReasoning) }

func (r *Response) join(k PartKind) string {
	var s strings.Builder
	for _, p := range r.Parts {
		if p.Kind == k {
			s.WriteString(p.Text)
		}
	}
	return s.String()
}

// ToolCalls returns the calls in the order in which they were made.
func (r *Response) ToolCalls() []ToolCall {
	var out []ToolCall
	for _, p := range r.Parts {
		if p.Kind == PartToolCall {
			out = append(out, *p.Call)
		}
	}
	return out
}

// Message is the response as the assistant's turn of the conversation.
func (r *Response) Message() Message { return Message{Role: RoleAssistant, Parts: r.Parts} }
