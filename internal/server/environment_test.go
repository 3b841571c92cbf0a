package server

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// emptyEnvironment is a folder without .env, and no setting set.
func emptyEnvironment(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name := range SettingNames() {
		t.Setenv(name, "") // and what a test sets is gone after it
	}
	UnsetEmpty()
}

func TestEnvironment(t *testing.T) {
	emptyEnvironment(t)
	key := writeFile(t, filepath.Join(t.TempDir(), "key"), "from-a-file\r\n")
	t.Setenv("PORT", "1234")
	writeFile(t, ".env", "PORT=1\nLOG_LEVEL=DEBUG\nHOST=\nOPENAI_API_KEY_FILE="+key+"\nSOMETHING_ELSE=x\n")
	t.Cleanup(func() { os.Unsetenv("SOMETHING_ELSE") })
	env, err := LoadEnvironment()
	if err != nil {
		t.Fatal(err)
	}
	holds := func(want map[string][2]string) {
		t.Helper()
		var c Config
		if err := parse(&c, []string{"--workers", "3"}); err != nil {
			t.Fatal(err)
		}
		for _, s := range c.Settings(env, map[string]bool{"workers": true}) {
			if w, ok := want[s.Name]; ok && w != [2]string{s.Value, s.Origin} {
				t.Errorf("%s is %q from %s, want %q", s.Name, s.Value, s.Origin, w)
			}
		}
	}
	holds(map[string][2]string{"PORT": {"1234", "environment"}, "LOG_LEVEL": {"DEBUG", ".env"}, "HOST": {"", "default"}, "OPENAI_API_KEY": {"[set]", key}, "WORKERS": {"3", "flag"}, "JOB_LEASE": {"15s", "default"}, "DRAIN_DELAY": {"", "default"}})
	if os.Getenv("SOMETHING_ELSE") != "x" || os.Getenv("OPENAI_API_KEY") != "from-a-file" {
		t.Error("what .env holds is no variable")
	}

	// What is gone from .env is gone, what is new holds, and the process's own variables stay.
	writeFile(t, ".env", "PORT=1\nLOG_LEVEL=ERROR\nANTHROPIC_API_KEY=a\n")
	if err := env.Reload(); err != nil {
		t.Fatal(err)
	}
	holds(map[string][2]string{"PORT": {"1234", "environment"}, "LOG_LEVEL": {"ERROR", ".env"}, "OPENAI_API_KEY": {"", "default"}, "ANTHROPIC_API_KEY": {"[set]", ".env"}})

	// What cannot be used changes nothing, and is told by the name of its setting.
	empty := writeFile(t, filepath.Join(t.TempDir(), "empty"), "\n")
	large := writeFile(t, filepath.Join(t.TempDir(), "large"), strings.Repeat("x", maxSecretFile+1))
	for text, want := range map[string]string{
		"OPENAI_API_KEY=b\nOPENAI_API_KEY_FILE=" + key: "OPENAI_API_KEY and OPENAI_API_KEY_FILE are both set",
		"STREAM_SECRET_FILE=/does/not/exist":           "STREAM_SECRET_FILE: ",
		"GEMINI_API_KEY_FILE=" + empty:                 "is empty",
		"REDIS_URL_FILE=" + large:                      "no secret",
		"DATABASE_URL_FILE=" + t.TempDir():             "DATABASE_URL_FILE: ",
		"A='":                                          ".env",
	} {
		writeFile(t, ".env", text)
		if err := env.Reload(); err == nil || !contains(err.Error(), want) || contains(err.Error(), "from-a-file") {
			t.Errorf("%q: %v", text, err)
		}
	}
	holds(map[string][2]string{"LOG_LEVEL": {"ERROR", ".env"}, "ANTHROPIC_API_KEY": {"[set]", ".env"}})
}

// Whatever is named like a secret is marked as one.
func TestSecretsAreMarked(t *testing.T) {
	like := regexp.MustCompile(`(KEY|SECRET|TOKEN|PASSWORD|DATABASE.*URLS?|REDIS_URL|BROKER_URL|RESULT_BACKEND|HEADERS)$`)
	public := []string{"STREAM_WITHOUT_TOKEN", "SUPABASE_PUBLISHABLE_KEY", "SUPABASE_ANON_KEY"} // pages show the keys to everybody
	for f := range reflect.TypeFor[Config]().Fields() {
		for _, name := range variables(f) {
			if like.MatchString(name) && !slices.Contains(public, name) && !isSecret(f) {
				t.Errorf("%s is named like a secret: give it the tag secret, or another name", name)
			}
		}
	}
}

