// Package statefulset is the StatefulSet controller: it gives each Pod of a set
// a name that it keeps, and creates, removes and replaces the Pods in the order
// of their names (STS-01..12).
//
//	identity.go   a Pod's name, labels and place
//	plan.go       what to do next, as a pure function of the Pods that there are
//	status.go     what to tell about them
//	claims.go     the volumes that stay when a Pod goes
//	statefulset.go the loop that carries it out
package statefulset

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	appslisters "k8s.io/client-go/listers/apps/v1"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"

	"github.com/podchain/podchain/reference/controller"
	"github.com/podchain/podchain/reference/controller/members"
	"github.com/podchain/podchain/reference/controller/revision"
)

const (
	// Name is what the link calls itself in requests and Events.
	Name    = "statefulset-controller"
	workers = 5
	// hashLabel is the label of a revision that holds the hash in its name.
	hashLabel = "controller.kubernetes.io/hash"
)

var (
	kind    = appsv1.SchemeGroupVersion.WithKind("StatefulSet")
	podKind = corev1.SchemeGroupVersion.WithKind("Pod")
)

// Run is the StatefulSet controller, until ctx is done.
func Run(ctx context.Context, config *rest.Config) error {
	link, err := controller.NewLink(Name, config)
	if err != nil {
		return err
	}
	sets := link.Informers.Apps().V1().StatefulSets()
	revisions := link.Informers.Apps().V1().ControllerRevisions().Informer()
	pods := link.Informers.Core().V1().Pods().Informer()
	claims := link.Informers.Core().V1().PersistentVolumeClaims()
	c := &statefulSets{
		client:       link.Client,
		events:       link.Events,
		sets:         sets.Lister(),
		claims:       claims.Lister(),
		pods:         pods.GetIndexer(),
		revisions:    revisions.GetIndexer(),
		queue:        controller.NewQueue[cache.ObjectName](),
		expectations: controller.NewExpectations(),
		superseded:   controller.NewSuperseded(),
	}
	route := members.Route{Kind: kind.Kind, Look: c.queue.Add, Adopters: c.adopters}
	podRoute := route
	podRoute.Expectations = c.expectations
	if err := errors.Join(
		pods.AddIndexers(controller.ByController()),
		revisions.AddIndexers(controller.ByController()),
		pods.SetTransform(members.Trim(kind.Kind, nil)),
		claims.Informer().SetTransform(trimClaim),
		handle(sets.Informer(), cache.ResourceEventHandlerFuncs{
			AddFunc:    c.look,
			UpdateFunc: func(_, set any) { c.look(set) },
			DeleteFunc: c.forget,
		}),
		handle(pods, podRoute.Handlers()),
		handle(revisions, route.Handlers()),
		handle(claims.Informer(), cache.ResourceEventHandlerFuncs{DeleteFunc: c.claimGone}),
	); err != nil {
		c.queue.ShutDown()
		return fmt.Errorf("%s: %w", Name, err)
	}
	return link.Run(ctx, func(ctx context.Context) { c.queue.Run(ctx, workers, c.sync) })
}

func handle(informer cache.SharedIndexInformer, handlers cache.ResourceEventHandlerFuncs) error {
	_, err := informer.AddEventHandler(handlers)
	return err
}

// statefulSets holds what a sync works with.
type statefulSets struct {
	client kubernetes.Interface
	events record.EventRecorder

	sets   appslisters.StatefulSetLister
	claims corelisters.PersistentVolumeClaimLister
	// pods and revisions are indexed by controller.
	pods, revisions cache.Indexer

	queue        *controller.Queue[cache.ObjectName]
	expectations *controller.Expectations
	superseded   *controller.Superseded
}

func (c *statefulSets) look(object any) {
	if key, ok := controller.Key(object); ok {
		c.queue.Add(key)
	}
}

func (c *statefulSets) forget(object any) {
	if set, ok := controller.Object(object); ok {
		c.expectations.Forget(set.GetUID())
		c.superseded.Forget(set.GetUID())
	}
}

func (c *statefulSets) adopters(namespace string) []members.Adopter {
	sets, err := c.sets.StatefulSets(namespace).List(labels.Everything())
	if err != nil {
		return nil // the lister reads memory: there is no error
	}
	adopters := make([]members.Adopter, len(sets))
	for i, set := range sets {
		adopters[i] = members.Adopter{Name: cache.MetaObjectToName(set), Selector: set.Spec.Selector}
	}
	return adopters
}

// claimGone looks at the sets whose Pods may have waited for a claim to go.
func (c *statefulSets) claimGone(object any) {
	claim, ok := controller.Object(object)
	if !ok {
		return
	}
	sets, err := c.sets.StatefulSets(claim.GetNamespace()).List(labels.Everything())
	if err != nil {
		return // as above
	}
	for _, set := range sets {
		if len(set.Spec.VolumeClaimTemplates) > 0 {
			c.look(set)
		}
	}
}

