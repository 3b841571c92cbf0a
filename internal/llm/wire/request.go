package wire

import (
	"crypto/sha256"
	"encoding/base64"
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

// DataURL is a picture as an address.
func DataURL(i *llm.Image) string {
	return "data:" + i.Type + ";base64," + base64.StdEncoding.EncodeToString(i.Data)
}

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

// Arguments are a call's arguments as an object, whatever the conversation holds: providers refuse anything else. Of a
// call whose arguments could not be read its result tells.
func Arguments(c *llm.ToolCall) json.RawMessage {
	args, err := llm.ReadArguments(c.Arguments)
	if err != nil {
		return json.RawMessage("{}")
	}
	return args
}

// Strict says whether a provider's strict mode takes schema: every object is closed and requires all its properties.
func Strict(schema json.RawMessage) bool {
	var v any
	if json.Unmarshal(schema, &v) != nil {
		return false
	}
	ok := true
	Subschemas(v, func(s map[string]any) {
		for _, k := range []string{"allOf", "oneOf", "not", "if", "then", "else", "patternProperties", "propertyNames", "uniqueItems", "minProperties", "maxProperties"} {
			ok = ok && s[k] == nil
		}
		props, _ := s["properties"].(map[string]any)
		if s["type"] != "object" && props == nil {
			return
		}
		ok = ok && s["additionalProperties"] == false
		required, _ := s["required"].([]any)
		for name := range props {
			ok = ok && slices.Contains(required, any(name))
		}
	})
	return ok
}

// Subschemas calls visit with schema and every schema inside it, but not with what only looks like one, such as a
// property that is named like a keyword.
func Subschemas(schema any, visit func(map[string]any)) {
	s, ok := schema.(map[string]any)
	if !ok {
		return
	}
	visit(s)
	for k, v := range s {
		switch k {
		case "properties", "patternProperties", "$defs", "definitions", "dependentSchemas":
			named, _ := v.(map[string]any)
			for _, e := range named {
				Subschemas(e, visit)
			}
		case "anyOf", "oneOf", "allOf", "prefixItems":
			all, _ := v.([]any)
			for _, e := range all {
				Subschemas(e, visit)
			}
		case "items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames":
			Subschemas(v, visit)
		}
	}
}
