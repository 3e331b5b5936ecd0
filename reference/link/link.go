package link

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"

	"github.com/podchain/podchain/conformance/implementation/clients"
	"github.com/podchain/podchain/conformance/implementation/crash"
)

// Link is a process of the chain: clients and caches under its own name, and a recorder
// for its Events.
type Link struct {
	// Name is the user agent of the requests and the source of the Events.
	Name string
	// Clients talk to the API server, which is all that a link may talk to.
	Clients *clients.Clients
	// Config and HTTP are what the clients are made of, for those of another sort:
	// metadata.
	Config *rest.Config
	HTTP   *http.Client
	// Events records Events as Name.
	Events *Recorder

	// caches are those that Run starts, and synced tells that they are filled and that
	// their handlers have seen what they hold.
	caches []cache.SharedIndexInformer
	synced []cache.DoneChecker
}

// New prepares a link; nothing runs until Run.
func New(name string, config *rest.Config) (*Link, error) {
	config = rest.CopyConfig(config)
	config.UserAgent = name
	if config.QPS == 0 {
		// The API server knows what it can take; the client's default of five
		// requests a second would be the slowest part of the chain.
		config.QPS = -1
	}
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("%s: HTTP client: %w", name, err)
	}
	typed, err := clients.NewForHTTP(config, client)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &Link{
		Name:    name,
		Clients: typed,
		Config:  config,
		HTTP:    client,
		Events:  NewRecorder(typed, corev1.EventSource{Component: name}, RecorderOptions{}),
	}, nil
}

// discoveryTimeout is how long discovery's own HTTP client waits for a reply.
const discoveryTimeout = 32 * time.Second

// Discovery returns a client that asks which resources there are, over the connections of
// the link. One that is made for an HTTP client leaves it to that when to give up, and
// the link's never does: it also watches.
func (l *Link) Discovery(config *rest.Config) (*discovery.DiscoveryClient, error) {
	client := *l.HTTP
	client.Timeout = cmp.Or(client.Timeout, discoveryTimeout)
	return discovery.NewDiscoveryClientForConfigAndClient(config, &client)
}

// Run starts the caches and the recorder, and, once the caches are filled,
// the work. It returns nil after ctx is done and everything it started has ended.
func (l *Link) Run(ctx context.Context, work ...func(context.Context)) error {
	var group crash.Group
	defer group.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()

	group.Go(func() { l.Events.Run(ctx) })
	for _, informer := range l.caches {
		group.Go(func() { informer.RunWithContext(ctx) })
	}
	// If ctx is done the work is started even so: it has queues to shut down, and ends at
	// once.
	l.Synced(ctx)
	for _, loop := range work {
		group.Go(func() { loop(ctx) })
	}
	<-ctx.Done()
	return nil
}

// Synced waits until the caches are filled, and the handlers have seen what they hold. It
// returns false when ctx is done first.
func (l *Link) Synced(ctx context.Context) bool {
	return cache.WaitFor(ctx, "", l.synced...)
}
