package reference

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"

	corev1 "k8s.io/api/core/v1"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/client-go/rest"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/reference/store"
)

// DefaultNodes is how many nodes a cluster has when the options say nothing.
const DefaultNodes = 2

// Version is the Kubernetes version whose behaviour the reference shows.
const Version = "v1.37.2"

// Options say what a cluster is made of. The zero value is the whole chain with
// two nodes.
type Options struct {
	// Nodes is the number of nodes, named node-1, node-2 and so on. Zero means
	// DefaultNodes, a negative number none.
	Nodes int
	// Capacity of each of these nodes. Default for what it lacks: the kubelet's.
	Capacity corev1.ResourceList
	// Without lists the links that are not started with the cluster. They can
	// be started later, and their place can be taken by a link from elsewhere.
	Without []chain.Link
	// Shared says that what is not of the reference works on the cluster, too. Otherwise
	// clients that write what no link of the reference acts on are warned of that.
	Shared bool
	// Token that every request has to bear. Empty: everybody is administrator.
	Token string
	// AnyImage makes every well-formed image exist. Containers of those that are not
	// in the table of images are ready and healthy, and behave as their command
	// suggests where it is as simple as "sleep 5" or sh -c "exit 3". Otherwise they
	// run until they are told to end, and init containers end at once.
	AnyImage bool
	// API is how an administrator reaches an API server that somebody else runs:
	// the links of the cluster are clients of that one, and have none of their own.
	API *rest.Config
	// Store holds the objects; whoever made it closes it after the cluster. Nil:
	// a new one in memory for each cluster.
	Store store.Store
	// Offers implement what can be done with the store beyond the API:
	// implementation.Store, implementation.Outage.
	Offers []any
	// Tap, where set, is put between each link and the API server: it returns
	// what the link's requests go through on their way to next. As the API server's
	// count those of the administrator.
	Tap func(link chain.Link, next http.RoundTripper) http.RoundTripper
	// Replaced says of links that the Tap makes something else of what they are now, for
	// the description.
	Replaced map[chain.Link]string
}

func (o Options) nodes() int {
	switch {
	case o.Nodes == 0:
		return DefaultNodes
	case o.Nodes < 0:
		return 0
	}
	return o.Nodes
}

// InProcess is what the reference offers as an implementation.
type InProcess interface {
	implementation.Hookable
	implementation.Divisible
}

// Implementation starts reference clusters that have the same options.
type Implementation struct{ options Options }

var _ InProcess = (*Implementation)(nil)

// New returns an implementation whose clusters have the given options. It is an
// implementation.Virtual, unless the options name a store: that is the same one
// for all clusters, and may well be outside of any bubble.
func New(options Options) InProcess {
	i := &Implementation{options: options}
	if options.Store != nil {
		return i
	}
	return virtualImplementation{i}
}

// Describe implements implementation.Implementation.
func (i *Implementation) Describe() chain.Description {
	description := chain.Description{Name: "reference", Version: Version}
	for link, what := range i.options.Replaced {
		description.From(link, what)
	}
	for _, link := range i.options.Without {
		description.Without(link)
	}
	return description
}

// Start implements implementation.Implementation. It returns when the API
// server answers; the links and nodes come up as they do in any cluster, and
// Cluster.WaitReady waits for them.
func (i *Implementation) Start(ctx context.Context) (implementation.Cluster, error) {
	return i.StartHooked(ctx, implementation.Hooks{})
}

// StartHooked implements implementation.Hookable.
func (i *Implementation) StartHooked(ctx context.Context, hooks implementation.Hooks) (implementation.Cluster, error) {
	cluster, err := start(ctx, i.options, hooks)
	if err != nil {
		return nil, err
	}
	if inBubble() {
		return virtualCluster{cluster}, nil
	}
	return cluster, nil
}

// StartLinks implements implementation.Divisible.
func (i *Implementation) StartLinks(ctx context.Context, share implementation.Share, hooks implementation.Hooks) (implementation.Cluster, error) {
	for _, link := range share.Links {
		if !Has(link) {
			return nil, lacking(link)
		}
	}
	options := i.options
	options.API, options.Shared = share.API, true
	options.Without = slices.DeleteFunc(slices.Clone(chain.AllLinks), share.Has)
	options.Nodes = -1
	if share.Has(chain.Kubelet) && share.Nodes > 0 {
		options.Nodes = share.Nodes
	}
	cluster, err := start(ctx, options, hooks)
	if err != nil {
		return nil, err
	}
	if err := cluster.WaitReady(ctx); err != nil {
		return nil, errors.Join(err, cluster.Stop(context.WithoutCancel(ctx)))
	}
	return cluster, nil
}

// virtualImplementation is one whose clusters have nothing outside of the bubble
// in which they are started.
type virtualImplementation struct{ *Implementation }

var _ implementation.Virtual = virtualImplementation{}

// Virtual implements implementation.Virtual.
func (virtualImplementation) Virtual(t *testing.T, run func(t *testing.T)) {
	synctest.Test(t, run)
}

// virtualCluster is a cluster that lives in a bubble. The bubble knows when all
// its goroutines wait for time to pass or for somebody outside, which is what
// being at rest means; in real time nobody knows, and a cluster there does not
// claim to.
type virtualCluster struct{ *Cluster }

var _ implementation.Settler = virtualCluster{}

// Settle implements implementation.Settler.
func (virtualCluster) Settle(ctx context.Context) error {
	synctest.Wait()
	return ctx.Err()
}

// inBubble tells whether the caller runs in a testing/synctest bubble. Package
// synctest has no question to ask, but Wait refuses to work outside of one.
func inBubble() (in bool) {
	defer func() {
		switch refusal := recover(); {
		case refusal == nil:
		case fmt.Sprint(refusal) == "goroutine is not in a bubble":
			in = false
		default: // another goroutine of the bubble is in Wait
			in = true
		}
	}()
	synctest.Wait()
	return true
}

// client-go's error handling ends with a brake that sleeps for as long as the
// last error, of anybody in the process, lies in the future. Between a bubble,
// where it is the year 2000, and real time that is decades, and the reflector
// that reported the error never watches again. The links have back-off of their
// own, so the brake goes; what logs the error stays.
func init() {
	utilruntime.ErrorHandlers = utilruntime.ErrorHandlers[:1]
}
