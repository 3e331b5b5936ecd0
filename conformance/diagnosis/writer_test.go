package diagnosis_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/diagnosis"
	"github.com/podchain/podchain/conformance/field"
	"github.com/podchain/podchain/conformance/history"
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
