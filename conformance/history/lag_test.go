package history_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/podchain/podchain/conformance/history"
)

// What takes time between the arrival and the decision is measured, and only
// where something was awaited.
func TestLag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := history.New()
		h.Lag = &history.Lag{}
		slow := 3 * time.Millisecond
		has := func(count int) func(history.Record) error {
			return func(record history.Record) error {
				time.Sleep(slow)
				if record.Len() < count {
					return errors.New("not yet")
				}
				return nil
			}
		}
		for count := 1; count <= 100; count++ {
			if count == 100 {
				slow = time.Second
			}
			go func() {
				time.Sleep(time.Minute)
				h.Record(watch.Added, object("Pod", "a", "1"))
			}()
			require.NoError(t, h.Await(t.Context(), "another version", has(count)))
			require.NoError(t, h.Await(t.Context(), "what is there already", has(count)))
		}
		assert.Equal(t, history.Summary{Count: 100, P50: 3 * time.Millisecond, P90: 3 * time.Millisecond, P99: 3 * time.Millisecond, Max: time.Second},
			h.Lag.Summary())
		assert.Zero(t, (&history.Lag{}).Summary())
	})
}
