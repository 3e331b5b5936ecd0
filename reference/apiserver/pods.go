package apiserver

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	policyv1beta1 "k8s.io/api/policy/v1beta1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metavalidation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/podchain/podchain/reference/store"
)

// bind assigns a Pod to a node (SCHED-02, SCHED-03). It is not a client's
// update: the generation stays (API-META-07).
func (s *Server) bind(rq *request) (*answer, error) {
	options, err := decodeQuery(rq, metavalidation.ValidateCreateOptions)
	if err != nil {
		return nil, err
	}
	body, err := rq.decodeBody(corev1.SchemeGroupVersion.WithKind("Binding"))
	if err != nil {
		return nil, err
	}
	binding := body.(*corev1.Binding)
	if binding.Name != rq.name {
		return nil, apierrors.NewBadRequest("name in URL does not match name in Binding object")
	}
	if kind := binding.Target.Kind; kind != "" && kind != "Node" {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("target.kind: Unsupported value: %q: supported values: \"Node\", \"<empty>\"", kind))
	}
	if binding.Target.Name == "" {
		return nil, apierrors.NewBadRequest("target.name: Required value")
	}
	topology, err := s.topologyLabels(rq, binding.Target.Name)
	if err != nil {
		return nil, err
	}
	refuse := func(format string, args ...any) error {
		return apierrors.NewConflict(schema.GroupResource{Resource: "pods/binding"}, rq.name, fmt.Errorf(format, args...))
	}
	meant := write{request: rq} // for the Pod that the scheduler has seen
	w := &write{request: rq, dryRun: len(options.DryRun) > 0, raw: true}
	w.change = func(old runtime.Object) (runtime.Object, error) {
		if err := meant.guard(accessor(old), binding); err != nil {
			return nil, err
		}
		pod := old.DeepCopyObject().(*corev1.Pod)
		switch {
		case pod.DeletionTimestamp != nil:
			return nil, refuse("pod %s is being deleted, cannot be assigned to a host", pod.Name)
		case pod.Spec.NodeName != "":
			return nil, refuse("pod %s is already assigned to node %q", pod.Name, pod.Spec.NodeName)
		case len(pod.Spec.SchedulingGates) > 0:
			return nil, refuse("pod %s has non-empty .spec.schedulingGates", pod.Name)
		}
		pod.Spec.NodeName = binding.Target.Name
		pod.Status.NominatedNodeName = ""
		pod.Annotations = merged(pod.Annotations, binding.Annotations)
		pod.Labels = merged(merged(pod.Labels, binding.Labels), topology)
		setScheduled(&pod.Status)
		return pod, nil // managedFields do not tell of bindings
	}
	if _, _, err := s.write(w); err != nil {
		return nil, err
	}
	return success(http.StatusCreated, nil), nil
}

func merged(into, from map[string]string) map[string]string {
	if into == nil && len(from) > 0 {
		into = map[string]string{}
	}
	maps.Copy(into, from)
	return into
}

func setScheduled(status *corev1.PodStatus) {
	scheduled := corev1.PodCondition{
		Type: corev1.PodScheduled, Status: corev1.ConditionTrue,
		LastTransitionTime: metav1.NewTime(time.Now().UTC().Truncate(time.Second)),
	}
	for i := range status.Conditions {
		if status.Conditions[i].Type == corev1.PodScheduled {
			status.Conditions[i] = scheduled
			return
		}
	}
	status.Conditions = append(status.Conditions, scheduled)
}

// topologyLabels are what a Pod takes over from its node (SCHED-04).
func (s *Server) topologyLabels(rq *request, node string) (map[string]string, error) {
	if s.nodes == nil {
		return nil, nil
	}
	r, err := s.nodes.get(rq.ctx, s.nodes.key("", node))
	if r == nil || err != nil {
		return nil, err
	}
	obj, err := r.object()
	if err != nil {
		return nil, err
	}
	taken := map[string]string{}
	for _, label := range []string{corev1.LabelTopologyZone, corev1.LabelTopologyRegion} {
		if value, ok := accessor(obj).GetLabels()[label]; ok {
			taken[label] = value
		}
	}
	return taken, nil
}

