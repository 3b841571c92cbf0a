package redis

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/rueidis"
)

// addressForms are told with every error: what an address holds never is, since any part of one that cannot be read may be a part
// of a password.
const addressForms = "write it like redis://user:password@host:6379/0 (rediss:// for TLS), redis://host1:6379,host2:6379?cluster=true, " +
	"redis-sentinel://host1:26379,host2:26379/0?master=NAME or unix:///path/to/socket?db=0; in a user name or password, @ is %40, / %2F, # %23, ? %3F and % %25"

// CheckURL says what is wrong with an address, without what it holds.
func CheckURL(text string) error {
	_, err := parseAddress(text)
	return err
}

// kind is how an address says that Redis is reached.
type kind int

const (
	single   kind = iota // or one node of a cluster, which is found out
	cluster              // several nodes that share the keys
	sentinel             // several that know who holds them
	socket
)

// schemes are those that are written for Redis and Valkey by clients of all languages, Celery's among them.
var schemes = map[string]struct {
	kind kind
	tls  bool
}{
	"redis": {}, "valkey": {}, "rediss": {tls: true}, "valkeys": {tls: true},
	"redis-cluster": {kind: cluster}, "redis+cluster": {kind: cluster}, "rediss-cluster": {cluster, true}, "rediss+cluster": {cluster, true},
	"redis-sentinel": {kind: sentinel}, "redis+sentinel": {kind: sentinel}, "rediss-sentinel": {sentinel, true}, "rediss+sentinel": {sentinel, true},
	"unix": {kind: socket}, "redis+socket": {kind: socket}, "redis+unix": {kind: socket},
}

// parameters are what may follow the ?, by all names that clients have for it. Those that say how long to wait, or how many
// connections to hold, are ours to say.
var parameters = map[string]string{
	"db": "db", "virtual_host": "db", "cluster": "cluster", "addr": "addr",
	"master": "master", "master_set": "master", "master_name": "master", "mastername": "master", "sentinelmasterid": "master", "service_name": "master", "sentinel_master": "master",
	"sentinel_username": "sentinel_username", "sentinel_user": "sentinel_username", "sentinel_password": "sentinel_password",
	"tls_ca": "tls_ca", "ssl_ca_certs": "tls_ca", "tls_cert": "tls_cert", "ssl_certfile": "tls_cert", "tls_key": "tls_key", "ssl_keyfile": "tls_key",
	"tls_server_name": "tls_server_name", "tls_verify": "tls_verify", "ssl_cert_reqs": "tls_verify", "skip_verify": "skip_verify", "tls_insecure": "skip_verify",
	"timeout": "", "socket_timeout": "", "socket_connect_timeout": "", "socket_keepalive": "", "dial_timeout": "", "read_timeout": "", "write_timeout": "",
	"health_check_interval": "", "retry_on_timeout": "", "max_connections": "", "pool_size": "", "decode_responses": "", "protocol": "", "client_name": "", "clientname": "",
	"max_retries": "", "client_cache": "", "ssl_check_hostname": "",
}

// parseAddress reads an address into what the client wants of it. The hosts are taken apart here, since several of them are no
// address to net/url.
func parseAddress(text string) (o rueidis.ClientOption, err error) {
	bad := func(format string, args ...any) (rueidis.ClientOption, error) {
		return rueidis.ClientOption{}, fmt.Errorf(format+": "+addressForms, args...)
	}
	if strings.TrimSpace(text) != text || text != "" && strings.ContainsAny(text[:1], "\"'`") {
		return bad("begins or ends with blanks or quotes")
	}
	name, rest, ok := strings.Cut(text, "://")
	s, known := schemes[strings.ToLower(name)]
	if !ok || !known {
		return bad("does not begin with redis:// or rediss://")
	}
	rest, fragment, _ := strings.Cut(rest, "#")
	rest, query, _ := strings.Cut(rest, "?")
	authority, path, _ := strings.Cut(rest, "/")
	login, hosts := "", authority
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		login, hosts = authority[:i], authority[i+1:]
	}
	if strings.Contains(path+query+fragment, "@") {
		return bad("has an @ after its hosts")
	}
	set, err := readParameters(query)
	if err != nil {
		return bad("%v", err)
	}
	if o.Username, o.Password, err = readLogin(login); err != nil {
		return bad("%v", err)
	}
	if s.kind == socket {
		o.InitAddress, o.ForceSingleClient = []string{"/" + path}, true
		if hosts != "" || path == "" {
			return bad("names no socket")
		}
	} else {
		if set["master"] != "" {
			s.kind = sentinel
		}
		if hosts == "" && login != "" {
			return bad("names no host")
		}
		if o.InitAddress, err = readHosts(hosts, set["addr"], s.kind == sentinel); err != nil {
			return bad("%v", err)
		}
		if s.kind == single && (len(o.InitAddress) > 1 || set["cluster"] != "" && set["cluster"] != "false" && set["cluster"] != "0") {
			s.kind = cluster
		}
		if s.tls {
			if o.TLSConfig, err = readTLS(set); err != nil {
				return bad("%v", err)
			}
		}
	}
	parts := strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
	if s.kind == socket {
		parts = nil
	}
	if s.kind == sentinel {
		o.Sentinel = rueidis.SentinelOption{TLSConfig: o.TLSConfig, MasterSet: set["master"], Username: set["sentinel_username"], Password: set["sentinel_password"]}
		if o.Sentinel.MasterSet == "" && fragment != "" {
			o.Sentinel.MasterSet = fragment
		}
		if o.Sentinel.MasterSet == "" && len(parts) > 0 {
			o.Sentinel.MasterSet, parts = parts[0], parts[1:]
		}
		if o.Sentinel.MasterSet == "" {
			return bad("does not say which master the sentinels watch")
		}
	} else if fragment != "" {
		return bad("has a # after its hosts")
	}
	database := set["db"]
	if len(parts) > 0 {
		database, parts = parts[0], parts[1:]
	}
	if database != "" {
		if o.SelectDB, err = strconv.Atoi(database); err != nil || o.SelectDB < 0 || len(parts) > 0 {
			return bad("has something after its hosts that is no number of a database")
		}
	}
	if s.kind == cluster && o.SelectDB != 0 {
		return bad("names a database of a cluster, which has one alone: leave the number out")
	}
	o.ForceSingleClient = o.ForceSingleClient || s.kind == single && o.SelectDB != 0
	return o, nil
}

