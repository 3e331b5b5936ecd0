package diagnosis

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/events"
	"github.com/podchain/podchain/conformance/history"
	"github.com/podchain/podchain/conformance/objects"
)

// Transitions returns how long the chain took for each of its steps, by receipt of the
// watches: from the one step to the next, for every object that took it. A Pod that
// replaces another one is left out: it is not known when it became due.
func Transitions(record history.Record) []events.Transition {
	t := transitions{record: record}
	for _, deployment := range record.Of("Deployment", nil) {
		if deployment.Type == watch.Added {
			t.deployment(deployment)
		}
	}
	gone := map[types.UID]int{} // when the first Pod of an owner was on its way out
	for _, pod := range record.Of("Pod", nil) {
		owner := objects.Controller(pod.Object)
		if leaving := pod.Type == watch.Deleted || pod.Object.GetDeletionTimestamp() != nil || !objects.Active(pod.Object); leaving && gone[owner] == 0 {
			gone[owner] = pod.Seq
		}
		if pod.Type == watch.Added {
			t.pod(pod, gone[owner] > 0)
		}
	}
	return t.found
}

type transitions struct {
	record history.Record
	found  []events.Transition
}

func (t *transitions) add(name string, from, to history.Version) {
	t.found = append(t.found, events.Transition{Name: name, Seconds: max(0, to.At.Sub(from.At)).Seconds()})
}

// deployment takes its first ReplicaSet, and when all its Pods were available.
func (t *transitions) deployment(posted history.Version) {
	uid := posted.Object.GetUID()
	if sets := t.record.Of("ReplicaSet", objects.ControlledBy(uid)); len(sets) > 0 {
		t.add("replicaset", posted, sets[0])
	}
	available, found := first(t.record.ByUID(uid), func(object *unstructured.Unstructured) bool {
		wanted := objects.Int(object, "spec", "replicas")
		return wanted > 0 && objects.Int(object, "status", "availableReplicas") == wanted
	})
	if !found {
		return
	}
	// The last Pod that it could wait for.
	sets := map[types.UID]bool{}
	for _, set := range t.record.Of("ReplicaSet", objects.ControlledBy(uid)) {
		sets[set.Object.GetUID()] = true
	}
	var last *history.Version
	for _, pod := range t.record.Until(available.Seq).Of("Pod", func(pod *unstructured.Unstructured) bool { return sets[objects.Controller(pod)] }) {
		if pod.Type != watch.Added {
			continue
		}
		if ready, found := first(t.record.ByUID(pod.Object.GetUID()), isReady); found && ready.Seq < available.Seq && (last == nil || ready.Seq > last.Seq) {
			last = &ready
		}
	}
	if last != nil {
		t.add("available", *last, available)
	}
}

// pod takes the steps of a Pod.
func (t *transitions) pod(created history.Version, replacement bool) {
	if owner := objects.Controller(created.Object); owner != "" && !replacement {
		if asked, found := t.asked(owner, created.Seq); found {
			t.add("pod", asked, created)
		}
	}
	before := created
	for _, step := range chain.Steps {
		if step.Name == "" || step.Taken == nil || step.Kind != created.Object.GetKind() {
			continue
		}
		taken, found := first(t.record.ByUID(created.Object.GetUID()), func(pod *unstructured.Unstructured) bool { return step.Taken(pod, 0) })
		if !found {
			return
		}
		if taken.Seq > before.Seq {
			t.add(step.Name, before, taken)
		}
		before = taken
	}
}

// asked is the last version of an owner, before seq, that asked for another number of
// Pods than the one before.
func (t *transitions) asked(owner types.UID, seq int) (asked history.Version, found bool) {
	replicas := int64(-1)
	for _, version := range t.record.Until(seq).ByUID(owner) {
		if now := objects.Int(version.Object, "spec", "replicas"); now != replicas {
			asked, found, replicas = version, true, now
		}
	}
	return asked, found
}

func isReady(pod *unstructured.Unstructured) bool { return objects.Condition(pod, "Ready") == "True" }

func first(versions []history.Version, accept func(*unstructured.Unstructured) bool) (history.Version, bool) {
	for _, version := range versions {
		if accept(version.Object) {
			return version, true
		}
	}
	return history.Version{}, false
}
