package postgres

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"codeforge"
)

const (
	// maxAnswer bounds an answer, in bytes: all files of a project, each character of them escaped.
	maxAnswer = 3*codeforge.MaxTreeBytes + 1<<20
	maxFault  = 64 << 10
)

// DataAPIOptions configure a store. URL and Key are needed.
type DataAPIOptions struct {
	// URL is the project's address, as https://abcdefghijklmnopqrst.supabase.co.
	URL string
	// Key is the service key of either generation: a JWT of the role service_role, or sb_secret_...
	Key string
	// Reads are addresses of read replicas of the project, each of one: reads of requests go there, as far as they have come.
	Reads   []string
	Replica ReplicaOptions
	// Timeout bounds each request and its answer; 0: 30 s.
	Timeout time.Duration
	// Transport sends the requests; nil: one of the store's own.
	Transport http.RoundTripper
}

// dataAPI is the wire of a Supabase project of which only the address and the service key are known: each call is a request to
// its PostgREST, with the user's own token, or with the service key where there is none.
type dataAPI struct {
	base    *url.URL
	key     string
	bearer  bool // the key is a JWT, and stands in for a user's
	client  *http.Client
	timeout time.Duration
}

// OpenDataAPI checks what can be told of address and key without asking; Ping asks.
func OpenDataAPI(o DataAPIOptions) (*Store, error) {
	base, err := projectURL(o.URL)
	if err != nil {
		return nil, fmt.Errorf("SUPABASE_URL %w", err)
	}
	key := strings.TrimSpace(o.Key)
	if err := checkKey(key, base.Hostname(), time.Now()); err != nil {
		return nil, err
	}
	if o.Timeout == 0 {
		o.Timeout = 30 * time.Second
	}
	if o.Transport == nil {
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.MaxIdleConns, t.MaxIdleConnsPerHost = 64, 64
		t.IdleConnTimeout = 20 * time.Second // below that of any gateway: a write on a connection it just closed is lost
		t.DialContext = (&net.Dialer{Timeout: 10 * time.Second}).DialContext
		o.Transport = t
	}
	primary := &dataAPI{base: base, key: key, bearer: !strings.HasPrefix(key, "sb_"), timeout: o.Timeout,
		// A redirect would carry the key to wherever it points.
		client: &http.Client{Transport: o.Transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	var followers []*replica
	for _, address := range o.Reads {
		of := *primary
		if of.base, err = projectURL(address); err != nil {
			return nil, fmt.Errorf("SUPABASE_READ_URL %w", err)
		}
		followers = append(followers, &replica{name: of.base.Host, wire: &of})
	}
	if len(followers) > 0 {
		return &Store{wire: newReplicas(primary, followers, o.Replica)}, nil
	}
	return &Store{wire: primary}, nil
}

// projectURL reads the address of a project, or of a replica of it.
func projectURL(address string) (*url.URL, error) {
	base, err := url.Parse(strings.TrimRight(strings.TrimSpace(address), "/"))
	if err != nil || base.Host == "" || base.Scheme != "https" && base.Scheme != "http" || base.RawQuery != "" || base.User != nil {
		return nil, errors.New("must be the address of the project, as https://abcdefghijklmnopqrst.supabase.co")
	}
	base.Path = strings.TrimSuffix(base.Path, "/rest/v1")
	return base, nil
}

func (d *dataAPI) close() { d.client.CloseIdleConnections() }

const where = " (in the dashboard: Project Settings, API Keys)"

// checkKey refuses what is no service key of the project, as far as that shows. Whether it is genuine only the server knows.
func checkKey(key, host string, now time.Time) error {
	switch {
	case key == "":
		return errors.New("SUPABASE_SERVICE_KEY is empty: set it to the secret key, sb_secret_..., or the legacy service_role key" + where)
	case strings.HasPrefix(key, "sb_secret_"):
		return nil
	case strings.HasPrefix(key, "sb_publishable_"):
		return errors.New("SUPABASE_SERVICE_KEY holds the publishable (anon) key, which browsers use: set it to the secret key, sb_secret_..." + where)
	}
	parts := strings.Split(key, ".")
	var claims struct {
		Role string `json:"role"`
		Ref  string `json:"ref"`
		Exp  int64  `json:"exp"`
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.Join(parts[min(1, len(parts)-1):min(2, len(parts))], ""))
	if len(parts) != 3 || err != nil || json.Unmarshal(payload, &claims) != nil {
		return errors.New("SUPABASE_SERVICE_KEY is no key of Supabase: it must be the secret key, sb_secret_..., or the legacy service_role key" + where)
	}
	switch ref, hosted := strings.CutSuffix(host, ".supabase.co"); {
	case claims.Role == "anon":
		return errors.New("SUPABASE_SERVICE_KEY holds the anon key: set it to the service_role key, or the secret key sb_secret_..." + where)
	case claims.Role != "service_role":
		return fmt.Errorf("SUPABASE_SERVICE_KEY holds a token of the role %q: set it to the service_role key, or the secret key sb_secret_..."+where, claims.Role)
	case hosted && claims.Ref != "" && claims.Ref != ref:
		return fmt.Errorf("SUPABASE_SERVICE_KEY is the key of project %s, SUPABASE_URL the address of %s", claims.Ref, ref)
	case claims.Exp > 0 && claims.Exp <= now.Unix():
		return errors.New("SUPABASE_SERVICE_KEY has expired: set it to the secret key, sb_secret_..." + where)
	}
	return nil
}

// ping checks that the Data API answers, takes the key, and has the schema.
func (d *dataAPI) ping(ctx context.Context) error {
	const remedy = `paste what "codeforge migrate --print" prints into the SQL editor, or run "supabase db push" in the repository`
	number, _, _, err := system[int](ctx, &Store{wire: d}, "schema")
	schema := len(names())
	if err == nil && number >= schema {
		return nil
	}
	f, _ := errors.AsType[*failure](err)
	switch {
	case err == nil:
		return &codeforge.Error{Kind: codeforge.Unavailable, Message: fmt.Sprintf("The database schema is at migration %d of %d: %s", number, schema, remedy)}
	case f == nil:
		return err
	case f.Code == "PGRST202" || f.Code == "42883" || f.Code == "42P01" || f.Code == "PGRST205":
		return &codeforge.Error{Kind: codeforge.Unavailable, Cause: err,
			Message: "The database schema is missing: " + remedy + `; if that was done, the Data API has not noticed: run "notify pgrst, 'reload schema'" there`}
	case f.status == http.StatusUnauthorized || f.status == http.StatusForbidden:
		return &codeforge.Error{Kind: codeforge.Unavailable, Cause: err,
			Message: "Supabase refuses SUPABASE_SERVICE_KEY: it must be the secret key, sb_secret_..., or the service_role key of this project" + where}
	case f.status == http.StatusNotFound:
		return &codeforge.Error{Kind: codeforge.Unavailable, Cause: err, Message: "There is no Data API at SUPABASE_URL: check the address, and that the Data API is enabled"}
	}
	if words := d.unavailableReason(f); words != "" {
		// Where the project is goes to the log and to doctor: /ready tells everybody the message.
		return &codeforge.Error{Kind: codeforge.Unavailable, Message: "The Supabase project does not answer", Cause: &unreachable{words, err}, Retryable: true, RetryAfter: f.after}
	}
	return err
}

// statusPaused is what Supabase answers for a project that was paused.
const statusPaused = 540

// unavailableReason says why a project does not answer, and what to do; "": it does.
func (d *dataAPI) unavailableReason(f *failure) string {
	dns, unknown := errors.AsType[*net.DNSError](f)
	_, certificate := errors.AsType[*tls.CertificateVerificationError](f)
	host := d.base.Hostname()
	switch {
	case f.status == statusPaused:
		return "the project is paused: restore it in the dashboard"
	case strings.HasPrefix(f.Code, "PGRST00"):
		return "the Data API does not reach its database, which may be starting, paused or overloaded: see the project in the dashboard"
	case unknown && dns.IsNotFound:
		return fmt.Sprintf("there is no host %s: the project is deleted or was paused long ago (restore it in the dashboard), or SUPABASE_URL is misspelled", host)
	case unknown:
		return fmt.Sprintf("the name of the host %s cannot be looked up: check this machine's network and its DNS", host)
	case certificate:
		return fmt.Sprintf("the certificate of %s does not count here: check SUPABASE_URL, this machine's clock and its root certificates", host)
	case errors.Is(f, syscall.ECONNREFUSED):
		return fmt.Sprintf("nothing listens at %s: check SUPABASE_URL, its port included", d.base.Host)
	case errors.Is(f, context.DeadlineExceeded) || errors.Is(f, os.ErrDeadlineExceeded):
		return fmt.Sprintf("%s does not answer in time: check SUPABASE_URL, firewalls, and the project in the dashboard", host)
	case f.status == 0:
		return fmt.Sprintf("%s cannot be reached: check SUPABASE_URL and the network", host)
	}
	return ""
}

func (d *dataAPI) patience() (tries int, pause time.Duration) { return 3, 40 * time.Millisecond }

func (d *dataAPI) send(ctx context.Context, c functionCall) ([]byte, error) {
	args := map[string]any{}
	for _, a := range c.args {
		args["p_"+a.name] = a.value
	}
	body, err := object(args)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	u := *d.base
	u.Path += "/rest/v1/rpc/codeforge_" + c.function
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	h := req.Header
	h.Set("User-Agent", "codeforge/"+codeforge.Version)
	h.Set("Accept", "application/json")
	h.Set("Content-Type", "application/json")
	h.Set("Content-Profile", "public")
	h.Set("apikey", d.key)
	if c.traceParent != "" {
		h.Set("traceparent", c.traceParent)
	}
	switch {
	case c.as.Token != "":
		h.Set("Authorization", "Bearer "+c.as.Token)
	case d.bearer:
		h.Set("Authorization", "Bearer "+d.key)
	}
	f := &failure{service: c.as.Token == ""}
	res, err := d.client.Do(req)
	if err != nil {
		op, dial := errors.AsType[*net.OpError](err)
		f.cause, f.unsent = fmt.Errorf("the Data API: %w", err), dial && op.Op == "dial"
		return nil, f
	}
	defer res.Body.Close()
	if res.StatusCode < 200 || res.StatusCode > 299 {
		f.status = res.StatusCode
		text, err := io.ReadAll(io.LimitReader(res.Body, maxFault))
		if json.Unmarshal(text, f) != nil {
			f.Message = fmt.Sprintf("%.200q", text)
		}
		f.cause, f.constraint = err, constraint(f.Message)
		if n, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && n > 0 {
			f.after = time.Duration(min(n, 3600)) * time.Second
		}
		return nil, f
	}
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	switch {
	case err != nil:
		f.cause = fmt.Errorf("the Data API: %w", err)
		return nil, f
	case len(answer) > maxAnswer:
		return nil, fmt.Errorf("answer of %s is over %d bytes", c.function, maxAnswer)
	}
	if answer = bytes.TrimSpace(answer); c.query { // a list of one or none
		answer = bytes.TrimSpace(bytes.TrimSuffix(bytes.TrimPrefix(answer, []byte("[")), []byte("]")))
	}
	return answer, nil
}

// constraint is what one of our rules is about, if a message names it.
func constraint(message string) string {
	_, rest, _ := strings.Cut(message, `"codeforge_`)
	name, _, _ := strings.Cut(rest, `"`)
	if name == "" {
		return "value"
	}
	return name
}
