package implementation

import "context"

// Store is offered by a cluster that lets the suite see the store behind its API
// server (capability "store"): an etcd, or what speaks its protocol.
type Store interface {
	// StoreAccess tells how the store is reached. It changes nothing.
	StoreAccess(ctx context.Context) (StoreAccess, error)
}

// StoreAccess is how a store is reached. It bypasses the API server, so it is for the
// suite and for no link (STORE-06).
type StoreAccess struct {
	// Endpoints are URLs, such as https://127.0.0.1:2379 or unixs:///run/etcd.sock.
	Endpoints []string `json:"endpoints"`
	// Prefix of all keys of the API server, such as "/registry/".
	Prefix string `json:"prefix"`
	// CA, Certificate and Key are PEM; empty where the store does without.
	CA          []byte `json:"ca,omitempty"`
	Certificate []byte `json:"certificate,omitempty"`
	Key         []byte `json:"key,omitempty"`
}

// Outage is offered by a cluster whose store can be away for a while (capability
// "outage").
type Outage interface {
	// StopStore ends the store as a crash would, and returns when it has ended;
	// StartStore brings it back with what it has kept.
	StopStore(ctx context.Context) error
	StartStore(ctx context.Context) error
}
