package main

import (
	"fmt"
	"net"

	"github.com/podchain/podchain/conformance/kubernetes/internal/machine"
	"github.com/podchain/podchain/conformance/kubernetes/internal/relay"
)

// relayTo listens on the node and carries what comes on to the socket.
func relayTo(r machine.Relay) error {
	listener, err := net.Listen("tcp", r.Address)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", r.Address, err)
	}
	go relay.Serve(listener, "unix", r.Socket)
	return nil
}
