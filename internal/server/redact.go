package server

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"codeforge/internal/llm"
)

// minSecret is the length from which a value is looked for in texts: shorter ones stand in every text.
const minSecret = 4

var (
	// dsnPassword is a password in a list of words and values, the other form of a database's address.
	dsnPassword = regexp.MustCompile(`(?i)\bpassword\s*=\s*('(?:[^'\\]|\\.)*'|[^\s&]+)`)
	// tokenLike is what opens doors whoever it was made by: bearer tokens, signed ones, keys of providers.
	tokenLike = regexp.MustCompile(`(?i)bearer\s+[A-Za-z0-9._~+/=-]{8,}|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*|\b(?:sk|rk|pk|sb_secret|whsec|cf)[-_][A-Za-z0-9_-]{12,}|\bAIza[A-Za-z0-9_-]{20,}`)
	// urlUser is who an address is opened by.
	urlUser = regexp.MustCompile(`([a-z][a-z0-9+.-]*://)[^/?#\s"'@]+(?::[^/?#\s"']*)?@`)
)

// secrets are the values that nobody may see: of settings, of addresses among them, of endpoints of models, and those made in the
// data folder.
func (c *Config) secrets() (all []string) {
	add := func(s string) {
		if len(s) >= minSecret {
			all = append(all, s)
		}
	}
	values := reflect.ValueOf(*c)
	for f := range reflect.TypeFor[Config]().Fields() {
		if len(variables(f)) == 0 {
			continue
		}
		value := show(values.FieldByIndex(f.Index).Interface())
		if isSecret(f) {
			add(value)
			if list, ok := values.FieldByIndex(f.Index).Interface().(List); ok {
				for _, item := range list {
					add(item)
				}
			}
		}
		for item := range strings.SplitSeq(value, ",") {
			if u, err := url.Parse(item); err == nil && u.User != nil {
				password, _ := u.User.Password()
				add(password)
			}
		}
		for _, m := range dsnPassword.FindAllStringSubmatch(value, -1) {
			add(strings.Trim(m[1], "'"))
		}
	}
	if catalog, err := llm.Load(c.ModelsFile); err == nil {
		for _, e := range catalog.Endpoints() {
			if e.KeyEnv != "" {
				key, _ := Secret(e.KeyEnv) // what cannot be read is in no text
				add(key)
			}
		}
	}
	if made, err := filepath.Glob(filepath.Join(c.DataDir, "*.secret")); err == nil {
		for _, name := range made {
			if b, err := os.ReadFile(name); err == nil {
				add(strings.TrimSpace(string(b)))
			}
		}
	}
	return all
}

// redactor takes secrets out of texts, in each form that they have there.
func (c *Config) redactor() func(string) string {
	const gone = "[redacted]"
	var forms []string
	for _, s := range c.secrets() {
		quoted, _ := json.Marshal(s) // a string always marshals
		forms = append(forms, s, url.QueryEscape(s), url.PathEscape(s), strings.Trim(string(quoted), `"`))
	}
	slices.SortFunc(forms, func(a, b string) int { return len(b) - len(a) }) // a longer one may hold a shorter one
	var pairs []string
	for _, form := range slices.Compact(forms) {
		pairs = append(pairs, form, gone)
	}
	known := strings.NewReplacer(pairs...)
	return func(text string) string {
		text = known.Replace(text)
		text = urlUser.ReplaceAllString(text, "${1}"+gone+"@")
		text = dsnPassword.ReplaceAllString(text, "password="+gone)
		return tokenLike.ReplaceAllString(text, gone)
	}
}
