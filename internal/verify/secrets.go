package verify

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"path"
	"regexp"
	"strings"
)

// Secret is a text in a file that gives whoever has it access to something.
type Secret struct {
	Line  int
	Kind  string // in words, with an article
	Value string
}

// secretForm is the form of a key that its giver made to be recognized. mark is what stands in every text of the form.
type secretForm struct {
	kind, mark string
	re         *regexp.Regexp
}

// common reports whether a form has no giver: anybody can make one for a test.
func (f secretForm) common() bool { return f.mark == "PRIVATE KEY" || f.mark == "://" }

var secretForms = func() (forms []secretForm) {
	for _, f := range [][3]string{
		{"a private key", "PRIVATE KEY", `-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----(?:\s|\\n|\\r)*[A-Za-z0-9+/=]{16,}`},
		{"an AWS access key", "AKIA", `AKIA[A-Z0-9]{16}\b`}, {"an AWS access key", "ASIA", `ASIA[A-Z0-9]{16}\b`},
		{"a GitHub token", "ghp_", `ghp_[A-Za-z0-9]{36,255}\b`}, {"a GitHub token", "gho_", `gho_[A-Za-z0-9]{36,255}\b`}, {"a GitHub token", "ghu_", `ghu_[A-Za-z0-9]{36,255}\b`},
		{"a GitHub token", "ghs_", `ghs_[A-Za-z0-9]{36,255}\b`}, {"a GitHub token", "ghr_", `ghr_[A-Za-z0-9]{36,255}\b`}, {"a GitHub token", "github_pat_", `github_pat_[A-Za-z0-9_]{60,255}\b`},
		{"a GitLab token", "glpat-", `glpat-[A-Za-z0-9_-]{20,}`}, {"a Stripe key", "sk_live_", `sk_live_[A-Za-z0-9]{16,}`}, {"a Stripe key", "rk_live_", `rk_live_[A-Za-z0-9]{16,}`},
		{"a Stripe secret", "whsec_", `whsec_[A-Za-z0-9+/=]{24,}`}, {"an Anthropic key", "sk-ant-", `sk-ant-[A-Za-z0-9_-]{20,}`}, {"an OpenRouter key", "sk-or-", `sk-or-[A-Za-z0-9_-]{32,}`},
		{"an OpenAI key", "sk-", `sk-(?:proj-|svcacct-|admin-)?[A-Za-z0-9_-]{32,}`}, {"a Google API key", "AIza", `AIza[A-Za-z0-9_-]{35}`}, {"a Google client secret", "GOCSPX-", `GOCSPX-[A-Za-z0-9_-]{24,}`},
		{"a Google token", "ya29.", `ya29\.[A-Za-z0-9_-]{30,}`}, {"a Slack token", "xox", `xox[abeoprs]-[A-Za-z0-9-]{16,}`}, {"a Slack token", "xapp-", `xapp-\d-[A-Za-z0-9-]{20,}`},
		{"a Slack webhook", "hooks.slack.com", `https://hooks\.slack\.com/services/T[A-Za-z0-9]{6,}/B[A-Za-z0-9]{6,}/[A-Za-z0-9]{16,}`}, {"a Discord webhook", "api/webhooks/", `https://(?:\w+\.)?discord(?:app)?\.com/api/webhooks/\d{16,}/[A-Za-z0-9_-]{50,}`},
		{"a Telegram bot token", ":AA", `\d{8,10}:AA[A-Za-z0-9_-]{33}\b`}, {"a SendGrid key", "SG.", `SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{32,}`}, {"a Mailgun key", "key-", `key-[a-f0-9]{32}\b`},
		{"a Twilio key", "SK", `SK[a-f0-9]{32}\b`}, {"an npm token", "npm_", `npm_[A-Za-z0-9]{36}\b`}, {"a PyPI token", "pypi-", `pypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{50,}`}, {"a Hugging Face token", "hf_", `hf_[A-Za-z0-9]{34,}\b`},
		{"a DigitalOcean token", "_v1_", `do[opr]_v1_[a-f0-9]{64}\b`}, {"a Shopify token", "shp", `shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}\b`}, {"a Square token", "sq0csp-", `sq0csp-[A-Za-z0-9_-]{40,}`},
		{"a Supabase secret key", "sb_secret_", `sb_secret_[A-Za-z0-9_-]{20,}`}, {"a Supabase token", "sbp_", `sbp_[a-f0-9]{40}\b`}, {"a Databricks token", "dapi", `dapi[a-f0-9]{32}\b`}, {"a Postman key", "PMAK-", `PMAK-[a-f0-9]{24}-[a-f0-9]{34}\b`},
		{"a Groq key", "gsk_", `gsk_[A-Za-z0-9]{40,}\b`}, {"an Azure storage key", "AccountKey=", `AccountKey=[A-Za-z0-9+/]{86}==`},
		{"an address with a password", "://", `(?:postgres(?:ql)?|mysql|mariadb|mongodb(?:\+srv)?|rediss?|amqps?|mssql|ftp|https?)://[^\s:/@"'<>{}$]{1,64}:([^\s:/@"'<>{}$]{6,128})@[\w.-]+`},
	} {
		forms = append(forms, secretForm{f[0], f[1], regexp.MustCompile(f[2])})
	}
	return forms
}()

