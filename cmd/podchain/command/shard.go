package command

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/podchain/podchain/conformance/events"
)

const (
	// ofJob stands for the index of a shard that is a Pod of an Indexed Job.
	ofJob = "job"
	// jobIndex is where such a Pod finds which one it is, from 0.
	jobIndex = "JOB_COMPLETION_INDEX"
)

// shardHelp describes --shard.
const shardHelp = "Run part I of N: `I/N` with I from 1, or job/N in a Pod of an Indexed Job"

// parseShard reads --shard; without it, it is the whole.
func parseShard(flag string) (events.Shard, error) {
	if flag == "" {
		return events.Shard{}, nil
	}
	first, second, _ := strings.Cut(flag, "/")
	from := 1
	if first == ofJob {
		first, from = os.Getenv(jobIndex), 0
		if first == "" {
			return events.Shard{}, fmt.Errorf("--shard %s: the environment has no %s, which is set in the Pods of an Indexed Job", flag, jobIndex)
		}
	}
	index, err := strconv.Atoi(first)
	count, countErr := strconv.Atoi(second)
	shard := events.Shard{Index: index - from + 1, Count: count}
	if err != nil || countErr != nil || shard.Index < 1 || shard.Index > shard.Count {
		return events.Shard{}, fmt.Errorf("--shard %s: expected I/N with I from 1 to N, or %s/N with %s from 0 to N-1", flag, ofJob, jobIndex)
	}
	return shard, nil
}
