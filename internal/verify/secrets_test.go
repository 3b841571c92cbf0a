package verify

import (
	"encoding/base64"
	"strings"
	"testing"
)

// Keys are put together here, so that nobody's scanner takes this file for a leak.
func TestSecrets(t *testing.T) {
	mix := func(n int) string { return strings.Repeat("aB3dE5gH7jK9mN1p", n/16+1)[:n] }
	hex := func(n int) string { return strings.Repeat("9f3a1c7e5b2d8064", n/16+1)[:n] }
	token := func(claims string) string {
		part := base64.RawURLEncoding.EncodeToString
		return part([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + part([]byte(claims)) + "." + mix(43)
	}
	for _, c := range []struct{ path, text, kind string }{
		{"a.ts", "const k = 'AKIA" + "Q3EGR7ABCDXYZ2M4'", "an AWS access key"}, {".env", "STRIPE=sk_live_" + mix(24), "a Stripe key"}, {"a.py", "t = \"ghp_" + mix(36) + "\"", "a GitHub token"}, {"a.ts", "`github_pat_" + mix(70) + "`", "a GitHub token"},
		{"a.ts", "'sk-ant-api03-" + mix(40) + "'", "an Anthropic key"}, {"a.ts", "'sk-proj-" + mix(48) + "'", "an OpenAI key"}, {"a.ts", "key: 'AIza" + mix(35) + "'", "a Google API key"}, {"a.js", "xoxb-" + "123456789012-" + mix(24), "a Slack token"},
		{"k.pem", "-----BEGIN RSA PRIVATE KEY-----\n" + mix(64), "a private key"}, {"a.ts", "'-----BEGIN PRIVATE KEY-----\\n" + mix(64) + "'", "a private key"}, {"a.ts", "'postgres://app:" + mix(14) + "@db.prod.internal:5432/app'", "an address with a password"},
		{"a.ts", "SG." + mix(22) + "." + mix(43), "a SendGrid key"}, {"a.ts", "createClient(url, '" + token(`{"role":"service_role"}`) + "')", "a Supabase service key"}, {"a.ts", "sb_secret_" + mix(32), "a Supabase secret key"},
		{"a.ts", "headers: { Authorization: 'Bearer q7Xz" + mix(20) + "' }", "a secret in the open"}, {"a.ts", "fetch(`https://api.acme.io/v1?api_key=q7Xz" + mix(20) + "`)", "a secret in the open"},
		{"a.ts", "const apiKey = 'q7Xz" + mix(20) + "'", "a secret in the open"}, {"config.yaml", "client_secret: z9" + mix(30), "a secret in the open"}, {".env", "SESSION_SECRET=" + hex(64), "a secret in the open"}, {"a.json", `{"password": "v8` + mix(18) + `"}`, "a secret in the open"}, {"a.ts", "headers: { authToken: \"w6" + mix(30) + "\" }", "a secret in the open"},
	} {
		if found := Secrets(c.path, "// first line\n"+c.text+"\n"); len(found) != 1 || found[0].Kind != c.kind || found[0].Line != 2 {
			t.Errorf("%s in %s: %+v", c.text, c.path, found)
		}
	}
	for _, c := range []struct{ path, text string }{
		{"a.ts", "const key = 'AKIAIOSFODNN7EXAMPLE'"}, {"index.html", `<script integrity="sha384-` + mix(64) + `" crossorigin></script>`}, {"a.css", "a { background: url(data:image/png;base64," + mix(300) + ") }"}, {"a.ts", "const id = '123e4567-e89b-12d3-a456-426614174000'"},
		{"a.ts", "const tokenId = '123e4567-e89b-12d3-a456-426614174000'"}, {"a.ts", "const commit = '" + hex(40) + "'"}, {"a.ts", "passwordHash: '" + hex(64) + "'"}, {"package-lock.json", `"token": "` + mix(40) + `"`}, {"a.ts", "apiKey: process.env.API_KEY_OF_SERVICE"}, {"a.ts", "apiKey: 'your-api-key-goes-here-123'"},
		{".env.example", "API_KEY=" + mix(30)}, {"a.ts", "api_key = 'sk-your-key-here-xxxxxxxxxxxxxxxxxxxxxxxx'"}, {"firebase.ts", "initializeApp({ apiKey: 'AIza" + mix(35) + "', authDomain: 'a.firebaseapp.com' })"}, {"a.ts", "loadStripe('pk_live_" + mix(24) + "')"}, {"a.ts", "createClient(url, '" + token(`{"role":"anon"}`) + "')"},
		{"a.ts", "'postgres://user:password@localhost:5432/app'"}, {"README.md", "postgres://user:pass@host/db"}, {"a.test.ts", "const token = '" + mix(40) + "'"}, {"a.ts", "const tokenName = 'access-token-of-the-user-2'"}, {"a.ts", "localStorage.getItem('auth_token', fallbackValueOfToken2)"}, {"a.ts", "<input type=password name=new_password>"},
		{"a.ts", "sk_live_" + strings.Repeat("x", 24)}, {"a.ts", "import { secretKeyOfStorage42 } from './secrets'"}, {"i18n.json", `{"password": "Your password must have 16 characters"}`},
	} {
		if found := Secrets(c.path, c.text+"\n"); len(found) > 0 {
			t.Errorf("%s in %s: %+v", c.text, c.path, found)
		}
	}
	r := Check(t.Context(), Tree{Files: map[string]string{"a.ts": "export const k = 'sk_live_" + mix(24) + "'\n"}})
	if !r.OK || len(r.Diagnostics) != 1 || r.Diagnostics[0].Severity != SeverityWarning || !strings.Contains(r.Diagnostics[0].Message, "a Stripe key") || strings.Contains(r.Diagnostics[0].Message, mix(24)) {
		t.Errorf("%+v", r)
	}
}
