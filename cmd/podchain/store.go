package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"

	"github.com/podchain/podchain/reference/store"
	"github.com/podchain/podchain/reference/store/etcd"
	"github.com/podchain/podchain/reference/store/etcd/local"
)

// storeOptions say where a cluster keeps its objects.
type storeOptions struct {
	store string
	files etcd.Files
}

const inMemory = "memory"

// add adds the flags, whose names are kube-apiserver's where it has them.
func (o *storeOptions) add(flags *pflag.FlagSet) {
	flags.StringVar(&o.store, "store", inMemory, "`STORE` that holds the objects: memory; etcd, one of its own that is gone at the end; or etcd=URL,URL..., one that runs and keeps them")
	flags.StringVar(&o.files.CA, "etcd-cafile", "", "`file` with the authorities that the certificate of --store etcd=https://... is checked against (default: the system's)")
	flags.StringVar(&o.files.Cert, "etcd-certfile", "", "`file` with the client certificate for --store etcd=https://...")
	flags.StringVar(&o.files.Key, "etcd-keyfile", "", "`file` with that certificate's key")
}

// opened is a store that has to be closed.
type opened struct {
	store.Store // nil: what the reference does by itself
	close       func() error
}

// open opens the store. Whoever has to wait for an etcd to be built is told.
func (o *storeOptions) open(ctx context.Context, told io.Writer) (*opened, error) {
	kind, endpoints, external := strings.Cut(o.store, "=")
	switch {
	case o.files != (etcd.Files{}) && !external:
		return nil, errors.New("--etcd-cafile, --etcd-certfile and --etcd-keyfile go with --store etcd=https://HOST:PORT")
	case o.store == inMemory:
		return &opened{close: func() error { return nil }}, nil
	case kind != "etcd":
		return nil, fmt.Errorf("--store %s: expected memory, etcd, or etcd=URL", o.store)
	case external:
		certificates, err := o.files.TLS()
		if err != nil {
			return nil, err
		}
		s, err := etcd.Open(ctx, etcd.Options{Endpoints: strings.Split(endpoints, ","), TLS: certificates})
		if err != nil {
			return nil, fmt.Errorf("--store %s: %w", o.store, err)
		}
		return &opened{Store: s, close: s.Close}, nil
	}
	s, err := ownEtcd(ctx, told)
	if err != nil {
		return nil, fmt.Errorf("--store etcd: %w", err)
	}
	return s, nil
}

// ownEtcd starts an etcd that ends with the store.
func ownEtcd(ctx context.Context, told io.Writer) (*opened, error) {
	binary, err := local.Binary(ctx, func(path string) {
		fmt.Fprintf(told, "there is no etcd on PATH: building %s, once\n", path)
	})
	if err != nil {
		return nil, err
	}
	server, err := local.Start(ctx, binary)
	if err != nil {
		return nil, err
	}
	s, err := etcd.Open(ctx, etcd.Options{Endpoints: []string{server.Endpoint()}})
	if err != nil {
		return nil, errors.Join(err, server.Stop())
	}
	return &opened{Store: s, close: func() error { return errors.Join(s.Close(), server.Stop()) }}, nil
}
