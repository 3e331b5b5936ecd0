package diagnosis_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/podchain/podchain/conformance/diagnosis"
	"github.com/podchain/podchain/conformance/history"
)

// TestWriter: of the managers that an object names, it is the one that owns what has
// changed, however the field is addressed.
func TestWriter(t *testing.T) {
	const pod = `{kind: Pod, metadata: {name: p, uid: p, labels: {app: %s}, finalizers: [%s], managedFields: [
		{manager: of-labels, time: "2026-01-01T00:00:01Z", fieldsV1: {"f:metadata": {"f:labels": {".": {}, "f:app": {}}}}},
		{manager: of-ports, time: "2026-01-01T00:00:02Z", fieldsV1: {"f:spec": {"f:ports": {'k:{"port":80,"protocol":"TCP"}': {".": {}, "f:name": {}}}}}},
		{manager: of-finalizers, time: "2026-01-01T00:00:03Z", fieldsV1: {"f:metadata": {"f:finalizers": {"v:\"a\"": {}}}}},
		{manager: of-phase, subresource: status, time: "2026-01-01T00:00:04Z", fieldsV1: {"f:status": {"f:phase": {}}}}]},
		spec: {ports: [{port: 80, protocol: UDP, name: u}, {port: 80, protocol: TCP, name: %s}]}, status: {phase: %s}}`
	for name, test := range map[string]struct{ label, finalizer, port, phase, want string }{
		"a field":               {"b", "a", "web", "Pending", "of-labels"},
		"an item by its keys":   {"a", "a", "other", "Pending", "of-ports"},
		"an item of a set":      {"a", "b", "web", "Pending", "of-finalizers"},
		"the status":            {"a", "a", "web", "Running", "of-phase (status)"},
		"nothing that is owned": {"a", "a", "web", "Pending", "of-finalizers"},
	} {
		t.Run(name, func(t *testing.T) {
			recorded := history.New()
			recorded.Record(watch.Added, parse(t, fmt.Sprintf(pod, "a", "a", "web", "Pending")))
			recorded.Record(watch.Modified, parse(t, fmt.Sprintf(pod, test.label, test.finalizer, test.port, test.phase)))
			record := recorded.Now()
			assert.Equal(t, test.want, diagnosis.Writer(record, record.All()[1]))
		})
	}
}
