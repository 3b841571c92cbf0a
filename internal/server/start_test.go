package server

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"codeforge/internal/sqlite"
)

// startError starts a server as the command does, as far as it comes, and returns what kept it.
func startError(t *testing.T, args []string) error {
	t.Helper()
	var c Config
	all := append([]string{"--data-dir", filepath.Join(t.TempDir(), "data"), "--host", "127.0.0.1", "--port", "0", "--npm-registry", "off", "--smoke", "off"}, args...)
	if err := parse(&c, all); err != nil {
		return err
	}
	if err := c.ValidateServing(); err != nil {
		return err
	}
	s, err := Open(t.Context(), &c, io.Discard)
	if err != nil {
		return err
	}
	defer s.Close()
	return s.Listen()
}

// TestStartErrorsSayTheWayOn: whatever keeps a server from starting is told with what to do about it.
func TestStartErrorsSayTheWayOn(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	dir := t.TempDir()
	file := writeFile(t, filepath.Join(dir, "file"), "no certificate, no JSON, no folder\n")
	cert, key, _ := certificate(t)
	_, otherKey, _ := certificate(t)
	freshDatabase(t) // it makes the logins
	empty, _ := emptyDatabase(t)
	project := newProject(t)
	folder := func(change func(database string)) string {
		at := filepath.Join(t.TempDir(), "data")
		s, err := sqlite.Open(t.Context(), at, sqlite.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		change(filepath.Join(at, sqlite.DatabaseName))
		return at
	}
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	damaged := folder(func(database string) {
		must(os.WriteFile(database, []byte(strings.Repeat("no database ", 1000)), 0o600))
	})
	emptied := folder(func(database string) { must(os.Truncate(database, 0)) })
	inUse := folder(func(string) {})
	held, err := sqlite.Open(t.Context(), inUse, sqlite.Options{})
	must(err)
	defer held.Close()
	noSecret := t.TempDir()
	must(os.Mkdir(filepath.Join(noSecret, "stream.secret"), 0o700))
	shortSecret := t.TempDir()
	writeFile(t, filepath.Join(shortSecret, "stream.secret"), "short")
	models := func(text string) string { return writeFile(t, filepath.Join(t.TempDir(), "models.json"), text) }
	for _, c := range []struct {
		name string
		args []string
		next string // what to do
	}{
		{"unknown flag", []string{"--prot", "1"}, `did you mean "--port"`},
		{"no number", []string{"--port", "x"}, "expected a valid"},
		{"no port", []string{"--port", "70000"}, "0 to 65535"},
		{"no time", []string{"--agent-timeout", "soon"}, "write seconds (300) or a span (5m)"},
		{"no amount", []string{"--budget-job", "much"}, "write it like 2.50"},
		{"no level", []string{"--log-level", "LOUD"}, "DEBUG, INFO, WARNING or ERROR"},
		{"no role", []string{"--role", "boss"}, "must be one of"},
		{"no agent", []string{"--agent-concurrency", "boss=1"}, "there are"},
		{"no origin", []string{"--allowed-origins", "example.com"}, "write it like https://app.example.com"},
		{"no network", []string{"--trusted-proxies", "proxy"}, "10.0.0.0/8"},
		{"short secret", []string{"--stream-secret", "x"}, "at least 32 characters"},
		{"short key", []string{"--key-encryption-key", "x"}, "at least 32 characters"},

		{"port in use", []string{"--port", port}, "stop it, or choose another port with --port or PORT"},
		{"foreign address", []string{"--insecure", "--host", "203.0.113.1"}, "leave the host out of"},
		{"no address", []string{"--insecure", "--host", "nowhere.invalid"}, "name one of its addresses"},
		{"beyond this machine", []string{"--host", "0.0.0.0"}, "leave HOST out"},
		{"metrics in use", []string{"--metrics-addr", "127.0.0.1:" + port}, "with METRICS_ADDR"},

		{"data folder in use", []string{"--data-dir", inUse}, "stop that one, or choose another folder"},
		{"data folder is a file", []string{"--data-dir", file}, "choose another folder with --data-dir or DATA_DIR"},
		{"data folder below a file", []string{"--data-dir", filepath.Join(file, "data")}, "choose another folder with --data-dir or DATA_DIR"},
		{"damaged database", []string{"--data-dir", damaged}, "restore the folder from a backup"},
		{"emptied database", []string{"--data-dir", emptied}, "restore the folder from a backup"},
		{"secret cannot be read", []string{"--data-dir", noSecret}, "set STREAM_SECRET"},
		{"no secret", []string{"--data-dir", shortSecret}, "delete it, a new one will be made"},
		{"worker of an embedded store", []string{"--role", "worker"}, "set DATABASE_URL"},

		{"database away", []string{"--supabase-url", project.url, "--database-url", "postgresql://u:p@127.0.0.1:1/db"}, "check host and port"},
		{"no schema", []string{"--supabase-url", project.url, "--database-url", empty}, "codeforge migrate"},
		{"password that is not encoded", []string{"--database-url", "postgresql://u:a#b@db.example.com/db"}, "%23"},
		{"dashboard's address", []string{"--supabase-url", "https://supabase.com/dashboard/project/x"}, "looks like https://"},
		{"browsers' key", []string{"--supabase-url", project.url, "--supabase-service-key", "sb_publishable_x"}, "set it to the secret key"},
		{"key without project", []string{"--supabase-service-key", "sb_secret_x"}, "set SUPABASE_URL"},
		{"replicas of nothing", []string{"--database-replica-urls", "postgresql://u:p@db/db"}, "set DATABASE_URL"},
		{"no Redis", []string{"--redis-url", "http://localhost"}, "redis://"},

		{"no models file", []string{"--models-file", filepath.Join(dir, "none.json")}, "name a file that this program may read"},
		{"models file is no JSON", []string{"--models-file", file}, "models file " + file},
		{"models file of nobody", []string{"--models-file", models(`{"format": 1, "routes": [{"agent": "code", "chain": ["nobody:x"]}]}`)}, "nobody"},
		{"audit log without folder", []string{"--audit-log", filepath.Join(dir, "none", "audit.log")}, "name a file in a folder that is there"},
		{"no certificate", []string{"--tls-cert-file", file, "--tls-key-file", file}, "must be PEM files"},
		{"certificate's other half", []string{"--tls-cert-file", cert}, "TLS_KEY_FILE"},
		{"key of another certificate", []string{"--tls-cert-file", cert, "--tls-key-file", otherKey}, "the key that of the certificate"},
		{"certificate twice", []string{"--tls-cert-file", cert, "--tls-key-file", key, "--tls-domains", "api.example.com"}, "not both"},
		{"no name for a certificate", []string{"--tls-domains", "*.example.com"}, "like api.example.com"},
		{"production without users", []string{"--environment", "production"}, "set one of them"},
		{"production without a model", []string{"--environment", "production"}, "LLM_SCAFFOLD=true"},
		{"no package cache", []string{"--npm-deny", "a b"}, "NPM_DENY"},
	} {
		err := startError(t, c.args)
		if err == nil || !strings.Contains(err.Error(), c.next) {
			t.Errorf("%s: %v\nsays no %q", c.name, err, c.next)
		}
	}
}

// TestEnvironmentErrorsSayTheWayOn: so is what keeps settings from being read.
func TestEnvironmentErrorsSayTheWayOn(t *testing.T) {
	emptyEnvironment(t)
	for _, c := range []struct{ name, dotenv, next string }{
		{"no line", "PORT\n", "write each line as NAME=value"},
		{"secret's file is not there", "OPENAI_API_KEY_FILE=/nonexistent/key\n", "name a file that this program may read"},
		{"secret twice", "OPENAI_API_KEY=x\nOPENAI_API_KEY_FILE=/nonexistent/key\n", "leave one out"},
		{"empty secret", "OPENAI_API_KEY_FILE=" + writeFile(t, filepath.Join(t.TempDir(), "key"), "\n") + "\n", "write the secret into it"},
	} {
		writeFile(t, ".env", c.dotenv)
		if _, err := LoadEnvironment(); err == nil || !strings.Contains(err.Error(), c.next) {
			t.Errorf("%s: %v\nsays no %q", c.name, err, c.next)
		}
	}
}
