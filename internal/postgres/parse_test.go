package postgres

import (
	"testing"

	"github.com/jackc/pgx/v5"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		dsn, mode string
		shared    bool
		tls       bool // demanded of every host
	}{
		{"postgres://u@127.0.0.1/d", "", false, false},
		{"postgres://u@localhost/d", "", false, false},
		{"postgres://u@[::1]/d", "", false, false},
		{"host=/var/run/postgresql user=u", "", false, false},
		{"postgres://u@db.example.com/d", "", false, true},
		{"host=db.example.com user=u", "", false, true},
		{"postgres://u@127.0.0.1,db.example.com/d", "", false, true},
		{"postgres://u@db.example.com/d?sslmode=disable", "", false, false},
		{"postgres://u@db.example.com/d?sslmode=verify-full", "", false, true},
		{"postgres://u@x.pooler.supabase.com:6543/d", "", true, true},
		{"postgres://u@x.pooler.supabase.com:6543/d", "session", false, true},
		{"postgres://u@x.pooler.supabase.com:5432/d", "", false, true},
		{"postgres://u@127.0.0.1/d?pgbouncer=true", "", true, false},
		{"postgres://u@127.0.0.1/d", "transaction", true, false},
	} {
		config, shared, err := parse(c.dsn, c.mode)
		if err != nil {
			t.Fatal(c.dsn, err)
		}
		tls := config.ConnConfig.TLSConfig != nil
		for _, f := range config.ConnConfig.Fallbacks {
			tls = tls && f.TLSConfig != nil
		}
		if shared != c.shared || tls != c.tls {
			t.Errorf("%s: shared %t, TLS %t", c.dsn, shared, tls)
		}
		if want := pgx.QueryExecModeCacheStatement; !shared && config.ConnConfig.DefaultQueryExecMode != want {
			t.Errorf("%s: mode %v", c.dsn, config.ConnConfig.DefaultQueryExecMode)
		}
		if want := pgx.QueryExecModeCacheDescribe; shared && config.ConnConfig.DefaultQueryExecMode != want {
			t.Errorf("%s: mode %v", c.dsn, config.ConnConfig.DefaultQueryExecMode)
		}
		if p := config.ConnConfig.RuntimeParams; p["pgbouncer"] != "" || p["application_name"] != "codeforge" {
			t.Errorf("%s: parameters %v", c.dsn, p)
		}
	}
}
