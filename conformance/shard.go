package conformance

import (
	"fmt"
	"slices"

	"github.com/podchain/podchain/conformance/events"
	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/conformance/specification"
)

// CheckShard returns an error for a shard whose index is out of range, or if some shard
// of that many would have nothing to run.
func CheckShard(shard events.Shard, whole *specification.Specification) error {
	switch {
	case shard.Index < 1 || shard.Index > shard.Count:
		return fmt.Errorf("shard %s: of %[2]d shards, the first is 1 and the last %[2]d", shard, shard.Count)
	case shard.Count > len(whole.Requirements):
		return fmt.Errorf("shard %s: there are %d requirements to run, which is enough for as many shards", shard, len(whole.Requirements))
	}
	return nil
}

// ofShard is what the shard runs of the whole.
func ofShard(whole *specification.Specification, shard events.Shard) *specification.Specification {
	shards := assignShards(whole, shard.Count)
	mine := &specification.Specification{Digest: whole.Digest, Features: whole.Features}
	mine.Requirements = slices.DeleteFunc(slices.Clone(whole.Requirements), func(requirement *specification.Requirement) bool {
		return shards[requirement] != shard.Index
	})
	return mine
}

// cost is what makes a requirement long to run.
type cost struct{ exclusive, timeBased bool }

func costOf(requirement *specification.Requirement) (p cost) {
	for _, example := range requirement.Examples {
		p.exclusive = p.exclusive || slices.ContainsFunc(example.Capabilities, implementation.Exclusive)
		p.timeBased = p.timeBased || example.TimeBased
	}
	return p
}

// assignShards says for each requirement which of the shards runs it, from 1; without
// shards, 0. It depends only on the specification. A requirement stays whole, so that the
// verdict on it is made in one place. What runs alone and what takes its time is spread
// by itself: a requirement goes to the shard that has the fewest scenarios of its pace,
// and among these to the one that has the fewest at all.
func assignShards(whole *specification.Specification, count int) map[*specification.Requirement]int {
	dealt := map[*specification.Requirement]int{}
	ofPace, all := map[cost][]int{}, make([]int, count)
	for _, requirement := range whole.Requirements {
		if count == 0 {
			dealt[requirement] = 0
			continue
		}
		p := costOf(requirement)
		if ofPace[p] == nil {
			ofPace[p] = make([]int, count)
		}
		least := 0
		for shard := range count {
			if ofPace[p][shard] < ofPace[p][least] || ofPace[p][shard] == ofPace[p][least] && all[shard] < all[least] {
				least = shard
			}
		}
		ofPace[p][least] += len(requirement.Examples)
		all[least] += len(requirement.Examples)
		dealt[requirement] = least + 1
	}
	return dealt
}
