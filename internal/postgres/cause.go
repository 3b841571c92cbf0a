package postgres

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
)

// unreachable is a failure to connect, in words for the person who set the address: what is the matter, and what to do. The
// driver's own words are not among them.
type unreachable struct {
	words string
	cause error
}

func (u *unreachable) Error() string { return u.words }
func (u *unreachable) Unwrap() error { return u.cause }

var (
	directHost = regexp.MustCompile(`^db\.[a-z0-9]+\.supabase\.co$`)
	pooler     = regexp.MustCompile(`\.pooler\.supabase\.com$`)
)

const sessionPooler = "use the session pooler's address, ...pooler.supabase.com:5432, from the dashboard's button Connect"

// hint turns a failure to connect into its cause and the next step. Other errors stay as they are.
func hint(err error, host string) error {
	connect, ok := errors.AsType[*pgconn.ConnectError](err)
	if !ok {
		return err
	}
	login, database := "", ""
	if connect.Config != nil {
		login, database = connect.Config.User, connect.Config.Database
	}
	return &unreachable{connectionFault(err, host, login, database), err}
}

func connectionFault(err error, host, login, database string) string {
	if pe, ok := errors.AsType[*pgconn.PgError](err); ok {
		return refusal(pe, host, login, database)
	}
	dns, isDNS := errors.AsType[*net.DNSError](err)
	_, isUnknown := errors.AsType[x509.UnknownAuthorityError](err)
	_, isName := errors.AsType[x509.HostnameError](err)
	_, isCertificate := errors.AsType[x509.CertificateInvalidError](err)
	_, isRecord := errors.AsType[tls.RecordHeaderError](err)
	is := func(all ...error) bool {
		for _, e := range all {
			if errors.Is(err, e) {
				return true
			}
		}
		return false
	}
	text := err.Error()
	switch {
	case isDNS && directHost.MatchString(host):
		return fmt.Sprintf("%s has no address here: the project is paused or deleted (restore it in the dashboard), its name is misspelled, or there is no IPv6 here, which is all that this name has: then %s", host, sessionPooler)
	case isDNS && pooler.MatchString(host):
		return fmt.Sprintf("there is no pooler %s: copy the address from the dashboard's button Connect, the number and the region in it included", host)
	case isDNS && dns.IsNotFound:
		return fmt.Sprintf("there is no host %s: check its spelling, and that what follows the last @ of the address is the host", host)
	case isDNS:
		return fmt.Sprintf("the name of the host %s cannot be looked up: check this machine's network and its DNS", host)
	case is(syscall.ENETUNREACH, syscall.EHOSTUNREACH, syscall.EADDRNOTAVAIL, syscall.EAFNOSUPPORT) && directHost.MatchString(host):
		return fmt.Sprintf("%s has an IPv6 address only, and there is no IPv6 here: %s", host, sessionPooler)
	case is(syscall.ENETUNREACH, syscall.EHOSTUNREACH, syscall.EADDRNOTAVAIL, syscall.EAFNOSUPPORT):
		return fmt.Sprintf("there is no way from here to %s: check the network; if it has an IPv6 address only, this machine needs IPv6", host)
	case is(syscall.ECONNREFUSED, os.ErrNotExist):
		return fmt.Sprintf("nothing listens at %s: check host and port, and that the database runs", host)
	case is(syscall.EACCES):
		return fmt.Sprintf("this user may not open the socket at %s: check its rights", host)
	case isUnknown:
		return fmt.Sprintf("the certificate of %s is signed by nobody whom this machine trusts: download the project's root certificate (dashboard: Database Settings, SSL Configuration) and add sslrootcert=FILE", host)
	case isName:
		return fmt.Sprintf("the certificate is not for the host %s: use the name that it was made for, or sslmode=verify-ca", host)
	case isCertificate:
		return fmt.Sprintf("the certificate of %s does not count (any more): check this machine's clock, and sslrootcert", host)
	case strings.Contains(text, "refused TLS"):
		return fmt.Sprintf("the server at %s speaks no TLS: add sslmode=disable if the way to it is safe, or switch TLS on there", host)
	case isRecord:
		return fmt.Sprintf("what answers at %s does not speak TLS as Postgres does: check the port", host)
	case is(context.DeadlineExceeded, os.ErrDeadlineExceeded) || strings.Contains(text, "timeout"):
		return fmt.Sprintf("%s does not answer: check host and port, firewalls, the project's network restrictions, and that it is not paused", host)
	case is(context.Canceled):
		return "given up before it was connected"
	case is(syscall.ECONNRESET, io.EOF, io.ErrUnexpectedEOF, syscall.EPIPE):
		return fmt.Sprintf("%s closes the connection at once: check the port, the project's network restrictions and bans, and sslmode", host)
	case strings.Contains(text, "SCRAM") || strings.Contains(text, "auth"):
		return fmt.Sprintf("the login %q cannot prove who it is to %s: check the password", login, host)
	}
	return fmt.Sprintf("%s cannot be reached as a Postgres: check the address", host)
}

