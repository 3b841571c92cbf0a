package outbound

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"codeforge"
)

func TestPublic(t *testing.T) {
	for address := range strings.FieldsSeq(`0.0.0.0 0.1.2.3 10.0.0.1 100.64.0.1 100.127.255.255 127.0.0.1 127.9.9.9 169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.1 192.0.2.1 192.88.99.1 192.168.0.1
		198.18.0.1 198.19.255.255 198.51.100.7 203.0.113.7 224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255 :: ::1 ::ffff:8.8.8.8 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::127.0.0.1 ::8.8.8.8 64:ff9b::7f00:1 64:ff9b::808:808
		64:ff9b:1::1 100::1 2001::1 2001:2::1 2001:10::1 2001:db8::1 2002:7f00:1::1 2002:808:808::1 3fff::1 4000::1 5f00::1 fc00::1 fd00:ec2::254 fe80::1 fe80::1%eth0 fec0::1 ff02::1 2606:4700::1%eth0`) {
		if Public(netip.MustParseAddr(address)) {
			t.Errorf("%s is taken as public", address)
		}
	}
	for address := range strings.FieldsSeq("1.1.1.1 8.8.8.8 100.63.255.255 100.128.0.1 126.255.255.255 128.0.0.1 172.15.0.1 172.32.0.1 192.167.0.1 192.0.1.1 198.17.0.1 198.20.0.1 223.255.255.255 140.82.112.3 2606:4700::1111 2a00:1450::1 2620:fe::fe 2001:4860:4860::8888") {
		if !Public(netip.MustParseAddr(address)) {
			t.Errorf("%s is not taken as public", address)
		}
	}
	if Public(netip.Addr{}) {
		t.Error("no address is taken as public")
	}
}

// names is a resolver that answers each question for an IPv4 address with the next of some.
func names(t *testing.T, addresses ...string) *net.Resolver {
	t.Helper()
	var asked atomic.Int64
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		here, there := net.Pipe()
		go func() {
			defer there.Close()
			question := make([]byte, 2000)
			n, err := there.Read(question)
			if err != nil {
				return
			}
			m := dnsmessage.Message{}
			if m.Unpack(question[2:n]) != nil { // over a stream its length comes first
				return
			}
			m.Response = true
			m.Additionals = nil
			if m.Questions[0].Type == dnsmessage.TypeA {
				a := netip.MustParseAddr(addresses[min(int(asked.Add(1)), len(addresses))-1])
				m.Answers = []dnsmessage.Resource{{Header: dnsmessage.ResourceHeader{Name: m.Questions[0].Name, Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET},
					Body: &dnsmessage.AResource{A: a.As4()}}}
			}
			text, err := m.Pack()
			if err == nil {
				_, _ = there.Write(append([]byte{byte(len(text) >> 8), byte(len(text))}, text...))
			}
		}()
		return here, nil
	}}
}

// A name that means a public address when it is looked at and this machine when it is dialled is refused all the same.
func TestRebinding(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	resolver := names(t, "8.8.8.8", "127.0.0.1")
	if list, err := resolver.LookupHost(t.Context(), "rebound.example"); err != nil || list[0] != "8.8.8.8" {
		t.Fatal(list, err)
	}
	var seen []netip.AddrPort
	dial := Dial(func(a netip.AddrPort) bool { seen = append(seen, a); return Public(a.Addr()) }, time.Second, resolver)
	if c, err := dial(t.Context(), "tcp", "rebound.example:"+port); !errors.Is(err, ErrAddress) {
		t.Fatal(c, err)
	}
	if len(seen) != 1 || seen[0].Addr() != netip.MustParseAddr("127.0.0.1") {
		t.Errorf("looked at %v", seen)
	}
	// The same name with this machine allowed: it is the rule that refused, and nothing else.
	c, err := Dial(func(netip.AddrPort) bool { return true }, time.Second, resolver)(t.Context(), "tcp", "rebound.example:"+port)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}

func TestCheckURL(t *testing.T) {
	for address, says := range map[string]string{"https://example.com/a?b=c": "", "HTTPS://example.com": "", "http://example.com": "https://", "https://u@example.com": "name or password", "https://u:p@example.com": "name or password",
		"https://:443/": "host", "https:a": "host", "https:///a": "host", "//example.com": "https://", "": "https://", "javascript:alert(1)": "https://"} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		err = CheckURL(u, "https")
		e, _ := errors.AsType[*codeforge.Error](err)
		if (says == "") != (err == nil) || err != nil && !strings.Contains(e.Details["reason"].(string), says) {
			t.Errorf("%s: %v", address, err)
		}
	}
	if u, _ := url.Parse("http://example.com"); CheckURL(u, "http", "https") != nil {
		t.Error("a scheme that is allowed is refused")
	}
}