// readParameters reads what follows the ?.
func readParameters(query string) (map[string]string, error) {
	values, err := url.ParseQuery(query)
	if err != nil {
		return nil, errors.New("has something after the ? that cannot be read")
	}
	set := map[string]string{}
	for name, all := range values {
		means, known := parameters[strings.ToLower(name)]
		switch {
		case !known:
			return nil, errors.New("has something after the ? that is not known: known are master, cluster, db, sentinel_username, sentinel_password, tls_ca, tls_cert, tls_key, tls_server_name and tls_verify")
		case means != "":
			set[means] = strings.Join(all, ",")
		}
	}
	return set, nil
}

// readLogin reads a user's name and password; what stands alone is a password, as redis-cli has it.
func readLogin(login string) (user, password string, err error) {
	user, password, both := strings.Cut(login, ":")
	if !both {
		user, password = "", login
	}
	user, err1 := url.PathUnescape(user)
	password, err2 := url.PathUnescape(password)
	if errors.Join(err1, err2) != nil {
		return "", "", errors.New("has a user name or password that cannot be read")
	}
	return user, password, nil
}

// readHosts reads hosts with their ports.
func readHosts(hosts, more string, sentinels bool) (all []string, err error) {
	port := "6379"
	if sentinels {
		port = "26379"
	}
	if more != "" {
		hosts += "," + more
	}
	for part := range strings.SplitSeq(hosts, ",") {
		host, p, err := net.SplitHostPort(part)
		if err != nil {
			host, p = strings.Trim(part, "[]"), port
			if strings.Contains(part, ":") && !strings.HasPrefix(part, "[") {
				return nil, errors.New("has a host that cannot be read")
			}
		}
		n, err := strconv.ParseUint(p, 10, 16)
		if err != nil || n == 0 || strings.ContainsAny(host, "[]%\\ ") {
			return nil, errors.New("has a host or port that cannot be read")
		}
		if host == "" && len(hosts) > 0 {
			return nil, errors.New("names no host")
		}
		if host == "" {
			host = "localhost"
		}
		if address := net.JoinHostPort(host, p); !slices.Contains(all, address) {
			all = append(all, address)
		}
	}
	return all, nil
}

// readTLS reads how certificates are verified.
func readTLS(set map[string]string) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: set["tls_server_name"]}
	switch strings.ToLower(strings.TrimPrefix(strings.ToLower(set["tls_verify"]), "cert_")) {
	case "none", "false", "0", "off":
		c.InsecureSkipVerify = true
	case "", "optional", "required", "true", "1", "on", "full":
	default:
		return nil, errors.New("has a tls_verify that is neither true nor false")
	}
	if v := strings.ToLower(set["skip_verify"]); v == "true" || v == "1" {
		c.InsecureSkipVerify = true
	}
	if file := set["tls_ca"]; file != "" {
		pem, err := os.ReadFile(file)
		if c.RootCAs = x509.NewCertPool(); err != nil || !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, errors.New("names a file with tls_ca that cannot be read or holds no certificate")
		}
	}
	if set["tls_cert"] != "" || set["tls_key"] != "" {
		pair, err := tls.LoadX509KeyPair(set["tls_cert"], set["tls_key"])
		if err != nil {
			return nil, errors.New("names files with tls_cert and tls_key that cannot be read or do not fit")
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}
