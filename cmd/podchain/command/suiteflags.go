package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/podchain/podchain/conformance"
	"github.com/podchain/podchain/conformance/events"
	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/conformance/report"
	"github.com/podchain/podchain/conformance/specification"
)

// runOptions say how the specification is run, whatever it is run against.
type runOptions struct {
	features  string
	selection []string
	parallel  int
	clusters  int
	seed      int64
	timeout   time.Duration
	reports   []string
	record    []string
	logs      string
	// changed tells whether a flag about clusters was given; nil where there are none.
	changed func(flag string) bool
	// known says why an example is known to fail; nil if no list was given.
	known func(*specification.Example) string
	// shard of the specification that is run; zero: all of it.
	shard events.Shard
	// command is how the specification is run so, without what is about one run only.
	command string
}

// selectFlags adds the flags that say what is run.
func (o *runOptions) selectFlags(flags *pflag.FlagSet) {
	flags.StringArrayVar(&o.selection, "select", nil, "Run what this `pattern` names: an id, a prefix of ids, a level, a link, a feature's path or path:line, or time-based (more than some 15 s in real time); a leading ! excludes (repeatable)")
	flags.StringVar(&o.features, "features", "", "Run the features in this `directory` instead of the built-in specification")
}

// executionFlags adds the flags that say how it is run.
func (o *runOptions) executionFlags(flags *pflag.FlagSet) {
	flags.IntVar(&o.parallel, "parallel", 0, "Run up to `N` scenarios at once (default: what suits the implementation)")
	flags.Int64Var(&o.seed, "seed", 0, "Run the scenarios in a random order, derived from this `number`")
	flags.DurationVar(&o.timeout, "timeout", 0, "Give up waiting for a condition after this time (default 1m, on a running cluster 2m)")
}

// clusterFlags adds the flags about clusters with links from elsewhere.
func (o *runOptions) clusterFlags(flags *pflag.FlagSet) {
	o.changed = flags.Changed
	flags.IntVar(&o.clusters, "clusters", 0, "Start `N` clusters, for links that are not the reference's: scenarios that stop links run on all but the first, while the others run (default 3; 1 with a program of yours)")
	flags.StringVar(&o.logs, "logs", "", "Keep what programs print in this `directory`, up to 64 MiB each: the beginning and the end (default: a directory next to the first report; without a report, one that is kept if something does not pass)")
}

// reportFlags adds the flags about what is written of a run.
func (o *runOptions) reportFlags(flags *pflag.FlagSet, formats string) {
	flags.StringArrayVar(&o.reports, "report", nil, "Write a report: `FORMAT=FILE`, with the format "+formats+" (repeatable)")
}

// recordFlag adds the flag that says of which scenarios the events tell more.
func (o *runOptions) recordFlag(flags *pflag.FlagSet) {
	flags.StringArrayVar(&o.record, "record", nil, "Record what happens in the scenarios that this `pattern` selects, for format events; scenarios that do not pass are always recorded (repeatable)")
}

// places are the files that it reads and writes.
func (o runOptions) places(stdout io.Writer) *places {
	named := &places{}
	named.tree("--features "+o.features, o.features, ".feature", false)
	named.reports("--report", o.reports, stdout)
	named.tree("what programs print (--logs)", logsPath(o.logs, o.reports), logExtension, true)
	return named
}

// load reads what is to be run.
func (o runOptions) load() (*specification.Specification, error) {
	if o.parallel < 0 {
		return nil, fmt.Errorf("--parallel %d: must not be negative", o.parallel)
	}
	if o.timeout < 0 {
		return nil, fmt.Errorf("--timeout %s: must not be negative", o.timeout)
	}
	if o.changed != nil && o.changed("clusters") && o.clusters < 1 {
		return nil, fmt.Errorf("--clusters %d: must be at least 1", o.clusters)
	}
	selected, err := loadSelected(o.features, o.selection)
	if err == nil {
		_, err = o.recorded(selected)
	}
	return selected, err
}

// usualClusters keep two processors busy: scenarios that stop links wait most of the
// time, and nothing else can run on their cluster meanwhile.
const usualClusters = 3

// on returns the options with the usual number of clusters for where their links come
// from: a user's program may not expect that it runs more than once.
func (o runOptions) on(links sources) runOptions {
	if o.clusters == 0 && !links.onlyReference() && !links.program() {
		o.clusters = usualClusters
	}
	return o
}

// commandLine is a command of podchain with the flags that were given, except some.
func commandLine(name string, flags *pflag.FlagSet, except ...string) string {
	words := append([]string{"podchain", name}, given(flags, except...)...)
	return strings.Join(quoted(words), " ")
}

// given are the flags that were given, except some, as arguments.
func given(flags *pflag.FlagSet, except ...string) []string {
	var words []string
	flags.Visit(func(flag *pflag.Flag) {
		if slices.Contains(except, flag.Name) {
			return
		}
		values := []string{flag.Value.String()}
		if several, ok := flag.Value.(pflag.SliceValue); ok {
			values = several.GetSlice()
		}
		if flag.Value.Type() == "stringSlice" {
			values = []string{strings.Join(values, ",")}
		}
		for _, value := range values {
			words = append(words, "--"+flag.Name, value)
		}
	})
	return words
}

// recorded says of which examples what was observed is kept.
func (o runOptions) recorded(selected *specification.Specification) (func(*specification.Example) bool, error) {
	if len(o.record) == 0 {
		return nil, nil
	}
	kept, err := selected.Select(o.record)
	if err != nil {
		return nil, fmt.Errorf("--record: %w", err)
	}
	wanted := map[specification.Location]bool{}
	for _, requirement := range kept.Requirements {
		for _, example := range requirement.Examples {
			wanted[example.Location] = true
		}
	}
	return func(example *specification.Example) bool { return wanted[example.Location] }, nil
}

// run runs it against the target, and reports progress. It may return both a result and an
// error: that of a cluster that did not end well.
func (o runOptions) run(ctx context.Context, selected *specification.Specification, target implementation.Implementation, id string, progress io.Writer, sinks ...func(events.Event)) (*events.RunRecord, error) {
	terminal := false
	if file, ok := progress.(*os.File); ok {
		terminal = term.IsTerminal(int(file.Fd()))
	}
	if os.Getenv("GOGC") == "" {
		// Clusters come and go by the hundred, and little of them is alive at a
		// time: collecting at twice that little would cost a fifth of the run.
		debug.SetGCPercent(400)
	}
	shown := report.NewProgress(progress, terminal)
	defer shown.End()
	record, err := o.recorded(selected)
	if err != nil {
		return nil, err
	}
	options := conformance.Options{
		Command: o.command, KeepHistory: record, Known: o.known,
		Specification: selected, Shard: o.shard, Implementation: target, Parallel: o.parallel, Clusters: o.clusters,
		Seed: o.seed, Timeout: o.timeout, Events: func(event events.Event) {
			for _, sink := range append(sinks, shown.Add) {
				sink(event)
			}
		}, Run: id,
	}
	if _, virtual := target.(implementation.Virtual); virtual {
		return conformance.RunVirtual(ctx, options)
	}
	return conformance.Run(ctx, options)
}

var errInterrupted = errors.New("interrupted: what had not run by then is reported as could not run")
