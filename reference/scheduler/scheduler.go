package scheduler

import (
	"context"
	"fmt"

	v1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"

	"github.com/podchain/podchain/conformance/implementation/crash"
	"github.com/podchain/podchain/reference/scheduler/cluster"
	"github.com/podchain/podchain/reference/scheduler/filter"
	"github.com/podchain/podchain/reference/scheduler/queue"
	"github.com/podchain/podchain/reference/scheduler/score"
)

// Name is the scheduler's name: the schedulerName of the Pods it handles
// (SCHED-01), and its name as a client and as a source of events.
const Name = v1.DefaultSchedulerName

// requests is how many requests may be under way at a time.
const requests = 64

type scheduler struct {
	client  kubernetes.Interface
	filters []filter.Filter
	scores  []score.Score

	cache       *cluster.Cache
	queue       *queue.Queue
	nominations nominations
	events      *recorder

	services   cache.Indexer
	namespaces cache.Indexer
	budgets    cache.Indexer

	slots      chan struct{}
	background crash.Group
}

// Run schedules until ctx ends. It returns when nothing of it runs any more.
func Run(ctx context.Context, config *rest.Config) error {
	config = rest.CopyConfig(config)
	config.UserAgent = Name
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("scheduler: %w", err)
	}
	s := &scheduler{
		client:  client,
		filters: filter.All,
		scores:  score.All,
		queue:   queue.New(),
		slots:   make(chan struct{}, requests),
	}
	s.cache = cluster.NewCache(s.namespaceLabels)
	s.events = newRecorder(client.EventsV1())

	ctx, cancel := context.WithCancel(ctx)
	defer s.background.Wait()
	defer cancel()
	s.background.Go(func() { s.events.run(ctx) })

	synced, err := s.watch(ctx)
	if err != nil {
		return fmt.Errorf("scheduler: %w", err)
	}
	// Deciding on half a picture would hand out room that is taken.
	if !cache.WaitFor(ctx, "", synced...) {
		return nil
	}
	for {
		entry, ok := s.queue.Pop(ctx)
		if !ok {
			return nil
		}
		s.schedule(ctx, entry)
	}
}

// schedule takes one decision and has it carried out beside the loop.
func (s *scheduler) schedule(ctx context.Context, entry *queue.Entry) {
	pod, err := cluster.NewPod(entry.Pod)
	if err != nil {
		s.do(ctx, func() { s.reportError(ctx, entry, err) })
		return
	}
	d, err := s.decide(pod)
	switch {
	case err != nil:
		s.do(ctx, func() { s.reportError(ctx, entry, err) })
	case d.placed:
		s.queue.Done(entry)
	case d.node != "":
		s.do(ctx, func() { s.bind(ctx, entry, pod, d.node) })
	default:
		s.do(ctx, func() { s.reportUnschedulable(ctx, entry, pod, d) })
	}
}

// do runs f beside the loop, as soon as a slot for its requests is free.
func (s *scheduler) do(ctx context.Context, f func()) {
	select {
	case s.slots <- struct{}{}:
	case <-ctx.Done():
		return
	}
	s.background.Go(func() {
		defer func() { <-s.slots }()
		f()
	})
}

func (s *scheduler) listBudgets() []*policyv1.PodDisruptionBudget {
	var budgets []*policyv1.PodDisruptionBudget
	for _, budget := range s.budgets.List() {
		budgets = append(budgets, budget.(*policyv1.PodDisruptionBudget))
	}
	return budgets
}
