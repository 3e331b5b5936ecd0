package kinds

import (
	"math"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// podSpec checks what Pods and Pod templates have in common.
func (f *errs) podSpec(spec *corev1.PodSpec, path *field.Path) {
	volumes := f.volumes(spec.Volumes, path.Child("volumes"))
	f.containers(spec, volumes, path.Child("containers"))
	f.initContainers(spec, volumes, path.Child("initContainers"))
	f.ephemeralContainers(spec, volumes, path.Child("ephemeralContainers"))
	f.hostNetwork(spec, path)
	oneOf(f, path.Child("restartPolicy"), spec.RestartPolicy, corev1.RestartPolicyAlways, corev1.RestartPolicyOnFailure, corev1.RestartPolicyNever)
	oneOf(f, path.Child("dnsPolicy"), spec.DNSPolicy, corev1.DNSClusterFirst, corev1.DNSClusterFirstWithHostNet, corev1.DNSDefault, corev1.DNSNone)
	f.scheduling(spec, path)
	for _, name := range []struct {
		field, value string
		check        apivalidation.ValidateNameFunc
	}{
		{"serviceAccountName", spec.ServiceAccountName, apivalidation.ValidateServiceAccountName},
		{"nodeName", spec.NodeName, apivalidation.NameIsDNSSubdomain},
		{"hostname", spec.Hostname, apivalidation.NameIsDNSLabel},
		{"subdomain", spec.Subdomain, apivalidation.NameIsDNSLabel},
		{"priorityClassName", spec.PriorityClassName, apivalidation.NameIsDNSSubdomain},
	} {
		if name.value != "" {
			f.texts(path.Child(name.field), name.value, name.check(name.value, false))
		}
	}
	if spec.RuntimeClassName != nil {
		f.texts(path.Child("runtimeClassName"), *spec.RuntimeClassName, apivalidation.NameIsDNSSubdomain(*spec.RuntimeClassName, false))
	}
	if seconds := spec.ActiveDeadlineSeconds; seconds != nil && (*seconds < 1 || *seconds > math.MaxInt32) {
		f.invalid(path.Child("activeDeadlineSeconds"), *seconds, validation.InclusiveRangeError(1, math.MaxInt32))
	}
	if spec.PreemptionPolicy != nil {
		oneOf(f, path.Child("preemptionPolicy"), *spec.PreemptionPolicy, corev1.PreemptLowerPriority, corev1.PreemptNever)
	}
	for i, gate := range spec.ReadinessGates {
		f.texts(path.Child("readinessGates").Index(i).Child("conditionType"), string(gate.ConditionType), validation.IsQualifiedName(string(gate.ConditionType)))
	}
}

// hostNetwork wants ports on the host to be the ports of the container, as
// they are the same network then. A template may leave them out.
func (f *errs) hostNetwork(spec *corev1.PodSpec, path *field.Path) {
	if !spec.HostNetwork {
		return
	}
	for i := range spec.Containers {
		for j, port := range spec.Containers[i].Ports {
			if port.HostPort != 0 && port.HostPort != port.ContainerPort {
				f.invalid(path.Child("containers").Index(i).Child("ports").Index(j).Child("hostPort"), port.HostPort,
					"must match `containerPort` when `hostNetwork` is true")
			}
		}
	}
}

// template checks a Pod template.
func (f *errs) template(t *corev1.PodTemplateSpec, path *field.Path) {
	f.add(metav1validation.ValidateLabels(t.Labels, path.Child("labels"))...)
	f.add(apivalidation.ValidateAnnotations(t.Annotations, path.Child("annotations"))...)
	f.podAnnotations(t.Annotations, path.Child("annotations"))
	f.podSpec(&t.Spec, path.Child("spec"))
	if len(t.Spec.EphemeralContainers) > 0 {
		f.forbidden(path.Child("spec", "ephemeralContainers"), "ephemeral containers not allowed in pod template")
	}
}

func (f *errs) podAnnotations(annotations map[string]string, path *field.Path) {
	cost, set := annotations[corev1.PodDeletionCost]
	if !set {
		return
	}
	n, err := strconv.ParseInt(cost, 10, 32)
	if err != nil || strconv.FormatInt(n, 10) != cost {
		f.invalid(path.Key(corev1.PodDeletionCost), cost, "must be a 32bit integer")
	}
}

// replicaTemplate checks the template of Pods that replace each other: they
// restart for ever, have no deadline (API-VALID-05) and match the selector
// (API-VALID-01).
func (f *errs) replicaTemplate(t *corev1.PodTemplateSpec, selector labels.Selector, kind string, path *field.Path) {
	if !selector.Empty() && !selector.Matches(labels.Set(t.Labels)) {
		f.invalid(path.Child("metadata", "labels"), t.Labels, "`selector` does not match template `labels`")
	}
	f.template(t, path)
	if t.Spec.RestartPolicy != corev1.RestartPolicyAlways {
		f.add(field.NotSupported(path.Child("spec", "restartPolicy"), t.Spec.RestartPolicy, []corev1.RestartPolicy{corev1.RestartPolicyAlways}))
	}
	if t.Spec.ActiveDeadlineSeconds != nil {
		f.forbidden(path.Child("spec", "activeDeadlineSeconds"), "activeDeadlineSeconds in "+kind+" is not Supported")
	}
}

// selector checks the selector of a workload (API-VALID-01) and returns it in
// its working form, nil if it has none.
func (f *errs) selector(s *metav1.LabelSelector, kind string, path *field.Path) labels.Selector {
	if s == nil {
		f.required(path, "")
		return labels.Nothing()
	}
	f.selectorForm(s, path)
	if len(s.MatchLabels)+len(s.MatchExpressions) == 0 {
		f.invalid(path, s, "empty selector is invalid for "+kind)
	}
	selector, err := metav1.LabelSelectorAsSelector(s)
	if err != nil {
		f.invalid(path, s, "invalid label selector")
		return nil
	}
	return selector
}
