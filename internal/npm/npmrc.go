package npm

import (
	"context"
	"encoding/base64"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// Machine is what npm on this machine is set to: by the environment, the user's .npmrc and the global one. Where they name
// no registry npm itself is asked, if that is wanted and it is there: what it would use may be built into it. A project's own .npmrc is
// never read.
func Machine(ctx context.Context, getenv func(string) string, ask bool) Registry {
	settings := map[string]string{}
	for _, file := range []string{globalFile(getenv), userFile(getenv)} {
		if b, err := os.ReadFile(file); file != "" && err == nil && len(b) < 1<<20 {
			readSettings(string(b), getenv, settings)
		}
	}
	r := Registry{URL: settings["registry"], Scopes: map[string]string{}, CAFile: settings["cafile"], Proxy: settings["https-proxy"]}
	for _, name := range []string{"npm_config_registry", "NPM_CONFIG_REGISTRY"} {
		if v := getenv(name); v != "" {
			r.URL = v
		}
	}
	for key, value := range settings {
		if scope, ok := strings.CutSuffix(key, ":registry"); ok && strings.HasPrefix(scope, "@") {
			r.Scopes[scope] = value
		}
	}
	r.Credentials = credentials(settings)
	if r.URL == "" && ask {
		r.URL = askNPM(ctx, getenv)
	}
	return r
}

func userFile(getenv func(string) string) string {
	for _, name := range []string{"npm_config_userconfig", "NPM_CONFIG_USERCONFIG"} {
		if v := getenv(name); v != "" {
			return v
		}
	}
	for _, name := range []string{"HOME", "USERPROFILE"} {
		if home := getenv(name); home != "" {
			return filepath.Join(home, ".npmrc")
		}
	}
	return ""
}

// globalFile is etc/npmrc beside the folder that node runs from.
func globalFile(getenv func(string) string) string {
	for _, name := range []string{"npm_config_globalconfig", "NPM_CONFIG_GLOBALCONFIG"} {
		if v := getenv(name); v != "" {
			return v
		}
	}
	prefix := getenv("PREFIX")
	if prefix == "" {
		for _, dir := range filepath.SplitList(getenv("PATH")) {
			node, err := filepath.EvalSymlinks(filepath.Join(dir, "node"))
			if dir == "" || err != nil {
				continue
			}
			prefix = filepath.Dir(filepath.Dir(node))
			break
		}
	}
	if prefix == "" {
		return ""
	}
	return filepath.Join(prefix, "etc", "npmrc")
}

var variable = regexp.MustCompile(`\$\{([^}?]+)\??\}`)

// readSettings reads an .npmrc: key = value, with ${NAME} for variables.
func readSettings(text string, getenv func(string) string, into map[string]string) {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == ';' || line[0] == '#' || line[0] == '[' {
			continue
		}
		key, value, _ := strings.Cut(line, "=")
		expand := func(s string) string {
			return variable.ReplaceAllStringFunc(s, func(v string) string { return getenv(variable.FindStringSubmatch(v)[1]) })
		}
		key, value = expand(strings.TrimSpace(key)), strings.Trim(strings.TrimSpace(value), `"'`)
		if value = expand(value); value == "null" || value == "undefined" {
			value = ""
		}
		into[key] = value
	}
}

func credentials(settings map[string]string) []Credential {
	var out []Credential
	for key, value := range settings {
		if !strings.HasPrefix(key, "//") || value == "" {
			continue
		}
		at := strings.LastIndexByte(key, ':')
		if at < 0 {
			continue
		}
		prefix := strings.TrimSuffix(key[:at], "/") + "/"
		switch key[at+1:] {
		case "_authToken":
			out = append(out, Credential{prefix, "Bearer " + value})
		case "_auth":
			out = append(out, Credential{prefix, "Basic " + value})
		case "_password":
			password, err := base64.StdEncoding.DecodeString(value)
			if user := settings[key[:at]+":username"]; err == nil && user != "" {
				out = append(out, Credential{prefix, "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+string(password)))})
			}
		}
	}
	return out
}

// askNPM asks npm itself which registry it would use, away from any project.
func askNPM(ctx context.Context, getenv func(string) string) string {
	npm, err := exec.LookPath("npm")
	if err != nil {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	empty, err := os.MkdirTemp("", "npm-config-")
	if err != nil {
		return ""
	}
	defer os.RemoveAll(empty)
	cmd := exec.CommandContext(ctx, npm, "config", "get", "registry")
	cmd.Dir, cmd.WaitDelay = empty, time.Second
	for _, name := range []string{"PATH", "HOME", "USERPROFILE", "APPDATA", "SystemRoot"} {
		if v := getenv(name); v != "" {
			cmd.Env = append(cmd.Env, name+"="+v)
		}
	}
	out, err := cmd.Output()
	if err != nil {
		return ""
	}
	address := strings.TrimSpace(string(out))
	if _, err := parseRegistry(address); err != nil {
		return ""
	}
	return address
}
