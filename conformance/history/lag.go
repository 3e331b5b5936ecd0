package history

import (
	"slices"
	"sync"
	"time"
)

// Lag collects how long it took from the arrival of what a step waited for to
// the step being decided. A nil Lag collects nothing.
type Lag struct {
	mu   sync.Mutex
	lags []time.Duration
}

func (l *Lag) add(lag time.Duration) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lags = append(l.lags, lag)
}

// Summary says what share of the awaited events was decided on within which time.
type Summary struct {
	// Count of the events that were awaited.
	Count int
	// P50, P90 and P99 of the lags, and the longest.
	P50, P90, P99, Max time.Duration
}

// Summary of what was collected so far.
func (l *Lag) Summary() Summary {
	l.mu.Lock()
	sorted := slices.Sorted(slices.Values(l.lags))
	l.mu.Unlock()
	if len(sorted) == 0 {
		return Summary{}
	}
	// The smallest lag that the given percentage does not exceed.
	percentile := func(of int) time.Duration { return sorted[(len(sorted)*of+99)/100-1] }
	return Summary{len(sorted), percentile(50), percentile(90), percentile(99), sorted[len(sorted)-1]}
}
