package conformance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/podchain/podchain/conformance/history"
	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/conformance/runresources"
	"github.com/podchain/podchain/conformance/specification"
	"github.com/podchain/podchain/steps"
)

// sharedClusters runs all examples on one cluster, each in a namespace of its own;
// exclusive ones on spare clusters, if there are any.
type sharedClusters struct {
	first   *sharedCluster
	spares  []*sharedCluster
	idle    chan *sharedCluster // the spares that nothing runs on
	options Options
	lag     *history.Lag
	count   atomic.Int64
	// calm is locked by an exclusive example, and read-locked by the others.
	calm sync.RWMutex
}

func (s *sharedClusters) exclusive(example *specification.Example) bool {
	return slices.ContainsFunc(example.Capabilities, implementation.Exclusive)
}

func (s *sharedClusters) spareClusters() int { return len(s.spares) }

func (s *sharedClusters) observationLag() history.Summary { return s.lag.Summary() }

// usefulSpares is how many of the clusters, at most as given, would have something to do.
func (s *sharedClusters) usefulSpares(most int) int {
	exclusive, together := 0, 0
	for _, requirement := range s.options.Specification.Requirements {
		for _, example := range requirement.Examples {
			if s.exclusive(example) {
				exclusive++
			} else {
				together++
			}
		}
	}
	if together == 0 {
		return 0 // the first has nothing else to do
	}
	return max(0, min(most, exclusive))
}

func (s *sharedClusters) run(ctx context.Context, _ *testing.T, example *specification.Example) (e execution) {
	at := s.first
	switch exclusive := s.exclusive(example); {
	case exclusive && len(s.spares) > 0:
		at = <-s.idle
		defer func() { s.idle <- at }()
	case exclusive:
		s.calm.Lock()
		defer s.calm.Unlock()
	default:
		s.calm.RLock()
		defer s.calm.RUnlock()
	}
	if lost := at.cluster.lost(); lost != nil {
		return execution{example: example, facts: facts{lost: lost}}
	}
	// Waiting for its turn is no part of the example.
	started := time.Now()
	defer func() { e.seconds = time.Since(started).Seconds() }()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(at.cluster.alive, cancel)()
	if at.run != nil {
		defer context.AfterFunc(at.run.heartbeat.Lost(), cancel)()
	}
	return execute(ctx, example, s.options, steps.Options{
		Cluster: at.cluster, Feed: at.feed, Timeout: s.options.Timeout, Shared: true, Persistent: at.run != nil, Run: s.options.Run, Lag: s.lag,
		Namespace: fmt.Sprintf("%s-%03d", runresources.RunNamespace(s.options.Run), s.count.Add(1))}, at.cluster)
}

func (s *sharedClusters) close() error {
	all := append(s.spares, s.first)
	errs := make([]error, len(all))
	var closing sync.WaitGroup
	for i, one := range all {
		closing.Go(func() { errs[i] = one.close() })
	}
	closing.Wait()
	return errors.Join(errs...)
}

// sharedCluster is a cluster with what the run has in it besides its scenarios.
type sharedCluster struct {
	cluster *lifeline
	run     *clusterRun   // nil: the run has started the cluster
	feed    *history.Feed // nil: it has not, and does not watch the cluster as a whole
}

// startShared starts a cluster. The caller closes what it returns, also with an error.
func startShared(ctx context.Context, options *Options) (*sharedCluster, error) {
	cluster, err := start(ctx, options.Implementation)
	if err != nil {
		return nil, err
	}
	s := &sharedCluster{cluster: newLifeline(cluster)}
	if _, persistent := cluster.(implementation.Persistent); persistent {
		s.run, err = beginClusterRun(ctx, s.cluster, options.Run)
		return s, err
	}
	if s.feed, err = steps.NewFeed(s.cluster, options.Timeout); err != nil {
		return s, err
	}
	return s, s.feed.Open(ctx)
}

func (s *sharedCluster) close() (err error) {
	if s == nil {
		return nil
	}
	s.cluster.close()
	if s.run != nil {
		err = s.run.end(s.cluster.lost())
	}
	if s.feed != nil {
		s.feed.Stop()
	}
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	return errors.Join(err, stop(ctx, s.cluster))
}
