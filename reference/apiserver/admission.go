package apiserver

import (
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilrand "k8s.io/apimachinery/pkg/util/rand"
	"k8s.io/utils/ptr"

	"github.com/podchain/podchain/reference/store"
)

// admission changes or refuses an object that is about to be created, or changed
// other than through a subresource. Either func may be nil.
type admission struct {
	name string
	// kind is what it is about; the zero value means every kind.
	kind   schema.GroupKind
	admit  func(*Server, *request, runtime.Object) error
	update func(obj, old runtime.Object)
}

// admissions are those of a default cluster that matter to the chain
// (API-DEFAULT-07), in their order.
var admissions = []admission{
	{name: "NamespaceLifecycle", admit: admitNamespace},
	{name: "Namespace", kind: namespaceKind, admit: admitNewNamespace},
	{name: "TaintNodesByCondition", kind: nodeKind, admit: admitNode},
	{name: "ServiceAccount", kind: podKind, admit: onPod(admitServiceAccount)},
	{name: "Priority", kind: podKind, admit: onPod(admitPriority), update: keepPriority},
	{name: "DefaultTolerationSeconds", kind: podKind, admit: onPod(admitTolerations), update: addTolerations},
}

func admissionsWithout(names []string) []admission {
	return slices.DeleteFunc(slices.Clone(admissions), func(a admission) bool { return slices.Contains(names, a.name) })
}

var namespaceKind = schema.GroupKind{Kind: "Namespace"}

// admitNewNamespace makes a namespace findable by its name, and its deletion
// wait for its content.
func admitNewNamespace(_ *Server, _ *request, obj runtime.Object) error {
	ns := obj.(*corev1.Namespace)
	ns.Labels = merged(ns.Labels, map[string]string{corev1.LabelMetadataName: ns.Name})
	if !slices.Contains(ns.Spec.Finalizers, corev1.FinalizerKubernetes) {
		ns.Spec.Finalizers = append(ns.Spec.Finalizers, corev1.FinalizerKubernetes)
	}
	ns.Status = corev1.NamespaceStatus{Phase: corev1.NamespaceActive}
	return nil
}

var nodeKind = schema.GroupKind{Kind: "Node"}

// admitNode keeps Pods off a new node until the node lifecycle controller has
// seen that it is ready (NODE-05).
func admitNode(_ *Server, _ *request, obj runtime.Object) error {
	node := obj.(*corev1.Node)
	beginner := corev1.Taint{Key: corev1.TaintNodeNotReady, Effect: corev1.TaintEffectNoSchedule}
	if !slices.ContainsFunc(node.Spec.Taints, func(taint corev1.Taint) bool { return taint.MatchTaint(&beginner) }) {
		node.Spec.Taints = append(node.Spec.Taints, beginner)
	}
	return nil
}

var podKind = schema.GroupKind{Kind: "Pod"}

func onPod(admit func(*Server, *request, *corev1.Pod) error) func(*Server, *request, runtime.Object) error {
	return func(s *Server, rq *request, obj runtime.Object) error { return admit(s, rq, obj.(*corev1.Pod)) }
}

// admitUpdate lets a client that leaves out what admission filled in at creation keep
// it (API-DEFAULT-07).
func (s *Server) admitUpdate(kind schema.GroupKind, obj, old runtime.Object) {
	for _, a := range s.admission {
		if a.update != nil && a.kind == kind {
			a.update(obj, old)
		}
	}
}

func (s *Server) admitCreate(rq *request, obj runtime.Object) error {
	for _, a := range s.admission {
		if a.admit == nil || a.kind != (schema.GroupKind{}) && a.kind != rq.groupKind() {
			continue
		}
		if err := a.admit(s, rq, obj); err != nil {
			return err
		}
	}
	return nil
}

const (
	tokenPath     = "/var/run/secrets/kubernetes.io/serviceaccount"
	tokenVolume   = "kube-api-access-"
	tokenLifetime = 3607 // an hour, and recognisable
	rootCA        = "kube-root-ca.crt"
	mirrorPod     = corev1.MirrorPodAnnotationKey

	defaultServiceAccount = "default"
)

