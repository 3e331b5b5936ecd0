package trace

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/diagnosis"
	"github.com/podchain/podchain/conformance/objects"
)

// trouble is what an object's status says stands in the way.
type trouble struct {
	link chain.Link
	// object it is about, as kind and name.
	object string
	// reason is a word of the API, such as Unschedulable; message explains it.
	reason, message string
}

func (t trouble) String() string {
	text := t.object + ": " + t.reason
	if t.message != "" && t.message != t.reason {
		text += ": " + strings.Join(strings.Fields(t.message), " ")
	}
	return text
}

// troubles are what the last versions show, in the order of the chain.
func (c *chainState) troubles() []trouble {
	var found []trouble
	if paused, _, _ := unstructured.NestedBool(c.deployment.Object, "spec", "paused"); paused {
		found = append(found, trouble{chain.DeploymentController, describe(c.deployment), "spec.paused is true",
			"it waits until it is resumed"})
	}
	for _, object := range append([]*unstructured.Unstructured{c.deployment}, slices.Collect(maps.Values(c.sets))...) {
		if refused := condition(object, "ReplicaFailure"); refused["status"] == "True" {
			found = append(found, from(chain.ReplicaSetController, object, "", refused))
			break // the Deployment repeats what its ReplicaSet says
		}
	}
	var ofScheduler, ofKubelet []trouble
	for _, pod := range c.order {
		if pod.gone {
			continue
		}
		ofScheduler = append(ofScheduler, pod.unplaced...)
		ofKubelet = append(ofKubelet, pod.waiting...)
	}
	found = append(append(found, ofScheduler...), ofKubelet...)
	if late := condition(c.deployment, "Progressing"); len(found) == 0 && late["status"] == "False" {
		found = append(found, from(chain.DeploymentController, c.deployment, "", late))
	}
	return found
}

func unplaced(pod *unstructured.Unstructured) (found []trouble) {
	if scheduled := condition(pod, "PodScheduled"); scheduled["status"] == "False" {
		found = append(found, from(chain.Scheduler, pod, "", scheduled))
	}
	return found
}

// underWay are the reasons for which a container waits when all is well.
var underWay = []string{"", "ContainerCreating", "PodInitializing"}

// waiting returns what keeps a Pod's containers from running, or ended the Pod.
func waiting(pod *unstructured.Unstructured) (found []trouble) {
	if objects.Text(pod, "status", "phase") == "Failed" {
		return append(found, trouble{chain.Kubelet, describe(pod), "Failed " + objects.Text(pod, "status", "reason"), objects.Text(pod, "status", "message")})
	}
	for _, field := range []string{"initContainerStatuses", "containerStatuses"} {
		statuses, _, _ := unstructured.NestedSlice(pod.Object, "status", field)
		for _, entry := range statuses {
			status, _ := entry.(map[string]any)
			state, _, _ := unstructured.NestedMap(status, "state", "waiting")
			if reason, _ := state["reason"].(string); !slices.Contains(underWay, reason) {
				found = append(found, from(chain.Kubelet, pod, fmt.Sprintf(" container %v", status["name"]), state))
			}
		}
	}
	return found
}

// notReady says of Pods that have taken all other steps what they say of
// themselves.
func (c *chainState) notReady() []trouble {
	var found []trouble
	for _, pod := range c.order {
		if ready := condition(pod.object, "Ready"); !pod.gone && ready["status"] == "False" && objects.Text(pod.object, "spec", "nodeName") != "" {
			found = append(found, from(chain.Kubelet, pod.object, " is not Ready", ready))
		}
	}
	return found
}

// stuckAt returns what is left undone and by which link, the first in the order
// of the chain first. patient says that time alone may cure all of it.
func (c *chainState) stuckAt() (blames []diagnosis.Culprit, patient bool) {
	if c.gone {
		return append(blames, diagnosis.Culprit{Link: chain.APIServer, Missing: "the Deployment was deleted"}), false
	}
	troubles := c.troubles()
	blind := sets.New[chain.Link]()
	if c.nodesUnknown {
		blind.Insert(chain.Kubelet)
	}
	overdue, silent := diagnosis.FirstOverdue(c.own.Now(), blind)
	patient = len(troubles) == 0 && !silent
	if patient {
		troubles = c.notReady()
	}
	// What a link after a known trouble has left undone only follows from it.
	if silent && (len(troubles) == 0 || overdue.Link.Position() < troubles[0].link.Position()) {
		blames = append(blames, overdue)
	}
	for _, trouble := range grouped(troubles) {
		blames = append(blames, diagnosis.Culprit{Link: trouble.link, Missing: trouble.String()})
	}
	if len(blames) == 0 {
		blames = append(blames, diagnosis.Culprit{Link: chain.DeploymentController, Missing: fmt.Sprintf(
			"%s: %d of %d Pods are available", describe(c.deployment), objects.Int(c.deployment, "status", "availableReplicas"), c.wanted())})
	}
	return blames, patient
}

// grouped lets the first of several Pods speak for all that say the same.
func grouped(troubles []trouble) []trouble {
	type kind struct{ reason, message string }
	var groups []trouble
	count := map[kind]int{}
	for _, trouble := range troubles {
		same := kind{trouble.reason, trouble.message}
		if count[same]++; count[same] == 1 {
			groups = append(groups, trouble)
		}
	}
	for i := range groups {
		if more := count[kind{groups[i].reason, groups[i].message}] - 1; more > 0 {
			groups[i].object += fmt.Sprintf(" (and %d more)", more)
		}
	}
	return groups
}

func describe(object *unstructured.Unstructured) string {
	return object.GetKind() + " " + object.GetName()
}

func from(link chain.Link, object *unstructured.Unstructured, part string, says map[string]any) trouble {
	reason, _ := says["reason"].(string)
	message, _ := says["message"].(string)
	return trouble{link, describe(object) + part, reason, message}
}

func condition(object *unstructured.Unstructured, kind string) map[string]any {
	conditions, _, _ := unstructured.NestedSlice(object.Object, "status", "conditions")
	for _, entry := range conditions {
		if condition, ok := entry.(map[string]any); ok && condition["type"] == kind {
			return condition
		}
	}
	return nil
}
