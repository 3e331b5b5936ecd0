package garbagecollector

import (
	"testing"

	"github.com/stretchr/testify/assert"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

var configMaps = &resource{
	GroupVersionResource: schema.GroupVersionResource{Version: "v1", Resource: "configmaps"},
	kind:                 "ConfigMap", namespaced: true, collectable: true,
}

// TestGraphAffected states which objects each change makes worth a look: those
// and no others, for a look may cost requests.
func TestGraphAffected(t *testing.T) {
	waits := func(o *object) *object {
		o.deleting, o.finalizers = true, []string{metav1.FinalizerDeleteDependents}
		return o
	}
	blocking := func(o *object) *object {
		yes := true
		o.owners[0].BlockOwnerDeletion = &yes
		return o
	}
	elsewhere := func(o *object) *object { o.namespace = "other"; return o }
	tests := map[string]struct {
		before []*object
		change func(*graph) []types.UID
		want   []types.UID
	}{
		"nobody's":                       {nil, sees(node("a")), nil},
		"dependent of a known owner":     {list(node("a")), sees(node("d", "a")), nil},
		"dependent of an unknown owner":  {nil, sees(node("d", "a")), ids("d")},
		"dependent of a waiting owner":   {list(waits(node("a"))), sees(node("d", "a")), ids("d")},
		"dependent in another namespace": {list(node("a")), sees(elsewhere(node("d", "a"))), ids("d")},
		"the same again":                 {list(node("d", "a")), sees(node("d", "a")), nil},
		"owner turns up":                 {list(node("d", "a")), sees(node("a")), nil},
		"owner turns up elsewhere":       {list(node("d", "a")), sees(elsewhere(node("a"))), ids("d")},
		"owner begins to wait":           {list(node("a"), node("d", "a")), sees(waits(node("a"))), ids("a", "d")},
		"owner is gone":                  {list(node("a"), node("d", "a"), node("e", "a")), gone("a"), ids("d", "e")},
		"blocking dependent is gone":     {list(waits(node("a")), blocking(node("d", "a"))), gone("d"), ids("a")},
		"dependent ceases to block":      {list(waits(node("a")), blocking(node("d", "a"))), sees(node("d", "a")), ids("a", "d")},
		"unknown object is gone":         {nil, gone("z"), nil},
		"list without the owner": {list(node("a"), node("d", "a")),
			func(g *graph) []types.UID { return g.replace(configMaps, list(node("d", "a"))) }, ids("d")},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			g := newGraph()
			for _, o := range test.before {
				g.observe(o)
			}
			assert.ElementsMatch(t, test.want, test.change(g))
		})
	}
}

func TestGraphKeepsNothingOfTheDead(t *testing.T) {
	g := newGraph()
	g.observe(node("a"))
	g.observe(node("d", "a"))
	g.forget("a")
	v, _ := g.view("d")
	assert.Equal(t, []standing{dangling}, v.standings, "an owner seen to go needs no look-up")
	g.forget("d")
	assert.Empty(t, g.objects)
	assert.Empty(t, g.dependents)
	assert.Empty(t, g.absent)
}

// TestGraphView covers what only the graph can know about an object's dependents.
func TestGraphView(t *testing.T) {
	yes := true
	g := newGraph()
	g.observe(node("a", "a")) // its own owner
	d := node("d", "a")
	d.owners[0].BlockOwnerDeletion = &yes
	g.observe(d)
	v, ok := g.view("a")
	assert.True(t, ok)
	assert.True(t, v.blocked)
	assert.Equal(t, ids("d"), v.blocking)

	leaving := *d
	leaving.deleting = true
	g.observe(&leaving)
	v, _ = g.view("a")
	assert.True(t, v.blocked, "it is waited for until it is gone")
	assert.Empty(t, v.blocking, "it need not be told again")
}

func node(uid types.UID, owners ...types.UID) *object {
	return &object{resource: configMaps, namespace: "ns", name: string(uid), uid: uid, owners: refs(owners...)}
}

func sees(o *object) func(*graph) []types.UID {
	return func(g *graph) []types.UID { return g.observe(o) }
}

func gone(uid types.UID) func(*graph) []types.UID {
	return func(g *graph) []types.UID { return g.forget(uid) }
}

func list(objects ...*object) []*object { return objects }
func ids(uids ...types.UID) []types.UID { return uids }
