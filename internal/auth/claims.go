package auth

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/golang-jwt/jwt/v5"
)

// compact reports whether a token has the form of a signed JWT: three parts in the alphabet of base64url. The decoder
// alone would pass over line breaks, so that one token could be written in many ways.
func compact(token string) bool {
	dots := 0
	for i := range len(token) {
		switch c := token[i]; {
		case c == '.':
			if i == 0 || i == len(token)-1 || token[i-1] == '.' {
				return false
			}
			dots++
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '-', c == '_':
		default:
			return false
		}
	}
	return dots == 2
}

// checkHeader refuses what a reader of the header could understand in two ways, and extensions that must be understood.
// Keys in the header (jwk, jku, x5c) are what any forger would send: nobody looks at them.
func checkHeader(token string, header map[string]any) error {
	encoded, _, _ := strings.Cut(token, ".")
	raw, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil || checkStrictJSON(raw) != nil {
		return errInvalid
	}
	if _, ok := header["crit"]; ok {
		return errInvalid
	}
	if kid, ok := header["kid"]; ok {
		if s, ok := kid.(string); !ok || len(s) > 256 {
			return errInvalid
		}
	}
	return nil
}

// claims are those of an access token of Supabase that matter here. What a user can write (user_metadata) is not among
// them.
type claims struct {
	raw            []byte // the payload as it was signed
	iss, sub, role string
	email          string
	aud            jwt.ClaimStrings
	exp, iat, nbf  *jwt.NumericDate
	anonymous      bool
}

// UnmarshalJSON reads a payload in the one way that it can be read: each name once and as it is spelled, each value of
// its type.
func (c *claims) UnmarshalJSON(data []byte) error {
	if err := checkStrictJSON(data); err != nil {
		return err
	}
	// A struct would also take Sub for sub.
	var all map[string]json.RawMessage
	if err := json.Unmarshal(data, &all); err != nil {
		return err
	}
	c.raw = bytes.Clone(data)
	for name, to := range map[string]any{"iss": &c.iss, "sub": &c.sub, "role": &c.role, "email": &c.email, "aud": &c.aud, "is_anonymous": &c.anonymous} {
		if value, ok := all[name]; ok {
			if err := json.Unmarshal(value, to); err != nil {
				return err
			}
		}
	}
	for name, to := range map[string]**jwt.NumericDate{"exp": &c.exp, "iat": &c.iat, "nbf": &c.nbf} {
		var seconds *float64
		if value, ok := all[name]; ok {
			if err := json.Unmarshal(value, &seconds); err != nil {
				return err
			}
		}
		if seconds == nil {
			continue
		}
		const year9999 = 253402300799
		if *seconds < 0 || *seconds > year9999 {
			return errors.New("no time")
		}
		*to = new(jwt.NumericDate)
		if err := (*to).UnmarshalJSON(all[name]); err != nil {
			return err
		}
	}
	return nil
}

// Validate names what must be there beside what jwt itself asks for.
func (c *claims) Validate() error {
	if c.sub == "" || c.role == "" {
		return jwt.ErrTokenRequiredClaimMissing
	}
	return nil
}

func (c *claims) GetExpirationTime() (*jwt.NumericDate, error) { return c.exp, nil }
func (c *claims) GetIssuedAt() (*jwt.NumericDate, error)       { return c.iat, nil }
func (c *claims) GetNotBefore() (*jwt.NumericDate, error)      { return c.nbf, nil }
func (c *claims) GetIssuer() (string, error)                   { return c.iss, nil }
func (c *claims) GetSubject() (string, error)                  { return c.sub, nil }
func (c *claims) GetAudience() (jwt.ClaimStrings, error)       { return c.aud, nil }

// checkStrictJSON accepts a JSON object that everybody reads alike: valid UTF-8, no name twice in one object, and no NUL, which
// Postgres, where claims go to, cannot hold.
func checkStrictJSON(data []byte) error {
	if data = bytes.TrimSpace(data); !utf8.Valid(data) || !json.Valid(data) || data[0] != '{' {
		return errors.New("no JSON object")
	}
	// From here on a brace outside of a text is structure, and a quote begins a text.
	type level struct {
		names  map[string]bool // nil: an array
		isName bool            // the next text is one
	}
	var open []level
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '{':
			open = append(open, level{names: map[string]bool{}, isName: true})
		case '[':
			open = append(open, level{})
		case '}', ']':
			open = open[:len(open)-1]
		case ',':
			top := &open[len(open)-1]
			top.isName = top.names != nil
		case '"':
			start := i
			for i++; data[i] != '"'; i++ {
				if data[i] == '\\' {
					i++
				}
			}
			text := string(data[start+1 : i])
			if strings.Contains(text, `\`) {
				if err := json.Unmarshal(data[start:i+1], &text); err != nil {
					return err
				}
				if strings.Contains(text, "\x00") {
					return errors.New("NUL")
				}
			}
			if top := &open[len(open)-1]; top.isName {
				if top.names[text] {
					return errors.New("a name twice")
				}
				top.names[text], top.isName = true, false
			}
		}
	}
	return nil
}
