package google

import (
	"encoding/json"
	"errors"

	"codeforge/internal/llm"
	"codeforge/internal/llm/wire"
)

type reply struct {
	Candidates *[]candidate    `json:"candidates"`
	Feedback   *feedback       `json:"promptFeedback"`
	Usage      *usage          `json:"usageMetadata"`
	Model      string          `json:"modelVersion"`
	ID         string          `json:"responseId"`
	Error      json.RawMessage `json:"error"`
}

type candidate struct {
	Index   int `json:"index"`
	Content struct {
		Parts []received `json:"parts"`
	} `json:"content"`
	Finish  string `json:"finishReason"`
	Message string `json:"finishMessage"`
}

type feedback struct {
	Reason  string `json:"blockReason"`
	Message string `json:"blockReasonMessage"`
}

// received has pointers to tell an empty text from a part of another kind.
type received struct {
	Text      *string         `json:"text"`
	Thought   bool            `json:"thought"`
	Signature json.RawMessage `json:"thoughtSignature"`
	Call      *struct {
		ID   string          `json:"id"`
		Name string          `json:"name"`
		Args json.RawMessage `json:"args"`
	} `json:"functionCall"`
}

type usage struct {
	Prompt     int64 `json:"promptTokenCount"`
	Cached     int64 `json:"cachedContentTokenCount"`
	ToolPrompt int64 `json:"toolUsePromptTokenCount"`
	Candidates int64 `json:"candidatesTokenCount"`
	Thoughts   int64 `json:"thoughtsTokenCount"`
}

type decoder struct{}

// Whole implements wire.Decoder.
func (d *decoder) Whole(body []byte, a *wire.Answer) error {
	_, err := d.take(body, a)
	return err
}

// Event implements wire.Decoder. The last event is the one that says why the answer ended, but another with the usage
// may follow it: the stream is read on to its end.
func (d *decoder) Event(ev wire.Event, a *wire.Answer) (bool, error) {
	if string(ev.Data) == "[DONE]" {
		return false, nil
	}
	end, err := d.take(ev.Data, a)
	if end {
		a.Complete()
	}
	return false, err
}

func (d *decoder) take(body []byte, a *wire.Answer) (end bool, err error) {
	var r reply
	if err := json.Unmarshal(body, &r); err != nil {
		return false, wire.Malformed(err)
	}
	if wire.Present(r.Error) {
		return false, wire.Failure(body)
	}
	if r.Candidates == nil && r.Feedback == nil && r.Usage == nil && r.Model == "" && r.ID == "" {
		return false, wire.Malformed(errors.New("a response of unknown shape"))
	}
	if r.Model != "" {
		a.Served = r.Model
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
		a.Finish, a.Reason = llm.FinishContentFilter, "the prompt was blocked: "+f.Reason+" "+f.Message
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
		s = a.Call(p.Call.ID, p.Call.Name)
		s.Write(string(p.Call.Args))
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

func (d *decoder) stop(c candidate, a *wire.Answer) bool {
	if c.Finish == "" {
		return false
	}
	a.FinishRaw, a.Finish, a.Failure = c.Finish, "", ""
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
	}
	switch a.Finish {
	case llm.FinishContentFilter, llm.FinishError:
		a.Reason = c.Finish
		if c.Message != "" {
			a.Reason += ": " + c.Message
		}
	}
	return true
}
