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

// Of several versions that came while the step was busy it is the one that counts.
func TestLagIsThatOfTheDecisiveVersion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := history.New()
		h.Lag = &history.Lag{}
		var noted int
		go func() {
			for range 4 { // after 10, 20, 30 and 40 ms
				time.Sleep(10 * time.Millisecond)
				h.Record(watch.Modified, object("Pod", "a", "1"))
			}
		}()
		require.NoError(t, h.Await(t.Context(), "two versions", func(record history.Record) error {
			noted = record.Len()
			if record.Len() == 1 {
				time.Sleep(35 * time.Millisecond) // until after 45 ms
			}
			if record.Len() < 2 {
				return errors.New("not yet")
			}
			return nil
		}))
		assert.Equal(t, 25*time.Millisecond, h.Lag.Summary().Max, "from the second to the decision")
		assert.Equal(t, 4, noted, "what is noted is as of all of them")
	})
}
