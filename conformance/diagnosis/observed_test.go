package diagnosis_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/diagnosis"
	"github.com/podchain/podchain/conformance/history"
	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/conformance/runresources"
)

// TestLastWrites: the last ones are told, without what is written all the time and
// without the nodes of others.
func TestLastWrites(t *testing.T) {
	recorded := history.New()
	for _, write := range []struct{ kind, name, nodesOf string }{
		{"Namespace", "mine", ""}, {"Pod", "early", ""}, {"Node", "node-1", ""}, {"Node", "mine-n1", "mine"},
		{"Node", "theirs-n1", "theirs"}, {"Lease", "node-1", ""}, {"Event", "e", ""}, {"Pod", "late", ""},
	} {
		object := &unstructured.Unstructured{Object: map[string]any{
			"kind": write.kind, "metadata": map[string]any{"name": write.name, "resourceVersion": "7"}}}
		if write.nodesOf != "" {
			object.SetLabels(map[string]string{runresources.NodesLabel: write.nodesOf})
		}
		recorded.Record(watch.Added, object)
	}
	var told []string
	for _, line := range diagnosis.LastWrites(recorded.Now(), diagnosis.Attribution{}, 4, "") {
		told = append(told, strings.Fields(line)[3]+" "+strings.Trim(strings.Fields(line)[4], `"`))
	}
	assert.Equal(t, []string{"Pod early", "Node node-1", "Node mine-n1", "Pod late"}, told)
}

// Whoever is blamed is told with what it has written, also if that is long ago.
func TestLastWritesOfTheBlamed(t *testing.T) {
	recorded := history.New()
	var writes []implementation.Write
	for i, link := range []chain.Link{chain.Scheduler, chain.Scheduler, chain.Kubelet, chain.Kubelet, chain.Kubelet} {
		name, version := fmt.Sprint("p", i), fmt.Sprint(i+1)
		recorded.Record(watch.Added, &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "v1", "kind": "Pod", "metadata": map[string]any{"name": name, "uid": name, "resourceVersion": version}}})
		writes = append(writes, implementation.Write{Link: link, Verb: "create", Resource: "pods", Name: name, ResourceVersion: version})
	}
	for _, test := range []struct {
		blamed chain.Link
		told   []string
	}{
		{"", []string{"p3", "p4"}},
		{chain.Kubelet, []string{"p3", "p4"}},
		{chain.Scheduler, []string{"p1", "p4"}},
		{chain.GarbageCollector, []string{"p3", "p4"}},
	} {
		var told []string
		for _, line := range diagnosis.LastWrites(recorded.Now(), diagnosis.Attribute(writes), 2, test.blamed) {
			told = append(told, strings.Trim(strings.Fields(line)[4], `"`))
		}
		assert.Equal(t, test.told, told, test.blamed)
	}
}

// Whoever was cut off has written nothing.
func TestCutWritesAreNobodys(t *testing.T) {
	recorded := history.New()
	object := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Pod", "metadata": map[string]any{"name": "p", "uid": "p", "resourceVersion": "1"}}}
	recorded.Record(watch.Added, object)
	recorded.Record(watch.Deleted, object)
	attribution := diagnosis.Attribute([]implementation.Write{
		{Link: chain.GarbageCollector, Verb: "delete", Resource: "pods", Name: "p", Code: 200},
		{Link: chain.Kubelet, Verb: "delete", Resource: "pods", Name: "p", Fault: implementation.Cut},
	})
	lines := diagnosis.LastWrites(recorded.Now(), attribution, 1, "")
	require.Len(t, lines, 1)
	assert.Contains(t, lines[0], "a deletion by garbage-collector")
	assert.Contains(t, attribution.Disturbed("", time.Time{}, 1)[0], "delete pods p, not answered")
}