var (
	tokenRE = regexp.MustCompile(`eyJ[A-Za-z0-9_-]{10,}\.(eyJ[A-Za-z0-9_-]{10,})\.[A-Za-z0-9_-]{20,}`)
	// A name that says secret, and a text that is given to it.
	namedSecret = regexp.MustCompile(`(?i)([\w.-]*(?:secret|passw(?:or)?d|api[_-]?key|access[_-]?key|bearer|private[_-]?key|encryption[_-]?key|signing[_-]?key|role[_-]?key|credentials?|token)[\w-]{0,20})["']?\s*(?::|=>?|:=|,|\s)\s*(?:Bearer\s+)?["'\x60]?([A-Za-z0-9+/_=.~!@#$%^&*-]{16,200})["'\x60]?`)
	secretWords = []string{"secret", "passw", "api", "key", "bearer", "credential", "token"}
	sampleForm  = regexp.MustCompile(`(?i)example|sample|dummy|placeholder|change.?me|your|xxxx|000000|fake|mock|redacted|insert|replace|\.\.\.|\*\*\*`)
	sampleText  = regexp.MustCompile(`(?i)1234567|abcdefg|test[_-]?key|todo|key_?here|<|process\.env|import\.meta|\$\{|lorem|password`)
	hashName    = regexp.MustCompile(`(?i)hash|digest|checksum|integrity|etag|sha\d|public|publish|anon|url$|_id$|Id$|name$|label`)
	hexadecimal = regexp.MustCompile(`^(?:0x)?[0-9a-fA-F-]+$`)
	publicText  = []string{"eyJ", "data:", "pk_", "sb_publishable_", "sha256-", "sha384-", "sha512-", "/", "./", "#", "var(", "--", "@"}
)

// What a text of random signs has of entropy, in bits a character, and words have not.
const (
	minEntropy    = 3.6
	minHexEntropy = 3.0
)

// Secrets finds what looks like a secret in the text of a file: by the forms that givers of keys made to be recognized, and by a name that
// says so with a text of high entropy. Hashes, ids, keys that are public by design and samples are none.
func Secrets(p, text string) (found []Secret) {
	seen := map[string]bool{}
	add := func(at int, kind, value string) {
		if !seen[value] && len(found) < maxSecrets {
			seen[value] = true
			found = append(found, Secret{1 + strings.Count(text[:at], "\n"), kind, value})
		}
	}
	madeUp := isMadeUp(p)
	for _, f := range secretForms {
		if !strings.Contains(text, f.mark) || madeUp && f.common() {
			continue
		}
		for from, looks := 0, 0; looks < maxLooks; looks++ {
			at := strings.Index(text[from:], f.mark)
			if at < 0 {
				break
			}
			at += from
			from = at + len(f.mark)
			start, end := max(0, at-beforeMark), min(len(text), at+afterMark)
			for _, m := range f.re.FindAllStringSubmatchIndex(text[start:end], maxSecrets) {
				whole := text[start+m[0] : start+m[1]]
				value := whole
				if len(m) > 2 && m[2] >= 0 {
					value = text[start+m[2] : start+m[3]]
				}
				if (start+m[0] == 0 || !isWordByte(text[start+m[0]-1])) && !isPublicKey(value, text) && !isSampleValue(f.kind, value, whole) {
					add(start+m[0], f.kind, value)
				}
				from = max(from, start+m[1])
			}
		}
	}
	if strings.Contains(text, "eyJ") {
		for _, m := range tokenRE.FindAllStringSubmatchIndex(text, maxSecrets) {
			if strings.Contains(claimsOf(text[m[2]:m[3]]), "service_role") {
				add(m[0], "a Supabase service key", text[m[0]:m[1]])
			}
		}
	}
	if isLockOrData(p) || madeUp {
		return found
	}
	at := 0
	for line := range strings.Lines(text) {
		if len(line) <= maxSecretLine && holdsAny(strings.ToLower(line), secretWords) {
			for _, m := range namedSecret.FindAllStringSubmatchIndex(line, 5) {
				if value := strings.TrimRight(line[m[4]:m[5]], ".,;"); (isSettings(p) || isGiven(line, m)) && isRandom(line[m[2]:m[3]], value) && !isPublicKey(value, text) {
					add(at+m[4], "a secret in the open", value)
				}
			}
		}
		at += len(line)
	}
	return found
}

const (
	maxSecrets    = 20 // that are told of one file
	maxLooks      = 1_000
	beforeMark    = 100 // bytes around a mark in which a form is looked for
	afterMark     = 400
	maxSecretLine = 2_000
)

