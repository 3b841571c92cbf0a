package postgres

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"
)

const form = "write it like postgresql://USER:PASSWORD@HOST:5432/postgres"

const encode = "percent-encode in it what has a meaning in addresses: @ as %40, / as %2F, # as %23, ? as %3F, : as %3A, % as %25, a blank as %20, [ and ] as %5B and %5D"

// CheckURL says what is wrong with the address of a database, and never what it holds: where a password was not encoded,
// any part of the address may be a part of the password, the errors of parsers included.
func CheckURL(dsn string) error {
	switch scheme, rest, isURL := strings.Cut(dsn, "://"); {
	case strings.TrimSpace(dsn) == "":
		return errors.New("is empty: " + form)
	case strings.TrimSpace(dsn) != dsn:
		return errors.New("begins or ends with blanks or a line break: remove them")
	case strings.ContainsAny(dsn[:1], "\"'`"):
		return errors.New("is in quotes, which are taken as a part of it here: remove them")
	case placeholder(dsn):
		return errors.New("still holds the placeholder of the dashboard's template, such as [YOUR-PASSWORD]: put the database's own password in its place, without the brackets (in the dashboard: Project Settings, Database)")
	case !isURL:
		if !strings.Contains(dsn, "=") {
			return errors.New("is neither an address nor a list such as host=... user=... password=...: " + form)
		}
	case scheme == "http" || scheme == "https":
		return errors.New("is the address of a web page or of the Data API: the connection string is behind the dashboard's button Connect; " + form)
	case scheme != "postgres" && scheme != "postgresql":
		return errors.New("does not begin with postgresql://: " + form)
	default:
		if err := checkParts(rest); err != nil {
			return err
		}
	}
	if _, err := pgxpool.ParseConfig(dsn); err != nil {
		return unreadable(dsn)
	}
	return nil
}

// placeholder reports whether a template was not filled in.
func placeholder(dsn string) bool {
	upper := strings.ToUpper(dsn)
	if text, err := url.PathUnescape(upper); err == nil {
		upper = text
	}
	return slices.ContainsFunc([]string{"[YOUR-", "[YOUR_", "[PASSWORD", "<PASSWORD", "<YOUR-", "{PASSWORD", "YOUR-PASSWORD", "YOUR_PASSWORD", "[PROJECT-REF", "[REF]", "<REF>"},
		func(p string) bool { return strings.Contains(upper, p) })
}

// checkParts looks at an address after its scheme.
func checkParts(rest string) error {
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	authority, tail := rest[:end], rest[end:]
	// A later @ belongs to the login, unless it stands in the value of a parameter.
	path, query, _ := strings.Cut(tail, "?")
	stray := strings.Contains(path, "@")
	for part := range strings.SplitSeq(query, "&") {
		_, _, named := strings.Cut(strings.SplitN(part, "@", 2)[0], "=")
		stray = stray || strings.Contains(part, "@") && (!named || path == "")
	}
	login, hosts, signed := cutLast(authority, "@")
	switch {
	case stray || strings.Contains(login, "@"):
		return errors.New("holds a password (or a user name) with a character that has a meaning in addresses: " + encode)
	case strings.Contains(tail, "#"):
		return errors.New("holds a #, after which nothing counts: if it belongs to the password, " + encode)
	}
	if !signed {
		hosts = authority
	}
	if signed && !encoded(login) {
		return errors.New("holds a user name or password that is not encoded as addresses want it: " + encode)
	}
	for host := range strings.SplitSeq(hosts, ",") {
		name, port := host, ""
		if i := strings.LastIndex(host, ":"); i > strings.LastIndex(host, "]") {
			name, port = host[:i], host[i+1:]
		}
		if strings.Contains(name, ":") && name[0] != '[' {
			return errors.New("has no @ between login and host: " + form)
		}
		if n, err := strconv.Atoi(port); strings.Contains(host, ":") && port != "" && (err != nil || n < 1 || n > 65535) {
			return errors.New("has a port that is no number from 1 to 65535, or no @ between login and host: " + form)
		}
		if name == "" && !strings.Contains(query, "host=") {
			return errors.New("names no host: " + form)
		}
	}
	return nil
}

// cutLast is strings.Cut at the last sep.
func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return "", s, false
}

// encoded reports whether a login can stand in an address.
func encoded(login string) bool {
	u, err := url.Parse("postgresql://" + login + "@host/db")
	return err == nil && u.User != nil && u.Host == "host"
}

// unreadable finds words for what the driver does not take.
func unreadable(dsn string) error {
	values := url.Values{}
	if u, err := url.Parse(dsn); err == nil && u.Scheme != "" {
		values = u.Query()
	} else {
		for part := range strings.FieldsSeq(dsn) {
			if k, v, ok := strings.Cut(part, "="); ok {
				values.Set(k, strings.Trim(v, "'"))
			}
		}
	}
	modes := []string{"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}
	for _, file := range []string{"sslrootcert", "sslcert", "sslkey"} {
		if name := values.Get(file); name != "" && name != "system" {
			if _, err := os.ReadFile(name); err != nil {
				return fmt.Errorf("names a file in %s that cannot be read: give the path of one, in this server's file system", file)
			}
		}
	}
	switch {
	case values.Has("sslmode") && !slices.Contains(modes, values.Get("sslmode")):
		return errors.New("has an sslmode that there is not: it must be one of " + strings.Join(modes, ", "))
	case values.Has("sslrootcert") || values.Has("sslcert"):
		return errors.New("names a certificate or key that cannot be used: it must be the PEM file that the dashboard offers")
	}
	for k := range values {
		if strings.HasPrefix(k, "pool_") || strings.HasSuffix(k, "timeout") {
			if _, err := strconv.Atoi(values.Get(k)); err != nil && strings.HasSuffix(k, "conns") || values.Get(k) == "" {
				return fmt.Errorf("has a value for %s that is no number", k)
			}
		}
	}
	return errors.New("cannot be read: " + form + "; in a password, " + encode)
}