// refusal is what a server, or a pooler before it, says no with.
func refusal(pe *pgconn.PgError, host, login, database string) string {
	text := strings.ToLower(pe.Message)
	has := func(all ...string) bool {
		for _, s := range all {
			if strings.Contains(text, s) {
				return true
			}
		}
		return false
	}
	switch {
	case has("tenant or user not found", "tenant/user", "enotfound", "no tenant"):
		return fmt.Sprintf("the pooler %s knows no login %q: it must be NAME.REF with the project's reference, the region in the host that of the project, and the project not paused (restore it in the dashboard)", host, login)
	case has("maxclientsinsessionmode", "max clients", "max client connections", "emaxconn", "no more connections allowed"), pe.Code == "53300":
		return fmt.Sprintf("%s takes no more connections: end what else is connected, lower pool_max_conns in the address, or use the transaction pooler, port 6543", host)
	case has("sasl", "wrong password", "password authentication failed"), pe.Code == "28P01":
		return fmt.Sprintf("the password of the login %q is wrong: check it, and that what has a meaning in addresses is percent-encoded in it; in the dashboard, Database Settings sets a new one", login)
	case has("no encryption", "ssl required", "ssl connection is required"):
		return fmt.Sprintf("%s takes encrypted connections only: add sslmode=require", host)
	case has("no pg_hba.conf entry"):
		return fmt.Sprintf("%s lets the login %q in from elsewhere only, or not into the database %q: its pg_hba.conf, or the project's network restrictions, say from where", host, login, database)
	case has("is not permitted to log in"):
		return fmt.Sprintf("the role %q may not log in: alter role ... login", login)
	case pe.Code == "28000":
		return fmt.Sprintf("%s does not know the login %q: check it (behind a pooler it is NAME.REF), or make it: create role ... login", host, login)
	case pe.Code == "3D000", has("database") && has("does not exist"):
		return fmt.Sprintf("there is no database %q at %s: that of a Supabase project is called postgres", database, host)
	case pe.Code == "42501":
		return fmt.Sprintf("the login %q may not connect to the database %q: grant connect on database ... to ...", login, database)
	case pe.Code == "57P03", pe.Code == "57P01", pe.Code == "57P02":
		return fmt.Sprintf("the database at %s is starting or stopping: try again in a moment", host)
	case has("unsupported startup parameter", "unrecognized configuration parameter"):
		return "the server, or the pooler before it, knows a parameter of the address not: leave out what you added after ?"
	case has("timeout", "timed out"):
		return fmt.Sprintf("the pooler %s gets no connection to its database: it may be paused, starting, or out of connections", host)
	}
	return fmt.Sprintf("%s refuses the connection (%s: %.200s)", host, pe.Code, pe.Message)
}
