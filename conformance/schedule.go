package conformance

import (
	"slices"
	"sync"

	"github.com/podchain/podchain/conformance/specification"
	"github.com/podchain/podchain/steps"
)

// lane is work for a number of workers, who take it in order.
type lane struct {
	work    []*specification.Example
	workers int
}

// schedule says what runs at the same time as what, and in which order.
func schedule(all []*specification.Example, parallel int, environment environment) []lane {
	var long, together, exclusive, outages []*specification.Example
	for _, next := range all {
		switch {
		case environment.exclusive(next) && stopsAPIServer(next):
			outages = append(outages, next)
		case environment.exclusive(next):
			exclusive = append(exclusive, next)
		case next.TimeBased:
			long = append(long, next)
		default:
			together = append(together, next)
		}
	}
	// What takes longest comes first, so that the run does not wait for it at the end.
	together = append(long, together...)
	if clusters := environment.spareClusters(); clusters > 0 {
		return []lane{{together, parallel}, {interleave(outages, exclusive), clusters}}
	}
	// An exclusive example and all others wait for each other: exclusive ones come
	// together, at the end.
	return []lane{{interleave(outages, together, exclusive), parallel}}
}

// interleave puts the outages before, between and after the phases, as far from each
// other as possible: a link that soon loses the API server again takes ever longer to
// reconnect, until it has been connected for two minutes.
func interleave(outages []*specification.Example, phases ...[]*specification.Example) (order []*specification.Example) {
	portions := len(phases) + 1
	portion := func(i int) []*specification.Example {
		return outages[len(outages)*i/portions : len(outages)*(i+1)/portions]
	}
	for i, phase := range phases {
		order = slices.Concat(order, portion(i), phase)
	}
	return slices.Concat(order, portion(portions-1))
}

// stopsAPIServer tells whether an example takes the API server from all links.
func stopsAPIServer(example *specification.Example) bool {
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
