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
	// changed tells whether a flag was given.
	changed func(flag string) bool
	// known says why an example is known to fail; nil: none is.
	known func(*specification.Example) string
	// shard of the specification that is run; zero: all of it.
	shard events.Shard
	// command is how the specification is run so, without what is about one run only.
	command string
}

func (o *runOptions) add(flags *pflag.FlagSet, formats string) {
	o.changed = flags.Changed
	flags.StringVar(&o.features, "features", "", "run the features in this `directory` instead of the specification's own")
	flags.StringArrayVar(&o.selection, "select", nil, "run what this `pattern` names: an id, a prefix of ids, a level, a link, a feature's path or path:line; ! in front excludes (repeatable)")
	flags.IntVar(&o.parallel, "parallel", 0, "run so many scenarios at once (default: as many as suit the implementation)")
	flags.IntVar(&o.clusters, "clusters", 0, "with links from elsewhere, start so many clusters: those after the first are for scenarios that stop links, which then run while the others do (default 3, 1 with a program of yours)")
	flags.Int64Var(&o.seed, "seed", 0, "run the scenarios in the random order of this seed")
	flags.DurationVar(&o.timeout, "timeout", 0, "give up waiting for one thing after this time (default 1m, on a running cluster 2m)")
	flags.StringArrayVar(&o.reports, "report", nil, "`FORMAT=FILE`: also write a report, in the format "+formats+" (repeatable)")
	flags.StringArrayVar(&o.record, "record", nil, "keep in the report events what was observed in the scenarios that this `pattern` names, as in --select, besides those that did not pass (repeatable)")
	flags.StringVar(&o.logs, "logs", "", "`directory` that keeps what programs print, up to 64 MiB of each: its first and last 16 MiB or more, and how much is missing in between; LINK.log of an earlier run is replaced (default: beside the first report; without one, a new one, which stays if something does not pass)")
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
		return nil, fmt.Errorf("--parallel %d: a number of scenarios is not negative", o.parallel)
	}
	if o.timeout < 0 {
		return nil, fmt.Errorf("--timeout %s: time does not go back", o.timeout)
	}
	if o.changed("clusters") && o.clusters < 1 {
		return nil, fmt.Errorf("--clusters %d: at least one is needed", o.clusters)
	}
	selected, err := loadSelected(o.features, o.selection)
	if err == nil {
		_, err = o.recorded(selected)
	}
	return selected, err
}

// usualClusters are as many as keep two processors busy: what stops links waits most of
// the time, and nobody else can do anything on its cluster meanwhile.
const usualClusters = 3

// on is the same with as many clusters as suit where their links come from: somebody's
// program may not expect that it runs more than once.
func (o runOptions) on(links sources) runOptions {
	if o.clusters == 0 && !links.onlyReference() && !links.program() {
		o.clusters = usualClusters
	}
	return o
}

// commandLine is a command of podchain with the flags that were given, but for some.
func commandLine(name string, flags *pflag.FlagSet, but ...string) string {
	words := append([]string{"podchain", name}, given(flags, but...)...)
	return strings.Join(quoted(words), " ")
}

// given are the flags that were given, but for some, as arguments.
func given(flags *pflag.FlagSet, but ...string) []string {
	var words []string
	flags.Visit(func(flag *pflag.Flag) {
		if slices.Contains(but, flag.Name) {
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

// run runs it against the target, and tells how far it has come. The result may be
// there with an error: that of a cluster that did not end well.
func (o runOptions) run(ctx context.Context, selected *specification.Specification, target implementation.Implementation, id string, told io.Writer, sinks ...func(events.Event)) (*events.RunRecord, error) {
	terminal := false
	if file, ok := told.(*os.File); ok {
		terminal = term.IsTerminal(int(file.Fd()))
	}
	if os.Getenv("GOGC") == "" {
		// Clusters come and go by the hundred, and little of them is alive at a
		// time: collecting at twice that little would cost a fifth of the run.
		debug.SetGCPercent(400)
	}
	progress := report.NewProgress(told, terminal)
	defer progress.End()
	record, err := o.recorded(selected)
	if err != nil {
		return nil, err
	}
	options := conformance.Options{
		Command: o.command, KeepHistory: record, Known: o.known,
		Specification: selected, Shard: o.shard, Implementation: target, Parallel: o.parallel, Clusters: o.clusters,
		Seed: o.seed, Timeout: o.timeout, Events: func(event events.Event) {
			for _, sink := range append(sinks, progress.Add) {
				sink(event)
			}
		}, Run: id,
	}
	if _, virtual := target.(implementation.Virtual); virtual {
		return conformance.RunVirtual(ctx, options)
	}
	return conformance.Run(ctx, options)
}

var errInterrupted = errors.New("interrupted: what had not been executed by then could not run")