// isGiven reports whether a value in a line of code, found by namedSecret, is one: a text of its own, what follows Bearer, or a part of an
// address.
func isGiven(line string, m []int) bool {
	name := m[2]
	return strings.IndexByte("\"'`", line[m[4]-1]) >= 0 || strings.EqualFold(line[name:m[3]], "bearer") || name > 0 && strings.IndexByte("?&", line[name-1]) >= 0 && line[m[4]-1] == '='
}

func isWordByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
}

// isRandom tells a value that nobody made up, under a name that says secret: no hash, id, path or sample.
func isRandom(name, value string) bool {
	least := minEntropy
	if hexadecimal.MatchString(value) {
		if least = minHexEntropy; strings.Contains(value, "-") || len(value) < 32 {
			return false
		}
	}
	for _, mark := range publicText {
		if strings.HasPrefix(value, mark) {
			return false
		}
	}
	return !hashName.MatchString(name) && !sampleForm.MatchString(value) && !sampleText.MatchString(value) && !strings.Contains(value, "://") && mixed(value) && entropy(value) >= least
}

func holdsAny(text string, words []string) bool {
	for _, w := range words {
		if strings.Contains(text, w) {
			return true
		}
	}
	return false
}

// isPublicKey tells keys that are made to be read by everybody who opens an app.
func isPublicKey(value, text string) bool {
	return strings.HasPrefix(value, "AIza") && (strings.Contains(text, "authDomain") || strings.Contains(text, "firebase") || strings.Contains(text, "maps.google"))
}

// isSampleValue tells what documents show in place of a secret.
func isSampleValue(kind, value, whole string) bool {
	switch {
	case kind == "a private key":
		return false
	case kind == "an address with a password":
		lower := strings.ToLower(value)
		return strings.Contains(whole, "localhost") || strings.Contains(whole, "127.0.0.1") || strings.Contains(whole, "example") || strings.Contains(whole, "@host") || strings.HasSuffix(whole, "@db") || strings.HasSuffix(whole, "@postgres") ||
			strings.Contains(lower, "pass") || strings.Contains(lower, "secret") || sampleForm.MatchString(value)
	case strings.HasPrefix(value, "AKIA") || strings.HasPrefix(value, "ASIA"):
		return strings.HasSuffix(value, "EXAMPLE")
	}
	return sampleForm.MatchString(value) || entropy(value) < 3
}

// claimsOf decodes the claims of a JSON web token, "" when they are none.
func claimsOf(part string) string {
	raw, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil || !json.Valid(raw) {
		return ""
	}
	return string(raw)
}

// entropy is Shannon's, in bits a character.
func entropy(s string) (bits float64) {
	counts := map[byte]int{}
	for i := range len(s) {
		counts[s[i]]++
	}
	for _, n := range counts {
		share := float64(n) / float64(len(s))
		bits -= share * math.Log2(share)
	}
	return bits
}

// mixed reports whether letters and digits stand in a text as in none that a person makes up.
func mixed(s string) bool {
	letters, digits, changes := 0, 0, 0
	last := 0
	for i := range len(s) {
		class := 0
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			digits++
			class = 1
		case c >= 'a' && c <= 'z':
			letters++
			class = 2
		case c >= 'A' && c <= 'Z':
			letters++
			class = 3
		}
		if class != last {
			changes++
		}
		last = class
	}
	return letters >= 4 && digits >= 2 && changes >= 5
}

// isLockOrData tells files full of hashes.
func isLockOrData(p string) bool {
	base := strings.ToLower(path.Base(p))
	return strings.Contains(base, "lock") || strings.HasSuffix(base, ".sum") || strings.HasSuffix(base, ".map") || strings.HasSuffix(base, ".svg") || strings.HasSuffix(base, ".snap") || strings.Contains(base, ".min.")
}

// isMadeUp tells files in which secrets are made up: tests, and samples of settings.
func isMadeUp(p string) bool {
	p = "/" + strings.ToLower(p)
	return holdsAny(p, []string{"/test/", "/tests/", "/__tests__/", "/__mocks__/", "/fixtures/", "/mocks/", ".test.", ".spec.", "_test.", "/cypress/", "/e2e/", ".example", ".sample", ".template", ".md"})
}

// isSettings tells files in which texts stand without quotes.
func isSettings(p string) bool {
	base := strings.ToLower(path.Base(p))
	switch path.Ext(base) {
	case ".yaml", ".yml", ".ini", ".properties", ".conf", ".cfg", ".toml", ".sh", ".txt", ".tf", ".tfvars":
		return true
	}
	return strings.HasPrefix(base, ".env") || strings.HasSuffix(base, ".env") || strings.HasPrefix(base, "dockerfile") || strings.HasPrefix(base, ".")
}

// checkSecrets warns of secrets in the files of a project, which everybody can read who can read it.
func (t *tree) checkSecrets(d *diagnostics) {
	for _, p := range t.paths {
		if t.isOutput(p) {
			continue
		}
		for _, s := range Secrets(p, t.files[p]) {
			d.add(p, s.Line, 1, SeverityWarning, "This looks like %s: whoever can read the project can use it. Take it out and make a new one", s.Kind)
		}
	}
}
