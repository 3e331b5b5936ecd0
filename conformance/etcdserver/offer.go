package etcdserver

import (
	"context"
	"os"

	"github.com/podchain/podchain/conformance/implementation"
)

// Offer is what a cluster lets the suite do with the store that it has for
// itself (capabilities "store" and "outage").
type Offer struct {
	Server *Server
	// Prefix of the API server's keys.
	Prefix string
}

var (
	_ implementation.Store  = Offer{}
	_ implementation.Outage = Offer{}
)

// StoreAccess implements implementation.Store.
func (o Offer) StoreAccess(context.Context) (implementation.StoreAccess, error) {
	access := o.Server.access()
	access.Prefix = o.Prefix
	return access, nil
}

// StopStore implements implementation.Outage.
func (o Offer) StopStore(context.Context) error {
	o.Server.Kill()
	return nil
}

// StartStore implements implementation.Outage.
func (o Offer) StartStore(ctx context.Context) error { return o.Server.Restart(ctx) }

// Files are those that let a client in: the authority of the server's certificate, and
// the client's own certificate with its key.
type Files struct{ CA, Cert, Key string }

// Access is how the suite reaches a store to which the files let a client in.
func Access(endpoints []string, prefix string, files Files) (implementation.StoreAccess, error) {
	access := implementation.StoreAccess{Endpoints: endpoints, Prefix: prefix}
	for file, content := range map[string]*[]byte{files.CA: &access.CA, files.Cert: &access.Certificate, files.Key: &access.Key} {
		if file == "" {
			continue
		}
		var err error
		if *content, err = os.ReadFile(file); err != nil {
			return access, err
		}
	}
	return access, nil
}
