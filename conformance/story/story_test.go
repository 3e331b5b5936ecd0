package story_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/podchain/podchain/conformance/belongings"
	"github.com/podchain/podchain/conformance/history"
	"github.com/podchain/podchain/conformance/story"
)

// TestLastWrites: the last ones are told, without what is written all the time and
// without the nodes of others.
func TestLastWrites(t *testing.T) {
	recorded := history.New()
	for _, write := range []struct{ kind, name, nodesOf string }{
		{"Namespace", "mine", ""}, {"Pod", "early", ""}, {"Node", "node-1", ""}, {"Node", "mine-n1", "mine"},
		{"Node", "theirs-n1", "theirs"}, {"Lease", "node-1", ""}, {"Event", "e", ""}, {"Pod", "late", ""},
	} {
		object := &unstructured.Unstructured{Object: map[string]any{"kind": write.kind, "metadata": map[string]any{"name": write.name}}}
		if write.nodesOf != "" {
			object.SetLabels(map[string]string{belongings.NodesLabel: write.nodesOf})
		}
		recorded.Record(watch.Added, object)
	}
	var told []string
	for _, line := range story.LastWrites(recorded.Now(), story.Attribution{}, 4) {
		told = append(told, strings.Fields(line)[2]+" "+strings.Trim(strings.Fields(line)[3], `"`))
	}
	assert.Equal(t, []string{"Pod early", "Node node-1", "Node mine-n1", "Pod late"}, told)
}
