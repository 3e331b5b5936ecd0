package kinds

import (
	"maps"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
)

func node(k *Kind) {
	k.Default = on(func(n *corev1.Node) {
		if n.Status.Allocatable == nil && n.Status.Capacity != nil {
			n.Status.Allocatable = maps.Clone(n.Status.Capacity)
		}
	})
	// A kubelet registers itself with its status in the same write, so a new
	// Node keeps it, unlike every other kind (NODE-01).
	k.PrepareForCreate = on(func(n *corev1.Node) { n.Generation = 0 })
	k.Columns, k.Row = nodeColumns, cells(nodeRow)
	selectable(k, func(n *corev1.Node) fields.Set {
		return fields.Set{"spec.unschedulable": strconv.FormatBool(n.Spec.Unschedulable)}
	}, &corev1.Node{})
}
