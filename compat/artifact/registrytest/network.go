package registrytest

import (
	"context"
	"net"
	"sync"
	"syscall"
)

// Network is a network in memory. In a bubble of testing/synctest, time goes on while its
// connections are waited for, as it does not for those of the system. The zero value has no
// listener.
type Network struct {
	mu        sync.Mutex
	listeners map[string]*listener
	ports     int // given out so far
}

// firstPort is the first one that Listen picks.
const firstPort = 5000

// Listen listens on a port of 127.0.0.1, on one that is free if it is 0. A port that was closed can
// not be listened on again.
func (n *Network) Listen(port int) net.Listener {
	n.mu.Lock()
	defer n.mu.Unlock()
	if port == 0 {
		port = firstPort + n.ports
		n.ports++
	}
	l := &listener{
		address:  &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port},
		incoming: make(chan net.Conn),
		closed:   make(chan struct{}),
	}
	if n.listeners == nil {
		n.listeners = map[string]*listener{}
	}
	n.listeners[l.address.String()] = l
	return l
}

// Dial connects to an address that is listened on, as [net.Dialer.DialContext] does.
func (n *Network) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	n.mu.Lock()
	l, ok := n.listeners[address]
	n.mu.Unlock()
	refused := &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
	if !ok {
		return nil, refused
	}
	client, server := net.Pipe()
	select {
	case l.incoming <- conn{server, l.address}:
		return conn{client, l.address}, nil
	case <-l.closed:
		return nil, refused
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

type listener struct {
	address  *net.TCPAddr
	incoming chan net.Conn
	once     sync.Once
	closed   chan struct{}
}

// Accept returns the next connection that was dialled.
func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.incoming:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close ends the listening.
func (l *listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr is what to dial.
func (l *listener) Addr() net.Addr { return l.address }

// conn is an end of a connection, both of whose addresses are the server's.
type conn struct {
	net.Conn
	address *net.TCPAddr
}

// LocalAddr is that of the listener.
func (c conn) LocalAddr() net.Addr { return c.address }

// RemoteAddr is that of the listener.
func (c conn) RemoteAddr() net.Addr { return c.address }
