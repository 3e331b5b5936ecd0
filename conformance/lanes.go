package conformance

import (
	"slices"
	"sync"

	"github.com/podchain/podchain/conformance/specification"
	"github.com/podchain/podchain/steps"
)

// lane is what so many workers do, one after the other.
type lane struct {
	work    []*specification.Example
	workers int
}

// lanes says what is run beside what, and in which order.
func lanes(all []*specification.Example, parallel int, venue venue) []lane {
	var together, alone, cut []*specification.Example
	for _, next := range all {
		switch {
		case !venue.alone(next):
			together = append(together, next)
		case cutsOff(next):
			cut = append(cut, next)
		default:
			alone = append(alone, next)
		}
	}
	// Who loses the API server again and again tries ever more seldom: that comes
	// after all else.
	alone = append(alone, cut...)
	if clusters := venue.apart(); clusters > 0 {
		return []lane{{together, parallel}, {alone, clusters}}
	}
	// What runs alone would have all others wait, and wait for them, again and
	// again: it comes at the end.
	return []lane{{append(together, alone...), parallel}}
}

// cutsOff tells whether an example takes the API server from all links.
func cutsOff(example *specification.Example) bool {
	return slices.ContainsFunc(example.Steps, func(step specification.Step) bool { return steps.CutsOff(step.Text) })
}

// run does the work of all lanes at the same time, and returns when it is done.
func run(lanes []lane, do func(*specification.Example)) {
	var group sync.WaitGroup
	defer group.Wait()
	for _, lane := range lanes {
		queue := make(chan *specification.Example)
		for range lane.workers {
			group.Go(func() {
				for next := range queue {
					do(next)
				}
			})
		}
		group.Go(func() {
			defer close(queue)
			for _, next := range lane.work {
				queue <- next
			}
		})
	}
}
