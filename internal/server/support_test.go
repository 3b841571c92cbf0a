package server

import (
	"archive/tar"
	"compress/gzip"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

// unpacked is what an archive holds, by name.
func unpacked(t *testing.T, name string) map[string]string {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		all[h.Name] = string(b)
	}
}

// TestSupportHoldsNoSecret: whatever setting is a secret, and however it got into a log, the archive does not hold it.
func TestSupportHoldsNoSecret(t *testing.T) {
	emptyEnvironment(t)
	models := writeFile(t, filepath.Join(t.TempDir(), "models.json"), `{"format":1,"endpoints":[{"name":"ours","url":"http://127.0.0.1:1/v1","model":"m","key_env":"OUR_ENDPOINT_KEY"}]}`)
	t.Setenv("OUR_ENDPOINT_KEY", "hidden-endpoint-key")
	cfg := configured(t, "--models-file", models, "--openai-base-url", "http://someone:hidden-in-an-address@127.0.0.1:1/v1")
	values := reflect.ValueOf(cfg).Elem()
	var log strings.Builder
	hidden := []string{"hidden-endpoint-key", "hidden-in-an-address"}
	n := 0
	for f := range reflect.TypeFor[Config]().Fields() {
		if !isSecret(f) {
			continue
		}
		n++
		secret := "hidden+" + strings.ToLower(f.Name) + "/\"&ä-0123456789-0123456789"
		hidden = append(hidden, secret)
		switch v := values.FieldByIndex(f.Index); {
		case strings.HasSuffix(f.Name, "URL"): // one of a form that has a password in it
			v.SetString("postgres://someone:" + url.QueryEscape(secret) + "@127.0.0.1:1/d")
		case v.Kind() == reflect.Slice:
			v.Set(reflect.ValueOf(List{"hidden-first-of-a-list", secret}))
		default:
			v.SetString(secret)
		}
	}
	if n < 10 {
		t.Fatalf("only %d settings are secrets", n)
	}
	made, err := streamSecret(&Config{DataDir: cfg.DataDir})
	if err != nil {
		t.Fatal(err)
	}
	hidden = append(hidden, string(made), "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmVk", "sk-proj-abcdefghijklmnopqrst")
	for _, secret := range hidden {
		log.WriteString("{\"m\":\"" + secret + "\", \"u\":\"redis://x:" + url.QueryEscape(secret) + "@h\"} password=" + url.PathEscape(secret) + "\n")
	}
	file := writeFile(t, filepath.Join(t.TempDir(), "log"), strings.Repeat("a line before\n", maxLogTail/14)+log.String()+"the last line\n")
	name, err := Support(t.Context(), cfg, SupportOptions{To: t.TempDir(), Log: file, Goroutines: true, Settings: cfg.Settings(&Environment{}, nil)})
	if err != nil {
		t.Fatal(err)
	}
	all := unpacked(t, name)
	for part, text := range all {
		for _, secret := range hidden {
			for _, form := range []string{secret, url.QueryEscape(secret), url.PathEscape(secret)} {
				if strings.Contains(text, form) {
					t.Errorf("%s holds %s", part, form)
				}
			}
		}
		if strings.Contains(text, "hidden") || strings.Contains(text, "0123456789-") {
			t.Errorf("%s holds a part of a secret: %s", part, text)
		}
	}
	if !contains(all["log.txt"], "the last line") || len(all) != 9 {
		t.Errorf("%d parts", len(all))
	}
	if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info.Mode(), err)
	}
}

// What a server that runs says of itself is in the archive.
func TestSupportAsksTheServer(t *testing.T) {
	s := serve(t, configured(t, "--debug-endpoints", "on", "--metrics-addr", "127.0.0.1:0"))
	asked := *s.cfg
	_, port, _ := strings.Cut(strings.TrimPrefix(s.URL(), "http://"), ":")
	asked.Port, _ = strconv.Atoi(port)
	asked.MetricsAddr = strings.TrimPrefix(s.OperatorsURL(), "http://")
	name, err := Support(t.Context(), &asked, SupportOptions{To: filepath.Join(t.TempDir(), "s.tar.gz"), Goroutines: true})
	if err != nil {
		t.Fatal(err)
	}
	all := unpacked(t, name)
	for part, want := range map[string]string{"readyz.json": `"name":"store"`, "health.json": "codeforge-backend", "metrics.txt": "go_goroutines", "goroutines.txt": "goroutine ", "doctor.txt": "in use by a running server",
		"schema.txt": "lacks: nothing", "versions.txt": "codeforge 0."} {
		if !contains(all[part], want) {
			t.Errorf("%s is %.300s", part, all[part])
		}
	}
	if _, err := Support(t.Context(), &asked, SupportOptions{To: name}); err == nil {
		t.Error("an archive is overwritten")
	}
}
