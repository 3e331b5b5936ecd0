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
	"github.com/podchain/podchain/conformance/hooks"
	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/conformance/implementation/crash"
	"github.com/podchain/podchain/conformance/runresources"
	"github.com/podchain/podchain/conformance/specification"
	"github.com/podchain/podchain/steps"
)

// venue is where examples take place.
type venue interface {
	// run executes the example; t is what a bubble hangs on, nil in real time.
	run(ctx context.Context, t *testing.T, example *specification.Example) performance
	// alone tells whether no other example can run at the same time as this one.
	alone(example *specification.Example) bool
	// apart is on how many clusters those that run alone can do so while others run.
	apart() int
	// observed tells how late the steps noticed what they waited for.
	observed() history.Summary
	close() error
}

// open prepares the venue that the implementation calls for.
func open(ctx context.Context, options *Options) (venue, error) {
	usual := options.Timeout == 0
	if usual {
		options.Timeout = patience
	}
	if virtual, ok := options.Implementation.(implementation.Virtual); ok {
		if options.Parallel == 0 {
			options.Parallel = runtime.GOMAXPROCS(0)
		}
		return &bubbles{implementation: virtual, options: *options}, nil
	}
	if options.Run == "" {
		options.Run = runresources.NewID()
	}
	s := &shared{options: *options, lag: &history.Lag{}}
	var starting errgroup.Group
	starting.Go(func() (err error) { s.first, err = settle(ctx, options); return err })
	s.further = make([]*site, s.useful(options.Clusters-1))
	for i := range s.further {
		starting.Go(func() (err error) { s.further[i], err = settle(ctx, options); return err })
	}
	if err := starting.Wait(); err != nil {
		return nil, errors.Join(err, s.close())
	}
	if options.Parallel == 0 {
		options.Parallel = sharedParallel
		if s.first.guest != nil {
			options.Parallel = guestParallel
		}
	}
	if usual && s.first.guest != nil {
		s.options.Timeout = guestPatience
	}
	s.free = make(chan *site, len(s.further))
	for _, site := range s.further {
		s.free <- site
	}
	return s, nil
}

// bubbles gives every example a cluster of its own in a bubble of its own: in
// virtual time, and with nobody else in it.
type bubbles struct {
	implementation implementation.Virtual
	options        Options
}

func (b *bubbles) run(_ context.Context, t *testing.T, example *specification.Example) (p performance) {
	p = without(example, events.CouldNotRun, "it ended without a verdict")
	b.implementation.Virtual(t, func(*testing.T) {
		// A context from outside of the bubble would tie its clock to the real one.
		ctx := context.Background()
		cluster, err := start(ctx, b.implementation)
		if err != nil {
			p.fault(events.CouldNotRun, &events.Evidence{Error: fmt.Sprintf("the cluster did not start: %v", err)})
			return
		}
		p = perform(ctx, example, b.options, steps.Options{
			Cluster: cluster, Namespace: "podchain", Timeout: b.options.Timeout, Run: "virtual",
			// Links that never rest would keep the bubble's time from passing.
			Restless: func() { _ = cluster.Stop(ctx) }}, nil) // it is stopped again below
		err = stop(ctx, cluster)
		link, crash := crashed(cluster)
		if crash != nil {
			p.crash(link, crash)
		}
		if err = apart(err, crash); err != nil {
			p.beside(fmt.Errorf("the cluster did not end well: %w", err))
		}
	})
	return p
}

func (b *bubbles) alone(*specification.Example) bool { return false }

func (b *bubbles) apart() int { return 0 }

func (b *bubbles) observed() history.Summary { return history.Summary{} }

func (b *bubbles) close() error { return nil }

// site is a cluster with what the run has in it besides its scenarios.
type site struct {
	cluster *lifeline
	guest   *guest        // nil: the cluster is the run's own
	feed    *history.Feed // nil: it is not, and not to be watched as a whole
}

