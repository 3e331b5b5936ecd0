package conformance

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/events"
	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/conformance/specification"
	"github.com/podchain/podchain/features"
)

// TestDeal: each requirement is run by just one shard, every shard has something to run,
// and what takes long is spread evenly: no shard has more of it than another by more
// than one requirement.
func TestDeal(t *testing.T) {
	whole, err := specification.Load(features.Files)
	require.NoError(t, err)
	for _, selection := range [][]string{nil, {"RS", "SCHED", "RECOVER"}, {"time-based", "RECOVER"}} {
		selected, err := whole.Select(selection)
		require.NoError(t, err)
		for count := 1; count <= 10; count++ {
			t.Run(fmt.Sprintf("%v in %d", selection, count), func(t *testing.T) {
				dealt := map[string]int{}
				loads, largest := map[cost][]int{}, map[cost]int{}
				for index := range count {
					shard := events.Shard{Index: index + 1, Count: count}
					require.NoError(t, CheckShard(shard, selected))
					mine := ofShard(selected, shard)
					assert.NotEmpty(t, mine.Requirements)
					for _, requirement := range mine.Requirements {
						dealt[requirement.ID]++
						p := costOf(requirement)
						if loads[p] == nil {
							loads[p] = make([]int, count)
						}
						loads[p][index] += len(requirement.Examples)
						largest[p] = max(largest[p], len(requirement.Examples))
					}
				}
				assert.Len(t, dealt, len(selected.Requirements))
				for _, requirement := range selected.Requirements {
					assert.Equal(t, 1, dealt[requirement.ID], requirement.ID)
				}
				for p, load := range loads {
					least, most := load[0], load[0]
					for _, each := range load {
						least, most = min(least, each), max(most, each)
					}
					assert.LessOrEqual(t, most-least, largest[p], "%+v: %v", p, load)
				}
			})
		}
	}
}

func TestCheckShard(t *testing.T) {
	whole, err := specification.Load(features.Files)
	require.NoError(t, err)
	selected, err := whole.Select([]string{"RS-01", "RS-05"})
	require.NoError(t, err)
	for shard, says := range map[events.Shard]string{
		{Index: 2, Count: 2}: "",
		{Index: 0, Count: 2}: "shard 0/2: of 2 shards, the first is 1 and the last 2",
		{Index: 3, Count: 2}: "shard 3/2",
		{Index: 1, Count: 3}: "shard 1/3: there are 2 requirements to run",
	} {
		_, err := Run(t.Context(), Options{Specification: selected, Shard: shard, Implementation: nowhere{}})
		if says == "" {
			assert.ErrorIs(t, err, errNowhere, shard)
			continue
		}
		assert.ErrorContains(t, err, says, shard)
	}
}

// nowhere is an implementation that does not start.
type nowhere struct{}

var errNowhere = errors.New("it does not start")

func (nowhere) Describe() chain.Description { return chain.Description{} }

func (nowhere) Start(context.Context) (implementation.Cluster, error) { return nil, errNowhere }
