package cluster

import (
	"maps"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	resourcehelper "k8s.io/component-helpers/resource"
)

// Resources are amounts in plain integers: they are added up for every Pod and
// compared for every node, where a resource.Quantity is too slow.
type Resources struct {
	MilliCPU         int64
	Memory           int64
	EphemeralStorage int64
	// Pods counts Pods: what a node allows, or what it has.
	Pods int64
	// Extended holds every other resource.
	Extended map[v1.ResourceName]int64
}

// ResourcesOf converts a list as the API has it.
func ResourcesOf(list v1.ResourceList) Resources {
	var r Resources
	for name, quantity := range list {
		switch name {
		case v1.ResourceCPU:
			r.MilliCPU = quantity.MilliValue()
		case v1.ResourceMemory:
			r.Memory = quantity.Value()
		case v1.ResourceEphemeralStorage:
			r.EphemeralStorage = quantity.Value()
		case v1.ResourcePods:
			r.Pods = quantity.Value()
		default:
			if r.Extended == nil {
				r.Extended = map[v1.ResourceName]int64{}
			}
			r.Extended[name] = quantity.Value()
		}
	}
	return r
}

// plus adds times × other to r.
func (r *Resources) plus(other Resources, times int64) {
	r.MilliCPU += times * other.MilliCPU
	r.Memory += times * other.Memory
	r.EphemeralStorage += times * other.EphemeralStorage
	r.Pods += times * other.Pods
	for name, amount := range other.Extended {
		if r.Extended == nil {
			r.Extended = map[v1.ResourceName]int64{}
		}
		r.Extended[name] += times * amount
	}
}

func (r Resources) clone() Resources {
	r.Extended = maps.Clone(r.Extended)
	return r
}

// unstated is what a container that requests nothing counts for in ranking:
// otherwise any number of such Pods would look like none.
var unstated = v1.ResourceList{
	v1.ResourceCPU:    resource.MustParse("100m"),
	v1.ResourceMemory: resource.MustParse("200Mi"),
}

// requestOf returns what the Pod takes from a node (SCHED-07): requests, not
// limits; the larger of the init phase and the running phase, with sidecars in
// both; plus overhead.
func requestOf(pod *v1.Pod) Resources {
	r := ResourcesOf(resourcehelper.PodRequests(pod, resourcehelper.PodResourcesOptions{UseStatusResources: true}))
	r.Pods = 1
	return r
}

// rankedRequestOf is requestOf with [unstated] in place of missing requests.
func rankedRequestOf(pod *v1.Pod) Resources {
	r := ResourcesOf(resourcehelper.PodRequests(pod, resourcehelper.PodResourcesOptions{
		UseStatusResources: true, NonMissingContainerRequests: unstated,
	}))
	r.Pods = 1
	return r
}