// evict deletes a Pod unless a PodDisruptionBudget forbids it for now.
func (s *Server) evict(rq *request) (*answer, error) {
	query, err := decodeQuery(rq, metavalidation.ValidateCreateOptions)
	if err != nil {
		return nil, err
	}
	// Clients that are older than policy/v1 send the version before, of the same form.
	body, err := rq.decodeAny(policyv1.SchemeGroupVersion.WithKind("Eviction"), policyv1beta1.SchemeGroupVersion.WithKind("Eviction"))
	if err != nil {
		return nil, err
	}
	eviction, ok := body.(*policyv1.Eviction)
	if !ok {
		eviction = (*policyv1.Eviction)(body.(*policyv1beta1.Eviction))
	}
	if eviction.Name != rq.name {
		return nil, apierrors.NewBadRequest("name in URL does not match name in Eviction object")
	}
	options := eviction.DeleteOptions
	if options == nil {
		options = &metav1.DeleteOptions{}
	}
	if len(query.DryRun) > 0 {
		options.DryRun = query.DryRun
	}
	a, err := s.get(rq)
	if err != nil {
		return nil, err
	}
	obj, err := a.record.object()
	if err != nil {
		return nil, err
	}
	pod := obj.(*corev1.Pod)
	finished := pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
	if !finished && pod.Status.Phase != corev1.PodPending && pod.DeletionTimestamp == nil {
		if err := s.takeDisruption(rq, pod, len(options.DryRun) > 0); err != nil {
			return nil, err
		}
	}
	if _, _, err := s.deleteOne(rq, options); err != nil {
		return nil, err
	}
	return success(http.StatusCreated, nil), nil
}

// takeDisruption uses up one of the disruptions that the Pod's budget allows.
func (s *Server) takeDisruption(rq *request, pod *corev1.Pod, dryRun bool) error {
	if s.budgets == nil {
		return nil
	}
	for {
		l, err := s.budgets.list(rq.ctx, s.budgets.key(pod.Namespace, ""), store.ListOptions{})
		if err != nil {
			return err
		}
		var guarding *record
		for _, r := range l.records {
			obj, err := r.object()
			if err != nil {
				return err
			}
			selector, err := metav1.LabelSelectorAsSelector(obj.(*policyv1.PodDisruptionBudget).Spec.Selector)
			if err != nil {
				return err
			}
			if !selector.Matches(labels.Set(pod.Labels)) {
				continue
			}
			if guarding != nil {
				return apierrors.NewInternalError(errors.New("this pod has more than one PodDisruptionBudget, which the eviction subresource does not support"))
			}
			guarding = r
		}
		if guarding == nil {
			return nil
		}
		obj, err := guarding.object()
		if err != nil {
			return err
		}
		budget := obj.(*policyv1.PodDisruptionBudget).DeepCopy()
		if budget.Status.ObservedGeneration < budget.Generation || budget.Status.DisruptionsAllowed <= 0 {
			refused := apierrors.NewTooManyRequests("Cannot evict pod as it would violate the pod's disruption budget.", 10)
			refused.ErrStatus.Details.Causes = []metav1.StatusCause{{
				Type:    policyv1.DisruptionBudgetCause,
				Message: fmt.Sprintf("The disruption budget %s needs %d healthy pods and has %d currently", budget.Name, budget.Status.DesiredHealthy, budget.Status.CurrentHealthy),
			}}
			return refused
		}
		if dryRun {
			return nil
		}
		budget.Status.DisruptionsAllowed--
		if budget.Status.DisruptedPods == nil {
			budget.Status.DisruptedPods = map[string]metav1.Time{}
		}
		budget.Status.DisruptedPods[pod.Name] = metav1.Now()
		next, err := s.of(s.budgets).newRecord(budget)
		if err != nil {
			return err
		}
		if _, err = s.budgets.put(rq.ctx, next, guarding); !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
}
