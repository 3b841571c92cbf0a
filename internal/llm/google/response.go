package google

import (
	"bytes"
	"encoding/json"
	"errors"
	"regexp"

	"codeforge/internal/llm"
	"codeforge/internal/llm/wire"
)

type reply struct {
	Candidates *[]candidate    `json:"candidates"`
	Feedback   *feedback       `json:"promptFeedback"`
	Usage      *wireUsage      `json:"usageMetadata"`
	Model      wire.Text       `json:"modelVersion"`
	ID         wire.Text       `json:"responseId"`
	Error      json.RawMessage `json:"error"`
}

type candidate struct {
	Index   wire.Number `json:"index"`
	Content struct {
		Parts wire.List[received] `json:"parts"`
	} `json:"content"`
	Finish  wire.Text `json:"finishReason"`
	Message wire.Text `json:"finishMessage"`
}

type feedback struct {
	Reason  wire.Text `json:"blockReason"`
	Message wire.Text `json:"blockReasonMessage"`
}

// received has pointers to tell an empty text from a part of another kind.
type received struct {
	Text      *wire.Text      `json:"text"`
	Thought   bool            `json:"thought"`
	Signature json.RawMessage `json:"thoughtSignature"`
	Call      *struct {
		ID   wire.Text       `json:"id"`
		Name wire.Text       `json:"name"`
		Args json.RawMessage `json:"args"`
	} `json:"functionCall"`
}

type wireUsage struct {
	Prompt     wire.Number `json:"promptTokenCount"`
	Cached     wire.Number `json:"cachedContentTokenCount"`
	ToolPrompt wire.Number `json:"toolUsePromptTokenCount"`
	Candidates wire.Number `json:"candidatesTokenCount"`
	Thoughts   wire.Number `json:"thoughtsTokenCount"`
}

type decoder struct{}

// Whole implements wire.Decoder.
func (d *decoder) Whole(body []byte, a *wire.Answer) error {
	_, err := d.take(body, a)
	if err == errUnknown {
		err = wire.Malformed(err)
	}
	return err
}

// Event implements wire.Decoder. The last event is the one that says why the answer ended, but another with the usage
// may follow it: the stream is read on to its end.
func (d *decoder) Event(ev wire.Event, a *wire.Answer) (bool, error) {
	if string(bytes.TrimSpace(ev.Data)) == "[DONE]" {
		return false, nil
	}
	end, err := d.take(ev.Data, a)
	if end {
		a.Complete()
	}
	if err == errUnknown {
		a.Strange(err)
		err = nil
	}
	return false, err
}

// End implements wire.Decoder: the reason is the end.
func (d *decoder) End(*wire.Answer) {}

var errUnknown = errors.New("a response of unknown shape")

func (d *decoder) take(body []byte, a *wire.Answer) (end bool, err error) {
	var r reply
	if err := wire.Decode(body, &r); err != nil {
		return false, wire.Malformed(err)
	}
	if wire.Present(r.Error) {
		return false, wire.Failure(body)
	}
	if r.Candidates == nil && r.Feedback == nil && r.Usage == nil && r.Model == "" && r.ID == "" {
		if wire.IsFailure(body) {
			return false, wire.Failure(body)
		}
		return false, errUnknown
	}
	if r.Model != "" {
		a.Served = string(r.Model)
	}
	if u := r.Usage; u != nil {
		a.Use(u.Prompt+u.ToolPrompt, u.Cached, 0, u.Candidates+u.Thoughts, u.Thoughts)
	}
	if r.Candidates != nil {
		for _, c := range *r.Candidates {
			if c.Index != 0 {
				continue
			}
			for _, p := range c.Content.Parts {
				d.part(p, a)
			}
			end = d.stop(c, a)
			break
		}
	}
	if f := r.Feedback; f != nil && (f.Reason != "" && f.Reason != "BLOCKED_REASON_UNSPECIFIED" || f.Message != "") {
		a.Finish, a.Reason = llm.FinishContentFilter, "the prompt was blocked: "+string(f.Reason+" "+f.Message)
		end = true
	}
	return end, nil
}

// part takes a part. Text that continues is joined, but never with a part that is signed: the signature belongs to the
// part as it came.
func (d *decoder) part(p received, a *wire.Answer) {
	signed := len(p.Signature) > 0 && p.Signature[0] == '"'
	var s *wire.Slot
	switch {
	case p.Call != nil:
		s = a.Call(string(p.Call.ID), string(p.Call.Name))
		s.Write(wire.Text(p.Call.Args))
	case p.Text != nil || signed:
		kind := llm.PartText
		if p.Thought {
			kind = llm.PartReasoning
		}
		s = a.Last()
		if s == nil || s.Kind() != kind || signed || s.Opaque != nil {
			s = a.Open(kind)
		}
		if p.Text != nil {
			s.Write(*p.Text)
		}
	default:
		return
	}
	if signed {
		s.Opaque = p.Signature
	}
}

// filtered finds, among reasons that are not known yet, those of a filter: Google adds filters, and reasons with them.
var filtered = regexp.MustCompile(`SAFETY|BLOCK|PROHIBITED|RECITATION|ARMOR|GUARD|POLICY|SPII|FILTER`)

func (d *decoder) stop(c candidate, a *wire.Answer) bool {
	if c.Finish == "" || c.Finish == "FINISH_REASON_UNSPECIFIED" {
		return false
	}
	a.FinishRaw, a.Finish, a.Failure = string(c.Finish), "", ""
	switch c.Finish {
	case "STOP":
		a.Finish = llm.FinishStop
	case "MAX_TOKENS", "CONTINUATION":
		a.Finish = llm.FinishLength
	case "SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION":
		a.Finish = llm.FinishContentFilter
	case "MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MALFORMED_RESPONSE":
		a.Finish, a.Failure = llm.FinishError, llm.MalformedOutput
	case "MISSING_THOUGHT_SIGNATURE":
		a.Finish, a.Failure = llm.FinishError, llm.InvalidRequest
	default:
		a.Finish = llm.FinishOther
		if filtered.MatchString(a.FinishRaw) {
			a.Finish = llm.FinishContentFilter
		}
	}
	switch a.Finish {
	case llm.FinishContentFilter, llm.FinishError:
		a.Reason = a.FinishRaw
		if c.Message != "" {
			a.Reason += ": " + string(c.Message)
		}
	}
	return true
}