// settle starts a cluster. What it returns is to be closed, unless it is nil.
func settle(ctx context.Context, options *Options) (*site, error) {
	cluster, err := start(ctx, options.Implementation)
	if err != nil {
		return nil, err
	}
	s := &site{cluster: newLifeline(cluster)}
	if _, lasting := cluster.(implementation.Lasting); lasting {
		s.guest, err = arrive(ctx, s.cluster, options.Run)
		return s, err
	}
	if s.feed, err = steps.NewFeed(s.cluster, options.Timeout); err != nil {
		return s, err
	}
	return s, s.feed.Open(ctx)
}

func (s *site) close() (err error) {
	if s == nil {
		return nil
	}
	s.cluster.close()
	if s.guest != nil {
		err = s.guest.leave(s.cluster.lost())
	}
	if s.feed != nil {
		s.feed.Stop()
	}
	ctx, cancel := context.WithTimeout(context.Background(), stopPatience)
	defer cancel()
	return errors.Join(err, stop(ctx, s.cluster))
}

// start starts a cluster. Whatever plays it may panic.
func start(ctx context.Context, implementation implementation.Implementation) (cluster implementation.Cluster, err error) {
	err = crash.Catch("starting it", func() (err error) {
		cluster, err = hooks.Start(ctx, implementation)
		return err
	})
	return cluster, err
}

// stop ends it, with the same caution.
func stop(ctx context.Context, cluster implementation.Cluster) error {
	return crash.Catch("ending it", func() error { return cluster.Stop(ctx) })
}

// apart returns what is in an error apart from one that is known.
func apart(err, known error) error {
	switch joined, ok := err.(interface{ Unwrap() []error }); {
	case err == nil || known != nil && err == known: //nolint:errorlint // this very one
		return nil
	case known == nil || !ok:
		return err
	default:
		var errs []error
		for _, part := range joined.Unwrap() {
			errs = append(errs, apart(part, known))
		}
		return errors.Join(errs...)
	}
}

// shared runs all examples on one cluster, each in a namespace of its own, but
// for those that run alone if there are further ones.
type shared struct {
	first   *site
	further []*site
	free    chan *site // those of the further ones that nothing runs on
	options Options
	lag     *history.Lag
	count   atomic.Int64
	// calm is held by a scenario that disturbs the others, shared by these.
	calm sync.RWMutex
}

func (s *shared) alone(example *specification.Example) bool {
	return slices.ContainsFunc(example.Capabilities, implementation.NeedsCalm)
}

func (s *shared) apart() int { return len(s.further) }

// useful is how many of so many further clusters would have something to do.
func (s *shared) useful(further int) int {
	alone, together := 0, 0
	for _, requirement := range s.options.Specification.Requirements {
		for _, example := range requirement.Examples {
			if s.alone(example) {
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

func (s *shared) run(ctx context.Context, _ *testing.T, example *specification.Example) (p performance) {
	at := s.first
	switch alone := s.alone(example); {
	case alone && len(s.further) > 0:
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
		p = without(example, events.CouldNotRun, "")
		p.lose(lost)
		return p
	}
	// It has not begun before: waiting for calm is no part of it.
	started := time.Now()
	defer func() { p.outcome.Seconds = time.Since(started).Seconds() }()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(at.cluster.alive, cancel)()
	if at.guest != nil {
		defer context.AfterFunc(at.guest.life.Lost(), cancel)()
	}
	return perform(ctx, example, s.options, steps.Options{
		Cluster: at.cluster, Feed: at.feed, Timeout: s.options.Timeout, Shared: true, Lasting: at.guest != nil, Run: s.options.Run, Lag: s.lag,
		Namespace: fmt.Sprintf("%s-%03d", runresources.RunNamespace(s.options.Run), s.count.Add(1))}, at.cluster)
}

func (s *shared) observed() history.Summary { return s.lag.Summary() }

// stopPatience bounds the end of a cluster.
const stopPatience = time.Minute

func (s *shared) close() error {
	sites := append(s.further, s.first)
	errs := make([]error, len(sites))
	var closing sync.WaitGroup
	for i, site := range sites {
		closing.Go(func() { errs[i] = site.close() })
	}
	closing.Wait()
	return errors.Join(errs...)
}
