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

// schedule says what is run beside what, and in which order.
func schedule(all []*specification.Example, parallel int, venue environment) []lane {
	var long, together, alone, cut []*specification.Example
	for _, next := range all {
		switch {
		case venue.exclusive(next) && cutsOff(next):
			cut = append(cut, next)
		case venue.exclusive(next):
			alone = append(alone, next)
		case next.TimeBased:
			long = append(long, next)
		default:
			together = append(together, next)
		}
	}
	// Nobody is to wait in the end for what takes longest.
	together = append(long, together...)
	if clusters := venue.spareClusters(); clusters > 0 {
		return []lane{{together, parallel}, {interleave(cut, alone), clusters}}
	}
	// What runs alone would have all others wait, and wait for them, again and
	// again: it comes at the end.
	return []lane{{interleave(cut, together, alone), parallel}}
}

// interleave puts the examples that cut links off before, between and after the phases, as
// far from each other as that goes: who loses the API server again soon takes ever
// longer to come back, until he has had it for two minutes.
func interleave(cut []*specification.Example, phases ...[]*specification.Example) (order []*specification.Example) {
	portions := len(phases) + 1
	portion := func(i int) []*specification.Example {
		return cut[len(cut)*i/portions : len(cut)*(i+1)/portions]
	}
	for i, phase := range phases {
		order = slices.Concat(order, portion(i), phase)
	}
	return slices.Concat(order, portion(portions-1))
}

// cutsOff tells whether an example takes the API server from all links.
func cutsOff(example *specification.Example) bool {
	return slices.ContainsFunc(example.Steps, func(step specification.Step) bool { return steps.CutsOff(step.Text) })
}

// runLanes does the work of all lanes at the same time, and returns when it is done.
func runLanes(lanes []lane, do func(*specification.Example)) {
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