// sync brings one set a step further, and then its status in line.
func (c *statefulSets) sync(ctx context.Context, key cache.ObjectName) error {
	set, err := c.sets.StatefulSets(key.Namespace).Get(key.Name)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if c.superseded.Stale(set) {
		return nil
	}
	if after, pending := c.expectations.Pending(set.UID); pending {
		c.queue.AddAfter(key, after)
		return nil
	}
	pods, revisions, err := c.claim(ctx, set)
	if err != nil {
		return err
	}
	update, collisions, err := revision.Current(ctx, c.client.AppsV1().ControllerRevisions(set.Namespace), revision.Owner{
		Object: set, Kind: kind, Template: &set.Spec.Template, Collisions: set.Status.CollisionCount, HashLabel: hashLabel,
	}, revisions)
	if err != nil {
		return fmt.Errorf("revision: %w", err)
	}
	current := update
	for _, known := range revisions {
		if known.Name == set.Status.CurrentRevision {
			current = known
		}
	}

	s := newState(set, pods, current.Name, update.Name, time.Now())
	var failure error
	if set.DeletionTimestamp == nil {
		failure = c.carryOut(ctx, s, current, update)
		if after := s.nextAvailable(); after > 0 {
			c.queue.AddAfter(key, after) // time alone makes Pods available
		}
	}
	if collisions == nil {
		collisions = new(int32)
	}
	if err := c.report(ctx, set, s.status(collisions)); err != nil {
		return errors.Join(failure, err)
	}
	if failure != nil {
		return failure
	}
	return c.truncate(ctx, set, pods, revisions, current, update)
}

// claim returns the Pods and the revisions that the set owns, the latter in order.
func (c *statefulSets) claim(ctx context.Context, set *appsv1.StatefulSet) ([]*corev1.Pod, []*appsv1.ControllerRevision, error) {
	selector, err := metav1.LabelSelectorAsSelector(set.Spec.Selector)
	if err != nil {
		return nil, nil, fmt.Errorf("selector: %w", err)
	}
	owners := c.client.AppsV1().StatefulSets(set.Namespace)
	pods, err := controller.Claim[*appsv1.StatefulSet, *corev1.Pod]{
		Owner: set, Kind: kind, Selector: selector, Owners: owners,
		Objects: c.client.CoreV1().Pods(set.Namespace),
		// What has no name of the set's can never be a replica of it.
		Adoptable: func(pod *corev1.Pod) bool { _, ok := ordinalOf(set, pod.Name); return ok },
	}.From(ctx, c.pods)
	if err != nil {
		return nil, nil, err
	}
	revisions, err := controller.Claim[*appsv1.StatefulSet, *appsv1.ControllerRevision]{
		Owner: set, Kind: kind, Selector: selector, Owners: owners,
		Objects: c.client.AppsV1().ControllerRevisions(set.Namespace),
	}.From(ctx, c.revisions)
	revision.Sort(revisions)
	return pods, revisions, err
}

// carryOut makes the writes of the plan, and what keeps the Pods that stay in
// line: their labels and their claims.
func (c *statefulSets) carryOut(ctx context.Context, s state, current, update *appsv1.ControllerRevision) error {
	if err := c.mend(ctx, s); err != nil {
		return err
	}
	p := s.next()
	if len(p.create)+len(p.delete) == 0 {
		return nil
	}
	if len(p.create) > 0 {
		switch err := controller.Confirm(ctx, c.client.AppsV1().StatefulSets(s.set.Namespace), s.set); {
		case errors.Is(err, controller.ErrLeaving):
			return nil // the event that tells of it is on its way
		case err != nil:
			return err
		}
	}
	c.expectations.Begin(s.set.UID)
	defer c.expectations.End(s.set.UID)
	var begun atomic.Int64
	_, failure := controller.SlowStart(len(p.create), func() error {
		ordinal := p.create[begun.Add(1)-1]
		made := update
		if s.revisionFor(ordinal) == current.Name {
			made = current
		}
		return c.create(ctx, s.set, made, ordinal)
	})
	_, err := controller.Parallel(len(p.delete), func(i int) error { return c.delete(ctx, s.set, p.delete[i]) })
	return errors.Join(failure, err)
}

