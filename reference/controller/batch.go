package controller

import (
	"context"

	"github.com/podchain/podchain/conformance/implementation/crash"
)

// maxParallel bounds the requests that one batch has in flight.
const maxParallel = 64

// SlowStart calls do for 0..count-1, in batches of 1, 2, 4, ... in which the calls
// run side by side. After a batch with a failure it stops: what is refused for
// all costs few requests (RS-17). It returns the first error.
func SlowStart(count int, do func(i int) error) error {
	for begun, batch := 0, 1; begun < count; batch *= 2 {
		size := min(batch, count-begun)
		if err := Parallel(size, func(i int) error { return do(begun + i) }); err != nil {
			return err
		}
		begun += size
	}
	return nil
}

// Parallel calls do for 0..count-1, some at a time, and waits for all. It returns
// the first error.
func Parallel(count int, do func(i int) error) error {
	group, _ := crash.NewErrorGroup(context.Background())
	group.SetLimit(maxParallel)
	for i := range count {
		group.Go(func() error { return do(i) })
	}
	return group.Wait()
}
