package cluster

import (
	v1 "k8s.io/api/core/v1"
	corehelpers "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/klog/v2"
)

// Untolerated tells whether a taint keeps the Pod off the node (SCHED-10).
func Untolerated(node *v1.Node, tolerations []v1.Toleration) bool {
	keepsOff := func(taint *v1.Taint) bool { return taint.Effect != v1.TaintEffectPreferNoSchedule }
	_, untolerated := corehelpers.FindMatchingUntoleratedTaint(klog.Background(), node.Spec.Taints, tolerations, keepsOff, false)
	return untolerated
}

// Tolerated tells whether one of the tolerations covers the taint.
func Tolerated(taint *v1.Taint, tolerations []v1.Toleration) bool {
	return corehelpers.TolerationsTolerateTaint(klog.Background(), tolerations, taint, false)
}
