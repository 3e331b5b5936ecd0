package controller

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/podchain/podchain/conformance/implementation/crash"
)

// Link is what every controller needs to take part in the chain: a client and
// informers under its own name, and a recorder for its Events.
type Link struct {
	// Name is the user agent of the requests and the source of the Events.
	Name string
	// Client talks to the API server, which is all that a link may talk to.
	Client kubernetes.Interface
	// Informers hold the caches. Ask it for informers before Run, which starts them.
	Informers informers.SharedInformerFactory
	// Events records Events as Name.
	Events *Recorder
}

// NewLink prepares a link; nothing runs until Run.
func NewLink(name string, config *rest.Config) (*Link, error) {
	config = rest.CopyConfig(config)
	config.UserAgent = name
	if config.QPS == 0 {
		// The API server knows what it can take; the client's default of five
		// requests a second would be the slowest part of the chain.
		config.QPS = -1
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("%s: client: %w", name, err)
	}
	return &Link{
		Name:   name,
		Client: client,
		// No resync: the controllers are level-triggered and every time-based
		// look is queued with its own delay.
		Informers: informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithTransform(Trim)),
		Events:    NewRecorder(name, client.CoreV1()),
	}, nil
}

// Run starts the informers and the recorder, and, once the caches are filled,
// the work. It returns nil after ctx is done and everything it started has ended.
func (l *Link) Run(ctx context.Context, work ...func(context.Context)) error {
	var group crash.Group
	defer group.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer l.Informers.Shutdown()
	defer cancel()

	group.Go(func() { l.Events.Run(ctx) })
	l.Informers.StartWithContext(ctx)
	// The only error is that ctx is done. The work is started even so: it has
	// queues to shut down, and ends at once.
	_ = l.Informers.WaitForCacheSyncWithContext(ctx)
	for _, loop := range work {
		group.Go(func() { loop(ctx) })
	}
	<-ctx.Done()
	return nil
}

// Trim is the informers' transform: it drops what no controller reads.
func Trim(object any) (any, error) {
	if accessor, err := meta.Accessor(object); err == nil {
		accessor.SetManagedFields(nil)
	}
	return object, nil
}
