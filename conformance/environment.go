package conformance

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/podchain/podchain/conformance/events"
	"github.com/podchain/podchain/conformance/history"
	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/conformance/implementation/crash"
	"github.com/podchain/podchain/conformance/runresources"
	"github.com/podchain/podchain/conformance/specification"
	"github.com/podchain/podchain/steps"
)

// environment is where examples take place.
type environment interface {
	// run executes the example; t is what a bubble hangs on, nil in real time.
	run(ctx context.Context, t *testing.T, example *specification.Example) execution
	// exclusive tells whether no other example can run at the same time as this one.
	exclusive(example *specification.Example) bool
	// spareClusters is on how many clusters those that run alone can do so while others run.
	spareClusters() int
	// observationLag tells how late the steps noticed what they waited for.
	observationLag() history.Summary
	close() error
}

// openEnvironment prepares the venue that the implementation calls for.
func openEnvironment(ctx context.Context, options *Options) (environment, error) {
	usual := options.Timeout == 0
	if usual {
		options.Timeout = defaultTimeout
	}
	if virtual, ok := options.Implementation.(implementation.Virtual); ok {
		if options.Parallel == 0 {
			options.Parallel = runtime.GOMAXPROCS(0)
		}
		return &virtualClusters{implementation: virtual, options: *options}, nil
	}
	if options.Run == "" {
		options.Run = runresources.NewID()
	}
	s := &sharedClusters{options: *options, lag: &history.Lag{}}
	var starting errgroup.Group
	starting.Go(func() (err error) { s.first, err = startShared(ctx, options); return err })
	s.spares = make([]*sharedCluster, s.usefulSpares(options.Clusters-1))
	for i := range s.spares {
		starting.Go(func() (err error) { s.spares[i], err = startShared(ctx, options); return err })
	}
	if err := starting.Wait(); err != nil {
		return nil, errors.Join(err, s.close())
	}
	if options.Parallel == 0 {
		options.Parallel = sharedParallel
		if s.first.run != nil {
			options.Parallel = externalParallel
		}
	}
	if usual && s.first.run != nil {
		s.options.Timeout = externalTimeout
	}
	s.free = make(chan *sharedCluster, len(s.spares))
	for _, site := range s.spares {
		s.free <- site
	}
	return s, nil
}

// virtualClusters gives every example a cluster of its own in a bubble of its own: in
// virtual time, and with nobody else in it.
type virtualClusters struct {
	implementation implementation.Virtual
	options        Options
}

func (b *virtualClusters) run(_ context.Context, t *testing.T, example *specification.Example) (p execution) {
	p = notExecuted(example, events.CouldNotRun, "it ended without a verdict")
	b.implementation.Virtual(t, func(*testing.T) {
		// A context from outside of the bubble would tie its clock to the real one.
		ctx := context.Background()
		cluster, err := start(ctx, b.implementation)
		if err != nil {
			p.fault(events.CouldNotRun, &events.Evidence{Error: fmt.Sprintf("the cluster did not start: %v", err)})
			return
		}
		p = execute(ctx, example, b.options, steps.Options{
			Cluster: cluster, Namespace: "podchain", Timeout: b.options.Timeout, Run: "virtual",
			// Links that never rest would keep the bubble's time from passing.
			Restless: func() { _ = cluster.Stop(ctx) }}, nil) // it is stopped again below
		err = stop(ctx, cluster)
		link, crash := crashed(cluster)
		if crash != nil {
			p.crash(link, crash)
		}
		if err = except(err, crash); err != nil {
			p.addError(fmt.Errorf("the cluster did not end well: %w", err))
		}
	})
	return p
}

func (b *virtualClusters) exclusive(*specification.Example) bool { return false }

func (b *virtualClusters) spareClusters() int { return 0 }

func (b *virtualClusters) observationLag() history.Summary { return history.Summary{} }

func (b *virtualClusters) close() error { return nil }

