package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/podchain/podchain/conformance/etcdserver"
	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/conformance/storehistory"
)

// prefix is what all keys of the API server begin with.
const prefix = "/registry/"

// DefaultStore is the store of a cluster whose options name none. The others that
// there are stand in etcdserver.Programs.
const DefaultStore = "etcd"

// store is what the API server keeps everything in. It accepts only the API server's
// client certificate, so that all changes go through the API.
type store struct {
	etcdserver.Offer
	client *clientv3.Client
}

// buildStore returns the binary of a store. The etcd is the one that the release
// is tested with.
func buildStore(ctx context.Context, name string, built programs, progress io.Writer) (string, error) {
	if name == DefaultStore {
		return built["etcd"], nil
	}
	return etcdserver.Programs[name].Binary(ctx, func(path string) {
		fmt.Fprintf(progress, "there is no %s on PATH: building %s; this happens once and takes minutes\n", name, path)
	})
}

// checkStore returns an error for an unknown store.
func checkStore(name string) error {
	if _, known := etcdserver.Programs[name]; known {
		return nil
	}
	names := slices.Sorted(maps.Keys(etcdserver.Programs))
	return fmt.Errorf("store %q: expected one of %s", name, strings.Join(names, ", "))
}

func startStore(ctx context.Context, name, binary, directory, logs string) (*store, error) {
	if err := os.MkdirAll(logs, 0o755); err != nil {
		return nil, err
	}
	server, err := etcdserver.Start(ctx, etcdserver.Options{
		Program: etcdserver.Programs[name], Binary: binary,
		Directory: filepath.Join(directory, "store"), Log: filepath.Join(logs, name+".log"),
	})
	if err != nil {
		return nil, err
	}
	s := &store{Offer: etcdserver.Offer{Server: server, Prefix: prefix}}
	access, err := s.StoreAccess(ctx)
	if err == nil {
		s.client, err = storehistory.Connect(access)
	}
	if err != nil {
		return nil, errors.Join(err, server.Stop())
	}
	return s, nil
}

// compact removes every version of every key except the present one. It compacts at a
// write of its own: the event of the compacted revision itself is still delivered, but
// without the previous object, which API servers take for a fault of the store.
func (s *store) compact(ctx context.Context) error {
	written, err := s.client.Put(ctx, "podchain/compacted", "")
	if err != nil {
		return fmt.Errorf("compact the store: %w", err)
	}
	if _, err := s.client.Compact(ctx, written.Header.Revision, clientv3.WithCompactPhysical()); err != nil {
		return fmt.Errorf("compact the store: %w", err)
	}
	return nil
}

func (s *store) stop() error {
	if s == nil {
		return nil
	}
	return errors.Join(s.client.Close(), s.Server.Stop())
}

// StoreAccess implements implementation.Store.
func (c *Cluster) StoreAccess(ctx context.Context) (implementation.StoreAccess, error) {
	return c.store.StoreAccess(ctx)
}

// StopStore implements implementation.Outage.
func (c *Cluster) StopStore(ctx context.Context) error { return c.store.StopStore(ctx) }

// StartStore implements implementation.Outage.
func (c *Cluster) StartStore(ctx context.Context) error { return c.store.StartStore(ctx) }
