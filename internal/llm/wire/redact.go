package wire

import (
	"regexp"
	"strings"
	"unicode"
)

const maxMessage = 600 // runes of a provider's message that are kept

// secretLike finds what looks like a key, whoever's it is; named finds a value that is said to be one.
var (
	secretLike = regexp.MustCompile(`\b(?:sk-|gsk_|xai-|nvapi-|hf_|pplx-|csk-|r8_|fw_|AIza|AQ\.|ya29\.|eyJ)[\w*.…-]{6,}`)
	named      = regexp.MustCompile(`(?i)(\b(?:bearer|basic)\s+|[?&](?:key|api_key|access_token)=|\b(?:key provided|api key):\s*)([^\s"',&]{6,})`)
)

// elided finds a word with its middle left out.
var elided = regexp.MustCompile(`([\w-]*)(?:\*{2,}|\.{3,}|…)([\w-]*)`)

// redact makes a provider's words fit to be logged: one line, short, without keys or pieces of them.
func redact(s string, secrets []string) string {
	for _, k := range secrets {
		s = strings.ReplaceAll(s, k, "[redacted]")
	}
	if len(s) > 16*maxMessage {
		s = s[:16*maxMessage]
	}
	s = secretLike.ReplaceAllString(s, "[redacted]")
	s = named.ReplaceAllStringFunc(s, func(m string) string {
		p := named.FindStringSubmatch(m)
		if strings.Contains(p[2], "redacted") {
			return m
		}
		return p[1] + "[redacted]"
	})
	s = elided.ReplaceAllStringFunc(s, func(m string) string {
		p := elided.FindStringSubmatch(m)
		for _, k := range secrets {
			if len(p[1]) >= 2 && strings.HasPrefix(k, p[1]) || len(p[2]) >= 2 && strings.HasSuffix(k, p[2]) {
				return "[redacted]"
			}
		}
		return m
	})
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
	if n := []rune(s); len(n) > maxMessage {
		s = string(n[:maxMessage]) + "…"
	}
	return strings.ToValidUTF8(s, "�")
}
