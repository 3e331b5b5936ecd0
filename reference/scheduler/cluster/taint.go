package cluster

import (
	v1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
)

// Untolerated returns a taint that keeps the Pod off the node, or nil (SCHED-10).
func Untolerated(node *v1.Node, tolerations []v1.Toleration) *v1.Taint {
	for i := range node.Spec.Taints {
		taint := &node.Spec.Taints[i]
		if taint.Effect != v1.TaintEffectPreferNoSchedule && !Tolerated(taint, tolerations) {
			return taint
		}
	}
	return nil
}

// Tolerated tells whether one of the tolerations covers the taint.
func Tolerated(taint *v1.Taint, tolerations []v1.Toleration) bool {
	for i := range tolerations {
		if tolerations[i].ToleratesTaint(klog.Logger{}, taint, false) {
			return true
		}
	}
	return false
}
