package postgres_test

import (
	"strings"
	"testing"

	"codeforge/internal/postgres"
)

// An address that cannot be read is told apart without a word of what it holds.
func TestAddressesAreNotPrinted(t *testing.T) {
	t.Parallel()
	const user, pass = "postgres.abcdef", "Zxq7"
	for _, c := range []struct{ url, says string }{
		{"postgresql://" + user + ":" + pass + "#" + pass + "@host:5432/postgres", "%23"},
		{"postgresql://" + user + ":" + pass + "@" + pass + "@host:5432/postgres", "%40"},
		{"postgresql://" + user + ":" + pass + "/" + pass + "@host:5432/postgres", "%2F"},
		{"postgresql://" + user + ":" + pass + "?" + pass + "@host:5432/postgres", "%3F"},
		{"postgresql://" + user + ":" + pass + "?a=" + pass + "@host:5432/postgres", "%3F"},
		{"postgresql://" + user + ":12#" + pass + "@host:5432/postgres", "%23"},
		{"postgresql://" + user + ":@/" + pass + "@host:5432/postgres", "%40"},
		{"postgresql://" + user + ":" + pass + "@" + pass + "/" + pass + "#?@host:5432/postgres", "%40"},
		{"postgresql://" + user + ":" + pass + "%" + pass + "@host:5432/postgres", "%25"},
		{"postgresql://" + user + ":" + pass + " " + pass + "@host:5432/postgres", "%20"},
		{"postgresql://" + user + ":[" + pass + "]@host:5432/postgres", "%5B"},
		{"postgresql://" + user + ":" + pass + "\x7f@host:5432/postgres", "%40"},
		{"postgresql://" + user + ":" + pass + "^`{|}\"<>@host:5432/postgres", "%40"},
		{"postgresql://" + user + ":" + pass + "#@host", "%23"},
		{"postgresql://" + user + ":" + pass + ":host:5432/postgres", "no @"},
		{"postgresql://" + user + ":" + pass + "@host/postgres#" + pass, "#"},
		{"postgresql://" + user + ":" + pass + "@host:" + pass + "/postgres", "port"},
		{"postgresql://" + user + ":" + pass + "@host:70000/postgres", "port"},
		{"postgresql://" + user + ":" + pass + "@:5432/postgres", "host"},
		{"postgresql://" + user + ":" + pass + "@/postgres", "host"},
		{"postgresql://" + user + ":[YOUR-PASSWORD]@host:5432/postgres", "[YOUR-PASSWORD]"},
		{"postgresql://" + user + ":%5BYOUR-PASSWORD%5D@host:5432/postgres", "[YOUR-PASSWORD]"},
		{"postgresql://" + user + ":[your-password]" + pass + "@host:5432/postgres", "[YOUR-PASSWORD]"},
		{"host=host password=[YOUR-PASSWORD]", "[YOUR-PASSWORD]"},
		{"https://" + user + ":" + pass + "@abc.supabase.co", "Connect"},
		{"mysql://" + user + ":" + pass + "@host/db", "postgresql://"},
		{user + ":" + pass + "@host:5432/postgres", "neither"},
		{`"postgresql://` + user + ":" + pass + `@host:5432/postgres"`, "quotes"},
		{"postgresql://" + user + ":" + pass + "@host:5432/postgres\n", "line break"},
		{"postgresql://" + user + ":" + pass + "@host:5432/postgres?sslmode=" + pass, "verify-full"},
		{"postgresql://" + user + ":" + pass + "@host:5432/postgres?sslmode=verify-full&sslrootcert=/" + pass, "sslrootcert"},
		{"postgresql://" + user + ":" + pass + "@host:5432/postgres?pool_max_conns=" + pass, "pool_max_conns"},
		{"postgresql://" + user + ":" + pass + "@host:5432/postgres?connect_timeout=" + pass, "cannot be read"},
		{"host=host port=" + pass + " password=" + pass, "cannot be read"},
		{"host=host password='" + pass, "cannot be read"},
		{"", "empty"},
	} {
		for what, err := range map[string]error{
			"check":   postgres.CheckURL(c.url),
			"open":    func() error { _, _, err := postgres.Open(t.Context(), postgres.Options{URL: c.url}); return err }(),
			"migrate": func() error { _, err := postgres.Migrate(t.Context(), c.url, ""); return err }(),
			"pending": func() error { _, err := postgres.Pending(t.Context(), c.url, ""); return err }(),
		} {
			if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), pass) || strings.Contains(err.Error(), "abcdef") {
				t.Errorf("%s %q: %v, want something of %s", what, c.url, err, c.says)
			}
		}
	}
	for _, good := range []string{
		"postgresql://" + user + ":" + pass + "@aws-0-eu-central-1.pooler.supabase.com:6543/postgres?pgbouncer=true",
		"postgres://u:p%40%2F%23%3F%25@[::1]:5432/db?application_name=me@home", "postgresql:///db?host=/var/run/postgresql", "postgres://u@a,b:5433/db?target_session_attrs=read-write",
		"host=/tmp user=u dbname=d password='a b'", "postgres://host/db", "postgresql://u:a:b;c!$&'()*+,=~.-_@host",
	} {
		if err := postgres.CheckURL(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
}
