// Package relay carries connections from one network to another. A node has a
// network of its own; by two relays and a unix socket between them it reaches
// what listens on the loopback address of the machine.
package relay

import (
	"io"
	"net"
	"sync"
)

// Serve carries every connection on to an address until the listener is closed.
// A connection that leads nowhere is closed, as one is whose server has gone.
func Serve(listener net.Listener, network, address string) {
	for {
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		go carry(connection, network, address)
	}
}

func carry(from net.Conn, network, address string) {
	defer from.Close()
	to, err := net.Dial(network, address)
	if err != nil {
		return
	}
	defer to.Close()
	var both sync.WaitGroup
	both.Go(func() { half(to, from) })
	both.Go(func() { half(from, to) })
	both.Wait()
}

// half copies one direction and passes its end on.
func half(to, from net.Conn) {
	_, err := io.Copy(to, from)
	if closer, ok := to.(interface{ CloseWrite() error }); ok && err == nil {
		if closer.CloseWrite() == nil {
			return
		}
	}
	// What is broken in one direction is of no use in the other.
	_, _ = to.Close(), from.Close()
}
