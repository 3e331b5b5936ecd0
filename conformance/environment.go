package conformance

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/podchain/podchain/conformance/history"
	"github.com/podchain/podchain/conformance/hooks"
	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/conformance/implementation/crash"
	"github.com/podchain/podchain/conformance/runresources"
	"github.com/podchain/podchain/conformance/specification"
)

// environment is where examples are executed.
type environment interface {
	// run executes the example; t is what a synctest bubble belongs to, nil in real time.
	run(ctx context.Context, t *testing.T, example *specification.Example) execution
	// exclusive tells whether no other example can run on the same cluster as this one.
	exclusive(example *specification.Example) bool
	// spareClusters is on how many clusters exclusive examples run while others do.
	spareClusters() int
	// observationLag is how late the steps noticed what they waited for.
	observationLag() history.Summary
	close() error
}

// openEnvironment opens the environment that the implementation calls for.
func openEnvironment(ctx context.Context, options *Options) (environment, error) {
	byDefault := options.Timeout == 0
	if byDefault {
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
	external := s.first.run != nil
	if options.Parallel == 0 {
		options.Parallel = sharedParallel
		if external {
			options.Parallel = externalParallel
		}
	}
	if byDefault && external {
		s.options.Timeout = externalTimeout
	}
	s.idle = make(chan *sharedCluster, len(s.spares))
	for _, spare := range s.spares {
		s.idle <- spare
	}
	return s, nil
}

// start starts a cluster. The implementation may panic.
func start(ctx context.Context, implementation implementation.Implementation) (cluster implementation.Cluster, err error) {
	err = crash.Catch("Start", func() (err error) {
		cluster, err = hooks.Start(ctx, implementation)
		return err
	})
	return cluster, err
}

// stopTimeout bounds the end of a cluster.
const stopTimeout = time.Minute

// stop ends it, with the same caution.
func stop(ctx context.Context, cluster implementation.Cluster) error {
	return crash.Catch("Stop", func() error { return cluster.Stop(ctx) })
}
