package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"
	"k8s.io/client-go/util/workqueue"
	corehelpers "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	"k8s.io/klog/v2"
)

// scheduler looks at one Pod at a time, and decides by what the watches have shown.
type scheduler struct {
	client  kubernetes.Interface
	watches informers.SharedInformerFactory
	pods    cache.SharedIndexInformer
	nodes   cache.SharedIndexInformer
	queue   workqueue.TypedRateLimitingInterface[string] // keys of Pods
	events  record.EventBroadcaster
	tell    record.EventRecorder
}

func newScheduler(client kubernetes.Interface) *scheduler {
	watches := informers.NewSharedInformerFactory(client, 0)
	events := record.NewBroadcaster()
	return &scheduler{
		client:  client,
		watches: watches,
		pods:    watches.Core().V1().Pods().Informer(),
		nodes:   watches.Core().V1().Nodes().Informer(),
		queue:   workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[string]()),
		events:  events,
		tell:    events.NewRecorder(scheme.Scheme, corev1.EventSource{Component: corev1.DefaultSchedulerName}),
	}
}

// run schedules until the context is done.
func (s *scheduler) run(ctx context.Context) error {
	s.events.StartRecordingToSink(&typedcorev1.EventSinkImpl{Interface: s.client.CoreV1().Events("")})
	defer s.events.Shutdown()
	// What may help a Pod that waits: a change of its own, or one of a node.
	if _, err := s.pods.AddEventHandler(onAny(s.consider)); err != nil {
		return err
	}
	if _, err := s.nodes.AddEventHandler(onAny(func(any) {
		for _, pod := range s.pods.GetStore().List() {
			s.consider(pod)
		}
	})); err != nil {
		return err
	}
	s.watches.Start(ctx.Done())
	defer s.watches.Shutdown()
	context.AfterFunc(ctx, s.queue.ShutDown)
	// With half a picture, the node with the fewest Pods would be any.
	if !cache.WaitForCacheSync(ctx.Done(), s.pods.HasSynced, s.nodes.HasSynced) {
		return nil
	}
	for {
		key, ended := s.queue.Get()
		if ended {
			return nil
		}
		if err := s.schedule(ctx, key); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", key, err)
			s.queue.AddRateLimited(key)
		} else {
			s.queue.Forget(key)
		}
		s.queue.Done(key)
	}
}

// onAny calls do with what was added or changed. What was deleted needs no node.
func onAny(do func(any)) cache.ResourceEventHandler {
	return cache.ResourceEventHandlerFuncs{AddFunc: do, UpdateFunc: func(_, now any) { do(now) }}
}

// consider has a Pod scheduled that waits for it.
func (s *scheduler) consider(object any) {
	if pod := object.(*corev1.Pod); waits(pod) {
		s.queue.Add(cache.MetaObjectToName(pod).String())
	}
}

// waits tells whether a Pod is this scheduler's, and has no node yet.
func waits(pod *corev1.Pod) bool {
	return pod.Spec.NodeName == "" && pod.Spec.SchedulerName == corev1.DefaultSchedulerName && pod.DeletionTimestamp == nil
}

// schedule binds the Pod to a node, or reports that no node fits it.
func (s *scheduler) schedule(ctx context.Context, key string) error {
	object, exists, err := s.pods.GetStore().GetByKey(key)
	if err != nil || !exists {
		return err
	}
	pod := object.(*corev1.Pod)
	if !waits(pod) {
		return nil
	}
	fitting, err := s.filter(pod)
	if err != nil {
		return err
	}
	if len(fitting) == 0 {
		err = s.refuse(ctx, pod)
	} else {
		err = s.bind(ctx, pod, s.best(fitting))
	}
	if apierrors.IsNotFound(err) {
		return nil // the Pod has gone in the meantime
	}
	return err
}

// filter returns the nodes that the Pod may run on.
func (s *scheduler) filter(pod *corev1.Pod) (fitting []*corev1.Node, err error) {
	affinity := nodeaffinity.GetRequiredNodeAffinity(pod)
	for _, object := range s.nodes.GetStore().List() {
		node := object.(*corev1.Node)
		matches, err := affinity.Match(node)
		if err != nil {
			return nil, err
		}
		if matches && tolerates(pod, node) {
			fitting = append(fitting, node)
		}
	}
	return fitting, nil
}

// tolerates tells whether the Pod does so with all of the node's taints. A cordon
// counts as the taint that it becomes.
func tolerates(pod *corev1.Pod, node *corev1.Node) bool {
	taints := node.Spec.Taints
	if node.Spec.Unschedulable {
		taints = append(slices.Clone(taints), corev1.Taint{Key: corev1.TaintNodeUnschedulable, Effect: corev1.TaintEffectNoSchedule})
	}
	keepsAway := func(taint *corev1.Taint) bool { return taint.Effect != corev1.TaintEffectPreferNoSchedule }
	_, untolerated := corehelpers.FindMatchingUntoleratedTaint(klog.Background(), taints, pod.Spec.Tolerations, keepsAway, true)
	return !untolerated
}

// best returns the node with the fewest Pods; among equals, the first by name.
func (s *scheduler) best(nodes []*corev1.Node) *corev1.Node {
	count := map[string]int{}
	for _, pod := range s.pods.GetStore().List() {
		count[pod.(*corev1.Pod).Spec.NodeName]++
	}
	return slices.MinFunc(nodes, func(a, b *corev1.Node) int {
		return cmp.Or(cmp.Compare(count[a.Name], count[b.Name]), cmp.Compare(a.Name, b.Name))
	})
}

// bind assigns the Pod to the node. With the uid, another Pod that has got the name
// in the meantime is left alone.
func (s *scheduler) bind(ctx context.Context, pod *corev1.Pod, node *corev1.Node) error {
	return s.client.CoreV1().Pods(pod.Namespace).Bind(ctx, &corev1.Binding{
		ObjectMeta: metav1.ObjectMeta{Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID},
		Target:     corev1.ObjectReference{Kind: "Node", Name: node.Name},
	}, metav1.CreateOptions{})
}

// refuse says in the Pod's status and with an Event that no node will do. It says so
// once: its own word would wake it up again.
func (s *scheduler) refuse(ctx context.Context, pod *corev1.Pod) error {
	if slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodScheduled && c.Reason == corev1.PodReasonUnschedulable
	}) {
		return nil
	}
	const why = "no node has the labels that the Pod asks for and only taints that it tolerates"
	patch, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"uid": pod.UID},
		"status": map[string]any{"conditions": []corev1.PodCondition{{
			Type: corev1.PodScheduled, Status: corev1.ConditionFalse, LastTransitionTime: metav1.Now(),
			Reason: corev1.PodReasonUnschedulable, Message: why,
		}}},
	})
	if err != nil {
		return err
	}
	if _, err = s.client.CoreV1().Pods(pod.Namespace).Patch(ctx, pod.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status"); err != nil {
		return err
	}
	s.tell.Event(pod, corev1.EventTypeWarning, "FailedScheduling", why)
	return nil
}
