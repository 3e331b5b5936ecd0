package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/podchain/podchain/conformance"
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
	logs      string
}

func (o *runOptions) add(flags *pflag.FlagSet, formats string) {
	flags.StringVar(&o.features, "features", "", "run the features in this `directory` instead of the specification's own")
	flags.StringArrayVar(&o.selection, "select", nil, "run what this `pattern` names: an id, a prefix of ids, a level, a link, a feature's path or path:line; ! in front excludes (repeatable)")
	flags.IntVar(&o.parallel, "parallel", 0, "run so many scenarios at once (default: as many as suit the implementation)")
	flags.IntVar(&o.clusters, "clusters", 1, "with links from elsewhere, start so many clusters: those after the first are for scenarios that stop links, which then run while the others do")
	flags.Int64Var(&o.seed, "seed", 0, "run the scenarios in the random order of this seed")
	flags.DurationVar(&o.timeout, "timeout", time.Minute, "give up waiting for one thing after this time")
	flags.StringArrayVar(&o.reports, "report", nil, "`FORMAT=FILE`: also write a report, in the format "+formats+" (repeatable)")
	flags.StringVar(&o.logs, "logs", "", "`directory` that keeps what programs print (default: beside the first report; without one, a new one, which stays if something does not pass)")
}

// load reads what is to be run.
func (o runOptions) load() (*specification.Specification, error) {
	if o.parallel < 0 {
		return nil, fmt.Errorf("--parallel %d: a number of scenarios is not negative", o.parallel)
	}
	if o.clusters < 1 {
		return nil, fmt.Errorf("--clusters %d: at least one is needed", o.clusters)
	}
	return loadSelected(o.features, o.selection)
}

// run runs it against the target, and tells how far it has come. The result may be
// there with an error: that of a cluster that did not end well.
func (o runOptions) run(ctx context.Context, selected *specification.Specification, target implementation.Implementation, id string, told io.Writer) (*conformance.Result, error) {
	terminal := false
	if file, ok := told.(*os.File); ok {
		terminal = term.IsTerminal(int(file.Fd()))
	}
	if os.Getenv("GOGC") == "" {
		// Clusters come and go by the hundred, and little of them is alive at a
		// time: collecting at twice that little would cost a fifth of the run.
		debug.SetGCPercent(400)
	}
	progress := report.NewProgress(told, terminal, selected)
	defer progress.End()
	options := conformance.Options{
		Specification: selected, Implementation: target, Parallel: o.parallel, Clusters: o.clusters,
		Seed: o.seed, Timeout: o.timeout, Done: progress.Done, Run: id,
	}
	if _, virtual := target.(implementation.Virtual); virtual {
		return conformance.RunVirtual(ctx, options)
	}
	return conformance.Run(ctx, options)
}

var errInterrupted = errors.New("interrupted: what had not been executed by then could not run")
