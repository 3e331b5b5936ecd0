package main

import (
	"fmt"
	"net"
	"net/netip"

	"github.com/podchain/podchain/conformance/kubernetes/internal/machine"
	"github.com/podchain/podchain/conformance/kubernetes/internal/relay"
)

// relayTo listens on the node and carries what comes on to the socket. An address that
// is not a loopback address becomes one of the node's.
func relayTo(r machine.Relay) error {
	address, err := netip.ParseAddrPort(r.Address)
	if err != nil {
		return err
	}
	if !address.Addr().IsLoopback() {
		if err := ip("address add " + address.Addr().String() + "/32 dev lo"); err != nil {
			return err
		}
	}
	listener, err := net.Listen("tcp", r.Address)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", r.Address, err)
	}
	go relay.Serve(listener, "unix", r.Socket)
	return nil
}
