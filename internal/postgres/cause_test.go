package postgres_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"codeforge"
	"codeforge/internal/postgres"
)

// refusing is a server that does one thing with each connection.
func refusing(t *testing.T, do func(net.Conn)) (port int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go do(c)
		}
	}()
	return l.Addr().(*net.TCPAddr).Port
}

// A failure to connect is a cause and a next step, the same to every command, without the password and the driver's words.
func TestFailuresToConnectAreExplained(t *testing.T) {
	t.Parallel()
	says := func(code, message string) func(net.Conn) {
		return func(c net.Conn) {
			defer c.Close()
			b := pgproto3.NewBackend(c, c)
			if _, err := b.ReceiveStartupMessage(); err != nil {
				return
			}
			b.Send(&pgproto3.ErrorResponse{Severity: "FATAL", Code: code, Message: message})
			_ = b.Flush()
		}
	}
	selfSigned := httpsCertificate(t)
	for name, c := range map[string]struct {
		do     func(net.Conn)
		suffix string
		want   []string
	}{
		"password":       {says("28P01", `password authentication failed for user "ann"`), "", []string{"password", "percent-encoded", `"ann"`}},
		"database":       {says("3D000", `database "shop" does not exist`), "", []string{`"shop"`, "called postgres"}},
		"login":          {says("28000", `role "ann" does not exist`), "", []string{`"ann"`, "NAME.REF"}},
		"tenant":         {says("XX000", "Tenant or user not found"), "", []string{"NAME.REF", "paused", "region"}},
		"newer tenant":   {says("XX000", "(ENOTFOUND) tenant/user postgres.abc not found"), "", []string{"NAME.REF"}},
		"full":           {says("53300", "sorry, too many clients already"), "", []string{"pool_max_conns"}},
		"full pooler":    {says("XX000", "MaxClientsInSessionMode: max clients reached - in Session mode max clients are limited to pool_size"), "", []string{"6543"}},
		"encryption":     {says("28000", `no pg_hba.conf entry for host "1.2.3.4", user "ann", database "shop", no encryption`), "", []string{"sslmode=require"}},
		"restrictions":   {says("28000", `no pg_hba.conf entry for host "1.2.3.4", user "ann", database "shop", SSL encryption`), "", []string{"network restrictions"}},
		"starting":       {says("57P03", "the database system is starting up"), "", []string{"in a moment"}},
		"grant":          {says("42501", `permission denied for database "shop"`), "", []string{"grant connect"}},
		"parameter":      {says("08P01", "unsupported startup parameter: search_path"), "", []string{"parameter"}},
		"something else": {says("XX999", "the moon is full"), "", []string{"the moon is full"}},
		"closes":         {func(c net.Conn) { c.Close() }, "", []string{"closes the connection"}},
		"silent":         {func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }, "&connect_timeout=1", []string{"does not answer"}},
		"no TLS":         {func(c net.Conn) { _, _ = c.Read(make([]byte, 8)); _, _ = c.Write([]byte("N")); c.Close() }, "&sslmode=require", []string{"sslmode=disable"}},
		"unknown authority": {func(c net.Conn) {
			_, _ = c.Read(make([]byte, 8))
			_, _ = c.Write([]byte("S"))
			_ = tls.Server(c, &tls.Config{Certificates: []tls.Certificate{selfSigned}}).Handshake()
			c.Close()
		}, "&sslmode=verify-full", []string{"sslrootcert"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := fmt.Sprintf("postgresql://ann:s3cret@127.0.0.1:%d/shop?sslnegotiation=postgres%s", refusing(t, c.do), c.suffix)
			if !strings.Contains(url, "sslmode") {
				url += "&sslmode=disable"
			}
			_, _, opened := postgres.Open(t.Context(), postgres.Options{URL: url})
			_, pending := postgres.Pending(t.Context(), url, "")
			_, migrated := postgres.Migrate(t.Context(), url, "")
			for what, err := range map[string]error{"open": opened, "pending": pending, "migrate": migrated} {
				for _, part := range c.want {
					if err == nil || !strings.Contains(err.Error(), part) || strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "failed to connect") {
						t.Errorf("%s: %v, want %q", what, err, part)
					}
				}
			}
		})
	}
	for url, want := range map[string]string{
		"postgresql://ann:s3cret@127.0.0.1:1/shop":                                  "nothing listens",
		"postgresql://ann:s3cret@nowhere.invalid/shop":                              "nowhere.invalid",
		"postgresql://ann:s3cret@db.abcdefghijklmnopqrst.supabase.co/postgres":      "session pooler",
		"postgresql://ann:s3cret@aws-9-nowhere-1.pooler.supabase.com:5432/postgres": "aws-9-nowhere-1.pooler.supabase.com",
		"host=/nowhere user=ann password=s3cret":                                    "nothing listens",
	} {
		_, err := postgres.Pending(t.Context(), url, "")
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", url, err)
		}
	}
}

// httpsCertificate is one that nobody signed.
func httpsCertificate(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// The same for a project that is reached through its Data API.
func TestProjectsThatDoNotAnswerAreExplained(t *testing.T) {
	t.Parallel()
	answers := func(status int, body string) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}))
		t.Cleanup(s.Close)
		return s.URL
	}
	untrusted := httptest.NewUnstartedServer(http.NotFoundHandler())
	untrusted.Config.ErrorLog = log.New(io.Discard, "", 0)
	untrusted.StartTLS()
	t.Cleanup(untrusted.Close)
	for url, want := range map[string]string{
		answers(540, "Project paused"):                                "paused: restore it",
		answers(503, `{"code":"PGRST001","message":"no connection"}`): "does not reach its database",
		answers(504, `{"code":"PGRST003","message":"timed out"}`):     "does not reach its database",
		answers(401, `{"message":"Invalid API key"}`):                 "SUPABASE_SERVICE_KEY",
		answers(404, "nothing here"):                                  "no Data API",
		"http://127.0.0.1:1":                                          "nothing listens",
		"http://nowhere.invalid":                                      "nowhere.invalid",
		untrusted.URL:                                                 "certificate",
	} {
		s, err := postgres.OpenDataAPI(postgres.DataAPIOptions{URL: url, Key: "sb_secret_hidden"})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Close)
		if err := s.Ping(t.Context()); !codeforge.IsKind(err, codeforge.Unavailable) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: %v, want %q", url, err, want)
		}
	}
}
