package artifact

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"oras.land/oras-go/v2/registry/remote/auth"
)

// connections is the transport that keeps the connections of one repository. Token requests, which
// go where the registry says, have their own: what those are dialled at is checked, and no
// connection of another request is used in its place.
type connections struct {
	registry *url.URL
	open     *http.Transport
	checked  *http.Transport
	local    atomic.Bool   // the registry is on this machine
	resolver *net.Resolver // of tests, else nil
	connect  dialFunc      // see Options.Dial
}

type dialFunc = func(ctx context.Context, network, address string) (net.Conn, error)

func newConnections(registry *url.URL, config *tls.Config, connect dialFunc) *connections {
	c := &connections{registry: registry, connect: connect}
	c.open = &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         c.dial,
		TLSClientConfig:     config,
		TLSHandshakeTimeout: dialTimeout,
		ForceAttemptHTTP2:   true,
		MaxIdleConnsPerHost: parallelRequests,
		IdleConnTimeout:     time.Minute,
		// Digests are of the bytes as they are stored, and nobody sends us a gzip bomb that we
		// asked for.
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxResponseHeader,
	}
	c.checked = c.open.Clone()
	c.checked.DialContext = c.dialChecked
	return c
}

// RoundTrip sends a request once. Where a proxy makes the connection, the address is not for us to
// check.
func (c *connections) RoundTrip(req *http.Request) (*http.Response, error) {
	transport := c.open
	if asksToken(req) && !sameOrigin(c.registry, req.URL) {
		if proxy, err := c.open.Proxy(req); err == nil && proxy == nil {
			transport = c.checked
		}
	}
	resp, err := transport.RoundTrip(req)
	if err == nil && resp.StatusCode < http.StatusOK {
		// The body of 101 is the connection itself, which no context ends.
		_ = resp.Body.Close()
		return nil, errSwitches
	}
	return resp, err
}

// errSwitches is of a server that wants to speak another protocol, for which nobody asked.
var errSwitches = errors.New("the server answered 101 Switching Protocols")

// CloseIdleConnections closes what nobody uses at the moment.
func (c *connections) CloseIdleConnections() {
	c.open.CloseIdleConnections()
	c.checked.CloseIdleConnections()
}

func (c *connections) dial(ctx context.Context, network, address string) (net.Conn, error) {
	connect := c.connect
	if connect == nil {
		connect = (&net.Dialer{Timeout: dialTimeout, Resolver: c.resolver}).DialContext
	}
	conn, err := connect(ctx, network, address)
	if err == nil && strings.EqualFold(address, hostPort(c.registry)) {
		remote, ok := conn.RemoteAddr().(*net.TCPAddr)
		c.local.Store(ok && remote.IP.IsLoopback())
	}
	return conn, err
}

// dialChecked refuses an address before it is connected to, or, where the system does not connect,
// before anything is sent there.
func (c *connections) dialChecked(ctx context.Context, network, address string) (net.Conn, error) {
	if c.connect == nil {
		dialer := net.Dialer{Timeout: dialTimeout, Resolver: c.resolver, Control: c.check}
		return dialer.DialContext(ctx, network, address)
	}
	conn, err := c.connect(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if err := c.check(network, conn.RemoteAddr().String(), nil); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

// check refuses to connect to an address that no token service has. A registry on this machine may
// have it there too.
func (c *connections) check(_, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	if ip := to.Addr(); blocked(ip) || isLocal(ip) && !c.local.Load() {
		return refusedRealm(" has the address %s, which is no token service's", ip)
	}
	return nil
}

var (
	nat64     = netip.MustParsePrefix("64:ff9b::/96") // https://www.rfc-editor.org/rfc/rfc6052#section-2.1
	sixToFour = netip.MustParsePrefix("2002::/16")    // https://www.rfc-editor.org/rfc/rfc3056#section-2
)

// blocked reports whether no token service has an address: those of this link and of clouds'
// metadata services.
func blocked(ip netip.Addr) bool {
	ip = destination(ip)
	return !isLocal(ip) && slices.ContainsFunc(auth.DefaultBlockedRealmPrefixes(), func(p netip.Prefix) bool { return p.Contains(ip) })
}

// isLocal reports whether an address is this machine's.
func isLocal(ip netip.Addr) bool {
	ip = destination(ip)
	return ip.IsLoopback() || ip.IsUnspecified()
}

// destination is the address that is reached by one: IPv4 by those of IPv6 that stand for it.
func destination(ip netip.Addr) netip.Addr {
	ip = ip.Unmap().WithZone("")
	switch b := ip.As16(); {
	case nat64.Contains(ip):
		return netip.AddrFrom4([4]byte(b[12:]))
	case sixToFour.Contains(ip):
		return netip.AddrFrom4([4]byte(b[2:6]))
	default:
		return ip
	}
}
