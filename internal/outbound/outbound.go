// Package outbound makes connections to what users name of the public network, and to no address of the network that this
// server stands in, whatever a name means, or comes to mean.
package outbound

import (
	"context"
	"net"
	"net/netip"
	"net/url"
	"syscall"
	"time"

	"codeforge"
)

// ErrAddress says that an address leads where nobody is to be sent.
var ErrAddress = codeforge.InvalidField("url", "leads to an address that is not public")

// Dial returns what makes connections to addresses that allowed says yes to; ErrAddress is in the error where it says no. The
// address is looked at when a connection to it is made: what a name meant before, or means to somebody else, does not count.
// resolver looks names up; nil: as this machine does.
func Dial(allowed func(netip.AddrPort) bool, timeout time.Duration, resolver *net.Resolver) func(ctx context.Context, network, address string) (net.Conn, error) {
	d := &net.Dialer{Timeout: timeout, Resolver: resolver, ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
		a, err := netip.ParseAddrPort(address)
		if err != nil || !allowed(a) {
			return ErrAddress
		}
		return nil
	}}
	return d.DialContext
}

// CheckURL holds the rules for an address that a user names, of one of the schemes, that of a redirect too.
func CheckURL(u *url.URL, schemes ...string) error {
	refused := func(reason string) error { return codeforge.InvalidField("url", "%s", reason) }
	ok := false
	for _, s := range schemes {
		ok = ok || u.Scheme == s
	}
	switch {
	case !ok:
		return refused("must begin with https://")
	case u.Hostname() == "" || u.Opaque != "":
		return refused("must name a host")
	case u.User != nil:
		return refused("must not hold a name or password")
	}
	return nil
}

// special are networks of public form that lead elsewhere: into the network behind a provider, through a translator to any IPv4 address,
// or nowhere.
var special = func() []netip.Prefix {
	var out []netip.Prefix
	for _, s := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
		"2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "2620:4f:8000::/48",
	} {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}()

// unicast6 is all of IPv6 that is public; translators (NAT64), local and reserved networks lie outside.
var unicast6 = netip.MustParsePrefix("2000::/3")

// Public reports whether an address is one of the public network. An IPv4 address within an IPv6 one is not.
func Public(a netip.Addr) bool {
	if a.Zone() != "" || a.Is4In6() || a.Is6() && !unicast6.Contains(a) || a.Is4() && (!a.IsGlobalUnicast() || a.IsPrivate()) {
		return false
	}
	for _, p := range special {
		if p.Contains(a) {
			return false
		}
	}
	return a.IsValid()
}
