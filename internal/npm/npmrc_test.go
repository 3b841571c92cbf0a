package npm

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// TestMachine: what npm on a machine is set to, read as npm reads it.
func TestMachine(t *testing.T) {
	dir := t.TempDir()
	user, global := filepath.Join(dir, "home", ".npmrc"), filepath.Join(dir, "etc", "npmrc")
	write(t, filepath.Join(dir, "bin", "node"), "")
	write(t, global, "registry = https://global.example.com/npm\ncafile=/etc/ca.pem\n")
	write(t, user, `
; the user's
# and another comment
registry=https://user.example.com/npm/
@acme:registry="https://acme.example.com"
//acme.example.com/:_authToken=${ACME_TOKEN}
//user.example.com/npm/:_auth = dTpw
//other.example.com/:username=u
//other.example.com/:_password=cA==
//empty.example.com/:_authToken=${NOTHING}
audit=false
[section]
`)
	env := map[string]string{"HOME": filepath.Join(dir, "home"), "PATH": filepath.Join(dir, "bin"), "ACME_TOKEN": "secret"}
	getenv := func(name string) string { return env[name] }
	r := Machine(t.Context(), getenv, false)
	slices.SortFunc(r.Credentials, func(a, b Credential) int { return strings.Compare(a.Prefix, b.Prefix) })
	want := Registry{URL: "https://user.example.com/npm/", CAFile: "/etc/ca.pem", Scopes: map[string]string{"@acme": "https://acme.example.com"}, Credentials: []Credential{
		{"//acme.example.com/", "Bearer secret"}, {"//other.example.com/", "Basic dTpw"}, {"//user.example.com/npm/", "Basic dTpw"},
	}}
	if !reflect.DeepEqual(r, want) {
		t.Errorf("%+v\nwant %+v", r, want)
	}
	env["npm_config_registry"] = "https://env.example.com/"
	if r := Machine(t.Context(), getenv, true); r.URL != "https://env.example.com/" {
		t.Error(r.URL)
	}
	delete(env, "npm_config_registry")
	os.Remove(user)
	if r := Machine(t.Context(), getenv, false); r.URL != "https://global.example.com/npm" {
		t.Error(r.URL)
	}
	os.Remove(global)
	if r := Machine(t.Context(), getenv, false); r.URL != "" {
		t.Error(r.URL)
	}
	// Only then npm is asked, in a folder in which there is nothing.
	write(t, filepath.Join(dir, "bin", "npm"), "#!/bin/sh\n[ \"$*\" = 'config get registry' ] && [ -z \"$(ls -A)\" ] && [ -z \"$SECRET\" ] && echo https://asked.example.com/\n")
	if err := os.Chmod(filepath.Join(dir, "bin", "npm"), 0o755); err != nil {
		t.Fatal(err)
	}
	env["SECRET"], env["PATH"] = "x", filepath.Join(dir, "bin")+string(filepath.ListSeparator)+os.Getenv("PATH")
	t.Setenv("PATH", env["PATH"])
	if r := Machine(t.Context(), getenv, true); r.URL != "https://asked.example.com/" {
		t.Error(r.URL)
	}
}

// TestRegistryAddress: what no registry can be is refused, in words that hold nothing of it.
func TestRegistryAddress(t *testing.T) {
	for _, bad := range []string{"packages.example.com", "ftp://x/", "https://u:secret@x/", "://", "file:///etc"} {
		if _, err := Open(Options{Dir: t.TempDir(), Registry: Registry{URL: bad}}); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}