// mend keeps what Pods are known by, and who their claims go with.
func (c *statefulSets) mend(ctx context.Context, s state) error {
	for _, pod := range s.replicas {
		if pod == nil {
			continue
		}
		if err := c.identify(ctx, s.set, pod); err != nil {
			return err
		}
		if pod.Status.Phase == corev1.PodPending && pod.DeletionTimestamp == nil {
			if ordinal, ok := ordinalOf(s.set, pod.Name); ok {
				if err := c.ensureClaims(ctx, s.set, ordinal); err != nil && !errors.Is(err, errClaimLeaving) {
					return err
				}
			}
		}
		if err := c.retainClaims(ctx, s.set, pod, false); err != nil {
			return err
		}
	}
	for _, pod := range s.condemned {
		if err := c.retainClaims(ctx, s.set, pod, true); err != nil {
			return err
		}
	}
	return nil
}

// identify restores the labels that a Pod of the set is found by (STS-01).
func (c *statefulSets) identify(ctx context.Context, set *appsv1.StatefulSet, pod *corev1.Pod) error {
	if pod.DeletionTimestamp != nil || pod.Labels[appsv1.StatefulSetPodNameLabel] == pod.Name {
		return nil
	}
	ordinal, _ := ordinalOf(set, pod.Name)
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"uid": pod.UID, "labels": identity(set, ordinal)}})
	if err != nil {
		return err
	}
	_, err = c.client.CoreV1().Pods(pod.Namespace).Patch(ctx, pod.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("labels of Pod %s: %w", pod.Name, err)
	}
	return nil
}

func (c *statefulSets) create(ctx context.Context, set *appsv1.StatefulSet, from *appsv1.ControllerRevision, ordinal int) error {
	if err := c.ensureClaims(ctx, set, ordinal); err != nil {
		if errors.Is(err, errClaimLeaving) {
			return nil // the end of the claim brings the next look
		}
		return err
	}
	template, err := revision.Template(from)
	if err != nil {
		return err
	}
	pod := newPod(set, template, from.Name, ordinal)
	created, err := c.client.CoreV1().Pods(set.Namespace).Create(ctx, pod, metav1.CreateOptions{})
	switch {
	case apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause):
		return nil // no retry: it will not change its mind
	case apierrors.IsAlreadyExists(err):
		return err // the cache is behind
	case err != nil:
		c.events.Eventf(set, corev1.EventTypeWarning, "FailedCreate",
			"create Pod %s in StatefulSet %s failed error: %s", pod.Name, set.Name, err)
		return fmt.Errorf("create Pod %s: %w", pod.Name, err)
	}
	c.expectations.Created(set.UID, created.UID)
	c.events.Eventf(set, corev1.EventTypeNormal, "SuccessfulCreate", "create Pod %s in StatefulSet %s successful", pod.Name, set.Name)
	return nil
}

// delete removes exactly this Pod: by name alone it might be its successor.
func (c *statefulSets) delete(ctx context.Context, set *appsv1.StatefulSet, pod *corev1.Pod) error {
	c.expectations.Deleting(set.UID, pod.UID)
	err := c.client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{
		Preconditions: metav1.NewUIDPreconditions(string(pod.UID)),
	})
	switch {
	case apierrors.IsNotFound(err):
		c.expectations.NotDeleted(set.UID, pod.UID)
		return nil
	case err != nil:
		c.expectations.NotDeleted(set.UID, pod.UID)
		c.events.Eventf(set, corev1.EventTypeWarning, "FailedDelete",
			"delete Pod %s in StatefulSet %s failed error: %s", pod.Name, set.Name, err)
		return fmt.Errorf("delete Pod %s: %w", pod.Name, err)
	}
	c.events.Eventf(set, corev1.EventTypeNormal, "SuccessfulDelete", "delete Pod %s in StatefulSet %s successful", pod.Name, set.Name)
	return nil
}

func (c *statefulSets) report(ctx context.Context, set *appsv1.StatefulSet, status appsv1.StatefulSetStatus) error {
	if equality.Semantic.DeepEqual(set.Status, status) {
		return nil
	}
	changed := set.DeepCopy()
	changed.Status = status
	updated, err := c.client.AppsV1().StatefulSets(set.Namespace).UpdateStatus(ctx, changed, metav1.UpdateOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("status: %w", err)
	}
	c.superseded.Wrote(set, updated)
	return nil
}

// truncate keeps as much history as the set asks for.
func (c *statefulSets) truncate(ctx context.Context, set *appsv1.StatefulSet, pods []*corev1.Pod, revisions []*appsv1.ControllerRevision, current, update *appsv1.ControllerRevision) error {
	if set.Spec.RevisionHistoryLimit == nil || *set.Spec.RevisionHistoryLimit < 0 || set.DeletionTimestamp != nil {
		return nil
	}
	used := map[string]bool{current.Name: true, update.Name: true}
	for _, pod := range pods {
		used[revisionOf(pod)] = true
	}
	return revision.Truncate(ctx, c.client.AppsV1().ControllerRevisions(set.Namespace), revisions, *set.Spec.RevisionHistoryLimit,
		func(r *appsv1.ControllerRevision) bool { return used[r.Name] })
}
