package server

import (
	"archive/tar"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"codeforge"
)

// SupportOptions say what goes into an archive for those who help.
type SupportOptions struct {
	To         string // file to write, or a folder
	Log        string // file of which the end is taken; "": none
	Goroutines bool   // what the server's goroutines do, where DEBUG_ENDPOINTS is on
	Settings   []Setting
}

const (
	supportWithin = 2 * time.Minute // for the doctor, which asks every part
	askWithin     = 10 * time.Second
	maxPart       = 16 << 20 // bytes of one part
	maxLogTail    = 1 << 20
)

// Support writes one archive of what somebody who helps needs to know, without secrets: settings, versions, the doctor's findings, the
// schema, how a server that runs here says it is, its metrics, the end of its log. What cannot be had is said in its place.
func Support(ctx context.Context, cfg *Config, o SupportOptions) (name string, err error) {
	made := time.Now().UTC()
	if info, err := os.Stat(o.To); err == nil && info.IsDir() {
		o.To = filepath.Join(o.To, "codeforge-support-"+made.Format("20060102T150405Z")+".tar.gz")
	}
	ctx, cancel := context.WithTimeout(ctx, supportWithin)
	defer cancel()
	running := "http://" + net.JoinHostPort(reachableHost(cfg.ListenHost()), fmt.Sprint(cfg.Port))
	operators, token := running, cfg.MetricsToken
	if cfg.MetricsAddr != "" {
		operators = cfg.operatorsURL()
	}
	type part struct {
		name string
		read func() (string, error)
	}
	ask := func(address, token string) func() (string, error) {
		return func() (string, error) { return askText(ctx, address, token) }
	}
	parts := []part{
		{"settings.json", func() (string, error) { b, err := json.MarshalIndent(o.Settings, "", "  "); return string(b), err }},
		{"versions.txt", versions},
		{"schema.txt", func() (string, error) { return schema(ctx, cfg) }},
		{"readyz.json", ask(running+"/readyz?verbose", "")},
		{"health.json", ask(running+"/health", "")},
		{"metrics.txt", ask(operators+"/metrics", token)},
		{"doctor.txt", func() (string, error) { return findings(ctx, cfg), nil }},
	}
	if o.Log != "" {
		parts = append(parts, part{"log.txt", func() (string, error) { return tail(o.Log) }})
	}
	if o.Goroutines {
		parts = append(parts, part{"goroutines.txt", ask(operators+"/debug/pprof/goroutine?debug=2", token)})
	}
	out, err := os.OpenFile(o.To, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", err
	}
	defer func() {
		if err = errors.Join(err, out.Close()); err != nil {
			os.Remove(o.To)
		}
	}()
	redact := cfg.redactor()
	packed := gzip.NewWriter(out)
	archive := tar.NewWriter(packed)
	for _, p := range parts {
		text, err := p.read()
		if err != nil {
			text = strings.TrimLeft(text+"\n", "\n") + "not to be had: " + err.Error() + "\n"
		}
		text = redact(text)
		if err := archive.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: p.name, Size: int64(len(text)), Mode: 0o600, ModTime: made}); err != nil {
			return "", err
		}
		if _, err := io.WriteString(archive, text); err != nil {
			return "", err
		}
	}
	return o.To, errors.Join(archive.Close(), packed.Close())
}

// operatorsURL is where a program of this machine reaches METRICS_ADDR.
func (c *Config) operatorsURL() string {
	host, port, _ := net.SplitHostPort(c.MetricsAddr) // checked by Validate
	return "http://" + net.JoinHostPort(reachableHost(host), port)
}

// reachableHost is where a program of this machine reaches what listens at a host.
func reachableHost(host string) string {
	if ip := net.ParseIP(strings.Trim(host, "[]")); host == "" || ip.IsUnspecified() {
		return "127.0.0.1"
	}
	return strings.Trim(host, "[]")
}

// askText asks a server that runs here. What it answers with an error is told too.
func askText(ctx context.Context, address, token string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", err
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(r)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, maxPart))
	if err == nil && res.StatusCode != http.StatusOK {
		err = errors.New(res.Status)
	}
	return string(b), err
}

// versions says which program this is, and on what it runs.
func versions() (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "codeforge %s\n%s %s/%s, %d processors, GOMAXPROCS %d\n", codeforge.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.GOMAXPROCS(0))
	if info, ok := debug.ReadBuildInfo(); ok {
		b.WriteString(info.String())
	}
	return b.String(), nil
}

// schema says which migrations the store lacks, and changes nothing.
func schema(ctx context.Context, cfg *Config) (string, error) {
	where, pending, err := cfg.pendingMigrations(ctx, func() ([]string, error) { return cfg.missingMigrations(ctx) })
	return fmt.Sprintf("%s, %s\nlacks: %s\n", cfg.store(), where, cmp.Or(strings.Join(pending, ", "), "nothing")), err
}

// findings is what the doctor says.
func findings(ctx context.Context, cfg *Config) string {
	var b strings.Builder
	for _, f := range Diagnose(ctx, cfg) {
		fmt.Fprintln(&b, f)
	}
	return b.String()
}

// tail is the end of a file, from the beginning of a line on.
func tail(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return "", err
	}
	from := max(size-maxLogTail, 0)
	if _, err := f.Seek(from, io.SeekStart); err != nil {
		return "", err
	}
	b, err := io.ReadAll(io.LimitReader(f, maxLogTail))
	text := string(b)
	if from > 0 {
		_, text, _ = strings.Cut(text, "\n") // half a line may hold half a secret
	}
	return text, err
}
