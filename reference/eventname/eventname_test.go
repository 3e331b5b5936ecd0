package eventname_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"k8s.io/apimachinery/pkg/api/validation"

	"github.com/podchain/podchain/reference/eventname"
)

// TestOrder: names are in the order in which they were given, in virtual time too.
func TestOrder(t *testing.T) {
	order := func(t *testing.T) {
		var names []string
		for range 1000 {
			names = append(names, eventname.New("web"))
		}
		assert.True(t, slices.IsSorted(names))
		assert.Len(t, slices.Compact(names), 1000)
	}
	t.Run("in real time", order)
	t.Run("in virtual time", func(t *testing.T) { synctest.Test(t, order) })
}

// TestUnique: no name is given twice.
func TestUnique(t *testing.T) {
	var mu sync.Mutex
	given := map[string]bool{}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 1000 {
				name := eventname.New("web")
				mu.Lock()
				given[name] = true
				mu.Unlock()
			}
		})
	}
	all.Wait()
	assert.Len(t, given, 8000)
}

// TestValid: whatever the object is called.
func TestValid(t *testing.T) {
	for _, object := range []string{"web", "system:node", "Upper", strings.Repeat("a", 253), strings.Repeat("a", 235) + "-" + strings.Repeat("b", 10)} {
		assert.Empty(t, validation.NameIsDNSSubdomain(eventname.New(object), false), object)
	}
}