// admitServiceAccount gives the Pod its identity, and a volume with the token
// of it mounted into each container.
func admitServiceAccount(s *Server, rq *request, pod *corev1.Pod) error {
	if _, mirror := pod.Annotations[mirrorPod]; mirror || s.serviceAccounts == nil {
		return nil
	}
	if pod.Spec.ServiceAccountName == "" {
		pod.Spec.ServiceAccountName = defaultServiceAccount
	}
	pod.Spec.DeprecatedServiceAccount = pod.Spec.ServiceAccountName
	r, err := s.serviceAccount(rq, pod.Spec.ServiceAccountName)
	if err != nil {
		return err
	}
	if r == nil {
		return apierrors.NewForbidden(rq.groupResource(), pod.Name, fmt.Errorf(
			"error looking up service account %s/%s: serviceaccount %q not found",
			rq.namespace, pod.Spec.ServiceAccountName, pod.Spec.ServiceAccountName))
	}
	obj, err := r.object()
	if err != nil {
		return err
	}
	account := obj.(*corev1.ServiceAccount)
	if len(pod.Spec.ImagePullSecrets) == 0 {
		pod.Spec.ImagePullSecrets = append(pod.Spec.ImagePullSecrets, account.ImagePullSecrets...)
	}
	automount := ptr.Deref(account.AutomountServiceAccountToken, true)
	if ptr.Deref(pod.Spec.AutomountServiceAccountToken, automount) {
		mountToken(&pod.Spec)
	}
	return nil
}

// serviceAccountTimeout is how long a Pod waits for the account "default" of its
// namespace, which a controller makes, so that a namespace and its first Pod can be
// created at once. Kubernetes looks ten times within as much.
const serviceAccountTimeout = 1800 * time.Millisecond

// serviceAccount returns an account of the request's namespace; nil if there is none.
func (s *Server) serviceAccount(rq *request, name string) (*record, error) {
	key := s.serviceAccounts.key(rq.namespace, name)
	r, err := s.serviceAccounts.get(rq.ctx, key)
	if r != nil || err != nil || name != defaultServiceAccount {
		return r, err
	}
	ctx, cancel := context.WithCancel(rq.ctx)
	defer cancel()
	defer context.AfterFunc(s.ctx, cancel)() // a server that ends waits no longer
	return s.serviceAccounts.await(ctx, key, serviceAccountTimeout)
}

func mountToken(spec *corev1.PodSpec) {
	name := tokenVolume + utilrand.String(5)
	mounted := false
	mount := func(c *corev1.Container) {
		for _, m := range c.VolumeMounts {
			if m.MountPath == tokenPath {
				return
			}
		}
		mounted = true
		c.VolumeMounts = append(c.VolumeMounts, corev1.VolumeMount{Name: name, ReadOnly: true, MountPath: tokenPath})
	}
	for i := range spec.InitContainers {
		mount(&spec.InitContainers[i])
	}
	for i := range spec.Containers {
		mount(&spec.Containers[i])
	}
	if !mounted {
		return
	}
	spec.Volumes = append(spec.Volumes, corev1.Volume{
		Name: name,
		VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{
			DefaultMode: ptr.To[int32](corev1.ProjectedVolumeSourceDefaultMode),
			Sources: []corev1.VolumeProjection{
				{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{
					Path: "token", ExpirationSeconds: ptr.To[int64](tokenLifetime),
				}},
				{ConfigMap: &corev1.ConfigMapProjection{
					LocalObjectReference: corev1.LocalObjectReference{Name: rootCA},
					Items:                []corev1.KeyToPath{{Key: "ca.crt", Path: "ca.crt"}},
				}},
				{DownwardAPI: &corev1.DownwardAPIProjection{Items: []corev1.DownwardAPIVolumeFile{{
					Path:     "namespace",
					FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: "metadata.namespace"},
				}}}},
			},
		}},
	})
}

var priorityClassKind = schema.GroupKind{Group: schedulingv1.GroupName, Kind: "PriorityClass"}

