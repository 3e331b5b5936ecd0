package kubernetes

import (
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// size is how large a node is.
type size struct {
	// cores and memory are what the kubelet finds; 0 for what there is.
	cores  int
	memory int64
	// reserved is what the kubelet takes off for itself: allocatable is the rest.
	reserved map[string]string
	pods     int64
	// further resources are written to the API server when the node is added, as
	// device plugins do.
	further corev1.ResourceList
}

// defaultPods is more than the specification ever has on a node at once.
const defaultPods = 1000

// sizeOf translates what a Node should have into what its kubelet finds. Whole
// processors are shown to it; parts of one are reserved.
func sizeOf(object *corev1.Node) (size, error) {
	s := size{pods: defaultPods, reserved: map[string]string{}, further: corev1.ResourceList{}}
	capacity := maps.Clone(object.Status.Capacity)
	if capacity == nil {
		capacity = corev1.ResourceList{}
	}
	// A kubelet has no capacity beside what is allocatable but what it reserves.
	for name, quantity := range object.Status.Allocatable {
		if _, known := capacity[name]; !known {
			capacity[name] = quantity
		}
	}
	for _, name := range slices.Sorted(maps.Keys(capacity)) {
		quantity := capacity[name]
		allocatable, known := object.Status.Allocatable[name]
		if !known {
			allocatable = quantity
		}
		reserved := quantity.DeepCopy()
		reserved.Sub(allocatable)
		if reserved.Sign() < 0 {
			return s, fmt.Errorf("%s: allocatable %s is more than the capacity %s", name, &allocatable, &quantity)
		}
		switch name {
		case corev1.ResourceCPU:
			s.cores = int((quantity.MilliValue() + 999) / 1000)
			if s.cores == 0 {
				return s, fmt.Errorf("cpu %s: a node has some", &quantity)
			}
			reserved = *resource.NewMilliQuantity(int64(s.cores)*1000-allocatable.MilliValue(), resource.DecimalSI)
		case corev1.ResourceMemory:
			const page = 1024 // the kernel tells whole kibibytes
			s.memory = (quantity.Value() + page - 1) / page * page
			reserved = *resource.NewQuantity(s.memory-allocatable.Value(), resource.BinarySI)
		case corev1.ResourcePods:
			s.pods = allocatable.Value()
			if s.pods == 0 {
				return s, fmt.Errorf("pods 0: a kubelet takes this for no limit")
			}
			continue
		case corev1.ResourceEphemeralStorage:
			return s, fmt.Errorf("%s: a kubelet tells what the disk has, and nothing else can be given to it", name)
		default:
			s.further[name] = allocatable
			continue
		}
		if reserved.Sign() > 0 {
			s.reserved[string(name)] = reserved.String()
		}
	}
	return s, nil
}