// Addresses may hold passwords too.
func TestAddressesAreShownWithoutPasswords(t *testing.T) {
	for value, want := range map[string]string{
		"http://localhost:3000,https://a.example": "http://localhost:3000,https://a.example",
		"https://user:hunter2@host/v1":            "https://host/v1 (and what is not shown)",
		"https://host/v1?key=hunter2":             "https://host/v1 (and what is not shown)",
		"https://host/x@hunter2":                  redacted,
		"https://us%er:hunter2@host":              redacted,
		"./data":                                  "./data",
	} {
		if got := withoutPassword(value); got != want {
			t.Errorf("%s is shown as %s", value, got)
		}
	}
}

func TestReload(t *testing.T) {
	emptyEnvironment(t)
	var mu sync.Mutex
	keys := map[string]bool{}
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		keys[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")] = true
		_, _ = w.Write([]byte(`{"object":"list","data":[{"id":"m","object":"model"}]}`))
	}))
	defer provider.Close()
	models, key, own := filepath.Join(t.TempDir(), "models.json"), filepath.Join(t.TempDir(), "key"), filepath.Join(t.TempDir(), "own")
	endpoint := func(name string) string {
		return `{"format":1,"endpoints":[{"name":"` + name + `","url":"` + provider.URL + `/v1","model":"m","key_env":"OUR_ENDPOINT_KEY"}],"routes":[{"agent":"default","chain":["` + name + `:m"]}]}`
	}
	t.Setenv("OUR_ENDPOINT_KEY_FILE", writeFile(t, own, "own-1"))
	dotenv := func(level, secret, port string) {
		writeFile(t, ".env", "LOG_LEVEL="+level+"\nLLM_COMPATIBLE_KEY_FILE="+key+"\nSTREAM_SECRET="+secret+"\nMAX_QUEUED_JOBS="+port+"\n")
	}
	first, second := strings.Repeat("1", 32), strings.Repeat("2", 32)
	dotenv("INFO", first, "100")
	writeFile(t, models, endpoint("first"))
	writeFile(t, key, "key-1")
	env, err := LoadEnvironment()
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"--models-file", models, "--llm-compatible-url", provider.URL + "/v1"}
	var log lockedBuffer
	app, err := Open(t.Context(), configured(t, args...), &log)
	if err != nil {
		t.Fatal(err)
	}
	defer app.Close()
	signed := app.keys.Sum(nil, []byte("a stream"))
	check := func(endpoint, key, own string) {
		t.Helper()
		r := app.router.Load()
		if model := app.health().Model; model != endpoint+":m" {
			t.Errorf("the model is said to be %s", model)
		}
		if _, ok := r.Configured()[endpoint]; !ok {
			t.Errorf("configured are %v", r.Configured())
		}
		mu.Lock()
		clear(keys)
		mu.Unlock()
		if _, err := r.Check(t.Context()); err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		if !keys[key] || !keys[own] || len(keys) != 2 {
			t.Errorf("providers were asked with %v", keys)
		}
	}
	check("first", "key-1", "own-1")
	reload := func() {
		t.Helper()
		if err := env.Reload(); err != nil {
			t.Fatal(err)
		}
		app.Reload(configured(t, append(args, "--data-dir", app.cfg.DataDir)...))
	}
	writeFile(t, models, endpoint("second"))
	writeFile(t, key, "key-2")
	writeFile(t, own, "own-2")
	dotenv("ERROR", second, "200")
	reload()
	check("second", "key-2", "own-2")
	if app.level.Level() != slog.LevelError {
		t.Error(app.level.Level())
	}
	if again := app.keys.Sum(nil, []byte("a stream")); string(again) == string(signed) || !app.keys.Verify([]byte("a stream"), signed) || !app.keys.Verify([]byte("a stream"), again) {
		t.Error("what the old secret signed is not known, or the new one does not sign")
	}
	if !contains(log.String(), "take a restart", "MAX_QUEUED_JOBS") || contains(log.String(), first) || contains(log.String(), "key-2") {
		t.Error(log.String())
	}

	// What cannot be used leaves the old one in force, and the rest is taken over.
	writeFile(t, models, "{")
	writeFile(t, key, "key-3")
	dotenv("WARNING", second, "100")
	reload()
	check("second", "key-2", "own-2")
	if app.level.Level() != slog.LevelWarn || !contains(log.String(), "the old one stays") {
		t.Errorf("%v\n%s", app.level.Level(), log.String())
	}
	writeFile(t, models, endpoint("third"))
	reload()
	check("third", "key-3", "own-2")
}