// admitPriority turns the name of a priority class into the Pod's priority.
func admitPriority(s *Server, rq *request, pod *corev1.Pod) error {
	value, policy, err := s.priority(rq, pod)
	if err != nil {
		return err
	}
	if given := pod.Spec.Priority; given != nil && *given != value {
		return apierrors.NewForbidden(rq.groupResource(), pod.Name, fmt.Errorf(
			"the integer value of priority (%d) must not be provided in pod spec; priority admission controller computed %d from the given PriorityClass name",
			*given, value))
	}
	if given := pod.Spec.PreemptionPolicy; given != nil && *given != policy {
		return apierrors.NewForbidden(rq.groupResource(), pod.Name, fmt.Errorf(
			"the string value of PreemptionPolicy (%s) must not be provided in pod spec; priority admission controller computed %s from the given PriorityClass name",
			*given, policy))
	}
	pod.Spec.Priority, pod.Spec.PreemptionPolicy = &value, &policy
	return nil
}

func keepPriority(obj, old runtime.Object) {
	spec, was := &obj.(*corev1.Pod).Spec, &old.(*corev1.Pod).Spec
	if spec.Priority == nil {
		spec.Priority = was.Priority
	}
	if spec.PreemptionPolicy == nil {
		spec.PreemptionPolicy = was.PreemptionPolicy
	}
}

func (s *Server) priority(rq *request, pod *corev1.Pod) (int32, corev1.PreemptionPolicy, error) {
	policy := corev1.PreemptLowerPriority
	name := pod.Spec.PriorityClassName
	if s.priorityClasses == nil {
		return 0, policy, nil
	}
	if name == "" {
		class, err := s.defaultPriorityClass(rq)
		if class == nil || err != nil {
			return 0, policy, err
		}
		pod.Spec.PriorityClassName = class.Name
		return class.Value, ptr.Deref(class.PreemptionPolicy, policy), nil
	}
	r, err := s.priorityClasses.get(rq.ctx, s.priorityClasses.key("", name))
	if err != nil {
		return 0, policy, err
	}
	if r == nil {
		return 0, policy, apierrors.NewForbidden(rq.groupResource(), pod.Name, fmt.Errorf("no PriorityClass with name %s was found", name))
	}
	obj, err := r.object()
	if err != nil {
		return 0, policy, err
	}
	class := obj.(*schedulingv1.PriorityClass)
	return class.Value, ptr.Deref(class.PreemptionPolicy, policy), nil
}

func (s *Server) defaultPriorityClass(rq *request) (*schedulingv1.PriorityClass, error) {
	l, err := s.priorityClasses.list(rq.ctx, s.priorityClasses.prefix, store.ListOptions{})
	if err != nil {
		return nil, err
	}
	var chosen *schedulingv1.PriorityClass
	for _, r := range l.records {
		obj, err := r.object()
		if err != nil {
			return nil, err
		}
		if class := obj.(*schedulingv1.PriorityClass); class.GlobalDefault && (chosen == nil || class.Value < chosen.Value) {
			chosen = class
		}
	}
	return chosen, nil
}

// admitTolerations lets the Pod stay five minutes on a node that fails.
func admitTolerations(_ *Server, _ *request, pod *corev1.Pod) error {
	addTolerations(pod, nil)
	return nil
}

func addTolerations(obj, _ runtime.Object) {
	pod := obj.(*corev1.Pod)
	for _, key := range []string{corev1.TaintNodeNotReady, corev1.TaintNodeUnreachable} {
		tolerated := false
		for _, t := range pod.Spec.Tolerations {
			if (t.Key == key || t.Key == "") && (t.Effect == corev1.TaintEffectNoExecute || t.Effect == "") {
				tolerated = true
			}
		}
		if !tolerated {
			pod.Spec.Tolerations = append(pod.Spec.Tolerations, corev1.Toleration{
				Key: key, Operator: corev1.TolerationOpExists,
				Effect: corev1.TaintEffectNoExecute, TolerationSeconds: ptr.To[int64](300),
			})
		}
	}
}
