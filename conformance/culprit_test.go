package conformance

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/diagnosis"
	"github.com/podchain/podchain/conformance/field"
	"github.com/podchain/podchain/conformance/history"
	"github.com/podchain/podchain/conformance/specification"
	"github.com/podchain/podchain/steps"
)

// TestCulprit: the owner of the field that is wrong is to blame, unless the link of the
// requirement is among its owners.
func TestCulprit(t *testing.T) {
	deviation := func(kind, path string) error {
		object := &unstructured.Unstructured{Object: map[string]any{"kind": kind, "metadata": map[string]any{"name": "a"}}}
		return fmt.Errorf("waited: %w", &steps.Deviation{Object: object,
			Err: errors.Join(&field.Deviation{Field: path, Err: errors.New("expected 1, it is absent")})})
	}
	for name, test := range map[string]struct {
		about string // link of the requirement
		err   error
		want  chain.Link
		wrote string
	}{
		"no object":                         {"scheduler", errors.New("no Event appeared"), chain.Scheduler, ""},
		"no object, the whole chain":        {"chain", errors.New("no Event appeared"), "", ""},
		"its own field":                     {"replicaset-controller", deviation("ReplicaSet", "status.replicas"), chain.ReplicaSetController, ""},
		"a field of several":                {"kubelet", deviation("Pod", "status.conditions[type=PodScheduled].status"), chain.Kubelet, ""},
		"a field of nobody":                 {"replicaset-controller", deviation("Pod", "metadata.labels"), chain.ReplicaSetController, ""},
		"what the API server decides about": {"api-server", deviation("Deployment", "status.replicas"), chain.APIServer, ""},
		"another's field": {"api-server", deviation("Pod", "status.observedGeneration"), chain.Kubelet,
			`Pod "a": status.observedGeneration: expected 1, it is absent`},
		"a field, the whole chain": {"chain", deviation("Pod", "status.containerStatuses[name=main].started"), chain.Kubelet,
			`Pod "a": status.containerStatuses[name=main].started: expected 1, it is absent`},
	} {
		t.Run(name, func(t *testing.T) {
			link, wrote := culprit(&specification.Requirement{Link: test.about}, test.err, history.Record{}, diagnosis.Attribution{})
			assert.Equal(t, test.want, link)
			assert.Equal(t, test.wrote, wrote)
		})
	}
}
