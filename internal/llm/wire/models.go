package wire

import (
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"codeforge/internal/llm"
)

// listedModel has the names that providers give to a model's properties in their lists.
type listedModel struct {
	ID         string          `json:"id"`
	Name       string          `json:"name"` // Google, with models/ before it; elsewhere for show
	Created    json.RawMessage `json:"created"`
	CreatedAt  json.RawMessage `json:"created_at"`
	Deprecated json.RawMessage `json:"deprecated_at"`
	Retires    json.RawMessage `json:"retires_at"`    // Anthropic
	Shutdown   json.RawMessage `json:"shutdown_date"` // OpenAI
	Expires    json.RawMessage `json:"expiration_date"`
	Lifecycle  string          `json:"lifecycle"`

	Status struct {
		Retires json.RawMessage `json:"retirementTime"`
	} `json:"modelStatus"`

	InputLimit    float64  `json:"inputTokenLimit"`
	OutputLimit   float64  `json:"outputTokenLimit"`
	MaxInput      float64  `json:"max_input_tokens"`
	MaxTokens     float64  `json:"max_tokens"`
	ContextLength float64  `json:"context_length"`
	ContextWindow float64  `json:"context_window"`
	MaxModelLen   float64  `json:"max_model_len"`
	MaxCompletion float64  `json:"max_completion_tokens"`
	Methods       []string `json:"supportedGenerationMethods"`
}

// parseModels reads one page of a list and the query that asks for the next, "" after the last.
func parseModels(body []byte) (page []llm.Listed, more string, err error) {
	var list struct {
		Data    *[]json.RawMessage `json:"data"`
		Models  *[]json.RawMessage `json:"models"`
		HasMore bool               `json:"has_more"`
		LastID  string             `json:"last_id"`
		Next    string             `json:"nextPageToken"`
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, "", err
	}
	rows := list.Data
	if rows == nil {
		rows = list.Models
	}
	if rows == nil {
		return nil, "", errors.New("no list of models")
	}
	for _, row := range *rows {
		var m listedModel
		if err := json.Unmarshal(row, &m); err != nil {
			return nil, "", err
		}
		if m.ID == "" {
			m.ID = strings.TrimPrefix(m.Name, "models/")
		}
		if m.ID == "" || m.Methods != nil && !slices.Contains(m.Methods, "generateContent") {
			continue
		}
		page = append(page, llm.Listed{
			ID:         m.ID,
			Created:    firstTime(m.Created, m.CreatedAt),
			Deprecated: firstTime(m.Deprecated),
			Ends:       firstTime(m.Shutdown, m.Retires, m.Status.Retires, m.Expires),
			Gone:       m.Lifecycle == "retired",
			Context:    int(max(m.InputLimit, m.MaxInput, m.ContextLength, m.ContextWindow, m.MaxModelLen)),
			MaxOutput:  int(max(m.OutputLimit, m.MaxTokens, m.MaxCompletion)),
		})
	}
	switch {
	case list.Next != "":
		more = "pageToken=" + url.QueryEscape(list.Next)
	case list.HasMore && list.LastID != "":
		more = "after_id=" + url.QueryEscape(list.LastID)
	}
	return page, more, nil
}

// firstTime returns the first that is a date, a time or Unix seconds. Times before 1971 say that nothing is known.
func firstTime(raws ...json.RawMessage) time.Time {
	for _, raw := range raws {
		var v any
		if json.Unmarshal(raw, &v) != nil {
			continue
		}
		var t time.Time
		switch v := v.(type) {
		case float64:
			if v > 0 && v < 1e11 {
				t = time.Unix(int64(v), 0).UTC()
			}
		case string:
			var err error
			if t, err = time.Parse(time.RFC3339, v); err != nil {
				t, _ = time.Parse(time.DateOnly, v)
			}
		}
		if t.Year() > 1970 {
			return t
		}
	}
	return time.Time{}
}
