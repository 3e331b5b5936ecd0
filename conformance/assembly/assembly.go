package assembly

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/client-go/rest"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/conformance/tap"
)

// Options say what a cluster is assembled from.
type Options struct {
	// Links says where each link comes from; those that it does not have come from
	// nowhere. Links of the same Origin are started together.
	Links map[chain.Link]Origin
	// Without are links that are left out on request, which descriptions mention.
	Without []chain.Link
	// Nodes is how many nodes there are from the start; 0 means 2.
	Nodes int
	// Logs is the directory where the programs' logs stay; those of further clusters
	// in directories below it. Empty: where each origin keeps them, for as long as it
	// does.
	Logs string
}

// Implementation assembles clusters.
type Implementation struct {
	options Options
	started atomic.Int64 // clusters so far
}

// New returns an implementation; the error says what cannot be assembled.
func New(options Options) (*Implementation, error) {
	if options.Links[chain.APIServer] == nil {
		return nil, fmt.Errorf("%s: without one there is no cluster", chain.APIServer)
	}
	if options.Nodes == 0 {
		options.Nodes = 2
	}
	return &Implementation{options: options}, nil
}

// groups returns the origins, with the links of each: first that of the API
// server, then the others in the order of the chain.
func (i *Implementation) groups() (groups []group) {
	for _, link := range chain.AllLinks {
		origin := i.options.Links[link]
		if origin == nil {
			continue
		}
		at := slices.IndexFunc(groups, func(g group) bool { return g.origin == origin })
		if at < 0 {
			groups, at = append(groups, group{origin: origin}), len(groups)
		}
		groups[at].links = append(groups[at].links, link)
	}
	return groups
}

type group struct {
	origin Origin
	links  []chain.Link
}

// Describe implements implementation.Implementation: the cluster is named after
// the origin of most links.
func (i *Implementation) Describe() chain.Description {
	groups := i.groups()
	most := slices.MaxFunc(groups, func(a, b group) int { return len(a.links) - len(b.links) })
	description := most.origin.Describe()
	for _, group := range groups {
		for _, link := range group.links {
			if group.origin != most.origin {
				description.From(link, group.origin.Describe().String())
			}
		}
	}
	for _, link := range i.options.Without {
		description.Without(link)
	}
	return description
}

// stopTimeout bounds the end of a cluster that did not start.
const stopTimeout = 2 * time.Minute

// Start implements implementation.Implementation. It returns when every link is at
// work.
func (i *Implementation) Start(ctx context.Context) (implementation.Cluster, error) {
	logs := i.options.Logs
	if number := i.started.Add(1); number > 1 && logs != "" {
		logs = filepath.Join(logs, fmt.Sprintf("cluster-%d", number))
	}
	taps := tap.New()
	c := &cluster{Faults: taps, WatchObserver: taps, taps: taps, owners: map[chain.Link]implementation.Cluster{}}
	for _, group := range i.groups() {
		part := Part{Share: implementation.Share{Links: group.links, Nodes: i.options.Nodes}, Taps: taps, Logs: logs}
		if len(c.members) > 0 {
			part.API = c.Config()
		}
		member, err := group.origin.Start(ctx, part)
		if err != nil {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
			defer cancel()
			return nil, errors.Join(err, c.Stop(ctx))
		}
		c.members = append(c.members, member)
		for _, link := range group.links {
			c.owners[link] = member
		}
	}
	return c, nil
}

// cluster is an assembled cluster.
type cluster struct {
	implementation.Faults
	implementation.WatchObserver

	taps *tap.Taps
	// members are the parts, in the order in which they were started.
	members []implementation.Cluster
	// owners are the members that the links are of.
	owners map[chain.Link]implementation.Cluster
	// stopped are the links that have been stopped: chain.Link to true.
	stopped sync.Map
}

// Config implements implementation.Cluster: the first member has the API server.
func (c *cluster) Config() *rest.Config { return c.members[0].Config() }

// Stop implements implementation.Cluster: the API server is the last to end.
func (c *cluster) Stop(ctx context.Context) error {
	var errs []error
	for _, member := range slices.Backward(c.members) {
		errs = append(errs, member.Stop(ctx))
	}
	return errors.Join(errs...)
}
