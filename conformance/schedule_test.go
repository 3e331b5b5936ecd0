package conformance

import (
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/podchain/podchain/conformance/specification"
)

// spares is an environment with that many spare clusters, where what needs a capability
// runs alone.
type spares struct {
	environment
	count int
}

func (spares) exclusive(example *specification.Example) bool { return len(example.Capabilities) > 0 }
func (s spares) spareClusters() int                          { return s.count }

func TestSchedule(t *testing.T) {
	// What an example does: c cuts links off, a runs alone, t together with others, l
	// so too, but long.
	named := func(name string) *specification.Example {
		example := &specification.Example{Name: name, TimeBased: name[0] == 'l'}
		if name[0] != 't' && name[0] != 'l' {
			example.Capabilities = []string{"links"}
		}
		if name[0] == 'c' {
			example.Steps = []specification.Step{{Text: "the api-server is stopped"}}
		}
		return example
	}
	for name, test := range map[string]struct {
		spares int
		work   string
		want   map[string]int // work of a lane, and its workers
	}{
		"one cluster":           {0, "c1 t1 a1 t2 a2", map[string]int{"t1 t2 a1 a2 c1": 8}},
		"two spare":             {2, "c1 t1 a1 t2 a2", map[string]int{"t1 t2": 8, "a1 a2 c1": 2}},
		"outages":               {0, "c1 c2 c3 c4 t1 a1", map[string]int{"c1 t1 c2 a1 c3 c4": 8}},
		"outages on spares":     {2, "c1 c2 c3 t1 a1", map[string]int{"t1": 8, "c1 a1 c2 c3": 2}},
		"what takes long":       {0, "t1 l1 t2 l2", map[string]int{"l1 l2 t1 t2": 8}},
		"nothing to be alone":   {0, "t2 t1", map[string]int{"t2 t1": 8}},
		"nothing but the alone": {0, "c1 a1 c2", map[string]int{"c1 a1 c2": 8}},
	} {
		t.Run(name, func(t *testing.T) {
			var all []*specification.Example
			for _, name := range strings.Fields(test.work) {
				all = append(all, named(name))
			}
			planned := schedule(all, 8, spares{count: test.spares})
			got := map[string]int{}
			for _, lane := range planned {
				var names []string
				for _, next := range lane.work {
					names = append(names, next.Name)
				}
				got[strings.Join(names, " ")] = lane.workers
			}
			assert.Equal(t, test.want, got)

			var mu sync.Mutex
			done := map[string]int{}
			runLanes(planned, func(next *specification.Example) {
				mu.Lock()
				defer mu.Unlock()
				done[next.Name]++
			})
			for _, name := range strings.Fields(test.work) {
				assert.Equal(t, 1, done[name], name)
			}
		})
	}
}
