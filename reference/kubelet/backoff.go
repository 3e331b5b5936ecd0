package kubelet

import "time"

const (
	backoffInitial = 10 * time.Second
	backoffMax     = 300 * time.Second
	// backoffReset is how long things must go well for the delay to start over.
	backoffReset = 2 * backoffMax
)

// backoff spaces out attempts at what keeps failing: 10 s, doubling to 300 s
// (KUBELET-25, KUBELET-29). The zero value has seen no failure.
type backoff struct {
	delay time.Duration
	last  time.Time
}

// next counts a failure.
func (b *backoff) next(now time.Time) {
	if b.delay == 0 || now.Sub(b.last) > backoffReset {
		b.delay = backoffInitial
	} else {
		b.delay = min(2*b.delay, backoffMax)
	}
	b.last = now
}

// remaining is how much of the delay is left, counted from since. A failure that
// came after a long time without one starts the delay over.
func (b *backoff) remaining(since, now time.Time) time.Duration {
	if b.delay == 0 || since.Sub(b.last) > backoffReset {
		return 0
	}
	return max(0, b.delay-now.Sub(since))
}
