package google

import (
	"encoding/json"

	"codeforge/internal/llm"
	"codeforge/internal/llm/wire"
)

type request struct {
	System   *content  `json:"systemInstruction,omitempty"`
	Tools    []tools   `json:"tools,omitempty"`
	Contents []content `json:"contents"`
	Config   *config   `json:"generationConfig,omitempty"`
}

type content struct {
	Role  string `json:"role,omitempty"`
	Parts []part `json:"parts"`
}

type part struct {
	Text      *string         `json:"text,omitempty"`
	Inline    *inlineData     `json:"inlineData,omitempty"`
	Thought   bool            `json:"thought,omitempty"`
	Signature json.RawMessage `json:"thoughtSignature,omitempty"` // a string
	Call      *functionCall   `json:"functionCall,omitempty"`
	Response  *result         `json:"functionResponse,omitempty"`
}

type inlineData struct {
	Type string `json:"mimeType"`
	Data []byte `json:"data"`
}

type functionCall struct {
	ID   string          `json:"id,omitempty"`
	Name string          `json:"name"`
	Args json.RawMessage `json:"args,omitempty"`
}

type result struct {
	ID       string            `json:"id,omitempty"`
	Name     string            `json:"name"`
	Response map[string]string `json:"response"`
}

type tools struct {
	Functions []function `json:"functionDeclarations"`
}

type function struct {
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	Parameters  json.RawMessage `json:"parametersJsonSchema,omitempty"`
}

type config struct {
	MaxOutput   int             `json:"maxOutputTokens,omitempty"`
	Temperature *float64        `json:"temperature,omitempty"`
	MIMEType    string          `json:"responseMimeType,omitempty"`
	Schema      json.RawMessage `json:"responseJsonSchema,omitempty"`
	Thinking    *thinking       `json:"thinkingConfig,omitempty"`
}

type thinking struct {
	Level   string `json:"thinkingLevel"`
	Include bool   `json:"includeThoughts,omitempty"`
}

// foreign stands where Gemini wants the signature of a call that another model made; Google documents it for that.
var foreign = json.RawMessage(`"skip_thought_signature_validator"`)

func requestBody(req *llm.Request, provider string, limit int) *request {
	r := &request{Contents: []content{}}
	if req.System != "" {
		r.System = &content{Parts: []part{{Text: &req.System}}}
	}
	if len(req.Tools) > 0 {
		var t tools
		for _, f := range req.Tools {
			t.Functions = append(t.Functions, function(f))
		}
		r.Tools = []tools{t}
	}
	for _, m := range req.Messages {
		if parts := parts(m, provider, req.Model); len(parts) > 0 {
			role := "user"
			if m.Role == llm.RoleAssistant {
				role = "model"
			}
			r.Contents = append(r.Contents, content{role, parts})
		}
	}
	c := config{MaxOutput: limit, Temperature: req.Temperature}
	if req.Schema != nil {
		c.MIMEType, c.Schema = "application/json", req.Schema.JSON
	}
	switch req.Effort {
	case "":
	case "none", "minimal":
		c.Thinking = &thinking{Level: "MINIMAL"}
	case "low":
		c.Thinking = &thinking{"LOW", true}
	case "medium":
		c.Thinking = &thinking{"MEDIUM", true}
	default:
		c.Thinking = &thinking{"HIGH", true}
	}
	r.Config = &c
	return r
}

func parts(m llm.Message, provider, model string) []part {
	var out []part
	called := false
	for _, p := range m.Parts {
		var w part
		if wire.Mine(p, provider, model) {
			w.Signature = p.Opaque
		}
		switch p.Kind {
		case llm.PartText, llm.PartRefusal:
			if p.Text == "" && w.Signature == nil {
				continue
			}
			w.Text = &p.Text
		case llm.PartImage:
			w.Inline = &inlineData{p.Image.Type, p.Image.Data}
		case llm.PartReasoning:
			if w.Signature == nil {
				continue
			}
			w.Text, w.Thought = &p.Text, true
		case llm.PartToolCall:
			// Of parallel calls only the first is signed.
			if w.Signature == nil && !called && p.Provider+p.Model != provider+model {
				w.Signature = foreign
			}
			called = true
			w.Call = &functionCall{providerID(p.Call.ID), p.Call.Name, wire.Arguments(p.Call)}
		case llm.PartToolResult:
			key := "output"
			if p.Result.IsError {
				key = "error"
			}
			w.Response = &result{providerID(p.Result.ID), p.Result.Name, map[string]string{key: p.Result.Content}}
		default:
			continue
		}
		out = append(out, w)
	}
	return out
}

// providerID is the id of a call unless it was made here: Gemini may give none, and is then asked for none.
func providerID(id string) string {
	if wire.Made(id) {
		return ""
	}
	return id
}
