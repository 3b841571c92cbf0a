package wire

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"

	"codeforge/internal/llm"
)

// Mine says whether p's Opaque came from this provider and model, and so may be sent back to it.
func Mine(p llm.Part, provider, model string) bool {
	return len(p.Opaque) > 0 && p.Provider == provider && p.Model == model
}

// Made says whether the id of a call was made here, because the provider gave none.
func Made(id string) bool { return strings.HasPrefix(id, madePrefix) }

// ID is id in the alphabet and length that every provider takes. Another provider's id may be neither; call and result
// come out alike.
func ID(id string) string {
	ok := id != "" && len(id) <= 64
	for i := 0; ok && i < len(id); i++ {
		c := id[i]
		ok = c == '_' || c == '-' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
	}
	if ok {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	return "call_" + hex.EncodeToString(sum[:12])
}

// Arguments are a call's arguments as an object, whatever the conversation holds.
func Arguments(c *llm.ToolCall) json.RawMessage {
	if len(c.Arguments) == 0 || string(c.Arguments) == "null" {
		return json.RawMessage("{}")
	}
	return c.Arguments
}

// Strict says whether a provider's strict mode takes schema: every object is closed and requires all its properties.
func Strict(schema json.RawMessage) bool {
	var v any
	return json.Unmarshal(schema, &v) == nil && strict(v)
}

func strict(v any) bool {
	switch v := v.(type) {
	case []any:
		return !slices.ContainsFunc(v, func(e any) bool { return !strict(e) })
	case map[string]any:
		props, _ := v["properties"].(map[string]any)
		if v["type"] == "object" || props != nil {
			if v["additionalProperties"] != false {
				return false
			}
			required, _ := v["required"].([]any)
			for name := range props {
				if !slices.Contains(required, any(name)) {
					return false
				}
			}
		}
		for k, e := range v {
			switch k {
			case "allOf", "oneOf", "not", "if", "then", "else", "patternProperties", "propertyNames", "uniqueItems", "minProperties", "maxProperties":
				return false
			case "enum", "const", "default", "examples", "required":
			default:
				if !strict(e) {
					return false
				}
			}
		}
	}
	return true
}
