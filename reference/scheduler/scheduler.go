package scheduler

import (
	"context"

	v1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/rest"

	"github.com/podchain/podchain/conformance/implementation/clients"
	"github.com/podchain/podchain/conformance/implementation/crash"
	"github.com/podchain/podchain/reference/link"
	"github.com/podchain/podchain/reference/scheduler/cluster"
	"github.com/podchain/podchain/reference/scheduler/filter"
	"github.com/podchain/podchain/reference/scheduler/queue"
	"github.com/podchain/podchain/reference/scheduler/score"
)

// Name is the scheduler's name: the schedulerName of the Pods it handles
// (SCHED-01), and its name as a client and as a source of events.
const Name = v1.DefaultSchedulerName

const (
	// requests is how many requests may be under way at a time.
	requests = 64

	// A Pod has an Event when it is bound, at the pace of the scheduler: so many may wait,
	// and so many are written at a time besides the one that every link writes. As no
	// Event is repeated, their order does not matter.
	pendingEvents    = 10000
	moreEventWriters = 3
)

type scheduler struct {
	clients *clients.Clients
	events  *link.Recorder
	filters []filter.Filter
	scores  []score.Score

	cache       *cluster.Cache
	queue       *queue.Queue
	nominations nominations

	services   link.Cache[*v1.Service]
	namespaces link.Cache[*v1.Namespace]
	budgets    link.Cache[*policyv1.PodDisruptionBudget]

	slots      chan struct{}
	background crash.Group
}

// Run schedules until ctx ends. It returns when nothing of it runs any more.
func Run(ctx context.Context, config *rest.Config) error {
	l, err := link.New(Name, config)
	if err != nil {
		return err
	}
	l.Events = link.NewRecorder(l.Clients, v1.EventSource{Component: Name}, link.RecorderOptions{Backlog: pendingEvents})
	s := &scheduler{
		clients: l.Clients,
		events:  l.Events,
		filters: filter.All,
		scores:  score.All,
		queue:   queue.New(),
		slots:   make(chan struct{}, requests),
	}
	s.cache = cluster.NewCache(s.namespaceLabels)
	s.watch(l)
	work := []func(context.Context){s.loop}
	for range moreEventWriters {
		work = append(work, l.Events.Run)
	}
	return l.Run(ctx, work...)
}

// loop takes decisions until ctx is done. It begins when the picture of the cluster is
// complete: deciding on half a picture would hand out room that is taken.
func (s *scheduler) loop(ctx context.Context) {
	defer s.background.Wait()
	for {
		entry, ok := s.queue.Pop(ctx)
		if !ok {
			return
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
	budgets, _ := s.budgets.List(labels.Everything()) // which cannot fail
	return budgets
}
