package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/podchain/podchain/conformance/etcdserver"
	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/conformance/printable"
	"github.com/podchain/podchain/reference/apiserver"
	"github.com/podchain/podchain/reference/store"
	"github.com/podchain/podchain/reference/store/etcd"
)

// storeOptions say where a cluster keeps its objects.
type storeOptions struct {
	store    string
	files    etcd.Files
	eventTTL time.Duration
}

const (
	inMemory        = "memory"
	defaultEventTTL = time.Hour
)

// add adds the flags, whose names are kube-apiserver's where it has them.
func (o *storeOptions) add(flags *pflag.FlagSet) {
	flags.StringVar(&o.store, "store", inMemory, "Keep the cluster's objects in this `STORE`: memory; etcd or kine, started for the cluster and removed at the end; or etcd=URL,URL..., which is running and keeps them")
	flags.StringVar(&o.files.CA, "etcd-cafile", "", "Trust the certificate authorities in this `file` for --store etcd=https://HOST (default: the system's)")
	flags.StringVar(&o.files.Cert, "etcd-certfile", "", "Present the client certificate in this `file` to --store etcd=https://HOST")
	flags.StringVar(&o.files.Key, "etcd-keyfile", "", "Use the key in this `file` with that certificate")
	flags.DurationVar(&o.eventTTL, "event-ttl", defaultEventTTL, "Keep Events for this time (--store memory keeps them for ever)")
}

// opened is a store that has to be closed.
type opened struct {
	store.Store // nil: what the reference does by itself
	// offers implement what the suite can do with it.
	offers []any
	close  func() error
}

// check returns an error for flags that do not go together.
func (o *storeOptions) check() error {
	kind, _, external := strings.Cut(o.store, "=")
	_, known := etcdserver.Programs[kind]
	switch {
	case o.files != (etcd.Files{}) && !external:
		return errors.New("--etcd-cafile, --etcd-certfile and --etcd-keyfile go with --store etcd=https://HOST:PORT")
	case o.eventTTL < time.Second:
		return fmt.Errorf("--event-ttl %s: must be at least 1s", o.eventTTL)
	case o.store == inMemory && o.eventTTL != defaultEventTTL:
		return errors.New("--event-ttl goes with --store etcd: --store memory keeps Events for ever")
	case o.store != inMemory && (!known || external && kind != etcdserver.Etcd.Name):
		return fmt.Errorf("--store %s: expected memory, etcd, kine, or etcd=URL", o.store)
	}
	return nil
}

// open opens the store, and reports progress where one has to be built first.
func (o *storeOptions) open(ctx context.Context, progress io.Writer) (*opened, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	if o.store == inMemory {
		return &opened{close: func() error { return nil }}, nil
	}
	kind, endpoints, external := strings.Cut(o.store, "=")
	program := etcdserver.Programs[kind]
	open := func() (*opened, error) { return o.ofItsOwn(ctx, program, progress) }
	if external {
		open = func() (*opened, error) { return o.external(ctx, strings.Split(endpoints, ",")) }
	}
	s, err := open()
	if err != nil {
		return nil, fmt.Errorf("--store %s: %w", o.store, err)
	}
	return s, nil
}

// connect opens the store at the endpoints.
func (o *storeOptions) connect(ctx context.Context, endpoints []string, files etcd.Files) (*etcd.Store, error) {
	certificates, err := files.TLS()
	if err != nil {
		return nil, printable.File(err)
	}
	return etcd.Open(ctx, etcd.Options{Endpoints: endpoints, TLS: certificates, TimeToLive: apiserver.EventTimeToLive(o.eventTTL)})
}

func (o *storeOptions) external(ctx context.Context, endpoints []string) (*opened, error) {
	s, err := o.connect(ctx, endpoints, o.files)
	if err != nil {
		return nil, err
	}
	access, err := etcdserver.Access(endpoints, apiserver.Root, etcdserver.Files(o.files))
	if err != nil {
		return nil, errors.Join(printable.File(err), s.Close())
	}
	return &opened{Store: s, offers: []any{readable(access)}, close: s.Close}, nil
}

// readable is a store that the suite may read and not stop.
type readable implementation.StoreAccess

// StoreAccess implements implementation.Store.
func (r readable) StoreAccess(context.Context) (implementation.StoreAccess, error) {
	return implementation.StoreAccess(r), nil
}

// ofItsOwn starts a store that ends when it is closed.
func (o *storeOptions) ofItsOwn(ctx context.Context, program etcdserver.Program, progress io.Writer) (*opened, error) {
	binary, err := program.Binary(ctx, func(path string) {
		fmt.Fprintf(progress, "there is no %s on PATH: building %s, once\n", program.Name, path)
	})
	if err != nil {
		return nil, err
	}
	server, err := etcdserver.Start(ctx, etcdserver.Options{Program: program, Binary: binary})
	if err != nil {
		return nil, err
	}
	s, err := o.connect(ctx, []string{server.Endpoint()}, etcd.Files(server.Files()))
	if err != nil {
		return nil, errors.Join(err, server.Stop())
	}
	return &opened{
		Store:  s,
		offers: []any{etcdserver.Offer{Server: server, Prefix: apiserver.Root}},
		close:  func() error { return errors.Join(s.Close(), server.Stop()) },
	}, nil
}
