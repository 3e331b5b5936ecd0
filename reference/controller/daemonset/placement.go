package daemonset

import (
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corehelpers "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	"k8s.io/klog/v2"

	"github.com/podchain/podchain/reference/controller"
)

// comparisonOperators says whether tolerations may compare numbers: not by default.
const comparisonOperators = false

// tolerated are the taints that a daemon Pod lives with whatever its template
// says (DS-03): a daemon is there for the node, whatever state that is in.
var tolerated = []struct {
	key         string
	effect      corev1.TaintEffect
	hostNetwork bool // only for Pods that use the node's network
}{
	{key: corev1.TaintNodeNotReady, effect: corev1.TaintEffectNoExecute},
	{key: corev1.TaintNodeUnreachable, effect: corev1.TaintEffectNoExecute},
	{key: corev1.TaintNodeDiskPressure, effect: corev1.TaintEffectNoSchedule},
	{key: corev1.TaintNodeMemoryPressure, effect: corev1.TaintEffectNoSchedule},
	{key: corev1.TaintNodePIDPressure, effect: corev1.TaintEffectNoSchedule},
	{key: corev1.TaintNodeUnschedulable, effect: corev1.TaintEffectNoSchedule},
	{key: corev1.TaintNodeNetworkUnavailable, effect: corev1.TaintEffectNoSchedule, hostNetwork: true},
}

// tolerations returns those of the template and those that every daemon has.
func tolerations(template *corev1.PodSpec) []corev1.Toleration {
	all := append([]corev1.Toleration(nil), template.Tolerations...)
next:
	for _, taint := range tolerated {
		if taint.hostNetwork && !template.HostNetwork {
			continue
		}
		toleration := corev1.Toleration{Key: taint.key, Operator: corev1.TolerationOpExists, Effect: taint.effect}
		for i := range all {
			if all[i].MatchToleration(&toleration) {
				all[i] = toleration // without a limit in time
				continue next
			}
			if equality.Semantic.DeepEqual(all[i], toleration) {
				continue next
			}
		}
		all = append(all, toleration)
	}
	return all
}

// eligibility decides for one DaemonSet which nodes are to have a Pod (DS-01).
// Whether a node is ready is of no matter.
type eligibility struct {
	nodeName    string
	affinity    nodeaffinity.RequiredNodeAffinity
	tolerations []corev1.Toleration
}

func newEligibility(template *corev1.PodSpec) eligibility {
	return eligibility{
		nodeName:    template.NodeName,
		affinity:    nodeaffinity.NewRequiredNodeAffinity(template.NodeSelector, template.Affinity),
		tolerations: tolerations(template),
	}
}

// of says whether the node is to get a Pod, and whether it may keep one.
func (e eligibility) of(node *corev1.Node) (run, keep bool) {
	if e.nodeName != "" && e.nodeName != node.Name {
		return false, false
	}
	if matches, err := e.affinity.Match(node); err != nil || !matches {
		return false, false
	}
	keep = e.tolerates(node, corev1.TaintEffectNoExecute)
	return keep && e.tolerates(node, corev1.TaintEffectNoSchedule), keep
}

func (e eligibility) tolerates(node *corev1.Node, effect corev1.TaintEffect) bool {
	_, found := corehelpers.FindMatchingUntoleratedTaint(klog.Background(), node.Spec.Taints, e.tolerations,
		func(taint *corev1.Taint) bool { return taint.Effect == effect }, comparisonOperators)
	return !found
}

// newTemplate is the set's template with what all its Pods have in common
// (DS-03, DS-08).
func newTemplate(set *appsv1.DaemonSet, hash string) *corev1.PodTemplateSpec {
	template := set.Spec.Template.DeepCopy()
	template.Spec.Tolerations = tolerations(&template.Spec)
	if template.Labels == nil {
		template.Labels = map[string]string{}
	}
	template.Labels[hashLabel] = hash
	if generation, err := strconv.ParseInt(set.Annotations[appsv1.DeprecatedTemplateGeneration], 10, 64); err == nil {
		template.Labels[templateGenerationLabel] = strconv.FormatInt(generation, 10)
	}
	return template
}

const (
	// hashLabel has the hash of the template that a Pod was made from.
	hashLabel = appsv1.DefaultDaemonSetUniqueLabelKey
	// templateGenerationLabel numbers the templates; it is older than the hash, and
	// nothing is decided by it.
	templateGenerationLabel = "pod-template-generation"
)

// newPod makes the Pod for a node. It is the scheduler that puts it there: the
// Pod only admits no other (DS-02).
func newPod(set *appsv1.DaemonSet, template *corev1.PodTemplateSpec, node string) *corev1.Pod {
	pod := controller.PodFromTemplate(template, set, kind)
	if pod.Spec.Affinity == nil {
		pod.Spec.Affinity = &corev1.Affinity{}
	}
	if pod.Spec.Affinity.NodeAffinity == nil {
		pod.Spec.Affinity.NodeAffinity = &corev1.NodeAffinity{}
	}
	// In place of the template's own terms: the node matches those already.
	pod.Spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution = &corev1.NodeSelector{
		NodeSelectorTerms: []corev1.NodeSelectorTerm{{
			MatchFields: []corev1.NodeSelectorRequirement{{
				Key: metav1.ObjectNameField, Operator: corev1.NodeSelectorOpIn, Values: []string{node},
			}},
		}},
	}
	return pod
}

// nodeOf is the node that a Pod is on, or is made for.
func nodeOf(pod *corev1.Pod) (string, bool) {
	if pod.Spec.NodeName != "" {
		return pod.Spec.NodeName, true
	}
	affinity := pod.Spec.Affinity
	if affinity == nil || affinity.NodeAffinity == nil || affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution == nil {
		return "", false
	}
	for _, term := range affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms {
		for _, field := range term.MatchFields {
			if field.Key == metav1.ObjectNameField && field.Operator == corev1.NodeSelectorOpIn && len(field.Values) == 1 {
				return field.Values[0], true
			}
		}
	}
	return "", false
}
