package wire

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strconv"
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

// encoded finds a word that may be a key in another form: in base64, hex, percent-encoding, or with the escapes of JSON.
var encoded = regexp.MustCompile(`[\w+/=%.~\\-]{12,}`)

// hidesSecret reports whether a word is a key in one of the forms in which keys are sent, or in one within another.
func hidesSecret(word string, secrets []string, depth int) bool {
	var plain []string
	add := func(s string, err error) {
		if err == nil && s != word {
			plain = append(plain, s)
		}
	}
	add(url.QueryUnescape(word))
	add(strconv.Unquote(`"` + word + `"`))
	digits := strings.TrimRight(word, "=")
	if len(digits)%4 == 1 {
		digits = digits[:len(digits)-1] // cut off
	}
	for _, decode := range []func(string) ([]byte, error){hex.DecodeString, base64.RawStdEncoding.DecodeString, base64.RawURLEncoding.DecodeString} {
		b, err := decode(digits)
		add(string(b), err)
	}
	for _, s := range plain {
		if secretLike.MatchString(s) || slices.ContainsFunc(secrets, func(k string) bool { return strings.Contains(s, k) }) || depth > 1 && hidesSecret(s, secrets, depth-1) {
			return true
		}
	}
	return false
}

// spellings are the forms of a key that its characters may break into several words.
func spellings(k string) []string {
	all := []string{k, url.QueryEscape(k), url.PathEscape(k), strings.Trim(strconv.Quote(k), `"`), strings.Trim(strconv.QuoteToASCII(k), `"`)}
	if quoted, err := json.Marshal(k); err == nil {
		all = append(all, strings.Trim(string(quoted), `"`))
	}
	return all
}

// redact makes a provider's words fit to be logged: one line, short, without keys or pieces of them.
func redact(s string, secrets []string) string {
	for _, k := range secrets {
		for _, form := range spellings(k) {
			s = strings.ReplaceAll(s, form, "[redacted]")
		}
	}
	if len(s) > 16*maxMessage {
		s = s[:16*maxMessage]
	}
	s = secretLike.ReplaceAllString(s, "[redacted]")
	s = encoded.ReplaceAllStringFunc(s, func(word string) string {
		if hidesSecret(word, secrets, 2) {
			return "[redacted]"
		}
		return word
	})
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