// sharedCluster is a cluster with what the run has in it besides its scenarios.
type sharedCluster struct {
	cluster *lifeline
	run     *clusterRun   // nil: the cluster is the run's own
	feed    *history.Feed // nil: it is not, and not to be watched as a whole
}

// startShared starts a cluster. What it returns is to be closed, unless it is nil.
func startShared(ctx context.Context, options *Options) (*sharedCluster, error) {
	cluster, err := start(ctx, options.Implementation)
	if err != nil {
		return nil, err
	}
	s := &sharedCluster{cluster: newLifeline(cluster)}
	if _, lasting := cluster.(implementation.Persistent); lasting {
		s.run, err = beginRun(ctx, s.cluster, options.Run)
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

// start starts a cluster. Whatever plays it may panic.
func start(ctx context.Context, implementation implementation.Implementation) (cluster implementation.Cluster, err error) {
	err = crash.Catch("starting it", func() (err error) {
		cluster, err = implementation.Start(ctx)
		return err
	})
	return cluster, err
}

// stop ends it, with the same caution.
func stop(ctx context.Context, cluster implementation.Cluster) error {
	return crash.Catch("ending it", func() error { return cluster.Stop(ctx) })
}

// except returns what is in an error apart from one that is known.
func except(err, known error) error {
	switch joined, ok := err.(interface{ Unwrap() []error }); {
	case err == nil || known != nil && err == known: //nolint:errorlint // this very one
		return nil
	case known == nil || !ok:
		return err
	default:
		var errs []error
		for _, part := range joined.Unwrap() {
			errs = append(errs, except(part, known))
		}
		return errors.Join(errs...)
	}
}

// sharedClusters runs all examples on one cluster, each in a namespace of its own, but
// for those that run alone if there are further ones.
type sharedClusters struct {
	first   *sharedCluster
	spares  []*sharedCluster
	free    chan *sharedCluster // those of the further ones that nothing runs on
	options Options
	lag     *history.Lag
	count   atomic.Int64
	// calm is held by a scenario that disturbs the others, shared by these.
	calm sync.RWMutex
}

func (s *sharedClusters) exclusive(example *specification.Example) bool {
	return slices.ContainsFunc(example.Capabilities, implementation.Exclusive)
}

func (s *sharedClusters) spareClusters() int { return len(s.spares) }

// usefulSpares is how many of so many further clusters would have something to do.
func (s *sharedClusters) usefulSpares(further int) int {
	alone, together := 0, 0
	for _, requirement := range s.options.Specification.Requirements {
		for _, example := range requirement.Examples {
			if s.exclusive(example) {
				alone++
			} else {
				together++
			}
		}
	}
	if together == 0 {
		return 0 // the first has nothing else to do
	}
	return max(0, min(further, alone))
}

func (s *sharedClusters) run(ctx context.Context, _ *testing.T, example *specification.Example) (p execution) {
	at := s.first
	switch alone := s.exclusive(example); {
	case alone && len(s.spares) > 0:
		at = <-s.free
		defer func() { s.free <- at }()
	case alone:
		s.calm.Lock()
		defer s.calm.Unlock()
	default:
		s.calm.RLock()
		defer s.calm.RUnlock()
	}
	if lost := at.cluster.lost(); lost != nil {
		p = notExecuted(example, events.CouldNotRun, "")
		p.lose(lost)
		return p
	}
	// It has not begun before: waiting for calm is no part of it.
	started := time.Now()
	defer func() { p.outcome.Seconds = time.Since(started).Seconds() }()
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

func (s *sharedClusters) observationLag() history.Summary { return s.lag.Summary() }

// stopTimeout bounds the end of a cluster.
const stopTimeout = time.Minute

func (s *sharedClusters) close() error {
	sites := append(s.spares, s.first)
	errs := make([]error, len(sites))
	var closing sync.WaitGroup
	for i, site := range sites {
		closing.Go(func() { errs[i] = site.close() })
	}
	closing.Wait()
	return errors.Join(errs...)
}
