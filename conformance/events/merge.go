package events

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// Merge makes one run of shards, in whatever order they come. Apart from times, and from
// the ids that are on what the shards have made in a cluster, it is what one run of
// everything would have recorded. What shards that are not there would have executed
// could not run. The error is for shards that are not of one run, and for one that is
// there twice.
func Merge(shards []*RunRecord) (*RunRecord, error) {
	parts, err := arrange(shards)
	if err != nil {
		return nil, err
	}
	first := shards[0]
	merged := &RunRecord{Run: first.Run, Features: first.Features}
	merged.Run.Shard, merged.Run.ID = nil, ""
	merged.Run.Specification = Specification{Digest: first.Run.Specification.Digest}
	executed := map[string]*RequirementRecord{}
	for _, part := range parts {
		if part == nil {
			continue
		}
		merged.Run.ID = strings.TrimSpace(merged.Run.ID + " " + part.Run.ID)
		for _, requirement := range part.Requirements {
			executed[requirement.ID] = requirement
		}
	}
	for _, dealt := range first.assigned {
		record := executed[dealt.Requirement.ID]
		if record == nil {
			record = unexecuted(dealt.Requirement, fmt.Sprintf("shard %s is not there", Shard{dealt.Shard, len(parts)}))
		}
		merged.addRequirement(record)
		merged.Run.Specification.Requirements++
		merged.Run.Specification.Scenarios += len(record.Scenarios)
	}
	merged.clock(parts)
	return merged, nil
}

// Runs makes whole runs of what was recorded: shards of one run are merged, in the place
// of the first of them, and whole runs stay as they are.
func Runs(recordings []*RunRecord) ([]*RunRecord, error) {
	var groups [][]*RunRecord
	for _, recording := range recordings {
		of := slices.IndexFunc(groups, func(group []*RunRecord) bool { return group[0].differs(recording) == "" })
		if of < 0 {
			groups = append(groups, []*RunRecord{recording})
			continue
		}
		groups[of] = append(groups[of], recording)
	}
	var runs []*RunRecord
	for _, group := range groups {
		run := group[0]
		if run.Run.Shard != nil {
			var err error
			if run, err = Merge(group); err != nil {
				return nil, err
			}
		}
		runs = append(runs, run)
	}
	return runs, nil
}

// arrange returns the shards of one run in their order, nil for each that is not there.
func arrange(shards []*RunRecord) ([]*RunRecord, error) {
	if len(shards) == 0 {
		return nil, errors.New("there is no shard to merge")
	}
	var parts []*RunRecord
	for _, shard := range shards {
		switch why := shards[0].differs(shard); {
		case shard.Run.Shard == nil:
			return nil, errors.New("a whole run is no shard, and cannot be merged")
		case why != "":
			return nil, fmt.Errorf("shards %s and %s are not of one run: %s", shards[0].Run.Shard, shard.Run.Shard, why)
		case parts == nil:
			parts = make([]*RunRecord, shard.Run.Shard.Count)
		}
		at := &parts[shard.Run.Shard.Index-1]
		if *at != nil {
			return nil, fmt.Errorf("shard %s is there twice", shard.Run.Shard)
		}
		*at = shard
	}
	return parts, nil
}

// differs says why two recordings are not shards of one run; "" if they are.
func (r *RunRecord) differs(other *RunRecord) string {
	if r.Run.Shard == nil || other.Run.Shard == nil {
		return "one is whole"
	}
	for _, c := range []struct {
		what     string
		one, two any
	}{
		{"specification", r.Run.Specification.Digest, other.Run.Specification.Digest},
		{"implementation", r.Run.Implementation.String(), other.Run.Implementation.String()},
		{"command", r.Run.Command, other.Run.Command},
		{"seed", r.Run.Seed, other.Run.Seed},
		{"number of shards", r.Run.Shard.Count, other.Run.Shard.Count},
		{"virtual time", r.Run.Virtual, other.Run.Virtual},
	} {
		if c.one != c.two {
			return fmt.Sprintf("%s %v, and %[1]s %[3]v", c.what, c.one, c.two)
		}
	}
	if !slices.EqualFunc(r.assigned, other.assigned, sameAssignment) {
		return "other scenarios were selected, or one breaks off before it has named them all"
	}
	return ""
}

func sameAssignment(one, two OtherShard) bool {
	return one.Shard == two.Shard && one.Requirement.ID == two.Requirement.ID &&
		slices.EqualFunc(one.Requirement.Scenarios, two.Requirement.Scenarios, func(one, two Example) bool { return one.Location == two.Location })
}

// clock has a merged run start with the first of its shards and end with the last. It
// has no end if one of them has none, or is not there.
func (r *RunRecord) clock(parts []*RunRecord) {
	var ended time.Time
	var faults []string
	end := &End{}
	for _, part := range parts {
		if part != nil && part.Run.Started.Before(r.Run.Started) {
			r.Run.Started = part.Run.Started
		}
		if part == nil || part.End == nil {
			end = nil
		}
		if end == nil {
			continue
		}
		if at := part.Run.Started.Add(time.Duration(math.Round(part.End.Seconds * float64(time.Second)))); at.After(ended) {
			ended = at
		}
		end.Lag = end.Lag.and(part.End.Lag)
		if part.End.Error != "" {
			faults = append(faults, fmt.Sprintf("shard %s: %s", part.Run.Shard, part.End.Error))
		}
	}
	if end != nil {
		end.Seconds, end.Error = ended.Sub(r.Run.Started).Seconds(), strings.Join(faults, "\n")
	}
	r.End = end
}

// and is the lag of two together; either may be nil.
func (l *Lag) and(other *Lag) *Lag {
	if l == nil || other == nil {
		return cmp.Or(l, other)
	}
	return &Lag{l.Count + other.Count, max(l.P50, other.P50), max(l.P90, other.P90), max(l.P99, other.P99), max(l.Max, other.Max)}
}
