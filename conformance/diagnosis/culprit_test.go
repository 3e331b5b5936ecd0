package diagnosis_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/diagnosis"
	"github.com/podchain/podchain/conformance/field"
	"github.com/podchain/podchain/conformance/history"
	"github.com/podchain/podchain/conformance/implementation"
)

// TestBlameForAField: the link that should have written what is not as it should be is
// to blame, unless the requirement is about another one that may write it.
func TestBlameForAField(t *testing.T) {
	deviation := func(about chain.Link, kind, path string) diagnosis.Failure {
		return diagnosis.Failure{About: about,
			Object:    &unstructured.Unstructured{Object: map[string]any{"kind": kind, "metadata": map[string]any{"name": "a"}}},
			Deviation: &field.Deviation{Field: path, Err: errors.New("expected 1, it is absent")}}
	}
	for name, test := range map[string]struct {
		failure diagnosis.Failure
		want    diagnosis.Culprit
	}{
		"no object":                  {diagnosis.Failure{About: chain.Scheduler}, diagnosis.Culprit{Link: chain.Scheduler}},
		"no object, the whole chain": {diagnosis.Failure{}, diagnosis.Culprit{}},
		"its own field":              {deviation(chain.ReplicaSetController, "ReplicaSet", "status.replicas"), diagnosis.Culprit{Link: chain.ReplicaSetController}},
		"a field of several":         {deviation(chain.Kubelet, "Pod", "status.conditions[type=PodScheduled].status"), diagnosis.Culprit{Link: chain.Kubelet}},
		"a field of no link":         {deviation(chain.ReplicaSetController, "Pod", "metadata.labels"), diagnosis.Culprit{Link: chain.ReplicaSetController}},
		"what the API server decides about": {deviation(chain.APIServer, "Deployment", "status.replicas"),
			diagnosis.Culprit{Link: chain.APIServer}},
		"another's field": {deviation(chain.APIServer, "Pod", "status.observedGeneration"),
			diagnosis.Culprit{Link: chain.Kubelet, Missing: `Pod "a": status.observedGeneration: expected 1, it is absent`}},
		"a field, the whole chain": {deviation("", "Pod", "status.containerStatuses[name=main].started"),
			diagnosis.Culprit{Link: chain.Kubelet, Missing: `Pod "a": status.containerStatuses[name=main].started: expected 1, it is absent`}},
	} {
		t.Run(name, func(t *testing.T) {
			culprit, sure := diagnosis.Blame(history.Record{}, diagnosis.Attribution{}, test.failure)
			assert.Equal(t, test.want, culprit)
			assert.False(t, sure)
		})
	}
}

// TestBlameForSure: what tells more than what the history lacks comes first.
func TestBlameForSure(t *testing.T) {
	recorded := history.New()
	recorded.Record(watch.Added, parse(t, deaf)) // a Deployment without a ReplicaSet
	notReady := errors.New("the node does not become ready")
	for name, test := range map[string]struct {
		record  history.Record
		failure diagnosis.Failure
		want    chain.Link
	}{
		"no answer":              {recorded.Now(), diagnosis.Failure{NoAnswer: true}, chain.APIServer},
		"a node is not ready":    {history.Record{}, diagnosis.Failure{NotReady: notReady, About: chain.Scheduler}, chain.Kubelet},
		"something before it":    {recorded.Now(), diagnosis.Failure{NotReady: notReady}, chain.DeploymentController},
		"a deviation after it":   {recorded.Now(), diagnosis.Failure{About: chain.Kubelet}, chain.DeploymentController},
		"objects without an end": {recorded.Now(), diagnosis.Failure{NotConverging: true}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			culprit, sure := diagnosis.Blame(test.record, diagnosis.Attribution{}, test.failure)
			assert.Equal(t, test.want, culprit.Link)
			assert.True(t, sure)
			assert.NotEmpty(t, culprit.Missing)
		})
	}
}

// TestForbiddenWrites: a write that no contract allows comes before what is left undone,
// and only where it is known to be the link's.
func TestForbiddenWrites(t *testing.T) {
	recorded := history.New()
	recorded.Record(watch.Added, parse(t, deaf))
	recorded.Record(watch.Added, parse(t, `{apiVersion: v1, kind: Pod, metadata: {name: p, uid: p, resourceVersion: "7"}}`))
	write := implementation.Write{Link: chain.ReplicaSetController, Verb: "create", Resource: "pods", Name: "p", ResourceVersion: "7", Code: 201}
	culprit, sure := diagnosis.Blame(recorded.Now(), diagnosis.Attribute([]implementation.Write{write}), diagnosis.Failure{})
	assert.Equal(t, diagnosis.Culprit{Link: chain.ReplicaSetController, Missing: `it has made Pod "p" without saying whose it is`}, culprit)
	assert.True(t, sure)
	culprit, _ = diagnosis.Blame(recorded.Now(), diagnosis.Attribution{}, diagnosis.Failure{})
	assert.Equal(t, chain.DeploymentController, culprit.Link, "a client may make a Pod")
}
